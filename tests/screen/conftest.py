# SPDX-License-Identifier: Apache-2.0
"""Drives the real program in tmux with keys and reads whole screens. Tests wait for a state, they never sleep."""
import os
import pathlib
import re
import shutil
import subprocess
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLIPWAY_BUILD", ROOT / "build/asan")).resolve()
DEADLINE_S = 60
SANITIZERS = {name: value for name, value in os.environ.items() if name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}


class Terminal:
    """One program in a tmux server of its own, at a fixed size."""

    def __init__(self, argv, columns, lines, env, cwd):
        self.socket = "slipway-test-" + uuid.uuid4().hex[:12]
        self.columns, self.lines = columns, lines
        command = " ".join(_quote(word) for word in argv)
        # The shell stays after the program, so that the screen it left behind can be read.
        shell = f"{command}; printf 'exit status %d\\n' $?; exec cat"
        settings = [f"{name}={value}" for name, value in env.items()]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines), "-c", str(cwd),
                   "env", "-i", *settings, "sh", "-c", shell)
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("set-option", "-g", "escape-time", "0")
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def _tmux(self, *words, check=True):
        return subprocess.run(["tmux", "-L", self.socket, *words], check=check, capture_output=True, text=True,
                              timeout=DEADLINE_S).stdout

    def keys(self, *names):
        """Keys by tmux's names: "Enter", "Escape", "C-r", "j"."""
        for name in names:
            self._tmux("send-keys", name)

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def screen(self):
        return self._tmux("capture-pane", "-p").rstrip("\n")

    def cursor(self):
        column, line = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(column), int(line)

    def resize(self, columns, lines):
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    def pane_pid(self):
        return int(self._tmux("display-message", "-p", "#{pane_pid}"))

    def wait(self, *patterns, absent=(), deadline_s=DEADLINE_S):
        """The screen once all patterns are on it and none of `absent` is."""
        end = time.monotonic() + deadline_s
        while True:
            screen = self.screen()
            if all(re.search(p, screen) for p in patterns) and not any(re.search(p, screen) for p in absent):
                return screen
            if time.monotonic() > end:
                raise AssertionError(f"waited {deadline_s} s for {patterns} without {absent}; the screen:\n{screen}")
            time.sleep(0.02)

    def wait_cursor(self, line, deadline_s=DEADLINE_S):
        """The cursor's column once it stands on that line: a frame may be half through when the screen is read."""
        end = time.monotonic() + deadline_s
        while self.cursor()[1] != line:
            assert time.monotonic() < end, f"the cursor stands at {self.cursor()}, not on line {line}"
            time.sleep(0.02)
        return self.cursor()[0]

    def close(self):
        self._tmux("kill-server", check=False)


def _quote(word):
    return "'" + str(word).replace("'", "'\\''") + "'"


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def environment(home):
    return {
        "HOME": str(home), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "tmux-256color",
        "USER": "tester", "LOGNAME": "tester", "SLIPWAY_STORE": str(home / "store"),
        "SLIPWAY_TEMPLATES": str(ROOT / "templates"),
        **SANITIZERS,
    }


@pytest.fixture
def slipway(environment, home):
    """Runs a command line to its end and returns its stdout."""
    def run(*words, check=True):
        done = subprocess.run([BUILD / "slipway", *map(str, words)], env=environment, cwd=home, capture_output=True,
                              text=True, timeout=300, stdin=subprocess.DEVNULL)
        assert not check or done.returncode == 0, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout
    return run


@pytest.fixture
def terminal(environment, home):
    """Opens terminals and closes them after the test: terminal(80, 24, ["--ascii"])."""
    opened = []

    def start(columns, lines, words=(), **more):
        t = Terminal([BUILD / "slipway", *words], columns, lines, {**environment, **more}, home)
        opened.append(t)
        return t
    yield start
    for t in opened:
        t.close()


def pytest_configure(config):
    assert shutil.which("tmux"), "tmux is missing: run packaging/deps.sh all"
