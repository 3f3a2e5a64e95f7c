// SPDX-License-Identifier: Apache-2.0
// What the files of core/job share: limits, the job's folder, captured environments, and the pieces that the supervisor is
// made of. Read top to bottom it follows a job: submit, wait, run, record, end, clean up.
#ifndef SW_JOB_PRIVATE_H
#define SW_JOB_PRIVATE_H

#include <pthread.h>
#include <stdio.h>

#include "core/base/loop.h"
#include "core/base/path.h"
#include "core/base/proc.h"
#include "core/base/tree.h"
#include "core/job/job.h"
#include "core/job/source_private.h"
#include "core/store/metric.h"

#define SW_JOB_LOG_BYTES      (64 << 20) // a log file before it is rotated
#define SW_JOB_LINE_BYTES     (16 << 10) // a line kept in a log; the rest is cut
#define SW_JOB_METRIC_LINE    (64 << 10) // a line on the metrics pipe; longer ones are refused
#define SW_JOB_BATCH_POINTS   1000       // points handed to the writer at once when there are that many
#define SW_JOB_BATCH_MS       250        // ... and how long fewer points wait
#define SW_JOB_BACKLOG_POINTS 200000     // points kept while the store cannot be written; then pipes block
#define SW_JOB_BACKLOG_PAIRS  4096       // params and tags, likewise
#define SW_JOB_METRIC_KEYS    10000      // distinct metric names of one attempt
#define SW_JOB_DIFF_BYTES     (4 << 20)  // git.diff is cut there
#define SW_JOB_LEFTOVER_MS    3000       // SIGTERM to SIGKILL for processes that outlive the ranks
#define SW_JOB_REFUSED_MS     30000      // given up on processes that this user may not signal
#define SW_JOB_REAP_MS        5000       // how often a waiting supervisor looks after the others
#define SW_JOB_START_MS       30000      // deadline for a supervisor to take its job over

#define SW_JOB_NOTE_PREFIX "--- slipway: " // begins the supervisor's own lines in a log

// --- the folder (folder.c) ---

// "<store>/jobs/<id>" or a file in it; `name` may be NULL.
enum sw_code sw_job_path(const char *store_dir, int64_t job_id, const char *name, char out[static SW_PATH_MAX],
                         struct sw_err *err);
// Opens and locks "lock". SW_BUSY when another process holds it. *fd is taken; closing it unlocks.
enum sw_code sw_job_lock(const char *store_dir, int64_t job_id, int *fd, struct sw_err *err);
// A small JSON file of the folder; SW_NOT_FOUND when there is none.
enum sw_code sw_job_read_json(const char *store_dir, int64_t job_id, const char *name, json_t **out,
                              struct sw_err *err);
enum sw_code sw_job_write_json(const char *store_dir, int64_t job_id, const char *name, const json_t *tree,
                               struct sw_err *err);
// A result written down before the store learns of it, so that a crash between the two loses nothing.
enum sw_code sw_job_save_result(const char *store_dir, int64_t job_id, int attempt, const struct sw_job_end *end,
                                struct sw_err *err);
// *found is false when there is none for that attempt. end->reason lives in `a`.
enum sw_code sw_job_load_result(const char *store_dir, int64_t job_id, int attempt, struct sw_arena *a, bool *found,
                                struct sw_job_end *end, struct sw_err *err);
// Ends job and run, waiting as long as the store is locked or the disk full. A job already ended is SW_OK.
enum sw_code sw_job_finish_surely(struct sw_store *s, int64_t job_id, const struct sw_job_end *end, struct sw_err *err);
enum sw_run_status sw_job_run_status(enum sw_job_state state);
// Attempts that do not count as retries (supervise.c).
enum sw_code sw_job_set_free_attempts(const char *store_dir, int64_t job_id, int count, struct sw_err *err);

// --- environments (environment.c) ---

// A list of "NAME=value" in an arena; NULL-terminated. Zero but for `arena` is an empty one.
struct sw_job_env {
    struct sw_arena *arena;
    const char **items;
    size_t count, cap;
    bool failed; // out of memory; checked once at the end
};
void sw_job_env_add_all(struct sw_job_env *e, const char *const *list); // "NAME=value" each; a later one wins
void sw_job_env_put(struct sw_job_env *e, const char *name, const char *value);
void sw_job_env_drop(struct sw_job_env *e, const char *name);
const char *sw_job_env_get(const struct sw_job_env *e, const char *name); // NULL when absent
// {"NAME": "value"}; secrets are left out, and values that carry a password in a URL.
enum sw_code sw_job_env_capture(const char *const *list, json_t **out, struct sw_err *err);
#define SW_JOB_REDACTED "[secret]"
// The same for what is shown, with SW_JOB_REDACTED in place of a secret.
enum sw_code sw_job_env_show(const char *const *list, json_t **out, struct sw_err *err);
// Environment for a supervisor: what the submitter had (environment.json), with this process's secrets and `extra`.
enum sw_code sw_job_env_for_supervisor(const char *store_dir, int64_t job_id, const char *const *extra,
                                       struct sw_job_env *e, struct sw_err *err);

