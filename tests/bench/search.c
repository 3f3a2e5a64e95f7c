// SPDX-License-Identifier: Apache-2.0
// Searching 20,000 runs with 8 million points, a page of 100 with its params, tags and metrics, against SQL of the shape
// that MLflow's server runs on tables of its own shape with the same runs. Prints JSON Lines; argv[1] is a scratch folder.
#include "core/base/clock.h"
#include "core/base/path.h"
#include "core/store/metric.h"
#include "core/store/run.h"
#include "core/track/query.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 20000, KEYS = 4, STEPS = 100, PARAMS = 8, PAGE = 100, RUNS_A_COMMIT = 500, ROUNDS = 15 };

static const char *const keys[KEYS] = {"acc", "loss", "val_acc", "val_loss"};

static void must(enum sw_code code, const struct sw_err *err)
{
    if (code == SW_OK)
        return;
    fprintf(stderr, "search: %s\n", err->message);
    exit(1);
}

static void must_sql(int rc, sqlite3 *db)
{
    if (rc == SQLITE_OK || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "search: %s\n", sqlite3_errmsg(db));
    exit(1);
}

// The last value of a metric of a run, spread over 0 to 1.
static double value_of(int run, int key)
{
    return fmod((double)run * 0.6180339887 + 0.1 * key, 1.0);
}

// --- ours ---
static void add_run(struct sw_store *s, int run, struct sw_err *err)
{
    static struct sw_metric_point points[KEYS * STEPS];
    char id[SW_RUN_ID], word[32];
    must(sw_run_create(s, &(struct sw_run_new){.start_ms = 1700000000000 + run * 60000, .status = SW_RUN_RUNNING}, id,
                       err),
         err);
    for (int p = 0; p < PARAMS; p++) {
        char key[] = {'p', (char)('0' + p), '\0'};
        snprintf(word, sizeof word, "%d", run % (p + 2));
        must(sw_run_set_param(s, id, key, word, err), err);
    }
    for (int i = 0; i < KEYS * STEPS; i++)
        points[i] = (struct sw_metric_point){keys[i / STEPS], value_of(run, i / STEPS) * (i % STEPS + 1) / STEPS,
                                             i % STEPS, 1700000000000 + i};
    must(sw_metric_write(s, id, points, KEYS * STEPS, err), err);
}

static void fill(const char *dir)
{
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    must(sw_path_remove_tree(dir, &err), &err);
    must(sw_store_open(dir, SW_STORE_CREATE, &s, &err), &err);
    for (int run = 0; run < RUNS; run++) {
        if (run % RUNS_A_COMMIT == 0)
            must(sw_store_begin(s, SW_STORE_NORMAL, &err), &err);
        add_run(s, run, &err);
        if (run % RUNS_A_COMMIT == RUNS_A_COMMIT - 1)
            must(sw_store_commit(s, &err), &err);
    }
    sw_store_close(s);
}

struct question {
    const char *name;
    const char *where, *order;
    int64_t offset;
    int target_ms;
    const char *peer; // its SQL; NULL = none
};

static double search_ms(struct sw_store *s, const struct question *q)
{
    static const int64_t experiment = 0;
    struct sw_err err = {0};
    struct sw_arena *a = sw_arena_new((size_t)64 << 20);
    struct sw_query_order *order = NULL;
    struct sw_run_list list;
    struct sw_run_query query = {.experiment_id = -1,
                                 .experiment_ids = &experiment,
                                 .experiment_count = 1,
                                 .no_total = true,
                                 .limit = PAGE + 1,
                                 .offset = q->offset,
                                 .with = SW_RUN_WITH_PARAMS | SW_RUN_WITH_TAGS | SW_RUN_WITH_METRICS};
    int64_t start = sw_clock_mono_us();
    must(sw_track_parse_query(SW_SUBJECT_RUN, q->where, a, &query.where, &err), &err);
    must(sw_track_parse_order(SW_SUBJECT_RUN, q->order, a, &order, &query.order_count, &err), &err);
    query.order = order;
    must(sw_run_search(s, &query, a, &list, &err), &err);
    double ms = (double)(sw_clock_mono_us() - start) / 1e3;
    if (list.count != PAGE + 1 || list.items[0].metric_count != KEYS || list.items[0].param_count != PARAMS)
        exit(1);
    sw_arena_free(a);
    return ms;
}

