// SPDX-License-Identifier: Apache-2.0
// The supervisor: one detached process a job. Takes the job over (lock, pid in the row), waits for its turn, runs attempts,
// and writes the result down. Nothing else owns the job: terminals, screens and submitters come and go.
#include "core/job/job_private.h"

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "gpu/telemetry.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    POLL_MIN_MS = 200,
    POLL_MAX_MS = 1000,
    NEAR = 8,           // so many at the head of the queue ask at every change
    POLL_EACH_MS = 10,  // the others look the less often the further back they are
    ASK_NEAR_MS = 5000, // even if nothing changed in the store: a supervisor may have died
    ASK_FAR_MS = 15000,
    QUICK_MS = 5000, // an attempt that short is followed by a pause that doubles
    PAUSE_MIN_MS = 250,
    PAUSE_MAX_MS = 60000,
    JOB_BYTES = 16 << 20,
};

struct supervisor {
    char store_dir[SW_PATH_MAX];
    int64_t job_id;
    int lock_fd;
    struct sw_store *store;
    struct sw_loop *loop;   // while it waits
    bool is_told_to_end;    // SIGTERM or SIGINT while it waits
    struct sw_arena *arena; // of `job`
    struct sw_job job;
    int quick_ends; // short attempts in a row
};

static enum sw_code load_job(struct supervisor *sv, struct sw_err *err)
{
    struct sw_arena *a = sw_arena_new(JOB_BYTES);
    struct sw_job job;
    enum sw_code code = a ? sw_job_get(sv->store, sv->job_id, a, &job, err)
                          : sw_err_set(err, SW_NO_MEMORY, "no memory for job %" PRId64, sv->job_id);
    if (code) {
        sw_arena_free(a);
        return code;
    }
    sw_arena_free(sv->arena);
    sv->arena = a;
    sv->job = job;
    return SW_OK;
}

// Attempts that used no retry: those that asked to be started again, and all before a user's retry.
static int free_attempts(const struct supervisor *sv)
{
    json_t *tree = NULL;
    struct sw_err err = {0};
    int n = 0;
    if (sw_job_read_json(sv->store_dir, sv->job_id, "attempts.json", &tree, &err) == SW_OK)
        n = (int)sw_tree_int(tree, "free", 0);
    json_decref(tree);
    return n;
}

enum sw_code sw_job_set_free_attempts(const char *store_dir, int64_t job_id, int count, struct sw_err *err)
{
    json_t *tree = json_pack("{s:i}", "free", count);
    enum sw_code code = tree ? sw_job_write_json(store_dir, job_id, "attempts.json", tree, err)
                             : sw_err_set(err, SW_NO_MEMORY, "no memory");
    json_decref(tree);
    return code;
}

// --- becoming a supervisor ---

static enum sw_code redirect_stdio(const char *store_dir, int64_t job_id, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_job_path(store_dir, job_id, "supervisor.log", path, err);
    if (code)
        return code;
    int log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
        code = sw_err_errno(err, errno, "cannot write to %s", path);
    if (log > 2)
        close(log);
    if (null > 2)
        close(null);
    setvbuf(stderr, NULL, _IOLBF, 0);
    return code;
}

static enum sw_code take_over(struct supervisor *sv, struct sw_err *err)
{
    char dir[SW_PATH_MAX];
    int64_t ticks;
    enum sw_code code = sw_job_path(sv->store_dir, sv->job_id, NULL, dir, err);
    if (!code)
        code = sw_store_open(sv->store_dir, SW_STORE_OPEN, &sv->store, err);
    if (!code)
        code = load_job(sv, err); // before the folder is made: there may be no such job
    if (!code)
        code = sw_path_make_dirs(dir, err);
    if (!code)
        code = sw_job_lock(sv->store_dir, sv->job_id, &sv->lock_fd, err);
    if (!code)
        code = load_job(sv, err); // it may have changed hands before we got the lock
    if (!code && sv->job.state != SW_JOB_QUEUED)
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " is not queued but %s", sv->job_id,
                          sw_job_state_word(sv->job.state));
    if (!code)
        code = redirect_stdio(sv->store_dir, sv->job_id, err);
    if (!code)
        code = sw_proc_start_ticks(getpid(), &ticks, err);
    if (!code)
        code = sw_job_set_supervisor(sv->store, sv->job_id, getpid(), ticks, err);
    return code;
}

