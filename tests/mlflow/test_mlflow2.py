# SPDX-License-Identifier: Apache-2.0
"""The last client of MLflow's second major version, in an environment of its own: the same server must do for it. The
issue's script runs here word for word; the client of 3.17 asks for one more argument (see test_features.py)."""
import os
import subprocess
from pathlib import Path

import pytest
from servers import ROOT

CORE = """
import os, tempfile, mlflow, numpy as np, pandas as pd
assert mlflow.__version__.startswith("2.22.")
name = os.environ["NAME"]
experiment = mlflow.set_experiment(name)
with mlflow.start_run(run_name="two", tags={"a": "b"}) as run:
    mlflow.log_param("lr", 0.1)
    mlflow.log_params({f"p{n}": n for n in range(120)})
    for n in range(5):
        mlflow.log_metric("loss", 1 / (n + 1), step=n)
    mlflow.log_metrics({"acc": 0.9, "f1": 0.8})
    mlflow.log_metric("late", 1, synchronous=False).wait()
    mlflow.set_tags({"c": "d"})
    mlflow.log_text("hello", "sub/hello.txt")
    mlflow.log_dict({"a": 1}, "a.json")
    mlflow.log_table({"x": [1, 2]}, "table.json")
    mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"x": [1.0]}), name="frame"), context="training")
    with mlflow.start_run(nested=True):
        mlflow.log_metric("acc", 0.1)
    from sklearn.linear_model import LogisticRegression
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    model = LogisticRegression().fit(x, y)
    mlflow.sklearn.log_model(model, "model", registered_model_name=name, pip_requirements=["scikit-learn"])
client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
assert found.info.status == "FINISHED" and found.data.metrics["acc"] == 0.9 and len(found.data.params) == 121
assert [m.step for m in client.get_metric_history(run.info.run_id, "loss")] == list(range(5))
assert {f.path for f in client.list_artifacts(run.info.run_id)} >= {"a.json", "sub", "table.json"}
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/sub/hello.txt") == "hello"
assert list(mlflow.search_runs(order_by=["metrics.acc DESC"])["metrics.acc"]) == [0.9, 0.1]
assert [e.name for e in mlflow.search_experiments(filter_string=f"name = '{name}'")] == [name]
client.set_registered_model_alias(name, "best", "1")
client.transition_model_version_stage(name, "1", "Production")
for uri in (f"models:/{name}@best", f"models:/{name}/1", f"models:/{name}/Production", f"runs:/{run.info.run_id}/model"):
    np.testing.assert_array_equal(mlflow.sklearn.load_model(uri).predict(x), model.predict(x))
client.delete_run(run.info.run_id)
client.restore_run(run.info.run_id)
print("done")
"""

ISSUE = """
import mlflow
mlflow.set_tracking_uri(URI)
with mlflow.start_run():
    mlflow.log_params({"learning_rate": 0.001, "epochs": 10})
    mlflow.log_metrics({"accuracy": 0.96, "f1_score": 0.94})
    mlflow.pytorch.log_model(model, "model", registered_model_name="recommendation-v2")
"""


@pytest.fixture(scope="session")
def python2():
    """The interpreter of the second environment."""
    found = subprocess.run([ROOT / "packaging/deps.sh", "venv-mlflow2"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip()) / "bin/python"


def run(python, script, server, folder, **env):
    done = subprocess.run([python, "-c", script], env=server.client_env(**env),
                          cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_the_core(ours, python2, unique, tmp_path):
    assert "done" in run(python2, CORE, ours, tmp_path, NAME=unique)


def test_the_script_of_the_issue(ours, python2, tmp_path):
    """PyTorch is borrowed from the first environment, behind the second one's own packages."""
    import torch
    borrowed = os.path.dirname(os.path.dirname(torch.__file__))
    before = f"import sys; sys.path.append({borrowed!r})\nimport torch\nmodel = torch.nn.Linear(4, 2)\nURI = {ours.url!r}\n"
    run(python2, before + ISSUE, ours, tmp_path)
    found = ours.get("registered-models/get?name=recommendation-v2")["registered_model"]["latest_versions"][0]
    logged = ours.get(f"runs/get?run_id={found['run_id']}")["run"]
    assert {m["key"]: m["value"] for m in logged["data"]["metrics"]} == {"accuracy": 0.96, "f1_score": 0.94}
    assert {p["key"]: p["value"] for p in logged["data"]["params"]} == {"learning_rate": "0.001", "epochs": "10"}
