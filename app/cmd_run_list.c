// SPDX-License-Identifier: Apache-2.0
// runs: the table of runs with chosen columns, filtered by MLflow's grammar.
#include "app/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/track/query.h"
#include "core/track/silence.h"

enum { COLUMNS_MAX = 32, AUTO_METRICS = 4, KEYS_MAX = 256 };

enum column_source { FROM_ATTRIBUTE, FROM_METRIC, FROM_PARAM, FROM_TAG };
enum extreme { LAST_VALUE, MIN_VALUE, MAX_VALUE };

struct run_column {
    const struct attribute *attribute; // when `source` is FROM_ATTRIBUTE, else `key`
    const char *key;
    enum column_source source;
    enum extreme which;
};

// --- attributes ---

static const char *short_id(const struct sw_run *r, char *text, size_t size)
{
    snprintf(text, size, "%.8s", r->run_id);
    return text;
}

static const char *name_of(const struct sw_run *r, char *text, size_t size)
{
    (void)text, (void)size;
    return r->name;
}

static const char *status_of(const struct sw_run *r, char *text, size_t size)
{
    return sw_track_status_text(r, sw_clock_now_ms(), text, size);
}

static const char *experiment_of(const struct sw_run *r, char *text, size_t size)
{
    (void)text, (void)size;
    return r->experiment_name;
}

static const char *user_of(const struct sw_run *r, char *text, size_t size)
{
    (void)text, (void)size;
    return r->user;
}

static const char *source_of(const struct sw_run *r, char *text, size_t size)
{
    (void)text, (void)size;
    return r->source;
}

static const char *note_of(const struct sw_run *r, char *text, size_t size)
{
    (void)text, (void)size;
    return r->note;
}

static const char *job_of(const struct sw_run *r, char *text, size_t size)
{
    snprintf(text, size, "%" PRId64, r->job_id);
    return r->job_id != 0 ? text : NULL;
}

static const char *start_of(const struct sw_run *r, char *text, size_t size)
{
    return r->start_ms != 0 ? sw_format_time(text, size, r->start_ms) : NULL;
}

static const char *age_of(const struct sw_run *r, char *text, size_t size)
{
    return r->start_ms != 0 ? sw_format_age(text, size, sw_clock_now_ms(), r->start_ms) : NULL;
}

static const char *duration_of(const struct sw_run *r, char *text, size_t size)
{
    int64_t end_ms = r->end_ms != 0 ? r->end_ms : sw_clock_now_ms();
    return r->start_ms != 0 ? sw_format_duration(text, size, end_ms - r->start_ms) : NULL;
}

static const struct attribute {
    const char *name, *title;
    unsigned flags;
    const char *(*text)(const struct sw_run *r, char *text, size_t size);
} attributes[] = {
    {"run_id", "RUN", 0, short_id},
    {"name", "NAME", SW_COLUMN_SHRINKS, name_of},
    {"status", "STATUS", 0, status_of},
    {"experiment", "EXPERIMENT", SW_COLUMN_SHRINKS, experiment_of},
    {"user", "USER", 0, user_of},
    {"source", "COMMAND", SW_COLUMN_SHRINKS, source_of},
    {"note", "NOTE", SW_COLUMN_SHRINKS, note_of},
    {"job", "JOB", SW_COLUMN_RIGHT, job_of},
    {"start_time", "STARTED", 0, start_of},
    {"age", "AGE", SW_COLUMN_RIGHT, age_of},
    {"duration", "TIME", SW_COLUMN_RIGHT, duration_of},
};

static const struct attribute *attribute_find(const char *name)
{
    for (size_t i = 0; i < SW_COUNT(attributes); i++)
        if (strcmp(attributes[i].name, name) == 0)
            return &attributes[i];
    return NULL;
}

// --- choosing columns ---

