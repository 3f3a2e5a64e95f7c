// SPDX-License-Identifier: Apache-2.0
// What `--json` prints: for each kind the fields, where they come from in the struct, and what they mean. The same
// rows make the documents and the manual's section JSON, so neither can forget a field.
// Unknown is null; a number that is not finite is the text "NaN", "Infinity" or "-Infinity"; times are ms since 1970 UTC.
#ifndef SW_APP_JSON_KIND_H
#define SW_APP_JSON_KIND_H

#include <jansson.h>
#include <stddef.h>

#include "app/output.h"

enum sw_json_type {
    SW_JSON_TEXT,    // const char *; NULL is null
    SW_JSON_CHARS,   // char[]; "" is null
    SW_JSON_INT64,   // int64_t
    SW_JSON_INT,     // int
    SW_JSON_BOOL,    // bool
    SW_JSON_REAL,    // double; NaN is "NaN"
    SW_JSON_MAYBE,   // double; NaN is null
    SW_JSON_NONZERO, // int64_t; 0 is null: times and ids
    SW_JSON_TREE,    // const char * holding JSON text; NULL or "" is null
    SW_JSON_MADE,    // by `make`, or by the command where that is NULL
};

struct sw_json_field {
    const char *name;
    enum sw_json_type type;
    size_t offset;
    json_t *(*make)(const void *object); // take; only for SW_JSON_MADE
    const char *help;
};

struct sw_json_kind {
    const char *name;
    const char *list; // kind of the document that lists them; NULL = never listed
    const char *help;
    const struct sw_json_field *fields;
    size_t field_count;
    size_t size; // of the struct, for lists
};

extern const struct sw_json_kind *const sw_json_kinds[]; // NULL-terminated, by name
// The store's objects (json_kinds.c).
extern const struct sw_json_kind sw_json_approval, sw_json_audit, sw_json_dataset, sw_json_evaluation, sw_json_job,
    sw_json_model_version, sw_json_push, sw_json_run, sw_json_target;
// Defined by the command that prints them.
extern const struct sw_json_kind sw_json_artifact, sw_json_check, sw_json_fact, sw_json_gpu, sw_json_parameter,
    sw_json_push_result, sw_json_route, sw_json_setting, sw_json_status, sw_json_template;
// Described only: their commands compose them (json_composed.c).
extern const struct sw_json_kind sw_json_audit_verdict, sw_json_bundle, sw_json_comparison, sw_json_description,
    sw_json_error, sw_json_format, sw_json_push_preview, sw_json_rows, sw_json_server, sw_json_template_description,
    sw_json_verdict, sw_json_version;

json_t *sw_json_real(double value);  // take; text when not finite
json_t *sw_json_maybe(double value); // take; null when NaN
// Text as JSON; bytes that are not UTF-8 are replaced, since JSON cannot hold them. NULL is null.
json_t *sw_json_text(const char *text);
json_t *sw_json_tree(const char *text); // parsed JSON text; null when empty, the text itself when malformed

// The fields of one object without "kind". Take; NULL when out of memory.
json_t *sw_json_object(const struct sw_json_kind *kind, const void *object);
// {"kind": NAME, fields...}
json_t *sw_json_document(const struct sw_json_kind *kind, const void *object);
// {"kind": LIST, "items": [...]}; `items` holds `count` structs of kind->size each.
json_t *sw_json_list(const struct sw_json_kind *kind, const void *items, size_t count);
json_t *sw_json_list_of(const char *list_kind, json_t *items /* take */);

#endif
