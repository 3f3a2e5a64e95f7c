# SPDX-License-Identifier: Apache-2.0
"""What the fault tests share: the failure points as the sources name them, the processes of jobs, and the state that a
store must be in after anything that went wrong."""
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Files with calls of sw_failpoint() whose name is no literal, and how the names stand there.
COMPUTED = {
    "core/store/sql.c": None,  # sw_sql_failpoint(), whose callers name the point
    "core/ship/push.c": None,  # push_points()
    "gpu/checkpoint.c": r'"(checkpoint\.(?:write|done))"',
}


def push_points():
    """The points before and after each arrow of a push, in order."""
    words = dict(re.findall(r'X\((SW_PUSH_\w+), "\w+", "(\w+)"\)', (ROOT / "core/ship/push.h").read_text()))
    steps = re.findall(r"{(SW_PUSH_\w+), step_", (ROOT / "core/ship/push.c").read_text())
    return [f"push.{words[step]}.{when}" for step in steps for when in ("before", "after")]


def source_points():
    """Names of all failure points in the sources; a call that this function cannot read is an error."""
    names = set(push_points())
    for path in [file for part in ("core", "gpu", "app", "tui") for file in ROOT.glob(f"{part}/**/*.c")]:
        file, text = str(path.relative_to(ROOT)), path.read_text()
        if file == "core/base/failpoint.c":
            continue
        for argument in re.findall(r"\bsw_failpoint\(([^)]*)\)", text):
            assert argument.startswith('"') or file in COMPUTED, f"{file}: which names has sw_failpoint({argument})?"
        names |= set(re.findall(r'\bsw_(?:sql_)?failpoint\([^"()]*"([^"]+)"', text))
        names |= set(re.findall(COMPUTED.get(file) or "(?!)", text))
    return names


def processes_of(slipway, but=()):
    """Live processes that carry the environment of one of this store's jobs."""
    marker = f"SLIPWAY_JOB_DIR={slipway.store}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in but:
            continue
        try:
            if marker in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass  # gone, or not ours
    return found


def jobs_of(slipway):
    """All jobs; none where there is no store yet."""
    result = slipway("jobs", "--json", code=None)
    return result.json["items"] if result.code == 0 else []


def settled(slipway):
    """Waits until no job is live and no process of one is left; gives the jobs."""
    jobs = []

    def is_over():
        jobs[:] = jobs_of(slipway)
        return all(job["ended_ms"] for job in jobs) and not processes_of(slipway)
    slipway.wait_for(is_over, "jobs and their processes to be over")
    return jobs


def healthy(slipway, ignore=None):
    """What must hold after any fault, before anybody repaired anything; one check of the doctor may be left out."""
    jobs = settled(slipway)
    if (slipway.store / "slipway.db").exists():
        checks = slipway("doctor", "--deep", "--json", code=None).json["items"]
        assert [check for check in checks if check["outcome"] == "fail" and check["name"] != ignore] == []
        audit = slipway("audit", "verify", code=None)
        assert "intact" in audit.out or (audit.code == 10 and "is empty" in audit.err), audit
    return jobs


def refused(slipway, *args, code, said=(), word=None, env=None):
    """Checks that a command fails as every failure must: exit code, the object named, a hint, no result on stdout."""
    result = slipway(*args, code=code, env=env)
    assert result.err.startswith("slipway: ") and "\nhint: " in result.err, result
    assert result.out == "" or args[:2] == ("model", "approve"), result  # which prints the verdict before it refuses
    for text in [said] if isinstance(said, str) else said:
        assert text in result.err, result
    error = slipway("--json", *args, code=code, env=env).error
    assert error["kind"] == "Error" and error["hint"] and (word is None or error["code"] == word), error
    return result
