// SPDX-License-Identifier: Apache-2.0
// Registered data sets: a name and its versions, each bound to a content digest. What a path means and how it is read
// is core/data's business; here are only the rows.
#ifndef SW_STORE_DATASET_H
#define SW_STORE_DATASET_H

#include "core/store/store.h"

struct sw_dataset {
    int64_t dataset_id;
    const char *name;
    int64_t version;    // from 1
    const char *path;   // absolute
    const char *format; // "idx", "csv", ...
    const char *digest; // sha256 hex of the sorted file list (see core/model/tree digest rule)
    int64_t size_bytes;
    const char *schema_json; // columns and splits as core/data describes them
    int64_t created_ms;
};

// Adds a version unless the newest one has this digest and path (then returns that one).
enum sw_code sw_dataset_add(struct sw_store *s, const struct sw_dataset *d, int64_t *dataset_id, struct sw_err *err);
enum sw_code sw_dataset_list(struct sw_store *s, struct sw_arena *a, struct sw_dataset **out, size_t *count,
                             struct sw_err *err); // newest version of each name, by name
// NAME, NAME@DIGEST_PREFIX or NAME/VERSION.
enum sw_code sw_dataset_get(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_dataset *out,
                            struct sw_err *err);
enum sw_code sw_dataset_remove(struct sw_store *s, const char *name,
                               struct sw_err *err); // hides the name; rows stay for runs
#endif
