// SPDX-License-Identifier: Apache-2.0
// Running statements: the cache, values, rows into arenas, SQLite's results as errors, and atomic steps.
#include "core/store/store_private.h"

#include "core/base/failpoint.h"
#include "core/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SQL_TEXT(name, text) [SQL_##name] = (text),
static const char *const sql_texts[SQL_COUNT] = {SW_SQL_TABLE(SQL_TEXT)};

struct result_row {
    int primary; // SQLite's primary result code
    enum sw_code code;
    const char *message;
    const char *hint;
};

static const struct result_row result_rows[] = {
    {SQLITE_BUSY, SW_LOCKED, "is locked by another process", "wait for the other slipway to finish, or end it"},
    {SQLITE_LOCKED, SW_LOCKED, "is locked by another process", "wait for the other slipway to finish, or end it"},
    {SQLITE_FULL, SW_NO_SPACE, "cannot grow: the disk or quota is full",
     "free some space; nothing that was acknowledged is lost"},
    {SQLITE_CORRUPT, SW_CORRUPT, "is damaged",
     "run `slipway doctor`; restore slipway.db from a backup (slipway.db.v*.bak) or move it away"},
    {SQLITE_NOTADB, SW_CORRUPT, "is not a Slipway store: its slipway.db is not a database",
     "move that file away, or name another folder with --store"},
    {SQLITE_READONLY, SW_IO, "cannot be written", "check the permissions of the folder and of slipway.db"},
    {SQLITE_CANTOPEN, SW_IO, "cannot be opened", "check the permissions of the folder and of slipway.db"},
    {SQLITE_PERM, SW_IO, "cannot be opened", "check the permissions of the folder and of slipway.db"},
    {SQLITE_NOMEM, SW_NO_MEMORY, "needs more memory than there is", ""},
    {SQLITE_INTERRUPT, SW_CANCELLED, "was asked to stop reading", ""},
};

enum sw_code sw_sql_error(struct sw_store *s, int rc, const char *doing, struct sw_err *err)
{
    int primary = rc & 0xff, last = errno; // SQLite forgets the reason of some failed writes, errno does not
    int reason = s->db != NULL && sqlite3_system_errno(s->db) != 0 ? sqlite3_system_errno(s->db) : last;
    // A quota, a file size limit and a full shared-memory file arrive as plain I/O errors.
    if (primary == SQLITE_IOERR && (reason == ENOSPC || reason == EDQUOT || reason == EFBIG))
        primary = SQLITE_FULL;
    for (size_t i = 0; i < sizeof result_rows / sizeof *result_rows; i++) {
        const struct result_row *row = &result_rows[i];
        if (row->primary != primary)
            continue;
        (void)sw_err_set(err, row->code, "%s: the store %s %s", doing, s->dir, row->message);
        (void)sw_err_hint(err, "%s", row->hint);
        return row->code;
    }
    return sw_err_set(err, primary == SQLITE_IOERR ? SW_IO : SW_FAILED, "%s: the store %s: %s", doing, s->dir,
                      s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc));
}

enum sw_code sw_sql_failpoint(const struct sw_store *s, const char *name, struct sw_err *err)
{
    (void)name; // release builds have no failpoints
    int failure = sw_failpoint(name);
    return failure == 0 ? SW_OK : sw_err_errno(err, failure, "writing the store %s", s->dir);
}

// --- statements ---
enum sw_code sw_sql_prepare(struct sw_store *s, enum sw_sql id, sqlite3_stmt **out, struct sw_err *err)
{
    if (s->statements[id] == NULL) {
        errno = 0;
        int rc = sqlite3_prepare_v3(s->db, sql_texts[id], -1, SQLITE_PREPARE_PERSISTENT, &s->statements[id], NULL);
        if (rc != SQLITE_OK)
            return sw_sql_error(s, rc, "reading", err);
    }
    *out = s->statements[id];
    return SW_OK;
}

