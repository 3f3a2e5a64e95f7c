// SPDX-License-Identifier: Apache-2.0
// Metric points and their levels: exact against a plain computation over random series, with one writer and with two,
// with NaN, duplicates and steps out of order.
#include "tests/unit/store/fixture.h"

#include "core/store/metric.h"

#include <float.h>
#include <math.h>

static void make_run(struct fixture *f, char id[static SW_RUN_ID])
{
    ok(sw_run_create(f->store, &(struct sw_run_new){.name = "r"}, id, &f->err));
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u; // Numerical Recipes' constants
    return (uint32_t)(((uint64_t)(*seed >> 8) * below) >> 24);
}

static bool same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

// --- the plain computation ---
static struct sw_metric_bucket bucket_of(const struct sw_metric_point *p, size_t count)
{
    struct sw_metric_bucket b = {p[0].step, p[0].step, NAN, NAN, NAN, (int64_t)count, 0, p[0].time_ms};
    for (size_t i = 0; i < count; i++) {
        b.first_step = p[i].step < b.first_step ? p[i].step : b.first_step;
        b.last_step = p[i].step > b.last_step ? p[i].step : b.last_step;
        b.last_time_ms = p[i].time_ms > b.last_time_ms ? p[i].time_ms : b.last_time_ms;
        if (isnan(p[i].value)) {
            b.nan_count++;
            continue;
        }
        b.min = isnan(b.min) || p[i].value < b.min ? p[i].value : b.min;
        b.max = isnan(b.max) || p[i].value > b.max ? p[i].value : b.max;
        b.last = p[i].value;
    }
    return b;
}

static void check_equal(const struct sw_metric_bucket *a, const struct sw_metric_bucket *b)
{
    assert_int_equal(a->first_step, b->first_step);
    assert_int_equal(a->last_step, b->last_step);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->nan_count, b->nan_count);
    assert_int_equal(a->last_time_ms, b->last_time_ms);
    assert_true(same(a->min, b->min) && same(a->max, b->max) && same(a->last, b->last));
}

// The buckets that `points` (by step and time) must have when a chart of `columns` reads all of them.
static size_t expect(const struct sw_metric_point *points, size_t count, size_t columns, struct sw_metric_bucket *out)
{
    size_t width = 1, n = 0;
    while (count / (width * 8) >= columns)
        width *= 8;
    for (size_t i = 0; i < count; i += width)
        out[n++] = bucket_of(points + i, count - i < width ? count - i : width);
    return n;
}

static int by_step(const void *a, const void *b)
{
    const struct sw_metric_bucket *x = a, *y = b;
    int order = (x->first_step > y->first_step) - (x->first_step < y->first_step);
    // Buckets that start at the same step may come in any order; the rest makes the comparison total.
    return order != 0 ? order : memcmp(x, y, sizeof *x);
}

static void check_series(struct fixture *f, const char *id, const struct sw_metric_point *points, size_t count,
                         int columns)
{
    static struct sw_metric_bucket wanted[20000], got[20000];
    struct sw_metric_series series;
    struct sw_arena *a = sw_arena_new(64 << 20);
    ok(sw_metric_read_series(f->store, id, "m", INT64_MIN, INT64_MAX, columns, a, &series, &f->err));
    size_t n = expect(points, count, (size_t)columns, wanted);
    assert_int_equal(series.point_count, count);
    assert_int_equal(series.bucket_count, n);
    for (size_t i = 1; i < n; i++)
        assert_true(series.buckets[i - 1].first_step <= series.buckets[i].first_step);
    memcpy(got, series.buckets, n * sizeof *got);
    qsort(wanted, n, sizeof *wanted, by_step);
    qsort(got, n, sizeof *got, by_step);
    for (size_t i = 0; i < n; i++)
        check_equal(&got[i], &wanted[i]);
    sw_arena_free(a);
}

