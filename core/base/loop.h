// SPDX-License-Identifier: Apache-2.0
// Event loop of one thread over epoll: descriptors, timers, signals (signalfd), and a wake-up that other threads may
// use. Handlers may add and remove anything, themselves included, but not step the loop. Level-triggered. Only
// sw_loop_wake() and sw_loop_stop() may be called from other threads.
#ifndef SW_BASE_LOOP_H
#define SW_BASE_LOOP_H

#include <stdint.h>

#include "core/base/err.h"

struct sw_loop;
struct sw_loop_source; // an fd, timer or signal registered with a loop

enum { SW_LOOP_READ = 1, SW_LOOP_WRITE = 2, SW_LOOP_HANGUP = 4 };

typedef void (*sw_loop_fd_fn)(void *ctx, int fd, unsigned events);
typedef void (*sw_loop_timer_fn)(void *ctx);
typedef void (*sw_loop_signal_fn)(void *ctx, int signo);

enum sw_code sw_loop_new(struct sw_loop **out, struct sw_err *err);
void sw_loop_free(struct sw_loop *l); // frees its sources; does not close callers' descriptors
// SW_LOOP_HANGUP is always reported. A pidfd is watched for SW_LOOP_READ. A descriptor can be added once; regular files
// cannot (SW_IO).
enum sw_code sw_loop_add_fd(struct sw_loop *l, int fd, unsigned events, sw_loop_fd_fn fn, void *ctx,
                            struct sw_loop_source **out, struct sw_err *err);
enum sw_code sw_loop_set_events(struct sw_loop_source *s, unsigned events, struct sw_err *err);
// First after `delay_ms`, then every `interval_ms` (0 = once; the source is freed after it fired).
enum sw_code sw_loop_add_timer(struct sw_loop *l, int64_t delay_ms, int64_t interval_ms, sw_loop_timer_fn fn, void *ctx,
                               struct sw_loop_source **out, struct sw_err *err);
// Blocks the signal in the calling thread (call before starting threads) and delivers it through the loop. It stays
// blocked after removal, so that a late one does not kill the program.
enum sw_code sw_loop_add_signal(struct sw_loop *l, int signo, sw_loop_signal_fn fn, void *ctx,
                                struct sw_loop_source **out, struct sw_err *err);
void sw_loop_remove(struct sw_loop_source *s); // accepts NULL
void sw_loop_wake(struct sw_loop *l);          // thread-safe: makes a waiting loop return from its wait
// Waits at most `timeout_ms` (-1 = for ever) and runs ready handlers once. SW_OK also when nothing happened.
enum sw_code sw_loop_step(struct sw_loop *l, int64_t timeout_ms, struct sw_err *err);
enum sw_code sw_loop_run(struct sw_loop *l, struct sw_err *err); // until sw_loop_stop()
void sw_loop_stop(struct sw_loop *l); // thread-safe: ends sw_loop_run(), at once if it was not running yet

#endif
