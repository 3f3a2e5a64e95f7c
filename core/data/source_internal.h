// SPDX-License-Identifier: Apache-2.0
// Bytes at any offset of a file, gzip or not. A gzip file is unpacked once, front to back and only as far as somebody
// reads, into an unlinked temporary file, so that going back is cheap and memory stays bounded. Every failure names the
// file and the byte. Formats read through this and never open files themselves.
#ifndef SW_DATA_SOURCE_INTERNAL_H
#define SW_DATA_SOURCE_INTERNAL_H

#include <stdint.h>

#include "core/base/err.h"

struct sw_source;

// SW_NOT_FOUND, SW_IO, SW_UNSUPPORTED when `path` is no regular file. Nothing is unpacked yet.
enum sw_code sw_source_open(const char *path, int64_t max_unpacked_bytes, struct sw_source **out /* take */,
                            struct sw_err *err);
void sw_source_free(struct sw_source *s);              // accepts NULL
const char *sw_source_path(const struct sw_source *s); // as given; borrow
const char *sw_source_name(const struct sw_source *s); // base name without ".gz"; borrow
// Reads up to `len` bytes at `offset`; *got is less only where the data ends.
enum sw_code sw_source_read(struct sw_source *s, int64_t offset, void *dst, size_t len, size_t *got,
                            struct sw_err *err);
// The file's own header says that it holds `bytes`: checks what can be checked now (SW_INVALID) and the rest while
// unpacking: neither more nor less is accepted, and a header that promises more than gzip can pack is refused at once.
enum sw_code sw_source_state_size(struct sw_source *s, int64_t bytes, struct sw_err *err);
// Unpacks at least `bytes` more; *done at the end of the data. Plain files are always done.
enum sw_code sw_source_unpack(struct sw_source *s, int64_t bytes, bool *done, struct sw_err *err);
// Size of the data (unpacked). *is_exact is false while it is extrapolated from the part unpacked so far.
int64_t sw_source_size(const struct sw_source *s, bool *is_exact);
double sw_source_unpacked(const struct sw_source *s); // fraction of the file that has been unpacked, 0 to 1

#endif
