// SPDX-License-Identifier: Apache-2.0
// Experiments and runs, their params, tags and inputs. Searching stands in search.c, metric points in metric.c.
#include "core/store/run_private.h"

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/path.h"
#include "core/store/audit.h"
#include "core/store/run_name_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 255,
    EXPERIMENT_MAX_BYTES = 500,
    KEY_MAX_BYTES = 250,
    PARAM_MAX_BYTES = 6000,
    TAG_MAX_BYTES = 8000
};

static const char *const status_words[] = {
    [SW_RUN_SCHEDULED] = "SCHEDULED", [SW_RUN_RUNNING] = "RUNNING", [SW_RUN_FINISHED] = "FINISHED",
    [SW_RUN_FAILED] = "FAILED",       [SW_RUN_KILLED] = "KILLED",
};
enum { STATUS_COUNT = sizeof status_words / sizeof *status_words };

const char *sw_run_status_word(enum sw_run_status status)
{
    return (unsigned)status < STATUS_COUNT ? status_words[status] : "-";
}

static enum sw_run_status status_of_word(const char *word)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++)
        if (strcmp(word, status_words[i]) == 0)
            return (enum sw_run_status)i;
    return SW_RUN_FAILED;
}

static bool is_ended(enum sw_run_status status)
{
    return status == SW_RUN_FINISHED || status == SW_RUN_FAILED || status == SW_RUN_KILLED;
}

bool sw_run_id_is_valid(const char *text)
{
    return strlen(text) == SW_RUN_ID - 1 && strspn(text, "0123456789abcdef") == SW_RUN_ID - 1;
}

static enum sw_code not_found(const char *run_id, struct sw_err *err)
{
    (void)sw_err_set(err, SW_NOT_FOUND, "there is no run %s", run_id);
    return sw_err_hint(err, "`slipway runs` lists them");
}

enum sw_code sw_run_key(struct sw_store *s, const char *run_id, int64_t *run_key, struct sw_err *err)
{
    int64_t key = 0;
    enum sw_code code = sw_sql_int(s, SQL_RUN_KEY, SW_VALUES(sw_text(run_id)), 0, &key, err);
    if (code != SW_OK)
        return code;
    if (key == 0)
        return not_found(run_id, err);
    *run_key = key;
    return SW_OK;
}

// --- experiments ---
static void read_experiment(struct sw_reader *r, void *item)
{
    *(struct sw_experiment *)item = (struct sw_experiment){.experiment_id = sw_column_int(r, 0),
                                                           .name = sw_column_text(r, 1),
                                                           .created_ms = sw_column_int(r, 2),
                                                           .is_deleted = sw_column_int(r, 3) != 0};
}

enum sw_code sw_experiment_list(struct sw_store *s, struct sw_arena *a, struct sw_experiment **out, size_t *count,
                                struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_EXPERIMENT_LIST, SW_NO_VALUES, a, sizeof **out, read_experiment, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return code;
}

static enum sw_code find_or_add_experiment(struct sw_store *s, const char *name, int64_t *id, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the experiment's name", name, EXPERIMENT_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_EXPERIMENT_FIND, SW_VALUES(sw_text(name)), -1, id, err);
    if (code != SW_OK || *id >= 0)
        return code;
    code = sw_sql_run(s, SQL_EXPERIMENT_ADD, SW_VALUES(sw_text(name), sw_int(sw_clock_now_ms())), err);
    if (code == SW_OK)
        *id = sqlite3_last_insert_rowid(s->db);
    return code;
}

