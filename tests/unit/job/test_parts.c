// SPDX-License-Identifier: Apache-2.0
// The supervisor's pieces one by one: lines and their limits, rotating logs and their readers, numbers found in text,
// the metrics protocol, environments.
#include "tests/unit/job/job_test.h"

#include "core/job/job_private.h"
#include "core/job/tracking_private.h"

#include <math.h>

// --- lines ---

struct heard {
    char lines[4096], states[4096];
};
static void hear_line(void *ctx, const char *line, size_t len)
{
    struct heard *h = ctx;
    snprintf(h->lines + strlen(h->lines), sizeof(h->lines) - strlen(h->lines), "<%.*s>", (int)len, line);
}
static void hear_state(void *ctx, const char *line, size_t len)
{
    struct heard *h = ctx;
    snprintf(h->states + strlen(h->states), sizeof(h->states) - strlen(h->states), "<%.*s>", (int)len, line);
}

static void lines_come_out_whole_whatever_the_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *input, *lines, *states;
    } cases[] = {
        {"one\ntwo\n", "<one><two>", ""},
        {"\n\n", "<><>", ""},
        {"no newline", "<no newline>", ""},
        {"a\r\nb\r\n", "<a><b>", ""},
        {"1%\r2%\r3%\nend\n", "<3%><end>", "<1%><2%>"},
        {"\r1%\r\r2%", "<2%>", "<1%>"},
        {"done\r", "<done>", ""},
        {"0123456789abcdefghij\n", "<0123456789abcdef [4 more bytes]>", ""},
        {"0123456789abcdefghij\rshort\n", "<short>", "<0123456789abcdef>"},
        {"\x1b[31mred\x1b[0m\n", "<\x1b[31mred\x1b[0m>", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t block = 1; block <= 32; block++) {
            struct heard h = {0};
            struct sw_job_lines l;
            sw_job_lines_init(&l, 16, hear_line, hear_state, &h);
            for (size_t at = 0, len = strlen(cases[i].input); at < len; at += block)
                sw_job_lines_feed(&l, cases[i].input + at, len - at < block ? len - at : block);
            sw_job_lines_end(&l);
            assert_string_equal(h.lines, cases[i].lines);
            assert_string_equal(h.states, cases[i].states);
            sw_job_lines_free(&l);
        }
}

// --- logs ---

// A job folder in the fixture's store, without a job.
static void log_place(struct fixture *f, char path[static SW_PATH_MAX])
{
    struct sw_err err = {0};
    OK(sw_job_path(sw_store_dir(f->store), 1, NULL, path, &err));
    OK(sw_path_make_dirs(path, &err));
    OK(sw_job_path(sw_store_dir(f->store), 1, "all.log", path, &err));
}

static void add_lines(struct sw_job_log *log, int from, int to)
{
    for (int i = from; i < to; i++) {
        char line[32];
        snprintf(line, sizeof(line), "line %04d", i);
        sw_job_log_line(log, "", line, strlen(line));
        sw_job_log_flush(log);
    }
}

static void logs_rotate_once_and_readers_follow(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_log log;
    struct sw_job_log_cursor cursor = {0};
    char path[SW_PATH_MAX], old[SW_PATH_MAX + 4];
    struct sw_buf text, all;
    struct stat st;
    log_place(f, path);
    snprintf(old, sizeof(old), "%s.1", path);
    sw_buf_init(&text, 1 << 20);
    sw_buf_init(&all, 1 << 20);
    OK(sw_job_log_open(&log, path, 1000, &err)); // 100 lines of 10 bytes
    for (int i = 0; i < 500; i += 37) {          // fewer than 100: the reader keeps up with the rotations
        add_lines(&log, i, i + 37 < 500 ? i + 37 : 500);
        OK(sw_job_log_follow(f->store, 1, SW_JOB_LOG_ALL, &cursor, &all, &err));
    }
    assert_int_equal(all.len, 500 * 10);
    for (int i = 0; i < 500; i++)
        assert_int_equal(atoi(all.data + i * 10 + 5), i);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= 1000);
    assert_int_equal(stat(old, &st), 0);
    assert_true(st.st_size <= 1000);
    snprintf(old, sizeof(old), "%s.2", path);
    assert_int_not_equal(access(old, F_OK), 0);

    OK(sw_job_log_tail(f->store, 1, SW_JOB_LOG_ALL, 120, &text, NULL, &err)); // across the rotation
    assert_int_equal(text.len, 120 * 10);
    assert_memory_equal(text.data, "line 0380\n", 10);
    sw_buf_clear(&text);
    OK(sw_job_log_tail(f->store, 1, SW_JOB_LOG_ALL, 3, &text, NULL, &err));
    assert_string_equal(text.data, "line 0497\nline 0498\nline 0499\n");

    struct sw_buf small; // room for five lines only: the newest
    sw_buf_init(&small, 55);
    OK(sw_job_log_tail(f->store, 1, SW_JOB_LOG_ALL, 0, &small, NULL, &err));
    assert_memory_equal(small.data + small.len - 10, "line 0499\n", 10);
    assert_true(small.len % 10 == 0 && small.len >= 40);
    sw_buf_free(&small);

    sw_clock_sleep_ms(20);     // the clock of file times is coarse: files born later must look it
    add_lines(&log, 500, 900); // more than two files: some are gone before they are read, and that is said
    sw_buf_clear(&all);
    OK(sw_job_log_follow(f->store, 1, SW_JOB_LOG_ALL, &cursor, &all, &err));
    assert_memory_equal(all.data + all.len - 10, "line 0899\n", 10);
    assert_memory_equal(all.data, SW_JOB_NOTE_PREFIX, strlen(SW_JOB_NOTE_PREFIX));
    sw_job_log_close(&log);
    sw_buf_free(&all);
    sw_buf_free(&text);
}

