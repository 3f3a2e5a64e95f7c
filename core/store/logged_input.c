// SPDX-License-Identifier: Apache-2.0
// Logged data sets and models of runs. A data set is found or added by experiment, name and digest, then linked; a link
// that is there already keeps its tags, as MLflow has it.
#include "core/store/logged_input.h"

#include "core/store/experiment_private.h"

#include <string.h>

enum {
    NAME_MAX_BYTES = 500,
    DIGEST_MAX_BYTES = 36,
    SOURCE_TYPE_MAX_BYTES = 36,
    SOURCE_MAX_BYTES = 65535,
    SCHEMA_MAX_BYTES = 1048575,
    PROFILE_MAX_BYTES = 16777215,
    TAG_KEY_MAX_BYTES = 255,
    TAG_MAX_BYTES = 500,
    MODEL_ID_MAX_BYTES = 255,
};

static const char context_tag[] = "mlflow.data.context";

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

// --- writing ---
static enum sw_code check_dataset(const struct sw_logged_dataset *d, struct sw_err *err)
{
    enum sw_code code = sw_name_check("the data set's name", d->name, NAME_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_name_check("the data set's digest", d->digest, DIGEST_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the data set's source type", d->source_type, SOURCE_TYPE_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the data set's source", d->source, SOURCE_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the data set's schema", d->schema, SCHEMA_MAX_BYTES, err);
    if (code == SW_OK)
        code = sw_text_check("the data set's profile", d->profile, PROFILE_MAX_BYTES, err);
    for (size_t i = 0; i < d->tag_count && code == SW_OK; i++) {
        code = sw_name_check("the input tag's key", d->tags[i].key, TAG_KEY_MAX_BYTES, err);
        if (code == SW_OK)
            code = sw_text_check("the input tag's value", d->tags[i].value, TAG_MAX_BYTES, err);
    }
    return code;
}

static enum sw_code find_or_add_dataset(struct sw_store *s, int64_t experiment_id, const struct sw_logged_dataset *d,
                                        int64_t *id, struct sw_err *err)
{
    enum sw_code code = sw_sql_int(s, SQL_LOGGED_DATASET_FIND,
                                   SW_VALUES(sw_int(experiment_id), sw_text(d->name), sw_text(d->digest)), 0, id, err);
    if (code != SW_OK || *id != 0)
        return code;
    code = sw_sql_run(s, SQL_LOGGED_DATASET_ADD,
                      SW_VALUES(sw_int(experiment_id), sw_text(d->name), sw_text(d->digest),
                                sw_text(or_empty(d->source_type)), sw_text(or_empty(d->source)),
                                sw_text(or_empty(d->schema)), sw_text(or_empty(d->profile))),
                      err);
    if (code == SW_OK)
        *id = sqlite3_last_insert_rowid(s->db);
    return code;
}

static enum sw_code link_dataset(struct sw_store *s, int64_t run_key, int64_t experiment_id,
                                 const struct sw_logged_dataset *d, struct sw_err *err)
{
    int64_t id = 0;
    enum sw_code code = check_dataset(d, err);
    if (code == SW_OK)
        code = find_or_add_dataset(s, experiment_id, d, &id, err);
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_RUN_DATASET_LINK, SW_VALUES(sw_int(run_key), sw_int(id)), err);
    if (code != SW_OK || sqlite3_changes(s->db) == 0)
        return code;
    for (size_t i = 0; i < d->tag_count && code == SW_OK; i++)
        code = sw_sql_run(
            s, SQL_RUN_DATASET_TAG,
            SW_VALUES(sw_int(run_key), sw_int(id), sw_text(d->tags[i].key), sw_text(or_empty(d->tags[i].value))), err);
    return code;
}

static enum sw_code check_model_id(const char *model_id, struct sw_err *err)
{
    return sw_name_check("the model's id", model_id, MODEL_ID_MAX_BYTES, err);
}

struct inputs {
    const struct sw_logged_dataset *datasets;
    size_t dataset_count;
    const char *const *model_ids;
    size_t model_count;
};

static enum sw_code log_inputs(struct sw_store *s, const char *run_id, const struct inputs *in, struct sw_err *err)
{
    int64_t run_key = 0;
    struct sw_run_peek run = {0};
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = sw_run_peek(s, run_id, &run, err);
    for (size_t i = 0; i < in->dataset_count && code == SW_OK; i++)
        code = link_dataset(s, run_key, run.experiment_id, &in->datasets[i], err);
    for (size_t i = 0; i < in->model_count && code == SW_OK; i++) {
        code = check_model_id(in->model_ids[i], err);
        if (code == SW_OK)
            code = sw_sql_run(s, SQL_RUN_MODEL_INPUT, SW_VALUES(sw_int(run_key), sw_text(in->model_ids[i])), err);
    }
    return code;
}

enum sw_code sw_run_log_inputs(struct sw_store *s, const char *run_id, const struct sw_logged_dataset *datasets,
                               size_t dataset_count, const char *const *model_ids, size_t model_count,
                               struct sw_err *err)
{
    struct sw_step step;
    struct inputs in = {datasets, dataset_count, model_ids, model_count};
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, log_inputs(s, run_id, &in, err), err) : code;
}

static enum sw_code log_outputs(struct sw_store *s, const char *run_id, const struct sw_model_output *outputs,
                                size_t count, struct sw_err *err)
{
    int64_t run_key = 0;
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        code = check_model_id(outputs[i].model_id, err);
        if (code == SW_OK)
            code = sw_sql_run(s, SQL_RUN_MODEL_OUTPUT,
                              SW_VALUES(sw_int(run_key), sw_text(outputs[i].model_id), sw_int(outputs[i].step)), err);
    }
    return code;
}

