// SPDX-License-Identifier: Apache-2.0
// The audit chain. A row's canonical form is compact JSON with the members in the order of the columns, `hash` left out;
// its hash is SHA-256 over the previous row's hash (64 hex digits, zeros before the first) followed by that form.
#include "core/store/audit.h"

#include "core/base/clock.h"
#include "core/base/tree.h"
#include "core/store/store_private.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DETAIL_MAX_BYTES = 1 << 20, WORD_MAX_BYTES = 8000, AUDIT_LIMIT = 1000 };

static const char first_hash[SW_SHA256_HEX] = "0000000000000000000000000000000000000000000000000000000000000000";

const char *sw_audit_user(void)
{
    static _Thread_local char name[256];
    char room[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, room, sizeof room, &found) == 0 && found != NULL && found->pw_name[0] != '\0')
        snprintf(name, sizeof name, "%s", found->pw_name);
    else
        snprintf(name, sizeof name, "uid-%lu", (unsigned long)geteuid()); // a container without a passwd entry
    return name;
}

static enum sw_code chain(const char *previous, const struct sw_audit *row, char hash[static SW_SHA256_HEX],
                          struct sw_err *err)
{
    json_t *tree = json_pack("{s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s}", "seq", (json_int_t)row->seq, "time_ms",
                             (json_int_t)row->time_ms, "user", row->user, "host", row->host, "action", row->action,
                             "object", row->object, "digest", row->digest, "detail_json", row->detail_json);
    char *text = tree != NULL ? json_dumps(tree, JSON_COMPACT) : NULL;
    json_decref(tree);
    struct sw_sha256 *h = text != NULL ? sw_sha256_new() : NULL;
    if (h == NULL) {
        free(text);
        return sw_err_set(err, SW_NO_MEMORY, "hashing an audit row: out of memory");
    }
    sw_sha256_add(h, previous, SW_SHA256_HEX - 1);
    sw_sha256_add(h, text, strlen(text));
    sw_sha256_end(h, hash);
    free(text);
    return SW_OK;
}

struct head {
    int64_t seq;
    char hash[SW_SHA256_HEX];
};

static void read_head(struct sw_reader *r, void *item)
{
    struct head *head = item;
    head->seq = sw_column_int(r, 0);
    sw_column_copy(r, 1, head->hash, sizeof head->hash);
}

static enum sw_code get_head(struct sw_store *s, struct head *head, struct sw_err *err)
{
    bool found = false;
    *head = (struct head){0};
    memcpy(head->hash, first_hash, sizeof first_hash);
    return sw_sql_get(s, SQL_AUDIT_HEAD, SW_NO_VALUES, NULL, read_head, head, &found, err);
}

static enum sw_code append(struct sw_store *s, struct sw_audit *row, struct sw_err *err)
{
    struct head head;
    enum sw_code code = sw_sql_failpoint(s, "audit.append", err);
    if (code == SW_OK)
        code = get_head(s, &head, err);
    if (code != SW_OK)
        return code;
    row->seq = head.seq + 1;
    code = chain(head.hash, row, row->hash, err);
    if (code != SW_OK)
        return code;
    return sw_sql_run(s, SQL_AUDIT_ADD,
                      SW_VALUES(sw_int(row->seq), sw_int(row->time_ms), sw_text(row->user), sw_text(row->host),
                                sw_text(row->action), sw_text(row->object), sw_text(row->digest),
                                sw_text(row->detail_json), sw_text(row->hash)),
                      err);
}

enum sw_code sw_audit_add(struct sw_store *s, const char *action, const char *object, const char *digest,
                          const char *detail_json, struct sw_err *err)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    struct sw_audit row = {
        .time_ms = sw_clock_now_ms(),
        .user = sw_audit_user(),
        .host = host,
        .action = action,
        .object = object != NULL ? object : "",
        .digest = digest != NULL ? digest : "",
        .detail_json = detail_json != NULL ? detail_json : "{}",
    };
    enum sw_code code = sw_name_check("the audit action", action, WORD_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the audited object", row.object, WORD_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the audited digest", row.digest, WORD_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the audit detail", row.detail_json, DETAIL_MAX_BYTES, err);
    struct sw_step step;
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, append(s, &row, err), err) : code;
}

