// SPDX-License-Identifier: Apache-2.0
// Run filters as SQL. Text is composed only from the literal pieces in this file; every key, value and number of a
// query is a bound parameter. A condition on a param, tag, metric or data set is an EXISTS, hence two-valued: a run
// without that key does not fit it, and fits its NOT.
#include "core/base/buf.h"
#include "core/store/run_private.h"

#include <math.h>
#include <string.h>

enum { DEPTH_MAX = 200, SQL_MAX_BYTES = 1 << 20, VALUES_MAX = 4000, ORDER_MAX = 16, PAGE_DEFAULT = 100 };

struct builder {
    struct sw_buf sql;
    struct sw_arena *arena; // values that had to be made
    struct sw_value *values;
    size_t value_count;
    struct sw_err *err;
};

static const char *const operators[] = {
    [SW_OP_EQ] = "=", [SW_OP_NE] = "<>", [SW_OP_LT] = "<",      [SW_OP_LE] = "<=",
    [SW_OP_GT] = ">", [SW_OP_GE] = ">=", [SW_OP_LIKE] = "GLOB", [SW_OP_ILIKE] = "LIKE",
};

struct attribute {
    const char *name;
    const char *sql;
    bool is_number;
};
static const struct attribute attributes[] = {
    {"run_id", "run.run_id", false},
    {"run_name", "run.name", false},
    {"user_id", "run.user", false},
    {"status", "run.status", false},
    {"experiment", "(SELECT name FROM experiment WHERE experiment.experiment_id = run.experiment_id)", false},
    {"source", "run.source", false},
    {"start_time", "run.start_ms", true},
    {"end_time", "run.end_ms", true},
};
static const struct attribute dataset_columns[] = {
    {"name", "dataset.name", false},
    {"digest", "dataset.digest", false},
    {"context", "run_input.context", false},
};

