// SPDX-License-Identifier: Apache-2.0
// Places, ticks and the way of a key. What actions do is in handlers.c, how it looks in frame.c.
#include "tui/ui.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"

#define STATUS_EVERY_MS  1000
#define CHANGES_EVERY_MS 250
#define MESSAGE_KEEP_MS  3000
#define MAX_PAGE         (4 * 1024 * 1024)
#define MAX_DEEDS        (256 * 1024)

const struct sw_screen sw_screens[SW_SCREENS] = {
    {"data", "Data", SW_TUI_LIST_DATASETS},      {"train", "Train", SW_TUI_LIST_JOBS},
    {"runs", "Runs", SW_TUI_LIST_RUNS},          {"models", "Models", SW_TUI_LIST_MODELS},
    {"cluster", "Cluster", SW_TUI_LIST_TARGETS}, {"gpu", "GPU", SW_TUI_LIST_GPUS},
};

const struct sw_list_kind sw_list_kinds[SW_TUI_LIST_COUNT] = {
    [SW_TUI_LIST_DATASETS] = {SW_TUI_ON_DATA, "data sets", SW_TUI_LIST_ROWS, 55, true, false},
    [SW_TUI_LIST_ROWS] = {SW_TUI_ON_ROWS, "rows", -1, 60, false, false},
    [SW_TUI_LIST_JOBS] = {SW_TUI_ON_TRAIN, "jobs", -1, 42, true, false},
    [SW_TUI_LIST_RUNS] = {SW_TUI_ON_RUNS, "runs", -1, 52, true, false},
    [SW_TUI_LIST_MODELS] = {SW_TUI_ON_MODELS, "model versions", -1, 48, true, false},
    [SW_TUI_LIST_TARGETS] = {SW_TUI_ON_TARGETS, "targets", SW_TUI_LIST_PUSHES, 48, true, false},
    [SW_TUI_LIST_PUSHES] = {SW_TUI_ON_PUSHES, "pushes", -1, 48, true, false},
    [SW_TUI_LIST_GPUS] = {SW_TUI_ON_GPUS, "GPUs", -1, 60, false, false},
    [SW_TUI_LIST_AUDIT] = {SW_TUI_ON_TEXT, "audit entries", -1, 60, false, false},
    [SW_TUI_LIST_ARTIFACTS] = {SW_TUI_ON_ARTIFACTS, "artifacts", -1, 40, true, true},
};

// --- places ---

struct sw_place *sw_ui_place(const struct sw_ui *ui)
{
    return ui->depth[ui->screen] > 0 ? ui->stack[ui->screen][ui->depth[ui->screen] - 1] : NULL;
}

unsigned sw_ui_place_bit(const struct sw_ui *ui)
{
    const struct sw_place *p = sw_ui_place(ui);
    if (ui->overlay != SW_OVERLAY_NONE || !p)
        return SW_TUI_ON_TEXT;
    return sw_list_kinds[p->rows.list].place;
}

static enum sw_panes default_panes(const struct sw_ui *ui, enum sw_tui_list list)
{
    return sw_list_kinds[list].detail_beside && ui->grid.width >= SW_WIDE ? SW_PANES_BOTH : SW_PANES_LIST;
}

struct sw_layout sw_ui_layout(const struct sw_ui *ui)
{
    const struct sw_place *p = sw_ui_place(ui);
    if (!p)
        return sw_layout_make(ui->grid.width, ui->grid.height, SW_PANES_LIST, 50);
    return sw_layout_make(ui->grid.width, ui->grid.height, p->panes, sw_list_kinds[p->rows.list].list_percent);
}

static void place_free(struct sw_place *p)
{
    if (!p)
        return;
    sw_listview_free(&p->rows);
    sw_detailview_free(&p->detail);
    free(p->title);
    free(p);
}

