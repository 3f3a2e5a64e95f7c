// SPDX-License-Identifier: Apache-2.0
// Which rows are held out, and what the scaler finds.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "gpu/dataset.h"

static void splits_share_out_all_rows(void **state)
{
    (void)state;
    struct sw_split s, again;
    struct sw_err err = {0};
    int seen[1000] = {0};
    assert_int_equal(sw_split_new(1000, 0.15, 3, &s, &err), SW_OK);
    assert_int_equal(s.validation, 150);
    assert_int_equal(s.training, 850);
    for (int i = 0; i < 1000; i++)
        seen[s.rows[i]]++;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(sw_split_new(1000, 0.15, 3, &again, &err), SW_OK);
    assert_memory_equal(s.rows, again.rows, 1000 * sizeof *s.rows);
    sw_split_free(&s);
    sw_split_free(&again);
    assert_int_equal(sw_split_new(5, 0.01, 3, &s, &err), SW_OK);
    assert_int_equal(s.validation, 1);
    sw_split_free(&s);
    assert_int_equal(sw_split_new(5, 0, 3, &s, &err), SW_OK);
    assert_int_equal(s.validation, 0);
    sw_split_free(&s);
    assert_int_equal(sw_split_new(1, 0.1, 3, &s, &err), SW_INVALID);
    assert_int_equal(sw_split_new(0, 0, 3, &s, &err), SW_INVALID);
}

static enum sw_code columns(void *ctx, const int64_t *rows, size_t count, float *features, int32_t *labels,
                            struct sw_err *err)
{
    const float *bad = ctx;
    (void)labels, (void)err;
    for (size_t i = 0; i < count; i++) {
        float *x = features + 3 * i;
        x[0] = 1e6f + (float)(rows[i] % 2); // far from 0, deviation 1/2
        x[1] = 42;                          // constant
        x[2] = bad ? *bad : (float)rows[i];
    }
    return SW_OK;
}

static void scaler_is_mean_and_deviation(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c\x1b[1m"};
    struct sw_train_data data = {
        .rows = 600, .shape = {3, 1, 1}, .classes = 2, .feature_names = names, .gather = columns};
    struct sw_scaler s;
    struct sw_err err = {0};
    int64_t rows[600];
    for (int i = 0; i < 600; i++)
        rows[i] = i;
    assert_int_equal(sw_scaler_new(3, &s, &err), SW_OK);
    assert_int_equal(sw_scaler_fit(&s, &data, rows, 600, &err), SW_OK);
    assert_true(s.shift[0] == 1000000.5f && fabs((double)s.scale[0] - 2) < 1e-4);
    assert_true(s.shift[1] == 42 && s.scale[1] == 1);
    assert_true(fabs((double)s.shift[2] - 299.5) < 1e-4 && fabs(1 / (double)s.scale[2] - 173.2050) < 1e-3);
    float x[6] = {1000000.5f, 42, 299.5f, 1000001.5f, 43, 299.5f + 173.205f};
    sw_scaler_apply(&s, data.shape, 2, x);
    assert_true(x[0] == 0 && x[1] == 0 && x[3] == 2 && x[4] == 1 && fabs((double)x[5] - 1) < 1e-4);

    float bad = NAN;
    data.ctx = &bad;
    assert_int_equal(sw_scaler_fit(&s, &data, rows, 600, &err), SW_INVALID);
    assert_non_null(strstr(err.message, "column 'c"));
    assert_null(strchr(err.message, '\x1b'));
    sw_scaler_free(&s);
}

static enum sw_code pixels(void *ctx, const int64_t *rows, size_t count, float *features, int32_t *labels,
                           struct sw_err *err)
{
    (void)ctx, (void)labels, (void)err, (void)rows;
    for (size_t i = 0; i < count * 8; i++)
        features[i] = i % 8 < 4 ? (float)(i % 4) : 100 + 10 * (float)(i % 2);
    return SW_OK;
}

static void images_scale_by_channel(void **state)
{
    (void)state;
    struct sw_train_data data = {.rows = 10, .shape = {2, 2, 2}, .classes = 2, .gather = pixels};
    struct sw_scaler s;
    struct sw_err err = {0};
    int64_t rows[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    assert_int_equal(sw_scaler_new(2, &s, &err), SW_OK);
    assert_int_equal(sw_scaler_fit(&s, &data, rows, 10, &err), SW_OK);
    assert_true(s.shift[0] == 1.5f && fabs((double)s.scale[0] - 1 / sqrt(1.25)) < 1e-6);
    assert_true(s.shift[1] == 105 && fabs((double)s.scale[1] - 0.2) < 1e-6);
    sw_scaler_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_share_out_all_rows),
        cmocka_unit_test(scaler_is_mean_and_deviation),
        cmocka_unit_test(images_scale_by_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
