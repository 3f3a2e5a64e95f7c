// SPDX-License-Identifier: Apache-2.0
// What the files behind tui_backend.h share: a worker's own connections, tables built in memory, and the row of
// functions that each list provides.
#ifndef SW_APP_TUI_PRIVATE_H
#define SW_APP_TUI_PRIVATE_H

#include <pthread.h>

#include "app/tui_backend.h"
#include "core/base/path.h"
#include "core/base/tree.h"
#include "core/data/dataset.h"
#include "core/model/policy.h"
#include "core/store/job.h"
#include "core/store/store.h"
#include "gpu/telemetry.h"

// Of one worker thread; closed with the backend.
struct tui_worker {
    struct tui_worker *next; // of all workers
    struct sw_store *store;
    struct sw_data *data; // the data set opened last, kept: unpacking it again would cost each window
    char data_path[SW_PATH_MAX];
};

// The log that was read last. A log rotates to "NAME.1"; `base` is the offset, since the log's first byte that was seen,
// at which the current file begins.
struct tui_log_place {
    int64_t job_id;
    int rank;
    uint64_t inode;
    int64_t base;
};

struct sw_app_backend {
    char store_dir[SW_PATH_MAX];
    char policy[SW_PATH_MAX]; // "" = none configured
    pthread_key_t workers;
    pthread_mutex_t lock; // guards all below
    struct tui_worker *all;
    struct sw_store *watch; // for change_count: the count only compares within one connection
    struct sw_gpu_monitor *monitor;
    struct sw_host_load load;
    int64_t reaped_ms; // last look for jobs whose supervisor died
    int64_t event_ms;  // end of the newest job that was told of
    int64_t event_id;
    char event[256];
    enum sw_tui_role event_role;
    struct tui_log_place log;
};

// This thread's connections; the store is open. Borrow.
enum sw_code tui_worker(struct sw_app_backend *b, struct tui_worker **out, struct sw_err *err);
// The data set at `path` through the worker's cache. Borrow until the next call.
enum sw_code tui_worker_data(struct tui_worker *w, const char *path, struct sw_data **out, struct sw_err *err);

// One list: how it is loaded. Slots may be NULL where a list has no such view.
struct tui_list {
    enum sw_code (*load)(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                         const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out, struct sw_err *err);
    enum sw_code (*detail)(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                           const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                           struct sw_err *err);
    // The stored object, as `--json` prints it.
    enum sw_code (*raw)(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a,
                        json_t **out /* take; NULL = out of memory */, struct sw_err *err);
};
extern const struct tui_list tui_list_datasets, tui_list_rows, tui_list_jobs, tui_list_runs, tui_list_models,
    tui_list_targets, tui_list_pushes, tui_list_gpus, tui_list_audit, tui_list_artifacts;

// --- tui_rows.c: tables held whole in memory: filtered by any cell's text, sorted by any column ---
struct tui_rows {
    struct sw_arena *a;
    const struct sw_tui_column *columns;
    size_t column_count;
    struct sw_tui_row *rows;
    double *numbers; // sort value of each cell, NaN = sort by text
    size_t count, capacity, cell;
};
enum sw_code tui_rows_begin(struct tui_rows *t, struct sw_arena *a, const struct sw_tui_column *columns,
                            size_t column_count, size_t capacity, struct sw_err *err);
void tui_rows_add(struct tui_rows *t, const char *id, enum sw_tui_role role);
void tui_rows_text(struct tui_rows *t, const char *text, enum sw_tui_role role); // copied; NULL = unknown
void tui_rows_number(struct tui_rows *t, double number, const char *text, enum sw_tui_role role);
void tui_rows_age(struct tui_rows *t, int64_t then_ms); // 0 = unknown; sorts by time
enum sw_code tui_rows_finish(struct tui_rows *t, const struct sw_tui_query *q, struct sw_tui_table *out,
                             struct sw_err *err);

// --- sections of a detail, in order of being added ---
enum { TUI_SECTIONS_MAX = 48, TUI_PAIRS_MAX = 512 };
struct tui_sections {
    struct sw_arena *a;
    struct sw_tui_section *items;
    size_t count;
    struct sw_tui_pair *pairs; // of the section under way
    size_t pair_count;
};
enum sw_code tui_sections_begin(struct tui_sections *s, struct sw_arena *a, struct sw_err *err);
struct sw_tui_section *tui_section_add(struct tui_sections *s, enum sw_tui_section_kind kind, const char *title);
void tui_section_text(struct tui_sections *s, const char *title, const char *text);
// Pairs gather until the next tui_pairs_end().
void tui_pair(struct tui_sections *s, const char *key, const char *value, enum sw_tui_role role);
void tui_pairf(struct tui_sections *s, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
void tui_pairs_end(struct tui_sections *s, const char *title);
void tui_sections_end(struct tui_sections *s, struct sw_tui_detail *out);

const char *tui_time_text(struct sw_arena *a, int64_t ms); // "-" for 0
const char *tui_bytes_text(struct sw_arena *a, int64_t bytes);
const char *tui_real_text(struct sw_arena *a, double value);
enum sw_tui_role tui_job_role(enum sw_job_state state);
// A chart section for each metric of the runs (at most `max_charts`), series named after the runs.
enum sw_code tui_add_charts(struct tui_worker *w, const char *const *run_ids, const char *const *names, size_t count,
                            int columns, size_t max_charts, struct tui_sections *s, struct sw_err *err);
static inline enum sw_code tui_no_memory(struct sw_err *err)
{
    (void)sw_err_set(err, SW_NO_MEMORY, "out of memory for this view");
    return SW_NO_MEMORY;
}

// --- tui_jobs.c ---
enum sw_code tui_log_read(void *ctx, const struct sw_tui_log_query *q, const struct sw_task *task, struct sw_arena *a,
                          struct sw_tui_log_part *out, struct sw_err *err);

// --- tui_data.c ---
// The data set's name in a row id "NAME:SPLIT"; in the arena.
const char *tui_dataset_name(const char *id, struct sw_arena *a);

// Rows of a batch as a sheet below the section's title; numbers stand right.
enum sw_code tui_add_sheet(struct tui_sections *s, const char *title, const struct sw_schema *schema,
                           const struct sw_batch *batch, struct sw_err *err);

// --- tui_runs.c ---
// Smaller for metrics and params that people look for first.
int tui_key_rank(const char *key);

// --- tui_models.c ---
void tui_add_verdicts(struct tui_sections *s, const char *title, const struct sw_verdict_list *list);
// The policy at `path`, else the configured one; *out NULL = neither.
enum sw_code tui_load_policy(struct sw_app_backend *b, const char *path, struct sw_arena *a, struct sw_policy *policy,
                             const struct sw_policy **out, struct sw_err *err);

// --- tui_deeds.c ---
enum sw_code tui_load_form(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task,
                           struct sw_arena *a, struct sw_tui_form *out, struct sw_err *err);
enum sw_code tui_act(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task, struct sw_arena *a,
                     struct sw_tui_outcome *out, struct sw_err *err);
#endif
