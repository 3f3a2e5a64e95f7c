// SPDX-License-Identifier: Apache-2.0
// Loading a template. Whatever could go wrong while rendering is found here, with its line: a template that loads fails
// later only for a value that somebody gave.
#include "core/manifest/template_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/path.h"
#include "core/base/text.h"

static const struct sw_tree_limits template_limits = {
    .max_depth = 32, .max_nodes = 20000, .max_bytes = 1 << 20, .no_aliases = true};

enum { MAX_NAME = 63 };

static const struct {
    const char *word;
    enum sw_option_type type;
    bool has_range;
} type_words[] = {
    {"name", SW_OPTION_NAME, false},   {"int", SW_OPTION_INT, true},           {"real", SW_OPTION_REAL, true},
    {"bool", SW_OPTION_FLAG, false},   {"choice", SW_OPTION_CHOICE, false},    {"quantity", SW_OPTION_QUANTITY, false},
    {"image", SW_OPTION_IMAGE, false}, {"duration", SW_OPTION_DURATION, true}, {"text", SW_OPTION_TEXT, false},
    {"path", SW_OPTION_PATH, false},   {"dataset", SW_OPTION_DATASET, false},  {"model", SW_OPTION_MODEL, false},
    {"run", SW_OPTION_RUN, false},
};

#define SOURCE_NAME(name, help) name,
static const char *const source_names[] = {SW_TEMPLATE_SOURCE_TABLE(SOURCE_NAME)};

// The making of a template.
struct loading {
    struct sw_template *t;
    bool is_used[TEMPLATE_MAX_PARAMETERS];
    struct sw_err *err;
};

