// SPDX-License-Identifier: Apache-2.0
// What a job reports about itself, parsed: JSON Lines of the metrics pipe (core/base/jobenv.h says which members) and
// progress bars. Collects points, params and tags into a batch for the writer. A line that is not understood is counted,
// the first one kept for the user; it never ends a job.
#include "core/job/job_private.h"

#include "core/base/clock.h"
#include "core/base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEY_BYTES = 250, MAX_PARAM_BYTES = 6000, MAX_TAG_BYTES = 8000 };

static const struct sw_tree_limits line_limits = {.max_depth = 4, .max_nodes = 4096, .max_bytes = SW_JOB_METRIC_LINE};

void sw_job_intake_init(struct sw_job_intake *in)
{
    *in = (struct sw_job_intake){.progress = NAN};
}

void sw_job_batch_clear(struct sw_job_batch *b)
{
    for (size_t i = 0; i < b->pair_count; i++) {
        free(b->pairs[i].key);
        free(b->pairs[i].value);
    }
    b->pair_count = b->point_count = 0;
}

void sw_job_batch_free(struct sw_job_batch *b)
{
    sw_job_batch_clear(b);
    free(b->points);
    free(b->pairs);
    *b = (struct sw_job_batch){0};
}

void sw_job_intake_free(struct sw_job_intake *in)
{
    sw_job_batch_free(&in->batch);
    sw_job_keys_free(&in->keys);
    *in = (struct sw_job_intake){0};
}

bool sw_job_intake_is_full(const struct sw_job_intake *in)
{
    return in->batch.point_count >= SW_JOB_BACKLOG_POINTS || in->batch.pair_count >= SW_JOB_BACKLOG_PAIRS;
}

void sw_job_intake_reject(struct sw_job_intake *in, const char *format, ...)
{
    if (in->rejected++ > 0)
        return;
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    sw_text_safe_copy(in->first_rejected, sizeof(in->first_rejected), text, SW_TEXT_ONE_LINE);
}

// The merge rule. What is explicit has to be said but once for each name, since it is never taken back.
static bool is_admitted(struct sw_job_intake *in, struct sw_job_key *k, bool is_new)
{
    if (!in->sources || (in->source == SW_JOB_EXPLICIT && !is_new && k->owner == SW_JOB_EXPLICIT))
        return true;
    k->owner = in->source;
    return sw_job_sources_admit(in->sources, in->source, k->name, k->len);
}

void sw_job_intake_point(struct sw_job_intake *in, const char *key, size_t key_len, double value, int64_t step,
                         int64_t time_ms)
{
    if (key_len == 0 || key_len > MAX_KEY_BYTES) {
        sw_job_intake_reject(in, "a metric name of %zu bytes", key_len);
        return;
    }
    bool is_new = false;
    struct sw_job_key *k = sw_job_keys_intern(&in->keys, key, key_len, &is_new);
    struct sw_job_batch *b = &in->batch;
    if (k && !is_admitted(in, k, is_new))
        return;
    if (k && b->point_count == b->point_cap) {
        size_t cap = b->point_cap ? b->point_cap * 2 : SW_JOB_BATCH_POINTS;
        struct sw_metric_point *points = realloc(b->points, cap * sizeof(*points));
        if (points) {
            b->points = points;
            b->point_cap = cap;
        }
    }
    if (!k || b->point_count == b->point_cap) {
        sw_job_intake_reject(in, "metric \"%.*s\": too many names, or out of memory", (int)key_len, key);
        return;
    }
    if (step == INT64_MIN)
        step = k->next_step;
    k->next_step = step < INT64_MAX ? step + 1 : step;
    b->points[b->point_count++] =
        (struct sw_metric_point){.key = k->name, .value = value, .step = step, .time_ms = time_ms};
}

