// SPDX-License-Identifier: Apache-2.0
// A backend of made-up content for the screen tests and for looking at the screens by hand (test_screens --demo).
// Deterministic: the same question always has the same answer. A struct fake holds knobs and counters.
#ifndef SW_TESTS_TUI_FAKE_BACKEND_H
#define SW_TESTS_TUI_FAKE_BACKEND_H

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "tui/tui.h"

#define FAKE_NOW_MS 1700000000000 // 2023-11-14 22:13:20 UTC

struct fake {
    bool is_empty; // nothing in any list
    bool has_gpus;
    bool is_hostile;      // cells full of control characters
    int64_t row_total;    // of the data set
    atomic_bool is_stuck; // load_list never returns while set
    atomic_llong changes;
    atomic_llong asked_rows; // rows asked of SW_TUI_LIST_ROWS, the largest window
    atomic_llong loads, details;
    const char *serve;    // of the status
    char last_action[64]; // of act()
    char last_ids[256];
    char last_values[512];
};

static const char *const fake_hostile = "\033[31mred\033[0m\007 \xff\xfe \u202eevil\u202c \u0301\u0301\u0301\u0301x "
                                        "\r\n\t\u200b\u4f60\u597d \U0001F600";

struct fake_column {
    const char *key, *title;
    int width, priority;
    enum sw_tui_align align;
};

static inline void fake_columns(struct sw_arena *a, struct sw_tui_table *t, const struct fake_column *k, size_t count)
{
    struct sw_tui_column *columns = sw_arena_array(a, count, sizeof *columns);
    for (size_t i = 0; i < count; i++)
        columns[i] = (struct sw_tui_column){
            .key = k[i].key, .title = k[i].title, .width = k[i].width, .priority = k[i].priority, .align = k[i].align};
    t->columns = columns;
    t->column_count = count;
}

static inline enum sw_tui_role fake_state_role(const char *state)
{
    return !strcmp(state, "running")   ? SW_TUI_LIVE
           : !strcmp(state, "failed")  ? SW_TUI_ERROR
           : !strcmp(state, "waiting") ? SW_TUI_WAITING
                                       : SW_TUI_OK;
}

// One row of a list that lies in a table of text.
static inline struct sw_tui_row fake_row(struct sw_arena *a, const char *id, const char *const *texts, size_t count,
                                         int state_column)
{
    struct sw_tui_cell *cells = sw_arena_array(a, count, sizeof *cells);
    for (size_t i = 0; i < count; i++) {
        cells[i].text = texts[i] && *texts[i] ? texts[i] : NULL;
        if ((int)i == state_column)
            cells[i].role = fake_state_role(texts[i]);
    }
    return (struct sw_tui_row){.id = id, .cells = cells};
}

struct fake_list {
    const struct fake_column *columns;
    const char *const *cells; // row by row; the first is the id as well
    size_t column_count, row_count;
    int state_column;
    const char *empty;
};

static inline void fake_static_list(const struct fake_list *l, const struct fake *f, const struct sw_tui_query *q,
                                    struct sw_arena *a, struct sw_tui_table *out)
{
    struct sw_tui_row *rows = sw_arena_array(a, l->row_count + 1, sizeof *rows);
    size_t matches = 0, kept = 0;
    fake_columns(a, out, l->columns, l->column_count);
    for (size_t r = 0; r < l->row_count && !f->is_empty; r++) {
        // Sorted descending by anything = turned around: enough to see that the order was asked for.
        size_t from = q->sort_descending ? l->row_count - 1 - r : r;
        const char *const *texts = &l->cells[from * l->column_count];
        bool fits = q->filter[0] == '\0';
        for (size_t k = 0; k < l->column_count && !fits; k++)
            fits = strstr(texts[k], q->filter) != NULL;
        if (!fits)
            continue;
        if (q->find_id[0] && !strcmp(texts[0], q->find_id)) {
            out->has_find = true;
            out->find_index = (int64_t)matches;
        }
        if ((int64_t)matches >= q->offset && (int64_t)kept < q->count)
            rows[kept++] = fake_row(a, texts[0], texts, l->column_count, l->state_column);
        matches++;
    }
    out->rows = rows;
    out->row_count = kept;
    out->offset = q->offset;
    out->total = (int64_t)matches;
    out->empty = l->empty;
}

