// SPDX-License-Identifier: Apache-2.0
// Forms: typed fields with errors beside them, the preview that follows, and what a dangerous action asks for.
#include "driver.h"

static const struct sw_tui_options plain = {.theme = "dark"};

static void test_launch(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "2");
    driver_press(&d, "l");
    assert_shows(&d, "launch 41");
    assert_shows(&d, "data is needed");
    assert_golden_screen(&d, "form-launch-80x24", true);
    driver_press(&d, "Right"); // net: mlp -> cnn
    assert_shows(&d, "slipway launch --net cnn");
    driver_press(&d, "Enter");
    driver_press(&d, "ctrl-n");
    assert_shows(&d, "--net cnn --data fashion/train");
    driver_press(&d, "ctrl-n");
    assert_shows(&d, "--data iris");
    driver_press(&d, "Tab");
    driver_press(&d, "ctrl-u");
    driver_type(&d, "5000");
    assert_shows(&d, "epochs"); // out of range: said below the field
    assert_shows(&d, "1000");
    for (int i = 0; i < 3; i++)
        driver_press(&d, "Enter");
    driver_press(&d, "Enter"); // refused
    assert_string_equal(d.fake.last_action, "");
    assert_int_equal(d.ui.overlay, SW_OVERLAY_FORM);
    while (d.ui.form.focus != 2)
        driver_press(&d, "Up");
    driver_press(&d, "ctrl-u");
    driver_type(&d, "20");
    while (d.ui.form.focus != 4)
        driver_press(&d, "Tab");
    driver_press(&d, "space");
    assert_shows(&d, "--epochs 20 --augment true");
    driver_press(&d, "Enter"); // to the button
    driver_press(&d, "Enter");
    assert_string_equal(d.fake.last_action, "launch");
    assert_string_equal(d.fake.last_ids, "41");
    assert_string_equal(d.fake.last_values, "net=cnn;data=iris;epochs=20;augment=true;");
    driver_settle(&d); // goes to the job
    assert_int_equal(d.ui.overlay, SW_OVERLAY_NONE);
    assert_shows(&d, "launch done");
    assert_shows(&d, "▌   40  mlp-wide");
    driver_close(&d);
}

// Keys typed faster than previews come: the harmless deed waits for its preview, the dangerous one asks again.
static void test_submit_before_the_preview(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "3");
    driver_press(&d, "N");
    for (const char *c = "good"; *c; c++)
        driver_key(&d, (uint32_t)*c);
    driver_key(&d, SW_KEY_CTRL('o'));
    driver_key(&d, SW_KEY_ENTER);
    driver_settle(&d);
    driver_settle(&d);
    assert_string_equal(d.fake.last_action, "run.note");
    assert_string_equal(d.fake.last_values, "text=good;");
    driver_press(&d, "4");
    driver_press(&d, "P");
    for (const char *c = "site"; *c; c++)
        driver_key(&d, (uint32_t)*c);
    driver_key(&d, SW_KEY_CTRL('o'));
    driver_key(&d, SW_KEY_LEFT);
    driver_key(&d, SW_KEY_ENTER);
    driver_settle(&d);
    driver_settle(&d);
    assert_string_equal(d.fake.last_action, "run.note");
    driver_press(&d, "Enter");
    assert_string_equal(d.fake.last_action, "push");
    driver_close(&d);
}

static void test_escape_does_nothing(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    driver_press(&d, "2");
    driver_press(&d, "l");
    driver_press(&d, "Esc");
    assert_string_equal(d.fake.last_action, "");
    assert_shows(&d, "4 jobs");
    driver_close(&d);
}

static void test_stop_asks_first(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "2");
    driver_press(&d, "x");
    assert_shows(&d, "[>cancel<]");
    assert_golden_screen(&d, "form-stop-80x24", false);
    driver_press(&d, "x"); // the start key confirms nothing
    driver_press(&d, "y");
    assert_string_equal(d.fake.last_action, "");
    driver_press(&d, "Enter"); // on Cancel
    assert_string_equal(d.fake.last_action, "");
    assert_int_equal(d.ui.overlay, SW_OVERLAY_NONE);
    driver_press(&d, "x");
    driver_press(&d, "Left");
    driver_press(&d, "Enter");
    assert_string_equal(d.fake.last_action, "job.stop");
    driver_close(&d);
}

static void test_policy_blocks(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    driver_press(&d, "4");
    driver_press(&d, "A");
    driver_type(&d, "looks good");
    assert_golden_screen(&d, "form-approve-120x40", false);
    driver_press(&d, "Enter");
    driver_press(&d, "Left"); // from Cancel to the button
    driver_press(&d, "Enter");
    assert_string_equal(d.fake.last_action, "");
    assert_shows(&d, "the policy does not allow it: evaluation is 3 days old");
    driver_close(&d);
}

static void test_production_wants_its_name(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "4");
    driver_press(&d, "P");
    driver_type(&d, "prod-eu");
    assert_shows(&d, "type prod-eu to confirm");
    driver_press(&d, "Enter");
    driver_type(&d, "prod");
    driver_press(&d, "Enter"); // to Cancel
    driver_press(&d, "Left");
    driver_press(&d, "Enter");
    assert_string_equal(d.fake.last_action, "");
    driver_press(&d, "Up");
    driver_type(&d, "-eu");
    driver_press(&d, "Tab");
    driver_press(&d, "Enter");
    assert_string_equal(d.fake.last_action, "push");
    assert_string_equal(d.fake.last_values, "target=prod-eu;");
    driver_press(&d, "u");
    assert_shows(&d, "cannot undo: it was pushed");
    driver_close(&d);
}

static void test_form_that_does_not_open(void **state)
{
    struct driver d = {0};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_press(&d, "5");
    driver_press(&d, "a");
    assert_int_equal(d.ui.overlay, SW_OVERLAY_NONE);
    assert_shows(&d, "targets cannot be added here");
    driver_close(&d);
}

static void test_every_form_at_every_size(void **state)
{
    (void)state;
    for (int w = 40; w <= 160; w += 20) {
        for (int h = 10; h <= 40; h += 6) {
            struct driver d = {0};
            driver_open(&d, &plain, 8, w, h);
            driver_press(&d, "2");
            driver_press(&d, "l");
            for (int i = 0; i < 7; i++) {
                driver_key(&d, SW_KEY_TAB);
                sw_ui_paint(&d.ui);
                assert_in_range(d.ui.cursor_x, 0, w - 1);
                assert_in_range(d.ui.cursor_y, 0, h - 1);
            }
            driver_close(&d);
        }
    }
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_launch),
        cmocka_unit_test(test_submit_before_the_preview),
        cmocka_unit_test(test_escape_does_nothing),
        cmocka_unit_test(test_stop_asks_first),
        cmocka_unit_test(test_policy_blocks),
        cmocka_unit_test(test_production_wants_its_name),
        cmocka_unit_test(test_form_that_does_not_open),
        cmocka_unit_test(test_every_form_at_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
