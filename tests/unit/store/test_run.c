// SPDX-License-Identifier: Apache-2.0
// Experiments, runs, params, tags, names and prefixes, limits.
#include "tests/unit/store/fixture.h"

#include "core/store/dataset.h"
#include "core/store/metric.h"
#include "core/store/run.h"

#include <math.h>
#include <sys/stat.h>

static void make_run(struct fixture *f, const char *id, const char *name, char out[static SW_RUN_ID])
{
    struct sw_run_new n = {.run_id = id,
                           .name = name,
                           .experiment = "fashion",
                           .source = "train.py --lr 0.1",
                           .status = SW_RUN_RUNNING,
                           .start_ms = 1000};
    ok(sw_run_create(f->store, &n, out, &f->err));
}

static void test_default_experiment_is_there(void **state)
{
    struct fixture *f = *state;
    struct sw_experiment *list = NULL;
    size_t count = 0;
    ok(sw_experiment_list(f->store, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_int_equal(list[0].experiment_id, 0);
    assert_string_equal(list[0].name, "Default");
    assert_true(list[0].created_ms > 1500000000000);
}

static void test_run_round_trip(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID];
    make_run(f, NULL, "first", id);
    assert_int_equal(strlen(id), 32);
    ok(sw_run_set_param(f->store, id, "lr", "0.1", &f->err));
    ok(sw_run_set_param(f->store, id, "lr", "0.1", &f->err)); // the same again is fine
    fails(sw_run_set_param(f->store, id, "lr", "0.2", &f->err), SW_INVALID);
    says("lr");
    ok(sw_run_set_tag(f->store, id, "mlflow.note.content", "two words", &f->err));
    ok(sw_run_set_tag(f->store, id, "owner", "a", &f->err));
    ok(sw_run_set_tag(f->store, id, "owner", "b", &f->err));
    ok(sw_run_set_tag(f->store, id, "gone", "x", &f->err));
    ok(sw_run_set_tag(f->store, id, "gone", NULL, &f->err));
    struct sw_metric_point points[] = {
        {"loss", 2.0, 0, 10}, {"loss", NAN, 1, 20}, {"loss", 1.0, 2, 30}, {"nan", NAN, 0, 1}};
    ok(sw_metric_write(f->store, id, points, 4, &f->err));
    struct sw_run run;
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_string_equal(run.name, "first");
    assert_string_equal(run.experiment_name, "fashion");
    assert_string_equal(run.source, "train.py --lr 0.1");
    assert_string_equal(run.note, "two words");
    assert_int_equal(run.status, SW_RUN_RUNNING);
    assert_int_equal(run.start_ms, 1000);
    assert_int_equal(run.end_ms, 0);
    assert_int_equal(run.param_count, 1);
    assert_string_equal(run.params[0].value, "0.1");
    assert_int_equal(run.tag_count, 3);
    assert_string_equal(run.tags[1].key, "mlflow.runName");
    assert_string_equal(run.tags[1].value, "first");
    assert_string_equal(run.tags[2].value, "b");
    assert_int_equal(run.metric_count, 2);
    assert_string_equal(run.metrics[0].key, "loss");
    assert_true(run.metrics[0].last == 1.0 && run.metrics[0].min == 1.0 && run.metrics[0].max == 2.0);
    assert_int_equal(run.metrics[0].count, 3);
    assert_int_equal(run.metrics[0].last_step, 2);
    assert_true(isnan(run.metrics[1].last) && !run.metrics[1].has_range);
    ok(sw_run_finish(f->store, id, SW_RUN_FINISHED, 5000, &f->err));
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_int_equal(run.end_ms, 5000);
    assert_string_equal(sw_run_status_word(run.status), "FINISHED");
    ok(sw_run_set_status(f->store, id, SW_RUN_RUNNING, &f->err)); // resumed: not ended any more
    ok(sw_run_rename(f->store, id, "second", &f->err));
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_int_equal(run.end_ms, 0);
    assert_string_equal(run.name, "second");
}

static void test_names_are_invented(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID], word[3][32];
    struct sw_run run;
    make_run(f, NULL, NULL, id);
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_int_equal(sscanf(run.name, "%31[a-z]-%31[a-z]-%31[0-9]", word[0], word[1], word[2]), 3);
}

static void test_resolve(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID], found[SW_RUN_ID];
    make_run(f, "abcd0000000000000000000000000001", "otter", id);
    make_run(f, "abcd1000000000000000000000000002", "heron", id);
    make_run(f, "ffff0000000000000000000000000003", "heron", id);
    ok(sw_run_resolve(f->store, "abcd0000000000000000000000000001", found, &f->err));
    ok(sw_run_resolve(f->store, "abcd0", found, &f->err));
    assert_string_equal(found, "abcd0000000000000000000000000001");
    ok(sw_run_resolve(f->store, "ffff", found, &f->err));
    ok(sw_run_resolve(f->store, "otter", found, &f->err));
    assert_string_equal(found, "abcd0000000000000000000000000001");
    fails(sw_run_resolve(f->store, "abcd", found, &f->err), SW_AMBIGUOUS);
    says("abcd00000000 otter");
    says("abcd10000000 heron");
    fails(sw_run_resolve(f->store, "heron", found, &f->err), SW_AMBIGUOUS);
    fails(sw_run_resolve(f->store, "abc", found, &f->err), SW_NOT_FOUND); // too short for a prefix
    fails(sw_run_resolve(f->store, "", found, &f->err), SW_NOT_FOUND);
    ok(sw_run_set_deleted(f->store, "ffff0000000000000000000000000003", true, &f->err));
    ok(sw_run_resolve(f->store, "heron", found, &f->err)); // the live one
    assert_string_equal(found, "abcd1000000000000000000000000002");
    ok(sw_run_resolve(f->store, "ffff", found, &f->err)); // a deleted run can be restored by name
    // A name that looks like a prefix of another run's id.
    make_run(f, "00000000000000000000000000000004", "abcd0", id);
    fails(sw_run_resolve(f->store, "abcd0", found, &f->err), SW_AMBIGUOUS);
}

