# SPDX-License-Identifier: Apache-2.0
"""The same call to both servers, and the replies side by side.

A request is a template: "$run" or "${run}" in any text stands for what an earlier call saved under that name, for each
server its own. A reply is compared after what must differ was masked: saved ids by their names, other ids, times of
today, invented run names, page tokens. Lists of tags and params have no order.
"""
import difflib
import json
import re
import time
import urllib.parse

from differences import DIFFERENCES, dropped, is_meant

ID = re.compile(r"\b(m-)?[0-9a-f]{32}\b")
EXPERIMENT_ID = re.compile(r"(?<=mlflow-artifacts:/)\d+|(?<=xperiment with id[ =])\d+|(?<=The experiment )\d+")
INVENTED = re.compile(r"[a-z]+-[a-z]+-\d+")
DAY_MS = 86_400_000
BY_KEY = ("tags", "params", "aliases")


class Reply:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        self.type = headers.get("Content-Type", headers.get("content-type", "")).split(";")[0]
        try:
            self.body = json.loads(raw)
        except ValueError:
            self.body = None

    def at(self, path):
        """The value at "runs.0.info.run_id"."""
        value = self.body
        for part in path.split("."):
            value = value[int(part)] if isinstance(value, list) else value[part]
        return value


def fill(value, names):
    if isinstance(value, str):
        if value.startswith("$") and value[1:] in names:
            return names[value[1:]]
        return re.sub(r"\$\{(\w+)\}", lambda m: str(names[m.group(1)]), value)
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if isinstance(value, dict):
        return {fill(key, names): fill(item, names) for key, item in value.items()}
    return value


def mask_text(field, text, names):
    if field == "next_page_token":
        return "<token>"
    if field in ("run_name", "mlflow.runName", "name") and INVENTED.fullmatch(text):
        return "<invented>"
    known = {value: f"<{name}>" for name, value in names.items() if isinstance(value, str)}
    if field == "experiment_id":
        return known.get(text, "<experiment>" if text != "0" else text)
    text = EXPERIMENT_ID.sub(lambda m: known.get(m.group(0), "<experiment>"), text)
    return ID.sub(lambda m: known.get(m.group(0), "<id>"), text)


def mask(value, names, field="", parent=""):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        is_now = re.search(r"time|_ms$", field) and abs(value - time.time() * 1000) < DAY_MS
        return "<now>" if is_now else value
    if isinstance(value, str):
        return mask_text(field, value, names)
    if isinstance(value, dict):
        named = value.get("key") if isinstance(value.get("key"), str) else None
        return {key: mask(item, names, named if key == "value" and named else key, field)
                for key, item in value.items()}
    items = [mask(item, names, field, parent) for item in value]
    if field in BY_KEY or (field == "metrics" and parent == "data"):
        items.sort(key=lambda item: json.dumps(item, sort_keys=True))
    return items


def without(value, fields):
    if isinstance(value, dict):
        return {key: without(item, fields) for key, item in value.items() if key not in fields}
    return [without(item, fields) for item in value] if isinstance(value, list) else value


SET = re.compile(r"\{('[^{}]*')\}")


def in_order(message):
    """A message with the members of Python's sets sorted, which it prints in any order; 1.0 as 1, and no last period."""
    ordered = SET.sub(lambda m: "{" + ", ".join(sorted(m.group(1).split(", "))) + "}", message)
    return re.sub(r"(?<=value=)(-?\d+)\.0\b", r"\1", ordered).rstrip(".")


def shown(reply, names, words, drop):
    """What is compared of a reply, as lines. A page that is no JSON counts by its status alone."""
    body = without(mask(reply.body, names), drop) if reply.type == "application/json" else "<no JSON>"
    if isinstance(body, dict) and "message" in body:
        body["message"] = in_order(body["message"]) if words else "<words>"
    return [f"HTTP {reply.status}", *json.dumps(body, indent=1, sort_keys=True).splitlines()]


