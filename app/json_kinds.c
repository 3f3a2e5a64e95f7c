// SPDX-License-Identifier: Apache-2.0
// The kinds of the store's objects, field by field. Names are the store's column names.
#include "app/json_kind.h"

#include "core/store/audit.h"
#include "core/store/dataset.h"
#include "core/store/job.h"
#include "core/store/model.h"
#include "core/store/push.h"
#include "core/store/run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD(type, structure, member, text)                                                                           \
    {                                                                                                                  \
#member, type, offsetof(struct structure, member), NULL, text                                                  \
    }
#define MADE(field, function, text)                                                                                    \
    {                                                                                                                  \
        field, SW_JSON_MADE, 0, function, text                                                                         \
    }
#define KIND(variable, kind_name, list_name, structure, fields, text)                                                  \
    const struct sw_json_kind variable = {kind_name, list_name, text, fields, COUNT(fields), sizeof(struct structure)}

// --- data sets ---
static const struct sw_json_field dataset_fields[] = {
    FIELD(SW_JSON_INT64, sw_dataset, dataset_id, "number of this version"),
    FIELD(SW_JSON_TEXT, sw_dataset, name, "name it was registered under"),
    FIELD(SW_JSON_INT64, sw_dataset, version, "from 1, grows when the content changed"),
    FIELD(SW_JSON_TEXT, sw_dataset, path, "absolute path of the file or folder"),
    FIELD(SW_JSON_TEXT, sw_dataset, format, "idx, csv, ..."),
    FIELD(SW_JSON_TEXT, sw_dataset, digest, "SHA-256 of the sorted file list"),
    FIELD(SW_JSON_INT64, sw_dataset, size_bytes, "size of all files"),
    {"schema", SW_JSON_TREE, offsetof(struct sw_dataset, schema_json), NULL, "splits and columns"},
    FIELD(SW_JSON_NONZERO, sw_dataset, created_ms, "when this version was registered"),
};
KIND(sw_json_dataset, "Dataset", "DatasetList", sw_dataset, dataset_fields, "a registered data set");

// --- jobs ---
static json_t *job_state(const void *object)
{
    return json_string(sw_job_state_word(((const struct sw_job *)object)->state));
}

static json_t *job_exit_code(const void *object)
{
    const struct sw_job *j = object;
    return sw_job_state_is_final(j->state) && j->signo == 0 && j->started_ms != 0 ? json_integer(j->exit_code)
                                                                                  : json_null();
}

static json_t *job_signo(const void *object)
{
    const struct sw_job *j = object;
    return j->signo != 0 ? json_integer(j->signo) : json_null();
}

static json_t *job_failed_rank(const void *object)
{
    const struct sw_job *j = object;
    return j->failed_rank >= 0 ? json_integer(j->failed_rank) : json_null();
}

static const struct sw_json_field job_fields[] = {
    FIELD(SW_JSON_INT64, sw_job, job_id, "number of the job"),
    FIELD(SW_JSON_TEXT, sw_job, name, "name of the job and its run"),
    MADE("state", job_state, "queued, running, stopping, done, failed, stopped, diverged or lost"),
    FIELD(SW_JSON_TEXT, sw_job, reason, "why it waits or how it ended, in words"),
    FIELD(SW_JSON_CHARS, sw_job, run_id, "run that it writes to"),
    {"argv", SW_JSON_TREE, offsetof(struct sw_job, argv_json), NULL, "the command line, a list"},
    FIELD(SW_JSON_TEXT, sw_job, cwd, "working folder"),
    FIELD(SW_JSON_INT, sw_job, ranks, "processes started"),
    FIELD(SW_JSON_INT, sw_job, cpu_slots, "CPU slots held while running"),
    FIELD(SW_JSON_INT, sw_job, gpu_count, "GPUs held while running"),
    FIELD(SW_JSON_TEXT, sw_job, gpu_uuids, "GPUs held now, separated by commas"),
    FIELD(SW_JSON_NONZERO, sw_job, time_limit_ms, "time limit, null = none"),
    FIELD(SW_JSON_INT64, sw_job, grace_ms, "time between SIGTERM and SIGKILL"),
    FIELD(SW_JSON_INT, sw_job, max_retries, "attempts after the first that may be made"),
    FIELD(SW_JSON_INT, sw_job, attempt, "attempt under way or last made, from 1; 0 = not started"),
    FIELD(SW_JSON_NONZERO, sw_job, after_job_id, "starts only when that job is done"),
    FIELD(SW_JSON_NONZERO, sw_job, supervisor_pid, "process that supervises it"),
    FIELD(SW_JSON_NONZERO, sw_job, created_ms, "when it was queued"),
    FIELD(SW_JSON_NONZERO, sw_job, started_ms, "when the last attempt started"),
    FIELD(SW_JSON_NONZERO, sw_job, ended_ms, "when it ended"),
    FIELD(SW_JSON_BOOL, sw_job, stop_requested, "somebody asked it to stop"),
    MADE("exit_code", job_exit_code, "exit status of the command; null = not ended, or killed"),
    MADE("signo", job_signo, "signal that ended it; null = none"),
    MADE("failed_rank", job_failed_rank, "first rank that failed; null = none"),
    FIELD(SW_JSON_MAYBE, sw_job, progress, "0 to 1; null = unknown"),
    FIELD(SW_JSON_TEXT, sw_job, progress_text, "progress in the program's own words"),
};
KIND(sw_json_job, "Job", "JobList", sw_job, job_fields, "a job of the queue");

