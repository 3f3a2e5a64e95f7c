# SPDX-License-Identifier: Apache-2.0
"""What jobs write into files while they run: event files of a real SummaryWriter, JSON Lines on stdout and in a file."""
import json
import os
import sys

import pytest

WRITER = """
import os, sys, time
import numpy as np
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter(sys.argv[1]) if sys.argv[1] else SummaryWriter()
for step in range(50):
    writer.add_scalar("Loss/train", float(os.environ.get("FIRST", 1)) / (step + 1), step)
writer.flush()
print("half", flush=True)
while not os.path.exists("gate"):
    time.sleep(0.02)
for step in range(20):
    writer.add_image("sample", np.full((3, 4, 4), step / 20), step)
writer.add_scalar("precise", 2.5, 7, new_style=True, double_precision=True)
writer.add_scalars("both", {"a": 1, "b": 2}, 3)
writer.add_text("note", "hello")
writer.add_hparams({"lr": 0.1, "layers": 3, "opt": "adam"}, {"hparam/accuracy": 0.9})
writer.close()
"""


def metrics(slipway, run):
    return slipway("show", run, "--json").json["metrics"]


def artifacts(slipway, run):
    document = slipway("show", run, "--json").json
    return slipway.store / "artifacts" / str(document["experiment_id"]) / document["run_id"] / "artifacts"


def supervisor_log(slipway, job_id):
    return (slipway.store / "jobs" / str(job_id) / "supervisor.log").read_text()


@pytest.mark.parametrize("where", ["", "logs"])
def test_a_summary_writer_is_read_as_it_writes(slipway, where):
    script = slipway.script("tb.py", WRITER)
    slipway("run", "--name", "tb", *(["--tensorboard", where] if where else []), "--", sys.executable, script, where)
    slipway.wait_for(lambda: metrics(slipway, "tb").get("Loss/train", {}).get("count") == 50, "points of a job that runs")
    assert slipway.job(1)["state"] == "running"
    (slipway.cwd / "gate").touch()
    slipway.wait_job(1, "done")
    run = slipway("show", "tb", "--json").json
    found = {key: (m["count"], m["last"], m["last_step"]) for key, m in run["metrics"].items()}
    assert found == {"Loss/train": (50, pytest.approx(0.02), 49), "precise": (1, 2.5, 7), "hparam/accuracy":
                     (1, pytest.approx(0.9), 0), "both_a/both": (1, 1, 3), "both_b/both": (1, 2, 3)}
    assert run["params"] == {"lr": "0.1", "layers": "3", "opt": "adam"}
    images = sorted(int(path.stem) for path in (artifacts(slipway, "tb") / "tensorboard" / "sample").iterdir())
    assert images == list(range(4, 20))  # the latest 16
    assert (artifacts(slipway, "tb") / "tensorboard/sample/19.png").read_bytes().startswith(b"\x89PNG")


def test_jobs_in_one_folder_read_each_their_own(slipway):
    script = slipway.script("tb.py", WRITER)
    for name, first in (("one", 1), ("two", 100)):
        slipway("run", "--name", name, "--env", f"FIRST={first}", "--", sys.executable, script, "",
                env={"SLIPWAY_CPU_SLOTS": "2"})
    for name in ("one", "two"):
        slipway.wait_for(lambda: metrics(slipway, name).get("Loss/train", {}).get("count") == 50, name)
    (slipway.cwd / "gate").touch()
    slipway.wait_job(1, "done")
    slipway.wait_job(2, "done")
    assert metrics(slipway, "one")["Loss/train"]["max"] == 1 and metrics(slipway, "two")["Loss/train"]["min"] == 2


def test_what_the_job_says_itself_goes_before_what_it_writes(slipway):
    script = slipway.script("both.py", "import os, sys\nfrom torch.utils.tensorboard import SummaryWriter\n"
                            "os.write(int(os.environ['SLIPWAY_METRICS_FD']), b'{\"step\": 1, \"metrics\": {\"loss\": 0.5}}\\n')\n"
                            "writer = SummaryWriter()\nwriter.add_scalar('loss', 7, 1)\nwriter.add_scalar('extra', 7, 1)\n"
                            "writer.close()\n")
    slipway("run", "--name", "both", "--wait", "--", sys.executable, script)
    found = metrics(slipway, "both")
    assert (found["loss"]["count"], found["loss"]["last"], found["extra"]["last"]) == (1, 0.5, 7)
    assert "1 metric came from two sources" in supervisor_log(slipway, 1)


def test_damaged_event_files_cost_only_themselves(slipway):
    script = slipway.script("damage.py", "import glob\nfrom torch.utils.tensorboard import SummaryWriter\n"
                            "for name in ('a', 'b'):\n  writer = SummaryWriter('runs/' + name)\n"
                            "  for step in range(10): writer.add_scalar(name, step, step)\n  writer.close()\n"
                            "path = glob.glob('runs/a/*')[0]\ndata = bytearray(open(path, 'rb').read())\n"
                            "data[len(data) // 2] ^= 255\nopen(path + '.damaged', 'wb').write(data)\n"
                            "open('runs/a/tfevents.short', 'wb').write(data[:5])\n")
    slipway("run", "--name", "damage", "--tensorboard", "runs", "--wait", "--", sys.executable, script)
    found = metrics(slipway, "damage")
    assert found["b/b"]["count"] == 10 and found["a"]["count"] >= 10
    assert "no further" in supervisor_log(slipway, 1)


def test_json_lines_of_output_and_of_a_file(slipway):
    text = ('echo \'{"step": 1, "loss": 0.5, "phase": "warm up"}\'; echo \'{"step": 2, "metrics": {"loss": 0.25}}\'; '
            'echo "step 3 loss=0.125"; echo \'{"level": "info", "n": 1}\'; '
            'for i in 1 2 3; do echo "{\\"step\\": $i, \\"acc\\": 0.$i, \\"loss\\": 9}" >> log/m.jsonl; done; '
            'mv log/m.jsonl log/m.jsonl.1; echo \'{"step": 4, "acc": 0.4}\' > log/m.jsonl; '
            'until [ -e gate ]; do sleep 0.05; done')
    (slipway.cwd / "log").mkdir()
    (slipway.cwd / "log" / "m.jsonl").write_text('{"step": 0, "acc": 0.0}\n')  # of another day
    slipway("run", "--name", "lines", "--metrics-from-output", "--metrics-file", "log/m.jsonl", "--", "sh", "-c", text)
    slipway.wait_for(lambda: metrics(slipway, "lines").get("acc", {}).get("count") == 4, "four points of the file")
    (slipway.cwd / "gate").touch()
    slipway.wait_job(1, "done")
    found = metrics(slipway, "lines")
    assert set(found) == {"loss", "acc"} and found["acc"]["last_step"] == 4
    assert (found["loss"]["count"], found["loss"]["last"]) in ((3, 0.125), (3, 9))  # the first source that reported it


def test_a_job_of_a_job(slipway):
    inner = ["run", "--name", "inner", "--", "sh", "-c", "until [ -e gate ]; do sleep 0.05; done; echo through"]
    words = " ".join(f"'{word}'" for word in [slipway.program, *inner])
    slipway("run", "--name", "outer", "--wait", "--", "sh", "-c", words)
    assert slipway.wait_job(2, "running")["name"] == "inner"
    (slipway.cwd / "gate").touch()
    slipway.wait_job(2, "done")
    assert "through" in slipway("logs", 2).out
