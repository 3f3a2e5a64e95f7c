// SPDX-License-Identifier: Apache-2.0
// Net texts: what they become, what is refused and with which words, and the initial weights.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/layer.h"

static const struct sw_shape image = {1, 28, 28}, table = {30, 1, 1};

static void presets_have_known_sizes(void **state)
{
    (void)state;
    struct sw_net net;
    struct sw_err err = {0};
    assert_int_equal(sw_net_parse("mlp", image, 10, &net, &err), SW_OK);
    assert_string_equal(net.spec, "fc512-fc256");
    assert_int_equal(net.params, 784 * 512 + 512 + 512 * 256 + 256 + 256 * 10 + 10);
    assert_int_equal(net.layers[0].type->kind, SW_LAYER_FLATTEN);
    assert_int_equal(sw_net_parse("cnn", image, 10, &net, &err), SW_OK);
    assert_int_equal(net.params, 16 * 9 + 16 + 32 * 16 * 9 + 32 + 1568 * 128 + 128 + 128 * 10 + 10);
    assert_int_equal(sw_net_parse("linear", table, 2, &net, &err), SW_OK);
    assert_int_equal(net.layer_count, 1);
    assert_int_equal(net.params, 62);
    assert_int_equal(sw_net_parse("mlp:8-4", table, 2, &net, &err), SW_OK);
    assert_string_equal(net.spec, "fc8-fc4");
    assert_int_equal(net.layer_count, 3);
}

static void shapes_follow_layers(void **state)
{
    (void)state;
    struct sw_net net;
    struct sw_err err = {0};
    assert_int_equal(sw_net_parse("conv4-pool-conv6-pool", (struct sw_shape){3, 11, 7}, 5, &net, &err), SW_OK);
    const struct sw_layer *l = &net.layers[3]; // the second pool
    assert_int_equal(l->out.channels, 6);
    assert_int_equal(l->out.height, 2); // 11 -> 5 -> 2
    assert_int_equal(l->out.width, 1);  // 7 -> 3 -> 1
    assert_int_equal(net.layers[4].type->kind, SW_LAYER_FLATTEN);
    assert_int_equal(net.layers[5].in.channels, 12);
    assert_int_equal(net.layers[5].units, 5);
    size_t end = 0;
    for (int i = 0; i < net.layer_count; i++) {
        assert_int_equal(net.layers[i].weights_at, end);
        end = net.layers[i].biases_at + net.layers[i].biases;
    }
    assert_int_equal(end, net.params);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct sw_shape in;
        int classes;
        const char *says;
    } cases[] = {
        {"", {1, 28, 28}, 10, "an empty layer at character 1"},
        {"fc", {1, 28, 28}, 10, "unknown layer 'fc' at character 1"},
        {"fc8--fc8", {1, 28, 28}, 10, "an empty layer at character 5"},
        {"fc8-", {1, 28, 28}, 10, "an empty layer at character 5"},
        {"pool2", {1, 28, 28}, 10, "unknown layer 'pool2'"},
        {"conv16-lstm4", {1, 28, 28}, 10, "unknown layer 'lstm4' at character 8"},
        {"fc0", {1, 28, 28}, 10, "has no units"},
        {"fc99999999999999999999", {1, 28, 28}, 10, "wider than 65536"},
        {"mlp:512-x", {1, 28, 28}, 10, "unknown layer 'x'"},
        {"mlp:", {1, 28, 28}, 10, "an empty layer"},
        {"fc8-conv8", {1, 28, 28}, 10, "layer 3 (conv 3x3)"},
        {"conv8", {30, 1, 1}, 2, "at least 3x3, not 1x1"},
        {"pool-pool-pool-pool-pool", {1, 28, 28}, 10, "layer 5 (max pool 2x2)"},
        {"fc65536-fc65536", {1, 28, 28}, 10, "more than 536870912 parameters"},
        {"fc8", {1, 28, 28}, 1, "a classifier needs 2"},
        {"fc8", {0, 28, 28}, 10, "cannot be trained on"},
        {"fc8\x1b[31m", {1, 28, 28}, 10, "unknown layer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_net net;
        struct sw_err err = {0};
        assert_int_not_equal(sw_net_parse(cases[i].text, cases[i].in, cases[i].classes, &net, &err), SW_OK);
        if (!strstr(err.message, cases[i].says))
            fail_msg("'%s' gave: %s", cases[i].text, err.message);
        assert_null(strchr(err.message, '\x1b'));
    }
}

static void too_many_layers_are_refused(void **state)
{
    (void)state;
    struct sw_buf text;
    struct sw_net net;
    struct sw_err err = {0};
    sw_buf_init(&text, 4096);
    for (int i = 0; i < 200; i++)
        sw_buf_adds(&text, i ? "-fc2" : "fc2");
    assert_int_equal(sw_net_parse(text.data, table, 2, &net, &err), SW_USAGE);
    assert_non_null(strstr(err.message, "more than 62 layers"));
    sw_buf_free(&text);
}

static void initial_weights_fill_their_bounds(void **state)
{
    (void)state;
    struct sw_net net;
    struct sw_err err = {0};
    assert_int_equal(sw_net_parse("conv8-pool-fc32", image, 10, &net, &err), SW_OK);
    float *a = calloc(net.params, sizeof *a), *b = calloc(net.params, sizeof *b);
    for (int init = SW_INIT_GLOROT; init <= SW_INIT_HE; init++) {
        sw_net_init(&net, (enum sw_init)init, 5, a);
        sw_net_init(&net, (enum sw_init)init, 5, b);
        assert_memory_equal(a, b, net.params * sizeof *a);
        const struct sw_layer *l = &net.layers[3];
        double bound = sqrt(6.0 / (init == SW_INIT_HE ? 1568.0 : 1600.0)), sum = 0, most = 0;
        for (size_t i = 0; i < l->weights; i++) {
            sum += (double)a[l->weights_at + i];
            most = fmax(most, fabs((double)a[l->weights_at + i]));
        }
        assert_true(most <= bound * (1 + 1e-6) && most > 0.99 * bound);
        assert_true(fabs(sum / (double)l->weights) < 0.01 * bound);
        for (size_t i = 0; i < l->biases; i++)
            assert_true(a[l->biases_at + i] == 0);
    }
    sw_net_init(&net, SW_INIT_HE, 6, b);
    assert_memory_not_equal(a, b, net.params * sizeof *a);
    free(a);
    free(b);
}

static void explanation_names_every_layer(void **state)
{
    (void)state;
    struct sw_net net;
    struct sw_err err = {0};
    struct sw_buf out;
    sw_buf_init(&out, 1 << 16);
    assert_int_equal(sw_net_parse("cnn", image, 10, &net, &err), SW_OK);
    sw_net_explain(&net, &out);
    assert_non_null(strstr(out.data, "1   conv 3x3, relu     1x28x28      16x28x28              160        225,792"));
    assert_non_null(strstr(out.data, "206,922"));
    sw_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_have_known_sizes),
        cmocka_unit_test(shapes_follow_layers),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(too_many_layers_are_refused),
        cmocka_unit_test(initial_weights_fill_their_bounds),
        cmocka_unit_test(explanation_names_every_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
