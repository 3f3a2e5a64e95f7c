// SPDX-License-Identifier: Apache-2.0
// JSON and YAML trees: values, caps, bombs, duplicates, lines, and that no value changes a document's structure.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/proc.h"
#include "core/base/text.h"
#include "core/base/tree.h"

static struct sw_err err;

static json_t *json_of(const char *text)
{
    json_t *tree = NULL;
    if (sw_json_parse(text, strlen(text), "test", &sw_tree_limits_default, &tree, &err) != SW_OK)
        fail_msg("%s: %s", text, err.message);
    return tree;
}

static struct sw_yaml *yaml_of(const char *text)
{
    struct sw_yaml *y = NULL;
    if (sw_yaml_parse(text, strlen(text), "test", &sw_tree_limits_default, &y, &err) != SW_OK)
        fail_msg("%s: %s", text, err.message);
    return y;
}

static void expect_json(const char *text, const char *want)
{
    struct sw_buf b;
    json_t *tree = json_of(text);
    sw_buf_init(&b, 1 << 20);
    assert_int_equal(sw_json_write(tree, 0, &b, &err), SW_OK);
    assert_string_equal(b.data, want);
    sw_buf_free(&b);
    json_decref(tree);
}

static void expect_yaml(const char *text, const char *want_json)
{
    struct sw_buf b;
    struct sw_yaml *y = yaml_of(text);
    sw_buf_init(&b, 1 << 20);
    assert_int_equal(sw_yaml_count(y), 1);
    assert_int_equal(sw_json_write(sw_yaml_doc(y, 0), 0, &b, &err), SW_OK);
    assert_string_equal(b.data, want_json);
    sw_buf_free(&b);
    sw_yaml_free(y);
}

static void refuse_json(const char *text, size_t len, const struct sw_tree_limits *limits, enum sw_code want)
{
    json_t *tree = NULL;
    enum sw_code code = sw_json_parse(text, len, "test", limits, &tree, &err);
    if (code != want || tree != NULL)
        fail_msg("%.80s gave '%s': %s", text, sw_code_word(code), err.message);
}

static void refuse_yaml(const char *text, size_t len, const struct sw_tree_limits *limits, enum sw_code want)
{
    struct sw_yaml *y = NULL;
    enum sw_code code = sw_yaml_parse(text, len, "test", limits, &y, &err);
    if (code != want || y != NULL)
        fail_msg("%.80s gave '%s': %s", text, sw_code_word(code), err.message);
}

// --- JSON ---

