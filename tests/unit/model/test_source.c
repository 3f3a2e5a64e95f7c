// SPDX-License-Identifier: Apache-2.0
// Sources of model versions: what belongs to whom, what is elsewhere, and every form in which a source once led out of
// MLflow's artifacts (CVE-2023-6831, CVE-2023-6909, CVE-2024-1560, CVE-2024-2928, CVE-2024-3848, GHSA-mr9f-g8qf-4w4j).
#include "tests/unit/model/fixture.h"

#include "core/model/source.h"

struct made {
    char run_id[SW_RUN_ID];
    char model_id[SW_MODEL_ID];
};

static struct made make(struct fixture *f)
{
    struct made m;
    assert_ok(f, sw_run_create(f->store, &(struct sw_run_new){.status = SW_RUN_RUNNING}, m.run_id, &f->err));
    struct sw_logged_model_new n = {.name = "net", .source_run_id = m.run_id};
    assert_ok(f, sw_logged_model_create(f->store, &n, m.model_id, &f->err));
    assert_ok(f, sw_registered_model_create(f->store, "m", NULL, NULL, 0, &f->err));
    return m;
}

static enum sw_code resolve(struct fixture *f, const char *source, const char *run_id, const char *model_id,
                            struct sw_source *out)
{
    struct sw_source_request q = {.source = source, .run_id = run_id, .model_id = model_id};
    f->err = (struct sw_err){0};
    return sw_source_resolve(f->store, &q, f->arena, out, &f->err);
}

// `pattern` with the id in the place of '$'.
static const char *text(struct fixture *f, const char *pattern, const char *id)
{
    int before = (int)strcspn(pattern, "$");
    return sw_arena_printf(f->arena, "%.*s%s%s", before, pattern, id, pattern + before + 1);
}

static void test_of_a_run(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f);
    struct sw_source s;
    const char *want = text(f, "0/$/artifacts/a/model", m.run_id);
    assert_ok(f, resolve(f, text(f, "runs:/$/a/model", m.run_id), m.run_id, NULL, &s));
    assert_string_equal(s.relative, want);
    assert_string_equal(s.storage_uri, text(f, "mlflow-artifacts:/0/$/artifacts/a/model", m.run_id));
    assert_ok(f, resolve(f, text(f, "mlflow-artifacts:/0/$/artifacts/a/model/", m.run_id), m.run_id, NULL, &s));
    assert_string_equal(s.relative, want);
    assert_string_equal(s.run_id, m.run_id);
    assert_ok(f, resolve(f, text(f, "mlflow-artifacts:/0/$/artifacts", m.run_id), m.run_id, NULL, &s));
    // Without the run, with another one, and what only begins alike.
    assert_code(f, SW_INVALID, resolve(f, text(f, "runs:/$/a/model", m.run_id), NULL, NULL, &s));
    assert_says(f, "The run_id request parameter must identify the resource that contains the source.");
    assert_code(f, SW_INVALID, resolve(f, text(f, "runs:/$/a/model", m.run_id), "other", NULL, &s));
    assert_code(f, SW_INVALID, resolve(f, text(f, "runs://$/a", m.run_id), m.run_id, NULL, &s));
    assert_code(f, SW_INVALID, resolve(f, "mlflow-artifacts:/0/other/artifacts/a", m.run_id, NULL, &s));
    assert_code(f, SW_INVALID, resolve(f, text(f, "mlflow-artifacts:/0/$/artifacts2/a", m.run_id), m.run_id, NULL, &s));
    assert_code(f, SW_INVALID, resolve(f, "mlflow-artifacts:/", m.run_id, NULL, &s));
    assert_code(f, SW_INVALID, resolve(f, "runs:/", m.run_id, NULL, &s));
}

static void test_of_a_logged_model(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f);
    struct sw_source s;
    assert_ok(f, resolve(f, text(f, "models:/$", m.model_id), NULL, m.model_id, &s));
    assert_string_equal(s.relative, text(f, "0/models/$/artifacts", m.model_id));
    assert_string_equal(s.run_id, m.run_id); // the run that it came from
    assert_code(f, SW_INVALID, resolve(f, text(f, "models:/$", m.model_id), m.run_id, NULL, &s));
    assert_says(f, "The model_id request parameter must identify the resource");
    assert_code(f, SW_INVALID, resolve(f, "models:/m-00", NULL, m.model_id, &s));
    assert_code(f, SW_INVALID, resolve(f, "models:/m-00", NULL, "m-00", &s));
    assert_code(f, SW_INVALID, resolve(f, text(f, "models://host/$", m.model_id), NULL, m.model_id, &s));
    assert_code(f, SW_INVALID, resolve(f, text(f, "runs:/$/a", m.run_id), m.run_id, m.model_id, &s));
}

