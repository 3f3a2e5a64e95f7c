// SPDX-License-Identifier: Apache-2.0
// Runs as a table with metric and param columns, one run, and several side by side with their curves overlaid.
#include "app/tui_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/json_kind.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/logged_model.h"
#include "core/store/run.h"
#include "core/track/compare.h"
#include "core/track/query.h"
#include "core/track/silence.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    SAMPLE_RUNS = 50, // the newest runs decide which metrics and params become columns
    METRIC_COLUMNS = 5,
    PARAM_COLUMNS = 3,
    FIND_PAGE = 500,
    FIND_PAGES = 20,
    CHARTS_OF_RUN = 12,
    COMPARE_MAX = 100,
    LOGGED_MODELS = 50,
};

static enum sw_tui_role run_role(const struct sw_run *r, int64_t now_ms)
{
    static const enum sw_tui_role roles[] = {
        [SW_RUN_SCHEDULED] = SW_TUI_WAITING, [SW_RUN_RUNNING] = SW_TUI_LIVE, [SW_RUN_FINISHED] = SW_TUI_OK,
        [SW_RUN_FAILED] = SW_TUI_ERROR,      [SW_RUN_KILLED] = SW_TUI_WARN,
    };
    return sw_track_silent_ms(r, now_ms) > 0 ? SW_TUI_WARN : roles[r->status];
}

// --- columns ---

struct key_count {
    const char *key;
    size_t runs;
};

static void count_key(struct key_count *keys, size_t *count, size_t max, const char *key)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(keys[i].key, key) == 0) {
            keys[i].runs++;
            return;
        }
    }
    if (*count < max)
        keys[(*count)++] = (struct key_count){.key = key, .runs = 1};
}

// What people look for first stands first; the rest by how many runs have it, then by name.
int tui_key_rank(const char *key)
{
    static const char *const first[] = {"val_accuracy", "accuracy", "val_loss", "loss",
                                        "train_loss",   "net",      "lr",       "batch"};
    for (size_t i = 0; i < COUNT(first); i++)
        if (strcmp(key, first[i]) == 0)
            return (int)i;
    return (int)COUNT(first);
}

static int compare_keys(const void *left, const void *right)
{
    const struct key_count *a = left, *b = right;
    int ra = tui_key_rank(a->key), rb = tui_key_rank(b->key);
    if (ra != rb)
        return ra - rb;
    if (a->runs != b->runs)
        return a->runs > b->runs ? -1 : 1;
    return strcmp(a->key, b->key);
}

struct run_columns {
    struct sw_tui_column *items;
    size_t count;
    const char *metrics[METRIC_COLUMNS], *params[PARAM_COLUMNS];
    size_t metric_count, param_count;
};

static enum sw_code choose_columns(struct tui_worker *w, struct sw_arena *a, struct run_columns *out,
                                   struct sw_err *err)
{
    enum { KEYS_MAX = 256 };
    struct sw_run_list sample;
    struct key_count *metrics = sw_arena_array(a, KEYS_MAX, sizeof *metrics);
    struct key_count *params = sw_arena_array(a, KEYS_MAX, sizeof *params);
    size_t metric_count = 0, param_count = 0;
    struct sw_run_query q = {
        .experiment_id = -1, .limit = SAMPLE_RUNS, .with = SW_RUN_WITH_METRICS | SW_RUN_WITH_PARAMS};
    enum sw_code code = sw_run_search(w->store, &q, a, &sample, err);
    *out = (struct run_columns){.items = sw_arena_array(a, 8 + METRIC_COLUMNS + PARAM_COLUMNS, sizeof *out->items)};
    if (code == SW_OK && (out->items == NULL || metrics == NULL || params == NULL))
        code = tui_no_memory(err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < sample.count; i++) {
        for (size_t k = 0; k < sample.items[i].metric_count; k++)
            count_key(metrics, &metric_count, KEYS_MAX, sample.items[i].metrics[k].key);
        for (size_t k = 0; k < sample.items[i].param_count; k++)
            count_key(params, &param_count, KEYS_MAX, sample.items[i].params[k].key);
    }
    qsort(metrics, metric_count, sizeof *metrics, compare_keys);
    qsort(params, param_count, sizeof *params, compare_keys);
    size_t n = 0;
    out->items[n++] = (struct sw_tui_column){.key = "run_name", .title = "name", .width = 18};
    out->items[n++] = (struct sw_tui_column){.key = "status", .title = "state", .width = 11};
    for (size_t i = 0; i < metric_count && i < METRIC_COLUMNS; i++) {
        out->metrics[out->metric_count++] = metrics[i].key;
        out->items[n++] = (struct sw_tui_column){.key = sw_arena_printf(a, "metrics.\"%s\"", metrics[i].key),
                                                 .title = metrics[i].key,
                                                 .width = 12,
                                                 .priority = 1 + (int)i,
                                                 .align = SW_TUI_RIGHT};
    }
    for (size_t i = 0; i < param_count && i < PARAM_COLUMNS; i++) {
        out->params[out->param_count++] = params[i].key;
        out->items[n++] = (struct sw_tui_column){.key = sw_arena_printf(a, "params.\"%s\"", params[i].key),
                                                 .title = params[i].key,
                                                 .width = 10,
                                                 .priority = 4 + (int)i};
    }
    out->items[n++] = (struct sw_tui_column){.key = "experiment", .title = "experiment", .width = 12, .priority = 9};
    out->items[n++] =
        (struct sw_tui_column){.key = "start_time", .title = "age", .width = 6, .priority = 2, .align = SW_TUI_RIGHT};
    out->count = n;
    return SW_OK;
}

