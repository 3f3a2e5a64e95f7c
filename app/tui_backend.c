// SPDX-License-Identifier: Apache-2.0
// The table of functions, the workers' connections, the health strip and logs. Lists and details are in tui_data.c,
// tui_jobs.c, tui_runs.c and tui_models.c, deeds in tui_deeds.c.
#include "app/tui_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "core/job/job.h"
#include "core/serve/status.h"

enum { REAP_EVERY_MS = 2000, EVENT_JOBS = 20, RAW_MAX = 4 << 20 };

static const struct tui_list *const lists[SW_TUI_LIST_COUNT] = {
    [SW_TUI_LIST_DATASETS] = &tui_list_datasets, [SW_TUI_LIST_ROWS] = &tui_list_rows,
    [SW_TUI_LIST_JOBS] = &tui_list_jobs,         [SW_TUI_LIST_RUNS] = &tui_list_runs,
    [SW_TUI_LIST_MODELS] = &tui_list_models,     [SW_TUI_LIST_TARGETS] = &tui_list_targets,
    [SW_TUI_LIST_PUSHES] = &tui_list_pushes,     [SW_TUI_LIST_GPUS] = &tui_list_gpus,
    [SW_TUI_LIST_AUDIT] = &tui_list_audit,       [SW_TUI_LIST_ARTIFACTS] = &tui_list_artifacts,
};

// --- workers ---

enum sw_code tui_worker(struct sw_app_backend *b, struct tui_worker **out, struct sw_err *err)
{
    struct tui_worker *w = pthread_getspecific(b->workers);
    if (w == NULL) {
        w = calloc(1, sizeof *w);
        if (w == NULL || pthread_setspecific(b->workers, w) != 0) {
            free(w);
            return tui_no_memory(err);
        }
        pthread_mutex_lock(&b->lock);
        w->next = b->all;
        b->all = w;
        pthread_mutex_unlock(&b->lock);
    }
    // A store that could not be opened is tried again by the next load, so that a remedy shows without a restart.
    enum sw_code code = w->store != NULL ? SW_OK : sw_store_open(b->store_dir, SW_STORE_CREATE, &w->store, err);
    if (code == SW_OK)
        *out = w;
    return code;
}

enum sw_code tui_worker_data(struct tui_worker *w, const char *path, struct sw_data **out, struct sw_err *err)
{
    if (w->data == NULL || strcmp(w->data_path, path) != 0) {
        struct sw_data *data;
        enum sw_code code = sw_data_open(path, NULL, &data, err);
        if (code != SW_OK)
            return code;
        sw_data_free(w->data);
        w->data = data;
        snprintf(w->data_path, sizeof w->data_path, "%s", path);
    }
    *out = w->data;
    return SW_OK;
}

// --- the table of functions ---

static enum sw_code load_list(void *ctx, const struct sw_tui_query *q, const struct sw_task *task, struct sw_arena *a,
                              struct sw_tui_table *out, struct sw_err *err)
{
    struct tui_worker *w;
    enum sw_code code = tui_worker(ctx, &w, err);
    return code == SW_OK ? lists[q->list]->load(ctx, w, q, task, a, out, err) : code;
}

static enum sw_code load_detail(void *ctx, const struct sw_tui_detail_query *q, const struct sw_task *task,
                                struct sw_arena *a, struct sw_tui_detail *out, struct sw_err *err)
{
    struct tui_worker *w;
    if (lists[q->list]->detail == NULL || q->id_count == 0)
        return SW_OK;
    enum sw_code code = tui_worker(ctx, &w, err);
    return code == SW_OK ? lists[q->list]->detail(ctx, w, q, task, a, out, err) : code;
}