// --- waiting for the turn ---

static void on_signal(void *ctx, int signo)
{
    struct supervisor *sv = ctx;
    (void)signo;
    sv->is_told_to_end = true;
}

// Waits, and hears SIGTERM meanwhile.
static void wait_ms(struct supervisor *sv, int64_t ms)
{
    struct sw_err err = {0};
    int64_t until = sw_clock_mono_ms() + ms;
    for (int64_t left = ms; left > 0 && !sv->is_told_to_end; left = until - sw_clock_mono_ms())
        if (sw_loop_step(sv->loop, left, &err) != SW_OK) {
            sw_clock_sleep_ms(left);
            break;
        }
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

// Ends a job whose predecessor will never be done. True when it ended.
static bool has_no_future(struct supervisor *sv)
{
    struct sw_err err = {0};
    struct sw_job before;
    struct sw_arena *a = sv->job.after_job_id ? sw_arena_new(JOB_BYTES) : NULL;
    bool is_over = a && sw_job_get(sv->store, sv->job.after_job_id, a, &before, &err) == SW_OK &&
                   sw_job_state_is_final(before.state) && before.state != SW_JOB_DONE;
    if (is_over) {
        char reason[160];
        snprintf(reason, sizeof(reason), "job %" PRId64 ", after which it was to run, ended as %s",
                 sv->job.after_job_id, sw_job_state_word(before.state));
        struct sw_job_end end = {
            .state = SW_JOB_STOPPED, .reason = reason, .failed_rank = -1, .run_status = SW_RUN_KILLED};
        is_over = sw_job_finish_surely(sv->store, sv->job_id, &end, &err) == SW_OK;
    }
    sw_arena_free(a);
    return is_over;
}

static bool try_claim(struct supervisor *sv, const struct sw_job_gpus *gpus, bool *is_ended)
{
    struct sw_err err = {0};
    struct sw_job_claim claim = {
        .cpu_slots_total = sw_job_cpu_slots(), .gpu_uuids = gpus->uuids, .gpu_count = gpus->count};
    bool claimed = false;
    enum sw_code code = sw_job_try_claim(sv->store, sv->job_id, &claim, &claimed, &err);
    if (code == SW_CONFLICT || code == SW_NOT_FOUND)
        *is_ended = true; // stopped, or removed, while it waited
    else if (code)
        fprintf(stderr, "cannot ask for slots: %s\n", err.message);
    return !code && claimed;
}

// What a waiting supervisor remembers from one look at the queue to the next.
struct watch {
    int64_t ahead;   // queued jobs that are older, at the last look
    int64_t poll_ms; // until the next look; short after the queue moved
    int64_t asked_ms, reaped_ms;
    uint64_t changes; // of the store, when slots were last asked for
};

static void look_after_others(struct supervisor *sv, struct watch *w)
{
    struct sw_err err = {0};
    int64_t now = sw_clock_mono_ms();
    if (now - w->reaped_ms < SW_JOB_REAP_MS)
        return;
    w->reaped_ms = now;
    if (sw_job_reap(sv->store, NULL, NULL, &err) != SW_OK)
        fprintf(stderr, "cannot look after other jobs: %s\n", err.message);
}

// Is it worth asking for slots now? Asking is a write transaction that looks at every older job, so only the first few of
// the queue do it at every change; the others now and then, for they may pass jobs that wait for GPUs.
static bool should_ask(struct supervisor *sv, struct watch *w)
{
    int64_t now = sw_clock_mono_ms();
    uint64_t changes = sw_store_change_count(sv->store);
    bool is_near = w->ahead < NEAR;
    if (w->asked_ms && (!is_near || changes == w->changes) && now - w->asked_ms < (is_near ? ASK_NEAR_MS : ASK_FAR_MS))
        return false;
    w->changes = changes;
    w->asked_ms = now;
    return true;
}

// True when the job holds its slots, false when it is over or the supervisor was told to end.
static bool wait_for_turn(struct supervisor *sv, const struct sw_job_gpus *gpus)
{
    struct watch w = {.ahead = -1, .poll_ms = POLL_MIN_MS, .reaped_ms = sw_clock_mono_ms()};
    while (!sv->is_told_to_end) {
        struct sw_err err = {0};
        int64_t ahead = w.ahead;
        bool is_ended = false;
        enum sw_code code = sw_job_count_ahead(sv->store, sv->job_id, &ahead, &err);
        if (code == SW_CONFLICT || code == SW_NOT_FOUND)
            return false; // stopped, or removed, while it waited
        w.poll_ms = ahead != w.ahead ? POLL_MIN_MS : w.poll_ms * 3 / 2;
        w.ahead = ahead;
        if (should_ask(sv, &w)) {
            if (has_no_future(sv))
                return false;
            if (try_claim(sv, gpus, &is_ended))
                return true;
            if (is_ended)
                return false;
        }
        int64_t longest = POLL_MAX_MS + (ahead > NEAR ? ahead * POLL_EACH_MS : 0);
        if (w.poll_ms > longest)
            w.poll_ms = longest;
        if (ahead < NEAR)
            look_after_others(sv, &w);
        wait_ms(sv, w.poll_ms);
    }
    return false;
}

// --- attempts ---

// Is the UUID one of a comma list?
static bool is_listed(const char *list, const char *uuid)
{
    size_t len = strlen(uuid);
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == len && memcmp(list, uuid, len) == 0)
            return true;
    return false;
}

