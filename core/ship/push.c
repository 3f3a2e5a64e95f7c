// SPDX-License-Identifier: Apache-2.0
// The steps of a push and the loop that walks them. What a push consists of is plan.c's, who may work on it claim.c's.
#include "core/ship/push.h"

#include "core/base/failpoint.h"
#include "core/base/tree.h"
#include "core/ship/claim_private.h"
#include "core/ship/plan_private.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_WORD(state, word, step) word,
#define STEP_WORD(state, word, step)  step,
static const char *const state_words[] = {SW_PUSH_STATE_TABLE(STATE_WORD)};
static const char *const step_words[] = {SW_PUSH_STATE_TABLE(STEP_WORD)};

const char *sw_push_state_word(enum sw_push_state state)
{
    return state_words[state];
}

const char *sw_push_step_word(enum sw_push_state state)
{
    return step_words[state];
}

// One push under way.
struct pushing {
    struct plan plan;
    struct sw_push row; // as in the journal
    enum sw_push_state reached;
    struct sw_shipment shipment;
    void *handle; // of the target; NULL before preflight
    struct sw_ship_diff diff;
    bool was_resumed, is_unchanged;
    char message[160];             // of the step that just ended
    char *plan_json, *result_json; // ours; NULL = as before
    int64_t done_bytes;
};

// --- telling ---

static bool tell(struct pushing *p, enum sw_push_state state, bool is_reached, const char *message)
{
    const struct sw_push_request *r = p->plan.request;
    struct sw_push_event event = {
        .push_id = p->row.push_id, .state = state, .is_reached = is_reached, .message = message};
    if (state == SW_PUSH_UPLOADED) {
        event.done_bytes = p->done_bytes;
        event.total_bytes = p->plan.package.files.size_bytes + (int64_t)p->plan.package.manifest_len;
    }
    return r->watch == NULL || r->watch(r->ctx, &event);
}

static bool tell_upload(void *ctx, int64_t bytes)
{
    struct pushing *p = ctx;
    p->done_bytes += bytes;
    return tell(p, SW_PUSH_UPLOADED, false, "");
}

// --- steps ---

static void set_shipment(struct pushing *p)
{
    p->shipment =
        (struct sw_shipment){.package = &p->plan.package, .rest = p->plan.rest, .progress = tell_upload, .ctx = p};
}

// Bytes = approved bytes, then the package with its anchor, which the journal keeps from here on.
static enum sw_code step_verify(struct pushing *p, struct sw_err *err)
{
    struct plan *plan = &p->plan;
    struct plan_anchor fresh = {.push_id = p->row.push_id};
    bool has_anchor = false;
    enum sw_code code = plan_restore(plan, &p->row, &has_anchor, err);
    if (code == SW_OK)
        code = sw_approval_check(plan->store, &plan->version, plan->request->policy, plan->target, plan->arena,
                                 &plan->standing, err);
    if (code == SW_OK && has_anchor)
        code = plan_pack(plan, err);
    else if (code == SW_OK) {
        code = sw_audit_head(plan->store, fresh.audit_head, err);
        if (code == SW_OK)
            code = plan_pack_anchored(plan, &fresh, err);
    }
    if (code == SW_OK)
        code = plan_to_json(plan, &p->plan_json, err);
    struct sw_model_files files = {0};
    if (code == SW_OK)
        code = sw_model_version_files(&plan->version, plan->arena, &files, err);
    if (code == SW_OK)
        snprintf(p->message, sizeof p->message, "%zu file%s = approved digest sha256:%.12s", files.count,
                 files.count == 1 ? "" : "s", files.digest);
    return code;
}

static enum sw_code step_preflight(struct pushing *p, struct sw_err *err)
{
    set_shipment(p);
    enum sw_code code = p->plan.kind->open(&p->shipment, &p->handle, err);
    if (code == SW_OK)
        code = p->plan.kind->preflight(p->handle, err);
    if (code == SW_OK)
        snprintf(p->message, sizeof p->message, "the target can take it");
    return code;
}