void sw_job_intake_pair(struct sw_job_intake *in, const struct sw_job_pair *pair)
{
    struct sw_job_batch *b = &in->batch;
    size_t max = pair->is_tag ? MAX_TAG_BYTES : MAX_PARAM_BYTES;
    if (!*pair->key || strlen(pair->key) > MAX_KEY_BYTES || strlen(pair->value) > max) {
        sw_job_intake_reject(in, "the %s \"%.60s\" is longer than %zu bytes", pair->is_tag ? "tag" : "param", pair->key,
                             max);
        return;
    }
    if (b->pair_count == b->pair_cap) {
        size_t cap = b->pair_cap ? b->pair_cap * 2 : 32;
        struct sw_job_pair *pairs = realloc(b->pairs, cap * sizeof(*pairs));
        if (!pairs) {
            sw_job_intake_reject(in, "no memory for %.60s", pair->key);
            return;
        }
        b->pairs = pairs;
        b->pair_cap = cap;
    }
    struct sw_job_pair copy = *pair;
    copy.key = strdup(pair->key);
    copy.value = strdup(pair->value);
    if (!copy.key || !copy.value) {
        sw_job_intake_reject(in, "no memory for %.60s", pair->key);
        free(copy.key);
        free(copy.value);
        return;
    }
    b->pairs[b->pair_count++] = copy;
}

// A value as text: texts as they are, numbers and booleans in JSON's spelling.
static void take_pairs(struct sw_job_intake *in, bool is_tag, const json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        char *text = json_is_string(value)
                         ? strdup(json_string_value(value))
                         : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
        struct sw_job_pair pair = {.is_tag = is_tag, .key = (char *)(uintptr_t)key, .value = text};
        if (text)
            sw_job_intake_pair(in, &pair);
        free(text);
    }
}

static bool metric_value(const json_t *value, double *out)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    for (size_t i = 0; json_is_string(value) && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(json_string_value(value), words[i].text) == 0) {
            *out = words[i].value;
            return true;
        }
    return false;
}

static void take_metrics(struct sw_job_intake *in, const json_t *line, const json_t *metrics)
{
    int64_t step = sw_tree_int(line, "step", INT64_MIN);
    int64_t time_ms = sw_tree_int(line, "time_ms", -1);
    if (time_ms < 0)
        time_ms = sw_clock_now_ms();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)metrics, key, value) {
        double number;
        if (metric_value(value, &number))
            sw_job_intake_point(in, key, strlen(key), number, step, time_ms);
        else
            sw_job_intake_reject(in, "metric \"%.60s\" is not a number", key);
    }
}

static void set_progress(struct sw_job_intake *in, double fraction, const char *text)
{
    in->progress = fraction >= 0.0 && fraction <= 1.0 ? fraction : NAN;
    sw_text_safe_copy(in->progress_text, sizeof(in->progress_text), text ? text : "", SW_TEXT_ONE_LINE);
    in->has_progress = true;
}

// Python's json writes NaN and Infinity bare, which is no JSON; outside strings they get quotes.
static bool quote_bare_words(const char *line, size_t len, struct sw_buf *out)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    bool in_string = false, found = false;
    for (size_t i = 0; i < len;) {
        const char *word = NULL;
        for (size_t w = 0; !in_string && w < sizeof(words) / sizeof(words[0]); w++)
            if (len - i >= strlen(words[w]) && memcmp(line + i, words[w], strlen(words[w])) == 0)
                word = words[w];
        if (word) {
            sw_buf_addf(out, "\"%s\"", word);
            i += strlen(word);
            found = true;
            continue;
        }
        if (in_string && line[i] == '\\' && i + 1 < len)
            sw_buf_addc(out, line[i++]);
        else if (line[i] == '"')
            in_string = !in_string;
        sw_buf_addc(out, line[i++]);
    }
    return found && !out->failed;
}

