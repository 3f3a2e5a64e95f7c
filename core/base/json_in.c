// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_in.h"

#include "core/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

void sw_json_in_init(struct sw_json_in *in, char *text, size_t len)
{
    *in = (struct sw_json_in){.at = text, .end = text + len};
}

bool sw_json_in_fail(struct sw_json_in *in, const char *problem)
{
    if (in->problem == NULL)
        in->problem = problem;
    in->at = in->end;
    return false;
}

char sw_json_in_peek(struct sw_json_in *in)
{
    while (*in->at == ' ' || *in->at == '\n' || *in->at == '\t' || *in->at == '\r')
        in->at++;
    return in->problem == NULL ? *in->at : '\0';
}

static bool take(struct sw_json_in *in, char c)
{
    if (sw_json_in_peek(in) != c || in->problem != NULL || c == '\0')
        return false;
    in->at++;
    return true;
}

// --- strings ---

static int hex4(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int c = tolower((unsigned char)p[i]);
        if (!isxdigit(c))
            return -1;
        value = value * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
}

// The character of "\uXXXX" (both halves of a surrogate pair); `at` is behind the 'u'. Moves past it; 0 = malformed.
static uint32_t take_escape(const char **at, const char *end)
{
    int high = end - *at >= 4 ? hex4(*at) : -1;
    if (high <= 0 || (high >= 0xdc00 && high < 0xe000))
        return 0;
    *at += 4;
    if (high < 0xd800 || high >= 0xdc00)
        return (uint32_t)high;
    int low = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' ? hex4(*at + 2) : -1;
    if (low < 0xdc00 || low >= 0xe000)
        return 0;
    *at += 6;
    return 0x10000u + (((uint32_t)high - 0xd800u) << 10) + ((uint32_t)low - 0xdc00u);
}

// Unescapes from the first backslash on; `at` is on it. Returns what is behind the closing quote, NULL when malformed.
static const char *unescape(char *at, const char *end)
{
    static const char plain[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    const char *from = at;
    while (from < end && *from != '"') {
        if ((unsigned char)*from < 0x20)
            return NULL;
        if (*from != '\\') {
            *at++ = *from++;
            continue;
        }
        from++;
        if (*from == 'u') {
            from++;
            uint32_t c = take_escape(&from, end);
            if (c == 0)
                return NULL;
            at += sw_utf8_encode(c, at);
            continue;
        }
        const char *pair = *from != '\0' ? strchr(plain, *from) : NULL;
        if (pair == NULL || (pair - plain) % 2 != 0)
            return NULL;
        *at++ = pair[1];
        from++;
    }
    if (from >= end)
        return NULL;
    *at = '\0';
    return from + 1;
}

bool sw_json_in_text(struct sw_json_in *in, char **out)
{
    if (!take(in, '"'))
        return sw_json_in_fail(in, "a text was expected");
    char *start = in->at, *p = start;
    bool is_ascii = true;
    while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20) {
        is_ascii = is_ascii && (unsigned char)*p < 0x80;
        p++;
    }
    if (*p == '"') {
        *p = '\0';
        in->at = p + 1;
    } else {
        const char *behind = *p == '\\' ? unescape(p, in->end) : NULL;
        if (behind == NULL)
            return sw_json_in_fail(in, "a text is malformed or never closed");
        in->at += behind - in->at;
        is_ascii = false;
    }
    if (!is_ascii && !sw_utf8_valid(start, strlen(start)))
        return sw_json_in_fail(in, "a text is not valid UTF-8");
    *out = start;
    return true;
}

// --- containers ---

bool sw_json_in_object(struct sw_json_in *in)
{
    in->is_first = true;
    return take(in, '{') || sw_json_in_fail(in, "an object was expected");
}

bool sw_json_in_array(struct sw_json_in *in)
{
    in->is_first = true;
    return take(in, '[') || sw_json_in_fail(in, "an array was expected");
}

// Takes the comma before the next element, or the bracket that ends the container (false).
static bool has_more(struct sw_json_in *in, char bracket)
{
    bool is_first = in->is_first;
    in->is_first = false;
    if (take(in, bracket))
        return false;
    return is_first || take(in, ',') || sw_json_in_fail(in, "a comma or the closing bracket was expected");
}

bool sw_json_in_item(struct sw_json_in *in)
{
    return has_more(in, ']') && in->problem == NULL;
}

bool sw_json_in_key(struct sw_json_in *in, char **key)
{
    return has_more(in, '}') && sw_json_in_text(in, key) &&
           (take(in, ':') || sw_json_in_fail(in, "a colon was expected"));
}

// --- scalars ---

static bool take_word(struct sw_json_in *in, const char *word)
{
    size_t len = strlen(word);
    (void)sw_json_in_peek(in);
    if ((size_t)(in->end - in->at) < len || memcmp(in->at, word, len) != 0)
        return false;
    in->at += len;
    return true;
}

