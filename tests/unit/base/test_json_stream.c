// SPDX-License-Identifier: Apache-2.0
// JSON read and written without a tree: the same values as through one, every malformed text refused, nothing read past
// the end.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json_in.h"
#include "core/base/json_out.h"
#include "core/base/tree.h"

// A copy on the heap, so that the sanitizer sees the first byte too many.
static char *copy_of(const char *text, struct sw_json_in *in)
{
    char *copy = strdup(text);
    sw_json_in_init(in, copy, strlen(copy));
    return copy;
}

static bool is_read(const char *text)
{
    struct sw_json_in in;
    char *copy = copy_of(text, &in);
    bool is_good = sw_json_in_skip(&in) && sw_json_in_end(&in);
    free(copy);
    return is_good;
}

static void test_documents(void **state)
{
    static const char *const good[] = {"{}",
                                       "[]",
                                       " [ 1 , 2.5e3 , -0 , true , false , null , \"x\" ] ",
                                       "{\"a\":{\"b\":[{}]}}",
                                       "\"\\u00e9\\ud83d\\ude00\\n\"",
                                       "NaN",
                                       "[Infinity, -Infinity]",
                                       "1e400"};
    static const char *const bad[] = {"",
                                      "{",
                                      "[",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "[01]",
                                      "[1.]",
                                      "[.5]",
                                      "[1e]",
                                      "[-]",
                                      "[+1]",
                                      "\"\\x\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00x\"",
                                      "\"\\u0000\"",
                                      "\"a\nb\"",
                                      "\"open",
                                      "[1] 2",
                                      "tru",
                                      "nul",
                                      "[\"\xff\"]",
                                      "{\"a\":1 \"b\":2}",
                                      "{,}",
                                      "[,1]"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!is_read(good[i]))
            fail_msg("not read: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (is_read(bad[i]))
            fail_msg("read: %s", bad[i]);
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 99);
    deep[199] = '\0';
    assert_false(is_read(deep));
}

static void test_members(void **state)
{
    char *key, *text = NULL;
    int64_t step = 0;
    double value = 0;
    struct sw_json_in in;
    (void)state;
    char *copy =
        copy_of("{\"key\": \"a\\\"b\\\\\\u00e9\", \"skip\": [1,{\"x\":[]}], \"step\": \"12\", \"value\": -0.5}", &in);
    for (bool more = sw_json_in_object(&in); more && sw_json_in_key(&in, &key);) {
        if (strcmp(key, "key") == 0)
            assert_true(sw_json_in_text(&in, &text));
        else if (strcmp(key, "step") == 0)
            assert_true(sw_json_in_int(&in, &step));
        else if (strcmp(key, "value") == 0)
            assert_true(sw_json_in_real(&in, &value));
        else
            assert_true(sw_json_in_skip(&in));
    }
    assert_true(sw_json_in_end(&in));
    assert_string_equal(text, "a\"b\\\xc3\xa9");
    assert_int_equal(step, 12);
    assert_true(value == -0.5);
    free(copy);
}

static void test_whole_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
        bool is_good;
    } rows[] = {{"0", 0, true},      {"-7", -7, true},
                {"2.0", 2, true},    {"1e3", 1000, true},
                {"2.5", 0, false},   {"9223372036854775807", INT64_MAX, true},
                {"\"5\"", 5, true},  {"-9223372036854775808", INT64_MIN, true},
                {"\"x\"", 0, false}, {"123456789012345678", 123456789012345678, true},
                {"true", 0, false},  {"1e30", 0, false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sw_json_in in;
        int64_t value = 0;
        char *copy = copy_of(rows[i].text, &in);
        bool is_good = sw_json_in_int(&in, &value) && sw_json_in_end(&in);
        if (is_good != rows[i].is_good || (is_good && value != rows[i].value))
            fail_msg("%s: %d %lld", rows[i].text, is_good, (long long)value);
        free(copy);
    }
}

// Any double written by the writer or by printf reads back as libc reads it.
static void test_reals_as_libc(void **state)
{
    uint64_t seed = 42;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t bits = seed ^ seed >> 29;
        double number, back = 0;
        memcpy(&number, &bits, sizeof number);
        if (i % 2 == 0)
            number = (double)(int64_t)(seed >> 40) / (double)(1 << (seed & 15));
        if (!isfinite(number))
            continue;
        char text[64];
        struct sw_json_in in;
        snprintf(text, sizeof text, i % 3 == 0 ? "%.17g" : i % 3 == 1 ? "%.6f" : "%.12e", number);
        if (strlen(text) >= sizeof text - 1)
            continue;
        double want = strtod(text, NULL);
        char *copy = copy_of(text, &in);
        if (!sw_json_in_real(&in, &back) || back != want)
            fail_msg("%s: %.17g", text, back);
        free(copy);
    }
}

static void test_writer_as_a_tree(void **state)
{
    struct sw_buf b;
    struct sw_json_out o;
    struct sw_err err = {0};
    json_t *tree = NULL;
    (void)state;
    sw_buf_init(&b, 1 << 16);
    sw_json_out_init(&o, &b);
    sw_json_begin_object(&o, NULL);
    sw_json_put_text(&o, "text", "a\"b\\\n\t\b\x01\xc3\xa9");
    sw_json_put_text(&o, "none", NULL);
    sw_json_begin_array(&o, "list");
    sw_json_put_int(&o, NULL, INT64_MIN);
    sw_json_put_int(&o, NULL, INT64_MAX);
    sw_json_put_int(&o, NULL, 0);
    sw_json_begin_object(&o, NULL);
    sw_json_end_object(&o);
    sw_json_begin_array(&o, NULL);
    sw_json_end_array(&o);
    sw_json_end_array(&o);
    sw_json_put_real(&o, "tenth", 0.1);
    sw_json_put_real(&o, "nan", NAN);
    sw_json_put_real(&o, "low", -INFINITY);
    sw_json_put_bool(&o, "yes", true);
    sw_json_put_text(&o, "bad", "x\xffy");
    sw_json_end_object(&o);
    assert_int_equal(sw_json_parse(b.data, b.len, "test", &sw_tree_limits_default, &tree, &err), SW_OK);
    json_t *want = json_pack("{s:s, s:n, s:[I,I,i,{},[]], s:f, s:s, s:s, s:b, s:s}", "text", "a\"b\\\n\t\b\x01\xc3\xa9",
                             "none", "list", (json_int_t)INT64_MIN, (json_int_t)INT64_MAX, 0, "tenth", 0.1, "nan",
                             "NaN", "low", "-Infinity", "yes", 1, "bad", "x\xef\xbf\xbdy");
    assert_true(json_equal(tree, want));
    assert_non_null(strstr(b.data, "\\n\\t\\b\\u0001"));
    json_decref(want);
    json_decref(tree);
    sw_buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),        cmocka_unit_test(test_members),
        cmocka_unit_test(test_whole_numbers),    cmocka_unit_test(test_reals_as_libc),
        cmocka_unit_test(test_writer_as_a_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
