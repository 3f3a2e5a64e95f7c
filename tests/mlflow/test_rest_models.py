# SPDX-License-Identifier: Apache-2.0
"""Logged models and the model registry over raw REST, both servers side by side."""
import uuid

import pytest

T = 1_700_000_000_000


# --- logged models ---

@pytest.fixture(scope="module")
def shelf(talk):
    """Six logged models with metrics on a data set, one failed, one deleted."""
    talk.experiment(f"shelf-{uuid.uuid4().hex}")
    talk.run()
    for n in range(6):
        talk.post("logged-models", {"experiment_id": "$experiment", "name": f"model-{n}", "model_type": ("agent", "net")[n % 2],
                                    "source_run_id": "$run", "params": [{"key": "depth", "value": str(n)}],
                                    "tags": [{"key": "team", "value": f"t{n % 3}"}]},
                  save={f"m{n}": "model.info.model_id"}, status=200)
        status = "LOGGED_MODEL_UPLOAD_FAILED" if n == 4 else "LOGGED_MODEL_READY"
        talk.patch(f"logged-models/${{m{n}}}", {"model_id": f"$m{n}", "status": status}, status=200)
        talk.post("runs/log-batch", {"run_id": "$run", "metrics": [
            {"key": "acc", "value": n / 10, "timestamp": T, "step": n, "model_id": f"$m{n}", "dataset_name": "digits",
             "dataset_digest": "d1"}]}, status=200)
    talk.delete("logged-models/${m5}", status=200)
    return talk


def test_logged_model_life(both, unique):
    both.experiment(unique)
    both.run()
    both.post("logged-models", {"experiment_id": "$experiment", "name": "net", "source_run_id": "$run"},
              save={"model": "model.info.model_id"}, status=200)
    both.get("logged-models/${model}", status=200)
    both.post("logged-models/${model}/params", {"params": [{"key": "a", "value": "1"}]})
    both.post("logged-models/${model}/params", {"params": [{"key": "a", "value": "2"}]})
    both.patch("logged-models/${model}/tags", {"tags": [{"key": "t", "value": "1"}, {"key": "u", "value": "2"}]})
    both.patch("logged-models/${model}/tags", {"tags": [{"key": "t", "value": "3"}]})
    both.delete("logged-models/${model}/tags/u")
    both.delete("logged-models/${model}/tags/absent")
    both.post("runs/outputs", {"run_id": "$run", "models": [{"model_id": "$model", "step": 7}]})
    both.post("runs/log-inputs", {"run_id": "$run", "models": [{"model_id": "$model"}]})
    both.post("runs/log-metric", {"run_id": "$run", "key": "acc", "value": 1, "timestamp": T, "model_id": "$model"})
    both.get("runs/get", {"run_id": "$run"}, status=200)
    both.get("logged-models/${model}", status=200)
    both.get("logged-models/${model}/artifacts/directories")
    both.patch("logged-models/${model}", {"model_id": "$model", "status": "LOGGED_MODEL_READY"}, status=200)
    both.get("logged-models/${model}", status=200)
    both.patch("logged-models/${model}", {"model_id": "$model", "status": "READY"})
    both.delete("logged-models/${model}", status=200)
    both.get("logged-models/${model}")
    both.delete("logged-models/${model}")


@pytest.mark.parametrize("body", [
    {}, {"experiment_id": "987654"}, {"experiment_id": "0", "name": "bad/name"}, {"experiment_id": "0", "name": "a:b"},
    {"experiment_id": "0", "name": ""}, {"experiment_id": "0", "params": [{"key": "k" * 251, "value": "v"}]},
    {"experiment_id": "0", "name": 5}, {"experiment_id": "0", "tags": "x"}, {"experiment_id": "0", "name": "%"},
    {"experiment_id": "0", "params": [{"key": "k", "value": "v" * 6001}]}, {"experiment_id": "0", "source_run_id": "0" * 32}])
def test_logged_model_create_refused(both, body):
    both.post("logged-models", body)


