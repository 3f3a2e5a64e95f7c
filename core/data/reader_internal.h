// SPDX-License-Identifier: Apache-2.0
// What a format implements: the reader object's head, its table of functions, and the making of batches. A format's own
// struct begins with `struct sw_reader`.
#ifndef SW_DATA_READER_INTERNAL_H
#define SW_DATA_READER_INTERNAL_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/data/reader.h"
#include "core/data/source_internal.h"

#define SW_BATCH_MAX_BYTES ((size_t)1 << 30)

// `read` is called with a range that is clipped to an exactly known row count, a column list that is never NULL and
// holds no column twice, and an empty batch; on failure the caller frees what it put there.
struct sw_reader_ops {
    struct sw_row_count (*rows)(const struct sw_reader *r);
    double (*indexed)(const struct sw_reader *r);
    enum sw_code (*index)(struct sw_reader *r, int64_t bytes, bool *done, struct sw_err *err);
    enum sw_code (*read)(struct sw_reader *r, const struct sw_read *what, struct sw_batch *batch, struct sw_err *err);
    void (*free)(struct sw_reader *r); // the format's own parts, before source, arena and struct; may be NULL
};

struct sw_reader {
    const struct sw_reader_ops *ops;
    const char *format; // static
    char *path;
    struct sw_source *source; // NULL for readers made of others
    struct sw_arena *arena;   // holds the schema
    struct sw_schema schema;
};

// A zeroed object of `size` bytes with path, arena and source set. `source` is taken only on success.
enum sw_code sw_reader_new(size_t size, const struct sw_reader_ops *ops, const char *format, const char *path,
                           struct sw_source *source, struct sw_reader **out, struct sw_err *err);

// Makes one vector for each column of `what`, for `rows` rows, all zero and not null. SW_LIMIT past SW_BATCH_MAX_BYTES.
enum sw_code sw_batch_begin(struct sw_batch *b, const struct sw_reader *r, const struct sw_read *what, size_t rows,
                            struct sw_err *err);
void sw_batch_set_null(struct sw_batch *b, size_t vector, size_t row);
// Appends the text of the next row of a text column; `full_bytes` is the length before it was cut.
void sw_batch_add_text(struct sw_batch *b, size_t vector, size_t row, const char *text, size_t len,
                       uint64_t full_bytes);
// States how many rows there are and checks the texts' limit.
enum sw_code sw_batch_end(struct sw_batch *b, const char *path, size_t rows, struct sw_err *err);

extern const struct sw_format sw_format_idx;
extern const struct sw_format sw_format_csv;

// A reader whose columns come from several readers with the same number of rows, side by side (images from one file,
// labels from another). The row counts must be exact and equal. Column i is column columns[i].column of
// parts[columns[i].part] under the name given; strings are copied. Takes the parts on success.
enum { SW_JOINED_MAX_PARTS = 4 };

struct sw_joined_column {
    size_t part;
    int column;
    const char *name;
    const char *const *class_names;
    size_t class_count;
};
enum sw_code sw_reader_join(const char *path, struct sw_reader **parts, size_t part_count,
                            const struct sw_joined_column *columns, size_t column_count, struct sw_reader **out,
                            struct sw_err *err);

#endif
