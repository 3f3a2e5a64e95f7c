// SPDX-License-Identifier: Apache-2.0
// Checkpoints: folders `step-N` with state.json, params.bin, optimizer.bin and DONE, which holds the digests of the others
// and is written last; the folder gets its name by rename, all synced before. What is there under its name is whole; a
// damaged one is passed over for the one before. The newest two are kept. Only rank 0 writes, all ranks read. The
// parameters are not split by rank, so a run may go on with another number of ranks.
// Failpoints: checkpoint.write (before each file), checkpoint.done, checkpoint.rename.
#ifndef SW_GPU_CHECKPOINT_H
#define SW_GPU_CHECKPOINT_H

#include <stdint.h>

#include "core/base/tree.h"

enum { SW_CHECKPOINT_VERSION = 1, SW_CHECKPOINT_KEEP = 2 };

struct sw_checkpoint {
    int64_t step;       // steps done
    int64_t epoch;      // epochs done
    int64_t epoch_step; // steps done of the epoch that is going on
    double epoch_loss;  // sums over the rows of the epoch so far
    double epoch_correct;
    double train_loss, train_accuracy; // of the last whole epoch
    // What must be the same when the run goes on: an object of texts (net, optimizer, data...). Borrowed.
    json_t *identity;
    size_t params, state; // floats
    float *param_values;  // borrow
    float *state_values;
};

// Writes <dir>/step-N and removes old ones. A failure leaves the older checkpoints as they are.
enum sw_code sw_checkpoint_save(const char *dir, const struct sw_checkpoint *c, struct sw_err *err);
// Fills the positions and the two vectors from the newest whole checkpoint. SW_NOT_FOUND: none. SW_CONFLICT: of another run,
// with the difference named. `note` (may be NULL) gets a line about each damaged one that was passed over.
enum sw_code sw_checkpoint_load(const char *dir, struct sw_checkpoint *c, struct sw_buf *note, struct sw_err *err);
// Removes what an interrupted save left behind and checkpoints of steps after `step`: they are damaged, or of a run that
// this one replaces, and would count as newer than those that it will save. For rank 0, before the first save.
void sw_checkpoint_clean(const char *dir, int64_t step);

#endif
