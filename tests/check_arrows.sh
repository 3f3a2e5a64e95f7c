#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Do the parts include only what the Makefile's table of parts lets them use? Each offending #include is named as
# file:line. Also refused: another part's private header (*_private.h, *_internal.h), and a project header named in
# any way but "part/name.h" from the root.
set -eu
cd "$(dirname "$0")/.."

make -s print-parts | awk '
    { sub(/:/, "", $1); part[++parts] = $1; for (i = 2; i <= NF; i++) uses[$1, $i] = 1 }
    END {
        if (parts == 0) { print "check_arrows: make print-parts named no part" > "/dev/stderr"; exit 1 }
        for (p = 1; p <= parts; p++) check_part(part[p])
        printf "%d files, %d includes, %d wrong\n", files, includes, wrong
        exit wrong > 0
    }
    function check_part(name,    list, file) {
        list = "ls " name "/*.c " name "/*.h 2>/dev/null"
        while ((list | getline file) > 0) { files++; check_file(name, file) }
        close(list)
    }
    function check_file(name, file,    line, number, path) {
        number = 0
        while ((getline line < file) > 0) {
            number++
            if (line !~ /^[ \t]*#[ \t]*include[ \t]*["<]/) continue
            path = line
            sub(/^[^"<]*["<]/, "", path)
            sub(/[">].*$/, "", path)
            if (line ~ /</ && part_of(path) == "") continue # a library or the system
            includes++
            complain(file, number, verdict(name, path, line ~ /</))
        }
        close(file)
    }
    function verdict(name, path, angled,    other) {
        other = part_of(path)
        if (angled) return "\"" path "\" is ours: include it in quotes"
        if (other == "") return "\"" path "\" does not begin with a part: write it from the root"
        if (!exists(path)) return "\"" path "\" does not exist"
        if (other == name) return ""
        if (path ~ /_(private|internal)\.h$/) return "\"" path "\" is private to " other
        if ((name, other) in uses) return ""
        if ((name, substr(path, 1, length(path) - 2)) in uses) return "" # one header of a part, as "gpu/telemetry"
        return name " may not use " other " (\"" path "\")"
    }
    function exists(path,    line, got) {
        got = (getline line < path)
        close(path)
        return got >= 0
    }
    function part_of(path,    i, best) {
        best = ""
        for (i = 1; i <= parts; i++)
            if (index(path, part[i] "/") == 1 && length(part[i]) > length(best)) best = part[i]
        return best
    }
    function complain(file, number, text) {
        if (text == "") return
        wrong++
        print file ":" number ": " text
    }'
