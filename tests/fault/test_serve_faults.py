# SPDX-License-Identifier: Apache-2.0
"""The tracking server when things go wrong: killed around its commits under writers that repeat what was not
acknowledged, as the MLflow client does; a full disk; a store that somebody else holds. SLIPWAY_KILLS sets how often it is
killed at each point (the issue's figure is 100)."""
import http.client
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from fault_tools import healthy, processes_of
from test_full_disk import disk  # noqa: F401 (a fixture)

sys.path.append(str(Path(__file__).resolve().parents[1] / "mlflow"))
from servers import Ours, wait_for  # noqa: E402

KILLS = int(os.environ.get("SLIPWAY_KILLS", 8))
T = 1_700_000_000_000
# The points that these tests cover, for test_every_point.py.
COMMIT_POINTS = ["serve.commit", "serve.reply"]
ARTIFACT_POINTS = ["artifact.write", "artifact.rename"]
POINTS = COMMIT_POINTS + ARTIFACT_POINTS


@pytest.fixture
def served(slipway):
    """A server on the user's store; started by the test, ended here."""
    server = Ours(slipway.folder / "server")
    server.store = slipway.store
    yield server
    server.stop()


def new_run(server):
    return server.post("runs/create", {"experiment_id": "0", "start_time": T})["run"]["info"]["run_id"]


def history(server, run_id, key="m"):
    return [(m["step"], m["value"]) for m in server.get(f"metrics/get-history?run_id={run_id}&metric_key={key}").get("metrics", [])]


class Writer(threading.Thread):
    """Logs batches one after the other over one connection and repeats each until it is acknowledged."""

    def __init__(self, port, token, run_id, key, stop):
        super().__init__(daemon=True)
        self.port, self.token, self.run_id, self.key, self.stop = port, token, run_id, key, stop
        self.acknowledged, self.statuses, self.repeats = 0, set(), 0

    def run(self):
        connection = None
        for batch in itertools.count():
            body = json.dumps({"run_id": self.run_id, "metrics": [
                {"key": self.key, "value": n + 0.5, "step": n, "timestamp": T + n} for n in range(batch * 10, batch * 10 + 10)]})
            while not self.stop.is_set():
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                    connection.request("POST", "/api/2.0/mlflow/runs/log-batch", body, {
                        "Content-Type": "application/json", "Authorization": f"Bearer {self.token}"})
                    reply = connection.getresponse()
                    reply.read()
                    self.statuses.add(reply.status)
                    if reply.status == 200:
                        self.acknowledged += 10
                        break
                except (OSError, http.client.HTTPException):
                    connection, self.repeats = None, self.repeats + 1
                    self.stop.wait(0.01)  # between two tries, as a client does
            if self.stop.is_set():
                return


@pytest.mark.parametrize("point", COMMIT_POINTS)
def test_killed_around_a_commit(slipway, served, point):
    """Again and again on one port and store: what was acknowledged is there after each death, and nothing twice."""
    served.start()
    run_id, stop = new_run(served), threading.Event()
    served.kill()
    writers = [Writer(served.port, served.token, run_id, f"m{n}", stop) for n in range(4)]
    for writer in writers:
        writer.start()
    try:
        for n in range(KILLS):
            served.restart(env={"SLIPWAY_FAILPOINT": f"{point}:{1 + n % 5}=kill"})
            wait_for(lambda: served.process.poll() is not None, f"{point} to be reached")
            assert served.process.returncode == -9
            served.close()
            known = [writer.acknowledged for writer in writers]
            served.restart()
            for writer, count in zip(writers, known):
                steps = [step for step, _ in history(served, run_id, writer.key)]
                assert steps == sorted(set(steps)) and len(steps) >= count and steps[:count] == list(range(count)), writer.key
            served.kill()
        served.restart()
        goal = [writer.acknowledged + 50 for writer in writers]
        wait_for(lambda: all(w.acknowledged >= g for w, g in zip(writers, goal)), "the writers to go on")
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    for writer in writers:
        found = history(served, run_id, writer.key)
        assert found == [(n, n + 0.5) for n in range(len(found))] and len(found) >= writer.acknowledged
        assert writer.statuses == {200}
    assert sum(writer.repeats for writer in writers) > 0
    served.stop()
    healthy(slipway)


JOB = """
import json, os, urllib.request
url, token, run = (os.environ[f"MLFLOW_{name}"] for name in ("TRACKING_URI", "TRACKING_TOKEN", "RUN_ID"))
with open("acknowledged", "w", buffering=1) as out:
    for n in range(100000):
        body = {"run_id": run, "metrics": [{"key": "m", "value": n + 0.5, "step": n, "timestamp": 1700000000000 + n}]}
        call = urllib.request.Request(f"{url}/api/2.0/mlflow/runs/log-batch", json.dumps(body).encode(),
                                      {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        urllib.request.urlopen(call).read()
        out.write(f"{n}\\n")
"""


