// SPDX-License-Identifier: Apache-2.0
// Cleaning up after supervisors that died. Every reader calls it, so that no job stays "running" for ever. A live job's
// folder lock is free only when nobody supervises it; whoever gets that lock settles the job: its written result is entered, or
// it becomes lost and its processes are ended, or, when it was queued, a new supervisor starts.
#include "core/job/job_private.h"

#include "core/base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { ARENA_BYTES = 64 << 20, STRAYS_MS = 10000, SUBMIT_MS = 3000 };

static bool is_supervised(const struct sw_job *job)
{
    return job->supervisor_pid > 0 && sw_proc_is_alive((pid_t)job->supervisor_pid, job->supervisor_ticks);
}

static enum sw_code settle_running(struct sw_store *s, const struct sw_job *job, struct sw_arena *a,
                                   struct sw_job_reap_report *report, struct sw_err *err)
{
    const char *dir = sw_store_dir(s);
    struct sw_job_end end = {.state = SW_JOB_LOST, .failed_rank = -1, .run_status = SW_RUN_FAILED};
    char reason[400];
    bool has_result = false;
    size_t left = sw_job_strays_end(dir, job->job_id, STRAYS_MS);
    enum sw_code code = sw_job_load_result(dir, job->job_id, job->attempt, a, &has_result, &end, err);
    if (code && code != SW_INVALID) // a damaged result is no result
        return code;
    if (!has_result) {
        snprintf(reason, sizeof(reason),
                 "its supervisor (process %" PRId64 ") ended without a word: killed, or the machine restarted; "
                 "`slipway retry %" PRId64 "` goes on from what it saved",
                 job->supervisor_pid, job->job_id);
        if (left)
            snprintf(reason + strlen(reason), sizeof(reason) - strlen(reason),
                     "; %zu of its processes could not be ended", left);
        end.reason = reason;
    }
    code = sw_job_finish(s, job->job_id, &end, err);
    if (code == SW_CONFLICT)
        return SW_OK;
    if (!code && has_result)
        report->finished++;
    else if (!code)
        report->lost++;
    return code;
}

// With the lock in hand: what does the row say now, and what is due?
static enum sw_code settle(struct sw_store *s, int64_t job_id, struct sw_arena *a, struct sw_job_reap_report *report,
                           bool *start, struct sw_err *err)
{
    struct sw_job job;
    enum sw_code code = sw_job_get(s, job_id, a, &job, err);
    if (code == SW_NOT_FOUND)
        return SW_OK;
    if (code || sw_job_state_is_final(job.state))
        return code;
    if (job.state == SW_JOB_QUEUED) {
        *start = true;
        return SW_OK;
    }
    return settle_running(s, &job, a, report, err);
}

static enum sw_code reap_job(struct sw_store *s, const struct sw_job *job, const char *program, struct sw_arena *a,
                             struct sw_job_reap_report *report, struct sw_err *err)
{
    char dir[SW_PATH_MAX];
    int lock = -1;
    bool start = false;
    if (is_supervised(job))
        return SW_OK;
    if (job->supervisor_pid == 0 && sw_clock_now_ms() - job->created_ms < SUBMIT_MS)
        return SW_OK; // being submitted
    enum sw_code code = sw_job_path(sw_store_dir(s), job->job_id, NULL, dir, err);
    if (!code)
        code = sw_path_make_dirs(dir, err);
    if (!code)
        code = sw_job_lock(sw_store_dir(s), job->job_id, &lock, err);
    if (code == SW_BUSY) // supervised after all: it starts just now, or lives in another pid namespace
        return SW_OK;
    if (!code)
        code = settle(s, job->job_id, a, report, &start, err);
    if (lock >= 0)
        close(lock);
    if (!code && start) {
        code = sw_job_start_supervisor(s, job->job_id, program, NULL, err);
        if (!code)
            report->restarted++;
        else if (code == SW_BUSY || code == SW_CONFLICT) // somebody else was faster
            code = SW_OK;
    }
    return code;
}

enum sw_code sw_job_reap(struct sw_store *s, const char *program, struct sw_job_reap_report *report, struct sw_err *err)
{
    struct sw_job_reap_report counts = {0};
    struct sw_job_list jobs = {0};
    enum sw_code first = SW_OK;
    if (sw_store_is_read_only(s))
        return SW_OK;
    struct sw_arena *a = sw_arena_new(ARENA_BYTES);
    if (!a)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the list of jobs");
    enum sw_code code = sw_job_search(s, true, 0, a, &jobs, err);
    for (size_t i = 0; i < jobs.count && !code; i++) {
        struct sw_err e = {0};
        enum sw_code one = reap_job(s, &jobs.items[i], program, a, &counts, &e);
        if (one && !first) { // the others are looked after all the same
            first = one;
            if (err)
                *err = e;
        }
    }
    sw_arena_free(a);
    if (report)
        *report = counts;
    return code ? code : first;
}
