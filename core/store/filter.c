// SPDX-License-Identifier: Apache-2.0
// A condition on a param, tag, metric or data set is an EXISTS, hence two-valued: what has no such key does not fit it, and
// fits its NOT.
#include "core/store/filter_private.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 200,
    SQL_MAX_BYTES = 1 << 20,
    VALUES_FIRST = 32,
    VALUES_MAX = 4096,
    ORDER_MAX = 16,
    PAGE_DEFAULT = 100
};

// --- subjects ---
struct attribute {
    const char *name; // as core/track calls it
    const char *sql;
    bool is_number;
    bool is_nullable;
    const char *order_sql; // where it sorts by something else
};
// Params, tags or metrics: a table named m with a key.
struct keyed {
    const char *from; // up to where the key's value follows
    const char *after_key;
    const char *latest; // leaves one row of several for an order
};
struct tie {
    const char *sql;
    const char *direction;
};
struct sw_filter_subject {
    const char *plural;
    const struct attribute *attributes;
    size_t attribute_count;
    struct keyed keyed[SW_FIELD_TAG + 1]; // by enum sw_query_field; `from` NULL = it has none
    struct tie ties[2];                   // order of what is equal
    const char *default_order;            // NULL = the ties
    bool has_datasets;
};

#define KEY_ID      "m.key_id = (SELECT key_id FROM metric_key WHERE name = "
#define WITH(table) .attributes = (table), .attribute_count = sizeof(table) / sizeof *(table)

static const struct attribute run_attributes[] = {
    {.name = "run_id", .sql = "run.run_id"},
    {.name = "run_name", .sql = "run.name"},
    {.name = "user_id", .sql = "run.user"},
    {.name = "status", .sql = "run.status"},
    {.name = "experiment", .sql = "(SELECT name FROM experiment WHERE experiment.experiment_id = run.experiment_id)"},
    {.name = "source", .sql = "run.source"},
    {.name = "artifact_uri",
     .sql = "(SELECT CASE rtrim(artifact_location, '/') WHEN '' THEN 'mlflow-artifacts:/' || experiment_id"
            " ELSE rtrim(artifact_location, '/') END FROM experiment WHERE experiment.experiment_id ="
            " ifnull(run.artifact_experiment_id, run.experiment_id)) || '/' || run.run_id || '/artifacts'"},
    {.name = "start_time", .sql = "run.start_ms", .is_number = true},
    {.name = "end_time", .sql = "run.end_ms", .is_number = true, .is_nullable = true},
};
static const struct attribute experiment_attributes[] = {
    {.name = "name", .sql = "experiment.name"},
    {.name = "experiment_id", .sql = "CAST(experiment.experiment_id AS TEXT)", .order_sql = "experiment.experiment_id"},
    {.name = "creation_time", .sql = "experiment.created_ms", .is_number = true},
    {.name = "last_update_time", .sql = "experiment.updated_ms", .is_number = true},
};
static const struct attribute registered_model_attributes[] = {
    {.name = "name", .sql = "registered_model.name"},
    {.name = "creation_timestamp", .sql = "registered_model.created_ms", .is_number = true},
    {.name = "last_updated_timestamp", .sql = "registered_model.updated_ms", .is_number = true},
};
static const struct attribute model_version_attributes[] = {
    {.name = "name", .sql = "model_version.name"},
    {.name = "version_number", .sql = "model_version.version", .is_number = true},
    {.name = "run_id", .sql = "ifnull((SELECT run_id FROM run WHERE run.run_key = model_version.run_key), '')"},
    {.name = "source_path",
     .sql = "CASE model_version.source WHEN '' THEN model_version.path ELSE model_version.source END"},
    {.name = "current_stage", .sql = "model_version.stage"},
    {.name = "user_id", .sql = "model_version.user"},
    {.name = "model_id", .sql = "nullif(model_version.model_id, '')", .is_nullable = true},
    {.name = "creation_timestamp", .sql = "model_version.created_ms", .is_number = true},
    {.name = "last_updated_timestamp", .sql = "model_version.updated_ms", .is_number = true},
};
static const struct attribute logged_model_attributes[] = {
    {.name = "name", .sql = "logged_model.name"},
    {.name = "model_id", .sql = "logged_model.model_id"},
    {.name = "model_type", .sql = "nullif(logged_model.model_type, '')", .is_nullable = true},
    {.name = "status", .sql = "logged_model.status"},
    {.name = "source_run_id", .sql = "nullif(logged_model.source_run_id, '')", .is_nullable = true},
    {.name = "experiment_id",
     .sql = "CAST(logged_model.experiment_id AS TEXT)",
     .order_sql = "logged_model.experiment_id"},
    {.name = "creation_timestamp", .sql = "logged_model.created_ms", .is_number = true},
    {.name = "last_updated_timestamp", .sql = "logged_model.updated_ms", .is_number = true},
};

