// SPDX-License-Identifier: Apache-2.0
// Arithmetic is in long double: series may span from -DBL_MAX to DBL_MAX, whose difference is no double.
#include "tui/chart.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABEL        16 // columns for a series' name
#define MAX_NAMED_SERIES 16

struct pen {
    const char *name;
    int dots_x, dots_y; // of a cell
};
static const struct pen pens[SW_PEN_COUNT] = {
    [SW_PEN_BRAILLE] = {"braille", 2, 4},
    [SW_PEN_BLOCK] = {"block", 2, 2},
    [SW_PEN_ASCII] = {"ascii", 1, 1},
};

// One cell of the plot while it is drawn.
struct ink {
    uint8_t dots;   // bit y * dots_x + x
    uint8_t series; // drawn last
};

struct plot {
    enum sw_pen pen;
    int cells_x, cells_y;
    int width, height; // in dots
    long double x0, x_span, y0, y_span;
    struct ink *ink;
};

const char *sw_pen_name(enum sw_pen pen)
{
    return pens[pen].name;
}

bool sw_pen_find(const char *name, enum sw_pen *out)
{
    for (int p = 0; p < SW_PEN_COUNT; p++) {
        if (!strcmp(pens[p].name, name)) {
            *out = (enum sw_pen)p;
            return true;
        }
    }
    return false;
}

struct sw_ticks sw_ticks_make(double low, double high, int most, bool whole)
{
    long double lo = low, hi = high;
    if (most < 1)
        most = 1;
    if (hi <= lo) { // constant: room on both sides, so that the line lies in the middle
        long double room = lo == 0 ? 1 : fabsl(lo) / 10;
        if (whole && room < 1)
            room = 1;
        lo -= room;
        hi += room;
    }
    long double raw = (hi - lo) / most;
    long double power = powl(10, floorl(log10l(raw)));
    if (!(power > 0)) // subnormal differences
        power = LDBL_MIN;
    long double step = power;
    static const int factor[] = {1, 2, 5, 10, 20};
    struct sw_ticks t = {0};
    for (size_t i = 0; i < sizeof factor / sizeof factor[0]; i++) {
        step = power * factor[i];
        if (whole && step < 1)
            step = 1;
        t.first = floorl(lo / step + 1e-9L) * step;
        t.count = (int)ceill((hi - t.first) / step - 1e-9L) + 1;
        if (t.count - 1 <= most)
            break;
    }
    if (t.count < 2)
        t.count = 2;
    t.step = step;
    int digits = (int)floorl(log10l(step) + 1e-9L);
    t.decimals = digits < 0 ? -digits : 0;
    return t;
}

void sw_ticks_label(const struct sw_ticks *t, int i, char *dst, size_t size)
{
    long double value = t->first + i * t->step;
    long double last = t->first + (t->count - 1) * t->step;
    long double largest = fmaxl(fabsl(t->first), fabsl(last));
    if (fabsl(value) < t->step / 2)
        value = 0;
    if (largest < 1e6L && t->decimals <= 5) {
        snprintf(dst, size, "%.*Lf", t->decimals, value);
        return;
    }
    int digits = (int)(floorl(log10l(largest)) - floorl(log10l(t->step) + 1e-9L));
    snprintf(dst, size, "%.*Le", digits < 0 ? 0 : digits > 9 ? 9 : digits, value);
    char *e = strchr(dst, 'e');
    if (!e)
        return;
    if (value == 0) { // "0e+00" is 0
        snprintf(dst, size, "0");
        return;
    }
    char *to = e + 1, *from = e + 2; // "2e+06" reads better as "2e6"
    if (e[1] == '-')
        to++;
    while (*from == '0' && from[1])
        from++;
    memmove(to, from, strlen(from) + 1);
}

