// SPDX-License-Identifier: Apache-2.0
// Files that come in: whole or not at all, in one piece or in parts, with what others leave in the way.
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/path.h"
#include "core/serve/artifact_private.h"

#define DAY_MS INT64_C(86400000)

struct fixture {
    char dir[64];
    int root;
    struct sw_err err;
    struct sw_arena *arena;
};

#define ok(call)                                                                                                       \
    do {                                                                                                               \
        if ((call) != SW_OK)                                                                                           \
            fail_msg("%s: %s", #call, f->err.message);                                                                 \
    } while (0)

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/sw-artifacts-XXXXXX");
    f->arena = sw_arena_new(16 << 20);
    *state = f;
    return mkdtemp(f->dir) == NULL || sw_beneath_root(f->dir, &f->root, &f->err) != SW_OK;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    close(f->root);
    sw_arena_free(f->arena);
    int failed = sw_path_remove_tree(f->dir, &f->err) != SW_OK;
    free(f);
    return failed;
}

static struct sw_artifact_path path_of(struct fixture *f, const char *text)
{
    struct sw_artifact_path path;
    ok(sw_artifact_path_make(&path, text, &f->err));
    return path;
}

static const char *on_disk(const struct fixture *f, const char *relative)
{
    static char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", f->dir, relative);
    return path;
}

static void holds(struct fixture *f, const char *relative, const char *text)
{
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    ok(sw_file_read(on_disk(f, relative), &b, &f->err));
    assert_string_equal(b.data, text);
    sw_buf_free(&b);
}

// Files below ".uploads", of any kind.
static int count_uploads(const struct fixture *f)
{
    int count = 0;
    DIR *d = opendir(on_disk(f, ".uploads"));
    for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        count += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return count;
}

static struct sw_artifact_upload *begin(struct fixture *f, const char *text)
{
    struct sw_artifact_upload *u = NULL;
    ok(sw_artifact_upload_begin(f->root, &u, &f->err));
    ok(sw_artifact_upload_add(u, text, strlen(text), &f->err));
    return u;
}

static void put(struct fixture *f, const char *relative, const char *text)
{
    struct sw_artifact_path path = path_of(f, relative);
    ok(sw_artifact_upload_finish(begin(f, text), &path, &f->err));
}

