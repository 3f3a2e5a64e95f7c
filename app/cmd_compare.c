// SPDX-License-Identifier: Apache-2.0
// compare: runs side by side, differences only, extremes marked, and a chart of one metric.
#include "app/cmd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/store/metric.h"
#include "core/track/compare.h"
#include "tui/chart.h"

enum { RUNS_MAX = 100, CHART_ROWS = 16, CHART_COLUMNS = 80, CHART_COLUMNS_MAX = 200 };

static const struct sw_option compare_options[] = {
    {.name = "metric",
     .letter = 'm',
     .type = SW_OPTION_TEXT,
     .value = "KEY",
     .repeat = true,
     .help = "draw this metric over its steps"},
    {.name = "all", .letter = 'a', .type = SW_OPTION_FLAG, .help = "also what is the same in all runs"},
    {.name = "tags", .type = SW_OPTION_FLAG, .help = "also tags that the system set"},
};

// --- the table ---

static void put_value(struct sw_app *app, struct sw_table *t, const struct sw_compare_cell *cell)
{
    char number[32], text[64];
    if (cell->metric == NULL) {
        sw_table_cell(t, cell->text);
        return;
    }
    const char *mark = "";
    if (cell->is_max)
        mark = app->out.is_utf8 ? " ▲" : " max";
    else if (cell->is_min)
        mark = app->out.is_utf8 ? " ▼" : " min";
    snprintf(text, sizeof text, "%s%s", sw_format_real(number, sizeof number, cell->metric->last), mark);
    sw_table_cell(t, text);
}

static enum sw_code print_table(struct sw_app *app, const struct sw_compare *c, struct sw_err *err)
{
    struct sw_table_column columns[RUNS_MAX + 2] = {{"", 0}, {"", SW_COLUMN_SHRINKS}};
    for (size_t i = 0; i < c->run_count; i++)
        columns[i + 2] = (struct sw_table_column){c->runs[i].name, SW_COLUMN_SHRINKS};
    struct sw_table *t = sw_table_new(columns, c->run_count + 2);
    sw_table_cell(t, "run");
    sw_table_cell(t, "run_id");
    for (size_t i = 0; i < c->run_count; i++)
        sw_table_cellf(t, "%.8s", c->runs[i].run_id);
    sw_table_cell(t, "run");
    sw_table_cell(t, "status");
    for (size_t i = 0; i < c->run_count; i++) {
        sw_table_cell(t, sw_run_status_word(c->runs[i].status));
        sw_table_role(t, sw_run_status_role(c->runs[i].status));
    }
    for (size_t r = 0; r < c->row_count; r++) {
        const struct sw_compare_row *row = &c->rows[r];
        sw_table_cell(t, sw_compare_kind_word(row->kind));
        sw_table_role(t, SW_ROLE_DIM);
        sw_table_cell(t, row->key);
        for (size_t i = 0; i < c->run_count; i++) {
            put_value(app, t, &row->cells[i]);
            if (row->cells[i].differs && row->kind != SW_COMPARE_METRIC)
                sw_table_role(t, SW_ROLE_WARN);
        }
    }
    return sw_table_print(t, &app->out, err);
}

// --- JSON ---

static json_t *cell_json(const struct sw_compare_cell *cell)
{
    return cell->metric != NULL ? sw_json_real(cell->metric->last) : sw_json_text(cell->text);
}

static json_t *row_json(const struct sw_compare_row *row, size_t run_count)
{
    json_t *values = json_array();
    for (size_t i = 0; i < run_count; i++)
        if (json_array_append_new(values, cell_json(&row->cells[i])) != 0) {
            json_decref(values);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:b, s:o}", "kind", sw_compare_kind_word(row->kind), "key", sw_json_text(row->key),
                     "differs", row->differs, "values", values);
}