enum sw_code sw_audit_add_tree(struct sw_store *s, const char *action, const char *object, const char *digest,
                               json_t *detail, struct sw_err *err)
{
    char *text = detail == NULL ? NULL : json_dumps(detail, JSON_COMPACT);
    json_decref(detail);
    enum sw_code code = text == NULL ? sw_err_set(err, SW_NO_MEMORY, "no memory for an audit row")
                                     : sw_audit_add(s, action, object, digest, text, err);
    free(text);
    return code;
}

static void read_audit(struct sw_reader *r, void *item)
{
    struct sw_audit *row = item;
    row->seq = sw_column_int(r, 0);
    row->time_ms = sw_column_int(r, 1);
    row->user = sw_column_text(r, 2);
    row->host = sw_column_text(r, 3);
    row->action = sw_column_text(r, 4);
    row->object = sw_column_text(r, 5);
    row->digest = sw_column_text(r, 6);
    row->detail_json = sw_column_text(r, 7);
    sw_column_copy(r, 8, row->hash, sizeof row->hash);
}

enum sw_code sw_audit_list(struct sw_store *s, int64_t limit, struct sw_arena *a, struct sw_audit **out, size_t *count,
                           struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_AUDIT_LIST, SW_VALUES(sw_int(limit > 0 ? limit : AUDIT_LIMIT)), a,
                                    sizeof **out, read_audit, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

enum sw_code sw_audit_head(struct sw_store *s, char hash[static SW_SHA256_HEX], struct sw_err *err)
{
    struct head head;
    enum sw_code code = get_head(s, &head, err);
    if (code == SW_OK)
        memcpy(hash, head.hash, sizeof head.hash);
    return code;
}

// The row as it lies in the store: text is borrowed until the statement moves on, so a long log needs no memory.
static struct sw_audit borrow_row(sqlite3_stmt *st)
{
    const char *text[6];
    for (int i = 0; i < 6; i++) {
        text[i] = (const char *)sqlite3_column_text(st, i + 2);
        if (text[i] == NULL)
            text[i] = "";
    }
    return (struct sw_audit){.seq = sqlite3_column_int64(st, 0),
                             .time_ms = sqlite3_column_int64(st, 1),
                             .user = text[0],
                             .host = text[1],
                             .action = text[2],
                             .object = text[3],
                             .digest = text[4],
                             .detail_json = text[5]};
}

enum sw_code sw_audit_verify(struct sw_store *s, int64_t *rows, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    char previous[SW_SHA256_HEX], hash[SW_SHA256_HEX];
    memcpy(previous, first_hash, sizeof first_hash);
    int64_t seen = 0;
    bool has_row = false;
    enum sw_code code = sw_sql_open(s, SQL_AUDIT_ALL, SW_NO_VALUES, &st, err);
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, err)) == SW_OK && has_row) {
        struct sw_audit row = borrow_row(st);
        const char *stored = (const char *)sqlite3_column_text(st, 8);
        bool fits = row.seq == seen + 1 && chain(previous, &row, hash, NULL) == SW_OK && stored != NULL &&
                    strcmp(hash, stored) == 0;
        if (!fits) {
            sqlite3_reset(st);
            (void)sw_err_set(err, SW_CORRUPT,
                             "audit row %" PRId64 " does not fit the chain: it or a row before it was "
                             "changed or removed",
                             row.seq);
            return sw_err_hint(err, "compare with a backup; the last push holds the chain's head of its time");
        }
        memcpy(previous, hash, sizeof hash);
        seen++;
    }
    if (code == SW_OK)
        *rows = seen;
    return code;
}
