// SPDX-License-Identifier: Apache-2.0
#include "core/serve/api_private.h"
#include "core/serve/names_private.h"
#include "core/serve/run_reply_private.h"
#include "core/serve/serve_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/tree.h"

enum { SEARCH_PAGE = 1000, SEARCH_MOST = 50000, EXPERIMENTS_MOST = 3000 };

#define NAME_TAG   "mlflow.runName"
#define PARENT_TAG "mlflow.parentRunId"

// --- making ---

static enum sw_code require_active_experiment(struct sw_call *c, int64_t id, struct sw_err *err)
{
    struct sw_experiment e = {0};
    enum sw_code code = sw_experiment_get(c->store, id, c->arena, &e, err);
    if (code == SW_NOT_FOUND) {
        *err = (struct sw_err){0};
        return sw_err_set(err, SW_NOT_FOUND, "No Experiment with id=%" PRId64 " exists", id);
    }
    if (code == SW_OK && e.is_deleted)
        return sw_err_set(err, SW_INVALID,
                          "The experiment %" PRId64 " must be in the 'active' state. Current state is deleted.", id);
    return code;
}

// The name that argument and tag agree on; NULL = none was given.
static enum sw_code agree_on_name(const char *name, const char *tag, const char **out, struct sw_err *err)
{
    bool has_name = name != NULL && *name != '\0', has_tag = tag != NULL && *tag != '\0';
    if (has_name && has_tag && strcmp(name, tag) != 0)
        return sw_err_set(err, SW_INVALID,
                          "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
                          "(run_name='%.80s', mlflow.runName='%.80s').",
                          name, tag);
    *out = has_name ? name : has_tag ? tag : NULL;
    return SW_OK;
}

static enum sw_code add_tags(struct sw_call *c, const char *run_id, struct sw_pair *tags, size_t count,
                             struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        char path[48];
        snprintf(path, sizeof path, "tags[%zu].key", i);
        code = sw_tag_rule(c->arena, path, &tags[i], err);
        if (code == SW_OK && strcmp(tags[i].key, NAME_TAG) != 0) // the store sets that one with the name
            code = sw_run_set_tag(c->store, run_id, tags[i].key, tags[i].value, err);
    }
    return code;
}

static enum sw_code reply_run(struct sw_call *c, const char *run_id, bool is_new, struct sw_err *err)
{
    struct sw_run run = {0};
    enum sw_code code = sw_run_get(c->store, run_id, c->arena, &run, err);
    return code == SW_OK ? sw_api_put_run(c, "run", &run, is_new, err) : code;
}

// A further run that a job's script makes is a child of the job's own run.
static enum sw_code link_to_job(struct sw_call *c, const char *run_id, struct sw_err *err)
{
    const char *own = sw_serve_own_run(c->serve);
    return own != NULL ? sw_run_set_tag(c->store, run_id, PARENT_TAG, own, err) : SW_OK;
}

SW_API_HANDLER(create_run)
{
    struct sw_pair *tags = NULL;
    size_t tag_count = 0;
    char run_id[SW_RUN_ID];
    const char *experiment = sw_call_text(c, "experiment_id"), *user = sw_call_text(c, "user_id");
    struct sw_run_new n = {.user = user != NULL ? user : "", .status = SW_RUN_RUNNING};
    n.start_ms = sw_call_int(c, "start_time", 0);
    enum sw_code code = SW_OK;
    if (experiment != NULL && *experiment != '\0')
        code = sw_call_experiment_id(experiment, &n.experiment_id, err);
    if (code == SW_OK)
        code = require_active_experiment(c, n.experiment_id, err);
    if (code == SW_OK)
        code = sw_call_pairs(c, "tags", &tags, &tag_count, err);
    if (code == SW_OK)
        code = agree_on_name(sw_call_text(c, "run_name"), sw_api_find_pair(tags, tag_count, NAME_TAG), &n.name, err);
    const char *source = code == SW_OK ? sw_api_find_pair(tags, tag_count, "mlflow.source.name") : NULL;
    n.source = source != NULL ? source : "";
    if (code == SW_OK)
        code = sw_run_create(c->store, &n, run_id, err);
    if (code == SW_OK)
        code = add_tags(c, run_id, tags, tag_count, err);
    if (code == SW_OK && sw_api_find_pair(tags, tag_count, PARENT_TAG) == NULL)
        code = link_to_job(c, run_id, err);
    return code == SW_OK ? reply_run(c, run_id, true, err) : code;
}

// --- one run ---

// A script in a job may set an experiment before it takes up the run that waits for it in MLFLOW_RUN_ID; the client insists
// that both agree. So the run goes where the script is, until it has started it: then it may look at other experiments.
static bool is_own_run(const struct sw_call *c, const char *run_id)
{
    const char *own = sw_serve_own_run(c->serve);
    return own != NULL && strcmp(own, run_id) == 0;
}

