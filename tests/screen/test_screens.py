# SPDX-License-Identifier: Apache-2.0
"""Whole screens of the real program over a store with known content, compared with reviewed files in golden/.

The wall clock is fixed (a build with failpoints takes SLIPWAY_FAKE_TIME_MS), ids and paths are masked in place. After a
wanted change: GENERATE=1 writes the files anew; the difference is reviewed like code.
"""
import itertools
import json
import os
import pathlib
import re
import shutil
import sqlite3
import struct
import subprocess
import tempfile
import zlib

import pytest

from conftest import BUILD, SANITIZERS

GOLDEN = pathlib.Path(__file__).parent / "golden"
SIZES = [(80, 24), (120, 40)]
# A job whose figures are the same on every machine.
REPORTER = r"""
i=1
while [ $i -le 40 ]; do
    echo "{\"step\": $i, \"metrics\": {\"accuracy\": 0.$((50 + i)), \"loss\": 0.$((90 - i))}}"
    i=$((i + 1))
done > /proc/self/fd/$SLIPWAY_METRICS_FD
echo "{\"params\": {\"lr\": \"$1\", \"net\": \"mlp\"}}" > /proc/self/fd/$SLIPWAY_METRICS_FD
echo training of $2 is over
"""
MASKS = [
    (re.compile(r"\b[0-9a-f]{7,64}\b(?!-)"), lambda m: "#" * len(m.group())),
    (re.compile(r"/(?:tmp|root|home)/[^\s│]*"), lambda m: "/" + "~" * (len(m.group()) - 1)),
]