enum sw_code sw_sql_bind(struct sw_store *s, sqlite3_stmt *st, const struct sw_value *values, size_t count,
                         struct sw_err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct sw_value *v = &values[i];
        int at = (int)i + 1;
        int rc = v->type == SW_VALUE_INT    ? sqlite3_bind_int64(st, at, v->integer)
                 : v->type == SW_VALUE_REAL ? sqlite3_bind_double(st, at, v->real)
                 : v->type == SW_VALUE_TEXT ? sqlite3_bind_text(st, at, v->text, -1, SQLITE_STATIC)
                                            : sqlite3_bind_null(st, at);
        if (rc == SQLITE_TOOBIG)
            return sw_err_set(err, SW_LIMIT, "a text of %zu bytes is too long for the store", strlen(v->text));
        if (rc != SQLITE_OK)
            return sw_sql_error(s, rc, "binding a value", err);
    }
    return SW_OK;
}

enum sw_code sw_sql_open(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                         sqlite3_stmt **out, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    enum sw_code code = sw_sql_prepare(s, id, &st, err);
    if (code == SW_OK)
        code = sw_sql_bind(s, st, values, count, err);
    if (code == SW_OK)
        *out = st;
    return code;
}

enum sw_code sw_sql_next(struct sw_store *s, sqlite3_stmt *st, bool *has_row, struct sw_err *err)
{
    errno = 0; // sw_sql_error() asks it, and must not find an old one
    int rc = sqlite3_step(st);
    *has_row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW)
        return SW_OK;
    enum sw_code code = SW_OK;
    if (rc != SQLITE_DONE)
        code = sw_sql_error(s, rc, sqlite3_stmt_readonly(st) ? "reading" : "writing", err);
    sqlite3_reset(st);
    return code;
}

enum sw_code sw_sql_run(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                        struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    enum sw_code code = sw_sql_open(s, id, values, count, &st, err);
    bool has_row = code == SW_OK;
    while (has_row)
        code = sw_sql_next(s, st, &has_row, err);
    return code;
}

enum sw_code sw_sql_int(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                        int64_t otherwise, int64_t *out, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    enum sw_code code = sw_sql_open(s, id, values, count, &st, err);
    bool has_row = false;
    if (code == SW_OK)
        code = sw_sql_next(s, st, &has_row, err);
    if (code != SW_OK)
        return code;
    *out = otherwise;
    if (has_row) {
        if (sqlite3_column_type(st, 0) != SQLITE_NULL)
            *out = sqlite3_column_int64(st, 0);
        sqlite3_reset(st);
    }
    return SW_OK;
}

enum sw_code sw_sql_text(struct sw_store *s, const char *text, struct sw_err *err)
{
    errno = 0;
    int rc = sqlite3_exec(s->db, text, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SW_OK : sw_sql_error(s, rc, "writing", err);
}

// --- rows into an arena ---
const char *sw_column_text(struct sw_reader *r, int column)
{
    const char *text = (const char *)sqlite3_column_text(r->st, column);
    if (text == NULL) {
        // NULL also stands for a conversion that found no memory.
        r->failed = r->failed || sqlite3_column_type(r->st, column) != SQLITE_NULL;
        return "";
    }
    const char *copy = *text == '\0' ? "" : sw_arena_strdup(r->arena, text);
    r->failed = r->failed || copy == NULL;
    return copy;
}

double sw_column_real(const struct sw_reader *r, int column)
{
    return sqlite3_column_type(r->st, column) == SQLITE_NULL ? NAN : sqlite3_column_double(r->st, column);
}

int64_t sw_column_int(const struct sw_reader *r, int column)
{
    return sqlite3_column_int64(r->st, column);
}

void sw_column_copy(const struct sw_reader *r, int column, char *dst, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(r->st, column);
    snprintf(dst, size, "%s", text != NULL ? text : "");
}

void *sw_rows_push(struct sw_rows *v, struct sw_arena *a, size_t item_size)
{
    if (v->count == v->cap) {
        size_t cap = v->cap == 0 ? 8 : v->cap * 2;
        void *grown = sw_arena_array(a, cap, item_size);
        if (grown == NULL)
            return NULL;
        if (v->count > 0)
            memcpy(grown, v->items, v->count * item_size);
        v->items = grown;
        v->cap = cap;
    }
    return (char *)v->items + v->count++ * item_size;
}

enum sw_code sw_rows_full(struct sw_err *err)
{
    (void)sw_err_set(err, SW_LIMIT, "the answer is larger than the memory set aside for it");
    return sw_err_hint(err, "ask for fewer rows");
}

enum sw_code sw_sql_list(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                         struct sw_arena *a, size_t item_size, sw_row_read read, struct sw_rows *rows,
                         struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    enum sw_code code = sw_sql_open(s, id, values, count, &st, err);
    struct sw_reader r = {st, a, false};
    bool has_row = false;
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, err)) == SW_OK && has_row) {
        void *item = sw_rows_push(rows, a, item_size);
        if (item != NULL)
            read(&r, item);
        if (item == NULL || r.failed) {
            sqlite3_reset(st);
            code = sw_rows_full(err);
        }
    }
    return code;
}