static enum sw_code follow_script(struct sw_call *c, const char *run_id, int64_t present, struct sw_err *err)
{
    bool may_move = is_own_run(c, run_id) && !atomic_load(&c->serve->is_run_taken_up);
    int64_t wanted = may_move ? atomic_load(&c->serve->resolved_experiment) : -1;
    struct sw_err failure = {0}; // an experiment that is gone by now: the run stays
    enum sw_code code = wanted >= 0 && wanted != present ? sw_run_move(c->store, run_id, wanted, &failure) : SW_OK;
    if (code != SW_LOCKED && code != SW_NO_SPACE)
        return SW_OK;
    *err = failure;
    return code;
}

SW_API_HANDLER(get_run)
{
    const char *run_id = sw_call_text(c, "run_id");
    struct sw_run_peek peek = {0};
    enum sw_code code = sw_api_require_run(c, run_id, &peek, err);
    if (code == SW_OK)
        code = follow_script(c, run_id, peek.experiment_id, err);
    return code == SW_OK ? reply_run(c, run_id, false, err) : code;
}

static enum sw_code read_status(struct sw_call *c, struct sw_run_change *change, struct sw_err *err)
{
    const char *text = sw_call_text(c, "status");
    if (text == NULL)
        return SW_OK;
    for (int status = SW_RUN_SCHEDULED; status <= SW_RUN_KILLED; status++) {
        if (strcmp(text, sw_run_status_word((enum sw_run_status)status)) == 0) {
            change->has_status = true;
            change->status = (enum sw_run_status)status;
            return SW_OK;
        }
    }
    return sw_call_invalid("status", text, NULL, err);
}

SW_API_HANDLER(update_run)
{
    const char *run_id = sw_call_text(c, "run_id"), *name = sw_call_text(c, "run_name");
    struct sw_run_change change = {.name = name != NULL && *name != '\0' ? name : NULL,
                                   .has_end = sw_call_has(c, "end_time"),
                                   .end_ms = sw_call_int(c, "end_time", 0)};
    struct sw_run run = {0};
    enum sw_code code = sw_api_require_active(c, run_id, err);
    if (code == SW_OK)
        code = read_status(c, &change, err);
    if (code == SW_OK)
        code = sw_run_update(c->store, run_id, &change, err);
    if (code == SW_OK && is_own_run(c, run_id))
        atomic_store(&c->serve->is_run_taken_up, true);
    if (code == SW_OK)
        code = sw_run_get(c->store, run_id, c->arena, &run, err);
    if (code == SW_OK)
        sw_api_put_run_info(c, "run_info", &run);
    return code;
}

static enum sw_code set_deleted(struct sw_call *c, bool deleted, struct sw_err *err)
{
    const char *run_id = sw_call_text(c, "run_id");
    struct sw_run_peek peek = {0};
    enum sw_code code = sw_api_require_run(c, run_id, &peek, err);
    return code == SW_OK ? sw_run_set_deleted(c->store, run_id, deleted, err) : code;
}

SW_API_HANDLER(delete_run)
{
    return set_deleted(c, true, err);
}

SW_API_HANDLER(restore_run)
{
    return set_deleted(c, false, err);
}

// --- params and tags ---

SW_API_HANDLER(set_tag)
{
    const char *run_id = sw_call_text(c, "run_id"), *value = sw_call_text(c, "value");
    struct sw_pair tag = {sw_call_text(c, "key"), value != NULL ? value : ""};
    enum sw_code code = sw_tag_rule(c->arena, "key", &tag, err);
    if (code == SW_OK)
        code = sw_api_require_active(c, run_id, err);
    return code == SW_OK ? sw_run_set_tag(c->store, run_id, tag.key, tag.value, err) : code;
}

SW_API_HANDLER(delete_tag)
{
    const char *run_id = sw_call_text(c, "run_id"), *key = sw_call_text(c, "key");
    enum sw_code code = sw_api_require_active(c, run_id, err);
    struct sw_run run = {0};
    if (code == SW_OK)
        code = sw_run_get(c->store, run_id, c->arena, &run, err);
    if (code == SW_OK && sw_api_find_pair(run.tags, run.tag_count, key) == NULL)
        return sw_err_set(err, SW_NOT_FOUND, "No tag with name: %.120s in run with id %s", key, run_id);
    return code == SW_OK ? sw_run_set_tag(c->store, run_id, key, NULL, err) : code;
}

SW_API_HANDLER(log_parameter)
{
    const char *run_id = sw_call_text(c, "run_id"), *value = sw_call_text(c, "value");
    struct sw_pair param = {sw_call_text(c, "key"), value != NULL ? value : ""};
    enum sw_code code = sw_param_rule(c->arena, "key", &param, err);
    if (code == SW_OK)
        code = sw_api_require_active(c, run_id, err);
    return code == SW_OK ? sw_api_set_param(c, run_id, &param, err) : code;
}

