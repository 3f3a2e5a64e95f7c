// SPDX-License-Identifier: Apache-2.0
// One attempt from the first rank's start to the last process's end. The loop reads, hands metrics on, and watches for a
// cause to end: all ranks done, one failed, a stop request, a signal, the time limit. Ending is one path for all causes:
// SIGTERM to the ranks, SIGTERM to what they leave behind, SIGKILL to everything after the grace time, until waitpid()
// says that no child is left. As a subreaper the supervisor is parent of every orphan, so that this is the whole truth;
// but supervisors of jobs that this one queued come to it, too, and are nobody's to end but their own.
#include "core/job/attempt_private.h"

#include "core/base/clock.h"
#include "core/base/jobenv.h"
#include "core/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IDLE_MS = 1000, BUSY_MS = 20, TELL_MS = 5000, LOOK_MS = 100, EMPTY_LOOKS = 2 };

// --- what ended, and how to say it ---

static const struct {
    int code;
    const char *meaning;
} exit_meanings[] = {
    {126, " (the command cannot be run)"},      {127, " (command not found)"}, {134, " (SIGABRT)"},
    {137, " (SIGKILL, perhaps out of memory)"}, {139, " (SIGSEGV)"},           {143, " (SIGTERM)"},
};

static void describe_status(char *out, size_t size, int rank, int status)
{
    if (WIFSIGNALED(status)) {
        int signo = WTERMSIG(status);
        const char *name = sigabbrev_np(signo);
        snprintf(out, size, "rank %d was killed by SIG%s%s", rank, name ? name : "?",
                 signo == SIGKILL ? " (perhaps out of memory)" : "");
        return;
    }
    const char *meaning = "";
    for (size_t i = 0; i < sizeof(exit_meanings) / sizeof(exit_meanings[0]); i++)
        if (exit_meanings[i].code == WEXITSTATUS(status))
            meaning = exit_meanings[i].meaning;
    snprintf(out, size, "rank %d exited with %d%s", rank, WEXITSTATUS(status), meaning);
}

// What a rank said last; stderr is asked first, since a traceback goes there.
static const char *last_words(const struct rank *r)
{
    const char *words = r->streams[STREAM_ERR].last_line;
    return *words ? words : r->streams[STREAM_OUT].last_line;
}

static void describe_limit(char *out, size_t size, int64_t ms)
{
    if (ms % 3600000 == 0)
        snprintf(out, size, "time limit of %" PRId64 " h reached", ms / 3600000);
    else if (ms % 60000 == 0)
        snprintf(out, size, "time limit of %" PRId64 " m reached", ms / 60000);
    else if (ms % 1000 == 0)
        snprintf(out, size, "time limit of %" PRId64 " s reached", ms / 1000);
    else
        snprintf(out, size, "time limit of %" PRId64 " ms reached", ms);
}

static bool has_exited_with(const struct attempt *at, int code)
{
    for (int i = 0; i < at->rank_count; i++)
        if (at->ranks[i].proc.pid && WIFEXITED(at->ranks[i].wait_status) &&
            WEXITSTATUS(at->ranks[i].wait_status) == code)
            return true;
    return false;
}