// FNV-1a over what the selected row shows; 0 = no row.
static uint64_t row_mark(const struct sw_listview *v)
{
    const struct sw_tui_row *row = sw_listview_selected(v);
    uint64_t hash = row ? 14695981039346656037u : 0;
    for (size_t i = 0; row && i <= sw_listview_table(v)->column_count; i++) {
        const char *text = i == 0 ? row->id : row->cells[i - 1].text;
        for (; text && *text; text++)
            hash = (hash ^ (uint8_t)*text) * 1099511628211u;
    }
    return hash;
}

static void on_rows(void *owner, struct sw_listview *v)
{
    struct sw_place *p = owner;
    uint64_t mark = sw_list_kinds[v->list].follows_row ? row_mark(v) : 0;
    if (mark == 0 || mark != p->detail_mark)
        p->detail_wanted = true;
    p->detail_mark = mark;
    p->ui->is_dirty = true;
    if (p->open_wanted && p == sw_ui_place(p->ui) && sw_listview_selected(v))
        sw_ui_do(p->ui, sw_action_find("open"));
    // A list that cannot be loaded says so in its frame; one that shows old rows says so in the message line.
    if (v->rows.err.code && v->rows.result && p == sw_ui_place(p->ui))
        sw_ui_error(p->ui, &v->rows.err);
}

static void on_detail(void *owner)
{
    struct sw_place *p = owner;
    if (p->detail.slot.has_newer)
        p->detail_wanted = true;
    p->ui->is_dirty = true;
}

static struct sw_place *place_new(struct sw_ui *ui, enum sw_tui_list list, const char *parent, const char *title)
{
    struct sw_err err = {0};
    struct sw_place *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->ui = ui;
    p->title = strdup(title);
    p->panes = p->panes_before = default_panes(ui, list);
    if (!p->title || sw_listview_init(&p->rows, &ui->loader, list, parent, on_rows, p, &err)) {
        place_free(p);
        return NULL;
    }
    sw_detailview_init(&p->detail, &ui->loader, on_detail, p);
    return p;
}

void sw_ui_push(struct sw_ui *ui, enum sw_tui_list list, const char *parent, const char *title)
{
    int *depth = &ui->depth[ui->screen];
    struct sw_place *p = *depth < SW_DEPTH ? place_new(ui, list, parent, title) : NULL;
    if (!p) {
        sw_ui_message(ui, SW_TUI_ERROR, "no room for another view");
        return;
    }
    ui->stack[ui->screen][(*depth)++] = p;
    ui->is_dirty = true;
}

bool sw_ui_pop(struct sw_ui *ui)
{
    int *depth = &ui->depth[ui->screen];
    if (*depth <= 1)
        return false;
    place_free(ui->stack[ui->screen][--*depth]);
    ui->stack[ui->screen][*depth] = NULL;
    sw_ui_refresh(ui);
    return true;
}

void sw_ui_go(struct sw_ui *ui, int screen)
{
    ui->screen = screen;
    ui->overlay = SW_OVERLAY_NONE;
    if (ui->depth[screen] == 0)
        sw_ui_push(ui, sw_screens[screen].list, "", "");
    else
        sw_ui_refresh(ui);
    ui->is_dirty = true;
}

// --- messages ---

void sw_ui_message(struct sw_ui *ui, enum sw_tui_role role, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(ui->message, sizeof ui->message, format, ap);
    va_end(ap);
    ui->message_role = role;
    ui->message_ms = sw_clock_mono_ms();
    ui->is_dirty = true;
}

void sw_ui_error(struct sw_ui *ui, const struct sw_err *err)
{
    sw_ui_message(ui, SW_TUI_ERROR, "%s%s%s", err->message, err->hint[0] ? " - " : "", err->hint);
}

// --- loading ---

void sw_ui_refresh(struct sw_ui *ui)
{
    struct sw_place *p = sw_ui_place(ui);
    if (!p)
        return;
    sw_listview_refresh(&p->rows); // the detail follows when the rows are here
    ui->is_dirty = true;
}

