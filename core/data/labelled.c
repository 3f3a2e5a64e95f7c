// SPDX-License-Identifier: Apache-2.0
// The training view. The split is read once, strictly, in blocks; pixels stay bytes, everything else becomes floats.
// Class ids come from names given by the caller, else from names that the data set carries, else from the distinct
// values found, in order.
#include "core/data/labelled.h"

#include <math.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/data/dataset.h"

enum { BLOCK_ROWS = 4096, MAX_LABEL_BYTES = 256 };
static const int64_t default_max_memory = (int64_t)8 << 30;

// A label as found, with the id given to it at first sight. The text comes first: entries are compared by it.
struct class_entry {
    const char *text;
    int64_t number; // for INT columns
    int32_t id;
};

struct sw_labelled {
    struct sw_labelled_info info;
    struct sw_arena *arena;
    uint8_t *pixels; // one of the two, rows * feature_size
    float *floats;
    int32_t *labels;
};

// The making of a view.
struct building {
    struct sw_labelled *view;
    const struct sw_labelled_options *options;
    struct sw_reader *reader;
    const struct sw_schema *schema;
    int *columns; // features in order, then the target
    size_t feature_count;
    int target;
    bool is_fixed; // the classes were given or are known: no others may appear
    void *by_text; // tsearch tree of the entries
    struct class_entry *entries[SW_LABELLED_MAX_CLASSES];
    size_t entry_count;
};

static enum sw_code no_memory(const struct building *b, struct sw_err *err)
{
    return sw_err_set(err, SW_NO_MEMORY, "no memory for the rows of %s", b->view->info.path);
}

// --- columns ---

static void list_columns(const struct sw_schema *s, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < s->count && used + 1 < size; i++) {
        int n = snprintf(out + used, size - used, "%s%s", i > 0 ? ", " : "", s->columns[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
}

static enum sw_code no_column(const struct building *b, const char *name, struct sw_err *err)
{
    char known[200];
    list_columns(b->schema, known, sizeof known);
    (void)sw_err_set(err, SW_USAGE, "%s has no column %s", b->view->info.path, name);
    return sw_err_hint(err, "its columns: %s", known);
}

static enum sw_code find_target(struct building *b, struct sw_err *err)
{
    static const char *const usual[] = {"label", "target", "class", "y", "Label", "Target", "Class", "species"};
    if (b->options->target != NULL) {
        b->target = sw_schema_find(b->schema, b->options->target);
        if (b->target < 0)
            return no_column(b, b->options->target, err);
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual && b->target < 0; i++)
        b->target = sw_schema_find(b->schema, usual[i]);
    if (b->target < 0) {
        char known[200];
        list_columns(b->schema, known, sizeof known);
        (void)sw_err_set(err, SW_USAGE, "%s does not tell which column is the label", b->view->info.path);
        return sw_err_hint(err, "name it with --target, one of: %s", known);
    }
    const struct sw_column *c = &b->schema->columns[b->target];
    b->view->info.target = sw_arena_strdup(b->view->arena, c->name);
    if (c->type == SW_DATA_INT || c->type == SW_DATA_TEXT)
        return b->view->info.target != NULL ? SW_OK : no_memory(b, err);
    (void)sw_err_set(err, SW_INVALID, "column %s of %s holds %s values, not classes", c->name, b->view->info.path,
                     sw_data_type_word(c->type));
    return sw_err_hint(err, "a label is a whole number or a word; name another column with --target");
}

static enum sw_code find_features(struct building *b, struct sw_err *err)
{
    size_t asked = b->options->feature_count;
    b->columns = malloc((b->schema->count + asked + 1) * sizeof *b->columns);
    if (b->columns == NULL)
        return no_memory(b, err);
    for (size_t i = 0; i < asked; i++) {
        int c = sw_schema_find(b->schema, b->options->features[i]);
        if (c < 0)
            return no_column(b, b->options->features[i], err);
        if (c == b->target)
            return sw_err_set(err, SW_USAGE, "column %s of %s is the label and cannot be a feature too",
                              b->options->features[i], b->view->info.path);
        b->columns[b->feature_count++] = c;
    }
    for (size_t i = 0; asked == 0 && i < b->schema->count; i++)
        if ((int)i != b->target)
            b->columns[b->feature_count++] = (int)i;
    if (b->feature_count == 0)
        return sw_err_set(err, SW_INVALID, "%s has no column besides the label %s", b->view->info.path,
                          b->view->info.target);
    b->columns[b->feature_count] = b->target;
    return SW_OK;
}

// One image or tensor column, or any number of numeric ones.
static enum sw_code shape_features(struct building *b, struct sw_err *err)
{
    struct sw_labelled_info *info = &b->view->info;
    const struct sw_column *first = &b->schema->columns[b->columns[0]];
    if (b->feature_count == 1 && first->rank > 0) {
        info->rank = first->rank;
        memcpy(info->shape, first->shape, sizeof info->shape);
        info->feature_size = first->cell_size;
        info->is_image = first->type == SW_DATA_IMAGE;
        return SW_OK;
    }
    const char **names = sw_arena_array(b->view->arena, b->feature_count, sizeof *names);
    if (names == NULL)
        return no_memory(b, err);
    for (size_t i = 0; i < b->feature_count; i++) {
        const struct sw_column *c = &b->schema->columns[b->columns[i]];
        if (c->type != SW_DATA_INT && c->type != SW_DATA_REAL) {
            (void)sw_err_set(err, SW_INVALID, "column %s of %s holds %s values; features must be numbers", c->name,
                             info->path, sw_data_type_word(c->type));
            return sw_err_hint(err, "leave it out (--features names the ones to use) or turn it into numbers first");
        }
        if ((names[i] = sw_arena_strdup(b->view->arena, c->name)) == NULL)
            return no_memory(b, err);
    }
    info->rank = 1;
    info->shape[0] = info->feature_size = (int64_t)b->feature_count;
    info->feature_names = names;
    return SW_OK;
}

// --- classes ---

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct class_entry *)a)->text, ((const struct class_entry *)b)->text);
}