@pytest.mark.parametrize("method, path, body", [
    ("GET", "", None), ("PATCH", "", {"status": "LOGGED_MODEL_READY"}), ("DELETE", "", None), ("PATCH", "/tags", {"tags": []}),
    ("DELETE", "/tags/x", None), ("POST", "/params", {"params": [{"key": "a", "value": "b"}]}), ("GET", "/artifacts/directories", None)])
def test_no_such_logged_model(both, method, path, body):
    both.call(method, f"logged-models/m-{'0' * 32}{path}", body)


@pytest.mark.parametrize("text", [
    "", "name = 'model-1'", "attributes.name LIKE 'model-%'", "model_type = 'net'", "attributes.status = 'READY'",
    "status = 'FAILED'", "params.depth = '2'", "tags.team = 't1'", "metrics.acc > 0.1", "metrics.acc >= 0.2 AND tags.team != 't0'",
    "source_run_id = '${run}'", "model_id = '${m2}'", "attributes.model_id IN ('${m0}', '${m3}')", "creation_timestamp > 5",
    "attributes.creation_time > 5", "nothing = 'x'", "name", "metrics.acc > 'x'", "params.depth > '1'", "name = 'x' OR name = 'y'",
    "experiment_id = '0'", "attributes.last_updated_timestamp < 5", "name ILIKE 'MODEL-2'", "params.depth IS NULL"])
def test_logged_model_search(shelf, text):
    but = "filters" if " OR " in text else None
    shelf.post("logged-models/search", {"experiment_ids": ["$experiment"], "filter": text,
                                        "order_by": [{"field_name": "name", "ascending": True}]}, but=but)


@pytest.mark.parametrize("more", [
    {"order_by": [{"field_name": "metrics.acc", "ascending": False}]}, {"order_by": [{"field_name": "metrics.acc", "ascending": True}]},
    {"order_by": [{"field_name": "metrics.acc", "dataset_name": "digits", "dataset_digest": "d1"}]},
    {"order_by": [{"field_name": "metrics.acc", "dataset_name": "other"}]}, {"order_by": [{"field_name": "creation_timestamp"}]},
    {"order_by": [{"field_name": "params.depth"}]}, {"order_by": [{"field_name": "nothing"}]}, {"order_by": [{"ascending": True}]},
    {"order_by": "name"}, {"order_by": [{"field_name": "last_updated_timestamp", "ascending": False}]},
    {"datasets": [{"dataset_name": "digits", "dataset_digest": "d1"}], "filter": "metrics.acc > 0.1"},
    {"datasets": [{"dataset_name": "other"}], "filter": "metrics.acc > 0.1"}, {"datasets": [{}]},
    {"max_results": 2, "order_by": [{"field_name": "name"}]}, {"max_results": 0}, {"max_results": 51}, {"max_results": "x"},
    {"page_token": "x"}, {"experiment_ids": []}, {"experiment_ids": ["987654"]}, {"filter": 5}])
def test_logged_model_search_otherwise(shelf, more):
    shelf.post("logged-models/search", {"experiment_ids": ["$experiment"]} | more)


def test_logged_model_search_by_pages(shelf):
    want = {"experiment_ids": ["$experiment"], "max_results": 2, "order_by": [{"field_name": "name", "ascending": True}]}
    shelf.post("logged-models/search", want, save={"page": "next_page_token"}, status=200)
    shelf.post("logged-models/search", want | {"page_token": "$page"}, status=200)


# --- the registry ---

@pytest.fixture(scope="module")
def registry(talk):
    """Three registered models with a prefix of their own; the first has four versions, in two stages, with an alias."""
    talk.experiment(f"registry-{uuid.uuid4().hex}")
    talk.run()
    talk.keep(p=f"p{uuid.uuid4().hex[:8]}")
    for name, tags in (("a", [{"key": "task", "value": "vision"}]), ("b", []), ("C", [{"key": "task", "value": "text"}])):
        talk.post("registered-models/create", {"name": "${p}" + name, "tags": tags, "description": f"about {name}"}, status=200)
    for n in range(4):
        talk.post("model-versions/create", {"name": "${p}a", "source": "mlflow-artifacts:/${experiment}/${run}/artifacts/m" if n % 2 else "s3://bucket/m",
                                            "run_id": "$run" if n % 2 else "", "tags": [{"key": "n", "value": str(n)}]}, status=200)
    talk.post("model-versions/transition-stage", {"name": "${p}a", "version": "2", "stage": "Staging",
                                                  "archive_existing_versions": False}, status=200)
    talk.post("model-versions/transition-stage", {"name": "${p}a", "version": "3", "stage": "Production",
                                                  "archive_existing_versions": False}, status=200)
    talk.post("registered-models/alias", {"name": "${p}a", "alias": "champion", "version": "3"}, status=200)
    return talk


