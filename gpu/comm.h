// SPDX-License-Identifier: Apache-2.0
// The communicator table: how the ranks of a job agree. Ranks are processes that all run the same steps; each call is
// collective (every rank makes it, in the same order). A rank that dies or falls silent ends the call on all others
// within the deadline, with its number in the error: nobody waits for ever. Results are the same bits on all ranks and
// in all runs: sums are taken in the order of ranks.
// Rows: `none` (one rank), `shm` (a shared memory file, ranks of one machine); NCCL is a further row.
#ifndef SW_GPU_COMM_H
#define SW_GPU_COMM_H

#include "gpu/engine.h"

enum { SW_COMM_MAX_RANKS = 64 };

struct sw_comm; // one rank's end

struct sw_comm_options {
    int rank, size;
    int fd; // shm: the shared memory file of all ranks, empty when the first of them opens it; stays the caller's
    size_t count_max;        // floats in one reduction
    int64_t deadline_ms;     // how long a rank may keep the others waiting
    const char *fingerprint; // at most 64 characters that must be the same on all ranks: settings, data, start position
};

struct sw_comm_table {
    const char *name;
    const char *summary;
    // Waits until all ranks are there. SW_CONFLICT names a rank with another fingerprint.
    enum sw_code (*open)(const struct sw_comm_options *o, const struct sw_engine *e, struct sw_comm **out /* take */,
                         struct sw_err *err);
    // Leaves: ranks that still wait for this one are told so. Accepts NULL.
    void (*close)(struct sw_comm *c);
    // device[count] becomes the sum over ranks. Queued behind the work of `q` like an engine's operation where the
    // hardware can; here it synchronises `q`. SW_TIMEOUT: a silent rank; SW_FAILED: one that died, failed or left.
    enum sw_code (*all_reduce_sum)(struct sw_comm *c, struct sw_queue *q, float *device, size_t count,
                                   struct sw_err *err);
    enum sw_code (*barrier)(struct sw_comm *c, struct sw_err *err);
    // Tells the others why this rank will not go on. Call before close() on any failure.
    void (*give_up)(struct sw_comm *c, const struct sw_err *reason);
};

extern const struct sw_comm_table sw_comm_none, sw_comm_shm;
extern const struct sw_comm_table *const sw_comms[]; // NULL-terminated
// The table of that name; "auto" is `none` for one rank and `shm` otherwise. NULL when unknown.
const struct sw_comm_table *sw_comm_find(const char *name, int size);

#endif
