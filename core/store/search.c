// SPDX-License-Identifier: Apache-2.0
// Searching for runs: the keys of a page first, their rows after it. Sorting all fitting runs with all their columns would
// cost more.
//
// SQLite walks the runs of an experiment, or all of them, in the order of their start, and tests each. Where a metric says
// more, the search goes through the index of that metric's values instead (metric_latest_by_value): when runs are ordered by
// it, so that a page ends after its rows, and when few runs fit a condition on it. SQLite cannot choose by itself: what
// fits depends on the values, and a condition on a metric is an EXISTS.
#include "core/store/filter_private.h"
#include "core/store/run_private.h"

#include <string.h>

enum { PAGE_DEFAULT = 100, CONDITIONS_MAX = 8 };

struct search {
    struct sw_store *s;
    const struct sw_run_query *q;
    struct sw_arena *arena;
    struct sw_err *err;
};

// Which metric leads the search.
struct plan {
    const char *key;              // NULL = none
    const struct sw_query *bound; // a condition on it that each result fits; NULL = none
    bool is_order;                // the first field of the order is that metric
};

// Runs ordered by a metric come as those with a number, with a NaN, and without it (MLflow's order).
enum phase { PHASE_ALL, PHASE_NUMBER, PHASE_NAN, PHASE_NONE };

static int64_t page_limit(const struct sw_run_query *q)
{
    return q->limit > 0 ? q->limit : PAGE_DEFAULT;
}

// --- the statement ---
static enum sw_code add_key_id(struct sw_filter *f, const char *key)
{
    sw_buf_adds(&f->sql, "key_id = (SELECT key_id FROM metric_key WHERE name = ");
    enum sw_code code = sw_filter_add_value(f, sw_text(key));
    sw_buf_addc(&f->sql, ')');
    return code;
}

static enum sw_code add_lead(struct sw_filter *f, const struct plan *plan, enum phase phase)
{
    if (plan->key == NULL) {
        sw_buf_adds(&f->sql, " FROM run WHERE ");
        return SW_OK;
    }
    if (phase == PHASE_NONE) {
        sw_buf_adds(&f->sql, " FROM run WHERE NOT EXISTS(SELECT 1 FROM metric_latest AS m WHERE m.run_key = run.run_key"
                             " AND m.");
        enum sw_code code = add_key_id(f, plan->key);
        sw_buf_adds(&f->sql, ") AND ");
        return code;
    }
    // CROSS JOIN keeps SQLite from turning the two around.
    sw_buf_adds(&f->sql, " FROM metric_latest AS lead CROSS JOIN run ON run.run_key = lead.run_key WHERE lead.");
    enum sw_code code = add_key_id(f, plan->key);
    sw_buf_addf(&f->sql, " AND lead.is_nan = %d AND ", phase == PHASE_NAN);
    if (code == SW_OK && plan->bound != NULL)
        code = sw_filter_add_number_test(f, "lead.value", plan->bound);
    sw_buf_adds(&f->sql, plan->bound != NULL ? " AND " : "");
    return code;
}

static enum sw_code add_scope(struct sw_filter *f, const struct sw_run_query *q)
{
    sw_buf_adds(&f->sql, "run.is_deleted");
    sw_filter_add_view(f, q->view);
    if (q->experiment_id >= 0)
        return sw_filter_add_ids(f, " AND run.experiment_id", &q->experiment_id, 1);
    if (q->experiment_ids != NULL)
        return sw_filter_add_ids(f, " AND run.experiment_id", q->experiment_ids, q->experiment_count);
    return SW_OK;
}

static enum sw_code add_from(struct sw_filter *f, const struct sw_run_query *q, const struct plan *plan,
                             enum phase phase)
{
    enum sw_code code = add_lead(f, plan, phase);
    f->held = plan->bound;
    if (code == SW_OK)
        code = add_scope(f, q);
    return code == SW_OK ? sw_filter_add_where(f, q->where) : code;
}

