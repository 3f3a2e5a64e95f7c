// SPDX-License-Identifier: Apache-2.0
// What the screens ask for and what they get: the one seam between tui/ and everything else. app/ fills the table of
// functions; tui/ knows no domain struct, only lists, details, forms and actions named by words.
//
// Rules for every function of the table
// - It runs on a worker thread, may block, and may run at the same time as any other (several workers): `ctx` must be
//   thread-safe. It polls sw_task_cancelled(task) where it can take long and then returns SW_CANCELLED.
// - The result is an immutable snapshot. All its memory comes from arena `a`, which tui/ made and frees; nothing may
//   point to memory that can change or go away before the arena does (string literals and static tables are fine).
// - `out` comes zeroed. NULL text reads as "". Strings may hold foreign text: tui/ makes every string safe when painting.
// - On failure it fills `err`; the screen keeps the old snapshot and shows message and hint.
// - Queries are borrowed for the length of the call.
#ifndef SW_TUI_BACKEND_H
#define SW_TUI_BACKEND_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/option.h"
#include "core/base/pool.h"

// What a piece of text means; themes turn meanings into colours. Status is never by colour alone: say the word too.
enum sw_tui_role {
    SW_TUI_NORMAL,
    SW_TUI_DIM,     // of less interest: ended long ago, deleted, "=" in a comparison
    SW_TUI_STRONG,  // names, headings inside content
    SW_TUI_OK,      // done, approved, passed
    SW_TUI_LIVE,    // running
    SW_TUI_WAITING, // queued, waiting for approval
    SW_TUI_WARN,
    SW_TUI_ERROR,  // failed, refused
    SW_TUI_DANGER, // production
    SW_TUI_BEST,   // extreme of a compared metric, in the wanted direction
    SW_TUI_WORST,
    SW_TUI_DIFFERS, // value that differs from the base
    SW_TUI_CONTENT_ROLES
};

// The lists there are. Row ids are the backend's own and opaque to tui/: stable while the object lives, without control
// characters, at most 1023 bytes, good for `slipway` commands where such a command exists (`c` copies them).
enum sw_tui_list {
    SW_TUI_LIST_DATASETS,  // screen 1; one row for each openable thing (data set, or data set and split)
    SW_TUI_LIST_ROWS,      // rows of the data set `parent`; row id = row number in the file, whatever sort and filter
    SW_TUI_LIST_JOBS,      // screen 2; the queue, live jobs first
    SW_TUI_LIST_RUNS,      // screen 3; metric columns; filter = the run search grammar
    SW_TUI_LIST_MODELS,    // screen 4; model versions, "NAME/3"
    SW_TUI_LIST_TARGETS,   // screen 5
    SW_TUI_LIST_PUSHES,    // pushes to the target `parent` ("" = all), newest first
    SW_TUI_LIST_GPUS,      // screen 6; telemetry, one row a GPU; empty with `empty` = why there are none
    SW_TUI_LIST_AUDIT,     // the store's audit log, newest first
    SW_TUI_LIST_ARTIFACTS, // files of the run `parent` as a tree; row id = path; the detail is a preview
    SW_TUI_LIST_COUNT
};

// --- lists ---

enum sw_tui_align { SW_TUI_LEFT, SW_TUI_RIGHT };

struct sw_tui_column {
    const char *key; // given back as sort key; NULL = cannot be sorted by
    const char *title;
    const char *summary; // second header line, e.g. "2% null  WN 31%"; NULL in all columns = no such line
    int width;           // wanted columns, 1..60; the list shrinks, cuts and scrolls as needed
    int priority;        // 0 = always shown; columns of a higher number go first when space is short
    enum sw_tui_align align;
};

struct sw_tui_cell {
    const char *text; // NULL = unknown, shown as "-"
    enum sw_tui_role role;
};

// Rows of a tree come in the order they are shown in; those below a folded row are left out.
enum sw_tui_fold { SW_TUI_LEAF, SW_TUI_FOLDED, SW_TUI_UNFOLDED };

struct sw_tui_row {
    const char *id;
    enum sw_tui_fold fold;
    int depth;                       // of a tree: the first cell is moved right by it
    enum sw_tui_role role;           // of the whole row where a cell says SW_TUI_NORMAL
    const struct sw_tui_cell *cells; // column_count of them
};

struct sw_tui_query {
    enum sw_tui_list list;
    const char *parent; // id of the row that was opened to get here, "" at the top
    const char *filter; // as typed, "" = all; a malformed filter is SW_INVALID or SW_USAGE with a message that teaches
    const char *sort_key; // a column's key, "" = natural order
    bool sort_descending;
    int64_t offset; // window of rows wanted; count <= 512
    int64_t count;
    const char *find_id;         // "" or a row whose index in this order is wanted
    const char *const *unfolded; // of a tree: ids of the rows whose children are wanted
    size_t unfolded_count;
};

