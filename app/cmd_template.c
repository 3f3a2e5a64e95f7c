// SPDX-License-Identifier: Apache-2.0
// template ls, show, render: manifests with typed parameters.
#include "app/template_cmd.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static const struct sw_json_field template_fields[] = {
    {"name", SW_JSON_TEXT, offsetof(struct sw_template_row, name), NULL, "name of the template"},
    {"summary", SW_JSON_TEXT, offsetof(struct sw_template_row, summary), NULL, "what it makes"},
    {"path", SW_JSON_TEXT, offsetof(struct sw_template_row, path), NULL, "its file"},
    {"origin", SW_JSON_TEXT, offsetof(struct sw_template_row, origin), NULL, "own, set or built-in"},
    {"shadows", SW_JSON_TEXT, offsetof(struct sw_template_row, shadows), NULL, "file of the same name that it hides"},
    {"problem", SW_JSON_TEXT, offsetof(struct sw_template_row, problem), NULL, "why it cannot be used"},
};
const struct sw_json_kind sw_json_template = {"Template",
                                              "TemplateList",
                                              "a manifest template",
                                              template_fields,
                                              SW_COUNT(template_fields),
                                              sizeof(struct sw_template_row)};

static const struct sw_json_field parameter_fields[] = {
    {"name", SW_JSON_TEXT, offsetof(struct sw_option, name), NULL, "name, as in --set NAME=VALUE"},
    {"default", SW_JSON_TEXT, offsetof(struct sw_option, otherwise), NULL, "value when none is given"},
    {"from", SW_JSON_TEXT, offsetof(struct sw_option, from), NULL, "what a push fills it with"},
    {"choices", SW_JSON_TEXT, offsetof(struct sw_option, choices), NULL, "values it may take"},
    {"required", SW_JSON_BOOL, offsetof(struct sw_option, required), NULL, "must be given"},
    {"help", SW_JSON_TEXT, offsetof(struct sw_option, help), NULL, "what it is for"},
};
const struct sw_json_kind sw_json_parameter = {"Parameter",
                                               NULL,
                                               "a parameter of a template",
                                               parameter_fields,
                                               SW_COUNT(parameter_fields),
                                               sizeof(struct sw_option)};

enum sw_code sw_app_use_project_templates(struct sw_app *app, struct sw_err *err)
{
    const char *project = sw_config_project_dir(app->config);
    const char *set = getenv("SLIPWAY_TEMPLATES");
    char *dirs = NULL;
    if (project == NULL)
        return SW_OK;
    if (set != NULL && set[0] != '\0')
        dirs = sw_arena_printf(app->arena, "%stemplates:%s", project, set);
    else
        dirs = sw_arena_printf(app->arena, "%stemplates", project);
    if (dirs == NULL || setenv("SLIPWAY_TEMPLATES", dirs, 1) != 0)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while setting SLIPWAY_TEMPLATES");
    return SW_OK;
}

enum sw_code sw_app_name_templates(struct sw_app *app, struct sw_err *err)
{
    struct sw_template_row *rows = NULL;
    size_t count = 0;
    enum sw_code code = sw_app_use_project_templates(app, err);
    if (code == SW_OK)
        code = sw_template_list(app->arena, &rows, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++) {
        sw_output_safe(&app->out, rows[i].name, SW_TEXT_ONE_LINE);
        sw_output_text(&app->out, "\t");
        sw_output_safe(&app->out, rows[i].summary == NULL ? "" : rows[i].summary, SW_TEXT_ONE_LINE);
        sw_output_text(&app->out, "\n");
    }
    return code;
}

// --- ls ---

static enum sw_code run_ls(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"TEMPLATE", 0}, {"ORIGIN", 0}, {"SUMMARY", SW_COLUMN_SHRINKS}, {"PATH", SW_COLUMN_SHRINKS}};
    struct sw_template_row *rows = NULL;
    size_t count = 0;
    enum sw_code code = sw_app_use_project_templates(app, err);
    if (code == SW_OK)
        code = sw_template_list(app->arena, &rows, &count, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_template, rows, count), err);
    if (count == 0) {
        sw_output_note(&app->out, "No templates found; 'slipway info' lists where they are looked for.");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        sw_table_cell(t, rows[i].name);
        sw_table_cell(t, rows[i].origin);
        sw_table_cell(t, rows[i].problem != NULL ? rows[i].problem : rows[i].summary);
        if (rows[i].problem != NULL)
            sw_table_role(t, SW_ROLE_BAD);
        sw_table_cell(t, rows[i].path);
    }
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_template_ls = {
    .verb = "template ls",
    .summary = "list manifest templates",
    .arguments = "",
    .description = "Those of the user, of the project and those that came with Slipway; the first of a name wins.",
    .examples = "slipway template ls\twhat a push can render",
    .kinds = "TemplateList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_ls,
};

// --- show ---

static enum sw_code open_template(struct sw_app *app, const char *name, struct sw_template **out, struct sw_err *err)
{
    enum sw_code code = sw_app_use_project_templates(app, err);
    return code == SW_OK ? sw_template_find(name, out, err) : code;
}

