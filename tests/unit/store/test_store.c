// SPDX-License-Identifier: Apache-2.0
// The file: opening, migrating, locks, transactions, and what happens when a process dies, the disk is full, the file
// is damaged, foreign, newer or not writable.
#include "tests/unit/store/fixture.h"

#include "core/base/file.h"
#include "core/store/audit.h"
#include "core/store/job.h"
#include "core/store/metric.h"
#include "core/store/model.h"
#include "core/store/schema_private.h"

#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *in_dir(const struct fixture *f, const char *name)
{
    static char path[2 * SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    return path;
}

static void close_store(struct fixture *f)
{
    sw_store_close(f->store);
    f->store = NULL;
}

static void reopen(struct fixture *f)
{
    close_store(f);
    ok(sw_store_open(f->dir, SW_STORE_OPEN, &f->store, &f->err));
}

enum { SCHEMA_NOW = 2 }; // what this program writes

static void sql(struct fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(in_dir(f, "slipway.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void check_intact(struct fixture *f)
{
    struct sw_store_health health;
    ok(sw_store_check(f->store, true, &health, &f->err));
    if (!health.is_intact)
        fail_msg("%s", health.first_problem);
    assert_int_equal(health.schema_version, SCHEMA_NOW);
}

// --- opening ---
static void test_new_store(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    assert_int_equal(stat(in_dir(f, "slipway.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(in_dir(f, "slipway.db-wal"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_string_equal(sw_store_dir(f->store), f->dir);
    assert_false(sw_store_is_read_only(f->store));
    check_intact(f);
    struct sw_store *s = NULL;
    ok(sw_store_open(in_dir(f, "deep/er"), SW_STORE_CREATE, &s, &f->err));
    sw_store_close(s);
    assert_int_equal(stat(in_dir(f, "deep"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void test_missing_and_foreign(void **state)
{
    struct fixture *f = *state;
    struct sw_store *s = NULL;
    fails(sw_store_open(in_dir(f, "nowhere"), SW_STORE_OPEN, &s, &f->err), SW_NO_STORE);
    fails(sw_store_open(in_dir(f, "slipway.db"), SW_STORE_READ_ONLY, &s, &f->err), SW_NO_STORE); // a file, no folder
    close_store(f);
    char path[2 * SW_PATH_MAX];
    snprintf(path, sizeof path, "%s", in_dir(f, "slipway.db"));
    unlink(path);
    ok(sw_file_write(path, "", 0, &f->err));
    fails(sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err), SW_NO_STORE); // a crash before the first migration
    ok(sw_file_write(path,
                     "this is a text file, quite long, and no database at all, is it now? no.......................",
                     92, &f->err));
    fails(sw_store_open(f->dir, SW_STORE_CREATE, &s, &f->err), SW_CORRUPT);
    assert_true(f->err.hint[0] != '\0');
    unlink(path);
    sql(f, "CREATE TABLE bookmarks(url TEXT)");
    fails(sw_store_open(f->dir, SW_STORE_CREATE, &s, &f->err), SW_CORRUPT);
    says("another program");
    sql(f, "PRAGMA journal_mode=DELETE"); // it was not touched: the same table, the same journal
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    fails(sw_store_open(f->dir, SW_STORE_CREATE, &s, &f->err), SW_CORRUPT);
}

static void test_newer_store(void **state)
{
    struct fixture *f = *state;
    struct sw_store *s = NULL;
    struct sw_experiment *list = NULL;
    size_t count = 0;
    close_store(f);
    sql(f, "PRAGMA user_version=99");
    fails(sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err), SW_NEWER);
    says("schema 99");
    fails(sw_store_open(f->dir, SW_STORE_CREATE, &s, &f->err), SW_NEWER);
    ok(sw_store_open(f->dir, SW_STORE_READ_ONLY, &s, &f->err));
    ok(sw_experiment_list(s, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    fails(sw_store_begin(s, SW_STORE_NORMAL, &f->err), SW_IO);
    char id[SW_RUN_ID];
    fails(sw_run_create(s, &(struct sw_run_new){0}, id, &f->err), SW_IO);
    sw_store_close(s);
}

// --- migrations ---
static const struct sw_migration later[] = {
    {1, sw_schema_v1},
    {2, sw_schema_v2},
    {3, "CREATE TABLE two(a); INSERT INTO two SELECT experiment_id FROM experiment;"},
    {4, "ALTER TABLE two ADD COLUMN b; CREATE TABLE three(c);"},
};
enum { LATER = sizeof later / sizeof *later };

static int version_of(struct fixture *f)
{
    int version = 0;
    ok(sw_schema_version(f->store, &version, &f->err));
    return version;
}

static bool exists(const struct fixture *f, const char *name)
{
    return access(in_dir(f, name), F_OK) == 0;
}

static void test_migration_with_backup(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID];
    ok(sw_run_create(f->store, &(struct sw_run_new){.name = "kept"}, id, &f->err));
    assert_false(exists(f, "slipway.db.v0.bak")); // an empty file needs none
    sqlite3_limit(f->store->db, SQLITE_LIMIT_ATTACHED, 10);
    ok(sw_schema_migrate(f->store, later, LATER, &f->err));
    assert_int_equal(version_of(f), SCHEMA_NOW + 2);
    assert_true(exists(f, "slipway.db.v2.bak"));
    ok(sw_schema_migrate(f->store, later, LATER, &f->err)); // again: nothing to do
    fails(sw_schema_migrate(f->store, later, LATER - 1, &f->err), SW_NEWER);
    // The backup is a whole store of the older version.
    struct sw_store *s = NULL;
    struct stat st;
    assert_int_equal(stat(in_dir(f, "slipway.db.v2.bak"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char from[2 * SW_PATH_MAX], dir[2 * SW_PATH_MAX], to[2 * SW_PATH_MAX + 16];
    snprintf(from, sizeof from, "%s", in_dir(f, "slipway.db.v2.bak"));
    snprintf(dir, sizeof dir, "%s", in_dir(f, "restored"));
    snprintf(to, sizeof to, "%s/slipway.db", dir);
    ok(sw_path_make_dirs(dir, &f->err));
    ok(sw_file_copy(from, to, &f->err));
    ok(sw_store_open(dir, SW_STORE_OPEN, &s, &f->err));
    ok(sw_run_resolve(s, "kept", id, &f->err));
    sw_store_close(s);
}

// A file of version 1 with data of each family that version 2 changes.
static void test_version_1_becomes_2(void **state)
{
    struct fixture *f = *state;
    static const char data[] =
        "INSERT INTO experiment(experiment_id, name, created_ms) VALUES(7, 'old', 1234);"
        "INSERT INTO run(run_key, run_id, experiment_id, name, status, user, source, start_ms)"
        " VALUES(1, '00000000000000000000000000000001', 7, 'first', 'FINISHED', 'u', 's', 50),"
        " (2, '00000000000000000000000000000002', 7, 'second', 'FAILED', 'u', 's', 50);"
        "INSERT INTO tag VALUES(2, 'mlflow.runName', 'renamed before'), (2, 'a', 'b');"
        "INSERT INTO metric_key VALUES(1, 'loss');"
        "INSERT INTO metric VALUES(1, 1, 0, 10, 2.0, 0), (1, 1, 1, 20, 1.0, 0);"
        "INSERT INTO metric_latest VALUES(1, 1, 1, 20, 1.0, 0, 1.0, 2.0, 2, 0, 1, zeroblob(40));" // nothing fed yet
        "INSERT INTO registered_model VALUES('m', 1, 99);"
        "INSERT INTO model_version(name, version, digest, path, files_json, size_bytes, user, description, created_ms)"
        " VALUES('m', 1, 'd', '/p', '[]', 3, 'u', 'words', 98);";
    close_store(f);
    ok(sw_path_remove_tree(f->dir, &f->err));
    ok(sw_path_make_dirs(f->dir, &f->err));
    sql(f, sw_schema_v1);
    sql(f, data);
    sql(f, "PRAGMA application_id=1399613808; PRAGMA user_version=1");
    reopen(f);
    assert_int_equal(version_of(f), SCHEMA_NOW);
    assert_true(exists(f, "slipway.db.v1.bak"));
    check_intact(f);
    struct sw_experiment e;
    struct sw_run run;
    ok(sw_experiment_find(f->store, "old", f->arena, &e, &f->err));
    assert_int_equal(e.experiment_id, 7);
    assert_int_equal(e.updated_ms, 1234);
    assert_string_equal(e.artifact_location, "");
    ok(sw_run_get(f->store, "00000000000000000000000000000001", f->arena, &run, &f->err));
    assert_int_equal(run.tag_count, 1);
    assert_string_equal(run.tags[0].value, "first");
    assert_int_equal(run.artifact_experiment_id, 7);
    ok(sw_run_get(f->store, "00000000000000000000000000000002", f->arena, &run, &f->err));
    assert_int_equal(run.tag_count, 2);
    // A series of version 1 grows on.
    struct sw_metric_point p = {"loss", 3.0, 2, 5}, *points = NULL;
    struct sw_metric_cursor cursor = {0};
    size_t count = 0;
    bool at_end = false;
    ok(sw_metric_write(f->store, "00000000000000000000000000000001", &p, 1, &f->err));
    ok(sw_metric_read_page(f->store, "00000000000000000000000000000001", "loss", 10, &cursor, f->arena, &points, &count,
                           &at_end, &f->err));
    assert_int_equal(count, 3);
    assert_int_equal(points[0].time_ms, 5);
    assert_int_equal(points[2].time_ms, 20);
    struct sw_model_version v;
    ok(sw_model_version_get(f->store, "m/1", f->arena, &v, &f->err));
    assert_string_equal(v.description, "words");
}

static void test_migration_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    static const struct sw_migration bad[] = {
        {1, sw_schema_v1},
        {2, sw_schema_v2},
        {3, "CREATE TABLE two(a);"},
        {4, "CREATE TABLE three(c); INSERT INTO nowhere VALUES(1);"},
    };
    sqlite3_limit(f->store->db, SQLITE_LIMIT_ATTACHED, 10);
    fails(sw_schema_migrate(f->store, bad, 4, &f->err), SW_FAILED);
    assert_int_equal(version_of(f), 3); // the third stands, the fourth left nothing behind
    char id[SW_RUN_ID];
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, id, &f->err));
}

static int run_child(struct fixture *f, void (*child)(struct fixture *f))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(f);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void open_and_migrate(struct fixture *f)
{
    struct sw_store *s = NULL;
    enum sw_code code = sw_store_open(f->dir, SW_STORE_CREATE, &s, &f->err);
    if (code == SW_OK) {
        sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 10);
        code = sw_schema_migrate(s, later, LATER, &f->err);
    }
    sw_store_close(s);
    _exit((int)code);
}

static void test_kill_during_migration(void **state)
{
    struct fixture *f = *state;
    close_store(f);
    setenv("SLIPWAY_FAILPOINT", "store.migrate=kill", 1);
    int status = run_child(f, open_and_migrate);
    setenv("SLIPWAY_FAILPOINT", "store.migrate=enospc", 1);
    int full = run_child(f, open_and_migrate);
    unsetenv("SLIPWAY_FAILPOINT");
    if (!WIFSIGNALED(status))
        skip(); // built without failpoints
    assert_int_equal(WEXITSTATUS(full), SW_NO_SPACE);
    status = run_child(f, open_and_migrate);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct sw_store *s = NULL;
    fails(sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err), SW_NEWER); // version 4 now
}

static void test_many_create_at_once(void **state)
{
    struct fixture *f = *state;
    enum { CHILDREN = 6 };
    pid_t pids[CHILDREN];
    close_store(f);
    ok(sw_path_remove_tree(f->dir, &f->err));
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            open_and_migrate(f);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        // Those that come after the others migrated to a version of the future are told so.
        assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == SW_OK || WEXITSTATUS(status) == SW_NEWER));
    }
}

// --- transactions ---
static void test_transactions(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID], found[SW_RUN_ID];
    ok(sw_store_begin(f->store, SW_STORE_NORMAL, &f->err));
    fails(sw_store_begin(f->store, SW_STORE_NORMAL, &f->err), SW_FAILED);
    ok(sw_run_create(f->store, &(struct sw_run_new){.name = "one"}, id, &f->err));
    fails(sw_audit_add(f->store, "x", "y", NULL, NULL, &f->err), SW_FAILED); // needs FULL
    sw_store_rollback(f->store);
    sw_store_rollback(f->store);
    fails(sw_run_resolve(f->store, "one", found, &f->err), SW_NOT_FOUND);
    fails(sw_store_commit(f->store, &f->err), SW_FAILED);
    ok(sw_store_begin(f->store, SW_STORE_FULL, &f->err));
    ok(sw_run_create(f->store, &(struct sw_run_new){.name = "two"}, id, &f->err));
    fails(sw_run_set_param(f->store, id, "", "v", &f->err), SW_INVALID); // one failed step does not spoil the rest
    ok(sw_audit_add(f->store, "register", "two", NULL, NULL, &f->err));
    ok(sw_store_commit(f->store, &f->err));
    ok(sw_run_resolve(f->store, "two", found, &f->err));
}

static void test_change_count(void **state)
{
    struct fixture *f = *state;
    struct sw_store *other = NULL;
    char id[SW_RUN_ID];
    ok(sw_store_open(f->dir, SW_STORE_OPEN, &other, &f->err));
    uint64_t mine = sw_store_change_count(f->store), theirs = sw_store_change_count(other);
    assert_int_equal(sw_store_change_count(f->store), mine);
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, id, &f->err));
    assert_int_not_equal(sw_store_change_count(f->store), mine);
    assert_int_not_equal(sw_store_change_count(other), theirs);
    sw_store_close(other);
}

// --- locks ---
static void test_locked(void **state)
{
    struct fixture *f = *state;
    struct sw_store *other = NULL;
    char id[SW_RUN_ID];
    setenv("SLIPWAY_BUSY_MS", "30", 1);
    ok(sw_store_open(f->dir, SW_STORE_OPEN, &other, &f->err));
    unsetenv("SLIPWAY_BUSY_MS");
    if (other->busy_limit_ms != 30) {
        sw_store_close(other);
        skip(); // built without failpoints
    }
    ok(sw_store_begin(f->store, SW_STORE_NORMAL, &f->err));
    fails(sw_run_create(other, &(struct sw_run_new){0}, id, &f->err), SW_LOCKED);
    says("locked by another process");
    ok(sw_store_commit(f->store, &f->err));
    ok(sw_run_create(other, &(struct sw_run_new){0}, id, &f->err));
    sw_store_close(other);
}

enum { WRITERS = 4, WRITES = 150 };
static char shared_run[SW_RUN_ID];

static void write_much(struct fixture *f, int writer)
{
    struct sw_store *s = NULL;
    char key[16];
    snprintf(key, sizeof key, "w%d", writer);
    enum sw_code code = sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err);
    for (int i = 0; i < WRITES && code == SW_OK; i++) {
        // A key of its own and one that all write; the time tells the writers apart.
        struct sw_metric_point points[] = {{key, i, i, i}, {"all", i, i, writer}};
        code = sw_metric_write(s, shared_run, points, 2, &f->err);
        if (code == SW_OK && i % 10 == 0)
            code = sw_audit_add(s, "test", key, NULL, NULL, &f->err);
    }
    sw_store_close(s);
    _exit((int)code);
}

static void test_four_writers_without_errors(void **state)
{
    struct fixture *f = *state;
    pid_t pids[WRITERS];
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, shared_run, &f->err));
    close_store(f);
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            write_much(f, i);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SW_OK);
    }
    reopen(f);
    check_intact(f);
    struct sw_run run;
    int64_t rows = 0;
    ok(sw_run_get(f->store, shared_run, f->arena, &run, &f->err));
    assert_int_equal(run.metric_count, WRITERS + 1);
    assert_int_equal(run.metrics[0].count, WRITERS * WRITES);
    ok(sw_audit_verify(f->store, &rows, &f->err));
    assert_int_equal(rows, WRITERS * WRITES / 10);
}

