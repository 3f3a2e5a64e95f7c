# SPDX-License-Identifier: Apache-2.0
"""The two servers of the tests and benchmarks: `slipway serve` on a store of its own, and the real `mlflow server` on
SQLite with the artifacts through its proxy. Both listen on a free loopback port and are ready when start() returns."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

BUILD = Path(os.environ.get("SLIPWAY_BUILD", "build/release")).resolve()
ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 120
KEEP = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "LD_LIBRARY_PATH")


def wait_for(check, what, deadline_s=DEADLINE_S):
    """Polls until `check` gives something true."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.01)  # the pace of polling, not the wait
    raise AssertionError(f"gave up waiting for {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """What both have in common: a URL, a token that may be None, a process that may be somebody else's."""
    name = "server"

    def __init__(self, url=None, token=None):
        self.url, self.token, self.process = url, token, None

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    def request(self, method, path, data=None, headers=None):
        """One call of the raw API: (status, headers, bytes)."""
        ready = {"Content-Type": "application/json"} if data is not None else {}
        if self.token:
            ready["Authorization"] = f"Bearer {self.token}"
        ready.update(headers or {})
        call = urllib.request.Request(self.url + path, data=data, headers=ready, method=method)
        try:
            with urllib.request.urlopen(call, timeout=DEADLINE_S) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def post(self, path, body):
        """A call that must succeed, below /api/2.0/mlflow/."""
        status, _, text = self.request("POST", f"/api/2.0/mlflow/{path}", json.dumps(body).encode())
        assert status == 200, (path, status, text)
        return json.loads(text)

    def get(self, path):
        status, _, text = self.request("GET", f"/api/2.0/mlflow/{path}")
        assert status == 200, (path, status, text)
        return json.loads(text)

    def client_env(self, **more):
        """For a program with the MLflow client in it, in one's own process or another."""
        env = {name: os.environ[name] for name in (*KEEP, "HOME") if name in os.environ}
        return env | {"MLFLOW_TRACKING_URI": self.url, "MLFLOW_TRACKING_TOKEN": self.token or "none",
                      "LC_ALL": "C.UTF-8", "TZ": "UTC", "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
                      "GIT_PYTHON_REFRESH": "quiet", "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1"} | {name: str(value) for name, value in more.items()}

    def is_up(self):
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}")
        try:
            return self.request("GET", "/health")[0] == 200
        except OSError:
            return False

    def kill(self):
        """SIGKILL, as a fault does it."""
        self.process.kill()
        self.process.wait()
        self.close()

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=DEADLINE_S)
        self.close()

    def close(self):
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


class Ours(Server):
    name = "slipway serve"

    def __init__(self, folder, **options):
        super().__init__(**options)
        self.folder, self.store, self.state = folder, folder / "store", folder / "state"
        self.log = folder / "serve.log"

    def start(self, *args, port=0, env=None):
        self.folder.mkdir(exist_ok=True)
        self.env = {name: os.environ[name] for name in KEEP if name in os.environ}
        self.env |= {"HOME": str(self.folder), "XDG_STATE_HOME": str(self.state), "SLIPWAY_STORE": str(self.store),
                     "LC_ALL": "C.UTF-8", "TZ": "UTC", "SLIPWAY_TEMPLATES": str(ROOT / "templates")} | (env or {})
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BUILD / "slipway", "serve", "--port", str(port), *map(str, args)],
                                            env=self.env, cwd=self.folder, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline().decode()
        found = re.search(r"https?://[^\s/]+", line)
        if "SLIPWAY_FAILPOINT" not in self.env:  # which may end it before it says a word
            assert found, f"slipway serve said {line!r}; {self.log.read_text(errors='replace')[-2000:]}"
        self.url = found.group(0) if found else self.url
        self.token = (self.state / "slipway/token").read_text().strip()
        return self

    def restart(self, env=None, args=()):
        """On the same port and store, after kill() or stop()."""
        return self.start(*args, port=self.port, env=env)

    def run(self, *args, code=0):
        """Another command of the program on the same store."""
        done = subprocess.run([BUILD / "slipway", *map(str, args)], env=self.env, cwd=self.folder, capture_output=True,
                              text=True, timeout=DEADLINE_S)
        assert code is None or done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done


class Theirs(Server):
    name = "mlflow server"

    def __init__(self, folder, **options):
        super().__init__(**options)
        self.folder, self.database, self.log = folder, folder / "mlflow.db", folder / "server.log"

    def launch(self, workers=1):
        """Starts without waiting: it takes half a minute, which the caller may use."""
        self.folder.mkdir(exist_ok=True)
        self.url = f"http://127.0.0.1:{free_port()}"
        env = self.client_env(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", HOME=self.folder)
        del env["MLFLOW_TRACKING_URI"]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{self.database}",
                 "--artifacts-destination", str(self.folder / "artifacts"), "--host", "127.0.0.1", "--port",
                 str(self.port), "--workers", str(workers)], env=env, cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)
        return self

    def ready(self):
        wait_for(self.is_up, "mlflow server")
        return self

    def stop(self):
        """With its workers, which are processes of their own."""
        if self.process is None or self.process.returncode is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
