// SPDX-License-Identifier: Apache-2.0
// Environments: what is captured of the submitter's (never a secret), what a supervisor is started with, and what each
// rank finds. Names follow core/base/jobenv.h and torchrun.
#include "core/job/job_private.h"

#include "core/base/jobenv.h"
#include "core/base/text.h"
#include "core/job/tracking_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_VALUE = 128 << 10 }; // one longer could not be exec'ed anyway (MAX_ARG_STRLEN)

// A job started inside another job must not pass for a part of it, nor one supervisor's fault points for another's.
static const char *const own_names[] = {
    SW_ENV_JOB_ID,       SW_ENV_RUN_ID,  SW_ENV_ATTEMPT,    SW_ENV_JOB_DIR,
    SW_ENV_ARTIFACT_DIR, SW_ENV_COMM_FD, SW_ENV_METRICS_FD,
};
// What points MLflow's client elsewhere than to the job's own server and run: the submitter's settings do not count, only
// those given for the job.
static const char *const tracking_names[] = {
    SW_ENV_TRACKING_URI,
    SW_ENV_TRACKING_TOKEN,
    SW_ENV_TRACKING_RUN,
    SW_ENV_TRACKING_EXPERIMENT,
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_INSECURE_TLS",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    "MLFLOW_TRACKING_DIR",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_PARENT_RUN_ID",
    "MLFLOW_ACTIVE_MODEL_ID",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_REGISTRY_DIR",
    "MLFLOW_WORKSPACE",
};
// torchrun's, of which a job must see its own or none.
static const char *const rendezvous_names[] = {
    "RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "GROUP_RANK",
    "GROUP_WORLD_SIZE",
    "ROLE_NAME",
    "ROLE_RANK",
    "ROLE_WORLD_SIZE",
    "MASTER_ADDR",
    "MASTER_PORT",
    "TORCHELASTIC_RESTART_COUNT",
    "TORCHELASTIC_MAX_RESTARTS",
    "TORCHELASTIC_RUN_ID",
};

static size_t name_length(const char *item)
{
    return strcspn(item, "=");
}

static size_t find(const struct sw_job_env *e, const char *name, size_t len)
{
    for (size_t i = 0; i < e->count; i++)
        if (name_length(e->items[i]) == len && memcmp(e->items[i], name, len) == 0)
            return i;
    return e->count;
}

static void put_item(struct sw_job_env *e, const char *item)
{
    if (!item) {
        e->failed = true;
        return;
    }
    size_t i = find(e, item, name_length(item));
    if (i < e->count) {
        e->items[i] = item;
        return;
    }
    if (e->count + 2 > e->cap) {
        size_t cap = e->cap ? e->cap * 2 : 128;
        const char **items = sw_arena_array(e->arena, cap, sizeof(*items));
        if (!items) {
            e->failed = true;
            return;
        }
        if (e->count)
            memcpy(items, e->items, e->count * sizeof(*items));
        e->items = items;
        e->cap = cap;
    }
    e->items[e->count++] = item;
    e->items[e->count] = NULL;
}

void sw_job_env_add_all(struct sw_job_env *e, const char *const *list)
{
    for (; list && *list; list++)
        if (strchr(*list, '='))
            put_item(e, sw_arena_strdup(e->arena, *list));
}

void sw_job_env_put(struct sw_job_env *e, const char *name, const char *value)
{
    put_item(e, sw_arena_printf(e->arena, "%s=%s", name, value));
}

void sw_job_env_drop(struct sw_job_env *e, const char *name)
{
    size_t i = find(e, name, strlen(name));
    if (i == e->count)
        return;
    e->items[i] = e->items[--e->count];
    e->items[e->count] = NULL;
}

static void drop_all(struct sw_job_env *e, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sw_job_env_drop(e, names[i]);
}

const char *sw_job_env_get(const struct sw_job_env *e, const char *name)
{
    size_t i = find(e, name, strlen(name));
    return i < e->count ? e->items[i] + strlen(name) + 1 : NULL;
}

// "scheme://user:password@host" gives a password away whatever the variable is called.
static bool has_url_password(const char *value)
{
    for (const char *at = strstr(value, "://"); at; at = strstr(at + 3, "://")) {
        size_t authority = strcspn(at + 3, "/ \t");
        const char *host = memchr(at + 3, '@', authority);
        if (host && memchr(at + 3, ':', (size_t)(host - at - 3)))
            return true;
    }
    return false;
}

