// SPDX-License-Identifier: Apache-2.0
// Searching for runs and experiments: the keys of a page first, their rows after it. Sorting all fitting runs with all
// their columns would cost more.
#include "core/store/experiment_private.h"
#include "core/store/filter_private.h"
#include "core/store/run_private.h"

enum { PAGE_DEFAULT = 100 };

static const char *const views[] = {[SW_VIEW_ACTIVE] = "= 0", [SW_VIEW_DELETED] = "= 1", [SW_VIEW_ALL] = "IN (0, 1)"};

// --- runs ---
static enum sw_code add_where(struct sw_filter *f, const struct sw_run_query *q)
{
    enum sw_code code = SW_OK;
    sw_buf_addf(&f->sql, " FROM run WHERE run.is_deleted %s", views[q->view]);
    if (q->experiment_id >= 0)
        code = sw_filter_add_ids(f, " AND run.experiment_id", &q->experiment_id, 1);
    else if (q->experiment_ids != NULL)
        code = sw_filter_add_ids(f, " AND run.experiment_id", q->experiment_ids, q->experiment_count);
    return code == SW_OK ? sw_filter_add_where(f, q->where) : code;
}

static enum sw_code list_keys(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a,
                              struct sw_rows *keys, struct sw_err *err)
{
    struct sw_filter f;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_RUN, a, err);
    f.is_text_order = q->is_text_order;
    sw_buf_adds(&f.sql, "SELECT run.run_key");
    if (code == SW_OK)
        code = add_where(&f, q);
    if (code == SW_OK)
        code = sw_filter_add_order(&f, q->order, q->order_count);
    if (code == SW_OK)
        code = sw_filter_add_page(&f, q->limit, q->offset);
    if (code == SW_OK)
        code = sw_filter_list_keys(s, &f, keys);
    sw_filter_end(&f);
    return code;
}

static enum sw_code count_runs(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a, int64_t *total,
                               struct sw_err *err)
{
    struct sw_filter f;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_RUN, a, err);
    sw_buf_adds(&f.sql, "SELECT count(*)");
    if (code == SW_OK)
        code = add_where(&f, q);
    if (code == SW_OK)
        code = sw_filter_get_int(s, &f, total);
    sw_filter_end(&f);
    return code;
}

static enum sw_code load_run(struct sw_store *s, int64_t run_key, unsigned with, struct sw_arena *a, struct sw_run *out,
                             struct sw_err *err)
{
    bool found = false;
    struct sw_run_row row = {.run_key = run_key};
    enum sw_code code =
        sw_sql_get(s, SQL_RUN_GET_BY_KEY, SW_VALUES(sw_int(run_key)), a, sw_run_read_row, &row, &found, err);
    if (code == SW_OK && !found) // an index that points nowhere
        return sw_err_set(err, SW_CORRUPT, "the store %s is damaged: a run is missing", s->dir);
    if (code == SW_OK && with != 0)
        code = sw_run_load_details(s, with, a, &row, err);
    if (code == SW_OK)
        *out = row.run;
    return code;
}

static enum sw_code search_runs(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a,
                                struct sw_run_list *out, struct sw_err *err)
{
    struct sw_rows keys = {0};
    struct sw_run_list list = {.total = -1};
    enum sw_code code = list_keys(s, q, a, &keys, err);
    if (code != SW_OK)
        return code;
    list.items = sw_arena_array(a, keys.count > 0 ? keys.count : 1, sizeof *list.items);
    if (list.items == NULL)
        return sw_rows_full(err);
    for (; list.count < keys.count && code == SW_OK; list.count++)
        code = load_run(s, ((int64_t *)keys.items)[list.count], q->with, a, &list.items[list.count], err);
    if (code == SW_OK && !q->no_total) {
        // A page that is not full tells the total by itself.
        int64_t count = (int64_t)keys.count, limit = q->limit > 0 ? q->limit : PAGE_DEFAULT;
        list.total = q->offset + count;
        if (count == limit || (count == 0 && q->offset > 0))
            code = count_runs(s, q, a, &list.total, err);
    }
    if (code == SW_OK)
        *out = list;
    return code;
}

enum sw_code sw_run_search(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a,
                           struct sw_run_list *out, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, search_runs(s, q, a, out, err)) : code;
}

// --- experiments ---
static enum sw_code list_experiment_ids(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                        struct sw_rows *ids, struct sw_err *err)
{
    struct sw_filter f;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_EXPERIMENT, a, err);
    sw_buf_addf(&f.sql, "SELECT experiment.experiment_id FROM experiment WHERE experiment.is_deleted %s",
                views[q->view]);
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