static void half_a_line_is_not_given(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_log_cursor cursor = {0};
    struct sw_buf text;
    char path[SW_PATH_MAX];
    log_place(f, path);
    sw_buf_init(&text, 1 << 20);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_int_equal(write(fd, "whole\nhal", 9), 9);
    OK(sw_job_log_tail(f->store, 1, SW_JOB_LOG_ALL, 0, &text, &cursor, &err));
    assert_string_equal(text.data, "whole\n");
    sw_buf_clear(&text);
    OK(sw_job_log_follow(f->store, 1, SW_JOB_LOG_ALL, &cursor, &text, &err));
    assert_int_equal(text.len, 0);
    assert_int_equal(write(fd, "f\n", 2), 2);
    OK(sw_job_log_follow(f->store, 1, SW_JOB_LOG_ALL, &cursor, &text, &err));
    assert_string_equal(text.data, "half\n");
    close(fd);
    sw_buf_free(&text);
}

static void a_log_that_cannot_be_written_says_so_later(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_log log;
    char path[SW_PATH_MAX];
    struct sw_buf text;
    log_place(f, path);
    OK(sw_job_log_open(&log, path, 1000, &err));
    int real = log.fd;
    log.fd = open("/dev/full", O_WRONLY | O_CLOEXEC); // every write is ENOSPC
    add_lines(&log, 0, 3);
    close(log.fd);
    log.fd = real;
    add_lines(&log, 3, 4);
    sw_job_log_close(&log);
    sw_buf_init(&text, 4096);
    OK(sw_file_read(path, &text, &err));
    assert_string_equal(text.data, SW_JOB_NOTE_PREFIX "3 lines could not be written here\nline 0003\n");
    sw_buf_free(&text);
}

// --- numbers in text ---

static const struct sw_metric_point *point(const struct sw_job_intake *in, const char *key)
{
    for (size_t i = 0; i < in->batch.point_count; i++)
        if (strcmp(in->batch.points[i].key, key) == 0)
            return &in->batch.points[i];
    return NULL;
}

static void numbers_are_found_in_lines(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int count;
        const char *key;
        double value;
        int64_t step;
    } cases[] = {
        {"step=10 loss=0.25", 1, "loss", 0.25, 10},
        {"Epoch [3/10], Step [100/600], Loss: 0.3012", 1, "Loss", 0.3012, 100},
        {"epoch 4: train_loss: 1e-3 - val/acc: 97.5%", 2, "val/acc", 97.5, 4},
        {"global_step 7 | loss=nan | lr=-0.5", 2, "lr", -0.5, 7},
        {"\x1b[32mstep 5\x1b[0m \x1b[1mloss=0.5\x1b[0m", 1, "loss", 0.5, 5},
        {"10:22:33 step 3 time: 12:30 took=3ms ok=1.5.2 loss=0.5", 1, "loss", 0.5, 3},
        {"loss=0.25", 0, NULL, 0, 0},                  // no step
        {"a stepping stone 3, loss=1", 0, NULL, 0, 0}, // no step either
        {"step 3", 0, NULL, 0, 0},
    };
    struct sw_job_patterns *p = NULL;
    struct sw_err err = {0};
    OK(sw_job_patterns_new(true, NULL, 0, &p, &err));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sw_job_intake in;
        sw_job_intake_init(&in);
        sw_job_patterns_line(p, &in, cases[i].line, strlen(cases[i].line));
        if ((int)in.batch.point_count != cases[i].count)
            fail_msg("\"%s\": %zu points", cases[i].line, in.batch.point_count);
        const struct sw_metric_point *found = cases[i].key ? point(&in, cases[i].key) : NULL;
        if (cases[i].key && (!found || fabs(found->value - cases[i].value) > 1e-12 || found->step != cases[i].step))
            fail_msg("\"%s\": not %s=%g at %d", cases[i].line, cases[i].key, cases[i].value, (int)cases[i].step);
        sw_job_intake_free(&in);
    }
    sw_job_patterns_free(p);
}

