// SPDX-License-Identifier: Apache-2.0
// What the tests of models and pushes share: a private folder with a store and a small model in it, and short ways to
// write, break and read files there. Setup and teardown fit cmocka's fixtures.
#ifndef SW_TESTS_MODEL_FIXTURE_H
#define SW_TESTS_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/path.h"
#include "core/model/approval.h"

#define FIXTURE_MAYBE __attribute__((unused)) static

struct fixture {
    char root[64];
    char path[SW_PATH_MAX]; // of the last fixture_path()
    struct sw_store *store;
    struct sw_arena *arena;
    struct sw_err err;
};

#define assert_ok(f, call)                                                                                             \
    do {                                                                                                               \
        enum sw_code code_ = (call);                                                                                   \
        if (code_ != SW_OK)                                                                                            \
            fail_msg("%s: %s: %s", #call, sw_code_word(code_), (f)->err.message);                                      \
    } while (0)
#define assert_code(f, want, call)                                                                                     \
    do {                                                                                                               \
        enum sw_code code_ = (call);                                                                                   \
        if (code_ != (want))                                                                                           \
            fail_msg("%s: %s: %s", #call, sw_code_word(code_), (f)->err.message);                                      \
    } while (0)
#define assert_says(f, part)                                                                                           \
    do {                                                                                                               \
        if (strstr((f)->err.message, part) == NULL)                                                                    \
            fail_msg("'%s' is not in '%s'", part, (f)->err.message);                                                   \
    } while (0)

FIXTURE_MAYBE int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->root, sizeof f->root, "/tmp/slipway-model-XXXXXX");
    if (mkdtemp(f->root) == NULL)
        return -1;
    setenv("HOME", f->root, 1);
    f->arena = sw_arena_new(256u << 20);
    char store[SW_PATH_MAX];
    snprintf(store, sizeof store, "%s/store", f->root);
    *state = f;
    return sw_store_open(store, SW_STORE_CREATE, &f->store, &f->err) == SW_OK ? 0 : -1;
}

FIXTURE_MAYBE int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    sw_store_close(f->store);
    sw_arena_free(f->arena);
    (void)sw_path_remove_tree(f->root, NULL);
    free(f);
    return 0;
}

// "<root>/<relative>", valid until the next call.
FIXTURE_MAYBE const char *fixture_path(struct fixture *f, const char *relative)
{
    snprintf(f->path, sizeof f->path, "%s/%s", f->root, relative);
    return f->path;
}

FIXTURE_MAYBE void fixture_write(struct fixture *f, const char *relative, const void *bytes, size_t len)
{
    char path[SW_PATH_MAX], parent[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", f->root, relative);
    memcpy(parent, path, sizeof parent);
    *strrchr(parent, '/') = '\0';
    assert_ok(f, sw_path_make_dirs(parent, &f->err));
    assert_ok(f, sw_file_write(path, bytes, len, &f->err));
}

FIXTURE_MAYBE void fixture_puts(struct fixture *f, const char *relative, const char *text)
{
    fixture_write(f, relative, text, strlen(text));
}

// Turns over one byte of a file in place.
FIXTURE_MAYBE void fixture_flip(const char *path, int64_t offset)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    unsigned char byte = 0;
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x20;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}

FIXTURE_MAYBE bool fixture_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

// A model folder "model" below the root: three files, one in a sub-folder.
FIXTURE_MAYBE void fixture_make_model(struct fixture *f)
{
    fixture_puts(f, "model/net.onnx", "not really a network, but bytes");
    fixture_puts(f, "model/labels.txt", "shirt\nshoe\n");
    fixture_puts(f, "model/extra/scaler.json", "{\"mean\": 0.5}\n");
}

FIXTURE_MAYBE struct sw_model_version fixture_register(struct fixture *f, const char *name)
{
    struct sw_model_version v;
    bool is_new = false;
    char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/model", f->root);
    struct sw_model_source source = {.name = name, .path = path};
    assert_ok(f, sw_model_register(f->store, &source, f->arena, &v, &is_new, &f->err));
    return v;
}

FIXTURE_MAYBE void fixture_evaluate(struct fixture *f, const struct sw_model_version *v, double accuracy)
{
    struct sw_model_metric metrics[] = {{"accuracy", accuracy}, {"loss", 0.25}};
    struct sw_model_result result = {.model_digest = v->digest,
                                     .dataset = "fashion",
                                     .dataset_digest =
                                         "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                                     .split = "test",
                                     .metrics = metrics,
                                     .metric_count = 2};
    int64_t id = 0;
    assert_ok(f, sw_model_record_evaluation(f->store, v, &result, &id, &f->err));
}

FIXTURE_MAYBE struct sw_policy fixture_policy(struct fixture *f, const char *body)
{
    char text[2048], path[SW_PATH_MAX];
    snprintf(text, sizeof text, "apiVersion: slipway/v1\nkind: Policy\n%s", body);
    fixture_puts(f, "policy.yaml", text);
    snprintf(path, sizeof path, "%s/policy.yaml", f->root);
    struct sw_policy p;
    assert_ok(f, sw_policy_load(path, f->arena, &p, &f->err));
    return p;
}

// Runs `body` in a child that has SLIPWAY_FAILPOINT set to `point`; returns the wait status. The child opens the
// store itself: a connection is never carried over fork.
FIXTURE_MAYBE int fixture_run_child(struct fixture *f, const char *point, int (*body)(struct fixture *f))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("SLIPWAY_FAILPOINT", point, 1);
        char store[SW_PATH_MAX];
        snprintf(store, sizeof store, "%s/store", f->root);
        int status = 99;
        if (sw_store_open(store, SW_STORE_OPEN, &f->store, &f->err) == SW_OK)
            status = body(f);
        _exit(status);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

FIXTURE_MAYBE bool was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

#endif