// --- runs ---
static json_t *run_status(const void *object)
{
    return json_string(sw_run_status_word(((const struct sw_run *)object)->status));
}

static json_t *pairs(const struct sw_pair *items, size_t count)
{
    json_t *object = json_object();
    for (size_t i = 0; i < count && object != NULL; i++) {
        // A key that JSON cannot hold is left out rather than failing the list that it stands in.
        if (json_object_set_new(object, items[i].key, sw_json_text(items[i].value)) != 0)
            continue;
    }
    return object;
}

static json_t *run_params(const void *object)
{
    const struct sw_run *r = object;
    return pairs(r->params, r->param_count);
}

static json_t *run_tags(const void *object)
{
    const struct sw_run *r = object;
    return pairs(r->tags, r->tag_count);
}

static json_t *run_metrics(const void *object)
{
    const struct sw_run *r = object;
    json_t *metrics = json_object();
    for (size_t i = 0; i < r->metric_count && metrics != NULL; i++) {
        const struct sw_metric_summary *m = &r->metrics[i];
        json_t *value = json_pack("{s:o, s:o, s:o, s:I, s:I}", "last", sw_json_real(m->last), "min",
                                  m->has_range ? sw_json_real(m->min) : json_null(), "max",
                                  m->has_range ? sw_json_real(m->max) : json_null(), "last_step",
                                  (json_int_t)m->last_step, "count", (json_int_t)m->count);
        if (json_object_set_new(metrics, m->key, value) != 0)
            continue;
    }
    return metrics;
}

static const struct sw_json_field run_fields[] = {
    FIELD(SW_JSON_CHARS, sw_run, run_id, "32 hex digits"),
    FIELD(SW_JSON_INT64, sw_run, experiment_id, "number of the experiment"),
    FIELD(SW_JSON_TEXT, sw_run, experiment_name, "its name"),
    FIELD(SW_JSON_TEXT, sw_run, name, "name of the run"),
    MADE("status", run_status, "SCHEDULED, RUNNING, FINISHED, FAILED or KILLED"),
    FIELD(SW_JSON_TEXT, sw_run, user, "who started it"),
    FIELD(SW_JSON_TEXT, sw_run, source, "what ran"),
    FIELD(SW_JSON_NONZERO, sw_run, start_ms, "when it started"),
    FIELD(SW_JSON_NONZERO, sw_run, end_ms, "when it ended"),
    FIELD(SW_JSON_BOOL, sw_run, is_deleted, "removed with 'slipway rm'"),
    FIELD(SW_JSON_NONZERO, sw_run, job_id, "job that made it"),
    FIELD(SW_JSON_TEXT, sw_run, note, "note set with 'slipway note'"),
    MADE("params", run_params, "object of name and value"),
    MADE("tags", run_tags, "object of name and value"),
    MADE("metrics", run_metrics, "object of name and {last, min, max, last_step, count}"),
};
KIND(sw_json_run, "Run", "RunList", sw_run, run_fields, "a tracked run");

