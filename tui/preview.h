// SPDX-License-Identifier: Apache-2.0
// What a file holds, as a part of a detail: numbered lines, and a table's first rows. Only what is in view costs anything.
#ifndef SW_TUI_PREVIEW_H
#define SW_TUI_PREVIEW_H

#include "tui/grid.h"

// Both paint at line `y` of a scrolled canvas and return the lines that the whole takes. `sideways` counts steps to the
// right: some columns of the terminal in lines, a column of the table in sheets, where it is limited to what there is.
int sw_lines_paint(struct sw_canvas *c, int y, const struct sw_tui_lines *lines, int sideways);
int sw_sheet_paint(struct sw_canvas *c, int y, const struct sw_tui_sheet *sheet, int *sideways);

#endif
