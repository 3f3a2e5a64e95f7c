// SPDX-License-Identifier: Apache-2.0
// Tables behind one row of functions: whatever the file format, a reader has a schema, a number of rows and any range
// of them as typed columns. Nothing here reads a whole file to show a screen: rows are fetched by range, the row index
// of formats without one grows as far as it is asked to. What a folder of files means is dataset.h's business.
#ifndef SW_DATA_READER_H
#define SW_DATA_READER_H

#include <stdint.h>

#include "core/base/err.h"

#define SW_DATA_MAX_RANK    4
#define SW_DATA_MAX_COLUMNS 16384

enum sw_data_type {
    SW_DATA_INT,    // int64
    SW_DATA_REAL,   // double
    SW_DATA_TEXT,   // UTF-8 as found; foreign: goes through sw_text_safe() before it is shown
    SW_DATA_IMAGE,  // uint8 pixels, shape {height, width} or {height, width, channels}
    SW_DATA_TENSOR, // float or double (column->element) of any shape
};
const char *sw_data_type_word(enum sw_data_type type); // "int", "real", "text", "image", "tensor"; borrow, static

enum sw_data_element { SW_ELEMENT_I64, SW_ELEMENT_F64, SW_ELEMENT_TEXT, SW_ELEMENT_U8, SW_ELEMENT_F32 };

// One column. INT is stored as I64, REAL as F64, TEXT as TEXT, IMAGE as U8; TENSOR as F32 where that holds every value of
// the file exactly, else F64.
struct sw_column {
    const char *name;
    enum sw_data_type type;
    enum sw_data_element element;
    int rank;                        // 0 for INT, REAL, TEXT
    int64_t shape[SW_DATA_MAX_RANK]; // of one cell
    int64_t cell_size;               // elements in a cell: product of shape, 1 for a scalar
    const char *const *class_names;  // value -> name for INT columns that number classes; NULL when not known
    size_t class_count;
};

struct sw_schema {
    const struct sw_column *columns;
    size_t count;
};
// Index of the column of that name, -1 when there is none.
int sw_schema_find(const struct sw_schema *s, const char *name);

struct sw_row_count {
    int64_t rows;
    bool is_known; // false: `rows` means nothing
    bool is_exact; // false: an estimate from the part seen so far
};

// Values of one column for the rows of a batch. Exactly one of the arrays is set, by column->element; a null row holds
// zeros (an empty text). Text of row i is text[offsets[i] .. offsets[i + 1]), not NUL-terminated.
struct sw_vector {
    const struct sw_column *column; // borrow from the reader
    int64_t *ints;
    double *reals;  // rows * cell_size
    float *floats;  // rows * cell_size
    uint8_t *bytes; // rows * cell_size
    char *text;
    uint64_t *offsets;      // rows + 1
    uint64_t *full_lengths; // text only: bytes of the whole cell, more than is held here when the cell was cut
    uint8_t *nulls;         // bit i % 8 of byte i / 8 is set when row i is null
    size_t null_count;
};
static inline bool sw_vector_is_null(const struct sw_vector *v, size_t row)
{
    return (v->nulls[row / 8] >> (row % 8)) & 1;
}

// Something wrong in a row that was read all the same: too few or many fields, a word in a number column.
struct sw_row_problem {
    int64_t row;  // from 0
    int64_t line; // of the file, from 1; 0 when the format has no lines
    char message[200];
};
#define SW_BATCH_MAX_PROBLEMS 16

// Rows [first, first + rows) of the columns asked for, in the order asked for. Zero-initialise; reuse across reads.
struct sw_batch {
    int64_t first;
    size_t rows; // fewer than asked at the end of the table
    struct sw_vector *vectors;
    size_t vector_count;
    size_t problem_count; // all of them; the first SW_BATCH_MAX_PROBLEMS are kept
    struct sw_row_problem problems[SW_BATCH_MAX_PROBLEMS];
    void *memory; // of a batch being filled; private
};
void sw_batch_free(struct sw_batch *b); // leaves an empty, reusable batch

struct sw_read {
    int64_t first;
    size_t rows;
    const int *columns; // borrow: indexes into the schema; NULL = all columns
    size_t column_count;
    size_t
        cell_limit_bytes; // longer text is cut at a character, so that a 2 GB cell costs nothing to show; 0 = no limit
    bool is_strict;       // a row problem is an error (SW_INVALID naming file and line) and not a note
};

struct sw_reader;
struct sw_source; // bytes at any offset of a plain or compressed file; private

struct sw_reader_options {
    char delimiter; // CSV: 0 = find out
    int header;     // CSV: 1 first row names the columns, -1 it does not, 0 = find out
    bool all_text;  // CSV: no type inference
    int64_t
        max_unpacked_bytes; // how far a compressed file may unpack; 0 = 64 GiB. Formats that state a size need no more than that
};

// Opens a file by its content (the name only breaks ties). `options` may be NULL. SW_NOT_FOUND, SW_UNSUPPORTED (no format
// fits; names those that would), SW_INVALID (damaged; names file and offset), SW_LIMIT.
enum sw_code sw_reader_open(const char *path, const struct sw_reader_options *options,
                            struct sw_reader **out /* take */, struct sw_err *err);
void sw_reader_free(struct sw_reader *r); // accepts NULL

const char *sw_reader_format(const struct sw_reader *r); // "idx"; borrow, static
const char *sw_reader_path(const struct sw_reader *r);   // borrow
const struct sw_schema *sw_reader_schema(const struct sw_reader *r);
struct sw_row_count sw_reader_rows(const struct sw_reader *r); // costs nothing
// How far the table has been indexed or unpacked, 0 to 1; 1 means rows are exact and any row is one seek away.
double sw_reader_indexed(const struct sw_reader *r);
// Indexes at least `bytes` more of the file (so that a worker can report progress and be cancelled between calls). Sets
// *done once the whole file has been seen: from then on the row count is exact and the file known to be whole.
enum sw_code sw_reader_index(struct sw_reader *r, int64_t bytes, bool *done, struct sw_err *err);
// Indexes to the end and returns the exact number of rows.
enum sw_code sw_reader_count(struct sw_reader *r, int64_t *rows, struct sw_err *err);
// Fills `batch` (freed and replaced). A range past the end gives fewer or no rows, not an error. SW_INVALID for damage,
// SW_LIMIT when the batch would exceed 1 GiB. Thread rule: one thread at a time per reader; open the file once more for
// another thread.
enum sw_code sw_reader_read(struct sw_reader *r, const struct sw_read *what, struct sw_batch *batch,
                            struct sw_err *err);

// The formats, one row each: what `data ls --formats`, the manual and the open dialog show. A new format is a file with
// such a row and a line in the table of reader.c.
struct sw_format {
    const char *name;
    const char *extensions; // "csv tsv txt", without dots; compressed forms add ".gz"
    const char *summary;
    // Likelihood 0 to 100 that this format reads a file named `name` (".gz" removed) that starts with these bytes
    // (unpacked). 0 = certainly not.
    int (*sniff)(const char *name, const uint8_t *head, size_t len);
    // `source` is taken in every case (freed on failure).
    enum sw_code (*open)(struct sw_source *source, const struct sw_reader_options *options, struct sw_reader **out,
                         struct sw_err *err);
};
extern const struct sw_format *const sw_formats[]; // NULL-terminated
const struct sw_format *sw_format_find(const char *name);

#endif
