// SPDX-License-Identifier: Apache-2.0
// The layer types: shapes and costs, and which engine function does the work.
#include "gpu/layer.h"

static enum sw_code flatten_infer(struct sw_layer *l, struct sw_err *err)
{
    size_t size = sw_shape_size(l->in);
    if (size > INT32_MAX)
        return sw_err_set(err, SW_USAGE, "a sample of %zu numbers is too large", size);
    l->out = (struct sw_shape){(int)size, 1, 1};
    return SW_OK;
}

static enum sw_code dense_infer(struct sw_layer *l, struct sw_err *err)
{
    if (l->in.height != 1 || l->in.width != 1)
        return sw_err_set(err, SW_USAGE, "a fully connected layer needs a flat input");
    l->out = (struct sw_shape){l->units, 1, 1};
    l->weights = (size_t)l->in.channels * (size_t)l->units;
    l->biases = (size_t)l->units;
    l->fan_in = (size_t)l->in.channels;
    l->fan_out = (size_t)l->units;
    l->flops = 2.0 * (double)l->weights;
    return SW_OK;
}

static struct sw_dense_shape dense_shape(const struct sw_layer *l, int rows)
{
    return (struct sw_dense_shape){rows, l->in.channels, l->units, l->activation};
}

static enum sw_code dense_prepare(const struct sw_engine *e, struct sw_device *d, const struct sw_layer *l, int rows,
                                  struct sw_err *err)
{
    struct sw_dense_shape s = dense_shape(l, rows);
    return e->prepare_dense(d, &s, err);
}

static void dense_forward(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                          const float *params, const float *x, float *y)
{
    struct sw_dense_shape s = dense_shape(l, rows);
    e->dense_forward(q, &s, x, params + l->weights_at, params + l->biases_at, y);
}

static void dense_backward(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                           const float *params, const float *x, const float *y, float *dy, float *dx, float *grads)
{
    struct sw_dense_shape s = dense_shape(l, rows);
    e->dense_backward(q, &s, x, params + l->weights_at, y, dy, dx, grads + l->weights_at, grads + l->biases_at);
}

static enum sw_code conv_infer(struct sw_layer *l, struct sw_err *err)
{
    if (l->in.height < 3 || l->in.width < 3) {
        (void)sw_err_set(err, SW_USAGE, "a 3x3 convolution needs images of at least 3x3, not %dx%d", l->in.height,
                         l->in.width);
        return sw_err_hint(err, "use fully connected layers for tables, and fewer 'pool' for small images");
    }
    l->out = (struct sw_shape){l->units, l->in.height, l->in.width};
    l->weights = (size_t)l->in.channels * (size_t)l->units * 9;
    l->biases = (size_t)l->units;
    l->fan_in = (size_t)l->in.channels * 9;
    l->fan_out = (size_t)l->units * 9;
    l->flops = 2.0 * (double)l->weights * l->in.height * l->in.width;
    return SW_OK;
}

static struct sw_conv_shape conv_shape(const struct sw_layer *l, int rows)
{
    return (struct sw_conv_shape){rows, l->in.channels, l->units, l->in.height, l->in.width, l->activation};
}

static enum sw_code conv_prepare(const struct sw_engine *e, struct sw_device *d, const struct sw_layer *l, int rows,
                                 struct sw_err *err)
{
    struct sw_conv_shape s = conv_shape(l, rows);
    return e->prepare_conv(d, &s, err);
}

static void conv_forward(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                         const float *params, const float *x, float *y)
{
    struct sw_conv_shape s = conv_shape(l, rows);
    e->conv_forward(q, &s, x, params + l->weights_at, params + l->biases_at, y);
}

static void conv_backward(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                          const float *params, const float *x, const float *y, float *dy, float *dx, float *grads)
{
    struct sw_conv_shape s = conv_shape(l, rows);
    e->conv_backward(q, &s, x, params + l->weights_at, y, dy, dx, grads + l->weights_at, grads + l->biases_at);
}

static enum sw_code pool_infer(struct sw_layer *l, struct sw_err *err)
{
    if (l->in.height < 2 || l->in.width < 2) {
        (void)sw_err_set(err, SW_USAGE, "'pool' needs images of at least 2x2, not %dx%d", l->in.height, l->in.width);
        return sw_err_hint(err, "remove one 'pool'; each halves the image");
    }
    l->out = (struct sw_shape){l->in.channels, l->in.height / 2, l->in.width / 2};
    l->flops = 3.0 * (double)sw_shape_size(l->out);
    return SW_OK;
}

static struct sw_pool_shape pool_shape(const struct sw_layer *l, int rows)
{
    return (struct sw_pool_shape){rows, l->in.channels, l->in.height, l->in.width};
}

static void pool_forward(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                         const float *params, const float *x, float *y)
{
    (void)params;
    struct sw_pool_shape s = pool_shape(l, rows);
    e->pool_forward(q, &s, x, y);
}

static void pool_backward(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                          const float *params, const float *x, const float *y, float *dy, float *dx, float *grads)
{
    (void)params, (void)grads;
    struct sw_pool_shape s = pool_shape(l, rows);
    if (dx)
        e->pool_backward(q, &s, x, y, dy, dx);
}

const struct sw_layer_type sw_layer_types[SW_LAYER_KINDS] = {
    [SW_LAYER_FLATTEN] = {.kind = SW_LAYER_FLATTEN, .title = "flatten", .infer = flatten_infer},
    [SW_LAYER_DENSE] = {.kind = SW_LAYER_DENSE,
                        .word = "fc",
                        .title = "dense",
                        .has_units = true,
                        .infer = dense_infer,
                        .prepare = dense_prepare,
                        .forward = dense_forward,
                        .backward = dense_backward},
    [SW_LAYER_CONV] = {.kind = SW_LAYER_CONV,
                       .word = "conv",
                       .title = "conv 3x3",
                       .has_units = true,
                       .infer = conv_infer,
                       .prepare = conv_prepare,
                       .forward = conv_forward,
                       .backward = conv_backward},
    [SW_LAYER_POOL] = {.kind = SW_LAYER_POOL,
                       .word = "pool",
                       .title = "max pool 2x2",
                       .infer = pool_infer,
                       .forward = pool_forward,
                       .backward = pool_backward},
};
