// SPDX-License-Identifier: Apache-2.0
// Updates against their formulas in double precision over several steps, and the course of the learning rate.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "gpu/optimizer.h"
#include "gpu/rng.h"

enum { N = 77, STEPS = 12 };

static const struct sw_hyper hyper = {
    .lr = 0.02, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1};

static void sgd_formula(double *w, double g, double *m, int step, double lr)
{
    (void)step;
    m[0] = hyper.momentum * m[0] + g + hyper.weight_decay * *w;
    *w -= lr * m[0];
}

static void adamw_formula(double *w, double g, double *m, int step, double lr)
{
    *w -= lr * hyper.weight_decay * *w;
    m[0] = hyper.beta1 * m[0] + (1 - hyper.beta1) * g;
    m[1] = hyper.beta2 * m[1] + (1 - hyper.beta2) * g * g;
    double first = m[0] / (1 - pow(hyper.beta1, step + 1)), second = m[1] / (1 - pow(hyper.beta2, step + 1));
    *w -= lr * first / (sqrt(second) + hyper.epsilon);
}

static void check(const char *name, void (*formula)(double *, double, double *, int, double))
{
    static const char *const isas[] = {"avx512", "avx2", "base"};
    const struct sw_optimizer *o = sw_optimizer_find(name);
    for (size_t isa = 0; isa < 3; isa++) {
        const struct sw_engine *e;
        struct sw_device *d;
        struct sw_queue *q;
        struct sw_err err = {0};
        setenv("SLIPWAY_PLAIN_ISA", isas[isa], 1);
        if (sw_engine_open("plain", 0, &e, &d, &err))
            continue;
        assert_int_equal(e->queue_new(d, &q, &err), SW_OK);
        float *w, *state, g[N], got[N];
        double want[N], moments[N][2] = {0};
        assert_int_equal(e->alloc(d, N, &w, &err), SW_OK);
        assert_int_equal(e->alloc(d, (size_t)o->vectors * N, &state, &err), SW_OK);
        for (int i = 0; i < N; i++)
            want[i] = (double)(got[i] = sw_rng_uniform(1, 1, (uint64_t)i) - 0.5f);
        e->upload(q, w, got, sizeof got);
        for (int step = 0; step < STEPS; step++) {
            double lr = hyper.lr / (step + 1);
            for (int i = 0; i < N; i++) {
                g[i] = sw_rng_uniform(1, 2 + (uint64_t)step, (uint64_t)i) - 0.5f;
                formula(&want[i], (double)g[i], moments[i], step, lr);
            }
            o->step(e, q, &hyper, step, lr, N, w, g, state);
        }
        e->download(q, got, w, sizeof got);
        assert_int_equal(e->queue_sync(q, &err), SW_OK);
        for (int i = 0; i < N; i++)
            assert_true(fabs(want[i] - (double)got[i]) < 2e-6);
        e->queue_free(q);
        e->close(d); // frees w and state
    }
    unsetenv("SLIPWAY_PLAIN_ISA");
}

static void updates_follow_their_formulas(void **state)
{
    (void)state;
    check("sgd", sgd_formula);
    check("adamw", adamw_formula);
    assert_null(sw_optimizer_find("adagrad"));
}

static void rates_warm_up_and_fall(void **state)
{
    (void)state;
    const struct sw_schedule *cosine = sw_schedule_find("cosine"), *constant = sw_schedule_find("constant");
    assert_true(fabs(sw_schedule_lr(cosine, 1, 0, 100, 10) - 0.1) < 1e-12);
    assert_true(fabs(sw_schedule_lr(cosine, 1, 9, 100, 10) - 1) < 1e-12);
    assert_true(fabs(sw_schedule_lr(cosine, 1, 10, 100, 10) - 1) < 1e-12);
    assert_true(fabs(sw_schedule_lr(cosine, 1, 55, 100, 10) - 0.5) < 1e-12);
    assert_true(sw_schedule_lr(cosine, 1, 99, 100, 10) < 0.001);
    assert_true(sw_schedule_lr(constant, 2, 99, 100, 0) == 2);
    assert_true(sw_schedule_lr(constant, 2, 5, 10, 10) == 1.2);
    assert_true(sw_schedule_lr(cosine, 2, 10, 10, 10) == 2); // all steps were warm-up
    assert_null(sw_schedule_find("linear"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_follow_their_formulas),
        cmocka_unit_test(rates_warm_up_and_fall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
