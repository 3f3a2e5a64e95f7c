// SPDX-License-Identifier: Apache-2.0
// Typed options: what each type accepts, command lines, defaults, errors that help.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "core/base/option.h"

static const struct sw_option table[] = {
    {.name = "epochs", .letter = 'n', .type = SW_OPTION_INT, .otherwise = "3", .min = 1, .max = 1000, .help = "passes"},
    {.name = "lr", .type = SW_OPTION_REAL, .min = 0, .max = 10, .help = "learning rate"},
    {.name = "optimizer", .type = SW_OPTION_CHOICE, .otherwise = "sgd", .choices = "sgd|adamw", .help = "update rule"},
    {.name = "verbose", .letter = 'v', .type = SW_OPTION_FLAG, .help = "say more"},
    {.name = "color", .letter = 'c', .type = SW_OPTION_FLAG, .otherwise = "true", .help = "use colours"},
    {.name = "env", .letter = 'e', .type = SW_OPTION_TEXT, .repeat = true, .help = "NAME=value"},
    {.name = "data", .type = SW_OPTION_DATASET, .required = true, .help = "data set"},
    {.name = "limit", .type = SW_OPTION_DURATION, .min = 1, .max = 3600, .help = "time limit"},
    {.name = "tag", .type = SW_OPTION_TEXT, .repeat = true, .otherwise = "none", .help = "tag"},
};
enum { COUNT = sizeof table / sizeof table[0] };

static struct sw_option_set *set;

static int new_set(void **state)
{
    (void)state;
    return sw_option_set_new(table, COUNT, &set, NULL) != SW_OK;
}

static int free_set(void **state)
{
    (void)state;
    sw_option_set_free(set);
    return 0;
}

static enum sw_code parse(struct sw_err *err, bool stop_at_word, const char *const *argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    return sw_option_parse(set, argc, (char *const *)(uintptr_t)argv, stop_at_word, err);
}

#define PARSE(...)      parse(&err, false, (const char *const[]){__VA_ARGS__, NULL})
#define PARSE_STOP(...) parse(&err, true, (const char *const[]){__VA_ARGS__, NULL})

static void all_forms_of_an_option_are_read(void **state)
{
    (void)state;
    struct sw_err err = {0};
    const char *const *values;
    assert_int_equal(PARSE("--epochs", "5", "--lr=0.5", "-e", "A=1", "-eB=2", "--env=C=3", "-v", "--no-color", "word",
                           "--data", "x", "-5", "-", "--", "--epochs", "-v"),
                     SW_OK);
    assert_int_equal(sw_option_int(set, "epochs", 0), 5);
    assert_true(sw_option_real(set, "lr", 0) == 0.5);
    assert_int_equal(sw_option_repeat(set, "env", &values), 3);
    assert_string_equal(values[0], "A=1");
    assert_string_equal(values[1], "B=2");
    assert_string_equal(values[2], "C=3");
    assert_true(sw_option_flag(set, "verbose"));
    assert_false(sw_option_flag(set, "color"));
    assert_int_equal(sw_option_args(set, &values), 5);
    assert_string_equal(values[0], "word");
    assert_string_equal(values[1], "-5");
    assert_string_equal(values[2], "-");
    assert_string_equal(values[3], "--epochs");
    assert_string_equal(values[4], "-v");
    assert_int_equal(sw_option_check_required(set, &err), SW_OK);
}

static void defaults_stand_where_nothing_was_given(void **state)
{
    (void)state;
    struct sw_err err = {0};
    const char *const *values;
    assert_int_equal(sw_option_parse(set, 0, NULL, false, &err), SW_OK);
    assert_int_equal(sw_option_int(set, "epochs", 9), 3);
    assert_true(sw_option_real(set, "lr", 0.25) == 0.25);
    assert_null(sw_option_text(set, "lr"));
    assert_string_equal(sw_option_text(set, "optimizer"), "sgd");
    assert_true(sw_option_flag(set, "color"));
    assert_false(sw_option_flag(set, "verbose"));
    assert_false(sw_option_is_set(set, "color"));
    assert_int_equal(sw_option_duration_ms(set, "limit", -1), -1);
    assert_int_equal(sw_option_repeat(set, "env", &values), 0);
    assert_int_equal(sw_option_repeat(set, "tag", &values), 1);
    assert_string_equal(values[0], "none");
    assert_int_equal(sw_option_args(set, &values), 0);
    assert_int_equal(sw_option_check_required(set, &err), SW_USAGE);
    assert_non_null(strstr(err.message, "--data is required"));
    assert_null(sw_option_text(set, "not-there"));
}

