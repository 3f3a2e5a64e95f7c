// SPDX-License-Identifier: Apache-2.0
// The table of formats and the part of reading that does not depend on one: finding the format, clipping ranges,
// checking projections.
#include "core/data/reader_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/path.h"

const struct sw_format *const sw_formats[] = {&sw_format_idx, &sw_format_csv, NULL};

static const char *const type_words[] = {
    [SW_DATA_INT] = "int",     [SW_DATA_REAL] = "real",     [SW_DATA_TEXT] = "text",
    [SW_DATA_IMAGE] = "image", [SW_DATA_TENSOR] = "tensor",
};

const char *sw_data_type_word(enum sw_data_type type)
{
    return type_words[type];
}

int sw_schema_find(const struct sw_schema *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return (int)i;
    return -1;
}

const struct sw_format *sw_format_find(const char *name)
{
    for (const struct sw_format *const *f = sw_formats; *f != NULL; f++)
        if (strcmp((*f)->name, name) == 0)
            return *f;
    return NULL;
}

static enum sw_code no_format(const char *path, struct sw_err *err)
{
    char known[200] = "";
    size_t used = 0;
    for (const struct sw_format *const *f = sw_formats; *f != NULL; f++) {
        int n = snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", (*f)->name);
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof known)
            break;
    }
    (void)sw_err_set(err, SW_UNSUPPORTED, "%s is in no format that is known here", path);
    return sw_err_hint(err, "formats: %s; convert it, or check that the path is right", known);
}

static enum sw_code pick_format(struct sw_source *source, const struct sw_format **out, struct sw_err *err)
{
    uint8_t head[16384];
    size_t len = 0;
    enum sw_code code = sw_source_read(source, 0, head, sizeof head, &len, err);
    if (code != SW_OK)
        return code;
    if (len == 0) {
        (void)sw_err_set(err, SW_INVALID, "%s is empty", sw_source_path(source));
        return sw_err_hint(err, "check that whatever wrote it has finished");
    }
    int best = 0;
    for (const struct sw_format *const *f = sw_formats; *f != NULL; f++) {
        int score = (*f)->sniff(sw_source_name(source), head, len);
        if (score > best) {
            best = score;
            *out = *f;
        }
    }
    return best > 0 ? SW_OK : no_format(sw_source_path(source), err);
}

enum sw_code sw_reader_open(const char *path, const struct sw_reader_options *options, struct sw_reader **out,
                            struct sw_err *err)
{
    static const struct sw_reader_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    struct sw_source *source = NULL;
    enum sw_code code = sw_source_open(path, options->max_unpacked_bytes, &source, err);
    if (code != SW_OK)
        return code;
    const struct sw_format *format = NULL;
    code = pick_format(source, &format, err);
    if (code != SW_OK) {
        sw_source_free(source);
        return code;
    }
    return format->open(source, options, out, err);
}

enum sw_code sw_reader_new(size_t size, const struct sw_reader_ops *ops, const char *format, const char *path,
                           struct sw_source *source, struct sw_reader **out, struct sw_err *err)
{
    struct sw_reader *r = calloc(1, size);
    char *own_path = strdup(path);
    struct sw_arena *arena = sw_arena_new((size_t)64 << 20);
    if (r == NULL || own_path == NULL || arena == NULL) {
        free(r);
        free(own_path);
        sw_arena_free(arena);
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", path);
    }
    *r = (struct sw_reader){.ops = ops, .format = format, .path = own_path, .source = source, .arena = arena};
    *out = r;
    return SW_OK;
}

void sw_reader_free(struct sw_reader *r)
{
    if (r == NULL)
        return;
    if (r->ops->free != NULL)
        r->ops->free(r);
    sw_source_free(r->source);
    sw_arena_free(r->arena);
    free(r->path);
    free(r);
}

const char *sw_reader_format(const struct sw_reader *r)
{
    return r->format;
}

const char *sw_reader_path(const struct sw_reader *r)
{
    return r->path;
}

const struct sw_schema *sw_reader_schema(const struct sw_reader *r)
{
    return &r->schema;
}

struct sw_row_count sw_reader_rows(const struct sw_reader *r)
{
    return r->ops->rows(r);
}

double sw_reader_indexed(const struct sw_reader *r)
{
    return r->ops->indexed(r);
}

enum sw_code sw_reader_index(struct sw_reader *r, int64_t bytes, bool *done, struct sw_err *err)
{
    return r->ops->index(r, bytes, done, err);
}

enum sw_code sw_reader_count(struct sw_reader *r, int64_t *rows, struct sw_err *err)
{
    for (bool done = false; !done;) {
        enum sw_code code = r->ops->index(r, (int64_t)64 << 20, &done, err);
        if (code != SW_OK)
            return code;
    }
    *rows = r->ops->rows(r).rows;
    return SW_OK;
}

// Fills `all` when no columns were named; checks the names given otherwise.
static enum sw_code check_columns(const struct sw_reader *r, struct sw_read *what, int **all, struct sw_err *err)
{
    size_t count = r->schema.count;
    if (what->columns == NULL) {
        *all = malloc((count > 0 ? count : 1) * sizeof **all);
        if (*all == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", r->path);
        for (size_t i = 0; i < count; i++)
            (*all)[i] = (int)i;
        what->columns = *all;
        what->column_count = count;
        return SW_OK;
    }
    uint8_t *seen = calloc(count > 0 ? count : 1, 1);
    if (seen == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", r->path);
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < what->column_count && code == SW_OK; i++) {
        int c = what->columns[i];
        if (c < 0 || (size_t)c >= count || seen[c])
            code = sw_err_set(err, SW_INVALID, "%s has no column number %d, or it was asked for twice", r->path, c);
        else
            seen[c] = 1;
    }
    free(seen);
    return code;
}

enum sw_code sw_reader_read(struct sw_reader *r, const struct sw_read *what, struct sw_batch *batch, struct sw_err *err)
{
    sw_batch_free(batch);
    if (what->first < 0)
        return sw_err_set(err, SW_INVALID, "%s has no row %lld", r->path, (long long)what->first);
    struct sw_read clipped = *what;
    struct sw_row_count count = r->ops->rows(r);
    if (count.is_known && count.is_exact) {
        int64_t left = what->first < count.rows ? count.rows - what->first : 0;
        if ((uint64_t)left < clipped.rows)
            clipped.rows = (size_t)left;
    }
    int *all = NULL;
    enum sw_code code = check_columns(r, &clipped, &all, err);
    if (code == SW_OK)
        code = r->ops->read(r, &clipped, batch, err);
    if (code != SW_OK)
        sw_batch_free(batch);
    else
        batch->first = what->first;
    free(all);
    return code;
}
