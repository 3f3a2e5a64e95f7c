// SPDX-License-Identifier: Apache-2.0
#include "core/serve/api_private.h"
#include "core/serve/names_private.h"
#include "core/serve/run_reply_private.h"
#include "core/serve/serve_private.h"

#include <inttypes.h>
#include <string.h>

enum { NAME_BYTES = 500, TAG_VALUE_BYTES = 20000, SEARCH_PAGE = 1000, SEARCH_MOST = 50000, SUMMARIES = 1000 };

// The experiment that the call names, whatever its state.
static enum sw_code find(struct sw_call *c, struct sw_experiment *out, struct sw_err *err)
{
    const char *text = sw_call_text(c, "experiment_id");
    int64_t id = 0;
    enum sw_code code = sw_call_experiment_id(text, &id, err);
    if (code == SW_OK)
        code = sw_experiment_get(c->store, id, c->arena, out, err);
    if (code != SW_NOT_FOUND)
        return code;
    *err = (struct sw_err){0};
    return sw_err_set(err, SW_NOT_FOUND, "No Experiment with id=%" PRId64 " exists", id);
}

static enum sw_code check_name(const char *name, struct sw_err *err)
{
    return sw_length_rule("name", name, NAME_BYTES, err);
}

static enum sw_code check_tag(const struct sw_pair *tag, struct sw_err *err)
{
    enum sw_code code = sw_name_rule("key", tag->key, err);
    if (code == SW_OK)
        code = sw_length_rule("key", tag->key, SW_KEY_BYTES, err);
    return code == SW_OK ? sw_length_rule("value", tag->value, TAG_VALUE_BYTES, err) : code;
}

// A script in a job that sets an experiment does it by one of the calls below; its run follows it there (api_runs.c).
static void remember(struct sw_call *c, const struct sw_experiment *e)
{
    if (!e->is_deleted)
        atomic_store(&c->serve->resolved_experiment, e->experiment_id);
}

SW_API_HANDLER(create_experiment)
{
    struct sw_experiment_new n = {.name = sw_call_text(c, "name"),
                                  .artifact_location = sw_call_text(c, "artifact_location")};
    struct sw_pair *tags = NULL;
    int64_t id = 0;
    enum sw_code code = check_name(n.name, err);
    if (code == SW_OK)
        code = sw_call_pairs(c, "tags", &tags, &n.tag_count, err);
    for (size_t i = 0; i < n.tag_count && code == SW_OK; i++)
        code = check_tag(&tags[i], err);
    n.tags = tags;
    if (code == SW_OK)
        code = sw_api_check_location(n.artifact_location, err);
    if (code == SW_OK)
        code = sw_experiment_create(c->store, &n, &id, err);
    if (code == SW_EXISTS) {
        *err = (struct sw_err){0};
        return sw_err_set(err, SW_EXISTS, "Experiment(name=%.160s) already exists.", n.name);
    }
    if (code == SW_OK)
        sw_json_put_text(&c->out, "experiment_id", sw_arena_printf(c->arena, "%" PRId64, id));
    return code;
}

SW_API_HANDLER(get_experiment)
{
    struct sw_experiment e = {0};
    enum sw_code code = find(c, &e, err);
    if (code != SW_OK)
        return code;
    remember(c, &e);
    sw_api_put_experiment(c, "experiment", &e);
    return SW_OK;
}

SW_API_HANDLER(get_experiment_by_name)
{
    struct sw_experiment e = {0};
    const char *name = sw_call_text(c, "experiment_name");
    enum sw_code code = sw_experiment_find(c->store, name, c->arena, &e, err);
    if (code == SW_NOT_FOUND) {
        *err = (struct sw_err){0};
        return sw_err_set(err, SW_NOT_FOUND, "Could not find experiment with name '%.160s'", name);
    }
    if (code != SW_OK)
        return code;
    remember(c, &e);
    sw_api_put_experiment(c, "experiment", &e);
    return SW_OK;
}

enum sw_code sw_api_view(const struct sw_call *c, const char *name, enum sw_view *out, struct sw_err *err)
{
    static const char *const words[] = {
        [SW_VIEW_ACTIVE] = "ACTIVE_ONLY", [SW_VIEW_DELETED] = "DELETED_ONLY", [SW_VIEW_ALL] = "ALL"};
    const char *text = sw_call_text(c, name);
    *out = SW_VIEW_ACTIVE;
    if (text == NULL)
        return SW_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (enum sw_view)i;
            return SW_OK;
        }
    }
    return sw_call_invalid(name, text, "it is ACTIVE_ONLY, DELETED_ONLY or ALL", err);
}

SW_API_HANDLER(search_experiments)
{
    struct sw_search q = {0};
    struct sw_experiment_list list = {0};
    int64_t size = 0;
    struct sw_query_order *order = NULL;
    enum sw_code code = sw_call_page_size(c, SEARCH_PAGE, SEARCH_MOST, &size, err);
    if (code == SW_OK)
        code = sw_api_view(c, "view_type", &q.view, err);
    if (code == SW_OK)
        code = sw_call_page_offset(c, &q.offset, err);
    if (code == SW_OK)
        code = sw_call_search(c, SW_SUBJECT_EXPERIMENT, &q.where, &order, &q.order_count, err);
    q.order = order;
    q.limit = size + 1;
    if (code == SW_OK)
        code = sw_experiment_search(c->store, &q, c->arena, &list, err);
    if (code != SW_OK)
        return code;
    size_t shown = list.count > (size_t)size ? (size_t)size : list.count;
    if (shown > 0) {
        sw_json_begin_array(&c->out, "experiments");
        for (size_t i = 0; i < shown; i++)
            sw_api_put_experiment(c, NULL, &list.items[i]);
        sw_json_end_array(&c->out);
    }
    if (list.count > shown)
        sw_call_put_next_page(c, q.offset + size);
    return SW_OK;
}