static void dot(struct plot *p, int x, int y, int series)
{
    if (x < 0 || y < 0 || x >= p->width || y >= p->height)
        return;
    const struct pen *pen = &pens[p->pen];
    struct ink *ink = &p->ink[(y / pen->dots_y) * p->cells_x + x / pen->dots_x];
    ink->dots |= (uint8_t)(1u << ((y % pen->dots_y) * pen->dots_x + x % pen->dots_x));
    ink->series = (uint8_t)series;
}

// Bresenham.
static void line(struct plot *p, int x0, int y0, int x1, int y1, int series)
{
    int dx = abs(x1 - x0), dy = -abs(y1 - y0);
    int step_x = x0 < x1 ? 1 : -1, step_y = y0 < y1 ? 1 : -1;
    int error = dx + dy;
    for (;;) {
        dot(p, x0, y0, series);
        if (x0 == x1 && y0 == y1)
            return;
        int twice = 2 * error;
        if (twice >= dy) {
            error += dy;
            x0 += step_x;
        }
        if (twice <= dx) {
            error += dx;
            y0 += step_y;
        }
    }
}

static int scaled(long double value, long double origin, long double span, int dots)
{
    long double at = (value - origin) / span * (dots - 1);
    return at < 0 ? 0 : at > dots - 1 ? dots - 1 : (int)lroundl(at);
}

static int dot_x(const struct plot *p, double x)
{
    return scaled(x, p->x0, p->x_span, p->width);
}
static int dot_y(const struct plot *p, double y)
{
    return p->height - 1 - scaled(y, p->y0, p->y_span, p->height);
}

static bool is_gap(const struct sw_tui_bucket *b)
{
    return !isfinite(b->last) || !isfinite(b->min) || !isfinite(b->max);
}

static void draw_series(struct plot *p, const struct sw_tui_series *s, int index)
{
    bool down = false;
    int px = 0, py = 0, drawn = 0;
    for (size_t i = 0; i < s->bucket_count; i++) {
        const struct sw_tui_bucket *b = &s->buckets[i];
        if (is_gap(b)) {
            down = false;
            continue;
        }
        int x = dot_x(p, b->last_x), y = dot_y(p, b->last);
        if (b->min < b->max)
            line(p, x, dot_y(p, b->min), x, dot_y(p, b->max), index);
        if (down)
            line(p, px, py, x, y, index);
        else
            dot(p, x, y, index);
        down = true;
        px = x;
        py = y;
        drawn++;
    }
    if (drawn == 1) { // one dot alone is easily missed
        dot(p, px + 1, py, index);
        dot(p, px, py + 1, index);
        dot(p, px + 1, py + 1, index);
    }
}

static uint32_t braille(uint8_t dots)
{
    // Our bits go row by row; the code's go 1 2 3 7 down the left column, 4 5 6 8 down the right one.
    static const uint8_t bit[8] = {0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80};
    uint32_t code = 0x2800;
    for (int i = 0; i < 8; i++)
        if (dots & 1u << i)
            code |= bit[i];
    return code;
}

static uint32_t glyph(enum sw_pen pen, struct ink ink)
{
    static const uint32_t quadrant[16] = {' ',    0x2598, 0x259d, 0x2580, 0x2596, 0x258c, 0x259e, 0x259b,
                                          0x2597, 0x259a, 0x2590, 0x259c, 0x2584, 0x2599, 0x259f, 0x2588};
    static const char letter[] = "*+ox#@%&";
    switch (pen) {
    case SW_PEN_BRAILLE:
        return braille(ink.dots);
    case SW_PEN_BLOCK:
        return quadrant[ink.dots & 15];
    default:
        return (uint32_t)letter[ink.series % SW_SERIES_COLOURS];
    }
}

static struct sw_style series_style(size_t index)
{
    return sw_style(SW_UI_SERIES + (unsigned)(index % SW_SERIES_COLOURS));
}

struct range {
    double low, high;
    bool any;
};

static void widen(struct range *r, double v)
{
    if (!r->any || v < r->low)
        r->low = v;
    if (!r->any || v > r->high)
        r->high = v;
    r->any = true;
}