static void bad_patterns_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *part;
    } cases[] = {
        {"loss", "KEY=REGEX"}, {"=x", "KEY=REGEX"}, {"loss=(", "regular expression"}, {"loss=[0-9]+", "no group"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sw_job_patterns *p = NULL;
        struct sw_err err = {0};
        assert_int_equal(sw_job_patterns_new(false, &cases[i].pattern, 1, &p, &err), SW_INVALID);
        assert_non_null(strstr(err.message, cases[i].part));
    }
}

// --- the metrics protocol ---

static void hostile_metric_lines_do_no_harm(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "[]",
        "1",
        "\"text\"",
        "{",
        "{\"metrics\": 1}",
        "{\"metrics\": {\"\": 1}}",
        "{\"a\": {\"b\": {\"c\": {\"d\": {}}}}}",
        "{\"metrics\": {\"x\": null}}",
        "{\"metrics\": {\"x\": [1]}}",
        "{\"params\": {\"\": \"x\"}}",
        "\xff\xfe",
        "{\"metrics\": {\"x\": 1}, \"metrics\": {\"x\": 2}}",
        "NaN",
        "{\"nothing\": 1}",
    };
    struct sw_job_intake in;
    sw_job_intake_init(&in);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        sw_job_intake_line(&in, lines[i], strlen(lines[i]));
        if (in.rejected != (int64_t)i + 1)
            fail_msg("\"%s\" was not refused once", lines[i]);
    }
    assert_int_equal(in.batch.point_count + in.batch.pair_count, 0);
    assert_non_null(strstr(in.first_rejected, "[]"));
    char text[] =
        "{\"tags\": {\"note\": \"NaN is \\\" Infinity\"}, \"metrics\": {\"x\": -Infinity}, \"step\": 9007199254740993}";
    sw_job_intake_line(&in, text, strlen(text)); // bare words are quoted outside strings only
    assert_string_equal(in.batch.pairs[0].value, "NaN is \" Infinity");
    assert_true(isinf(in.batch.points[0].value) && in.batch.points[0].value < 0);
    assert_int_equal(in.batch.points[0].step, 9007199254740993);
    sw_job_intake_free(&in);
}

// A line that begins with a member nobody knows goes through the JSON parser; without it, through the short way. Both must
// say the same of every line, the valid ones and those with a byte changed, left out or doubled.
static void the_short_way_means_what_the_parser_means(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"step\": 10, \"time_ms\": 5, \"metrics\": {\"loss\": 0.25, \"lr\": 1e-3, \"n\": -7}}",
        "{\"time_ms\":7,\"step\":-3,\"metrics\":{\"a b\":0,\"c\":12345678901234567890}}",
        "{\"time_ms\": 1, \"metrics\": {\"loss\": 2.5E+2, \"acc\": 0.0}}",
    };
    uint64_t seed = 1;
    size_t plain = 0;
    for (int round = 0; round < 20000; round++) {
        char line[256], longer[300];
        size_t len = (size_t)snprintf(line, sizeof(line), "%s", lines[round % 3]);
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        size_t at = (seed >> 33) % len;
        if (round >= 3 && seed >> 60 < 6) {
            line[at] = (char)(seed >> 40);
        } else if (round >= 3 && seed >> 60 < 11) {
            memmove(line + at, line + at + 1, len-- - at);
        } else if (round >= 3) {
            memmove(line + at + 1, line + at, ++len - at);
        }
        if (memchr(line, '\0', len) || line[0] != '{')
            continue;
        snprintf(longer, sizeof(longer), "{\"x\": 1, %s", line + 1);
        struct sw_job_intake a, b;
        sw_job_intake_init(&a);
        sw_job_intake_init(&b);
        plain += sw_job_intake_plain_line(&a, line, len);
        if (a.batch.point_count == 0 && a.rejected == 0) // not plain: then it had no effect
            sw_job_intake_line(&a, line, len);
        sw_job_intake_line(&b, longer, strlen(longer));
        assert_int_equal(a.batch.point_count, b.batch.point_count);
        assert_int_equal(a.rejected, b.rejected);
        for (size_t i = 0; i < a.batch.point_count; i++) {
            const struct sw_metric_point *p = &a.batch.points[i], *q = &b.batch.points[i];
            assert_string_equal(p->key, q->key);
            assert_true(p->value == q->value || (isnan(p->value) && isnan(q->value)));
            assert_int_equal(p->step, q->step);
            assert_true(p->time_ms == q->time_ms || p->time_ms > 1000000); // without a time it is now
        }
        sw_job_intake_free(&a);
        sw_job_intake_free(&b);
    }
    assert_true(plain > 3000); // the short way was taken, not only refused
}

