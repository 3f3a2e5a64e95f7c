// SPDX-License-Identifier: Apache-2.0
#include "tui/grid.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define MAX_SIDE    1000
#define MAX_SCRATCH (64 * 1024)

// What stands for a character on a terminal without UTF-8. Others become '?'.
static const struct {
    uint32_t cp;
    char ascii;
} ascii_table[] = {
    {0x00a0, ' '},  {0x00b0, ' '},  {0x00b1, '+'}, {0x00b7, '-'}, {0x00d7, 'x'}, {0x2013, '-'}, {0x2014, '-'},
    {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'}, {0x201d, '"'}, {0x2022, '*'}, {0x2026, '~'}, {0x203a, '>'},
    {0x2190, '<'},  {0x2191, '^'},  {0x2192, '>'}, {0x2193, 'v'}, {0x2500, '-'}, {0x2502, '|'}, {0x250c, '+'},
    {0x2510, '+'},  {0x2514, '+'},  {0x2518, '+'}, {0x251c, '+'}, {0x2524, '+'}, {0x252c, '+'}, {0x2534, '+'},
    {0x253c, '+'},  {0x256d, '+'},  {0x256e, '+'}, {0x256f, '+'}, {0x2570, '+'}, {0x2580, '"'}, {0x2581, '_'},
    {0x2582, '_'},  {0x2583, '.'},  {0x2584, '.'}, {0x2585, '-'}, {0x2586, '='}, {0x2587, '#'}, {0x2588, '#'},
    {0x258c, '>'},  {0x2590, '|'},  {0x2591, '.'}, {0x2592, ':'}, {0x2593, '%'}, {0x25b2, '^'}, {0x25b6, '>'},
    {0x25b8, '>'},  {0x25bc, 'v'},  {0x25be, 'v'}, {0x25cf, '*'}, {0x2260, '!'}, {0x2713, '+'}, {0x2717, '!'},
    {0x2800, ' '},
};

static const struct sw_cell blank = {.cp = ' ', .width = 1};

enum sw_code sw_grid_init(struct sw_grid *g, int width, int height, bool ascii, struct sw_err *err)
{
    *g = (struct sw_grid){.ascii = ascii};
    sw_buf_init(&g->scratch, MAX_SCRATCH);
    return sw_grid_resize(g, width, height, err);
}

enum sw_code sw_grid_resize(struct sw_grid *g, int width, int height, struct sw_err *err)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return sw_err_set(err, SW_INVALID, "a screen of %d x %d cells cannot be drawn", width, height);
    struct sw_cell *cells = calloc((size_t)width * (size_t)height, sizeof *cells);
    if (!cells)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a screen of %d x %d cells", width, height);
    free(g->cells);
    g->cells = cells;
    g->width = width;
    g->height = height;
    sw_grid_clear(g);
    return SW_OK;
}

void sw_grid_free(struct sw_grid *g)
{
    free(g->cells);
    sw_buf_free(&g->scratch);
    *g = (struct sw_grid){0};
}

void sw_grid_clear(struct sw_grid *g)
{
    for (size_t i = 0; i < (size_t)g->width * (size_t)g->height; i++)
        g->cells[i] = blank;
}

static struct sw_cell *cell_at(const struct sw_grid *g, int x, int y)
{
    return &g->cells[(size_t)y * (size_t)g->width + (size_t)x];
}

const struct sw_cell *sw_grid_at(const struct sw_grid *g, int x, int y)
{
    return cell_at(g, x, y);
}

bool sw_cell_equal(const struct sw_cell *a, const struct sw_cell *b)
{
    return a->cp == b->cp && a->mark[0] == b->mark[0] && a->mark[1] == b->mark[1] && a->width == b->width &&
           a->style.role == b->style.role && a->style.attr == b->style.attr && a->style.fg == b->style.fg &&
           a->style.bg == b->style.bg;
}

static void add_codepoint(struct sw_buf *out, uint32_t cp)
{
    char utf8[4];
    sw_buf_add(out, utf8, sw_utf8_encode(cp, utf8));
}

void sw_grid_dump_text(const struct sw_grid *g, struct sw_buf *out)
{
    for (int y = 0; y < g->height; y++) {
        int end = g->width;
        while (end > 0 && cell_at(g, end - 1, y)->cp == ' ')
            end--;
        for (int x = 0; x < end; x++) {
            const struct sw_cell *c = cell_at(g, x, y);
            if (c->width == 0)
                continue;
            add_codepoint(out, c->cp);
            for (int m = 0; m < 2 && c->mark[m]; m++)
                add_codepoint(out, c->mark[m]);
        }
        sw_buf_addc(out, '\n');
    }
}