static enum sw_code bad_column(const char *word, struct sw_err *err)
{
    const char *names[SW_COUNT(attributes)];
    for (size_t i = 0; i < SW_COUNT(attributes); i++)
        names[i] = attributes[i].name;
    const char *nearest = sw_text_nearest(word, names, SW_COUNT(attributes));
    (void)sw_err_set(err, SW_USAGE, "--columns: there is no column '%s'", word);
    if (nearest != NULL)
        return sw_err_hint(err, "did you mean '%s'?", nearest);
    return sw_err_hint(err,
                       "metrics.KEY, metrics.KEY:min, metrics.KEY:max, params.KEY, tags.KEY, or a name such as status");
}

static enum sw_code parse_column(char *word, struct run_column *out, struct sw_err *err)
{
    static const struct {
        const char *prefix;
        enum column_source source;
    } sources[] = {{"metrics.", FROM_METRIC}, {"params.", FROM_PARAM}, {"tags.", FROM_TAG}};
    *out = (struct run_column){.source = FROM_ATTRIBUTE, .attribute = attribute_find(word)};
    if (out->attribute != NULL)
        return SW_OK;
    for (size_t i = 0; i < SW_COUNT(sources); i++) {
        size_t len = strlen(sources[i].prefix);
        if (strncmp(word, sources[i].prefix, len) != 0 || word[len] == '\0')
            continue;
        *out = (struct run_column){.source = sources[i].source, .key = word + len};
        char *colon = strrchr(word, ':');
        if (sources[i].source == FROM_METRIC && colon != NULL) {
            if (strcmp(colon, ":min") == 0)
                out->which = MIN_VALUE;
            else if (strcmp(colon, ":max") == 0)
                out->which = MAX_VALUE;
            if (out->which != LAST_VALUE)
                *colon = '\0';
        }
        return SW_OK;
    }
    return bad_column(word, err);
}

static enum sw_code parse_columns(struct sw_app *app, const char *text, struct run_column *columns, size_t *count,
                                  struct sw_err *err)
{
    char *copy = sw_arena_strdup(app->arena, text), *rest = NULL;
    enum sw_code code = copy == NULL ? sw_err_set(err, SW_NO_MEMORY, "out of memory") : SW_OK;
    *count = 0;
    for (char *word = strtok_r(copy, ",", &rest); word != NULL && code == SW_OK; word = strtok_r(NULL, ",", &rest)) {
        if (*count == COLUMNS_MAX)
            return sw_err_set(err, SW_USAGE, "--columns: more than %d columns", COLUMNS_MAX);
        code = parse_column(word, &columns[(*count)++], err);
    }
    if (code == SW_OK && *count == 0)
        code = sw_err_set(err, SW_USAGE, "--columns: no column named");
    return code;
}

struct key_use {
    const char *key;
    size_t uses;
};

static int by_uses(const void *a, const void *b)
{
    const struct key_use *x = a, *y = b;
    if (x->uses != y->uses)
        return x->uses < y->uses ? 1 : -1;
    return strcmp(x->key, y->key);
}

// Without a wish: who it is, and the metrics that most of the listed runs have.
static size_t default_columns(const struct sw_run_list *list, struct run_column *columns)
{
    static const char *const names[] = {"run_id", "name", "status", "age", "duration"};
    struct key_use keys[KEYS_MAX] = {0};
    size_t count = 0, key_count = 0;
    for (size_t i = 0; i < SW_COUNT(names); i++)
        columns[count++] = (struct run_column){.source = FROM_ATTRIBUTE, .attribute = attribute_find(names[i])};
    for (size_t i = 0; i < list->count; i++) {
        for (size_t m = 0; m < list->items[i].metric_count; m++) {
            const char *key = list->items[i].metrics[m].key;
            size_t k = 0;
            while (k < key_count && strcmp(keys[k].key, key) != 0)
                k++;
            if (k == key_count && key_count < KEYS_MAX)
                keys[key_count++] = (struct key_use){key, 0};
            if (k < key_count)
                keys[k].uses++;
        }
    }
    qsort(keys, key_count, sizeof *keys, by_uses);
    for (size_t k = 0; k < key_count && k < AUTO_METRICS; k++)
        columns[count++] = (struct run_column){.source = FROM_METRIC, .key = keys[k].key};
    return count;
}

