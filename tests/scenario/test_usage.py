# SPDX-License-Identifier: Apache-2.0
"""The frame of the command line: help, unknown words, exit codes, places, settings."""
import json
import os
import sqlite3
import stat
import subprocess
import time

import pytest
from conftest import BUILD, ROOT


def test_version_initialises_nothing(slipway):
    result = slipway("--version", env={"HOME": "/nonexistent", "SLIPWAY_COLOR": "broken"})
    assert result.out == f"slipway {(ROOT / 'VERSION').read_text().strip()}\n"
    assert slipway("version", "--json").json["version"] == (ROOT / "VERSION").read_text().strip()
    assert not slipway.store.exists()


def test_bare_without_a_terminal_prints_help(slipway):
    result = slipway(code=2)
    assert "usage: slipway" in result.out and "model approve" in result.out


@pytest.mark.parametrize("args, said, hint", [
    (["rnus"], "unknown command 'rnus'", "did you mean 'slipway runs'?"),
    (["model", "aprove", "x"], "unknown command 'model aprove'", "did you mean 'slipway model approve'?"),
    (["model"], "'model' needs a command", "slipway model --help"),
    (["runs", "--limti", "3"], "--limti", "--limit"),
    (["runs", "--limit", "many"], "--limit", ""),
    (["runs", "--limit", "0"], "--limit", ""),
    (["show"], "'show' needs RUN", "usage: slipway show RUN"),
    (["show", "a", "b"], "'show' does not take 'b'", "usage: slipway show RUN"),
    (["compare"], "'compare' needs RUN...", "usage"),
    (["completion", "tcsh"], "tcsh", "bash, zsh and fish"),
    (["data", "rm", "x", "--store"], "--store", ""),
])
def test_usage_errors_name_the_fault_and_the_way_out(slipway, args, said, hint):
    result = slipway(*args, code=2)
    assert said in result.err and hint in result.err
    assert result.out == ""
    as_json = slipway("--json", *args, code=2)
    assert as_json.error["kind"] == "Error" and as_json.error["code"] == "usage"
    assert said in as_json.error["message"]


def commands():
    """Verbs as the help lists them."""
    text = subprocess.run([BUILD / "slipway", "help"], capture_output=True, text=True, check=True).stdout
    block = text.split("Commands\n")[1].split("\n\n")[0]
    return [line[2:20].strip() for line in block.splitlines() if line.startswith("  ") and line[2] != " "]


def test_every_command_has_help(slipway):
    verbs = commands()
    assert len(verbs) > 40 and "model approve" in verbs
    for verb in verbs:
        text = slipway(*verb.split(), "--help").out
        assert text.startswith(f"slipway {verb} - ") and "Examples\n" in text
        assert slipway("help", *verb.split()).out == text


def test_commands_without_a_store_say_so(slipway):
    for args in (["runs"], ["jobs"], ["show", "x"], ["model", "ls"], ["target", "ls"], ["status"], ["audit"],
                 ["stop", "1"], ["data", "ls"], ["push", "m", "--to", "bundle:/tmp/x"]):
        result = slipway(*args, code=10)
        assert "no store" in result.err and "hint:" in result.err
    assert not slipway.store.exists()


def test_without_home_the_error_says_what_to_set(slipway):
    env = {"HOME": "", "SLIPWAY_STORE": ""}
    result = slipway("runs", code=1, env=env)
    assert "HOME" in result.err + result.out
    assert slipway("completion", "bash", env=env).out
    assert slipway("config", "get", "experiment", env=env).out == "Default\n"


def test_read_only_home(slipway):
    if os.geteuid() == 0:
        slipway.env["SLIPWAY_STORE"] = "/proc/slipway-store"  # nobody can write there, root included
    else:
        slipway.home.chmod(0o500)
        slipway.env["SLIPWAY_STORE"] = str(slipway.home / "store")
    result = slipway("run", "--", "true", code=1)
    assert "slipway: " in result.err


def test_store_of_a_newer_program(slipway):
    slipway("run", "--wait", "--", "true")
    with sqlite3.connect(slipway.store / "slipway.db") as db:
        db.execute("PRAGMA user_version = 999")
    result = slipway("runs", code=12)
    assert "newer" in result.err
    assert slipway("--json", "jobs", code=12).error["code"] == "newer"


def test_store_that_is_damaged(slipway):
    slipway("run", "--wait", "--", "true")
    for extra in ("slipway.db-wal", "slipway.db-shm"):
        (slipway.store / extra).unlink(missing_ok=True)
    (slipway.store / "slipway.db").write_bytes(b"this is no database" * 100)
    result = slipway("runs", code=1)
    assert "slipway.db" in result.err
    assert slipway("--json", "runs", code=1).error["code"] == "corrupt"
    assert slipway("doctor", code=1).out.count("fail") >= 1


