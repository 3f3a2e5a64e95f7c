// SPDX-License-Identifier: Apache-2.0
// Builders of snapshots: tables small enough to sit in memory whole, and the sections of a detail.
#include "app/tui_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"

// --- tables ---

enum sw_code tui_rows_begin(struct tui_rows *t, struct sw_arena *a, const struct sw_tui_column *columns,
                            size_t column_count, size_t capacity, struct sw_err *err)
{
    *t = (struct tui_rows){.a = a, .columns = columns, .column_count = column_count, .capacity = capacity};
    t->rows = sw_arena_array(a, capacity + 1, sizeof *t->rows);
    t->numbers = sw_arena_array(a, (capacity + 1) * column_count, sizeof *t->numbers);
    return t->rows != NULL && t->numbers != NULL ? SW_OK : tui_no_memory(err);
}

void tui_rows_add(struct tui_rows *t, const char *id, enum sw_tui_role role)
{
    struct sw_tui_cell *cells = sw_arena_array(t->a, t->column_count, sizeof *cells);
    if (t->count == t->capacity || cells == NULL)
        return; // the cells that follow go to the last row's spare; finish() reports the lack of memory
    t->rows[t->count++] = (struct sw_tui_row){.id = sw_arena_strdup(t->a, id), .role = role, .cells = cells};
    t->cell = 0;
}

static void put(struct tui_rows *t, double number, const char *text, enum sw_tui_role role)
{
    if (t->count == 0 || t->cell == t->column_count)
        return;
    size_t row = t->count - 1;
    struct sw_tui_cell *cells = (struct sw_tui_cell *)t->rows[row].cells;
    t->numbers[row * t->column_count + t->cell] = number;
    cells[t->cell++] = (struct sw_tui_cell){.text = sw_arena_strdup(t->a, text), .role = role};
}

void tui_rows_text(struct tui_rows *t, const char *text, enum sw_tui_role role)
{
    put(t, NAN, text, role);
}

void tui_rows_number(struct tui_rows *t, double number, const char *text, enum sw_tui_role role)
{
    put(t, number, text, role);
}

void tui_rows_age(struct tui_rows *t, int64_t then_ms)
{
    char text[32];
    if (then_ms == 0)
        put(t, NAN, NULL, SW_TUI_NORMAL);
    else
        put(t, -(double)then_ms, sw_format_age(text, sizeof text, sw_clock_now_ms(), then_ms), SW_TUI_NORMAL);
}

static bool row_matches(const struct tui_rows *t, size_t row, const char *filter)
{
    for (size_t i = 0; i < t->column_count; i++) {
        const char *text = t->rows[row].cells[i].text;
        if (text != NULL && strcasestr(text, filter) != NULL)
            return true;
    }
    return false;
}

struct order {
    const struct tui_rows *table;
    size_t column;
    bool descending;
};

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct order *o = context;
    size_t a = *(const size_t *)left, b = *(const size_t *)right;
    size_t columns = o->table->column_count;
    double x = o->table->numbers[a * columns + o->column], y = o->table->numbers[b * columns + o->column];
    const char *s = o->table->rows[a].cells[o->column].text, *u = o->table->rows[b].cells[o->column].text;
    int sign;
    if (s == NULL || u == NULL) // unknown goes last whatever the direction
        return (s == NULL) - (u == NULL) != 0 ? (s == NULL) - (u == NULL) : (a > b) - (a < b);
    if (!isnan(x) && !isnan(y))
        sign = (x > y) - (x < y);
    else
        sign = strcoll(s, u);
    if (sign == 0)
        return (a > b) - (a < b);
    return o->descending ? -sign : sign;
}

static int find_column(const struct tui_rows *t, const char *key)
{
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].key != NULL && strcmp(t->columns[i].key, key) == 0)
            return (int)i;
    return -1;
}

