# SPDX-License-Identifier: Apache-2.0
"""Every JSON document has exactly the fields that the manual lists for its kind."""
import re

import pytest


def documented(slipway, folder):
    """{kind: (name of its list, [fields])} as the manual has them."""
    slipway("generate-docs", folder)
    text = (folder / "man/slipway.1").read_text().split(".Sh JSON")[1].split(".Sh ENVIRONMENT")[0]
    kinds = {}
    for part in text.split(".Ss ")[1:]:
        listed = re.search(r"Listed in (\w+)\.", part)
        kinds[part.split("\n")[0]] = (listed and listed.group(1), re.findall(r"^\.It Va (\S+)", part, re.M))
    return kinds


# Fields of a document that depend on what was asked.
OPTIONAL = {"DatasetDescription": {"version", "digest"}}
# What commands add to the fields of a kind when they show one object of it at length.
ADDED = {"ModelVersion": {"evaluations", "approvals", "verdicts", "is_approved"}, "Evaluation": {"result"},
         "Approval": {"verdicts"}}


def test_documents_are_as_the_manual_says(slipway, model, lenient, digits, tmp_path):
    kinds = documented(slipway, tmp_path / "docs")
    lists = {listed: name for name, (listed, _) in kinds.items() if listed}
    slipway("data", "add", digits)
    slipway("run", "--name", "r", "--wait", "--", "sh", "-c", 'echo \'{"step":1,"metrics":{"loss":1}}\' >&$SLIPWAY_METRICS_FD')
    slipway("target", "add", "t", f"bundle:{tmp_path}/out")
    to = ["push", model, "--to", "t", "--json"]
    documents = [
        slipway("data", "ls", "--json").json, slipway("data", "show", "digits", "--json").json,
        slipway("data", "head", "digits", "-n", 1, "--json").json, slipway("data", "ls", "--formats", "--json").json,
        slipway("jobs", "--json").json, slipway("runs", "--json").json, slipway("show", "r", "--json").json,
        slipway("artifacts", "r", "--json").json,
        slipway("compare", "r", "--metric", "loss", "--json").json,
        slipway("model", "approve", model, "--policy", lenient, "--dry-run", "--json").json,
        slipway("model", "approve", model, "--policy", lenient, "--json").json,
        slipway("model", "ls", "--json").json, slipway("model", "show", model, "--json").json,
        slipway(*to, "--dry-run").json, slipway(*to).json, slipway("status", "--json").json,
        slipway("model", "verify", tmp_path / "out/toy", "--json").json, slipway("target", "ls", "--json").json, slipway("template", "ls", "--json").json,
        slipway("template", "show", "kserve-inferenceservice", "--json").json, slipway("gpu", "--json").json,
        slipway("audit", "--json").json, slipway("audit", "verify", "--json").json,
        slipway("doctor", "--json", code=None).json, slipway("info", "--json").json,
        slipway("config", "show", "--json").json, slipway("version", "--json").json,
        slipway("serve", "--routes", "--json").json,
        slipway("show", "nosuch", "--json", code=1).error,
    ]
    seen = set()
    for document in documents:
        kind = document["kind"]
        objects = document["items"] if kind in lists else [document]
        name = lists.get(kind, kind)
        assert name in kinds, f"{kind} is not in the manual"
        seen.add(name)
        for item in objects:
            have, want = set(item) - {"kind"}, set(kinds[name][1])
            assert have - ADDED.get(name, set()) <= want, f"{name} prints {have - want} beyond the manual"
            assert want - OPTIONAL.get(name, set()) <= have, f"{name} lacks {want - have}"
    missing = set(kinds) - seen - {"Evaluation", "Parameter", "Push", "Server"}  # in other documents or other tests
    assert not missing, f"no document of kind {missing} was printed"
