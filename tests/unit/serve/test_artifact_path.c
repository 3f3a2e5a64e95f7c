// SPDX-License-Identifier: Apache-2.0
// Texts that become a path and texts that do not; what HTTP says of a file: type, file name, range.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/serve/artifact_private.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void test_texts_that_are_paths(void **state)
{
    (void)state;
    static const struct {
        const char *text, *path;
        int depth;
    } rows[] = {
        {"", "", 0},
        {"0", "0", 1},
        {"0/", "0", 1},
        {"0/abc/artifacts/model/MLmodel", "0/abc/artifacts/model/MLmodel", 5},
        {"12/a b/\xc3\xbc.txt", "12/a b/\xc3\xbc.txt", 3},
        {"0/r/.gitignore", "0/r/.gitignore", 3},
        {"0/r/...", "0/r/...", 3},
        {"0/r/..a/b..", "0/r/..a/b..", 4},
        {"0/r/100%", "0/r/100%", 3},
        {"0/r/100%25", "0/r/100%25", 3},
        {"0/r/a%20b?c", "0/r/a%20b?c", 3},
        {"0/r/%zz", "0/r/%zz", 3},
        {"0/r/C:", "0/r/C:", 3},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sw_artifact_path path;
        struct sw_err err = {0};
        if (sw_artifact_path_make(&path, rows[i].text, &err) != SW_OK)
            fail_msg("'%s': %s", rows[i].text, err.message);
        assert_string_equal(path.text, rows[i].path);
        assert_int_equal(path.depth, rows[i].depth);
    }
}

static void test_texts_that_are_none(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "/", "//", "/etc/passwd", "..", ".", "0/..", "0/../1", "../0", "0/./r", "0//r", "0/r//", "0/r/a#b", "#",
        "0\\..\\..\\etc", "0/r\\x", "0/a\nb", "0/a\rb", "0/\x1b[31m", "0/\x7f", "0/\xff\xfe", "0/\xc0\xae\xc0\xae/x",
        // what would lead elsewhere once somebody decodes it again (MLflow decoded twice and checked once)
        "0/%2e%2e/%2e%2e/etc/passwd", "0/%2E%2E", "0/..%2f..%2fetc", "0/%2fetc", "%2e%2e%2f", "0/a%2f%2fb", "0/a%5cb",
        "0/a%00b", "0/a%0ab", "0/%252e%252e/x", "0/%25252e%25252e/x", "0/r%23x", "0/a%2f",
        // our own folder
        ".uploads", ".uploads/mpu-00/1", ".hidden/x"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct sw_artifact_path path = {.text = "kept", .depth = 1};
        struct sw_err err = {0};
        if (sw_artifact_path_make(&path, texts[i], &err) != SW_INVALID)
            fail_msg("'%s' became '%s'", texts[i], path.text);
        assert_string_equal(err.message, "Invalid path");
        assert_string_equal(path.text, "kept");
    }
}

static void test_lengths(void **state)
{
    (void)state;
    struct sw_artifact_path path;
    struct sw_err err = {0};
    char text[2 * SW_ARTIFACT_PATH];
    memset(text, 'a', sizeof text);
    memcpy(text, "0/", 2);
    text[2 + 255] = '\0';
    assert_int_equal(sw_artifact_path_make(&path, text, &err), SW_OK);
    text[2 + 255] = 'a';
    text[2 + 256] = '\0';
    assert_int_equal(sw_artifact_path_make(&path, text, &err), SW_INVALID);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 200 == 199 ? '/' : 'a';
    text[SW_ARTIFACT_PATH - 1] = '\0';
    assert_int_equal(sw_artifact_path_make(&path, text, &err), SW_OK);
    text[SW_ARTIFACT_PATH - 1] = 'a';
    text[SW_ARTIFACT_PATH] = '\0';
    assert_int_equal(sw_artifact_path_make(&path, text, &err), SW_INVALID);
    for (size_t i = 0; i < 2 * SW_ARTIFACT_DEPTH; i++)
        text[i] = i % 2 == 1 ? '/' : 'a';
    text[2 * SW_ARTIFACT_DEPTH - 1] = '\0';
    assert_int_equal(sw_artifact_path_make(&path, text, &err), SW_OK);
    assert_int_equal(path.depth, SW_ARTIFACT_DEPTH);
    memcpy(text + 2 * SW_ARTIFACT_DEPTH - 1, "/b", 3);
    assert_int_equal(sw_artifact_path_make(&path, text, &err), SW_INVALID);
}

static void test_joining(void **state)
{
    (void)state;
    struct sw_artifact_path base, path;
    struct sw_err err = {0};
    assert_int_equal(sw_artifact_path_of_uri(&base, "mlflow-artifacts:/0/abc/artifacts", &err), SW_OK);
    assert_string_equal(base.text, "0/abc/artifacts");
    assert_int_equal(sw_artifact_path_join(&path, &base, "model/data", &err), SW_OK);
    assert_string_equal(path.text, "0/abc/artifacts/model/data");
    assert_string_equal(sw_artifact_path_name(&path), "data");
    assert_int_equal(sw_artifact_path_join(&path, &base, NULL, &err), SW_OK);
    assert_string_equal(path.text, base.text);
    static const char *const away[] = {"..", "../../1/x", "/etc/passwd", "a/../../..", "%2e%2e", "a//b", "."};
    for (size_t i = 0; i < COUNT(away); i++)
        assert_int_equal(sw_artifact_path_join(&path, &base, away[i], &err), SW_INVALID);
}