enum sw_code sw_run_log_outputs(struct sw_store *s, const char *run_id, const struct sw_model_output *outputs,
                                size_t count, struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_step_begin(s, SW_STORE_NORMAL, &step, err);
    return code == SW_OK ? sw_step_end(s, &step, log_outputs(s, run_id, outputs, count, err), err) : code;
}

// --- reading ---
// A data set with the number that finds its tags; 0 for a registered one, whose only tag is the context.
struct dataset_row {
    struct sw_logged_dataset dataset;
    int64_t id;
    const char *context;
};

static void read_dataset(struct sw_reader *r, void *item)
{
    *(struct dataset_row *)item = (struct dataset_row){
        .id = sw_column_int(r, 0),
        .dataset = {.name = sw_column_text(r, 1),
                    .digest = sw_column_text(r, 2),
                    .source_type = sw_column_text(r, 3),
                    .source = sw_column_text(r, 4),
                    .schema = sw_column_text(r, 5),
                    .profile = sw_column_text(r, 6)},
        .context = sw_column_text(r, 7),
    };
}

static enum sw_code add_tags(struct sw_store *s, int64_t run_key, struct sw_arena *a, struct dataset_row *row,
                             struct sw_err *err)
{
    struct sw_rows tags = {0};
    enum sw_code code = SW_OK;
    if (row->id != 0) {
        code = sw_sql_list(s, SQL_RUN_DATASET_TAGS, SW_VALUES(sw_int(run_key), sw_int(row->id)), a,
                           sizeof(struct sw_pair), sw_pair_read, &tags, err);
    } else if (*row->context != '\0') {
        struct sw_pair *context = sw_rows_push(&tags, a, sizeof *context);
        if (context == NULL)
            return sw_rows_full(err);
        *context = (struct sw_pair){context_tag, row->context};
    }
    row->dataset.tags = tags.items;
    row->dataset.tag_count = tags.count;
    return code;
}

static enum sw_code list_datasets(struct sw_store *s, int64_t run_key, struct sw_arena *a, struct sw_run_links *out,
                                  struct sw_err *err)
{
    struct sw_rows rows = {0};
    enum sw_code code = sw_sql_list(s, SQL_RUN_DATASETS, SW_VALUES(sw_int(run_key)), a, sizeof(struct dataset_row),
                                    read_dataset, &rows, err);
    if (code != SW_OK || rows.count == 0)
        return code;
    struct dataset_row *found = rows.items;
    out->datasets = sw_arena_array(a, rows.count, sizeof *out->datasets);
    if (out->datasets == NULL)
        return sw_rows_full(err);
    for (size_t i = 0; i < rows.count && code == SW_OK; i++) {
        code = add_tags(s, run_key, a, &found[i], err);
        out->datasets[out->dataset_count++] = found[i].dataset;
    }
    return code;
}

static void read_model_input(struct sw_reader *r, void *item)
{
    *(const char **)item = sw_column_text(r, 0);
}

static void read_model_output(struct sw_reader *r, void *item)
{
    *(struct sw_model_output *)item = (struct sw_model_output){sw_column_text(r, 0), sw_column_int(r, 1)};
}

static enum sw_code load_links(struct sw_store *s, const char *run_id, struct sw_arena *a, struct sw_run_links *out,
                               struct sw_err *err)
{
    int64_t run_key = 0;
    struct sw_rows inputs = {0}, outputs = {0};
    struct sw_run_links links = {0};
    enum sw_code code = sw_run_key(s, run_id, &run_key, err);
    if (code == SW_OK)
        code = list_datasets(s, run_key, a, &links, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_RUN_MODEL_INPUTS, SW_VALUES(sw_int(run_key)), a, sizeof(const char *),
                           read_model_input, &inputs, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_RUN_MODEL_OUTPUTS, SW_VALUES(sw_int(run_key)), a, sizeof(struct sw_model_output),
                           read_model_output, &outputs, err);
    if (code != SW_OK)
        return code;
    links.model_inputs = inputs.items;
    links.model_input_count = inputs.count;
    links.model_outputs = outputs.items;
    links.model_output_count = outputs.count;
    *out = links;
    return SW_OK;
}

enum sw_code sw_run_load_links(struct sw_store *s, const char *run_id, struct sw_arena *a, struct sw_run_links *out,
                               struct sw_err *err)
{
    struct sw_step step;
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    return code == SW_OK ? sw_snapshot_end(s, &step, load_links(s, run_id, a, out, err)) : code;
}

// --- searching ---
static void read_summary(struct sw_reader *r, void *item)
{
    *(struct sw_dataset_summary *)item = (struct sw_dataset_summary){sw_column_int(r, 0), sw_column_text(r, 1),
                                                                     sw_column_text(r, 2), sw_column_text(r, 3)};
}

enum sw_code sw_logged_dataset_search(struct sw_store *s, const int64_t *experiment_ids, size_t experiment_count,
                                      int64_t limit, struct sw_arena *a, struct sw_dataset_summary **out, size_t *count,
                                      struct sw_err *err)
{
    struct sw_step step;
    struct sw_rows rows = {0};
    enum sw_code code = sw_snapshot_begin(s, &step, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < experiment_count && code == SW_OK && (int64_t)rows.count < limit; i++)
        code = sw_sql_list(s, SQL_DATASET_SUMMARIES,
                           SW_VALUES(sw_int(experiment_ids[i]), sw_int(limit - (int64_t)rows.count)), a, sizeof **out,
                           read_summary, &rows, err);
    if (code == SW_OK) {
        *out = rows.items;
        *count = rows.count;
    }
    return sw_snapshot_end(s, &step, code);
}
