# SPDX-License-Identifier: Apache-2.0
"""Many writers, and a server that dies and comes back under a training script: nobody sees an error, nothing is lost,
nothing is there twice. Short here; tests/fault/test_serve_faults.py kills around commits, `make bench BENCH=soak` lasts."""
import http.client
import json
import subprocess
import sys
import threading

import pytest
from servers import Ours, wait_for

T = 1_700_000_000_000
WRITERS, BATCHES, POINTS = 50, 10, 40
SCRIPT = """
import sys, mlflow
with mlflow.start_run() as run:
    print(run.info.run_id, flush=True)
    for n in range(400):
        mlflow.log_metric("loss", n / 4, step=n)
        print(n, flush=True)
    mlflow.log_params({"a": 1})
    mlflow.log_text("text", "a.txt")
"""


@pytest.fixture
def own(tmp_path):
    """A server of the test's own, that it may kill."""
    server = Ours(tmp_path / "own").start()
    yield server
    server.stop()


def history(server, run_id, key):
    return [(m["step"], m["value"]) for m in server.get(f"metrics/get-history?run_id={run_id}&metric_key={key}")["metrics"]]


def test_many_writers_at_once(ours):
    """Each with a run of its own and a connection kept open; half of them write the same batch twice."""
    runs = [ours.post("runs/create", {"experiment_id": "0", "start_time": T})["run"]["info"]["run_id"] for _ in range(WRITERS)]
    start, statuses = threading.Barrier(WRITERS), [set() for _ in range(WRITERS)]

    def write(number):
        connection = http.client.HTTPConnection("127.0.0.1", ours.port, timeout=120)
        start.wait()
        for batch in range(BATCHES):
            body = json.dumps({"run_id": runs[number], "metrics": [
                {"key": "m", "value": n / 2, "step": n, "timestamp": T + n} for n in range(batch * POINTS, (batch + 1) * POINTS)]})
            for _ in range(1 + number % 2):
                connection.request("POST", "/api/2.0/mlflow/runs/log-batch", body, {
                    "Content-Type": "application/json", "Authorization": f"Bearer {ours.token}"})
                reply = connection.getresponse()
                reply.read()
                statuses[number].add(reply.status)
        connection.close()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set().union(*statuses) == {200}
    for run_id in runs:
        assert history(ours, run_id, "m") == [(n, n / 2) for n in range(BATCHES * POINTS)]


def test_a_server_that_dies_under_a_script(own, tmp_path):
    """The client's own retries are enough: the script ends as if nothing had happened."""
    env = own.client_env(MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR=0, MLFLOW_HTTP_REQUEST_BACKOFF_JITTER=0.1,
                         MLFLOW_HTTP_REQUEST_MAX_RETRIES=9)
    with subprocess.Popen([sys.executable, "-c", SCRIPT], env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as script:
        run_id = script.stdout.readline().strip()
        for stop_at in (50, 150, 250):
            for line in script.stdout:
                if line.strip() == str(stop_at):
                    break
            own.kill()
            own.restart()
            assert [step for step, _ in history(own, run_id, "loss")][:stop_at + 1] == list(range(stop_at + 1))
        _, errors = script.communicate(timeout=120)
    assert script.returncode == 0, errors
    assert history(own, run_id, "loss") == [(n, n / 4) for n in range(400)]
    run = own.get(f"runs/get?run_id={run_id}")["run"]
    assert run["info"]["status"] == "FINISHED" and run["data"]["params"] == [{"key": "a", "value": "1"}]


def test_a_server_that_ends_in_order_finishes_what_it_began(own):
    """SIGTERM under writers: every reply that was given is true."""
    run_id = own.post("runs/create", {"experiment_id": "0", "start_time": T})["run"]["info"]["run_id"]
    acknowledged, over = [0] * 4, threading.Event()

    def write(number):
        try:
            while True:
                n = acknowledged[number]
                own.post("runs/log-metric", {"run_id": run_id, "key": f"m{number}", "value": n, "step": n, "timestamp": T})
                acknowledged[number] += 1
        except (OSError, AssertionError):
            over.set()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    wait_for(lambda: min(acknowledged) > 20, "all to write")
    own.stop()
    for thread in threads:
        thread.join()
    assert own.process.returncode == 0 or own.process.returncode in (130, 143), own.process.returncode
    own.restart()
    for number, count in enumerate(acknowledged):
        steps = [step for step, _ in history(own, run_id, f"m{number}")]
        assert steps == list(range(len(steps))) and len(steps) >= count
