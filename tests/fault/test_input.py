# SPDX-License-Identifier: Apache-2.0
"""Input that is not what it claims to be: each is refused with its exit code, named, with a hint, and leaves nothing."""
import gzip
import struct

import pytest
from conftest import make_digits, write_idx
from fault_tools import healthy, refused

IMAGE, LABEL = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


def missing_file(folder):
    (folder / LABEL).unlink()


def wrong_magic(folder):
    (folder / IMAGE).write_bytes(gzip.compress(b"\x01\x02\x08\x03" + bytes(32)))


def unknown_element_type(folder):
    (folder / IMAGE).write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 0x77, 3, 4, 2, 2) + bytes(16)))


def truncated(folder):
    write_idx(folder / IMAGE, (400, 6, 6), bytes(400 * 36 - 1))


def cut_gzip(folder):
    (folder / IMAGE).write_bytes((folder / IMAGE).read_bytes()[:-12])


def damaged_gzip(folder):
    data = bytearray((folder / IMAGE).read_bytes())
    data[len(data) // 2:len(data) // 2 + 64] = bytes(64)
    (folder / IMAGE).write_bytes(data)


def no_gzip(folder):
    (folder / IMAGE).write_bytes(b"not compressed at all")


def empty_file(folder):
    (folder / IMAGE).write_bytes(b"")


def bomb(folder):
    (folder / IMAGE).write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 400, 6, 6) + bytes(100_000_000)))


def huge_dimensions(folder):
    (folder / IMAGE).write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)))


def too_few_labels(folder):
    write_idx(folder / LABEL, (399,), bytes(399))


DAMAGES = [wrong_magic, unknown_element_type, truncated, cut_gzip, damaged_gzip, no_gzip, empty_file, bomb,
           huge_dimensions, too_few_labels]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_data_is_refused_and_never_registered(slipway, digits, damage):
    damage(digits)
    for command in (["data", "add"], ["data", "show"]):
        refused(slipway, *command, digits, code=1, said="train-")
    assert not (slipway.store / "slipway.db").exists()
    assert list(slipway.home.rglob("*")) == []


@pytest.mark.parametrize("damage", [*DAMAGES, missing_file])
def test_data_damaged_after_it_was_registered_does_not_train(slipway, digits, damage):
    slipway("data", "add", digits, "--name", "d")
    damage(digits)
    result = slipway("train", "mlp:4", "--data", "d", "--epochs", 1, "--name", "t", "--wait", code=1)
    assert str(digits) in result.err and "hint: " in result.err.splitlines()[0], result  # the job's last words
    jobs = healthy(slipway)
    assert all(job["state"] == "failed" for job in jobs)
    assert not list(slipway.store.rglob("model.onnx"))


@pytest.mark.parametrize("command", [["data", "add"], ["data", "show"], ["data", "head"], ["train", "mlp", "--data"],
                                     ["model", "register", "m", "--path"], ["model", "verify"]])
def test_a_path_that_is_not_there(slipway, command):
    slipway("run", "--wait", "--", "true")
    refused(slipway, *command, "/no/such/place", code=1, said="/no/such/place", word="not_found")
    healthy(slipway)


def test_a_csv_with_ragged_rows_is_shown_but_does_not_train(slipway):
    rows = "".join(f"{i},{i % 7},{'ab'[i % 2]}\n" for i in range(60))
    table = slipway.script("ragged.csv", "x,y,label\n" + rows + "1,2\n")
    assert "line 62" in slipway("data", "head", table, "--first", 55).err
    result = slipway("train", "mlp:4", "--data", table, "--epochs", 1, "--wait", code=1)
    assert "ragged.csv" in result.err and "62" in result.err or "row" in result.err, result
    healthy(slipway)


def test_a_label_that_training_never_saw(slipway, tmp_path):
    folder = make_digits(tmp_path / "odd")
    write_idx(folder / "t10k-labels-idx1-ubyte.gz", (100,), [7] * 100)
    slipway("train", "mlp:4", "--data", folder, "--epochs", 1, "--name", "t", "--wait")
    slipway("model", "register", "odd", "--run", "t")
    slipway("data", "add", folder)
    refused(slipway, "model", "evaluate", "odd", "--data", "odd", "--split", "test", code=1, said=["7"])
    assert slipway("model", "show", "odd", "--json").json["evaluations"] == []


