// SPDX-License-Identifier: Apache-2.0
// Tables of text: columns as wide as their widest cell, cut only where a terminal is too narrow, and then in the
// columns that may shrink, widest first.
#include "app/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/text.h"

enum { TABLE_MAX_BYTES = 256 * 1024 * 1024, CELL_MAX = 4096, SHRUNK_COLUMNS = 8, GAP = 2 };

struct cell {
    const char *text; // safe
    int columns;
    enum sw_role role;
};

struct sw_table {
    struct sw_arena *arena;
    struct sw_table_column *columns;
    int *widths;
    size_t column_count;
    struct cell *cells; // row after row
    size_t cell_count, cell_cap;
    bool failed;
};

static const char *keep_safe(struct sw_table *t, const char *foreign)
{
    struct sw_buf safe;
    sw_buf_init(&safe, CELL_MAX);
    sw_text_safe(&safe, foreign, strnlen(foreign, CELL_MAX / 4), SW_TEXT_ONE_LINE);
    const char *kept = sw_arena_strndup(t->arena, safe.data, safe.len);
    sw_buf_free(&safe);
    return kept;
}

struct sw_table *sw_table_new(const struct sw_table_column *columns, size_t count)
{
    struct sw_table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->arena = sw_arena_new(TABLE_MAX_BYTES);
    t->columns = calloc(count, sizeof *t->columns);
    t->widths = calloc(count, sizeof *t->widths);
    t->column_count = count;
    if (t->arena == NULL || t->columns == NULL || t->widths == NULL) {
        sw_table_free(t);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        t->columns[i].flags = columns[i].flags;
        t->columns[i].title = keep_safe(t, columns[i].title);
        if (t->columns[i].title == NULL) {
            sw_table_free(t);
            return NULL;
        }
        t->widths[i] = sw_text_columns(t->columns[i].title, strlen(t->columns[i].title));
    }
    return t;
}

void sw_table_free(struct sw_table *t)
{
    if (t == NULL)
        return;
    sw_arena_free(t->arena);
    free(t->columns);
    free(t->widths);
    free(t->cells);
    free(t);
}

void sw_table_cell(struct sw_table *t, const char *foreign)
{
    if (t == NULL || t->failed)
        return;
    if (t->cell_count == t->cell_cap) {
        size_t cap = t->cell_cap == 0 ? 64 : t->cell_cap * 2;
        struct cell *grown = reallocarray(t->cells, cap, sizeof *grown);
        if (grown == NULL) {
            t->failed = true;
            return;
        }
        t->cells = grown;
        t->cell_cap = cap;
    }
    const char *text = foreign == NULL || foreign[0] == '\0' ? "-" : keep_safe(t, foreign);
    if (text == NULL) {
        t->failed = true;
        return;
    }
    int columns = sw_text_columns(text, strlen(text));
    int *width = &t->widths[t->cell_count % t->column_count];
    if (columns > *width)
        *width = columns;
    t->cells[t->cell_count++] = (struct cell){.text = text, .columns = columns};
}

void sw_table_cellf(struct sw_table *t, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    sw_table_cell(t, text);
}

void sw_table_real(struct sw_table *t, double value, bool is_known)
{
    char text[32];
    sw_table_cell(t, is_known ? sw_format_real(text, sizeof text, value) : NULL);
}

void sw_table_role(struct sw_table *t, enum sw_role role)
{
    if (t != NULL && t->cell_count > 0)
        t->cells[t->cell_count - 1].role = role;
}

size_t sw_table_rows(const struct sw_table *t)
{
    return t == NULL || t->column_count == 0 ? 0 : t->cell_count / t->column_count;
}

static void fit_widths(struct sw_table *t, int available)
{
    int total = (int)(t->column_count - 1) * GAP;
    for (size_t i = 0; i < t->column_count; i++)
        total += t->widths[i];
    while (total > available) {
        size_t widest = t->column_count;
        for (size_t i = 0; i < t->column_count; i++)
            if ((t->columns[i].flags & SW_COLUMN_SHRINKS) != 0 && t->widths[i] > SHRUNK_COLUMNS &&
                (widest == t->column_count || t->widths[i] > t->widths[widest]))
                widest = i;
        if (widest == t->column_count)
            return; // nothing left to cut: the terminal wraps
        t->widths[widest]--;
        total--;
    }
}

static void print_cell(struct sw_output *o, const struct sw_table *t, size_t column, const struct cell *c)
{
    int width = t->widths[column];
    bool is_last = column + 1 == t->column_count;
    bool is_right = (t->columns[column].flags & SW_COLUMN_RIGHT) != 0;
    int used = c->columns;
    size_t bytes = strlen(c->text);
    bool is_cut = used > width;
    if (is_cut)
        bytes = sw_text_fit(c->text, bytes, width - 1, &used);
    int pad = width - used - (is_cut ? 1 : 0);
    if (is_right)
        sw_output_text(o, "%*s", pad, "");
    if (c->role != SW_ROLE_PLAIN)
        sw_output_role(o, c->role);
    sw_output_text(o, "%.*s%s", (int)bytes, c->text, !is_cut ? "" : o->is_utf8 ? "…" : "~");
    if (c->role != SW_ROLE_PLAIN)
        sw_output_role(o, SW_ROLE_PLAIN);
    if (!is_last)
        sw_output_text(o, "%*s", (is_right ? 0 : pad) + GAP, "");
}

enum sw_code sw_table_print(struct sw_table *t, struct sw_output *o, struct sw_err *err)
{
    if (t == NULL || t->failed) {
        sw_table_free(t);
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while building a table");
    }
    if (o->columns > 0)
        fit_widths(t, o->columns);
    for (size_t i = 0; i < t->column_count; i++) {
        const char *title = t->columns[i].title;
        struct cell head = {.text = title, .columns = sw_text_columns(title, strlen(title)), .role = SW_ROLE_TITLE};
        print_cell(o, t, i, &head);
    }
    sw_output_text(o, "\n");
    const struct cell *cell = t->cells;
    for (size_t r = sw_table_rows(t); r > 0; r--) {
        for (size_t i = 0; i < t->column_count; i++)
            print_cell(o, t, i, cell++);
        sw_output_text(o, "\n");
    }
    sw_table_free(t);
    return SW_OK;
}
