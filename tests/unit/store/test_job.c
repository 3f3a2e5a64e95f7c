// SPDX-License-Identifier: Apache-2.0
// The queue: states, slots, GPU leases, reasons in words, and who may pass whom.
#include "tests/unit/store/fixture.h"

#include "core/base/proc.h"
#include "core/store/job.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const two_gpus[] = {"GPU-a", "GPU-b"};
static const struct sw_job_claim machine = {.cpu_slots_total = 2};
static const struct sw_job_claim gpu_machine = {.cpu_slots_total = 4, .gpu_uuids = two_gpus, .gpu_count = 2};

static int64_t add_job(struct fixture *f, int cpu_slots, int gpu_count, int64_t after)
{
    struct sw_job job = {.name = "train",
                         .argv_json = "[\"true\"]",
                         .cwd = "/",
                         .ranks = 1,
                         .cpu_slots = cpu_slots,
                         .gpu_count = gpu_count,
                         .grace_ms = 10000,
                         .after_job_id = after};
    int64_t id = 0;
    ok(sw_job_add(f->store, &job, &(struct sw_run_new){.name = "r"}, &id, &f->err));
    return id;
}

static struct sw_job get(struct fixture *f, int64_t id)
{
    struct sw_job job;
    ok(sw_job_get(f->store, id, f->arena, &job, &f->err));
    return job;
}

static bool claim(struct fixture *f, int64_t id, const struct sw_job_claim *m)
{
    bool claimed = false;
    ok(sw_job_try_claim(f->store, id, m, &claimed, &f->err));
    assert_int_equal(get(f, id).state, claimed ? SW_JOB_RUNNING : SW_JOB_QUEUED);
    return claimed;
}

static void waits(struct fixture *f, int64_t id, const struct sw_job_claim *m, const char *reason)
{
    assert_false(claim(f, id, m));
    assert_string_equal(get(f, id).reason, reason);
}

static void finish(struct fixture *f, int64_t id, enum sw_job_state state)
{
    struct sw_job_end end = {.state = state, .reason = "", .failed_rank = -1, .run_status = SW_RUN_FINISHED};
    ok(sw_job_finish(f->store, id, &end, &f->err));
}

static void test_life_of_a_job(void **state)
{
    struct fixture *f = *state;
    int64_t id = add_job(f, 2, 0, 0);
    struct sw_job job = get(f, id);
    struct sw_run run;
    assert_int_equal(job.state, SW_JOB_QUEUED);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.failed_rank, -1);
    assert_true(isnan(job.progress));
    assert_string_equal(job.env_json, "{}");
    ok(sw_run_get(f->store, job.run_id, f->arena, &run, &f->err));
    assert_int_equal(run.status, SW_RUN_SCHEDULED);
    assert_int_equal(run.job_id, id);
    ok(sw_job_set_supervisor(f->store, id, 4711, 99, &f->err));
    assert_true(claim(f, id, &machine));
    ok(sw_job_heartbeat(f->store, id, 0.5, "epoch 1/2", &f->err));
    ok(sw_job_heartbeat(f->store, id, NAN, NULL, &f->err)); // says nothing new
    job = get(f, id);
    assert_true(job.progress == 0.5 && job.heartbeat_ms > 0 && job.started_ms > 0);
    assert_string_equal(job.progress_text, "epoch 1/2");
    assert_int_equal(job.attempt, 1);
    ok(sw_run_get(f->store, job.run_id, f->arena, &run, &f->err));
    assert_int_equal(run.status, SW_RUN_RUNNING);
    bool claimed = false;
    fails(sw_job_try_claim(f->store, id, &machine, &claimed, &f->err), SW_CONFLICT);
    struct sw_job_end end = {.state = SW_JOB_FAILED,
                             .reason = "rank 1 ended with status 3",
                             .exit_code = 3,
                             .failed_rank = 1,
                             .run_status = SW_RUN_FAILED};
    ok(sw_job_finish(f->store, id, &end, &f->err));
    fails(sw_job_finish(f->store, id, &end, &f->err), SW_CONFLICT);
    job = get(f, id);
    assert_int_equal(job.state, SW_JOB_FAILED);
    assert_int_equal(job.exit_code, 3);
    assert_int_equal(job.failed_rank, 1);
    assert_string_equal(job.reason, "rank 1 ended with status 3");
    ok(sw_run_get(f->store, job.run_id, f->arena, &run, &f->err));
    assert_int_equal(run.status, SW_RUN_FAILED);
    assert_true(run.end_ms > 0);
    // A user's retry: the same job and run once more.
    ok(sw_job_requeue(f->store, id, "retry", &f->err));
    fails(sw_job_requeue(f->store, id, "retry", &f->err), SW_CONFLICT);
    job = get(f, id);
    assert_true(job.state == SW_JOB_QUEUED && job.attempt == 1 && job.supervisor_pid == 0 && job.ended_ms == 0);
    assert_true(claim(f, id, &machine));
    ok(sw_job_requeue(f->store, id, "attempt 2 failed", &f->err)); // the supervisor's own retry
    assert_true(claim(f, id, &machine));
    finish(f, id, SW_JOB_DONE);
    struct sw_job_attempt *attempts = NULL;
    size_t count = 0;
    ok(sw_job_attempts(f->store, id, f->arena, &attempts, &count, &f->err));
    assert_int_equal(count, 3);
    assert_string_equal(attempts[0].reason, "rank 1 ended with status 3");
    assert_string_equal(attempts[1].reason, "attempt 2 failed");
    assert_int_equal(attempts[2].state, SW_JOB_DONE);
    assert_true(attempts[2].ended_ms > 0);
}

