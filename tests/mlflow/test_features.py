# SPDX-License-Identifier: Apache-2.0
"""Scripts as they are: each feature of the MLflow client that a training script uses, unchanged, against ours. Those
that take `either` run against the real server, too, and must come to the same end."""
import json
import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from conftest import point_client_at
from servers import wait_for


@pytest.fixture(params=["ours", "theirs"])
def either(request, monkeypatch):
    """mlflow, pointed at ours and then at theirs."""
    import mlflow
    point_client_at(request.getfixturevalue(request.param), monkeypatch)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture
def experiment(client, unique):
    return client.set_experiment(unique)


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is in tests/requirements.txt")


def net(torch):
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))


def data(mlflow, run):
    return mlflow.get_run(run.info.run_id).data


# --- runs ---

def test_a_run_from_start_to_end(either, unique):
    experiment = either.set_experiment(unique)
    assert either.set_experiment(unique).experiment_id == experiment.experiment_id
    with either.start_run(run_name="first", tags={"team": "a"}, description="what it is") as run:
        assert either.active_run().info.run_id == run.info.run_id
        assert either.log_param("lr", 0.001) == 0.001
        either.log_params({"epochs": 10, "net": "cnn"} | {f"p{n}": n for n in range(150)})
        either.log_metric("loss", 0.5, step=1)
        either.log_metric("loss", 0.25, step=2)
        either.log_metrics({"accuracy": 0.96, "f1": 0.94}, step=2)
        either.set_tag("stage", "dev")
        either.set_tags({"owner": "ann", "number": 5})
    found = either.get_run(run.info.run_id)
    assert found.info.status == "FINISHED" and found.info.run_name == "first" and found.info.end_time >= found.info.start_time
    assert found.data.params["lr"] == "0.001" and len(found.data.params) == 153
    assert found.data.metrics == {"loss": 0.25, "accuracy": 0.96, "f1": 0.94}
    assert found.data.tags["team"] == "a" and found.data.tags["number"] == "5" and found.data.tags["mlflow.note.content"] == "what it is"
    history = either.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 0.5), (2, 0.25)]


def test_a_run_that_fails_and_one_that_is_resumed(client, experiment):
    with pytest.raises(ZeroDivisionError), client.start_run() as run:
        1 / 0
    assert client.get_run(run.info.run_id).info.status == "FAILED"
    with client.start_run(run_id=run.info.run_id):
        client.log_metric("again", 1)
    found = client.get_run(run.info.run_id)
    assert found.info.status == "FINISHED" and found.data.metrics == {"again": 1}
    with pytest.raises(client.MlflowException, match="Changing param values is not allowed"), client.start_run():
        client.log_param("p", 1)
        client.log_param("p", 2)


def test_nested_runs(either, unique):
    either.set_experiment(unique)
    with either.start_run(run_name="parent") as parent:
        for n in range(3):
            with either.start_run(run_name=f"child {n}", nested=True):
                either.log_metric("m", n)
    found = either.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.m DESC"])
    assert list(found["tags.mlflow.runName"]) == ["child 2", "child 1", "child 0"]
    assert either.get_parent_run(found["run_id"][0]).info.run_id == parent.info.run_id


def test_log_batch(client, experiment):
    from mlflow.entities import Metric, Param, RunTag
    with client.start_run() as run:
        client.MlflowClient().log_batch(run.info.run_id, metrics=[Metric("m", n / 2, 1000 + n, n) for n in range(1000)],
                                        params=[Param("a", "1")], tags=[RunTag("t", "x")])
        client.MlflowClient().log_batch(run.info.run_id, metrics=[Metric(f"k{n}", n, 1, 1) for n in range(1000)])
    found = data(client, run)
    assert len(found.metrics) == 1001 and found.params == {"a": "1"} and found.tags["t"] == "x"


def test_values_that_are_no_numbers(client, experiment):
    with client.start_run() as run:
        client.log_metrics({"nan": float("nan"), "inf": float("inf"), "minus": float("-inf"), "tiny": 5e-324})
    found = data(client, run).metrics
    assert np.isnan(found["nan"]) and found["inf"] >= sys.float_info.max and found["minus"] <= -sys.float_info.max
    assert found["tiny"] == 5e-324


