// SPDX-License-Identifier: Apache-2.0
// What jobs survive and what does not survive them: terminals and submitters that die, supervisors that are killed at
// every dangerous place, processes that try to stay behind, and the order of the queue.
#include "tests/unit/job/job_test.h"

// A job whose process leaves one behind that double-forked, called setsid() and ignores SIGTERM.
static int64_t submit_stray(struct fixture *f, bool stay, struct sw_job_spec spec)
{
    const char *const argv[] = {self_path(), "stray", f->token, stay ? "stay" : NULL, NULL};
    spec.argv = argv;
    spec.grace_ms = spec.grace_ms ? spec.grace_ms : 200;
    return submit(f, &spec);
}

static void nothing_is_left_after_a_stop(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    int64_t id = submit_stray(f, true, (struct sw_job_spec){.ranks = 2});
    wait_log(f, id, "[r1] stray is out");
    wait_log(f, id, "[r0] stray is out");
    OK(sw_job_stop(f->store, id, &err));
    wait_end(f, id, SW_JOB_STOPPED, "stopped on request");
    assert_int_equal(find_process(f->token), 0);
}

static void nothing_is_left_after_a_normal_end(void **state)
{
    struct fixture *f = *state;
    int64_t id = submit_stray(f, false, (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_DONE, "");
    assert_int_equal(find_process(f->token), 0);
}

static void the_grace_time_is_the_job_s(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    // The shell ends at SIGTERM; its child saves its state first and is given the time.
    int64_t id = submit_script(
        f, "sh -c 'trap \"sleep 0.5; echo saved; exit 75\" TERM; echo ready; while :; do sleep 0.05; done' & wait",
        (struct sw_job_spec){.grace_ms = 20000});
    wait_log(f, id, "[r0] ready");
    OK(sw_job_stop(f->store, id, &err));
    wait_end(f, id, SW_JOB_STOPPED, "stopped on request");
    wait_log(f, id, "[r0] saved");
}

static bool has_supervisor(const struct sw_job *job)
{
    return job->supervisor_pid > 0;
}

static pid_t supervisor_of(struct fixture *f, int64_t id)
{
    struct job_view v = wait_job(f, id, has_supervisor);
    pid_t pid = (pid_t)v.job.supervisor_pid;
    sw_arena_free(v.arena);
    return pid;
}

static void a_killed_supervisor_makes_the_job_lost(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_reap_report report;
    int64_t id = submit_stray(f, true, (struct sw_job_spec){.ranks = 2});
    wait_log(f, id, "[r0] stray is out");
    wait_log(f, id, "[r1] stray is out");
    OK(sw_job_reap(f->store, NULL, &report, &err));
    assert_int_equal(report.lost, 0); // it lives
    kill(supervisor_of(f, id), SIGKILL);
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; report.lost == 0; sw_clock_sleep_ms(5)) {
        OK(sw_job_reap(f->store, NULL, &report, &err)); // until the kernel has done its part
        assert_true(sw_clock_mono_ms() < until);
    }
    wait_end(f, id, SW_JOB_LOST, "slipway retry");
    assert_no_process(f->token);
    OK(sw_job_reap(f->store, NULL, &report, &err));
    assert_int_equal(report.lost, 0);
    // It can be tried again.
    OK(sw_job_retry(f->store, id, NULL, &err));
    wait_running(f, id);
    OK(sw_job_stop(f->store, id, &err));
    wait_end(f, id, SW_JOB_STOPPED, NULL);
}

static void strays_without_our_environment_are_found(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_reap_report report = {0};
    char script[256]; // a clean environment, but still in the rank's session
    snprintf(script, sizeof(script),
             "env -i sh -c 'trap \"\" TERM HUP; while :; do /bin/sleep 0.05; done' %s & echo out; wait", f->token);
    int64_t id = submit_script(f, script, (struct sw_job_spec){0});
    wait_log(f, id, "[r0] out");
    kill(supervisor_of(f, id), SIGKILL);
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; report.lost == 0; sw_clock_sleep_ms(5)) {
        OK(sw_job_reap(f->store, NULL, &report, &err));
        assert_true(sw_clock_mono_ms() < until);
    }
    assert_no_process(f->token);
}

static void a_terminated_supervisor_stops_its_job(void **state)
{
    struct fixture *f = *state;
    int64_t id = submit_script(f, "exec sleep 600", (struct sw_job_spec){.grace_ms = 5000});
    wait_running(f, id);
    wait_log(f, id, "attempt 1");
    kill(supervisor_of(f, id), SIGTERM);
    wait_end(f, id, SW_JOB_STOPPED, "SIGTERM");
    assert_no_process(f->token);
}

