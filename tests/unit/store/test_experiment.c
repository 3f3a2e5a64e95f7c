// SPDX-License-Identifier: Apache-2.0
// Experiments: names, tags, deleting and restoring with their runs, places of artifacts; a run's name as its tag.
#include "tests/unit/store/fixture.h"

#include "core/store/run.h"

static int64_t make(struct fixture *f, const char *name)
{
    int64_t id = -1;
    ok(sw_experiment_create(f->store, &(struct sw_experiment_new){.name = name}, &id, &f->err));
    return id;
}

static void make_run(struct fixture *f, int64_t experiment_id, const char *name, char id[static SW_RUN_ID])
{
    ok(sw_run_create(f->store, &(struct sw_run_new){.experiment_id = experiment_id, .name = name, .start_ms = 1}, id,
                     &f->err));
}

static const char *tag_of(struct fixture *f, const char *run_id, const char *key)
{
    struct sw_run run;
    ok(sw_run_get(f->store, run_id, f->arena, &run, &f->err));
    for (size_t i = 0; i < run.tag_count; i++)
        if (strcmp(run.tags[i].key, key) == 0)
            return run.tags[i].value;
    return NULL;
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct sw_pair tags[] = {{"team", "vision"}, {"a", "1"}, {"a", "2"}};
    struct sw_experiment_new n = {.name = "first", .artifact_location = "s3://bucket/x", .tags = tags, .tag_count = 3};
    struct sw_experiment e;
    int64_t id = 0;
    ok(sw_experiment_create(f->store, &n, &id, &f->err));
    ok(sw_experiment_get(f->store, id, f->arena, &e, &f->err));
    assert_string_equal(e.name, "first");
    assert_string_equal(e.artifact_location, "s3://bucket/x");
    assert_true(e.created_ms > 1500000000000 && e.updated_ms == e.created_ms && !e.is_deleted);
    assert_int_equal(e.tag_count, 2);
    assert_string_equal(e.tags[0].value, "2"); // the last one of equal keys
    ok(sw_experiment_find(f->store, "first", f->arena, &e, &f->err));
    assert_int_equal(e.experiment_id, id);
    fails(sw_experiment_find(f->store, "First", f->arena, &e, &f->err), SW_NOT_FOUND);
    fails(sw_experiment_get(f->store, 99, f->arena, &e, &f->err), SW_NOT_FOUND);
    fails(sw_experiment_create(f->store, &n, &id, &f->err), SW_EXISTS);
    says("'first'");
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    static char text[20002];
    int64_t id = 0;
    memset(text, 'x', 500);
    make(f, text);
    text[500] = 'x';
    fails(sw_experiment_create(f->store, &(struct sw_experiment_new){.name = text}, &id, &f->err), SW_INVALID);
    fails(sw_experiment_create(f->store, &(struct sw_experiment_new){.name = ""}, &id, &f->err), SW_INVALID);
    fails(sw_experiment_create(f->store, &(struct sw_experiment_new){0}, &id, &f->err), SW_INVALID);
    memset(text, 'x', 20001);
    struct sw_pair tag = {"k", text};
    struct sw_experiment_new n = {.name = "tagged", .tags = &tag, .tag_count = 1};
    fails(sw_experiment_create(f->store, &n, &id, &f->err), SW_INVALID);
    text[20000] = '\0';
    ok(sw_experiment_create(f->store, &n, &id, &f->err));
    text[251] = '\0';
    fails(sw_experiment_set_tag(f->store, id, text, "v", &f->err), SW_INVALID);
}

static void test_tags(void **state)
{
    struct fixture *f = *state;
    struct sw_experiment e;
    int64_t id = make(f, "tags");
    ok(sw_experiment_set_tag(f->store, id, "k", "1", &f->err));
    ok(sw_experiment_set_tag(f->store, id, "k", "2", &f->err));
    ok(sw_experiment_get(f->store, id, f->arena, &e, &f->err));
    assert_true(e.tag_count == 1 && strcmp(e.tags[0].value, "2") == 0);
    ok(sw_experiment_set_tag(f->store, id, "k", NULL, &f->err));
    fails(sw_experiment_set_tag(f->store, id, "k", NULL, &f->err), SW_NOT_FOUND);
    fails(sw_experiment_set_tag(f->store, 99, "k", "v", &f->err), SW_NOT_FOUND);
    ok(sw_experiment_set_deleted(f->store, id, true, &f->err));
    fails(sw_experiment_set_tag(f->store, id, "k", "v", &f->err), SW_INVALID);
}

static bool is_deleted(struct fixture *f, const char *run_id)
{
    struct sw_run_peek peek;
    ok(sw_run_peek(f->store, run_id, &peek, &f->err));
    return peek.is_deleted;
}

