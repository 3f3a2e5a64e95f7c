// SPDX-License-Identifier: Apache-2.0
// Models, aliases, evaluations, approvals, targets, pushes, and the audit chain.
#include "tests/unit/store/fixture.h"

#include "core/store/audit.h"
#include "core/store/model.h"
#include "core/store/push.h"

#include <sqlite3.h>

static int64_t add_version(struct fixture *f, const char *name, const char *digest)
{
    struct sw_model_version v = {.name = name, .digest = digest, .path = "/m", .size_bytes = 5};
    int64_t version = 0;
    ok(sw_model_version_add(f->store, &v, &version, &f->err));
    return version;
}

// --- models ---
static void test_versions_and_aliases(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v, *list = NULL;
    size_t count = 0;
    assert_int_equal(add_version(f, "cnn", "d1"), 1);
    assert_int_equal(add_version(f, "cnn", "d2"), 2);
    assert_int_equal(add_version(f, "mlp", "d3"), 1);
    ok(sw_model_version_get(f->store, "cnn", f->arena, &v, &f->err));
    assert_int_equal(v.version, 2);
    assert_string_equal(v.files_json, "[]");
    assert_string_equal(v.run_id, "");
    ok(sw_model_version_get(f->store, "cnn/1", f->arena, &v, &f->err));
    assert_string_equal(v.digest, "d1");
    ok(sw_model_set_alias(f->store, "cnn", "champion", 1, &f->err));
    ok(sw_model_set_alias(f->store, "cnn", "best", 1, &f->err));
    ok(sw_model_version_get(f->store, "cnn@champion", f->arena, &v, &f->err));
    assert_int_equal(v.version, 1);
    assert_string_equal(v.aliases, "best,champion");
    ok(sw_model_set_alias(f->store, "cnn", "champion", 2, &f->err)); // moves
    ok(sw_model_version_get(f->store, "cnn@champion", f->arena, &v, &f->err));
    assert_int_equal(v.version, 2);
    ok(sw_model_set_alias(f->store, "cnn", "champion", 0, &f->err));
    fails(sw_model_version_get(f->store, "cnn@champion", f->arena, &v, &f->err), SW_NOT_FOUND);
    fails(sw_model_set_alias(f->store, "cnn", "champion", 0, &f->err), SW_NOT_FOUND);
    fails(sw_model_set_alias(f->store, "cnn", "champion", 9, &f->err), SW_NOT_FOUND);
    fails(sw_model_set_alias(f->store, "cnn", "latest", 1, &f->err), SW_INVALID);
    fails(sw_model_set_alias(f->store, "cnn", "v2", 1, &f->err), SW_INVALID);
    fails(sw_model_set_alias(f->store, "cnn", "a b", 1, &f->err), SW_INVALID);
    fails(sw_model_version_get(f->store, "cnn/3", f->arena, &v, &f->err), SW_NOT_FOUND);
    says("cnn/3");
    fails(sw_model_version_get(f->store, "", f->arena, &v, &f->err), SW_INVALID);
    fails(sw_model_version_get(f->store, "none", f->arena, &v, &f->err), SW_NOT_FOUND);
    ok(sw_model_version_list(f->store, NULL, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 3);
    ok(sw_model_version_list(f->store, "cnn", f->arena, &list, &count, &f->err));
    assert_int_equal(count, 2);
    assert_int_equal(list[0].version, 2);
    struct sw_model_version bad = {.name = "a/b", .digest = "d"};
    int64_t version = 0;
    fails(sw_model_version_add(f->store, &bad, &version, &f->err), SW_INVALID);
    bad = (struct sw_model_version){
        .name = "x", .digest = "d", .path = "/m", .run_id = "00000000000000000000000000000000"};
    fails(sw_model_version_add(f->store, &bad, &version, &f->err), SW_NOT_FOUND);
    fails(sw_model_version_get(f->store, "x", f->arena, &v, &f->err), SW_NOT_FOUND); // nothing half-made is left
}

static void test_evaluations(void **state)
{
    struct fixture *f = *state;
    struct sw_evaluation e = {.name = "cnn",
                              .version = 1,
                              .model_digest = "d1",
                              .dataset = "fm",
                              .split = "test",
                              .metrics_json = "{\"accuracy\":0.9}"};
    struct sw_evaluation *list = NULL;
    size_t count = 0;
    int64_t id = 0;
    fails(sw_evaluation_add(f->store, &e, &id, &f->err), SW_NOT_FOUND);
    add_version(f, "cnn", "d1");
    ok(sw_evaluation_add(f->store, &e, &id, &f->err));
    ok(sw_evaluation_add(f->store, &e, &id, &f->err));
    ok(sw_evaluation_list(f->store, "cnn", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 2);
    assert_int_equal(list[0].evaluation_id, id);
    assert_string_equal(list[0].metrics_json, "{\"accuracy\":0.9}");
    assert_true(list[0].created_ms > 0);
}

static void raw_sql_is_refused(struct fixture *f, const char *text)
{
    char path[SW_PATH_MAX + 32];
    sqlite3 *db = NULL;
    snprintf(path, sizeof path, "%s/slipway.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_CONSTRAINT);
    sqlite3_close(db);
}

static void test_approvals(void **state)
{
    struct fixture *f = *state;
    struct sw_approval a = {.name = "cnn",
                            .version = 1,
                            .digest = "d1",
                            .user = "ann",
                            .policy = "p.yaml",
                            .statement = "{\"digest\":\"d1\"}",
                            .comment = "looks good"};
    struct sw_approval *list = NULL;
    size_t count = 0;
    int64_t id = 0;
    add_version(f, "cnn", "d1");
    ok(sw_approval_add(f->store, &a, &id, &f->err));
    ok(sw_approval_list(f->store, "cnn", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].statement, "{\"digest\":\"d1\"}");
    assert_int_equal(list[0].revoked_ms, 0);
    raw_sql_is_refused(f, "DELETE FROM approval");
    raw_sql_is_refused(f, "UPDATE approval SET digest = 'd2'");
    ok(sw_approval_revoke(f->store, id, "bob", "wrong data", &f->err));
    fails(sw_approval_revoke(f->store, id, "bob", "again", &f->err), SW_CONFLICT);
    fails(sw_approval_revoke(f->store, 99, "bob", "", &f->err), SW_NOT_FOUND);
    ok(sw_approval_list(f->store, "cnn", 1, f->arena, &list, &count, &f->err));
    assert_true(list[0].revoked_ms > 0);
    assert_string_equal(list[0].revoked_by, "bob");
    assert_string_equal(list[0].revoke_reason, "wrong data");
}

// --- handoff ---
static void test_targets(void **state)
{
    struct fixture *f = *state;
    struct sw_target t = {.name = "out", .address = "bundle:/srv/out", .is_production = true}, got, *list = NULL;
    size_t count = 0;
    ok(sw_target_put(f->store, &t, &f->err));
    fails(sw_target_put(f->store, &t, &f->err), SW_EXISTS);
    ok(sw_target_get(f->store, "out", f->arena, &got, &f->err));
    assert_string_equal(got.address, "bundle:/srv/out");
    assert_string_equal(got.options_json, "{}");
    assert_true(got.is_production);
    ok(sw_target_list(f->store, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    ok(sw_target_remove(f->store, "out", &f->err));
    fails(sw_target_remove(f->store, "out", &f->err), SW_NOT_FOUND);
    fails(sw_target_get(f->store, "out", f->arena, &got, &f->err), SW_NOT_FOUND);
}

static void test_pushes(void **state)
{
    struct fixture *f = *state;
    struct sw_push p = {.model = "cnn",
                        .version = 1,
                        .digest = "d1",
                        .target = "out",
                        .address = "bundle:/o",
                        .state = "planned",
                        .message = "begun",
                        .plan_json = "{\"t\":1}",
                        .holder_pid = 12};
    struct sw_push got, *list = NULL;
    size_t count = 0;
    int64_t id = 0;
    ok(sw_push_add(f->store, &p, &id, &f->err));
    ok(sw_push_update(f->store, &(struct sw_push){.push_id = id, .state = "verified", .message = "m"}, &f->err));
    ok(sw_push_get(f->store, id, f->arena, &got, &f->err));
    assert_string_equal(got.state, "verified");
    assert_string_equal(got.plan_json, "{\"t\":1}"); // left as it was
    assert_string_equal(got.digest, "d1");
    assert_int_equal(got.holder_pid, 0);
    ok(sw_push_update(
        f->store,
        &(struct sw_push){
            .push_id = id, .state = "done", .is_final = true, .revision = 1, .result_json = "{\"ok\":true}"},
        &f->err));
    ok(sw_push_update(f->store, &(struct sw_push){.push_id = id, .state = "done", .is_final = true}, &f->err));
    ok(sw_push_get(f->store, id, f->arena, &got, &f->err));
    assert_true(got.is_final && got.revision == 1);
    assert_string_equal(got.result_json, "{\"ok\":true}");
    fails(sw_push_update(f->store, &(struct sw_push){.push_id = 99, .state = "done"}, &f->err), SW_NOT_FOUND);
    p.target = "other";
    ok(sw_push_add(f->store, &p, &id, &f->err));
    ok(sw_push_search(f->store, NULL, NULL, 0, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].target, "other");
    ok(sw_push_search(f->store, "out", "cnn", 0, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    ok(sw_push_search(f->store, "out", "mlp", 0, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 0);
}

// --- audit ---
static void test_audit_chain(void **state)
{
    struct fixture *f = *state;
    char empty[SW_SHA256_HEX], head[SW_SHA256_HEX];
    struct sw_audit *list = NULL;
    size_t count = 0;
    int64_t rows = 0;
    ok(sw_audit_head(f->store, empty, &f->err));
    assert_int_equal(strspn(empty, "0"), 64);
    ok(sw_audit_verify(f->store, &rows, &f->err));
    assert_int_equal(rows, 0);
    ok(sw_audit_add(f->store, "register", "cnn/1", "d1", "{\"a\":1}", &f->err));
    ok(sw_audit_add(f->store, "approve", "cnn/1", NULL, NULL, &f->err));
    ok(sw_audit_list(f->store, 10, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 2);
    assert_string_equal(list[0].action, "approve");
    assert_int_equal(list[0].seq, 2);
    assert_string_equal(list[1].detail_json, "{\"a\":1}");
    assert_string_equal(list[1].user, sw_audit_user());
    ok(sw_audit_head(f->store, head, &f->err));
    assert_string_equal(head, list[0].hash);
    ok(sw_audit_verify(f->store, &rows, &f->err));
    assert_int_equal(rows, 2);
    raw_sql_is_refused(f, "DELETE FROM audit");
    raw_sql_is_refused(f, "UPDATE audit SET user = 'eve'");
    fails(sw_audit_add(f->store, "a", "b", NULL, "\xff", &f->err), SW_INVALID);
    fails(sw_audit_add(f->store, "", "b", NULL, NULL, &f->err), SW_INVALID);
}

// The hash of the first row, computed once by hand with sha256sum from the form that audit.c states.
static void test_audit_canonical_form(void **state)
{
    struct fixture *f = *state;
    struct sw_audit *list = NULL;
    size_t count = 0;
    char text[2048], hash[SW_SHA256_HEX];
    ok(sw_audit_add(f->store, "push", "m \"x\" \xc3\xa9/1", "ab", "{}", &f->err));
    ok(sw_audit_list(f->store, 1, f->arena, &list, &count, &f->err));
    int len = snprintf(text, sizeof text,
                       "%064d{\"seq\":1,\"time_ms\":%lld,\"user\":\"%s\",\"host\":\"%s\",\"action\":\"push\","
                       "\"object\":\"m \\\"x\\\" \xc3\xa9/1\",\"digest\":\"ab\",\"detail_json\":\"{}\"}",
                       0, (long long)list[0].time_ms, list[0].user, list[0].host);
    sw_sha256_hex(text, (size_t)len, hash);
    assert_string_equal(list[0].hash, hash);
}

// Every byte of a row: changed in the file behind the program's back, it is found.
static void test_audit_finds_each_changed_byte(void **state)
{
    struct fixture *f = *state;
    static const char *const columns[] = {"time_ms", "user",   "host",        "action",
                                          "object",  "digest", "detail_json", "hash"};
    char path[SW_PATH_MAX + 32], text[512];
    sqlite3 *db = NULL;
    int64_t rows = 0;
    int tried = 0;
    for (int i = 0; i < 3; i++)
        ok(sw_audit_add(f->store, "approve", "cnn/1", "0123abcd", "{\"k\":\"v\"}", &f->err));
    snprintf(path, sizeof path, "%s/slipway.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TRIGGER audit_is_fixed; DROP TRIGGER audit_stays; CREATE TABLE saved AS"
                                  " SELECT * FROM audit",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        for (int at = 1;; at++) {
            // Replace character `at` of the column by another one (digits stay digits).
            snprintf(
                text, sizeof text,
                "UPDATE audit SET %s = substr(%s, 1, %d - 1) || CASE substr(%s, %d, 1) WHEN '1' THEN '2' ELSE '1' END"
                " || substr(%s, %d + 1) WHERE seq = 2 AND length(%s) >= %d",
                columns[c], columns[c], at, columns[c], at, columns[c], at, columns[c], at);
            assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
            if (sqlite3_changes(db) == 0)
                break;
            tried++;
            f->err = (struct sw_err){0};
            if (sw_audit_verify(f->store, &rows, &f->err) != SW_CORRUPT)
                fail_msg("%s, character %d", columns[c], at);
            says("row 2");
            snprintf(text, sizeof text, "UPDATE audit SET %s = (SELECT %s FROM saved WHERE seq = 2) WHERE seq = 2",
                     columns[c], columns[c]);
            assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
        }
    }
    assert_true(tried > 100);
    ok(sw_audit_verify(f->store, &rows, &f->err));
    assert_int_equal(rows, 3);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM audit WHERE seq = 2", NULL, NULL, NULL), SQLITE_OK);
    fails(sw_audit_verify(f->store, &rows, &f->err), SW_CORRUPT);
    says("row 3");
    sqlite3_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_versions_and_aliases),
        store_test(test_evaluations),
        store_test(test_approvals),
        store_test(test_targets),
        store_test(test_pushes),
        store_test(test_audit_chain),
        store_test(test_audit_canonical_form),
        store_test(test_audit_finds_each_changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
