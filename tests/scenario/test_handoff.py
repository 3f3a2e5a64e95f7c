# SPDX-License-Identifier: Apache-2.0
"""Models, approvals, templates, targets and pushes through the command line."""
import json
import subprocess
import tarfile

import pytest


def approve(slipway, model, policy, *args):
    return slipway("model", "approve", model, "--policy", policy, *args)


def test_register_show_verify(slipway, model, tmp_path):
    shown = slipway("model", "show", model, "--json").json
    assert shown["kind"] == "ModelVersion" and [f["path"] for f in shown["files"]] == ["model.bin", "notes.txt"]
    assert shown["is_approved"] is False and shown["evaluations"] == [] and shown["run_id"] is None
    again = slipway("model", "register", "toy", "--path", tmp_path / "files")
    assert again.out.startswith("toy/1\t") and "already" in again.err
    (tmp_path / "files" / "notes.txt").write_text("other\n")
    assert slipway("model", "register", "toy", "--path", tmp_path / "files").out.startswith("toy/2\t")
    assert [v["version"] for v in slipway("model", "ls", "toy", "--json").json["items"]] == [2, 1]
    assert "intact" in slipway("model", "verify", "toy/1").out
    stored = next((slipway.store / "artifacts").rglob("1-*/model.bin"))
    stored.chmod(0o600)
    stored.write_bytes(b"\xff" * 256)
    result = slipway("model", "verify", "toy/1", code=1)
    assert "model.bin" in result.err
    assert slipway("--json", "model", "verify", "toy/1", code=1).error["code"] == "corrupt"


@pytest.mark.parametrize("args, code, said", [
    (["model", "register", "toy"], 2, "--run RUN or --path DIR"),
    (["model", "register", "../toy", "--path", "."], 1, "../toy"),
    (["model", "register", "toy", "--path", "/no/such"], 1, "/no/such"),
    (["model", "register", "toy", "--run", "nosuch"], 1, "nosuch"),
    (["model", "show", "nosuch"], 1, "nosuch"),
    (["model", "show", "toy/9"], 1, "toy"),
    (["model", "alias", "toy/1", "bad alias"], 1, "alias"),
    (["model", "revoke", "toy/1"], 2, "--reason"),
    (["model", "revoke", "toy/1", "--reason", "x"], 2, "--yes"),
    (["model", "revoke", "toy/1", "--reason", "x", "--yes"], 1, "toy/1"),
    (["model", "evaluate", "toy/1"], 2, "--data"),
])
def test_bad_requests(slipway, model, args, code, said):
    assert said in slipway(*args, code=code).err


def test_symbolic_links_are_refused(slipway, model, tmp_path):
    folder = tmp_path / "linked"
    folder.mkdir()
    (folder / "passwd").symlink_to("/etc/passwd")
    assert "passwd" in slipway("model", "register", "linked", "--path", folder, code=1).err


def test_aliases(slipway, model):
    slipway("model", "alias", "toy/1", "champion")
    assert slipway("model", "show", "toy@champion", "--json").json["aliases"] == "champion"
    slipway("model", "alias", "toy", "champion", "--delete")
    slipway("model", "show", "toy@champion", code=1)


def test_a_gate_that_waits_refuses_the_approval(slipway, model, policy):
    result = slipway("model", "approve", model, "--policy", policy, code=5)
    assert "accuracy" in result.err and "waiting" in result.out
    dry = slipway("model", "approve", model, "--policy", policy, "--dry-run", "--json", code=5).json
    assert dry["kind"] == "Verdict" and dry["would_pass"] is False
    assert slipway("model", "show", model, "--json").json["approvals"] == []


def test_ones_own_model_needs_another_person(slipway, model):
    result = slipway("model", "approve", model, code=5)
    assert "hint:" in result.err


def test_policy_with_an_unknown_key(slipway, model):
    policy = slipway.script("bad.yaml", "apiVersion: slipway/v1\nkind: Policy\ngatse: []\n")
    result = slipway("model", "approve", model, "--policy", policy, code=1)
    assert "bad.yaml:3" in result.err and "did you mean 'gates'?" in result.err


