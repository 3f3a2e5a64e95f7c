// SPDX-License-Identifier: Apache-2.0
// A region of memory freed at once: results of queries and parsed documents live in one, so that a list is freed by
// one call. Returned memory is zeroed and aligned for any type. Not thread-safe; give each result its own.
#ifndef SW_BASE_ARENA_H
#define SW_BASE_ARENA_H

#include <stddef.h>

#include "core/base/err.h"

struct sw_arena;

struct sw_arena *sw_arena_new(size_t max_bytes);                      // take; NULL when out of memory
void sw_arena_free(struct sw_arena *a);                               // accepts NULL
void *sw_arena_alloc(struct sw_arena *a, size_t bytes);               // borrow; NULL past the maximum
void *sw_arena_array(struct sw_arena *a, size_t count, size_t bytes); // checked multiplication
char *sw_arena_strdup(struct sw_arena *a, const char *text);          // NULL in, NULL out
char *sw_arena_strndup(struct sw_arena *a, const char *text, size_t len);
char *sw_arena_printf(struct sw_arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t sw_arena_used(const struct sw_arena *a); // bytes handed out

#endif
