// SPDX-License-Identifier: Apache-2.0
// What other processes do with jobs: submit, start a supervisor, stop, retry. The row and everything in the job's folder
// become visible in one transaction, so that a crash at any point leaves either no job or a queued one, which the next
// reader gives a supervisor.
#include "core/job/job_private.h"

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/store/audit.h"
#include "gpu/telemetry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_WORDS = 4096, MAX_SLOTS = 4096, MAX_COMMAND_BYTES = 8000, ARENA_BYTES = 32 << 20, RETRY_LOCK_MS = 5000 };

int sw_job_cpu_slots(void)
{
    const char *text = getenv("SLIPWAY_CPU_SLOTS");
    long slots = text ? strtol(text, NULL, 10) : 0;
    if (slots >= 1 && slots <= MAX_SLOTS)
        return (int)slots;
    struct sw_host_facts facts;
    sw_host_facts(&facts);
    return facts.cpus_usable;
}

enum sw_code sw_job_find_gpus(struct sw_arena *a, struct sw_job_gpus *out, json_t **describe, struct sw_err *err)
{
    struct sw_gpu_info *gpus = NULL;
    struct sw_gpu_monitor *m = sw_gpu_monitor_new();
    *out = (struct sw_job_gpus){0};
    if (!m)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for GPU telemetry");
    size_t count = 0;
    enum sw_code code = sw_gpu_monitor_sample(m, a, &gpus, &count, err);
    if (!code && !(out->uuids = sw_arena_array(a, count + 1, sizeof(*out->uuids))))
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for the list of GPUs");
    json_t *list = json_array();
    for (size_t i = 0; i < count && !code; i++) {
        if (!gpus[i].uuid[0] || gpus[i].problem[0])
            continue; // a GPU that cannot be named or is lost cannot be leased
        out->uuids[out->count++] = gpus[i].uuid;
        json_array_append_new(list,
                              json_pack("{s:i, s:s, s:s, s:I}", "index", gpus[i].index, "uuid", gpus[i].uuid, "name",
                                        gpus[i].name, "memory_total_mib", (json_int_t)gpus[i].memory_total_mib));
    }
    if (!code) {
        snprintf(out->reason, sizeof(out->reason), "%s", sw_gpu_monitor_reason(m));
        if (describe)
            *describe = json_pack("{s:s, s:O}", "driver", sw_gpu_monitor_driver(m), "devices", list);
    }
    json_decref(list);
    sw_gpu_monitor_free(m);
    return code;
}

enum sw_code sw_job_parse_argv(const char *argv_json, struct sw_arena *a, const char *const **out, struct sw_err *err)
{
    json_t *tree = NULL;
    enum sw_code code = sw_json_parse(argv_json, strlen(argv_json), "argv", &sw_tree_limits_default, &tree, err);
    if (code)
        return code;
    size_t count = json_array_size(tree);
    const char **argv = count > 0 ? sw_arena_array(a, count + 1, sizeof(*argv)) : NULL;
    for (size_t i = 0; i < count && argv; i++) {
        argv[i] = sw_arena_strdup(a, json_string_value(json_array_get(tree, i)));
        if (!argv[i])
            argv = NULL;
    }
    json_decref(tree);
    if (!argv)
        return sw_err_set(err, SW_INVALID, "the stored command is no list of words");
    *out = argv;
    return SW_OK;
}

// --- checking a spec ---

static const char *path_of(const struct sw_job_spec *spec)
{
    for (const char *const *item = spec->env; item && *item; item++)
        if (strncmp(*item, "PATH=", 5) == 0)
            return *item + 5;
    return getenv("PATH");
}

static enum sw_code check_command(const struct sw_job_spec *spec, const char *cwd, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    const char *name = spec->argv[0];
    if (strchr(name, '/')) {
        enum sw_code code = sw_path_join(path, cwd, name, err);
        if (!code && access(path, X_OK) != 0)
            code = sw_err_errno(err, errno, "cannot run %s", path);
        return code;
    }
    for (const char *part = path_of(spec); part && *part; part += strcspn(part, ":"), part += *part == ':') {
        struct stat st;
        snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(part, ":"), part, name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
            return SW_OK;
    }
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no command \"%.100s\" in PATH", name);
    return sw_err_hint(err, "give its path, as in ./%.100s", name);
}

