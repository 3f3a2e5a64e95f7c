// SPDX-License-Identifier: Apache-2.0
// Versions of models, evaluations and approvals: the rows. Digest rules, policy and signatures are core/model's; what the
// registry of MLflow does with models and versions beyond this is in registered_model.h. Version numbers are never reused.
// Approvals are FULL-durable and never deleted, only revoked. Deleted models and versions are hidden: nothing here finds
// them, their evaluations and approvals stay.
#ifndef SW_STORE_MODEL_H
#define SW_STORE_MODEL_H

#include "core/store/run.h"

#define SW_MODEL_NAME_MAX 250 // bytes

// What MLflow takes as a name, without what is unsafe in a path, a URI or NAME@alias. SW_INVALID with MLflow's words where
// MLflow refuses it as well.
enum sw_code sw_model_name_check(const char *name, struct sw_err *err);

struct sw_model_version {
    const char *name;       // registered model
    int64_t version;        // from 1
    const char *digest;     // tree digest, sha256 hex; "" = the bytes are elsewhere, see `storage_uri`
    const char *path;       // absolute folder inside the store's artifacts; "" = elsewhere
    const char *files_json; // [{"path","size_bytes","sha256"}], sorted by path
    int64_t size_bytes;
    char run_id[SW_RUN_ID]; // "" when registered from files
    const char *user;
    const char *description;
    int64_t created_ms;
    const char *aliases;     // comma list, "" when none
    const char *source;      // URI that the script named; "" = registered from files or a run
    const char *storage_uri; // where the bytes are when not here
    const char *run_link, *model_id;
    const char *stage; // "None", "Staging", "Production", "Archived"
    int64_t updated_ms;
    struct sw_pair *tags; // loaded by the functions of registered_model.h only; sorted by key
    size_t tag_count;
};
struct sw_evaluation {
    int64_t evaluation_id;
    const char *name;
    int64_t version;
    const char *model_digest;
    const char *dataset; // name or path as given
    const char *dataset_digest;
    const char *split;
    const char *metrics_json; // {"accuracy":0.92,...}
    int64_t created_ms;
};
struct sw_approval {
    int64_t approval_id;
    const char *name;
    int64_t version;
    const char *digest;
    const char *user;
    const char *policy; // file name
    const char *policy_digest;
    const char *statement; // the exact signed text (JSON)
    const char *signature; // armoured SSH signature or ""
    const char *comment;
    int64_t created_ms;
    int64_t revoked_ms; // 0 = in force
    const char *revoked_by, *revoke_reason;
};

// Makes the registered model when missing; keeps the tags.
enum sw_code sw_model_version_add(struct sw_store *s, const struct sw_model_version *v, int64_t *version,
                                  struct sw_err *err);
// The number that the next version of `name` gets, which need not exist.
enum sw_code sw_model_next_version(struct sw_store *s, const char *name, int64_t *version, struct sw_err *err);
enum sw_code sw_model_version_list(struct sw_store *s, const char *name /* NULL = all */, struct sw_arena *a,
                                   struct sw_model_version **out, size_t *count, struct sw_err *err); // newest first
// NAME (newest), NAME@alias, NAME/3.
enum sw_code sw_model_version_get(struct sw_store *s, const char *spec, struct sw_arena *a,
                                  struct sw_model_version *out, struct sw_err *err);
// With an audit row.
enum sw_code sw_model_set_alias(struct sw_store *s, const char *name, const char *alias,
                                int64_t version /* 0 deletes */, struct sw_err *err);
enum sw_code sw_evaluation_add(struct sw_store *s, const struct sw_evaluation *e, int64_t *id, struct sw_err *err);
enum sw_code sw_evaluation_list(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                                struct sw_evaluation **out, size_t *count, struct sw_err *err); // newest first
enum sw_code sw_approval_add(struct sw_store *s, const struct sw_approval *a, int64_t *id, struct sw_err *err);
enum sw_code sw_approval_list(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                              struct sw_approval **out, size_t *count, struct sw_err *err); // newest first
enum sw_code sw_approval_revoke(struct sw_store *s, int64_t approval_id, const char *user, const char *reason,
                                struct sw_err *err);
#endif
