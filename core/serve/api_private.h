// SPDX-License-Identifier: Apache-2.0
// The handlers that the route table names, a family a file. call_private.h says what a handler is.
#ifndef SW_SERVE_API_PRIVATE_H
#define SW_SERVE_API_PRIVATE_H

#include "core/serve/call_private.h"

#define SW_API_HANDLER(name) enum sw_code sw_api_##name(struct sw_call *c, struct sw_err *err)

// --- api_server.c ---
SW_API_HANDLER(health);
SW_API_HANDLER(version);
SW_API_HANDLER(server_info);
SW_API_HANDLER(refuse); // ENDPOINT_NOT_FOUND, with the route's summary as the reason

// --- api_experiments.c ---
SW_API_HANDLER(create_experiment);
SW_API_HANDLER(get_experiment);
SW_API_HANDLER(get_experiment_by_name);
SW_API_HANDLER(search_experiments);
SW_API_HANDLER(update_experiment);
SW_API_HANDLER(delete_experiment);
SW_API_HANDLER(restore_experiment);
SW_API_HANDLER(set_experiment_tag);
SW_API_HANDLER(delete_experiment_tag);
SW_API_HANDLER(search_datasets);

// --- api_runs.c ---
SW_API_HANDLER(create_run);
SW_API_HANDLER(get_run);
SW_API_HANDLER(update_run);
SW_API_HANDLER(delete_run);
SW_API_HANDLER(restore_run);
SW_API_HANDLER(search_runs);
SW_API_HANDLER(set_tag);
SW_API_HANDLER(delete_tag);
SW_API_HANDLER(log_parameter);
SW_API_HANDLER(log_model);

// --- api_inputs.c ---
SW_API_HANDLER(log_inputs);
SW_API_HANDLER(log_outputs);

// --- api_metrics.c ---
SW_API_HANDLER(log_batch); // log-metric, too: a batch of one
enum sw_code sw_api_parse_batch(struct sw_call *c, struct sw_err *err);
enum sw_code sw_api_parse_metric(struct sw_call *c, struct sw_err *err);
SW_API_HANDLER(get_history);
SW_API_HANDLER(get_history_bulk);
SW_API_HANDLER(get_history_bulk_interval);

// --- api_artifacts.c ---
SW_API_HANDLER(list_artifacts);
SW_API_HANDLER(list_proxied_artifacts);
SW_API_HANDLER(download_artifact);
SW_API_HANDLER(get_run_artifact);
SW_API_HANDLER(get_version_artifact);
SW_API_HANDLER(delete_artifact);
SW_API_HANDLER(put_artifact);
SW_API_HANDLER(put_artifact_part);
SW_API_HANDLER(upload_small_artifact);
extern const struct sw_call_sink sw_api_put_artifact_sink, sw_api_artifact_part_sink, sw_api_small_artifact_sink;
SW_API_HANDLER(create_multipart_upload);
SW_API_HANDLER(complete_multipart_upload);
SW_API_HANDLER(abort_multipart_upload);
SW_API_HANDLER(no_multipart_upload); // refusals that the client answers by another way
SW_API_HANDLER(no_multipart_download);
SW_API_HANDLER(no_presigned_url);
// Writes "files": [{path, is_dir, file_size}] of a folder, in byte order; nothing when it is empty or not there. Paths begin
// with `prefix` (NULL or "" = none), which is the folder as the caller named it.
struct sw_artifact_path;
enum sw_code sw_api_put_artifact_list(struct sw_call *c, const struct sw_artifact_path *folder, const char *prefix,
                                      struct sw_err *err);

// --- api_logged_models.c ---
SW_API_HANDLER(create_logged_model);
SW_API_HANDLER(search_logged_models);
SW_API_HANDLER(get_logged_model);
SW_API_HANDLER(finalize_logged_model);
SW_API_HANDLER(delete_logged_model);
SW_API_HANDLER(log_logged_model_params);
SW_API_HANDLER(set_logged_model_tags);
SW_API_HANDLER(delete_logged_model_tag);
SW_API_HANDLER(list_logged_model_artifacts);

// --- api_registry.c ---
SW_API_HANDLER(create_registered_model);
SW_API_HANDLER(get_registered_model);
SW_API_HANDLER(update_registered_model);
SW_API_HANDLER(rename_registered_model);
SW_API_HANDLER(delete_registered_model);
SW_API_HANDLER(search_registered_models);
SW_API_HANDLER(get_latest_versions);
SW_API_HANDLER(set_registered_model_tag);
SW_API_HANDLER(delete_registered_model_tag);
SW_API_HANDLER(set_registered_model_alias);
SW_API_HANDLER(delete_registered_model_alias);
SW_API_HANDLER(get_version_by_alias);

// --- api_versions.c ---
SW_API_HANDLER(create_model_version);
SW_API_HANDLER(get_model_version);
SW_API_HANDLER(update_model_version);
SW_API_HANDLER(delete_model_version);
SW_API_HANDLER(transition_stage);
SW_API_HANDLER(get_download_uri);
SW_API_HANDLER(search_model_versions);
SW_API_HANDLER(set_model_version_tag);
SW_API_HANDLER(delete_model_version_tag);

#endif
