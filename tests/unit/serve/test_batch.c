// SPDX-License-Identifier: Apache-2.0
// Bodies of log-batch and log-metric: what becomes a point, and each refusal with MLflow's message.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/serve/batch_private.h"

struct fixture {
    struct sw_arena *arena;
    struct sw_batch batch;
    struct sw_err err;
    char *text;
};

static enum sw_code read_with(struct fixture *f, const char *text,
                              enum sw_code (*read)(char *, size_t, struct sw_arena *, struct sw_batch *,
                                                   struct sw_err *))
{
    free(f->text);
    f->text = strdup(text);
    f->err = (struct sw_err){0};
    return read(f->text, strlen(f->text), f->arena, &f->batch, &f->err);
}

static void refuses(struct fixture *f, const char *text, enum sw_code code, const char *words)
{
    enum sw_code got = read_with(f, text, sw_batch_read);
    if (got != code || strstr(f->err.message, words) == NULL)
        fail_msg("%s\n%s, not: %s", text, f->err.message, words);
}

static void test_whole_batch(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(
        read_with(f,
                  "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a\",\"value\":0.5,\"timestamp\":7,\"step\":3},"
                  "{\"key\":\"b/c d\",\"value\":NaN,\"timestamp\":\"8\"},"
                  "{\"key\":\"a\",\"value\":\"-Infinity\",\"timestamp\":9,\"step\":-1,\"model_id\":\"m-1\","
                  "\"dataset_name\":\"d\",\"unknown\":{\"x\":[1]}}],"
                  "\"params\":[{\"key\":\"p\",\"value\":\"v\"},{\"key\":\"q\"}],\"tags\":[{\"key\":\"t\",\"value\":3}],"
                  "\"other\":null}",
                  sw_batch_read),
        SW_OK);
    const struct sw_batch *b = &f->batch;
    assert_string_equal(b->run_id, "r");
    assert_int_equal(b->point_count, 3);
    assert_string_equal(b->points[0].key, "a");
    assert_true(b->points[0].value == 0.5 && b->points[0].step == 3 && b->points[0].time_ms == 7);
    assert_true(isnan(b->points[1].value) && b->points[1].step == 0 && b->points[1].time_ms == 8);
    assert_true(isinf(b->points[2].value) && b->points[2].step == -1);
    assert_int_equal(b->linked_count, 1);
    assert_string_equal(b->linked[0].model_id, "m-1");
    assert_string_equal(b->linked[0].dataset_name, "d");
    assert_int_equal(b->param_count, 2);
    assert_string_equal(b->params[1].value, "");
    assert_string_equal(b->tags[0].value, "3");
}

static void test_refusals(void **state)
{
    struct fixture *f = *state;
    refuses(f, "[]", SW_USAGE, "not JSON as expected");
    refuses(f, "{\"run_id\":\"r\"", SW_USAGE, "not JSON as expected");
    refuses(f, "{}", SW_INVALID, "Missing value for required parameter 'run_id'");
    refuses(f, "{\"run_id\":\"r\",\"metrics\":[{\"value\":1,\"timestamp\":1}]}", SW_INVALID,
            "Missing value for required parameter 'metrics[0].key'");
    refuses(
        f,
        "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a\",\"value\":1,\"timestamp\":1},{\"key\":\"a\",\"timestamp\":1}]}",
        SW_INVALID, "'metrics[1].value'");
    refuses(f, "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a\",\"value\":1}]}", SW_INVALID, "'metrics[0].timestamp'");
    refuses(f, "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a\",\"value\":\"x\",\"timestamp\":1}]}", SW_INVALID,
            "Invalid value for parameter 'value'");
    refuses(f, "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a$\",\"value\":1,\"timestamp\":1}]}", SW_INVALID,
            "Names may only contain");
    refuses(f, "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a/../b\",\"value\":1,\"timestamp\":1}]}", SW_INVALID,
            "would resolve to 'b'");
    refuses(f, "{\"run_id\":\"r\",\"metrics\":[{\"key\":\"a\",\"value\":1,\"timestamp\":-1}]}", SW_INVALID,
            "nonnegative long");
    refuses(f, "{\"run_id\":\"r\",\"params\":[{\"key\":\"p\",\"value\":\"1\"},{\"key\":\"p\",\"value\":\"1\"}]}",
            SW_INVALID, "Duplicate parameter keys");
}

// `count` members like `item` in list `name`.
static char *many(const char *name, const char *item, int count)
{
    struct sw_buf b;
    sw_buf_init(&b, 8 << 20);
    sw_buf_addf(&b, "{\"run_id\":\"r\",\"%s\":[", name);
    for (int i = 0; i < count; i++) {
        sw_buf_adds(&b, i > 0 ? "," : "");
        for (const char *p = item; *p != '\0'; p++) // '#' is the number
            if (*p == '#')
                sw_buf_addf(&b, "%d", i);
            else
                sw_buf_addc(&b, *p);
    }
    sw_buf_adds(&b, "]}");
    return sw_buf_take(&b);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name, *item;
        int most;
    } rows[] = {
        {"metrics", "{\"key\":\"k#\",\"value\":1,\"timestamp\":1}", 1000},
        {"params", "{\"key\":\"k#\",\"value\":\"v\"}", 100},
        {"tags", "{\"key\":\"k#\",\"value\":\"v\"}", 100},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = many(rows[i].name, rows[i].item, rows[i].most);
        assert_int_equal(read_with(f, text, sw_batch_read), SW_OK);
        free(text);
        text = many(rows[i].name, rows[i].item, rows[i].most + 1);
        refuses(f, text, SW_INVALID, "A batch logging request can contain at most");
        free(text);
    }
}

static void test_long_values_are_cut(void **state)
{
    struct fixture *f = *state;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    sw_buf_adds(&b, "{\"run_id\":\"r\",\"params\":[{\"key\":\"p\",\"value\":\"x");
    for (int i = 0; i < 4000; i++)
        sw_buf_adds(&b, "\xc3\xa9");
    sw_buf_adds(&b, "\"}]}");
    assert_int_equal(read_with(f, b.data, sw_batch_read), SW_OK);
    assert_int_equal(strlen(f->batch.params[0].value), 5999); // 6000 would split a character
    sw_buf_free(&b);
}

static void test_one_metric(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_with(f, "{\"run_uuid\":\"r\",\"key\":\"a\",\"value\":1e3,\"timestamp\":5,\"step\":2}",
                               sw_batch_read_metric),
                     SW_OK);
    assert_string_equal(f->batch.run_id, "r");
    assert_int_equal(f->batch.point_count, 1);
    assert_true(f->batch.points[0].value == 1000.0);
    assert_int_equal(read_with(f, "{\"run_id\":\"r\",\"key\":\"a\",\"timestamp\":5}", sw_batch_read_metric),
                     SW_INVALID);
    assert_string_equal(f->err.message, "Missing value for required parameter 'value'. See the API docs for more "
                                        "information about request parameters.");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = sw_arena_new(64 << 20);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sw_arena_free(f->arena);
    free(f->text);
    free(f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_batch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_values_are_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_metric, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
