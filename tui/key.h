// SPDX-License-Identifier: Apache-2.0
// Key events as the screens see them, and their names as the action table, hint bar and manual spell them.
#ifndef SW_TUI_KEY_H
#define SW_TUI_KEY_H

#include <stdint.h>

#include "tui/action.h"

// Below 0x110000 a code is the character itself; 1..26 are ctrl-a to ctrl-z.
enum sw_key_code {
    SW_KEY_UP = 0x110000,
    SW_KEY_DOWN,
    SW_KEY_LEFT,
    SW_KEY_RIGHT,
    SW_KEY_PAGE_UP,
    SW_KEY_PAGE_DOWN,
    SW_KEY_HOME,
    SW_KEY_END,
    SW_KEY_DELETE,
    SW_KEY_BACKSPACE,
    SW_KEY_ENTER,
    SW_KEY_ESC,
    SW_KEY_TAB,
    SW_KEY_BACK_TAB,
    SW_KEY_CLICK, // at x, y
    SW_KEY_WHEEL_UP,
    SW_KEY_WHEEL_DOWN,
};
#define SW_KEY_CTRL(letter) ((uint32_t)(letter)&31u)

struct sw_key {
    uint32_t code;
    int x, y; // of mouse events
};

#define SW_KEY_NAME 16
char *sw_key_name(uint32_t code, char dst[static SW_KEY_NAME]); // "j", "ctrl-r", "PgDn", "space"; returns dst
// Is the key one of the "/"-separated names of an action? The name "/" means itself.
bool sw_key_matches(uint32_t code, const char *names);
// The first action of the table that is valid at one of `places` and has this key; NULL = none.
const struct sw_tui_action *sw_key_action(uint32_t code, unsigned places);
const struct sw_tui_action *sw_action_find(const char *name);
const struct sw_tui_action *sw_action_find_at(const char *name, unsigned places);

#endif