// Points that come late join whatever bucket is open, so only what all buckets hold together is fixed: every point once,
// and in a bucket that spans it.
static void check_disordered(struct fixture *f, const char *id, const struct sw_metric_point *points, size_t count,
                             int columns)
{
    struct sw_metric_series series;
    struct sw_metric_bucket all = {0};
    struct sw_arena *a = sw_arena_new(64 << 20);
    ok(sw_metric_read_series(f->store, id, "m", INT64_MIN, INT64_MAX, columns, a, &series, &f->err));
    int64_t width = series.bucket_count > 0 ? series.buckets[0].count : 0;
    for (size_t i = 0; i < series.bucket_count; i++) {
        const struct sw_metric_bucket *b = &series.buckets[i];
        assert_true(i == 0 || series.buckets[i - 1].first_step <= b->first_step);
        assert_true(b->first_step <= b->last_step && b->nan_count <= b->count);
        assert_true(isnan(b->last) ? b->nan_count == b->count : b->last >= b->min && b->last <= b->max);
        width = b->count > width ? b->count : width;
        all.count += b->count;
        all.nan_count += b->nan_count;
        all.min = i == 0 ? b->min : fmin(all.min, b->min);
        all.max = i == 0 ? b->max : fmax(all.max, b->max);
    }
    size_t small = 0;
    for (size_t i = 0; i < series.bucket_count; i++)
        small += series.buckets[i].count != width;
    struct sw_metric_bucket wanted = bucket_of(points, count);
    assert_true(small <= 1); // the open one
    assert_true(all.count == wanted.count && all.nan_count == wanted.nan_count);
    assert_true(same(all.min, wanted.min) && same(all.max, wanted.max));
    assert_int_equal(series.point_count, count);
    assert_int_equal(series.min_step, wanted.first_step);
    assert_int_equal(series.max_step, wanted.last_step);
    sw_arena_free(a);
}

enum shape { STEADY, REPEATED_STEPS, DISORDERED, MOSTLY_NAN };

static size_t make_points(struct sw_metric_point *points, size_t count, enum shape shape, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        int64_t step = shape == REPEATED_STEPS ? (int64_t)(i / 20)
                       : shape == DISORDERED   ? draw(&seed, 5000)
                                               : (int64_t)i;
        bool is_nan = shape == MOSTLY_NAN ? draw(&seed, 10) > 0 : draw(&seed, 20) == 0;
        // The time makes every point unique, so that none is taken for a retry.
        points[i] = (struct sw_metric_point){"m", is_nan ? NAN : (double)draw(&seed, 1000) - 500.0, step,
                                             1000 + (int64_t)i * 3};
    }
    return count;
}

static void write_batches(struct fixture *f, struct sw_store **writers, size_t writer_count, const char *id,
                          const struct sw_metric_point *points, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count;) {
        size_t n = 1 + draw(&seed, 700);
        n = n < count - i ? n : count - i;
        ok(sw_metric_write(writers[draw(&seed, (uint32_t)writer_count)], id, points + i, n, &f->err));
        i += n;
    }
}

static void test_levels_are_exact(void **state)
{
    struct fixture *f = *state;
    static const size_t counts[] = {1, 7, 8, 9, 63, 64, 65, 255, 256, 257, 511, 512, 513, 4096, 5000};
    static const int columns[] = {1, 2, 8, 50, 200, 1000};
    static struct sw_metric_point points[5000];
    for (enum shape shape = STEADY; shape <= MOSTLY_NAN; shape++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            char id[SW_RUN_ID];
            make_run(f, id);
            make_points(points, counts[c], shape, 11 + (uint32_t)shape);
            write_batches(f, &f->store, 1, id, points, counts[c], 3);
            for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
                (shape == DISORDERED ? check_disordered : check_series)(f, id, points, counts[c], columns[i]);
        }
    }
}

static void test_levels_are_exact_with_several_writers(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[9000];
    struct sw_store *writers[3] = {f->store};
    char id[SW_RUN_ID];
    ok(sw_store_open(f->dir, SW_STORE_OPEN, &writers[1], &f->err));
    ok(sw_store_open(f->dir, SW_STORE_OPEN, &writers[2], &f->err));
    make_run(f, id);
    make_points(points, 9000, STEADY, 5);
    write_batches(f, writers, 3, id, points, 9000, 9);
    for (int columns = 1; columns < 2000; columns = columns * 3 + 1)
        check_series(f, id, points, 9000, columns);
    sw_store_close(writers[1]);
    sw_store_close(writers[2]);
}

