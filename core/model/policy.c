// SPDX-License-Identifier: Apache-2.0
// Reading a policy. The YAML tree is checked against the tables below, defaults are filled in, and the result is
// written back as canonical JSON: the struct is always read from that form, so a policy from a file and one from an
// approval cannot differ.
#include "core/model/policy.h"

#include "core/base/path.h"
#include "core/base/text.h"
#include "core/base/tree.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum key_type { KEY_TEXT, KEY_NUMBER, KEY_BOOL, KEY_COUNT, KEY_SIZE, KEY_DIGEST, KEY_UNSAFE, KEY_LIST, KEY_MAP };

struct key_row {
    const char *name;
    enum key_type type;
    const char *want; // for the error message
};

static const struct key_row policy_keys[] = {
    {"apiVersion", KEY_TEXT, "slipway/v1"},
    {"kind", KEY_TEXT, "Policy"},
    {"metadata", KEY_MAP, "a mapping with 'name'"},
    {"gates", KEY_LIST, "a list of gates"},
    {"unsafe_files", KEY_UNSAFE, "refuse or allow"},
    {"max_size", KEY_SIZE, "a size such as 500000000 or 500Mi"},
    {"approvals", KEY_MAP, "a mapping such as {needed: 1}"},
};
static const struct key_row metadata_keys[] = {
    {"name", KEY_TEXT, "a text"},
};
static const struct key_row gate_keys[] = {
    {"metric", KEY_TEXT, "a metric's name"},
    {"min", KEY_NUMBER, "a number"},
    {"max", KEY_NUMBER, "a number"},
    {"dataset", KEY_TEXT, "a data set's name"},
    {"dataset_digest", KEY_DIGEST, "at least 12 hex digits of a data digest"},
    {"split", KEY_TEXT, "a split's name"},
};
static const struct key_row approval_keys[] = {
    {"needed", KEY_COUNT, "a whole number from 1 to 100"},
    {"allow_author", KEY_BOOL, "true or false"},
    {"require_signature", KEY_BOOL, "true or false"},
    {"allowed_signers", KEY_TEXT, "the path of an allowed-signers file"},
};
#define COUNT(table) (sizeof(table) / sizeof(table)[0])
#define KEYS_MAX     16

// Where a tree came from, for messages.
struct origin {
    const char *file;
    const struct sw_yaml *yaml; // NULL when there are no lines
};

static enum sw_code complain(const struct origin *o, const json_t *parent, const char *key, struct sw_err *err,
                             const char *format, ...) __attribute__((format(printf, 5, 6)));

static enum sw_code complain(const struct origin *o, const json_t *parent, const char *key, struct sw_err *err,
                             const char *format, ...)
{
    char what[320];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    int line = o->yaml == NULL || parent == NULL ? 0 : sw_yaml_line(o->yaml, parent, key, 0);
    if (line > 0)
        return sw_err_set(err, SW_INVALID, "%s:%d: %s", o->file, line, what);
    return sw_err_set(err, SW_INVALID, "%s: %s", o->file, what);
}

// "500Mi", "2G", "1000": bytes, or -1.
static int64_t parse_size(const char *text)
{
    static const struct {
        const char *suffix;
        int64_t factor;
    } units[] = {{"", 1},
                 {"k", 1000},
                 {"M", 1000000},
                 {"G", 1000000000},
                 {"T", 1000000000000},
                 {"Ki", INT64_C(1) << 10},
                 {"Mi", INT64_C(1) << 20},
                 {"Gi", INT64_C(1) << 30},
                 {"Ti", INT64_C(1) << 40}};
    char *end = NULL;
    errno = 0;
    int64_t number = strtoll(text, &end, 10), bytes = 0;
    if (!isdigit((unsigned char)text[0]) || errno != 0)
        return -1;
    for (size_t i = 0; i < COUNT(units); i++) {
        if (strcmp(end, units[i].suffix) == 0)
            return __builtin_mul_overflow(number, units[i].factor, &bytes) ? -1 : bytes;
    }
    return -1;
}

