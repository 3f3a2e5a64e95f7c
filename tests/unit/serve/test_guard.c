// SPDX-License-Identifier: Apache-2.0
// The rules that a request meets first: Host, Origin, token, content type, peer. Tables of what passes and what does not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/serve/guard_private.h"

#define TOKEN    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const extra_hosts[] = {"gpu7.example.org", "tracker.lab:5443", NULL};
static struct sw_guard loopback_guard(void)
{
    return (struct sw_guard){.token = TOKEN, .uid = 1000};
}
static struct sw_guard open_guard(void)
{
    return (struct sw_guard){
        .token = TOKEN, .address = "192.0.2.7", .allowed_hosts = extra_hosts, .is_tls = true, .uid = 1000};
}
static struct sw_guard_facts good(void)
{
    return (struct sw_guard_facts){.host = "127.0.0.1:5000", .authorization = "Bearer " TOKEN};
}

struct host_case {
    const char *host;
    bool on_loopback, on_open;
};
static const struct host_case hosts[] = {
    {"localhost", true, true},
    {"localhost:5000", true, true},
    {"LOCALHOST:1", true, true},
    {"127.0.0.1", true, true},
    {"127.0.0.1:65535", true, true},
    {"[::1]", true, true},
    {"[::1]:5000", true, true},
    {"192.0.2.7", false, true},
    {"192.0.2.7:5000", false, true},
    {"gpu7.example.org", false, true},
    {"gpu7.example.org:99", false, true},
    {"GPU7.Example.org", false, true},
    {"tracker.lab:5443", false, true},
    {"tracker.lab:5444", false, false},
    {"tracker.lab", false, false},
    {"", false, false},
    {":5000", false, false},
    {"localhost:", false, false},
    {"localhost:x", false, false},
    {"localhost:500000", false, false},
    {"localhost:50:50", false, false},
    {"localhost.", false, false},
    {"localhost.evil.example", false, false},
    {"evil.example", false, false},
    {"127.0.0.1.evil.example:5000", false, false}, // rebinding names (MLflow's default patterns take 10.*)
    {"10.evil.example", false, false},
    {"192.168.evil.example", false, false},
    {"127.0.0.2", false, false},
    {"0.0.0.0:5000", false, false},
    {"user@localhost", false, false},
    {"localhost/evil", false, false},
    {"[::1", false, false},
    {"[::1]x", false, false},
    {"[]:1", false, false},
    {"::1", false, false},
    {"gpu7.example.org.evil.example", false, false},
    {"xgpu7.example.org", false, false},
};

static void test_hosts(void **state)
{
    (void)state;
    const struct sw_guard on_loopback = loopback_guard(), on_open = open_guard();
    for (size_t i = 0; i < COUNT(hosts); i++) {
        print_message("host '%s'\n", hosts[i].host);
        assert_int_equal(sw_guard_host_is_own(&on_loopback, hosts[i].host), hosts[i].on_loopback);
        assert_int_equal(sw_guard_host_is_own(&on_open, hosts[i].host), hosts[i].on_open);
    }
    assert_false(sw_guard_host_is_own(&on_loopback, NULL));
}

struct origin_case {
    const char *host, *origin;
    bool is_tls, is_own;
};
static const struct origin_case origins[] = {
    {"localhost:5000", "http://localhost:5000", false, true},
    {"127.0.0.1:5000", "http://127.0.0.1:5000", false, true},
    {"localhost", "https://localhost", true, true},
    {"localhost:5000", "https://localhost:5000", false, false},
    {"localhost:5000", "http://localhost:5000", true, false},
    {"localhost:5000", "http://localhost:8888", false, false}, // another program's page on this machine
    {"localhost:5000", "http://localhost", false, false},
    {"localhost:5000", "http://127.0.0.1:5000", false, false},
    {"localhost:5000", "http://localhost:5000/", false, false},
    {"localhost:5000", "http://evil.example", false, false},
    {"localhost:5000", "http://localhost:5000.evil.example", false, false},
    {"localhost:5000", "null", false, false},
    {"localhost:5000", "file://", false, false},
    {"localhost:5000", "", false, false},
};

static void test_origins(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(origins); i++) {
        struct sw_guard g = loopback_guard();
        g.is_tls = origins[i].is_tls;
        print_message("origin '%s' at '%s'\n", origins[i].origin, origins[i].host);
        assert_int_equal(sw_guard_origin_is_own(&g, origins[i].host, origins[i].origin), origins[i].is_own);
        struct sw_guard_facts f = good();
        f.host = origins[i].host;
        f.origin = origins[i].origin;
        struct sw_guard_verdict v = sw_guard_check(&g, &f);
        assert_int_equal(v.status, origins[i].is_own ? 0 : 403);
    }
}

