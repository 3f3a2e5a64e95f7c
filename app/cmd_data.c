// SPDX-License-Identifier: Apache-2.0
// data ls, add, show, head, rm: data sets by name or path.
#include "app/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/data_cell.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/data/dataset.h"

enum { CELL_LIMIT_BYTES = 200, SCHEMA_MAX_BYTES = 8 * 1024 * 1024, COLUMNS_MAX = 256 };

// The store when there is one: data can be looked at without, and without HOME.
static enum sw_code open_store_if_any(struct sw_app *app, struct sw_err *err)
{
    enum sw_code code = sw_app_find_store(app, err);
    if (code == SW_OK)
        code = sw_app_open_store(app, SW_NEEDS_STORE_READ, err);
    else
        code = SW_NO_STORE;
    if (code != SW_NO_STORE)
        return code;
    *err = (struct sw_err){0};
    return SW_OK;
}

static enum sw_code open_named(struct sw_app *app, struct sw_data **out, struct sw_dataset *row, struct sw_err *err)
{
    enum sw_code code = open_store_if_any(app, err);
    if (code == SW_OK)
        code = sw_data_find(app->store, app->args[0], app->arena, row, err);
    return code == SW_OK ? sw_data_open(row->path, NULL, out, err) : code;
}

// --- ls ---

static const struct sw_option ls_options[] = {
    {.name = "formats", .type = SW_OPTION_FLAG, .help = "list the file formats that can be read instead"},
};

static enum sw_code list_formats(struct sw_app *app, struct sw_err *err)
{
    if (app->out.is_json) {
        json_t *items = json_array();
        for (size_t i = 0; sw_formats[i] != NULL && items != NULL; i++)
            if (json_array_append_new(items, json_pack("{s:s, s:s, s:s}", "name", sw_formats[i]->name, "extensions",
                                                       sw_formats[i]->extensions, "summary", sw_formats[i]->summary)) !=
                0)
                return sw_err_set(err, SW_NO_MEMORY, "out of memory while listing formats");
        return sw_output_json(&app->out, sw_json_list_of("FormatList", items), err);
    }
    static const struct sw_table_column columns[] = {{"FORMAT", 0}, {"FILES", 0}, {"SUMMARY", SW_COLUMN_SHRINKS}};
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; sw_formats[i] != NULL; i++) {
        sw_table_cell(t, sw_formats[i]->name);
        sw_table_cell(t, sw_formats[i]->extensions);
        sw_table_cell(t, sw_formats[i]->summary);
    }
    return sw_table_print(t, &app->out, err);
}

// "train 60,000, test 10,000" from a stored schema.
static void splits_text(const char *schema_json, struct sw_buf *out)
{
    json_t *schema = sw_json_tree(schema_json);
    size_t i;
    json_t *split;
    json_array_foreach (json_object_get(schema, "splits"), i, split) {
        const json_t *rows = json_object_get(split, "rows");
        const char *name = json_string_value(json_object_get(split, "name"));
        char count[32] = "?";
        if (json_is_integer(rows))
            sw_format_count(count, sizeof count, json_integer_value(rows));
        sw_buf_addf(out, "%s%s %s", i > 0 ? ", " : "", name == NULL ? "" : name, count);
    }
    json_decref(schema);
}

