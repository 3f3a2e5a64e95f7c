#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds each fuzz_*.c with clang's libFuzzer, ASan and UBSan and runs it: tests/fuzz/run.sh [SECONDS [NAME...]].
# Found inputs and the grown corpus stay in build/fuzz; a crash ends the run with status 1 and names its input.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-20}
[ $# -gt 0 ] && shift
out=${BUILD:-build/fuzz}
names=("$@")
if [ $# -eq 0 ]; then
    for file in tests/fuzz/fuzz_*.c; do
        file=${file##*/fuzz_}
        names+=("${file%.c}")
    done
fi
mkdir -p "$out"
clang=${CLANG:-clang}
failed=0
for name in "${names[@]}"; do
    more=() # a target of another part names its folders in a line "// Links: FOLDER...", or single files
    for part in $(sed -n 's|^// Links: ||p' "tests/fuzz/fuzz_$name.c"); do
        if [ -d "$part" ]; then more+=("$part"/*.c); else more+=("$part"); fi
    done
    # Without SW_FAILPOINTS: what is fuzzed is what a release runs.
    "$clang" -std=gnu17 -O1 -g -I. -D_GNU_SOURCE -DSW_VERSION='"0"' -DSW_PREFIX='"/usr"' -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
        -DSW_CSV_WINDOW_BYTES=16 -DSW_CSV_STRIDE=2 -DSW_CSV_MAX_MARKS=4 \
        "tests/fuzz/fuzz_$name.c" core/base/*.c core/data/*.c ${more[@]+"${more[@]}"} -lsqlite3 -lyaml -ljansson -lmicrohttpd -lcrypto -lpng -ljpeg -lz -lpthread -lm -o "$out/fuzz_$name"
    mkdir -p "$out/corpus-$name"
    seeds=()
    [ -d "tests/fuzz/seeds-$name" ] && seeds=("tests/fuzz/seeds-$name")
    if "$out/fuzz_$name" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$out/$name-" "$out/corpus-$name" "${seeds[@]}" > "$out/$name.log" 2>&1; then
        echo "ok   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log") inputs"
    else
        echo "FAIL $name: see $out/$name.log"
        failed=1
    fi
done
exit $failed
