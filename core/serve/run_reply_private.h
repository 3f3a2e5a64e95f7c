// SPDX-License-Identifier: Apache-2.0
// Runs and experiments in MLflow's JSON, and the checks that most handlers of runs begin with.
#ifndef SW_SERVE_RUN_REPLY_PRIVATE_H
#define SW_SERVE_RUN_REPLY_PRIVATE_H

#include "core/serve/call_private.h"
#include "core/store/logged_input.h"

// SW_INVALID for what cannot be a run's id; asked by the few calls in which MLflow does so.
enum sw_code sw_api_check_run_id(const char *run_id, struct sw_err *err);
// SW_NOT_FOUND as MLflow says it.
enum sw_code sw_api_require_run(struct sw_call *c, const char *run_id, struct sw_run_peek *out, struct sw_err *err);
// The same for a run that may be written to: SW_INVALID when it is deleted.
enum sw_code sw_api_require_active(struct sw_call *c, const char *run_id, struct sw_err *err);
const char *sw_api_find_pair(const struct sw_pair *pairs, size_t count, const char *key); // its value, or NULL
// SW_INVALID when the param has another value already.
enum sw_code sw_api_set_param(struct sw_call *c, const char *run_id, const struct sw_pair *param, struct sw_err *err);

// "ACTIVE_ONLY", "DELETED_ONLY" or "ALL" of parameter `name`.
enum sw_code sw_api_view(const struct sw_call *c, const char *name, enum sw_view *out, struct sw_err *err);
// Where an experiment may keep its artifacts: with us (NULL, "" or mlflow-artifacts:/...), or at a remote place that the
// client reaches by itself (s3:, gs:, ...). A path of this machine is refused: this server does not read or write there.
enum sw_code sw_api_check_location(const char *location, struct sw_err *err);

// {"info", "data", "inputs", "outputs"} as member `key` (NULL in an array). A run that was just made has no links to look
// for, and MLflow gives it no outputs.
enum sw_code sw_api_put_run(struct sw_call *c, const char *key, const struct sw_run *run, bool is_new,
                            struct sw_err *err);
void sw_api_put_run_info(struct sw_call *c, const char *key, const struct sw_run *run);
void sw_api_put_experiment(struct sw_call *c, const char *key, const struct sw_experiment *e);

#endif
