// SPDX-License-Identifier: Apache-2.0
// The manual pages in mdoc(7), from the tables of commands, options, JSON kinds, settings, keys and exit codes.
#include "app/generate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app/json_kind.h"
#include "gpu/train_options.h"
#include "tui/action.h"

#define MANUAL_DATE "November 25, 2026" // of the last change that a reader should know about

enum { TEXT_COLUMNS = 76 };
#define UNLIMITED 1e9 // a limit that only keeps numbers representable is nothing to tell

// --- mdoc text ---

// One line of mdoc arguments or text: backslashes and quotes escaped.
static void put_escaped(struct sw_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\')
            sw_buf_adds(out, "\\e");
        else if (text[i] == '"')
            sw_buf_adds(out, "\\(dq");
        else if (text[i] == '-' && i + 1 < len && text[i + 1] == '-')
            sw_buf_adds(out, "\\-"); // two in a row would read as a dash
        else
            sw_buf_addc(out, text[i]);
    }
}

// Running text: sentences begin lines, lines end before column 80, none begins with a control character, blank lines are
// paragraphs.
void sw_mdoc_text(struct sw_buf *out, const char *text)
{
    size_t used = 0;
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, " \n");
        bool ends = len > 0 && strchr(".!?", p[len - 1]) != NULL;
        if (used > 0 && used + 1 + len > TEXT_COLUMNS) {
            sw_buf_addc(out, '\n');
            used = 0;
        } else if (used > 0) {
            sw_buf_addc(out, ' ');
            used++;
        }
        if (used == 0 && (*p == '.' || *p == '\''))
            sw_buf_adds(out, "\\&");
        put_escaped(out, p, len);
        used += len;
        p += len;
        bool is_paragraph = p[0] == '\n' && p[1] == '\n';
        p += strspn(p, " \n");
        if (is_paragraph)
            sw_buf_adds(out, "\n.Pp\n");
        else if (ends && *p != '\0' && !islower((unsigned char)*p))
            sw_buf_addc(out, '\n');
        else
            continue;
        used = 0;
    }
    sw_buf_addc(out, '\n');
}

// "lower case, no full stop" as a sentence.
void sw_mdoc_sentence(struct sw_buf *out, const char *text)
{
    struct sw_buf sentence;
    sw_buf_init(&sentence, 8192);
    sw_buf_adds(&sentence, text);
    if (sentence.len > 0) {
        // A word in capitals or with a sign inside is a name and stays.
        sentence.data[0] = (char)toupper((unsigned char)sentence.data[0]);
        if (sentence.data[sentence.len - 1] != '.')
            sw_buf_addc(&sentence, '.');
    }
    sw_mdoc_text(out, sentence.data);
    sw_buf_free(&sentence);
}

void sw_mdoc_head(struct sw_buf *out, const char *name, int section, const char *summary)
{
    sw_buf_adds(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n"
                     ".\\\" Made by 'slipway generate-docs' from the tables in the sources.\n"
                     ".Dd " MANUAL_DATE "\n");
    sw_buf_adds(out, ".Dt ");
    for (const char *p = name; *p != '\0'; p++)
        sw_buf_addc(out, (char)toupper((unsigned char)*p));
    sw_buf_addf(out, " %d\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", section, name, summary);
}

// --- options ---

