// SPDX-License-Identifier: Apache-2.0
// Several readers with the same rows side by side as one: each part is asked for its own columns and the vectors are
// handed on as they are.
#include "core/data/reader_internal.h"

#include <stdlib.h>

// Where a column comes from.
struct origin {
    size_t part;
    int column;
};

struct joined_reader {
    struct sw_reader base;
    struct sw_reader *parts[SW_JOINED_MAX_PARTS];
    size_t part_count;
    struct origin *origins; // one for each column
};

static struct joined_reader *joined_of(const struct sw_reader *base)
{
    return (struct joined_reader *)base;
}

static struct sw_row_count joined_rows(const struct sw_reader *base)
{
    return sw_reader_rows(joined_of(base)->parts[0]);
}

static double joined_indexed(const struct sw_reader *base)
{
    const struct joined_reader *r = joined_of(base);
    double least = 1.0;
    for (size_t i = 0; i < r->part_count; i++) {
        double share = sw_reader_indexed(r->parts[i]);
        least = share < least ? share : least;
    }
    return least;
}

static enum sw_code joined_index(struct sw_reader *base, int64_t bytes, bool *done, struct sw_err *err)
{
    struct joined_reader *r = joined_of(base);
    bool all = true;
    for (size_t i = 0; i < r->part_count; i++) {
        bool part_done = false;
        enum sw_code code = sw_reader_index(r->parts[i], bytes, &part_done, err);
        if (code != SW_OK)
            return code;
        all &= part_done;
    }
    *done = all;
    return SW_OK;
}

// Asks one part for its share of the projection and moves the vectors to their places in `b`.
static enum sw_code read_part(struct joined_reader *r, size_t part, const struct sw_read *what, struct sw_batch *own,
                              struct sw_batch *b, struct sw_err *err)
{
    int *columns = malloc((what->column_count + 1) * sizeof *columns);
    if (columns == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", r->base.path);
    struct sw_read share = *what;
    share.columns = columns;
    share.column_count = 0;
    for (size_t i = 0; i < what->column_count; i++)
        if (r->origins[what->columns[i]].part == part)
            columns[share.column_count++] = r->origins[what->columns[i]].column;
    enum sw_code code = SW_OK;
    if (share.column_count > 0)
        code = sw_reader_read(r->parts[part], &share, own, err);
    free(columns);
    if (code != SW_OK || share.column_count == 0)
        return code;
    size_t next = 0;
    for (size_t i = 0; i < what->column_count; i++)
        if (r->origins[what->columns[i]].part == part) {
            b->vectors[i] = own->vectors[next++];
            b->vectors[i].column = &r->base.schema.columns[what->columns[i]];
        }
    own->vector_count = 0; // the arrays belong to `b` now
    b->rows = own->rows;
    for (size_t i = 0; i < own->problem_count && i < SW_BATCH_MAX_PROBLEMS; i++)
        if (b->problem_count + i < SW_BATCH_MAX_PROBLEMS)
            b->problems[b->problem_count + i] = own->problems[i];
    b->problem_count += own->problem_count;
    return SW_OK;
}

static enum sw_code joined_read(struct sw_reader *base, const struct sw_read *what, struct sw_batch *b,
                                struct sw_err *err)
{
    struct joined_reader *r = joined_of(base);
    b->vectors = calloc(what->column_count + 1, sizeof *b->vectors);
    if (b->vectors == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", base->path);
    b->vector_count = what->column_count;
    b->rows = what->rows;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < r->part_count && code == SW_OK; i++) {
        struct sw_batch own = {0};
        code = read_part(r, i, what, &own, b, err);
        sw_batch_free(&own);
    }
    return code;
}

static void joined_free(struct sw_reader *base)
{
    struct joined_reader *r = joined_of(base);
    for (size_t i = 0; i < r->part_count; i++)
        sw_reader_free(r->parts[i]);
}

static const struct sw_reader_ops joined_ops = {
    .rows = joined_rows, .indexed = joined_indexed, .index = joined_index, .read = joined_read, .free = joined_free};

static const char *const *copy_names(struct sw_arena *a, const char *const *names, size_t count)
{
    const char **out = sw_arena_array(a, count, sizeof *out);
    for (size_t i = 0; out != NULL && i < count; i++)
        if ((out[i] = sw_arena_strdup(a, names[i])) == NULL)
            return NULL;
    return out;
}

static enum sw_code copy_columns(struct joined_reader *r, struct sw_reader **parts,
                                 const struct sw_joined_column *columns, size_t count, struct sw_err *err)
{
    struct sw_arena *a = r->base.arena;
    struct sw_column *schema = sw_arena_array(a, count, sizeof *schema);
    r->origins = sw_arena_array(a, count, sizeof *r->origins);
    bool ok = schema != NULL && r->origins != NULL;
    for (size_t i = 0; i < count && ok; i++) {
        r->origins[i] = (struct origin){.part = columns[i].part, .column = columns[i].column};
        schema[i] = sw_reader_schema(parts[columns[i].part])->columns[columns[i].column];
        schema[i].name = sw_arena_strdup(a, columns[i].name);
        if (columns[i].class_count > 0) {
            schema[i].class_names = copy_names(a, columns[i].class_names, columns[i].class_count);
            schema[i].class_count = columns[i].class_count;
            ok = schema[i].class_names != NULL;
        }
        ok = ok && schema[i].name != NULL;
    }
    r->base.schema = (struct sw_schema){.columns = schema, .count = count};
    return ok ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->base.path);
}

enum sw_code sw_reader_join(const char *path, struct sw_reader **parts, size_t part_count,
                            const struct sw_joined_column *columns, size_t column_count, struct sw_reader **out,
                            struct sw_err *err)
{
    for (size_t i = 0; i < part_count; i++) {
        struct sw_row_count a = sw_reader_rows(parts[0]), b = sw_reader_rows(parts[i]);
        if (!b.is_exact)
            return sw_err_set(err, SW_UNSUPPORTED, "%s does not state its number of rows", sw_reader_path(parts[i]));
        if (a.rows == b.rows)
            continue;
        (void)sw_err_set(err, SW_INVALID, "%s has %lld rows, %s has %lld", sw_reader_path(parts[0]), (long long)a.rows,
                         sw_reader_path(parts[i]), (long long)b.rows);
        return sw_err_hint(err, "the two belong together row by row: one of them is another file than it should be");
    }
    struct sw_reader *base = NULL;
    enum sw_code code =
        sw_reader_new(sizeof(struct joined_reader), &joined_ops, sw_reader_format(parts[0]), path, NULL, &base, err);
    if (code != SW_OK)
        return code;
    struct joined_reader *r = joined_of(base);
    code = copy_columns(r, parts, columns, column_count, err);
    if (code != SW_OK) {
        sw_reader_free(base);
        return code;
    }
    for (size_t i = 0; i < part_count; i++)
        r->parts[i] = parts[i];
    r->part_count = part_count;
    *out = base;
    return SW_OK;
}
