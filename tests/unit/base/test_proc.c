// SPDX-License-Identifier: Apache-2.0
// Child processes: what a child inherits, how failures come back, identity, descendants, deadlines. The program runs
// itself as the child for what a shell cannot show (argv[1] names the part).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/proc.h"

enum { DEADLINE_MS = 20000 };

static struct sw_err err;

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

// Runs and expects success; `out` gets standard output.
static struct sw_proc_result run(const struct sw_proc_spec *spec, const char *input, struct sw_buf *out)
{
    struct sw_proc_result result = {0};
    if (sw_proc_run(spec, input, input != NULL ? strlen(input) : 0, DEADLINE_MS, out, NULL, &result, &err) != SW_OK)
        fail_msg("%s", err.message);
    return result;
}

static void expect_output(const struct sw_proc_spec *spec, const char *input, const char *want)
{
    struct sw_buf out;
    sw_buf_init(&out, 1 << 20);
    struct sw_proc_result result = run(spec, input, &out);
    assert_int_equal(result.exit_code, 0);
    assert_string_equal(out.data, want);
    sw_buf_free(&out);
}

static void reap(struct sw_proc *p)
{
    assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
    sw_proc_close(p);
}

// --- the parts that run as a child ---

static int list_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    for (const struct dirent *d; (d = readdir(dir)) != NULL;)
        if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(dir))
            printf("%s ", d->d_name);
    closedir(dir);
    return 0;
}

static int show_signals(void)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int signo = 1; signo < NSIG; signo++) {
        struct sigaction action;
        if (sigismember(&mask, signo) == 1)
            printf("blocked %d ", signo);
        if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            printf("ignored %d ", signo);
    }
    return 0;
}

// Starts a grandchild that leaves the process group, prints its pid and hangs with it, both deaf to SIGTERM.
static int hang_with_grandchild(void)
{
    signal(SIGTERM, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0)
        setpgid(0, 0);
    else
        printf("%d\n", (int)pid);
    fflush(stdout);
    while (pause() != 0) {
    }
    return 1;
}

// Spawns a child that dies with us, prints its pid and start, and is killed.
static int die_leaving_child(void)
{
    struct sw_proc p;
    const struct sw_proc_spec spec = {.argv = ARGV("sleep", "1000"), .die_with_parent = true, .new_session = true};
    if (sw_proc_spawn(&spec, &p, NULL) != SW_OK)
        return 1;
    printf("%d %lld\n", (int)p.pid, (long long)p.start_ticks);
    fflush(stdout);
    raise(SIGKILL);
    return 1;
}

static const struct {
    const char *name;
    int (*run)(void);
} parts[] = {{"descriptors", list_descriptors},
             {"signals", show_signals},
             {"hang", hang_with_grandchild},
             {"die", die_leaving_child}};

// --- starting ---

static void arguments_folder_and_environment_arrive(void **state)
{
    (void)state;
    const char *const env[] = {"PATH=/usr/bin:/bin", "A=1 2", NULL};
    const struct sw_proc_spec spec = {
        .argv = ARGV("sh", "-c", "echo \"$A|$HOME|$1|$PWD\"", "sh", "x\"y"), .env = env, .cwd = "/usr"};
    expect_output(&spec, NULL, "1 2||x\"y|/usr\n");
}

static void a_failed_start_is_an_error(void **state)
{
    (void)state;
    struct sw_proc p = {.pid = -7};
    struct sw_proc_spec spec = {.argv = ARGV("no-such-program-here")};
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_NOT_FOUND);
    assert_non_null(strstr(err.message, "no-such-program-here"));
    spec.argv = ARGV("/no/such/program");
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_NOT_FOUND);
    spec.argv = ARGV("/etc/passwd");
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_IO);
    assert_string_equal(err.message, "cannot run /etc/passwd: Permission denied");
    spec = (struct sw_proc_spec){.argv = ARGV("true"), .cwd = "/no/such/folder"};
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_NOT_FOUND);
    assert_non_null(strstr(err.message, "in /no/such/folder"));
    const char *const no_path[] = {"PATH=relative:", NULL};
    spec = (struct sw_proc_spec){.argv = ARGV("true"), .env = no_path};
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_NOT_FOUND);
    spec = (struct sw_proc_spec){.argv = ARGV("")};
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_NOT_FOUND);
    struct sw_proc_fd closed = {999, 3};
    spec = (struct sw_proc_spec){.argv = ARGV("true"), .fds = &closed, .fd_count = 1};
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_IO);
    assert_non_null(strstr(err.message, "descriptors"));
    assert_int_equal(p.pid, -7);                      // untouched
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); // and nothing left to reap
}

