// SPDX-License-Identifier: Apache-2.0
// Trees with links, pipes and foreign names in them: what lies below is read, nothing else is.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/beneath.h"
#include "core/base/file.h"
#include "core/base/path.h"

static char home[] = "/tmp/sw-beneath-XXXXXX";
static int root = -1;

static const char *at(const char *name)
{
    static char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static int make_tree(void **state)
{
    (void)state;
    struct sw_err err = {0};
    if (mkdtemp(home) == NULL || sw_path_make_dirs(at("tree/b/deep"), &err) || sw_path_make_dirs(at("tree/a"), &err) ||
        sw_path_make_dirs(at("outside"), &err) || sw_file_write(at("outside/secret"), "x", 1, &err) ||
        sw_file_write(at("tree/z.txt"), "hello", 5, &err) || sw_file_write(at("tree/b/deep/c"), "", 0, &err))
        return -1;
    if (symlink("../outside", at("tree/link")) != 0 || symlink("z.txt", at("tree/inner")) != 0 ||
        mkfifo(at("tree/pipe"), 0600) != 0 || mkdir(at("tree/back\\slash"), 0700) != 0)
        return -1;
    return sw_beneath_root(at("tree"), &root, &err) != SW_OK;
}

static int remove_tree(void **state)
{
    (void)state;
    struct sw_err err = {0};
    close(root);
    return (int)sw_path_remove_tree(home, &err);
}

static void lists_folders_first(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_beneath_entry *items;
    size_t count;
    assert_int_equal(sw_beneath_list(root, "", 100, a, &items, &count, &err), SW_OK);
    assert_int_equal(count, 3);
    assert_string_equal(items[0].name, "a");
    assert_string_equal(items[1].name, "b");
    assert_true(items[1].stat.is_dir);
    assert_string_equal(items[2].name, "z.txt");
    assert_int_equal(items[2].stat.size_bytes, 5);
    assert_true(items[2].stat.modified_ms > 1000000000000);
    assert_int_equal(sw_beneath_list(root, "b", 100, a, &items, &count, &err), SW_OK);
    assert_string_equal(items[0].name, "deep");
    assert_int_equal(sw_beneath_list(root, "a", 100, a, &items, &count, &err), SW_OK);
    assert_int_equal(count, 0);
    assert_int_equal(sw_beneath_list(root, "", 2, a, &items, &count, &err), SW_LIMIT);
    assert_int_equal(sw_beneath_list(root, "z.txt", 2, a, &items, &count, &err), SW_INVALID);
    sw_arena_free(a);
}

static void refuses_what_leads_out(void **state)
{
    (void)state;
    static const char *const paths[] = {"..",
                                        "../outside/secret",
                                        "a/../../outside",
                                        "/etc/passwd",
                                        "link",
                                        "link/secret",
                                        "inner",
                                        "pipe",
                                        "a//b",
                                        "./a",
                                        "a/",
                                        "b\\c",
                                        "a\nb",
                                        "back\\slash"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct sw_err err = {0};
        struct sw_beneath_stat st;
        int fd = -1;
        if (sw_beneath_open(root, paths[i], &fd, &st, &err) != SW_INVALID)
            fail_msg("'%s' gives %s", paths[i], sw_code_word(err.code));
        assert_int_equal(fd, -1);
    }
}

static void opens_files_and_folders(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_beneath_stat st;
    char text[8] = "";
    int fd = -1;
    assert_int_equal(sw_beneath_open(root, "z.txt", &fd, &st, &err), SW_OK);
    assert_int_equal(read(fd, text, sizeof text), 5);
    assert_string_equal(text, "hello");
    close(fd);
    assert_int_equal(sw_beneath_open(root, "b/deep", &fd, &st, &err), SW_OK);
    assert_true(st.is_dir);
    close(fd);
    assert_int_equal(sw_beneath_open(root, "", &fd, &st, &err), SW_OK);
    close(fd);
    assert_int_equal(sw_beneath_open(root, "b/none", &fd, &st, &err), SW_NOT_FOUND);
    assert_int_equal(sw_beneath_open(root, "z.txt/none", &fd, &st, &err), SW_NOT_FOUND);
    assert_int_equal(sw_beneath_root(at("none"), &fd, &err), SW_NOT_FOUND);
}

static void many_entries_come_sorted(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    struct sw_err err = {0};
    struct sw_arena *a = sw_arena_new(8 << 20);
    struct sw_beneath_entry *items;
    size_t count;
    char name[64];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "tree/a/%d", i * 7919 % MANY);
        FILE *f = fopen(at(name), "w");
        assert_non_null(f);
        fclose(f);
    }
    assert_int_equal(sw_beneath_list(root, "a", MANY, a, &items, &count, &err), SW_OK);
    assert_int_equal(count, MANY);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(items[i - 1].name, items[i].name) < 0);
    sw_arena_free(a);
}

