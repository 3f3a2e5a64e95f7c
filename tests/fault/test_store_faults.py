# SPDX-License-Identifier: Apache-2.0
"""Stores and surroundings in a bad state: locked, newer, damaged, read-only, missing, and terminals and pipes that are
not what the program hopes for."""
import os
import pty
import select
import sqlite3
import subprocess
from contextlib import closing

import pytest
from fault_tools import healthy, refused, settled

WRITES = {
    "run": ["run", "--", "true"],
    "note": ["note", "r", "text"],
    "tag": ["tag", "r", "a=b"],
    "rm": ["rm", "r", "--yes"],
    "stop": ["stop", "9999"],
    "register": ["model", "register", "toy", "--path", "files"],
    "approve": ["model", "approve", "toy/1", "--policy", "lenient.yaml"],
    "push": ["push", "toy/1", "--to", "bundle:out"],
    "add target": ["target", "add", "t", "bundle:out"],
    "add data": ["data", "add", "table.csv"],
}
READS = [["runs"], ["jobs"], ["show", "r"], ["model", "ls"], ["target", "ls"], ["status"], ["audit"], ["data", "ls"]]


@pytest.fixture
def used(slipway, lenient):
    """A store with something in it, and the files that WRITES name."""
    slipway("run", "--name", "r", "--wait", "--", "true")
    (slipway.cwd / "files").mkdir()
    (slipway.cwd / "files/model.bin").write_bytes(bytes(range(256)))
    slipway.script("table.csv", "x,label\n" + "1,a\n2,b\n" * 20)
    slipway("model", "register", "toy", "--path", "files")
    settled(slipway)
    return slipway


class Lock:
    """Another process that holds the store's write lock."""

    def __init__(self, slipway):
        self.db = sqlite3.connect(slipway.store / "slipway.db", isolation_level=None)

    def __enter__(self):
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self.db.execute("ROLLBACK")
        self.db.close()


@pytest.mark.parametrize("name", [name for name in WRITES if name != "stop"])
def test_a_store_that_stays_locked(used, name):
    (used.cwd / "files/notes.txt").write_text("another version\n")
    if name == "push":
        used("model", "approve", "toy/1", "--policy", "lenient.yaml")
    with Lock(used):
        for args in READS:
            used(*args)  # readers do not wait for a writer
        refused(used, *WRITES[name], code=11, said="locked", word="locked", env={"SLIPWAY_BUSY_MS": "100"})
        assert not (used.cwd / "out").exists()
    healthy(used)
    used(*WRITES[name])


def test_what_waits_for_a_lock_goes_on_when_it_is_free(used):
    with Lock(used):
        waiting = [used.start("run", "--name", f"late{n}", "--", "true") for n in range(3)]
        used.wait_for(lambda: all(is_asleep(process.pid) for process in waiting), "all three to wait")
    assert [process.wait(timeout=60) for process in waiting] == [0, 0, 0]
    for process in waiting:
        process.communicate()
    assert sorted(job["state"] for job in healthy(used)) == ["done"] * 4


def is_asleep(pid):
    with open(f"/proc/{pid}/syscall") as call:
        return call.read().split()[0] in ("35", "230")  # nanosleep, clock_nanosleep


def test_a_job_whose_store_is_locked_while_it_runs(used):
    gate = used.cwd / "gate"
    used("run", "--name", "busy", "--", "sh", "-c", "echo '{\"metrics\": {\"loss\": 1}}' >&$SLIPWAY_METRICS_FD; "
         f"while [ ! -e {gate} ]; do sleep 0.05; done; echo '{{\"metrics\": {{\"loss\": 2}}}}' >&$SLIPWAY_METRICS_FD",
         env={"SLIPWAY_BUSY_MS": "50"})
    used.wait_job(2, "running")
    with Lock(used):
        gate.touch()
        log = used.store / "jobs" / "2"
        used.wait_for(lambda: any("locked" in path.read_text(errors="replace") for path in log.rglob("*")
                                  if path.is_file()), "the supervisor to meet the lock")
    assert used.wait_job(2, "done")
    assert used("show", "busy", "--json").json["metrics"]["loss"]["count"] == 2
    healthy(used)


def set_version(slipway, version):
    with closing(sqlite3.connect(slipway.store / "slipway.db", isolation_level=None)) as db:
        before = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version}")
    return before


def test_a_store_of_a_newer_program(used):
    version = set_version(used, 999)
    before = (used.store / "slipway.db").read_bytes()
    for args in [*READS, *WRITES.values()]:
        refused(used, *args, code=12, said=[str(used.store), "newer"], word="newer")
    assert (used.store / "slipway.db").read_bytes() == before
    assert used("doctor", code=1).out.count("newer") >= 1
    set_version(used, version)
    healthy(used)


def no_database(path):
    path.write_bytes(b"this is no database" * 300)


def empty_folder_in_place(path):
    path.unlink()
    path.mkdir()