static void set_exit(struct sw_job_end *end, int status)
{
    end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    end->signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void judge_failed_rank(struct attempt *at, struct sw_job_outcome *out)
{
    const struct rank *r = &at->ranks[at->failed_rank];
    char how[128];
    const char *words = last_words(r);
    bool has_diverged = WIFEXITED(r->wait_status) && WEXITSTATUS(r->wait_status) == SW_EXIT_DIVERGED;
    out->requeue = WIFEXITED(r->wait_status) && WEXITSTATUS(r->wait_status) == SW_EXIT_REQUEUE;
    out->end.state = has_diverged ? SW_JOB_DIVERGED : SW_JOB_FAILED;
    out->end.failed_rank = at->failed_rank;
    set_exit(&out->end, r->wait_status);
    if (has_diverged)
        snprintf(how, sizeof(how), "training diverged (rank %d)", at->failed_rank);
    else
        describe_status(how, sizeof(how), at->failed_rank, r->wait_status);
    snprintf(out->reason, sizeof(out->reason), *words ? "%s: \"%.300s\"" : "%s", how, words);
}

static void judge(struct attempt *at, struct sw_job_outcome *out)
{
    out->end = (struct sw_job_end){.state = SW_JOB_STOPPED, .failed_rank = -1};
    if (at->ranks[0].proc.pid)
        set_exit(&out->end, at->ranks[0].wait_status);
    switch (at->cause) {
    case CAUSE_NONE:
    case CAUSE_FINISHED:
        out->end.state = SW_JOB_DONE;
        if (at->intake.rejected > 0)
            snprintf(out->reason, sizeof(out->reason), "%" PRId64 " metrics were not understood, the first: %s",
                     at->intake.rejected, at->intake.first_rejected);
        break;
    case CAUSE_RANK:
        judge_failed_rank(at, out);
        break;
    case CAUSE_USER:
        snprintf(out->reason, sizeof(out->reason), "stopped on request");
        break;
    case CAUSE_SIGNAL: // a machine that shuts down: a job that could save its state goes on after the next start
        out->told_to_end = true;
        out->requeue = has_exited_with(at, SW_EXIT_REQUEUE);
        snprintf(out->reason, sizeof(out->reason), "its supervisor was told to end (SIGTERM)");
        break;
    case CAUSE_TIME_LIMIT:
        describe_limit(out->reason, sizeof(out->reason), at->job->time_limit_ms);
        break;
    case CAUSE_NOT_STARTED:
        out->end.state = SW_JOB_FAILED;
        out->end.exit_code = 127;
        out->end.signo = 0;
        out->never_started = true;
        snprintf(out->reason, sizeof(out->reason), "%s", at->start_error);
        break;
    }
    out->end.run_status = sw_job_run_status(out->end.state);
    char safe[sizeof(out->reason)]; // what was cut may end within a character
    snprintf(out->reason, sizeof(out->reason), "%s",
             sw_text_safe_copy(safe, sizeof(safe), out->reason, SW_TEXT_ONE_LINE));
}

// --- ending ---

static void begin_end(struct attempt *at, enum cause cause, int64_t grace_ms)
{
    struct sw_err err = {0};
    if (at->cause != CAUSE_NONE)
        return;
    at->cause = cause;
    at->kill_ms = sw_clock_mono_ms() + grace_ms;
    for (int i = 0; i < at->rank_count; i++) // one that is gone already needs no signal
        if (at->ranks[i].is_running)
            (void)sw_proc_signal(at->ranks[i].proc.pid, at->ranks[i].proc.start_ticks, SIGTERM, &err);
}

static void tell_who_is_left(struct attempt *at, const struct sw_job_tree *tree, int64_t now)
{
    char text[160];
    if (now - at->told_ms < TELL_MS)
        return;
    at->told_ms = now;
    snprintf(text, sizeof(text), "waits for the end of %s%s", tree->name,
             tree->refused ? ", which belongs to another user" : "");
    sw_job_writer_reason(at->writer, text);
    fprintf(stderr, "%s\n", text);
}

// Children are left, but are they only supervisors of other jobs? A process that forks may slip through one look at /proc,
// hence two.
static bool are_others_left_only(struct attempt *at, int64_t now)
{
    if (!at->has_children || now - at->looked_ms < LOOK_MS)
        return false;
    at->looked_ms = now;
    struct sw_job_tree tree = sw_job_tree_signal(0);
    at->empty_looks = tree.alive == 0 && tree.others > 0 ? at->empty_looks + 1 : 0;
    return at->empty_looks >= EMPTY_LOOKS;
}

// One step of the ending, called until no child is left.
static void go_on_ending(struct attempt *at)
{
    int64_t now = sw_clock_mono_ms();
    if (at->running == 0 && !at->are_leftovers_told) {
        at->are_leftovers_told = true;
        if (at->cause == CAUSE_FINISHED)
            at->kill_ms = now + SW_JOB_LEFTOVER_MS;
        sw_job_tree_signal(SIGTERM);
    }
    if (at->running == 0 && are_others_left_only(at, now))
        at->has_children = false;
    if (now < at->kill_ms)
        return;
    struct sw_job_tree tree = sw_job_tree_signal(SIGKILL);
    if (!at->killing_since_ms)
        at->killing_since_ms = at->told_ms = now;
    if (tree.alive == 0)
        return;
    tell_who_is_left(at, &tree, now);
    if (tree.refused == tree.alive && now - at->killing_since_ms > SW_JOB_REFUSED_MS)
        at->has_children = false; // another user's: neither signals nor waiting ends them
}

static void reap_children(struct attempt *at)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) {
            at->has_children = pid == 0;
            return;
        }
        for (int i = 0; i < at->rank_count; i++) {
            struct rank *r = &at->ranks[i];
            if (r->proc.pid != pid || !r->is_running)
                continue;
            r->is_running = false;
            r->wait_status = status;
            at->running--;
            if (at->cause == CAUSE_NONE && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
                at->failed_rank = i;
                begin_end(at, CAUSE_RANK, at->job->grace_ms);
            }
        }
        if (at->running == 0)
            begin_end(at, CAUSE_FINISHED, SW_JOB_LEFTOVER_MS);
    }
}

static void on_signal(void *ctx, int signo)
{
    struct attempt *at = ctx;
    if (signo != SIGCHLD) // children are looked after at every turn
        begin_end(at, CAUSE_SIGNAL, at->job->grace_ms);
}