static void too_many_names_are_refused_and_old_ones_stay(void **state)
{
    (void)state;
    struct sw_job_intake in;
    char key[32];
    sw_job_intake_init(&in);
    for (int i = 0; i < SW_JOB_METRIC_KEYS + 5; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        sw_job_intake_point(&in, key, strlen(key), i, INT64_MIN, 1);
    }
    assert_int_equal(in.rejected, 5);
    sw_job_intake_point(&in, "key-7", 5, 1, INT64_MIN, 1);
    assert_int_equal(in.rejected, 5);
    assert_int_equal(in.batch.points[in.batch.point_count - 1].step, 1);
    sw_job_intake_free(&in);
}

static void bars_give_progress_until_the_job_speaks_itself(void **state)
{
    (void)state;
    struct sw_job_intake in;
    sw_job_intake_init(&in);
    static const char bar[] = " 45%|####      | 9/20 [00:01<00:02,  8.1it/s]", other[] = "memory 1.5% of 12%";
    sw_job_intake_bar(&in, other, strlen(other));
    sw_job_intake_bar(&in, "no number", 9);
    sw_job_intake_bar(&in, "%", 1);
    sw_job_intake_bar(&in, bar, strlen(bar));
    assert_true(in.has_progress && fabs(in.progress - 0.45) < 1e-12);
    assert_non_null(strstr(in.progress_text, "9/20"));
    static const char line[] = "{\"progress\": {\"fraction\": 0.5, \"text\": \"epoch 2/4\"}}";
    sw_job_intake_line(&in, line, strlen(line));
    sw_job_intake_bar(&in, bar, strlen(bar));
    assert_true(fabs(in.progress - 0.5) < 1e-12);
    assert_string_equal(in.progress_text, "epoch 2/4");
    sw_job_intake_free(&in);
}

// --- environments ---

static void captured_environments_hold_no_secrets(void **state)
{
    (void)state;
    const char *const list[] = {"HOME=/h",
                                "AWS_SECRET_ACCESS_KEY=s1",
                                "GITHUB_TOKEN=s2",
                                "DB=mysql://u:s3@h/d",
                                "PLAIN_URL=https://host/path@x:y",
                                "SLIPWAY_FAILPOINT=x",
                                "broken",
                                "=odd",
                                NULL};
    struct sw_err err = {0};
    json_t *saved = NULL, *shown = NULL;
    OK(sw_job_env_capture(list, &saved, &err));
    OK(sw_job_env_show(list, &shown, &err));
    assert_int_equal(json_object_size(saved), 2);
    assert_string_equal(json_string_value(json_object_get(saved, "HOME")), "/h");
    assert_non_null(json_object_get(saved, "PLAIN_URL"));
    assert_string_equal(json_string_value(json_object_get(shown, "GITHUB_TOKEN")), SW_JOB_REDACTED);
    assert_string_equal(json_string_value(json_object_get(shown, "DB")), SW_JOB_REDACTED);
    json_decref(saved);
    json_decref(shown);
}

