// SPDX-License-Identifier: Apache-2.0
#include "app/config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/text.h"
#include "core/base/tree.h"

enum { CONFIG_MAX_BYTES = 256 * 1024, ARENA_MAX_BYTES = 1024 * 1024, ENV_NAME_MAX = 64, KEY_COUNT_MAX = 32 };

const struct sw_option sw_config_keys[] = {
    {.name = "store",
     .type = SW_OPTION_PATH,
     .value = "DIR",
     .help = "folder of the tracker: slipway.db and artifacts"},
    {.name = "experiment", .type = SW_OPTION_TEXT, .otherwise = "Default", .help = "experiment that new runs go to"},
    {.name = "cpu-slots",
     .type = SW_OPTION_INT,
     .min = 1,
     .max = 4096,
     .help = "CPU slots that jobs may hold at the same time; unset = the number of cores"},
    {.name = "grace",
     .type = SW_OPTION_DURATION,
     .help = "time a stopped job gets between SIGTERM and SIGKILL; unset = 60 s"},
    {.name = "policy", .type = SW_OPTION_PATH, .value = "FILE", .help = "policy that an approval is checked against"},
    {.name = "signing-key",
     .type = SW_OPTION_PATH,
     .value = "FILE",
     .help = "SSH key that signs approvals; unset = not signed"},
    {.name = "target", .type = SW_OPTION_TARGET, .help = "where models are pushed to unless told otherwise"},
    {.name = "template",
     .type = SW_OPTION_TEXT,
     .value = "NAME",
     .help = "manifest template that a push renders unless told otherwise"},
    {.name = "color",
     .type = SW_OPTION_CHOICE,
     .choices = "auto|always|never",
     .otherwise = "auto",
     .help = "colour in command output"},
    {.name = "theme",
     .type = SW_OPTION_CHOICE,
     .choices = "auto|dark|light|mono",
     .otherwise = "auto",
     .help = "colours of the screens"},
    {.name = "charts",
     .type = SW_OPTION_CHOICE,
     .choices = "auto|braille|block|ascii",
     .otherwise = "auto",
     .help = "what curves are drawn with"},
    {.name = "ascii", .type = SW_OPTION_FLAG, .otherwise = "false", .help = "only ASCII on the screens"},
    {.name = "mouse", .type = SW_OPTION_FLAG, .otherwise = "true", .help = "mouse on the screens"},
};
const size_t sw_config_key_count = sizeof sw_config_keys / sizeof sw_config_keys[0];

struct setting {
    const char *value; // NULL = unset
    enum sw_config_origin origin;
    const char *where;
};

struct sw_config {
    struct sw_arena *arena;
    struct sw_option_set *values; // of `settings`, for typed reading
    const char *project_dir;
    struct setting settings[KEY_COUNT_MAX];
};
_Static_assert(sizeof sw_config_keys / sizeof sw_config_keys[0] <= KEY_COUNT_MAX, "KEY_COUNT_MAX is too small");

static const struct sw_option *key_find(const char *key)
{
    return sw_option_find(sw_config_keys, sw_config_key_count, key);
}

static struct setting *setting_of(const struct sw_config *c, const char *key)
{
    const struct sw_option *o = key_find(key);
    return o == NULL ? NULL : (struct setting *)&c->settings[o - sw_config_keys];
}

enum sw_code sw_config_unknown_key(const char *where, const char *key, struct sw_err *err)
{
    const char *names[KEY_COUNT_MAX];
    for (size_t i = 0; i < sw_config_key_count; i++)
        names[i] = sw_config_keys[i].name;
    const char *nearest = sw_text_nearest(key, names, sw_config_key_count);
    (void)sw_err_set(err, SW_USAGE, "%s: unknown key '%s'", where, key);
    if (nearest != NULL)
        return sw_err_hint(err, "did you mean '%s'?", nearest);
    return sw_err_hint(err, "'slipway config show' lists the keys");
}

