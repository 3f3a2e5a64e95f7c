# SPDX-License-Identifier: Apache-2.0
"""Jobs through the real program, with supervisors, submitters and trainers killed where it hurts. Whatever died, the
next command sees it, no process of the job is left, and the same job can be finished."""
import hashlib
import os
import signal
from pathlib import Path

import onnx
import pytest
from fault_tools import healthy, processes_of

QUICK = ["sh", "-c", "echo '{\"metrics\": {\"loss\": 1}}' >&3; echo quick"]
ONCE = ["sh", "-c", "echo '{\"metrics\": {\"loss\": 1}}' >&3; [ $SLIPWAY_ATTEMPT -gt 1 ] || exec sleep 600"]


def ended(slipway, job_id, *states):
    job = slipway.wait_job(job_id, *states)
    slipway.wait_for(lambda: not processes_of(slipway), "the job's processes to be gone")
    return job


@pytest.mark.parametrize("point, command, state", [
    ("job.start", QUICK, "lost"),
    ("job.spawn", QUICK, "lost"),
    ("job.spawn:2", ONCE, "lost"),
    ("job.intake", ONCE, "lost"),
    ("job.finish", QUICK, "done"),  # its result had been written down
])
def test_a_supervisor_killed_at(slipway, point, command, state):
    slipway("run", "--ranks", 2, "--", *command, env={"SLIPWAY_FAILPOINT": f"{point}=kill"})
    job = ended(slipway, 1, state)
    if state == "lost":
        assert "slipway retry 1" in job["reason"]
        assert slipway("show", job["run_id"], "--json").json["status"] == "FAILED"
        slipway("retry", 1)
        job = ended(slipway, 1, "done")
        assert job["attempt"] == 2
    assert slipway("show", job["run_id"], "--json").json["status"] == "FINISHED"


def test_a_submitter_killed_before_its_supervisor_started(slipway):
    slipway("run", "--wait", "--", "true")
    done = slipway("run", "--", *QUICK, env={"SLIPWAY_FAILPOINT": "job.submit=kill"}, code=None)
    assert done.code == -signal.SIGKILL
    ended(slipway, 2, "done")  # `slipway jobs`, which this waits with, gave it a supervisor


def test_a_supervisor_killed_by_hand_leaves_nothing(slipway):
    # What it leaves behind double-forks, has a session of its own and ignores SIGTERM.
    stray = "import os, signal, time\nif os.fork() == 0:\n os.setsid()\n if os.fork() == 0:\n" \
            "  signal.signal(signal.SIGTERM, signal.SIG_IGN)\n  print('out', flush=True)\n  time.sleep(600)\n os._exit(0)\n" \
            "time.sleep(600)"
    slipway("run", "--ranks", 2, "--grace", "1s", "--", "python3", slipway.script("stray.py", stray))
    slipway.wait_for(lambda: slipway("logs", 1, code=None).out.count("out") == 2, "both strays")
    assert len(processes_of(slipway)) >= 4
    os.kill(slipway.job(1)["supervisor_pid"], signal.SIGKILL)
    ended(slipway, 1, "lost")
    slipway("retry", 1)
    slipway.wait_for(lambda: slipway("logs", 1).out.count("out") == 4, "both strays again")
    slipway("stop", 1)
    ended(slipway, 1, "stopped")


def test_a_machine_that_restarts_keeps_its_queue(slipway):
    env = {"SLIPWAY_CPU_SLOTS": "1"}
    slipway("run", "--", "sleep", "600", env=env)
    slipway.wait_job(1, "running")
    slipway("run", "--after", "1", "--", "true", env=env)
    slipway("run", "--", *QUICK, env=env)
    pids = [slipway.job(n)["supervisor_pid"] for n in (1, 2, 3)]
    for pid in pids:  # as at a shutdown that allows no time
        os.kill(pid, signal.SIGKILL)
    ended(slipway, 1, "lost")
    assert "job 1" in slipway.wait_job(2, "stopped")["reason"]  # never done, so what was to follow does not start
    assert slipway.wait_job(3, "done")["supervisor_pid"] not in pids