static bool is_queued_again(const struct sw_job *job)
{
    return job->state == SW_JOB_QUEUED && job->attempt == 1;
}

static void a_job_that_can_save_itself_outlives_a_shutdown(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_reap_report report = {0};
    int64_t id = submit_script(f,
                               "[ $SLIPWAY_ATTEMPT -gt 1 ] && exit 0; trap 'exit 75' TERM; echo ready; "
                               "while :; do sleep 0.05; done",
                               (struct sw_job_spec){.grace_ms = 5000});
    wait_log(f, id, "[r0] ready");
    kill(supervisor_of(f, id), SIGTERM);
    sw_arena_free(wait_job(f, id, is_queued_again).arena);
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; report.restarted == 0; sw_clock_sleep_ms(10)) {
        OK(sw_job_reap(f->store, NULL, &report, &err)); // once its supervisor has gone
        assert_true(sw_clock_mono_ms() < until);
    }
    wait_end(f, id, SW_JOB_DONE, "");
    struct job_view v = view_job(f, id);
    assert_int_equal(v.job.attempt, 2);
    sw_arena_free(v.arena);
}

// Starts a submitter in a session of its own, as a terminal's shell would be.
static pid_t start_submitter(struct fixture *f, const char *script, const char *failpoint)
{
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        if (failpoint)
            setenv("SLIPWAY_FAILPOINT", failpoint, 1);
        execl(self_path(), self_path(), "submit", f->store_dir, f->token, script, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void a_job_survives_its_terminal_and_submitter(void **state)
{
    struct fixture *f = *state;
    char script[256], path[SW_PATH_MAX];
    snprintf(script, sizeof(script), "echo up; while [ ! -e '%s/go' ]; do sleep 0.01; done; echo through", f->dir);
    pid_t submitter = start_submitter(f, script, NULL);
    wait_log(f, 1, "[r1] up");
    // What a closing terminal does: SIGHUP to everything in the session; and then the worst.
    kill(-submitter, SIGHUP);
    kill(submitter, SIGKILL);
    waitpid(submitter, NULL, 0);
    pid_t supervisor = supervisor_of(f, 1);
    kill(supervisor, SIGHUP);
    assert_int_equal(getsid(supervisor), supervisor);
    snprintf(path, sizeof(path), "%s/go", f->dir);
    write_file(f, "go", "");
    wait_end(f, 1, SW_JOB_DONE, "");
    wait_log(f, 1, "[r0] through");
}

static bool waits_for_cpu(const struct sw_job *job)
{
    return job->state == SW_JOB_QUEUED && strstr(job->reason, "CPU slot");
}
static bool waits_for_gpu(const struct sw_job *job)
{
    return job->state == SW_JOB_QUEUED && strstr(job->reason, "GPU");
}
static bool waits_for_job(const struct sw_job *job)
{
    return job->state == SW_JOB_QUEUED && strstr(job->reason, "after job");
}

static void the_queue_keeps_its_order_and_says_why(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    setenv("SLIPWAY_CPU_SLOTS", "2", 1);
    const char *script = "while [ ! -e go ]; do sleep 0.01; done; echo $SLIPWAY_JOB_ID >> order";
    int64_t first = submit_script(f, script, (struct sw_job_spec){.cpu_slots = 2});
    wait_running(f, first);
    int64_t second = submit_script(f, script, (struct sw_job_spec){.cpu_slots = 2});
    sw_arena_free(wait_job(f, second, waits_for_cpu).arena);
    int64_t third = submit_script(f, script, (struct sw_job_spec){.cpu_slots = 1});
    int64_t fourth = submit_script(f, script, (struct sw_job_spec){.after_job_id = third, .cpu_slots = 1});
    sw_arena_free(wait_job(f, fourth, waits_for_job).arena);
    int64_t stopped = submit_script(f, script, (struct sw_job_spec){.cpu_slots = 2});
    OK(sw_job_stop(f->store, stopped, &err));
    wait_end(f, stopped, SW_JOB_STOPPED, "before it started");
    int64_t orphan = submit_script(f, script, (struct sw_job_spec){.after_job_id = stopped});
    wait_end(f, orphan, SW_JOB_STOPPED, "ended as stopped");
    write_file(f, "go", "");
    wait_end(f, fourth, SW_JOB_DONE, "");
    char path[SW_PATH_MAX], wanted[64];
    struct sw_buf order;
    sw_buf_init(&order, 4096);
    snprintf(path, sizeof(path), "%s/order", f->dir);
    OK(sw_file_read(path, &order, &err));
    snprintf(wanted, sizeof(wanted), "%d\n%d\n%d\n%d\n", (int)first, (int)second, (int)third, (int)fourth);
    assert_string_equal(order.data, wanted);
    sw_buf_free(&order);
}

static void gpus_are_leased_by_uuid(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    char path[SW_PATH_MAX];
    OK(sw_path_sibling("../../fakes/nvml.so", path, &err));
    if (access(path, R_OK) != 0)
        fail_msg("%s is missing: make fakes", path);
    setenv("SLIPWAY_NVML_LIBRARY", path, 1); // two GPUs
    const char *script = "echo \"sees [$CUDA_VISIBLE_DEVICES]\"; while [ ! -e go ]; do sleep 0.01; done";
    int64_t first = submit_script(f, script, (struct sw_job_spec){.gpu_count = 1});
    wait_log(f, first, "sees [GPU-00000000-0000-4000-8000-000000000000]");
    int64_t second = submit_script(f, script, (struct sw_job_spec){.gpu_count = 2});
    struct job_view v = wait_job(f, second, waits_for_gpu);
    assert_non_null(strstr(v.job.reason, "held by job 1"));
    sw_arena_free(v.arena);
    int64_t third = submit_script(f, script, (struct sw_job_spec){0}); // wants none: it may pass, and sees none
    wait_log(f, third, "sees []");
    int64_t id;
    const char *const argv[] = {"true", NULL};
    struct sw_job_spec greedy = {.argv = argv, .gpu_count = 3};
    assert_int_equal(sw_job_submit(f->store, &greedy, NULL, &id, &err), SW_INVALID);
    write_file(f, "go", "");
    wait_log(f, second, "sees [GPU-00000000-0000-4000-8000-000000000000,GPU-00000000-0000-4000-8000-000000000001]");
    wait_end(f, second, SW_JOB_DONE, "");
    wait_end(f, first, SW_JOB_DONE, "");
    wait_end(f, third, SW_JOB_DONE, "");
}

static void a_queue_outlives_its_supervisors(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_reap_report report = {0};
    setenv("SLIPWAY_CPU_SLOTS", "1", 1);
    setenv("SLIPWAY_TEST_VALUE", "from the submitter", 1);
    int64_t first = submit_script(f, "while [ ! -e go ]; do sleep 0.01; done", (struct sw_job_spec){0});
    wait_running(f, first);
    int64_t second = submit_script(f, "echo \"value: $SLIPWAY_TEST_VALUE\"", (struct sw_job_spec){0});
    sw_arena_free(wait_job(f, second, waits_for_cpu).arena);
    unsetenv("SLIPWAY_TEST_VALUE");
    pid_t pid = supervisor_of(f, second);
    kill(pid, SIGTERM); // a machine that shuts down: the queue is still there afterwards
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; report.restarted == 0; sw_clock_sleep_ms(10)) {
        OK(sw_job_reap(f->store, NULL, &report, &err));
        assert_true(sw_clock_mono_ms() < until);
    }
    assert_int_not_equal(supervisor_of(f, second), pid);
    write_file(f, "go", "");
    wait_end(f, first, SW_JOB_DONE, "");
    wait_end(f, second, SW_JOB_DONE, "");
    wait_log(f, second, "value: from the submitter");
}

// Kills at a failpoint, then does what every reader does. The job must end in `state`, with nothing left of it.
static void crash(struct fixture *f, const char *failpoint, const char *script, enum sw_job_state state)
{
    struct sw_err err = {0};
    int64_t id = 0;
    if (strncmp(failpoint, "job.submit", 10) == 0) {
        pid_t submitter = start_submitter(f, script, failpoint);
        waitpid(submitter, NULL, 0);
        id = 1;
    } else {
        setenv("SLIPWAY_FAILPOINT", failpoint, 1);
        id = submit_script(f, script, (struct sw_job_spec){.ranks = 2});
        unsetenv("SLIPWAY_FAILPOINT");
    }
    struct job_view v = view_job(f, id);
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; !is_ended(&v.job); sw_clock_sleep_ms(20)) {
        OK(sw_job_reap(f->store, NULL, NULL, &err));
        sw_arena_free(v.arena);
        v = view_job(f, id);
        if (sw_clock_mono_ms() > until)
            fail_msg("%s: job stays %s: %s", failpoint, sw_job_state_word(v.job.state), v.job.reason);
    }
    if (v.job.state != state)
        fail_msg("%s: job is %s: %s", failpoint, sw_job_state_word(v.job.state), v.job.reason);
    sw_arena_free(v.arena);
    assert_no_process(f->token);
    if (state != SW_JOB_LOST)
        return;
    OK(sw_job_retry(f->store, id, NULL, &err)); // and the same job can be finished
    wait_end(f, id, SW_JOB_DONE, NULL);
    struct sw_run run;
    v = view_job(f, id);
    OK(sw_run_get(f->store, v.job.run_id, v.arena, &run, &err));
    assert_int_equal(run.status, SW_RUN_FINISHED);
    sw_arena_free(v.arena);
}

