// SPDX-License-Identifier: Apache-2.0
// What job.c lends to job_claim.c.
#ifndef SW_STORE_JOB_PRIVATE_H
#define SW_STORE_JOB_PRIVATE_H

#include "core/store/job.h"
#include "core/store/store_private.h"

enum sw_job_state sw_job_state_of_word(const char *word);
enum { SW_JOB_REASON_MAX = 512 };
struct sw_job_status {
    enum sw_job_state state;
    bool stop_requested;
    char reason[SW_JOB_REASON_MAX];
};
// SW_NOT_FOUND.
enum sw_code sw_job_get_status(struct sw_store *s, int64_t job_id, struct sw_job_status *out, struct sw_err *err);

#endif
