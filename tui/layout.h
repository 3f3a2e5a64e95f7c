// SPDX-License-Identifier: Apache-2.0
// Where everything stands, as a pure function of size and wishes: no state, no terminal.
#ifndef SW_TUI_LAYOUT_H
#define SW_TUI_LAYOUT_H

#include "tui/grid.h"

#define SW_MIN_WIDTH  40
#define SW_MIN_HEIGHT 10
#define SW_WIDE       100 // from here list and detail stand side by side

enum sw_panes { SW_PANES_LIST, SW_PANES_BOTH, SW_PANES_DETAIL, SW_PANES_COUNT };

// Invariant unless too_small: all rectangles lie within the screen and do not overlap; an absent pane has w = h = 0.
struct sw_layout {
    bool too_small;
    struct sw_rect top, tabs, body, message, hints;
    struct sw_rect list, detail; // frames included
};

// `list_percent`: the list's share of the width when side by side.
struct sw_layout sw_layout_make(int width, int height, enum sw_panes panes, int list_percent);

#endif
