// SPDX-License-Identifier: Apache-2.0
// Text from outside made safe to show, UTF-8 decoding and column widths, and the few formatters shared by screens
// and commands. Every string that this program did not write itself goes through sw_text_safe() before it reaches
// a screen, stdout, stderr, a title or a clipboard; JSON output escapes instead.
#ifndef SW_BASE_TEXT_H
#define SW_BASE_TEXT_H

#include <stdint.h>

#include "core/base/buf.h"

#define SW_TEXT_REPLACEMENT 0xFFFDu

enum sw_text_flags {
    SW_TEXT_ONE_LINE = 0,      // newlines become a visible symbol
    SW_TEXT_KEEP_NEWLINES = 1, // "\n" is kept, "\r\n" becomes "\n"
    SW_TEXT_ASCII = 2,         // anything beyond ASCII becomes '?'
};

// Appends `len` bytes of `text` to `out`: strict UTF-8 (each bad byte becomes U+FFFD); C0 and DEL become control
// pictures and C1 becomes U+FFFD; a tab fills to the next multiple of 8 columns; bidi controls, zero-width characters,
// tags and noncharacters become U+FFFD; at most 4 combining marks stay on a base. Complete escape sequences (CSI, OSC,
// DCS and the other forms of ECMA-48, 7-bit or C1) are dropped; an unfinished one stays visible with all that follows.
// Linear in `len`. Making safe text safe again changes nothing.
void sw_text_safe(struct sw_buf *out, const char *text, size_t len, unsigned flags);
// The same for a NUL-terminated string into a fixed array of `size` bytes, cut at a character; returns `dst`.
char *sw_text_safe_copy(char *dst, size_t size, const char *text, unsigned flags);

// Decodes one character at text[0..len): returns bytes used (>= 1 when len > 0, 0 at the end); a malformed byte gives
// SW_TEXT_REPLACEMENT and 1.
size_t sw_utf8_decode(const char *text, size_t len, uint32_t *codepoint);
size_t sw_utf8_encode(uint32_t codepoint, char out[static 4]); // bytes written, 1..4
bool sw_utf8_valid(const char *text, size_t len);
// Terminal columns: 0 for combining marks, zero-width characters and controls, 2 for East Asian wide and emoji, else 1.
// Source: Unicode's East Asian Width (UAX #11) and general categories; gen_width.py makes the table.
int sw_utf8_width(uint32_t codepoint);
int sw_text_columns(const char *text, size_t len);
// Bytes of `text` that fit in `columns`; *used gets the columns taken (may be NULL). Never splits a character, nor a
// mark from its base.
size_t sw_text_fit(const char *text, size_t len, int columns, int *used);

// Formatters: write at most `size` bytes with NUL into dst, return dst.
char *sw_format_bytes(char *dst, size_t size, int64_t bytes); // "840 B", "1.2 MB", "120 GB" (decimal units)
char *sw_format_duration(char *dst, size_t size, int64_t ms); // "840 ms", "12 s", "02:11", "3 h 05 m", "4 d"
char *sw_format_age(char *dst, size_t size, int64_t now_ms, int64_t then_ms); // "now", "12 m", "3 h", "5 d"
char *sw_format_count(char *dst, size_t size, int64_t n);                     // "3,000,000"
char *sw_format_real(
    char *dst, size_t size,
    double v); // 4 significant digits at most, whole parts in full up to 7: "0.9214", "3e-3", "123456", "1e9", "nan"
char *sw_format_time(char *dst, size_t size, int64_t ms_utc); // local "2026-11-23 14:02:05"

// Nearest of `names` to `word` by edit distance with swaps (for "did you mean"): 1 for words up to 2 letters, 2 up to
// 5, else 3. NULL when nothing is near. Borrow.
const char *sw_text_nearest(const char *word, const char *const *names, size_t count);
// True when a key name suggests a secret (token, password, secret, key, credential...), as used to redact environments.
bool sw_text_is_secret_name(const char *name);

#endif
