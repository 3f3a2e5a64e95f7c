# SPDX-License-Identifier: Apache-2.0
"""Artifacts through `slipway serve`: the MLflow client up and down, ranges by curl, big files, cut and concurrent uploads."""
import hashlib
import json
import os
import socket
import subprocess
import threading

import pytest
from serve_tools import Server

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
               "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
PROXY = "/api/2.0/mlflow-artifacts/artifacts"
MIB = 1 << 20


@pytest.fixture
def server(slipway):
    server = Server(slipway)
    yield server
    server.stop()


@pytest.fixture
def mlflow(server, monkeypatch):
    import mlflow
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", server.token)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    mlflow.set_tracking_uri(server.uri)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def run(server):
    """A run's id, made over the API."""
    status, _, body = server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
    assert status == 200, body
    return json.loads(body)["run"]["info"]["run_id"]


def folder_of(server, run):
    return server.user.store / "artifacts/0" / run / "artifacts"


def uploads(server):
    folder = server.user.store / "artifacts/.uploads"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_nested_folders_go_up_and_come_down(server, mlflow, tmp_path):
    source = tmp_path / "source"
    files = {"a.txt": b"a\n", "empty": b"", "sub/deep/er/b.bin": os.urandom(70000), "sub/with space.txt": b"s",
             "sub/ünïcode.txt": b"u", "100%.txt": b"p", "x.tar.gz": b"z"}
    for name, data in files.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with mlflow.start_run() as run:
        mlflow.log_artifacts(str(source), "tree")
        mlflow.log_text("hello", "notes/one.txt")
        mlflow.log_dict({"a": [1, 2]}, "notes/two.json")
    client = mlflow.MlflowClient()
    top = [(item.path, item.is_dir) for item in client.list_artifacts(run.info.run_id)]
    assert top == [("notes", True), ("tree", True)]
    sub = [(item.path, item.is_dir, item.file_size) for item in client.list_artifacts(run.info.run_id, "tree/sub")]
    assert sub == [("tree/sub/deep", True, None), ("tree/sub/with space.txt", False, 1), ("tree/sub/ünïcode.txt", False, 1)]
    assert client.list_artifacts(run.info.run_id, "notes/one.txt") == []
    back = client.download_artifacts(run.info.run_id, "tree", str(tmp_path))
    for name, data in files.items():
        assert (tmp_path / back / name).read_bytes() == data, name
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/one.txt") == "hello"
    for path in folder_of(server, run.info.run_id).rglob("*"):
        assert path.stat().st_mode & 0o7777 == (0o700 if path.is_dir() else 0o600), path


def test_parts_by_the_client(server, mlflow, monkeypatch, tmp_path):
    """Multipart upload as the client does it, with parts of a size that tests can afford."""
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(MIB))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 * MIB))
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(12 * MIB + 5))
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(big), "models")
    assert (folder_of(server, run.info.run_id) / "models/big.bin").read_bytes() == big.read_bytes()
    with mlflow.start_run() as run, pytest.raises(Exception, match="multipart|Failed|400|experiment"):
        monkeypatch.setattr("mlflow.store.artifact.http_artifact_repo.read_chunk", lambda *_: 1 / 0)
        mlflow.log_artifact(str(big), "models")
    assert not (folder_of(server, run.info.run_id) / "models/big.bin").exists()
    assert len(uploads(server)) == 1  # the finished one's record; the other was aborted


def curl(server, path, *options):
    done = subprocess.run(["curl", "-sS", "--path-as-is", "-H", f"Authorization: Bearer {server.token}", *options,
                           server.uri + path], capture_output=True, check=True)
    return done.stdout


