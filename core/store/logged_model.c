// SPDX-License-Identifier: Apache-2.0
// Rows of logged models; searching them is registry_search.c's. The word of the status is stored as MLflow spells it, so
// that filters compare it.
#include "core/store/logged_model.h"

#include "core/base/clock.h"
#include "core/base/hash.h"
#include "core/store/logged_model_private.h"
#include "core/store/run_name_private.h"

#include <float.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 500,
    KEY_MAX_BYTES = 255,
    VALUE_MAX_BYTES = 8000,
    DATASET_MAX_BYTES = 500,
    VERSIONS_MAX_BYTES = 1 << 20,
};
#define VERSIONS_TAG "mlflow.modelVersions"

static const char *const status_words[] = {
    [SW_LOGGED_MODEL_PENDING] = "LOGGED_MODEL_PENDING",
    [SW_LOGGED_MODEL_READY] = "LOGGED_MODEL_READY",
    [SW_LOGGED_MODEL_UPLOAD_FAILED] = "LOGGED_MODEL_UPLOAD_FAILED",
};

const char *sw_logged_model_status_word(enum sw_logged_model_status status)
{
    return status_words[status];
}

bool sw_logged_model_status_parse(const char *word, enum sw_logged_model_status *out)
{
    for (size_t i = 0; i < sizeof status_words / sizeof *status_words; i++) {
        if (strcmp(status_words[i], word) != 0)
            continue;
        *out = (enum sw_logged_model_status)i;
        return true;
    }
    return false;
}

// --- reading ---
void sw_logged_model_read(struct sw_reader *r, void *item)
{
    struct sw_logged_model *m = item;
    m->model_key = sw_column_int(r, 0);
    sw_column_copy(r, 1, m->model_id, sizeof m->model_id);
    m->experiment_id = sw_column_int(r, 2);
    m->artifact_location = sw_column_text(r, 3);
    m->name = sw_column_text(r, 4);
    m->model_type = sw_column_text(r, 5);
    m->source_run_id = sw_column_text(r, 6);
    m->status_message = sw_column_text(r, 8);
    m->created_ms = sw_column_int(r, 9);
    m->updated_ms = sw_column_int(r, 10);
    m->is_deleted = sw_column_int(r, 11) != 0;
    if (!sw_logged_model_status_parse(sw_column_text(r, 7), &m->status))
        m->status = SW_LOGGED_MODEL_PENDING;
}

static void read_metric(struct sw_reader *r, void *item)
{
    *(struct sw_logged_metric *)item = (struct sw_logged_metric){
        .key = sw_column_text(r, 0),
        .value = sw_column_real(r, 1),
        .step = sw_column_int(r, 2),
        .time_ms = sw_column_int(r, 3),
        .run_id = sw_column_text(r, 4),
        .dataset_name = sw_column_text(r, 5),
        .dataset_digest = sw_column_text(r, 6),
    };
}

enum sw_code sw_logged_model_load(struct sw_store *s, struct sw_arena *a, struct sw_logged_model *m, struct sw_err *err)
{
    struct sw_rows params = {0}, tags = {0}, metrics = {0};
    enum sw_code code = sw_sql_list(s, SQL_LOGGED_PARAMS, SW_VALUES(sw_int(m->model_key)), a, sizeof *m->params,
                                    sw_pair_read, &params, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_LOGGED_TAGS, SW_VALUES(sw_int(m->model_key)), a, sizeof *m->tags, sw_pair_read, &tags,
                           err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_LOGGED_METRICS, SW_VALUES(sw_int(m->model_key)), a, sizeof *m->metrics, read_metric,
                           &metrics, err);
    if (code != SW_OK)
        return code;
    m->params = params.items;
    m->param_count = params.count;
    m->tags = tags.items;
    m->tag_count = tags.count;
    m->metrics = metrics.items;
    m->metric_count = metrics.count;
    return SW_OK;
}

static enum sw_code no_model(const char *model_id, struct sw_err *err)
{
    return sw_err_set(err, SW_NOT_FOUND, "Logged model with ID '%.80s' not found.", model_id);
}