static enum sw_code load_raw(void *ctx, enum sw_tui_list list, const char *parent, const char *id,
                             const struct sw_task *task, struct sw_arena *a, const char **out, struct sw_err *err)
{
    (void)task;
    struct tui_worker *w;
    struct sw_buf text;
    json_t *document = NULL;
    if (lists[list]->raw == NULL)
        return sw_err_set(err, SW_UNSUPPORTED, "this row has no stored object of its own");
    enum sw_code code = tui_worker(ctx, &w, err);
    if (code == SW_OK)
        code = lists[list]->raw(w, parent, id, a, &document, err);
    if (code != SW_OK)
        return code;
    sw_buf_init(&text, RAW_MAX);
    code = document != NULL ? sw_json_write(document, 2, &text, err) : tui_no_memory(err);
    json_decref(document);
    if (code == SW_OK && (*out = sw_arena_strndup(a, text.data, text.len)) == NULL)
        code = tui_no_memory(err);
    sw_buf_free(&text);
    return code;
}

// --- health strip ---

// The newest job that ended since the last call becomes the message line.
static enum sw_code tell_of_ends(struct sw_app_backend *b, struct tui_worker *w, struct sw_arena *a, struct sw_err *err)
{
    struct sw_job_list jobs;
    enum sw_code code = sw_job_search(w->store, false, EVENT_JOBS, a, &jobs, err);
    if (code != SW_OK)
        return code;
    const struct sw_job *newest = NULL;
    for (size_t i = 0; i < jobs.count; i++)
        if (jobs.items[i].ended_ms > b->event_ms && (newest == NULL || jobs.items[i].ended_ms > newest->ended_ms))
            newest = &jobs.items[i];
    if (newest == NULL)
        return SW_OK;
    b->event_ms = newest->ended_ms;
    b->event_id++;
    b->event_role = tui_job_role(newest->state);
    snprintf(b->event, sizeof b->event, "job %" PRId64 " (%s) %s%s%s", newest->job_id, newest->name,
             sw_job_state_word(newest->state), newest->reason[0] != '\0' ? ": " : "", newest->reason);
    return SW_OK;
}

static void put_gpus(struct sw_app_backend *b, struct sw_arena *a, const char *leased, struct sw_tui_status *out)
{
    struct sw_gpu_info *gpus = NULL;
    struct sw_err err = {0};
    size_t count = 0;
    if (b->monitor == NULL)
        b->monitor = sw_gpu_monitor_new();
    if (b->monitor == NULL || sw_gpu_monitor_sample(b->monitor, a, &gpus, &count, &err) != SW_OK) {
        out->gpu_reason = sw_arena_strdup(a, err.message[0] != '\0' ? err.message : "no GPU: out of memory");
        return;
    }
    struct sw_tui_gpu *items = sw_arena_array(a, count + 1, sizeof *items);
    for (size_t i = 0; i < count && items != NULL; i++) {
        const struct sw_gpu_info *g = &gpus[i];
        bool has_memory = (g->valid & SW_GPU_HAS_MEMORY) != 0;
        items[i] = (struct sw_tui_gpu){
            .index = g->index,
            .util_percent = (g->valid & SW_GPU_HAS_UTIL) != 0 ? (double)g->util_percent : (double)NAN,
            .temp_c = (g->valid & SW_GPU_HAS_TEMP) != 0 ? (double)g->temp_c : (double)NAN,
            .used_mib = has_memory ? (double)g->memory_used_mib : NAN,
            .total_mib = has_memory ? (double)g->memory_total_mib : NAN,
            .is_leased = g->uuid[0] != '\0' && strstr(leased, g->uuid) != NULL,
        };
    }
    out->gpus = items;
    out->gpu_count = items != NULL ? count : 0;
    out->gpu_reason = sw_arena_strdup(a, sw_gpu_monitor_reason(b->monitor));
}

// "serve :5000", "serve https://gpu.example:443" where not on this host alone, "serve unix:…".
static const char *serve_text(const struct sw_app_backend *b, struct sw_arena *a)
{
    struct sw_serve_status s;
    struct sw_err ignored = {0};
    char uri[SW_SERVE_ADDRESS + 32];
    if (sw_serve_find(b->store_dir, &s, &ignored) != SW_OK)
        return NULL;
    bool is_here = strcmp(s.address, "127.0.0.1") == 0 || strcmp(s.address, "::1") == 0;
    if (is_here && !s.is_tls)
        return sw_arena_printf(a, "serve :%d", s.port);
    return sw_arena_printf(a, "serve %s", sw_serve_uri(&s, uri, sizeof uri));
}

