// SPDX-License-Identifier: Apache-2.0
#include "tui/lineedit.h"

#include <string.h>

#include "core/base/text.h"

void sw_lineedit_set(struct sw_lineedit *e, const char *text)
{
    e->len = 0;
    for (size_t i = 0, len = strlen(text), n; i < len; i += n) {
        uint32_t cp;
        char utf8[4];
        n = sw_utf8_decode(text + i, len - i, &cp);
        size_t bytes = sw_utf8_encode(cp < ' ' || cp == 0x7f ? ' ' : cp, utf8);
        if (e->len + bytes >= sizeof e->text)
            break;
        memcpy(e->text + e->len, utf8, bytes);
        e->len += bytes;
    }
    e->text[e->len] = '\0';
    e->cursor = e->len;
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static size_t before(const struct sw_lineedit *e, size_t at)
{
    while (at > 0 && is_continuation(e->text[--at]))
        ;
    return at;
}

static size_t after(const struct sw_lineedit *e, size_t at)
{
    if (at < e->len)
        at++;
    while (at < e->len && is_continuation(e->text[at]))
        at++;
    return at;
}

static void erase(struct sw_lineedit *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->len - to + 1);
    e->len -= to - from;
    e->cursor = from;
}

static void insert(struct sw_lineedit *e, uint32_t cp)
{
    char utf8[4];
    size_t bytes = sw_utf8_encode(cp, utf8);
    if (e->len + bytes >= sizeof e->text)
        return;
    memmove(e->text + e->cursor + bytes, e->text + e->cursor, e->len - e->cursor + 1);
    memcpy(e->text + e->cursor, utf8, bytes);
    e->len += bytes;
    e->cursor += bytes;
}

static size_t word_start(const struct sw_lineedit *e)
{
    size_t at = e->cursor;
    while (at > 0 && e->text[at - 1] == ' ')
        at--;
    while (at > 0 && e->text[at - 1] != ' ')
        at--;
    return at;
}

bool sw_lineedit_key(struct sw_lineedit *e, uint32_t code)
{
    switch (code) {
    case SW_KEY_LEFT:
    case SW_KEY_CTRL('b'):
        e->cursor = before(e, e->cursor);
        return true;
    case SW_KEY_RIGHT:
    case SW_KEY_CTRL('f'):
        e->cursor = after(e, e->cursor);
        return true;
    case SW_KEY_HOME:
    case SW_KEY_CTRL('a'):
        e->cursor = 0;
        return true;
    case SW_KEY_END:
    case SW_KEY_CTRL('e'):
        e->cursor = e->len;
        return true;
    case SW_KEY_BACKSPACE:
        erase(e, before(e, e->cursor), e->cursor);
        return true;
    case SW_KEY_DELETE:
    case SW_KEY_CTRL('d'):
        erase(e, e->cursor, after(e, e->cursor));
        return true;
    case SW_KEY_CTRL('u'):
        erase(e, 0, e->cursor);
        return true;
    case SW_KEY_CTRL('k'):
        erase(e, e->cursor, e->len);
        return true;
    case SW_KEY_CTRL('w'):
        erase(e, word_start(e), e->cursor);
        return true;
    default:
        if (code < ' ' || code == 0x7f || code >= 0x110000)
            return false;
        insert(e, code);
        return true;
    }
}

int sw_lineedit_paint(const struct sw_lineedit *e, struct sw_canvas *c, int x, int y, int width, struct sw_style s)
{
    size_t start = 0;
    while (start < e->cursor && sw_text_columns(e->text + start, e->cursor - start) >= width)
        start = after(e, start);
    sw_canvas_fill(c, (struct sw_rect){x, y, width, 1}, ' ', s);
    size_t bytes = sw_text_fit(e->text + start, e->len - start, width, NULL);
    sw_canvas_textn(c, x, y, width, e->text + start, bytes, s);
    return x + sw_text_columns(e->text + start, e->cursor - start);
}