static enum sw_code get(struct sw_store *s, const char *model_id, enum sw_view view, struct sw_arena *a,
                        struct sw_logged_model *out, struct sw_err *err)
{
    struct sw_logged_model m = {0};
    bool found = false;
    enum sw_code code =
        sw_sql_get(s, SQL_LOGGED_GET, SW_VALUES(sw_text(model_id)), a, sw_logged_model_read, &m, &found, err);
    if (code == SW_OK &&
        (!found || (view == SW_VIEW_ACTIVE && m.is_deleted) || (view == SW_VIEW_DELETED && !m.is_deleted)))
        return no_model(model_id, err);
    if (code == SW_OK)
        code = sw_logged_model_load(s, a, &m, err);
    if (code == SW_OK)
        *out = m;
    return code;
}

enum sw_code sw_logged_model_get(struct sw_store *s, const char *model_id, enum sw_view view, struct sw_arena *a,
                                 struct sw_logged_model *out, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, get(s, model_id, view, a, out, err)) : code;
}

const char *sw_logged_model_artifact_uri(const struct sw_logged_model *m, struct sw_arena *a)
{
    size_t len = strlen(m->artifact_location);
    while (len > 0 && m->artifact_location[len - 1] == '/')
        len--;
    if (len > 0)
        return sw_arena_printf(a, "%.*s/models/%s/artifacts", (int)len, m->artifact_location, m->model_id);
    return sw_arena_printf(a, "mlflow-artifacts:/%" PRId64 "/models/%s/artifacts", m->experiment_id, m->model_id);
}

// --- creating ---
static enum sw_code check_name(const char *name, struct sw_err *err)
{
    if (name == NULL)
        return SW_OK;
    if (name[0] == '\0' || strpbrk(name, "/:.%\"'") != NULL)
        return sw_err_set(err, SW_INVALID,
                          "Invalid model name ('%.100s') provided. Model name must be a non-empty string and cannot "
                          "contain the following characters: ('/', ':', '.', '%%', '\"', \"'\")",
                          name);
    return sw_name_check("the model's name", name, NAME_MAX_BYTES, err);
}

static enum sw_code check_pairs(const char *what, const struct sw_pair *pairs, size_t count, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        code = sw_name_check("the key", pairs[i].key, KEY_MAX_BYTES, err);
        if (code == SW_OK)
            code = sw_text_check("the value", pairs[i].value, VALUE_MAX_BYTES, err);
        if (code != SW_OK)
            (void)sw_err_wrap(err, "%s of a logged model", what);
    }
    return code;
}

static enum sw_code add_params(struct sw_store *s, int64_t model_key, const struct sw_pair *params, size_t count,
                               struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        int64_t is_same = 0;
        code = sw_sql_run(s, SQL_LOGGED_PARAM_ADD,
                          SW_VALUES(sw_int(model_key), sw_text(params[i].key), sw_text(params[i].value)), err);
        if (code == SW_OK)
            code = sw_sql_int(s, SQL_LOGGED_PARAM_IS,
                              SW_VALUES(sw_int(model_key), sw_text(params[i].key), sw_text(params[i].value)), 0,
                              &is_same, err);
        if (code == SW_OK && is_same == 0)
            code = sw_err_set(err, SW_INVALID, "the logged model has a param '%.100s' with another value already",
                              params[i].key);
    }
    return code;
}

static enum sw_code set_tags(struct sw_store *s, int64_t model_key, const struct sw_pair *tags, size_t count,
                             struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = sw_sql_run(s, SQL_LOGGED_TAG_SET,
                          SW_VALUES(sw_int(model_key), sw_text(tags[i].key), sw_text(tags[i].value)), err);
    return code;
}

static enum sw_code create(struct sw_store *s, const struct sw_logged_model_new *n, const char *model_id,
                           const char *name, struct sw_err *err)
{
    int64_t experiment_id = 0;
    enum sw_code code = sw_experiment_choose(s, NULL, n->experiment_id, &experiment_id, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_LOGGED_ADD,
                          SW_VALUES(sw_text(model_id), sw_int(experiment_id), sw_text(name),
                                    sw_text(n->model_type != NULL ? n->model_type : ""),
                                    sw_text(n->source_run_id != NULL ? n->source_run_id : ""),
                                    sw_text(status_words[SW_LOGGED_MODEL_PENDING]), sw_int(sw_clock_now_ms())),
                          err);
    int64_t model_key = sqlite3_last_insert_rowid(s->db);
    if (code == SW_OK)
        code = add_params(s, model_key, n->params, n->param_count, err);
    return code == SW_OK ? set_tags(s, model_key, n->tags, n->tag_count, err) : code;
}

