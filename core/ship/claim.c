// SPDX-License-Identifier: Apache-2.0
#include "core/ship/claim_private.h"

#include "core/base/proc.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool claim_is_live(const struct sw_push *push)
{
    return push->holder_pid != 0 && sw_proc_is_alive((pid_t)push->holder_pid, push->holder_ticks);
}

// The unfinished push of this model that fits, or NULL; another live one on the target is an error.
static enum sw_code find_unfinished(struct plan *p, const struct sw_push **fitting, const struct sw_push **given_up,
                                    struct sw_err *err)
{
    struct sw_push *list = NULL;
    size_t count = 0;
    *fitting = *given_up = NULL;
    enum sw_code code = sw_push_search(p->store, p->target, NULL, 0, p->arena, &list, &count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        const struct sw_push *push = &list[i];
        if (push->is_final)
            continue;
        if (claim_is_live(push)) {
            code = sw_err_set(err, SW_LOCKED, "process %" PRId64 " is pushing %s/%" PRId64 " to %s", push->holder_pid,
                              push->model, push->version, p->target);
            (void)sw_err_hint(err, "wait for push %" PRId64 " to end: slipway status", push->push_id);
            return code;
        }
        if (strcmp(push->model, p->version.name) != 0)
            continue;
        if (plan_fits(p, push))
            *fitting = push;
        else
            *given_up = push;
    }
    return SW_OK;
}

static enum sw_code add_row(struct plan *p, struct sw_push *row, struct sw_err *err)
{
    char *plan_json = NULL;
    enum sw_code code = plan_to_json(p, &plan_json, err);
    if (code != SW_OK)
        return code;
    row->model = p->version.name;
    row->version = p->version.version;
    row->digest = p->version.digest;
    row->target = p->target;
    row->address = p->address;
    row->state = sw_push_state_word(SW_PUSH_PLANNED);
    row->plan_json = sw_arena_strdup(p->arena, plan_json);
    row->result_json = "{}";
    row->user = sw_audit_user();
    free(plan_json);
    if (row->plan_json == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to plan the push");
    return sw_push_add(p->store, row, &row->push_id, err);
}

static enum sw_code take_or_add(struct plan *p, struct sw_push *row, bool *was_resumed, struct sw_err *err)
{
    const struct sw_push *fitting = NULL, *given_up = NULL;
    struct sw_push mine = {.holder_pid = getpid()};
    enum sw_code code = find_unfinished(p, &fitting, &given_up, err);
    if (code == SW_OK)
        code = sw_proc_start_ticks(getpid(), &mine.holder_ticks, err);
    if (code != SW_OK)
        return code;
    if (given_up != NULL) {
        struct sw_push end = {.push_id = given_up->push_id,
                              .state = sw_push_state_word(SW_PUSH_FAILED),
                              .is_final = true,
                              .message = "given up: another push of the model to this target was started"};
        code = sw_push_update(p->store, &end, err);
    }
    *was_resumed = fitting != NULL;
    if (code == SW_OK && fitting == NULL) {
        *row = mine;
        return add_row(p, row, err);
    }
    if (code != SW_OK)
        return code;
    *row = *fitting;
    row->holder_pid = mine.holder_pid;
    row->holder_ticks = mine.holder_ticks;
    struct sw_push taken = {.push_id = row->push_id,
                            .state = row->state,
                            .message = "resumed",
                            .holder_pid = row->holder_pid,
                            .holder_ticks = row->holder_ticks};
    return sw_push_update(p->store, &taken, err);
}

enum sw_code claim_push(struct plan *p, struct sw_push *row, bool *was_resumed, struct sw_err *err)
{
    enum sw_code code = sw_store_begin(p->store, SW_STORE_FULL, err);
    if (code != SW_OK)
        return code;
    code = take_or_add(p, row, was_resumed, err);
    if (code == SW_OK)
        code = sw_store_commit(p->store, err);
    if (code != SW_OK)
        sw_store_rollback(p->store);
    return code;
}

enum sw_code claim_find(struct plan *p, int64_t *push_id, struct sw_err *err)
{
    const struct sw_push *fitting = NULL, *given_up = NULL;
    enum sw_code code = find_unfinished(p, &fitting, &given_up, err);
    if (code == SW_OK)
        *push_id = fitting == NULL ? 0 : fitting->push_id;
    return code;
}
