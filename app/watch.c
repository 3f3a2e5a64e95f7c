// SPDX-License-Identifier: Apache-2.0
// Waiting for a job: one line of progress that rewrites itself on a terminal, or JSON Lines, until the job has ended.
#include "app/cmd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/text.h"

enum { POLL_MS = 100, REAP_EVERY = 10, LINE_BYTES = 512 };

struct watch {
    struct sw_app *app;
    int64_t job_id;
    bool shows_line; // stderr is a terminal and nothing speaks against using it
    bool has_line;
    char last[LINE_BYTES]; // what was shown last, so that nothing is written twice
};

static void clear_line(struct watch *w)
{
    if (w->has_line)
        fputs("\r\033[K", stderr);
    w->has_line = false;
}

static void describe(const struct sw_job *j, char *out, size_t size)
{
    char text[256], time[32], percent[16] = "";
    bool is_running = j->state == SW_JOB_RUNNING;
    const char *words =
        is_running && j->progress_text != NULL && j->progress_text[0] != '\0' ? j->progress_text : j->reason;
    sw_text_safe_copy(text, sizeof text, words == NULL ? "" : words, SW_TEXT_ONE_LINE);
    if (is_running && !isnan(j->progress))
        snprintf(percent, sizeof percent, " %3.0f%%", j->progress * 100);
    if (j->started_ms != 0)
        sw_format_duration(time, sizeof time, sw_clock_now_ms() - j->started_ms);
    else
        sw_format_duration(time, sizeof time, sw_clock_now_ms() - j->created_ms);
    snprintf(out, size, "job %lld %s%s  %s  %s", (long long)j->job_id, sw_job_state_word(j->state), percent, time,
             text);
}

static enum sw_code put_event(struct watch *w, const struct sw_job *j, struct sw_err *err)
{
    char key[LINE_BYTES];
    snprintf(key, sizeof key, "%d %.4f %s %s", (int)j->state, j->progress, j->progress_text, j->reason);
    if (strcmp(key, w->last) == 0)
        return SW_OK;
    memcpy(w->last, key, sizeof key);
    json_t *event = json_pack("{s:s, s:I}", "event", sw_job_state_is_final(j->state) ? "end" : "job", "time_ms",
                              (json_int_t)sw_clock_now_ms());
    json_t *job = sw_json_object(&sw_json_job, j);
    if (event != NULL && json_object_update(event, job) != 0) {
        json_decref(event);
        event = NULL;
    }
    json_decref(job);
    return sw_output_json_line(&w->app->out, event, err);
}

static enum sw_code show(struct watch *w, const struct sw_job *j, struct sw_err *err)
{
    if (w->app->out.is_json)
        return put_event(w, j, err);
    char line[LINE_BYTES];
    if (!w->shows_line || sw_job_state_is_final(j->state))
        return SW_OK;
    describe(j, line, sizeof line);
    if (strcmp(line, w->last) == 0)
        return SW_OK;
    memcpy(w->last, line, sizeof line);
    int columns = w->app->out.columns > 0 ? w->app->out.columns : 80;
    size_t fits = sw_text_fit(line, strlen(line), columns - 1, NULL);
    fprintf(stderr, "\r%.*s\033[K", (int)fits, line);
    w->has_line = true;
    return SW_OK;
}

// The job's outcome as the outcome of the command that waited for it.
static enum sw_code outcome(struct watch *w, const struct sw_job *j, struct sw_err *err)
{
    char time[32];
    sw_format_duration(time, sizeof time, j->started_ms != 0 ? j->ended_ms - j->started_ms : 0);
    static const enum sw_code codes[] = {
        [SW_JOB_DONE] = SW_OK,           [SW_JOB_FAILED] = SW_FAILED, [SW_JOB_STOPPED] = SW_CANCELLED,
        [SW_JOB_DIVERGED] = SW_DIVERGED, [SW_JOB_LOST] = SW_FAILED,
    };
    if (j->state == SW_JOB_DONE) {
        sw_output_note(&w->app->out, "Job %lld (%s) is done after %s.", (long long)j->job_id, j->name, time);
        return SW_OK;
    }
    (void)sw_err_set(err, codes[j->state], "job %lld (%s) %s%s%s", (long long)j->job_id, j->name,
                     sw_job_state_word(j->state), j->reason[0] != '\0' ? ": " : "", j->reason);
    return sw_err_hint(err, "'slipway logs %lld' shows what it printed", (long long)j->job_id);
}

enum sw_code sw_app_wait_job(struct sw_app *app, int64_t job_id, struct sw_err *err)
{
    struct watch w = {.app = app, .job_id = job_id};
    w.shows_line = !app->out.is_json && !app->out.is_quiet && isatty(STDERR_FILENO) == 1;
    enum sw_code code = SW_OK;
    bool is_over = false;
    sw_interrupt_watch();
    for (unsigned round = 0; code == SW_OK && !is_over; round++) {
        struct sw_arena *arena = sw_arena_new(4 * 1024 * 1024);
        struct sw_job job;
        if (arena == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory while waiting for job %lld", (long long)job_id);
        if (round % REAP_EVERY == 0)
            code = sw_app_reap_jobs(app, err);
        if (code == SW_OK)
            code = sw_job_get(app->store, job_id, arena, &job, err);
        if (code == SW_OK)
            code = show(&w, &job, err);
        if (code == SW_OK && sw_job_state_is_final(job.state)) {
            clear_line(&w);
            code = outcome(&w, &job, err);
            is_over = true;
        }
        sw_arena_free(arena);
        if (code == SW_OK && !is_over && sw_interrupt_seen()) {
            clear_line(&w);
            (void)sw_err_set(err, SW_INTERRUPTED, "stopped waiting; job %lld goes on", (long long)job_id);
            return sw_err_hint(err, "'slipway logs %lld -f' follows it, 'slipway stop %lld' ends it", (long long)job_id,
                               (long long)job_id);
        }
        if (code == SW_OK && !is_over)
            sw_clock_sleep_ms(POLL_MS);
    }
    clear_line(&w);
    return code;
}