static const struct fake_column fake_dataset_columns[] = {{"name", "name", 24, 0, SW_TUI_LEFT},
                                                          {"format", "format", 8, 2, SW_TUI_LEFT},
                                                          {"rows", "rows", 12, 0, SW_TUI_RIGHT},
                                                          {"size", "size", 9, 1, SW_TUI_RIGHT},
                                                          {NULL, "digest", 12, 3, SW_TUI_LEFT}};
static const char *const fake_datasets[] = {
    "fashion/train", "idx",        "60,000", "30.9 MB", "9c2e41aa07", "fashion/test", "idx",        "10,000",
    "5.1 MB",        "9c2e41aa07", "iris",   "csv",     "150",        "4.6 kB",       "51d0f3b2c8",
};
static const struct fake_column fake_job_columns[] = {{"id", "job", 5, 0, SW_TUI_RIGHT},
                                                      {"name", "name", 16, 0, SW_TUI_LEFT},
                                                      {"state", "state", 9, 0, SW_TUI_LEFT},
                                                      {NULL, "what", 28, 1, SW_TUI_LEFT},
                                                      {"time", "time", 7, 2, SW_TUI_RIGHT}};
static const char *const fake_jobs[] = {
    "41",
    "cnn-b",
    "running",
    "epoch 3/8 · 812 img/s",
    "02:11",
    "42",
    "sweep/3",
    "waiting",
    "needs 2 GPUs, 1 free",
    "",
    "40",
    "mlp-wide",
    "done",
    "0.8932",
    "19 m",
    "39",
    "mlp-small",
    "failed",
    "rank 1: loss is NaN",
    "31 m",
};
static const struct fake_column fake_run_columns[] = {
    {"name", "name", 16, 0, SW_TUI_LEFT},
    {"state", "state", 9, 0, SW_TUI_LEFT},
    {"accuracy", "accuracy", 9, 0, SW_TUI_RIGHT},
    {"loss", "loss", 7, 1, SW_TUI_RIGHT},
    {"lr", "lr", 6, 2, SW_TUI_RIGHT},
    {"age", "age", 6, 3, SW_TUI_RIGHT},
};
static const char *const fake_runs[] = {
    "cnn-a",  "done", "0.9214", "0.221",   "3e-3",     "12 m",  "mlp-wide", "done",  "0.8932",    "0.304",
    "1e-3",   "19 m", "cnn-b",  "running", "0.9107",   "0.262", "3e-3",     "2 m",   "mlp-small", "failed",
    "0.8710", "",     "1e-1",   "31 m",    "你好-run", "done",  "0.8001",   "0.600", "1e-2",      "2 h",
};
static const struct fake_column fake_model_columns[] = {{"name", "model", 20, 0, SW_TUI_LEFT},
                                                        {"state", "state", 12, 0, SW_TUI_LEFT},
                                                        {"accuracy", "accuracy", 9, 0, SW_TUI_RIGHT},
                                                        {NULL, "aliases", 12, 2, SW_TUI_LEFT}};
static const char *const fake_models[] = {
    "fashion-cnn/3", "waiting",  "0.9214",     "",     "fashion-cnn/2", "done",
    "0.9081",        "champion", "iris-mlp/1", "done", "0.9667",        "",
};
static const struct fake_column fake_target_columns[] = {{"name", "target", 16, 0, SW_TUI_LEFT},
                                                         {NULL, "address", 30, 0, SW_TUI_LEFT},
                                                         {NULL, "last push", 24, 1, SW_TUI_LEFT}};
static const char *const fake_targets[] = {
    "site", "bundle:/srv/out", "fashion-cnn/2 done", "prod-eu", "bundle:/srv/prod", "",
};
static const struct fake_column fake_push_columns[] = {{"id", "push", 6, 0, SW_TUI_RIGHT},
                                                       {NULL, "model", 20, 0, SW_TUI_LEFT},
                                                       {"state", "state", 10, 0, SW_TUI_LEFT},
                                                       {NULL, "message", 40, 1, SW_TUI_LEFT}};
