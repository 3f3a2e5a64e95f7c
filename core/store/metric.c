// SPDX-License-Identifier: Apache-2.0
// Writing metric points and keeping their summaries.
//
// A series (run, key) has one row in metric_latest: the latest value, extremes, the number of points, and the open
// buckets of all levels. They count like an odometer in base 8: a point goes into the open bucket of level 1; when that
// has 8 points it is written to metric_level and merged into the open bucket of level 2, and so on. So a point costs
// one row, a seventh of a bucket, and its share of one metric_latest row per batch; and since the state is read and
// written inside the transaction, writers of the same series need not know of each other.
#include "core/store/metric.h"

#include "core/base/failpoint.h"
#include "core/store/metric_private.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX_BYTES = 250, NO_POINT = -1 };

// The points of one key in a batch, in order of arrival, as a list through `next`.
struct batch_series {
    const char *key;
    ptrdiff_t first, last;
};
struct batch {
    const struct sw_metric_point *points;
    size_t count;
    ptrdiff_t *next; // per point: the following one of its series, or NO_POINT
    struct batch_series *series;
    size_t series_count;
    uint32_t *slots;   // hash table: index into `series` plus one; 0 = free
    size_t slot_count; // a power of two, at least twice `count`
};

static void batch_free(struct batch *b)
{
    free(b->next);
    free(b->series);
    free(b->slots);
}

// FNV-1a; http://www.isthe.com/chongo/tech/comp/fnv/
static size_t hash_key(const char *key)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const unsigned char *p = (const unsigned char *)key; *p != '\0'; p++)
        h = (h ^ *p) * 0x100000001b3u;
    return (size_t)(h ^ h >> 32);
}

static struct batch_series *find_series(struct batch *b, const char *key)
{
    size_t at = hash_key(key) & (b->slot_count - 1);
    while (b->slots[at] != 0) {
        struct batch_series *series = &b->series[b->slots[at] - 1];
        if (strcmp(series->key, key) == 0)
            return series;
        at = (at + 1) & (b->slot_count - 1);
    }
    struct batch_series *series = &b->series[b->series_count++];
    *series = (struct batch_series){key, NO_POINT, NO_POINT};
    b->slots[at] = (uint32_t)b->series_count;
    return series;
}

static enum sw_code batch_make(struct batch *b, const struct sw_metric_point *points, size_t count, struct sw_err *err)
{
    *b = (struct batch){.points = points, .count = count, .slot_count = 16};
    if (count > UINT32_MAX / 4)
        return sw_err_set(err, SW_LIMIT, "a batch of %zu metric points is too large", count);
    while (b->slot_count < 2 * count)
        b->slot_count *= 2;
    b->next = malloc(count * sizeof *b->next);
    b->series = malloc(count * sizeof *b->series);
    b->slots = calloc(b->slot_count, sizeof *b->slots);
    if (b->next == NULL || b->series == NULL || b->slots == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "writing %zu metric points: out of memory", count);
    struct batch_series *series = NULL;
    for (size_t i = 0; i < count; i++) {
        const char *key = points[i].key;
        if (series == NULL || series->key != key) { // a run of one key is the usual case
            series = find_series(b, key != NULL ? key : "");
            if (series->first == NO_POINT) {
                enum sw_code code = sw_name_check("the metric's key", key, KEY_MAX_BYTES, err);
                if (code != SW_OK)
                    return code;
            }
        }
        if (series->first == NO_POINT)
            series->first = (ptrdiff_t)i;
        else
            b->next[series->last] = (ptrdiff_t)i;
        series->last = (ptrdiff_t)i;
        b->next[i] = NO_POINT;
    }
    return SW_OK;
}

enum sw_code sw_metric_key_id(struct sw_store *s, const char *key, int64_t *key_id, struct sw_err *err)
{
    return sw_sql_int(s, SQL_KEY_FIND, SW_VALUES(sw_text(key)), 0, key_id, err);
}

static enum sw_code intern_key(struct sw_store *s, const char *key, int64_t *key_id, struct sw_err *err)
{
    enum sw_code code = sw_metric_key_id(s, key, key_id, err);
    if (code != SW_OK || *key_id != 0)
        return code;
    code = sw_sql_run(s, SQL_KEY_ADD, SW_VALUES(sw_text(key)), err);
    if (code == SW_OK)
        *key_id = sqlite3_last_insert_rowid(s->db);
    return code;
}

