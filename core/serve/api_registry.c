// SPDX-License-Identifier: Apache-2.0
// Registered models: tags, aliases, stages of their newest versions. Versions themselves are api_versions.c's.
#include "core/serve/api_private.h"
#include "core/serve/names_private.h"
#include "core/serve/registry_reply_private.h"

#include <inttypes.h>
#include <string.h>

enum { SEARCH_PAGE = 100, SEARCH_MOST = 1000 };

// --- replies ---
void sw_api_put_version(struct sw_call *c, const char *key, const struct sw_model_version *v, bool with_aliases)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, key);
    sw_json_put_text(o, "name", v->name);
    sw_json_put_text(o, "version", sw_arena_printf(c->arena, "%" PRId64, v->version));
    sw_json_put_int(o, "creation_timestamp", v->created_ms);
    sw_json_put_int(o, "last_updated_timestamp", v->updated_ms);
    sw_json_put_text(o, "current_stage", v->stage);
    sw_json_put_text(o, "description", v->description);
    // A version registered from files has no URI of its own: where its bytes are is as good.
    sw_json_put_text(o, "source", v->source[0] != '\0' ? v->source : sw_model_download_uri(v, c->arena));
    sw_json_put_text(o, "run_id", v->run_id);
    sw_json_put_text(o, "status", "READY");
    sw_call_put_pairs(c, "tags", v->tags, v->tag_count);
    sw_json_put_text(o, "run_link", v->run_link);
    if (with_aliases && v->aliases[0] != '\0') {
        sw_json_begin_array(o, "aliases");
        for (const char *p = v->aliases; *p != '\0'; p += *p == ',') {
            size_t len = strcspn(p, ",");
            sw_json_put_text(o, NULL, sw_arena_strndup(c->arena, p, len));
            p += len;
        }
        sw_json_end_array(o);
    }
    sw_json_end_object(o);
}

void sw_api_put_versions(struct sw_call *c, const char *key, const struct sw_model_version *items, size_t count,
                         bool with_aliases)
{
    if (count == 0)
        return;
    sw_json_begin_array(&c->out, key);
    for (size_t i = 0; i < count; i++)
        sw_api_put_version(c, NULL, &items[i], with_aliases);
    sw_json_end_array(&c->out);
}

static void put_model(struct sw_call *c, const char *key, const struct sw_registered_model *m)
{
    struct sw_json_out *o = &c->out;
    sw_json_begin_object(o, key);
    sw_json_put_text(o, "name", m->name);
    sw_json_put_int(o, "creation_timestamp", m->created_ms);
    sw_json_put_int(o, "last_updated_timestamp", m->updated_ms);
    if (m->description[0] != '\0')
        sw_json_put_text(o, "description", m->description);
    sw_api_put_versions(c, "latest_versions", m->latest, m->latest_count, false);
    sw_call_put_pairs(c, "tags", m->tags, m->tag_count);
    if (m->alias_count > 0) {
        sw_json_begin_array(o, "aliases");
        for (size_t i = 0; i < m->alias_count; i++) {
            sw_json_begin_object(o, NULL);
            sw_json_put_text(o, "alias", m->aliases[i].alias);
            sw_json_put_text(o, "version", sw_arena_printf(c->arena, "%" PRId64, m->aliases[i].version));
            sw_json_end_object(o);
        }
        sw_json_end_array(o);
    }
    sw_json_end_object(o);
}

static enum sw_code reply_model(struct sw_call *c, const char *name, struct sw_err *err)
{
    struct sw_registered_model m = {0};
    enum sw_code code = sw_registered_model_get(c->store, name, c->arena, &m, err);
    if (code == SW_OK)
        put_model(c, "registered_model", &m);
    return code;
}

// --- what handlers of the registry read ---
enum sw_code sw_api_registry_tag(const struct sw_pair *tag, struct sw_err *err)
{
    enum sw_code code = sw_name_rule("key", tag->key, err);
    return code == SW_OK ? sw_registry_tag_check(tag->key, tag->value, err) : code;
}

enum sw_code sw_api_registry_tags(struct sw_call *c, struct sw_pair **out, size_t *count, struct sw_err *err)
{
    enum sw_code code = sw_call_pairs(c, "tags", out, count, err);
    for (size_t i = 0; i < *count && code == SW_OK; i++)
        code = sw_api_registry_tag(&(*out)[i], err);
    return code;
}

const char *sw_api_text_or_empty(const struct sw_call *c, const char *name)
{
    const char *text = sw_call_text(c, name);
    return text != NULL ? text : "";
}