static enum sw_code run_ls(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"NAME", SW_COLUMN_SHRINKS},
        {"VERSION", SW_COLUMN_RIGHT},
        {"FORMAT", 0},
        {"ROWS", 0},
        {"SIZE", SW_COLUMN_RIGHT},
        {"DIGEST", 0},
        {"AGE", SW_COLUMN_RIGHT},
        {"PATH", SW_COLUMN_SHRINKS},
    };
    struct sw_dataset *items;
    size_t count;
    if (sw_option_flag(app->options, "formats"))
        return list_formats(app, err);
    enum sw_code code = sw_app_open_store(app, SW_NEEDS_STORE_READ, err);
    if (code == SW_OK)
        code = sw_dataset_list(app->store, app->arena, &items, &count, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_dataset, items, count), err);
    if (count == 0) {
        sw_output_note(&app->out, "No data sets. 'slipway data add PATH' registers a file or folder.");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    struct sw_buf rows;
    sw_buf_init(&rows, 4096);
    for (size_t i = 0; i < count; i++) {
        char text[64];
        sw_buf_clear(&rows);
        splits_text(items[i].schema_json, &rows);
        sw_table_cell(t, items[i].name);
        sw_table_cellf(t, "%" PRId64, items[i].version);
        sw_table_cell(t, items[i].format);
        sw_table_cell(t, rows.data);
        sw_table_cell(t, sw_format_bytes(text, sizeof text, items[i].size_bytes));
        sw_table_cellf(t, "%.12s", items[i].digest);
        sw_table_cell(t, sw_format_age(text, sizeof text, sw_clock_now_ms(), items[i].created_ms));
        sw_table_cell(t, items[i].path);
    }
    sw_buf_free(&rows);
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_data_ls = {
    .verb = "data ls",
    .summary = "list registered data sets",
    .arguments = "",
    .options = ls_options,
    .option_count = SW_COUNT(ls_options),
    .description = "The newest version of each name.",
    .examples = "slipway data ls\twhat is registered\n"
                "slipway data ls --formats\twhich files can be read",
    .kinds = "DatasetList FormatList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_ls,
};

// --- add ---

static const struct sw_option add_options[] = {
    {.name = "name",
     .type = SW_OPTION_TEXT,
     .value = "NAME",
     .help = "name to register it under; unset = from the path"},
};

static enum sw_code register_opened(struct sw_app *app, struct sw_data *data, int64_t *dataset_id, const char **name,
                                    struct sw_err *err)
{
    char digest[SW_SHA256_HEX];
    int64_t size_bytes = 0;
    json_t *schema = NULL;
    struct sw_buf text;
    sw_buf_init(&text, SCHEMA_MAX_BYTES);
    const char *given = sw_option_text(app->options, "name");
    *name = sw_arena_strdup(app->arena, given != NULL ? given : sw_data_name(data));
    enum sw_code code = sw_data_digest(data, digest, &size_bytes, err);
    if (code == SW_OK)
        code = sw_data_schema_json(data, &schema, err);
    if (code == SW_OK)
        code = sw_json_write(schema, 0, &text, err);
    if (code == SW_OK) {
        struct sw_dataset row = {
            .name = *name,
            .path = sw_data_path(data),
            .format = sw_data_format(data),
            .digest = digest,
            .size_bytes = size_bytes,
            .schema_json = text.data,
        };
        code = sw_dataset_add(app->store, &row, dataset_id, err);
    }
    json_decref(schema);
    sw_buf_free(&text);
    return code;
}

static enum sw_code run_add(struct sw_app *app, struct sw_err *err)
{
    struct sw_data *data = NULL;
    struct sw_dataset row;
    int64_t dataset_id;
    const char *name = NULL;
    enum sw_code code = sw_data_open(app->args[0], NULL, &data, err);
    // Only a readable data set may bring the store into being.
    if (code == SW_OK)
        code = sw_app_open_store(app, SW_NEEDS_NEW_STORE, err);
    if (code == SW_OK)
        code = register_opened(app, data, &dataset_id, &name, err);
    if (code == SW_OK)
        code = sw_dataset_get(app->store, name, app->arena, &row, err);
    sw_data_free(data);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_dataset, &row), err);
    char size[32];
    sw_output_safe(&app->out, row.name, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "/%" PRId64 "\t%s\t%s\n", row.version, row.digest,
                   sw_format_bytes(size, sizeof size, row.size_bytes));
    return SW_OK;
}

const struct sw_command sw_cmd_data_add = {
    .verb = "data add",
    .summary = "register a file or folder as a data set",
    .arguments = "PATH",
    .min_args = 1,
    .max_args = 1,
    .takes = "file",
    .options = add_options,
    .option_count = SW_COUNT(add_options),
    .description = "Reads every byte once for the digest; the files stay where they are. Adding the same content again "
                   "changes nothing, other content under the same name becomes the next version.",
    .examples = "slipway data add /usr/share/datasets/fashion-mnist --name fashion\tFashion-MNIST as Debian ships it\n"
                "slipway data add iris.csv\ta CSV file",
    .kinds = "Dataset",
    .needs = SW_NEEDS_CONFIG,
    .run = run_add,
};

// --- show ---

static const struct sw_option show_options[] = {
    {.name = "rows",
     .type = SW_OPTION_INT,
     .otherwise = "10000",
     .min = 0,
     .max = 1e15,
     .value = "N",
     .help = "examine at most N rows of each split, 0 = all"},
};

