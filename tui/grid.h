// SPDX-License-Identifier: Apache-2.0
// The cell grid that all views paint into, and the canvas: a clipped, shifted window onto a grid. Nothing here knows a
// terminal, so a screen can be tested as text. Painting outside the canvas is silently dropped, foreign text is made
// safe on the way in, and a grid marked `ascii` translates every character as it is put.
#ifndef SW_TUI_GRID_H
#define SW_TUI_GRID_H

#include <stdint.h>

#include "core/base/buf.h"
#include "tui/theme.h"

enum { SW_ATTR_SELECTED = 1, SW_ATTR_BOLD = 2, SW_ATTR_UNDERLINE = 4, SW_ATTR_REVERSE = 8 };

#define SW_COLOUR(rgb) (0x1000000u | (uint32_t)(rgb)) // a colour of its own, for pictures

struct sw_style {
    uint8_t role;    // enum sw_tui_role or enum sw_ui_role
    uint8_t attr;    // SW_ATTR_*
    uint32_t fg, bg; // SW_COLOUR(0xRRGGBB), 0 = by role
};

struct sw_cell {
    uint32_t cp;      // base character
    uint32_t mark[2]; // combining marks, 0 = none
    struct sw_style style;
    uint8_t width; // 1 or 2; 0 = right half of a wide character
};

// Invariant: cells has width x height entries; a wide character's right half always follows it in the same row.
struct sw_grid {
    int width, height;
    struct sw_cell *cells;
    bool ascii;
    struct sw_buf scratch; // for making text safe
};

enum sw_code sw_grid_init(struct sw_grid *g, int width, int height, bool ascii, struct sw_err *err);
enum sw_code sw_grid_resize(struct sw_grid *g, int width, int height, struct sw_err *err); // clears
void sw_grid_free(struct sw_grid *g);
void sw_grid_clear(struct sw_grid *g);
const struct sw_cell *sw_grid_at(const struct sw_grid *g, int x, int y);
bool sw_cell_equal(const struct sw_cell *a, const struct sw_cell *b);
// The grid as lines of text (blanks at line ends dropped), and as one letter for each cell's role; upper case = selected.
void sw_grid_dump_text(const struct sw_grid *g, struct sw_buf *out);
void sw_grid_dump_roles(const struct sw_grid *g, struct sw_buf *out);

struct sw_rect {
    int x, y, w, h;
};

// (0, 0) is the canvas's own corner; `clip` is in grid coordinates.
struct sw_canvas {
    struct sw_grid *grid;
    int x, y, w, h;
    struct sw_rect clip;
};

struct sw_canvas sw_canvas_whole(struct sw_grid *g);
struct sw_canvas sw_canvas_sub(const struct sw_canvas *c, struct sw_rect r); // clipped to both
// The same clip, its content moved up by `lines` and made `height` high: a scrolled view.
struct sw_canvas sw_canvas_scrolled(const struct sw_canvas *c, int lines, int height);
void sw_canvas_put(struct sw_canvas *c, int x, int y, uint32_t cp, struct sw_style s);
void sw_canvas_fill(struct sw_canvas *c, struct sw_rect r, uint32_t cp, struct sw_style s);
// One line of text in at most `width` columns, the cut marked by "…". Returns the columns used. NULL is "".
int sw_canvas_text(struct sw_canvas *c, int x, int y, int width, const char *text, struct sw_style s);
int sw_canvas_textn(struct sw_canvas *c, int x, int y, int width, const char *text, size_t len, struct sw_style s);
int sw_canvas_textf(struct sw_canvas *c, int x, int y, int width, struct sw_style s, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
// The same, flush right in the `width` columns from x.
void sw_canvas_text_right(struct sw_canvas *c, int x, int y, int width, const char *text, struct sw_style s);
// Adds attributes to cells already painted.
void sw_canvas_add_attr(struct sw_canvas *c, struct sw_rect r, uint8_t attr);
// A frame along the canvas's edge with a title in its upper edge and a second text at the right of it (NULL = none).
// Returns the inside.
struct sw_canvas sw_canvas_frame(struct sw_canvas *c, const char *title, const char *right, uint8_t role);
// Columns that `text` takes on a screen once made safe.
int sw_grid_columns(struct sw_grid *g, const char *text);

static inline struct sw_style sw_style(unsigned role)
{
    return (struct sw_style){.role = (uint8_t)role};
}
static inline struct sw_style sw_style_attr(unsigned role, int attr)
{
    return (struct sw_style){.role = (uint8_t)role, .attr = (uint8_t)attr};
}

#endif
