// SPDX-License-Identifier: Apache-2.0
// Targets and the journal of pushes. A push is a row with a state and a list of steps; each arrow of the state machine
// (core/ship) is written FULL-durable before its effect, so that the same command finishes after a crash.
#ifndef SW_STORE_PUSH_H
#define SW_STORE_PUSH_H

#include "core/store/store.h"

struct sw_target {
    const char *name;
    const char *address; // "bundle:/srv/out", later "kube:context", "ssh:host", "gitops:..."
    const char *options_json;
    bool is_production;
    int64_t created_ms;
};
struct sw_push {
    int64_t push_id;
    const char *model; // registered model
    int64_t version;
    const char *digest;  // pinned at start
    const char *target;  // name
    const char *address; // pinned at start
    const char *state;   // word of core/ship's state table: "planned", "verified", ..., "done", "failed"
    bool is_final;
    const char *message;   // what happened last, in words
    const char *plan_json; // template, parameters, rendered objects
    const char *result_json;
    int64_t revision; // per target and model, from 1; 0 until recorded
    const char *user;
    int64_t holder_pid, holder_ticks; // process working on it now; 0 = none
    int64_t created_ms, updated_ms;
};

enum sw_code sw_target_put(struct sw_store *s, const struct sw_target *t, struct sw_err *err); // SW_EXISTS
enum sw_code sw_target_get(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_target *out,
                           struct sw_err *err);
enum sw_code sw_target_list(struct sw_store *s, struct sw_arena *a, struct sw_target **out, size_t *count,
                            struct sw_err *err);
enum sw_code sw_target_remove(struct sw_store *s, const char *name, struct sw_err *err);

enum sw_code sw_push_add(struct sw_store *s, const struct sw_push *p, int64_t *push_id, struct sw_err *err);
// NULL fields of `p` and a revision of 0 are left as they are; state, message, is_final and the holder are always
// written; names, version, address and user never change. Used for every arrow.
enum sw_code sw_push_update(struct sw_store *s, const struct sw_push *p, struct sw_err *err);
enum sw_code sw_push_get(struct sw_store *s, int64_t push_id, struct sw_arena *a, struct sw_push *out,
                         struct sw_err *err);
// Newest first; NULL or 0 = any.
enum sw_code sw_push_search(struct sw_store *s, const char *target, const char *model, int64_t limit,
                            struct sw_arena *a, struct sw_push **out, size_t *count, struct sw_err *err);
#endif
