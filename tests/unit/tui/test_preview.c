// SPDX-License-Identifier: Apache-2.0
// A run's files: the tree that folds, and what the detail shows of a file.
#include "driver.h"

static const struct sw_tui_options plain = {.theme = "dark"};

static void open_artifacts(struct driver *d, int width, int height)
{
    driver_open(d, &plain, 256, width, height);
    driver_press(d, "3");
    driver_press(d, "a");
    assert_shows(d, "› runs › cnn-a");
}

// Goes to the row that shows this name.
static void go_to(struct driver *d, const char *id)
{
    driver_press(d, "g");
    for (int i = 0; i < 10 && strcmp(sw_ui_place(&d->ui)->rows.selected_id, id) != 0; i++)
        driver_press(d, "j");
    assert_string_equal(sw_ui_place(&d->ui)->rows.selected_id, id);
}

static void test_folders_open_and_close(void **state)
{
    (void)state;
    struct driver d = {0};
    open_artifacts(&d, 120, 40);
    assert_shows(&d, "▸ model");
    assert_shows_not(&d, "MLmodel");
    driver_press(&d, "Enter");
    assert_shows(&d, "▾ model");
    assert_shows(&d, "MLmodel");
    go_to(&d, "model/weights");
    driver_press(&d, "Right");
    assert_shows(&d, "a.bin");
    assert_golden_screen(&d, "artifacts-tree-120x40", true);
    assert_string_equal(sw_ui_place(&d.ui)->rows.selected_id, "model/weights");
    driver_press(&d, "Right"); // open already: goes sideways, opens nothing else
    assert_shows(&d, "▾ weights");
    driver_press(&d, "Left");
    assert_shows_not(&d, "a.bin");
    go_to(&d, "model");
    driver_press(&d, "Enter");
    assert_shows_not(&d, "weights");
    driver_press(&d, "Enter"); // what was open below stays so
    assert_shows(&d, "▸ weights");
    driver_press(&d, "Esc");
    assert_shows(&d, "cnn-b");
    driver_close(&d);
}

static void test_lines_are_numbered_and_move(void **state)
{
    (void)state;
    struct driver d = {0};
    open_artifacts(&d, 120, 40);
    go_to(&d, "train.py");
    assert_shows(&d, "  1 line 1 says nothing");
    assert_golden_screen(&d, "artifacts-lines-120x40", false);
    driver_press(&d, "Enter"); // into the detail
    driver_press(&d, "G");
    assert_shows(&d, "300 line 300");
    driver_press(&d, "Right");
    assert_shows(&d, "300  says nothing"); // eight columns further
    for (int i = 0; i < 8; i++)
        driver_press(&d, "Right");
    assert_shows(&d, "the end of 300");
    driver_press(&d, "Esc");
    go_to(&d, "table.csv"); // another file begins at its top and left
    assert_shows(&d, "column 0");
    driver_close(&d);
}

static void test_sheets_keep_their_titles(void **state)
{
    (void)state;
    struct driver d = {0};
    open_artifacts(&d, 120, 40);
    go_to(&d, "table.csv");
    assert_golden_screen(&d, "artifacts-sheet-120x40", true);
    driver_press(&d, "Enter");
    driver_press(&d, "G");
    assert_shows(&d, "column 0");
    assert_shows(&d, "word 1 of row 99");
    driver_press(&d, "Right");
    assert_shows_not(&d, "column 0");
    assert_shows(&d, "column 1");
    for (int i = 0; i < 20; i++)
        driver_press(&d, "Right");
    assert_shows(&d, "column 5"); // the last stays
    driver_press(&d, "Left");
    assert_shows(&d, "column 4");
    driver_close(&d);
}

static void test_pictures_fit_the_pane(void **state)
{
    (void)state;
    static const int heights[] = {14, 24, 40, 70};
    for (size_t i = 0; i < sizeof heights / sizeof heights[0]; i++) {
        struct driver d = {0};
        open_artifacts(&d, 120, heights[i]);
        go_to(&d, "plot.png");
        const struct sw_detailview *v = &sw_ui_place(&d.ui)->detail;
        if (v->content_height > v->height + 4)
            fail_msg("the picture takes %d lines of %d", v->content_height, v->height);
        driver_close(&d);
    }
}

// A detail may be a large file: it is read again when its row has changed, and not whenever the store has.
static void test_details_follow_their_row(void **state)
{
    (void)state;
    struct driver d = {0};
    open_artifacts(&d, 120, 40);
    go_to(&d, "plot.png");
    long long before = atomic_load(&d.fake.details), lists = atomic_load(&d.fake.loads);
    atomic_fetch_add(&d.fake.changes, 1);
    driver_settle(&d);
    assert_true(atomic_load(&d.fake.loads) > lists);
    assert_int_equal(atomic_load(&d.fake.details), before);
    driver_press(&d, "ctrl-r");
    assert_int_equal(atomic_load(&d.fake.details), before + 1);
    driver_close(&d);
}

static void test_the_strip_names_the_server(void **state)
{
    (void)state;
    struct driver d = {.fake = {.serve = "serve :5000"}};
    driver_open(&d, &plain, 256, 120, 24);
    driver_settle(&d);
    assert_shows(&d, "serve :5000  jobs 1");
    driver_close(&d);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folders_open_and_close),   cmocka_unit_test(test_lines_are_numbered_and_move),
        cmocka_unit_test(test_sheets_keep_their_titles), cmocka_unit_test(test_pictures_fit_the_pane),
        cmocka_unit_test(test_details_follow_their_row), cmocka_unit_test(test_the_strip_names_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
