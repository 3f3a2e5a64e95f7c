// SPDX-License-Identifier: Apache-2.0
// Experiments and their tags.
#include "core/store/experiment_private.h"

#include "core/base/clock.h"
#include "core/store/filter_private.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_MAX_BYTES = 500, LOCATION_MAX_BYTES = 2048, TAG_MAX_BYTES = 20000 };

// --- reading ---
static void read_experiment(struct sw_reader *r, void *item)
{
    *(struct sw_experiment *)item = (struct sw_experiment){.experiment_id = sw_column_int(r, 0),
                                                           .name = sw_column_text(r, 1),
                                                           .artifact_location = sw_column_text(r, 2),
                                                           .created_ms = sw_column_int(r, 3),
                                                           .updated_ms = sw_column_int(r, 4),
                                                           .is_deleted = sw_column_int(r, 5) != 0};
}

void sw_pair_read(struct sw_reader *r, void *item)
{
    *(struct sw_pair *)item = (struct sw_pair){sw_column_text(r, 0), sw_column_text(r, 1)};
}

enum sw_code sw_experiment_list(struct sw_store *s, struct sw_arena *a, struct sw_experiment **out, size_t *count,
                                struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_EXPERIMENT_LIST, SW_NO_VALUES, a, sizeof **out, read_experiment, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

static enum sw_code not_found(int64_t experiment_id, struct sw_err *err)
{
    return sw_err_set(err, SW_NOT_FOUND, "there is no experiment %" PRId64, experiment_id);
}

static enum sw_code load_tags(struct sw_store *s, struct sw_arena *a, struct sw_experiment *e, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_EXPERIMENT_TAGS, SW_VALUES(sw_int(e->experiment_id)), a,
                                    sizeof(struct sw_pair), sw_pair_read, &rows, err);
    if (code == SW_OK) {
        e->tags = rows.items;
        e->tag_count = rows.count;
    }
    return code;
}

// The row that a statement finds, with its tags; *found is false and `out` untouched when there is none.
static enum sw_code get_with_tags(struct sw_store *s, enum sw_sql sql, struct sw_value key, struct sw_arena *a,
                                  struct sw_experiment *out, bool *found, struct sw_err *err)
{
    struct sw_step step;
    struct sw_experiment e = {0};
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_get(s, sql, &key, 1, a, read_experiment, &e, found, err);
    if (code == SW_OK && *found)
        code = load_tags(s, a, &e, err);
    if (code == SW_OK && *found)
        *out = e;
    return sw_snapshot_end(s, &step, code);
}

enum sw_code sw_experiment_get(struct sw_store *s, int64_t experiment_id, struct sw_arena *a, struct sw_experiment *out,
                               struct sw_err *err)
{
    bool found = false;
    enum sw_code code = get_with_tags(s, SQL_EXPERIMENT_GET, sw_int(experiment_id), a, out, &found, err);
    return code == SW_OK && !found ? not_found(experiment_id, err) : code;
}

enum sw_code sw_experiment_find(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_experiment *out,
                                struct sw_err *err)
{
    bool found = false;
    enum sw_code code = get_with_tags(s, SQL_EXPERIMENT_FIND, sw_text(name), a, out, &found, err);
    return code == SW_OK && !found ? sw_err_set(err, SW_NOT_FOUND, "there is no experiment '%.500s'", name) : code;
}

// Number and state alone, for what is about to change.
struct state {
    int64_t experiment_id;
    bool is_deleted;
};

static void read_state(struct sw_reader *r, void *item)
{
    *(struct state *)item = (struct state){sw_column_int(r, 0), sw_column_int(r, 5) != 0};
}

static enum sw_code look_up(struct sw_store *s, int64_t experiment_id, struct state *out, struct sw_err *err)
{
    bool found = false;
    enum sw_code code =
        sw_sql_get(s, SQL_EXPERIMENT_GET, SW_VALUES(sw_int(experiment_id)), NULL, read_state, out, &found, err);
    return code == SW_OK && !found ? not_found(experiment_id, err) : code;
}

static enum sw_code is_gone(enum sw_code code, int64_t experiment_id, struct sw_err *err)
{
    (void)sw_err_set(err, code, "the experiment %" PRId64 " is deleted", experiment_id);
    return sw_err_hint(err, "restore it first");
}