// --- handlers ---
SW_API_HANDLER(create_registered_model)
{
    struct sw_pair *tags = NULL;
    size_t count = 0;
    const char *name = sw_call_text(c, "name");
    enum sw_code code = sw_api_registry_tags(c, &tags, &count, err);
    if (code == SW_OK)
        code = sw_registered_model_create(c->store, name, sw_call_text(c, "description"), tags, count, err);
    return code == SW_OK ? reply_model(c, name, err) : code;
}

SW_API_HANDLER(get_registered_model)
{
    return reply_model(c, sw_call_text(c, "name"), err);
}

SW_API_HANDLER(update_registered_model)
{
    const char *name = sw_call_text(c, "name");
    enum sw_code code = sw_registered_model_describe(c->store, name, sw_call_text(c, "description"), err);
    return code == SW_OK ? reply_model(c, name, err) : code;
}

SW_API_HANDLER(rename_registered_model)
{
    const char *new_name = sw_call_text(c, "new_name");
    enum sw_code code = sw_registered_model_rename(c->store, sw_call_text(c, "name"), new_name, err);
    return code == SW_OK ? reply_model(c, new_name, err) : code;
}

SW_API_HANDLER(delete_registered_model)
{
    return sw_registered_model_delete(c->store, sw_call_text(c, "name"), err);
}

SW_API_HANDLER(search_registered_models)
{
    struct sw_search q = {0};
    struct sw_registered_model_list list = {0};
    struct sw_query_order *order = NULL;
    int64_t size = 0;
    enum sw_code code = sw_call_page_size(c, SEARCH_PAGE, SEARCH_MOST, &size, err);
    if (code == SW_OK)
        code = sw_call_page_offset(c, &q.offset, err);
    if (code == SW_OK)
        code = sw_call_search(c, SW_SUBJECT_REGISTERED_MODEL, &q.where, &order, &q.order_count, err);
    q.order = order;
    q.limit = size + 1;
    if (code == SW_OK)
        code = sw_registered_model_search(c->store, &q, c->arena, &list, err);
    if (code != SW_OK || list.count == 0)
        return code;
    size_t shown = list.count > (size_t)size ? (size_t)size : list.count;
    sw_json_begin_array(&c->out, "registered_models");
    for (size_t i = 0; i < shown; i++)
        put_model(c, NULL, &list.items[i]);
    sw_json_end_array(&c->out);
    if (list.count > shown)
        sw_call_put_next_page(c, q.offset + size);
    return SW_OK;
}

SW_API_HANDLER(get_latest_versions)
{
    const char **stages = NULL;
    size_t count = 0;
    struct sw_model_version_list list = {0};
    enum sw_code code = sw_call_texts(c, "stages", &stages, &count, err);
    if (code == SW_OK)
        code = sw_model_version_latest(c->store, sw_call_text(c, "name"), stages, count, c->arena, &list, err);
    if (code == SW_OK)
        sw_api_put_versions(c, "model_versions", list.items, list.count, true);
    return code;
}

SW_API_HANDLER(set_registered_model_tag)
{
    struct sw_pair tag = {sw_call_text(c, "key"), sw_api_text_or_empty(c, "value")};
    enum sw_code code = sw_api_registry_tag(&tag, err);
    return code == SW_OK ? sw_registered_model_set_tag(c->store, sw_call_text(c, "name"), tag.key, tag.value, err)
                         : code;
}

SW_API_HANDLER(delete_registered_model_tag)
{
    return sw_registered_model_set_tag(c->store, sw_call_text(c, "name"), sw_call_text(c, "key"), NULL, err);
}

SW_API_HANDLER(set_registered_model_alias)
{
    struct sw_model_version v = {0};
    const char *name = sw_call_text(c, "name");
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    if (code == SW_OK) // in MLflow's words when it is not there
        code = sw_model_version_find(c->store, name, version, c->arena, &v, err);
    return code == SW_OK ? sw_model_set_alias(c->store, name, sw_call_text(c, "alias"), version, err) : code;
}

// An alias that is not there is fine.
SW_API_HANDLER(delete_registered_model_alias)
{
    const char *name = sw_call_text(c, "name");
    struct sw_err missing = {0};
    enum sw_code code = sw_registered_model_require(c->store, name, err);
    if (code != SW_OK)
        return code;
    code = sw_model_set_alias(c->store, name, sw_call_text(c, "alias"), 0, &missing);
    if (code == SW_OK || code == SW_NOT_FOUND)
        return SW_OK;
    *err = missing;
    return code;
}

SW_API_HANDLER(get_version_by_alias)
{
    struct sw_model_version v = {0};
    enum sw_code code =
        sw_model_version_find_alias(c->store, sw_call_text(c, "name"), sw_call_text(c, "alias"), c->arena, &v, err);
    if (code == SW_OK)
        sw_api_put_version(c, "model_version", &v, true);
    return code;
}
