# SPDX-License-Identifier: Apache-2.0
"""The tracking server beside the real `mlflow server` on SQLite: one run, one machine, the same client. Prints a JSON
line for each figure. `serve.py` takes the short ones; `serve.py soak` ten minutes (SOAK_SECONDS), `serve.py large` 10^8 points
(POINTS) in a store that is kept in the cache folder."""
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time

BUILD = pathlib.Path(os.environ.get("SLIPWAY_BUILD", "build/release")).resolve()
os.environ["SLIPWAY_BUILD"] = str(BUILD)
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/mlflow"))
from servers import Ours, Theirs, free_port  # noqa: E402

PEER = "mlflow server, SQLite"
RUNS, POINTS, PEER_POINTS, HISTORY = 20_000, 400, 40, 50_000
T = 1_700_000_000_000


def report(name, unit, ours, peer, target, met, peer_name=PEER, lower=True):
    ratio = None if peer is None else (peer / ours if lower else ours / peer)
    print(json.dumps({"name": name, "unit": unit, "ours": round(ours, 3), "peer": None if peer is None else round(peer, 3),
                      "peer_name": peer_name, "ratio": None if ratio is None else round(ratio, 2), "target": target,
                      "met": bool(met(ours, ratio))}), flush=True)


def new_run(server):
    return server.post("runs/create", {"experiment_id": "0", "start_time": T})["run"]["info"]["run_id"]


# --- start ---

def cold_start_ms(folder):
    """From the start of the program to the first answer, on a store that is there."""
    folder.mkdir(exist_ok=True)
    port, times = free_port(), []
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "SLIPWAY_STORE": str(folder / "store"), "LC_ALL": "C.UTF-8"}
    for _ in range(15):
        began = time.perf_counter()
        process = subprocess.Popen([BUILD / "slipway", "serve", "--port", str(port)], env=env, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port)
                connection.request("GET", "/health")
                assert connection.getresponse().read() == b"OK"
                break
            except ConnectionRefusedError:
                time.sleep(0.0002)
        times.append((time.perf_counter() - began) * 1e3)
        connection.close()
        process.terminate()
        process.wait()
    return statistics.median(times[1:])


# --- one point at a time, through the client ---

def client_ms(server, count):
    """Milliseconds of each mlflow.log_metric, as a training script calls it."""
    code = ("import json, sys, time, mlflow\ntimes = []\nwith mlflow.start_run():\n"
            f"    for n in range({count} + 20):\n        began = time.perf_counter()\n        mlflow.log_metric('loss', n, step=n)\n"
            "        times.append((time.perf_counter() - began) * 1e3)\nprint('times', json.dumps(times[20:]))")
    done = subprocess.run([sys.executable, "-c", code], env=server.client_env(), capture_output=True, text=True, check=True)
    return sorted(json.loads(re.search(r"times (.*)", done.stdout).group(1)))


def health_ms(server):
    """What the HTTP library of the client takes for the least of calls."""
    code = ("import requests, statistics, sys, time\nsession, times = requests.Session(), []\nfor _ in range(300):\n"
            "    began = time.perf_counter()\n    session.get(sys.argv[1] + '/health')\n"
            "    times.append((time.perf_counter() - began) * 1e3)\nprint(statistics.median(times))")
    return float(subprocess.run([sys.executable, "-c", code, server.url], capture_output=True, text=True, check=True).stdout)


def raw_ms(server, count):
    """Milliseconds of each raw POST runs/log-metric over one connection."""
    run_id, times = new_run(server), []
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {server.token or 'none'}"}
    for n in range(count + 20):
        began = time.perf_counter()
        connection.request("POST", "/api/2.0/mlflow/runs/log-metric", json.dumps(
            {"run_id": run_id, "key": "loss", "value": n, "step": n, "timestamp": T + n}), headers)
        assert connection.getresponse().read() is not None
        times.append((time.perf_counter() - began) * 1e3)
    connection.close()
    return statistics.median(times[20:])


def measure_client(ours, theirs):
    mine, other = client_ms(ours, 1000), client_ms(theirs, 100)
    report("log-metric, raw, p50", "ms", raw_ms(ours, 1000), raw_ms(theirs, 100), ">= 10x", lambda _, ratio: ratio >= 10)
    at = lambda times, share: times[int(len(times) * share)]
    report("log_metric by the client, p50", "ms", at(mine, 0.5), at(other, 0.5), ">= 10x", lambda _, ratio: ratio >= 10)
    report("the client's own share of it: GET /health by requests, p50", "ms", health_ms(ours), None, "-", lambda *_: True, None)
    report("log_metric by the client, p99", "ms", at(mine, 0.99), at(other, 0.99), "faster", lambda _, ratio: ratio > 1)