def weights_of(slipway, job_id):
    """What a training ended with: the exported numbers, and the files of its last checkpoint that hold numbers."""
    run = slipway("show", slipway.job(job_id)["run_id"], "--json").json
    model = slipway.store / "artifacts" / str(run["experiment_id"]) / run["run_id"] / "artifacts/model/model.onnx"
    found = {t.name: hashlib.sha256(t.SerializeToString()).hexdigest() for t in onnx.load(model).graph.initializer}
    newest = max((slipway.store / "jobs" / str(job_id)).rglob("step-*"), key=lambda path: int(path.name[5:]))
    files = [path for path in newest.iterdir() if path.name not in ("DONE", "state.json")]
    assert found and files
    return newest.name, found | {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("point", ["train.step:30", "checkpoint.write:8", "checkpoint.done:2", "checkpoint.rename:2",
                                   "model.write:2"])
def test_a_training_killed_on_the_way_ends_with_the_same_weights(slipway, digits, point, ranks):
    options = ["mlp:16", "--data", digits, "--epochs", 6, "--batch", 20, "--seed", 7, "--ranks", ranks, "--wait"]
    slipway("train", *options, "--name", "whole")
    failed = slipway("train", *options, "--name", "broken", env={"SLIPWAY_FAILPOINT": f"{point}=kill"}, code=1)
    assert "SIGKILL" in failed.err
    slipway("retry", 2)
    ended(slipway, 2, "done")
    assert weights_of(slipway, 1) == weights_of(slipway, 2)
    whole, broken = (slipway("show", name, "--json").json["metrics"] for name in ("whole", "broken"))
    for key in whole:
        if "loss" in key or "accuracy" in key:
            assert broken[key]["last"] == whole[key]["last"], key
    healthy(slipway)


# Leaves a process that has forked twice, has a session of its own, an empty environment and no ear for signals, and
# holds the rank's output open.
STRAY = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for signo in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signo, signal.SIG_IGN)
        with open("stray.part", "w") as out:
            out.write(str(os.getpid()))
        os.rename("stray.part", "stray")
        os.execve("/bin/sleep", ["sleep", "600"], {})
    os._exit(0)
while not os.path.exists("stray"):
    time.sleep(0.01)
if sys.argv[1] == "stay":
    time.sleep(600)
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("how, options, state", [("0", [], "done"), ("3", [], "failed"), ("stay", [], "stopped"),
                                                 ("stay", ["--time-limit", "1s"], "stopped")])
def test_no_process_outlives_its_job(slipway, how, options, state):
    script = slipway.script("stray.py", STRAY)
    slipway("run", "--grace", "300ms", *options, "--", "python3", script, how)
    stray = int(slipway.wait_for(lambda: (slipway.cwd / "stray").exists() and (slipway.cwd / "stray").read_text(), "it"))
    if state == "stopped" and not options:
        slipway("stop", 1, "--wait")
    ended(slipway, 1, state)
    assert not Path(f"/proc/{stray}").exists()
    assert [job["state"] for job in healthy(slipway)] == [state]


def test_a_disk_that_fills_up_delays_metrics_and_loses_none(slipway):
    slipway("run", "--wait", "--", "sh", "-c",
            "for i in 1 2 3; do echo '{\"metrics\": {\"loss\": '$i'}}' >&3; sleep 0.4; done",
            env={"SLIPWAY_FAILPOINT": "job.intake=enospc"})
    run = slipway("runs", "--json").json["items"][0]
    loss = slipway("show", run["run_id"], "--json").json["metrics"]["loss"]
    assert (loss["count"], loss["last"]) == (3, 3)


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_disk_that_fills_up_between_attempts_delays_the_next(slipway, nth):
    # The files that a supervisor writes; the third is the count of attempts, on the way to the next one.
    again = slipway.script("again.py", "import os, sys\nsys.exit(0 if os.environ['SLIPWAY_ATTEMPT'] == '2' else 75)\n")
    slipway("run", "--wait", "--", "true")
    slipway("run", "--", "python3", again, env={"SLIPWAY_FAILPOINT": f"file.write:{nth}=enospc"}, code=None)
    for job in slipway("jobs", "--json").json["items"][:-1]:  # nth 1 and 2 end the submission
        assert ended(slipway, job["job_id"], "done", "failed", "lost")["state"] == "done"
        assert slipway.job(job["job_id"])["attempt"] == 2
    healthy(slipway)