static void test_ways_out(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f);
    struct sw_source s;
    static const char *const of_run[] = {
        "runs:/$/../../x",
        "runs:/$/a/../../../x",
        "runs:/$/%2e%2e/x",
        "runs:/$/..%2f..%2fx",
        "runs:/$/%252e%252e/x",
        "runs:/$/%25252e%25252e%25252f",
        "runs:/$/a%00b",
        "runs:/$/..\\..\\x",
        "runs:/$//etc",
        "runs:/$/./a",
        "runs:/$/a?x=/../../..",
        "runs:/$/a#/../../../etc",
        "runs:/$/a?b",
        "runs:/$/a#b",
        "runs:/$/a%20b",
        "runs:/$/a\nb",
        "mlflow-artifacts:/0/$/artifacts/../../../etc",
        "mlflow-artifacts:/0/$/artifacts/%2e%2e/x",
        "mlflow-artifacts:/0/$/artifacts/a#/../..",
        "mlflow-artifacts:/0/$/artifacts/a?/../..",
        "mlflow-artifacts:/0/$/artifacts/a//b",
        "mlflow-artifacts://evil/0/$/artifacts/a",
        "MLFLOW-ARTIFACTS:/0/$/artifacts/../x",
        "http://localhost/api/2.0/mlflow-artifacts/artifacts/0/$/artifacts/a",
        "file:///0/$",
        "/0/$",
        "./$",
        "file:$",
        "C:/$/../x",
    };
    for (size_t i = 0; i < sizeof of_run / sizeof *of_run; i++) {
        if (resolve(f, text(f, of_run[i], m.run_id), m.run_id, NULL, &s) != SW_INVALID)
            fail_msg("%s leads to %s", of_run[i], s.storage_uri);
        assert_true(strncmp(f->err.message, "Invalid model version source: '", 31) == 0 ||
                    strncmp(f->err.message, "'source' cannot use the '", 25) == 0);
    }
    static const char *const of_nobody[] = {"/etc/passwd", "file:///etc/passwd",
                                            "file:/etc",   "etc",
                                            "../etc",      "ftp://h/x",
                                            "sftp://h/x",  "hdfs://h/x",
                                            "https://h/x", "abfss://c@h/x",
                                            "s3://b/../x", "gs://b/%2e%2e/x",
                                            "s3://b/a%00", ""};
    for (size_t i = 0; i < sizeof of_nobody / sizeof *of_nobody; i++)
        assert_code(f, SW_INVALID, resolve(f, of_nobody[i], NULL, NULL, &s));
    assert_code(f, SW_INVALID, resolve(f, "/etc/passwd", NULL, m.model_id, &s));
    assert_says(f, "the model_id request parameter has to be specified");
}

static void test_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f);
    struct sw_source s;
    struct sw_model_version v;
    assert_ok(f, resolve(f, "s3://bucket/model", m.run_id, NULL, &s));
    assert_null(s.relative);
    assert_string_equal(s.storage_uri, "s3://bucket/model");
    struct sw_model_source base = {.name = "m", .always_new = true, .must_exist = true};
    assert_ok(f, sw_source_register(f->store, &s, base, f->arena, &v, &f->err));
    assert_string_equal(v.digest, "");
    assert_string_equal(v.run_id, m.run_id);
    assert_string_equal(sw_model_download_uri(&v, f->arena), "s3://bucket/model");
    assert_code(f, SW_REFUSED, sw_model_verify(&v, &f->err));
    assert_says(f, "m/1: its bytes are elsewhere (s3://bucket/model)");
    struct sw_policy policy;
    struct sw_verdict_list verdicts;
    int64_t id = 0;
    assert_ok(f, sw_policy_default(f->arena, &policy, &f->err));
    policy.allow_author = true;
    struct sw_approval_request request = {.version = &v, .policy = &policy};
    assert_code(f, SW_REFUSED, sw_approval_grant(f->store, &request, f->arena, &verdicts, &id, &f->err));
    assert_says(f, "its bytes are elsewhere");
    struct sw_approval_standing standing;
    assert_code(f, SW_REFUSED, sw_approval_check(f->store, &v, &policy, NULL, f->arena, &standing, &f->err));
    base.name = "none";
    assert_code(f, SW_NOT_FOUND, sw_source_register(f->store, &s, base, f->arena, &v, &f->err));
    assert_string_equal(f->err.message, "Registered Model with name=none not found");
}

