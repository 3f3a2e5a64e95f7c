// SPDX-License-Identifier: Apache-2.0
// A split of a data set as training sees it: rows of float features and a class id each. Held in memory (bytes for
// images, floats otherwise), so any row costs a copy. Class ids number the class names from 0.
#ifndef SW_DATA_LABELLED_H
#define SW_DATA_LABELLED_H

#include <stdint.h>

#include "core/base/err.h"

#define SW_LABELLED_MAX_CLASSES 10000

struct sw_labelled_options {
    const char *split; // NULL = "train" where there is one, else the only split
    const char
        *target; // label column; NULL = the column named label, target, class or y, else SW_USAGE lists the columns
    const char *const *features; // column names; NULL = every other column
    size_t feature_count;
    const char *const
        *class_names;   // classes in the order of their ids, as another split or a model has them; NULL = find out.
    size_t class_count; // With names given, a label that is none of them is an error naming its row.
    int64_t max_rows;   // read no more than the first rows; 0 = all
    int64_t max_memory_bytes; // 0 = 8 GiB; SW_LIMIT when the split needs more
};

// All borrowed from the view.
struct sw_labelled_info {
    const char *path;
    const char *split;
    const char *target;
    int64_t rows;
    int rank; // shape of a row: {28, 28}, {32, 32, 3} (height, width, channels), or {n} for n numeric columns
    int64_t shape[4];
    int64_t feature_size;             // product of shape
    bool is_image;                    // features are pixels 0..255 as floats; scaling is the trainer's
    const char *const *feature_names; // feature_size names for numeric columns, NULL for images and tensors
    const char *const *class_names;
    size_t class_count;
};

struct sw_labelled;
// `path` is what sw_data_open() takes. Refused with the row or column named: a text feature column, a missing value, a
// label out of range or not whole, more than SW_LABELLED_MAX_CLASSES classes, fewer than 2, no rows.
enum sw_code sw_labelled_open(const char *path, const struct sw_labelled_options *options,
                              struct sw_labelled **out /* take */, struct sw_err *err);
void sw_labelled_free(struct sw_labelled *l); // accepts NULL
const struct sw_labelled_info *sw_labelled_info(const struct sw_labelled *l);
// Copies the rows named by `rows` (each in [0, info->rows)): count * feature_size floats and count ids; either output may
// be NULL. Thread: any number at once.
void sw_labelled_gather(const struct sw_labelled *l, const int64_t *rows, size_t count, float *features,
                        int32_t *labels);
// The same for `count` rows from `first`.
void sw_labelled_range(const struct sw_labelled *l, int64_t first, size_t count, float *features, int32_t *labels);
int32_t sw_labelled_label(const struct sw_labelled *l, int64_t row);

#endif
