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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
