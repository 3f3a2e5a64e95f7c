// SPDX-License-Identifier: Apache-2.0
// A call's life on this side of HTTP: its parameters checked and read, its reply written, its error put into MLflow's
// words. The texts of validation messages are MLflow's own (utils/validation.py, server/handlers.py of 3.17), since scripts
// and people search for them.
#include "core/serve/serve_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/tree.h"
#include "core/serve/names_private.h"
#include "core/track/query.h"

static const struct sw_tree_limits body_limits = {.max_depth = 32, .max_nodes = 200000, .max_bytes = 64 << 20};

// --- errors ---

// Statuses that the client retries (408, 429, 500, 502, 503, 504) are for what may pass by itself; a full disk does not.
static const struct {
    enum sw_code code;
    int status;
    const char *word;
} error_rows[] = {
    {SW_INVALID, 400, "INVALID_PARAMETER_VALUE"},
    {SW_LIMIT, 400, "INVALID_PARAMETER_VALUE"},
    {SW_AMBIGUOUS, 400, "INVALID_PARAMETER_VALUE"},
    {SW_USAGE, 400, "BAD_REQUEST"},
    {SW_EXISTS, 400, "RESOURCE_ALREADY_EXISTS"},
    {SW_NOT_FOUND, 404, "RESOURCE_DOES_NOT_EXIST"},
    {SW_CREDENTIALS, 401, "UNAUTHENTICATED"},
    {SW_REFUSED, 403, "PERMISSION_DENIED"},
    {SW_CONFLICT, 409, "RESOURCE_CONFLICT"},
    {SW_UNSUPPORTED, 501, "NOT_IMPLEMENTED"},
    {SW_NO_SPACE, 507, "RESOURCE_EXHAUSTED"},
    {SW_LOCKED, 503, "TEMPORARILY_UNAVAILABLE"},
    {SW_CANCELLED, 503, "TEMPORARILY_UNAVAILABLE"},
    // Asking again will not mend these.
    {SW_CORRUPT, 501, "INTERNAL_ERROR"},
    {SW_NEWER, 501, "INTERNAL_ERROR"},
    {SW_NO_STORE, 501, "INTERNAL_ERROR"},
};

static void put_error(struct sw_call *c, enum sw_code code, const struct sw_err *err)
{
    const char *word = "INTERNAL_ERROR";
    int status = 500;
    for (size_t i = 0; i < sizeof error_rows / sizeof *error_rows; i++) {
        if (error_rows[i].code == code) {
            status = error_rows[i].status;
            word = error_rows[i].word;
        }
    }
    char message[sizeof err->message + sizeof err->hint + 4];
    snprintf(message, sizeof message, "%s%s%s", err->message, err->hint[0] != '\0' ? ": " : "", err->hint);
    if (c->error_code == NULL || c->status == 200)
        c->status = status;
    sw_json_put_text(&c->out, "error_code", c->error_code != NULL ? c->error_code : word);
    sw_json_put_text(&c->out, "message", message);
}

enum sw_code sw_call_missing(const char *name, struct sw_err *err)
{
    return sw_err_set(err, SW_INVALID, "Missing value for required parameter '%s'." SW_CALL_SEE_DOCS, name);
}

enum sw_code sw_call_invalid(const char *name, const char *value, const char *why, struct sw_err *err)
{
    char quoted[200];
    sw_name_quote(value, quoted, sizeof quoted);
    if (why == NULL)
        return sw_err_set(err, SW_INVALID, "Invalid value %s for parameter '%s' supplied.", quoted, name);
    return sw_err_set(err, SW_INVALID, "Invalid value %s for parameter '%s' supplied: %s", quoted, name, why);
}

// --- life ---

enum sw_code sw_call_new(struct sw_serve *s, struct sw_call **out, struct sw_err *err)
{
    struct sw_call *c = calloc(1, sizeof *c);
    struct sw_arena *a = c != NULL ? sw_arena_new(SW_CALL_MEMORY) : NULL;
    if (a == NULL) {
        free(c);
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a call");
    }
    *c = (struct sw_call){.serve = s, .arena = a, .file = -1, .socket = -1};
    sw_buf_init(&c->reply, SW_CALL_MEMORY);
    sw_call_reset(c);
    *out = c;
    return SW_OK;
}

