// SPDX-License-Identifier: Apache-2.0
// What runs say they read and wrote: data sets with their tags, models as inputs and outputs, summaries of experiments.
#include "tests/unit/store/fixture.h"

#include "core/store/dataset.h"
#include "core/store/logged_input.h"

static void make_run(struct fixture *f, const char *experiment, char id[static SW_RUN_ID])
{
    ok(sw_run_create(f->store, &(struct sw_run_new){.experiment = experiment, .name = "r"}, id, &f->err));
}

static void log_dataset(struct fixture *f, const char *run_id, const char *name, const char *context)
{
    struct sw_pair tag = {"mlflow.data.context", context};
    struct sw_logged_dataset d = {.name = name,
                                  .digest = "d1",
                                  .source_type = "local",
                                  .source = "/x",
                                  .tags = &tag,
                                  .tag_count = context != NULL};
    ok(sw_run_log_inputs(f->store, run_id, &d, 1, NULL, 0, &f->err));
}

static void test_links(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID];
    make_run(f, "e", id);
    struct sw_pair tags[] = {{"mlflow.data.context", "train"}, {"k", "v"}};
    struct sw_logged_dataset sets[] = {
        {.name = "a",
         .digest = "1",
         .source_type = "s3",
         .source = "s3://b",
         .schema = "{}",
         .profile = "{\"rows\":1}",
         .tags = tags,
         .tag_count = 2},
        {.name = "b", .digest = "2"},
    };
    const char *models[] = {"m-1", "m-2", "m-1"};
    struct sw_model_output outputs[] = {{"m-3", 5}, {"m-4", 0}};
    struct sw_run_links links;
    ok(sw_run_log_inputs(f->store, id, sets, 2, models, 3, &f->err));
    ok(sw_run_log_outputs(f->store, id, outputs, 2, &f->err));
    ok(sw_run_load_links(f->store, id, f->arena, &links, &f->err));
    assert_int_equal(links.dataset_count, 2);
    assert_string_equal(links.datasets[0].profile, "{\"rows\":1}");
    assert_int_equal(links.datasets[0].tag_count, 2);
    assert_string_equal(links.datasets[0].tags[1].value, "train");
    assert_true(links.datasets[1].tag_count == 0 && *links.datasets[1].source == '\0');
    assert_int_equal(links.model_input_count, 2);
    assert_int_equal(links.model_output_count, 2);
    assert_true(strcmp(links.model_outputs[0].model_id, "m-3") == 0 && links.model_outputs[0].step == 5);
    // What is linked already stays as it is, a data set of the experiment keeps its first fields.
    tags[0].value = "eval";
    sets[0].source = "other";
    ok(sw_run_log_inputs(f->store, id, sets, 1, NULL, 0, &f->err));
    ok(sw_run_load_links(f->store, id, f->arena, &links, &f->err));
    assert_int_equal(links.dataset_count, 2);
    assert_string_equal(links.datasets[0].tags[1].value, "train");
    char second[SW_RUN_ID];
    make_run(f, "e", second);
    ok(sw_run_log_inputs(f->store, second, sets, 1, NULL, 0, &f->err));
    ok(sw_run_load_links(f->store, second, f->arena, &links, &f->err));
    assert_string_equal(links.datasets[0].source, "s3://b");
    assert_string_equal(links.datasets[0].tags[1].value, "eval");
}

static void test_registered_sets_stand_among_them(void **state)
{
    struct fixture *f = *state;
    struct sw_dataset d = {.name = "fm", .path = "/d/fm", .format = "idx", .digest = "abcd"};
    struct sw_run_links links;
    char id[SW_RUN_ID];
    int64_t dataset = 0;
    make_run(f, "e", id);
    ok(sw_dataset_add(f->store, &d, &dataset, &f->err));
    ok(sw_run_add_input(f->store, id, dataset, "train", &f->err));
    log_dataset(f, id, "logged", NULL);
    ok(sw_run_load_links(f->store, id, f->arena, &links, &f->err));
    assert_int_equal(links.dataset_count, 2);
    const struct sw_logged_dataset *got = &links.datasets[1];
    assert_string_equal(got->name, "fm");
    assert_string_equal(got->source_type, "slipway");
    assert_string_equal(got->source, "/d/fm");
    assert_int_equal(got->tag_count, 1);
    assert_string_equal(got->tags[0].key, "mlflow.data.context");
    assert_string_equal(got->tags[0].value, "train");
}

static void test_refusals_leave_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_run_links links;
    struct sw_model_output output = {"", 0};
    char id[SW_RUN_ID], digest[] = "0123456789012345678901234567890123456"; // 37
    make_run(f, "e", id);
    struct sw_logged_dataset sets[] = {{.name = "fine", .digest = "1"}, {.name = "long", .digest = digest}};
    fails(sw_run_log_inputs(f->store, id, sets, 2, NULL, 0, &f->err), SW_INVALID);
    sets[1] = (struct sw_logged_dataset){.digest = "1"};
    fails(sw_run_log_inputs(f->store, id, sets, 2, NULL, 0, &f->err), SW_INVALID);
    ok(sw_run_load_links(f->store, id, f->arena, &links, &f->err));
    assert_int_equal(links.dataset_count, 0);
    fails(sw_run_log_inputs(f->store, "none", sets, 1, NULL, 0, &f->err), SW_NOT_FOUND);
    fails(sw_run_log_outputs(f->store, "none", &output, 1, &f->err), SW_NOT_FOUND);
    fails(sw_run_log_outputs(f->store, id, &output, 1, &f->err), SW_INVALID);
    fails(sw_run_load_links(f->store, "none", f->arena, &links, &f->err), SW_NOT_FOUND);
}

static void test_summaries(void **state)
{
    struct fixture *f = *state;
    char first[SW_RUN_ID], second[SW_RUN_ID], other[SW_RUN_ID];
    make_run(f, "one", first);
    make_run(f, "one", second);
    make_run(f, "two", other);
    log_dataset(f, first, "a", "train");
    log_dataset(f, second, "a", "train");
    log_dataset(f, second, "b", NULL);
    log_dataset(f, other, "a", "eval");
    struct sw_dataset_summary *got = NULL;
    size_t count = 0;
    ok(sw_logged_dataset_search(f->store, (int64_t[]){1, 2}, 2, 10, f->arena, &got, &count, &f->err));
    assert_int_equal(count, 3);
    assert_true(got[0].experiment_id == 1 && strcmp(got[0].name, "a") == 0 && strcmp(got[0].context, "train") == 0);
    assert_true(strcmp(got[1].name, "b") == 0 && *got[1].context == '\0');
    assert_true(got[2].experiment_id == 2 && strcmp(got[2].context, "eval") == 0);
    ok(sw_logged_dataset_search(f->store, (int64_t[]){1, 2}, 2, 2, f->arena, &got, &count, &f->err));
    assert_int_equal(count, 2);
    ok(sw_logged_dataset_search(f->store, (int64_t[]){7}, 1, 10, f->arena, &got, &count, &f->err));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_links),
        store_test(test_registered_sets_stand_among_them),
        store_test(test_refusals_leave_nothing),
        store_test(test_summaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
