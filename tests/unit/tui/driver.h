// SPDX-License-Identifier: Apache-2.0
// Drives a struct sw_ui as the main loop would, without a terminal: keys by name, waiting for quiet, screens as text.
#ifndef SW_TESTS_TUI_DRIVER_H
#define SW_TESTS_TUI_DRIVER_H

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "core/base/file.h"
#include "core/base/text.h"
#include "fake_backend.h"
#include "tui/ui.h"

#define PATIENCE_MS 20000

struct driver {
    struct fake fake;
    struct sw_pool *pool;
    int pool_fd;
    struct sw_ui ui;
    int64_t now_ms; // monotonic, as the screens are told
};

static inline void driver_open(struct driver *d, const struct sw_tui_options *o, int colours, int width, int height)
{
    struct sw_err err = {0};
    struct fake knobs = d->fake;
    memset(d, 0, sizeof *d);
    d->fake = knobs;
    d->now_ms = 1000;
    if (d->fake.row_total == 0)
        d->fake.row_total = 60000;
    assert_int_equal(sw_pool_new(4, &d->pool, &d->pool_fd, &err), SW_OK);
    assert_int_equal(sw_ui_init(&d->ui, o, &fake_backend, &d->fake, d->pool, true, colours, width, height, &err),
                     SW_OK);
}

static inline void driver_close(struct driver *d)
{
    sw_ui_free(&d->ui);
    int64_t deadline = sw_clock_mono_ms() + PATIENCE_MS;
    while (sw_pool_busy(d->pool) > 0 && sw_clock_mono_ms() < deadline) {
        struct pollfd ready = {.fd = d->pool_fd, .events = POLLIN};
        poll(&ready, 1, 10);
        sw_pool_drain(d->pool);
    }
    sw_pool_drain(d->pool);
    sw_pool_free(d->pool, 1000);
}

static inline void driver_tick(struct driver *d, int64_t ms)
{
    d->now_ms += ms;
    sw_ui_tick(&d->ui, d->now_ms, FAKE_NOW_MS);
}

// Lets the loop run until nothing is under way or wanted, then paints.
static inline void driver_settle(struct driver *d)
{
    int64_t deadline = sw_clock_mono_ms() + PATIENCE_MS;
    int quiet = 0;
    d->ui.status_next_ms = d->now_ms; // status and changes are asked once in each settling
    d->ui.changes_next_ms = d->now_ms;
    while (quiet < 3) {
        assert_true(sw_clock_mono_ms() < deadline);
        driver_tick(d, 0);
        sw_ui_paint(&d->ui); // sizes are known only after a paint
        if (sw_ui_is_loading(&d->ui)) {
            struct pollfd ready = {.fd = d->pool_fd, .events = POLLIN};
            poll(&ready, 1, 50);
            sw_pool_drain(d->pool);
            quiet = 0;
        } else {
            quiet++;
        }
    }
}

static inline void driver_key(struct driver *d, uint32_t code)
{
    sw_ui_key(&d->ui, &(struct sw_key){.code = code});
}

// "j", "Enter", "ctrl-r"; one key, then quiet.
static inline void driver_press(struct driver *d, const char *name)
{
    char known[SW_KEY_NAME];
    uint32_t code = 0, cp;
    for (uint32_t k = SW_KEY_UP; k < SW_KEY_CLICK && !code; k++)
        if (!strcmp(sw_key_name(k, known), name))
            code = k;
    if (!code && !strncmp(name, "ctrl-", 5))
        code = (uint32_t)name[5] & 31u;
    if (!code && !strcmp(name, "space"))
        code = ' ';
    if (!code && sw_utf8_decode(name, strlen(name), &cp) == strlen(name))
        code = cp;
    assert_int_not_equal(code, 0);
    driver_key(d, code);
    driver_settle(d);
}

static inline void driver_type(struct driver *d, const char *text)
{
    for (size_t i = 0, len = strlen(text); i < len;) {
        uint32_t cp;
        i += sw_utf8_decode(text + i, len - i, &cp);
        driver_key(d, cp);
    }
    driver_settle(d);
}

static inline const char *driver_screen(struct driver *d)
{
    static struct sw_buf text; // kept for the length of the program, freed by the next call
    sw_buf_free(&text);
    sw_buf_init(&text, 4 << 20);
    sw_ui_paint(&d->ui);
    sw_grid_dump_text(&d->ui.grid, &text);
    return text.data;
}

static inline void assert_shows(struct driver *d, const char *part)
{
    const char *screen = driver_screen(d);
    if (strstr(screen, part))
        return;
    fprintf(stderr, "%s", screen); // cmocka cuts its own messages
    fail_msg("\"%s\" is not on the screen", part);
}
static inline void assert_shows_not(struct driver *d, const char *part)
{
    const char *screen = driver_screen(d);
    if (!strstr(screen, part))
        return;
    fprintf(stderr, "%s", screen);
    fail_msg("\"%s\" is on the screen", part);
}

// Compares with tests/unit/tui/golden/NAME.txt; GENERATE=1 writes it instead.
static inline void assert_golden(const char *name, const struct sw_buf *text)
{
    char path[512];
    struct sw_err err = {0};
    struct sw_buf golden;
    snprintf(path, sizeof path, "tests/unit/tui/golden/%s.txt", name);
    if (getenv("GENERATE")) {
        assert_int_equal(sw_file_write(path, text->data, text->len, &err), SW_OK);
        assert_int_equal(chmod(path, 0644), 0);
        return;
    }
    sw_buf_init(&golden, 4 << 20);
    if (sw_file_read(path, &golden, &err))
        fail_msg("%s (GENERATE=1 writes it)", err.message);
    if (strcmp(golden.data, text->data)) {
        fprintf(stderr, "%s", text->data);
        fail_msg("%s differs from what is painted now", path);
    }
    sw_buf_free(&golden);
}

static inline void assert_golden_screen(struct driver *d, const char *name, bool roles)
{
    struct sw_buf text;
    sw_buf_init(&text, 4 << 20);
    sw_ui_paint(&d->ui);
    sw_grid_dump_text(&d->ui.grid, &text);
    if (roles) {
        sw_buf_adds(&text, "--- roles ---\n");
        sw_grid_dump_roles(&d->ui.grid, &text);
    }
    assert_golden(name, &text);
    sw_buf_free(&text);
}

#endif