#define FIND(table, name) find_attribute(table, sizeof(table) / sizeof *(table), name)
static const struct attribute *find_attribute(const struct attribute *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (name != NULL && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static enum sw_code unknown_key(const struct builder *b, const char *what, const char *key)
{
    return sw_err_set(b->err, SW_INVALID, "runs have no %s '%.64s'", what, key != NULL ? key : "");
}

static enum sw_code add_value(struct builder *b, struct sw_value v)
{
    if (b->value_count == VALUES_MAX)
        return sw_err_set(b->err, SW_LIMIT, "the query has more than %d values", VALUES_MAX);
    b->values[b->value_count++] = v;
    sw_buf_addf(&b->sql, "?%zu", b->value_count);
    return SW_OK;
}

// The pattern of LIKE ('%' and '_') as one of GLOB, which is how SQLite compares with upper and lower case told apart.
static const char *glob_of_like(struct builder *b, const char *like)
{
    struct sw_buf glob;
    sw_buf_init(&glob, SQL_MAX_BYTES);
    for (const char *p = like; *p != '\0'; p++) {
        if (strchr("*?[", *p) != NULL)
            sw_buf_addf(&glob, "[%c]", *p);
        else
            sw_buf_addc(&glob, *p == '%' ? '*' : *p == '_' ? '?' : *p);
    }
    const char *copy = glob.failed ? NULL : sw_arena_strdup(b->arena, glob.data);
    sw_buf_free(&glob);
    return copy;
}

// The text of a compared value; a number given without its text is spelled.
static const char *text_of(struct builder *b, const struct sw_query *q)
{
    if (q->op == SW_OP_LIKE && q->text != NULL)
        return glob_of_like(b, q->text);
    if (q->text == NULL && q->is_number)
        return sw_arena_printf(b->arena, "%.17g", q->number);
    return q->text != NULL ? q->text : "";
}

static bool is_ordering(enum sw_query_op op)
{
    return op == SW_OP_LT || op == SW_OP_LE || op == SW_OP_GT || op == SW_OP_GE;
}

static enum sw_code out_of_memory(const struct builder *b)
{
    return sw_err_set(b->err, SW_NO_MEMORY, "searching runs: out of memory");
}

// "COLUMN op ?" for text; with < and >, numbers are compared as numbers when both sides are numbers.
static enum sw_code add_text_test(struct builder *b, const char *column, const struct sw_query *q, bool may_be_number)
{
    const char *text = text_of(b, q), *op = operators[q->op];
    if (text == NULL)
        return out_of_memory(b);
    if (!may_be_number || !is_ordering(q->op)) {
        sw_buf_addf(&b->sql, "%s %s ", column, op);
        return add_value(b, sw_text(text));
    }
    size_t n = b->value_count + 1;
    sw_buf_addf(&b->sql,
                "CASE WHEN sw_number(%s) IS NULL OR sw_number(?%zu) IS NULL THEN %s %s ?%zu"
                " ELSE sw_number(%s) %s sw_number(",
                column, n, column, op, n, column, op);
    enum sw_code code = add_value(b, sw_text(text));
    sw_buf_adds(&b->sql, ") END");
    return code;
}

static enum sw_code add_number_test(struct builder *b, const char *column, const struct sw_query *q)
{
    if (!q->is_number || q->op == SW_OP_LIKE || q->op == SW_OP_ILIKE)
        return sw_err_set(b->err, SW_INVALID, "'%.64s' is a number and is compared with numbers only", q->key);
    sw_buf_addf(&b->sql, "%s %s ", column, operators[q->op]);
    return add_value(b, sw_real(q->number));
}

static enum sw_code add_list_test(struct builder *b, const char *column, const struct sw_query *q, bool is_number)
{
    enum sw_code code = SW_OK;
    sw_buf_addf(&b->sql, "%s IN (", column);
    for (size_t i = 0; i < q->list_count && code == SW_OK; i++) {
        sw_buf_adds(&b->sql, i > 0 ? "," : "");
        sw_buf_adds(&b->sql, is_number ? "sw_number(" : "");
        code = add_value(b, sw_text(q->list[i]));
        sw_buf_adds(&b->sql, is_number ? ")" : "");
    }
    sw_buf_addc(&b->sql, ')');
    return code;
}

// The test of a comparison or list on one column.
static enum sw_code add_test(struct builder *b, const char *column, const struct sw_query *q, bool is_number,
                             bool may_be_number)
{
    if (q->kind == SW_QUERY_IN)
        return add_list_test(b, column, q, is_number);
    return is_number ? add_number_test(b, column, q) : add_text_test(b, column, q, may_be_number);
}

static enum sw_code add_attribute(struct builder *b, const struct sw_query *q)
{
    const struct attribute *a = FIND(attributes, q->key);
    if (a == NULL)
        return unknown_key(b, "attribute", q->key);
    if (q->kind == SW_QUERY_IS_NULL) {
        sw_buf_addf(&b->sql, "ifnull(%s, '') = ''", a->sql);
        return SW_OK;
    }
    sw_buf_adds(&b->sql, "ifnull("); // an end that is not there fits nothing
    enum sw_code code = add_test(b, a->sql, q, a->is_number, false);
    sw_buf_adds(&b->sql, ", 0)");
    return code;
}

static enum sw_code add_dataset(struct builder *b, const struct sw_query *q)
{
    const struct attribute *a = FIND(dataset_columns, q->key);
    if (a == NULL)
        return unknown_key(b, "data set field", q->key);
    bool is_absent = q->kind == SW_QUERY_IS_NULL;
    sw_buf_addf(&b->sql,
                "%sEXISTS(SELECT 1 FROM run_input JOIN dataset USING(dataset_id) WHERE run_input.run_key = run.run_key",
                is_absent ? "NOT " : "");
    sw_buf_adds(&b->sql, is_absent ? "" : " AND ");
    enum sw_code code = is_absent ? SW_OK : add_test(b, a->sql, q, false, false);
    sw_buf_addc(&b->sql, ')');
    return code;
}

// Params, tags and metrics: a table with run_key and a way to name the key.
static const struct {
    const char *from; // up to where the key's value follows
    const char *after_key;
    const char *column;
    bool is_number;
} keyed[] = {
    [SW_FIELD_METRIC] = {"metric_latest AS m WHERE m.run_key = run.run_key AND m.key_id ="
                         " (SELECT key_id FROM metric_key WHERE name = ",
                         ")", "m.value", true},
    [SW_FIELD_PARAM] = {"param AS m WHERE m.run_key = run.run_key AND m.key = ", "", "m.value", false},
    [SW_FIELD_TAG] = {"tag AS m WHERE m.run_key = run.run_key AND m.key = ", "", "m.value", false},
};

static enum sw_code add_keyed(struct builder *b, const struct sw_query *q)
{
    bool is_absent = q->kind == SW_QUERY_IS_NULL;
    sw_buf_addf(&b->sql, "%sEXISTS(SELECT 1 FROM %s", is_absent ? "NOT " : "", keyed[q->field].from);
    enum sw_code code = add_value(b, sw_text(q->key));
    sw_buf_adds(&b->sql, keyed[q->field].after_key);
    if (code == SW_OK && !is_absent) {
        // A NaN fits no comparison, as in arithmetic.
        sw_buf_adds(&b->sql, keyed[q->field].is_number ? " AND NOT m.is_nan AND " : " AND ");
        code = add_test(b, keyed[q->field].column, q, keyed[q->field].is_number, true);
    }
    sw_buf_addc(&b->sql, ')');
    return code;
}

static enum sw_code add_leaf(struct builder *b, const struct sw_query *q)
{
    switch (q->field) {
    case SW_FIELD_ATTRIBUTE:
        return add_attribute(b, q);
    case SW_FIELD_DATASET:
        return add_dataset(b, q);
    default:
        return add_keyed(b, q);
    }
}

static enum sw_code add_query(struct builder *b, const struct sw_query *q, int depth)
{
    if (depth > DEPTH_MAX)
        return sw_err_set(b->err, SW_LIMIT, "the query is nested more than %d deep", DEPTH_MAX);
    sw_buf_addc(&b->sql, '(');
    enum sw_code code;
    if (q->kind == SW_QUERY_NOT) {
        sw_buf_adds(&b->sql, "NOT ");
        code = add_query(b, q->left, depth + 1);
    } else if (q->kind == SW_QUERY_AND || q->kind == SW_QUERY_OR) {
        code = add_query(b, q->left, depth + 1);
        sw_buf_adds(&b->sql, q->kind == SW_QUERY_AND ? " AND " : " OR ");
        if (code == SW_OK)
            code = add_query(b, q->right, depth + 1);
    } else {
        code = add_leaf(b, q);
    }
    sw_buf_addc(&b->sql, ')');
    return code;
}

// --- order ---
// MLflow's order: numbers, then NaN, then runs without the value, whatever the direction. Texts that are numbers come
// first, as numbers.
static enum sw_code add_order_term(struct builder *b, const struct sw_query_order *o)
{
    const char *direction = o->descending ? " DESC" : "";
    if (o->field == SW_FIELD_ATTRIBUTE) {
        const struct attribute *a = FIND(attributes, o->key);
        if (a == NULL)
            return unknown_key(b, "attribute", o->key);
        sw_buf_addf(&b->sql, "%s IS NULL, %s%s, ", a->sql, a->sql, direction);
        return SW_OK;
    }
    if (o->field == SW_FIELD_DATASET)
        return sw_err_set(b->err, SW_INVALID, "runs cannot be ordered by a data set");
    static const char *const metric_terms[] = {"CASE WHEN m.is_nan THEN 1 ELSE 0 END", "m.value"};
    static const char *const text_terms[] = {"sw_number(m.value) IS NULL", "sw_number(m.value)", "m.value"};
    bool is_metric = o->field == SW_FIELD_METRIC;
    const char *const *terms = is_metric ? metric_terms : text_terms;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < (is_metric ? 2u : 3u) && code == SW_OK; i++) {
        sw_buf_addf(&b->sql, "(SELECT %s FROM %s", terms[i], keyed[o->field].from);
        code = add_value(b, sw_text(o->key));
        // Only the value itself turns with the direction.
        sw_buf_addf(&b->sql, "%s)%s NULLS LAST, ", keyed[o->field].after_key, i == 0 ? "" : direction);
    }
    return code;
}

// --- the statement ---
static enum sw_code add_experiments(struct builder *b, const struct sw_run_query *q)
{
    enum sw_code code = SW_OK;
    if (q->experiment_id >= 0) {
        sw_buf_adds(&b->sql, " AND run.experiment_id = ");
        return add_value(b, sw_int(q->experiment_id));
    }
    if (q->experiment_ids == NULL)
        return SW_OK;
    sw_buf_adds(&b->sql, " AND run.experiment_id IN (");
    for (size_t i = 0; i < q->experiment_count && code == SW_OK; i++) {
        sw_buf_adds(&b->sql, i > 0 ? "," : "");
        code = add_value(b, sw_int(q->experiment_ids[i]));
    }
    sw_buf_addc(&b->sql, ')');
    return code;
}

static enum sw_code add_where(struct builder *b, const struct sw_run_query *q)
{
    static const char *const views[] = {
        [SW_VIEW_ACTIVE] = "= 0", [SW_VIEW_DELETED] = "= 1", [SW_VIEW_ALL] = "IN (0, 1)"};
    sw_buf_addf(&b->sql, " FROM run WHERE run.is_deleted %s", views[q->view]);
    enum sw_code code = add_experiments(b, q);
    if (code == SW_OK && q->where != NULL) {
        sw_buf_adds(&b->sql, " AND ");
        code = add_query(b, q->where, 0);
    }
    return code;
}

static enum sw_code add_page(struct builder *b, const struct sw_run_query *q)
{
    enum sw_code code = SW_OK;
    sw_buf_adds(&b->sql, " ORDER BY ");
    if (q->order_count > ORDER_MAX)
        return sw_err_set(b->err, SW_LIMIT, "runs can be ordered by %d fields at most", ORDER_MAX);
    for (size_t i = 0; i < q->order_count && code == SW_OK; i++)
        code = add_order_term(b, &q->order[i]);
    sw_buf_adds(&b->sql, "run.start_ms DESC, run.run_id LIMIT ");
    if (code == SW_OK)
        code = add_value(b, sw_int(q->limit > 0 ? q->limit : PAGE_DEFAULT));
    sw_buf_adds(&b->sql, " OFFSET ");
    if (code == SW_OK)
        code = add_value(b, sw_int(q->offset));
    return code;
}

static enum sw_code prepare(struct sw_store *s, struct builder *b, sqlite3_stmt **st)
{
    enum sw_code code = sw_buf_check(&b->sql, "the query", b->err);
    if (code != SW_OK)
        return code;
    int rc = sqlite3_prepare_v2(s->db, b->sql.data, (int)b->sql.len, st, NULL);
    if (rc != SQLITE_OK)
        return sw_sql_error(s, rc, "searching runs", b->err);
    return sw_sql_bind(s, *st, b->values, b->value_count, b->err);
}

// Only the keys: sorting all fitting runs with all their columns would cost more than reading a page of them after it.
static enum sw_code list_keys(struct sw_store *s, const struct sw_run_query *q, struct builder *b, struct sw_arena *a,
                              struct sw_rows *rows)
{
    sqlite3_stmt *st = NULL;
    sw_buf_adds(&b->sql, "SELECT run.run_key");
    enum sw_code code = add_where(b, q);
    if (code == SW_OK)
        code = add_page(b, q);
    if (code == SW_OK)
        code = prepare(s, b, &st);
    bool has_row = false;
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, b->err)) == SW_OK && has_row) {
        struct sw_run_row *row = sw_rows_push(rows, a, sizeof *row);
        if (row == NULL)
            code = sw_rows_full(b->err);
        else
            row->run_key = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return code;
}