static int64_t size_of_value(const json_t *value)
{
    if (json_is_integer(value))
        return json_integer_value(value) > 0 ? json_integer_value(value) : -1;
    return json_is_string(value) ? parse_size(json_string_value(value)) : -1;
}

static bool is_digest_prefix(const char *text)
{
    size_t len = strlen(text);
    return len >= 12 && len < SW_SHA256_HEX && strspn(text, "0123456789abcdef") == len;
}

static bool value_fits(enum key_type type, const json_t *value)
{
    switch (type) {
    case KEY_TEXT:
        return json_is_string(value) && json_string_length(value) > 0;
    case KEY_NUMBER:
        return json_is_number(value);
    case KEY_BOOL:
        return json_is_boolean(value);
    case KEY_COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 1 && json_integer_value(value) <= 100;
    case KEY_SIZE:
        return size_of_value(value) > 0;
    case KEY_DIGEST:
        return json_is_string(value) && is_digest_prefix(json_string_value(value));
    case KEY_UNSAFE:
        return json_is_string(value) &&
               (strcmp(json_string_value(value), "refuse") == 0 || strcmp(json_string_value(value), "allow") == 0);
    case KEY_LIST:
        return json_is_array(value);
    case KEY_MAP:
        return json_is_object(value);
    }
    return false;
}

static enum sw_code check_keys(const struct origin *o, const json_t *tree, const struct key_row *rows, size_t count,
                               struct sw_err *err)
{
    const char *names[KEYS_MAX];
    for (size_t i = 0; i < count; i++)
        names[i] = rows[i].name;
    for (void *at = json_object_iter((json_t *)tree); at != NULL; at = json_object_iter_next((json_t *)tree, at)) {
        const char *key = json_object_iter_key(at);
        size_t i = 0;
        while (i < count && strcmp(rows[i].name, key) != 0)
            i++;
        if (i == count) {
            const char *near = sw_text_nearest(key, names, count);
            enum sw_code code = complain(o, tree, key, err, "unknown key '%.60s'", key);
            if (near != NULL)
                (void)sw_err_hint(err, "did you mean '%s'?", near);
            return code;
        }
        if (!value_fits(rows[i].type, json_object_iter_value(at)))
            return complain(o, tree, key, err, "'%s' must be %s", key, rows[i].want);
    }
    return SW_OK;
}

static enum sw_code check_gates(const struct origin *o, const json_t *tree, struct sw_err *err)
{
    const json_t *gates = json_object_get(tree, "gates");
    if (json_array_size(gates) > SW_POLICY_GATES_MAX)
        return complain(o, tree, "gates", err, "more than %d gates", SW_POLICY_GATES_MAX);
    for (size_t i = 0; i < json_array_size(gates); i++) {
        const json_t *gate = json_array_get(gates, i);
        if (!json_is_object(gate))
            return complain(o, tree, "gates", err, "gate %zu is not a mapping", i + 1);
        enum sw_code code = check_keys(o, gate, gate_keys, COUNT(gate_keys), err);
        if (code != SW_OK)
            return code;
        double min = sw_tree_real(gate, "min", NAN), max = sw_tree_real(gate, "max", NAN);
        if (sw_tree_text(gate, "metric") == NULL)
            return complain(o, tree, "gates", err, "gate %zu names no metric", i + 1);
        if (isnan(min) && isnan(max))
            return complain(o, gate, "metric", err, "the gate on '%.60s' has neither min nor max",
                            sw_tree_text(gate, "metric"));
        if (min > max)
            return complain(o, gate, "min", err, "the gate on '%.60s' has min above max", sw_tree_text(gate, "metric"));
    }
    return SW_OK;
}