struct sw_job_tracking; // tracking_private.h
struct sw_job_rank_context {
    const struct sw_job *job;
    const char *dir; // work folder
    const char *artifact_dir;
    int rank;
    int port;                               // reserved for the rendezvous
    int metrics_fd;                         // in the child
    int comm_fd;                            // in the child; -1 = none
    bool has_gpus;                          // this machine has any
    const char *gpu_indices;                // of the leased ones, for launchers that take no UUIDs; NULL = unknown
    const struct sw_job_tracking *tracking; // of the job's own server; NULL = none
};
// Adds what a rank finds in its environment (core/base/jobenv.h, torchrun's names) to `e`.
void sw_job_env_add_rank(struct sw_job_env *e, const struct sw_job_rank_context *c);

// --- capture (capture.c) ---

struct sw_job_capture {
    json_t *context; // the document kept as artifact context.json
    struct sw_buf diff;
    char commit[65], branch[256];
    bool is_dirty;
};
// What can be seen at submit. Nothing in it is essential: what cannot be found out is left out.
enum sw_code sw_job_capture(const struct sw_job_spec *spec, const char *cwd, const json_t *gpus,
                            struct sw_job_capture *out, struct sw_err *err);
void sw_job_capture_free(struct sw_job_capture *c);
// "name==version" lines of the Python that argv[0] runs; empty when it is no Python. Takes up to some seconds.
void sw_job_capture_packages(const char *const *argv, const char *cwd, struct sw_buf *out);

// --- logs (log.c) ---

// One log file: lines are collected, written in one call, and rotated once to "PATH.1".
struct sw_job_log {
    char path[SW_PATH_MAX];
    int fd;
    int64_t size_bytes, max_bytes;
    struct sw_buf pending;
    int64_t lost_lines; // could not be written (disk full); told when writing works again
};
enum sw_code sw_job_log_open(struct sw_job_log *log, const char *path, int64_t max_bytes, struct sw_err *err);
void sw_job_log_line(struct sw_job_log *log, const char *prefix, const char *line, size_t len);
void sw_job_log_flush(struct sw_job_log *log);
void sw_job_log_close(struct sw_job_log *log); // accepts a zeroed one

// Cuts a stream into lines. A carriage return starts the line anew: only its last state is a line; the states passed
// over go to `on_state` (may be NULL). A line longer than `max` keeps its beginning.
typedef void (*sw_job_line_fn)(void *ctx, const char *line, size_t len);
struct sw_job_lines {
    struct sw_buf line;
    size_t max;
    int64_t cut_bytes;
    bool has_return;
    sw_job_line_fn on_line, on_state;
    void *ctx;
};
void sw_job_lines_init(struct sw_job_lines *l, size_t max, sw_job_line_fn on_line, sw_job_line_fn on_state, void *ctx);
void sw_job_lines_feed(struct sw_job_lines *l, const char *bytes, size_t len);
void sw_job_lines_end(struct sw_job_lines *l); // the rest without newline is a line
void sw_job_lines_free(struct sw_job_lines *l);

// --- metrics (intake.c, pattern.c, writer.c) ---

struct sw_job_pair {
    bool is_tag;
    bool is_derived;   // gives way to what is there already
    char *key, *value; // one allocation each
};
struct sw_job_batch {
    struct sw_metric_point *points; // keys belong to the intake
    size_t point_count, point_cap;
    struct sw_job_pair *pairs;
    size_t pair_count, pair_cap;
};
void sw_job_batch_clear(struct sw_job_batch *b); // keeps the arrays
void sw_job_batch_free(struct sw_job_batch *b);

struct sw_job_intake {
    struct sw_job_batch batch;
    struct sw_job_keys keys;
    struct sw_job_sources *sources; // NULL = no rule: everything is taken
    enum sw_job_source source;      // of what comes in now
    double progress;                // NaN = unknown
    char progress_text[256];
    bool has_progress; // new since it was last taken
    bool is_explicit;  // the job reports progress itself: bars on stdout are not looked at
    int64_t rejected;  // lines and values that were not understood
    char first_rejected[256];
};
void sw_job_intake_init(struct sw_job_intake *in);
void sw_job_intake_free(struct sw_job_intake *in);
bool sw_job_intake_is_full(const struct sw_job_intake *in); // stop reading until the writer has caught up
void sw_job_intake_line(struct sw_job_intake *in, const char *line, size_t len); // one line of the metrics pipe
// The same for a plain line of metrics (line.c); false and no effect for any other.
bool sw_job_intake_plain_line(struct sw_job_intake *in, const char *line, size_t len);
// One JSON object of a line of text, in the form of the pipe's ("metrics" only) or flat: {"step": 1, "loss": 0.3}, where
// each number is a metric and what counts steps is none. False and no effect for anything else; `needs_step`: also for a
// flat one that counts no steps, as any program may write it.
bool sw_job_intake_record(struct sw_job_intake *in, const char *line, size_t len, bool needs_step);
// Takes a param or tag; texts are copied.
void sw_job_intake_pair(struct sw_job_intake *in, const struct sw_job_pair *pair);
void sw_job_intake_reject(struct sw_job_intake *in, const char *format, ...) __attribute__((format(printf, 2, 3)));
// `step` INT64_MIN = one more than the key's last.
void sw_job_intake_point(struct sw_job_intake *in, const char *key, size_t key_len, double value, int64_t step,
                         int64_t time_ms);
