# SPDX-License-Identifier: Apache-2.0
"""Experiments over raw REST, both servers side by side."""
import uuid

import pytest

NAMES = ("alpha", "Beta", "gamma_1", "gamma%2", "deleted one")


@pytest.fixture(scope="module")
def filled(talk):
    """Experiments with a prefix of their own, one of them deleted; names and creation order are the same on both."""
    talk.keep(xs=f"xs{uuid.uuid4().hex[:8]}")
    for number, name in enumerate(NAMES):
        talk.experiment("${xs}/" + name, save=f"e{number}", tags=[{"key": "${xs}", "value": f"v{number % 2}"},
                                                              {"key": "n", "value": str(number)}])
    talk.post("experiments/delete", {"experiment_id": "$e4"}, status=200)
    return talk


def test_life(both, unique):
    both.experiment(unique, tags=[{"key": "a", "value": "1"}])
    both.get("experiments/get", {"experiment_id": "$experiment"}, status=200)
    both.get("experiments/get-by-name", {"experiment_name": unique}, status=200)
    both.post("experiments/create", {"name": unique}, status=400)
    both.post("experiments/update", {"experiment_id": "$experiment", "new_name": unique + "-b"}, status=200)
    both.post("experiments/set-experiment-tag", {"experiment_id": "$experiment", "key": "b", "value": "2"})
    both.post("experiments/set-experiment-tag", {"experiment_id": "$experiment", "key": "b", "value": "3"})
    both.get("experiments/get", {"experiment_id": "$experiment"}, status=200)
    both.post("experiments/delete-experiment-tag", {"experiment_id": "$experiment", "key": "b"})
    both.post("experiments/delete-experiment-tag", {"experiment_id": "$experiment", "key": "b"})
    both.run()
    both.post("experiments/delete", {"experiment_id": "$experiment"}, status=200)
    both.get("experiments/get", {"experiment_id": "$experiment"}, status=200)
    both.get("experiments/get-by-name", {"experiment_name": unique + "-b"})
    both.get("runs/get", {"run_id": "$run"}, status=200)
    for path, body in (("delete", {}), ("update", {"new_name": "x"}), ("set-experiment-tag", {"key": "a", "value": "b"})):
        both.post(f"experiments/{path}", {"experiment_id": "$experiment"} | body)
    both.post("experiments/create", {"name": unique + "-b"})
    both.post("runs/create", {"experiment_id": "$experiment"})
    both.post("experiments/restore", {"experiment_id": "$experiment"}, status=200)
    both.post("experiments/restore", {"experiment_id": "$experiment"})
    both.get("runs/get", {"run_id": "$run"}, status=200)
    both.experiment(unique, save="other")
    both.post("experiments/update", {"experiment_id": "$experiment", "new_name": unique})


def test_a_place_for_artifacts_of_ones_own(both, unique):
    both.experiment(unique, artifact_location=f"s3://bucket/{unique}")
    both.get("experiments/get", {"experiment_id": "$experiment"})
    both.run()
    both.get("runs/get", {"run_id": "$run"})
    both.post("experiments/create", {"name": unique + "-b", "artifact_location": f"mlflow-artifacts:/{unique}"}, but="place")


def test_the_default_experiment(both):
    for reply in both.send("GET", "experiments/get-by-name", query={"experiment_name": "Default"}):
        assert reply.at("experiment.experiment_id") == "0" and reply.at("experiment.artifact_location") == "mlflow-artifacts:/0"


FILTERS = [
    "name = '${xs}/alpha'", "name != '${xs}/alpha' AND tags.${xs} LIKE 'v%'", "name LIKE '${xs}/%'", "name ILIKE '${xs}/b%'", "name LIKE '${xs}/gamma_1'",
    "name LIKE '${xs}/gamma%'", "attribute.name = '${xs}/Beta'", "attributes.name = '${xs}/Beta'", "attr.name = '${xs}/Beta'",
    "tags.${xs} = 'v0'", "tag.${xs} = 'v1'", "tags.`${xs}` != 'v0'", "tags.${xs} LIKE 'v%'", "tags.${xs} ILIKE 'V0'",
    "tags.${xs} = 'v0' AND name LIKE '%a%'", 'tags."n" = "3"', "tags.${xs} = 'v0' and tags.n = '2'",
    "tags.absent = 'x'", "creation_time > 0 AND tags.${xs} = 'v0'", "last_update_time < 5", "tags.${xs} IS NULL AND name = 'Default'",
    "tags.${xs} IS NOT NULL", "name IS NULL",
]
WRONG = ["name > 'x'", "name = 5", "tags.${xs} > 'v'", "nothing = 'x'", "params.x = 'y'", "metrics.x > 1", "name", "name =",
         "name = 'x' AND", "creation_time = 'x'", "tags.${xs} = v0", "'x' = name", "name IN ('a', 'b')", "name = 'unclosed",
         "=", "name == 'x'"]


@pytest.mark.parametrize("text", FILTERS)
def test_search(filled, text):
    """With the other tests' experiments left out."""
    own = text if "xs" in text else f"{text} AND tags.${{xs}} LIKE 'v%'"
    filled.post("experiments/search", {"filter": own, "max_results": 100, "view_type": "ALL", "order_by": ["name"]})


