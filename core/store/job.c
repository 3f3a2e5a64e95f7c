// SPDX-License-Identifier: Apache-2.0
// Rows of jobs and the steps between their states. Which queued job may start is decided in job_claim.c.
#include "core/store/job_private.h"

#include "core/base/clock.h"
#include "core/store/run_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255, JSON_MAX_BYTES = 4 << 20, JOB_LIMIT = 1000, SLOTS_MAX = 65536 };

static const struct {
    const char *word;
    bool is_final;
} states[] = {
    [SW_JOB_QUEUED] = {"queued", false},     [SW_JOB_RUNNING] = {"running", false},
    [SW_JOB_STOPPING] = {"stopping", false}, [SW_JOB_DONE] = {"done", true},
    [SW_JOB_FAILED] = {"failed", true},      [SW_JOB_STOPPED] = {"stopped", true},
    [SW_JOB_DIVERGED] = {"diverged", true},  [SW_JOB_LOST] = {"lost", true},
};
enum { STATE_COUNT = sizeof states / sizeof *states };

const char *sw_job_state_word(enum sw_job_state state)
{
    return (unsigned)state < STATE_COUNT ? states[state].word : "-";
}

bool sw_job_state_is_final(enum sw_job_state state)
{
    return (unsigned)state < STATE_COUNT && states[state].is_final;
}

enum sw_job_state sw_job_state_of_word(const char *word)
{
    for (unsigned i = 0; i < STATE_COUNT; i++)
        if (strcmp(word, states[i].word) == 0)
            return (enum sw_job_state)i;
    return SW_JOB_LOST;
}

// --- reading ---
static void read_job(struct sw_reader *r, void *item)
{
    struct sw_job *j = item;
    char state[16];
    j->job_id = sw_column_int(r, 0);
    j->name = sw_column_text(r, 1);
    sw_column_copy(r, 2, state, sizeof state);
    j->state = sw_job_state_of_word(state);
    j->reason = sw_column_text(r, 3);
    sw_column_copy(r, 4, j->run_id, sizeof j->run_id);
    j->argv_json = sw_column_text(r, 5);
    j->cwd = sw_column_text(r, 6);
    j->env_json = sw_column_text(r, 7);
    j->ranks = (int)sw_column_int(r, 8);
    j->cpu_slots = (int)sw_column_int(r, 9);
    j->gpu_count = (int)sw_column_int(r, 10);
    j->gpu_uuids = sw_column_text(r, 11);
    j->time_limit_ms = sw_column_int(r, 12);
    j->grace_ms = sw_column_int(r, 13);
    j->max_retries = (int)sw_column_int(r, 14);
    j->attempt = (int)sw_column_int(r, 15);
    j->after_job_id = sw_column_int(r, 16);
    j->options_json = sw_column_text(r, 17);
    j->supervisor_pid = sw_column_int(r, 18);
    j->supervisor_ticks = sw_column_int(r, 19);
    j->created_ms = sw_column_int(r, 20);
    j->started_ms = sw_column_int(r, 21);
    j->ended_ms = sw_column_int(r, 22);
    j->heartbeat_ms = sw_column_int(r, 23);
    j->stop_requested = sw_column_int(r, 24) != 0;
    j->exit_code = (int)sw_column_int(r, 25);
    j->signo = (int)sw_column_int(r, 26);
    j->failed_rank = sqlite3_column_type(r->st, 27) == SQLITE_NULL ? -1 : (int)sw_column_int(r, 27);
    j->progress = sw_column_real(r, 28);
    j->progress_text = sw_column_text(r, 29);
}

static enum sw_code no_job(int64_t job_id, struct sw_err *err)
{
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no job %" PRId64, job_id);
    return sw_err_hint(err, "`slipway jobs` lists them");
}

