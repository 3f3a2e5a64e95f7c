# SPDX-License-Identifier: Apache-2.0
"""Where `slipway serve` answers otherwise than MLflow 3.17 on purpose: what the comparison lets pass, and why. `subject`
is the row of core/serve/differences.c, and so of slipway-api(7), that tells users about it. A call that meets a row says
so (`but="row"`) and must really differ, or the row holds for all calls (`fields`, `path`)."""
import re
from typing import NamedTuple


class Difference(NamedTuple):
    subject: str        # in the manual
    reason: str
    fields: tuple = ()  # members that are left out of a comparison
    path: str = "."     # of the calls for which they are


DIFFERENCES = {
    "error-class": Difference("extra members of errors", "The client reads neither, and both repeat what error_code says.",
                              ("sqlstate", "error_class")),
    "workspace": Difference("workspaces", "A store is one workspace.", ("workspace",), "experiments/"),
    "registry-user": Difference("users of models", "Who registered a version is known here and belongs to its audit.",
                                ("user_id",), "registered-models/|model-versions/"),
    "filters": Difference("filters", "A superset of the grammar, and errors that name the column."),
    "numbers": Difference("numbers", "What is no number of the right kind is refused instead of turned into another."),
    "view": Difference("view types", "A word that is no view type is a mistake of the caller."),
    "types": Difference("types", "A member of a wrong type is refused; MLflow takes some for texts or leaves them out."),
    "states": Difference("states", "INVALID_STATE as 500 would be repeated for minutes."),
    "start-time": Difference("start time", "A run without a start did not start in 1970."),
    "place": Difference("artifact locations", "The store keeps the artifacts; paths of the server's machine are refused."),
    "sources": Difference("model sources", "What is loaded is what was registered."),
    "names": Difference("model names", "A folder's name must hold them."),
    "deleting": Difference("deleting models", "Approvals name them."),
    "lengths": Difference("lengths", "Limits are of bytes."),
    "messages": Difference("messages", "The words of a refusal are our own where ours say more; status and error_code are MLflow's."),
    "breakdown": Difference("breakdowns", "A client repeats a 500 for minutes, though the request will not become better."),
    "json": Difference("malformed bodies", "MLflow reads a body that is no JSON as an empty one in some calls."),
}


def dropped(path):
    """Members that a comparison of a call with this path leaves out."""
    return {field for row in DIFFERENCES.values() if re.search(row.path, path) for field in row.fields}
