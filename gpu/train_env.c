// SPDX-License-Identifier: Apache-2.0
// The environment of a rank, checked.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/jobenv.h"
#include "gpu/comm.h"
#include "gpu/train.h"

static enum sw_code read_number(const char *name, int64_t otherwise, int64_t min, int64_t max, int64_t *out,
                                struct sw_err *err)
{
    const char *text = getenv(name);
    *out = otherwise;
    if (!text || !*text)
        return SW_OK;
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (*end || errno || n < min || n > max)
        return sw_err_set(err, SW_USAGE, "%s in the environment is '%.20s', not a number from %lld to %lld", name, text,
                          (long long)min, (long long)max);
    *out = n;
    return SW_OK;
}

static const char *text_or_null(const char *name)
{
    const char *text = getenv(name);
    return text && *text ? text : NULL;
}

enum sw_code sw_train_env_read(const char *out_dir, struct sw_train_env *env, struct sw_err *err)
{
    int64_t size, rank, fd, attempt;
    enum sw_code code;
    if ((code = read_number("WORLD_SIZE", 1, 1, SW_COMM_MAX_RANKS, &size, err)) ||
        (code = read_number("RANK", 0, 0, size - 1, &rank, err)) ||
        (code = read_number(SW_ENV_COMM_FD, -1, 0, 1 << 20, &fd, err)) ||
        (code = read_number(SW_ENV_ATTEMPT, 1, 1, INT32_MAX, &attempt, err)))
        return code;
    if (size > 1 && fd < 0) {
        (void)sw_err_set(err, SW_USAGE, "WORLD_SIZE is %d but %s is not set", (int)size, SW_ENV_COMM_FD);
        return sw_err_hint(err, "start ranks with `slipway train` or `slipway-train --ranks N`");
    }
    const char *job_dir = text_or_null(SW_ENV_JOB_DIR), *artifacts = text_or_null(SW_ENV_ARTIFACT_DIR);
    const char *out = out_dir ? out_dir : "slipway-out";
    struct sw_train_env e = {.rank = (int)rank,
                             .size = (int)size,
                             .comm_fd = (int)fd,
                             .attempt = attempt,
                             .run_id = text_or_null(SW_ENV_RUN_ID)};
    if ((code = sw_path_join(e.checkpoint_dir, out_dir || !job_dir ? out : job_dir, "checkpoints", err)) ||
        (code = sw_path_absolute(e.artifact_dir, out_dir || !artifacts ? out : artifacts, err)))
        return code;
    *env = e;
    return SW_OK;
}