// A run that goes back to a checkpoint logs steps again that it had logged before.
static void test_steps_logged_again_after_a_resume(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[3000];
    char id[SW_RUN_ID];
    make_run(f, id);
    make_points(points, 3000, STEADY, 13);
    for (size_t i = 2000; i < 3000; i++)
        points[i].step -= 700;
    write_batches(f, &f->store, 1, id, points, 3000, 6);
    for (int columns = 1; columns < 400; columns *= 3)
        check_disordered(f, id, points, 3000, columns);
}

// Batches of one point, as a training loop without buffering sends them.
static void test_single_points(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[700];
    char id[SW_RUN_ID];
    make_run(f, id);
    make_points(points, 700, STEADY, 17);
    for (size_t i = 0; i < 700; i++) {
        ok(sw_metric_write(f->store, id, &points[i], 1, &f->err));
        if (i % 50 == 0 || (i > 250 && i < 260))
            check_series(f, id, points, i + 1, 3);
    }
    check_series(f, id, points, 700, 20);
}

// A part of the range: every bucket returned touches it, together they hold every point in it, and there are enough of
// them for the columns when there are enough points.
static void check_range(struct fixture *f, const char *id, const struct sw_metric_point *points, size_t count,
                        int64_t from, int64_t to, int columns)
{
    struct sw_metric_series series;
    ok(sw_metric_read_series(f->store, id, "m", from, to, columns, f->arena, &series, &f->err));
    int64_t inside = 0, held = 0;
    double min = NAN;
    for (size_t i = 0; i < count; i++) {
        bool is_in = points[i].step >= from && points[i].step <= to;
        inside += is_in;
        min = is_in ? fmin(min, points[i].value) : min;
    }
    double got_min = NAN;
    for (size_t i = 0; i < series.bucket_count; i++) {
        const struct sw_metric_bucket *b = &series.buckets[i];
        assert_true(b->first_step <= to && b->last_step >= from);
        held += b->count;
        got_min = fmin(got_min, b->min);
    }
    assert_true(held >= inside);
    assert_true(isnan(min) || got_min <= min);
    assert_true((int64_t)series.bucket_count >= (inside < columns ? inside : columns));
    assert_true((int64_t)series.bucket_count <= 8 * columns + 20 || inside == 0);
}

static void test_ranges(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[20000];
    for (enum shape shape = STEADY; shape <= REPEATED_STEPS; shape++) {
        char id[SW_RUN_ID];
        make_run(f, id);
        make_points(points, 20000, shape, 21);
        write_batches(f, &f->store, 1, id, points, 20000, 2);
        int64_t end = points[19999].step;
        for (int64_t width = 1; width <= end; width *= 5)
            for (int64_t from = -3; from <= end; from += end / 7 + 1)
                check_range(f, id, points, 20000, from, from + width, 40);
        check_range(f, id, points, 20000, end + 1, end + 10, 40);
    }
}

static void test_ranges_of_a_disordered_series(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[3000];
    struct sw_metric_series series;
    char id[SW_RUN_ID];
    make_run(f, id);
    make_points(points, 3000, DISORDERED, 4);
    write_batches(f, &f->store, 1, id, points, 3000, 2);
    ok(sw_metric_read_series(f->store, id, "m", 1000, 1200, 10, f->arena, &series, &f->err));
    int64_t held = 0, inside = 0;
    for (size_t i = 0; i < series.bucket_count; i++)
        held += series.buckets[i].count;
    for (size_t i = 0; i < 3000; i++)
        inside += points[i].step >= 1000 && points[i].step <= 1200;
    assert_true(held >= inside);
}

static void test_duplicates_are_ignored(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[600];
    struct sw_metric_point *raw = NULL;
    size_t count = 0;
    char id[SW_RUN_ID];
    make_run(f, id);
    make_points(points, 600, STEADY, 1);
    ok(sw_metric_write(f->store, id, points, 400, &f->err));
    ok(sw_metric_write(f->store, id, points, 600, &f->err)); // the client did not see the first answer
    check_series(f, id, points, 600, 10);
    ok(sw_metric_read_points(f->store, id, "m", 0, 10000, f->arena, &raw, &count, &f->err));
    assert_int_equal(count, 600);
    for (size_t i = 0; i < count; i++)
        assert_true(raw[i].step == points[i].step && same(raw[i].value, points[i].value));
    ok(sw_metric_read_points(f->store, id, "m", 590, 100, f->arena, &raw, &count, &f->err));
    assert_int_equal(count, 10);
    assert_string_equal(raw[0].key, "m");
    struct sw_metric_point zeros[] = {{"z", 0.0, 0, 0}, {"z", -0.0, 0, 0}};
    ok(sw_metric_write(f->store, id, zeros, 2, &f->err));
    ok(sw_metric_read_points(f->store, id, "z", 0, 10, f->arena, &raw, &count, &f->err));
    assert_int_equal(count, 1);
}