enum sw_code sw_sql_get(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                        struct sw_arena *a, sw_row_read read, void *item, bool *found, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    enum sw_code code = sw_sql_open(s, id, values, count, &st, err);
    if (code == SW_OK)
        code = sw_sql_next(s, st, &has_row, err);
    if (code != SW_OK)
        return code;
    struct sw_reader r = {st, a, false};
    if (has_row) {
        read(&r, item);
        sqlite3_reset(st);
    }
    *found = has_row;
    return r.failed ? sw_rows_full(err) : SW_OK;
}

// --- steps ---
static enum sw_code set_durability(struct sw_store *s, enum sw_store_durability d, struct sw_err *err)
{
    if (s->durability == d)
        return SW_OK;
    enum sw_code code =
        sw_sql_text(s, d == SW_STORE_FULL ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", err);
    if (code == SW_OK)
        s->durability = d;
    return code;
}

enum sw_code sw_store_begin(struct sw_store *s, enum sw_store_durability durability, struct sw_err *err)
{
    if (s->in_transaction)
        return sw_err_set(err, SW_FAILED, "a transaction was begun inside another one");
    if (s->read_only) {
        (void)sw_err_set(err, SW_IO, "the store %s was opened for reading only", s->dir);
        return sw_err_hint(err, "open it for writing; a store of a newer version needs a newer slipway");
    }
    enum sw_code code = set_durability(s, durability, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_BEGIN_WRITE, SW_NO_VALUES, err);
    if (code == SW_OK)
        s->in_transaction = true;
    return code;
}

enum sw_code sw_store_commit(struct sw_store *s, struct sw_err *err)
{
    if (!s->in_transaction)
        return sw_err_set(err, SW_FAILED, "a commit without a transaction");
    if (sqlite3_get_autocommit(s->db)) {
        // SQLite gives a whole transaction up by itself after some failures, a full disk among them.
        s->in_transaction = false;
        return sw_err_set(err, SW_FAILED, "the transaction was undone by an earlier failure");
    }
    enum sw_code code = sw_sql_failpoint(s, "store.commit", err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_COMMIT, SW_NO_VALUES, err);
    if (code != SW_OK)
        sw_store_rollback(s);
    s->in_transaction = false;
    return code;
}

void sw_store_rollback(struct sw_store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        (void)sw_sql_run(s, SQL_ROLLBACK, SW_NO_VALUES, NULL);
    s->in_transaction = false;
}

enum sw_code sw_step_begin(struct sw_store *s, enum sw_store_durability d, struct sw_step *step, struct sw_err *err)
{
    step->is_outer = !s->in_transaction;
    if (step->is_outer)
        return sw_store_begin(s, d, err);
    if (d == SW_STORE_FULL && s->durability != SW_STORE_FULL)
        return sw_err_set(err, SW_FAILED, "a step that must survive power loss was begun in a NORMAL transaction");
    return sw_sql_run(s, SQL_SAVEPOINT, SW_NO_VALUES, err);
}

enum sw_code sw_step_end(struct sw_store *s, const struct sw_step *step, enum sw_code code, struct sw_err *err)
{
    if (step->is_outer) {
        if (code == SW_OK)
            return sw_store_commit(s, err);
        sw_store_rollback(s);
        return code;
    }
    if (code == SW_OK && (code = sw_sql_run(s, SQL_RELEASE, SW_NO_VALUES, err)) == SW_OK)
        return SW_OK;
    if (!sqlite3_get_autocommit(s->db)) {
        (void)sw_sql_run(s, SQL_ROLLBACK_TO, SW_NO_VALUES, NULL);
        (void)sw_sql_run(s, SQL_RELEASE, SW_NO_VALUES, NULL);
    }
    return code;
}

enum sw_code sw_store_try(struct sw_store *s, enum sw_code (*fn)(void *ctx, struct sw_err *err), void *ctx,
                          struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, fn(ctx, err), err) : code;
}