static const char *const fake_pushes[] = {
    "118", "fashion-cnn/3", "running", "2 of 3 files written", "117", "fashion-cnn/2", "done", "3 files, 1.2 MB",
};
static const struct fake_column fake_gpu_columns[] = {
    {NULL, "gpu", 4, 0, SW_TUI_RIGHT}, {NULL, "name", 24, 0, SW_TUI_LEFT}, {NULL, "util", 6, 0, SW_TUI_RIGHT}};
static const char *const fake_gpus[] = {"0", "NVIDIA H100", "92%", "1", "NVIDIA H100", "3%"};
static const struct fake_column fake_audit_columns[] = {{NULL, "#", 6, 0, SW_TUI_RIGHT},
                                                        {NULL, "what", 40, 0, SW_TUI_LEFT}};
static const char *const fake_audit[] = {"2", "ada approved fashion-cnn/2", "1", "ada pushed fashion-cnn/2 to site"};

#define FAKE_LIST(columns, cells, state, empty)                                                                        \
    {                                                                                                                  \
        columns, cells, sizeof columns / sizeof columns[0],                                                            \
            sizeof cells / sizeof cells[0] / (sizeof columns / sizeof columns[0]), state, empty                        \
    }

static const struct fake_list fake_lists[SW_TUI_LIST_COUNT] = {
    [SW_TUI_LIST_DATASETS] = FAKE_LIST(fake_dataset_columns, fake_datasets, -1, "No data sets are registered."),
    [SW_TUI_LIST_JOBS] = FAKE_LIST(fake_job_columns, fake_jobs, 2, "The queue is empty."),
    [SW_TUI_LIST_RUNS] = FAKE_LIST(fake_run_columns, fake_runs, 1, "No runs are recorded."),
    [SW_TUI_LIST_MODELS] = FAKE_LIST(fake_model_columns, fake_models, 1, "No model is registered."),
    [SW_TUI_LIST_TARGETS] = FAKE_LIST(fake_target_columns, fake_targets, -1, "No target is known."),
    [SW_TUI_LIST_PUSHES] = FAKE_LIST(fake_push_columns, fake_pushes, 2, "Nothing was pushed here."),
    [SW_TUI_LIST_GPUS] = FAKE_LIST(fake_gpu_columns, fake_gpus, -1, "No GPU: libnvidia-ml.so.1 not found."),
    [SW_TUI_LIST_AUDIT] = FAKE_LIST(fake_audit_columns, fake_audit, -1, "Nothing happened yet."),
};

#define FAKE_PIXELS 12

static inline void fake_grid_rows(struct fake *f, const struct sw_tui_query *q, struct sw_arena *a,
                                  struct sw_tui_table *out)
{
    struct sw_tui_column *columns = sw_arena_array(a, FAKE_PIXELS + 2, sizeof *columns);
    columns[0] = (struct sw_tui_column){.key = "#", .title = "#", .width = 9, .align = SW_TUI_RIGHT, .summary = ""};
    columns[1] = (struct sw_tui_column){.key = "label", .title = "label", .width = 12, .summary = "10 classes"};
    for (int i = 0; i < FAKE_PIXELS; i++)
        columns[i + 2] = (struct sw_tui_column){.key = sw_arena_printf(a, "p%d", i),
                                                .title = sw_arena_printf(a, "pixel %d", i),
                                                .width = 8,
                                                .align = SW_TUI_RIGHT,
                                                .summary = "0..255"};
    int64_t asked = q->count;
    if (asked > atomic_load(&f->asked_rows))
        atomic_store(&f->asked_rows, asked);
    int64_t end = q->offset + q->count < f->row_total ? q->offset + q->count : f->row_total;
    int64_t count = end > q->offset ? end - q->offset : 0;
    struct sw_tui_row *rows = sw_arena_array(a, (size_t)count + 1, sizeof *rows);
    for (int64_t r = 0; r < count; r++) {
        struct sw_tui_cell *cells = sw_arena_array(a, FAKE_PIXELS + 2, sizeof *cells);
        int64_t row = q->offset + r;
        rows[r].id = sw_arena_printf(a, "%lld", (long long)row);
        cells[0].text = rows[r].id;
        cells[1].text = f->is_hostile ? fake_hostile : sw_arena_printf(a, "class %lld", (long long)(row % 10));
        for (int i = 0; i < FAKE_PIXELS; i++)
            cells[i + 2].text = (row + i) % 7 ? sw_arena_printf(a, "%lld", (long long)(row * 31 + i * 17) % 256) : NULL;
        rows[r].cells = cells;
    }
    if (q->find_id[0]) {
        out->has_find = true;
        out->find_index = atoll(q->find_id);
    }
    out->columns = columns;
    out->column_count = FAKE_PIXELS + 2;
    out->rows = rows;
    out->row_count = (size_t)count;
    out->offset = q->offset;
    out->total = f->row_total;
    out->place = "read 1.1 of 96 MB";
}

