// SPDX-License-Identifier: Apache-2.0
#include "app/json_kind.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/tree.h"

json_t *sw_json_real(double value)
{
    if (isnan(value))
        return json_string("NaN");
    if (isinf(value))
        return json_string(value > 0 ? "Infinity" : "-Infinity");
    return json_real(value);
}

json_t *sw_json_maybe(double value)
{
    return isnan(value) ? json_null() : sw_json_real(value);
}

json_t *sw_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    struct sw_buf valid;
    sw_buf_init(&valid, 64 * 1024 * 1024);
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        uint32_t codepoint;
        char bytes[4];
        at += sw_utf8_decode(text + at, len - at, &codepoint);
        sw_buf_add(&valid, bytes, sw_utf8_encode(codepoint, bytes));
    }
    value = json_stringn(valid.data, valid.len);
    sw_buf_free(&valid);
    return value;
}

json_t *sw_json_tree(const char *text)
{
    struct sw_err err = {0};
    json_t *tree = NULL;
    if (text == NULL || text[0] == '\0')
        return json_null();
    if (sw_json_parse(text, strlen(text), "stored text", &sw_tree_limits_default, &tree, &err) != SW_OK)
        return sw_json_text(text);
    return tree;
}

static json_t *field_value(const struct sw_json_field *f, const void *object)
{
    const void *at = (const char *)object + f->offset;
    switch (f->type) {
    case SW_JSON_TEXT:
        return sw_json_text(*(const char *const *)at);
    case SW_JSON_CHARS:
        return ((const char *)at)[0] == '\0' ? json_null() : sw_json_text(at);
    case SW_JSON_INT64:
        return json_integer(*(const int64_t *)at);
    case SW_JSON_INT:
        return json_integer(*(const int *)at);
    case SW_JSON_BOOL:
        return json_boolean(*(const bool *)at);
    case SW_JSON_REAL:
        return sw_json_real(*(const double *)at);
    case SW_JSON_MAYBE:
        return sw_json_maybe(*(const double *)at);
    case SW_JSON_NONZERO:
        return *(const int64_t *)at == 0 ? json_null() : json_integer(*(const int64_t *)at);
    case SW_JSON_TREE:
        return sw_json_tree(*(const char *const *)at);
    case SW_JSON_MADE:
        return f->make(object);
    }
    return NULL;
}

static json_t *put_fields(json_t *document, const struct sw_json_kind *kind, const void *object)
{
    for (size_t i = 0; i < kind->field_count; i++) {
        const struct sw_json_field *f = &kind->fields[i];
        if (json_object_set_new(document, f->name, field_value(f, object)) != 0) {
            json_decref(document);
            return NULL;
        }
    }
    return document;
}

json_t *sw_json_object(const struct sw_json_kind *kind, const void *object)
{
    json_t *document = json_object();
    return document == NULL ? NULL : put_fields(document, kind, object);
}

json_t *sw_json_document(const struct sw_json_kind *kind, const void *object)
{
    json_t *document = json_pack("{s:s}", "kind", kind->name);
    return document == NULL ? NULL : put_fields(document, kind, object);
}

json_t *sw_json_list(const struct sw_json_kind *kind, const void *items, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count && list != NULL; i++) {
        if (json_array_append_new(list, sw_json_object(kind, (const char *)items + i * kind->size)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return sw_json_list_of(kind->list, list);
}

json_t *sw_json_list_of(const char *list_kind, json_t *items)
{
    return items == NULL ? NULL : json_pack("{s:s, s:o}", "kind", list_kind, "items", items);
}