static const struct sw_metric_summary *find_metric(const struct sw_run *r, const char *key)
{
    for (size_t i = 0; i < r->metric_count; i++)
        if (strcmp(r->metrics[i].key, key) == 0)
            return &r->metrics[i];
    return NULL;
}

static const char *find_param(const struct sw_run *r, const char *key)
{
    for (size_t i = 0; i < r->param_count; i++)
        if (strcmp(r->params[i].key, key) == 0)
            return r->params[i].value;
    return NULL;
}

// --- the list ---

static enum sw_code put_run(struct sw_arena *a, const struct run_columns *columns, const struct sw_run *r,
                            struct sw_tui_row *out, struct sw_err *err)
{
    struct sw_tui_cell *cells = sw_arena_array(a, columns->count, sizeof *cells);
    size_t n = 0;
    char text[32];
    int64_t now_ms = sw_clock_now_ms();
    if (cells == NULL)
        return tui_no_memory(err);
    cells[n++] = (struct sw_tui_cell){.text = r->name, .role = SW_TUI_STRONG};
    cells[n++] = (struct sw_tui_cell){.text = sw_arena_strdup(a, sw_track_status_text(r, now_ms, text, sizeof text)),
                                      .role = run_role(r, now_ms)};
    for (size_t i = 0; i < columns->metric_count; i++) {
        const struct sw_metric_summary *m = find_metric(r, columns->metrics[i]);
        cells[n++].text = m != NULL ? tui_real_text(a, m->last) : NULL;
    }
    for (size_t i = 0; i < columns->param_count; i++)
        cells[n++].text = find_param(r, columns->params[i]);
    cells[n++].text = r->experiment_name;
    cells[n++].text = sw_arena_strdup(a, sw_format_age(text, sizeof text, now_ms, r->start_ms));
    *out = (struct sw_tui_row){.id = sw_arena_strdup(a, r->run_id), .cells = cells};
    return out->id != NULL ? SW_OK : tui_no_memory(err);
}

static enum sw_code find_run(struct tui_worker *w, struct sw_run_query query, const char *run_id, struct sw_arena *a,
                             const struct sw_task *task, struct sw_tui_table *out, struct sw_err *err)
{
    query.with = 0;
    query.limit = FIND_PAGE;
    for (int page = 0; page < FIND_PAGES; page++) {
        struct sw_run_list found;
        query.offset = (int64_t)page * FIND_PAGE;
        if (sw_task_cancelled(task))
            return sw_err_set(err, SW_CANCELLED, "cancelled");
        enum sw_code code = sw_run_search(w->store, &query, a, &found, err);
        if (code != SW_OK)
            return code;
        for (size_t i = 0; i < found.count; i++) {
            if (strcmp(found.items[i].run_id, run_id) == 0) {
                out->find_index = query.offset + (int64_t)i;
                out->has_find = true;
                return SW_OK;
            }
        }
        if (found.count < FIND_PAGE)
            break;
    }
    return SW_OK;
}

