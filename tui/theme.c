// SPDX-License-Identifier: Apache-2.0
// The themes. Series colours follow Okabe and Ito's set, which colour-blind people can tell apart; every status is a
// word as well, so that "mono" loses nothing.
#include "tui/theme.h"

#include <string.h>

#include "tui/grid.h"

#define B   SW_ATTR_BOLD
#define U   SW_ATTR_UNDERLINE
#define R   SW_ATTR_REVERSE
#define OWN SW_LOOK_DEFAULT

static const struct sw_look dark[SW_UI_ROLES] = {
    [SW_TUI_NORMAL] = {'.', OWN, -1, 0},         [SW_TUI_DIM] = {'d', 0x8a8f98, 7, 0},
    [SW_TUI_STRONG] = {'s', OWN, -1, B},         [SW_TUI_OK] = {'o', 0x5fd787, 2, 0},
    [SW_TUI_LIVE] = {'l', 0x5fafff, 6, B},       [SW_TUI_WAITING] = {'w', 0xd7af5f, 3, 0},
    [SW_TUI_WARN] = {'a', 0xffaf00, 3, B},       [SW_TUI_ERROR] = {'e', 0xff6c6b, 1, B},
    [SW_TUI_DANGER] = {'g', 0xff5f5f, 1, B | R}, [SW_TUI_BEST] = {'b', 0x5fd787, 2, B},
    [SW_TUI_WORST] = {'r', 0xff875f, 1, 0},      [SW_TUI_DIFFERS] = {'f', 0xffd75f, 3, B},
    [SW_UI_FRAME] = {'m', 0x5f6670, 7, 0},       [SW_UI_FRAME_FOCUS] = {'n', 0x87afd7, 6, 0},
    [SW_UI_TITLE] = {'t', 0xafd7ff, 6, B},       [SW_UI_CRUMB] = {'c', 0xafd7ff, 6, B},
    [SW_UI_TAB] = {'u', 0x9aa0aa, 7, 0},         [SW_UI_TAB_CURRENT] = {'v', 0xafd7ff, 6, B | R},
    [SW_UI_KEY] = {'k', 0xffd787, 3, B},         [SW_UI_HINT] = {'h', 0x9aa0aa, 7, 0},
    [SW_UI_HEADER] = {'x', 0xafafff, 4, B},      [SW_UI_PROMPT] = {'p', 0xffd787, 3, B},
    [SW_UI_FIELD] = {'i', OWN, -1, U},           [SW_UI_CHIP] = {'z', 0xffd787, 3, R},
    [SW_UI_AXIS] = {'y', 0x8a8f98, 7, 0},        [SW_UI_BUTTON] = {'q', 0xafd7ff, 6, B},
    [SW_UI_SERIES + 0] = {'0', 0x56b4e9, 6, 0},  [SW_UI_SERIES + 1] = {'1', 0xe69f00, 3, 0},
    [SW_UI_SERIES + 2] = {'2', 0x00c795, 2, 0},  [SW_UI_SERIES + 3] = {'3', 0xcc79a7, 5, 0},
    [SW_UI_SERIES + 4] = {'4', 0xf0e442, 3, B},  [SW_UI_SERIES + 5] = {'5', 0x4a90e2, 4, B},
    [SW_UI_SERIES + 6] = {'6', 0xd55e00, 1, 0},  [SW_UI_SERIES + 7] = {'7', 0xd0d0d0, 7, B},
};

static const struct sw_look light[SW_UI_ROLES] = {
    [SW_TUI_NORMAL] = {'.', OWN, -1, 0},         [SW_TUI_DIM] = {'d', 0x6c7078, -1, 0},
    [SW_TUI_STRONG] = {'s', OWN, -1, B},         [SW_TUI_OK] = {'o', 0x00733e, 2, 0},
    [SW_TUI_LIVE] = {'l', 0x005faf, 4, B},       [SW_TUI_WAITING] = {'w', 0x875f00, 5, 0},
    [SW_TUI_WARN] = {'a', 0xaf5f00, 5, B},       [SW_TUI_ERROR] = {'e', 0xc00000, 1, B},
    [SW_TUI_DANGER] = {'g', 0xc00000, 1, B | R}, [SW_TUI_BEST] = {'b', 0x00733e, 2, B},
    [SW_TUI_WORST] = {'r', 0xaf3a00, 1, 0},      [SW_TUI_DIFFERS] = {'f', 0x7a4f00, 5, B},
    [SW_UI_FRAME] = {'m', 0x9a9a9a, -1, 0},      [SW_UI_FRAME_FOCUS] = {'n', 0x005faf, 4, 0},
    [SW_UI_TITLE] = {'t', 0x004f8f, 4, B},       [SW_UI_CRUMB] = {'c', 0x004f8f, 4, B},
    [SW_UI_TAB] = {'u', 0x5a5a5a, -1, 0},        [SW_UI_TAB_CURRENT] = {'v', 0x004f8f, 4, B | R},
    [SW_UI_KEY] = {'k', 0x875f00, 5, B},         [SW_UI_HINT] = {'h', 0x5a5a5a, -1, 0},
    [SW_UI_HEADER] = {'x', 0x4f3f9f, 4, B},      [SW_UI_PROMPT] = {'p', 0x875f00, 5, B},
    [SW_UI_FIELD] = {'i', OWN, -1, U},           [SW_UI_CHIP] = {'z', 0x875f00, 5, R},
    [SW_UI_AXIS] = {'y', 0x6c7078, -1, 0},       [SW_UI_BUTTON] = {'q', 0x004f8f, 4, B},
    [SW_UI_SERIES + 0] = {'0', 0x0072b2, 4, 0},  [SW_UI_SERIES + 1] = {'1', 0xb06f00, 3, 0},
    [SW_UI_SERIES + 2] = {'2', 0x00785a, 2, 0},  [SW_UI_SERIES + 3] = {'3', 0xa0457a, 5, 0},
    [SW_UI_SERIES + 4] = {'4', 0x7a7000, 3, B},  [SW_UI_SERIES + 5] = {'5', 0x2a5db0, 4, B},
    [SW_UI_SERIES + 6] = {'6', 0xd55e00, 1, 0},  [SW_UI_SERIES + 7] = {'7', 0x404040, -1, B},
};