enum sw_code sw_logged_model_create(struct sw_store *s, const struct sw_logged_model_new *n,
                                    char model_id[static SW_MODEL_ID], struct sw_err *err)
{
    char id[SW_MODEL_ID] = "m-", name[SW_RUN_NAME_INVENTED];
    struct sw_step step;
    enum sw_code code = check_name(n->name, err);
    if (code == SW_OK)
        code = sw_text_check("the model's type", n->model_type, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the model's run", n->source_run_id, SW_RUN_ID - 1, err);
    if (code == SW_OK)
        code = check_pairs("a param", n->params, n->param_count, err);
    if (code == SW_OK)
        code = check_pairs("a tag", n->tags, n->tag_count, err);
    if (code == SW_OK)
        code = sw_random_id(id + 2, err);
    if (code == SW_OK && n->name == NULL)
        code = sw_run_name_invent(name, sizeof name, err);
    if (code == SW_OK)
        code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, create(s, n, id, n->name != NULL ? n->name : name, err), err);
    if (code == SW_OK)
        memcpy(model_id, id, sizeof id);
    return code;
}

// --- changing ---
// Begins a step on a model, deleted or not.
static enum sw_code begin(struct sw_store *s, const char *model_id, struct sw_step *step, int64_t *model_key,
                          struct sw_err *err)
{
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, step, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_int(s, SQL_LOGGED_KEY, SW_VALUES(sw_text(model_id)), 0, model_key, err);
    if (code == SW_OK && *model_key == 0)
        code = no_model(model_id, err);
    return code == SW_OK ? SW_OK : sw_step_end(s, step, code, err);
}

enum sw_code sw_logged_model_finish(struct sw_store *s, const char *model_id, enum sw_logged_model_status status,
                                    struct sw_err *err)
{
    struct sw_step step;
    int64_t key = 0;
    enum sw_code code = begin(s, model_id, &step, &key, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_LOGGED_FINISH,
                      SW_VALUES(sw_int(key), sw_text(status_words[status]), sw_int(sw_clock_now_ms())), err);
    return sw_step_end(s, &step, code, err);
}

enum sw_code sw_logged_model_delete(struct sw_store *s, const char *model_id, struct sw_err *err)
{
    struct sw_step step;
    int64_t key = 0;
    enum sw_code code = begin(s, model_id, &step, &key, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_LOGGED_HIDE, SW_VALUES(sw_int(key), sw_int(sw_clock_now_ms())), err);
    return sw_step_end(s, &step, code, err);
}

enum sw_code sw_logged_model_add_params(struct sw_store *s, const char *model_id, const struct sw_pair *params,
                                        size_t count, struct sw_err *err)
{
    struct sw_step step;
    int64_t key = 0;
    enum sw_code code = check_pairs("a param", params, count, err);
    if (code == SW_OK)
        code = begin(s, model_id, &step, &key, err);
    return code == SW_OK ? sw_step_end(s, &step, add_params(s, key, params, count, err), err) : code;
}

enum sw_code sw_logged_model_set_tags(struct sw_store *s, const char *model_id, const struct sw_pair *tags,
                                      size_t count, struct sw_err *err)
{
    struct sw_step step;
    int64_t key = 0;
    enum sw_code code = check_pairs("a tag", tags, count, err);
    if (code == SW_OK)
        code = begin(s, model_id, &step, &key, err);
    return code == SW_OK ? sw_step_end(s, &step, set_tags(s, key, tags, count, err), err) : code;
}

enum sw_code sw_logged_model_delete_tag(struct sw_store *s, const char *model_id, const char *key, struct sw_err *err)
{
    struct sw_step step;
    int64_t model_key = 0;
    enum sw_code code = begin(s, model_id, &step, &model_key, err);
    if (code != SW_OK)
        return code;
    code = sw_sql_run(s, SQL_LOGGED_TAG_DELETE, SW_VALUES(sw_int(model_key), sw_text(key)), err);
    if (code == SW_OK && sqlite3_changes(s->db) == 0)
        code =
            sw_err_set(err, SW_NOT_FOUND, "No tag with key '%.200s' found for model with ID '%.40s'.", key, model_id);
    return sw_step_end(s, &step, code, err);
}

