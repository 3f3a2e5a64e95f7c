// SPDX-License-Identifier: Apache-2.0
// Ranks as processes: sums in rank order with equal bits everywhere, and an end with a name for every way in which a rank
// can be missing: dead, stopped, never started, failed, gone early, started differently, started twice.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>

#include "gpu/comm.h"
#include "gpu/rng.h"
#include "tests/unit/gpu/ranks.h"

enum { COUNT = 1003, ROUNDS = 200 };

struct member {
    const struct sw_engine *engine;
    struct sw_device *device;
    struct sw_queue *queue;
    struct sw_comm *comm;
    float *data;
};

static enum sw_code join(struct member *m, int rank, int size, int fd, int64_t deadline_ms, const char *fingerprint,
                         struct sw_err *err)
{
    *m = (struct member){0};
    enum sw_code code = sw_engine_open("plain", 0, &m->engine, &m->device, err);
    if (code || (code = m->engine->queue_new(m->device, &m->queue, err)) ||
        (code = m->engine->alloc(m->device, COUNT, &m->data, err)))
        return code;
    struct sw_comm_options o = {.rank = rank,
                                .size = size,
                                .fd = fd,
                                .count_max = COUNT,
                                .deadline_ms = deadline_ms,
                                .fingerprint = fingerprint};
    return sw_comm_shm.open(&o, m->engine, &m->comm, err);
}

static void leave(struct member *m)
{
    sw_comm_shm.close(m->comm);
    m->engine->queue_free(m->queue);
    m->engine->close(m->device);
}

static float value_of(int rank, int round, int i)
{
    return sw_rng_uniform((uint64_t)rank, (uint64_t)round, (uint64_t)i) - 0.3f;
}

static int sums(void *ctx, int rank, int size, int fd, FILE *out)
{
    (void)ctx;
    struct member m;
    struct sw_err err = {0};
    if (join(&m, rank, size, fd, 60000, "same", &err))
        return fprintf(out, "%s", err.message), 1;
    for (int round = 0; round < ROUNDS; round++) {
        float got[COUNT];
        size_t count = round % 3 ? COUNT : (size_t)(round % 40); // also none, and fewer than ranks
        for (int i = 0; i < COUNT; i++)
            got[i] = value_of(rank, round, i);
        m.engine->upload(m.queue, m.data, got, sizeof got);
        if (sw_comm_shm.all_reduce_sum(m.comm, m.queue, m.data, count, &err))
            return fprintf(out, "%s", err.message), 1;
        m.engine->download(m.queue, got, m.data, sizeof got);
        for (int i = 0; i < COUNT; i++) {
            float want = value_of(0, round, i);
            for (int r = 1; r < size; r++)
                want += value_of(r, round, i);
            if ((size_t)i >= count)
                want = value_of(rank, round, i);
            if (got[i] != want)
                return fprintf(out, "round %d element %d: %g, not %g", round, i, (double)got[i], (double)want), 1;
        }
    }
    leave(&m);
    return 0;
}

static void sums_are_exact_in_rank_order(void **state)
{
    (void)state;
    for (int size = 1; size <= 5; size += 2) {
        struct ranks r;
        ranks_start(&r, size, sums, NULL);
        ranks_join(&r);
        for (int i = 0; i < size; i++)
            if (ranks_exit(&r, i) != 0)
                fail_msg("rank %d of %d: %d %s", i, size, ranks_exit(&r, i), r.message[i]);
    }
}

enum way { DIES, STOPS, FAILS, LEAVES, DIFFERS, NEVER_STARTS };

// Rank 1 goes missing in some way after three good reductions; the others say what they were told.
static int loses_rank_one(void *ctx, int rank, int size, int fd, FILE *out)
{
    enum way way = *(enum way *)ctx;
    struct member m;
    struct sw_err err = {0};
    enum sw_code code = SW_OK;
    if (rank == 1 && way == NEVER_STARTS)
        return 0;
    bool is_silent = way == STOPS || way == NEVER_STARTS;
    code = join(&m, rank, size, fd, is_silent ? 700 : 60000, rank == 1 && way == DIFFERS ? "other" : "same", &err);
    for (int round = 0; round < 6 && !code; round++) {
        if (rank == 1 && round == 3 && way == DIES)
            kill(getpid(), SIGKILL);
        if (rank == 1 && round == 3 && way == STOPS)
            kill(getpid(), SIGSTOP);
        if (rank == 1 && round == 3 && way == FAILS) {
            (void)sw_err_set(&err, SW_IO, "the disk is gone");
            sw_comm_shm.give_up(m.comm, &err);
            leave(&m);
            return 7;
        }
        if (rank == 1 && round == 3 && way == LEAVES) {
            leave(&m);
            return 0;
        }
        code = sw_comm_shm.all_reduce_sum(m.comm, m.queue, m.data, COUNT, &err);
    }
    fprintf(out, "%s", err.message);
    return (int)code;
}

