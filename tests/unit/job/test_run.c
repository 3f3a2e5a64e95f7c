// SPDX-License-Identifier: Apache-2.0
// Whole jobs: what their processes find, how they end, what is recorded.
#include "tests/unit/job/job_test.h"

#include "core/base/tree.h"
#include "core/store/metric.h"

#include <math.h>

static void a_command_runs_and_is_recorded(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    int64_t id = submit_script(f, "echo hello; echo oops >&2; echo kept > \"$SLIPWAY_ARTIFACT_DIR/out.txt\"",
                               (struct sw_job_spec){.name = "first", .experiment = "trial"});
    wait_end(f, id, SW_JOB_DONE, "");
    struct job_view v = view_job(f, id);
    assert_int_equal(v.job.exit_code, 0);
    assert_int_equal(v.job.attempt, 1);
    assert_string_equal(v.job.name, "first");
    char *all = read_log(f, id, SW_JOB_LOG_ALL), *rank = read_log(f, id, 0);
    assert_non_null(strstr(all, "[r0] hello\n"));
    assert_non_null(strstr(all, "[r0] oops\n"));
    assert_non_null(strstr(rank, "\nhello\n"));
    assert_non_null(strstr(rank, "attempt 1, 1 rank"));
    free(all);
    free(rank);

    struct sw_run run;
    OK(sw_run_get(f->store, v.job.run_id, v.arena, &run, &err));
    assert_int_equal(run.status, SW_RUN_FINISHED);
    assert_string_equal(run.experiment_name, "trial");
    assert_string_equal(run.name, "first");
    assert_non_null(strstr(run.source, "/bin/sh -c"));
    char dir[SW_PATH_MAX], path[SW_PATH_MAX];
    OK(sw_run_artifact_dir(f->store, v.job.run_id, dir, &err));
    OK(sw_path_join(path, dir, "out.txt", &err));
    assert_int_equal(access(path, R_OK), 0);
    OK(sw_path_join(path, dir, "context.json", &err));
    struct sw_buf text;
    sw_buf_init(&text, 1 << 20);
    OK(sw_file_read(path, &text, &err));
    json_t *context = NULL;
    OK(sw_json_parse(text.data, text.len, "context.json", &sw_tree_limits_default, &context, &err));
    assert_string_equal(sw_tree_text(context, "cwd"), f->dir);
    assert_true(sw_tree_int(json_object_get(context, "host"), "cpus_usable", 0) >= 1);
    json_decref(context);
    sw_buf_free(&text);
    sw_arena_free(v.arena);
}

static void a_single_rank_finds_no_rendezvous(void **state)
{
    struct fixture *f = *state;
    setenv("RANK", "7", 1); // left over in the submitter's environment
    int64_t id = submit_script(
        f, "echo \"rank=${RANK-none} job=$SLIPWAY_JOB_ID attempt=$SLIPWAY_ATTEMPT fd=$SLIPWAY_METRICS_FD\"",
        (struct sw_job_spec){0});
    unsetenv("RANK");
    wait_end(f, id, SW_JOB_DONE, "");
    char wanted[64], *log = read_log(f, id, 0);
    snprintf(wanted, sizeof(wanted), "\nrank=none job=%d attempt=1 fd=3\n", (int)id);
    assert_non_null(strstr(log, wanted));
    free(log);
}

static void several_ranks_find_each_other(void **state)
{
    struct fixture *f = *state;
    int64_t id = submit_script(
        f,
        "echo \"$RANK/$LOCAL_RANK of $WORLD_SIZE/$LOCAL_WORLD_SIZE at $MASTER_ADDR\"; "
        "test \"$MASTER_PORT\" -gt 1024 && echo port; test -e /proc/self/fd/$SLIPWAY_COMM_FD && echo memory; "
        "ls /proc/self/fd | wc -l",
        (struct sw_job_spec){.ranks = 3});
    wait_end(f, id, SW_JOB_DONE, "");
    for (int rank = 0; rank < 3; rank++) {
        char wanted[64], *log = read_log(f, id, rank);
        snprintf(wanted, sizeof(wanted), "\n%d/%d of 3/3 at 127.0.0.1\n", rank, rank);
        assert_non_null(strstr(log, wanted));
        assert_non_null(strstr(log, "\nport\n"));
        assert_non_null(strstr(log, "\nmemory\n"));
        assert_non_null(strstr(log, "\n6\n")); // 0 to 4, and ls's own: nothing of the supervisor leaks
        free(log);
    }
}