// --- versions made of it ---
// The list with one entry more, as text; NULL without memory. A tag that is no list of ours is begun anew.
static char *versions_with(const char *before, const char *name, int64_t version)
{
    json_t *entry = json_pack("{s:s, s:I}", "name", name, "version", (json_int_t)version);
    json_t *list = json_loads(before, 0, NULL);
    if (!json_is_array(list)) {
        json_decref(list);
        list = json_array();
    }
    bool is_there = false;
    for (size_t i = 0; i < json_array_size(list); i++)
        is_there = is_there || json_equal(json_array_get(list, i), entry) != 0;
    char *text = NULL;
    if (is_there || (entry != NULL && json_array_append(list, entry) == 0))
        text = json_dumps(list, 0); // with spaces, as Python writes it
    json_decref(entry);
    json_decref(list);
    return text;
}

static enum sw_code add_version(struct sw_store *s, int64_t model_key, const char *name, int64_t version,
                                struct sw_arena *a, struct sw_err *err)
{
    struct sw_pair tag = {0};
    bool found = false;
    enum sw_code code = sw_sql_get(s, SQL_LOGGED_TAG_GET, SW_VALUES(sw_int(model_key), sw_text(VERSIONS_TAG)), a,
                                   sw_pair_read, &tag, &found, err);
    if (code != SW_OK)
        return code;
    char *text = versions_with(found ? tag.value : "[]", name, version);
    if (text == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the list of a logged model's versions");
    code = sw_sql_run(s, SQL_LOGGED_TAG_SET, SW_VALUES(sw_int(model_key), sw_text(VERSIONS_TAG), sw_text(text)), err);
    free(text);
    return code;
}

enum sw_code sw_logged_model_add_version(struct sw_store *s, const char *model_id, const char *name, int64_t version,
                                         struct sw_err *err)
{
    struct sw_step step;
    int64_t key = 0;
    struct sw_arena *a = sw_arena_new(VERSIONS_MAX_BYTES);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a logged model's versions");
    enum sw_code code = begin(s, model_id, &step, &key, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, add_version(s, key, name, version, a, err), err);
    sw_arena_free(a);
    return code;
}

// --- metrics ---
static enum sw_code add_metric(struct sw_store *s, int64_t run_key, const struct sw_logged_point *p, struct sw_err *err)
{
    int64_t model_key = 0, key_id = 0;
    enum sw_code code = sw_text_check("the data set's name", p->dataset_name, DATASET_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the data set's digest", p->dataset_digest, DATASET_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_sql_int(s, SQL_LOGGED_KEY, SW_VALUES(sw_text(p->model_id)), 0, &model_key, err);
    if (code == SW_OK && model_key == 0)
        code = no_model(p->model_id, err);
    if (code == SW_OK)
        code = sw_metric_key_id(s, p->point.key, &key_id, err);
    if (code == SW_OK && key_id == 0)
        code = sw_err_set(err, SW_NOT_FOUND, "no run has a metric '%.100s'", p->point.key);
    if (code != SW_OK)
        return code;
    double value = isnan(p->point.value) ? 0 : fmax(-DBL_MAX, fmin(DBL_MAX, p->point.value));
    return sw_sql_run(s, SQL_LOGGED_METRIC_ADD,
                      SW_VALUES(sw_int(model_key), sw_int(key_id), sw_int(p->point.step), sw_int(p->point.time_ms),
                                sw_real(value), sw_int(isnan(p->point.value)), sw_int(run_key),
                                sw_text(p->dataset_name != NULL ? p->dataset_name : ""),
                                sw_text(p->dataset_digest != NULL ? p->dataset_digest : "")),
                      err);
}

enum sw_code sw_logged_model_add_metrics(struct sw_store *s, const char *run_id, const struct sw_logged_point *points,
                                         size_t count, struct sw_err *err)
{
    struct sw_step step;
    int64_t run_key = 0;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    if (code != SW_OK)
        return code;
    code = sw_run_key(s, run_id, &run_key, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = add_metric(s, run_key, &points[i], err);
    return sw_step_end(s, &step, code, err);
}
