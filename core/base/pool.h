// SPDX-License-Identifier: Apache-2.0
// Worker threads for work that may block (disk, network, store). A task runs on one worker, then its `done` runs on
// the thread that calls sw_pool_drain(): results are handed over without locks in callers. Cancel is a request: the
// task polls sw_task_cancelled(); a task that was never started is dropped and its `done` runs with SW_CANCELLED.
// Submit, cancel, drain and busy may be called from any thread; free by the owner alone. Workers block all signals.
#ifndef SW_BASE_POOL_H
#define SW_BASE_POOL_H

#include <stdint.h>

#include "core/base/err.h"

struct sw_pool;
struct sw_task;

typedef enum sw_code (*sw_task_run)(void *ctx, const struct sw_task *task, struct sw_err *err);
typedef void (*sw_task_done)(void *ctx, enum sw_code code, const struct sw_err *err);

// `notify_fd_out` becomes readable (eventfd) when sw_pool_drain() has something to do; owned by the pool.
enum sw_code sw_pool_new(int threads, struct sw_pool **out, int *notify_fd_out, struct sw_err *err);
// Cancels everything, waits at most `grace_ms` for running tasks and runs the pending `done` functions; tasks still
// stuck after that are abandoned: their `done` never runs and nothing is freed under them. Accepts NULL.
void sw_pool_free(struct sw_pool *p, int64_t grace_ms);
// Ticket > 0 for cancel; 0 when out of memory or when the pool is being freed (then neither function is called).
uint64_t sw_pool_submit(struct sw_pool *p, sw_task_run run, sw_task_done done, void *ctx);
void sw_pool_cancel(struct sw_pool *p, uint64_t ticket);
bool sw_task_cancelled(const struct sw_task *task); // for the task's own thread
size_t sw_pool_drain(struct sw_pool *p);            // runs pending `done` functions; returns how many
size_t sw_pool_busy(const struct sw_pool *p);       // tasks queued or running

#endif
