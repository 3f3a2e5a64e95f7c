// SPDX-License-Identifier: Apache-2.0
#include "tui/listview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX  512
#define FIRST_GUESS 40 // rows to ask for before the first paint
#define PREFIX      3  // selection bar, mark, blank
#define GAP         2
#define WIDEST      60
#define NARROW      12
#define NARROWEST   6

static void on_rows(void *owner, struct sw_slot *slot, enum sw_code code);

enum sw_code sw_listview_init(struct sw_listview *v, struct sw_loader *l, enum sw_tui_list list, const char *parent,
                              sw_listview_fn changed, void *owner, struct sw_err *err)
{
    *v = (struct sw_listview){.list = list, .changed = changed, .owner = owner};
    v->parent = strdup(parent ? parent : "");
    if (!v->parent)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a list");
    sw_slot_init(&v->rows, l, SW_LOAD_LIST, on_rows, v);
    return SW_OK;
}

void sw_listview_free(struct sw_listview *v)
{
    if (!v->parent)
        return;
    sw_listview_unmark_all(v);
    while (v->unfold_count > 0)
        free(v->unfolded[--v->unfold_count]);
    sw_slot_free(&v->rows);
    free(v->parent);
    *v = (struct sw_listview){0};
}

const struct sw_tui_table *sw_listview_table(const struct sw_listview *v)
{
    return v->rows.result ? &v->rows.result->list : NULL;
}

static int64_t total(const struct sw_listview *v)
{
    const struct sw_tui_table *t = sw_listview_table(v);
    return t ? t->total : 0;
}

const struct sw_tui_row *sw_listview_row(const struct sw_listview *v, int64_t index)
{
    const struct sw_tui_table *t = sw_listview_table(v);
    if (!t || index < t->offset || index - t->offset >= (int64_t)t->row_count)
        return NULL;
    return &t->rows[index - t->offset];
}

const struct sw_tui_row *sw_listview_selected(const struct sw_listview *v)
{
    const struct sw_tui_row *row = sw_listview_row(v, v->selected);
    // While a row is sought, what lies at its old index may be another one.
    return row && v->is_seeking && row->id && strcmp(row->id, v->selected_id) != 0 ? NULL : row;
}

const char *sw_listview_selected_name(const struct sw_listview *v)
{
    const struct sw_tui_row *row = sw_listview_selected(v);
    if (row && sw_listview_table(v)->column_count > 0 && row->cells[0].text)
        return row->cells[0].text;
    return row && row->id ? row->id : "";
}

// --- asking ---

// A window of three screens around what is shown, so that a page up or down is there already.
static void wanted_window(const struct sw_listview *v, int64_t *offset, int64_t *count)
{
    int64_t height = v->height > 0 ? v->height : FIRST_GUESS;
    *offset = v->top > height ? v->top - height : 0;
    *count = 3 * height < WINDOW_MAX ? 3 * height : WINDOW_MAX;
}

static void ask(struct sw_listview *v, const char *find_id)
{
    union sw_load_query q = {.list = {.list = v->list,
                                      .parent = v->parent,
                                      .filter = v->filter,
                                      .sort_key = v->sort_key,
                                      .sort_descending = v->descending,
                                      .find_id = find_id,
                                      .unfolded = (const char *const *)v->unfolded,
                                      .unfolded_count = v->unfold_count}};
    wanted_window(v, &q.list.offset, &q.list.count);
    sw_slot_ask(&v->rows, &q);
}

void sw_listview_refresh(struct sw_listview *v)
{
    v->is_seeking = v->selected_id[0] != '\0';
    ask(v, v->selected_id);
}

static bool covers(const struct sw_listview *v, int64_t from, int64_t to)
{
    const struct sw_tui_table *t = sw_listview_table(v);
    return t && from >= t->offset && to <= t->offset + (int64_t)t->row_count;
}

