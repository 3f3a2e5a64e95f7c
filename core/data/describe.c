// SPDX-License-Identifier: Apache-2.0
// Data sets described as trees: the schema from headers alone, and simple figures for each column from all rows or, said
// so, from blocks spread evenly over them.
#include "core/data/dataset_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/text.h"

#define MAX_DISTINCT 1000
enum { BLOCK_ROWS = 1024, MAX_VALUE_BYTES = 200 };

// What is gathered of one column. `counts` maps a value as text to how often it was seen; NULL once there are more than
// MAX_DISTINCT values or the column has none worth counting.
struct column_facts {
    const struct sw_column *column;
    int64_t nulls;
    int64_t values;           // numbers seen: cells of a tensor count each
    int64_t int_min, int_max; // INT columns: exact beyond 2^53
    double min, max;
    long double sum;
    json_t *counts;
};

static enum sw_code no_memory(const struct sw_data *d, struct sw_err *err)
{
    return sw_err_set(err, SW_NO_MEMORY, "out of memory while describing %s", d->path);
}

// Text from a file as JSON: bytes that are no UTF-8 cannot be written down and become replacement characters.
static json_t *foreign_text(const char *text, size_t len)
{
    struct sw_buf out;
    sw_buf_init(&out, len * 3 + 1);
    while (len > 0) {
        uint32_t c = 0;
        char bytes[4];
        size_t n = sw_utf8_decode(text, len, &c);
        sw_buf_add(&out, bytes, sw_utf8_encode(c, bytes));
        text += n;
        len -= n;
    }
    json_t *json = json_stringn_nocheck(out.data, out.len);
    sw_buf_free(&out);
    return json;
}

static json_t *column_schema(const struct sw_column *c)
{
    json_t *shape = json_array(), *names = NULL;
    for (int i = 0; i < c->rank; i++)
        json_array_append_new(shape, json_integer(c->shape[i]));
    if (c->class_count > 0) {
        names = json_array();
        for (size_t i = 0; i < c->class_count; i++)
            json_array_append_new(names, foreign_text(c->class_names[i], strlen(c->class_names[i])));
    }
    return json_pack("{s:o, s:s, s:o, s:o}", "name", foreign_text(c->name, strlen(c->name)), "type",
                     sw_data_type_word(c->type), "shape", shape, "class_names", names != NULL ? names : json_null());
}

static json_t *split_schema(const struct data_split *s)
{
    const struct sw_schema *schema = sw_reader_schema(s->reader);
    struct sw_row_count rows = sw_reader_rows(s->reader);
    json_t *columns = json_array();
    for (size_t i = 0; i < schema->count; i++)
        json_array_append_new(columns, column_schema(&schema->columns[i]));
    return json_pack("{s:o, s:o, s:b, s:o}", "name", foreign_text(s->name, strlen(s->name)), "rows",
                     rows.is_known ? json_integer(rows.rows) : json_null(), "rows_exact",
                     rows.is_known && rows.is_exact, "columns", columns);
}

static enum sw_code file_list(const struct sw_data *d, json_t **out, int64_t *total, struct sw_err *err)
{
    json_t *files = json_array();
    *total = 0;
    for (size_t i = 0; i < d->file_count; i++) {
        char path[SW_PATH_MAX];
        struct stat st;
        enum sw_code code = sw_data_file_path(d, i, path, err);
        if (code == SW_OK && stat(path, &st) < 0)
            code = sw_err_errno(err, errno, "%s", path);
        if (code != SW_OK) {
            json_decref(files);
            return code;
        }
        *total += st.st_size;
        json_array_append_new(files, json_pack("{s:o, s:I}", "path", foreign_text(d->files[i], strlen(d->files[i])),
                                               "size_bytes", (json_int_t)st.st_size));
    }
    *out = files;
    return SW_OK;
}

enum sw_code sw_data_schema_json(const struct sw_data *d, json_t **out, struct sw_err *err)
{
    json_t *files = NULL;
    int64_t total = 0;
    enum sw_code code = file_list(d, &files, &total, err);
    if (code != SW_OK)
        return code;
    json_t *splits = json_array();
    for (size_t i = 0; i < d->split_count; i++)
        json_array_append_new(splits, split_schema(&d->splits[i]));
    json_t *tree = json_pack("{s:o, s:o, s:s, s:I, s:o, s:s?, s:o}", "name", foreign_text(d->name, strlen(d->name)),
                             "path", foreign_text(d->path, strlen(d->path)), "format", sw_data_format(d), "size_bytes",
                             (json_int_t)total, "files", files, "classes_source", d->classes_source, "splits", splits);
    if (tree == NULL)
        return no_memory(d, err);
    *out = tree;
    return SW_OK;
}