static void test_latest_follows_mlflow(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID];
    struct sw_run run;
    make_run(f, id);
    struct sw_metric_point points[] = {
        {"a", 1, 5, 10},       {"a", 9, 4, 99},        {"a", 2, 5, 11},  {"a", 3, 5, 10}, // greatest step, then time
        {"b", 7, 1, 1},        {"b", 5, 1, 1},         {"b", NAN, 1, 1},                  // then value; a NaN gives way
        {"c", INFINITY, 0, 0}, {"c", -INFINITY, 1, 0},
    };
    ok(sw_metric_write(f->store, id, points, sizeof points / sizeof *points, &f->err));
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_int_equal(run.metric_count, 3);
    assert_true(run.metrics[0].last == 2 && run.metrics[0].min == 1 && run.metrics[0].max == 9);
    assert_true(run.metrics[1].last == 7 && run.metrics[1].count == 3);
    assert_true(run.metrics[2].last == -DBL_MAX && run.metrics[2].max == DBL_MAX);
}

static void test_bad_input(void **state)
{
    struct fixture *f = *state;
    static char key[300];
    char id[SW_RUN_ID];
    struct sw_run run;
    make_run(f, id);
    memset(key, 'k', 251);
    struct sw_metric_point points[] = {{"fine", 1, 0, 0}, {key, 1, 0, 0}};
    fails(sw_metric_write(f->store, id, points, 2, &f->err), SW_INVALID);
    points[1].key = "";
    fails(sw_metric_write(f->store, id, points, 2, &f->err), SW_INVALID);
    points[1].key = NULL;
    fails(sw_metric_write(f->store, id, points, 2, &f->err), SW_INVALID);
    points[1].key = "bad\x01";
    fails(sw_metric_write(f->store, id, points, 2, &f->err), SW_INVALID);
    key[250] = '\0';
    points[1].key = key;
    fails(sw_metric_write(f->store, "00000000000000000000000000000000", points, 2, &f->err), SW_NOT_FOUND);
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_int_equal(run.metric_count, 0); // nothing of a refused batch stays
    ok(sw_metric_write(f->store, id, points, 2, &f->err));
    ok(sw_metric_write(f->store, id, NULL, 0, &f->err));
    struct sw_metric_series series;
    ok(sw_metric_read_series(f->store, id, "unknown", INT64_MIN, INT64_MAX, 10, f->arena, &series, &f->err));
    assert_int_equal(series.bucket_count, 0);
    assert_int_equal(series.point_count, 0);
    fails(sw_metric_read_series(f->store, "no", "m", 0, 1, 10, f->arena, &series, &f->err), SW_NOT_FOUND);
    const char **keys = NULL;
    size_t count = 0;
    ok(sw_metric_keys(f->store, id, f->arena, &keys, &count, &f->err));
    assert_int_equal(count, 2);
    assert_string_equal(keys[0], "fine");
}

static void test_many_keys_in_one_batch(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[3000];
    static char names[1000][16];
    char id[SW_RUN_ID];
    struct sw_run run;
    make_run(f, id);
    for (size_t i = 0; i < 3000; i++) {
        snprintf(names[i % 1000], sizeof names[0], "key%04zu", i % 1000);
        points[i] = (struct sw_metric_point){names[i % 1000], (double)i, (int64_t)(i / 1000), 0};
    }
    ok(sw_metric_write(f->store, id, points, 3000, &f->err));
    ok(sw_run_get(f->store, id, f->arena, &run, &f->err));
    assert_int_equal(run.metric_count, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_string_equal(run.metrics[i].key, names[i]);
        assert_true(run.metrics[i].last == (double)(2000 + i) && run.metrics[i].count == 3);
    }
}

