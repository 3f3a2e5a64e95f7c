// SPDX-License-Identifier: Apache-2.0
// Templates: a YAML file whose first document declares typed parameters and whose other documents are the manifest.
// `${name}` stands for whole scalars only and is replaced in the tree by a value of the parameter's type; no text is ever
// pasted, so no value can change a document's structure. templates/README.md tells how to write one.
#ifndef SW_MANIFEST_TEMPLATE_H
#define SW_MANIFEST_TEMPLATE_H

#include "core/base/arena.h"
#include "core/base/option.h"
#include "core/base/tree.h"

// What a parameter's `from` may name: values that the caller of sw_template_render() knows. Name and meaning.
#define SW_TEMPLATE_SOURCE_TABLE(X)                                                                                    \
    X("model.name", "the model's name in the registry")                                                                \
    X("model.version", "its version number")                                                                           \
    X("model.digest", "its tree digest, as sha256:HEX")                                                                \
    X("model.uri", "where the target finds the model")                                                                 \
    X("model.format", "what the model is: onnx")                                                                       \
    X("run.id", "the run that made the model")                                                                         \
    X("data.digest", "the data set that it was trained on, as sha256:HEX")                                             \
    X("data.features", "features of a row of that data set")                                                           \
    X("source.commit", "the git commit that the run started from")                                                     \
    X("approval.by", "who approved the version")                                                                       \
    X("audit.head", "the audit chain's head at the time of the push, as sha256:HEX")                                   \
    X("push.id", "the push")                                                                                           \
    X("target.namespace", "the namespace that the target names")

// Name and value, both borrowed text: one `--set NAME=VALUE`, or one value of the context (name from the table above).
struct sw_template_value {
    const char *name;
    const char *value; // NULL is the same as not given
};

struct sw_template_info {
    const char *name;        // also the file's name without ".yaml"
    const char *summary;     // one line
    const char *description; // paragraphs; NULL when there is none
    const char *path;
    const struct sw_option *parameters; // in the order of the file; `from` is set where a source was named
    size_t parameter_count;
    size_t document_count; // of the manifest
};

struct sw_template;

// Loads and checks a file: SW_INVALID with file and line for anything that could fail later: unknown keys, parameters that
// are declared and not used or used and not declared, defaults of the wrong type, `${}` inside a longer text.
enum sw_code sw_template_load(const char *path, struct sw_template **out /* take */, struct sw_err *err);
// By name along the search path (below), or by path when `name` has a '/' or ends in ".yaml". SW_NOT_FOUND offers the nearest.
enum sw_code sw_template_find(const char *name, struct sw_template **out /* take */, struct sw_err *err);
void sw_template_free(struct sw_template *t);                                 // accepts NULL
const struct sw_template_info *sw_template_info(const struct sw_template *t); // borrow

// One template of the search path. `problem` says why it cannot be used (then only name and path are set besides).
struct sw_template_row {
    const char *name;
    const char *summary;
    const char *path;
    const char *origin;  // "own" ($XDG_CONFIG_HOME/slipway/templates), "set" (SLIPWAY_TEMPLATES), "built-in"
    const char *shadows; // path of the template of the same name that this one hides; NULL
    const char *problem; // NULL when it loads
};
// By name. Search path: own, then SLIPWAY_TEMPLATES (folders separated by ':'), then the source tree the program was built
// in, then PREFIX/share/slipway/templates; the first of a name wins. Folders that do not exist are no error.
enum sw_code sw_template_list(struct sw_arena *a, struct sw_template_row **out, size_t *count, struct sw_err *err);

// The value that a parameter gets: from `set`, else from `context` by the parameter's `from`, else its default. NULL when it
// stays unset. Borrow.
const char *sw_template_value_of(const struct sw_template *t, const char *parameter,
                                 const struct sw_template_value *set, size_t set_count,
                                 const struct sw_template_value *context, size_t context_count);

// Renders the manifest: a JSON array with one object for each document that its conditions leave. SW_USAGE names a
// parameter that is unknown (with the nearest), given twice, of the wrong type or out of range, or required and missing.
enum sw_code sw_template_render(const struct sw_template *t, const struct sw_template_value *set, size_t set_count,
                                const struct sw_template_value *context, size_t context_count, json_t **out /* take */,
                                struct sw_err *err);

// Documents as sw_template_render() gives them: YAML documents parted by "---", or a JSON array (a `List` is not made of
// them: apply order is the caller's business).
enum sw_code sw_manifest_write_yaml(const json_t *documents, struct sw_buf *out, struct sw_err *err);
enum sw_code sw_manifest_write_json(const json_t *documents, struct sw_buf *out, struct sw_err *err);

#endif