def version(both, name, **more):
    both.post("model-versions/create", {"name": name, "source": "s3://bucket/models/m"} | more)


def test_registered_model_life(both, unique):
    both.post("registered-models/create", {"name": unique, "description": "first", "tags": [{"key": "a", "value": "1"}]}, status=200)
    both.post("registered-models/create", {"name": unique})
    both.patch("registered-models/update", {"name": unique, "description": "second"}, status=200)
    both.patch("registered-models/update", {"name": unique, "description": ""})
    both.patch("registered-models/update", {"name": unique})
    both.post("registered-models/set-tag", {"name": unique, "key": "b", "value": "2"})
    both.post("registered-models/set-tag", {"name": unique, "key": "b", "value": "3"})
    both.delete("registered-models/delete-tag", {"name": unique, "key": "a"})
    both.delete("registered-models/delete-tag", {"name": unique, "key": "absent"})
    both.get("registered-models/get", {"name": unique}, status=200)
    both.post("registered-models/rename", {"name": unique, "new_name": unique + "-b"}, status=200)
    both.get("registered-models/get", {"name": unique})
    both.post("registered-models/create", {"name": unique}, status=200)
    both.post("registered-models/rename", {"name": unique, "new_name": unique + "-b"})
    both.delete("registered-models/delete", {"name": unique}, status=200)
    both.delete("registered-models/delete", {"name": unique})
    both.get("registered-models/get", {"name": unique})


def test_version_life(both, unique):
    both.experiment(unique)
    both.run()
    both.post("registered-models/create", {"name": unique}, status=200)
    version(both, unique, run_id="$run", description="one", run_link="https://ci/1", tags=[{"key": "a", "value": "1"}])
    version(both, unique)
    both.get("model-versions/get", {"name": unique, "version": "1"}, status=200)
    both.get("model-versions/get-download-uri", {"name": unique, "version": "1"}, status=200)
    both.patch("model-versions/update", {"name": unique, "version": "1", "description": "changed"}, status=200)
    both.post("model-versions/set-tag", {"name": unique, "version": "1", "key": "b", "value": "2"})
    both.delete("model-versions/delete-tag", {"name": unique, "version": "1", "key": "a"})
    both.delete("model-versions/delete-tag", {"name": unique, "version": "1", "key": "absent"})
    both.post("registered-models/alias", {"name": unique, "alias": "best", "version": "1"}, status=200)
    both.post("registered-models/alias", {"name": unique, "alias": "best", "version": "2"}, status=200)
    both.get("registered-models/alias", {"name": unique, "alias": "best"}, status=200)
    both.get("registered-models/get", {"name": unique}, status=200)
    both.delete("model-versions/delete", {"name": unique, "version": "2"}, status=200)
    both.get("registered-models/alias", {"name": unique, "alias": "best"})
    both.get("model-versions/get", {"name": unique, "version": "2"})
    version(both, unique)  # 3: a number is not used again
    both.post("registered-models/alias", {"name": unique, "alias": "best", "version": "3"}, status=200)
    both.delete("registered-models/alias", {"name": unique, "alias": "best"}, status=200)
    both.delete("registered-models/alias", {"name": unique, "alias": "best"})
    both.post("registered-models/rename", {"name": unique, "new_name": unique + "-b"}, status=200)
    both.get("model-versions/get", {"name": unique + "-b", "version": "3"}, status=200)
    both.get("registered-models/get", {"name": unique + "-b"}, status=200)
    both.delete("registered-models/delete", {"name": unique + "-b"}, status=200)
    both.get("model-versions/get", {"name": unique + "-b", "version": "3"})


