// SPDX-License-Identifier: Apache-2.0
// What only a terminal shows, on a pseudo-terminal: taken over and given back on every way out, the cursor's place, no
// bytes while nothing changes, a first frame before any answer, keys while the backend is stuck; clipboard sequences.
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "driver.h"
#include "tui/term.h"

struct session {
    pid_t pid;
    int master, slave; // the slave stays open here, so that its modes can be read
    struct termios before;
    struct sw_buf output;
};

enum way { PLAIN, STUCK, CRASHING };

static enum sw_code crash(void *ctx, const struct sw_task *task, struct sw_arena *a, struct sw_tui_status *out,
                          struct sw_err *err)
{
    (void)ctx;
    (void)task;
    (void)a;
    (void)out;
    (void)err;
    abort();
}

static void run_child(int slave, enum way way)
{
    static struct fake fake = {.row_total = 1000};
    struct sw_tui_backend backend = fake_backend;
    struct sw_tui_options o = {.in_fd = 0, .out_fd = 1};
    struct sw_err err = {0};
    bool stuck = false;
    setsid();
    ioctl(slave, TIOCSCTTY, 0);
    dup2(slave, 0);
    dup2(slave, 1);
    dup2(slave, 2);
    closefrom(3);
    atomic_store(&fake.is_stuck, way == STUCK);
    if (way == CRASHING)
        backend.load_status = crash;
    enum sw_code code = sw_tui_run(&o, &backend, &fake, &stuck, &err);
    fflush(stdout);
    _exit(stuck ? 77 : sw_code_exit(code));
}

static void start(struct session *s, enum way way)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    sw_buf_init(&s->output, 16 << 20);
    assert_int_equal(openpty(&s->master, &s->slave, NULL, NULL, &size), 0);
    assert_int_equal(tcgetattr(s->slave, &s->before), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        close(s->master);
        run_child(s->slave, way);
    }
}

// Reads what the program writes until `part` came; false when it ended or time ran out.
static bool read_until(struct session *s, const char *part)
{
    int64_t deadline = sw_clock_mono_ms() + PATIENCE_MS;
    while (sw_clock_mono_ms() < deadline) {
        char bytes[4096];
        if (part && strstr(s->output.data, part))
            return true;
        struct pollfd ready = {.fd = s->master, .events = POLLIN};
        if (poll(&ready, 1, 20) == 1) {
            ssize_t got = read(s->master, bytes, sizeof bytes);
            if (got > 0)
                sw_buf_add(&s->output, bytes, (size_t)got);
        } else if (waitpid(s->pid, NULL, WNOHANG | WNOWAIT) == 0 && kill(s->pid, 0)) {
            return false;
        }
    }
    return false;
}

static void send_keys(struct session *s, const char *keys)
{
    assert_int_equal(write(s->master, keys, strlen(keys)), (ssize_t)strlen(keys));
}

// Collects the rest of the output and the exit status; the terminal must be as it was.
static int finish(struct session *s)
{
    int status = 0;
    int64_t deadline = sw_clock_mono_ms() + PATIENCE_MS;
    while (waitpid(s->pid, &status, WNOHANG) == 0) {
        char bytes[4096];
        struct pollfd ready = {.fd = s->master, .events = POLLIN};
        assert_true(sw_clock_mono_ms() < deadline);
        if (poll(&ready, 1, 10) == 1) {
            ssize_t got = read(s->master, bytes, sizeof bytes);
            if (got > 0)
                sw_buf_add(&s->output, bytes, (size_t)got);
        }
    }
    struct pollfd ready = {.fd = s->master, .events = POLLIN};
    char bytes[4096];
    while (poll(&ready, 1, 0) == 1) {
        ssize_t got = read(s->master, bytes, sizeof bytes);
        if (got <= 0)
            break;
        sw_buf_add(&s->output, bytes, (size_t)got);
    }
    struct termios after;
    assert_int_equal(tcgetattr(s->slave, &after), 0);
    assert_int_equal(after.c_lflag, s->before.c_lflag);
    assert_int_equal(after.c_iflag, s->before.c_iflag);
    assert_int_equal(after.c_oflag, s->before.c_oflag);
    close(s->master);
    close(s->slave);
    return status;
}