// --- death ---
static int ack_pipe[2];

static void write_and_acknowledge(struct fixture *f)
{
    struct sw_store *s = NULL;
    if (sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err) != SW_OK)
        _exit(98);
    for (int64_t i = 0;; i++) {
        struct sw_metric_point points[40];
        for (int j = 0; j < 40; j++)
            points[j] = (struct sw_metric_point){"m", (double)j, i * 40 + j, 0};
        if (sw_metric_write(s, shared_run, points, 40, &f->err) != SW_OK ||
            write(ack_pipe[1], &i, sizeof i) != sizeof i)
            _exit(97);
    }
}

static void test_kill_mid_write(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 12; round++) {
        ok(sw_run_create(f->store, &(struct sw_run_new){0}, shared_run, &f->err));
        close_store(f);
        assert_int_equal(pipe(ack_pipe), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            write_and_acknowledge(f);
        close(ack_pipe[1]);
        int64_t last = -1, batch = 0;
        int acks = 0;
        while (acks < 3 + round * 7 && read(ack_pipe[0], &batch, sizeof batch) == (ssize_t)sizeof batch) {
            last = batch;
            acks++;
        }
        kill(pid, SIGKILL);
        while (read(ack_pipe[0], &batch, sizeof batch) == (ssize_t)sizeof batch)
            last = batch; // acknowledged before it died
        close(ack_pipe[0]);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        ok(sw_store_open(f->dir, SW_STORE_OPEN, &f->store, &f->err));
        check_intact(f);
        struct sw_metric_series series;
        ok(sw_metric_read_series(f->store, shared_run, "m", INT64_MIN, INT64_MAX, 1, f->arena, &series, &f->err));
        assert_true(series.point_count >= (last + 1) * 40);
        assert_int_equal(series.point_count % 40, 0); // batches are whole
        int64_t held = 0;
        for (size_t i = 0; i < series.bucket_count; i++)
            held += series.buckets[i].count;
        assert_int_equal(held, series.point_count);
    }
}

