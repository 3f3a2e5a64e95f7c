// SPDX-License-Identifier: Apache-2.0
// Places, path arithmetic, files read and replaced whole, walks, digests, and failpoints. Each test runs in a private
// folder that is the working directory.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/path.h"

static char folder[] = "/tmp/slipway-test-XXXXXX";

static int enter_folder(void **state)
{
    (void)state;
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int leave_folder(void **state)
{
    (void)state;
    unsetenv("SLIPWAY_FAILPOINT");
    return chdir("/") != 0 || sw_path_remove_tree(folder, NULL) != SW_OK || access(folder, F_OK) == 0;
}

static void put(const char *path, const char *text)
{
    assert_int_equal(sw_file_write(path, text, strlen(text), NULL), SW_OK);
}

static void expect_file(const char *path, const char *want)
{
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    assert_int_equal(sw_file_read(path, &b, NULL), SW_OK);
    assert_string_equal(b.data, want);
    sw_buf_free(&b);
}

static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = -2;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

// --- places and paths ---

static void places_follow_xdg(void **state)
{
    (void)state;
    char out[SW_PATH_MAX];
    struct sw_err err = {0};
    setenv("HOME", "/home/u", 1);
    unsetenv("XDG_DATA_HOME");
    assert_int_equal(sw_path_place(SW_PLACE_DATA, out, &err), SW_OK);
    assert_string_equal(out, "/home/u/.local/share/slipway");
    setenv("XDG_DATA_HOME", "relative", 1); // ignored, as the specification says
    assert_int_equal(sw_path_place(SW_PLACE_DATA, out, &err), SW_OK);
    assert_string_equal(out, "/home/u/.local/share/slipway");
    setenv("XDG_DATA_HOME", "/data/", 1);
    assert_int_equal(sw_path_place(SW_PLACE_DATA, out, &err), SW_OK);
    assert_string_equal(out, "/data/slipway");
    unsetenv("XDG_CONFIG_HOME");
    assert_int_equal(sw_path_place(SW_PLACE_CONFIG, out, &err), SW_OK);
    assert_string_equal(out, "/home/u/.config/slipway");
    unsetenv("HOME");
    assert_int_equal(sw_path_place(SW_PLACE_CONFIG, out, &err), SW_NOT_FOUND);
    assert_non_null(strstr(err.hint, "XDG_CONFIG_HOME or HOME"));
    setenv("HOME", "/home/u", 1);
    unsetenv("XDG_RUNTIME_DIR");
    assert_int_equal(sw_path_place(SW_PLACE_RUNTIME, out, &err), SW_NOT_FOUND);
    assert_non_null(strstr(err.message, "XDG_RUNTIME_DIR"));
    unsetenv("XDG_DATA_HOME");
}

static void paths_are_joined(void **state)
{
    (void)state;
    char out[SW_PATH_MAX];
    struct sw_err err = {0};
    static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"a", "/b", "/b"}, {"", "b", "b"},
                                           {"a", "", "a"},    {"/", "b", "/b"},   {"", "", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sw_path_join(out, cases[i][0], cases[i][1], &err), SW_OK);
        assert_string_equal(out, cases[i][2]);
    }
    snprintf(out, sizeof out, "x/y");
    assert_int_equal(sw_path_join(out, out, "z", &err), SW_OK); // in place
    assert_string_equal(out, "x/y/z");
    assert_int_equal(sw_path_join(out, "front", out, &err), SW_OK);
    assert_string_equal(out, "front/x/y/z");
    char longer[SW_PATH_MAX];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(sw_path_join(out, "", longer, &err), SW_OK);
    assert_int_equal(sw_path_join(out, "b", longer, &err), SW_LIMIT);
}

static void paths_become_absolute_by_text(void **state)
{
    (void)state;
    char out[SW_PATH_MAX];
    char want[SW_PATH_MAX];
    static const char *const cases[][2] = {{"/a/./b//c/", "/a/b/c"}, {"/a/../..", "/"}, {"/", "/"},
                                           {"/a/b/../c", "/a/c"},    {"/..x", "/..x"},  {"//a", "/a"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sw_path_absolute(out, cases[i][0], NULL), SW_OK);
        assert_string_equal(out, cases[i][1]);
    }
    assert_int_equal(sw_path_absolute(out, "x/../y", NULL), SW_OK);
    snprintf(want, sizeof want, "%s/y", folder);
    assert_string_equal(out, want);
    assert_string_equal(sw_path_base("a/b/c.txt"), "c.txt");
    assert_string_equal(sw_path_base("c.txt"), "c.txt");
    assert_string_equal(sw_path_base("a/"), "");
}