static enum sw_code check_numbers(const struct sw_job_spec *spec, const struct sw_job *job,
                                  const struct sw_job_gpus *gpus, struct sw_err *err)
{
    int slots = sw_job_cpu_slots();
    if (job->ranks < 1 || job->ranks > SW_JOB_MAX_RANKS)
        return sw_err_set(err, SW_INVALID, "%d ranks: a job has 1 to %d", job->ranks, SW_JOB_MAX_RANKS);
    if (job->cpu_slots < 0 || job->cpu_slots > slots) {
        (void)sw_err_set(err, SW_INVALID, "the job asks for %d CPU slots, this machine has %d", job->cpu_slots, slots);
        return sw_err_hint(err, "ask for fewer with --cpus, or set SLIPWAY_CPU_SLOTS");
    }
    if (job->gpu_count < 0 || (size_t)job->gpu_count > gpus->count) {
        (void)sw_err_set(err, SW_INVALID, "the job asks for %d GPU%s, this machine has %zu", job->gpu_count,
                         job->gpu_count == 1 ? "" : "s", gpus->count);
        return sw_err_hint(err, "%s", gpus->reason);
    }
    if (spec->time_limit_ms < 0 || spec->grace_ms < 0 || spec->max_retries < 0)
        return sw_err_set(err, SW_INVALID, "time limit, grace time and retries cannot be negative");
    return SW_OK;
}

static enum sw_code check_patterns(const struct sw_job_spec *spec, struct sw_err *err)
{
    struct sw_job_patterns *patterns = NULL;
    size_t count = 0;
    while (spec->patterns && spec->patterns[count])
        count++;
    enum sw_code code = sw_job_patterns_new(spec->metrics_from_stdout, spec->patterns, count, &patterns, err);
    if (!code)
        sw_job_patterns_free(patterns);
    return code;
}

// --- from spec to row ---

// Everything that is allocated for a submission.
struct submission {
    const struct sw_job_spec *spec;
    struct sw_arena *arena;
    struct sw_job job;
    char cwd[SW_PATH_MAX];
    struct sw_job_gpus gpus;
    json_t *gpu_facts, *shown_env, *saved_env;
    struct sw_job_capture capture;
    char *argv_json, *env_json, *options_json;
    const char *command; // argv as one line
};

static void free_submission(struct submission *sub)
{
    sw_job_capture_free(&sub->capture);
    json_decref(sub->gpu_facts);
    json_decref(sub->shown_env);
    json_decref(sub->saved_env);
    free(sub->argv_json);
    free(sub->env_json);
    free(sub->options_json);
    sw_arena_free(sub->arena);
}

// "train" for "python -u train.py --lr 1", else the command's own name.
static const char *invent_name(const struct sw_job_spec *spec, struct sw_arena *a)
{
    const char *name = sw_path_base(spec->argv[0]);
    if (strncmp(name, "python", 6) == 0 || strcmp(name, "torchrun") == 0 || strcmp(name, "bash") == 0 ||
        strcmp(name, "sh") == 0)
        for (const char *const *word = spec->argv + 1; *word; word++) {
            const char *dot = strrchr(*word, '.');
            if ((*word)[0] != '-' && dot && dot > *word && !strchr(*word, ' ')) {
                const char *base = sw_path_base(*word);
                return sw_arena_strndup(a, base, (size_t)(dot > base ? dot - base : 0));
            }
        }
    return name;
}

static enum sw_code join_argv(struct submission *sub, struct sw_err *err)
{
    json_t *list = json_array();
    struct sw_buf line;
    sw_buf_init(&line, MAX_COMMAND_BYTES);
    enum sw_code code = list ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "no memory for the command");
    for (size_t i = 0; sub->spec->argv[i] && !code; i++) {
        const char *word = sub->spec->argv[i];
        if (i >= MAX_WORDS || json_array_append_new(list, json_string(word)) != 0)
            code =
                sw_err_set(err, SW_INVALID, "word %zu of the command is not UTF-8, or there are too many words", i + 1);
        const char *quote = !*word || word[strcspn(word, " \t\n\"'$\\")] ? "'" : "";
        sw_buf_addf(&line, "%s%s%s%s", i ? " " : "", quote, word, quote);
    }
    if (!code && !(sub->argv_json = json_dumps(list, JSON_COMPACT)))
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for the command");
    char *safe = code ? NULL : sw_arena_alloc(sub->arena, MAX_COMMAND_BYTES);
    if (safe)
        sub->command = sw_text_safe_copy(safe, MAX_COMMAND_BYTES, line.data, SW_TEXT_ONE_LINE);
    sw_buf_free(&line);
    json_decref(list);
    return code;
}

