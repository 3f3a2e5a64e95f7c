# SPDX-License-Identifier: Apache-2.0
"""Search of runs over raw REST: filters, orders, views and pages, both servers side by side on the same twelve runs."""
import uuid

import pytest

T = 1_700_000_000_000
STATUSES = ("RUNNING", "FINISHED", "FAILED", "KILLED", "SCHEDULED")


@pytest.fixture(scope="module")
def runs(talk):
    """Twelve runs that differ in all that can be asked for; r10 is deleted."""
    talk.experiment(f"search-{uuid.uuid4().hex}")
    for n in range(12):
        talk.run(save=f"r{n}", run_name=f"run {n:02d}", start_time=T + n, user_id=("ann", "bob")[n % 2])
        accuracy = ("NaN", "Infinity", "-Infinity")[n - 9] if n >= 9 else n / 10
        body = {"params": [{"key": "lr", "value": f"0.{n % 4}"}, {"key": "opt im", "value": "Adam" if n % 3 else "sgd"}],
                "tags": [{"key": "team", "value": f"t{n % 3}"}, {"key": "a.b-c/d", "value": "50%"}],
                "metrics": [{"key": "acc", "value": accuracy, "step": 1, "timestamp": T}]}
        if n % 2:
            body["metrics"].append({"key": "train/loss", "value": n * 1.5, "step": 2, "timestamp": T})
            body["tags"].append({"key": "only odd", "value": "yes"})
        talk.post("runs/log-batch", {"run_id": f"$r{n}"} | body, status=200)
        talk.post("runs/update", {"run_id": f"$r{n}", "status": STATUSES[n % 5], "end_time": T + 100 - n}, status=200)
    talk.post("runs/log-inputs", {"run_id": "$r3", "datasets": [{"dataset": {
        "name": "digits", "digest": "d1", "source_type": "local", "source": "x"},
        "tags": [{"key": "mlflow.data.context", "value": "train"}]}]}, status=200)
    talk.post("runs/delete", {"run_id": "$r10"}, status=200)
    return talk


FILTERS = [
    "", "metrics.acc > 0.5", "metrics.acc >= 0.5", "metrics.acc < 0.5", "metrics.acc <= 0.5", "metrics.acc = 0.5",
    "metrics.acc != 0.5", "metric.acc > -1", "metrics.`train/loss` > 3", 'metrics."train/loss" < 5', "metrics.acc > 1e-1",
    "metrics.acc > .3", "metrics.acc > 100", "metrics.acc < -100", "metrics.absent > 0", "metrics.acc = 0",
    "params.lr = '0.1'", "params.lr != '0.1'", 'params.lr = "0.1"', "params.lr LIKE '0._'", "params.lr ILIKE '0.%'",
    "param.lr = '0.2'", "parameters.lr = '0.3'", "params.`opt im` = 'Adam'", "params.`opt im` ILIKE 'ADAM'",
    "params.`opt im` LIKE 'ADAM'", "params.absent = 'x'", "tags.team = 't1'", "tag.team != 't1'", "tags.team LIKE 't%'",
    "tags.`only odd` = 'yes'", "tags.`a.b-c/d` = '50%'", "tags.`a.b-c/d` LIKE '50\\%'", "tags.mlflow.runName = 'run 03'",
    "attributes.status = 'FINISHED'", "attribute.status != 'FINISHED'", "attr.status = 'finished'", "status = 'RUNNING'",
    "run.status = 'FAILED'", "attributes.run_name = 'run 04'", "run_name LIKE 'run 0%'", "run_name ILIKE 'RUN 1%'",
    "attributes.`run name` = 'run 05'", "attributes.`Run name` = 'run 05'", "user_id = 'ann'", "attributes.user_id != 'ann'",
    f"start_time > {T + 2}", f"attributes.start_time <= {T + 1}", f"attributes.created = {T + 3}",
    f"end_time < {T + 95}", f"attributes.Created >= {T + 4}", "attributes.run_id = '${r3}'", "run_id IN ('${r1}', '${r2}')",
    "run_id NOT IN ('${r1}', '${r2}')", "attributes.run_id IN ('${r1}')", "run_id != '${r3}'", "run_id LIKE '${r3}%'",
    "artifact_uri LIKE '%${r4}%'", "metrics.acc > 0.2 AND params.lr = '0.1' AND tags.team = 't1'",
    "metrics.acc > 0.1 and metrics.acc < 0.8 and attributes.status = 'FINISHED'", "datasets.name = 'digits'",
    "dataset.digest = 'd1' and datasets.context = 'train'", "datasets.context LIKE 'tr%'", "datasets.name IN ('digits', 'x')",
    "tags.team IS NULL", "tags.`only odd` IS NULL", "tags.`only odd` IS NOT NULL", "params.absent IS NULL",
    "params.lr is not null and metrics.acc > 0.3", "metrics.acc > 0.5 ", "  metrics.acc>0.5", "metrics.acc>0.5 AND  params.lr='0.3'",
    "status IN ('RUNNING', 'FAILED')", "run_name IN ('run 01')", "metrics.acc > 5.0 AND metrics.acc < Infinity",
]
WRONG = [
    "metrics.acc", "metrics.acc >", "> 0.5", "metrics.acc > 'x'", "metrics.acc > abc", "metrics.acc LIKE '0.5'", "params.lr = 0.1",
    "params.lr > '0.1'", "params.lr = unquoted", "tags.team < 't1'", "tags.team = 5", "status > 'RUNNING'", "start_time = 'x'",
    "start_time LIKE '1%'", "nothing = 'x'", "attributes.nothing = 'x'", "foo.bar = 'x'", "metrics.acc > 0.5 AND",
    "AND metrics.acc > 0.5", "metrics.acc > 0.5 metrics.acc < 0.6", "params.lr = '0.1", "params.`lr = '0.1'", "params.lr IN ()",
    "run_id IN 'x'", "run_id IN (1, 2)", "metrics.acc IN (1)", "metrics. > 5", ".acc > 5", "metrics.acc == 0.5", "metrics.acc <> 0.5",
    "metrics.acc IS NULL", "status IS NULL", "metrics.acc > 0.5; DROP TABLE runs", "'0.1' = params.lr", "datasets.nope = 'x'",
    "metrics.acc > 1 -- comment", "metrics.acc > 0x10", "metrics.acc > 1_000", "metrics.acc > --1", "lifecycle_stage = 'active'",
    "params.lr = '0.1' AND (", "tags.team NOT LIKE 't%'", "a" * 5000 + " = 'x'", "experiment_id = '1'", "metrics.acc > NaN",
]
EXTENSIONS = ["metrics.acc > 0.5 OR params.lr = '0.1'", "(metrics.acc > 0.5)", "NOT metrics.acc > 0.5",
              "(params.lr = '0.1' OR params.lr = '0.2') AND NOT tags.team = 't1'"]
