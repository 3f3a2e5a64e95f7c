# SPDX-License-Identifier: Apache-2.0
"""A disk that is really full: a small tmpfs under the store, the target or the job. Nothing that was acknowledged is
lost, nothing is half written, and with room again the same command goes through. Needs the right to mount."""
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import make_digits
from fault_tools import healthy, settled


class SmallDisk:
    def __init__(self, folder, size):
        self.folder = folder
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "slipway-test", folder], capture_output=True,
                              text=True)
        if done.returncode != 0:
            pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")

    def fill(self, leave=0):
        """Takes all room but `leave` bytes."""
        room = os.statvfs(self.folder)
        with open(self.folder / "ballast", "wb") as out:
            out.write(bytes(max(room.f_bavail * room.f_frsize - leave, 0)))

    def free(self):
        (self.folder / "ballast").unlink(missing_ok=True)


@pytest.fixture
def disk(slipway, tmp_path):
    made = []

    def mount(name, size="2m"):
        made.append(SmallDisk(tmp_path / name, size))
        return made[-1]
    yield mount
    for small in made:
        small.free()
    try:
        settled(slipway)  # what still runs there holds the mount
    finally:
        for small in made:
            subprocess.run(["umount", "--lazy", small.folder], check=True)


def no_room(result):
    assert result.code == 1 and re.search("No space left|disk or quota is full|has no room", result.err), result
    assert "\nhint: free some space" in result.err, result


def weights(folder, size):
    folder.mkdir(exist_ok=True)
    (folder / "model.bin").write_bytes(os.urandom(size))
    return folder


def test_a_store_on_a_full_disk(slipway, disk, lenient, tmp_path):
    small = disk("small", "3m")
    slipway.store = small.folder / "store"
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)
    slipway("run", "--name", "r", "--wait", "--", "true")
    slipway("model", "register", "toy", "--path", weights(tmp_path / "w", 1000))
    settled(slipway)
    small.fill()
    no_room(slipway("model", "register", "toy", "--path", weights(tmp_path / "w", 400_000), code=1))
    no_room(slipway("run", "--", "true", code=1))
    small.free()
    assert [m["version"] for m in slipway("model", "ls", "toy", "--json").json["items"]] == [1]
    assert sorted(p.name.split("-")[0] for p in (slipway.store / "artifacts/models/toy").iterdir()) == ["1"]
    healthy(slipway, ignore="disk space")
    assert slipway("model", "register", "toy", "--path", tmp_path / "w").out.startswith("toy/2\t")
    slipway("model", "approve", "toy/2", "--policy", lenient)
    slipway("run", "--name", "later", "--wait", "--", "true")
    healthy(slipway, ignore="disk space")


def test_no_room_to_make_a_store(slipway, disk, digits):
    small = disk("small", "64k")
    small.fill()
    slipway.store = small.folder / "store"
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)
    no_room(slipway("data", "add", digits, code=1))
    small.free()
    no_room(slipway("data", "add", digits, code=1))  # 64 KiB are too few for any store


@pytest.mark.parametrize("address, place", [("out", "out/toy"), ("out.tar", "out.tar")])
def test_a_target_that_fills_up(slipway, disk, lenient, tmp_path, address, place):
    small = disk("site")
    to = ["--to", f"bundle:{small.folder}/{address}"]
    for size in (1000, 900_000):
        spec = slipway("model", "register", "toy", "--path", weights(tmp_path / "w", size)).out.split("\t")[0]
        slipway("model", "approve", spec, "--policy", lenient)
    slipway("push", "toy/1", *to)
    small.fill(leave=300_000)
    no_room(slipway("push", "toy/2", *to, code=1))
    assert "toy/1" in slipway("model", "verify", small.folder / place).out
    small.free()
    slipway("push", "toy/2", *to)
    assert "toy/2" in slipway("model", "verify", small.folder / place).out
    assert slipway("status", "--verify", "--json").json["items"][0]["verified"] == "ok"
    healthy(slipway, ignore="disk space")


def test_a_full_disk_while_metrics_come_in(slipway, disk):
    small = disk("small", "4m")
    slipway.store = small.folder / "store"
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)
    gate = slipway.cwd / "gate"
    script = slipway.script("talk.py", "import json, os, sys, time\nfd = int(os.environ['SLIPWAY_METRICS_FD'])\n"
                            "def send(first, last):\n for n in range(first, last):\n"
                            "  os.write(fd, (json.dumps({'step': n, 'metrics': {'loss': n}}) + '\\n').encode())\n"
                            f"send(0, 10)\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nsend(10, 20000)\n")
    slipway("run", "--name", "talk", "--", "python3", script)
    slipway.wait_for(lambda: slipway("show", "talk", "--json").json["metrics"].get("loss", {}).get("count") == 10,
                     "the first points")
    small.fill()
    gate.touch()
    pid = slipway.job(1)["supervisor_pid"]
    slipway.wait_for(lambda: not children_of(pid), "the rank to have said all")
    assert slipway.job(1)["state"] == "running"
    small.free()
    slipway.wait_job(1, "done")
    loss = slipway("show", "talk", "--json").json["metrics"]["loss"]
    assert (loss["count"], loss["last"]) == (20000, 19999)
    healthy(slipway, ignore="disk space")


def children_of(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []


@pytest.mark.parametrize("leave", [700_000, 150_000])
def test_a_full_disk_while_training(slipway, disk, tmp_path, leave):
    """Without room for checkpoints a training goes on and says so; without room for the model it fails in words, and
    a retry with room finishes it."""
    small = disk("small", "6m")
    digits = make_digits(tmp_path / "digits")
    slipway.store = small.folder / "store"
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)
    slipway("run", "--wait", "--", "true")
    settled(slipway)
    small.fill(leave)
    slipway("train", "mlp:2048", "--data", digits, "--epochs", 2, "--name", "t")
    pid = slipway.job(2)["supervisor_pid"]
    slipway.wait_for(lambda: (job := slipway.job(2))["ended_ms"] or (job["started_ms"] and not children_of(pid)),
                     "the trainer to end")
    small.free()  # the supervisor may wait for room to record the end
    job = settled(slipway)[0]
    healthy(slipway, ignore="disk space")
    assert "the older checkpoint is kept" in slipway("logs", 2).out
    assert not [path for path in slipway.store.rglob("*") if path.name.startswith((".writing-", ".slipway-"))]
    assert job["state"] == ("done" if leave == 700_000 else "failed"), job
    if job["state"] == "failed":
        assert "model.onnx" in job["reason"] and "No space left" in job["reason"]
        slipway("retry", 2)
        slipway.wait_job(2, "done")
    slipway("model", "register", "t", "--run", "t")
    healthy(slipway, ignore="disk space")