void sw_config_env_name(const char *key, char *out, size_t size)
{
    snprintf(out, size, "SLIPWAY_%s", key);
    for (char *p = out; *p != '\0'; p++)
        *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

// Scalars of a file as the text that was meant: 30 is "30", true is "true".
static const char *scalar_text(struct sw_arena *a, const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        return sw_arena_printf(a, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return sw_arena_printf(a, "%.17g", json_real_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    return NULL;
}

static enum sw_code put_from_file(struct sw_config *c, const char *path, int line, const char *key, const json_t *value,
                                  enum sw_config_origin origin, struct sw_err *err)
{
    char where[SW_PATH_MAX + 16];
    snprintf(where, sizeof where, "%s:%d", path, line);
    const struct sw_option *o = key_find(key);
    if (o == NULL)
        return sw_config_unknown_key(where, key, err);
    if (json_is_null(value)) // "key:" with nothing behind it leaves the key unset
        return SW_OK;
    const char *text = scalar_text(c->arena, value);
    if (text == NULL)
        return sw_err_set(err, SW_USAGE, "%s: '%s' must be one value, not a list or mapping", where, key);
    if (sw_option_check(o, text, err) != SW_OK)
        return sw_err_wrap(err, "%s", where);
    char full[SW_PATH_MAX];
    if (o->type == SW_OPTION_PATH) {
        char dir[SW_PATH_MAX];
        snprintf(dir, sizeof dir, "%.*s", (int)(sw_path_base(path) - path), path);
        enum sw_code code = sw_path_join(full, dir, text, err);
        if (code != SW_OK)
            return sw_err_wrap(err, "%s", where);
        text = full;
    }
    struct setting *s = setting_of(c, key);
    *s = (struct setting){sw_arena_strdup(c->arena, text), origin, sw_arena_strdup(c->arena, where)};
    return s->value != NULL && s->where != NULL ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "%s: out of memory", where);
}

// A file that does not exist sets nothing.
static enum sw_code load_file(struct sw_config *c, const char *path, enum sw_config_origin origin, struct sw_err *err)
{
    static const struct sw_tree_limits limits = {.max_depth = 4, .max_nodes = 1000, .max_bytes = CONFIG_MAX_BYTES};
    struct sw_yaml *yaml = NULL;
    enum sw_code code = sw_yaml_load(path, &limits, &yaml, err);
    if (code == SW_NOT_FOUND) {
        *err = (struct sw_err){0};
        return SW_OK;
    }
    if (code != SW_OK)
        return code;
    if (sw_yaml_count(yaml) > 1)
        code = sw_err_set(err, SW_USAGE, "%s: more than one document", path);
    const json_t *doc = code == SW_OK && sw_yaml_count(yaml) == 1 ? sw_yaml_doc(yaml, 0) : NULL;
    if (doc != NULL && !json_is_object(doc) && !json_is_null(doc))
        code = sw_err_set(err, SW_USAGE, "%s: must hold 'key: value' lines", path);
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)doc, key, value) {
        if (code == SW_OK)
            code = put_from_file(c, path, sw_yaml_line(yaml, doc, key, 0), key, value, origin, err);
    }
    sw_yaml_free(yaml);
    return code;
}

static enum sw_code load_environment(struct sw_config *c, struct sw_err *err)
{
    for (size_t i = 0; i < sw_config_key_count; i++) {
        char name[ENV_NAME_MAX];
        sw_config_env_name(sw_config_keys[i].name, name, sizeof name);
        const char *value = getenv(name);
        if (value == NULL || value[0] == '\0')
            continue;
        if (sw_option_check(&sw_config_keys[i], value, err) != SW_OK)
            return sw_err_wrap(err, "environment %s", name);
        const char *where = sw_arena_printf(c->arena, "environment %s", name);
        if (where == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "environment %s: out of memory", name);
        c->settings[i] = (struct setting){value, SW_CONFIG_ENVIRONMENT, where};
    }
    return SW_OK;
}

// Nearest slipway.yaml from the working folder upwards; `path` is "" when there is none.
static void find_project(char path[static SW_PATH_MAX])
{
    char dir[SW_PATH_MAX];
    struct sw_err err = {0};
    path[0] = '\0';
    if (getcwd(dir, sizeof dir) == NULL)
        return;
    while (sw_path_join(path, dir, "slipway.yaml", &err) == SW_OK) {
        if (access(path, F_OK) == 0)
            return;
        char *slash = strrchr(dir, '/');
        path[0] = '\0';
        if (slash == NULL || dir[1] == '\0')
            return;
        slash[slash == dir ? 1 : 0] = '\0';
    }
    path[0] = '\0';
}

enum sw_code sw_config_user_path(char out[static SW_PATH_MAX], struct sw_err *err)
{
    char dir[SW_PATH_MAX];
    enum sw_code code = sw_path_place(SW_PLACE_CONFIG, dir, err);
    return code != SW_OK ? code : sw_path_join(out, dir, "config.yaml", err);
}

enum sw_code sw_config_load(struct sw_config **out, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    char path[SW_PATH_MAX];
    struct sw_config *c = calloc(1, sizeof *c);
    if (c == NULL || (c->arena = sw_arena_new(ARENA_MAX_BYTES)) == NULL) {
        free(c);
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while reading the configuration");
    }
    for (size_t i = 0; i < sw_config_key_count; i++)
        c->settings[i] = (struct setting){sw_config_keys[i].otherwise, SW_CONFIG_DEFAULT, "default"};
    struct sw_err no_home = {0};
    if (sw_config_user_path(path, &no_home) == SW_OK) // without HOME there is no user's file, which is no fault
        code = load_file(c, path, SW_CONFIG_USER, err);
    find_project(path);
    if (code == SW_OK && path[0] != '\0') {
        code = load_file(c, path, SW_CONFIG_PROJECT, err);
        c->project_dir = sw_arena_strndup(c->arena, path, (size_t)(sw_path_base(path) - path));
    }
    if (code == SW_OK)
        code = load_environment(c, err);
    if (code == SW_OK)
        code = sw_option_set_new(sw_config_keys, sw_config_key_count, &c->values, err);
    for (size_t i = 0; i < sw_config_key_count && code == SW_OK; i++)
        if (c->settings[i].origin != SW_CONFIG_DEFAULT)
            code = sw_option_set_put(c->values, sw_config_keys[i].name, c->settings[i].value, err);
    if (code != SW_OK) {
        sw_config_free(c);
        return code;
    }
    *out = c;
    return SW_OK;
}

