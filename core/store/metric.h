// SPDX-License-Identifier: Apache-2.0
// Metric points. Rows are clustered by run, key and step; beside them stand summary levels: level L holds one row for
// each 8^L consecutive points of a series (by step and time; points that come late join whatever bucket is open) with
// first and last step, minimum, maximum and count, written as the points arrive. A chart of W columns reads the coarsest
// level that still has at least W buckets, so its cost follows the screen and not the series. Exact duplicates (step,
// time, value) are ignored, so a client may retry.
#ifndef SW_STORE_METRIC_H
#define SW_STORE_METRIC_H

#include "core/store/run.h"

struct sw_metric_point {
    const char *key; // at most 250 bytes
    double value;    // NaN and infinities allowed (infinities are stored as +-DBL_MAX, MLflow's rule)
    int64_t step;
    int64_t time_ms;
};

// One transaction (NORMAL durability). SW_NOT_FOUND for an unknown run, SW_INVALID for a bad key.
enum sw_code sw_metric_write(struct sw_store *s, const char *run_id, const struct sw_metric_point *points, size_t count,
                             struct sw_err *err);

// One column of a chart: what the points from first_step to last_step span. NaN points are counted apart.
struct sw_metric_bucket {
    int64_t first_step, last_step;
    double min, max, last;    // last: of the newest point that is no NaN
    int64_t count, nan_count; // count includes NaN points; min/max/last are NaN when all are
    int64_t last_time_ms;
};
struct sw_metric_series {
    struct sw_metric_bucket *buckets; // in arena, ascending steps
    size_t bucket_count;
    int64_t point_count; // of the whole series
    int64_t min_step, max_step;
};
// At most about 8 * `columns` buckets for steps in [from_step, to_step] (INT64_MIN/MAX = all). An unknown key gives an
// empty series.
enum sw_code sw_metric_read_series(struct sw_store *s, const char *run_id, const char *key, int64_t from_step,
                                   int64_t to_step, int columns, struct sw_arena *a, struct sw_metric_series *out,
                                   struct sw_err *err);
// Raw points in order of (step, time), for export and MLflow's history calls.
enum sw_code sw_metric_read_points(struct sw_store *s, const char *run_id, const char *key, int64_t offset,
                                   int64_t limit, struct sw_arena *a, struct sw_metric_point **out, size_t *count,
                                   struct sw_err *err);
// All points by pages, in MLflow's order of a history: time, then step, then value (a NaN as 0). Begin with a zeroed cursor;
// *at_end tells that nothing follows. A page is as cheap as the first one where steps and times rise together as the points
// came in; else each page looks at the whole series. SW_NOT_FOUND an unknown run (MLflow
// answers with no points), SW_INVALID a limit below 1.
struct sw_metric_cursor {
    bool is_set;
    int64_t step, time_ms;
    double value; // NaN when is_nan
    bool is_nan;
};
enum sw_code sw_metric_read_page(struct sw_store *s, const char *run_id, const char *key, int64_t limit,
                                 struct sw_metric_cursor *cursor, struct sw_arena *a, struct sw_metric_point **out,
                                 size_t *count, bool *at_end, struct sw_err *err);
// An even sample of the points of several runs (MLflow's bulk interval): of each run's points within [start_step, end_step]
// (INT64_MIN/MAX = all) at most `most`, by rank in the order of step, time and value: the points are cut into `most` parts
// of nearly equal length and the first of each is given, but for the last sample, which is the last point. In order of run
// (as listed), step and time; an unknown run has none. Source: MLflow 3.17, sqlalchemy_store.py,
// get_metric_history_bulk_interval().
struct sw_metric_sample {
    const char *run_id; // borrow: the caller's
    struct sw_metric_point point;
};
enum sw_code sw_metric_read_sample(struct sw_store *s, const char *const *run_ids, size_t run_count, const char *key,
                                   int64_t start_step, int64_t end_step, int64_t most, struct sw_arena *a,
                                   struct sw_metric_sample **out, size_t *count, struct sw_err *err);
// Distinct metric keys of a run, sorted.
enum sw_code sw_metric_keys(struct sw_store *s, const char *run_id, struct sw_arena *a, const char ***out,
                            size_t *count, struct sw_err *err);
#endif
