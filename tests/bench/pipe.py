# SPDX-License-Identifier: Apache-2.0
"""A job's metrics from the pipe to the store: a million points as JSON Lines, against bare prepared inserts.

The peer is the rate that tests/bench/intake.c measures for bare inserts of as many keys into the same clustered table
with the same settings; it is measured right before. Ours counts the whole life of the job: start of its processes,
parsing, writing with levels, end.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ.get("SLIPWAY_BUILD", "build/release")).resolve()
POINTS = 1_000_000
TARGET = 0.70


def bare_rates(scratch):
    out = subprocess.run([BUILD / "bench/intake", scratch], check=True, capture_output=True, text=True).stdout
    rows = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {row["name"]: row["peer"] for row in rows}


def write_lines(path, keys):
    values = ", ".join(f'"k{k}": 0.5' for k in range(1, keys))
    with open(path, "w") as out:
        for step in range(POINTS // keys):
            out.write('{"step": %d, "time_ms": 1700000000000, "metrics": {"k0": 0.%06d%s}}\n'
                      % (step, step, ", " + values if values else ""))


def job_rate(scratch, lines):
    program = [BUILD / "slipway", "--store", f"{scratch}/store", "--json"]
    subprocess.run([*program, "run", "--wait", "--", "sh", "-c",
                    f"cat {lines} > /proc/self/fd/$SLIPWAY_METRICS_FD"], check=True, stdout=subprocess.DEVNULL)
    job = json.loads(subprocess.run([*program, "jobs"], check=True, capture_output=True).stdout)["items"][0]
    return POINTS / ((job["ended_ms"] - job["started_ms"]) / 1e3)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        bare = bare_rates(f"{scratch}/bare")
        for keys, name in ((1, "metric intake, one key"), (5, "metric intake, 5 keys")):
            lines = f"{scratch}/lines-{keys}.jsonl"
            write_lines(lines, keys)
            ours, peer = max(job_rate(scratch, lines) for _ in range(3)), bare[name]
            print(json.dumps({"name": f"job's pipe to the store, {keys} key{'s' if keys > 1 else ''}",
                              "unit": "points/s", "ours": round(ours), "peer": round(peer),
                              "peer_name": "bare prepared inserts", "ratio": round(ours / peer, 3),
                              "target": f">= {TARGET}", "met": ours / peer >= TARGET}))


sys.exit(main())