// A run's time begins with its first attempt, not when it was queued; a retry does not move it.
static void test_run_starts_with_the_first_attempt(void **state)
{
    struct fixture *f = *state;
    struct sw_run run;
    int64_t id = add_job(f, 1, 0, 0);
    setenv("SLIPWAY_FAKE_TIME_MS", "99000000000000", 1);
    assert_true(claim(f, id, &machine));
    ok(sw_run_get(f->store, get(f, id).run_id, f->arena, &run, &f->err));
    assert_int_equal(run.start_ms, 99000000000000);
    ok(sw_job_requeue(f->store, id, "again", &f->err));
    setenv("SLIPWAY_FAKE_TIME_MS", "99000000009000", 1);
    assert_true(claim(f, id, &machine));
    unsetenv("SLIPWAY_FAKE_TIME_MS");
    ok(sw_run_get(f->store, get(f, id).run_id, f->arena, &run, &f->err));
    assert_int_equal(run.start_ms, 99000000000000);
}

static void test_stop(void **state)
{
    struct fixture *f = *state;
    int64_t queued = add_job(f, 1, 0, 0), running = add_job(f, 1, 0, 0);
    ok(sw_job_request_stop(f->store, queued, &f->err));
    assert_int_equal(get(f, queued).state, SW_JOB_STOPPED);
    assert_true(claim(f, running, &machine));
    ok(sw_job_request_stop(f->store, running, &f->err));
    ok(sw_job_request_stop(f->store, running, &f->err)); // asking twice is fine
    assert_int_equal(get(f, running).state, SW_JOB_STOPPING);
    assert_true(get(f, running).stop_requested);
    finish(f, running, SW_JOB_STOPPED);
    fails(sw_job_request_stop(f->store, running, &f->err), SW_CONFLICT);
    fails(sw_job_request_stop(f->store, 999, &f->err), SW_NOT_FOUND);
    struct sw_job_list list;
    ok(sw_job_search(f->store, true, 0, f->arena, &list, &f->err));
    assert_int_equal(list.count, 0);
    ok(sw_job_search(f->store, false, 0, f->arena, &list, &f->err));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].job_id, running); // newest first
}

static void test_cpu_slots_and_order(void **state)
{
    struct fixture *f = *state;
    int64_t a = add_job(f, 2, 0, 0), b = add_job(f, 2, 0, 0), c = add_job(f, 1, 0, 0);
    char reason[128];
    waits(f, b, &machine, "behind job 1"); // a fits and comes first
    assert_true(claim(f, a, &machine));
    snprintf(reason, sizeof reason, "waits for 2 CPU slots: 2 of 2 in use by job %d", (int)a);
    waits(f, b, &machine, reason);
    waits(f, c, &machine, "waits for 1 CPU slot: 2 of 2 in use by job 1");
    finish(f, a, SW_JOB_DONE);
    waits(f, c, &machine, "behind job 2"); // would fit, but the older one must not starve
    assert_true(claim(f, b, &machine));
    finish(f, b, SW_JOB_DONE);
    assert_true(claim(f, c, &machine));
    int64_t d = add_job(f, 1, 0, 0), e = add_job(f, 3, 0, 0), g = add_job(f, 0, 0, 0);
    assert_true(claim(f, g, &machine)); // wants no slot: nobody is held up by it
    assert_true(claim(f, d, &machine));
    waits(f, e, &machine, "wants 3 CPU slots, this machine has 2");
}

