// SPDX-License-Identifier: Apache-2.0
// Text made safe, UTF-8, columns, and the formatters. The property test feeds generated hostile text; its seed is
// printed when it fails.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/text.h"

static void expect_safe(const char *text, size_t len, unsigned flags, const char *want)
{
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    sw_text_safe(&b, text, len, flags);
    assert_string_equal(b.data, want);
    sw_buf_free(&b);
}

#define SAFE(text, flags, want) expect_safe(text, sizeof(text) - 1, flags, want)

static void plain_text_passes(void **state)
{
    (void)state;
    SAFE("", 0, "");
    SAFE("epoch 1/4 loss 0.3", 0, "epoch 1/4 loss 0.3");
    SAFE("caf\u00e9 \u65e5\u672c \U0001F680", 0, "caf\u00e9 \u65e5\u672c \U0001F680");
    SAFE("caf\u00e9 \u65e5\u672c", SW_TEXT_ASCII, "caf? ??");
}

static void controls_become_visible(void **state)
{
    (void)state;
    SAFE("a\x01\x7f"
         "b",
         0, "a\u2401\u2421b");
    SAFE("a\0b", 0, "a\u2400b");
    SAFE("\xc2\x85x", 0, "\uFFFDx");
    SAFE("a\nb", 0, "a\u240ab");
    SAFE("a\r\nb\rc\n", SW_TEXT_KEEP_NEWLINES, "a\nb\u240dc\n");
    SAFE("a\r\nb", 0, "a\u240d\u240ab");
    SAFE("\x07", SW_TEXT_ASCII, "?");
    SAFE("ab\tc", 0, "ab      c");
    SAFE("\tx", 0, "        x");
    SAFE("12345678\tx", 0, "12345678        x");
    SAFE("\u65e5\tx", 0, "\u65e5      x");
    SAFE("abc\nd\te", SW_TEXT_KEEP_NEWLINES, "abc\nd       e");
}

static void escape_sequences_are_dropped_whole(void **state)
{
    (void)state;
    SAFE("\x1b[31mred\x1b[0m", 0, "red");
    SAFE("a\x1b[?25lb\x1b[1;2Hc\x1b[2 qd", 0, "abcd");
    SAFE("\x1b]0;title\x07x\x1b]52;c;aGk=\x1b\\y", 0, "xy");
    SAFE("\x1bPq#0~\x1b\\x\x1b_apc\x1b\\y\x1b^pm\x1b\\z\x1bXsos\x1b\\w", 0, "xyzw");
    SAFE("a\x1b(B\x1b)0\x1b"
         "7\x1b"
         "8\x1b"
         "c\x1bM\x1b=b",
         0, "ab");
    SAFE("\xc2\x9b"
         "31mred\xc2\x9d"
         "0;t\xc2\x9cx\xc2\x90q\xc2\x9cy",
         0, "redxy"); // C1 forms
}

static void unfinished_sequences_stay_visible(void **state)
{
    (void)state;
    SAFE("\x1b", 0, "\u241b");
    SAFE("a\x1b[", 0, "a\u241b[");
    SAFE("\x1b[12", 0, "\u241b[12");
    SAFE("\x1b[12\x01m", 0, "\u241b[12\u2401m");
    SAFE("\x1b]0;all the rest", 0, "\u241b]0;all the rest");
    SAFE("\x1b]0;a\nb\x07", SW_TEXT_KEEP_NEWLINES, "\u241b]0;a\nb\u2407");
    SAFE("\x1b]0;a\x1b[31mb", 0, "\u241b]0;ab");
    SAFE("\x1b\x1b[31mx", 0, "\u241bx");
    SAFE("\x1b(", 0, "\u241b(");
    SAFE("\x1b\u00e9", 0, "\u241b\u00e9");
}

static void deceiving_characters_are_replaced(void **state)
{
    (void)state;
    SAFE("a\u202eb\u2066c\u200ed\u061ce", 0, "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe");
    SAFE("a\u200bb\u200dc\ufeffd\u2060e\u00adf", 0, "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf");
    SAFE("\U000E0041\U000E007F", 0, "\uFFFD\uFFFD");
    SAFE("\ufdd0\ufffe\U0010FFFF", 0, "\uFFFD\uFFFD\uFFFD");
    SAFE("a\u2028b\u3164", 0, "a\uFFFDb\uFFFD");
    SAFE("\u0600", 0, "\u0600"); // a format character with a glyph
}