// Files of a run. A folder's rows follow it when it is unfolded.
static const struct {
    const char *path, *name, *size;
    int depth;
    bool is_folder;
} fake_files[] = {
    {"model", "model", "", 0, true},
    {"model/MLmodel", "MLmodel", "1.2 kB", 1, false},
    {"model/weights", "weights", "", 1, true},
    {"model/weights/a.bin", "a.bin", "30 MB", 2, false},
    {"plot.png", "plot.png", "41 kB", 0, false},
    {"table.csv", "table.csv", "138 kB", 0, false},
    {"train.py", "train.py", "9.0 kB", 0, false},
};

static inline bool fake_is_unfolded(const struct sw_tui_query *q, const char *path)
{
    for (size_t i = 0; i < q->unfolded_count; i++)
        if (!strcmp(q->unfolded[i], path))
            return true;
    return false;
}

static inline bool fake_is_shown(const struct sw_tui_query *q, const char *path)
{
    char folder[64];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        if (!fake_is_unfolded(q, folder))
            return false;
    }
    return true;
}

static inline void fake_tree(struct fake *f, const struct sw_tui_query *q, struct sw_arena *a, struct sw_tui_table *out)
{
    static const struct fake_column columns[] = {{"name", "name", 30, 0, SW_TUI_LEFT},
                                                 {"size", "size", 9, 1, SW_TUI_RIGHT}};
    size_t count = sizeof fake_files / sizeof fake_files[0], shown = 0;
    struct sw_tui_row *rows = sw_arena_array(a, count, sizeof *rows);
    fake_columns(a, out, columns, 2);
    for (size_t i = 0; i < count && !f->is_empty; i++) {
        if (!fake_is_shown(q, fake_files[i].path))
            continue;
        const char *texts[] = {fake_files[i].name, fake_files[i].size};
        if (!strcmp(q->find_id, fake_files[i].path)) {
            out->has_find = true;
            out->find_index = (int64_t)shown;
        }
        rows[shown] = fake_row(a, fake_files[i].path, texts, 2, -1);
        rows[shown].depth = fake_files[i].depth;
        if (fake_files[i].is_folder)
            rows[shown].fold = fake_is_unfolded(q, fake_files[i].path) ? SW_TUI_UNFOLDED : SW_TUI_FOLDED;
        shown++;
    }
    out->rows = rows;
    out->row_count = shown;
    out->total = (int64_t)shown;
    out->is_tree = true;
}

static inline enum sw_code fake_load_list(void *ctx, const struct sw_tui_query *q, const struct sw_task *task,
                                          struct sw_arena *a, struct sw_tui_table *out, struct sw_err *err)
{
    struct fake *f = ctx;
    atomic_fetch_add(&f->loads, 1);
    while (atomic_load(&f->is_stuck))
        sw_clock_sleep_ms(1);
    if (sw_task_cancelled(task))
        return sw_err_set(err, SW_CANCELLED, "cancelled");
    if (!strcmp(q->filter, "(")) {
        (void)sw_err_set(err, SW_INVALID, "the filter ends inside a parenthesis");
        return sw_err_hint(err, "close it, or quote the text");
    }
    if (q->list == SW_TUI_LIST_ROWS)
        fake_grid_rows(f, q, a, out);
    else if (q->list == SW_TUI_LIST_ARTIFACTS)
        fake_tree(f, q, a, out);
    else
        fake_static_list(&fake_lists[q->list], f, q, a, out);
    if (q->list == SW_TUI_LIST_GPUS && !f->has_gpus)
        out->total = 0;
    return SW_OK;
}