static void writes_beside_names_it_was_given(void **state)
{
    (void)state;
    struct sw_err err = {0};
    int dir = -1;
    const char *name = NULL;
    struct stat st;
    assert_int_equal(sw_beneath_parent(root, "new/er/file", false, &dir, &name, &err), SW_NOT_FOUND);
    assert_int_equal(sw_beneath_parent(root, "new/er/file", true, &dir, &name, &err), SW_OK);
    assert_string_equal(name, "file");
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    close(fd);
    close(dir);
    assert_int_equal(stat(at("tree/new/er"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(at("tree/new/er/file"), &st), 0);
    assert_int_equal(sw_beneath_parent(root, "top", true, &dir, &name, &err), SW_OK);
    assert_string_equal(name, "top");
    close(dir);
    static const char *const refused[] = {"link/x", "inner/x", "z.txt/x", "../x", "a/../x", "", "a/", "pipe/x"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (sw_beneath_parent(root, refused[i], true, &dir, &name, &err) != SW_INVALID)
            fail_msg("'%s' gives %s", refused[i], sw_code_word(err.code));
    char long_name[400];
    memset(long_name, 'n', sizeof long_name);
    snprintf(long_name + 300, sizeof long_name - 300, "/x");
    assert_int_equal(sw_beneath_parent(root, long_name, true, &dir, &name, &err), SW_IO);
}

static void removes_trees_and_links_but_not_their_ends(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct stat st;
    assert_int_equal(sw_path_make_dirs(at("tree/old/deep"), &err), SW_OK);
    assert_int_equal(symlink("../../outside", at("tree/old/way")), 0);
    assert_int_equal(sw_beneath_remove(root, "link/secret", &err), SW_INVALID);
    assert_int_equal(sw_beneath_remove(root, "../outside", &err), SW_INVALID);
    assert_int_equal(sw_beneath_remove(root, "old", &err), SW_OK);
    assert_int_equal(lstat(at("tree/old"), &st), -1);
    assert_int_equal(stat(at("outside/secret"), &st), 0);
    assert_int_equal(sw_beneath_remove(root, "old/none", &err), SW_OK);
    assert_int_equal(sw_beneath_remove(root, "old", &err), SW_OK);
}

// From here on this process has a kernel without openat2(2).
static void forget_openat2(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void does_the_same_without_openat2(void **state)
{
    pid_t child = fork();
    if (child == 0) {
        forget_openat2();
        refuses_what_leads_out(state);
        opens_files_and_folders(state);
        removes_trees_and_links_but_not_their_ends(state);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_folders_first),
        cmocka_unit_test(refuses_what_leads_out),
        cmocka_unit_test(opens_files_and_folders),
        cmocka_unit_test(many_entries_come_sorted),
        cmocka_unit_test(writes_beside_names_it_was_given),
        cmocka_unit_test(removes_trees_and_links_but_not_their_ends),
        cmocka_unit_test(does_the_same_without_openat2),
    };
    return cmocka_run_group_tests_name("beneath", tests, make_tree, remove_tree);
}
