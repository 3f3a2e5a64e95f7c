// SPDX-License-Identifier: Apache-2.0
// Data for a chart of one metric over many runs: for each run what its line does in each column of the screen. Cost
// follows runs x columns and not the number of points.
#ifndef SW_TRACK_CHART_H
#define SW_TRACK_CHART_H

#include "core/base/arena.h"
#include "core/store/run.h"

enum sw_chart_axis {
    SW_CHART_STEP,
    SW_CHART_TIME, // ms since the run's start_ms
};

struct sw_chart_run {
    const char *run_id;
    int64_t start_ms; // zero of the time axis
};
struct sw_chart_request {
    const struct sw_chart_run *runs;
    size_t run_count;
    const char *key;
    int columns; // 1..10000
    enum sw_chart_axis axis;
    int64_t from_step, to_step; // INT64_MIN, INT64_MAX = all
    double smoothing;           // 0 = none, below 1
};

// A column without points has count 0 and NaN values; so has one with NaN points only, but for count and nan_count.
struct sw_chart_column {
    double min, max, last;
    // Exponential moving average of `last` over the columns that have one, with bias corrected:
    //   s_n = w s_(n-1) + (1 - w) x_n, s_0 = 0; value = s_n / (1 - w^n).
    // Source: TensorBoard's scalar chart (tensorboard/components/vz_line_chart2), the debiased average of Adam
    // (Kingma and Ba 2015, section 3). NaN before the first value; columns in a gap repeat nothing and stay NaN.
    double smooth;
    int64_t count, nan_count;
};
struct sw_chart_series {
    const char *run_id; // borrow: as given
    struct sw_chart_column
        *columns;        // request.columns of them; column i spans x_min + i * (x_max - x_min + 1) / columns
    int64_t point_count; // of the whole series; 0 = the run has no such metric
};
struct sw_chart {
    struct sw_chart_series *series; // run_count of them
    size_t series_count;
    int columns;
    int64_t x_min, x_max; // of the points in the span, over all runs; 0 and 0 when there are none
    double y_min, y_max;  // of all values, NaN when there are none
    int64_t point_count;  // over all runs: what the chart stands for
};

// SW_NOT_FOUND for an unknown run, SW_INVALID for columns or smoothing out of range.
enum sw_code sw_track_chart(struct sw_store *s, const struct sw_chart_request *q, struct sw_arena *a,
                            struct sw_chart *out, struct sw_err *err);

#endif
