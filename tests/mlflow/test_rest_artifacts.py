# SPDX-License-Identifier: Apache-2.0
"""Artifacts and what is wrong with a request as such over raw REST, both servers side by side."""
import json

import pytest

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def place(both, unique):
    both.experiment(unique)
    both.run()
    return both


def put(talk, path, data, **options):
    """The path below the run's folder, with the names of each server in it."""
    return talk.call("PUT", f"{PROXY}/${{experiment}}/${{run}}/artifacts/{path}", raw=data, **options)


def fetch(talk, path, **options):
    """Bytes, type and headers that tell a browser what not to do with them; equal on both."""
    replies = talk.send("GET", path if path.startswith("/") else f"{PROXY}/${{experiment}}/${{run}}/artifacts/{path}", **options)
    seen = []
    for reply in replies:
        low = {name.lower(): value for name, value in reply.headers.items()}
        seen.append((reply.status, reply.raw if reply.status in (200, 206) else None, reply.type if reply.status == 200 else None,
                     low.get("x-content-type-options"), low.get("content-disposition", "").split(";")[0] if reply.status == 200 else None))
    assert seen[0] == seen[1], path
    return replies[0]


FILES = {"a.txt": b"text\n", "dir/b.json": b"{}", "dir/deep/c.bin": bytes(range(256)), "MLmodel": b"flavors: {}\n", "empty": b"",
         "with space.txt": b"x", "d.html": b"<script>1</script>", "e.png": b"\x89PNG", "f.yaml": b"a: 1\n", "g.pkl": b"\x80\x04N.", "h.csv": b"a,b\n"}


def test_files(place):
    for path, data in FILES.items():
        put(place, path.replace(" ", "%20"), data, status=200)
    for path, data in FILES.items():
        assert fetch(place, path.replace(" ", "%20")).raw == data
        for query in ({"run_id": "$run", "path": path}, {"run_uuid": "$run", "path": path}):
            fetch(place, "/get-artifact", query=query)
    for path in ("", "dir", "dir/", "dir/deep", "a.txt", "absent", "dir/b.json"):
        place.get("artifacts/list", {"run_id": "$run", "path": path})
        place.get(PROXY, {"path": "${experiment}/${run}/artifacts/" + path})
    place.get("artifacts/list", {"run_id": "$run", "path": "/dir"})
    place.get("artifacts/list", {"run_id": "$run", "path": "./dir"}, but="paths")
    for path in ("/dir", "./dir"):
        place.get(PROXY, {"path": "${experiment}/${run}/artifacts/" + path}, but="paths")
    place.get("artifacts/list", {"run_id": "$run"})
    put(place, "a.txt", b"another", status=200)
    assert fetch(place, "a.txt").raw == b"another"
    place.delete(f"{PROXY}/${{experiment}}/${{run}}/artifacts/a.txt", status=200)
    fetch(place, "a.txt")
    place.delete(f"{PROXY}/${{experiment}}/${{run}}/artifacts/a.txt")
    place.delete(f"{PROXY}/${{experiment}}/${{run}}/artifacts/dir", status=200)
    place.get("artifacts/list", {"run_id": "$run"})


def test_files_of_a_logged_model(place):
    place.post("logged-models", {"experiment_id": "$experiment", "name": "net"}, save={"model": "model.info.model_id"})
    place.call("PUT", f"{PROXY}/${{experiment}}/models/${{model}}/artifacts/MLmodel", raw=b"flavors: {}\n", status=200)
    place.call("PUT", f"{PROXY}/${{experiment}}/models/${{model}}/artifacts/data/w.bin", raw=b"w", status=200)
    place.get("logged-models/${model}/artifacts/directories", status=200)
    place.get("logged-models/${model}/artifacts/directories", {"artifact_directory_path": "data"}, status=200)
    fetch(place, f"{PROXY}/${{experiment}}/models/${{model}}/artifacts/data/w.bin")


LEADS_OUT = ["../x", "../../x", "%2e%2e/x", "..%2fx", "%252e%252e/x", "a/../../../x", "/etc/passwd", "//etc/passwd",
             "a/%2e%2e/%2e%2e/x", "file:%2f%2f/etc/passwd", "%2fetc%2fpasswd"]