static void test_deleting_takes_the_runs(void **state)
{
    struct fixture *f = *state;
    struct sw_experiment e;
    char live[SW_RUN_ID], gone[SW_RUN_ID], other[SW_RUN_ID];
    int64_t id = make(f, "gone"), elsewhere = make(f, "other");
    make_run(f, id, "live", live);
    make_run(f, id, "gone", gone);
    make_run(f, elsewhere, "other", other);
    ok(sw_run_set_deleted(f->store, gone, true, &f->err));
    ok(sw_experiment_set_deleted(f->store, id, true, &f->err));
    assert_true(is_deleted(f, live) && is_deleted(f, gone) && !is_deleted(f, other));
    ok(sw_experiment_get(f->store, id, f->arena, &e, &f->err));
    assert_true(e.is_deleted && e.updated_ms >= e.created_ms);
    fails(sw_experiment_set_deleted(f->store, id, true, &f->err), SW_NOT_FOUND);
    fails(sw_experiment_rename(f->store, id, "x", &f->err), SW_CONFLICT);
    fails(sw_experiment_create(f->store, &(struct sw_experiment_new){.name = "gone"}, &id, &f->err), SW_EXISTS);
    says("deleted");
    fails(sw_run_create(f->store, &(struct sw_run_new){.experiment_id = id}, other, &f->err), SW_INVALID);
    fails(sw_run_create(f->store, &(struct sw_run_new){.experiment = "gone"}, other, &f->err), SW_INVALID);
    fails(sw_run_create(f->store, &(struct sw_run_new){.experiment_id = 77}, other, &f->err), SW_NOT_FOUND);
    ok(sw_experiment_set_deleted(f->store, id, false, &f->err));
    assert_true(!is_deleted(f, live) && !is_deleted(f, gone)); // all of them, as MLflow does
    fails(sw_experiment_set_deleted(f->store, id, false, &f->err), SW_NOT_FOUND);
}

static void test_rename(void **state)
{
    struct fixture *f = *state;
    struct sw_experiment e;
    int64_t id = make(f, "a");
    make(f, "b");
    fails(sw_experiment_rename(f->store, id, "b", &f->err), SW_EXISTS);
    fails(sw_experiment_rename(f->store, id, "", &f->err), SW_INVALID);
    fails(sw_experiment_rename(f->store, 99, "c", &f->err), SW_NOT_FOUND);
    ok(sw_experiment_rename(f->store, id, "a", &f->err)); // its own name
    ok(sw_experiment_rename(f->store, id, "c", &f->err));
    ok(sw_experiment_find(f->store, "c", f->arena, &e, &f->err));
    assert_int_equal(e.experiment_id, id);
}

static void test_name_and_tag_of_a_run(void **state)
{
    struct fixture *f = *state;
    struct sw_run run;
    char id[SW_RUN_ID];
    make_run(f, 0, "", id);
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_true(*run.name != '\0');
    assert_string_equal(tag_of(f, id, "mlflow.runName"), run.name);
    ok(sw_run_rename(f->store, id, "second", &f->err));
    assert_string_equal(tag_of(f, id, "mlflow.runName"), "second");
    ok(sw_run_set_tag(f->store, id, "mlflow.runName", "third", &f->err));
    ok(sw_run_set_tag(f->store, id, "mlflow.runName", "", &f->err)); // changes nothing
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_string_equal(run.name, "third");
    ok(sw_run_set_tag(f->store, id, "mlflow.runName", NULL, &f->err));
    assert_null(tag_of(f, id, "mlflow.runName"));
    fails(sw_run_set_tag(f->store, id, "mlflow.runName", NULL, &f->err), SW_NOT_FOUND);
}

static void test_update(void **state)
{
    struct fixture *f = *state;
    struct sw_run run;
    struct sw_run_peek peek;
    char id[SW_RUN_ID];
    make_run(f, 0, "r", id);
    struct sw_run_change all = {
        .has_status = true, .status = SW_RUN_FINISHED, .has_end = true, .end_ms = 77, .name = "s"};
    ok(sw_run_update(f->store, id, &all, &f->err));
    ok(sw_run_update(f->store, id, &(struct sw_run_change){.has_status = true, .status = SW_RUN_RUNNING}, &f->err));
    ok(sw_run_update(f->store, id, &(struct sw_run_change){0}, &f->err));
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_true(run.status == SW_RUN_RUNNING && run.end_ms == 77); // what is not set stays
    assert_string_equal(run.name, "s");
    ok(sw_run_peek(f->store, id, &peek, &f->err));
    assert_true(peek.experiment_id == 0 && peek.status == SW_RUN_RUNNING && !peek.is_deleted);
    fails(sw_run_update(f->store, id, &(struct sw_run_change){.name = ""}, &f->err), SW_INVALID);
    fails(sw_run_update(f->store, "none", &all, &f->err), SW_NOT_FOUND);
    fails(sw_run_peek(f->store, "none", &peek, &f->err), SW_NOT_FOUND);
}