bool sw_json_in_null(struct sw_json_in *in)
{
    return in->problem == NULL && take_word(in, "null");
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Decimal to double where it is exact: up to 15 digits and a power of ten of at most 22 (Clinger 1990, "How to read floating
// point numbers accurately"): both are exact doubles and one operation rounds once. Everything else asks libc.
static const char *read_number(const char *p, double *out)
{
    const char *start = p;
    bool negative = *p == '-';
    int digits = 0, scale = 0;
    int64_t mantissa = 0;
    p += negative;
    const char *first = p;
    for (; isdigit((unsigned char)*p); p++, digits++)
        mantissa = digits < 15 ? mantissa * 10 + (*p - '0') : mantissa;
    if (p == first || (*first == '0' && digits > 1))
        return NULL;
    if (*p == '.') {
        const char *fraction = ++p;
        for (; isdigit((unsigned char)*p); p++, digits++, scale--)
            mantissa = digits < 15 ? mantissa * 10 + (*p - '0') : mantissa;
        if (p == fraction)
            return NULL;
    }
    bool has_exponent = *p == 'e' || *p == 'E';
    if (!has_exponent && digits <= 15 && scale >= -22) {
        double value = (double)mantissa / powers[-scale];
        *out = negative ? -value : value;
        return p;
    }
    char *end = NULL;
    *out = strtod(start, &end); // the program's numeric locale is "C"
    return end > p || (!has_exponent && end == p) ? end : NULL;
}

static bool read_word_number(struct sw_json_in *in, double *out)
{
    if (take_word(in, "NaN"))
        *out = NAN;
    else if (take_word(in, "Infinity"))
        *out = INFINITY;
    else if (take_word(in, "-Infinity"))
        *out = -INFINITY;
    else
        return false;
    return true;
}

bool sw_json_in_real(struct sw_json_in *in, double *out)
{
    if (sw_json_in_peek(in) == '"') {
        char nothing[] = "", *text = nothing, *end = NULL;
        if (!sw_json_in_text(in, &text))
            return false;
        *out = strtod(text, &end);
        return (end != text && *end == '\0') || sw_json_in_fail(in, "a number was expected");
    }
    if (read_word_number(in, out))
        return true;
    const char *behind = read_number(in->at, out);
    if (behind == NULL)
        return sw_json_in_fail(in, "a number was expected");
    in->at += behind - in->at;
    return true;
}

bool sw_json_in_int(struct sw_json_in *in, int64_t *out)
{
    (void)sw_json_in_peek(in);
    char *p = in->at;
    bool negative = *p == '-';
    int64_t value = 0;
    int digits = 0;
    for (p += negative; isdigit((unsigned char)*p) && digits < 18; p++, digits++)
        value = value * 10 + (*p - '0');
    if (digits > 0 && !isdigit((unsigned char)*p) && *p != '.' && *p != 'e' && *p != 'E') {
        in->at = p;
        *out = negative ? -value : value;
        return true;
    }
    double real; // 19 digits, a whole real, or a text
    if (digits == 18 && isdigit((unsigned char)*p)) {
        char *end = NULL;
        errno = 0;
        *out = strtoll(in->at, &end, 10);
        bool is_whole = *end != '.' && *end != 'e' && *end != 'E';
        if (is_whole && errno == ERANGE)
            return sw_json_in_fail(in, "a whole number of 64 bits was expected");
        if (is_whole) {
            in->at = end;
            return true;
        }
    }
    if (!sw_json_in_real(in, &real))
        return false;
    if (trunc(real) != real || fabs(real) >= 9.2233720368547758e18)
        return sw_json_in_fail(in, "a whole number was expected");
    *out = (int64_t)real;
    return true;
}

static bool skip_value(struct sw_json_in *in, int depth)
{
    char *text;
    double number;
    if (depth > DEPTH_MAX)
        return sw_json_in_fail(in, "it is nested too deep");
    switch (sw_json_in_peek(in)) {
    case '{':
        for (bool more = sw_json_in_object(in); more && sw_json_in_key(in, &text);)
            skip_value(in, depth + 1);
        break;
    case '[':
        for (bool more = sw_json_in_array(in); more && sw_json_in_item(in);)
            skip_value(in, depth + 1);
        break;
    case '"':
        sw_json_in_text(in, &text);
        break;
    default:
        if (!take_word(in, "true") && !take_word(in, "false") && !take_word(in, "null"))
            sw_json_in_real(in, &number);
    }
    return in->problem == NULL;
}

bool sw_json_in_skip(struct sw_json_in *in)
{
    bool is_good = skip_value(in, 0);
    in->is_first = false;
    return is_good;
}

bool sw_json_in_end(struct sw_json_in *in)
{
    (void)sw_json_in_peek(in);
    return in->problem == NULL && (in->at == in->end || sw_json_in_fail(in, "something follows the document"));
}
