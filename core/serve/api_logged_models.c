// SPDX-License-Identifier: Apache-2.0
// Logged models: what a script wrote with log_model, before anything is registered.
#include "core/serve/api_private.h"
#include "core/serve/artifact_private.h"
#include "core/store/logged_model.h"
#include "core/track/query.h"

#include <inttypes.h>
#include <string.h>

enum { DATASETS_MOST = 400, SEARCH_PAGE = 50, SEARCH_MOST = 10000 };

// --- replies ---
static void put_optional(struct sw_json_out *o, const char *key, const char *text)
{
    if (text[0] != '\0')
        sw_json_put_text(o, key, text);
}

static void put_metrics(struct sw_call *c, const struct sw_logged_model *m)
{
    struct sw_json_out *o = &c->out;
    if (m->metric_count == 0)
        return;
    sw_json_begin_array(o, "metrics");
    for (size_t i = 0; i < m->metric_count; i++) {
        const struct sw_logged_metric *p = &m->metrics[i];
        sw_json_begin_object(o, NULL);
        sw_json_put_text(o, "key", p->key);
        sw_json_put_real(o, "value", p->value);
        sw_json_put_int(o, "timestamp", p->time_ms);
        sw_json_put_int(o, "step", p->step);
        put_optional(o, "dataset_name", p->dataset_name);
        put_optional(o, "dataset_digest", p->dataset_digest);
        sw_json_put_text(o, "model_id", m->model_id);
        sw_json_put_text(o, "run_id", p->run_id);
        sw_json_end_object(o);
    }
    sw_json_end_array(o);
}

static void put_model(struct sw_call *c, const char *key, const struct sw_logged_model *m)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, key);
    sw_json_begin_object(o, "info");
    sw_json_put_text(o, "model_id", m->model_id);
    sw_json_put_text(o, "experiment_id", sw_arena_printf(c->arena, "%" PRId64, m->experiment_id));
    sw_json_put_text(o, "name", m->name);
    sw_json_put_int(o, "creation_timestamp_ms", m->created_ms);
    sw_json_put_int(o, "last_updated_timestamp_ms", m->updated_ms);
    sw_json_put_text(o, "artifact_uri", sw_logged_model_artifact_uri(m, c->arena));
    sw_json_put_text(o, "status", sw_logged_model_status_word(m->status));
    sw_json_put_text(o, "model_type", m->model_type);
    sw_json_put_text(o, "source_run_id", m->source_run_id);
    put_optional(o, "status_message", m->status_message);
    sw_call_put_pairs(c, "tags", m->tags, m->tag_count);
    sw_json_end_object(o);
    sw_json_begin_object(o, "data");
    sw_call_put_pairs(c, "params", m->params, m->param_count);
    put_metrics(c, m);
    sw_json_end_object(o);
    sw_json_end_object(o);
}

static enum sw_code reply_model(struct sw_call *c, const char *model_id, enum sw_view view, struct sw_err *err)
{
    struct sw_logged_model m = {0};
    enum sw_code code = sw_logged_model_get(c->store, model_id, view, c->arena, &m, err);
    if (code == SW_OK)
        put_model(c, "model", &m);
    return code;
}

// --- handlers ---
SW_API_HANDLER(create_logged_model)
{
    struct sw_logged_model_new n = {.name = sw_call_text(c, "name"),
                                    .model_type = sw_call_text(c, "model_type"),
                                    .source_run_id = sw_call_text(c, "source_run_id")};
    struct sw_pair *params = NULL, *tags = NULL;
    struct sw_experiment experiment;
    char model_id[SW_MODEL_ID];
    if (n.name != NULL && n.name[0] == '\0')
        n.name = NULL;
    enum sw_code code = sw_call_experiment_id(sw_call_text(c, "experiment_id"), &n.experiment_id, err);
    if (code == SW_OK)
        code = sw_call_pairs(c, "params", &params, &n.param_count, err);
    if (code == SW_OK)
        code = sw_call_pairs(c, "tags", &tags, &n.tag_count, err);
    n.params = params;
    n.tags = tags;
    if (code == SW_OK)
        code = sw_experiment_get(c->store, n.experiment_id, c->arena, &experiment, err);
    if (code == SW_NOT_FOUND)
        return sw_err_set(err, SW_NOT_FOUND, "No Experiment with id=%" PRId64 " exists", n.experiment_id);
    if (code == SW_OK && experiment.is_deleted)
        return sw_err_set(err, SW_INVALID,
                          "The experiment %" PRId64 " must be in the 'active' state. Current state is deleted.",
                          n.experiment_id);
    if (code == SW_OK)
        code = sw_logged_model_create(c->store, &n, model_id, err);
    return code == SW_OK ? reply_model(c, model_id, SW_VIEW_ACTIVE, err) : code;
}

