// SPDX-License-Identifier: Apache-2.0
// One attempt at a job: its ranks, their streams, and the state of its ending. rank.c starts ranks and reads what they say;
// attempt.c runs the loop and decides how it ends.
#ifndef SW_JOB_ATTEMPT_PRIVATE_H
#define SW_JOB_ATTEMPT_PRIVATE_H

#include "core/job/harvest_private.h"
#include "core/job/job_private.h"
#include "core/job/tracking_private.h"

struct rank;

struct stream {
    struct rank *rank;
    int fd;                        // our end, non-blocking; -1 once it ended
    struct sw_loop_source *source; // NULL while reading is paused
    struct sw_job_lines lines;
    char last_line[256]; // last one that was not blank
};

enum { STREAM_OUT, STREAM_ERR, STREAM_METRICS, STREAM_COUNT };

struct rank {
    struct attempt *attempt;
    int index;
    struct sw_proc proc; // pid 0 = not started
    bool is_running;
    int wait_status; // once it has ended
    struct stream streams[STREAM_COUNT];
    struct sw_job_log log;
};

// Why the attempt comes to its end; the first cause stands.
enum cause {
    CAUSE_NONE,
    CAUSE_FINISHED, // all ranks ended well
    CAUSE_RANK,     // `failed_rank` ended otherwise
    CAUSE_USER,
    CAUSE_SIGNAL, // SIGTERM or SIGINT to the supervisor
    CAUSE_TIME_LIMIT,
    CAUSE_NOT_STARTED // `start_error` says why
};

struct attempt {
    const struct sw_job_attempt_spec *spec;
    const struct sw_job *job;
    struct sw_loop *loop;
    struct sw_job_writer *writer;
    struct sw_job_harvest *harvest;
    json_t *options; // the job's
    struct sw_job_intake intake;
    struct sw_job_sources *sources;
    struct sw_job_tracking tracking;
    struct sw_job_patterns *patterns; // NULL = none asked for
    bool takes_records;               // JSON Lines of stdout, too
    struct sw_job_log merged;
    struct rank *ranks;
    int rank_count, running;
    bool is_paused;    // the backlog is full: nothing is read
    bool has_children; // of any kind: the truth about "is anything left"
    enum cause cause;
    int failed_rank; // -1 = none
    char start_error[512];
    int64_t began_ms, batch_ms, kill_ms, killing_since_ms, told_ms; // monotonic; 0 = not yet
    int64_t looked_ms; // ... at whether all that is left belongs to other jobs
    int empty_looks;   // so many times in a row
    bool are_leftovers_told;
};

// Opens logs and pipes, reserves the rendezvous port, starts every rank. On failure some may run; the attempt ends them.
enum sw_code sw_job_ranks_start(struct attempt *at, struct sw_err *err);
void sw_job_ranks_pause(struct attempt *at, bool pause);
void sw_job_ranks_drain(struct attempt *at); // reads what is left in the pipes
void sw_job_ranks_close(struct attempt *at);
// A line of the supervisor's own in every log.
void sw_job_ranks_note(struct attempt *at, const char *text);

#endif