static bool is_secret(const char *name, const char *value)
{
    return sw_text_is_secret_name(name) || has_url_password(value);
}

static enum sw_code capture(const char *const *list, const char *redacted, json_t **out, struct sw_err *err)
{
    json_t *tree = json_object();
    for (; tree && list && *list; list++) {
        size_t len = name_length(*list);
        const char *value = *list + len + 1;
        char name[256];
        if ((*list)[len] != '=' || len == 0 || len >= sizeof(name) || strlen(value) > MAX_VALUE)
            continue;
        snprintf(name, sizeof(name), "%.*s", (int)len, *list);
        if (is_secret(name, value) && !redacted)
            continue;
        // A name or value that is no UTF-8 is left out.
        json_object_set_new(tree, name, json_string(is_secret(name, value) ? redacted : value));
    }
    if (!tree)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the environment");
    *out = tree;
    return SW_OK;
}

enum sw_code sw_job_env_capture(const char *const *list, json_t **out, struct sw_err *err)
{
    enum sw_code code = capture(list, NULL, out, err);
    if (!code) // a fault point belongs to the process that was given it
        json_object_del(*out, "SLIPWAY_FAILPOINT");
    return code;
}

enum sw_code sw_job_env_show(const char *const *list, json_t **out, struct sw_err *err)
{
    return capture(list, SW_JOB_REDACTED, out, err);
}

enum sw_code sw_job_env_for_supervisor(const char *store_dir, int64_t job_id, const char *const *extra,
                                       struct sw_job_env *e, struct sw_err *err)
{
    json_t *saved = NULL;
    enum sw_code code = sw_job_read_json(store_dir, job_id, "environment.json", &saved, err);
    if (code && code != SW_NOT_FOUND)
        return code;
    const char *name;
    json_t *value;
    json_object_foreach (saved, name, value) {
        sw_job_env_put(e, name, json_string_value(value));
    }
    // What is never kept comes from whoever starts the supervisor.
    for (char **item = environ; *item; item++) {
        char key[256];
        snprintf(key, sizeof(key), "%.*s", (int)name_length(*item), *item);
        const char *text = *item + name_length(*item);
        if (*text == '=' && (!saved || is_secret(key, text + 1) || strcmp(key, "SLIPWAY_FAILPOINT") == 0))
            put_item(e, sw_arena_strdup(e->arena, *item));
    }
    drop_all(e, own_names, sizeof(own_names) / sizeof(own_names[0]));
    drop_all(e, tracking_names, sizeof(tracking_names) / sizeof(tracking_names[0]));
    for (; extra && *extra; extra++) { // the others are in the job's row
        char key[256];
        snprintf(key, sizeof(key), "%.*s", (int)name_length(*extra), *extra);
        const char *text = *extra + name_length(*extra);
        if (*text == '=' && is_secret(key, text + 1))
            put_item(e, sw_arena_strdup(e->arena, *extra));
    }
    json_decref(saved);
    return e->failed ? sw_err_set(err, SW_NO_MEMORY, "the environment of job %" PRId64 " is too large", job_id) : SW_OK;
}

static void put_int(struct sw_job_env *e, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    sw_job_env_put(e, name, text);
}

// torchrun's names, for several ranks only: a script that finds RANK initialises a process group, which a plain
// single-process command neither needs nor always can.
static void put_rendezvous(struct sw_job_env *e, const struct sw_job_rank_context *c)
{
    const struct sw_job *job = c->job;
    drop_all(e, rendezvous_names, sizeof(rendezvous_names) / sizeof(rendezvous_names[0]));
    // torchrun takes its defaults from PET_*: two jobs on one machine do not meet on its fixed port 29500.
    put_int(e, "PET_MASTER_PORT", c->port);
    if (job->ranks < 2)
        return;
    put_int(e, "RANK", c->rank);
    put_int(e, "LOCAL_RANK", c->rank);
    put_int(e, "WORLD_SIZE", job->ranks);
    put_int(e, "LOCAL_WORLD_SIZE", job->ranks);
    put_int(e, "GROUP_RANK", 0);
    put_int(e, "GROUP_WORLD_SIZE", 1);
    sw_job_env_put(e, "ROLE_NAME", "default");
    put_int(e, "ROLE_RANK", c->rank);
    put_int(e, "ROLE_WORLD_SIZE", job->ranks);
    sw_job_env_put(e, "MASTER_ADDR", "127.0.0.1");
    put_int(e, "MASTER_PORT", c->port);
    put_int(e, "TORCHELASTIC_RESTART_COUNT", job->attempt - 1);
    put_int(e, "TORCHELASTIC_MAX_RESTARTS", job->max_retries);
    sw_job_env_put(e, "TORCHELASTIC_RUN_ID", job->run_id);
    if (!sw_job_env_get(e, "OMP_NUM_THREADS"))
        put_int(e, "OMP_NUM_THREADS", job->cpu_slots > job->ranks ? job->cpu_slots / job->ranks : 1);
}

