// SPDX-License-Identifier: Apache-2.0
// One canonical tar (POSIX.1-2001 ustar), byte for byte: regular files only, mode 0644, ids 0, no names, time
// 1980-01-01, each file once, MANIFEST first and the rest sorted by path, everything below one folder named after the
// model. Sizes from 8 GiB on use the base-256 form that GNU tar, bsdtar and Python read. Written here and not with
// libarchive because reading must be as strict as writing is fixed: a reader that rebuilds each header and compares
// notices every byte that we would not have written, in headers and padding too, and needs no archive parser.
#ifndef SW_SHIP_TAR_PRIVATE_H
#define SW_SHIP_TAR_PRIVATE_H

#include "core/ship/package.h"

#define TAR_BLOCK 512

// The header of one file. SW_LIMIT for a path that ustar cannot hold (255 bytes, split at a '/').
enum sw_code tar_header(const char *path, int64_t size_bytes, unsigned char out[static TAR_BLOCK], struct sw_err *err);
// Bytes of a whole archive of this package.
int64_t tar_size(const struct sw_package *p);
// Writes the package to `fd`, hashing the model's files while reading: SW_CORRUPT when one changed. Not synced.
enum sw_code tar_write(int fd, const struct sw_package *p, sw_model_progress progress, void *ctx, struct sw_err *err);

struct tar_content {
    const char *folder;   // the one folder, i.e. the model's name
    const char *manifest; // bytes of MANIFEST
    size_t manifest_len;
    struct sw_model_files files;       // everything else
    struct sw_package_part *approvals; // bytes of files at the top whose name starts with SW_PACKAGE_APPROVAL
    size_t approval_count;
};
// Reads and hashes an archive. SW_CORRUPT says at which byte it is not one that tar_write() wrote.
enum sw_code tar_read(const char *path, struct sw_arena *a, struct tar_content *out, struct sw_err *err);
// True when the file starts as our archives do, whatever follows; `folder` gets the model's name.
bool tar_is_ours(const char *path, char folder[static SW_MODEL_NAME_MAX + 1]);

#endif