static void put_option(struct sw_buf *out, const struct sw_option *o)
{
    sw_buf_adds(out, ".It ");
    if (o->letter != 0)
        sw_buf_addf(out, "Fl %c , ", o->letter);
    sw_buf_addf(out, "Fl -%s", o->name);
    if (o->type != SW_OPTION_FLAG)
        sw_buf_addf(out, " Ar %s",
                    o->value != NULL     ? o->value
                    : o->choices != NULL ? o->choices
                                         : sw_option_type_word(o->type));
    sw_buf_addc(out, '\n');
    sw_mdoc_sentence(out, o->help);
    if (o->required)
        sw_buf_adds(out, "Required.\n");
    if (o->repeat)
        sw_buf_adds(out, "May be given several times.\n");
    if (o->type == SW_OPTION_FLAG) {
        if (o->otherwise != NULL && strcmp(o->otherwise, "true") == 0)
            sw_buf_addf(out, "On unless\n.Fl -no-%s\nis given.\n", o->name);
        return;
    }
    if (o->choices != NULL && o->value != NULL)
        sw_buf_addf(out, "One of %s.\n", o->choices);
    if (o->min < o->max && o->max < UNLIMITED)
        sw_buf_addf(out, "From %.12g to %.12g.\n", o->min, o->max);
    else if (o->min < o->max && o->min > 0)
        sw_buf_addf(out, "At least %.12g.\n", o->min);
    if (o->otherwise != NULL && o->otherwise[0] != '\0') {
        sw_buf_adds(out, "The default is ");
        put_escaped(out, o->otherwise, strlen(o->otherwise));
        sw_buf_adds(out, ".\n");
    }
}

static void put_options(struct sw_buf *out, const struct sw_option *options, size_t count)
{
    if (count == 0)
        return;
    sw_buf_adds(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < count; i++)
        put_option(out, &options[i]);
    sw_buf_adds(out, ".El\n");
}

static void put_examples(struct sw_buf *out, const char *examples)
{
    while (*examples != '\0') {
        size_t len = strcspn(examples, "\n");
        size_t command = strcspn(examples, "\t\n");
        sw_buf_adds(out, ".Dl ");
        put_escaped(out, examples, command);
        sw_buf_addc(out, '\n');
        examples += len + (examples[len] == '\n');
    }
}

// --- sections of slipway.1 ---

static void put_command(struct sw_buf *out, const struct sw_command *c)
{
    size_t count = 0;
    struct sw_option *options = sw_command_options(c, &count);
    bool shows_options = c->more_options == NULL;
    sw_buf_addf(out, ".It Nm Cm %s", c->verb);
    if (count > 0)
        sw_buf_adds(out, " Oo Ar options Oc");
    if (c->arguments[0] != '\0') {
        sw_buf_adds(out, " Ar ");
        put_escaped(out, c->arguments, strlen(c->arguments));
    }
    sw_buf_addc(out, '\n');
    sw_mdoc_sentence(out, c->summary);
    sw_mdoc_text(out, c->description);
    if (shows_options) {
        put_options(out, options, count);
    } else {
        put_options(out, c->options, c->option_count);
        sw_buf_adds(out, "The further options are those of\n.Xr slipway-train 1 .\n");
    }
    sw_buf_adds(out, ".Pp\n");
    put_examples(out, c->examples);
    free(options);
}

