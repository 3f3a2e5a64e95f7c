# SPDX-License-Identifier: Apache-2.0
"""Jobs and runs through the command line: launching, following, stopping, tracking, comparing."""
import json
import os
import signal
import time

import pytest

TRAINER = """
import json, os, sys
fd = int(os.environ["SLIPWAY_METRICS_FD"])
def send(document): os.write(fd, (json.dumps(document) + "\\n").encode())
lr, steps = float(sys.argv[1]), int(sys.argv[2])
send({"params": {"lr": str(lr)}, "tags": {"kind": "test"}})
for step in range(steps):
    send({"step": step, "metrics": {"loss": lr / (step + 1), "accuracy": 1 - lr / (step + 1)}})
send({"step": steps, "metrics": {"odd": "NaN"}})
print("trained with", lr)
with open(os.path.join(os.environ["SLIPWAY_ARTIFACT_DIR"], "weights.txt"), "w") as out: out.write(str(lr))
"""


def train(slipway, name, lr=0.1, steps=100):
    script = slipway.script("train.py", TRAINER)
    slipway("run", "--name", name, "--wait", "--", "python3", script, lr, steps)


def test_a_python_script_is_tracked(slipway):
    train(slipway, "first")
    run = slipway("show", "first", "--json").json
    assert run["kind"] == "Run" and run["status"] == "FINISHED"
    assert run["params"] == {"lr": "0.1"} and run["tags"]["kind"] == "test"
    loss = run["metrics"]["loss"]
    assert loss["count"] == 100 and loss["last_step"] == 99 and loss["min"] == pytest.approx(0.001)
    assert run["metrics"]["odd"]["last"] == "NaN" and run["metrics"]["odd"]["min"] is None
    assert "trained with 0.1" in slipway("logs", run["job_id"]).out
    weights = slipway.store / "artifacts" / str(run["experiment_id"]) / run["run_id"] / "artifacts" / "weights.txt"
    assert weights.read_text() == "0.1"
    points = slipway("export", "first", "-m", "loss").lines
    assert len(points) == 101 and points[0].split("\t") == ["run_id", "key", "step", "time_ms", "value"]
    assert json.loads(slipway("export", "first", "--json").lines[0])["event"] == "point"


def test_run_prints_id_name_and_run(slipway):
    result = slipway("run", "--name", "n", "--", "true")
    job_id, name, run_id = result.out.rstrip("\n").split("\t")
    assert (job_id, name, len(run_id)) == ("1", "n", 32)
    assert "slipway logs 1 -f" in result.err
    slipway.wait_job(1, "done")
    assert slipway("run", "--json", "--", "true").json["kind"] == "Job"
    assert slipway("run", "--quiet", "--", "true").err == ""
    assert [run["name"] for run in slipway("runs", "--json").json["items"]] == ["true", "true", "n"]  # as the jobs


def test_the_outcome_of_a_waited_job_is_the_exit_code(slipway):
    result = slipway("run", "--name", "bad", "--wait", "--", "sh", "-c", "echo out of cheese >&2; exit 3", code=1)
    assert "exited with 3" in result.err and "out of cheese" in result.err
    job = slipway.job(1)
    assert (job["state"], job["exit_code"], job["failed_rank"]) == ("failed", 3, 0)
    result = slipway("run", "--wait", "--", "sh", "-c", "kill -SEGV $$", code=1)
    assert "SIGSEGV" in result.err or "signal 11" in result.err
    assert slipway.job(2)["signo"] == signal.SIGSEGV
    assert "diverged" in slipway("run", "--wait", "--", "sh", "-c", "exit 86", code=1).err


def test_events_of_a_waited_job_are_json_lines(slipway):
    lines = slipway("--json", "run", "--wait", "--", "true").lines
    events = [json.loads(line) for line in lines]
    assert all("event" in e and "time_ms" in e for e in events)
    assert events[-1]["event"] == "end" and events[-1]["state"] == "done"


@pytest.mark.parametrize("args, said", [
    (["run", "--wait", "--", "/no/such/program"], "/no/such/program"),
    (["run", "--cwd", "/no/such/folder", "--", "true"], "/no/such/folder"),
    (["run", "--after", "77", "--", "true"], "77"),
    (["run", "--gpus", "9", "--", "true"], "GPU"),
    (["run", "--data", "unknown", "--", "true"], "unknown"),
])
def test_what_cannot_run_is_refused_at_once(slipway, args, said):
    slipway("run", "--wait", "--", "true")
    result = slipway(*args, code=1)
    assert said in result.err
    assert len(slipway("jobs", "--json").json["items"]) == 1


@pytest.mark.parametrize("args", [["--env", "X"], ["--tag", "=v"], ["--param", "novalue"], ["--ranks", "0"],
                                  ["--time-limit", "soon"], ["--unknown", "1"]])
def test_bad_options_of_run(slipway, args):
    slipway("run", *args, "--", "true", code=2)