static void add_audited_run(struct fixture *f)
{
    struct sw_store *s = NULL;
    char id[SW_RUN_ID];
    enum sw_code code = sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err);
    if (code == SW_OK)
        code = sw_store_begin(s, SW_STORE_FULL, &f->err);
    if (code == SW_OK)
        code = sw_run_create(s, &(struct sw_run_new){.name = "both"}, id, &f->err);
    if (code == SW_OK)
        code = sw_audit_add(s, "create", "both", NULL, NULL, &f->err);
    if (code == SW_OK)
        code = sw_store_commit(s, &f->err);
    sw_store_close(s);
    _exit((int)code);
}

static void test_kill_at_failpoints(void **state)
{
    struct fixture *f = *state;
    static const char *const plans[] = {"audit.append=kill", "store.commit=kill", "audit.append=eio",
                                        "store.commit=enospc"};
    char id[SW_RUN_ID];
    int64_t rows = 0;
    close_store(f);
    for (size_t i = 0; i < 4; i++) {
        setenv("SLIPWAY_FAILPOINT", plans[i], 1);
        int status = run_child(f, add_audited_run);
        unsetenv("SLIPWAY_FAILPOINT");
        reopen(f);
        if (WIFEXITED(status) && WEXITSTATUS(status) == SW_OK)
            skip();                                                         // built without failpoints
        fails(sw_run_resolve(f->store, "both", id, &f->err), SW_NOT_FOUND); // both or neither
        ok(sw_audit_verify(f->store, &rows, &f->err));
        assert_int_equal(rows, 0);
        close_store(f);
    }
    assert_int_equal(run_child(f, add_audited_run), 0); // the same command then does the work
    reopen(f);
    ok(sw_run_resolve(f->store, "both", id, &f->err));
}

