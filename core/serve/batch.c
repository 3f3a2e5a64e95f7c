// SPDX-License-Identifier: Apache-2.0
#include "core/serve/batch_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/json_in.h"
#include "core/serve/call_private.h"
#include "core/serve/names_private.h"

struct reader {
    struct sw_json_in in;
    struct sw_arena *arena;
    struct sw_batch *batch;
    size_t point_cap, linked_cap, param_cap, tag_cap;
    size_t metrics_seen, params_seen, tags_seen; // also beyond the limits
    const char *scalar;                          // the member whose value is being read
    struct sw_err *err;
    enum sw_code code; // the first thing that was refused; the rest is still read
};

static void refuse(struct reader *r, const char *what, size_t index, const char *member)
{
    if (r->code == SW_OK && what == NULL)
        r->code = sw_err_set(r->err, SW_INVALID, "Missing value for required parameter '%s'." SW_CALL_SEE_DOCS, member);
    else if (r->code == SW_OK)
        r->code = sw_err_set(r->err, SW_INVALID, "Missing value for required parameter '%s[%zu].%s'." SW_CALL_SEE_DOCS,
                             what, index, member);
}

// A place at the end of an array of the arena; NULL when the arena is full.
static void *grow(struct reader *r, void *items, size_t *count, size_t *cap, size_t size)
{
    if (*count < *cap)
        return items;
    size_t wider = *cap == 0 ? 1 : *cap < 64 ? *cap * 8 : *cap * 2;
    void *copy = sw_arena_array(r->arena, wider, size);
    if (copy == NULL) {
        if (r->code == SW_OK)
            r->code = sw_err_set(r->err, SW_NO_MEMORY, "no memory for a batch");
        return NULL;
    }
    if (*count > 0)
        memcpy(copy, items, *count * size);
    *cap = wider;
    return copy;
}

// --- metrics ---

struct metric {
    struct sw_logged_point p;
    bool has_value, has_time;
};

static bool read_text_or_null(struct sw_json_in *in, const char **out)
{
    char *text = NULL;
    if (sw_json_in_null(in))
        return true;
    bool is_good = sw_json_in_text(in, &text);
    *out = text;
    return is_good;
}

static void read_run_id(struct reader *r)
{
    r->scalar = "run_id";
    if (read_text_or_null(&r->in, &r->batch->run_id))
        r->scalar = NULL;
}

// One member of a metric; what is none is skipped.
static void read_metric_member(struct reader *r, const char *key, struct metric *m)
{
    struct sw_json_in *in = &r->in;
    const struct {
        const char *name;
        const char **place;
    } texts[] = {{"key", &m->p.point.key},
                 {"model_id", &m->p.model_id},
                 {"dataset_name", &m->p.dataset_name},
                 {"dataset_digest", &m->p.dataset_digest}};
    r->scalar = key;
    if (strcmp(key, "value") == 0) {
        m->has_value = !sw_json_in_null(in) && sw_json_in_real(in, &m->p.point.value);
    } else if (strcmp(key, "timestamp") == 0) {
        m->has_time = !sw_json_in_null(in) && sw_json_in_int(in, &m->p.point.time_ms);
    } else if (strcmp(key, "step") == 0) {
        (void)(sw_json_in_null(in) || sw_json_in_int(in, &m->p.point.step));
    } else {
        size_t i = 0;
        while (i < sizeof texts / sizeof *texts && strcmp(texts[i].name, key) != 0)
            i++;
        if (i < sizeof texts / sizeof *texts)
            read_text_or_null(in, texts[i].place);
        else
            sw_json_in_skip(in);
    }
    if (in->problem == NULL)
        r->scalar = NULL;
}

