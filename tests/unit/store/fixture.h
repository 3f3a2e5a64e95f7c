// SPDX-License-Identifier: Apache-2.0
// A store in a private temporary folder, and the checks that every test of core/store uses.
#ifndef SW_TESTS_STORE_FIXTURE_H
#define SW_TESTS_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/path.h"
#include "core/store/store.h"

struct fixture {
    char dir[SW_PATH_MAX];
    struct sw_store *store;
    struct sw_arena *arena;
    struct sw_err err;
};

// Success, or the test ends with the error's own words.
#define ok(call)                                                                                                       \
    do {                                                                                                               \
        enum sw_code ok_code_ = (call);                                                                                \
        if (ok_code_ != SW_OK)                                                                                         \
            fail_msg("%s: %s", #call, f->err.message);                                                                 \
    } while (0)
// The expected failure, with a message.
#define fails(call, expected)                                                                                          \
    do {                                                                                                               \
        f->err = (struct sw_err){0};                                                                                   \
        enum sw_code fails_code_ = (call);                                                                             \
        if (fails_code_ != (expected))                                                                                 \
            fail_msg("%s: %s instead of %s (%s)", #call, sw_code_word(fails_code_), sw_code_word(expected),            \
                     f->err.message);                                                                                  \
        assert_int_equal(f->err.code, expected);                                                                       \
        assert_true(f->err.message[0] != '\0');                                                                        \
    } while (0)
#define says(text) assert_non_null(strstr(f->err.message, text))

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *tmp = getenv("TMPDIR");
    snprintf(f->dir, sizeof f->dir, "%s/slipway-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    f->arena = sw_arena_new((size_t)256 << 20);
    *state = f;
    return sw_store_open(f->dir, SW_STORE_CREATE, &f->store, &f->err) == SW_OK ? 0 : -1;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    sw_store_close(f->store);
    sw_arena_free(f->arena);
    enum sw_code code = sw_path_remove_tree(f->dir, &f->err);
    free(f);
    return code == SW_OK ? 0 : -1;
}

#define store_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
