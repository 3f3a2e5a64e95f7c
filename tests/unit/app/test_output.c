// SPDX-License-Identifier: Apache-2.0
// Tables, roles and JSON values: widths by display column, foreign text made safe, unknown is explicit.
#include "app/json_kind.h"
#include "app/output.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/job.h"
#include "core/store/run.h"

static struct sw_output out;

static int init(void **state)
{
    (void)state;
    setenv("LC_ALL", "C.UTF-8", 1);
    sw_output_init(&out);
    out.columns = 0;
    out.has_color = false;
    return 0;
}

static int done(void **state)
{
    (void)state;
    sw_output_free(&out);
    return 0;
}

static const struct sw_table_column columns[] = {{"NAME", SW_COLUMN_SHRINKS}, {"N", SW_COLUMN_RIGHT}, {"END", 0}};

static void expect_table(struct sw_table *t, const char *want)
{
    struct sw_err err = {0};
    assert_int_equal(sw_table_print(t, &out, &err), SW_OK);
    assert_string_equal(out.pending.data, want);
    sw_buf_clear(&out.pending);
}

static void test_table_aligns_by_columns(void **state)
{
    (void)state;
    struct sw_table *t = sw_table_new(columns, 3);
    sw_table_cell(t, "数据");
    sw_table_cellf(t, "%d", 7);
    sw_table_cell(t, NULL);
    sw_table_cell(t, "abcdef");
    sw_table_real(t, 0.5, true);
    sw_table_cell(t, "");
    assert_int_equal(sw_table_rows(t), 2);
    expect_table(t, "NAME      N  END\n数据      7  -\nabcdef  0.5  -\n");
}

static void test_table_is_cut_on_a_narrow_terminal(void **state)
{
    (void)state;
    out.columns = 20;
    struct sw_table *t = sw_table_new(columns, 3);
    sw_table_cell(t, "a-very-long-name-of-a-run");
    sw_table_cell(t, "1");
    sw_table_cell(t, "x");
    expect_table(t, "NAME          N  END\na-very-long…  1  x\n");
}

static void test_table_makes_cells_safe(void **state)
{
    (void)state;
    struct sw_table *t = sw_table_new(columns, 3);
    sw_table_cell(t, "a\033[31mred\nb");
    sw_table_cell(t, "\xff");
    sw_table_cell(t, "x");
    struct sw_err err = {0};
    assert_int_equal(sw_table_print(t, &out, &err), SW_OK);
    assert_null(strchr(out.pending.data, '\033'));
    assert_null(strstr(out.pending.data, "red\nb"));
    assert_non_null(strstr(out.pending.data, "\xef\xbf\xbd"));
}

static void test_no_memory_is_reported(void **state)
{
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(sw_table_print(NULL, &out, &err), SW_NO_MEMORY);
    assert_int_equal(sw_output_json(&out, NULL, &err), SW_NO_MEMORY);
}

static void test_roles_are_colours_only_when_wanted(void **state)
{
    (void)state;
    sw_output_role(&out, SW_ROLE_BAD);
    assert_int_equal(out.pending.len, 0);
    sw_output_set_color(&out, SW_COLOR_ALWAYS);
    sw_output_role(&out, SW_ROLE_BAD);
    assert_string_equal(out.pending.data, "\033[31m");
}

static void test_confirm_needs_somebody_to_ask(void **state)
{
    (void)state;
    struct sw_err err = {0};
    out.is_json = true;
    assert_int_equal(sw_output_confirm(&out, &err, "Remove %s?", "x"), SW_USAGE);
    assert_non_null(strstr(err.hint, "--yes"));
    out.assume_yes = true;
    assert_int_equal(sw_output_confirm(&out, &err, "Remove %s?", "x"), SW_OK);
}

static void expect_json(json_t *value, const char *want)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
    json_decref(value);
}

static void test_json_values(void **state)
{
    (void)state;
    expect_json(sw_json_real(NAN), "\"NaN\"");
    expect_json(sw_json_real(-INFINITY), "\"-Infinity\"");
    expect_json(sw_json_maybe(NAN), "null");
    expect_json(sw_json_text(NULL), "null");
    expect_json(sw_json_text("a\xff"), "\"a\xef\xbf\xbd\"");
    expect_json(sw_json_tree(""), "null");
    expect_json(sw_json_tree("{\"a\":[1]}"), "{\"a\":[1]}");
    expect_json(sw_json_tree("{broken"), "\"{broken\"");
}

static void test_job_document(void **state)
{
    (void)state;
    struct sw_job job = {.job_id = 3, .name = "a", .state = SW_JOB_QUEUED, .failed_rank = -1, .progress = NAN};
    json_t *d = sw_json_document(&sw_json_job, &job);
    assert_non_null(d);
    assert_string_equal(json_string_value(json_object_get(d, "kind")), "Job");
    assert_string_equal(json_string_value(json_object_get(d, "state")), "queued");
    static const char *const unknown[] = {"exit_code", "signo", "failed_rank", "progress", "started_ms", "run_id"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_true(json_is_null(json_object_get(d, unknown[i])));
    assert_int_equal(json_object_size(d), sw_json_job.field_count + 1);
    json_decref(d);
}

static void test_run_list(void **state)
{
    (void)state;
    struct sw_metric_summary metric = {.key = "loss", .last = NAN, .count = 2};
    struct sw_run runs[2] = {{.run_id = "a", .metrics = &metric, .metric_count = 1}, {.run_id = "b"}};
    json_t *d = sw_json_list(&sw_json_run, runs, 2);
    json_t *items = json_object_get(d, "items");
    assert_string_equal(json_string_value(json_object_get(d, "kind")), "RunList");
    assert_int_equal(json_array_size(items), 2);
    json_t *loss = json_object_get(json_object_get(json_array_get(items, 0), "metrics"), "loss");
    assert_string_equal(json_string_value(json_object_get(loss, "last")), "NaN");
    assert_true(json_is_null(json_object_get(loss, "min")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(items, 1), "run_id")), "b");
    json_decref(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_table_aligns_by_columns, init, done),
        cmocka_unit_test_setup_teardown(test_table_is_cut_on_a_narrow_terminal, init, done),
        cmocka_unit_test_setup_teardown(test_table_makes_cells_safe, init, done),
        cmocka_unit_test_setup_teardown(test_no_memory_is_reported, init, done),
        cmocka_unit_test_setup_teardown(test_roles_are_colours_only_when_wanted, init, done),
        cmocka_unit_test_setup_teardown(test_confirm_needs_somebody_to_ask, init, done),
        cmocka_unit_test_setup_teardown(test_json_values, init, done),
        cmocka_unit_test_setup_teardown(test_job_document, init, done),
        cmocka_unit_test_setup_teardown(test_run_list, init, done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
