// SPDX-License-Identifier: Apache-2.0
// Measurements and exports of single training steps.
#include "gpu/probe.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/path.h"
#include "gpu/layer.h"
#include "gpu/optimizer.h"
#include "gpu/rng.h"
#include "gpu/session.h"

enum { STREAM_FEATURES = 0x40, STREAM_LABELS = 0x41, WARM_UP_STEPS = 3, SAMPLES_MAX = 100000 };

struct bed {
    const struct sw_engine *engine;
    struct sw_device *device;
    struct sw_session *session;
    float *state; // device, room for the largest optimiser
    float *params, *features, *grads;
    int32_t *labels;
};

static const struct sw_hyper probe_hyper = {
    .lr = 0.01, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.1};

static void close_bed(struct bed *b)
{
    if (b->device) {
        b->engine->free(b->device, b->state);
        sw_session_free(b->session);
        b->engine->close(b->device);
    }
    free(b->params);
    free(b->features);
    free(b->grads);
    free(b->labels);
}

static enum sw_code open_bed(struct bed *b, const struct sw_net *net, const struct sw_probe *p, struct sw_err *err)
{
    size_t inputs = (size_t)p->batch * sw_shape_size(net->in);
    enum sw_code code = sw_engine_open(p->engine, 0, &b->engine, &b->device, err);
    if (code || (code = sw_session_new(net, b->engine, b->device, p->batch, true, &b->session, err)) ||
        (code = b->engine->alloc(b->device, 2 * net->params, &b->state, err)))
        return code;
    b->params = malloc(net->params * sizeof(float));
    b->grads = malloc((net->params + SW_TAIL) * sizeof(float));
    b->features = malloc(inputs * sizeof(float));
    b->labels = malloc((size_t)p->batch * sizeof(int32_t));
    if (!b->params || !b->grads || !b->features || !b->labels)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a batch of %d", p->batch);
    sw_net_init(net, SW_INIT_GLOROT, p->seed, b->params);
    for (size_t i = 0; i < inputs; i++)
        b->features[i] = 2 * sw_rng_uniform(p->seed, STREAM_FEATURES, i) - 1;
    for (int i = 0; i < p->batch; i++)
        b->labels[i] = (int32_t)(sw_rng_uniform(p->seed, STREAM_LABELS, (uint64_t)i) * (float)net->classes);
    return sw_session_set_params(b->session, b->params, err);
}

static void queue_step(struct bed *b, int batch)
{
    struct sw_session *s = b->session;
    b->engine->zero(s->compute, s->grads + s->net->params, SW_TAIL);
    int side = sw_session_put(s, batch, b->features, b->labels);
    sw_session_forward(s, side, batch);
    sw_session_backward(s, side, batch, 1.0f / (float)batch);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum sw_code measure(struct bed *b, const struct sw_net *net, const struct sw_probe *p, int64_t *median,
                            int64_t *least, struct sw_err *err)
{
    const struct sw_optimizer *adamw = sw_optimizer_find("adamw");
    int64_t *times = calloc(SAMPLES_MAX, sizeof *times);
    if (!times)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    int64_t end = sw_clock_mono_us() + (int64_t)(p->seconds * 1e6);
    size_t count = 0;
    enum sw_code code = SW_OK;
    for (int64_t step = 0; !code && count < SAMPLES_MAX && (count < WARM_UP_STEPS || sw_clock_mono_us() < end);
         step++) {
        int64_t from = sw_clock_mono_us();
        queue_step(b, p->batch);
        adamw->step(b->engine, b->session->compute, &probe_hyper, step, 1e-4, net->params, b->session->params,
                    b->session->grads, b->state);
        code = sw_session_sync(b->session, err);
        if (step >= WARM_UP_STEPS)
            times[count++] = sw_clock_mono_us() - from;
    }
    qsort(times, count, sizeof *times, by_value);
    *median = times[count / 2];
    *least = times[0];
    free(times);
    return code;
}

enum sw_code sw_probe_bench(const struct sw_net *net, const struct sw_probe *p, json_t **out, struct sw_err *err)
{
    struct bed b = {0};
    int64_t median = 0, least = 0;
    enum sw_code code = open_bed(&b, net, p, err);
    if (!code)
        code = measure(&b, net, p, &median, &least, err);
    if (!code) {
        double seconds = (double)(median ? median : 1) / 1e6;
        *out = json_pack("{s:s, s:s, s:i, s:I, s:s, s:s, s:I, s:I, s:f, s:f}", "kind", "TrainerBench", "net", net->spec,
                         "batch", p->batch, "parameters", (json_int_t)net->params, "engine", b.engine->name, "device",
                         b.engine->describe(b.device), "step_us", (json_int_t)median, "step_us_min", (json_int_t)least,
                         "rows_per_s", p->batch / seconds, "gflops", 3 * net->flops * p->batch / seconds / 1e9);
        if (!*out)
            code = sw_err_set(err, SW_NO_MEMORY, "out of memory");
    }
    close_bed(&b);
    return code;
}

static enum sw_code save(const char *dir, const char *name, const void *bytes, size_t len, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, dir, name, err);
    return code ? code : sw_file_write(path, bytes, len, err);
}

