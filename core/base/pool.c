// SPDX-License-Identifier: Apache-2.0
// One lock guards the pool: queue, states and counts. Tasks run for milliseconds and more, so it is never contended.
// The pool is counted by its owner and its workers; whoever lets go last frees it, which lets the owner leave while
// a task hangs in a dead file system.
#include "core/base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct sw_task {
    struct sw_task *next; // in `queue` or `finished`
    uint64_t ticket;
    sw_task_run run;
    sw_task_done done;
    void *ctx;
    atomic_bool is_cancelled;
    enum sw_code code;
    struct sw_err err;
};

struct list {
    struct sw_task *first;
    struct sw_task **end; // where the next one is hung
};

struct worker {
    struct sw_pool *pool;
    pthread_t thread;
    struct sw_task *task; // running
    bool has_ended;
};

struct sw_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;  // something was queued, or closing
    pthread_cond_t ended; // a worker ended
    struct list queue;
    struct list finished;
    int notify_fd; // -1 once the owner left
    uint64_t last_ticket;
    size_t busy;
    bool is_closing;
    int references;
    int thread_count;
    struct worker workers[];
};

static void list_init(struct list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void list_add(struct list *l, struct sw_task *t)
{
    t->next = NULL;
    *l->end = t;
    l->end = &t->next;
}

static struct sw_task *list_pop(struct list *l)
{
    struct sw_task *t = l->first;
    if (t != NULL) {
        l->first = t->next;
        if (l->first == NULL)
            l->end = &l->first;
    }
    return t;
}

// Locked. Puts a task that ran, or never will, where sw_pool_drain() finds it.
static void finish(struct sw_pool *p, struct sw_task *t)
{
    uint64_t one = 1;
    list_add(&p->finished, t);
    p->busy--;
    if (p->notify_fd >= 0) {
        ssize_t put = write(p->notify_fd, &one, sizeof one); // a full counter is readable too
        (void)put;
    }
}

static void drop_unstarted(struct sw_pool *p, struct sw_task *t)
{
    t->code = sw_err_set(&t->err, SW_CANCELLED, "cancelled before it began");
    finish(p, t);
}

// Locked; unlocks. Frees the pool with its last reference.
static void release(struct sw_pool *p)
{
    bool is_last = --p->references == 0;
    pthread_mutex_unlock(&p->lock);
    if (!is_last)
        return;
    // What finished after the owner left: nobody is there to be told, the caller's memory stays as it is.
    for (struct sw_task *t = list_pop(&p->finished); t != NULL; t = list_pop(&p->finished))
        free(t);
    pthread_cond_destroy(&p->work);
    pthread_cond_destroy(&p->ended);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct sw_pool *p = w->pool;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->queue.first == NULL && !p->is_closing)
            pthread_cond_wait(&p->work, &p->lock);
        struct sw_task *t = list_pop(&p->queue);
        if (t == NULL)
            break;
        w->task = t;
        pthread_mutex_unlock(&p->lock);
        t->code = t->run(t->ctx, t, &t->err);
        pthread_mutex_lock(&p->lock);
        w->task = NULL;
        finish(p, t);
    }
    w->has_ended = true;
    pthread_cond_signal(&p->ended);
    release(p);
    return NULL;
}

enum sw_code sw_pool_new(int threads, struct sw_pool **out, int *notify_fd_out, struct sw_err *err)
{
    if (threads < 1 || threads > 1024)
        return sw_err_set(err, SW_INVALID, "a pool has 1 to 1024 threads, not %d", threads);
    struct sw_pool *p = calloc(1, sizeof *p + (size_t)threads * sizeof p->workers[0]);
    if (p == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for workers");
    p->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->notify_fd < 0) {
        enum sw_code code = sw_err_errno(err, errno, "cannot make the workers' event descriptor");
        free(p);
        return code;
    }
    list_init(&p->queue);
    list_init(&p->finished);
    p->references = 1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&p->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    // Signals are the main thread's business.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    pthread_mutex_lock(&p->lock);
    for (int i = 0; i < threads && failed == 0; i++) {
        p->workers[i].pool = p;
        failed = pthread_create(&p->workers[i].thread, NULL, work, &p->workers[i]);
        if (failed == 0) {
            p->thread_count++;
            p->references++;
        }
    }
    pthread_mutex_unlock(&p->lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        sw_pool_free(p, 0);
        return sw_err_errno(err, failed, "cannot start a worker thread");
    }
    *out = p;
    *notify_fd_out = p->notify_fd;
    return SW_OK;
}