// --- figures ---

static void stop_counting(struct column_facts *f)
{
    json_decref(f->counts);
    f->counts = NULL;
}

// Takes `value`.
static void count_value(struct column_facts *f, json_t *value)
{
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) != json_string_length(value)) { // no memory, or a zero byte inside
        stop_counting(f);
    } else {
        json_int_t before = json_integer_value(json_object_get(f->counts, text));
        json_object_set_new_nocheck(f->counts, text, json_integer(before + 1));
        if (json_object_size(f->counts) > MAX_DISTINCT)
            stop_counting(f);
    }
    json_decref(value);
}

static void count_number(struct column_facts *f, double x)
{
    f->min = f->values == 0 || x < f->min ? x : f->min;
    f->max = f->values == 0 || x > f->max ? x : f->max;
    f->sum += (long double)x;
    f->values++;
}

static void count_int(struct column_facts *f, int64_t x)
{
    f->int_min = f->values == 0 || x < f->int_min ? x : f->int_min;
    f->int_max = f->values == 0 || x > f->int_max ? x : f->int_max;
    count_number(f, (double)x);
    if (f->counts == NULL)
        return;
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)x);
    count_value(f, json_string(text));
}

static void gather_cell(struct column_facts *f, const struct sw_vector *v, size_t row)
{
    size_t cells = (size_t)v->column->cell_size;
    switch (v->column->element) {
    case SW_ELEMENT_I64:
        count_int(f, v->ints[row]);
        break;
    case SW_ELEMENT_F64:
        for (size_t i = row * cells; i < (row + 1) * cells; i++)
            count_number(f, v->reals[i]);
        break;
    case SW_ELEMENT_F32:
        for (size_t i = row * cells; i < (row + 1) * cells; i++)
            count_number(f, (double)v->floats[i]);
        break;
    case SW_ELEMENT_U8:
        for (size_t i = row * cells; i < (row + 1) * cells; i++)
            count_number(f, v->bytes[i]);
        break;
    case SW_ELEMENT_TEXT:
        if (f->counts == NULL)
            break;
        if (v->full_lengths[row] > MAX_VALUE_BYTES)
            stop_counting(f);
        else
            count_value(f, foreign_text(v->text + v->offsets[row], (size_t)v->full_lengths[row]));
        break;
    }
}

static void gather(struct column_facts *facts, const struct sw_batch *b)
{
    for (size_t c = 0; c < b->vector_count; c++)
        for (size_t row = 0; row < b->rows; row++) {
            if (sw_vector_is_null(&b->vectors[c], row))
                facts[c].nulls++;
            else
                gather_cell(&facts[c], &b->vectors[c], row);
        }
}

// Which rows are looked at.
struct plan {
    const char *sample; // "all", "spread", "first"
    int64_t blocks;     // 0: one after the other up to `rows`
    int64_t rows;       // to examine
    int64_t total;
};

static struct plan plan_rows(const struct sw_reader *r, int64_t max_rows)
{
    struct sw_row_count count = sw_reader_rows(r);
    bool is_exact = count.is_known && count.is_exact;
    if (max_rows <= 0 || (is_exact && count.rows <= max_rows))
        return (struct plan){.sample = "all", .rows = INT64_MAX};
    if (!is_exact || max_rows < 2 * BLOCK_ROWS)
        return (struct plan){.sample = "first", .rows = max_rows};
    return (struct plan){.sample = "spread", .blocks = max_rows / BLOCK_ROWS, .rows = max_rows, .total = count.rows};
}