void sw_grid_dump_roles(const struct sw_grid *g, struct sw_buf *out)
{
    const struct sw_look *looks = sw_themes[0].looks;
    for (int y = 0; y < g->height; y++) {
        for (int x = 0; x < g->width; x++) {
            struct sw_style s = cell_at(g, x, y)->style;
            char letter = looks[s.role].letter;
            if (s.attr & SW_ATTR_SELECTED)
                letter = letter == '.' ? '#' : (char)(letter >= 'a' && letter <= 'z' ? letter - 32 : letter);
            sw_buf_addc(out, letter);
        }
        sw_buf_addc(out, '\n');
    }
}

struct sw_canvas sw_canvas_whole(struct sw_grid *g)
{
    return (struct sw_canvas){g, 0, 0, g->width, g->height, {0, 0, g->width, g->height}};
}

static int least(int a, int b)
{
    return a < b ? a : b;
}
static int most(int a, int b)
{
    return a > b ? a : b;
}

struct sw_canvas sw_canvas_sub(const struct sw_canvas *c, struct sw_rect r)
{
    r.w = most(r.w, 0);
    r.h = most(r.h, 0);
    struct sw_canvas sub = {.grid = c->grid, .x = c->x + r.x, .y = c->y + r.y, .w = r.w, .h = r.h};
    int left = most(sub.x, c->clip.x), top = most(sub.y, c->clip.y);
    int right = least(sub.x + r.w, c->clip.x + c->clip.w), bottom = least(sub.y + r.h, c->clip.y + c->clip.h);
    sub.clip = (struct sw_rect){left, top, most(0, right - left), most(0, bottom - top)};
    return sub;
}

struct sw_canvas sw_canvas_scrolled(const struct sw_canvas *c, int lines, int height)
{
    struct sw_canvas s = *c;
    s.y -= lines;
    s.h = height;
    return s;
}

static uint32_t to_ascii(uint32_t cp)
{
    if (cp < 0x80)
        return cp;
    for (size_t i = 0; i < sizeof ascii_table / sizeof ascii_table[0]; i++)
        if (ascii_table[i].cp == cp)
            return (uint32_t)ascii_table[i].ascii;
    return '?';
}

static struct sw_cell *visible(struct sw_canvas *c, int x, int y)
{
    int gx = c->x + x, gy = c->y + y;
    if (gx < c->clip.x || gy < c->clip.y || gx >= c->clip.x + c->clip.w || gy >= c->clip.y + c->clip.h)
        return NULL;
    return cell_at(c->grid, gx, gy);
}

void sw_canvas_put(struct sw_canvas *c, int x, int y, uint32_t cp, struct sw_style s)
{
    struct sw_cell *cell = visible(c, x, y);
    if (!cell)
        return;
    int width = cp < 0x300 ? 1 : sw_utf8_width(cp);
    if (c->grid->ascii)
        cp = to_ascii(cp);
    struct sw_cell *right = width == 2 ? visible(c, x + 1, y) : NULL;
    if (width == 2 && !right)
        cp = ' '; // half of it would be outside
    // Overwriting one half of a wide character blanks the other.
    struct sw_cell *last = right ? right : cell;
    if (cell->width == 0)
        cell[-1] = (struct sw_cell){.cp = ' ', .width = 1, .style = cell[-1].style};
    if (last->width == 2)
        last[1] = (struct sw_cell){.cp = ' ', .width = 1, .style = last[1].style};
    *cell = (struct sw_cell){.cp = cp, .style = s, .width = 1};
    if (!right)
        return;
    if (c->grid->ascii) {
        *right = (struct sw_cell){.cp = ' ', .style = s, .width = 1};
    } else {
        cell->width = 2;
        *right = (struct sw_cell){.cp = ' ', .style = s, .width = 0};
    }
}

void sw_canvas_fill(struct sw_canvas *c, struct sw_rect r, uint32_t cp, struct sw_style s)
{
    for (int y = r.y; y < r.y + r.h; y++)
        for (int x = r.x; x < r.x + r.w; x++)
            sw_canvas_put(c, x, y, cp, s);
}

static void put_mark(struct sw_canvas *c, int x, int y, uint32_t cp)
{
    struct sw_cell *cell = c->grid->ascii ? NULL : visible(c, x, y);
    if (cell && cell->width == 0)
        cell--;
    if (cell)
        cell->mark[cell->mark[0] ? 1 : 0] = cp;
}

