// SPDX-License-Identifier: Apache-2.0
// Data sets, one row for each split; their rows as a grid; a row as a record with its image.
#include "app/tui_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "app/data_cell.h"
#include "app/json_kind.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "core/store/dataset.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { GRID_COLUMNS_MAX = 256, CELL_MAX = 256, DESCRIBE_ROWS = 20000, INDEX_STEP = 8 << 20, CLASSES_SHOWN = 64 };

static const struct sw_tui_column dataset_columns[] = {
    {.key = "name", .title = "name", .width = 22},
    {.key = "split", .title = "split", .width = 8},
    {.key = "rows", .title = "rows", .width = 12, .align = SW_TUI_RIGHT},
    {.key = "columns", .title = "columns", .width = 30, .priority = 2},
    {.key = "format", .title = "format", .width = 7, .priority = 3},
    {.key = "size", .title = "size", .width = 9, .priority = 1, .align = SW_TUI_RIGHT},
    {.key = "age", .title = "age", .width = 6, .priority = 4, .align = SW_TUI_RIGHT},
};

static const char *column_words(struct sw_arena *a, const json_t *split)
{
    const json_t *column;
    size_t i;
    const char *text = "";
    json_array_foreach (json_object_get(split, "columns"), i, column) {
        if (i == 8)
            return sw_arena_printf(a, "%s, …", text);
        text = sw_arena_printf(a, "%s%s%s %s", text, i > 0 ? ", " : "", sw_tree_text(column, "name"),
                               sw_tree_text(column, "type"));
    }
    return text;
}

// One row for each split that the registered schema names.
static void put_dataset(struct tui_rows *t, const struct sw_dataset *d, const json_t *schema)
{
    const json_t *split;
    size_t i;
    char text[48];
    json_array_foreach (json_object_get(schema, "splits"), i, split) {
        const char *name = sw_tree_text(split, "name");
        int64_t rows = sw_tree_int(split, "rows", -1);
        if (name == NULL)
            continue;
        tui_rows_add(t, sw_arena_printf(t->a, "%s:%s", d->name, name), SW_TUI_NORMAL);
        tui_rows_text(t, d->name, SW_TUI_STRONG);
        tui_rows_text(t, name, SW_TUI_NORMAL);
        tui_rows_number(t, (double)rows, rows < 0 ? NULL : sw_format_count(text, sizeof text, rows), SW_TUI_NORMAL);
        tui_rows_text(t, column_words(t->a, split), SW_TUI_NORMAL);
        tui_rows_text(t, d->format, SW_TUI_NORMAL);
        tui_rows_number(t, (double)d->size_bytes, sw_format_bytes(text, sizeof text, d->size_bytes), SW_TUI_NORMAL);
        tui_rows_age(t, d->created_ms);
    }
}