// --- the peer: MLflow's tables and the statements of its search ---
static const char peer_schema[] =
    "CREATE TABLE runs(run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250), status VARCHAR(9), start_time BIGINT,"
    " lifecycle_stage VARCHAR(20), experiment_id INTEGER);"
    "CREATE TABLE latest_metrics(key VARCHAR(250), value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN,"
    " run_uuid VARCHAR(32), PRIMARY KEY(key, run_uuid));"
    "CREATE INDEX latest_metrics_by_run ON latest_metrics(run_uuid);"
    "CREATE TABLE params(key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32), PRIMARY KEY(key, run_uuid));"
    "CREATE INDEX params_by_run ON params(run_uuid);"
    "CREATE TABLE tags(key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32), PRIMARY KEY(key, run_uuid));"
    "CREATE INDEX tags_by_run ON tags(run_uuid);";
static const char peer_copy[] =
    "INSERT INTO runs SELECT run_id, name, status, start_ms, 'active', experiment_id FROM ours.run;"
    "INSERT INTO latest_metrics SELECT k.name, l.value, l.time_ms, l.step, l.is_nan, r.run_id FROM ours.metric_latest l"
    " JOIN ours.metric_key k USING(key_id) JOIN ours.run r USING(run_key);"
    "INSERT INTO params SELECT p.key, p.value, r.run_id FROM ours.param p JOIN ours.run r USING(run_key);"
    "INSERT INTO tags SELECT t.key, t.value, r.run_id FROM ours.tag t JOIN ours.run r USING(run_key); ANALYZE;";

static sqlite3 *peer_open(const char *dir)
{
    struct sw_err err = {0};
    sqlite3 *db = NULL;
    char path[SW_PATH_MAX], attach[SW_PATH_MAX + 64];
    must(sw_path_join(path, dir, "peer.db", &err), &err);
    must_sql(sqlite3_open(path, &db), db);
    snprintf(attach, sizeof attach, "ATTACH '%s/slipway.db' AS ours", dir);
    must_sql(sqlite3_exec(db, attach, NULL, NULL, NULL), db);
    must_sql(sqlite3_exec(db, peer_schema, NULL, NULL, NULL), db);
    must_sql(sqlite3_exec(db, peer_copy, NULL, NULL, NULL), db);
    return db;
}

static int step_all(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;
    int rows = 0, rc;
    must_sql(sqlite3_prepare_v2(db, sql, -1, &st, NULL), db);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        rows++;
    must_sql(rc, db);
    sqlite3_finalize(st);
    return rows;
}

static double peer_ms(sqlite3 *db, const char *page)
{
    static const char *const families[] = {"latest_metrics", "params", "tags"};
    char sql[2048];
    int64_t start = sw_clock_mono_us();
    snprintf(sql, sizeof sql, "CREATE TEMP TABLE page AS %s", page); // stands for the list of ids that it sends back
    must_sql(sqlite3_exec(db, sql, NULL, NULL, NULL), db);
    for (int i = 0; i < 3; i++) {
        snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE run_uuid IN (SELECT run_uuid FROM page)", families[i]);
        if (step_all(db, sql) < PAGE)
            exit(1);
    }
    must_sql(sqlite3_exec(db, "DROP TABLE page", NULL, NULL, NULL), db);
    return (double)(sw_clock_mono_us() - start) / 1e3;
}

