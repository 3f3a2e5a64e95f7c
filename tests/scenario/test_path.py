# SPDX-License-Identifier: Apache-2.0
"""The whole path on a tiny data set: data, two trainings, comparison, evaluation, approval, push, and back."""
import hashlib


def test_from_data_to_a_verified_bundle(slipway, digits, policy, tmp_path):
    data = slipway("data", "add", digits, "--json").json
    for name, net in (("wide", "mlp:8"), ("flat", "linear")):
        slipway("train", net, "--data", "digits", "--name", name, "--epochs", 4, "--batch", 20, "--ranks", 2, "--wait")
    runs = {r["name"]: r for r in slipway("runs", "--json").json["items"]}
    assert runs["wide"]["status"] == "FINISHED" and runs["wide"]["metrics"]["loss"]["count"] > 1
    best = slipway("runs", "--order-by", "metrics.accuracy DESC", "--limit", 1, "--json").json["items"][0]
    assert "wide" in slipway("compare", "wide", "flat", "--metric", "loss").out
    version = slipway("model", "register", "digits", "--run", best["run_id"], "--json").json
    assert version["run_id"] == best["run_id"] and version["version"] == 1
    assert slipway("model", "approve", "digits", "--policy", policy, code=5)
    evaluation = slipway("model", "evaluate", "digits", "--data", "digits", "--split", "test", "--json").json
    assert evaluation["metrics"]["accuracy"] >= 0.8 and evaluation["dataset_digest"] == data["digest"]
    assert evaluation["model_digest"] == version["digest"] and evaluation["result"]["rows"] == 100
    slipway("model", "approve", "digits", "--policy", policy, "-m", "holds on the test split")
    slipway("target", "add", "handoff", f"bundle:{tmp_path}/out")
    push = ["push", "digits/1", "--to", "handoff", "--template", "kserve-inferenceservice", "--set", "max-replicas=2"]
    assert "kind: InferenceService" in slipway(*push, "--dry-run").out
    result = slipway(*push, "--json").json
    bundle = tmp_path / "out" / "digits"
    manifest = (bundle / "MANIFEST").read_text()
    assert hashlib.sha256(manifest.encode()).hexdigest() == result["package_digest"]
    for line in manifest.splitlines():
        digest, size, path = line.split("  ", 2)
        bytes_ = (bundle / path).read_bytes()
        assert hashlib.sha256(bytes_).hexdigest() == digest and len(bytes_) == int(size)
    assert "maxReplicas: 2" in next((bundle / "manifests").iterdir()).read_text()
    assert slipway("status", "--verify", "--json").json["items"][0]["verified"] == "ok"
    assert "digits/1" in slipway("model", "verify", bundle).out
    assert slipway("audit", "verify", "--json").json["rows"] == 3


def test_training_refuses_what_cannot_work(slipway, digits):
    slipway("data", "add", digits)
    for args, said, code in ((["nosuchnet", "--data", "digits"], "nosuchnet", 2), (["mlp"], "--data", 2),
                             (["mlp", "--data", "digist"], "did you mean 'digits'?", 1),
                             (["mlp", "--data", "digits", "--lr", "-1"], "--lr", 2),
                             (["mlp", "--data", "digits", "--optimizer", "adm"], "--optimizer", 2)):
        result = slipway("train", *args, code=None)
        assert said in result.err and result.code in (1, 2), result
    assert slipway("jobs", "--json").json["items"] == []


def test_divergence_has_a_name(slipway, digits):
    slipway("data", "add", digits)
    result = slipway("train", "mlp:8", "--data", "digits", "--optimizer", "sgd", "--lr", 1000, "--momentum", 0.99, "--warmup",
                     0, "--schedule", "constant", "--epochs", 50, "--wait", code=1)
    assert "diverged" in result.err
    assert slipway.job(1)["state"] == "diverged"


def test_a_path_that_is_not_registered_trains_too(slipway, digits):
    slipway("train", "linear", "--data", digits, "--epochs", 1, "--wait")
    assert slipway.job(1)["state"] == "done"