// --- no space ---
static void fill_until_full(struct fixture *f)
{
    struct sw_store *s = NULL;
    struct rlimit limit = {600 << 10, 600 << 10};
    signal(SIGXFSZ, SIG_IGN);
    if (sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err) != SW_OK || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(98);
    enum sw_code code = SW_OK;
    for (int64_t i = 0; i < 100000 && code == SW_OK; i++) {
        struct sw_metric_point points[100];
        for (int j = 0; j < 100; j++)
            points[j] = (struct sw_metric_point){"m", (double)j, i * 100 + j, 0};
        code = sw_metric_write(s, shared_run, points, 100, &f->err);
    }
    bool has_hint = f->err.hint[0] != '\0' && sw_metric_write(s, shared_run, NULL, 0, &f->err) == SW_OK;
    // The connection is usable after the failure: reading works.
    struct sw_run run;
    if (sw_run_get(s, shared_run, f->arena, &run, &f->err) != SW_OK)
        _exit(97);
    _exit(has_hint ? (int)code : 96);
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    ok(sw_run_create(f->store, &(struct sw_run_new){0}, shared_run, &f->err));
    close_store(f);
    int status = run_child(f, fill_until_full);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), SW_NO_SPACE);
    reopen(f);
    check_intact(f);
    struct sw_metric_point point = {"m", 1, 1 << 30, 0};
    ok(sw_metric_write(f->store, shared_run, &point, 1, &f->err)); // there is space again: it goes on
    struct sw_run run;
    ok(sw_run_get(f->store, shared_run, f->arena, &run, &f->err));
    assert_int_equal(run.metrics[0].count % 100, 1);
}

