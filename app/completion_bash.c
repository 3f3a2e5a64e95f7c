// SPDX-License-Identifier: Apache-2.0
// The bash completion: one case for the verbs, one for each verb's options, one for what completes a value.
#include "app/generate.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
    "# Completion of slipway for bash; made by 'slipway generate-docs'.\n"
    "\n"
    "_slipway_names() {\n"
    "    local IFS=$'\\n'\n"
    "    COMPREPLY=($(compgen -W \"$(slipway completion-names \"$1\" 2>/dev/null | cut -f1)\" -- \"$cur\"))\n"
    "}\n"
    "\n";

static const char body[] = "_slipway() {\n"
                           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                           "    local verb= i word\n"
                           "    COMPREPLY=()\n"
                           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                           "        word=${COMP_WORDS[i]}\n"
                           "        case $word in\n"
                           "        --store) ((i++)) ;;\n"
                           "        -*) ;;\n"
                           "        *)\n"
                           "            if [[ -z $verb ]]; then\n"
                           "                verb=$word\n"
                           "            elif _slipway_is_verb \"$verb $word\"; then\n"
                           "                verb=\"$verb $word\"\n"
                           "                break\n"
                           "            else\n"
                           "                break\n"
                           "            fi\n"
                           "            ;;\n"
                           "        esac\n"
                           "    done\n"
                           "    if _slipway_value \"$verb\" \"$prev\"; then\n"
                           "        return\n"
                           "    fi\n"
                           "    if [[ $cur == -* ]]; then\n"
                           "        COMPREPLY=($(compgen -W \"$(_slipway_options \"$verb\")\" -- \"$cur\"))\n"
                           "        return\n"
                           "    fi\n"
                           "    if ((i >= COMP_CWORD)); then\n"
                           "        COMPREPLY=($(compgen -W \"$(_slipway_next \"$verb\")\" -- \"$cur\"))\n"
                           "        ((${#COMPREPLY[@]})) && return\n"
                           "    fi\n"
                           "    _slipway_argument \"$verb\"\n"
                           "}\n"
                           "complete -o bashdefault -F _slipway slipway\n";

static bool is_shown(const struct sw_command *c)
{
    return (c->flags & SW_COMMAND_HIDDEN) == 0;
}

// The command that sets COMPREPLY for what completes something.
static void put_action(struct sw_buf *out, const char *completes)
{
    if (strcmp(completes, "file") == 0) {
        sw_buf_adds(out, "COMPREPLY=($(compgen -f -- \"$cur\"))");
    } else if (strcmp(completes, "command") == 0) {
        sw_buf_adds(out, "COMPREPLY=($(compgen -c -f -- \"$cur\"))");
    } else if (sw_completion_is_words(completes)) {
        sw_buf_adds(out, "COMPREPLY=($(compgen -W \"");
        for (const char *p = completes; *p != '\0'; p++)
            sw_buf_addc(out, *p == '|' ? ' ' : *p);
        sw_buf_adds(out, "\" -- \"$cur\"))");
    } else {
        sw_buf_addf(out, "_slipway_names %s", completes);
    }
}

static void put_verbs(struct sw_buf *out)
{
    sw_buf_adds(out, "_slipway_is_verb() {\n    case $1 in\n");
    for (size_t i = 0; i < sw_command_count; i++)
        if (is_shown(sw_commands[i]) && strchr(sw_commands[i]->verb, ' ') != NULL)
            sw_buf_addf(out, "    '%s') return 0 ;;\n", sw_commands[i]->verb);
    sw_buf_adds(out, "    esac\n    return 1\n}\n\n");
}

