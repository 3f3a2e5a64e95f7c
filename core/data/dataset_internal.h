// SPDX-License-Identifier: Apache-2.0
// The data set object, shared by the files that make and describe it.
#ifndef SW_DATA_DATASET_INTERNAL_H
#define SW_DATA_DATASET_INTERNAL_H

#include "core/base/arena.h"
#include "core/base/path.h"
#include "core/data/dataset.h"

struct data_split {
    const char *name;
    struct sw_reader *reader;
};

struct sw_data {
    char path[SW_PATH_MAX]; // absolute
    const char *name;
    bool is_folder;
    struct data_split *splits;
    size_t split_count;
    const char **files; // relative to the folder, or the one base name; sorted by bytes
    size_t file_count;
    const char *const *class_names;
    size_t class_count;
    const char *classes_source;
    struct sw_arena *arena;
};

// Where file i of the list lies.
enum sw_code sw_data_file_path(const struct sw_data *d, size_t i, char out[static SW_PATH_MAX], struct sw_err *err);

#endif
