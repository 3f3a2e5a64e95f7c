// SPDX-License-Identifier: Apache-2.0
#include "tui/term.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/file.h"

#define ESC_DELAY_MS  25
#define MAX_CLIPBOARD 74994 // what common terminals accept of OSC 52, in base64 digits
#define MOUSE_OFF     "\033[?1006l\033[?1002l\033[?1000l"

struct sw_term {
    int in_fd, out_fd;
    FILE *in, *out;
    SCREEN *screen;
    WINDOW *keys; // a pad: reading from it never repaints
    struct sw_grid shown;
    const struct sw_theme *theme;
    bool repaint, is_utf8, mouse;
    int colours;
};

// A signal handler has no other way to know the terminal. Written before the handlers are set and after they are gone.
static struct {
    int in_fd, out_fd;
    struct termios modes;
    char bytes[256];
    size_t len;
} crash;
static const int crash_signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
#define CRASH_SIGNALS (sizeof crash_signals / sizeof crash_signals[0])
static struct sigaction crash_before[CRASH_SIGNALS];

static void on_crash(int signo)
{
    ssize_t ignored = write(crash.out_fd, crash.bytes, crash.len);
    (void)ignored;
    tcsetattr(crash.in_fd, TCSANOW, &crash.modes);
    for (size_t i = 0; i < CRASH_SIGNALS; i++)
        if (crash_signals[i] == signo)
            sigaction(signo, &crash_before[i], NULL);
    raise(signo); // pending until this handler returns; then the signal does what it did before us
}

static void crash_bytes_add(const char *text)
{
    size_t len = text && text != (char *)-1 ? strlen(text) : 0;
    if (crash.len + len <= sizeof crash.bytes) {
        memcpy(crash.bytes + crash.len, text ? text : "", len);
        crash.len += len;
    }
}

static void guard_crash(const struct sw_term *t)
{
    crash.in_fd = t->in_fd;
    crash.out_fd = t->out_fd;
    crash.len = 0;
    static const char *const capability[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};
    crash_bytes_add(MOUSE_OFF);
    for (size_t i = 0; i < sizeof capability / sizeof capability[0]; i++)
        crash_bytes_add(tigetstr(capability[i]));
    struct sigaction sa = {.sa_handler = on_crash, .sa_flags = SA_NODEFER};
    sigemptyset(&sa.sa_mask);
    for (size_t i = 0; i < CRASH_SIGNALS; i++)
        sigaction(crash_signals[i], &sa, &crash_before[i]);
}

static void unguard_crash(void)
{
    for (size_t i = 0; i < CRASH_SIGNALS; i++)
        sigaction(crash_signals[i], &crash_before[i], NULL);
}

// newterm() would print or exit on its own, so the terminal is judged first.
static enum sw_code check_terminal(int in_fd, int out_fd, struct sw_err *err)
{
    const char *name = getenv("TERM");
    int status = 0;
    if (!isatty(in_fd) || !isatty(out_fd)) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "the screens need a terminal");
        return sw_err_hint(err, "use the commands instead: slipway help");
    }
    if (!name || !*name) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "TERM is not set");
        return sw_err_hint(err, "set TERM to the terminal's name, for example TERM=xterm-256color");
    }
    if (setupterm(name, out_fd, &status) != OK) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "terminal \"%.64s\" is unknown", name);
        return sw_err_hint(err, "set TERM to a terminal that terminfo knows, for example TERM=xterm-256color");
    }
    const char *move = tigetstr("cup");
    bool can_move = move && move != (char *)-1;
    del_curterm(cur_term);
    if (!can_move) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "terminal \"%.64s\" cannot address its cursor", name);
        return sw_err_hint(err, "use the commands instead (slipway help), or set TERM=xterm-256color");
    }
    return SW_OK;
}

static FILE *open_stream(int fd, const char *mode)
{
    int copy = dup(fd);
    FILE *f = copy >= 0 ? fdopen(copy, mode) : NULL;
    if (!f && copy >= 0)
        close(copy);
    return f;
}

static void take_modes(struct sw_term *t)
{
    cbreak();
    noecho();
    nonl();
    set_escdelay(ESC_DELAY_MS);
    if (has_colors() && start_color() == OK && use_default_colors() == OK)
        t->colours = COLORS;
    t->keys = newpad(1, 1);
    if (t->keys) {
        keypad(t->keys, TRUE);
        nodelay(t->keys, TRUE);
    }
    mouseinterval(0); // a press is enough; waiting for a click would delay it
    sw_term_set_mouse(t, t->mouse);
    curs_set(1);
}

