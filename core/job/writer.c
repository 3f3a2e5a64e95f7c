// SPDX-License-Identifier: Apache-2.0
// The writer: a thread with the only store connection in use while ranks run. The loop thread must never wait for the
// store, or a lock held by another program would stop the reading of logs and the killing of processes. Two batches
// alternate: the loop fills one while the writer commits the other in one transaction (group commit).
#include "core/job/harvest_private.h"

#include "core/base/clock.h"
#include "core/base/failpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    POLL_MS = 250,       // stop requests
    HEARTBEAT_MS = 5000, // without progress
    PROGRESS_MS = 500,   // with it
    RETRY_MS = 200,      // after a locked or full store
};

struct sw_job_writer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct sw_loop *loop;
    struct sw_store *store;
    struct sw_job_harvest *harvest; // the thread's own while it runs; NULL = nothing to read
    int64_t job_id;
    char run_id[SW_RUN_ID];
    // below: under `lock`
    struct sw_job_batch batch; // being written while is_busy
    bool is_busy, is_ending, stop_requested;
    bool has_progress, has_reason;
    double fraction;
    char text[256], reason[512];
    // below: the thread's own
    int64_t refused, heartbeat_at_ms;
    uint64_t seen_changes;
    bool is_complaining;
};

// Problems of the store are told once, when they begin.
static void complain(struct sw_job_writer *w, const struct sw_err *err)
{
    if (!w->is_complaining)
        fprintf(stderr, "the store cannot be written (metrics wait): %s\n", err->message);
    w->is_complaining = true;
}

// Locked and full pass; anything else would come back for ever.
static bool is_passing(enum sw_code code)
{
    return code == SW_LOCKED || code == SW_NO_SPACE || code == SW_BUSY;
}

static void refuse(struct sw_job_writer *w, const char *what, const struct sw_err *err)
{
    if (w->refused++ == 0)
        fprintf(stderr, "the store refused %s: %s\n", what, err->message);
}

static enum sw_code write_all_points(struct sw_job_writer *w, const struct sw_job_batch *b, struct sw_err *err)
{
    for (;;) {
        enum sw_code code = sw_failpoint("job.intake")
                                ? sw_err_set(err, SW_NO_SPACE, "cannot write metrics of job %" PRId64, w->job_id)
                                : sw_metric_write(w->store, w->run_id, b->points, b->point_count, err);
        if (!is_passing(code)) {
            w->is_complaining = w->is_complaining && code;
            return code;
        }
        complain(w, err);
        sw_clock_sleep_ms(RETRY_MS);
    }
}

// One bad name must not cost its neighbours: a refused batch is written point by point.
static void write_points(struct sw_job_writer *w, const struct sw_job_batch *b)
{
    struct sw_err err = {0};
    if (b->point_count == 0 || write_all_points(w, b, &err) == SW_OK)
        return;
    for (size_t i = 0; i < b->point_count; i++) {
        struct sw_job_batch one = {.points = &b->points[i], .point_count = 1};
        if (write_all_points(w, &one, &err) != SW_OK)
            refuse(w, b->points[i].key, &err);
    }
}

static void write_pairs(struct sw_job_writer *w, const struct sw_job_batch *b)
{
    for (size_t i = 0; i < b->pair_count; i++) {
        const struct sw_job_pair *p = &b->pairs[i];
        struct sw_err err = {0};
        enum sw_code code;
        while (is_passing(code = p->is_tag ? sw_run_set_tag(w->store, w->run_id, p->key, p->value, &err)
                                           : sw_run_set_param(w->store, w->run_id, p->key, p->value, &err))) {
            complain(w, &err);
            sw_clock_sleep_ms(RETRY_MS);
        }
        if (code && !(p->is_derived && code == SW_INVALID)) // what is derived gives way
            refuse(w, p->key, &err);
    }
}

static void write_batch(struct sw_job_writer *w, struct sw_job_batch *b)
{
    write_points(w, b);
    write_pairs(w, b);
    sw_job_batch_clear(b);
}

// What the job wrote into files; true when there is more of it. At the end all of it.
static bool write_harvest(struct sw_job_writer *w, bool is_last)
{
    bool is_more;
    if (!w->harvest)
        return false;
    do {
        is_more = sw_job_harvest_step(w->harvest, w->store, is_last);
        write_batch(w, sw_job_harvest_batch(w->harvest));
    } while (is_last && is_more);
    return is_more;
}