static inline struct sw_tui_series fake_series(struct sw_arena *a, const char *name, int points, double start,
                                               double end)
{
    struct sw_tui_bucket *b = sw_arena_array(a, (size_t)points, sizeof *b);
    for (int i = 0; i < points; i++) {
        double t = i / (double)points, value = end + (start - end) * exp(-5 * t);
        double noise = (i * 7919 % 13 - 6) / 600.0;
        b[i] = (struct sw_tui_bucket){i * 10, i * 10 + 9, value + noise - 0.01, value + noise + 0.01, value + noise};
    }
    return (struct sw_tui_series){.name = name, .buckets = b, .bucket_count = (size_t)points};
}

static inline struct sw_tui_section fake_chart(struct sw_arena *a, const char *title,
                                               const struct sw_tui_detail_query *q, double start, double end)
{
    struct sw_tui_series *series = sw_arena_array(a, q->id_count, sizeof *series);
    for (size_t i = 0; i < q->id_count; i++)
        series[i] = fake_series(a, sw_arena_strdup(a, q->ids[i]), 80, start, end + 0.05 * (double)i * (end - start));
    return (struct sw_tui_section){.kind = SW_TUI_CHART,
                                   .title = title,
                                   .chart = {.x_label = "step", .series = series, .series_count = q->id_count}};
}

static const struct sw_tui_pair fake_pairs[] = {
    {"state", "running", SW_TUI_LIVE},
    {"command", "slipway-train cnn --data fashion --epochs 8 --lr 3e-3 --batch 128 --seed 1", SW_TUI_NORMAL},
    {"git", "4f2a91c + 12 lines", SW_TUI_NORMAL},
    {"gpu", NULL, SW_TUI_NORMAL},
};
static const struct sw_tui_check fake_verdict[] = {
    {SW_TUI_CHECK_PASS, "accuracy >= 0.90 on fashion/test", "0.9214"},
    {SW_TUI_CHECK_PASS, "no unsafe file types", NULL},
    {SW_TUI_CHECK_WAIT, "approvals (not the author)", "0 of 1"},
    {SW_TUI_CHECK_FAIL, "evaluated on the data of today", "evaluation is 3 days old"},
};
static const struct sw_tui_check fake_steps[] = {
    {SW_TUI_CHECK_PASS, "verified", "3 files = approved digest"},
    {SW_TUI_CHECK_PASS, "preflight", "folder is writable"},
    {SW_TUI_CHECK_NOW, "write", "2 of 3 files"},
    {SW_TUI_CHECK_SKIP, "apply", NULL},
};
static const char *const fake_compare_columns[] = {"cnn-a", "mlp-wide"};
static const struct sw_tui_cell fake_compare_cells[] = {
    {"cnn", SW_TUI_NORMAL},     {"mlp 784-512-512-10", SW_TUI_DIFFERS},
    {"3e-3", SW_TUI_NORMAL},    {"1e-3", SW_TUI_DIFFERS},
    {"fashion", SW_TUI_NORMAL}, {"=", SW_TUI_DIM},
    {"0.9214", SW_TUI_BEST},    {"0.8932", SW_TUI_WORST},
};
static const struct sw_tui_compare_line fake_compare_lines[] = {
    {"net", true, &fake_compare_cells[0]},
    {"lr", true, &fake_compare_cells[2]},
    {"data", false, &fake_compare_cells[4]},
    {"accuracy", true, &fake_compare_cells[6]},
};

static inline const uint8_t *fake_image(struct sw_arena *a)
{
    uint8_t *pixels = sw_arena_alloc(a, 28 * 28);
    for (int y = 0; y < 28; y++)
        for (int x = 0; x < 28; x++) {
            int d = (x - 14) * (x - 14) + (y - 14) * (y - 14);
            pixels[y * 28 + x] = d > 40 && d < 120 ? 230 : (uint8_t)(x * 4);
        }
    return pixels;
}

#define FAKE_FILE_LINES 300

static inline struct sw_tui_section fake_lines(struct sw_arena *a)
{
    char *text = sw_arena_alloc(a, FAKE_FILE_LINES * 160);
    size_t len = 0;
    for (int i = 1; i <= FAKE_FILE_LINES; i++)
        len += (size_t)snprintf(text + len, 160, "line %d says \033[31mnothing\033[0m, at length:%*s the end of %d\n",
                                i, 80, "", i);
    return (struct sw_tui_section){
        .kind = SW_TUI_LINES, .title = "Python source", .lines = {text, len, FAKE_FILE_LINES}};
}

