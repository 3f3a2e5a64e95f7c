// SPDX-License-Identifier: Apache-2.0
// The body of log-batch and log-metric, read straight into points: the one request whose size decides how fast a server
// takes metrics in. What MLflow's validation refuses is refused here, before the writer sees it.
#ifndef SW_SERVE_BATCH_PRIVATE_H
#define SW_SERVE_BATCH_PRIVATE_H

#include "core/base/arena.h"
#include "core/store/logged_model.h"

enum { SW_BATCH_METRICS = 1000, SW_BATCH_PAIRS = 100, SW_BATCH_ENTITIES = 1000 };

// Texts live in the body, arrays in the arena.
struct sw_batch {
    const char *run_id;
    bool is_single; // of log-metric
    struct sw_metric_point *points;
    size_t point_count;
    struct sw_logged_point *linked; // those of the points that name a logged model
    size_t linked_count;
    struct sw_pair *params, *tags;
    size_t param_count, tag_count;
};

// `text` (NUL at text[len]) is changed in place. SW_INVALID with MLflow's message, SW_USAGE for what is no JSON object.
enum sw_code sw_batch_read(char *text, size_t len, struct sw_arena *a, struct sw_batch *out, struct sw_err *err);
// log-metric: the one metric's members stand in the object itself.
enum sw_code sw_batch_read_metric(char *text, size_t len, struct sw_arena *a, struct sw_batch *out, struct sw_err *err);

#endif