def test_async_logging(client, experiment):
    with client.start_run() as run:
        for n in range(300):
            client.log_metric("m", n, step=n, synchronous=False)
        client.log_params({"a": 1, "b": 2}, synchronous=False)
        client.set_tags({"t": "x"}, synchronous=False).wait()
        client.flush_async_logging()
    found = data(client, run)
    assert found.params == {"a": "1", "b": "2"} and found.tags["t"] == "x"
    assert [m.value for m in client.MlflowClient().get_metric_history(run.info.run_id, "m")] == list(range(300))


def test_system_metrics(client, experiment, monkeypatch):
    client.set_system_metrics_sampling_interval(0.1)
    client.set_system_metrics_samples_before_logging(1)
    with client.start_run(log_system_metrics=True) as run:
        wait_for(lambda: any(key.startswith("system/") for key in data(client, run).metrics), "a system metric")
    assert "system/cpu_utilization_percentage" in data(client, run).metrics
    assert client.get_run(run.info.run_id).info.status == "FINISHED"


def test_traces_do_not_get_in_the_way(client, experiment):
    """Tracing is not offered: what is traced runs and gives its result, and what was logged is there."""
    @client.trace
    def predict(x):
        return x * 2
    with client.start_run() as run:
        assert predict(21) == 42
        client.log_metric("m", 1)
    client.flush_trace_async_logging()
    assert data(client, run).metrics == {"m": 1}


# --- artifacts ---

def test_artifacts(either, unique, tmp_path):
    either.set_experiment(unique)
    folder = tmp_path / "out"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "a.bin").write_bytes(bytes(range(256)) * 1000)
    (folder / "deep/er/b.txt").write_text("b")
    with either.start_run() as run:
        either.log_artifact(folder / "a.bin")
        either.log_artifact(folder / "a.bin", artifact_path="sub/folder")
        either.log_artifacts(folder, artifact_path="all")
        either.log_text("some text é", "notes/text.txt")
        either.log_dict({"a": [1, 2]}, "d.json")
        either.log_dict({"a": [1, 2]}, "d.yaml")
    client = either.MlflowClient()
    run_id = run.info.run_id

    def tree(path=None):
        return sorted((f.path, f.is_dir, f.file_size) for f in client.list_artifacts(run_id, path))
    assert [path for path, _, _ in tree()] == ["a.bin", "all", "d.json", "d.yaml", "notes", "sub"]
    assert tree("all") == [("all/a.bin", False, 256000), ("all/deep", True, None)] and tree("absent") == []
    assert either.artifacts.load_text(f"runs:/{run_id}/notes/text.txt") == "some text é"
    assert either.artifacts.load_dict(f"runs:/{run_id}/d.json") == {"a": [1, 2]}
    got = either.artifacts.download_artifacts(run_id=run_id, artifact_path="all", dst_path=str(tmp_path))
    assert (tmp_path / "all/a.bin").read_bytes() == (folder / "a.bin").read_bytes() and got.rstrip("/").endswith("all")
    assert (tmp_path / "all/deep/er/b.txt").read_text() == "b"
    from mlflow.exceptions import MlflowException
    with pytest.raises((MlflowException, OSError)):
        either.artifacts.download_artifacts(run_id=run_id, artifact_path="absent.txt", dst_path=str(tmp_path))


def test_figures_images_and_tables(client, experiment, tmp_path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(1, 1))
    axes.plot([1, 2])
    with client.start_run() as run:
        client.log_figure(figure, "plot.png")
        client.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "zero.png")
        client.log_image(np.zeros((4, 4, 3), dtype=np.uint8), key="sample", step=3)
        client.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
        client.log_table(pd.DataFrame({"x": [3], "y": ["c"]}), "table.json")
    pyplot.close(figure)
    run_id = run.info.run_id
    assert list(client.load_table("table.json", run_ids=[run_id])["x"]) == [1, 2, 3]
    assert client.artifacts.load_image(f"runs:/{run_id}/zero.png").size == (4, 4)
    assert {f.path for f in client.MlflowClient().list_artifacts(run_id)} == {"plot.png", "zero.png", "images", "table.json"}