# --- batches, raw ---

def load(server, writers, points, seconds, pause_ms=0):
    done = subprocess.run([BUILD / "bench/serve_load", str(server.port), server.token or "none", new_run(server), str(writers),
                           str(points), str(seconds), str(pause_ms)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def measure_batches(ours, theirs):
    for writers in (1, 8, 50):
        mine, other = load(ours, writers, 1000, 4), load(theirs, writers, 1000, 5)
        report(f"log-batch of 1,000, {writers} writer{'s' if writers > 1 else ''}", "points/s", mine["points_a_second"],
               max(other["points_a_second"], 1), ">= 50x, no 5xx", lambda _, ratio: ratio >= 50 and mine["not_200"] == 0, lower=False,
               peer_name=f"{PEER}" + (f" ({other['not_200']} failed)" if other["not_200"] else ""))


# --- many runs: search and history ---

def fill_theirs(database):
    """The same runs, written straight into MLflow's tables: by its API it would take an hour."""
    with sqlite3.connect(database) as db:
        db.execute("PRAGMA synchronous = OFF")
        workspace = "workspace" in {row[1] for row in db.execute("PRAGMA table_info(experiments)")}
        db.execute("INSERT INTO experiments(experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time"
                   + (", workspace) VALUES(77, 'bench', 'mlflow-artifacts:/77', 'active', 1, 1, 'default')" if workspace else
                      ") VALUES(77, 'bench', 'mlflow-artifacts:/77', 'active', 1, 1)"))
        ids = [f"{run:032x}" for run in range(1, RUNS + 1)]
        db.executemany("INSERT INTO runs(run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time,"
                       " end_time, source_version, lifecycle_stage, artifact_uri, experiment_id) VALUES(?, ?, 'LOCAL', '', '', 'u',"
                       " 'FINISHED', ?, ?, '', 'active', 'mlflow-artifacts:/77/' || ?1 || '/artifacts', 77)",
                       ((run_id, f"run-{n:05d}", T + n, T + n) for n, run_id in enumerate(ids)))
        value = lambda run, n: ((run * 7919 + n * 31) % 100003) / 100003
        db.executemany("INSERT INTO metrics(key, value, timestamp, run_uuid, step, is_nan) VALUES(?, ?, ?, ?, ?, 0)",
                       ((("accuracy", "loss")[n % 2], value(run, n), T + n * 10, run_id, n // 2)
                        for run, run_id in enumerate(ids) for n in range(PEER_POINTS)))
        db.executemany("INSERT INTO latest_metrics(key, value, timestamp, step, is_nan, run_uuid) VALUES(?, ?, ?, ?, 0, ?)",
                       ((("accuracy", "loss")[n % 2], value(run, n), T + n * 10, n // 2, run_id)
                        for run, run_id in enumerate(ids) for n in (POINTS - 2, POINTS - 1)))


def call_ms(server, rounds, method, path, body=None):
    """Median of calls over one connection, and the last reply."""
    connection, times = http.client.HTTPConnection("127.0.0.1", server.port), []
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {server.token or 'none'}"}
    for _ in range(rounds + 1):
        began = time.perf_counter()
        connection.request(method, path, json.dumps(body) if body else None, headers)
        reply = connection.getresponse()
        text = reply.read()
        times.append((time.perf_counter() - began) * 1e3)
        assert reply.status == 200, text[:500]
    connection.close()
    return statistics.median(times[1:]), text


def measure_search(folder, theirs):
    store = folder / "many"
    subprocess.run([BUILD / "bench/serve_store", store, str(RUNS), str(POINTS)], check=True, stdout=subprocess.DEVNULL)
    fill_theirs(theirs.database)
    ours = Ours(folder / "searched")
    ours.store = store
    ours.start()
    try:
        found = ours.get("experiments/get-by-name?experiment_name=bench")["experiment"]["experiment_id"]
        want = {"filter": "metrics.accuracy > 0.9", "order_by": ["metrics.accuracy DESC"], "max_results": 100}
        for most, target, is_met in ((100, "< 5 ms", lambda ms, _: ms < 5), (1000, "faster", lambda _, ratio: ratio > 1)):
            mine, text = call_ms(ours, 30, "POST", "/api/2.0/mlflow/runs/search", want | {"experiment_ids": [found], "max_results": most})
            other, same = call_ms(theirs, 4, "POST", "/api/2.0/mlflow/runs/search", want | {"experiment_ids": ["77"], "max_results": most})
            names = [[run["info"]["run_name"] for run in json.loads(reply)["runs"]] for reply in (text, same)]
            assert len(names[0]) == most and set(names[0][:50]) == set(names[1][:50]), "both must find the same runs"
            report(f"search of {RUNS:,} runs with {RUNS * POINTS / 1e6:.0f} M points, best {most} by a metric", "ms", mine, other, target,
                   is_met, peer_name=f"{PEER}, {RUNS * PEER_POINTS / 1e6:.1f} M points")
    finally:
        ours.stop()


def measure_history(ours, theirs):
    run_id = new_run(ours)
    for at in range(0, HISTORY, 1000):
        ours.post("runs/log-batch", {"run_id": run_id, "metrics": [
            {"key": "h", "value": n / 7, "step": n, "timestamp": T + n} for n in range(at, at + 1000)]})
    other_id = new_run(theirs)
    with sqlite3.connect(theirs.database) as db:
        db.executemany("INSERT INTO metrics(key, value, timestamp, run_uuid, step, is_nan) VALUES('h', ?, ?, ?, ?, 0)",
                       ((n / 7, T + n, other_id, n) for n in range(HISTORY)))
    path = "/api/2.0/mlflow/metrics/get-history?metric_key=h&run_id="
    mine, text = call_ms(ours, 10, "GET", path + run_id)
    other, same = call_ms(theirs, 3, "GET", path + other_id)
    assert len(json.loads(text)["metrics"]) == len(json.loads(same)["metrics"]) == HISTORY
    report(f"history of {HISTORY:,} points", "ms", mine, other, "faster", lambda _, ratio: ratio > 1)


# --- artifacts ---

def status_mib(pid, field):
    return int(re.search(rf"{field}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def drain(sock):
    buffer, total = bytearray(1 << 20), 0
    while n := sock.recv_into(buffer):
        total += n
    return total


def loopback_mib_s(path):
    """The same file by sendfile through a bare socket."""
    with socket.create_server(("127.0.0.1", 0)) as listener, open(path, "rb") as file:
        def serve():
            with listener.accept()[0] as sock:
                sock.sendfile(file)
        thread = threading.Thread(target=serve)
        began = time.perf_counter()
        thread.start()
        with socket.create_connection(listener.getsockname()) as sock:
            total = drain(sock)
        thread.join()
        return total / (time.perf_counter() - began) / (1 << 20)


def measure_artifacts(folder, size_mib=1024):
    """One large file, written and read back; against dd to the same disk and a bare socket."""
    ours = Ours(folder / "artifacts").start()
    source = folder / "large.bin"
    try:
        with open(source, "wb") as out:
            for _ in range(size_mib):
                out.write(os.urandom(1 << 20))
        subprocess.run(["sync", source], check=True)
        began = time.perf_counter()
        subprocess.run(["dd", f"if={source}", f"of={folder}/copy", "bs=1M", "conv=fsync", "status=none"], check=True)
        disk = size_mib / (time.perf_counter() - began)
        (folder / "copy").unlink()
        before = status_mib(ours.process.pid, "VmHWM")
        path = f"/api/2.0/mlflow-artifacts/artifacts/0/{new_run(ours)}/artifacts/large.bin"
        head = f"Host: 127.0.0.1:{ours.port}\r\nAuthorization: Bearer {ours.token}\r\n"
        with socket.create_connection(("127.0.0.1", ours.port)) as sock, open(source, "rb") as file:
            began = time.perf_counter()
            sock.sendall(f"PUT {path} HTTP/1.1\r\n{head}Content-Length: {size_mib << 20}\r\n\r\n".encode())
            sock.sendfile(file)
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
            up = size_mib / (time.perf_counter() - began)
        down, bare = 0, 0
        for _ in range(3):  # in turn, the best of each
            with socket.create_connection(("127.0.0.1", ours.port)) as sock:
                began = time.perf_counter()
                sock.sendall(f"GET {path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode())
                assert drain(sock) > size_mib << 20
                down = max(down, size_mib / (time.perf_counter() - began))
            bare = max(bare, loopback_mib_s(source))
        half = lambda _, ratio: ratio >= 0.5
        report(f"artifact of {size_mib} MiB up", "MiB/s", up, disk, ">= 0.5x", half, peer_name="dd, fsync", lower=False)
        report(f"artifact of {size_mib} MiB down", "MiB/s", down, bare, ">= 0.5x", half,
               peer_name="sendfile by loopback", lower=False)
        report("memory that it took", "MiB", status_mib(ours.process.pid, "VmHWM") - before + 0.001, None, "< 16",
               lambda mib, _: mib < 16, peer_name=None)
    finally:
        ours.stop()
        source.unlink(missing_ok=True)
        shutil.rmtree(ours.store, ignore_errors=True)


# --- the long ones ---

def soak(folder):
    """50 writers of 100 points ten times a second: memory and descriptors of the last quarter against the second."""
    seconds = int(os.environ.get("SOAK_SECONDS") or 600)
    ours, samples, over = Ours(folder / "soak").start(), [], threading.Event()
    pid = ours.process.pid

    def watch():
        while not over.wait(max(seconds / 200, 0.05)):
            samples.append((status_mib(pid, "VmRSS"), len(os.listdir(f"/proc/{pid}/fd"))))
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = load(ours, 50, 100, seconds, pause_ms=100)
    finally:
        over.set()
        watcher.join()
        ours.stop()
    quarter = len(samples) // 4
    before, after = samples[quarter:2 * quarter], samples[-quarter:]
    median = lambda rows, column: statistics.median(row[column] for row in rows)
    name = f"soak of {seconds} s, 50 writers, {done['points']:,} points"
    report(f"{name}: memory at the end", "MiB", median(after, 0), median(before, 0), "<= 1.1x", lambda _, r: r >= 1 / 1.1, "second quarter")
    report(f"{name}: descriptors at the end", "count", max(row[1] for row in after), max(row[1] for row in before), "no more",
           lambda _, r: r >= 1, "second quarter")
    report(f"{name}: not answered with 200", "count", done["not_200"], None, "0", lambda n, _: n == 0, None)
    report(f"{name}: rate", "points/s", done["points_a_second"], 50 * 100 * 10, ">= 0.9x", lambda _, r: r >= 0.9, "what is sent", False)
    report(f"{name}: p99 of a batch", "ms", done["p99_ms"], None, "< 500", lambda ms, _: ms < 500, None)


def large(_):
    """Made once; what is measured stays cheap after that."""
    points = int(os.environ.get("POINTS") or 100_000_000)
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "slipway-build"
    cache.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([BUILD / "bench/serve_store", cache / f"bench-store-{points}", "1000", str(points // 1000)], check=True,
                          stdout=subprocess.PIPE, text=True)
    got, name = json.loads(done.stdout), f"store of {points:,} points"
    report(f"{name}: bytes a point", "bytes", got["bytes_a_point"], 300, "-", lambda *_: True, "MLflow's schema, published")
    report(f"{name}: search by a metric", "ms", got["search_ms"], None, "< 5", lambda ms, _: ms < 5, None)
    report(f"{name}: 10 runs in 200 columns", "ms", got["chart_ms"], None, "< 100", lambda ms, _: ms < 100, None)
    if got["points_a_second"]:
        report(f"{name}: made at", "points/s", got["points_a_second"], None, "-", lambda *_: True, None)


def short(folder):
    began = time.perf_counter()
    theirs = Theirs(folder / "theirs").launch()
    ours = Ours(folder / "ours")
    try:
        theirs.ready()
        ready_ms = (time.perf_counter() - began) * 1e3
        report("cold start to the first answer", "ms", cold_start_ms(folder / "cold"), ready_ms, "< 20 ms", lambda ms, _: ms < 20)
        ours.start()
        measure_client(ours, theirs)
        measure_batches(ours, theirs)
        measure_history(ours, theirs)
        ours.stop()
        measure_search(folder, theirs)
        theirs.stop()
        measure_artifacts(folder)
    finally:
        ours.stop()
        theirs.stop()


def main():
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        {"soak": soak, "large": large, "short": short}[(sys.argv + ["short"])[1]](pathlib.Path(folder))


main()
