// SPDX-License-Identifier: Apache-2.0
// Filters and orders of the subjects beside runs: every name that the grammar knows is one that the store has, and what
// MLflow means by conditions on experiments, registered models, versions and logged models.
#include "tests/unit/store/fixture.h"

#include "core/store/filter_private.h"
#include "core/store/model.h"
#include "core/store/run.h"
#include "core/track/query.h"

static const struct {
    enum sw_subject subject;
    const char *from; // with a first column that the tests show
} tables[] = {
    {SW_SUBJECT_RUN, "SELECT run.run_key FROM run WHERE 1"},
    {SW_SUBJECT_EXPERIMENT, "SELECT experiment.experiment_id FROM experiment WHERE 1"},
    {SW_SUBJECT_REGISTERED_MODEL, "SELECT length(registered_model.name) FROM registered_model WHERE 1"},
    {SW_SUBJECT_MODEL_VERSION, "SELECT model_version.version FROM model_version WHERE 1"},
    {SW_SUBJECT_LOGGED_MODEL, "SELECT logged_model.model_key FROM logged_model WHERE 1"},
};

// The keys that fit, one digit each.
static const char *find(struct fixture *f, enum sw_subject subject, const char *where, const char *order,
                        const struct sw_pair *dataset)
{
    static char text[64];
    const struct sw_query *q = NULL;
    struct sw_query_order *orders = NULL;
    struct sw_rows keys = {0};
    struct sw_filter filter;
    size_t order_count = 0;
    ok(sw_track_parse_query(subject, where, f->arena, &q, &f->err));
    ok(sw_track_parse_order(subject, order, f->arena, &orders, &order_count, &f->err));
    ok(sw_filter_begin(&filter, subject, f->arena, &f->err));
    filter.datasets = dataset;
    filter.dataset_count = dataset != NULL;
    sw_buf_adds(&filter.sql, tables[subject].from);
    ok(sw_filter_add_where(&filter, q));
    ok(sw_filter_add_order(&filter, orders, order_count));
    ok(sw_filter_add_page(&filter, 0, 0));
    ok(sw_filter_list_keys(f->store, &filter, &keys));
    sw_filter_end(&filter);
    for (size_t i = 0; i < keys.count; i++)
        text[i] = (char)('0' + (int)((int64_t *)keys.items)[i]);
    text[keys.count] = '\0';
    return text;
}

static void run_sql(struct fixture *f, const char *text)
{
    ok(sw_sql_text(f->store, text, &f->err));
}