static void malformed_utf8_is_replaced_byte_by_byte(void **state)
{
    (void)state;
    SAFE("a\xff"
         "b",
         0, "a\uFFFDb");
    SAFE("\xc0\xaf", 0, "\uFFFD\uFFFD");           // overlong
    SAFE("\xe0\x80\xaf", 0, "\uFFFD\uFFFD\uFFFD"); // overlong
    SAFE("\xed\xa0\x80", 0, "\uFFFD\uFFFD\uFFFD"); // surrogate
    SAFE("\xf4\x90\x80\x80", 0, "\uFFFD\uFFFD\uFFFD\uFFFD");
    SAFE("\xe6\x97", 0, "\uFFFD\uFFFD"); // cut
    SAFE("\x9b"
         "31m",
         0,
         "\uFFFD"
         "31m"); // a bare C1 byte is no CSI in UTF-8
}

static void combining_marks_are_limited(void **state)
{
    (void)state;
    SAFE("e\u0301", 0, "e\u0301");
    SAFE("e\u0301\u0301\u0301\u0301\u0301\u0301x", 0, "e\u0301\u0301\u0301\u0301x");
    SAFE("\u0301x", 0, "\uFFFDx"); // would join what stands before the text
    SAFE("a\n\u0301", SW_TEXT_KEEP_NEWLINES, "a\n\uFFFD");
}

static void fixed_copies_are_cut_at_a_character(void **state)
{
    (void)state;
    char dst[8];
    assert_string_equal(sw_text_safe_copy(dst, sizeof dst, "0123456789", 0), "0123456");
    assert_string_equal(sw_text_safe_copy(dst, sizeof dst, "\u65e5\u672c\u8a9e", 0), "\u65e5\u672c");
    assert_string_equal(sw_text_safe_copy(dst, sizeof dst, "abcde\n", 0), "abcde"); // the symbol takes 3 bytes
    assert_string_equal(sw_text_safe_copy(dst, 1, "abc", 0), "");
    dst[0] = 'k';
    assert_ptr_equal(sw_text_safe_copy(dst, 0, "abc", 0), dst);
    assert_int_equal(dst[0], 'k');
}

// --- the property: whatever comes in, what goes out is valid UTF-8 that no terminal acts on ---

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static size_t generate(uint64_t *seed, char *text, size_t size)
{
    static const char *const pieces[] = {
        "\x1b[",      "\x1b]",  "\x1bP",  "\x1b\\", "\x07",         "\xc2\x9b", "\xc2\x9c", "\xc2\x9d",
        "\u202e",     "\u2069", "\u200b", "\u0301", "\u0301\u0301", "m",        ";",        "\n",
        "\r\n",       "\t",     "\xff",   "\xc3",   "\xed\xa0\x80", "\xf0\x9f", "\u65e5",   "\U0001F680",
        "\U000E0001", "\ufeff", "abc",    " ",      "31",           "\x1b",     "\x7f"};
    size_t len = 0;
    size_t count = next_random(seed) % 40;
    for (size_t i = 0; i < count; i++) {
        char raw[4];
        const char *piece = pieces[next_random(seed) % (sizeof pieces / sizeof pieces[0])];
        size_t n = strlen(piece);
        if (next_random(seed) % 4 == 0) {
            piece = raw;
            n = next_random(seed) % 2 == 0 ? sw_utf8_encode((uint32_t)(next_random(seed) % 0x110000), raw) : 1;
            if (n == 1)
                raw[0] = (char)next_random(seed);
        }
        if (len + n > size)
            break;
        memcpy(text + len, piece, n);
        len += n;
    }
    return len;
}

static bool is_deceiving(uint32_t c)
{
    return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xe0000 && c <= 0xe0fff) || (c & 0xfffe) == 0xfffe;
}

