// SPDX-License-Identifier: Apache-2.0
// What a command shows: text with roles instead of colours, tables fitted to the terminal, JSON documents, questions.
// Results go to stdout, messages to stderr. A reader that closes the pipe early ends output silently; it is no error.
// Colour only on a terminal, never with NO_COLOR, TERM=dumb or --no-color.
#ifndef SW_APP_OUTPUT_H
#define SW_APP_OUTPUT_H

#include <jansson.h>
#include <stdint.h>

#include "core/base/buf.h"

enum sw_role { SW_ROLE_PLAIN, SW_ROLE_TITLE, SW_ROLE_GOOD, SW_ROLE_WARN, SW_ROLE_BAD, SW_ROLE_DIM, SW_ROLE_ACCENT };

// Invariant: bytes in `pending` were not written yet; after `is_closed` everything is dropped.
struct sw_output {
    struct sw_buf pending;
    bool is_json, is_quiet, is_verbose, assume_yes;
    bool has_color;   // for stdout
    bool is_terminal; // stdout is one
    bool is_utf8;     // the locale can show more than ASCII
    bool is_closed;   // the reader went away
    int columns;      // of the terminal; 0 = unlimited (a pipe or file)
};

enum sw_color_choice { SW_COLOR_AUTO, SW_COLOR_ALWAYS, SW_COLOR_NEVER };
void sw_output_init(struct sw_output *o);
void sw_output_set_color(struct sw_output *o, enum sw_color_choice choice);
void sw_output_free(struct sw_output *o);
enum sw_code sw_output_flush(struct sw_output *o, struct sw_err *err);

// Text of our own; `format` arguments that come from outside must have passed sw_text_safe() or use sw_output_safe().
void sw_output_text(struct sw_output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sw_output_safe(struct sw_output *o, const char *foreign, unsigned text_flags);
void sw_output_role(struct sw_output *o, enum sw_role role); // SW_ROLE_PLAIN ends the one before
// "label:   value", one line; a NULL or empty value shows as '-'.
void sw_output_pair(struct sw_output *o, const char *label, const char *foreign);
void sw_output_pairf(struct sw_output *o, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// One JSON document and a newline. Takes `document`; NULL (out of memory while it was built) is SW_NO_MEMORY.
enum sw_code sw_output_json(struct sw_output *o, json_t *document, struct sw_err *err);
// As above on one line, flushed: an event of followed work.
enum sw_code sw_output_json_line(struct sw_output *o, json_t *document, struct sw_err *err);

// A message to stderr, unless --quiet; what was pending for stdout is written first. Arguments are made safe as a whole.
void sw_output_note(struct sw_output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
// The same only with --verbose.
void sw_output_detail(struct sw_output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
// "slipway: message" and "hint: ..." on stderr, or the JSON document of kind Error.
void sw_output_error(struct sw_output *o, const struct sw_err *err);
// Asks on the terminal. SW_OK on "y"; SW_CANCELLED on anything else; SW_USAGE when nobody can be asked and --yes was
// not given.
enum sw_code sw_output_confirm(struct sw_output *o, struct sw_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// --- tables ---
enum { SW_COLUMN_RIGHT = 1, SW_COLUMN_SHRINKS = 2 }; // SHRINKS: may be cut when the terminal is too narrow

struct sw_table_column {
    const char *title;
    unsigned flags;
};

struct sw_table;
// `columns` is copied, their titles are made safe. NULL when out of memory (the functions below accept that).
struct sw_table *sw_table_new(const struct sw_table_column *columns, size_t count);
void sw_table_free(struct sw_table *t);
// The next cell in reading order; a row is full after `count` cells. NULL or "" shows as '-'.
void sw_table_cell(struct sw_table *t, const char *foreign);
void sw_table_cellf(struct sw_table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sw_table_real(struct sw_table *t, double value, bool is_known);
void sw_table_role(struct sw_table *t, enum sw_role role); // of the last cell
size_t sw_table_rows(const struct sw_table *t);
// Prints title line and rows, and frees the table. SW_NO_MEMORY when a cell could not be kept.
enum sw_code sw_table_print(struct sw_table *t, struct sw_output *o, struct sw_err *err);

#endif