def is_breakdown(reply):
    """Upstream met an exception that it did not mean: row "breakdown" of differences.py."""
    return reply.status == 500 or (b"sqlite3." in reply.raw and b'"BAD_REQUEST"' in reply.raw)


def listed(body):
    """What a reply lists, one name for each, so that a difference in order or in what was found reads at once."""
    for field, value in (body or {}).items() if isinstance(body, dict) else ():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            named = [item.get("info", item) for item in value]
            return [field, [item.get("run_name") or item.get("name") or item.get("key") or item.get("path") for item in named]]
    return []


def difference(replies, told):
    """The two replies as a unified diff from theirs to ours; empty when they are the same."""
    if told[0] == told[1]:
        return ""
    lists = [listed(reply.body) for reply in replies]
    if lists[0] != lists[1]:
        return f"mlflow server: {lists[1]}\nslipway serve: {lists[0]}\n{replies[1].raw[:300]}\n{replies[0].raw[:300]}"
    return "\n".join(difflib.unified_diff(told[1], told[0], "mlflow server", "slipway serve", lineterm="", n=4))


class Both:
    """A conversation with both servers. `names` of each hold what was saved."""

    def __init__(self, ours, theirs):
        self.servers = (ours, theirs)
        self.names = ({}, {})
        self.agreed = True  # on the status of the last call; else they are in different states now

    def keep(self, **values):
        for names in self.names:
            names.update(values)

    def send(self, method, path, body=None, query=None, version="2.0", raw=None, headers=None):
        replies = []
        for server, names in zip(self.servers, self.names):
            target = fill(path, names)
            if not target.startswith("/"):
                target = f"/api/{version}/mlflow/{target}"
            if query:
                target += "?" + urllib.parse.urlencode(fill(query, names), doseq=True)
            data = raw if raw is not None else None if body is None else json.dumps(fill(body, names)).encode()
            replies.append(Reply(*server.request(method, target, data, headers)))
        return replies

    def call(self, method, path, body=None, *, save=None, but=None, words=True, status=None, **options):
        """Sends, compares, and saves: save={"run": "run.info.run_id"}. `but` names a row of differences.py: then the
        replies must differ, and the row says in what. Gives our reply."""
        replies = self.send(method, path, body, **options)
        self.agreed = replies[0].status == replies[1].status
        words = words and b"sqlite3." not in replies[1].raw
        told = [shown(reply, names, words, dropped(path)) for reply, names in zip(replies, self.names)]
        if save and all(reply.status == 200 for reply in replies):
            for reply, names in zip(replies, self.names):
                names.update({name: reply.at(at) for name, at in save.items()})
            told = [shown(reply, names, words, dropped(path)) for reply, names in zip(replies, self.names)]
        what = f"{method} {path} {json.dumps(body) if body is not None else options}"[:2000]
        if is_breakdown(replies[1]) and not but:
            assert replies[0].status < 500, (what, replies[0].raw, replies[1].raw)
        elif but:
            assert DIFFERENCES[but].reason and told[0] != told[1], f"no difference any more: {but}\n{what}"
        else:
            text = difference(replies, told)
            assert not text or is_meant(*replies), f"{what}\n{text}"
        if status:
            assert replies[0].status == status, (what, replies[0].status, replies[0].raw)
        return replies[0]

    def get(self, path, query=None, **options):
        return self.call("GET", path, query=query, **options)

    def post(self, path, body=None, **options):
        return self.call("POST", path, body if body is not None else {}, **options)

    def patch(self, path, body, **options):
        return self.call("PATCH", path, body, **options)

    def delete(self, path, body=None, **options):
        return self.call("DELETE", path, body, **options)

    # --- what many tests begin with ---
    def experiment(self, name, save="experiment", **more):
        self.post("experiments/create", {"name": name, **more}, save={save: "experiment_id"}, status=200)

    def run(self, save="run", experiment="$experiment", **more):
        body = {"experiment_id": experiment, "start_time": 1_700_000_000_000, "user_id": "tester"} | more
        self.post("runs/create", body, save={save: "run.info.run_id"}, status=200)
