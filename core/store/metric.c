// SPDX-License-Identifier: Apache-2.0
// Writing metric points. A batch is sorted out by key; each series is then one read of its state, one row for each
// point, and one write of its state, with its levels fed now and then (metric_private.h says when). The state is read and written
// inside the transaction, so writers of the same series need not know of each other.
#include "core/store/metric.h"

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

// --- writing a series ---
// A series that is being written.
struct intake {
    struct sw_store *s;
    int64_t run_key, key_id;
    struct sw_series_state state;
    bool is_sorted; // every point so far was new and came after all points that were there
};

static enum sw_code write_bucket(void *ctx, int level, int64_t ordinal, const struct sw_metric_bucket *b,
                                 struct sw_err *err)
{
    const struct intake *in = ctx;
    return sw_sql_run(in->s, SQL_BUCKET_ADD,
                      SW_VALUES(sw_int(in->run_key), sw_int(in->key_id), sw_int(level), sw_int(b->first_step),
                                sw_int(ordinal), sw_int(b->last_step), sw_real(b->min), sw_real(b->max),
                                sw_real(b->last), sw_int(b->nan_count), sw_int(b->last_time_ms)),
                      err);
}

static struct sw_stored_point stored_form(const struct sw_metric_point *p)
{
    bool is_nan = isnan(p->value);
    double value = is_nan ? 0.0 : fmax(-DBL_MAX, fmin(DBL_MAX, p->value)) + 0.0; // -0 becomes 0
    return (struct sw_stored_point){p->step, p->time_ms, value, is_nan};
}

// MLflow's order of points: step, then time, then value; a NaN gives way to a number.
static bool is_latest(const struct sw_series_state *state, const struct sw_stored_point *p)
{
    const struct sw_stored_point *latest = &state->latest;
    if (state->count == 0 || p->step != latest->step)
        return state->count == 0 || p->step > latest->step;
    if (p->time_ms != latest->time_ms)
        return p->time_ms > latest->time_ms;
    return latest->is_nan || (!p->is_nan && p->value >= latest->value);
}

static enum sw_code count_point(struct intake *in, const struct sw_stored_point *p, struct sw_err *err)
{
    struct sw_series_state *state = &in->state;
    const struct sw_stored_point *latest = &state->latest;
    bool is_after =
        state->count == 0 || p->step > latest->step || (p->step == latest->step && p->time_ms > latest->time_ms);
    in->is_sorted = in->is_sorted && is_after;
    // Said only of what came in that order: the points below a late one are not looked at.
    state->is_time_ordered =
        state->count == 0 || (state->is_time_ordered && p->step >= latest->step && p->time_ms >= latest->time_ms);
    state->min_step = state->count == 0 || p->step < state->min_step ? p->step : state->min_step;
    if (!p->is_nan) {
        state->min = fmin(state->min, p->value);
        state->max = fmax(state->max, p->value);
    }
    if (is_latest(state, p))
        state->latest = *p;
    state->count++;
    if (state->levels.count == 0 || sw_stored_order(p, &state->levels.mark) > 0)
        return SW_OK; // belongs to the tail
    state->is_ordered = false;
    return sw_levels_feed(&state->levels, p, write_bucket, in, err);
}

static enum sw_code write_points(struct intake *in, const struct batch *b, const struct batch_series *series,
                                 struct sw_err *err)
{
    sqlite3_stmt *add = NULL;
    // Run and key stay bound for all points of the series.
    enum sw_code code =
        sw_sql_open(in->s, SQL_POINT_ADD, SW_VALUES(sw_int(in->run_key), sw_int(in->key_id)), &add, err);
    for (ptrdiff_t i = series->first; i != NO_POINT && code == SW_OK; i = b->next[i]) {
        struct sw_stored_point p = stored_form(&b->points[i]);
        sqlite3_bind_int64(add, 3, p.step);
        sqlite3_bind_int64(add, 4, p.time_ms);
        sqlite3_bind_double(add, 5, p.value);
        sqlite3_bind_int64(add, 6, p.is_nan);
        bool has_row = false;
        code = sw_sql_next(in->s, add, &has_row, err);
        if (code == SW_OK && sqlite3_changes(in->s->db) > 0)
            code = count_point(in, &p, err);
        else
            in->is_sorted = false; // this very point is there already
    }
    return code;
}