// Locked. Waits until all workers ended or the grace is over.
static void await_workers(struct sw_pool *p, int64_t grace_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(grace_ms / 1000);
    until.tv_nsec += (long)(grace_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    for (int i = 0; i < p->thread_count; i++)
        while (!p->workers[i].has_ended)
            if (pthread_cond_timedwait(&p->ended, &p->lock, &until) == ETIMEDOUT)
                return;
}

void sw_pool_free(struct sw_pool *p, int64_t grace_ms)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->is_closing = true;
    for (struct sw_task *t = list_pop(&p->queue); t != NULL; t = list_pop(&p->queue))
        drop_unstarted(p, t);
    for (int i = 0; i < p->thread_count; i++)
        if (p->workers[i].task != NULL)
            atomic_store(&p->workers[i].task->is_cancelled, true);
    pthread_cond_broadcast(&p->work);
    await_workers(p, grace_ms > 0 ? grace_ms : 0);
    for (int i = 0; i < p->thread_count; i++) {
        struct worker *w = &p->workers[i];
        if (!w->has_ended) {
            pthread_detach(w->thread);
            continue;
        }
        // It only has its reference left to give back, for which it needs the lock.
        pthread_mutex_unlock(&p->lock);
        pthread_join(w->thread, NULL);
        pthread_mutex_lock(&p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    sw_pool_drain(p);
    pthread_mutex_lock(&p->lock);
    close(p->notify_fd);
    p->notify_fd = -1;
    release(p);
}

uint64_t sw_pool_submit(struct sw_pool *p, sw_task_run run, sw_task_done done, void *ctx)
{
    struct sw_task *t = calloc(1, sizeof *t);
    if (t == NULL)
        return 0;
    t->run = run;
    t->done = done;
    t->ctx = ctx;
    uint64_t ticket = 0;
    pthread_mutex_lock(&p->lock);
    if (!p->is_closing) {
        ticket = t->ticket = ++p->last_ticket;
        p->busy++;
        list_add(&p->queue, t);
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->lock);
    if (ticket == 0)
        free(t);
    return ticket;
}

void sw_pool_cancel(struct sw_pool *p, uint64_t ticket)
{
    pthread_mutex_lock(&p->lock);
    for (struct sw_task **at = &p->queue.first; *at != NULL; at = &(*at)->next) {
        struct sw_task *t = *at;
        if (t->ticket != ticket)
            continue;
        *at = t->next;
        if (t->next == NULL)
            p->queue.end = at;
        drop_unstarted(p, t);
        break;
    }
    for (int i = 0; i < p->thread_count; i++) {
        struct sw_task *t = p->workers[i].task;
        if (t != NULL && t->ticket == ticket)
            atomic_store(&t->is_cancelled, true);
    }
    pthread_mutex_unlock(&p->lock);
}

bool sw_task_cancelled(const struct sw_task *task)
{
    return atomic_load(&task->is_cancelled);
}

size_t sw_pool_drain(struct sw_pool *p)
{
    size_t count = 0;
    uint64_t rung;
    pthread_mutex_lock(&p->lock);
    ssize_t got = read(p->notify_fd, &rung, sizeof rung);
    (void)got; // nothing to read when nothing finished
    struct sw_task *t = p->finished.first;
    list_init(&p->finished);
    pthread_mutex_unlock(&p->lock);
    while (t != NULL) {
        struct sw_task *next = t->next;
        t->done(t->ctx, t->code, &t->err);
        free(t);
        t = next;
        count++;
    }
    return count;
}

size_t sw_pool_busy(const struct sw_pool *p)
{
    struct sw_pool *mutable = (struct sw_pool *)(uintptr_t)p; // for the lock only
    pthread_mutex_lock(&mutable->lock);
    size_t busy = p->busy;
    pthread_mutex_unlock(&mutable->lock);
    return busy;
}