def test_stages(both, unique):
    both.post("registered-models/create", {"name": unique}, status=200)
    for _ in range(3):
        version(both, unique)
    stage = {"name": unique, "archive_existing_versions": False}
    both.post("model-versions/transition-stage", stage | {"version": "1", "stage": "Production"}, status=200)
    both.post("model-versions/transition-stage", stage | {"version": "2", "stage": "production"}, status=200)
    both.get("registered-models/get-latest-versions", {"name": unique}, status=200)
    both.post("model-versions/transition-stage", {"name": unique, "version": "3", "stage": "Production",
                                                  "archive_existing_versions": True}, status=200)
    both.post("registered-models/get-latest-versions", {"name": unique, "stages": ["Production", "Archived"]}, status=200)
    both.get("registered-models/get-latest-versions", {"name": unique, "stages": ["None"]})
    both.get("registered-models/get-latest-versions", {"name": unique, "stages": ["Nowhere"]})
    for change in ({"stage": "Nowhere"}, {"stage": ""}, {"version": "9"}, {"version": "x"}, {"stage": "None"},
                   {"stage": "Archived", "archive_existing_versions": True}, {"stage": 5}):
        both.post("model-versions/transition-stage", stage | {"version": "1", "stage": "Staging"} | change)
    both.post("model-versions/transition-stage", {"name": unique, "version": "1"})


def test_versions_of_a_logged_model(both, unique):
    both.experiment(unique)
    both.run()
    both.post("registered-models/create", {"name": unique}, status=200)
    both.post("logged-models", {"experiment_id": "$experiment", "name": "net", "source_run_id": "$run"},
              save={"model": "model.info.model_id"}, status=200)
    both.post("model-versions/create", {"name": unique, "source": "models:/${model}", "run_id": "$run", "model_id": "$model"})
    both.get("model-versions/get", {"name": unique, "version": "1"})
    both.get("model-versions/get-download-uri", {"name": unique, "version": "1"})
    both.get("logged-models/${model}")
    both.post("model-versions/create", {"name": unique, "source": f"models:/m-{'0' * 32}", "model_id": f"m-{'0' * 32}"})
    both.post("model-versions/create", {"name": unique, "source": f"models:/{unique}/1"})
    both.post("model-versions/create", {"name": unique, "source": f"models:/{unique}/77"})


@pytest.mark.parametrize("source", [
    "", "/etc", "file:///etc", "file://localhost/etc/passwd", "./x", "x", "../x", "mlflow-artifacts:/0/../../etc", "s3://b/x",
    "s3://b/../x", "mlflow-artifacts:/0/x#fragment", "runs:/nothing/model", "mlflow-artifacts:/0/%2e%2e/x", "http://host/x",
    "mlflow-artifacts://other-host/0/x", "mlflow-artifacts:/0/x?a=b", "dbfs:/x", 5, None])
def test_sources(both, unique, source):
    both.post("registered-models/create", {"name": unique}, status=200)
    both.post("model-versions/create", {"name": unique, "source": source})


