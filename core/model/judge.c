// SPDX-License-Identifier: Apache-2.0
// Judging a model version by a policy; see policy.h. Each rule yields exactly one verdict, in the policy's order.
#include "core/model/policy.h"

#include "core/base/text.h"
#include "core/base/tree.h"
#include "core/model/hazard.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

struct judging {
    const struct sw_policy *policy;
    const struct sw_model_version *version;
    struct sw_arena *arena;
    struct sw_evaluation *evaluations; // newest first
    size_t evaluation_count;
};

const char *sw_verdict_word(enum sw_verdict_outcome outcome)
{
    static const char *const words[] = {"pass", "fail", "waiting"};
    return words[outcome];
}

void sw_verdict_add(struct sw_verdict_list *list, const struct sw_verdict *verdict)
{
    struct sw_verdict *v = &list->items[list->count++];
    *v = *verdict;
    list->fail_count += v->outcome == SW_VERDICT_FAIL;
    list->waiting_count += v->outcome == SW_VERDICT_WAITING;
    bool is_worse =
        list->first_bad == NULL || (list->first_bad->outcome == SW_VERDICT_WAITING && v->outcome == SW_VERDICT_FAIL);
    if (v->outcome != SW_VERDICT_PASS && is_worse)
        list->first_bad = v;
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool fits_gate(const struct sw_policy_gate *g, const struct sw_model_version *v, const struct sw_evaluation *e)
{
    return strcmp(e->model_digest, v->digest) == 0 && (g->dataset == NULL || strcmp(g->dataset, e->dataset) == 0) &&
           (g->dataset_digest == NULL || has_prefix(e->dataset_digest, g->dataset_digest)) &&
           (g->split == NULL || strcmp(g->split, e->split) == 0);
}

// The newest evaluation that fits and knows the metric (a null counts as known: it was measured and is no number).
static enum sw_code find_value(const struct judging *j, const struct sw_policy_gate *g,
                               const struct sw_evaluation **evaluation, double *value, struct sw_err *err)
{
    *evaluation = NULL;
    *value = NAN;
    for (size_t i = 0; i < j->evaluation_count; i++) {
        const struct sw_evaluation *e = &j->evaluations[i];
        if (!fits_gate(g, j->version, e))
            continue;
        json_t *metrics = NULL;
        enum sw_code code = sw_json_parse(e->metrics_json, strlen(e->metrics_json), "stored metrics",
                                          &sw_tree_limits_default, &metrics, err);
        if (code != SW_OK)
            return code;
        const json_t *metric = json_object_get(metrics, g->metric);
        if (metric != NULL) {
            *evaluation = e;
            *value = sw_tree_real(metrics, g->metric, NAN);
        }
        json_decref(metrics);
        if (*evaluation != NULL)
            return SW_OK;
    }
    return SW_OK;
}

// " on DATASET SPLIT" as far as they are named.
static const char *where_text(struct sw_arena *a, const char *dataset, const char *split)
{
    if (dataset == NULL && split == NULL)
        return "";
    if (dataset == NULL)
        return sw_arena_printf(a, " on split %s", split);
    return sw_arena_printf(a, " on %s%s%s", dataset, split == NULL ? "" : " ", split == NULL ? "" : split);
}

static const char *bounds_text(struct sw_arena *a, const struct sw_policy_gate *g)
{
    char min[32], max[32];
    sw_format_real(min, sizeof min, g->min);
    sw_format_real(max, sizeof max, g->max);
    if (isnan(g->max))
        return sw_arena_printf(a, ">= %s", min);
    if (isnan(g->min))
        return sw_arena_printf(a, "<= %s", max);
    return sw_arena_printf(a, "%s to %s", min, max);
}

static bool is_within(const struct sw_policy_gate *g, double value)
{
    return isfinite(value) && !(value < g->min) && !(value > g->max);
}

static enum sw_code judge_gate(const struct judging *j, const struct sw_policy_gate *g, struct sw_verdict *out,
                               struct sw_err *err)
{
    const struct sw_evaluation *e = NULL;
    double value = NAN;
    enum sw_code code = find_value(j, g, &e, &value, err);
    if (code != SW_OK)
        return code;
    const char *bounds = bounds_text(j->arena, g);
    char have[32] = "-";
    if (isfinite(value)) // six digits: a value must not look equal to the bound that it misses
        snprintf(have, sizeof have, "%.6g", value);
    out->rule = g->metric;
    out->want = sw_arena_printf(j->arena, "%s%s", bounds, where_text(j->arena, g->dataset, g->split));
    out->have = sw_arena_strdup(j->arena, have);
    if (e == NULL) {
        out->outcome = SW_VERDICT_WAITING;
        out->sentence = sw_arena_printf(j->arena, "%s is not known%s: evaluate the model there first", g->metric,
                                        where_text(j->arena, g->dataset, g->split));
        return SW_OK;
    }
    out->outcome = is_within(g, value) ? SW_VERDICT_PASS : SW_VERDICT_FAIL;
    out->sentence = sw_arena_printf(j->arena, "%s is %s%s (data sha256:%.12s), policy wants %s", g->metric, have,
                                    where_text(j->arena, e->dataset, e->split), e->dataset_digest, bounds);
    return SW_OK;
}

static enum sw_code judge_unsafe_files(const struct judging *j, const struct sw_model_files *files,
                                       struct sw_verdict *out, struct sw_err *err)
{
    struct sw_model_hazard *hazards = NULL;
    size_t count = 0;
    enum sw_code code = sw_model_hazard_list(j->version->path, files, j->arena, &hazards, &count, err);
    if (code != SW_OK)
        return code;
    *out = (struct sw_verdict){.rule = "unsafe files", .want = "none", .have = "none"};
    out->sentence = "no file of an unsafe type";
    if (count > 0) {
        out->outcome = SW_VERDICT_FAIL;
        out->have = sw_arena_printf(j->arena, "%zu", count);
        out->sentence = sw_arena_printf(j->arena, "'%s' is %s%s", hazards[0].path, hazards[0].reason,
                                        count > 1 ? "; it is not the only one" : "");
    }
    return SW_OK;
}

static void judge_size(const struct judging *j, struct sw_verdict *out)
{
    char have[32], want[32];
    sw_format_bytes(have, sizeof have, j->version->size_bytes);
    sw_format_bytes(want, sizeof want, j->policy->max_size_bytes);
    bool fits = j->version->size_bytes <= j->policy->max_size_bytes;
    out->rule = "size";
    out->want = sw_arena_printf(j->arena, "<= %s", want);
    out->have = sw_arena_strdup(j->arena, have);
    out->outcome = fits ? SW_VERDICT_PASS : SW_VERDICT_FAIL;
    out->sentence = sw_arena_printf(j->arena, "the model has %s, policy allows %s", have, want);
}

// A verdict whose texts did not fit the arena must not be shown half.
static bool is_complete(const struct sw_verdict_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sw_verdict *v = &list->items[i];
        if (v->rule == NULL || v->want == NULL || v->have == NULL || v->sentence == NULL)
            return false;
    }
    return true;
}

