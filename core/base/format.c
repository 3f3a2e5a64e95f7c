// SPDX-License-Identifier: Apache-2.0
// How numbers, sizes and times look to people, the same on every screen and in every command.
#include "core/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

// The magnitude of any int64, INT64_MIN included.
static uint64_t magnitude(int64_t n)
{
    return n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
}

char *sw_format_bytes(char *dst, size_t size, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    const char *sign = bytes < 0 ? "-" : "";
    uint64_t n = magnitude(bytes);
    if (n < 1000) {
        snprintf(dst, size, "%s%" PRIu64 " B", sign, n);
        return dst;
    }
    double value = (double)n / 1000;
    size_t unit = 0;
    // By what will be printed: 999,960 bytes are "1.0 MB" and not "1000 kB".
    while (value >= (value < 99.95 ? 99.95 : 999.5) && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    snprintf(dst, size, value < 99.95 ? "%s%.1f %s" : "%s%.0f %s", sign, value, units[unit]);
    return dst;
}

char *sw_format_duration(char *dst, size_t size, int64_t ms)
{
    const char *sign = ms < 0 ? "-" : "";
    uint64_t n = magnitude(ms);
    uint64_t s = n / 1000;
    if (n < 1000)
        snprintf(dst, size, "%s%" PRIu64 " ms", sign, n);
    else if (s < 60)
        snprintf(dst, size, "%s%" PRIu64 " s", sign, s);
    else if (s < 3600)
        snprintf(dst, size, "%s%02" PRIu64 ":%02" PRIu64, sign, s / 60, s % 60);
    else if (s < 86400)
        snprintf(dst, size, "%s%" PRIu64 " h %02" PRIu64 " m", sign, s / 3600, s / 60 % 60);
    else
        snprintf(dst, size, "%s%" PRIu64 " d", sign, s / 86400);
    return dst;
}

char *sw_format_age(char *dst, size_t size, int64_t now_ms, int64_t then_ms)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } steps[] = {{86400, "d"}, {3600, "h"}, {60, "m"}};
    int64_t ms;
    // A clock that stepped back gives "now" and not an age below zero.
    if (__builtin_sub_overflow(now_ms, then_ms, &ms) || ms < 0)
        ms = now_ms > then_ms ? INT64_MAX : 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (ms / 1000 >= steps[i].seconds) {
            snprintf(dst, size, "%" PRId64 " %s", ms / 1000 / steps[i].seconds, steps[i].unit);
            return dst;
        }
    }
    snprintf(dst, size, "now");
    return dst;
}

char *sw_format_count(char *dst, size_t size, int64_t n)
{
    char digits[24];
    char grouped[32];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, magnitude(n));
    size_t at = 0;
    if (n < 0)
        grouped[at++] = '-';
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            grouped[at++] = ',';
        grouped[at++] = digits[i];
    }
    grouped[at] = '\0';
    snprintf(dst, size, "%s", grouped);
    return dst;
}

// "3.000e-03" -> "3e-3"
static void shorten_exponent(char *text)
{
    char *e = strchr(text, 'e');
    if (e == NULL)
        return;
    char *end = e; // of the digits before the exponent
    if (memchr(text, '.', (size_t)(e - text)) != NULL) {
        while (end[-1] == '0')
            end--;
        if (end[-1] == '.')
            end--;
    }
    const char *exponent = e + 1;
    bool negative = *exponent == '-';
    exponent += strspn(exponent, "+-0");
    char tail[8];
    int len = snprintf(tail, sizeof tail, "e%s%s", negative ? "-" : "", exponent);
    memcpy(end, tail, (size_t)len + 1);
}

char *sw_format_real(char *dst, size_t size, double v)
{
    char text[40];
    double m = fabs(v);
    if (isnan(v))
        snprintf(text, sizeof text, "nan");
    else if (isinf(v))
        snprintf(text, sizeof text, v < 0 ? "-inf" : "inf");
    else if (v == 0)
        snprintf(text, sizeof text, "0");
    else if (m < 0.01 || m >= 9999999.5)
        snprintf(text, sizeof text, "%.3e", v);
    else if (m >= 9999.5)
        snprintf(text, sizeof text, "%.0f", v); // a whole part is never rounded away
    else
        snprintf(text, sizeof text, "%.4g", v);
    shorten_exponent(text);
    snprintf(dst, size, "%s", text);
    return dst;
}

char *sw_format_time(char *dst, size_t size, int64_t ms_utc)
{
    time_t seconds = (time_t)(ms_utc / 1000 - (ms_utc % 1000 < 0));
    struct tm local;
    if (size > 0 && (localtime_r(&seconds, &local) == NULL || strftime(dst, size, "%Y-%m-%d %H:%M:%S", &local) == 0))
        dst[0] = '\0';
    return dst;
}
