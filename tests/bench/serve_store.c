// SPDX-License-Identifier: Apache-2.0
// A large store, written as the server writes: batches of 1,000 points, many of them in one transaction, then measured.
//   serve_store FOLDER RUNS POINTS   RUNS runs of two metrics with POINTS points together; a store that is there is kept
// Prints one JSON object: points, bytes a point, points/s when it was made (0 = it was there), milliseconds of a search by
// a metric with order on a fresh connection, and of a chart of 10 runs in 200 columns.
#include "core/base/clock.h"
#include "core/base/path.h"
#include "core/store/metric.h"
#include "core/track/chart.h"
#include "core/track/query.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { BATCH = 1000, BATCHES_A_COMMIT = 50, CHART_RUNS = 10, COLUMNS = 200, ROUNDS = 5 };

static void must(enum sw_code code, const struct sw_err *err)
{
    if (code == SW_OK)
        return;
    fprintf(stderr, "serve_store: %s\n", err->message);
    exit(1);
}

static enum sw_code fill_run(struct sw_store *s, long run, long points, int64_t *batches, struct sw_err *err)
{
    static struct sw_metric_point batch[BATCH];
    static const char *const keys[] = {"accuracy", "loss"};
    char name[32], run_id[SW_RUN_ID];
    snprintf(name, sizeof name, "run-%05ld", run);
    enum sw_code code = sw_run_create(
        s, &(struct sw_run_new){.name = name, .experiment = "bench", .status = SW_RUN_RUNNING}, run_id, err);
    for (long at = 0; at < points && code == SW_OK; at += BATCH) {
        long count = points - at < BATCH ? points - at : BATCH;
        for (long i = 0; i < count; i++) {
            long n = at + i;
            double value = (double)((run * 7919 + n * 31) % 100003) / 100003.0;
            batch[i] = (struct sw_metric_point){
                .key = keys[n % 2], .value = value, .step = n / 2, .time_ms = 1700000000000 + n * 10};
        }
        code = sw_metric_write(s, run_id, batch, (size_t)count, err);
        if (code == SW_OK && ++*batches % BATCHES_A_COMMIT == 0) {
            code = sw_store_commit(s, err);
            if (code == SW_OK)
                code = sw_store_begin(s, SW_STORE_NORMAL, err);
        }
    }
    return code == SW_OK ? sw_run_finish(s, run_id, SW_RUN_FINISHED, 1700000000000 + run, err) : code;
}

// Makes the store under another name and gives it its own when it is whole. Returns points/s.
static double fill(const char *dir, long runs, long points)
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    char part[SW_PATH_MAX];
    int64_t batches = 0, start = sw_clock_mono_us();
    snprintf(part, sizeof part, "%s.part", dir);
    must(sw_path_remove_tree(part, &err), &err);
    must(sw_store_open(part, SW_STORE_CREATE, &s, &err), &err);
    must(sw_store_begin(s, SW_STORE_NORMAL, &err), &err);
    for (long run = 0; run < runs; run++) {
        must(fill_run(s, run, points, &batches, &err), &err);
        if (runs >= 100 && run % (runs / 100) == 0 && runs * points >= 50000000)
            fprintf(stderr, "\r%ld %%", run * 100 / runs);
    }
    must(sw_store_commit(s, &err), &err);
    sw_store_close(s);
    double seconds = (double)(sw_clock_mono_us() - start) / 1e6;
    if (rename(part, dir) != 0)
        exit(1);
    return (double)runs * (double)points / seconds;
}

// The store as a user opens it: a fresh connection each time. Gives the ids of the best runs.
static double search_ms(const char *dir, char ids[CHART_RUNS][SW_RUN_ID])
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    struct sw_run_list list;
    struct sw_arena *a = sw_arena_new((size_t)64 << 20);
    const struct sw_query *where = NULL;
    struct sw_query_order *order = NULL;
    size_t orders = 0;
    must(sw_track_parse_query(SW_SUBJECT_RUN, "metrics.accuracy > 0.9", a, &where, &err), &err);
    must(sw_track_parse_order(SW_SUBJECT_RUN, "metrics.accuracy DESC", a, &order, &orders, &err), &err);
    must(sw_store_open(dir, SW_STORE_OPEN, &s, &err), &err);
    int64_t start = sw_clock_mono_us();
    must(sw_run_search(s,
                       &(struct sw_run_query){.where = where,
                                              .order = order,
                                              .order_count = orders,
                                              .experiment_id = -1,
                                              .no_total = true,
                                              .limit = 100,
                                              .with = SW_RUN_WITH_METRICS},
                       a, &list, &err),
         &err);
    double ms = (double)(sw_clock_mono_us() - start) / 1e3;
    for (size_t i = 0; i < CHART_RUNS; i++)
        snprintf(ids[i], SW_RUN_ID, "%s", list.count > i ? list.items[i].run_id : "");
    sw_store_close(s);
    sw_arena_free(a);
    return ms;
}

static double chart_ms(const char *dir, char ids[CHART_RUNS][SW_RUN_ID])
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    struct sw_chart chart;
    struct sw_chart_run runs[CHART_RUNS];
    size_t count = 0;
    while (count < CHART_RUNS && ids[count][0] != '\0') {
        runs[count] = (struct sw_chart_run){ids[count], 0};
        count++;
    }
    struct sw_chart_request q = {.runs = runs,
                                 .run_count = count,
                                 .key = "accuracy",
                                 .columns = COLUMNS,
                                 .from_step = INT64_MIN,
                                 .to_step = INT64_MAX};
    struct sw_arena *a = sw_arena_new((size_t)64 << 20);
    must(sw_store_open(dir, SW_STORE_OPEN, &s, &err), &err);
    int64_t start = sw_clock_mono_us();
    must(sw_track_chart(s, &q, a, &chart, &err), &err);
    double ms = (double)(sw_clock_mono_us() - start) / 1e3;
    sw_store_close(s);
    sw_arena_free(a);
    return ms;
}

int main(int argc, char **argv)
{
    long runs = argc == 4 ? strtol(argv[2], NULL, 10) : 0, points = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    char path[SW_PATH_MAX], ids[CHART_RUNS][SW_RUN_ID];
    struct sw_err err = {0};
    struct stat st;
    if (runs <= 0 || points <= 0) {
        fputs("usage: serve_store FOLDER RUNS POINTS\n", stderr);
        return 2;
    }
    must(sw_path_join(path, argv[1], "slipway.db", &err), &err);
    double rate = stat(path, &st) == 0 ? 0 : fill(argv[1], runs, points);
    if (stat(path, &st) != 0)
        return 1;
    double search = INFINITY, chart = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        search = fmin(search, search_ms(argv[1], ids));
        chart = fmin(chart, chart_ms(argv[1], ids));
    }
    printf("{\"points\":%ld,\"bytes_a_point\":%.2f,\"points_a_second\":%.0f,\"search_ms\":%.3f,\"chart_ms\":%.3f}\n",
           runs * points, (double)st.st_size / ((double)runs * (double)points), rate, search, chart);
    return 0;
}