static inline struct sw_tui_section fake_sheet(struct sw_arena *a)
{
    enum { COLUMNS = 6, ROWS = 100 };
    struct sw_tui_column *columns = sw_arena_array(a, COLUMNS, sizeof *columns);
    struct sw_tui_row *rows = sw_arena_array(a, ROWS, sizeof *rows);
    for (int k = 0; k < COLUMNS; k++)
        columns[k] = (struct sw_tui_column){.title = sw_arena_printf(a, "column %d", k),
                                            .summary = k % 2 ? "text" : "int",
                                            .align = k % 2 ? SW_TUI_LEFT : SW_TUI_RIGHT};
    for (int r = 0; r < ROWS; r++) {
        struct sw_tui_cell *cells = sw_arena_array(a, COLUMNS, sizeof *cells);
        for (int k = 0; k < COLUMNS; k++)
            cells[k].text = k % 2                  ? sw_arena_printf(a, "word %d of row %d", k, r)
                            : r % 9 == 4 && k == 2 ? NULL
                                                   : sw_arena_printf(a, "%d", r * 37 + k);
        rows[r].cells = cells;
    }
    return (struct sw_tui_section){
        .kind = SW_TUI_SHEET, .title = "100 rows × 6", .sheet = {columns, COLUMNS, rows, ROWS}};
}

static inline enum sw_code fake_load_detail(void *ctx, const struct sw_tui_detail_query *q, const struct sw_task *task,
                                            struct sw_arena *a, struct sw_tui_detail *out, struct sw_err *err)
{
    struct fake *f = ctx;
    struct sw_tui_section *s = sw_arena_array(a, 8, sizeof *s);
    size_t n = 0;
    (void)task;
    (void)err;
    atomic_fetch_add(&f->details, 1);
    out->title = sw_arena_strdup(a, q->ids[0]);
    if (f->is_hostile)
        out->title = fake_hostile;
    if (q->list == SW_TUI_LIST_JOBS || q->list == SW_TUI_LIST_RUNS) {
        s[n++] = fake_chart(a, "loss", q, 2.3, 0.26);
        s[n++] = fake_chart(a, "accuracy", q, 0.1, 0.92);
        s[n++] = fake_chart(a, "lr", q, 0.003, 0.0001);
        out->command = "slipway run -- slipway-train cnn";
    }
    if (q->list == SW_TUI_LIST_RUNS && q->id_count > 1)
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_COMPARE,
                                         .title = "differences to cnn-a",
                                         .compare = {fake_compare_columns, 2, fake_compare_lines, 4}};
    else if (q->list == SW_TUI_LIST_MODELS)
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_CHECKS, .title = "release.yaml", .checks = {fake_verdict, 4}};
    else if (q->list == SW_TUI_LIST_PUSHES || q->list == SW_TUI_LIST_TARGETS)
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_CHECKS, .title = "push 118", .checks = {fake_steps, 4}};
    else if (q->list == SW_TUI_LIST_ROWS)
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_IMAGE, .title = "image", .image = {28, 28, 1, fake_image(a)}};
    else if (q->list == SW_TUI_LIST_ARTIFACTS && !strcmp(q->ids[0], "plot.png"))
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_IMAGE, .image = {28, 28, 1, fake_image(a)}};
    if (q->id_count == 1)
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_PAIRS, .pairs = {fake_pairs, 4}};
    if (q->list == SW_TUI_LIST_DATASETS)
        s[n++] = (struct sw_tui_section){
            .kind = SW_TUI_TEXT,
            .title = "schema",
            .text =
                f->is_hostile ? fake_hostile : "image u8 28x28\nlabel u8, 10 classes: T-shirt/top, Trouser, Pullover"};
    if (q->list == SW_TUI_LIST_ARTIFACTS && !strcmp(q->ids[0], "train.py"))
        s[n++] = fake_lines(a);
    if (q->list == SW_TUI_LIST_ARTIFACTS && !strcmp(q->ids[0], "table.csv"))
        s[n++] = fake_sheet(a);
    if (q->list == SW_TUI_LIST_JOBS)
        s[n++] = (struct sw_tui_section){.kind = SW_TUI_LOG, .log = {.id = out->title, .ranks = 2, .is_live = false}};
    out->is_production = !strcmp(q->ids[0], "prod-eu");
    out->sections = s;
    out->section_count = n;
    return SW_OK;
}