void sw_listview_ensure(struct sw_listview *v)
{
    int64_t end = v->top + v->height;
    if (!sw_listview_table(v)) {
        if (!v->rows.err.code && !sw_slot_is_busy(&v->rows))
            ask(v, v->is_seeking ? v->selected_id : "");
        return;
    }
    if (end > total(v))
        end = total(v);
    int64_t offset, count;
    wanted_window(v, &offset, &count);
    // An answer to this very window that fell short is all there is until something changes.
    bool is_asked = v->rows.query->list.offset == offset && v->rows.query->list.count == count;
    if (v->top < end && !covers(v, v->top, end) && !is_asked)
        ask(v, v->is_seeking ? v->selected_id : "");
}

void sw_listview_seek(struct sw_listview *v, const char *id)
{
    snprintf(v->selected_id, sizeof v->selected_id, "%s", id);
    v->is_seeking = true;
    ask(v, v->selected_id);
}

// --- selection ---

static void note_selected(struct sw_listview *v)
{
    const struct sw_tui_row *row = sw_listview_selected(v);
    snprintf(v->selected_id, sizeof v->selected_id, "%s", row && row->id ? row->id : "");
}

static void keep_in_view(struct sw_listview *v)
{
    int64_t height = v->height > 0 ? v->height : 1;
    if (v->selected >= total(v))
        v->selected = total(v) - 1;
    if (v->selected < 0)
        v->selected = 0;
    if (v->selected < v->top)
        v->top = v->selected;
    if (v->selected >= v->top + height)
        v->top = v->selected - height + 1;
    if (v->top > total(v) - height)
        v->top = total(v) - height;
    if (v->top < 0)
        v->top = 0;
}

static void on_rows(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_listview *v = owner;
    if (code == SW_OK) {
        const struct sw_tui_table *t = &slot->result->list;
        bool answers = v->is_seeking && !strcmp(slot->query->list.find_id, v->selected_id);
        if (answers) {
            v->is_seeking = false;
            if (t->has_find)
                v->selected = t->find_index;
        }
        keep_in_view(v);
        if (!v->is_seeking)
            note_selected(v);
    }
    if (slot->has_newer)
        sw_listview_refresh(v);
    else if (code == SW_OK)
        sw_listview_ensure(v);
    v->changed(v->owner, v);
}

void sw_listview_select(struct sw_listview *v, int64_t index)
{
    v->is_seeking = false;
    v->selected = index;
    keep_in_view(v);
    note_selected(v);
    sw_listview_ensure(v);
    v->changed(v->owner, v);
}

void sw_listview_move(struct sw_listview *v, int64_t rows)
{
    int64_t to = v->selected + rows;
    sw_listview_select(v, to < 0 ? 0 : to);
}

void sw_listview_shift(struct sw_listview *v, int columns)
{
    if (columns > 0 && !v->has_more_columns)
        return;
    v->first_column += columns;
    if (v->first_column < 0)
        v->first_column = 0;
}

// --- order and filter ---

static void start_over(struct sw_listview *v)
{
    v->selected = v->top = 0;
    v->selected_id[0] = '\0';
    v->is_seeking = false;
    ask(v, "");
}

void sw_listview_set_filter(struct sw_listview *v, const char *filter)
{
    snprintf(v->filter, sizeof v->filter, "%s", filter);
    start_over(v);
}

void sw_listview_sort_next(struct sw_listview *v)
{
    const struct sw_tui_table *t = sw_listview_table(v);
    if (!t)
        return;
    size_t next = 0;
    for (size_t i = 0; v->sort_key[0] && i < t->column_count; i++)
        if (t->columns[i].key && !strcmp(t->columns[i].key, v->sort_key))
            next = i + 1;
    while (next < t->column_count && !t->columns[next].key)
        next++;
    bool found = next < t->column_count;
    snprintf(v->sort_key, sizeof v->sort_key, "%s", found ? t->columns[next].key : "");
    // Of numbers one wants the largest first, of names the first.
    v->descending = found && t->columns[next].align == SW_TUI_RIGHT;
    start_over(v);
}

