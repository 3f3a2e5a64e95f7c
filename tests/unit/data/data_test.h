// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of core/data: a folder of their own and files written into it.
#ifndef SW_TESTS_DATA_TEST_H
#define SW_TESTS_DATA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "core/base/file.h"
#include "core/base/path.h"
#include "core/data/reader.h"

static char test_dir[] = "/tmp/slipway-data-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    strcpy(test_dir + sizeof test_dir - 7, "XXXXXX");
    return mkdtemp(test_dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    (void)state;
    struct sw_err err = {0};
    return sw_path_remove_tree(test_dir, &err) == SW_OK ? 0 : -1;
}

// The path of a file in the test's folder; valid until eight more were made.
static const char *in_dir(const char *name)
{
    static char paths[8][300];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", test_dir, name);
    return path;
}

static const char *put(const char *name, const void *bytes, size_t len)
{
    const char *path = in_dir(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    return path;
}

static inline const char *put_text(const char *name, const char *text)
{
    return put(name, text, strlen(text));
}

static inline const char *put_gzip(const char *name, const void *bytes, size_t len)
{
    const char *path = in_dir(name);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, bytes, (unsigned)len), (int)len);
    assert_int_equal(gzclose(f), Z_OK);
    return path;
}

static inline struct sw_reader *open_ok(const char *path, const struct sw_reader_options *options)
{
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    enum sw_code code = sw_reader_open(path, options, &r, &err);
    if (code != SW_OK)
        fail_msg("%s (%s)", err.message, err.hint);
    return r;
}

// The file is refused somewhere between opening it and having seen it whole.
static inline void assert_refused(const char *path, enum sw_code want, const char *words)
{
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    int64_t rows = 0;
    enum sw_code code = sw_reader_open(path, NULL, &r, &err);
    if (code == SW_OK)
        code = sw_reader_count(r, &rows, &err);
    sw_reader_free(r);
    if (code == SW_OK || strstr(err.message, words) == NULL)
        fail_msg("wanted '%s', got %s: %s", words, sw_code_word(code), err.message);
    assert_int_equal(code, want);
    assert_non_null(strstr(err.message, path));
}

static inline void read_ok(struct sw_reader *r, int64_t first, size_t rows, struct sw_batch *b)
{
    struct sw_err err = {0};
    struct sw_read what = {.first = first, .rows = rows};
    if (sw_reader_read(r, &what, b, &err) != SW_OK)
        fail_msg("%s", err.message);
}

static inline void assert_text(const struct sw_batch *b, size_t vector, size_t row, const char *want)
{
    const struct sw_vector *v = &b->vectors[vector];
    assert_false(sw_vector_is_null(v, row));
    assert_int_equal(v->offsets[row + 1] - v->offsets[row], strlen(want));
    assert_memory_equal(v->text + v->offsets[row], want, strlen(want));
}

#endif