static inline enum sw_code fake_load_raw(void *ctx, enum sw_tui_list list, const char *parent, const char *id,
                                         const struct sw_task *task, struct sw_arena *a, const char **out,
                                         struct sw_err *err)
{
    (void)ctx;
    (void)list;
    (void)parent;
    (void)task;
    (void)err;
    *out = sw_arena_printf(a, "{\n  \"kind\": \"Run\",\n  \"id\": \"%s\"\n}\n", id);
    return SW_OK;
}

static inline enum sw_code fake_load_status(void *ctx, const struct sw_task *task, struct sw_arena *a,
                                            struct sw_tui_status *out, struct sw_err *err)
{
    struct fake *f = ctx;
    (void)task;
    (void)err;
    struct sw_tui_gpu *g = sw_arena_array(a, 2, sizeof *g);
    g[0] = (struct sw_tui_gpu){0, 92, 71, 60000, 80000, true};
    g[1] = (struct sw_tui_gpu){1, NAN, NAN, NAN, NAN, false};
    out->gpus = g;
    out->gpu_count = f->has_gpus ? 2 : 0;
    out->gpu_reason = "no GPU: libcuda.so.1 not found";
    out->cpu_percent = 61;
    out->serve = f->serve;
    out->jobs_running = f->is_empty ? 0 : 1;
    out->jobs_waiting = f->is_empty ? 0 : 1;
    return SW_OK;
}

static inline enum sw_code fake_change_count(void *ctx, int64_t *out, struct sw_err *err)
{
    struct fake *f = ctx;
    (void)err;
    *out = atomic_load(&f->changes);
    return SW_OK;
}

#define FAKE_LOG_LINES 4000
#define FAKE_LOG_LINE  42

static inline enum sw_code fake_log_read(void *ctx, const struct sw_tui_log_query *q, const struct sw_task *task,
                                         struct sw_arena *a, struct sw_tui_log_part *out, struct sw_err *err)
{
    (void)ctx;
    (void)task;
    (void)err;
    int64_t size = FAKE_LOG_LINES * FAKE_LOG_LINE;
    int64_t most = (int64_t)q->max_bytes / FAKE_LOG_LINE * FAKE_LOG_LINE;
    int64_t from = q->offset < 0 ? size - most : (q->offset + FAKE_LOG_LINE - 1) / FAKE_LOG_LINE * FAKE_LOG_LINE;
    if (from > size)
        from = size;
    int64_t end = q->offset < 0 ? size : (q->offset + (int64_t)q->max_bytes) / FAKE_LOG_LINE * FAKE_LOG_LINE;
    int64_t len = (end < size ? end : size) - from;
    char *text = sw_arena_alloc(a, (size_t)len + 64);
    for (int64_t at = 0; at < len; at += FAKE_LOG_LINE)
        snprintf(text + at, FAKE_LOG_LINE + 1, "rank %d step %5d loss %.4f%12s\n", q->rank,
                 (int)((from + at) / FAKE_LOG_LINE), 2.3 - (double)(from + at) / 100000, "");
    out->text = text;
    out->len = (size_t)len;
    out->offset = from;
    out->end = size;
    return SW_OK;
}

static const struct sw_option fake_launch_options[] = {
    {.name = "net", .type = SW_OPTION_CHOICE, .choices = "mlp|cnn", .otherwise = "mlp", .help = "kind of net"},
    {.name = "data", .type = SW_OPTION_DATASET, .help = "data set to train on", .required = true},
    {.name = "epochs", .type = SW_OPTION_INT, .otherwise = "8", .min = 1, .max = 1000, .help = "passes over the data"},
    {.name = "lr", .type = SW_OPTION_REAL, .otherwise = "0.001", .min = 0, .max = 10, .help = "learning rate"},
    {.name = "augment", .type = SW_OPTION_FLAG, .otherwise = "false", .help = "shift images by a pixel"},
};
static const struct sw_option fake_push_options[] = {
    {.name = "target", .type = SW_OPTION_TARGET, .required = true, .help = "where to"},
};
static const struct sw_option fake_text_options[] = {
    {.name = "text", .type = SW_OPTION_TEXT, .required = true, .help = "what to write"},
};
static const char *const fake_data_names[] = {"fashion/train", "iris"};
static const char *const fake_target_names[] = {"site", "prod-eu"};