def test_push_of_an_unapproved_model(slipway, model, tmp_path):
    result = slipway("push", model, "--to", f"bundle:{tmp_path}/out", code=5)
    assert "not approved" in result.err and "slipway model approve" in result.err
    assert slipway("--json", "push", model, "--to", f"bundle:{tmp_path}/out", code=5).error["code"] == "refused"
    assert not (tmp_path / "out").exists()


def test_approve_push_revoke(slipway, model, lenient, tmp_path):
    approval = slipway("model", "approve", model, "--policy", lenient, "-m", "good", "--json").json
    assert approval["kind"] == "Approval" and approval["statement"]["comment"] == "good"
    to = ["--to", f"bundle:{tmp_path}/out"]
    preview = slipway("push", model, *to, "--dry-run", "--json").json
    assert preview["kind"] == "PushPreview" and preview["refusal"] is None and not (tmp_path / "out").exists()
    first = slipway("push", model, *to, "--json").json
    assert first["kind"] == "PushResult" and not first["is_unchanged"]
    assert (tmp_path / "out/toy/model/model.bin").read_bytes() == bytes(range(256))
    again = slipway("push", model, *to, "--json").json
    assert again["is_unchanged"] and again["package_digest"] == first["package_digest"]
    status = slipway("status", "--verify", "--json").json["items"]
    assert [(s["model"], s["version"], s["verified"]) for s in status] == [("toy", 1, "ok")]
    slipway("model", "revoke", model, "--reason", "found a fault", "--yes")
    assert slipway("push", model, *to, code=5)
    actions = [row["action"] for row in slipway("audit", "--json").json["items"]]
    assert actions[-1] == "register" and "approve" in actions and "push" in actions and actions[0] == "revoke"
    assert "intact" in slipway("audit", "verify").out


@pytest.mark.parametrize("name", ["model/notes.txt", "MANIFEST", "approval.json", "APPLY.md"])
def test_any_changed_byte_of_a_bundle_is_found(slipway, model, lenient, tmp_path, name):
    approve(slipway, model, lenient)
    slipway("push", model, "--to", f"bundle:{tmp_path}/out")
    path = tmp_path / "out/toy" / name
    bytes_ = bytearray(path.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes_)
    assert slipway("model", "verify", tmp_path / "out/toy", "--json", code=1).error["code"] == "corrupt"
    assert slipway("status", "--verify", code=1).err


def test_a_tar_bundle(slipway, model, lenient, tmp_path):
    approve(slipway, model, lenient)
    slipway("push", model, "--to", f"bundle:{tmp_path}/out.tar")
    with tarfile.open(tmp_path / "out.tar") as tar:
        assert "toy/model/model.bin" in tar.getnames() and "toy/MANIFEST" in tar.getnames()
    assert "toy" in slipway("model", "verify", tmp_path / "out.tar").out


def test_bytes_changed_after_the_approval(slipway, model, lenient, tmp_path):
    approve(slipway, model, lenient)
    stored = next((slipway.store / "artifacts").rglob("1-*/notes.txt"))
    stored.chmod(0o600)
    stored.write_text("something else\n")
    result = slipway("push", model, "--to", f"bundle:{tmp_path}/out", code=5)
    assert "notes.txt" in result.err and not (tmp_path / "out").exists()


def test_signed_approval(slipway, model, tmp_path):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    signers = slipway.script("signers", f"{user} {key.with_suffix('.pub').read_text()}")
    policy = slipway.script("signed.yaml", "apiVersion: slipway/v1\nkind: Policy\nmetadata: {name: signed}\napprovals:\n"
                            f"  {{needed: 1, allow_author: true, require_signature: true, allowed_signers: {signers}}}\n")
    assert slipway("model", "approve", model, "--policy", policy, code=5)
    approval = slipway("model", "approve", model, "--policy", policy, "--signing-key", key, "--json").json
    assert approval["signature"].startswith("-----BEGIN SSH SIGNATURE-----")
    slipway("push", model, "--to", f"bundle:{tmp_path}/out")
    assert (tmp_path / "out/toy/approval.json.sig").read_text() == approval["signature"]


