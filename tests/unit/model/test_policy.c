// SPDX-License-Identifier: Apache-2.0
// Policy files: what is read, what is refused with which words, and how models are judged.
#include "tests/unit/model/fixture.h"

static void load_bad(struct fixture *f, const char *text, const char *message, const char *hint)
{
    fixture_puts(f, "bad.yaml", text);
    struct sw_policy p;
    memset(&f->err, 0, sizeof f->err);
    assert_code(f, SW_INVALID, sw_policy_load(fixture_path(f, "bad.yaml"), f->arena, &p, &f->err));
    assert_says(f, message);
    if (hint != NULL && strstr(f->err.hint, hint) == NULL)
        fail_msg("'%s' is not in the hint '%s'", hint, f->err.hint);
}

#define HEAD "apiVersion: slipway/v1\nkind: Policy\n"

static void test_errors_name_line_and_key(void **state)
{
    struct fixture *f = *state;
    load_bad(f, HEAD "aproovals: {}\n", "bad.yaml:3: unknown key 'aproovals'", "approvals");
    load_bad(f, HEAD "approvals:\n  need: 1\n", "bad.yaml:4: unknown key 'need'", "needed");
    load_bad(f, HEAD "approvals: 2\n", "bad.yaml:3: 'approvals' must be a mapping", NULL);
    load_bad(f, HEAD "unsafe_files: forbid\n", "'unsafe_files' must be refuse or allow", NULL);
    load_bad(f, HEAD "gates:\n  - metrik: accuracy\n    min: 1\n", "bad.yaml:4: unknown key 'metrik'", "metric");
    load_bad(f, HEAD "approvals: {needed: 0}\n", "bad.yaml:3: 'needed' must be", NULL);
    load_bad(f, HEAD "approvals: {needed: two}\n", "'needed' must be a whole number", NULL);
    load_bad(f, HEAD "approvals: {allow_author: yes please}\n", "true or false", NULL);
    load_bad(f, HEAD "max_size: 5 parsecs\n", "'max_size' must be", NULL);
    load_bad(f, HEAD "max_size: 99999999999Ti\n", "'max_size' must be", NULL);
    load_bad(f, HEAD "gates: accuracy\n", "a list of gates", NULL);
    load_bad(f, HEAD "gates: [accuracy]\n", "gate 1 is not a mapping", NULL);
    load_bad(f, HEAD "gates:\n  - metric: accuracy\n", "neither min nor max", NULL);
    load_bad(f, HEAD "gates:\n  - min: 1\n", "names no metric", NULL);
    load_bad(f, HEAD "gates:\n  - {metric: a, min: 2, max: 1}\n", "min above max", NULL);
    load_bad(f, HEAD "gates:\n  - {metric: a, min: 1, dataset_digest: abc}\n", "12 hex digits", NULL);
    load_bad(f, HEAD "approvals: {require_signature: true}\n", "'allowed_signers' is not set", NULL);
    load_bad(f, "kind: Policy\n", "'apiVersion' must be 'slipway/v1'", NULL);
    load_bad(f, "apiVersion: slipway/v1\nkind: Template\n", "bad.yaml:2: 'kind' must be 'Policy'", NULL);
    load_bad(f, "- 1\n", "one mapping", NULL);
    load_bad(f, HEAD "---\n" HEAD, "one document", NULL);
    load_bad(f, HEAD "max_size: 1\nmax_size: 2\n", "max_size", NULL);
    struct sw_policy p;
    assert_code(f, SW_NOT_FOUND, sw_policy_load(fixture_path(f, "none.yaml"), f->arena, &p, &f->err));
}

static void test_defaults_and_round_trip(void **state)
{
    struct fixture *f = *state;
    struct sw_policy d, p, again;
    assert_ok(f, sw_policy_default(f->arena, &d, &f->err));
    assert_int_equal(d.approvals, 1);
    assert_true(d.forbid_unsafe_files);
    assert_false(d.allow_author);
    p = fixture_policy(f, "");
    assert_string_equal(p.digest, d.digest); // an empty policy is the default one
    assert_string_equal(p.name, "policy.yaml");
    p = fixture_policy(f, "metadata: {name: release}\nmax_size: 2Mi\napprovals: {needed: 2, allowed_signers: signers}\n"
                          "gates:\n  - metric: accuracy\n    min: 0.9\n    split: test\n  - {metric: loss, max: 1}\n");
    assert_string_equal(p.name, "release");
    assert_int_equal(p.max_size_bytes, 2 << 20);
    assert_string_equal(p.allowed_signers, fixture_path(f, "signers"));
    assert_int_equal(p.gate_count, 2);
    assert_ok(f, sw_policy_from_rules(p.name, p.rules_json, f->arena, &again, &f->err));
    assert_string_equal(again.rules_json, p.rules_json);
    assert_string_equal(again.digest, p.digest);
    // A comment does not make another policy; a changed bound does.
    p = fixture_policy(f, "gates:\n  - {metric: a, min: 1}\n");
    again = fixture_policy(f, "# why\ngates:\n  - {metric: a, min: 1}\n");
    assert_string_equal(again.digest, p.digest);
    again = fixture_policy(f, "gates:\n  - {metric: a, min: 2}\n");
    assert_string_not_equal(again.digest, p.digest);
}