def test_ranges_by_curl(server, run, tmp_path):
    data = os.urandom(300000)
    path = f"{PROXY}/0/{run}/artifacts/data.bin"
    assert server.call("PUT", path, data)[0] == 200
    assert curl(server, path) == data
    assert curl(server, path, "-r", "0-0") == data[:1]
    assert curl(server, path, "-r", "1000-1999") == data[1000:2000]
    assert curl(server, path, "-r", "299990-") == data[299990:]
    assert curl(server, path, "-r", "-10") == data[-10:]
    half = tmp_path / "half"
    half.write_bytes(data[:150000])
    curl(server, path, "-C", "-", "-o", str(half))
    assert half.read_bytes() == data
    status, headers, body = server.call("GET", path, headers=server.headers(Range="bytes=5-9"))
    assert (status, headers["content-range"], headers["content-length"], body) == (206, "bytes 5-9/300000", "5", data[5:10])
    status, headers, _ = server.call("GET", path, headers=server.headers(Range="bytes=300000-"))
    assert (status, headers["content-range"]) == (416, "bytes */300000")
    status, _, body = server.call("GET", path, headers=server.headers(Range="bytes=0-1,5-6"))
    assert (status, body) == (200, data)
    etag = server.call("GET", path)[1]["etag"]
    part = server.headers(Range="bytes=5-9")
    assert server.call("GET", path, headers=part | {"If-Range": etag})[0] == 206
    assert server.call("PUT", path, data[::-1])[0] == 200
    status, _, body = server.call("GET", path, headers=part | {"If-Range": etag})
    assert (status, body) == (200, data[::-1])  # another file by now