// --- making runs ---
enum sw_code sw_run_insert(struct sw_store *s, const struct sw_run_new *n, char run_id[static SW_RUN_ID],
                           int64_t *run_key, struct sw_err *err)
{
    char id[SW_RUN_ID], invented[SW_RUN_NAME_INVENTED];
    const char *name = n->name;
    int64_t experiment = 0, taken = 0;
    enum sw_code code = SW_OK;
    if (n->run_id == NULL)
        code = sw_random_id(id, err);
    else if (!sw_run_id_is_valid(n->run_id))
        code = sw_err_set(err, SW_INVALID, "the run id '%.64s' is not 32 hex digits", n->run_id);
    else
        snprintf(id, sizeof id, "%s", n->run_id);
    if (code == SW_OK && name == NULL) {
        code = sw_run_name_invent(invented, sizeof invented, err);
        name = invented;
    }
    if (code == SW_OK)
        code = sw_name_check("the run's name", name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the run's source", n->source, 1 << 20, err);
    if (code == SW_OK)
        code = find_or_add_experiment(s, n->experiment != NULL ? n->experiment : "Default", &experiment, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_RUN_KEY, SW_VALUES(sw_text(id)), 0, &taken, err);
    if (code == SW_OK && taken != 0)
        code = sw_err_set(err, SW_EXISTS, "a run %s exists", id);
    if (code == SW_OK)
        code =
            sw_sql_run(s, SQL_RUN_ADD,
                       SW_VALUES(sw_text(id), sw_int(experiment), sw_text(name), sw_text(sw_run_status_word(n->status)),
                                 sw_text(sw_audit_user()), sw_text(n->source != NULL ? n->source : ""),
                                 sw_int(n->start_ms != 0 ? n->start_ms : sw_clock_now_ms()), sw_int_or_null(n->job_id)),
                       err);
    if (code != SW_OK)
        return code;
    *run_key = sqlite3_last_insert_rowid(s->db);
    memcpy(run_id, id, SW_RUN_ID);
    return SW_OK;
}

enum sw_code sw_run_create(struct sw_store *s, const struct sw_run_new *n, char run_id[static SW_RUN_ID],
                           struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code != SW_OK)
        return code;
    char id[SW_RUN_ID];
    int64_t run_key = 0;
    code = sw_step_end(s, &step, sw_run_insert(s, n, id, &run_key, err), err);
    if (code == SW_OK)
        memcpy(run_id, id, SW_RUN_ID);
    return code;
}

// --- reading runs ---
void sw_run_read_row(struct sw_reader *r, void *item)
{
    struct sw_run_row *row = item;
    struct sw_run *run = &row->run;
    char status[16];
    row->run_key = sw_column_int(r, 0);
    sw_column_copy(r, 1, run->run_id, sizeof run->run_id);
    run->experiment_id = sw_column_int(r, 2);
    run->experiment_name = sw_column_text(r, 3);
    run->name = sw_column_text(r, 4);
    sw_column_copy(r, 5, status, sizeof status);
    run->status = status_of_word(status);
    run->user = sw_column_text(r, 6);
    run->source = sw_column_text(r, 7);
    run->start_ms = sw_column_int(r, 8);
    run->end_ms = sw_column_int(r, 9);
    run->is_deleted = sw_column_int(r, 10) != 0;
    run->job_id = sw_column_int(r, 11);
    run->note = sw_column_text(r, 12);
}

static void read_pair(struct sw_reader *r, void *item)
{
    *(struct sw_pair *)item = (struct sw_pair){sw_column_text(r, 0), sw_column_text(r, 1)};
}

static void read_summary(struct sw_reader *r, void *item)
{
    struct sw_metric_summary *m = item;
    m->key = sw_column_text(r, 0);
    m->last = sw_column_int(r, 2) != 0 ? NAN : sw_column_real(r, 1);
    m->min = sw_column_real(r, 3);
    m->max = sw_column_real(r, 4);
    m->has_range = !isnan(m->min);
    m->last_step = sw_column_int(r, 5);
    m->count = sw_column_int(r, 6);
}

enum sw_code sw_run_load_details(struct sw_store *s, unsigned with, struct sw_arena *a, struct sw_run_row *row,
                                 struct sw_err *err)
{
    static const struct {
        unsigned flag;
        enum sw_sql sql;
        size_t item_size;
        sw_row_read read;
    } lists[] = {
        {SW_RUN_WITH_PARAMS, SQL_RUN_PARAMS, sizeof(struct sw_pair), read_pair},
        {SW_RUN_WITH_TAGS, SQL_RUN_TAGS, sizeof(struct sw_pair), read_pair},
        {SW_RUN_WITH_METRICS, SQL_RUN_METRICS, sizeof(struct sw_metric_summary), read_summary},
    };
    struct sw_rows rows[3] = {0};
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < 3 && code == SW_OK; i++)
        if (with & lists[i].flag)
            code = sw_sql_list(s, lists[i].sql, SW_VALUES(sw_int(row->run_key)), a, lists[i].item_size, lists[i].read,
                               &rows[i], err);
    if (code != SW_OK)
        return code;
    struct sw_run *run = &row->run;
    run->params = rows[0].items;
    run->param_count = rows[0].count;
    run->tags = rows[1].items;
    run->tag_count = rows[1].count;
    run->metrics = rows[2].items;
    run->metric_count = rows[2].count;
    return SW_OK;
}