enum sw_code sw_term_open(int in_fd, int out_fd, bool mouse, struct sw_term **out, struct sw_err *err)
{
    enum sw_code code = check_terminal(in_fd, out_fd, err);
    if (code)
        return code;
    struct sw_term *t = calloc(1, sizeof *t);
    if (!t)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the terminal");
    *t = (struct sw_term){.in_fd = in_fd, .out_fd = out_fd, .repaint = true, .mouse = mouse};
    code = sw_grid_init(&t->shown, 1, 1, false, err);
    if (code)
        goto fail;
    setlocale(LC_CTYPE, "");
    t->is_utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    t->in = open_stream(in_fd, "r");
    t->out = open_stream(out_fd, "w");
    tcgetattr(in_fd, &crash.modes);
    if (t->in && t->out)
        t->screen = newterm(NULL, t->out, t->in);
    if (!t->screen) {
        code = sw_err_set(err, SW_UNSUPPORTED, "the terminal cannot be set up");
        goto fail;
    }
    take_modes(t);
    if (!t->keys) {
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for the terminal's input");
        goto fail;
    }
    guard_crash(t);
    sw_term_resized(t);
    *out = t;
    return SW_OK;
fail:
    sw_term_close(t);
    return code;
}

void sw_term_close(struct sw_term *t)
{
    if (!t)
        return;
    if (t->screen) {
        if (t->keys)
            unguard_crash();
        sw_term_set_mouse(t, false);
        endwin();
        if (t->keys)
            delwin(t->keys);
        delscreen(t->screen);
    }
    if (t->in)
        fclose(t->in);
    if (t->out)
        fclose(t->out);
    sw_grid_free(&t->shown);
    free(t);
}

void sw_term_size(const struct sw_term *t, int *width, int *height)
{
    (void)t;
    *width = COLS;
    *height = LINES;
}

bool sw_term_is_utf8(const struct sw_term *t)
{
    return t->is_utf8;
}

int sw_term_colours(const struct sw_term *t)
{
    return t->colours;
}

