// SPDX-License-Identifier: Apache-2.0
// ONNX files written and read back: equal bits, equal outputs; damaged and hostile ones are refused without a crash (run
// under the sanitizers), whichever byte is missing or changed.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gpu/evaluate.h"
#include "gpu/rng.h"

static const char *const names[] = {"cat", "dog \xc3\xbc", "bird"};

static void make_model(struct sw_model *m, const char *net, struct sw_shape in)
{
    struct sw_err err = {0};
    *m = (struct sw_model){.class_names = names, .run_id = "0123", .data_name = "zoo", .data_digest = "sha256:ab"};
    assert_int_equal(sw_net_parse(net, in, 3, &m->net, &err), SW_OK);
    m->params = malloc(m->net.params * sizeof(float));
    for (size_t i = 0; i < m->net.params; i++)
        m->params[i] = sw_rng_uniform(9, 1, i) - 0.5f;
    assert_int_equal(sw_scaler_new(in.channels, &m->scaler, &err), SW_OK);
    for (int i = 0; i < in.channels; i++) {
        m->scaler.shift[i] = 3.5f * (float)(i + 1);
        m->scaler.scale[i] = 0.25f / (float)(i + 1);
    }
}

static void predict(const struct sw_model *m, float *out, int rows)
{
    struct sw_predictor *p;
    struct sw_err err = {0};
    size_t inputs = (size_t)rows * sw_shape_size(m->net.in);
    float *x = malloc(inputs * sizeof *x);
    for (size_t i = 0; i < inputs; i++)
        x[i] = 10 * sw_rng_uniform(9, 2, i);
    assert_int_equal(sw_predictor_new(m, "auto", rows, &p, &err), SW_OK);
    assert_int_equal(sw_predictor_run(p, rows, x, out, &err), SW_OK);
    sw_predictor_free(p);
    free(x);
}

static void files_read_back_equal(void **state)
{
    (void)state;
    static const struct {
        const char *net;
        struct sw_shape in;
    } cases[] = {
        {"linear", {4, 1, 1}},         {"fc7-fc5", {4, 1, 1}},
        {"conv4-pool-fc6", {3, 8, 6}}, {"conv4-conv5-pool-conv3-pool", {1, 9, 13}},
        {"pool", {2, 6, 6}},           {"mlp:16", {1, 5, 5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_model m, back = {0};
        struct sw_buf file, again;
        struct sw_err err = {0};
        float a[15], b[15];
        make_model(&m, cases[i].net, cases[i].in);
        sw_buf_init(&file, 1 << 24);
        sw_buf_init(&again, 1 << 24);
        assert_int_equal(sw_onnx_write(&m, &file, &err), SW_OK);
        if (sw_onnx_read(file.data, file.len, "file", &back, &err))
            fail_msg("%s: %s", cases[i].net, err.message);
        assert_string_equal(back.net.spec, m.net.spec);
        assert_memory_equal(back.params, m.params, m.net.params * sizeof(float));
        assert_string_equal(back.class_names[1], names[1]);
        assert_string_equal(back.run_id, "0123");
        assert_string_equal(back.data_digest, "sha256:ab");
        assert_int_equal(sw_onnx_write(&back, &again, &err), SW_OK);
        assert_int_equal(file.len, again.len);
        assert_memory_equal(file.data, again.data, file.len);
        predict(&m, a, 5);
        predict(&back, b, 5);
        assert_memory_equal(a, b, sizeof a);
        sw_model_free(&m);
        sw_model_free(&back);
        sw_buf_free(&file);
        sw_buf_free(&again);
    }
}

// Reads `len` bytes from an allocation of exactly that size, so that a sanitizer sees any byte read past the end.
static enum sw_code read_exact(const void *bytes, size_t len, struct sw_model *out, struct sw_err *err)
{
    void *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    enum sw_code code = sw_onnx_read(copy, len, "hostile.onnx", out, err);
    free(copy);
    return code;
}

static void hostile_files_are_refused(void **state)
{
    (void)state;
    struct sw_model m, back = {0};
    struct sw_buf file;
    struct sw_err err = {0};
    make_model(&m, "conv2-pool-fc3", (struct sw_shape){1, 4, 4});
    sw_buf_init(&file, 1 << 20);
    assert_int_equal(sw_onnx_write(&m, &file, &err), SW_OK);
    for (size_t len = 0; len < file.len; len++) {
        err = (struct sw_err){0};
        enum sw_code code = read_exact(file.data, len, &back, &err);
        // Metadata comes last, so a file cut between its entries is a whole model without them.
        if (code)
            assert_true(err.code == code && *err.message);
        else
            sw_model_free(&back);
    }
    size_t accepted = 0;
    for (size_t at = 0; at < file.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            err = (struct sw_err){0};
            file.data[at] = (char)(file.data[at] ^ (char)(1u << bit));
            if (!read_exact(file.data, file.len, &back, &err)) {
                accepted++; // a changed weight, name or metadata text
                sw_model_free(&back);
            } else {
                assert_true(*err.message);
            }
            file.data[at] = (char)(file.data[at] ^ (char)(1u << bit));
        }
    }
    assert_true(accepted > 0);
    for (uint64_t trial = 0; trial < 20000; trial++) { // several bytes at once, lengths included
        char *copy = malloc(file.len);
        memcpy(copy, file.data, file.len);
        for (uint64_t k = 0; k < 1 + trial % 7; k++) {
            uint32_t random[4];
            sw_rng_block(trial, 77, k, random);
            copy[random[0] % file.len] = (char)random[1];
        }
        if (!read_exact(copy, file.len, &back, &err))
            sw_model_free(&back);
        free(copy);
    }
    sw_model_free(&m);
    sw_buf_free(&file);
}

static void replace(struct sw_buf *file, const char *from, const char *to)
{
    size_t len = strlen(from);
    assert_int_equal(len, strlen(to));
    for (size_t i = 0; i + len <= file->len; i++)
        if (memcmp(file->data + i, from, len) == 0) {
            memcpy(file->data + i, to, len);
            return;
        }
    fail_msg("no '%s' in the file", from);
}

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"Relu", "Tanh", "operator 'Tanh'"},
        {"Softmax", "Sigmoid", "operator 'Sigmoid'"},
        {"kernel_shape", "kernel_shopa", "an attribute of operator 'Conv'"},
        {"Gemm", "G\x1b[1", "operator 'G"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_model m, back = {0};
        struct sw_buf file;
        struct sw_err err = {0};
        make_model(&m, "conv2-pool-fc3", (struct sw_shape){1, 4, 4});
        sw_buf_init(&file, 1 << 20);
        assert_int_equal(sw_onnx_write(&m, &file, &err), SW_OK);
        // Node names come before operators and hold the same words; change both.
        replace(&file, cases[i].from, cases[i].to);
        if (strcmp(cases[i].from, "kernel_shape") != 0)
            replace(&file, cases[i].from, cases[i].to);
        assert_int_equal(sw_onnx_read(file.data, file.len, "m.onnx", &back, &err), SW_UNSUPPORTED);
        if (!strstr(err.message, cases[i].says))
            fail_msg("%s", err.message);
        assert_null(strchr(err.message, '\x1b'));
        sw_model_free(&m);
        sw_buf_free(&file);
    }
}