@pytest.mark.parametrize("point", COMMIT_POINTS)
def test_a_supervisor_killed_around_a_commit(slipway, point):
    """Its job is lost with it; what its server acknowledged is not."""
    script, told = slipway.script("log.py", JOB), slipway.cwd / "acknowledged"
    for n in range(1, KILLS + 1):
        told.unlink(missing_ok=True)
        slipway("run", "--", sys.executable, script, env={"SLIPWAY_FAILPOINT": f"{point}:{2 + n % 7}=kill"})
        job = slipway.wait_job(n, "lost", "failed", "done")
        slipway.wait_for(lambda: not processes_of(slipway), "the job's processes to be gone")
        assert job["state"] == "lost", job
        acknowledged = told.read_text().split() if told.exists() else []
        metrics = slipway("show", job["run_id"], "--json").json["metrics"]
        count = metrics["m"]["count"] if "m" in metrics else 0
        assert len(acknowledged) <= count <= len(acknowledged) + 1, (len(acknowledged), count)
    healthy(slipway)


@pytest.mark.parametrize("point", ARTIFACT_POINTS)
@pytest.mark.parametrize("action", ["kill", "enospc"])
def test_an_upload_that_breaks_off(slipway, served, point, action):
    """An artifact shows when it is whole: the older one stays, nothing half written is listed, and the next try goes."""
    served.start()
    run_id = new_run(served)
    path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/a.bin"
    assert served.request("PUT", path, b"old")[0] == 200
    served.stop()
    served.restart(env={"SLIPWAY_FAILPOINT": f"{point}={action}"})
    data = os.urandom(300_000)
    try:
        status = served.request("PUT", path, data)[0]
    except OSError:
        status = None
    if action == "kill":
        served.process.wait(timeout=60)
        served.close()
        assert status is None
        served.restart()
    else:
        assert status == 507
    assert served.request("GET", path)[2] == b"old"
    assert [f["path"] for f in served.get(f"artifacts/list?run_id={run_id}")["files"]] == ["a.bin"]
    assert served.request("PUT", path, data)[0] == 200 and served.request("GET", path)[2] == data
    served.stop()
    healthy(slipway)


def test_a_full_disk(slipway, served, disk):  # noqa: F811
    """One clear, final error; the store stays whole; with room again the same server goes on."""
    small = disk("small", "6m")
    slipway.store = served.store = small.folder / "store"
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)
    served.start()
    run_id = new_run(served)
    small.fill()

    def log(first, count=500):
        body = {"run_id": run_id, "metrics": [{"key": "m", "value": n, "step": n, "timestamp": T + n} for n in range(first, first + count)]}
        return served.request("POST", "/api/2.0/mlflow/runs/log-batch", json.dumps(body).encode())
    acknowledged = 0
    for _ in range(400):
        status, _, text = log(acknowledged)
        if status != 200:
            break
        acknowledged += 500
    assert status == 507, (status, text)
    assert "space" in json.loads(text)["message"], text
    assert [status for status, _, _ in (log(acknowledged), log(acknowledged))] == [507, 507]
    status, _, text = served.request("PUT", f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/big", bytes(1_000_000))
    assert status == 507, (status, text)
    script = f"import mlflow\nmlflow.MlflowClient().log_metric({run_id!r}, 'k', 1)"
    client = subprocess.run([sys.executable, "-c", script], env=served.client_env(), cwd=slipway.cwd, capture_output=True, text=True,
                            timeout=100)  # a client that repeats its call does so for minutes
    assert client.returncode == 1 and "RestException: RESOURCE_EXHAUSTED" in client.stderr and "space" in client.stderr, client.stderr
    assert served.request("GET", "/health")[0] == 200 and len(history(served, run_id)) == acknowledged
    small.free()
    assert log(acknowledged)[0] == 200
    assert [step for step, _ in history(served, run_id)] == list(range(acknowledged + 500))
    served.stop()
    healthy(slipway, ignore="disk space")


@pytest.mark.parametrize("busy_ms", ["20", "60000"])
def test_a_store_that_somebody_else_holds(slipway, served, busy_ms):
    """Writers wait, also for longer than one wait for the lock; readers do not; nobody sees an error."""
    served.start(env={"SLIPWAY_BUSY_MS": busy_ms})
    run_id, replies = new_run(served), []

    def log(n):
        replies.append(served.request("POST", "/api/2.0/mlflow/runs/log-metric", json.dumps(
            {"run_id": run_id, "key": "m", "value": n, "step": n, "timestamp": T}).encode())[0])
    with closing(sqlite3.connect(slipway.store / "slipway.db", isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        writers = [threading.Thread(target=log, args=(n,)) for n in range(10)]
        for writer in writers:
            writer.start()
        for _ in range(50):
            assert history(served, run_id) == []
        assert replies == [] and all(writer.is_alive() for writer in writers)
        db.execute("ROLLBACK")
    for writer in writers:
        writer.join()
    assert replies == [200] * 10 and len(history(served, run_id)) == 10
    served.stop()
    healthy(slipway)