static enum sw_code list_phase(const struct search *x, const struct plan *plan, enum phase phase, int64_t limit,
                               int64_t offset, struct sw_rows *keys)
{
    const struct sw_run_query *q = x->q;
    struct sw_filter f;
    const struct sw_query_order *order = q->order;
    size_t order_count = q->order_count;
    if (plan->is_order) { // the index has seen to the first
        order++;
        order_count--;
    }
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_RUN, x->arena, x->err);
    f.is_text_order = q->is_text_order;
    sw_buf_adds(&f.sql, "SELECT run.run_key");
    if (code == SW_OK)
        code = add_from(&f, q, plan, phase);
    const char *lead = !plan->is_order || phase != PHASE_NUMBER ? NULL
                       : q->order[0].descending                 ? "lead.value DESC"
                                                                : "lead.value";
    if (code == SW_OK)
        code = sw_filter_add_order_after(&f, lead, order, order_count);
    if (code == SW_OK)
        code = sw_filter_add_page(&f, limit, offset);
    if (code == SW_OK)
        code = sw_filter_list_keys(x->s, &f, keys);
    sw_filter_end(&f);
    return code;
}

// How many runs, counted up to `most`.
static enum sw_code count_phase(const struct search *x, const struct plan *plan, enum phase phase, int64_t most,
                                int64_t *count)
{
    struct sw_filter f;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_RUN, x->arena, x->err);
    sw_buf_adds(&f.sql, "SELECT count(*) FROM (SELECT 1");
    if (code == SW_OK)
        code = add_from(&f, x->q, plan, phase);
    sw_buf_adds(&f.sql, " LIMIT ");
    if (code == SW_OK)
        code = sw_filter_add_value(&f, sw_int(most));
    sw_buf_addc(&f.sql, ')');
    if (code == SW_OK)
        code = sw_filter_get_int(x->s, &f, count);
    sw_filter_end(&f);
    return code;
}

// --- the plan ---
// Whether the search looks at few runs anyway; sorting them is cheap.
static enum sw_code is_small(const struct search *x, bool *small)
{
    struct sw_run_query scope = {.experiment_id = x->q->experiment_id,
                                 .experiment_ids = x->q->experiment_ids,
                                 .experiment_count = x->q->experiment_count,
                                 .view = x->q->view};
    struct search all = *x;
    int64_t count = 0;
    all.q = &scope;
    enum sw_code code = count_phase(&all, &(struct plan){0}, PHASE_ALL, x->s->few_runs + 1, &count);
    *small = count <= x->s->few_runs;
    return code;
}

// Comparisons with a metric that every result fits, without !=, which a NaN fits as well.
static size_t list_conditions(const struct sw_query *q, const struct sw_query **out, size_t count)
{
    if (q == NULL || count == CONDITIONS_MAX)
        return count;
    if (q->kind == SW_QUERY_AND)
        return list_conditions(q->right, out, list_conditions(q->left, out, count));
    if (q->kind == SW_QUERY_COMPARE && q->field == SW_FIELD_METRIC && q->op <= SW_OP_GE && q->op != SW_OP_NE &&
        q->is_number)
        out[count++] = q;
    return count;
}

// Points of the index that fit a condition, counted up to `most`.
static enum sw_code count_points(const struct search *x, const struct sw_query *condition, int64_t most, int64_t *count)
{
    struct sw_filter f;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_RUN, x->arena, x->err);
    sw_buf_adds(&f.sql, "SELECT count(*) FROM (SELECT 1 FROM metric_latest AS m WHERE m.");
    if (code == SW_OK)
        code = add_key_id(&f, condition->key);
    sw_buf_adds(&f.sql, " AND m.is_nan = 0 AND ");
    if (code == SW_OK)
        code = sw_filter_add_number_test(&f, "m.value", condition);
    sw_buf_adds(&f.sql, " LIMIT ");
    if (code == SW_OK)
        code = sw_filter_add_value(&f, sw_int(most));
    sw_buf_addc(&f.sql, ')');
    if (code == SW_OK)
        code = sw_filter_get_int(x->s, &f, count);
    sw_filter_end(&f);
    return code;
}