static const struct sw_filter_subject subjects[] = {
    [SW_SUBJECT_RUN] = {.plural = "runs",
                        WITH(run_attributes),
                        .keyed = {[SW_FIELD_METRIC] = {"metric_latest AS m WHERE m.run_key = run.run_key AND " KEY_ID,
                                                       ")", ""},
                                  [SW_FIELD_PARAM] = {"param AS m WHERE m.run_key = run.run_key AND m.key = ", "", ""},
                                  [SW_FIELD_TAG] = {"tag AS m WHERE m.run_key = run.run_key AND m.key = ", "", ""}},
                        .ties = {{"run.start_ms", " DESC"}, {"run.run_id", ""}},
                        .has_datasets = true},
    [SW_SUBJECT_EXPERIMENT] =
        {.plural = "experiments",
         WITH(experiment_attributes),
         .keyed = {[SW_FIELD_TAG] =
                       {"experiment_tag AS m WHERE m.experiment_id = experiment.experiment_id AND m.key = ", "", ""}},
         .ties = {{"experiment.experiment_id", " DESC"}},
         .default_order = "experiment.created_ms DESC, experiment.experiment_id"},
    [SW_SUBJECT_REGISTERED_MODEL] =
        {.plural = "registered models",
         WITH(registered_model_attributes),
         .keyed = {[SW_FIELD_TAG] = {"registered_model_tag AS m WHERE m.name = registered_model.name AND m.key = ", "",
                                     ""}},
         .ties = {{"registered_model.name", ""}}},
    [SW_SUBJECT_MODEL_VERSION] = {.plural = "model versions",
                                  WITH(model_version_attributes),
                                  .keyed = {[SW_FIELD_TAG] = {"model_version_tag AS m WHERE m.name = model_version.name"
                                                              " AND m.version = model_version.version AND m.key = ",
                                                              "", ""}},
                                  .ties = {{"model_version.name", ""}, {"model_version.version", " DESC"}}},
    [SW_SUBJECT_LOGGED_MODEL] =
        {.plural = "logged models",
         WITH(logged_model_attributes),
         .keyed = {[SW_FIELD_METRIC] = {"logged_model_metric AS m WHERE m.model_key = logged_model.model_key"
                                        " AND " KEY_ID,
                                        ")", " ORDER BY m.time_ms DESC, m.step DESC, m.run_key LIMIT 1"},
                   [SW_FIELD_PARAM] =
                       {"logged_model_param AS m WHERE m.model_key = logged_model.model_key AND m.key = ", "", ""},
                   [SW_FIELD_TAG] = {"logged_model_tag AS m WHERE m.model_key = logged_model.model_key AND m.key = ",
                                     "", ""}},
         .ties = {{"logged_model.created_ms", " DESC"}, {"logged_model.model_id", ""}}},
};

// What a script said that a run read, and the registered data sets that a job was started with.
static const struct attribute dataset_columns[] = {
    {.name = "name", .sql = "name"}, {.name = "digest", .sql = "digest"}, {.name = "context", .sql = "context"}};
static const char dataset_rows[] =
    "(SELECT d.name, d.digest, t.value AS context FROM run_logged_dataset AS l JOIN logged_dataset AS d"
    " USING(logged_dataset_id) LEFT JOIN run_logged_dataset_tag AS t ON t.run_key = l.run_key"
    " AND t.logged_dataset_id = l.logged_dataset_id AND t.key = 'mlflow.data.context' WHERE l.run_key = run.run_key"
    " UNION ALL SELECT d.name, d.digest, i.context FROM run_input AS i JOIN dataset AS d USING(dataset_id)"
    " WHERE i.run_key = run.run_key)";