// `index` below 0: the one metric of log-metric.
static void check_metric(struct reader *r, const struct metric *m, ptrdiff_t index)
{
    const struct sw_metric_point *p = &m->p.point;
    const char *what = index < 0 ? NULL : "metrics";
    if (p->key == NULL || *p->key == '\0')
        refuse(r, what, (size_t)index, "key");
    else if (!m->has_value)
        refuse(r, what, (size_t)index, "value");
    else if (!m->has_time)
        refuse(r, what, (size_t)index, "timestamp");
    if (r->code != SW_OK)
        return;
    r->code = sw_name_rule("name", p->key, r->err);
    if (r->code != SW_OK && index >= 0) { // said again with its place
        char path[48];
        snprintf(path, sizeof path, "metrics[%td].name", index);
        r->code = sw_name_rule(path, p->key, r->err);
    }
    if (r->code == SW_OK && p->time_ms < 0)
        r->code =
            sw_err_set(r->err, SW_INVALID,
                       "Invalid value %" PRId64 " for parameter '%s' supplied: metric '%.80s' (value=%g). Timestamp "
                       "must be a nonnegative long (64-bit integer) ",
                       p->time_ms, index < 0 ? "timestamp" : "metrics[].timestamp", p->key, p->value);
    if (r->code == SW_OK)
        r->code = sw_length_rule("Metric name", p->key, SW_KEY_BYTES, r->err);
}

static void add_metric(struct reader *r, struct metric *m, ptrdiff_t index)
{
    struct sw_batch *b = r->batch;
    // A key that is the one before, as in a series, was checked with it.
    bool is_same = b->point_count > 0 && m->p.point.key != NULL && m->has_value && m->has_time &&
                   m->p.point.time_ms >= 0 && strcmp(b->points[b->point_count - 1].key, m->p.point.key) == 0;
    if (is_same)
        m->p.point.key = b->points[b->point_count - 1].key;
    else if (r->code == SW_OK)
        check_metric(r, m, index);
    if (r->code != SW_OK || r->metrics_seen > SW_BATCH_METRICS)
        return;
    void *points = grow(r, b->points, &b->point_count, &r->point_cap, sizeof *b->points);
    if (points == NULL)
        return;
    b->points = points;
    b->points[b->point_count++] = m->p.point;
    if (m->p.model_id == NULL || *m->p.model_id == '\0')
        return;
    void *linked = grow(r, b->linked, &b->linked_count, &r->linked_cap, sizeof *b->linked);
    if (linked == NULL)
        return;
    b->linked = linked;
    b->linked[b->linked_count++] = m->p;
}

static void read_metrics(struct reader *r)
{
    char *key;
    for (bool more = sw_json_in_array(&r->in); more && sw_json_in_item(&r->in);) {
        struct metric m = {0};
        for (bool member = sw_json_in_object(&r->in); member && sw_json_in_key(&r->in, &key);)
            read_metric_member(r, key, &m);
        if (r->in.problem != NULL)
            return;
        r->metrics_seen++;
        add_metric(r, &m, (ptrdiff_t)r->metrics_seen - 1);
    }
}

// --- params and tags ---

// A value as text; numbers, as some clients send them, in their own spelling.
static bool read_value(struct sw_json_in *in, struct sw_arena *a, const char **out)
{
    double number = 0;
    if (sw_json_in_peek(in) == '"' || sw_json_in_peek(in) == 'n')
        return read_text_or_null(in, out);
    if (!sw_json_in_real(in, &number))
        return false;
    *out = sw_arena_printf(a, "%.17g", number);
    return *out != NULL;
}

static void read_pairs(struct reader *r, const char *what, struct sw_pair **pairs, size_t *count, size_t *cap,
                       size_t *seen)
{
    char *key;
    for (bool more = sw_json_in_array(&r->in); more && sw_json_in_item(&r->in);) {
        struct sw_pair pair = {NULL, ""};
        for (bool member = sw_json_in_object(&r->in); member && sw_json_in_key(&r->in, &key);) {
            if (strcmp(key, "key") == 0)
                read_text_or_null(&r->in, &pair.key);
            else if (strcmp(key, "value") == 0)
                read_value(&r->in, r->arena, &pair.value);
            else
                sw_json_in_skip(&r->in);
        }
        if (r->in.problem != NULL)
            return;
        size_t index = (*seen)++;
        if (pair.key == NULL || *pair.key == '\0')
            refuse(r, what, index, "key");
        char path[48];
        snprintf(path, sizeof path, "%s[%zu].key", what, index);
        if (r->code == SW_OK)
            r->code = *what == 'p' ? sw_param_rule(r->arena, path, &pair, r->err)
                                   : sw_tag_rule(r->arena, path, &pair, r->err);
        void *items = r->code == SW_OK && *seen <= SW_BATCH_PAIRS ? grow(r, *pairs, count, cap, sizeof **pairs) : NULL;
        if (items == NULL)
            continue;
        *pairs = items;
        (*pairs)[(*count)++] = pair;
    }
}

// --- the whole ---