static enum sw_code load_datasets(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                                  const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                                  struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_dataset *items;
    struct tui_rows t;
    size_t count, splits = 0;
    enum sw_code code = sw_dataset_list(w->store, a, &items, &count, err);
    if (code != SW_OK)
        return code;
    json_t **schemas = sw_arena_array(a, count + 1, sizeof(json_t *));
    if (schemas == NULL)
        return tui_no_memory(err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        const char *text = items[i].schema_json;
        code = sw_json_parse(text, strlen(text), items[i].name, &sw_tree_limits_default, &schemas[i], err);
        if (code == SW_OK)
            splits += json_array_size(json_object_get(schemas[i], "splits"));
    }
    if (code == SW_OK)
        code = tui_rows_begin(&t, a, dataset_columns, COUNT(dataset_columns), splits, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        put_dataset(&t, &items[i], schemas[i]);
    for (size_t i = 0; i < count; i++)
        json_decref(schemas[i]);
    if (code != SW_OK)
        return code;
    out->title = sw_arena_printf(a, "%zu data set%s", count, count == 1 ? "" : "s");
    out->empty = "No data sets yet. Register a file or a folder; its rows open as a grid, images included.";
    return tui_rows_finish(&t, q, out, err);
}

const char *tui_dataset_name(const char *id, struct sw_arena *a)
{
    const char *colon = strrchr(id, ':');
    const char *name = colon != NULL ? sw_arena_strndup(a, id, (size_t)(colon - id)) : id;
    return name != NULL ? name : ""; // a name that no data set has
}

// The registered data set and split that an id "NAME:SPLIT" means.
static enum sw_code find_split(struct tui_worker *w, const char *id, struct sw_arena *a, struct sw_dataset *d,
                               struct sw_data **data, struct sw_reader **reader, struct sw_err *err)
{
    const char *colon = strrchr(id, ':');
    enum sw_code code = sw_dataset_get(w->store, tui_dataset_name(id, a), a, d, err);
    if (code == SW_OK)
        code = tui_worker_data(w, d->path, data, err);
    if (code == SW_OK)
        code = sw_data_split(*data, colon != NULL ? colon + 1 : NULL, reader, err);
    return code;
}

static void put_class_counts(struct tui_sections *s, const json_t *column, int64_t examined)
{
    const json_t *entry, *counts = json_object_get(column, "class_counts");
    const char *key;
    size_t shown = 0;
    if (!json_is_object(counts))
        return;
    json_object_foreach ((json_t *)counts, key, entry) {
        char text[48];
        if (shown++ == CLASSES_SHOWN)
            break;
        tui_pairf(s, key, "%s  %.1f%%", sw_format_count(text, sizeof text, json_integer_value(entry)),
                  examined > 0 ? 100.0 * (double)json_integer_value(entry) / (double)examined : 0.0);
    }
    tui_pairs_end(s, sw_arena_printf(s->a, "classes of %s", sw_tree_text(column, "name")));
}

static void put_columns(struct tui_sections *s, const json_t *split)
{
    const json_t *column;
    size_t i;
    int64_t examined = sw_tree_int(split, "rows_examined", 0);
    json_array_foreach (json_object_get(split, "columns"), i, column) {
        double low = sw_tree_real(column, "min", 0), high = sw_tree_real(column, "max", 0);
        bool has_range = json_is_number(json_object_get(column, "min"));
        tui_pairf(s, sw_tree_text(column, "name"), "%s%s", sw_tree_text(column, "type"),
                  has_range
                      ? sw_arena_printf(s->a, "  %s to %s, mean %s, %" PRId64 " null", tui_real_text(s->a, low),
                                        tui_real_text(s->a, high), tui_real_text(s->a, sw_tree_real(column, "mean", 0)),
                                        sw_tree_int(column, "nulls", 0))
                      : "");
    }
    tui_pairs_end(s, sw_tree_bool(split, "is_sample", false)
                         ? sw_arena_printf(s->a, "columns, from %" PRId64 " rows", examined)
                         : "columns");
    json_array_foreach (json_object_get(split, "columns"), i, column)
        put_class_counts(s, column, examined);
}

static enum sw_code dataset_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                                   const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                                   struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_dataset d;
    struct sw_data *data;
    struct sw_reader *reader;
    struct tui_sections s;
    json_t *all = NULL, *split;
    size_t i;
    const char *colon = strrchr(q->ids[0], ':');
    enum sw_code code = find_split(w, q->ids[0], a, &d, &data, &reader, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, a, err);
    if (code == SW_OK)
        code = sw_data_describe_json(data, DESCRIBE_ROWS, &all, err);
    if (code != SW_OK)
        return code;
    tui_pair(&s, "path", d.path, SW_TUI_NORMAL);
    tui_pairf(&s, "version", "%" PRId64 "  sha256:%.12s", d.version, d.digest);
    tui_pair(&s, "size", tui_bytes_text(a, d.size_bytes), SW_TUI_NORMAL);
    tui_pair(&s, "registered", tui_time_text(a, d.created_ms), SW_TUI_NORMAL);
    tui_pair(&s, "class names", sw_data_classes_source(data), SW_TUI_NORMAL);
    tui_pairs_end(&s, NULL);
    json_array_foreach (json_object_get(all, "splits"), i, split)
        if (colon == NULL || strcmp(sw_tree_text(split, "name"), colon + 1) == 0)
            put_columns(&s, split);
    json_decref(all);
    tui_sections_end(&s, out);
    out->title = sw_arena_strdup(a, q->ids[0]);
    out->command = sw_arena_printf(a, "slipway data show %s", d.name);
    return SW_OK;
}

static enum sw_code dataset_raw(struct tui_worker *w, const char *parent, const char *id, struct sw_arena *a,
                                json_t **out, struct sw_err *err)
{
    (void)parent;
    struct sw_dataset d;
    enum sw_code code = sw_dataset_get(w->store, tui_dataset_name(id, a), a, &d, err);
    if (code == SW_OK)
        *out = sw_json_document(&sw_json_dataset, &d);
    return code;
}

