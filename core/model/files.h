// SPDX-License-Identifier: Apache-2.0
// A model as a list of files: what a folder holds, down to the byte, and one digest for all of it. The rule, also
// used for data sets: one line a file, "SHA256  SIZE  PATH\n", sorted by the bytes of PATH (relative, '/' between
// parts); the tree digest is the SHA-256 of these lines. Nothing here interprets a file's content.
#ifndef SW_MODEL_FILES_H
#define SW_MODEL_FILES_H

#include <jansson.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/hash.h"

#define SW_MODEL_FILES_MAX       10000       // files in one model
#define SW_MODEL_FILES_TEXT_MAX  (8u << 20)  // bytes of the canonical lines and of their JSON form
#define SW_MODEL_FILES_ARENA_MAX (64u << 20) // an arena of this size holds any list

struct sw_model_file {
    const char *path; // contained (see sw_path_is_contained), valid UTF-8
    int64_t size_bytes;
    char sha256[SW_SHA256_HEX];
};

// Invariants: `items` sorted by the bytes of `path`, no path twice; `digest` and `size_bytes` fit the items.
struct sw_model_files {
    struct sw_model_file *items; // in arena
    size_t count;
    int64_t size_bytes;
    char digest[SW_SHA256_HEX];
};

// Hashes every regular file below `root`. Symbolic links, special files, names that are not contained or not UTF-8
// and an empty folder give SW_INVALID; too many files SW_LIMIT.
enum sw_code sw_model_files_scan(const char *root, struct sw_arena *a, struct sw_model_files *out, struct sw_err *err);
// Sorts and digests `count` items that the caller collected. SW_INVALID for a path that is unfit or comes twice.
enum sw_code sw_model_files_seal(struct sw_model_file *items, size_t count, struct sw_model_files *out,
                                 struct sw_err *err);
// The canonical lines. `out` is initialised by the caller.
enum sw_code sw_model_files_write(const struct sw_model_files *files, struct sw_buf *out, struct sw_err *err);
// Reads canonical lines and refuses, with SW_CORRUPT, any text that sw_model_files_write() would not have written.
enum sw_code sw_model_files_read(const char *text, size_t len, const char *name, struct sw_arena *a,
                                 struct sw_model_files *out, struct sw_err *err);
// JSON form: [{"path","size_bytes","sha256"}] as the store keeps it.
json_t *sw_model_files_to_json(const struct sw_model_files *files); // take; NULL when out of memory
enum sw_code sw_model_files_from_json(const char *text, const char *name, struct sw_arena *a,
                                      struct sw_model_files *out, struct sw_err *err);
const struct sw_model_file *sw_model_files_find(const struct sw_model_files *files,
                                                const char *path); // borrow

// Does `have` differ from `want`? SW_CORRUPT names the first changed or missing file, else the first added one, with
// both digests; SW_OK when equal. `object` is what the sentence is about ("fashion-cnn/3").
enum sw_code sw_model_files_compare(const struct sw_model_files *want, const struct sw_model_files *have,
                                    const char *object, struct sw_err *err);

// Told after each block how many bytes were moved; false asks to stop, which ends the work with SW_CANCELLED.
typedef bool (*sw_model_progress)(void *ctx, int64_t bytes);
// Copies `from_root`/file->path to `to_root`/file->path (folders are made), hashing while reading: a copy that does
// not have the expected size and digest is removed and reported as SW_CORRUPT. The copy is synced. A file that is
// already there with the right digest is kept. Failpoint "model.copy".
enum sw_code sw_model_file_copy(const char *from_root, const char *to_root, const struct sw_model_file *file,
                                sw_model_progress progress, void *ctx, struct sw_err *err);
// fsync of `root` and every folder below it: with the files synced before, the tree survives power loss.
enum sw_code sw_model_sync_tree(const char *root, struct sw_err *err);

#endif