void sw_term_resized(struct sw_term *t)
{
    struct winsize size;
    if (ioctl(t->out_fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0)
        resizeterm(size.ws_row < 1000 ? size.ws_row : 1000, size.ws_col < 1000 ? size.ws_col : 1000);
    t->repaint = true;
}

// --- output ---

static int palette(const struct sw_term *t, uint32_t rgb)
{
    return t->colours > 256 * 256 ? (int)rgb : sw_colour_to_256(rgb);
}

static void resolve(const struct sw_term *t, struct sw_style s, attr_t *attrs, int *pair)
{
    const struct sw_look *look = &t->theme->looks[s.role];
    int attr = look->attr | (s.attr & ~SW_ATTR_SELECTED);
    int fg = -1, bg = -1;
    if (t->theme->has_colour && t->colours >= 256) {
        fg = s.fg ? palette(t, s.fg & 0xffffffu) : look->rgb == SW_LOOK_DEFAULT ? -1 : palette(t, look->rgb);
        bg = s.bg ? palette(t, s.bg & 0xffffffu) : -1;
        if (s.attr & SW_ATTR_SELECTED)
            bg = palette(t, t->theme->selected_bg);
    } else {
        if (t->theme->has_colour && t->colours >= 8)
            fg = look->ansi;
        if (s.attr & SW_ATTR_SELECTED)
            attr |= SW_ATTR_REVERSE;
    }
    *attrs = (attr & SW_ATTR_BOLD ? A_BOLD : 0) | (attr & SW_ATTR_UNDERLINE ? A_UNDERLINE : 0) |
             (attr & SW_ATTR_REVERSE ? A_REVERSE : 0);
    *pair = fg < 0 && bg < 0 ? 0 : alloc_pair(fg, bg);
    if (*pair < 0)
        *pair = 0;
}

static void show_row(const struct sw_term *t, const struct sw_grid *g, int y)
{
    for (int x = 0; x < g->width; x++) {
        const struct sw_cell *c = sw_grid_at(g, x, y);
        if (c->width == 0)
            continue;
        wchar_t text[4] = {(wchar_t)c->cp, (wchar_t)c->mark[0], (wchar_t)c->mark[1], 0};
        attr_t attrs;
        int pair;
        cchar_t cell;
        resolve(t, c->style, &attrs, &pair);
        if (setcchar(&cell, text, attrs, 0, &pair) == OK)
            mvadd_wch(y, x, &cell);
    }
}

void sw_term_flush(struct sw_term *t, const struct sw_grid *g, const struct sw_theme *theme, int x, int y)
{
    if (t->shown.width != g->width || t->shown.height != g->height) {
        struct sw_err ignored = {0};
        if (sw_grid_resize(&t->shown, g->width, g->height, &ignored))
            return;
        t->repaint = true;
    }
    if (t->theme != theme)
        t->repaint = true;
    t->theme = theme;
    if (t->repaint)
        clearok(stdscr, TRUE);
    size_t row_bytes = (size_t)g->width * sizeof *g->cells;
    for (int row = 0; row < g->height && row < LINES; row++) {
        bool changed = t->repaint;
        for (int col = 0; col < g->width && !changed; col++)
            changed = !sw_cell_equal(sw_grid_at(g, col, row), sw_grid_at(&t->shown, col, row));
        if (!changed)
            continue;
        show_row(t, g, row);
        memcpy(&t->shown.cells[(size_t)row * (size_t)g->width], sw_grid_at(g, 0, row), row_bytes);
    }
    t->repaint = false;
    move(y, x);
    refresh();
}

void sw_term_write(struct sw_term *t, const char *bytes, size_t len)
{
    struct sw_err ignored = {0};
    fflush(t->out);
    if (sw_fd_write_all(t->out_fd, bytes, len, "terminal", &ignored))
        t->repaint = true;
}

// --- input ---

static const struct {
    int curses;
    uint32_t code;
} keys[] = {
    {KEY_UP, SW_KEY_UP},
    {KEY_DOWN, SW_KEY_DOWN},
    {KEY_LEFT, SW_KEY_LEFT},
    {KEY_RIGHT, SW_KEY_RIGHT},
    {KEY_PPAGE, SW_KEY_PAGE_UP},
    {KEY_NPAGE, SW_KEY_PAGE_DOWN},
    {KEY_HOME, SW_KEY_HOME},
    {KEY_END, SW_KEY_END},
    {KEY_DC, SW_KEY_DELETE},
    {KEY_ENTER, SW_KEY_ENTER},
    {KEY_BACKSPACE, SW_KEY_BACKSPACE},
    {KEY_BTAB, SW_KEY_BACK_TAB},
};

static bool decode_mouse(struct sw_key *out)
{
    MEVENT event;
    if (getmouse(&event) != OK)
        return false;
    out->x = event.x;
    out->y = event.y;
    if (event.bstate & BUTTON4_PRESSED)
        out->code = SW_KEY_WHEEL_UP;
    else if (event.bstate & BUTTON5_PRESSED)
        out->code = SW_KEY_WHEEL_DOWN;
    else if (event.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
        out->code = SW_KEY_CLICK;
    else
        return false;
    return true;
}

static bool decode(int kind, wint_t c, struct sw_key *out)
{
    if (kind == KEY_CODE_YES) {
        if (c == KEY_MOUSE)
            return decode_mouse(out);
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            if ((wint_t)keys[i].curses == c) {
                out->code = keys[i].code;
                return true;
            }
        }
        return false;
    }
    out->code = c == '\r' || c == '\n' ? (uint32_t)SW_KEY_ENTER
                : c == '\t'            ? (uint32_t)SW_KEY_TAB
                : c == 27              ? (uint32_t)SW_KEY_ESC
                : c == 127 || c == 8   ? (uint32_t)SW_KEY_BACKSPACE
                                       : (uint32_t)c;
    return out->code != 0;
}

bool sw_term_read(struct sw_term *t, struct sw_key *out, bool *lost)
{
    for (int tries = 0; tries < 64; tries++) { // events that mean nothing to us are skipped
        wint_t c = 0;
        *out = (struct sw_key){0};
        errno = 0;
        int kind = wget_wch(t->keys, &c);
        if (kind == ERR) {
            *lost = errno == EIO || feof(t->in);
            return false;
        }
        if (decode(kind, c, out))
            return true;
    }
    return false;
}

void sw_term_set_mouse(struct sw_term *t, bool on)
{
    t->mouse = on;
    mousemask(on ? BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

void sw_term_suspend(struct sw_term *t)
{
    bool mouse = t->mouse;
    sw_term_set_mouse(t, false);
    endwin();
    kill(getpid(), SIGSTOP);
    t->mouse = mouse; // here again once continued
}

void sw_term_resume(struct sw_term *t)
{
    reset_prog_mode(); // a stop by SIGSTOP left no chance to tell ncurses
    sw_term_set_mouse(t, t->mouse);
    sw_term_resized(t);
    refresh();
}

// --- clipboard ---

static void add_base64(struct sw_buf *out, const char *text, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < len ? (unsigned char)text[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            sw_buf_addc(out, i + k > len ? '=' : digits[bits >> (18 - 6 * k) & 63]);
    }
}

enum sw_code sw_clipboard_sequence(const char *text, bool in_tmux, bool in_screen, struct sw_buf *out,
                                   struct sw_err *err)
{
    size_t len = strlen(text);
    if ((len + 2) / 3 * 4 > MAX_CLIPBOARD)
        return sw_err_set(err, SW_LIMIT, "%zu bytes are more than a terminal's clipboard takes", len);
    sw_buf_adds(out, in_tmux ? "\033Ptmux;\033" : in_screen ? "\033P" : "");
    sw_buf_adds(out, "\033]52;c;");
    add_base64(out, text, len);
    sw_buf_adds(out, "\a");
    sw_buf_adds(out, in_tmux || in_screen ? "\033\\" : "");
    return sw_buf_check(out, "clipboard sequence", err);
}
