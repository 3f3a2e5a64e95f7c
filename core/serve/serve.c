// SPDX-License-Identifier: Apache-2.0
// Starting and ending a server: settings copied and checked, then threads, then the socket; backwards at the end.
#include "core/serve/serve_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/serve/artifact_private.h"
#include "core/serve/watch_private.h"

enum { READERS = 2, DRAIN_POLL_MS = 5, DRAIN_REPLIES_MS = 1000 };

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static enum sw_code check(const struct sw_serve_config *config, struct sw_err *err)
{
    if (config->token == NULL || strlen(config->token) < 16)
        return sw_err_set(err, SW_INVALID, "a server needs a token of at least 16 characters");
    if (config->unix_path == NULL && config->address != NULL && !is_loopback(config->address) &&
        config->certificate == NULL) {
        (void)sw_err_set(err, SW_INVALID, "%s is not this machine alone, and there is no certificate", config->address);
        return sw_err_hint(err, "give --certificate and --key, or use 127.0.0.1 and an SSH tunnel");
    }
    return SW_OK;
}

static enum sw_code copy_hosts(struct sw_serve *s, const char *const *hosts, struct sw_err *err)
{
    size_t count = 0;
    while (hosts != NULL && hosts[count] != NULL)
        count++;
    s->allowed_hosts = calloc(count + 1, sizeof *s->allowed_hosts);
    bool is_whole = s->allowed_hosts != NULL;
    for (size_t i = 0; is_whole && i < count; i++)
        is_whole = (s->allowed_hosts[i] = strdup(hosts[i])) != NULL;
    return is_whole ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "no memory for the server");
}

static enum sw_code open_artifacts(struct sw_serve *s, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, s->store_dir, "artifacts", err);
    if (code == SW_OK)
        code = sw_path_make_dirs(path, err);
    if (code != SW_OK)
        return code;
    s->artifact_root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (s->artifact_root < 0)
        return sw_err_errno(err, errno, "opening %s", path);
    sw_artifact_clean(s->artifact_root, sw_clock_now_ms());
    return SW_OK;
}

static enum sw_code set_up(struct sw_serve *s, const struct sw_serve_config *config, struct sw_err *err)
{
    snprintf(s->address, sizeof s->address, "%s", config->address != NULL ? config->address : "127.0.0.1");
    snprintf(s->token, sizeof s->token, "%s", config->token);
    s->is_tls = config->certificate != NULL;
    snprintf(s->own_run, sizeof s->own_run, "%s", config->own_run_id != NULL ? config->own_run_id : "");
    if (config->unix_path != NULL)
        snprintf(s->unix_path, sizeof s->unix_path, "%s", config->unix_path);
    enum sw_code code = sw_path_absolute(s->store_dir, config->store_dir, err);
    if (code == SW_OK)
        code = copy_hosts(s, config->allowed_hosts, err);
    if (code == SW_OK)
        code = open_artifacts(s, err);
    if (code == SW_OK)
        code = sw_watch_start(&s->watch, err);
    if (code == SW_OK)
        code = sw_workers_start(s, config->readers > 0 ? config->readers : READERS, &s->workers, err);
    return code == SW_OK ? sw_http_start(s, config, err) : code;
}

enum sw_code sw_serve_start(const struct sw_serve_config *config, struct sw_serve **out, struct sw_err *err)
{
    enum sw_code code = check(config, err);
    if (code != SW_OK)
        return code;
    struct sw_serve *s = calloc(1, sizeof *s);
    if (s == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the server");
    s->artifact_root = -1;
    s->hooks = config->hooks;
    atomic_store(&s->resolved_experiment, -1);
    code = set_up(s, config, err);
    if (code != SW_OK) {
        sw_serve_stop(s, 0);
        return code;
    }
    *out = s;
    return SW_OK;
}

// Waits until no request is under way.
static void drain(struct sw_serve *s, int64_t limit_ms)
{
    int64_t until = sw_clock_mono_ms() + limit_ms;
    while (atomic_load(&s->active) > 0 && sw_clock_mono_ms() < until)
        sw_clock_sleep_ms(DRAIN_POLL_MS);
}

void sw_serve_stop(struct sw_serve *s, int64_t grace_ms)
{
    if (s == NULL)
        return;
    atomic_store(&s->is_stopping, true);
    drain(s, grace_ms);
    atomic_store(&s->is_over, true);
    sw_workers_stop(s->workers);
    drain(s, grace_ms < DRAIN_REPLIES_MS ? grace_ms : DRAIN_REPLIES_MS);
    sw_http_stop(s); // until here it may hand calls to the workers, who refuse them
    sw_workers_free(s->workers);
    sw_watch_stop(s->watch);
    if (s->owns_socket)
        unlink(s->unix_path);
    if (s->artifact_root >= 0)
        close(s->artifact_root);
    for (char **host = s->allowed_hosts; host != NULL && *host != NULL; host++)
        free(*host);
    free(s->allowed_hosts);
    free(s);
}

int sw_serve_port(const struct sw_serve *s)
{
    return s->port;
}

const char *sw_serve_scheme(const struct sw_serve *s)
{
    if (s->unix_path[0] != '\0')
        return NULL;
    return s->is_tls ? "https" : "http";
}

int sw_serve_artifact_root(const struct sw_serve *s)
{
    return s->artifact_root;
}

const char *sw_serve_own_run(const struct sw_serve *s)
{
    return s->own_run[0] != '\0' ? s->own_run : NULL;
}

void sw_serve_tell_metric(const struct sw_serve *s, const char *run_id, const char *key)
{
    if (s->hooks.on_metric != NULL)
        s->hooks.on_metric(s->hooks.ctx, run_id, key);
}
