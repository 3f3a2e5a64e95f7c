// SPDX-License-Identifier: Apache-2.0
// The model registry as MLflow knows it: registered models with tags and aliases, and what is done with their versions:
// stages, tags, renaming, deleting, searching. Messages are MLflow's where MLflow has one. Every change is one FULL step and,
// where it says which version is used for what, leaves an audit row in it.
// Source of limits and rules: MLflow 3.17 (store/model_registry/sqlalchemy_store.py, utils/validation.py).
#ifndef SW_STORE_REGISTERED_MODEL_H
#define SW_STORE_REGISTERED_MODEL_H

#include "core/store/model.h"

#define SW_PROMPT_TAG "mlflow.prompt.is_prompt" // "true" on a registered model: it is a prompt, which searches hide

struct sw_model_alias {
    const char *alias;
    int64_t version;
};
struct sw_registered_model {
    const char *name;
    const char *description; // "" = none
    int64_t created_ms, updated_ms;
    struct sw_pair *tags; // sorted by key
    size_t tag_count;
    struct sw_model_alias *aliases; // sorted by alias
    size_t alias_count;
    struct sw_model_version *latest; // the newest version of each stage, with tags; without the list of files
    size_t latest_count;
};
struct sw_registered_model_list {
    struct sw_registered_model *items; // in arena
    size_t count;
};
struct sw_model_version_list {
    struct sw_model_version *items;
    size_t count;
};

// --- registered models ---
// SW_EXISTS, SW_INVALID. A deleted one of that name comes back empty and goes on counting its versions.
enum sw_code sw_registered_model_create(struct sw_store *s, const char *name, const char *description,
                                        const struct sw_pair *tags, size_t tag_count, struct sw_err *err);
// SW_NOT_FOUND, SW_INVALID name.
enum sw_code sw_registered_model_get(struct sw_store *s, const char *name, struct sw_arena *a,
                                     struct sw_registered_model *out, struct sw_err *err);
enum sw_code sw_registered_model_require(struct sw_store *s, const char *name,
                                         struct sw_err *err); // the same as a check
enum sw_code sw_registered_model_is_prompt(struct sw_store *s, const char *name, bool *out, struct sw_err *err);
enum sw_code sw_registered_model_describe(struct sw_store *s, const char *name, const char *description,
                                          struct sw_err *err);
// The old name keeps its place so that its numbers are not used again. SW_EXISTS; SW_INVALID when an approval names the
// model, or when the new name belonged to a deleted model whose versions are still there.
enum sw_code sw_registered_model_rename(struct sw_store *s, const char *name, const char *new_name, struct sw_err *err);
// Hides it and its versions; aliases and tags go.
enum sw_code sw_registered_model_delete(struct sw_store *s, const char *name, struct sw_err *err);
enum sw_code sw_registered_model_set_tag(struct sw_store *s, const char *name, const char *key,
                                         const char *value /* NULL deletes; none is fine */, struct sw_err *err);
// Attributes of filters and orders: name, and for orders creation_timestamp (which MLflow takes for the last update) and
// last_updated_timestamp; tags. Default order: name. Prompts are hidden unless the filter asks for them.
enum sw_code sw_registered_model_search(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                        struct sw_registered_model_list *out, struct sw_err *err);

// --- versions, with tags and without the list of files ---
enum sw_code sw_model_version_find(struct sw_store *s, const char *name, int64_t version, struct sw_arena *a,
                                   struct sw_model_version *out, struct sw_err *err); // SW_NOT_FOUND
// "latest" is the greatest number. SW_INVALID when there is no such alias, as MLflow has it.
enum sw_code sw_model_version_find_alias(struct sw_store *s, const char *name, const char *alias, struct sw_arena *a,
                                         struct sw_model_version *out, struct sw_err *err);
// The newest of each of these stages (none = all of them), in any spelling of case. SW_INVALID for a word that is no stage.
enum sw_code sw_model_version_latest(struct sw_store *s, const char *name, const char *const *stages,
                                     size_t stage_count, struct sw_arena *a, struct sw_model_version_list *out,
                                     struct sw_err *err);
enum sw_code sw_model_version_describe(struct sw_store *s, const char *name, int64_t version, const char *description,
                                       struct sw_err *err);
// `archive_others`: versions that are in that stage now become "Archived"; only for "Staging" and "Production".
enum sw_code sw_model_version_set_stage(struct sw_store *s, const char *name, int64_t version, const char *stage,
                                        bool archive_others, struct sw_err *err);
// Hides it; its aliases go.
enum sw_code sw_model_version_delete(struct sw_store *s, const char *name, int64_t version, struct sw_err *err);
enum sw_code sw_model_version_set_tag(struct sw_store *s, const char *name, int64_t version, const char *key,
                                      const char *value /* NULL deletes; none is fine */, struct sw_err *err);
// Key and value within MLflow's limits for the registry.
enum sw_code sw_registry_tag_check(const char *key, const char *value, struct sw_err *err);
// Attributes of filters: name, version_number, run_id, source_path; tags. Of orders: name, version_number,
// creation_timestamp, last_updated_timestamp. Default order: newest update, name, greatest number.
enum sw_code sw_model_version_search(struct sw_store *s, const struct sw_search *q, struct sw_arena *a,
                                     struct sw_model_version_list *out, struct sw_err *err);

#endif