def test_options_reach_the_job(slipway):
    slipway("run", "--env", "GREETING=hello there", "--tag", "team=a=b", "--param", "depth=3", "--ranks", 2, "--wait", "--",
            "sh", "-c", 'echo "$GREETING from $RANK of $WORLD_SIZE"')
    text = slipway("logs", 1).out
    assert "[r0] hello there from 0 of 2" in text and "[r1] hello there from 1 of 2" in text
    only = slipway("logs", 1, "--rank", 1).out
    assert "from 1 of 2" in only and "from 0 of 2" not in only
    assert "no rank 2" in slipway("logs", 1, "--rank", 2, code=2).err
    run = slipway("runs", "--json").json["items"][0]
    assert run["tags"]["team"] == "a=b" and run["params"]["depth"] == "3"


def test_following_a_log_ends_with_the_job(slipway):
    gate = slipway.cwd / "gate"
    slipway("run", "--", "sh", "-c", f"echo begun; while [ ! -e {gate} ]; do sleep 0.05; done; echo ended")
    follower = slipway.start("logs", "1", "-f")
    lines = []
    while not lines or "begun" not in lines[-1]:
        lines.append(follower.stdout.readline())
    gate.touch()
    out, err = follower.communicate(timeout=60)
    assert "ended" in out and follower.returncode == 0, err


def test_interrupting_a_wait_leaves_the_job_alone(slipway):
    slipway("run", "--", "sleep", "600")
    slipway.wait_job(1, "running")
    waiting = slipway.start("logs", "1", "-f")
    slipway.wait_for(lambda: (os.stat(f"/proc/{waiting.pid}").st_uid, handles(waiting.pid, signal.SIGINT))[1], "the handler")
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 130 and "goes on" in err
    assert slipway.job(1)["state"] == "running"
    assert slipway("stop", 1, "--wait").out == "1\tstopped\n"
    assert "ended" in slipway("stop", 1, code=7).err


def handles(pid, signo):
    with open(f"/proc/{pid}/status") as status:
        caught = next(line for line in status if line.startswith("SigCgt:")).split()[1]
    return int(caught, 16) >> (signo - 1) & 1


def test_several_jobs_are_stopped_together(slipway):
    for _ in range(3):
        slipway("run", "--grace", "2s", "--", "sleep", "600", env={"SLIPWAY_CPU_SLOTS": "2"})
    slipway.wait_job(2, "running")
    stopped = slipway("stop", 1, 2, 3, "--wait", "--json").json
    assert stopped["kind"] == "JobList" and [j["state"] for j in stopped["items"]] == ["stopped"] * 3
    slipway("stop", 1, 99, code=1)


def test_stop_ends_processes_that_hide(slipway):
    slipway("run", "--grace", "300ms", "--name", "stubborn", "--", "sh", "-c",
            "trap '' TERM; setsid sh -c \"trap '' TERM; echo $$ > hidden; sleep 600\" & echo $$ > shown; sleep 600")
    pids = slipway.wait_for(lambda: [(slipway.cwd / n).read_text() for n in ("hidden", "shown")
                                     if (slipway.cwd / n).exists() and (slipway.cwd / n).read_text()], "pids")
    slipway("stop", "stubborn", "--wait")
    for pid in pids:
        assert not os.path.exists(f"/proc/{pid.strip()}")


def test_a_supervisor_killed_is_noticed(slipway):
    slipway("run", "--name", "orphan", "--", "sh", "-c", "echo $$ > pid; sleep 600")
    job = slipway.wait_job(1, "running")
    pid = slipway.wait_for(lambda: (slipway.cwd / "pid").exists() and (slipway.cwd / "pid").read_text().strip(), "pid")
    os.kill(job["supervisor_pid"], signal.SIGKILL)
    slipway.wait_job(1, "lost")
    slipway.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "its process to end")
    assert slipway("runs", "--json").json["items"][0]["status"] == "FAILED"
    (slipway.cwd / "pid").unlink()
    slipway("retry", 1)
    assert slipway.wait_job(1, "running")["attempt"] == 2


def test_queue_waits_for_slots_in_words(slipway):
    slots = {"SLIPWAY_CPU_SLOTS": "1"}
    slipway("run", "--name", "holder", "--", "sleep", "600", env=slots)
    slipway.wait_job(1, "running")
    slipway("run", "--name", "waiter", "--", "true", env=slots)
    waiting = slipway.wait_for(lambda: (j := slipway.job(2))["reason"] and j, "a reason")
    assert waiting["state"] == "queued" and "slot" in waiting["reason"]
    slipway("stop", 1)
    slipway.wait_job(2, "done")


def test_retry_and_time_limit(slipway):
    slipway("run", "--retries", 2, "--wait", "--", "sh", "-c", 'n=$(cat "$SLIPWAY_JOB_DIR/n" 2>/dev/null || echo 0); '
            'echo $((n + 1)) > "$SLIPWAY_JOB_DIR/n"; [ "$n" = 2 ]')
    assert slipway.job(1)["attempt"] == 3
    result = slipway("run", "--time-limit", "1s", "--grace", "1s", "--wait", "--", "sleep", "600", code=1)
    assert "time" in result.err
    assert "done" in slipway("retry", 1, code=1).err