// A failure within the caller's transaction undoes this batch and nothing else.
static void test_batch_inside_a_transaction(void **state)
{
    struct fixture *f = *state;
    static struct sw_metric_point points[100];
    char id[SW_RUN_ID];
    make_run(f, id);
    make_points(points, 100, STEADY, 8);
    ok(sw_store_begin(f->store, SW_STORE_NORMAL, &f->err));
    ok(sw_metric_write(f->store, id, points, 60, &f->err));
    setenv("SLIPWAY_FAILPOINT", "metric.write=enospc", 1);
    enum sw_code code = sw_metric_write(f->store, id, points + 60, 40, &f->err);
    unsetenv("SLIPWAY_FAILPOINT");
    if (code == SW_OK)
        skip(); // built without failpoints
    assert_int_equal(code, SW_NO_SPACE);
    ok(sw_metric_write(f->store, id, points + 60, 40, &f->err));
    ok(sw_store_commit(f->store, &f->err));
    check_series(f, id, points, 100, 4);
}

// --- pages and samples ---
static void test_pages(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *key;
        struct sw_metric_point points[6]; // as they come
        const char *by_time;              // the values in the order of the pages
    } rows[] = {
        {"rising",
         {{.value = 1, .step = 0, .time_ms = 1},
          {.value = 2, .step = 1, .time_ms = 2},
          {.value = 3, .step = 1, .time_ms = 2},
          {.value = 4, .step = 2, .time_ms = 2},
          {.value = 5, .step = 3, .time_ms = 9},
          {.value = 6, .step = 3, .time_ms = 10}},
         "123456"},
        {"one step",
         {{.value = 5, .time_ms = 3},
          {.value = 4, .time_ms = 1},
          {.value = 3, .time_ms = 2},
          {.value = 2, .time_ms = 2},
          {.value = 6, .time_ms = 9},
          {.value = 1, .time_ms = 0}},
         "142356"},
        {"times fall",
         {{.value = 1, .step = 0, .time_ms = 9},
          {.value = 2, .step = 1, .time_ms = 8},
          {.value = 3, .step = 2, .time_ms = 7},
          {.value = 4, .step = 3, .time_ms = 7},
          {.value = 5, .step = 4, .time_ms = 7},
          {.value = 6, .step = 5, .time_ms = 8}},
         "345261"},
        {"late",
         {{.value = 1, .step = 5, .time_ms = 5},
          {.value = 2, .step = 1, .time_ms = 6},
          {.value = 3, .step = 9, .time_ms = 7},
          {.value = 4, .step = 2, .time_ms = 1},
          {.value = 5, .step = 7, .time_ms = 8},
          {.value = 6, .step = 0, .time_ms = 9}},
         "412356"},
    };
    char id[SW_RUN_ID];
    make_run(f, id);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t p = 0; p < 6; p++) {
            struct sw_metric_point point = rows[i].points[p];
            point.key = rows[i].key;
            ok(sw_metric_write(f->store, id, &point, 1, &f->err));
        }
        for (int64_t limit = 1; limit <= 7; limit++) {
            struct sw_metric_cursor cursor = {0};
            char values[8] = "";
            size_t all = 0;
            for (bool at_end = false; !at_end;) {
                struct sw_metric_point *points = NULL;
                size_t count = 0;
                ok(sw_metric_read_page(f->store, id, rows[i].key, limit, &cursor, f->arena, &points, &count, &at_end,
                                       &f->err));
                assert_true(count > 0 && (int64_t)count <= limit);
                for (size_t p = 0; p < count; p++) {
                    assert_string_equal(points[p].key, rows[i].key);
                    values[all++] = (char)('0' + (int)points[p].value);
                }
            }
            assert_string_equal(values, rows[i].by_time);
        }
    }
}

