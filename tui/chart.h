// SPDX-License-Identifier: Apache-2.0
// Line charts in cells: several series over one x axis, with labelled axes, gaps for NaN and min/max envelopes. Three
// pens share all arithmetic and differ only in how many dots a cell has. Braille cannot be detected, hence the choice.
#ifndef SW_TUI_CHART_H
#define SW_TUI_CHART_H

#include "tui/grid.h"

enum sw_pen { SW_PEN_BRAILLE, SW_PEN_BLOCK, SW_PEN_ASCII, SW_PEN_COUNT };
const char *sw_pen_name(enum sw_pen pen);
bool sw_pen_find(const char *name, enum sw_pen *out); // "braille", "block", "ascii"

// Fills the canvas. Below about 16 x 5 cells the axes are left out. A chart without a finite point says so.
void sw_chart_paint(struct sw_canvas *c, const struct sw_tui_chart *chart, enum sw_pen pen);

// Round ticks (1, 2 or 5 times a power of ten) that cover [low, high] with at most `most` steps; whole numbers only when
// `whole`. Any finite low <= high will do, equal ones and those whose difference overflows included.
struct sw_ticks {
    long double first, step; // tick i is first + i * step
    int count;               // >= 2
    int decimals;            // to tell two ticks apart in fixed notation
};
struct sw_ticks sw_ticks_make(double low, double high, int most, bool whole);
void sw_ticks_label(const struct sw_ticks *t, int i, char *dst, size_t size);

#endif
