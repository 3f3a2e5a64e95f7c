// SPDX-License-Identifier: Apache-2.0
// Reading series: the coarsest level that still has a bucket for each column; and raw points. The tail of a series, which
// is not in the levels yet, is fed in memory to a copy of their state, so a reader sees what a writer would write.
#include "core/store/metric_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void read_bucket(struct sw_reader *r, void *item)
{
    struct sw_metric_bucket *b = item;
    b->first_step = sw_column_int(r, 0);
    b->last_step = sw_column_int(r, 1);
    b->min = sw_column_real(r, 2);
    b->max = sw_column_real(r, 3);
    b->last = sw_column_real(r, 4);
    b->nan_count = sw_column_int(r, 5);
    b->last_time_ms = sw_column_int(r, 6);
}

static void read_single(struct sw_reader *r, void *item)
{
    struct sw_stored_point point = sw_stored_read(r->st);
    *(struct sw_metric_bucket *)item = sw_bucket_of(&point);
}

// What is asked of one series, with the state it has in this snapshot.
struct span {
    int64_t run_key, key_id;
    int64_t from_step, to_step;
    int64_t columns;
    struct sw_series_state state;
};

// The first bucket of a level that can reach into the span. Buckets of an ordered series follow each other, so only the
// last one that starts before the span can; those of a disordered one may all.
static enum sw_code find_start(struct sw_store *s, const struct span *q, int level, int64_t *start, struct sw_err *err)
{
    *start = INT64_MIN;
    if (!q->state.is_ordered)
        return SW_OK;
    return sw_sql_int(s, SQL_BUCKET_BEFORE,
                      SW_VALUES(sw_int(q->run_key), sw_int(q->key_id), sw_int(level), sw_int(q->from_step)),
                      q->from_step, start, err);
}

// The coarsest level with at least one complete bucket per column inside the span; 0 = the points themselves.
static enum sw_code choose_level(struct sw_store *s, const struct span *q, int *level, struct sw_err *err)
{
    bool is_whole = q->from_step <= q->state.min_step && q->to_step >= q->state.latest.step;
    for (*level = sw_levels_in_use(q->state.count); *level > 0; --*level) {
        int64_t points = INT64_C(1) << (3 * *level), buckets = q->state.count / points;
        if (buckets >= q->columns && !is_whole) {
            int64_t start = 0;
            enum sw_code code = find_start(s, q, *level, &start, err);
            if (code == SW_OK)
                code = sw_sql_int(s, SQL_BUCKET_COUNT,
                                  SW_VALUES(sw_int(q->run_key), sw_int(q->key_id), sw_int(*level), sw_int(start),
                                            sw_int(q->to_step), sw_int(q->from_step)),
                                  0, &buckets, err);
            if (code != SW_OK)
                return code;
        }
        if (buckets >= q->columns)
            return SW_OK;
    }
    return SW_OK;
}

// Collects the buckets of one level.
struct collector {
    const struct span *span;
    int level;
    struct sw_arena *arena;
    struct sw_rows *rows;
};

static enum sw_code collect(void *ctx, int level, int64_t ordinal, const struct sw_metric_bucket *bucket,
                            struct sw_err *err)
{
    struct collector *c = ctx;
    (void)ordinal;
    if (level != c->level || bucket->first_step > c->span->to_step || bucket->last_step < c->span->from_step)
        return SW_OK;
    struct sw_metric_bucket *copy = sw_rows_push(c->rows, c->arena, sizeof *copy);
    if (copy == NULL)
        return sw_rows_full(err);
    *copy = *bucket;
    return SW_OK;
}

static int by_first_step(const void *a, const void *b)
{
    const struct sw_metric_bucket *x = a, *y = b;
    return (x->first_step > y->first_step) - (x->first_step < y->first_step);
}

static enum sw_code list_level(struct sw_store *s, const struct span *q, int level, struct sw_arena *a,
                               struct sw_rows *rows, struct sw_err *err)
{
    int64_t start = 0;
    enum sw_code code = find_start(s, q, level, &start, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_BUCKET_LIST,
                           SW_VALUES(sw_int(q->run_key), sw_int(q->key_id), sw_int(level), sw_int(start),
                                     sw_int(q->to_step), sw_int(q->from_step)),
                           a, sizeof(struct sw_metric_bucket), read_bucket, rows, err);
    if (code != SW_OK)
        return code;
    struct sw_metric_bucket *buckets = rows->items;
    for (size_t i = 0; i < rows->count; i++)
        buckets[i].count = INT64_C(1) << (3 * level);
    struct collector c = {q, level, a, rows};
    struct sw_levels levels = q->state.levels;
    code = sw_series_feed_tail(s, q->run_key, q->key_id, -1, &levels, collect, &c, err);
    struct sw_metric_bucket rest = sw_levels_rest(&levels, level);
    if (code == SW_OK && rest.count > 0)
        code = collect(&c, level, 0, &rest, err);
    if (code == SW_OK && !q->state.is_ordered)
        qsort(rows->items, rows->count, sizeof(struct sw_metric_bucket), by_first_step);
    return code;
}

