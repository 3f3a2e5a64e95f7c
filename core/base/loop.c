// SPDX-License-Identifier: Apache-2.0
// Every source is a descriptor: callers' own, a timerfd for each timer, a signalfd for each signal, an eventfd for
// waking. A source removed while a batch of events is being handled stays allocated until the batch is done, since
// epoll may already have reported it.
#include "core/base/loop.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { BATCH = 64 };

enum kind { KIND_FD, KIND_TIMER, KIND_SIGNAL, KIND_WAKE };

struct sw_loop_source {
    struct sw_loop *loop;
    struct sw_loop_source *next, *previous; // in loop->sources or loop->removed
    enum kind kind;
    int fd; // ours to close unless KIND_FD
    bool is_removed;
    bool is_once; // a timer without an interval
    int signo;
    union {
        sw_loop_fd_fn fd;
        sw_loop_timer_fn timer;
        sw_loop_signal_fn signal;
    } fn;
    void *ctx;
};

struct sw_loop {
    int epoll_fd;
    struct sw_loop_source *sources;
    struct sw_loop_source *removed; // freed at the end of the step
    struct sw_loop_source *wake;
    atomic_bool is_stopped;
    bool is_dispatching;
};

static uint32_t epoll_events(unsigned events)
{
    return (events & SW_LOOP_READ ? (uint32_t)EPOLLIN : 0) | (events & SW_LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static void link_front(struct sw_loop_source **list, struct sw_loop_source *s)
{
    s->previous = NULL;
    s->next = *list;
    if (s->next != NULL)
        s->next->previous = s;
    *list = s;
}

static void unlink_source(struct sw_loop_source **list, struct sw_loop_source *s)
{
    if (s->previous != NULL)
        s->previous->next = s->next;
    else
        *list = s->next;
    if (s->next != NULL)
        s->next->previous = s->previous;
}

// Registers `model` as a new source. Takes its descriptor: on failure closes it unless it is the caller's.
static enum sw_code add_source(struct sw_loop *l, const struct sw_loop_source *model, unsigned events,
                               struct sw_loop_source **out, struct sw_err *err)
{
    int why = errno; // of the call that was to make the descriptor
    struct sw_loop_source *s = model->fd >= 0 ? malloc(sizeof *s) : NULL;
    if (s != NULL) {
        *s = *model;
        s->loop = l;
        struct epoll_event event = {.events = epoll_events(events), .data.ptr = s};
        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0) {
            link_front(&l->sources, s);
            *out = s;
            return SW_OK;
        }
        why = errno;
    } else if (model->fd >= 0) {
        why = ENOMEM;
    }
    free(s);
    if (model->kind != KIND_FD && model->fd >= 0)
        close(model->fd);
    return sw_err_errno(err, why, "cannot add to the event loop");
}

enum sw_code sw_loop_new(struct sw_loop **out, struct sw_err *err)
{
    struct sw_loop *l = calloc(1, sizeof *l);
    if (l == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for the event loop");
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) {
        enum sw_code code = sw_err_errno(err, errno, "cannot make the event loop");
        free(l);
        return code;
    }
    struct sw_loop_source wake = {.kind = KIND_WAKE, .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    enum sw_code code = add_source(l, &wake, SW_LOOP_READ, &l->wake, err);
    if (code != SW_OK) {
        close(l->epoll_fd);
        free(l);
        return code;
    }
    *out = l;
    return SW_OK;
}

static void free_list(struct sw_loop_source *list)
{
    while (list != NULL) {
        struct sw_loop_source *next = list->next;
        free(list);
        list = next;
    }
}

void sw_loop_free(struct sw_loop *l)
{
    if (l == NULL)
        return;
    for (const struct sw_loop_source *s = l->sources; s != NULL; s = s->next)
        if (s->kind != KIND_FD)
            close(s->fd);
    free_list(l->sources);
    free_list(l->removed);
    close(l->epoll_fd);
    free(l);
}

enum sw_code sw_loop_add_fd(struct sw_loop *l, int fd, unsigned events, sw_loop_fd_fn fn, void *ctx,
                            struct sw_loop_source **out, struct sw_err *err)
{
    struct sw_loop_source model = {.kind = KIND_FD, .fd = fd, .fn.fd = fn, .ctx = ctx};
    if (fd < 0)
        return sw_err_set(err, SW_INVALID, "cannot watch a closed descriptor");
    return add_source(l, &model, events, out, err);
}

enum sw_code sw_loop_set_events(struct sw_loop_source *s, unsigned events, struct sw_err *err)
{
    struct epoll_event event = {.events = epoll_events(events), .data.ptr = s};
    if (epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &event) != 0)
        return sw_err_errno(err, errno, "cannot change what the event loop watches");
    return SW_OK;
}

static struct timespec timespec_of(int64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

enum sw_code sw_loop_add_timer(struct sw_loop *l, int64_t delay_ms, int64_t interval_ms, sw_loop_timer_fn fn, void *ctx,
                               struct sw_loop_source **out, struct sw_err *err)
{
    struct sw_loop_source model = {.kind = KIND_TIMER, .is_once = interval_ms <= 0, .fn.timer = fn, .ctx = ctx};
    struct itimerspec when = {.it_value = timespec_of(delay_ms > 0 ? delay_ms : 0),
                              .it_interval = timespec_of(interval_ms > 0 ? interval_ms : 0)};
    if (delay_ms <= 0)
        when.it_value.tv_nsec = 1; // zero would disarm it
    model.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (model.fd >= 0 && timerfd_settime(model.fd, 0, &when, NULL) != 0) {
        enum sw_code code = sw_err_errno(err, errno, "cannot set a timer");
        close(model.fd);
        return code;
    }
    return add_source(l, &model, SW_LOOP_READ, out, err);
}

enum sw_code sw_loop_add_signal(struct sw_loop *l, int signo, sw_loop_signal_fn fn, void *ctx,
                                struct sw_loop_source **out, struct sw_err *err)
{
    struct sw_loop_source model = {.kind = KIND_SIGNAL, .signo = signo, .fn.signal = fn, .ctx = ctx};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    model.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return add_source(l, &model, SW_LOOP_READ, out, err);
}

void sw_loop_remove(struct sw_loop_source *s)
{
    if (s == NULL || s->is_removed)
        return;
    struct sw_loop *l = s->loop;
    unlink_source(&l->sources, s);
    // Fails harmlessly when the caller closed its descriptor first: closing took it out of the set.
    epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    if (s->kind != KIND_FD)
        close(s->fd);
    s->is_removed = true;
    if (l->is_dispatching)
        link_front(&l->removed, s);
    else
        free(s);
}

void sw_loop_wake(struct sw_loop *l)
{
    uint64_t one = 1;
    // A full counter means that a wake is pending already.
    ssize_t put = write(l->wake->fd, &one, sizeof one);
    (void)put;
}

static void dispatch(struct sw_loop_source *s, uint32_t events)
{
    uint64_t count;
    struct signalfd_siginfo info;
    switch (s->kind) {
    case KIND_FD:
        s->fn.fd(s->ctx, s->fd,
                 (events & EPOLLIN ? SW_LOOP_READ : 0u) | (events & EPOLLOUT ? SW_LOOP_WRITE : 0u) |
                     (events & (EPOLLHUP | EPOLLERR) ? SW_LOOP_HANGUP : 0u));
        break;
    case KIND_TIMER:
        // Intervals missed while a handler was busy are one call, not a burst.
        if (read(s->fd, &count, sizeof count) != sizeof count)
            break;
        s->fn.timer(s->ctx);
        if (s->is_once)
            sw_loop_remove(s);
        break;
    case KIND_SIGNAL:
        while (!s->is_removed && read(s->fd, &info, sizeof info) == sizeof info)
            s->fn.signal(s->ctx, s->signo);
        break;
    case KIND_WAKE:
        while (read(s->fd, &count, sizeof count) == sizeof count) {
        }
        break;
    }
}

enum sw_code sw_loop_step(struct sw_loop *l, int64_t timeout_ms, struct sw_err *err)
{
    struct epoll_event events[BATCH];
    int wait_ms = timeout_ms < 0 ? -1 : timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
    int count = epoll_wait(l->epoll_fd, events, BATCH, wait_ms);
    if (count < 0 && errno != EINTR)
        return sw_err_errno(err, errno, "cannot wait for events");
    l->is_dispatching = true;
    for (int i = 0; i < count; i++) {
        struct sw_loop_source *s = events[i].data.ptr;
        if (!s->is_removed)
            dispatch(s, events[i].events);
    }
    l->is_dispatching = false;
    free_list(l->removed);
    l->removed = NULL;
    return SW_OK;
}

enum sw_code sw_loop_run(struct sw_loop *l, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    while (code == SW_OK && !atomic_load(&l->is_stopped))
        code = sw_loop_step(l, -1, err);
    atomic_store(&l->is_stopped, false); // so that it can run again
    return code;
}

void sw_loop_stop(struct sw_loop *l)
{
    atomic_store(&l->is_stopped, true);
    sw_loop_wake(l);
}
