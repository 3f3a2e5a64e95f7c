// SPDX-License-Identifier: Apache-2.0
#include "tui/textview.h"

#include <stdlib.h>
#include <string.h>

#include "tui/key.h"

#define SIDE_STEP   8
#define KEY_COLUMNS 18

void sw_textview_init(struct sw_textview *v, size_t max_bytes)
{
    *v = (struct sw_textview){0};
    sw_buf_init(&v->text, max_bytes);
}

void sw_textview_free(struct sw_textview *v)
{
    sw_buf_free(&v->text);
    free(v->starts);
    *v = (struct sw_textview){0};
}

static bool add_start(struct sw_textview *v, size_t at)
{
    if (v->line_count == v->line_cap) {
        size_t cap = v->line_cap ? 2 * v->line_cap : 64;
        size_t *starts = reallocarray(v->starts, cap, sizeof *starts);
        if (!starts)
            return false;
        v->starts = starts;
        v->line_cap = cap;
    }
    v->starts[v->line_count++] = at;
    return true;
}

// Indexes the lines that begin at or after byte `from`, which is 0 or stands after text that is indexed.
static bool index_lines(struct sw_textview *v, size_t from)
{
    const char *data = v->text.data;
    if (from == 0)
        v->line_count = 0;
    if (v->text.len > from && (from == 0 || data[from - 1] == '\n') && !add_start(v, from))
        return false;
    for (size_t i = from; i + 1 < v->text.len; i++)
        if (data[i] == '\n' && !add_start(v, i + 1))
            return false;
    return true;
}

bool sw_textview_append(struct sw_textview *v, const char *text, size_t len)
{
    size_t old = v->text.len;
    if (v->text.len + len > v->text.max)
        return false;
    sw_buf_add(&v->text, text, len);
    return !v->text.failed && index_lines(v, old);
}

void sw_textview_set(struct sw_textview *v, const char *text, size_t len)
{
    sw_buf_clear(&v->text);
    v->line_count = 0;
    v->top = 0;
    v->left = 0;
    sw_textview_append(v, text, len < v->text.max ? len : v->text.max);
}

void sw_textview_drop_front(struct sw_textview *v, size_t bytes)
{
    size_t lines = 0;
    while (lines < v->line_count && v->starts[lines] < bytes)
        lines++;
    sw_buf_drop_front(&v->text, bytes);
    index_lines(v, 0);
    sw_textview_scroll(v, -(int64_t)lines);
}

bool sw_textview_prepend(struct sw_textview *v, const char *text, size_t len)
{
    if (v->text.len + len > v->text.max)
        return false;
    struct sw_buf joined;
    sw_buf_init(&joined, v->text.max);
    sw_buf_add(&joined, text, len);
    sw_buf_add(&joined, v->text.data, v->text.len);
    if (joined.failed) {
        sw_buf_free(&joined);
        return false;
    }
    int64_t before = (int64_t)v->line_count;
    sw_buf_free(&v->text);
    v->text = joined;
    index_lines(v, 0);
    v->top += (int64_t)v->line_count - before;
    return true;
}

static int64_t last_top(const struct sw_textview *v)
{
    int64_t top = (int64_t)v->line_count - v->height;
    return top > 0 ? top : 0;
}

void sw_textview_scroll(struct sw_textview *v, int64_t lines)
{
    v->top += lines;
    if (v->top > last_top(v))
        v->top = last_top(v);
    if (v->top < 0)
        v->top = 0;
}

void sw_textview_to_end(struct sw_textview *v)
{
    v->top = last_top(v);
}

bool sw_textview_at_end(const struct sw_textview *v)
{
    return v->top >= last_top(v);
}

bool sw_textview_key(struct sw_textview *v, uint32_t code)
{
    int page = v->height > 1 ? v->height - 1 : 1;
    switch (code) {
    case SW_KEY_DOWN:
    case 'j':
        sw_textview_scroll(v, 1);
        return true;
    case SW_KEY_UP:
    case 'k':
        sw_textview_scroll(v, -1);
        return true;
    case SW_KEY_WHEEL_DOWN:
        sw_textview_scroll(v, 3);
        return true;
    case SW_KEY_WHEEL_UP:
        sw_textview_scroll(v, -3);
        return true;
    case SW_KEY_PAGE_DOWN:
    case SW_KEY_CTRL('f'):
        sw_textview_scroll(v, page);
        return true;
    case SW_KEY_PAGE_UP:
    case SW_KEY_CTRL('b'):
        sw_textview_scroll(v, -page);
        return true;
    case SW_KEY_HOME:
    case 'g':
        v->top = 0;
        return true;
    case SW_KEY_END:
    case 'G':
        sw_textview_to_end(v);
        return true;
    case SW_KEY_LEFT:
    case '<':
        v->left = v->left > SIDE_STEP ? v->left - SIDE_STEP : 0;
        return true;
    case SW_KEY_RIGHT:
    case '>':
        v->left += v->left < 4096 ? SIDE_STEP : 0;
        return true;
    default:
        return false;
    }
}

static void paint_keyed(struct sw_canvas *c, int y, const char *line, size_t len)
{
    const char *tab = memchr(line, '\t', len);
    if (line[0] == SW_TEXT_HEADING) {
        sw_canvas_textn(c, 1, y, c->w - 1, line + 1, len - 1, sw_style(SW_UI_TITLE));
    } else if (tab) {
        int key = sw_canvas_textn(c, 3, y, c->w - 3, line, (size_t)(tab - line), sw_style(SW_UI_KEY));
        int at = key < KEY_COLUMNS ? 3 + KEY_COLUMNS : key + 4;
        sw_canvas_textn(c, at, y, c->w - at, tab + 1, len - (size_t)(tab - line) - 1, sw_style(SW_TUI_NORMAL));
    } else {
        sw_canvas_textn(c, 1, y, c->w - 1, line, len, sw_style(SW_TUI_NORMAL));
    }
}

void sw_textview_paint(struct sw_textview *v, struct sw_canvas *c)
{
    bool was_at_end = v->height != c->h && sw_textview_at_end(v) && v->top > 0;
    v->height = c->h;
    if (was_at_end)
        sw_textview_to_end(v);
    sw_textview_scroll(v, 0);
    for (int y = 0; y < c->h && (size_t)(v->top + y) < v->line_count; y++) {
        size_t i = (size_t)(v->top + y);
        size_t start = v->starts[i], end = i + 1 < v->line_count ? v->starts[i + 1] : v->text.len;
        while (end > start && (v->text.data[end - 1] == '\n' || v->text.data[end - 1] == '\r'))
            end--;
        if (end == start)
            continue;
        if (v->has_keys) {
            paint_keyed(c, y, v->text.data + start, end - start);
        } else { // shifting the canvas to the left scrolls sideways
            struct sw_canvas shifted = *c;
            shifted.x -= v->left;
            sw_canvas_textn(&shifted, 0, y, c->w + v->left, v->text.data + start, end - start, sw_style(SW_TUI_NORMAL));
        }
    }
}
