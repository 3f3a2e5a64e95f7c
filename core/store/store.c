// SPDX-License-Identifier: Apache-2.0
// Opening, closing and checking the file. Every connection gets the same settings here and nowhere else.
#include "core/store/schema_private.h"

#include "core/base/clock.h"
#include "core/base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

enum {
    BUSY_LIMIT_MS = 60000, // a training job must not fail because somebody else writes
    BUSY_PAUSE_MAX_MS = 50,
    FEW_RUNS = 1000, // sorting these takes about a millisecond
    VALUE_BYTES_MAX = 64 << 20,
};

// The write-ahead log needs shared memory, which network file systems do not give across hosts.
// Magic numbers: linux/magic.h and the sources of the file systems.
static const struct {
    uint32_t magic;
    const char *name;
} network_filesystems[] = {
    {0x6969, "NFS"},        {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},  {0x517b, "SMB"},        {0x5346414f, "AFS"},
    {0x0bd00bd0, "Lustre"}, {0x47504653, "GPFS"}, {0x00c36400, "Ceph"}, {0x19830326, "BeeGFS"},
};

static enum sw_code refuse_network(const char *dir, struct sw_err *err)
{
    struct statfs fs;
    if (statfs(dir, &fs) != 0)
        return sw_err_errno(err, errno, "looking at the folder %s", dir);
    for (size_t i = 0; i < sizeof network_filesystems / sizeof *network_filesystems; i++) {
        if ((uint32_t)fs.f_type != network_filesystems[i].magic)
            continue;
        (void)sw_err_set(err, SW_UNSUPPORTED, "the store %s is on a network file system (%s)", dir,
                         network_filesystems[i].name);
        return sw_err_hint(err, "name a folder on a local disk with --store or SLIPWAY_STORE");
    }
    return SW_OK;
}

// Waits for other writers: short pauses that grow, none longer than BUSY_PAUSE_MAX_MS so that a freed lock is seen soon.
static int wait_for_lock(void *ctx, int attempt)
{
    struct sw_store *s = ctx;
    int64_t now = sw_clock_mono_ms();
    if (attempt == 0)
        s->busy_since_ms = now;
    if (now - s->busy_since_ms >= s->busy_limit_ms)
        return 0;
    sw_clock_sleep_ms(attempt < BUSY_PAUSE_MAX_MS ? attempt / 2 + 1 : BUSY_PAUSE_MAX_MS);
    return 1;
}

static int64_t busy_limit(void)
{
#ifdef SW_FAILPOINTS
    const char *text = getenv("SLIPWAY_BUSY_MS");
    if (text != NULL)
        return strtoll(text, NULL, 10);
#endif
    return BUSY_LIMIT_MS;
}

// The number a text spells as a whole, else NULL: how params and tags compare with < and >. SQLite's own rule is used
// because it does not depend on the locale.
static void sql_number(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    int type = sqlite3_value_numeric_type(values[0]);
    if (type == SQLITE_INTEGER || type == SQLITE_FLOAT)
        sqlite3_result_double(context, sqlite3_value_double(values[0]));
}