static void test_store_has_what_the_grammar_knows(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum sw_subject subject;
        const char *names; // separated by spaces; a '#' before a number
    } rows[] = {
        {SW_SUBJECT_RUN, "run_id run_uuid run_name name user_id user status experiment source artifact_uri #start_time"
                         " #created #end_time attributes.run_id run.status"},
        {SW_SUBJECT_EXPERIMENT, "name experiment_id #creation_time #last_update_time attribute.name tags.x tag.y"},
        {SW_SUBJECT_REGISTERED_MODEL, "name #creation_timestamp #last_updated_timestamp #timestamp tags.x"},
        {SW_SUBJECT_MODEL_VERSION, "name #version_number #version run_id source_path source current_stage stage user_id"
                                   " model_id #creation_timestamp #last_updated_timestamp tags.x"},
        {SW_SUBJECT_LOGGED_MODEL, "name model_id model_type status source_run_id experiment_id #creation_timestamp"
                                  " #creation_timestamp_ms #creation_time #last_updated_timestamp #last_updated_time"
                                  " #metrics.x params.x tags.x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *names = sw_arena_strdup(f->arena, rows[i].names), *rest = NULL;
        for (char *name = strtok_r(names, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
            bool is_number = *name == '#';
            const char *word = name + is_number;
            find(f, rows[i].subject,
                 sw_arena_printf(f->arena, "%s != %s AND NOT %s IS NULL", word, is_number ? "5" : "'x'", word), word,
                 NULL);
            find(f, rows[i].subject, sw_arena_printf(f->arena, "%s IN (%s)", word, is_number ? "5" : "'x'"),
                 sw_arena_printf(f->arena, "%s DESC", word), NULL);
        }
    }
}

static void test_errors_name_the_subject(void **state)
{
    struct fixture *f = *state;
    static const struct {
        enum sw_subject subject;
        const char *where, *message;
    } rows[] = {
        {SW_SUBJECT_EXPERIMENT, "metrics.x > 1", "column 1: 'metrics' is no kind of thing that experiments have"},
        {SW_SUBJECT_EXPERIMENT, "status = 'x'", "column 1: experiments have no attribute 'status'"},
        {SW_SUBJECT_REGISTERED_MODEL, "name = 'a' AND run_id = 'x'", "column 16: registered models have no attribute"},
        {SW_SUBJECT_MODEL_VERSION, "params.x = 'y'", "model versions have"},
        {SW_SUBJECT_MODEL_VERSION, "version_number = 'x'", "expected a number"},
        {SW_SUBJECT_LOGGED_MODEL, "datasets.name = 'y'", "logged models have"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct sw_query *q = NULL;
        fails(sw_track_parse_query(rows[i].subject, rows[i].where, f->arena, &q, &f->err), SW_INVALID);
        says(rows[i].message);
    }
}

static void test_experiments(void **state)
{
    struct fixture *f = *state;
    run_sql(f, "INSERT INTO experiment(experiment_id, name, created_ms, updated_ms) VALUES(1, 'Alpha', 10, 40),"
               " (2, 'beta', 20, 30), (3, 'Beta', 20, 20);"
               "UPDATE experiment SET created_ms = 5, updated_ms = 5 WHERE experiment_id = 0;"
               "INSERT INTO experiment_tag VALUES(1, 'k', 'v'), (2, 'k', 'V');");
    static const struct {
        const char *where, *order, *ids;
    } rows[] = {
        {"", "", "2310"}, // newest first, then by number
        {"name LIKE 'B%'", "", "3"},
        {"name ILIKE 'b%'", "", "23"},
        {"attribute.name = 'Alpha'", "", "1"},
        {"experiment_id IN ('1', '3')", "experiment_id", "13"},
        {"experiment_id = 2", "", "2"},
        {"creation_time >= 20 AND last_update_time < 30", "", "3"},
        {"tags.k != 'v'", "", "2"}, // not those without it
        {"tags.k IS NULL", "name", "30"},
        {"", "last_update_time DESC", "1230"},
        {"", "creation_time", "0132"}, // equal ones: the greater number first
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(find(f, SW_SUBJECT_EXPERIMENT, rows[i].where, rows[i].order, NULL), rows[i].ids);
}

static void test_registry(void **state)
{
    struct fixture *f = *state;
    char run_id[SW_RUN_ID];
    ok(sw_run_create(f->store, &(struct sw_run_new){.run_id = "000000000000000000000000000000ab"}, run_id, &f->err));
    run_sql(f,
            "INSERT INTO registered_model(name, last_version, created_ms, updated_ms) VALUES('a', 2, 1, 9),"
            " ('Bb', 1, 2, 8), ('ccc', 1, 3, 7);"
            "INSERT INTO registered_model_tag VALUES('a', 'k', 'x'), ('ccc', 'k', 'y');"
            "INSERT INTO model_version(name, version, digest, path, files_json, size_bytes, run_key, user,"
            " description, created_ms, source, updated_ms) VALUES('a', 1, '', '/p', '[]', 0, 1, 'u', '', 5, '', 5),"
            " ('a', 2, '', '/q', '[]', 0, NULL, 'u', '', 6, 's3://x', 9), ('Bb', 3, '', '/r', '[]', 0, NULL, 'u', '',"
            " 4, 'models:/m-1', 4); INSERT INTO model_version_tag VALUES('a', 2, 'k', 'x');");
    static const struct {
        enum sw_subject subject;
        const char *where, *order, *keys;
    } rows[] = {
        {SW_SUBJECT_REGISTERED_MODEL, "", "", "213"}, // by name
        {SW_SUBJECT_REGISTERED_MODEL, "name ILIKE 'b%'", "", "2"},
        {SW_SUBJECT_REGISTERED_MODEL, "tags.k != 'x'", "", "3"},
        {SW_SUBJECT_REGISTERED_MODEL, "", "timestamp DESC", "123"},
        {SW_SUBJECT_MODEL_VERSION, "", "", "321"}, // by name, newest version first
        {SW_SUBJECT_MODEL_VERSION, "run_id = '000000000000000000000000000000ab'", "", "1"},
        {SW_SUBJECT_MODEL_VERSION, "run_id != 'x'", "", "321"}, // as MLflow: one without a run has another run
        {SW_SUBJECT_MODEL_VERSION, "run_id IN ('000000000000000000000000000000ab', 'y')", "", "1"},
        {SW_SUBJECT_MODEL_VERSION, "source_path = '/p'", "", "1"},
        {SW_SUBJECT_MODEL_VERSION, "source_path LIKE 's3:%'", "", "2"},
        {SW_SUBJECT_MODEL_VERSION, "name = 'a' AND version_number > '1'", "", "2"},
        {SW_SUBJECT_MODEL_VERSION, "tags.k = 'x' AND tag.k = 'x'", "", "2"},
        {SW_SUBJECT_MODEL_VERSION, "", "last_updated_timestamp", "312"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(find(f, rows[i].subject, rows[i].where, rows[i].order, NULL), rows[i].keys);
}

static void test_logged_models(void **state)
{
    struct fixture *f = *state;
    run_sql(f,
            "INSERT INTO logged_model(model_key, model_id, experiment_id, name, model_type, source_run_id, status,"
            " status_message, created_ms, updated_ms) VALUES(1, 'm-1', 0, 'one', '', 'r1', 's', '', 10, 10),"
            " (2, 'm-2', 0, 'two', 'cnn', '', 's', '', 20, 20), (3, 'm-3', 0, 'three', 'mlp', 'r1', 's', '', 30, 30);"
            "INSERT INTO metric_key VALUES(1, 'acc');"
            "INSERT INTO logged_model_metric(model_key, key_id, step, time_ms, value, is_nan, run_key, dataset_name,"
            " dataset_digest) VALUES(1, 1, 0, 1, 0.9, 0, 1, 'eval', 'd1'), (1, 1, 1, 2, 0.5, 0, 1, 'eval', 'd2'),"
            " (2, 1, 0, 1, 0.7, 0, 1, '', '');"
            "INSERT INTO logged_model_param VALUES(1, 'lr', '0.1'), (2, 'lr', '0.01');"
            "INSERT INTO logged_model_tag VALUES(3, 'k', 'v');");
    static const struct sw_pair eval = {"eval", ""}, eval_d2 = {"eval", "d2"};
    static const struct {
        const char *where, *order;
        const struct sw_pair *dataset;
        const char *keys;
    } rows[] = {
        {"", "", NULL, "321"},                // newest first
        {"metrics.acc > 0.8", "", NULL, "1"}, // any point of it
        {"metrics.acc > 0.6", "", NULL, "21"},
        {"metrics.acc > 0.6", "", &eval, "1"},
        {"metrics.acc > 0.6", "", &eval_d2, ""},
        {"name != 'x'", "", &eval, "1"},  // any metric on it
        {"", "metrics.acc", NULL, "123"}, // the newest point: 0.5, 0.7, none
        {"params.lr = 0.1", "", NULL, "1"},
        {"params.lr LIKE '0.%'", "creation_time", NULL, "12"},
        {"tags.k = 'v'", "", NULL, "3"},
        {"model_type != 'cnn'", "", NULL, "3"},
        {"source_run_id = 'r1'", "model_id DESC", NULL, "31"},
        {"model_id IN ('m-2')", "", NULL, "2"},
        {"creation_timestamp <= 20", "", NULL, "21"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(find(f, SW_SUBJECT_LOGGED_MODEL, rows[i].where, rows[i].order, rows[i].dataset),
                            rows[i].keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_store_has_what_the_grammar_knows),
        store_test(test_errors_name_the_subject),
        store_test(test_experiments),
        store_test(test_registry),
        store_test(test_logged_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
