// SPDX-License-Identifier: Apache-2.0
// The short way for the line that nearly every program writes nearly always:
//   {"step": 10, "time_ms": 1, "metrics": {"loss": 0.3, "lr": 1e-3}}
// read in one pass without a tree. Anything else, valid or not, is left to the JSON parser in intake.c; so this accepts
// only what means the same there. Worth it since a tree costs more than writing the point to the store.
#include "core/job/job_private.h"

#include "core/base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLAIN_METRICS = 16, INT_DIGITS = 18 };

struct cursor {
    const char *at, *end; // the line ends with '}', so no number reaches `end`
};

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
}

static bool take(struct cursor *c, char wanted)
{
    skip_space(c);
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

// A name without escapes and in ASCII, with the colon behind it.
static bool take_name(struct cursor *c, const char **name, size_t *len)
{
    if (!take(c, '"'))
        return false;
    *name = c->at;
    while (c->at < c->end && *c->at != '"') {
        if (*c->at < ' ' || *c->at == '\\') // char is signed here: this refuses bytes from 0x80, too
            return false;
        c->at++;
    }
    *len = (size_t)(c->at - *name);
    return take(c, '"') && take(c, ':');
}

static size_t digits(struct cursor *c)
{
    const char *from = c->at;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
        c->at++;
    return (size_t)(c->at - from);
}

// JSON's grammar of numbers (RFC 8259, section 6); *is_whole without fraction and exponent.
static bool take_number(struct cursor *c, const char **text, bool *is_whole)
{
    skip_space(c);
    *text = c->at;
    *is_whole = true;
    if (c->at < c->end && *c->at == '-')
        c->at++;
    const char *first = c->at;
    size_t count = digits(c);
    if (count == 0 || (*first == '0' && count > 1))
        return false;
    if (c->at < c->end && *c->at == '.') {
        c->at++;
        *is_whole = false;
        if (digits(c) == 0)
            return false;
    }
    if (c->at < c->end && (*c->at == 'e' || *c->at == 'E')) {
        c->at++;
        *is_whole = false;
        if (c->at < c->end && (*c->at == '+' || *c->at == '-'))
            c->at++;
        if (digits(c) == 0)
            return false;
    }
    return c->at < c->end;
}

static bool take_int(struct cursor *c, int64_t *out)
{
    const char *text;
    bool is_whole;
    if (!take_number(c, &text, &is_whole) || !is_whole || c->at - text > INT_DIGITS)
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

struct plain_metric {
    const char *key;
    size_t len;
    double value;
};

static bool take_metric(struct cursor *c, struct plain_metric *items, size_t *count)
{
    struct plain_metric m;
    const char *text;
    bool is_whole;
    if (*count == PLAIN_METRICS || !take_name(c, &m.key, &m.len) || !take_number(c, &text, &is_whole))
        return false;
    m.value = strtod(text, NULL) + 0.0; // no negative zero
    if (!isfinite(m.value))
        return false;
    for (size_t i = 0; i < *count; i++)
        if (items[i].len == m.len && memcmp(items[i].key, m.key, m.len) == 0)
            return false;
    items[(*count)++] = m;
    return true;
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

bool sw_job_intake_plain_line(struct sw_job_intake *in, const char *line, size_t len)
{
    struct cursor c = {.at = line, .end = line + len};
    struct plain_metric items[PLAIN_METRICS];
    size_t count = 0, name_len;
    int64_t step = INT64_MIN, time_ms = -1;
    bool has_step = false, has_time = false;
    const char *name;
    if (len == 0 || line[len - 1] != '}' || !take(&c, '{') || !take_name(&c, &name, &name_len))
        return false;
    // step and time_ms, each at most once, then metrics, then the end.
    while (!is_name(name, name_len, "metrics")) {
        bool is_step = is_name(name, name_len, "step"), is_time = is_name(name, name_len, "time_ms");
        if ((is_step && has_step) || (is_time && has_time) || (!is_step && !is_time) ||
            !take_int(&c, is_step ? &step : &time_ms) || !take(&c, ',') || !take_name(&c, &name, &name_len))
            return false;
        has_step = has_step || is_step;
        has_time = has_time || is_time;
    }
    if (!take(&c, '{'))
        return false;
    do {
        if (!take_metric(&c, items, &count))
            return false;
    } while (take(&c, ','));
    bool ends_metrics = take(&c, '}');
    if (!ends_metrics || !take(&c, '}') || c.at != c.end)
        return false;
    if (time_ms < 0)
        time_ms = sw_clock_now_ms();
    for (size_t i = 0; i < count; i++)
        sw_job_intake_point(in, items[i].key, items[i].len, items[i].value, step, time_ms);
    return true;
}
