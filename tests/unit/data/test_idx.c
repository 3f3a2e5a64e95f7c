// SPDX-License-Identifier: Apache-2.0
// IDX files: every element type, plain and gzip, and every way in which a header or a stream can lie.
#include "tests/unit/data/data_test.h"

#include <math.h>

static size_t put_header(uint8_t *to, uint8_t type, int dims, const uint32_t *sizes)
{
    to[0] = to[1] = 0;
    to[2] = type;
    to[3] = (uint8_t)dims;
    for (int i = 0; i < dims; i++)
        for (int k = 0; k < 4; k++)
            to[4 + 4 * i + k] = (uint8_t)(sizes[i] >> (24 - 8 * k));
    return 4 + 4 * (size_t)dims;
}

// A file of `rows` images of 3x2 whose pixels count up.
static size_t make_images(uint8_t *to, uint32_t rows)
{
    size_t len = put_header(to, 0x08, 3, (uint32_t[]){rows, 3, 2});
    for (uint32_t i = 0; i < rows * 6; i++)
        to[len++] = (uint8_t)i;
    return len;
}

static void reads_images_at_any_range(void **state)
{
    (void)state;
    uint8_t file[4096];
    size_t len = make_images(file, 100);
    const char *paths[] = {put("a-idx3-ubyte", file, len), put_gzip("b-idx3-ubyte.gz", file, len)};
    for (size_t p = 0; p < 2; p++) {
        struct sw_reader *r = open_ok(paths[p], NULL);
        const struct sw_column *c = sw_reader_schema(r)->columns;
        assert_string_equal(sw_reader_format(r), "idx");
        assert_int_equal(c->type, SW_DATA_IMAGE);
        assert_int_equal(c->rank, 2);
        assert_int_equal(c->shape[0], 3);
        assert_int_equal(c->shape[1], 2);
        assert_true(sw_reader_rows(r).is_exact);
        assert_int_equal(sw_reader_rows(r).rows, 100);
        struct sw_batch b = {0};
        for (int64_t first = 99; first >= 0; first -= 7) {
            read_ok(r, first, 5, &b);
            size_t want = first + 5 <= 100 ? 5 : (size_t)(100 - first);
            assert_int_equal(b.rows, want);
            assert_memory_equal(b.vectors[0].bytes, file + 16 + first * 6, want * 6);
        }
        read_ok(r, 100, 5, &b);
        assert_int_equal(b.rows, 0);
        read_ok(r, 5000, SIZE_MAX, &b);
        assert_int_equal(b.rows, 0);
        sw_batch_free(&b);
        bool done = false;
        struct sw_err err = {0};
        assert_int_equal(sw_reader_index(r, 1 << 20, &done, &err), SW_OK);
        assert_true(done);
        assert_true(sw_reader_indexed(r) >= 1.0);
        sw_reader_free(r);
    }
}

