// SPDX-License-Identifier: Apache-2.0
// The state of a metric series and its levels, shared by the writer (metric.c), the reader (metric_read.c) and the
// arithmetic of buckets (metric_level.c).
//
// Levels count like an odometer in base 8. A point goes into the open bucket of level 1; with 8 points that bucket is
// complete, is written to metric_level and merged into the open bucket of level 2, and so on.
//
// Points are not fed to the levels one batch at a time but when at least SW_TAIL_MAX of them wait: then the buckets of a
// series lie side by side in few pages, which is what writing costs. The waiting ones are the tail: all points past the
// greatest one fed so far, in the order of the primary key, so they need no list of their own. A point that comes in
// below that mark is fed at once.
#ifndef SW_STORE_METRIC_PRIVATE_H
#define SW_STORE_METRIC_PRIVATE_H

#include "core/store/metric.h"
#include "core/store/store_private.h"

_Static_assert(sizeof(struct sw_metric_bucket) == 64,
               "buckets lie in the store as they are; another layout needs a migration");

// 12 levels reach 7e10 points in one series.
enum { SW_LEVEL_FACTOR = 8, SW_LEVEL_MAX = 12, SW_TAIL_MAX = 256 };

// A point as the table holds it, ordered by (step, time_ms, value, is_nan).
struct sw_stored_point {
    int64_t step, time_ms;
    double value; // finite; 0 when is_nan
    int64_t is_nan;
};

// Lies in the store as it is, cut after the last open bucket in use. Invariant: open[L-1] holds the points since the
// last complete bucket of level L without those that still lie in open buckets below, so the rest of level L is
// open[L-1], ..., open[0] merged.
struct sw_levels {
    int64_t count;               // points fed
    struct sw_stored_point mark; // the greatest of them
    struct sw_metric_bucket open[SW_LEVEL_MAX];
};

struct sw_series_state {
    struct sw_stored_point latest; // MLflow's latest: by step, time, value; a NaN gives way to a number
    double min, max;               // NaN while every point was NaN
    int64_t count;
    int64_t min_step;
    bool is_ordered;      // no point was fed below the mark: buckets of a level follow each other by step
    bool is_time_ordered; // no point has an earlier time than one of a lower step, as far as it came in that order
    struct sw_levels levels;
};

// Where complete buckets go.
typedef enum sw_code (*sw_bucket_sink)(void *ctx, int level, int64_t ordinal, const struct sw_metric_bucket *bucket,
                                       struct sw_err *err);
enum sw_code sw_levels_feed(struct sw_levels *levels, const struct sw_stored_point *point, sw_bucket_sink sink,
                            void *ctx, struct sw_err *err);
// The points of level `level` that are in no complete bucket yet; count 0 when there are none.
struct sw_metric_bucket sw_levels_rest(const struct sw_levels *levels, int level);
int sw_levels_in_use(int64_t count); // levels whose open buckets that many points have touched
int sw_stored_order(const struct sw_stored_point *a, const struct sw_stored_point *b);
struct sw_metric_bucket sw_bucket_of(const struct sw_stored_point *point);

// An unknown series gives the empty state. SW_CORRUPT.
enum sw_code sw_series_load(struct sw_store *s, int64_t run_key, int64_t key_id, struct sw_series_state *state,
                            struct sw_err *err);
// Feeds the first `limit` points of the tail from the table.
enum sw_code sw_series_feed_tail(struct sw_store *s, int64_t run_key, int64_t key_id, int64_t limit,
                                 struct sw_levels *levels, sw_bucket_sink sink, void *ctx, struct sw_err *err);
struct sw_stored_point sw_stored_read(sqlite3_stmt *st); // columns 0..3: step, time_ms, value, is_nan
extern const struct sw_stored_point sw_stored_below_all; // before every point in every order
// 0 when no run has logged that key.
enum sw_code sw_metric_key_id(struct sw_store *s, const char *key, int64_t *key_id, struct sw_err *err);

#endif
