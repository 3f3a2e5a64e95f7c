// SPDX-License-Identifier: Apache-2.0
// The tables of optimisers and schedules.
#include "gpu/optimizer.h"

#include <math.h>
#include <string.h>

static void sgd_step(const struct sw_engine *e, struct sw_queue *q, const struct sw_hyper *h, int64_t step, double lr,
                     size_t count, float *w, const float *g, float *state)
{
    (void)step;
    struct sw_sgd o = {.lr = (float)lr, .momentum = (float)h->momentum, .weight_decay = (float)h->weight_decay};
    e->sgd(q, &o, count, w, g, state);
}

static void adamw_step(const struct sw_engine *e, struct sw_queue *q, const struct sw_hyper *h, int64_t step, double lr,
                       size_t count, float *w, const float *g, float *state)
{
    double t = (double)step + 1;
    struct sw_adamw o = {.lr = (float)lr,
                         .beta1 = (float)h->beta1,
                         .beta2 = (float)h->beta2,
                         .epsilon = (float)h->epsilon,
                         .weight_decay = (float)h->weight_decay,
                         .correction1 = (float)(1 - pow(h->beta1, t)),
                         .correction2 = (float)(1 - pow(h->beta2, t))};
    e->adamw(q, &o, count, w, g, state, state + count);
}

static const struct sw_optimizer optimizers[] = {
    {.name = "sgd", .vectors = 1, .step = sgd_step},
    {.name = "adamw", .vectors = 2, .step = adamw_step},
};

static double constant(double done)
{
    (void)done;
    return 1;
}

static double cosine(double done)
{
    return 0.5 * (1 + cos(3.14159265358979323846 * done));
}

static const struct sw_schedule schedules[] = {
    {.name = "constant", .factor = constant},
    {.name = "cosine", .factor = cosine},
};

const struct sw_optimizer *sw_optimizer_find(const char *name)
{
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        if (strcmp(name, optimizers[i].name) == 0)
            return &optimizers[i];
    return NULL;
}

const struct sw_schedule *sw_schedule_find(const char *name)
{
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
        if (strcmp(name, schedules[i].name) == 0)
            return &schedules[i];
    return NULL;
}

double sw_schedule_lr(const struct sw_schedule *s, double lr, int64_t step, int64_t steps, int64_t warmup)
{
    if (step < warmup)
        return lr * (double)(step + 1) / (double)warmup;
    if (steps <= warmup)
        return lr;
    return lr * s->factor((double)(step - warmup) / (double)(steps - warmup));
}
