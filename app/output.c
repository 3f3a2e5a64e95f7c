// SPDX-License-Identifier: Apache-2.0
#include "app/output.h"

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/text.h"
#include "core/base/tree.h"

enum { FLUSH_BYTES = 64 * 1024, PENDING_MAX = 64 * 1024 * 1024, LABEL_COLUMNS = 16 };

static const char *const role_codes[] = {
    [SW_ROLE_PLAIN] = "\033[0m",   [SW_ROLE_TITLE] = "\033[1m", [SW_ROLE_GOOD] = "\033[32m",
    [SW_ROLE_WARN] = "\033[33m",   [SW_ROLE_BAD] = "\033[31m",  [SW_ROLE_DIM] = "\033[2m",
    [SW_ROLE_ACCENT] = "\033[36m",
};

// The locale is not set before the TUI starts, so the variables decide, in the order POSIX gives them.
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value == NULL || value[0] == '\0')
            continue;
        return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

static int terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

void sw_output_init(struct sw_output *o)
{
    memset(o, 0, sizeof *o);
    sw_buf_init(&o->pending, PENDING_MAX);
    o->is_terminal = isatty(STDOUT_FILENO) == 1;
    o->columns = o->is_terminal ? terminal_columns() : 0;
    o->is_utf8 = locale_is_utf8();
    sw_output_set_color(o, SW_COLOR_AUTO);
}

void sw_output_set_color(struct sw_output *o, enum sw_color_choice choice)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    bool fits =
        o->is_terminal && (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    o->has_color = choice == SW_COLOR_ALWAYS || (choice == SW_COLOR_AUTO && fits);
}

void sw_output_free(struct sw_output *o)
{
    sw_buf_free(&o->pending);
}

enum sw_code sw_output_flush(struct sw_output *o, struct sw_err *err)
{
    enum sw_code code = sw_buf_check(&o->pending, "output", err);
    size_t done = 0;
    while (code == SW_OK && !o->is_closed && done < o->pending.len) {
        ssize_t n = write(STDOUT_FILENO, o->pending.data + done, o->pending.len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno == EPIPE) {
            o->is_closed = true;
        } else if (errno == EAGAIN) {
            struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            code = sw_err_errno(err, errno, "writing to standard output");
        }
    }
    sw_buf_clear(&o->pending);
    return code;
}

static void flush_when_large(struct sw_output *o)
{
    // A failure shows again at the final flush, where it can be reported; a lost part cannot be printed twice.
    if (o->is_closed)
        sw_buf_clear(&o->pending);
    else if (o->pending.len >= FLUSH_BYTES && !o->pending.failed) {
        struct sw_err err = {0};
        if (sw_output_flush(o, &err) != SW_OK)
            o->pending.failed = true;
    }
}

void sw_output_text(struct sw_output *o, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    sw_buf_vaddf(&o->pending, format, ap);
    va_end(ap);
    flush_when_large(o);
}

void sw_output_safe(struct sw_output *o, const char *foreign, unsigned text_flags)
{
    sw_text_safe(&o->pending, foreign, strlen(foreign), text_flags);
    flush_when_large(o);
}

void sw_output_role(struct sw_output *o, enum sw_role role)
{
    if (o->has_color)
        sw_buf_adds(&o->pending, role_codes[role]);
}

static void put_label(struct sw_output *o, const char *label)
{
    int pad = LABEL_COLUMNS - sw_text_columns(label, strlen(label));
    sw_output_role(o, SW_ROLE_DIM);
    sw_buf_adds(&o->pending, label);
    sw_output_role(o, SW_ROLE_PLAIN);
    sw_buf_addf(&o->pending, "%*s", pad > 1 ? pad : 1, "");
}

void sw_output_pair(struct sw_output *o, const char *label, const char *foreign)
{
    put_label(o, label);
    sw_output_safe(o, foreign != NULL && foreign[0] != '\0' ? foreign : "-", SW_TEXT_ONE_LINE);
    sw_output_text(o, "\n");
}

void sw_output_pairf(struct sw_output *o, const char *label, const char *format, ...)
{
    struct sw_buf value;
    sw_buf_init(&value, PENDING_MAX);
    va_list ap;
    va_start(ap, format);
    sw_buf_vaddf(&value, format, ap);
    va_end(ap);
    sw_output_pair(o, label, value.data);
    sw_buf_free(&value);
}

