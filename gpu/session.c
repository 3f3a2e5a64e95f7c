// SPDX-License-Identifier: Apache-2.0
// Memory of a net on a device and the order of its layers' calls.
#include "gpu/session.h"

#include <stdlib.h>
#include <string.h>

#include "gpu/layer.h"

static size_t aligned(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

static size_t largest_output(const struct sw_net *net)
{
    size_t largest = 0;
    for (int i = 0; i < net->layer_count; i++) {
        size_t size = sw_shape_size(net->layers[i].out);
        largest = size > largest ? size : largest;
    }
    return largest;
}

// Takes `per_row` floats for each row off the block; with a NULL block only counts.
static float *carve(float *block, size_t *at, size_t rows, size_t per_row)
{
    float *p = block ? block + *at : NULL;
    *at += aligned(rows * per_row);
    return p;
}

// Places everything in one block of activations; returns its size.
static size_t lay_out(struct sw_session *s, float *block)
{
    const struct sw_net *net = s->net;
    size_t at = 0, rows = (size_t)s->rows_max;
    for (int side = 0; side < 2; side++) {
        s->input[side] = carve(block, &at, rows, sw_shape_size(net->in));
        s->labels[side] = (int32_t *)(void *)carve(block, &at, rows, 1);
    }
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        // A layer without arithmetic shares the output before it; NULL stands for the input, whose side changes.
        if (l->type->forward)
            s->outputs[i] = carve(block, &at, rows, sw_shape_size(l->out));
        else
            s->outputs[i] = i ? s->outputs[i - 1] : NULL;
    }
    s->probabilities = carve(block, &at, rows, (size_t)net->classes);
    if (s->grads)
        for (int i = 0; i < 2; i++)
            s->gradients[i] = carve(block, &at, rows, largest_output(net));
    return at;
}

static enum sw_code build(struct sw_session *s, bool can_train, struct sw_err *err)
{
    const struct sw_engine *e = s->engine;
    enum sw_code code;
    for (int i = 0; i < s->net->layer_count; i++) {
        const struct sw_layer *l = &s->net->layers[i];
        if (l->type->prepare && (code = l->type->prepare(e, s->device, l, s->rows_max, err)))
            return code;
    }
    if ((code = e->queue_new(s->device, &s->compute, err)) || (code = e->queue_new(s->device, &s->copy, err)) ||
        (code = e->alloc(s->device, s->net->params, &s->params, err)) ||
        (can_train && (code = e->alloc(s->device, s->net->params + SW_TAIL, &s->grads, err))))
        return code;
    for (int side = 0; side < 2; side++)
        if ((code = e->event_new(s->device, &s->uploaded[side], err)) ||
            (code = e->event_new(s->device, &s->consumed[side], err)))
            return code;
    if ((code = e->alloc(s->device, lay_out(s, NULL), &s->activations, err)))
        return code;
    lay_out(s, s->activations);
    return SW_OK;
}

enum sw_code sw_session_new(const struct sw_net *net, const struct sw_engine *engine, struct sw_device *device,
                            int rows_max, bool can_train, struct sw_session **out, struct sw_err *err)
{
    struct sw_session *s = calloc(1, sizeof *s);
    if (!s)
        return sw_err_set(err, SW_NO_MEMORY, "net %s: out of memory", net->spec);
    s->net = net;
    s->engine = engine;
    s->device = device;
    s->rows_max = rows_max;
    enum sw_code code = build(s, can_train, err);
    if (code) {
        sw_session_free(s);
        return sw_err_wrap(err, "net %s, %d rows", net->spec, rows_max);
    }
    *out = s;
    return SW_OK;
}

void sw_session_free(struct sw_session *s)
{
    if (!s)
        return;
    const struct sw_engine *e = s->engine;
    for (int side = 0; side < 2; side++) {
        e->event_free(s->uploaded[side]);
        e->event_free(s->consumed[side]);
    }
    e->free(s->device, s->activations);
    e->free(s->device, s->grads);
    e->free(s->device, s->params);
    e->queue_free(s->copy);
    e->queue_free(s->compute);
    free(s);
}

