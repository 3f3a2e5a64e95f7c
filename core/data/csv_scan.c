// SPDX-License-Identifier: Apache-2.0
// The scanner: RFC 4180 with what files in the wild add to it: a quote inside a bare field is a letter, "\n" alone ends a
// row, a lone "\r" is data, blank lines are skipped. A field may be longer than memory: it passes through the window piece by piece and only
// as much as the caller wants is kept. Index and reader use this one scanner, so they agree on where rows begin.
#include "core/data/csv_internal.h"

#include <stdlib.h>
#include <string.h>

enum sw_code csv_scan_init(struct csv_scan *s, struct sw_source *source, char delimiter, struct sw_err *err)
{
    *s = (struct csv_scan){
        .source = source, .delimiter = delimiter, .limit = INT64_MAX, .line = 1, .window = malloc(SW_CSV_WINDOW_BYTES)};
    if (s->window == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading %s", sw_source_path(source));
    return SW_OK;
}

void csv_scan_free(struct csv_scan *s)
{
    free(s->window);
    s->window = NULL;
}

int64_t csv_scan_offset(const struct csv_scan *s)
{
    return s->start + (int64_t)s->at;
}

void csv_scan_seek(struct csv_scan *s, int64_t offset, int64_t line)
{
    s->line = line;
    s->code = SW_OK;
    if (offset >= s->start && offset <= s->start + (int64_t)s->len) {
        s->at = (size_t)(offset - s->start);
        return;
    }
    s->start = offset;
    s->len = s->at = 0;
    s->ends = false;
}

// Moves the window on when it is used up; false at the end of the data or after a failure.
static bool more(struct csv_scan *s)
{
    if (s->at < s->len)
        return true;
    if (s->ends || s->code != SW_OK)
        return false;
    s->start += (int64_t)s->len;
    s->at = s->len = 0;
    size_t want = SW_CSV_WINDOW_BYTES;
    if (s->limit - s->start < (int64_t)want)
        want = s->limit > s->start ? (size_t)(s->limit - s->start) : 0;
    s->code = sw_source_read(s->source, s->start, s->window, want, &s->len, s->err);
    if (s->code != SW_OK)
        s->len = 0;
    s->ends = s->code == SW_OK && s->len < SW_CSV_WINDOW_BYTES;
    return s->len > 0;
}

static void keep(struct csv_cell *cell, const char *text, size_t len)
{
    if (cell == NULL)
        return;
    cell->full_len += len;
    size_t room = cell->limit - cell->text.len;
    sw_buf_add(&cell->text, text, len < room ? len : room);
}

// A row that ended in "\r\n" left its '\r' in the last field.
static void drop_return(struct csv_cell *cell)
{
    if (cell == NULL || cell->full_len == 0)
        return;
    if (cell->full_len == cell->text.len)
        cell->text.data[--cell->text.len] = '\0';
    cell->full_len--;
}

bool csv_scan_row(struct csv_scan *s)
{
    while (more(s)) {
        char c = s->window[s->at];
        if (c == '\n') {
            s->at++;
            s->line++;
            continue;
        }
        if (c != '\r')
            return true;
        // "\r\n" is a blank line too, but a lone '\r' is data: look one byte ahead, across windows if need be.
        int64_t here = csv_scan_offset(s);
        s->at++;
        if (!more(s) || s->window[s->at] != '\n') {
            csv_scan_seek(s, here, s->line);
            return more(s);
        }
    }
    return false;
}

// Bytes up to the delimiter or line end; the terminator is passed too.
static enum csv_end bare_field(struct csv_scan *s, struct csv_cell *cell)
{
    char last = '\0';
    while (more(s)) {
        const char *from = s->window + s->at;
        const char *end = s->window + s->len;
        const char *p = from;
        while (p < end && *p != s->delimiter && *p != '\n')
            p++;
        keep(cell, from, (size_t)(p - from));
        s->at += (size_t)(p - from);
        if (p > from)
            last = p[-1];
        if (p == end)
            continue;
        s->at++;
        if (*p != '\n')
            return CSV_END_FIELD;
        s->line++;
        if (last == '\r')
            drop_return(cell);
        return CSV_END_ROW;
    }
    return CSV_END_DATA;
}

// After the opening quote, up to and including the closing one; "" stands for one quote. False when it never closes.
static bool quoted_part(struct csv_scan *s, struct csv_cell *cell)
{
    while (more(s)) {
        const char *from = s->window + s->at;
        const char *quote = memchr(from, '"', s->len - s->at);
        size_t n = quote != NULL ? (size_t)(quote - from) : s->len - s->at;
        for (const char *p = from; (p = memchr(p, '\n', (size_t)(from + n - p))) != NULL; p++)
            s->line++;
        keep(cell, from, n);
        s->at += n;
        if (quote == NULL)
            continue;
        s->at++;
        if (!more(s) || s->window[s->at] != '"')
            return true;
        keep(cell, "\"", 1);
        s->at++;
    }
    return false;
}

enum csv_end csv_scan_field(struct csv_scan *s, struct csv_cell *cell)
{
    if (cell != NULL) {
        sw_buf_clear(&cell->text);
        cell->full_len = 0;
        cell->is_quoted = cell->is_bad = false;
    }
    if (!more(s))
        return CSV_END_DATA;
    if (s->window[s->at] != '"')
        return bare_field(s, cell);
    s->at++;
    bool is_closed = quoted_part(s, cell);
    uint64_t inside = cell != NULL ? cell->full_len : 0;
    enum csv_end end = bare_field(s, cell);
    if (cell != NULL) {
        cell->is_quoted = true;
        cell->is_bad = !is_closed || cell->full_len != inside;
    }
    return end;
}

void csv_scan_skip_row(struct csv_scan *s)
{
    while (csv_scan_field(s, NULL) == CSV_END_FIELD)
        continue;
}
