#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the benchmarks whose name matches REGEX (default all), prints a table and writes build/bench.json. Each program
# prints JSON lines; ratio > 1 means that ours is better. A missed target is shown, not an error: figures are reported.
set -u
cd "$(dirname "$0")/../.." || exit 1
pattern=${1:-.}
python=$(packaging/deps.sh venv)/bin/python
export SLIPWAY_BUILD=$PWD/build/release LC_ALL=C.UTF-8 TZ=UTC
lines=$(mktemp) scratch=$(mktemp -d)
trap 'rm -rf "$lines" "$scratch"' EXIT
status=0

bench() { # name, command...
    local name=$1
    shift
    [[ $name =~ $pattern ]] || return 0
    echo "running $name" >&2
    "$@" >> "$lines" || { echo "bench: $name failed" >&2; status=1; }
}

bench startup "$python" tests/bench/startup.py
bench intake build/release/bench/intake "$scratch/intake"
bench pipe "$python" tests/bench/pipe.py
bench overlay build/release/bench/overlay "$scratch/overlay"
bench search build/release/bench/search "$scratch/search"
bench trainer "$python" tests/bench/trainer.py
bench serve "$python" tests/bench/serve.py short
# Minutes each: only when named.
case $pattern in
*soak*) bench soak "$python" tests/bench/serve.py soak ;;
*large*) bench large "$python" tests/bench/serve.py large ;;
esac

"$python" - "$lines" <<'PY' || status=1
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
json.dump(rows, open("build/bench.json", "w"), indent=2)
show = lambda v: "-" if v is None else f"{v:,.4g}" if isinstance(v, (int, float)) else str(v)
table = [("name", "ours", "unit", "peer", "peer name", "ratio", "target", "met")]
table += [(r["name"], show(r["ours"]), r["unit"], show(r["peer"]), r["peer_name"] or "-", show(r["ratio"]),
           show(r["target"]), "yes" if r["met"] else "NO") for r in rows]
widths = [max(len(row[i]) for row in table) for i in range(8)]
for row in table:
    print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
PY
exit $status
