// SPDX-License-Identifier: Apache-2.0
// target add, ls, rm: names for places that models are pushed to.
#include "app/cmd.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/ship/target.h"
#include "core/store/push.h"

static const struct sw_option add_options[] = {
    {.name = "production",
     .type = SW_OPTION_FLAG,
     .help = "a push there asks first and the screens show it in the danger colour"},
};

static enum sw_code print_target(struct sw_app *app, const struct sw_target *t, struct sw_err *err)
{
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_target, t), err);
    sw_output_safe(&app->out, t->name, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "\t");
    sw_output_safe(&app->out, t->address, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "%s\n", t->is_production ? "\tproduction" : "");
    return SW_OK;
}

static enum sw_code run_add(struct sw_app *app, struct sw_err *err)
{
    const struct sw_target_kind *kind;
    char address[SW_TARGET_ADDRESS_MAX];
    struct sw_option name = {.name = "NAME", .type = SW_OPTION_NAME};
    enum sw_code code = sw_option_check(&name, app->args[0], err);
    if (code == SW_OK)
        code = sw_target_parse(app->args[1], &kind, address, err);
    struct sw_target target = {
        .name = app->args[0],
        .address = address,
        .options_json = "{}",
        .is_production = sw_option_flag(app->options, "production"),
        .created_ms = sw_clock_now_ms(),
    };
    if (code == SW_OK)
        code = sw_app_open_store(app, SW_NEEDS_NEW_STORE, err);
    if (code == SW_OK)
        code = sw_target_put(app->store, &target, err);
    if (code == SW_OK)
        code = sw_target_get(app->store, app->args[0], app->arena, &target, err);
    return code == SW_OK ? print_target(app, &target, err) : code;
}

const struct sw_command sw_cmd_target_add = {
    .verb = "target add",
    .summary = "name a place that models are pushed to",
    .arguments = "NAME ADDRESS",
    .min_args = 2,
    .max_args = 2,
    .options = add_options,
    .option_count = SW_COUNT(add_options),
    .description =
        "ADDRESS is a kind and a place: bundle:FOLDER or bundle:FILE.tar writes model, manifests, digests and "
        "signatures for a site that no network reaches.",
    .examples = "slipway target add handoff bundle:/srv/handoff\ta folder that holds one bundle a model\n"
                "slipway target add prod bundle:/mnt/usb/model.tar --production\tone tar, with care",
    .kinds = "Target",
    .needs = SW_NEEDS_CONFIG,
    .run = run_add,
};

static enum sw_code run_ls(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"TARGET", 0}, {"ADDRESS", SW_COLUMN_SHRINKS}, {"PRODUCTION", 0}, {"AGE", SW_COLUMN_RIGHT}};
    struct sw_target *items;
    size_t count;
    enum sw_code code = sw_target_list(app->store, app->arena, &items, &count, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_target, items, count), err);
    if (count == 0) {
        sw_output_note(&app->out, "No targets. 'slipway target add NAME bundle:FOLDER' adds one.");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        char age[32];
        sw_table_cell(t, items[i].name);
        sw_table_cell(t, items[i].address);
        sw_table_cell(t, items[i].is_production ? "yes" : NULL);
        sw_table_role(t, SW_ROLE_BAD);
        sw_table_cell(t, sw_format_age(age, sizeof age, sw_clock_now_ms(), items[i].created_ms));
    }
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_target_ls = {
    .verb = "target ls",
    .summary = "list targets",
    .arguments = "",
    .description = "By name.",
    .examples = "slipway target ls\twhere models can go",
    .kinds = "TargetList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_ls,
};

static enum sw_code run_rm(struct sw_app *app, struct sw_err *err)
{
    struct sw_target target;
    enum sw_code code = sw_target_get(app->store, app->args[0], app->arena, &target, err);
    if (code == SW_OK)
        code = sw_output_confirm(&app->out, err, "Forget the target '%s'? What was pushed there stays", target.name);
    if (code == SW_OK)
        code = sw_target_remove(app->store, target.name, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return print_target(app, &target, err);
    sw_output_note(&app->out, "Forgot %s; 'slipway target add %s %s' brings it back.", target.name, target.name,
                   target.address);
    return SW_OK;
}

const struct sw_command sw_cmd_target_rm = {
    .verb = "target rm",
    .summary = "forget a target; what was pushed there stays",
    .arguments = "NAME",
    .min_args = 1,
    .max_args = 1,
    .takes = "target",
    .description = "The journal of pushes keeps its name and address.",
    .examples = "slipway target rm handoff --yes\twithout a question",
    .kinds = "Target",
    .needs = SW_NEEDS_STORE,
    .run = run_rm,
};