static void check_safe(const char *text, size_t len, unsigned flags, uint64_t seed)
{
    struct sw_buf b, again;
    sw_buf_init(&b, 1 << 16);
    sw_buf_init(&again, 1 << 16);
    sw_text_safe(&b, text, len, flags);
    bool good = !b.failed && sw_utf8_valid(b.data, b.len);
    int marks = 0;
    for (size_t at = 0; at < b.len && good;) {
        uint32_t c;
        at += sw_utf8_decode(b.data + at, b.len - at, &c);
        bool newline = c == '\n' && (flags & SW_TEXT_KEEP_NEWLINES);
        marks = c >= 0x300 && c < 0x370 ? marks + 1 : 0;
        good = ((c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)) || newline) && !is_deceiving(c) && marks <= 4 &&
               !((flags & SW_TEXT_ASCII) && c >= 0x80);
    }
    // Safe text stays as it is.
    sw_text_safe(&again, b.data, b.len, flags);
    good = good && again.len == b.len && memcmp(again.data, b.data, b.len) == 0;
    if (!good)
        fail_msg("unsafe output for seed %llu, flags %u", (unsigned long long)seed, flags);
    sw_buf_free(&b);
    sw_buf_free(&again);
}

static void any_text_becomes_safe(void **state)
{
    (void)state;
    uint64_t seed = 0x51b3a77u;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        uint64_t start = seed;
        size_t len = generate(&seed, text, sizeof text);
        for (unsigned flags = 0; flags < 4; flags++)
            check_safe(text, len, flags, start);
    }
}

static void making_safe_is_linear(void **state)
{
    (void)state;
    // Each introducer begins a string that never ends: a naive scan would be quadratic (this would take minutes).
    enum { SIZE = 4 << 20 };
    char *text = malloc(SIZE);
    for (size_t i = 0; i + 1 < SIZE; i += 2)
        memcpy(text + i, "\xc2\x9d", 2);
    struct sw_buf b;
    sw_buf_init(&b, 4u * SIZE);
    sw_text_safe(&b, text, SIZE, 0);
    assert_int_equal(b.len, SIZE / 2 * 3);
    sw_buf_free(&b);
    free(text);
}

// --- UTF-8 and columns ---

static void every_code_point_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        uint32_t back = 1;
        size_t len = sw_utf8_encode(c, bytes);
        assert_int_equal(sw_utf8_decode(bytes, len, &back), len);
        assert_int_equal(back, c >= 0xd800 && c <= 0xdfff ? SW_TEXT_REPLACEMENT : c);
        for (size_t cut = 1; cut < len; cut++)
            assert_int_equal(sw_utf8_decode(bytes, cut, &back), 1);
    }
    char bytes[4];
    uint32_t back;
    assert_int_equal(sw_utf8_encode(0x110000, bytes), 3);
    assert_int_equal(sw_utf8_decode("", 0, &back), 0);
    assert_true(sw_utf8_valid("a\u00e9\uFFFD", 6));
    assert_false(sw_utf8_valid("a\xc3", 2));
}