static void keep_node(void *node)
{
    (void)node; // entries live in the arena
}

static enum sw_code add_class(struct building *b, const char *text, int64_t number, struct class_entry **out,
                              struct sw_err *err)
{
    if (b->entry_count == SW_LABELLED_MAX_CLASSES) {
        (void)sw_err_set(err, SW_LIMIT, "column %s of %s has more than %d different labels", b->view->info.target,
                         b->view->info.path, SW_LABELLED_MAX_CLASSES);
        return sw_err_hint(err, "it looks like a measurement or a key, not a class; name another with --target");
    }
    struct class_entry *e = sw_arena_alloc(b->view->arena, sizeof *e);
    if (e == NULL || (e->text = sw_arena_strdup(b->view->arena, text)) == NULL)
        return no_memory(b, err);
    e->number = number;
    e->id = (int32_t)b->entry_count;
    struct class_entry **node = tsearch(e, &b->by_text, compare_entries);
    if (node == NULL)
        return no_memory(b, err);
    if (*node != e)
        return sw_err_set(err, SW_INVALID, "the class name '%s' is given twice", text);
    b->entries[b->entry_count++] = e;
    *out = e;
    return SW_OK;
}

// Names given by the caller come first, then those of the column; with either, the set of classes is closed.
static enum sw_code fix_classes(struct building *b, struct sw_err *err)
{
    const struct sw_column *c = &b->schema->columns[b->target];
    const char *const *names = b->options->class_count > 0 ? b->options->class_names : c->class_names;
    size_t count = b->options->class_count > 0 ? b->options->class_count : c->class_count;
    struct class_entry *ignored = NULL;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = add_class(b, names[i], 0, &ignored, err);
    b->is_fixed = count > 0;
    return code;
}

static enum sw_code bad_label(const struct building *b, int64_t row, const char *label, struct sw_err *err)
{
    (void)sw_err_set(err, SW_INVALID, "%s split %s row %lld: label %.80s is none of the %zu classes",
                     b->view->info.path, b->view->info.split, (long long)row, label, b->entry_count);
    return sw_err_hint(err, "the labels do not belong to this data set or this model, or the file is damaged");
}