void sw_call_reset(struct sw_call *c)
{
    sw_buf_clear(&c->reply);
    sw_json_out_init(&c->out, &c->reply);
    sw_json_begin_object(&c->out, NULL);
    c->status = 200;
    c->content_type = "application/json";
    c->error_code = NULL;
    memset(c->headers, 0, sizeof c->headers);
    if (c->file >= 0)
        close(c->file);
    c->file = -1;
    c->file_offset = c->file_len = 0;
}

void sw_call_free(struct sw_call *c)
{
    if (c == NULL)
        return;
    if (c->sink_state != NULL && c->route != NULL && c->route->sink != NULL)
        c->route->sink->drop(c);
    if (c->file >= 0)
        close(c->file);
    json_decref(c->body);
    json_decref(c->query);
    free(c->text);
    sw_buf_free(&c->reply);
    sw_arena_free(c->arena);
    free(c);
}

void sw_call_finish(struct sw_call *c, enum sw_code code, const struct sw_err *err)
{
    if (code == SW_OK && c->out.buf == NULL) // a plain reply
        return;
    if (code == SW_OK)
        sw_json_end_object(&c->out);
    struct sw_err full = {0};
    if (code == SW_OK && sw_buf_check(&c->reply, "the reply", &full) == SW_OK)
        return;
    int status = c->status;
    const char *word = c->error_code;
    sw_call_reset(c);
    c->status = status;
    c->error_code = word;
    put_error(c, code != SW_OK ? code : full.code, code != SW_OK ? err : &full);
    sw_json_end_object(&c->out);
}

void sw_call_put_plain(struct sw_call *c, const char *content_type, const char *text)
{
    sw_buf_clear(&c->reply);
    sw_buf_adds(&c->reply, text);
    c->content_type = content_type;
    c->out.buf = NULL;
}

void sw_call_header(struct sw_call *c, const char *name, const char *value)
{
    for (size_t i = 0; i < sizeof c->headers / sizeof *c->headers; i++) {
        if (c->headers[i][0] == NULL) {
            c->headers[i][0] = name;
            c->headers[i][1] = value;
            return;
        }
    }
}

// --- parameters ---

// Of a parameter of the URL that comes again without being an array, the first counts (call_private.h: sw_call_texts()
// takes all).
static const json_t *find_all(const struct sw_call *c, const char *name)
{
    const json_t *value = json_object_get(c->body, name);
    if (value == NULL && strcmp(name, "run_id") == 0) // old clients
        value = json_object_get(c->body, "run_uuid");
    return json_is_null(value) ? NULL : value;
}

static const json_t *find(const struct sw_call *c, const char *name)
{
    const json_t *value = find_all(c, name);
    return json_is_array(value) && c->body == c->query ? json_array_get(value, 0) : value;
}

static bool is_integer_text(const char *text)
{
    size_t sign = *text == '-' || *text == '+';
    return text[sign] != '\0' && strlen(text) < 21 && strspn(text + sign, "0123456789") == strlen(text + sign);
}

static bool is_real_text(const char *text)
{
    char *end = NULL;
    (void)strtod(text, &end);
    return *text != '\0' && *end == '\0';
}

// Texts pass for numbers and booleans: that is how they come in a URL, and how protobuf's JSON writes an int64.
static bool has_type(const json_t *value, enum sw_param_type type)
{
    const char *text = json_string_value(value);
    switch (type) {
    case SW_PARAM_TEXT:
        return text != NULL;
    case SW_PARAM_INT:
        return json_is_integer(value) || (text != NULL && is_integer_text(text)) ||
               (json_is_real(value) && trunc(json_real_value(value)) == json_real_value(value));
    case SW_PARAM_REAL:
        return json_is_number(value) || (text != NULL && is_real_text(text));
    case SW_PARAM_BOOL:
        return json_is_boolean(value) || (text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0));
    case SW_PARAM_ARRAY:
        return json_is_array(value);
    case SW_PARAM_OBJECT:
        return json_is_object(value);
    }
    return false;
}

// As Python names the type that a JSON value becomes.
static const char *python_type(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "dict", [JSON_ARRAY] = "list", [JSON_STRING] = "str", [JSON_INTEGER] = "int",
        [JSON_REAL] = "float",  [JSON_TRUE] = "bool",  [JSON_FALSE] = "bool", [JSON_NULL] = "NoneType",
    };
    return names[json_typeof(value)];
}

