// SPDX-License-Identifier: Apache-2.0
// Approvals: who may give them, what they are bound to, how they end, and what a kill leaves.
#include "tests/unit/model/fixture.h"

#include "core/store/audit.h"

static enum sw_code grant(struct fixture *f, const struct sw_model_version *v, const struct sw_policy *p,
                          const char *user, const char *key, int64_t *id)
{
    struct sw_approval_request request = {.version = v, .policy = p, .user = user, .signing_key = key};
    return sw_approval_grant(f->store, &request, f->arena, NULL, id, &f->err);
}

static enum sw_code check(struct fixture *f, const struct sw_model_version *v, const struct sw_policy *p,
                          struct sw_approval_standing *st)
{
    return sw_approval_check(f->store, v, p, NULL, f->arena, st, &f->err);
}

static struct sw_model_version make_version(struct fixture *f)
{
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    fixture_evaluate(f, &v, 0.92);
    return v;
}

static void test_grant_and_check(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "gates:\n  - {metric: accuracy, min: 0.9}\n");
    struct sw_approval_standing st;
    int64_t id = 0;
    assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    assert_says(f, "m/1 is not approved: 0 of 1 approval");
    assert_ok(f, grant(f, &v, &p, "ada", NULL, &id));
    assert_ok(f, check(f, &v, &p, &st));
    assert_int_equal(st.counted_count, 1);
    assert_string_equal(st.counted[0].user, "ada");
    assert_ok(f, check(f, &v, NULL, &st)); // the rules come from the approval itself
    assert_string_equal(st.policy.digest, p.digest);
    assert_string_equal(st.policy.name, "policy.yaml");
    struct sw_audit *audit;
    size_t count;
    assert_ok(f, sw_audit_list(f->store, 1, f->arena, &audit, &count, &f->err));
    assert_string_equal(audit[0].action, "approve");
    assert_string_equal(audit[0].digest, v.digest);
    int64_t rows = 0;
    assert_ok(f, sw_audit_verify(f->store, &rows, &f->err));
    // The statement says what was approved.
    json_t *statement = json_loads(st.counted[0].statement, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(statement, "digest")), v.digest);
    assert_string_equal(json_string_value(json_object_get(statement, "target")), "any");
    assert_int_equal(json_array_size(json_object_get(statement, "verdicts")), 2);
    assert_true(json_is_null(json_object_get(statement, "since")));
    assert_int_equal(strlen(json_string_value(json_object_get(statement, "audit_head"))), 64);
    json_decref(statement);
}

static void test_gates_refuse(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "gates:\n  - {metric: f1, min: 0.9}\n  - {metric: accuracy, min: 0.95}\n");
    struct sw_approval_request request = {.version = &v, .policy = &p, .user = "ada"};
    struct sw_verdict_list verdicts = {0};
    int64_t id = 0;
    assert_code(f, SW_REFUSED, sw_approval_grant(f->store, &request, f->arena, &verdicts, &id, &f->err));
    assert_int_equal(verdicts.count, 3);
    assert_int_equal(verdicts.fail_count, 1);
    assert_int_equal(verdicts.waiting_count, 1);
    assert_says(f, "accuracy is 0.92"); // a failure is named before a missing evaluation
    assert_says(f, "and 1 more");
    struct sw_approval *list;
    size_t count;
    assert_ok(f, sw_approval_list(f->store, "m", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 0);
}

static void test_changed_bytes_refuse(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "");
    char path[SW_PATH_MAX];
    assert_ok(f, sw_path_join(path, v.path, "net.onnx", &f->err));
    int64_t id = 0;
    fixture_flip(path, 0);
    assert_code(f, SW_REFUSED, grant(f, &v, &p, "ada", NULL, &id));
    assert_says(f, "net.onnx");
    fixture_flip(path, 0);
    assert_ok(f, grant(f, &v, &p, "ada", NULL, &id));
    fixture_flip(path, 0);
    struct sw_approval_standing st;
    assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    assert_says(f, "net.onnx");
}

