// SPDX-License-Identifier: Apache-2.0
// The detail of the selected row, or the comparison of the marked ones: sections below each other, charts side by side
// in a strip, the log at the bottom with the room that is left.
#ifndef SW_TUI_DETAILVIEW_H
#define SW_TUI_DETAILVIEW_H

#include "tui/chart.h"
#include "tui/logview.h"

typedef void (*sw_detailview_fn)(void *owner);

struct sw_detailview {
    struct sw_slot slot;
    struct sw_logview log;
    sw_detailview_fn changed;
    void *owner;
    int scroll;                 // lines above the view
    int sideways;               // steps to the right in lines and sheets
    char shown_id[128];         // beginning of the id whose detail is scrolled; another one begins at the top
    int height, content_height; // of the last paint, the log apart
    int columns;                // of a chart in the last paint
    int chart;                  // first chart of the strip
    int line, compare_y;        // current line of the comparison (-1 = none) and where the comparison begins
    struct sw_rect log_at;      // in the canvas of the last paint; h = 0 = no log
};

struct sw_pictures {
    enum sw_pen pen;
    bool palette; // 256 or more colours
};

void sw_detailview_init(struct sw_detailview *v, struct sw_loader *l, sw_detailview_fn changed, void *owner);
void sw_detailview_free(struct sw_detailview *v);
bool sw_detailview_ask(struct sw_detailview *v, const struct sw_tui_detail_query *q);
const struct sw_tui_detail *sw_detailview_get(const struct sw_detailview *v); // NULL until loaded
void sw_detailview_next_chart(struct sw_detailview *v, int by);
bool sw_detailview_next_difference(struct sw_detailview *v);    // false = there is none
bool sw_detailview_key(struct sw_detailview *v, uint32_t code); // scrolling; false when all is in view
// `log_focus`: the log's heading is shown as focused. Draws a notice when nothing is loaded.
void sw_detailview_paint(struct sw_detailview *v, struct sw_canvas *c, const struct sw_pictures *p, bool log_focus);

// Paints wrapped lines of text and returns how many.
int sw_text_wrap(struct sw_canvas *c, int x, int y, int width, const char *text, struct sw_style s);
// Verdict lines: mark, name, text. Returns how many lines of the canvas they took.
int sw_checks_paint(struct sw_canvas *c, int y, const struct sw_tui_check *checks, size_t count);
// A title on a rule.
void sw_heading_paint(struct sw_canvas *c, int x, int y, int width, const char *title);

#endif
