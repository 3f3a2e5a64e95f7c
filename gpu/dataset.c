// SPDX-License-Identifier: Apache-2.0
// Choice of validation rows, and the scaler.
#include "gpu/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "gpu/rng.h"

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

enum sw_code sw_split_new(int64_t rows, double validation_fraction, uint64_t seed, struct sw_split *out,
                          struct sw_err *err)
{
    size_t validation = (size_t)llround(validation_fraction * (double)rows);
    if (validation_fraction > 0 && validation == 0)
        validation = 1;
    if (rows < 1 || validation >= (size_t)rows) {
        (void)sw_err_set(err, SW_INVALID, "%lld rows are too few to train on and hold %g of them out", (long long)rows,
                         validation_fraction);
        return sw_err_hint(err, "lower --val-fraction or use more data");
    }
    int64_t *all = calloc((size_t)rows, sizeof *all);
    if (!all)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the order of %lld rows", (long long)rows);
    for (int64_t i = 0; i < rows; i++)
        all[i] = i;
    if (validation)
        sw_rng_shuffle(seed, SW_RNG_SPLIT, all, (size_t)rows);
    size_t training = (size_t)rows - validation;
    qsort(all, training, sizeof *all, by_value);
    qsort(all + training, validation, sizeof *all, by_value);
    *out = (struct sw_split){.rows = all, .training = training, .validation = validation};
    return SW_OK;
}

void sw_split_free(struct sw_split *s)
{
    free(s->rows);
    *s = (struct sw_split){0};
}

enum sw_code sw_scaler_new(int channels, struct sw_scaler *out, struct sw_err *err)
{
    float *both = calloc((size_t)channels * 2, sizeof *both);
    if (!both)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a scaler of %d columns", channels);
    *out = (struct sw_scaler){.channels = channels, .shift = both, .scale = both + channels};
    for (int i = 0; i < channels; i++)
        out->scale[i] = 1;
    return SW_OK;
}

void sw_scaler_free(struct sw_scaler *s)
{
    free(s->shift);
    *s = (struct sw_scaler){0};
}

static enum sw_code name_bad_column(const struct sw_train_data *data, int channel, struct sw_err *err)
{
    char name[64];
    if (!data->feature_names)
        return sw_err_set(err, SW_INVALID, "channel %d holds values that are no finite numbers", channel);
    sw_text_safe_copy(name, sizeof name, data->feature_names[channel], SW_TEXT_ONE_LINE);
    (void)sw_err_set(err, SW_INVALID, "column '%s' holds values that are no finite numbers", name);
    return sw_err_hint(err, "fill or remove those rows, or leave the column out");
}

enum { FIT_ROWS = 256 };

// Sums of x - origin and its square: the first value as origin keeps the squares small when the mean is far from 0.
static void add_block(const struct sw_train_data *data, size_t rows, const float *x, const double *origin, double *sum,
                      double *squares)
{
    size_t pixels = (size_t)data->shape.height * (size_t)data->shape.width, channels = (size_t)data->shape.channels;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++, x += pixels)
            for (size_t p = 0; p < pixels; p++) {
                double d = (double)x[p] - origin[c];
                sum[c] += d;
                squares[c] += d * d;
            }
}

enum sw_code sw_scaler_fit(struct sw_scaler *s, const struct sw_train_data *data, const int64_t *rows, size_t count,
                           struct sw_err *err)
{
    size_t channels = (size_t)s->channels, size = sw_shape_size(data->shape), pixels = size / channels;
    float *x = malloc(FIT_ROWS * size * sizeof *x);
    double *sums = calloc(3 * channels, sizeof *sums);
    enum sw_code code = SW_OK;
    if (!x || !sums) {
        code = sw_err_set(err, SW_NO_MEMORY, "no memory to scale samples of %zu numbers", size);
        goto out;
    }
    double *sum = sums, *squares = sums + channels, *origin = sums + 2 * channels;
    for (size_t at = 0; at < count; at += FIT_ROWS) {
        size_t block = count - at < FIT_ROWS ? count - at : FIT_ROWS;
        if ((code = data->gather(data->ctx, rows + at, block, x, NULL, err)))
            goto out;
        for (size_t c = 0; c < channels && at == 0; c++)
            origin[c] = (double)x[c * pixels];
        add_block(data, block, x, origin, sum, squares);
    }
    double n = (double)count * (double)pixels;
    for (size_t c = 0; c < channels; c++) {
        double mean = sum[c] / n, variance = squares[c] / n - mean * mean;
        if (!isfinite(mean) || !isfinite(variance)) {
            code = name_bad_column(data, (int)c, err);
            goto out;
        }
        s->shift[c] = (float)(mean + origin[c]);
        s->scale[c] = variance > 1e-12 * (squares[c] / n) && variance > 1e-30 ? (float)(1 / sqrt(variance)) : 1;
    }
out:
    free(x);
    free(sums);
    return code;
}

void sw_scaler_apply(const struct sw_scaler *s, struct sw_shape shape, size_t rows, float *features)
{
    size_t pixels = (size_t)shape.height * (size_t)shape.width;
    for (size_t r = 0; r < rows; r++)
        for (int c = 0; c < s->channels; c++, features += pixels)
            for (size_t p = 0; p < pixels; p++)
                features[p] = (features[p] - s->shift[c]) * s->scale[c];
}
