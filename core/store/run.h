// SPDX-License-Identifier: Apache-2.0
// Runs, with MLflow's id format and limits: run ids are 32 hex digits. Results live in an arena that the caller frees.
// Source of limits: MLflow 3 validation (run name and keys 250/255, param value 6000, tag value 8000).
#ifndef SW_STORE_RUN_H
#define SW_STORE_RUN_H

#include "core/store/experiment.h"

#define SW_RUN_ID 33 // 32 hex digits and NUL

enum sw_run_status { SW_RUN_SCHEDULED, SW_RUN_RUNNING, SW_RUN_FINISHED, SW_RUN_FAILED, SW_RUN_KILLED };
const char *sw_run_status_word(enum sw_run_status status); // "RUNNING", as MLflow spells it

// Latest value of one metric with its extremes; kept as points arrive, so that a table needs no scan.
struct sw_metric_summary {
    const char *key;
    double last, min, max; // last may be NaN; min and max ignore NaN
    bool has_range;        // false when every point was NaN
    int64_t last_step, count, last_time_ms;
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
    int64_t end_ms;                 // 0 = not ended
    int64_t artifact_experiment_id; // keeps its artifacts: its own, or for a moved run the first one
    const char *artifact_location;  // of that experiment; "" = the store's own
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
    int64_t total; // matches without the limit; -1 when not asked for
};

struct sw_run_new {
    const char *run_id;     // NULL = made here
    const char *experiment; // name, made when missing; NULL = the one of `experiment_id`
    int64_t experiment_id;  // 0 = "Default"; looked at when there is no name
    const char *user;       // NULL = the login name
    const char *name;       // NULL or "" = a readable name is invented. Also becomes the tag mlflow.runName
    const char *source;
    int64_t job_id;
    enum sw_run_status status;
    int64_t start_ms; // 0 = now
};

// SW_NOT_FOUND no such experiment, SW_INVALID it is deleted or a text is beyond the limits, SW_EXISTS the run id is taken.
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
    const struct sw_query_order *order; // NULL = newest first; equal ones by start time, newest first, and id
    size_t order_count;
    int64_t experiment_id;         // -1 = all, or those of `experiment_ids`
    const int64_t *experiment_ids; // NULL = all; an empty list fits nothing
    size_t experiment_count;
    enum sw_view view;     // SW_VIEW_ACTIVE by default
    bool is_text_order;    // params and tags are ordered as text (MLflow's rule), not as numbers where they are numbers
    bool no_total;         // the total is not counted: a caller asks for one row more than it shows
    int64_t limit, offset; // limit 0 = 100
    unsigned with;         // SW_RUN_WITH_*: what to load beside the row
};
enum sw_code sw_run_search(struct sw_store *s, const struct sw_run_query *q, struct sw_arena *a,
                           struct sw_run_list *out, struct sw_err *err);

enum sw_code sw_run_finish(struct sw_store *s, const char *run_id, enum sw_run_status status, int64_t end_ms,
                           struct sw_err *err);
enum sw_code sw_run_set_status(struct sw_store *s, const char *run_id, enum sw_run_status status, struct sw_err *err);
enum sw_code sw_run_rename(struct sw_store *s, const char *run_id, const char *name, struct sw_err *err);
// Several of these in one step; members that are not set stay. The name and the tag mlflow.runName change together, here
// and in sw_run_rename() and sw_run_set_tag().
struct sw_run_change {
    bool has_status, has_end;
    enum sw_run_status status;
    int64_t end_ms;
    const char *name; // NULL = stays
};
enum sw_code sw_run_update(struct sw_store *s, const char *run_id, const struct sw_run_change *change,
                           struct sw_err *err);
// What a writer must know of a run, at the price of one lookup. SW_NOT_FOUND.
struct sw_run_peek {
    int64_t experiment_id;
    enum sw_run_status status;
    bool is_deleted;
};
enum sw_code sw_run_peek(struct sw_store *s, const char *run_id, struct sw_run_peek *out, struct sw_err *err);
// Moves a run to another experiment; its artifacts stay where they are. SW_NOT_FOUND, SW_INVALID a deleted experiment.
enum sw_code sw_run_move(struct sw_store *s, const char *run_id, int64_t experiment_id, struct sw_err *err);
// "mlflow-artifacts:/<experiment>/<run>/artifacts", or below that experiment's location. In the arena; NULL when it is full.
const char *sw_run_artifact_uri(const struct sw_run *run, struct sw_arena *a);
// A param is immutable: the same value again is fine, another value is SW_INVALID (MLflow's rule).
enum sw_code sw_run_set_param(struct sw_store *s, const char *run_id, const char *key, const char *value,
                              struct sw_err *err);
// An empty mlflow.runName is accepted and changes nothing (MLflow's rule).
enum sw_code sw_run_set_tag(struct sw_store *s, const char *run_id, const char *key,
                            const char *value, // NULL deletes: SW_NOT_FOUND when there is none
                            struct sw_err *err);
enum sw_code sw_run_set_deleted(struct sw_store *s, const char *run_id, bool deleted, struct sw_err *err);
// "<store>/artifacts/<artifact_experiment_id>/<run>/artifacts", also where that has a location elsewhere; the folder is made.
// `out` has SW_PATH_MAX bytes.
enum sw_code sw_run_artifact_dir(struct sw_store *s, const char *run_id, char *out, struct sw_err *err);

// Links a data set version to a run ("train", "eval"...).
enum sw_code sw_run_add_input(struct sw_store *s, const char *run_id, int64_t dataset_id, const char *context,
                              struct sw_err *err);
#endif
