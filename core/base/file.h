// SPDX-License-Identifier: Apache-2.0
// Files read whole with a cap, and files replaced atomically: write to a temporary name in the same folder, fsync,
// rename, fsync the folder. A failed write leaves the old file and no temporary. Files are created 0600. A symbolic
// link in the place of the file is replaced, not followed. Failpoints: "file.write", "file.rename".
#ifndef SW_BASE_FILE_H
#define SW_BASE_FILE_H

#include <stdint.h>

#include "core/base/buf.h"

// Appends a regular file to `out` (initialised by the caller; its maximum is the cap); on failure `out` keeps what it
// had. SW_NOT_FOUND, SW_LIMIT, SW_IO (also for what is no regular file).
enum sw_code sw_file_read(const char *path, struct sw_buf *out, struct sw_err *err);
// Replaces `path` atomically with `len` bytes. SW_NO_SPACE, SW_IO.
enum sw_code sw_file_write(const char *path, const void *bytes, size_t len, struct sw_err *err);
// Copies a regular file, sharing blocks where the file system can; the copy is complete and synced or absent.
enum sw_code sw_file_copy(const char *from, const char *to, struct sw_err *err);
enum sw_code sw_file_sync_dir(const char *path, struct sw_err *err);
// Writes all of `bytes` to a descriptor across short writes and EINTR. `what` names the object in the error.
enum sw_code sw_fd_write_all(int fd, const void *bytes, size_t len, const char *what, struct sw_err *err);
// Appends what is left of one file to another, in the kernel where that can be. Both names are for the error.
enum sw_code sw_fd_copy_rest(int from, int to, const char *from_what, const char *to_what, struct sw_err *err);

// Calls `visit` for each regular file below `root` in byte order of the relative path. Symbolic links and special
// files are refused with SW_INVALID, as are more than `max_files`. A visit that fails ends the walk with its code.
typedef enum sw_code (*sw_file_visit)(void *ctx, const char *relative, int64_t size_bytes, struct sw_err *err);
enum sw_code sw_file_walk(const char *root, size_t max_files, sw_file_visit visit, void *ctx, struct sw_err *err);

#endif
