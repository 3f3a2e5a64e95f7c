// SPDX-License-Identifier: Apache-2.0
// UTF-8 (RFC 3629) and the columns that characters take on a terminal.
#include "core/base/text_private.h"

#include <string.h>

struct text_range {
    uint32_t first;
    uint32_t last;
    enum text_class class;
};

#include "core/base/width_table_private.h"

enum text_class text_class_of(uint32_t codepoint)
{
    if (codepoint < 0x20 || (codepoint >= 0x7f && codepoint < 0xa0))
        return TEXT_CONTROL;
    if (codepoint < text_ranges[0].first)
        return TEXT_NARROW;
    size_t low = 0;
    size_t high = sizeof text_ranges / sizeof text_ranges[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (codepoint > text_ranges[middle].last)
            low = middle + 1;
        else if (codepoint < text_ranges[middle].first)
            high = middle;
        else
            return text_ranges[middle].class;
    }
    return TEXT_NARROW;
}

size_t sw_utf8_decode(const char *text, size_t len, uint32_t *codepoint)
{
    if (len == 0)
        return 0;
    const unsigned char *s = (const unsigned char *)text;
    *codepoint = s[0];
    if (s[0] < 0x80)
        return 1;
    // The lead byte tells the length and the smallest second byte range: overlong forms, surrogates and values
    // past U+10FFFF fail on the second byte (table 3-7 of the Unicode standard).
    size_t need = s[0] >= 0xc2 && s[0] <= 0xdf ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4 : 0;
    *codepoint = SW_TEXT_REPLACEMENT;
    if (need == 0 || len < need)
        return 1;
    unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    if (s[1] < low || s[1] > high)
        return 1;
    uint32_t value = s[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 1;
        value = value << 6 | (s[i] & 0x3fu);
    }
    *codepoint = value;
    return need;
}

size_t sw_utf8_encode(uint32_t codepoint, char out[static 4])
{
    if (codepoint > 0x10ffff || (codepoint >= 0xd800 && codepoint <= 0xdfff))
        codepoint = SW_TEXT_REPLACEMENT;
    if (codepoint < 0x80) {
        out[0] = (char)codepoint;
        return 1;
    }
    size_t len = codepoint < 0x800 ? 2 : codepoint < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (codepoint & 0x3f));
        codepoint >>= 6;
    }
    out[0] = (char)((0xf00u >> len & 0xf0u) | codepoint);
    return len;
}

bool sw_utf8_valid(const char *text, size_t len)
{
    uint32_t codepoint;
    for (size_t at = 0, used; at < len; at += used) {
        used = sw_utf8_decode(text + at, len - at, &codepoint);
        if (used == 1 && (unsigned char)text[at] >= 0x80)
            return false;
    }
    return true;
}

int sw_utf8_width(uint32_t codepoint)
{
    switch (text_class_of(codepoint)) {
    case TEXT_WIDE:
        return 2;
    case TEXT_NARROW:
        return 1;
    default:
        return 0;
    }
}

int sw_text_columns(const char *text, size_t len)
{
    int columns;
    sw_text_fit(text, len, INT32_MAX - 2, &columns);
    return columns;
}

size_t sw_text_fit(const char *text, size_t len, int columns, int *used)
{
    int taken = 0;
    size_t at = 0;
    // Goes on past the last column for the marks that belong to the character there.
    while (at < len) {
        uint32_t codepoint;
        size_t size = sw_utf8_decode(text + at, len - at, &codepoint);
        int width = sw_utf8_width(codepoint);
        if (width > columns - taken)
            break;
        taken += width;
        at += size;
    }
    if (used != NULL)
        *used = taken;
    return at;
}
