# SPDX-License-Identifier: Apache-2.0
"""Exported models through onnx.checker and ONNX Runtime: valid, and the same outputs as our engine to 1e-5."""
import json

import numpy as np
import onnx
import onnxruntime
import pytest

import trainer

CASES = [
    # name, net, data, shape of a sample
    ("mlp", "mlp:32-16", "images", (1, 12, 12)),
    ("cnn", "conv8-pool-conv12-pool-fc24", "images", (1, 12, 12)),
    ("deep", "conv4-conv4-conv4-pool", "images", (1, 12, 12)),
    ("linear", "linear", "images", (1, 12, 12)),
    ("table", "fc16", "table", (6,)),
]


@pytest.fixture(scope="module", params=CASES, ids=[c[0] for c in CASES])
def exported(request, tmp_path_factory):
    name, net, kind, shape = request.param
    folder = tmp_path_factory.mktemp(name)
    data = trainer.write_images(folder / "data") if kind == "images" else trainer.write_table(folder / "data.csv")
    trainer.run(net, "--data", data, "--epochs", 3, "--batch", 32, "--out", folder / "out",
                env={"SLIPWAY_RUN_ID": "0123456789abcdef0123456789abcdef"})
    return folder / "out" / "model" / "model.onnx", shape, data


def test_checker_accepts(exported):
    path, shape, _ = exported
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.ir_version == 8
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert dims[0].dim_param == "N"
    assert tuple(d.dim_value for d in dims[1:]) == shape
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    assert len(inferred.graph.value_info) == len(model.graph.node) - 1


def test_metadata_tells_where_it_came_from(exported):
    path, shape, _ = exported
    model = onnx.load(path)
    meta = {p.key: p.value for p in model.metadata_props}
    assert model.producer_name == "slipway"
    assert meta["slipway.run_id"] == "0123456789abcdef0123456789abcdef"
    assert meta["slipway.input_shape"] == "x".join(map(str, shape))
    assert meta["slipway.data_digest"].startswith("sha256:")
    classes = json.loads(meta["slipway.classes"])
    assert len(classes) == model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    beside = json.loads(path.with_name("model.json").read_text())
    assert beside["class_names"] == classes and beside["run_id"] == meta["slipway.run_id"]


@pytest.mark.parametrize("rows", [1, 100])
def test_runtime_gives_our_outputs(exported, rows):
    path, shape, _ = exported
    random = np.random.default_rng(rows)
    scale = 255 if len(shape) == 3 else 20
    features = (random.random((rows, *shape)) * scale).astype(np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    theirs = session.run(["probabilities"], {"input": features})[0]
    ours = trainer.predict(path, features)
    assert np.abs(theirs.sum(axis=1) - 1).max() < 1e-5
    assert np.abs(ours - theirs).max() <= 1e-5


def test_evaluation_counts_what_runtime_predicts(exported):
    path, shape, data = exported
    if len(shape) == 1:
        import csv

        rows = list(csv.DictReader(open(data)))
        features = np.array([[float(r[f"x{i}"]) for i in range(shape[0])] for r in rows], dtype=np.float32)
        classes = json.loads({p.key: p.value for p in onnx.load(path).metadata_props}["slipway.classes"])
        labels = np.array([classes.index(r["label"]) for r in rows])
        result = trainer.run_json("evaluate", path, "--data", data)
    else:
        raw = (data / "t10k-images-idx3-ubyte").read_bytes()[16:]
        features = np.frombuffer(raw, np.uint8).reshape(-1, *shape).astype(np.float32)
        labels = np.frombuffer((data / "t10k-labels-idx1-ubyte").read_bytes()[8:], np.uint8)
        result = trainer.run_json("evaluate", path, "--data", data, "--split", "test")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    probabilities = session.run(None, {"input": features})[0]
    guessed = probabilities.argmax(axis=1)
    confusion = np.zeros((probabilities.shape[1],) * 2, int)
    np.add.at(confusion, (labels, guessed), 1)
    assert result["rows"] == len(labels)
    assert result["accuracy"] == pytest.approx((guessed == labels).mean())
    assert result["loss"] == pytest.approx(-np.log(probabilities[np.arange(len(labels)), labels]).mean(), abs=1e-5)
    assert result["confusion"] == confusion.tolist()
    assert result["data"]["digest"].startswith("sha256:")
    for i, row in enumerate(result["classes"]):
        assert row["rows"] == confusion[i].sum() and row["correct"] == confusion[i, i]