static enum sw_code bad(const struct loading *l, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum sw_code bad(const struct loading *l, int line, const char *format, ...)
{
    char what[400];
    va_list ap;
    va_start(ap, format);
    vsnprintf(what, sizeof what, format, ap);
    va_end(ap);
    return sw_err_set(l->err, SW_INVALID, "%s:%d: %s", l->t->info.path, line, what);
}

static enum sw_code no_memory(const struct loading *l)
{
    return sw_err_set(l->err, SW_NO_MEMORY, "out of memory while loading %s", l->t->info.path);
}

// --- grammar of placeholders ---

enum placeholder template_placeholder(const char *text, const char **name, size_t *len)
{
    size_t all = strlen(text);
    if (all > 3 && strncmp(text, "${", 2) == 0 && strcspn(text + 2, "}$") == all - 3 && text[all - 1] == '}') {
        *name = text + 2;
        *len = all - 3;
        return PLACEHOLDER_PARAMETER;
    }
    for (const char *p = text; (p = strchr(p, '$')) != NULL; p++) {
        if (strncmp(p, "$${", 3) == 0)
            p += 2;
        else if (p[1] == '{')
            return PLACEHOLDER_INSIDE;
    }
    return PLACEHOLDER_NONE;
}

const struct sw_option *template_parameter(const struct sw_template *t, const char *name, size_t len)
{
    for (size_t i = 0; i < t->info.parameter_count; i++)
        if (strlen(t->info.parameters[i].name) == len && memcmp(t->info.parameters[i].name, name, len) == 0)
            return &t->info.parameters[i];
    return NULL;
}

enum sw_code template_check_value(const struct sw_option *o, const char *value, struct sw_err *err)
{
    struct sw_err found = {0};
    enum sw_code code = sw_option_check(o, value, &found);
    if (code == SW_OK)
        return SW_OK;
    const char *message = strncmp(found.message, "--", 2) == 0 ? found.message + 2 : found.message;
    code = sw_err_set(err, code, "parameter %s (%s)", message, sw_option_type_word(o->type));
    if (found.hint[0] != '\0' || o->help != NULL)
        (void)sw_err_hint(err, "%s", found.hint[0] != '\0' ? found.hint : o->help);
    return code;
}

// --- the declaration ---

static enum sw_code check_keys(const struct loading *l, json_t *object, const char *what, const char *const *known,
                               size_t count)
{
    const char *key;
    json_t *ignored;
    json_object_foreach (object, key, ignored) {
        bool is_known = false;
        for (size_t i = 0; i < count; i++)
            is_known |= strcmp(known[i], key) == 0;
        if (is_known)
            continue;
        char shown[80];
        const char *near = sw_text_nearest(key, known, count);
        (void)bad(l, sw_yaml_line(l->t->yaml, object, key, 0), "%s has no key '%s'", what,
                  sw_text_safe_copy(shown, sizeof shown, key, SW_TEXT_ONE_LINE));
        return near != NULL ? sw_err_hint(l->err, "did you mean '%s'?", near) : SW_INVALID;
    }
    return SW_OK;
}

// Member `key` as text, copied; an error when it is there and is no text, or missing and required.
static enum sw_code text_member(const struct loading *l, json_t *object, int line, const char *key, bool is_required,
                                const char **out)
{
    json_t *value = json_object_get(object, key);
    if (value == NULL)
        return is_required ? bad(l, line, "'%s' is missing", key) : SW_OK;
    if (!json_is_string(value) || json_string_length(value) == 0)
        return bad(l, sw_yaml_line(l->t->yaml, object, key, 0), "'%s' is not text", key);
    *out = sw_arena_strdup(l->t->arena, json_string_value(value));
    return *out != NULL ? SW_OK : no_memory(l);
}

// A default as the text that a user would type.
static enum sw_code default_text(const struct loading *l, json_t *object, const char **out)
{
    json_t *value = json_object_get(object, "default");
    if (value == NULL || json_is_null(value))
        return SW_OK;
    if (json_is_object(value) || json_is_array(value))
        return bad(l, sw_yaml_line(l->t->yaml, object, "default", 0), "'default' is not a single value");
    char *dumped = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    *out = sw_arena_strdup(l->t->arena, dumped != NULL ? dumped : json_string_value(value));
    free(dumped);
    return *out != NULL ? SW_OK : no_memory(l);
}

static enum sw_code read_type(const struct loading *l, json_t *object, int line, struct sw_option *o, bool *has_range)
{
    const char *words[sizeof type_words / sizeof *type_words];
    const char *type = NULL;
    enum sw_code code = text_member(l, object, line, "type", true, &type);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < sizeof type_words / sizeof *type_words; i++) {
        words[i] = type_words[i].word;
        if (strcmp(type_words[i].word, type) != 0)
            continue;
        o->type = type_words[i].type;
        *has_range = type_words[i].has_range;
        return SW_OK;
    }
    const char *near = sw_text_nearest(type, words, sizeof words / sizeof *words);
    (void)bad(l, sw_yaml_line(l->t->yaml, object, "type", 0), "parameter %s has the unknown type '%.40s'", o->name,
              type);
    return sw_err_hint(l->err, "%s%s%stypes: name int real bool choice quantity image duration text path",
                       near != NULL ? "did you mean '" : "", near != NULL ? near : "", near != NULL ? "'? " : "");
}

static enum sw_code read_range(const struct loading *l, json_t *object, int line, struct sw_option *o, bool has_range)
{
    json_t *min = json_object_get(object, "min"), *max = json_object_get(object, "max");
    if (min == NULL && max == NULL)
        return SW_OK;
    if (!has_range)
        return bad(l, line, "parameter %s has a range, but its type is not int, real or duration", o->name);
    if (!json_is_number(min) || !json_is_number(max) || json_number_value(min) >= json_number_value(max))
        return bad(l, line, "parameter %s needs both min and max, numbers, min below max", o->name);
    o->min = json_number_value(min);
    o->max = json_number_value(max);
    return SW_OK;
}

