# SPDX-License-Identifier: Apache-2.0
"""Who gets what from `slipway serve`: published reports against MLflow, each a test; web pages; another user of the machine;
callers without a token; clients that send too much or too slowly."""
import base64
import json
import os
import pickle
import select
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from conftest import Slipway
from serve_tools import Server, read_all

PROXY = "/api/2.0/mlflow-artifacts/artifacts"
SECRET = "kept-from-callers-4711"


@pytest.fixture
def server(slipway):
    server = Server(slipway)
    yield server
    server.stop()


@pytest.fixture
def run(server):
    status, _, body = server.call("POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0"})
    assert status == 200, body
    return json.loads(body)["run"]["info"]["run_id"]


# --- published reports (research page 2.3): what was sent, in which {up} climbs to the root and {secret} is a file there ---

def quoted(text, times=1):
    for _ in range(times):
        text = text.replace("%", "%25").replace(".", "%2e").replace("/", "%2f")
    return text


def reads(path):
    """Every way to read a path, and to write it."""
    return [("GET", f"{PROXY}/{path}", None), ("GET", f"{PROXY}?path={path}", None), ("PUT", f"{PROXY}/{path}", b"overwritten"),
            ("GET", f"/get-artifact?run_id={{run}}&path={path}", None), ("DELETE", f"{PROXY}/{path}", None),
            ("GET", f"/api/2.0/mlflow/artifacts/list?run_id={{run}}&path={path}", None),
            ("POST", f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={{run}}&path={path}", b"overwritten")]


def places(*locations):
    """Experiments and versions that claim to lie somewhere."""
    return [("POST", "/api/2.0/mlflow/experiments/create", {"name": f"e{i}", "artifact_location": text}) for i, text in enumerate(locations)]


def sources(*locations):
    return [("POST", "/api/2.0/mlflow/registered-models/create", {"name": "m"})] + [
        ("POST", "/api/2.0/mlflow/model-versions/create", {"name": "m", "source": text, "run_id": "{run}"}) for text in locations] + [
        ("GET", f"/model-versions/get-artifact?name=m&version={version}&path={path}", None)
        for version in (1, 2) for path in ("secret.txt", "passwd", "etc/passwd")]


REPORTS = {
    "mlflow_7166_get_artifact": reads("{up}{secret}") + reads("..") + reads("{secret}"),
    "CVE_2023_6909_fragment_in_location": places("http:///#/../../../../..{secret}", "mlflow-artifacts:/#/../../..{secret}"),
    "CVE_2024_1483_query_in_location": places("http:///?/../../../../..{secret}", "mlflow-artifacts:/0?x=../../..{secret}"),
    "CVE_2024_3848_fragment_again": places("mlflow-artifacts://host/#/../../..", "file:///etc#../..") + reads("a%23/{up}{secret}"),
    "PR_10653_decoded_twice": reads(quoted("{up}", 1).replace("%7b", "{") + "{secret}") + reads("%2e%2e%2f%2e%2e{secret}"),
    "PR_11376_decoded_thrice": reads("%252e%252e%252f%252e%252e{secret}") + reads("%25252e%25252e/x"),
    "CVE_2025_11201_source_traversal": sources("mlflow-artifacts:/../../..", "{secret}", "file://{secret}", "runs:/{run}/../../.."),
    "CVE_2026_2614_source_to_file": sources("file:///etc", "/etc", "mlflow-artifacts:/%2e%2e/%2e%2e", "mlflow-artifacts:/0/../../"),
    "CVE_2026_2033_source_with_escapes": sources("mlflow-artifacts:/0/{run}/artifacts/..%2f..%2f..", "mlflow-artifacts:/0/{run}?../.."),
    "CVE_2026_2651_parts": [
        (method, f"/api/2.0/mlflow-artifacts/mpu/{verb}/{path}", {"path": name, "num_parts": 1, "upload_id": "../../x", "parts": [{"part_number": 1, "etag": "../x"}]})
        for method, verb in (("POST", "create"), ("POST", "complete"), ("POST", "abort"))
        for path, name in (("..%2f..", "secret.txt"), ("0/{run}/artifacts", ".."), ("models/m", "w"), ("%2fetc", "passwd"), (".uploads", "x"))] + [
        ("PUT", f"/api/2.0/mlflow-artifacts/mpu/parts/{upload}/1", b"x") for upload in ("..", "%2e%2e", "..%2f..%2f0", "0" * 32)],
    "CVE_2026_2393_webhook": [("POST", "/api/2.0/mlflow/webhooks", {"name": "w", "url": "http://169.254.169.254/latest/meta-data"})],
    "mlflow_24767_location_of_a_host": [
        ("GET", f"{PROXY}/http:%2f%2f169.254.169.254%2flatest", None), ("PUT", f"{PROXY}/http:%2f%2f169.254.169.254%2flatest", b"x")],
    "backslashes_and_drives": reads("..%5c..%5csecret.txt") + reads("C:%5csecret.txt") + reads("%5c%5chost%5cshare"),
    "nul_and_controls": reads("a%00{up}{secret}") + reads("a%0d%0aSet-Cookie:x") + reads("%ff%fe"),
    "our_own_folder": [call for call in reads(".uploads/x") + reads("./.uploads") + reads("0/../.uploads") if "{run}" not in call[1]],
}


@pytest.mark.parametrize("report", REPORTS)
def test_report(server, run, report):
    """Refused, each single request; the secret stays unread and what lies outside unchanged."""
    secret = server.user.home / "secret.txt"
    secret.write_text(SECRET)
    outside = {path: path.stat().st_mtime_ns for path in server.user.home.rglob("*") if path.is_file()}
    words = {"{up}": "../" * 14, "{secret}": str(secret), "{run}": run}

    def filled(value):
        if isinstance(value, str):
            for name, text in words.items():
                value = value.replace(name, text)
            return value
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        return value

    answered = 0
    for method, target, body in REPORTS[report]:
        status, headers, reply = server.call(method, filled(target), filled(body))
        assert SECRET.encode() not in reply and b"root:" not in reply, (method, target)
        assert 400 <= status < 500 or target.endswith("/registered-models/create"), (method, target, status, reply)
        assert "set-cookie" not in headers
        answered += 1
    assert answered == len(REPORTS[report])
    assert {path: path.stat().st_mtime_ns for path in server.user.home.rglob("*") if path.is_file()} == outside
    assert secret.read_text() == SECRET
    root = server.user.store / "artifacts"
    server.user.wait_for(lambda: not [path for path in root.rglob("*") if path.is_file()], "nothing of refused requests to be left")


def test_links_lead_nowhere(server, run):
    """What a job leaves in its folder is not a way out of it."""
    folder = server.user.store / "artifacts/0" / run / "artifacts"
    folder.mkdir(parents=True, exist_ok=True)
    (server.user.home / "secret.txt").write_text(SECRET)
    (folder / "file").symlink_to(server.user.home / "secret.txt")
    (folder / "dir").symlink_to(server.user.home)
    (folder / "proc").symlink_to("/proc/self/root")
    os.mkfifo(folder / "pipe")
    base = f"{PROXY}/0/{run}/artifacts"
    for path in ("file", "dir/secret.txt", "proc/etc/passwd", "pipe"):
        status, _, body = server.call("GET", f"{base}/{path}")
        assert status == 400 and SECRET.encode() not in body, path
    for path in ("dir/new", "dir/secret.txt", "proc/tmp/x"):
        assert server.call("PUT", f"{base}/{path}", b"x")[0] == 400
        assert server.call("DELETE", f"{base}/{path}")[0] == 400
    assert json.loads(server.call("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run}")[2]).get("files") is None
    assert server.call("DELETE", base)[0] == 200  # the links, not their ends
    assert (server.user.home / "secret.txt").read_text() == SECRET and not folder.exists()


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_CVE_2024_37052_nothing_is_unpickled(server, run):
    """To 37056 and the long series behind them: a pickle is bytes."""
    went_off = server.user.home / "went-off"
    data = pickle.dumps(Bomb(str(went_off)))
    for name in ("python_model.pkl", "MLmodel", "model.pth", "data.joblib"):
        path = f"{PROXY}/0/{run}/artifacts/model/{name}"
        assert server.call("PUT", path, data)[0] == 200
        assert server.call("GET", path)[2] == data
    server.call("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run}&path=model")
    server.call("POST", "/api/2.0/mlflow/registered-models/create", {"name": "m"})
    server.call("POST", "/api/2.0/mlflow/model-versions/create",
                {"name": "m", "source": f"mlflow-artifacts:/0/{run}/artifacts/model", "run_id": run})
    assert not went_off.exists()


def test_CVE_2026_4137_CVE_2025_10279_nothing_is_shared(server, run):
    """Files 0600, folders 0700, and no temporary ones elsewhere."""
    server.call("PUT", f"{PROXY}/0/{run}/artifacts/a/b", b"x")
    for place in (server.user.store, server.token_file.parent):
        for path in (place, *place.rglob("*")):
            assert path.lstat().st_mode & 0o077 == 0, path
    links = [os.readlink(link) for link in Path(f"/proc/{server.process.pid}/fd").iterdir()]
    assert not [link for link in links if link.startswith(("/tmp/", "/dev/shm/", "/var/tmp/")) and str(server.user.folder) not in link]


# --- web pages ---

@pytest.mark.parametrize("host, status", [
    ("localhost:{port}", 200), ("127.0.0.1:{port}", 200), ("[::1]:9", 200), ("localhost:8888", 200), ("localhost", 200),
    ("evil.example", 403), ("evil.example:{port}", 403), ("127.0.0.1.evil.example:{port}", 403), ("10.evil.example", 403),
    ("192.168.evil.example", 403), ("localhost.evil.example", 403), ("0.0.0.0:{port}", 403), ("", 403)])
def test_rebinding(server, host, status):
    """MLflow before 3.5 answered any Host, and took 10.* for an address afterwards."""
    sent = server.headers(Host=host.format(port=server.port))
    for path in ("/api/2.0/mlflow/experiments/get?experiment_id=0", "/health", f"{PROXY}?path="):
        got, headers, body = server.call("GET", path, headers=sent)
        assert got == status, (path, body)
        assert "access-control-allow-origin" not in headers
        assert status == 200 or b"DNS rebinding" in body


@pytest.mark.parametrize("origin, status", [("http://localhost:{port}", 200), ("http://evil.example", 403), ("http://localhost:1", 403),
                                            ("https://localhost:{port}", 403), ("null", 403), ("file://", 403)])
def test_origins(server, origin, status):
    sent = server.headers(Host=f"localhost:{server.port}", Origin=origin.format(port=server.port))
    for method, path, body in (("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", None),
                               ("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 5})):
        assert server.call(method, path, body, headers=sent)[0] == status
    assert server.call("OPTIONS", "/api/2.0/mlflow/runs/create", headers={"Host": "localhost", "Origin": "http://evil.example",
                                                                         "Access-Control-Request-Method": "POST"})[0] in (401, 403, 404, 405)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None])
def test_forms_are_no_requests(server, kind):
    headers = server.headers() | ({"Content-Type": kind} if kind else {})
    status, _, body = server.call("POST", "/api/2.0/mlflow/experiments/create", b'{"name": "from-a-page"}', headers=headers)
    assert status == 400 and b"Content-Type" in body
    assert b"from-a-page" not in server.call("POST", "/api/2.0/mlflow/experiments/search", {"max_results": 100})[2]


# --- without a token ---

def test_CVE_2026_0545_no_route_answers_without_a_token(server):
    """The whole table, under each of its prefixes; a new route is asked as well."""
    routes = server.user("serve", "--routes", "--json").json["items"]
    opened = []
    assert len(routes) > 40
    for route in routes:
        path = route["path"]
        while "{" in path:
            path = path[:path.index("{")] + ("/x" if path[path.index("{") - 1] != "/" else "x") + path[path.index("}") + 1:]
        methods = [route["method"]] if route["method"] in ("GET", "POST", "PUT", "PATCH", "DELETE") else ["GET", "POST", "PUT", "PATCH", "DELETE"]
        prefixes = ["/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"] if route["prefixes"] else [""]
        for method in methods:
            for prefix in prefixes:
                for headers in ({}, {"Authorization": "Bearer " + "0" * 64}):
                    status, back, body = server.call(method, prefix + path, headers=headers)
                    if status == 200:
                        opened.append((method, prefix + path))
                        continue
                    assert status == 401, (method, prefix + path, status, body)
                    assert back["www-authenticate"] == 'Basic realm="mlflow"'
                    assert json.loads(body)["error_code"] == "UNAUTHENTICATED"
    assert sorted(set(opened)) == [("GET", "/health"), ("GET", "/version")]


def test_ways_to_show_the_token(server):
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"

    def basic(text):
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    assert server.call("GET", path, headers={"Authorization": f"Bearer {server.token}"})[0] == 200
    assert server.call("GET", path, headers=basic(f"anyone:{server.token}"))[0] == 200
    for headers in (basic(f"{server.token}:"), basic(server.token), basic(f"u:{server.token}x"), {"Authorization": server.token},
                    {"Authorization": f"Bearer {server.token[:-1]}"}, {"X-Token": server.token}, {"Cookie": f"token={server.token}"}):
        assert server.call("GET", path, headers=headers)[0] == 401, headers
    assert server.call("GET", f"{path}&token={server.token}", headers={})[0] == 401


def test_guessing_loses_the_connection_but_not_the_owner_s(server):
    hung_up = 0
    for _ in range(60):
        status, headers, _ = server.call("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"Authorization": "Bearer guess"})
        assert status == 401
        hung_up += headers.get("connection", "").lower() == "close"
    assert hung_up > 0
    assert server.call("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0")[0] == 200


def test_the_token_is_told_to_nobody(server, run):
    """Neither logs nor errors, neither `ps` nor the store."""
    for method, path, body in (("GET", "/api/2.0/mlflow/runs/get?run_id=x", None), ("POST", "/api/2.0/mlflow/runs/create", b"{"),
                               ("GET", "/nothing", None), ("GET", f"{PROXY}/%zz", None), ("PUT", f"{PROXY}/0/x/y/z/", b"")):
        status, headers, reply = server.call(method, path, body)
        assert status >= 400 and server.token not in reply.decode(errors="replace") and server.token not in str(headers)
    seen = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert server.token not in seen
    assert server.token not in Path(f"/proc/{server.process.pid}/environ").read_text()
    assert server.token not in server.log.read_text(errors="replace")
    for path in server.user.store.rglob("*"):
        assert not path.is_file() or server.token.encode() not in path.read_bytes(), path


# --- another user of this machine ---

NOBODY = 65534


def as_nobody(*command):
    return subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *map(str, command)],
                          capture_output=True, text=True, cwd="/")


@pytest.fixture
def open_home():
    """A user whose home others may enter, as on many machines."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming another user needs root and setpriv")
    folder = Path(tempfile.mkdtemp(prefix="slipway-user-"))
    folder.chmod(0o755)
    user = Slipway(folder)
    user.home.chmod(0o755)
    yield user
    shutil.rmtree(folder)


def test_another_user_gets_nothing_over_tcp(open_home):
    server = Server(open_home)
    try:
        assert as_nobody("id", "-u").stdout.strip() == str(NOBODY)
        reached = as_nobody("curl", "-sS", f"{server.uri}/health")
        assert reached.stdout == "OK", reached
        code = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}")
        for path in ("/api/2.0/mlflow/experiments/get?experiment_id=0", f"{PROXY}?path=", "/get-artifact?run_id=x&path=y"):
            assert as_nobody(*code, server.uri + path).stdout == "401"
        assert as_nobody(*code, "-T", "/etc/hostname", f"{server.uri}{PROXY}/0/r/artifacts/x").stdout == "401"
        for path in (server.token_file, server.token_file.parent, open_home.store, open_home.store / "slipway.db",
                     open_home.store / "artifacts", f"/proc/{server.process.pid}/environ", f"/proc/{server.process.pid}/mem"):
            looked = as_nobody("head", "-c", "1", path) if "proc" in str(path) or Path(path).is_file() else as_nobody("ls", path)
            assert looked.returncode != 0 and "denied" in looked.stderr, (path, looked)
        assert server.token not in as_nobody("ps", "-ww", "-eo", "args").stdout
        assert as_nobody("kill", "-TERM", server.process.pid).returncode != 0
    finally:
        server.stop()


def test_another_user_gets_nothing_over_the_socket(open_home):
    path = open_home.folder / "server.sock"
    server = Server(open_home, "--socket", path)
    try:
        assert path.stat().st_mode & 0o777 == 0o600
        mine = subprocess.run(["curl", "-sS", "--unix-socket", str(path), "-H", f"Authorization: Bearer {server.token}",
                               "http://slipway/api/2.0/mlflow/experiments/get?experiment_id=0"], capture_output=True, text=True)
        assert json.loads(mine.stdout)["experiment"]["name"] == "Default", mine
        assert as_nobody("curl", "-sS", "--unix-socket", path, "http://slipway/health").returncode == 7
        path.chmod(0o666)  # even then the peer is looked at, and even with the token
        told = as_nobody("curl", "-sS", "--unix-socket", path, "-H", f"Authorization: Bearer {server.token}", "http://slipway/health")
        assert json.loads(told.stdout)["error_code"] == "PERMISSION_DENIED", told
    finally:
        server.stop()
    assert not path.exists()


def test_a_token_that_others_could_read_is_not_used(slipway):
    server = Server(slipway)
    server.stop()
    server.token_file.chmod(0o644)
    done = slipway("serve", "--port", "0", code=4)
    assert "token" in done.err


def test_other_addresses_need_a_certificate(slipway):
    done = slipway("serve", "--listen", "0.0.0.0", "--port", "0", code=None)
    assert done.code != 0 and "certificate" in done.err


# --- too much, too slow ---

HEAD = "POST /api/2.0/mlflow/experiments/create HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("body", [b"[" * 100000, b'{"a":' * 1000 + b"1" + b"}" * 1000, b'{"name": "' + b"x" * 900000 + b'"}',
                                  b'{"name": "\xff\xfe"}', b'{"tags": [' + b'{"key": "a"},' * 60000 + b"1]}", b"\0" * 1000])
def test_bodies_that_are_too_much(server, body):
    status, _, reply = server.call("POST", "/api/2.0/mlflow/experiments/create", body, headers=server.headers(**{"Content-Type": "application/json"}))
    assert status == 400, reply
    assert server.call("GET", "/health")[0] == 200


def test_body_limit(server):
    head = HEAD.format(token=server.token)
    assert b" 413 " in server.raw((head + "Content-Length: 99999999999\r\n\r\n").encode())[:20]
    chunks = (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 40 + b"0\r\n\r\n"
    assert b" 413 " in server.raw(chunks)[:20] or server.raw(chunks) == b""
    assert server.call("GET", "/health")[0] == 200


@pytest.mark.parametrize("text", [
    "GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + "a" * 200000 + "\r\n\r\n", "GET /" + "a" * 200000 + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /health HTTP/1.1\r\nHost: localhost\r\n" + "X: a\r\n" * 50000 + "\r\n", "\r\n" * 100000, "\0" * 5000,
    "GET /health\r\n\r\n", "GET /health HTTP/9.9\r\n\r\n", "G" * 100000 + " / HTTP/1.1\r\n\r\n",
    "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "POST /api/2.0/mlflow/runs/create HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"])
def test_heads_that_are_no_heads(server, text):
    reply = server.raw(text.encode())
    assert b" 200 " not in reply[:20] or text.startswith("GET /health\r\n")  # HTTP/0.9 may be answered
    assert server.call("GET", "/health")[0] == 200


def drops(s):
    """Drips a byte whenever nothing has come, until the server hangs up."""
    try:
        while True:
            ready, _, _ = select.select([s], [], [], 0.05)  # the pace of dripping, not the wait
            if ready:
                if not s.recv(65536):
                    return True
                continue
            s.sendall(b"a")
    except (ConnectionResetError, BrokenPipeError):
        return True


@pytest.fixture
def quick_server(slipway):
    """Time runs twenty times as fast for its connections."""
    server = Server(slipway, env={"SLIPWAY_WATCH_SPEED": "20"})
    yield server
    server.stop()


def test_slow_heads_are_dropped(quick_server):
    with quick_server.connect() as s:
        s.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Drip: ")
        assert drops(s)
    with quick_server.connect() as s:
        s.sendall(b"GET /heal")
        assert drops(s)
    assert quick_server.call("GET", "/health")[0] == 200


def test_slow_bodies_are_dropped(quick_server):
    with quick_server.connect() as s:
        s.sendall((HEAD.format(token=quick_server.token) + "Content-Length: 1000000\r\n\r\n{").encode())
        assert drops(s)
    with quick_server.connect() as s:
        s.sendall(f"PUT {PROXY}/0/r/artifacts/slow HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {quick_server.token}\r\n"
                  "Content-Length: 1000000\r\n\r\n".encode())
        assert drops(s)
    uploads = quick_server.user.store / "artifacts/.uploads"
    quick_server.user.wait_for(lambda: not list(uploads.iterdir()), "the dropped upload to be gone")
    assert quick_server.call("GET", "/health")[0] == 200


def test_silent_connections_make_room(quick_server):
    """More than the server takes at once, all silent: they go, a caller comes through, no descriptor stays."""
    before = quick_server.open_files()
    crowd = []
    try:
        for _ in range(700):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", quick_server.port))
            crowd.append(s)
        quick_server.user.wait_for(lambda: answers(quick_server), "an answer in the crowd")
    finally:
        for s in crowd:
            s.close()
    quick_server.user.wait_for(lambda: quick_server.open_files() <= before + 2, "all descriptors to be closed")


def answers(server):
    try:
        return server.call("GET", "/health")[0] == 200
    except OSError:
        return False


def test_pipelined_calls_each_show_the_token(server):
    """A connection is not trusted for a call that came before."""
    good = f"GET /api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    bare = "GET /api/2.0/mlflow/experiments/get?experiment_id=0 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with server.connect() as s:
        s.sendall((good + bare).encode())
        reply = read_all(s)
    assert reply.startswith(b"HTTP/1.1 200") and reply.count(b"HTTP/1.1 401") == 1