static void assert_left_screen(const struct session *s)
{
    assert_non_null(strstr(s->output.data, "\033[?1049l"));
    assert_null(strstr(strstr(s->output.data, "\033[?1049l"), "\033[?1049h")); // and did not come back
}

static void test_quit(void **state)
{
    struct session s;
    (void)state;
    start(&s, PLAIN);
    assert_true(read_until(&s, "fashion/train"));
    assert_true(read_until(&s, "waiting"));
    send_keys(&s, "q");
    int status = finish(&s);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_left_screen(&s);
    assert_non_null(strstr(s.output.data, "2 jobs go on; slipway jobs shows them"));
    sw_buf_free(&s.output);
}

static void test_signals(void **state)
{
    static const int signals[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT};
    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct session s;
        start(&s, PLAIN);
        assert_true(read_until(&s, "fashion/train"));
        kill(s.pid, signals[i]);
        int status = finish(&s);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 130);
        assert_left_screen(&s);
        sw_buf_free(&s.output);
    }
}

static void test_crash(void **state)
{
    struct session s;
    (void)state;
    start(&s, CRASHING);
    int status = finish(&s);
    assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGABRT : WEXITSTATUS(status) != 0); // sanitizers exit
    assert_left_screen(&s);
    sw_buf_free(&s.output);
}

static void test_keys_while_stuck(void **state)
{
    struct session s;
    (void)state;
    start(&s, STUCK);
    assert_true(read_until(&s, "loading")); // a first frame without any answer
    send_keys(&s, "?");
    assert_true(read_until(&s, "What can be done here"));
    send_keys(&s, "qq"); // out of the help, out of the program
    int status = finish(&s);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77); // and it says that a worker is stuck
    assert_left_screen(&s);
    sw_buf_free(&s.output);
}

static void test_suspend(void **state)
{
    struct session s;
    int status = 0;
    (void)state;
    start(&s, PLAIN);
    assert_true(read_until(&s, "fashion/train"));
    kill(s.pid, SIGTSTP);
    assert_true(read_until(&s, "\033[?1049l"));
    assert_int_equal(waitpid(s.pid, &status, WUNTRACED), s.pid);
    assert_true(WIFSTOPPED(status));
    struct termios now;
    assert_int_equal(tcgetattr(s.slave, &now), 0);
    assert_int_equal(now.c_lflag, s.before.c_lflag);
    sw_buf_clear(&s.output);
    kill(s.pid, SIGCONT);
    assert_true(read_until(&s, "fashion/train")); // painted whole again
    send_keys(&s, "q");
    finish(&s);
    sw_buf_free(&s.output);
}

// Stopped from outside, with no chance to give the terminal back: it is taken again and painted all the same.
static void test_stopped_from_outside(void **state)
{
    struct session s;
    int status = 0;
    (void)state;
    start(&s, PLAIN);
    assert_true(read_until(&s, "fashion/train"));
    kill(s.pid, SIGSTOP);
    assert_int_equal(waitpid(s.pid, &status, WUNTRACED), s.pid);
    assert_int_equal(tcsetattr(s.slave, TCSANOW, &s.before), 0); // as a shell does
    sw_buf_clear(&s.output);
    kill(s.pid, SIGCONT);
    assert_true(read_until(&s, "fashion/train"));
    send_keys(&s, "q"); // without a newline: the modes are ours again
    finish(&s);
    sw_buf_free(&s.output);
}

static void test_resize(void **state)
{
    struct session s;
    (void)state;
    start(&s, PLAIN);
    assert_true(read_until(&s, "fashion/train"));
    struct winsize small = {.ws_row = 5, .ws_col = 30};
    assert_int_equal(ioctl(s.master, TIOCSWINSZ, &small), 0);
    kill(s.pid, SIGWINCH);
    assert_true(read_until(&s, "too small"));
    struct winsize large = {.ws_row = 50, .ws_col = 160};
    sw_buf_clear(&s.output);
    assert_int_equal(ioctl(s.master, TIOCSWINSZ, &large), 0);
    kill(s.pid, SIGWINCH);
    assert_true(read_until(&s, "schema")); // wide enough for the detail
    send_keys(&s, "q");
    finish(&s);
    sw_buf_free(&s.output);
}

