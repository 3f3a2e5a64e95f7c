// SPDX-License-Identifier: Apache-2.0
// The action table holds together; keys and the line editor do what they say.
#include "driver.h"

static void test_no_key_means_two_things(void **state)
{
    (void)state;
    for (size_t i = 0; i < sw_tui_action_count; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        for (size_t k = i + 1; k < sw_tui_action_count; k++) {
            const struct sw_tui_action *b = &sw_tui_actions[k];
            if (!(a->places & b->places))
                continue;
            assert_string_not_equal(a->name, b->name);
            char keys[64];
            snprintf(keys, sizeof keys, "%s", b->keys);
            char *rest = keys;
            for (char *key; strcmp(b->keys, "/") && (key = strsep(&rest, "/")) != NULL;) {
                const char *at = *key ? strstr(a->keys, key) : NULL;
                bool whole = at && (at == a->keys || at[-1] == '/') && (!at[strlen(key)] || at[strlen(key)] == '/');
                if (whole)
                    fail_msg("%s is both %s and %s", key, a->name, b->name);
            }
        }
    }
}

static void test_table_is_complete(void **state)
{
    (void)state;
    for (size_t i = 0; i < sw_tui_action_count; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        assert_true(a->help[0] && a->help[strlen(a->help) - 1] != '.');
        assert_true(a->places != 0);
        if (a->kind == SW_TUI_DO_LOCAL && !sw_ui_has_handler(a->name))
            fail_msg("nobody handles %s", a->name);
        if (a->is_danger)
            assert_true(a->kind == SW_TUI_DO_CONFIRM || a->kind == SW_TUI_DO_FORM);
        if (a->hint[0])
            assert_true(a->keys[0]);
    }
    for (int s = 0; s < SW_SCREENS; s++)
        assert_non_null(sw_action_find(sw_screens[s].name));
}

static void test_key_names(void **state)
{
    (void)state;
    char name[SW_KEY_NAME];
    assert_string_equal(sw_key_name('j', name), "j");
    assert_string_equal(sw_key_name(18, name), "ctrl-r");
    assert_string_equal(sw_key_name(SW_KEY_PAGE_DOWN, name), "PgDn");
    assert_string_equal(sw_key_name(0x4f60, name), "你");
    assert_true(sw_key_matches('/', "/"));
    assert_false(sw_key_matches('/', "j/Down"));
    assert_true(sw_key_matches(SW_KEY_DOWN, "j/Down"));
    assert_false(sw_key_matches('D', "j/Down"));
    assert_false(sw_key_matches('x', ""));
    assert_string_equal(sw_key_action('x', SW_TUI_ON_TRAIN)->name, "job.stop");
    assert_null(sw_key_action('x', SW_TUI_ON_RUNS));
}

static void type(struct sw_lineedit *e, const char *text)
{
    for (size_t i = 0, len = strlen(text); i < len;) {
        uint32_t cp;
        i += sw_utf8_decode(text + i, len - i, &cp);
        assert_true(sw_lineedit_key(e, cp));
    }
}

static void test_lineedit(void **state)
{
    (void)state;
    struct sw_lineedit e = {0};
    type(&e, "aß你b");
    assert_string_equal(e.text, "aß你b");
    sw_lineedit_key(&e, SW_KEY_LEFT);
    sw_lineedit_key(&e, SW_KEY_BACKSPACE);
    assert_string_equal(e.text, "aßb");
    sw_lineedit_key(&e, SW_KEY_HOME);
    sw_lineedit_key(&e, SW_KEY_DELETE);
    assert_string_equal(e.text, "ßb");
    sw_lineedit_key(&e, SW_KEY_DELETE);
    assert_string_equal(e.text, "b");
    sw_lineedit_set(&e, "one two  three");
    sw_lineedit_key(&e, SW_KEY_CTRL('w'));
    assert_string_equal(e.text, "one two  ");
    sw_lineedit_key(&e, SW_KEY_CTRL('w'));
    assert_string_equal(e.text, "one ");
    sw_lineedit_key(&e, SW_KEY_CTRL('u'));
    assert_string_equal(e.text, "");
    sw_lineedit_key(&e, SW_KEY_BACKSPACE); // at the edges nothing happens
    sw_lineedit_key(&e, SW_KEY_DELETE);
    sw_lineedit_key(&e, SW_KEY_LEFT);
    assert_false(sw_lineedit_key(&e, SW_KEY_UP));
    for (int i = 0; i < 3 * SW_LINE_MAX; i++)
        sw_lineedit_key(&e, 0x20ac);
    assert_true(e.len < sizeof e.text && sw_utf8_valid(e.text, e.len));
    sw_lineedit_set(&e, "bad \xff\x80 tab\t");
    assert_true(sw_utf8_valid(e.text, e.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_key_means_two_things),
        cmocka_unit_test(test_table_is_complete),
        cmocka_unit_test(test_key_names),
        cmocka_unit_test(test_lineedit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
