// SPDX-License-Identifier: Apache-2.0
// What a training job says while it runs: JSON Lines on the metrics descriptor (core/base/jobenv.h) for the machine and
// lines on stdout for people. Only rank 0 speaks. A reader that went away ends the reports, not the training.
#ifndef SW_GPU_REPORT_H
#define SW_GPU_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/tree.h"

// An error is one line on stderr, "slipway-train: MESSAGE" or "slipway-train: MESSAGE; hint: HINT": a job that fails is
// told with the last line that it printed.
#define SW_TRAIN_HINT "; hint: "

struct sw_report {
    int fd;    // -1 = no metrics wanted
    FILE *log; // NULL = silent
};

struct sw_metric_value {
    const char *name;
    double value;
};

// Reads the descriptor's number from the environment; other ranks than 0 get a silent report.
void sw_report_open(struct sw_report *r, int rank);
void sw_report_metrics(struct sw_report *r, int64_t step, const struct sw_metric_value *values, size_t count);
// `members` is taken: an object of texts.
void sw_report_params(struct sw_report *r, json_t *members);
void sw_report_progress(struct sw_report *r, double fraction, const char *text);
void sw_report_line(struct sw_report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