static enum sw_code zoo(void *ctx, const int64_t *rows, size_t count, float *features, int32_t *labels,
                        struct sw_err *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        features[2 * i] = (float)(rows[i] % 4);
        features[2 * i + 1] = 0;
        labels[i] = rows[i] == 399 ? *(int32_t *)ctx : (int32_t)(rows[i] % 4 == 3 ? 0 : rows[i] % 3 == 0);
    }
    return SW_OK;
}

static void evaluations_count_rows(void **state)
{
    (void)state;
    int32_t last = 0;
    static const char *const two[] = {"no", "yes"};
    struct sw_train_data data = {
        .ctx = &last, .rows = 400, .shape = {2, 1, 1}, .classes = 2, .class_names = two, .gather = zoo};
    struct sw_model m = {0};
    struct sw_err err = {0};
    json_t *doc = NULL;
    assert_int_equal(sw_net_parse("linear", data.shape, 2, &m.net, &err), SW_OK);
    m.params = calloc(m.net.params, sizeof(float));
    m.params[0] = 1; // says "no" when the first column is above 2.5
    m.params[m.net.params - 1] = 2.5f;
    assert_int_equal(sw_scaler_new(2, &m.scaler, &err), SW_OK);
    assert_int_equal(sw_evaluate(&m, "auto", &data, &doc, &err), SW_OK);
    int64_t yes = 0;
    for (int r = 0; r < 400; r++)
        yes += r % 4 != 3 && r % 3 == 0;
    assert_int_equal(sw_tree_int(doc, "rows", 0), 400);
    assert_true(sw_tree_real(doc, "accuracy", 0) == (double)(100 + yes) / 400);
    const json_t *confusion = json_object_get(doc, "confusion");
    assert_int_equal(json_integer_value(json_array_get(json_array_get(confusion, 0), 0)), 100);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(confusion, 0), 1)), 300 - yes);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(confusion, 1), 1)), yes);
    const json_t *class_yes = json_array_get(json_object_get(doc, "classes"), 1);
    assert_string_equal(sw_tree_text(class_yes, "name"), "yes");
    assert_true(sw_tree_real(class_yes, "accuracy", 0) == 1.0);
    assert_true(sw_tree_real(class_yes, "precision", 0) == (double)yes / 300);
    json_decref(doc);

    last = 2; // a label that the net does not have
    assert_int_equal(sw_evaluate(&m, "auto", &data, &doc, &err), SW_INVALID);
    assert_non_null(strstr(err.message, "row 399"));
    data.classes = 3;
    assert_int_equal(sw_evaluate(&m, "auto", &data, &doc, &err), SW_INVALID);
    data.classes = 2;
    data.shape.channels = 3;
    assert_int_equal(sw_evaluate(&m, "auto", &data, &doc, &err), SW_INVALID);
    assert_non_null(strstr(err.message, "2x1x1"));
    sw_model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_read_back_equal),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(evaluations_count_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
