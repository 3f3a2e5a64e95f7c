// SPDX-License-Identifier: Apache-2.0
// The main loop: terminal, signals, pool and timer on one thread, with the state in a struct sw_ui.
#include "tui/tui.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/loop.h"
#include "tui/term.h"
#include "tui/ui.h"

#define WORKERS  6
#define TICK_MS  100
#define GRACE_MS 500

struct session {
    struct sw_ui ui;
    struct sw_term *term;
    struct sw_loop *loop;
    struct sw_pool *pool;
    bool is_lost, is_mouse_off;
    int signo; // that ends the session, 0 = none
};

static void tick(void *ctx)
{
    struct session *s = ctx;
    sw_ui_tick(&s->ui, sw_clock_mono_ms(), sw_clock_now_ms());
}

static void on_input(void *ctx, int fd, unsigned events)
{
    struct session *s = ctx;
    struct sw_key key;
    (void)fd;
    while (!s->ui.is_quit && sw_term_read(s->term, &key, &s->is_lost))
        sw_ui_key(&s->ui, &key);
    if (events & SW_LOOP_HANGUP)
        s->is_lost = true;
    tick(s);
}

static void on_pool(void *ctx, int fd, unsigned events)
{
    struct session *s = ctx;
    (void)fd;
    (void)events;
    s->ui.loader.now_ms = sw_clock_mono_ms();
    sw_pool_drain(s->pool);
    tick(s);
}

static void on_end(void *ctx, int signo)
{
    struct session *s = ctx;
    s->signo = signo;
}

static void on_resize(void *ctx, int signo)
{
    struct session *s = ctx;
    int width, height;
    (void)signo;
    sw_term_resized(s->term);
    sw_term_size(s->term, &width, &height);
    sw_ui_resize(&s->ui, width, height);
}

static void on_suspend(void *ctx, int signo)
{
    struct session *s = ctx;
    (void)signo;
    sw_term_suspend(s->term);
}

static void on_continue(void *ctx, int signo)
{
    struct session *s = ctx;
    sw_term_resume(s->term);
    on_resize(s, signo); // the terminal may have another size by now
}

static const struct {
    int signo;
    sw_loop_signal_fn run;
} signals[] = {
    {SIGTERM, on_end},     {SIGHUP, on_end},      {SIGINT, on_end},       {SIGQUIT, on_end},
    {SIGWINCH, on_resize}, {SIGTSTP, on_suspend}, {SIGCONT, on_continue},
};

static enum sw_code add_signals(struct session *s, struct sw_err *err)
{
    struct sw_loop_source *source;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        enum sw_code code = sw_loop_add_signal(s->loop, signals[i].signo, signals[i].run, s, &source, err);
        if (code)
            return code;
    }
    return SW_OK;
}

static enum sw_code add_sources(struct session *s, int in_fd, int pool_fd, struct sw_err *err)
{
    struct sw_loop_source *source;
    enum sw_code code = sw_loop_add_fd(s->loop, in_fd, SW_LOOP_READ, on_input, s, &source, err);
    if (!code)
        code = sw_loop_add_fd(s->loop, pool_fd, SW_LOOP_READ, on_pool, s, &source, err);
    if (!code)
        code = sw_loop_add_timer(s->loop, 0, TICK_MS, tick, s, &source, err);
    return code;
}

static void copy_to_clipboard(struct session *s)
{
    struct sw_buf sequence;
    struct sw_err err = {0};
    sw_buf_init(&sequence, 256 * 1024);
    if (sw_clipboard_sequence(s->ui.clipboard, getenv("TMUX") != NULL, getenv("STY") != NULL, &sequence, &err))
        sw_ui_error(&s->ui, &err);
    else
        sw_term_write(s->term, sequence.data, sequence.len);
    sw_buf_free(&sequence);
    free(s->ui.clipboard);
    s->ui.clipboard = NULL;
}