static void a_rank_s_environment_replaces_and_adds(void **state)
{
    (void)state;
    const char *const list[] = {"RANK=9",
                                "MASTER_PORT=1",
                                "A=1",
                                "A=2",
                                "CUDA_VISIBLE_DEVICES=0,1",
                                "OMP_NUM_THREADS=3",
                                "HTTP_PROXY=http://proxy",
                                "NO_PROXY=corp",
                                NULL};
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_job_env e = {.arena = a};
    struct sw_job job = {
        .job_id = 4, .ranks = 2, .attempt = 2, .max_retries = 3, .run_id = "r", .cpu_slots = 8, .gpu_uuids = ""};
    const struct sw_job_tracking tracking = {.port = 4711, .token = "secret", .experiment_id = 3};
    struct sw_job_rank_context c = {.job = &job,
                                    .dir = "/w",
                                    .artifact_dir = "/a",
                                    .rank = 1,
                                    .port = 2000,
                                    .metrics_fd = 3,
                                    .comm_fd = 4,
                                    .has_gpus = true,
                                    .tracking = &tracking};
    sw_job_env_add_all(&e, list);
    sw_job_env_add_rank(&e, &c);
    static const struct sw_pair wanted[] = {
        {"RANK", "1"},
        {"WORLD_SIZE", "2"},
        {"MASTER_PORT", "2000"},
        {"A", "2"},
        {"CUDA_VISIBLE_DEVICES", ""},
        {"OMP_NUM_THREADS", "3"},
        {"SLIPWAY_JOB_ID", "4"},
        {"SLIPWAY_ATTEMPT", "2"},
        {"SLIPWAY_COMM_FD", "4"},
        {"TORCHELASTIC_RESTART_COUNT", "1"},
        {"MLFLOW_RUN_ID", "r"},
        {"MLFLOW_TRACKING_URI", "http://127.0.0.1:4711"},
        {"MLFLOW_TRACKING_TOKEN", "secret"},
        {"MLFLOW_EXPERIMENT_ID", "3"},
        {"no_proxy", "corp,127.0.0.1,localhost"},
        {"NO_PROXY", "corp,127.0.0.1,localhost"},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_string_equal(sw_job_env_get(&e, wanted[i].key), wanted[i].value);
    assert_null(e.items[e.count]);
    c.gpu_indices = "1"; // for deepspeed
    job.gpu_count = 1;
    sw_job_env_add_rank(&e, &c);
    assert_string_equal(sw_job_env_get(&e, "CUDA_VISIBLE_DEVICES"), "1");
    sw_arena_free(a);
}

static void a_server_given_for_the_job_is_left_alone(void **state)
{
    (void)state;
    const char *const list[] = {"MLFLOW_TRACKING_URI=http://mine", NULL};
    struct sw_arena *a = sw_arena_new(1 << 20);
    struct sw_job_env e = {.arena = a};
    struct sw_job job = {.job_id = 4, .ranks = 1, .attempt = 1, .run_id = "r", .gpu_uuids = ""};
    const struct sw_job_tracking tracking = {.port = 4711, .token = "secret", .experiment_id = 3};
    struct sw_job_rank_context c = {
        .job = &job, .dir = "/w", .artifact_dir = "/a", .comm_fd = -1, .tracking = &tracking};
    sw_job_env_add_all(&e, list);
    sw_job_env_add_rank(&e, &c);
    assert_string_equal(sw_job_env_get(&e, "MLFLOW_TRACKING_URI"), "http://mine");
    assert_null(sw_job_env_get(&e, "MLFLOW_TRACKING_TOKEN"));
    assert_null(sw_job_env_get(&e, "MLFLOW_RUN_ID"));
    assert_null(sw_job_env_get(&e, "MLFLOW_EXPERIMENT_ID"));
    sw_arena_free(a);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_out_whole_whatever_the_blocks),
        TEST(logs_rotate_once_and_readers_follow),
        TEST(half_a_line_is_not_given),
        TEST(a_log_that_cannot_be_written_says_so_later),
        cmocka_unit_test(numbers_are_found_in_lines),
        cmocka_unit_test(bad_patterns_are_named),
        cmocka_unit_test(hostile_metric_lines_do_no_harm),
        cmocka_unit_test(the_short_way_means_what_the_parser_means),
        cmocka_unit_test(too_many_names_are_refused_and_old_ones_stay),
        cmocka_unit_test(bars_give_progress_until_the_job_speaks_itself),
        cmocka_unit_test(captured_environments_hold_no_secrets),
        cmocka_unit_test(a_rank_s_environment_replaces_and_adds),
        cmocka_unit_test(a_server_given_for_the_job_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