static enum sw_code step_upload(struct pushing *p, struct sw_err *err)
{
    enum sw_code code = p->plan.kind->upload(p->handle, err);
    if (code == SW_OK)
        snprintf(p->message, sizeof p->message, "%zu files staged", p->plan.package.files.count + 1);
    return code;
}

static enum sw_code step_diff(struct pushing *p, struct sw_err *err)
{
    const struct sw_package *package = &p->plan.package;
    enum sw_code code = p->plan.kind->diff(&p->shipment, p->plan.arena, &p->diff, err);
    if (code != SW_OK)
        return code;
    const struct sw_ship_diff *d = &p->diff;
    if (d->is_unchanged)
        snprintf(p->message, sizeof p->message, "nothing changes");
    else
        snprintf(p->message, sizeof p->message, "%zu new, %zu changed, %zu same, %zu gone", d->new_count,
                 d->changed_count, d->same_count, d->gone_count);
    json_t *tree =
        json_pack("{s:s, s:s, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "destination", d->destination, "package_digest",
                  package->files.digest, "files", (json_int_t)package->files.count + 1, "size_bytes",
                  (json_int_t)package->files.size_bytes, "changes", "new", (json_int_t)d->new_count, "changed",
                  (json_int_t)d->changed_count, "same", (json_int_t)d->same_count, "gone", (json_int_t)d->gone_count);
    free(p->result_json);
    p->result_json = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT);
    json_decref(tree);
    return p->result_json == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for the result of the push") : SW_OK;
}

static enum sw_code step_apply(struct pushing *p, struct sw_err *err)
{
    enum sw_code code = p->plan.kind->apply(p->handle, err);
    if (code == SW_OK)
        snprintf(p->message, sizeof p->message, "%s", p->diff.destination);
    return code;
}

static enum sw_code step_wait(struct pushing *p, struct sw_err *err)
{
    enum sw_code code = p->plan.kind->wait(p->handle, err);
    if (code == SW_OK)
        snprintf(p->message, sizeof p->message, "in place, sha256:%.12s", p->plan.package.files.digest);
    return code;
}

// Adds what only the end knows to the result that the diff began.
static enum sw_code finish_result(struct pushing *p, struct sw_err *err)
{
    json_t *result = json_loads(p->result_json, 0, NULL);
    bool is_set = json_object_set_new(result, "revision", json_integer(p->row.revision)) == 0 &&
                  json_object_set_new(result, "unchanged", json_boolean(p->is_unchanged)) == 0;
    free(p->result_json);
    p->result_json = is_set ? json_dumps(result, JSON_COMPACT) : NULL;
    json_decref(result);
    return p->result_json == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for the result of the push") : SW_OK;
}

// The revision counts what was different: a push of what the last one pushed keeps its number.
static enum sw_code step_record(struct pushing *p, struct sw_err *err)
{
    struct sw_push last;
    bool found = false;
    enum sw_code code = plan_find_last_done(&p->plan, &last, &found, err);
    if (code != SW_OK)
        return code;
    json_t *result = found ? json_loads(last.result_json, 0, NULL) : NULL;
    const char *digest = sw_tree_text(result, "package_digest");
    p->is_unchanged = digest != NULL && strcmp(digest, p->plan.package.files.digest) == 0;
    json_decref(result);
    p->row.revision = !found ? 1 : last.revision + (p->is_unchanged ? 0 : 1);
    snprintf(p->message, sizeof p->message, "revision %" PRId64 "%s", p->row.revision,
             p->is_unchanged ? ", unchanged" : "");
    return finish_result(p, err);
}

