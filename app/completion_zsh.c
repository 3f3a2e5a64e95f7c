// SPDX-License-Identifier: Apache-2.0
// The zsh completion: _describe for verbs, _arguments for what stands behind each.
#include "app/generate.h"

#include <stdlib.h>
#include <string.h>

static const char head[] = "#compdef slipway\n"
                           "# Completion of slipway for zsh; made by 'slipway generate-docs'.\n"
                           "\n"
                           "_slipway_names() {\n"
                           "    local -a names\n"
                           "    names=(${(f)\"$(slipway completion-names $1 2>/dev/null)\"})\n"
                           "    names=(${names//:/\\\\:})\n"
                           "    names=(${names/$'\\t'/:})\n"
                           "    _describe -t $1 $1 names\n"
                           "}\n"
                           "\n";

// Text inside '...' of an _arguments or _describe specification.
static void put_quoted(struct sw_buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            sw_buf_adds(out, "'\\''");
        else if (strchr("[]:\\", *text) != NULL)
            sw_buf_addf(out, "\\%c", *text);
        else
            sw_buf_addc(out, *text);
    }
}

static void put_action(struct sw_buf *out, const char *completes)
{
    if (completes == NULL)
        return;
    if (strcmp(completes, "file") == 0) {
        sw_buf_adds(out, "_files");
    } else if (strcmp(completes, "command") == 0) {
        sw_buf_adds(out, "_normal");
    } else if (sw_completion_is_words(completes)) {
        sw_buf_addc(out, '(');
        for (const char *p = completes; *p != '\0'; p++)
            sw_buf_addc(out, *p == '|' ? ' ' : *p);
        sw_buf_addc(out, ')');
    } else {
        sw_buf_addf(out, "_slipway_names %s", completes);
    }
}

static void put_option(struct sw_buf *out, const struct sw_option *o)
{
    sw_buf_adds(out, " \\\n            '");
    if (o->repeat)
        sw_buf_addc(out, '*');
    sw_buf_addf(out, "--%s%s[", o->name, o->type == SW_OPTION_FLAG ? "" : "=");
    put_quoted(out, o->help);
    sw_buf_addc(out, ']');
    if (o->type != SW_OPTION_FLAG) {
        sw_buf_addf(out, ":%s:", o->name);
        put_action(out, sw_option_completion(o));
    }
    sw_buf_addc(out, '\'');
}

static void put_verb_arguments(struct sw_buf *out, const struct sw_command *c)
{
    size_t count = 0;
    struct sw_option *options = sw_command_options(c, &count);
    sw_buf_addf(out, "    '%s')\n        _arguments -s $globals", c->verb);
    for (size_t k = 0; k < count; k++)
        put_option(out, &options[k]);
    if (c->takes != NULL) {
        bool is_command = strcmp(c->takes, "command") == 0;
        sw_buf_addf(out, " \\\n            '*%s:%s:", is_command ? "::" : "",
                    sw_completion_is_words(c->takes) ? "word" : c->takes);
        put_action(out, c->takes);
        sw_buf_addc(out, '\'');
    }
    sw_buf_adds(out, "\n        ;;\n");
    free(options);
}

static void put_word(struct sw_buf *out, const char *word, const char *summary)
{
    sw_buf_addf(out, "        '%s:", word);
    put_quoted(out, summary);
    sw_buf_adds(out, "'\n");
}

static void put_first_words(struct sw_buf *out)
{
    sw_buf_adds(out, "    local -a verbs\n    verbs=(\n");
    for (size_t i = 0; i < sw_command_count; i++)
        if ((sw_commands[i]->flags & SW_COMMAND_HIDDEN) == 0 && strchr(sw_commands[i]->verb, ' ') == NULL)
            put_word(out, sw_commands[i]->verb, sw_commands[i]->summary);
    for (size_t g = 0; g < sw_command_group_count; g++)
        put_word(out, sw_command_groups[g].name, sw_command_groups[g].summary);
    sw_buf_adds(out, "    )\n");
}

static void put_group_words(struct sw_buf *out)
{
    sw_buf_adds(out, "    local -a seconds\n    case $words[1] in\n");
    for (size_t g = 0; g < sw_command_group_count; g++) {
        const char *group = sw_command_groups[g].name;
        size_t len = strlen(group);
        sw_buf_addf(out, "    %s)\n        seconds=(\n", group);
        for (size_t i = 0; i < sw_command_count; i++) {
            const struct sw_command *c = sw_commands[i];
            if ((c->flags & SW_COMMAND_HIDDEN) == 0 && strncmp(c->verb, group, len) == 0 && c->verb[len] == ' ')
                put_word(out, c->verb + len + 1, c->summary);
        }
        sw_buf_adds(out, "        )\n        ;;\n");
    }
    sw_buf_adds(out, "    esac\n");
}

void sw_generate_zsh(struct sw_buf *out)
{
    sw_buf_adds(out, head);
    sw_buf_adds(out, "_slipway() {\n    local context state state_descr line verb\n    typeset -A opt_args\n    local "
                     "-a globals\n    globals=(");
    for (size_t k = 0; k < sw_global_option_count; k++)
        put_option(out, &sw_global_options[k]);
    sw_buf_adds(out, "\n    )\n");
    put_first_words(out);
    sw_buf_adds(out, "    _arguments -C -s $globals '1: :->verb' '*:: :->rest' && return\n"
                     "    if [[ $state == verb ]]; then\n"
                     "        _describe -t commands command verbs\n"
                     "        return\n"
                     "    fi\n");
    put_group_words(out);
    sw_buf_adds(out, "    verb=$words[1]\n"
                     "    if ((${#seconds})); then\n"
                     "        if ((CURRENT == 2)); then\n"
                     "            _describe -t commands command seconds\n"
                     "            return\n"
                     "        fi\n"
                     "        verb=\"$words[1] $words[2]\"\n"
                     "        shift words\n"
                     "        ((CURRENT--))\n"
                     "    fi\n"
                     "    case $verb in\n");
    for (size_t i = 0; i < sw_command_count; i++)
        if ((sw_commands[i]->flags & SW_COMMAND_HIDDEN) == 0)
            put_verb_arguments(out, sw_commands[i]);
    sw_buf_adds(out, "    esac\n}\n\n_slipway \"$@\"\n");
}