@pytest.mark.parametrize("path, body", [
    ("registered-models/create", {}), ("registered-models/create", {"name": ""}), ("registered-models/create", {"name": "a/b"}),
    ("registered-models/create", {"name": "a:b"}), ("registered-models/create", {"name": 5}), ("registered-models/create", {"name": "."}),
    ("registered-models/create", {"name": "ok", "tags": [{"key": "k" * 251, "value": "v"}]}),
    ("registered-models/create", {"name": "ok", "tags": [{"value": "v"}]}), ("registered-models/create", {"name": "${run}" + "n" * 300}),
    ("registered-models/rename", {}), ("registered-models/rename", {"name": "nobody", "new_name": "x"}),
    ("registered-models/rename", {"name": "${p}a"}), ("registered-models/rename", {"name": "${p}a", "new_name": "a/b"}),
    ("registered-models/set-tag", {"name": "${p}a"}), ("registered-models/set-tag", {"name": "nobody", "key": "k", "value": "v"}),
    ("registered-models/set-tag", {"name": "${p}b", "key": "k" * 251, "value": "v"}),
    ("registered-models/set-tag", {"name": "${p}b", "key": "k", "value": "v" * 5001}),
    ("registered-models/set-tag", {"name": "${p}b", "key": "k"}),
    ("registered-models/get-latest-versions", {}), ("registered-models/get-latest-versions", {"name": "nobody"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "x"}), ("registered-models/alias", {"name": "${p}a", "alias": "v1", "version": "1"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "latest", "version": "1"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "Latest", "version": "1"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "a b", "version": "1"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "x", "version": "99"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "x", "version": "one"}),
    ("registered-models/alias", {"name": "${p}a", "alias": "a" * 256, "version": "1"}),
    ("registered-models/alias", {"name": "nobody", "alias": "x", "version": "1"}), ("registered-models/alias", {"name": "${p}a", "alias": "", "version": "1"}),
    ("model-versions/create", {}), ("model-versions/create", {"name": "nobody", "source": "s3://b/x"}), ("model-versions/create", {"name": "${p}b"}),
    ("model-versions/create", {"name": "${p}b", "source": "s3://b/x", "tags": [{"key": "k" * 251, "value": "v"}]}),
    ("model-versions/set-tag", {"name": "${p}a", "version": "1", "key": "k"}), ("model-versions/set-tag", {"name": "${p}a", "version": "99", "key": "k", "value": "v"}),
    ("model-versions/set-tag", {"name": "${p}a", "version": "x", "key": "k", "value": "v"}), ("model-versions/set-tag", {"name": "${p}a"}),
    ("model-versions/set-tag", {"name": "${p}a", "version": "1", "key": "k" * 251, "value": "v"}),
    ("model-versions/transition-stage", {}),
])
def test_registry_refused(registry, path, body):
    registry.post(path, body)


@pytest.mark.parametrize("method, path, given", [
    ("GET", "registered-models/get", {}), ("GET", "registered-models/get", {"name": "nobody"}), ("GET", "registered-models/get", {"name": ""}),
    ("DELETE", "registered-models/delete", {}), ("DELETE", "registered-models/delete", {"name": "nobody"}),
    ("PATCH", "registered-models/update", {}), ("PATCH", "registered-models/update", {"name": "nobody", "description": "x"}),
    ("DELETE", "registered-models/delete-tag", {"name": "${p}a"}), ("DELETE", "registered-models/delete-tag", {"name": "nobody", "key": "k"}),
    ("GET", "registered-models/alias", {"name": "${p}a"}), ("GET", "registered-models/alias", {"name": "${p}a", "alias": "absent"}),
    ("GET", "registered-models/alias", {"name": "nobody", "alias": "x"}), ("DELETE", "registered-models/alias", {"name": "nobody", "alias": "x"}),
    ("DELETE", "registered-models/alias", {"name": "${p}a"}), ("GET", "model-versions/get", {}), ("GET", "model-versions/get", {"name": "${p}a"}),
    ("GET", "model-versions/get", {"name": "${p}a", "version": "99"}), ("GET", "model-versions/get", {"name": "${p}a", "version": "x"}),
    ("GET", "model-versions/get", {"name": "nobody", "version": "1"}), ("GET", "model-versions/get", {"name": "${p}a", "version": "3"}),
    ("DELETE", "model-versions/delete", {"name": "${p}a", "version": "99"}), ("DELETE", "model-versions/delete", {"name": "${p}a"}),
    ("PATCH", "model-versions/update", {"name": "${p}a", "version": "99", "description": "x"}), ("PATCH", "model-versions/update", {"name": "${p}a"}),
    ("DELETE", "model-versions/delete-tag", {"name": "${p}a", "version": "1"}), ("DELETE", "model-versions/delete-tag", {"name": "${p}a", "version": "99", "key": "k"}),
    ("GET", "model-versions/get-download-uri", {"name": "${p}a", "version": "99"}), ("GET", "model-versions/get-download-uri", {"name": "${p}a"}),
    ("GET", "registered-models/get-latest-versions", {"name": "${p}a"}),
])
def test_registry_get_refused(registry, method, path, given):
    if method == "GET":
        registry.get(path, given)
    else:
        registry.call(method, path, given)


