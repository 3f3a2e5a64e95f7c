// SPDX-License-Identifier: Apache-2.0
// The queue, a job with its curves and log, and the GPUs.
#include "app/tui_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/json_kind.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "core/job/job.h"
#include "core/store/metric.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { CHARTS_OF_JOB = 8, GPUS_MAX = 64 };

// --- the queue ---

static const struct sw_tui_column job_columns[] = {
    {.key = "id", .title = "job", .width = 5, .align = SW_TUI_RIGHT},
    {.key = "name", .title = "name", .width = 18},
    {.key = "state", .title = "state", .width = 9},
    {.key = "what", .title = "progress or reason", .width = 34, .priority = 1},
    {.key = "ranks", .title = "ranks", .width = 5, .priority = 4, .align = SW_TUI_RIGHT},
    {.key = "took", .title = "took", .width = 8, .priority = 3, .align = SW_TUI_RIGHT},
    {.key = "age", .title = "age", .width = 6, .priority = 2, .align = SW_TUI_RIGHT},
};

static int64_t job_took_ms(const struct sw_job *j)
{
    if (j->started_ms == 0)
        return -1;
    return (j->ended_ms != 0 ? j->ended_ms : sw_clock_now_ms()) - j->started_ms;
}

static void put_what(struct tui_rows *t, const struct sw_job *j)
{
    bool has_progress = j->state == SW_JOB_RUNNING && !isnan(j->progress);
    if (!has_progress) {
        tui_rows_text(t, j->reason, SW_TUI_NORMAL);
        return;
    }
    tui_rows_text(t, sw_arena_printf(t->a, "%3.0f%%  %s", 100 * j->progress, j->progress_text ? j->progress_text : ""),
                  SW_TUI_NORMAL);
}

static enum sw_code load_jobs(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                              const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                              struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_job_list live = {0}, all = {0};
    struct tui_rows t;
    enum sw_code code = sw_job_search(w->store, true, 0, a, &live, err);
    if (code == SW_OK)
        code = sw_job_search(w->store, false, 0, a, &all, err);
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, job_columns, COUNT(job_columns), all.count, err);
    if (code != SW_OK)
        return code;
    for (int pass = 0; pass < 2; pass++) { // live jobs stand first, then the ended ones, each newest first
        for (size_t i = 0; i < all.count; i++) {
            const struct sw_job *j = &all.items[i];
            char id[24], took[32];
            if (sw_job_state_is_final(j->state) != (pass == 1))
                continue;
            snprintf(id, sizeof id, "%" PRId64, j->job_id);
            tui_rows_add(&t, id, pass == 1 ? SW_TUI_DIM : SW_TUI_NORMAL);
            tui_rows_number(&t, (double)j->job_id, id, SW_TUI_NORMAL);
            tui_rows_text(&t, j->name, SW_TUI_STRONG);
            tui_rows_text(&t, sw_job_state_word(j->state), tui_job_role(j->state));
            put_what(&t, j);
            tui_rows_number(&t, j->ranks, sw_arena_printf(a, "%d", j->ranks), SW_TUI_NORMAL);
            int64_t ms = job_took_ms(j);
            tui_rows_number(&t, (double)ms, ms < 0 ? NULL : sw_format_duration(took, sizeof took, ms), SW_TUI_NORMAL);
            tui_rows_age(&t, j->created_ms);
        }
    }
    out->title = sw_arena_printf(a, "queue · %zu live of %zu", live.count, all.count);
    out->empty = "No jobs yet. A job runs on after you leave; its curves and log show here as it works.";
    return tui_rows_finish(&t, q, out, err);
}

// --- one job ---

static int compare_metrics(const void *left, const void *right)
{
    const char *a = *(const char *const *)left, *b = *(const char *const *)right;
    int by_rank = tui_key_rank(a) - tui_key_rank(b);
    return by_rank != 0 ? by_rank : strcmp(a, b);
}

