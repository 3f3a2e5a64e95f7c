#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs every test and prints "N passed, N failed" last. Units run with address and undefined-behaviour sanitizers,
# the threaded ones once more with the thread sanitizer; scenarios, screens, faults and oracles are pytest suites that
# drive the real binaries. Logs of each program stay in build/test-logs.
#   tests/run.sh [FILTER]     only unit programs and pytest files whose path contains FILTER
set -u
cd "$(dirname "$0")/.." || exit 1

filter=${1:-}
logs=build/test-logs
threaded="base/test_pool base/test_loop serve/test_serve job/test_run job/test_sources tui/test_navigation tui/test_terminal"
passed=0 failed=0 skipped=0
failures=()
python=$(packaging/deps.sh venv)/bin/python

export LC_ALL=C.UTF-8 TZ=UTC
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0 TSAN_OPTIONS=halt_on_error=1

say() { printf '%s\n' "$*"; }

build() {
    say "== building $1: ${*:2}"
    make -j"$(nproc)" --no-print-directory VARIANT="$1" "${@:2}" || { say "build failed: $*"; say "0 passed, 1 failed"; exit 1; }
}

# Counts a cmocka program by its own closing lines; a crash or a missing line is one failure.
count_unit() {
    local name=$1 status=$2 log=$3 p f s
    p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    s=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test.*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    if [ "$status" -eq 0 ] && [ "$p" -eq 0 ] && [ "$s" -eq 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" -gt 0 ]; then
        failures+=("$name (status $status, $log)")
        say "FAIL $name (status $status)"; tail -n 25 "$log"
    else
        say "ok   $name: $p passed$([ "$s" -gt 0 ] && echo ", $s skipped")"
    fi
}

run_units() { # variant, programs...
    local variant=$1 name
    shift
    printf '%s\n' "$@" | xargs -P "$(nproc)" -I NAME sh -c '
        log='"$logs/$variant"'/$(echo NAME | tr / _).log
        timeout 300 build/'"$variant"'/unit/NAME > "$log" 2>&1; echo $? > "$log.status"'
    for name in "$@"; do
        local log="$logs/$variant/${name//\//_}.log"
        count_unit "$variant $name" "$(cat "$log.status")" "$log"
    done
}

run_pytest() { # name, folder of binaries, paths...
    local name=$1 binaries=$2 report=$logs/$1.xml counts
    shift 2
    say "== $name"
    SLIPWAY_BUILD=$PWD/$binaries timeout 1500 "$python" -m pytest -q --maxfail=20 -p no:cacheprovider -rs \
        --junitxml="$report" "$@" > "$logs/$name.log" 2>&1
    local status=$?
    tail -n 40 "$logs/$name.log"
    counts=$("$python" - "$report" <<'PY'
import sys, xml.etree.ElementTree as tree
try:
    root = tree.parse(sys.argv[1]).getroot()
    suite = root if root.tag == "testsuite" else root.find("testsuite")
    total, bad, skipped = (int(suite.get(k)) for k in ("tests", "failures", "skipped"))
    bad += int(suite.get("errors"))
    print(total - bad - skipped, bad, skipped)
except Exception:
    print(0, 1, 0)
PY
)
    local p f s
    read -r p f s <<<"$counts"
    if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    [ "$f" -gt 0 ] && failures+=("$name ($logs/$name.log)")
}

mkdir -p "$logs/asan" "$logs/tsan"
build asan units programs fakes
build release programs fakes

mapfile -t units < <(cd tests/unit && printf '%s\n' */test_*.c | sed 's/\.c$//' | grep -F -- "$filter")
[ "${#units[@]}" -gt 0 ] && run_units asan "${units[@]}"

mapfile -t racy < <(for t in $threaded; do [ -f "tests/unit/$t.c" ] && echo "$t"; done | grep -F -- "$filter")
if [ "${#racy[@]}" -gt 0 ]; then
    build tsan "${racy[@]/#/build/tsan/unit/}"
    run_units tsan "${racy[@]}"
fi

# Suites: name, binaries, folder. What trains for long or measures runs on the release build.
while read -r name binaries folder; do
    mapfile -t files < <(find "tests/$folder" -name 'test_*.py' | sort | grep -F -- "$filter")
    [ "${#files[@]}" -gt 0 ] && run_pytest "$name" "$binaries" "${files[@]}"
done <<'SUITES'
scenario build/asan scenario
fault build/asan fault
screen build/asan screen
oracle build/release oracle
mlflow build/release mlflow
SUITES

if [ "${#failures[@]}" -gt 0 ]; then
    say "== failures"
    printf '  %s\n' "${failures[@]}"
fi
[ "$skipped" -gt 0 ] && say "$skipped skipped (reasons above)"
say "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