static void widths_follow_unicode(void **state)
{
    (void)state;
    static const struct {
        uint32_t c;
        int width;
    } cases[] = {{'a', 1},    {0xe9, 1},   {0x301, 0},   {0x1100, 2},  {0x1161, 0},  {0x200b, 0},  {0x2026, 1},
                 {0x2500, 1}, {0x2584, 1}, {0x28ff, 1},  {0x3042, 2},  {0x4e00, 2},  {0xac00, 2},  {0xff21, 2},
                 {0xff71, 1}, {0xfe0f, 0}, {0x1f680, 2}, {0x1f1e6, 1}, {0x20000, 2}, {0x2fffd, 2}, {0x10ffff, 0},
                 {0x0378, 1}, {0xad, 0},   {'\n', 0},    {0x9b, 0},    {0x2713, 1},  {0x26a1, 2},  {0xe000, 1},
                 {0x115f, 0}, {0x231a, 2}, {0x2fffe, 0}, {0x0600, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (sw_utf8_width(cases[i].c) != cases[i].width)
            fail_msg("U+%04X: %d columns, not %d", cases[i].c, sw_utf8_width(cases[i].c), cases[i].width);
}

static void text_is_fitted_without_splitting(void **state)
{
    (void)state;
    const char *text = "a\u65e5e\u0301x";
    size_t len = strlen(text);
    int used = -1;
    assert_int_equal(sw_text_columns(text, len), 5);
    assert_int_equal(sw_text_fit(text, len, 0, &used), 0);
    assert_int_equal(used, 0);
    assert_int_equal(sw_text_fit(text, len, 2, &used), 1); // the wide one does not fit in the second column
    assert_int_equal(used, 1);
    assert_int_equal(sw_text_fit(text, len, 3, &used), 4);
    assert_int_equal(sw_text_fit(text, len, 4, &used), 7); // with its accent
    assert_int_equal(used, 4);
    assert_int_equal(sw_text_fit(text, len, 99, NULL), len);
}

// --- formatters ---

static void numbers_are_formatted(void **state)
{
    (void)state;
    char s[64];
#define SAME(call, want) assert_string_equal(call, want)
    SAME(sw_format_bytes(s, sizeof s, 0), "0 B");
    SAME(sw_format_bytes(s, sizeof s, 999), "999 B");
    SAME(sw_format_bytes(s, sizeof s, 1000), "1.0 kB");
    SAME(sw_format_bytes(s, sizeof s, 1234567), "1.2 MB");
    SAME(sw_format_bytes(s, sizeof s, 99949), "99.9 kB");
    SAME(sw_format_bytes(s, sizeof s, 99950), "100 kB");
    SAME(sw_format_bytes(s, sizeof s, 999499), "999 kB");
    SAME(sw_format_bytes(s, sizeof s, 999500), "1.0 MB");
    SAME(sw_format_bytes(s, sizeof s, -5000), "-5.0 kB");
    SAME(sw_format_bytes(s, sizeof s, INT64_MAX), "9.2 EB");
    SAME(sw_format_bytes(s, sizeof s, INT64_MIN), "-9.2 EB");
    SAME(sw_format_count(s, sizeof s, 0), "0");
    SAME(sw_format_count(s, sizeof s, 999), "999");
    SAME(sw_format_count(s, sizeof s, 3000000), "3,000,000");
    SAME(sw_format_count(s, sizeof s, -1234), "-1,234");
    SAME(sw_format_count(s, sizeof s, INT64_MIN), "-9,223,372,036,854,775,808");
    SAME(sw_format_real(s, sizeof s, 0.9214), "0.9214");
    SAME(sw_format_real(s, sizeof s, 3e-3), "3e-3");
    SAME(sw_format_real(s, sizeof s, 1.25e-4), "1.25e-4");
    SAME(sw_format_real(s, sizeof s, 0.01), "0.01");
    SAME(sw_format_real(s, sizeof s, 1), "1");
    SAME(sw_format_real(s, sizeof s, -12.5), "-12.5");
    SAME(sw_format_real(s, sizeof s, 9999), "9999");
    SAME(sw_format_real(s, sizeof s, 123456), "123456");
    SAME(sw_format_real(s, sizeof s, 1e9), "1e9");
    SAME(sw_format_real(s, sizeof s, 1e100), "1e100");
    SAME(sw_format_real(s, sizeof s, 5e-324), "4.941e-324");
    SAME(sw_format_real(s, sizeof s, 0), "0");
    SAME(sw_format_real(s, sizeof s, -0.0), "0");
    SAME(sw_format_real(s, sizeof s, NAN), "nan");
    SAME(sw_format_real(s, sizeof s, -INFINITY), "-inf");
    SAME(sw_format_count(s, 3, 1234), "1,"); // cut, and terminated
}

static void times_are_formatted(void **state)
{
    (void)state;
    char s[64];
    SAME(sw_format_duration(s, sizeof s, 840), "840 ms");
    SAME(sw_format_duration(s, sizeof s, 12999), "12 s");
    SAME(sw_format_duration(s, sizeof s, 131000), "02:11");
    SAME(sw_format_duration(s, sizeof s, 11100000), "3 h 05 m");
    SAME(sw_format_duration(s, sizeof s, 86400000LL * 4 + 1), "4 d");
    SAME(sw_format_duration(s, sizeof s, -840), "-840 ms");
    SAME(sw_format_age(s, sizeof s, 100000, 50000), "now");
    SAME(sw_format_age(s, sizeof s, 720000, 0), "12 m");
    SAME(sw_format_age(s, sizeof s, 3600000 * 3, 0), "3 h");
    SAME(sw_format_age(s, sizeof s, 86400000LL * 5, 0), "5 d");
    SAME(sw_format_age(s, sizeof s, 0, 99999999), "now"); // from the future
    SAME(sw_format_age(s, sizeof s, INT64_MIN, INT64_MAX), "now");
    setenv("TZ", "UTC0", 1);
    tzset();
    SAME(sw_format_time(s, sizeof s, 1795442525999LL), "2026-11-23 14:02:05");
    SAME(sw_format_time(s, sizeof s, -1), "1969-12-31 23:59:59");
    SAME(sw_format_time(s, sizeof s, INT64_MAX), "292278994-08-17 07:12:55");
}

static void near_names_are_found(void **state)
{
    (void)state;
    static const char *const verbs[] = {"runs", "run", "compare", "status", "rollback", "data"};
    enum { COUNT = sizeof verbs / sizeof verbs[0] };
    assert_string_equal(sw_text_nearest("rnus", verbs, COUNT), "runs");
    assert_string_equal(sw_text_nearest("comapre", verbs, COUNT), "compare");
    assert_string_equal(sw_text_nearest("stats", verbs, COUNT), "status");
    assert_string_equal(sw_text_nearest("rolback", verbs, COUNT), "rollback");
    assert_null(sw_text_nearest("xyzzy", verbs, COUNT));
    assert_null(sw_text_nearest("q", verbs, COUNT));
    assert_null(sw_text_nearest("", verbs, COUNT));
    assert_null(sw_text_nearest("run", verbs, 0));
    char longer[300];
    memset(longer, 'r', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(sw_text_nearest(longer, verbs, COUNT));
}

static void secret_names_are_known(void **state)
{
    (void)state;
    static const char *const secrets[] = {"HF_TOKEN",
                                          "AWS_SECRET_ACCESS_KEY",
                                          "PGPASSWORD",
                                          "api_key",
                                          "apiKey",
                                          "WANDB_API_KEY",
                                          "GITHUB_PAT",
                                          "SENTRY_DSN",
                                          "CLIENT_SECRET",
                                          "SSHKEY",
                                          "GOOGLE_APPLICATION_CREDENTIALS",
                                          "DB_PASS",
                                          "BASIC_AUTH",
                                          "db.pwd"};
    static const char *const harmless[] = {"PATH",
                                           "HOME",
                                           "TOKENIZERS_PARALLELISM",
                                           "KEYBOARD",
                                           "max_tokens",
                                           "COMPAT",
                                           "CUDA_VISIBLE_DEVICES",
                                           "BYPASS",
                                           "AUTHOR",
                                           "PYTHONPATH",
                                           ""};
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        if (!sw_text_is_secret_name(secrets[i]))
            fail_msg("%s should count as a secret", secrets[i]);
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (sw_text_is_secret_name(harmless[i]))
            fail_msg("%s should not count as a secret", harmless[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_passes),
        cmocka_unit_test(controls_become_visible),
        cmocka_unit_test(escape_sequences_are_dropped_whole),
        cmocka_unit_test(unfinished_sequences_stay_visible),
        cmocka_unit_test(deceiving_characters_are_replaced),
        cmocka_unit_test(malformed_utf8_is_replaced_byte_by_byte),
        cmocka_unit_test(combining_marks_are_limited),
        cmocka_unit_test(fixed_copies_are_cut_at_a_character),
        cmocka_unit_test(any_text_becomes_safe),
        cmocka_unit_test(making_safe_is_linear),
        cmocka_unit_test(every_code_point_survives_a_round_trip),
        cmocka_unit_test(widths_follow_unicode),
        cmocka_unit_test(text_is_fitted_without_splitting),
        cmocka_unit_test(numbers_are_formatted),
        cmocka_unit_test(times_are_formatted),
        cmocka_unit_test(near_names_are_found),
        cmocka_unit_test(secret_names_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