static enum sw_code put_json(struct sw_output *o, json_t *document, int indent, struct sw_err *err)
{
    if (document == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while building the JSON document");
    enum sw_code code = sw_json_write(document, indent, &o->pending, err);
    sw_buf_addc(&o->pending, '\n');
    json_decref(document);
    return code;
}

enum sw_code sw_output_json(struct sw_output *o, json_t *document, struct sw_err *err)
{
    enum sw_code code = put_json(o, document, 2, err);
    flush_when_large(o);
    return code;
}

enum sw_code sw_output_json_line(struct sw_output *o, json_t *document, struct sw_err *err)
{
    enum sw_code code = put_json(o, document, 0, err);
    return code != SW_OK ? code : sw_output_flush(o, err);
}

// --- messages ---

static void write_stderr(const char *text, size_t len)
{
    struct sw_err err = {0};
    (void)sw_fd_write_all(STDERR_FILENO, text, len, "standard error", &err); // nowhere is left to report that
}

static void write_note(struct sw_output *o, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void write_note(struct sw_output *o, const char *format, va_list ap)
{
    struct sw_err err = {0};
    struct sw_buf raw, line;
    sw_buf_init(&raw, 64 * 1024);
    sw_buf_init(&line, 256 * 1024);
    sw_buf_vaddf(&raw, format, ap);
    sw_text_safe(&line, raw.data, raw.len, SW_TEXT_KEEP_NEWLINES);
    sw_buf_addc(&line, '\n');
    if (sw_output_flush(o, &err) != SW_OK)
        o->is_closed = true;
    write_stderr(line.data, line.len);
    sw_buf_free(&raw);
    sw_buf_free(&line);
}

void sw_output_note(struct sw_output *o, const char *format, ...)
{
    if (o->is_quiet)
        return;
    va_list ap;
    va_start(ap, format);
    write_note(o, format, ap);
    va_end(ap);
}

void sw_output_detail(struct sw_output *o, const char *format, ...)
{
    if (!o->is_verbose || o->is_quiet)
        return;
    va_list ap;
    va_start(ap, format);
    write_note(o, format, ap);
    va_end(ap);
}

static void put_error_json(const struct sw_err *e, struct sw_buf *out)
{
    struct sw_err err = {0};
    json_t *document = json_pack("{s:s, s:s, s:s, s:s}", "kind", "Error", "code", sw_code_word(e->code), "message",
                                 e->message, "hint", e->hint);
    if (document == NULL) { // the message holds bytes that are not UTF-8
        char message[sizeof e->message * 3], hint[sizeof e->hint * 3];
        sw_text_safe_copy(message, sizeof message, e->message, SW_TEXT_ONE_LINE);
        sw_text_safe_copy(hint, sizeof hint, e->hint, SW_TEXT_ONE_LINE);
        document = json_pack("{s:s, s:s, s:s, s:s}", "kind", "Error", "code", sw_code_word(e->code), "message", message,
                             "hint", hint);
    }
    if (document == NULL || sw_json_write(document, 0, out, &err) != SW_OK)
        sw_buf_adds(out, "{\"kind\":\"Error\",\"code\":\"no_memory\",\"message\":\"out of memory\",\"hint\":\"\"}");
    json_decref(document);
}

void sw_output_error(struct sw_output *o, const struct sw_err *e)
{
    struct sw_buf text;
    sw_buf_init(&text, 64 * 1024);
    if (o->is_json) {
        put_error_json(e, &text);
        sw_buf_addc(&text, '\n');
    } else {
        sw_buf_adds(&text, "slipway: ");
        sw_text_safe(&text, e->message, strlen(e->message), SW_TEXT_KEEP_NEWLINES);
        sw_buf_addc(&text, '\n');
        if (e->hint[0] != '\0') {
            sw_buf_adds(&text, "hint: ");
            sw_text_safe(&text, e->hint, strlen(e->hint), SW_TEXT_KEEP_NEWLINES);
            sw_buf_addc(&text, '\n');
        }
    }
    write_stderr(text.data, text.len);
    sw_buf_free(&text);
}

enum sw_code sw_output_confirm(struct sw_output *o, struct sw_err *err, const char *format, ...)
{
    if (o->assume_yes)
        return SW_OK;
    char question[512], safe[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(question, sizeof question, format, ap);
    va_end(ap);
    sw_text_safe_copy(safe, sizeof safe, question, SW_TEXT_ONE_LINE);
    if (o->is_json || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
        (void)sw_err_set(err, SW_USAGE, "%s: nobody can be asked here", question);
        return sw_err_hint(err, "add --yes to do it without a question");
    }
    char answer[16] = "";
    write_stderr(safe, strlen(safe));
    write_stderr(" [y/N] ", strlen(" [y/N] "));
    if (fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return SW_OK;
    return sw_err_set(err, SW_CANCELLED, "not done");
}