// --- models ---
static const struct sw_json_field model_fields[] = {
    FIELD(SW_JSON_TEXT, sw_model_version, name, "registered model"),
    FIELD(SW_JSON_INT64, sw_model_version, version, "from 1; never reused"),
    FIELD(SW_JSON_TEXT, sw_model_version, digest, "tree digest, SHA-256"),
    FIELD(SW_JSON_TEXT, sw_model_version, path, "folder that holds the files"),
    {"files", SW_JSON_TREE, offsetof(struct sw_model_version, files_json), NULL, "list of {path, size_bytes, sha256}"},
    FIELD(SW_JSON_INT64, sw_model_version, size_bytes, "size of all files"),
    FIELD(SW_JSON_CHARS, sw_model_version, run_id, "run that made it; null = registered from files"),
    FIELD(SW_JSON_TEXT, sw_model_version, user, "who registered it"),
    FIELD(SW_JSON_TEXT, sw_model_version, description, "text given when it was registered"),
    FIELD(SW_JSON_NONZERO, sw_model_version, created_ms, "when it was registered"),
    FIELD(SW_JSON_TEXT, sw_model_version, aliases, "names that point to this version, separated by commas"),
};
KIND(sw_json_model_version, "ModelVersion", "ModelVersionList", sw_model_version, model_fields,
     "a version of a registered model");

static const struct sw_json_field evaluation_fields[] = {
    FIELD(SW_JSON_INT64, sw_evaluation, evaluation_id, "number of the evaluation"),
    FIELD(SW_JSON_TEXT, sw_evaluation, name, "registered model"),
    FIELD(SW_JSON_INT64, sw_evaluation, version, "its version"),
    FIELD(SW_JSON_TEXT, sw_evaluation, model_digest, "tree digest of what was evaluated"),
    FIELD(SW_JSON_TEXT, sw_evaluation, dataset, "data set as named"),
    FIELD(SW_JSON_TEXT, sw_evaluation, dataset_digest, "its digest"),
    FIELD(SW_JSON_TEXT, sw_evaluation, split, "split used"),
    {"metrics", SW_JSON_TREE, offsetof(struct sw_evaluation, metrics_json), NULL, "object of name and number"},
    FIELD(SW_JSON_NONZERO, sw_evaluation, created_ms, "when"),
};
KIND(sw_json_evaluation, "Evaluation", "EvaluationList", sw_evaluation, evaluation_fields,
     "a model version measured on a data set");

static const struct sw_json_field approval_fields[] = {
    FIELD(SW_JSON_INT64, sw_approval, approval_id, "number of the approval"),
    FIELD(SW_JSON_TEXT, sw_approval, name, "registered model"),
    FIELD(SW_JSON_INT64, sw_approval, version, "its version"),
    FIELD(SW_JSON_TEXT, sw_approval, digest, "tree digest that was approved"),
    FIELD(SW_JSON_TEXT, sw_approval, user, "who approved"),
    FIELD(SW_JSON_TEXT, sw_approval, policy, "policy file"),
    FIELD(SW_JSON_TEXT, sw_approval, policy_digest, "its SHA-256"),
    {"statement", SW_JSON_TREE, offsetof(struct sw_approval, statement), NULL, "what was approved, as signed"},
    FIELD(SW_JSON_TEXT, sw_approval, signature, "armoured SSH signature, empty when not signed"),
    FIELD(SW_JSON_TEXT, sw_approval, comment, "words of the approver"),
    FIELD(SW_JSON_NONZERO, sw_approval, created_ms, "when"),
    FIELD(SW_JSON_NONZERO, sw_approval, revoked_ms, "when it was withdrawn; null = in force"),
    FIELD(SW_JSON_TEXT, sw_approval, revoked_by, "who withdrew it"),
    FIELD(SW_JSON_TEXT, sw_approval, revoke_reason, "why"),
};
KIND(sw_json_approval, "Approval", "ApprovalList", sw_approval, approval_fields, "an approval of a model version");

