// SPDX-License-Identifier: Apache-2.0
// Targets, and pushes with the arrows of the state machine.
#include "app/tui_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/json_kind.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "core/ship/push.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { PUSHES_MAX = 1000, LAST_PUSHES = 20 };

static enum sw_tui_role push_role(const struct sw_push *p)
{
    if (!p->is_final)
        return SW_TUI_LIVE;
    return strcmp(p->state, sw_push_state_word(SW_PUSH_DONE)) == 0 ? SW_TUI_OK : SW_TUI_ERROR;
}

// --- targets ---

static const struct sw_tui_column target_columns[] = {
    {.key = "name", .title = "target", .width = 18},
    {.key = "address", .title = "address", .width = 36, .priority = 1},
    {.key = "kind", .title = "", .width = 12, .priority = 2},
    {.key = "last", .title = "last push", .width = 34},
    {.key = "age", .title = "age", .width = 6, .priority = 3, .align = SW_TUI_RIGHT},
};

static enum sw_code load_targets(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                                 const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                                 struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_target *targets;
    struct tui_rows t;
    size_t count;
    enum sw_code code = sw_target_list(w->store, a, &targets, &count, err);
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, target_columns, COUNT(target_columns), count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        struct sw_push *pushes;
        size_t push_count;
        code = sw_push_search(w->store, targets[i].name, NULL, 1, a, &pushes, &push_count, err);
        if (code != SW_OK)
            break;
        const struct sw_push *last = push_count > 0 ? &pushes[0] : NULL;
        tui_rows_add(&t, targets[i].name, SW_TUI_NORMAL);
        tui_rows_text(&t, targets[i].name, SW_TUI_STRONG);
        tui_rows_text(&t, targets[i].address, SW_TUI_NORMAL);
        tui_rows_text(&t, targets[i].is_production ? "PRODUCTION" : "", SW_TUI_DANGER);
        tui_rows_text(&t,
                      last == NULL ? "never"
                                   : sw_arena_printf(a, "%s/%" PRId64 " %s", last->model, last->version, last->state),
                      last == NULL ? SW_TUI_DIM : push_role(last));
        tui_rows_age(&t, last != NULL ? last->updated_ms : 0);
    }
    if (code != SW_OK)
        return code;
    out->title = sw_arena_printf(a, "%zu target%s", count, count == 1 ? "" : "s");
    out->empty = "No targets yet. A target is where approved models go: a bundle folder or a .tar for now.";
    return tui_rows_finish(&t, q, out, err);
}

static enum sw_code target_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                                  const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                                  struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_target t;
    struct sw_push *pushes;
    struct tui_sections s;
    size_t count;
    enum sw_code code = sw_target_get(w->store, q->ids[0], a, &t, err);
    if (code == SW_OK)
        code = sw_push_search(w->store, t.name, NULL, LAST_PUSHES, a, &pushes, &count, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, a, err);
    if (code != SW_OK)
        return code;
    tui_pair(&s, "address", t.address, SW_TUI_NORMAL);
    tui_pair(&s, "kind", t.is_production ? "PRODUCTION" : "ordinary", t.is_production ? SW_TUI_DANGER : SW_TUI_NORMAL);
    tui_pair(&s, "added", tui_time_text(a, t.created_ms), SW_TUI_NORMAL);
    tui_pairs_end(&s, NULL);
    for (size_t i = 0; i < count; i++)
        tui_pair(&s, sw_arena_printf(a, "push %" PRId64, pushes[i].push_id),
                 sw_arena_printf(a, "%s/%" PRId64 " %s%s%s", pushes[i].model, pushes[i].version, pushes[i].state,
                                 pushes[i].message[0] != '\0' ? ": " : "", pushes[i].message),
                 push_role(&pushes[i]));
    tui_pairs_end(&s, "pushes");
    tui_sections_end(&s, out);
    out->title = t.name;
    out->is_production = t.is_production;
    out->command = sw_arena_printf(a, "slipway status %s", t.name);
    return SW_OK;
}

static enum sw_code target_raw(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a,
                               json_t **out, struct sw_err *err)
{
    (void)parent;
    struct sw_target row;
    enum sw_code code = sw_target_get(w->store, id, a, &row, err);
    if (code == SW_OK)
        *out = sw_json_document(&sw_json_target, &row);
    return code;
}

const struct tui_list tui_list_targets = {.load = load_targets, .detail = target_detail, .raw = target_raw};

// --- pushes ---

static const struct sw_tui_column push_columns[] = {
    {.key = "id", .title = "push", .width = 5, .align = SW_TUI_RIGHT},
    {.key = "model", .title = "model", .width = 22},
    {.key = "state", .title = "state", .width = 10},
    {.key = "revision", .title = "revision", .width = 8, .priority = 2, .align = SW_TUI_RIGHT},
    {.key = "message", .title = "what happened", .width = 36, .priority = 1},
    {.key = "user", .title = "by", .width = 10, .priority = 4},
    {.key = "age", .title = "age", .width = 6, .priority = 3, .align = SW_TUI_RIGHT},
};

