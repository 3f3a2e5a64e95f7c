// SPDX-License-Identifier: Apache-2.0
// Whole screens against golden files, at sizes from a notice to a wall. `test_screens --demo` runs the screens on the
// terminal with the fake backend, to look at them.
#include "driver.h"

static const struct sw_tui_options plain = {.theme = "dark"};

static const char *const screen_names[SW_SCREENS] = {"data", "train", "runs", "models", "cluster", "gpu"};

struct size {
    int width, height;
};
static const struct size sizes[] = {{80, 24}, {120, 40}, {40, 10}, {39, 9}, {300, 100}};

static void test_every_screen_at_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct driver d = {0};
        driver_open(&d, &plain, 256, sizes[i].width, sizes[i].height);
        for (int s = 0; s < SW_SCREENS; s++) {
            char name[64];
            sw_ui_go(&d.ui, s);
            driver_settle(&d);
            snprintf(name, sizeof name, "%s-%dx%d", screen_names[s], sizes[i].width, sizes[i].height);
            assert_golden_screen(&d, name, sizes[i].width == 120);
            if (sizes[i].height < SW_MIN_HEIGHT)
                break; // the notice is the same everywhere
        }
        driver_close(&d);
    }
}

// Without colours and without UTF-8 the same can be told apart: states are words, marks are characters.
static void test_mono_and_ascii(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct sw_tui_options options;
        int colours;
    } ways[] = {{"mono", {.theme = "mono"}, 256}, {"ascii", {.ascii = true}, 0}, {"block", {.charts = "block"}, 16}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (int s = 1; s < 4; s++) {
            struct driver d = {.fake = {.has_gpus = true}};
            char name[64];
            driver_open(&d, &ways[i].options, ways[i].colours, 120, 40);
            sw_ui_go(&d.ui, s);
            driver_settle(&d);
            snprintf(name, sizeof name, "%s-%s-120x40", screen_names[s], ways[i].name);
            assert_golden_screen(&d, name, false);
            driver_close(&d);
        }
    }
}

// Any size, any screen, any arrangement: nothing outside the grid (the sanitizer looks), panes within the screen.
static void test_sweep_of_sizes(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    for (int s = 0; s < SW_SCREENS; s++) {
        sw_ui_go(&d.ui, s);
        driver_settle(&d);
    }
    int turn = 0;
    for (int w = 1; w <= 300; w += w < 50 ? 1 : 13) {
        for (int h = 1; h <= 100; h += h < 30 ? 1 : 11, turn++) {
            sw_ui_resize(&d.ui, w, h);
            sw_ui_go(&d.ui, turn % SW_SCREENS);
            sw_ui_place(&d.ui)->panes = (enum sw_panes)(turn / SW_SCREENS % SW_PANES_COUNT);
            sw_ui_paint(&d.ui);
            assert_in_range(d.ui.cursor_x, 0, w - 1);
            assert_in_range(d.ui.cursor_y, 0, h - 1);
            sw_pool_drain(d.pool);
        }
    }
    driver_close(&d);
}

static bool overlap(struct sw_rect a, struct sw_rect b)
{
    return a.w > 0 && b.w > 0 && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static void test_layout_keeps_its_promise(void **state)
{
    (void)state;
    for (int w = 1; w <= 300; w++) {
        for (int h = 1; h <= 100; h++) {
            for (int panes = 0; panes < SW_PANES_COUNT; panes++) {
                struct sw_layout l = sw_layout_make(w, h, (enum sw_panes)panes, 45);
                assert_int_equal(l.too_small, w < SW_MIN_WIDTH || h < SW_MIN_HEIGHT);
                if (l.too_small)
                    continue;
                const struct sw_rect all[] = {l.top, l.tabs, l.list, l.detail, l.message, l.hints};
                for (size_t i = 0; i < 6; i++) {
                    assert_true(all[i].x >= 0 && all[i].y >= 0 && all[i].x + all[i].w <= w && all[i].y + all[i].h <= h);
                    for (size_t k = i + 1; k < 6; k++)
                        assert_false(overlap(all[i], all[k]));
                }
                assert_true(l.list.w > 0 || l.detail.w > 0);
            }
        }
    }
}

static void test_options_are_checked(void **state)
{
    struct sw_pool *pool;
    struct sw_ui ui;
    int fd;
    struct sw_err err = {0};
    static struct fake fake;
    (void)state;
    assert_int_equal(sw_pool_new(1, &pool, &fd, &err), SW_OK);
    const struct sw_tui_options theme = {.theme = "pink"}, charts = {.charts = "oil"};
    assert_int_equal(sw_ui_init(&ui, &theme, &fake_backend, &fake, pool, true, 8, 80, 24, &err), SW_USAGE);
    sw_ui_free(&ui);
    assert_non_null(strstr(err.message, "pink"));
    assert_int_equal(sw_ui_init(&ui, &charts, &fake_backend, &fake, pool, true, 8, 80, 24, &err), SW_USAGE);
    sw_ui_free(&ui);
    const struct sw_tui_options none = {0};
    assert_int_equal(sw_ui_init(&ui, &none, &fake_backend, &fake, pool, false, 0, 80, 24, &err), SW_OK);
    assert_string_equal(ui.theme->name, "mono"); // no colours
    assert_true(ui.grid.ascii);                  // no UTF-8
    assert_int_equal(ui.pictures.pen, SW_PEN_ASCII);
    sw_ui_free(&ui);
    sw_pool_free(pool, 1000);
}

int main(int argc, char **argv)
{
    setenv("TZ", "UTC", 1);
    if (argc > 1 && !strcmp(argv[1], "--demo")) {
        static struct fake fake = {.row_total = 1000000};
        struct sw_tui_options o = {.in_fd = 0, .out_fd = 1, .ascii = argc > 2 && !strcmp(argv[2], "--ascii")};
        struct sw_err err = {0};
        if (sw_tui_run(&o, &fake_backend, &fake, NULL, &err))
            fprintf(stderr, "%s: %s\n", err.message, err.hint);
        return sw_code_exit(err.code);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_screen_at_every_size),
        cmocka_unit_test(test_mono_and_ascii),
        cmocka_unit_test(test_sweep_of_sizes),
        cmocka_unit_test(test_layout_keeps_its_promise),
        cmocka_unit_test(test_options_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