static enum sw_code parse_line(const char *line, size_t len, json_t **out, struct sw_err *err)
{
    enum sw_code code = sw_json_parse(line, len, "metrics line", &line_limits, out, err);
    if (!code)
        return SW_OK;
    struct sw_buf quoted;
    sw_buf_init(&quoted, 2 * SW_JOB_METRIC_LINE);
    if (quote_bare_words(line, len, &quoted))
        code = sw_json_parse(quoted.data, quoted.len, "metrics line", &line_limits, out, err);
    sw_buf_free(&quoted);
    return code;
}

void sw_job_intake_line(struct sw_job_intake *in, const char *line, size_t len)
{
    json_t *tree = NULL;
    struct sw_err err = {0};
    if (len == 0 || sw_job_intake_plain_line(in, line, len))
        return;
    if (parse_line(line, len, &tree, &err) != SW_OK) {
        sw_job_intake_reject(in, "\"%.*s\": %s", (int)(len < 80 ? len : 80), line, err.message);
        return;
    }
    const json_t *metrics = json_object_get(tree, "metrics"), *params = json_object_get(tree, "params"),
                 *tags = json_object_get(tree, "tags"), *progress = json_object_get(tree, "progress");
    if (!json_is_object(metrics) && !json_is_object(params) && !json_is_object(tags) && !json_is_object(progress))
        sw_job_intake_reject(in, "\"%.*s\": has no metrics, params, tags or progress", (int)(len < 80 ? len : 80),
                             line);
    take_metrics(in, tree, metrics);
    take_pairs(in, false, params);
    take_pairs(in, true, tags);
    if (json_is_object(progress)) {
        set_progress(in, sw_tree_real(progress, "fraction", NAN), sw_tree_text(progress, "text"));
        in->is_explicit = true;
    }
    json_decref(tree);
}

// Every number of a flat object but the ones that count steps or tell the time.
static bool take_flat(struct sw_job_intake *in, const json_t *tree, bool needs_step)
{
    int64_t step = INT64_MIN, time_ms = sw_tree_int(tree, "time_ms", -1);
    for (size_t i = 0; sw_job_step_words[i] && step == INT64_MIN; i++)
        step = sw_tree_int(tree, sw_job_step_words[i], INT64_MIN);
    if (step == INT64_MIN && needs_step)
        return false;
    if (time_ms < 0)
        time_ms = sw_clock_now_ms();
    bool found = false;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)tree, key, value) {
        double number;
        if (sw_job_is_step_word(key, strlen(key)) || strcmp(key, "time_ms") == 0 || !metric_value(value, &number))
            continue;
        sw_job_intake_point(in, key, strlen(key), number, step, time_ms);
        found = true;
    }
    return found;
}

bool sw_job_intake_record(struct sw_job_intake *in, const char *line, size_t len, bool needs_step)
{
    json_t *tree = NULL;
    struct sw_err err = {0};
    while (len > 0 && (*line == ' ' || *line == '\t'))
        line++, len--;
    if (len == 0 || *line != '{')
        return false;
    if (sw_job_intake_plain_line(in, line, len))
        return true;
    if (parse_line(line, len, &tree, &err) != SW_OK)
        return false;
    const json_t *metrics = json_object_get(tree, "metrics");
    bool taken = json_is_object(metrics);
    if (taken)
        take_metrics(in, tree, metrics);
    else
        taken = take_flat(in, tree, needs_step);
    json_decref(tree);
    return taken;
}

void sw_job_intake_bar(struct sw_job_intake *in, const char *line, size_t len)
{
    const char *percent = in->is_explicit ? NULL : memchr(line, '%', len);
    const char *digits = percent;
    while (digits && digits > line && isdigit((unsigned char)digits[-1]))
        digits--;
    if (!percent || digits == percent || percent - digits > 3)
        return;
    char text[256];
    snprintf(text, sizeof(text), "%.*s", (int)(len < sizeof(text) - 1 ? len : sizeof(text) - 1), line);
    set_progress(in, strtod(digits, NULL) / 100.0, text);
}