static enum sw_code load_run(struct sw_store *s, unsigned with, struct sw_arena *a, struct sw_run_row *row,
                             struct sw_err *err)
{
    bool found = false;
    enum sw_code code =
        sw_sql_get(s, SQL_RUN_GET_BY_KEY, SW_VALUES(sw_int(row->run_key)), a, sw_run_read_row, row, &found, err);
    if (code == SW_OK && !found) // an index that points nowhere
        return sw_err_set(err, SW_CORRUPT, "the store %s is damaged: a run is missing", s->dir);
    return code == SW_OK && with != 0 ? sw_run_load_details(s, with, a, row, err) : code;
}

static enum sw_code count_runs(struct sw_store *s, const struct sw_run_query *q, struct builder *b, int64_t *total)
{
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    sw_buf_clear(&b->sql);
    b->value_count = 0;
    sw_buf_adds(&b->sql, "SELECT count(*)");
    enum sw_code code = add_where(b, q);
    if (code == SW_OK)
        code = prepare(s, b, &st);
    if (code == SW_OK)
        code = sw_sql_next(s, st, &has_row, b->err);
    if (code == SW_OK)
        *total = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return code;
}

static enum sw_code search(struct sw_store *s, const struct sw_run_query *q, struct builder *b, struct sw_arena *a,
                           struct sw_run_list *out)
{
    struct sw_rows rows = {0};
    struct sw_run_list list = {0};
    enum sw_code code = list_keys(s, q, b, a, &rows);
    for (size_t i = 0; i < rows.count && code == SW_OK; i++)
        code = load_run(s, q->with, a, (struct sw_run_row *)rows.items + i, b->err);
    // A page that is not full tells the total by itself.
    int64_t limit = q->limit > 0 ? q->limit : PAGE_DEFAULT;
    list.total = q->offset + (int64_t)rows.count;
    bool is_last_page = (int64_t)rows.count < limit && (rows.count > 0 || q->offset == 0);
    if (q->no_total)
        list.total = -1;
    else if (code == SW_OK && !is_last_page)
        code = count_runs(s, q, b, &list.total);
    if (code != SW_OK)
        return code;
    list.items = sw_arena_array(a, rows.count > 0 ? rows.count : 1, sizeof *list.items);
    if (list.items == NULL)
        return sw_rows_full(b->err);
    for (; list.count < rows.count; list.count++)
        list.items[list.count] = ((struct sw_run_row *)rows.items)[list.count].run;
    *out = list;
    return SW_OK;
}

enum sw_code sw_run_search(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a,
                           struct sw_run_list *out, struct sw_err *err)
{
    struct builder b = {.arena = a, .err = err, .values = sw_arena_array(a, VALUES_MAX, sizeof(struct sw_value))};
    if (b.values == NULL)
        return sw_rows_full(err);
    sw_buf_init(&b.sql, SQL_MAX_BYTES);
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    if (code == SW_OK)
        code = sw_snapshot_end(s, &step, search(s, q, &b, a, out));
    sw_buf_free(&b.sql);
    return code;
}
