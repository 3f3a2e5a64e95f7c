// SPDX-License-Identifier: Apache-2.0
// Searches of the registry and of logged models: keys first, then the rows of one page.
#include "core/store/filter_private.h"
#include "core/store/logged_model_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

// --- prompts ---
// MLflow keeps prompts among the models and hides them from every search that does not ask for them. A condition on their
// tag that asks for models only says what is so already, and does not fit models, which have no such tag: it goes.
static bool is_prompt_test(const struct sw_query *q)
{
    return q->kind == SW_QUERY_COMPARE && q->field == SW_FIELD_TAG && strcmp(q->key, SW_PROMPT_TAG) == 0;
}

static bool asks_for_prompts(const struct sw_query *q)
{
    if (q == NULL)
        return false;
    if (q->kind == SW_QUERY_AND)
        return asks_for_prompts(q->left) || asks_for_prompts(q->right);
    return is_prompt_test(q) && q->text != NULL &&
           ((q->op == SW_OP_EQ && strcasecmp(q->text, "true") == 0) ||
            (q->op == SW_OP_NE && strcasecmp(q->text, "false") == 0));
}

// Without the tests on the prompts' tag among the conditions that all must hold; NULL = nothing is left. *failed = no memory.
static const struct sw_query *without_prompt_tests(const struct sw_query *q, struct sw_arena *a, bool *failed)
{
    if (q == NULL || is_prompt_test(q))
        return NULL;
    if (q->kind != SW_QUERY_AND)
        return q;
    const struct sw_query *left = without_prompt_tests(q->left, a, failed);
    const struct sw_query *right = without_prompt_tests(q->right, a, failed);
    if (left == NULL || right == NULL)
        return left != NULL ? left : right;
    struct sw_query *both = sw_arena_alloc(a, sizeof *both);
    *failed = *failed || both == NULL;
    if (both != NULL)
        *both =
            (struct sw_query){.kind = SW_QUERY_AND, .left = (struct sw_query *)left, .right = (struct sw_query *)right};
    return both;
}

// " AND NOT EXISTS(...)" unless prompts are asked for, then the filter.
static enum sw_code add_where(struct sw_filter *f, const struct sw_query *where, const char *prompts)
{
    bool failed = false;
    if (!asks_for_prompts(where)) {
        where = without_prompt_tests(where, f->arena, &failed);
        sw_buf_addf(&f->sql, " AND NOT EXISTS(SELECT 1 FROM %s AND t.key = '" SW_PROMPT_TAG "' AND t.value = 'true')",
                    prompts);
    }
    return failed ? sw_rows_full(f->err) : sw_filter_add_where(f, where);
}

// --- registered models ---
static enum sw_code list_models(struct sw_store *s, struct sw_filter *f, struct sw_rows *rows)
{
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    enum sw_code code = sw_filter_prepare(s, f, &st);
    struct sw_reader r = {.st = st, .arena = f->arena};
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, f->err)) == SW_OK && has_row) {
        struct sw_registered_model *m = sw_rows_push(rows, f->arena, sizeof *m);
        if (m != NULL)
            sw_registered_model_read(&r, m);
        if (m == NULL || r.failed)
            code = sw_rows_full(f->err);
    }
    sqlite3_finalize(st);
    return code;
}

// A search lists the newest versions by their stage's name, one model alone by a stage's first use (both as MLflow does).
static int by_stage(const void *left, const void *right)
{
    return strcmp(((const struct sw_model_version *)left)->stage, ((const struct sw_model_version *)right)->stage);
}

static enum sw_code load_model(struct sw_store *s, struct sw_filter *f, struct sw_registered_model *m)
{
    enum sw_code code = sw_registered_model_load(s, f->arena, m, f->err);
    if (code == SW_OK && m->latest_count > 1)
        qsort(m->latest, m->latest_count, sizeof *m->latest, by_stage);
    return code;
}

static enum sw_code search_models(struct sw_store *s, const struct sw_search *q, struct sw_filter *f,
                                  struct sw_registered_model_list *out)
{
    struct sw_rows rows = {0};
    sw_buf_adds(&f->sql, "SELECT name, description, created_ms, updated_ms FROM registered_model WHERE NOT is_deleted");
    enum sw_code code = add_where(f, q->where, "registered_model_tag AS t WHERE t.name = registered_model.name");
    if (code == SW_OK)
        code = sw_filter_add_order(f, q->order, q->order_count);
    if (code == SW_OK)
        code = sw_filter_add_page(f, q->limit, q->offset);
    if (code == SW_OK)
        code = list_models(s, f, &rows);
    struct sw_registered_model *items = rows.items;
    for (size_t i = 0; i < rows.count && code == SW_OK; i++)
        code = load_model(s, f, &items[i]);
    if (code == SW_OK)
        *out = (struct sw_registered_model_list){items, rows.count};
    return code;
}

enum sw_code sw_registered_model_search(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                        struct sw_registered_model_list *out, struct sw_err *err)
{
    struct sw_filter f;
    struct sw_step step;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_REGISTERED_MODEL, a, err);
    if (code == SW_OK)
        code = sw_snapshot_begin(s, &step, err);
    if (code == SW_OK)
        code = sw_snapshot_end(s, &step, search_models(s, q, &f, out));
    sw_filter_end(&f);
    return code;
}

