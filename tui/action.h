// SPDX-License-Identifier: Apache-2.0
// The one table of what a key does. Keys, hint bar, help overlay, `:` completion and the manual's key section come from
// it; the backend gets the names of the rows whose `kind` is not SW_TUI_DO_LOCAL.
#ifndef SW_TUI_ACTION_H
#define SW_TUI_ACTION_H

#include <stdbool.h>
#include <stddef.h>

enum sw_tui_action_kind {
    SW_TUI_DO_LOCAL,   // done by the user interface itself
    SW_TUI_DO_DIRECT,  // backend act() at once
    SW_TUI_DO_CONFIRM, // load_form() may have no fields; asks first, confirm key differs from start key
    SW_TUI_DO_FORM,    // load_form(), fields, preview, then act()
};

// Places where an action is valid: a bit for each.
enum {
    SW_TUI_ON_DATA = 1 << 0,
    SW_TUI_ON_ROWS = 1 << 1,
    SW_TUI_ON_TRAIN = 1 << 2,
    SW_TUI_ON_RUNS = 1 << 3,
    SW_TUI_ON_MODELS = 1 << 4,
    SW_TUI_ON_TARGETS = 1 << 5,
    SW_TUI_ON_PUSHES = 1 << 6,
    SW_TUI_ON_GPUS = 1 << 7,
    SW_TUI_ON_ARTIFACTS = 1 << 8,
    SW_TUI_ON_TEXT = 1 << 9, // raw object, audit, action log, help
    SW_TUI_ON_LISTS = 0x1ff,
    SW_TUI_ON_ALL = 0x3ff,
};

struct sw_tui_action {
    const char *name; // typed after ':' and given to the backend: "model.approve"
    const char *keys; // as shown: "a", "ctrl-r", "Enter"; "/"-separated when several; "" = only by ':'
    const char *hint; // short words for the hint bar; "" = not shown there
    const char *help; // one sentence, lower case, no full stop
    enum sw_tui_action_kind kind;
    unsigned places;
    bool needs_row; // a selected or marked row
    bool is_danger; // shown in the danger colour, hint ends with "…"
};

extern const struct sw_tui_action sw_tui_actions[];
extern const size_t sw_tui_action_count;

#endif
