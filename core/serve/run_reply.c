// SPDX-License-Identifier: Apache-2.0
#include "core/serve/run_reply_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static bool is_run_id(const char *text)
{
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || (len > 0 && (text[len] == '_' || text[len] == '-')))
        len++;
    return len > 0 && len <= 256 && text[len] == '\0';
}

enum sw_code sw_api_check_run_id(const char *run_id, struct sw_err *err)
{
    return is_run_id(run_id) ? SW_OK : sw_call_invalid("run_id", run_id, NULL, err);
}

enum sw_code sw_api_require_run(struct sw_call *c, const char *run_id, struct sw_run_peek *out, struct sw_err *err)
{
    enum sw_code code = sw_run_peek(c->store, run_id, out, err);
    if (code == SW_NOT_FOUND) {
        *err = (struct sw_err){0};
        return sw_err_set(err, SW_NOT_FOUND, "Run with id=%.64s not found", run_id);
    }
    return code;
}

enum sw_code sw_api_require_active(struct sw_call *c, const char *run_id, struct sw_err *err)
{
    struct sw_run_peek peek = {0};
    enum sw_code code = sw_api_require_run(c, run_id, &peek, err);
    if (code == SW_OK && peek.is_deleted)
        return sw_err_set(err, SW_INVALID, "The run %.64s must be in the 'active' state. Current state is deleted.",
                          run_id);
    return code;
}

enum sw_code sw_api_set_param(struct sw_call *c, const char *run_id, const struct sw_pair *param, struct sw_err *err)
{
    struct sw_run run = {0};
    enum sw_code code = sw_run_set_param(c->store, run_id, param->key, param->value, err);
    if (code != SW_INVALID || sw_run_get(c->store, run_id, c->arena, &run, err) != SW_OK)
        return code;
    const char *present = sw_api_find_pair(run.params, run.param_count, param->key);
    if (present == NULL || strcmp(present, param->value) == 0)
        return code;
    *err = (struct sw_err){0};
    return sw_err_set(
        err, SW_INVALID,
        "Changing param values is not allowed. Param with key='%.80s' was already logged with value='%.80s' "
        "for run ID='%s'. Attempted logging new value '%.80s'.",
        param->key, present, run_id, param->value);
}

const char *sw_api_find_pair(const struct sw_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return pairs[i].value;
    return NULL;
}

// --- runs ---

// Members that MLflow leaves out when they are empty.
static void put_optional(struct sw_json_out *o, const char *key, const char *text)
{
    if (text != NULL && *text != '\0')
        sw_json_put_text(o, key, text);
}

void sw_api_put_run_info(struct sw_call *c, const char *key, const struct sw_run *run)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, key);
    sw_json_put_text(o, "run_uuid", run->run_id);
    sw_json_put_text(o, "experiment_id", sw_arena_printf(c->arena, "%" PRId64, run->experiment_id));
    sw_json_put_text(o, "run_name", run->name);
    sw_json_put_text(o, "user_id", run->user);
    sw_json_put_text(o, "status", sw_run_status_word(run->status));
    sw_json_put_int(o, "start_time", run->start_ms);
    if (run->end_ms != 0)
        sw_json_put_int(o, "end_time", run->end_ms);
    sw_json_put_text(o, "artifact_uri", sw_run_artifact_uri(run, c->arena));
    sw_json_put_text(o, "lifecycle_stage", run->is_deleted ? "deleted" : "active");
    sw_json_put_text(o, "run_id", run->run_id);
    sw_json_end_object(o);
}

static void put_data(struct sw_call *c, const struct sw_run *run)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, "data");
    if (run->metric_count > 0) {
        sw_json_begin_array(o, "metrics");
        for (size_t i = 0; i < run->metric_count; i++) {
            const struct sw_metric_summary *m = &run->metrics[i];
            sw_json_begin_object(o, NULL);
            sw_json_put_text(o, "key", m->key);
            sw_json_put_real(o, "value", m->last);
            sw_json_put_int(o, "timestamp", m->last_time_ms);
            sw_json_put_int(o, "step", m->last_step);
            sw_json_end_object(o);
        }
        sw_json_end_array(o);
    }
    sw_call_put_pairs(c, "params", run->params, run->param_count);
    sw_call_put_pairs(c, "tags", run->tags, run->tag_count);
    sw_json_end_object(o);
}