enum sw_code sw_run_get(struct sw_store *s, const char *run_id, struct sw_arena *a, struct sw_run *out,
                        struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    if (code != SW_OK)
        return code;
    struct sw_run_row row = {0};
    bool found = false;
    code = sw_sql_get(s, SQL_RUN_GET, SW_VALUES(sw_text(run_id)), a, sw_run_read_row, &row, &found, err);
    if (code == SW_OK && !found)
        code = not_found(run_id, err);
    if (code == SW_OK)
        code = sw_run_load_details(s, SW_RUN_WITH_PARAMS | SW_RUN_WITH_TAGS | SW_RUN_WITH_METRICS, a, &row, err);
    if (code == SW_OK)
        *out = row.run;
    return sw_snapshot_end(s, &step, code);
}

// --- names of runs ---
struct candidates {
    int count, live;
    char first[SW_RUN_ID]; // the first live one, else the first
    char list[320];        // "1a2b3c4d bold-otter-12, ..." for the message
};

static void add_candidate(struct candidates *c, sqlite3_stmt *st)
{
    const char *id = (const char *)sqlite3_column_text(st, 0);
    const char *name = (const char *)sqlite3_column_text(st, 1);
    if (c->count == 0)
        snprintf(c->first, sizeof c->first, "%s", id);
    size_t used = strlen(c->list);
    if (c->count < 6)
        snprintf(c->list + used, sizeof c->list - used, "%s%.12s %.30s", used > 0 ? ", " : "", id, name);
    else
        snprintf(c->list + used, sizeof c->list - used, ", ...");
    c->count++;
    c->live += sqlite3_column_int(st, 2) == 0;
}

enum sw_code sw_run_resolve(struct sw_store *s, const char *name, char run_id[static SW_RUN_ID], struct sw_err *err)
{
    size_t len = strlen(name);
    bool is_prefix = len >= 4 && len < SW_RUN_ID && strspn(name, "0123456789abcdef") == len;
    // All ids that begin with the prefix lie between it and itself followed by a letter past 'f'.
    char above[SW_RUN_ID + 1];
    snprintf(above, sizeof above, "%.32sg", is_prefix ? name : "");
    sqlite3_stmt *st = NULL;
    enum sw_code code = sw_sql_open(
        s, SQL_RUN_CANDIDATES, SW_VALUES(sw_text(name), sw_text(is_prefix ? name : NULL), sw_text(above)), &st, err);
    struct candidates c = {0};
    bool has_row = false;
    while (code == SW_OK && (code = sw_sql_next(s, st, &has_row, err)) == SW_OK && has_row)
        add_candidate(&c, st);
    if (code != SW_OK)
        return code;
    if (c.count == 0)
        return not_found(name, err);
    // A deleted run gives way to a live one of the same name.
    if (c.count > 1 && c.live != 1) {
        (void)sw_err_set(err, SW_AMBIGUOUS, "'%.64s' fits several runs: %s", name, c.list);
        return sw_err_hint(err, "give more digits of the id");
    }
    memcpy(run_id, c.first, SW_RUN_ID);
    return SW_OK;
}

// --- changing runs ---
// One UPDATE (or the like) on a run that must exist; values[0] is replaced by its key.
static enum sw_code change_run(struct sw_store *s, const char *run_id, enum sw_sql sql, struct sw_value *values,
                               size_t count, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code != SW_OK)
        return code;
    int64_t run_key = 0;
    code = sw_run_key(s, run_id, &run_key, err);
    values[0] = sw_int(run_key);
    if (code == SW_OK)
        code = sw_sql_run(s, sql, values, count, err);
    return sw_step_end(s, &step, code, err);
}

enum sw_code sw_run_finish(struct sw_store *s, const char *run_id, enum sw_run_status status, int64_t end_ms,
                           struct sw_err *err)
{
    struct sw_value values[] = {sw_int(0), sw_text(sw_run_status_word(status)),
                                sw_int(end_ms != 0 ? end_ms : sw_clock_now_ms())};
    return change_run(s, run_id, SQL_RUN_FINISH, values, 3, err);
}

enum sw_code sw_run_set_status(struct sw_store *s, const char *run_id, enum sw_run_status status, struct sw_err *err)
{
    struct sw_value values[] = {sw_int(0), sw_text(sw_run_status_word(status)), sw_int(is_ended(status))};
    return change_run(s, run_id, SQL_RUN_SET_STATUS, values, 3, err);
}