def png(width, height, pixel):
    """A PNG file of RGB pixels."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b""))


def fill_artifacts(store, name):
    """Replaces the files of the run by some of every kind, all of one date."""
    with sqlite3.connect(store / "slipway.db") as db:
        (run_id,) = db.execute("SELECT run_id FROM run WHERE name = ?", (name,)).fetchone()
    db.close()
    folder = next((store / "artifacts").glob(f"*/{run_id}/artifacts"))
    shutil.rmtree(folder)
    for part in ("code", "plots"):
        (folder / part).mkdir(parents=True)
    (folder / "code" / "train.py").write_text("".join(f"step({i})  # one of many\n" for i in range(1, 400)))
    (folder / "metrics.csv").write_text("step,loss\n" + "".join(f"{i},{1 / (i + 1):.4f}\n" for i in range(1000)))
    (folder / "plots" / "disc.png").write_bytes(png(64, 48, lambda x, y: (220, 40 + 3 * y, 60)
                                                    if (x - 32) ** 2 + (y - 24) ** 2 < 400 else (30, 30, 60)))
    (folder / "table.json").write_text(json.dumps({"columns": ["input", "score"],
                                                   "data": [[f"question {i}", i / 8] for i in range(40)]}))
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (1767225000, 1767225000))


@pytest.fixture(scope="module")
def filled():
    """HOME with a store: a CSV data set, three jobs with their runs, a model, a target.

    Paths are on the screens, so this folder's name has the same length in every run; pytest's own grows with its counter.
    """
    home = pathlib.Path(tempfile.mkdtemp(prefix="slipway-screens-", dir="/tmp"))
    env = {"HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC",
           "SLIPWAY_STORE": str(home / "store"), "SLIPWAY_FAKE_TIME_MS": "1767225600000", "SLIPWAY_CPU_SLOTS": "2",
           "SLIPWAY_TEMPLATES": str(pathlib.Path(__file__).resolve().parents[2] / "templates"), **SANITIZERS}

    clock = itertools.count(1767225600000 - 600000, 60000)  # a minute a command: what was made later is listed first

    def run(*words, code=0):
        done = subprocess.run([BUILD / "slipway", *words], env={**env, "SLIPWAY_FAKE_TIME_MS": str(next(clock))},
                              cwd=home, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
        assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"

    (home / "flights.csv").write_text("carrier,delay,distance\n" + "".join(
        f"{'WN' if i % 3 else 'DL'},{i % 41 - 5},{100 + 7 * i}\n" for i in range(500)))
    (home / "report.sh").write_text(REPORTER)
    files = home / "files"
    files.mkdir()
    (files / "model.bin").write_bytes(bytes(range(256)))
    run("data", "add", "flights.csv", "--name", "flights")
    run("run", "--name", "wide", "--experiment", "demo", "--wait", "--", "sh", "report.sh", "0.001", "wide")
    run("run", "--name", "narrow", "--experiment", "demo", "--wait", "--", "sh", "report.sh", "0.01", "narrow")
    run("run", "--name", "broken", "--wait", "--", "sh", "-c", "echo out of ideas; exit 3", code=1)
    run("model", "register", "toy", "--path", str(files))
    run("target", "add", "handoff", "bundle:" + str(home / "out"))
    fill_artifacts(home / "store", "broken")
    yield home, env
    shutil.rmtree(home, ignore_errors=True)  # a screen that is closing takes its log of the store along


def masked(screen):
    crumbs, rest = screen.split("\n", 1)
    screen = re.split(r"  +", crumbs.strip())[0] + "\n" + rest  # the health strip is the machine's, not the screen's
    for pattern, replacement in MASKS:
        screen = pattern.sub(replacement, screen)
    return "\n".join(line.rstrip() for line in screen.split("\n")) + "\n"


def check(name, columns, lines, screen):
    path = GOLDEN / f"{name}-{columns}x{lines}.txt"
    found = masked(screen)
    if os.environ.get("GENERATE"):
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(found)
    assert path.exists(), f"{path} is missing; GENERATE=1 writes it"
    assert found == path.read_text(), f"{path} differs; the screen:\n{found}"


# Name, keys with what each must bring before the next one, what must be on the screen that is compared.
RUNS = ("3", r"▌ +broken")
SCREENS = [
    ("data", [], [r"flights +all +500", r"delay"]),
    ("rows", [("Enter", r"500 rows")], [r"carrier", r"DL"]),
    ("train", [("2", r"queue")], [r"narrow +done", r"broken +failed", r"out of ideas"]),
    ("runs", [RUNS], [r"3 runs", r"wide +FINISHED", r"run +#*[0-9a-f]+"]),
    ("compare", [RUNS, ("j", r"▌ +narrow"), ("Space", r"1 marked"), ("G", r"▌ +wide"), ("Space", r"2 marked")],
     [r"2 marked", r"differences to narrow"]),
    ("artifacts", [RUNS, ("a", r"artifacts · 4"), ("j", r"▌ +▸ plots"), ("Enter", r"disc\.png"), ("j", r"▌ +disc")],
     [r"artifacts · 5", r"▀▀▀", r"64 x 48"]),
    ("table", [RUNS, ("a", r"artifacts · 4"), ("G", r"▌ +table")], [r"40 rows × 2", r"question 7"]),
    ("models", [("4", r"toy/1")], [r"toy/1 +candidate", r"approvals"]),
    ("cluster", [("5", r"handoff")], [r"handoff", r"never"]),
    ("launch", [("2", r"queue"), ("l", r"slipway train")], [r"net \*", r"data is needed"]),
    ("help", [RUNS, ("?", r"keys")], [r"mark or unmark"]),
]
NARROW = {"data": [r"flights +all +500"], "train": [r"narrow +done", r"broken +failed"],
          "compare": [r"2 marked"], "artifacts": [r"artifacts · 5"], "table": [r"table.json"], "runs": [r"wide +FINISHED"], "models": [r"toy/1 +candidate"]}


@pytest.mark.parametrize("columns,lines", SIZES, ids=lambda v: str(v))
@pytest.mark.parametrize("name,keys,present", SCREENS, ids=[s[0] for s in SCREENS])
def test_screen(terminal, filled, name, keys, present, columns, lines):
    home, env = filled
    if columns < 100:
        present = NARROW.get(name, present)
    t = terminal(columns, lines, [], **env)
    t.wait(r"1 Data", r"flights")
    for key, result in keys:
        t.keys(key)
        t.wait(result, absent=[r"loading"])
    screen = t.wait(*present, absent=[r"loading"])
    check(name, columns, lines, screen)


def test_small_terminal_says_so_and_recovers(terminal, filled):
    home, env = filled
    t = terminal(30, 8, [], **env)
    t.wait(r"40x10|too small")
    t.resize(80, 24)
    t.wait(r"flights +all +500")
    t.resize(40, 10)
    t.wait(r"flights")


def test_ascii_and_mono(terminal, filled):
    home, env = filled
    t = terminal(80, 24, ["--ascii"], **env, NO_COLOR="1")
    screen = t.wait(r"flights +all +500", absent=[r"loading"])
    assert screen.isascii(), screen


def test_cursor_stands_on_the_selected_row(terminal, filled):
    home, env = filled
    t = terminal(120, 40, [], **env)
    t.keys("3")
    for key, row in ((None, "broken"), ("j", "narrow"), ("j", "wide")):
        if key:
            t.keys(key)
        screen = t.wait(rf"▌ +{row}")
        t.wait_cursor(next(i for i, line in enumerate(screen.split("\n")) if re.search(rf"▌ +{row}", line)))


def test_unknown_terminal_is_refused(terminal, filled):
    home, env = filled
    t = terminal(80, 24, [], **{**env, "TERM": "no-such-terminal"})
    t.wait(r"no-such-terminal", r"exit status 1")