// What 2.x clients call after log_model: the model's description joins a list in a tag.
SW_API_HANDLER(log_model)
{
    static const char *const fields[] = {"artifact_path", "flavors", "run_id", "utc_time_created"};
    static const char history[] = "mlflow.log-model.history";
    const char *run_id = sw_call_text(c, "run_id"), *text = sw_call_text(c, "model_json");
    struct sw_run run = {0};
    json_t *model = NULL, *list = NULL;
    char *joined = NULL;
    enum sw_code code = sw_json_parse(text, strlen(text), "model_json", &sw_tree_limits_default, &model, err);
    char missing[96] = "";
    for (size_t i = 0, used = 0; code == SW_OK && i < sizeof fields / sizeof *fields; i++)
        if (json_object_get(model, fields[i]) == NULL)
            used += (size_t)snprintf(missing + used, sizeof missing - used, "%s'%s'", used > 0 ? ", " : "", fields[i]);
    if (missing[0] != '\0')
        code = sw_err_set(err, SW_INVALID, "Model json is missing mandatory fields: {%s}", missing);
    if (code == SW_OK)
        code = sw_api_require_active(c, run_id, err);
    if (code == SW_OK)
        code = sw_run_get(c->store, run_id, c->arena, &run, err);
    const char *present = code == SW_OK ? sw_api_find_pair(run.tags, run.tag_count, history) : NULL;
    if (code == SW_OK)
        list = present != NULL ? json_loads(present, 0, NULL) : json_array();
    if (code == SW_OK && (json_array_append(list, model) != 0 || (joined = json_dumps(list, 0)) == NULL))
        code = sw_err_set(err, SW_INVALID, "the tag %s of run %.12s is not a list", history, run_id);
    struct sw_pair tag = {history, joined};
    if (code == SW_OK && strlen(joined) > SW_TAG_BYTES)
        code = sw_length_rule("value", joined, SW_TAG_BYTES, err);
    if (code == SW_OK)
        code = sw_run_set_tag(c->store, run_id, tag.key, tag.value, err);
    free(joined);
    json_decref(list);
    json_decref(model);
    return code;
}

// --- searching ---

static enum sw_code read_experiments(struct sw_call *c, struct sw_run_query *q, struct sw_err *err)
{
    const char **texts = NULL;
    size_t count = 0;
    enum sw_code code = sw_call_texts(c, "experiment_ids", &texts, &count, err);
    if (code == SW_OK && count > EXPERIMENTS_MOST)
        return sw_err_set(err, SW_INVALID, "a search names at most %d experiments", EXPERIMENTS_MOST);
    int64_t *ids = code == SW_OK ? sw_arena_array(c->arena, count + 1, sizeof *ids) : NULL;
    if (code == SW_OK && ids == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a search");
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = sw_call_experiment_id(texts[i], &ids[i], err);
    q->experiment_ids = ids;
    q->experiment_count = count;
    return code;
}

SW_API_HANDLER(search_runs)
{
    struct sw_run_query q = {.experiment_id = -1,
                             .no_total = true,
                             .is_text_order = true,
                             .with = SW_RUN_WITH_PARAMS | SW_RUN_WITH_TAGS | SW_RUN_WITH_METRICS};
    struct sw_run_list list = {0};
    struct sw_query_order *order = NULL;
    int64_t size = 0;
    enum sw_code code = sw_call_page_size(c, SEARCH_PAGE, SEARCH_MOST, &size, err);
    if (code == SW_OK)
        code = sw_api_view(c, "run_view_type", &q.view, err);
    if (code == SW_OK)
        code = sw_call_page_offset(c, &q.offset, err);
    if (code == SW_OK)
        code = read_experiments(c, &q, err);
    if (code == SW_OK)
        code = sw_call_search(c, SW_SUBJECT_RUN, &q.where, &order, &q.order_count, err);
    q.order = order;
    q.limit = size + 1;
    if (code == SW_OK && q.experiment_count > 0) // no experiment: no runs, as in MLflow
        code = sw_run_search(c->store, &q, c->arena, &list, err);
    size_t shown = list.count > (size_t)size ? (size_t)size : list.count;
    if (shown > 0)
        sw_json_begin_array(&c->out, "runs");
    for (size_t i = 0; code == SW_OK && i < shown; i++)
        code = sw_api_put_run(c, NULL, &list.items[i], false, err);
    if (shown > 0)
        sw_json_end_array(&c->out);
    if (code == SW_OK && list.count > shown)
        sw_call_put_next_page(c, q.offset + size);
    return code;
}