static enum sw_code judge_all(const struct judging *j, struct sw_verdict_list *list, struct sw_err *err)
{
    const struct sw_policy *p = j->policy;
    enum sw_code code = SW_OK;
    for (size_t i = 0; code == SW_OK && i < p->gate_count; i++) {
        struct sw_verdict v = {0};
        code = judge_gate(j, &p->gates[i], &v, err);
        if (code == SW_OK)
            sw_verdict_add(list, &v);
    }
    if (code == SW_OK && p->forbid_unsafe_files) {
        struct sw_model_files files;
        struct sw_verdict v = {0};
        code = sw_model_version_files(j->version, j->arena, &files, err);
        if (code == SW_OK)
            code = judge_unsafe_files(j, &files, &v, err);
        if (code == SW_OK)
            sw_verdict_add(list, &v);
    }
    if (code == SW_OK && p->max_size_bytes > 0) {
        struct sw_verdict v = {0};
        judge_size(j, &v);
        sw_verdict_add(list, &v);
    }
    return code;
}

enum sw_code sw_policy_judge(struct sw_store *s, const struct sw_policy *p, const struct sw_model_version *v,
                             struct sw_arena *a, struct sw_verdict_list *out, struct sw_err *err)
{
    struct judging j = {.policy = p, .version = v, .arena = a};
    enum sw_code code = sw_evaluation_list(s, v->name, v->version, a, &j.evaluations, &j.evaluation_count, err);
    if (code != SW_OK)
        return code;
    struct sw_verdict_list list = {.items = sw_arena_array(a, p->gate_count + 3, sizeof *list.items)};
    if (list.items == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to judge %s", v->name);
    code = judge_all(&j, &list, err);
    if (code == SW_OK && !is_complete(&list))
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to judge %s", v->name);
    if (code == SW_OK)
        *out = list;
    return code;
}

json_t *sw_verdict_list_to_json(const struct sw_verdict_list *list)
{
    json_t *rows = json_array();
    for (size_t i = 0; rows != NULL && i < list->count; i++) {
        const struct sw_verdict *v = &list->items[i];
        json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:s}", "rule", v->rule, "want", v->want, "have", v->have,
                                "outcome", sw_verdict_word(v->outcome), "sentence", v->sentence);
        if (row == NULL || json_array_append_new(rows, row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}
