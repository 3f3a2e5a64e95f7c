# SPDX-License-Identifier: Apache-2.0
"""Every failure point of the program, at every pass of the commands that reach it: killed, and on a full disk. After
each, the store is healthy, no job is stale and nothing is half done; the same command then finishes the work. A point in
the sources without a row here fails."""
import re
from dataclasses import dataclass

import pytest
from conftest import make_digits
from fault_tools import healthy, push_points, settled, source_points
from test_serve_faults import POINTS as SERVER_POINTS

QUICK = ["sh", "-c", "echo '{\"metrics\": {\"loss\": 1}}' >&$SLIPWAY_METRICS_FD; echo quick"]


@dataclass
class Deed:
    """Something that a user does, and how one sees that it was done: once and whole."""
    args: list
    is_done: callable
    job: str = ""  # name of the job it starts


def new_toy(slipway, n):
    folder = slipway.folder / "toy"
    folder.mkdir(exist_ok=True)
    (folder / "model.bin").write_bytes(bytes(range(256)))
    (folder / "notes.txt").write_text(f"version {n}\n")
    return ["model", "register", "toy", "--path", folder]


def registered(slipway, n):
    return slipway(*new_toy(slipway, n)).out.split("\t")[0]


def approved(slipway, n):
    spec = registered(slipway, n)
    slipway("model", "approve", spec, "--policy", slipway.cwd / "lenient.yaml")
    return spec


def items(slipway, *args):
    result = slipway(*args, "--json", code=None)
    return result.json["items"] if result.code == 0 else []


def add_data(slipway, n):
    slipway.store = slipway.folder / f"store{n}"  # making the store is part of it
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)
    folder = make_digits(slipway.folder / "data" / f"set{n}", rows=20, test_rows=5, seed=n)
    return Deed(["data", "add", folder], lambda: len(items(slipway, "data", "ls")) == 1)


def run_job(slipway, n):
    slipway.store = slipway.folder / f"store{n}"
    slipway.env["SLIPWAY_STORE"] = str(slipway.store)

    def is_done():
        runs = [run for run in items(slipway, "runs") if run["name"] == f"job{n}" and run["status"] == "FINISHED"]
        return len(runs) == 1 and slipway("show", f"job{n}", "--json").json["metrics"]["loss"]["last"] == 1
    return Deed(["run", "--name", f"job{n}", "--", *QUICK], is_done, job=f"job{n}")


def run_job_with_files(slipway, n):
    deed = run_job(slipway, n)
    lines = "echo '{\"metrics\": {\"loss\": 1}}' >> m.jsonl"
    return Deed(["run", "--name", f"job{n}", "--metrics-file", "m.jsonl", "--", "sh", "-c", lines], deed.is_done, deed.job)


def train_net(slipway, n):
    digits = slipway.folder / "digits"
    if not digits.exists():
        make_digits(digits, rows=60, test_rows=10)
    options = ["--data", digits, "--epochs", 2, "--batch", 20, "--name", f"job{n}"]

    def is_done():
        run = slipway("show", f"job{n}", "--json", code=None)
        return run.code == 0 and run.json["status"] == "FINISHED"
    return Deed(["train", "mlp:4", *options], is_done, job=f"job{n}")


def register(slipway, n):
    before = len(items(slipway, "model", "ls"))

    def is_done():
        versions = items(slipway, "model", "ls", "toy") if items(slipway, "model", "ls") else []
        return len(versions) == n and slipway("model", "verify", f"toy/{n}").code == 0
    return Deed(new_toy(slipway, n), is_done)


def approve(slipway, n):
    spec = registered(slipway, n)

    def is_done():
        return len(slipway("model", "show", spec, "--json").json["approvals"]) == 1
    return Deed(["model", "approve", spec, "--policy", slipway.cwd / "lenient.yaml"], is_done)


def revoke(slipway, n):
    spec = approved(slipway, n)

    def is_done():
        return not slipway("model", "show", spec, "--json").json["is_approved"]
    return Deed(["model", "revoke", spec, "--reason", "a fault", "--yes"], is_done)


def push_to(address):
    def push(slipway, n):
        spec = approved(slipway, n)

        def is_done():
            last = items(slipway, "status", "--verify")
            return bool(last) and (last[0]["version"], last[0]["verified"]) == (n, "ok")
        return Deed(["push", spec, "--to", f"bundle:{slipway.folder}/{address}"], is_done)
    return push