static void ask_detail(struct sw_ui *ui, struct sw_place *p)
{
    const char *ids[SW_MAX_MARKS] = {p->rows.selected_id};
    size_t count = p->rows.selected_id[0] ? 1 : 0;
    if (p->rows.mark_count >= 2)
        count = sw_listview_ids(&p->rows, ids);
    struct sw_layout l = sw_ui_layout(ui);
    if (l.too_small || l.detail.w == 0 || count == 0)
        return;
    struct sw_tui_detail_query q = {
        .list = p->rows.list, .parent = p->rows.parent, .ids = ids, .id_count = count, .base_id = p->rows.base};
    if (sw_detailview_ask(&p->detail, &q))
        p->detail_wanted = false;
}

static void on_status(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_ui *ui = owner;
    ui->is_dirty = true;
    if (code != SW_OK)
        return;
    const struct sw_tui_status *s = &slot->result->status;
    bool is_new = ui->has_event && s->event_id != ui->seen_event;
    if (is_new && ui->message[0] && sw_clock_mono_ms() - ui->message_ms < MESSAGE_KEEP_MS)
        return; // what the user just did is read first; the event is still new at the next look
    ui->has_event = true;
    ui->seen_event = s->event_id;
    if (is_new && s->event && *s->event)
        sw_ui_message(ui, s->event_role, "%s", s->event);
}

static void on_changes(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_ui *ui = owner;
    if (code != SW_OK)
        return;
    bool changed = ui->has_changes && slot->result->changes != ui->seen_changes;
    ui->has_changes = true;
    ui->seen_changes = slot->result->changes;
    if (changed && !ui->is_frozen)
        sw_ui_refresh(ui);
}

static void on_raw(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_ui *ui = owner;
    if (code == SW_OK)
        sw_ui_has_raw(ui);
    else
        sw_ui_error(ui, &slot->err);
}

static void on_act(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_ui *ui = owner;
    if (code == SW_OK)
        sw_ui_take_outcome(ui, slot->query->action.action, slot);
    else
        sw_ui_error(ui, &slot->err);
    sw_ui_refresh(ui);
}

void sw_ui_tick(struct sw_ui *ui, int64_t mono_ms, int64_t wall_ms)
{
    struct sw_place *p = sw_ui_place(ui);
    if (wall_ms / 60000 != ui->wall_ms / 60000)
        ui->is_dirty = true; // the clock
    ui->loader.now_ms = mono_ms;
    ui->wall_ms = wall_ms;
    if (mono_ms >= ui->status_next_ms && sw_slot_ask(&ui->status, NULL))
        ui->status_next_ms = mono_ms + STATUS_EVERY_MS;
    if (mono_ms >= ui->changes_next_ms && sw_slot_ask(&ui->changes, NULL))
        ui->changes_next_ms = mono_ms + CHANGES_EVERY_MS;
    if (ui->overlay == SW_OVERLAY_FORM)
        sw_formview_tick(&ui->form);
    if (!p)
        return;
    if (p->rows.rows.has_newer)
        sw_listview_refresh(&p->rows);
    sw_listview_ensure(&p->rows);
    if (p->detail_wanted || p->detail.slot.has_newer)
        ask_detail(ui, p);
    if (!ui->is_frozen)
        sw_logview_tick(&p->detail.log);
    if (sw_slot_lag_ms(&p->rows.rows) > 0 || sw_slot_lag_ms(&p->detail.slot) > 0 || sw_slot_lag_ms(&ui->status) > 0)
        ui->is_dirty = true; // the age that is shown grows
}

bool sw_ui_is_loading(const struct sw_ui *ui)
{
    const struct sw_place *p = sw_ui_place(ui);
    if (sw_slot_is_busy(&ui->status) || sw_slot_is_busy(&ui->changes) || sw_slot_is_busy(&ui->raw) ||
        sw_slot_is_busy(&ui->act))
        return true;
    if (ui->overlay == SW_OVERLAY_FORM && (sw_slot_is_busy(&ui->form.form) || sw_slot_is_busy(&ui->form.act)))
        return true;
    return p &&
           (sw_slot_is_busy(&p->rows.rows) || sw_slot_is_busy(&p->detail.slot) || sw_slot_is_busy(&p->detail.log.slot));
}

