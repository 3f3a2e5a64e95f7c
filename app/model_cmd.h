// SPDX-License-Identifier: Apache-2.0
// What the model commands share: the policy in force and how a verdict is printed.
#ifndef SW_APP_MODEL_CMD_H
#define SW_APP_MODEL_CMD_H

#include "app/cmd.h"
#include "core/model/approval.h"

// The policy that --policy or the configuration names; *found is false when neither does.
enum sw_code sw_app_load_policy(struct sw_app *app, struct sw_policy *out, bool *found, struct sw_err *err);
void sw_app_print_verdicts(struct sw_output *o, const struct sw_verdict_list *list);

#endif
