# SPDX-License-Identifier: Apache-2.0
"""Scenarios: the real binary, driven as a user would. Each test gets a HOME and a store of its own; nothing of the
caller's environment reaches the program but PATH and the sanitizers' options. States are waited for with a deadline."""
import gzip
import json
import os
import random
import signal
import struct
import subprocess
import time
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("SLIPWAY_BUILD", "build/asan")).resolve()
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120


class Result:
    def __init__(self, done, command):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.command = command

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def error(self):
        """The error document of a --json call."""
        return json.loads(self.err.splitlines()[-1])

    def __repr__(self):
        return f"{self.command}\nexit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Slipway:
    """One user on one machine: a HOME, a store, a working folder."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder / "home"
        self.store = folder / "store"
        self.cwd = folder / "work"
        self.home.mkdir()
        self.cwd.mkdir()
        self.program = BUILD / "slipway"
        keep = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")
        self.env = {name: os.environ[name] for name in keep if name in os.environ}
        self.env |= {"HOME": str(self.home), "SLIPWAY_STORE": str(self.store), "LC_ALL": "C.UTF-8", "TZ": "UTC",
                     "TERM": "xterm-256color", "NO_COLOR": ""}
        if ROOT not in BUILD.parents:  # the program finds its source tree's templates only from inside of it
            self.env["SLIPWAY_TEMPLATES"] = str(ROOT / "templates")

    def __call__(self, *args, code=0, env=None, stdin="", timeout=DEADLINE_S):
        command = [str(self.program), *map(str, args)]
        done = subprocess.run(command, cwd=self.cwd, env=self.env | (env or {}), input=stdin, timeout=timeout,
                              capture_output=True, text=True)
        result = Result(done, " ".join(map(str, args)))
        assert "AddressSanitizer" not in result.err and "runtime error" not in result.err, result
        if code is not None:
            assert result.code == code, result
        return result

    def start(self, *args, **options):
        return subprocess.Popen([str(self.program), *map(str, args)], cwd=self.cwd, env=self.env,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                **options)

    def job(self, job_id):
        jobs = self("jobs", "--json").json["items"]
        return next(job for job in jobs if job["job_id"] == int(job_id))

    def wait_for(self, check, what):
        """Polls until `check` gives something true; fails with `what` after the deadline."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            found = check()
            if found:
                return found
            time.sleep(0.02)  # the pace of polling, not the wait
        pytest.fail(f"gave up waiting for {what}")

    def wait_job(self, job_id, *states):
        return self.wait_for(lambda: (job := self.job(job_id))["state"] in states and job, f"job {job_id} {states}")

    def script(self, name, text):
        path = self.cwd / name
        path.write_text(text)
        return path


@pytest.fixture
def slipway(tmp_path):
    user = Slipway(tmp_path)
    yield user
    for job in json.loads(user("jobs", "--live", "--json", code=None).out or '{"items": []}')["items"]:
        user("stop", job["job_id"], code=None)
        if job["supervisor_pid"]:
            try:
                os.kill(job["supervisor_pid"], signal.SIGTERM)
            except ProcessLookupError:
                pass


def write_idx(path, shape, data, kind=0x08):
    with gzip.open(path, "wb") as out:
        out.write(struct.pack(f">BBBB{len(shape)}I", 0, 0, kind, len(shape), *shape) + bytes(data))


def make_digits(folder, rows=400, test_rows=100, seed=1):
    """Two classes of 6x6 images that a net tells apart at once: bright above or bright below."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    for split, count in (("train", rows), ("t10k", test_rows)):
        labels = [rng.randrange(2) for _ in range(count)]
        pixels = []
        for label in labels:
            for y in range(6):
                bright = (y < 3) == (label == 0)
                pixels += [rng.randrange(160, 256) if bright else rng.randrange(0, 90) for _ in range(6)]
        write_idx(folder / f"{split}-images-idx3-ubyte.gz", (count, 6, 6), pixels)
        write_idx(folder / f"{split}-labels-idx1-ubyte.gz", (count,), labels)
    return folder


@pytest.fixture
def digits(tmp_path):
    return make_digits(tmp_path / "digits")


POLICY = """apiVersion: slipway/v1
kind: Policy
metadata: {name: release}
gates:
  - metric: accuracy
    min: 0.8
    dataset: digits
    split: test
approvals: {needed: 1, allow_author: true}
"""


@pytest.fixture
def policy(slipway):
    return slipway.script("release.yaml", POLICY)


@pytest.fixture
def model(slipway, tmp_path):
    """A registered model of two small files, without training."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "model.bin").write_bytes(bytes(range(256)))
    (folder / "notes.txt").write_text("weights of a test\n")
    slipway("model", "register", "toy", "--path", folder)
    return "toy/1"


@pytest.fixture
def lenient(slipway):
    """A policy that only asks for one approval, the author's included."""
    return slipway.script("lenient.yaml", "apiVersion: slipway/v1\nkind: Policy\nmetadata: {name: lenient}\n"
                                          "approvals: {needed: 1, allow_author: true}\n")
