// SPDX-License-Identifier: Apache-2.0
// The worker pool: results come home to the draining thread, cancel before and while running, stuck tasks left
// behind. Meant to be run with VARIANT=tsan as well.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/pool.h"

enum { DEADLINE_MS = 20000 };

static struct sw_err err;

struct job {
    int value;
    int square;
    int done_calls;
    enum sw_code code;
    char message[64];
    pthread_t done_on;
    sem_t began;
    sem_t may_end;
    bool waits; // until it may end
    bool heeds_cancel;
    struct sw_pool *submits_to; // from its `done`
};

static void init_job(struct job *j)
{
    *j = (struct job){0};
    sem_init(&j->began, 0, 0);
    sem_init(&j->may_end, 0, 0);
}

static enum sw_code work(void *ctx, const struct sw_task *task, struct sw_err *e)
{
    struct job *j = ctx;
    j->square = j->value * j->value;
    sem_post(&j->began);
    if (j->waits)
        sem_wait(&j->may_end);
    while (j->heeds_cancel)
        if (sw_task_cancelled(task))
            return sw_err_set(e, SW_CANCELLED, "stopped half way");
    return j->value < 0 ? sw_err_set(e, SW_INVALID, "value %d is negative", j->value) : SW_OK;
}

static void done(void *ctx, enum sw_code code, const struct sw_err *e)
{
    struct job *j = ctx;
    j->done_calls++;
    j->code = code;
    j->done_on = pthread_self();
    snprintf(j->message, sizeof j->message, "%.63s", e->message);
    if (j->submits_to != NULL) {
        struct sw_pool *p = j->submits_to;
        j->submits_to = NULL;
        sw_pool_submit(p, work, done, j);
    }
}

// Drains until `j` was done `calls` times, waiting on the event descriptor.
static void await(struct sw_pool *p, int fd, const struct job *j, int calls)
{
    int64_t deadline = sw_clock_mono_ms() + DEADLINE_MS;
    while (j->done_calls < calls && sw_clock_mono_ms() < deadline) {
        struct pollfd ready = {fd, POLLIN, 0};
        poll(&ready, 1, 1000);
        sw_pool_drain(p);
    }
    assert_int_equal(j->done_calls, calls);
}

static void results_come_home(void **state)
{
    (void)state;
    enum { MANY = 500 };
    static struct job jobs[MANY];
    struct sw_pool *p;
    int fd;
    assert_int_equal(sw_pool_new(4, &p, &fd, &err), SW_OK);
    assert_int_equal(sw_pool_drain(p), 0);
    uint64_t last = 0;
    for (int i = 0; i < MANY; i++) {
        init_job(&jobs[i]);
        jobs[i].value = i - 1;
        uint64_t ticket = sw_pool_submit(p, work, done, &jobs[i]);
        assert_true(ticket > last);
        last = ticket;
    }
    for (int i = 0; i < MANY; i++) {
        await(p, fd, &jobs[i], 1);
        assert_int_equal(jobs[i].square, (i - 1) * (i - 1));
        assert_int_equal(jobs[i].code, i == 0 ? SW_INVALID : SW_OK);
        assert_true(pthread_equal(jobs[i].done_on, pthread_self()));
    }
    assert_string_equal(jobs[0].message, "value -1 is negative");
    assert_int_equal(sw_pool_busy(p), 0);
    struct pollfd ready = {fd, POLLIN, 0};
    assert_int_equal(poll(&ready, 1, 0), 0); // quiet again
    sw_pool_free(p, 1000);
    sw_pool_free(NULL, 0);
    assert_int_equal(sw_pool_new(0, &p, &fd, &err), SW_INVALID);
}

static void a_waiting_task_is_dropped(void **state)
{
    (void)state;
    struct job busy, waiting[3];
    struct sw_pool *p;
    int fd;
    uint64_t tickets[3];
    assert_int_equal(sw_pool_new(1, &p, &fd, &err), SW_OK);
    init_job(&busy);
    busy.waits = true;
    sw_pool_submit(p, work, done, &busy);
    sem_wait(&busy.began);
    for (int i = 0; i < 3; i++) {
        init_job(&waiting[i]);
        tickets[i] = sw_pool_submit(p, work, done, &waiting[i]);
    }
    assert_int_equal(sw_pool_busy(p), 4);
    sw_pool_cancel(p, tickets[2]); // the last, so that the queue's end moves
    sw_pool_cancel(p, tickets[0]);
    sw_pool_cancel(p, 999);
    assert_int_equal(sw_pool_drain(p), 2);
    assert_int_equal(waiting[0].code, SW_CANCELLED);
    assert_int_equal(waiting[2].code, SW_CANCELLED);
    assert_int_equal(sem_trywait(&waiting[0].began), -1); // never ran
    struct job late;
    init_job(&late);
    sw_pool_submit(p, work, done, &late);
    sem_post(&busy.may_end);
    await(p, fd, &waiting[1], 1);
    await(p, fd, &late, 1);
    assert_int_equal(busy.done_calls, 1);
    assert_int_equal(waiting[1].code, SW_OK);
    sw_pool_free(p, 1000);
}