int sw_canvas_textn(struct sw_canvas *c, int x, int y, int width, const char *text, size_t len, struct sw_style s)
{
    if (width <= 0 || len == 0)
        return 0;
    // More than a line can show is not even looked at.
    size_t most_bytes = (size_t)width * 16 + 256;
    struct sw_buf *safe = &c->grid->scratch;
    sw_buf_clear(safe);
    sw_text_safe(safe, text, len < most_bytes ? len : most_bytes, SW_TEXT_ONE_LINE);

    int columns = sw_text_columns(safe->data, safe->len);
    int room = columns > width ? width - 1 : width;
    size_t bytes = sw_text_fit(safe->data, safe->len, room, NULL);
    int at = 0;
    for (size_t i = 0; i < bytes;) {
        uint32_t cp;
        i += sw_utf8_decode(safe->data + i, bytes - i, &cp);
        int w = sw_utf8_width(cp);
        if (w == 0) {
            if (at > 0)
                put_mark(c, x + at - 1, y, cp);
            continue;
        }
        sw_canvas_put(c, x + at, y, cp, s);
        at += w;
    }
    if (columns > width)
        sw_canvas_put(c, x + at++, y, 0x2026, s);
    return at;
}

int sw_canvas_text(struct sw_canvas *c, int x, int y, int width, const char *text, struct sw_style s)
{
    return text ? sw_canvas_textn(c, x, y, width, text, strnlen(text, MAX_SCRATCH), s) : 0;
}

int sw_canvas_textf(struct sw_canvas *c, int x, int y, int width, struct sw_style s, const char *format, ...)
{
    struct sw_buf line;
    va_list ap;
    sw_buf_init(&line, MAX_SCRATCH);
    va_start(ap, format);
    sw_buf_vaddf(&line, format, ap);
    va_end(ap);
    int used = sw_canvas_textn(c, x, y, width, line.data, line.len, s);
    sw_buf_free(&line);
    return used;
}

int sw_grid_columns(struct sw_grid *g, const char *text)
{
    if (!text)
        return 0;
    sw_buf_clear(&g->scratch);
    sw_text_safe(&g->scratch, text, strnlen(text, 4096), SW_TEXT_ONE_LINE);
    return sw_text_columns(g->scratch.data, g->scratch.len);
}

void sw_canvas_text_right(struct sw_canvas *c, int x, int y, int width, const char *text, struct sw_style s)
{
    int columns = sw_grid_columns(c->grid, text);
    int shift = columns < width ? width - columns : 0;
    sw_canvas_text(c, x + shift, y, width - shift, text, s);
}

void sw_canvas_add_attr(struct sw_canvas *c, struct sw_rect r, uint8_t attr)
{
    for (int y = r.y; y < r.y + r.h; y++) {
        for (int x = r.x; x < r.x + r.w; x++) {
            struct sw_cell *cell = visible(c, x, y);
            if (cell)
                cell->style.attr |= attr;
        }
    }
}

struct sw_canvas sw_canvas_frame(struct sw_canvas *c, const char *title, const char *right, uint8_t role)
{
    struct sw_style edge = sw_style(role);
    int x1 = c->w - 1, y1 = c->h - 1;
    if (c->w < 2 || c->h < 2)
        return sw_canvas_sub(c, (struct sw_rect){0, 0, 0, 0});
    sw_canvas_fill(c, (struct sw_rect){1, 0, c->w - 2, 1}, 0x2500, edge);
    sw_canvas_fill(c, (struct sw_rect){1, y1, c->w - 2, 1}, 0x2500, edge);
    sw_canvas_fill(c, (struct sw_rect){0, 1, 1, c->h - 2}, 0x2502, edge);
    sw_canvas_fill(c, (struct sw_rect){x1, 1, 1, c->h - 2}, 0x2502, edge);
    sw_canvas_put(c, 0, 0, 0x256d, edge);
    sw_canvas_put(c, x1, 0, 0x256e, edge);
    sw_canvas_put(c, 0, y1, 0x2570, edge);
    sw_canvas_put(c, x1, y1, 0x256f, edge);

    int room = c->w - 6; // corner, line and blank on either side
    int used = 0;
    if (title && *title && room > 0) {
        used = sw_canvas_text(c, 3, 0, room, title, sw_style(role == SW_TUI_DANGER ? SW_TUI_DANGER : (int)SW_UI_TITLE));
        sw_canvas_put(c, 2, 0, ' ', edge);
        sw_canvas_put(c, 3 + used, 0, ' ', edge);
        used += 3;
    }
    int columns = sw_grid_columns(c->grid, right);
    if (columns > 0 && columns <= room - used) {
        int at = c->w - 3 - columns;
        sw_canvas_text(c, at, 0, columns, right, sw_style(SW_TUI_DIM));
        sw_canvas_put(c, at - 1, 0, ' ', edge);
        sw_canvas_put(c, at + columns, 0, ' ', edge);
    }
    return sw_canvas_sub(c, (struct sw_rect){1, 1, c->w - 2, c->h - 2});
}