static enum sw_code check_tree(const struct origin *o, const json_t *tree, struct sw_err *err)
{
    static const char *const fixed[][2] = {{"apiVersion", "slipway/v1"}, {"kind", "Policy"}};
    if (!json_is_object(tree))
        return complain(o, NULL, NULL, err, "a policy is one mapping");
    const json_t *approvals = json_object_get(tree, "approvals");
    enum sw_code code = check_keys(o, tree, policy_keys, COUNT(policy_keys), err);
    if (code == SW_OK)
        code = check_keys(o, json_object_get(tree, "metadata"), metadata_keys, COUNT(metadata_keys), err);
    if (code == SW_OK)
        code = check_keys(o, approvals, approval_keys, COUNT(approval_keys), err);
    for (size_t i = 0; code == SW_OK && i < COUNT(fixed); i++) {
        const char *have = sw_tree_text(tree, fixed[i][0]);
        if (have == NULL || strcmp(have, fixed[i][1]) != 0)
            code = complain(o, have == NULL ? NULL : tree, fixed[i][0], err, "'%s' must be '%s'", fixed[i][0],
                            fixed[i][1]);
    }
    if (code == SW_OK)
        code = check_gates(o, tree, err);
    if (code == SW_OK && sw_tree_bool(approvals, "require_signature", false) &&
        sw_tree_text(approvals, "allowed_signers") == NULL)
        code = complain(o, approvals, "require_signature", err,
                        "signatures are required but 'allowed_signers' is not set");
    return code;
}

// The approvals part with every default written out; `folder` anchors a relative path (NULL = it is absolute already).
static enum sw_code make_approval_rules(const json_t *approvals, const char *folder, json_t **out, struct sw_err *err)
{
    char signers[SW_PATH_MAX];
    const char *path = sw_tree_text(approvals, "allowed_signers");
    if (path != NULL) {
        enum sw_code code =
            folder == NULL ? sw_path_absolute(signers, path, err) : sw_path_join(signers, folder, path, err);
        if (code != SW_OK)
            return code;
    }
    json_t *rules = json_pack("{s:I, s:b, s:b}", "needed", (json_int_t)sw_tree_int(approvals, "needed", 1),
                              "allow_author", sw_tree_bool(approvals, "allow_author", false), "require_signature",
                              sw_tree_bool(approvals, "require_signature", false));
    if (rules == NULL || (path != NULL && json_object_set_new(rules, "allowed_signers", json_string(signers)) != 0)) {
        json_decref(rules);
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a policy");
    }
    *out = rules;
    return SW_OK;
}

// The canonical rules: defaults written out, the name left out.
static enum sw_code make_rules(const json_t *tree, const char *folder, json_t **out, struct sw_err *err)
{
    json_t *approvals = NULL;
    enum sw_code code = make_approval_rules(json_object_get(tree, "approvals"), folder, &approvals, err);
    if (code != SW_OK)
        return code;
    json_t *gates = json_deep_copy(json_object_get(tree, "gates"));
    const char *unsafe_files = sw_tree_text(tree, "unsafe_files");
    json_t *rules = json_pack("{s:s, s:s, s:o, s:s, s:o}", "apiVersion", "slipway/v1", "kind", "Policy", "gates",
                              gates == NULL ? json_array() : gates, "unsafe_files",
                              unsafe_files == NULL ? "refuse" : unsafe_files, "approvals", approvals);
    const json_t *size = json_object_get(tree, "max_size");
    if (rules == NULL ||
        (size != NULL && json_object_set_new(rules, "max_size", json_integer(size_of_value(size))) != 0)) {
        json_decref(rules);
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a policy");
    }
    *out = rules;
    return SW_OK;
}

static bool fill_gate(const json_t *gate, struct sw_arena *a, struct sw_policy_gate *g)
{
    g->metric = sw_arena_strdup(a, sw_tree_text(gate, "metric"));
    g->min = sw_tree_real(gate, "min", NAN);
    g->max = sw_tree_real(gate, "max", NAN);
    g->dataset = sw_arena_strdup(a, sw_tree_text(gate, "dataset"));
    g->dataset_digest = sw_arena_strdup(a, sw_tree_text(gate, "dataset_digest"));
    g->split = sw_arena_strdup(a, sw_tree_text(gate, "split"));
    return g->metric != NULL;
}

