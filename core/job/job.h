// SPDX-License-Identifier: Apache-2.0
// Jobs: what to run, the detached supervisor that runs it, and what any other process may do to it (stop, retry, read
// its logs, clean up after a supervisor that died). Rows and slots are core/store's (core/store/job.h); this part is
// the policy and the processes. There is no daemon: each queued job's own supervisor waits for its turn.
//
// On disk, beside the store: `<store>/jobs/<id>/` with
//   lock               held (flock) by the supervisor as long as it lives: the truth about "is it supervised"
//   environment.json   the submitter's environment without secrets
//   supervisor.log     what the supervisor has to say
//   all.log, rank-N.log (and `.1`, one rotation)
//   work/              SLIPWAY_JOB_DIR, kept across attempts
#ifndef SW_JOB_JOB_H
#define SW_JOB_JOB_H

#include "core/base/buf.h"
#include "core/store/job.h"

// Zero-initialise, set `argv`; every other member may stay zero. All pointers are borrowed for the call.
struct sw_job_spec {
    const char *const *argv; // NULL-terminated, at least one word
    const char *cwd;         // NULL = the caller's
    const char *const *env;  // NULL-terminated "NAME=value" additions; NULL = none
    int ranks;               // processes to start, 0 = 1, at most SW_JOB_MAX_RANKS
    int cpu_slots;           // 0 = as many as ranks
    int gpu_count;
    const char *name;            // of the job and its run; NULL = after its command
    const char *experiment;      // NULL = "Default"
    int64_t time_limit_ms;       // 0 = none; counted from the start of each attempt
    int64_t grace_ms;            // between SIGTERM and SIGKILL, 0 = SW_JOB_GRACE_MS
    int max_retries;             // further attempts after a failure
    int64_t after_job_id;        // start once that job is done; 0 = none
    bool metrics_from_stdout;    // take "loss=0.3", "acc: 0.9" from lines of rank 0 that name a step or an epoch,
                                 // and its JSON Lines on stdout: {"step": 1, "loss": 0.3}
    const char *const *patterns; // "KEY=REGEX" (POSIX extended, group 1 is the number), rank 0; NULL-terminated
    const char *tensorboard_dir; // where to look for event files instead of `cwd`, relative to it; NULL
    const char *metrics_file;    // JSON Lines to follow as they are written, relative to `cwd`; NULL
    const int64_t *dataset_ids;  // linked to the run as inputs
    size_t dataset_count;
    const struct sw_pair *params; // recorded as the run's params
    size_t param_count;
    const struct sw_pair *tags;
    size_t tag_count;
};

#define SW_JOB_MAX_RANKS 64
#define SW_JOB_GRACE_MS  60000 // longer than torchrun's own 30 s

// Checks the spec against the machine (SW_INVALID: more GPUs or CPU slots than it has, no such command or folder),
// captures context (git commit and diff, argv, environment without secrets, host, GPUs) into the run, inserts job and
// run, and starts a supervisor: `program supervise JOB_ID --store DIR`, where `program` NULL means /proc/self/exe. Returns
// once that supervisor has taken the job over. When it cannot be started the job ends as failed and so does the call.
enum sw_code sw_job_submit(struct sw_store *s, const struct sw_job_spec *spec, const char *program, int64_t *job_id,
                           struct sw_err *err);

// The hidden verb `supervise JOB_ID`. Call it from a single-threaded process without an open store. Forks: the caller's
// process returns SW_OK as soon as the detached child has taken the job over (or the child's error), and should exit;
// in the child, which has its own session and whose stdio is supervisor.log, it returns when the job has ended, and
// the process should exit then, too. SW_BUSY: the job has a supervisor. SW_NOT_FOUND: no such job.
enum sw_code sw_job_supervise(const char *store_dir, int64_t job_id, struct sw_err *err);

// Asks a job to end: queued ones end at once, running ones get SIGTERM, and SIGKILL after the grace time. Does not
// wait. SW_CONFLICT when it has already ended, SW_NOT_FOUND.
enum sw_code sw_job_stop(struct sw_store *s, int64_t job_id, struct sw_err *err);
// Queues an ended job again: same id, run and work folder, next attempt, retries counted afresh. SW_CONFLICT while
// it is live, SW_INVALID when it is done.
enum sw_code sw_job_retry(struct sw_store *s, int64_t job_id, const char *program, struct sw_err *err);

struct sw_job_reap_report {
    int lost;      // running jobs whose supervisor was gone: marked lost, processes ended
    int finished;  // the same, but their result had been written down: given that result
    int restarted; // queued jobs that got a new supervisor
};
// To be called by every reader before it lists jobs; costs two system calls a live job when all is well. Ends every process
// of a job whose supervisor vanished, also those that left its session. `report` may be NULL. A read-only store is left alone.
enum sw_code sw_job_reap(struct sw_store *s, const char *program, struct sw_job_reap_report *report,
                         struct sw_err *err);

// Slots of this machine: SLIPWAY_CPU_SLOTS when set (>= 1), else its usable CPUs.
int sw_job_cpu_slots(void);

// --- logs ---

#define SW_JOB_LOG_ALL (-1) // all ranks merged, each line led by "[rN] "

// A position in a log that grows and may rotate. Zero-initialise for the beginning.
struct sw_job_log_cursor {
    uint64_t inode;
    int64_t born_us; // inode numbers are used again; 0 where the file system keeps no time of birth
    int64_t offset;
};

// Appends the last `lines` lines (0 = all that is kept, the rotated part included) to `out` and sets `cursor` (may be
// NULL) to the end, for following. SW_NOT_FOUND when the job has no such log (yet). `out` full: the oldest lines are left out.
enum sw_code sw_job_log_tail(struct sw_store *s, int64_t job_id, int rank, int lines, struct sw_buf *out,
                             struct sw_job_log_cursor *cursor, struct sw_err *err);
// Appends whole lines written since `cursor`, as far as `out` has room, and moves the cursor. Nothing new: SW_OK and an
// unchanged buffer. What rotation took away unread is skipped, with a line that says so.
enum sw_code sw_job_log_follow(struct sw_store *s, int64_t job_id, int rank, struct sw_job_log_cursor *cursor,
                               struct sw_buf *out, struct sw_err *err);
// Folder of the job; `out` has SW_PATH_MAX bytes.
enum sw_code sw_job_dir(struct sw_store *s, int64_t job_id, char *out, struct sw_err *err);

#endif
