// SPDX-License-Identifier: Apache-2.0
// Ranks of one machine over a shared memory file. Layout: a header with one line per rank, then one slot of floats per
// rank, then the result. A reduction: each rank copies its vector into its slot; barrier; each rank sums its share of
// all slots, in rank order, into the result; barrier; each rank copies the result out. Two barriers suffice: a slot is
// rewritten only after the second barrier, when all sums are taken, and the result only after the next first barrier,
// when all copies are out.
// A barrier is a counter per rank that only grows; waiting is a short spin, then futex with a short timeout in which
// the others' processes are looked at. All-zero is the valid start, so nobody has to initialise the file.
#include "gpu/comm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/proc.h"

enum { SPINS = 2000, LOOK_MS = 100, MESSAGE_SIZE = 256, FINGERPRINT_SIZE = 65 };

enum state { STATE_ABSENT, STATE_HERE, STATE_LEFT };

struct line {
    _Alignas(128) _Atomic uint32_t arrived; // barriers reached; the futex word
    _Atomic uint32_t state;
    _Atomic int64_t pid, start_ticks;
    _Atomic uint64_t count_max;
    char fingerprint[FINGERPRINT_SIZE]; // written before `arrived` becomes 1
};

struct header {
    _Atomic uint32_t failed;  // rank + 1 of the first that failed, 0 = none
    _Atomic uint32_t is_told; // `message` is complete
    char message[MESSAGE_SIZE];
    struct line ranks[SW_COMM_MAX_RANKS];
};