static enum sw_code load_pushes(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                                const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                                struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_push *pushes;
    struct tui_rows t;
    size_t count;
    const char *target = q->parent != NULL && q->parent[0] != '\0' ? q->parent : NULL;
    enum sw_code code = sw_push_search(w->store, target, NULL, PUSHES_MAX, a, &pushes, &count, err);
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, push_columns, COUNT(push_columns), count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        const struct sw_push *p = &pushes[i];
        char id[24];
        snprintf(id, sizeof id, "%" PRId64, p->push_id);
        tui_rows_add(&t, id, SW_TUI_NORMAL);
        tui_rows_number(&t, (double)p->push_id, id, SW_TUI_NORMAL);
        tui_rows_text(&t, sw_arena_printf(a, "%s/%" PRId64, p->model, p->version), SW_TUI_STRONG);
        tui_rows_text(&t, p->state, push_role(p));
        tui_rows_number(&t, (double)p->revision, p->revision > 0 ? sw_arena_printf(a, "%" PRId64, p->revision) : NULL,
                        SW_TUI_NORMAL);
        tui_rows_text(&t, p->message, SW_TUI_NORMAL);
        tui_rows_text(&t, p->user, SW_TUI_NORMAL);
        tui_rows_age(&t, p->updated_ms);
    }
    if (code != SW_OK)
        return code;
    out->title =
        sw_arena_printf(a, "%zu push%s to %s", count, count == 1 ? "" : "es", target != NULL ? target : "any target");
    out->empty = "Nothing was pushed here yet. Screen 4, then P on an approved version.";
    return tui_rows_finish(&t, q, out, err);
}

// The arrows of the journal as a list of steps: reached, under way, to come.
static void put_steps(struct tui_sections *s, const struct sw_push *p)
{
    struct sw_tui_check *checks = sw_arena_array(s->a, SW_PUSH_DONE + 1, sizeof *checks);
    int reached = -1;
    bool failed = strcmp(p->state, sw_push_state_word(SW_PUSH_FAILED)) == 0;
    if (checks == NULL)
        return;
    for (int i = 0; i <= (int)SW_PUSH_DONE; i++)
        if (strcmp(p->state, sw_push_state_word((enum sw_push_state)i)) == 0)
            reached = i;
    for (int i = 0; i <= (int)SW_PUSH_DONE; i++) {
        bool is_next = !p->is_final && i == reached + 1;
        checks[i] = (struct sw_tui_check){
            .state = i <= reached ? SW_TUI_CHECK_PASS
                     : is_next    ? SW_TUI_CHECK_NOW
                                  : SW_TUI_CHECK_SKIP,
            .name = sw_push_step_word((enum sw_push_state)i),
            .text = is_next || (i == reached && p->is_final) ? p->message : "",
        };
    }
    struct sw_tui_section *section = tui_section_add(s, SW_TUI_CHECKS, "steps");
    section->checks.items = checks;
    section->checks.count = failed ? 0 : SW_PUSH_DONE + 1;
    if (failed)
        tui_section_text(s, "failed", p->message);
}

// What was planned, as people read it; the journal's own form is behind `y`.
static void put_plan(struct tui_sections *s, const struct sw_push *p)
{
    struct sw_err ignored = {0};
    json_t *plan;
    if (sw_json_parse(p->plan_json, strlen(p->plan_json), "plan", &sw_tree_limits_default, &plan, &ignored) != SW_OK)
        return;
    const char *manifests = sw_tree_text(plan, "manifests");
    tui_pair(s, "template", sw_tree_text(plan, "template"), SW_TUI_NORMAL);
    tui_pair(s, "model from", sw_tree_text(plan, "model_uri"), SW_TUI_NORMAL);
    tui_pairs_end(s, "plan");
    if (manifests != NULL)
        tui_section_text(s, "manifests", sw_arena_strdup(s->a, manifests));
    json_decref(plan);
}

static enum sw_code push_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                                const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                                struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_push p;
    struct sw_target t;
    struct sw_err ignored = {0};
    struct tui_sections s;
    enum sw_code code = sw_push_get(w->store, strtoll(q->ids[0], NULL, 10), a, &p, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, a, err);
    if (code != SW_OK)
        return code;
    put_steps(&s, &p);
    tui_pair(&s, "target", p.target, SW_TUI_NORMAL);
    tui_pair(&s, "address", p.address, SW_TUI_NORMAL);
    tui_pairf(&s, "digest", "sha256:%s", p.digest);
    tui_pairf(&s, "revision", "%" PRId64, p.revision);
    tui_pair(&s, "by", p.user, SW_TUI_NORMAL);
    tui_pair(&s, "began", tui_time_text(a, p.created_ms), SW_TUI_NORMAL);
    tui_pair(&s, "last step", tui_time_text(a, p.updated_ms), SW_TUI_NORMAL);
    tui_pairs_end(&s, NULL);
    put_plan(&s, &p);
    tui_sections_end(&s, out);
    out->title = sw_arena_printf(a, "push %" PRId64 " · %s/%" PRId64, p.push_id, p.model, p.version);
    // A target that was removed since leaves the push as it was.
    out->is_production = sw_target_get(w->store, p.target, a, &t, &ignored) == SW_OK && t.is_production;
    return SW_OK;
}

static enum sw_code push_raw(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a, json_t **out,
                             struct sw_err *err)
{
    (void)parent;
    struct sw_push row;
    enum sw_code code = sw_push_get(w->store, strtoll(id, NULL, 10), a, &row, err);
    if (code == SW_OK)
        *out = sw_json_document(&sw_json_push, &row);
    return code;
}

const struct tui_list tui_list_pushes = {.load = load_pushes, .detail = push_detail, .raw = push_raw};