static void json_values_are_read_and_written(void **state)
{
    (void)state;
    expect_json("{\"b\": 1, \"a\": [true, false, null, \"x\"], \"c\": {}}",
                "{\"b\":1,\"a\":[true,false,null,\"x\"],\"c\":{}}");
    expect_json(" 0.1 ", "0.1");
    expect_json("[1.0, 1e20, 1e-7, 1.5e300, 123456789012345678, -0]",
                "[1.0,1.0e+20,1.0e-07,1.5e+300,123456789012345678,0]");
    expect_json("\"caf\u00e9 \\u65e5 \\ud83d\\ude80\"", "\"caf\u00e9 \u65e5 \U0001F680\"");
    json_t *tree = json_of("{\"a\":[1,{}],\"b\":[]}");
    struct sw_buf b;
    sw_buf_init(&b, 1000);
    assert_int_equal(sw_json_write(tree, 2, &b, &err), SW_OK);
    assert_string_equal(b.data, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    sw_buf_free(&b);
    sw_buf_init(&b, 5);
    assert_int_equal(sw_json_write(tree, 2, &b, &err), SW_LIMIT);
    sw_buf_free(&b);
    json_decref(tree);
}

static void integers_beyond_int64_become_reals(void **state)
{
    (void)state;
    expect_json("[9223372036854775807, 9223372036854775808, -9223372036854775809, \"9223372036854775808\", 1]",
                "[9223372036854775807,9.223372036854776e+18,-9.223372036854776e+18,\"9223372036854775808\",1]");
    expect_json("{\"n\":123456789012345678901234567890}", "{\"n\":1.2345678901234568e+29}");
}

static void json_output_is_safe_to_show(void **state)
{
    (void)state;
    json_t *tree = json_pack("{s:s}", "k\u202e", "\x1b[31m\xc2\x9b\u200b\t\n\"\\\x7f\U000E0041");
    struct sw_buf b;
    sw_buf_init(&b, 1000);
    assert_int_equal(sw_json_write(tree, 0, &b, &err), SW_OK);
    assert_string_equal(b.data, "{\"k\\u202e\":\"\\u001b[31m\\u009b\\u200b\\t\\n\\\"\\\\\\u007f\\udb40\\udc41\"}");
    json_t *back = json_of(b.data);
    assert_true(json_equal(tree, back));
    json_decref(back);
    json_decref(tree);
    sw_buf_free(&b);
}

static void malformed_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",         "{",     "[1,]",        "{\"a\":1,}",        "nan",   "NaN",   "[Infinity]", "-",
        "01",       "1.",    "[1e999]",     "\"\x01\"",          "'a'",   "{a:1}", "[1 2]",      "\"\\u0000\"",
        "\"\xff\"", "[] []", "\"\\ud800\"", "{\"a\":1,\"a\":2}", "\"abc", "]",     "\"\\",       "tru"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse_json(bad[i], strlen(bad[i]), &sw_tree_limits_default, SW_INVALID);
    refuse_json("{\n \"a\": 1,\n \"a\": 2}", 20, &sw_tree_limits_default, SW_INVALID);
    assert_memory_equal(err.message, "test:3:", 7);
    refuse_json("[1]\0[2]", 7, &sw_tree_limits_default, SW_INVALID);
}

static void json_caps_hold(void **state)
{
    (void)state;
    const struct sw_tree_limits small = {.max_depth = 3, .max_nodes = 5, .max_bytes = 40};
    json_t *tree = NULL;
    assert_int_equal(sw_json_parse("[[[1]]]", 7, "t", &small, &tree, &err), SW_OK);
    json_decref(tree);
    refuse_json("[[[[1]]]]", 9, &small, SW_LIMIT);
    assert_int_equal(sw_json_parse("{\"a\":1,\"b\":[],\"c\":\"[[[,,,,\"}", 28, "t", &small, &tree, &err), SW_OK);
    json_decref(tree);
    assert_int_equal(sw_json_parse("[1,2,3,4]", 9, "t", &small, &tree, &err), SW_OK);
    json_decref(tree);
    refuse_json("[1,2,3,4,5]", 11, &small, SW_LIMIT);
    refuse_json("[\"0123456789012345678901234567890123456789\"]", 44, &small, SW_LIMIT);
    enum { SIZE = 8 << 20 };
    char *bomb = malloc(SIZE);
    memset(bomb, '[', SIZE);
    int64_t start = sw_clock_mono_ms();
    refuse_json(bomb, SIZE, &sw_tree_limits_default, SW_LIMIT);
    memset(bomb, '1', SIZE); // one huge number
    refuse_json(bomb, SIZE, &sw_tree_limits_default, SW_INVALID);
    assert_true(sw_clock_mono_ms() - start < 5000); // milliseconds, without a sanitizer
    free(bomb);
}

static void every_prefix_of_json_is_refused_or_read(void **state)
{
    (void)state;
    static const char whole[] = "{\"a\": [1, -2.5e3, \"x\\n\\u00e9\", {\"b\": null}], \"c\": 99999999999999999999}";
    for (size_t len = 0; len + 1 < sizeof whole; len++) {
        char *exact = malloc(len + 1); // so that a read past the end is seen
        memcpy(exact, whole, len);
        json_t *tree = NULL;
        assert_int_equal(sw_json_parse(exact, len, "t", &sw_tree_limits_default, &tree, &err), SW_INVALID);
        free(exact);
    }
}

static void members_are_read_with_their_type(void **state)
{
    (void)state;
    json_t *t = json_of("{\"s\":\"x\",\"i\":3,\"r\":2.5,\"b\":true}");
    assert_string_equal(sw_tree_text(t, "s"), "x");
    assert_null(sw_tree_text(t, "i"));
    assert_null(sw_tree_text(t, "none"));
    assert_null(sw_tree_text(NULL, "s"));
    assert_int_equal(sw_tree_int(t, "i", 9), 3);
    assert_int_equal(sw_tree_int(t, "r", 9), 9);
    assert_true(sw_tree_real(t, "r", 0) == 2.5);
    assert_true(sw_tree_real(t, "i", 0) == 3);
    assert_true(sw_tree_real(t, "s", 7) == 7);
    assert_true(sw_tree_bool(t, "b", false));
    assert_true(sw_tree_bool(t, "i", true));
    json_decref(t);
}

// --- YAML ---

static void yaml_scalars_follow_the_core_schema(void **state)
{
    (void)state;
    expect_yaml("[null, ~, Null, true, False, 1, -2, +3, 0x1F, 0o17, 1.5, .5, 1e3, yes, no, on, 1_000, 12:30]",
                "[null,null,null,true,false,1,-2,3,31,15,1.5,0.5,1000.0,\"yes\",\"no\",\"on\",\"1_000\",\"12:30\"]");
    expect_yaml("['1', \"true\", 0, -0, 1.0, 99999999999999999999, 2026-11-23, 1.2.3, 0xZ, v1, 5m]",
                "[\"1\",\"true\",0,0,1.0,1.0e+20,\"2026-11-23\",\"1.2.3\",\"0xZ\",\"v1\",\"5m\"]");
    expect_yaml("a: |\n  x\n   y\nb: >\n  one\n  two\n1: int key\ntrue: bool key\n",
                "{\"a\":\"x\\n y\\n\",\"b\":\"one two\\n\",\"1\":\"int key\",\"true\":\"bool key\"}");
    expect_yaml("---\n", "null");
    expect_yaml("\xef\xbb\xbf"
                "a: 1",
                "{\"a\":1}");
    static const char *const bad[] = {"a: .inf", "-.INF", ".nan", "x: 1e999", "0644", "m: -017", "0xFFFFFFFFFFFFFFFFF"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse_yaml(bad[i], strlen(bad[i]), &sw_tree_limits_default, SW_INVALID);
    refuse_yaml("a:\n  mode: 0644", 15, &sw_tree_limits_default, SW_INVALID);
    assert_memory_equal(err.message, "test:2: 0644", 12);
}

static void yaml_streams_and_aliases(void **state)
{
    (void)state;
    struct sw_yaml *y = yaml_of("a: 1\n---\n- 2\n---\n");
    assert_int_equal(sw_yaml_count(y), 3);
    assert_int_equal(json_array_size(sw_yaml_doc(y, 1)), 1);
    assert_true(json_is_null(sw_yaml_doc(y, 2)));
    assert_null(sw_yaml_doc(y, 3));
    sw_yaml_free(y);
    y = yaml_of("");
    assert_int_equal(sw_yaml_count(y), 0);
    sw_yaml_free(y);
    sw_yaml_free(NULL);
    expect_yaml("a: &x {p: [1, 2]}\nb: *x\nc: &x 3\nd: *x\n",
                "{\"a\":{\"p\":[1,2]},\"b\":{\"p\":[1,2]},\"c\":3,\"d\":3}");
    y = yaml_of("a: &x {p: 1}\nb: *x\n");
    json_t *doc = sw_yaml_doc(y, 0);
    json_object_set_new(json_object_get(doc, "a"), "p", json_integer(2));
    assert_int_equal(sw_tree_int(json_object_get(doc, "b"), "p", 0), 1); // a copy, not the same object
    sw_yaml_free(y);
}

static void yaml_features_that_deceive_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a: 1\na: 2",
                                      "{a: 1, a: 2}",
                                      "a: &x {}\n<<: *x",
                                      "!!python/object x",
                                      "a: !!str 1",
                                      "a: ! x",
                                      "!t {a: 1}",
                                      "[!t [1]]",
                                      "? [a, b]\n: 1",
                                      "? {a: 1}\n: 1",
                                      "a: *none",
                                      "a: &a [*a]",
                                      "&x a: 1",
                                      "a: &x b\n*x : 1",
                                      "a: \"x\\0y\"",
                                      "a: [1",
                                      "a: 'x",
                                      "\ta: 1",
                                      "a: \xff",
                                      "a: b: c",
                                      "- a\nb",
                                      "{a: 1}}",
                                      "a: @x",
                                      "%YAML 9.9\n--- a",
                                      "a: 1\n b: 2",
                                      "&a &b c",
                                      "--- a\n--- b\n- c: [",
                                      "a: &x 1\n---\nb: *x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse_yaml(bad[i], strlen(bad[i]), &sw_tree_limits_default, SW_INVALID);
    refuse_yaml("a: 1\nb: 2\na: 3\n", 15, &sw_tree_limits_default, SW_INVALID);
    assert_string_equal(err.message, "test:3: the key 'a' is given twice");
    expect_yaml("\"<<\": 1", "{\"<<\":1}");
}

static void yaml_caps_hold(void **state)
{
    (void)state;
    const struct sw_tree_limits small = {.max_depth = 3, .max_nodes = 6, .max_bytes = 60};
    struct sw_yaml *y = NULL;
    assert_int_equal(sw_yaml_parse("[[[1]]]", 7, "t", &small, &y, &err), SW_OK);
    sw_yaml_free(y);
    y = NULL;
    refuse_yaml("[[[[1]]]]", 9, &small, SW_LIMIT);
    assert_int_equal(sw_yaml_parse("[1,2,3,4,5]", 11, "t", &small, &y, &err), SW_OK);
    sw_yaml_free(y);
    y = NULL;
    refuse_yaml("[1,2,3,4,5,6]", 13, &small, SW_LIMIT);
    refuse_yaml("- &x [1, 2]\n- *x\n", 17, &small, SW_LIMIT);                        // 1 + 3 + 3 values
    refuse_yaml("- &x [[1]]\n- [*x]\n", 18, &small, SW_LIMIT);                       // 4 levels through the alias
    refuse_yaml("- &x 012345678901234567890123456789x\n- *x", 41, &small, SW_LIMIT); // 31 bytes twice
}

static void yaml_bombs_end_at_once(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20 };
    static const char *const patterns[] = {"[",     "{",     "- ",  "? ",  "[{",  "{a: ", "a: &a [", "%TAG !a! b\n",
                                           "- - [", "\"",    "!",   "&a ", "*a ", "|\n ", "#",       " ",
                                           "\n",    "---\n", "[],", "? - "};
    char *bomb = malloc(SIZE + 16);
    for (size_t p = 0; p < sizeof patterns / sizeof patterns[0]; p++) {
        size_t len = strlen(patterns[p]);
        for (size_t at = 0; at < SIZE; at += len)
            memcpy(bomb + at, patterns[p], len);
        struct sw_yaml *y = NULL;
        int64_t start = sw_clock_mono_ms();
        enum sw_code code = sw_yaml_parse(bomb, SIZE, "t", &sw_tree_limits_default, &y, &err);
        sw_yaml_free(code == SW_OK ? y : NULL);
        if (sw_clock_mono_ms() - start > 20000)
            fail_msg("'%s' took %lld ms", patterns[p], (long long)(sw_clock_mono_ms() - start));
    }
    free(bomb);
    // The billion laughs: 9 levels of 9 aliases.
    struct sw_buf laughs;
    sw_buf_init(&laughs, 4096);
    sw_buf_adds(&laughs, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
        sw_buf_addf(&laughs, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            sw_buf_addf(&laughs, "*a%d, ", i - 1);
        sw_buf_adds(&laughs, "]\n");
    }
    refuse_yaml(laughs.data, laughs.len, &sw_tree_limits_default, SW_LIMIT);
    sw_buf_free(&laughs);
}

static void anchors_are_limited(void **state)
{
    (void)state;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    for (int i = 0; i < 1001; i++)
        sw_buf_addf(&b, "- &a%d x\n", i);
    refuse_yaml(b.data, b.len, &sw_tree_limits_default, SW_LIMIT);
    sw_buf_free(&b);
}

static void lines_are_kept(void **state)
{
    (void)state;
    struct sw_yaml *y = yaml_of("# head\na: 1\nlist:\n- x\n- y: 2\n  z:\n    3\n");
    const json_t *doc = sw_yaml_doc(y, 0);
    const json_t *list = json_object_get(doc, "list");
    assert_int_equal(sw_yaml_line(y, doc, "a", 0), 2);
    assert_int_equal(sw_yaml_line(y, list, NULL, 0), 4);
    assert_int_equal(sw_yaml_line(y, list, NULL, 1), 5);
    assert_int_equal(sw_yaml_line(y, json_array_get(list, 1), "z", 0), 7);
    assert_int_equal(sw_yaml_line(y, doc, "none", 0), 0);
    assert_int_equal(sw_yaml_line(y, NULL, "a", 0), 0);
    sw_yaml_free(y);
}

static void every_prefix_of_yaml_is_survived(void **state)
{
    (void)state;
    static const char whole[] =
        "a: &x [1, {b: \"q\\u00e9\"}]\nc: |-\n  text\n\n  more\nd: *x\n? e\n: 'f'\n...\n--- >\n z\n";
    for (size_t len = 0; len + 1 < sizeof whole; len++) {
        char *exact = malloc(len + 1);
        memcpy(exact, whole, len);
        struct sw_yaml *y = NULL;
        if (sw_yaml_parse(exact, len, "t", &sw_tree_limits_default, &y, &err) == SW_OK)
            sw_yaml_free(y);
        free(exact);
    }
}

static void a_file_is_loaded_by_name(void **state)
{
    (void)state;
    char path[] = "/tmp/slipway-test-XXXXXX";
    struct sw_yaml *y = NULL;
    int fd = mkstemp(path);
    assert_int_equal(dprintf(fd, "a: [1\n"), 6);
    assert_int_equal(sw_yaml_load(path, &sw_tree_limits_default, &y, &err), SW_INVALID);
    assert_memory_equal(err.message, path, strlen(path));
    assert_int_equal(dprintf(fd, "]\n"), 2);
    assert_int_equal(sw_yaml_load(path, &sw_tree_limits_default, &y, &err), SW_OK);
    sw_yaml_free(y);
    dprintf(fd, "%*s", 2000, "");
    const struct sw_tree_limits small = {.max_depth = 3, .max_nodes = 5, .max_bytes = 1000};
    assert_int_equal(sw_yaml_load(path, &small, &y, &err), SW_LIMIT);
    unlink(path);
    assert_int_equal(sw_yaml_load(path, &sw_tree_limits_default, &y, &err), SW_NOT_FOUND);
    dprintf(fd, "x");
    fclose(fdopen(fd, "w"));
}

static void expect_written(const char *json, const char *want)
{
    struct sw_buf b;
    json_t *tree = json_of(json);
    sw_buf_init(&b, 1 << 20);
    assert_int_equal(sw_yaml_write(tree, &b, &err), SW_OK);
    assert_string_equal(b.data, want);
    sw_buf_free(&b);
    json_decref(tree);
}

static void yaml_is_written_in_block_style(void **state)
{
    (void)state;
    expect_written("{\"apiVersion\":\"v1\",\"spec\":{\"args\":[\"--a\",\"-\",\"8080\",8080],\"env\":[{\"name\":\"X\","
                   "\"value\":\"no\"}],"
                   "\"e\":{},\"l\":[]},\"m\":[[1,2],[]]}",
                   "apiVersion: v1\nspec:\n  args:\n  - \"--a\"\n  - \"-\"\n  - \"8080\"\n  - 8080\n  env:\n  - name: "
                   "X\n    value: \"no\"\n"
                   "  e: {}\n  l: []\nm:\n- - 1\n  - 2\n- []\n");
    expect_written(
        "{\"s\":\"#!/bin/sh\\necho\\n\",\"t\":\"a\\nb\",\"u\":\"a\\n\\n\",\"v\":\" a\\nb\",\"w\":\"a \\nb\"}",
        "s: |\n  #!/bin/sh\n  echo\nt: |-\n  a\n  b\nu: \"a\\n\\n\"\nv: \" a\\nb\"\nw: \"a \\nb\"\n");
    expect_written("\"a\\nb\"", "\"a\\nb\"\n");
    expect_written("[null,true,1.0,\"\",\"a: b\",\"a "
                   "#b\",\"a:\",\"*x\",\"{x\",\"caf\u00e9\",\"1e3\",\"1.5\",\"10.0.0.1\",\"2026-01-01\"]",
                   "- null\n- true\n- 1.0\n- \"\"\n- \"a: b\"\n- \"a #b\"\n- \"a:\"\n- \"*x\"\n- \"{x\"\n- "
                   "caf\u00e9\n- \"1e3\"\n- "
                   "\"1.5\"\n- \"10.0.0.1\"\n- \"2026-01-01\"\n");
    expect_written("3", "3\n");
    expect_written("{}", "{}\n");
}

// --- the property: what is written reads back as it was, here and in Python ---

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static json_t *random_text(void)
{
    static const char *const words[] = {"yes",    "No",         "null",       "~",      "true",
                                        "1",      "0x1f",       "1e3",        "1_0",    "12:30",
                                        "-",      "--- ",       "...",        "- a",    "a: b",
                                        "a #b",   "#",          "{",          "]",      "&a",
                                        "*a",     "!t",         "%x",         "@",      "`",
                                        "'",      "\"",         "\\",         "|",      ">",
                                        " lead",  "trail ",     "tab\t",      "\n",     "a\nb\n",
                                        "a\n\nb", "a\n ",       "  x\ny",     "=",      "<<",
                                        "? x",    ": x",        "caf\u00e9",  "\u202e", "\xc2\x85",
                                        "\u2028", "\ufeff",     "\U0001F680", "y",      ".5",
                                        ".inf",   "2026-11-23", "${x}",       "a,b",    "[a",
                                        "\r\n",   "\x1b[31m",   "key:",       "0644",   "0b1",
                                        "+1",     "1.",         "",           "\x7f",   "http://x:80/y#z",
                                        "a\n#b\n"};
    char text[128] = "";
    size_t len = 0;
    for (uint64_t n = 1 + next_random() % 3; n > 0; n--) {
        const char *w = words[next_random() % (sizeof words / sizeof words[0])];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s", w);
        if (next_random() % 3 == 0)
            len += (size_t)snprintf(text + len, sizeof text - len, " ");
    }
    return json_string(text);
}

static json_t *random_tree(int depth)
{
    uint64_t kind = next_random() % (depth > 4 ? 6 : 9);
    json_t *t;
    switch (kind) {
    case 0:
        return json_integer((json_int_t)next_random() >> (next_random() % 63));
    case 1:
        return json_real((double)(int64_t)next_random() / (double)(1 + next_random() % 1000));
    case 2:
        return next_random() % 2 ? json_true() : json_null();
    case 6:
        t = json_array();
        for (uint64_t n = next_random() % 5; n > 0; n--)
            json_array_append_new(t, random_tree(depth + 1));
        return t;
    case 7:
    case 8:
        t = json_object();
        for (uint64_t n = next_random() % 5; n > 0; n--) {
            json_t *key = random_text();
            json_object_set_new(t, json_string_value(key), random_tree(depth + 1));
            json_decref(key);
        }
        return t;
    default:
        return random_text();
    }
}

static void written_yaml_and_json_read_back(void **state)
{
    (void)state;
    seed = 20261123;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    for (int round = 0; round < 5000; round++) {
        json_t *tree = random_tree(0);
        json_t *back = NULL;
        struct sw_yaml *y = NULL;
        sw_buf_clear(&b);
        assert_int_equal(sw_yaml_write(tree, &b, &err), SW_OK);
        if (sw_yaml_parse(b.data, b.len, "t", &sw_tree_limits_default, &y, &err) != SW_OK)
            fail_msg("round %d: %s in\n%s", round, err.message, b.data);
        if (sw_yaml_count(y) != 1 || !json_equal(tree, sw_yaml_doc(y, 0)))
            fail_msg("round %d: changed by\n%s", round, b.data);
        sw_yaml_free(y);
        sw_buf_clear(&b);
        assert_int_equal(sw_json_write(tree, (int)(next_random() % 3), &b, &err), SW_OK);
        assert_int_equal(sw_json_parse(b.data, b.len, "t", &sw_tree_limits_default, &back, &err), SW_OK);
        assert_true(json_equal(tree, back));
        json_decref(back);
        json_decref(tree);
    }
    sw_buf_free(&b);
}

static void a_key_of_any_length_is_written(void **state)
{
    (void)state;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    for (size_t len = 100; len < 4000; len += 100) {
        char key[4001];
        memset(key, '\x01', len);
        key[len] = '\0';
        json_t *tree = json_pack("{s:{s:[i]}, s:i}", "a", key, 1, key, 2);
        struct sw_yaml *y = NULL;
        sw_buf_clear(&b);
        assert_int_equal(sw_yaml_write(tree, &b, &err), SW_OK);
        assert_int_equal(sw_yaml_parse(b.data, b.len, "t", &sw_tree_limits_default, &y, &err), SW_OK);
        assert_true(json_equal(tree, sw_yaml_doc(y, 0)));
        sw_yaml_free(y);
        json_decref(tree);
    }
    sw_buf_free(&b);
}

static void python_reads_what_is_written(void **state)
{
    (void)state;
    const char *const probe[] = {"python3", "-c", "import yaml", NULL};
    const char *const convert[] = {"python3", "-c",
                                   "import json, sys, yaml\n"
                                   "data = sys.stdin.buffer.read().decode()\n"
                                   "print(json.dumps(list(yaml.safe_load_all(data))))",
                                   NULL};
    struct sw_proc_spec spec = {.argv = probe};
    struct sw_proc_result result;
    if (sw_proc_run(&spec, NULL, 0, 30000, NULL, NULL, &result, &err) != SW_OK || result.exit_code != 0) {
        print_message("skipped: python3-yaml is not installed\n");
        skip();
    }
    seed = 424242;
    struct sw_buf text, out, errout;
    sw_buf_init(&text, 8 << 20);
    sw_buf_init(&out, 8 << 20);
    sw_buf_init(&errout, 4096);
    json_t *all = json_array();
    for (int i = 0; i < 500; i++) {
        json_t *tree = random_tree(0);
        sw_buf_adds(&text, "---\n");
        assert_int_equal(sw_yaml_write(tree, &text, &err), SW_OK);
        json_array_append_new(all, tree);
    }
    spec.argv = convert;
    assert_int_equal(sw_proc_run(&spec, text.data, text.len, 60000, &out, &errout, &result, &err), SW_OK);
    if (result.exit_code != 0)
        fail_msg("%s", errout.data);
    json_t *back = json_of(out.data);
    assert_int_equal(json_array_size(back), json_array_size(all));
    for (size_t i = 0; i < json_array_size(all); i++) {
        if (json_equal(json_array_get(all, i), json_array_get(back, i)))
            continue;
        struct sw_buf shown;
        sw_buf_init(&shown, 1 << 20);
        (void)sw_yaml_write(json_array_get(all, i), &shown, &err);
        sw_buf_adds(&shown, "\nread as\n");
        (void)sw_json_write(json_array_get(back, i), 0, &shown, &err);
        fail_msg("%s", shown.data);
    }
    json_decref(back);
    json_decref(all);
    sw_buf_free(&text);
    sw_buf_free(&out);
    sw_buf_free(&errout);
}

static void a_circle_is_not_written_for_ever(void **state)
{
    (void)state;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    json_t *a = json_array();
    json_t *inner = json_array();
    json_array_append(a, inner);
    json_array_append(inner, a);
    assert_int_equal(sw_json_write(a, 0, &b, &err), SW_LIMIT);
    assert_int_equal(sw_yaml_write(a, &b, &err), SW_LIMIT);
    json_array_clear(inner);
    json_decref(inner);
    json_decref(a);
    sw_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_values_are_read_and_written),
        cmocka_unit_test(integers_beyond_int64_become_reals),
        cmocka_unit_test(json_output_is_safe_to_show),
        cmocka_unit_test(malformed_json_is_refused),
        cmocka_unit_test(json_caps_hold),
        cmocka_unit_test(every_prefix_of_json_is_refused_or_read),
        cmocka_unit_test(members_are_read_with_their_type),
        cmocka_unit_test(yaml_scalars_follow_the_core_schema),
        cmocka_unit_test(yaml_streams_and_aliases),
        cmocka_unit_test(yaml_features_that_deceive_are_refused),
        cmocka_unit_test(yaml_caps_hold),
        cmocka_unit_test(yaml_bombs_end_at_once),
        cmocka_unit_test(anchors_are_limited),
        cmocka_unit_test(lines_are_kept),
        cmocka_unit_test(every_prefix_of_yaml_is_survived),
        cmocka_unit_test(a_file_is_loaded_by_name),
        cmocka_unit_test(yaml_is_written_in_block_style),
        cmocka_unit_test(written_yaml_and_json_read_back),
        cmocka_unit_test(a_key_of_any_length_is_written),
        cmocka_unit_test(python_reads_what_is_written),
        cmocka_unit_test(a_circle_is_not_written_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
