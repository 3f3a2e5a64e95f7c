// SPDX-License-Identifier: Apache-2.0
// Fills a store with finished runs, for the benchmarks that need a large one: fill_runs FOLDER RUNS.
#include "core/store/metric.h"
#include "core/store/run.h"

#include <stdio.h>
#include <stdlib.h>

static enum sw_code fill(struct sw_store *s, long runs, struct sw_err *err)
{
    enum sw_code code = sw_store_begin(s, SW_STORE_NORMAL, err);
    for (long i = 0; i < runs && code == SW_OK; i++) {
        char name[32], rate[32], run_id[SW_RUN_ID];
        snprintf(name, sizeof name, "run-%05ld", i);
        snprintf(rate, sizeof rate, "%.5f", 0.0001 * (double)(i % 97 + 1));
        struct sw_run_new fresh = {
            .name = name, .experiment = "bench", .source = "slipway-train cnn", .status = SW_RUN_RUNNING};
        code = sw_run_create(s, &fresh, run_id, err);
        if (code == SW_OK)
            code = sw_run_set_param(s, run_id, "lr", rate, err);
        struct sw_metric_point points[] = {
            {.key = "accuracy", .value = 0.8 + 0.001 * (double)(i % 131), .step = 1, .time_ms = 1},
            {.key = "loss", .value = 0.9 - 0.001 * (double)(i % 113), .step = 1, .time_ms = 1},
        };
        if (code == SW_OK)
            code = sw_metric_write(s, run_id, points, 2, err);
        if (code == SW_OK)
            code = sw_run_finish(s, run_id, SW_RUN_FINISHED, 0, err);
    }
    if (code == SW_OK)
        return sw_store_commit(s, err);
    sw_store_rollback(s);
    return code;
}

int main(int argc, char **argv)
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    long runs = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    if (runs <= 0) {
        fputs("usage: fill_runs FOLDER RUNS\n", stderr);
        return 2;
    }
    enum sw_code code = sw_store_open(argv[1], SW_STORE_CREATE, &s, &err);
    if (code == SW_OK)
        code = fill(s, runs, &err);
    sw_store_close(s);
    if (code != SW_OK)
        fprintf(stderr, "fill_runs: %s\n", err.message);
    return code == SW_OK ? 0 : 1;
}