static enum sw_code form_options(struct submission *sub, struct sw_err *err)
{
    json_t *patterns = json_array(), *datasets = json_array();
    for (const char *const *p = sub->spec->patterns; p && *p; p++)
        json_array_append_new(patterns, json_string(*p));
    for (size_t i = 0; i < sub->spec->dataset_count; i++)
        json_array_append_new(datasets, json_integer(sub->spec->dataset_ids[i]));
    json_t *tree = json_pack("{s:b, s:o, s:o, s:s?, s:s?}", "metrics_from_stdout", sub->spec->metrics_from_stdout,
                             "patterns", patterns, "dataset_ids", datasets, "tensorboard", sub->spec->tensorboard_dir,
                             "metrics_file", sub->spec->metrics_file);
    sub->options_json = tree ? json_dumps(tree, JSON_COMPACT) : NULL;
    json_decref(tree);
    return sub->options_json ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "no memory for the job's options");
}

static enum sw_code prepare(struct submission *sub, struct sw_err *err)
{
    const struct sw_job_spec *spec = sub->spec;
    struct stat st;
    if (!spec->argv || !spec->argv[0] || !*spec->argv[0])
        return sw_err_set(err, SW_INVALID, "the job has no command");
    if (!(sub->arena = sw_arena_new(ARENA_BYTES)))
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the job");
    enum sw_code code = sw_path_absolute(sub->cwd, spec->cwd ? spec->cwd : ".", err);
    if (!code && (stat(sub->cwd, &st) != 0 || !S_ISDIR(st.st_mode)))
        code = sw_err_set(err, SW_NOT_FOUND, "there is no folder %s", sub->cwd);
    if (!code)
        code = sw_job_find_gpus(sub->arena, &sub->gpus, &sub->gpu_facts, err);
    sub->job = (struct sw_job){
        .cwd = sub->cwd,
        .ranks = spec->ranks ? spec->ranks : 1,
        .cpu_slots = spec->cpu_slots,
        .gpu_count = spec->gpu_count,
        .time_limit_ms = spec->time_limit_ms,
        .grace_ms = spec->grace_ms ? spec->grace_ms : SW_JOB_GRACE_MS,
        .max_retries = spec->max_retries,
        .after_job_id = spec->after_job_id,
    };
    if (!sub->job.cpu_slots) // what is not asked for adapts to the machine
        sub->job.cpu_slots = sub->job.ranks < sw_job_cpu_slots() ? sub->job.ranks : sw_job_cpu_slots();
    if (!code)
        code = check_numbers(spec, &sub->job, &sub->gpus, err);
    if (!code)
        code = check_command(spec, sub->cwd, err);
    if (!code)
        code = check_patterns(spec, err);
    if (!code)
        code = join_argv(sub, err);
    if (!code)
        code = form_options(sub, err);
    if (!code)
        code = sw_job_env_show(spec->env, &sub->shown_env, err);
    if (!code && !(sub->env_json = json_dumps(sub->shown_env, JSON_COMPACT)))
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for the environment");
    if (!code)
        code = sw_job_env_capture((const char *const *)environ, &sub->saved_env, err);
    if (!code)
        code = sw_job_capture(spec, sub->cwd, sub->gpu_facts, &sub->capture, err);
    sub->job.name = spec->name && *spec->name ? spec->name : invent_name(spec, sub->arena);
    sub->job.argv_json = sub->argv_json;
    sub->job.env_json = sub->env_json;
    sub->job.options_json = sub->options_json;
    return code;
}

// --- writing it all down ---

