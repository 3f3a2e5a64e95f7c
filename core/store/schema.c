// SPDX-License-Identifier: Apache-2.0
// Bringing a file to the present version. Each migration is one FULL transaction that also sets user_version, so a
// crash leaves the file at the version before or after it and the next open goes on from there.
#include "core/store/schema_private.h"

#include "core/base/file.h"
#include "core/base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sw_migration migrations[] = {
    {1, sw_schema_v1},
    {2, sw_schema_v2},
};

const struct sw_migration *sw_schema_migrations(size_t *count)
{
    *count = sizeof migrations / sizeof *migrations;
    return migrations;
}

// Pragmas run while they are prepared, so they are no rows of the statement table.
static enum sw_code read_number(struct sw_store *s, sqlite3 *db, const char *sql, int *out, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int(st, 0);
    enum sw_code code = rc == SQLITE_ROW ? SW_OK : sw_sql_error(s, rc, "opening", err);
    sqlite3_finalize(st);
    return code;
}

enum sw_code sw_schema_version(struct sw_store *s, int *version, struct sw_err *err)
{
    int application = 0, found = 0, tables = 0;
    enum sw_code code = read_number(s, s->db, "PRAGMA application_id", &application, err);
    if (code == SW_OK)
        code = read_number(s, s->db, "PRAGMA user_version", &found, err);
    if (code == SW_OK)
        code = read_number(s, s->db, "SELECT count(*) FROM sqlite_schema", &tables, err);
    if (code != SW_OK)
        return code;
    bool is_empty = application == 0 && found == 0 && tables == 0;
    if (!is_empty && (application != SW_SCHEMA_APPLICATION_ID || found <= 0)) {
        (void)sw_err_set(err, SW_CORRUPT, "the file %s/slipway.db belongs to another program", s->dir);
        return sw_err_hint(err, "move that file away, or name another folder with --store");
    }
    *version = found;
    return SW_OK;
}

static enum sw_code sync_file(const char *path, struct sw_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return sw_err_errno(err, errno, "syncing %s", path);
    enum sw_code code = fsync(fd) == 0 ? SW_OK : sw_err_errno(err, errno, "syncing %s", path);
    close(fd);
    return code;
}

// The version inside a copy: another process may have migrated between our look and the copy.
static enum sw_code version_of_copy(struct sw_store *s, const char *path, int *version, struct sw_err *err)
{
    sqlite3 *db = NULL;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    enum sw_code code = rc == SQLITE_OK ? read_number(s, db, "PRAGMA user_version", version, err)
                                        : sw_sql_error(s, rc, "reading the backup of", err);
    sqlite3_close(db);
    return code;
}

// Copies the file to slipway.db.v<version>.bak: to a name of our own first, so that a half-written backup never bears
// the final name.
static enum sw_code back_up(struct sw_store *s, int version, struct sw_err *err)
{
    char path[SW_PATH_MAX + 32], copy[SW_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/slipway.db.v%d.bak", s->dir, version);
    snprintf(copy, sizeof copy, "%s.%ld", path, (long)getpid());
    unlink(copy);
    // VACUUM INTO accepts an empty file and keeps its mode.
    if (mknod(copy, S_IFREG | 0600, 0) != 0)
        return sw_err_errno(err, errno, "making the backup %s", copy);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, "VACUUM INTO ?", -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(st, 1, copy, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    enum sw_code code = rc == SQLITE_DONE ? SW_OK : sw_sql_error(s, rc, "backing up before a migration", err);
    sqlite3_finalize(st);
    int copied = 0;
    if (code == SW_OK)
        code = version_of_copy(s, copy, &copied, err);
    if (code == SW_OK && copied == version) {
        code = sync_file(copy, err);
        if (code == SW_OK && rename(copy, path) != 0)
            code = sw_err_errno(err, errno, "naming the backup %s", path);
        if (code == SW_OK)
            code = sw_file_sync_dir(s->dir, err);
    }
    unlink(copy);
    return code;
}

static enum sw_code apply(struct sw_store *s, const struct sw_migration *m, struct sw_err *err)
{
    enum sw_code code = sw_store_begin(s, SW_STORE_FULL, err);
    if (code != SW_OK)
        return code;
    int version = 0;
    code = sw_schema_version(s, &version, err);
    if (code == SW_OK && version < m->version) {
        char header[96];
        snprintf(header, sizeof header, "PRAGMA application_id=%d; PRAGMA user_version=%d;", SW_SCHEMA_APPLICATION_ID,
                 m->version);
        code = sw_sql_text(s, m->sql, err);
        if (code == SW_OK)
            code = sw_sql_failpoint(s, "store.migrate", err);
        if (code == SW_OK)
            code = sw_sql_text(s, header, err);
    }
    if (code == SW_OK)
        return sw_store_commit(s, err);
    sw_store_rollback(s);
    return code;
}

enum sw_code sw_schema_migrate(struct sw_store *s, const struct sw_migration *list, size_t count, struct sw_err *err)
{
    int version = 0;
    enum sw_code code = sw_schema_version(s, &version, err);
    if (code != SW_OK)
        return code;
    int newest = list[count - 1].version;
    if (version > newest) {
        (void)sw_err_set(err, SW_NEWER, "the store %s was written by a newer slipway (schema %d, this one knows %d)",
                         s->dir, version, newest);
        return sw_err_hint(err, "install the newer slipway; reading still works");
    }
    if (version > 0 && version < newest)
        code = back_up(s, version, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        if (list[i].version > version)
            code = apply(s, &list[i], err);
    return code;
}
