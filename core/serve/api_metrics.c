// SPDX-License-Identifier: Apache-2.0
// Metrics in and out: log-metric and log-batch (read by batch.c), histories whole, by pages and sampled.
#include "core/serve/api_private.h"
#include "core/serve/batch_private.h"
#include "core/serve/run_reply_private.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MLflow's: a page of get-history, runs of a bulk call, points of one interval and of all that are not sampled.
enum { HISTORY_PAGE = 25000, BULK_RUNS = 100, INTERVAL_MOST = 2500, BULK_MOST = 25000 };

// --- in ---

static enum sw_code parse_with(struct sw_call *c,
                               enum sw_code (*read)(char *, size_t, struct sw_arena *, struct sw_batch *,
                                                    struct sw_err *),
                               struct sw_err *err)
{
    static char nothing[] = "{}";
    struct sw_batch *b = sw_arena_alloc(c->arena, sizeof *b);
    if (b == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a batch");
    c->parsed = b;
    return c->text_len > 0 ? read(c->text, c->text_len, c->arena, b, err) : read(nothing, 2, c->arena, b, err);
}

enum sw_code sw_api_parse_batch(struct sw_call *c, struct sw_err *err)
{
    return parse_with(c, sw_batch_read, err);
}

enum sw_code sw_api_parse_metric(struct sw_call *c, struct sw_err *err)
{
    return parse_with(c, sw_batch_read_metric, err);
}

static enum sw_code write_pairs(struct sw_call *c, const struct sw_batch *b, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < b->param_count && code == SW_OK; i++)
        code = sw_api_set_param(c, b->run_id, &b->params[i], err);
    for (size_t i = 0; i < b->tag_count && code == SW_OK; i++)
        code = sw_run_set_tag(c->store, b->run_id, b->tags[i].key, b->tags[i].value, err);
    return code;
}

SW_API_HANDLER(log_batch)
{
    const struct sw_batch *b = c->parsed;
    enum sw_code code = b->is_single ? SW_OK : sw_api_check_run_id(b->run_id, err);
    if (code == SW_OK)
        code = sw_api_require_active(c, b->run_id, err);
    if (code == SW_OK)
        code = write_pairs(c, b, err);
    if (code == SW_OK)
        code = sw_metric_write(c->store, b->run_id, b->points, b->point_count, err);
    if (code == SW_OK && b->linked_count > 0)
        code = sw_logged_model_add_metrics(c->store, b->run_id, b->linked, b->linked_count, err);
    for (size_t i = 0; i < b->point_count && code == SW_OK; i++)
        if (i == 0 || b->points[i].key != b->points[i - 1].key)
            sw_serve_tell_metric(c->serve, b->run_id, b->points[i].key);
    return code;
}

// --- out ---

// `run_id` NULL: the reply is of one run and does not name it.
static void put_point(struct sw_json_out *o, const char *run_id, const struct sw_metric_point *p)
{
    sw_json_begin_object(o, NULL);
    sw_json_put_text(o, "key", p->key);
    sw_json_put_real(o, "value", p->value);
    sw_json_put_int(o, "timestamp", p->time_ms);
    sw_json_put_int(o, "step", p->step);
    if (run_id != NULL)
        sw_json_put_text(o, "run_id", run_id);
    sw_json_end_object(o);
}

// The token of a page is the last point before it: "STEP.TIME.ISNAN.VALUE", the value as its bits.
static void put_history_token(struct sw_call *c, const struct sw_metric_cursor *at)
{
    char token[96];
    uint64_t bits;
    memcpy(&bits, &at->value, sizeof bits);
    snprintf(token, sizeof token, "%" PRId64 ".%" PRId64 ".%d.%" PRIx64, at->step, at->time_ms, at->is_nan, bits);
    sw_json_put_text(&c->out, "next_page_token", token);
}

static enum sw_code read_history_token(const struct sw_call *c, struct sw_metric_cursor *out, struct sw_err *err)
{
    const char *token = sw_call_text(c, "page_token");
    int is_nan = 0, used = 0;
    uint64_t bits = 0;
    if (token == NULL || *token == '\0')
        return SW_OK;
    if (strlen(token) > 90 ||
        sscanf(token, "%" SCNd64 ".%" SCNd64 ".%d.%" SCNx64 "%n", &out->step, &out->time_ms, &is_nan, &bits, &used) !=
            4 ||
        token[used] != '\0')
        return sw_err_set(err, SW_INVALID, "Invalid page token");
    memcpy(&out->value, &bits, sizeof bits);
    out->is_nan = is_nan != 0;
    out->is_set = true;
    return SW_OK;
}