bool sw_store_is_broken(const struct sw_store *s)
{
    return s->in_transaction && sqlite3_get_autocommit(s->db);
}

enum sw_code sw_snapshot_begin(struct sw_store *s, struct sw_step *step, struct sw_err *err)
{
    step->is_outer = sqlite3_get_autocommit(s->db) != 0;
    return step->is_outer ? sw_sql_run(s, SQL_BEGIN_READ, SW_NO_VALUES, err) : SW_OK;
}

enum sw_code sw_snapshot_end(struct sw_store *s, const struct sw_step *step, enum sw_code code)
{
    if (step->is_outer && !sqlite3_get_autocommit(s->db))
        (void)sw_sql_run(s, SQL_ROLLBACK, SW_NO_VALUES, NULL); // nothing was written
    return code;
}

// --- names ---
enum sw_code sw_text_check(const char *what, const char *text, size_t max_bytes, struct sw_err *err)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (len > max_bytes)
        return sw_err_set(err, SW_INVALID, "%s has %zu bytes, more than %zu", what, len, max_bytes);
    if (len > 0 && !sw_utf8_valid(text, len))
        return sw_err_set(err, SW_INVALID, "%s is not valid UTF-8", what);
    return SW_OK;
}

enum sw_code sw_name_check(const char *what, const char *text, size_t max_bytes, struct sw_err *err)
{
    if (text == NULL || *text == '\0')
        return sw_err_set(err, SW_INVALID, "%s is empty", what);
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if (*p < 0x20 || *p == 0x7f)
            return sw_err_set(err, SW_INVALID, "%s contains a control character", what);
    return sw_text_check(what, text, max_bytes, err);
}

enum sw_code sw_spec_split(const char *what, const char *spec, char *name, size_t size, int64_t *version,
                           const char **word, struct sw_err *err)
{
    const char *at = strrchr(spec, '@');
    const char *slash = strrchr(spec, '/');
    const char *end = at;
    int64_t number = 0;
    if (at == NULL && slash != NULL && slash[1] != '\0' && strspn(slash + 1, "0123456789") == strlen(slash + 1)) {
        if (strlen(slash + 1) > 18 || (number = strtoll(slash + 1, NULL, 10)) == 0)
            return sw_err_set(err, SW_INVALID, "%s: versions of a %s count from 1", spec, what);
        end = slash;
    }
    size_t len = end != NULL ? (size_t)(end - spec) : strlen(spec);
    if (len == 0 || len >= size || (at != NULL && at[1] == '\0')) {
        (void)sw_err_set(err, SW_INVALID, "'%s' does not name a %s", spec, what);
        return sw_err_hint(err, "write NAME, NAME/VERSION or NAME@WORD");
    }
    memcpy(name, spec, len);
    name[len] = '\0';
    *version = number;
    *word = at != NULL ? at + 1 : NULL;
    return SW_OK;
}