static enum sw_code load_runs(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                              const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                              struct sw_err *err)
{
    (void)b;
    struct run_columns columns;
    struct sw_run_query query = {
        .experiment_id = -1, .limit = q->count, .offset = q->offset, .with = SW_RUN_WITH_METRICS | SW_RUN_WITH_PARAMS};
    struct sw_run_list runs;
    struct sw_query_order *order = NULL;
    enum sw_code code = sw_track_parse_query(SW_SUBJECT_RUN, q->filter, a, &query.where, err);
    if (code == SW_OK && q->sort_key != NULL && q->sort_key[0] != '\0')
        code = sw_track_parse_order(SW_SUBJECT_RUN,
                                    sw_arena_printf(a, "%s %s", q->sort_key, q->sort_descending ? "DESC" : "ASC"), a,
                                    &order, &query.order_count, err);
    query.order = order;
    if (code == SW_OK)
        code = choose_columns(w, a, &columns, err);
    if (code == SW_OK)
        code = sw_run_search(w->store, &query, a, &runs, err);
    if (code != SW_OK)
        return code;
    struct sw_tui_row *rows = sw_arena_array(a, runs.count + 1, sizeof *rows);
    if (rows == NULL)
        return tui_no_memory(err);
    for (size_t i = 0; i < runs.count && code == SW_OK; i++)
        code = put_run(a, &columns, &runs.items[i], &rows[i], err);
    if (code == SW_OK && q->find_id != NULL && q->find_id[0] != '\0')
        code = find_run(w, query, q->find_id, a, task, out, err);
    if (code != SW_OK)
        return code;
    out->columns = columns.items;
    out->column_count = columns.count;
    out->rows = rows;
    out->row_count = runs.count;
    out->offset = q->offset;
    out->total = runs.total;
    char total[32];
    out->title = sw_arena_printf(a, "%s run%s%s%s", sw_format_count(total, sizeof total, runs.total),
                                 runs.total == 1 ? "" : "s", q->filter[0] != '\0' ? " · " : "", q->filter);
    out->empty = q->filter[0] != '\0' ? "No run fits this filter. Try: metrics.accuracy > 0.85 AND params.net = 'cnn'"
                                      : "No runs yet. Every job leaves one, with its params, curves and files.";
    return SW_OK;
}

// --- one run ---

static void put_run_facts(struct tui_sections *s, const struct sw_run *r)
{
    char text[32];
    int64_t now_ms = sw_clock_now_ms(), silent_ms = sw_track_silent_ms(r, now_ms);
    const char *state = sw_run_status_word(r->status);
    if (silent_ms > 0)
        state = sw_arena_printf(s->a, "%s, silent for %s", state, sw_format_age(text, sizeof text, silent_ms, 0));
    tui_pair(s, "state", state, run_role(r, now_ms));
    tui_pair(s, "run", r->run_id, SW_TUI_NORMAL);
    tui_pair(s, "experiment", r->experiment_name, SW_TUI_NORMAL);
    if (r->note[0] != '\0')
        tui_pair(s, "note", r->note, SW_TUI_STRONG);
    tui_pair(s, "by", r->user, SW_TUI_NORMAL);
    tui_pair(s, "command", r->source, SW_TUI_NORMAL);
    tui_pair(s, "started", tui_time_text(s->a, r->start_ms), SW_TUI_NORMAL);
    if (r->end_ms != 0)
        tui_pair(s, "took", sw_format_duration(text, sizeof text, r->end_ms - r->start_ms), SW_TUI_NORMAL);
    tui_pairs_end(s, NULL);
    for (size_t i = 0; i < r->metric_count; i++) {
        const struct sw_metric_summary *m = &r->metrics[i];
        tui_pairf(s, m->key, "%-10s min %-10s max %-10s step %" PRId64, tui_real_text(s->a, m->last),
                  m->has_range ? tui_real_text(s->a, m->min) : "-", m->has_range ? tui_real_text(s->a, m->max) : "-",
                  m->last_step);
    }
    tui_pairs_end(s, "metrics");
    for (size_t i = 0; i < r->param_count; i++)
        tui_pair(s, r->params[i].key, r->params[i].value, SW_TUI_NORMAL);
    tui_pairs_end(s, "params");
    for (size_t i = 0; i < r->tag_count; i++)
        tui_pair(s, r->tags[i].key, r->tags[i].value, SW_TUI_DIM);
    tui_pairs_end(s, "tags");
}

// Models that the run logged, as MLflow 3 keeps them beside its artifacts.
static enum sw_code put_logged_models(struct tui_worker *w, struct tui_sections *s, const struct sw_run *r,
                                      struct sw_err *err)
{
    struct sw_logged_model_list models;
    struct sw_query of_run = {.kind = SW_QUERY_COMPARE,
                              .field = SW_FIELD_ATTRIBUTE,
                              .key = "source_run_id",
                              .op = SW_OP_EQ,
                              .text = r->run_id};
    struct sw_logged_model_query q = {
        .where = &of_run, .experiment_ids = &r->experiment_id, .experiment_count = 1, .limit = LOGGED_MODELS};
    enum sw_code code = sw_logged_model_search(w->store, &q, s->a, &models, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < models.count; i++) {
        const struct sw_logged_model *m = &models.items[i];
        tui_pairf(s, m->name, "%s  %s%s%s", m->model_id, sw_logged_model_status_word(m->status),
                  m->model_type[0] != '\0' ? "  " : "", m->model_type);
    }
    tui_pairs_end(s, "logged models");
    return SW_OK;
}

// --- several runs ---

