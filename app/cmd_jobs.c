// SPDX-License-Identifier: Apache-2.0
// The queue: jobs, logs, stop, retry, and the hidden verb that a supervisor is started with.
#include "app/cmd.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/job/job.h"

enum { LOG_CHUNK_MAX = 4 * 1024 * 1024, LOG_ALL_MAX = 256 * 1024 * 1024, FOLLOW_POLL_MS = 100 };

enum sw_role sw_job_state_role(enum sw_job_state state)
{
    static const enum sw_role roles[] = {
        [SW_JOB_QUEUED] = SW_ROLE_DIM,   [SW_JOB_RUNNING] = SW_ROLE_ACCENT, [SW_JOB_STOPPING] = SW_ROLE_WARN,
        [SW_JOB_DONE] = SW_ROLE_GOOD,    [SW_JOB_FAILED] = SW_ROLE_BAD,     [SW_JOB_STOPPED] = SW_ROLE_WARN,
        [SW_JOB_DIVERGED] = SW_ROLE_BAD, [SW_JOB_LOST] = SW_ROLE_BAD,
    };
    return roles[state];
}

static enum sw_code ambiguous_job(const char *name, const struct sw_job_list *list, struct sw_err *err)
{
    char ids[128] = "";
    size_t len = 0;
    for (size_t i = 0; i < list->count && len < sizeof ids - 16; i++)
        if (strcmp(list->items[i].name, name) == 0)
            len += (size_t)snprintf(ids + len, sizeof ids - len, "%s%lld", len > 0 ? ", " : "",
                                    (long long)list->items[i].job_id);
    (void)sw_err_set(err, SW_AMBIGUOUS, "several jobs are named '%s': %s", name, ids);
    return sw_err_hint(err, "give the job's number");
}

enum sw_code sw_app_find_job(struct sw_app *app, const char *name, int64_t *job_id, struct sw_err *err)
{
    char *end;
    errno = 0;
    long long number = strtoll(name, &end, 10);
    if (errno == 0 && end != name && *end == '\0' && number > 0) {
        struct sw_job job;
        *job_id = number;
        return sw_job_get(app->store, number, app->arena, &job, err);
    }
    struct sw_job_list list;
    enum sw_code code = sw_job_search(app->store, false, 0, app->arena, &list, err);
    if (code != SW_OK)
        return code;
    const struct sw_job *found = NULL;
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].name, name) != 0)
            continue;
        if (found != NULL)
            return ambiguous_job(name, &list, err);
        found = &list.items[i];
    }
    if (found == NULL) {
        (void)sw_err_set(err, SW_NOT_FOUND, "no job '%s'", name);
        return sw_err_hint(err, "'slipway jobs' lists them");
    }
    *job_id = found->job_id;
    return SW_OK;
}

enum sw_code sw_app_reap_jobs(struct sw_app *app, struct sw_err *err)
{
    struct sw_job_reap_report report = {0};
    enum sw_code code = sw_job_reap(app->store, NULL, &report, err);
    if (report.lost > 0)
        sw_output_note(&app->out, "%d job%s lost %s supervisor; what still ran was ended", report.lost,
                       report.lost == 1 ? "" : "s", report.lost == 1 ? "its" : "their");
    return code;
}

// --- jobs ---

static const struct sw_option jobs_options[] = {
    {.name = "live", .type = SW_OPTION_FLAG, .help = "only jobs that wait or run"},
    {.name = "limit",
     .type = SW_OPTION_INT,
     .otherwise = "50",
     .min = 1,
     .max = 100000,
     .value = "N",
     .help = "show the newest N"},
};

static void put_job_row(struct sw_table *t, const struct sw_job *j, int64_t now_ms)
{
    char text[64];
    sw_table_cellf(t, "%lld", (long long)j->job_id);
    sw_table_cell(t, j->name);
    sw_table_cell(t, sw_job_state_word(j->state));
    sw_table_role(t, sw_job_state_role(j->state));
    sw_table_cellf(t, "%d", j->ranks);
    if (j->gpu_count > 0)
        sw_table_cellf(t, "%d", j->gpu_count);
    else
        sw_table_cell(t, NULL);
    if (isnan(j->progress))
        sw_table_cell(t, NULL);
    else
        sw_table_cellf(t, "%.0f%%", j->progress * 100);
    int64_t end_ms = j->ended_ms != 0 ? j->ended_ms : now_ms;
    sw_table_cell(t, j->started_ms != 0 ? sw_format_duration(text, sizeof text, end_ms - j->started_ms) : NULL);
    sw_table_cell(t, sw_format_age(text, sizeof text, now_ms, j->created_ms));
    bool is_running = j->state == SW_JOB_RUNNING && j->progress_text != NULL && j->progress_text[0] != '\0';
    sw_table_cell(t, is_running ? j->progress_text : j->reason);
}