static const struct sw_look mono[SW_UI_ROLES] = {
    [SW_TUI_NORMAL] = {'.', OWN, -1, 0},     [SW_TUI_DIM] = {'d', OWN, -1, 0},
    [SW_TUI_STRONG] = {'s', OWN, -1, B},     [SW_TUI_OK] = {'o', OWN, -1, 0},
    [SW_TUI_LIVE] = {'l', OWN, -1, B},       [SW_TUI_WAITING] = {'w', OWN, -1, 0},
    [SW_TUI_WARN] = {'a', OWN, -1, B},       [SW_TUI_ERROR] = {'e', OWN, -1, B},
    [SW_TUI_DANGER] = {'g', OWN, -1, B | R}, [SW_TUI_BEST] = {'b', OWN, -1, B},
    [SW_TUI_WORST] = {'r', OWN, -1, U},      [SW_TUI_DIFFERS] = {'f', OWN, -1, B},
    [SW_UI_FRAME] = {'m', OWN, -1, 0},       [SW_UI_FRAME_FOCUS] = {'n', OWN, -1, B},
    [SW_UI_TITLE] = {'t', OWN, -1, B},       [SW_UI_CRUMB] = {'c', OWN, -1, B},
    [SW_UI_TAB] = {'u', OWN, -1, 0},         [SW_UI_TAB_CURRENT] = {'v', OWN, -1, B | R},
    [SW_UI_KEY] = {'k', OWN, -1, B},         [SW_UI_HINT] = {'h', OWN, -1, 0},
    [SW_UI_HEADER] = {'x', OWN, -1, U},      [SW_UI_PROMPT] = {'p', OWN, -1, B},
    [SW_UI_FIELD] = {'i', OWN, -1, U},       [SW_UI_CHIP] = {'z', OWN, -1, R},
    [SW_UI_AXIS] = {'y', OWN, -1, 0},        [SW_UI_BUTTON] = {'q', OWN, -1, B},
    [SW_UI_SERIES + 0] = {'0', OWN, -1, 0},  [SW_UI_SERIES + 1] = {'1', OWN, -1, B},
    [SW_UI_SERIES + 2] = {'2', OWN, -1, 0},  [SW_UI_SERIES + 3] = {'3', OWN, -1, B},
    [SW_UI_SERIES + 4] = {'4', OWN, -1, 0},  [SW_UI_SERIES + 5] = {'5', OWN, -1, B},
    [SW_UI_SERIES + 6] = {'6', OWN, -1, 0},  [SW_UI_SERIES + 7] = {'7', OWN, -1, B},
};

const struct sw_theme sw_themes[] = {
    {"dark", true, 0x2a3f5f, dark},
    {"light", true, 0xcfe2f7, light},
    {"mono", false, 0, mono},
};
const size_t sw_theme_count = sizeof sw_themes / sizeof sw_themes[0];

const struct sw_theme *sw_theme_find(const char *name)
{
    for (size_t i = 0; i < sw_theme_count; i++)
        if (!strcmp(sw_themes[i].name, name))
            return &sw_themes[i];
    return NULL;
}

const struct sw_theme *sw_theme_next(const struct sw_theme *theme)
{
    size_t i = (size_t)(theme - sw_themes);
    return &sw_themes[(i + 1) % sw_theme_count];
}

static int distance(int r, int g, int b, uint32_t rgb)
{
    int dr = r - (int)(rgb >> 16 & 255), dg = g - (int)(rgb >> 8 & 255), db = b - (int)(rgb & 255);
    return dr * dr + dg * dg + db * db;
}

int sw_colour_to_256(uint32_t rgb)
{
    static const int level[6] = {0, 95, 135, 175, 215, 255};
    int part[3], index[3];
    for (int c = 0; c < 3; c++) {
        part[c] = (int)(rgb >> (16 - 8 * c) & 255);
        index[c] = part[c] < 48 ? 0 : part[c] < 115 ? 1 : (part[c] - 35) / 40;
    }
    int cube = distance(level[index[0]], level[index[1]], level[index[2]], rgb);
    int mean = (part[0] + part[1] + part[2]) / 3;
    int grey = mean < 8 ? 0 : mean > 238 ? 23 : (mean - 3) / 10;
    if (distance(8 + 10 * grey, 8 + 10 * grey, 8 + 10 * grey, rgb) < cube)
        return 232 + grey;
    return 16 + 36 * index[0] + 6 * index[1] + index[2];
}
