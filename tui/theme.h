// SPDX-License-Identifier: Apache-2.0
// Roles of what is painted and how each theme shows them. Views name roles only; colours appear nowhere else.
#ifndef SW_TUI_THEME_H
#define SW_TUI_THEME_H

#include "tui/backend.h"

#define SW_SERIES_COLOURS 8

// Roles of the frame around the content, after the content's own (enum sw_tui_role).
enum sw_ui_role {
    SW_UI_FRAME = SW_TUI_CONTENT_ROLES,
    SW_UI_FRAME_FOCUS,
    SW_UI_TITLE,
    SW_UI_CRUMB,
    SW_UI_TAB,
    SW_UI_TAB_CURRENT,
    SW_UI_KEY,
    SW_UI_HINT,
    SW_UI_HEADER, // column titles
    SW_UI_PROMPT,
    SW_UI_FIELD,
    SW_UI_CHIP, // the filter in force
    SW_UI_AXIS,
    SW_UI_BUTTON,
    SW_UI_SERIES,
    SW_UI_ROLES = SW_UI_SERIES + SW_SERIES_COLOURS
};

struct sw_look {
    char letter;  // in dumps of the grid
    uint32_t rgb; // foreground where there are 256 or more colours; SW_LOOK_DEFAULT = the terminal's own
    int ansi;     // foreground of 8 or 16, -1 = the terminal's own
    uint8_t attr; // SW_ATTR_BOLD, _UNDERLINE, _REVERSE
};
#define SW_LOOK_DEFAULT 0xffffffffu

struct sw_theme {
    const char *name;
    bool has_colour;
    uint32_t selected_bg;        // of selected cells with 256 or more colours; otherwise they are reversed
    const struct sw_look *looks; // SW_UI_ROLES of them
};

extern const struct sw_theme sw_themes[];
extern const size_t sw_theme_count;
const struct sw_theme *sw_theme_find(const char *name); // NULL when there is no such theme
const struct sw_theme *sw_theme_next(const struct sw_theme *theme);

// Nearest of the 256 palette's cube and grey ramp (entries 16..255).
int sw_colour_to_256(uint32_t rgb);

#endif