static enum sw_code run_jobs(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"JOB", SW_COLUMN_RIGHT},   {"NAME", SW_COLUMN_SHRINKS}, {"STATE", 0},
        {"RANKS", SW_COLUMN_RIGHT}, {"GPUS", SW_COLUMN_RIGHT},   {"DONE", SW_COLUMN_RIGHT},
        {"TIME", SW_COLUMN_RIGHT},  {"AGE", SW_COLUMN_RIGHT},    {"DETAIL", SW_COLUMN_SHRINKS},
    };
    struct sw_job_list list;
    enum sw_code code = sw_app_reap_jobs(app, err);
    if (code == SW_OK)
        code = sw_job_search(app->store, sw_option_flag(app->options, "live"), sw_option_int(app->options, "limit", 50),
                             app->arena, &list, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_job, list.items, list.count), err);
    if (list.count == 0) {
        sw_output_note(&app->out, "No jobs. 'slipway run -- COMMAND' or 'slipway train NET --data NAME' queues one.");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    int64_t now_ms = sw_clock_now_ms();
    for (size_t i = 0; i < list.count; i++)
        put_job_row(t, &list.items[i], now_ms);
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_jobs = {
    .verb = "jobs",
    .summary = "list the queue and what became of jobs",
    .arguments = "",
    .options = jobs_options,
    .option_count = SW_COUNT(jobs_options),
    .description =
        "Newest first. A waiting job says what it waits for, an ended one how it ended. Jobs whose supervisor "
        "was killed are found here, marked 'lost', and their processes ended.",
    .examples = "slipway jobs\tthe newest 50\n"
                "slipway jobs --live --json\twhat waits or runs, for a script",
    .kinds = "JobList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_jobs,
};

// --- logs ---

static const struct sw_option logs_options[] = {
    {.name = "follow", .letter = 'f', .type = SW_OPTION_FLAG, .help = "go on until the job ends"},
    {.name = "rank",
     .type = SW_OPTION_INT,
     .min = 0,
     .max = SW_JOB_MAX_RANKS - 1,
     .value = "N",
     .help = "only this rank; unset = all, each line led by its rank"},
    {.name = "lines",
     .letter = 'n',
     .type = SW_OPTION_INT,
     .otherwise = "0",
     .min = 0,
     .max = 1e9,
     .value = "N",
     .help = "begin with the last N lines, 0 = all that is kept"},
};

static enum sw_code put_log(struct sw_app *app, const struct sw_buf *text, struct sw_err *err)
{
    if (!app->out.is_json) {
        struct sw_buf safe;
        sw_buf_init(&safe, LOG_ALL_MAX * (size_t)3);
        sw_text_safe(&safe, text->data, text->len, SW_TEXT_KEEP_NEWLINES);
        sw_buf_add(&app->out.pending, safe.data, safe.len);
        sw_buf_free(&safe);
        return sw_output_flush(&app->out, err);
    }
    enum sw_code code = SW_OK;
    for (size_t at = 0; at < text->len && code == SW_OK;) {
        size_t len = strcspn(text->data + at, "\n");
        char *line = strndup(text->data + at, len);
        code = sw_output_json_line(&app->out,
                                   json_pack("{s:s, s:I, s:o}", "event", "log", "time_ms",
                                             (json_int_t)sw_clock_now_ms(), "text", sw_json_text(line)),
                                   err);
        free(line);
        at += len + 1;
    }
    return code;
}

static enum sw_code follow_log(struct sw_app *app, int64_t job_id, int rank, struct sw_job_log_cursor *cursor,
                               struct sw_err *err)
{
    struct sw_buf text;
    sw_buf_init(&text, LOG_CHUNK_MAX);
    enum sw_code code = SW_OK;
    bool was_final = false;
    sw_interrupt_watch();
    while (code == SW_OK && !app->out.is_closed) {
        // The state is read before the log, so that what was written before the end is shown.
        struct sw_job job = {0};
        struct sw_arena *arena = sw_arena_new(1024 * 1024);
        code = sw_app_reap_jobs(app, err);
        if (code == SW_OK)
            code = sw_job_get(app->store, job_id, arena, &job, err);
        bool is_final = code == SW_OK && sw_job_state_is_final(job.state);
        sw_arena_free(arena);
        if (code != SW_OK)
            break;
        sw_buf_clear(&text);
        code = sw_job_log_follow(app->store, job_id, rank, cursor, &text, err);
        if (code == SW_NOT_FOUND) { // nothing was started yet
            *err = (struct sw_err){0};
            code = SW_OK;
        }
        if (code == SW_OK && text.len > 0)
            code = put_log(app, &text, err);
        if (text.len == 0 && was_final)
            break;
        if (sw_interrupt_seen())
            code = sw_err_set(err, SW_INTERRUPTED, "stopped following; job %lld goes on", (long long)job_id);
        was_final = is_final;
        if (text.len == 0 && code == SW_OK && !is_final)
            sw_clock_sleep_ms(FOLLOW_POLL_MS);
    }
    sw_buf_free(&text);
    return code;
}

static enum sw_code run_logs(struct sw_app *app, struct sw_err *err)
{
    int64_t job_id = 0;
    struct sw_job job;
    struct sw_job_log_cursor cursor = {0};
    struct sw_buf text;
    int rank = (int)sw_option_int(app->options, "rank", SW_JOB_LOG_ALL);
    bool follow = sw_option_flag(app->options, "follow");
    enum sw_code code = sw_app_find_job(app, app->args[0], &job_id, err);
    if (code == SW_OK)
        code = sw_job_get(app->store, job_id, app->arena, &job, err);
    if (code != SW_OK)
        return code;
    if (rank >= job.ranks) {
        (void)sw_err_set(err, SW_USAGE, "job %lld has no rank %d", (long long)job_id, rank);
        return sw_err_hint(err, "its ranks are 0 to %d", job.ranks - 1);
    }
    sw_buf_init(&text, LOG_ALL_MAX);
    code = sw_job_log_tail(app->store, job_id, rank, (int)sw_option_int(app->options, "lines", 0), &text, &cursor, err);
    if (code == SW_NOT_FOUND && (follow || !sw_job_state_is_final(job.state))) {
        *err = (struct sw_err){0};
        code = SW_OK;
        if (!follow)
            sw_output_note(&app->out, "Job %lld has written nothing yet (%s).", (long long)job_id, job.reason);
    }
    if (code == SW_OK)
        code = put_log(app, &text, err);
    sw_buf_free(&text);
    return code == SW_OK && follow ? follow_log(app, job_id, rank, &cursor, err) : code;
}

const struct sw_command sw_cmd_logs = {
    .verb = "logs",
    .summary = "show what a job printed",
    .arguments = "JOB",
    .min_args = 1,
    .max_args = 1,
    .takes = "job",
    .options = logs_options,
    .option_count = SW_COUNT(logs_options),
    .description =
        "The output of all ranks, or of one. With -f new lines are shown until the job ends or Ctrl-C; the job "
        "goes on either way. With --json each line is an object with event, time_ms and text.",
    .examples = "slipway logs 12 -f\tfollow job 12\n"
                "slipway logs 12 --rank 1 -n 50\tthe last 50 lines of rank 1",
    .kinds = "",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_logs,
};

// --- stop and retry ---

static const struct sw_option stop_options[] = {
    {.name = "wait", .type = SW_OPTION_FLAG, .help = "return when the job has ended"},
};

static enum sw_code print_job(struct sw_app *app, int64_t job_id, struct sw_err *err)
{
    struct sw_job job;
    enum sw_code code = sw_job_get(app->store, job_id, app->arena, &job, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_job, &job), err);
    sw_output_text(&app->out, "%lld\t%s\n", (long long)job_id, sw_job_state_word(job.state));
    return SW_OK;
}

