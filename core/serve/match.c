// SPDX-License-Identifier: Apache-2.0
// From a request's raw path to a row of the route table. The path is cut at its slashes before anything is decoded, so an
// encoded slash never makes a part; each argument is decoded once. Both prefixes and both versions of the API lead to the
// same rows.
#include "core/serve/serve_private.h"

#include <ctype.h>
#include <string.h>

static const char *const method_names[] = {
    [SW_GET] = "GET",     [SW_POST] = "POST",     [SW_PUT] = "PUT",
    [SW_PATCH] = "PATCH", [SW_DELETE] = "DELETE", [SW_ANY] = "ANY",
};
static const char *const prefixes[] = {"/api/2.0", "/api/3.0", "/ajax-api/2.0", "/ajax-api/3.0"};

const char *sw_route_method(enum sw_call_method method)
{
    return method_names[method];
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *sw_percent_decode(struct sw_arena *a, const char *text, size_t len, bool is_query)
{
    char *out = sw_arena_alloc(a, len + 1);
    size_t used = 0;
    for (size_t i = 0; out != NULL && i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
            if (low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && is_query) {
            c = ' ';
        }
        if (c == '\0')
            return NULL;
        out[used++] = c;
    }
    return out;
}

struct matcher {
    struct sw_call *c;
    const char *at, *end; // what is left of the path
    size_t arg_count;
    bool is_malformed;
};

static bool take_argument(struct matcher *m, size_t len)
{
    if (m->arg_count == SW_CALL_ARGS)
        return false;
    char *text = sw_percent_decode(m->c->arena, m->at, len, false);
    m->is_malformed = m->is_malformed || text == NULL;
    m->c->args[m->arg_count++] = text;
    m->at += len;
    return true;
}

// Does what is left of the path fit `pattern`?
static bool fits(struct matcher *m, const char *pattern)
{
    for (const char *p = pattern; *p != '\0';) {
        if (*p != '{') {
            if (m->at == m->end || *m->at++ != *p++)
                return false;
            continue;
        }
        const char *close = strchr(p, '}');
        bool takes_rest = close[-1] == '.';
        const char *stop = takes_rest ? NULL : memchr(m->at, '/', (size_t)(m->end - m->at));
        size_t len = (size_t)((stop != NULL ? stop : m->end) - m->at);
        if ((len == 0 && !takes_rest) || !take_argument(m, len))
            return false;
        p = close + 1;
    }
    return m->at == m->end;
}

// Moves *at behind the prefix that this route may stand under; false when under none.
static bool take_prefix(const struct sw_route *route, const char **at, size_t len)
{
    if (route->flags & SW_CALL_PLAIN)
        return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t size = strlen(prefixes[i]);
        if ((route->flags & SW_CALL_AJAX_ONLY) && prefixes[i][2] != 'j')
            continue;
        if (len > size && memcmp(*at, prefixes[i], size) == 0) {
            *at += size;
            return true;
        }
    }
    return false;
}

enum sw_code sw_route_find(struct sw_call *c, const char *method, const char *path, size_t path_len, struct sw_err *err)
{
    bool is_known = false;
    for (size_t i = 0; i < sw_route_count; i++) {
        const struct sw_route *route = &sw_routes[i];
        struct matcher m = {.c = c, .at = path, .end = path + path_len};
        if (!take_prefix(route, &m.at, path_len) || !fits(&m, route->path))
            continue;
        if (m.is_malformed)
            return sw_err_set(err, SW_INVALID, "Invalid path");
        is_known = true;
        if (route->method != SW_ANY && strcmp(method_names[route->method], method) != 0)
            continue;
        c->route = route;
        return SW_OK;
    }
    if (is_known)
        return sw_err_set(err, SW_UNSUPPORTED, "The method is not allowed for the requested URL.");
    return sw_err_set(err, SW_NOT_FOUND, "No API found for this method and path");
}

static int add_parameter(json_t *object, const char *name, const char *value)
{
    json_t *present = json_object_get(object, name);
    if (present == NULL)
        return json_object_set_new(object, name, json_string(value));
    if (!json_is_array(present)) {
        json_t *list = json_pack("[O]", present);
        if (list == NULL || json_object_set_new(object, name, list) != 0)
            return -1;
        present = list;
    }
    return json_array_append_new(present, json_string(value));
}

enum sw_code sw_query_parse(const char *query, json_t **out, struct sw_err *err)
{
    enum { TEXT_MAX = 1 << 20 };
    struct sw_arena *a = sw_arena_new(TEXT_MAX);
    json_t *object = json_object();
    bool is_good = a != NULL && object != NULL;
    for (const char *at = query; is_good && *at != '\0';) {
        size_t len = strcspn(at, "&"), name_len = strcspn(at, "=&");
        size_t value_at = name_len < len ? name_len + 1 : len;
        const char *name = sw_percent_decode(a, at, name_len, true);
        const char *value = sw_percent_decode(a, at + value_at, len - value_at, true);
        if (len > 0)
            is_good = name != NULL && value != NULL && add_parameter(object, name, value) == 0;
        at += len + (at[len] == '&');
    }
    sw_arena_free(a);
    if (!is_good) {
        json_decref(object);
        return sw_err_set(err, SW_INVALID, "the query of the URL is malformed");
    }
    *out = object;
    return SW_OK;
}
