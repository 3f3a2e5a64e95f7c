// SPDX-License-Identifier: Apache-2.0
// Comparison of runs: rows, differences, extremes; and chart columns against a plain computation.
#include "tests/unit/store/fixture.h"

#include "core/store/metric.h"
#include "core/track/chart.h"
#include "core/track/compare.h"

#include <math.h>

static struct sw_pair params_a[] = {{"lr", "0.1"}, {"opt", "sgd"}}, params_b[] = {{"lr", "0.2"}, {"opt", "sgd"}},
                      params_c[] = {{"opt", "sgd"}, {"warmup", "5"}};
static struct sw_pair tags_a[] = {{"mlflow.user", "ann"}, {"owner", "x"}};
static struct sw_metric_summary metrics_a[] = {{"acc", 0.9, 0, 0, true, 1, 2, 0}, {"loss", 1, 0, 0, true, 1, 2, 0}},
                                metrics_b[] = {{"acc", 0.8, 0, 0, true, 1, 2, 0}, {"loss", 1, 0, 0, true, 1, 2, 0}},
                                metrics_c[] = {{"acc", NAN, 0, 0, false, 1, 2, 0}};
static const struct sw_run runs[] = {
    {.name = "a",
     .params = params_a,
     .param_count = 2,
     .metrics = metrics_a,
     .metric_count = 2,
     .tags = tags_a,
     .tag_count = 2},
    {.name = "b", .params = params_b, .param_count = 2, .metrics = metrics_b, .metric_count = 2},
    {.name = "c", .params = params_c, .param_count = 2, .metrics = metrics_c, .metric_count = 1},
};

static void test_rows_and_differences(void **state)
{
    struct fixture *f = *state;
    struct sw_compare c;
    ok(sw_track_compare(runs, 3, &(struct sw_compare_options){.base = 1}, f->arena, &c, &f->err));
    static const char *const keys[] = {"lr", "opt", "warmup", "acc", "loss", "owner"};
    assert_int_equal(c.row_count, 6);
    assert_int_equal(c.hidden_count, 0);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(c.rows[i].key, keys[i]);
    const struct sw_compare_row *lr = &c.rows[0], *opt = &c.rows[1], *acc = &c.rows[3], *loss = &c.rows[4];
    assert_true(lr->differs && lr->cells[0].differs && !lr->cells[1].differs && lr->cells[2].differs);
    assert_null(lr->cells[2].text);
    assert_false(opt->differs);
    assert_string_equal(sw_compare_kind_word(acc->kind), "metric");
    assert_true(acc->cells[0].is_max && !acc->cells[0].is_min && acc->cells[1].is_min);
    assert_false(acc->cells[2].is_min || acc->cells[2].is_max); // a NaN is no extreme
    assert_true(acc->cells[2].metric != NULL && acc->cells[2].differs);
    assert_false(loss->cells[0].is_min || loss->cells[0].is_max); // all equal
    assert_null(loss->cells[2].metric);
}

static void test_only_differences(void **state)
{
    struct fixture *f = *state;
    struct sw_compare c;
    struct sw_compare_options o = {.only_differences = true, .with_system_tags = true};
    ok(sw_track_compare(runs, 2, &o, f->arena, &c, &f->err));
    static const char *const keys[] = {"lr", "acc", "mlflow.user", "owner"};
    assert_int_equal(c.row_count, 4);
    assert_int_equal(c.hidden_count, 2); // opt and loss
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(c.rows[i].key, keys[i]);
    ok(sw_track_compare(&runs[2], 1, &o, f->arena, &c, &f->err)); // one run differs from nothing
    assert_int_equal(c.row_count, 0);
    assert_int_equal(c.hidden_count, 3);
    fails(sw_track_compare(runs, 0, &o, f->arena, &c, &f->err), SW_INVALID);
    o.base = 2;
    fails(sw_track_compare(runs, 2, &o, f->arena, &c, &f->err), SW_INVALID);
    struct sw_metric_summary nan[] = {{"acc", NAN, 0, 0, false, 1, 2, 0}};
    const struct sw_run twins[] = {{.metrics = nan, .metric_count = 1}, {.metrics = metrics_c, .metric_count = 1}};
    o.base = 0;
    ok(sw_track_compare(twins, 2, &o, f->arena, &c, &f->err));
    assert_int_equal(c.hidden_count, 1); // NaN equals NaN
}

// --- charts ---
enum { POINTS = 30000 };

static double value_at(int run, int64_t i)
{
    return i % 1000 == 7 ? NAN : sin((double)i * 0.003 + run) + (double)(i % 13) * 0.01;
}

static void write_run(struct fixture *f, int run, int64_t count, char id[static SW_RUN_ID])
{
    static struct sw_metric_point points[POINTS];
    ok(sw_run_create(f->store, &(struct sw_run_new){.start_ms = 5000}, id, &f->err));
    for (int64_t i = 0; i < count; i++)
        points[i] = (struct sw_metric_point){"loss", value_at(run, i), i, 5000 + i * 10};
    ok(sw_metric_write(f->store, id, points, (size_t)count, &f->err));
}

