# SPDX-License-Identifier: Apache-2.0
"""MLflow's client inside jobs: unmodified scripts report to the job's own server, and nothing else runs."""
import json
import os
import signal
import sys
import urllib.error
import urllib.request

import pytest

HEAD = """
import json, os, sys, time
import mlflow
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.02)
"""
PLAIN = HEAD + """
if len(sys.argv) > 1:
    mlflow.set_experiment(sys.argv[1])
with mlflow.start_run() as run:
    assert run.info.run_id == os.environ["SLIPWAY_RUN_ID"], run.info.run_id
    mlflow.log_params({"learning_rate": 0.001, "epochs": 10})
    for step in range(20):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metrics({"accuracy": 0.96, "f1_score": 0.94})
    mlflow.set_tag("team", "vision")
    mlflow.log_text("hello", "notes/hello.txt")
    with open("secret", "w") as out:
        json.dump([os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"]], out)
    os.rename("secret", "ready")
    wait_for("gate")
    mlflow.get_experiment("0")  # looking at another experiment does not move a run that has started
    mlflow.get_run(run.info.run_id)
"""


def show(slipway, run):
    return slipway("show", run, "--json").json


def ask(uri, token):
    call = urllib.request.Request(uri + "/api/2.0/mlflow/experiments/get?experiment_id=0",
                                  headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(call, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return None


def artifacts(slipway, run):
    """Where the files lie: in the experiment that the run was made in, also when it has moved."""
    return next((slipway.store / "artifacts").glob(f"*/{run['run_id']}/artifacts"))


@pytest.mark.parametrize("experiment", [None, "elsewhere"])
def test_a_script_reports_to_its_job_and_to_nothing_else(slipway, experiment):
    script = slipway.script("train.py", PLAIN)
    inherited = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_RUN_ID": "0" * 32,
                 "MLFLOW_TRACKING_PASSWORD": "pw", "MLFLOW_EXPERIMENT_NAME": "nowhere", "HTTP_PROXY": "http://127.0.0.1:9"}
    slipway("run", "--name", "plain", "--", sys.executable, script, *([experiment] if experiment else []), env=inherited)
    ready = slipway.cwd / "ready"
    slipway.wait_for(lambda: ready.exists() or slipway.job(1)["state"] in ("done", "failed"), "the script")
    assert ready.exists(), slipway("logs", 1).out
    uri, token = json.loads(ready.read_text())
    live = show(slipway, "plain")
    assert live["status"] == "RUNNING" and live["metrics"]["loss"]["count"] == 20  # while it runs
    assert ask(uri, token) == 200 and ask(uri, "f" * 64) == 401 and ask(uri, "") == 401
    (slipway.cwd / "gate").touch()
    slipway.wait_job(1, "done")
    run = show(slipway, "plain")
    assert run["status"] == "FINISHED" and run["experiment_name"] == (experiment or "Default")
    assert run["params"] == {"learning_rate": "0.001", "epochs": "10"} and run["tags"]["team"] == "vision"
    assert run["metrics"]["accuracy"]["last"] == 0.96
    assert (artifacts(slipway, run) / "notes/hello.txt").read_text() == "hello"
    assert len(slipway("runs", "--json").json["items"]) == 1
    assert ask(uri, token) is None  # nobody listens any more
    ready.unlink()
    for path in slipway.folder.rglob("*"):
        if path.is_file():
            assert token.encode() not in path.read_bytes(), path


def test_the_job_s_end_decides_and_two_ranks_share_the_run(slipway):
    script = slipway.script("ranks.py", HEAD + """
rank = os.environ["RANK"]
with mlflow.start_run():
    mlflow.log_metrics({f"loss.{rank}": 0.5, "step_time": float(rank)}, step=int(rank))
print("over", flush=True)
wait_for("gate")
sys.exit(3 if rank == "1" else 0)
""")
    slipway("run", "--name", "ranks", "--ranks", 2, "--", sys.executable, script)
    slipway.wait_for(lambda: slipway("logs", 1, code=None).out.count("over") == 2, "both ranks")
    (slipway.cwd / "gate").touch()
    slipway.wait_job(1, "failed")
    run = show(slipway, "ranks")
    assert run["status"] == "FAILED" and run["metrics"]["step_time"]["count"] == 2
    assert {"loss.0", "loss.1"} <= set(run["metrics"])


def test_a_server_of_the_user_s_own_is_left_to_him(slipway):
    slipway("run", "--wait", "--env", "MLFLOW_TRACKING_URI=http://own:1", "--env", "MLFLOW_TRACKING_TOKEN=mine", "--", "sh",
            "-c", 'echo "$MLFLOW_TRACKING_URI $MLFLOW_TRACKING_TOKEN [$MLFLOW_RUN_ID] [$MLFLOW_EXPERIMENT_ID]"')
    assert "http://own:1 mine [] []" in slipway("logs", 1).out


def test_a_job_without_its_server_says_so_and_runs(slipway):
    slipway("run", "--wait", "--", "sh", "-c", 'echo "[$MLFLOW_TRACKING_URI]"', env={"SLIPWAY_FAILPOINT": "job.serve=eio"})
    text = slipway("logs", 1).out
    assert "[]" in text and "MLflow's API is not offered" in text


def test_acknowledged_points_outlive_a_killed_supervisor(slipway):
    script = slipway.script("points.py", """
import json, os, urllib.request
uri, token = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"]
for step in range(100000):
    body = {"run_id": os.environ["SLIPWAY_RUN_ID"], "metrics": [{"key": "loss", "value": step, "step": step, "timestamp": 1}]}
    call = urllib.request.Request(uri + "/api/2.0/mlflow/runs/log-batch", data=json.dumps(body).encode(),
                                  headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    urllib.request.urlopen(call).read()
    os.write(1, b"%d\\n" % step)
    with open("acknowledged", "a") as out:
        out.write(f"{step}\\n")
""")
    acknowledged = slipway.cwd / "acknowledged"
    for _ in range(3):
        slipway("run", "--", sys.executable, script)
        job_id = max(job["job_id"] for job in slipway("jobs", "--json").json["items"])
        slipway.wait_for(lambda: acknowledged.exists() and len(acknowledged.read_text().splitlines()) > 50, "points")
        os.kill(slipway.job(job_id)["supervisor_pid"], signal.SIGKILL)
        run = slipway.wait_job(job_id, "lost")["run_id"]
        last = int(acknowledged.read_text().splitlines()[-1])
        assert show(slipway, run)["metrics"]["loss"]["count"] in (last + 1, last + 2)  # the last reply may be lost
        acknowledged.unlink()


def test_torch_models_and_tensorboard_beside_mlflow(slipway):
    script = slipway.script("model.py", HEAD + """
import torch
from torch.utils.tensorboard import SummaryWriter
model, writer, x = torch.nn.Linear(2, 1), SummaryWriter(), torch.ones(3, 2)
with mlflow.start_run():
    mlflow.log_params({"learning_rate": 0.001, "epochs": 10})
    mlflow.log_metrics({"accuracy": 0.96, "f1_score": 0.94})
    mlflow.pytorch.log_model(model, "model", registered_model_name="recommendation-v2", input_example=x.numpy())
writer.add_scalar("accuracy", 0.5, 1)
writer.add_scalar("loss", 0.5, 1)
writer.close()
loaded = mlflow.pytorch.load_model("models:/recommendation-v2/1")
assert torch.allclose(loaded(x), model(x))
""")
    slipway("run", "--name", "model", "--wait", "--", sys.executable, script, timeout=400)
    found = show(slipway, "model")["metrics"]
    assert found["accuracy"]["count"] == 1 and found["accuracy"]["last"] == 0.96 and found["loss"]["last"] == 0.5
    assert [v["version"] for v in slipway("model", "ls", "recommendation-v2", "--json").json["items"]] == [1]


@pytest.mark.parametrize("how", ["logger", "autolog"])
def test_lightning(slipway, how):
    script = slipway.script("lightning_run.py", HEAD + """
import lightning.pytorch as pl
import torch
class Net(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.save_hyperparameters({"lr": 0.1})
    def training_step(self, batch, n):
        loss = self.layer(batch).square().mean()
        self.log("train_loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
data = torch.utils.data.DataLoader(torch.randn(64, 4), batch_size=8)
if sys.argv[1] == "logger":
    from lightning.pytorch.loggers import MLFlowLogger
    logger = MLFlowLogger(tracking_uri=os.environ["MLFLOW_TRACKING_URI"], run_id=os.environ["MLFLOW_RUN_ID"])
else:
    mlflow.pytorch.autolog(log_models=False, checkpoint=False)
    logger = False
pl.Trainer(max_epochs=2, logger=logger, log_every_n_steps=1, enable_progress_bar=False, enable_checkpointing=False,
           enable_model_summary=False, accelerator="cpu").fit(Net(), data)
""")
    slipway("run", "--name", "net", "--wait", "--", sys.executable, script, how, timeout=400)
    run = show(slipway, "net")
    assert run["status"] == "FINISHED" and run["metrics"]["train_loss"]["count"] >= 2, run
    assert len(slipway("runs", "--json").json["items"]) == 1