static void find_ranges(const struct sw_tui_chart *chart, struct range *x, struct range *y)
{
    for (size_t s = 0; s < chart->series_count; s++) {
        const struct sw_tui_series *series = &chart->series[s];
        for (size_t i = 0; i < series->bucket_count; i++) {
            const struct sw_tui_bucket *b = &series->buckets[i];
            if (isfinite(b->first_x))
                widen(x, b->first_x);
            if (isfinite(b->last_x))
                widen(x, b->last_x);
            if (is_gap(b))
                continue;
            widen(y, b->min);
            widen(y, b->max);
            widen(y, b->last);
        }
    }
}

// Columns to the right of the plot for the series' names; 0 when there is one series or no room.
static int name_columns(struct sw_canvas *c, const struct sw_tui_chart *chart)
{
    if (chart->series_count < 2 || chart->series_count > MAX_NAMED_SERIES || c->w < 40)
        return 0;
    int widest = 0;
    for (size_t s = 0; s < chart->series_count; s++) {
        int columns = sw_grid_columns(c->grid, chart->series[s].name);
        widest = columns > widest ? columns : widest;
    }
    int most = c->w / 4 < MAX_LABEL ? c->w / 4 : MAX_LABEL;
    return (widest < most ? widest : most) + 1;
}

// Each name beside its line's end, moved to the nearest free row.
static void paint_names(struct sw_canvas *c, const struct sw_tui_chart *chart, const struct plot *p, int x, int width,
                        enum sw_pen pen)
{
    bool taken[256] = {0};
    int rows = p->cells_y < 256 ? p->cells_y : 256;
    for (size_t s = 0; s < chart->series_count; s++) {
        const struct sw_tui_series *series = &chart->series[s];
        size_t end = series->bucket_count;
        while (end > 0 && is_gap(&series->buckets[end - 1]))
            end--;
        if (end == 0)
            continue;
        int want = dot_y(p, series->buckets[end - 1].last) / pens[p->pen].dots_y;
        for (int d = 0; d < 2 * rows; d++) {
            int row = want + (d % 2 ? (d + 1) / 2 : -d / 2);
            if (row < 0 || row >= rows || taken[row])
                continue;
            taken[row] = true;
            uint32_t mark = pen == SW_PEN_ASCII ? glyph(pen, (struct ink){1, (uint8_t)s}) : 0x2500;
            sw_canvas_put(c, x, row, mark, series_style(s));
            sw_canvas_text(c, x + 1, row, width - 1, series->name, series_style(s));
            break;
        }
    }
}

static void paint_y_axis(struct sw_canvas *c, const struct sw_ticks *t, const struct plot *p, int width)
{
    for (int row = 0; row < p->cells_y; row++)
        sw_canvas_put(c, width - 1, row, 0x2502, sw_style(SW_UI_AXIS));
    for (int i = 0; i < t->count; i++) {
        char label[48];
        long double value = t->first + i * t->step;
        if (value < p->y0 || value > p->y0 + p->y_span)
            continue;
        sw_ticks_label(t, i, label, sizeof label);
        int dots = pens[p->pen].dots_y;
        int row = (p->height - 1 - scaled(value, p->y0, p->y_span, p->height)) / dots;
        sw_canvas_text_right(c, 0, row, width - 2, label, sw_style(SW_UI_AXIS));
        sw_canvas_put(c, width - 1, row, 0x2524, sw_style(SW_UI_AXIS));
    }
}