// Two older jobs and one that fits beside the first but not beside both.
static void test_room_is_kept_for_older_jobs(void **state)
{
    struct fixture *f = *state;
    int64_t a = add_job(f, 1, 0, 0), b = add_job(f, 1, 0, 0), c = add_job(f, 1, 0, 0);
    waits(f, c, &machine, "behind job 2");
    assert_true(claim(f, b, &machine)); // room for both a and b
    assert_true(claim(f, a, &machine));
    waits(f, c, &machine, "waits for 1 CPU slot: 2 of 2 in use by job 1, 2");
}

static void test_gpus(void **state)
{
    struct fixture *f = *state;
    static const char *const one[] = {"GPU-a"};
    const struct sw_job_claim single = {.cpu_slots_total = 4, .gpu_uuids = one, .gpu_count = 1};
    int64_t a = add_job(f, 1, 1, 0);
    assert_true(claim(f, a, &single));
    assert_string_equal(get(f, a).gpu_uuids, "GPU-a");
    int64_t b = add_job(f, 1, 2, 0), c = add_job(f, 1, 1, 0), d = add_job(f, 1, 0, 0);
    waits(f, b, &single, "wants 2 GPUs, this machine has 1");
    waits(f, b, &gpu_machine, "waits for 2 GPUs: GPU 0 held by job 1");
    waits(f, c, &single, "waits for GPU 0: held by job 1");
    waits(f, c, &gpu_machine, "behind job 2"); // GPU-b is free but belongs to the older job's turn
    assert_true(claim(f, d, &gpu_machine));    // needs none and may pass
    finish(f, a, SW_JOB_FAILED);
    assert_string_equal(get(f, a).gpu_uuids, ""); // given back
    assert_true(claim(f, b, &gpu_machine));
    assert_string_equal(get(f, b).gpu_uuids, "GPU-a,GPU-b");
    waits(f, c, &gpu_machine, "waits for 1 GPU: GPU 0 held by job 2, GPU 1 held by job 2");
    ok(sw_job_requeue(f->store, b, "again", &f->err));
    assert_string_equal(get(f, b).gpu_uuids, "");
}

static void test_after(void **state)
{
    struct fixture *f = *state;
    int64_t a = add_job(f, 2, 0, 0), b = add_job(f, 1, 0, a), c = add_job(f, 1, 0, 0);
    waits(f, b, &machine, "after job 1");
    assert_true(claim(f, a, &machine));
    waits(f, b, &machine, "after job 1");
    finish(f, a, SW_JOB_FAILED);
    waits(f, b, &machine, "after job 1, which ended as failed and will not be done");
    assert_true(claim(f, c, &machine)); // is not held up by b
    ok(sw_job_requeue(f->store, a, "retry", &f->err));
    finish(f, c, SW_JOB_DONE);
    assert_true(claim(f, a, &machine));
    finish(f, a, SW_JOB_DONE);
    assert_true(claim(f, b, &machine));
    struct sw_job bad = {.name = "x", .argv_json = "[]", .cwd = "/", .ranks = 1, .after_job_id = 999};
    int64_t id = 0;
    fails(sw_job_add(f->store, &bad, &(struct sw_run_new){0}, &id, &f->err), SW_NOT_FOUND);
}

