// SPDX-License-Identifier: Apache-2.0
// help, completion, completion-names, generate-docs: what is made from the command table.
#include "app/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/generate.h"
#include "app/template_cmd.h"
#include "core/base/file.h"
#include "core/base/text.h"
#include "core/store/dataset.h"
#include "core/store/model.h"
#include "core/store/push.h"

enum { GENERATED_MAX_BYTES = 4 * 1024 * 1024, NAMES_LIMIT = 500 };

// --- help ---

static enum sw_code run_help(struct sw_app *app, struct sw_err *err)
{
    if (app->arg_count == 0) {
        sw_help_all(&app->out, NULL);
        return SW_OK;
    }
    for (size_t i = 0; app->arg_count == 1 && i < sw_command_group_count; i++)
        if (strcmp(sw_command_groups[i].name, app->args[0]) == 0) {
            sw_help_all(&app->out, app->args[0]);
            return SW_OK;
        }
    const struct sw_command *found;
    size_t used;
    enum sw_code code = sw_command_find(app->args, app->arg_count, &found, &used, err);
    if (code == SW_OK)
        sw_help_command(&app->out, found);
    return code;
}

const struct sw_command sw_cmd_help = {
    .verb = "help",
    .summary = "explain a command",
    .arguments = "[COMMAND]",
    .max_args = 2,
    .description = "The same text as COMMAND --help.",
    .examples = "slipway help model approve\tone command\n"
                "slipway help model\ta group of them",
    .kinds = "",
    .needs = SW_NEEDS_NOTHING,
    .run = run_help,
};

// --- what completes what ---

const char *sw_option_completion(const struct sw_option *o)
{
    static const char *const kinds[] = {
        [SW_OPTION_PATH] = "file", [SW_OPTION_DATASET] = "dataset", [SW_OPTION_RUN] = "run",
        [SW_OPTION_JOB] = "job",   [SW_OPTION_MODEL] = "model",     [SW_OPTION_TARGET] = "target",
    };
    if (o->choices != NULL)
        return o->choices;
    if (strcmp(o->name, "experiment") == 0 || strcmp(o->name, "template") == 0)
        return o->name;
    return (size_t)o->type < SW_COUNT(kinds) ? kinds[o->type] : NULL;
}

// --- completion-names ---

static void put_name(struct sw_app *app, const char *name, const char *about)
{
    sw_output_safe(&app->out, name, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "\t");
    sw_output_safe(&app->out, about == NULL ? "" : about, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "\n");
}

