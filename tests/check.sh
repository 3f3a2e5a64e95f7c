#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a machine can say about the source: format, warnings of both compilers, arrows between the parts, clang-tidy,
# cppcheck, shellcheck, SPDX lines, and the generated manual and completions compared with their reviewed copies.
# Prints "N passed, N failed" last; a missing tool is a failure. The output of each step stays in build/check.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
mkdir -p build/check

step() { # name, command...
    local name=$1 log=build/check/${1// /-}.log began=$SECONDS
    shift
    if "$@" > "$log" 2>&1; then
        passed=$((passed + 1)); echo "ok   $name ($((SECONDS - began)) s)"
    else
        failed=$((failed + 1)); echo "FAIL $name"; tail -n 40 "$log"
    fi
}

mapfile -t sources < <(make -s print-sources)
mapfile -t program_files < <(printf '%s\n' "${sources[@]}" | grep '\.c$' | grep -v '^tests/')
mapfile -t outside_store < <(printf '%s\n' "${program_files[@]}" | grep -v -e '^core/store/' -e '^app/cmd_info.c$')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)
if [ "${#outside_store[@]}" -eq 0 ] || [ "${#scripts[@]}" -eq 0 ]; then # steps that look at nothing would pass
    echo "check: found no files to look at"; echo "0 passed, 1 failed"; exit 1
fi
# What the compiler is told of the program, for the tools that read it like one.
defines=(-I. -D_GNU_SOURCE -DSW_VERSION='"0"' -DSW_PREFIX='"/usr"')

spdx() {
    local missing
    missing=$(for f in $(git ls-files '*.c' '*.h' '*.sh' '*.py' Makefile .ci/run); do
        head -n 2 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f"; done)
    [ -z "$missing" ] || { echo "no SPDX line: $missing"; return 1; }
}
# Functions that have a safer twin in this project.
banned() {
    ! grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|system|popen|alloca|tmpnam|mktemp)\(' "${program_files[@]}"
}
no_sql_outside_store() {
    ! grep -nE 'sqlite3(_|\.h)' "${outside_store[@]}"
}
docs_current() {
    rm -rf build/check/docs && mkdir -p build/check/docs
    build/release/slipway generate-docs build/check/docs &&
        diff -ru packaging/man build/check/docs/man && diff -ru packaging/completions build/check/docs/completions &&
        mandoc -T lint -W warning packaging/man/*.[17] && bash -n packaging/completions/slipway.bash &&
        zsh -n packaging/completions/_slipway && fish -n packaging/completions/slipway.fish
}
# One file for each process, else one slow file would keep the last processor waiting. The count of what was found in
# system headers is left out.
tidy() (
    set -o pipefail
    printf '%s\n' "${program_files[@]}" | xargs -P "$(nproc)" -I FILE clang-tidy --quiet --warnings-as-errors='*' FILE \
        -- -std=gnu17 "${defines[@]}" 2>&1 | sed '/^[0-9]* warnings\{0,1\} generated\.$/d'
)

step "spdx" spdx
step "format" clang-format --dry-run --Werror "${sources[@]}"
step "arrows" tests/check_arrows.sh
step "banned functions" banned
step "sql only in the store" no_sql_outside_store
step "build with gcc" make -j"$(nproc)" --no-print-directory CC=gcc VARIANT=release BUILD=build/release programs
step "build with clang" make -j"$(nproc)" --no-print-directory CC=clang VARIANT=release BUILD=build/clang programs
step "generated docs" docs_current
step "shellcheck" shellcheck -S warning "${scripts[@]}"
step "cppcheck" cppcheck --quiet --error-exitcode=1 --std=c17 --enable=warning,performance,portability --inline-suppr \
    --suppressions-list=tests/cppcheck.txt --library=tests/cppcheck.cfg -j "$(nproc)" "${defines[@]}" "${program_files[@]}"
step "clang-tidy" tidy

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
