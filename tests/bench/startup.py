# SPDX-License-Identifier: Apache-2.0
"""Start-up: `--version`, and the terminal application's first frame and memory on a store of 20,000 runs.

Prints a JSON line for each figure. The first frame counts when the row of screens is on the terminal; the first rows
of data are a second figure. Memory is the resident set once the list is drawn.
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

BUILD = pathlib.Path(os.environ.get("SLIPWAY_BUILD", "build/release")).resolve()
RUNS = 20000


def report(name, unit, ours, target, peer=None, peer_name="target"):
    against = peer if peer is not None else target
    print(json.dumps({"name": name, "unit": unit, "ours": round(ours, 3), "peer": None if peer is None else round(peer, 3),
                      "peer_name": peer_name, "ratio": round(against / ours, 2), "target": target,
                      "met": ours <= target}))


def wall_ms(argv, env=None, rounds=40):
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - began) * 1e3)
    return statistics.median(times)


def read_until(fd, seen, pattern, deadline_s=20):
    end = time.monotonic() + deadline_s
    while not re.search(pattern, seen):
        ready, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
        if not ready:
            raise SystemExit(f"startup: {pattern!r} did not appear; got {seen[-400:]!r}")
        seen += os.read(fd, 65536)
    return seen


def frame(store, env):
    """Milliseconds to the first frame and to the first run's row, resident MiB then."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.execve(BUILD / "slipway", ["slipway", "--store", store, "--screen", "3"], env)
    seen = read_until(fd, b"", rb"Runs")
    first = (time.perf_counter() - began) * 1e3
    seen = read_until(fd, seen, rb"run-\d{5}")
    rows = (time.perf_counter() - began) * 1e3
    with open(f"/proc/{pid}/status") as status:
        rss = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024
    os.write(fd, b"q")
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass
    os.waitpid(pid, 0)
    os.close(fd)
    return first, rows, rss


def main():
    env = {"PATH": os.environ["PATH"], "HOME": tempfile.mkdtemp(), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color",
           "TZ": "UTC"}
    report("version", "ms", wall_ms([BUILD / "slipway", "--version"]), 5, wall_ms(["git", "--version"]), "git --version")
    with tempfile.TemporaryDirectory() as store:
        subprocess.run([BUILD / "bench/fill_runs", store, str(RUNS)], check=True)
        samples = [frame(store, env) for _ in range(9)]
        report("tui-first-frame", "ms", statistics.median(s[0] for s in samples), 50)
        report("tui-first-rows", "ms", statistics.median(s[1] for s in samples), 100)
        report("tui-memory", "MiB", max(s[2] for s in samples), 40)


sys.exit(main())