// How waiting for a stopped job ends is no failure: stopping was the wish.
static enum sw_code wait_stopped(struct sw_app *app, int64_t job_id, struct sw_err *err)
{
    bool is_json = app->out.is_json;
    app->out.is_json = false;
    enum sw_code code = sw_app_wait_job(app, job_id, err);
    app->out.is_json = is_json;
    if (code == SW_CANCELLED) {
        *err = (struct sw_err){0};
        code = SW_OK;
    }
    return code;
}

// All are asked to end before the first is waited for, so that their grace times run together.
static enum sw_code run_stop(struct sw_app *app, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    struct sw_job *jobs = sw_arena_array(app->arena, app->arg_count, sizeof *jobs);
    int64_t *ids = sw_arena_array(app->arena, app->arg_count, sizeof *ids);
    if (jobs == NULL || ids == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++)
        code = sw_app_find_job(app, app->args[i], &ids[i], err);
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++)
        code = sw_job_stop(app->store, ids[i], err);
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++) {
        if (sw_option_flag(app->options, "wait"))
            code = wait_stopped(app, ids[i], err);
        if (code == SW_OK)
            code = sw_job_get(app->store, ids[i], app->arena, &jobs[i], err);
        if (code == SW_OK && !app->out.is_json)
            sw_output_text(&app->out, "%lld\t%s\n", (long long)ids[i], sw_job_state_word(jobs[i].state));
    }
    if (code != SW_OK || !app->out.is_json)
        return code;
    return sw_output_json(&app->out, sw_json_list(&sw_json_job, jobs, app->arg_count), err);
}

