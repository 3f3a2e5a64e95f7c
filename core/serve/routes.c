// SPDX-License-Identifier: Apache-2.0
// The one table of the API: method, path, who may call it and how it runs, its parameters, its handler. The reference page
// and `slipway serve --routes` are made from it. A path with fixed words stands before one whose argument would take them.
#include "core/serve/api_private.h"

#define PARAMS(table) .params = (table), .param_count = sizeof(table) / sizeof *(table)

static const struct sw_call_param create_experiment_params[] = {
    {"name", SW_PARAM_TEXT, true},
    {"artifact_location", SW_PARAM_TEXT, false},
    {"tags", SW_PARAM_ARRAY, false},
};
static const struct sw_call_param get_experiment_params[] = {
    {"experiment_id", SW_PARAM_TEXT, true},
};
static const struct sw_call_param get_experiment_by_name_params[] = {
    {"experiment_name", SW_PARAM_TEXT, true},
};
static const struct sw_call_param search_experiments_params[] = {
    {"max_results", SW_PARAM_INT, false}, {"page_token", SW_PARAM_TEXT, false}, {"filter", SW_PARAM_TEXT, false},
    {"order_by", SW_PARAM_ARRAY, false},  {"view_type", SW_PARAM_TEXT, false},
};
static const struct sw_call_param more_search_experiments_params[] = {
    {"max_results", SW_PARAM_INT, false},
    {"page_token", SW_PARAM_TEXT, false},
    {"view_type", SW_PARAM_TEXT, false},
};
static const struct sw_call_param update_experiment_params[] = {
    {"experiment_id", SW_PARAM_TEXT, true},
    {"new_name", SW_PARAM_TEXT, true},
};
static const struct sw_call_param set_experiment_tag_params[] = {
    {"experiment_id", SW_PARAM_TEXT, true},
    {"key", SW_PARAM_TEXT, true},
    {"value", SW_PARAM_TEXT, false},
};
static const struct sw_call_param delete_experiment_tag_params[] = {
    {"experiment_id", SW_PARAM_TEXT, true},
    {"key", SW_PARAM_TEXT, true},
};
static const struct sw_call_param search_datasets_params[] = {
    {"experiment_ids", SW_PARAM_ARRAY, false},
};
static const struct sw_call_param create_run_params[] = {
    {"experiment_id", SW_PARAM_TEXT, false}, {"user_id", SW_PARAM_TEXT, false}, {"run_name", SW_PARAM_TEXT, false},
    {"start_time", SW_PARAM_INT, false},     {"tags", SW_PARAM_ARRAY, false},
};
static const struct sw_call_param get_run_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
};
static const struct sw_call_param update_run_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"status", SW_PARAM_TEXT, false},
    {"end_time", SW_PARAM_INT, false},
    {"run_name", SW_PARAM_TEXT, false},
};
static const struct sw_call_param search_runs_params[] = {
    {"experiment_ids", SW_PARAM_ARRAY, false}, {"filter", SW_PARAM_TEXT, false},
    {"run_view_type", SW_PARAM_TEXT, false},   {"max_results", SW_PARAM_INT, false},
    {"order_by", SW_PARAM_ARRAY, false},       {"page_token", SW_PARAM_TEXT, false},
};
static const struct sw_call_param log_parameter_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"key", SW_PARAM_TEXT, true},
    {"value", SW_PARAM_TEXT, false},
};
static const struct sw_call_param delete_tag_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"key", SW_PARAM_TEXT, true},
};
static const struct sw_call_param log_model_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"model_json", SW_PARAM_TEXT, true},
};
static const struct sw_call_param log_inputs_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"datasets", SW_PARAM_ARRAY, false},
    {"models", SW_PARAM_ARRAY, false},
};
static const struct sw_call_param log_outputs_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"models", SW_PARAM_ARRAY, true},
};
static const struct sw_call_param log_batch_params[] = {
    {"run_id", SW_PARAM_TEXT, true},        {"key", SW_PARAM_TEXT, true},
    {"value", SW_PARAM_REAL, true},         {"timestamp", SW_PARAM_INT, true},
    {"step", SW_PARAM_INT, false},          {"model_id", SW_PARAM_TEXT, false},
    {"dataset_name", SW_PARAM_TEXT, false}, {"dataset_digest", SW_PARAM_TEXT, false},
};
static const struct sw_call_param more_log_batch_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"metrics", SW_PARAM_ARRAY, false},
    {"params", SW_PARAM_ARRAY, false},
    {"tags", SW_PARAM_ARRAY, false},
};
static const struct sw_call_param get_history_params[] = {
    {"run_id", SW_PARAM_TEXT, true},
    {"metric_key", SW_PARAM_TEXT, true},
    {"max_results", SW_PARAM_INT, false},
    {"page_token", SW_PARAM_TEXT, false},
};
static const struct sw_call_param get_history_bulk_params[] = {
    {"run_id", SW_PARAM_ARRAY, true},
    {"metric_key", SW_PARAM_TEXT, true},
    {"max_results", SW_PARAM_INT, false},
};
static const struct sw_call_param get_history_bulk_interval_params[] = {
    {"run_ids", SW_PARAM_ARRAY, true}, {"metric_key", SW_PARAM_TEXT, true},  {"start_step", SW_PARAM_INT, false},
    {"end_step", SW_PARAM_INT, false}, {"max_results", SW_PARAM_INT, false},
};

