// SPDX-License-Identifier: Apache-2.0
// The job queue: what to run, where it stands, who supervises it, which CPU and GPU slots it holds. Policy (when a job
// may start, how it is stopped) is core/job's; here are the rows and the atomic steps on them. Job state is written
// with FULL durability.
#ifndef SW_STORE_JOB_H
#define SW_STORE_JOB_H

#include "core/store/run.h"

enum sw_job_state {
    SW_JOB_QUEUED, // `reason` says what it waits for
    SW_JOB_RUNNING,
    SW_JOB_STOPPING, // stop was asked for, processes still end
    SW_JOB_DONE,
    SW_JOB_FAILED,
    SW_JOB_STOPPED, // by a user or the time limit
    SW_JOB_DIVERGED,
    SW_JOB_LOST, // its supervisor vanished
};
const char *sw_job_state_word(enum sw_job_state state); // "queued"
bool sw_job_state_is_final(enum sw_job_state state);

struct sw_job {
    int64_t job_id;
    const char *name;
    enum sw_job_state state;
    const char *reason;     // in words: why it waits, how it ended; "" when there is nothing to say
    char run_id[SW_RUN_ID]; // the run it writes to
    const char *argv_json;  // ["slipway-train","cnn",...]
    const char *cwd;
    const char *env_json; // {"NAME":"value"} additions only, secrets redacted in what is shown
    int ranks;            // processes started by the supervisor, >= 1
    int cpu_slots;        // claimed while running
    int gpu_count;
    const char *gpu_uuids; // comma list leased now, "" when none
    int64_t time_limit_ms; // 0 = none
    int64_t grace_ms;      // between SIGTERM and SIGKILL
    int max_retries;
    int attempt;                                            // from 1 once started
    int64_t after_job_id;                                   // start only when that one is done; 0 = none
    const char *options_json;                               // free for core/job (stdout patterns, dataset ids)
    int64_t supervisor_pid, supervisor_ticks;               // 0 = none yet
    int64_t created_ms, started_ms, ended_ms, heartbeat_ms; // 0 = not yet
    bool stop_requested;
    int exit_code; // valid when ended and signo == 0
    int signo;
    int failed_rank; // -1 = none
    double progress; // 0..1, NaN = unknown
    const char *progress_text;
};

struct sw_job_list {
    struct sw_job *items;
    size_t count;
};

// Inserts a queued job and its run (status SCHEDULED) in one step. `run` names experiment and run name.
enum sw_code sw_job_add(struct sw_store *s, const struct sw_job *job, const struct sw_run_new *run, int64_t *job_id,
                        struct sw_err *err);
enum sw_code sw_job_get(struct sw_store *s, int64_t job_id, struct sw_arena *a, struct sw_job *out, struct sw_err *err);
// Newest first, at most `limit` (0 = 1000); `only_live` = queued, running, stopping.
enum sw_code sw_job_search(struct sw_store *s, bool only_live, int64_t limit, struct sw_arena *a,
                           struct sw_job_list *out, struct sw_err *err);
enum sw_code sw_job_set_supervisor(struct sw_store *s, int64_t job_id, int64_t pid, int64_t ticks, struct sw_err *err);
enum sw_code sw_job_set_reason(struct sw_store *s, int64_t job_id, const char *reason, struct sw_err *err);
enum sw_code sw_job_request_stop(struct sw_store *s, int64_t job_id, struct sw_err *err); // queued jobs end at once
enum sw_code sw_job_heartbeat(struct sw_store *s, int64_t job_id, double progress, const char *text,
                              struct sw_err *err);

// Atomic claim of slots: moves queued -> running when fewer than `cpu_slots_total` CPU slots would be in use, every
// wanted GPU is free, and no older queued job fits that place first (first come, first served; a job behind one that waits for GPUs
// may pass when it needs none). On success *claimed is true and the row is RUNNING with its GPUs; else `reason` is
// stored and *claimed false. SW_CONFLICT when the job is not queued. A queued job keeps others behind it only while its
// supervisor lives (or for 30 s after it was queued, while one starts), and not when it waits for another job to end or
// wants more than the machine has.
struct sw_job_claim {
    int cpu_slots_total;
    const char *const *gpu_uuids; // all GPUs of this machine, borrow
    size_t gpu_count;
};
enum sw_code sw_job_try_claim(struct sw_store *s, int64_t job_id, const struct sw_job_claim *c, bool *claimed,
                              struct sw_err *err);

// How many queued jobs are older: those far back need not ask for slots all the time. SW_CONFLICT when not queued.
enum sw_code sw_job_count_ahead(struct sw_store *s, int64_t job_id, int64_t *count, struct sw_err *err);

struct sw_job_end {
    enum sw_job_state state; // final
    const char *reason;
    int exit_code, signo, failed_rank;
    enum sw_run_status run_status;
};
// Ends job and run in one step and releases its slots. A job that is already final is left as it is (SW_CONFLICT).
enum sw_code sw_job_finish(struct sw_store *s, int64_t job_id, const struct sw_job_end *end, struct sw_err *err);
// Back to queued for another attempt (attempt counter stays), slots released, reason set. From a live state the
// supervisor stays the same; from a final state (a user's retry) there is none until one registers. SW_CONFLICT when queued.
enum sw_code sw_job_requeue(struct sw_store *s, int64_t job_id, const char *reason, struct sw_err *err);

// How each start of a job went, the first one first.
struct sw_job_attempt {
    int attempt;
    int64_t started_ms, ended_ms; // ended_ms 0 = running
    enum sw_job_state state;
    const char *reason;
};
enum sw_code sw_job_attempts(struct sw_store *s, int64_t job_id, struct sw_arena *a, struct sw_job_attempt **out,
                             size_t *count, struct sw_err *err);
#endif
