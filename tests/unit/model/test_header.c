// SPDX-License-Identifier: Apache-2.0
// What is read from an ONNX header, and that damage is survived. The bytes follow onnx.proto3, encoded by hand.
#include "tests/unit/model/fixture.h"

#include "core/base/buf.h"
#include "core/model/header.h"

static void put_bytes(struct sw_buf *b, int field, const void *bytes, size_t len)
{
    size_t left = len;
    sw_buf_addc(b, (char)(field << 3 | 2));
    for (; left >= 0x80; left >>= 7)
        sw_buf_addc(b, (char)(left | 0x80));
    sw_buf_addc(b, (char)left);
    sw_buf_add(b, bytes, len);
}

static void put_metadata(struct sw_buf *b, const char *key, const char *value)
{
    struct sw_buf entry;
    sw_buf_init(&entry, 1 << 16);
    put_bytes(&entry, 1, key, strlen(key));
    put_bytes(&entry, 2, value, strlen(value));
    put_bytes(b, 14, entry.data, entry.len);
    sw_buf_free(&entry);
}

static void make_onnx(struct sw_buf *b, const char *classes)
{
    static const char graph[100000];
    sw_buf_init(b, 1 << 20);
    sw_buf_add(b, "\x08\x08", 2); // ir_version 8
    put_bytes(b, 2, "slipway", 7);
    put_bytes(b, 7, graph, sizeof graph);
    put_metadata(b, "slipway.classes", classes);
    put_metadata(b, "slipway.input_shape", "1x28x28");
    put_metadata(b, "slipway.data_digest", "00ff");
    put_metadata(b, "somebody.else", "x");
}

static struct sw_model_header read_header(struct fixture *f)
{
    struct sw_model_files files;
    struct sw_model_header h;
    assert_ok(f, sw_model_files_scan(fixture_path(f, "model"), f->arena, &files, &f->err));
    assert_ok(f, sw_model_header_read(fixture_path(f, "model"), &files, f->arena, &h, &f->err));
    return h;
}

static void test_metadata_is_read(void **state)
{
    struct fixture *f = *state;
    struct sw_buf onnx;
    make_onnx(&onnx, "[\"shirt\",\"shoe\"]");
    fixture_make_model(f);
    fixture_write(f, "model/net.onnx", onnx.data, onnx.len);
    struct sw_model_header h = read_header(f);
    assert_string_equal(h.path, "net.onnx");
    assert_string_equal(h.format, "onnx");
    assert_string_equal(h.producer, "slipway");
    assert_string_equal(h.classes, "[\"shirt\",\"shoe\"]");
    assert_string_equal(h.input_shape, "1x28x28");
    assert_string_equal(h.data_digest, "00ff");
    assert_null(h.run_id);
    sw_buf_free(&onnx);
    unlink(fixture_path(f, "model/net.onnx"));
    assert_null(read_header(f).format);
}

// Cut anywhere and turned over anywhere near the ends: no crash, no hang, no text that was not there.
static void test_damage_is_survived(void **state)
{
    struct fixture *f = *state;
    struct sw_buf onnx;
    make_onnx(&onnx, "[]");
    for (size_t len = 0; len < onnx.len; len += len < 32 || len + 300 > onnx.len ? 1 : 4099) {
        fixture_write(f, "model/net.onnx", onnx.data, len);
        (void)read_header(f);
    }
    for (size_t at = 0; at < onnx.len; at += at < 32 || at + 300 > onnx.len ? 1 : 4099) {
        onnx.data[at] ^= (char)0x81;
        fixture_write(f, "model/net.onnx", onnx.data, onnx.len);
        (void)read_header(f);
        onnx.data[at] ^= (char)0x81;
    }
    sw_buf_free(&onnx);
}

static void test_labels_are_compared(void **state)
{
    struct fixture *f = *state;
    static const char *const classes[] = {"[\"a\",\"b\"]", "[\"a\",\"b\"]", "[\"b\",\"a\"]"};
    struct sw_model_version v[3];
    for (size_t i = 0; i < 3; i++) {
        struct sw_buf onnx;
        make_onnx(&onnx, classes[i]);
        put_bytes(&onnx, 12, &i, sizeof i); // another file each time
        fixture_write(f, "model/net.onnx", onnx.data, onnx.len);
        v[i] = fixture_register(f, "m");
        sw_buf_free(&onnx);
    }
    struct sw_model_difference d;
    assert_ok(f, sw_model_compare(f->store, &v[0], &v[1], f->arena, &d, &f->err));
    assert_int_equal(d.labels, SW_MODEL_LABELS_SAME);
    assert_ok(f, sw_model_compare(f->store, &v[1], &v[2], f->arena, &d, &f->err));
    assert_int_equal(d.labels, SW_MODEL_LABELS_CHANGED);
    assert_ok(f, sw_path_remove_tree(v[1].path, &f->err));
    assert_ok(f, sw_model_compare(f->store, &v[1], &v[2], f->arena, &d, &f->err));
    assert_int_equal(d.labels, SW_MODEL_LABELS_UNKNOWN);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_metadata_is_read),
        CASE(test_damage_is_survived),
        CASE(test_labels_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
