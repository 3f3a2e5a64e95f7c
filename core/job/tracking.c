// SPDX-License-Identifier: Apache-2.0
// The job's own tracking server. It costs a few threads and one more connection to the store, and saves the user from
// running anything; its readers are few since one job asks little.
#include "core/job/tracking_private.h"

#include "core/base/failpoint.h"

#include <errno.h>
#include <string.h>

enum { READERS = 1, GRACE_MS = 10000 };

// On the server's writer's thread.
static void on_metric(void *ctx, const char *run_id, const char *key)
{
    struct sw_job_tracking *t = ctx;
    if (strcmp(run_id, t->run_id) == 0)
        (void)sw_job_sources_admit(t->sources, SW_JOB_EXPLICIT, key, strlen(key));
}

enum sw_code sw_job_tracking_start(struct sw_job_tracking *t, const char *store_dir, struct sw_err *err)
{
    int failure = sw_failpoint("job.serve");
    enum sw_code code =
        failure ? sw_err_errno(err, failure, "cannot serve the job") : sw_serve_token_make(t->token, err);
    const struct sw_serve_config config = {
        .store_dir = store_dir,
        .token = t->token,
        .own_run_id = t->run_id,
        .readers = READERS,
        .hooks = {.on_metric = on_metric, .ctx = t},
    };
    if (!code)
        code = sw_serve_start(&config, &t->serve, err);
    if (!code)
        t->port = sw_serve_port(t->serve);
    return code;
}

void sw_job_tracking_stop(struct sw_job_tracking *t)
{
    sw_serve_stop(t->serve, GRACE_MS);
    t->serve = NULL;
    explicit_bzero(t->token, sizeof(t->token));
}
