# SPDX-License-Identifier: Apache-2.0
"""slipway-train as a program: what it reaches on Fashion-MNIST, how it ends, and what it says about wrong input."""
import json
import os
import signal
import subprocess
import time

import numpy as np
import pytest

import trainer

needs_fashion = pytest.mark.skipif(not trainer.FASHION.is_dir(), reason="dataset-fashion-mnist is not installed")


@needs_fashion
@pytest.mark.parametrize("net,floor", [("mlp", 0.87), ("cnn", 0.91)])
def test_presets_learn_fashion_mnist(net, floor, tmp_path):
    trainer.run(net, "--data", trainer.FASHION, "--ranks", 2, "--out", tmp_path, timeout=600)
    result = trainer.run_json("evaluate", tmp_path / "model" / "model.onnx", "--data", trainer.FASHION, "--split", "test")
    assert result["rows"] == 10000
    assert result["accuracy"] >= floor
    assert [c["name"] for c in result["classes"]][:2] == ["T-shirt/top", "Trouser"]


def start(tmp_path, *args, env=None):
    data = trainer.write_images(tmp_path / "data")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SLIPWAY_")}
    out = open(tmp_path / "log", "wb")
    return subprocess.Popen(
        [trainer.TRAIN, "conv8-pool-fc16", "--data", str(data), "--batch", "16", "--out", str(tmp_path / "out"),
         *map(str, args)], stdout=out, stderr=subprocess.STDOUT, env={**clean, **(env or {})})


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the state did not come"
        time.sleep(0.01)


def ranks_of(process):
    try:
        with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except FileNotFoundError:
        return []


def test_sigterm_checkpoints_and_asks_for_requeue(tmp_path):
    process = start(tmp_path, "--ranks", 2, "--epochs", 100000)
    wait_for(lambda: list(tmp_path.glob("out/checkpoints/step-*/DONE")))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 75
    log = (tmp_path / "log").read_text()
    assert "stopped on request after step" in log
    newest = max(int(p.name[5:]) for p in tmp_path.glob("out/checkpoints/step-*"))
    process = start(tmp_path, "--ranks", 2, "--epochs", 100000, "--resume")
    wait_for(lambda: max(int(p.name[5:]) for p in tmp_path.glob("out/checkpoints/step-*")) > newest)
    assert f"going on after step {newest} " in (tmp_path / "log").read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 75


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_rank_ends_the_others(how, tmp_path):
    process = start(tmp_path, "--ranks", 3, "--epochs", 100000, "--comm-deadline", "1s")
    wait_for(lambda: list(tmp_path.glob("out/checkpoints/step-*/DONE")))
    victim = ranks_of(process)[1]
    os.kill(victim, how)
    assert process.wait(60) != 0
    assert not os.path.exists(f"/proc/{victim}")
    log = (tmp_path / "log").read_text()
    assert "rank 0: rank 1 (process" in log and "rank 2: rank 1 (process" in log
    assert ("died" if how == signal.SIGKILL else "silent") in log


def test_divergence_has_its_own_status(tmp_path):
    process = start(tmp_path, "--ranks", 2, "--optimizer", "sgd", "--lr", 1000, "--warmup", 0)
    assert process.wait(60) == 86
    assert "training diverged: the loss is" in (tmp_path / "log").read_text()
    assert not (tmp_path / "out" / "model").exists()


def test_metrics_come_as_json_lines(tmp_path):
    data = trainer.write_table(tmp_path / "data.csv")
    reader, writer = os.pipe()
    process = subprocess.Popen([trainer.TRAIN, "fc8", "--data", data, "--epochs", "4", "--batch", "10", "--log-every", "5",
                                "--out", tmp_path / "out"], pass_fds=[writer], stdout=subprocess.DEVNULL,
                               env={**os.environ, "SLIPWAY_METRICS_FD": str(writer)})
    os.close(writer)
    with os.fdopen(reader) as lines:
        seen = [json.loads(line) for line in lines]
    assert process.wait(60) == 0
    names = {name for entry in seen for name in entry.get("metrics", {})}
    assert names == {"loss", "accuracy", "lr", "rows_per_s", "train_loss", "train_accuracy", "val_loss", "val_accuracy"}
    assert seen[-1]["progress"]["fraction"] == 1
    assert any("params" in entry for entry in seen)