// --- the table ---

static const char *pair_value(const struct sw_pair *items, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(items[i].key, key) == 0)
            return items[i].value;
    return NULL;
}

static void put_metric(struct sw_table *t, const struct sw_run *r, const struct run_column *c)
{
    for (size_t i = 0; i < r->metric_count; i++) {
        const struct sw_metric_summary *m = &r->metrics[i];
        if (strcmp(m->key, c->key) != 0)
            continue;
        double value = c->which == MIN_VALUE ? m->min : c->which == MAX_VALUE ? m->max : m->last;
        sw_table_real(t, value, c->which == LAST_VALUE || m->has_range);
        return;
    }
    sw_table_cell(t, NULL);
}

static void put_cell(struct sw_table *t, const struct sw_run *r, const struct run_column *c)
{
    char text[64];
    switch (c->source) {
    case FROM_ATTRIBUTE:
        sw_table_cell(t, c->attribute->text(r, text, sizeof text));
        if (c->attribute->text == status_of)
            sw_table_role(t,
                          sw_track_silent_ms(r, sw_clock_now_ms()) > 0 ? SW_ROLE_WARN : sw_run_status_role(r->status));
        break;
    case FROM_METRIC:
        put_metric(t, r, c);
        break;
    case FROM_PARAM:
        sw_table_cell(t, pair_value(r->params, r->param_count, c->key));
        break;
    case FROM_TAG:
        sw_table_cell(t, pair_value(r->tags, r->tag_count, c->key));
        break;
    }
}