static enum sw_code save_updated(struct bed *b, const struct sw_net *net, const char *optimizer, const char *dir,
                                 const char *name, struct sw_err *err)
{
    const struct sw_optimizer *o = sw_optimizer_find(optimizer);
    size_t bytes = net->params * sizeof(float);
    float *updated = malloc(bytes);
    if (!updated)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    b->engine->zero(b->session->compute, b->state, 2 * net->params);
    b->engine->upload(b->session->compute, b->session->params, b->params, bytes);
    o->step(b->engine, b->session->compute, &probe_hyper, 0, probe_hyper.lr, net->params, b->session->params,
            b->session->grads, b->state);
    enum sw_code code = sw_session_get_params(b->session, updated, err);
    if (!code)
        code = save(dir, name, updated, bytes, err);
    free(updated);
    return code;
}

static json_t *describe_layers(const struct sw_net *net)
{
    json_t *layers = json_array();
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        json_array_append_new(layers,
                              json_pack("{s:s, s:[iii], s:[iii], s:b, s:I, s:I, s:I, s:I}", "type", l->type->title,
                                        "in", l->in.channels, l->in.height, l->in.width, "out", l->out.channels,
                                        l->out.height, l->out.width, "relu", l->activation == SW_ACTIVATION_RELU,
                                        "weights_at", (json_int_t)l->weights_at, "weights", (json_int_t)l->weights,
                                        "biases_at", (json_int_t)l->biases_at, "biases", (json_int_t)l->biases));
    }
    return layers;
}

enum sw_code sw_probe_gradients(const struct sw_net *net, const struct sw_probe *p, const char *dir, json_t **out,
                                struct sw_err *err)
{
    struct bed b = {0};
    size_t floats = sizeof(float);
    enum sw_code code = open_bed(&b, net, p, err);
    if (!code) {
        queue_step(&b, p->batch);
        b.engine->download(b.session->compute, b.grads, b.session->grads, (net->params + SW_TAIL) * floats);
        code = sw_session_sync(b.session, err);
    }
    if (!code && !(code = sw_path_make_dirs(dir, err)) &&
        !(code = save(dir, "params.f32", b.params, net->params * floats, err)) &&
        !(code = save(dir, "features.f32", b.features, (size_t)p->batch * sw_shape_size(net->in) * floats, err)) &&
        !(code = save(dir, "labels.i32", b.labels, (size_t)p->batch * sizeof(int32_t), err)) &&
        !(code = save(dir, "grads.f32", b.grads, net->params * floats, err)) &&
        !(code = save_updated(&b, net, "sgd", dir, "params_sgd.f32", err)) &&
        !(code = save_updated(&b, net, "adamw", dir, "params_adamw.f32", err))) {
        *out =
            json_pack("{s:s, s:s, s:i, s:f, s:o}", "kind", "TrainerGradients", "net", net->spec, "batch", p->batch,
                      "loss", (double)b.grads[net->params + SW_TAIL_LOSS] / p->batch, "layers", describe_layers(net));
        if (!*out)
            code = sw_err_set(err, SW_NO_MEMORY, "out of memory");
    }
    close_bed(&b);
    return code;
}