// The state of the span's run under that key; the empty one when it has none.
static enum sw_code load_series(struct sw_store *s, const char *key, struct span *q, struct sw_err *err)
{
    enum sw_code code = sw_metric_key_id(s, key, &q->key_id, err);
    return code == SW_OK ? sw_series_load(s, q->run_key, q->key_id, &q->state, err) : code;
}

static enum sw_code find_series(struct sw_store *s, const char *run_id, const char *key, struct span *q,
                                struct sw_err *err)
{
    enum sw_code code = sw_run_key(s, run_id, &q->run_key, err);
    return code == SW_OK ? load_series(s, key, q, err) : code;
}

static enum sw_code read_series(struct sw_store *s, struct span *q, const char *run_id, const char *key,
                                struct sw_arena *a, struct sw_metric_series *out, struct sw_err *err)
{
    struct sw_rows rows = {0};
    int level = 0;
    enum sw_code code = find_series(s, run_id, key, q, err);
    if (code == SW_OK)
        code = choose_level(s, q, &level, err);
    if (code == SW_OK && level > 0)
        code = list_level(s, q, level, a, &rows, err);
    else if (code == SW_OK)
        code = sw_sql_list(s, SQL_POINT_SPAN,
                           SW_VALUES(sw_int(q->run_key), sw_int(q->key_id), sw_int(q->from_step), sw_int(q->to_step)),
                           a, sizeof(struct sw_metric_bucket), read_single, &rows, err);
    if (code == SW_OK)
        *out =
            (struct sw_metric_series){rows.items, rows.count, q->state.count, q->state.min_step, q->state.latest.step};
    return code;
}

enum sw_code sw_metric_read_series(struct sw_store *s, const char *run_id, const char *key, int64_t from_step,
                                   int64_t to_step, int columns, struct sw_arena *a, struct sw_metric_series *out,
                                   struct sw_err *err)
{
    struct span q = {.from_step = from_step, .to_step = to_step, .columns = columns > 0 ? columns : 1};
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, read_series(s, &q, run_id, key, a, out, err)) : code;
}

// --- raw points ---
static void read_point(struct sw_reader *r, void *item)
{
    struct sw_metric_point *p = item;
    p->step = sw_column_int(r, 0);
    p->time_ms = sw_column_int(r, 1);
    p->value = sw_column_int(r, 3) != 0 ? NAN : sw_column_real(r, 2);
}

static struct sw_stored_point place_of(const struct sw_metric_cursor *c)
{
    if (!c->is_set)
        return sw_stored_below_all;
    return (struct sw_stored_point){c->step, c->time_ms, c->is_nan ? 0.0 : c->value, c->is_nan};
}

static struct sw_metric_cursor cursor_at(const struct sw_metric_point *p)
{
    return (struct sw_metric_cursor){true, p->step, p->time_ms, p->value, isnan(p->value)};
}

// Where times and steps rise together the primary key has the order of times as well.
static enum sw_code read_page(struct sw_store *s, const char *run_id, const char *key, int64_t limit,
                              const struct sw_metric_cursor *cursor, struct sw_arena *a, struct sw_rows *rows,
                              struct sw_err *err)
{
    struct span q = {0};
    struct sw_stored_point from = place_of(cursor);
    enum sw_code code = find_series(s, run_id, key, &q, err);
    if (code != SW_OK)
        return code;
    return sw_sql_list(s, q.state.is_time_ordered ? SQL_POINT_TAIL : SQL_POINT_TAIL_BY_TIME,
                       SW_VALUES(sw_int(q.run_key), sw_int(q.key_id), sw_int(from.step), sw_int(from.time_ms),
                                 sw_real(from.value), sw_int(from.is_nan), sw_int(limit)),
                       a, sizeof(struct sw_metric_point), read_point, rows, err);
}

enum sw_code sw_metric_read_page(struct sw_store *s, const char *run_id, const char *key, int64_t limit,
                                 struct sw_metric_cursor *cursor, struct sw_arena *a, struct sw_metric_point **out,
                                 size_t *count, bool *at_end, struct sw_err *err)
{
    struct sw_step step;
    struct sw_rows rows = {0};
    if (limit <= 0 || limit == INT64_MAX)
        return sw_err_set(err, SW_INVALID, "a page of %" PRId64 " metric points cannot be read", limit);
    const char *name = sw_arena_strdup(a, key);
    if (name == NULL)
        return sw_rows_full(err);
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    if (code == SW_OK) // one more tells whether there is a next page
        code = sw_snapshot_end(s, &step, read_page(s, run_id, key, limit + 1, cursor, a, &rows, err));
    if (code != SW_OK)
        return code;
    *out = rows.items;
    *at_end = (int64_t)rows.count <= limit;
    *count = *at_end ? rows.count : (size_t)limit;
    for (size_t i = 0; i < *count; i++)
        (*out)[i].key = name;
    if (*count > 0)
        *cursor = cursor_at(&(*out)[*count - 1]);
    return SW_OK;
}

