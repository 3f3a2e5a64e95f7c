// SPDX-License-Identifier: Apache-2.0
// One net on made-up samples, for measuring and for comparing with other frameworks: the time of a training step, and
// everything that goes into and comes out of one step as raw files.
#ifndef SW_GPU_PROBE_H
#define SW_GPU_PROBE_H

#include "core/base/tree.h"
#include "gpu/net.h"

struct sw_probe {
    const char *engine;
    int batch;
    uint64_t seed;
    double seconds; // how long to measure
};

// {"kind": "TrainerBench", "net", "batch", "parameters", "engine", "step_us" (median), "step_us_min", "rows_per_s",
// "gflops"} of forward, backward and AdamW.
enum sw_code sw_probe_bench(const struct sw_net *net, const struct sw_probe *p, json_t **out /* take */,
                            struct sw_err *err);

// Writes params.f32, features.f32, labels.i32, grads.f32 (all little-endian) into `dir` and returns {"kind":
// "TrainerGradients", "loss" (mean), "layers": [{"type", "in", "out", "relu", "weights_at", "weights", "biases_at",
// "biases"}]}; params_sgd.f32 and params_adamw.f32 hold the parameters after one update of each kind with lr 0.01,
// momentum 0.9 and decay 0.1.
enum sw_code sw_probe_gradients(const struct sw_net *net, const struct sw_probe *p, const char *dir,
                                json_t **out /* take */, struct sw_err *err);

#endif