void sw_listview_sort_reverse(struct sw_listview *v)
{
    v->descending = !v->descending;
    start_over(v);
}

// --- trees ---

bool sw_listview_fold(struct sw_listview *v, enum sw_tui_fold wanted)
{
    const struct sw_tui_row *row = sw_listview_selected(v);
    if (!row || row->fold == SW_TUI_LEAF || row->fold == wanted)
        return false;
    size_t i = 0;
    while (i < v->unfold_count && strcmp(v->unfolded[i], row->id) != 0)
        i++;
    if (wanted == SW_TUI_FOLDED && i < v->unfold_count) {
        free(v->unfolded[i]);
        v->unfolded[i] = v->unfolded[--v->unfold_count];
    } else if (wanted == SW_TUI_UNFOLDED && i == v->unfold_count) {
        char *copy = v->unfold_count < SW_MAX_UNFOLD ? strdup(row->id) : NULL;
        if (!copy)
            return false;
        v->unfolded[v->unfold_count++] = copy;
    }
    sw_listview_refresh(v);
    return true;
}

// --- marks ---

static size_t mark_index(const struct sw_listview *v, const char *id)
{
    for (size_t i = 0; i < v->mark_count; i++)
        if (!strcmp(v->marks[i], id))
            return i;
    return SIZE_MAX;
}

bool sw_listview_is_marked(const struct sw_listview *v, const char *id)
{
    return id && mark_index(v, id) != SIZE_MAX;
}

void sw_listview_mark(struct sw_listview *v, const char *id)
{
    size_t i = mark_index(v, id);
    if (i != SIZE_MAX) {
        free(v->marks[i]);
        memmove(&v->marks[i], &v->marks[i + 1], (--v->mark_count - i) * sizeof *v->marks);
        return;
    }
    char *copy = v->mark_count < SW_MAX_MARKS ? strdup(id) : NULL;
    if (copy)
        v->marks[v->mark_count++] = copy;
}

void sw_listview_unmark_all(struct sw_listview *v)
{
    while (v->mark_count > 0)
        free(v->marks[--v->mark_count]);
    v->base[0] = '\0';
}

size_t sw_listview_ids(const struct sw_listview *v, const char *ids[static SW_MAX_MARKS])
{
    for (size_t i = 0; i < v->mark_count; i++)
        ids[i] = v->marks[i];
    if (v->mark_count > 0)
        return v->mark_count;
    ids[0] = v->selected_id;
    return v->selected_id[0] ? 1 : 0;
}

// --- painting ---

struct columns {
    int width[SW_MAX_COLUMNS]; // 0 = hidden
    size_t count;
};

static int sum(const struct columns *k)
{
    int columns = -GAP;
    for (size_t i = 0; i < k->count; i++)
        columns += k->width[i] > 0 ? k->width[i] + GAP : 0;
    return columns > 0 ? columns : 0;
}

// Columns before the first cell of a tree's row: its depth and the mark of a folder.
static int indent(const struct sw_tui_table *t, const struct sw_tui_row *row)
{
    return t->is_tree ? 2 * row->depth + 2 : 0;
}

static void measure(struct sw_listview *v, struct sw_grid *g, const struct sw_tui_table *t, struct columns *k)
{
    for (size_t i = 0; i < k->count; i++) {
        int widest = v->seen[i];
        for (size_t r = 0; r < t->row_count; r++) {
            int64_t index = t->offset + (int64_t)r;
            if (index < v->top || index >= v->top + v->height)
                continue;
            int columns = sw_grid_columns(g, t->rows[r].cells[i].text) + (i == 0 ? indent(t, &t->rows[r]) : 0);
            widest = columns > widest ? columns : widest;
        }
        widest = widest > WIDEST ? WIDEST : widest;
        v->seen[i] = (uint8_t)widest;
        int title = sw_grid_columns(g, t->columns[i].title);
        if (v->sort_key[0] && t->columns[i].key && !strcmp(v->sort_key, t->columns[i].key))
            title += 2;
        if (t->columns[i].summary && widest < t->columns[i].width)
            widest = t->columns[i].width;
        widest = widest > title ? widest : title;
        int wanted = t->columns[i].width > title ? t->columns[i].width : title;
        bool is_left_out = i > 0 && (int)i <= v->first_column;
        k->width[i] = is_left_out ? 0 : widest < wanted ? widest : wanted;
        if (k->width[i] == 0 && !is_left_out)
            k->width[i] = 1;
    }
}