static enum sw_code set_tags(struct sw_store *s, const char *run_id, const struct submission *sub, struct sw_err *err)
{
    const struct sw_job_capture *c = &sub->capture;
    const json_t *host = json_object_get(c->context, "host");
    const struct sw_pair tags[] = {
        {"mlflow.source.name", sub->command},
        {"mlflow.source.type", "LOCAL"},
        {"mlflow.user", sw_audit_user()},
        {"mlflow.source.git.commit", c->commit},
        {"mlflow.source.git.branch", c->branch},
        {"slipway.git.dirty", c->commit[0] ? (c->is_dirty ? "true" : "false") : ""},
        {"slipway.host", sw_tree_text(host, "hostname")},
    };
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]) && !code; i++)
        if (tags[i].value && *tags[i].value)
            code = sw_run_set_tag(s, run_id, tags[i].key, tags[i].value, err);
    for (size_t i = 0; i < sub->spec->tag_count && !code; i++)
        code = sw_run_set_tag(s, run_id, sub->spec->tags[i].key, sub->spec->tags[i].value, err);
    for (size_t i = 0; i < sub->spec->param_count && !code; i++)
        code = sw_run_set_param(s, run_id, sub->spec->params[i].key, sub->spec->params[i].value, err);
    for (size_t i = 0; i < sub->spec->dataset_count && !code; i++)
        code = sw_run_add_input(s, run_id, sub->spec->dataset_ids[i], "train", err);
    return code;
}

static enum sw_code write_artifacts(struct sw_store *s, const char *run_id, const struct submission *sub,
                                    struct sw_err *err)
{
    char dir[SW_PATH_MAX], path[SW_PATH_MAX];
    struct sw_buf text;
    sw_buf_init(&text, 8 << 20);
    enum sw_code code = sw_run_artifact_dir(s, run_id, dir, err);
    if (!code)
        code = sw_json_write(sub->capture.context, 2, &text, err);
    if (!code)
        code = sw_path_join(path, dir, "context.json", err);
    if (!code)
        code = sw_file_write(path, text.data, text.len, err);
    if (!code && sub->capture.diff.len > 0) {
        code = sw_path_join(path, dir, "git.diff", err);
        if (!code)
            code = sw_file_write(path, sub->capture.diff.data, sub->capture.diff.len, err);
    }
    sw_buf_free(&text);
    return code;
}

// The folder of a number that the open transaction has just drawn: what lies there is left from a submission that failed.
static enum sw_code make_folder(struct sw_store *s, int64_t job_id, const struct submission *sub, struct sw_err *err)
{
    char dir[SW_PATH_MAX], work[SW_PATH_MAX];
    enum sw_code code = sw_job_dir(s, job_id, dir, err);
    if (!code)
        code = sw_path_remove_tree(dir, err);
    if (!code)
        code = sw_path_join(work, dir, "work", err);
    if (!code)
        code = sw_path_make_dirs(work, err);
    if (!code)
        code = sw_job_write_json(sw_store_dir(s), job_id, "environment.json", sub->saved_env, err);
    return code;
}

static enum sw_code insert(struct sw_store *s, const struct submission *sub, int64_t *job_id, struct sw_err *err)
{
    char run_id[SW_RUN_ID];
    enum sw_code code = sw_random_id(run_id, err);
    struct sw_run_new run = {.run_id = run_id,
                             .experiment = sub->spec->experiment,
                             .name = sub->job.name,
                             .source = sub->command,
                             .status = SW_RUN_SCHEDULED};
    if (code)
        return code;
    code = sw_store_begin(s, SW_STORE_FULL, err);
    if (code)
        return code;
    code = sw_job_add(s, &sub->job, &run, job_id, err);
    if (!code)
        code = set_tags(s, run_id, sub, err);
    if (!code)
        code = write_artifacts(s, run_id, sub, err);
    if (!code)
        code = make_folder(s, *job_id, sub, err);
    if (!code)
        code = sw_store_commit(s, err);
    if (code)
        sw_store_rollback(s);
    return code;
}

enum sw_code sw_job_submit(struct sw_store *s, const struct sw_job_spec *spec, const char *program, int64_t *job_id,
                           struct sw_err *err)
{
    struct submission sub = {.spec = spec};
    int64_t id = 0;
    struct sw_err e = {0};
    enum sw_code code = prepare(&sub, &e);
    if (!code)
        code = insert(s, &sub, &id, &e);
    free_submission(&sub);
    if (!code) {
        int failure = sw_failpoint("job.submit");
        code = failure ? sw_err_errno(&e, failure, "cannot start job %" PRId64, id)
                       : sw_job_start_supervisor(s, id, program, spec->env, &e);
        if (code) { // queued without a supervisor it would wait for a reader; better to say so now
            struct sw_job_end end = {.state = SW_JOB_FAILED,
                                     .reason = e.message,
                                     .exit_code = 127,
                                     .failed_rank = -1,
                                     .run_status = SW_RUN_FAILED};
            struct sw_err ignored = {0};
            (void)sw_job_finish(s, id, &end, &ignored);
        }
    }
    if (code) {
        if (err)
            *err = e;
        return code;
    }
    *job_id = id;
    return SW_OK;
}