static char *repeat(char *dst, size_t count)
{
    memset(dst, 'x', count);
    dst[count] = '\0';
    return dst;
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    static char text[9000];
    char id[SW_RUN_ID], other[SW_RUN_ID];
    make_run(f, NULL, "limits", id);
    ok(sw_run_set_param(f->store, id, repeat(text, 250), "1", &f->err));
    fails(sw_run_set_param(f->store, id, repeat(text, 251), "1", &f->err), SW_INVALID);
    ok(sw_run_set_param(f->store, id, "p", repeat(text, 6000), &f->err));
    fails(sw_run_set_param(f->store, id, "q", repeat(text, 6001), &f->err), SW_INVALID);
    ok(sw_run_set_tag(f->store, id, "t", repeat(text, 8000), &f->err));
    fails(sw_run_set_tag(f->store, id, "t", repeat(text, 8001), &f->err), SW_INVALID);
    fails(sw_run_rename(f->store, id, "", &f->err), SW_INVALID);
    fails(sw_run_rename(f->store, id, "a\nb", &f->err), SW_INVALID);
    fails(sw_run_rename(f->store, id, "\xff", &f->err), SW_INVALID);
    fails(sw_run_set_param(f->store, id, "p2", NULL, &f->err), SW_INVALID);
    fails(sw_run_set_param(f->store, "ffffffffffffffffffffffffffffffff", "p", "v", &f->err), SW_NOT_FOUND);
    struct sw_run_new twice = {.run_id = id};
    fails(sw_run_create(f->store, &twice, other, &f->err), SW_EXISTS);
    struct sw_run_new odd = {.run_id = "xyz"};
    fails(sw_run_create(f->store, &odd, other, &f->err), SW_INVALID);
}

static void test_artifact_dir_is_made(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID], path[SW_PATH_MAX], expected[2 * SW_PATH_MAX];
    struct stat st;
    make_run(f, NULL, "a", id);
    ok(sw_run_artifact_dir(f->store, id, path, &f->err));
    snprintf(expected, sizeof expected, "%s/artifacts/1/%s/artifacts", f->dir, id);
    assert_string_equal(path, expected);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_datasets(void **state)
{
    struct fixture *f = *state;
    struct sw_dataset d = {.name = "fm", .path = "/d/fm", .format = "idx", .digest = "aaaa1111", .size_bytes = 7}, got;
    int64_t first = 0, same = 0, second = 0;
    ok(sw_dataset_add(f->store, &d, &first, &f->err));
    ok(sw_dataset_add(f->store, &d, &same, &f->err));
    assert_int_equal(first, same);
    d.digest = "bbbb2222";
    ok(sw_dataset_add(f->store, &d, &second, &f->err));
    assert_int_not_equal(first, second);
    ok(sw_dataset_get(f->store, "fm", f->arena, &got, &f->err));
    assert_int_equal(got.version, 2);
    ok(sw_dataset_get(f->store, "fm/1", f->arena, &got, &f->err));
    assert_string_equal(got.digest, "aaaa1111");
    ok(sw_dataset_get(f->store, "fm@aaaa", f->arena, &got, &f->err));
    assert_int_equal(got.version, 1);
    fails(sw_dataset_get(f->store, "fm/3", f->arena, &got, &f->err), SW_NOT_FOUND);
    fails(sw_dataset_get(f->store, "fm/0", f->arena, &got, &f->err), SW_INVALID);
    fails(sw_dataset_get(f->store, "fm@", f->arena, &got, &f->err), SW_INVALID);
    fails(sw_dataset_get(f->store, "nothing", f->arena, &got, &f->err), SW_NOT_FOUND);
    d.name = "a/b";
    fails(sw_dataset_add(f->store, &d, &same, &f->err), SW_INVALID);
    d.name = "fm";
    struct sw_dataset *list = NULL;
    size_t count = 0;
    ok(sw_dataset_list(f->store, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    char id[SW_RUN_ID];
    make_run(f, NULL, "r", id);
    ok(sw_run_add_input(f->store, id, second, "train", &f->err));
    ok(sw_run_add_input(f->store, id, second, "train", &f->err));
    fails(sw_run_add_input(f->store, id, 99, "train", &f->err), SW_NOT_FOUND);
    ok(sw_dataset_remove(f->store, "fm", &f->err));
    fails(sw_dataset_remove(f->store, "fm", &f->err), SW_NOT_FOUND);
    fails(sw_dataset_get(f->store, "fm", f->arena, &got, &f->err), SW_NOT_FOUND);
    ok(sw_dataset_add(f->store, &d, &same, &f->err)); // registered again: the same version comes back
    assert_int_equal(same, second);
    ok(sw_dataset_get(f->store, "fm", f->arena, &got, &f->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_default_experiment_is_there),
        store_test(test_run_round_trip),
        store_test(test_names_are_invented),
        store_test(test_resolve),
        store_test(test_limits),
        store_test(test_artifact_dir_is_made),
        store_test(test_datasets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