def test_store_locked_by_another_process(slipway):
    slipway("run", "--name", "r", "--wait", "--", "true")
    other = sqlite3.connect(slipway.store / "slipway.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slipway("runs")  # readers do not wait for a writer
    result = slipway("note", "r", "text", code=11, env={"SLIPWAY_BUSY_MS": "200"})
    assert "locked" in result.err and "hint:" in result.err
    waiting = slipway.start("note", "r", "patience")
    other.execute("ROLLBACK")
    assert waiting.wait(timeout=60) == 0
    assert slipway("note", "r").out == "patience\n"


def test_store_is_private(slipway):
    slipway("run", "--wait", "--", "true")
    for path in [slipway.store, *slipway.store.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_closed_pipe_is_no_error(slipway):
    slipway("run", "--wait", "--", "true")
    done = subprocess.run(["bash", "-c", 'set -o pipefail; "$0" help | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"',
                           str(slipway.program)], env=slipway.env, capture_output=True, text=True)
    assert done.stdout.strip() == "0" and done.stderr == ""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([slipway.program, "runs"], env=slipway.env, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 0 and done.stderr == ""


def test_full_output_device_is_an_error(slipway):
    with open("/dev/full", "w") as full:
        done = subprocess.run([slipway.program, "help"], env=slipway.env, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "standard output" in done.stderr


def test_colour_only_where_wanted(slipway):
    slipway("run", "--wait", "--", "true")
    assert "\033" not in slipway("runs").out
    assert "\033[" in slipway("runs", env={"SLIPWAY_COLOR": "always"}).out
    assert "\033" not in slipway("runs", "--no-color", env={"SLIPWAY_COLOR": "always"}).out


def test_settings(slipway):
    slipway("config", "set", "experiment", "mine")
    assert slipway("config", "get", "experiment").out == "mine\n"
    rows = {row["key"]: row for row in slipway("config", "show", "--json").json["items"]}
    assert rows["experiment"]["origin"].endswith("config.yaml:" + rows["experiment"]["origin"].split(":")[-1])
    (slipway.cwd / "slipway.yaml").write_text("experiment: ours\n")
    assert slipway("config", "get", "experiment").out == "ours\n"
    assert slipway("config", "get", "experiment", env={"SLIPWAY_EXPERIMENT": "now"}).out == "now\n"
    said = slipway("config", "set", "experiment", "other").err
    assert "overruled" in said
    (slipway.cwd / "slipway.yaml").write_text("\nexperimet: ours\n")
    result = slipway("runs", code=2)
    assert "slipway.yaml:2" in result.err and "did you mean 'experiment'?" in result.err


def test_doctor_and_info(slipway):
    slipway("run", "--wait", "--", "true")
    checks = {c["name"]: c for c in slipway("doctor", "--deep", "--json", code=None).json["items"]}
    assert checks["store"]["outcome"] == "pass" and checks["trainer"]["outcome"] == "pass"
    assert checks["gpu"]["outcome"] in ("pass", "warn")
    for check in checks.values():
        assert (check["fix"] is None) == (check["outcome"] in ("pass", "skip")), check
    slipway.store.chmod(0o755)
    checks = {c["name"]: c for c in slipway("doctor", "--json", code=None).json["items"]}
    assert checks["store folder"]["outcome"] == "warn" and "chmod" in checks["store folder"]["fix"]
    facts = {f["name"]: f["value"] for f in slipway("info", "--json").json["items"]}
    assert facts["store"] == str(slipway.store) and facts["SQLite"].startswith("3.")


def test_gpu_says_why_there_is_none(slipway):
    document = slipway("gpu", "--json", env={"SLIPWAY_NVML_LIBRARY": "/nonexistent/libnvml.so"}).json
    assert document["items"] == [] and "no GPU" in document["reason"]


def test_generated_files(slipway, tmp_path):
    slipway("generate-docs", tmp_path / "docs")
    made = sorted(p.relative_to(tmp_path / "docs").as_posix() for p in (tmp_path / "docs").rglob("*") if p.is_file())
    assert made == ["completions/_slipway", "completions/slipway.bash", "completions/slipway.fish",
                    "man/slipway-api.7", "man/slipway-train.1", "man/slipway.1"]
    for shell, name in (("bash", "slipway.bash"), ("zsh", "_slipway"), ("fish", "slipway.fish")):
        assert slipway("completion", shell).out == (tmp_path / "docs/completions" / name).read_text()
        subprocess.run([shell, "-n", tmp_path / "docs/completions" / name], check=True)
    subprocess.run(["mandoc", "-T", "lint", "-W", "warning", tmp_path / "docs/man/slipway.1",
                    tmp_path / "docs/man/slipway-train.1", tmp_path / "docs/man/slipway-api.7"], check=True)


def complete_in_bash(slipway, line):
    script = ('source <("$0" completion bash); PATH=$(dirname "$0"):$PATH; read -ra COMP_WORDS <<< "$1"; '
              '[[ $1 == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _slipway; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, str(slipway.program), line], env=slipway.env, capture_output=True,
                          text=True, check=True)
    assert done.stderr == "", done.stderr
    return done.stdout.split()


def test_bash_completes_verbs_options_choices_and_names(slipway):
    slipway("run", "--name", "first-run", "--wait", "--", "true")
    assert "compare" in complete_in_bash(slipway, "slipway com")
    assert complete_in_bash(slipway, "slipway model app") == ["approve"]
    assert "verify" in complete_in_bash(slipway, "slipway model ")
    assert complete_in_bash(slipway, "slipway runs --order") == ["--order-by"]
    assert complete_in_bash(slipway, "slipway show fir") == ["first-run"]
    assert complete_in_bash(slipway, "slipway train cnn --optimizer ") == ["adamw", "sgd"]
    assert complete_in_bash(slipway, "slipway --store x completion z") == ["zsh"]
    assert "--json" in complete_in_bash(slipway, "slipway runs --j")


def test_start_up_is_quick(slipway):
    """--version may not read or initialise anything; the figure is held by `make bench`, this guards against slips."""
    done = subprocess.run(["strace", "-f", "-e", "trace=openat", str(slipway.program), "--version"], env=slipway.env,
                          capture_output=True, text=True) if os.path.exists("/usr/bin/strace") else None
    if done is None:
        pytest.skip("strace is not installed")
    assert "slipway.db" not in done.stderr and "config.yaml" not in done.stderr