// --- supervisors, stop, retry ---

static bool has_supervisor(struct sw_store *s, int64_t job_id)
{
    struct sw_job job;
    struct sw_err err = {0};
    struct sw_arena *a = sw_arena_new(16 << 20);
    bool has = a && sw_job_get(s, job_id, a, &job, &err) == SW_OK &&
               (sw_job_state_is_final(job.state) ||
                (job.supervisor_pid > 0 && sw_proc_is_alive((pid_t)job.supervisor_pid, job.supervisor_ticks)));
    sw_arena_free(a);
    return has;
}

enum sw_code sw_job_start_supervisor(struct sw_store *s, int64_t job_id, const char *program,
                                     const char *const *extra_env, struct sw_err *err)
{
    char id[24], message[256];
    struct sw_arena *a = sw_arena_new(ARENA_BYTES);
    struct sw_job_env env = {.arena = a};
    struct sw_proc_result result = {0};
    struct sw_buf errors;
    snprintf(id, sizeof(id), "%" PRId64, job_id);
    sw_buf_init(&errors, 4096);
    enum sw_code code = a ? sw_job_env_for_supervisor(sw_store_dir(s), job_id, extra_env, &env, err)
                          : sw_err_set(err, SW_NO_MEMORY, "no memory to start a supervisor");
    if (!code) {
        const char *const argv[] = {
            program ? program : "/proc/self/exe", "supervise", id, "--store", sw_store_dir(s), NULL};
        struct sw_proc_spec spec = {.argv = argv, .env = env.items, .new_session = true};
        code = sw_proc_run(&spec, NULL, 0, SW_JOB_START_MS, NULL, &errors, &result, err);
    }
    if (code)
        code = sw_err_wrap(err, "the supervisor of job %" PRId64 " did not start", job_id);
    else if ((result.exit_code != 0 || result.signo != 0) && !has_supervisor(s, job_id))
        code = sw_err_set(err, SW_FAILED, "the supervisor of job %" PRId64 " did not start: %s", job_id,
                          errors.len ? sw_text_safe_copy(message, sizeof(message), errors.data, SW_TEXT_ONE_LINE)
                                     : "it ended at once");
    sw_buf_free(&errors);
    sw_arena_free(a);
    return code;
}

enum sw_code sw_job_stop(struct sw_store *s, int64_t job_id, struct sw_err *err)
{
    return sw_job_request_stop(s, job_id, err); // its supervisor looks several times a second
}

enum sw_code sw_job_retry(struct sw_store *s, int64_t job_id, const char *program, struct sw_err *err)
{
    struct sw_job job;
    int lock = -1;
    struct sw_arena *a = sw_arena_new(16 << 20);
    enum sw_code code =
        a ? sw_job_get(s, job_id, a, &job, err) : sw_err_set(err, SW_NO_MEMORY, "no memory for the job");
    if (!code && !sw_job_state_is_final(job.state))
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " is %s", job_id, sw_job_state_word(job.state));
    if (!code && job.state == SW_JOB_DONE) {
        (void)sw_err_set(err, SW_INVALID, "job %" PRId64 " is done", job_id);
        code = sw_err_hint(err, "submit its command again as a new job");
    }
    int64_t until = sw_clock_mono_ms() + RETRY_LOCK_MS; // its last supervisor may still be on its way out
    while (!code && (code = sw_job_lock(sw_store_dir(s), job_id, &lock, err)) == SW_BUSY &&
           sw_clock_mono_ms() < until) {
        sw_clock_sleep_ms(20);
        code = SW_OK;
    }
    if (!code)
        code = sw_job_set_free_attempts(sw_store_dir(s), job_id, job.attempt, err);
    if (!code)
        code = sw_job_requeue(s, job_id, "queued again on request", err);
    if (lock >= 0)
        close(lock);
    if (!code)
        code = sw_job_start_supervisor(s, job_id, program, NULL, err);
    sw_arena_free(a);
    return code;
}