// --- the loop ---

static void hand_on_progress(struct attempt *at)
{
    if (!at->intake.has_progress)
        return;
    at->intake.has_progress = false;
    sw_job_writer_progress(at->writer, at->intake.progress, at->intake.progress_text);
}

static void hand_on(struct attempt *at)
{
    int64_t now = sw_clock_mono_ms();
    struct sw_job_batch *b = &at->intake.batch;
    bool is_due = b->point_count >= SW_JOB_BATCH_POINTS || now - at->batch_ms >= SW_JOB_BATCH_MS;
    if (is_due && b->point_count + b->pair_count > 0 && sw_job_writer_offer(at->writer, b))
        at->batch_ms = now;
    hand_on_progress(at);
    sw_job_ranks_pause(at, sw_job_intake_is_full(&at->intake));
}

static void look_for_cause(struct attempt *at)
{
    if (at->cause != CAUSE_NONE)
        return;
    if (sw_job_writer_stop_requested(at->writer))
        begin_end(at, CAUSE_USER, at->job->grace_ms);
    else if (at->job->time_limit_ms > 0 && sw_clock_mono_ms() - at->began_ms >= at->job->time_limit_ms)
        begin_end(at, CAUSE_TIME_LIMIT, at->job->grace_ms);
}

static int64_t time_to_wait(const struct attempt *at)
{
    int64_t now = sw_clock_mono_ms(), wait = IDLE_MS;
    if (at->cause != CAUSE_NONE)
        return BUSY_MS;
    if (at->intake.batch.point_count + at->intake.batch.pair_count > 0)
        wait = SW_JOB_BATCH_MS;
    if (at->job->time_limit_ms > 0 && at->began_ms + at->job->time_limit_ms - now < wait)
        wait = at->began_ms + at->job->time_limit_ms - now;
    return wait > 0 ? wait : 0;
}

static enum sw_code run_loop(struct attempt *at, struct sw_err *err)
{
    for (;;) {
        reap_children(at);
        look_for_cause(at);
        if (at->cause != CAUSE_NONE)
            go_on_ending(at);
        hand_on(at);
        if (!at->has_children && at->cause != CAUSE_NONE)
            return SW_OK;
        enum sw_code code = sw_loop_step(at->loop, time_to_wait(at), err);
        if (code)
            return code;
    }
}

// --- setting up and down ---

static enum sw_code load_options(struct attempt *at, struct sw_err *err)
{
    const char *text = at->job->options_json && *at->job->options_json ? at->job->options_json : "{}";
    enum sw_code code = sw_json_parse(text, strlen(text), "options", &sw_tree_limits_default, &at->options, err);
    if (code)
        return code;
    const json_t *list = json_object_get(at->options, "patterns");
    at->takes_records = sw_tree_bool(at->options, "metrics_from_stdout", false);
    size_t count = json_array_size(list);
    const char **patterns = calloc(count + 1, sizeof(*patterns));
    if (!patterns)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for patterns");
    for (size_t i = 0; i < count && !code; i++)
        patterns[i] = json_is_string(json_array_get(list, i)) ? json_string_value(json_array_get(list, i)) : "";
    if (!code && (at->takes_records || count > 0))
        code = sw_job_patterns_new(at->takes_records, patterns, count, &at->patterns, err);
    free(patterns);
    return code;
}

static enum sw_code start_writer(struct attempt *at, struct sw_err *err)
{
    char work[SW_PATH_MAX];
    const struct sw_job *job = at->job;
    enum sw_code code = sw_job_path(at->spec->store_dir, job->job_id, "work", work, err);
    if (code)
        return code;
    const struct sw_job_harvest_spec spec = {
        .job_id = job->job_id,
        .work_dir = work,
        .artifact_dir = at->spec->artifact_dir,
        .cwd = job->cwd,
        .tensorboard_dir = sw_tree_text(at->options, "tensorboard"),
        .metrics_file = sw_tree_text(at->options, "metrics_file"),
        .sources = at->sources,
    };
    code = sw_job_harvest_new(&spec, &at->harvest, err);
    if (!code)
        code =
            sw_job_writer_start(at->spec->store_dir, job->job_id, job->run_id, at->loop, at->harvest, &at->writer, err);
    return code;
}

// A job runs without it rather than not at all, but says so: most commands report nothing to MLflow.
static void start_tracking(struct attempt *at)
{
    struct sw_err err = {0};
    char text[400];
    at->tracking = (struct sw_job_tracking){.experiment_id = at->spec->experiment_id, .sources = at->sources};
    snprintf(at->tracking.run_id, sizeof(at->tracking.run_id), "%s", at->job->run_id);
    if (sw_job_tracking_start(&at->tracking, at->spec->store_dir, &err) == SW_OK)
        return;
    snprintf(text, sizeof(text), "MLflow's API is not offered to this attempt: %s", err.message);
    sw_job_ranks_note(at, text);
    fprintf(stderr, "%s\n", text);
}