enum sw_code sw_job_get(struct sw_store *s, int64_t job_id, struct sw_arena *a, struct sw_job *out, struct sw_err *err)
{
    struct sw_job job = {0};
    bool found = false;
    enum sw_code code = sw_sql_get(s, SQL_JOB_GET, SW_VALUES(sw_int(job_id)), a, read_job, &job, &found, err);
    if (code == SW_OK && !found)
        return no_job(job_id, err);
    if (code == SW_OK)
        *out = job;
    return code;
}

enum sw_code sw_job_search(struct sw_store *s, bool only_live, int64_t limit, struct sw_arena *a,
                           struct sw_job_list *out, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code =
        sw_sql_list(s, only_live ? SQL_JOB_SEARCH_LIVE : SQL_JOB_SEARCH,
                    SW_VALUES(sw_int(limit > 0 ? limit : JOB_LIMIT)), a, sizeof *out->items, read_job, &rows, err);
    if (code == SW_OK)
        *out = (struct sw_job_list){rows.items, rows.count};
    return code;
}

static void read_status(struct sw_reader *r, void *item)
{
    struct sw_job_status *status = item;
    char state[16];
    sw_column_copy(r, 0, state, sizeof state);
    status->state = sw_job_state_of_word(state);
    status->stop_requested = sw_column_int(r, 1) != 0;
    sw_column_copy(r, 2, status->reason, sizeof status->reason);
}

enum sw_code sw_job_get_status(struct sw_store *s, int64_t job_id, struct sw_job_status *out, struct sw_err *err)
{
    bool found = false;
    enum sw_code code = sw_sql_get(s, SQL_JOB_STATE, SW_VALUES(sw_int(job_id)), NULL, read_status, out, &found, err);
    return code == SW_OK && !found ? no_job(job_id, err) : code;
}

static void read_ahead(struct sw_reader *r, void *item)
{
    *(int64_t *)item = sw_column_int(r, 0);
}

enum sw_code sw_job_count_ahead(struct sw_store *s, int64_t job_id, int64_t *count, struct sw_err *err)
{
    struct sw_job_status status;
    enum sw_code code = sw_job_get_status(s, job_id, &status, err);
    if (code == SW_OK && status.state != SW_JOB_QUEUED)
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " is not queued but %s", job_id,
                          sw_job_state_word(status.state));
    bool found = false;
    int64_t ahead = 0;
    if (code == SW_OK)
        code = sw_sql_get(s, SQL_JOB_AHEAD, SW_VALUES(sw_int(job_id)), NULL, read_ahead, &ahead, &found, err);
    if (code == SW_OK)
        *count = ahead;
    return code;
}

static void read_attempt(struct sw_reader *r, void *item)
{
    struct sw_job_attempt *attempt = item;
    char state[16];
    attempt->attempt = (int)sw_column_int(r, 0);
    attempt->started_ms = sw_column_int(r, 1);
    attempt->ended_ms = sw_column_int(r, 2);
    sw_column_copy(r, 3, state, sizeof state);
    attempt->state = sw_job_state_of_word(state);
    attempt->reason = sw_column_text(r, 4);
}

