// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_out.h"

#include "core/base/text.h"
#include "core/base/tree_private.h"

#include <math.h>
#include <string.h>

void sw_json_out_init(struct sw_json_out *o, struct sw_buf *buf)
{
    *o = (struct sw_json_out){.buf = buf};
}

static void put_escape(struct sw_buf *b, unsigned char byte)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const char *pair = shorts;
    while (*pair != '\0' && (unsigned char)*pair != byte)
        pair += 2;
    if (*pair != '\0')
        sw_buf_addf(b, "\\%c", pair[1]);
    else
        sw_buf_addf(b, "\\u%04x", byte);
}

// Only what JSON itself asks for; runs of plain bytes are copied whole.
static void put_string(struct sw_buf *b, const char *text)
{
    size_t len = strlen(text), copied = 0, at = 0;
    sw_buf_addc(b, '"');
    while (at < len) {
        unsigned char byte = (unsigned char)text[at];
        uint32_t c = byte;
        size_t size = byte < 0x80 ? 1 : sw_utf8_decode(text + at, len - at, &c);
        bool malformed = byte >= 0x80 && size == 1;
        if (malformed || byte == '"' || byte == '\\' || byte < 0x20) {
            sw_buf_add(b, text + copied, at - copied);
            if (malformed)
                sw_buf_adds(b, "\xEF\xBF\xBD");
            else
                put_escape(b, byte);
            copied = at + size;
        }
        at += size;
    }
    sw_buf_add(b, text + copied, len - copied);
    sw_buf_addc(b, '"');
}

static void begin_value(struct sw_json_out *o, const char *key)
{
    if (o->needs_comma)
        sw_buf_addc(o->buf, ',');
    o->needs_comma = true;
    if (key != NULL) {
        put_string(o->buf, key);
        sw_buf_addc(o->buf, ':');
    }
}

static void open_with(struct sw_json_out *o, const char *key, char bracket)
{
    begin_value(o, key);
    sw_buf_addc(o->buf, bracket);
    o->needs_comma = false;
}

static void close_with(struct sw_json_out *o, char bracket)
{
    sw_buf_addc(o->buf, bracket);
    o->needs_comma = true;
}

void sw_json_begin_object(struct sw_json_out *o, const char *key)
{
    open_with(o, key, '{');
}

void sw_json_end_object(struct sw_json_out *o)
{
    close_with(o, '}');
}

void sw_json_begin_array(struct sw_json_out *o, const char *key)
{
    open_with(o, key, '[');
}

void sw_json_end_array(struct sw_json_out *o)
{
    close_with(o, ']');
}

void sw_json_put_text(struct sw_json_out *o, const char *key, const char *value)
{
    begin_value(o, key);
    if (value != NULL)
        put_string(o->buf, value);
    else
        sw_buf_adds(o->buf, "null");
}

void sw_json_put_int(struct sw_json_out *o, const char *key, int64_t value)
{
    char digits[20]; // an int64 has 19 and a sign; written from the end
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    begin_value(o, key);
    do
        digits[--at] = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (value < 0)
        sw_buf_addc(o->buf, '-');
    sw_buf_add(o->buf, digits + at, sizeof digits - at);
}

void sw_json_put_real(struct sw_json_out *o, const char *key, double value)
{
    begin_value(o, key);
    if (isfinite(value))
        tree_real(o->buf, value);
    else
        sw_buf_adds(o->buf, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

void sw_json_put_bool(struct sw_json_out *o, const char *key, bool value)
{
    begin_value(o, key);
    sw_buf_adds(o->buf, value ? "true" : "false");
}
