// SPDX-License-Identifier: Apache-2.0
// IDX, the format of MNIST and its kin: two zero bytes, a type, a number of dimensions, the dimensions as big-endian
// 32-bit numbers, then the values in C order. Source: "THE IDX FILE FORMAT", yann.lecun.com/exdb/mnist. The first
// dimension counts rows; the file is one column.
#include "core/data/reader_internal.h"

#include <stdio.h>
#include <string.h>

enum { HEADER_MAX = 4 + 4 * (SW_DATA_MAX_RANK + 1) };

struct idx_type {
    uint8_t code;
    const char *name;
    size_t bytes;
    enum sw_data_type scalar;
    enum sw_data_element tensor; // the element that holds every value exactly
};
static const struct idx_type idx_types[] = {
    {0x08, "uint8", 1, SW_DATA_INT, SW_ELEMENT_F32},    {0x09, "int8", 1, SW_DATA_INT, SW_ELEMENT_F32},
    {0x0b, "int16", 2, SW_DATA_INT, SW_ELEMENT_F32},    {0x0c, "int32", 4, SW_DATA_INT, SW_ELEMENT_F64},
    {0x0d, "float32", 4, SW_DATA_REAL, SW_ELEMENT_F32}, {0x0e, "float64", 8, SW_DATA_REAL, SW_ELEMENT_F64},
};

struct idx_reader {
    struct sw_reader base;
    const struct idx_type *type;
    int64_t rows;
    int64_t header_bytes;
    int64_t row_bytes;
};

static const struct idx_type *type_of(uint8_t code)
{
    for (size_t i = 0; i < sizeof idx_types / sizeof *idx_types; i++)
        if (idx_types[i].code == code)
            return &idx_types[i];
    return NULL;
}

static int idx_sniff(const char *name, const uint8_t *head, size_t len)
{
    if (len >= 4 && head[0] == 0 && head[1] == 0 && type_of(head[2]) != NULL && head[3] > 0)
        return 90;
    // A damaged file is better explained by this format than by none.
    const char *dot = strrchr(name, '.');
    return strstr(name, "-idx") != NULL || strstr(name, ".idx") != NULL || (dot != NULL && strcmp(dot, ".idx") == 0)
               ? 30
               : 0;
}

static uint32_t big_endian_32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t big_endian_64(const uint8_t *p)
{
    return (uint64_t)big_endian_32(p) << 32 | big_endian_32(p + 4);
}

static enum sw_code bad_header(const char *path, struct sw_err *err, const char *what)
{
    (void)sw_err_set(err, SW_INVALID, "%s: %s", path, what);
    return sw_err_hint(err, "an IDX file begins with 00 00, a type (08 09 0b 0c 0d 0e) and a number of dimensions");
}

static enum sw_code check_magic(const char *path, const uint8_t *head, size_t len, struct sw_err *err)
{
    char what[120];
    if (len < 4)
        return bad_header(path, err, "the IDX header is cut short at byte 0");
    if (head[0] != 0 || head[1] != 0 || type_of(head[2]) == NULL) {
        snprintf(what, sizeof what, "wrong IDX magic %02x %02x %02x %02x at byte 0", head[0], head[1], head[2],
                 head[3]);
        return bad_header(path, err, what);
    }
    int dimensions = head[3];
    if (dimensions == 0)
        return bad_header(path, err, "the IDX header at byte 3 states no dimensions");
    if (dimensions > SW_DATA_MAX_RANK + 1)
        return sw_err_set(err, SW_UNSUPPORTED, "%s has %d dimensions, at most %d can be read", path, dimensions,
                          SW_DATA_MAX_RANK + 1);
    if (len < 4 + 4 * (size_t)dimensions)
        return bad_header(path, err, "the IDX header is cut short before its dimensions end");
    return SW_OK;
}

// {height, width} and {height, width, 1|3|4} of bytes are images; other shapes are plain numbers.
static bool is_image(const struct idx_type *type, int rank, const int64_t *shape)
{
    return type->code == 0x08 && (rank == 2 || (rank == 3 && (shape[2] == 1 || shape[2] == 3 || shape[2] == 4)));
}

static void fill_column(struct sw_column *c, const struct idx_type *type, int rank, const int64_t *shape, int64_t cells)
{
    c->rank = rank;
    c->cell_size = cells;
    memcpy(c->shape, shape, (size_t)rank * sizeof *shape);
    if (rank == 0) {
        c->name = "value";
        c->type = type->scalar;
        c->element = type->scalar == SW_DATA_INT ? SW_ELEMENT_I64 : SW_ELEMENT_F64;
    } else if (is_image(type, rank, shape)) {
        c->name = "image";
        c->type = SW_DATA_IMAGE;
        c->element = SW_ELEMENT_U8;
    } else {
        c->name = "values";
        c->type = SW_DATA_TENSOR;
        c->element = type->tensor;
    }
}

// Dimensions and the sizes that follow from them, all by checked arithmetic.
static enum sw_code read_dimensions(struct idx_reader *r, const uint8_t *head, struct sw_err *err)
{
    int rank = head[3] - 1;
    int64_t shape[SW_DATA_MAX_RANK] = {0};
    int64_t cells = 1, total = 0;
    bool overflows = false;
    r->type = type_of(head[2]);
    r->rows = big_endian_32(head + 4);
    r->header_bytes = 4 + 4 * (int64_t)head[3];
    for (int i = 0; i < rank; i++) {
        shape[i] = big_endian_32(head + 8 + 4 * i);
        if (shape[i] == 0)
            return bad_header(r->base.path, err, "a dimension in the IDX header is 0");
        overflows |= __builtin_mul_overflow(cells, shape[i], &cells);
    }
    overflows |= __builtin_mul_overflow(cells, (int64_t)r->type->bytes, &r->row_bytes);
    overflows |= __builtin_mul_overflow(r->row_bytes, r->rows, &total);
    overflows |= __builtin_add_overflow(total, r->header_bytes, &total);
    if (overflows)
        return bad_header(r->base.path, err, "the dimensions in the IDX header multiply to more than 2^63 bytes");
    struct sw_column *column = sw_arena_alloc(r->base.arena, sizeof *column);
    if (column == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->base.path);
    fill_column(column, r->type, rank, shape, cells);
    r->base.schema = (struct sw_schema){.columns = column, .count = 1};
    return sw_source_state_size(r->base.source, total, err);
}

