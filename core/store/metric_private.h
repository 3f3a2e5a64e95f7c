// SPDX-License-Identifier: Apache-2.0
// The state of a metric series and its buckets, shared by the writer (metric.c) and the reader (metric_read.c).
#ifndef SW_STORE_METRIC_PRIVATE_H
#define SW_STORE_METRIC_PRIVATE_H

#include "core/store/metric.h"
#include "core/store/store_private.h"

// Each level holds an eighth of the buckets of the level below; 12 levels reach 7e10 points in one series.
enum { SW_LEVEL_FACTOR = 8, SW_LEVEL_MAX = 12 };

_Static_assert(sizeof(struct sw_metric_bucket) == 64,
               "buckets lie in the store as they are; another layout needs a migration");

// Invariants: open[L-1] is the open bucket of level L. It holds the points since the last complete bucket of level L
// without those that still lie in open buckets below, so the tail of level L is open[L-1], ..., open[0] merged.
struct sw_series_state {
    int64_t step, time_ms; // of the latest point in the order (step, time, value)
    double value;          // 0 when is_nan
    bool is_nan;
    double min, max; // NaN while every point was NaN
    int64_t count;
    int64_t min_step;
    bool is_ordered; // every point came with a step not below the greatest before it
    int level_count;
    struct sw_metric_bucket open[SW_LEVEL_MAX];
};

// An unknown series gives the empty state. SW_CORRUPT.
enum sw_code sw_series_load(struct sw_store *s, int64_t run_key, int64_t key_id, struct sw_series_state *state,
                            struct sw_err *err);
// 0 when no run has logged that key.
enum sw_code sw_metric_key_id(struct sw_store *s, const char *key, int64_t *key_id, struct sw_err *err);
// `newer` came after all points of `into`.
void sw_bucket_merge(struct sw_metric_bucket *into, const struct sw_metric_bucket *newer);

#endif