SW_API_HANDLER(get_history)
{
    const char *run_id = sw_call_text(c, "run_id"), *key = sw_call_text(c, "metric_key");
    bool is_paged = sw_call_has(c, "max_results");
    int64_t limit = 0;
    size_t count = 0;
    struct sw_metric_cursor cursor = {0};
    bool at_end = false;
    enum sw_code code = sw_call_page_size(c, HISTORY_PAGE, INT64_MAX, &limit, err);
    if (code == SW_OK)
        code = read_history_token(c, &cursor, err);
    limit = limit < HISTORY_PAGE ? limit : HISTORY_PAGE;
    size_t written = 0;
    while (code == SW_OK && !at_end) { // without max_results the whole history is one reply
        struct sw_metric_point *points = NULL;
        struct sw_arena *page = sw_arena_new(SW_CALL_MEMORY);
        if (page == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "no memory for a page of metrics");
        code = sw_metric_read_page(c->store, run_id, key, limit, &cursor, page, &points, &count, &at_end, err);
        if (code == SW_OK && count > 0 && written == 0)
            sw_json_begin_array(&c->out, "metrics");
        for (size_t i = 0; code == SW_OK && i < count; i++, written++)
            put_point(&c->out, NULL, &points[i]);
        sw_arena_free(page);
        if (is_paged)
            break;
    }
    if (code == SW_NOT_FOUND && written == 0) // MLflow knows no metrics of a run that it does not know
        return SW_OK;
    if (written > 0)
        sw_json_end_array(&c->out);
    if (code == SW_OK && !at_end)
        put_history_token(c, &cursor);
    return code;
}

static enum sw_code bulk_runs(struct sw_call *c, const char *name, const char ***runs, size_t *count,
                              struct sw_err *err)
{
    enum sw_code code = sw_call_texts(c, name, runs, count, err);
    if (code == SW_OK && *count == 0)
        return sw_err_set(err, SW_INVALID, "GetMetricHistoryBulk request must specify at least one run_id.");
    if (code == SW_OK && *count > BULK_RUNS && strcmp(name, "run_ids") == 0)
        return sw_err_set(err, SW_INVALID,
                          "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %zu "
                          "run_ids." SW_CALL_SEE_DOCS,
                          BULK_RUNS, *count);
    if (code == SW_OK && *count > BULK_RUNS)
        return sw_err_set(err, SW_INVALID,
                          "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %zu run_ids.",
                          BULK_RUNS, *count);
    return code;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

SW_API_HANDLER(get_history_bulk)
{
    const char **runs = NULL, *key = sw_call_text(c, "metric_key");
    size_t run_count = 0;
    int64_t left = 0;
    enum sw_code code = bulk_runs(c, "run_id", &runs, &run_count, err);
    if (code == SW_OK && (key == NULL || *key == '\0'))
        code = sw_err_set(err, SW_INVALID, "GetMetricHistoryBulk request must specify a metric_key.");
    if (code == SW_OK)
        code = sw_call_page_size(c, BULK_MOST, INT64_MAX, &left, err);
    left = left < BULK_MOST ? left : BULK_MOST;
    if (code == SW_OK)
        qsort(runs, run_count, sizeof *runs, by_text);
    sw_json_begin_array(&c->out, "metrics");
    for (size_t i = 0; code == SW_OK && i < run_count && left > 0; i++) {
        struct sw_metric_point *points = NULL;
        struct sw_metric_cursor cursor = {0};
        size_t count = 0;
        bool at_end = false;
        code = sw_metric_read_page(c->store, runs[i], key, left, &cursor, c->arena, &points, &count, &at_end, err);
        if (code == SW_NOT_FOUND)
            code = SW_OK; // no such run: no points
        for (size_t p = 0; code == SW_OK && p < count; p++)
            put_point(&c->out, runs[i], &points[p]);
        left -= (int64_t)count;
    }
    sw_json_end_array(&c->out);
    return code;
}

SW_API_HANDLER(get_history_bulk_interval)
{
    const char **runs = NULL, *key = sw_call_text(c, "metric_key");
    size_t run_count = 0, count = 0;
    struct sw_metric_sample *samples = NULL;
    int64_t most = sw_call_int(c, "max_results", INTERVAL_MOST);
    int64_t first = sw_call_int(c, "start_step", INT64_MIN), last = sw_call_int(c, "end_step", INT64_MAX);
    bool has_first = sw_call_has(c, "start_step"), has_last = sw_call_has(c, "end_step");
    enum sw_code code = bulk_runs(c, "run_ids", &runs, &run_count, err);
    if (code == SW_OK && (most < 1 || most > INTERVAL_MOST))
        code = sw_err_set(err, SW_INVALID, "max_results must be between 1 and %d." SW_CALL_SEE_DOCS, INTERVAL_MOST);
    if (code == SW_OK && has_first != has_last)
        code = sw_err_set(err, SW_INVALID, "If either start step or end step are specified, both must be specified.");
    if (code == SW_OK && has_first && first > last)
        code = sw_err_set(err, SW_INVALID,
                          "end_step must be greater than start_step. Found start_step=%" PRId64 " and end_step=%" PRId64
                          ".",
                          first, last);
    if (code == SW_OK)
        code = sw_metric_read_sample(c->store, (const char *const *)runs, run_count, key, first, last, most, c->arena,
                                     &samples, &count, err);
    if (code != SW_OK || count == 0)
        return code;
    sw_json_begin_array(&c->out, "metrics");
    for (size_t i = 0; i < count; i++)
        put_point(&c->out, samples[i].run_id, &samples[i].point);
    sw_json_end_array(&c->out);
    return SW_OK;
}