def test_metrics_from_output(slipway):
    slipway("run", "--name", "old", "--pattern", "loss=loss: ([0-9.]+)", "--wait", "--", "sh", "-c",
            "for i in 1 2 3; do echo step $i loss: 0.$i; done")
    run = slipway("show", "old", "--json").json
    assert run["metrics"]["loss"]["count"] == 3 and run["metrics"]["loss"]["last"] == pytest.approx(0.3)


def test_find_order_and_choose_columns(slipway):
    for name, lr in (("a", 0.1), ("b", 0.2), ("c", 0.4)):
        train(slipway, name, lr, steps=10)
    names = lambda *args: [r["name"] for r in slipway("runs", *args, "--json").json["items"]]
    assert names() == ["c", "b", "a"]
    assert names("metrics.loss < 0.03 OR params.lr = '0.1'", "--order-by", "metrics.loss ASC") == ["a", "b"]
    assert names("NOT (name = 'b')", "--limit", 1) == ["c"]
    table = slipway("runs", "--columns", "name,metrics.loss:max,params.lr", "--order-by", "metrics.loss DESC").lines
    assert table[0].split() == ["NAME", "loss:max", "lr"] and table[1].split() == ["c", "0.4", "0.4"]
    for bad, said in (("metrics.loss <", "expected"), ("nonsense = 1", "nonsense"), ("(metrics.a = 1", ")")):
        assert said in slipway("runs", bad, code=1).err
    assert "did you mean 'status'?" in slipway("runs", "--columns", "statsu", code=2).err


def test_names_prefixes_and_ambiguity(slipway):
    train(slipway, "twin", steps=1)
    train(slipway, "twin", steps=1)
    result = slipway("show", "twin", code=1)
    assert "hint" in result.err and slipway("--json", "show", "twin", code=1).error["code"] == "ambiguous"
    run_id = slipway("runs", "--json").json["items"][0]["run_id"]
    assert slipway("show", run_id[:8], "--json").json["run_id"] == run_id
    assert slipway("--json", "show", "nosuch", code=1).error["code"] == "not_found"
    result = slipway("stop", "twin", code=1)
    assert "1" in result.err and "2" in result.err


def test_notes_tags_and_removal(slipway):
    train(slipway, "a", steps=1)
    slipway("note", "a", "two\nlines")
    assert slipway("note", "a").out == "two\nlines\n"
    slipway("tag", "a", "stage=candidate", "odd=x=y")
    assert slipway("show", "a", "--json").json["tags"]["odd"] == "x=y"
    slipway("tag", "a", "stage=")
    assert "stage" not in slipway("show", "a", "--json").json["tags"]
    slipway("tag", "a", "good=1", "bad", code=2)
    assert "good" not in slipway("show", "a", "--json").json["tags"]
    slipway("rm", "a", "nosuch", code=1)
    assert slipway("runs", "--json").json["items"]
    assert "restore" in slipway("rm", "a").err
    assert slipway("runs", "--json").json["items"] == []
    assert len(slipway("runs", "--deleted", "--json").json["items"]) == 1
    run_id = slipway("runs", "--deleted", "--json").json["items"][0]["run_id"]
    slipway("restore", run_id)
    assert slipway("runs", "--json").json["items"][0]["name"] == "a"


def test_compare(slipway):
    train(slipway, "slow", 0.1)
    train(slipway, "fast", 0.5)
    document = slipway("compare", "slow", "fast", "--metric", "loss", "--json").json
    assert [r["name"] for r in document["runs"]] == ["slow", "fast"]
    rows = {(r["kind"], r["key"]): r for r in document["rows"]}
    assert rows["param", "lr"]["values"] == ["0.1", "0.5"] and rows["param", "lr"]["differs"]
    assert len(document["series"]) == 2 and document["series"][0]["buckets"]
    text = slipway("compare", "slow", "fast", "--metric", "loss").out
    assert "slow" in text and "▲" in text and "⠉" in text
    plain = slipway("compare", "slow", "fast", "--metric", "loss", env={"LC_ALL": "C"}).out
    assert plain.isascii() and " max" in plain
    assert "none of these runs" in slipway("compare", "slow", "fast", "--metric", "nosuch", code=1).err
    assert len(slipway("compare", "slow", "fast", "--all", "--json").json["rows"]) >= len(document["rows"])


def test_hostile_output_is_made_safe(slipway):
    slipway("run", "--name", "evil", "--wait", "--", "printf", "\\033]0;owned\\007\\033[2Jtext\\xff\\n")
    text = slipway("logs", 1).out
    assert "\x1b" not in text and "\x07" not in text and "text" in text
    assert "\\u001b" in slipway("logs", 1, "--json").out or "\x1b" not in slipway("logs", 1, "--json").out
