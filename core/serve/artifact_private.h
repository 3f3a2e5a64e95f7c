// SPDX-License-Identifier: Apache-2.0
// Artifacts as callers of the API see and change them: files below "<store>/artifacts". A caller's text becomes a
// struct sw_artifact_path once, and every operation takes that type and the descriptor of the root, so no text is joined
// to a path a second time. The kernel keeps each path below the root (base/beneath.h). Nothing here reads what is in a file.
//
//   <experiment>/<run>/artifacts/...                 of runs
//   <experiment>/models/<model>/artifacts/...        of logged models
//   models/<name>/...                                registered versions: read, never written through the API
//   .uploads/                                        what is not complete (artifact_upload.c, artifact_multipart.c)
#ifndef SW_SERVE_ARTIFACT_PRIVATE_H
#define SW_SERVE_ARTIFACT_PRIVATE_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/beneath.h"

enum {
    SW_ARTIFACT_PATH = 1024,      // bytes with NUL
    SW_ARTIFACT_DEPTH = 48,       // parts of a path
    SW_ARTIFACT_ENTRIES = 100000, // of one folder: more cannot be listed
    SW_ARTIFACT_PARTS = 10000,    // of a multipart upload (S3's limit)
    SW_ARTIFACT_ID = 33,          // of a multipart upload and of its parts' ETags: 32 hex digits and NUL
};

// --- artifact_path.c ---

// Relative to the root, "" = the root itself. Invariants: contained (sw_path_is_contained()), valid UTF-8, no '#', no part
// longer than a file name may be, no part of a dot-folder of ours, and stays so however often it is percent-decoded.
struct sw_artifact_path {
    char text[SW_ARTIFACT_PATH];
    int depth; // parts
};
// From text that was decoded once. One trailing slash is dropped. SW_INVALID "Invalid path" (MLflow's words).
enum sw_code sw_artifact_path_make(struct sw_artifact_path *out, const char *text, struct sw_err *err);
// `text` below `base`; NULL or "" is `base` itself. `out` may be `base`.
enum sw_code sw_artifact_path_join(struct sw_artifact_path *out, const struct sw_artifact_path *base, const char *text,
                                   struct sw_err *err);
// From "mlflow-artifacts:/PATH". SW_INVALID for any other place: clients reach it by themselves.
enum sw_code sw_artifact_path_of_uri(struct sw_artifact_path *out, const char *uri, struct sw_err *err);
const char *sw_artifact_path_name(const struct sw_artifact_path *path); // the last part; borrow
// The experiment that the first part names. SW_INVALID when it names none, as for registered versions.
enum sw_code sw_artifact_path_experiment(const struct sw_artifact_path *path, int64_t *experiment_id,
                                         struct sw_err *err);

// --- artifact_file.c ---

// What lies in a folder, in byte order of the names. Empty for a file and for what does not exist (as MLflow answers).
// SW_LIMIT past SW_ARTIFACT_ENTRIES. In the arena.
enum sw_code sw_artifact_list(int root, const struct sw_artifact_path *path, struct sw_arena *a,
                              struct sw_beneath_entry **out, size_t *count, struct sw_err *err);
// A regular file for reading. SW_NOT_FOUND and, for a folder, SW_INVALID with MLflow's messages.
enum sw_code sw_artifact_open(int root, const struct sw_artifact_path *path, int *fd /* take */,
                              struct sw_beneath_stat *stat, struct sw_err *err);
// A file, or a folder with all in it; what is missing is success.
enum sw_code sw_artifact_remove(int root, const struct sw_artifact_path *path, struct sw_err *err);
const char *sw_artifact_type(const char *name); // "text/plain" and so on, as MLflow guesses; borrow, static
// The Content-Disposition of a download of that name (RFC 6266). In the arena; NULL when it is full.
const char *sw_artifact_disposition(const char *name, struct sw_arena *a);

// A Range header read against a file's size (RFC 9110 14.2).
enum sw_range_kind { SW_RANGE_WHOLE, SW_RANGE_PART, SW_RANGE_OUTSIDE };
struct sw_artifact_range {
    enum sw_range_kind kind;
    int64_t offset, len; // of the part, or of the whole
};
// What is no range of bytes, and several ranges at once, ask for the whole.
struct sw_artifact_range sw_artifact_range(const char *header /* NULL = none */, int64_t size_bytes);

// --- artifact_upload.c ---

// A file on its way: it collects in ".uploads" and takes its name when it is complete. What a process that died left there
// is told from what is under way by a lock (flock) that lives with the descriptor.
struct sw_artifact_upload;
enum sw_code sw_artifact_upload_begin(int root, struct sw_artifact_upload **out /* take */, struct sw_err *err);
enum sw_code sw_artifact_upload_add(struct sw_artifact_upload *u, const void *bytes, size_t len, struct sw_err *err);
enum sw_code sw_artifact_upload_add_file(struct sw_artifact_upload *u, int fd, const char *what, struct sw_err *err);
int64_t sw_artifact_upload_size(const struct sw_artifact_upload *u);
// Gives the file its name, replacing a file that has it; missing folders are made. On success `u` is freed; on failure it
// can be finished again. SW_INVALID when a folder has the name, or a file the name of one of its folders.
enum sw_code sw_artifact_upload_finish(struct sw_artifact_upload *u, const struct sw_artifact_path *path,
                                       struct sw_err *err);
void sw_artifact_upload_drop(struct sw_artifact_upload *u); // nothing of it stays; accepts NULL
// Removes what dead processes left, and multipart uploads that nobody has touched for a day. Done at start, and by the way
// when a multipart upload begins. What cannot be removed now stays for another time.
void sw_artifact_clean(int root, int64_t now_ms);

// --- artifact_multipart.c ---

// An upload in parts that come in any order, over several requests, also across a restart: a folder in ".uploads".
enum sw_code sw_artifact_parts_create(int root, const struct sw_artifact_path *path, int count,
                                      char id[static SW_ARTIFACT_ID], struct sw_err *err);
// Takes a complete part; `etag` names it from then on. A part that comes again is kept beside the former. SW_NOT_FOUND,
// SW_INVALID a number beyond the upload's count. On success `u` is freed.
enum sw_code sw_artifact_parts_put(int root, const char *id, int number, struct sw_artifact_upload *u,
                                   char etag[static SW_ARTIFACT_ID], struct sw_err *err);
struct sw_artifact_part {
    int64_t number; // from 1
    const char *etag;
};
// Puts the parts together as the file that sw_artifact_parts_create() named, which `path` must be. They must be all parts,
// in order. Completing again what was completed is success. SW_NOT_FOUND, SW_INVALID.
enum sw_code sw_artifact_parts_complete(int root, const char *id, const struct sw_artifact_path *path,
                                        const struct sw_artifact_part *parts, size_t count, struct sw_err *err);
// SW_NOT_FOUND, SW_INVALID when `path` is another's.
enum sw_code sw_artifact_parts_abort(int root, const char *id, const struct sw_artifact_path *path, struct sw_err *err);

#endif