// --- the state of a series ---
static void read_state(struct sw_reader *r, void *item)
{
    struct sw_series_state *st = item;
    st->step = sw_column_int(r, 0);
    st->time_ms = sw_column_int(r, 1);
    st->value = sw_column_real(r, 2);
    st->is_nan = sw_column_int(r, 3) != 0;
    st->min = sw_column_real(r, 4);
    st->max = sw_column_real(r, 5);
    st->count = sw_column_int(r, 6);
    st->min_step = sw_column_int(r, 7);
    st->is_ordered = sw_column_int(r, 8) != 0;
    const void *bytes = sqlite3_column_blob(r->st, 9);
    size_t len = (size_t)sqlite3_column_bytes(r->st, 9);
    st->level_count = (int)(len / sizeof *st->open);
    // A length that is no whole number of buckets, or too many, is a damaged row; sw_series_load() says so.
    if (len % sizeof *st->open != 0 || st->level_count > SW_LEVEL_MAX)
        st->level_count = -1;
    else if (len > 0)
        memcpy(st->open, bytes, len);
}

enum sw_code sw_series_load(struct sw_store *s, int64_t run_key, int64_t key_id, struct sw_series_state *state,
                            struct sw_err *err)
{
    bool found = false;
    *state = (struct sw_series_state){.min = NAN, .max = NAN, .is_ordered = true};
    enum sw_code code =
        sw_sql_get(s, SQL_SERIES_GET, SW_VALUES(sw_int(run_key), sw_int(key_id)), NULL, read_state, state, &found, err);
    if (code == SW_OK && state->level_count < 0)
        return sw_err_set(err, SW_CORRUPT, "the store %s is damaged: the summary of a metric has a wrong length",
                          s->dir);
    return code;
}

static enum sw_code store_state(struct sw_store *s, int64_t run_key, int64_t key_id, const struct sw_series_state *st,
                                struct sw_err *err)
{
    sqlite3_stmt *put = NULL;
    enum sw_code code =
        sw_sql_open(s, SQL_SERIES_PUT,
                    SW_VALUES(sw_int(run_key), sw_int(key_id), sw_int(st->step), sw_int(st->time_ms),
                              sw_real(st->value), sw_int(st->is_nan), sw_real(st->min), sw_real(st->max),
                              sw_int(st->count), sw_int(st->min_step), sw_int(st->is_ordered)),
                    &put, err);
    if (code != SW_OK)
        return code;
    // Both machine words and byte order are those of every supported machine (little-endian, 64 bits).
    int rc = sqlite3_bind_blob(put, 12, st->open, st->level_count * (int)sizeof *st->open, SQLITE_STATIC);
    bool has_row = false;
    return rc == SQLITE_OK ? sw_sql_next(s, put, &has_row, err) : sw_sql_error(s, rc, "writing", err);
}

// --- buckets ---
void sw_bucket_merge(struct sw_metric_bucket *into, const struct sw_metric_bucket *newer)
{
    if (into->count == 0) {
        *into = *newer;
        return;
    }
    if (newer->count == 0)
        return;
    into->first_step = newer->first_step < into->first_step ? newer->first_step : into->first_step;
    into->last_step = newer->last_step > into->last_step ? newer->last_step : into->last_step;
    into->min = fmin(into->min, newer->min); // fmin and fmax leave a NaN out
    into->max = fmax(into->max, newer->max);
    into->last = isnan(newer->last) ? into->last : newer->last;
    into->count += newer->count;
    into->nan_count += newer->nan_count;
    into->last_time_ms = newer->last_time_ms > into->last_time_ms ? newer->last_time_ms : into->last_time_ms;
}

static enum sw_code write_bucket(struct sw_store *s, int64_t run_key, int64_t key_id, int level, int64_t ordinal,
                                 const struct sw_metric_bucket *b, struct sw_err *err)
{
    return sw_sql_run(s, SQL_BUCKET_ADD,
                      SW_VALUES(sw_int(run_key), sw_int(key_id), sw_int(level), sw_int(b->first_step), sw_int(ordinal),
                                sw_int(b->last_step), sw_real(b->min), sw_real(b->max), sw_real(b->last),
                                sw_int(b->nan_count), sw_int(b->last_time_ms)),
                      err);
}

