// SPDX-License-Identifier: Apache-2.0
// Typed options as data. One description serves command-line parsing, trainer options, template parameters, TUI
// forms, `--help`, the manual and completions. Values are kept as text until asked for, checked when set.
#ifndef SW_BASE_OPTION_H
#define SW_BASE_OPTION_H

#include <stdint.h>

#include "core/base/arena.h"

enum sw_option_type {
    SW_OPTION_FLAG,     // true, false, yes, no, 1 or 0; on the command line given without a value
    SW_OPTION_INT,      // decimal, within [min, max] when min < max
    SW_OPTION_REAL,     // within [min, max] when min < max
    SW_OPTION_TEXT,     // any UTF-8 without control characters
    SW_OPTION_CHOICE,   // one of `choices`
    SW_OPTION_PATH,     // a file or folder
    SW_OPTION_NAME,     // DNS-1123 label: lower case letters, digits and '-', at most 63
    SW_OPTION_IMAGE,    // container image reference
    SW_OPTION_QUANTITY, // Kubernetes quantity: "500m", "2Gi"
    SW_OPTION_DURATION, // "90s", "15m", "1h30m", "250ms", "2d"; plain number = seconds; [min, max] in seconds
    SW_OPTION_DATASET,  // name of a registered data set, or a path
    SW_OPTION_RUN,      // run id, prefix or name
    SW_OPTION_JOB,      // job id
    SW_OPTION_MODEL,    // NAME, NAME@alias or NAME/3
    SW_OPTION_TARGET,   // target name or address
};

struct sw_option {
    const char *name; // long name without "--"
    char letter;      // short letter, 0 = none
    enum sw_option_type type;
    const char *value;     // metavariable in help: "N", "DIR"; NULL = the type's word
    const char *otherwise; // default as text; NULL = unset
    double min, max;       // both 0 = no range
    const char *choices;   // "sgd|adamw"; NULL otherwise
    const char *help;      // one sentence, lower case, no full stop
    bool required;
    bool repeat;      // may be given several times
    const char *from; // where a default comes from at run time ("model.digest"), NULL otherwise
};

// Checks `value` against `o`. SW_USAGE names the option, its type and its range.
enum sw_code sw_option_check(const struct sw_option *o, const char *value, struct sw_err *err);
const char *sw_option_type_word(enum sw_option_type type); // "integer", "number", ...; borrow, static
const struct sw_option *sw_option_find(const struct sw_option *table, size_t count, const char *name);

// Parsed values of one table plus the positional arguments. All strings are borrowed from argv or the table, or copied
// into the set's arena.
struct sw_option_set;
enum sw_code sw_option_set_new(const struct sw_option *table, size_t count, struct sw_option_set **out,
                               struct sw_err *err);
void sw_option_set_free(struct sw_option_set *s);
enum sw_code sw_option_set_put(struct sw_option_set *s, const char *name, const char *value, struct sw_err *err);
// Parses argv[0..argc): "--name value", "--name=value", "-l value", "-lvalue", flags, "--no-name" for flags, "--" ends
// options. Unknown options give SW_USAGE with the nearest name. With `stop_at_word` the first positional argument
// ends parsing and it and all after it become positional (for `run ... CMD args`).
enum sw_code sw_option_parse(struct sw_option_set *s, int argc, char *const *argv, bool stop_at_word,
                             struct sw_err *err);
// All required options set? SW_USAGE names the first that is not.
enum sw_code sw_option_check_required(const struct sw_option_set *s, struct sw_err *err);

// The value, else the default, else NULL / `otherwise`. The name must be in the table.
const char *sw_option_text(const struct sw_option_set *s, const char *name);
int64_t sw_option_int(const struct sw_option_set *s, const char *name, int64_t otherwise);
double sw_option_real(const struct sw_option_set *s, const char *name, double otherwise);
bool sw_option_flag(const struct sw_option_set *s, const char *name);
int64_t sw_option_duration_ms(const struct sw_option_set *s, const char *name, int64_t otherwise);
bool sw_option_is_set(const struct sw_option_set *s, const char *name); // given, not defaulted
size_t sw_option_repeat(const struct sw_option_set *s, const char *name, const char *const **values /* borrow */);
size_t sw_option_args(const struct sw_option_set *s, const char *const **args /* borrow */); // positional

#endif
