# SPDX-License-Identifier: Apache-2.0
"""What only happens on a terminal: questions, progress that rewrites its line, tables cut to the width, colour."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from conftest import DEADLINE_S


class Terminal:
    """A program on a pseudo terminal of the given width."""

    def __init__(self, slipway, *args, columns=80, env=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.text = ""
        self.process = subprocess.Popen([slipway.program, *map(str, args)], stdin=slave, stdout=slave, stderr=slave,
                                        cwd=slipway.cwd, env=slipway.env | (env or {}), start_new_session=True)
        os.close(slave)

    def read(self):
        """What came since, or None at the end."""
        if not select.select([self.master], [], [], 0.1)[0]:
            return ""
        try:
            part = os.read(self.master, 65536).decode(errors="replace")
        except OSError:
            return None
        self.text += part
        return part or None

    def wait_for(self, pattern):
        end = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.text):
            assert time.monotonic() < end, f"no {pattern} in {self.text!r}"
            if self.read() is None:
                assert re.search(pattern, self.text), f"ended without {pattern}: {self.text!r}"

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self):
        end = time.monotonic() + DEADLINE_S
        while self.read() is not None:
            assert time.monotonic() < end, self.text
        os.close(self.master)
        return self.process.wait(timeout=DEADLINE_S)


def test_a_question_is_asked_and_heeded(slipway, digits):
    slipway("data", "add", digits)
    for answer, code in (("n\n", 1), ("\n", 1), ("\x04", 1)):
        terminal = Terminal(slipway, "data", "rm", "digits")
        terminal.wait_for(r"Forget the data set 'digits'\?.*\[y/N\]")
        terminal.type(answer)
        assert terminal.close() == code and "not done" in terminal.text
    assert slipway("data", "ls", "--json").json["items"]
    terminal = Terminal(slipway, "data", "rm", "digits")
    terminal.wait_for(r"\[y/N\]")
    terminal.type("y\n")
    assert terminal.close() == 0
    assert slipway("data", "ls", "--json").json["items"] == []


def test_progress_rewrites_one_line(slipway):
    script = slipway.script("p.py", "import json, os, time\nfd = int(os.environ['SLIPWAY_METRICS_FD'])\n"
                            "def say(f, t): os.write(fd, (json.dumps({'progress': {'fraction': f, 'text': t}}) + '\\n').encode())\n"
                            "say(0.25, 'epoch 1/4')\nwhile not os.path.exists('gate'): time.sleep(0.02)\n")
    terminal = Terminal(slipway, "run", "--wait", "--", "python3", script)
    terminal.wait_for(r"\r[^\n]*running[^\n]*25%[^\n]*epoch 1/4")
    (slipway.cwd / "gate").touch()
    assert terminal.close() == 0
    last = terminal.text.rsplit("\r\x1b[K", 1)[1]
    assert "is done after" in last


def test_ctrl_c_leaves_the_job(slipway):
    terminal = Terminal(slipway, "run", "--wait", "--", "sleep", "600")
    terminal.wait_for("running")
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.close() == 130 and "goes on" in terminal.text
    assert slipway.job(1)["state"] == "running"


def test_tables_fit_the_terminal(slipway):
    slipway("run", "--name", "a-name-that-goes-on-and-on-for-quite-a-while", "--wait", "--", "true")
    for columns in (60, 200):
        terminal = Terminal(slipway, "jobs", "--no-color", columns=columns)
        assert terminal.close() == 0
        lines = terminal.text.splitlines()
        assert len(lines) == 2 and all(len(line) <= columns for line in lines), terminal.text
        assert ("…" in terminal.text) == (columns == 60)


@pytest.mark.parametrize("env, coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False),
                                           ({"SLIPWAY_COLOR": "never"}, False)])
def test_colour_on_a_terminal(slipway, env, coloured):
    slipway("run", "--wait", "--", "true")
    terminal = Terminal(slipway, "jobs", env=env)
    assert terminal.close() == 0
    assert ("\x1b[" in terminal.text) == coloured


def test_bare_on_a_terminal_of_unknown_type_says_so(slipway):
    terminal = Terminal(slipway, env={"TERM": "no-such-terminal"})
    assert terminal.close() == 1 and "no-such-terminal" in terminal.text
