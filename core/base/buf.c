// SPDX-License-Identifier: Apache-2.0
#include "core/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

// What `data` points at while nothing was allocated. Shared by all empty buffers, so it is never written to.
static char nothing[1];

void sw_buf_init(struct sw_buf *b, size_t max_bytes)
{
    *b = (struct sw_buf){.data = nothing, .max = max_bytes};
}

void sw_buf_free(struct sw_buf *b)
{
    if (b->cap > 0)
        free(b->data);
    sw_buf_init(b, b->max);
}

void sw_buf_clear(struct sw_buf *b)
{
    b->len = 0;
    b->failed = false;
    b->no_memory = false;
    if (b->cap > 0)
        b->data[0] = '\0';
}

// Makes room for `len` more bytes and the NUL, or marks the buffer failed.
static bool reserve(struct sw_buf *b, size_t len)
{
    if (b->failed)
        return false;
    if (len > b->max - b->len || b->len + len == SIZE_MAX) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need <= b->cap)
        return true;
    // Doubling keeps appends amortised; past the half of the address space only the exact size can fit.
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (b->max < SIZE_MAX && cap > b->max + 1)
        cap = b->max + 1;
    char *data = realloc(b->cap > 0 ? b->data : NULL, cap);
    if (data == NULL) {
        b->failed = true;
        b->no_memory = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void sw_buf_add(struct sw_buf *b, const void *bytes, size_t len)
{
    if (len == 0 || !reserve(b, len))
        return;
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    b->data[b->len] = '\0';
}

void sw_buf_adds(struct sw_buf *b, const char *text)
{
    sw_buf_add(b, text, strlen(text));
}

void sw_buf_addc(struct sw_buf *b, char c)
{
    sw_buf_add(b, &c, 1);
}

void sw_buf_addf(struct sw_buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    sw_buf_vaddf(b, format, ap);
    va_end(ap);
}

void sw_buf_vaddf(struct sw_buf *b, const char *format, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, format, ap);
    if (len < 0) {
        b->failed = true;
    } else if (len > 0 && reserve(b, (size_t)len)) {
        vsnprintf(b->data + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
}

void sw_buf_drop_front(struct sw_buf *b, size_t len)
{
    if (len > b->len)
        len = b->len;
    if (len == 0)
        return;
    memmove(b->data, b->data + len, b->len - len + 1);
    b->len -= len;
}

char *sw_buf_take(struct sw_buf *b)
{
    char *text = NULL;
    if (!b->failed)
        text = b->cap > 0 ? b->data : calloc(1, 1);
    if (text != NULL && b->cap > 0)
        b->cap = 0; // ours no longer, so that sw_buf_free() leaves it alone
    sw_buf_free(b);
    return text;
}

enum sw_code sw_buf_check(const struct sw_buf *b, const char *what, struct sw_err *err)
{
    if (!b->failed)
        return SW_OK;
    if (b->no_memory)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for %s", what);
    return sw_err_set(err, SW_LIMIT, "%s is larger than the allowed %zu bytes", what, b->max);
}
