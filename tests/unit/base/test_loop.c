// SPDX-License-Identifier: Apache-2.0
// The event loop: descriptors, timers, signals, waking, and handlers that change the loop under its feet.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/loop.h"
#include "core/base/proc.h"

enum { DEADLINE_MS = 20000 };

static struct sw_err err;
static struct sw_loop *loop;

static int new_loop(void **state)
{
    (void)state;
    return sw_loop_new(&loop, &err) != SW_OK;
}

static int free_loop(void **state)
{
    (void)state;
    sw_loop_free(loop);
    return 0;
}

// A source with what its handler saw, and what it removes.
struct seen {
    struct sw_loop_source *source;
    int calls;
    unsigned events;
    struct seen *removes;
    bool stops;
};

static void act(struct seen *s)
{
    s->calls++;
    if (s->removes != NULL) {
        sw_loop_remove(s->removes->source);
        s->removes->source = NULL;
    }
    if (s->stops)
        sw_loop_stop(loop);
}

static void on_fd(void *ctx, int fd, unsigned events)
{
    struct seen *s = ctx;
    char block[64];
    s->events = events;
    if (events & SW_LOOP_READ)
        assert_true(read(fd, block, sizeof block) >= 0);
    act(s);
}

static void on_fd_ignoring(void *ctx, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    act(ctx);
}

static void on_timer(void *ctx)
{
    act(ctx);
}

static void on_signal(void *ctx, int signo)
{
    struct seen *s = ctx;
    s->events = (unsigned)signo;
    act(s);
}

// Steps until `s` was called `calls` times.
static void await(const struct seen *s, int calls)
{
    int64_t deadline = sw_clock_mono_ms() + DEADLINE_MS;
    while (s->calls < calls && sw_clock_mono_ms() < deadline)
        assert_int_equal(sw_loop_step(loop, 100, &err), SW_OK);
    assert_int_equal(s->calls, calls);
}

static void descriptors_are_watched(void **state)
{
    (void)state;
    int ends[2];
    struct seen reading = {0}, writing = {0};
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(sw_loop_add_fd(loop, ends[0], SW_LOOP_READ, on_fd, &reading, &reading.source, &err), SW_OK);
    assert_int_equal(sw_loop_add_fd(loop, ends[1], SW_LOOP_WRITE, on_fd, &writing, &writing.source, &err), SW_OK);
    await(&writing, 1);
    assert_int_equal(writing.events, SW_LOOP_WRITE);
    assert_int_equal(sw_loop_set_events(writing.source, 0, &err), SW_OK);
    assert_int_equal(sw_loop_step(loop, 0, &err), SW_OK);
    assert_int_equal(writing.calls, 1);
    assert_int_equal(reading.calls, 0);
    assert_int_equal(write(ends[1], "xy", 2), 2);
    await(&reading, 1);
    assert_int_equal(reading.events, SW_LOOP_READ);
    assert_int_equal(sw_loop_add_fd(loop, ends[0], SW_LOOP_READ, on_fd, &reading, &reading.source, &err), SW_IO);
    assert_int_equal(sw_loop_add_fd(loop, -1, SW_LOOP_READ, on_fd, &reading, &reading.source, &err), SW_INVALID);
    sw_loop_remove(writing.source);
    sw_loop_remove(NULL);
    close(ends[1]);
    await(&reading, 2);
    assert_true(reading.events & SW_LOOP_HANGUP); // reported without being asked for
    close(ends[0]);                               // closing before removing is fine
    sw_loop_remove(reading.source);
    assert_int_equal(sw_loop_step(loop, 0, &err), SW_OK);
}

static void timers_fire_once_or_again_and_again(void **state)
{
    (void)state;
    struct seen once = {0}, often = {0}, at_once = {0};
    int64_t start = sw_clock_mono_ms();
    assert_int_equal(sw_loop_add_timer(loop, 5, 0, on_timer, &once, &once.source, &err), SW_OK);
    assert_int_equal(sw_loop_add_timer(loop, 1, 1, on_timer, &often, &often.source, &err), SW_OK);
    assert_int_equal(sw_loop_add_timer(loop, 0, 0, on_timer, &at_once, &at_once.source, &err), SW_OK);
    await(&at_once, 1);
    await(&once, 1);
    assert_true(sw_clock_mono_ms() >= start + 5);
    await(&often, often.calls + 3);
    sw_loop_remove(often.source);
    int calls = often.calls;
    assert_int_equal(sw_loop_step(loop, 5, &err), SW_OK);
    assert_int_equal(often.calls, calls);
    assert_int_equal(once.calls, 1);
}

