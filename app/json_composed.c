// SPDX-License-Identifier: Apache-2.0
// Kinds of documents that a command composes itself because no single struct holds them. Here they are described for the
// manual; tests/scenario/test_json.py holds each printed document against its description.
#include "app/json_kind.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MEMBER(name, text)                                                                                             \
    {                                                                                                                  \
        name, SW_JSON_MADE, 0, NULL, text                                                                              \
    }
#define COMPOSED(variable, kind_name, list_name, fields, text)                                                         \
    const struct sw_json_kind variable = {kind_name, list_name, text, fields, COUNT(fields), 0}

static const struct sw_json_field audit_verdict_fields[] = {
    MEMBER("rows", "rows of the audit log"),
    MEMBER("head", "hash of the newest row"),
};
COMPOSED(sw_json_audit_verdict, "AuditVerdict", NULL, audit_verdict_fields, "the audit chain is intact");

static const struct sw_json_field bundle_fields[] = {
    MEMBER("model", "registered model"),
    MEMBER("version", "its version"),
    MEMBER("model_digest", "tree digest of the model's files"),
    MEMBER("package_digest", "SHA-256 of MANIFEST"),
    MEMBER("files", "number of files"),
    MEMBER("approvals", "number of approvals"),
};
COMPOSED(sw_json_bundle, "Bundle", NULL, bundle_fields, "a bundle that is intact");

static const struct sw_json_field comparison_fields[] = {
    MEMBER("runs", "list of {run_id, name}; the first is the base"),
    MEMBER("rows",
           "list of {kind, key, differs, values}; kind is param, metric or tag, values are in the order of the runs"),
    MEMBER("hidden_count", "rows left out because they are the same in all runs"),
    MEMBER("series",
           "list of {run_id, key, buckets} for each --metric; a bucket is {first_step, last_step, min, max, last}"),
};
COMPOSED(sw_json_comparison, "Comparison", NULL, comparison_fields, "runs side by side");

static const struct sw_json_field description_fields[] = {
    MEMBER("name", "name it was registered under or proposed from the path"),
    MEMBER("path", "absolute path"),
    MEMBER("format", "idx, csv, ..."),
    MEMBER("size_bytes", "size of all files"),
    MEMBER("files", "the files that make it up"),
    MEMBER("classes_source", "where class names come from; null = there are none"),
    MEMBER("version", "version of the registered data set; absent for a path"),
    MEMBER("digest", "its digest; absent for a path"),
    MEMBER("splits",
           "list of {name, rows, rows_exact, rows_examined, is_sample, columns}; a column has name, type, shape, "
           "class_names, nulls, min, max, mean, distinct and class_counts"),
};
COMPOSED(sw_json_description, "DatasetDescription", NULL, description_fields, "a data set looked at");

static const struct sw_json_field error_fields[] = {
    MEMBER("code", "word for the reason: not_found, refused, ..."),
    MEMBER("message", "one sentence that names the object"),
    MEMBER("hint", "what to do next; may be empty"),
};
COMPOSED(sw_json_error, "Error", NULL, error_fields, "a failure, on standard error");

static const struct sw_json_field format_fields[] = {
    MEMBER("name", "name of the format"),
    MEMBER("extensions", "usual endings of file names"),
    MEMBER("summary", "what it is"),
};
COMPOSED(sw_json_format, "Format", "FormatList", format_fields, "a file format that can be read");

static const struct sw_json_field preview_fields[] = {
    MEMBER("model", "registered model"),
    MEMBER("version", "its version"),
    MEMBER("digest", "its tree digest"),
    MEMBER("target", "target as named"),
    MEMBER("address", "its address"),
    MEMBER("destination", "where it would stand"),
    MEMBER("package_digest", "digest of what would be sent"),
    MEMBER("is_approved", "the policy accepts it"),
    MEMBER("verdicts", "list of {rule, want, have, outcome, sentence}"),
    MEMBER("refusal", "why the push would be refused; null = it would not"),
    MEMBER("is_unchanged", "nothing would be written"),
    MEMBER("items", "list of {path, size_bytes, digest, change}; change is new, changed, same or gone"),
    MEMBER("manifests", "the rendered manifests as YAML"),
};
COMPOSED(sw_json_push_preview, "PushPreview", NULL, preview_fields, "what a push would do");

static const struct sw_json_field rows_fields[] = {
    MEMBER("first", "number of the first row"),
    MEMBER("columns", "names of the columns"),
    MEMBER("rows", "list of lists of values; an image or tensor is a flat list"),
};
COMPOSED(sw_json_rows, "Rows", NULL, rows_fields, "rows of a data set");

static const struct sw_json_field template_fields[] = {
    MEMBER("name", "name of the template"),
    MEMBER("summary", "what it makes"),
    MEMBER("description", "the same at length; null = there is none"),
    MEMBER("path", "its file"),
    MEMBER("document_count", "documents of the manifest"),
    MEMBER("parameters", "list of objects with the fields of Parameter and type, min and max"),
};
COMPOSED(sw_json_template_description, "TemplateDescription", NULL, template_fields, "a template with its parameters");

static const struct sw_json_field verdict_fields[] = {
    MEMBER("verdicts", "list of {rule, want, have, outcome, sentence}; outcome is pass, fail or waiting"),
    MEMBER("would_pass", "an approval would be granted"),
};
COMPOSED(sw_json_verdict, "Verdict", NULL, verdict_fields, "what a policy says of a model version");

static const struct sw_json_field version_fields[] = {
    MEMBER("version", "version of the program"),
};
COMPOSED(sw_json_version, "Version", NULL, version_fields, "the program's version");

static const struct sw_json_field server_fields[] = {
    MEMBER("event", "listening"),
    MEMBER("uri", "for MLFLOW_TRACKING_URI"),
    MEMBER("token_file", "holds what MLFLOW_TRACKING_TOKEN must be"),
    MEMBER("pid", "process of the server"),
};
COMPOSED(sw_json_server, "Server", NULL, server_fields, "a tracking server that listens");
