// SPDX-License-Identifier: Apache-2.0
// Where the metrics of a job come from, and the one rule for a metric that two sources report: what the job says
// explicitly (metrics pipe, MLflow's API) is always stored; what is derived from files and output gives way. A key that
// has been reported explicitly in this attempt is taken from no derived source any more, and among these the first that
// reports a key owns it for the attempt. What was passed over is counted and told when the attempt ends.
#ifndef SW_JOB_SOURCE_PRIVATE_H
#define SW_JOB_SOURCE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

enum sw_job_source { SW_JOB_EXPLICIT, SW_JOB_OUTPUT, SW_JOB_METRICS_FILE, SW_JOB_TENSORBOARD };

// --- a table of metric names (key.c), for whoever needs something kept by name. Not thread-safe ---

struct sw_job_key {
    char *name; // NULL = free place
    size_t len;
    uint64_t hash;
    int64_t next_step;        // the intake's: for points without a step
    enum sw_job_source owner; // the merge rule's
    int64_t passed_over;
};
// Zeroed it is empty. At most SW_JOB_METRIC_KEYS names.
struct sw_job_keys {
    struct sw_job_key *items; // open addressing
    size_t count, cap;
};
// The name's place, made when missing (*is_new, may be NULL). NULL when there are too many names, or no memory. The
// name itself stays where it is as long as the table; the place moves when another name is added.
struct sw_job_key *sw_job_keys_intern(struct sw_job_keys *t, const char *name, size_t len, bool *is_new);
void sw_job_keys_free(struct sw_job_keys *t);

// --- the rule (source.c). Thread: any ---

struct sw_job_sources; // of one attempt
enum sw_code sw_job_sources_new(struct sw_job_sources **out, struct sw_err *err);
void sw_job_sources_free(struct sw_job_sources *t); // accepts NULL
// May a point of this key be stored, when it comes from `source`?
bool sw_job_sources_admit(struct sw_job_sources *t, enum sw_job_source source, const char *key, size_t len);
// One sentence about what was passed over; false when there was nothing.
bool sw_job_sources_tell(struct sw_job_sources *t, struct sw_buf *out);

#endif