static const struct attribute *find_attribute(const struct attribute *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (name != NULL && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static enum sw_code find_own(const struct sw_filter *f, const char *name, const struct attribute **out)
{
    *out = find_attribute(f->subject->attributes, f->subject->attribute_count, name);
    return *out != NULL ? SW_OK
                        : sw_err_set(f->err, SW_INVALID, "%s have no attribute '%.64s'", f->subject->plural,
                                     name != NULL ? name : "");
}

static enum sw_code find_keyed(const struct sw_filter *f, enum sw_query_field field, const struct keyed **out)
{
    static const char *const words[] = {"metrics", "params", "tags"};
    *out = &f->subject->keyed[field];
    return (*out)->from != NULL ? SW_OK
                                : sw_err_set(f->err, SW_INVALID, "%s have no %s", f->subject->plural, words[field]);
}

// --- the filter ---
static enum sw_code out_of_memory(const struct sw_filter *f)
{
    return sw_err_set(f->err, SW_NO_MEMORY, "searching %s: out of memory", f->subject->plural);
}

enum sw_code sw_filter_begin(struct sw_filter *f, enum sw_subject subject, struct sw_arena *a, struct sw_err *err)
{
    *f = (struct sw_filter){.subject = &subjects[subject], .arena = a, .err = err};
    sw_buf_init(&f->sql, SQL_MAX_BYTES);
    f->values = malloc(VALUES_FIRST * sizeof *f->values);
    f->value_cap = f->values != NULL ? VALUES_FIRST : 0;
    return f->values != NULL ? SW_OK : out_of_memory(f);
}

void sw_filter_end(struct sw_filter *f)
{
    sw_buf_free(&f->sql);
    free(f->values);
}

enum sw_code sw_filter_add_value(struct sw_filter *f, struct sw_value v)
{
    if (f->value_count == VALUES_MAX)
        return sw_err_set(f->err, SW_LIMIT, "the query has more than %d values", VALUES_MAX);
    if (f->value_count == f->value_cap) {
        size_t cap = f->value_cap * 2;
        struct sw_value *grown = realloc(f->values, cap * sizeof *grown);
        if (grown == NULL)
            return out_of_memory(f);
        f->values = grown;
        f->value_cap = cap;
    }
    f->values[f->value_count++] = v;
    sw_buf_addf(&f->sql, "?%zu", f->value_count);
    return SW_OK;
}

enum sw_code sw_filter_add_ids(struct sw_filter *f, const char *column, const int64_t *ids, size_t count)
{
    enum sw_code code = SW_OK;
    sw_buf_addf(&f->sql, "%s IN (", column);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        sw_buf_adds(&f->sql, i > 0 ? "," : "");
        code = sw_filter_add_value(f, sw_int(ids[i]));
    }
    sw_buf_addc(&f->sql, ')');
    return code;
}

void sw_filter_add_view(struct sw_filter *f, enum sw_view view)
{
    static const char *const views[] = {
        [SW_VIEW_ACTIVE] = " = 0", [SW_VIEW_DELETED] = " = 1", [SW_VIEW_ALL] = " IN (0, 1)"};
    sw_buf_adds(&f->sql, views[view]);
}

// --- conditions ---
static const char *const operators[] = {
    [SW_OP_EQ] = "=", [SW_OP_NE] = "<>", [SW_OP_LT] = "<",      [SW_OP_LE] = "<=",
    [SW_OP_GT] = ">", [SW_OP_GE] = ">=", [SW_OP_LIKE] = "GLOB", [SW_OP_ILIKE] = "LIKE",
};

// The pattern of LIKE ('%' and '_') as one of GLOB, which is how SQLite compares with upper and lower case told apart.
static const char *glob_of_like(struct sw_filter *f, const char *like)
{
    struct sw_buf glob;
    sw_buf_init(&glob, SQL_MAX_BYTES);
    for (const char *p = like; *p != '\0'; p++) {
        if (strchr("*?[", *p) != NULL)
            sw_buf_addf(&glob, "[%c]", *p);
        else
            sw_buf_addc(&glob, *p == '%' ? '*' : *p == '_' ? '?' : *p);
    }
    const char *copy = glob.failed ? NULL : sw_arena_strdup(f->arena, glob.data);
    sw_buf_free(&glob);
    return copy;
}

// The text of a compared value; a number given without its text is spelled.
static const char *text_of(struct sw_filter *f, const struct sw_query *q)
{
    if (q->op == SW_OP_LIKE && q->text != NULL)
        return glob_of_like(f, q->text);
    if (q->text == NULL && q->is_number)
        return sw_arena_printf(f->arena, "%.17g", q->number);
    return q->text != NULL ? q->text : "";
}

static bool is_ordering(enum sw_query_op op)
{
    return op == SW_OP_LT || op == SW_OP_LE || op == SW_OP_GT || op == SW_OP_GE;
}

// "COLUMN op ?" for text; with < and >, numbers are compared as numbers when both sides are numbers.
static enum sw_code add_text_test(struct sw_filter *f, const char *column, const struct sw_query *q, bool may_be_number)
{
    const char *text = text_of(f, q), *op = operators[q->op];
    if (text == NULL)
        return out_of_memory(f);
    if (!may_be_number || !is_ordering(q->op)) {
        sw_buf_addf(&f->sql, "%s %s ", column, op);
        return sw_filter_add_value(f, sw_text(text));
    }
    size_t n = f->value_count + 1;
    sw_buf_addf(&f->sql,
                "CASE WHEN sw_number(%s) IS NULL OR sw_number(?%zu) IS NULL THEN %s %s ?%zu"
                " ELSE sw_number(%s) %s sw_number(",
                column, n, column, op, n, column, op);
    enum sw_code code = sw_filter_add_value(f, sw_text(text));
    sw_buf_adds(&f->sql, ") END");
    return code;
}

enum sw_code sw_filter_add_number_test(struct sw_filter *f, const char *column, const struct sw_query *q)
{
    if (!q->is_number || q->op == SW_OP_LIKE || q->op == SW_OP_ILIKE)
        return sw_err_set(f->err, SW_INVALID, "'%.64s' is a number and is compared with numbers only", q->key);
    sw_buf_addf(&f->sql, "%s %s ", column, operators[q->op]);
    return sw_filter_add_value(f, sw_real(q->number));
}

static enum sw_code add_list_test(struct sw_filter *f, const char *column, const struct sw_query *q, bool is_number)
{
    enum sw_code code = SW_OK;
    sw_buf_addf(&f->sql, "%s IN (", column);
    for (size_t i = 0; i < q->list_count && code == SW_OK; i++) {
        sw_buf_adds(&f->sql, i > 0 ? "," : "");
        sw_buf_adds(&f->sql, is_number ? "sw_number(" : "");
        code = sw_filter_add_value(f, sw_text(q->list[i]));
        sw_buf_adds(&f->sql, is_number ? ")" : "");
    }
    sw_buf_addc(&f->sql, ')');
    return code;
}

// The test of a comparison or list on one column.
static enum sw_code add_test(struct sw_filter *f, const char *column, const struct sw_query *q, bool is_number,
                             bool may_be_number)
{
    if (q->kind == SW_QUERY_IN)
        return add_list_test(f, column, q, is_number);
    return is_number ? sw_filter_add_number_test(f, column, q) : add_text_test(f, column, q, may_be_number);
}

static enum sw_code add_attribute(struct sw_filter *f, const struct sw_query *q)
{
    const struct attribute *a = NULL;
    enum sw_code code = find_own(f, q->key, &a);
    if (code != SW_OK)
        return code;
    if (q->kind == SW_QUERY_IS_NULL) {
        sw_buf_addf(&f->sql, "ifnull(%s, '') = ''", a->sql);
        return SW_OK;
    }
    if (!a->is_nullable)
        return add_test(f, a->sql, q, a->is_number, false);
    sw_buf_adds(&f->sql, "ifnull("); // an end that is not there fits nothing
    code = add_test(f, a->sql, q, a->is_number, false);
    sw_buf_adds(&f->sql, ", 0)");
    return code;
}

static enum sw_code add_dataset(struct sw_filter *f, const struct sw_query *q)
{
    const struct attribute *a =
        find_attribute(dataset_columns, sizeof dataset_columns / sizeof *dataset_columns, q->key);
    if (a == NULL || !f->subject->has_datasets)
        return sw_err_set(f->err, SW_INVALID, "%s have no data set field '%.64s'", f->subject->plural,
                          q->key != NULL ? q->key : "");
    bool is_absent = q->kind == SW_QUERY_IS_NULL;
    sw_buf_addf(&f->sql, "%sEXISTS(SELECT 1 FROM %s WHERE ", is_absent ? "NOT " : "", dataset_rows);
    if (is_absent)
        sw_buf_addf(&f->sql, "%s IS NOT NULL", a->sql);
    enum sw_code code = is_absent ? SW_OK : add_test(f, a->sql, q, false, false);
    sw_buf_addc(&f->sql, ')');
    return code;
}

// " AND (...)": a logged model's metric counts on these data sets.
static enum sw_code add_metric_datasets(struct sw_filter *f, const struct sw_pair *datasets, size_t count)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        sw_buf_addf(&f->sql, "%sm.dataset_name = ", i == 0 ? " AND (" : " OR ");
        code = sw_filter_add_value(f, sw_text(datasets[i].key));
        if (code != SW_OK || datasets[i].value == NULL || *datasets[i].value == '\0')
            continue;
        sw_buf_adds(&f->sql, " AND m.dataset_digest = ");
        code = sw_filter_add_value(f, sw_text(datasets[i].value));
    }
    sw_buf_adds(&f->sql, count > 0 ? ")" : "");
    return code;
}

