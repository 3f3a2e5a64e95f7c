// SPDX-License-Identifier: Apache-2.0
// Runs side by side: one row for each param, metric and tag that any of them has, one cell for each run. Works on runs
// that were loaded already and does no I/O. All results live in the caller's arena and borrow text from the runs.
#ifndef SW_TRACK_COMPARE_H
#define SW_TRACK_COMPARE_H

#include "core/base/arena.h"
#include "core/store/run.h"

enum sw_compare_kind { SW_COMPARE_PARAM, SW_COMPARE_METRIC, SW_COMPARE_TAG };
const char *sw_compare_kind_word(enum sw_compare_kind kind); // "param"

struct sw_compare_cell {
    const char *text;                       // params and tags; NULL = the run has none
    const struct sw_metric_summary *metric; // metrics; NULL = the run has none
    bool differs;                           // from the base run's cell; presence counts, NaN equals NaN
    bool is_min, is_max;                    // extremes of a metric row's last values; neither when all are equal
};
struct sw_compare_row {
    enum sw_compare_kind kind;
    const char *key;
    bool differs;                  // not the same in all runs
    struct sw_compare_cell *cells; // run_count of them, in the order of the runs
};
struct sw_compare {
    const struct sw_run *runs; // borrow: as given
    size_t run_count;
    size_t base;                 // index of the base run
    struct sw_compare_row *rows; // params, metrics, tags; each by key
    size_t row_count;
    size_t hidden_count; // rows that are the same everywhere and were left out
};

struct sw_compare_options {
    size_t base;
    bool only_differences;
    bool with_system_tags; // tags that begin with "mlflow." or "slipway."
};

// Runs must carry what is to be compared (SW_RUN_WITH_*). SW_INVALID without runs or with a base beyond them.
enum sw_code sw_track_compare(const struct sw_run *runs, size_t run_count, const struct sw_compare_options *options,
                              struct sw_arena *a, struct sw_compare *out, struct sw_err *err);

#endif
