// SPDX-License-Identifier: Apache-2.0
// CSV and TSV as a table. Rows are found again through a sparse index: the offset of every stride-th row, noted as rows
// are passed. When the index is full the stride doubles, so that any file fits in SW_CSV_MAX_MARKS marks.
#include "core/data/csv_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SW_CSV_MAX_MARKS
#define SW_CSV_MAX_MARKS (1 << 20)
#endif
#ifndef SW_CSV_STRIDE
#define SW_CSV_STRIDE 256
#endif

struct mark {
    int64_t offset;
    int64_t line;
};

struct csv_reader {
    struct sw_reader base;
    struct csv_dialect dialect;
    locale_t c_locale;
    struct csv_scan scan;
    struct csv_cell cell;
    struct mark *marks; // marks[i] is the start of row i * stride
    size_t mark_count, mark_cap;
    int64_t stride;
    int64_t next_row; // the row that the scan stands before
    int64_t frontier; // first row that was never passed; the index is complete up to here
    struct mark frontier_at;
    bool is_complete; // `frontier` is the number of rows
};

static struct csv_reader *csv_of(const struct sw_reader *base)
{
    return (struct csv_reader *)base;
}

static int csv_sniff(const char *name, const uint8_t *head, size_t len)
{
    const char *dot = strrchr(name, '.');
    bool is_named = dot != NULL && (strcasecmp(dot, ".csv") == 0 || strcasecmp(dot, ".tsv") == 0);
    if (is_named)
        return 80;
    if (memchr(head, 0, len) != NULL || head[0] == '{' || head[0] == '[' || head[0] == '<')
        return 0;
    // Text without a telling name: a table when its first line has a delimiter.
    const uint8_t *end = memchr(head, '\n', len);
    if (end == NULL)
        return 0;
    bool is_text_name = dot != NULL && (strcasecmp(dot, ".txt") == 0 || strcasecmp(dot, ".data") == 0);
    for (const uint8_t *p = head; p < end; p++)
        if (*p == ',' || *p == '\t' || *p == ';' || *p == '|')
            return is_text_name ? 50 : 20;
    return 0;
}

