// SPDX-License-Identifier: Apache-2.0
// The command table holds together: every row can be found, explained, completed and is documented.
#include "app/cmd.h"
#include "app/generate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_every_command_is_described(void **state)
{
    (void)state;
    for (size_t i = 0; i < sw_command_count; i++) {
        const struct sw_command *c = sw_commands[i];
        assert_non_null(c->verb);
        assert_true(c->summary[0] != '\0' && c->summary[strlen(c->summary) - 1] != '.');
        assert_non_null(c->arguments);
        assert_true(strlen(c->description) > 0 && c->description[strlen(c->description) - 1] == '.');
        assert_memory_equal(c->examples, "slipway ", c == &sw_cmd_completion ? 0 : 8);
        assert_non_null(c->run);
        assert_true(c->max_args == -1 || c->min_args <= c->max_args);
        assert_true((c->max_args == 0) == (c->arguments[0] == '\0'));
    }
}

static void test_every_printed_kind_is_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sw_command_count; i++) {
        char *kinds = strdup(sw_commands[i]->kinds), *rest = NULL;
        for (char *kind = strtok_r(kinds, " ", &rest); kind != NULL; kind = strtok_r(NULL, " ", &rest)) {
            bool found = strcmp(kind, "ManifestList") == 0; // Kubernetes objects, not ours to describe
            for (size_t k = 0; sw_json_kinds[k] != NULL; k++)
                found = found || strcmp(sw_json_kinds[k]->name, kind) == 0 ||
                        (sw_json_kinds[k]->list != NULL && strcmp(sw_json_kinds[k]->list, kind) == 0);
            if (!found)
                fail_msg("%s prints the kind %s, which no table describes", sw_commands[i]->verb, kind);
        }
        free(kinds);
    }
}

static void test_kinds_are_sorted_and_complete(void **state)
{
    (void)state;
    for (size_t i = 0; sw_json_kinds[i] != NULL; i++) {
        assert_true(i == 0 || strcmp(sw_json_kinds[i - 1]->name, sw_json_kinds[i]->name) < 0);
        for (size_t f = 0; f < sw_json_kinds[i]->field_count; f++)
            assert_true(sw_json_kinds[i]->fields[f].help[0] != '\0');
    }
}

// An option of a command may not hide a global one, and letters must be unique.
static void test_options_do_not_clash(void **state)
{
    (void)state;
    for (size_t i = 0; i < sw_command_count; i++) {
        size_t count = 0;
        struct sw_option *options = sw_command_options(sw_commands[i], &count);
        for (size_t a = 0; a < count; a++) {
            assert_null(sw_option_find(sw_global_options, sw_global_option_count, options[a].name));
            for (size_t g = 0; g < sw_global_option_count; g++)
                assert_true(options[a].letter == 0 || options[a].letter != sw_global_options[g].letter);
            for (size_t b = a + 1; b < count; b++) {
                assert_string_not_equal(options[a].name, options[b].name);
                assert_true(options[a].letter == 0 || options[a].letter != options[b].letter);
            }
        }
        free(options);
    }
}

static void test_find_takes_one_or_two_words(void **state)
{
    (void)state;
    const struct sw_command *found = NULL;
    size_t used = 0;
    struct sw_err err = {0};
    for (size_t i = 0; i < sw_command_count; i++) {
        char *words = strdup(sw_commands[i]->verb), *second = strchr(words, ' ');
        const char *list[] = {words, second == NULL ? "other" : second + 1};
        if (second != NULL)
            *second = '\0';
        assert_int_equal(sw_command_find(list, 2, &found, &used, &err), SW_OK);
        assert_ptr_equal(found, sw_commands[i]);
        assert_int_equal(used, second == NULL ? 1 : 2);
        free(words);
    }
}

static void test_unknown_commands_offer_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *words[2];
        size_t count;
        const char *hint;
    } cases[] = {
        {{"comparre", NULL}, 1, "did you mean 'slipway compare'?"},
        {{"model", "aprove"}, 2, "did you mean 'slipway model approve'?"},
        {{"modle", NULL}, 1, "did you mean 'slipway model'?"},
        {{"model", NULL}, 1, "'slipway model --help' lists them"},
        {{"zzzzzzzzz", NULL}, 1, "'slipway --help' lists the commands"},
    };
    for (size_t i = 0; i < SW_COUNT(cases); i++) {
        const struct sw_command *found = NULL;
        size_t used = 0;
        struct sw_err err = {0};
        assert_int_equal(sw_command_find(cases[i].words, cases[i].count, &found, &used, &err), SW_USAGE);
        assert_string_equal(err.hint, cases[i].hint);
    }
}

static void test_generated_files_name_every_command(void **state)
{
    (void)state;
    void (*const makers[])(struct sw_buf *) = {sw_generate_bash, sw_generate_zsh, sw_generate_fish, sw_generate_manual};
    for (size_t m = 0; m < SW_COUNT(makers); m++) {
        struct sw_buf text, again;
        struct sw_err err = {0};
        sw_buf_init(&text, 1 << 22);
        sw_buf_init(&again, 1 << 22);
        makers[m](&text);
        makers[m](&again);
        assert_int_equal(sw_buf_check(&text, "generated", &err), SW_OK);
        assert_string_equal(text.data, again.data);
        for (size_t i = 0; i < sw_command_count; i++) {
            bool is_hidden = (sw_commands[i]->flags & SW_COMMAND_HIDDEN) != 0;
            const char *word = strrchr(sw_commands[i]->verb, ' ');
            if (!is_hidden)
                assert_non_null(strstr(text.data, word == NULL ? sw_commands[i]->verb : word + 1));
        }
        assert_null(strstr(text.data, "(null)"));
        sw_buf_free(&text);
        sw_buf_free(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_is_described),
        cmocka_unit_test(test_every_printed_kind_is_listed),
        cmocka_unit_test(test_kinds_are_sorted_and_complete),
        cmocka_unit_test(test_options_do_not_clash),
        cmocka_unit_test(test_find_takes_one_or_two_words),
        cmocka_unit_test(test_unknown_commands_offer_the_nearest),
        cmocka_unit_test(test_generated_files_name_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
