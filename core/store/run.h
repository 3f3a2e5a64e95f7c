// SPDX-License-Identifier: Apache-2.0
// Experiments and runs, with MLflow's id formats and limits: experiments are numbered from 0 ("Default", always there),
// run ids are 32 hex digits. Results live in an arena that the caller frees.
// Source of limits: MLflow 3 validation (run name and keys 250/255, param value 6000, tag value 8000).
#ifndef SW_STORE_RUN_H
#define SW_STORE_RUN_H

#include "core/store/query.h"
#include "core/store/store.h"

#define SW_RUN_ID 33 // 32 hex digits and NUL

enum sw_run_status { SW_RUN_SCHEDULED, SW_RUN_RUNNING, SW_RUN_FINISHED, SW_RUN_FAILED, SW_RUN_KILLED };
const char *sw_run_status_word(enum sw_run_status status); // "RUNNING", as MLflow spells it

struct sw_experiment {
    int64_t experiment_id;
    const char *name;
    int64_t created_ms;
    bool is_deleted;
};

struct sw_pair {
    const char *key;
    const char *value;
};

// Latest value of one metric with its extremes; kept as points arrive, so that a table needs no scan.
struct sw_metric_summary {
    const char *key;
    double last, min, max; // last may be NaN; min and max ignore NaN
    bool has_range;        // false when every point was NaN
    int64_t last_step, count;
};

struct sw_run {
    char run_id[SW_RUN_ID];
    int64_t experiment_id;
    const char *experiment_name;
    const char *name;
    enum sw_run_status status;
    const char *user;
    const char *source; // what ran: command line, one string
    int64_t start_ms;
    int64_t end_ms; // 0 = not ended
    bool is_deleted;
    int64_t job_id;   // 0 = not made by a job
    const char *note; // tag mlflow.note.content, "" when none
    struct sw_pair *params;
    size_t param_count;
    struct sw_pair *tags;
    size_t tag_count;
    struct sw_metric_summary *metrics;
    size_t metric_count;
};

struct sw_run_list {
    struct sw_run *items; // in arena
    size_t count;
    int64_t total; // matches without the limit
};

struct sw_run_new {
    const char *run_id;     // NULL = made here
    const char *experiment; // name, made when missing; NULL = "Default"
    const char *name;       // NULL = a readable name is invented
    const char *source;
    int64_t job_id;
    enum sw_run_status status;
    int64_t start_ms; // 0 = now
};

enum sw_code sw_experiment_list(struct sw_store *s, struct sw_arena *a, struct sw_experiment **out, size_t *count,
                                struct sw_err *err);
enum sw_code sw_run_create(struct sw_store *s, const struct sw_run_new *n, char run_id[static SW_RUN_ID],
                           struct sw_err *err);
// Id, unique prefix of >= 4 characters, or name (the newest of equal names is no answer: SW_AMBIGUOUS lists candidates).
enum sw_code sw_run_resolve(struct sw_store *s, const char *name, char run_id[static SW_RUN_ID], struct sw_err *err);
// With params, tags and metric summaries.
enum sw_code sw_run_get(struct sw_store *s, const char *run_id, struct sw_arena *a, struct sw_run *out,
                        struct sw_err *err);

enum { SW_RUN_WITH_PARAMS = 1, SW_RUN_WITH_TAGS = 2, SW_RUN_WITH_METRICS = 4 };
struct sw_run_query {
    const struct sw_query *where;       // NULL = all (see query.h; core/track parses text into it)
    const struct sw_query_order *order; // NULL = newest first
    size_t order_count;
    int64_t experiment_id; // -1 = all
    bool deleted;          // true = only deleted ones
    int64_t limit, offset; // limit 0 = 100
    unsigned with;         // SW_RUN_WITH_*: what to load beside the row
};
enum sw_code sw_run_search(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a,
                           struct sw_run_list *out, struct sw_err *err);

enum sw_code sw_run_finish(struct sw_store *s, const char *run_id, enum sw_run_status status, int64_t end_ms,
                           struct sw_err *err);
enum sw_code sw_run_set_status(struct sw_store *s, const char *run_id, enum sw_run_status status, struct sw_err *err);
enum sw_code sw_run_rename(struct sw_store *s, const char *run_id, const char *name, struct sw_err *err);
// A param is immutable: the same value again is fine, another value is SW_INVALID (MLflow's rule).
enum sw_code sw_run_set_param(struct sw_store *s, const char *run_id, const char *key, const char *value,
                              struct sw_err *err);
enum sw_code sw_run_set_tag(struct sw_store *s, const char *run_id, const char *key, const char *value, // NULL deletes
                            struct sw_err *err);
enum sw_code sw_run_set_deleted(struct sw_store *s, const char *run_id, bool deleted, struct sw_err *err);
// "<store>/artifacts/<experiment>/<run>/artifacts"; the folder is made. `out` has SW_PATH_MAX bytes.
enum sw_code sw_run_artifact_dir(struct sw_store *s, const char *run_id, char *out, struct sw_err *err);

// Links a data set version to a run ("train", "eval"...).
enum sw_code sw_run_add_input(struct sw_store *s, const char *run_id, int64_t dataset_id, const char *context,
                              struct sw_err *err);
#endif