static enum sw_code class_of(struct building *b, const struct sw_vector *v, size_t i, int64_t row, int32_t *id,
                             struct sw_err *err)
{
    const struct sw_column *c = v->column;
    char text[MAX_LABEL_BYTES + 1];
    int64_t number = 0;
    if (sw_vector_is_null(v, i)) {
        (void)sw_err_set(err, SW_INVALID, "%s split %s row %lld: column %s holds no label", b->view->info.path,
                         b->view->info.split, (long long)row, c->name);
        return sw_err_hint(err, "remove the row or fill in its label");
    }
    if (c->type == SW_DATA_INT) {
        number = v->ints[i];
        snprintf(text, sizeof text, "%lld", (long long)number);
        if (c->class_count > 0 && (number < 0 || (uint64_t)number >= c->class_count))
            return bad_label(b, row, text, err);
    } else {
        size_t len = (size_t)(v->offsets[i + 1] - v->offsets[i]);
        if (len > MAX_LABEL_BYTES)
            return sw_err_set(err, SW_LIMIT, "%s split %s row %lld: the label is longer than %d bytes",
                              b->view->info.path, b->view->info.split, (long long)row, MAX_LABEL_BYTES);
        memcpy(text, v->text + v->offsets[i], len);
        text[len] = '\0';
    }
    struct class_entry key = {.text = c->class_count > 0 ? c->class_names[number] : text};
    struct class_entry **node = tfind(&key, &b->by_text, compare_entries);
    struct class_entry *found = node != NULL ? *node : NULL;
    if (found == NULL && b->is_fixed)
        return bad_label(b, row, key.text, err);
    enum sw_code code = found == NULL ? add_class(b, key.text, number, &found, err) : SW_OK;
    if (code == SW_OK)
        *id = found->id;
    return code;
}

