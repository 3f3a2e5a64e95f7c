# SPDX-License-Identifier: Apache-2.0
"""A run's files inside the screens: looked through, copied, and nothing but what lies in the run's folder."""
import hashlib
import json

import pytest


@pytest.fixture
def folder(home, slipway):
    slipway("run", "--name", "maker", "--wait", "--", "true")
    run = json.loads(slipway("show", "maker", "--json"))
    folder = home / "store" / "artifacts" / str(run["experiment_id"]) / run["run_id"] / "artifacts"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "needle.txt").write_text("found me\n")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    (folder / "model.pkl").write_bytes(b"\x80\x04\x95evil")
    (folder / "secret").symlink_to("/etc/passwd")
    (folder / "away").symlink_to("/etc")
    return folder


def open_files(t):
    t.keys("3")
    t.wait(r"▌ +maker")
    t.keys("a")
    return t.wait(r"› maker", r"artifacts · \d", r"▸ deep")


def test_files_are_looked_at_and_copied(terminal, home, folder):
    t = terminal(120, 40)
    screen = open_files(t)
    assert "secret" not in screen and "away" not in screen
    t.keys("/")
    t.type("needle")
    t.keys("Enter")
    t.wait(r"deep/er/needle\.txt", r"1 found me")
    t.keys("d")
    t.wait(r"sha256:" + hashlib.sha256(b"found me\n").hexdigest()[:32])
    t.keys("e")
    t.wait(r"output +needle\.txt", r"deep/er/needle\.txt --output=needle\.txt")
    t.keys("C-o", "Enter")
    t.wait(r"deep/er/needle\.txt is copied")
    assert (home / "needle.txt").read_text() == "found me\n"
    t.keys("e")
    t.wait(r"output +needle\.txt")
    t.keys("C-o", "Enter")
    t.wait(r"needle\.txt exists")


def test_what_cannot_be_shown_says_so(terminal, folder):
    t = terminal(120, 40)
    open_files(t)
    t.keys("j")
    t.wait(r"not shown +the PNG file is damaged", r"000000 +89 50 4e 47")
    t.keys("G")
    t.wait(r"Python pickle", r"80 04 95 65 76 69 6c +\.\.\.evil")


def test_thousands_of_files_and_a_folder_that_goes(terminal, folder):
    for i in range(5000):
        (folder / "deep" / f"{i:05}.txt").write_text(str(i))
    t = terminal(120, 40)
    open_files(t)
    t.keys("Enter")
    t.wait(r"▾ deep", r"00003\.txt", r"artifacts · 5,0\d\d")
    t.keys("G", "k", "k")
    t.wait(r"4999\.txt|model\.pkl")
    t.keys("s", "s")  # by size
    t.wait(r"size ▼")
    for path in [*(folder / "deep").glob("*.txt"), folder / "deep" / "er" / "needle.txt"]:
        path.unlink()
    t.keys("C-r")
    t.wait(r"artifacts · [4-9]")


def test_pictures_on_a_terminal_without_colours(terminal, folder):
    from test_screens import png
    (folder / "a.png").write_bytes(png(40, 30, lambda x, y: (6 * x, 6 * x, 6 * x)))
    t = terminal(120, 40, ["--ascii"], NO_COLOR="1")
    t.keys("3")
    t.wait(r"maker")
    t.keys("a")
    t.wait(r"a\.png")
    t.keys("j")
    screen = t.wait(r"40 x 30", r"\*\*\*#####%%%%@")
    assert screen.isascii(), screen