// Reads the struct from rules made by make_rules().
static enum sw_code fill_policy(const char *name, const json_t *rules, struct sw_arena *a, struct sw_policy *out,
                                struct sw_err *err)
{
    const json_t *gates = json_object_get(rules, "gates");
    char *text = json_dumps(rules, JSON_SORT_KEYS | JSON_COMPACT);
    const json_t *approvals = json_object_get(rules, "approvals");
    struct sw_policy p = {.name = sw_arena_strdup(a, name),
                          .gate_count = json_array_size(gates),
                          .gates = sw_arena_array(a, json_array_size(gates) + 1, sizeof *p.gates),
                          .forbid_unsafe_files = strcmp(sw_tree_text(rules, "unsafe_files"), "refuse") == 0,
                          .max_size_bytes = sw_tree_int(rules, "max_size", 0),
                          .approvals = sw_tree_int(approvals, "needed", 1),
                          .allow_author = sw_tree_bool(approvals, "allow_author", false),
                          .require_signature = sw_tree_bool(approvals, "require_signature", false),
                          .allowed_signers = sw_arena_strdup(a, sw_tree_text(approvals, "allowed_signers")),
                          .rules_json = sw_arena_strdup(a, text)};
    free(text);
    bool complete = p.name != NULL && p.gates != NULL && p.rules_json != NULL;
    for (size_t i = 0; complete && i < p.gate_count; i++)
        complete = fill_gate(json_array_get(gates, i), a, &p.gates[i]);
    if (!complete)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the policy %s", name);
    sw_sha256_hex(p.rules_json, strlen(p.rules_json), p.digest);
    *out = p;
    return SW_OK;
}

static enum sw_code read_tree(const struct origin *o, const char *name, const char *folder, const json_t *tree,
                              struct sw_arena *a, struct sw_policy *out, struct sw_err *err)
{
    json_t *rules = NULL;
    enum sw_code code = check_tree(o, tree, err);
    if (code == SW_OK)
        code = make_rules(tree, folder, &rules, err);
    if (code == SW_OK)
        code = fill_policy(name, rules, a, out, err);
    json_decref(rules);
    return code;
}

enum sw_code sw_policy_default(struct sw_arena *a, struct sw_policy *out, struct sw_err *err)
{
    json_t *tree = json_pack("{s:s, s:s}", "apiVersion", "slipway/v1", "kind", "Policy");
    struct origin o = {.file = "the default policy"};
    enum sw_code code = read_tree(&o, "default", NULL, tree, a, out, err);
    json_decref(tree);
    return code;
}

enum sw_code sw_policy_load(const char *path, struct sw_arena *a, struct sw_policy *out, struct sw_err *err)
{
    char folder[SW_PATH_MAX];
    struct sw_yaml *yaml = NULL;
    enum sw_code code = sw_path_absolute(folder, path, err);
    if (code == SW_OK)
        code = sw_yaml_load(path, &sw_tree_limits_default, &yaml, err);
    if (code != SW_OK)
        return code;
    *strrchr(folder, '/') = '\0';
    struct origin o = {.file = path, .yaml = yaml};
    if (sw_yaml_count(yaml) != 1) {
        code = complain(&o, NULL, NULL, err, "a policy file holds one document, this one %zu", sw_yaml_count(yaml));
    } else {
        const json_t *tree = sw_yaml_doc(yaml, 0);
        const char *name = sw_tree_text(json_object_get(tree, "metadata"), "name");
        code = read_tree(&o, name == NULL ? sw_path_base(path) : name, folder, tree, a, out, err);
    }
    sw_yaml_free(yaml);
    return code;
}

enum sw_code sw_policy_from_rules(const char *name, const char *rules_json, struct sw_arena *a, struct sw_policy *out,
                                  struct sw_err *err)
{
    json_t *tree = NULL;
    enum sw_code code = sw_json_parse(rules_json, strlen(rules_json), name, &sw_tree_limits_default, &tree, err);
    if (code != SW_OK)
        return code;
    struct origin o = {.file = name};
    code = read_tree(&o, name, NULL, tree, a, out, err);
    json_decref(tree);
    return code;
}
