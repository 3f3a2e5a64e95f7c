# SPDX-License-Identifier: Apache-2.0
"""Register, approve and push through the real program, killed at every point and on a full disk: the same command then
finishes the work, the old bundle stays whole until the new one is, and the journal shows one push."""
import hashlib
import signal

import pytest

STEPS = ["verify", "preflight", "upload", "diff", "apply", "wait", "record", "finish"]
ARROWS = [f"push.{step}.{when}" for step in STEPS for when in ("before", "after")]
PLACES = {"folder": ("out", "out/toy", "model.copy"), "tar": ("tars/out.tar", "tars/out.tar", "tar.write:5")}


def killed(slipway, point, *args):
    result = slipway(*args, code=None, env={"SLIPWAY_FAILPOINT": f"{point}=kill"})
    assert result.code == -signal.SIGKILL, f"{point} was not reached: {result!r}"


def new_version(slipway, tmp_path, policy, text):
    (tmp_path / "files" / "notes.txt").write_text(text)
    spec = slipway("model", "register", "toy", "--path", tmp_path / "files").out.split("\t")[0]
    slipway("model", "approve", spec, "--policy", policy)
    return spec


def pushes(slipway):
    return [row for row in slipway("audit", "--limit", "1000", "--json").json["items"] if row["action"] == "push"]


def bundle_is_whole(path):
    """Checks a bundle folder without the program."""
    listed = {}
    for line in (path / "MANIFEST").read_text().splitlines():
        digest, size, name = line.split(None, 2)
        listed[name] = digest
        data = (path / name).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (digest, int(size)), name
    found = {str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()} - {"MANIFEST"}
    assert found == set(listed)
    return hashlib.sha256((path / "MANIFEST").read_bytes()).hexdigest()


@pytest.mark.parametrize("form", PLACES)
def test_a_kill_at_every_arrow_of_a_push(slipway, model, lenient, tmp_path, form):
    address, place, copy_point = PLACES[form]
    to = ["--to", f"bundle:{tmp_path}/{address}"]
    slipway("model", "approve", model, "--policy", lenient)
    slipway("push", model, *to)
    for number, point in enumerate([*ARROWS, copy_point], start=2):
        before = (tmp_path / place / "MANIFEST").read_bytes() if form == "folder" else None
        spec = new_version(slipway, tmp_path, lenient, f"version {number}\n")
        killed(slipway, point, "push", spec, *to)
        if form == "folder":  # whole at any moment, old or new
            bundle_is_whole(tmp_path / place)
            if point not in ARROWS or ARROWS.index(point) < ARROWS.index("push.apply.after"):
                assert (tmp_path / place / "MANIFEST").read_bytes() == before, point
        result = slipway("push", spec, *to, "--json").json
        assert result["was_resumed"] and result["revision"] == number, point
        if form == "folder":
            assert bundle_is_whole(tmp_path / place) == result["package_digest"]
        assert len(pushes(slipway)) == number, point
        assert [p.name for p in (tmp_path / place).parent.iterdir()] == [(tmp_path / place).name], point
    assert [s["verified"] for s in slipway("status", "--verify", "--json").json["items"]] == ["ok"]
    assert "intact" in slipway("audit", "verify").out


@pytest.mark.parametrize("form", PLACES)
def test_a_full_disk_leaves_the_old_bundle(slipway, model, lenient, tmp_path, form):
    address, place, copy_point = PLACES[form]
    to = ["--to", f"bundle:{tmp_path}/{address}"]
    slipway("model", "approve", model, "--policy", lenient)
    slipway("push", model, *to)
    before = (tmp_path / place).read_bytes() if form == "tar" else bundle_is_whole(tmp_path / place)
    spec = new_version(slipway, tmp_path, lenient, "does not fit\n")
    result = slipway("push", spec, *to, code=1, env={"SLIPWAY_FAILPOINT": f"{copy_point}=enospc"})
    assert "No space left" in result.err
    after = (tmp_path / place).read_bytes() if form == "tar" else bundle_is_whole(tmp_path / place)
    assert before == after
    assert slipway("push", spec, *to, "--json").json["was_resumed"]


@pytest.mark.parametrize("point", ["approval.before", "approval.commit"])
def test_a_killed_approval_is_none_and_can_be_given_again(slipway, model, lenient, tmp_path, point):
    killed(slipway, point, "model", "approve", model, "--policy", lenient)
    assert slipway("model", "show", model, "--json").json["approvals"] == []
    slipway("push", model, "--to", f"bundle:{tmp_path}/out", code=5)
    slipway("model", "approve", model, "--policy", lenient)
    assert len(slipway("model", "show", model, "--json").json["approvals"]) == 1
    slipway("push", model, "--to", f"bundle:{tmp_path}/out")
    assert "intact" in slipway("audit", "verify").out


@pytest.mark.parametrize("point", ["model.copy", "model.register.copied", "model.register.commit"])
def test_a_killed_registration_is_none_and_can_be_done_again(slipway, model, tmp_path, point):
    (tmp_path / "files" / "notes.txt").write_text("second\n")
    killed(slipway, point, "model", "register", "toy", "--path", tmp_path / "files")
    assert [v["version"] for v in slipway("model", "ls", "toy", "--json").json["items"]] == [1]
    assert slipway("model", "register", "toy", "--path", tmp_path / "files").out.startswith("toy/2\t")
    slipway("model", "verify", "toy/2")
    folders = sorted(p.name.split("-")[0] for p in (slipway.store / "artifacts/models/toy").iterdir())
    assert folders == ["1", "2"]


def test_two_pushes_at_once(slipway, model, lenient, tmp_path):
    to = ["--to", f"bundle:{tmp_path}/out"]
    slipway("model", "approve", model, "--policy", lenient)
    slipway.env["SLIPWAY_FAILPOINT"] = "push.apply.before=stall"
    first = slipway.start("push", model, *to)
    del slipway.env["SLIPWAY_FAILPOINT"]
    try:
        slipway.wait_for(lambda: any(s["last"]["state"] == "diffed" for s in
                                     slipway("status", "--json", code=None).json.get("items", [])), "the first push")
        refused = slipway("push", model, *to, code=11)
        assert f"process {first.pid}" in refused.err
        assert not (tmp_path / "out/toy").exists()
    finally:
        first.kill()
        first.communicate()
    assert slipway("push", model, *to, "--json").json["was_resumed"]
    bundle_is_whole(tmp_path / "out/toy")


def test_pushes_that_race(slipway, model, lenient, tmp_path):
    to = ["--to", f"bundle:{tmp_path}/out"]
    slipway("model", "approve", model, "--policy", lenient)
    racing = [slipway.start("push", model, *to) for _ in range(4)]
    said = [process.communicate(timeout=120)[1] for process in racing]
    codes = [process.returncode for process in racing]
    assert 0 in codes and set(codes) <= {0, 11}, said
    assert all("hint: " in text for text, code in zip(said, codes) if code == 11), said
    bundle_is_whole(tmp_path / "out/toy")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["toy"]
    assert len(pushes(slipway)) == codes.count(0)
    assert slipway("push", model, *to, "--json").json["is_unchanged"]
    assert "intact" in slipway("audit", "verify").out