static enum sw_code add_keyed(struct sw_filter *f, const struct sw_query *q)
{
    const struct keyed *keyed = NULL;
    enum sw_code code = find_keyed(f, q->field, &keyed);
    if (code != SW_OK)
        return code;
    bool is_absent = q->kind == SW_QUERY_IS_NULL, is_metric = q->field == SW_FIELD_METRIC;
    sw_buf_addf(&f->sql, "%sEXISTS(SELECT 1 FROM %s", is_absent ? "NOT " : "", keyed->from);
    code = sw_filter_add_value(f, sw_text(q->key));
    sw_buf_adds(&f->sql, keyed->after_key);
    if (code == SW_OK && is_metric)
        code = add_metric_datasets(f, f->datasets, f->dataset_count);
    if (code == SW_OK && !is_absent) {
        bool is_unequal = q->kind == SW_QUERY_COMPARE && q->op == SW_OP_NE;
        sw_buf_adds(&f->sql, !is_metric ? " AND " : is_unequal ? " AND (m.is_nan OR " : " AND (NOT m.is_nan AND ");
        code = add_test(f, "m.value", q, is_metric, true);
        sw_buf_adds(&f->sql, is_metric ? ")" : "");
    }
    sw_buf_addc(&f->sql, ')');
    return code;
}