ORDERS = [
    [], ["metrics.acc"], ["metrics.acc ASC"], ["metrics.acc DESC"], ["metrics.`train/loss`"], ["metrics.`train/loss` DESC"],
    ["params.lr", "run_name"], ["params.lr DESC", "metrics.acc ASC"], ["params.absent"], ["tags.team", "start_time"],
    ["tags.`only odd` DESC", "run_name DESC"], ["attributes.start_time"], ["start_time DESC"], ["attribute.end_time"],
    ["attributes.status", "run_name"], ["run_name"], ["run_name DESC"], ["user_id", "run_name"], ["Created"],
    ["attributes.created DESC"], ["`metrics`.acc"], ["metrics.acc desc"], ["metrics.acc  DESC"], ["attr.end_time DESC"],
    ["metrics.acc SIDEWAYS"], ["nothing"], ["foo.bar"], [""], ["metrics.acc DESC, params.lr"], ["start_time", "start_time DESC"],
    ["metrics.acc asc", "metrics.acc"], ["dataset.name"], ["DESC"], ["metrics."], "metrics.acc", [5], ["run_id IN ('x')"],
]


def search(talk, **more):
    return talk.post("runs/search", {"experiment_ids": ["$experiment"]} | more)


@pytest.mark.parametrize("text", FILTERS)
def test_filter(runs, text):
    search(runs, filter=text, order_by=["attributes.run_name"])


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:40])
def test_filter_refused(runs, text):
    search(runs, filter=text)


@pytest.mark.parametrize("text", EXTENSIONS)
def test_filter_of_our_own(runs, text):
    """MLflow refuses these, or reads them as something else."""
    reply = runs.post("runs/search", {"experiment_ids": ["$experiment"], "filter": text}, but="filters")
    assert reply.status == 200, reply.raw
    found = {run["info"]["run_name"] for run in reply.body["runs"]}

    def matches(n):
        acc, lr, team = n / 10 if n < 9 else (float("nan"), 9e99)[n - 9] if n < 11 else -9e99, f"0.{n % 4}", f"t{n % 3}"
        return {EXTENSIONS[0]: acc > 0.5 or lr == "0.1", EXTENSIONS[1]: acc > 0.5, EXTENSIONS[2]: not acc > 0.5,
                EXTENSIONS[3]: lr in ("0.1", "0.2") and team != "t1"}[text]
    unsure = {"run 09"}  # NaN: neither above nor below
    assert found - unsure == {f"run {n:02d}" for n in range(12) if n != 10 and matches(n)} - unsure


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_order(runs, order):
    search(runs, order_by=order)


@pytest.mark.parametrize("view", ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", "NONE", 99])
def test_view(runs, view):
    search(runs, run_view_type=view, order_by=["run_name"])


@pytest.mark.parametrize("most", [0, -1, 1, 3, 12, 50_000, 50_001, "5", "x", 2.5, None])
def test_page_size(runs, most):
    search(runs, max_results=most, order_by=["run_name"])


def test_pages(runs):
    """Through all, by a column with equal values."""
    want = {"experiment_ids": ["$experiment"], "max_results": 4, "order_by": ["params.lr DESC"]}
    runs.post("runs/search", want, save={"page": "next_page_token"}, status=200)
    runs.post("runs/search", want | {"page_token": "$page"}, save={"page": "next_page_token"}, status=200)
    last = runs.post("runs/search", want | {"page_token": "$page"}, status=200)
    assert "next_page_token" not in last.body and len(last.body["runs"]) == 3
    for token in ("x", "bm90IGpzb24=", 5, "e30="):
        runs.post("runs/search", want | {"page_token": token})


@pytest.mark.parametrize("body", [
    {}, {"experiment_ids": []}, {"experiment_ids": ["987654"]}, {"experiment_ids": ["letters"]}, {"experiment_ids": "$experiment"},
    {"experiment_ids": ["$experiment", "0"], "filter": "tags.team = 't1'"}, {"experiment_ids": [0], "filter": "tags.team = 't1'"},
    {"experiment_ids": ["$experiment"], "filter": 5}, {"experiment_ids": ["$experiment"], "filter": None},
    {"experiment_ids": ["$experiment", "$experiment"], "max_results": 2}, {"experiment_ids": None}], ids=str)
def test_where_to_look(runs, body):
    runs.post("runs/search", body)