static enum sw_code make_ranks(struct attempt *at, struct sw_err *err)
{
    at->ranks = calloc((size_t)at->job->ranks, sizeof(*at->ranks));
    if (!at->ranks)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for %d ranks", at->job->ranks);
    at->rank_count = at->job->ranks;
    for (int i = 0; i < at->rank_count; i++) {
        at->ranks[i] = (struct rank){.attempt = at, .index = i, .proc.pidfd = -1, .log.fd = -1};
        for (int s = 0; s < STREAM_COUNT; s++) {
            at->ranks[i].streams[s].rank = &at->ranks[i];
            at->ranks[i].streams[s].fd = -1;
        }
    }
    return SW_OK;
}

static enum sw_code set_up(struct attempt *at, struct sw_err *err)
{
    static const int signals[] = {SIGCHLD, SIGTERM, SIGINT};
    char path[SW_PATH_MAX];
    struct sw_loop_source *source; // lives with the loop
    enum sw_code code = make_ranks(at, err);
    if (!code)
        code = sw_job_sources_new(&at->sources, err);
    at->intake.sources = at->sources;
    if (!code)
        code = sw_loop_new(&at->loop, err);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]) && !code; i++)
        code = sw_loop_add_signal(at->loop, signals[i], on_signal, at, &source, err);
    if (!code)
        code = load_options(at, err);
    if (!code)
        code = sw_job_path(at->spec->store_dir, at->job->job_id, "all.log", path, err);
    if (!code)
        code = sw_job_log_open(&at->merged, path, SW_JOB_LOG_BYTES, err);
    if (!code)
        code = start_writer(at, err);
    if (!code)
        start_tracking(at);
    return code;
}

// For whoever wonders where points went.
static void tell_passed_over(struct attempt *at)
{
    struct sw_buf text, safe;
    sw_buf_init(&text, 4096);
    sw_buf_init(&safe, 8192);
    if (sw_job_sources_tell(at->sources, &text)) {
        sw_text_safe(&safe, text.data, text.len, SW_TEXT_ONE_LINE);
        fprintf(stderr, "attempt %d: %s\n", at->job->attempt, safe.data);
    }
    sw_buf_free(&text);
    sw_buf_free(&safe);
}

static void tear_down(struct attempt *at)
{
    sw_job_ranks_close(at);
    sw_job_log_close(&at->merged);
    sw_job_patterns_free(at->patterns);
    sw_job_intake_free(&at->intake);
    sw_job_harvest_free(at->harvest);
    sw_job_sources_free(at->sources);
    json_decref(at->options);
    sw_loop_free(at->loop);
    free(at->ranks);
}

enum sw_code sw_job_attempt_run(const struct sw_job_attempt_spec *spec, struct sw_job_outcome *out, struct sw_err *err)
{
    struct attempt at = {.spec = spec, .job = spec->job, .failed_rank = -1, .merged.fd = -1};
    struct sw_err start_error = {0};
    sw_job_intake_init(&at.intake);
    *out = (struct sw_job_outcome){0};
    enum sw_code code = set_up(&at, err);
    if (code) {
        if (at.writer)
            sw_job_writer_end(at.writer, &at.intake.batch, &(int64_t){0});
        tear_down(&at);
        return code;
    }
    at.began_ms = sw_clock_mono_ms();
    if (sw_job_ranks_start(&at, &start_error) != SW_OK) {
        snprintf(at.start_error, sizeof(at.start_error), "%s", start_error.message);
        begin_end(&at, CAUSE_NOT_STARTED, at.job->grace_ms);
    }
    code = run_loop(&at, err);
    sw_job_ranks_drain(&at);
    sw_job_tracking_stop(&at.tracking);
    hand_on_progress(&at);
    int64_t refused = 0;
    sw_job_writer_end(at.writer, &at.intake.batch, &refused);
    at.intake.rejected += refused;
    tell_passed_over(&at);
    if (refused && !at.intake.first_rejected[0])
        snprintf(at.intake.first_rejected, sizeof(at.intake.first_rejected),
                 "the store refused it; supervisor.log says why");
    if (!code) {
        char note[600];
        judge(&at, out);
        out->end.reason = out->reason;
        snprintf(note, sizeof(note), "attempt %d ended: %s%s%s", at.job->attempt,
                 out->requeue ? "to be started again" : sw_job_state_word(out->end.state), *out->reason ? ", " : "",
                 out->reason);
        sw_job_ranks_note(&at, note);
    }
    tear_down(&at);
    return code;
}