static bool store_contains(const char *dir, const char *text)
{
    char command[512];
    snprintf(command, sizeof(command), "grep -rqa -- '%s' '%s'", text, dir);
    return system(command) == 0;
}

static void secrets_reach_the_job_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    const char *const env[] = {"MY_API_KEY=sesame-one", "PLAIN=visible-thing", NULL};
    setenv("HF_TOKEN", "sesame-two", 1);
    setenv("DB_ADDRESS", "postgres://me:sesame-three@db/x", 1);
    int64_t id =
        submit_script(f,
                      "test \"$MY_API_KEY$HF_TOKEN\" = sesame-onesesame-two && test \"$PLAIN\" = visible-thing && "
                      "test \"$DB_ADDRESS\" = postgres://me:sesame-three@db/x && echo known",
                      (struct sw_job_spec){.env = env});
    wait_end(f, id, SW_JOB_DONE, "");
    unsetenv("HF_TOKEN");
    unsetenv("DB_ADDRESS");
    char *log = read_log(f, id, 0);
    assert_non_null(strstr(log, "\nknown\n"));
    free(log);
    char command[512]; // the script itself names two of them: look for the values as assignments and JSON values
    snprintf(command, sizeof(command), "grep -rqaE '\"sesame-|=sesame-|: \"postgres' '%s'", f->store_dir);
    assert_int_not_equal(system(command), 0);
    assert_true(store_contains(f->store_dir, "visible-thing"));
    struct job_view v = view_job(f, id);
    assert_non_null(strstr(v.job.env_json, "[secret]"));
    sw_arena_free(v.arena);
}

static void the_git_state_is_kept(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    char command[512];
    snprintf(command, sizeof(command),
             "cd '%s' && mkdir repo && cd repo && git init -q && echo one > a.txt && git add a.txt && "
             "git -c user.name=t -c user.email=t@t commit -qm first && echo two >> a.txt",
             f->dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "%s/repo", f->dir);
    int64_t id = submit_script(f, "true", (struct sw_job_spec){.cwd = command});
    wait_end(f, id, SW_JOB_DONE, "");
    struct job_view v = view_job(f, id);
    struct sw_run run;
    OK(sw_run_get(f->store, v.job.run_id, v.arena, &run, &err));
    bool has_commit = false, is_dirty = false;
    for (size_t i = 0; i < run.tag_count; i++) {
        has_commit |= strcmp(run.tags[i].key, "mlflow.source.git.commit") == 0 && strlen(run.tags[i].value) == 40;
        is_dirty |= strcmp(run.tags[i].key, "slipway.git.dirty") == 0 && strcmp(run.tags[i].value, "true") == 0;
    }
    assert_true(has_commit && is_dirty);
    char dir[SW_PATH_MAX];
    OK(sw_run_artifact_dir(f->store, v.job.run_id, dir, &err));
    snprintf(command, sizeof(command), "grep -q '^+two' '%.300s/git.diff'", dir);
    assert_int_equal(system(command), 0);
    sw_arena_free(v.arena);
}