static enum sw_code examine(struct sw_reader *r, struct plan *p, struct column_facts *facts, int64_t *examined,
                            struct sw_err *err)
{
    struct sw_batch batch = {0};
    enum sw_code code = SW_OK;
    bool at_end = false;
    *examined = 0;
    for (int64_t k = 0; code == SW_OK && !at_end && *examined < p->rows && (p->blocks == 0 || k < p->blocks); k++) {
        int64_t left = p->rows - *examined;
        int64_t first = p->blocks > 0 ? (int64_t)((double)k * (double)(p->total - BLOCK_ROWS) / (double)(p->blocks - 1))
                                      : k * BLOCK_ROWS;
        struct sw_read what = {.first = first,
                               .rows = left < BLOCK_ROWS ? (size_t)left : BLOCK_ROWS,
                               .cell_limit_bytes = MAX_VALUE_BYTES + 1};
        code = sw_reader_read(r, &what, &batch, err);
        if (code != SW_OK)
            break;
        gather(facts, &batch);
        *examined += (int64_t)batch.rows;
        at_end = batch.rows < what.rows;
    }
    sw_batch_free(&batch);
    // A file that turned out to be no longer than the first rows asked for was seen whole.
    struct sw_row_count count = sw_reader_rows(r);
    if (count.is_known && count.is_exact && *examined == count.rows)
        p->sample = "all";
    return code;
}

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *class_counts(const struct column_facts *f)
{
    if (f->counts == NULL)
        return json_null();
    if (f->column->class_count == 0)
        return json_incref(f->counts);
    json_t *named = json_object();
    for (size_t i = 0; i < f->column->class_count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        json_t *count = json_object_get(f->counts, key);
        json_t *name = foreign_text(f->column->class_names[i], strlen(f->column->class_names[i]));
        json_object_set_new_nocheck(named, json_string_value(name),
                                    count != NULL ? json_incref(count) : json_integer(0));
        json_decref(name);
    }
    // Labels beyond the named classes are shown as the numbers they are.
    const char *value;
    json_t *count;
    json_object_foreach (f->counts, value, count)
        if (value[0] == '-' || strtoull(value, NULL, 10) >= f->column->class_count)
            json_object_set_nocheck(named, value, count);
    return named;
}

static void add_figures(json_t *column, const struct column_facts *f)
{
    bool is_int = f->column->type == SW_DATA_INT;
    bool has_numbers = f->values > 0;
    json_object_set_new(column, "nulls", json_integer(f->nulls));
    json_object_set_new(column, "min", !has_numbers ? json_null() : is_int ? json_integer(f->int_min) : number(f->min));
    json_object_set_new(column, "max", !has_numbers ? json_null() : is_int ? json_integer(f->int_max) : number(f->max));
    json_object_set_new(column, "mean", has_numbers ? number((double)(f->sum / (long double)f->values)) : json_null());
    json_object_set_new(column, "distinct",
                        f->counts != NULL ? json_integer((json_int_t)json_object_size(f->counts)) : json_null());
    json_object_set_new(column, "class_counts", class_counts(f));
}

static enum sw_code describe_split(const struct sw_data *d, const struct data_split *s, int64_t max_rows, json_t *tree,
                                   struct sw_err *err)
{
    const struct sw_schema *schema = sw_reader_schema(s->reader);
    struct column_facts *facts = calloc(schema->count + 1, sizeof *facts);
    if (facts == NULL)
        return no_memory(d, err);
    for (size_t i = 0; i < schema->count; i++) {
        facts[i].column = &schema->columns[i];
        if (schema->columns[i].type == SW_DATA_INT || schema->columns[i].type == SW_DATA_TEXT)
            facts[i].counts = json_object();
    }
    struct plan plan = plan_rows(s->reader, max_rows);
    int64_t examined = 0;
    enum sw_code code = examine(s->reader, &plan, facts, &examined, err);
    if (code == SW_OK) {
        struct sw_row_count rows = sw_reader_rows(s->reader);
        json_object_set_new(tree, "rows", rows.is_known ? json_integer(rows.rows) : json_null());
        json_object_set_new(tree, "rows_exact", json_boolean(rows.is_known && rows.is_exact));
        json_object_set_new(tree, "rows_examined", json_integer(examined));
        json_object_set_new(tree, "sample", json_string(plan.sample));
        json_t *columns = json_object_get(tree, "columns");
        for (size_t i = 0; i < schema->count; i++)
            add_figures(json_array_get(columns, i), &facts[i]);
    }
    for (size_t i = 0; i < schema->count; i++)
        json_decref(facts[i].counts);
    free(facts);
    return code;
}

enum sw_code sw_data_describe_json(struct sw_data *d, int64_t max_rows, json_t **out, struct sw_err *err)
{
    json_t *tree = NULL;
    enum sw_code code = sw_data_schema_json(d, &tree, err);
    json_t *splits = code == SW_OK ? json_object_get(tree, "splits") : NULL;
    for (size_t i = 0; i < d->split_count && code == SW_OK; i++)
        code = describe_split(d, &d->splits[i], max_rows, json_array_get(splits, i), err);
    if (code != SW_OK) {
        json_decref(tree);
        return code;
    }
    *out = tree;
    return SW_OK;
}