static void a_timer_may_remove_itself(void **state)
{
    (void)state;
    struct seen once = {0}, often = {0};
    once.removes = &once;
    often.removes = &often;
    assert_int_equal(sw_loop_add_timer(loop, 0, 0, on_timer, &once, &once.source, &err), SW_OK);
    assert_int_equal(sw_loop_add_timer(loop, 0, 1, on_timer, &often, &often.source, &err), SW_OK);
    await(&once, 1);
    await(&often, 1);
    assert_int_equal(sw_loop_step(loop, 5, &err), SW_OK);
    assert_int_equal(once.calls + often.calls, 2);
}

static void a_handler_may_remove_another_that_is_ready(void **state)
{
    (void)state;
    int a[2], b[2];
    struct seen first = {0}, second = {0};
    assert_int_equal(pipe2(a, O_CLOEXEC), 0);
    assert_int_equal(pipe2(b, O_CLOEXEC), 0);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    first.removes = &second;
    second.removes = &first;
    assert_int_equal(sw_loop_add_fd(loop, a[0], SW_LOOP_READ, on_fd_ignoring, &first, &first.source, &err), SW_OK);
    assert_int_equal(sw_loop_add_fd(loop, b[0], SW_LOOP_READ, on_fd_ignoring, &second, &second.source, &err), SW_OK);
    assert_int_equal(sw_loop_step(loop, 0, &err), SW_OK);
    assert_int_equal(first.calls + second.calls, 1); // both were ready, the first handled removed the other
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void signals_come_through_the_loop(void **state)
{
    (void)state;
    struct seen usr1 = {0}, usr2 = {0};
    assert_int_equal(sw_loop_add_signal(loop, SIGUSR1, on_signal, &usr1, &usr1.source, &err), SW_OK);
    assert_int_equal(sw_loop_add_signal(loop, SIGUSR2, on_signal, &usr2, &usr2.source, &err), SW_OK);
    raise(SIGUSR1);
    await(&usr1, 1);
    assert_int_equal(usr1.events, SIGUSR1);
    assert_int_equal(usr2.calls, 0);
    usr2.removes = &usr2;
    raise(SIGUSR2);
    await(&usr2, 1);
    raise(SIGUSR2); // stays blocked, so it does not kill us
    assert_int_equal(sw_loop_step(loop, 0, &err), SW_OK);
    assert_int_equal(usr2.calls, 1);
}

static void *wake_from_outside(void *arg)
{
    sw_loop_wake(arg);
    return NULL;
}

static void *stop_from_outside(void *arg)
{
    sw_loop_stop(arg);
    return NULL;
}

static void other_threads_may_wake_and_stop(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_from_outside, loop), 0);
    assert_int_equal(sw_loop_step(loop, -1, &err), SW_OK); // would hang for ever
    pthread_join(thread, NULL);
    assert_int_equal(sw_loop_step(loop, 0, &err), SW_OK);
    assert_int_equal(pthread_create(&thread, NULL, stop_from_outside, loop), 0);
    assert_int_equal(sw_loop_run(loop, &err), SW_OK);
    pthread_join(thread, NULL);
    struct seen timer = {.stops = true};
    assert_int_equal(sw_loop_add_timer(loop, 0, 0, on_timer, &timer, &timer.source, &err), SW_OK);
    assert_int_equal(sw_loop_run(loop, &err), SW_OK); // and it can run again
    assert_int_equal(timer.calls, 1);
}

static void a_child_s_end_is_an_event(void **state)
{
    (void)state;
    struct sw_proc p;
    struct seen end = {0};
    const char *const argv[] = {"true", NULL};
    const struct sw_proc_spec spec = {.argv = argv};
    end.removes = &end;
    assert_int_equal(sw_proc_spawn(&spec, &p, &err), SW_OK);
    assert_int_equal(sw_loop_add_fd(loop, p.pidfd, SW_LOOP_READ, on_fd_ignoring, &end, &end.source, &err), SW_OK);
    await(&end, 1);
    assert_int_equal(waitpid(p.pid, NULL, WNOHANG), p.pid);
    sw_proc_close(&p);
}

static void many_sources_are_served(void **state)
{
    (void)state;
    enum { MANY = 200 }; // several batches
    static struct seen seen[MANY];
    int ends[MANY][2];
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(pipe2(ends[i], O_CLOEXEC), 0);
        assert_int_equal(write(ends[i][1], "x", 1), 1);
        assert_int_equal(sw_loop_add_fd(loop, ends[i][0], SW_LOOP_READ, on_fd, &seen[i], &seen[i].source, &err), SW_OK);
    }
    for (int i = 0; i < MANY; i++)
        await(&seen[i], 1);
    for (int i = 0; i < MANY; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
}

#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, new_loop, free_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LOOP(descriptors_are_watched),       WITH_LOOP(timers_fire_once_or_again_and_again),
        WITH_LOOP(a_timer_may_remove_itself),     WITH_LOOP(a_handler_may_remove_another_that_is_ready),
        WITH_LOOP(signals_come_through_the_loop), WITH_LOOP(other_threads_may_wake_and_stop),
        WITH_LOOP(a_child_s_end_is_an_event),     WITH_LOOP(many_sources_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
