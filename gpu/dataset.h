// SPDX-License-Identifier: Apache-2.0
// What training needs of a data set, whoever reads it: any rows as floats with a class each. Whoever wires the parts
// fills `struct sw_train_data` from a reader; tests fill it from memory. Here too: which rows are for training and
// which for validation, and the scaler that becomes part of the model.
#ifndef SW_GPU_DATASET_H
#define SW_GPU_DATASET_H

#include "gpu/net.h"

struct sw_train_data {
    void *ctx;
    const char *name;   // for messages and the model's metadata; may be NULL
    const char *split;  // may be NULL
    const char *digest; // "sha256:..." of the content; NULL = not known
    int64_t rows;
    struct sw_shape shape; // of a sample; {n, 1, 1} for n columns
    int classes;
    const char *const *class_names;   // [classes]
    const char *const *feature_names; // [shape.channels] for tables; NULL for images
    // Copies rows (each in [0, rows)) as they are, unscaled: [count, channels, height, width] and class ids in
    // [0, classes). Either output may be NULL.
    enum sw_code (*gather)(void *ctx, const int64_t *rows, size_t count, float *features, int32_t *labels,
                           struct sw_err *err);
};

// Rows for training and for validation: a seeded choice of round(fraction * rows) rows, at least one of each kind when the
// fraction is not 0. Training rows come in ascending order.
struct sw_split {
    int64_t *rows; // first `training` of them, then `validation`
    size_t training, validation;
};
enum sw_code sw_split_new(int64_t rows, double validation_fraction, uint64_t seed, struct sw_split *out /* take */,
                          struct sw_err *err);
void sw_split_free(struct sw_split *s);

// x' = (x - shift[i]) * scale[i], i = channel of images, column of tables. A constant channel gets scale 1.
struct sw_scaler {
    int channels;
    float *shift, *scale;
};
enum sw_code sw_scaler_new(int channels, struct sw_scaler *out /* take */, struct sw_err *err);
void sw_scaler_free(struct sw_scaler *s);
// Mean and standard deviation over `rows` of the data. SW_INVALID names a column that holds no finite numbers.
enum sw_code sw_scaler_fit(struct sw_scaler *s, const struct sw_train_data *data, const int64_t *rows, size_t count,
                           struct sw_err *err);
void sw_scaler_apply(const struct sw_scaler *s, struct sw_shape shape, size_t rows, float *features);

#endif