// INVALID_STATE is 500 in MLflow, which its client would retry for minutes; what will not change is a 400 here.
static enum sw_code refuse_state(struct sw_call *c, struct sw_err *err, const char *message)
{
    c->status = 400;
    c->error_code = "INVALID_STATE";
    return sw_err_set(err, SW_INVALID, "%s", message);
}

SW_API_HANDLER(update_experiment)
{
    struct sw_experiment e = {0};
    const char *name = sw_call_text(c, "new_name");
    enum sw_code code = check_name(name, err);
    if (code == SW_OK)
        code = find(c, &e, err);
    if (code == SW_OK && e.is_deleted)
        return refuse_state(c, err, "Cannot rename a non-active experiment.");
    if (code == SW_OK)
        code = sw_experiment_rename(c->store, e.experiment_id, name, err);
    return code;
}

// Deletes or restores; MLflow does not find what is in that state already.
static enum sw_code set_deleted(struct sw_call *c, bool deleted, struct sw_err *err)
{
    struct sw_experiment e = {0};
    enum sw_code code = find(c, &e, err);
    if (code == SW_OK && e.is_deleted == deleted)
        return sw_err_set(err, SW_NOT_FOUND, "No Experiment with id=%" PRId64 " exists", e.experiment_id);
    if (code == SW_OK && deleted && e.experiment_id == 0)
        return sw_err_set(err, SW_INVALID,
                          "Cannot delete the default experiment 'Default'. This is an internally reserved "
                          "experiment.");
    return code == SW_OK ? sw_experiment_set_deleted(c->store, e.experiment_id, deleted, err) : code;
}

SW_API_HANDLER(delete_experiment)
{
    return set_deleted(c, true, err);
}

SW_API_HANDLER(restore_experiment)
{
    return set_deleted(c, false, err);
}

static enum sw_code find_active(struct sw_call *c, struct sw_experiment *out, struct sw_err *err)
{
    enum sw_code code = find(c, out, err);
    if (code == SW_OK && out->is_deleted)
        return sw_err_set(err, SW_INVALID,
                          "The experiment %" PRId64 " must be in the 'active' state. Current state is deleted.",
                          out->experiment_id);
    return code;
}

SW_API_HANDLER(set_experiment_tag)
{
    struct sw_experiment e = {0};
    const char *value = sw_call_text(c, "value");
    struct sw_pair tag = {sw_call_text(c, "key"), value != NULL ? value : ""};
    enum sw_code code = check_tag(&tag, err);
    if (code == SW_OK)
        code = find_active(c, &e, err);
    return code == SW_OK ? sw_experiment_set_tag(c->store, e.experiment_id, tag.key, tag.value, err) : code;
}

SW_API_HANDLER(delete_experiment_tag)
{
    struct sw_experiment e = {0};
    const char *key = sw_call_text(c, "key");
    enum sw_code code = find_active(c, &e, err);
    if (code != SW_OK)
        return code;
    code = sw_experiment_set_tag(c->store, e.experiment_id, key, NULL, err);
    if (code == SW_NOT_FOUND) {
        *err = (struct sw_err){0};
        code = sw_err_set(err, SW_NOT_FOUND, "No tag with name: %.80s in experiment with id %" PRId64, key,
                          e.experiment_id);
    }
    return code;
}

SW_API_HANDLER(search_datasets)
{
    enum { EXPERIMENTS_MOST = 20 };
    const char **ids = NULL;
    size_t id_count = 0, count = 0;
    struct sw_dataset_summary *rows = NULL;
    int64_t numbers[EXPERIMENTS_MOST];
    enum sw_code code = sw_call_texts(c, "experiment_ids", &ids, &id_count, err);
    if (code == SW_OK && id_count == 0)
        return sw_err_set(err, SW_INVALID, "SearchDatasets request must specify at least one experiment_id.");
    if (code == SW_OK && id_count > EXPERIMENTS_MOST)
        return sw_err_set(err, SW_INVALID,
                          "SearchDatasets request cannot specify more than %d experiment_ids. Received %zu "
                          "experiment_ids.",
                          EXPERIMENTS_MOST, id_count);
    for (size_t i = 0; i < id_count && code == SW_OK; i++)
        code = sw_call_experiment_id(ids[i], &numbers[i], err);
    if (code == SW_OK)
        code = sw_logged_dataset_search(c->store, numbers, id_count, SUMMARIES, c->arena, &rows, &count, err);
    if (code != SW_OK || count == 0)
        return code;
    sw_json_begin_array(&c->out, "dataset_summaries");
    for (size_t i = 0; i < count; i++) {
        sw_json_begin_object(&c->out, NULL);
        sw_json_put_text(&c->out, "experiment_id", sw_arena_printf(c->arena, "%" PRId64, rows[i].experiment_id));
        sw_json_put_text(&c->out, "name", rows[i].name);
        sw_json_put_text(&c->out, "digest", rows[i].digest);
        if (rows[i].context[0] != '\0')
            sw_json_put_text(&c->out, "context", rows[i].context);
        sw_json_end_object(&c->out);
    }
    sw_json_end_array(&c->out);
    return SW_OK;
}