static void check_place(struct fixture *f, const char *id, const char *place, const char *dir)
{
    struct sw_run run;
    char path[SW_PATH_MAX], expected[2 * SW_PATH_MAX];
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_string_equal(sw_run_artifact_uri(&run, f->arena), sw_arena_printf(f->arena, "%s/%s/artifacts", place, id));
    ok(sw_run_artifact_dir(f->store, id, path, &f->err));
    snprintf(expected, sizeof expected, "%s/artifacts/%s/%s/artifacts", f->dir, dir, id);
    assert_string_equal(path, expected);
}

static void test_artifacts_stay_when_a_run_moves(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID], far[SW_RUN_ID];
    struct sw_experiment_new bucket = {.name = "bucket", .artifact_location = "s3://b/x/"};
    int64_t first = make(f, "one"), second = make(f, "two"), third = 0;
    ok(sw_experiment_create(f->store, &bucket, &third, &f->err));
    make_run(f, first, "r", id);
    make_run(f, third, "far", far);
    check_place(f, id, "mlflow-artifacts:/1", "1");
    check_place(f, far, "s3://b/x", "3");
    ok(sw_run_move(f->store, id, second, &f->err));
    ok(sw_run_move(f->store, far, second, &f->err));
    check_place(f, id, "mlflow-artifacts:/1", "1");
    check_place(f, far, "s3://b/x", "3");
    ok(sw_run_move(f->store, id, third, &f->err));
    check_place(f, id, "mlflow-artifacts:/1", "1");
    struct sw_run_peek peek;
    ok(sw_run_peek(f->store, id, &peek, &f->err));
    assert_int_equal(peek.experiment_id, third);
    fails(sw_run_move(f->store, id, 99, &f->err), SW_NOT_FOUND);
    fails(sw_run_move(f->store, "none", first, &f->err), SW_NOT_FOUND);
    ok(sw_experiment_set_deleted(f->store, second, true, &f->err));
    fails(sw_run_move(f->store, id, second, &f->err), SW_INVALID);
}

static void test_search(void **state)
{
    struct fixture *f = *state;
    struct sw_experiment_list list;
    for (int i = 0; i < 5; i++) {
        char name[] = {(char)('a' + i), '\0'};
        make(f, name);
    }
    ok(sw_experiment_set_tag(f->store, 3, "team", "x", &f->err));
    ok(sw_experiment_set_deleted(f->store, 5, true, &f->err));
    ok(sw_experiment_search(f->store, &(struct sw_search){0}, f->arena, &list, &f->err));
    assert_int_equal(list.count, 5); // "Default" too
    ok(sw_experiment_search(f->store, &(struct sw_search){.view = SW_VIEW_ALL}, f->arena, &list, &f->err));
    assert_int_equal(list.count, 6);
    ok(sw_experiment_search(f->store, &(struct sw_search){.view = SW_VIEW_DELETED}, f->arena, &list, &f->err));
    assert_int_equal(list.count, 1);
    struct sw_query_order by_name = {.field = SW_FIELD_ATTRIBUTE, .key = "name", .descending = true};
    struct sw_search page = {.order = &by_name, .order_count = 1, .limit = 2, .offset = 1};
    ok(sw_experiment_search(f->store, &page, f->arena, &list, &f->err));
    assert_true(list.count == 2 && *list.items[0].name == 'c' && *list.items[1].name == 'b');
    assert_true(list.items[0].tag_count == 1);
    struct sw_query tag = {
        .kind = SW_QUERY_COMPARE, .field = SW_FIELD_TAG, .key = "team", .op = SW_OP_ILIKE, .text = "X"};
    ok(sw_experiment_search(f->store, &(struct sw_search){.where = &tag}, f->arena, &list, &f->err));
    assert_true(list.count == 1 && list.items[0].experiment_id == 3);
    struct sw_query metric = {.kind = SW_QUERY_IS_NULL, .field = SW_FIELD_METRIC, .key = "m"};
    fails(sw_experiment_search(f->store, &(struct sw_search){.where = &metric}, f->arena, &list, &f->err), SW_INVALID);
    says("experiments have no metrics");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_round_trip), store_test(test_limits),
        store_test(test_tags),       store_test(test_deleting_takes_the_runs),
        store_test(test_rename),     store_test(test_name_and_tag_of_a_run),
        store_test(test_update),     store_test(test_artifacts_stay_when_a_run_moves),
        store_test(test_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