// Indices of the leased GPUs, for launchers that know no UUIDs.
static const char *indices_of(const char *leased, const struct sw_job_gpus *gpus, struct sw_arena *a)
{
    char *list = NULL;
    for (size_t i = 0; i < gpus->count; i++)
        if (leased && is_listed(leased, gpus->uuids[i]))
            list = list ? sw_arena_printf(a, "%s,%zu", list, i) : sw_arena_printf(a, "%zu", i);
    return list;
}

static enum sw_code run_attempt(struct supervisor *sv, const struct sw_job_gpus *gpus, struct sw_job_outcome *out,
                                struct sw_err *err)
{
    char artifacts[SW_PATH_MAX];
    struct sw_run_peek run = {0};
    enum sw_code code = load_job(sv, err);
    if (!code)
        code = sw_run_peek(sv->store, sv->job.run_id, &run, err);
    if (!code)
        code = sw_run_artifact_dir(sv->store, sv->job.run_id, artifacts, err);
    if (!code) {
        int failure = sw_failpoint("job.start");
        if (failure)
            code = sw_err_errno(err, failure, "cannot start job %" PRId64, sv->job_id);
    }
    if (code)
        return code;
    struct sw_job_attempt_spec spec = {.store_dir = sv->store_dir,
                                       .job = &sv->job,
                                       .artifact_dir = artifacts,
                                       .experiment_id = run.experiment_id,
                                       .has_gpus = gpus->count > 0,
                                       .gpu_indices = indices_of(sv->job.gpu_uuids, gpus, sv->arena)};
    // From here on every orphan of the job comes back to us; but not the supervisors that we start while waiting.
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    code = sw_job_attempt_run(&spec, out, err);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    return code;
}