SW_API_HANDLER(get_logged_model)
{
    bool allow_deleted = sw_call_bool(c, "allow_deleted", false);
    return reply_model(c, c->args[0], allow_deleted ? SW_VIEW_ALL : SW_VIEW_ACTIVE, err);
}

SW_API_HANDLER(finalize_logged_model)
{
    enum sw_logged_model_status status;
    const char *word = sw_call_text(c, "status");
    if (!sw_logged_model_status_parse(word, &status))
        return sw_call_invalid("status", word,
                               "it is LOGGED_MODEL_PENDING, LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED", err);
    enum sw_code code = sw_logged_model_finish(c->store, c->args[0], status, err);
    return code == SW_OK ? reply_model(c, c->args[0], SW_VIEW_ALL, err) : code;
}

SW_API_HANDLER(delete_logged_model)
{
    return sw_logged_model_delete(c->store, c->args[0], err);
}

SW_API_HANDLER(log_logged_model_params)
{
    struct sw_pair *params = NULL;
    size_t count = 0;
    enum sw_code code = sw_call_pairs(c, "params", &params, &count, err);
    return code == SW_OK ? sw_logged_model_add_params(c->store, c->args[0], params, count, err) : code;
}

// MLflow declares a model as the reply and gives none; its client asks for it afterwards.
SW_API_HANDLER(set_logged_model_tags)
{
    struct sw_pair *tags = NULL;
    size_t count = 0;
    enum sw_code code = sw_call_pairs(c, "tags", &tags, &count, err);
    return code == SW_OK ? sw_logged_model_set_tags(c->store, c->args[0], tags, count, err) : code;
}

SW_API_HANDLER(delete_logged_model_tag)
{
    return sw_logged_model_delete_tag(c->store, c->args[0], c->args[1], err);
}

