# SPDX-License-Identifier: Apache-2.0
"""Data sets through the command line: registering, describing, reading rows, and files that are not what they claim."""
import gzip
import json
import struct

import pytest
from conftest import make_digits, write_idx


def test_add_list_show_head_rm(slipway, digits):
    added = slipway("data", "add", digits, "--json").json
    assert added["kind"] == "Dataset" and added["name"] == "digits" and added["version"] == 1
    assert len(added["digest"]) == 64 and added["format"] == "idx"
    again = slipway("data", "add", digits, "--json").json
    assert again["dataset_id"] == added["dataset_id"]
    listed = slipway("data", "ls", "--json").json
    assert listed["kind"] == "DatasetList" and [d["name"] for d in listed["items"]] == ["digits"]
    assert "train 400, test 100" in slipway("data", "ls").out
    shown = slipway("data", "show", "digits", "--json").json
    train = next(s for s in shown["splits"] if s["name"] == "train")
    columns = {c["name"]: c for c in train["columns"]}
    assert train["rows"] == 400 and columns["image"]["shape"] == [6, 6] and columns["label"]["distinct"] == 2
    head = slipway("data", "head", "digits", "-n", 3, "--split", "test", "--json").json
    assert head["columns"] == ["image", "label"] and len(head["rows"]) == 3 and len(head["rows"][0][0]) == 36
    assert "6x6 image" in slipway("data", "head", "digits").out
    assert slipway("data", "head", "digits", "--first", 398).out.count("\n") == 3
    refused = slipway("data", "rm", "digits", code=2)
    assert "--yes" in refused.err
    slipway("data", "rm", "digits", "--yes")
    assert slipway("data", "ls", "--json").json["items"] == []


def test_changed_content_is_a_new_version(slipway, tmp_path):
    folder = make_digits(tmp_path / "set", rows=20, test_rows=10)
    first = slipway("data", "add", folder, "--name", "d", "--json").json
    make_digits(tmp_path / "set", rows=30, test_rows=10, seed=2)
    second = slipway("data", "add", folder, "--name", "d", "--json").json
    assert (first["version"], second["version"]) == (1, 2) and first["digest"] != second["digest"]


def test_a_path_needs_no_store(slipway):
    table = slipway.script("t.csv", "a,b,name\n1,2.5,x\n3,4.5,y\n")
    rows = slipway("data", "head", table, "--json").json
    assert rows["rows"] == [[1, 2.5, "x"], [3, 4.5, "y"]]
    assert slipway("data", "head", table, "-c", "name", "-c", "a", "--json").json["rows"] == [["x", 1], ["y", 3]]
    assert slipway("data", "show", table, "--json", env={"HOME": "", "SLIPWAY_STORE": ""}).json["format"] == "csv"
    assert not slipway.store.exists()


def test_ragged_rows_are_shown_and_named(slipway):
    table = slipway.script("ragged.csv", "a,b\n1,2\n3\n4,5,6\n7,8\n")
    result = slipway("data", "head", table)
    assert "line 3" in result.err and "line 4" in result.err and "7" in result.out


def test_hostile_cells_cannot_reach_the_terminal(slipway):
    table = slipway.script("evil.csv", "a,b\n1,\x1b]0;owned\x07\x1b[2J\n")
    assert "\x1b" not in slipway("data", "head", table).out
    assert "\x1b" not in slipway("data", "show", table).out


def test_formats(slipway):
    names = [f["name"] for f in slipway("data", "ls", "--formats", "--json").json["items"]]
    assert "idx" in names and "csv" in names


def damaged(folder):
    folder.mkdir()
    image = folder / "train-images-idx3-ubyte.gz"
    label = folder / "train-labels-idx1-ubyte.gz"
    write_idx(image, (4, 2, 2), range(16))
    write_idx(label, (4,), [0, 1, 0, 1])
    return image, label


def wrong_magic(image, label):
    image.write_bytes(gzip.compress(b"\x01\x02\x08\x03" + bytes(32)))


def truncated(image, label):
    write_idx(image, (4, 2, 2), range(9))


def cut_gzip(image, label):
    image.write_bytes(image.read_bytes()[:-12])


def bomb(image, label):
    image.write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 4, 2, 2) + bytes(50_000_000)))


def too_few_labels(image, label):
    write_idx(label, (3,), [0, 1, 0])


def huge_dimensions(image, label):
    image.write_bytes(gzip.compress(struct.pack(">BBBBIII", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1)))


@pytest.mark.parametrize("damage", [wrong_magic, truncated, cut_gzip, bomb, too_few_labels, huge_dimensions])
def test_damaged_files_are_refused_and_named(slipway, tmp_path, damage):
    image, label = damaged(tmp_path / "bad")
    damage(image, label)
    result = slipway("data", "add", tmp_path / "bad", code=1)
    assert "ubyte.gz" in result.err or "bad" in result.err, result
    assert not (slipway.store / "slipway.db").exists()


@pytest.mark.parametrize("command", [["data", "add"], ["data", "show"], ["data", "head"]])
def test_missing_path(slipway, command):
    result = slipway(*command, "/no/such/file", code=1)
    assert "/no/such/file" in result.err
    assert slipway("--json", *command, "/no/such/file", code=1).error["code"] == "not_found"


def test_unknown_names_offer_the_nearest(slipway, digits):
    slipway("data", "add", digits)
    assert "did you mean 'digits'?" in slipway("data", "show", "digit", code=1).err
    assert "did you mean 'label'?" in slipway("data", "head", "digits", "-c", "lable", code=1).err
    assert "train" in slipway("data", "head", "digits", "--split", "tran", code=1).err


def test_empty_file(slipway):
    empty = slipway.script("empty.csv", "")
    assert slipway("data", "add", empty, code=1).err.startswith("slipway: ")
