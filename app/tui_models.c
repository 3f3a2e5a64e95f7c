// SPDX-License-Identifier: Apache-2.0
// Model versions with the policy's verdict in view, and the audit log.
#include "app/tui_private.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "app/json_kind.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "core/model/approval.h"
#include "core/store/audit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { FILES_SHOWN = 100, AUDIT_ROWS = 2000 };

// --- versions ---

static const struct sw_tui_column model_columns[] = {
    {.key = "model", .title = "model", .width = 22},
    {.key = "state", .title = "state", .width = 14},
    {.key = "result", .title = "evaluated", .width = 28, .priority = 1},
    {.key = "aliases", .title = "aliases", .width = 12, .priority = 5},
    {.key = "size", .title = "size", .width = 9, .priority = 3, .align = SW_TUI_RIGHT},
    {.key = "digest", .title = "digest", .width = 12, .priority = 4},
    {.key = "by", .title = "by", .width = 10, .priority = 6},
    {.key = "age", .title = "age", .width = 6, .priority = 2, .align = SW_TUI_RIGHT},
};

// "accuracy 0.9214 on fashion test": accuracy when it was measured, else the first figure.
static const char *result_text(struct sw_arena *a, const struct sw_evaluation *e)
{
    struct sw_err ignored = {0};
    json_t *metrics, *value;
    const char *key, *text = NULL;
    if (sw_json_parse(e->metrics_json, strlen(e->metrics_json), "metrics", &sw_tree_limits_default, &metrics,
                      &ignored) != SW_OK)
        return NULL;
    json_object_foreach (metrics, key, value) {
        if (json_is_number(value) && (text == NULL || strcmp(key, "accuracy") == 0))
            text = sw_arena_printf(a, "%s %s on %s %s", key, tui_real_text(a, json_number_value(value)), e->dataset,
                                   e->split);
    }
    json_decref(metrics);
    return text;
}

static enum sw_code put_version(struct tui_rows *t, struct tui_worker *w, const struct sw_model_version *v,
                                struct sw_err *err)
{
    struct sw_approval *approvals;
    struct sw_evaluation *evaluations;
    size_t approval_count, evaluation_count, in_force = 0;
    char text[SW_MODEL_LABEL];
    enum sw_code code = sw_approval_list(w->store, v->name, v->version, t->a, &approvals, &approval_count, err);
    if (code == SW_OK)
        code = sw_evaluation_list(w->store, v->name, v->version, t->a, &evaluations, &evaluation_count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < approval_count; i++)
        in_force += approvals[i].revoked_ms == 0 && strcmp(approvals[i].digest, v->digest) == 0;
    tui_rows_add(t, sw_model_label(v, text), SW_TUI_NORMAL);
    tui_rows_text(t, text, SW_TUI_STRONG);
    if (in_force > 0)
        tui_rows_text(t, sw_arena_printf(t->a, "approved by %zu", in_force), SW_TUI_OK);
    else
        tui_rows_text(t, approval_count > 0 ? "revoked" : "candidate",
                      approval_count > 0 ? SW_TUI_WARN : SW_TUI_WAITING);
    tui_rows_text(t, evaluation_count > 0 ? result_text(t->a, &evaluations[0]) : NULL, SW_TUI_NORMAL);
    tui_rows_text(t, v->aliases, SW_TUI_NORMAL);
    tui_rows_number(t, (double)v->size_bytes, tui_bytes_text(t->a, v->size_bytes), SW_TUI_NORMAL);
    tui_rows_text(t, sw_arena_printf(t->a, "%.12s", v->digest), SW_TUI_DIM);
    tui_rows_text(t, v->user, SW_TUI_NORMAL);
    tui_rows_age(t, v->created_ms);
    return SW_OK;
}

static enum sw_code load_models(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                                const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                                struct sw_err *err)
{
    (void)b;
    struct sw_model_version *versions;
    struct tui_rows t;
    size_t count;
    enum sw_code code = sw_model_version_list(w->store, NULL, a, &versions, &count, err);
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, model_columns, COUNT(model_columns), count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        if (sw_task_cancelled(task))
            return sw_err_set(err, SW_CANCELLED, "cancelled");
        code = put_version(&t, w, &versions[i], err);
    }
    if (code != SW_OK)
        return code;
    out->title = sw_arena_printf(a, "%zu version%s", count, count == 1 ? "" : "s");
    out->empty = "No models yet. Register one from a finished run: screen 3, then m on the run.";
    return tui_rows_finish(&t, q, out, err);
}

