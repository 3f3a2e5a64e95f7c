// SPDX-License-Identifier: Apache-2.0
// A command: one descriptor that drives parsing, help, the manual and completions. Descriptors stand beside their code in
// app/cmd_*.c, commands.c lists them; dispatch.c finds one, parses its options, opens what it needs and reports how it
// ended. To add a command: write a descriptor and its run function, name it in cmd.h and commands.c, run `make docs`.
#ifndef SW_APP_COMMAND_H
#define SW_APP_COMMAND_H

#include "app/config.h"
#include "app/output.h"
#include "core/base/option.h"
#include "core/store/store.h"

// What must be there before the command runs, each including the ones before it.
enum sw_command_needs {
    SW_NEEDS_NOTHING,
    SW_NEEDS_CONFIG,     // app->config
    SW_NEEDS_STORE_READ, // app->store, which must exist (exit 10); read-only where the folder cannot be written
    SW_NEEDS_STORE,      // app->store, which must exist
    SW_NEEDS_NEW_STORE,  // app->store, made when missing
};

enum {
    SW_COMMAND_HIDDEN = 1,        // not in help, manual or completions
    SW_COMMAND_STOPS_AT_WORD = 2, // options end at the first argument: `run python train.py --lr 1`
};

struct sw_command;

// State of one invocation. Lives in main's frame; commands borrow everything.
struct sw_app {
    const struct sw_command *command;
    struct sw_option_set *options; // the command's and the global ones
    const char *const *args;       // positional
    size_t arg_count;
    struct sw_output out;
    struct sw_config *config;
    struct sw_store *store;
    struct sw_arena *arena;      // freed after the command; there when needs is more than SW_NEEDS_NOTHING
    char store_dir[SW_PATH_MAX]; // "" until a store was asked for
};

struct sw_command {
    const char *verb;       // one or two words: "runs", "model approve"
    const char *summary;    // one line, lower case, no full stop
    const char *arguments;  // as in the usage line: "RUN..."; "" = none
    int min_args, max_args; // max -1 = any number
    const char *takes;      // what completes an argument: a kind of completion-names, or words "bash|zsh|fish"; NULL
    const struct sw_option *options;
    size_t option_count;
    const struct sw_option *(*more_options)(size_t *count); // a further table owned by another part; NULL
    const char *description;                                // paragraphs separated by a blank line
    const char *examples;                                   // lines "COMMAND LINE\tWhat it does"
    const char *kinds;                                      // JSON kinds it prints, space-separated; "" = none
    enum sw_command_needs needs;
    unsigned flags;
    enum sw_code (*run)(struct sw_app *app, struct sw_err *err);
};

// Every command, in the order of the manual.
extern const struct sw_command *const sw_commands[];
extern const size_t sw_command_count;
// A word before two-word verbs, with its summary: "model".
struct sw_command_group {
    const char *name;
    const char *summary;
};
extern const struct sw_command_group sw_command_groups[];
extern const size_t sw_command_group_count;
extern const struct sw_option sw_global_options[];
extern const size_t sw_global_option_count;

// The row for the first one or two of `words`; *used says how many were the verb. SW_USAGE offers the nearest.
enum sw_code sw_command_find(const char *const *words, size_t count, const struct sw_command **out, size_t *used,
                             struct sw_err *err);
// The command's own options, those of more_options() behind them. Take (free()); NULL when out of memory or none.
struct sw_option *sw_command_options(const struct sw_command *c, size_t *count);

// Help as `--help` prints it. `group` NULL = everything.
void sw_help_command(struct sw_output *o, const struct sw_command *c);
void sw_help_all(struct sw_output *o, const char *group);

// The values to read setting `name` from: the command line when it was given there, else the configuration.
const struct sw_option_set *sw_app_values(const struct sw_app *app, const char *name);
const char *sw_app_setting(const struct sw_app *app, const char *name); // as text; NULL = unset
// Where the store is: --store, SLIPWAY_STORE, configuration, the data folder. Does not open it.
enum sw_code sw_app_find_store(struct sw_app *app, struct sw_err *err);
enum sw_code sw_app_open_store(struct sw_app *app, enum sw_command_needs needs, struct sw_err *err);

// The whole program: returns the exit code.
int sw_app_main(int argc, char **argv);

#endif
