// SPDX-License-Identifier: Apache-2.0
#include "core/serve/names_private.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json_out.h"

char *sw_name_quote(const char *text, char *out, size_t size)
{
    struct sw_buf quoted;
    struct sw_json_out o;
    sw_buf_init(&quoted, 64 << 10);
    sw_json_out_init(&o, &quoted);
    sw_json_put_text(&o, NULL, text);
    snprintf(out, size, "%s", quoted.data);
    sw_buf_free(&quoted);
    return out;
}

static bool has_good_characters(const char *name)
{
    for (const char *p = name; *p != '\0'; p++)
        if (!isalnum((unsigned char)*p) && (unsigned char)*p < 0x80 && strchr("_-. :/", *p) == NULL)
            return false;
    return true;
}

// Is the name what it becomes when its "." and ".." parts are resolved?
static bool is_plain_path(const char *name)
{
    if (*name == '/' || *name == '\0')
        return false;
    for (const char *part = name; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        size_t len = strcspn(part, "/");
        if (len == 0 || (part[0] == '.' && (len == 1 || (len == 2 && part[1] == '.'))))
            return false;
    }
    return true;
}

// What the name would be as a path: "." and ".." resolved (posixpath.normpath of Python).
static void resolve(const char *name, char *out, size_t size)
{
    char copy[512];
    size_t used = 0;
    bool is_absolute = *name == '/';
    snprintf(copy, sizeof copy, "%s", name);
    out[0] = '\0';
    for (char *rest = copy, *part; (part = strsep(&rest, "/")) != NULL;) {
        char *last = strrchr(out, '/');
        bool has_parent = used > 0 && strcmp(last != NULL ? last + 1 : out, "..") != 0;
        if (*part == '\0' || strcmp(part, ".") == 0)
            continue;
        if (strcmp(part, "..") == 0 && (has_parent || is_absolute)) {
            used = last != NULL ? (size_t)(last - out) : 0;
            out[used] = '\0';
            continue;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 || is_absolute ? "/" : "", part);
        used = used < size ? used : size - 1;
    }
    if (used == 0)
        snprintf(out, size, "%s", is_absolute ? "/" : ".");
}

enum sw_code sw_name_rule(const char *path, const char *name, struct sw_err *err)
{
    bool has_good = has_good_characters(name);
    if (has_good && is_plain_path(name))
        return SW_OK;
    char quoted[160], resolved[160];
    sw_name_quote(name, quoted, sizeof quoted);
    if (!has_good)
        return sw_err_set(err, SW_INVALID,
                          "Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, "
                          "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
                          quoted, path);
    resolve(name, resolved, sizeof resolved);
    return sw_err_set(
        err, SW_INVALID,
        "Invalid value %s for parameter '%s' supplied: Names may be treated as files in certain cases, and "
        "must not resolve to other names when treated as such. This name would resolve to '%s'",
        quoted, path, resolved);
}

enum sw_code sw_length_rule(const char *what, const char *text, size_t most, struct sw_err *err)
{
    if (text == NULL || strlen(text) <= most)
        return SW_OK;
    return sw_err_set(err, SW_INVALID, "'%s' exceeds the maximum length of %zu characters", what, most);
}

// The first `most` bytes, no character split.
static const char *cut(struct sw_arena *a, const char *text, size_t most)
{
    size_t len = strlen(text);
    if (len <= most)
        return text;
    for (len = most; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
        len--;
    return sw_arena_strndup(a, text, len);
}

static enum sw_code pair_rule(struct sw_arena *a, const char *path, const char *what, size_t most, struct sw_pair *pair,
                              struct sw_err *err)
{
    enum sw_code code = sw_name_rule(path, pair->key, err);
    if (code == SW_OK)
        code = sw_length_rule(what, pair->key, SW_KEY_BYTES, err);
    if (code != SW_OK)
        return code;
    const char *value = cut(a, pair->value, most);
    if (value == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the value of %.80s", pair->key);
    pair->value = value;
    return SW_OK;
}

enum sw_code sw_param_rule(struct sw_arena *a, const char *path, struct sw_pair *pair, struct sw_err *err)
{
    return pair_rule(a, path, "Param key", SW_PARAM_BYTES, pair, err);
}

enum sw_code sw_tag_rule(struct sw_arena *a, const char *path, struct sw_pair *pair, struct sw_err *err)
{
    return pair_rule(a, path, path, SW_TAG_BYTES, pair, err);
}
