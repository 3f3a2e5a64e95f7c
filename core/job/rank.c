// SPDX-License-Identifier: Apache-2.0
// Ranks: starting the processes of an attempt with their environment and pipes, and reading those pipes into logs and
// intake. Each rank is a session of its own; its stdout and stderr are separate pipes, so that no line of one cuts into a
// line of the other.
#include "core/job/attempt_private.h"

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/text.h"
#include "gpu/telemetry.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CHILD_METRICS_FD = 3,
    CHILD_COMM_FD = 4,
    PIPE_BYTES = 1 << 20, // less blocking of ranks; refused quietly where the user's limit is lower
    READ_BYTES = 64 << 10,
    ENVIRONMENT_BYTES = 16 << 20,
};

// --- reading ---

static void take_log_line(void *ctx, const char *line, size_t len)
{
    struct stream *s = ctx;
    struct rank *r = s->rank;
    struct attempt *at = r->attempt;
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "[r%d] ", r->index);
    sw_job_log_line(&r->log, "", line, len);
    sw_job_log_line(&at->merged, prefix, line, len);
    if (len > 0) {
        char raw[1024], safe[sizeof(s->last_line)];
        snprintf(raw, sizeof(raw), "%.*s", (int)(len < sizeof(raw) - 1 ? len : sizeof(raw) - 1), line);
        sw_text_safe_copy(safe, sizeof(safe), raw, SW_TEXT_ONE_LINE);
        if (safe[strspn(safe, " ")])
            memcpy(s->last_line, safe, sizeof(safe));
    }
    if (at->patterns && r->index == 0) {
        at->intake.source = SW_JOB_OUTPUT;
        if (s != &r->streams[STREAM_OUT] || !at->takes_records || !sw_job_intake_record(&at->intake, line, len, true))
            sw_job_patterns_line(at->patterns, &at->intake, line, len);
        at->intake.source = SW_JOB_EXPLICIT;
    }
}

static void take_bar(void *ctx, const char *line, size_t len)
{
    struct stream *s = ctx;
    if (s->rank->index == 0)
        sw_job_intake_bar(&s->rank->attempt->intake, line, len);
}

static void take_metrics_line(void *ctx, const char *line, size_t len)
{
    struct stream *s = ctx;
    sw_job_intake_line(&s->rank->attempt->intake, line, len);
}

static void end_stream(struct stream *s)
{
    if (s->fd < 0)
        return;
    sw_loop_remove(s->source);
    s->source = NULL;
    close(s->fd);
    s->fd = -1;
    sw_job_lines_end(&s->lines);
}

