// SPDX-License-Identifier: Apache-2.0
// Settings: precedence, errors that name the line, and a file whose comments survive `config set`.
#include "app/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/file.h"

static char root[] = "/tmp/slipway-config-XXXXXX";
static char user_file[128], project_file[128];

static void write_text(const char *path, const char *text)
{
    struct sw_err err = {0};
    assert_int_equal(sw_file_write(path, text, strlen(text), &err), SW_OK);
}

static int make_root(void **state)
{
    (void)state;
    struct sw_err err = {0};
    char dir[128];
    assert_non_null(mkdtemp(root));
    setenv("HOME", root, 1);
    unsetenv("XDG_CONFIG_HOME");
    snprintf(dir, sizeof dir, "%s/.config/slipway", root);
    assert_int_equal(sw_path_make_dirs(dir, &err), SW_OK);
    snprintf(user_file, sizeof user_file, "%s/config.yaml", dir);
    snprintf(dir, sizeof dir, "%s/work/deep/er", root);
    assert_int_equal(sw_path_make_dirs(dir, &err), SW_OK);
    snprintf(project_file, sizeof project_file, "%s/work/slipway.yaml", root);
    return chdir(dir);
}

static int remove_root(void **state)
{
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(chdir("/"), 0);
    return sw_path_remove_tree(root, &err) == SW_OK ? 0 : 1;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(user_file);
    unlink(project_file);
    unsetenv("SLIPWAY_EXPERIMENT");
    unsetenv("SLIPWAY_CPU_SLOTS");
    return 0;
}

static void expect(const char *key, const char *value, enum sw_config_origin origin)
{
    struct sw_config *c = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_config_load(&c, &err), SW_OK);
    assert_string_equal(sw_config_text(c, key), value);
    assert_int_equal(sw_config_origin(c, key), origin);
    sw_config_free(c);
}

static void test_stronger_places_win(void **state)
{
    (void)state;
    expect("experiment", "Default", SW_CONFIG_DEFAULT);
    write_text(user_file, "experiment: mine\n");
    expect("experiment", "mine", SW_CONFIG_USER);
    write_text(project_file, "experiment: ours\n");
    expect("experiment", "ours", SW_CONFIG_PROJECT);
    setenv("SLIPWAY_EXPERIMENT", "now", 1);
    expect("experiment", "now", SW_CONFIG_ENVIRONMENT);
    setenv("SLIPWAY_EXPERIMENT", "", 1); // empty is the same as unset
    expect("experiment", "ours", SW_CONFIG_PROJECT);
}

static void test_paths_are_relative_to_their_file(void **state)
{
    (void)state;
    char want[128];
    write_text(project_file, "policy: rules/release.yaml\n");
    snprintf(want, sizeof want, "%s/work/rules/release.yaml", root);
    expect("policy", want, SW_CONFIG_PROJECT);
}

static void test_errors_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message, *hint;
    } cases[] = {
        {"# c\nexperimnt: a\n", "config.yaml:2: unknown key 'experimnt'", "did you mean 'experiment'?"},
        {"cpu-slots: many\n", "config.yaml:1: ", ""},
        {"cpu-slots: 0\n", "config.yaml:1: ", ""},
        {"color: [auto]\n", "config.yaml:1: 'color' must be one value", ""},
        {"- a\n", "must hold 'key: value' lines", ""},
        {"a: b: c\n", "config.yaml", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_config *c = NULL;
        struct sw_err err = {0};
        write_text(user_file, cases[i].text);
        assert_int_not_equal(sw_config_load(&c, &err), SW_OK);
        assert_null(c);
        assert_non_null(strstr(err.message, cases[i].message));
        assert_non_null(strstr(err.hint, cases[i].hint));
    }
}

static void test_bad_environment_is_named(void **state)
{
    (void)state;
    struct sw_config *c = NULL;
    struct sw_err err = {0};
    setenv("SLIPWAY_CPU_SLOTS", "none", 1);
    assert_int_equal(sw_config_load(&c, &err), SW_USAGE);
    assert_non_null(strstr(err.message, "environment SLIPWAY_CPU_SLOTS"));
}

static void test_no_home_is_no_fault(void **state)
{
    (void)state;
    unsetenv("HOME");
    expect("experiment", "Default", SW_CONFIG_DEFAULT);
    setenv("HOME", root, 1);
}

static void read_user_file(struct sw_buf *out)
{
    struct sw_err err = {0};
    sw_buf_init(out, 65536);
    assert_int_equal(sw_file_read(user_file, out, &err), SW_OK);
}

static void test_set_keeps_comments(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_buf text;
    write_text(user_file, "# mine\nexperiment: a # old\n# last\n");
    assert_int_equal(sw_config_set("experiment", "b: \"#1\"", &err), SW_OK);
    read_user_file(&text);
    assert_memory_equal(text.data, "# mine\nexperiment: ", 19);
    assert_non_null(strstr(text.data, "\n# last\n"));
    sw_buf_free(&text);
    expect("experiment", "b: \"#1\"", SW_CONFIG_USER);
}

static void test_set_makes_an_explained_file(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_buf text;
    assert_int_equal(sw_config_set("cpu-slots", "3", &err), SW_OK);
    read_user_file(&text);
    for (size_t i = 0; i < sw_config_key_count; i++)
        assert_non_null(strstr(text.data, sw_config_keys[i].help));
    assert_non_null(strstr(text.data, "\ncpu-slots: 3\n"));
    sw_buf_free(&text);
    expect("cpu-slots", "3", SW_CONFIG_USER);
    assert_int_equal(sw_config_set("cpu-slots", "4", &err), SW_OK);
    expect("cpu-slots", "4", SW_CONFIG_USER);
}

static void test_set_refuses_what_it_could_not_read(void **state)
{
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(sw_config_set("cpu-slots", "-1", &err), SW_USAGE);
    assert_int_equal(sw_config_set("colour", "auto", &err), SW_USAGE);
    assert_string_equal(err.hint, "did you mean 'color'?");
    assert_int_not_equal(access(user_file, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_stronger_places_win, remove_files),
        cmocka_unit_test_teardown(test_paths_are_relative_to_their_file, remove_files),
        cmocka_unit_test_teardown(test_errors_name_the_line, remove_files),
        cmocka_unit_test_teardown(test_bad_environment_is_named, remove_files),
        cmocka_unit_test_teardown(test_no_home_is_no_fault, remove_files),
        cmocka_unit_test_teardown(test_set_keeps_comments, remove_files),
        cmocka_unit_test_teardown(test_set_makes_an_explained_file, remove_files),
        cmocka_unit_test_teardown(test_set_refuses_what_it_could_not_read, remove_files),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
