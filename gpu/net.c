// SPDX-License-Identifier: Apache-2.0
// From net text to layers with shapes, places and costs.
#include "gpu/net.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "gpu/layer.h"
#include "gpu/rng.h"

// The first row without convolutions and the first with them also serve nets that are no preset.
static const struct sw_net_preset presets[] = {
    {.name = "mlp", .spec = "fc512-fc256", .epochs = 8, .batch = 128, .lr = 1e-3, .weight_decay = 0.01},
    {.name = "cnn",
     .spec = "conv16-pool-conv32-pool-fc128",
     .epochs = 8,
     .batch = 128,
     .lr = 2e-3,
     .weight_decay = 0.01},
    {.name = "linear", .spec = "", .epochs = 10, .batch = 128, .lr = 1e-3, .weight_decay = 0.0},
};
enum { PRESETS = sizeof presets / sizeof *presets, PRESET_MLP = 0, PRESET_CNN = 1 };

size_t sw_shape_size(struct sw_shape s)
{
    return (size_t)s.channels * (size_t)s.height * (size_t)s.width;
}

static const struct sw_net_preset *find_preset(const char *text)
{
    for (size_t i = 0; i < PRESETS; i++)
        if (strcmp(text, presets[i].name) == 0)
            return &presets[i];
    return NULL;
}

const struct sw_net_preset *sw_net_preset_for(const char *text)
{
    const struct sw_net_preset *p = find_preset(text);
    if (p)
        return p;
    return &presets[strstr(text, "conv") ? PRESET_CNN : PRESET_MLP];
}

static enum sw_code complain(struct sw_err *err, const char *text, size_t at, size_t len)
{
    char raw[48], part[64];
    snprintf(raw, sizeof raw, "%.*s", (int)(len < 40 ? len : 40), text + at);
    sw_text_safe_copy(part, sizeof part, raw, SW_TEXT_ASCII);
    if (len == 0)
        (void)sw_err_set(err, SW_USAGE, "net: an empty layer at character %zu", at + 1);
    else
        (void)sw_err_set(err, SW_USAGE, "net: unknown layer '%s' at character %zu", part, at + 1);
    return sw_err_hint(err, "a net is mlp, cnn, linear, mlp:512-256, or layers such as conv16-pool-conv32-pool-fc64");
}

// One layer text of `len` bytes; with `only_width` a bare number stands for a fully connected layer.
static enum sw_code parse_layer(const char *text, size_t at, size_t len, bool only_width, struct sw_layer *l,
                                struct sw_err *err)
{
    const struct sw_layer_type *type = only_width ? &sw_layer_types[SW_LAYER_DENSE] : NULL;
    size_t word = 0;
    for (size_t i = 0; i < SW_LAYER_KINDS && !type; i++) {
        const char *w = sw_layer_types[i].word;
        if (!w || len < strlen(w) || memcmp(text + at, w, strlen(w)) != 0)
            continue;
        type = &sw_layer_types[i];
        word = strlen(w);
    }
    if (!type || (!type->has_units && len != word) || (type->has_units && len == word))
        return complain(err, text, at, len);
    int units = 0;
    for (size_t i = word; i < len; i++) {
        char c = text[at + i];
        if (c < '0' || c > '9')
            return complain(err, text, at, len);
        units = units * 10 + (c - '0');
        if (units > SW_NET_MAX_UNITS)
            return sw_err_set(err, SW_USAGE, "net: layer '%.*s' is wider than %d", (int)(len < 40 ? len : 40),
                              text + at, SW_NET_MAX_UNITS);
    }
    if (type->has_units && units == 0)
        return sw_err_set(err, SW_USAGE, "net: layer '%.*s' has no units", (int)len, text + at);
    *l = (struct sw_layer){
        .type = type, .units = units, .activation = type->has_units ? SW_ACTIVATION_RELU : SW_ACTIVATION_NONE};
    return SW_OK;
}

// Text to layers without shapes.
static enum sw_code parse_layers(const char *text, struct sw_net *net, struct sw_err *err)
{
    const struct sw_net_preset *preset = find_preset(text);
    bool only_width = strncmp(text, "mlp:", 4) == 0;
    const char *layers = preset ? preset->spec : only_width ? text + 4 : text;
    size_t at = 0, len = strlen(layers);
    net->layer_count = 0;
    if (len == 0 && preset)
        return SW_OK;
    for (;;) {
        size_t part = strcspn(layers + at, "-");
        if (net->layer_count + 2 >= SW_NET_MAX_LAYERS) // room for a flatten and the last layer
            return sw_err_set(err, SW_USAGE, "net: more than %d layers", SW_NET_MAX_LAYERS - 2);
        enum sw_code code = parse_layer(layers, at, part, only_width, &net->layers[net->layer_count], err);
        if (code)
            return code;
        net->layer_count++;
        at += part;
        if (at == len)
            return SW_OK;
        at++;
    }
}

static void write_spec(struct sw_net *net)
{
    size_t len = 0;
    net->spec[0] = '\0';
    for (int i = 0; i < net->layer_count && len < sizeof net->spec; i++) {
        const struct sw_layer *l = &net->layers[i];
        char units[16] = "";
        if (l->type->has_units)
            snprintf(units, sizeof units, "%d", l->units);
        len += (size_t)snprintf(net->spec + len, sizeof net->spec - len, "%s%s%s", i ? "-" : "", l->type->word, units);
    }
}

