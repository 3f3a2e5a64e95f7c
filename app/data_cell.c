// SPDX-License-Identifier: Apache-2.0
#include "app/data_cell.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/json_kind.h"
#include "core/base/path.h"
#include "core/base/text.h"

enum { SHOWN_ELEMENTS = 8, NAMES_MAX = 1000 };

char *sw_data_shape_text(const struct sw_column *c, char *dst, size_t size)
{
    size_t len = 0;
    dst[0] = '\0';
    for (int i = 0; i < c->rank && len < size; i++)
        len += (size_t)snprintf(dst + len, size - len, "%s%" PRId64, i > 0 ? "x" : "", c->shape[i]);
    return dst;
}

static double element(const struct sw_vector *v, size_t at)
{
    return v->floats != NULL ? (double)v->floats[at] : v->reals[at];
}

static void put_tensor(struct sw_buf *out, const struct sw_vector *v, size_t row)
{
    size_t size = (size_t)v->column->cell_size;
    sw_buf_addc(out, '[');
    for (size_t i = 0; i < size && i < SHOWN_ELEMENTS; i++) {
        char text[32];
        sw_buf_addf(out, "%s%s", i > 0 ? " " : "", sw_format_real(text, sizeof text, element(v, row * size + i)));
    }
    sw_buf_adds(out, size > SHOWN_ELEMENTS ? " ...]" : "]");
}

void sw_data_cell_text(struct sw_buf *out, const struct sw_vector *v, size_t row)
{
    const struct sw_column *c = v->column;
    char text[64];
    if (sw_vector_is_null(v, row))
        return;
    switch (c->type) {
    case SW_DATA_INT:
        sw_buf_addf(out, "%" PRId64, v->ints[row]);
        if (c->class_names != NULL && v->ints[row] >= 0 && (uint64_t)v->ints[row] < c->class_count)
            sw_buf_addf(out, " (%s)", c->class_names[v->ints[row]]);
        break;
    case SW_DATA_REAL:
        snprintf(text, sizeof text, "%.15g", v->reals[row]);
        sw_buf_adds(out, text);
        break;
    case SW_DATA_TEXT:
        sw_buf_add(out, v->text + v->offsets[row], (size_t)(v->offsets[row + 1] - v->offsets[row]));
        if (v->full_lengths != NULL && v->full_lengths[row] > v->offsets[row + 1] - v->offsets[row])
            sw_buf_adds(out, "...");
        break;
    case SW_DATA_IMAGE:
        sw_buf_addf(out, "%s image", sw_data_shape_text(c, text, sizeof text));
        break;
    case SW_DATA_TENSOR:
        put_tensor(out, v, row);
        break;
    }
}

json_t *sw_data_cell_json(const struct sw_vector *v, size_t row)
{
    const struct sw_column *c = v->column;
    size_t size = (size_t)c->cell_size;
    if (sw_vector_is_null(v, row))
        return json_null();
    switch (c->type) {
    case SW_DATA_INT:
        return json_integer(v->ints[row]);
    case SW_DATA_REAL:
        return sw_json_real(v->reals[row]);
    case SW_DATA_TEXT: {
        struct sw_buf text;
        size_t len = (size_t)(v->offsets[row + 1] - v->offsets[row]);
        sw_buf_init(&text, len + 1);
        sw_buf_add(&text, v->text + v->offsets[row], len);
        json_t *value = sw_json_text(text.data);
        sw_buf_free(&text);
        return value;
    }
    case SW_DATA_IMAGE:
    case SW_DATA_TENSOR:
        break;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < size && list != NULL; i++) {
        json_t *value = c->type == SW_DATA_IMAGE ? json_integer(v->bytes[row * size + i])
                                                 : sw_json_real(element(v, row * size + i));
        if (json_array_append_new(list, value) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static enum sw_code not_found(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_err *err)
{
    struct sw_dataset *all = NULL;
    size_t count = 0;
    const char *names[NAMES_MAX];
    struct sw_err ignored = {0};
    if (s != NULL && sw_dataset_list(s, a, &all, &count, &ignored) != SW_OK)
        count = 0;
    for (size_t i = 0; i < count && i < NAMES_MAX; i++)
        names[i] = all[i].name;
    (void)sw_err_set(err, SW_NOT_FOUND, "no data set and no file '%s'", name);
    const char *nearest = count == 0 ? NULL : sw_text_nearest(name, names, count < NAMES_MAX ? count : NAMES_MAX);
    if (nearest != NULL)
        return sw_err_hint(err, "did you mean '%s'?", nearest);
    return sw_err_hint(err, "'slipway data add PATH' registers one, 'slipway data ls' lists them");
}

enum sw_code sw_data_find(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_dataset *out,
                          struct sw_err *err)
{
    if (s != NULL) {
        enum sw_code code = sw_dataset_get(s, name, a, out, err);
        if (code != SW_NOT_FOUND)
            return code;
        *err = (struct sw_err){0};
    }
    if (access(name, F_OK) != 0)
        return not_found(s, name, a, err);
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_absolute(path, name, err);
    if (code != SW_OK)
        return code;
    *out = (struct sw_dataset){.name = sw_arena_strdup(a, name), .path = sw_arena_strdup(a, path)};
    return out->name != NULL && out->path != NULL ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "%s: out of memory", name);
}