def cut_in_half(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def of_another_program(path):
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t(x)")


@pytest.mark.parametrize("damage, word", [(no_database, "corrupt"), (cut_in_half, "corrupt"),
                                          (of_another_program, None), (empty_folder_in_place, None)])
def test_a_store_that_is_damaged_or_none(used, damage, word):
    for name in ("slipway.db-wal", "slipway.db-shm"):
        (used.store / name).unlink(missing_ok=True)
    damage(used.store / "slipway.db")
    for args in (["runs"], ["run", "--", "true"], ["model", "register", "m", "--path", "files"]):
        refused(used, *args, code=1, said=str(used.store), word=word)
    checks = used("doctor", "--json", code=1).json["items"]
    bad = next(check for check in checks if check["name"] == "store")
    assert bad["outcome"] == "fail" and bad["fix"]


def test_pages_that_were_overwritten_are_found(used):
    path = used.store / "slipway.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'run'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    with open(path, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xa5" * size)
    refused(used, "runs", code=1, said=str(used.store), word="corrupt")
    checks = used("doctor", "--deep", "--json", code=1).json["items"]
    assert [check["name"] for check in checks if check["outcome"] == "fail"] == ["store"]


def test_an_audit_row_that_was_changed_is_found(used):
    used("model", "approve", "toy/1", "--policy", "lenient.yaml")
    with closing(sqlite3.connect(used.store / "slipway.db", isolation_level=None)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'").fetchall():
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute("UPDATE audit SET action = 'revoke' WHERE action = 'approve'")
    result = used("audit", "verify", code=1)
    assert "hint: " in result.err and used("--json", "audit", "verify", code=1).error["code"] == "corrupt"


@pytest.mark.parametrize("place", ["a file", "below a file", "/proc/slipway"])
def test_a_place_where_no_store_can_be(slipway, place):
    slipway.script("a file", "x")
    refused(slipway, "--store", place if place[0] == "/" else slipway.cwd / place.replace("below a file", "a file/store"),
            "run", "--", "true", code=1)


def as_nobody(slipway):
    """The command line of somebody without root's rights, None where that cannot be had."""
    if os.geteuid() != 0:
        return []
    for folder in [slipway.folder, *slipway.folder.parents]:
        if folder != folder.parent and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def test_a_home_that_cannot_be_written(slipway):
    slipway.home.chmod(0o555)
    slipway.cwd.chmod(0o755)
    env = {**slipway.env, "SLIPWAY_STORE": ""}
    call = lambda *args: subprocess.run([*as_nobody(slipway), slipway.program, *args], cwd="/", env=env,
                                        capture_output=True, text=True)
    probe = call("--version")
    if probe.returncode != 0:
        pytest.skip(f"the program cannot be run as another user here: {probe.stderr}")
    for args in (["run", "--", "true"], ["data", "add", "/usr/share"], ["config", "set", "experiment", "x"]):
        done = call(*args)
        assert done.returncode == 1 and "hint: " in done.stderr and done.stdout == "", done
    assert "Permission denied" in call("run", "--", "true").stderr
    assert call("runs").returncode == 10
    assert list(slipway.home.rglob("*")) == []


def test_no_home_at_all(slipway):
    del slipway.env["HOME"], slipway.env["SLIPWAY_STORE"]
    refused(slipway, "runs", code=1, said="HOME")
    refused(slipway, "run", "--", "true", code=1, said="HOME")
    slipway("--store", slipway.folder / "elsewhere", "run", "--wait", "--", "true")
    slipway("--version")
    slipway("help")
    assert "HOME" in slipway("doctor", code=1).out


@pytest.mark.parametrize("term", ["", "no-such-terminal", "dumb"])
def test_a_terminal_that_is_not_known(used, term):
    """Commands work anywhere; the screens open or say in words why they cannot, and the terminal stays as it was."""
    used("runs", env={"TERM": term})
    master, slave = pty.openpty()
    process = subprocess.Popen([used.program], stdin=slave, stdout=slave, stderr=slave, env=used.env | {"TERM": term},
                               cwd=used.cwd, start_new_session=True)
    os.close(slave)
    text = b""
    while select.select([master], [], [], 60)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other side is gone
            break
        text += piece
        if b"\x1b[" in text and process.poll() is None:
            os.write(master, b"q")
        if not piece:
            break
    code = process.wait(timeout=60)
    os.close(master)
    assert code in (0, 1), text
    assert code == 0 or (b"terminal" in text and b"hint" in text), text


@pytest.mark.parametrize("args", [["runs"], ["runs", "--json"], ["jobs"], ["help"], ["audit"], ["export", "r"],
                                  ["data", "head", "table.csv", "-n", "1000"]])
def test_a_pipe_that_closes_early(used, args):
    used.script("table.csv", "x,label\n" + "1,a\n" * 5000)
    text = subprocess.run(["bash", "-c", '"$0" "$@" | head -n 1 > /dev/null; echo "${PIPESTATUS[0]}"', used.program, *args],
                          cwd=used.cwd, env=used.env, capture_output=True, text=True)
    assert (text.stdout, text.stderr) == ("0\n", "")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([used.program, *args], cwd=used.cwd, env=used.env, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