static void a_child_gets_only_its_descriptors(void **state)
{
    (void)state;
    int leak = open("/dev/null", O_RDONLY); // without O_CLOEXEC
    int high = fcntl(leak, F_DUPFD, 500);
    assert_true(high >= 500);
    const struct sw_proc_fd fds[] = {{leak, 5}, {high, 7}};
    struct sw_proc_spec spec = {.argv = ARGV("/proc/self/exe", "descriptors")};
    expect_output(&spec, NULL, "0 1 2 ");
    spec.fds = fds;
    spec.fd_count = 2;
    expect_output(&spec, NULL, "0 1 2 5 7 ");
    close(leak);
    close(high);
}

static void descriptors_may_swap_places(void **state)
{
    (void)state;
    // Our 8 and 9 hold two files; the child gets them crossed over, and one of them as its standard input too.
    char a[] = "/tmp/slipway-test-XXXXXX";
    char b[] = "/tmp/slipway-test-XXXXXX";
    int fd_a = mkstemp(a);
    int fd_b = mkstemp(b);
    assert_int_equal(write(fd_a, "aaaa", 4), 4);
    assert_int_equal(write(fd_b, "bbbb", 4), 4);
    lseek(fd_a, 0, SEEK_SET);
    lseek(fd_b, 0, SEEK_SET);
    assert_int_equal(dup2(fd_a, 8), 8);
    assert_int_equal(dup2(fd_b, 9), 9);
    const struct sw_proc_fd fds[] = {{8, 9}, {9, 8}, {8, 0}};
    const struct sw_proc_spec spec = {
        .argv = ARGV("sh", "-c", "head -c 2 <&8; head -c 2 <&9; head -c 2"), .fds = fds, .fd_count = 3};
    expect_output(&spec, NULL, "bbaaaa");
    close(8);
    close(9);
    close(fd_a);
    close(fd_b);
    unlink(a);
    unlink(b);
}

static void signals_start_clean(void **state)
{
    (void)state;
    sigset_t set, before;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    const struct sw_proc_spec spec = {.argv = ARGV("/proc/self/exe", "signals")};
    expect_output(&spec, NULL, "");
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    assert_true(sigismember(&now, SIGUSR1)); // ours is as it was
    assert_false(sigismember(&now, SIGUSR2));
    signal(SIGPIPE, old);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void niceness_is_added(void **state)
{
    (void)state;
    char want[32];
    snprintf(want, sizeof want, "%d\n", getpriority(PRIO_PROCESS, 0) + 3);
    const struct sw_proc_spec spec = {.argv = ARGV("nice"), .nice = 3};
    expect_output(&spec, NULL, want);
}

static void a_child_dies_with_its_parent(void **state)
{
    (void)state;
    struct sw_buf out;
    sw_buf_init(&out, 100);
    const struct sw_proc_spec spec = {.argv = ARGV("/proc/self/exe", "die")};
    struct sw_proc_result result = run(&spec, NULL, &out);
    assert_int_equal(result.exit_code, -1);
    assert_int_equal(result.signo, SIGKILL);
    int pid;
    long long ticks;
    assert_int_equal(sscanf(out.data, "%d %lld", &pid, &ticks), 2);
    int64_t deadline = sw_clock_mono_ms() + DEADLINE_MS;
    while (sw_proc_is_alive(pid, ticks) && sw_clock_mono_ms() < deadline)
        sched_yield();
    assert_false(sw_proc_is_alive(pid, ticks));
    sw_buf_free(&out);
}

// --- identity and signals ---

static void a_process_is_its_pid_and_its_start(void **state)
{
    (void)state;
    struct sw_proc p;
    int64_t ticks = 0;
    const struct sw_proc_spec spec = {.argv = ARGV("sleep", "1000"), .new_session = true};
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_OK);
    assert_int_equal(getsid(p.pid), p.pid);
    assert_int_equal(sw_proc_start_ticks(p.pid, &ticks, &err), SW_OK);
    assert_int_equal(ticks, p.start_ticks);
    assert_true(sw_proc_is_alive(p.pid, p.start_ticks));
    assert_false(sw_proc_is_alive(p.pid, p.start_ticks + 1));
    assert_int_equal(sw_proc_signal(p.pid, p.start_ticks + 1, SIGKILL, &err), SW_NOT_FOUND); // somebody else's pid
    assert_true(sw_proc_is_alive(p.pid, p.start_ticks));
    assert_int_equal(sw_proc_signal(p.pid, p.start_ticks, 0, &err), SW_OK);
    assert_int_equal(sw_proc_signal(p.pid, p.start_ticks, SIGTERM, &err), SW_OK);
    struct pollfd fd = {p.pidfd, POLLIN, 0};
    assert_int_equal(poll(&fd, 1, DEADLINE_MS), 1);
    assert_false(sw_proc_is_alive(p.pid, p.start_ticks)); // a zombie is no longer alive
    assert_int_equal(sw_proc_signal(p.pid, p.start_ticks, SIGKILL, &err), SW_NOT_FOUND);
    pid_t pid = p.pid;
    reap(&p);
    assert_int_equal(p.pidfd, -1);
    sw_proc_close(&p);
    assert_int_equal(sw_proc_start_ticks(pid, &ticks, &err), SW_NOT_FOUND);
    assert_int_equal(sw_proc_start_ticks(-1, &ticks, &err), SW_NOT_FOUND);
}

