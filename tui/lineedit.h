// SPDX-License-Identifier: Apache-2.0
// One line of typed text with a cursor: the `:` prompt, the filter, and a form's text fields share it.
#ifndef SW_TUI_LINEEDIT_H
#define SW_TUI_LINEEDIT_H

#include "tui/grid.h"
#include "tui/key.h"

#define SW_LINE_MAX 2048

// Invariants: `text` is valid UTF-8 and NUL-terminated, `cursor` <= `len` stands at a character's first byte.
struct sw_lineedit {
    char text[SW_LINE_MAX];
    size_t len, cursor;
};

void sw_lineedit_set(struct sw_lineedit *e, const char *text); // cursor at the end; cut where it does not fit
// True when the key was an editing key (the text may have changed).
bool sw_lineedit_key(struct sw_lineedit *e, uint32_t code);
// Paints the part around the cursor; returns the cursor's column.
int sw_lineedit_paint(const struct sw_lineedit *e, struct sw_canvas *c, int x, int y, int width, struct sw_style s);

#endif
