// SPDX-License-Identifier: Apache-2.0
// Whole training runs in forked processes: the number of ranks does not matter, a killed run goes on to the same bits, a
// stop is agreed on, divergence and lost ranks end all ranks with the reason, a full disk does not end training, and
// what is reported is what happened.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>

#include "core/base/file.h"
#include "core/base/jobenv.h"
#include "core/base/tree.h"
#include "tests/unit/gpu/fixture.h"
#include "tests/unit/gpu/ranks.h"

// What a rank is to do. Strings are per rank where a test needs it.
struct plan {
    struct fixture *fixture;
    struct sw_train_config config;
    int64_t attempt;
    const char *failpoint;
    int failpoint_rank;
    bool must_stop;      // asked for before the first step, on the last rank
    const char *metrics; // file for the metrics pipe of rank 0
};

static volatile sig_atomic_t stop_flag;

static int train_rank(void *ctx, int rank, int size, int comm_fd, FILE *out)
{
    struct plan *p = ctx;
    struct sw_train_env env = fixture_env(p->fixture, rank, size, comm_fd);
    struct sw_train_result result;
    struct sw_err err = {0};
    char fd_text[16];
    if (p->failpoint && rank == p->failpoint_rank)
        setenv("SLIPWAY_FAILPOINT", p->failpoint, 1);
    if (p->metrics && rank == 0) {
        int fd = open(p->metrics, O_CREAT | O_WRONLY | O_APPEND, 0600);
        snprintf(fd_text, sizeof fd_text, "%d", fd);
        setenv(SW_ENV_METRICS_FD, fd_text, 1);
    } else {
        unsetenv(SW_ENV_METRICS_FD);
    }
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
        return 99;
    env.attempt = p->attempt ? p->attempt : 1;
    stop_flag = p->must_stop && rank == size - 1;
    env.stop = &stop_flag;
    p->config.ranks = size;
    enum sw_code code = sw_train_run(&p->config, &env, &p->fixture->data, &result, &err);
    if (code)
        fprintf(out, "%s", err.message);
    else
        fprintf(out, "%.9f %.9f %lld", result.val_accuracy, result.train_loss, (long long)result.steps);
    return code ? 100 + (int)code : result.is_stopped ? SW_EXIT_REQUEUE : 0;
}

static void run(struct plan *p, int size, struct ranks *r)
{
    ranks_start(r, size, train_rank, p);
    ranks_join(r);
}

static void run_well(struct plan *p, int size)
{
    struct ranks r;
    run(p, size, &r);
    for (int i = 0; i < size; i++)
        if (ranks_exit(&r, i) != 0)
            fail_msg("rank %d of %d: %d %s", i, size, ranks_exit(&r, i), r.message[i]);
}

// The parameters in the exported model.
static void read_params(const struct fixture *f, struct sw_model *m)
{
    char path[128];
    struct sw_err err = {0};
    snprintf(path, sizeof path, "%s/out/model/model.onnx", f->folder);
    if (sw_onnx_load(path, m, &err))
        fail_msg("%s", err.message);
}

static void read_text(const struct fixture *f, const char *name, struct sw_buf *out)
{
    char path[128];
    struct sw_err err = {0};
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    sw_buf_init(out, 1 << 24);
    if (sw_file_read(path, out, &err))
        fail_msg("%s", err.message);
}

static const struct sw_shape image = {1, 8, 8}, table = {12, 1, 1};

static void ranks_do_not_matter(void **state)
{
    (void)state;
    static const struct {
        const char *net;
        struct sw_shape shape;
        const char *optimizer;
    } cases[] = {{"fc16-fc8", {12, 1, 1}, "adamw"}, {"conv6-pool-fc10", {1, 8, 8}, "sgd"}};
    for (size_t c = 0; c < 2; c++) {
        struct sw_model one = {0};
        for (int size = 1; size <= 4; size *= 2) {
            struct fixture f;
            struct sw_model m = {0};
            assert_int_equal(fixture_open(&f, cases[c].shape, 205), 0); // odd: shares differ, the last batch is short
            struct plan p = {.fixture = &f, .config = fixture_config(cases[c].net)};
            p.config.optimizer = sw_optimizer_find(cases[c].optimizer);
            run_well(&p, size);
            read_params(&f, &m);
            if (size == 1) {
                one = m;
            } else {
                double most = 0;
                for (size_t i = 0; i < m.net.params; i++)
                    most = fmax(most, fabs((double)m.params[i] - (double)one.params[i]));
                if (most > 1e-5)
                    fail_msg("%s with %d ranks differs from one rank by %g", cases[c].net, size, most);
                sw_model_free(&m);
            }
            fixture_close(&f);
        }
        sw_model_free(&one);
    }
}

