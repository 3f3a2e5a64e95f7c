// SPDX-License-Identifier: Apache-2.0
// The fish completion: one `complete` line for each verb, option and argument.
#include "app/generate.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
    "# Completion of slipway for fish; made by 'slipway generate-docs'.\n"
    "\n"
    "# The words before the cursor that are no options.\n"
    "function __slipway_words\n"
    "    set -l skip 0\n"
    "    for word in (commandline -opc)[2..-1]\n"
    "        if test $skip = 1\n"
    "            set skip 0\n"
    "        else if test \"$word\" = --store\n"
    "            set skip 1\n"
    "        else if not string match -q -- '-*' $word\n"
    "            echo $word\n"
    "        end\n"
    "    end\n"
    "end\n"
    "\n"
    "function __slipway_is\n"
    "    set -l words (__slipway_words)\n"
    "    set -l verb (string split ' ' -- $argv[1])\n"
    "    test (count $words) -ge (count $verb); and test \"$words[1..\"(count $verb)\"]\" = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "function __slipway_at\n"
    "    test (string join ' ' -- (__slipway_words)) = \"$argv[1]\"\n"
    "end\n"
    "\n"
    "complete -c slipway -f\n";

static void put_quoted(struct sw_buf *out, const char *text)
{
    sw_buf_addc(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            sw_buf_addc(out, '\\');
        sw_buf_addc(out, *text);
    }
    sw_buf_addc(out, '\'');
}

static void put_values(struct sw_buf *out, const char *completes)
{
    if (completes == NULL)
        return;
    if (strcmp(completes, "file") == 0) {
        sw_buf_adds(out, " -F");
    } else if (strcmp(completes, "command") == 0) {
        sw_buf_adds(out, " -a '(__fish_complete_subcommand)'");
    } else if (sw_completion_is_words(completes)) {
        sw_buf_adds(out, " -a '");
        for (const char *p = completes; *p != '\0'; p++)
            sw_buf_addc(out, *p == '|' ? ' ' : *p);
        sw_buf_addc(out, '\'');
    } else {
        sw_buf_addf(out, " -a '(slipway completion-names %s 2>/dev/null)'", completes);
    }
}

static void put_option(struct sw_buf *out, const char *verb, const struct sw_option *o)
{
    sw_buf_adds(out, "complete -c slipway");
    if (verb != NULL)
        sw_buf_addf(out, " -n '__slipway_is \"%s\"'", verb);
    if (o->letter != 0)
        sw_buf_addf(out, " -s %c", o->letter);
    sw_buf_addf(out, " -l %s", o->name);
    if (o->type != SW_OPTION_FLAG) {
        sw_buf_adds(out, " -r");
        put_values(out, sw_option_completion(o));
    }
    sw_buf_adds(out, " -d ");
    put_quoted(out, o->help);
    sw_buf_addc(out, '\n');
}

static void put_command(struct sw_buf *out, const struct sw_command *c)
{
    size_t count = 0;
    struct sw_option *options = sw_command_options(c, &count);
    const char *space = strchr(c->verb, ' ');
    sw_buf_addf(out, "complete -c slipway -n '__slipway_at \"%.*s\"' -a %s -d ",
                space == NULL ? 0 : (int)(space - c->verb), c->verb, space == NULL ? c->verb : space + 1);
    put_quoted(out, c->summary);
    sw_buf_addc(out, '\n');
    for (size_t k = 0; k < count; k++)
        put_option(out, c->verb, &options[k]);
    if (c->takes != NULL) {
        sw_buf_addf(out, "complete -c slipway -n '__slipway_is \"%s\"'", c->verb);
        put_values(out, c->takes);
        sw_buf_addc(out, '\n');
    }
    free(options);
}

void sw_generate_fish(struct sw_buf *out)
{
    sw_buf_adds(out, head);
    for (size_t k = 0; k < sw_global_option_count; k++)
        put_option(out, NULL, &sw_global_options[k]);
    for (size_t g = 0; g < sw_command_group_count; g++) {
        sw_buf_addf(out, "complete -c slipway -n '__slipway_at \"\"' -a %s -d ", sw_command_groups[g].name);
        put_quoted(out, sw_command_groups[g].summary);
        sw_buf_addc(out, '\n');
    }
    for (size_t i = 0; i < sw_command_count; i++)
        if ((sw_commands[i]->flags & SW_COMMAND_HIDDEN) == 0)
            put_command(out, sw_commands[i]);
}
