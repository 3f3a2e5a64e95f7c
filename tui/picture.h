// SPDX-License-Identifier: Apache-2.0
// Pictures in cells: two pixels a cell in half blocks where the terminal has a palette, shades of ink elsewhere.
#ifndef SW_TUI_PICTURE_H
#define SW_TUI_PICTURE_H

#include "tui/grid.h"

// Cells that the picture takes within w x h, its proportions kept.
struct sw_rect sw_picture_fit(const struct sw_tui_image *image, int w, int h);
// Paints it into the upper left corner of the canvas. `palette`: 256 or more colours.
void sw_picture_paint(struct sw_canvas *c, const struct sw_tui_image *image, bool palette);

#endif
