// SPDX-License-Identifier: Apache-2.0
// The job's folder: its lock, its small JSON files, and the result that is written there before the store learns of it.
#include "core/job/job_private.h"

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAX_JSON_FILE = 8 << 20 };

enum sw_code sw_job_path(const char *store_dir, int64_t job_id, const char *name, char out[static SW_PATH_MAX],
                         struct sw_err *err)
{
    int n = snprintf(out, SW_PATH_MAX, "%s/jobs/%" PRId64 "%s%s", store_dir, job_id, name ? "/" : "", name ? name : "");
    if (n < 0 || n >= SW_PATH_MAX)
        return sw_err_set(err, SW_LIMIT, "the path of job %" PRId64 " below %.200s is too long", job_id, store_dir);
    return SW_OK;
}

enum sw_code sw_job_dir(struct sw_store *s, int64_t job_id, char *out, struct sw_err *err)
{
    return sw_job_path(sw_store_dir(s), job_id, NULL, out, err);
}

enum sw_code sw_job_lock(const char *store_dir, int64_t job_id, int *fd, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_job_path(store_dir, job_id, "lock", path, err);
    if (code)
        return code;
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0)
        return sw_err_errno(err, errno, "cannot open %s", path);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        int failure = errno;
        close(lock);
        if (failure == EWOULDBLOCK)
            return sw_err_set(err, SW_BUSY, "job %" PRId64 " has a supervisor already", job_id);
        return sw_err_errno(err, failure, "cannot lock %s", path);
    }
    *fd = lock;
    return SW_OK;
}

enum sw_code sw_job_read_json(const char *store_dir, int64_t job_id, const char *name, json_t **out, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    struct sw_buf text;
    sw_buf_init(&text, MAX_JSON_FILE);
    enum sw_code code = sw_job_path(store_dir, job_id, name, path, err);
    if (!code)
        code = sw_file_read(path, &text, err);
    if (!code)
        code = sw_json_parse(text.data, text.len, path, &sw_tree_limits_default, out, err);
    sw_buf_free(&text);
    return code;
}

enum sw_code sw_job_write_json(const char *store_dir, int64_t job_id, const char *name, const json_t *tree,
                               struct sw_err *err)
{
    char path[SW_PATH_MAX];
    struct sw_buf text;
    sw_buf_init(&text, MAX_JSON_FILE);
    enum sw_code code = sw_job_path(store_dir, job_id, name, path, err);
    if (!code)
        code = sw_json_write(tree, 2, &text, err);
    if (!code)
        code = sw_file_write(path, text.data, text.len, err);
    sw_buf_free(&text);
    return code;
}

enum sw_run_status sw_job_run_status(enum sw_job_state state)
{
    switch (state) {
    case SW_JOB_DONE:
        return SW_RUN_FINISHED;
    case SW_JOB_STOPPED:
        return SW_RUN_KILLED;
    default:
        return SW_RUN_FAILED;
    }
}

enum sw_code sw_job_save_result(const char *store_dir, int64_t job_id, int attempt, const struct sw_job_end *end,
                                struct sw_err *err)
{
    json_t *tree = json_pack("{s:i, s:i, s:s, s:i, s:i, s:i}", "attempt", attempt, "state", (int)end->state, "reason",
                             end->reason ? end->reason : "", "exit_code", end->exit_code, "signo", end->signo,
                             "failed_rank", end->failed_rank);
    if (!tree) // only for text that is no UTF-8, which callers have made safe, or for want of memory
        return sw_err_set(err, SW_NO_MEMORY, "cannot form the result of job %" PRId64, job_id);
    enum sw_code code = sw_job_write_json(store_dir, job_id, "result.json", tree, err);
    json_decref(tree);
    return code;
}

enum sw_code sw_job_load_result(const char *store_dir, int64_t job_id, int attempt, struct sw_arena *a, bool *found,
                                struct sw_job_end *end, struct sw_err *err)
{
    json_t *tree = NULL;
    *found = false;
    enum sw_code code = sw_job_read_json(store_dir, job_id, "result.json", &tree, err);
    if (code == SW_NOT_FOUND)
        return SW_OK;
    if (code)
        return code;
    int64_t state = sw_tree_int(tree, "state", -1);
    if (sw_tree_int(tree, "attempt", -1) == attempt && state >= 0 && state <= SW_JOB_LOST &&
        sw_job_state_is_final((enum sw_job_state)state)) {
        const char *reason = sw_tree_text(tree, "reason");
        *end = (struct sw_job_end){
            .state = (enum sw_job_state)state,
            .reason = sw_arena_strdup(a, reason ? reason : ""),
            .exit_code = (int)sw_tree_int(tree, "exit_code", 0),
            .signo = (int)sw_tree_int(tree, "signo", 0),
            .failed_rank = (int)sw_tree_int(tree, "failed_rank", -1),
            .run_status = sw_job_run_status((enum sw_job_state)state),
        };
        *found = end->reason != NULL;
    }
    json_decref(tree);
    return SW_OK;
}

enum sw_code sw_job_finish_surely(struct sw_store *s, int64_t job_id, const struct sw_job_end *end, struct sw_err *err)
{
    for (;;) {
        struct sw_err e = {0};
        enum sw_code code = sw_job_finish(s, job_id, end, &e);
        if (code != SW_LOCKED && code != SW_NO_SPACE) {
            if (code && code != SW_CONFLICT && err)
                *err = e;
            return code == SW_CONFLICT ? SW_OK : code;
        }
        fprintf(stderr, "the result waits: %s\n", e.message);
        sw_clock_sleep_ms(1000);
    }
}
