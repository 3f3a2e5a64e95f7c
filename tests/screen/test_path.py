# SPDX-License-Identifier: Apache-2.0
"""The whole path inside the screens: data set, training, runs, model, approval, bundle. Keys only.

What happened is read from the lists, not from the message line, which the end of a job may take at any time.
"""
import gzip
import random
import struct

import pytest

POLICY = """apiVersion: slipway/v1
kind: Policy
metadata: {name: release}
gates:
  - {metric: accuracy, min: 0.8, split: test}
approvals: {needed: 1, allow_author: true}
"""


def write_idx(path, shape, data):
    with gzip.open(path, "wb") as out:
        out.write(struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + bytes(data))


@pytest.fixture
def digits(home):
    """Two classes of 6x6 images, bright above or bright below: a net tells them apart at once."""
    folder = home / "digits"
    folder.mkdir()
    rng = random.Random(1)
    for split, count in (("train", 400), ("t10k", 100)):
        labels = [rng.randrange(2) for _ in range(count)]
        pixels = [rng.randrange(160, 256) if (y < 3) == (label == 0) else rng.randrange(0, 90)
                  for label in labels for y in range(6) for _ in range(6)]
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", (count, 6, 6), pixels)
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", (count,), labels)
    return folder


def fill(t, *values):
    """Types into the fields of an open form one after the other; None leaves a field as it is."""
    for value in values:
        if value is not None:
            t.keys("C-u")
            t.type(value)
        t.keys("Tab")


def submit(t, danger=False):
    t.keys("C-o")
    if danger:  # Cancel has the focus
        t.keys("Left")
    t.keys("Enter")


def test_from_data_to_bundle(terminal, home, digits):
    (home / "release.yaml").write_text(POLICY)
    t = terminal(120, 40)
    t.wait(r"No data sets yet", r"1 Data +2 Train +3 Runs +4 Models +5 Cluster")

    t.keys("a")
    t.wait(r"slipway data add", r"path \*")
    fill(t, str(digits), "digits")
    t.wait(r"--name=digits")
    submit(t)
    t.wait(r"digits +train +400", r"digits +test +100")

    t.keys("Enter")  # the grid
    t.wait(r"400 rows", r"6x6 image")
    t.keys("G")
    t.wait(r"▌ +399")
    t.keys("Enter")  # the last row, as a record with its image
    t.wait(r"row 399", r"▀▀▀▀", r"label")
    t.keys("Escape")
    t.wait(r"400 rows", absent=[r"row 399"])
    t.keys("Escape")
    t.wait(r"digits +test +100")

    t.keys("l")  # launch: the data set is filled in
    t.wait(r"slipway train", r"data \* +digits")
    fill(t, "mlp:16", None, "2", "first", None, "20")
    t.wait(r"slipway train mlp:16 --data=digits --ranks=2", r"--name=first --epochs=20")
    submit(t)
    t.wait(r"› train")
    t.wait(r"1 +first +done", r"val_accuracy|accuracy", r"model written", deadline_s=120)

    t.keys("l")
    t.wait(r"slipway train", r"data \*")
    fill(t, "linear", "digits", None, "second")
    submit(t)
    t.wait(r"2 +second +done", deadline_s=120)

    t.keys("3")  # runs: mark both, compare with a base
    t.wait(r"2 runs", r"first", r"second")
    t.keys("Space", "j", "Space")
    t.wait(r"2 marked", r"differences to", r"net")
    t.keys("Space", "k", "Space")
    t.wait(r"2 runs", absent=[r"marked"])

    t.keys("G", "m")  # the older one becomes a model version
    t.wait(r"slipway model register", r"name \*")
    fill(t, "digits-net")
    submit(t)
    t.wait(r"› models", r"digits-net/1 +candidate")

    t.keys("P")  # not approved: nothing can be pushed
    t.wait(r"choose a target")
    t.keys("Escape")
    t.wait(r"digits-net/1 +candidate", absent=[r"choose a target"])

    t.keys("A")  # the gate waits for an evaluation
    t.wait(r"slipway model approve", r"policy")
    fill(t, str(home / "release.yaml"))
    t.wait(r"… ?accuracy >= 0.8", r"accuracy is not known")
    t.keys("Escape")

    t.keys("E")
    t.wait(r"slipway model evaluate")
    fill(t, "digits", "test")
    submit(t)
    t.wait(r"accuracy (1|0\.[89]\d*) on digits test")

    t.keys("A")
    t.wait(r"slipway model approve")
    fill(t, str(home / "release.yaml"), "gate met")
    t.wait(r"✓ accuracy >= 0.8")
    submit(t, danger=True)
    t.wait(r"digits-net/1 +approved by 1")

    t.keys("5")
    t.wait(r"No targets yet")
    t.keys("a")
    t.wait(r"slipway target add")
    fill(t, "out", f"bundle:{home}/bundle")
    submit(t)
    t.wait(r"out +bundle:")

    t.keys("4")
    t.wait(r"digits-net/1 +approved")
    t.keys("P")
    t.wait(r"will be written", r"new +[\d.]+ k?B +[0-9a-f]{12}", r"kind: InferenceService")
    assert not (home / "bundle").exists(), "a preview must write nothing"
    submit(t, danger=True)
    t.wait(r"› cluster", r"digits-net/1 +done", r"revision +1")
    files = sorted(str(p.relative_to(home / "bundle/digits-net")) for p in (home / "bundle/digits-net").rglob("*")
                   if p.is_file())
    assert "MANIFEST" in files and "model/model.onnx" in files and "manifests/01-inferenceservice.yaml" in files

    t.keys("q")
    t.wait(r"exit status 0")


def test_stop_a_job_and_undo_a_delete(terminal, slipway):
    slipway("run", "--name", "sleeper", "--", "sleep", "1000")
    t = terminal(120, 40)
    t.keys("2")
    t.wait(r"sleeper +running", r"jobs 1 ▶")
    t.keys("x")
    t.wait(r"stop")
    t.keys("x")  # the key that opened the question does not answer it
    t.wait(r"sleeper|stop")
    submit(t, danger=True)
    t.wait(r"sleeper +stopped", r"jobs 0 ▶")
    t.keys("3")
    t.wait(r"1 run", r"sleeper")
    t.keys("D")
    t.wait(r"No runs yet")
    t.keys("u")
    t.wait(r"1 run", r"sleeper")


def test_leaving_says_that_jobs_go_on(terminal, slipway):
    slipway("run", "--name", "sleeper", "--", "sleep", "1000")
    t = terminal(80, 24)
    t.wait(r"jobs 1 ▶")
    t.keys("q")
    t.wait(r"1 job goes on", r"exit status 0")
    slipway("stop", "1")


def test_log_follows_a_running_job(terminal, slipway, home):
    slipway("run", "--name", "talker", "--", "sh", "-c",
            "echo first line; until [ -e go ]; do sleep 0.05; done; echo second line")
    t = terminal(120, 40)
    t.keys("2")
    t.wait(r"talker +running", r"first line")
    (home / "go").write_text("")
    t.wait(r"talker +done", r"second line")