static void equal_seeds_give_equal_files(void **state)
{
    (void)state;
    struct fixture f[3];
    struct sw_buf onnx[3], text[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(fixture_open(&f[i], image, 150), 0);
        struct plan p = {.fixture = &f[i], .config = fixture_config("conv4-pool")};
        p.config.seed = i == 2 ? 8 : 7;
        run_well(&p, 2);
        read_text(&f[i], "out/model/model.onnx", &onnx[i]);
        read_text(&f[i], "out/model/model.json", &text[i]);
        fixture_close(&f[i]);
    }
    assert_int_equal(onnx[0].len, onnx[1].len);
    assert_memory_equal(onnx[0].data, onnx[1].data, onnx[0].len);
    assert_string_equal(text[0].data, text[1].data);
    assert_memory_not_equal(onnx[0].data, onnx[2].data, onnx[0].len);
    for (int i = 0; i < 3; i++) {
        sw_buf_free(&onnx[i]);
        sw_buf_free(&text[i]);
    }
}

static void it_learns(void **state)
{
    (void)state;
    struct fixture f;
    struct ranks r;
    assert_int_equal(fixture_open(&f, table, 600), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc32")};
    p.config.epochs = 15;
    run(&p, 1, &r);
    assert_int_equal(ranks_exit(&r, 0), 0);
    if (atof(r.message[0]) < 0.9)
        fail_msg("validation accuracy, train loss, steps: %s", r.message[0]);
    fixture_close(&f);
}

#ifdef SW_FAILPOINTS
// Runs `plan` with a kill at `failpoint`, starts it again as the next attempt, and compares with an undisturbed run.
static void expect_same_end(const char *failpoint, int checkpoint_every, const struct sw_buf *want,
                            const struct sw_buf *want_text)
{
    struct fixture f;
    struct ranks r;
    struct sw_buf got, got_text;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16"), .failpoint = failpoint};
    p.config.checkpoint_every = checkpoint_every;
    run(&p, 2, &r);
    if (ranks_exit(&r, 0) != -SIGKILL)
        fail_msg("%s: not killed but %d %s", failpoint, ranks_exit(&r, 0), r.message[0]);
    assert_int_equal(ranks_exit(&r, 1), 100 + (int)SW_FAILED);
    assert_non_null(strstr(r.message[1], "rank 0"));
    p.failpoint = NULL;
    p.attempt = 2;
    run_well(&p, 2);
    read_text(&f, "out/model/model.onnx", &got);
    if (got.len != want->len || memcmp(got.data, want->data, got.len) != 0)
        fail_msg("%s: the resumed run ended with other bits", failpoint);
    read_text(&f, "out/model/model.json", &got_text);
    assert_string_equal(got_text.data, want_text->data); // the figures of the last epoch, too
    sw_buf_free(&got);
    sw_buf_free(&got_text);
    fixture_close(&f);
}
#endif

static void killed_runs_resume_to_the_same_bits(void **state)
{
    (void)state;
#ifdef SW_FAILPOINTS
    struct fixture f;
    struct sw_buf want, text;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16")};
    run_well(&p, 2);
    read_text(&f, "out/model/model.onnx", &want);
    read_text(&f, "out/model/model.json", &text);
    fixture_close(&f);
    expect_same_end("train.step:2=kill", 0, &want, &text); // before the first checkpoint
    expect_same_end("train.step:14=kill", 0, &want, &text);
    expect_same_end("train.step:23=kill", 5, &want, &text); // inside an epoch
    expect_same_end("checkpoint.write:1=kill", 4, &want, &text);
    expect_same_end("checkpoint.write:5=kill", 4, &want, &text);
    expect_same_end("checkpoint.done:2=kill", 4, &want, &text);
    expect_same_end("checkpoint.rename:3=kill", 4, &want, &text);
    expect_same_end("checkpoint.rename:3=kill", 0, &want, &text); // of the last epoch
    expect_same_end("model.write:1=kill", 0, &want, &text);       // only the model is missing
    expect_same_end("model.write:2=kill", 7, &want, &text);
    sw_buf_free(&want);
    sw_buf_free(&text);
#else
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
}

static void a_stop_is_agreed_on_and_resumed(void **state)
{
    (void)state;
    struct sw_buf want, got;
    struct fixture f[2];
    for (int i = 0; i < 2; i++) {
        struct ranks r;
        assert_int_equal(fixture_open(&f[i], table, 150), 0);
        struct plan p = {.fixture = &f[i], .config = fixture_config("fc16")};
        for (int64_t attempt = 1; i == 1 && attempt <= 3; attempt++) { // one step an attempt
            p.must_stop = true;
            p.attempt = attempt;
            run(&p, 2, &r);
            for (int rank = 0; rank < 2; rank++)
                if (ranks_exit(&r, rank) != SW_EXIT_REQUEUE)
                    fail_msg("rank %d: %d %s", rank, ranks_exit(&r, rank), r.message[rank]);
            p.must_stop = false;
            p.attempt = attempt + 1;
        }
        run_well(&p, 2);
        read_text(&f[i], "out/model/model.onnx", i ? &got : &want);
        fixture_close(&f[i]);
    }
    assert_int_equal(want.len, got.len);
    assert_memory_equal(want.data, got.data, want.len);
    sw_buf_free(&want);
    sw_buf_free(&got);
}

static void fewer_ranks_may_go_on(void **state)
{
    (void)state;
    struct fixture f;
    struct ranks r;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16"), .must_stop = true};
    run(&p, 3, &r);
    assert_int_equal(ranks_exit(&r, 0), SW_EXIT_REQUEUE);
    p.must_stop = false;
    p.attempt = 2;
    run_well(&p, 1);
    fixture_close(&f);
}

static void another_run_s_checkpoint_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    struct ranks r;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16"), .must_stop = true};
    run(&p, 1, &r);
    assert_int_equal(ranks_exit(&r, 0), SW_EXIT_REQUEUE);
    p.config = fixture_config("fc17");
    p.config.is_resuming = true;
    run(&p, 1, &r);
    assert_int_equal(ranks_exit(&r, 0), 100 + (int)SW_CONFLICT);
    assert_non_null(strstr(r.message[0], "net is fc16 there, fc17 here"));
    fixture_close(&f);
}

