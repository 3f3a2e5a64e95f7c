// SPDX-License-Identifier: Apache-2.0
// Registering, proving and comparing versions.
#include "tests/unit/model/fixture.h"

#include "core/store/audit.h"

#include <math.h>

static void test_register_and_verify(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "fashion-cnn");
    assert_int_equal(v.version, 1);
    char want[SW_PATH_MAX];
    snprintf(want, sizeof want, "%s/store/artifacts/models/fashion-cnn/1-%.12s", f->root, v.digest);
    assert_string_equal(v.path, want);
    assert_ok(f, sw_model_verify(&v, &f->err));
    struct sw_audit *audit;
    size_t count;
    assert_ok(f, sw_audit_list(f->store, 10, f->arena, &audit, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(audit[0].action, "register");
    assert_string_equal(audit[0].object, "fashion-cnn/1");
    assert_string_equal(audit[0].digest, v.digest);
}

static void test_same_bytes_give_the_same_version(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/model", f->root);
    struct sw_model_source source = {.name = "m", .path = path};
    struct sw_model_version v;
    bool is_new = false;
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_true(is_new);
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_false(is_new);
    assert_int_equal(v.version, 1);
    fixture_puts(f, "model/labels.txt", "shirt\nboot\n");
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_true(is_new);
    assert_int_equal(v.version, 2);
    // Back to the first bytes: the newest version differs, so this is a third one.
    fixture_make_model(f);
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_int_equal(v.version, 3);
}

static void test_register_from_a_run(void **state)
{
    struct fixture *f = *state;
    char run_id[SW_RUN_ID], artifacts[SW_PATH_MAX], model[SW_PATH_MAX];
    struct sw_run_new run = {.name = "cnn-a"};
    assert_ok(f, sw_run_create(f->store, &run, run_id, &f->err));
    struct sw_model_source source = {.name = "m", .run_id = run_id};
    struct sw_model_version v;
    bool is_new = false;
    assert_code(f, SW_NOT_FOUND, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_ok(f, sw_run_artifact_dir(f->store, run_id, artifacts, &f->err));
    assert_ok(f, sw_path_join(model, artifacts, "model", &f->err));
    assert_ok(f, sw_path_make_dirs(model, &f->err));
    assert_ok(f, sw_path_join(model, model, "net.onnx", &f->err));
    assert_ok(f, sw_file_write(model, "abc", 3, &f->err));
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_string_equal(v.run_id, run_id);
    source.run_id = "00000000000000000000000000000000";
    assert_code(f, SW_NOT_FOUND, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
}

static void test_a_single_file_is_a_model(void **state)
{
    struct fixture *f = *state;
    fixture_puts(f, "files/net.onnx", "abc");
    fixture_puts(f, "files/other.txt", "not meant");
    char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/files/net.onnx", f->root);
    struct sw_model_source source = {.name = "m", .path = path};
    struct sw_model_version v;
    struct sw_model_files files;
    bool is_new = false;
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    assert_ok(f, sw_model_version_files(&v, f->arena, &files, &f->err));
    assert_int_equal(files.count, 1);
    assert_string_equal(files.items[0].path, "net.onnx");
    assert_ok(f, sw_model_verify(&v, &f->err));
    char link[SW_PATH_MAX];
    snprintf(link, sizeof link, "%s/link.onnx", f->root);
    assert_int_equal(symlink(path, link), 0);
    source.path = link;
    assert_code(f, SW_INVALID, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
}

static void test_every_byte_is_proved(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    struct sw_model_files files;
    assert_ok(f, sw_model_version_files(&v, f->arena, &files, &f->err));
    for (size_t i = 0; i < files.count; i++) {
        char path[SW_PATH_MAX];
        assert_ok(f, sw_path_join(path, v.path, files.items[i].path, &f->err));
        for (int64_t at = 0; at < files.items[i].size_bytes; at++) {
            fixture_flip(path, at);
            assert_code(f, SW_CORRUPT, sw_model_verify(&v, &f->err));
            assert_says(f, files.items[i].path);
            assert_says(f, files.items[i].sha256);
            fixture_flip(path, at);
        }
    }
    assert_ok(f, sw_model_verify(&v, &f->err));
    char added[SW_PATH_MAX];
    assert_ok(f, sw_path_join(added, v.path, "added", &f->err));
    assert_int_equal(symlink("net.onnx", added), 0);
    assert_code(f, SW_CORRUPT, sw_model_verify(&v, &f->err));
    assert_says(f, "m/1");
    unlink(added);
    assert_ok(f, sw_path_remove_tree(v.path, &f->err));
    assert_code(f, SW_CORRUPT, sw_model_verify(&v, &f->err));
}

static void test_names(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"",    ".",    "..",   "-x",  "a/b", "a@b",  " a",  "a ",
                                      "a:b", "a\\b", "a%2e", "a?b", "a#b", "../m", "m\n", "\xff"};
    char longest[SW_MODEL_NAME_MAX + 2] = "";
    memset(longest, 'a', SW_MODEL_NAME_MAX + 1);
    assert_code(f, SW_INVALID, sw_model_name_check(longest, &f->err));
    longest[SW_MODEL_NAME_MAX] = '\0';
    assert_ok(f, sw_model_name_check(longest, &f->err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_code(f, SW_INVALID, sw_model_name_check(bad[i], &f->err));
    static const char *const good[] = {"m", "Fashion-CNN_2.1", "0", "recommendation-v2", "a b", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_ok(f, sw_model_name_check(good[i], &f->err));
}

static void test_evaluation_is_bound(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    fixture_evaluate(f, &v, 0.92);
    struct sw_model_metric nan_metric = {"auc", NAN};
    struct sw_model_result result = {.model_digest = v.digest,
                                     .dataset = "fashion",
                                     .dataset_digest = "ab",
                                     .split = "test",
                                     .metrics = &nan_metric,
                                     .metric_count = 1};
    int64_t id = 0;
    assert_ok(f, sw_model_record_evaluation(f->store, &v, &result, &id, &f->err));
    struct sw_evaluation *list;
    size_t count;
    assert_ok(f, sw_evaluation_list(f->store, "m", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].metrics_json, "{\"auc\":null}");
    assert_string_equal(list[1].model_digest, v.digest);
    result.model_digest = "0000";
    assert_code(f, SW_CONFLICT, sw_model_record_evaluation(f->store, &v, &result, &id, &f->err));
}

static void test_compare_versions(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_version one = fixture_register(f, "m");
    fixture_evaluate(f, &one, 0.90);
    fixture_puts(f, "model/labels.txt", "shirt\n");
    fixture_puts(f, "model/new.txt", "n");
    unlink(fixture_path(f, "model/extra/scaler.json"));
    struct sw_model_version two = fixture_register(f, "m"), before;
    fixture_evaluate(f, &two, 0.925);
    bool found = false;
    assert_ok(f, sw_model_previous(f->store, &two, f->arena, &before, &found, &f->err));
    assert_true(found);
    assert_int_equal(before.version, 1);
    assert_ok(f, sw_model_previous(f->store, &one, f->arena, &before, &found, &f->err));
    assert_false(found);
    struct sw_model_difference d;
    assert_ok(f, sw_model_compare(f->store, &one, &two, f->arena, &d, &f->err));
    assert_int_equal(d.files_added, 1);
    assert_int_equal(d.files_changed, 1);
    assert_int_equal(d.files_removed, 1);
    assert_int_equal(d.size_change_bytes, two.size_bytes - one.size_bytes);
    assert_int_equal(d.metric_count, 2);
    assert_string_equal(d.metrics[0].name, "accuracy");
    assert_true(d.metrics[0].after - d.metrics[0].before > 0.0249);
}

static int register_in_child(struct fixture *f)
{
    char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/model", f->root);
    struct sw_model_source source = {.name = "m", .path = path};
    struct sw_model_version v;
    bool is_new = false;
    return sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err) == SW_OK ? 0 : 1;
}

static size_t entries_of(const char *folder)
{
    char command[SW_PATH_MAX + 32];
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *p = popen(command, "r");
    size_t n = 0;
    assert_int_equal(fscanf(p, "%zu", &n), 1);
    pclose(p);
    return n;
}

static void test_killed_registration_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    static const char *const points[] = {"model.copy=kill", "model.register.copied=kill", "model.register.commit=kill"};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        assert_true(was_killed(fixture_run_child(f, points[i], register_in_child)));
        struct sw_model_version v;
        assert_code(f, SW_NOT_FOUND, sw_model_version_get(f->store, "m", f->arena, &v, &f->err));
    }
    // A failing disk is no different from a kill, but cleans up at once.
    int status = fixture_run_child(f, "model.copy=enospc", register_in_child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    struct sw_model_version v = fixture_register(f, "m");
    assert_int_equal(v.version, 1);
    assert_ok(f, sw_model_verify(&v, &f->err));
    assert_int_equal(entries_of(fixture_path(f, "store/artifacts/models/m")), 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_register_and_verify),
        CASE(test_same_bytes_give_the_same_version),
        CASE(test_register_from_a_run),
        CASE(test_a_single_file_is_a_model),
        CASE(test_every_byte_is_proved),
        CASE(test_names),
        CASE(test_evaluation_is_bound),
        CASE(test_compare_versions),
        CASE(test_killed_registration_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