def configure(slipway, n):
    return Deed(["config", "set", "experiment", f"e{n}"],
                lambda: slipway("config", "get", "experiment").out == f"e{n}\n")


def add_target(slipway, n):
    return Deed(["target", "add", f"t{n}", f"bundle:{slipway.folder}/t{n}"],
                lambda: [t["name"] for t in items(slipway, "target", "ls")].count(f"t{n}") == 1)


DEEDS = {
    "add data": (add_data, ["store.migrate", "store.commit", "data.spool"]),
    "run": (run_job, ["store.migrate", "store.commit", "job.submit", "job.start", "job.spawn", "job.intake", "job.serve", "job.finish",
                      "metric.write", "file.write", "file.rename"]),
    "run with files": (run_job_with_files, ["job.harvest"]),
    "train": (train_net, ["train.step", "checkpoint.write", "checkpoint.done", "checkpoint.rename", "model.write"]),
    "register": (register, ["store.commit", "audit.append", "model.copy", "model.register.copied",
                            "model.register.commit"]),
    "approve": (approve, ["store.commit", "audit.append", "approval.before", "approval.commit"]),
    "revoke": (revoke, ["store.commit", "audit.append"]),
    "push to a folder": (push_to("out"), ["store.commit", "audit.append", "model.copy", "file.write", "file.rename",
                                          *push_points()]),
    "push to a tar": (push_to("out.tar"), ["tar.write"]),  # and its arrows in test_push.py
    "configure": (configure, ["file.write", "file.rename"]),
    "add target": (add_target, ["store.commit"]),
}
CASES = [(deed, point) for deed, (_, points) in DEEDS.items() for point in points]
PASSES_MAX = 8  # of one point in one command; what comes after them is more of the same


def test_every_point_of_the_sources_has_a_row():
    assert {point for _, point in CASES} | set(SERVER_POINTS) == source_points()


def act(slipway, deed, point, action):
    """Does the deed with a failure at the point; gives None when the point was not reached."""
    log = slipway.folder / "reached"
    log.unlink(missing_ok=True)
    result = slipway(*deed.args, code=None, env={"SLIPWAY_FAILPOINT": f"{point}={action}", "SLIPWAY_FAILPOINT_LOG": str(log)})
    if deed.job:
        settled(slipway)
    return result if log.exists() else None


def job_of(deed, jobs):
    return next((job for job in jobs if deed.job and job["name"] == deed.job), None)


def again(slipway, deed, job):
    """The user's next step: the same command, or what the job that is there asks for."""
    if job is None:
        slipway(*deed.args)
    elif job["state"] != "done":
        assert job["state"] in ("lost", "failed") and job["reason"], job
        assert job["state"] == "failed" or f"slipway retry {job['job_id']}" in job["reason"], job
        slipway("retry", job["job_id"])
    if deed.job:
        settled(slipway)
    assert deed.is_done(), deed.args


def sweep(slipway, name, point, action):
    """Yields each pass that was made to fail, with what the command answered."""
    make = DEEDS[name][0]
    for n in range(1, PASSES_MAX + 1):
        deed = make(slipway, n)
        result = act(slipway, deed, f"{point}:{n}", action)
        if result is None:
            assert n > 1, f"'{name}' does not reach {point}"
            assert deed.is_done()
            return
        yield deed, result


@pytest.mark.parametrize("name, point", CASES)
def test_killed(slipway, lenient, name, point):
    for deed, _ in sweep(slipway, name, point, "kill"):
        again(slipway, deed, job_of(deed, healthy(slipway)))


@pytest.mark.parametrize("name, point", CASES)
def test_on_a_full_disk(slipway, lenient, name, point):
    for deed, result in sweep(slipway, name, point, "enospc"):
        job = job_of(deed, healthy(slipway))
        if result.code != 0:
            assert result.code == 1 and re.search("No space left|cannot grow", result.err), result
            assert "\nhint: " in result.err and not deed.is_done(), result
        elif not deed.is_done():  # the supervisor or the trainer met it
            assert job["state"] == "failed" and job["reason"], job
        again(slipway, deed, job)
