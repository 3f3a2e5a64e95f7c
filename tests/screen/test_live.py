# SPDX-License-Identifier: Apache-2.0
"""The Runs screen while a script logs through `slipway serve`: no key is pressed, and what arrives is seen."""
import json
import subprocess
import time
import urllib.request

import pytest

from conftest import BUILD


class Server:
    def __init__(self, environment, home):
        self.process = subprocess.Popen([BUILD / "slipway", "serve", "--port", "0", "--json"], env=environment, cwd=home,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        hello = json.loads(self.process.stdout.readline())
        self.uri = hello["uri"]
        with open(hello["token_file"]) as token:
            self.token = token.read().strip()

    def call(self, path, **body):
        request = urllib.request.Request(f"{self.uri}/api/2.0/mlflow/{path}", json.dumps(body).encode(),
                                         {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def start_run(self, name, start_ms=None):
        run = self.call("runs/create", experiment_id="0", run_name=name,
                        start_time=start_ms or int(time.time() * 1000))["run"]
        return run["info"]["run_id"]

    def log(self, run_id, key, value, step):
        self.call("runs/log-metric", run_id=run_id, key=key, value=value, step=step,
                  timestamp=int(time.time() * 1000))

    def close(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0


@pytest.fixture
def server(environment, home):
    s = Server(environment, home)
    yield s
    s.close()


def test_rows_and_curves_follow_what_a_script_logs(terminal, server):
    t = terminal(120, 40)
    port = server.uri.rsplit(":", 1)[1]
    t.wait(rf"serve :{port}")
    t.keys("3")
    t.wait(r"No runs yet")
    run = server.start_run("remote")
    t.wait(r"▌ +remote +RUNNING")
    server.log(run, "loss", 5.0, 0)
    t.wait(r"remote +RUNNING +5 ", r"─ loss ─")
    for step in range(1, 30):
        server.log(run, "loss", 5.0 - step / 10, step)
    t.wait(r"remote +RUNNING +2\.1 ", r"┤.*⣀|⠤|⠒")  # the last value in the row, a curve in braille
    server.call("runs/update", run_id=run, status="FINISHED", end_time=int(time.time() * 1000))
    t.wait(r"remote +FINISHED")


def test_a_run_shows_the_models_it_logged(terminal, server):
    run = server.start_run("maker")
    model = server.call("logged-models", experiment_id="0", name="net", model_type="classifier",
                        source_run_id=run)["model"]["info"]["model_id"]
    server.call("logged-models", experiment_id="0", name="other-net")
    t = terminal(120, 40)
    t.keys("3")
    screen = t.wait(r"logged models", rf"net +{model}", r"LOGGED_MODEL_PENDING +classifier")
    assert "other-net" not in screen


def test_a_run_that_nobody_watches_falls_silent(terminal, server, slipway):
    three_hours_ago = int(time.time() * 1000) - 3 * 3600 * 1000 - 60000
    run = server.start_run("abandoned", three_hours_ago)
    t = terminal(120, 40)
    t.keys("3")
    t.wait(r"abandoned +silent 3 h", r"RUNNING, silent for 3 h")
    assert "silent 3 h" in slipway("runs") and "RUNNING, silent for 3 h" in slipway("show", "abandoned")
    server.log(run, "loss", 1.0, 0)  # it lives after all
    t.wait(r"abandoned +RUNNING", absent=[r"silent"])


def test_doctor_knows_the_server(environment, home, slipway):
    def row():
        return next(item for item in json.loads(slipway("doctor", "--json", check=False))["items"]
                    if item["name"] == "serve")
    slipway("runs", "--json", check=False)
    assert row()["outcome"] == "skip" and "slipway serve" in row()["text"]
    server = Server(environment, home)
    assert row()["outcome"] == "pass" and server.uri in row()["text"]
    server.close()
    assert row()["outcome"] == "skip"
    token = home / ".local/state/slipway/token"
    token.chmod(0o644)
    assert row()["outcome"] == "fail" and "remove the file" in row()["fix"]
