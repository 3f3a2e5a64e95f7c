// SPDX-License-Identifier: Apache-2.0
// Versions of registered models. Making one copies its bytes into the store, which takes as long as they are: that handler
// runs as a reader, outside the writer's transactions, and its rows are a step of their own.
#include "core/serve/api_private.h"
#include "core/serve/names_private.h"
#include "core/serve/registry_reply_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { SEARCH_PAGE = 10000, SEARCH_MOST = 200000 };

enum sw_code sw_api_read_version(const struct sw_call *c, int64_t *out, struct sw_err *err)
{
    const char *text = sw_call_text(c, "version");
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || strlen(text) > 18)
        return sw_err_set(err, SW_INVALID, "Parameter 'version' must be an integer, got '%.100s'.", text);
    *out = number;
    return SW_OK;
}

static enum sw_code reply_version(struct sw_call *c, int64_t version, struct sw_err *err)
{
    struct sw_model_version v = {0};
    enum sw_code code = sw_model_version_find(c->store, sw_call_text(c, "name"), version, c->arena, &v, err);
    if (code == SW_OK)
        sw_api_put_version(c, "model_version", &v, true);
    return code;
}

static bool says_prompt(const struct sw_pair *tags, size_t count)
{
    bool is_prompt = false;
    for (size_t i = 0; i < count; i++) // of equal keys the last one counts
        if (strcmp(tags[i].key, SW_PROMPT_TAG) == 0)
            is_prompt = strcasecmp(tags[i].value, "true") == 0;
    return is_prompt;
}

SW_API_HANDLER(create_model_version)
{
    struct sw_pair *tags = NULL;
    size_t tag_count = 0;
    struct sw_source source = {0};
    struct sw_model_version v = {0};
    enum sw_code code = sw_model_name_check(sw_call_text(c, "name"), err);
    if (code == SW_OK)
        code = sw_api_registry_tags(c, &tags, &tag_count, err);
    const char *run_id = sw_api_text_or_empty(c, "run_id"), *model_id = sw_api_text_or_empty(c, "model_id");
    struct sw_source_request request = {.source = sw_call_text(c, "source"),
                                        .run_id = run_id[0] != '\0' ? run_id : NULL,
                                        .model_id = model_id[0] != '\0' ? model_id : NULL,
                                        .is_prompt = says_prompt(tags, tag_count)};
    if (code == SW_OK)
        code = sw_source_resolve(c->store, &request, c->arena, &source, err);
    struct sw_model_source base = {.name = sw_call_text(c, "name"),
                                   .description = sw_call_text(c, "description"),
                                   .always_new = true,
                                   .must_exist = true,
                                   .run_link = sw_call_text(c, "run_link"),
                                   .tags = tags,
                                   .tag_count = tag_count};
    if (code == SW_OK)
        code = sw_source_register(c->store, &source, base, c->arena, &v, err);
    if (code == SW_OK)
        sw_api_put_version(c, "model_version", &v, true);
    return code;
}

SW_API_HANDLER(get_model_version)
{
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    return code == SW_OK ? reply_version(c, version, err) : code;
}

SW_API_HANDLER(update_model_version)
{
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    if (code == SW_OK)
        code =
            sw_model_version_describe(c->store, sw_call_text(c, "name"), version, sw_call_text(c, "description"), err);
    return code == SW_OK ? reply_version(c, version, err) : code;
}

SW_API_HANDLER(delete_model_version)
{
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    return code == SW_OK ? sw_model_version_delete(c->store, sw_call_text(c, "name"), version, err) : code;
}

SW_API_HANDLER(transition_stage)
{
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    if (code == SW_OK)
        code = sw_model_version_set_stage(c->store, sw_call_text(c, "name"), version, sw_call_text(c, "stage"),
                                          sw_call_bool(c, "archive_existing_versions", false), err);
    return code == SW_OK ? reply_version(c, version, err) : code;
}

SW_API_HANDLER(get_download_uri)
{
    struct sw_model_version v = {0};
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    if (code == SW_OK)
        code = sw_model_version_find(c->store, sw_call_text(c, "name"), version, c->arena, &v, err);
    if (code == SW_OK)
        sw_json_put_text(&c->out, "artifact_uri", sw_model_download_uri(&v, c->arena));
    return code;
}

SW_API_HANDLER(search_model_versions)
{
    struct sw_search q = {0};
    struct sw_model_version_list list = {0};
    struct sw_query_order *order = NULL;
    int64_t size = 0;
    enum sw_code code = sw_call_page_size(c, SEARCH_PAGE, SEARCH_MOST, &size, err);
    if (code == SW_OK)
        code = sw_call_page_offset(c, &q.offset, err);
    if (code == SW_OK)
        code = sw_call_search(c, SW_SUBJECT_MODEL_VERSION, &q.where, &order, &q.order_count, err);
    q.order = order;
    q.limit = size + 1;
    if (code == SW_OK)
        code = sw_model_version_search(c->store, &q, c->arena, &list, err);
    if (code != SW_OK)
        return code;
    size_t shown = list.count > (size_t)size ? (size_t)size : list.count;
    sw_api_put_versions(c, "model_versions", list.items, shown, false);
    if (list.count > shown)
        sw_call_put_next_page(c, q.offset + size);
    return SW_OK;
}

SW_API_HANDLER(set_model_version_tag)
{
    struct sw_pair tag = {sw_call_text(c, "key"), sw_api_text_or_empty(c, "value")};
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    if (code == SW_OK)
        code = sw_api_registry_tag(&tag, err);
    return code == SW_OK ? sw_model_version_set_tag(c->store, sw_call_text(c, "name"), version, tag.key, tag.value, err)
                         : code;
}

SW_API_HANDLER(delete_model_version_tag)
{
    int64_t version = 0;
    enum sw_code code = sw_api_read_version(c, &version, err);
    return code == SW_OK
               ? sw_model_version_set_tag(c->store, sw_call_text(c, "name"), version, sw_call_text(c, "key"), NULL, err)
               : code;
}