static void reads_every_element_type(void **state)
{
    (void)state;
    static const struct {
        uint8_t code;
        size_t width;
        uint8_t bytes[16]; // two values, big-endian
        double want[2];
        bool is_int;
    } rows[] = {
        {0x08, 1, {0x00, 0xff}, {0, 255}, true},
        {0x09, 1, {0x80, 0x7f}, {-128, 127}, true},
        {0x0b, 2, {0x80, 0x00, 0x01, 0x02}, {-32768, 258}, true},
        {0x0c, 4, {0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff}, {-2147483648.0, 2147483647.0}, true},
        {0x0d, 4, {0x3f, 0xc0, 0, 0, 0xc0, 0x20, 0, 0}, {1.5, -2.5}, false},
        {0x0e, 8, {0x3f, 0xf8, 0, 0, 0, 0, 0, 0, 0xc0, 0x04, 0, 0, 0, 0, 0, 0}, {1.5, -2.5}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int dims = 1; dims <= 2; dims++) {
            uint8_t file[64];
            size_t len = put_header(file, rows[i].code, dims, dims == 1 ? (uint32_t[]){2} : (uint32_t[]){1, 2});
            memcpy(file + len, rows[i].bytes, 2 * rows[i].width);
            struct sw_reader *r = open_ok(put("t.idx", file, len + 2 * rows[i].width), NULL);
            const struct sw_column *c = sw_reader_schema(r)->columns;
            struct sw_batch b = {0};
            read_ok(r, 0, 10, &b);
            const struct sw_vector *v = b.vectors;
            assert_int_equal(b.rows, dims == 1 ? 2 : 1);
            assert_int_equal(c->type, dims == 2 ? SW_DATA_TENSOR : rows[i].is_int ? SW_DATA_INT : SW_DATA_REAL);
            for (int k = 0; k < 2; k++) {
                double got = v->ints != NULL    ? (double)v->ints[k]
                             : v->reals != NULL ? v->reals[k]
                                                : (double)v->floats[k];
                assert_true(got == rows[i].want[k]);
            }
            sw_batch_free(&b);
            sw_reader_free(r);
        }
}

static void refuses_every_truncation(void **state)
{
    (void)state;
    uint8_t file[256], packed[512];
    size_t len = make_images(file, 20);
    for (size_t cut = 1; cut < len; cut++)
        assert_refused(put("cut-idx3-ubyte", file, cut), SW_INVALID, "");
    const char *whole = put_gzip("whole-idx3-ubyte.gz", file, len);
    FILE *f = fopen(whole, "rb");
    size_t packed_len = fread(packed, 1, sizeof packed, f);
    fclose(f);
    for (size_t cut = 2; cut < packed_len; cut++)
        assert_refused(put("cut-idx3-ubyte.gz", packed, cut), SW_INVALID, "");
    // Any damaged byte of the trailer (check sum, length) is found once the file was seen whole.
    for (size_t at = packed_len - 8; at < packed_len; at++) {
        packed[at] ^= 0x10;
        assert_refused(put("bad-idx3-ubyte.gz", packed, packed_len), SW_INVALID, "damaged gzip data");
        packed[at] ^= 0x10;
    }
}

static void refuses_lying_headers(void **state)
{
    (void)state;
    uint8_t file[512];
    size_t len = make_images(file, 20);
    file[len] = 7;
    assert_refused(put("x-idx3-ubyte", file, len + 1), SW_INVALID, "goes on after");
    assert_refused(put_gzip("x-idx3-ubyte.gz", file, len + 1), SW_INVALID, "goes on after");
    file[7] = 21; // one row more than there is
    assert_refused(put("x-idx3-ubyte", file, len), SW_INVALID, "cut short");
    assert_refused(put_gzip("x-idx3-ubyte.gz", file, len), SW_INVALID, "cut short");

    size_t head = put_header(file, 0x0e, 5, (uint32_t[]){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX});
    assert_refused(put("x.idx", file, head + 8), SW_INVALID, "2^63");
    head = put_header(file, 0x08, 3, (uint32_t[]){1, 0, 5});
    assert_refused(put("x.idx", file, head), SW_INVALID, "dimension");
    head = put_header(file, 0x08, 0, NULL);
    assert_refused(put("x.idx", file, head), SW_INVALID, "no dimensions");
    head = put_header(file, 0x08, 6, (uint32_t[]){1, 1, 1, 1, 1, 1});
    assert_refused(put("x.idx", file, head + 1), SW_UNSUPPORTED, "6 dimensions");
    head = put_header(file, 0x0a, 1, (uint32_t[]){1});
    assert_refused(put("x.idx", file, head + 1), SW_INVALID, "wrong IDX magic 00 00 0a 01");
    assert_refused(put_text("train-images-idx3-ubyte", "<html>404</html>"), SW_INVALID, "wrong IDX magic");
    assert_refused(put_text("e-idx3-ubyte", ""), SW_INVALID, "empty");
    // More than deflate can pack: refused before anything is unpacked.
    head = put_header(file, 0x08, 2, (uint32_t[]){60000, 1 << 20});
    assert_refused(put_gzip("bomb-idx3-ubyte.gz", file, head), SW_INVALID, "more than a gzip file of");
}

static void keeps_a_gzip_bomb_small(void **state)
{
    (void)state;
    // The header states 20 rows; 8 MiB of zeros follow.
    size_t len = (size_t)8 << 20;
    uint8_t *file = calloc(len, 1);
    make_images(file, 20);
    const char *path = put_gzip("bomb-idx3-ubyte.gz", file, len);
    assert_refused(path, SW_INVALID, "goes on after");
    // A header that agrees with its bomb meets the caller's limit.
    size_t head = put_header(file, 0x08, 2, (uint32_t[]){(uint32_t)(len - 12) / 1024, 1024});
    path = put_gzip("big.idx.gz", file, head + (len - 12) / 1024 * 1024);
    struct sw_reader_options options = {.max_unpacked_bytes = 1 << 20};
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_reader_open(path, &options, &r, &err), SW_LIMIT);
    assert_non_null(strstr(err.hint, "gunzip"));
    free(file);
}