struct sw_tui_table {
    const struct sw_tui_column *columns;
    size_t column_count;           // at most 256
    bool is_tree;                  // rows fold
    const struct sw_tui_row *rows; // rows [offset, offset + row_count) of the order asked for
    size_t row_count;
    int64_t offset;
    int64_t total;      // matches; 0 = empty
    int64_t find_index; // index of find_id when `has_find`
    bool has_find;
    const char *title; // "24 runs", "3,000,000 rows × 12": NULL = made from `total`
    const char *place; // right part of the frame: "read 1.1 of 96 MB"; NULL = nothing
    const char *empty; // lines shown when total is 0: what would be here; the next key is added by tui/
    int64_t as_of_ms;  // when remote or sampled data was taken; 0 = now
};

// --- detail of one row, or a comparison of several ---

struct sw_tui_pair {
    const char *key;
    const char *value; // NULL = "-"
    enum sw_tui_role role;
};

// What the points from first_x to last_x span; NaN in min/max/last = gap.
struct sw_tui_bucket {
    double first_x, last_x;
    double min, max, last;
};
struct sw_tui_series {
    const char *name;
    const struct sw_tui_bucket *buckets; // ascending x
    size_t bucket_count;
};
struct sw_tui_chart {
    const char *x_label; // "step"
    const struct sw_tui_series *series;
    size_t series_count; // at most 100; names are shown for as many as fit
};

struct sw_tui_image {
    int width, height;     // 1..4096
    int channels;          // 1 = grey, 3 = RGB
    const uint8_t *pixels; // height x width x channels, row by row
};

// Side by side values: one column for each compared object (the base first), one line for each key.
struct sw_tui_compare_line {
    const char *key;
    bool differs;                    // among the columns; `n` jumps from one to the next
    const struct sw_tui_cell *cells; // column_count; equal to the base: text "=" with SW_TUI_DIM
};
struct sw_tui_compare {
    const char *const *columns;
    size_t column_count;
    const struct sw_tui_compare_line *lines;
    size_t line_count;
};

// A line of a verdict or of a push: mark, what was checked or done, what came out.
enum sw_tui_check_state {
    SW_TUI_CHECK_PASS,
    SW_TUI_CHECK_FAIL,
    SW_TUI_CHECK_WAIT,
    SW_TUI_CHECK_NOW,
    SW_TUI_CHECK_SKIP
};
struct sw_tui_check {
    enum sw_tui_check_state state;
    const char *name; // "accuracy >= 0.90 on fashion-test"
    const char *text; // "0.9214"
};

// Lines of a file, numbered and cut at the edge; Left and Right show the rest of them.
struct sw_tui_lines {
    const char *text; // "\n" ends a line
    size_t len;
    size_t line_count;
};

// The first rows of a table; Left and Right move by a column.
struct sw_tui_sheet {
    const struct sw_tui_column *columns; // `title`, `summary` and `align` matter
    size_t column_count;
    const struct sw_tui_row *rows;
    size_t row_count;
};

// Says that there is a log that log_read() serves.
struct sw_tui_log_source {
    const char *id; // given back to log_read()
    int ranks;      // >= 1; more than one offers a choice of rank
    bool is_live;   // may still grow
};

enum sw_tui_section_kind {
    SW_TUI_PAIRS,
    SW_TUI_TEXT,
    SW_TUI_CHART,
    SW_TUI_IMAGE,
    SW_TUI_COMPARE,
    SW_TUI_CHECKS,
    SW_TUI_LOG,
    SW_TUI_LINES,
    SW_TUI_SHEET,
};
struct sw_tui_section {
    enum sw_tui_section_kind kind;
    const char *title; // of a chart: the metric's name
    union {
        struct {
            const struct sw_tui_pair *items;
            size_t count;
        } pairs;
        const char *text; // wrapped; "\n" starts a line
        struct sw_tui_chart chart;
        struct sw_tui_image image;
        struct sw_tui_compare compare;
        struct {
            const struct sw_tui_check *items;
            size_t count;
        } checks;
        struct sw_tui_log_source log;
        struct sw_tui_lines lines;
        struct sw_tui_sheet sheet;
    };
};

struct sw_tui_detail_query {
    enum sw_tui_list list;
    const char *parent;
    const char *const *ids; // one, or the marked rows (a comparison: charts overlaid, differences as SW_TUI_COMPARE)
    size_t id_count;
    const char *base_id; // base of the comparison, "" = the first
    int columns;         // width of a chart in terminal columns: more than about 8 buckets each are wasted
};

struct sw_tui_detail {
    const char *title;                     // "cnn-b · running"
    const char *command;                   // the command line that made it or shows it; `c` copies it; NULL = none
    bool is_production;                    // frame, word and colour say so
    const struct sw_tui_section *sections; // charts and the log may stand anywhere: the Train screen finds them
    size_t section_count;
    int64_t as_of_ms; // as in sw_tui_table
};

// --- health strip ---

struct sw_tui_gpu {
    int index;
    double util_percent, temp_c; // NaN = unknown
    double used_mib, total_mib;  // NaN = unknown
    bool is_leased;              // a job of ours runs on it
};
struct sw_tui_status {
    const struct sw_tui_gpu *gpus;
    size_t gpu_count;
    const char *gpu_reason; // why there is none: "no GPU: libcuda.so.1 not found"
    double cpu_percent;     // of the host since the last call, NaN = unknown
    int64_t jobs_running, jobs_waiting;
    const char *serve; // the tracking server of this store: "serve :5000"; NULL = none runs
    int64_t event_id;  // grows; a new number makes `event` the message line ("job 41 (cnn-b) done: accuracy 0.92")
    const char *event;
    enum sw_tui_role event_role;
};

