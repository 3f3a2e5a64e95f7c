# SPDX-License-Identifier: Apache-2.0
"""The files of a run on the command line: listed, printed, copied, and never anything outside of its folder."""
import hashlib
import os

import pytest
from test_terminal import Terminal


@pytest.fixture
def run(slipway):
    """A run with some artifacts, links that lead away among them."""
    slipway("run", "--name", "maker", "--wait", "--", "true")
    run = slipway("show", "maker", "--json").json
    folder = slipway.store / "artifacts" / str(run["experiment_id"]) / run["run_id"] / "artifacts"
    (folder / "plots" / "deep").mkdir(parents=True)
    (folder / "notes.txt").write_text("first line\nsecond \x1b[31mred\x1b[0m line\n")
    (folder / "plots" / "a.csv").write_text("x,y\n1,2\n")
    (folder / "plots" / "deep" / "weights.bin").write_bytes(bytes(range(256)) * 1000)
    (slipway.cwd / "secret").write_text("not yours\n")
    (folder / "link").symlink_to(slipway.cwd / "secret")
    (folder / "plots" / "out").symlink_to(slipway.cwd)
    return run["run_id"]


def paths(result):
    return [item["path"] for item in result.json["items"]]


def test_lists_a_folder_and_a_tree(slipway, run):
    assert set(paths(slipway("artifacts", "maker", "--json"))) >= {"plots", "notes.txt"}
    assert paths(slipway("artifacts", run[:8], "plots/", "--json")) == ["plots/deep", "plots/a.csv"]
    tree = slipway("artifacts", "maker", "--recursive", "--json")
    assert set(paths(tree)) >= {"plots", "plots/a.csv", "plots/deep/weights.bin", "notes.txt"}
    assert not [path for path in paths(tree) if "link" in path or "out" in path]
    item = next(item for item in tree.json["items"] if item["path"] == "plots/a.csv")
    assert item == {"path": "plots/a.csv", "is_dir": False, "size_bytes": 8, "modified_ms": item["modified_ms"],
                    "sha256": None}
    table = slipway("artifacts", "maker", "plots").out
    assert "plots/deep/" in table and "8 B" in table


def test_prints_and_copies_bytes(slipway, run):
    binary = bytes(range(256)) * 1000
    assert slipway("artifacts", "maker", "plots/a.csv").out == "x,y\n1,2\n"
    done = os.popen(f"SLIPWAY_STORE={slipway.store} HOME={slipway.home} {slipway.program} artifacts {run} "
                    "plots/deep/weights.bin | sha256sum").read()
    digest = hashlib.sha256(binary).hexdigest()
    assert done.startswith(digest)
    assert slipway("artifacts", "maker", "plots/deep/weights.bin", "--digest").out == f"sha256:{digest}\n"
    copied = slipway("artifacts", "maker", "plots/deep/weights.bin", "--output", "w.bin", "--json", "--digest").json
    assert copied["kind"] == "Artifact" and copied["sha256"] == digest and copied["size_bytes"] == len(binary)
    assert (slipway.cwd / "w.bin").read_bytes() == binary
    again = slipway("artifacts", "maker", "plots/deep/weights.bin", "--output", "w.bin", "--json", code=1)
    assert again.error["code"] == "exists"
    (slipway.cwd / "folder").mkdir()
    slipway("artifacts", "maker", "plots/deep/weights.bin", "-o", "folder")
    assert (slipway.cwd / "folder" / "weights.bin").read_bytes() == binary


@pytest.mark.parametrize("path", ["..", "../../../slipway.db", "plots/../../x", "/etc/passwd", "link", "plots/out",
                                  "plots/out/secret", "plots//a.csv", "./notes.txt", "a\\b"])
def test_no_path_leads_out(slipway, run, path):
    refused = slipway("artifacts", run, path, "--json", code=1)
    assert refused.error["code"] == "invalid" and not refused.out


def test_says_what_is_not_there(slipway, run):
    missing = slipway("artifacts", run, "plots/none", "--json", code=1)
    assert missing.error["code"] == "not_found" and "--recursive" in missing.error["hint"]
    assert slipway("artifacts", "nobody", "--json", code=1).error["code"] == "not_found"
    slipway("artifacts", run, "plots", "--output", "x", code=2)


def test_a_terminal_gets_safe_text_and_no_bytes(slipway, run):
    text = Terminal(slipway, "artifacts", "maker", "notes.txt")
    assert text.close() == 0 and "second red line" in text.text and "\x1b[31m" not in text.text
    binary = Terminal(slipway, "artifacts", "maker", "plots/deep/weights.bin")
    assert binary.close() == 5 and "--output FILE" in binary.text


def test_long_lines_and_files_come_whole(slipway, run):
    folder = next((slipway.store / "artifacts").glob(f"*/{run}/artifacts"))
    content = "é" * 100000 + "\n" + "line\n" * 50000
    (folder / "long.txt").write_text(content)
    assert slipway("artifacts", run, "long.txt").out == content
    shown = Terminal(slipway, "artifacts", run, "long.txt")
    assert shown.close() == 0
    # Where a block ends a character may be cut: by the program once in 64 kB, by this terminal's reader in each of its reads.
    assert shown.text.count("line\r\n") == 50000 and shown.text.count("é") > 99000


def test_the_query_of_the_manual_works_as_it_stands(slipway):
    """Params are texts: the number must be written as it was logged."""
    for name, rate, accuracy in (("good", "0.001", 0.95), ("bad", "0.001", 0.5), ("other", "0.01", 0.99)):
        slipway("run", "--name", name, "--wait", "--", "sh", "-c",
                f'echo \'{{"params": {{"lr": "{rate}"}}}}\' >&$SLIPWAY_METRICS_FD; '
                f'echo \'{{"step": 1, "metrics": {{"accuracy": {accuracy}}}}}\' >&$SLIPWAY_METRICS_FD')
    found = slipway("runs", 'metrics.accuracy > 0.9 and params.lr = "0.001"', "--json").json["items"]
    assert [item["name"] for item in found] == ["good"]
    assert len(slipway("runs", 'metrics.accuracy > 0.9 and params.lr = "0.0010"', "--json").json["items"]) == 0