// Feeds the whole tail. Points of this batch need not be read back when they came in order; then the table is asked only
// for the `waiting` ones of earlier batches.
static enum sw_code feed(struct intake *in, const struct batch *b, const struct batch_series *series, int64_t waiting,
                         struct sw_err *err)
{
    struct sw_levels *levels = &in->state.levels;
    int64_t limit = in->is_sorted ? waiting : in->state.count - levels->count;
    enum sw_code code = SW_OK;
    if (limit > 0)
        code = sw_series_feed_tail(in->s, in->run_key, in->key_id, limit, levels, write_bucket, in, err);
    if (!in->is_sorted)
        return code;
    for (ptrdiff_t i = series->first; i != NO_POINT && code == SW_OK; i = b->next[i]) {
        struct sw_stored_point p = stored_form(&b->points[i]);
        code = sw_levels_feed(levels, &p, write_bucket, in, err);
    }
    return code;
}

static enum sw_code store_state(const struct intake *in, struct sw_err *err)
{
    const struct sw_series_state *state = &in->state;
    const struct sw_stored_point *latest = &state->latest;
    sqlite3_stmt *put = NULL;
    enum sw_code code =
        sw_sql_open(in->s, SQL_SERIES_PUT,
                    SW_VALUES(sw_int(in->run_key), sw_int(in->key_id), sw_int(latest->step), sw_int(latest->time_ms),
                              sw_real(latest->value), sw_int(latest->is_nan), sw_real(state->min), sw_real(state->max),
                              sw_int(state->count), sw_int(state->min_step), sw_int(state->is_ordered),
                              sw_int(state->is_time_ordered)),
                    &put, err);
    if (code != SW_OK)
        return code;
    // Both machine words and byte order are those of every supported machine (little-endian, 64 bits).
    size_t len =
        offsetof(struct sw_levels, open) + (size_t)sw_levels_in_use(state->levels.count) * sizeof state->levels.open[0];
    int rc = sqlite3_bind_blob(put, 13, &state->levels, (int)len, SQLITE_STATIC);
    bool has_row = false;
    return rc == SQLITE_OK ? sw_sql_next(in->s, put, &has_row, err) : sw_sql_error(in->s, rc, "writing", err);
}

static enum sw_code write_series(struct sw_store *s, int64_t run_key, const struct batch *b,
                                 const struct batch_series *series, struct sw_err *err)
{
    struct intake in = {.s = s, .run_key = run_key, .is_sorted = true};
    enum sw_code code = intern_key(s, series->key, &in.key_id, err);
    if (code == SW_OK)
        code = sw_series_load(s, run_key, in.key_id, &in.state, err);
    if (code != SW_OK)
        return code;
    int64_t before = in.state.count, waiting = before - in.state.levels.count;
    code = write_points(&in, b, series, err);
    if (code == SW_OK && in.state.count - in.state.levels.count >= SW_TAIL_MAX)
        code = feed(&in, b, series, waiting, err);
    return code == SW_OK && in.state.count != before ? store_state(&in, err) : code;
}

// --- writing a batch ---
static enum sw_code write_batch(struct sw_store *s, const char *run_id, const struct batch *b, struct sw_err *err)
{
    int64_t run_key = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    for (size_t i = 0; i < b->series_count && code == SW_OK; i++)
        code = write_series(s, run_key, b, &b->series[i], err);
    return code == SW_OK ? sw_sql_failpoint(s, "metric.write", err) : code;
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
