// SPDX-License-Identifier: Apache-2.0
// Shared by the fuzz targets of core/data: runs one format over bytes in an anonymous file.
#ifndef SW_TESTS_FUZZ_DATA_H
#define SW_TESTS_FUZZ_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/data/reader_internal.h"

static size_t fuzz_cell_bytes(const struct sw_column *c)
{
    return (size_t)c->cell_size * (c->element == SW_ELEMENT_U8 ? 1 : c->element == SW_ELEMENT_F32 ? 4 : 8);
}

static const void *fuzz_values(const struct sw_vector *v)
{
    return v->ints != NULL     ? (const void *)v->ints
           : v->reals != NULL  ? (const void *)v->reals
           : v->floats != NULL ? (const void *)v->floats
                               : (const void *)v->bytes;
}

// Row `row` of `all` and the first row of `one` are the same bytes.
static void fuzz_compare(const struct sw_batch *all, size_t row, const struct sw_batch *one)
{
    for (size_t c = 0; c < all->vector_count; c++) {
        const struct sw_vector *a = &all->vectors[c], *b = &one->vectors[c];
        if (sw_vector_is_null(a, row) != sw_vector_is_null(b, 0))
            abort();
        if (a->offsets != NULL) {
            uint64_t len = a->offsets[row + 1] - a->offsets[row];
            if (len != b->offsets[1] || a->full_lengths[row] != b->full_lengths[0] ||
                (len > 0 && memcmp(a->text + a->offsets[row], b->text, (size_t)len) != 0))
                abort();
            continue;
        }
        size_t bytes = fuzz_cell_bytes(a->column);
        if (memcmp((const char *)fuzz_values(a) + row * bytes, fuzz_values(b), bytes) != 0)
            abort();
    }
}

static void fuzz_rows(struct sw_reader *r)
{
    enum { MOST = 64 };
    struct sw_err err = {0};
    struct sw_batch all = {0}, one = {0};
    struct sw_read what = {.rows = MOST, .cell_limit_bytes = 100};
    if (sw_reader_read(r, &what, &all, &err) == SW_OK)
        for (size_t row = all.rows; row-- > 0;) {
            struct sw_read single = {.first = (int64_t)row, .rows = 1, .cell_limit_bytes = 100};
            if (sw_reader_read(r, &single, &one, &err) != SW_OK || one.rows != 1)
                abort();
            fuzz_compare(&all, row, &one);
        }
    int64_t rows = 0;
    if (sw_reader_count(r, &rows, &err) == SW_OK &&
        (rows < (int64_t)all.rows || (all.rows < MOST && rows != (int64_t)all.rows)))
        abort();
    what.is_strict = true;
    if (sw_reader_read(r, &what, &all, &err) != SW_OK && err.message[0] == '\0')
        abort();
    sw_batch_free(&all);
    sw_batch_free(&one);
}

static void fuzz_format(const char *name, const uint8_t *data, size_t len)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct sw_reader_options options = {.max_unpacked_bytes = 1 << 20};
    struct sw_source *source = NULL;
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    if (sw_source_open(path, options.max_unpacked_bytes, &source, &err) == SW_OK &&
        sw_format_find(name)->open(source, &options, &r, &err) == SW_OK)
        fuzz_rows(r);
    else if (err.message[0] == '\0')
        abort();
    sw_reader_free(r);
    close(fd);
}

#endif
