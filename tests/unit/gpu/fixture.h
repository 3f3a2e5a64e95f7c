// SPDX-License-Identifier: Apache-2.0
// A small data set in memory whose classes can be learned, a private folder, and a default config.
#ifndef SW_TESTS_GPU_FIXTURE_H
#define SW_TESTS_GPU_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/path.h"
#include "gpu/rng.h"
#include "gpu/train.h"

enum { FIXTURE_STREAM = 0x7000 };

static const char *const fixture_classes[] = {"zero", "one", "two"};

struct fixture {
    struct sw_train_data data;
    char folder[64];
};

// Sample r belongs to class r % 3 and has noise around a pattern of its class; every value is a function of its place.
static inline enum sw_code fixture_gather(void *ctx, const int64_t *rows, size_t count, float *features,
                                          int32_t *labels, struct sw_err *err)
{
    const struct sw_train_data *d = ctx;
    size_t size = sw_shape_size(d->shape);
    (void)err;
    for (size_t n = 0; n < count; n++) {
        uint64_t row = (uint64_t)rows[n];
        if (labels)
            labels[n] = (int32_t)(row % (uint64_t)d->classes);
        for (size_t i = 0; i < size && features; i++) {
            float pattern = sw_rng_uniform(1, FIXTURE_STREAM + row % (uint64_t)d->classes, i);
            features[n * size + i] = 100 * pattern + 150 * sw_rng_uniform(2, FIXTURE_STREAM, row * size + i);
        }
    }
    return SW_OK;
}

static inline int fixture_open(struct fixture *f, struct sw_shape shape, int64_t rows)
{
    f->data = (struct sw_train_data){.name = "made-up",
                                     .rows = rows,
                                     .shape = shape,
                                     .classes = 3,
                                     .class_names = fixture_classes,
                                     .gather = fixture_gather};
    f->data.ctx = &f->data;
    snprintf(f->folder, sizeof f->folder, "/tmp/slipway-gpu-XXXXXX");
    return mkdtemp(f->folder) ? 0 : -1;
}

static inline void fixture_close(struct fixture *f)
{
    struct sw_err err = {0};
    unsetenv("SLIPWAY_FAILPOINT");
    if (sw_path_remove_tree(f->folder, &err))
        fprintf(stderr, "%s\n", err.message);
}

static inline struct sw_train_config fixture_config(const char *net)
{
    return (struct sw_train_config){
        .net = net,
        .val_fraction = 0.1,
        .epochs = 3,
        .batch = 16,
        .ranks = 1,
        .optimizer = sw_optimizer_find("adamw"),
        .hyper = {.lr = 3e-3, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .weight_decay = 0.01},
        .schedule = sw_schedule_find("cosine"),
        .warmup = 0.1,
        .seed = 7,
        .engine = "auto",
        .comm = "auto",
        .comm_deadline_ms = 20000,
        .log_every = 5};
}

static inline struct sw_train_env fixture_env(const struct fixture *f, int rank, int size, int comm_fd)
{
    struct sw_train_env e = {.rank = rank, .size = size, .comm_fd = comm_fd, .attempt = 1};
    snprintf(e.checkpoint_dir, sizeof e.checkpoint_dir, "%s/checkpoints", f->folder);
    snprintf(e.artifact_dir, sizeof e.artifact_dir, "%s/out", f->folder);
    return e;
}

#endif