// A state of a progress bar ("12%|##   | 3/25 [00:01<00:10]").
void sw_job_intake_bar(struct sw_job_intake *in, const char *line, size_t len);

// Numbers on lines of text.
extern const char *const sw_job_step_words[]; // that count steps, the finest first; NULL-terminated
bool sw_job_is_step_word(const char *key, size_t len);
struct sw_job_patterns;
enum sw_code sw_job_patterns_new(bool any_pair, const char *const *patterns, size_t count, struct sw_job_patterns **out,
                                 struct sw_err *err);
void sw_job_patterns_free(struct sw_job_patterns *p);
void sw_job_patterns_line(const struct sw_job_patterns *p, struct sw_job_intake *in, const char *line, size_t len);

// The thread that owns the store while a job runs: writes batches, progress and heartbeat, and watches for a stop request.
// While the store is locked or full it waits and tries again; it never gives up on data.
struct sw_job_writer;
struct sw_job_harvest; // harvest_private.h
enum sw_code sw_job_writer_start(const char *store_dir, int64_t job_id, const char *run_id, struct sw_loop *wake,
                                 struct sw_job_harvest *harvest, // borrow: the thread's own until it ended
                                 struct sw_job_writer **out, struct sw_err *err);
// Takes the batch's content when the writer is free: true, and `b` is empty.
bool sw_job_writer_offer(struct sw_job_writer *w, struct sw_job_batch *b);
void sw_job_writer_progress(struct sw_job_writer *w, double fraction, const char *text);
void sw_job_writer_reason(struct sw_job_writer *w, const char *reason);
bool sw_job_writer_stop_requested(struct sw_job_writer *w);
// Writes what is left, waits for it, ends the thread. *refused counts values that the store would not take.
void sw_job_writer_end(struct sw_job_writer *w, struct sw_job_batch *last, int64_t *refused);

// --- processes (tree.c) ---

struct sw_job_tree {
    size_t alive;   // descendants of this process, zombies and other jobs' not counted
    size_t refused; // of these, that this user may not signal
    size_t others;  // supervisors of other jobs among the descendants, with all that is below them: never signalled
    char name[64];  // of one of them: "process 812 (python)"
};
// To every descendant of this process that is not another job's; 0 only looks.
struct sw_job_tree sw_job_tree_signal(int signo);
enum sw_job_kin { SW_JOB_KIN_OWN, SW_JOB_KIN_OTHER, SW_JOB_KIN_GONE };
// Is a process a descendant of this one, of nobody or another job, or not there any more?
enum sw_job_kin sw_job_tree_kin(pid_t pid);
// Ends all processes that carry the job's marker, or whose session began with a recorded rank. Returns how many are left.
size_t sw_job_strays_end(const char *store_dir, int64_t job_id, int64_t timeout_ms);

// --- one attempt (attempt.c, rank.c) ---

struct sw_job_outcome {
    struct sw_job_end end;
    char reason[512];
    bool requeue;       // the job asked to be started again
    bool never_started; // a retry would fail in the same way
    bool told_to_end;   // the supervisor itself: what is queued again waits for the next reader
};
struct sw_job_attempt_spec {
    const char *store_dir;
    const struct sw_job *job; // attempt and GPUs as claimed
    const char *artifact_dir;
    int64_t experiment_id; // of the job's run
    bool has_gpus;
    const char *gpu_indices;
};
// Starts the ranks, records what they say, ends with every process of theirs gone. SW_OK also when the job failed;
// errors are the supervisor's own.
enum sw_code sw_job_attempt_run(const struct sw_job_attempt_spec *spec, struct sw_job_outcome *out, struct sw_err *err);

// --- submit (submit.c) ---

enum sw_code sw_job_start_supervisor(struct sw_store *s, int64_t job_id, const char *program,
                                     const char *const *extra_env, struct sw_err *err);
// argv_json as a NULL-terminated list in the arena.
enum sw_code sw_job_parse_argv(const char *argv_json, struct sw_arena *a, const char *const **out, struct sw_err *err);
// GPUs of this machine.
struct sw_job_gpus {
    const char **uuids;
    size_t count;
    char reason[160]; // why there is none
};
enum sw_code sw_job_find_gpus(struct sw_arena *a, struct sw_job_gpus *out, json_t **describe, struct sw_err *err);

#endif
