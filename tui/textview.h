// SPDX-License-Identifier: Apache-2.0
// A scrollable page of text lines: raw objects, help, the action log, job logs. Lines are cut, never wrapped; sideways
// scrolling shows the rest.
#ifndef SW_TUI_TEXTVIEW_H
#define SW_TUI_TEXTVIEW_H

#include "tui/grid.h"

// A line that begins with this byte is a heading; in other lines a tab ends a key, shown in the key's colour.
#define SW_TEXT_HEADING '\001'

// Invariant: starts has line_count entries, the byte at which each line begins.
struct sw_textview {
    struct sw_buf text;
    size_t *starts;
    size_t line_count, line_cap;
    int64_t top;
    int left;
    int height;    // lines shown by the last paint
    bool has_keys; // headings and keys are marked as above
};

void sw_textview_init(struct sw_textview *v, size_t max_bytes);
void sw_textview_free(struct sw_textview *v);
void sw_textview_set(struct sw_textview *v, const char *text, size_t len); // to the top
// False when the text would grow past its maximum or memory is short: nothing was added.
bool sw_textview_append(struct sw_textview *v, const char *text, size_t len);
void sw_textview_drop_front(struct sw_textview *v, size_t bytes);              // keeps the place in the text
bool sw_textview_prepend(struct sw_textview *v, const char *text, size_t len); // keeps the place in the text
void sw_textview_scroll(struct sw_textview *v, int64_t lines);                 // stays within the text
void sw_textview_to_end(struct sw_textview *v);
bool sw_textview_at_end(const struct sw_textview *v);
// The keys that scroll: arrows, pages, Home, End, j, k, g, G, <, >. False for others.
bool sw_textview_key(struct sw_textview *v, uint32_t code);
void sw_textview_paint(struct sw_textview *v, struct sw_canvas *c);

#endif