static void crashes_are_recovered_from(void **state)
{
    struct fixture *f = *state;
    const char *quick = "echo '{\"metrics\": {\"loss\": 1}}' >&3; echo quick";
    crash(f, "job.submit=kill", quick, SW_JOB_DONE); // the row was there: a reader started its supervisor
    crash(f, "job.start=kill", quick, SW_JOB_LOST);
    crash(f, "job.spawn=kill", quick, SW_JOB_LOST);
    crash(f, "job.spawn:2=kill", "[ $SLIPWAY_ATTEMPT -gt 1 ] || exec sleep 600", SW_JOB_LOST);
    crash(f, "job.intake=kill", "echo '{\"metrics\": {\"loss\": 1}}' >&3; [ $SLIPWAY_ATTEMPT -gt 1 ] || exec sleep 600",
          SW_JOB_LOST);
    crash(f, "job.finish=kill", quick, SW_JOB_DONE); // its result had been written down
}

static void a_full_disk_ends_nothing(void **state)
{
    struct fixture *f = *state;
    setenv("SLIPWAY_FAILPOINT", "job.intake=enospc", 1);
    int64_t id = submit_script(f, "echo '{\"metrics\": {\"loss\": 1}}' >&3", (struct sw_job_spec){0});
    unsetenv("SLIPWAY_FAILPOINT");
    wait_end(f, id, SW_JOB_DONE, "");
    setenv("SLIPWAY_FAILPOINT", "job.spawn=eio", 1);
    id = submit_script(f, "true", (struct sw_job_spec){0});
    unsetenv("SLIPWAY_FAILPOINT");
    wait_end(f, id, SW_JOB_FAILED, "cannot start rank 0");
}