static enum sw_code add_leaf(struct sw_filter *f, const struct sw_query *q)
{
    switch (q->field) {
    case SW_FIELD_ATTRIBUTE:
        return add_attribute(f, q);
    case SW_FIELD_DATASET:
        return add_dataset(f, q);
    default:
        return add_keyed(f, q);
    }
}

static enum sw_code add_query(struct sw_filter *f, const struct sw_query *q, int depth)
{
    if (depth > DEPTH_MAX)
        return sw_err_set(f->err, SW_LIMIT, "the query is nested more than %d deep", DEPTH_MAX);
    sw_buf_addc(&f->sql, '(');
    enum sw_code code = SW_OK;
    if (q == f->held) {
        sw_buf_addc(&f->sql, '1');
    } else if (q->kind == SW_QUERY_NOT) {
        sw_buf_adds(&f->sql, "NOT ");
        code = add_query(f, q->left, depth + 1);
    } else if (q->kind == SW_QUERY_AND || q->kind == SW_QUERY_OR) {
        code = add_query(f, q->left, depth + 1);
        sw_buf_adds(&f->sql, q->kind == SW_QUERY_AND ? " AND " : " OR ");
        if (code == SW_OK)
            code = add_query(f, q->right, depth + 1);
    } else {
        code = add_leaf(f, q);
    }
    sw_buf_addc(&f->sql, ')');
    return code;
}