static enum sw_code name_datasets(struct sw_app *app, struct sw_err *err)
{
    struct sw_dataset *items;
    size_t count;
    enum sw_code code = sw_dataset_list(app->store, app->arena, &items, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        put_name(app, items[i].name, items[i].path);
    return code;
}

static enum sw_code name_runs(struct sw_app *app, struct sw_err *err)
{
    struct sw_run_query query = {.experiment_id = -1, .limit = NAMES_LIMIT};
    struct sw_run_list list;
    enum sw_code code = sw_run_search(app->store, &query, app->arena, &list, err);
    for (size_t i = 0; code == SW_OK && i < list.count; i++)
        put_name(app, list.items[i].name, sw_run_status_word(list.items[i].status));
    return code;
}

static enum sw_code name_jobs(struct sw_app *app, struct sw_err *err)
{
    struct sw_job_list list;
    enum sw_code code = sw_job_search(app->store, false, NAMES_LIMIT, app->arena, &list, err);
    for (size_t i = 0; code == SW_OK && i < list.count; i++) {
        char id[32];
        snprintf(id, sizeof id, "%" PRId64, list.items[i].job_id);
        put_name(app, id, list.items[i].name);
    }
    return code;
}

static enum sw_code name_models(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version *items;
    size_t count;
    enum sw_code code = sw_model_version_list(app->store, NULL, app->arena, &items, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++) {
        char label[256];
        snprintf(label, sizeof label, "%s/%" PRId64, items[i].name, items[i].version);
        put_name(app, label, items[i].aliases);
    }
    return code;
}

static enum sw_code name_targets(struct sw_app *app, struct sw_err *err)
{
    struct sw_target *items;
    size_t count;
    enum sw_code code = sw_target_list(app->store, app->arena, &items, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        put_name(app, items[i].name, items[i].address);
    return code;
}

static enum sw_code name_experiments(struct sw_app *app, struct sw_err *err)
{
    struct sw_experiment *items;
    size_t count;
    enum sw_code code = sw_experiment_list(app->store, app->arena, &items, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        put_name(app, items[i].name, "");
    return code;
}

static enum sw_code name_settings(struct sw_app *app, struct sw_err *err)
{
    (void)err;
    for (size_t i = 0; i < sw_config_key_count; i++)
        put_name(app, sw_config_keys[i].name, sw_config_keys[i].help);
    return SW_OK;
}

static const struct {
    const char *kind;
    bool needs_store;
    enum sw_code (*put)(struct sw_app *app, struct sw_err *err);
} name_lists[] = {
    {"dataset", true, name_datasets},  {"run", true, name_runs},
    {"job", true, name_jobs},          {"model", true, name_models},
    {"target", true, name_targets},    {"experiment", true, name_experiments},
    {"setting", false, name_settings}, {"template", false, sw_app_name_templates},
};

bool sw_completion_is_words(const char *completes)
{
    if (strcmp(completes, "file") == 0 || strcmp(completes, "command") == 0)
        return false;
    for (size_t i = 0; i < SW_COUNT(name_lists); i++)
        if (strcmp(name_lists[i].kind, completes) == 0)
            return false;
    return true;
}

static enum sw_code run_completion_names(struct sw_app *app, struct sw_err *err)
{
    for (size_t i = 0; i < SW_COUNT(name_lists); i++) {
        if (strcmp(name_lists[i].kind, app->args[0]) != 0)
            continue;
        enum sw_code code = name_lists[i].needs_store ? sw_app_open_store(app, SW_NEEDS_STORE_READ, err) : SW_OK;
        return code == SW_OK ? name_lists[i].put(app, err) : code;
    }
    return sw_err_set(err, SW_USAGE, "unknown kind of names '%s'", app->args[0]);
}

const struct sw_command sw_cmd_completion_names = {
    .verb = "completion-names",
    .summary = "print names that exist, for completions",
    .arguments = "KIND",
    .min_args = 1,
    .max_args = 1,
    .description = "One a line: name, tab, what it is.",
    .examples = "slipway completion-names run\tnames of runs",
    .kinds = "",
    .needs = SW_NEEDS_CONFIG,
    .flags = SW_COMMAND_HIDDEN,
    .run = run_completion_names,
};

// --- completion and generate-docs ---

static const struct {
    const char *shell;
    const char *path; // below the folder given to generate-docs
    void (*make)(struct sw_buf *out);
} generated[] = {
    {"bash", "completions/slipway.bash", sw_generate_bash},    {"zsh", "completions/_slipway", sw_generate_zsh},
    {"fish", "completions/slipway.fish", sw_generate_fish},    {NULL, "man/slipway.1", sw_generate_manual},
    {NULL, "man/slipway-train.1", sw_generate_trainer_manual}, {NULL, "man/slipway-api.7", sw_generate_api_manual},
};

static enum sw_code run_completion(struct sw_app *app, struct sw_err *err)
{
    for (size_t i = 0; i < SW_COUNT(generated); i++) {
        if (generated[i].shell != NULL && strcmp(generated[i].shell, app->args[0]) == 0) {
            generated[i].make(&app->out.pending);
            return SW_OK;
        }
    }
    (void)sw_err_set(err, SW_USAGE, "no completion for the shell '%s'", app->args[0]);
    return sw_err_hint(err, "there is one for bash, zsh and fish");
}

const struct sw_command sw_cmd_completion = {
    .verb = "completion",
    .summary = "print the completion for a shell",
    .arguments = "bash|zsh|fish",
    .min_args = 1,
    .max_args = 1,
    .takes = "bash|zsh|fish",
    .description = "Packages install it; from a source tree load it by hand.",
    .examples = "source <(slipway completion bash)\tin bash\n"
                "slipway completion fish | source\tin fish",
    .kinds = "",
    .needs = SW_NEEDS_NOTHING,
    .run = run_completion,
};

static enum sw_code run_generate_docs(struct sw_app *app, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < SW_COUNT(generated) && code == SW_OK; i++) {
        char path[SW_PATH_MAX], dir[SW_PATH_MAX];
        struct sw_buf text;
        sw_buf_init(&text, GENERATED_MAX_BYTES);
        generated[i].make(&text);
        code = sw_buf_check(&text, generated[i].path, err);
        if (code == SW_OK)
            code = sw_path_join(path, app->args[0], generated[i].path, err);
        if (code == SW_OK) {
            snprintf(dir, sizeof dir, "%.*s", (int)(sw_path_base(path) - path), path);
            code = sw_path_make_dirs(dir, err);
        }
        if (code == SW_OK)
            code = sw_file_write(path, text.data, text.len, err);
        sw_buf_free(&text);
    }
    return code;
}

const struct sw_command sw_cmd_generate_docs = {
    .verb = "generate-docs",
    .summary = "write the manual and the completions",
    .arguments = "DIR",
    .min_args = 1,
    .max_args = 1,
    .description = "Used by 'make docs' and 'make check'.",
    .examples = "slipway generate-docs packaging\tin a source tree",
    .kinds = "",
    .needs = SW_NEEDS_NOTHING,
    .flags = SW_COMMAND_HIDDEN,
    .run = run_generate_docs,
};