static json_t *compare_json(const struct sw_compare *c, json_t *series)
{
    json_t *runs = json_array(), *rows = json_array();
    int bad = runs == NULL || rows == NULL || series == NULL;
    for (size_t i = 0; i < c->run_count; i++)
        bad |= json_array_append_new(
            runs, json_pack("{s:s, s:o}", "run_id", c->runs[i].run_id, "name", sw_json_text(c->runs[i].name)));
    for (size_t r = 0; r < c->row_count; r++)
        bad |= json_array_append_new(rows, row_json(&c->rows[r], c->run_count));
    if (bad == 0)
        return json_pack("{s:s, s:o, s:o, s:I, s:o}", "kind", "Comparison", "runs", runs, "rows", rows, "hidden_count",
                         (json_int_t)c->hidden_count, "series", series);
    json_decref(runs);
    json_decref(rows);
    json_decref(series);
    return NULL;
}

// --- charts ---

static enum sw_code load_series(struct sw_app *app, const struct sw_run *run, const char *key, int columns,
                                struct sw_tui_series *out, struct sw_err *err)
{
    struct sw_metric_series series;
    enum sw_code code =
        sw_metric_read_series(app->store, run->run_id, key, INT64_MIN, INT64_MAX, columns, app->arena, &series, err);
    if (code != SW_OK)
        return code;
    struct sw_tui_bucket *buckets = sw_arena_array(app->arena, series.bucket_count + 1, sizeof *buckets);
    if (buckets == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading metric %s", key);
    for (size_t i = 0; i < series.bucket_count; i++) {
        const struct sw_metric_bucket *b = &series.buckets[i];
        buckets[i] = (struct sw_tui_bucket){(double)b->first_step, (double)b->last_step, b->min, b->max, b->last};
    }
    *out = (struct sw_tui_series){.name = run->name, .buckets = buckets, .bucket_count = series.bucket_count};
    return SW_OK;
}

static enum sw_pen pen_for(const struct sw_app *app)
{
    enum sw_pen pen = app->out.is_utf8 ? SW_PEN_BRAILLE : SW_PEN_ASCII;
    const char *wanted = sw_config_text(app->config, "charts");
    if (app->out.is_utf8 && strcmp(wanted, "auto") != 0 && !sw_pen_find(wanted, &pen))
        pen = SW_PEN_BRAILLE;
    return pen;
}

static enum sw_code draw_chart(struct sw_app *app, const struct sw_run *runs, size_t count, const char *key,
                               struct sw_err *err)
{
    int width = app->out.columns > 0 ? app->out.columns : CHART_COLUMNS;
    if (width > CHART_COLUMNS_MAX)
        width = CHART_COLUMNS_MAX;
    struct sw_tui_series series[RUNS_MAX];
    enum sw_code code = SW_OK;
    size_t points = 0;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        code = load_series(app, &runs[i], key, width, &series[i], err);
        if (code == SW_OK)
            points += series[i].bucket_count;
    }
    if (code == SW_OK && points == 0) {
        (void)sw_err_set(err, SW_NOT_FOUND, "none of these runs has a metric '%s'", key);
        return sw_err_hint(err, "'slipway show RUN' lists a run's metrics");
    }
    struct sw_grid grid = {0};
    struct sw_buf text;
    sw_buf_init(&text, 1024 * 1024);
    if (code == SW_OK)
        code = sw_grid_init(&grid, width, CHART_ROWS, !app->out.is_utf8, err);
    if (code == SW_OK) {
        struct sw_canvas canvas = sw_canvas_whole(&grid);
        struct sw_tui_chart chart = {.x_label = "step", .series = series, .series_count = count};
        sw_chart_paint(&canvas, &chart, pen_for(app));
        sw_grid_dump_text(&grid, &text);
        sw_output_text(&app->out, "\n");
        sw_output_role(&app->out, SW_ROLE_TITLE);
        sw_output_safe(&app->out, key, SW_TEXT_ONE_LINE);
        sw_output_role(&app->out, SW_ROLE_PLAIN);
        sw_output_text(&app->out, "\n%s\n", text.data);
    }
    sw_grid_free(&grid);
    sw_buf_free(&text);
    return code;
}

