// SPDX-License-Identifier: Apache-2.0
#include "core/serve/names_private.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

// Characters, as Python counts them.
static size_t count_chars(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
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

enum sw_code sw_name_rule(const char *path, const char *name, struct sw_err *err)
{
    if (!has_good_characters(name))
        return sw_err_set(err, SW_INVALID,
                          "Invalid value \"%.120s\" for parameter '%s' supplied: Names may only contain alphanumerics, "
                          "underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
                          name, path);
    if (!is_plain_path(name))
        return sw_err_set(
            err, SW_INVALID,
            "Invalid value \"%.120s\" for parameter '%s' supplied: Names may be treated as files in certain "
            "cases, and must not resolve to other names when treated as such.",
            name, path);
    return SW_OK;
}

enum sw_code sw_length_rule(const char *what, const char *text, size_t most, struct sw_err *err)
{
    if (text == NULL || strlen(text) <= most || count_chars(text) <= most)
        return SW_OK;
    return sw_err_set(err, SW_INVALID, "'%s' exceeds the maximum length of %zu characters", what, most);
}

// The first `most` characters.
static const char *cut(struct sw_arena *a, const char *text, size_t most)
{
    if (strlen(text) <= most || count_chars(text) <= most)
        return text;
    size_t at = 0;
    uint32_t c;
    for (size_t i = 0; i < most; i++)
        at += sw_utf8_decode(text + at, strlen(text + at), &c);
    return sw_arena_strndup(a, text, at);
}

static enum sw_code pair_rule(struct sw_arena *a, const char *path, const char *what, size_t most, struct sw_pair *pair,
                              struct sw_err *err)
{
    enum sw_code code = sw_name_rule(path, pair->key, err);
    if (code == SW_OK)
        code = sw_length_rule(what, pair->key, SW_KEY_CHARS, err);
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
    return pair_rule(a, path, "Param key", SW_PARAM_CHARS, pair, err);
}

enum sw_code sw_tag_rule(struct sw_arena *a, const char *path, struct sw_pair *pair, struct sw_err *err)
{
    return pair_rule(a, path, path, SW_TAG_CHARS, pair, err);
}