enum sw_code tui_add_charts(struct tui_worker *w, const char *const *run_ids, const char *const *names, size_t count,
                            int columns, size_t max_charts, struct tui_sections *s, struct sw_err *err)
{
    const char **keys;
    size_t key_count, charts = 0;
    enum sw_code code = sw_metric_keys(w->store, run_ids[0], s->a, &keys, &key_count, err);
    if (code == SW_OK && key_count > 0)
        qsort(keys, key_count, sizeof *keys, compare_metrics);
    for (size_t k = 0; k < key_count && code == SW_OK && charts < max_charts; k++) {
        struct sw_tui_series *series = sw_arena_array(s->a, count, sizeof *series);
        if (series == NULL)
            return tui_no_memory(err);
        size_t points = 0;
        for (size_t r = 0; r < count && code == SW_OK; r++) {
            struct sw_metric_series found;
            code =
                sw_metric_read_series(w->store, run_ids[r], keys[k], INT64_MIN, INT64_MAX, columns, s->a, &found, err);
            if (code != SW_OK)
                break;
            struct sw_tui_bucket *buckets = sw_arena_array(s->a, found.bucket_count + 1, sizeof *buckets);
            if (buckets == NULL)
                return tui_no_memory(err);
            for (size_t i = 0; i < found.bucket_count; i++)
                buckets[i] = (struct sw_tui_bucket){
                    .first_x = (double)found.buckets[i].first_step,
                    .last_x = (double)found.buckets[i].last_step,
                    .min = found.buckets[i].min,
                    .max = found.buckets[i].max,
                    .last = found.buckets[i].last,
                };
            series[r] =
                (struct sw_tui_series){.name = names[r], .buckets = buckets, .bucket_count = found.bucket_count};
            points += found.bucket_count;
        }
        if (code == SW_OK && points > 0) {
            struct sw_tui_section *section = tui_section_add(s, SW_TUI_CHART, keys[k]);
            section->chart = (struct sw_tui_chart){.x_label = "step", .series = series, .series_count = count};
            charts++;
        }
    }
    return code;
}

// The command as a shell would take it.
static const char *argv_text(struct sw_arena *a, const char *argv_json)
{
    struct sw_err ignored = {0};
    json_t *argv, *word;
    size_t i;
    const char *text = "";
    if (sw_json_parse(argv_json, strlen(argv_json), "argv", &sw_tree_limits_default, &argv, &ignored) != SW_OK)
        return argv_json;
    json_array_foreach (argv, i, word)
        text = sw_arena_printf(a, "%s%s%s", text, i > 0 ? " " : "", json_string_value(word));
    json_decref(argv);
    return text;
}

static enum sw_code job_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                               const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                               struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_job j;
    struct tui_sections s;
    char text[32];
    enum sw_code code = sw_job_get(w->store, strtoll(q->ids[0], NULL, 10), a, &j, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, a, err);
    if (code != SW_OK)
        return code;
    const char *run_id = j.run_id;
    code = tui_add_charts(w, &run_id, &j.name, 1, q->columns, CHARTS_OF_JOB, &s, err);
    if (code != SW_OK)
        return code;
    struct sw_tui_section *log = tui_section_add(&s, SW_TUI_LOG, "log");
    log->log = (struct sw_tui_log_source){
        .id = sw_arena_strdup(a, q->ids[0]), .ranks = j.ranks, .is_live = !sw_job_state_is_final(j.state)};
    tui_pair(&s, "state", sw_job_state_word(j.state), tui_job_role(j.state));
    tui_pair(&s, "reason", j.reason, SW_TUI_NORMAL);
    if (!isnan(j.progress))
        tui_pairf(&s, "progress", "%.0f%%  %s", 100 * j.progress, j.progress_text ? j.progress_text : "");
    tui_pair(&s, "command", argv_text(a, j.argv_json), SW_TUI_NORMAL);
    tui_pair(&s, "run", j.run_id, SW_TUI_NORMAL);
    tui_pairf(&s, "slots", "%d ranks, %d CPU, %d GPU", j.ranks, j.cpu_slots, j.gpu_count);
    tui_pairf(&s, "attempt", "%d, retries %d", j.attempt, j.max_retries);
    tui_pair(&s, "started", tui_time_text(a, j.started_ms), SW_TUI_NORMAL);
    if (job_took_ms(&j) >= 0)
        tui_pair(&s, "took", sw_format_duration(text, sizeof text, job_took_ms(&j)), SW_TUI_NORMAL);
    tui_pairs_end(&s, "job");
    tui_sections_end(&s, out);
    out->title = sw_arena_printf(a, "%s · %s", j.name, sw_job_state_word(j.state));
    out->command = sw_arena_printf(a, "slipway logs %s -f", q->ids[0]);
    return SW_OK;
}

