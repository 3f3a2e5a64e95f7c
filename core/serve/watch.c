// SPDX-License-Identifier: Apache-2.0
#include "core/serve/watch_private.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "core/base/clock.h"

// A body may take 30 s, and a second more for each 16 KiB.
enum { BODY_BYTES_PER_MS = 16, LOOK_MS = 1000 };

static const int64_t limits_ms[] = {
    [SW_PHASE_FRESH] = 15000, [SW_PHASE_IDLE] = 300000,    [SW_PHASE_HEAD] = 10000,
    [SW_PHASE_BODY] = 30000,  [SW_PHASE_WORK] = INT64_MAX,
};

struct sw_watch_conn {
    struct sw_serve_watch *watch;
    struct sw_watch_conn *next, **at; // in the list of all; `at` is what points here
    int fd;
    enum sw_phase phase;
    int64_t since_ms, received;
    bool is_hung_up;
};

struct sw_serve_watch {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct sw_watch_conn *conns;
    int64_t speed; // of time: tests of builds with failure points let it run faster
    bool is_ending;
};

static void hang_up_late_ones(struct sw_serve_watch *w, int64_t now)
{
    for (struct sw_watch_conn *c = w->conns; c != NULL; c = c->next) {
        if (c->is_hung_up || c->phase == SW_PHASE_WORK)
            continue;
        int64_t limit = limits_ms[c->phase] + c->received / BODY_BYTES_PER_MS;
        if ((now - c->since_ms) * w->speed < limit)
            continue;
        shutdown(c->fd, SHUT_RDWR); // libmicrohttpd sees its end and closes it
        c->is_hung_up = true;
    }
}

static void *watch_main(void *ctx)
{
    struct sw_serve_watch *w = ctx;
    pthread_mutex_lock(&w->lock);
    while (!w->is_ending) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        int64_t wait_ns = LOOK_MS / w->speed * 1000000 + until.tv_nsec;
        until.tv_sec += wait_ns / 1000000000;
        until.tv_nsec = wait_ns % 1000000000;
        pthread_cond_timedwait(&w->wake, &w->lock, &until);
        hang_up_late_ones(w, sw_clock_mono_ms());
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int64_t test_speed(void)
{
#ifdef SW_FAILPOINTS
    const char *text = getenv("SLIPWAY_WATCH_SPEED");
    int64_t speed = text != NULL ? strtoll(text, NULL, 10) : 1;
    return speed >= 1 && speed <= LOOK_MS ? speed : 1;
#else
    return 1;
#endif
}

enum sw_code sw_watch_start(struct sw_serve_watch **out, struct sw_err *err)
{
    struct sw_serve_watch *w = calloc(1, sizeof *w);
    pthread_condattr_t attributes;
    if (w == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the server's deadlines");
    w->speed = test_speed();
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    int failure = pthread_create(&w->thread, NULL, watch_main, w);
    if (failure != 0) {
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return sw_err_errno(err, failure, "starting the server's deadlines");
    }
    *out = w;
    return SW_OK;
}

void sw_watch_stop(struct sw_serve_watch *w)
{
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    w->is_ending = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

struct sw_watch_conn *sw_watch_add(struct sw_serve_watch *w, int fd)
{
    struct sw_watch_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct sw_watch_conn){.watch = w, .fd = fd, .phase = SW_PHASE_FRESH, .since_ms = sw_clock_mono_ms()};
    pthread_mutex_lock(&w->lock);
    c->next = w->conns;
    c->at = &w->conns;
    if (c->next != NULL)
        c->next->at = &c->next;
    w->conns = c;
    pthread_mutex_unlock(&w->lock);
    return c;
}

void sw_watch_remove(struct sw_watch_conn *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->watch->lock);
    *c->at = c->next;
    if (c->next != NULL)
        c->next->at = c->at;
    pthread_mutex_unlock(&c->watch->lock);
    free(c);
}

void sw_watch_phase(struct sw_watch_conn *c, enum sw_phase phase)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->watch->lock);
    c->phase = phase;
    c->received = 0;
    c->since_ms = sw_clock_mono_ms();
    pthread_mutex_unlock(&c->watch->lock);
}

void sw_watch_received(struct sw_watch_conn *c, size_t bytes)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->watch->lock);
    c->received += (int64_t)bytes;
    pthread_mutex_unlock(&c->watch->lock);
}
