// SPDX-License-Identifier: Apache-2.0
// The trainer's options as data: `slipway-train`, `slipway train` and the launch form all show exactly these.
#ifndef SW_GPU_TRAIN_OPTIONS_H
#define SW_GPU_TRAIN_OPTIONS_H

#include "core/base/option.h"
#include "gpu/net.h"
#include "gpu/optimizer.h"

extern const struct sw_option sw_train_options[];
extern const size_t sw_train_option_count;

// Options in their own types, checked together. Texts are borrowed from the option set.
struct sw_train_config {
    const char *net;
    const char *data;
    const char *split;  // NULL = the data set's own default
    const char *target; // NULL = the data set's own default
    const char *out;    // NULL = from the environment
    double val_fraction;
    int epochs, batch, ranks;
    const struct sw_optimizer *optimizer;
    struct sw_hyper hyper;
    const struct sw_schedule *schedule;
    double warmup; // fraction of all steps
    enum sw_init init;
    uint64_t seed;
    const char *engine, *comm;
    int64_t comm_deadline_ms;
    int checkpoint_every; // steps; 0 = at the end of each epoch
    int log_every;
    bool is_resuming; // asked for by --resume
};

// SW_USAGE names the option. The net is the first positional argument or --net; figures that nobody gave come from the
// net's preset.
enum sw_code sw_train_config_read(const struct sw_option_set *set, struct sw_train_config *out, struct sw_err *err);

#endif