enum sw_code sw_run_rename(struct sw_store *s, const char *run_id, const char *name, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the run's name", name, NAME_MAX_BYTES, err);
    struct sw_value values[] = {sw_int(0), sw_text(name)};
    return code == SW_OK ? change_run(s, run_id, SQL_RUN_RENAME, values, 2, err) : code;
}

enum sw_code sw_run_set_deleted(struct sw_store *s, const char *run_id, bool deleted, struct sw_err *err)
{
    struct sw_value values[] = {sw_int(0), sw_int(deleted)};
    return change_run(s, run_id, SQL_RUN_SET_DELETED, values, 2, err);
}

enum sw_code sw_run_set_tag(struct sw_store *s, const char *run_id, const char *key, const char *value,
                            struct sw_err *err)
{
    enum sw_code code = sw_name_check("the tag's key", key, KEY_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the tag's value", value, TAG_MAX_BYTES, err);
    if (code != SW_OK)
        return code;
    struct sw_value values[] = {sw_int(0), sw_text(key), sw_text(value)};
    return value != NULL ? change_run(s, run_id, SQL_TAG_SET, values, 3, err)
                         : change_run(s, run_id, SQL_TAG_DELETE, values, 2, err);
}

static enum sw_code add_param(struct sw_store *s, const char *run_id, const char *key, const char *value,
                              struct sw_err *err)
{
    int64_t run_key = 0;
    sqlite3_stmt *st = NULL;
    bool has_row = false;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_sql_open(s, SQL_PARAM_GET, SW_VALUES(sw_int(run_key), sw_text(key)), &st, err);
    if (code == SW_OK)
        code = sw_sql_next(s, st, &has_row, err);
    if (code != SW_OK)
        return code;
    if (!has_row)
        return sw_sql_run(s, SQL_PARAM_ADD, SW_VALUES(sw_int(run_key), sw_text(key), sw_text(value)), err);
    const char *present = (const char *)sqlite3_column_text(st, 0);
    if (present == NULL || strcmp(present, value) != 0) {
        code = sw_err_set(err, SW_INVALID, "param %.80s of run %.12s is %.80s already and cannot become %.80s", key,
                          run_id, present != NULL ? present : "", value);
        (void)sw_err_hint(err, "params never change; use a tag for what does");
    }
    sqlite3_reset(st);
    return code;
}

enum sw_code sw_run_set_param(struct sw_store *s, const char *run_id, const char *key, const char *value,
                              struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the param's key", key, KEY_MAX_BYTES, err);
    if (code == SW_OK && value == NULL)
        code = sw_err_set(err, SW_INVALID, "param %.80s has no value", key);
    if (code == SW_OK)
        code = sw_text_check("the param's value", value, PARAM_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, add_param(s, run_id, key, value, err), err) : code;
}

enum sw_code sw_run_add_input(struct sw_store *s, const char *run_id, int64_t dataset_id, const char *context,
                              struct sw_err *err)
{
    int64_t found = 0;
    enum sw_code code = sw_text_check("the input's context", context, KEY_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_DATASET_EXISTS, SW_VALUES(sw_int(dataset_id)), 0, &found, err);
    if (code == SW_OK && found == 0)
        code = sw_err_set(err, SW_NOT_FOUND, "there is no data set with id %" PRId64, dataset_id);
    struct sw_value values[] = {sw_int(0), sw_int(dataset_id), sw_text(context != NULL ? context : "")};
    return code == SW_OK ? change_run(s, run_id, SQL_RUN_ADD_INPUT, values, 3, err) : code;
}

enum sw_code sw_run_artifact_dir(struct sw_store *s, const char *run_id, char *out, struct sw_err *err)
{
    int64_t run_key = 0, experiment = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_RUN_EXPERIMENT, SW_VALUES(sw_int(run_key)), 0, &experiment, err);
    if (code != SW_OK)
        return code;
    char path[SW_PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/artifacts/%" PRId64 "/%s/artifacts", s->dir, experiment, run_id);
    if (len < 0 || (size_t)len >= sizeof path)
        return sw_err_set(err, SW_LIMIT, "the path of the artifacts of run %.12s is too long", run_id);
    if (!s->read_only)
        code = sw_path_make_dirs(path, err);
    if (code == SW_OK)
        memcpy(out, path, (size_t)len + 1);
    return code;
}