// --- handoff ---
static const struct sw_json_field target_fields[] = {
    FIELD(SW_JSON_TEXT, sw_target, name, "name of the target"),
    FIELD(SW_JSON_TEXT, sw_target, address, "kind and place: bundle:/srv/out"),
    {"options", SW_JSON_TREE, offsetof(struct sw_target, options_json), NULL, "settings of the target"},
    FIELD(SW_JSON_BOOL, sw_target, is_production, "asks for more care"),
    FIELD(SW_JSON_NONZERO, sw_target, created_ms, "when it was added"),
};
KIND(sw_json_target, "Target", "TargetList", sw_target, target_fields, "a place models are pushed to");

static const struct sw_json_field push_fields[] = {
    FIELD(SW_JSON_INT64, sw_push, push_id, "number of the push"),
    FIELD(SW_JSON_TEXT, sw_push, model, "registered model"),
    FIELD(SW_JSON_INT64, sw_push, version, "its version"),
    FIELD(SW_JSON_TEXT, sw_push, digest, "tree digest pinned at the start"),
    FIELD(SW_JSON_TEXT, sw_push, target, "name of the target"),
    FIELD(SW_JSON_TEXT, sw_push, address, "its address, pinned at the start"),
    FIELD(SW_JSON_TEXT, sw_push, state, "step reached"),
    FIELD(SW_JSON_BOOL, sw_push, is_final, "nothing more will happen"),
    FIELD(SW_JSON_TEXT, sw_push, message, "what happened last"),
    {"plan", SW_JSON_TREE, offsetof(struct sw_push, plan_json), NULL, "template, parameters, rendered objects"},
    {"result", SW_JSON_TREE, offsetof(struct sw_push, result_json), NULL, "what was written"},
    FIELD(SW_JSON_NONZERO, sw_push, revision, "counts the pushes of this model to this target"),
    FIELD(SW_JSON_TEXT, sw_push, user, "who pushed"),
    FIELD(SW_JSON_NONZERO, sw_push, holder_pid, "process working on it now"),
    FIELD(SW_JSON_NONZERO, sw_push, created_ms, "when it began"),
    FIELD(SW_JSON_NONZERO, sw_push, updated_ms, "last step"),
};
KIND(sw_json_push, "Push", "PushList", sw_push, push_fields, "a handover of a model to a target");

static const struct sw_json_field audit_fields[] = {
    FIELD(SW_JSON_INT64, sw_audit, seq, "number in the chain"),
    FIELD(SW_JSON_INT64, sw_audit, time_ms, "when"),
    FIELD(SW_JSON_TEXT, sw_audit, user, "who"),
    FIELD(SW_JSON_TEXT, sw_audit, host, "where"),
    FIELD(SW_JSON_TEXT, sw_audit, action, "what was done"),
    FIELD(SW_JSON_TEXT, sw_audit, object, "to what"),
    FIELD(SW_JSON_TEXT, sw_audit, digest, "its digest, empty when it has none"),
    {"detail", SW_JSON_TREE, offsetof(struct sw_audit, detail_json), NULL, "further facts"},
    FIELD(SW_JSON_CHARS, sw_audit, hash, "SHA-256 that chains this row to the one before"),
};
KIND(sw_json_audit, "Audit", "AuditList", sw_audit, audit_fields, "a row of the audit log");

const struct sw_json_kind *const sw_json_kinds[] = {
    &sw_json_approval,
    &sw_json_artifact,
    &sw_json_audit,
    &sw_json_audit_verdict,
    &sw_json_bundle,
    &sw_json_check,
    &sw_json_comparison,
    &sw_json_dataset,
    &sw_json_description,
    &sw_json_error,
    &sw_json_evaluation,
    &sw_json_fact,
    &sw_json_format,
    &sw_json_gpu,
    &sw_json_job,
    &sw_json_model_version,
    &sw_json_parameter,
    &sw_json_push,
    &sw_json_push_preview,
    &sw_json_push_result,
    &sw_json_route,
    &sw_json_rows,
    &sw_json_run,
    &sw_json_server,
    &sw_json_setting,
    &sw_json_status,
    &sw_json_target,
    &sw_json_template,
    &sw_json_template_description,
    &sw_json_verdict,
    &sw_json_version,
    NULL,
};
