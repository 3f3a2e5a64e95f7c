// SPDX-License-Identifier: Apache-2.0
// From argv to a command's row and back to an exit code. Nothing is opened before the command is known and its options
// are right; `--version` and `--help` open nothing at all.
#include "app/command.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"

#define NAMES_MAX       256
#define ARENA_MAX_BYTES ((size_t)1 << 30)

// --- finding the command ---

static bool is_verb(const struct sw_command *c, const char *first, const char *second)
{
    char verb[128];
    snprintf(verb, sizeof verb, second == NULL ? "%s" : "%s %s", first, second);
    return strcmp(c->verb, verb) == 0;
}

static const struct sw_command_group *group_find(const char *name)
{
    for (size_t i = 0; i < sw_command_group_count; i++)
        if (strcmp(sw_command_groups[i].name, name) == 0)
            return &sw_command_groups[i];
    return NULL;
}

// Names a user may have meant: the second words of `group`, or all first words.
static size_t candidate_names(const char *group, const char *names[static NAMES_MAX])
{
    size_t count = 0;
    size_t prefix = group == NULL ? 0 : strlen(group);
    for (size_t i = 0; i < sw_command_count && count < NAMES_MAX; i++) {
        const struct sw_command *c = sw_commands[i];
        if ((c->flags & SW_COMMAND_HIDDEN) != 0)
            continue;
        if (group == NULL && strchr(c->verb, ' ') == NULL)
            names[count++] = c->verb;
        else if (group != NULL && strncmp(c->verb, group, prefix) == 0 && c->verb[prefix] == ' ')
            names[count++] = c->verb + prefix + 1;
    }
    for (size_t i = 0; group == NULL && i < sw_command_group_count && count < NAMES_MAX; i++)
        names[count++] = sw_command_groups[i].name;
    return count;
}

static enum sw_code unknown_command(const char *group, const char *word, struct sw_err *err)
{
    const char *names[NAMES_MAX];
    size_t count = candidate_names(group, names);
    if (group == NULL) {
        (void)sw_err_set(err, SW_USAGE, "unknown command '%s'", word);
    } else if (word != NULL) {
        (void)sw_err_set(err, SW_USAGE, "unknown command '%s %s'", group, word);
    } else {
        (void)sw_err_set(err, SW_USAGE, "'%s' needs a command behind it", group);
        return sw_err_hint(err, "'slipway %s --help' lists them", group);
    }
    const char *nearest = sw_text_nearest(word, names, count);
    if (nearest == NULL)
        return sw_err_hint(err, "'slipway %s%s--help' lists the commands", group == NULL ? "" : group,
                           group == NULL ? "" : " ");
    return sw_err_hint(err, "did you mean 'slipway %s%s%s'?", group == NULL ? "" : group, group == NULL ? "" : " ",
                       nearest);
}

enum sw_code sw_command_find(const char *const *words, size_t count, const struct sw_command **out, size_t *used,
                             struct sw_err *err)
{
    const struct sw_command *found = NULL;
    size_t taken = 0;
    for (size_t i = 0; i < sw_command_count; i++) {
        const struct sw_command *c = sw_commands[i];
        if (count >= 2 && is_verb(c, words[0], words[1])) {
            found = c;
            taken = 2;
            break;
        }
        if (is_verb(c, words[0], NULL)) {
            found = c;
            taken = 1;
        }
    }
    if (found == NULL && group_find(words[0]) != NULL)
        return unknown_command(words[0], count >= 2 ? words[1] : NULL, err);
    if (found == NULL)
        return unknown_command(NULL, words[0], err);
    *out = found;
    *used = taken;
    return SW_OK;
}

// --- options ---

static struct sw_option *tables_joined(const struct sw_command *c, bool with_global, size_t *count)
{
    size_t more_count = 0;
    const struct sw_option *more = c->more_options == NULL ? NULL : c->more_options(&more_count);
    size_t global_count = with_global ? sw_global_option_count : 0;
    struct sw_option *all = calloc(c->option_count + more_count + global_count + 1, sizeof *all);
    *count = 0;
    if (all == NULL)
        return NULL;
    for (size_t i = 0; i < c->option_count; i++)
        all[(*count)++] = c->options[i];
    // A name that the command has itself wins over the further table's.
    for (size_t i = 0; i < more_count; i++)
        if (sw_option_find(c->options, c->option_count, more[i].name) == NULL)
            all[(*count)++] = more[i];
    for (size_t i = 0; i < global_count; i++)
        all[(*count)++] = sw_global_options[i];
    return all;
}