@pytest.mark.parametrize("text", [
    "", "name LIKE '${p}%'", "name = '${p}a'", "name != '${p}a' AND name LIKE '${p}%'", "name ILIKE '${p}c'", "tags.task = 'vision'",
    "tags.task != 'vision'", "tag.task LIKE 'v%'", "name LIKE '${p}%' AND tags.task = 'text'", "tags.task IS NULL AND name LIKE '${p}%'",
    "name > 'x'", "nothing = 'x'", "name", "run_id = 'x'", "name = 5", "name IN ('${p}a', '${p}b')", "name = 'x' OR name = 'y'", "name NOT IN ('x')",
    "tags.`task` = 'vision'", "version_number > 1", "attributes.name = '${p}a'"])
def test_registered_model_search(registry, text):
    own = text if "${p}" in text or not text or " OR " in text else f"{text} AND name LIKE '${{p}}%'"
    if not text:
        own = "name LIKE '${p}%'"
    registry.get("registered-models/search", {"filter": own, "order_by": ["name"]}, but="filters" if " OR " in text else None)


@pytest.mark.parametrize("query", [
    {"order_by": ["name DESC"]}, {"order_by": ["name ASC"]}, {"order_by": ["last_updated_timestamp"]}, {"order_by": ["timestamp DESC"]},
    {"order_by": ["creation_timestamp"]}, {"order_by": ["nothing"]}, {"order_by": ["name SIDEWAYS"]}, {"order_by": ["tags.task"]},
    {"max_results": 2}, {"max_results": 0}, {"max_results": 1000}, {"max_results": 1001}, {"max_results": "x"}, {"page_token": "x"}])
def test_registered_model_search_otherwise(registry, query):
    registry.get("registered-models/search", {"filter": "name LIKE '${p}%'"} | query)


@pytest.mark.parametrize("text", [
    "name = '${p}a'", "name LIKE '${p}%'", "name ILIKE '${p}A'", "run_id = '${run}'", "run_id IN ('${run}', 'x')", "tags.n = '2' AND name = '${p}a'",
    "version_number > 2 AND name = '${p}a'", "version_number = 1 AND name = '${p}a'", "version_number <= 3 AND name = '${p}a'",
    "source_path LIKE '%${run}%'", "source_path = 'mlflow-artifacts:/${experiment}/${run}/artifacts/m'", "name != '${p}a' AND name LIKE '${p}%'",
    "tags.n != '2' AND name = '${p}a'", "current_stage = 'Production'", "nothing = 'x'", "name > 'x'", "version_number = 'x'",
    "run_id IN ()", "name IN ('${p}a')", "name", "source_path > 'x'", "run_id != '${run}' AND name = '${p}a'", "version_number != 2 AND name = '${p}a'",
    "name = '${p}a' OR name = 'y'", "run_id LIKE 'x'", "tags.n IS NULL AND name = '${p}a'"])
def test_version_search(registry, text):
    but = "filters" if " OR " in text else None
    registry.get("model-versions/search", {"filter": text, "order_by": ["version_number"]}, but=but)


@pytest.mark.parametrize("query", [
    {"order_by": ["version_number DESC"]}, {"order_by": ["name", "version_number ASC"]}, {"order_by": ["creation_timestamp DESC"]},
    {"order_by": ["last_updated_timestamp"]}, {"order_by": ["nothing"]}, {}, {"max_results": 2, "order_by": ["version_number"]}, {"max_results": 0},
    {"max_results": 200_000}, {"max_results": 200_001}, {"page_token": "x"}, {"max_results": "x"}])
def test_version_search_otherwise(registry, query):
    registry.get("model-versions/search", {"filter": "name = '${p}a'"} | query)


def test_registry_pages(registry):
    query = {"filter": "name LIKE '${p}%'", "max_results": 2}
    registry.get("registered-models/search", query, save={"page": "next_page_token"}, status=200)
    registry.get("registered-models/search", query | {"page_token": "$page"}, status=200)
    query = {"filter": "name = '${p}a'", "max_results": 3, "order_by": ["version_number"]}
    registry.get("model-versions/search", query, save={"page": "next_page_token"}, status=200)
    registry.get("model-versions/search", query | {"page_token": "$page"}, status=200)
