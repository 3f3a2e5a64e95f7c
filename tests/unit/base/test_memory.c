// SPDX-License-Identifier: Apache-2.0
// Errors, buffers and arenas: limits, ownership, what stays after a failure.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/buf.h"

// The sanitizers' allocators are to answer NULL to an impossible request, as malloc() does.
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void errors_carry_code_message_and_hint(void **state)
{
    (void)state;
    struct sw_err err = {0};
    assert_int_equal(sw_err_set(&err, SW_CONFLICT, "run %s changed", "7f3a"), SW_CONFLICT);
    assert_int_equal(sw_err_hint(&err, "read it again"), SW_CONFLICT);
    assert_int_equal(sw_err_wrap(&err, "push %d", 4), SW_CONFLICT);
    assert_string_equal(err.message, "push 4: run 7f3a changed");
    assert_string_equal(err.hint, "read it again");
    assert_int_equal(sw_err_errno(&err, EDQUOT, "cannot write x"), SW_NO_SPACE);
    assert_string_equal(err.hint, "free some of the quota, then do the same again");
    assert_int_equal(sw_err_errno(&err, ENOENT, "x"), SW_NOT_FOUND);
    assert_int_equal(sw_err_errno(&err, EACCES, "x"), SW_IO);
    assert_int_equal(sw_err_errno(NULL, ENOMEM, "x"), SW_NO_MEMORY);
    assert_int_equal(sw_err_set(NULL, SW_BUSY, "x"), SW_BUSY);
}

static void errors_may_quote_themselves_and_are_cut(void **state)
{
    (void)state;
    struct sw_err err = {0};
    (void)sw_err_set(&err, SW_INVALID, "inner");
    (void)sw_err_set(&err, SW_FAILED, "outer (%s)", err.message);
    assert_string_equal(err.message, "outer (inner)");
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    (void)sw_err_wrap(&err, "%s", longer);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    (void)sw_err_set(&err, SW_FAILED, "%s", longer);
    (void)sw_err_wrap(&err, "front");
    assert_memory_equal(err.message, "front: xxx", 10);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void every_code_has_a_row(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SW_CODE_COUNT; i++) {
        assert_non_null(sw_code_word((enum sw_code)i));
        assert_non_null(sw_code_sentence((enum sw_code)i));
        assert_int_equal(sw_code_exit((enum sw_code)i) == 0, i == 0);
    }
    assert_int_equal(sw_code_exit(SW_INTERRUPTED), 130);
    assert_int_equal(sw_code_exit((enum sw_code)9999), 1);
}

static void a_buffer_grows_to_its_maximum_and_no_further(void **state)
{
    (void)state;
    struct sw_buf b;
    struct sw_err err = {0};
    sw_buf_init(&b, 100);
    assert_string_equal(b.data, "");
    for (int i = 0; i < 100; i++)
        sw_buf_addc(&b, 'a');
    assert_int_equal(sw_buf_check(&b, "log", &err), SW_OK);
    assert_int_equal(b.len, 100);
    assert_true(b.cap <= 101);
    sw_buf_addc(&b, 'b');
    assert_int_equal(sw_buf_check(&b, "the log line", &err), SW_LIMIT);
    assert_non_null(strstr(err.message, "the log line"));
    assert_non_null(strstr(err.message, "100 bytes"));
    assert_int_equal(b.len, 100);
    sw_buf_clear(&b);
    sw_buf_adds(&b, "again");
    assert_int_equal(sw_buf_check(&b, "log", &err), SW_OK);
    assert_string_equal(b.data, "again");
    sw_buf_free(&b);
    sw_buf_free(&b);
    assert_string_equal(b.data, "");
    sw_buf_adds(&b, "usable");
    assert_string_equal(b.data, "usable");
    sw_buf_free(&b);
}

static void a_failed_buffer_ignores_what_follows(void **state)
{
    (void)state;
    struct sw_buf b;
    sw_buf_init(&b, 4);
    sw_buf_adds(&b, "ab");
    sw_buf_adds(&b, "cde"); // too long as a whole
    sw_buf_addc(&b, 'x');   // would fit
    sw_buf_addf(&b, "%d", 1);
    assert_true(b.failed);
    assert_string_equal(b.data, "ab");
    assert_null(sw_buf_take(&b));
    assert_int_equal(b.len, 0);
    assert_false(b.failed);
    struct sw_buf zero = {0};
    sw_buf_free(&zero);
    assert_string_equal(zero.data, "");
    sw_buf_addc(&zero, 'x'); // its maximum is 0
    assert_true(zero.failed);
    sw_buf_free(&zero);
}