// Back into the queue, waiting as long as the store is locked or the disk full: given up, the job would pass for running
// until somebody noticed that its supervisor is gone.
static enum sw_code requeue_surely(struct supervisor *sv, const char *reason, bool is_free, struct sw_err *err)
{
    bool is_counted = !is_free;
    for (;;) {
        struct sw_err e = {0};
        enum sw_code code =
            is_counted ? SW_OK : sw_job_set_free_attempts(sv->store_dir, sv->job_id, free_attempts(sv) + 1, &e);
        is_counted |= code == SW_OK;
        if (!code)
            code = sw_job_requeue(sv->store, sv->job_id, reason, &e);
        if (code != SW_LOCKED && code != SW_NO_SPACE) {
            if (code && err)
                *err = e;
            return code;
        }
        fprintf(stderr, "the next attempt waits: %s\n", e.message);
        sw_clock_sleep_ms(POLL_MAX_MS);
    }
}

// Another attempt is due: back into the queue, after a pause when attempts end at once.
static enum sw_code start_again(struct supervisor *sv, const struct sw_job_outcome *out, int64_t ran_ms,
                                int retries_left, struct sw_err *err)
{
    char reason[600];
    if (out->requeue) {
        snprintf(reason, sizeof(reason), "asked to be started again");
    } else {
        snprintf(reason, sizeof(reason), "attempt %d failed, %d %s left: %.400s", sv->job.attempt, retries_left,
                 retries_left == 1 ? "retry" : "retries", out->reason);
    }
    enum sw_code code = requeue_surely(sv, reason, out->requeue, err);
    sv->quick_ends = ran_ms < QUICK_MS ? sv->quick_ends + 1 : 0;
    int64_t pause = sv->quick_ends ? PAUSE_MIN_MS << (sv->quick_ends < 8 ? sv->quick_ends - 1 : 8) : 0;
    if (!code)
        wait_ms(sv, pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
    return code;
}

static enum sw_code finish(struct supervisor *sv, struct sw_job_end *end, struct sw_err *err)
{
    struct sw_err save = {0};
    if (sw_job_save_result(sv->store_dir, sv->job_id, sv->job.attempt, end, &save) != SW_OK)
        fprintf(stderr, "the result is not in the folder: %s\n", save.message);
    if (sw_failpoint("job.finish"))
        fprintf(stderr, "finishing was made to fail\n");
    return sw_job_finish_surely(sv->store, sv->job_id, end, err);
}

// One attempt after its turn came. *again says that the job is queued once more.
static enum sw_code attempt(struct supervisor *sv, const struct sw_job_gpus *gpus, bool *again, struct sw_err *err)
{
    struct sw_job_outcome out;
    int64_t began_ms = sw_clock_mono_ms();
    *again = false;
    enum sw_code code = run_attempt(sv, gpus, &out, err);
    if (code) { // the supervisor's own trouble: the job ends with it, in words
        struct sw_job_end end = {.state = SW_JOB_FAILED,
                                 .reason = err->message,
                                 .exit_code = 1,
                                 .failed_rank = -1,
                                 .run_status = SW_RUN_FAILED};
        struct sw_err ignored = {0};
        sw_job_strays_end(sv->store_dir, sv->job_id, SW_JOB_LEFTOVER_MS);
        (void)finish(sv, &end, &ignored);
        return code;
    }
    sv->is_told_to_end = out.told_to_end;
    int used = sv->job.attempt - 1 - free_attempts(sv);
    int left = sv->job.max_retries - used;
    bool may_retry = out.end.state == SW_JOB_FAILED && !out.never_started && left > 0;
    if (!out.requeue && !may_retry)
        return finish(sv, &out.end, err);
    if (load_job(sv, err) == SW_OK && sv->job.stop_requested) { // asked for while the attempt failed by itself
        out.end.state = SW_JOB_STOPPED;
        out.end.run_status = sw_job_run_status(SW_JOB_STOPPED);
        return finish(sv, &out.end, err);
    }
    *again = true;
    return start_again(sv, &out, sw_clock_mono_ms() - began_ms, left - 1, err);
}

static void capture_packages(struct supervisor *sv)
{
    char path[SW_PATH_MAX], dir[SW_PATH_MAX];
    struct sw_err err = {0};
    const char *const *argv;
    struct sw_buf packages;
    sw_buf_init(&packages, 1 << 20);
    if (sw_job_parse_argv(sv->job.argv_json, sv->arena, &argv, &err) == SW_OK)
        sw_job_capture_packages(argv, sv->job.cwd, &packages);
    if (packages.len > 0 && (sw_run_artifact_dir(sv->store, sv->job.run_id, dir, &err) != SW_OK ||
                             sw_path_join(path, dir, "packages.txt", &err) != SW_OK ||
                             sw_file_write(path, packages.data, packages.len, &err) != SW_OK))
        fprintf(stderr, "cannot keep the list of packages: %s\n", err.message);
    sw_buf_free(&packages);
}

static enum sw_code supervise(struct supervisor *sv, struct sw_err *err)
{
    struct sw_job_gpus gpus;
    struct sw_loop_source *source; // lives with the loop
    enum sw_code code = sw_loop_new(&sv->loop, err);
    if (!code)
        code = sw_loop_add_signal(sv->loop, SIGTERM, on_signal, sv, &source, err);
    if (!code)
        code = sw_loop_add_signal(sv->loop, SIGINT, on_signal, sv, &source, err);
    struct sw_arena *a = sw_arena_new(1 << 20);
    if (!code)
        code =
            a ? sw_job_find_gpus(a, &gpus, NULL, err) : sw_err_set(err, SW_NO_MEMORY, "no memory for the supervisor");
    if (!code && sv->job.attempt == 0)
        capture_packages(sv);
    for (bool again = true; !code && again && !sv->is_told_to_end;) {
        again = false;
        if (wait_for_turn(sv, &gpus))
            code = attempt(sv, &gpus, &again, err);
    }
    sw_loop_free(sv->loop);
    sw_arena_free(a);
    return code;
}

// --- the two processes of the start ---

// What the child tells the process that waits for it. Small enough to be one write.
struct report {
    enum sw_code code;
    struct sw_err err;
};

static enum sw_code child_main(const char *store_dir, int64_t job_id, int report_fd, struct sw_err *err)
{
    struct supervisor sv = {.job_id = job_id, .lock_fd = -1};
    struct report report = {0};
    setsid();
    umask(077);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    snprintf(sv.store_dir, sizeof(sv.store_dir), "%s", store_dir);
    report.code = take_over(&sv, err);
    if (report.code)
        report.err = *err;
    (void)!write(report_fd, &report, sizeof(report)); // nobody listening is no reason to stop
    close(report_fd);
    enum sw_code code = report.code;
    if (!code && chdir("/") != 0) // so that no file system stays busy because of us
        fprintf(stderr, "cannot leave the working directory\n");
    if (!code)
        code = supervise(&sv, err);
    if (code && !report.code)
        fprintf(stderr, "the supervisor ends: %s\n", err->message);
    sw_store_close(sv.store);
    sw_arena_free(sv.arena);
    if (sv.lock_fd >= 0)
        close(sv.lock_fd);
    return code;
}

static enum sw_code wait_for_report(int fd, int64_t job_id, struct sw_err *err)
{
    struct report report;
    ssize_t n;
    do
        n = read(fd, &report, sizeof(report));
    while (n < 0 && errno == EINTR);
    if (n != sizeof(report))
        return sw_err_set(err, SW_FAILED, "the supervisor of job %" PRId64 " died while it started", job_id);
    if (report.code && err)
        *err = report.err;
    return report.code;
}

enum sw_code sw_job_supervise(const char *store_dir, int64_t job_id, struct sw_err *err)
{
    char dir[SW_PATH_MAX];
    int ends[2];
    enum sw_code code = sw_path_absolute(dir, store_dir, err);
    if (code)
        return code;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sw_err_errno(err, errno, "cannot start the supervisor of job %" PRId64, job_id);
    fflush(NULL); // or both processes would write what is buffered
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        return child_main(dir, job_id, ends[1], err);
    }
    close(ends[1]);
    code = child > 0 ? wait_for_report(ends[0], job_id, err)
                     : sw_err_errno(err, errno, "cannot start the supervisor of job %" PRId64, job_id);
    close(ends[0]);
    return code;
}