const struct tui_list tui_list_datasets = {.load = load_datasets, .detail = dataset_detail, .raw = dataset_raw};

// --- rows ---

static enum sw_code grid_columns(struct sw_arena *a, const struct sw_schema *schema, struct sw_tui_column **out,
                                 size_t *count, struct sw_err *err)
{
    *count = (schema->count < GRID_COLUMNS_MAX - 1 ? schema->count : GRID_COLUMNS_MAX - 1) + 1;
    struct sw_tui_column *columns = sw_arena_array(a, *count, sizeof *columns);
    if (columns == NULL)
        return tui_no_memory(err);
    columns[0] = (struct sw_tui_column){.title = "#", .summary = "", .width = 9, .align = SW_TUI_RIGHT};
    for (size_t i = 1; i < *count; i++) {
        const struct sw_column *c = &schema->columns[i - 1];
        char shape[64];
        bool is_number = c->type == SW_DATA_INT || c->type == SW_DATA_REAL;
        columns[i] = (struct sw_tui_column){
            .title = sw_arena_strdup(a, c->name),
            .summary =
                sw_arena_printf(a, "%s %s", sw_data_type_word(c->type), sw_data_shape_text(c, shape, sizeof shape)),
            .width = c->class_names != NULL    ? 20
                     : c->type == SW_DATA_TEXT ? 24
                                               : 14,
            .align = is_number && c->class_names == NULL ? SW_TUI_RIGHT : SW_TUI_LEFT,
        };
    }
    *out = columns;
    return SW_OK;
}

static enum sw_code put_grid(struct sw_arena *a, const struct sw_batch *batch, size_t column_count,
                             struct sw_tui_table *out, struct sw_err *err)
{
    struct sw_tui_row *rows = sw_arena_array(a, batch->rows + 1, sizeof *rows);
    struct sw_buf text;
    sw_buf_init(&text, CELL_MAX * 16);
    for (size_t r = 0; r < batch->rows && rows != NULL; r++) {
        struct sw_tui_cell *cells = sw_arena_array(a, column_count, sizeof *cells);
        char number[32];
        if (cells == NULL)
            break;
        cells[0] = (struct sw_tui_cell){
            .text = sw_arena_strdup(a, sw_format_count(number, sizeof number, batch->first + (int64_t)r)),
            .role = SW_TUI_DIM};
        for (size_t c = 1; c < column_count; c++) {
            sw_buf_clear(&text);
            sw_data_cell_text(&text, &batch->vectors[c - 1], r);
            if (!sw_vector_is_null(&batch->vectors[c - 1], r))
                cells[c].text = sw_arena_strndup(a, text.data, text.len);
        }
        rows[r] = (struct sw_tui_row){.id = sw_arena_printf(a, "%" PRId64, batch->first + (int64_t)r), .cells = cells};
        out->row_count = r + 1;
    }
    sw_buf_free(&text);
    out->rows = rows;
    return out->row_count == batch->rows ? SW_OK : tui_no_memory(err);
}

static enum sw_code load_rows(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                              const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                              struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_dataset d;
    struct sw_data *data;
    struct sw_reader *reader;
    struct sw_tui_column *columns = NULL;
    struct sw_batch batch = {0};
    if (q->filter != NULL && q->filter[0] != '\0') {
        (void)sw_err_set(err, SW_UNSUPPORTED, "rows are shown in the order of the file and cannot be filtered");
        return sw_err_hint(err, "empty the filter with / and Enter");
    }
    enum sw_code code = find_split(w, q->parent, a, &d, &data, &reader, err);
    if (code == SW_OK)
        code = grid_columns(a, sw_reader_schema(reader), &columns, &out->column_count, err);
    if (code != SW_OK)
        return code;
    // Each load indexes a little further, so that small files are known at once and large ones while they are looked at.
    bool is_indexed;
    code = sw_reader_index(reader, INDEX_STEP, &is_indexed, err);
    if (code != SW_OK)
        return code;
    int *wanted = sw_arena_array(a, out->column_count, sizeof *wanted);
    for (size_t i = 0; wanted != NULL && i + 1 < out->column_count; i++)
        wanted[i] = (int)i;
    struct sw_read what = {.first = q->offset,
                           .rows = (size_t)q->count,
                           .columns = wanted,
                           .column_count = out->column_count - 1,
                           .cell_limit_bytes = CELL_MAX};
    code = wanted != NULL ? sw_reader_read(reader, &what, &batch, err) : tui_no_memory(err);
    if (code == SW_OK)
        code = put_grid(a, &batch, out->column_count, out, err);
    sw_batch_free(&batch);
    if (code != SW_OK)
        return code;
    struct sw_row_count rows = sw_reader_rows(reader);
    char total[32];
    out->columns = columns;
    out->offset = q->offset;
    // While the count is not known the table ends where the window does; the next window finds more.
    out->total = rows.is_known ? rows.rows : q->offset + (int64_t)out->row_count + 1;
    if (rows.is_known && q->find_id != NULL && q->find_id[0] != '\0') {
        out->find_index = strtoll(q->find_id, NULL, 10);
        out->has_find = out->find_index >= 0 && out->find_index < rows.rows;
    }
    out->title = sw_arena_printf(a, "%s%s rows × %zu", rows.is_exact ? "" : "about ",
                                 sw_format_count(total, sizeof total, out->total), sw_reader_schema(reader)->count);
    if (sw_reader_indexed(reader) < 1)
        out->place = sw_arena_printf(a, "read %.0f%%", 100 * sw_reader_indexed(reader));
    return SW_OK;
}