static enum sw_code wrong_type(const char *name, const json_t *value, struct sw_err *err)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
    enum sw_code code =
        sw_err_set(err, SW_INVALID,
                   "Invalid value %.160s for parameter '%s' supplied:  Hint: Value was of type '%s'." SW_CALL_SEE_DOCS,
                   text != NULL ? text : "", name, python_type(value));
    free(text);
    return code;
}

static enum sw_code check_parameters(const struct sw_call *c, struct sw_err *err)
{
    bool is_query = c->body == c->query;
    for (size_t i = 0; i < c->route->param_count; i++) {
        const struct sw_call_param *p = &c->route->params[i];
        const json_t *value = find(c, p->name);
        const char *text = json_string_value(value);
        if (p->required && (value == NULL || (text != NULL && *text == '\0')))
            return sw_call_missing(p->name, err);
        bool is_single = is_query && p->type == SW_PARAM_ARRAY; // one value of a repeated parameter
        if (value != NULL && !is_single && !has_type(value, p->type))
            return wrong_type(p->name, value, err);
    }
    return SW_OK;
}

enum sw_code sw_call_read(struct sw_call *c, struct sw_err *err)
{
    if (c->route->parse != NULL)
        return c->route->parse(c, err);
    bool takes_query = c->route->method == SW_GET || c->route->sink != NULL;
    enum sw_code code = SW_OK;
    if (takes_query) {
        c->body = json_incref(c->query);
    } else if (c->text_len == 0) {
        c->body = json_object();
    } else {
        code = sw_json_parse(c->text, c->text_len, "request", &body_limits, &c->body, err);
        if (code == SW_OK && !json_is_object(c->body))
            code = sw_err_set(err, SW_USAGE, "the body is not a JSON object");
        else if (code != SW_OK)
            code = sw_err_wrap(err, "the body is not JSON");
    }
    if (code == SW_OK && c->body == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for a request");
    return code == SW_OK ? check_parameters(c, err) : code;
}

bool sw_call_has(const struct sw_call *c, const char *name)
{
    return find(c, name) != NULL;
}

const char *sw_call_member_text(struct sw_call *c, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    if (json_is_integer(value))
        return sw_arena_printf(c->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return sw_arena_printf(c->arena, "%.17g", json_real_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    return json_string_value(value);
}

static int64_t to_int(const json_t *value, int64_t otherwise)
{
    const char *text = json_string_value(value);
    if (text != NULL && is_integer_text(text))
        return strtoll(text, NULL, 10);
    if (json_is_real(value) && fabs(json_real_value(value)) < 9.2e18)
        return (int64_t)json_real_value(value);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

int64_t sw_call_member_int(const json_t *object, const char *name, int64_t otherwise)
{
    return to_int(json_object_get(object, name), otherwise);
}

const char *sw_call_text(const struct sw_call *c, const char *name)
{
    const json_t *value = find(c, name);
    const char *text = json_string_value(value);
    if (text != NULL || value == NULL)
        return text;
    return json_is_integer(value) ? sw_arena_printf(c->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value))
                                  : NULL;
}

int64_t sw_call_int(const struct sw_call *c, const char *name, int64_t otherwise)
{
    return to_int(find(c, name), otherwise);
}

bool sw_call_bool(const struct sw_call *c, const char *name, bool otherwise)
{
    const json_t *value = find(c, name);
    const char *text = json_string_value(value);
    if (text != NULL)
        return strcmp(text, "true") == 0;
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

enum sw_code sw_call_texts(struct sw_call *c, const char *name, const char ***out, size_t *count, struct sw_err *err)
{
    const json_t *value = find_all(c, name);
    size_t size = json_is_array(value) ? json_array_size(value) : value != NULL;
    const char **list = sw_arena_array(c->arena, size + 1, sizeof *list);
    if (list == NULL)
        return sw_err_set(err, SW_LIMIT, "parameter '%s' has too many values", name);
    for (size_t i = 0; i < size; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
        if (json_is_integer(item))
            list[i] = sw_arena_printf(c->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(item));
        else
            list[i] = json_string_value(item);
        if (list[i] == NULL)
            return wrong_type(name, value, err);
    }
    *out = list;
    *count = size;
    return SW_OK;
}

enum sw_code sw_call_pairs(struct sw_call *c, const char *what, struct sw_pair **out, size_t *count, struct sw_err *err)
{
    const json_t *list = find(c, what);
    size_t size = json_array_size(list);
    struct sw_pair *pairs = sw_arena_array(c->arena, size + 1, sizeof *pairs);
    if (pairs == NULL)
        return sw_err_set(err, SW_LIMIT, "parameter '%s' has too many entries", what);
    for (size_t i = 0; i < size; i++) {
        const json_t *item = json_array_get(list, i);
        const char *value = sw_call_member_text(c, item, "value");
        pairs[i] = (struct sw_pair){sw_call_member_text(c, item, "key"), value != NULL ? value : ""};
        if (pairs[i].key == NULL) // the rule for names refuses it with MLflow's words
            pairs[i].key = "";
    }
    *out = pairs;
    *count = size;
    return SW_OK;
}

// --- pages ---

enum sw_code sw_call_page_size(const struct sw_call *c, int64_t otherwise, int64_t most, int64_t *out,
                               struct sw_err *err)
{
    *out = sw_call_int(c, "max_results", otherwise);
    if (*out > most)
        return sw_err_set(err, SW_INVALID,
                          "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be at most %" PRId64,
                          *out, most);
    if (*out < 1)
        return sw_err_set(
            err, SW_INVALID,
            "Invalid value %" PRId64 " for parameter 'max_results' supplied. It must be a positive integer", *out);
    return SW_OK;
}

// A token is "o" and the offset: opaque to the client, of no use to anybody else.
enum sw_code sw_call_page_offset(const struct sw_call *c, int64_t *offset, struct sw_err *err)
{
    const char *token = sw_call_text(c, "page_token");
    *offset = 0;
    if (token == NULL || *token == '\0')
        return SW_OK;
    if (token[0] != 'o' || !is_integer_text(token + 1) || strlen(token) > 18)
        return sw_err_set(err, SW_INVALID, "Invalid page token, could not base64-decode");
    *offset = strtoll(token + 1, NULL, 10);
    return *offset >= 0 ? SW_OK : sw_err_set(err, SW_INVALID, "Invalid page token, parsed offset < 0");
}

void sw_call_put_next_page(struct sw_call *c, int64_t offset)
{
    char token[24];
    snprintf(token, sizeof token, "o%" PRId64, offset);
    sw_json_put_text(&c->out, "next_page_token", token);
}

enum sw_code sw_call_experiment_id(const char *text, int64_t *out, struct sw_err *err)
{
    if (!is_integer_text(text))
        return sw_err_set(err, SW_INVALID, "Invalid experiment ID '%.80s'. Experiment ID must be a valid integer.",
                          text);
    *out = strtoll(text, NULL, 10);
    return SW_OK;
}

enum sw_code sw_call_search(struct sw_call *c, enum sw_subject subject, const struct sw_query **where,
                            struct sw_query_order **order, size_t *order_count, struct sw_err *err)
{
    const char **terms = NULL, *filter = sw_call_text(c, "filter");
    size_t count = 0;
    struct sw_buf text;
    enum sw_code code = sw_call_texts(c, "order_by", &terms, &count, err);
    *where = NULL;
    if (code == SW_OK && filter != NULL && *filter != '\0')
        code = sw_track_parse_query(subject, filter, c->arena, where, err);
    sw_buf_init(&text, 64 << 10);
    for (size_t i = 0; code == SW_OK && i < count; i++)
        sw_buf_addf(&text, "%s%s", i > 0 ? ", " : "", terms[i]);
    if (code == SW_OK)
        code = sw_buf_check(&text, "order_by", err);
    if (code == SW_OK)
        code = sw_track_parse_order(subject, text.data, c->arena, order, order_count, err);
    sw_buf_free(&text);
    return code;
}

void sw_call_put_pairs(struct sw_call *c, const char *name, const struct sw_pair *pairs, size_t count)
{
    if (count == 0) // MLflow leaves empty lists out
        return;
    sw_json_begin_array(&c->out, name);
    for (size_t i = 0; i < count; i++) {
        sw_json_begin_object(&c->out, NULL);
        sw_json_put_text(&c->out, "key", pairs[i].key);
        sw_json_put_text(&c->out, "value", pairs[i].value);
        sw_json_end_object(&c->out);
    }
    sw_json_end_array(&c->out);
}
