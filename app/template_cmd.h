// SPDX-License-Identifier: Apache-2.0
// What the commands around templates share.
#ifndef SW_APP_TEMPLATE_CMD_H
#define SW_APP_TEMPLATE_CMD_H

#include "app/cmd.h"
#include "core/manifest/template.h"

// Puts the project's templates folder in front of SLIPWAY_TEMPLATES, where core/manifest looks for templates.
enum sw_code sw_app_use_project_templates(struct sw_app *app, struct sw_err *err);
// The --set NAME=VALUE options, in the arena.
enum sw_code sw_app_template_values(struct sw_app *app, struct sw_template_value **out, size_t *count,
                                    struct sw_err *err);
// Prints "NAME<tab>summary" for completions.
enum sw_code sw_app_name_templates(struct sw_app *app, struct sw_err *err);

#endif