// --- logs ---

struct sw_tui_log_query {
    const char *id;   // of a sw_tui_log_source
    int rank;         // from 0
    int64_t offset;   // byte to start at; -1 = so that the last `max_bytes` come
    size_t max_bytes; // <= 256 KiB
};
// The bytes from `offset` on: max_bytes of them unless the log ends before. `offset` may come back larger than asked for,
// after rotation or to begin at a line; offsets count from the log's first byte ever.
struct sw_tui_log_part {
    const char *text;
    size_t len;
    int64_t offset; // of text[0]
    int64_t end;    // of the log now; offset + len < end = there is more
    bool is_live;
};

// --- forms and actions ---

struct sw_tui_value {
    const char *name; // of the option
    const char *value;
};

// What an action is about. `ids`: the marked rows, else the selected row, none when the list is empty. Actions that need
// no row get them too: "launch" on a data set proposes that data set, on a job or run the same options again.
// Action "undo" comes only through act(), with the outcome's token as its one id.
struct sw_tui_action_query {
    const char *action; // name in the action table (tui/action.h)
    enum sw_tui_list list;
    const char *parent;
    const char *const *ids;
    size_t id_count;
    const struct sw_tui_value *values; // form values that are set; all NULL when a form is opened
    size_t value_count;
};

struct sw_tui_field {
    const struct sw_option *option; // type, range, choices, help; lives as long as the arena
    const char *value;              // to show; NULL = the option's default
    const char *const *suggestions; // existing names to choose from with left/right; may be empty
    size_t suggestion_count;
};

struct sw_tui_form {
    const char *title;
    const struct sw_tui_field *fields; // may be none: then the form is preview and confirmation only
    size_t field_count;
    const char *preview_title;         // "will be queued", "will be written"
    const char *preview;               // several lines; the exact command, the files, the manifest's difference
    const char *command;               // same deed on the command line; `c` copies it; NULL = none
    const struct sw_tui_check *checks; // policy verdict; may be none
    size_t check_count;
    const char *blocked;      // why it cannot be submitted now; NULL = it can
    const char *confirm_word; // must be typed before submit (name of a production target); NULL = not asked
};

struct sw_tui_outcome {
    const char *message; // what happened, one sentence
    enum sw_tui_role role;
    const char *command;        // same deed on the command line, for the action log; NULL = none
    const char *undo;           // token for action "undo" (as ids[0]); NULL = cannot be undone
    const char *undo_reason;    // when undo is NULL: "pushed", shown by `u`; NULL = nothing to say
    const char *open_id;        // row to go to next, NULL = stay
    enum sw_tui_list open_list; // its list
    const char *open_parent;
};

// --- the table ---

struct sw_tui_backend {
    // A window of rows. Must cost what the window costs, not what the list holds, wherever the source allows.
    enum sw_code (*load_list)(void *ctx, const struct sw_tui_query *q, const struct sw_task *task, struct sw_arena *a,
                              struct sw_tui_table *out, struct sw_err *err);
    enum sw_code (*load_detail)(void *ctx, const struct sw_tui_detail_query *q, const struct sw_task *task,
                                struct sw_arena *a, struct sw_tui_detail *out, struct sw_err *err);
    // The object as it is stored: JSON text, for `y`.
    enum sw_code (*load_raw)(void *ctx, enum sw_tui_list list, const char *parent, const char *id,
                             const struct sw_task *task, struct sw_arena *a, const char **out, struct sw_err *err);
    // Asked for about once a second.
    enum sw_code (*load_status)(void *ctx, const struct sw_task *task, struct sw_arena *a, struct sw_tui_status *out,
                                struct sw_err *err);
    // A number that differs when lists or details may have changed (PRAGMA data_version will do); asked for about every
    // 250 ms, so cheap.
    enum sw_code (*change_count)(void *ctx, int64_t *out, struct sw_err *err);
    enum sw_code (*log_read)(void *ctx, const struct sw_tui_log_query *q, const struct sw_task *task,
                             struct sw_arena *a, struct sw_tui_log_part *out, struct sw_err *err);
    // The form of an action: without values when it opens, then with the values typed so far after each change, for the
    // preview, the verdict, and fields that depend on others. Has no effect. Values are only checked by their options:
    // say in `blocked` what else is wrong. SW_UNSUPPORTED, SW_INVALID... = the form does not open, the message says why.
    enum sw_code (*load_form)(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task,
                              struct sw_arena *a, struct sw_tui_form *out, struct sw_err *err);
    // Does it. Not cancelled by the user interface once begun, except at exit.
    enum sw_code (*act)(void *ctx, const struct sw_tui_action_query *q, const struct sw_task *task, struct sw_arena *a,
                        struct sw_tui_outcome *out, struct sw_err *err);
};

#endif