static void the_last_one_wins_and_letters_bundle(void **state)
{
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(PARSE("-n", "1", "-vcn7", "--verbose=false", "--limit", "1h"), SW_OK);
    assert_int_equal(sw_option_int(set, "epochs", 0), 7);
    assert_false(sw_option_flag(set, "verbose"));
    assert_true(sw_option_is_set(set, "verbose"));
    assert_int_equal(sw_option_duration_ms(set, "limit", 0), 3600000);
}

static void parsing_can_stop_at_a_command(void **state)
{
    (void)state;
    struct sw_err err = {0};
    const char *const *args;
    assert_int_equal(PARSE_STOP("-v", "python", "--epochs", "bad", "-n"), SW_OK);
    assert_int_equal(sw_option_args(set, &args), 4);
    assert_string_equal(args[0], "python");
    assert_string_equal(args[3], "-n");
    assert_int_equal(sw_option_int(set, "epochs", 0), 3);
}

static void errors_name_the_option_and_help(void **state)
{
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(PARSE("--epohcs", "3"), SW_USAGE);
    assert_string_equal(err.hint, "did you mean --epochs?");
    assert_int_equal(PARSE("--epochs", "many"), SW_USAGE);
    assert_string_equal(err.message, "--epochs: 'many' is not a whole number from 1 to 1000");
    assert_int_equal(PARSE("--epochs=0"), SW_USAGE);
    assert_string_equal(err.message, "--epochs: '0' is not a whole number from 1 to 1000");
    assert_int_equal(PARSE("--epochs"), SW_USAGE);
    assert_non_null(strstr(err.message, "--epochs needs a value"));
    assert_int_equal(PARSE("--optimizer", "adam"), SW_USAGE);
    assert_string_equal(err.message, "--optimizer: 'adam' is not one of sgd|adamw");
    assert_string_equal(err.hint, "did you mean 'adamw'?");
    assert_int_equal(PARSE("-x"), SW_USAGE);
    assert_string_equal(err.message, "unknown option -x");
    assert_int_equal(PARSE("--no-epochs"), SW_USAGE); // not a flag
    assert_int_equal(PARSE("--limit=2h"), SW_USAGE);
    assert_non_null(strstr(err.message, "from 1 to 3600 seconds"));
    assert_int_equal(PARSE("--verbose=maybe"), SW_USAGE);
    assert_int_equal(PARSE("--\x1b]0;x\x07"), SW_USAGE);
    assert_null(strchr(err.message, 0x1b));
}

static void values_put_by_name_are_copied_and_checked(void **state)
{
    (void)state;
    struct sw_err err = {0};
    char value[] = "12";
    assert_int_equal(sw_option_set_put(set, "epochs", value, &err), SW_OK);
    memset(value, '9', 2);
    assert_int_equal(sw_option_int(set, "epochs", 0), 12);
    assert_int_equal(sw_option_set_put(set, "epochs", "x", &err), SW_USAGE);
    assert_int_equal(sw_option_int(set, "epochs", 0), 12);
    assert_int_equal(sw_option_set_put(set, "epoch", "1", &err), SW_USAGE);
    assert_string_equal(err.hint, "did you mean --epochs?");
    assert_int_equal(sw_option_set_put(set, "verbose", "yes", &err), SW_OK);
    assert_true(sw_option_flag(set, "verbose"));
}

static void many_values_fit(void **state)
{
    (void)state;
    struct sw_err err = {0};
    char text[32];
    for (int i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, "value %d", i);
        assert_int_equal(sw_option_set_put(set, "env", text, &err), SW_OK);
    }
    const char *const *values;
    assert_int_equal(sw_option_repeat(set, "env", &values), 10000);
    assert_string_equal(values[9999], "value 9999");
}

static void expect(enum sw_option_type type, const char *const *values, bool accepted)
{
    struct sw_option o = {.name = "o", .type = type, .choices = "a|b"};
    for (; *values != NULL; values++)
        if ((sw_option_check(&o, *values, NULL) == SW_OK) != accepted)
            fail_msg("%s '%s' was %s", sw_option_type_word(type), *values, accepted ? "refused" : "accepted");
}

