# SPDX-License-Identifier: Apache-2.0
"""Where `slipway serve` answers otherwise than MLflow 3.17 on purpose. One row for each, with the reason. The tests name
the row that allows a difference, and the manual's page slipway-mlflow(7) is this table: `GENERATE=1` with
test_endpoints.py writes it anew."""
from typing import NamedTuple


class Difference(NamedTuple):
    what: str         # what is different, for the manual
    reason: str       # why
    fields: tuple = ()  # members that are left out of every comparison


DIFFERENCES = {
    "error-class": Difference(
        "Error bodies hold error_code and message; MLflow 3.17 adds sqlstate and error_class.",
        "The client reads neither, and both repeat what error_code says.",
        ("sqlstate", "error_class")),
    "boolean-filters": Difference(
        "Filters may have OR, NOT and parentheses in every search.",
        "MLflow refuses them or reads them as something else; users ask for them most."),
    "artifact-paths": Difference(
        "Paths of artifacts with an empty part or a part '.' are refused as 'Invalid path'; MLflow drops these parts.",
        "A path that is repaired is checked in one form and used in another, which is how most reports against it came about."),
    "breakdown": Difference(
        "Where a request makes MLflow answer 500, or with the text of a database error, it is answered or refused with 400 or "
        "404 in words.",
        "A client retries a 500 for minutes, though the request will not become better."),
}


def manual():
    """slipway-mlflow(7), mdoc."""
    def escaped(text):
        return text.replace("\\", "\\e").replace("-", "\\-")
    rows = "".join(f".It {escaped(d.what)}\n{escaped(d.reason)}\n" for d in DIFFERENCES.values())
    return (".\\\" Made by tests/mlflow/test_endpoints.py from tests/mlflow/differences.py.\n"
            ".Dd $Mdocdate$\n.Dt SLIPWAY-MLFLOW 7\n.Os\n.Sh NAME\n.Nm slipway-mlflow\n"
            ".Nd where the tracking API differs from MLflow on purpose\n.Sh DESCRIPTION\n"
            "Unmodified scripts with an MLflow client of 2.22 or 3.17 log into\n.Xr slipway 1 :\n"
            "every call of the tracking API is compared with the real MLflow server in the tests.\n"
            "What differs on purpose:\n.Bl -tag -width Ds\n" + rows + ".El\n.Sh SEE ALSO\n.Xr slipway 1\n")