static void test_quiet_when_nothing_changes(void **state)
{
    struct session s;
    char bytes[4096];
    (void)state;
    start(&s, PLAIN);
    assert_true(read_until(&s, "waiting"));
    // Two status rounds pass; apart from the clock's minute nothing is written.
    int64_t end = sw_clock_mono_ms() + 2500;
    size_t written = 0;
    bool settled = false;
    while (sw_clock_mono_ms() < end) {
        struct pollfd ready = {.fd = s.master, .events = POLLIN};
        if (poll(&ready, 1, 100) == 1) {
            ssize_t got = read(s.master, bytes, sizeof bytes);
            if (settled && got > 0)
                written += (size_t)got;
        } else {
            settled = true;
        }
    }
    assert_true(written < 64);
    send_keys(&s, "q");
    finish(&s);
    sw_buf_free(&s.output);
}

static void test_terminals_that_cannot(void **state)
{
    struct sw_tui_options o = {.in_fd = 0, .out_fd = 1};
    struct sw_term *t;
    struct sw_err err = {0};
    int master, slave, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char old[128];
    (void)state;
    snprintf(old, sizeof old, "%s", getenv("TERM") ? getenv("TERM") : "");
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    assert_int_equal(sw_term_open(null, null, true, &t, &err), SW_UNSUPPORTED);
    o.in_fd = o.out_fd = null;
    assert_int_equal(sw_tui_run(&o, &fake_backend, NULL, NULL, &err), SW_UNSUPPORTED);
    setenv("TERM", "no-such-terminal", 1);
    assert_int_equal(sw_term_open(slave, slave, true, &t, &err), SW_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no-such-terminal"));
    assert_true(err.hint[0]);
    setenv("TERM", "dumb", 1);
    assert_int_equal(sw_term_open(slave, slave, true, &t, &err), SW_UNSUPPORTED);
    assert_non_null(strstr(err.message, "cannot address its cursor"));
    unsetenv("TERM");
    assert_int_equal(sw_term_open(slave, slave, true, &t, &err), SW_UNSUPPORTED);
    setenv("TERM", old[0] ? old : "xterm-256color", 1);
    char byte;
    fcntl(master, F_SETFL, O_NONBLOCK);
    assert_int_equal(read(master, &byte, 1), -1); // nothing was drawn
    close(null);
    close(master);
    close(slave);
}

static void test_clipboard(void **state)
{
    static const struct {
        const char *text;
        bool tmux, screen;
        const char *bytes;
    } cases[] = {
        {"", false, false, "\033]52;c;\a"},
        {"a", false, false, "\033]52;c;YQ==\a"},
        {"ab", false, false, "\033]52;c;YWI=\a"},
        {"slipway", false, false, "\033]52;c;c2xpcHdheQ==\a"},
        {"abc", true, false, "\033Ptmux;\033\033]52;c;YWJj\a\033\\"},
        {"abc", false, true, "\033P\033]52;c;YWJj\a\033\\"},
    };
    struct sw_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_buf out;
        sw_buf_init(&out, 1024);
        assert_int_equal(sw_clipboard_sequence(cases[i].text, cases[i].tmux, cases[i].screen, &out, &err), SW_OK);
        assert_string_equal(out.data, cases[i].bytes);
        sw_buf_free(&out);
    }
    char *large = malloc(100000);
    struct sw_buf out;
    memset(large, 'x', 99999);
    large[99999] = '\0';
    sw_buf_init(&out, 1 << 20);
    assert_int_equal(sw_clipboard_sequence(large, false, false, &out, &err), SW_LIMIT);
    sw_buf_free(&out);
    free(large);
}

int main(void)
{
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    unsetenv("NO_COLOR");
    unsetenv("LINES");
    unsetenv("COLUMNS");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quit),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_crash),
        cmocka_unit_test(test_keys_while_stuck),
        cmocka_unit_test(test_suspend),
        cmocka_unit_test(test_stopped_from_outside),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_quiet_when_nothing_changes),
        cmocka_unit_test(test_terminals_that_cannot),
        cmocka_unit_test(test_clipboard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