static const char *number_text(const json_t *value, char *text, size_t size)
{
    if (json_is_number(value))
        return sw_format_real(text, size, json_number_value(value));
    return json_string_value(value);
}

static void put_column_row(struct sw_table *t, const char *split, const json_t *column)
{
    char text[64];
    const json_t *shape = json_object_get(column, "shape");
    struct sw_buf shape_text;
    sw_buf_init(&shape_text, 256);
    for (size_t i = 0; i < json_array_size(shape); i++)
        sw_buf_addf(&shape_text, "%s%" JSON_INTEGER_FORMAT, i > 0 ? "x" : "",
                    json_integer_value(json_array_get(shape, i)));
    sw_table_cell(t, split);
    sw_table_cell(t, json_string_value(json_object_get(column, "name")));
    sw_table_cell(t, json_string_value(json_object_get(column, "type")));
    sw_table_cell(t, shape_text.data);
    sw_buf_free(&shape_text);
    const json_t *nulls = json_object_get(column, "nulls");
    sw_table_cell(t, json_is_integer(nulls) ? sw_format_count(text, sizeof text, json_integer_value(nulls)) : NULL);
    sw_table_cell(t, number_text(json_object_get(column, "min"), text, sizeof text));
    sw_table_cell(t, number_text(json_object_get(column, "max"), text, sizeof text));
    sw_table_cell(t, number_text(json_object_get(column, "mean"), text, sizeof text));
    const json_t *distinct = json_object_get(column, "distinct");
    sw_table_cell(t,
                  json_is_integer(distinct) ? sw_format_count(text, sizeof text, json_integer_value(distinct)) : NULL);
}

static enum sw_code print_description(struct sw_app *app, const json_t *doc, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"SPLIT", 0},
        {"COLUMN", SW_COLUMN_SHRINKS},
        {"TYPE", 0},
        {"SHAPE", 0},
        {"NULLS", SW_COLUMN_RIGHT},
        {"MIN", SW_COLUMN_RIGHT},
        {"MAX", SW_COLUMN_RIGHT},
        {"MEAN", SW_COLUMN_RIGHT},
        {"DISTINCT", SW_COLUMN_RIGHT},
    };
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    size_t i, k;
    json_t *split, *column;
    json_array_foreach (json_object_get(doc, "splits"), i, split) {
        const char *name = json_string_value(json_object_get(split, "name"));
        const json_t *rows = json_object_get(split, "rows");
        char text[32] = "?", examined[32];
        if (json_is_integer(rows))
            sw_format_count(text, sizeof text, json_integer_value(rows));
        bool is_sample = json_is_true(json_object_get(split, "is_sample"));
        sw_format_count(examined, sizeof examined, json_integer_value(json_object_get(split, "rows_examined")));
        sw_output_pairf(&app->out, i == 0 ? "splits" : "", "%s: %s rows%s%s%s", name, text, is_sample ? ", " : "",
                        is_sample ? examined : "", is_sample ? " examined" : "");
        json_array_foreach (json_object_get(split, "columns"), k, column) {
            put_column_row(t, name, column);
        }
    }
    sw_output_text(&app->out, "\n");
    return sw_table_print(t, &app->out, err);
}

static enum sw_code run_show(struct sw_app *app, struct sw_err *err)
{
    struct sw_data *data = NULL;
    struct sw_dataset row = {0};
    json_t *doc = NULL;
    enum sw_code code = open_named(app, &data, &row, err);
    if (code == SW_OK)
        code = sw_data_describe_json(data, sw_option_int(app->options, "rows", 10000), &doc, err);
    if (code != SW_OK)
        goto out;
    if (row.digest != NULL) {
        json_object_set_new(doc, "name", sw_json_text(row.name));
        json_object_set_new(doc, "version", json_integer(row.version));
        json_object_set_new(doc, "digest", sw_json_text(row.digest));
    }
    if (app->out.is_json) {
        json_t *document = json_pack("{s:s}", "kind", "DatasetDescription");
        if (document != NULL && json_object_update(document, doc) != 0) {
            json_decref(document);
            document = NULL;
        }
        code = sw_output_json(&app->out, document, err);
        goto out;
    }
    char size[32];
    sw_output_pair(&app->out, "name", row.name);
    sw_output_pair(&app->out, "path", row.path);
    sw_output_pair(&app->out, "format", sw_data_format(data));
    if (row.digest != NULL) {
        sw_output_pairf(&app->out, "version", "%" PRId64, row.version);
        sw_output_pair(&app->out, "digest", row.digest);
    }
    sw_output_pair(&app->out, "size",
                   sw_format_bytes(size, sizeof size, json_integer_value(json_object_get(doc, "size_bytes"))));
    sw_output_pair(&app->out, "classes from", sw_data_classes_source(data));
    code = print_description(app, doc, err);
out:
    json_decref(doc);
    sw_data_free(data);
    return code;
}