static enum sw_code configure(struct sw_store *s, struct sw_err *err)
{
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_handler(s->db, wait_for_lock, s);
    sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    int rc = sqlite3_create_function_v2(s->db, "sw_number", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                                        NULL, sql_number, NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return sw_sql_error(s, rc, "opening", err);
    return sw_sql_text(s,
                       "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA cache_size=-4096;"
                       "PRAGMA journal_size_limit=67108864; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY;",
                       err);
}

// Switching a new file to the write-ahead log needs it alone for a moment, and SQLite does not always ask the busy
// handler then; so the wait is ours.
static enum sw_code use_write_ahead_log(struct sw_store *s, struct sw_err *err)
{
    int rc;
    for (int attempt = 0;; attempt++) {
        rc = sqlite3_exec(s->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
        if ((rc & 0xff) != SQLITE_BUSY || !wait_for_lock(s, attempt))
            break;
    }
    return rc == SQLITE_OK ? SW_OK : sw_sql_error(s, rc, "opening", err);
}

// Makes folder and empty file. mknod and not open: closing a descriptor of our own would drop the locks that SQLite
// holds on the same file elsewhere in this process.
static enum sw_code make_file(const char *dir, const char *path, struct sw_err *err)
{
    enum sw_code code = sw_path_make_dirs(dir, err);
    if (code != SW_OK) {
        (void)sw_err_hint(err, "make the folder, or name another one with --store or SLIPWAY_STORE");
        return code;
    }
    if (mknod(path, S_IFREG | 0600, 0) != 0 && errno != EEXIST) {
        code = sw_err_errno(err, errno, "making the store %s", path);
        (void)sw_err_hint(err, "make the folder writable, or name another one with --store or SLIPWAY_STORE");
        return code;
    }
    return SW_OK;
}

static enum sw_code check_file(const char *dir, const char *path, struct sw_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        (void)sw_err_set(err, SW_NO_STORE, "there is no store at %s", dir);
        return sw_err_hint(err,
                           "name the folder with --store or SLIPWAY_STORE; the first run or data set makes a store");
    }
    if (stat(path, &st) != 0)
        return sw_err_errno(err, errno, "opening the store %s", path);
    if (!S_ISREG(st.st_mode)) {
        (void)sw_err_set(err, SW_CORRUPT, "the store %s is not a regular file", path);
        return sw_err_hint(err, "move it away, or name another folder with --store");
    }
    return refuse_network(dir, err);
}

// A file on a read-only file system cannot change and has no place for the shared memory of the log, so it is read as
// it stands.
static bool is_unchanging(const char *dir)
{
    struct statvfs fs;
    return statvfs(dir, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
}

static enum sw_code connect_file(struct sw_store *s, const char *path, struct sw_err *err)
{
    int flags = SQLITE_OPEN_NOMUTEX;
    flags |= s->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    int rc;
    if (s->read_only && is_unchanging(s->dir)) {
        // The path may hold the characters that mean something in a URI: '%', '?' and '#'.
        char uri[3 * SW_PATH_MAX + 32] = "file:";
        size_t len = strlen(uri);
        for (const char *p = path; *p != '\0' && len < sizeof uri - 32; p++)
            len += (size_t)snprintf(uri + len, sizeof uri - len, strchr("%?#", *p) != NULL ? "%%%02X" : "%c", *p);
        snprintf(uri + len, sizeof uri - len, "?immutable=1");
        rc = sqlite3_open_v2(uri, &s->db, flags | SQLITE_OPEN_URI, NULL);
    } else {
        rc = sqlite3_open_v2(path, &s->db, flags, NULL);
    }
    if (rc != SQLITE_OK)
        return sw_sql_error(s, rc, "opening", err);
    return configure(s, err);
}

static enum sw_code check_schema(struct sw_store *s, enum sw_store_mode mode, struct sw_err *err)
{
    int version = 0;
    enum sw_code code = sw_schema_version(s, &version, err);
    if (code != SW_OK)
        return code;
    if (version == 0 && mode != SW_STORE_CREATE) {
        (void)sw_err_set(err, SW_NO_STORE, "the store %s is empty", s->dir);
        return sw_err_hint(err, "the first run or data set fills it");
    }
    size_t count = 0;
    const struct sw_migration *list = sw_schema_migrations(&count);
    if (mode != SW_STORE_READ_ONLY) {
        if (version < list[count - 1].version)
            code = use_write_ahead_log(s, err);
        if (code == SW_OK)
            code = sw_schema_migrate(s, list, count, err);
    } else if (version < list[count - 1].version) {
        code = sw_err_set(err, SW_UNSUPPORTED, "the store %s has the older schema %d", s->dir, version);
        (void)sw_err_hint(err, "open it once for writing; a backup is made first");
    }
    // From here on nothing attaches another file.
    sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
    return code;
}

enum sw_code sw_store_open(const char *dir, enum sw_store_mode mode, struct sw_store **out, struct sw_err *err)
{
    char absolute[SW_PATH_MAX], path[SW_PATH_MAX];
    enum sw_code code = sw_path_absolute(absolute, dir, err);
    if (code == SW_OK)
        code = sw_path_join(path, absolute, "slipway.db", err);
    if (code == SW_OK && mode == SW_STORE_CREATE)
        code = make_file(absolute, path, err);
    if (code == SW_OK)
        code = check_file(absolute, path, err);
    if (code != SW_OK)
        return code;
    struct sw_store *s = calloc(1, sizeof *s);
    if (s == NULL || (s->dir = strdup(absolute)) == NULL) {
        free(s);
        return sw_err_set(err, SW_NO_MEMORY, "opening the store %s: out of memory", absolute);
    }
    s->read_only = mode == SW_STORE_READ_ONLY;
    s->durability = SW_STORE_NORMAL;
    s->busy_limit_ms = busy_limit();
    s->few_runs = FEW_RUNS;
    code = connect_file(s, path, err);
    if (code == SW_OK)
        code = check_schema(s, mode, err);
    if (code != SW_OK) {
        sw_store_close(s);
        return code;
    }
    *out = s;
    return SW_OK;
}

void sw_store_close(struct sw_store *s)
{
    if (s == NULL)
        return;
    if (s->db != NULL) {
        sw_store_rollback(s);
        // The last connection empties the log by itself; when others stay, whoever wrote tries once and does not wait.
        if (!s->read_only && sqlite3_total_changes64(s->db) > 0) {
            s->busy_limit_ms = 0;
            sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        }
        for (int i = 0; i < SQL_COUNT; i++)
            sqlite3_finalize(s->statements[i]);
        sqlite3_close(s->db);
    }
    free(s->dir);
    free(s);
}

const char *sw_store_dir(const struct sw_store *s)
{
    return s->dir;
}

bool sw_store_is_read_only(const struct sw_store *s)
{
    return s->read_only;
}

uint64_t sw_store_change_count(struct sw_store *s)
{
    int64_t others = 0;
    if (sw_sql_int(s, SQL_DATA_VERSION, SW_NO_VALUES, 0, &others, NULL) != SW_OK)
        others = 0;
    return ((uint64_t)others << 40) + (uint64_t)sqlite3_total_changes64(s->db);
}

// --- health ---
// First line of a check that prints "ok" or problems.
static enum sw_code run_check(struct sw_store *s, const char *sql, struct sw_store_health *out, struct sw_err *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(st, 0);
        if (text != NULL && strcmp(text, "ok") != 0)
            snprintf(out->first_problem, sizeof out->first_problem, "%s", text);
    }
    enum sw_code code = SW_OK;
    // A file too damaged to be checked is a finding, not a failure of the check.
    if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
        snprintf(out->first_problem, sizeof out->first_problem, "%s", sqlite3_errmsg(s->db));
    else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        code = sw_sql_error(s, rc, "checking", err);
    sqlite3_finalize(st);
    return code;
}

static int64_t file_bytes(const struct sw_store *s, const char *name)
{
    char path[SW_PATH_MAX + 32];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", s->dir, name);
    return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

enum sw_code sw_store_check(struct sw_store *s, bool deep, struct sw_store_health *out, struct sw_err *err)
{
    struct sw_store_health h = {0};
    size_t count = 0;
    const struct sw_migration *list = sw_schema_migrations(&count);
    enum sw_code code = sw_schema_version(s, &h.schema_version, err);
    h.is_newer = h.schema_version > list[count - 1].version;
    if (code == SW_OK)
        code = run_check(s, deep ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", &h, err);
    if (code == SW_OK && h.first_problem[0] == '\0')
        code =
            run_check(s,
                      "SELECT 'row ' || ifnull(rowid, '') || ' of ' || \"table\" || ' refers to a missing row of ' ||"
                      " parent FROM pragma_foreign_key_check LIMIT 1",
                      &h, err);
    static const struct {
        enum sw_sql sql;
        size_t offset;
    } counts[] = {
        {SQL_COUNT_RUNS, offsetof(struct sw_store_health, runs)},
        {SQL_COUNT_POINTS, offsetof(struct sw_store_health, metric_points)},
        {SQL_COUNT_JOBS, offsetof(struct sw_store_health, jobs)},
        {SQL_COUNT_AUDIT, offsetof(struct sw_store_health, audit_rows)},
    };
    h.is_intact = h.first_problem[0] == '\0';
    for (size_t i = 0; i < sizeof counts / sizeof *counts && code == SW_OK && h.is_intact; i++)
        code = sw_sql_int(s, counts[i].sql, SW_NO_VALUES, 0, (int64_t *)((char *)&h + counts[i].offset), err);
    h.file_bytes = file_bytes(s, "slipway.db");
    h.wal_bytes = file_bytes(s, "slipway.db-wal");
    if (code == SW_OK)
        *out = h;
    return code;
}