static enum sw_code load_status(void *ctx, const struct sw_task *task, struct sw_arena *a, struct sw_tui_status *out,
                                struct sw_err *err)
{
    (void)task;
    struct sw_app_backend *b = ctx;
    struct tui_worker *w;
    struct sw_job_list jobs = {0}; // a search that fails leaves it alone
    struct sw_buf leased;
    enum sw_code code = tui_worker(b, &w, err);
    pthread_mutex_lock(&b->lock);
    if (code == SW_OK && sw_clock_mono_ms() - b->reaped_ms >= REAP_EVERY_MS) {
        b->reaped_ms = sw_clock_mono_ms();
        code = sw_job_reap(w->store, NULL, NULL, err);
    }
    if (code == SW_OK)
        code = sw_job_search(w->store, true, 0, a, &jobs, err);
    if (code == SW_OK)
        code = tell_of_ends(b, w, a, err);
    sw_buf_init(&leased, 64 << 10);
    for (size_t i = 0; i < jobs.count; i++) {
        out->jobs_waiting += jobs.items[i].state == SW_JOB_QUEUED;
        out->jobs_running += jobs.items[i].state != SW_JOB_QUEUED;
        sw_buf_addf(&leased, "%s,", jobs.items[i].gpu_uuids);
    }
    // A store that cannot be read must not hide the machine: the strip is filled in any case.
    put_gpus(b, a, leased.data, out);
    sw_host_load_sample(&b->load);
    out->cpu_percent = b->load.has_cpu ? b->load.cpu_percent : NAN;
    out->serve = serve_text(b, a);
    out->event_id = b->event_id;
    out->event = sw_arena_strdup(a, b->event);
    out->event_role = b->event_role;
    pthread_mutex_unlock(&b->lock);
    sw_buf_free(&leased);
    return code;
}

static enum sw_code change_count(void *ctx, int64_t *out, struct sw_err *err)
{
    struct sw_app_backend *b = ctx;
    enum sw_code code = SW_OK;
    pthread_mutex_lock(&b->lock);
    if (b->watch == NULL)
        code = sw_store_open(b->store_dir, SW_STORE_CREATE, &b->watch, err);
    if (code == SW_OK)
        *out = (int64_t)sw_store_change_count(b->watch);
    pthread_mutex_unlock(&b->lock);
    return code;
}

const struct sw_tui_backend sw_app_backend_table = {
    .load_list = load_list,
    .load_detail = load_detail,
    .load_raw = load_raw,
    .load_status = load_status,
    .change_count = change_count,
    .log_read = tui_log_read,
    .load_form = tui_load_form,
    .act = tui_act,
};

enum sw_code sw_app_backend_new(const char *store_dir, const char *policy, struct sw_app_backend **out,
                                struct sw_err *err)
{
    struct sw_app_backend *b = calloc(1, sizeof *b);
    if (b == NULL)
        return tui_no_memory(err);
    if (pthread_key_create(&b->workers, NULL) != 0) {
        free(b);
        return tui_no_memory(err);
    }
    pthread_mutex_init(&b->lock, NULL);
    snprintf(b->store_dir, sizeof b->store_dir, "%s", store_dir);
    snprintf(b->policy, sizeof b->policy, "%s", policy != NULL ? policy : "");
    b->event_ms = sw_clock_now_ms();
    *out = b;
    return SW_OK;
}

void sw_app_backend_free(struct sw_app_backend *b)
{
    if (b == NULL)
        return;
    for (struct tui_worker *w = b->all, *next; w != NULL; w = next) {
        next = w->next;
        sw_data_free(w->data);
        sw_store_close(w->store);
        free(w);
    }
    sw_gpu_monitor_free(b->monitor);
    sw_store_close(b->watch);
    pthread_key_delete(b->workers);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