// --- damage ---
static void fill(struct fixture *f)
{
    char id[SW_RUN_ID];
    for (int r = 0; r < 30; r++) {
        struct sw_metric_point points[50];
        ok(sw_run_create(f->store, &(struct sw_run_new){.source = "a long enough text to fill pages with"}, id,
                         &f->err));
        ok(sw_run_set_param(f->store, id, "lr", "0.1", &f->err));
        for (int i = 0; i < 50; i++)
            points[i] = (struct sw_metric_point){"m", i, i, i};
        ok(sw_metric_write(f->store, id, points, 50, &f->err));
    }
}

// Whatever is damaged: an answer or an error that says so, never a crash and never another kind of failure.
static void read_everything(struct fixture *f)
{
    struct sw_store *s = NULL;
    struct sw_store_health health;
    struct sw_run_list list;
    struct sw_run_query q = {.experiment_id = -1, .with = SW_RUN_WITH_PARAMS | SW_RUN_WITH_TAGS | SW_RUN_WITH_METRICS};
    enum sw_code code = sw_store_open(f->dir, SW_STORE_OPEN, &s, &f->err);
    bool is_intact = false;
    if (code == SW_OK)
        code = sw_store_check(s, true, &health, &f->err);
    if (code == SW_OK)
        is_intact = health.is_intact;
    if (code == SW_OK)
        code = sw_run_search(s, &q, f->arena, &list, &f->err);
    for (size_t i = 0; code == SW_OK && i < list.count; i++) {
        struct sw_metric_series series;
        code = sw_metric_read_series(s, list.items[i].run_id, "m", 0, 100, 10, f->arena, &series, &f->err);
        // A damaged id leads to a run that is not there.
        code = code == SW_NOT_FOUND && !is_intact ? SW_OK : code;
    }
    sw_store_close(s);
    // The state of a series is bytes to SQLite: reading it finds what the check cannot.
    is_intact = is_intact && code != SW_CORRUPT;
    bool is_fine = code == SW_OK || (!is_intact && f->err.message[0] != '\0');
    if (!is_fine)
        fprintf(stderr, "%s\n", f->err.message);
    _exit(!is_fine ? 90 : is_intact ? 0 : 1);
}

