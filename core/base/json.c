// SPDX-License-Identifier: Apache-2.0
// JSON (RFC 8259). jansson builds the trees; a scan in front of it enforces the caps, so that a hostile document is
// refused before memory is spent on it. Writing is ours: jansson prints 0.1 as 0.10000000000000001 and lets C1 and
// bidi characters through, and output must be fit for people and terminals.
#include "core/base/tree_private.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text_private.h"

const struct sw_tree_limits sw_tree_limits_default = {.max_depth = 64, .max_nodes = 200000, .max_bytes = 8 << 20};

// --- caps ---

struct scan {
    const char *text;
    size_t len;
    size_t at;
    size_t copied; // bytes of the text already in `rewritten`
    struct sw_buf *rewritten;
};

static void skip_string(struct scan *s)
{
    s->at++;
    while (s->at < s->len && s->text[s->at] != '"')
        s->at += s->text[s->at] == '\\' ? 2 : 1;
    s->at++;
}

// jansson refuses integers beyond int64. Such a number gets ".0" in a copy of the text, which makes it a real.
static void scan_number(struct scan *s)
{
    size_t start = s->at;
    bool is_integer = true;
    for (; s->at < s->len && (isalnum((unsigned char)s->text[s->at]) || strchr("+-.", s->text[s->at]) != NULL); s->at++)
        is_integer = is_integer && (isdigit((unsigned char)s->text[s->at]) || s->at == start);
    size_t size = s->at - start;
    char digits[24];
    bool fits = false;
    if (size < sizeof digits) {
        memcpy(digits, s->text + start, size);
        digits[size] = '\0';
        errno = 0;
        (void)strtoll(digits, NULL, 10);
        fits = errno == 0;
    }
    if (!is_integer || fits)
        return;
    sw_buf_add(s->rewritten, s->text + s->copied, s->at - s->copied);
    sw_buf_adds(s->rewritten, ".0");
    s->copied = s->at;
}

// Nodes are counted by punctuation: the root, and one after each comma and each opening bracket that is not closed
// at once. For valid JSON that is exact; for anything else jansson says what is wrong.
static enum sw_code check_caps(struct scan *s, const char *name, const struct sw_tree_limits *limits,
                               struct sw_err *err)
{
    int depth = 0;
    size_t nodes = 1;
    bool just_opened = false;
    while (s->at < s->len) {
        char c = s->text[s->at];
        bool opened = c == '[' || c == '{';
        if (just_opened && !isspace((unsigned char)c)) {
            nodes += c != ']' && c != '}';
            just_opened = false;
        }
        if (opened) {
            depth++;
            just_opened = true;
        } else if (c == ']' || c == '}') {
            depth--;
        } else if (c == ',') {
            nodes++;
        }
        if (depth > limits->max_depth)
            return sw_err_set(err, SW_LIMIT, "%s: nested deeper than %d levels", name, limits->max_depth);
        if (nodes > limits->max_nodes)
            return sw_err_set(err, SW_LIMIT, "%s: more than %zu values", name, limits->max_nodes);
        if (c == '"')
            skip_string(s);
        else if (c == '-' || isdigit((unsigned char)c))
            scan_number(s);
        else
            s->at++;
    }
    return SW_OK;
}

enum sw_code sw_json_parse(const char *text, size_t len, const char *name, const struct sw_tree_limits *limits,
                           json_t **out, struct sw_err *err)
{
    if (len > limits->max_bytes)
        return sw_err_set(err, SW_LIMIT, "%s is larger than the allowed %zu bytes", name, limits->max_bytes);
    struct sw_buf rewritten;
    sw_buf_init(&rewritten, len * 2 + 2);
    struct scan s = {.text = text, .len = len, .rewritten = &rewritten};
    enum sw_code code = check_caps(&s, name, limits, err);
    if (code == SW_OK && s.copied > 0) {
        sw_buf_add(&rewritten, text + s.copied, len - s.copied);
        code = sw_buf_check(&rewritten, name, err);
        text = rewritten.data;
        len = rewritten.len;
    }
    if (code == SW_OK) {
        json_error_t why;
        json_t *tree = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
        if (tree != NULL)
            *out = tree;
        else if (why.line < 0) // jansson names no place when memory ran out
            code = sw_err_set(err, SW_NO_MEMORY, "out of memory for %s", name);
        else
            code = sw_err_set(err, SW_INVALID, "%s:%d:%d: %s", name, why.line, why.column, why.text);
    }
    sw_buf_free(&rewritten);
    return code;
}

// --- writing ---