enum sw_code sw_session_set_params(struct sw_session *s, const float *host, struct sw_err *err)
{
    s->engine->upload(s->compute, s->params, host, s->net->params * sizeof *host);
    return sw_session_sync(s, err);
}

enum sw_code sw_session_get_params(struct sw_session *s, float *host, struct sw_err *err)
{
    s->engine->download(s->compute, host, s->params, s->net->params * sizeof *host);
    return sw_session_sync(s, err);
}

int sw_session_put(struct sw_session *s, int rows, const float *features, const int32_t *labels)
{
    const struct sw_engine *e = s->engine;
    int side = s->side;
    s->side = !side;
    e->event_wait(s->copy, s->consumed[side]);
    e->upload(s->copy, s->input[side], features, (size_t)rows * sw_shape_size(s->net->in) * sizeof *features);
    if (labels)
        e->upload(s->copy, s->labels[side], labels, (size_t)rows * sizeof *labels);
    e->event_record(s->copy, s->uploaded[side]);
    return side;
}

static float *input_of(const struct sw_session *s, int side, int layer)
{
    float *x = layer ? s->outputs[layer - 1] : NULL;
    return x ? x : s->input[side];
}

const float *sw_session_forward(struct sw_session *s, int side, int rows)
{
    s->engine->event_wait(s->compute, s->uploaded[side]);
    for (int i = 0; i < s->net->layer_count; i++) {
        const struct sw_layer *l = &s->net->layers[i];
        if (l->type->forward)
            l->type->forward(s->engine, s->compute, l, rows, s->params, input_of(s, side, i), s->outputs[i]);
    }
    s->engine->event_record(s->compute, s->consumed[side]); // backward moves it on
    return s->outputs[s->net->layer_count - 1];
}

// True when a layer before `layer` has parameters, so that a gradient must reach it.
static bool is_wanted_below(const struct sw_net *net, int layer)
{
    for (int i = 0; i < layer; i++)
        if (net->layers[i].weights)
            return true;
    return false;
}

void sw_session_backward(struct sw_session *s, int side, int rows, float scale)
{
    const struct sw_net *net = s->net;
    int last = net->layer_count - 1, at = 0;
    s->engine->softmax_loss(s->compute, rows, net->classes, s->outputs[last], s->labels[side], scale, s->gradients[at],
                            s->grads + net->params);
    for (int i = last; i >= 0; i--) {
        const struct sw_layer *l = &net->layers[i];
        if (!l->type->backward)
            continue;
        float *dx = is_wanted_below(net, i) ? s->gradients[!at] : NULL;
        l->type->backward(s->engine, s->compute, l, rows, s->params, input_of(s, side, i), s->outputs[i],
                          s->gradients[at], dx, s->grads);
        if (!dx)
            break;
        at = !at;
    }
    s->engine->event_record(s->compute, s->consumed[side]);
}

void sw_session_loss(struct sw_session *s, int side, int rows, float *stats)
{
    s->engine->softmax_loss(s->compute, rows, s->net->classes, s->outputs[s->net->layer_count - 1], s->labels[side], 0,
                            NULL, stats);
}

enum sw_code sw_session_predict(struct sw_session *s, int rows, const float *features, float *host, struct sw_err *err)
{
    const float *logits = sw_session_forward(s, sw_session_put(s, rows, features, NULL), rows);
    s->engine->softmax(s->compute, rows, s->net->classes, logits, s->probabilities);
    s->engine->download(s->compute, host, s->probabilities, (size_t)rows * (size_t)s->net->classes * sizeof *host);
    return sw_session_sync(s, err);
}

enum sw_code sw_session_sync(struct sw_session *s, struct sw_err *err)
{
    enum sw_code code = s->engine->queue_sync(s->copy, err);
    return code ? code : s->engine->queue_sync(s->compute, err);
}
