// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as foreign text. The safe form must be valid UTF-8 without controls or bidi characters, must
// stay as it is when made safe again, and must fit where it is said to fit.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static bool is_harmless(uint32_t c, unsigned flags)
{
    if (c == '\n')
        return (flags & SW_TEXT_KEEP_NEWLINES) != 0;
    return c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && !(c >= 0x202a && c <= 0x202e) &&
           !(c >= 0x2066 && c <= 0x2069) && !(c >= 0x200b && c <= 0x200f) && c != 0xfeff && c != 0x61c &&
           !(c >= 0xe0000 && c <= 0xe0fff) && !((flags & SW_TEXT_ASCII) && c >= 0x80);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    unsigned flags = data[0] & 3u;
    int columns = data[0] >> 2;
    const char *text = (const char *)data + 1;
    size--;
    struct sw_buf safe, again;
    sw_buf_init(&safe, 1 << 20);
    sw_buf_init(&again, 1 << 20);
    sw_text_safe(&safe, text, size, flags);
    require(!safe.failed && sw_utf8_valid(safe.data, safe.len));
    for (size_t at = 0; at < safe.len;) {
        uint32_t c;
        at += sw_utf8_decode(safe.data + at, safe.len - at, &c);
        require(is_harmless(c, flags));
    }
    sw_text_safe(&again, safe.data, safe.len, flags);
    require(again.len == safe.len && memcmp(again.data, safe.data, safe.len) == 0);
    int used;
    size_t fit = sw_text_fit(safe.data, safe.len, columns, &used);
    require(fit <= safe.len && used <= columns && sw_text_columns(safe.data, fit) == used);
    require(sw_utf8_valid(safe.data, fit));
    // A cut copy is the front of the whole.
    char cut[32];
    char *whole = strndup(text, size);
    if (whole != NULL) {
        size_t len = strlen(sw_text_safe_copy(cut, sizeof cut, whole, flags));
        sw_buf_clear(&again);
        sw_text_safe(&again, whole, strlen(whole), flags);
        require(len < sizeof cut && memcmp(cut, again.data, len) == 0 && sw_utf8_valid(cut, len));
        free(whole);
    }
    sw_buf_free(&safe);
    sw_buf_free(&again);
    return 0;
}
