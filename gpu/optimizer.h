// SPDX-License-Identifier: Apache-2.0
// Optimisers and learning-rate schedules: rows of two tables. Arithmetic is the engine's.
#ifndef SW_GPU_OPTIMIZER_H
#define SW_GPU_OPTIMIZER_H

#include "gpu/engine.h"

struct sw_hyper {
    double lr;
    double momentum;              // sgd
    double beta1, beta2, epsilon; // adamw
    double weight_decay;
};

struct sw_optimizer {
    const char *name;
    int vectors; // of state, each as long as the parameters, zeros at first
    // Step `step` (from 0) with learning rate `lr`; `state` is device memory [vectors * count].
    void (*step)(const struct sw_engine *e, struct sw_queue *q, const struct sw_hyper *h, int64_t step, double lr,
                 size_t count, float *w, const float *g, float *state);
};
const struct sw_optimizer *sw_optimizer_find(const char *name); // NULL when there is none

struct sw_schedule {
    const char *name;
    double (*factor)(double done); // of the base rate after the fraction `done` of the steps that follow the warm-up
};
const struct sw_schedule *sw_schedule_find(const char *name);
// Rate of step `step` of `steps`; it grows linearly over the first `warmup` steps.
double sw_schedule_lr(const struct sw_schedule *s, double lr, int64_t step, int64_t steps, int64_t warmup);

#endif
