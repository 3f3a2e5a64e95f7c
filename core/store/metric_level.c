// SPDX-License-Identifier: Apache-2.0
// The arithmetic of levels, and the state of a series in the store.
#include "core/store/metric_private.h"

#include <float.h>
#include <math.h>
#include <string.h>

const struct sw_stored_point sw_stored_below_all = {INT64_MIN, INT64_MIN, -DBL_MAX, -1};

// `newer` was fed after all points of `into`.
static void merge(struct sw_metric_bucket *into, const struct sw_metric_bucket *newer)
{
    if (newer->count == 0)
        return;
    if (into->count == 0) {
        *into = *newer;
        return;
    }
    into->first_step = newer->first_step < into->first_step ? newer->first_step : into->first_step;
    into->last_step = newer->last_step > into->last_step ? newer->last_step : into->last_step;
    into->min = fmin(into->min, newer->min); // fmin and fmax leave a NaN out
    into->max = fmax(into->max, newer->max);
    into->last = isnan(newer->last) ? into->last : newer->last;
    into->count += newer->count;
    into->nan_count += newer->nan_count;
    into->last_time_ms = newer->last_time_ms > into->last_time_ms ? newer->last_time_ms : into->last_time_ms;
}

struct sw_metric_bucket sw_bucket_of(const struct sw_stored_point *p)
{
    double value = p->is_nan ? NAN : p->value;
    return (struct sw_metric_bucket){p->step, p->step, value, value, value, 1, p->is_nan, p->time_ms};
}

int sw_stored_order(const struct sw_stored_point *a, const struct sw_stored_point *b)
{
    if (a->step != b->step)
        return a->step < b->step ? -1 : 1;
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    if (a->value < b->value || a->value > b->value)
        return a->value < b->value ? -1 : 1;
    return (a->is_nan > b->is_nan) - (a->is_nan < b->is_nan);
}

enum sw_code sw_levels_feed(struct sw_levels *levels, const struct sw_stored_point *point, sw_bucket_sink sink,
                            void *ctx, struct sw_err *err)
{
    struct sw_metric_bucket one = sw_bucket_of(point);
    merge(&levels->open[0], &one);
    if (levels->count == 0 || sw_stored_order(point, &levels->mark) > 0)
        levels->mark = *point;
    levels->count++;
    int64_t points = SW_LEVEL_FACTOR;
    for (int level = 1; level <= SW_LEVEL_MAX && levels->count % points == 0; level++, points *= SW_LEVEL_FACTOR) {
        struct sw_metric_bucket *full = &levels->open[level - 1];
        enum sw_code code = sink(ctx, level, levels->count / points - 1, full, err);
        if (code != SW_OK)
            return code;
        if (level < SW_LEVEL_MAX)
            merge(&levels->open[level], full);
        *full = (struct sw_metric_bucket){0};
    }
    return SW_OK;
}

struct sw_metric_bucket sw_levels_rest(const struct sw_levels *levels, int level)
{
    struct sw_metric_bucket rest = {0};
    for (int i = level - 1; i >= 0; i--) // the oldest points lie in the highest
        merge(&rest, &levels->open[i]);
    return rest;
}

int sw_levels_in_use(int64_t count)
{
    int level = 0;
    for (; count > 0 && level < SW_LEVEL_MAX; count /= SW_LEVEL_FACTOR)
        level++;
    return level;
}

struct sw_stored_point sw_stored_read(sqlite3_stmt *st)
{
    return (struct sw_stored_point){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1),
                                    sqlite3_column_double(st, 2), sqlite3_column_int64(st, 3)};
}

static void read_state(struct sw_reader *r, void *item)
{
    struct sw_series_state *state = item;
    state->latest = sw_stored_read(r->st);
    state->min = sw_column_real(r, 4);
    state->max = sw_column_real(r, 5);
    state->count = sw_column_int(r, 6);
    state->min_step = sw_column_int(r, 7);
    state->is_ordered = sw_column_int(r, 8) != 0;
    state->is_time_ordered = sw_column_int(r, 9) != 0;
    const void *bytes = sqlite3_column_blob(r->st, 10);
    size_t len = (size_t)sqlite3_column_bytes(r->st, 10);
    if (bytes != NULL && len <= sizeof state->levels)
        memcpy(&state->levels, bytes, len);
    // What does not fit together is a damaged row; sw_series_load() says so.
    int64_t fed = state->levels.count;
    if (fed < 0 || fed > state->count ||
        len != offsetof(struct sw_levels, open) + (size_t)sw_levels_in_use(fed) * sizeof state->levels.open[0])
        state->count = -1;
}

enum sw_code sw_series_load(struct sw_store *s, int64_t run_key, int64_t key_id, struct sw_series_state *state,
                            struct sw_err *err)
{
    bool found = false;
    *state = (struct sw_series_state){.min = NAN, .max = NAN, .is_ordered = true, .is_time_ordered = true};
    enum sw_code code =
        sw_sql_get(s, SQL_SERIES_GET, SW_VALUES(sw_int(run_key), sw_int(key_id)), NULL, read_state, state, &found, err);
    if (code == SW_OK && state->count < 0)
        return sw_err_set(err, SW_CORRUPT, "the store %s is damaged: the summary of a metric does not fit", s->dir);
    return code;
}

enum sw_code sw_series_feed_tail(struct sw_store *s, int64_t run_key, int64_t key_id, int64_t limit,
                                 struct sw_levels *levels, sw_bucket_sink sink, void *ctx, struct sw_err *err)
{
    const struct sw_stored_point *mark = levels->count > 0 ? &levels->mark : &sw_stored_below_all;
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    enum sw_code code =
        sw_sql_open(s, SQL_POINT_TAIL,
                    SW_VALUES(sw_int(run_key), sw_int(key_id), sw_int(mark->step), sw_int(mark->time_ms),
                              sw_real(mark->value), sw_int(mark->is_nan), sw_int(limit)),
                    &st, err);
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, err)) == SW_OK && has_row) {
        struct sw_stored_point point = sw_stored_read(st);
        code = sw_levels_feed(levels, &point, sink, ctx, err);
        if (code != SW_OK)
            sqlite3_reset(st);
    }
    return code;
}