static void test_own_model(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy strict = fixture_policy(f, ""), open = fixture_policy(f, "approvals: {allow_author: true}\n");
    struct sw_approval_standing st;
    int64_t id = 0;
    assert_code(f, SW_REFUSED, grant(f, &v, &strict, NULL, NULL, &id));
    assert_says(f, "one's own model");
    assert_ok(f, grant(f, &v, &open, NULL, NULL, &id));
    assert_ok(f, check(f, &v, &open, &st));
    assert_ok(f, check(f, &v, NULL, &st));
    // Judged by the strict policy the same approval does not count, and the message says why.
    assert_code(f, SW_REFUSED, check(f, &v, &strict, &st));
    assert_says(f, "is by the model's author");
    assert_int_equal(st.verdicts.waiting_count, 1);
}

static void test_policy_changed_after_approval(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy old = fixture_policy(f, "gates:\n  - {metric: accuracy, min: 0.9}\n");
    struct sw_policy harder = fixture_policy(f, "gates:\n  - {metric: accuracy, min: 0.95}\n");
    struct sw_policy easier = fixture_policy(f, "gates:\n  - {metric: accuracy, min: 0.8}\n");
    struct sw_approval_standing st;
    int64_t id = 0;
    assert_ok(f, grant(f, &v, &old, "ada", NULL, &id));
    assert_ok(f, check(f, &v, &easier, &st));
    assert_code(f, SW_REFUSED, check(f, &v, &harder, &st));
    assert_says(f, "policy wants >= 0.95");
}

static void test_several_approvals(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "approvals: {needed: 2}\n");
    struct sw_approval_standing st;
    int64_t id = 0;
    assert_ok(f, grant(f, &v, &p, "ada", NULL, &id));
    assert_ok(f, grant(f, &v, &p, "ada", NULL, &id)); // the same person twice is one approval
    assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    assert_says(f, "1 of 2 approvals");
    assert_ok(f, grant(f, &v, &p, "bob", NULL, &id));
    assert_ok(f, check(f, &v, &p, &st));
    assert_int_equal(st.counted_count, 2);
}

static void test_revoked_and_other_target(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "");
    struct sw_approval_standing st;
    int64_t id = 0;
    size_t withdrawn = 0;
    assert_code(f, SW_NOT_FOUND, sw_approval_withdraw(f->store, &v, 0, NULL, "x", &withdrawn, &f->err));
    struct sw_approval_request request = {.version = &v, .policy = &p, .user = "ada", .target = "lab"};
    assert_ok(f, sw_approval_grant(f->store, &request, f->arena, NULL, &id, &f->err));
    assert_ok(f, sw_approval_check(f->store, &v, &p, "lab", f->arena, &st, &f->err));
    assert_code(f, SW_REFUSED, sw_approval_check(f->store, &v, &p, "prod", f->arena, &st, &f->err));
    assert_says(f, "is for another target");
    assert_ok(f, sw_approval_withdraw(f->store, &v, id, "bob", "drifted", &withdrawn, &f->err));
    assert_int_equal(withdrawn, 1);
    assert_code(f, SW_REFUSED, sw_approval_check(f->store, &v, &p, "lab", f->arena, &st, &f->err));
    assert_says(f, "was revoked");
    struct sw_audit *audit;
    size_t count;
    assert_ok(f, sw_audit_list(f->store, 1, f->arena, &audit, &count, &f->err));
    assert_string_equal(audit[0].action, "revoke");
}

static void test_new_version_needs_new_approval(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version one = make_version(f);
    struct sw_policy p = fixture_policy(f, "");
    struct sw_approval_standing st;
    int64_t id = 0;
    assert_ok(f, grant(f, &one, &p, "ada", NULL, &id));
    fixture_puts(f, "model/labels.txt", "boot\n");
    struct sw_model_version two = fixture_register(f, "m");
    assert_code(f, SW_REFUSED, check(f, &two, &p, &st));
    fixture_evaluate(f, &two, 0.95);
    assert_ok(f, grant(f, &two, &p, "ada", NULL, &id));
    assert_ok(f, check(f, &two, &p, &st));
    json_t *statement = json_loads(st.counted[0].statement, 0, NULL);
    const json_t *since = json_object_get(statement, "since");
    assert_int_equal(json_integer_value(json_object_get(since, "version")), 1);
    assert_int_equal(json_array_size(json_object_get(since, "metrics")), 2);
    json_decref(statement);
}

// --- signatures ---

static void make_key(struct fixture *f, const char *name, const char *principal)
{
    char command[4 * SW_PATH_MAX];
    snprintf(command, sizeof command,
             "ssh-keygen -q -t ed25519 -N '' -f '%s/%s' && printf '%s %%s\\n' \"$(cat '%s/%s.pub')\" >> '%s/signers'",
             f->root, name, principal, f->root, name, f->root);
    assert_int_equal(system(command), 0);
}