static void put_dataset_input(struct sw_call *c, const struct sw_logged_dataset *d)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, NULL);
    sw_call_put_pairs(c, "tags", d->tags, d->tag_count);
    sw_json_begin_object(o, "dataset");
    sw_json_put_text(o, "name", d->name);
    sw_json_put_text(o, "digest", d->digest);
    sw_json_put_text(o, "source_type", d->source_type);
    sw_json_put_text(o, "source", d->source);
    put_optional(o, "schema", d->schema);
    put_optional(o, "profile", d->profile);
    sw_json_end_object(o);
    sw_json_end_object(o);
}

static void put_inputs(struct sw_call *c, const struct sw_run_links *links)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, "inputs");
    if (links->dataset_count > 0) {
        sw_json_begin_array(o, "dataset_inputs");
        for (size_t i = 0; i < links->dataset_count; i++)
            put_dataset_input(c, &links->datasets[i]);
        sw_json_end_array(o);
    }
    if (links->model_input_count > 0) {
        sw_json_begin_array(o, "model_inputs");
        for (size_t i = 0; i < links->model_input_count; i++) {
            sw_json_begin_object(o, NULL);
            sw_json_put_text(o, "model_id", links->model_inputs[i]);
            sw_json_end_object(o);
        }
        sw_json_end_array(o);
    }
    sw_json_end_object(o);
}

static void put_outputs(struct sw_call *c, const struct sw_run_links *links)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, "outputs");
    if (links->model_output_count > 0) {
        sw_json_begin_array(o, "model_outputs");
        for (size_t i = 0; i < links->model_output_count; i++) {
            sw_json_begin_object(o, NULL);
            sw_json_put_text(o, "model_id", links->model_outputs[i].model_id);
            sw_json_put_int(o, "step", links->model_outputs[i].step);
            sw_json_end_object(o);
        }
        sw_json_end_array(o);
    }
    sw_json_end_object(o);
}

enum sw_code sw_api_put_run(struct sw_call *c, const char *key, const struct sw_run *run, bool is_new,
                            struct sw_err *err)
{
    struct sw_run_links links = {0};
    enum sw_code code = is_new ? SW_OK : sw_run_load_links(c->store, run->run_id, c->arena, &links, err);
    if (code != SW_OK)
        return code;
    sw_json_begin_object(&c->out, key);
    sw_api_put_run_info(c, "info", run);
    put_data(c, run);
    put_inputs(c, &links);
    if (!is_new)
        put_outputs(c, &links);
    sw_json_end_object(&c->out);
    return SW_OK;
}

// --- experiments ---

void sw_api_put_experiment(struct sw_call *c, const char *key, const struct sw_experiment *e)
{
    struct sw_json_out *o = &c->out;
    const char *id = sw_arena_printf(c->arena, "%" PRId64, e->experiment_id);
    const char *location =
        e->artifact_location[0] != '\0' ? e->artifact_location : sw_arena_printf(c->arena, "mlflow-artifacts:/%s", id);
    sw_json_begin_object(o, key);
    sw_json_put_text(o, "experiment_id", id);
    sw_json_put_text(o, "name", e->name);
    sw_json_put_text(o, "artifact_location", location);
    sw_json_put_text(o, "lifecycle_stage", e->is_deleted ? "deleted" : "active");
    sw_json_put_int(o, "last_update_time", e->updated_ms);
    sw_json_put_int(o, "creation_time", e->created_ms);
    sw_call_put_pairs(c, "tags", e->tags, e->tag_count);
    sw_json_put_text(o, "workspace", "default");
    sw_json_end_object(o);
}