const struct sw_command sw_cmd_data_show = {
    .verb = "data show",
    .summary = "describe a data set: splits, columns, ranges",
    .arguments = "NAME|PATH",
    .min_args = 1,
    .max_args = 1,
    .takes = "dataset",
    .options = show_options,
    .option_count = SW_COUNT(show_options),
    .description = "Figures come from the rows examined; it says so when those are not all of them.",
    .examples = "slipway data show fashion\ta registered data set\n"
                "slipway data show iris.csv --rows 0\ta file, every row examined",
    .kinds = "DatasetDescription",
    .needs = SW_NEEDS_CONFIG,
    .run = run_show,
};

// --- head ---

static const struct sw_option head_options[] = {
    {.name = "split", .type = SW_OPTION_TEXT, .value = "NAME", .help = "split to read; unset = train, or the only one"},
    {.name = "rows",
     .letter = 'n',
     .type = SW_OPTION_INT,
     .otherwise = "10",
     .min = 1,
     .max = 1e6,
     .value = "N",
     .help = "number of rows"},
    {.name = "first",
     .type = SW_OPTION_INT,
     .otherwise = "0",
     .min = 0,
     .max = 1e15,
     .value = "ROW",
     .help = "row to begin with, from 0"},
    {.name = "column",
     .letter = 'c',
     .type = SW_OPTION_TEXT,
     .value = "NAME",
     .repeat = true,
     .help = "only this column"},
};

static enum sw_code chosen_columns(struct sw_app *app, const struct sw_schema *schema, int *columns, size_t *count,
                                   struct sw_err *err)
{
    const char *const *names;
    size_t given = sw_option_repeat(app->options, "column", &names);
    *count = 0;
    for (size_t i = 0; given == 0 && i < schema->count && i < COLUMNS_MAX; i++)
        columns[(*count)++] = (int)i;
    for (size_t i = 0; i < given && i < COLUMNS_MAX; i++) {
        int found = sw_schema_find(schema, names[i]);
        if (found < 0) {
            const char *known[COLUMNS_MAX];
            size_t known_count = schema->count < COLUMNS_MAX ? schema->count : COLUMNS_MAX;
            for (size_t k = 0; k < known_count; k++)
                known[k] = schema->columns[k].name;
            const char *nearest = sw_text_nearest(names[i], known, known_count);
            (void)sw_err_set(err, SW_NOT_FOUND, "no column '%s'", names[i]);
            return nearest != NULL ? sw_err_hint(err, "did you mean '%s'?", nearest)
                                   : sw_err_hint(err, "'slipway data show' lists the columns");
        }
        columns[(*count)++] = found;
    }
    return SW_OK;
}

static json_t *rows_json(const struct sw_batch *batch)
{
    json_t *columns = json_array(), *rows = json_array();
    for (size_t k = 0; k < batch->vector_count; k++)
        if (json_array_append_new(columns, sw_json_text(batch->vectors[k].column->name)) != 0)
            goto fail;
    for (size_t i = 0; i < batch->rows; i++) {
        json_t *row = json_array();
        if (json_array_append_new(rows, row) != 0)
            goto fail;
        for (size_t k = 0; k < batch->vector_count; k++)
            if (json_array_append_new(row, sw_data_cell_json(&batch->vectors[k], i)) != 0)
                goto fail;
    }
    return json_pack("{s:s, s:I, s:o, s:o}", "kind", "Rows", "first", (json_int_t)batch->first, "columns", columns,
                     "rows", rows);
fail:
    json_decref(columns);
    json_decref(rows);
    return NULL;
}