enum sw_code tui_add_sheet(struct tui_sections *s, const char *title, const struct sw_schema *schema,
                           const struct sw_batch *batch, struct sw_err *err)
{
    struct sw_tui_column *columns;
    struct sw_tui_table rows = {0};
    size_t count = 0;
    enum sw_code code = grid_columns(s->a, schema, &columns, &count, err);
    if (code == SW_OK)
        code = put_grid(s->a, batch, count, &rows, err);
    if (code != SW_OK)
        return code;
    tui_section_add(s, SW_TUI_SHEET, title)->sheet = (struct sw_tui_sheet){
        .columns = columns, .column_count = count, .rows = rows.rows, .row_count = rows.row_count};
    return SW_OK;
}

static enum sw_code put_image(struct tui_sections *s, const struct sw_vector *v, struct sw_err *err)
{
    const struct sw_column *c = v->column;
    uint8_t *pixels = sw_arena_array(s->a, (size_t)c->cell_size, 1);
    int channels = c->rank == 3 ? (int)c->shape[2] : 1;
    if (pixels == NULL)
        return tui_no_memory(err);
    if (c->rank < 2 || (channels != 1 && channels != 3))
        return SW_OK;
    memcpy(pixels, v->bytes, (size_t)c->cell_size);
    struct sw_tui_section *section = tui_section_add(s, SW_TUI_IMAGE, sw_arena_strdup(s->a, c->name));
    section->image = (struct sw_tui_image){
        .width = (int)c->shape[1], .height = (int)c->shape[0], .channels = channels, .pixels = pixels};
    return SW_OK;
}

static enum sw_code row_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                               const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                               struct sw_err *err)
{
    (void)b, (void)task;
    struct sw_dataset d;
    struct sw_data *data;
    struct sw_reader *reader;
    struct sw_batch batch = {0};
    struct tui_sections s;
    struct sw_buf text;
    enum sw_code code = find_split(w, q->parent, a, &d, &data, &reader, err);
    if (code == SW_OK)
        code = tui_sections_begin(&s, a, err);
    struct sw_read what = {.first = strtoll(q->ids[0], NULL, 10), .rows = 1, .cell_limit_bytes = 64 << 10};
    if (code == SW_OK)
        code = sw_reader_read(reader, &what, &batch, err);
    sw_buf_init(&text, 1 << 20);
    for (size_t c = 0; c < batch.vector_count && batch.rows > 0 && code == SW_OK; c++) {
        const struct sw_vector *v = &batch.vectors[c];
        sw_buf_clear(&text);
        sw_data_cell_text(&text, v, 0);
        tui_pair(&s, v->column->name, text.data, SW_TUI_NORMAL);
        if (v->column->type == SW_DATA_IMAGE && !sw_vector_is_null(v, 0))
            code = put_image(&s, v, err);
    }
    sw_buf_free(&text);
    sw_batch_free(&batch);
    if (code != SW_OK)
        return code;
    tui_pairs_end(&s, NULL);
    tui_sections_end(&s, out);
    out->title = sw_arena_printf(a, "%s row %s", q->parent, q->ids[0]);
    out->command = sw_arena_printf(a, "slipway data head %s", d.name);
    return SW_OK;
}

const struct tui_list tui_list_rows = {.load = load_rows, .detail = row_detail};