// --- versions ---
static enum sw_code search_versions(struct sw_store *s, const struct sw_search *q, struct sw_filter *f,
                                    struct sw_model_version_list *out)
{
    static const struct sw_query_order newest = {
        .field = SW_FIELD_ATTRIBUTE, .key = "last_updated_timestamp", .descending = true};
    struct sw_rows keys = {0}, rows = {0};
    sw_buf_adds(&f->sql, "SELECT model_version.rowid FROM model_version WHERE NOT model_version.is_deleted");
    enum sw_code code = add_where(f, q->where, "model_version_tag AS t WHERE t.name = model_version.name");
    if (code == SW_OK)
        code = sw_filter_add_order(f, q->order_count > 0 ? q->order : &newest, q->order_count > 0 ? q->order_count : 1);
    if (code == SW_OK)
        code = sw_filter_add_page(f, q->limit, q->offset);
    if (code == SW_OK)
        code = sw_filter_list_keys(s, f, &keys);
    const int64_t *key = keys.items;
    for (size_t i = 0; i < keys.count && code == SW_OK; i++) {
        struct sw_model_version_list one = {0};
        struct sw_model_version *v = sw_rows_push(&rows, f->arena, sizeof *v);
        code = v == NULL ? sw_rows_full(f->err)
                         : sw_model_version_rows(s, SQL_VERSION_LEAN_BY_KEY, SW_VALUES(sw_int(key[i])), f->arena, &one,
                                                 f->err);
        if (code == SW_OK && one.count == 1)
            *v = one.items[0];
    }
    if (code == SW_OK)
        *out = (struct sw_model_version_list){rows.items, rows.count};
    return code;
}

enum sw_code sw_model_version_search(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                     struct sw_model_version_list *out, struct sw_err *err)
{
    struct sw_filter f;
    struct sw_step step;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_MODEL_VERSION, a, err);
    if (code == SW_OK)
        code = sw_snapshot_begin(s, &step, err);
    if (code == SW_OK)
        code = sw_snapshot_end(s, &step, search_versions(s, q, &f, out));
    sw_filter_end(&f);
    return code;
}

// --- logged models ---
// " AND EXISTS(...)": the model has a metric on one of the data sets.
static enum sw_code add_datasets(struct sw_filter *f, const struct sw_pair *datasets, size_t count)
{
    enum sw_code code = SW_OK;
    if (count == 0)
        return SW_OK;
    sw_buf_adds(&f->sql, " AND EXISTS(SELECT 1 FROM logged_model_metric AS d"
                         " WHERE d.model_key = logged_model.model_key AND (");
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        sw_buf_adds(&f->sql, i > 0 ? " OR (d.dataset_name = " : "(d.dataset_name = ");
        code = sw_filter_add_value(f, sw_text(datasets[i].key));
        if (code == SW_OK && datasets[i].value[0] != '\0') {
            sw_buf_adds(&f->sql, " AND d.dataset_digest = ");
            code = sw_filter_add_value(f, sw_text(datasets[i].value));
        }
        sw_buf_addc(&f->sql, ')');
    }
    sw_buf_adds(&f->sql, "))");
    return code;
}

static enum sw_code add_order(struct sw_filter *f, const struct sw_logged_model_order *order, size_t count)
{
    struct sw_query_order *plain = sw_arena_array(f->arena, count + 1, sizeof *plain);
    enum sw_code code = SW_OK;
    if (plain == NULL)
        return sw_rows_full(f->err);
    sw_buf_adds(&f->sql, " ORDER BY ");
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        plain[i] = (struct sw_query_order){order[i].field, order[i].key, order[i].descending};
        code = sw_filter_add_order_term(f, &plain[i], order[i].dataset_name, order[i].dataset_digest);
    }
    if (code == SW_OK)
        sw_filter_add_own_order(f, plain, count);
    return code;
}

static enum sw_code search_logged(struct sw_store *s, const struct sw_logged_model_query *q, struct sw_filter *f,
                                  struct sw_logged_model_list *out)
{
    struct sw_rows keys = {0}, rows = {0};
    f->datasets = q->datasets;
    f->dataset_count = q->dataset_count;
    sw_buf_adds(&f->sql, "SELECT logged_model.model_key FROM logged_model WHERE logged_model.is_deleted = 0 AND ");
    enum sw_code code = sw_filter_add_ids(f, "logged_model.experiment_id", q->experiment_ids, q->experiment_count);
    if (code == SW_OK)
        code = add_datasets(f, q->datasets, q->dataset_count);
    if (code == SW_OK)
        code = sw_filter_add_where(f, q->where);
    if (code == SW_OK)
        code = add_order(f, q->order, q->order_count);
    if (code == SW_OK)
        code = sw_filter_add_page(f, q->limit, q->offset);
    if (code == SW_OK)
        code = sw_filter_list_keys(s, f, &keys);
    const int64_t *key = keys.items;
    for (size_t i = 0; i < keys.count && code == SW_OK; i++) {
        bool found = false;
        struct sw_logged_model *m = sw_rows_push(&rows, f->arena, sizeof *m);
        code = m == NULL ? sw_rows_full(f->err)
                         : sw_sql_get(s, SQL_LOGGED_GET_BY_KEY, SW_VALUES(sw_int(key[i])), f->arena,
                                      sw_logged_model_read, m, &found, f->err);
        if (code == SW_OK)
            code = sw_logged_model_load(s, f->arena, m, f->err);
    }
    if (code == SW_OK)
        *out = (struct sw_logged_model_list){rows.items, rows.count};
    return code;
}

enum sw_code sw_logged_model_search(struct sw_store *s, const struct sw_logged_model_query *q, struct sw_arena *a,
                                    struct sw_logged_model_list *out, struct sw_err *err)
{
    struct sw_filter f;
    struct sw_step step;
    enum sw_code code = sw_filter_begin(&f, SW_SUBJECT_LOGGED_MODEL, a, err);
    if (code == SW_OK)
        code = sw_snapshot_begin(s, &step, err);
    if (code == SW_OK)
        code = sw_snapshot_end(s, &step, search_logged(s, q, &f, out));
    sw_filter_end(&f);
    return code;
}