static void a_name_with_parentheses_does_not_confuse(void **state)
{
    (void)state;
    char before[17];
    int64_t ticks = 0, same = 0;
    prctl(PR_GET_NAME, before);
    assert_int_equal(sw_proc_start_ticks(getpid(), &ticks, &err), SW_OK);
    prctl(PR_SET_NAME, ") R 1 2 (x) 3");
    assert_int_equal(sw_proc_start_ticks(getpid(), &same, &err), SW_OK);
    assert_int_equal(ticks, same);
    prctl(PR_SET_NAME, before);
}

static void descendants_are_found_in_any_session(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const struct sw_proc_fd fd = {ends[1], 1};
    // A shell with a child in a session of its own, which has a child again; each prints its pid.
    const struct sw_proc_spec spec = {
        .argv = ARGV("sh", "-c", "setsid sh -c 'echo $$; sh -c \"echo \\$\\$; sleep 1000 & wait\" & wait' & wait"),
        .fds = &fd,
        .fd_count = 1,
        .new_session = true};
    struct sw_proc p;
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_OK);
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    int child, grandchild;
    assert_int_equal(fscanf(lines, "%d %d", &child, &grandchild), 2);
    pid_t *found = NULL;
    size_t count = 0;
    // sh, sh, sleep: the last one appears a moment after the pids were printed.
    int64_t deadline = sw_clock_mono_ms() + DEADLINE_MS;
    do {
        free(found);
        assert_int_equal(sw_proc_descendants(p.pid, &found, &count, &err), SW_OK);
    } while (count < 3 && sw_clock_mono_ms() < deadline);
    assert_int_equal(count, 3);
    assert_int_equal(found[0], child);
    assert_int_equal(found[1], grandchild);
    for (size_t i = 0; i < count; i++)
        kill(found[i], SIGKILL);
    kill(p.pid, SIGKILL);
    free(found);
    fclose(lines);
    reap(&p);
    assert_int_equal(sw_proc_descendants(p.pid, &found, &count, &err), SW_OK);
    assert_int_equal(count, 0);
    free(found);
}

// --- running to the end ---

static void input_and_output_flow(void **state)
{
    (void)state;
    enum { SIZE = 3 << 20 };
    struct sw_proc_spec spec = {.argv = ARGV("cat")};
    expect_output(&spec, "some text", "some text");
    expect_output(&spec, NULL, ""); // without input, standard input is at its end
    char *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i % 253);
    struct sw_buf out, errout;
    struct sw_proc_result result;
    sw_buf_init(&out, SIZE);
    sw_buf_init(&errout, 100);
    assert_int_equal(sw_proc_run(&spec, bytes, SIZE, DEADLINE_MS, &out, &errout, &result, &err), SW_OK);
    assert_int_equal(out.len, SIZE);
    assert_memory_equal(out.data, bytes, SIZE);
    spec.argv = ARGV("sh", "-c", "echo out; echo err >&2; exit 7");
    sw_buf_clear(&out);
    assert_int_equal(sw_proc_run(&spec, NULL, 0, -1, &out, &errout, &result, &err), SW_OK);
    assert_int_equal(result.exit_code, 7);
    assert_int_equal(result.signo, 0);
    assert_string_equal(out.data, "out\n");
    assert_string_equal(errout.data, "err\n");
    sw_buf_free(&out);
    sw_buf_free(&errout);
    free(bytes);
}