struct sw_comm {
    const struct sw_engine *engine;
    int rank, size;
    size_t count_max;
    int64_t deadline_ms;
    uint32_t barriers;
    struct header *header;
    size_t bytes;
    float *slots; // [size][count_max], then result [count_max]
    float *result;
};

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t ms)
{
    struct timespec limit = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

static void wake_all(struct sw_comm *c)
{
    for (int r = 0; r < c->size; r++)
        futex_wake(&c->header->ranks[r].arrived);
}

// Names `rank` as the one that failed, unless somebody already did, and lets all others know.
static void blame(struct sw_comm *c, int rank, const char *message)
{
    uint32_t none = 0;
    if (atomic_compare_exchange_strong(&c->header->failed, &none, (uint32_t)rank + 1)) {
        snprintf(c->header->message, MESSAGE_SIZE, "%s", message);
        atomic_store(&c->header->is_told, 1);
    }
    wake_all(c);
}

static enum sw_code report_failure(struct sw_comm *c, struct sw_err *err)
{
    for (int i = 0; i < 100 && !atomic_load(&c->header->is_told); i++)
        sw_clock_sleep_ms(1); // its writer is between two instructions, or was killed there
    char message[MESSAGE_SIZE] = "";
    if (atomic_load(&c->header->is_told))
        snprintf(message, sizeof message, "%.*s", MESSAGE_SIZE - 1, c->header->message);
    int rank = (int)atomic_load(&c->header->failed) - 1;
    (void)sw_err_set(err, SW_FAILED, "rank %d %s", rank, *message ? message : "failed");
    return sw_err_hint(err, "look at the log of rank %d; the other ranks ended because of it", rank);
}

// Why rank `r` cannot come any more, judged by its process; false while it may.
static bool is_gone(struct sw_comm *c, int r, char message[static MESSAGE_SIZE])
{
    struct line *line = &c->header->ranks[r];
    uint32_t state = atomic_load(&line->state);
    int64_t pid = atomic_load(&line->pid);
    if (state == STATE_LEFT)
        snprintf(message, MESSAGE_SIZE, "(process %lld) left before the others were done", (long long)pid);
    else if (state == STATE_HERE && !sw_proc_is_alive((pid_t)pid, atomic_load(&line->start_ticks)))
        snprintf(message, MESSAGE_SIZE, "(process %lld) died", (long long)pid);
    else
        return false;
    return true;
}

static void describe_silence(struct sw_comm *c, int r, char message[static MESSAGE_SIZE])
{
    struct line *line = &c->header->ranks[r];
    if (atomic_load(&line->state) == STATE_ABSENT)
        snprintf(message, MESSAGE_SIZE, "did not start within %.1f s", (double)c->deadline_ms / 1000);
    else
        snprintf(message, MESSAGE_SIZE, "(process %lld) has been silent for %.1f s: stopped, stuck or too slow",
                 (long long)atomic_load(&line->pid), (double)c->deadline_ms / 1000);
}

// Waits for rank `r` to reach barrier `target`.
static enum sw_code wait_for(struct sw_comm *c, int r, uint32_t target, int64_t deadline, struct sw_err *err)
{
    struct line *line = &c->header->ranks[r];
    char message[MESSAGE_SIZE];
    for (int i = 0;; i++) {
        uint32_t arrived = atomic_load(&line->arrived);
        if ((int32_t)(arrived - target) >= 0)
            return SW_OK;
        if (i < SPINS) {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
            continue;
        }
        if (atomic_load(&c->header->failed))
            return report_failure(c, err);
        futex_wait(&line->arrived, arrived, LOOK_MS);
        if (atomic_load(&line->arrived) != arrived)
            continue;
        if (is_gone(c, r, message)) {
            if ((int32_t)(atomic_load(&line->arrived) - target) >= 0)
                return SW_OK; // it arrived and left between the two looks
            blame(c, r, message);
        } else if (sw_clock_mono_ms() >= deadline) {
            describe_silence(c, r, message);
            blame(c, r, message);
            (void)report_failure(c, err);
            err->code = SW_TIMEOUT;
            return SW_TIMEOUT;
        }
    }
}

static enum sw_code shm_barrier(struct sw_comm *c, struct sw_err *err)
{
    struct line *mine = &c->header->ranks[c->rank];
    uint32_t target = ++c->barriers;
    int64_t deadline = sw_clock_mono_ms() + c->deadline_ms;
    atomic_store(&mine->arrived, target);
    futex_wake(&mine->arrived);
    for (int r = 0; r < c->size; r++) {
        enum sw_code code = r == c->rank ? SW_OK : wait_for(c, r, target, deadline, err);
        if (code)
            return code;
    }
    return SW_OK;
}

static void shm_close(struct sw_comm *c)
{
    if (!c)
        return;
    atomic_store(&c->header->ranks[c->rank].state, STATE_LEFT);
    wake_all(c);
    munmap(c->header, c->bytes);
    free(c);
}

static enum sw_code map_file(struct sw_comm *c, int fd, struct sw_err *err)
{
    size_t floats;
    if (__builtin_mul_overflow(c->count_max, (size_t)c->size + 1, &floats) || floats > SIZE_MAX / 8)
        return sw_err_set(err, SW_LIMIT, "communicator shm: %zu floats and %d ranks are too many", c->count_max,
                          c->size);
    c->bytes = sizeof(struct header) + floats * sizeof(float);
    // Each rank grows it to the same size, which keeps what is there; memory is claimed now and not by a fault later.
    int errnum = posix_fallocate(fd, 0, (off_t)c->bytes);
    if (errnum)
        return sw_err_errno(err, errnum, "communicator shm: %zu MiB of shared memory", c->bytes >> 20);
    void *p = mmap(NULL, c->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return sw_err_errno(err, errno, "communicator shm: %zu MiB of shared memory", c->bytes >> 20);
    c->header = p;
    c->slots = (float *)(c->header + 1);
    c->result = c->slots + c->count_max * (size_t)c->size;
    return SW_OK;
}

static enum sw_code announce(struct sw_comm *c, const char *fingerprint, struct sw_err *err)
{
    struct line *mine = &c->header->ranks[c->rank];
    uint32_t absent = STATE_ABSENT;
    int64_t ticks;
    enum sw_code code = sw_proc_start_ticks(getpid(), &ticks, err);
    if (code)
        return code;
    if (atomic_load(&mine->state) != STATE_ABSENT)
        return sw_err_set(err, SW_CONFLICT, "rank %d is there already (process %lld)", c->rank,
                          (long long)atomic_load(&mine->pid));
    atomic_store(&mine->pid, getpid());
    atomic_store(&mine->start_ticks, ticks);
    atomic_store(&mine->count_max, c->count_max);
    snprintf(mine->fingerprint, sizeof mine->fingerprint, "%s", fingerprint);
    atomic_compare_exchange_strong(&mine->state, &absent, STATE_HERE);
    return SW_OK;
}

static enum sw_code check_peers(struct sw_comm *c, struct sw_err *err)
{
    struct line *mine = &c->header->ranks[c->rank];
    for (int r = 0; r < c->size; r++) {
        struct line *other = &c->header->ranks[r];
        if (strncmp(mine->fingerprint, other->fingerprint, FINGERPRINT_SIZE) == 0 &&
            atomic_load(&other->count_max) == c->count_max)
            continue;
        (void)sw_err_set(err, SW_CONFLICT, "rank %d was started with other options, data or checkpoint than rank %d", r,
                         c->rank);
        return sw_err_hint(err, "start all ranks with the same command line");
    }
    return SW_OK;
}

static void shm_give_up(struct sw_comm *c, const struct sw_err *reason)
{
    char message[MESSAGE_SIZE];
    snprintf(message, sizeof message, "failed: %.200s", reason->message);
    blame(c, c->rank, message);
}

static enum sw_code shm_open_comm(const struct sw_comm_options *o, const struct sw_engine *e, struct sw_comm **out,
                                  struct sw_err *err)
{
    if (o->size < 1 || o->size > SW_COMM_MAX_RANKS || o->rank < 0 || o->rank >= o->size)
        return sw_err_set(err, SW_USAGE, "rank %d of %d: at most %d ranks", o->rank, o->size, SW_COMM_MAX_RANKS);
    struct sw_comm *c = calloc(1, sizeof *c);
    if (!c)
        return sw_err_set(err, SW_NO_MEMORY, "communicator shm: out of memory");
    c->engine = e;
    c->rank = o->rank;
    c->size = o->size;
    c->count_max = (o->count_max + 15) / 16 * 16; // slots start on cache lines
    c->deadline_ms = o->deadline_ms;
    enum sw_code code = map_file(c, o->fd, err);
    if (code) {
        free(c);
        return code;
    }
    if ((code = announce(c, o->fingerprint, err))) {
        munmap(c->header, c->bytes);
        free(c);
        return code;
    }
    if ((code = shm_barrier(c, err)) || (code = check_peers(c, err))) {
        shm_give_up(c, err);
        shm_close(c);
        return code;
    }
    *out = c;
    return SW_OK;
}

static void sum_share(struct sw_comm *c, size_t count)
{
    size_t share = (count / (size_t)c->size + 15) / 16 * 16;
    size_t from = share * (size_t)c->rank, to = c->rank == c->size - 1 ? count : from + share;
    from = from < count ? from : count;
    to = to < count ? to : count;
    float *restrict sum = c->result;
    memcpy(sum + from, c->slots + from, (to - from) * sizeof *sum);
    for (int r = 1; r < c->size; r++) {
        const float *restrict slot = c->slots + (size_t)r * c->count_max;
        for (size_t i = from; i < to; i++)
            sum[i] += slot[i];
    }
}

static enum sw_code shm_all_reduce_sum(struct sw_comm *c, struct sw_queue *q, float *device, size_t count,
                                       struct sw_err *err)
{
    if (count > c->count_max)
        return sw_err_set(err, SW_LIMIT, "communicator shm: %zu floats, opened for %zu", count, c->count_max);
    enum sw_code code;
    c->engine->download(q, c->slots + (size_t)c->rank * c->count_max, device, count * sizeof *device);
    if ((code = c->engine->queue_sync(q, err)) || (code = shm_barrier(c, err)))
        return code;
    sum_share(c, count);
    if ((code = shm_barrier(c, err)))
        return code;
    c->engine->upload(q, device, c->result, count * sizeof *device);
    return c->engine->queue_sync(q, err);
}

const struct sw_comm_table sw_comm_shm = {
    .name = "shm",
    .summary = "ranks of one machine over shared memory",
    .open = shm_open_comm,
    .close = shm_close,
    .all_reduce_sum = shm_all_reduce_sum,
    .barrier = shm_barrier,
    .give_up = shm_give_up,
};