def test_inputs(either, unique):
    either.set_experiment(unique)
    frame = either.data.from_pandas(pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]}), name="frame", targets="y")
    arrays = either.data.from_numpy(np.ones((3, 2)), name="arrays")
    with either.start_run() as run:
        either.log_input(frame, context="training", tags={"k": "v"})
        either.log_input(arrays, context="eval")
        either.log_input(frame, context="training")
        either.log_metric("acc", 0.5, dataset=frame)
    inputs = either.get_run(run.info.run_id).inputs.dataset_inputs
    assert sorted(i.dataset.name for i in inputs) == ["arrays", "frame"]
    assert json.loads(next(i for i in inputs if i.dataset.name == "frame").dataset.profile) == {"num_rows": 2, "num_elements": 4}
    assert len(either.search_runs(filter_string="datasets.name = 'frame'")) == 1
    assert len(either.search_runs(filter_string="datasets.context = 'eval' and metrics.acc > 0.4")) == 1


# --- searches, delete and restore ---

def test_searches(either, unique):
    ids = [either.create_experiment(f"{unique}-{n}", tags={"of": unique}) for n in range(3)]
    for n, experiment_id in enumerate(ids):
        with either.start_run(experiment_id=experiment_id):
            either.log_metric("acc", n / 10)
            either.log_param("lr", f"0.{n}")
    frame = either.search_runs(experiment_ids=ids, filter_string="metrics.acc > 0.05", order_by=["metrics.acc DESC"])
    assert list(frame["metrics.acc"]) == [0.2, 0.1] and list(frame["params.lr"]) == ["0.2", "0.1"]
    assert len(either.search_runs(experiment_names=[f"{unique}-0", f"{unique}-1"], output_format="list", max_results=1)) == 1
    found = either.search_experiments(filter_string=f"tags.of = '{unique}'", order_by=["name DESC"])
    assert [e.name for e in found] == [f"{unique}-{n}" for n in (2, 1, 0)]
    client = either.MlflowClient()
    page = client.search_runs(ids, max_results=2, order_by=["metrics.acc"])
    assert len(page) == 2 and len(client.search_runs(ids, max_results=2, order_by=["metrics.acc"], page_token=page.token)) == 1


def test_delete_and_restore(either, unique):
    from mlflow.entities import ViewType
    experiment = either.set_experiment(unique)
    with either.start_run() as run:
        pass
    either.delete_run(run.info.run_id)
    assert either.search_runs(output_format="list") == []
    assert len(either.search_runs(run_view_type=ViewType.DELETED_ONLY, output_format="list")) == 1
    client = either.MlflowClient()
    client.restore_run(run.info.run_id)
    assert len(either.search_runs(output_format="list")) == 1
    either.delete_experiment(experiment.experiment_id)
    assert either.get_experiment(experiment.experiment_id).lifecycle_stage == "deleted"
    from mlflow.exceptions import MlflowException
    with pytest.raises(MlflowException, match="deleted experiment"):
        either.set_experiment(unique)
    client.restore_experiment(experiment.experiment_id)
    assert either.set_experiment(unique).experiment_id == experiment.experiment_id


# --- models ---

