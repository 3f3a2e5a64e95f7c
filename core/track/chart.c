// SPDX-License-Identifier: Apache-2.0
// Buckets of the store laid into columns. Each series is read with about one to eight buckets per column, so that a
// bucket is rarely wider than a column; one that is lies whole in the column of its last point.
#include "core/track/chart.h"

#include "core/store/metric.h"

#include <inttypes.h>
#include <math.h>

enum { COLUMNS_MAX = 10000 };

static int64_t x_of(const struct sw_chart_request *q, size_t run, const struct sw_metric_bucket *b)
{
    if (q->axis == SW_CHART_STEP)
        return b->last_step;
    int64_t elapsed_ms;
    if (__builtin_sub_overflow(b->last_time_ms, q->runs[run].start_ms,
                               &elapsed_ms)) // a client's clock may say anything
        return b->last_time_ms < 0 ? INT64_MIN : INT64_MAX;
    return elapsed_ms;
}

static void find_range(const struct sw_chart_request *q, const struct sw_metric_series *found, struct sw_chart *chart)
{
    bool is_first = true;
    for (size_t r = 0; r < q->run_count; r++) {
        for (size_t i = 0; i < found[r].bucket_count; i++) {
            const struct sw_metric_bucket *b = &found[r].buckets[i];
            int64_t high = x_of(q, r, b), low = q->axis == SW_CHART_STEP ? b->first_step : high;
            chart->x_min = is_first || low < chart->x_min ? low : chart->x_min;
            chart->x_max = is_first || high > chart->x_max ? high : chart->x_max;
            chart->y_min = fmin(chart->y_min, b->min);
            chart->y_max = fmax(chart->y_max, b->max);
            is_first = false;
        }
    }
}

static void add_bucket(struct sw_chart_column *c, const struct sw_metric_bucket *b)
{
    c->min = fmin(c->min, b->min); // fmin and fmax leave a NaN out
    c->max = fmax(c->max, b->max);
    c->last = isnan(b->last) ? c->last : b->last;
    c->count += b->count;
    c->nan_count += b->nan_count;
}

static void fill_columns(const struct sw_chart_request *q, size_t run, const struct sw_metric_series *found,
                         const struct sw_chart *chart, struct sw_chart_column *columns)
{
    for (int i = 0; i < q->columns; i++)
        columns[i] = (struct sw_chart_column){.min = NAN, .max = NAN, .last = NAN, .smooth = NAN};
    // Steps reach over the whole of int64, their distances do not fit it.
    double width = (double)chart->x_max - (double)chart->x_min + 1.0;
    for (size_t i = 0; i < found->bucket_count; i++) {
        double offset = (double)x_of(q, run, &found->buckets[i]) - (double)chart->x_min;
        int at = (int)(offset / width * q->columns);
        add_bucket(&columns[at < q->columns ? at : q->columns - 1], &found->buckets[i]);
    }
}

static void smooth(struct sw_chart_column *columns, int count, double weight)
{
    double sum = 0.0, remaining = 1.0;
    for (int i = 0; i < count; i++) {
        if (isnan(columns[i].last))
            continue;
        sum = weight * sum + (1.0 - weight) * columns[i].last;
        remaining *= weight;
        columns[i].smooth = sum / (1.0 - remaining);
    }
}

static enum sw_code no_memory(struct sw_err *err)
{
    (void)sw_err_set(err, SW_LIMIT, "the chart is larger than the memory set aside for it");
    return sw_err_hint(err, "draw fewer runs");
}

enum sw_code sw_track_chart(struct sw_store *s, const struct sw_chart_request *q, struct sw_arena *a,
                            struct sw_chart *out, struct sw_err *err)
{
    if (q->columns < 1 || q->columns > COLUMNS_MAX)
        return sw_err_set(err, SW_INVALID, "a chart has 1 to %d columns, not %d", COLUMNS_MAX, q->columns);
    if (!(q->smoothing >= 0.0 && q->smoothing < 1.0))
        return sw_err_set(err, SW_INVALID, "smoothing lies between 0 and 1, 1 left out, not %g", q->smoothing);
    struct sw_chart chart = {.series_count = q->run_count, .columns = q->columns, .y_min = NAN, .y_max = NAN};
    struct sw_metric_series *found = sw_arena_array(a, q->run_count + 1, sizeof *found);
    chart.series = sw_arena_array(a, q->run_count + 1, sizeof *chart.series);
    if (found == NULL || chart.series == NULL)
        return no_memory(err);
    for (size_t r = 0; r < q->run_count; r++) {
        enum sw_code code = sw_metric_read_series(s, q->runs[r].run_id, q->key, q->from_step, q->to_step, q->columns, a,
                                                  &found[r], err);
        if (code != SW_OK)
            return code;
    }
    find_range(q, found, &chart);
    for (size_t r = 0; r < q->run_count; r++) {
        struct sw_chart_column *columns = sw_arena_array(a, (size_t)q->columns, sizeof *columns);
        if (columns == NULL)
            return no_memory(err);
        fill_columns(q, r, &found[r], &chart, columns);
        smooth(columns, q->columns, q->smoothing);
        chart.series[r] = (struct sw_chart_series){q->runs[r].run_id, columns, found[r].point_count};
        chart.point_count += found[r].point_count;
    }
    *out = chart;
    return SW_OK;
}