static void divergence_names_the_step(void **state)
{
    (void)state;
    struct fixture f;
    struct ranks r;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16-fc16")};
    p.config.optimizer = sw_optimizer_find("sgd");
    p.config.hyper.lr = 1000;
    p.config.warmup = 0;
    run(&p, 2, &r);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ranks_exit(&r, i), 100 + (int)SW_DIVERGED);
        assert_non_null(strstr(r.message[i], "at step "));
    }
    fixture_close(&f);
}

static void lost_ranks_end_the_others(void **state)
{
    (void)state;
#ifdef SW_FAILPOINTS
    struct fixture f;
    struct ranks r;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {
        .fixture = &f, .config = fixture_config("fc16"), .failpoint = "train.step:3=kill", .failpoint_rank = 1};
    run(&p, 3, &r);
    for (int i = 0; i < 3; i += 2) {
        assert_int_equal(ranks_exit(&r, i), 100 + (int)SW_FAILED);
        assert_non_null(strstr(r.message[i], "rank 1 (process "));
    }
    p.failpoint = "train.step:3=eio";
    run(&p, 2, &r);
    assert_int_equal(ranks_exit(&r, 1), 100 + (int)SW_IO);
    assert_int_equal(ranks_exit(&r, 0), 100 + (int)SW_FAILED);
    assert_non_null(strstr(r.message[0], "rank 1 failed: step 2"));
    fixture_close(&f);
#else
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
}

static void a_full_disk_does_not_end_training(void **state)
{
    (void)state;
#ifdef SW_FAILPOINTS
    struct fixture f;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16"), .failpoint = "checkpoint.write:4=enospc"};
    run_well(&p, 1);
    char path[128];
    snprintf(path, sizeof path, "%s/checkpoints/step-27/DONE", f.folder);
    assert_int_equal(access(path, F_OK), 0); // the ones after it are there
    fixture_close(&f);
#else
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
}