static bool has_metric(const struct sw_query *q)
{
    if (q == NULL || (q->kind >= SW_QUERY_COMPARE && q->field != SW_FIELD_METRIC))
        return false;
    return q->kind >= SW_QUERY_COMPARE || has_metric(q->left) || has_metric(q->right);
}

enum sw_code sw_filter_add_where(struct sw_filter *f, const struct sw_query *where)
{
    enum sw_code code = SW_OK;
    // Data sets without a condition on a metric ask for any metric on them (MLflow's rule).
    if (f->dataset_count > 0 && f->subject == &subjects[SW_SUBJECT_LOGGED_MODEL] && !has_metric(where)) {
        sw_buf_adds(&f->sql, " AND EXISTS(SELECT 1 FROM logged_model_metric AS m WHERE m.model_key ="
                             " logged_model.model_key");
        code = add_metric_datasets(f, f->datasets, f->dataset_count);
        sw_buf_addc(&f->sql, ')');
    }
    if (code != SW_OK || where == NULL)
        return code;
    sw_buf_adds(&f->sql, " AND ");
    return add_query(f, where, 0);
}

// --- order ---
static const char *order_sql(const struct attribute *a)
{
    return a->order_sql != NULL ? a->order_sql : a->sql;
}

// MLflow's order: numbers, then NaN, then what has no value, whatever the direction. Texts that are numbers come first, as
// numbers, unless all are to be taken as text.
static enum sw_code add_keyed_term(struct sw_filter *f, const struct sw_query_order *o, const struct sw_pair *dataset)
{
    static const char *const metric_terms[] = {"CASE WHEN m.is_nan THEN 1 ELSE 0 END", "m.value", NULL};
    static const char *const text_terms[] = {"sw_number(m.value) IS NULL", "sw_number(m.value)", "m.value", NULL};
    bool is_metric = o->field == SW_FIELD_METRIC;
    const char *const *terms = is_metric ? metric_terms : f->is_text_order ? text_terms + 2 : text_terms;
    const struct keyed *keyed = NULL;
    enum sw_code code = find_keyed(f, o->field, &keyed);
    for (size_t i = 0; code == SW_OK && terms[i] != NULL; i++) {
        sw_buf_addf(&f->sql, "(SELECT %s FROM %s", terms[i], keyed->from);
        code = sw_filter_add_value(f, sw_text(o->key));
        sw_buf_adds(&f->sql, keyed->after_key);
        if (code == SW_OK)
            code = add_metric_datasets(f, dataset, dataset->key != NULL && *dataset->key != '\0');
        // Only the value itself turns with the direction.
        bool is_rank = i == 0 && terms[1] != NULL;
        sw_buf_addf(&f->sql, "%s)%s NULLS LAST, ", keyed->latest, o->descending && !is_rank ? " DESC" : "");
    }
    return code;
}

enum sw_code sw_filter_add_order_term(struct sw_filter *f, const struct sw_query_order *o, const char *dataset_name,
                                      const char *dataset_digest)
{
    if (o->field == SW_FIELD_DATASET)
        return sw_err_set(f->err, SW_INVALID, "%s cannot be ordered by a data set", f->subject->plural);
    if (o->field != SW_FIELD_ATTRIBUTE)
        return add_keyed_term(f, o, &(struct sw_pair){dataset_name, dataset_digest});
    const struct attribute *a = NULL;
    enum sw_code code = find_own(f, o->key, &a);
    if (code != SW_OK)
        return code;
    if (a->is_nullable)
        sw_buf_addf(&f->sql, "%s IS NULL, ", order_sql(a));
    sw_buf_addf(&f->sql, "%s%s, ", order_sql(a), o->descending ? " DESC" : "");
    return SW_OK;
}