static enum sw_code job_raw(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a, json_t **out,
                            struct sw_err *err)
{
    (void)parent;
    struct sw_job row;
    enum sw_code code = sw_job_get(w->store, strtoll(id, NULL, 10), a, &row, err);
    if (code == SW_OK)
        *out = sw_json_document(&sw_json_job, &row);
    return code;
}

const struct tui_list tui_list_jobs = {.load = load_jobs, .detail = job_detail, .raw = job_raw};

// --- logs ---

static int open_log(const char *dir, int rank, const char *suffix, struct stat *st)
{
    char path[SW_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/rank-%d.log%s", dir, rank, suffix);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && fstat(fd, st) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

// Where the current file begins, in offsets of the whole log; follows a rotation that happened since the last look.
static int64_t log_base(struct sw_app_backend *b, int64_t job_id, int rank, uint64_t inode, int old_fd,
                        const struct stat *old)
{
    pthread_mutex_lock(&b->lock);
    struct tui_log_place *place = &b->log;
    if (place->job_id != job_id || place->rank != rank)
        *place = (struct tui_log_place){.job_id = job_id, .rank = rank, .base = old_fd >= 0 ? old->st_size : 0};
    else if (place->inode != inode && old_fd >= 0)
        place->base += old->st_size;
    place->inode = inode;
    int64_t base = place->base;
    pthread_mutex_unlock(&b->lock);
    return base;
}

static size_t read_range(int fd, int64_t offset, char *dst, size_t len)
{
    size_t got = 0;
    while (fd >= 0 && got < len) {
        ssize_t n = pread(fd, dst + got, len - got, offset + (int64_t)got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got;
}

static void fill_part(int fd, int old_fd, int64_t old_size, int64_t base, int64_t end, const struct sw_tui_log_query *q,
                      char *text, struct sw_tui_log_part *out)
{
    int64_t oldest = base - old_size;
    int64_t from = q->offset >= 0 ? q->offset : end - (int64_t)q->max_bytes;
    from = from < oldest ? oldest : from > end ? end : from;
    size_t len = 0, want = (size_t)(end - from) < q->max_bytes ? (size_t)(end - from) : q->max_bytes;
    if (from < base) {
        size_t rest = (size_t)(base - from);
        len = read_range(old_fd, from - oldest, text, rest < want ? rest : want);
    }
    if (from + (int64_t)len >= base)
        len += read_range(fd, from + (int64_t)len - base, text + len, want - len);
    if (q->offset < 0 && from > oldest) { // begin at a line
        const char *line = memchr(text, '\n', len);
        if (line != NULL) {
            size_t skip = (size_t)(line - text) + 1;
            memmove(text, line + 1, len - skip);
            len -= skip;
            from += (int64_t)skip;
        }
    }
    *out = (struct sw_tui_log_part){.text = text, .len = len, .offset = from, .end = end};
}

enum sw_code tui_log_read(void *ctx, const struct sw_tui_log_query *q, const struct sw_task *task, struct sw_arena *a,
                          struct sw_tui_log_part *out, struct sw_err *err)
{
    (void)task;
    struct tui_worker *w;
    struct sw_job j;
    struct stat now = {0}, old = {0};
    char dir[SW_PATH_MAX];
    int64_t job_id = strtoll(q->id, NULL, 10);
    enum sw_code code = tui_worker(ctx, &w, err);
    if (code == SW_OK)
        code = sw_job_get(w->store, job_id, a, &j, err);
    if (code == SW_OK)
        code = sw_job_dir(w->store, job_id, dir, err);
    if (code != SW_OK)
        return code;
    char *text = sw_arena_alloc(a, q->max_bytes + 1);
    if (text == NULL)
        return tui_no_memory(err);
    int fd = open_log(dir, q->rank, "", &now), old_fd = open_log(dir, q->rank, ".1", &old);
    if (fd >= 0) { // before the first line there is none, and that is an empty log
        int64_t base = log_base(ctx, job_id, q->rank, now.st_ino, old_fd, &old);
        fill_part(fd, old_fd, old_fd >= 0 ? old.st_size : 0, base, base + now.st_size, q, text, out);
        close(fd);
    }
    if (old_fd >= 0)
        close(old_fd);
    out->is_live = !sw_job_state_is_final(j.state);
    return SW_OK;
}

// --- GPUs ---

static const struct sw_tui_column gpu_columns[] = {
    {.key = "index", .title = "gpu", .width = 4, .align = SW_TUI_RIGHT},
    {.key = "name", .title = "name", .width = 24},
    {.key = "util", .title = "busy", .width = 6, .align = SW_TUI_RIGHT},
    {.key = "memory", .title = "memory MiB", .width = 16, .align = SW_TUI_RIGHT},
    {.key = "temp", .title = "°C", .width = 4, .align = SW_TUI_RIGHT},
    {.key = "power", .title = "W", .width = 5, .priority = 1, .align = SW_TUI_RIGHT},
    {.key = "state", .title = "state", .width = 30, .priority = 2},
};

static void put_figure(struct tui_rows *t, bool is_known, double number, const char *unit)
{
    char text[32];
    snprintf(text, sizeof text, "%.0f%s", number, unit);
    tui_rows_number(t, number, is_known ? text : NULL, SW_TUI_NORMAL);
}

static enum sw_code load_gpus(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                              const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                              struct sw_err *err)
{
    (void)b, (void)w, (void)task;
    char reason[SW_GPU_REASON_MAX];
    struct sw_gpu_info *gpus;
    struct tui_rows t;
    size_t count;
    enum sw_code code = sw_gpu_list(a, &gpus, &count, reason, err);
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, gpu_columns, COUNT(gpu_columns), count < GPUS_MAX ? count : GPUS_MAX, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        const struct sw_gpu_info *g = &gpus[i];
        char id[112];
        snprintf(id, sizeof id, "%s", g->uuid[0] != '\0' ? g->uuid : sw_arena_printf(a, "%d", g->index));
        tui_rows_add(&t, id, g->problem[0] != '\0' ? SW_TUI_ERROR : SW_TUI_NORMAL);
        tui_rows_number(&t, g->index, sw_arena_printf(a, "%d", g->index), SW_TUI_NORMAL);
        tui_rows_text(&t, g->name, SW_TUI_STRONG);
        put_figure(&t, (g->valid & SW_GPU_HAS_UTIL) != 0, g->util_percent, "%");
        tui_rows_number(&t, (double)g->memory_used_mib,
                        (g->valid & SW_GPU_HAS_MEMORY) != 0
                            ? sw_arena_printf(a, "%" PRId64 " / %" PRId64, g->memory_used_mib, g->memory_total_mib)
                            : NULL,
                        SW_TUI_NORMAL);
        put_figure(&t, (g->valid & SW_GPU_HAS_TEMP) != 0, g->temp_c, "");
        put_figure(&t, (g->valid & SW_GPU_HAS_POWER) != 0, (double)g->power_mw / 1000, "");
        tui_rows_text(&t, g->problem[0] != '\0' ? g->problem : "ok", SW_TUI_NORMAL);
    }
    out->empty = reason[0] != '\0' ? sw_arena_strdup(a, reason) : "no GPU";
    return tui_rows_finish(&t, q, out, err);
}

const struct tui_list tui_list_gpus = {.load = load_gpus};