// --- one version ---

void tui_add_verdicts(struct tui_sections *s, const char *title, const struct sw_verdict_list *list)
{
    static const enum sw_tui_check_state states[] = {
        [SW_VERDICT_PASS] = SW_TUI_CHECK_PASS,
        [SW_VERDICT_FAIL] = SW_TUI_CHECK_FAIL,
        [SW_VERDICT_WAITING] = SW_TUI_CHECK_WAIT,
    };
    struct sw_tui_check *checks = sw_arena_array(s->a, list->count + 1, sizeof *checks);
    for (size_t i = 0; i < list->count && checks != NULL; i++)
        checks[i] = (struct sw_tui_check){
            .state = states[list->items[i].outcome],
            .name = sw_arena_printf(s->a, "%s %s", list->items[i].rule, list->items[i].want),
            .text = list->items[i].have,
        };
    struct sw_tui_section *section = tui_section_add(s, SW_TUI_CHECKS, title);
    section->checks.items = checks;
    section->checks.count = checks != NULL ? list->count : 0;
}

// The configured policy, or none (then the approval's own rules or the defaults judge).
enum sw_code tui_load_policy(struct sw_app_backend *b, const char *path, struct sw_arena *a, struct sw_policy *policy,
                             const struct sw_policy **out, struct sw_err *err)
{
    *out = NULL;
    if (path == NULL || path[0] == '\0')
        path = b->policy;
    if (path[0] == '\0')
        return SW_OK;
    enum sw_code code = sw_policy_load(path, a, policy, err);
    if (code == SW_OK)
        *out = policy;
    return code;
}

static enum sw_code put_difference(struct tui_sections *s, struct tui_worker *w, const struct sw_model_version *v,
                                   struct sw_err *err)
{
    static const char *const labels[] = {"labels unknown", "labels unchanged", "labels changed"};
    struct sw_model_version before;
    struct sw_model_difference d;
    bool found = false;
    enum sw_code code = sw_model_previous(w->store, v, s->a, &before, &found, err);
    if (code == SW_OK && found)
        code = sw_model_compare(w->store, &before, v, s->a, &d, err);
    if (code != SW_OK || !found)
        return code;
    tui_pairf(s, "files", "%zu added, %zu removed, %zu changed", d.files_added, d.files_removed, d.files_changed);
    tui_pairf(s, "size", "%+" PRId64 " bytes, %s", d.size_change_bytes, labels[d.labels]);
    for (size_t i = 0; i < d.metric_count; i++)
        tui_pairf(s, d.metrics[i].name, "%s to %s", tui_real_text(s->a, d.metrics[i].before),
                  tui_real_text(s->a, d.metrics[i].after));
    tui_pairs_end(s, sw_arena_printf(s->a, "since version %" PRId64, d.before_version));
    return SW_OK;
}