static void hide_least(struct columns *k, const struct sw_tui_table *t, int room)
{
    while (sum(k) > room) {
        size_t worst = 0;
        for (size_t i = 0; i < k->count; i++)
            if (k->width[i] > 0 && t->columns[i].priority > 0 && t->columns[i].priority >= t->columns[worst].priority)
                worst = i;
        if (t->columns[worst].priority <= 0 || k->width[worst] == 0)
            return;
        k->width[worst] = 0;
    }
}

// Hiding stops where all fits, which may leave room for a smaller column that went before.
static void show_again(struct columns *k, const struct sw_tui_table *t, const struct columns *wanted, int room)
{
    for (size_t i = 0; i < k->count; i++) {
        int width = wanted->width[i];
        int least = t->columns[i].align == SW_TUI_LEFT && width > NARROW ? NARROW : width;
        int spare = room - sum(k) - GAP;
        if (k->width[i] == 0 && width > 0 && least <= spare)
            k->width[i] = width < spare ? width : spare;
    }
}

// Cuts the widest texts down to `floor`, if that is enough to make all fit; else the list scrolls sideways anyway.
static void shrink_text(struct columns *k, const struct sw_tui_table *t, int room, int floor)
{
    int least = sum(k);
    for (size_t i = 0; i < k->count; i++)
        if (t->columns[i].align == SW_TUI_LEFT && k->width[i] > floor)
            least -= k->width[i] - floor;
    if (least > room)
        return;
    while (sum(k) > room) {
        size_t widest = SIZE_MAX;
        for (size_t i = 0; i < k->count; i++)
            if (t->columns[i].align == SW_TUI_LEFT && k->width[i] > floor &&
                (widest == SIZE_MAX || k->width[i] > k->width[widest]))
                widest = i;
        if (widest == SIZE_MAX)
            return;
        k->width[widest]--;
    }
}

static void grow(const struct sw_listview *v, struct columns *k, int room)
{
    int spare = room - sum(k);
    for (size_t i = 0; i < k->count && spare > 0; i++) {
        int more = k->width[i] > 0 ? v->seen[i] - k->width[i] : 0;
        if (more > spare)
            more = spare;
        if (more > 0) {
            k->width[i] += more;
            spare -= more;
        }
    }
}

static void put_aligned(struct sw_canvas *c, int x, int y, int width, enum sw_tui_align align, const char *text,
                        struct sw_style s)
{
    if (align == SW_TUI_RIGHT)
        sw_canvas_text_right(c, x, y, width, text, s);
    else
        sw_canvas_text(c, x, y, width, text, s);
}

static void paint_header(const struct sw_listview *v, struct sw_canvas *c, const struct sw_tui_table *t,
                         const struct columns *k)
{
    int x = PREFIX;
    for (size_t i = 0; i < k->count && x < c->w; i++) {
        const struct sw_tui_column *col = &t->columns[i];
        if (k->width[i] == 0)
            continue;
        bool sorted = v->sort_key[0] && col->key && !strcmp(v->sort_key, col->key);
        char title[128];
        snprintf(title, sizeof title, "%s%s", col->title ? col->title : "", !sorted ? "" : v->descending ? " ▼" : " ▲");
        int width = k->width[i] < c->w - x ? k->width[i] : c->w - x;
        put_aligned(c, x, 0, width, col->align, title, sw_style(SW_UI_HEADER));
        if (v->header > 1)
            put_aligned(c, x, 1, width, col->align, col->summary, sw_style(SW_TUI_DIM));
        x += k->width[i] + GAP;
    }
    if (v->has_more_columns)
        sw_canvas_put(c, c->w - 1, 0, 0x203a, sw_style(SW_UI_HEADER));
}

