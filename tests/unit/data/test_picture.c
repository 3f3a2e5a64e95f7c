// SPDX-License-Identifier: Apache-2.0
// Pictures written by the libraries themselves come back shrunk; damaged and boastful files come back as errors.
#include "data_test.h"

#include <fcntl.h>

#include <jpeglib.h>
#include <png.h>

#include "core/data/picture.h"

enum { WIDTH = 64, HEIGHT = 32 };

// Red in the left half, blue in the right.
static void halves(uint8_t *pixels, int channels)
{
    memset(pixels, 255, (size_t)WIDTH * HEIGHT * (size_t)channels);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = pixels + (y * WIDTH + x) * channels;
            p[0] = x < WIDTH / 2 ? 255 : 0;
            p[1] = 0;
            p[2] = x < WIDTH / 2 ? 0 : 255;
        }
}

static const char *put_png(const char *name, int color_type, int interlace, const uint8_t *pixels, int channels)
{
    const char *path = in_dir(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, WIDTH, HEIGHT, 8, color_type, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_bytep rows[HEIGHT];
    for (int y = 0; y < HEIGHT; y++)
        rows[y] = (png_bytep)pixels + y * WIDTH * channels;
    png_set_rows(png, info, rows);
    png_write_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(f), 0);
    return path;
}

// `pixels` NULL: every row is black.
static const char *put_jpeg(const char *name, bool is_progressive, int width, int height, const uint8_t *pixels)
{
    const char *path = in_dir(name);
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    FILE *f = fopen(path, "wb");
    uint8_t *black = calloc((size_t)width, 3);
    assert_non_null(f);
    assert_non_null(black);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, f);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    if (is_progressive)
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = pixels != NULL ? (JSAMPROW)pixels + jpeg.next_scanline * WIDTH * 3 : black;
        (void)jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(black);
    assert_int_equal(fclose(f), 0);
    return path;
}

static enum sw_code read_picture(const char *path, int max_width, int max_height, struct sw_arena *a,
                                 struct sw_picture *out, struct sw_err *err)
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    enum sw_code code = sw_picture_read(fd, max_width, max_height, a, out, err);
    close(fd);
    return code;
}

static void assert_pixel(const struct sw_picture *p, int x, int y, int red, int green, int blue)
{
    const uint8_t *at = p->pixels + (y * p->width + x) * 3;
    assert_in_range(at[0], red > 6 ? red - 6 : 0, red + 6);
    assert_in_range(at[1], green > 6 ? green - 6 : 0, green + 6);
    assert_in_range(at[2], blue > 6 ? blue - 6 : 0, blue + 6);
}

static void shrinks_with_proportions(void **state)
{
    (void)state;
    uint8_t pixels[WIDTH * HEIGHT * 3];
    halves(pixels, 3);
    const char *const paths[] = {
        put_png("a.png", PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, pixels, 3),
        put_png("b.png", PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, pixels, 3),
        put_jpeg("c.jpg", false, WIDTH, HEIGHT, pixels),
        put_jpeg("d.jpg", true, WIDTH, HEIGHT, pixels),
    };
    static const struct {
        int max_width, max_height, width, height;
    } sizes[] = {{64, 32, 64, 32}, {500, 500, 64, 32}, {16, 100, 16, 8}, {100, 4, 8, 4}, {7, 7, 7, 3}, {1, 1, 1, 1}};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct sw_arena *a = sw_arena_new(1 << 20);
            struct sw_picture p;
            struct sw_err err = {0};
            assert_int_equal(read_picture(paths[i], sizes[k].max_width, sizes[k].max_height, a, &p, &err), SW_OK);
            assert_int_equal(p.width, sizes[k].width);
            assert_int_equal(p.height, sizes[k].height);
            assert_int_equal(p.file_width, WIDTH);
            assert_int_equal(p.file_height, HEIGHT);
            assert_string_equal(p.format, i < 2 ? "PNG" : "JPEG");
            if (p.width > 1) {
                assert_pixel(&p, 0, 0, 255, 0, 0);
                assert_pixel(&p, p.width - 1, p.height - 1, 0, 0, 255);
            } else {
                assert_pixel(&p, 0, 0, 127, 0, 127);
            }
            sw_arena_free(a);
        }
    }
}

static void stands_on_white_and_knows_grey(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_err err = {0};
    struct sw_picture p;
    uint8_t clear[WIDTH * HEIGHT * 4] = {0}, grey[WIDTH * HEIGHT];
    memset(grey, 90, sizeof grey);
    const char *path = put_png("clear.png", PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_NONE, clear, 4);
    assert_int_equal(read_picture(path, 8, 8, a, &p, &err), SW_OK);
    assert_pixel(&p, 3, 2, 255, 255, 255);
    path = put_png("grey.png", PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, grey, 1);
    assert_int_equal(read_picture(path, 8, 8, a, &p, &err), SW_OK);
    assert_pixel(&p, 3, 2, 90, 90, 90);
    sw_arena_free(a);
}

