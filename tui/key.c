// SPDX-License-Identifier: Apache-2.0
#include "tui/key.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static const struct {
    uint32_t code;
    const char *name;
} names[] = {
    {SW_KEY_UP, "Up"},        {SW_KEY_DOWN, "Down"},      {SW_KEY_LEFT, "Left"},   {SW_KEY_RIGHT, "Right"},
    {SW_KEY_PAGE_UP, "PgUp"}, {SW_KEY_PAGE_DOWN, "PgDn"}, {SW_KEY_HOME, "Home"},   {SW_KEY_END, "End"},
    {SW_KEY_DELETE, "Del"},   {SW_KEY_BACKSPACE, "Bksp"}, {SW_KEY_ENTER, "Enter"}, {SW_KEY_ESC, "Esc"},
    {SW_KEY_TAB, "Tab"},      {SW_KEY_BACK_TAB, "S-Tab"}, {' ', "space"},
};

char *sw_key_name(uint32_t code, char dst[static SW_KEY_NAME])
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].code == code) {
            snprintf(dst, SW_KEY_NAME, "%s", names[i].name);
            return dst;
        }
    }
    if (code >= 1 && code <= 26) {
        snprintf(dst, SW_KEY_NAME, "ctrl-%c", (char)('a' + code - 1));
        return dst;
    }
    size_t len = code > ' ' && code < 0x110000 ? sw_utf8_encode(code, dst) : 0;
    dst[len] = '\0';
    return dst;
}

bool sw_key_matches(uint32_t code, const char *keys)
{
    char name[SW_KEY_NAME];
    size_t len = strlen(sw_key_name(code, name));
    if (len == 0 || !*keys)
        return false;
    if (!strcmp(keys, name))
        return true;
    if (!strcmp(name, "/"))
        return false;
    for (const char *at = keys; *at;) {
        size_t part = strcspn(at, "/");
        if (part == len && !memcmp(at, name, len))
            return true;
        at += part + (at[part] ? 1 : 0);
    }
    return false;
}

const struct sw_tui_action *sw_key_action(uint32_t code, unsigned places)
{
    for (size_t i = 0; i < sw_tui_action_count; i++)
        if (sw_tui_actions[i].places & places && sw_key_matches(code, sw_tui_actions[i].keys))
            return &sw_tui_actions[i];
    return NULL;
}

const struct sw_tui_action *sw_action_find(const char *name)
{
    return sw_action_find_at(name, ~0u);
}

const struct sw_tui_action *sw_action_find_at(const char *name, unsigned places)
{
    for (size_t i = 0; i < sw_tui_action_count; i++)
        if (sw_tui_actions[i].places & places && !strcmp(sw_tui_actions[i].name, name))
            return &sw_tui_actions[i];
    return NULL;
}
