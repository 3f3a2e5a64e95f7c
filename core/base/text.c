// SPDX-License-Identifier: Apache-2.0
// Making foreign text safe. A terminal acts on bytes: an escape sequence in a log line can set the title, write the
// clipboard or repaint what the user approved, and a bidi control can make a name read as another. Sequences that
// are complete are dropped, since programs colour their logs; whatever else could act becomes visible.
#include "core/base/text_private.h"

#include <ctype.h>
#include <string.h>

enum { MAX_MARKS = 4, TAB_COLUMNS = 8 };

// Characters that begin a sequence: ESC and the C1 controls that stand for ESC + letter (ECMA-48).
enum {
    ESC = 0x1b,
    BEL = 0x07,
    C1_DCS = 0x90,
    C1_SOS = 0x98,
    C1_CSI = 0x9b,
    C1_ST = 0x9c,
    C1_OSC = 0x9d,
    C1_PM = 0x9e,
    C1_APC = 0x9f
};

static bool within(unsigned char c, unsigned char first, unsigned char last)
{
    return c >= first && c <= last;
}

// Bytes of the parameters, intermediates and final byte of a control sequence at text[0..len); 0 when incomplete.
static size_t control_sequence(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len && within((unsigned char)text[at], 0x30, 0x3f))
        at++;
    while (at < len && within((unsigned char)text[at], 0x20, 0x2f))
        at++;
    return at < len && within((unsigned char)text[at], 0x40, 0x7e) ? at + 1 : 0;
}

// Bytes of a control string with its terminator (ST, or BEL as xterm takes it); 0 when another control comes first.
// Stopping there keeps the scan linear and shows what an unfinished string would have hidden.
static size_t control_string(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        uint32_t c;
        size_t size = sw_utf8_decode(text + at, len - at, &c);
        if (c == BEL || c == C1_ST)
            return at + size;
        if (c == ESC)
            return at + 1 < len && text[at + 1] == '\\' ? at + 2 : 0;
        if (text_class_of(c) == TEXT_CONTROL)
            return 0;
        at += size;
    }
    return 0;
}

// Bytes of the whole escape sequence at text[0..len) whose first character `c` took `size` bytes; 0 when it is none.
static size_t escape_sequence(const char *text, size_t len, uint32_t c, size_t size)
{
    if (c == ESC) {
        if (size == len)
            return 0;
        unsigned char next = (unsigned char)text[size];
        if (within(next, 0x20, 0x2f)) { // ESC ( B and the like: intermediates, then a final byte
            size_t at = size;
            while (at < len && within((unsigned char)text[at], 0x20, 0x2f))
                at++;
            return at < len && within((unsigned char)text[at], 0x30, 0x7e) ? at + 1 : 0;
        }
        if (!within(next, 0x30, 0x7e))
            return 0;
        if (!within(next, 0x40, 0x5f))
            return size + 1; // ESC 7, ESC c
        c = next + 0x40u;    // ESC [ is CSI, ESC ] is OSC
        size++;
    }
    size_t rest = 0;
    switch (c) {
    case C1_CSI:
        rest = control_sequence(text + size, len - size);
        break;
    case C1_DCS:
    case C1_SOS:
    case C1_OSC:
    case C1_PM:
    case C1_APC:
        rest = control_string(text + size, len - size);
        break;
    default:
        return text[0] == ESC ? size : 0; // ESC M; a C1 control alone is shown
    }
    return rest > 0 ? size + rest : 0;
}

struct writer {
    struct sw_buf *out;
    unsigned flags;
    int column; // since the last newline, modulo TAB_COLUMNS
    int marks;  // combining marks on the last base; -1 when there is no base
};

static void put(struct writer *w, uint32_t c)
{
    char bytes[4];
    if (c >= 0x80 && (w->flags & SW_TEXT_ASCII))
        c = '?';
    sw_buf_add(w->out, bytes, sw_utf8_encode(c, bytes));
    w->column = (w->column + sw_utf8_width(c)) % TAB_COLUMNS;
    w->marks = 0;
}

static void put_control(struct writer *w, uint32_t c)
{
    if (c == '\n' && (w->flags & SW_TEXT_KEEP_NEWLINES)) {
        sw_buf_addc(w->out, '\n');
        w->column = 0;
        w->marks = -1;
    } else if (c == '\t') {
        for (int n = TAB_COLUMNS - w->column; n > 0; n--)
            put(w, ' ');
    } else if (c < 0x20) {
        put(w, 0x2400 + c); // control pictures
    } else {
        put(w, c == 0x7f ? 0x2421 : SW_TEXT_REPLACEMENT);
    }
}

