// SPDX-License-Identifier: Apache-2.0
// What a run says it read and wrote: logged data sets (MLflow's dataset inputs), models as inputs and as outputs. A
// logged data set is one row for each name and digest in an experiment; the same one logged again keeps its first fields.
// Source of limits: MLflow 3 validation (name 500, digest 36, source 65,535, schema 1,048,575, profile 16,777,215 bytes,
// tag key 255, tag value 500).
#ifndef SW_STORE_LOGGED_INPUT_H
#define SW_STORE_LOGGED_INPUT_H

#include "core/store/run.h"

struct sw_logged_dataset {
    const char *name, *digest;
    const char *source_type, *source;
    const char *schema, *profile; // "" = none
    struct sw_pair *tags;         // of the link to the run; "mlflow.data.context" is the context
    size_t tag_count;
};
struct sw_model_output {
    const char *model_id;
    int64_t step;
};
struct sw_run_links {
    struct sw_logged_dataset *datasets;
    size_t dataset_count;
    const char **model_inputs;
    size_t model_input_count;
    struct sw_model_output *model_outputs;
    size_t model_output_count;
};

// Adds data sets and model inputs to a run in one step; what is linked already stays as it is, its tags too (MLflow's
// rule). NORMAL durability. SW_NOT_FOUND, SW_INVALID.
enum sw_code sw_run_log_inputs(struct sw_store *s, const char *run_id, const struct sw_logged_dataset *datasets,
                               size_t dataset_count, const char *const *model_ids, size_t model_count,
                               struct sw_err *err);
// An output that is there already gets the new step.
enum sw_code sw_run_log_outputs(struct sw_store *s, const char *run_id, const struct sw_model_output *outputs,
                                size_t count, struct sw_err *err);
// All links of a run. Registered data sets that a job was started with (run_input) stand among the data sets, with source
// type "slipway", their path as source and their context as tag.
enum sw_code sw_run_load_links(struct sw_store *s, const char *run_id, struct sw_arena *a, struct sw_run_links *out,
                               struct sw_err *err);

struct sw_dataset_summary {
    int64_t experiment_id;
    const char *name, *digest, *context; // "" = no context
};
// Distinct data sets and contexts that runs of these experiments read, deleted runs too, at most `limit`; by experiment as
// listed, then by name, digest and context.
enum sw_code sw_logged_dataset_search(struct sw_store *s, const int64_t *experiment_ids, size_t experiment_count,
                                      int64_t limit, struct sw_arena *a, struct sw_dataset_summary **out, size_t *count,
                                      struct sw_err *err);

#endif