static void put_commands(struct sw_buf *out)
{
    sw_buf_adds(out, ".Sh COMMANDS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < sw_command_count; i++)
        if ((sw_commands[i]->flags & SW_COMMAND_HIDDEN) == 0)
            put_command(out, sw_commands[i]);
    sw_buf_adds(out, ".El\n");
}

static void put_keys(struct sw_buf *out)
{
    sw_buf_adds(
        out, ".Sh KEYS\nEvery action can also be typed by its name behind\n.Sq \\&: .\n.Bl -tag -width \"ctrl-rXX\"\n");
    for (size_t i = 0; i < sw_tui_action_count; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        sw_buf_adds(out, ".It ");
        if (a->keys[0] != '\0') {
            sw_buf_adds(out, "Li \"\\&");
            put_escaped(out, a->keys, strlen(a->keys));
            sw_buf_addc(out, '"');
        } else {
            sw_buf_addf(out, "Li \":%s\"", a->name);
        }
        sw_buf_addc(out, '\n');
        sw_mdoc_sentence(out, a->help);
    }
    sw_buf_adds(out, ".El\n");
}

static void put_json(struct sw_buf *out)
{
    sw_buf_adds(out, ".Sh JSON\nWith\n.Fl -json\n");
    sw_mdoc_text(
        out, "one document is printed on standard output. A list is an object with the members kind and items. Times "
             "are milliseconds since 1970 in UTC, unknown values are null, numbers that are not finite are the texts "
             "NaN, Infinity and -Infinity. Followed work prints one object a line, each with the members event and "
             "time_ms.");
    for (size_t i = 0; sw_json_kinds[i] != NULL; i++) {
        const struct sw_json_kind *k = sw_json_kinds[i];
        sw_buf_addf(out, ".Ss %s\n", k->name);
        sw_mdoc_sentence(out, k->help);
        if (k->list != NULL)
            sw_buf_addf(out, "Listed in %s.\n", k->list);
        sw_buf_adds(out, ".Bl -tag -width Ds -compact\n");
        for (size_t f = 0; f < k->field_count; f++) {
            sw_buf_addf(out, ".It Va %s\n", k->fields[f].name);
            sw_mdoc_sentence(out, k->fields[f].help);
        }
        sw_buf_adds(out, ".El\n");
    }
}

static void put_environment(struct sw_buf *out)
{
    sw_buf_adds(out, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < sw_config_key_count; i++) {
        char name[64];
        sw_config_env_name(sw_config_keys[i].name, name, sizeof name);
        sw_buf_addf(out, ".It Ev %s\n", name);
        sw_mdoc_sentence(out, sw_config_keys[i].help);
    }
    sw_buf_adds(
        out,
        ".It Ev NO_COLOR\nNo colour when it is set and not empty.\n"
        ".It Ev XDG_CONFIG_HOME , Ev XDG_DATA_HOME , Ev XDG_STATE_HOME\nWhere configuration, store and state live.\n"
        ".El\n.Pp\nA job finds in its environment:\n.Bl -tag -width Ds\n"
        ".It Ev SLIPWAY_JOB_ID , Ev SLIPWAY_RUN_ID , Ev MLFLOW_RUN_ID , Ev SLIPWAY_ATTEMPT\n"
        "Number of the job, id of its run, number of the attempt.\n"
        ".It Ev SLIPWAY_METRICS_FD\nDescriptor for JSON Lines with the members step, time_ms, metrics, params, tags\n"
        "and progress.\n"
        ".It Ev SLIPWAY_ARTIFACT_DIR\nFiles put here become artifacts of the run.\n"
        ".It Ev SLIPWAY_JOB_DIR\nA folder of the job that is kept from one attempt to the next.\n"
        ".It Ev RANK , Ev LOCAL_RANK , Ev WORLD_SIZE , Ev MASTER_ADDR , Ev MASTER_PORT\n"
        "As torchrun sets them.\n"
        ".El\n");
}

static void put_files(struct sw_buf *out)
{
    sw_buf_adds(out, ".Sh FILES\n.Bl -tag -width Ds\n"
                     ".It Pa $XDG_DATA_HOME/slipway/slipway.db\nThe tracker, an SQLite database.\n"
                     ".It Pa $XDG_DATA_HOME/slipway/artifacts\nFiles of runs and models.\n"
                     ".It Pa $XDG_DATA_HOME/slipway/jobs\nLogs and work folders of jobs.\n"
                     ".It Pa $XDG_CONFIG_HOME/slipway/config.yaml\nThe user's settings.\n"
                     ".It Pa $XDG_CONFIG_HOME/slipway/templates\nThe user's manifest templates.\n"
                     ".It Pa slipway.yaml\nSettings of a project, in its folder or one above.\n"
                     ".El\n.Pp\nThe settings are:\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < sw_config_key_count; i++) {
        const struct sw_option *o = &sw_config_keys[i];
        sw_buf_addf(out, ".It Cm %s\n", o->name);
        sw_mdoc_sentence(out, o->help);
        if (o->choices != NULL)
            sw_buf_addf(out, "One of %s.\n", o->choices);
        if (o->otherwise != NULL)
            sw_buf_addf(out, "The default is %s.\n", o->otherwise);
    }
    sw_buf_adds(out, ".El\n");
}

static void put_exit_status(struct sw_buf *out)
{
    sw_buf_adds(out, ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    bool seen[256] = {false};
    for (int c = 0; c < SW_CODE_COUNT; c++) {
        int exit_code = sw_code_exit((enum sw_code)c);
        if (seen[exit_code & 255]) // several reasons share a code; the first row is the general one
            continue;
        seen[exit_code & 255] = true;
        sw_buf_addf(out, ".It %d\n", exit_code);
        sw_mdoc_sentence(out, sw_code_sentence((enum sw_code)c));
    }
    sw_buf_adds(out, ".El\n");
}

void sw_generate_manual(struct sw_buf *out)
{
    sw_mdoc_head(out, "slipway", 1, "from data to training to an approved model in the cluster");
    sw_buf_adds(out, ".Sh SYNOPSIS\n.Nm\n.Op Ar options\n.Nm\n.Op Ar options\n.Ar command\n.Op Ar arguments\n"
                     ".Sh DESCRIPTION\n.Nm\n");
    sw_mdoc_text(out,
                 "browses data sets, launches and watches training on this machine, compares runs in a local tracker "
                 "and, once a model is approved, hands model and manifests over to a cluster. Started bare on a "
                 "terminal it opens its screens; with a command it does one thing.\n\n"
                 "Jobs outlive the terminal: each has a supervisor process of its own.\n\n"
                 "Objects are named by id, by the unique beginning of an id (4 characters or more) or by name. A model "
                 "is NAME for its newest version, NAME/3 for a certain one, or NAME@alias.");
    put_commands(out);
    sw_buf_adds(out, ".Sh OPTIONS\nThese may stand before or behind any command.\n");
    put_options(out, sw_global_options, sw_global_option_count);
    put_keys(out);
    put_json(out);
    put_environment(out);
    put_files(out);
    put_exit_status(out);
    sw_buf_adds(out, ".Sh EXAMPLES\nThe whole path:\n.Bd -literal -offset indent\n"
                     "slipway data add /usr/share/datasets/fashion-mnist --name fashion\n"
                     "slipway train cnn --data fashion --ranks 2 --name cnn-a --wait\n"
                     "slipway compare cnn-a mlp-a --metric accuracy\n"
                     "slipway model register fashion-cnn --run cnn-a\n"
                     "slipway model evaluate fashion-cnn --data fashion --split test\n"
                     "slipway model approve fashion-cnn --policy release.yaml\n"
                     "slipway push fashion-cnn --to bundle:/srv/handoff --template kserve-inferenceservice\n"
                     ".Ed\n.Sh SEE ALSO\n.Xr slipway-train 1 ,\n.Xr ssh-keygen 1 ,\n.Xr slipway-api 7\n");
}

void sw_generate_trainer_manual(struct sw_buf *out)
{
    sw_mdoc_head(out, "slipway-train", 1, "train and evaluate small nets");
    sw_buf_adds(out,
                ".Sh SYNOPSIS\n.Nm\n.Ar net\n.Fl -data Ar path\n.Op Ar options\n.Nm\n.Cm evaluate\n.Ar model.onnx\n"
                ".Fl -data Ar path\n.Op Fl -split Ar name\n.Op Fl -target Ar column\n.Nm\n.Cm predict\n.Ar model.onnx\n"
                ".Sh DESCRIPTION\n.Nm\nis the trainer built into\n.Xr slipway 1 ,\n");
    sw_mdoc_text(out,
                 "which starts one process for each rank; it also runs alone. Metrics go to the descriptor named in "
                 "SLIPWAY_METRICS_FD. It checkpoints, resumes, and exports the net as ONNX.\n\n"
                 "The command evaluate runs an exported net on a data set and prints its figures as JSON. The command "
                 "predict reads raw 32-bit floats from standard input, a row of features after the other, and writes "
                 "the probabilities of the classes in the same form.");
    sw_buf_adds(out, ".Sh OPTIONS\nOf training:\n");
    put_options(out, sw_train_options, sw_train_option_count);
    sw_buf_adds(out,
                ".Sh EXIT STATUS\n.Bl -tag -width Ds\n.It 0\nSuccess.\n.It 1\nFailure; the message says why.\n.It 2\n"
                "An option is unknown or of the wrong type.\n.It 75\nCheckpointed on request: start it again to go "
                "on.\n.It 86\nThe loss is no longer a finite number.\n.El\n.Sh SEE ALSO\n.Xr slipway 1\n");
}
