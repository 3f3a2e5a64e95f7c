// SPDX-License-Identifier: Apache-2.0
// A training run from options and data to a model folder: seeded shuffled epochs, ranks that share each batch, metrics,
// checkpoints, and the model at the end. Every rank calls sw_train_run() with the same config and data.
#ifndef SW_GPU_TRAIN_H
#define SW_GPU_TRAIN_H

#include <signal.h>

#include "core/base/path.h"
#include "gpu/dataset.h"
#include "gpu/model.h"
#include "gpu/train_options.h"

// Where a rank stands, from the environment (core/base/jobenv.h and torchrun's names).
struct sw_train_env {
    int rank, size;
    int comm_fd;     // -1 = none
    int64_t attempt; // from 1
    const char *run_id;
    char checkpoint_dir[SW_PATH_MAX];
    char artifact_dir[SW_PATH_MAX];
    const volatile sig_atomic_t *stop; // set by a signal handler: checkpoint and end; NULL = never
};
// Folders come from the job, else from `out`, else "slipway-out" in the working directory.
enum sw_code sw_train_env_read(const char *out_dir, struct sw_train_env *env, struct sw_err *err);

struct sw_train_result {
    bool is_stopped;                   // on request, after a checkpoint; start again to go on
    int64_t steps;                     // done in all attempts
    double train_loss, train_accuracy; // of the last epoch
    double val_loss, val_accuracy;     // after it; NaN when nothing is held out
    double seconds;                    // of this attempt
};

// SW_DIVERGED: the loss is no longer finite (message names the step). Errors of other ranks come back as theirs, by rank.
enum sw_code sw_train_run(const struct sw_train_config *c, const struct sw_train_env *env,
                          const struct sw_train_data *data, struct sw_train_result *result, struct sw_err *err);

// Writes <artifact_dir>/model/{model.onnx,model.json}, replacing an older one as a whole.
enum sw_code sw_train_export(const char *artifact_dir, const struct sw_model *m, const struct sw_train_config *c,
                             const struct sw_train_data *data, const struct sw_train_result *r, struct sw_err *err);

#endif