static void only_harmless_relative_paths_are_contained(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b", "a.b/c", "..a/b", "a b", ".hidden", "..."};
    static const char *const bad[] = {"",    "/a",    "a/",   "a//b", "..",    "../a", "a/..", "a/../b",
                                      "./a", "a/./b", "a\\b", "a\nb", "a\x7f", ".",    "/"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(sw_path_is_contained(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (sw_path_is_contained(bad[i]))
            fail_msg("'%s' counts as contained", bad[i]);
}

static void folders_are_made_and_removed(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct stat st;
    assert_int_equal(sw_path_make_dirs("a//b/c/", &err), SW_OK);
    assert_int_equal(sw_path_make_dirs("a/b/c", &err), SW_OK);
    assert_int_equal(stat("a/b/c", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    put("a/file", "x");
    assert_int_equal(sw_path_make_dirs("a/file/d", &err), SW_IO);
    assert_int_equal(sw_path_make_dirs("a/file", &err), SW_IO);
    assert_int_equal(sw_path_make_dirs("/", &err), SW_OK);
    put("outside", "keep");
    assert_int_equal(mkdir("elsewhere", 0700), 0);
    put("elsewhere/keep", "keep");
    assert_int_equal(symlink("../outside", "a/link"), 0);
    assert_int_equal(symlink("../../elsewhere", "a/b/dirlink"), 0);
    assert_int_equal(sw_path_remove_tree("a", &err), SW_OK);
    assert_int_not_equal(access("a", F_OK), 0);
    expect_file("outside", "keep");
    expect_file("elsewhere/keep", "keep"); // links are removed, what they name is not
    assert_int_equal(sw_path_remove_tree("a", &err), SW_OK);
    assert_int_equal(sw_path_remove_tree("outside", &err), SW_OK);
}

static void the_program_finds_its_siblings(void **state)
{
    (void)state;
    char out[SW_PATH_MAX];
    assert_int_equal(sw_path_sibling("x", out, NULL), SW_OK);
    assert_string_equal(sw_path_base(out), "x");
    out[strlen(out) - 2] = '\0';
    assert_int_equal(access(out, X_OK), 0);
}

// --- files ---

static void files_are_read_up_to_the_cap(void **state)
{
    (void)state;
    struct sw_buf b;
    struct sw_err err = {0};
    put("f", "0123456789");
    sw_buf_init(&b, 10);
    assert_int_equal(sw_file_read("f", &b, &err), SW_OK);
    assert_string_equal(b.data, "0123456789");
    sw_buf_free(&b);
    sw_buf_init(&b, 9);
    sw_buf_adds(&b, "kept");
    assert_int_equal(sw_file_read("f", &b, &err), SW_LIMIT);
    assert_string_equal(b.data, "kept");
    sw_buf_free(&b);
    sw_buf_init(&b, 100);
    assert_int_equal(sw_file_read("missing", &b, &err), SW_NOT_FOUND);
    assert_int_equal(sw_file_read(".", &b, &err), SW_IO);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(sw_file_read("fifo", &b, &err), SW_IO); // does not hang
    sw_buf_free(&b);
    sw_buf_init(&b, 10);
    assert_int_equal(sw_file_read("/proc/self/maps", &b, &err), SW_LIMIT); // a file that says its size is 0
    assert_int_equal(b.len, 0);
    sw_buf_free(&b);
}

static void files_are_replaced_whole_or_not_at_all(void **state)
{
    (void)state;
    struct stat st;
    struct sw_err err = {0};
    put("f", "old");
    assert_int_equal(stat("f", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    put("f", "new");
    put("empty", "");
    expect_file("f", "new");
    expect_file("empty", "");
    assert_int_equal(count_entries("."), 2);
    assert_int_equal(sw_file_write("no/such/folder", "x", 1, &err), SW_NOT_FOUND);
    assert_int_equal(mkdir("dir", 0700), 0);
    assert_int_equal(sw_file_write("dir", "x", 1, &err), SW_IO);
    assert_int_equal(count_entries("."), 3); // no temporary stayed
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    struct sw_err err = {0};
    put("f", "old");
    static const char *const plans[] = {"file.write=enospc", "file.rename=eio", "other=kill,file.write:1=enospc"};
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        setenv("SLIPWAY_FAILPOINT", plans[i], 1);
        assert_int_equal(sw_file_write("f", "new", 3, &err), i == 1 ? SW_IO : SW_NO_SPACE);
        expect_file("f", "old");
        assert_int_equal(count_entries("."), 1);
        put("f", "old"); // the second pass goes through
    }
}

static void a_full_disk_is_named(void **state)
{
    (void)state;
    struct sw_err err = {0};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(sw_fd_write_all(fd, "x", 1, "the checkpoint", &err), SW_NO_SPACE);
    assert_non_null(strstr(err.message, "the checkpoint"));
    close(fd);
}

static void failpoints_count_passes_and_kill(void **state)
{
    (void)state;
    setenv("SLIPWAY_FAILPOINT", "p:3=eio", 1);
    assert_int_equal(sw_failpoint("p"), 0);
    assert_int_equal(sw_failpoint("q"), 0);
    assert_int_equal(sw_failpoint("p"), 0);
    assert_int_equal(sw_failpoint("p"), EIO);
    assert_int_equal(sw_failpoint("p"), 0);
    unsetenv("SLIPWAY_FAILPOINT");
    assert_int_equal(sw_failpoint("p"), 0);
    put("f", "old");
    pid_t pid = fork();
    if (pid == 0) {
        setenv("SLIPWAY_FAILPOINT", "file.rename=kill", 1);
        _exit(sw_file_write("f", "new", 3, NULL) == SW_OK);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    expect_file("f", "old");
}

static void files_are_copied(void **state)
{
    (void)state;
    struct sw_err err = {0};
    enum { SIZE = 300000 };
    char *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31);
    assert_int_equal(sw_file_write("a", bytes, SIZE, &err), SW_OK);
    assert_int_equal(sw_file_copy("a", "b", &err), SW_OK);
    char a[SW_SHA256_HEX], b[SW_SHA256_HEX];
    int64_t size = 0;
    assert_int_equal(sw_sha256_file("a", a, NULL, &err), SW_OK);
    assert_int_equal(sw_sha256_file("b", b, &size, &err), SW_OK);
    assert_string_equal(a, b);
    assert_int_equal(size, SIZE);
    free(bytes);
    assert_int_equal(sw_file_copy("/proc/self/status", "status", &err), SW_OK); // says its size is 0
    int64_t copied = 0;
    assert_int_equal(sw_sha256_file("status", b, &copied, &err), SW_OK);
    assert_true(copied > 100);
    assert_int_equal(sw_file_copy("missing", "c", &err), SW_NOT_FOUND);
    assert_int_equal(sw_file_copy(".", "c", &err), SW_IO);
    setenv("SLIPWAY_FAILPOINT", "file.write=enospc", 1);
    assert_int_equal(sw_file_copy("a", "c", &err), SW_NO_SPACE);
    assert_int_equal(count_entries("."), 3);
}

// --- writing across short writes and signals ---

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
    (void)signo;
    alarms = alarms + 1;
}

struct reader {
    int fd;
    size_t total;
    bool in_order;
    pthread_t writer;
};

// Reads slowly, interrupting the writer again and again.
static void *read_slowly(void *arg)
{
    struct reader *r = arg;
    unsigned char block[997];
    ssize_t got;
    while ((got = read(r->fd, block, sizeof block)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            r->in_order = r->in_order && block[i] == (unsigned char)((r->total + (size_t)i) % 251);
        r->total += (size_t)got;
        if (r->total < 500000)
            pthread_kill(r->writer, SIGALRM);
    }
    return NULL;
}

static void all_is_written_across_short_writes_and_signals(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    struct sigaction action = {.sa_handler = on_alarm}, before; // without SA_RESTART
    int ends[2];
    assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
    assert_int_equal(pipe(ends), 0);
    unsigned char *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i % 251);
    struct reader r = {.fd = ends[0], .in_order = true, .writer = pthread_self()};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &r), 0);
    assert_int_equal(sw_fd_write_all(ends[1], bytes, SIZE, "a pipe", NULL), SW_OK);
    close(ends[1]);
    pthread_join(thread, NULL);
    close(ends[0]);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(r.total, SIZE);
    assert_true(r.in_order);
    assert_true(alarms > 0);
    free(bytes);
}

// --- walks ---

static enum sw_code collect(void *ctx, const char *relative, int64_t size_bytes, struct sw_err *err)
{
    struct sw_buf *b = ctx;
    sw_buf_addf(b, "%s=%lld ", relative, (long long)size_bytes);
    return strcmp(relative, "stop") == 0 ? sw_err_set(err, SW_CANCELLED, "stopped") : sw_buf_check(b, "list", err);
}

static void a_walk_is_in_byte_order_of_whole_paths(void **state)
{
    (void)state;
    struct sw_buf b;
    struct sw_err err = {0};
    sw_buf_init(&b, 4096);
    assert_int_equal(sw_path_make_dirs("t/a/deep/er", &err), SW_OK);
    assert_int_equal(sw_path_make_dirs("t/empty", &err), SW_OK);
    put("t/a/z", "1");
    put("t/a.txt", "22"); // '.' sorts before '/'
    put("t/a0", "333");   // '0' sorts after '/'
    put("t/a/deep/er/f", "");
    put("t/.hidden", "4444");
    assert_int_equal(sw_file_walk("t", 5, collect, &b, &err), SW_OK);
    assert_string_equal(b.data, ".hidden=4 a.txt=2 a/deep/er/f=0 a/z=1 a0=3 ");
    assert_int_equal(sw_file_walk("t", 4, collect, &b, &err), SW_LIMIT);
    put("t/stop", "");
    assert_int_equal(sw_file_walk("t", 100, collect, &b, &err), SW_CANCELLED);
    assert_int_equal(unlink("t/stop"), 0);
    assert_int_equal(symlink("/etc/passwd", "t/a/link"), 0);
    assert_int_equal(sw_file_walk("t", 100, collect, &b, &err), SW_INVALID);
    assert_non_null(strstr(err.message, "a/link is a symbolic link"));
    assert_int_equal(unlink("t/a/link"), 0);
    assert_int_equal(mkfifo("t/pipe", 0600), 0);
    assert_int_equal(sw_file_walk("t", 100, collect, &b, &err), SW_INVALID);
    assert_int_equal(sw_file_walk("missing", 100, collect, &b, &err), SW_NOT_FOUND);
    sw_buf_free(&b);
}

// --- digests, ids, time ---

static void digests_match_the_standard(void **state)
{
    (void)state;
    char hex[SW_SHA256_HEX];
    // FIPS 180-4's examples.
    sw_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sw_sha256_hex(NULL, 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    struct sw_sha256 *h = sw_sha256_new();
    char thousand[1000];
    memset(thousand, 'a', sizeof thousand);
    for (int i = 0; i < 1000; i++)
        sw_sha256_add(h, thousand, sizeof thousand);
    sw_sha256_add(h, NULL, 0);
    sw_sha256_end(h, hex);
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    struct sw_err err = {0};
    put("f", "abc");
    int64_t size = 0;
    assert_int_equal(sw_sha256_file("f", hex, &size, &err), SW_OK);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(size, 3);
    assert_int_equal(sw_sha256_file("missing", hex, &size, &err), SW_NOT_FOUND);
    assert_int_equal(sw_sha256_file(".", hex, &size, &err), SW_INVALID);
    assert_int_equal(size, 3);
}

static void ids_are_random_hex(void **state)
{
    (void)state;
    char a[33], b[33];
    assert_int_equal(sw_random_id(a, NULL), SW_OK);
    assert_int_equal(sw_random_id(b, NULL), SW_OK);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_int_equal(strlen(a), 32);
    assert_string_not_equal(a, b);
}

static void time_goes_on_or_stands_where_a_test_put_it(void **state)
{
    (void)state;
    setenv("SLIPWAY_FAKE_TIME_MS", "1795442525000", 1);
    assert_int_equal(sw_clock_now_ms(), 1795442525000);
    unsetenv("SLIPWAY_FAKE_TIME_MS");
    assert_true(sw_clock_now_ms() > 1700000000000);
    int64_t before = sw_clock_mono_ms();
    sw_clock_sleep_ms(3);
    sw_clock_sleep_ms(-1);
    assert_true(sw_clock_mono_ms() >= before + 3);
    assert_true(sw_clock_mono_us() / 1000 >= before + 3);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(places_follow_xdg),
        IN_FOLDER(paths_are_joined),
        IN_FOLDER(paths_become_absolute_by_text),
        IN_FOLDER(only_harmless_relative_paths_are_contained),
        IN_FOLDER(folders_are_made_and_removed),
        IN_FOLDER(the_program_finds_its_siblings),
        IN_FOLDER(files_are_read_up_to_the_cap),
        IN_FOLDER(files_are_replaced_whole_or_not_at_all),
        IN_FOLDER(a_failed_write_leaves_the_old_file),
        IN_FOLDER(a_full_disk_is_named),
        IN_FOLDER(failpoints_count_passes_and_kill),
        IN_FOLDER(files_are_copied),
        IN_FOLDER(all_is_written_across_short_writes_and_signals),
        IN_FOLDER(a_walk_is_in_byte_order_of_whole_paths),
        IN_FOLDER(digests_match_the_standard),
        IN_FOLDER(ids_are_random_hex),
        IN_FOLDER(time_goes_on_or_stands_where_a_test_put_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