static int compare_numbers(const void *a, const void *b)
{
    const struct class_entry *x = *(struct class_entry *const *)a, *y = *(struct class_entry *const *)b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static int compare_texts(const void *a, const void *b)
{
    return compare_entries(*(struct class_entry *const *)a, *(struct class_entry *const *)b);
}

// Classes that were found get their ids by order of value, so that they do not depend on the order of rows.
static enum sw_code settle_classes(struct building *b, struct sw_err *err)
{
    struct sw_labelled *l = b->view;
    if (b->entry_count < 2) {
        (void)sw_err_set(err, SW_INVALID, "column %s of %s has %zu classes; at least 2 are needed", l->info.target,
                         l->info.path, b->entry_count);
        return sw_err_hint(err, "name another column with --target");
    }
    bool is_int = b->schema->columns[b->target].type == SW_DATA_INT;
    if (!b->is_fixed)
        qsort(b->entries, b->entry_count, sizeof(struct class_entry *), is_int ? compare_numbers : compare_texts);
    const char **names = sw_arena_array(l->arena, b->entry_count, sizeof *names);
    int32_t *new_ids = sw_arena_array(l->arena, b->entry_count, sizeof *new_ids);
    if (names == NULL || new_ids == NULL)
        return no_memory(b, err);
    for (size_t i = 0; i < b->entry_count; i++) {
        names[i] = b->entries[i]->text;
        new_ids[b->entries[i]->id] = (int32_t)i;
    }
    for (int64_t row = 0; row < l->info.rows; row++)
        l->labels[row] = new_ids[l->labels[row]];
    l->info.class_names = names;
    l->info.class_count = b->entry_count;
    return SW_OK;
}

// --- rows ---

static enum sw_code make_room(struct building *b, struct sw_err *err)
{
    struct sw_labelled *l = b->view;
    int64_t limit = b->options->max_memory_bytes > 0 ? b->options->max_memory_bytes : default_max_memory;
    int64_t row_bytes = 0, total = 0;
    if (__builtin_mul_overflow(l->info.feature_size, l->info.is_image ? 1 : (int64_t)sizeof *l->floats, &row_bytes) ||
        __builtin_add_overflow(row_bytes, (int64_t)sizeof *l->labels, &row_bytes) ||
        __builtin_mul_overflow(row_bytes, l->info.rows, &total) || total > limit) {
        (void)sw_err_set(err, SW_LIMIT, "%lld rows of %s need more memory than the limit of %lld MiB",
                         (long long)l->info.rows, l->info.path, (long long)(limit >> 20));
        return sw_err_hint(err, "use fewer rows or columns");
    }
    size_t cells = (size_t)l->info.rows * (size_t)l->info.feature_size;
    l->labels = malloc((size_t)l->info.rows * sizeof *l->labels);
    if (l->info.is_image)
        l->pixels = malloc(cells);
    else
        l->floats = malloc(cells * sizeof *l->floats);
    return l->labels != NULL && (l->pixels != NULL || l->floats != NULL) ? SW_OK : no_memory(b, err);
}

static enum sw_code bad_feature(const struct building *b, const struct sw_column *c, int64_t row, const char *what,
                                struct sw_err *err)
{
    (void)sw_err_set(err, SW_INVALID, "%s split %s row %lld: column %s %s", b->view->info.path, b->view->info.split,
                     (long long)row, c->name, what);
    return sw_err_hint(err, "fill in the value, remove the row, or leave the column out with --features");
}

// A scalar column becomes one of the features of each row; a tensor column is all of them.
static enum sw_code store_feature(struct building *b, const struct sw_vector *v, size_t feature, int64_t first,
                                  size_t rows, struct sw_err *err)
{
    struct sw_labelled *l = b->view;
    size_t per_row = (size_t)l->info.feature_size;
    size_t cell = (size_t)v->column->cell_size;
    if (v->bytes != NULL && l->pixels != NULL) {
        memcpy(l->pixels + (size_t)first * per_row, v->bytes, rows * cell);
        return SW_OK;
    }
    for (size_t i = 0; i < rows; i++) {
        float *to = l->floats + ((size_t)first + i) * per_row + feature;
        if (sw_vector_is_null(v, i))
            return bad_feature(b, v->column, first + (int64_t)i, "holds no value", err);
        for (size_t k = 0; k < cell; k++) {
            size_t at = i * cell + k;
            double x = v->ints != NULL ? (double)v->ints[at] : v->reals != NULL ? v->reals[at] : (double)v->floats[at];
            to[k] = (float)x;
            if (!isfinite(to[k]))
                return bad_feature(b, v->column, first + (int64_t)i, "holds no finite single-precision number", err);
        }
    }
    return SW_OK;
}

static enum sw_code load_block(struct building *b, struct sw_batch *batch, int64_t first, struct sw_err *err)
{
    struct sw_labelled *l = b->view;
    int64_t left = l->info.rows - first;
    struct sw_read what = {.first = first,
                           .rows = left < BLOCK_ROWS ? (size_t)left : BLOCK_ROWS,
                           .columns = b->columns,
                           .column_count = b->feature_count + 1,
                           .is_strict = true};
    enum sw_code code = sw_reader_read(b->reader, &what, batch, err);
    if (code == SW_OK && batch->rows != what.rows)
        code =
            sw_err_set(err, SW_INVALID, "%s ends at row %lld", l->info.path, (long long)first + (long long)batch->rows);
    for (size_t f = 0; f < b->feature_count && code == SW_OK; f++)
        code = store_feature(b, &batch->vectors[f], f, first, what.rows, err);
    for (size_t i = 0; i < what.rows && code == SW_OK; i++)
        code =
            class_of(b, &batch->vectors[b->feature_count], i, first + (int64_t)i, &l->labels[first + (int64_t)i], err);
    return code;
}

static enum sw_code load_rows(struct building *b, struct sw_err *err)
{
    struct sw_labelled *l = b->view;
    enum sw_code code = make_room(b, err);
    struct sw_batch batch = {0};
    for (int64_t first = 0; first < l->info.rows && code == SW_OK; first += BLOCK_ROWS)
        code = load_block(b, &batch, first, err);
    sw_batch_free(&batch);
    return code == SW_OK ? settle_classes(b, err) : code;
}

// To the end first: a damaged file is refused before any work is done on it.
static enum sw_code count_rows(struct building *b, struct sw_err *err)
{
    struct sw_labelled_info *info = &b->view->info;
    enum sw_code code = sw_reader_count(b->reader, &info->rows, err);
    if (code != SW_OK)
        return code;
    if (b->options->max_rows > 0 && b->options->max_rows < info->rows)
        info->rows = b->options->max_rows;
    if (info->rows > 0)
        return SW_OK;
    return sw_err_set(err, SW_INVALID, "%s split %s has no rows", info->path, info->split);
}

static enum sw_code build(struct building *b, struct sw_err *err)
{
    b->target = -1;
    b->schema = sw_reader_schema(b->reader);
    enum sw_code code = count_rows(b, err);
    if (code == SW_OK)
        code = find_target(b, err);
    if (code == SW_OK)
        code = find_features(b, err);
    if (code == SW_OK)
        code = shape_features(b, err);
    if (code == SW_OK)
        code = fix_classes(b, err);
    return code == SW_OK ? load_rows(b, err) : code;
}

static enum sw_code name_split(struct sw_labelled *l, const struct sw_data *d, const struct sw_reader *reader,
                               struct sw_err *err)
{
    for (size_t i = 0; i < sw_data_split_count(d); i++)
        if (sw_data_split_reader(d, i) == reader)
            l->info.split = sw_arena_strdup(l->arena, sw_data_split_name(d, i));
    l->info.path = sw_arena_strdup(l->arena, sw_data_path(d));
    if (l->info.split != NULL && l->info.path != NULL)
        return SW_OK;
    return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", sw_data_path(d));
}

enum sw_code sw_labelled_open(const char *path, const struct sw_labelled_options *options, struct sw_labelled **out,
                              struct sw_err *err)
{
    static const struct sw_labelled_options defaults = {0};
    struct sw_data *d = NULL;
    struct building *b = calloc(1, sizeof *b);
    struct sw_labelled *l = calloc(1, sizeof *l);
    enum sw_code code = SW_OK;
    if (b == NULL || l == NULL || (l->arena = sw_arena_new((size_t)256 << 20)) == NULL)
        code = sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", path);
    if (code == SW_OK) {
        b->view = l;
        b->options = options != NULL ? options : &defaults;
        code = sw_data_open(path, NULL, &d, err);
    }
    if (code == SW_OK)
        code = sw_data_split(d, b->options->split, &b->reader, err);
    if (code == SW_OK)
        code = name_split(l, d, b->reader, err);
    if (code == SW_OK)
        code = build(b, err);
    if (b != NULL) {
        tdestroy(b->by_text, keep_node);
        free(b->columns);
    }
    free(b);
    sw_data_free(d);
    if (code != SW_OK) {
        sw_labelled_free(l);
        return code;
    }
    *out = l;
    return SW_OK;
}

void sw_labelled_free(struct sw_labelled *l)
{
    if (l == NULL)
        return;
    free(l->pixels);
    free(l->floats);
    free(l->labels);
    sw_arena_free(l->arena);
    free(l);
}

const struct sw_labelled_info *sw_labelled_info(const struct sw_labelled *l)
{
    return &l->info;
}

static void copy_row(const struct sw_labelled *l, int64_t row, float *to)
{
    size_t n = (size_t)l->info.feature_size;
    if (l->floats != NULL) {
        memcpy(to, l->floats + (size_t)row * n, n * sizeof *to);
        return;
    }
    const uint8_t *from = l->pixels + (size_t)row * n;
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

void sw_labelled_gather(const struct sw_labelled *l, const int64_t *rows, size_t count, float *features,
                        int32_t *labels)
{
    for (size_t i = 0; i < count; i++) {
        if (features != NULL)
            copy_row(l, rows[i], features + i * (size_t)l->info.feature_size);
        if (labels != NULL)
            labels[i] = l->labels[rows[i]];
    }
}

void sw_labelled_range(const struct sw_labelled *l, int64_t first, size_t count, float *features, int32_t *labels)
{
    for (size_t i = 0; i < count; i++)
        if (features != NULL)
            copy_row(l, first + (int64_t)i, features + i * (size_t)l->info.feature_size);
    if (labels != NULL)
        memcpy(labels, l->labels + first, count * sizeof *labels);
}

int32_t sw_labelled_label(const struct sw_labelled *l, int64_t row)
{
    return l->labels[row];
}
