// SPDX-License-Identifier: Apache-2.0
// Metric points per second through sw_metric_write(), against bare prepared inserts of (run, key, step, time, value)
// into a table of the same shape with the same settings and batches. Prints JSON Lines; argv[1] is a scratch folder.
// The two take turns on fresh files and the best round of each counts, so that noise hits both alike.
#include "core/base/clock.h"
#include "core/base/path.h"
#include "core/store/metric.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 400000, BATCH = 500, ROUNDS = 7 };

struct shape {
    const char *name;
    int keys;
};

static void must(enum sw_code code, const struct sw_err *err)
{
    if (code == SW_OK)
        return;
    fprintf(stderr, "intake: %s\n", err->message);
    exit(1);
}

static void must_sql(int rc, sqlite3 *db)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "intake: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static struct sw_metric_point *make_points(int keys)
{
    static char names[64][16];
    struct sw_metric_point *points = calloc(POINTS, sizeof *points);
    if (points == NULL)
        exit(1);
    for (int i = 0; i < keys; i++)
        snprintf(names[i], sizeof names[i], "train/m%d", i);
    for (int i = 0; i < POINTS; i++)
        points[i] =
            (struct sw_metric_point){names[i % keys], sin(i * 1e-3) + (i % 97) * 1e-3, i / keys, 1700000000000 + i * 7};
    return points;
}

static double rate_ours(const char *dir, const struct sw_metric_point *points)
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    char id[SW_RUN_ID];
    must(sw_path_remove_tree(dir, &err), &err);
    must(sw_store_open(dir, SW_STORE_CREATE, &s, &err), &err);
    must(sw_run_create(s, &(struct sw_run_new){.name = "bench"}, id, &err), &err);
    int64_t start = sw_clock_mono_us();
    for (int i = 0; i < POINTS; i += BATCH)
        must(sw_metric_write(s, id, points + i, BATCH, &err), &err);
    double seconds = (double)(sw_clock_mono_us() - start) / 1e6;
    sw_store_close(s);
    return POINTS / seconds;
}

static double rate_bare(const char *dir, const struct sw_metric_point *points, int keys)
{
    struct sw_err err = {0};
    sqlite3 *db = NULL;
    sqlite3_stmt *add = NULL;
    char path[SW_PATH_MAX];
    must(sw_path_remove_tree(dir, &err), &err);
    must(sw_path_make_dirs(dir, &err), &err);
    must(sw_path_join(path, dir, "bare.db", &err), &err);
    must_sql(sqlite3_open(path, &db), db);
    must_sql(
        sqlite3_exec(db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cell_size_check=ON;"
                     "PRAGMA cache_size=-4096; PRAGMA journal_size_limit=67108864; PRAGMA foreign_keys=ON;"
                     "CREATE TABLE metric(run_key INTEGER NOT NULL, key_id INTEGER NOT NULL, step INTEGER NOT NULL,"
                     " time_ms INTEGER NOT NULL, value REAL NOT NULL, is_nan INTEGER NOT NULL,"
                     " PRIMARY KEY(run_key, key_id, step, time_ms, value, is_nan)) STRICT, WITHOUT ROWID;",
                     NULL, NULL, NULL),
        db);
    must_sql(sqlite3_prepare_v2(db, "INSERT INTO metric VALUES(?1, ?2, ?3, ?4, ?5, 0)", -1, &add, NULL), db);
    int64_t start = sw_clock_mono_us();
    for (int i = 0; i < POINTS; i += BATCH) {
        must_sql(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), db);
        for (int j = i; j < i + BATCH; j++) {
            sqlite3_bind_int64(add, 1, 1);
            sqlite3_bind_int64(add, 2, 1 + j % keys);
            sqlite3_bind_int64(add, 3, points[j].step);
            sqlite3_bind_int64(add, 4, points[j].time_ms);
            sqlite3_bind_double(add, 5, points[j].value);
            must_sql(sqlite3_step(add), db);
            sqlite3_reset(add);
        }
        must_sql(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), db);
    }
    double seconds = (double)(sw_clock_mono_us() - start) / 1e6;
    sqlite3_finalize(add);
    sqlite3_close(db);
    return POINTS / seconds;
}

int main(int argc, char **argv)
{
    static const struct shape shapes[] = {
        {"metric intake, one key", 1}, {"metric intake, 5 keys", 5}, {"metric intake, 50 keys", 50}};
    char dir[SW_PATH_MAX];
    struct sw_err err = {0};
    must(sw_path_join(dir, argc > 1 ? argv[1] : "/tmp", "slipway-bench-intake", &err), &err);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct sw_metric_point *points = make_points(shapes[i].keys);
        double ours = 0, bare = 0;
        for (int round = 0; round < ROUNDS; round++) {
            ours = fmax(ours, rate_ours(dir, points));
            bare = fmax(bare, rate_bare(dir, points, shapes[i].keys));
        }
        free(points);
        printf("{\"name\":\"%s\",\"unit\":\"points/s\",\"ours\":%.0f,\"peer\":%.0f,\"peer_name\":\"bare prepared "
               "inserts\","
               "\"ratio\":%.3f,\"target\":\">= 0.70\",\"met\":%s}\n",
               shapes[i].name, ours, bare, ours / bare, ours / bare >= 0.70 ? "true" : "false");
        fflush(stdout);
    }
    must(sw_path_remove_tree(dir, &err), &err);
    return 0;
}