static void check_count(struct reader *r, const char *what, size_t most, size_t got)
{
    if (r->code == SW_OK && got > most)
        r->code =
            sw_err_set(r->err, SW_INVALID,
                       "A batch logging request can contain at most %zu %s. Got %zu %s. Please split up %s across "
                       "multiple requests and try again.",
                       most, what, got, what, what);
}

static void check_params_unique(struct reader *r)
{
    const struct sw_batch *b = r->batch;
    for (size_t i = 1; i < b->param_count && r->code == SW_OK; i++)
        for (size_t j = 0; j < i && r->code == SW_OK; j++)
            if (strcmp(b->params[i].key, b->params[j].key) == 0)
                r->code =
                    sw_err_set(r->err, SW_INVALID,
                               "Duplicate parameter keys have been submitted: ['%.120s']. Please ensure the request "
                               "contains only one param value per param key.",
                               b->params[i].key);
}

static enum sw_code finish(struct reader *r)
{
    bool is_read = sw_json_in_end(&r->in);
    if (!is_read && r->scalar != NULL)
        return sw_err_set(r->err, SW_INVALID, "Invalid value for parameter '%.80s' supplied: %s." SW_CALL_SEE_DOCS,
                          r->scalar, r->in.problem);
    if (!is_read)
        return sw_err_set(r->err, SW_USAGE, "the body is not JSON as expected: %s", r->in.problem);
    if (r->code == SW_OK && (r->batch->run_id == NULL || *r->batch->run_id == '\0'))
        refuse(r, NULL, 0, "run_id");
    check_count(r, "metrics", SW_BATCH_METRICS, r->metrics_seen);
    check_count(r, "params", SW_BATCH_PAIRS, r->params_seen);
    check_count(r, "tags", SW_BATCH_PAIRS, r->tags_seen);
    check_count(r, "metrics, params, and tags", SW_BATCH_ENTITIES, r->metrics_seen + r->params_seen + r->tags_seen);
    check_params_unique(r);
    return r->code;
}

static bool is_list(const char *key)
{
    return strcmp(key, "metrics") == 0 || strcmp(key, "params") == 0 || strcmp(key, "tags") == 0;
}

enum sw_code sw_batch_read(char *text, size_t len, struct sw_arena *a, struct sw_batch *out, struct sw_err *err)
{
    struct reader r = {.arena = a, .batch = out, .err = err};
    char *key;
    *out = (struct sw_batch){0};
    sw_json_in_init(&r.in, text, len);
    for (bool more = sw_json_in_object(&r.in); more && sw_json_in_key(&r.in, &key);) {
        if (strcmp(key, "run_id") == 0 || (strcmp(key, "run_uuid") == 0 && out->run_id == NULL))
            read_run_id(&r);
        else if (sw_json_in_null(&r.in))
            continue;
        else if (sw_json_in_peek(&r.in) != '[' && is_list(key))
            sw_json_in_fail(&r.in, "an array was expected"), r.scalar = key;
        else if (strcmp(key, "metrics") == 0)
            read_metrics(&r);
        else if (strcmp(key, "params") == 0)
            read_pairs(&r, "params", &out->params, &out->param_count, &r.param_cap, &r.params_seen);
        else if (strcmp(key, "tags") == 0)
            read_pairs(&r, "tags", &out->tags, &out->tag_count, &r.tag_cap, &r.tags_seen);
        else
            sw_json_in_skip(&r.in);
    }
    return finish(&r);
}

enum sw_code sw_batch_read_metric(char *text, size_t len, struct sw_arena *a, struct sw_batch *out, struct sw_err *err)
{
    struct reader r = {.arena = a, .batch = out, .err = err};
    struct metric m = {0};
    char *key;
    *out = (struct sw_batch){.is_single = true};
    sw_json_in_init(&r.in, text, len);
    for (bool more = sw_json_in_object(&r.in); more && sw_json_in_key(&r.in, &key);) {
        if (strcmp(key, "run_id") == 0 || (strcmp(key, "run_uuid") == 0 && out->run_id == NULL))
            read_run_id(&r);
        else
            read_metric_member(&r, key, &m);
    }
    if (r.in.problem == NULL) {
        if (out->run_id == NULL || *out->run_id == '\0')
            refuse(&r, NULL, 0, "run_id");
        add_metric(&r, &m, -1);
    }
    return finish(&r);
}