// A job whose script queues another and then does `what`; the submitter stays behind as a stray of the outer one.
static int64_t submit_nested(struct fixture *f, const char *what)
{
    char script[2048];
    snprintf(script, sizeof(script),
             "rm -f up; '%s' submit '%s' within 'echo up > up; while [ ! -e go ]; do sleep 0.01; done' & "
             "while [ ! -e up ]; do sleep 0.01; done; echo both; %s",
             self_path(), f->store_dir, what);
    int64_t id = submit_script(f, script, (struct sw_job_spec){.grace_ms = 200});
    wait_log(f, id, "[r0] both");
    return id;
}

static void a_job_queued_inside_a_job_goes_on_without_it(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_reap_report report = {0};
    char stray[128];
    snprintf(stray, sizeof(stray), "setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' %s & exit 0", f->token);
    int64_t ended = submit_nested(f, stray); // outer 1, inner 2
    wait_end(f, ended, SW_JOB_DONE, "");
    assert_no_process(f->token);
    int64_t stopped = submit_nested(f, "exec sleep 600"); // 3 and 4
    OK(sw_job_stop(f->store, stopped, &err));
    wait_end(f, stopped, SW_JOB_STOPPED, "stopped on request");
    int64_t killed = submit_nested(f, "exec sleep 600"); // 5 and 6
    kill(supervisor_of(f, killed), SIGKILL);
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; report.lost == 0; sw_clock_sleep_ms(5)) {
        OK(sw_job_reap(f->store, NULL, &report, &err));
        assert_true(sw_clock_mono_ms() < until);
    }
    wait_end(f, killed, SW_JOB_LOST, "slipway retry");
    assert_no_process(f->token);
    for (int64_t inner = ended + 1; inner <= killed + 1; inner += 2)
        wait_running(f, inner);
    write_file(f, "go", "");
    for (int64_t inner = ended + 1; inner <= killed + 1; inner += 2)
        wait_end(f, inner, SW_JOB_DONE, "");
}

int main(int argc, char **argv)
{
    int role = play_role(argc, argv);
    if (role >= 0)
        return role;
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_left_after_a_stop),
        TEST(nothing_is_left_after_a_normal_end),
        TEST(the_grace_time_is_the_job_s),
        TEST(a_killed_supervisor_makes_the_job_lost),
        TEST(strays_without_our_environment_are_found),
        TEST(a_terminated_supervisor_stops_its_job),
        TEST(a_job_that_can_save_itself_outlives_a_shutdown),
        TEST(a_job_survives_its_terminal_and_submitter),
        TEST(the_queue_keeps_its_order_and_says_why),
        TEST(gpus_are_leased_by_uuid),
        TEST(a_queue_outlives_its_supervisors),
        TEST(crashes_are_recovered_from),
        TEST(a_full_disk_ends_nothing),
        TEST(a_job_queued_inside_a_job_goes_on_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