static inline const char *fake_value(const struct sw_tui_action_query *q, const char *name)
{
    for (size_t i = 0; i < q->value_count; i++)
        if (!strcmp(q->values[i].name, name))
            return q->values[i].value;
    return NULL;
}

static inline enum sw_code fake_load_form(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task,
                                          struct sw_arena *a, struct sw_tui_form *out, struct sw_err *err)
{
    (void)ctx;
    (void)task;
    const struct sw_option *options = fake_text_options;
    size_t count = 1;
    if (!strcmp(q->action, "target.add"))
        return sw_err_set(err, SW_UNSUPPORTED, "targets cannot be added here");
    if (!strcmp(q->action, "launch")) {
        options = fake_launch_options;
        count = 5;
    } else if (!strcmp(q->action, "push")) {
        options = fake_push_options;
    } else if (!strcmp(q->action, "job.stop") || !strcmp(q->action, "data.rm")) {
        count = 0;
    }
    struct sw_tui_field *fields = sw_arena_array(a, count + 1, sizeof *fields);
    struct sw_buf command;
    sw_buf_init(&command, 4096);
    sw_buf_addf(&command, "slipway %s", q->action);
    for (size_t i = 0; i < count; i++) {
        fields[i].option = &options[i];
        fields[i].value = fake_value(q, options[i].name) ? sw_arena_strdup(a, fake_value(q, options[i].name)) : NULL;
        if (options[i].type == SW_OPTION_DATASET || options[i].type == SW_OPTION_TARGET) {
            fields[i].suggestions = options[i].type == SW_OPTION_DATASET ? fake_data_names : fake_target_names;
            fields[i].suggestion_count = 2;
        }
        if (fields[i].value)
            sw_buf_addf(&command, " --%s %s", options[i].name, fields[i].value);
    }
    out->title = sw_arena_printf(a, "%s %s", q->action, q->id_count > 0 ? q->ids[0] : "");
    out->fields = fields;
    out->field_count = count;
    out->preview_title = "will be done";
    out->preview = sw_arena_strdup(a, command.data);
    out->command = out->preview;
    sw_buf_free(&command);
    if (!strcmp(q->action, "model.approve")) {
        out->checks = fake_verdict;
        out->check_count = 4;
        out->blocked = "the policy does not allow it: evaluation is 3 days old";
    }
    if (!strcmp(q->action, "push") && fake_value(q, "target") && !strcmp(fake_value(q, "target"), "prod-eu"))
        out->confirm_word = "prod-eu";
    return SW_OK;
}

static inline enum sw_code fake_act(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task,
                                    struct sw_arena *a, struct sw_tui_outcome *out, struct sw_err *err)
{
    struct fake *f = ctx;
    (void)task;
    (void)err;
    snprintf(f->last_action, sizeof f->last_action, "%s", q->action);
    snprintf(f->last_ids, sizeof f->last_ids, "%s", q->id_count > 0 ? q->ids[0] : "");
    f->last_values[0] = '\0';
    for (size_t i = 0; i < q->value_count; i++) {
        size_t len = strlen(f->last_values);
        snprintf(f->last_values + len, sizeof f->last_values - len, "%s=%s;", q->values[i].name, q->values[i].value);
    }
    out->message = sw_arena_printf(a, "%s done", q->action);
    out->role = SW_TUI_OK;
    out->command = sw_arena_printf(a, "slipway %s %s", q->action, f->last_ids);
    if (!strcmp(q->action, "run.rm"))
        out->undo = "restore:cnn-a";
    if (!strcmp(q->action, "push"))
        out->undo_reason = "it was pushed";
    if (!strcmp(q->action, "launch")) {
        out->open_list = SW_TUI_LIST_JOBS;
        out->open_id = "40";
    }
    atomic_fetch_add(&f->changes, 1);
    return SW_OK;
}

static const struct sw_tui_backend fake_backend = {
    .load_list = fake_load_list,
    .load_detail = fake_load_detail,
    .load_raw = fake_load_raw,
    .load_status = fake_load_status,
    .change_count = fake_change_count,
    .log_read = fake_log_read,
    .load_form = fake_load_form,
    .act = fake_act,
};

#endif
