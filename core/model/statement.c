// SPDX-License-Identifier: Apache-2.0
#include "core/model/statement_private.h"

#include "core/base/clock.h"
#include "core/base/tree.h"
#include "core/store/audit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static const char *labels_word(enum sw_model_labels labels)
{
    static const char *const words[] = {"unknown", "same", "changed"};
    return words[labels];
}

static json_t *difference_to_json(const struct sw_model_difference *d)
{
    json_t *metrics = json_array();
    for (size_t i = 0; i < d->metric_count; i++) {
        const struct sw_model_metric_change *m = &d->metrics[i];
        (void)json_array_append_new(metrics, json_pack("{s:s, s:o, s:o}", "name", m->name, "before",
                                                       number_or_null(m->before), "after", number_or_null(m->after)));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:s, s:o}", "version", (json_int_t)d->before_version,
                     "size_change_bytes", (json_int_t)d->size_change_bytes, "files_added", (json_int_t)d->files_added,
                     "files_removed", (json_int_t)d->files_removed, "files_changed", (json_int_t)d->files_changed,
                     "labels", labels_word(d->labels), "dataset", d->dataset, "split", d->split, "metrics", metrics);
}

// What changed since the version before, or null for the first one.
static enum sw_code since_previous(struct sw_store *s, const struct sw_model_version *v, struct sw_arena *a,
                                   json_t **out, struct sw_err *err)
{
    struct sw_model_version before;
    bool found = false;
    enum sw_code code = sw_model_previous(s, v, a, &before, &found, err);
    if (code != SW_OK)
        return code;
    struct sw_model_difference d;
    if (found) {
        code = sw_model_compare(s, &before, v, a, &d, err);
        if (code != SW_OK)
            return code;
    }
    *out = found ? difference_to_json(&d) : json_null();
    return SW_OK;
}

enum sw_code statement_write(struct sw_store *s, const struct sw_approval_request *request, const char *user,
                             const struct sw_verdict_list *verdicts, struct sw_arena *a, const char **out,
                             struct sw_err *err)
{
    const struct sw_model_version *v = request->version;
    const struct sw_policy *p = request->policy;
    char head[SW_SHA256_HEX];
    json_t *since = NULL;
    enum sw_code code = sw_audit_head(s, head, err);
    if (code == SW_OK)
        code = since_previous(s, v, a, &since, err);
    if (code != SW_OK)
        return code;
    json_t *tree =
        json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:s, s:{s:s, s:s, s:o}, s:o, s:o, s:s, s:I, s:s, s:s}", "apiVersion",
                  "slipway/v1", "kind", "Approval", "model", v->name, "version", (json_int_t)v->version, "digest",
                  v->digest, "size_bytes", (json_int_t)v->size_bytes, "target",
                  request->target == NULL ? STATEMENT_ANY_TARGET : request->target, "policy", "name", p->name, "digest",
                  p->digest, "rules", json_loads(p->rules_json, 0, NULL), "verdicts", sw_verdict_list_to_json(verdicts),
                  "since", since, "user", user, "time_ms", (json_int_t)sw_clock_now_ms(), "comment",
                  request->comment == NULL ? "" : request->comment, "audit_head", head);
    char *text = tree == NULL ? NULL : json_dumps(tree, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(tree);
    const char *copy = sw_arena_strdup(a, text);
    size_t len = text == NULL ? 0 : strlen(text);
    free(text);
    if (copy == NULL)
        return sw_err_set(err, SW_INVALID, "the approval cannot be written down: a text in it is not UTF-8");
    if (len > SW_STATEMENT_MAX)
        return sw_err_set(err, SW_LIMIT, "the approval has %zu bytes, at most %u are allowed", len, SW_STATEMENT_MAX);
    *out = copy;
    return SW_OK;
}

static bool is_text(const json_t *tree, const char *key, const char *want)
{
    const char *have = sw_tree_text(tree, key);
    return have != NULL && strcmp(have, want) == 0;
}

enum sw_code statement_read(const struct sw_approval *row, struct sw_arena *a, struct statement *out,
                            struct sw_err *err)
{
    json_t *tree = NULL;
    enum sw_code code = sw_json_parse(row->statement, strlen(row->statement), "an approval's statement",
                                      &sw_tree_limits_default, &tree, err);
    if (code != SW_OK)
        return code;
    const json_t *policy = json_object_get(tree, "policy");
    char *rules = json_dumps(json_object_get(policy, "rules"), JSON_SORT_KEYS | JSON_COMPACT);
    struct statement st = {.target = sw_arena_strdup(a, sw_tree_text(tree, "target")),
                           .policy_name = sw_arena_strdup(a, sw_tree_text(policy, "name")),
                           .rules_json = sw_arena_strdup(a, rules)};
    free(rules);
    bool fits = is_text(tree, "kind", "Approval") && is_text(tree, "model", row->name) &&
                is_text(tree, "digest", row->digest) && is_text(tree, "user", row->user) &&
                sw_tree_int(tree, "version", 0) == row->version && st.target != NULL && st.policy_name != NULL &&
                st.rules_json != NULL;
    json_decref(tree);
    if (!fits)
        return sw_err_set(err, SW_CORRUPT, "its row does not fit its statement");
    *out = st;
    return SW_OK;
}
