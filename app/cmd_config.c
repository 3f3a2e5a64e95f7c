// SPDX-License-Identifier: Apache-2.0
// config show, get, set.
#include "app/cmd.h"

#include "core/base/text.h"

struct setting_row {
    const char *key, *value, *origin, *help;
};

static const struct sw_json_field setting_fields[] = {
    {"key", SW_JSON_TEXT, offsetof(struct setting_row, key), NULL, "name of the setting"},
    {"value", SW_JSON_TEXT, offsetof(struct setting_row, value), NULL, "its value as text; null = unset"},
    {"origin", SW_JSON_TEXT, offsetof(struct setting_row, origin), NULL, "where the value comes from"},
    {"help", SW_JSON_TEXT, offsetof(struct setting_row, help), NULL, "what it does"},
};
const struct sw_json_kind sw_json_setting = {
    "Setting", "SettingList", "a setting", setting_fields, SW_COUNT(setting_fields), sizeof(struct setting_row)};

static struct setting_row row_of(const struct sw_app *app, const char *key, const char *help)
{
    bool is_flag = sw_option_is_set(app->options, key);
    return (struct setting_row){key, sw_app_setting(app, key),
                                is_flag ? "command line" : sw_config_origin_text(app->config, key), help};
}

static const struct sw_option show_options[] = {
    {.name = "origin", .type = SW_OPTION_FLAG, .help = "also where each value comes from"},
};

static enum sw_code run_show(struct sw_app *app, struct sw_err *err)
{
    struct setting_row rows[64];
    for (size_t i = 0; i < sw_config_key_count; i++)
        rows[i] = row_of(app, sw_config_keys[i].name, sw_config_keys[i].help);
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_setting, rows, sw_config_key_count), err);
    static const struct sw_table_column columns[] = {
        {"KEY", 0}, {"VALUE", SW_COLUMN_SHRINKS}, {"ORIGIN", SW_COLUMN_SHRINKS}};
    static const struct sw_table_column plain_columns[] = {{"KEY", 0}, {"VALUE", 0}, {"MEANING", SW_COLUMN_SHRINKS}};
    bool origin = sw_option_flag(app->options, "origin");
    struct sw_table *t = sw_table_new(origin ? columns : plain_columns, SW_COUNT(columns));
    for (size_t i = 0; i < sw_config_key_count; i++) {
        sw_table_cell(t, rows[i].key);
        sw_table_cell(t, rows[i].value);
        sw_table_cell(t, origin ? rows[i].origin : rows[i].help);
        sw_table_role(t, SW_ROLE_DIM);
    }
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_config_show = {
    .verb = "config show",
    .summary = "list every setting with its value",
    .arguments = "",
    .options = show_options,
    .option_count = SW_COUNT(show_options),
    .description =
        "A setting comes from, strongest first: the command line, the environment (SLIPWAY_ and the key in "
        "capitals), slipway.yaml in this folder or the nearest one above, the user's config.yaml, the default.",
    .examples = "slipway config show --origin\twhich file or variable set what",
    .kinds = "SettingList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_show,
};

static enum sw_code check_key(const char *key, const struct sw_option **out, struct sw_err *err)
{
    *out = sw_option_find(sw_config_keys, sw_config_key_count, key);
    return *out != NULL ? SW_OK : sw_config_unknown_key("config", key, err);
}

static enum sw_code run_get(struct sw_app *app, struct sw_err *err)
{
    const struct sw_option *key;
    enum sw_code code = check_key(app->args[0], &key, err);
    if (code != SW_OK)
        return code;
    struct setting_row row = row_of(app, key->name, key->help);
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_setting, &row), err);
    if (row.value != NULL) {
        sw_output_safe(&app->out, row.value, SW_TEXT_ONE_LINE);
        sw_output_text(&app->out, "\n");
    }
    return SW_OK;
}

const struct sw_command sw_cmd_config_get = {
    .verb = "config get",
    .summary = "print the value of one setting",
    .arguments = "KEY",
    .min_args = 1,
    .max_args = 1,
    .takes = "setting",
    .description = "Prints nothing when the setting has no value.",
    .examples = "slipway config get experiment\twhere new runs go",
    .kinds = "Setting",
    .needs = SW_NEEDS_CONFIG,
    .run = run_get,
};

static enum sw_code run_set(struct sw_app *app, struct sw_err *err)
{
    const struct sw_option *key;
    char path[SW_PATH_MAX];
    enum sw_code code = check_key(app->args[0], &key, err);
    if (code == SW_OK)
        code = sw_config_set(app->args[0], app->args[1], err);
    if (code == SW_OK)
        code = sw_config_user_path(path, err);
    if (code != SW_OK)
        return code;
    enum sw_config_origin origin = sw_config_origin(app->config, key->name);
    if (origin > SW_CONFIG_USER)
        sw_output_note(&app->out, "%s is overruled here by %s", key->name,
                       sw_config_origin_text(app->config, key->name));
    if (app->out.is_json) {
        struct setting_row row = {key->name, app->args[1], path, key->help};
        return sw_output_json(&app->out, sw_json_document(&sw_json_setting, &row), err);
    }
    sw_output_note(&app->out, "%s = %s, written to %s", key->name, app->args[1], path);
    return SW_OK;
}

const struct sw_command sw_cmd_config_set = {
    .verb = "config set",
    .summary = "write one setting into the user's config.yaml",
    .arguments = "KEY VALUE",
    .min_args = 2,
    .max_args = 2,
    .takes = "setting",
    .description = "Comments and order of the file are kept. A missing file is made, with every key explained.",
    .examples = "slipway config set target prod-bundle\tpush there unless told otherwise",
    .kinds = "Setting",
    .needs = SW_NEEDS_CONFIG,
    .run = run_set,
};
