// SPDX-License-Identifier: Apache-2.0
// What a run read and wrote: data sets and models as inputs, models as outputs.
#include "core/serve/api_private.h"
#include "core/serve/names_private.h"
#include "core/serve/run_reply_private.h"

#include <string.h>

// Characters; MLflow's MAX_DATASET_* and MAX_INPUT_TAG_*.
enum {
    NAME_MOST = 500,
    DIGEST_MOST = 36,
    SOURCE_MOST = 65535,
    SCHEMA_MOST = 1048575,
    PROFILE_MOST = 16777215,
    TAG_KEY_MOST = 255,
    TAG_VALUE_MOST = 500
};

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

static enum sw_code read_tags(struct sw_call *c, const json_t *list, struct sw_logged_dataset *out, struct sw_err *err)
{
    out->tag_count = json_array_size(list);
    out->tags = sw_arena_array(c->arena, out->tag_count + 1, sizeof *out->tags);
    if (out->tags == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the tags of a data set");
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < out->tag_count && code == SW_OK; i++) {
        const json_t *item = json_array_get(list, i);
        out->tags[i] = (struct sw_pair){sw_call_member_text(c, item, "key"), sw_call_member_text(c, item, "value")};
        if (out->tags[i].key == NULL)
            code = sw_err_set(err, SW_INVALID, "InputTag key cannot be None");
        else if (out->tags[i].value == NULL)
            code = sw_err_set(err, SW_INVALID, "InputTag value cannot be None");
        if (code == SW_OK)
            code = sw_length_rule("key", out->tags[i].key, TAG_KEY_MOST, err);
        if (code == SW_OK)
            code = sw_length_rule("value", out->tags[i].value, TAG_VALUE_MOST, err);
    }
    return code;
}

static enum sw_code read_dataset(struct sw_call *c, const json_t *item, struct sw_logged_dataset *out,
                                 struct sw_err *err)
{
    const json_t *d = json_object_get(item, "dataset");
    const struct {
        const char *name;
        const char **place;
        size_t most;
        bool required;
    } fields[] = {
        {"name", &out->name, NAME_MOST, true},
        {"digest", &out->digest, DIGEST_MOST, true},
        {"source_type", &out->source_type, SOURCE_MOST, true},
        {"source", &out->source, SOURCE_MOST, true},
        {"schema", &out->schema, SCHEMA_MOST, false},
        {"profile", &out->profile, PROFILE_MOST, false},
    };
    if (!json_is_object(d))
        return sw_err_set(err, SW_INVALID, "Dataset cannot be None");
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < sizeof fields / sizeof *fields && code == SW_OK; i++) {
        const char *text = sw_call_member_text(c, d, fields[i].name);
        if (text == NULL && fields[i].required)
            return sw_err_set(err, SW_INVALID, "Dataset %s cannot be None", fields[i].name);
        code = sw_length_rule(fields[i].name, text, fields[i].most, err);
        *fields[i].place = text_or_empty(text);
    }
    return code == SW_OK ? read_tags(c, json_object_get(item, "tags"), out, err) : code;
}

// "models": [{"model_id"}]
static enum sw_code read_model_ids(struct sw_call *c, const json_t *list, const char ***out, struct sw_err *err)
{
    size_t count = json_array_size(list);
    *out = sw_arena_array(c->arena, count + 1, sizeof **out);
    if (*out == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the models of a run");
    for (size_t i = 0; i < count; i++)
        if (((*out)[i] = sw_call_member_text(c, json_array_get(list, i), "model_id")) == NULL)
            return sw_call_missing("models[].model_id", err);
    return SW_OK;
}

SW_API_HANDLER(log_inputs)
{
    const char *run_id = sw_call_text(c, "run_id"), **models = NULL;
    const json_t *list = json_object_get(c->body, "datasets"), *model_list = json_object_get(c->body, "models");
    size_t count = json_array_size(list);
    struct sw_logged_dataset *datasets = sw_arena_array(c->arena, count + 1, sizeof *datasets);
    if (datasets == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the data sets of a run");
    enum sw_code code = sw_api_check_run_id(run_id, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = read_dataset(c, json_array_get(list, i), &datasets[i], err);
    if (code == SW_OK)
        code = read_model_ids(c, model_list, &models, err);
    if (code == SW_OK)
        code = sw_api_require_active(c, run_id, err);
    if (code != SW_OK)
        return code;
    return sw_run_log_inputs(c->store, run_id, datasets, count, models, json_array_size(model_list), err);
}

SW_API_HANDLER(log_outputs)
{
    const char *run_id = sw_call_text(c, "run_id"), **models = NULL;
    const json_t *list = json_object_get(c->body, "models");
    size_t count = json_array_size(list);
    struct sw_model_output *outputs = sw_arena_array(c->arena, count + 1, sizeof *outputs);
    if (outputs == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the models of a run");
    enum sw_code code = read_model_ids(c, list, &models, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        outputs[i] = (struct sw_model_output){models[i], sw_call_member_int(json_array_get(list, i), "step", 0)};
    if (code == SW_OK)
        code = sw_api_require_active(c, run_id, err);
    return code == SW_OK ? sw_run_log_outputs(c->store, run_id, outputs, count, err) : code;
}