static void test_uris(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        enum sw_code code;
    } rows[] = {
        {"mlflow-artifacts:/0/abc", SW_OK},
        {"mlflow-artifacts:/", SW_OK},
        {"mlflow-artifacts:/0/abc?x=../..", SW_INVALID},
        {"mlflow-artifacts:/0/abc#../..", SW_INVALID},
        {"mlflow-artifacts:/../x", SW_INVALID},
        {"mlflow-artifacts://host/0/abc", SW_INVALID},
        {"mlflow-artifacts:0/abc", SW_INVALID},
        {"s3://bucket/x", SW_INVALID},
        {"file:///etc", SW_INVALID},
        {"/etc", SW_INVALID},
        {"", SW_INVALID},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sw_artifact_path path;
        struct sw_err err = {0};
        assert_int_equal(sw_artifact_path_of_uri(&path, rows[i].uri, &err), rows[i].code);
    }
}

static void test_experiments(void **state)
{
    (void)state;
    static const char *const none[] = {
        "models/x", "01/x", "+1/x", "-1/x", " 1/x", "1x/y", "x1", "99999999999999999999/x", "0x1"};
    struct sw_artifact_path path;
    struct sw_err err = {0};
    int64_t id = -1;
    assert_int_equal(sw_artifact_path_make(&path, "417/run/artifacts", &err), SW_OK);
    assert_int_equal(sw_artifact_path_experiment(&path, &id, &err), SW_OK);
    assert_int_equal(id, 417);
    assert_int_equal(sw_artifact_path_make(&path, "0", &err), SW_OK);
    assert_int_equal(sw_artifact_path_experiment(&path, &id, &err), SW_OK);
    assert_int_equal(id, 0);
    for (size_t i = 0; i < COUNT(none); i++) {
        assert_int_equal(sw_artifact_path_make(&path, none[i], &err), SW_OK);
        if (sw_artifact_path_experiment(&path, &id, &err) != SW_INVALID)
            fail_msg("'%s' is %" PRId64, none[i], id);
    }
}

static void test_types(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a.txt", "text/plain"},
        {"MLmodel", "text/plain"},
        {"conda.yaml", "text/plain"},
        {"a.json", "text/plain"},
        {"a.html", "text/html"},
        {"A.PNG", "image/png"},
        {"model.pkl", "application/octet-stream"},
        {"model.onnx", "application/octet-stream"},
        {"a.tar.gz", "application/octet-stream"},
        {"png", "application/octet-stream"},
        {".png", "application/octet-stream"},
        {"x.txt.zip", "application/zip"},
        {"", "application/octet-stream"},
        {"a.", "application/octet-stream"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        print_message("type of '%s'\n", rows[i][0]);
        assert_string_equal(sw_artifact_type(rows[i][0]), rows[i][1]);
    }
}

static void test_dispositions(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"a.txt", "attachment; filename=a.txt"},
        {"a b.txt", "attachment; filename=\"a b.txt\""},
        {"a\"b;c", "attachment; filename=\"a\\\"b;c\""},
        {"\xc3\xbc x%.txt", "attachment; filename=\" x%.txt\"; filename*=UTF-8''%C3%BC%20x%25.txt"},
        {"\xe6\x97\xa5", "attachment; filename=\"download\"; filename*=UTF-8''%E6%97%A5"},
    };
    struct sw_arena *a = sw_arena_new(1 << 20);
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_string_equal(sw_artifact_disposition(rows[i][0], a), rows[i][1]);
    sw_arena_free(a);
}

static void test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t size;
        struct sw_artifact_range range;
    } rows[] = {
        {NULL, 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes=0-", 10, {SW_RANGE_PART, 0, 10}},
        {"bytes=0-0", 10, {SW_RANGE_PART, 0, 1}},
        {"Bytes=2-5", 10, {SW_RANGE_PART, 2, 4}},
        {"bytes=9-9", 10, {SW_RANGE_PART, 9, 1}},
        {"bytes=9-100", 10, {SW_RANGE_PART, 9, 1}},
        {"bytes=-3", 10, {SW_RANGE_PART, 7, 3}},
        {"bytes=-30", 10, {SW_RANGE_PART, 0, 10}},
        {"bytes=3-99999999999999999999", 10, {SW_RANGE_PART, 3, 7}},
        {"bytes=10-", 10, {SW_RANGE_OUTSIDE, 0, 10}},
        {"bytes=99999999999999999999-", 10, {SW_RANGE_OUTSIDE, 0, 10}},
        {"bytes=-0", 10, {SW_RANGE_OUTSIDE, 0, 10}},
        {"bytes=0-0", 0, {SW_RANGE_OUTSIDE, 0, 0}},
        {"bytes=-1", 0, {SW_RANGE_OUTSIDE, 0, 0}},
        {"bytes=5-2", 10, {SW_RANGE_WHOLE, 0, 10}}, // malformed: as if absent
        {"bytes=0-1,4-5", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes=", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes=-", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes=a-b", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes=1-2x", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes=--1", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"bytes 1-2", 10, {SW_RANGE_WHOLE, 0, 10}},
        {"lines=1-2", 10, {SW_RANGE_WHOLE, 0, 10}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct sw_artifact_range r = sw_artifact_range(rows[i].header, rows[i].size);
        print_message("range '%s'\n", rows[i].header != NULL ? rows[i].header : "(none)");
        assert_int_equal(r.kind, rows[i].range.kind);
        assert_int_equal(r.offset, rows[i].range.offset);
        assert_int_equal(r.len, rows[i].range.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_that_are_paths),
        cmocka_unit_test(test_texts_that_are_none),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_joining),
        cmocka_unit_test(test_uris),
        cmocka_unit_test(test_experiments),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_dispositions),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
