// SPDX-License-Identifier: Apache-2.0
#include "tui/loader.h"

#include <stdlib.h>

#define MAX_RESULT_BYTES ((size_t)64 << 20)
#define MAX_QUERY_BYTES  ((size_t)1 << 20)
#define PATIENCE_MS      1000
#define STALE_MS         2000
#define MAX_LEFT_BEHIND  3 // fewer than the pool has threads

// One call: owned by the worker while it runs, by the slot once it is shown.
struct sw_load {
    struct sw_slot *slot; // NULL = nobody wants the answer any more
    struct sw_loader *loader;
    enum sw_load_kind kind;
    uint64_t ticket;
    struct sw_arena *questions, *answers;
    union sw_load_query query;
    union sw_load_result result;
};

void sw_slot_init(struct sw_slot *s, struct sw_loader *l, enum sw_load_kind kind, sw_slot_fn done, void *owner)
{
    *s = (struct sw_slot){.loader = l, .kind = kind, .done = done, .owner = owner};
}

static void load_free(struct sw_load *load)
{
    if (!load)
        return;
    sw_arena_free(load->questions);
    sw_arena_free(load->answers);
    free(load);
}

// --- copying a question, so that it outlives the asker ---

static bool copy_text(struct sw_arena *a, const char **text)
{
    *text = sw_arena_strdup(a, *text ? *text : "");
    return *text != NULL;
}

static bool copy_ids(struct sw_arena *a, const char *const **ids, size_t count)
{
    const char **copy = sw_arena_array(a, count + 1, sizeof *copy);
    if (!copy)
        return false;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (*ids)[i];
        if (!copy_text(a, &copy[i]))
            return false;
    }
    *ids = copy;
    return true;
}

static bool copy_action(struct sw_arena *a, struct sw_tui_action_query *q)
{
    struct sw_tui_value *values = sw_arena_array(a, q->value_count + 1, sizeof *values);
    if (!values)
        return false;
    for (size_t i = 0; i < q->value_count; i++) {
        values[i] = q->values[i];
        if (!copy_text(a, &values[i].name) || !copy_text(a, &values[i].value))
            return false;
    }
    q->values = values;
    return copy_text(a, &q->action) && copy_text(a, &q->parent) && copy_ids(a, &q->ids, q->id_count);
}

static bool copy_query(struct sw_arena *a, enum sw_load_kind kind, union sw_load_query *q)
{
    switch (kind) {
    case SW_LOAD_LIST:
        return copy_text(a, &q->list.parent) && copy_text(a, &q->list.filter) && copy_text(a, &q->list.sort_key) &&
               copy_text(a, &q->list.find_id) && copy_ids(a, &q->list.unfolded, q->list.unfolded_count);
    case SW_LOAD_DETAIL:
        return copy_text(a, &q->detail.parent) && copy_text(a, &q->detail.base_id) &&
               copy_ids(a, &q->detail.ids, q->detail.id_count);
    case SW_LOAD_RAW:
        return copy_text(a, &q->raw.parent) && copy_text(a, &q->raw.id);
    case SW_LOAD_LOG:
        return copy_text(a, &q->log.id);
    case SW_LOAD_FORM:
    case SW_LOAD_ACT:
        return copy_action(a, &q->action);
    case SW_LOAD_STATUS:
    case SW_LOAD_CHANGES:
        break;
    }
    return true;
}

// --- on the worker ---

static enum sw_code run(void *ctx, const struct sw_task *task, struct sw_err *err)
{
    struct sw_load *l = ctx;
    const struct sw_tui_backend *b = l->loader->backend;
    void *backend = l->loader->ctx;
    switch (l->kind) {
    case SW_LOAD_LIST:
        return b->load_list(backend, &l->query.list, task, l->answers, &l->result.list, err);
    case SW_LOAD_DETAIL:
        return b->load_detail(backend, &l->query.detail, task, l->answers, &l->result.detail, err);
    case SW_LOAD_RAW:
        return b->load_raw(backend, l->query.raw.list, l->query.raw.parent, l->query.raw.id, task, l->answers,
                           &l->result.raw, err);
    case SW_LOAD_STATUS:
        return b->load_status(backend, task, l->answers, &l->result.status, err);
    case SW_LOAD_CHANGES:
        return b->change_count(backend, &l->result.changes, err);
    case SW_LOAD_LOG:
        return b->log_read(backend, &l->query.log, task, l->answers, &l->result.log, err);
    case SW_LOAD_FORM:
        return b->load_form(backend, &l->query.action, task, l->answers, &l->result.form, err);
    case SW_LOAD_ACT:
        return b->act(backend, &l->query.action, task, l->answers, &l->result.outcome, err);
    }
    return sw_err_set(err, SW_UNSUPPORTED, "no such load");
}

// --- back on the main thread ---

static void finished(void *ctx, enum sw_code code, const struct sw_err *err)
{
    struct sw_load *load = ctx;
    struct sw_slot *s = load->slot;
    if (!s) {
        load->loader->left_behind--;
        load_free(load);
        return;
    }
    s->pending = NULL;
    s->err = code ? *err : (struct sw_err){0};
    s->err.code = code;
    if (code) {
        load_free(load);
    } else {
        load_free(s->shown);
        s->shown = load;
        s->result = &load->result;
        s->query = &load->query;
        s->loaded_ms = s->loader->now_ms;
    }
    s->done(s->owner, s, code);
}

static void leave_behind(struct sw_slot *s)
{
    struct sw_load *load = s->pending;
    s->pending = NULL;
    load->slot = NULL;
    s->loader->left_behind++;
    if (load->kind != SW_LOAD_ACT) // what was begun is finished
        sw_pool_cancel(s->loader->pool, load->ticket);
}

bool sw_slot_ask(struct sw_slot *s, const union sw_load_query *q)
{
    if (s->pending) {
        if (s->loader->now_ms - s->asked_ms < PATIENCE_MS || s->loader->left_behind >= MAX_LEFT_BEHIND) {
            s->has_newer = true;
            return false;
        }
        leave_behind(s);
    }
    struct sw_load *load = calloc(1, sizeof *load);
    if (!load)
        return false;
    *load = (struct sw_load){.slot = s, .loader = s->loader, .kind = s->kind};
    if (q)
        load->query = *q;
    load->questions = sw_arena_new(MAX_QUERY_BYTES);
    load->answers = sw_arena_new(MAX_RESULT_BYTES);
    if (!load->questions || !load->answers || !copy_query(load->questions, load->kind, &load->query))
        goto fail;
    load->ticket = sw_pool_submit(s->loader->pool, run, finished, load);
    if (load->ticket == 0)
        goto fail;
    s->pending = load;
    s->asked_ms = s->loader->now_ms;
    s->has_newer = false;
    return true;
fail:
    load_free(load);
    return false;
}

void sw_slot_free(struct sw_slot *s)
{
    if (s->pending)
        leave_behind(s);
    load_free(s->shown);
    *s = (struct sw_slot){0};
}

bool sw_slot_is_busy(const struct sw_slot *s)
{
    return s->pending != NULL;
}

int64_t sw_slot_lag_ms(const struct sw_slot *s)
{
    if (!s->pending || s->loader->now_ms - s->asked_ms < STALE_MS)
        return 0;
    return s->loader->now_ms - (s->result ? s->loaded_ms : s->asked_ms);
}