static struct sw_tui_cell compare_cell(struct sw_arena *a, const struct sw_compare_row *row, size_t column, size_t base)
{
    const struct sw_compare_cell *cell = &row->cells[column];
    if (column != base && !cell->differs)
        return (struct sw_tui_cell){.text = "=", .role = SW_TUI_DIM};
    // The direction of a metric is not known; by convention a loss or error is better when small.
    bool small_is_better = strstr(row->key, "loss") != NULL || strstr(row->key, "err") != NULL;
    enum sw_tui_role role = column != base ? SW_TUI_DIFFERS : SW_TUI_NORMAL;
    if (cell->is_min || cell->is_max)
        role = cell->is_min == small_is_better ? SW_TUI_BEST : SW_TUI_WORST;
    return (struct sw_tui_cell){.text = cell->metric != NULL ? tui_real_text(a, cell->metric->last) : cell->text,
                                .role = role};
}

static enum sw_code put_compare(struct tui_sections *s, const struct sw_run *runs, size_t count, struct sw_err *err)
{
    struct sw_compare table;
    struct sw_compare_options options = {.base = 0};
    enum sw_code code = sw_track_compare(runs, count, &options, s->a, &table, err);
    if (code != SW_OK)
        return code;
    const char **names = sw_arena_array(s->a, count, sizeof *names);
    struct sw_tui_compare_line *lines = sw_arena_array(s->a, table.row_count + 1, sizeof *lines);
    if (names == NULL || lines == NULL)
        return tui_no_memory(err);
    for (size_t i = 0; i < count; i++)
        names[i] = runs[i].name;
    for (size_t r = 0; r < table.row_count; r++) {
        struct sw_tui_cell *cells = sw_arena_array(s->a, count, sizeof *cells);
        if (cells == NULL)
            return tui_no_memory(err);
        for (size_t c = 0; c < count; c++)
            cells[c] = compare_cell(s->a, &table.rows[r], c, table.base);
        lines[r] =
            (struct sw_tui_compare_line){.key = table.rows[r].key, .differs = table.rows[r].differs, .cells = cells};
    }
    struct sw_tui_section *section =
        tui_section_add(s, SW_TUI_COMPARE, sw_arena_printf(s->a, "differences to %s", runs[0].name));
    section->compare =
        (struct sw_tui_compare){.columns = names, .column_count = count, .lines = lines, .line_count = table.row_count};
    return SW_OK;
}

static enum sw_code run_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                               const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                               struct sw_err *err)
{
    (void)b, (void)task;
    size_t count = q->id_count < COMPARE_MAX ? q->id_count : COMPARE_MAX, n = 0;
    struct sw_run *runs = sw_arena_array(a, count + 1, sizeof *runs);
    const char **ids = sw_arena_array(a, count + 1, sizeof *ids);
    const char **names = sw_arena_array(a, count + 1, sizeof *names);
    struct tui_sections s;
    enum sw_code code =
        runs != NULL && ids != NULL && names != NULL ? tui_sections_begin(&s, a, err) : tui_no_memory(err);
    if (code != SW_OK)
        return code;
    bool has_base = q->base_id != NULL && q->base_id[0] != '\0';
    if (has_base) // the base stands first, whether it is among the marked ones or not
        ids[n++] = q->base_id;
    for (size_t i = 0; i < count && n < count + 1; i++)
        if (!has_base || strcmp(q->ids[i], q->base_id) != 0)
            ids[n++] = q->ids[i];
    const char *command = "slipway compare";
    for (size_t i = 0; i < n && code == SW_OK; i++) {
        code = sw_run_get(w->store, ids[i], a, &runs[i], err);
        names[i] = runs[i].name;
        command = sw_arena_printf(a, "%s %.8s", command, ids[i]);
    }
    if (code == SW_OK)
        code = tui_add_charts(w, ids, names, n, q->columns, CHARTS_OF_RUN, &s, err);
    if (code == SW_OK && n > 1)
        code = put_compare(&s, runs, n, err);
    if (code != SW_OK)
        return code;
    if (n == 1) {
        put_run_facts(&s, &runs[0]);
        code = put_logged_models(w, &s, &runs[0], err);
    }
    if (code != SW_OK)
        return code;
    tui_sections_end(&s, out);
    char status[32];
    out->title = n == 1 ? sw_arena_printf(a, "%s · %s", runs[0].name,
                                          sw_track_status_text(&runs[0], sw_clock_now_ms(), status, sizeof status))
                        : sw_arena_printf(a, "%zu runs", n);
    out->command = n == 1 ? sw_arena_printf(a, "slipway show %.8s", ids[0]) : command;
    return SW_OK;
}

static enum sw_code run_raw(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a, json_t **out,
                            struct sw_err *err)
{
    (void)parent;
    struct sw_run row;
    enum sw_code code = sw_run_get(w->store, id, a, &row, err);
    if (code == SW_OK)
        *out = sw_json_document(&sw_json_run, &row);
    return code;
}

const struct tui_list tui_list_runs = {.load = load_runs, .detail = run_detail, .raw = run_raw};