static void test_pages_of_nan_and_nothing(void **state)
{
    struct fixture *f = *state;
    struct sw_metric_point given[] = {{"m", NAN, 0, 1}, {"m", INFINITY, 0, 1}, {"m", -1, 0, 1}}, *points = NULL;
    struct sw_metric_cursor cursor = {0};
    char id[SW_RUN_ID];
    size_t count = 9;
    bool at_end = false;
    make_run(f, id);
    ok(sw_metric_write(f->store, id, given, 3, &f->err));
    ok(sw_metric_read_page(f->store, id, "m", 2, &cursor, f->arena, &points, &count, &at_end, &f->err));
    assert_true(count == 2 && !at_end && points[0].value == -1 && isnan(points[1].value));
    ok(sw_metric_read_page(f->store, id, "m", 2, &cursor, f->arena, &points, &count, &at_end, &f->err));
    assert_true(count == 1 && at_end && points[0].value == DBL_MAX);
    ok(sw_metric_read_page(f->store, id, "m", 2, &cursor, f->arena, &points, &count, &at_end, &f->err));
    assert_true(count == 0 && at_end);
    cursor = (struct sw_metric_cursor){0};
    ok(sw_metric_read_page(f->store, id, "none", 2, &cursor, f->arena, &points, &count, &at_end, &f->err));
    assert_true(count == 0 && at_end && !cursor.is_set);
    fails(sw_metric_read_page(f->store, id, "m", 0, &cursor, f->arena, &points, &count, &at_end, &f->err), SW_INVALID);
    fails(sw_metric_read_page(f->store, "00000000000000000000000000000000", "m", 1, &cursor, f->arena, &points, &count,
                              &at_end, &f->err),
          SW_NOT_FOUND);
}

enum form { BY_ONE, BY_THREE, FOUR_EACH, ALL_ZERO };

static int64_t step_of(enum form form, int64_t i)
{
    return form == BY_ONE ? i : form == BY_THREE ? 3 * i : form == FOUR_EACH ? i / 4 : 0;
}

// What MLflow 3.17's SqlAlchemyStore.get_metric_history_bulk_interval() answered, run on SQLite: series of points with value
// i and time 1000 + i.
static const struct {
    enum form form;
    int points, most;
    int64_t from, to;
    const char *values;
} samples[] = {
    {BY_ONE, 1, 1, INT64_MIN, INT64_MAX, "0"},
    {BY_ONE, 1, 2, INT64_MIN, INT64_MAX, "0"},
    {BY_ONE, 1, 5, INT64_MIN, INT64_MAX, "0"},
    {BY_ONE, 1, 8, INT64_MIN, INT64_MAX, "0"},
    {BY_ONE, 2, 1, INT64_MIN, INT64_MAX, "1"},
    {BY_ONE, 2, 2, INT64_MIN, INT64_MAX, "0 1"},
    {BY_ONE, 2, 5, INT64_MIN, INT64_MAX, "0 1"},
    {BY_ONE, 2, 8, INT64_MIN, INT64_MAX, "0 1"},
    {BY_ONE, 7, 1, INT64_MIN, INT64_MAX, "6"},
    {BY_ONE, 7, 2, INT64_MIN, INT64_MAX, "0 6"},
    {BY_ONE, 7, 5, INT64_MIN, INT64_MAX, "0 2 4 5 6"},
    {BY_ONE, 7, 8, INT64_MIN, INT64_MAX, "0 1 2 3 4 5 6"},
    {BY_ONE, 10, 4, 2, 11, "2 4 6 9"},
    {BY_ONE, 10, 4, 5, 5, "5"},
    {BY_ONE, 10, 4, 200, 300, ""},
    {BY_ONE, 10, 4, -3, 4, "0 2 3 4"},
    {BY_ONE, 23, 1, INT64_MIN, INT64_MAX, "22"},
    {BY_ONE, 23, 2, INT64_MIN, INT64_MAX, "0 22"},
    {BY_ONE, 23, 5, INT64_MIN, INT64_MAX, "0 5 10 15 22"},
    {BY_ONE, 23, 8, INT64_MIN, INT64_MAX, "0 3 6 9 12 15 18 22"},
    {BY_ONE, 100, 1, INT64_MIN, INT64_MAX, "99"},
    {BY_ONE, 100, 2, INT64_MIN, INT64_MAX, "0 99"},
    {BY_ONE, 100, 5, INT64_MIN, INT64_MAX, "0 20 40 60 99"},
    {BY_ONE, 100, 8, INT64_MIN, INT64_MAX, "0 13 26 39 52 64 76 99"},
    {BY_THREE, 23, 4, 2, 11, "1 2 3"},
    {BY_THREE, 23, 4, 5, 5, ""},
    {BY_THREE, 23, 4, 200, 300, ""},
    {BY_THREE, 23, 4, -3, 4, "0 1"},
    {FOUR_EACH, 23, 3, INT64_MIN, INT64_MAX, "0 8 22"},
    {FOUR_EACH, 23, 8, INT64_MIN, INT64_MAX, "0 3 6 9 12 15 18 22"},
    {FOUR_EACH, 23, 4, 2, 11, "8 12 16 22"},
    {FOUR_EACH, 23, 4, 5, 5, "20 21 22"},
    {FOUR_EACH, 23, 4, 200, 300, ""},
    {FOUR_EACH, 23, 4, -3, 4, "0 5 10 19"},
    {FOUR_EACH, 100, 3, INT64_MIN, INT64_MAX, "0 34 99"},
    {FOUR_EACH, 100, 8, INT64_MIN, INT64_MAX, "0 13 26 39 52 64 76 99"},
    {FOUR_EACH, 100, 4, 2, 11, "8 18 28 47"},
    {FOUR_EACH, 100, 4, 5, 5, "20 21 22 23"},
    {FOUR_EACH, 100, 4, 200, 300, ""},
    {FOUR_EACH, 100, 4, -3, 4, "0 5 10 19"},
    {ALL_ZERO, 23, 1, INT64_MIN, INT64_MAX, "22"},
    {ALL_ZERO, 23, 3, INT64_MIN, INT64_MAX, "0 8 22"},
    {ALL_ZERO, 23, 4, 2, 11, ""},
    {ALL_ZERO, 23, 4, 5, 5, ""},
    {ALL_ZERO, 23, 4, 200, 300, ""},
    {ALL_ZERO, 23, 4, -3, 4, "0 6 12 22"},
};