// One block; false when there was nothing to read (now, or ever again).
static bool read_block(struct stream *s)
{
    char block[READ_BYTES];
    ssize_t n = s->fd < 0 ? 0 : read(s->fd, block, sizeof(block));
    if (n > 0)
        sw_job_lines_feed(&s->lines, block, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        end_stream(s);
    return n > 0;
}

static void stream_is_ready(void *ctx, int fd, unsigned events)
{
    struct stream *s = ctx;
    (void)fd;
    (void)events;
    read_block(s);
    sw_job_log_flush(&s->rank->log);
    sw_job_log_flush(&s->rank->attempt->merged);
}

static enum sw_code watch(struct stream *s, struct sw_err *err)
{
    if (s->fd < 0 || s->source)
        return SW_OK;
    return sw_loop_add_fd(s->rank->attempt->loop, s->fd, SW_LOOP_READ, stream_is_ready, s, &s->source, err);
}

void sw_job_ranks_pause(struct attempt *at, bool pause)
{
    struct sw_err err = {0};
    if (at->is_paused == pause)
        return;
    at->is_paused = pause;
    for (int r = 0; r < at->rank_count; r++)
        for (int i = 0; i < STREAM_COUNT; i++) {
            struct stream *s = &at->ranks[r].streams[i];
            if (pause) {
                sw_loop_remove(s->source); // a mere change of events would go on reporting hang-ups
                s->source = NULL;
            } else if (watch(s, &err) != SW_OK) {
                fprintf(stderr, "cannot go on reading rank %d: %s\n", r, err.message);
                at->is_paused = true; // tried again at the next turn
            }
        }
}

void sw_job_ranks_drain(struct attempt *at)
{
    for (int r = 0; r < at->rank_count; r++) {
        for (int i = 0; i < STREAM_COUNT; i++) {
            while (read_block(&at->ranks[r].streams[i]))
                ;
            end_stream(&at->ranks[r].streams[i]);
        }
        sw_job_log_flush(&at->ranks[r].log);
    }
    sw_job_log_flush(&at->merged);
}

void sw_job_ranks_note(struct attempt *at, const char *text)
{
    for (int r = 0; r < at->rank_count; r++)
        if (at->ranks[r].log.max_bytes) {
            sw_job_log_line(&at->ranks[r].log, SW_JOB_NOTE_PREFIX, text, strlen(text));
            sw_job_log_flush(&at->ranks[r].log);
        }
    sw_job_log_line(&at->merged, SW_JOB_NOTE_PREFIX, text, strlen(text));
    sw_job_log_flush(&at->merged);
}

void sw_job_ranks_close(struct attempt *at)
{
    for (int r = 0; r < at->rank_count; r++) {
        struct rank *rank = &at->ranks[r];
        for (int i = 0; i < STREAM_COUNT; i++) {
            end_stream(&rank->streams[i]);
            sw_job_lines_free(&rank->streams[i].lines);
        }
        if (rank->log.max_bytes)
            sw_job_log_close(&rank->log);
        sw_proc_close(&rank->proc);
    }
}

// --- starting ---

// A free port on loopback, kept by the returned socket until it is closed.
static int reserve_port(int *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        *port = 29500; // torchrun's own
        return fd;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

// A pipe whose read end becomes the stream; *child_end is for the rank.
static enum sw_code open_stream(struct rank *r, int which, int *child_end, struct sw_err *err)
{
    static const sw_job_line_fn takers[STREAM_COUNT] = {take_log_line, take_log_line, take_metrics_line};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sw_err_errno(err, errno, "cannot make a pipe for rank %d", r->index);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
    struct stream *s = &r->streams[which];
    s->fd = ends[0];
    *child_end = ends[1];
    size_t max = which == STREAM_METRICS ? SW_JOB_METRIC_LINE : SW_JOB_LINE_BYTES;
    sw_job_lines_init(&s->lines, max, takers[which], which == STREAM_METRICS ? NULL : take_bar, s);
    return watch(s, err);
}

// The first line of an attempt in a log.
static void head(const struct attempt *at, struct sw_job_log *log)
{
    char when[32], text[256], name[128];
    sw_format_time(when, sizeof(when), sw_clock_now_ms());
    sw_text_safe_copy(name, sizeof(name), at->job->name ? at->job->name : "", SW_TEXT_ONE_LINE);
    snprintf(text, sizeof(text), "job %" PRId64 " (%s), attempt %d, %d rank%s, %s", at->job->job_id, name,
             at->job->attempt, at->rank_count, at->rank_count == 1 ? "" : "s", when);
    sw_job_log_line(log, SW_JOB_NOTE_PREFIX, text, strlen(text));
    sw_job_log_flush(log);
}

static enum sw_code open_rank_log(struct rank *r, struct sw_err *err)
{
    char name[32], path[SW_PATH_MAX];
    snprintf(name, sizeof(name), "rank-%d.log", r->index);
    enum sw_code code = sw_job_path(r->attempt->spec->store_dir, r->attempt->job->job_id, name, path, err);
    if (!code)
        code = sw_job_log_open(&r->log, path, SW_JOB_LOG_BYTES, err);
    if (!code)
        head(r->attempt, &r->log);
    return code;
}

static enum sw_code rank_environment(const struct sw_job_rank_context *c, struct sw_arena *a, const char *const **out,
                                     struct sw_err *err)
{
    struct sw_job_env env = {.arena = a};
    json_t *additions = NULL;
    const char *env_json = c->job->env_json && *c->job->env_json ? c->job->env_json : "{}";
    enum sw_code code = sw_json_parse(env_json, strlen(env_json), "env", &sw_tree_limits_default, &additions, err);
    if (code)
        return code;
    sw_job_env_add_all(&env, (const char *const *)environ);
    const char *name;
    json_t *value;
    json_object_foreach (additions, name, value) {
        const char *text = json_string_value(value);
        if (text && strcmp(text, SW_JOB_REDACTED) != 0) // a secret came in this process's own environment
            sw_job_env_put(&env, name, text);
        else if (!sw_job_env_get(&env, name))
            fprintf(stderr, "%s was a secret and is not known any more; the job runs without it\n", name);
    }
    sw_job_env_add_rank(&env, c);
    json_decref(additions);
    if (env.failed)
        return sw_err_set(err, SW_NO_MEMORY, "the environment of job %" PRId64 " is too large", c->job->job_id);
    *out = env.items;
    return SW_OK;
}

static enum sw_code start_rank(struct rank *r, struct sw_job_rank_context *c, const char *const *argv, int comm_fd,
                               struct sw_err *err)
{
    int ends[STREAM_COUNT] = {-1, -1, -1};
    const char *const *env = NULL;
    struct sw_arena *a = sw_arena_new(ENVIRONMENT_BYTES);
    enum sw_code code = a ? open_rank_log(r, err) : sw_err_set(err, SW_NO_MEMORY, "no memory for rank %d", r->index);
    for (int i = 0; i < STREAM_COUNT && !code; i++)
        code = open_stream(r, i, &ends[i], err);
    if (!code)
        code = rank_environment(c, a, &env, err);
    if (!code) {
        int failure = sw_failpoint("job.spawn");
        if (failure)
            code = sw_err_errno(err, failure, "cannot start rank %d", r->index);
    }
    if (!code) {
        struct sw_proc_fd fds[] = {{ends[STREAM_OUT], 1},
                                   {ends[STREAM_ERR], 2},
                                   {ends[STREAM_METRICS], CHILD_METRICS_FD},
                                   {comm_fd, CHILD_COMM_FD}};
        struct sw_proc_spec spec = {.argv = argv,
                                    .env = env,
                                    .cwd = c->job->cwd,
                                    .fds = fds,
                                    .fd_count = comm_fd >= 0 ? 4 : 3,
                                    .new_session = true,
                                    .die_with_parent = true};
        code = sw_proc_spawn(&spec, &r->proc, err);
    }
    if (!code) {
        r->is_running = true;
        r->attempt->running++;
        r->attempt->has_children = true;
    }
    for (int i = 0; i < STREAM_COUNT; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    sw_arena_free(a);
    return code;
}

// Written down for whoever has to end them should this supervisor be killed.
static void record_processes(const struct attempt *at)
{
    struct sw_host_facts facts;
    struct sw_err err = {0};
    sw_host_facts(&facts);
    json_t *ranks = json_array();
    for (int i = 0; i < at->rank_count; i++)
        json_array_append_new(ranks, json_pack("{s:I, s:I}", "pid", (json_int_t)at->ranks[i].proc.pid, "start_ticks",
                                               (json_int_t)at->ranks[i].proc.start_ticks));
    json_t *tree =
        json_pack("{s:s, s:I, s:o}", "boot_id", facts.boot_id, "supervisor", (json_int_t)getpid(), "ranks", ranks);
    if (!tree || sw_job_write_json(at->spec->store_dir, at->job->job_id, "processes.json", tree, &err) != SW_OK)
        fprintf(stderr, "cannot record the ranks: %s\n", err.message);
    json_decref(tree);
}

enum sw_code sw_job_ranks_start(struct attempt *at, struct sw_err *err)
{
    char work[SW_PATH_MAX];
    const char *const *argv = NULL;
    struct sw_job_rank_context c = {.job = at->job,
                                    .dir = work,
                                    .artifact_dir = at->spec->artifact_dir,
                                    .metrics_fd = CHILD_METRICS_FD,
                                    .comm_fd = at->rank_count > 1 ? CHILD_COMM_FD : -1,
                                    .has_gpus = at->spec->has_gpus,
                                    .tracking = at->tracking.serve ? &at->tracking : NULL};
    int comm_fd = -1, port_fd = -1;
    struct sw_arena *a = sw_arena_new(4 << 20);
    enum sw_code code = a ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "no memory to start ranks");
    if (!code)
        code = sw_job_path(at->spec->store_dir, at->job->job_id, "work", work, err);
    if (!code)
        code = sw_path_make_dirs(work, err);
    if (!code)
        code = sw_job_parse_argv(at->job->argv_json, a, &argv, err);
    if (!code && at->rank_count > 1 && (comm_fd = memfd_create("slipway-comm", MFD_CLOEXEC)) < 0)
        code = sw_err_errno(err, errno, "cannot make the memory that ranks share");
    if (!code && strcmp(sw_path_base(argv[0]), "deepspeed") == 0)
        c.gpu_indices = at->spec->gpu_indices; // it reads integers only
    if (!code) {
        head(at, &at->merged);
        port_fd = reserve_port(&c.port);
    }
    for (int i = 0; i < at->rank_count && !code; i++) {
        c.rank = i;
        if (port_fd >= 0) // freed only now, so that nobody else got it meanwhile
            close(port_fd);
        port_fd = -1;
        code = start_rank(&at->ranks[i], &c, argv, comm_fd, err);
        if (!code && i + 1 == at->rank_count)
            record_processes(at);
    }
    if (comm_fd >= 0)
        close(comm_fd);
    sw_arena_free(a);
    return code;
}
