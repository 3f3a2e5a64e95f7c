// SPDX-License-Identifier: Apache-2.0
// Runs, their params, tags and inputs. Searching stands in search.c, metric points in metric.c.
#include "core/store/run_private.h"

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/base/path.h"
#include "core/store/audit.h"
#include "core/store/experiment_private.h"
#include "core/store/run_name_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255, KEY_MAX_BYTES = 250, PARAM_MAX_BYTES = 6000, TAG_MAX_BYTES = 8000 };

static const char name_tag[] = "mlflow.runName"; // says what the column `name` says

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

// --- making runs ---
static enum sw_code put_name_tag(struct sw_store *s, int64_t run_key, const char *name, struct sw_err *err)
{
    return sw_sql_run(s, SQL_TAG_SET, SW_VALUES(sw_int(run_key), sw_text(name_tag), sw_text(name)), err);
}

static enum sw_code choose_id(struct sw_store *s, const char *wanted, char id[static SW_RUN_ID], struct sw_err *err)
{
    if (wanted == NULL)
        return sw_random_id(id, err);
    if (!sw_run_id_is_valid(wanted))
        return sw_err_set(err, SW_INVALID, "the run id '%.64s' is not 32 hex digits", wanted);
    int64_t taken = 0;
    snprintf(id, SW_RUN_ID, "%s", wanted);
    enum sw_code code = sw_sql_int(s, SQL_RUN_KEY, SW_VALUES(sw_text(id)), 0, &taken, err);
    return code == SW_OK && taken != 0 ? sw_err_set(err, SW_EXISTS, "a run %s exists", id) : code;
}

enum sw_code sw_run_insert(struct sw_store *s, const struct sw_run_new *n, char run_id[static SW_RUN_ID],
                           int64_t *run_key, struct sw_err *err)
{
    char id[SW_RUN_ID], invented[SW_RUN_NAME_INVENTED];
    const char *name = n->name, *user = n->user != NULL ? n->user : sw_audit_user();
    int64_t experiment = 0;
    enum sw_code code = choose_id(s, n->run_id, id, err);
    if (code == SW_OK && (name == NULL || *name == '\0')) {
        code = sw_run_name_invent(invented, sizeof invented, err);
        name = invented;
    }
    if (code == SW_OK)
        code = sw_name_check("the run's name", name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the run's user", user, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the run's source", n->source, 1 << 20, err);
    if (code == SW_OK)
        code = sw_experiment_choose(s, n->experiment, n->experiment_id, &experiment, err);
    if (code == SW_OK)
        code =
            sw_sql_run(s, SQL_RUN_ADD,
                       SW_VALUES(sw_text(id), sw_int(experiment), sw_text(name), sw_text(sw_run_status_word(n->status)),
                                 sw_text(user), sw_text(n->source != NULL ? n->source : ""),
                                 sw_int(n->start_ms != 0 ? n->start_ms : sw_clock_now_ms()), sw_int_or_null(n->job_id)),
                       err);
    if (code != SW_OK)
        return code;
    int64_t key = sqlite3_last_insert_rowid(s->db);
    code = put_name_tag(s, key, name, err);
    if (code == SW_OK) {
        *run_key = key;
        memcpy(run_id, id, SW_RUN_ID);
    }
    return code;
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
    run->artifact_experiment_id = sw_column_int(r, 13);
    run->artifact_location = sw_column_text(r, 14);
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
    m->last_time_ms = sw_column_int(r, 7);
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
        {SW_RUN_WITH_PARAMS, SQL_RUN_PARAMS, sizeof(struct sw_pair), sw_pair_read},
        {SW_RUN_WITH_TAGS, SQL_RUN_TAGS, sizeof(struct sw_pair), sw_pair_read},
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

static enum sw_code update(struct sw_store *s, const char *run_id, const struct sw_run_change *c, struct sw_err *err)
{
    int64_t run_key = 0;
    const char *status = c->has_status ? sw_run_status_word(c->status) : NULL;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_RUN_UPDATE,
                          SW_VALUES(sw_int(run_key), sw_text(status), sw_int(c->has_end), sw_int_or_null(c->end_ms),
                                    sw_text(c->name)),
                          err);
    return code == SW_OK && c->name != NULL ? put_name_tag(s, run_key, c->name, err) : code;
}

enum sw_code sw_run_update(struct sw_store *s, const char *run_id, const struct sw_run_change *change,
                           struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code =
        change->name != NULL ? sw_name_check("the run's name", change->name, NAME_MAX_BYTES, err) : SW_OK;
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, update(s, run_id, change, err), err) : code;
}