static enum sw_code read_choices(const struct loading *l, json_t *object, int line, struct sw_option *o)
{
    json_t *choices = json_object_get(object, "choices");
    if ((o->type == SW_OPTION_CHOICE) != (json_array_size(choices) > 0))
        return bad(l, line, "parameter %s: 'choices' is a list that belongs to the type choice", o->name);
    struct sw_buf joined;
    sw_buf_init(&joined, 1000);
    size_t i;
    json_t *choice;
    enum sw_code code = SW_OK;
    json_array_foreach (choices, i, choice) {
        const char *word = json_string_value(choice);
        if (word == NULL || word[0] == '\0' || strchr(word, '|') != NULL) {
            code = bad(l, sw_yaml_line(l->t->yaml, choices, NULL, i), "a choice of %s is not a word", o->name);
            break;
        }
        sw_buf_adds(&joined, i > 0 ? "|" : "");
        sw_buf_adds(&joined, word);
    }
    if (code == SW_OK)
        code = sw_buf_check(&joined, "the choices", l->err);
    if (code == SW_OK && joined.len > 0 && (o->choices = sw_arena_strdup(l->t->arena, joined.data)) == NULL)
        code = no_memory(l);
    sw_buf_free(&joined);
    return code;
}

static enum sw_code read_source(const struct loading *l, json_t *object, int line, struct sw_option *o)
{
    enum sw_code code = text_member(l, object, line, "from", false, &o->from);
    if (code != SW_OK || o->from == NULL)
        return code;
    size_t count = sizeof source_names / sizeof *source_names;
    for (size_t i = 0; i < count; i++)
        if (strcmp(source_names[i], o->from) == 0)
            return SW_OK;
    const char *near = sw_text_nearest(o->from, source_names, count);
    code = bad(l, sw_yaml_line(l->t->yaml, object, "from", 0), "parameter %s: nothing is called '%.40s'", o->name,
               o->from);
    return near != NULL ? sw_err_hint(l->err, "did you mean '%s'?", near) : code;
}

static bool is_parameter_name(const char *s)
{
    size_t len = strlen(s);
    return len <= MAX_NAME && s[0] >= 'a' && s[0] <= 'z' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

static enum sw_code read_required(const struct loading *l, json_t *object, int line, struct sw_option *o)
{
    json_t *required = json_object_get(object, "required");
    if (required != NULL && !json_is_boolean(required))
        return bad(l, sw_yaml_line(l->t->yaml, object, "required", 0), "'required' is true or false");
    o->required = json_is_true(required);
    if (o->required && o->otherwise != NULL)
        return bad(l, line, "parameter %s is required and has a default; it can be only one of the two", o->name);
    return SW_OK;
}

static enum sw_code read_parameter(const struct loading *l, json_t *object, int line, struct sw_option *o)
{
    static const char *const keys[] = {"name", "type", "default", "min", "max", "choices", "help", "from", "required"};
    bool has_range = false;
    if (!json_is_object(object))
        return bad(l, line, "a parameter is a mapping with name, type and help");
    enum sw_code code = check_keys(l, object, "a parameter", keys, sizeof keys / sizeof *keys);
    if (code == SW_OK)
        code = text_member(l, object, line, "name", true, &o->name);
    if (code == SW_OK && !is_parameter_name(o->name))
        return bad(l, line, "'%.80s' is no parameter name: lower case letters, digits and '-'", o->name);
    if (code == SW_OK && template_parameter(l->t, o->name, strlen(o->name)) != NULL)
        return bad(l, line, "parameter %s is declared twice", o->name);
    if (code == SW_OK)
        code = read_type(l, object, line, o, &has_range);
    if (code == SW_OK)
        code = read_range(l, object, line, o, has_range);
    if (code == SW_OK)
        code = read_choices(l, object, line, o);
    if (code == SW_OK)
        code = text_member(l, object, line, "help", true, &o->help);
    if (code == SW_OK)
        code = read_source(l, object, line, o);
    if (code == SW_OK)
        code = default_text(l, object, &o->otherwise);
    if (code == SW_OK)
        code = read_required(l, object, line, o);
    if (code == SW_OK && o->otherwise != NULL && template_check_value(o, o->otherwise, l->err) != SW_OK) {
        l->err->code = SW_INVALID;
        (void)sw_err_wrap(l->err, "%s:%d: the default of", l->t->info.path, line);
        return SW_INVALID;
    }
    return code;
}

static enum sw_code read_parameters(struct loading *l, json_t *top)
{
    json_t *list = json_object_get(top, "parameters");
    size_t count = json_array_size(list);
    if (list != NULL && !json_is_array(list))
        return bad(l, sw_yaml_line(l->t->yaml, top, "parameters", 0), "'parameters' is not a list");
    if (count > TEMPLATE_MAX_PARAMETERS)
        return bad(l, sw_yaml_line(l->t->yaml, top, "parameters", 0), "more than %d parameters",
                   TEMPLATE_MAX_PARAMETERS);
    l->t->info.parameters = l->t->options;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        code = read_parameter(l, json_array_get(list, i), sw_yaml_line(l->t->yaml, list, NULL, i), &l->t->options[i]);
        l->t->info.parameter_count = i + 1;
    }
    return code;
}