static bool is_ordered_by(const struct sw_filter *f, const char *sql, const struct sw_query_order *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct attribute *a = find_attribute(f->subject->attributes, f->subject->attribute_count, order[i].key);
        if (order[i].field == SW_FIELD_ATTRIBUTE && a != NULL && strcmp(order_sql(a), sql) == 0)
            return true;
    }
    return false;
}

void sw_filter_add_own_order(struct sw_filter *f, const struct sw_query_order *order, size_t count)
{
    const char *comma = "";
    if (count == 0 && f->subject->default_order != NULL) {
        sw_buf_adds(&f->sql, f->subject->default_order);
        return;
    }
    // A column that stands in the order already would keep SQLite from using an index.
    for (size_t i = 0; i < 2 && f->subject->ties[i].sql != NULL; i++) {
        const struct tie *tie = &f->subject->ties[i];
        if (is_ordered_by(f, tie->sql, order, count))
            continue;
        sw_buf_addf(&f->sql, "%s%s%s", comma, tie->sql, tie->direction);
        comma = ", ";
    }
    if (*comma == '\0')
        sw_buf_adds(&f->sql, "1"); // the first column of the result: orders nothing further
}

enum sw_code sw_filter_add_order_after(struct sw_filter *f, const char *first, const struct sw_query_order *order,
                                       size_t count)
{
    enum sw_code code = SW_OK;
    if (count > ORDER_MAX)
        return sw_err_set(f->err, SW_LIMIT, "%s can be ordered by %d fields at most", f->subject->plural, ORDER_MAX);
    sw_buf_addf(&f->sql, " ORDER BY %s%s", first != NULL ? first : "", first != NULL ? ", " : "");
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = sw_filter_add_order_term(f, &order[i], NULL, NULL);
    sw_filter_add_own_order(f, order, count);
    return code;
}

enum sw_code sw_filter_add_order(struct sw_filter *f, const struct sw_query_order *order, size_t count)
{
    return sw_filter_add_order_after(f, NULL, order, count);
}

enum sw_code sw_filter_add_page(struct sw_filter *f, int64_t limit, int64_t offset)
{
    sw_buf_adds(&f->sql, " LIMIT ");
    enum sw_code code = sw_filter_add_value(f, sw_int(limit > 0 ? limit : PAGE_DEFAULT));
    sw_buf_adds(&f->sql, " OFFSET ");
    return code == SW_OK ? sw_filter_add_value(f, sw_int(offset)) : code;
}

// --- the statement ---
enum sw_code sw_filter_prepare(struct sw_store *s, struct sw_filter *f, sqlite3_stmt **out)
{
    sqlite3_stmt *st = NULL;
    enum sw_code code = sw_buf_check(&f->sql, "the query", f->err);
    if (code != SW_OK)
        return code;
    int rc = sqlite3_prepare_v2(s->db, f->sql.data, (int)f->sql.len, &st, NULL);
    code = rc == SQLITE_OK ? sw_sql_bind(s, st, f->values, f->value_count, f->err)
                           : sw_sql_error(s, rc, "searching", f->err);
    if (code == SW_OK)
        *out = st;
    else
        sqlite3_finalize(st);
    return code;
}

enum sw_code sw_filter_list_keys(struct sw_store *s, struct sw_filter *f, struct sw_rows *keys)
{
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    enum sw_code code = sw_filter_prepare(s, f, &st);
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, f->err)) == SW_OK && has_row) {
        int64_t *key = sw_rows_push(keys, f->arena, sizeof *key);
        if (key == NULL)
            code = sw_rows_full(f->err);
        else
            *key = sqlite3_column_int64(st, 0);
    }
    sqlite3_finalize(st);
    return code;
}

enum sw_code sw_filter_get_int(struct sw_store *s, struct sw_filter *f, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    enum sw_code code = sw_filter_prepare(s, f, &st);
    if (code == SW_OK)
        code = sw_sql_next(s, st, &has_row, f->err);
    if (code == SW_OK)
        *out = has_row ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    return code;
}