static void a_running_task_is_asked_to_stop(void **state)
{
    (void)state;
    struct job j;
    struct sw_pool *p;
    int fd;
    assert_int_equal(sw_pool_new(2, &p, &fd, &err), SW_OK);
    init_job(&j);
    j.heeds_cancel = true;
    uint64_t ticket = sw_pool_submit(p, work, done, &j);
    sem_wait(&j.began);
    sw_pool_cancel(p, ticket);
    await(p, fd, &j, 1);
    assert_int_equal(j.code, SW_CANCELLED);
    assert_string_equal(j.message, "stopped half way");
    sw_pool_cancel(p, ticket); // too late, and harmless
    sw_pool_free(p, 1000);
}

static void freeing_cancels_and_tells(void **state)
{
    (void)state;
    struct job running, waiting;
    struct sw_pool *p;
    int fd;
    assert_int_equal(sw_pool_new(1, &p, &fd, &err), SW_OK);
    init_job(&running);
    init_job(&waiting);
    running.heeds_cancel = true;
    waiting.submits_to = p; // refused while the pool is being freed
    sw_pool_submit(p, work, done, &running);
    sem_wait(&running.began);
    sw_pool_submit(p, work, done, &waiting);
    sw_pool_free(p, DEADLINE_MS);
    assert_int_equal(running.done_calls, 1);
    assert_int_equal(running.code, SW_CANCELLED);
    assert_int_equal(waiting.done_calls, 1);
    assert_int_equal(waiting.code, SW_CANCELLED);
}

static void a_done_may_submit_again(void **state)
{
    (void)state;
    struct job j;
    struct sw_pool *p;
    int fd;
    assert_int_equal(sw_pool_new(2, &p, &fd, &err), SW_OK);
    init_job(&j);
    j.submits_to = p;
    sw_pool_submit(p, work, done, &j);
    await(p, fd, &j, 2);
    sw_pool_free(p, 1000);
}

// The worker threads of this process, as the kernel counts them.
static int count_threads(void)
{
    char line[256];
    int count = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, f) != NULL && sscanf(line, "Threads: %d", &count) != 1) {
    }
    fclose(f);
    return count;
}

static void a_stuck_task_is_left_behind(void **state)
{
    (void)state;
    int threads = count_threads();
    static struct job stuck; // outlives the test, as a stuck task's memory must
    struct job other;
    struct sw_pool *p;
    int fd;
    assert_int_equal(sw_pool_new(2, &p, &fd, &err), SW_OK);
    init_job(&stuck);
    init_job(&other);
    stuck.waits = true;
    sw_pool_submit(p, work, done, &stuck);
    sem_wait(&stuck.began);
    sw_pool_submit(p, work, done, &other);
    await(p, fd, &other, 1);
    sw_pool_free(p, 10); // does not hang
    assert_int_equal(stuck.done_calls, 0);
    sem_post(&stuck.may_end); // now it ends and frees what the pool left
    int64_t deadline = sw_clock_mono_ms() + DEADLINE_MS;
    while (count_threads() > threads && sw_clock_mono_ms() < deadline)
        sched_yield();
    assert_int_equal(count_threads(), threads);
    assert_int_equal(stuck.done_calls, 0);
}

// --- several threads submit and cancel at once ---

enum { SUBMITTERS = 4, EACH = 500 };

static atomic_int finished;

static enum sw_code nothing(void *ctx, const struct sw_task *task, struct sw_err *e)
{
    (void)ctx;
    return sw_task_cancelled(task) ? sw_err_set(e, SW_CANCELLED, "cancelled") : SW_OK;
}

static void count_finished(void *ctx, enum sw_code code, const struct sw_err *e)
{
    (void)ctx;
    (void)e;
    if (code == SW_OK || code == SW_CANCELLED)
        atomic_fetch_add(&finished, 1);
}

static void *submit_and_cancel(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        uint64_t ticket = sw_pool_submit(arg, nothing, count_finished, NULL);
        if (i % 3 == 0)
            sw_pool_cancel(arg, ticket);
        if (i % 100 == 0)
            sw_pool_drain(arg);
    }
    return NULL;
}

static void many_threads_share_a_pool(void **state)
{
    (void)state;
    pthread_t threads[SUBMITTERS];
    struct sw_pool *p;
    int fd;
    atomic_store(&finished, 0);
    assert_int_equal(sw_pool_new(3, &p, &fd, &err), SW_OK);
    for (int i = 0; i < SUBMITTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, submit_and_cancel, p), 0);
    for (int i = 0; i < SUBMITTERS; i++)
        pthread_join(threads[i], NULL);
    sw_pool_free(p, DEADLINE_MS);
    assert_int_equal(atomic_load(&finished), SUBMITTERS * EACH); // each is told exactly once
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_come_home),
        cmocka_unit_test(a_waiting_task_is_dropped),
        cmocka_unit_test(a_running_task_is_asked_to_stop),
        cmocka_unit_test(freeing_cancels_and_tells),
        cmocka_unit_test(a_done_may_submit_again),
        cmocka_unit_test(a_stuck_task_is_left_behind),
        cmocka_unit_test(many_threads_share_a_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