def test_a_big_file_leaves_memory_flat(slipway):
    """300 MB up and down through the release build's sizes: the peak of memory moves by little."""
    server = Server(slipway)
    try:
        run = json.loads(server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})[2])["run"]["info"]["run_id"]
        path, total, block = f"{PROXY}/0/{run}/artifacts/big", 300 * MIB, os.urandom(MIB)
        server.call("PUT", path, b"x" * MIB)
        server.call("GET", path)
        before, digest = server.peak_kb(), hashlib.sha256()
        with server.connect() as s:
            s.sendall(f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
                      f"Content-Length: {total}\r\nConnection: close\r\n\r\n".encode())
            for _ in range(total // MIB):
                s.sendall(block)
            assert s.recv(12) == b"HTTP/1.1 200"
        with server.connect() as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
                      "Connection: close\r\n\r\n".encode())
            reply = s.makefile("rb")
            while reply.readline() != b"\r\n":
                pass
            got = 0
            while chunk := reply.read(MIB):
                got += len(chunk)
                digest.update(chunk)
        assert got == total and digest.hexdigest() == hashlib.sha256(block * (total // MIB)).hexdigest()
        assert server.peak_kb() - before < 24 << 10
    finally:
        server.stop()


def test_a_cut_upload_leaves_nothing(server, run, slipway):
    path = f"{PROXY}/0/{run}/artifacts/deep/cut.bin"
    with server.connect() as s:
        s.sendall(f"PUT {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
                  f"Content-Length: 1000000\r\n\r\n".encode() + b"x" * 5000)
        slipway.wait_for(lambda: uploads(server), "the upload to begin")
    slipway.wait_for(lambda: not uploads(server), "the cut upload to be gone")
    assert not (folder_of(server, run) / "deep").exists()
    assert server.call("GET", path)[0] == 404


def test_what_a_killed_server_left_is_gone_with_the_next(server, run, slipway):
    with server.connect() as s:
        s.sendall(f"PUT {PROXY}/0/{run}/artifacts/x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"
                  f"Content-Length: 1000000\r\n\r\n".encode() + b"x" * 5000)
        slipway.wait_for(lambda: uploads(server), "the upload to begin")
        server.process.kill()
        server.process.wait()
    assert uploads(server)
    again = Server(slipway)
    assert not uploads(again)
    again.stop()
    server.process = subprocess.Popen(["true"], stdout=subprocess.PIPE, text=True)  # for the fixture's stop()
    server.process.wait()


def test_uploads_of_one_path_at_once(server, run):
    """Whoever comes last wins, nobody reads a mixture."""
    path = f"{PROXY}/0/{run}/artifacts/same"
    bodies = [bytes([65 + i]) * 400000 for i in range(6)]
    seen, over = [], threading.Event()

    def read():
        while not over.is_set():
            status, _, body = server.call("GET", path)
            if status == 200:
                seen.append(body)

    reader = threading.Thread(target=read)
    reader.start()
    writers = [threading.Thread(target=lambda body=body: [server.call("PUT", path, body) for _ in range(5)]) for body in bodies]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    over.set()
    reader.join()
    assert server.call("GET", path)[2] in bodies and all(body in bodies for body in seen)
    assert uploads(server) == []


def test_where_nobody_may_write(server, run):
    models = server.user.store / "artifacts/models/net/1"
    models.mkdir(parents=True)
    (models / "w").write_bytes(b"weights")
    assert server.call("GET", f"{PROXY}/models/net/1/w")[2] == b"weights"
    for method, body in (("PUT", b"x"), ("DELETE", None)):
        assert server.call(method, f"{PROXY}/models/net/1/w", body)[0] == 403
        assert server.call(method, f"{PROXY}/77/{run}/artifacts/x", body)[0] == 404
        assert server.call(method, f"{PROXY}/0/x", body)[0] == 400
        assert server.call(method, f"{PROXY}/other/{run}/artifacts/x", body)[0] == 400
    assert (models / "w").read_bytes() == b"weights"
    assert server.call("PUT", f"{PROXY}/0/{run}/artifacts/folder/", b"x")[0] == 400
    assert server.call("POST", "/api/2.0/mlflow-artifacts/mpu/create/models/net/1", {"path": "w", "num_parts": 1})[0] == 403
    made = json.loads(server.call("POST", "/api/2.0/mlflow/experiments/create",
                                  {"name": "far", "artifact_location": "s3://bucket/x"})[2])["experiment_id"]
    status, _, body = server.call("PUT", f"{PROXY}/{made}/{run}/artifacts/x", b"x")
    assert status == 400 and b"s3://bucket/x" in body
    server.call("POST", "/api/2.0/mlflow/experiments/delete", {"experiment_id": made})
    assert b"deleted" in server.call("PUT", f"{PROXY}/{made}/{run}/artifacts/x", b"x")[2]


def test_small_uploads_of_the_browser(server, run):
    path = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=shots/one.png"
    assert server.call("POST", path, b"png")[0] == 200
    assert (folder_of(server, run) / "shots/one.png").read_bytes() == b"png"
    assert b"Max size is 10MB" in server.call("POST", path, b"x" * (10 * MIB + 1))[2]
    assert b"must specify data" in server.call("POST", path, b"")[2]
    assert b"must specify path" in server.call("POST", path.split("&")[0], b"x")[2]
    assert server.call("POST", path.replace("/ajax-api/", "/api/"), b"x")[0] == 404
    assert (folder_of(server, run) / "shots/one.png").read_bytes() == b"png"


def test_files_of_a_registered_version(server, run):
    assert server.call("PUT", f"{PROXY}/0/{run}/artifacts/model/MLmodel", b"flavors: {}\n")[0] == 200
    assert server.call("PUT", f"{PROXY}/0/{run}/artifacts/model/data/w.bin", b"weights")[0] == 200
    server.call("POST", "/api/2.0/mlflow/registered-models/create", {"name": "net"})
    made = server.call("POST", "/api/2.0/mlflow/model-versions/create",
                       {"name": "net", "source": f"mlflow-artifacts:/0/{run}/artifacts/model", "run_id": run})
    assert made[0] == 200, made
    assert server.call("DELETE", f"{PROXY}/0/{run}/artifacts/model")[0] == 200
    ask = "/model-versions/get-artifact?name=net&version=1&path="
    assert server.call("GET", ask + "data/w.bin")[2] == b"weights"
    assert [server.call("GET", ask + path)[0] for path in ("none", "data", "../1", "%2e%2e/x")] == [404, 400, 400, 400]
    assert server.call("GET", ask.replace("version=1", "version=2") + "MLmodel")[0] == 404


def test_parts_over_a_restart(server, run, slipway):
    target = f"0/{run}/artifacts"
    status, _, body = server.call("POST", f"/api/2.0/mlflow-artifacts/mpu/create/{target}", {"path": "/home/u/m.bin", "num_parts": 2})
    assert status == 200, body
    made = json.loads(body)
    parts = [item["url"].split("/api/")[1] for item in made["credentials"]]
    assert all(item["headers"]["Authorization"] == f"Bearer {server.token}" for item in made["credentials"])
    second = server.call("PUT", "/api/" + parts[1], b"-two")[1]["etag"]
    assert server.call("PUT", "/api/" + parts[0], b"x", headers={})[0] == 401
    server.stop()
    again = Server(slipway)
    first = again.call("PUT", "/api/" + parts[0], b"one")[1]["etag"]
    done = {"path": "/home/u/m.bin", "upload_id": made["upload_id"],
            "parts": [{"part_number": 1, "etag": first}, {"part_number": 2, "etag": second}]}
    for _ in range(2):  # the second time as a client whose answer was lost
        assert again.call("POST", f"/api/2.0/mlflow-artifacts/mpu/complete/{target}", done)[0] == 200
    assert (folder_of(again, run) / "m.bin").read_bytes() == b"one-two"
    again.stop()
