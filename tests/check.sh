#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a machine can say about the source: format, warnings of both compilers, arrows between the parts, clang-tidy,
# cppcheck, shellcheck, SPDX lines, and the generated manual and completions compared with their reviewed copies.
# Prints "N passed, N failed" last; a missing tool is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
mkdir -p build/check

step() { # name, command...
    local name=$1 log=build/check/${1// /-}.log
    shift
    if "$@" > "$log" 2>&1; then
        passed=$((passed + 1)); echo "ok   $name"
    else
        failed=$((failed + 1)); echo "FAIL $name"; tail -n 40 "$log"
    fi
}

mapfile -t sources < <(make -s print-sources)
mapfile -t c_files < <(printf '%s\n' "${sources[@]}" | grep '\.c$')
mapfile -t program_files < <(printf '%s\n' "${c_files[@]}" | grep -v '^tests/')
mapfile -t scripts < <(git ls-files '*.sh' .ci/run)

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
    ! grep -nlE 'sqlite3' $(printf '%s\n' "${program_files[@]}" | grep -v '^core/store/' | grep -v '^app/cmd_info.c')
}
docs_current() {
    rm -rf build/check/docs && mkdir -p build/check/docs
    build/release/slipway generate-docs build/check/docs &&
        diff -ru packaging/man build/check/docs/man && diff -ru packaging/completions build/check/docs/completions &&
        mandoc -T lint -W warning packaging/man/*.1 && bash -n packaging/completions/slipway.bash &&
        zsh -n packaging/completions/_slipway && fish -n packaging/completions/slipway.fish
}
tidy() {
    printf '%s\n' "${program_files[@]}" | xargs -P "$(nproc)" -n 8 clang-tidy --quiet --warnings-as-errors='*' 2>/dev/null \
        -- -std=gnu17 -I. -D_GNU_SOURCE -DSW_VERSION='"0"' -DSW_PREFIX='"/usr"' "$@"
}

step "spdx" spdx
step "format" clang-format --dry-run --Werror "${sources[@]}"
step "arrows" tests/check_arrows.sh
step "banned functions" banned
step "sql only in the store" no_sql_outside_store
step "build with gcc" make -j"$(nproc)" --no-print-directory CC=gcc programs
step "build with clang" make -j"$(nproc)" --no-print-directory CC=clang BUILD=build/clang programs
step "generated docs" docs_current
step "shellcheck" shellcheck -S warning "${scripts[@]}"
step "cppcheck" cppcheck --quiet --error-exitcode=1 --std=c17 --enable=warning,performance,portability \
    --inline-suppr --suppressions-list=tests/cppcheck.txt -j "$(nproc)" -I. -D_GNU_SOURCE -DSW_VERSION='"0"' -DSW_PREFIX='"/usr"' "${program_files[@]}"
step "clang-tidy" tidy

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