void sw_config_free(struct sw_config *c)
{
    if (c == NULL)
        return;
    sw_option_set_free(c->values);
    sw_arena_free(c->arena);
    free(c);
}

const struct sw_option_set *sw_config_values(const struct sw_config *c)
{
    return c->values;
}

const char *sw_config_text(const struct sw_config *c, const char *key)
{
    return setting_of(c, key)->value;
}

enum sw_config_origin sw_config_origin(const struct sw_config *c, const char *key)
{
    return setting_of(c, key)->origin;
}

const char *sw_config_origin_text(const struct sw_config *c, const char *key)
{
    return setting_of(c, key)->where;
}

const char *sw_config_project_dir(const struct sw_config *c)
{
    return c->project_dir;
}

// --- writing ---

// A new file explains every key; values stand commented out at their defaults.
static void put_template(struct sw_buf *out)
{
    sw_buf_adds(
        out,
        "# Slipway's settings. Stronger than this file: the project's slipway.yaml, SLIPWAY_* variables, options.\n");
    for (size_t i = 0; i < sw_config_key_count; i++) {
        const struct sw_option *o = &sw_config_keys[i];
        sw_buf_addf(out, "\n# %s", o->help);
        if (o->choices != NULL)
            sw_buf_addf(out, " (%s)", o->choices);
        sw_buf_addf(out, "\n# %s: %s\n", o->name, o->otherwise != NULL ? o->otherwise : "");
    }
}

// True for "key:" and "# key:" at the start of a line; the second only when `commented`.
static bool line_sets(const char *line, size_t len, const char *key, bool commented)
{
    size_t key_len = strlen(key);
    if (commented) {
        if (len < 2 || line[0] != '#' || line[1] != ' ')
            return false;
        line += 2;
        len -= 2;
    }
    return len > key_len && memcmp(line, key, key_len) == 0 && line[key_len] == ':';
}

// Copies `old` with the line of `key` replaced; the first commented one serves when there is none. False = none found.
static bool replace_line(const struct sw_buf *old, const char *key, const char *line, bool commented,
                         struct sw_buf *out)
{
    bool done = false;
    for (size_t at = 0; at < old->len;) {
        const char *start = old->data + at;
        const char *end = memchr(start, '\n', old->len - at);
        size_t len = end == NULL ? old->len - at : (size_t)(end - start);
        if (!done && line_sets(start, len, key, commented)) {
            sw_buf_adds(out, line);
            done = true;
        } else {
            sw_buf_add(out, start, len);
            sw_buf_addc(out, '\n');
        }
        at += len + 1;
    }
    return done;
}

static enum sw_code yaml_line(const char *key, const char *value, struct sw_buf *out, struct sw_err *err)
{
    const struct sw_option *o = key_find(key);
    bool is_text = o->type != SW_OPTION_INT && o->type != SW_OPTION_REAL && o->type != SW_OPTION_FLAG;
    if (!is_text) {
        sw_buf_addf(out, "%s: %s\n", key, value);
        return sw_buf_check(out, "configuration", err);
    }
    json_t *tree = json_pack("{s:s}", key, value);
    if (tree == NULL)
        return sw_err_set(err, SW_USAGE, "'%s' is not valid UTF-8", key);
    enum sw_code code = sw_yaml_write(tree, out, err);
    json_decref(tree);
    return code;
}

enum sw_code sw_config_set(const char *key, const char *value, struct sw_err *err)
{
    char path[SW_PATH_MAX], dir[SW_PATH_MAX];
    const struct sw_option *o = key_find(key);
    if (o == NULL)
        return sw_config_unknown_key("config", key, err);
    enum sw_code code = sw_option_check(o, value, err);
    if (code == SW_OK)
        code = sw_config_user_path(path, err);
    if (code == SW_OK)
        code = sw_path_place(SW_PLACE_CONFIG, dir, err);
    if (code != SW_OK)
        return code;
    struct sw_buf old, line, text;
    sw_buf_init(&old, CONFIG_MAX_BYTES);
    sw_buf_init(&line, CONFIG_MAX_BYTES);
    sw_buf_init(&text, CONFIG_MAX_BYTES);
    code = sw_file_read(path, &old, err);
    if (code == SW_NOT_FOUND) {
        put_template(&old);
        code = SW_OK;
    }
    if (code == SW_OK)
        code = yaml_line(key, value, &line, err);
    if (code == SW_OK && !replace_line(&old, key, line.data, false, &text)) {
        sw_buf_clear(&text);
        if (!replace_line(&old, key, line.data, true, &text))
            sw_buf_adds(&text, line.data);
    }
    if (code == SW_OK)
        code = sw_buf_check(&text, path, err);
    if (code == SW_OK)
        code = sw_path_make_dirs(dir, err);
    if (code == SW_OK)
        code = sw_file_write(path, text.data, text.len, err);
    sw_buf_free(&old);
    sw_buf_free(&line);
    sw_buf_free(&text);
    return code;
}