#define PEER_RUNS  " FROM runs"
#define PEER_WHERE " WHERE runs.experiment_id IN (0) AND runs.lifecycle_stage IN ('active')"
#define PEER_FILTER                                                                                                    \
    " JOIN (SELECT run_uuid FROM latest_metrics WHERE key = 'acc' AND value > 0.5 AND is_nan = 0) AS f"                \
    " ON f.run_uuid = runs.run_uuid"
#define PEER_ORDER                                                                                                     \
    " LEFT JOIN (SELECT run_uuid, value, is_nan FROM latest_metrics WHERE key = 'acc') AS o"                           \
    " ON o.run_uuid = runs.run_uuid"
#define PEER_BY_METRIC                                                                                                 \
    " ORDER BY CASE WHEN o.is_nan = 1 THEN 1 WHEN o.value IS NULL THEN 2 ELSE 0 END, o.value DESC,"                    \
    " runs.start_time DESC, runs.run_uuid"
#define PEER_COLUMNS                                                                                                   \
    "SELECT DISTINCT runs.*, CASE WHEN o.is_nan = 1 THEN 1 WHEN o.value IS NULL THEN 2 ELSE 0 END AS c, o.value AS v"

static const struct question questions[] = {
    {"metric filter and order", "metrics.acc > 0.5", "metrics.acc DESC", 0, 3,
     PEER_COLUMNS PEER_RUNS PEER_FILTER PEER_ORDER PEER_WHERE PEER_BY_METRIC " LIMIT 101"},
    {"metric filter", "metrics.acc > 0.5", "", 0, 3,
     "SELECT DISTINCT runs.*" PEER_RUNS PEER_FILTER PEER_WHERE
     " ORDER BY runs.start_time DESC, runs.run_uuid LIMIT 101"},
    {"narrow metric filter", "metrics.acc > 0.99", "", 0, 3, NULL},
    {"metric order", "", "metrics.acc", 0, 3,
     PEER_COLUMNS PEER_RUNS PEER_ORDER PEER_WHERE
     " ORDER BY CASE WHEN o.is_nan = 1 THEN 1 WHEN o.value IS NULL THEN 2 ELSE 0 END, o.value, runs.start_time DESC,"
     " runs.run_uuid LIMIT 101"},
    {"page 100 by start", "", "start_time DESC", 9900, 3,
     "SELECT DISTINCT runs.*" PEER_RUNS PEER_WHERE
     " ORDER BY runs.start_time DESC, runs.run_uuid LIMIT 101 OFFSET 9900"},
    {"page 100 of a metric filter and order", "metrics.acc > 0.1", "metrics.acc DESC", 9900, 40, NULL},
};

static void ask(struct sw_store *s, sqlite3 *peer_db, const struct question *q)
{
    double ours = INFINITY, peer = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        ours = fmin(ours, search_ms(s, q));
        if (q->peer != NULL && round < 3)
            peer = fmin(peer, peer_ms(peer_db, q->peer));
    }
    printf("{\"name\":\"search of %d runs, %s\",\"unit\":\"ms\",\"ours\":%.2f,", RUNS, q->name, ours);
    if (q->peer != NULL)
        printf("\"peer\":%.2f,\"peer_name\":\"SQL of MLflow's shape\",\"ratio\":%.1f,", peer, peer / ours);
    else
        printf("\"peer\":null,\"peer_name\":null,\"ratio\":null,");
    printf("\"target\":\"< %d ms\",\"met\":%s}\n", q->target_ms, ours < q->target_ms ? "true" : "false");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char dir[SW_PATH_MAX];
    struct sw_err err = {0};
    struct sw_store *s = NULL;
    must(sw_path_join(dir, argc > 1 ? argv[1] : "/tmp", "slipway-bench-search", &err), &err);
    fill(dir);
    must(sw_store_open(dir, SW_STORE_READ_ONLY, &s, &err), &err);
    sqlite3 *peer = peer_open(dir);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        ask(s, peer, &questions[i]);
    sqlite3_close(peer);
    sw_store_close(s);
    must(sw_path_remove_tree(dir, &err), &err);
    return 0;
}