struct sw_option *sw_command_options(const struct sw_command *c, size_t *count)
{
    return tables_joined(c, false, count);
}

static enum sw_code check_arg_count(const struct sw_app *app, struct sw_err *err)
{
    const struct sw_command *c = app->command;
    if (app->arg_count < (size_t)c->min_args)
        (void)sw_err_set(err, SW_USAGE, "'%s' needs %s", c->verb, c->arguments);
    else if (c->max_args >= 0 && app->arg_count > (size_t)c->max_args)
        (void)sw_err_set(err, SW_USAGE, "'%s' does not take '%s'", c->verb, app->args[c->max_args]);
    else
        return SW_OK;
    return sw_err_hint(err, "usage: slipway %s%s%s%s", c->verb,
                       c->option_count + (c->more_options != NULL) > 0 ? " [OPTIONS]" : "",
                       c->arguments[0] != '\0' ? " " : "", c->arguments);
}

static void apply_globals(struct sw_app *app, const struct sw_option_set *set)
{
    app->out.is_json |= sw_option_flag(set, "json");
    app->out.is_quiet |= sw_option_flag(set, "quiet");
    app->out.is_verbose |= sw_option_flag(set, "verbose");
    app->out.assume_yes |= sw_option_flag(set, "yes");
    if (sw_option_flag(set, "no-color"))
        sw_output_set_color(&app->out, SW_COLOR_NEVER);
}

// --- what commands need ---

const struct sw_option_set *sw_app_values(const struct sw_app *app, const char *name)
{
    return sw_option_is_set(app->options, name) ? app->options : sw_config_values(app->config);
}

const char *sw_app_setting(const struct sw_app *app, const char *name)
{
    return sw_option_text(sw_app_values(app, name), name);
}

enum sw_code sw_app_find_store(struct sw_app *app, struct sw_err *err)
{
    const char *dir = sw_app_setting(app, "store");
    if (dir != NULL)
        return sw_path_absolute(app->store_dir, dir, err);
    return sw_path_place(SW_PLACE_DATA, app->store_dir, err);
}

enum sw_code sw_app_open_store(struct sw_app *app, enum sw_command_needs needs, struct sw_err *err)
{
    enum sw_code code = sw_app_find_store(app, err);
    if (code != SW_OK)
        return code;
    enum sw_store_mode mode = needs == SW_NEEDS_NEW_STORE ? SW_STORE_CREATE : SW_STORE_OPEN;
    if (needs == SW_NEEDS_STORE_READ && access(app->store_dir, F_OK) == 0 && access(app->store_dir, W_OK) != 0)
        mode = SW_STORE_READ_ONLY;
    return sw_store_open(app->store_dir, mode, &app->store, err);
}

