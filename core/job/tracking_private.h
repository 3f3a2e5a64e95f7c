// SPDX-License-Identifier: Apache-2.0
// MLflow's API inside a job: a tracking server (core/serve) of the attempt's own, on a loopback port and with a token that
// nobody else knows and that ends with the attempt. What it stores for the job's run is explicit to the merge rule.
#ifndef SW_JOB_TRACKING_PRIVATE_H
#define SW_JOB_TRACKING_PRIVATE_H

#include "core/job/job_private.h"
#include "core/serve/serve.h"

struct sw_job_tracking {
    struct sw_serve *serve; // NULL = not running
    int port;
    char token[SW_SERVE_TOKEN];
    char run_id[SW_RUN_ID];
    int64_t experiment_id; // of the run
    struct sw_job_sources *sources;
};
// `t` has run_id, experiment_id and sources set, and stays where it is until the server was stopped.
enum sw_code sw_job_tracking_start(struct sw_job_tracking *t, const char *store_dir, struct sw_err *err);
// Once no process of the job is left: finishes the calls under way, so that all that was acknowledged is stored.
void sw_job_tracking_stop(struct sw_job_tracking *t);

#endif