// --- making ---
static enum sw_code check_tag(const char *key, const char *value, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the tag's key", key, SW_TAG_KEY_MAX_BYTES, err);
    return code == SW_OK ? sw_text_check("the tag's value", value, TAG_MAX_BYTES, err) : code;
}

static enum sw_code check_new(const struct sw_experiment_new *n, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the experiment's name", n->name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the experiment's artifact location", n->artifact_location, LOCATION_MAX_BYTES, err);
    for (size_t i = 0; i < n->tag_count && code == SW_OK; i++)
        code = check_tag(n->tags[i].key, n->tags[i].value, err);
    return code;
}

static enum sw_code put_tag(struct sw_store *s, int64_t experiment_id, const char *key, const char *value,
                            struct sw_err *err)
{
    return sw_sql_run(s, SQL_EXPERIMENT_TAG_SET,
                      SW_VALUES(sw_int(experiment_id), sw_text(key), sw_text(value != NULL ? value : "")), err);
}

static enum sw_code refuse_taken(struct sw_store *s, const char *name, int64_t except_id, struct sw_err *err)
{
    struct state taken = {0};
    bool found = false;
    enum sw_code code =
        sw_sql_get(s, SQL_EXPERIMENT_FIND, SW_VALUES(sw_text(name)), NULL, read_state, &taken, &found, err);
    if (code != SW_OK || !found || taken.experiment_id == except_id)
        return code;
    (void)sw_err_set(err, SW_EXISTS, "%s experiment '%.500s' already exists%s", taken.is_deleted ? "a deleted" : "an",
                     name, taken.is_deleted ? "; restore it, or take another name" : "");
    return SW_EXISTS;
}

static enum sw_code add(struct sw_store *s, const struct sw_experiment_new *n, int64_t *id, struct sw_err *err)
{
    enum sw_code code =
        sw_sql_run(s, SQL_EXPERIMENT_ADD,
                   SW_VALUES(sw_text(n->name), sw_text(n->artifact_location != NULL ? n->artifact_location : ""),
                             sw_int(sw_clock_now_ms())),
                   err);
    if (code != SW_OK)
        return code;
    *id = sqlite3_last_insert_rowid(s->db);
    for (size_t i = 0; i < n->tag_count && code == SW_OK; i++)
        code = put_tag(s, *id, n->tags[i].key, n->tags[i].value, err);
    return code;
}

enum sw_code sw_experiment_create(struct sw_store *s, const struct sw_experiment_new *n, int64_t *experiment_id,
                                  struct sw_err *err)
{
    struct sw_step step;
    int64_t id = 0;
    enum sw_code code = check_new(n, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code != SW_OK)
        return code;
    code = refuse_taken(s, n->name, -1, err);
    if (code == SW_OK)
        code = add(s, n, &id, err);
    code = sw_step_end(s, &step, code, err);
    if (code == SW_OK)
        *experiment_id = id;
    return code;
}

enum sw_code sw_experiment_choose(struct sw_store *s, const char *name, int64_t experiment_id, int64_t *out,
                                  struct sw_err *err)
{
    struct state state = {0};
    bool found = true;
    struct sw_experiment_new fresh = {.name = name};
    enum sw_code code = name != NULL ? check_new(&fresh, err) : look_up(s, experiment_id, &state, err);
    if (code == SW_OK && name != NULL)
        code = sw_sql_get(s, SQL_EXPERIMENT_FIND, SW_VALUES(sw_text(name)), NULL, read_state, &state, &found, err);
    if (code != SW_OK)
        return code;
    if (!found)
        return add(s, &fresh, out, err);
    if (state.is_deleted)
        return is_gone(SW_INVALID, state.experiment_id, err);
    *out = state.experiment_id;
    return SW_OK;
}

// --- changing ---
static enum sw_code rename_active(struct sw_store *s, int64_t experiment_id, const char *name, struct sw_err *err)
{
    struct state state = {0};
    enum sw_code code = look_up(s, experiment_id, &state, err);
    if (code == SW_OK && state.is_deleted)
        code = is_gone(SW_CONFLICT, experiment_id, err);
    if (code == SW_OK)
        code = refuse_taken(s, name, experiment_id, err);
    return code == SW_OK ? sw_sql_run(s, SQL_EXPERIMENT_RENAME,
                                      SW_VALUES(sw_int(experiment_id), sw_text(name), sw_int(sw_clock_now_ms())), err)
                         : code;
}

