// SPDX-License-Identifier: Apache-2.0
// Looking without touching: what a push would do, and how targets stand.
#include "core/ship/push.h"

#include "core/base/tree.h"
#include "core/ship/claim_private.h"
#include "core/ship/plan_private.h"
#include "core/store/audit.h"

#include <stdlib.h>
#include <string.h>

// --- preview ---

// The number that the next push will get, as far as can be said before it is given out.
static enum sw_code next_push_id(struct plan *p, int64_t *id, struct sw_err *err)
{
    struct sw_push *newest = NULL;
    size_t count = 0;
    enum sw_code code = sw_push_search(p->store, NULL, NULL, 1, p->arena, &newest, &count, err);
    if (code == SW_OK)
        *id = count == 0 ? 1 : newest[0].push_id + 1;
    return code;
}

static enum sw_code pack_for_preview(struct plan *p, int64_t resumed_id, struct sw_err *err)
{
    struct sw_push push;
    struct plan_anchor fresh;
    bool has_anchor = false;
    enum sw_code code = SW_OK;
    if (resumed_id != 0) {
        struct sw_approval_standing standing = p->standing;
        code = sw_push_get(p->store, resumed_id, p->arena, &push, err);
        if (code == SW_OK)
            code = plan_restore(p, &push, &has_anchor, err);
        p->standing = standing; // as it is now, not as it was then
    }
    if (code == SW_OK && has_anchor)
        return plan_pack(p, err);
    if (code == SW_OK)
        code = next_push_id(p, &fresh.push_id, err);
    if (code == SW_OK)
        code = sw_audit_head(p->store, fresh.audit_head, err);
    return code == SW_OK ? plan_pack_anchored(p, &fresh, err) : code;
}

static enum sw_code look(struct plan *p, struct sw_push_preview *out, struct sw_err *err)
{
    struct sw_push_preview v = {.version = p->version, .target = p->target, .address = p->address};
    enum sw_code code =
        sw_approval_check(p->store, &p->version, p->request->policy, p->target, p->arena, &p->standing, &v.refusal);
    if (code != SW_OK && code != SW_REFUSED) {
        if (err != NULL)
            *err = v.refusal;
        return code;
    }
    if (code == SW_OK)
        v.refusal = (struct sw_err){0};
    code = claim_find(p, &v.resumes_push_id, err);
    if (code == SW_OK)
        code = pack_for_preview(p, v.resumes_push_id, err);
    if (code != SW_OK)
        return code;
    v.standing = p->standing;
    v.package = p->package;
    v.manifests = p->manifests;
    struct sw_shipment shipment = {.package = &v.package, .rest = p->rest};
    code = p->kind->diff(&shipment, p->arena, &v.diff, err);
    if (code == SW_OK)
        *out = v;
    return code;
}

enum sw_code sw_push_look(struct sw_store *s, const struct sw_push_request *request, struct sw_arena *a,
                          struct sw_push_preview *out, struct sw_err *err)
{
    struct plan p;
    enum sw_code code = plan_make(s, request, a, &p, err);
    if (code == SW_OK)
        code = look(&p, out, err);
    plan_free(&p);
    return code;
}

// --- status ---

static const struct sw_ship_status *find_row(const struct sw_ship_status *rows, size_t count, const char *model)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].last.model, model) == 0)
            return &rows[i];
    }
    return NULL;
}

// Pushes come newest first: the first of a model is its last one, the first finished one tells what is there.
static const struct sw_push *find_done(const struct sw_push *pushes, size_t count, const char *model)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pushes[i].model, model) == 0 && strcmp(pushes[i].state, sw_push_state_word(SW_PUSH_DONE)) == 0)
            return &pushes[i];
    }
    return NULL;
}

static enum sw_code verify_row(const struct sw_push *done, struct sw_arena *a, struct sw_ship_status *row,
                               struct sw_err *err)
{
    const struct sw_target_kind *kind = NULL;
    char address[SW_TARGET_ADDRESS_MAX];
    struct sw_err found = {0};
    json_t *result = json_loads(done->result_json, 0, NULL);
    const char *digest = sw_tree_text(result, "package_digest");
    row->verified = sw_target_parse(done->address, &kind, address, &found);
    if (row->verified == SW_OK && digest != NULL)
        row->verified = kind->verify(sw_target_rest(address), done->model, digest, &found);
    json_decref(result);
    row->verify_message = sw_arena_strdup(a, found.message);
    return row->verify_message == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for the status") : SW_OK;
}

static enum sw_code gather(const struct sw_push *pushes, size_t push_count, bool verify, struct sw_arena *a,
                           struct sw_ship_status *rows, size_t *row_count, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; code == SW_OK && i < push_count; i++) {
        const struct sw_push *push = &pushes[i];
        if (find_row(rows, *row_count, push->model) != NULL)
            continue;
        struct sw_ship_status *row = &rows[(*row_count)++];
        const struct sw_push *done = find_done(pushes, push_count, push->model);
        *row = (struct sw_ship_status){.last = *push, .verified = SW_CANCELLED, .verify_message = ""};
        row->has_live_holder = !push->is_final && claim_is_live(push);
        if (done == NULL)
            continue;
        row->revision = done->revision;
        row->version = done->version;
        row->pushed_ms = done->updated_ms;
        if (verify)
            code = verify_row(done, a, row, err);
    }
    return code;
}

static int by_model(const void *left, const void *right)
{
    return strcmp(((const struct sw_ship_status *)left)->last.model,
                  ((const struct sw_ship_status *)right)->last.model);
}

enum sw_code sw_ship_status_list(struct sw_store *s, const char *target, bool verify, struct sw_arena *a,
                                 struct sw_ship_status **out, size_t *count, struct sw_err *err)
{
    const struct sw_target_kind *kind = NULL;
    char address[SW_TARGET_ADDRESS_MAX];
    enum sw_code code = SW_OK;
    if (strchr(target, ':') != NULL) { // pushes to an address are filed under its normal form
        code = sw_target_parse(target, &kind, address, err);
        target = address;
    }
    struct sw_push *pushes = NULL;
    size_t push_count = 0;
    if (code == SW_OK)
        code = sw_push_search(s, target, NULL, 0, a, &pushes, &push_count, err);
    if (code != SW_OK)
        return code;
    struct sw_ship_status *rows = sw_arena_array(a, push_count + 1, sizeof *rows);
    if (rows == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the status of %s", target);
    size_t row_count = 0;
    code = gather(pushes, push_count, verify, a, rows, &row_count, err);
    if (code != SW_OK)
        return code;
    qsort(rows, row_count, sizeof *rows, by_model);
    *out = rows;
    *count = row_count;
    return SW_OK;
}