static void the_first_failing_rank_is_named(void **state)
{
    struct fixture *f = *state;
    int64_t id = submit_script(f,
                               "if [ $RANK = 1 ]; then echo working; echo 'ValueError: bad shape' >&2; exit 3; fi; "
                               "exec sleep 600",
                               (struct sw_job_spec){.ranks = 3});
    wait_end(f, id, SW_JOB_FAILED, "rank 1 exited with 3: \"ValueError: bad shape\"");
    struct job_view v = view_job(f, id);
    assert_int_equal(v.job.failed_rank, 1);
    assert_int_equal(v.job.exit_code, 3);
    sw_arena_free(v.arena);
    assert_no_process(f->token);

    id = submit_script(f, "echo last words; kill -SEGV $$", (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_FAILED, "rank 0 was killed by SIGSEGV: \"last words\"");
    id = submit_script(f, "kill -KILL $$", (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_FAILED, "rank 0 was killed by SIGKILL (perhaps out of memory)");
    id = submit_script(f, "exit 137", (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_FAILED, "rank 0 exited with 137 (SIGKILL, perhaps out of memory)");
    id = submit_script(f, "echo 'loss is nan'; exit 86", (struct sw_job_spec){.max_retries = 3});
    wait_end(f, id, SW_JOB_DIVERGED, "loss is nan");
}

// Counts its own starts in the job's folder, which is kept across attempts.
#define COUNTING                                                                                                       \
    "n=$(cat \"$SLIPWAY_JOB_DIR/n\" 2>/dev/null || echo 0); n=$((n + 1)); echo $n > \"$SLIPWAY_JOB_DIR/n\"; "

static void failures_are_retried_and_requeues_are_free(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    int64_t id = submit_script(f, COUNTING "test $n -ge 3", (struct sw_job_spec){.max_retries = 2});
    wait_end(f, id, SW_JOB_DONE, "");
    struct job_view v = view_job(f, id);
    assert_int_equal(v.job.attempt, 3);
    sw_arena_free(v.arena);

    id = submit_script(f, COUNTING "test $n -ge 3", (struct sw_job_spec){.max_retries = 1});
    wait_end(f, id, SW_JOB_FAILED, "rank 0 exited with 1");
    OK(sw_job_retry(f->store, id, NULL, &err)); // the third attempt, by request
    wait_end(f, id, SW_JOB_DONE, "");
    assert_int_equal(sw_job_retry(f->store, id, NULL, &err), SW_INVALID);

    id = submit_script(f, COUNTING "test $n -ge 4 || exit 75", (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_DONE, "");
    v = view_job(f, id);
    assert_int_equal(v.job.attempt, 4);
    sw_arena_free(v.arena);
    char *log = read_log(f, id, SW_JOB_LOG_ALL);
    assert_non_null(strstr(log, "attempt 4"));
    free(log);
}

static void a_time_limit_ends_the_job(void **state)
{
    struct fixture *f = *state;
    int64_t id = submit_script(f, "exec sleep 600", (struct sw_job_spec){.time_limit_ms = 300, .max_retries = 3});
    wait_end(f, id, SW_JOB_STOPPED, "time limit of 300 ms reached");
    struct job_view v = view_job(f, id);
    assert_int_equal(v.job.attempt, 1);
    sw_arena_free(v.arena);
    assert_no_process(f->token);
}

static void what_cannot_run_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    int64_t id = 0;
    const char *const missing[] = {"no-such-command-here", NULL}, *const sh[] = {"sh", NULL}, *const none[] = {NULL};
    const char *const bad_pattern[] = {"loss=loss: [0-9", NULL};
    const struct {
        struct sw_job_spec spec;
        enum sw_code code;
        const char *part;
    } cases[] = {
        {{.argv = none}, SW_INVALID, "no command"},
        {{.argv = missing}, SW_NOT_FOUND, "no-such-command-here"},
        {{.argv = sh, .cwd = "/no/such/folder"}, SW_NOT_FOUND, "/no/such/folder"},
        {{.argv = sh, .gpu_count = 1}, SW_INVALID, "this machine has 0"},
        {{.argv = sh, .cpu_slots = 9}, SW_INVALID, "this machine has 8"},
        {{.argv = sh, .ranks = 1000}, SW_INVALID, "1000 ranks"},
        {{.argv = sh, .patterns = bad_pattern}, SW_INVALID, "regular expression"},
        {{.argv = sh, .time_limit_ms = -1}, SW_INVALID, "negative"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(sw_job_submit(f->store, &cases[i].spec, NULL, &id, &err), cases[i].code);
        if (!strstr(err.message, cases[i].part))
            fail_msg("\"%s\" does not say \"%s\"", err.message, cases[i].part);
    }
    // A file that may be executed and cannot: known only when it is tried.
    write_file(f, "broken",
               "\x7f"
               "ELF nonsense");
    char path[SW_PATH_MAX];
    snprintf(path, sizeof(path), "%s/broken", f->dir);
    chmod(path, 0700);
    const char *const broken[] = {path, NULL};
    id = submit(f, &(struct sw_job_spec){.argv = broken, .max_retries = 5});
    wait_end(f, id, SW_JOB_FAILED, "cannot run");
    // A supervisor that cannot be started leaves no job that waits for ever.
    struct sw_job_spec spec = {.argv = sh};
    assert_int_not_equal(sw_job_submit(f->store, &spec, "/bin/false", &id, &err), SW_OK);
    assert_non_null(strstr(err.message, "did not start"));
    wait_end(f, id + 1, SW_JOB_FAILED, "did not start");
}

static int supervise_in_child(struct fixture *f, int64_t id)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) { // sw_job_supervise() returns in two processes
        struct sw_err err = {0};
        _exit((int)sw_job_supervise(f->store_dir, id, &err));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_running_job_has_one_supervisor(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    int64_t id = submit_script(f, "exec sleep 600", (struct sw_job_spec){0});
    wait_running(f, id);
    assert_int_equal(supervise_in_child(f, id), SW_BUSY);
    assert_int_equal(supervise_in_child(f, 4711), SW_NOT_FOUND);
    assert_int_equal(sw_job_retry(f->store, id, NULL, &err), SW_CONFLICT);
    OK(sw_job_stop(f->store, id, &err));
    wait_end(f, id, SW_JOB_STOPPED, "stopped on request");
    assert_int_equal(sw_job_stop(f->store, id, &err), SW_CONFLICT);
    assert_int_equal(sw_job_stop(f->store, 4711, &err), SW_NOT_FOUND);
}

static int64_t point_count(struct fixture *f, int64_t id, const char *key, struct sw_metric_summary *out)
{
    struct sw_err err = {0};
    struct job_view v = view_job(f, id);
    struct sw_run run;
    int64_t count = 0;
    OK(sw_run_get(f->store, v.job.run_id, v.arena, &run, &err));
    for (size_t i = 0; i < run.metric_count; i++)
        if (strcmp(run.metrics[i].key, key) == 0) {
            count = run.metrics[i].count;
            *out = run.metrics[i];
        }
    sw_arena_free(v.arena);
    return count;
}

static void ten_thousand_metric_lines_arrive(void **state)
{
    struct fixture *f = *state;
    struct sw_metric_summary m = {0};
    int64_t id = submit_script(f,
                               "awk 'BEGIN { for (i = 0; i < 10000; i++) printf "
                               "\"{\\\"step\\\": %d, \\\"time_ms\\\": %d, \\\"metrics\\\": {\\\"loss\\\": %.6f}}\\n\", "
                               "i, 1000 + i, 1 / (i + 1) }' >&3",
                               (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_DONE, "");
    assert_int_equal(point_count(f, id, "loss", &m), 10000);
    assert_int_equal(m.last_step, 9999);
    assert_true(fabs(m.max - 1.0) < 1e-9 && fabs(m.last - 0.0001) < 1e-6);
}

static void garbage_on_the_pipe_is_counted_and_not_fatal(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_metric_summary m = {0};
    int64_t id =
        submit_script(f,
                      "exec >&3\n"
                      "echo 'not json'\n"
                      "echo '{\"metrics\": {\"loss\": \"much\"}}'\n"
                      "echo '{\"metrics\": {\"acc\": 0.5}}'\n"
                      "echo '{\"metrics\": {\"acc\": 0.6}}'\n"
                      "echo '{\"step\": 5, \"metrics\": {\"loss\": NaN, \"up\": \"Infinity\"}}'\n"
                      "echo '{\"params\": {\"lr\": 0.001, \"opt\": \"adamw\"}, \"tags\": {\"kind\": \"trial\"}}'\n"
                      "echo '{\"params\": {\"lr\": \"0.1\"}}'\n" // a param does not change
                      "echo '{\"progress\": {\"fraction\": 0.25, \"text\": \"epoch 1/4\"}}'\n"
                      "head -c 200000 /dev/zero | tr '\\0' x; echo\n"
                      "printf '{\"metrics\": {\"acc\": 0.7}}'", // without a newline, at the end
                      (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_DONE, "4 metrics were not understood, the first: \"not json\"");
    assert_int_equal(point_count(f, id, "acc", &m), 3);
    assert_int_equal(m.last_step, 2); // steps of points without one count up
    assert_int_equal(point_count(f, id, "loss", &m), 1);
    assert_int_equal(point_count(f, id, "up", &m), 1);
    struct job_view v = view_job(f, id);
    struct sw_run run;
    OK(sw_run_get(f->store, v.job.run_id, v.arena, &run, &err));
    assert_int_equal(run.param_count, 2);
    for (size_t i = 0; i < run.param_count; i++)
        assert_string_equal(run.params[i].value, strcmp(run.params[i].key, "lr") == 0 ? "0.001" : "adamw");
    assert_true(fabs(v.job.progress - 0.25) < 1e-9);
    assert_string_equal(v.job.progress_text, "epoch 1/4");
    sw_arena_free(v.arena);
}

static void metrics_are_taken_from_stdout_when_asked(void **state)
{
    struct fixture *f = *state;
    struct sw_metric_summary m = {0};
    const char *const patterns[] = {"speed=([0-9.]+) rows/s", NULL};
    const char *script =
        "echo 'step 3: loss=0.5, acc: 91% lr=1e-3'; echo 'step 4 loss=0.4'; echo 'loss=9 without a count'; "
        "echo 'at 812.5 rows/s'";
    int64_t id = submit_script(f, script, (struct sw_job_spec){.metrics_from_stdout = true, .patterns = patterns});
    wait_end(f, id, SW_JOB_DONE, "");
    assert_int_equal(point_count(f, id, "loss", &m), 2);
    assert_int_equal(m.last_step, 4);
    assert_int_equal(point_count(f, id, "acc", &m), 1);
    assert_true(fabs(m.last - 91) < 1e-9);
    assert_int_equal(point_count(f, id, "lr", &m), 1);
    assert_int_equal(point_count(f, id, "speed", &m), 1);
    assert_true(fabs(m.last - 812.5) < 1e-9);
    id = submit_script(f, script, (struct sw_job_spec){0});
    wait_end(f, id, SW_JOB_DONE, "");
    assert_int_equal(point_count(f, id, "loss", &m), 0);
}

static void a_locked_store_delays_metrics_and_loses_none(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_metric_summary m = {0};
    int64_t id = submit_script(
        f,
        "while [ ! -e go ]; do sleep 0.01; done; awk 'BEGIN { for (i = 0; i < 5000; i++) printf "
        "\"{\\\"step\\\": %d, \\\"metrics\\\": {\\\"loss\\\": 1}}\\n\", i }' >&3; echo written; echo done > done",
        (struct sw_job_spec){0});
    wait_running(f, id);
    OK(sw_store_begin(f->store, SW_STORE_NORMAL, &err)); // another program holds the write lock
    write_file(f, "go", "");
    char path[SW_PATH_MAX];
    snprintf(path, sizeof(path), "%s/done", f->dir);
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; access(path, F_OK) != 0; sw_clock_sleep_ms(10))
        assert_true(sw_clock_mono_ms() < until); // the job is not held up
    wait_log(f, id, "[r0] written");             // neither are its logs
    sw_store_rollback(f->store);
    wait_end(f, id, SW_JOB_DONE, "");
    assert_int_equal(point_count(f, id, "loss", &m), 5000);
}

static bool has_progress(const struct sw_job *job)
{
    return job->progress > 0;
}

static void progress_bars_collapse(void **state)
{
    struct fixture *f = *state;
    int64_t id = submit_script(
        f,
        "for i in 10 20 30; do printf '\\r%s%%|###   | step' $i >&2; done; "
        "while [ ! -e go ]; do sleep 0.01; done; printf '\\r100%%|######| end\\n' >&2; printf 'crlf\\r\\n'",
        (struct sw_job_spec){0});
    struct job_view v = wait_job(f, id, has_progress);
    assert_true(fabs(v.job.progress - 0.2) < 1e-9); // 30% is the current state, not yet passed over
    sw_arena_free(v.arena);
    write_file(f, "go", "");
    wait_end(f, id, SW_JOB_DONE, "");
    char *log = read_log(f, id, 0);
    assert_null(strstr(log, "20%"));
    assert_null(strchr(log, '\r'));
    assert_non_null(strstr(log, "\n100%|######| end\n"));
    assert_non_null(strstr(log, "\ncrlf\n"));
    free(log);
}

static void a_log_can_be_followed(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_buf text;
    struct sw_job_log_cursor cursor = {0};
    int64_t id = submit_script(f, "echo one; while [ ! -e go ]; do sleep 0.01; done; echo two; echo three",
                               (struct sw_job_spec){0});
    wait_log(f, id, "[r0] one");
    sw_buf_init(&text, 1 << 20);
    OK(sw_job_log_tail(f->store, id, SW_JOB_LOG_ALL, 1, &text, &cursor, &err));
    assert_string_equal(text.data, "[r0] one\n");
    sw_buf_clear(&text);
    OK(sw_job_log_follow(f->store, id, SW_JOB_LOG_ALL, &cursor, &text, &err));
    assert_int_equal(text.len, 0);
    write_file(f, "go", "");
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; !strstr(text.data, "three\n"); sw_clock_sleep_ms(10)) {
        OK(sw_job_log_follow(f->store, id, SW_JOB_LOG_ALL, &cursor, &text, &err));
        assert_true(sw_clock_mono_ms() < until);
    }
    assert_memory_equal(text.data, "[r0] two\n[r0] three\n", 20);
    sw_buf_free(&text);
    assert_int_equal(sw_job_log_tail(f->store, id, 5, 0, &text, NULL, &err), SW_NOT_FOUND);
    wait_end(f, id, SW_JOB_DONE, "");
}

int main(int argc, char **argv)
{
    int role = play_role(argc, argv);
    if (role >= 0)
        return role;
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        TEST(a_command_runs_and_is_recorded),
        TEST(a_single_rank_finds_no_rendezvous),
        TEST(several_ranks_find_each_other),
        TEST(secrets_reach_the_job_and_nothing_else),
        TEST(the_git_state_is_kept),
        TEST(the_first_failing_rank_is_named),
        TEST(failures_are_retried_and_requeues_are_free),
        TEST(a_time_limit_ends_the_job),
        TEST(what_cannot_run_is_refused_at_once),
        TEST(a_running_job_has_one_supervisor),
        TEST(ten_thousand_metric_lines_arrive),
        TEST(garbage_on_the_pipe_is_counted_and_not_fatal),
        TEST(metrics_are_taken_from_stdout_when_asked),
        TEST(a_locked_store_delays_metrics_and_loses_none),
        TEST(progress_bars_collapse),
        TEST(a_log_can_be_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
