// SPDX-License-Identifier: Apache-2.0
// YAML written in block style. Ours rather than libyaml's emitter, which knows nothing of types (it writes the text
// "no" plain) and lets bidi characters through; strings share their quoting with JSON, which YAML 1.2 includes.
#include "core/base/tree_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/text_private.h"

// Bytes of a key that stays below 1,024 characters however much of it is escaped.
enum { LONGEST_SIMPLE_KEY = 160 };

// True when some reader, YAML 1.1's loose types included, would take the plain text for something else than text.
static bool reads_as_other_type(const char *s, size_t len)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(s, words[i]) == 0)
            return true;
    // Numbers of any base, times, dates, .inf and .nan: generous, for a needless quote does no harm.
    return strchr("0123456789.+-", s[0]) != NULL && (strspn(s, "0123456789abcdefABCDEFxXoO_.:+-TtZzIiNn ") == len);
}

static bool is_plain(const char *s, size_t len)
{
    if (len == 0 || !(isalnum((unsigned char)s[0]) || strchr("/._+-", s[0]) != NULL || (unsigned char)s[0] >= 0x80))
        return false;
    if (s[0] == '-' && (len == 1 || s[1] == ' ' || s[1] == '-'))
        return false;
    if (s[0] == '.' && strncmp(s, "...", 3) == 0)
        return false;
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t size = sw_utf8_decode(s + at, len - at, &c);
        enum text_class class = text_class_of(c);
        if (class == TEXT_CONTROL || class == TEXT_HIDDEN || c == SW_TEXT_REPLACEMENT)
            return false;
        if (c < 0x80 && !isalnum((int)c) && strchr("_./@+-=() ,;~^$*&!?<>|%", (int)c) == NULL) {
            bool inner_colon = c == ':' && at + 1 < len && s[at + 1] != ' ';
            if (!inner_colon)
                return false;
        }
        at += size;
    }
    return s[len - 1] != ' ' && !reads_as_other_type(s, len);
}

// A literal block keeps scripts and certificates readable. Only for text that it represents exactly.
static bool fits_literal(const char *s, size_t len)
{
    if (memchr(s, '\n', len) == NULL || isspace((unsigned char)s[0]))
        return false;
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t size = sw_utf8_decode(s + at, len - at, &c);
        enum text_class class = text_class_of(c);
        bool bad =
            class == TEXT_HIDDEN || c == SW_TEXT_REPLACEMENT || (class == TEXT_CONTROL && c != '\n' && c != '\t');
        bool line_end = c == '\n' || at + size == len;
        char before = c == '\n' ? (at > 0 ? s[at - 1] : '\n') : s[at];
        if (bad || (line_end && (before == ' ' || before == '\t')))
            return false;
        at += size;
    }
    return !(len >= 2 && s[len - 1] == '\n' && s[len - 2] == '\n');
}

static void indent(struct sw_buf *out, int columns)
{
    for (; columns > 0; columns--)
        sw_buf_addc(out, ' ');
}

static void write_literal(const char *s, size_t len, int columns, struct sw_buf *out)
{
    bool ends = s[len - 1] == '\n';
    sw_buf_adds(out, ends ? "|\n" : "|-\n");
    const char *end = s + len - ends;
    for (const char *line = s; line <= end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline != NULL ? newline : end;
        if (stop > line)
            indent(out, columns);
        sw_buf_add(out, line, (size_t)(stop - line));
        sw_buf_addc(out, '\n');
        line = stop + 1;
    }
}

// A string and its line end. `columns` is where a literal block's lines begin; 0 forbids one.
static void write_string(const char *s, size_t len, int columns, struct sw_buf *out)
{
    if (columns > 0 && fits_literal(s, len)) {
        write_literal(s, len, columns, out);
        return;
    }
    if (is_plain(s, len))
        sw_buf_add(out, s, len);
    else
        tree_quote(out, s, len);
    sw_buf_addc(out, '\n');
}

static void write_scalar(const json_t *v, int columns, struct sw_buf *out)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        write_string(json_string_value(v), json_string_length(v), columns, out);
        return;
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
    case JSON_OBJECT:
        sw_buf_adds(out, "{}");
        break;
    case JSON_ARRAY:
        sw_buf_adds(out, "[]");
        break;
    case JSON_NULL:
        sw_buf_adds(out, "null");
        break;
    }
    sw_buf_addc(out, '\n');
}

static bool is_block(const json_t *v)
{
    return json_object_size(v) > 0 || json_array_size(v) > 0;
}

// "key:", or "? key" and ":" on the next line for a key longer than the 1,024 characters that readers look ahead.
static void write_key(const char *key, int columns, struct sw_buf *out)
{
    size_t len = strlen(key);
    if (is_plain(key, len) && len <= LONGEST_SIMPLE_KEY) {
        sw_buf_add(out, key, len);
    } else if (len <= LONGEST_SIMPLE_KEY) {
        tree_quote(out, key, len);
    } else {
        sw_buf_adds(out, "? ");
        tree_quote(out, key, len);
        sw_buf_addc(out, '\n');
        indent(out, columns);
    }
    sw_buf_addc(out, ':');
}

// Writes the lines of a block collection. The cursor stands at `columns` already: after "- " or after an indent.
static bool write_block(const json_t *v, int columns, int depth, struct sw_buf *out);

// The value after "key:" or "-", from the same line on.
static bool write_after(const json_t *v, bool is_key, int columns, int depth, struct sw_buf *out)
{
    if (!is_block(v)) {
        sw_buf_addc(out, ' ');
        write_scalar(v, columns + 2, out);
        return true;
    }
    if (!is_key) { // "- key: value": the block goes on behind the dash
        sw_buf_addc(out, ' ');
        return write_block(v, columns + 2, depth + 1, out);
    }
    // Lists stand below their key without further indent, as kubectl writes them.
    int inner = json_is_array(v) ? columns : columns + 2;
    sw_buf_addc(out, '\n');
    indent(out, inner);
    return write_block(v, inner, depth + 1, out);
}

static bool write_block(const json_t *v, int columns, int depth, struct sw_buf *out)
{
    if (depth > TREE_WRITE_DEPTH)
        return false;
    bool first = true;
    if (json_is_array(v)) {
        for (size_t i = 0; i < json_array_size(v); i++) {
            indent(out, first ? 0 : columns);
            first = false;
            sw_buf_addc(out, '-');
            if (!write_after(json_array_get(v, i), false, columns, depth, out))
                return false;
        }
        return true;
    }
    const char *key;
    json_t *member;
    json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
        indent(out, first ? 0 : columns);
        first = false;
        write_key(key, columns, out);
        if (!write_after(member, true, columns, depth, out))
            return false;
    }
    return true;
}

enum sw_code sw_yaml_write(const json_t *tree, struct sw_buf *out, struct sw_err *err)
{
    if (!is_block(tree))
        write_scalar(tree, 0, out);
    else if (!write_block(tree, 0, 0, out))
        return sw_err_set(err, SW_LIMIT, "the document is nested deeper than %d levels", TREE_WRITE_DEPTH);
    return sw_buf_check(out, "the YAML document", err);
}