// --- keys ---

static bool is_inside(struct sw_rect r, const struct sw_key *key)
{
    return key->x >= r.x && key->y >= r.y && key->x < r.x + r.w && key->y < r.y + r.h;
}

static void click_list(struct sw_ui *ui, struct sw_place *p, const struct sw_key *key)
{
    int64_t row = p->rows.top + key->y - ui->list_at.y - p->rows.header;
    p->focus = SW_FOCUS_LIST;
    if (key->y < ui->list_at.y + p->rows.header || !sw_listview_row(&p->rows, row))
        return;
    if (row == p->rows.selected) // a second click opens
        sw_ui_do(ui, sw_action_find("open"));
    else
        sw_listview_select(&p->rows, row);
}

static void mouse(struct sw_ui *ui, const struct sw_key *key)
{
    struct sw_place *p = sw_ui_place(ui);
    bool is_click = key->code == SW_KEY_CLICK;
    int wheel = key->code == SW_KEY_WHEEL_UP ? -3 : 3;
    for (size_t i = 0; is_click && i < ui->hit_count; i++) {
        if (!is_inside(ui->hits[i].at, key))
            continue;
        if (ui->hits[i].kind == SW_HIT_SCREEN)
            sw_ui_go(ui, (int)ui->hits[i].index);
        else
            sw_ui_do(ui, &sw_tui_actions[ui->hits[i].index]);
        return;
    }
    if (!p || ui->overlay != SW_OVERLAY_NONE)
        return;
    if (is_inside(ui->list_at, key)) {
        if (is_click)
            click_list(ui, p, key);
        else
            sw_listview_move(&p->rows, wheel);
    } else if (is_inside(ui->detail_at, key)) {
        int log_y = ui->detail_at.y + p->detail.log_at.y;
        bool on_log = p->detail.log_at.h > 0 && key->y >= log_y;
        if (is_click)
            p->focus = on_log ? SW_FOCUS_LOG : SW_FOCUS_DETAIL;
        else if (on_log)
            sw_logview_key(&p->detail.log, key->code);
        else
            sw_detailview_key(&p->detail, key->code);
    }
}

static bool overlay_key(struct sw_ui *ui, const struct sw_key *key)
{
    if (ui->overlay == SW_OVERLAY_FORM) {
        sw_formview_key(&ui->form, key);
        sw_ui_finish_form(ui);
        return true;
    }
    if (ui->overlay == SW_OVERLAY_NONE)
        return false;
    if (key->code == 'q' || (key->code == '?' && ui->overlay == SW_OVERLAY_HELP)) {
        ui->overlay = SW_OVERLAY_NONE;
        return true;
    }
    return sw_textview_key(ui->overlay == SW_OVERLAY_LOG ? &ui->deeds : &ui->page, key->code);
}

static bool pane_key(struct sw_ui *ui, const struct sw_key *key)
{
    struct sw_place *p = sw_ui_place(ui);
    struct sw_layout l = sw_ui_layout(ui);
    if (!p || l.detail.w == 0)
        return false;
    if (p->focus == SW_FOCUS_LOG && p->detail.log_at.h > 0)
        return sw_logview_key(&p->detail.log, key->code);
    if (p->focus == SW_FOCUS_DETAIL || l.list.w == 0)
        return sw_detailview_key(&p->detail, key->code);
    return false;
}

void sw_ui_key(struct sw_ui *ui, const struct sw_key *key)
{
    bool is_mouse = key->code >= SW_KEY_CLICK;
    ui->is_dirty = true;
    ui->message[0] = '\0';
    if (sw_ui_place(ui))
        sw_ui_place(ui)->open_wanted = false; // whatever the user wants now, it is something else
    if (ui->prompt.kind != SW_PROMPT_NONE) {
        sw_prompt_key(ui, key->code);
        return;
    }
    if (overlay_key(ui, key))
        return;
    if (is_mouse) {
        mouse(ui, key);
        return;
    }
    if (pane_key(ui, key))
        return;
    const struct sw_tui_action *action = sw_key_action(key->code, sw_ui_place_bit(ui));
    if (action) {
        sw_ui_do(ui, action);
        return;
    }
    char name[SW_KEY_NAME];
    if (*sw_key_name(key->code, name))
        sw_ui_message(ui, SW_TUI_DIM, "%s does nothing here; ? explains the keys", name);
}