def test_the_script_of_the_issue(ours, torch, tmp_path):
    """In a process of its own, with a real model. The 3.17 client asks for an input example before it sends a PyTorch model
    anywhere; test_mlflow2.py runs the script word for word."""
    script = tmp_path / "train.py"
    script.write_text("import torch\nmodel = torch.nn.Linear(4, 2)\nx = torch.ones(3, 4).numpy()\n"
                      f"URI = {ours.url!r}\n"
                      "import mlflow\n"
                      "mlflow.set_tracking_uri(URI)\n"
                      "with mlflow.start_run():\n"
                      "    mlflow.log_params({\"learning_rate\": 0.001, \"epochs\": 10})\n"
                      "    mlflow.log_metrics({\"accuracy\": 0.96, \"f1_score\": 0.94})\n"
                      "    mlflow.pytorch.log_model(model, \"model\", registered_model_name=\"recommendation-v2\", input_example=x)\n")
    env = ours.client_env()
    del env["MLFLOW_TRACKING_URI"]
    done = subprocess.run([sys.executable, script], env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = ours.get("model-versions/get?name=recommendation-v2&version=1")["model_version"]
    assert found["status"] == "READY" and found["run_id"]
    run = ours.get(f"runs/get?run_id={found['run_id']}")["run"]
    assert {m["key"]: m["value"] for m in run["data"]["metrics"]} == {"accuracy": 0.96, "f1_score": 0.94}
    assert run["info"]["status"] == "FINISHED" and run["outputs"]["model_outputs"]
    if hasattr(ours, "run"):
        assert "recommendation-v2" in ours.run("model", "ls").stdout


def test_a_torch_model_there_and_back(client, experiment, torch, unique):
    from mlflow.models import infer_signature
    model, x = net(torch), torch.ones(3, 4)
    want = model(x).detach().numpy()
    with client.start_run() as run:
        client.log_metric("acc", 0.9, step=1)
        info = client.pytorch.log_model(model, name="net", registered_model_name=unique, params={"depth": 2}, step=1,
                                        signature=infer_signature(x.numpy(), want), serialization_format="pickle")
    admin = client.MlflowClient()
    assert str(info.registered_model_version) == "1"
    admin.set_registered_model_alias(unique, "champion", 1)
    loaded = client.pytorch.load_model(f"models:/{unique}@champion")
    np.testing.assert_allclose(loaded(x).detach().numpy(), want, rtol=1e-6)
    np.testing.assert_allclose(client.pyfunc.load_model(f"models:/{unique}/1").predict(x.numpy()), want, rtol=1e-5)
    np.testing.assert_allclose(client.pytorch.load_model(info.model_uri)(x).detach().numpy(), want, rtol=1e-6)
    logged = client.get_logged_model(info.model_id)
    assert logged.params == {"depth": "2"} and str(logged.status) == "READY" and logged.source_run_id == run.info.run_id
    assert [(m.key, m.value) for m in logged.metrics] == [("acc", 0.9)]


def test_a_sklearn_model_there_and_back(either, unique):
    from sklearn.linear_model import LogisticRegression
    either.set_experiment(unique)
    x, y = np.random.default_rng(1).normal(size=(60, 3)), np.arange(60) % 2
    model = LogisticRegression().fit(x, y)
    with either.start_run():
        either.sklearn.log_model(model, name="lr", registered_model_name=unique, input_example=x[:2])
    either.MlflowClient().set_registered_model_alias(unique, "best", 1)
    loaded = either.sklearn.load_model(f"models:/{unique}@best")
    np.testing.assert_array_equal(loaded.predict_proba(x), model.predict_proba(x))
    np.testing.assert_array_equal(either.pyfunc.load_model(f"models:/{unique}/1").predict(x), model.predict(x))


def test_autolog_of_sklearn(either, unique):
    from sklearn.ensemble import RandomForestClassifier
    either.set_experiment(unique)
    either.sklearn.autolog(log_input_examples=True, silent=True)
    try:
        x, y = np.random.default_rng(1).normal(size=(60, 3)), np.arange(60) % 2
        with either.start_run() as run:
            RandomForestClassifier(n_estimators=5, random_state=1).fit(x, y)
    finally:
        either.sklearn.autolog(disable=True)
    found = either.get_run(run.info.run_id)
    assert found.data.params["n_estimators"] == "5" and "training_accuracy_score" in found.data.metrics
    assert found.outputs.model_outputs and found.inputs.dataset_inputs
    assert "estimator.html" in {f.path for f in either.MlflowClient().list_artifacts(run.info.run_id)}


def test_autolog_of_lightning(client, experiment, torch, tmp_path):
    lightning = pytest.importorskip("lightning", reason="Lightning is in tests/requirements.txt")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = net(torch)

        def training_step(self, batch, _):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss, on_epoch=True)
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)
    rows = torch.utils.data.TensorDataset(torch.randn(32, 4), torch.arange(32) % 2)
    client.pytorch.autolog(log_models=True, checkpoint=False, silent=True)
    try:
        with client.start_run() as run:
            lightning.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                              enable_model_summary=False, default_root_dir=tmp_path, accelerator="cpu").fit(
                Module(), torch.utils.data.DataLoader(rows, batch_size=8))
    finally:
        client.pytorch.autolog(disable=True)
    found = client.get_run(run.info.run_id)
    assert found.data.params["optimizer_name"] == "Adam" and "train_loss_epoch" in found.data.metrics
    assert len(client.MlflowClient().get_metric_history(run.info.run_id, "train_loss_epoch")) == 2
    assert found.outputs.model_outputs