static void test_chart_against_all_points(void **state)
{
    struct fixture *f = *state;
    char ids[2][SW_RUN_ID];
    write_run(f, 0, POINTS, ids[0]);
    write_run(f, 1, POINTS / 3, ids[1]);
    struct sw_chart_run chart_runs[] = {{ids[0], 5000}, {ids[1], 5000}};
    struct sw_chart_request q = {.runs = chart_runs,
                                 .run_count = 2,
                                 .key = "loss",
                                 .columns = 120,
                                 .from_step = INT64_MIN,
                                 .to_step = INT64_MAX};
    struct sw_chart c;
    ok(sw_track_chart(f->store, &q, f->arena, &c, &f->err));
    assert_int_equal(c.x_min, 0);
    assert_int_equal(c.x_max, POINTS - 1);
    assert_int_equal(c.point_count, POINTS + POINTS / 3);
    double y_min = NAN, y_max = NAN;
    for (int run = 0; run < 2; run++) {
        int64_t count = run == 0 ? POINTS : POINTS / 3, held = 0, nans = 0;
        double width = (double)POINTS / 120;
        for (int col = 0; col < 120; col++) {
            const struct sw_chart_column *got = &c.series[run].columns[col];
            held += got->count;
            nans += got->nan_count;
            // A bucket of 64 points may reach over the column's edge, and no further.
            double wide_min = NAN, wide_max = NAN, tight_min = NAN, tight_max = NAN;
            for (int64_t i = (int64_t)(col * width) - 64; i < (int64_t)((col + 1) * width) + 64; i++) {
                if (i < 0 || i >= count)
                    continue;
                bool is_tight = (double)i >= col * width && (double)i < (col + 1) * width - 64;
                wide_min = fmin(wide_min, value_at(run, i));
                wide_max = fmax(wide_max, value_at(run, i));
                tight_min = is_tight ? fmin(tight_min, value_at(run, i)) : tight_min;
                tight_max = is_tight ? fmax(tight_max, value_at(run, i)) : tight_max;
            }
            if (got->count > 0) {
                assert_true(got->min >= wide_min && got->max <= wide_max);
                assert_true(isnan(tight_min) || (got->min <= tight_min && got->max >= tight_max));
                assert_true(got->last >= got->min && got->last <= got->max && got->smooth == got->last);
            } else {
                assert_true(isnan(got->min) && isnan(got->last) && isnan(got->smooth));
            }
        }
        for (int64_t i = 0; i < count; i++) {
            y_min = fmin(y_min, value_at(run, i));
            y_max = fmax(y_max, value_at(run, i));
        }
        assert_int_equal(held, count); // every point stands in one column
        assert_int_equal(nans, count / 1000);
    }
    assert_true(c.y_min == y_min && c.y_max == y_max);
    q.axis = SW_CHART_TIME;
    ok(sw_track_chart(f->store, &q, f->arena, &c, &f->err));
    assert_int_equal(c.x_max, (POINTS - 1) * 10);
    assert_true(c.x_min >= 0 && c.x_min <= 630); // the time of the last point of the first bucket
}

static void test_smoothing(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID];
    static const double values[] = {4, 2, NAN, 6, 0};
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, id, &f->err));
    for (int i = 0; i < 5; i++)
        ok(sw_metric_write(f->store, id, &(struct sw_metric_point){"m", values[i], i, 0}, 1, &f->err));
    struct sw_chart_run run = {id, 0};
    struct sw_chart_request q = {.runs = &run,
                                 .run_count = 1,
                                 .key = "m",
                                 .columns = 5,
                                 .from_step = INT64_MIN,
                                 .to_step = INT64_MAX,
                                 .smoothing = 0.5};
    struct sw_chart c;
    ok(sw_track_chart(f->store, &q, f->arena, &c, &f->err));
    // By hand: s = 2, 2, 4, 2; divided by 1/2, 3/4, 7/8, 15/16.
    static const double expected[] = {4, 2 / 0.75, NAN, 4 / 0.875, 2 / 0.9375};
    for (int i = 0; i < 5; i++) {
        double got = c.series[0].columns[i].smooth;
        assert_true(isnan(expected[i]) ? isnan(got) : fabs(got - expected[i]) < 1e-12);
    }
    q.smoothing = 1.0;
    fails(sw_track_chart(f->store, &q, f->arena, &c, &f->err), SW_INVALID);
    q.smoothing = NAN;
    fails(sw_track_chart(f->store, &q, f->arena, &c, &f->err), SW_INVALID);
    q.smoothing = 0;
    q.columns = 0;
    fails(sw_track_chart(f->store, &q, f->arena, &c, &f->err), SW_INVALID);
}

static void test_extreme_axes(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID], none[SW_RUN_ID];
    struct sw_metric_point points[] = {{"m", 1, INT64_MIN, INT64_MAX}, {"m", 2, INT64_MAX, INT64_MAX}};
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, id, &f->err));
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, none, &f->err));
    ok(sw_metric_write(f->store, id, points, 2, &f->err));
    struct sw_chart_run chart_runs[] = {{id, -5}, {none, 0}};
    struct sw_chart_request q = {
        .runs = chart_runs, .run_count = 2, .key = "m", .columns = 3, .from_step = INT64_MIN, .to_step = INT64_MAX};
    struct sw_chart c;
    ok(sw_track_chart(f->store, &q, f->arena, &c, &f->err));
    assert_int_equal(c.series[0].columns[0].count, 1);
    assert_int_equal(c.series[0].columns[2].count, 1);
    assert_int_equal(c.series[1].point_count, 0);
    q.axis = SW_CHART_TIME; // INT64_MAX - -5 does not fit: it is held at the end
    ok(sw_track_chart(f->store, &q, f->arena, &c, &f->err));
    assert_int_equal(c.x_max, INT64_MAX);
    q.runs = &chart_runs[1];
    q.run_count = 1;
    ok(sw_track_chart(f->store, &q, f->arena, &c, &f->err)); // nothing at all
    assert_true(c.x_min == 0 && c.x_max == 0 && isnan(c.y_min) && c.point_count == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_rows_and_differences),
        store_test(test_only_differences),
        store_test(test_chart_against_all_points),
        store_test(test_smoothing),
        store_test(test_extreme_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
