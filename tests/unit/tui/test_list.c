// SPDX-License-Identifier: Apache-2.0
// The list widget on a million rows: only windows are asked for, wherever the user jumps; and the grid it paints into
// against hostile text.
#include "driver.h"

#define MILLION 1000000

static const struct sw_tui_options plain = {.theme = "dark"};

static void test_a_million_rows(void **state)
{
    struct driver d = {.fake = {.row_total = MILLION}};
    (void)state;
    driver_open(&d, &plain, 256, 120, 40);
    driver_press(&d, "1");
    driver_press(&d, "Enter");
    assert_shows(&d, "1,000,000 rows");
    assert_golden_screen(&d, "rows-120x40", false);
    driver_press(&d, "G");
    assert_shows(&d, "▌     999999");
    driver_press(&d, "PgUp");
    assert_shows(&d, "▌     999968");
    driver_press(&d, "g");
    for (int i = 0; i < 5; i++)
        driver_press(&d, "PgDn");
    assert_shows(&d, "▌        155");
    sw_listview_select(&sw_ui_place(&d.ui)->rows, 543210);
    driver_settle(&d);
    assert_shows(&d, "▌     543210");
    assert_true(atomic_load(&d.fake.asked_rows) <= 512);
    driver_close(&d);
}

// Keys are taken while rows are still on their way.
static void test_faster_than_the_loader(void **state)
{
    struct driver d = {.fake = {.row_total = MILLION}};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    driver_press(&d, "Enter");
    for (int i = 0; i < 2000; i++)
        driver_key(&d, SW_KEY_PAGE_DOWN);
    sw_ui_paint(&d.ui);
    int64_t selected = sw_ui_place(&d.ui)->rows.selected;
    assert_true(selected >= 30000);
    driver_settle(&d);
    assert_int_equal(sw_ui_place(&d.ui)->rows.selected, selected);
    char shown[32];
    snprintf(shown, sizeof shown, "%lld", (long long)selected);
    assert_shows(&d, shown);
    assert_string_equal(sw_ui_place(&d.ui)->rows.selected_id, shown);
    driver_close(&d);
}

// Enter on a row that is still on its way opens it when it comes.
static void test_open_before_the_row_is_here(void **state)
{
    struct driver d = {.fake = {.row_total = MILLION}};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_key(&d, SW_KEY_ENTER); // nothing is loaded yet
    driver_settle(&d);
    assert_shows(&d, "slipway › data › fashion/train");
    driver_key(&d, 'G');
    driver_key(&d, SW_KEY_ENTER);
    driver_settle(&d);
    assert_shows(&d, "fashion/train › 999999");
    driver_press(&d, "Esc");
    driver_key(&d, 'g');
    driver_key(&d, SW_KEY_ENTER);
    driver_key(&d, 'j'); // changed the mind
    driver_settle(&d);
    assert_shows(&d, "1,000,000 rows");
    driver_close(&d);
}

static void test_columns_scroll_sideways(void **state)
{
    struct driver d = {.fake = {.row_total = 100}};
    (void)state;
    driver_open(&d, &plain, 256, 60, 16);
    driver_settle(&d);
    driver_press(&d, "Enter");
    assert_shows(&d, "label");
    assert_shows_not(&d, "pixel 9");
    for (int i = 0; i < 40; i++)
        driver_press(&d, "Right");
    assert_shows(&d, "pixel 11");
    assert_shows_not(&d, "label");
    assert_shows(&d, "#"); // the first column stays
    for (int i = 0; i < 40; i++)
        driver_press(&d, "Left");
    assert_shows(&d, "label");
    driver_close(&d);
}

static void test_list_that_shrinks(void **state)
{
    struct driver d = {.fake = {.row_total = 1000}};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    driver_press(&d, "Enter");
    driver_press(&d, "G");
    d.fake.row_total = 3;
    driver_press(&d, "ctrl-r");
    driver_settle(&d);
    assert_true(sw_ui_place(&d.ui)->rows.selected < 3);
    assert_shows(&d, "3 rows");
    d.fake.row_total = 0;
    driver_press(&d, "ctrl-r");
    driver_settle(&d);
    assert_shows(&d, "no rows yet");
    driver_press(&d, "j");
    driver_press(&d, "G");
    driver_press(&d, "Enter");
    driver_close(&d);
}

static void test_marks(void **state)
{
    struct driver d = {.fake = {.row_total = MILLION}};
    (void)state;
    driver_open(&d, &plain, 256, 80, 24);
    driver_settle(&d);
    driver_press(&d, "Enter");
    struct sw_listview *v = &sw_ui_place(&d.ui)->rows;
    for (int i = 0; i < 2 * SW_MAX_MARKS; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        sw_listview_mark(v, id);
    }
    assert_int_equal(v->mark_count, SW_MAX_MARKS);
    sw_listview_mark(v, "7");
    assert_false(sw_listview_is_marked(v, "7"));
    assert_int_equal(v->mark_count, SW_MAX_MARKS - 1);
    const char *ids[SW_MAX_MARKS];
    assert_int_equal(sw_listview_ids(v, ids), SW_MAX_MARKS - 1);
    sw_listview_unmark_all(v);
    assert_int_equal(sw_listview_ids(v, ids), 1);
    assert_string_equal(ids[0], "0");
    driver_close(&d);
}