static void test_samples_are_those_of_mlflow(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char id[SW_RUN_ID], values[256] = "";
        const char *runs[] = {id};
        struct sw_metric_sample *got = NULL;
        size_t count = 0, used = 0;
        make_run(f, id);
        for (int64_t p = 0; p < samples[i].points; p++) {
            struct sw_metric_point point = {"m", (double)p, step_of(samples[i].form, p), 1000 + p};
            ok(sw_metric_write(f->store, id, &point, 1, &f->err));
        }
        ok(sw_metric_read_sample(f->store, runs, 1, "m", samples[i].from, samples[i].to, samples[i].most, f->arena,
                                 &got, &count, &f->err));
        for (size_t p = 0; p < count; p++) {
            assert_string_equal(got[p].run_id, id);
            used += (size_t)snprintf(values + used, sizeof values - used, "%s%d", p > 0 ? " " : "",
                                     (int)got[p].point.value);
        }
        assert_string_equal(values, samples[i].values);
    }
}

static void test_samples_of_several_runs(void **state)
{
    struct fixture *f = *state;
    char first[SW_RUN_ID], second[SW_RUN_ID];
    make_run(f, first);
    make_run(f, second);
    struct sw_metric_point points[] = {{"m", 1, 0, 1}, {"m", NAN, 1, 2}, {"m", 3, 2, 3}};
    ok(sw_metric_write(f->store, first, points, 3, &f->err));
    ok(sw_metric_write(f->store, second, points, 1, &f->err));
    const char *runs[] = {second, "00000000000000000000000000000000", first};
    struct sw_metric_sample *got = NULL;
    size_t count = 0;
    ok(sw_metric_read_sample(f->store, runs, 3, "m", INT64_MIN, INT64_MAX, 10, f->arena, &got, &count, &f->err));
    assert_int_equal(count, 4);
    assert_string_equal(got[0].run_id, second);
    assert_string_equal(got[1].run_id, first);
    assert_true(isnan(got[2].point.value) && got[3].point.value == 3);
    ok(sw_metric_read_sample(f->store, runs, 3, "none", INT64_MIN, INT64_MAX, 10, f->arena, &got, &count, &f->err));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_levels_are_exact),
        store_test(test_levels_are_exact_with_several_writers),
        store_test(test_steps_logged_again_after_a_resume),
        store_test(test_single_points),
        store_test(test_ranges),
        store_test(test_ranges_of_a_disordered_series),
        store_test(test_duplicates_are_ignored),
        store_test(test_latest_follows_mlflow),
        store_test(test_bad_input),
        store_test(test_many_keys_in_one_batch),
        store_test(test_batch_inside_a_transaction),
        store_test(test_pages),
        store_test(test_pages_of_nan_and_nothing),
        store_test(test_samples_are_those_of_mlflow),
        store_test(test_samples_of_several_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