static struct sw_verdict judge_one(struct fixture *f, const struct sw_model_version *v, const char *gate)
{
    char body[256];
    snprintf(body, sizeof body, "gates:\n  - {%s}\n", gate);
    struct sw_policy p = fixture_policy(f, body);
    struct sw_verdict_list list;
    assert_ok(f, sw_policy_judge(f->store, &p, v, f->arena, &list, &f->err));
    assert_int_equal(list.count, 2); // the gate and the unsafe files
    assert_int_equal(list.items[1].outcome, SW_VERDICT_PASS);
    return list.items[0];
}

static void test_gates(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    struct sw_verdict got = judge_one(f, &v, "metric: accuracy, min: 0.9");
    assert_int_equal(got.outcome, SW_VERDICT_WAITING);
    assert_string_equal(got.have, "-");
    fixture_evaluate(f, &v, 0.92);
    static const struct {
        const char *gate;
        enum sw_verdict_outcome outcome;
    } cases[] = {
        {"metric: accuracy, min: 0.9", SW_VERDICT_PASS},
        {"metric: accuracy, min: 0.92", SW_VERDICT_PASS},
        {"metric: accuracy, min: 0.9200001", SW_VERDICT_FAIL},
        {"metric: accuracy, max: 0.9", SW_VERDICT_FAIL},
        {"metric: accuracy, min: 0.9, max: 1", SW_VERDICT_PASS},
        {"metric: loss, max: 0.3", SW_VERDICT_PASS},
        {"metric: f1, min: 0.1", SW_VERDICT_WAITING},
        {"metric: accuracy, min: 0.9, dataset: fashion, split: test", SW_VERDICT_PASS},
        {"metric: accuracy, min: 0.9, dataset: other", SW_VERDICT_WAITING},
        {"metric: accuracy, min: 0.9, split: train", SW_VERDICT_WAITING},
        {"metric: accuracy, min: 0.9, dataset_digest: '001122334455'", SW_VERDICT_PASS},
        {"metric: accuracy, min: 0.9, dataset_digest: '001122334456'", SW_VERDICT_WAITING},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        got = judge_one(f, &v, cases[i].gate);
        if (got.outcome != cases[i].outcome)
            fail_msg("%s: %s: %s", cases[i].gate, sw_verdict_word(got.outcome), got.sentence);
    }
    assert_string_equal(judge_one(f, &v, "metric: accuracy, min: 0.95, split: test").sentence,
                        "accuracy is 0.92 on fashion test (data sha256:001122334455), policy wants >= 0.95");
    fixture_evaluate(f, &v, 0.5); // the newest counts
    assert_int_equal(judge_one(f, &v, "metric: accuracy, min: 0.9").outcome, SW_VERDICT_FAIL);
}

static void test_unsafe_files_and_size(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    fixture_puts(f, "model/weights.pt", "x");
    struct sw_model_version v = fixture_register(f, "m");
    struct sw_policy p = fixture_policy(f, "max_size: 10\n");
    struct sw_verdict_list list;
    assert_ok(f, sw_policy_judge(f->store, &p, &v, f->arena, &list, &f->err));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.fail_count, 2);
    assert_string_equal(list.first_bad->rule, "unsafe files");
    assert_non_null(strstr(list.first_bad->sentence, "weights.pt"));
    p = fixture_policy(f, "max_size: 1k\nunsafe_files: allow\n");
    assert_ok(f, sw_policy_judge(f->store, &p, &v, f->arena, &list, &f->err));
    assert_null(list.first_bad);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_errors_name_line_and_key),
        CASE(test_defaults_and_round_trip),
        CASE(test_gates),
        CASE(test_unsafe_files_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