static void assert_clean(const struct sw_grid *g)
{
    for (int y = 0; y < g->height; y++) {
        for (int x = 0; x < g->width; x++) {
            const struct sw_cell *c = sw_grid_at(g, x, y);
            assert_true(c->cp >= ' ' && c->cp != 0x7f && !(c->cp >= 0x80 && c->cp < 0xa0));
            assert_true(c->cp != 0x202e && c->cp != 0x200b);
            if (g->ascii)
                assert_true(c->cp < 0x7f && c->width == 1 && c->mark[0] == 0);
            if (c->width == 2) // its right half follows
                assert_true(x + 1 < g->width && sw_grid_at(g, x + 1, y)->width == 0);
        }
    }
}

static void test_hostile_text(void **state)
{
    (void)state;
    for (int ascii = 0; ascii < 2; ascii++) {
        struct sw_tui_options o = {.theme = "dark", .ascii = ascii};
        struct driver d = {.fake = {.is_hostile = true}};
        driver_open(&d, &o, 256, 120, 30);
        driver_settle(&d);
        sw_ui_paint(&d.ui);
        assert_clean(&d.ui.grid);
        driver_press(&d, "Enter");
        assert_clean(&d.ui.grid);
        assert_golden_screen(&d, ascii ? "hostile-ascii-120x30" : "hostile-120x30", false);
        driver_close(&d);
    }
}

static void test_wide_characters_at_edges(void **state)
{
    struct sw_grid g;
    struct sw_err err = {0};
    (void)state;
    assert_int_equal(sw_grid_init(&g, 6, 1, false, &err), SW_OK);
    struct sw_canvas c = sw_canvas_whole(&g);
    struct sw_buf out;
    sw_buf_init(&out, 1024);
    assert_int_equal(sw_canvas_text(&c, 0, 0, 6, "你好世界", sw_style(0)), 5); // four columns and the mark of a cut
    sw_grid_dump_text(&g, &out);
    assert_string_equal(out.data, "你好…\n");
    sw_canvas_put(&c, 1, 0, 'x', sw_style(0)); // over the right half
    sw_buf_clear(&out);
    sw_grid_dump_text(&g, &out);
    assert_string_equal(out.data, " x好…\n");
    sw_canvas_put(&c, 1, 0, 0x4f60, sw_style(0)); // over the left half of the next
    sw_buf_clear(&out);
    sw_grid_dump_text(&g, &out);
    assert_string_equal(out.data, " 你 …\n");
    sw_canvas_put(&c, 5, 0, 0x4f60, sw_style(0)); // no room for its right half
    assert_int_equal(sw_grid_at(&g, 5, 0)->cp, ' ');
    assert_int_equal(sw_canvas_text(&c, 0, 0, 6, "e\u0301\u0302\u0303\u0304", sw_style(0)), 1);
    assert_int_equal(sw_grid_at(&g, 0, 0)->mark[0], 0x301);
    sw_buf_free(&out);
    sw_grid_free(&g);
}

static void test_clipping(void **state)
{
    struct sw_grid g;
    struct sw_err err = {0};
    (void)state;
    assert_int_equal(sw_grid_init(&g, 20, 6, false, &err), SW_OK);
    struct sw_canvas whole = sw_canvas_whole(&g);
    struct sw_canvas sub = sw_canvas_sub(&whole, (struct sw_rect){5, 2, 10, 2});
    struct sw_canvas far = sw_canvas_sub(&sub, (struct sw_rect){-50, -50, 200, 200});
    sw_canvas_fill(&far, (struct sw_rect){0, 0, 200, 200}, '#', sw_style(0));
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 20; x++)
            assert_int_equal(sw_grid_at(&g, x, y)->cp, x >= 5 && x < 15 && y >= 2 && y < 4 ? '#' : ' ');
    struct sw_canvas nothing = sw_canvas_sub(&whole, (struct sw_rect){30, 30, 5, 5});
    sw_canvas_text(&nothing, 0, 0, 5, "hidden", sw_style(0));
    assert_int_equal(sw_grid_resize(&g, 0, 5, &err), SW_INVALID);
    assert_int_equal(sw_grid_resize(&g, 5, 100000, &err), SW_INVALID);
    sw_grid_free(&g);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_rows),
        cmocka_unit_test(test_faster_than_the_loader),
        cmocka_unit_test(test_open_before_the_row_is_here),
        cmocka_unit_test(test_columns_scroll_sideways),
        cmocka_unit_test(test_list_that_shrinks),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_wide_characters_at_edges),
        cmocka_unit_test(test_clipping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