static void test_damage(void **state)
{
    struct fixture *f = *state;
    enum { PLACES = 150 };
    struct stat st;
    int found = 0;
    fill(f);
    close_store(f);
    int fd = open(in_dir(f, "slipway.db"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    for (int i = 0; i < PLACES; i++) {
        off_t at = i < 30 ? i * 3 : st.st_size / PLACES * i; // the header closely, the rest in steps
        unsigned char byte, flipped;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        flipped = byte ^ 0x55;
        assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
        int status = run_child(f, read_everything);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
            fail_msg("byte %ld: status %x", (long)at, (unsigned)status);
        found += WEXITSTATUS(status);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
    assert_true(found > PLACES / 8); // most of the rest is unused space and plain values
    reopen(f);
    check_intact(f);
}

// --- rights ---
static void as_nobody(struct fixture *f)
{
    struct sw_store *s = NULL;
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        _exit(98);
    enum sw_code create = sw_store_open(in_dir(f, "new"), SW_STORE_CREATE, &s, &f->err);
    bool told = f->err.hint[0] != '\0' && create == SW_IO;
    enum sw_code write = sw_store_open(in_dir(f, "made"), SW_STORE_OPEN, &s, &f->err);
    told = told && f->err.hint[0] != '\0' && write == SW_IO;
    _exit(told ? 0 : 1);
}

static void test_read_only_folder(void **state)
{
    struct fixture *f = *state;
    struct sw_store *s = NULL;
    ok(sw_store_open(in_dir(f, "made"), SW_STORE_CREATE, &s, &f->err));
    sw_store_close(s);
    // Others may look at the folder and read the file, but write neither.
    assert_int_equal(chmod(f->dir, 0555), 0);
    assert_int_equal(chmod(in_dir(f, "made"), 0555), 0);
    assert_int_equal(chmod(in_dir(f, "made/slipway.db"), 0444), 0);
    int status = run_child(f, as_nobody);
    assert_int_equal(chmod(in_dir(f, "made"), 0700), 0);
    assert_int_equal(chmod(f->dir, 0700), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_new_store),
        store_test(test_missing_and_foreign),
        store_test(test_newer_store),
        store_test(test_migration_with_backup),
        store_test(test_version_1_becomes_2),
        store_test(test_migration_that_fails_changes_nothing),
        store_test(test_kill_during_migration),
        store_test(test_many_create_at_once),
        store_test(test_transactions),
        store_test(test_change_count),
        store_test(test_locked),
        store_test(test_four_writers_without_errors),
        store_test(test_kill_mid_write),
        store_test(test_kill_at_failpoints),
        store_test(test_full_disk),
        store_test(test_damage),
        store_test(test_read_only_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
