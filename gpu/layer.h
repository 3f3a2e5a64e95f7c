// SPDX-License-Identifier: Apache-2.0
// What a layer is: one row of functions a type. A new layer is a row in layer.c, its arithmetic in the engines, its
// operator in onnx_write.c and onnx_read.c, and a case in the finite-difference test.
#ifndef SW_GPU_LAYER_H
#define SW_GPU_LAYER_H

#include "gpu/net.h"

enum sw_layer_kind { SW_LAYER_FLATTEN, SW_LAYER_DENSE, SW_LAYER_CONV, SW_LAYER_POOL, SW_LAYER_KINDS };

struct sw_layer_type {
    const char *word;  // in net texts; NULL = not to be written
    const char *title; // in tables
    // Fills everything after `in` from `in`, `units` and `activation`, except the places in the parameter vector.
    // SW_USAGE when the input does not suit it.
    enum sw_code (*infer)(struct sw_layer *l, struct sw_err *err);
    // As sw_engine.prepare_*; NULL = nothing to prepare.
    enum sw_code (*prepare)(const struct sw_engine *e, struct sw_device *d, const struct sw_layer *l, int rows,
                            struct sw_err *err);
    // NULL = the output is the input. All pointers are device memory; `params` and `grads` are whole vectors.
    void (*forward)(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                    const float *params, const float *x, float *y);
    // As sw_engine.dense_backward: may overwrite dy; `dx` may be NULL.
    void (*backward)(const struct sw_engine *e, struct sw_queue *q, const struct sw_layer *l, int rows,
                     const float *params, const float *x, const float *y, float *dy, float *dx, float *grads);
    enum sw_layer_kind kind;
    bool has_units; // the word is followed by a number
};

extern const struct sw_layer_type sw_layer_types[SW_LAYER_KINDS]; // indexed by kind

#endif
