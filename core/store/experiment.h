// SPDX-License-Identifier: Apache-2.0
// Experiments: numbered from 0 ("Default", always there), named uniquely, deleted ones included. Deleting one deletes its
// active runs with it, restoring brings all its runs back (MLflow's rule). Results live in an arena that the caller frees.
// Source of limits: MLflow 3 validation (name 500, tag key 250, tag value 20,000 bytes).
#ifndef SW_STORE_EXPERIMENT_H
#define SW_STORE_EXPERIMENT_H

#include "core/store/query.h"
#include "core/store/store.h"

struct sw_pair {
    const char *key;
    const char *value;
};

struct sw_experiment {
    int64_t experiment_id;
    const char *name;
    const char *artifact_location; // "" = the store keeps its artifacts
    int64_t created_ms, updated_ms;
    bool is_deleted;
    struct sw_pair *tags; // sorted by key
    size_t tag_count;
};
struct sw_experiment_list {
    struct sw_experiment *items;
    size_t count;
};
struct sw_experiment_new {
    const char *name;
    const char *artifact_location; // NULL = the store's own
    const struct sw_pair *tags;
    size_t tag_count;
};

// All of them by number, without tags.
enum sw_code sw_experiment_list(struct sw_store *s, struct sw_arena *a, struct sw_experiment **out, size_t *count,
                                struct sw_err *err);
// SW_EXISTS names a deleted one of that name as such; SW_INVALID a name or tag beyond the limits.
enum sw_code sw_experiment_create(struct sw_store *s, const struct sw_experiment_new *n, int64_t *experiment_id,
                                  struct sw_err *err);
// With tags, deleted or not. SW_NOT_FOUND.
enum sw_code sw_experiment_get(struct sw_store *s, int64_t experiment_id, struct sw_arena *a, struct sw_experiment *out,
                               struct sw_err *err);
enum sw_code sw_experiment_find(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_experiment *out,
                                struct sw_err *err);
// Attributes of filters and orders: name, creation_time, last_update_time, experiment_id; tags in filters alone. Default
// order: newest first, then by number. A caller learns of a next page by asking for one row more than it shows.
enum sw_code sw_experiment_search(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                  struct sw_experiment_list *out, struct sw_err *err);
// The rest: SW_NOT_FOUND. Renaming, deleting and restoring set `updated_ms`.
// SW_CONFLICT a deleted one, SW_EXISTS.
enum sw_code sw_experiment_rename(struct sw_store *s, int64_t experiment_id, const char *name, struct sw_err *err);
// SW_NOT_FOUND also for one that is deleted, or not deleted, already.
enum sw_code sw_experiment_set_deleted(struct sw_store *s, int64_t experiment_id, bool deleted, struct sw_err *err);
// SW_INVALID a deleted one.
enum sw_code sw_experiment_set_tag(struct sw_store *s, int64_t experiment_id, const char *key,
                                   const char *value, // NULL deletes: SW_NOT_FOUND when there is none
                                   struct sw_err *err);

#endif