// A valid head that claims the size; its bytes of pixels never come.
static const char *put_boast(uint32_t width, uint32_t height, uint8_t interlace)
{
    uint8_t b[33] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    for (int i = 0; i < 4; i++) {
        b[16 + i] = (uint8_t)(width >> (24 - 8 * i));
        b[20 + i] = (uint8_t)(height >> (24 - 8 * i));
    }
    b[24] = 8;
    b[25] = 2;
    b[28] = interlace;
    uLong crc = crc32(0, b + 12, 17);
    for (int i = 0; i < 4; i++)
        b[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    uint8_t file[sizeof b + 12] = {0};
    memcpy(file, b, sizeof b);
    memcpy(file + sizeof b + 4, "IDAT\x35\xaf\x06\x1e", 8); // empty
    return put("boast.png", file, sizeof file);
}

static void limits_what_a_file_may_claim(void **state)
{
    (void)state;
    static const struct {
        uint32_t width, height;
        uint8_t interlace;
        enum sw_code code;
    } cases[] = {{30000, 30000, 0, SW_LIMIT},
                 {4000, 4000, 1, SW_LIMIT},
                 {2000, 2000, 1, SW_INVALID},
                 {100000, 1, 0, SW_INVALID}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_arena *a = sw_arena_new(1 << 20);
        struct sw_picture p = {0};
        struct sw_err err = {0};
        const char *path = put_boast(cases[i].width, cases[i].height, cases[i].interlace);
        assert_int_equal(read_picture(path, 80, 80, a, &p, &err), cases[i].code);
        assert_null(p.pixels);
        assert_true(strlen(err.message) > 20);
        sw_arena_free(a);
    }
}

// A progressive picture is held whole; one that comes row by row may be as large as it likes.
static void limits_what_must_be_held(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_err err = {0};
    struct sw_picture p = {0};
    const char *path = put_jpeg("held.jpg", true, 4000, 3000, NULL);
    assert_int_equal(read_picture(path, 80, 80, a, &p, &err), SW_LIMIT);
    assert_non_null(strstr(err.message, "too much memory"));
    path = put_jpeg("rows.jpg", false, 4000, 3000, NULL);
    assert_int_equal(read_picture(path, 80, 80, a, &p, &err), SW_OK);
    assert_int_equal(p.file_width, 4000);
    sw_arena_free(a);
}

static void survives_damage(void **state)
{
    (void)state;
    uint8_t pixels[WIDTH * HEIGHT * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 2654435761u >> 13);
    put_png("x.png", PNG_COLOR_TYPE_RGB, PNG_INTERLACE_ADAM7, pixels, 3);
    put_jpeg("x.jpg", true, WIDTH, HEIGHT, pixels);
    unsigned seed = 1;
    for (int turn = 0; turn < 600; turn++) {
        struct sw_arena *a = sw_arena_new(1 << 20);
        struct sw_buf file;
        struct sw_picture p = {0};
        struct sw_err err = {0};
        sw_buf_init(&file, 1 << 20);
        assert_int_equal(sw_file_read(in_dir(turn % 2 == 0 ? "x.png" : "x.jpg"), &file, &err), SW_OK);
        for (int k = 0; k < 1 + turn % 5; k++) {
            seed = seed * 1103515245 + 12345;
            file.data[seed / 65536 % file.len] = (char)(seed >> 8);
        }
        seed = seed * 1103515245 + 12345;
        size_t len = turn % 3 == 0 ? seed / 65536 % file.len : file.len;
        enum sw_code code = read_picture(put("damaged", file.data, len), 40, 40, a, &p, &err);
        assert_true(code == SW_OK ? p.pixels != NULL : p.pixels == NULL && err.message[0] != '\0');
        sw_buf_free(&file);
        sw_arena_free(a);
    }
}

static void refuses_other_files(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_err err = {0};
    struct sw_picture p;
    assert_int_equal(read_picture(put_text("t.txt", "hello, world"), 8, 8, a, &p, &err), SW_UNSUPPORTED);
    assert_int_equal(read_picture(put_text("e.txt", ""), 8, 8, a, &p, &err), SW_UNSUPPORTED);
    sw_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shrinks_with_proportions),
        cmocka_unit_test(stands_on_white_and_knows_grey),
        cmocka_unit_test(limits_what_a_file_may_claim),
        cmocka_unit_test(limits_what_must_be_held),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(refuses_other_files),
    };
    return cmocka_run_group_tests_name("picture", tests, make_dir, remove_dir);
}