struct token_case {
    const char *authorization;
    bool is_right;
};
static const struct token_case tokens[] = {
    {"Bearer " TOKEN, true},
    {"bearer " TOKEN, true},
    {"BEARER   " TOKEN, true},
    // "user:", "", "u-umlaut:", "ab:" before it: each length of padding
    {"Basic dXNlcjowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVm", true},
    {"Basic OjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", true},
    {"Basic w7w6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==", true},
    {"basic YWI6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==", true},
    {NULL, false},
    {"", false},
    {"Bearer", false},
    {"Bearer ", false},
    {"Bearer" TOKEN, false},
    {TOKEN, false},
    {"Token " TOKEN, false},
    {"Bearer " TOKEN " ", false},
    {"Bearer " TOKEN "0", false},
    {"Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde", false},
    {"Bearer 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF", false},
    {"Basic ", false},
    {"Basic !!!!", false},
    {"Basic dXNlcjo=", false},       // "user:"
    {"Basic dXNlcg==", false},       // "user", no colon
    {"Basic ====", false},           //
    {"Basic dXNlcjp3cm9uZw", false}, // length no multiple of 4
};

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        const char *text = tokens[i].authorization;
        print_message("authorization '%s'\n", text != NULL ? text : "(none)");
        assert_int_equal(sw_guard_token_is_right(TOKEN, text), tokens[i].is_right);
    }
    assert_false(sw_guard_token_is_right("", "Bearer ")); // a server without a token lets nobody in
    assert_false(sw_guard_token_is_right("", "Basic dXNlcjo="));
    char long_one[5000] = "Basic ";
    memset(long_one + 6, 'A', 4096);
    assert_false(sw_guard_token_is_right(TOKEN, long_one));
}

static void test_open_routes_need_no_token_but_all_else(void **state)
{
    (void)state;
    struct sw_guard g = loopback_guard();
    struct sw_guard_facts f = {.host = "localhost:5000", .is_open_route = true};
    assert_int_equal(sw_guard_check(&g, &f).status, 0);
    f.host = "evil.example";
    assert_int_equal(sw_guard_check(&g, &f).status, 403);
    f.host = "localhost:5000";
    f.is_open_route = false;
    struct sw_guard_verdict v = sw_guard_check(&g, &f);
    assert_int_equal(v.status, 401);
    assert_true(v.asks_token);
    assert_string_equal(v.error_code, "UNAUTHENTICATED");
    assert_null(strstr(v.message, TOKEN));
}

static void test_content_type_of_json_routes(void **state)
{
    (void)state;
    struct sw_guard g = loopback_guard();
    static const struct token_case types[] = {{"application/json", true},
                                              {"application/json; charset=utf-8", true},
                                              {"Application/JSON", true},
                                              {"application/json;", true},
                                              {"text/plain", false}, // what a page may send without asking
                                              {"application/x-www-form-urlencoded", false},
                                              {"multipart/form-data", false},
                                              {"application/jsonx", false},
                                              {"", false},
                                              {NULL, false}};
    for (size_t i = 0; i < COUNT(types); i++) {
        struct sw_guard_facts f = good();
        f.content_type = types[i].authorization;
        assert_int_equal(sw_guard_check(&g, &f).status, 0); // GET, uploads
        f.takes_json = true;
        struct sw_guard_verdict v = sw_guard_check(&g, &f);
        assert_int_equal(v.status, types[i].is_right ? 0 : 400);
        if (!types[i].is_right)
            assert_string_equal(v.error_code, "INVALID_PARAMETER_VALUE");
    }
}

static void test_unix_peers(void **state)
{
    (void)state;
    struct sw_guard g = loopback_guard();
    struct sw_guard_facts f = good();
    f.is_unix = true;
    f.host = "slipway"; // curl --unix-socket PATH http://slipway/...
    assert_int_equal(sw_guard_check(&g, &f).status, 403);
    f.knows_peer = true;
    f.peer_uid = 65534;
    assert_int_equal(sw_guard_check(&g, &f).status, 403);
    f.is_open_route = true; // not even /health
    assert_int_equal(sw_guard_check(&g, &f).status, 403);
    f.peer_uid = 1000;
    assert_int_equal(sw_guard_check(&g, &f).status, 0);
    f.is_open_route = false;
    f.authorization = NULL; // the right user still shows the token
    assert_int_equal(sw_guard_check(&g, &f).status, 401);
}

static void test_guesses_run_out(void **state)
{
    (void)state;
    struct sw_guard g = loopback_guard();
    struct sw_guard_facts wrong = good();
    wrong.authorization = "Bearer guess";
    wrong.now_ms = 5000000;
    for (int i = 0; i < SW_GUARD_FAILURES; i++)
        assert_false(sw_guard_check(&g, &wrong).hangs_up);
    for (int i = 0; i < 3; i++) {
        struct sw_guard_verdict v = sw_guard_check(&g, &wrong);
        assert_int_equal(v.status, 401); // the client says what is wrong, whoever spent the budget
        assert_true(v.hangs_up);
    }
    struct sw_guard_facts right = good();
    right.now_ms = wrong.now_ms;
    assert_int_equal(sw_guard_check(&g, &right).status, 0);
    wrong.now_ms += 1000;
    assert_false(sw_guard_check(&g, &wrong).hangs_up);
    assert_true(sw_guard_check(&g, &wrong).hangs_up);
    wrong.now_ms += 3600000;
    for (int i = 0; i < SW_GUARD_FAILURES; i++)
        assert_false(sw_guard_check(&g, &wrong).hangs_up);
    assert_true(sw_guard_check(&g, &wrong).hangs_up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_origins),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_open_routes_need_no_token_but_all_else),
        cmocka_unit_test(test_content_type_of_json_routes),
        cmocka_unit_test(test_unix_peers),
        cmocka_unit_test(test_guesses_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
