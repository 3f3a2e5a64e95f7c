// SPDX-License-Identifier: Apache-2.0
// A data set: a path and what it means. A file is a data set with the one split `all`; a folder of IDX files as MNIST and
// its kin ship them is one with the splits `train` and `test` and the columns `image` and `label`. A split is read through
// an ordinary reader (reader.h), so screens, commands and training need to know one interface only.
#ifndef SW_DATA_DATASET_H
#define SW_DATA_DATASET_H

#include "core/base/hash.h"
#include "core/base/tree.h"
#include "core/data/reader.h"

struct sw_data;

// `options` may be NULL. Reads headers and samples only. SW_NOT_FOUND, SW_UNSUPPORTED, SW_INVALID as sw_reader_open();
// SW_INVALID also when the files of a split disagree on their number of rows.
enum sw_code sw_data_open(const char *path, const struct sw_reader_options *options, struct sw_data **out /* take */,
                          struct sw_err *err);
void sw_data_free(struct sw_data *d); // accepts NULL

const char *sw_data_path(const struct sw_data *d);   // absolute; borrow
const char *sw_data_name(const struct sw_data *d);   // a name proposed from the path: "fashion-mnist"; borrow
const char *sw_data_format(const struct sw_data *d); // "idx", "csv"; borrow, static
// Where class names come from ("labels.txt", "Fashion-MNIST README"); NULL when there are none. Borrow.
const char *sw_data_classes_source(const struct sw_data *d);
size_t sw_data_split_count(const struct sw_data *d);
const char *sw_data_split_name(const struct sw_data *d, size_t i);         // borrow
struct sw_reader *sw_data_split_reader(const struct sw_data *d, size_t i); // borrow
// The split of that name; NULL means "train" where there is one, else the only one. SW_NOT_FOUND lists the splits.
enum sw_code sw_data_split(const struct sw_data *d, const char *name, struct sw_reader **out /* borrow */,
                           struct sw_err *err);

// Identity by content: SHA-256 over the lines "SHA256  SIZE  PATH\n" of the files that make up the data set, sorted by
// the bytes of PATH (relative to the folder; the base name for a single file). Reads every file. `size_bytes` may be NULL.
enum sw_code sw_data_digest(const struct sw_data *d, char hex[static SW_SHA256_HEX], int64_t *size_bytes,
                            struct sw_err *err);

// {"name", "path", "format", "size_bytes", "files": [...], "classes_source", "splits": [{"name", "rows", "rows_exact",
//   "columns": [{"name", "type", "shape", "class_names"}]}]}: cheap, from headers. This is what the registry stores.
enum sw_code sw_data_schema_json(const struct sw_data *d, json_t **out /* take */, struct sw_err *err);

// As above, with "rows_examined" and "sample" for each split and "nulls", "min", "max", "mean", "distinct" (null beyond
// 1,000 values) and "class_counts" for each column. At most `max_rows` rows of a split are examined (0 = all). "sample"
// says which: "all", "spread" (blocks evenly over the split) or "first" (its number of rows is not known yet).
enum sw_code sw_data_describe_json(struct sw_data *d, int64_t max_rows, json_t **out /* take */, struct sw_err *err);

#endif