enum sw_code sw_job_attempts(struct sw_store *s, int64_t job_id, struct sw_arena *a, struct sw_job_attempt **out,
                             size_t *count, struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code =
        sw_sql_list(s, SQL_ATTEMPT_LIST, SW_VALUES(sw_int(job_id)), a, sizeof **out, read_attempt, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

// --- adding ---
static enum sw_code check(const struct sw_job *j, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the job's name", j->name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the job's folder", j->cwd, 4096, err);
    if (code == SW_OK)
        code = sw_text_check("the job's command", j->argv_json, JSON_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the job's environment", j->env_json, JSON_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the job's options", j->options_json, JSON_MAX_BYTES, err);
    if (code != SW_OK)
        return code;
    bool in_range = j->argv_json != NULL && j->ranks >= 1 && j->ranks <= SLOTS_MAX && j->cpu_slots >= 0 &&
                    j->cpu_slots <= SLOTS_MAX && j->gpu_count >= 0 && j->gpu_count <= SLOTS_MAX &&
                    j->time_limit_ms >= 0 && j->grace_ms >= 0 && j->max_retries >= 0;
    if (!in_range)
        return sw_err_set(err, SW_INVALID, "job %s: ranks, slots, GPUs, limits or retries are out of range", j->name);
    return SW_OK;
}

static enum sw_code add(struct sw_store *s, const struct sw_job *j, const struct sw_run_new *run, int64_t *job_id,
                        struct sw_err *err)
{
    struct sw_run_new scheduled = *run;
    scheduled.status = SW_RUN_SCHEDULED;
    char run_id[SW_RUN_ID];
    int64_t run_key = 0;
    struct sw_job_status previous;
    enum sw_code code = j->after_job_id != 0 ? sw_job_get_status(s, j->after_job_id, &previous, err) : SW_OK;
    if (code == SW_OK)
        code = sw_run_insert(s, &scheduled, run_id, &run_key, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_JOB_ADD,
                      SW_VALUES(sw_text(j->name), sw_int(run_key), sw_text(j->argv_json), sw_text(j->cwd),
                                sw_text(j->env_json != NULL ? j->env_json : "{}"), sw_int(j->ranks),
                                sw_int(j->cpu_slots), sw_int(j->gpu_count), sw_int(j->time_limit_ms),
                                sw_int(j->grace_ms), sw_int(j->max_retries), sw_int_or_null(j->after_job_id),
                                sw_text(j->options_json != NULL ? j->options_json : "{}"), sw_int(sw_clock_now_ms())),
                      err);
    if (code != SW_OK)
        return code;
    *job_id = sqlite3_last_insert_rowid(s->db);
    return sw_sql_run(s, SQL_RUN_SET_JOB, SW_VALUES(sw_int(run_key), sw_int(*job_id)), err);
}

enum sw_code sw_job_add(struct sw_store *s, const struct sw_job *job, const struct sw_run_new *run, int64_t *job_id,
                        struct sw_err *err)
{
    struct sw_step step;
    int64_t id = 0;
    enum sw_code code = check(job, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, add(s, job, run, &id, err), err);
    if (code == SW_OK)
        *job_id = id;
    return code;
}

// --- changing ---
// One UPDATE of the row values[0] names.
static enum sw_code change(struct sw_store *s, enum sw_store_durability d, enum sw_sql sql,
                           const struct sw_value *values, size_t count, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, d, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, sql, values, count, err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        code = no_job(values[0].integer, err);
    return sw_step_end(s, &step, code, err);
}

enum sw_code sw_job_set_supervisor(struct sw_store *s, int64_t job_id, int64_t pid, int64_t ticks, struct sw_err *err)
{
    return change(s, SW_STORE_FULL, SQL_JOB_SET_SUPERVISOR, SW_VALUES(sw_int(job_id), sw_int(pid), sw_int(ticks)), err);
}

enum sw_code sw_job_set_reason(struct sw_store *s, int64_t job_id, const char *reason, struct sw_err *err)
{
    enum sw_code code = sw_text_check("the reason", reason, SW_JOB_REASON_MAX - 1, err);
    if (code != SW_OK)
        return code;
    return change(s, SW_STORE_FULL, SQL_JOB_SET_REASON,
                  SW_VALUES(sw_int(job_id), sw_text(reason != NULL ? reason : "")), err);
}

// A heartbeat that power loss takes back is no loss, so it does not wait for the disk.
enum sw_code sw_job_heartbeat(struct sw_store *s, int64_t job_id, double progress, const char *text, struct sw_err *err)
{
    return change(s, SW_STORE_NORMAL, SQL_JOB_HEARTBEAT,
                  SW_VALUES(sw_int(job_id), sw_int(sw_clock_now_ms()), sw_real(progress), sw_text(text)), err);
}

// Ends job, run and attempt and gives its slots back, inside the caller's step.
static enum sw_code end_job(struct sw_store *s, int64_t job_id, const struct sw_job_end *end, struct sw_err *err)
{
    int64_t now = sw_clock_now_ms();
    const char *word = sw_job_state_word(end->state), *reason = end->reason != NULL ? end->reason : "";
    struct sw_value rank = end->failed_rank >= 0 ? sw_int(end->failed_rank) : sw_text(NULL);
    enum sw_code code = sw_sql_run(s, SQL_JOB_FINISH,
                                   SW_VALUES(sw_int(job_id), sw_text(word), sw_text(reason), sw_int(end->exit_code),
                                             sw_int(end->signo), rank, sw_int(now)),
                                   err);
    if (code == SW_OK)
        code =
            sw_sql_run(s, SQL_ATTEMPT_END, SW_VALUES(sw_int(job_id), sw_text(word), sw_text(reason), sw_int(now)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_LEASE_RELEASE, SW_VALUES(sw_int(job_id)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_JOB_FINISH_RUN,
                          SW_VALUES(sw_int(job_id), sw_text(sw_run_status_word(end->run_status)), sw_int(now)), err);
    return code;
}

enum sw_code sw_job_finish(struct sw_store *s, int64_t job_id, const struct sw_job_end *end, struct sw_err *err)
{
    if (!sw_job_state_is_final(end->state))
        return sw_err_set(err, SW_INVALID, "job %" PRId64 " cannot end as %s", job_id, sw_job_state_word(end->state));
    struct sw_step step;
    struct sw_job_status status;
    enum sw_code code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_job_get_status(s, job_id, &status, err);
    if (code == SW_OK && sw_job_state_is_final(status.state))
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " has ended already: %s", job_id,
                          sw_job_state_word(status.state));
    if (code == SW_OK)
        code = end_job(s, job_id, end, err);
    return sw_step_end(s, &step, code, err);
}

enum sw_code sw_job_request_stop(struct sw_store *s, int64_t job_id, struct sw_err *err)
{
    struct sw_step step;
    struct sw_job_status status;
    enum sw_code code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_job_get_status(s, job_id, &status, err);
    if (code == SW_OK && sw_job_state_is_final(status.state)) {
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " has ended already: %s", job_id,
                          sw_job_state_word(status.state));
    } else if (code == SW_OK && status.state == SW_JOB_QUEUED) {
        const struct sw_job_end end = {.state = SW_JOB_STOPPED,
                                       .reason = "stopped before it started",
                                       .failed_rank = -1,
                                       .run_status = SW_RUN_KILLED};
        code = end_job(s, job_id, &end, err);
    } else if (code == SW_OK && !status.stop_requested) {
        code = sw_sql_run(s, SQL_JOB_SET_STOPPING, SW_VALUES(sw_int(job_id)), err);
    }
    return sw_step_end(s, &step, code, err);
}

static enum sw_code requeue(struct sw_store *s, int64_t job_id, const char *reason, struct sw_err *err)
{
    struct sw_job_status status;
    int64_t now = sw_clock_now_ms();
    enum sw_code code = sw_job_get_status(s, job_id, &status, err);
    if (code == SW_OK && status.state == SW_JOB_QUEUED)
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " is queued already", job_id);
    if (code != SW_OK)
        return code;
    bool is_live = !sw_job_state_is_final(status.state);
    code =
        sw_sql_run(s, SQL_ATTEMPT_END, SW_VALUES(sw_int(job_id), sw_text("failed"), sw_text(reason), sw_int(now)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_LEASE_RELEASE, SW_VALUES(sw_int(job_id)), err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_JOB_REQUEUE, SW_VALUES(sw_int(job_id), sw_text(reason), sw_int(now), sw_int(is_live)),
                          err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_JOB_FINISH_RUN,
                          SW_VALUES(sw_int(job_id), sw_text(sw_run_status_word(SW_RUN_SCHEDULED)), sw_text(NULL)), err);
    return code;
}

enum sw_code sw_job_requeue(struct sw_store *s, int64_t job_id, const char *reason, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_text_check("the reason", reason, SW_JOB_REASON_MAX - 1, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, requeue(s, job_id, reason != NULL ? reason : "", err), err);
    return code;
}