const struct sw_command sw_cmd_stop = {
    .verb = "stop",
    .summary = "end jobs",
    .arguments = "JOB...",
    .min_args = 1,
    .max_args = -1,
    .takes = "job",
    .options = stop_options,
    .option_count = SW_COUNT(stop_options),
    .description =
        "A waiting job leaves the queue at once. A running one gets SIGTERM, and SIGKILL when its grace time "
        "is over, together with every process that it started, also those that left its session.",
    .examples = "slipway stop 12\task job 12 to end\n"
                "slipway stop 12 --wait\tand return when it has",
    .kinds = "JobList",
    .needs = SW_NEEDS_STORE,
    .run = run_stop,
};

static const struct sw_option retry_options[] = {
    {.name = "wait", .type = SW_OPTION_FLAG, .help = "follow the job to its end; its outcome is the exit code"},
};

static enum sw_code run_retry(struct sw_app *app, struct sw_err *err)
{
    int64_t job_id = 0;
    enum sw_code code = sw_app_find_job(app, app->args[0], &job_id, err);
    if (code == SW_OK)
        code = sw_job_retry(app->store, job_id, NULL, err);
    if (code == SW_OK && sw_option_flag(app->options, "wait"))
        return sw_app_wait_job(app, job_id, err);
    return code == SW_OK ? print_job(app, job_id, err) : code;
}

const struct sw_command sw_cmd_retry = {
    .verb = "retry",
    .summary = "queue an ended job again",
    .arguments = "JOB",
    .min_args = 1,
    .max_args = 1,
    .takes = "job",
    .options = retry_options,
    .option_count = SW_COUNT(retry_options),
    .description =
        "The same command, run and work folder, as the next attempt: a trainer that keeps checkpoints goes on "
        "from the last one.",
    .examples = "slipway retry 12 --wait\tanother attempt, watched",
    .kinds = "Job",
    .needs = SW_NEEDS_STORE,
    .run = run_retry,
};

// --- supervise ---

static enum sw_code run_supervise(struct sw_app *app, struct sw_err *err)
{
    char *end;
    errno = 0;
    long long job_id = strtoll(app->args[0], &end, 10);
    if (errno != 0 || *end != '\0' || job_id <= 0)
        return sw_err_set(err, SW_USAGE, "'%s' is not the number of a job", app->args[0]);
    enum sw_code code = sw_app_find_store(app, err);
    return code != SW_OK ? code : sw_job_supervise(app->store_dir, job_id, err);
}

const struct sw_command sw_cmd_supervise = {
    .verb = "supervise",
    .summary = "supervise one queued job (started by the program itself)",
    .arguments = "JOB_ID",
    .min_args = 1,
    .max_args = 1,
    .description = "Detaches, waits for the job's turn, runs it and records what came of it.",
    .examples = "slipway supervise 12 --store DIR\twhat 'slipway run' starts",
    .kinds = "",
    .needs = SW_NEEDS_CONFIG,
    .flags = SW_COMMAND_HIDDEN,
    .run = run_supervise,
};