static void expect_named(enum way way, const char *says, enum sw_code code)
{
    struct ranks r;
    ranks_start(&r, 3, loses_rank_one, &way);
    if (way == STOPS) { // a stopped process would keep join waiting
        int status;
        while (waitpid(r.pids[1], &status, WUNTRACED) == r.pids[1] && !WIFSTOPPED(status))
            ;
        struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, r.pids[0], 0), .events = POLLIN};
        poll(&p, 1, RANKS_LIMIT_MS);
        close(p.fd);
        kill(r.pids[1], SIGKILL);
    }
    ranks_join(&r);
    for (int i = 0; i < 3; i += 2) {
        if (!strstr(r.message[i], says) || !strstr(r.message[i], "rank 1"))
            fail_msg("rank %d ended with %d and said: %s", i, ranks_exit(&r, i), r.message[i]);
        if (code && ranks_exit(&r, i) != (int)code && ranks_exit(&r, i) != (int)SW_FAILED)
            fail_msg("rank %d ended with %d", i, ranks_exit(&r, i));
    }
}

static void missing_ranks_are_named(void **state)
{
    (void)state;
    expect_named(DIES, ") died", SW_FAILED);
    expect_named(STOPS, "silent for 0.7 s", SW_TIMEOUT);
    expect_named(NEVER_STARTS, "did not start within 0.7 s", SW_TIMEOUT);
    expect_named(FAILS, "failed: the disk is gone", SW_FAILED);
    expect_named(LEAVES, "left before the others were done", SW_FAILED);
}

static void other_settings_are_refused(void **state)
{
    (void)state;
    enum way way = DIFFERS;
    struct ranks r;
    ranks_start(&r, 2, loses_rank_one, &way);
    ranks_join(&r);
    for (int i = 0; i < 2; i++) {
        assert_int_not_equal(ranks_exit(&r, i), 0);
        assert_true(strstr(r.message[i], "other options") != NULL || strstr(r.message[i], "rank") != NULL);
    }
    assert_true(strstr(r.message[0], "other options") != NULL || strstr(r.message[1], "other options") != NULL);
}

static int same_rank_twice(void *ctx, int rank, int size, int fd, FILE *out)
{
    (void)ctx, (void)rank;
    struct member m;
    struct sw_err err = {0};
    enum sw_code code = join(&m, 0, size, fd, 500, "same", &err);
    fprintf(out, "%s", err.message);
    return (int)code;
}

static void the_same_rank_twice_is_refused(void **state)
{
    (void)state;
    struct ranks r;
    ranks_start(&r, 2, same_rank_twice, NULL);
    ranks_join(&r);
    assert_true(ranks_exit(&r, 0) == (int)SW_CONFLICT || ranks_exit(&r, 1) == (int)SW_CONFLICT);
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    struct member m;
    struct sw_err err = {0};
    int fd = memfd_create("one", MFD_CLOEXEC);
    assert_int_equal(join(&m, 0, 1, fd, 1000, "same", &err), SW_OK);
    assert_int_equal(sw_comm_shm.all_reduce_sum(m.comm, m.queue, m.data, COUNT + 1000, &err), SW_LIMIT);
    leave(&m);
    close(fd);
    int null_fd = open("/dev/null", O_RDWR);
    assert_int_not_equal(join(&m, 0, 2, null_fd, 1000, "same", &err), SW_OK);
    leave(&m);
    close(null_fd);
    assert_int_equal(join(&m, 2, 2, -1, 1000, "same", &err), SW_USAGE);
    leave(&m);
    assert_int_equal(join(&m, 0, 65, -1, 1000, "same", &err), SW_USAGE);
    leave(&m);
    assert_ptr_equal(sw_comm_find("auto", 1), &sw_comm_none);
    assert_ptr_equal(sw_comm_find("auto", 2), &sw_comm_shm);
    assert_null(sw_comm_find("mpi", 2));
    struct sw_comm_options o = {.size = 2};
    assert_int_equal(sw_comm_none.open(&o, NULL, &m.comm, &err), SW_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_exact_in_rank_order), cmocka_unit_test(missing_ranks_are_named),
        cmocka_unit_test(other_settings_are_refused),   cmocka_unit_test(the_same_rank_twice_is_refused),
        cmocka_unit_test(bad_calls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