static enum sw_code rows_table(struct sw_app *app, const struct sw_batch *batch, struct sw_err *err)
{
    struct sw_table_column columns[COLUMNS_MAX + 1] = {{"ROW", SW_COLUMN_RIGHT}};
    for (size_t k = 0; k < batch->vector_count; k++) {
        enum sw_data_type type = batch->vectors[k].column->type;
        bool is_number = type == SW_DATA_INT || type == SW_DATA_REAL;
        columns[k + 1] = (struct sw_table_column){batch->vectors[k].column->name,
                                                  SW_COLUMN_SHRINKS | (is_number ? SW_COLUMN_RIGHT : 0u)};
    }
    struct sw_table *t = sw_table_new(columns, batch->vector_count + 1);
    struct sw_buf cell;
    sw_buf_init(&cell, 64 * 1024);
    for (size_t i = 0; i < batch->rows; i++) {
        sw_table_cellf(t, "%" PRId64, batch->first + (int64_t)i);
        for (size_t k = 0; k < batch->vector_count; k++) {
            sw_buf_clear(&cell);
            sw_data_cell_text(&cell, &batch->vectors[k], i);
            sw_table_cell(t, cell.data);
        }
    }
    sw_buf_free(&cell);
    return sw_table_print(t, &app->out, err);
}

static enum sw_code run_head(struct sw_app *app, struct sw_err *err)
{
    struct sw_data *data = NULL;
    struct sw_dataset row = {0};
    struct sw_reader *reader = NULL;
    struct sw_batch batch = {0};
    int columns[COLUMNS_MAX];
    size_t count = 0;
    enum sw_code code = open_named(app, &data, &row, err);
    if (code == SW_OK)
        code = sw_data_split(data, sw_option_text(app->options, "split"), &reader, err);
    if (code == SW_OK)
        code = chosen_columns(app, sw_reader_schema(reader), columns, &count, err);
    if (code == SW_OK) {
        struct sw_read what = {
            .first = sw_option_int(app->options, "first", 0),
            .rows = (size_t)sw_option_int(app->options, "rows", 10),
            .columns = columns,
            .column_count = count,
            .cell_limit_bytes = app->out.is_json ? 0 : CELL_LIMIT_BYTES,
        };
        code = sw_reader_read(reader, &what, &batch, err);
    }
    if (code == SW_OK)
        code = app->out.is_json ? sw_output_json(&app->out, rows_json(&batch), err) : rows_table(app, &batch, err);
    for (size_t i = 0; code == SW_OK && i < batch.problem_count && i < SW_BATCH_MAX_PROBLEMS; i++)
        sw_output_note(&app->out, "row %" PRId64 ", line %" PRId64 ": %s", batch.problems[i].row,
                       batch.problems[i].line, batch.problems[i].message);
    sw_batch_free(&batch);
    sw_data_free(data);
    return code;
}

const struct sw_command sw_cmd_data_head = {
    .verb = "data head",
    .summary = "print rows of a data set",
    .arguments = "NAME|PATH",
    .min_args = 1,
    .max_args = 1,
    .takes = "dataset",
    .options = head_options,
    .option_count = SW_COUNT(head_options),
    .description =
        "Only the rows asked for are read. Rows with too few or too many fields are shown and named on stderr.",
    .examples = "slipway data head fashion --split test -n 3\tthree rows of the test split\n"
                "slipway data head iris.csv --first 100 --json\trows as JSON lists",
    .kinds = "Rows",
    .needs = SW_NEEDS_CONFIG,
    .run = run_head,
};

// --- rm ---

static enum sw_code run_rm(struct sw_app *app, struct sw_err *err)
{
    struct sw_dataset row;
    enum sw_code code = sw_dataset_get(app->store, app->args[0], app->arena, &row, err);
    if (code == SW_OK)
        code = sw_output_confirm(&app->out, err, "Forget the data set '%s'? Its files stay", row.name);
    if (code == SW_OK)
        code = sw_dataset_remove(app->store, row.name, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_dataset, &row), err);
    sw_output_note(&app->out, "Forgot %s; 'slipway data add %s --name %s' registers it again.", row.name, row.path,
                   row.name);
    return SW_OK;
}

const struct sw_command sw_cmd_data_rm = {
    .verb = "data rm",
    .summary = "forget a data set; its files stay",
    .arguments = "NAME",
    .min_args = 1,
    .max_args = 1,
    .takes = "dataset",
    .description = "The name disappears from lists. Runs that used the data set still show it.",
    .examples = "slipway data rm fashion --yes\twithout a question",
    .kinds = "Dataset",
    .needs = SW_NEEDS_STORE,
    .run = run_rm,
};
