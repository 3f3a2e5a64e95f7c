// SPDX-License-Identifier: Apache-2.0
// Logged models (MLflow 3): models of an experiment that a script wrote, each with params, tags and metrics of its own.
// Deleted ones are hidden. Their artifacts lie below the experiment's location in "models/<model_id>/artifacts".
// NORMAL durability. Source of limits and messages: MLflow 3.17 (server/handlers.py, store/tracking/sqlalchemy_store.py).
#ifndef SW_STORE_LOGGED_MODEL_H
#define SW_STORE_LOGGED_MODEL_H

#include "core/store/metric.h"

#define SW_MODEL_ID 35 // "m-", 32 hex digits and NUL

enum sw_logged_model_status { SW_LOGGED_MODEL_PENDING, SW_LOGGED_MODEL_READY, SW_LOGGED_MODEL_UPLOAD_FAILED };
const char *sw_logged_model_status_word(enum sw_logged_model_status status); // "LOGGED_MODEL_PENDING", MLflow's word
bool sw_logged_model_status_parse(const char *word, enum sw_logged_model_status *out);

struct sw_logged_metric {
    const char *key;
    double value;
    int64_t step, time_ms;
    const char *run_id;
    const char *dataset_name, *dataset_digest; // "" = none
};
struct sw_logged_model {
    int64_t model_key;
    char model_id[SW_MODEL_ID];
    int64_t experiment_id;
    const char *artifact_location; // the experiment's; "" = the store's own
    const char *name;
    const char *model_type;    // "" = none
    const char *source_run_id; // "" = none
    enum sw_logged_model_status status;
    const char *status_message;
    int64_t created_ms, updated_ms;
    bool is_deleted;
    struct sw_pair *params, *tags; // sorted by key
    size_t param_count, tag_count;
    struct sw_logged_metric *metrics; // all points, by key and time
    size_t metric_count;
};
struct sw_logged_model_list {
    struct sw_logged_model *items; // in arena
    size_t count;
};
struct sw_logged_model_new {
    int64_t experiment_id;
    const char *name;          // NULL = a readable one is invented
    const char *model_type;    // NULL = none
    const char *source_run_id; // NULL = none
    const struct sw_pair *params, *tags;
    size_t param_count, tag_count;
};

// SW_NOT_FOUND the experiment, SW_INVALID a deleted one, a name or text beyond the limits.
enum sw_code sw_logged_model_create(struct sw_store *s, const struct sw_logged_model_new *n,
                                    char model_id[static SW_MODEL_ID], struct sw_err *err);
// With params, tags and metrics. SW_NOT_FOUND, also for a deleted one unless `view` says so.
enum sw_code sw_logged_model_get(struct sw_store *s, const char *model_id, enum sw_view view, struct sw_arena *a,
                                 struct sw_logged_model *out, struct sw_err *err);
// "mlflow-artifacts:/<experiment>/models/<model_id>/artifacts", or below the experiment's location. In the arena; NULL when
// it is full.
const char *sw_logged_model_artifact_uri(const struct sw_logged_model *m, struct sw_arena *a);
enum sw_code sw_logged_model_finish(struct sw_store *s, const char *model_id, enum sw_logged_model_status status,
                                    struct sw_err *err);
enum sw_code sw_logged_model_delete(struct sw_store *s, const char *model_id, struct sw_err *err);
// Params never change: the same again is fine, another value is SW_INVALID.
enum sw_code sw_logged_model_add_params(struct sw_store *s, const char *model_id, const struct sw_pair *params,
                                        size_t count, struct sw_err *err);
enum sw_code sw_logged_model_set_tags(struct sw_store *s, const char *model_id, const struct sw_pair *tags,
                                      size_t count, struct sw_err *err);
// Adds {"name", "version"} to the tag "mlflow.modelVersions", where MLflow says which versions came of a logged model.
enum sw_code sw_logged_model_add_version(struct sw_store *s, const char *model_id, const char *name, int64_t version,
                                         struct sw_err *err);
enum sw_code sw_logged_model_delete_tag(struct sw_store *s, const char *model_id, const char *key, struct sw_err *err);

// Points of a run that belong to a logged model as well; the run has them already (sw_metric_write()). Exact duplicates
// are ignored. One step, NORMAL. SW_NOT_FOUND run or model.
struct sw_logged_point {
    struct sw_metric_point point;
    const char *model_id;
    const char *dataset_name, *dataset_digest; // NULL = none
};
enum sw_code sw_logged_model_add_metrics(struct sw_store *s, const char *run_id, const struct sw_logged_point *points,
                                         size_t count, struct sw_err *err);

// Attributes of filters: name, model_id, model_type, status, source_run_id (text), creation_timestamp and
// last_updated_timestamp with creation_time and last_updated_time as other names (ms); params, tags, metrics. A metric
// counts on any data set, or with `datasets` on one of those.
struct sw_logged_model_order {
    enum sw_query_field field; // SW_FIELD_ATTRIBUTE or SW_FIELD_METRIC
    const char *key;
    bool descending;
    const char *dataset_name, *dataset_digest; // of a metric; NULL = any
};
struct sw_logged_model_query {
    const struct sw_query *where; // NULL = all
    const int64_t *experiment_ids;
    size_t experiment_count;
    const struct sw_pair *datasets; // key = name, value = digest ("" = any)
    size_t dataset_count;
    const struct sw_logged_model_order *order; // NULL = newest first
    size_t order_count;
    int64_t limit, offset;
};
enum sw_code sw_logged_model_search(struct sw_store *s, const struct sw_logged_model_query *q, struct sw_arena *a,
                                    struct sw_logged_model_list *out, struct sw_err *err);

#endif