def test_a_metrics_reader_that_goes_away_does_not_end_training(tmp_path):
    data = trainer.write_table(tmp_path / "data.csv")
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([trainer.TRAIN, "fc8", "--data", data, "--epochs", "2", "--out", tmp_path / "out"],
                            pass_fds=[writer], capture_output=True, timeout=60,
                            env={**os.environ, "SLIPWAY_METRICS_FD": str(writer)})
    os.close(writer)
    assert result.returncode == 0 and b"metrics are no longer sent" in result.stderr


def test_an_existing_folder_of_checkpoints_is_not_resumed_unasked(tmp_path):
    data = trainer.write_table(tmp_path / "data.csv")
    for _ in range(2):
        out = trainer.run("fc8", "--data", data, "--epochs", 2, "--out", tmp_path / "out").stdout.decode()
        assert "going on" not in out
        data = trainer.write_table(tmp_path / "less.csv", rows=150)  # the second run is shorter
    assert [p.name for p in sorted(tmp_path.glob("out/checkpoints/*"))] == ["step-2", "step-4"]
    out = trainer.run("fc8", "--data", data, "--epochs", 2, "--out", tmp_path / "out", "--resume").stdout.decode()
    assert "going on after step 4 " in out


@pytest.mark.parametrize("args,status,says", [
    ([], 2, "--data"),
    (["--frobnicate"], 2, "frobnicate"),
    (["lstm", "--data", "DATA"], 2, "unknown layer 'lstm'"),
    (["mlp", "--data", "/nonexistent"], 1, "/nonexistent"),
    (["mlp", "--data", "DATA", "--epochs", "0"], 2, "epochs"),
    (["mlp", "--data", "DATA", "--lr", "fast"], 2, "lr"),
    (["mlp", "--data", "DATA", "--target", "nosuch"], None, "nosuch"),
    (["conv8", "--data", "DATA"], 2, "at least 3x3, not 1x1"),
    (["mlp", "--data", "DATA", "--batch", "2", "--ranks", "4"], 2, "cannot be shared by 4 ranks"),
    (["mlp", "cnn", "--data", "DATA"], 2, "one net"),
    (["evaluate", "/nonexistent.onnx", "--data", "DATA"], 1, "/nonexistent.onnx"),
    (["evaluate", "DATA", "--data", "DATA"], 1, "ONNX"),
    (["predict"], 2, "one model file"),
    (["bench", "mlp", "--shape", "1x2"], 2, "--shape"),
])
def test_wrong_input_is_named(args, status, says, tmp_path):
    data = trainer.write_table(tmp_path / "data.csv")
    args = [str(data) if a == "DATA" else a for a in args]
    result = trainer.run(*args, check=False, timeout=60)
    text = result.stderr.decode()
    assert says in text
    assert result.returncode == status if status is not None else result.returncode in (1, 2)
    assert "AddressSanitizer" not in text and "runtime error" not in text


def test_predict_refuses_half_a_sample(tmp_path):
    data = trainer.write_table(tmp_path / "data.csv")
    trainer.run("fc8", "--data", data, "--epochs", 1, "--out", tmp_path)
    model = tmp_path / "model" / "model.onnx"
    result = trainer.run("predict", model, stdin=b"\0" * (6 * 4 * 3 + 5), check=False)
    assert result.returncode == 1 and b"ends inside a sample of 24 bytes" in result.stderr
    assert trainer.predict(model, np.zeros((600, 6))).shape == (600, 3)


def test_explain_and_version():
    assert b"usage: slipway-train" in trainer.run("--help").stdout
    assert trainer.run("--version").stdout.startswith(b"slipway-train ")
    if trainer.FASHION.is_dir():
        assert b"206,922" in trainer.run("cnn", "--data", trainer.FASHION, "--explain").stdout