static const char *key_path(struct fixture *f, const char *name)
{
    return sw_arena_printf(f->arena, "%s/%s", f->root, name);
}

static void test_signatures(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    make_key(f, "ada-key", "ada");
    make_key(f, "bob-key", "bob");
    struct sw_policy p = fixture_policy(f, "approvals: {require_signature: true, allowed_signers: signers}\n");
    struct sw_policy lax = fixture_policy(f, "");
    struct sw_approval_standing st;
    int64_t id = 0;
    assert_code(f, SW_REFUSED, grant(f, &v, &p, "ada", NULL, &id));
    assert_says(f, "wants a signed approval");
    assert_code(f, SW_REFUSED, grant(f, &v, &p, "ada", key_path(f, "bob-key"), &id)); // not ada's key
    assert_says(f, "the signature is not one of ada");
    assert_code(f, SW_NOT_FOUND, grant(f, &v, &p, "ada", key_path(f, "no-key"), &id));
    assert_ok(f, grant(f, &v, &p, "ada", key_path(f, "ada-key"), &id));
    assert_ok(f, check(f, &v, &p, &st));
    assert_non_null(strstr(st.counted[0].signature, "BEGIN SSH SIGNATURE"));
    // Once ada's key is no longer allowed, the approval does not count.
    fixture_puts(f, "signers", "");
    assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    assert_says(f, "allowed signers do not confirm");
    unlink(key_path(f, "signers"));
    assert_code(f, SW_NOT_FOUND, check(f, &v, &p, &st));
    // An unsigned approval under another policy does not satisfy this one.
    make_key(f, "eve-key", "eve");
    assert_ok(f, grant(f, &v, &lax, "eve", NULL, &id));
    assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    assert_says(f, "is not signed");
}

static void test_signing_that_cannot_work(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "");
    int64_t id = 0;
    fixture_puts(f, "garbage", "this is no key\n");
    assert_code(f, SW_CREDENTIALS, grant(f, &v, &p, "ada", key_path(f, "garbage"), &id));
    assert_non_null(strstr(f->err.hint, "ssh-add"));
    char path[4096];
    snprintf(path, sizeof path, "%s", getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    enum sw_code code = grant(f, &v, &p, "ada", key_path(f, "garbage"), &id);
    setenv("PATH", path, 1);
    assert_int_equal(code, SW_UNSUPPORTED);
    assert_says(f, "ssh-keygen was not found");
    struct sw_approval *list;
    size_t count;
    assert_ok(f, sw_approval_list(f->store, "m", 1, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 0);
}

// --- kills ---

static int grant_in_child(struct fixture *f)
{
    struct sw_model_version v;
    struct sw_policy p;
    int64_t id = 0;
    if (sw_model_version_get(f->store, "m", f->arena, &v, &f->err) != SW_OK ||
        sw_policy_default(f->arena, &p, &f->err) != SW_OK)
        return 2;
    return grant(f, &v, &p, "ada", NULL, &id) == SW_OK ? 0 : 1;
}

static void test_kill_leaves_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = make_version(f);
    struct sw_policy p = fixture_policy(f, "");
    struct sw_approval_standing st;
    static const char *const points[] = {"approval.before=kill", "approval.commit=kill"};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        assert_true(was_killed(fixture_run_child(f, points[i], grant_in_child)));
        assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    }
    int status = fixture_run_child(f, "approval.commit=eio", grant_in_child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_code(f, SW_REFUSED, check(f, &v, &p, &st));
    assert_int_equal(fixture_run_child(f, "none=kill", grant_in_child), 0);
    assert_ok(f, check(f, &v, &p, &st));
    int64_t rows = 0;
    assert_ok(f, sw_audit_verify(f->store, &rows, &f->err));
    assert_int_equal(rows, 2); // register and one approve
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_grant_and_check),
        CASE(test_gates_refuse),
        CASE(test_changed_bytes_refuse),
        CASE(test_own_model),
        CASE(test_policy_changed_after_approval),
        CASE(test_several_approvals),
        CASE(test_revoked_and_other_target),
        CASE(test_new_version_needs_new_approval),
        CASE(test_signatures),
        CASE(test_signing_that_cannot_work),
        CASE(test_kill_leaves_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
