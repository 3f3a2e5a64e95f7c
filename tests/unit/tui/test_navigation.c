// SPDX-License-Identifier: Apache-2.0
// The ways through the screens: open, back, filter, marks, prompt, overlays, undo, clipboard, mouse, and that a stuck
// backend never delays a key.
#include "driver.h"

static const struct sw_tui_options plain = {.theme = "dark"};

static void test_open_and_back(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    assert_shows(&d, "slipway › data ");
    driver_press(&d, "Enter"); // the grid of rows
    assert_shows(&d, "slipway › data › fashion/train");
    assert_shows(&d, "60,000 rows");
    driver_press(&d, "Enter"); // one record, with its image
    assert_shows(&d, "▀▀▀▀");
    driver_press(&d, "Esc");
    assert_shows(&d, "60,000 rows");
    driver_press(&d, "Esc");
    assert_shows(&d, "3 data sets");
    driver_press(&d, "Esc"); // at the top it does nothing
    assert_shows(&d, "3 data sets");
    driver_press(&d, "5");
    driver_press(&d, "Enter");
    assert_shows(&d, "slipway › cluster › site");
    assert_shows(&d, "2 pushes");
    driver_press(&d, "3");
    driver_press(&d, "5"); // each screen keeps its place
    assert_shows(&d, "slipway › cluster › site");
    driver_close(&d);
}

static void test_screen_from_anywhere(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    driver_type(&d, ":ru");
    assert_shows(&d, " :ru");
    driver_press(&d, "Tab");
    assert_shows(&d, " :runs");
    assert_shows(&d, "go to runs");
    driver_press(&d, "Enter");
    assert_shows(&d, "5 runs");
    driver_type(&d, ":runs cnn");
    driver_press(&d, "Enter");
    assert_shows(&d, "2 runs · /cnn");
    driver_type(&d, ":pusj");
    driver_press(&d, "Enter");
    assert_shows(&d, "did you mean push?");
    driver_type(&d, ":push");
    driver_press(&d, "Enter");
    assert_shows(&d, "push does not work on this screen");
    driver_type(&d, ":");
    driver_press(&d, "Up"); // history
    assert_shows(&d, " :push");
    driver_press(&d, "Up");
    driver_press(&d, "Up");
    assert_shows(&d, " :runs cnn");
    driver_press(&d, "Esc");
    assert_shows_not(&d, ":runs cnn");
    driver_type(&d, ":q");
    driver_press(&d, "Enter");
    assert_true(d.ui.is_quit);
    driver_close(&d);
}

static void test_filter(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "3");
    driver_type(&d, "/mlp");
    assert_shows(&d, " /mlp");
    driver_press(&d, "Enter");
    assert_shows(&d, "2 runs · /mlp");
    assert_shows_not(&d, "cnn-a");
    driver_press(&d, "Esc"); // drops the filter
    assert_shows(&d, "5 runs");
    driver_type(&d, "/zzz");
    driver_press(&d, "Enter");
    assert_shows(&d, "no runs match /zzz");
    driver_press(&d, "Esc");
    driver_type(&d, "/("); // a malformed filter: the message teaches, the rows stay
    driver_press(&d, "Enter");
    assert_shows(&d, "inside a parenthesis - close it");
    assert_shows(&d, "cnn-a");
    driver_close(&d);
}

static void test_marks_compare(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    driver_press(&d, "3");
    driver_press(&d, "space");
    driver_press(&d, "space");
    assert_shows(&d, "2 marked");
    assert_shows(&d, "differences to cnn-a");
    driver_press(&d, "n");
    assert_int_equal(sw_ui_place(&d.ui)->detail.line, 0);
    driver_press(&d, "n");
    driver_press(&d, "n"); // the equal line is passed over
    assert_int_equal(sw_ui_place(&d.ui)->detail.line, 3);
    driver_press(&d, "n");
    assert_int_equal(sw_ui_place(&d.ui)->detail.line, 0);
    driver_press(&d, "g");
    driver_press(&d, "=");
    assert_shows(&d, "▌= cnn-a");
    assert_golden_screen(&d, "runs-compared-120x40", true);
    driver_press(&d, "Esc");
    assert_shows_not(&d, "marked");
    driver_close(&d);
}

static void test_sort(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "3");
    driver_press(&d, "s");
    assert_shows(&d, "name ▲");
    driver_press(&d, "s");
    driver_press(&d, "s");
    assert_shows(&d, "accuracy ▼");
    driver_press(&d, "S");
    assert_shows(&d, "accuracy ▲");
    driver_close(&d);
}

