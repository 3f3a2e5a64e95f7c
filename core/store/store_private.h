// SPDX-License-Identifier: Apache-2.0
// What the files of core/store share: the connection, the one way to run a statement, and the steps that make several
// statements atomic. Nothing outside this folder includes it.
//
// A statement is a row of statements_private.h; it is prepared once per connection and run with typed values:
//     sw_sql_run(s, SQL_RUN_SET_DELETED, SW_VALUES(sw_int(run_key), sw_int(true)), err)
#ifndef SW_STORE_STORE_PRIVATE_H
#define SW_STORE_STORE_PRIVATE_H

#include <sqlite3.h>

#include "core/store/statements_private.h"
#include "core/store/store.h"

#define SQL_ENUM(name, text) SQL_##name,
enum sw_sql { SW_SQL_TABLE(SQL_ENUM) SQL_COUNT };
#undef SQL_ENUM

struct sw_store {
    sqlite3 *db;
    char *dir;
    bool read_only;
    bool in_transaction;                 // a write transaction of this program is open
    enum sw_store_durability durability; // what PRAGMA synchronous is set to
    int64_t busy_limit_ms;               // how long a lock is waited for
    int64_t busy_since_ms;               // when the present wait began
    int64_t few_runs;                    // as many are sorted without a plan (search.c); tests make it small
    sqlite3_stmt *statements[SQL_COUNT]; // prepared at first use
};

// --- values ---
struct sw_value {
    enum { SW_VALUE_NULL, SW_VALUE_INT, SW_VALUE_REAL, SW_VALUE_TEXT } type;
    union {
        int64_t integer;
        double real;
        const char *text; // borrowed until the statement is reset
    };
};
static inline struct sw_value sw_int(int64_t v)
{
    return (struct sw_value){.type = SW_VALUE_INT, .integer = v};
}
static inline struct sw_value sw_int_or_null(int64_t v) // 0 = NULL
{
    return (struct sw_value){.type = v != 0 ? SW_VALUE_INT : SW_VALUE_NULL, .integer = v};
}
static inline struct sw_value sw_real(double v) // NaN = NULL, as SQLite has it
{
    return (struct sw_value){.type = v == v ? SW_VALUE_REAL : SW_VALUE_NULL, .real = v};
}
static inline struct sw_value sw_text(const char *v) // NULL = NULL
{
    return (struct sw_value){.type = v != NULL ? SW_VALUE_TEXT : SW_VALUE_NULL, .text = v};
}
#define SW_VALUES(...)                                                                                                 \
    (const struct sw_value[]){__VA_ARGS__}, sizeof((const struct sw_value[]){__VA_ARGS__}) / sizeof(struct sw_value)
#define SW_NO_VALUES NULL, (size_t)0

// --- statements ---
// The cached statement of a row, without its values; borrow. Values given earlier stay until bound again.
enum sw_code sw_sql_prepare(struct sw_store *s, enum sw_sql id, sqlite3_stmt **out, struct sw_err *err);
enum sw_code sw_sql_bind(struct sw_store *s, sqlite3_stmt *st, const struct sw_value *values, size_t count,
                         struct sw_err *err);
// Prepares and binds: ready for sw_sql_next().
enum sw_code sw_sql_open(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                         sqlite3_stmt **out, struct sw_err *err);
// *has_row tells whether a row is there. At the end and on failure the statement is reset; a caller that stops
// before the end calls sqlite3_reset() itself.
enum sw_code sw_sql_next(struct sw_store *s, sqlite3_stmt *st, bool *has_row, struct sw_err *err);
// Runs to the end; rows are dropped.
enum sw_code sw_sql_run(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                        struct sw_err *err);
// First column of the first row, `otherwise` when there is no row or it is NULL.
enum sw_code sw_sql_int(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                        int64_t otherwise, int64_t *out, struct sw_err *err);
// Text without values or rows (schema, pragmas).
enum sw_code sw_sql_text(struct sw_store *s, const char *text, struct sw_err *err);
// SW_OK, or the failure that a fault test asks for at this place.
enum sw_code sw_sql_failpoint(const struct sw_store *s, const char *name, struct sw_err *err);
// Turns a result of SQLite into an error that names the store; `doing` says what was tried.
enum sw_code sw_sql_error(struct sw_store *s, int rc, const char *doing, struct sw_err *err);

// --- rows into an arena ---
// Column text is copied into the arena. `failed` is set when memory ran out, so a row needs one check at its end.
struct sw_reader {
    sqlite3_stmt *st;
    struct sw_arena *arena;
    bool failed;
};
const char *sw_column_text(struct sw_reader *r, int column);                        // NULL becomes ""
double sw_column_real(const struct sw_reader *r, int column);                       // NULL becomes NaN
int64_t sw_column_int(const struct sw_reader *r, int column);                       // NULL becomes 0
void sw_column_copy(const struct sw_reader *r, int column, char *dst, size_t size); // cut to fit
// A growing array in an arena. Push returns a zeroed element, NULL when the arena is full.
struct sw_rows {
    void *items;
    size_t count, cap;
};
void *sw_rows_push(struct sw_rows *v, struct sw_arena *a, size_t item_size);
enum sw_code sw_rows_full(struct sw_err *err); // the error of a reader or array that ran out of memory
// Fills one zeroed item from the reader's present row.
typedef void (*sw_row_read)(struct sw_reader *r, void *item);
// All rows of a statement as items of `item_size` bytes, appended to `rows`.
enum sw_code sw_sql_list(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                         struct sw_arena *a, size_t item_size, sw_row_read read, struct sw_rows *rows,
                         struct sw_err *err);
// The first row; *found is false when there is none, and `item` is as it was.
enum sw_code sw_sql_get(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                        struct sw_arena *a, sw_row_read read, void *item, bool *found, struct sw_err *err);

// --- steps: several statements that hold together ---
// Opens a write transaction, or a savepoint when one is open already. A step that needs FULL inside a NORMAL
// transaction is refused.
struct sw_step {
    bool is_outer;
};
enum sw_code sw_step_begin(struct sw_store *s, enum sw_store_durability d, struct sw_step *step, struct sw_err *err);
// Commits when `code` is SW_OK, else undoes the step and returns `code` with `err` as it is.
enum sw_code sw_step_end(struct sw_store *s, const struct sw_step *step, enum sw_code code, struct sw_err *err);
// One view of the store for several reads.
enum sw_code sw_snapshot_begin(struct sw_store *s, struct sw_step *step, struct sw_err *err);
enum sw_code sw_snapshot_end(struct sw_store *s, const struct sw_step *step, enum sw_code code);

// --- names ---
// A word of at most `max_bytes` valid UTF-8 without control characters; `what` names it in the error.
enum sw_code sw_name_check(const char *what, const char *text, size_t max_bytes, struct sw_err *err);
// Any valid UTF-8 text of at most `max_bytes`.
enum sw_code sw_text_check(const char *what, const char *text, size_t max_bytes, struct sw_err *err);
// Splits "NAME/VERSION" or "NAME@WORD". `name` has `size` bytes; *version is 0 and *word NULL when not given.
enum sw_code sw_spec_split(const char *what, const char *spec, char *name, size_t size, int64_t *version,
                           const char **word, struct sw_err *err);

// The number that other tables use for a run. SW_NOT_FOUND.
enum sw_code sw_run_key(struct sw_store *s, const char *run_id, int64_t *run_key, struct sw_err *err);

#endif
