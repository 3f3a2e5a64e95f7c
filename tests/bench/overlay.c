// SPDX-License-Identifier: Apache-2.0
// A chart of 100 runs with 1e5 points each in 200 columns, on a fresh connection, against reading all points by SQL.
// Prints JSON Lines; argv[1] is a scratch folder.
#include "core/base/clock.h"
#include "core/base/path.h"
#include "core/store/metric.h"
#include "core/track/chart.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 100, POINTS = 100000, COLUMNS = 200, BATCH = 5000, ROUNDS = 5, TARGET_MS = 100 };

static char ids[RUNS][SW_RUN_ID];

static void must(enum sw_code code, const struct sw_err *err)
{
    if (code == SW_OK)
        return;
    fprintf(stderr, "overlay: %s\n", err->message);
    exit(1);
}

static void fill(const char *dir)
{
    static struct sw_metric_point points[BATCH];
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    must(sw_path_remove_tree(dir, &err), &err);
    must(sw_store_open(dir, SW_STORE_CREATE, &s, &err), &err);
    for (int run = 0; run < RUNS; run++) {
        must(sw_run_create(s, &(struct sw_run_new){0}, ids[run], &err), &err);
        for (int64_t at = 0; at < POINTS; at += BATCH) {
            for (int64_t i = 0; i < BATCH; i++)
                points[i] =
                    (struct sw_metric_point){"loss", exp(-(double)(at + i) * 1e-5) + (double)((at + i) % 17) * 1e-3,
                                             at + i, 1700000000000 + (at + i) * 20};
            must(sw_metric_write(s, ids[run], points, BATCH, &err), &err);
        }
    }
    sw_store_close(s);
}

static double chart_ms(const char *dir)
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    struct sw_chart chart;
    struct sw_chart_run runs[RUNS];
    for (int i = 0; i < RUNS; i++)
        runs[i] = (struct sw_chart_run){ids[i], 0};
    struct sw_chart_request q = {.runs = runs,
                                 .run_count = RUNS,
                                 .key = "loss",
                                 .columns = COLUMNS,
                                 .from_step = INT64_MIN,
                                 .to_step = INT64_MAX,
                                 .smoothing = 0.6};
    int64_t start = sw_clock_mono_us();
    struct sw_arena *a = sw_arena_new((size_t)256 << 20);
    must(sw_store_open(dir, SW_STORE_OPEN, &s, &err), &err);
    must(sw_track_chart(s, &q, a, &chart, &err), &err);
    double ms = (double)(sw_clock_mono_us() - start) / 1e3;
    if (chart.point_count != (int64_t)RUNS * POINTS)
        exit(1);
    sw_arena_free(a);
    sw_store_close(s);
    return ms;
}

static double all_points_ms(const char *dir)
{
    struct sw_err err = {0};
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    char path[SW_PATH_MAX];
    double sum = 0;
    must(sw_path_join(path, dir, "slipway.db", &err), &err);
    int64_t start = sw_clock_mono_us();
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT step, value FROM metric WHERE run_key = ?1 AND key_id = 1 ORDER BY step", -1,
                           &st, NULL) != SQLITE_OK)
        exit(1);
    for (int run = 1; run <= RUNS; run++) {
        sqlite3_bind_int(st, 1, run);
        while (sqlite3_step(st) == SQLITE_ROW)
            sum += (double)sqlite3_column_int64(st, 0) + sqlite3_column_double(st, 1);
        sqlite3_reset(st);
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    if (!(sum > 0))
        exit(1);
    return (double)(sw_clock_mono_us() - start) / 1e3;
}

int main(int argc, char **argv)
{
    char dir[SW_PATH_MAX];
    struct sw_err err = {0};
    must(sw_path_join(dir, argc > 1 ? argv[1] : "/tmp", "slipway-bench-overlay", &err), &err);
    fill(dir);
    double ours = INFINITY, peer = all_points_ms(dir);
    for (int round = 0; round < ROUNDS; round++)
        ours = fmin(ours, chart_ms(dir));
    printf("{\"name\":\"chart of %d runs x %d points in %d columns\",\"unit\":\"ms\",\"ours\":%.1f,\"peer\":%.1f,"
           "\"peer_name\":\"reading all points by SQL\",\"ratio\":%.1f,\"target\":\"< %d ms\",\"met\":%s}\n",
           RUNS, POINTS, COLUMNS, ours, peer, peer / ours, TARGET_MS, ours < TARGET_MS ? "true" : "false");
    must(sw_path_remove_tree(dir, &err), &err);
    return 0;
}