static enum sw_code make_plan(const struct search *x, struct plan *plan)
{
    const struct sw_run_query *q = x->q;
    const struct sw_query *conditions[CONDITIONS_MAX];
    size_t count = list_conditions(q->where, conditions, 0);
    bool by_metric = q->order_count > 0 && q->order[0].field == SW_FIELD_METRIC, small = true;
    enum sw_code code = count > 0 || by_metric ? is_small(x, &small) : SW_OK;
    if (code != SW_OK || small)
        return code;
    if (by_metric)
        *plan = (struct plan){.key = q->order[0].key, .is_order = true};
    // A page in the metric's own order is soon full; sorting what fits a condition pays only where that is very little.
    int64_t fewest = by_metric ? x->s->few_runs / 5 : 2 * x->s->few_runs;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        if (plan->is_order && strcmp(conditions[i]->key, plan->key) == 0)
            plan->bound = conditions[i];
    }
    for (size_t i = 0; i < count && code == SW_OK && fewest > 0; i++) {
        int64_t points = 0;
        code = count_points(x, conditions[i], fewest, &points);
        if (code != SW_OK || points >= fewest)
            continue;
        fewest = points;
        *plan = (struct plan){.key = conditions[i]->key, .bound = conditions[i]};
    }
    return code;
}

static enum sw_code list_phases(const struct search *x, const struct plan *plan, struct sw_rows *keys)
{
    // What fits a condition on the metric has a number.
    enum phase last = plan->bound != NULL ? PHASE_NUMBER : PHASE_NONE;
    int64_t limit = page_limit(x->q), offset = x->q->offset;
    enum sw_code code = SW_OK;
    for (enum phase phase = PHASE_NUMBER; phase <= last && limit > 0 && code == SW_OK; phase++) {
        size_t before = keys->count;
        int64_t passed = 0;
        code = list_phase(x, plan, phase, limit, offset, keys);
        limit -= (int64_t)(keys->count - before);
        if (code == SW_OK && keys->count == before && offset > 0 && phase < last)
            code = count_phase(x, plan, phase, offset, &passed);
        offset = keys->count > before ? 0 : offset - passed;
    }
    return code;
}

static enum sw_code list_keys(const struct search *x, struct sw_rows *keys)
{
    struct plan plan = {0};
    enum sw_code code = make_plan(x, &plan);
    if (code != SW_OK)
        return code;
    if (plan.is_order)
        return list_phases(x, &plan, keys);
    return list_phase(x, &plan, plan.key != NULL ? PHASE_NUMBER : PHASE_ALL, page_limit(x->q), x->q->offset, keys);
}

// --- the rows ---
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
    struct search search = {s, q, a, err};
    struct sw_rows keys = {0};
    struct sw_run_list list = {.total = -1};
    enum sw_code code = list_keys(&search, &keys);
    if (code != SW_OK)
        return code;
    list.items = sw_arena_array(a, keys.count > 0 ? keys.count : 1, sizeof *list.items);
    if (list.items == NULL)
        return sw_rows_full(err);
    for (; list.count < keys.count && code == SW_OK; list.count++)
        code = load_run(s, ((int64_t *)keys.items)[list.count], q->with, a, &list.items[list.count], err);
    if (code == SW_OK && !q->no_total) {
        // A page that is not full tells the total by itself.
        int64_t count = (int64_t)keys.count, limit = page_limit(q);
        list.total = q->offset + count;
        if (count == limit || (count == 0 && q->offset > 0))
            code = count_phase(&search, &(struct plan){0}, PHASE_ALL, INT64_MAX, &list.total);
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
