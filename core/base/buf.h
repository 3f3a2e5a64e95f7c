// SPDX-License-Identifier: Apache-2.0
// A growing byte string with a mandatory maximum. Invariants: `data` is never NULL after sw_buf_init() and is
// always NUL-terminated at data[len]; once an append fails (maximum or memory) the buffer is `failed`, keeps what
// it had, and ignores further appends, so a series of appends needs one check at its end (sw_buf_check()).
#ifndef SW_BASE_BUF_H
#define SW_BASE_BUF_H

#include <stdint.h>

#include "core/base/err.h"

struct sw_buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max; // largest `len`
    bool failed;
    bool no_memory; // why it failed: memory, else the maximum
};

void sw_buf_init(struct sw_buf *b, size_t max_bytes); // allocates nothing yet
void sw_buf_free(struct sw_buf *b);                   // accepts a zeroed buffer; leaves it empty and usable again
void sw_buf_clear(struct sw_buf *b);                  // len 0, not failed; keeps the memory
// Appends all `len` bytes or, on failure, none. The bytes must not lie in the buffer itself.
void sw_buf_add(struct sw_buf *b, const void *bytes, size_t len);
void sw_buf_adds(struct sw_buf *b, const char *text);
void sw_buf_addc(struct sw_buf *b, char c);
void sw_buf_addf(struct sw_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sw_buf_vaddf(struct sw_buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
void sw_buf_drop_front(struct sw_buf *b, size_t len); // removes the first `len` bytes
char *sw_buf_take(struct sw_buf *b); // take: malloc'ed string; the buffer is empty afterwards. NULL if failed.
// SW_LIMIT or SW_NO_MEMORY with `what` named when an append failed, else SW_OK.
enum sw_code sw_buf_check(const struct sw_buf *b, const char *what, struct sw_err *err);

#endif