@pytest.mark.parametrize("path", [*LEADS_OUT, "..%5cx", "C:/x", "a%00b", "%ff"])
def test_paths_that_lead_out(place, path):
    """Refused, or kept below the run's folder; nothing of the host is ever shown or written."""
    for method, data in (("PUT", b"x"), ("GET", None), ("DELETE", None)):
        ours, theirs = place.send(method, f"{PROXY}/${{experiment}}/${{run}}/artifacts/{path}", raw=data)
        assert ours.status < 500 and b"root:" not in ours.raw, (method, path, ours.status)
        assert path not in LEADS_OUT or ours.status >= 400, (method, path, ours.status)
    for target in ("artifacts/list", "/get-artifact"):
        ours, _ = place.send("GET", target, query={"run_id": "$run", "path": path})
        assert ours.status < 500 and b"root:" not in ours.raw, (target, path, ours.status)


@pytest.mark.parametrize("query", [{}, {"run_id": "0" * 32}, {"run_id": ""}, {"run_id": "$run", "path": "../x"}, {"run_id": "$run", "path": "/etc"},
                                   {"run_id": "$run", "page_token": "x"}])
def test_list_refused(place, query):
    place.get("artifacts/list", query)


def test_parts_are_refused_as_the_client_expects(place):
    """Or offered: the client asks server-info first."""
    info = place.send("GET", "server-info", version="3.0")[0].body
    ours, theirs = place.send("POST", "/api/2.0/mlflow-artifacts/mpu/create/${experiment}/${run}/artifacts/x", {"path": "x", "num_parts": 2})
    assert theirs.status == 501 and (ours.status == 200 if info["multipart_uploads_enabled"] else ours.status == 501)


# --- requests as such ---

@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"5", b'"x"', b'{"name": }', b'{"name": "a"} trailing', b"\xff\xfe", b"{'name': 'x'}",
                                 b'{"name": "\xff"}', b'{"name": "a", "name": 5}', b"[" * 5000, b'{"a":' * 200 + b"1" + b"}" * 200])
@pytest.mark.parametrize("path", ["experiments/create", "runs/search", "runs/log-batch"])
def test_malformed_bodies(both, raw, path):
    ours, theirs = both.send("POST", path, raw=raw)
    assert ours.status == 400 or (raw in (b"", b'{"name": "a", "name": 5}') and ours.status == theirs.status), (ours.raw, theirs.raw)
    assert ours.status == 200 or ours.body["error_code"] in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"), ours.raw


@pytest.mark.parametrize("kind, accepted", [("application/json", True), ("application/json; charset=utf-8", True), ("text/plain", False),
                                            ("application/x-www-form-urlencoded", False), ("multipart/form-data", False)])
def test_content_types(both, unique, kind, accepted):
    """A form that a browser may send across origins is no request."""
    body = json.dumps({"name": unique}).encode()
    ours, theirs = both.send("POST", "experiments/create", raw=body, headers={"Content-Type": kind})
    assert (ours.status == 200, theirs.status == 200) == (accepted, accepted), (ours.raw, theirs.raw)


@pytest.mark.parametrize("method, path", [
    ("GET", "/api/2.0/mlflow/nothing"), ("POST", "/api/2.0/mlflow/nothing"), ("GET", "/api/9.0/mlflow/runs/get"), ("GET", "/nothing/at/all"),
    ("DELETE", "/api/2.0/mlflow/runs/get"), ("PUT", "/api/2.0/mlflow/runs/create"), ("GET", "/api/2.0/mlflow/runs/create"),
    ("PATCH", "/api/2.0/mlflow/runs/create"), ("POST", "/api/2.0/mlflow/runs/get"), ("POST", "/health")])
def test_no_such_endpoint(both, method, path):
    """The same status; ours says in JSON what MLflow says in HTML."""
    ours, theirs = both.send(method, path, {} if method in ("POST", "PUT", "PATCH") else None)
    assert ours.status == theirs.status, (method, path)
    assert ours.body["error_code"] == "ENDPOINT_NOT_FOUND", ours.raw


@pytest.mark.parametrize("prefix", ["/api/2.0", "/ajax-api/2.0"])
def test_prefixes(both, prefix):
    both.get(f"{prefix}/mlflow/experiments/get-by-name", {"experiment_name": "nobody"}, status=404)


def test_start_up(both):
    for path in ("/health", "/version"):
        ours, theirs = both.send("GET", path)
        assert (ours.status, ours.raw) == (200, theirs.raw) and ours.status == theirs.status, path
    info, upstream = (reply.body for reply in both.send("GET", "server-info", version="3.0"))
    assert info["store_type"] == upstream["store_type"] and info["workspaces_enabled"] is False
    assert set(upstream) >= set(info)