// Progress, heartbeat and the reason: what is lost here comes again.
static void write_status(struct sw_job_writer *w)
{
    struct sw_err err = {0};
    int64_t now = sw_clock_mono_ms();
    char text[256], reason[512];
    pthread_mutex_lock(&w->lock);
    bool has_progress = w->has_progress, has_reason = w->has_reason;
    double fraction = w->fraction;
    memcpy(text, w->text, sizeof(text));
    memcpy(reason, w->reason, sizeof(reason));
    bool is_due = w->is_ending || now - w->heartbeat_at_ms >= (has_progress ? PROGRESS_MS : HEARTBEAT_MS);
    if (is_due)
        w->has_progress = false;
    w->has_reason = false;
    pthread_mutex_unlock(&w->lock);
    if (has_reason && sw_job_set_reason(w->store, w->job_id, reason, &err) != SW_OK)
        complain(w, &err);
    if (!is_due)
        return;
    w->heartbeat_at_ms = now;
    if (sw_job_heartbeat(w->store, w->job_id, fraction, text, &err) != SW_OK)
        complain(w, &err);
}

static void poll_stop(struct sw_job_writer *w)
{
    struct sw_err err = {0};
    struct sw_job job;
    uint64_t changes = sw_store_change_count(w->store);
    if (changes == w->seen_changes)
        return;
    w->seen_changes = changes;
    struct sw_arena *a = sw_arena_new(4 << 20);
    bool stop = a && sw_job_get(w->store, w->job_id, a, &job, &err) == SW_OK && job.stop_requested;
    sw_arena_free(a);
    if (!stop)
        return;
    pthread_mutex_lock(&w->lock);
    bool is_new = !w->stop_requested;
    w->stop_requested = true;
    pthread_mutex_unlock(&w->lock);
    if (is_new)
        sw_loop_wake(w->loop);
}

static void wait_for_work(struct sw_job_writer *w)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!w->is_busy && !w->is_ending)
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
            break;
}

static void *writer_main(void *ctx)
{
    struct sw_job_writer *w = ctx;
    bool has_more = false; // to be read at once
    pthread_mutex_lock(&w->lock);
    for (;;) {
        if (!has_more)
            wait_for_work(w);
        bool is_busy = w->is_busy, is_ending = w->is_ending;
        pthread_mutex_unlock(&w->lock);
        if (is_busy) // the batch is ours until is_busy falls
            write_batch(w, &w->batch);
        has_more = write_harvest(w, is_ending);
        write_status(w);
        poll_stop(w);
        pthread_mutex_lock(&w->lock);
        if (is_busy) {
            w->is_busy = false;
            pthread_cond_broadcast(&w->wake);
            sw_loop_wake(w->loop);
        }
        if (is_ending && !w->is_busy)
            break;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum sw_code sw_job_writer_start(const char *store_dir, int64_t job_id, const char *run_id, struct sw_loop *wake,
                                 struct sw_job_harvest *harvest, struct sw_job_writer **out, struct sw_err *err)
{
    struct sw_job_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the writer of job %" PRId64, job_id);
    w->loop = wake;
    w->harvest = harvest;
    w->job_id = job_id;
    w->fraction = NAN;
    w->seen_changes = UINT64_MAX;
    snprintf(w->run_id, sizeof(w->run_id), "%s", run_id);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    enum sw_code code =
        sw_store_open(store_dir, SW_STORE_OPEN, &w->store, err); // used by the thread alone from here on
    if (!code) {
        int failure = pthread_create(&w->thread, NULL, writer_main, w);
        if (failure)
            code = sw_err_errno(err, failure, "cannot start the writer of job %" PRId64, job_id);
    }
    if (code) {
        sw_store_close(w->store);
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return code;
    }
    *out = w;
    return SW_OK;
}

bool sw_job_writer_offer(struct sw_job_writer *w, struct sw_job_batch *b)
{
    pthread_mutex_lock(&w->lock);
    bool taken = !w->is_busy && !w->is_ending;
    if (taken) {
        struct sw_job_batch empty = w->batch;
        w->batch = *b;
        *b = empty;
        w->is_busy = true;
        pthread_cond_broadcast(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    return taken;
}

void sw_job_writer_progress(struct sw_job_writer *w, double fraction, const char *text)
{
    pthread_mutex_lock(&w->lock);
    w->fraction = fraction;
    snprintf(w->text, sizeof(w->text), "%s", text);
    w->has_progress = true;
    pthread_mutex_unlock(&w->lock);
}

void sw_job_writer_reason(struct sw_job_writer *w, const char *reason)
{
    pthread_mutex_lock(&w->lock);
    snprintf(w->reason, sizeof(w->reason), "%s", reason);
    w->has_reason = true;
    pthread_mutex_unlock(&w->lock);
}

bool sw_job_writer_stop_requested(struct sw_job_writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool stop = w->stop_requested;
    pthread_mutex_unlock(&w->lock);
    return stop;
}

void sw_job_writer_end(struct sw_job_writer *w, struct sw_job_batch *last, int64_t *refused)
{
    pthread_mutex_lock(&w->lock);
    while (w->is_busy)
        pthread_cond_wait(&w->wake, &w->lock);
    struct sw_job_batch empty = w->batch;
    w->batch = *last;
    *last = empty;
    w->is_busy = w->is_ending = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    *refused = w->refused;
    sw_store_close(w->store);
    sw_job_batch_free(&w->batch);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
