// SPDX-License-Identifier: Apache-2.0
// Help made from the command table: one screen for all commands or a group of them, one for a single command.
#include "app/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { VERB_COLUMNS = 18, OPTION_COLUMNS = 26, HELP_COLUMNS = 100, INDENT = 2 };

// Prints `text` wrapped behind a hanging indent of `indent` columns; the cursor stands at that column already.
static void put_wrapped(struct sw_output *o, const char *text, int indent)
{
    int width = o->columns > 40 && o->columns < HELP_COLUMNS ? o->columns : HELP_COLUMNS;
    int at = indent;
    while (*text != '\0') {
        size_t len = strcspn(text, " \n");
        if (at > indent && at + 1 + (int)len > width) {
            sw_output_text(o, "\n%*s", indent, "");
            at = indent;
        }
        if (at > indent) {
            sw_output_text(o, " ");
            at++;
        }
        sw_output_text(o, "%.*s", (int)len, text);
        at += (int)len;
        text += len;
        if (text[0] == '\n' && text[1] == '\n') {
            sw_output_text(o, "\n\n%*s", indent, "");
            at = indent;
        }
        text += strspn(text, " \n");
    }
    sw_output_text(o, "\n");
}

static void put_title(struct sw_output *o, const char *title)
{
    sw_output_role(o, SW_ROLE_TITLE);
    sw_output_text(o, "%s", title);
    sw_output_role(o, SW_ROLE_PLAIN);
    sw_output_text(o, "\n");
}

static void put_option(struct sw_output *o, const struct sw_option *option)
{
    char left[128], letter[8] = "    ";
    if (option->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    const char *value = option->type == SW_OPTION_FLAG ? NULL
                        : option->value != NULL        ? option->value
                        : option->choices != NULL      ? option->choices
                                                       : sw_option_type_word(option->type);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, option->name, value != NULL ? " " : "",
             value != NULL ? value : "");
    sw_output_text(o, "%*s%-*s", INDENT, "", OPTION_COLUMNS, left);
    if (strlen(left) >= OPTION_COLUMNS)
        sw_output_text(o, "\n%*s", INDENT + OPTION_COLUMNS, "");
    char text[512];
    bool has_default = option->otherwise != NULL && option->otherwise[0] != '\0' && option->type != SW_OPTION_FLAG;
    snprintf(text, sizeof text, "%s%s%s%s%s", option->help, has_default ? " (default " : "",
             has_default ? option->otherwise : "", has_default ? ")" : "",
             option->required ? " (required)"
             : option->repeat ? " (repeatable)"
                              : "");
    put_wrapped(o, text, INDENT + OPTION_COLUMNS);
}

static void put_examples(struct sw_output *o, const char *examples)
{
    while (*examples != '\0') {
        size_t len = strcspn(examples, "\n");
        size_t command = strcspn(examples, "\t\n");
        sw_output_text(o, "%*s", INDENT, "");
        sw_output_role(o, SW_ROLE_ACCENT);
        sw_output_text(o, "%.*s", (int)command, examples);
        sw_output_role(o, SW_ROLE_PLAIN);
        sw_output_text(o, "\n");
        if (command < len)
            sw_output_text(o, "%*s%.*s\n", INDENT + 4, "", (int)(len - command - 1), examples + command + 1);
        examples += len + (examples[len] == '\n');
    }
}

void sw_help_command(struct sw_output *o, const struct sw_command *c)
{
    size_t count = 0;
    struct sw_option *options = sw_command_options(c, &count);
    sw_output_text(o, "slipway %s - %s\n\n", c->verb, c->summary);
    sw_output_text(o, "usage: slipway %s%s%s%s\n\n", c->verb, count > 0 ? " [OPTIONS]" : "",
                   c->arguments[0] != '\0' ? " " : "", c->arguments);
    put_title(o, "Examples");
    put_examples(o, c->examples);
    sw_output_text(o, "\n");
    put_wrapped(o, c->description, 0);
    if (count > 0) {
        sw_output_text(o, "\n");
        put_title(o, "Options");
        for (size_t i = 0; i < count; i++)
            put_option(o, &options[i]);
    }
    sw_output_text(o, "\nOptions of every command: 'slipway --help'. The manual: 'man slipway'.\n");
    free(options);
}

static bool is_in_group(const struct sw_command *c, const char *group)
{
    size_t len = group == NULL ? 0 : strlen(group);
    return (c->flags & SW_COMMAND_HIDDEN) == 0 &&
           (group == NULL || (strncmp(c->verb, group, len) == 0 && (c->verb[len] == ' ' || c->verb[len] == '\0')));
}

void sw_help_all(struct sw_output *o, const char *group)
{
    if (group == NULL) {
        sw_output_text(o, "Slipway: from data to training to an approved model in the cluster, in one terminal.\n\n"
                          "usage: slipway                      open the screens\n"
                          "       slipway [OPTIONS] COMMAND    do one thing\n\n");
        put_title(o, "Start here");
        put_examples(o, "slipway data add DIR\tregister a data set\n"
                        "slipway train mlp --data NAME --wait\ttrain on it and watch\n"
                        "slipway runs\tcompare what came out");
        sw_output_text(o, "\n");
    }
    put_title(o, "Commands");
    for (size_t i = 0; i < sw_command_count; i++) {
        const struct sw_command *c = sw_commands[i];
        if (!is_in_group(c, group))
            continue;
        sw_output_text(o, "%*s%-*s", INDENT, "", VERB_COLUMNS, c->verb);
        put_wrapped(o, c->summary, INDENT + VERB_COLUMNS);
    }
    sw_output_text(o, "\n");
    if (group == NULL) {
        put_title(o, "Options of every command");
        for (size_t i = 0; i < sw_global_option_count; i++)
            put_option(o, &sw_global_options[i]);
        sw_output_text(o, "\n");
    }
    sw_output_text(o, "'slipway %s%sCOMMAND --help' explains one command.\n", group == NULL ? "" : group,
                   group == NULL ? "" : " ");
}