def test_targets(slipway, model, lenient, tmp_path):
    slipway("target", "add", "prod", f"bundle:{tmp_path}/prod", "--production")
    assert slipway("target", "ls", "--json").json["items"][0]["is_production"] is True
    assert "prod" in slipway("target", "add", "prod", "bundle:/x", code=1).err
    assert "Bad_Name" in slipway("target", "add", "Bad_Name", "bundle:/x", code=2).err
    assert slipway("target", "add", "x", "ftp:/y", code=1).err
    approve(slipway, model, lenient)
    assert "PRODUCTION" in slipway("push", model, "--to", "prod", code=2).err
    slipway("push", model, "--to", "prod", "--yes")
    assert "nosuch" in slipway("push", model, "--to", "nosuch", code=1).err
    assert "--to" in slipway("push", model, code=2).err
    slipway("config", "set", "target", "prod")
    assert "unchanged" in slipway("push", model, "--yes").out
    assert "--yes" in slipway("target", "rm", "prod", code=2).err
    slipway("target", "rm", "prod", "--yes")
    assert slipway("target", "ls", "--json").json["items"] == []
    assert slipway("status", "--json").json["items"][0]["target"] == "prod"


KSERVE = ["template", "render", "kserve-inferenceservice", "--set", "name=fashion", "--set", "storage-uri=s3://m/fashion"]


def test_templates(slipway):
    names = {t["name"]: t for t in slipway("template", "ls", "--json").json["items"]}
    assert names["kserve-inferenceservice"]["problem"] is None
    shown = slipway("template", "show", "kserve-inferenceservice", "--json").json
    parameters = {p["name"]: p for p in shown["parameters"]}
    assert parameters["max-replicas"]["min"] == 1 and parameters["name"]["from"] == "model.name"
    document = slipway(*KSERVE, "--json").json["items"][0]
    assert document["kind"] == "InferenceService" and document["metadata"]["name"] == "fashion"
    assert "kind: InferenceService" in slipway(*KSERVE).out
    assert "did you mean" in slipway("template", "show", "kserve-inferenceservce", code=1).err


@pytest.mark.parametrize("setting, said", [
    ("max-replicas=many", ["max-replicas", "integer"]),
    ("max-replicas=100000", ["max-replicas", "1000"]),
    ("protocol=v9", ["protocol", "v1"]),
    ("max-replica=2", ["max-replicas"]),
    ("max-replicas", ["NAME=VALUE"]),
    ("name=Bad Name", ["name"]),
])
def test_template_values_are_typed(slipway, setting, said):
    name = [] if setting.startswith("name=") else ["--set", "name=fashion"]
    result = slipway(*KSERVE[:3], "--set", "storage-uri=s3://m/f", *name, "--set", setting, code=2)
    for word in said:
        assert word in result.err


def test_hostile_values_cannot_change_structure(slipway):
    evil = "s3://x\"}\n---\nkind: Secret\nmetadata: {name: owned} # ${name} !!python/object"
    result = slipway("template", "render", "kserve-inferenceservice", "--set", "name=fashion", "--set",
                     f"storage-uri={evil}", code=None)
    assert "kind: Secret\n" not in result.out.replace("  kind: Secret", "")
    mild = "s3://x: {a: b} # ${name}"
    documents = slipway("template", "render", "kserve-inferenceservice", "--set", "name=fashion", "--set",
                        f"storage-uri={mild}", "--json").json["items"]
    assert mild in json.dumps(documents) and len(documents) == 1


def test_own_and_project_templates(slipway):
    text = ("apiVersion: slipway/v1\nkind: Template\nmetadata: {name: mine, summary: a config map}\nparameters:\n"
            "  - {name: name, type: name, required: true, help: name of it}\n---\napiVersion: v1\nkind: ConfigMap\n"
            "metadata: {name: '${name}'}\n")
    own = slipway.home / ".config/slipway/templates"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(text)
    assert "kind: ConfigMap" in slipway("template", "render", "mine", "--set", "name=a").out
    (own / "mine.yaml").unlink()
    (slipway.cwd / "slipway.yaml").write_text("# a project\n")
    (slipway.cwd / "templates").mkdir()
    (slipway.cwd / "templates/mine.yaml").write_text(text)
    assert "kind: ConfigMap" in slipway("template", "render", "mine", "--set", "name=a").out
    (slipway.cwd / "templates/mine.yaml").write_text(text.replace("${name}", "pre-${name}"))
    rows = {t["name"]: t for t in slipway("template", "ls", "--json").json["items"]}
    assert rows["mine"]["problem"]
    assert slipway("doctor", code=1).out.count("mine.yaml") >= 1
