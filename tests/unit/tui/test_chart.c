// SPDX-License-Identifier: Apache-2.0
// Charts and pictures in all pens against golden files, and the arithmetic of ticks.
#include <float.h>
#include <math.h>

#include "driver.h"
#include "tui/picture.h"

#define POINTS 60

// A curve with a gap, and one that is flat.
static void make_series(struct sw_tui_bucket *curve, struct sw_tui_bucket *flat)
{
    for (int i = 0; i < POINTS; i++) {
        double v = i >= 20 && i < 26 ? (double)NAN : 1 + sin(i / 6.0);
        curve[i] = (struct sw_tui_bucket){i, i, v - 0.1, v + 0.1, v};
        flat[i] = (struct sw_tui_bucket){i, i, 0.5, 0.5, 0.5};
    }
}

static void paint(struct sw_buf *out, const struct sw_tui_chart *chart, enum sw_pen pen, int width, int height)
{
    struct sw_err err = {0};
    struct sw_grid grid;
    assert_int_equal(sw_grid_init(&grid, width, height, pen == SW_PEN_ASCII, &err), SW_OK);
    struct sw_canvas c = sw_canvas_whole(&grid);
    sw_chart_paint(&c, chart, pen);
    sw_grid_dump_text(&grid, out);
    sw_grid_free(&grid);
}

static void test_pens(void **state)
{
    (void)state;
    struct sw_tui_bucket curve[POINTS], flat[POINTS];
    make_series(curve, flat);
    const struct sw_tui_series series[] = {{"sine", curve, POINTS}, {"flat", flat, POINTS}};
    const struct sw_tui_chart chart = {"step", series, 2};
    for (int pen = 0; pen < SW_PEN_COUNT; pen++) {
        char name[64];
        struct sw_buf out;
        sw_buf_init(&out, 1 << 20);
        paint(&out, &chart, (enum sw_pen)pen, 70, 16);
        sw_buf_adds(&out, "--- small ---\n");
        paint(&out, &chart, (enum sw_pen)pen, 15, 4);
        snprintf(name, sizeof name, "chart-%s", sw_pen_name((enum sw_pen)pen));
        assert_golden(name, &out);
        sw_buf_free(&out);
    }
}

static void test_odd_series(void **state)
{
    (void)state;
    const struct sw_tui_bucket point[] = {{7, 7, 0.25, 0.25, 0.25}};
    const struct sw_tui_bucket constant[] = {{0, 9, 3, 3, 3}, {10, 19, 3, 3, 3}};
    const struct sw_tui_bucket huge[] = {
        {0, 0, -DBL_MAX, -DBL_MAX, -DBL_MAX}, {1, 1, 0, 0, 0}, {2, 2, DBL_MAX, DBL_MAX, DBL_MAX}};
    const struct sw_tui_bucket tiny[] = {{0, 0, 1e-300, 1e-300, 1e-300}, {1, 1, 2e-300, 2e-300, 2e-300}};
    const struct sw_tui_bucket large[] = {{0, 0, 1e6, 1e6, 1e6}, {1e9, 1e9, 1e6 + 1, 1e6 + 1, 1e6 + 1}};
    const struct sw_tui_bucket nothing[] = {{0, 0, NAN, NAN, NAN}, {1, 1, INFINITY, INFINITY, INFINITY}};
    const struct sw_tui_series series[] = {
        {"one point", point, 1}, {"constant", constant, 2}, {"from -max to max", huge, 3},
        {"tiny", tiny, 2},       {"large steps", large, 2}, {"only gaps", nothing, 2},
        {"empty", NULL, 0},
    };
    struct sw_buf out;
    sw_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        const struct sw_tui_chart chart = {"step", &series[i], 1};
        sw_buf_addf(&out, "--- %s ---\n", series[i].name);
        paint(&out, &chart, SW_PEN_BRAILLE, 50, 9);
    }
    assert_golden("chart-odd", &out);
    sw_buf_free(&out);
}

static void test_every_size(void **state)
{
    (void)state;
    struct sw_tui_bucket curve[POINTS], flat[POINTS];
    make_series(curve, flat);
    struct sw_tui_series series[100];
    for (size_t i = 0; i < 100; i++)
        series[i] = (struct sw_tui_series){"s", i % 2 ? flat : curve, POINTS};
    for (int w = 1; w < 60; w += 3) {
        for (int h = 1; h < 20; h++) {
            struct sw_buf out;
            sw_buf_init(&out, 1 << 20);
            const struct sw_tui_chart chart = {"step", series, (size_t)(1 + (w * h) % 100)};
            paint(&out, &chart, (enum sw_pen)(w % SW_PEN_COUNT), w, h);
            sw_buf_free(&out);
        }
    }
}