enum sw_code tui_rows_finish(struct tui_rows *t, const struct sw_tui_query *q, struct sw_tui_table *out,
                             struct sw_err *err)
{
    size_t *order = sw_arena_array(t->a, t->count + 1, sizeof *order), matches = 0;
    struct sw_tui_row *rows = sw_arena_array(t->a, t->count + 1, sizeof *rows);
    if (order == NULL || rows == NULL)
        return tui_no_memory(err);
    for (size_t i = 0; i < t->count; i++)
        if (q->filter == NULL || q->filter[0] == '\0' || row_matches(t, i, q->filter))
            order[matches++] = i;
    int column = q->sort_key != NULL && q->sort_key[0] != '\0' ? find_column(t, q->sort_key) : -1;
    if (column >= 0) {
        struct order by = {.table = t, .column = (size_t)column, .descending = q->sort_descending};
        qsort_r(order, matches, sizeof *order, compare_rows, &by);
    }
    size_t first = q->offset > 0 ? (size_t)q->offset : 0, last = first + (size_t)q->count;
    for (size_t i = 0; i < matches; i++) {
        const struct sw_tui_row *row = &t->rows[order[i]];
        if (i >= first && i < last)
            rows[out->row_count++] = *row;
        if (q->find_id != NULL && q->find_id[0] != '\0' && strcmp(q->find_id, row->id) == 0) {
            out->find_index = (int64_t)i;
            out->has_find = true;
        }
    }
    out->columns = t->columns;
    out->column_count = t->column_count;
    out->rows = rows;
    out->offset = (int64_t)first;
    out->total = (int64_t)matches;
    return SW_OK;
}

// --- details ---

enum sw_code tui_sections_begin(struct tui_sections *s, struct sw_arena *a, struct sw_err *err)
{
    *s = (struct tui_sections){.a = a};
    s->items = sw_arena_array(a, TUI_SECTIONS_MAX, sizeof *s->items);
    s->pairs = sw_arena_array(a, TUI_PAIRS_MAX, sizeof *s->pairs);
    return s->items != NULL && s->pairs != NULL ? SW_OK : tui_no_memory(err);
}

struct sw_tui_section *tui_section_add(struct tui_sections *s, enum sw_tui_section_kind kind, const char *title)
{
    // Past the maximum the last one is overwritten: a view of that many sections is cut, not an error.
    struct sw_tui_section *section = &s->items[s->count < TUI_SECTIONS_MAX ? s->count++ : TUI_SECTIONS_MAX - 1];
    *section = (struct sw_tui_section){.kind = kind, .title = title};
    return section;
}

void tui_section_text(struct tui_sections *s, const char *title, const char *text)
{
    tui_section_add(s, SW_TUI_TEXT, title)->text = text;
}

void tui_pair(struct tui_sections *s, const char *key, const char *value, enum sw_tui_role role)
{
    if (s->pair_count < TUI_PAIRS_MAX)
        s->pairs[s->pair_count++] = (struct sw_tui_pair){
            .key = sw_arena_strdup(s->a, key),
            .value = value != NULL && value[0] != '\0' ? sw_arena_strdup(s->a, value) : NULL,
            .role = role,
        };
}

void tui_pairf(struct tui_sections *s, const char *key, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    tui_pair(s, key, text, SW_TUI_NORMAL);
}

void tui_pairs_end(struct tui_sections *s, const char *title)
{
    if (s->pair_count == 0)
        return;
    struct sw_tui_pair *kept = sw_arena_array(s->a, s->pair_count, sizeof *kept);
    if (kept != NULL) {
        struct sw_tui_section *section = tui_section_add(s, SW_TUI_PAIRS, title);
        memcpy(kept, s->pairs, s->pair_count * sizeof *kept);
        section->pairs.items = kept;
        section->pairs.count = s->pair_count;
    }
    s->pair_count = 0;
}

void tui_sections_end(struct tui_sections *s, struct sw_tui_detail *out)
{
    out->sections = s->items;
    out->section_count = s->count;
}

// --- words ---

const char *tui_time_text(struct sw_arena *a, int64_t ms)
{
    char text[64];
    return ms == 0 ? "-" : sw_arena_strdup(a, sw_format_time(text, sizeof text, ms));
}

const char *tui_bytes_text(struct sw_arena *a, int64_t bytes)
{
    char text[32];
    return sw_arena_strdup(a, sw_format_bytes(text, sizeof text, bytes));
}

const char *tui_real_text(struct sw_arena *a, double value)
{
    char text[32];
    return sw_arena_strdup(a, sw_format_real(text, sizeof text, value));
}

enum sw_tui_role tui_job_role(enum sw_job_state state)
{
    static const enum sw_tui_role roles[] = {
        [SW_JOB_QUEUED] = SW_TUI_WAITING, [SW_JOB_RUNNING] = SW_TUI_LIVE, [SW_JOB_STOPPING] = SW_TUI_WARN,
        [SW_JOB_DONE] = SW_TUI_OK,        [SW_JOB_FAILED] = SW_TUI_ERROR, [SW_JOB_STOPPED] = SW_TUI_WARN,
        [SW_JOB_DIVERGED] = SW_TUI_ERROR, [SW_JOB_LOST] = SW_TUI_ERROR,
    };
    return roles[state];
}