static void test_layouts(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "2");
    assert_golden_screen(&d, "train-list-80x24", false);
    driver_press(&d, "+"); // stacked
    assert_golden_screen(&d, "train-both-80x24", false);
    driver_press(&d, "Tab");
    driver_press(&d, "Tab"); // the log
    assert_int_equal(sw_ui_place(&d.ui)->focus, SW_FOCUS_LOG);
    driver_press(&d, "Esc");
    driver_press(&d, "+"); // detail alone
    assert_golden_screen(&d, "train-detail-80x24", false);
    driver_press(&d, "]");
    assert_shows(&d, "accuracy  2/3");
    driver_press(&d, "Esc");
    assert_shows(&d, "4 jobs");
    driver_close(&d);
}

static void test_log(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    driver_press(&d, "2");
    assert_shows(&d, "rank 0 step  3999");
    driver_press(&d, "Tab");
    driver_press(&d, "Tab");
    driver_press(&d, "PgUp"); // following stops
    assert_shows_not(&d, "rank 0 step  3999");
    assert_shows(&d, "f follows the end");
    for (int i = 0; i < 8; i++)
        driver_press(&d, "g"); // what lies before is fetched
    assert_shows(&d, "rank 0 step     0 loss 2.3000");
    driver_press(&d, "f");
    assert_shows(&d, "rank 0 step  3999");
    driver_press(&d, ".");
    assert_shows(&d, "rank 1 of 2");
    assert_shows(&d, "rank 1 step  3999");
    driver_press(&d, ".");
    assert_shows(&d, "rank 0 of 2");
    driver_close(&d);
}

static void test_overlays(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "2");
    driver_press(&d, "?");
    assert_golden_screen(&d, "help-train-80x24", false);
    driver_press(&d, "G");
    assert_shows(&d, "leave the form, nothing is done");
    driver_press(&d, "Esc");
    assert_shows(&d, "4 jobs");
    driver_press(&d, "y");
    assert_shows(&d, "\"id\": \"41\"");
    driver_press(&d, "c");
    assert_string_equal(d.ui.clipboard, "{\n  \"kind\": \"Run\",\n  \"id\": \"41\"\n}\n");
    driver_press(&d, "q"); // leaves the overlay, not the program
    assert_false(d.ui.is_quit);
    driver_press(&d, "c");
    assert_string_equal(d.ui.clipboard, "41");
    driver_press(&d, "@");
    assert_shows(&d, "nothing was done yet");
    driver_press(&d, "Esc");
    driver_type(&d, ":audit");
    driver_press(&d, "Enter");
    assert_shows(&d, "ada approved fashion-cnn/2");
    driver_press(&d, "Esc");
    assert_shows(&d, "4 jobs");
    driver_press(&d, "q");
    assert_true(d.ui.is_quit);
    driver_close(&d);
}

static void test_delete_and_undo(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "3");
    driver_press(&d, "u");
    assert_shows(&d, "nothing to undo");
    driver_press(&d, "D");
    assert_string_equal(d.fake.last_action, "run.rm");
    assert_string_equal(d.fake.last_ids, "cnn-a");
    assert_shows(&d, "run.rm done (u takes it back)");
    driver_press(&d, "u");
    assert_string_equal(d.fake.last_action, "undo");
    assert_string_equal(d.fake.last_ids, "restore:cnn-a");
    driver_press(&d, "@");
    assert_shows(&d, "slipway run.rm cnn-a");
    driver_close(&d);
}

static void test_mouse(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    sw_ui_key(&d.ui, &(struct sw_key){SW_KEY_CLICK, 25, 1}); // tab "3 Runs"
    driver_settle(&d);
    assert_shows(&d, "5 runs");
    sw_ui_key(&d.ui, &(struct sw_key){SW_KEY_CLICK, 10, 6});
    driver_settle(&d);
    assert_shows(&d, "▌  cnn-b");
    sw_ui_key(&d.ui, &(struct sw_key){SW_KEY_WHEEL_DOWN, 10, 6});
    driver_settle(&d);
    assert_shows(&d, "▌  你好-run");
    sw_ui_key(&d.ui, &(struct sw_key){SW_KEY_CLICK, 3, 23}); // "Enter open" among the hints
    driver_settle(&d);
    assert_shows(&d, "› runs › 你好-run");
    sw_ui_key(&d.ui, &(struct sw_key){SW_KEY_CLICK, 79, 23}); // nothing there
    driver_close(&d);
}