static void an_impossible_size_is_out_of_memory(void **state)
{
    (void)state;
    struct sw_buf b;
    struct sw_err err = {0};
    sw_buf_init(&b, SIZE_MAX);
    sw_buf_adds(&b, "x");
    sw_buf_add(&b, "y", SIZE_MAX / 2); // fails before a byte is read
    assert_int_equal(sw_buf_check(&b, "it", &err), SW_NO_MEMORY);
    sw_buf_clear(&b);
    sw_buf_adds(&b, "x");
    sw_buf_add(&b, "y", SIZE_MAX - 1);
    assert_true(b.failed);
    sw_buf_free(&b);
}

static void formatted_text_taking_and_dropping(void **state)
{
    (void)state;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    sw_buf_addf(&b, "%s-%05d", "n", 42);
    sw_buf_addf(&b, "%s", "");
    assert_string_equal(b.data, "n-00042");
    for (int i = 0; i < 1000; i++)
        sw_buf_addf(&b, ",%d", i);
    sw_buf_drop_front(&b, 8);
    assert_memory_equal(b.data, "0,1,2,", 6);
    size_t len = b.len;
    char *text = sw_buf_take(&b);
    assert_int_equal(strlen(text), len);
    free(text);
    sw_buf_drop_front(&b, 5);
    text = sw_buf_take(&b); // taking from an empty buffer gives an empty string
    assert_string_equal(text, "");
    free(text);
    sw_buf_adds(&b, "abc");
    sw_buf_drop_front(&b, 99);
    assert_string_equal(b.data, "");
    sw_buf_free(&b);
}

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(64 << 20);
    char *odd = sw_arena_strdup(a, "x");
    for (size_t size = 0; size < 20000; size += 321) {
        unsigned char *p = sw_arena_alloc(a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        if (size > 0)
            memset(p, 0xff, size);
    }
    unsigned char *large = sw_arena_alloc(a, 5 << 20);
    assert_non_null(large);
    large[(5 << 20) - 1] = 1;
    assert_string_equal(odd, "x");
    assert_true(sw_arena_used(a) > 5 << 20);
    sw_arena_free(a);
    sw_arena_free(NULL);
}

static void an_arena_stops_at_its_maximum(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(100);
    assert_non_null(sw_arena_alloc(a, 60));
    assert_null(sw_arena_alloc(a, 41));
    assert_int_equal(sw_arena_used(a), 60);
    assert_non_null(sw_arena_alloc(a, 40));
    assert_null(sw_arena_alloc(a, 1));
    assert_null(sw_arena_strdup(a, ""));
    assert_null(sw_arena_printf(a, "x"));
    assert_null(sw_arena_array(a, SIZE_MAX / 2, 3));
    assert_null(sw_arena_strndup(a, "x", SIZE_MAX));
    sw_arena_free(a);
}

static void arena_strings(void **state)
{
    (void)state;
    struct sw_arena *a = sw_arena_new(1 << 20);
    assert_null(sw_arena_strdup(a, NULL));
    assert_string_equal(sw_arena_strndup(a, "abcdef", 3), "abc");
    assert_string_equal(sw_arena_printf(a, "%s/%d", "run", 3), "run/3");
    int *numbers = sw_arena_array(a, 1000, sizeof *numbers);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(numbers[i], 0);
    sw_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_carry_code_message_and_hint),
        cmocka_unit_test(errors_may_quote_themselves_and_are_cut),
        cmocka_unit_test(every_code_has_a_row),
        cmocka_unit_test(a_buffer_grows_to_its_maximum_and_no_further),
        cmocka_unit_test(a_failed_buffer_ignores_what_follows),
        cmocka_unit_test(an_impossible_size_is_out_of_memory),
        cmocka_unit_test(formatted_text_taking_and_dropping),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(an_arena_stops_at_its_maximum),
        cmocka_unit_test(arena_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