// --- samples ---
// The rank of sample i when `total` points, counted from 0 by (step, time, value), are cut into `parts` runs of nearly equal
// length, the longer ones first: the first point of each, but for the last sample, which is the last point. (SQL's NTILE.)
static int64_t rank_of(int64_t i, int64_t total, int64_t parts)
{
    int64_t len = total / parts, longer = total % parts;
    return i == parts - 1 ? total - 1 : i * len + (i < longer ? i : longer);
}

// What is sampled, and where the samples go.
struct sampling {
    const char *run_id, *key;
    int64_t most;
    struct sw_arena *arena;
    struct sw_rows *rows;
};

static enum sw_code count_span(struct sw_store *s, const struct span *q, int64_t *total, struct sw_err *err)
{
    *total = q->state.count;
    if (*total == 0 || (q->from_step <= q->state.min_step && q->to_step >= q->state.latest.step))
        return SW_OK;
    return sw_sql_int(s, SQL_POINT_SPAN_COUNT,
                      SW_VALUES(sw_int(q->run_key), sw_int(q->key_id), sw_int(q->from_step), sw_int(q->to_step)), 0,
                      total, err);
}

static enum sw_code sample_span(struct sw_store *s, const struct span *q, int64_t total, const struct sampling *to,
                                struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    int64_t parts = total < to->most ? total : to->most, taken = 0;
    enum sw_code code = sw_sql_open(
        s, SQL_POINT_SPAN, SW_VALUES(sw_int(q->run_key), sw_int(q->key_id), sw_int(q->from_step), sw_int(q->to_step)),
        &st, err);
    struct sw_reader r = {st, to->arena, false};
    for (int64_t rank = 0; code == SW_OK && taken < parts; rank++) {
        code = sw_sql_next(s, st, &has_row, err);
        if (code != SW_OK || !has_row)
            return code;
        if (rank != rank_of(taken, total, parts))
            continue;
        struct sw_metric_sample *sample = sw_rows_push(to->rows, to->arena, sizeof *sample);
        if (sample == NULL) {
            sqlite3_reset(st);
            return sw_rows_full(err);
        }
        sample->run_id = to->run_id;
        read_point(&r, &sample->point);
        sample->point.key = to->key;
        taken++;
    }
    if (code == SW_OK)
        sqlite3_reset(st);
    return code;
}

static enum sw_code sample_run(struct sw_store *s, struct span *q, const struct sampling *to, struct sw_err *err)
{
    int64_t total = 0;
    enum sw_code code = sw_sql_int(s, SQL_RUN_KEY, SW_VALUES(sw_text(to->run_id)), 0, &q->run_key, err);
    if (code != SW_OK || q->run_key == 0) // an unknown run has no points
        return code;
    code = load_series(s, to->key, q, err);
    if (code == SW_OK)
        code = count_span(s, q, &total, err);
    return code == SW_OK && total > 0 ? sample_span(s, q, total, to, err) : code;
}

enum sw_code sw_metric_read_sample(struct sw_store *s, const char *const *run_ids, size_t run_count, const char *key,
                                   int64_t start_step, int64_t end_step, int64_t most, struct sw_arena *a,
                                   struct sw_metric_sample **out, size_t *count, struct sw_err *err)
{
    struct sw_step step;
    struct sw_rows rows = {0};
    struct sampling to = {.key = sw_arena_strdup(a, key), .most = most > 0 ? most : 1, .arena = a, .rows = &rows};
    if (to.key == NULL)
        return sw_rows_full(err);
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < run_count && code == SW_OK; i++) {
        struct span q = {.from_step = start_step, .to_step = end_step};
        to.run_id = run_ids[i];
        code = sample_run(s, &q, &to, err);
    }
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return sw_snapshot_end(s, &step, code);
}

enum sw_code sw_metric_read_points(struct sw_store *s, const char *run_id, const char *key, int64_t offset,
                                   int64_t limit, struct sw_arena *a, struct sw_metric_point **out, size_t *count,
                                   struct sw_err *err)
{
    int64_t run_key = 0, key_id = 0;
    struct sw_rows rows = {0};
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_metric_key_id(s, key, &key_id, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_POINT_PAGE, SW_VALUES(sw_int(run_key), sw_int(key_id), sw_int(limit), sw_int(offset)),
                           a, sizeof **out, read_point, &rows, err);
    const char *name = code == SW_OK ? sw_arena_strdup(a, key) : NULL;
    if (code == SW_OK && name == NULL)
        return sw_rows_full(err);
    if (code != SW_OK)
        return code;
    *out = rows.items;
    *count = rows.count;
    for (size_t i = 0; i < rows.count; i++)
        (*out)[i].key = name;
    return SW_OK;
}

static void read_key(struct sw_reader *r, void *item)
{
    *(const char **)item = sw_column_text(r, 0);
}

enum sw_code sw_metric_keys(struct sw_store *s, const char *run_id, struct sw_arena *a, const char ***out,
                            size_t *count, struct sw_err *err)
{
    int64_t run_key = 0;
    struct sw_rows rows = {0};
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_KEY_LIST, SW_VALUES(sw_int(run_key)), a, sizeof **out, read_key, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}