static void finds_what_follows_a_gzip_stream(void **state)
{
    (void)state;
    uint8_t file[256], packed[1024];
    size_t len = make_images(file, 20);
    const char *path = put_gzip("m-idx3-ubyte.gz", file, len);
    FILE *f = fopen(path, "ab");
    fputs("garbage", f);
    fclose(f);
    assert_refused(path, SW_INVALID, "other data after its gzip stream");
    // Two members are one stream.
    put_gzip("m-idx3-ubyte.gz", file, 40);
    f = fopen(path, "rb");
    size_t packed_len = fread(packed, 1, sizeof packed, f);
    fclose(f);
    put_gzip("m-idx3-ubyte.gz", file + 40, len - 40);
    f = fopen(path, "rb");
    packed_len += fread(packed + packed_len, 1, sizeof packed - packed_len, f);
    fclose(f);
    struct sw_reader *r = open_ok(put("m-idx3-ubyte.gz", packed, packed_len), NULL);
    struct sw_batch b = {0};
    read_ok(r, 0, 20, &b);
    assert_memory_equal(b.vectors[0].bytes, file + 16, 120);
    sw_batch_free(&b);
    sw_reader_free(r);
}

static void shows_rows_before_the_damage(void **state)
{
    (void)state;
    // Random pixels do not compress, so that the damage lies behind the first rows.
    size_t rows = 2000, len = 0;
    uint8_t *file = malloc(16 + rows * 784);
    len = put_header(file, 0x08, 3, (uint32_t[]){(uint32_t)rows, 28, 28});
    uint32_t seed = 1;
    for (size_t i = 0; i < rows * 784; i++)
        file[len++] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
    const char *path = put_gzip("late-idx3-ubyte.gz", file, len);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 2), 0);
    struct sw_reader *r = open_ok(path, NULL);
    struct sw_batch b = {0};
    read_ok(r, 10, 5, &b);
    assert_memory_equal(b.vectors[0].bytes, file + 16 + 10 * 784, 5 * 784);
    struct sw_err err = {0};
    struct sw_read what = {.first = (int64_t)rows - 1, .rows = 1};
    for (int again = 0; again < 2; again++) {
        assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_INVALID);
        assert_non_null(strstr(err.message, "cut short"));
    }
    read_ok(r, 10, 5, &b);
    sw_batch_free(&b);
    sw_reader_free(r);
    free(file);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_reader_open(in_dir("nothing"), NULL, &r, &err), SW_NOT_FOUND);
    assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
    assert_int_equal(sw_reader_open(in_dir("pipe"), NULL, &r, &err), SW_UNSUPPORTED);
    assert_int_equal(sw_reader_open(put("x.bin",
                                        "\x7f"
                                        "ELF\0\0\0\0",
                                        8),
                                    NULL, &r, &err),
                     SW_UNSUPPORTED);
    assert_non_null(strstr(err.hint, "idx, csv"));
}

static void says_where_room_is_missing(void **state)
{
    (void)state;
#ifdef SW_FAILPOINTS
    uint8_t file[256];
    const char *path = put_gzip("full-idx3-ubyte.gz", file, make_images(file, 20));
    setenv("SLIPWAY_FAILPOINT", "data.spool=enospc", 1);
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_reader_open(path, NULL, &r, &err), SW_NO_SPACE);
    unsetenv("SLIPWAY_FAILPOINT");
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.hint, "TMPDIR"));
#else
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_images_at_any_range),    cmocka_unit_test(reads_every_element_type),
        cmocka_unit_test(refuses_every_truncation),     cmocka_unit_test(refuses_lying_headers),
        cmocka_unit_test(keeps_a_gzip_bomb_small),      cmocka_unit_test(finds_what_follows_a_gzip_stream),
        cmocka_unit_test(shows_rows_before_the_damage), cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(says_where_room_is_missing),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
