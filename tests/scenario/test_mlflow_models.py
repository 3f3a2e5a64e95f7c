# SPDX-License-Identifier: Apache-2.0
"""Models both ways: a version that `slipway model register` made is loaded by the real MLflow client and predicts what our
own trainer says; a version that a script registered is what `slipway model` shows, approves and verifies."""
import socket
import subprocess
import urllib.request

import pytest

mlflow = pytest.importorskip("mlflow")
numpy = pytest.importorskip("numpy")


@pytest.fixture
def served(slipway, monkeypatch):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = slipway.start("serve", "--port", port)
    url = f"http://127.0.0.1:{port}"

    def is_up():
        try:
            return urllib.request.urlopen(f"{url}/health").read() == b"OK"
        except OSError:
            return False
    slipway.wait_for(is_up, "the server")
    token = next(slipway.home.rglob("slipway/token"))
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token.read_text().strip())
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    mlflow.set_tracking_uri(url)
    mlflow.set_registry_uri(url)
    yield mlflow.MlflowClient()
    server.terminate()
    server.wait()


def test_our_model_is_loaded_by_mlflow(slipway, served, tmp_path):
    rows = [(x / 10, (x * 7 % 20) / 10, "high" if x > 20 else "low") for x in range(40)]
    data = slipway.script("points.csv", "a,b,class\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows))
    job = slipway("train", "mlp:8", "--data", data, "--target", "class", "--epochs", "3", "--json").json["job_id"]
    run_id = slipway.wait_job(job, "done", "failed")["run_id"]
    version = slipway("model", "register", "points", "--run", run_id, "--json").json
    assert [file["path"] for file in version["files"]] >= ["MLmodel", "conda.yaml"]
    served.set_registered_model_alias("points", "champion", version["version"])

    loaded = mlflow.pyfunc.load_model("models:/points@champion")
    assert [spec.name for spec in loaded.metadata.signature.inputs] == ["input"]
    assert loaded.metadata.run_id == run_id
    inputs = numpy.array([row[:2] for row in rows], dtype=numpy.float32)
    got = loaded.predict(inputs)["probabilities"]
    said = subprocess.run([slipway.program.with_name("slipway-train"), "predict", f"{version['path']}/model.onnx"],
                          input=inputs.tobytes(), capture_output=True, check=True).stdout
    assert numpy.allclose(got, numpy.frombuffer(said, numpy.float32).reshape(40, 2), atol=1e-5)
    assert mlflow.onnx.load_model("models:/points/1").producer_name == "slipway"
    again = slipway("model", "register", "points", "--run", run_id, "--json").json
    assert again["version"] == version["version"]  # equal bytes, equal files beside them


def test_registered_by_a_script(slipway, served, lenient, tmp_path):
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "w.bin").write_bytes(bytes(1000))
    run = served.create_run("0").info
    served.log_artifacts(run.run_id, str(folder), "model")
    served.create_registered_model("recommendation-v2")
    for _ in range(2):  # MLflow's rule: each call a version
        made = served.create_model_version("recommendation-v2", f"runs:/{run.run_id}/model", run.run_id)
    assert made.version == "2"
    shown = slipway("model", "show", "recommendation-v2/2", "--json").json
    assert shown["run_id"] == run.run_id and [f["path"] for f in shown["files"]] == ["w.bin"]
    assert slipway("model", "verify", "recommendation-v2/2").out.split()[2] == shown["digest"]
    slipway("model", "approve", "recommendation-v2/2", "--policy", lenient)
    served.set_registered_model_alias("recommendation-v2", "champion", "2")
    served.transition_model_version_stage("recommendation-v2", "2", "Production")
    assert served.get_model_version_download_uri("recommendation-v2", "2").endswith(
        f"models/recommendation-v2/2-{shown['digest'][:12]}")
    target = mlflow.artifacts.download_artifacts("models:/recommendation-v2@champion", dst_path=str(tmp_path / "got"))
    assert (tmp_path / "got" / "w.bin").read_bytes() == bytes(1000) and target
    with pytest.raises(mlflow.MlflowException, match="approvals were given under this name"):
        served.rename_registered_model("recommendation-v2", "other")
    actions = [row["action"] for row in slipway("audit", "--json").json["items"]]
    assert {"register", "approve", "alias", "stage"} <= set(actions)

    served.create_model_version("recommendation-v2", "s3://bucket/model")
    refused = slipway("model", "approve", "recommendation-v2/3", "--policy", lenient, code=5)
    assert "its bytes are elsewhere" in refused.err
    served.delete_registered_model("recommendation-v2")
    assert slipway("model", "ls", "--json").json["items"] == []
    served.create_registered_model("recommendation-v2")
    assert served.create_model_version("recommendation-v2", "s3://bucket/model").version == "4"  # never used again
