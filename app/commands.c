// SPDX-License-Identifier: Apache-2.0
// The one list of commands, in the order of help and manual, and the options that all of them take.
#include "app/cmd.h"

const struct sw_command *const sw_commands[] = {
    &sw_cmd_tui,
    &sw_cmd_data_ls,
    &sw_cmd_data_add,
    &sw_cmd_data_show,
    &sw_cmd_data_head,
    &sw_cmd_data_rm,
    &sw_cmd_run,
    &sw_cmd_train,
    &sw_cmd_jobs,
    &sw_cmd_logs,
    &sw_cmd_stop,
    &sw_cmd_retry,
    &sw_cmd_runs,
    &sw_cmd_show,
    &sw_cmd_compare,
    &sw_cmd_note,
    &sw_cmd_tag,
    &sw_cmd_rm,
    &sw_cmd_restore,
    &sw_cmd_export,
    &sw_cmd_artifacts,
    &sw_cmd_model_ls,
    &sw_cmd_model_show,
    &sw_cmd_model_register,
    &sw_cmd_model_evaluate,
    &sw_cmd_model_approve,
    &sw_cmd_model_revoke,
    &sw_cmd_model_alias,
    &sw_cmd_model_verify,
    &sw_cmd_template_ls,
    &sw_cmd_template_show,
    &sw_cmd_template_render,
    &sw_cmd_target_add,
    &sw_cmd_target_ls,
    &sw_cmd_target_rm,
    &sw_cmd_push,
    &sw_cmd_status,
    &sw_cmd_gpu,
    &sw_cmd_audit,
    &sw_cmd_audit_verify,
    &sw_cmd_doctor,
    &sw_cmd_info,
    &sw_cmd_config_show,
    &sw_cmd_config_get,
    &sw_cmd_config_set,
    &sw_cmd_completion,
    &sw_cmd_help,
    &sw_cmd_version,
    &sw_cmd_supervise,
    &sw_cmd_completion_names,
    &sw_cmd_generate_docs,
};
const size_t sw_command_count = SW_COUNT(sw_commands);

const struct sw_command_group sw_command_groups[] = {
    {"data", "data sets"},
    {"model", "the registry: versions, evaluations, approvals"},
    {"template", "manifest templates"},
    {"target", "places models are pushed to"},
    {"config", "settings"},
};
const size_t sw_command_group_count = SW_COUNT(sw_command_groups);

const struct sw_option sw_global_options[] = {
    {.name = "store", .type = SW_OPTION_PATH, .value = "DIR", .help = "folder of the tracker (SLIPWAY_STORE)"},
    {.name = "json", .type = SW_OPTION_FLAG, .help = "print one JSON document"},
    {.name = "no-color", .type = SW_OPTION_FLAG, .help = "no colour"},
    {.name = "quiet", .letter = 'q', .type = SW_OPTION_FLAG, .help = "only results and errors"},
    {.name = "verbose", .letter = 'v', .type = SW_OPTION_FLAG, .help = "say more on stderr"},
    {.name = "yes", .letter = 'y', .type = SW_OPTION_FLAG, .help = "answer questions with yes"},
    {.name = "help", .letter = 'h', .type = SW_OPTION_FLAG, .help = "explain"},
    {.name = "version", .letter = 'V', .type = SW_OPTION_FLAG, .help = "print the version"},
};
const size_t sw_global_option_count = SW_COUNT(sw_global_options);
