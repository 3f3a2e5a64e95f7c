// SPDX-License-Identifier: Apache-2.0
// Batches: typed columns for a range of rows, allocated up front except for text, which grows while rows are added.
#include "core/data/reader_internal.h"

#include <stdlib.h>
#include <string.h>

// Text columns while they grow; entry i belongs to vector i, which takes the bytes at the end.
struct texts {
    size_t count;
    struct sw_buf buffers[];
};

void sw_batch_free(struct sw_batch *b)
{
    struct texts *t = b->memory;
    for (size_t i = 0; t != NULL && i < t->count; i++)
        sw_buf_free(&t->buffers[i]);
    free(t);
    for (size_t i = 0; i < b->vector_count; i++) {
        struct sw_vector *v = &b->vectors[i];
        free(v->ints);
        free(v->reals);
        free(v->floats);
        free(v->bytes);
        free(v->text);
        free(v->offsets);
        free(v->full_lengths);
        free(v->nulls);
    }
    free(b->vectors);
    *b = (struct sw_batch){0};
}

static const size_t element_bytes[] = {
    [SW_ELEMENT_I64] = 8, [SW_ELEMENT_F64] = 8, [SW_ELEMENT_TEXT] = 16, [SW_ELEMENT_U8] = 1, [SW_ELEMENT_F32] = 4,
};

static bool vector_new(struct sw_vector *v, size_t rows)
{
    size_t cells = rows * (size_t)v->column->cell_size;
    size_t n = cells > 0 ? cells : 1;
    void *values = NULL;
    v->nulls = calloc(rows / 8 + 1, 1);
    switch (v->column->element) {
    case SW_ELEMENT_I64:
        values = v->ints = calloc(n, sizeof *v->ints);
        break;
    case SW_ELEMENT_F64:
        values = v->reals = calloc(n, sizeof *v->reals);
        break;
    case SW_ELEMENT_F32:
        values = v->floats = calloc(n, sizeof *v->floats);
        break;
    case SW_ELEMENT_U8:
        values = v->bytes = calloc(n, sizeof *v->bytes);
        break;
    case SW_ELEMENT_TEXT:
        v->offsets = calloc(rows + 1, sizeof *v->offsets);
        values = v->full_lengths = calloc(n, sizeof *v->full_lengths);
        if (v->offsets == NULL)
            return false;
        break;
    }
    return values != NULL && v->nulls != NULL;
}

static enum sw_code check_size(const struct sw_reader *r, const struct sw_read *what, size_t rows, struct sw_err *err)
{
    size_t row_bytes = 0;
    for (size_t i = 0; i < what->column_count; i++) {
        const struct sw_column *c = &r->schema.columns[what->columns[i]];
        size_t bytes = 0;
        if (__builtin_mul_overflow((size_t)c->cell_size, element_bytes[c->element], &bytes) ||
            __builtin_add_overflow(row_bytes, bytes + 1, &row_bytes))
            return sw_err_set(err, SW_LIMIT, "a row of %s is larger than memory can address", r->path);
    }
    if (row_bytes == 0 || rows <= SW_BATCH_MAX_BYTES / row_bytes)
        return SW_OK;
    (void)sw_err_set(err, SW_LIMIT, "%zu rows of %s are more than the %zu MiB that one read may hold", rows, r->path,
                     SW_BATCH_MAX_BYTES >> 20);
    return sw_err_hint(err, "read fewer rows or columns at a time");
}

enum sw_code sw_batch_begin(struct sw_batch *b, const struct sw_reader *r, const struct sw_read *what, size_t rows,
                            struct sw_err *err)
{
    enum sw_code code = check_size(r, what, rows, err);
    if (code != SW_OK)
        return code;
    size_t n = what->column_count;
    struct texts *t = calloc(1, sizeof *t + n * sizeof t->buffers[0]);
    b->memory = t;
    b->vectors = calloc(n > 0 ? n : 1, sizeof *b->vectors);
    if (t == NULL || b->vectors == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", r->path);
    b->vector_count = n;
    t->count = n;
    for (size_t i = 0; i < n; i++) {
        sw_buf_init(&t->buffers[i], SW_BATCH_MAX_BYTES);
        b->vectors[i].column = &r->schema.columns[what->columns[i]];
        if (!vector_new(&b->vectors[i], rows))
            return sw_err_set(err, SW_NO_MEMORY, "out of memory for %zu rows of %s", rows, r->path);
    }
    return SW_OK;
}

void sw_batch_set_null(struct sw_batch *b, size_t vector, size_t row)
{
    struct sw_vector *v = &b->vectors[vector];
    v->nulls[row / 8] = (uint8_t)(v->nulls[row / 8] | (1u << (row % 8)));
    v->null_count++;
    if (v->column->element == SW_ELEMENT_TEXT)
        v->offsets[row + 1] = v->offsets[row];
}

void sw_batch_add_text(struct sw_batch *b, size_t vector, size_t row, const char *text, size_t len, uint64_t full_bytes)
{
    struct texts *t = b->memory;
    struct sw_vector *v = &b->vectors[vector];
    sw_buf_add(&t->buffers[vector], text, len);
    v->offsets[row + 1] = t->buffers[vector].len;
    v->full_lengths[row] = full_bytes;
}

enum sw_code sw_batch_end(struct sw_batch *b, const char *path, size_t rows, struct sw_err *err)
{
    struct texts *t = b->memory;
    for (size_t i = 0; i < b->vector_count; i++) {
        if (b->vectors[i].column->element != SW_ELEMENT_TEXT)
            continue;
        enum sw_code code = sw_buf_check(&t->buffers[i], b->vectors[i].column->name, err);
        if (code != SW_OK) {
            (void)sw_err_wrap(err, "%s", path);
            (void)sw_err_hint(err, "read fewer rows at a time, or set a cell limit");
            return code;
        }
        b->vectors[i].text = sw_buf_take(&t->buffers[i]);
        if (b->vectors[i].text == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", path);
    }
    b->rows = rows;
    return SW_OK;
}
