# SPDX-License-Identifier: Apache-2.0
"""The real MLflow client and the real MLflow server against `slipway serve`. One of each server for the whole session;
a test brings names of its own. MLFLOW_OURS and MLFLOW_THEIRS may name servers that run already, while one writes tests."""
import os
import uuid

import pytest
from compare import Both
from servers import Ours, Server, Theirs

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet",
               "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
               "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1"}  # of a model's packages, by importing them: not what is tested
BOTH = ("theirs", "both", "either")


def pytest_collection_modifyitems(session, config, items):
    """Tests that need our server alone come first, while the other one starts."""
    items.sort(key=lambda item: any(name in getattr(item, "fixturenames", ()) for name in BOTH))
    if any(name in getattr(item, "fixturenames", ()) for item in items for name in BOTH):
        config.stash[THEIRS] = None if "MLFLOW_THEIRS" in os.environ else Theirs(
            config._tmp_path_factory.mktemp("theirs")).launch()


THEIRS = pytest.StashKey()


def pytest_unconfigure(config):
    server = config.stash.get(THEIRS, None)
    if server:
        server.stop()


@pytest.fixture(scope="session")
def ours(tmp_path_factory):
    if "MLFLOW_OURS" in os.environ:
        yield Server(os.environ["MLFLOW_OURS"])
        return
    server = Ours(tmp_path_factory.mktemp("ours")).start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def theirs(pytestconfig):
    server = pytestconfig.stash[THEIRS]
    return server.ready() if server else Server(os.environ["MLFLOW_THEIRS"])


@pytest.fixture
def both(ours, theirs):
    return Both(ours, theirs)


@pytest.fixture(scope="module")
def talk(ours, theirs):
    """One conversation for a module's tests, which share what was prepared."""
    return Both(ours, theirs)


@pytest.fixture
def unique():
    """A name that no other test has, the same for both servers."""
    return f"t{uuid.uuid4().hex[:12]}"


def point_client_at(server, monkeypatch):
    """The MLflow client of this process talks to `server` until the test ends."""
    import mlflow
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", server.token or "none")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    mlflow.set_tracking_uri(server.url)
    mlflow.set_registry_uri(server.url)


@pytest.fixture
def client(ours, monkeypatch):
    """mlflow, pointed at ours."""
    import mlflow
    point_client_at(ours, monkeypatch)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