enum sw_code sw_run_rename(struct sw_store *s, const char *run_id, const char *name, struct sw_err *err)
{
    return sw_run_update(s, run_id, &(struct sw_run_change){.name = name != NULL ? name : ""}, err);
}

static void read_peek(struct sw_reader *r, void *item)
{
    struct sw_run_peek *peek = item;
    char status[16];
    peek->experiment_id = sw_column_int(r, 0);
    sw_column_copy(r, 1, status, sizeof status);
    peek->status = status_of_word(status);
    peek->is_deleted = sw_column_int(r, 2) != 0;
}

enum sw_code sw_run_peek(struct sw_store *s, const char *run_id, struct sw_run_peek *out, struct sw_err *err)
{
    bool found = false;
    enum sw_code code = sw_sql_get(s, SQL_RUN_PEEK, SW_VALUES(sw_text(run_id)), NULL, read_peek, out, &found, err);
    return code == SW_OK && !found ? not_found(run_id, err) : code;
}

static enum sw_code move_run(struct sw_store *s, const char *run_id, int64_t experiment_id, struct sw_err *err)
{
    int64_t run_key = 0, experiment = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_experiment_choose(s, NULL, experiment_id, &experiment, err);
    return code == SW_OK ? sw_sql_run(s, SQL_RUN_MOVE, SW_VALUES(sw_int(run_key), sw_int(experiment)), err) : code;
}

enum sw_code sw_run_move(struct sw_store *s, const char *run_id, int64_t experiment_id, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, move_run(s, run_id, experiment_id, err), err) : code;
}

enum sw_code sw_run_set_deleted(struct sw_store *s, const char *run_id, bool deleted, struct sw_err *err)
{
    struct sw_value values[] = {sw_int(0), sw_int(deleted)};
    return change_run(s, run_id, SQL_RUN_SET_DELETED, values, 2, err);
}

static enum sw_code delete_tag(struct sw_store *s, const char *run_id, const char *key, struct sw_err *err)
{
    int64_t run_key = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_TAG_DELETE, SW_VALUES(sw_int(run_key), sw_text(key)), err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        code = sw_err_set(err, SW_NOT_FOUND, "the run %.12s has no tag '%.250s'", run_id, key);
    return code;
}

static enum sw_code set_tag(struct sw_store *s, const char *run_id, const char *key, const char *value,
                            struct sw_err *err)
{
    if (value == NULL)
        return delete_tag(s, run_id, key, err);
    if (strcmp(key, name_tag) == 0) // an empty one leaves the name
        return sw_run_update(s, run_id, &(struct sw_run_change){.name = *value != '\0' ? value : NULL}, err);
    int64_t run_key = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    return code == SW_OK ? sw_sql_run(s, SQL_TAG_SET, SW_VALUES(sw_int(run_key), sw_text(key), sw_text(value)), err)
                         : code;
}

enum sw_code sw_run_set_tag(struct sw_store *s, const char *run_id, const char *key, const char *value,
                            struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_name_check("the tag's key", key, KEY_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the tag's value", value, TAG_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, set_tag(s, run_id, key, value, err), err) : code;
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

// --- artifacts ---
const char *sw_run_artifact_uri(const struct sw_run *run, struct sw_arena *a)
{
    size_t len = strlen(run->artifact_location);
    while (len > 0 && run->artifact_location[len - 1] == '/')
        len--;
    if (len == 0)
        return sw_arena_printf(a, "mlflow-artifacts:/%" PRId64 "/%s/artifacts", run->artifact_experiment_id,
                               run->run_id);
    return sw_arena_printf(a, "%.*s/%s/artifacts", (int)len, run->artifact_location, run->run_id);
}

enum sw_code sw_run_artifact_dir(struct sw_store *s, const char *run_id, char *out, struct sw_err *err)
{
    int64_t run_key = 0, experiment = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_RUN_ARTIFACT_EXPERIMENT, SW_VALUES(sw_int(run_key)), 0, &experiment, err);
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
