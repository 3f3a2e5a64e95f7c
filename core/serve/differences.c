// SPDX-License-Identifier: Apache-2.0
// Where the answers differ from MLflow's on purpose, for the manual. tests/mlflow compares both servers, reply by reply, and
// holds a reason for each difference that it meets.
#include "core/serve/reference.h"

const struct sw_api_difference sw_api_differences[] = {
    {"filters",
     "OR, NOT, parentheses, IS NULL, IN and LIKE on everything, and ordering by tags are understood beside "
     "MLflow's own grammar. What cannot be understood is refused with the column where reading stopped; MLflow "
     "ignores some of it (a trailing AND)."},
    {"numbers", "A step or time that is not a whole number, and a value that is true or false, are refused instead of "
                "being turned into another number. max_results of a wrong type is named as such."},
    {"lengths", "Limits count bytes of UTF-8, where MLflow counts characters."},
    {"view types", "A view type that does not exist is refused; MLflow takes it for ACTIVE_ONLY."},
    {"states", "INVALID_STATE is status 400, since the client would repeat a 500 for minutes."},
    {"full disk",
     "Answered with 507 RESOURCE_EXHAUSTED, which the client does not repeat. Nothing is half-written, and "
     "logging works again as soon as there is room. A store that is busy is waited for and never an error."},
    {"names of tags",
     "The tags of a new run follow the rules for tags; MLflow checks them only when they are set later."},
    {"searches of logged models",
     "Need an experiment and a field for each order; a data set without a digest stands for "
     "all of that name."},
    {"run status", "A status that does not exist is refused; MLflow drops it or takes its number."},
    {"data sets", "A logged data set needs a name, a digest and a source; MLflow keeps empty ones."},
    {"infinite and missing values",
     "NaN and infinities are kept with their step and time also when they come as bare words "
     "of Python or as text; MLflow loses the step and time of some."},
    {"artifact paths",
     "Paths with an empty part, '.' or '..' are refused as 'Invalid path'; MLflow drops some of these "
     "parts. A path that is repaired is checked in one form and used in another."},
    {"server errors",
     "Where a request makes MLflow answer 500 or the text of a database error, it is answered, or refused "
     "with 400 or 404 in words: a client repeats a 500 for minutes."},
    {"start time", "A run made without a start time begins now, not in 1970."},
    {"artifact locations",
     "The store keeps the artifacts, or a remote store that the client reaches by itself (s3:, gs:, "
     "...). Paths of the server's machine are refused."},
    {"model sources",
     "A version is a copy of its source's bytes, with digests, made when it is registered; "
     "get-download-uri gives the place of that copy, so what is loaded is what was registered. Sources "
     "are logged models, artifacts of runs, or remote URIs; the last hold no bytes and cannot be "
     "approved. Paths of the server's machine are refused."},
    {"model names",
     "At most 250 bytes, without control characters, '@', '%', '?', '#' and '\\', and beginning with neither "
     "'.', '-' nor a space: a name is a folder, a part of a URI and of NAME@alias."},
    {"deleting models",
     "Versions and models are hidden, since approvals name them. Numbers are not used again, also when "
     "a model of the same name is made anew. A model whose versions were approved keeps its name."},
    {"users of models",
     "Registered models and versions name who registered them (user_id), which belongs to their audit."},
    {"types", "A member of a wrong type is refused; MLflow takes some for texts and leaves some out."},
    {"malformed bodies",
     "A body that is no JSON object is refused by every call; some of MLflow's take it for an empty one."},
    {"messages", "Where status and error_code are MLflow's, the words may tell more or less."},
    {"workspaces", "A store is one workspace: experiments have no such member."},
    {"page tokens", "Opaque, and of another form: one server's are of no use to the other."},
    {"members of errors", "Errors have error_code and message alone, without sqlstate and error_class."},
    {"tokens", "Every call but /health and /version needs the token, as Bearer or as the password of Basic."},
};
const size_t sw_api_difference_count = sizeof sw_api_differences / sizeof *sw_api_differences;
