# SPDX-License-Identifier: Apache-2.0
"""Where `slipway serve` answers otherwise than MLflow 3.17 on purpose: what the comparison lets pass, and why. `subject`
is the row of core/serve/differences.c, and so of slipway-api(7), that tells users about it.

A row lets pass what its patterns say and nothing else: `ours`, the words with which we refuse what MLflow takes or refuses
with other words; `theirs`, the words with which MLflow refuses what we take; `fields` of replies to calls with `path`. All
else is named by the call that meets it (but="row"), which must then really differ.
"""
import re
from typing import NamedTuple


class Difference(NamedTuple):
    subject: str        # in the manual
    reason: str
    ours: str = "(?!)"
    theirs: str = "(?!)"
    fields: tuple = ()
    path: str = "."


WRONG_TYPE = r"supplied: an? (whole number|number|text|array|object|true or false)[\w ]* was expected|Hint: Value was of type"
DIFFERENCES = {
    "error-class": Difference("members of errors", "The client reads neither, and both repeat what error_code says.",
                              fields=("sqlstate", "error_class")),
    "workspace": Difference("workspaces", "A store is one workspace.", fields=("workspace",), path="experiments/"),
    "registry-user": Difference("users of models", "Who registered a version is known here and belongs to its audit.",
                                fields=("user_id",), path="registered-models/|model-versions/"),
    "filters": Difference(
        "filters", "A superset of the grammar, and errors that name the column.",
        ours=r"^(query|order|order_by), column \d+: ",
        theirs=r"^Invalid (comparator|clause|entity type|order_by|attribute key|ordering key|comparison|filter)|IS NULL / IS NOT NULL is"
               r"|attributes support comparison with a list|^Expected (numeric|a quoted string)|^Search filter contained"
               r"|^Only \['|^Invalid order[ _]by"),
    "numbers": Difference("numbers", "What is no number of the right kind is refused instead of turned into another.",
                          ours=WRONG_TYPE + r"|parameter 'max_results' supplied. It must be"),
    "view": Difference("view types", "A word that is no view type is a mistake of the caller.", ours=r"'(run_)?view_type' supplied"),
    "types": Difference("types", "A member of a wrong type is refused; MLflow takes some for texts or leaves them out.",
                        ours=WRONG_TYPE),
    "data-sets": Difference("data sets", "One without a name or a digest cannot be told from another.",
                            ours=r"^(Dataset|InputTag)( \w+)? cannot be None|name is empty"),
    "status": Difference("run status", "A word that is no status is a mistake of the caller.", ours=r"parameter 'status' supplied"),
    "logged-models": Difference("searches of logged models", "MLflow answers with nothing where something was left out.",
                                ours="^Missing value for required parameter"),
    "bare-words": Difference("infinite and missing values", "Python's json writes them so."),
    "new-tags": Difference("names of tags", "The same tag has the same rules however it is set."),
    "states": Difference("states", "INVALID_STATE as 500 would be repeated for minutes."),
    "start-time": Difference("start time", "A run without a start did not start in 1970."),
    "place": Difference("artifact locations", "The store keeps the artifacts; paths of the server's machine are refused.",
                        ours="^Invalid artifact location"),
    "paths": Difference("artifact paths", "A path that is repaired is checked in one form and used in another."),
    "sources": Difference("model sources", "What is loaded is what was registered.", ours="^'source' "),
    "names": Difference("model names", "A folder's name must hold them.", ours="^Invalid model name"),
    "deleting": Difference("deleting models", "Approvals name them."),
    "lengths": Difference("lengths", "Limits are of bytes."),
    "messages": Difference("messages", "Status and error_code are MLflow's, the words tell more or less.",
                           ours="missing mandatory fields|^Changing param values|^model_json:|^GetMetricHistoryBulk request|^Invalid page token"),
    "breakdown": Difference("server errors", "A client repeats a 500 for minutes, though the request will not become better."),
    "json": Difference("malformed bodies", "MLflow reads a body that is no JSON as an empty one in some calls."),
}


def dropped(path):
    """Members that a comparison of a call with this path leaves out."""
    return {field for row in DIFFERENCES.values() if re.search(row.path, path) for field in row.fields}


def is_meant(ours, theirs):
    """Two replies that differ, by the patterns: `status`, and `body` with error_code and message where one refuses."""
    said, meant = (reply.body.get("message", "") if reply.status >= 400 and isinstance(reply.body, dict) else ""
                   for reply in (ours, theirs))
    if ours.status >= 400 and theirs.status >= 400:
        same = (ours.status, ours.body.get("error_code")) == (theirs.status, theirs.body.get("error_code"))
        return same and any(re.search(row.ours, said) for row in DIFFERENCES.values())
    if ours.status == 400:
        return any(re.search(row.ours, said) for row in DIFFERENCES.values())
    return theirs.status == 400 and ours.status == 200 and any(re.search(row.theirs, meant) for row in DIFFERENCES.values())
