// SPDX-License-Identifier: Apache-2.0
// Rendering: values are checked and typed, then the manifest's trees are copied with each `${name}` replaced by a JSON
// value. A value is never parsed again, so what it holds cannot become structure.
#include "core/manifest/template_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct rendering {
    const struct sw_template *t;
    const char **values; // one for each parameter; NULL = unset
    struct sw_err *err;
};

static const char *find_value(const struct sw_template_value *values, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].name, name) == 0)
            return values[i].value;
    return NULL;
}

const char *sw_template_value_of(const struct sw_template *t, const char *parameter,
                                 const struct sw_template_value *set, size_t set_count,
                                 const struct sw_template_value *context, size_t context_count)
{
    const struct sw_option *o = template_parameter(t, parameter, strlen(parameter));
    const char *value = find_value(set, set_count, parameter);
    if (value == NULL && o != NULL && o->from != NULL)
        value = find_value(context, context_count, o->from);
    return value == NULL && o != NULL ? o->otherwise : value;
}

static enum sw_code check_set(const struct sw_template *t, const struct sw_template_value *set, size_t count,
                              struct sw_err *err)
{
    for (size_t i = 0; i < count; i++) {
        char shown[80];
        sw_text_safe_copy(shown, sizeof shown, set[i].name, SW_TEXT_ONE_LINE);
        if (find_value(set, i, set[i].name) != NULL)
            return sw_err_set(err, SW_USAGE, "parameter %s is given twice", shown);
        if (template_parameter(t, set[i].name, strlen(set[i].name)) != NULL)
            continue;
        const char **names = malloc((t->info.parameter_count + 1) * sizeof *names);
        if (names == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory while rendering %s", t->info.name);
        for (size_t k = 0; k < t->info.parameter_count; k++)
            names[k] = t->info.parameters[k].name;
        const char *near = sw_text_nearest(set[i].name, names, t->info.parameter_count);
        free(names);
        enum sw_code code = sw_err_set(err, SW_USAGE, "template %s has no parameter '%s'", t->info.name, shown);
        if (near != NULL)
            (void)sw_err_hint(err, "did you mean '%s'?", near);
        else
            (void)sw_err_hint(err, "slipway template show %s lists them", t->info.name);
        return code;
    }
    return SW_OK;
}

static enum sw_code settle_values(struct rendering *r, const struct sw_template_value *set, size_t set_count,
                                  const struct sw_template_value *context, size_t context_count)
{
    for (size_t i = 0; i < r->t->info.parameter_count; i++) {
        const struct sw_option *o = &r->t->info.parameters[i];
        r->values[i] = sw_template_value_of(r->t, o->name, set, set_count, context, context_count);
        if (r->values[i] != NULL) {
            enum sw_code code = template_check_value(o, r->values[i], r->err);
            if (code != SW_OK)
                return code;
        } else if (o->required) {
            (void)sw_err_set(r->err, SW_USAGE, "template %s needs the parameter %s (%s): %s", r->t->info.name, o->name,
                             sw_option_type_word(o->type), o->help);
            return sw_err_hint(r->err, "give it with --set %s=VALUE", o->name);
        }
    }
    return SW_OK;
}

static bool reads_true(const char *value)
{
    return strcmp(value, "true") == 0 || strcmp(value, "yes") == 0 || strcmp(value, "1") == 0;
}

// The JSON value for a text that template_check_value() took.
static json_t *typed(const struct sw_option *o, const char *value)
{
    switch (o->type) {
    case SW_OPTION_INT:
        return json_integer(strtoll(value, NULL, 10));
    case SW_OPTION_REAL:
        return json_real(strtod(value, NULL));
    case SW_OPTION_FLAG:
        return json_boolean(reads_true(value));
    default:
        return json_string(value);
    }
}

static json_t *unescaped(const char *text)
{
    struct sw_buf out;
    sw_buf_init(&out, strlen(text) + 1);
    while (*text != '\0') {
        if (strncmp(text, "$${", 3) == 0)
            text++;
        sw_buf_addc(&out, *text++);
    }
    json_t *json = out.failed ? NULL : json_stringn(out.data, out.len);
    sw_buf_free(&out);
    return json;
}

static bool is_on(const struct rendering *r, const char *parameter)
{
    const struct sw_option *o = template_parameter(r->t, parameter, strlen(parameter));
    const char *value = r->values[o - r->t->info.parameters];
    if (value == NULL || value[0] == '\0')
        return false;
    return o->type != SW_OPTION_FLAG || reads_true(value);
}

static enum sw_code out_of_memory(const struct rendering *r)
{
    return sw_err_set(r->err, SW_NO_MEMORY, "out of memory while rendering %s", r->t->info.name);
}

// Copies a tree; *out stays NULL for what is left out: a mapping whose condition is false, a parameter that is unset, and
// a mapping or list that lost all it held that way. Depth is bounded by the limits of loading.
static enum sw_code copy_node(const struct rendering *r, json_t *node, json_t **out);

// Gives out a finished copy, or drops it.
static enum sw_code keep(json_t *copy, bool is_left_out, enum sw_code code, json_t **out)
{
    if (code == SW_OK && !is_left_out)
        *out = copy;
    else
        json_decref(copy);
    return code;
}

static enum sw_code copy_object(const struct rendering *r, json_t *node, json_t **out)
{
    const char *condition = sw_tree_text(node, TEMPLATE_IF);
    if (condition != NULL && !is_on(r, condition))
        return SW_OK;
    json_t *copy = json_object();
    bool is_less = false;
    enum sw_code code = copy != NULL ? SW_OK : out_of_memory(r);
    const char *key;
    json_t *child;
    json_object_foreach (node, key, child) {
        if (code != SW_OK)
            break;
        json_t *member = NULL;
        if (strcmp(key, TEMPLATE_IF) == 0)
            continue;
        code = copy_node(r, child, &member);
        is_less |= member == NULL;
        if (code == SW_OK && member != NULL && json_object_set_new(copy, key, member) != 0)
            code = out_of_memory(r);
    }
    return keep(copy, is_less && json_object_size(copy) == 0, code, out);
}

static enum sw_code copy_array(const struct rendering *r, json_t *node, json_t **out)
{
    json_t *copy = json_array();
    enum sw_code code = copy != NULL ? SW_OK : out_of_memory(r);
    size_t i;
    json_t *child;
    json_array_foreach (node, i, child) {
        json_t *element = NULL;
        if (code == SW_OK)
            code = copy_node(r, child, &element);
        if (code == SW_OK && element != NULL && json_array_append_new(copy, element) != 0)
            code = out_of_memory(r);
    }
    return keep(copy, json_array_size(node) > 0 && json_array_size(copy) == 0, code, out);
}

static enum sw_code copy_node(const struct rendering *r, json_t *node, json_t **out)
{
    if (json_is_object(node))
        return copy_object(r, node, out);
    if (json_is_array(node))
        return copy_array(r, node, out);
    if (!json_is_string(node)) {
        *out = json_copy(node);
        return *out != NULL ? SW_OK : out_of_memory(r);
    }
    const char *name = NULL;
    size_t len = 0;
    if (template_placeholder(json_string_value(node), &name, &len) == PLACEHOLDER_PARAMETER) {
        const struct sw_option *o = template_parameter(r->t, name, len);
        const char *value = r->values[o - r->t->info.parameters];
        if (value == NULL)
            return SW_OK;
        *out = typed(o, value);
    } else {
        *out = unescaped(json_string_value(node));
    }
    return *out != NULL ? SW_OK : out_of_memory(r);
}

enum sw_code sw_template_render(const struct sw_template *t, const struct sw_template_value *set, size_t set_count,
                                const struct sw_template_value *context, size_t context_count, json_t **out,
                                struct sw_err *err)
{
    struct rendering r = {.t = t, .err = err};
    json_t *documents = json_array();
    r.values = calloc(t->info.parameter_count + 1, sizeof *r.values);
    enum sw_code code = documents != NULL && r.values != NULL ? SW_OK : out_of_memory(&r);
    if (code == SW_OK)
        code = check_set(t, set, set_count, err);
    if (code == SW_OK)
        code = settle_values(&r, set, set_count, context, context_count);
    for (size_t i = 1; i <= t->info.document_count && code == SW_OK; i++) {
        json_t *doc = NULL;
        code = copy_node(&r, sw_yaml_doc(t->yaml, i), &doc);
        if (code == SW_OK && doc != NULL && json_array_append_new(documents, doc) != 0)
            code = out_of_memory(&r);
    }
    free(r.values);
    if (code != SW_OK) {
        json_decref(documents);
        return code;
    }
    *out = documents;
    return SW_OK;
}

enum sw_code sw_manifest_write_yaml(const json_t *documents, struct sw_buf *out, struct sw_err *err)
{
    for (size_t i = 0; i < json_array_size(documents); i++) {
        if (i > 0)
            sw_buf_adds(out, "---\n");
        enum sw_code code = sw_yaml_write(json_array_get(documents, i), out, err);
        if (code != SW_OK)
            return code;
    }
    return sw_buf_check(out, "the manifest", err);
}

enum sw_code sw_manifest_write_json(const json_t *documents, struct sw_buf *out, struct sw_err *err)
{
    enum sw_code code = sw_json_write(documents, 2, out, err);
    if (code != SW_OK)
        return code;
    sw_buf_addc(out, '\n');
    return sw_buf_check(out, "the manifest", err);
}