static json_t *template_json(const struct sw_template_info *info)
{
    json_t *parameters = json_array();
    for (size_t i = 0; i < info->parameter_count; i++) {
        const struct sw_option *o = &info->parameters[i];
        json_t *p = sw_json_object(&sw_json_parameter, o);
        int bad = json_object_set_new(p, "type", json_string(sw_option_type_word(o->type)));
        bad |= json_object_set_new(p, "min", o->min < o->max ? json_real(o->min) : json_null());
        bad |= json_object_set_new(p, "max", o->min < o->max ? json_real(o->max) : json_null());
        bad |= json_array_append_new(parameters, p);
        if (bad != 0) {
            json_decref(parameters);
            return NULL;
        }
    }
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "kind", "TemplateDescription", "name",
                     sw_json_text(info->name), "summary", sw_json_text(info->summary), "description",
                     sw_json_text(info->description), "path", sw_json_text(info->path), "document_count",
                     (json_int_t)info->document_count, "parameters", parameters);
}

static enum sw_code print_template(struct sw_app *app, const struct sw_template_info *info, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {{"PARAMETER", 0}, {"TYPE", 0},
                                                     {"RANGE", 0},     {"DEFAULT", SW_COLUMN_SHRINKS},
                                                     {"FROM", 0},      {"SUMMARY", SW_COLUMN_SHRINKS}};
    sw_output_pair(&app->out, "template", info->name);
    sw_output_pair(&app->out, "summary", info->summary);
    sw_output_pair(&app->out, "path", info->path);
    sw_output_pairf(&app->out, "documents", "%zu", info->document_count);
    if (info->description != NULL) {
        sw_output_text(&app->out, "\n");
        sw_output_safe(&app->out, info->description, SW_TEXT_KEEP_NEWLINES);
        sw_output_text(&app->out, "\n");
    }
    sw_output_text(&app->out, "\n");
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < info->parameter_count; i++) {
        const struct sw_option *o = &info->parameters[i];
        sw_table_cell(t, o->name);
        sw_table_cell(t, o->choices != NULL ? o->choices : sw_option_type_word(o->type));
        if (o->min < o->max)
            sw_table_cellf(t, "%.12g to %.12g", o->min, o->max);
        else
            sw_table_cell(t, NULL);
        sw_table_cell(t, o->required && o->otherwise == NULL && o->from == NULL ? "(required)" : o->otherwise);
        sw_table_cell(t, o->from);
        sw_table_cell(t, o->help);
    }
    return sw_table_print(t, &app->out, err);
}

static enum sw_code run_show(struct sw_app *app, struct sw_err *err)
{
    struct sw_template *t = NULL;
    enum sw_code code = open_template(app, app->args[0], &t, err);
    if (code != SW_OK)
        return code;
    const struct sw_template_info *info = sw_template_info(t);
    code = app->out.is_json ? sw_output_json(&app->out, template_json(info), err) : print_template(app, info, err);
    sw_template_free(t);
    return code;
}

const struct sw_command sw_cmd_template_show = {
    .verb = "template show",
    .summary = "show what a template makes and its parameters",
    .arguments = "TEMPLATE",
    .min_args = 1,
    .max_args = 1,
    .takes = "template",
    .description = "TEMPLATE is a name, or the path of a file.",
    .examples = "slipway template show kserve-inferenceservice\tparameters with types, ranges and defaults",
    .kinds = "TemplateDescription",
    .needs = SW_NEEDS_CONFIG,
    .run = run_show,
};

// --- render ---

enum sw_code sw_app_template_values(struct sw_app *app, struct sw_template_value **out, size_t *count,
                                    struct sw_err *err)
{
    const char *const *given = NULL;
    *count = sw_option_repeat(app->options, "set", &given);
    *out = sw_arena_array(app->arena, *count + 1, sizeof **out);
    if (*out == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < *count; i++) {
        const char *equals = strchr(given[i], '=');
        if (equals == NULL || equals == given[i])
            return sw_err_set(err, SW_USAGE, "--set %s: must be NAME=VALUE", given[i]);
        (*out)[i].name = sw_arena_strndup(app->arena, given[i], (size_t)(equals - given[i]));
        (*out)[i].value = equals + 1;
    }
    return SW_OK;
}

static const struct sw_option render_options[] = {
    {.name = "set",
     .letter = 's',
     .type = SW_OPTION_TEXT,
     .value = "NAME=VALUE",
     .repeat = true,
     .help = "value of a parameter"},
};

static enum sw_code run_render(struct sw_app *app, struct sw_err *err)
{
    struct sw_template *t = NULL;
    struct sw_template_value *values;
    size_t count;
    json_t *documents = NULL;
    enum sw_code code = open_template(app, app->args[0], &t, err);
    if (code == SW_OK)
        code = sw_app_template_values(app, &values, &count, err);
    if (code == SW_OK)
        code = sw_template_render(t, values, count, NULL, 0, &documents, err);
    if (code == SW_OK && app->out.is_json)
        code = sw_output_json(&app->out, sw_json_list_of("ManifestList", json_incref(documents)), err);
    else if (code == SW_OK)
        code = sw_manifest_write_yaml(documents, &app->out.pending, err);
    json_decref(documents);
    sw_template_free(t);
    return code;
}

const struct sw_command sw_cmd_template_render = {
    .verb = "template render",
    .summary = "print the manifests that a template makes",
    .arguments = "TEMPLATE",
    .min_args = 1,
    .max_args = 1,
    .takes = "template",
    .options = render_options,
    .option_count = SW_COUNT(render_options),
    .description =
        "Values are put into the document tree and never pasted as text, so none can change its structure. A value "
        "of the wrong type is refused with the parameter's name, type and range. What a push fills in must be "
        "given here.",
    .examples = "slipway template render kserve-inferenceservice --set name=fashion --set "
                "storage-uri=s3://models/fashion | kubectl diff "
                "-f -\tlook before applying",
    .kinds = "ManifestList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_render,
};