SW_API_HANDLER(list_logged_model_artifacts)
{
    struct sw_logged_model m = {0};
    struct sw_artifact_path path;
    const char *below = sw_call_text(c, "artifact_directory_path");
    enum sw_code code = sw_logged_model_get(c->store, c->args[0], SW_VIEW_ACTIVE, c->arena, &m, err);
    if (code != SW_OK)
        return code;
    const char *uri = sw_logged_model_artifact_uri(&m, c->arena);
    if (uri == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a reply");
    code = sw_artifact_path_of_uri(&path, uri, err);
    if (code == SW_OK)
        code = sw_artifact_path_join(&path, &path, below, err);
    if (code == SW_OK)
        code = sw_api_put_artifact_list(c, &path, below, err);
    if (code == SW_OK)
        sw_json_put_text(&c->out, "root_uri", uri);
    return code;
}

// --- search ---
static enum sw_code read_filter(struct sw_call *c, struct sw_logged_model_query *q, struct sw_err *err)
{
    const char *text = sw_call_text(c, "filter");
    if (text == NULL || text[0] == '\0')
        return SW_OK;
    return sw_track_parse_query(SW_SUBJECT_LOGGED_MODEL, text, c->arena, &q->where, err);
}

static enum sw_code read_experiments(struct sw_call *c, struct sw_logged_model_query *q, struct sw_err *err)
{
    const char **texts = NULL;
    size_t count = 0;
    enum sw_code code = sw_call_texts(c, "experiment_ids", &texts, &count, err);
    int64_t *ids = sw_arena_array(c->arena, count + 1, sizeof *ids);
    if (ids == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for %zu experiments", count);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = sw_call_experiment_id(texts[i], &ids[i], err);
    q->experiment_ids = ids;
    q->experiment_count = count;
    return code;
}

static enum sw_code read_datasets(struct sw_call *c, struct sw_logged_model_query *q, struct sw_err *err)
{
    const json_t *list = json_object_get(c->body, "datasets");
    size_t count = json_array_size(list);
    struct sw_pair *datasets = sw_arena_array(c->arena, count + 1, sizeof *datasets);
    if (count > DATASETS_MOST)
        return sw_err_set(err, SW_INVALID, "a search names at most %d data sets", DATASETS_MOST);
    if (datasets == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for %zu data sets", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *digest = sw_call_member_text(c, item, "dataset_digest");
        datasets[i] = (struct sw_pair){sw_call_member_text(c, item, "dataset_name"), digest != NULL ? digest : ""};
        if (datasets[i].key == NULL || datasets[i].key[0] == '\0')
            return sw_err_set(err, SW_INVALID, "`dataset_name` in the `datasets` clause must be specified.");
    }
    q->datasets = datasets;
    q->dataset_count = count;
    return SW_OK;
}

static enum sw_code read_order(struct sw_call *c, const json_t *item, struct sw_logged_model_order *out,
                               struct sw_err *err)
{
    static const char metrics[] = "metrics.";
    const char *name = sw_call_member_text(c, item, "field_name");
    const json_t *ascending = json_object_get(item, "ascending");
    if (name == NULL || name[0] == '\0')
        return sw_err_set(err, SW_INVALID, "Invalid order by field name: ");
    *out = (struct sw_logged_model_order){.field = SW_FIELD_ATTRIBUTE,
                                          .key = name,
                                          .descending = json_is_false(ascending),
                                          .dataset_name = sw_call_member_text(c, item, "dataset_name"),
                                          .dataset_digest = sw_call_member_text(c, item, "dataset_digest")};
    if (strncmp(name, metrics, sizeof metrics - 1) == 0) {
        out->field = SW_FIELD_METRIC;
        out->key = name + sizeof metrics - 1;
        return SW_OK;
    }
    if (strchr(name, '.') != NULL)
        return sw_err_set(err, SW_INVALID, "Invalid order by field name: %.200s. Only metrics are supported.", name);
    struct sw_query_order *term = NULL; // attributes have several names
    size_t count = 0;
    if (sw_track_parse_order(SW_SUBJECT_LOGGED_MODEL, name, c->arena, &term, &count, NULL) != SW_OK || count != 1 ||
        term->field != SW_FIELD_ATTRIBUTE)
        return sw_err_set(err, SW_INVALID, "Invalid order by field name: %.200s", name);
    out->key = term->key;
    return SW_OK;
}

static enum sw_code read_orders(struct sw_call *c, struct sw_logged_model_query *q, struct sw_err *err)
{
    const json_t *list = json_object_get(c->body, "order_by");
    size_t count = json_array_size(list);
    struct sw_logged_model_order *order = sw_arena_array(c->arena, count + 1, sizeof *order);
    enum sw_code code = SW_OK;
    if (order == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for %zu fields to order by", count);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = read_order(c, json_array_get(list, i), &order[i], err);
    q->order = order;
    q->order_count = count;
    return code;
}

SW_API_HANDLER(search_logged_models)
{
    struct sw_logged_model_query q = {0};
    struct sw_logged_model_list list = {0};
    int64_t size = 0;
    enum sw_code code = SW_OK;
    if (sw_call_int(c, "max_results", 0) == 0) // MLflow takes 0 for "not given"
        size = SEARCH_PAGE;
    else
        code = sw_call_page_size(c, SEARCH_PAGE, SEARCH_MOST, &size, err);
    if (code == SW_OK)
        code = sw_call_page_offset(c, &q.offset, err);
    if (code == SW_OK)
        code = read_filter(c, &q, err);
    if (code == SW_OK)
        code = read_experiments(c, &q, err);
    if (code == SW_OK)
        code = read_datasets(c, &q, err);
    if (code == SW_OK)
        code = read_orders(c, &q, err);
    q.limit = size + 1;
    if (code == SW_OK)
        code = sw_logged_model_search(c->store, &q, c->arena, &list, err);
    if (code != SW_OK || list.count == 0)
        return code;
    size_t shown = list.count > (size_t)size ? (size_t)size : list.count;
    sw_json_begin_array(&c->out, "models");
    for (size_t i = 0; i < shown; i++)
        put_model(c, NULL, &list.items[i]);
    sw_json_end_array(&c->out);
    if (list.count > shown)
        sw_call_put_next_page(c, q.offset + size);
    return SW_OK;
}