def test_search_of_logged_models(either, unique):
    experiment = either.set_experiment(unique)
    with either.start_run():
        for n in range(3):
            model = either.initialize_logged_model(name=f"m{n}", params={"depth": str(n)}, tags={"team": f"t{n % 2}"})
            either.log_metric("acc", n / 10, model_id=model.model_id)
            either.finalize_logged_model(model.model_id, "READY" if n else "FAILED")
    find = lambda text=None, **more: [m.name for m in either.search_logged_models(
        experiment_ids=[experiment.experiment_id], filter_string=text, output_format="list", **more)]
    assert find(order_by=[{"field_name": "metrics.acc", "ascending": False}]) == ["m2", "m1", "m0"]
    assert find("metrics.acc > 0.05", order_by=[{"field_name": "name"}]) == ["m1", "m2"]
    assert find("params.depth = '1' AND tags.team = 't1'") == ["m1"] and find("name = 'm0'") == ["m0"]
    either.set_logged_model_tags(model.model_id, {"extra": "x"})
    either.delete_logged_model_tag(model.model_id, "team")
    assert either.get_logged_model(model.model_id).tags["extra"] == "x"
    either.MlflowClient().delete_logged_model(model.model_id)
    assert "m2" not in find()


def test_registry(either, unique):
    client = either.MlflowClient()
    client.create_registered_model(unique, tags={"task": "vision"}, description="first")
    for n in range(3):
        client.create_model_version(unique, f"s3://bucket/{n}", tags={"n": str(n)}, description=f"v{n + 1}")
    client.update_registered_model(unique, "second")
    client.set_registered_model_tag(unique, "a", "1")
    client.delete_registered_model_tag(unique, "a")
    client.set_model_version_tag(unique, "1", "b", "2")
    client.delete_model_version_tag(unique, "1", "n")
    client.update_model_version(unique, "2", "changed")
    client.set_registered_model_alias(unique, "champion", "2")
    assert client.get_model_version_by_alias(unique, "champion").description == "changed"
    client.transition_model_version_stage(unique, "1", "Production")
    client.transition_model_version_stage(unique, "3", "Production", archive_existing_versions=True)
    assert {str(v.version): v.current_stage for v in client.search_model_versions(f"name = '{unique}'")} == {
        "1": "Archived", "2": "None", "3": "Production"}
    assert [str(v.version) for v in client.get_latest_versions(unique, ["Production"])] == ["3"]
    assert client.get_model_version_download_uri(unique, "2") == "s3://bucket/1"
    copied = client.copy_model_version(f"models:/{unique}@champion", unique + "-copy")
    assert (copied.name, str(copied.version), copied.source) == (unique + "-copy", "1", f"models:/{unique}/2")
    assert [m.name for m in client.search_registered_models(f"name LIKE '{unique}%'", order_by=["name DESC"])] == [
        unique + "-copy", unique]
    client.rename_registered_model(unique + "-copy", unique + "-new")
    client.delete_registered_model_alias(unique, "champion")
    client.delete_model_version(unique, "3")
    assert sorted(str(v.version) for v in client.search_model_versions(f"name = '{unique}'")) == ["1", "2"]
    client.delete_registered_model(unique + "-new")
    from mlflow.exceptions import MlflowException
    with pytest.raises(MlflowException, match="not found"):
        client.get_registered_model(unique + "-new")


# --- the command line, many threads ---

def test_the_command_line(ours, client, experiment, tmp_path):
    with client.start_run(run_name="from the command line"):
        pass
    call = lambda *args: subprocess.run([sys.executable, "-m", "mlflow", *args], env=ours.client_env(), cwd=tmp_path,
                                        capture_output=True, text=True, timeout=120)
    listed = [call("runs", "list", "--experiment-id", experiment.experiment_id), call("experiments", "search")]
    assert [done.returncode for done in listed] == [0, 0], listed
    assert "from the command line" in listed[0].stdout and experiment.name in listed[1].stdout


def test_threads_of_one_process(client, experiment):
    with client.start_run() as run:
        def work(k):
            for n in range(20):
                client.log_metric(f"m{k}", n, step=n, run_id=run.info.run_id)
        threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert data(client, run).metrics == {f"m{k}": 19 for k in range(8)}


def test_the_environment_of_a_job(ours, experiment, tmp_path):
    """What the supervisor sets is enough: no call names a server, an experiment or a run."""
    made = ours.post("runs/create", {"experiment_id": experiment.experiment_id, "run_name": "a job's"})["run"]["info"]["run_id"]
    code = "import mlflow\nwith mlflow.start_run() as r:\n mlflow.log_metric('m', 1)\nprint(r.info.run_id)"
    done = subprocess.run([sys.executable, "-c", code], env=ours.client_env(MLFLOW_RUN_ID=made, MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true"), cwd=tmp_path,
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.split()[0] == made, done.stderr
    assert os.listdir(tmp_path) == []