static enum sw_code print_table(struct sw_app *app, const struct sw_run_list *list, const struct run_column *columns,
                                size_t count, struct sw_err *err)
{
    struct sw_table_column heads[COLUMNS_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct run_column *c = &columns[i];
        const char *ends[] = {[LAST_VALUE] = "", [MIN_VALUE] = ":min", [MAX_VALUE] = ":max"};
        if (c->source == FROM_ATTRIBUTE)
            heads[i] = (struct sw_table_column){c->attribute->title, c->attribute->flags};
        else
            heads[i] = (struct sw_table_column){sw_arena_printf(app->arena, "%s%s", c->key, ends[c->which]),
                                                c->source == FROM_METRIC ? SW_COLUMN_RIGHT : SW_COLUMN_SHRINKS};
        if (heads[i].title == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    }
    struct sw_table *t = sw_table_new(heads, count);
    for (size_t r = 0; r < list->count; r++)
        for (size_t i = 0; i < count; i++)
            put_cell(t, &list->items[r], &columns[i]);
    return sw_table_print(t, &app->out, err);
}

static const struct sw_option runs_options[] = {
    {.name = "order-by",
     .type = SW_OPTION_TEXT,
     .value = "ORDER",
     .help = "such as \"metrics.accuracy DESC, start_time\""},
    {.name = "limit",
     .type = SW_OPTION_INT,
     .otherwise = "50",
     .min = 1,
     .max = 100000,
     .value = "N",
     .help = "at most N runs"},
    {.name = "offset",
     .type = SW_OPTION_INT,
     .otherwise = "0",
     .min = 0,
     .max = 1e9,
     .value = "N",
     .help = "leave out the first N"},
    {.name = "columns",
     .type = SW_OPTION_TEXT,
     .value = "LIST",
     .help = "columns to print: metrics.KEY, metrics.KEY:max, params.KEY, tags.KEY, name, status, ..."},
    {.name = "experiment", .type = SW_OPTION_TEXT, .value = "NAME", .help = "only runs of this experiment"},
    {.name = "deleted", .type = SW_OPTION_FLAG, .help = "only removed runs"},
};

static enum sw_code find_experiment(struct sw_app *app, const char *name, int64_t *id, struct sw_err *err)
{
    struct sw_experiment *items;
    size_t count;
    const char *names[KEYS_MAX];
    enum sw_code code = sw_experiment_list(app->store, app->arena, &items, &count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        if (i < KEYS_MAX)
            names[i] = items[i].name;
        if (strcmp(items[i].name, name) == 0) {
            *id = items[i].experiment_id;
            return SW_OK;
        }
    }
    const char *nearest = sw_text_nearest(name, names, count < KEYS_MAX ? count : KEYS_MAX);
    (void)sw_err_set(err, SW_NOT_FOUND, "no experiment '%s'", name);
    return nearest == NULL ? SW_NOT_FOUND : sw_err_hint(err, "did you mean '%s'?", nearest);
}

static enum sw_code run_runs(struct sw_app *app, struct sw_err *err)
{
    struct run_column columns[COLUMNS_MAX];
    size_t count = 0, order_count = 0;
    const struct sw_query *where = NULL;
    struct sw_query_order *order = NULL;
    struct sw_run_list list;
    const char *wanted = sw_option_text(app->options, "columns");
    const char *order_text = sw_option_text(app->options, "order-by");
    const char *experiment = sw_option_text(app->options, "experiment");
    struct sw_run_query query = {
        .experiment_id = -1,
        .view = sw_option_flag(app->options, "deleted") ? SW_VIEW_DELETED : SW_VIEW_ACTIVE,
        .limit = sw_option_int(app->options, "limit", 50),
        .offset = sw_option_int(app->options, "offset", 0),
        .with = SW_RUN_WITH_PARAMS | SW_RUN_WITH_TAGS | SW_RUN_WITH_METRICS,
    };
    enum sw_code code = sw_app_reap_jobs(app, err);
    if (code == SW_OK && wanted != NULL)
        code = parse_columns(app, wanted, columns, &count, err);
    if (code == SW_OK && app->arg_count > 0)
        code = sw_track_parse_query(SW_SUBJECT_RUN, app->args[0], app->arena, &where, err);
    if (code == SW_OK && order_text != NULL)
        code = sw_track_parse_order(SW_SUBJECT_RUN, order_text, app->arena, &order, &order_count, err);
    if (code == SW_OK && experiment != NULL)
        code = find_experiment(app, experiment, &query.experiment_id, err);
    query.where = where;
    query.order = order;
    query.order_count = order_count;
    if (code == SW_OK)
        code = sw_run_search(app->store, &query, app->arena, &list, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_run, list.items, list.count), err);
    if (list.count == 0) {
        sw_output_note(&app->out, where != NULL || query.view == SW_VIEW_DELETED
                                      ? "No such runs."
                                      : "No runs. 'slipway run -- COMMAND' makes one.");
        return SW_OK;
    }
    if (wanted == NULL)
        count = default_columns(&list, columns);
    code = print_table(app, &list, columns, count, err);
    if (code == SW_OK && list.total > (int64_t)list.count)
        sw_output_note(&app->out, "%zu of %" PRId64 " runs; --limit shows more.", list.count, list.total);
    return code;
}

const struct sw_command sw_cmd_runs = {
    .verb = "runs",
    .summary = "list runs: filter, order, choose columns",
    .arguments = "[QUERY]",
    .max_args = 1,
    .options = runs_options,
    .option_count = SW_COUNT(runs_options),
    .description =
        "QUERY is MLflow's search grammar with OR, NOT and parentheses: metrics.KEY, params.KEY, tags.KEY, "
        "attributes such as status, name, experiment and start_time, compared by =, !=, <, <=, >, >=, LIKE, ILIKE, "
        "IN and IS NULL. Without --columns the metrics that most of the listed runs have are shown.",
    .examples = "slipway runs \"metrics.accuracy > 0.9 AND params.lr = '0.001'\"\tfilter\n"
                "slipway runs --order-by \"metrics.loss ASC\" --limit 5\tthe five of lowest loss\n"
                "slipway runs --columns name,metrics.loss:min,params.lr\tchoose columns",
    .kinds = "RunList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_runs,
};
