// SPDX-License-Identifier: Apache-2.0
// Every layer's gradients equal central differences of an independent forward pass in double precision, on every
// instruction set that this machine has; losses equal its loss. Sizes are odd on purpose: panels, tiles, images and
// pooling all have remainders.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "gpu/rng.h"
#include "gpu/session.h"
#include "tests/unit/gpu/reference.h"

static const char *const isas[] = {"avx512", "avx2", "base"};

static const struct {
    const char *net;
    struct sw_shape in;
    int classes, rows;
} cases[] = {
    {"linear", {7, 1, 1}, 3, 5},       {"fc9", {5, 1, 1}, 3, 4},
    {"fc50-fc17", {13, 1, 1}, 11, 19}, {"conv3", {1, 3, 3}, 2, 3},
    {"conv5-conv9", {2, 6, 7}, 3, 3},  {"conv10-pool-conv7-pool-fc6", {3, 9, 11}, 4, 18},
    {"pool-fc5", {2, 5, 5}, 3, 4},     {"conv4-pool-conv4", {1, 16, 17}, 3, 2},
};

// Draws values of which none is near a kink of relu or pooling often enough to matter; the comparison skips those that are.
static void fill(const struct sw_net *net, int rows, float *params, float *features, int32_t *labels)
{
    for (size_t i = 0; i < net->params; i++)
        params[i] = 0.8f * (sw_rng_uniform(11, 1, i) - 0.5f);
    for (size_t i = 0; i < (size_t)rows * sw_shape_size(net->in); i++)
        features[i] = 2 * sw_rng_uniform(11, 2, i) - 1;
    for (int i = 0; i < rows; i++)
        labels[i] = (int32_t)((uint32_t)i * 7u % (uint32_t)net->classes);
}

static void to_double(const float *from, double *to, size_t count)
{
    for (size_t i = 0; i < count; i++)
        to[i] = (double)from[i];
}

enum { CHECKED_MAX = 240 };

// Parameters of one net and what their gradients should be, by central differences in double.
struct oracle {
    struct sw_net net;
    int rows;
    float *params, *features;
    int32_t *labels;
    double loss;
    size_t count, at[CHECKED_MAX];
    double slope[CHECKED_MAX];
};

static void build_oracle(struct oracle *o, const char *text, struct sw_shape in, int classes, int rows)
{
    struct sw_err err = {0};
    *o = (struct oracle){.rows = rows};
    assert_int_equal(sw_net_parse(text, in, classes, &o->net, &err), SW_OK);
    size_t inputs = (size_t)rows * sw_shape_size(in), kinks = 0;
    o->params = malloc(o->net.params * sizeof(float));
    o->features = malloc(inputs * sizeof(float));
    o->labels = malloc((size_t)rows * sizeof(int32_t));
    fill(&o->net, rows, o->params, o->features, o->labels);
    double *params = malloc(o->net.params * sizeof *params), *features = malloc(inputs * sizeof *features);
    to_double(o->params, params, o->net.params);
    to_double(o->features, features, inputs);
    o->loss = reference_loss(&o->net, params, rows, features, o->labels);
    size_t stride = o->net.params / CHECKED_MAX + 1;
    for (size_t i = 0; i < o->net.params; i += stride) {
        double value = params[i], slope[2];
        for (int k = 0; k < 2; k++) { // two distances that must agree, or a kink lies between
            double step = k ? 1e-6 : 4e-6;
            params[i] = value + step;
            double above = reference_loss(&o->net, params, rows, features, o->labels);
            params[i] = value - step;
            slope[k] = (above - reference_loss(&o->net, params, rows, features, o->labels)) / (2 * step);
        }
        params[i] = value;
        if (fabs(slope[0] - slope[1]) > 1e-7) {
            kinks++;
            continue;
        }
        o->at[o->count] = i;
        o->slope[o->count++] = slope[1];
    }
    assert_true(kinks * 20 < o->count);
    free(params);
    free(features);
}

static void free_oracle(struct oracle *o)
{
    free(o->params);
    free(o->features);
    free(o->labels);
}

