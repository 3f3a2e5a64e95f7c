// SPDX-License-Identifier: Apache-2.0
// All values of all runs are put in one array, sorted by kind and key, and each stretch of equal keys becomes a row.
#include "core/track/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    enum sw_compare_kind kind;
    const char *key;
    size_t run;
    const char *text;
    const struct sw_metric_summary *metric;
};

const char *sw_compare_kind_word(enum sw_compare_kind kind)
{
    static const char *const words[] = {
        [SW_COMPARE_PARAM] = "param", [SW_COMPARE_METRIC] = "metric", [SW_COMPARE_TAG] = "tag"};
    return (size_t)kind < sizeof words / sizeof *words ? words[kind] : "-";
}

static int by_kind_key_run(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (x->run > y->run) - (x->run < y->run);
}

static bool is_system_tag(const char *key)
{
    return strncmp(key, "mlflow.", 7) == 0 || strncmp(key, "slipway.", 8) == 0;
}

static size_t collect(const struct sw_run *runs, size_t run_count, bool with_system_tags, struct entry *entries)
{
    size_t count = 0;
    for (size_t r = 0; r < run_count; r++) {
        const struct sw_run *run = &runs[r];
        for (size_t i = 0; i < run->param_count; i++)
            entries[count++] = (struct entry){SW_COMPARE_PARAM, run->params[i].key, r, run->params[i].value, NULL};
        for (size_t i = 0; i < run->metric_count; i++)
            entries[count++] = (struct entry){SW_COMPARE_METRIC, run->metrics[i].key, r, NULL, &run->metrics[i]};
        for (size_t i = 0; i < run->tag_count; i++)
            if (with_system_tags || !is_system_tag(run->tags[i].key))
                entries[count++] = (struct entry){SW_COMPARE_TAG, run->tags[i].key, r, run->tags[i].value, NULL};
    }
    return count;
}

static bool is_same(const struct sw_compare_cell *a, const struct sw_compare_cell *b)
{
    if (a->metric != NULL && b->metric != NULL)
        return a->metric->last == b->metric->last || (isnan(a->metric->last) && isnan(b->metric->last));
    if (a->text != NULL && b->text != NULL)
        return strcmp(a->text, b->text) == 0;
    return a->text == NULL && b->text == NULL && a->metric == NULL && b->metric == NULL;
}

static void mark_extremes(struct sw_compare_row *row, size_t run_count)
{
    double min = NAN, max = NAN;
    for (size_t i = 0; i < run_count; i++) {
        double v = row->cells[i].metric != NULL ? row->cells[i].metric->last : NAN;
        min = fmin(min, v);
        max = fmax(max, v);
    }
    if (!(min < max))
        return;
    for (size_t i = 0; i < run_count; i++) {
        if (row->cells[i].metric == NULL)
            continue;
        row->cells[i].is_min = row->cells[i].metric->last == min;
        row->cells[i].is_max = row->cells[i].metric->last == max;
    }
}

static void finish_row(struct sw_compare_row *row, size_t run_count, size_t base)
{
    for (size_t i = 0; i < run_count; i++) {
        row->cells[i].differs = !is_same(&row->cells[i], &row->cells[base]);
        row->differs = row->differs || row->cells[i].differs;
    }
    if (row->kind == SW_COMPARE_METRIC)
        mark_extremes(row, run_count);
}

static enum sw_code no_memory(struct sw_err *err)
{
    (void)sw_err_set(err, SW_LIMIT, "the comparison is larger than the memory set aside for it");
    return sw_err_hint(err, "compare fewer runs");
}

enum sw_code sw_track_compare(const struct sw_run *runs, size_t run_count, const struct sw_compare_options *options,
                              struct sw_arena *a, struct sw_compare *out, struct sw_err *err)
{
    if (run_count == 0 || options->base >= run_count)
        return sw_err_set(err, SW_INVALID, "a comparison needs runs and a base among them");
    size_t capacity = 0, keys = 0;
    for (size_t r = 0; r < run_count; r++)
        capacity += runs[r].param_count + runs[r].metric_count + runs[r].tag_count;
    struct entry *entries = sw_arena_array(a, capacity + 1, sizeof *entries);
    if (entries == NULL)
        return no_memory(err);
    size_t count = collect(runs, run_count, options->with_system_tags, entries);
    qsort(entries, count, sizeof *entries, by_kind_key_run);
    for (size_t i = 0; i < count; i++)
        keys += i == 0 || entries[i].kind != entries[i - 1].kind || strcmp(entries[i].key, entries[i - 1].key) != 0;
    struct sw_compare result = {.runs = runs, .run_count = run_count, .base = options->base};
    result.rows = sw_arena_array(a, keys + 1, sizeof *result.rows);
    if (result.rows == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count;) {
        struct sw_compare_row *row = &result.rows[result.row_count];
        *row = (struct sw_compare_row){
            .kind = entries[i].kind, .key = entries[i].key, .cells = sw_arena_array(a, run_count, sizeof *row->cells)};
        if (row->cells == NULL)
            return no_memory(err);
        for (; i < count && entries[i].kind == row->kind && strcmp(entries[i].key, row->key) == 0; i++)
            row->cells[entries[i].run] = (struct sw_compare_cell){.text = entries[i].text, .metric = entries[i].metric};
        finish_row(row, run_count, options->base);
        bool is_hidden = options->only_differences && !row->differs;
        result.hidden_count += is_hidden;
        result.row_count += !is_hidden;
    }
    *out = result;
    return SW_OK;
}