enum sw_code sw_experiment_rename(struct sw_store *s, int64_t experiment_id, const char *name, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the experiment's name", name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, rename_active(s, experiment_id, name, err), err) : code;
}

static enum sw_code set_deleted(struct sw_store *s, int64_t experiment_id, bool deleted, struct sw_err *err)
{
    struct state state = {0};
    enum sw_code code = look_up(s, experiment_id, &state, err);
    if (code == SW_OK && state.is_deleted == deleted)
        code = sw_err_set(err, SW_NOT_FOUND, "there is no %s experiment %" PRId64, deleted ? "active" : "deleted",
                          experiment_id);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_EXPERIMENT_SET_DELETED,
                          SW_VALUES(sw_int(experiment_id), sw_int(deleted), sw_int(sw_clock_now_ms())), err);
    return code == SW_OK
               ? sw_sql_run(s, SQL_EXPERIMENT_RUNS_SET_DELETED, SW_VALUES(sw_int(experiment_id), sw_int(deleted)), err)
               : code;
}

enum sw_code sw_experiment_set_deleted(struct sw_store *s, int64_t experiment_id, bool deleted, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, set_deleted(s, experiment_id, deleted, err), err) : code;
}

static enum sw_code change_tag(struct sw_store *s, int64_t experiment_id, const char *key, const char *value,
                               struct sw_err *err)
{
    struct state state = {0};
    enum sw_code code = look_up(s, experiment_id, &state, err);
    if (code == SW_OK && state.is_deleted)
        code = is_gone(SW_INVALID, experiment_id, err);
    if (code != SW_OK)
        return code;
    if (value != NULL)
        return put_tag(s, experiment_id, key, value, err);
    code = sw_sql_run(s, SQL_EXPERIMENT_TAG_DELETE, SW_VALUES(sw_int(experiment_id), sw_text(key)), err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        return sw_err_set(err, SW_NOT_FOUND, "the experiment %" PRId64 " has no tag '%.250s'", experiment_id, key);
    return code;
}

enum sw_code sw_experiment_set_tag(struct sw_store *s, int64_t experiment_id, const char *key, const char *value,
                                   struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = check_tag(key, value, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, change_tag(s, experiment_id, key, value, err), err) : code;
}

// --- searching ---
static enum sw_code list_experiment_ids(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                        struct sw_rows *ids, struct sw_err *err)
{
    struct sw_filter f;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_EXPERIMENT, a, err);
    sw_buf_adds(&f.sql, "SELECT experiment.experiment_id FROM experiment WHERE experiment.is_deleted");
    sw_filter_add_view(&f, q->view);
    if (code == SW_OK)
        code = sw_filter_add_where(&f, q->where);
    if (code == SW_OK)
        code = sw_filter_add_order(&f, q->order, q->order_count);
    if (code == SW_OK)
        code = sw_filter_add_page(&f, q->limit, q->offset);
    if (code == SW_OK)
        code = sw_filter_list_keys(s, &f, ids);
    sw_filter_end(&f);
    return code;
}

static enum sw_code search_experiments(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                       struct sw_experiment_list *out, struct sw_err *err)
{
    struct sw_rows ids = {0};
    struct sw_experiment_list list = {0};
    enum sw_code code = list_experiment_ids(s, q, a, &ids, err);
    if (code != SW_OK)
        return code;
    list.items = sw_arena_array(a, ids.count > 0 ? ids.count : 1, sizeof *list.items);
    if (list.items == NULL)
        return sw_rows_full(err);
    for (; list.count < ids.count && code == SW_OK; list.count++)
        code = sw_experiment_get(s, ((int64_t *)ids.items)[list.count], a, &list.items[list.count], err);
    if (code == SW_OK)
        *out = list;
    return code;
}

enum sw_code sw_experiment_search(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                  struct sw_experiment_list *out, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, search_experiments(s, q, a, out, err)) : code;
}