// Runs in the transaction of the arrow.
static enum sw_code audit_push(struct pushing *p, struct sw_err *err)
{
    json_t *detail = json_pack("{s:I, s:s, s:s, s:I, s:s, s:b}", "push_id", (json_int_t)p->row.push_id, "target",
                               p->plan.target, "address", p->plan.address, "revision", (json_int_t)p->row.revision,
                               "package_digest", p->plan.package.files.digest, "unchanged", p->is_unchanged);
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    json_decref(detail);
    enum sw_code code =
        text == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for an audit row")
                     : sw_audit_add(p->plan.store, "push", p->plan.package.label, p->plan.version.digest, text, err);
    free(text);
    return code;
}

static enum sw_code step_finish(struct pushing *p, struct sw_err *err)
{
    (void)err;
    snprintf(p->message, sizeof p->message, "%s at %s", p->plan.package.label, p->plan.target);
    return SW_OK;
}

static const struct step {
    enum sw_push_state to;
    enum sw_code (*effect)(struct pushing *p, struct sw_err *err);
    enum sw_code (*with_arrow)(struct pushing *p, struct sw_err *err); // rows written in the arrow's transaction
} steps[] = {
    {SW_PUSH_VERIFIED, step_verify, NULL},       {SW_PUSH_PREFLIGHT, step_preflight, NULL},
    {SW_PUSH_UPLOADED, step_upload, NULL},       {SW_PUSH_DIFFED, step_diff, NULL},
    {SW_PUSH_APPLIED, step_apply, NULL},         {SW_PUSH_WAITED, step_wait, NULL},
    {SW_PUSH_RECORDED, step_record, audit_push}, {SW_PUSH_DONE, step_finish, NULL},
};

// --- the loop ---

static enum sw_code fail_here(const struct pushing *p, const char *step, const char *when, struct sw_err *err)
{
    char name[48];
    snprintf(name, sizeof name, "push.%s.%s", step, when);
    int failed = sw_failpoint(name);
    return failed == 0 ? SW_OK : sw_err_errno(err, failed, "pushing %s", p->plan.version.name);
}

static enum sw_code write_arrow(struct pushing *p, const struct step *step, struct sw_err *err)
{
    struct sw_store *s = p->plan.store;
    struct sw_push row = {.push_id = p->row.push_id,
                          .state = sw_push_state_word(step->to),
                          .is_final = step->to == SW_PUSH_DONE,
                          .message = p->message,
                          .plan_json = p->plan_json,
                          .result_json = p->result_json,
                          .revision = p->row.revision,
                          .holder_pid = step->to == SW_PUSH_DONE ? 0 : p->row.holder_pid,
                          .holder_ticks = step->to == SW_PUSH_DONE ? 0 : p->row.holder_ticks};
    enum sw_code code = sw_store_begin(s, SW_STORE_FULL, err);
    if (code != SW_OK)
        return code;
    code = sw_push_update(s, &row, err);
    if (code == SW_OK && step->with_arrow != NULL)
        code = step->with_arrow(p, err);
    if (code == SW_OK)
        code = sw_store_commit(s, err);
    if (code != SW_OK)
        sw_store_rollback(s);
    return code;
}

static enum sw_code take_step(struct pushing *p, const struct step *step, struct sw_err *err)
{
    const char *word = sw_push_step_word(step->to);
    if (!tell(p, step->to, false, ""))
        return sw_err_set(err, SW_CANCELLED, "the push was stopped before '%s'", word);
    enum sw_code code = fail_here(p, word, "before", err);
    if (code == SW_OK)
        code = step->effect(p, err);
    if (code == SW_OK)
        code = fail_here(p, word, "after", err);
    if (code == SW_OK)
        code = write_arrow(p, step, err);
    if (code == SW_OK) {
        p->reached = step->to;
        (void)tell(p, step->to, true, p->message);
    }
    return code;
}