static enum sw_code prepare(struct sw_app *app, struct sw_err *err)
{
    enum sw_command_needs needs = app->command->needs;
    if (needs == SW_NEEDS_NOTHING)
        return SW_OK;
    app->arena = sw_arena_new(ARENA_MAX_BYTES);
    if (app->arena == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    enum sw_code code = sw_config_load(&app->config, err);
    if (code != SW_OK)
        return code;
    const char *color = sw_config_text(app->config, "color");
    if (!sw_option_flag(app->options, "no-color") && strcmp(color, "auto") != 0)
        sw_output_set_color(&app->out, strcmp(color, "always") == 0 ? SW_COLOR_ALWAYS : SW_COLOR_NEVER);
    // core/job counts slots in every process that it starts, so it reads this setting from the environment.
    const char *slots = sw_config_text(app->config, "cpu-slots");
    if (slots != NULL && setenv("SLIPWAY_CPU_SLOTS", slots, 1) != 0)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while setting SLIPWAY_CPU_SLOTS");
    return needs >= SW_NEEDS_STORE_READ ? sw_app_open_store(app, needs, err) : SW_OK;
}

// Parses what stands behind the verb and runs it.
static enum sw_code run_command(struct sw_app *app, int argc, char *const *argv, const struct sw_option_set *before,
                                struct sw_err *err)
{
    const struct sw_command *c = app->command;
    size_t count;
    struct sw_option *table = tables_joined(c, true, &count);
    if (table == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading options");
    enum sw_code code = sw_option_set_new(table, count, &app->options, err);
    if (code == SW_OK && sw_option_is_set(before, "store"))
        code = sw_option_set_put(app->options, "store", sw_option_text(before, "store"), err);
    if (code == SW_OK)
        code = sw_option_parse(app->options, argc, argv, (c->flags & SW_COMMAND_STOPS_AT_WORD) != 0, err);
    if (code == SW_OK) {
        apply_globals(app, app->options);
        app->arg_count = sw_option_args(app->options, &app->args);
        if (sw_option_flag(app->options, "help") || sw_option_flag(before, "help"))
            sw_help_command(&app->out, c);
        else if ((code = sw_option_check_required(app->options, err)) == SW_OK &&
                 (code = check_arg_count(app, err)) == SW_OK && (code = prepare(app, err)) == SW_OK)
            code = c->run(app, err);
    }
    sw_arena_free(app->arena);
    sw_store_close(app->store);
    sw_config_free(app->config);
    sw_option_set_free(app->options);
    free(table);
    return code;
}

// Without a verb the screens open, and without a terminal for them the help says what else there is.
static enum sw_code run_bare(struct sw_app *app, int argc, char **argv, const struct sw_option_set *set,
                             struct sw_err *err)
{
    if (sw_option_flag(set, "version")) {
        sw_output_text(&app->out, "slipway %s\n", SW_VERSION);
        return SW_OK;
    }
    if (sw_option_flag(set, "help")) {
        sw_help_all(&app->out, NULL);
        return SW_OK;
    }
    if (isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1)
        return run_command(app, argc - 1, argv + 1, set, err);
    sw_help_all(&app->out, NULL);
    return SW_USAGE;
}

static enum sw_code run_verb(struct sw_app *app, char **argv_end, const char *const *words, size_t count,
                             const struct sw_option_set *set, struct sw_err *err)
{
    bool asks_help =
        sw_option_flag(set, "help") || (count > 1 && (strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0));
    size_t used = 0;
    if (asks_help && group_find(words[0]) != NULL) {
        sw_help_all(&app->out, words[0]);
        return SW_OK;
    }
    enum sw_code code = sw_command_find(words, count, &app->command, &used, err);
    int rest = (int)(count - used);
    return code != SW_OK ? code : run_command(app, rest, argv_end - rest, set, err);
}

static enum sw_code run_all(struct sw_app *app, int argc, char **argv, struct sw_err *err)
{
    struct sw_option_set *set = NULL;
    const char *const *words = NULL;
    const char *const screens = "tui";
    size_t used = 0, table_count = 0;
    enum sw_code code = sw_command_find(&screens, 1, &app->command, &used, err);
    if (code != SW_OK)
        return code;
    struct sw_option *table = tables_joined(app->command, true, &table_count);
    if (table == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading options");
    code = sw_option_set_new(table, table_count, &set, err);
    if (code == SW_OK)
        code = sw_option_parse(set, argc - 1, argv + 1, true, err);
    if (code == SW_OK) {
        apply_globals(app, set);
        size_t count = sw_option_args(set, &words);
        if (count == 0)
            code = run_bare(app, argc, argv, set, err);
        else
            code = run_verb(app, argv + argc, words, count, set, err);
    }
    sw_option_set_free(set);
    free(table);
    return code;
}

int sw_app_main(int argc, char **argv)
{
    struct sw_app app = {0};
    struct sw_err err = {0};
    umask(077);
    signal(SIGPIPE, SIG_IGN); // a closed reader shows as EPIPE, which output.c takes for the end
    sw_output_init(&app.out);
    enum sw_code code = run_all(&app, argc, argv, &err);
    if (code == SW_OK) {
        code = sw_output_flush(&app.out, &err);
    } else {
        struct sw_err lost = {0};
        (void)sw_output_flush(&app.out, &lost); // the first error is the one to report
    }
    // An error in the options themselves comes out as JSON too when --json stands anywhere before "--".
    for (int i = 1; code == SW_USAGE && i < argc && strcmp(argv[i], "--") != 0; i++)
        app.out.is_json |= strcmp(argv[i], "--json") == 0;
    if (err.code == SW_USAGE && err.hint[0] == '\0')
        (void)sw_err_hint(&err, "'slipway %s --help' says what it takes", app.command->verb);
    if (err.code != SW_OK)
        sw_output_error(&app.out, &err);
    sw_output_free(&app.out);
    return sw_code_exit(code);
}