static void paint_x_axis(struct sw_canvas *c, const struct sw_ticks *t, const struct plot *p, int left,
                         const char *name)
{
    int y = p->cells_y;
    sw_canvas_put(c, left - 1, y, 0x2514, sw_style(SW_UI_AXIS));
    sw_canvas_fill(c, (struct sw_rect){left, y, p->cells_x, 1}, 0x2500, sw_style(SW_UI_AXIS));
    int free_from = left - 1;
    for (int i = 0; i < t->count; i++) {
        long double value = t->first + i * t->step;
        if (value < p->x0 || value > p->x0 + p->x_span)
            continue;
        char label[48];
        sw_ticks_label(t, i, label, sizeof label);
        int at = left + scaled(value, p->x0, p->x_span, p->width) / pens[p->pen].dots_x;
        int start = at - (int)strlen(label) / 2;
        if (start < left - 1)
            start = left - 1;
        if (start < free_from || start + (int)strlen(label) > c->w)
            continue;
        sw_canvas_put(c, at, y, 0x252c, sw_style(SW_UI_AXIS));
        free_from = start + 2 + sw_canvas_text(c, start, y + 1, c->w - start, label, sw_style(SW_UI_AXIS));
    }
    int columns = sw_grid_columns(c->grid, name);
    if (columns > 0 && c->w - columns >= free_from)
        sw_canvas_text(c, c->w - columns, y + 1, columns, name, sw_style(SW_UI_AXIS));
}

static int label_columns(const struct sw_ticks *t)
{
    int widest = 1;
    for (int i = 0; i < t->count; i++) {
        char label[48];
        sw_ticks_label(t, i, label, sizeof label);
        int len = (int)strlen(label);
        widest = len > widest ? len : widest;
    }
    return widest;
}

void sw_chart_paint(struct sw_canvas *c, const struct sw_tui_chart *chart, enum sw_pen pen)
{
    if (c->w < 1 || c->h < 1)
        return;
    struct range x = {0}, y = {0};
    find_ranges(chart, &x, &y);
    if (!x.any || !y.any) {
        sw_canvas_text(c, 1, c->h / 2, c->w - 1, "no points yet", sw_style(SW_TUI_DIM));
        return;
    }
    bool axes = c->w >= 16 && c->h >= 5;
    struct sw_ticks ty = sw_ticks_make(y.low, y.high, c->h > 9 ? c->h / 3 : 3, false);
    int left = axes ? label_columns(&ty) + 2 : 0;
    int names = axes ? name_columns(c, chart) : 0;
    struct plot p = {.pen = pen, .cells_x = c->w - left - names, .cells_y = axes ? c->h - 2 : c->h};
    if (axes && p.cells_x < 8) {
        axes = false;
        left = names = 0;
        p.cells_x = c->w;
        p.cells_y = c->h;
    }
    p.width = p.cells_x * pens[pen].dots_x;
    p.height = p.cells_y * pens[pen].dots_y;
    p.x0 = x.low;
    p.x_span = x.high > x.low ? (long double)x.high - x.low : 1;
    if (y.high > y.low) { // a little air, so that the extremes do not lie on the edge
        p.y_span = ((long double)y.high - y.low) * 1.04L;
        p.y0 = (long double)y.low - p.y_span * 0.02L;
    } else {
        p.y0 = ty.first;
        p.y_span = ty.step * (ty.count - 1);
    }
    p.ink = calloc((size_t)p.cells_x * (size_t)p.cells_y, sizeof *p.ink);
    if (!p.ink)
        return;                                    // an empty frame is all that can be shown
    for (size_t s = chart->series_count; s-- > 0;) // the first, the base of a comparison, on top
        draw_series(&p, &chart->series[s], (int)s);
    for (int row = 0; row < p.cells_y; row++) {
        for (int col = 0; col < p.cells_x; col++) {
            struct ink ink = p.ink[row * p.cells_x + col];
            if (ink.dots)
                sw_canvas_put(c, left + col, row, glyph(pen, ink), series_style(ink.series));
        }
    }
    if (axes) {
        struct sw_ticks tx = sw_ticks_make(x.low, x.high > x.low ? x.high : x.low + 1, p.cells_x / 9, true);
        paint_y_axis(c, &ty, &p, left);
        paint_x_axis(c, &tx, &p, left, chart->x_label);
        if (names)
            paint_names(c, chart, &p, left + p.cells_x, names, pen);
    }
    free(p.ink);
}