// Brings a push that has already changed the target to where its remaining steps can go on.
static enum sw_code rejoin(struct pushing *p, struct sw_err *err)
{
    bool is_complete = false;
    enum sw_code code = plan_restore(&p->plan, &p->row, &is_complete, err);
    if (code == SW_OK && !is_complete)
        code = sw_err_set(err, SW_CORRUPT, "push %" PRId64 " has no complete plan in the journal", p->row.push_id);
    if (code == SW_OK)
        code = plan_pack(&p->plan, err);
    if (code != SW_OK)
        return code;
    set_shipment(p);
    p->result_json = strdup(p->row.result_json);
    return p->result_json == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory to resume the push")
                                  : p->plan.kind->open(&p->shipment, &p->handle, err);
}

static enum sw_push_state state_of(const char *word)
{
    for (size_t i = 0; i < SW_PUSH_STATE_COUNT; i++) {
        if (strcmp(state_words[i], word) == 0)
            return (enum sw_push_state)i;
    }
    return SW_PUSH_PLANNED;
}

static enum sw_code walk(struct pushing *p, struct sw_err *err)
{
    p->reached = state_of(p->row.state);
    enum sw_code code = SW_OK;
    if (p->reached >= SW_PUSH_APPLIED)
        code = rejoin(p, err);
    else
        p->reached = SW_PUSH_PLANNED; // nothing has been changed there yet: check everything again
    for (size_t i = 0; code == SW_OK && i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].to > p->reached)
            code = take_step(p, &steps[i], err);
    }
    return code;
}

// Lets go of a push that could not go on. A refused one ends here; the others wait for the same call.
static void let_go(struct pushing *p, enum sw_code why, const struct sw_err *err)
{
    bool is_final = why == SW_REFUSED;
    struct sw_push row = {.push_id = p->row.push_id,
                          .state = sw_push_state_word(is_final ? SW_PUSH_FAILED : p->reached),
                          .is_final = is_final,
                          .message = err->message};
    (void)sw_push_update(p->plan.store, &row, NULL); // the store may be what failed; a dead holder is noticed anyway
}

static enum sw_code fill_outcome(const struct pushing *p, struct sw_push_outcome *out, struct sw_err *err)
{
    struct sw_arena *a = p->plan.arena;
    json_t *result = json_loads(p->result_json, 0, NULL);
    struct sw_push_outcome o = {.push_id = p->row.push_id,
                                .revision = p->row.revision,
                                .was_resumed = p->was_resumed,
                                .is_unchanged = sw_tree_bool(result, "unchanged", false),
                                .destination = sw_arena_strdup(a, sw_tree_text(result, "destination")),
                                .package_digest = sw_arena_strdup(a, p->plan.package.files.digest),
                                .result_json = sw_arena_strdup(a, p->result_json)};
    json_decref(result);
    if (o.destination == NULL || o.package_digest == NULL || o.result_json == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the result of the push");
    *out = o;
    return SW_OK;
}

enum sw_code sw_push_run(struct sw_store *s, const struct sw_push_request *request, struct sw_arena *a,
                         struct sw_push_outcome *out, struct sw_err *err)
{
    struct sw_err local = {0}; // the journal wants the message even when the caller does not
    struct sw_err *why = err == NULL ? &local : err;
    struct pushing p = {0};
    bool is_claimed = false;
    enum sw_code code = plan_make(s, request, a, &p.plan, why);
    if (code == SW_OK)
        code = claim_push(&p.plan, &p.row, &p.was_resumed, why);
    is_claimed = code == SW_OK;
    if (is_claimed)
        (void)tell(&p, SW_PUSH_PLANNED, true, p.was_resumed ? "resumed" : "");
    if (code == SW_OK)
        code = walk(&p, why);
    if (code != SW_OK && is_claimed)
        let_go(&p, code, why);
    if (code == SW_OK)
        code = fill_outcome(&p, out, why);
    if (p.plan.kind != NULL)
        p.plan.kind->close(p.handle);
    free(p.plan_json);
    free(p.result_json);
    plan_free(&p.plan);
    return code;
}