static void escape(struct sw_buf *out, uint32_t c)
{
    static const char shorts[] = "\b\t\n\f\r\"\\";
    static const char letters[] = "btnfr\"\\";
    const char *at = c != 0 && c < 0x80 ? strchr(shorts, (int)c) : NULL;
    if (at != NULL) {
        sw_buf_addc(out, '\\');
        sw_buf_addc(out, letters[at - shorts]);
    } else if (c < 0x10000) {
        sw_buf_addf(out, "\\u%04" PRIx32, c);
    } else {
        sw_buf_addf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    }
}

void tree_quote(struct sw_buf *out, const char *text, size_t len)
{
    sw_buf_addc(out, '"');
    size_t copied = 0;
    for (size_t at = 0; at < len;) {
        uint32_t c = (unsigned char)text[at];
        size_t size = 1;
        if (c >= 0x80)
            size = sw_utf8_decode(text + at, len - at, &c);
        enum text_class class = c >= 0x20 && c < 0x7f ? TEXT_NARROW : text_class_of(c);
        bool malformed = size == 1 && (unsigned char)text[at] >= 0x80;
        if (malformed || c == '"' || c == '\\' || class == TEXT_CONTROL || class == TEXT_HIDDEN) {
            sw_buf_add(out, text + copied, at - copied);
            escape(out, c);
            copied = at + size;
        }
        at += size;
    }
    sw_buf_add(out, text + copied, len - copied);
    sw_buf_addc(out, '"');
}

void tree_real(struct sw_buf *out, double value)
{
    char text[40];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof text, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    const char *e = strchr(text, 'e');
    size_t mantissa = e != NULL ? (size_t)(e - text) : strlen(text);
    sw_buf_add(out, text, mantissa);
    // YAML 1.1 readers take "1e+20" for text, and an integer-looking real would lose its type.
    if (memchr(text, '.', mantissa) == NULL)
        sw_buf_adds(out, ".0");
    if (e != NULL)
        sw_buf_adds(out, e);
}

static void new_line(struct sw_buf *out, int indent, int depth)
{
    if (indent == 0)
        return;
    sw_buf_addc(out, '\n');
    for (int i = indent * depth; i > 0; i--)
        sw_buf_addc(out, ' ');
}

static bool write_value(const json_t *v, int indent, int depth, struct sw_buf *out);

static bool write_object(const json_t *v, int indent, int depth, struct sw_buf *out)
{
    const char *key;
    json_t *member;
    bool first = true;
    sw_buf_addc(out, '{');
    json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
        if (!first)
            sw_buf_addc(out, ',');
        first = false;
        new_line(out, indent, depth + 1);
        tree_quote(out, key, strlen(key));
        sw_buf_adds(out, indent > 0 ? ": " : ":");
        if (!write_value(member, indent, depth + 1, out))
            return false;
    }
    if (!first)
        new_line(out, indent, depth);
    sw_buf_addc(out, '}');
    return true;
}

static bool write_array(const json_t *v, int indent, int depth, struct sw_buf *out)
{
    size_t count = json_array_size(v);
    sw_buf_addc(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            sw_buf_addc(out, ',');
        new_line(out, indent, depth + 1);
        if (!write_value(json_array_get(v, i), indent, depth + 1, out))
            return false;
    }
    if (count > 0)
        new_line(out, indent, depth);
    sw_buf_addc(out, ']');
    return true;
}

// False when the tree is too deep.
static bool write_value(const json_t *v, int indent, int depth, struct sw_buf *out)
{
    if (depth > TREE_WRITE_DEPTH)
        return false;
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return write_object(v, indent, depth, out);
    case JSON_ARRAY:
        return write_array(v, indent, depth, out);
    case JSON_STRING:
        tree_quote(out, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        sw_buf_addf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
        break;
    case JSON_REAL:
        tree_real(out, json_real_value(v));
        break;
    case JSON_TRUE:
        sw_buf_adds(out, "true");
        break;
    case JSON_FALSE:
        sw_buf_adds(out, "false");
        break;
    case JSON_NULL:
        sw_buf_adds(out, "null");
        break;
    }
    return true;
}

enum sw_code sw_json_write(const json_t *tree, int indent, struct sw_buf *out, struct sw_err *err)
{
    if (!write_value(tree, indent, 0, out))
        return sw_err_set(err, SW_LIMIT, "the document is nested deeper than %d levels", TREE_WRITE_DEPTH);
    return sw_buf_check(out, "the JSON document", err);
}

// --- members ---

const char *sw_tree_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t sw_tree_int(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

double sw_tree_real(const json_t *object, const char *key, double otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool sw_tree_bool(const json_t *object, const char *key, bool otherwise)
{
    const json_t *v = json_object_get(object, key);
    return json_is_boolean(v) ? json_is_true(v) : otherwise;
}