static enum sw_code check_name(const struct loading *l, int line)
{
    const char *base = sw_path_base(l->t->info.path);
    size_t len = strlen(base);
    if (len > 5 && strcmp(base + len - 5, ".yaml") == 0)
        len -= 5;
    if (strlen(l->t->info.name) == len && memcmp(l->t->info.name, base, len) == 0)
        return SW_OK;
    return bad(l, line, "the template is named %.80s, its file %.80s", l->t->info.name, base);
}

static enum sw_code read_declaration(struct loading *l)
{
    static const char *const top_keys[] = {"apiVersion", "kind", "metadata", "parameters"};
    static const char *const metadata_keys[] = {"name", "summary", "description"};
    struct sw_template_info *info = &l->t->info;
    json_t *top = sw_yaml_count(l->t->yaml) > 0 ? sw_yaml_doc(l->t->yaml, 0) : NULL;
    const char *version = sw_tree_text(top, "apiVersion"), *kind = sw_tree_text(top, "kind");
    if (version == NULL || kind == NULL || strcmp(version, "slipway/v1") != 0 || strcmp(kind, "Template") != 0) {
        (void)bad(l, 1, "the first document is no template declaration");
        return sw_err_hint(l->err, "it begins with `apiVersion: slipway/v1` and `kind: Template`");
    }
    json_t *metadata = json_object_get(top, "metadata");
    int line = sw_yaml_line(l->t->yaml, top, "metadata", 0);
    if (!json_is_object(metadata))
        return bad(l, line > 0 ? line : 1, "'metadata' with name and summary is missing");
    enum sw_code code = check_keys(l, top, "a template declaration", top_keys, 4);
    if (code == SW_OK)
        code = check_keys(l, metadata, "metadata", metadata_keys, 3);
    if (code == SW_OK)
        code = text_member(l, metadata, line, "name", true, &info->name);
    if (code == SW_OK)
        code = check_name(l, line);
    if (code == SW_OK)
        code = text_member(l, metadata, line, "summary", true, &info->summary);
    if (code == SW_OK)
        code = text_member(l, metadata, line, "description", false, &info->description);
    return code == SW_OK ? read_parameters(l, top) : code;
}

// --- the manifest ---

static enum sw_code use(struct loading *l, const char *name, size_t len, int line)
{
    const struct sw_option *o = template_parameter(l->t, name, len);
    if (o != NULL) {
        l->is_used[o - l->t->options] = true;
        return SW_OK;
    }
    const char *names[TEMPLATE_MAX_PARAMETERS];
    char wanted[80];
    for (size_t i = 0; i < l->t->info.parameter_count; i++)
        names[i] = l->t->options[i].name;
    snprintf(wanted, sizeof wanted, "%.*s", (int)(len < sizeof wanted ? len : sizeof wanted - 1), name);
    const char *near = sw_text_nearest(wanted, names, l->t->info.parameter_count);
    (void)bad(l, line, "parameter '%s' is used but not declared", wanted);
    return near != NULL ? sw_err_hint(l->err, "did you mean '%s'?", near) : SW_INVALID;
}