static void test_ticks(void **state)
{
    (void)state;
    char label[48];
    struct sw_ticks t = sw_ticks_make(0.83, 0.93, 4, false);
    sw_ticks_label(&t, 0, label, sizeof label);
    assert_string_equal(label, "0.80");
    sw_ticks_label(&t, 1, label, sizeof label);
    assert_string_equal(label, "0.85");
    t = sw_ticks_make(0, 4999, 5, true);
    sw_ticks_label(&t, 1, label, sizeof label);
    assert_string_equal(label, "1000");
    t = sw_ticks_make(0, 3, 9, true); // whole numbers only
    assert_true(t.step == 1);
    t = sw_ticks_make(0, 5e6, 5, true);
    sw_ticks_label(&t, 2, label, sizeof label);
    assert_string_equal(label, "2e6");
    sw_ticks_label(&t, 0, label, sizeof label);
    assert_string_equal(label, "0");
    t = sw_ticks_make(0, 3e-7, 3, false);
    sw_ticks_label(&t, 3, label, sizeof label);
    assert_string_equal(label, "3e-7");
    // Whatever the range: covered, few, and finite.
    static const double ends[] = {-DBL_MAX, -1e9, -3, -1e-12, 0, 5e-324, 1e-300, 0.1, 1, 17, 1e15, DBL_MAX};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        for (size_t k = i; k < sizeof ends / sizeof ends[0]; k++) {
            for (int most = 1; most < 30; most += 7) {
                t = sw_ticks_make(ends[i], ends[k], most, most % 2);
                assert_true(t.count >= 2 && t.count <= most + 3);
                assert_true(t.first <= ends[i] * (ends[i] < 0 ? 0.999999L : 1.000001L) + 1e-9L * t.step);
                assert_true(t.first + (t.count - 1) * t.step >= ends[k] - 1e-6L * t.step);
                for (int tick = 0; tick < t.count; tick++)
                    sw_ticks_label(&t, tick, label, sizeof label);
            }
        }
    }
}

static void test_picture(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(1 << 20);
    const struct sw_tui_image image = {28, 28, 1, fake_image(a)};
    struct sw_buf out;
    struct sw_err err = {0};
    sw_buf_init(&out, 1 << 20);
    for (int way = 0; way < 3; way++) {
        struct sw_grid grid;
        assert_int_equal(sw_grid_init(&grid, 40, 14, way == 0, &err), SW_OK);
        struct sw_canvas c = sw_canvas_whole(&grid);
        sw_picture_paint(&c, &image, way == 2);
        sw_grid_dump_text(&grid, &out);
        if (way == 2) { // two pixels a cell, in their own colours
            const struct sw_cell *cell = sw_grid_at(&grid, 27, 0);
            assert_int_equal(cell->style.fg, SW_COLOUR(0x6c6c6c));
            assert_int_equal(cell->cp, 0x2580);
        }
        sw_grid_free(&grid);
    }
    assert_golden("picture", &out);
    sw_buf_free(&out);

    const struct sw_tui_image wrong[] = {{0, 5, 1, image.pixels}, {5, 5, 2, image.pixels}, {5, 5, 1, NULL}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(sw_picture_fit(&wrong[i], 40, 20).w, 0);
    const struct sw_tui_image thin = {4000, 1, 1, sw_arena_alloc(a, 4000)};
    for (int w = 1; w < 50; w++)
        assert_true(sw_picture_fit(&thin, w, 3).w <= w);
    sw_arena_free(a);
}

static void test_nearest_colour(void **state)
{
    (void)state;
    assert_int_equal(sw_colour_to_256(0x000000), 16);
    assert_int_equal(sw_colour_to_256(0xffffff), 231);
    assert_int_equal(sw_colour_to_256(0xff0000), 196);
    assert_int_equal(sw_colour_to_256(0x080808), 232);
    for (uint32_t v = 0; v < 256; v++) {
        int index = sw_colour_to_256(v << 16 | v << 8 | v);
        assert_in_range(index, 16, 255);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pens),  cmocka_unit_test(test_odd_series), cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_ticks), cmocka_unit_test(test_picture),    cmocka_unit_test(test_nearest_colour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