// Words that may come next: first words, or the second words of a group.
static void put_next(struct sw_buf *out)
{
    sw_buf_adds(out, "_slipway_next() {\n    case $1 in\n    '') echo '");
    for (size_t i = 0; i < sw_command_count; i++)
        if (is_shown(sw_commands[i]) && strchr(sw_commands[i]->verb, ' ') == NULL)
            sw_buf_addf(out, "%s ", sw_commands[i]->verb);
    for (size_t g = 0; g < sw_command_group_count; g++)
        sw_buf_addf(out, "%s%s", sw_command_groups[g].name, g + 1 < sw_command_group_count ? " " : "' ;;\n");
    for (size_t g = 0; g < sw_command_group_count; g++) {
        const char *group = sw_command_groups[g].name;
        size_t len = strlen(group);
        const char *gap = "";
        sw_buf_addf(out, "    %s) echo '", group);
        for (size_t i = 0; i < sw_command_count; i++) {
            const char *verb = sw_commands[i]->verb;
            if (!is_shown(sw_commands[i]) || strncmp(verb, group, len) != 0 || verb[len] != ' ')
                continue;
            sw_buf_addf(out, "%s%s", gap, verb + len + 1);
            gap = " ";
        }
        sw_buf_adds(out, "' ;;\n");
    }
    sw_buf_adds(out, "    esac\n}\n\n");
}

static void put_option_names(struct sw_buf *out, const struct sw_option *options, size_t count)
{
    for (size_t k = 0; k < count; k++)
        sw_buf_addf(out, "--%s ", options[k].name);
}

static void put_options(struct sw_buf *out)
{
    sw_buf_adds(out, "_slipway_options() {\n    case $1 in\n");
    for (size_t i = 0; i < sw_command_count; i++) {
        size_t count = 0;
        struct sw_option *options = sw_command_options(sw_commands[i], &count);
        if (is_shown(sw_commands[i]) && count > 0) {
            sw_buf_addf(out, "    '%s') echo '", sw_commands[i]->verb);
            put_option_names(out, options, count);
            sw_buf_adds(out, "' ;;\n");
        }
        free(options);
    }
    sw_buf_adds(out, "    esac\n    echo '");
    put_option_names(out, sw_global_options, sw_global_option_count);
    sw_buf_adds(out, "'\n}\n\n");
}

// True (and COMPREPLY set) when the word before the cursor is an option that wants a value.
static void put_value(struct sw_buf *out, const char *verb, const struct sw_option *o)
{
    const char *completes = sw_option_completion(o);
    if (o->type == SW_OPTION_FLAG)
        return;
    sw_buf_addf(out, "    '%s --%s'", verb, o->name);
    if (o->letter != 0)
        sw_buf_addf(out, " | '%s -%c'", verb, o->letter);
    sw_buf_adds(out, ") ");
    if (completes == NULL)
        sw_buf_addc(out, ':'); // a value that only its author knows
    else
        put_action(out, completes);
    sw_buf_adds(out, " ;;\n");
}

static void put_values(struct sw_buf *out)
{
    sw_buf_adds(
        out, "_slipway_value() {\n    case \"$1 $2\" in\n    *' --store') COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n");
    for (size_t i = 0; i < sw_command_count; i++) {
        size_t count = 0;
        struct sw_option *options = sw_command_options(sw_commands[i], &count);
        for (size_t k = 0; k < count && is_shown(sw_commands[i]); k++)
            put_value(out, sw_commands[i]->verb, &options[k]);
        free(options);
    }
    sw_buf_adds(out, "    *) return 1 ;;\n    esac\n    return 0\n}\n\n");
}

static void put_arguments(struct sw_buf *out)
{
    sw_buf_adds(out, "_slipway_argument() {\n    case $1 in\n");
    for (size_t i = 0; i < sw_command_count; i++) {
        const struct sw_command *c = sw_commands[i];
        if (!is_shown(c) || c->takes == NULL)
            continue;
        sw_buf_addf(out, "    '%s') ", c->verb);
        put_action(out, c->takes);
        sw_buf_adds(out, " ;;\n");
    }
    sw_buf_adds(out, "    esac\n}\n\n");
}

void sw_generate_bash(struct sw_buf *out)
{
    sw_buf_adds(out, head);
    put_verbs(out);
    put_next(out);
    put_options(out);
    put_values(out);
    put_arguments(out);
    sw_buf_adds(out, body);
}