// A queued job whose supervisor died cannot start, so it must not hold up the others.
static void test_dead_supervisor_loses_its_place(void **state)
{
    struct fixture *f = *state;
    int64_t ticks = 0;
    int64_t a = add_job(f, 2, 0, 0), b = add_job(f, 2, 0, 0);
    ok(sw_proc_start_ticks(getpid(), &ticks, &f->err));
    ok(sw_job_set_supervisor(f->store, a, getpid(), ticks, &f->err));
    waits(f, b, &machine, "behind job 1");
    ok(sw_job_set_supervisor(f->store, a, getpid(), ticks + 1, &f->err)); // that process is not the one
    assert_true(claim(f, b, &machine));
    finish(f, b, SW_JOB_DONE);
    assert_true(claim(f, a, &machine));
}

static void test_waiting_costs_no_writes(void **state)
{
    struct fixture *f = *state;
    int64_t a = add_job(f, 2, 0, 0), b = add_job(f, 2, 0, 0);
    assert_true(claim(f, a, &machine));
    assert_false(claim(f, b, &machine));
    uint64_t before = sw_store_change_count(f->store);
    assert_false(claim(f, b, &machine));
    assert_int_equal(sw_store_change_count(f->store), before);
}

static void test_bad_jobs(void **state)
{
    struct fixture *f = *state;
    struct sw_job good = {.name = "x", .argv_json = "[]", .cwd = "/", .ranks = 1}, bad;
    int64_t id = 0;
    bad = good;
    bad.ranks = 0;
    fails(sw_job_add(f->store, &bad, &(struct sw_run_new){0}, &id, &f->err), SW_INVALID);
    bad = good;
    bad.argv_json = NULL;
    fails(sw_job_add(f->store, &bad, &(struct sw_run_new){0}, &id, &f->err), SW_INVALID);
    bad = good;
    bad.gpu_count = -1;
    fails(sw_job_add(f->store, &bad, &(struct sw_run_new){0}, &id, &f->err), SW_INVALID);
    fails(sw_job_add(f->store, &good, &(struct sw_run_new){.run_id = "bad"}, &id, &f->err), SW_INVALID);
    struct sw_job job;
    fails(sw_job_get(f->store, 1, f->arena, &job, &f->err), SW_NOT_FOUND); // nothing half-made is left
    fails(sw_job_set_reason(f->store, 1, "x", &f->err), SW_NOT_FOUND);
    ok(sw_job_add(f->store, &good, &(struct sw_run_new){0}, &id, &f->err));
    fails(sw_job_finish(f->store, id, &(struct sw_job_end){.state = SW_JOB_RUNNING}, &f->err), SW_INVALID);
}

// Processes that claim at the same time never hold more than there is.
static void test_claims_of_many_processes(void **state)
{
    struct fixture *f = *state;
    enum { JOBS = 8 };
    int64_t ids[JOBS];
    for (int i = 0; i < JOBS; i++)
        ids[i] = add_job(f, 1, 1, 0);
    sw_store_close(f->store);
    f->store = NULL;
    pid_t children[JOBS];
    for (int i = 0; i < JOBS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct sw_store *s = NULL;
            struct sw_err err = {0};
            bool claimed = false;
            if (sw_store_open(f->dir, SW_STORE_OPEN, &s, &err) != SW_OK)
                _exit(9);
            enum sw_code code = sw_job_try_claim(s, ids[i], &gpu_machine, &claimed, &err);
            sw_store_close(s);
            _exit(code != SW_OK ? 8 : claimed ? 1 : 0);
        }
    }
    int claimed = 0;
    for (int i = 0; i < JOBS; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
        claimed += WEXITSTATUS(status);
    }
    ok(sw_store_open(f->dir, SW_STORE_OPEN, &f->store, &f->err));
    assert_true(claimed <= 2);     // two GPUs; fewer when younger jobs asked before older ones
    for (int i = 0; i < JOBS; i++) // in order, the rest of the room goes to the oldest
        if (get(f, ids[i]).state == SW_JOB_QUEUED)
            claimed += claim(f, ids[i], &gpu_machine);
    assert_int_equal(claimed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_life_of_a_job),
        store_test(test_run_starts_with_the_first_attempt),
        store_test(test_stop),
        store_test(test_cpu_slots_and_order),
        store_test(test_room_is_kept_for_older_jobs),
        store_test(test_gpus),
        store_test(test_after),
        store_test(test_dead_supervisor_loses_its_place),
        store_test(test_waiting_costs_no_writes),
        store_test(test_bad_jobs),
        store_test(test_claims_of_many_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
