// SPDX-License-Identifier: Apache-2.0
#include "tui/layout.h"

#define MIN_STACKED 6 // lines of a pane when list and detail stand above each other

struct sw_layout sw_layout_make(int width, int height, enum sw_panes panes, int list_percent)
{
    struct sw_layout l = {.too_small = width < SW_MIN_WIDTH || height < SW_MIN_HEIGHT};
    if (l.too_small)
        return l;
    l.top = (struct sw_rect){0, 0, width, 1};
    l.tabs = (struct sw_rect){0, 1, width, 1};
    l.body = (struct sw_rect){0, 2, width, height - 4};
    l.message = (struct sw_rect){0, height - 2, width, 1};
    l.hints = (struct sw_rect){0, height - 1, width, 1};

    if (panes == SW_PANES_BOTH && width < SW_WIDE && l.body.h < 2 * MIN_STACKED)
        panes = SW_PANES_LIST;
    if (panes != SW_PANES_DETAIL)
        l.list = l.body;
    if (panes != SW_PANES_LIST)
        l.detail = l.body;
    if (panes != SW_PANES_BOTH)
        return l;
    if (width >= SW_WIDE) {
        l.list.w = width * list_percent / 100;
        l.detail.x = l.list.w;
        l.detail.w = width - l.list.w;
    } else {
        l.list.h = l.body.h * 2 / 5;
        if (l.list.h < MIN_STACKED)
            l.list.h = MIN_STACKED;
        l.detail.y = l.body.y + l.list.h;
        l.detail.h = l.body.h - l.list.h;
    }
    return l;
}