@pytest.mark.parametrize("text", WRONG)
def test_search_refused(filled, text):
    filled.post("experiments/search", {"filter": text, "max_results": 100})


@pytest.mark.parametrize("order", [["name"], ["name DESC"], ["name ASC"], ["creation_time"], ["last_update_time DESC"],
                                   ["experiment_id"], ["experiment_id DESC"], ["attribute.name"], [], ["tags.n"],
                                   ["nothing"], ["name SIDEWAYS"], ["name", "experiment_id DESC"]])
def test_search_in_order(filled, order):
    filled.post("experiments/search", {"filter": "tags.${xs} LIKE 'v%'", "max_results": 100, "order_by": order})


@pytest.mark.parametrize("view", ["ACTIVE_ONLY", "DELETED_ONLY", "ALL", "SOMETHING", 3, None])
def test_search_by_view(filled, view):
    filled.post("experiments/search", {"filter": "tags.${xs} LIKE 'v%'", "max_results": 100, "view_type": view,
                                       "order_by": ["name"]})


def test_search_by_pages(filled):
    want = {"filter": "tags.${xs} LIKE 'v%'", "max_results": 3, "view_type": "ALL", "order_by": ["name"]}
    filled.post("experiments/search", want, save={"page": "next_page_token"})
    filled.post("experiments/search", want | {"page_token": "$page"}, status=200)
    query = {"max_results": 2, "filter": "tags.${xs} LIKE 'v%'", "order_by": ["name DESC"]}
    filled.get("experiments/search", query, save={"page": "next_page_token"}, status=200)
    filled.get("experiments/search", query | {"page_token": "$page"}, status=200)


@pytest.mark.parametrize("most", [0, -1, 1, 1000, 50_000, 50_001, "7", "seven", 1.5, True])
def test_search_by_page_size(filled, most):
    filled.post("experiments/search", {"filter": "name = '${xs}/alpha'", "max_results": most})


@pytest.mark.parametrize("token", ["x", "bm90IGpzb24=", "", 7])
def test_search_with_a_bad_token(filled, token):
    filled.post("experiments/search", {"filter": "name = '${xs}/alpha'", "max_results": 5, "page_token": token})


@pytest.mark.parametrize("path, body", [
    ("create", {}), ("create", {"name": ""}), ("create", {"name": 5}), ("create", {"name": None}), ("create", {"name": ["x"]}),
    ("create", {"name": "n" * 501}), ("create", {"name": "ok", "tags": "x"}), ("create", {"name": "ok", "tags": [{"value": "x"}]}),
    ("create", {"name": "ok", "artifact_location": 5}), ("create", {"name": "xs#1", "artifact_location": "s3://b/x#fragment"}),
    ("update", {}), ("update", {"experiment_id": "0"}), ("update", {"experiment_id": "987654", "new_name": "x"}),
    ("update", {"experiment_id": 0, "new_name": 5}), ("update", {"experiment_id": "0", "new_name": "n" * 501}),
    ("delete", {}), ("delete", {"experiment_id": "987654"}), ("delete", {"experiment_id": "letters"}),
    ("restore", {}), ("restore", {"experiment_id": "987654"}),
    ("set-experiment-tag", {"experiment_id": "0"}), ("set-experiment-tag", {"experiment_id": "0", "key": "k"}),
    ("set-experiment-tag", {"experiment_id": "987654", "key": "k", "value": "v"}),
    ("set-experiment-tag", {"experiment_id": "0", "key": "k" * 251, "value": "v"}),
    ("set-experiment-tag", {"experiment_id": "0", "key": "k", "value": "v" * 5001}),
    ("set-experiment-tag", {"experiment_id": "0", "key": "bad\tkey", "value": "v"}),
    ("set-experiment-tag", {"experiment_id": "0", "key": "../up", "value": "v"}),
    ("set-experiment-tag", {"experiment_id": "0", "key": 5, "value": "v"}),
    ("delete-experiment-tag", {"experiment_id": "0"}), ("delete-experiment-tag", {"experiment_id": "987654", "key": "k"}),
    ("delete-experiment-tag", {"experiment_id": "0", "key": "absent"}),
])
def test_refused(both, path, body):
    both.post(f"experiments/{path}", body)


@pytest.mark.parametrize("path, query", [
    ("get", {}), ("get", {"experiment_id": "987654"}), ("get", {"experiment_id": "letters"}), ("get", {"experiment_id": ""}),
    ("get-by-name", {}), ("get-by-name", {"experiment_name": "nobody"}), ("get-by-name", {"experiment_name": ""}),
    ("get", {"experiment_id": "0", "other": "ignored"}), ("get", {"experiment_id": ["0", "1"]}),
])
def test_get_refused(both, path, query):
    both.get(f"experiments/{path}", query)


def test_names_at_their_limits(both, unique):
    both.experiment((unique + "n" * 500)[:500])
    both.post("experiments/set-experiment-tag", {"experiment_id": "$experiment", "key": "k" * 250, "value": "v" * 5000})
    both.get("experiments/get", {"experiment_id": "$experiment"})
    both.experiment(unique + " é/🙂.\"'`%_")
    both.get("experiments/get-by-name", {"experiment_name": unique + " é/🙂.\"'`%_"}, status=200)