static enum sw_code put_records(struct tui_sections *s, struct tui_worker *w, const struct sw_model_version *v,
                                struct sw_err *err)
{
    struct sw_evaluation *evaluations;
    struct sw_approval *approvals;
    struct sw_model_files files;
    size_t count;
    enum sw_code code = sw_evaluation_list(w->store, v->name, v->version, s->a, &evaluations, &count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        tui_pair(s, tui_time_text(s->a, evaluations[i].created_ms), result_text(s->a, &evaluations[i]), SW_TUI_NORMAL);
    tui_pairs_end(s, "evaluations");
    code = sw_approval_list(w->store, v->name, v->version, s->a, &approvals, &count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        tui_pairf(s, tui_time_text(s->a, approvals[i].created_ms), "%s under %s%s%s%s", approvals[i].user,
                  approvals[i].policy, approvals[i].signature[0] != '\0' ? ", signed" : "",
                  approvals[i].revoked_ms != 0 ? ", revoked: " : "",
                  approvals[i].revoked_ms != 0 ? approvals[i].revoke_reason : "");
    tui_pairs_end(s, "approvals");
    code = sw_model_version_files(v, s->a, &files, err);
    for (size_t i = 0; code == SW_OK && i < files.count && i < FILES_SHOWN; i++)
        tui_pairf(s, files.items[i].path, "%s  %.12s", tui_bytes_text(s->a, files.items[i].size_bytes),
                  files.items[i].sha256);
    tui_pairs_end(s, "files");
    return code;
}

static enum sw_code model_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                                 const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                                 struct sw_err *err)
{
    (void)task;
    struct sw_model_version v;
    struct sw_policy policy;
    const struct sw_policy *judge;
    struct sw_approval_standing standing;
    struct tui_sections s;
    enum sw_code code = sw_model_version_get(w->store, q->ids[0], a, &v, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, a, err);
    if (code == SW_OK)
        code = tui_load_policy(b, NULL, a, &policy, &judge, err);
    if (code == SW_OK)
        code = sw_approval_review(w->store, &v, judge, NULL, a, &standing, err);
    if (code != SW_OK)
        return code;
    tui_pairf(&s, "digest", "sha256:%s", v.digest);
    tui_pair(&s, "size", tui_bytes_text(a, v.size_bytes), SW_TUI_NORMAL);
    tui_pair(&s, "from run", v.run_id, SW_TUI_NORMAL);
    tui_pair(&s, "registered", tui_time_text(a, v.created_ms), SW_TUI_NORMAL);
    tui_pair(&s, "by", v.user, SW_TUI_NORMAL);
    tui_pair(&s, "aliases", v.aliases, SW_TUI_NORMAL);
    tui_pair(&s, "description", v.description, SW_TUI_NORMAL);
    tui_pairs_end(&s, NULL);
    tui_add_verdicts(&s, sw_arena_printf(a, "policy %s", standing.policy.name), &standing.verdicts);
    code = put_difference(&s, w, &v, err);
    if (code == SW_OK)
        code = put_records(&s, w, &v, err);
    if (code != SW_OK)
        return code;
    tui_sections_end(&s, out);
    out->title = sw_arena_printf(a, "%s · %s", q->ids[0], standing.is_approved ? "approved" : "not approved");
    out->command = sw_arena_printf(a, "slipway model show %s", q->ids[0]);
    return SW_OK;
}

static enum sw_code model_raw(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a,
                              json_t **out, struct sw_err *err)
{
    (void)parent;
    struct sw_model_version row;
    enum sw_code code = sw_model_version_get(w->store, id, a, &row, err);
    if (code == SW_OK)
        *out = sw_json_document(&sw_json_model_version, &row);
    return code;
}

const struct tui_list tui_list_models = {.load = load_models, .detail = model_detail, .raw = model_raw};

// --- audit ---

static const struct sw_tui_column audit_columns[] = {
    {.key = "seq", .title = "#", .width = 6, .align = SW_TUI_RIGHT},
    {.key = "time", .title = "time", .width = 19},
    {.key = "user", .title = "user", .width = 12},
    {.key = "action", .title = "action", .width = 10},
    {.key = "object", .title = "object", .width = 28},
    {.key = "digest", .title = "digest", .width = 12, .priority = 1},
};

static enum sw_code load_audit(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                               const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                               struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_audit *items;
    struct tui_rows t;
    size_t count;
    enum sw_code code = sw_audit_list(w->store, AUDIT_ROWS, a, &items, &count, err);
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, audit_columns, COUNT(audit_columns), count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        char seq[24];
        snprintf(seq, sizeof seq, "%" PRId64, items[i].seq);
        tui_rows_add(&t, seq, SW_TUI_NORMAL);
        tui_rows_number(&t, (double)items[i].seq, seq, SW_TUI_NORMAL);
        tui_rows_number(&t, (double)items[i].time_ms, tui_time_text(a, items[i].time_ms), SW_TUI_NORMAL);
        tui_rows_text(&t, items[i].user, SW_TUI_NORMAL);
        tui_rows_text(&t, items[i].action, SW_TUI_STRONG);
        tui_rows_text(&t, items[i].object, SW_TUI_NORMAL);
        tui_rows_text(&t, sw_arena_printf(a, "%.12s", items[i].digest), SW_TUI_DIM);
    }
    if (code != SW_OK)
        return code;
    out->title = sw_arena_printf(a, "audit log · %zu", count);
    out->empty = "Nothing was approved, pushed or deleted yet.";
    return tui_rows_finish(&t, q, out, err);
}

const struct tui_list tui_list_audit = {.load = load_audit};