static void too_much_output_is_cut_and_read_on(void **state)
{
    (void)state;
    struct sw_buf out;
    sw_buf_init(&out, 1000);
    const struct sw_proc_spec spec = {.argv = ARGV("sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x")};
    struct sw_proc_result result = run(&spec, NULL, &out);
    assert_int_equal(result.exit_code, 0);
    assert_int_equal(out.len, 1000);
    assert_false(out.failed);
    sw_buf_free(&out);
}

static void a_child_that_does_not_read_is_no_error(void **state)
{
    (void)state;
    enum { SIZE = 1 << 20 };
    char *bytes = calloc(1, SIZE);
    struct sw_proc_result result;
    const struct sw_proc_spec spec = {.argv = ARGV("true")};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sw_proc_run(&spec, bytes, SIZE, DEADLINE_MS, NULL, NULL, &result, &err), SW_OK);
        assert_int_equal(result.exit_code, 0);
    }
    sigset_t pending;
    sigpending(&pending);
    assert_false(sigismember(&pending, SIGPIPE));
    free(bytes);
}

static void a_daemon_left_behind_does_not_hold_us(void **state)
{
    (void)state;
    struct sw_buf out;
    sw_buf_init(&out, 100);
    const struct sw_proc_spec spec = {.argv = ARGV("sh", "-c", "sleep 1000 & echo $!")};
    run(&spec, NULL, &out); // the sleep has our pipe still open
    pid_t pid = atoi(out.data);
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    sw_buf_free(&out);
}

static void a_deadline_kills_the_whole_session(void **state)
{
    (void)state;
    struct sw_buf out;
    struct sw_proc_result result = {.exit_code = 42};
    sw_buf_init(&out, 100);
    const struct sw_proc_spec spec = {.argv = ARGV("/proc/self/exe", "hang")};
    // Until the grandchild's pid arrived; how long that takes says nothing about the deadline.
    for (int64_t timeout_ms = 50; out.len == 0 && timeout_ms < DEADLINE_MS; timeout_ms *= 2)
        assert_int_equal(sw_proc_run(&spec, NULL, 0, timeout_ms, &out, NULL, &result, &err), SW_TIMEOUT);
    pid_t grandchild = atoi(out.data);
    int64_t ticks;
    assert_true(grandchild > 1);
    assert_int_equal(result.exit_code, 42); // untouched
    int64_t deadline = sw_clock_mono_ms() + DEADLINE_MS;
    while (sw_proc_start_ticks(grandchild, &ticks, NULL) == SW_OK && sw_clock_mono_ms() < deadline)
        sched_yield();
    assert_int_equal(sw_proc_start_ticks(grandchild, &ticks, &err), SW_NOT_FOUND);
    sw_buf_free(&out);
}

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static int before_all;

static int count_before(void **state)
{
    (void)state;
    before_all = open_descriptors();
    return 0;
}

static int nothing_is_left(void **state)
{
    (void)state;
    return open_descriptors() != before_all || waitpid(-1, NULL, WNOHANG) != -1;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < sizeof parts / sizeof parts[0]; i++)
        if (strcmp(argv[1], parts[i].name) == 0)
            return parts[i].run();
#define CLEAN(test) cmocka_unit_test_setup_teardown(test, count_before, nothing_is_left)
    const struct CMUnitTest tests[] = {
        CLEAN(arguments_folder_and_environment_arrive),
        CLEAN(a_failed_start_is_an_error),
        CLEAN(a_child_gets_only_its_descriptors),
        CLEAN(descriptors_may_swap_places),
        CLEAN(signals_start_clean),
        CLEAN(niceness_is_added),
        CLEAN(a_child_dies_with_its_parent),
        CLEAN(a_process_is_its_pid_and_its_start),
        CLEAN(a_name_with_parentheses_does_not_confuse),
        CLEAN(descendants_are_found_in_any_session),
        CLEAN(input_and_output_flow),
        CLEAN(too_much_output_is_cut_and_read_on),
        CLEAN(a_child_that_does_not_read_is_no_error),
        CLEAN(a_daemon_left_behind_does_not_hold_us),
        CLEAN(a_deadline_kills_the_whole_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
