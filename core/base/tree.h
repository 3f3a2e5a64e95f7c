// SPDX-License-Identifier: Apache-2.0
// Documents as trees. One tree type serves JSON and YAML: jansson's json_t. Parsing is capped in depth, nodes and
// bytes; duplicate keys are errors; YAML aliases count every node they repeat, merge keys and tags are refused.
// Emission never pastes text, so no value can change a document's structure.
#ifndef SW_BASE_TREE_H
#define SW_BASE_TREE_H

#include <jansson.h>

#include "core/base/buf.h"

struct sw_tree_limits {
    int max_depth;
    size_t max_nodes;
    size_t max_bytes;
    bool no_aliases; // YAML: an alias is an error (where a node's line must be unambiguous)
};
extern const struct sw_tree_limits sw_tree_limits_default; // depth 64, 200,000 nodes, 8 MiB

// `name` is the file or source named in errors. Numbers beyond int64 become reals; NaN, Infinity, reals that overflow,
// \u0000 and malformed UTF-8 are refused. Errors: SW_INVALID with "name:line:column", SW_LIMIT.
enum sw_code sw_json_parse(const char *text, size_t len, const char *name, const struct sw_tree_limits *limits,
                           json_t **out /* take */, struct sw_err *err);
// Compact when indent is 0. Keys keep insertion order; reals are as short as reads back the same; characters that a
// terminal acts on or that deceive (controls, C1, bidi, zero-width) are escaped, so the output is fit for stdout.
enum sw_code sw_json_write(const json_t *tree, int indent, struct sw_buf *out, struct sw_err *err);

// A parsed YAML stream. Plain scalars follow the YAML 1.2 core schema (null, true/false, int, float, else text).
// Mapping keys must be scalars and become text. Aliases become copies. Lines are kept for error messages. Refused
// beside what the head of this file says: anchors on keys, NUL in text, and integers like 0644, which YAML 1.1 readers
// take for octal and 1.2 readers for decimal. Errors: SW_INVALID and SW_LIMIT with "name:line".
struct sw_yaml;
enum sw_code sw_yaml_parse(const char *text, size_t len, const char *name, const struct sw_tree_limits *limits,
                           struct sw_yaml **out /* take */, struct sw_err *err);
void sw_yaml_free(struct sw_yaml *y);
size_t sw_yaml_count(const struct sw_yaml *y);          // documents in the stream
json_t *sw_yaml_doc(const struct sw_yaml *y, size_t i); // borrow from y
// 1-based line of the value of member `key` of mapping `parent` (or of element `index` when key is NULL) as the document
// was parsed; 0 when unknown, as inside a copy that an alias made.
int sw_yaml_line(const struct sw_yaml *y, const json_t *parent, const char *key, size_t index);
// Reads and parses a file.
enum sw_code sw_yaml_load(const char *path, const struct sw_tree_limits *limits, struct sw_yaml **out,
                          struct sw_err *err);
// Appends one document in block style, lists at their key's column as kubectl writes them. Strings are quoted wherever
// a reader of YAML 1.1 or 1.2 would take them for another type; text of several lines becomes a literal block.
enum sw_code sw_yaml_write(const json_t *tree, struct sw_buf *out, struct sw_err *err);

// Member access with a type check; NULL or the default when absent or of another type. Borrow.
const char *sw_tree_text(const json_t *object, const char *key);
int64_t sw_tree_int(const json_t *object, const char *key, int64_t otherwise);
double sw_tree_real(const json_t *object, const char *key, double otherwise); // accepts integers
bool sw_tree_bool(const json_t *object, const char *key, bool otherwise);

#endif
