// SPDX-License-Identifier: Apache-2.0
// Chunks in a list, the newest first; each is calloc'ed, so memory is zeroed once and by the system where it can.
#include "core/base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

struct sw_arena {
    struct chunk *chunks; // head: the one being filled
    size_t max_bytes;
    size_t used_bytes;
    size_t next_chunk;
};

struct sw_arena *sw_arena_new(size_t max_bytes)
{
    struct sw_arena *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->max_bytes = max_bytes;
    a->next_chunk = FIRST_CHUNK;
    return a;
}

void sw_arena_free(struct sw_arena *a)
{
    if (a == NULL)
        return;
    for (struct chunk *c = a->chunks; c != NULL;) {
        struct chunk *next = c->next;
        free(c);
        c = next;
    }
    free(a);
}

static struct chunk *add_chunk(struct sw_arena *a, size_t bytes)
{
    size_t size = a->next_chunk > bytes ? a->next_chunk : bytes;
    if (size > SIZE_MAX - sizeof(struct chunk))
        return NULL;
    struct chunk *c = calloc(1, sizeof *c + size);
    if (c == NULL)
        return NULL;
    c->size = size;
    if (a->next_chunk < LARGEST_CHUNK)
        a->next_chunk *= 2;
    // A request larger than a usual chunk gets its own, behind the head, so that the head's rest stays in use.
    if (a->chunks != NULL && size == bytes) {
        c->next = a->chunks->next;
        a->chunks->next = c;
    } else {
        c->next = a->chunks;
        a->chunks = c;
    }
    return c;
}

static void *take(struct sw_arena *a, size_t bytes, size_t align)
{
    if (bytes > a->max_bytes - a->used_bytes)
        return NULL;
    struct chunk *c = a->chunks;
    size_t at = c != NULL ? (c->used + align - 1) & ~(align - 1) : 0;
    if (c == NULL || at > c->size || bytes > c->size - at) {
        c = add_chunk(a, bytes);
        if (c == NULL)
            return NULL;
        at = 0;
    }
    c->used = at + bytes;
    a->used_bytes += bytes;
    return (char *)c->bytes + at;
}

void *sw_arena_alloc(struct sw_arena *a, size_t bytes)
{
    return take(a, bytes, _Alignof(max_align_t));
}

void *sw_arena_array(struct sw_arena *a, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total))
        return NULL;
    return sw_arena_alloc(a, total);
}

char *sw_arena_strdup(struct sw_arena *a, const char *text)
{
    return text != NULL ? sw_arena_strndup(a, text, strlen(text)) : NULL;
}

char *sw_arena_strndup(struct sw_arena *a, const char *text, size_t len)
{
    if (len == SIZE_MAX)
        return NULL;
    char *copy = take(a, len + 1, 1);
    if (copy != NULL && len > 0)
        memcpy(copy, text, len);
    return copy;
}

char *sw_arena_printf(struct sw_arena *a, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, format, ap);
    char *text = len >= 0 ? take(a, (size_t)len + 1, 1) : NULL;
    if (text != NULL)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    va_end(ap);
    return text;
}

size_t sw_arena_used(const struct sw_arena *a)
{
    return a->used_bytes;
}