static void paint_row(const struct sw_listview *v, struct sw_canvas *c, int y, const struct sw_tui_table *t,
                      const struct columns *k, const struct sw_tui_row *row)
{
    const char *id = row->id ? row->id : "";
    if (v->base[0] && !strcmp(v->base, id))
        sw_canvas_put(c, 1, y, '=', sw_style(SW_UI_KEY));
    else if (sw_listview_is_marked(v, id))
        sw_canvas_put(c, 1, y, 0x25cf, sw_style(SW_UI_KEY));
    int x = PREFIX;
    for (size_t i = 0; i < k->count && x < c->w; i++) {
        if (k->width[i] == 0)
            continue;
        const struct sw_tui_cell *cell = &row->cells[i];
        enum sw_tui_role role = cell->role == SW_TUI_NORMAL ? row->role : cell->role;
        int width = k->width[i] < c->w - x ? k->width[i] : c->w - x;
        int before = i == 0 ? indent(t, row) : 0;
        if (before > width - 1)
            before = width > 1 ? width - 1 : 0; // however deep, something of the name is seen
        if (before > 1 && row->fold != SW_TUI_LEAF)
            sw_canvas_put(c, x + before - 2, y, row->fold == SW_TUI_FOLDED ? 0x25b8 : 0x25be, sw_style(SW_UI_KEY));
        put_aligned(c, x + before, y, width - before, t->columns[i].align, cell->text ? cell->text : "-",
                    sw_style(cell->text ? role : SW_TUI_DIM));
        x += k->width[i] + GAP;
    }
}

static void paint_rows(struct sw_listview *v, struct sw_canvas *c, const struct sw_tui_table *t, struct columns *k,
                       int *cursor_y)
{
    for (int line = 0; line < v->height && v->top + line < t->total; line++) {
        int y = v->header + line;
        const struct sw_tui_row *row = sw_listview_row(v, v->top + line);
        if (row)
            paint_row(v, c, y, t, k, row);
        else
            sw_canvas_text(c, PREFIX, y, c->w - PREFIX, "…", sw_style(SW_TUI_DIM));
        if (v->top + line == v->selected) {
            sw_canvas_put(c, 0, y, 0x258c, sw_style(SW_UI_KEY));
            sw_canvas_add_attr(c, (struct sw_rect){0, y, c->w, 1}, SW_ATTR_SELECTED);
            *cursor_y = y;
        }
    }
}

void sw_listview_paint(struct sw_listview *v, struct sw_canvas *c, int *cursor_y)
{
    const struct sw_tui_table *t = sw_listview_table(v);
    *cursor_y = -1;
    v->header = 1;
    for (size_t i = 0; t && i < t->column_count; i++)
        if (t->columns[i].summary)
            v->header = 2;
    v->height = c->h > v->header ? c->h - v->header : 0;
    if (!t || t->total == 0)
        return;
    keep_in_view(v);
    struct columns k = {.count = t->column_count < SW_MAX_COLUMNS ? t->column_count : SW_MAX_COLUMNS};
    if (v->first_column >= (int)k.count)
        v->first_column = k.count > 0 ? (int)k.count - 1 : 0;
    int room = c->w - PREFIX;
    measure(v, c->grid, t, &k);
    shrink_text(&k, t, room, NARROW); // a shortened text says more than none
    struct columns wanted = k;
    hide_least(&k, t, room);
    show_again(&k, t, &wanted, room);
    shrink_text(&k, t, room, NARROWEST);
    v->has_more_columns = sum(&k) > room;
    grow(v, &k, room);
    paint_header(v, c, t, &k);
    paint_rows(v, c, t, &k, cursor_y);
}