const struct sw_route sw_routes[] = {
    // --- the server ---
    {.method = SW_GET,
     .path = "/health",
     .flags = SW_CALL_PLAIN | SW_CALL_OPEN | SW_CALL_INLINE,
     .handle = sw_api_health,
     .summary = "is it there?"},
    {.method = SW_GET,
     .path = "/version",
     .flags = SW_CALL_PLAIN | SW_CALL_OPEN | SW_CALL_INLINE,
     .handle = sw_api_version,
     .summary = "the version of MLflow whose calls are answered"},
    {.method = SW_GET,
     .path = "/mlflow/server-info",
     .flags = SW_CALL_INLINE,
     .handle = sw_api_server_info,
     .summary = "what this server can do"},
    // --- experiments ---
    {.method = SW_POST,
     .path = "/mlflow/experiments/create",
     .flags = SW_CALL_WRITES,
     PARAMS(create_experiment_params),
     .handle = sw_api_create_experiment,
     .summary = "make an experiment"},
    {.method = SW_GET,
     .path = "/mlflow/experiments/get",
     PARAMS(get_experiment_params),
     .handle = sw_api_get_experiment,
     .summary = "one experiment, by id"},
    {.method = SW_GET,
     .path = "/mlflow/experiments/get-by-name",
     PARAMS(get_experiment_by_name_params),
     .handle = sw_api_get_experiment_by_name,
     .summary = "one experiment, by name"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/search",
     PARAMS(search_experiments_params),
     .handle = sw_api_search_experiments,
     .summary = "experiments that fit a filter"},
    {.method = SW_GET,
     .path = "/mlflow/experiments/search",
     PARAMS(search_experiments_params),
     .handle = sw_api_search_experiments,
     .summary = "experiments that fit a filter"},
    {.method = SW_GET,
     .path = "/mlflow/experiments/list",
     PARAMS(more_search_experiments_params),
     .handle = sw_api_search_experiments,
     .summary = "all experiments, for clients of the first version"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/update",
     .flags = SW_CALL_WRITES,
     PARAMS(update_experiment_params),
     .handle = sw_api_update_experiment,
     .summary = "rename an experiment"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/delete",
     .flags = SW_CALL_WRITES,
     PARAMS(get_experiment_params),
     .handle = sw_api_delete_experiment,
     .summary = "delete an experiment with its runs"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/restore",
     .flags = SW_CALL_WRITES,
     PARAMS(get_experiment_params),
     .handle = sw_api_restore_experiment,
     .summary = "bring a deleted experiment back"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/set-experiment-tag",
     .flags = SW_CALL_WRITES,
     PARAMS(set_experiment_tag_params),
     .handle = sw_api_set_experiment_tag,
     .summary = "set a tag of an experiment"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/delete-experiment-tag",
     .flags = SW_CALL_WRITES,
     PARAMS(delete_experiment_tag_params),
     .handle = sw_api_delete_experiment_tag,
     .summary = "remove a tag of an experiment"},
    {.method = SW_POST,
     .path = "/mlflow/experiments/search-datasets",
     PARAMS(search_datasets_params),
     .handle = sw_api_search_datasets,
     .summary = "data sets that the runs of experiments read"},
    // --- runs ---
    {.method = SW_POST,
     .path = "/mlflow/runs/create",
     .flags = SW_CALL_WRITES,
     PARAMS(create_run_params),
     .handle = sw_api_create_run,
     .summary = "begin a run"},
    {.method = SW_GET,
     .path = "/mlflow/runs/get",
     PARAMS(get_run_params),
     .handle = sw_api_get_run,
     .summary = "one run with its params, tags, latest metrics, inputs and outputs"},
    {.method = SW_POST,
     .path = "/mlflow/runs/update",
     .flags = SW_CALL_WRITES,
     PARAMS(update_run_params),
     .handle = sw_api_update_run,
     .summary = "set a run's status, end and name"},
    {.method = SW_POST,
     .path = "/mlflow/runs/delete",
     .flags = SW_CALL_WRITES,
     PARAMS(get_run_params),
     .handle = sw_api_delete_run,
     .summary = "delete a run"},
    {.method = SW_POST,
     .path = "/mlflow/runs/restore",
     .flags = SW_CALL_WRITES,
     PARAMS(get_run_params),
     .handle = sw_api_restore_run,
     .summary = "bring a deleted run back"},
    {.method = SW_POST,
     .path = "/mlflow/runs/search",
     PARAMS(search_runs_params),
     .handle = sw_api_search_runs,
     .summary = "runs that fit a filter"},
    {.method = SW_POST,
     .path = "/mlflow/runs/log-parameter",
     .flags = SW_CALL_WRITES,
     PARAMS(log_parameter_params),
     .handle = sw_api_log_parameter,
     .summary = "log a param"},
    {.method = SW_POST,
     .path = "/mlflow/runs/set-tag",
     .flags = SW_CALL_WRITES,
     PARAMS(log_parameter_params),
     .handle = sw_api_set_tag,
     .summary = "set a tag"},
    {.method = SW_POST,
     .path = "/mlflow/runs/delete-tag",
     .flags = SW_CALL_WRITES,
     PARAMS(delete_tag_params),
     .handle = sw_api_delete_tag,
     .summary = "remove a tag"},
    {.method = SW_POST,
     .path = "/mlflow/runs/log-model",
     .flags = SW_CALL_WRITES,
     PARAMS(log_model_params),
     .handle = sw_api_log_model,
     .summary = "note a model's description (2.x clients)"},
    {.method = SW_POST,
     .path = "/mlflow/runs/log-inputs",
     .flags = SW_CALL_WRITES,
     .max_body = 40 << 20,
     PARAMS(log_inputs_params),
     .handle = sw_api_log_inputs,
     .summary = "link data sets and models that a run read"},
    {.method = SW_POST,
     .path = "/mlflow/runs/outputs",
     .flags = SW_CALL_WRITES,
     PARAMS(log_outputs_params),
     .handle = sw_api_log_outputs,
     .summary = "link models that a run wrote"},
    // --- metrics ---
    {.method = SW_POST,
     .path = "/mlflow/runs/log-metric",
     .flags = SW_CALL_WRITES,
     PARAMS(log_batch_params),
     .parse = sw_api_parse_metric,
     .handle = sw_api_log_batch,
     .summary = "log one point"},
    {.method = SW_POST,
     .path = "/mlflow/runs/log-batch",
     .flags = SW_CALL_WRITES,
     .max_body = 4 << 20,
     PARAMS(more_log_batch_params),
     .parse = sw_api_parse_batch,
     .handle = sw_api_log_batch,
     .summary = "log up to 1000 points, 100 params and 100 tags"},
    {.method = SW_GET,
     .path = "/mlflow/metrics/get-history",
     PARAMS(get_history_params),
     .handle = sw_api_get_history,
     .summary = "all points of a metric"},
    {.method = SW_GET,
     .path = "/mlflow/metrics/get-history-bulk",
     .flags = SW_CALL_AJAX_ONLY,
     PARAMS(get_history_bulk_params),
     .handle = sw_api_get_history_bulk,
     .summary = "points of a metric of several runs"},
    {.method = SW_GET,
     .path = "/mlflow/metrics/get-history-bulk-interval",
     PARAMS(get_history_bulk_interval_params),
     .handle = sw_api_get_history_bulk_interval,
     .summary = "a metric of several runs, sampled by step"},
};
const size_t sw_route_count = sizeof sw_routes / sizeof *sw_routes;