static void reports_say_what_happened(void **state)
{
    (void)state;
    struct fixture f;
    struct sw_buf lines;
    char path[128];
    assert_int_equal(fixture_open(&f, table, 150), 0);
    snprintf(path, sizeof path, "%s/metrics", f.folder);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16"), .metrics = path};
    run_well(&p, 2);
    read_text(&f, "metrics", &lines);
    int losses = 0, epochs = 0, params = 0;
    double fraction = -1;
    for (char *line = strtok(lines.data, "\n"); line; line = strtok(NULL, "\n")) {
        struct sw_err err = {0};
        json_t *o;
        if (sw_json_parse(line, strlen(line), "metrics", &sw_tree_limits_default, &o, &err))
            fail_msg("%s: %s", err.message, line);
        const json_t *metrics = json_object_get(o, "metrics"), *progress = json_object_get(o, "progress");
        if (json_object_get(metrics, "loss")) {
            losses++;
            assert_int_equal(sw_tree_int(o, "step", 0), 5 * losses);
            assert_true(sw_tree_real(metrics, "lr", 0) > 0);
        }
        if (json_object_get(metrics, "val_accuracy")) {
            epochs++;
            assert_int_equal(sw_tree_int(o, "step", 0), 9 * epochs); // 135 rows in batches of 16
        }
        if (progress) {
            assert_true(sw_tree_real(progress, "fraction", -1) >= fraction);
            fraction = sw_tree_real(progress, "fraction", -1);
            assert_non_null(strstr(sw_tree_text(progress, "text"), "rows/s · ETA "));
        }
        if (json_object_get(o, "params")) {
            params++;
            assert_string_equal(sw_tree_text(json_object_get(o, "params"), "ranks"), "2");
            assert_string_equal(sw_tree_text(json_object_get(o, "params"), "lr"), "0.003");
        }
        json_decref(o);
    }
    assert_int_equal(losses, 5); // 27 steps
    assert_int_equal(epochs, 3);
    assert_int_equal(params, 1);
    assert_true(fraction == 1);
    sw_buf_free(&lines);
    fixture_close(&f);
}

static enum sw_code one_bad_label(void *ctx, const int64_t *rows, size_t count, float *features, int32_t *labels,
                                  struct sw_err *err)
{
    enum sw_code code = fixture_gather(ctx, rows, count, features, labels, err);
    for (size_t i = 0; i < count && labels; i++)
        if (rows[i] == 77)
            labels[i] = 3;
    return code;
}

static void bad_data_is_named(void **state)
{
    (void)state;
    struct fixture f;
    struct ranks r;
    assert_int_equal(fixture_open(&f, table, 150), 0);
    struct plan p = {.fixture = &f, .config = fixture_config("fc16")};
    f.data.gather = one_bad_label;
    p.config.val_fraction = 0;
    run(&p, 1, &r);
    assert_int_equal(ranks_exit(&r, 0), 100 + (int)SW_INVALID);
    assert_non_null(strstr(r.message[0], "row 77 has class 3, the data set has 3 classes"));
    f.data.gather = fixture_gather;
    f.data.rows = 0;
    run(&p, 1, &r);
    assert_non_null(strstr(r.message[0], "no rows"));
    f.data.rows = 5; // a batch larger than the data is one step an epoch
    p.config.val_fraction = 0.2;
    run_well(&p, 2);
    p.config.net = "conv4";
    run(&p, 1, &r);
    assert_int_equal(ranks_exit(&r, 0), 100 + (int)SW_USAGE);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns),
        cmocka_unit_test(ranks_do_not_matter),
        cmocka_unit_test(equal_seeds_give_equal_files),
        cmocka_unit_test(killed_runs_resume_to_the_same_bits),
        cmocka_unit_test(a_stop_is_agreed_on_and_resumed),
        cmocka_unit_test(fewer_ranks_may_go_on),
        cmocka_unit_test(another_run_s_checkpoint_is_refused),
        cmocka_unit_test(divergence_names_the_step),
        cmocka_unit_test(lost_ranks_end_the_others),
        cmocka_unit_test(a_full_disk_does_not_end_training),
        cmocka_unit_test(reports_say_what_happened),
        cmocka_unit_test(bad_data_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