static void test_a_file_shows_when_it_is_complete(void **state)
{
    struct fixture *f = *state;
    struct sw_artifact_path path = path_of(f, "0/run/artifacts/deep/er/a.txt"), folder = path_of(f, "0/run");
    struct sw_beneath_entry *items;
    struct stat st;
    size_t count;
    struct sw_artifact_upload *u = begin(f, "hel");
    ok(sw_artifact_upload_add(u, "lo", 2, &f->err));
    assert_int_equal(sw_artifact_upload_size(u), 5);
    ok(sw_artifact_list(f->root, &folder, f->arena, &items, &count, &f->err));
    assert_int_equal(count, 0);
    assert_int_equal(count_uploads(f), 1);
    ok(sw_artifact_upload_finish(u, &path, &f->err));
    holds(f, path.text, "hello");
    assert_int_equal(count_uploads(f), 0);
    assert_int_equal(stat(on_disk(f, path.text), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(on_disk(f, "0/run/artifacts/deep"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    put(f, path.text, "other");
    holds(f, path.text, "other");
    put(f, "0/run/empty", "");
    holds(f, "0/run/empty", "");
}

static void test_a_dropped_file_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_beneath_entry *items;
    struct sw_artifact_path top = path_of(f, "");
    size_t count;
    sw_artifact_upload_drop(begin(f, "half"));
    sw_artifact_upload_drop(NULL);
    assert_int_equal(count_uploads(f), 0);
    ok(sw_artifact_list(f->root, &top, f->arena, &items, &count, &f->err));
    assert_int_equal(count, 0); // nor is our folder shown
}

static void test_what_is_in_the_way(void **state)
{
    struct fixture *f = *state;
    put(f, "0/run/file", "x");
    put(f, "0/run/folder/file", "x");
    assert_int_equal(mkdir(on_disk(f, "outside"), 0700), 0);
    assert_int_equal(symlink("../../outside", on_disk(f, "0/run/way")), 0);
    static const char *const targets[] = {"0/run/folder", "0/run/file/below", "0/run/way/in"};
    for (size_t i = 0; i < 3; i++) {
        struct sw_artifact_path path = path_of(f, targets[i]);
        struct sw_artifact_upload *u = begin(f, "new");
        if (sw_artifact_upload_finish(u, &path, &f->err) != SW_INVALID)
            fail_msg("%s was taken", targets[i]);
        sw_artifact_upload_drop(u);
    }
    put(f, "0/run/way", "replaces the link"); // the link, not what it leads to
    holds(f, "0/run/way", "replaces the link");
    assert_int_equal(rmdir(on_disk(f, "outside")), 0);
    assert_int_equal(count_uploads(f), 0);
}

static void test_lists_and_reads(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"b", "B", "a/x", "c.txt", "a.txt"};
    struct sw_beneath_entry *items;
    struct sw_beneath_stat st;
    size_t count;
    int fd = -1;
    for (size_t i = 0; i < 5; i++) {
        char relative[32];
        snprintf(relative, sizeof relative, "0/r/%s", names[i]);
        put(f, relative, "12345");
    }
    struct sw_artifact_path folder = path_of(f, "0/r"), file = path_of(f, "0/r/b"), none = path_of(f, "0/none"),
                            below = path_of(f, "0/r/b/x"), link = path_of(f, "0/r/link");
    ok(sw_artifact_list(f->root, &folder, f->arena, &items, &count, &f->err));
    static const char *const sorted[] = {"B", "a", "a.txt", "b", "c.txt"};
    assert_int_equal(count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(items[i].name, sorted[i]);
    assert_true(items[1].stat.is_dir);
    assert_int_equal(items[3].stat.size_bytes, 5);
    ok(sw_artifact_list(f->root, &file, f->arena, &items, &count, &f->err));
    assert_int_equal(count, 0);
    ok(sw_artifact_list(f->root, &none, f->arena, &items, &count, &f->err));
    assert_int_equal(count, 0);
    ok(sw_artifact_open(f->root, &file, &fd, &st, &f->err));
    assert_int_equal(st.size_bytes, 5);
    close(fd);
    assert_int_equal(sw_artifact_open(f->root, &none, &fd, &st, &f->err), SW_NOT_FOUND);
    assert_string_equal(f->err.message, "No such artifact: '0/none'");
    assert_int_equal(sw_artifact_open(f->root, &below, &fd, &st, &f->err), SW_NOT_FOUND);
    assert_int_equal(sw_artifact_open(f->root, &folder, &fd, &st, &f->err), SW_INVALID);
    assert_int_equal(symlink("/etc/passwd", on_disk(f, "0/r/link")), 0);
    assert_int_equal(sw_artifact_open(f->root, &link, &fd, &st, &f->err), SW_INVALID);
    ok(sw_artifact_remove(f->root, &folder, &f->err));
    ok(sw_artifact_list(f->root, &folder, f->arena, &items, &count, &f->err));
    assert_int_equal(count, 0);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void test_cleaning_takes_what_the_dead_left(void **state)
{
    struct fixture *f = *state;
    struct sw_artifact_upload *mine = begin(f, "mine");
    pid_t child = fork();
    if (child == 0) {
        struct sw_artifact_upload *u = NULL;
        _exit(sw_artifact_upload_begin(f->root, &u, &f->err) != SW_OK); // and is gone without a word
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(count_uploads(f), 2);
    sw_artifact_clean(f->root, sw_clock_now_ms());
    assert_int_equal(count_uploads(f), 1);
    struct sw_artifact_path path = path_of(f, "0/r/a");
    ok(sw_artifact_upload_finish(mine, &path, &f->err));
    holds(f, "0/r/a", "mine");
}

// --- parts ---

static void put_part(struct fixture *f, const char *id, int number, const char *text, char etag[static SW_ARTIFACT_ID])
{
    ok(sw_artifact_parts_put(f->root, id, number, begin(f, text), etag, &f->err));
}

static void test_parts_in_any_order(void **state)
{
    struct fixture *f = *state;
    struct sw_artifact_path path = path_of(f, "0/r/artifacts/big.bin");
    char id[SW_ARTIFACT_ID], etags[3][SW_ARTIFACT_ID], old[SW_ARTIFACT_ID], quoted[64];
    ok(sw_artifact_parts_create(f->root, &path, 3, id, &f->err));
    put_part(f, id, 3, "three", etags[2]);
    put_part(f, id, 1, "wrong", old);
    put_part(f, id, 1, "one-", etags[0]); // again
    put_part(f, id, 2, "two-", etags[1]);
    snprintf(quoted, sizeof quoted, "\"%s\"", etags[1]);
    struct sw_artifact_part parts[] = {{1, etags[0]}, {2, quoted}, {3, etags[2]}};
    ok(sw_artifact_parts_complete(f->root, id, &path, parts, 3, &f->err));
    holds(f, path.text, "one-two-three");
    ok(sw_artifact_parts_complete(f->root, id, &path, parts, 3, &f->err)); // the answer was lost
    assert_int_equal(count_uploads(f), 1);
    sw_artifact_clean(f->root, sw_clock_now_ms());
    assert_int_equal(count_uploads(f), 1);
    sw_artifact_clean(f->root, sw_clock_now_ms() + DAY_MS + 60000);
    assert_int_equal(count_uploads(f), 0);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, parts, 3, &f->err), SW_NOT_FOUND);
    holds(f, path.text, "one-two-three");
}

static void test_parts_that_do_not_fit(void **state)
{
    struct fixture *f = *state;
    struct sw_artifact_path path = path_of(f, "0/r/big"), other = path_of(f, "0/r/other");
    char id[SW_ARTIFACT_ID], one[SW_ARTIFACT_ID], two[SW_ARTIFACT_ID], none[SW_ARTIFACT_ID];
    ok(sw_artifact_parts_create(f->root, &path, 2, id, &f->err));
    put_part(f, id, 1, "1", one);
    put_part(f, id, 2, "2", two);
    static const int beyond[] = {0, 3, -1};
    for (size_t i = 0; i < 3; i++) {
        struct sw_artifact_upload *u = begin(f, "x");
        assert_int_equal(sw_artifact_parts_put(f->root, id, beyond[i], u, none, &f->err), SW_INVALID);
        sw_artifact_upload_drop(u);
    }
    const struct sw_artifact_part good[] = {{1, one}, {2, two}}, swapped[] = {{2, two}, {1, one}},
                                  twice[] = {{1, one}, {1, one}}, foreign[] = {{1, two}, {2, one}},
                                  climbing[] = {{1, one}, {2, "../../../../etc/passwd\0 and up to 32 "}};
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, good, 1, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, good, 0, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, swapped, 2, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, twice, 2, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, foreign, 2, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &path, climbing, 2, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_complete(f->root, id, &other, good, 2, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_abort(f->root, id, &other, &f->err), SW_INVALID);
    ok(sw_artifact_parts_complete(f->root, id, &path, good, 2, &f->err)); // none of it did harm
    holds(f, "0/r/big", "12");
}

static void test_aborted_and_unknown_uploads(void **state)
{
    struct fixture *f = *state;
    struct sw_artifact_path path = path_of(f, "0/r/big");
    char id[SW_ARTIFACT_ID], etag[SW_ARTIFACT_ID];
    ok(sw_artifact_parts_create(f->root, &path, SW_ARTIFACT_PARTS, id, &f->err));
    put_part(f, id, 77, "x", etag);
    ok(sw_artifact_parts_abort(f->root, id, &path, &f->err));
    assert_int_equal(count_uploads(f), 0);
    assert_int_equal(sw_artifact_parts_abort(f->root, id, &path, &f->err), SW_NOT_FOUND);
    static const char *const ids[] = {"", "..", "../../0", "00000000000000000000000000000000",
                                      "0000000000000000000000000000000G"};
    struct sw_artifact_upload *u = begin(f, "x");
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(sw_artifact_parts_put(f->root, ids[i], 1, u, etag, &f->err), SW_NOT_FOUND);
    sw_artifact_upload_drop(u);
    assert_int_equal(sw_artifact_parts_create(f->root, &path, 0, id, &f->err), SW_INVALID);
    assert_int_equal(sw_artifact_parts_create(f->root, &path, SW_ARTIFACT_PARTS + 1, id, &f->err), SW_INVALID);
    assert_int_equal(access(on_disk(f, "0/r/big"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_shows_when_it_is_complete, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_dropped_file_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_in_the_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lists_and_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cleaning_takes_what_the_dead_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parts_that_do_not_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_aborted_and_unknown_uploads, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
