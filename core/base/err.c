// SPDX-License-Identifier: Apache-2.0
#include "core/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// For the analyzer they are macros over these functions.
#undef sw_err_set
#undef sw_err_errno
#undef sw_err_hint
#undef sw_err_wrap

struct code_row {
    const char *word;
    int exit_code;
    const char *sentence;
};

#define CODE_ROW(code, word, exit_code, text) [code] = {word, exit_code, text},
static const struct code_row code_rows[SW_CODE_COUNT] = {SW_CODE_TABLE(CODE_ROW)};

static const struct code_row *row_of(enum sw_code code)
{
    return code < SW_CODE_COUNT ? &code_rows[code] : &code_rows[SW_FAILED];
}

enum sw_code sw_err_set(struct sw_err *err, enum sw_code code, const char *format, ...)
{
    if (err == NULL)
        return code;
    // The arguments may point into the error being replaced, so format aside first.
    char message[sizeof err->message];
    va_list ap;
    va_start(ap, format);
    vsnprintf(message, sizeof message, format, ap);
    va_end(ap);
    err->code = code;
    memcpy(err->message, message, sizeof message);
    err->hint[0] = '\0';
    return code;
}

static const struct errno_row {
    int errnum;
    enum sw_code code;
    const char *hint;
} errno_rows[] = {
    {ENOSPC, SW_NO_SPACE, "free some space, then do the same again"},
    {EDQUOT, SW_NO_SPACE, "free some of the quota, then do the same again"},
    {ENOENT, SW_NOT_FOUND, "check the path"},
    {EACCES, SW_IO, "check the permissions of that path and of the folders above it"},
    {EPERM, SW_IO, "check who owns that path"},
    {EROFS, SW_IO, "that file system is read-only: name another place"},
    {ENOMEM, SW_NO_MEMORY, ""},
};

enum sw_code sw_err_errno(struct sw_err *err, int errnum, const char *format, ...)
{
    enum sw_code code = SW_IO;
    const char *hint = "";
    for (size_t i = 0; i < sizeof errno_rows / sizeof *errno_rows; i++)
        if (errno_rows[i].errnum == errnum) {
            code = errno_rows[i].code;
            hint = errno_rows[i].hint;
        }
    if (err == NULL)
        return code;
    char what[sizeof err->message];
    char reason[128];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    (void)sw_err_set(err, code, "%s: %s", what, strerror_r(errnum, reason, sizeof reason));
    return sw_err_hint(err, "%s", hint);
}

enum sw_code sw_err_hint(struct sw_err *err, const char *format, ...)
{
    if (err == NULL)
        return SW_FAILED;
    va_list ap;
    va_start(ap, format);
    vsnprintf(err->hint, sizeof err->hint, format, ap);
    va_end(ap);
    return err->code;
}

enum sw_code sw_err_wrap(struct sw_err *err, const char *format, ...)
{
    if (err == NULL)
        return SW_FAILED;
    char context[sizeof err->message];
    char message[sizeof err->message];
    va_list ap;
    va_start(ap, format);
    vsnprintf(context, sizeof context, format, ap);
    va_end(ap);
    memcpy(message, err->message, sizeof message);
    size_t used = strnlen(context, sizeof context - 3);
    memcpy(err->message, context, used);
    snprintf(err->message + used, sizeof err->message - used, ": %s", message);
    return err->code;
}

const char *sw_code_word(enum sw_code code)
{
    return row_of(code)->word;
}

const char *sw_code_sentence(enum sw_code code)
{
    return row_of(code)->sentence;
}

int sw_code_exit(enum sw_code code)
{
    return row_of(code)->exit_code;
}