static json_t *series_json(const struct sw_tui_series *s, const char *run_id, const char *key)
{
    json_t *points = json_array();
    for (size_t i = 0; i < s->bucket_count; i++) {
        const struct sw_tui_bucket *b = &s->buckets[i];
        if (json_array_append_new(points, json_pack("{s:f, s:f, s:o, s:o, s:o}", "first_step", b->first_x, "last_step",
                                                    b->last_x, "min", sw_json_maybe(b->min), "max",
                                                    sw_json_maybe(b->max), "last", sw_json_maybe(b->last))) != 0) {
            json_decref(points);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:o}", "run_id", run_id, "key", sw_json_text(key), "buckets", points);
}

static enum sw_code all_series_json(struct sw_app *app, const struct sw_run *runs, size_t count, json_t *list,
                                    struct sw_err *err)
{
    const char *const *keys = NULL;
    size_t key_count = sw_option_repeat(app->options, "metric", &keys);
    enum sw_code code = SW_OK;
    for (size_t k = 0; k < key_count && code == SW_OK; k++)
        for (size_t i = 0; i < count && code == SW_OK; i++) {
            struct sw_tui_series series;
            code = load_series(app, &runs[i], keys[k], CHART_COLUMNS, &series, err);
            if (code == SW_OK && json_array_append_new(list, series_json(&series, runs[i].run_id, keys[k])) != 0)
                code = sw_err_set(err, SW_NO_MEMORY, "out of memory while reading metric %s", keys[k]);
        }
    return code;
}

static enum sw_code run_compare(struct sw_app *app, struct sw_err *err)
{
    struct sw_run runs[RUNS_MAX];
    struct sw_compare comparison;
    struct sw_compare_options options = {
        .only_differences = !sw_option_flag(app->options, "all"),
        .with_system_tags = sw_option_flag(app->options, "tags"),
    };
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++) {
        char run_id[SW_RUN_ID];
        code = sw_run_resolve(app->store, app->args[i], run_id, err);
        if (code == SW_OK)
            code = sw_run_get(app->store, run_id, app->arena, &runs[i], err);
    }
    if (code == SW_OK)
        code = sw_track_compare(runs, app->arg_count, &options, app->arena, &comparison, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json) {
        json_t *series = json_array();
        code = all_series_json(app, runs, app->arg_count, series, err);
        if (code == SW_OK)
            return sw_output_json(&app->out, compare_json(&comparison, series), err);
        json_decref(series);
        return code;
    }
    code = print_table(app, &comparison, err);
    if (code == SW_OK && comparison.hidden_count > 0)
        sw_output_note(&app->out, "%zu rows are the same in all runs; --all shows them.", comparison.hidden_count);
    const char *const *keys = NULL;
    size_t key_count = sw_option_repeat(app->options, "metric", &keys);
    for (size_t k = 0; k < key_count && code == SW_OK; k++)
        code = draw_chart(app, runs, app->arg_count, keys[k], err);
    return code;
}

const struct sw_command sw_cmd_compare = {
    .verb = "compare",
    .summary = "put runs side by side: what differs, who is best, curves",
    .arguments = "RUN...",
    .min_args = 1,
    .max_args = RUNS_MAX,
    .takes = "run",
    .options = compare_options,
    .option_count = SW_COUNT(compare_options),
    .description =
        "The first run is the base that the others are compared to. Only rows that differ are shown; the largest "
        "and smallest last value of each metric are marked. Charts cost what the screen is wide, whatever the "
        "number of points.",
    .examples = "slipway compare cnn-a mlp-a --metric val/accuracy\ttable and chart\n"
                "slipway compare cnn-a cnn-b --all --json\teverything, for a program",
    .kinds = "Comparison",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_compare,
};
