// SPDX-License-Identifier: Apache-2.0
#include "tui/preview.h"

#include <stdio.h>
#include <string.h>

#define SIDE_STEP   8
#define MAX_STEPS   512
#define GAP         2
#define WIDEST      32
#define MAX_COLUMNS 256
#define MEASURED    64 // rows that decide how wide a column is

// First and last line of the canvas that the clip lets through.
static void visible(const struct sw_canvas *c, int *first, int *end)
{
    *first = c->clip.y - c->y;
    *end = c->clip.y + c->clip.h - c->y;
}

int sw_lines_paint(struct sw_canvas *c, int y, const struct sw_tui_lines *lines, int sideways)
{
    char number[24];
    int first, end, margin = snprintf(number, sizeof number, "%zu", lines->line_count) + GAP;
    const char *at = lines->text, *stop = lines->text + lines->len;
    visible(c, &first, &end);
    struct sw_canvas right = sw_canvas_sub(c, (struct sw_rect){margin, 0, c->w - margin, y + (int)lines->line_count});
    int left = (sideways < MAX_STEPS ? sideways : MAX_STEPS) * SIDE_STEP;
    right.x -= left; // its clip stays
    for (size_t i = 0; i < lines->line_count && at < stop && y + (int)i < end; i++) {
        const char *newline = memchr(at, '\n', (size_t)(stop - at)), *next = newline ? newline + 1 : stop;
        size_t len = (size_t)((newline ? newline : stop) - at);
        if (len > 0 && at[len - 1] == '\r')
            len--;
        if (y + (int)i >= first) {
            snprintf(number, sizeof number, "%zu", i + 1);
            sw_canvas_text_right(c, 0, y + (int)i, margin - 1, number, sw_style(SW_TUI_DIM));
            sw_canvas_textn(&right, 0, y + (int)i, c->w - margin + left, at, len, sw_style(SW_TUI_NORMAL));
        }
        at = next;
    }
    return (int)lines->line_count;
}

// --- sheets ---

static void measure(struct sw_grid *g, const struct sw_tui_sheet *s, size_t count, int width[static MAX_COLUMNS])
{
    for (size_t k = 0; k < count; k++) {
        int title = sw_grid_columns(g, s->columns[k].title), under = sw_grid_columns(g, s->columns[k].summary);
        width[k] = title > under ? title : under;
        for (size_t r = 0; r < s->row_count && r < MEASURED; r++) {
            int columns = sw_grid_columns(g, s->rows[r].cells[k].text);
            width[k] = columns > width[k] ? columns : width[k];
        }
        width[k] = width[k] > WIDEST ? WIDEST : width[k] < 1 ? 1 : width[k];
    }
}

static void put(struct sw_canvas *c, int x, int y, int width, enum sw_tui_align align, const char *text,
                struct sw_style style)
{
    if (align == SW_TUI_RIGHT)
        sw_canvas_text_right(c, x, y, width, text, style);
    else
        sw_canvas_text(c, x, y, width, text, style);
}

int sw_sheet_paint(struct sw_canvas *c, int y, const struct sw_tui_sheet *s, int *sideways)
{
    int width[MAX_COLUMNS], first, end, x = 1;
    size_t count = s->column_count < MAX_COLUMNS ? s->column_count : MAX_COLUMNS;
    bool has_summary = false;
    if (*sideways >= (int)count)
        *sideways = count > 0 ? (int)count - 1 : 0;
    for (size_t k = 0; k < count; k++)
        has_summary = has_summary || s->columns[k].summary;
    int header = has_summary ? 2 : 1;
    visible(c, &first, &end);
    measure(c->grid, s, count, width);
    int top = first > y ? first : y; // the titles stay in view
    for (size_t k = (size_t)*sideways; k < count && x < c->w; x += width[k++] + GAP) {
        enum sw_tui_align align = s->columns[k].align;
        put(c, x, top, width[k], align, s->columns[k].title, sw_style(SW_UI_HEADER));
        if (has_summary)
            put(c, x, top + 1, width[k], align, s->columns[k].summary, sw_style(SW_TUI_DIM));
        for (size_t r = 0; r < s->row_count; r++) {
            int line = y + header + (int)r;
            const struct sw_tui_cell *cell = &s->rows[r].cells[k];
            if (line >= top + header && line < end)
                put(c, x, line, width[k], align, cell->text ? cell->text : "-",
                    sw_style(cell->text ? cell->role : SW_TUI_DIM));
        }
    }
    return header + (int)s->row_count;
}