// --- life ---

void sw_ui_resize(struct sw_ui *ui, int width, int height)
{
    struct sw_err err = {0};
    if (sw_grid_resize(&ui->grid, width, height, &err))
        sw_ui_error(ui, &err);
    for (int s = 0; s < SW_SCREENS; s++) {
        for (int d = 0; d < ui->depth[s]; d++) {
            struct sw_place *p = ui->stack[s][d];
            if (!p->panes_chosen && p->panes != SW_PANES_DETAIL)
                p->panes = default_panes(ui, p->rows.list);
            p->detail_wanted = true; // charts are asked for in their width
        }
    }
    ui->is_dirty = true;
}

enum sw_code sw_ui_init(struct sw_ui *ui, const struct sw_tui_options *o, const struct sw_tui_backend *b, void *ctx,
                        struct sw_pool *pool, bool is_utf8, int colours, int width, int height, struct sw_err *err)
{
    *ui = (struct sw_ui){.loader = {.backend = b, .ctx = ctx, .pool = pool}};
    bool ascii = o->ascii || !is_utf8;
    ui->theme = sw_theme_find(o->theme ? o->theme : colours < 8 ? "mono" : "dark");
    if (!ui->theme)
        return sw_err_set(err, SW_USAGE, "no theme is called \"%.40s\"; there are dark, light and mono", o->theme);
    ui->pictures.pen = ascii ? SW_PEN_ASCII : SW_PEN_BRAILLE;
    if (o->charts && !sw_pen_find(o->charts, &ui->pictures.pen))
        return sw_err_set(err, SW_USAGE, "charts cannot be drawn in \"%.40s\"; there are braille, block and ascii",
                          o->charts);
    if (ascii)
        ui->pictures.pen = SW_PEN_ASCII;
    ui->colours = colours;
    ui->pictures.palette = colours >= 256 && ui->theme->has_colour;
    enum sw_code code = sw_grid_init(&ui->grid, width, height, ascii, err);
    if (code)
        return code;
    sw_textview_init(&ui->page, MAX_PAGE);
    sw_textview_init(&ui->deeds, MAX_DEEDS);
    ui->is_mouse_off = o->no_mouse;
    sw_slot_init(&ui->status, &ui->loader, SW_LOAD_STATUS, on_status, ui);
    sw_slot_init(&ui->changes, &ui->loader, SW_LOAD_CHANGES, on_changes, ui);
    sw_slot_init(&ui->raw, &ui->loader, SW_LOAD_RAW, on_raw, ui);
    sw_slot_init(&ui->act, &ui->loader, SW_LOAD_ACT, on_act, ui);
    sw_ui_go(ui, o->screen >= 1 && o->screen <= SW_SCREENS ? o->screen - 1 : 0);
    return SW_OK;
}

void sw_ui_free(struct sw_ui *ui)
{
    if (!ui->status.loader) {
        sw_grid_free(&ui->grid);
        return;
    }
    for (int s = 0; s < SW_SCREENS; s++)
        for (int d = 0; d < ui->depth[s]; d++)
            place_free(ui->stack[s][d]);
    sw_formview_free(&ui->form);
    sw_slot_free(&ui->status);
    sw_slot_free(&ui->changes);
    sw_slot_free(&ui->raw);
    sw_slot_free(&ui->act);
    sw_textview_free(&ui->page);
    sw_textview_free(&ui->deeds);
    sw_prompt_free(&ui->prompt);
    for (size_t i = 0; i < ui->undo_count; i++) {
        free(ui->undo[i].token);
        free(ui->undo[i].text);
    }
    free(ui->clipboard);
    sw_grid_free(&ui->grid);
    ui->status.loader = NULL;
}
