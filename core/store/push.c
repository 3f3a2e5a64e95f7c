// SPDX-License-Identifier: Apache-2.0
// Rows of targets and pushes. What the states mean is core/ship's.
#include "core/store/push.h"

#include "core/base/clock.h"
#include "core/store/audit.h"
#include "core/store/store_private.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_MAX_BYTES = 250, ADDRESS_MAX_BYTES = 4096, PUSH_LIMIT = 1000 };

// --- targets ---
static void read_target(struct sw_reader *r, void *item)
{
    *(struct sw_target *)item = (struct sw_target){
        .name = sw_column_text(r, 0),
        .address = sw_column_text(r, 1),
        .options_json = sw_column_text(r, 2),
        .is_production = sw_column_int(r, 3) != 0,
        .created_ms = sw_column_int(r, 4),
    };
}

static enum sw_code no_target(const char *name, struct sw_err *err)
{
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no target %s", name);
    return sw_err_hint(err, "`slipway target ls` lists them; `slipway target add NAME ADDRESS` makes one");
}

static enum sw_code add_target(struct sw_store *s, const struct sw_target *t, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    bool exists = false;
    enum sw_code code = sw_sql_open(s, SQL_TARGET_GET, SW_VALUES(sw_text(t->name)), &st, err);
    if (code == SW_OK)
        code = sw_sql_next(s, st, &exists, err);
    if (code != SW_OK)
        return code;
    if (exists) {
        sqlite3_reset(st);
        (void)sw_err_set(err, SW_EXISTS, "a target %s exists", t->name);
        return sw_err_hint(err, "take another name, or remove it with `slipway target rm %s`", t->name);
    }
    return sw_sql_run(s, SQL_TARGET_ADD,
                      SW_VALUES(sw_text(t->name), sw_text(t->address),
                                sw_text(t->options_json != NULL ? t->options_json : "{}"), sw_int(t->is_production),
                                sw_int(t->created_ms != 0 ? t->created_ms : sw_clock_now_ms())),
                      err);
}

enum sw_code sw_target_put(struct sw_store *s, const struct sw_target *t, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the target's name", t->name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the target's address", t->address, ADDRESS_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, add_target(s, t, err), err) : code;
}

enum sw_code sw_target_get(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_target *out,
                           struct sw_err *err)
{
    struct sw_target target = {0};
    bool found = false;
    enum sw_code code = sw_sql_get(s, SQL_TARGET_GET, SW_VALUES(sw_text(name)), a, read_target, &target, &found, err);
    if (code == SW_OK && !found)
        return no_target(name, err);
    if (code == SW_OK)
        *out = target;
    return code;
}

enum sw_code sw_target_list(struct sw_store *s, struct sw_arena *a, struct sw_target **out, size_t *count,
                            struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_TARGET_LIST, SW_NO_VALUES, a, sizeof **out, read_target, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

enum sw_code sw_target_remove(struct sw_store *s, const char *name, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_TARGET_REMOVE, SW_VALUES(sw_text(name)), err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        code = no_target(name, err);
    return sw_step_end(s, &step, code, err);
}

// --- pushes ---
static void read_push(struct sw_reader *r, void *item)
{
    *(struct sw_push *)item = (struct sw_push){
        .push_id = sw_column_int(r, 0),
        .model = sw_column_text(r, 1),
        .version = sw_column_int(r, 2),
        .digest = sw_column_text(r, 3),
        .target = sw_column_text(r, 4),
        .address = sw_column_text(r, 5),
        .state = sw_column_text(r, 6),
        .is_final = sw_column_int(r, 7) != 0,
        .message = sw_column_text(r, 8),
        .plan_json = sw_column_text(r, 9),
        .result_json = sw_column_text(r, 10),
        .revision = sw_column_int(r, 11),
        .user = sw_column_text(r, 12),
        .holder_pid = sw_column_int(r, 13),
        .holder_ticks = sw_column_int(r, 14),
        .created_ms = sw_column_int(r, 15),
        .updated_ms = sw_column_int(r, 16),
    };
}

static struct sw_value text_or(const char *text, const char *otherwise)
{
    return sw_text(text != NULL ? text : otherwise);
}

enum sw_code sw_push_add(struct sw_store *s, const struct sw_push *p, int64_t *push_id, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the pushed model's name", p->model, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the target's name", p->target, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the push's state", p->state, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code =
        sw_sql_run(s, SQL_PUSH_ADD,
                   SW_VALUES(sw_text(p->model), sw_int(p->version), text_or(p->digest, ""), sw_text(p->target),
                             text_or(p->address, ""), sw_text(p->state), sw_int(p->is_final), text_or(p->message, ""),
                             text_or(p->plan_json, "{}"), text_or(p->result_json, "{}"), sw_int(p->revision),
                             text_or(p->user, sw_audit_user()), sw_int(p->holder_pid), sw_int(p->holder_ticks),
                             sw_int(p->created_ms != 0 ? p->created_ms : sw_clock_now_ms())),
                   err);
    int64_t id = sqlite3_last_insert_rowid(s->db);
    code = sw_step_end(s, &step, code, err);
    if (code == SW_OK)
        *push_id = id;
    return code;
}

static enum sw_code no_push(int64_t push_id, struct sw_err *err)
{
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no push %" PRId64, push_id);
    return sw_err_hint(err, "`slipway status` lists them");
}

enum sw_code sw_push_update(struct sw_store *s, const struct sw_push *p, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the push's state", p->state, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_PUSH_UPDATE,
                      SW_VALUES(sw_int(p->push_id), sw_text(p->state), sw_int(p->is_final), text_or(p->message, ""),
                                sw_text(p->digest), sw_text(p->plan_json), sw_text(p->result_json),
                                sw_int_or_null(p->revision), sw_int(p->holder_pid), sw_int(p->holder_ticks),
                                sw_int(sw_clock_now_ms())),
                      err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        code = no_push(p->push_id, err);
    return sw_step_end(s, &step, code, err);
}

enum sw_code sw_push_get(struct sw_store *s, int64_t push_id, struct sw_arena *a, struct sw_push *out,
                         struct sw_err *err)
{
    struct sw_push push = {0};
    bool found = false;
    enum sw_code code = sw_sql_get(s, SQL_PUSH_GET, SW_VALUES(sw_int(push_id)), a, read_push, &push, &found, err);
    if (code == SW_OK && !found)
        return no_push(push_id, err);
    if (code == SW_OK)
        *out = push;
    return code;
}

enum sw_code sw_push_search(struct sw_store *s, const char *target, const char *model, int64_t limit,
                            struct sw_arena *a, struct sw_push **out, size_t *count, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_PUSH_SEARCH,
                                    SW_VALUES(sw_text(target), sw_text(model), sw_int(limit > 0 ? limit : PUSH_LIMIT)),
                                    a, sizeof **out, read_push, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}