static void test_cursor_follows_the_row(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "3");
    driver_press(&d, "j");
    driver_press(&d, "j");
    sw_ui_paint(&d.ui);
    assert_int_equal(d.ui.cursor_y, 6);
    assert_int_equal(d.ui.cursor_x, 1);
    driver_close(&d);
}

static void test_selection_survives_refresh(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "3");
    driver_press(&d, "j");
    assert_shows(&d, "▌  mlp-wide");
    // The order turns around behind the user's back: the row stays selected, wherever it is now.
    sw_ui_place(&d.ui)->rows.descending = true;
    atomic_fetch_add(&d.fake.changes, 1);
    driver_settle(&d);
    driver_settle(&d);
    assert_shows(&d, "▌  mlp-wide");
    assert_int_equal(sw_ui_place(&d.ui)->rows.selected, 3);
    driver_close(&d);
}

static void test_stuck_backend(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    atomic_store(&d.fake.is_stuck, true);
    driver_tick(&d, 100);
    driver_key(&d, 'G'); // moves at once, on what is loaded
    assert_shows(&d, "▌  iris");
    driver_key(&d, SW_KEY_CTRL('r'));
    driver_key(&d, '3'); // a screen never seen: its frame, then its age
    assert_shows(&d, "loading");
    driver_tick(&d, 100);
    driver_tick(&d, 5000);
    assert_shows(&d, "loading for 5 s");
    driver_key(&d, '1');
    driver_tick(&d, 5000);
    assert_shows(&d, "data 10 s old");
    assert_shows(&d, "iris");
    // Asking again and again does not pile up calls.
    for (int i = 0; i < 50; i++) {
        driver_key(&d, SW_KEY_CTRL('r'));
        driver_tick(&d, 1500);
        sw_ui_paint(&d.ui);
    }
    assert_true(atomic_load(&d.fake.loads) < 20);
    assert_true(d.ui.loader.left_behind <= 3);
    atomic_store(&d.fake.is_stuck, false);
    driver_settle(&d);
    assert_shows_not(&d, " old");
    driver_close(&d);
}

static void test_empty_screens_teach(void **state)
{
    struct driver d = {.fake = {.is_empty = true}};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    assert_golden_screen(&d, "data-empty-80x24", false);
    driver_press(&d, "2");
    assert_shows(&d, "The queue is empty.");
    assert_shows(&d, "l  launch a training job");
    driver_press(&d, "x");
    assert_shows(&d, "job.stop needs a row");
    driver_press(&d, "5");
    assert_shows(&d, "a  add a target");
    driver_press(&d, "6");
    assert_shows(&d, "libnvidia-ml.so.1 not found");
    driver_close(&d);
}

static void test_production_looks_different(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 24);
    driver_press(&d, "5");
    driver_press(&d, "j");
    assert_shows(&d, "PRODUCTION · prod-eu");
    assert_golden_screen(&d, "cluster-production-120x24", true);
    driver_close(&d);
}

static void test_freeze_and_theme(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 24);
    driver_settle(&d);
    driver_press(&d, "Z");
    assert_shows(&d, "HELD");
    d.fake.is_empty = true;
    atomic_fetch_add(&d.fake.changes, 1);
    driver_settle(&d);
    assert_shows(&d, "fashion/train");
    driver_press(&d, "Z");
    assert_shows(&d, "No data sets are registered.");
    driver_type(&d, ":theme");
    driver_press(&d, "Enter");
    assert_string_equal(d.ui.theme->name, "light");
    driver_type(&d, ":mouse");
    driver_press(&d, "Enter");
    assert_true(d.ui.is_mouse_off);
    driver_close(&d);
}

static void test_copy_the_command(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    driver_press(&d, "3");
    driver_press(&d, "Tab"); // in the detail `c` means the command, in the list the id
    driver_press(&d, "c");
    assert_string_equal(d.ui.clipboard, "slipway run -- slipway-train cnn");
    driver_close(&d);
}

static void test_unknown_key(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "#");
    assert_shows(&d, "# does nothing here; ? explains the keys");
    driver_close(&d);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_and_back),
        cmocka_unit_test(test_screen_from_anywhere),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_marks_compare),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_overlays),
        cmocka_unit_test(test_delete_and_undo),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_cursor_follows_the_row),
        cmocka_unit_test(test_selection_survives_refresh),
        cmocka_unit_test(test_stuck_backend),
        cmocka_unit_test(test_empty_screens_teach),
        cmocka_unit_test(test_production_looks_different),
        cmocka_unit_test(test_freeze_and_theme),
        cmocka_unit_test(test_copy_the_command),
        cmocka_unit_test(test_unknown_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