static bool check_engine(const char *isa, const struct oracle *o)
{
    struct sw_err err = {0};
    const struct sw_engine *e;
    struct sw_device *d;
    struct sw_session *s;
    setenv("SLIPWAY_PLAIN_ISA", isa, 1);
    if (sw_engine_open("plain", 0, &e, &d, &err)) {
        assert_int_equal(err.code, SW_UNSUPPORTED);
        return false;
    }
    size_t params = o->net.params;
    float *grads = malloc((params + SW_TAIL) * sizeof *grads);
    assert_int_equal(sw_session_new(&o->net, e, d, o->rows + 3, true, &s, &err), SW_OK);
    assert_int_equal(sw_session_set_params(s, o->params, &err), SW_OK);
    for (int pass = 0; pass < 2; pass++) { // the second pass overwrites what the first left
        int side = sw_session_put(s, o->rows, o->features, o->labels);
        sw_session_forward(s, side, o->rows);
        e->zero(s->compute, s->grads + params, SW_TAIL);
        sw_session_backward(s, side, o->rows, 1.0f / (float)o->rows);
    }
    e->download(s->compute, grads, s->grads, (params + SW_TAIL) * sizeof *grads);
    assert_int_equal(sw_session_sync(s, &err), SW_OK);
    assert_true(fabs(o->loss - (double)grads[params + SW_TAIL_LOSS] / o->rows) < 2e-6 * (1 + o->loss));
    double norm = 0, most = 0;
    for (size_t i = 0; i < o->count; i++) {
        norm = fmax(norm, fabs(o->slope[i]));
        most = fmax(most, fabs(o->slope[i] - (double)grads[o->at[i]]));
    }
    if (most > 2e-6 * (1 + norm))
        fail_msg("%s on %s: a gradient differs by %g where the largest is %g", o->net.spec, isa, most, norm);
    free(grads);
    sw_session_free(s);
    e->close(d);
    return true;
}

static void gradients_equal_differences(void **state)
{
    (void)state;
    static struct oracle o;
    int ran = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        build_oracle(&o, cases[c].net, cases[c].in, cases[c].classes, cases[c].rows);
        for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
            ran += check_engine(isas[i], &o);
        free_oracle(&o);
    }
    assert_true(ran >= (int)(sizeof cases / sizeof *cases)); // at least the baseline
    unsetenv("SLIPWAY_PLAIN_ISA");
}

static void probabilities_sum_to_one_and_agree(void **state)
{
    (void)state;
    struct sw_net net;
    struct sw_err err = {0};
    const struct sw_engine *e;
    struct sw_device *d;
    struct sw_session *s;
    assert_int_equal(sw_net_parse("conv6-pool-fc20", (struct sw_shape){1, 8, 8}, 5, &net, &err), SW_OK);
    assert_int_equal(sw_engine_open("auto", 0, &e, &d, &err), SW_OK);
    assert_int_equal(sw_session_new(&net, e, d, 9, false, &s, &err), SW_OK);
    float params[4096], features[9 * 64], out[45];
    double dparams[4096], dfeatures[9 * 64], logits[5];
    int32_t labels[9];
    assert_true(net.params <= 4096);
    fill(&net, 9, params, features, labels);
    features[5] = 3e4f; // softmax of large logits stays finite
    to_double(params, dparams, net.params);
    to_double(features, dfeatures, 9 * 64);
    assert_int_equal(sw_session_set_params(s, params, &err), SW_OK);
    assert_int_equal(sw_session_predict(s, 9, features, out, &err), SW_OK);
    for (int r = 0; r < 9; r++) {
        double sum = 0, total = 0;
        reference_forward(&net, dparams, dfeatures + 64 * r, logits);
        double largest = fmax(fmax(fmax(logits[0], logits[1]), fmax(logits[2], logits[3])), logits[4]);
        for (int j = 0; j < 5; j++)
            sum += exp(logits[j] - largest);
        for (int j = 0; j < 5; j++) {
            total += (double)out[5 * r + j];
            assert_true(fabs(exp(logits[j] - largest) / sum - (double)out[5 * r + j]) < 1e-5);
        }
        assert_true(fabs(total - 1) < 1e-6);
    }
    assert_int_equal(sw_session_predict(s, 0, features, out, &err), SW_OK); // a rank without rows
    sw_session_free(s);
    e->close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_equal_differences),
        cmocka_unit_test(probabilities_sum_to_one_and_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