static enum sw_code check_text(struct loading *l, const char *text, int line)
{
    const char *name = NULL;
    size_t len = 0;
    switch (template_placeholder(text, &name, &len)) {
    case PLACEHOLDER_PARAMETER:
        return use(l, name, len, line);
    case PLACEHOLDER_INSIDE:
        (void)bad(l, line, "'${' inside a longer text: a parameter stands for a whole value");
        return sw_err_hint(l->err, "give the whole value as one parameter; a literal '${' is written '$${'");
    case PLACEHOLDER_NONE:
        break;
    }
    return SW_OK;
}

static enum sw_code check_key(struct loading *l, json_t *object, const char *key)
{
    int line = sw_yaml_line(l->t->yaml, object, key, 0);
    if (strcmp(key, TEMPLATE_IF) == 0) {
        const char *name = json_string_value(json_object_get(object, key));
        return name != NULL ? use(l, name, strlen(name), line) : bad(l, line, "'$if' names no parameter");
    }
    if (key[0] == '$' || strstr(key, "${") != NULL)
        return bad(l, line, "the key '%.40s': '$if' is the only key with a '$'", key);
    return SW_OK;
}

// Depth is bounded by template_limits.
static enum sw_code check_node(struct loading *l, json_t *node, int line)
{
    enum sw_code code = SW_OK;
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_string(node))
        return check_text(l, json_string_value(node), line);
    json_object_foreach (node, key, child) {
        code = check_key(l, node, key);
        if (code == SW_OK && strcmp(key, TEMPLATE_IF) != 0)
            code = check_node(l, child, sw_yaml_line(l->t->yaml, node, key, 0));
        if (code != SW_OK)
            return code;
    }
    json_array_foreach (node, i, child) {
        code = check_node(l, child, sw_yaml_line(l->t->yaml, node, NULL, i));
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

static enum sw_code check_manifest(struct loading *l)
{
    size_t count = sw_yaml_count(l->t->yaml);
    if (count < 2)
        return bad(l, 1, "there is no manifest after the declaration");
    for (size_t i = 1; i < count; i++) {
        json_t *doc = sw_yaml_doc(l->t->yaml, i);
        const char *kind = sw_tree_text(doc, "kind");
        int line = json_is_object(doc) ? sw_yaml_line(l->t->yaml, doc, "kind", 0) : 0;
        if (kind == NULL || sw_tree_text(doc, "apiVersion") == NULL)
            return bad(l, line > 0 ? line : 1, "document %zu of the manifest has no apiVersion and kind", i);
        enum sw_code code = check_node(l, doc, line);
        if (code != SW_OK)
            return code;
    }
    l->t->info.document_count = count - 1;
    json_t *list = json_object_get(sw_yaml_doc(l->t->yaml, 0), "parameters");
    for (size_t i = 0; i < l->t->info.parameter_count; i++)
        if (!l->is_used[i])
            return bad(l, sw_yaml_line(l->t->yaml, list, NULL, i), "parameter %s is declared but not used",
                       l->t->options[i].name);
    return SW_OK;
}

enum sw_code sw_template_load(const char *path, struct sw_template **out, struct sw_err *err)
{
    struct sw_arena *arena = sw_arena_new((size_t)8 << 20);
    struct sw_template *t = arena != NULL ? sw_arena_alloc(arena, sizeof *t) : NULL;
    const char *own_path = t != NULL ? sw_arena_strdup(arena, path) : NULL;
    if (own_path == NULL) {
        sw_arena_free(arena);
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while loading %s", path);
    }
    t->arena = arena;
    t->info.path = own_path;
    struct loading l = {.t = t, .err = err};
    enum sw_code code = sw_yaml_load(path, &template_limits, &t->yaml, err);
    if (code == SW_OK)
        code = read_declaration(&l);
    if (code == SW_OK)
        code = check_manifest(&l);
    if (code != SW_OK) {
        sw_template_free(t);
        return code;
    }
    *out = t;
    return SW_OK;
}

void sw_template_free(struct sw_template *t)
{
    if (t == NULL)
        return;
    sw_yaml_free(t->yaml);
    sw_arena_free(t->arena); // `t` lives in it
}

const struct sw_template_info *sw_template_info(const struct sw_template *t)
{
    return &t->info;
}