// The version that the source of a run's folder "model" makes.
static struct sw_model_version add(struct fixture *f, const struct made *m)
{
    struct sw_source s;
    struct sw_model_version v = {0};
    struct sw_pair tag = {"k", "v"};
    assert_ok(f, resolve(f, text(f, "runs:/$/model", m->run_id), m->run_id, NULL, &s));
    struct sw_model_source base = {
        .name = "m", .always_new = true, .must_exist = true, .run_link = "http://x", .tags = &tag, .tag_count = 1};
    assert_ok(f, sw_source_register(f->store, &s, base, f->arena, &v, &f->err));
    return v;
}

static void test_bytes_are_copied(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f);
    struct sw_source s;
    assert_string_equal(add(f, &m).digest, ""); // nothing there yet: as MLflow has it
    fixture_puts(f, text(f, "store/artifacts/0/$/artifacts/model/a/b", m.run_id), "bytes");
    struct sw_model_version v = add(f, &m), w;
    assert_int_equal(v.version, 2);
    assert_int_equal(strlen(v.digest), 64);
    assert_string_equal(v.source, text(f, "runs:/$/model", m.run_id));
    assert_string_equal(v.run_link, "http://x");
    assert_string_equal(v.tags[0].value, "v");
    char uri[128];
    snprintf(uri, sizeof uri, "mlflow-artifacts:/models/m/2-%.12s", v.digest);
    assert_string_equal(sw_model_download_uri(&v, f->arena), uri);
    w = add(f, &m); // equal bytes, a version of their own
    assert_int_equal(w.version, 3);
    assert_string_equal(w.digest, v.digest);
    assert_ok(f, sw_model_version_get(f->store, "m/3", f->arena, &w, &f->err));
    assert_ok(f, sw_model_verify(&w, &f->err));
    // A copy of a version is the same bytes, its lineage goes along.
    assert_ok(f, resolve(f, "models:/m/3", NULL, NULL, &s));
    assert_string_equal(s.relative, text(f, "models/m/3-$", sw_arena_strndup(f->arena, v.digest, 12)));
    assert_string_equal(s.run_id, m.run_id);
    assert_ok(f, sw_model_set_alias(f->store, "m", "champion", 2, &f->err));
    assert_ok(f, resolve(f, "models:/m@champion", NULL, NULL, &s));
    assert_string_equal(s.source, "models:/m/2");
    assert_ok(f, resolve(f, "models:/m/latest", NULL, NULL, &s));
    assert_string_equal(s.source, "models:/m/3");
    assert_code(f, SW_INVALID, resolve(f, "models:/m/3", "other", NULL, &s));
    assert_says(f, "must match the referenced model version");
    assert_code(f, SW_NOT_FOUND, resolve(f, "models:/m/9", NULL, NULL, &s));
    assert_code(f, SW_NOT_FOUND, resolve(f, "models:/none/1", NULL, NULL, &s));
}

static void test_no_link_is_followed(void **state)
{
    struct fixture *f = *state;
    struct made m = make(f);
    struct sw_source s;
    struct sw_model_version v;
    fixture_puts(f, "secret/key", "of somebody");
    fixture_puts(f, text(f, "store/artifacts/0/$/artifacts/plain", m.run_id), "x");
    const char *link = text(f, "store/artifacts/0/$/artifacts/model", m.run_id);
    char target[SW_PATH_MAX];
    snprintf(target, sizeof target, "%s/secret", f->root);
    assert_int_equal(symlink(target, fixture_path(f, link)), 0);
    static const char *const through[] = {"runs:/$/model", "runs:/$/model/key"};
    for (size_t i = 0; i < 2; i++) {
        assert_ok(f, resolve(f, text(f, through[i], m.run_id), m.run_id, NULL, &s));
        struct sw_model_source base = {.name = "m", .always_new = true};
        assert_code(f, SW_INVALID, sw_source_register(f->store, &s, base, f->arena, &v, &f->err));
    }
    // A single file is a model of one file.
    assert_ok(f, resolve(f, text(f, "runs:/$/plain", m.run_id), m.run_id, NULL, &s));
    assert_ok(f, sw_source_register(f->store, &s, (struct sw_model_source){.name = "m"}, f->arena, &v, &f->err));
    assert_int_equal(v.size_bytes, 1);
}

static void test_prompt(void **state)
{
    struct fixture *f = *state;
    struct sw_source s;
    struct sw_source_request q = {.source = "dummy-source", .is_prompt = true};
    assert_ok(f, sw_source_resolve(f->store, &q, f->arena, &s, &f->err));
    assert_null(s.relative);
    q.source = "/etc/passwd";
    assert_code(f, SW_INVALID, sw_source_resolve(f->store, &q, f->arena, &s, &f->err));
    assert_says(f, "Prompt sources must use an MLflow placeholder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_a_run, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_of_a_logged_model, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_ways_out, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_elsewhere, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bytes_are_copied, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_link_is_followed, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_prompt, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