static void put_foreign(struct writer *w, uint32_t c)
{
    switch (text_class_of(c)) {
    case TEXT_CONTROL:
        put_control(w, c);
        break;
    case TEXT_HIDDEN:
        put(w, SW_TEXT_REPLACEMENT);
        break;
    case TEXT_ZERO:
        if (w->marks < 0 || (w->flags & SW_TEXT_ASCII)) {
            put(w, SW_TEXT_REPLACEMENT);
        } else if (w->marks < MAX_MARKS) {
            char bytes[4];
            sw_buf_add(w->out, bytes, sw_utf8_encode(c, bytes));
            w->marks++;
        }
        break;
    default:
        put(w, c);
    }
}

// Copies the printable ASCII at the front at once; as much as fits, so that a full buffer is cut at a character.
static size_t put_plain(struct writer *w, const char *text, size_t len)
{
    size_t run = 0;
    while (run < len && within((unsigned char)text[run], 0x20, 0x7e))
        run++;
    if (run == 0)
        return 0;
    size_t room = w->out->max - w->out->len;
    sw_buf_add(w->out, text, run < room ? run : room);
    if (run > room)
        sw_buf_addc(w->out, text[room]); // fails, as it should
    w->column = (w->column + (int)(run % TAB_COLUMNS)) % TAB_COLUMNS;
    w->marks = 0;
    return run;
}

void sw_text_safe(struct sw_buf *out, const char *text, size_t len, unsigned flags)
{
    struct writer w = {.out = out, .flags = flags, .marks = -1};
    size_t at = 0;
    while (at < len && !out->failed) {
        at += put_plain(&w, text + at, len - at);
        if (at == len)
            break;
        uint32_t c;
        size_t size = sw_utf8_decode(text + at, len - at, &c);
        size_t sequence = text_class_of(c) == TEXT_CONTROL ? escape_sequence(text + at, len - at, c, size) : 0;
        bool ends_crlf = c == '\r' && (flags & SW_TEXT_KEEP_NEWLINES) && at + 1 < len && text[at + 1] == '\n';
        if (sequence > 0)
            size = sequence;
        else if (!ends_crlf)
            put_foreign(&w, c);
        at += size;
    }
}

char *sw_text_safe_copy(char *dst, size_t size, const char *text, unsigned flags)
{
    if (size == 0)
        return dst;
    dst[0] = '\0';
    // A buffer over the caller's array: with the maximum inside the capacity it never allocates.
    struct sw_buf fixed = {.data = dst, .cap = size, .max = size - 1};
    sw_text_safe(&fixed, text, strlen(text), flags);
    return dst;
}

// --- names ---

enum { LONGEST_WORD = 63 };

// Edit distance with swaps of neighbours (optimal string alignment), or `limit` + 1 when it is larger.
static int distance(const char *a, const char *b, int limit)
{
    size_t rows = strlen(a);
    size_t columns = strlen(b);
    if (rows > LONGEST_WORD || columns > LONGEST_WORD)
        return limit + 1;
    int d[3][LONGEST_WORD + 1];
    int *before = d[0], *above = d[1], *row = d[2];
    for (size_t j = 0; j <= columns; j++)
        above[j] = (int)j;
    for (size_t i = 1; i <= rows; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= columns; j++) {
            int best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[columns] <= limit ? above[columns] : limit + 1;
}

const char *sw_text_nearest(const char *word, const char *const *names, size_t count)
{
    size_t len = strlen(word);
    int limit = len <= 2 ? 1 : len <= 5 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < count; i++) {
        int d = distance(word, names[i], limit);
        // A distance as long as the word itself means nothing is shared.
        if (d <= limit && d < (int)len) {
            nearest = names[i];
            limit = d - 1;
        }
    }
    return nearest;
}

bool sw_text_is_secret_name(const char *name)
{
    static const char *const anywhere[] = {"password", "passwd", "passphrase", "secret", "credential", "apikey"};
    static const char *const endings[] = {"token", "key", "pwd"};
    static const char *const words[] = {"auth", "cookie", "dsn", "pass", "pat"};
    char lower[128];
    size_t len = 0;
    for (; len < sizeof lower - 1 && name[len] != '\0'; len++)
        lower[len] = (char)tolower((unsigned char)name[len]);
    lower[len] = '\0';
    for (size_t i = 0; i < sizeof anywhere / sizeof anywhere[0]; i++)
        if (strstr(lower, anywhere[i]) != NULL)
            return true;
    // "HF_TOKEN" and "SSHKEY" are secrets, "TOKENIZERS_PARALLELISM" and "KEYBOARD" are not: words count by
    // their end, or whole where many harmless words end so.
    char *rest = NULL;
    for (char *word = strtok_r(lower, "_-. ", &rest); word != NULL; word = strtok_r(NULL, "_-. ", &rest)) {
        size_t size = strlen(word);
        for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
            size_t end = strlen(endings[i]);
            if (size >= end && strcmp(word + size - end, endings[i]) == 0)
                return true;
        }
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            if (strcmp(word, words[i]) == 0)
                return true;
    }
    return false;
}
