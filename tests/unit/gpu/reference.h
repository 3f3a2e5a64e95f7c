// SPDX-License-Identifier: Apache-2.0
// A net in double precision by plain loops that share no code with the engines: the oracle of forward and loss, and,
// through central differences, of every gradient.
#ifndef SW_TESTS_GPU_REFERENCE_H
#define SW_TESTS_GPU_REFERENCE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/layer.h"

static inline void reference_conv(const struct sw_layer *l, const double *p, const double *x, double *y)
{
    int h = l->in.height, w = l->in.width;
    for (int o = 0; o < l->units; o++)
        for (int i = 0; i < h; i++)
            for (int j = 0; j < w; j++) {
                double sum = p[l->biases_at + (size_t)o];
                for (int c = 0; c < l->in.channels; c++)
                    for (int a = -1; a <= 1; a++)
                        for (int b = -1; b <= 1; b++)
                            if (i + a >= 0 && i + a < h && j + b >= 0 && j + b < w)
                                sum += x[(c * h + i + a) * w + j + b] *
                                       p[l->weights_at + (size_t)(((o * l->in.channels + c) * 3 + a + 1) * 3 + b + 1)];
                y[(o * h + i) * w + j] = sum;
            }
}

static inline void reference_dense(const struct sw_layer *l, const double *p, const double *x, double *y)
{
    for (int o = 0; o < l->units; o++) {
        y[o] = p[l->biases_at + (size_t)o];
        for (int i = 0; i < l->in.channels; i++)
            y[o] += x[i] * p[l->weights_at + (size_t)i * (size_t)l->units + (size_t)o];
    }
}

static inline void reference_pool(const struct sw_layer *l, const double *x, double *y)
{
    int h = l->in.height, w = l->in.width;
    for (int c = 0; c < l->in.channels; c++)
        for (int i = 0; i < h / 2; i++)
            for (int j = 0; j < w / 2; j++) {
                const double *from = x + (c * h + 2 * i) * w + 2 * j;
                *y++ = fmax(fmax(from[0], from[1]), fmax(from[w], from[w + 1]));
            }
}

// One sample through the net; `out` gets the logits.
static inline void reference_forward(const struct sw_net *net, const double *params, const double *sample, double *out)
{
    size_t largest = sw_shape_size(net->in);
    for (int i = 0; i < net->layer_count; i++)
        if (sw_shape_size(net->layers[i].out) > largest)
            largest = sw_shape_size(net->layers[i].out);
    double *x = malloc(largest * sizeof *x), *y = malloc(largest * sizeof *y);
    memcpy(x, sample, sw_shape_size(net->in) * sizeof *x);
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        if (l->type->kind == SW_LAYER_FLATTEN)
            continue;
        if (l->type->kind == SW_LAYER_CONV)
            reference_conv(l, params, x, y);
        else if (l->type->kind == SW_LAYER_DENSE)
            reference_dense(l, params, x, y);
        else
            reference_pool(l, x, y);
        if (l->activation == SW_ACTIVATION_RELU)
            for (size_t j = 0; j < sw_shape_size(l->out); j++)
                y[j] = fmax(y[j], 0);
        double *swap = x;
        x = y;
        y = swap;
    }
    memcpy(out, x, (size_t)net->classes * sizeof *out);
    free(x);
    free(y);
}

// Mean cross entropy of a batch.
static inline double reference_loss(const struct sw_net *net, const double *params, int rows, const double *features,
                                    const int32_t *labels)
{
    double *logits = malloc((size_t)net->classes * sizeof *logits), loss = 0;
    for (int r = 0; r < rows; r++) {
        reference_forward(net, params, features + (size_t)r * sw_shape_size(net->in), logits);
        double largest = logits[0], sum = 0;
        for (int j = 1; j < net->classes; j++)
            largest = fmax(largest, logits[j]);
        for (int j = 0; j < net->classes; j++)
            sum += exp(logits[j] - largest);
        loss += largest + log(sum) - logits[labels[r]];
    }
    free(logits);
    return loss / rows;
}

#endif
