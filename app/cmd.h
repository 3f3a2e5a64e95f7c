// SPDX-License-Identifier: Apache-2.0
// The descriptors that the cmd files define, and the few steps that several of them share.
#ifndef SW_APP_CMD_H
#define SW_APP_CMD_H

#include "app/command.h"
#include "app/json_kind.h"
#include "core/store/job.h"
#include "core/store/run.h"

#define SW_COUNT(array) (sizeof(array) / sizeof((array)[0]))

extern const struct sw_command sw_cmd_tui;
extern const struct sw_command sw_cmd_data_ls, sw_cmd_data_add, sw_cmd_data_show, sw_cmd_data_head, sw_cmd_data_rm;
extern const struct sw_command sw_cmd_run, sw_cmd_train;
extern const struct sw_command sw_cmd_jobs, sw_cmd_logs, sw_cmd_stop, sw_cmd_retry, sw_cmd_supervise;
extern const struct sw_command sw_cmd_runs, sw_cmd_show, sw_cmd_compare, sw_cmd_note, sw_cmd_tag, sw_cmd_rm,
    sw_cmd_restore, sw_cmd_export, sw_cmd_artifacts;
extern const struct sw_command sw_cmd_model_ls, sw_cmd_model_show, sw_cmd_model_register, sw_cmd_model_evaluate,
    sw_cmd_model_approve, sw_cmd_model_revoke, sw_cmd_model_alias, sw_cmd_model_verify;
extern const struct sw_command sw_cmd_template_ls, sw_cmd_template_show, sw_cmd_template_render;
extern const struct sw_command sw_cmd_target_add, sw_cmd_target_ls, sw_cmd_target_rm;
extern const struct sw_command sw_cmd_push, sw_cmd_status;
extern const struct sw_command sw_cmd_serve;
extern const struct sw_command sw_cmd_gpu;
extern const struct sw_command sw_cmd_audit, sw_cmd_audit_verify, sw_cmd_doctor, sw_cmd_info, sw_cmd_version;
extern const struct sw_command sw_cmd_config_show, sw_cmd_config_get, sw_cmd_config_set;
extern const struct sw_command sw_cmd_completion, sw_cmd_completion_names, sw_cmd_help, sw_cmd_generate_docs;

// --- jobs (cmd_jobs.c, watch.c) ---
// Number of a job, or the name of exactly one. SW_NOT_FOUND, SW_AMBIGUOUS lists the candidates.
enum sw_code sw_app_find_job(struct sw_app *app, const char *name, int64_t *job_id, struct sw_err *err);
// Marks jobs whose supervisor died before they are listed; says so on stderr.
enum sw_code sw_app_reap_jobs(struct sw_app *app, struct sw_err *err);
// Follows a job to its end: progress on a terminal, JSON Lines with --json. The job's own outcome is the code. Ctrl-C
// stops watching, not the job: SW_INTERRUPTED.
enum sw_code sw_app_wait_job(struct sw_app *app, int64_t job_id, struct sw_err *err);
enum sw_role sw_job_state_role(enum sw_job_state state);

// --- interrupt.c ---
// From now on Ctrl-C only sets a flag, once; a second one ends the program as usual.
void sw_interrupt_watch(void);
bool sw_interrupt_seen(void);

// --- runs ---
enum sw_role sw_run_status_role(enum sw_run_status status);

#endif