// Bytes as the file has them (big-endian) to the column's element.
static void convert(const struct idx_type *type, const uint8_t *from, size_t n, struct sw_vector *v)
{
    if (v->bytes != NULL) {
        memcpy(v->bytes, from, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = from + i * type->bytes;
        int64_t whole = 0;
        double real = 0;
        switch (type->code) {
        case 0x08:
            whole = p[0];
            break;
        case 0x09:
            whole = p[0] < 128 ? p[0] : p[0] - 256;
            break;
        case 0x0b:
            whole = (int16_t)((unsigned)p[0] << 8 | p[1]);
            break;
        case 0x0c:
            whole = (int32_t)big_endian_32(p);
            break;
        case 0x0d: {
            uint32_t bits = big_endian_32(p);
            float single = 0;
            memcpy(&single, &bits, sizeof single);
            real = (double)single;
            break;
        }
        default: {
            uint64_t bits = big_endian_64(p);
            memcpy(&real, &bits, sizeof real);
        }
        }
        if (type->scalar == SW_DATA_INT)
            real = (double)whole;
        if (v->ints != NULL)
            v->ints[i] = whole;
        else if (v->reals != NULL)
            v->reals[i] = real;
        else
            v->floats[i] = (float)real;
    }
}

// Reads and converts in blocks so that the raw bytes never exist as a second whole copy.
static enum sw_code fill_vector(struct idx_reader *r, int64_t first, size_t rows, struct sw_vector *v,
                                struct sw_err *err)
{
    uint8_t block[16384];
    size_t unit = r->type->bytes;
    size_t cells = rows * (size_t)v->column->cell_size;
    int64_t offset = r->header_bytes + first * r->row_bytes;
    struct sw_vector at = *v;
    for (size_t done = 0; done < cells;) {
        size_t n = cells - done < sizeof block / unit ? cells - done : sizeof block / unit;
        size_t got = 0;
        enum sw_code code = sw_source_read(r->base.source, offset, block, n * unit, &got, err);
        if (code != SW_OK)
            return code;
        if (got < n * unit)
            return sw_err_set(err, SW_INVALID, "%s ends at byte %lld, in the middle of row %lld", r->base.path,
                              (long long)(offset + (int64_t)got),
                              (long long)((offset - r->header_bytes) / r->row_bytes));
        convert(r->type, block, n, &at);
        at.ints = at.ints != NULL ? at.ints + n : NULL;
        at.reals = at.reals != NULL ? at.reals + n : NULL;
        at.floats = at.floats != NULL ? at.floats + n : NULL;
        at.bytes = at.bytes != NULL ? at.bytes + n : NULL;
        offset += (int64_t)(n * unit);
        done += n;
    }
    return SW_OK;
}

static struct sw_row_count idx_rows(const struct sw_reader *base)
{
    const struct idx_reader *r = (const struct idx_reader *)base;
    return (struct sw_row_count){.rows = r->rows, .is_known = true, .is_exact = true};
}

static double idx_indexed(const struct sw_reader *base)
{
    return sw_source_unpacked(base->source);
}

static enum sw_code idx_index(struct sw_reader *base, int64_t bytes, bool *done, struct sw_err *err)
{
    return sw_source_unpack(base->source, bytes, done, err);
}

static enum sw_code idx_read(struct sw_reader *base, const struct sw_read *what, struct sw_batch *b, struct sw_err *err)
{
    struct idx_reader *r = (struct idx_reader *)base;
    enum sw_code code = sw_batch_begin(b, base, what, what->rows, err);
    for (size_t i = 0; i < b->vector_count && code == SW_OK; i++)
        code = fill_vector(r, what->first, what->rows, &b->vectors[i], err);
    return code == SW_OK ? sw_batch_end(b, base->path, what->rows, err) : code;
}

static const struct sw_reader_ops idx_ops = {
    .rows = idx_rows, .indexed = idx_indexed, .index = idx_index, .read = idx_read};

static enum sw_code idx_open(struct sw_source *source, const struct sw_reader_options *options, struct sw_reader **out,
                             struct sw_err *err)
{
    (void)options; // none apply: the header says everything
    uint8_t head[HEADER_MAX];
    size_t len = 0;
    struct sw_reader *base = NULL;
    enum sw_code code = sw_source_read(source, 0, head, sizeof head, &len, err);
    if (code == SW_OK)
        code = check_magic(sw_source_path(source), head, len, err);
    if (code == SW_OK)
        code = sw_reader_new(sizeof(struct idx_reader), &idx_ops, "idx", sw_source_path(source), source, &base, err);
    if (code != SW_OK) {
        sw_source_free(source);
        return code;
    }
    code = read_dimensions((struct idx_reader *)base, head, err);
    if (code != SW_OK) {
        sw_reader_free(base);
        return code;
    }
    *out = base;
    return SW_OK;
}

const struct sw_format sw_format_idx = {
    .name = "idx",
    .extensions = "idx idx1-ubyte idx3-ubyte",
    .summary = "IDX arrays, as MNIST and its kin are published",
    .sniff = idx_sniff,
    .open = idx_open,
};