#define GOOD(type, ...) expect(type, (const char *const[]){__VA_ARGS__, NULL}, true)
#define BAD(type, ...)  expect(type, (const char *const[]){__VA_ARGS__, NULL}, false)
#define HEX64           "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A64             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void each_type_takes_its_own(void **state)
{
    (void)state;
    GOOD(SW_OPTION_FLAG, "true", "false", "yes", "no", "1", "0");
    BAD(SW_OPTION_FLAG, "", "True", "2", "on");
    GOOD(SW_OPTION_INT, "0", "-5", "+7", "9223372036854775807", "007");
    BAD(SW_OPTION_INT, "", "1.0", "1e3", " 1", "1 ", "0x10", "9223372036854775808", "--1", "-");
    GOOD(SW_OPTION_REAL, "0", "-1.5", "1e-3", ".5", "5.", "+2E+3");
    BAD(SW_OPTION_REAL, "", "nan", "inf", "0x1p3", "1e", "1e999", "e5", "1.2.3", "1-2", " 1", ".", "-");
    GOOD(SW_OPTION_TEXT, "", "h\xc3\xa9llo w\xc3\xb6rld");
    BAD(SW_OPTION_TEXT, "a\nb", "\x1b[1m", "\xff", "a\x7f", "\xc2\x9b");
    GOOD(SW_OPTION_CHOICE, "a", "b");
    BAD(SW_OPTION_CHOICE, "", "c", "a|b");
    GOOD(SW_OPTION_PATH, "/", "a b", "x\ny");
    BAD(SW_OPTION_PATH, "");
    GOOD(SW_OPTION_NAME, "a", "my-model-3", "0a");
    BAD(SW_OPTION_NAME, "", "A", "a_b", "-a", "a-", "a.b", A64);
    GOOD(SW_OPTION_IMAGE, "nginx", "nginx:1.25", "ghcr.io/a/b-c:v1.0_x", "localhost:5000/x", "reg:80/a/b@sha256:" HEX64,
         "a__b/c--d.e", "x:1@sha256:" HEX64, "Registry.example.com/x");
    BAD(SW_OPTION_IMAGE, "", "Nginx", "a:", "a:b:c", "/a", "a/", "a//b", "a@sha256:12", "a b", "a:-x", ":1",
        "a@md5:" HEX64, "a___b", "-a", "reg:/x", "x;rm");
    GOOD(SW_OPTION_QUANTITY, "1", "500m", "2Gi", "0.5", "1e3", "1E-3", "+1k", ".5", "1.");
    BAD(SW_OPTION_QUANTITY, "", "m", "1gi", "1 Gi", "1KB", "1e", "1.2.3", ".");
    GOOD(SW_OPTION_DURATION, "90", "90s", "15m", "2h", "1h30m", "1.5h", "250ms", "1d");
    BAD(SW_OPTION_DURATION, "", "m", "1x", "-1s", "1h30", "1 h", "1..5s", "99999999999999d");
    GOOD(SW_OPTION_DATASET, "fashion", "./x.csv");
    BAD(SW_OPTION_DATASET, "", "a\tb");
    GOOD(SW_OPTION_JOB, "1", "17");
    BAD(SW_OPTION_JOB, "0", "-1", "x", "");
    GOOD(SW_OPTION_MODEL, "cnn", "cnn@champion", "cnn/3");
    BAD(SW_OPTION_MODEL, "", "@a", "/3", "cnn/", "cnn/x", "cnn@", "cnn@a@b", "cnn/0", "a\nb");
    GOOD(SW_OPTION_TARGET, "prod", "ssh://h/x");
    BAD(SW_OPTION_TARGET, "");
    GOOD(SW_OPTION_RUN, "7f3a", "my run");
    BAD(SW_OPTION_RUN, "");
}

#define WITH_SET(test) cmocka_unit_test_setup_teardown(test, new_set, free_set)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SET(all_forms_of_an_option_are_read),
        WITH_SET(defaults_stand_where_nothing_was_given),
        WITH_SET(the_last_one_wins_and_letters_bundle),
        WITH_SET(parsing_can_stop_at_a_command),
        WITH_SET(errors_name_the_option_and_help),
        WITH_SET(values_put_by_name_are_copied_and_checked),
        WITH_SET(many_values_fit),
        cmocka_unit_test(each_type_takes_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
