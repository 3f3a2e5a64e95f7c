// SPDX-License-Identifier: Apache-2.0
// Ranks without a supervisor: `slipway-train --ranks N` on a bare command line starts N copies of itself with the
// environment that a job would give them (core/base/jobenv.h), passes signals on and reports the first that failed.
#ifndef SW_GPU_RANKS_H
#define SW_GPU_RANKS_H

#include "core/base/err.h"

// Runs argv (NULL-terminated) `count` times to the end. *exit_status: that of the first rank that failed, 128 + signal when
// it was killed, else 0.
enum sw_code sw_ranks_run(const char *const *argv, int count, int *exit_status, struct sw_err *err);

#endif
