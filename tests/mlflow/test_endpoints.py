# SPDX-License-Identifier: Apache-2.0
"""Every endpoint of the 3.17 client, from its protobuf descriptors: it is served, or stands on the list of what is
refused with the reason, or belongs to a service of Databricks alone. And the manual's page that is made of the same table."""
import importlib
import json
import pkgutil
import re
import subprocess

import pytest
from differences import DIFFERENCES
from servers import BUILD, ROOT

SERVICES = {"MlflowService", "ModelRegistryService", "MlflowArtifactsService", "WebhookService"}


def endpoints():
    """(method, path, major version) of the services that MLflow's own server offers."""
    import mlflow.protos
    from mlflow.protos import databricks_pb2
    found = set()
    for module in pkgutil.iter_modules(mlflow.protos.__path__):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(f"mlflow.protos.{module.name}").DESCRIPTOR
            for name, service in descriptor.services_by_name.items():
                for method in service.methods if name in SERVICES else ():
                    for end in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints:
                        found.add((end.method, "/" + end.path.lstrip("/"), end.since.major))
    return sorted(found)


@pytest.fixture(scope="session")
def routes():
    done = subprocess.run([BUILD / "slipway", "serve", "--routes", "--json"], capture_output=True, check=True)
    return json.loads(done.stdout)["items"]


def pattern(path):
    """A route's path as an expression: {name} is one part, {name...} all that follows."""
    text = re.sub(r"\\\{\w+\\\.\\\.\\\.\\\}", "(.*)", re.escape(path))
    return re.compile(re.sub(r"\\\{\w+\\\}", "([^/]+)", text))


def sample(path):
    """The endpoint's path with an argument in each place."""
    return re.sub(r"\{[\w.]+\}|<path:\w+>", "x1", path)


def route_of(routes, method, path):
    return next((route for route in routes if route["method"] in (method, "ANY") and pattern(route["path"]).fullmatch(sample(path))), None)


def test_there_are_as_many_as_we_think():
    assert len(endpoints()) > 150


@pytest.mark.parametrize("method, path, version", endpoints())
def test_is_served_or_refused(ours, routes, method, path, version):
    """By the list, and the server does as the list says."""
    route = route_of(routes, method, path)
    assert route, f"neither served nor refused: {method} {path}"
    assert route["summary"]
    if not route["is_served"]:
        assert re.search(r"\w+ \w+", route["summary"]), "a reason, in words"
    for prefix in (f"/api/{version}.0", f"/ajax-api/{version}.0") if version in (2, 3) else ():
        data = b"{}" if method in ("POST", "PATCH", "PUT") else None
        status, _, text = ours.request(method, prefix + sample(path), data)
        said = json.loads(text) if text.startswith(b"{") else {}
        is_unknown = said.get("error_code") == "ENDPOINT_NOT_FOUND" or "presigned" in path or status in (405, 501)
        assert is_unknown == (not route["is_served"]), (prefix, status, text[:300])
        assert status < 500 or status == 501, (status, text[:300])


def test_every_route_answers_nobody_without_a_token(ours, routes):
    for route in routes:
        method = "GET" if route["method"] == "ANY" else route["method"]
        path = (route["prefixes"].split() or [""])[0] + re.sub(r"\{[\w.]+\}", "x1", route["path"])
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
            status, _, text = ours.request(method, path, b"{}" if method in ("POST", "PATCH", "PUT") else None, headers)
            assert (status == 200) == (route["access"] == "open") or (route["access"] == "open" and status < 300), (path, status)
            assert route["access"] == "open" or status == 401, (path, status, text[:200])


def test_the_reference_page_has_them_all(routes):
    pages = "".join(page.read_text() for page in (ROOT / "packaging/man").glob("slipway*")).replace("\\-", "-").replace("\\&", "")
    missing = [route["path"] for route in routes if route["path"] not in pages]
    assert not missing


def test_the_differences_are_in_the_manual():
    page = (ROOT / "packaging/man/slipway-api.7").read_text()
    assert [row.subject for row in DIFFERENCES.values() if f".It {row.subject}\n" not in page] == []