static void insert_flatten(struct sw_net *net)
{
    int at = 0;
    while (at < net->layer_count && net->layers[at].type->kind != SW_LAYER_DENSE)
        at++;
    memmove(&net->layers[at + 1], &net->layers[at], (size_t)(net->layer_count - at) * sizeof net->layers[0]);
    net->layers[at] = (struct sw_layer){.type = &sw_layer_types[SW_LAYER_FLATTEN]};
    net->layer_count++;
}

static enum sw_code lay_out(struct sw_net *net, struct sw_err *err)
{
    struct sw_shape shape = net->in;
    net->params = 0;
    net->flops = 0;
    for (int i = 0; i < net->layer_count; i++) {
        struct sw_layer *l = &net->layers[i];
        l->in = shape;
        enum sw_code code = l->type->infer(l, err);
        if (code)
            return sw_err_wrap(err, "net: layer %d (%s)", i + 1, l->type->title);
        l->weights_at = net->params;
        l->biases_at = l->weights_at + l->weights;
        net->params = l->biases_at + l->biases;
        net->flops += l->flops;
        if (net->params > SW_NET_MAX_PARAMS)
            return sw_err_set(err, SW_USAGE, "net: more than %zu parameters at layer %d (%s)", SW_NET_MAX_PARAMS, i + 1,
                              l->type->title);
        if (sw_shape_size(l->out) > INT32_MAX / 4)
            return sw_err_set(err, SW_USAGE, "net: the output of layer %d is too large", i + 1);
        shape = l->out;
    }
    return SW_OK;
}

enum sw_code sw_net_parse(const char *text, struct sw_shape in, int classes, struct sw_net *out, struct sw_err *err)
{
    if (classes < 2 || classes > SW_NET_MAX_CLASSES)
        return sw_err_set(err, SW_INVALID, "%d classes: a classifier needs 2 to %d", classes, SW_NET_MAX_CLASSES);
    if (in.channels < 1 || in.height < 1 || in.width < 1 || in.channels > SW_NET_MAX_UNITS ||
        in.height > SW_NET_MAX_UNITS || in.width > SW_NET_MAX_UNITS || sw_shape_size(in) > INT32_MAX / 4)
        return sw_err_set(err, SW_INVALID, "samples of %dx%dx%d numbers cannot be trained on", in.channels, in.height,
                          in.width);
    struct sw_net net = {.in = in, .classes = classes};
    enum sw_code code = parse_layers(text, &net, err);
    if (code)
        return code;
    write_spec(&net);
    net.layers[net.layer_count++] =
        (struct sw_layer){.type = &sw_layer_types[SW_LAYER_DENSE], .units = classes, .activation = SW_ACTIVATION_NONE};
    if (in.height != 1 || in.width != 1)
        insert_flatten(&net);
    code = lay_out(&net, err);
    if (code)
        return code;
    *out = net;
    return SW_OK;
}

enum sw_code sw_net_check(const char *text, struct sw_err *err)
{
    struct sw_net net;
    return parse_layers(text, &net, err);
}

static void format_shape(struct sw_shape s, char *dst, size_t size)
{
    if (s.height == 1 && s.width == 1)
        snprintf(dst, size, "%d", s.channels);
    else
        snprintf(dst, size, "%dx%dx%d", s.channels, s.height, s.width);
}

void sw_net_explain(const struct sw_net *net, struct sw_buf *out)
{
    char from[48], to[48], params[32], total[32];
    sw_buf_addf(out, "%-3s %-18s %-12s %-12s %12s %14s\n", "#", "layer", "input", "output", "parameters", "flops/row");
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        char title[48];
        snprintf(title, sizeof title, "%s%s", l->type->title, l->activation == SW_ACTIVATION_RELU ? ", relu" : "");
        format_shape(l->in, from, sizeof from);
        format_shape(l->out, to, sizeof to);
        sw_format_count(params, sizeof params, (int64_t)(l->weights + l->biases));
        sw_format_count(total, sizeof total, (int64_t)l->flops);
        sw_buf_addf(out, "%-3d %-18s %-12s %-12s %12s %14s\n", i + 1, title, from, to, params, total);
    }
    sw_format_count(params, sizeof params, (int64_t)net->params);
    sw_format_count(total, sizeof total, (int64_t)net->flops);
    sw_buf_addf(out, "%-3s %-18s %-12s %-12s %12s %14s\n", "", "total", "", "", params, total);
}

void sw_net_init(const struct sw_net *net, enum sw_init init, uint64_t seed, float *params)
{
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        if (l->weights == 0)
            continue;
        double fan = init == SW_INIT_HE ? (double)l->fan_in : (double)(l->fan_in + l->fan_out);
        float bound = (float)sqrt(6.0 / fan);
        for (size_t j = 0; j < l->weights; j++)
            params[l->weights_at + j] = bound * (2 * sw_rng_uniform(seed, SW_RNG_INIT + (uint64_t)i, j) - 1);
        memset(params + l->biases_at, 0, l->biases * sizeof *params);
    }
}