// Carries full buckets upwards. `st->count` already counts the point that filled level 1.
static enum sw_code carry(struct sw_store *s, int64_t run_key, int64_t key_id, struct sw_series_state *st,
                          struct sw_err *err)
{
    int64_t points = SW_LEVEL_FACTOR;
    for (int level = 1; level <= SW_LEVEL_MAX && st->count % points == 0; level++, points *= SW_LEVEL_FACTOR) {
        struct sw_metric_bucket *full = &st->open[level - 1];
        enum sw_code code = write_bucket(s, run_key, key_id, level, st->count / points - 1, full, err);
        if (code != SW_OK)
            return code;
        if (level < SW_LEVEL_MAX) {
            if (st->level_count == level)
                st->open[st->level_count++] = (struct sw_metric_bucket){0};
            sw_bucket_merge(&st->open[level], full);
        }
        *full = (struct sw_metric_bucket){0};
    }
    return SW_OK;
}

// MLflow's order of points: step, then time, then value; a NaN gives way to a number.
static bool is_later(const struct sw_series_state *st, const struct sw_metric_point *p, double value, bool is_nan)
{
    if (st->count == 0 || p->step != st->step)
        return st->count == 0 || p->step > st->step;
    if (p->time_ms != st->time_ms)
        return p->time_ms > st->time_ms;
    return st->is_nan || (!is_nan && value >= st->value);
}

static void count_point(struct sw_series_state *st, const struct sw_metric_point *p, double value, bool is_nan)
{
    double number = is_nan ? NAN : value;
    st->is_ordered = st->is_ordered && (st->count == 0 || p->step >= st->step);
    st->min_step = st->count == 0 || p->step < st->min_step ? p->step : st->min_step;
    st->min = fmin(st->min, number);
    st->max = fmax(st->max, number);
    if (is_later(st, p, value, is_nan)) {
        st->step = p->step;
        st->time_ms = p->time_ms;
        st->value = value;
        st->is_nan = is_nan;
    }
    const struct sw_metric_bucket one = {p->step, p->step, number, number, number, 1, is_nan, p->time_ms};
    if (st->level_count == 0)
        st->open[st->level_count++] = (struct sw_metric_bucket){0};
    sw_bucket_merge(&st->open[0], &one);
    st->count++;
}

// --- writing ---
static enum sw_code write_series(struct sw_store *s, int64_t run_key, const struct batch *b,
                                 const struct batch_series *series, struct sw_err *err)
{
    int64_t key_id = 0;
    struct sw_series_state state;
    sqlite3_stmt *add = NULL;
    enum sw_code code = intern_key(s, series->key, &key_id, err);
    if (code == SW_OK)
        code = sw_series_load(s, run_key, key_id, &state, err);
    // Run and key stay bound for all points of the series.
    if (code == SW_OK)
        code = sw_sql_open(s, SQL_POINT_ADD, SW_VALUES(sw_int(run_key), sw_int(key_id)), &add, err);
    int64_t before = state.count;
    for (ptrdiff_t i = series->first; i != NO_POINT && code == SW_OK; i = b->next[i]) {
        const struct sw_metric_point *p = &b->points[i];
        bool is_nan = isnan(p->value);
        double value = is_nan ? 0.0 : fmax(-DBL_MAX, fmin(DBL_MAX, p->value)) + 0.0; // -0 becomes 0
        sqlite3_bind_int64(add, 3, p->step);
        sqlite3_bind_int64(add, 4, p->time_ms);
        sqlite3_bind_double(add, 5, value);
        sqlite3_bind_int(add, 6, is_nan);
        bool has_row = false;
        code = sw_sql_next(s, add, &has_row, err);
        if (code != SW_OK || sqlite3_changes(s->db) == 0) // 0: this very point is there
            continue;
        count_point(&state, p, value, is_nan);
        if (state.count % SW_LEVEL_FACTOR == 0)
            code = carry(s, run_key, key_id, &state, err);
    }
    if (code == SW_OK && state.count != before)
        code = store_state(s, run_key, key_id, &state, err);
    return code;
}

static enum sw_code write_batch(struct sw_store *s, const char *run_id, const struct batch *b, struct sw_err *err)
{
    int64_t run_key = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    for (size_t i = 0; i < b->series_count && code == SW_OK; i++)
        code = write_series(s, run_key, b, &b->series[i], err);
    int failure = code == SW_OK ? sw_failpoint("metric.write") : 0;
    return failure != 0 ? sw_err_errno(err, failure, "writing metric points") : code;
}

enum sw_code sw_metric_write(struct sw_store *s, const char *run_id, const struct sw_metric_point *points, size_t count,
                             struct sw_err *err)
{
    if (count == 0)
        return SW_OK;
    struct batch b;
    struct sw_step step;
    enum sw_code code = batch_make(&b, points, count, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, write_batch(s, run_id, &b, err), err);
    batch_free(&b);
    return code;
}