// Acts on what handlers left behind, then shows the state: one flush a step.
static void settle(struct session *s)
{
    if (s->ui.clipboard)
        copy_to_clipboard(s);
    if (s->is_mouse_off != s->ui.is_mouse_off) {
        s->is_mouse_off = s->ui.is_mouse_off;
        sw_term_set_mouse(s->term, !s->is_mouse_off);
    }
    if (!s->ui.is_dirty)
        return;
    sw_ui_paint(&s->ui);
    sw_term_flush(s->term, &s->ui.grid, s->ui.theme, s->ui.cursor_x, s->ui.cursor_y);
}

static enum sw_code run(struct session *s, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    s->ui.loader.now_ms = sw_clock_mono_ms();
    s->ui.wall_ms = sw_clock_now_ms();
    while (!code && !s->ui.is_quit && !s->signo && !s->is_lost) {
        settle(s); // the first frame comes before any answer of the backend
        code = sw_loop_step(s->loop, -1, err);
    }
    if (!code && s->is_lost)
        code = sw_err_set(err, SW_INTERRUPTED, "the terminal is gone");
    if (!code && s->signo)
        code = sw_err_set(err, SW_INTERRUPTED, "ended by signal %d (%s)", s->signo, strsignal(s->signo));
    return code;
}

static void say_jobs_go_on(const struct sw_ui *ui)
{
    const struct sw_tui_status *status = ui->status.result ? &ui->status.result->status : NULL;
    long long jobs = status ? (long long)(status->jobs_running + status->jobs_waiting) : 0;
    if (jobs > 0 && ui->is_quit)
        printf("%lld job%s on; slipway jobs shows %s\n", jobs, jobs == 1 ? " goes" : "s go", jobs == 1 ? "it" : "them");
}

enum sw_code sw_tui_run(const struct sw_tui_options *o, const struct sw_tui_backend *b, void *ctx, bool *stuck,
                        struct sw_err *err)
{
    struct session *s = calloc(1, sizeof *s);
    int width, height, pool_fd;
    if (!s)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the screens");
    enum sw_code code = sw_term_open(o->in_fd, o->out_fd, !o->no_mouse, &s->term, err);
    if (code)
        goto end;
    s->is_mouse_off = o->no_mouse;
    // Signals first: the workers inherit the mask, so that a signal always finds the loop.
    code = sw_loop_new(&s->loop, err);
    if (!code)
        code = add_signals(s, err);
    if (!code)
        code = sw_pool_new(WORKERS, &s->pool, &pool_fd, err);
    if (code)
        goto end;
    sw_term_size(s->term, &width, &height);
    struct sw_tui_options wanted = *o;
    const char *no_color = getenv("NO_COLOR");
    if (!wanted.theme && no_color && *no_color)
        wanted.theme = "mono";
    code = sw_ui_init(&s->ui, &wanted, b, ctx, s->pool, sw_term_is_utf8(s->term), sw_term_colours(s->term), width,
                      height, err);
    if (!code)
        code = add_sources(s, o->in_fd, pool_fd, err);
    if (!code)
        code = run(s, err);
end:
    sw_term_close(s->term); // first, so that nothing that follows can leave it taken
    say_jobs_go_on(&s->ui);
    sw_ui_free(&s->ui);
    bool is_stuck = false;
    if (s->pool) {
        int64_t deadline = sw_clock_mono_ms() + GRACE_MS;
        while (sw_pool_busy(s->pool) > 0 && sw_clock_mono_ms() < deadline) {
            sw_pool_drain(s->pool);
            sw_clock_sleep_ms(5);
        }
        sw_pool_drain(s->pool);
        is_stuck = sw_pool_busy(s->pool) > 0;
        if (stuck)
            *stuck = is_stuck;
        sw_pool_free(s->pool, is_stuck ? 0 : GRACE_MS); // idle workers need a moment to end
    }
    sw_loop_free(s->loop);
    if (!is_stuck) // a stuck worker still reads the loader in it; the process is about to end
        free(s);
    return code;
}
