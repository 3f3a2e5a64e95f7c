// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) through libcrypto. Digests travel as 64 lower-case hex digits; where an algorithm is named
// the text form is "sha256:HEX". Should libcrypto fail, `hex` becomes "", which is no digest.
#ifndef SW_BASE_HASH_H
#define SW_BASE_HASH_H

#include <stdint.h>

#include "core/base/err.h"

#define SW_SHA256_HEX 65 // 64 digits and NUL

struct sw_sha256;

struct sw_sha256 *sw_sha256_new(void); // take; NULL when out of memory
void sw_sha256_add(struct sw_sha256 *h, const void *bytes, size_t len);
void sw_sha256_end(struct sw_sha256 *h, char hex[static SW_SHA256_HEX]); // frees `h`
void sw_sha256_hex(const void *bytes, size_t len, char hex[static SW_SHA256_HEX]);
// Digest and size of a regular file, read once in blocks. `size_bytes` may be NULL.
enum sw_code sw_sha256_file(const char *path, char hex[static SW_SHA256_HEX], int64_t *size_bytes, struct sw_err *err);

// 128 random bits from the kernel as 32 hex digits (MLflow's run id format).
enum sw_code sw_random_id(char hex[static 33], struct sw_err *err);

#endif