@pytest.mark.parametrize("text, said", [
    ("x,label\n" + "1,a\nnan,b\n" * 30, "column x"),
    ("x,label\n" + "1,a\n" * 60, "classes"),
    ("x,label\n" + "1,a\nhello,b\n" * 30, "x"),
    ("x,label\n" + "1,a\n2,\n" * 30, "label"),
    ("x,label\n1,a\n", "at least 2"),
    ("x,y\n" + "1.5,2.5\n" * 30, "--target"),
])
def test_tables_that_cannot_be_learned(slipway, text, said):
    table = slipway.script("bad.csv", text)
    result = slipway("train", "mlp:4", "--data", table, "--epochs", 1, "--wait", code=1)
    assert said in result.err and "bad.csv" in result.err and "hint: " in result.err.splitlines()[0], result
    assert all(job["state"] == "failed" for job in healthy(slipway))


KSERVE = ["template", "render", "kserve-inferenceservice", "--set", "storage-uri=s3://m/f", "--set"]


@pytest.mark.parametrize("args, said", [
    (["rnus"], ["'rnus'", "slipway runs"]),
    (["modle", "ls"], ["'modle", "slipway model"]),
    (["model", "aprove", "x"], ["'model aprove'", "slipway model approve"]),
    (["runs", "--limti", "3"], ["--limti", "--limit"]),
    (["runs", "--limit", "many"], ["--limit", "many"]),
    (["train", "mpl", "--data", "d"], ["mpl"]),
    (["train", "mlp", "--data", "d", "--optimizer", "sdg"], ["--optimizer", "sgd"]),
    (["train", "mlp", "--data", "d", "--epochs", "0"], ["--epochs", "0"]),
    ([*KSERVE, "max-replicas=many", "--set", "name=n"], ["max-replicas", "integer"]),
    ([*KSERVE, "max-replicas=100000", "--set", "name=n"], ["max-replicas", "1000"]),
    ([*KSERVE, "name=Not A Name"], ["name"]),
    ([*KSERVE, "nmae=n"], ["nmae", "name"]),
])
def test_words_and_values_that_are_wrong(slipway, args, said):
    refused(slipway, *args, code=2, said=said, word="usage")


def test_an_ambiguous_name_lists_the_candidates(slipway):
    ids = [slipway("run", "--name", "twin", "--wait", "--json", "--", "true") for _ in range(2)]
    runs = [run["run_id"] for run in slipway("runs", "--json").json["items"]]
    assert len(ids) == len(runs) == 2
    result = refused(slipway, "show", "twin", code=1, word="ambiguous", said="twin")
    assert all(run[:8] in result.err for run in runs)
    refused(slipway, "stop", "twin", code=1, word="ambiguous", said=["1", "2"])
    refused(slipway, "rm", "twin", "--yes", code=1, word="ambiguous", said="twin")
    assert len(slipway("runs", "--json").json["items"]) == 2


def test_a_name_that_is_nearly_right(slipway):
    slipway("run", "--name", "baseline", "--wait", "--", "true")
    refused(slipway, "show", "baselin", code=1, word="not_found", said=["baselin"])
    refused(slipway, "logs", "99", code=1, word="not_found", said="99")
    refused(slipway, "model", "show", "nosuch", code=1, word="not_found", said="nosuch")


def pushed_nothing(slipway, tmp_path):
    assert not (tmp_path / "out").exists()
    assert [row for row in slipway("audit", "--json").json["items"] if row["action"] == "push"] == []


def test_what_is_not_approved_is_not_pushed(slipway, model, lenient, tmp_path):
    push = ["push", model, "--to", f"bundle:{tmp_path}/out"]
    refused(slipway, *push, code=5, said=model, word="refused")
    pushed_nothing(slipway, tmp_path)
    slipway("model", "approve", model, "--policy", lenient)
    slipway("model", "revoke", model, "--reason", "found a fault", "--yes")
    refused(slipway, *push, code=5, said=model, word="refused")
    pushed_nothing(slipway, tmp_path)


@pytest.mark.parametrize("name", ["model.bin", "notes.txt"])
def test_bytes_that_changed(slipway, model, lenient, tmp_path, name):
    stored = next((slipway.store / "artifacts").rglob(f"1-*/{name}"))
    stored.chmod(0o600)
    before = stored.read_bytes()
    stored.write_bytes(b"?" + before[1:])
    refused(slipway, "model", "approve", model, "--policy", lenient, code=5, said=name, word="refused")
    assert slipway("model", "show", model, "--json").json["approvals"] == []
    stored.write_bytes(before)
    slipway("model", "approve", model, "--policy", lenient)
    stored.write_bytes(b"?" + before[1:])
    refused(slipway, "push", model, "--to", f"bundle:{tmp_path}/out", code=5, said=name, word="refused")
    pushed_nothing(slipway, tmp_path)
    stored.unlink()
    refused(slipway, "push", model, "--to", f"bundle:{tmp_path}/out", code=5, said=name, word="refused")
    healthy(slipway)