static enum sw_code add_mark(struct csv_reader *r, struct mark at, struct sw_err *err)
{
    if (r->mark_count == SW_CSV_MAX_MARKS) {
        for (size_t i = 0; i < r->mark_count / 2; i++)
            r->marks[i] = r->marks[i * 2];
        r->mark_count /= 2;
        r->stride *= 2; // which divides the new mark's row too, since the maximum is even
    }
    if (r->mark_count == r->mark_cap) {
        size_t cap = r->mark_cap > 0 ? r->mark_cap * 2 : 64;
        struct mark *grown = realloc(r->marks, cap * sizeof *grown);
        if (grown == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory for the row index of %s", r->base.path);
        r->marks = grown;
        r->mark_cap = cap;
    }
    r->marks[r->mark_count++] = at;
    return SW_OK;
}

// The scan stands before row `frontier`: notes it. Called once a row, in order.
static enum sw_code note_frontier(struct csv_reader *r, struct sw_err *err)
{
    r->frontier_at = (struct mark){.offset = csv_scan_offset(&r->scan), .line = r->scan.line};
    return r->frontier % r->stride == 0 ? add_mark(r, r->frontier_at, err) : SW_OK;
}

// To be called when the scan has passed a row.
static enum sw_code passed_row(struct csv_reader *r, struct sw_err *err)
{
    if (r->scan.code != SW_OK)
        return r->scan.code;
    if (r->next_row++ != r->frontier)
        return SW_OK;
    r->frontier++;
    return note_frontier(r, err);
}

// Steps to the next row; false at the end of the table, which completes the index, or after a failure.
static bool at_row(struct csv_reader *r)
{
    if (csv_scan_row(&r->scan))
        return true;
    if (r->scan.code == SW_OK && r->next_row == r->frontier)
        r->is_complete = true;
    return false;
}

// Places the scan before row `row`, or at the end when there is no such row. A row just passed costs nothing, any other
// at most a stride of rows; what was never indexed is indexed on the way.
static enum sw_code seek_row(struct csv_reader *r, int64_t row, struct sw_err *err)
{
    r->scan.err = err;
    if (row != r->next_row || r->scan.code != SW_OK) {
        int64_t from = row < r->frontier ? row - row % r->stride : r->frontier;
        struct mark at = row < r->frontier ? r->marks[row / r->stride] : r->frontier_at;
        if (r->next_row < from || r->next_row > row || r->scan.code != SW_OK) {
            csv_scan_seek(&r->scan, at.offset, at.line);
            r->next_row = from;
        }
    }
    while (r->next_row < row && at_row(r)) {
        csv_scan_skip_row(&r->scan);
        enum sw_code code = passed_row(r, err);
        if (code != SW_OK)
            return code;
    }
    return r->scan.code;
}

// --- reading ---

// One read: where the cells of each column go and what happens to rows that are not as they should be.
struct filler {
    struct csv_reader *r;
    const struct sw_read *what;
    struct sw_batch *batch;
    const int *slots; // column -> vector, -1 when not wanted
    struct sw_err *err;
};

static enum sw_code problem(struct filler *f, int64_t line, size_t row, const char *message, const char *hint)
{
    if (f->what->is_strict) {
        (void)sw_err_set(f->err, SW_INVALID, "%s line %lld: %s", f->r->base.path, (long long)line, message);
        return sw_err_hint(f->err, "%s", hint);
    }
    if (f->batch->problem_count < SW_BATCH_MAX_PROBLEMS) {
        struct sw_row_problem *p = &f->batch->problems[f->batch->problem_count];
        *p = (struct sw_row_problem){.row = f->what->first + (int64_t)row, .line = line};
        snprintf(p->message, sizeof p->message, "%s", message);
    }
    f->batch->problem_count++;
    return SW_OK;
}

static enum sw_code bad_value(struct filler *f, const struct sw_column *c, int64_t line, size_t row)
{
    char message[200];
    const struct sw_buf *text = &f->r->cell.text;
    snprintf(message, sizeof message, "column %.64s: '%.*s' is not %s", c->name, (int)(text->len < 40 ? text->len : 40),
             text->data, c->type == SW_DATA_INT ? "a whole number" : "a number");
    return problem(f, line, row, message, "correct the cell, leave it empty, or read the column as text");
}

static size_t cut_at_character(const char *text, size_t len)
{
    size_t at = len;
    while (at > 0 && len - at < 4 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
        at--;
    // `at` is behind the lead byte of the last character, if there is one: drop it only when it is not whole.
    if (at == 0 || len - at > 3 || (unsigned char)text[at - 1] < 0xc0)
        return len;
    unsigned char lead = (unsigned char)text[at - 1];
    size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return len - (at - 1) < need ? at - 1 : len;
}

static enum sw_code put_cell(struct filler *f, size_t vector, size_t row, int64_t line)
{
    struct sw_vector *v = &f->batch->vectors[vector];
    const struct csv_cell *cell = &f->r->cell;
    const char *text = cell->text.data;
    size_t len = cell->text.len;
    if (v->column->type == SW_DATA_TEXT) {
        if (len == 0 && !cell->is_quoted) {
            sw_batch_set_null(f->batch, vector, row);
            return SW_OK;
        }
        size_t kept = cell->full_len > len ? cut_at_character(text, len) : len;
        sw_batch_add_text(f->batch, vector, row, text, kept, cell->full_len);
        return SW_OK;
    }
    bool is_ok = cell->full_len == len &&
                 (v->column->type == SW_DATA_INT ? csv_parse_int(text, len, &v->ints[row])
                                                 : csv_parse_real(text, len, f->r->c_locale, &v->reals[row]));
    if (is_ok)
        return SW_OK;
    sw_batch_set_null(f->batch, vector, row);
    return csv_is_null_number(text, len) ? SW_OK : bad_value(f, v->column, line, row);
}

static enum sw_code ragged(struct filler *f, int64_t line, size_t row, size_t fields)
{
    char message[200];
    size_t columns = f->r->base.schema.count;
    snprintf(message, sizeof message, "%zu fields where the table has %zu columns", fields, columns);
    return problem(f, line, row, message,
                   "a delimiter inside a field needs quotes around the field; or give --delimiter");
}

static enum sw_code read_row(struct filler *f, size_t row)
{
    struct csv_reader *r = f->r;
    size_t columns = r->base.schema.count;
    int64_t line = r->scan.line;
    size_t fields = 0;
    bool is_bad_quote = false;
    enum csv_end end = CSV_END_FIELD;
    while (end == CSV_END_FIELD) {
        int vector = fields < columns ? f->slots[fields] : -1;
        if (vector >= 0)
            r->cell.limit = f->batch->vectors[vector].column->type != SW_DATA_TEXT ? SW_CSV_MAX_NUMBER
                            : f->what->cell_limit_bytes > 0                        ? f->what->cell_limit_bytes
                                                                                   : SW_BATCH_MAX_BYTES;
        end = csv_scan_field(&r->scan, vector >= 0 ? &r->cell : NULL);
        fields++;
        if (r->scan.code != SW_OK)
            return r->scan.code;
        if (vector < 0)
            continue;
        enum sw_code code = sw_buf_check(&r->cell.text, "a cell", f->err);
        if (code == SW_OK)
            code = put_cell(f, (size_t)vector, row, line);
        if (code != SW_OK)
            return code;
        is_bad_quote |= r->cell.is_bad;
    }
    for (size_t c = fields; c < columns; c++)
        if (f->slots[c] >= 0)
            sw_batch_set_null(f->batch, (size_t)f->slots[c], row);
    if (is_bad_quote)
        return problem(f, line, row, "a quoted field does not end at its closing quote",
                       "a quote inside a quoted field is written twice");
    return fields == columns ? SW_OK : ragged(f, line, row, fields);
}

static enum sw_code read_rows(struct filler *f, struct sw_err *err)
{
    struct csv_reader *r = f->r;
    size_t row = 0;
    while (row < f->what->rows && at_row(r)) {
        enum sw_code code = read_row(f, row);
        if (code == SW_OK)
            code = passed_row(r, err);
        if (code != SW_OK) {
            r->next_row = -1; // somewhere inside a row: the next read seeks
            return code;
        }
        row++;
    }
    return r->scan.code == SW_OK ? sw_batch_end(f->batch, r->base.path, row, err) : r->scan.code;
}

// Without a complete index the rows asked for may not exist; no more are made room for than the bytes left can hold.
static size_t possible_rows(const struct csv_reader *r, const struct sw_read *what)
{
    bool is_exact = false;
    int64_t left = sw_source_size(r->base.source, &is_exact) - csv_scan_offset(&r->scan);
    if (!is_exact || left < 0)
        return what->rows;
    // The shortest row is one letter and a line end; the last may lack the line end.
    uint64_t most = (uint64_t)left / 2 + 1;
    return most < what->rows ? (size_t)most : what->rows;
}

static enum sw_code csv_read(struct sw_reader *base, const struct sw_read *what, struct sw_batch *b, struct sw_err *err)
{
    struct csv_reader *r = csv_of(base);
    int *slots = calloc(base->schema.count, sizeof *slots);
    if (slots == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", base->path);
    for (size_t i = 0; i < base->schema.count; i++)
        slots[i] = -1;
    for (size_t i = 0; i < what->column_count; i++)
        slots[what->columns[i]] = (int)i;
    enum sw_code code = seek_row(r, what->first, err);
    struct sw_read possible = *what;
    possible.rows = possible_rows(r, what);
    if (code == SW_OK)
        code = sw_batch_begin(b, base, what, possible.rows, err);
    if (code == SW_OK) {
        struct filler f = {.r = r, .what = &possible, .batch = b, .slots = slots, .err = err};
        code = r->next_row == what->first ? read_rows(&f, err) : sw_batch_end(b, base->path, 0, err);
    }
    free(slots);
    return code;
}

// --- index ---

static struct sw_row_count csv_rows(const struct sw_reader *base)
{
    const struct csv_reader *r = csv_of(base);
    if (r->is_complete)
        return (struct sw_row_count){.rows = r->frontier, .is_known = true, .is_exact = true};
    bool ignored = false;
    int64_t passed = r->frontier_at.offset - r->dialect.body;
    double row_bytes = passed > 0 ? (double)passed / (double)r->frontier : r->dialect.row_bytes;
    if (row_bytes <= 0)
        return (struct sw_row_count){0};
    double left = (double)(sw_source_size(base->source, &ignored) - r->dialect.body);
    return (struct sw_row_count){.rows = left > 0 ? (int64_t)(left / row_bytes) : 0, .is_known = true};
}

static double csv_indexed(const struct sw_reader *base)
{
    const struct csv_reader *r = csv_of(base);
    if (r->is_complete)
        return 1.0;
    bool ignored = false;
    int64_t size = sw_source_size(base->source, &ignored);
    double share = size > 0 ? (double)r->frontier_at.offset / (double)size : 0;
    return share < 0.999 ? share : 0.999;
}

static enum sw_code csv_index(struct sw_reader *base, int64_t bytes, bool *done, struct sw_err *err)
{
    struct csv_reader *r = csv_of(base);
    enum sw_code code = r->is_complete ? SW_OK : seek_row(r, r->frontier, err);
    int64_t until = r->frontier_at.offset + bytes;
    while (code == SW_OK && !r->is_complete && csv_scan_offset(&r->scan) < until && at_row(r)) {
        csv_scan_skip_row(&r->scan);
        code = passed_row(r, err);
    }
    if (code == SW_OK)
        code = r->scan.code;
    if (code == SW_OK)
        *done = r->is_complete;
    return code;
}

static void csv_free(struct sw_reader *base)
{
    struct csv_reader *r = csv_of(base);
    csv_scan_free(&r->scan);
    sw_buf_free(&r->cell.text);
    free(r->marks);
    if (r->c_locale != (locale_t)0)
        freelocale(r->c_locale);
}

static const struct sw_reader_ops csv_ops = {
    .rows = csv_rows, .indexed = csv_indexed, .index = csv_index, .read = csv_read, .free = csv_free};

static enum sw_code csv_start(struct csv_reader *r, const struct sw_reader_options *options, struct sw_err *err)
{
    sw_buf_init(&r->cell.text, SW_BATCH_MAX_BYTES);
    r->stride = SW_CSV_STRIDE;
    r->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (r->c_locale == (locale_t)0)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->base.path);
    enum sw_code code = csv_sniff_source(&r->base, options, r->c_locale, &r->dialect, err);
    if (code == SW_OK)
        code = csv_scan_init(&r->scan, r->base.source, r->dialect.delimiter, err);
    if (code != SW_OK)
        return code;
    r->scan.err = err;
    csv_scan_seek(&r->scan, r->dialect.body, r->dialect.body_line);
    return note_frontier(r, err);
}

static enum sw_code csv_open(struct sw_source *source, const struct sw_reader_options *options, struct sw_reader **out,
                             struct sw_err *err)
{
    struct sw_reader *base = NULL;
    enum sw_code code =
        sw_reader_new(sizeof(struct csv_reader), &csv_ops, "csv", sw_source_path(source), source, &base, err);
    if (code != SW_OK) {
        sw_source_free(source);
        return code;
    }
    code = csv_start(csv_of(base), options, err);
    if (code != SW_OK) {
        sw_reader_free(base);
        return code;
    }
    *out = base;
    return SW_OK;
}

const struct sw_format sw_format_csv = {
    .name = "csv",
    .extensions = "csv tsv txt data",
    .summary = "text tables: comma, tab, semicolon or bar between fields",
    .sniff = csv_sniff,
    .open = csv_open,
};