// A job sees the GPUs it leased and no others; by UUID, since NVML's and CUDA's indices differ, except for a launcher
// that reads indices only.
static void put_gpus(struct sw_job_env *e, const struct sw_job_rank_context *c)
{
    const char *visible = c->job->gpu_uuids ? c->job->gpu_uuids : "";
    if (c->job->gpu_count == 0 && !c->has_gpus)
        return;
    sw_job_env_put(e, "CUDA_DEVICE_ORDER", "PCI_BUS_ID");
    sw_job_env_put(e, "CUDA_VISIBLE_DEVICES", c->gpu_indices ? c->gpu_indices : visible);
}

// A proxy that the environment names would get the calls to our loopback port; so the lists of exceptions hold it.
static void pass_proxies(struct sw_job_env *e)
{
    static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY"};
    bool has_proxy = false;
    for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
        has_proxy |= sw_job_env_get(e, proxies[i]) != NULL;
    const char *known = sw_job_env_get(e, exceptions[0]);
    if (!known)
        known = sw_job_env_get(e, exceptions[1]);
    if (!has_proxy || (known && strstr(known, "127.0.0.1")))
        return;
    const char *list =
        sw_arena_printf(e->arena, "%s%s127.0.0.1,localhost", known ? known : "", known && *known ? "," : "");
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        sw_job_env_put(e, exceptions[i], list ? list : "127.0.0.1");
}

// For MLflow's client. A server that was given for this job is the user's will: then nothing here is ours.
static void put_tracking(struct sw_job_env *e, const struct sw_job_rank_context *c)
{
    char uri[64];
    if (sw_job_env_get(e, SW_ENV_TRACKING_URI) || !c->tracking)
        return;
    snprintf(uri, sizeof(uri), "http://127.0.0.1:%d", c->tracking->port);
    sw_job_env_put(e, SW_ENV_TRACKING_URI, uri);
    sw_job_env_put(e, SW_ENV_TRACKING_TOKEN, c->tracking->token);
    sw_job_env_drop(e, "MLFLOW_TRACKING_USERNAME"); // would be shown instead of the token
    sw_job_env_drop(e, "MLFLOW_TRACKING_PASSWORD");
    if (!sw_job_env_get(e, SW_ENV_TRACKING_RUN))
        sw_job_env_put(e, SW_ENV_TRACKING_RUN, c->job->run_id);
    if (!sw_job_env_get(e, SW_ENV_TRACKING_EXPERIMENT) && !sw_job_env_get(e, "MLFLOW_EXPERIMENT_NAME"))
        put_int(e, SW_ENV_TRACKING_EXPERIMENT, c->tracking->experiment_id);
    pass_proxies(e);
}

void sw_job_env_add_rank(struct sw_job_env *e, const struct sw_job_rank_context *c)
{
    put_rendezvous(e, c);
    put_gpus(e, c);
    put_int(e, SW_ENV_JOB_ID, c->job->job_id);
    sw_job_env_put(e, SW_ENV_RUN_ID, c->job->run_id);
    put_tracking(e, c);
    put_int(e, SW_ENV_ATTEMPT, c->job->attempt);
    sw_job_env_put(e, SW_ENV_JOB_DIR, c->dir);
    sw_job_env_put(e, SW_ENV_ARTIFACT_DIR, c->artifact_dir);
    put_int(e, SW_ENV_METRICS_FD, c->metrics_fd);
    if (c->comm_fd >= 0)
        put_int(e, SW_ENV_COMM_FD, c->comm_fd);
    // Python holds back output to a pipe; a log that lags by 8 KiB is no live log.
    if (!sw_job_env_get(e, "PYTHONUNBUFFERED"))
        sw_job_env_put(e, "PYTHONUNBUFFERED", "1");
}
