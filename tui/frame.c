// SPDX-License-Identifier: Apache-2.0
// Paints one whole screen into the grid: place and health strip, tabs, body, message line, key hints. One frame for
// every screen, so that eyes and hands learn once.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/text.h"
#include "tui/ui.h"

#define STALE_DATA_MS  2000
#define MAX_GPUS_SHOWN 6
#define MAX_PIECES     (MAX_GPUS_SHOWN + 8)

static void add_hit(struct sw_ui *ui, struct sw_rect at, enum sw_hit_kind kind, size_t index)
{
    if (ui->hit_count < SW_HITS_MAX)
        ui->hits[ui->hit_count++] = (struct sw_hit){at, kind, index};
}

// --- line 1: where, and how the machine is ---

// One piece of the health strip; the later ones matter more and are kept longest.
struct piece {
    char text[200];
    unsigned role;
};

static size_t health_pieces(const struct sw_ui *ui, struct piece pieces[static MAX_PIECES])
{
    size_t n = 0;
    const struct sw_tui_status *s = ui->status.result ? &ui->status.result->status : NULL;
    if (s && s->gpu_count == 0 && s->gpu_reason) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "%s", s->gpu_reason);
        pieces[n++].role = SW_TUI_DIM;
    }
    for (size_t i = 0; s && i < s->gpu_count && i < MAX_GPUS_SHOWN; i++) {
        const struct sw_tui_gpu *g = &s->gpus[i];
        char util[16] = "-", temp[16] = "";
        if (isfinite(g->util_percent))
            snprintf(util, sizeof util, "%.0f%%", g->util_percent);
        if (isfinite(g->temp_c))
            snprintf(temp, sizeof temp, " %.0f°C", g->temp_c);
        snprintf(pieces[n].text, sizeof pieces[n].text, "%s%d%s %s%s", i == 0 ? "gpu " : "", g->index,
                 g->is_leased ? " ▶" : "", util, temp);
        pieces[n++].role = g->is_leased ? SW_TUI_LIVE : SW_TUI_DIM;
    }
    if (s && isfinite(s->cpu_percent)) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "cpu %.0f%%", s->cpu_percent);
        pieces[n++].role = SW_TUI_DIM;
    }
    if (s && s->serve) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "%s", s->serve);
        pieces[n++].role = SW_TUI_LIVE;
    }
    if (s) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "jobs %lld ▶ %lld waiting", (long long)s->jobs_running,
                 (long long)s->jobs_waiting);
        pieces[n++].role = s->jobs_running > 0 ? SW_TUI_LIVE : SW_TUI_DIM;
    }
    if (ui->status.err.code) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "%s", ui->status.err.message);
        pieces[n++].role = SW_TUI_WARN;
    }
    int64_t lag = sw_slot_lag_ms(&ui->status);
    if (lag > 0) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "status %lld s old", (long long)(lag / 1000));
        pieces[n++].role = SW_TUI_WARN;
    }
    if (ui->is_frozen) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "HELD");
        pieces[n++].role = SW_TUI_WARN;
    }
    time_t now = (time_t)(ui->wall_ms / 1000);
    struct tm local;
    if (ui->wall_ms > 0 && localtime_r(&now, &local)) {
        snprintf(pieces[n].text, sizeof pieces[n].text, "%02d:%02d", local.tm_hour, local.tm_min);
        pieces[n++].role = SW_TUI_NORMAL;
    }
    return n;
}

static int paint_crumbs(struct sw_ui *ui, struct sw_canvas *c)
{
    int x = 1, width = c->w - 1;
    x += sw_canvas_text(c, x, 0, width, "slipway", sw_style(SW_UI_CRUMB));
    for (int d = 0; d < ui->depth[ui->screen]; d++) {
        const struct sw_place *p = ui->stack[ui->screen][d];
        const char *name = d == 0 ? sw_screens[ui->screen].name : p->title;
        x += sw_canvas_text(c, x, 0, c->w - x, " › ", sw_style(SW_TUI_DIM));
        x += sw_canvas_text(c, x, 0, c->w / 2, name, sw_style(SW_UI_CRUMB));
        const char *row = sw_listview_selected_name(&p->rows);
        if (d + 1 == ui->depth[ui->screen] && p->panes == SW_PANES_DETAIL && *row) {
            x += sw_canvas_text(c, x, 0, c->w - x, " › ", sw_style(SW_TUI_DIM));
            x += sw_canvas_text(c, x, 0, c->w / 2, row, sw_style(SW_UI_CRUMB));
        }
    }
    return x;
}

static void paint_top(struct sw_ui *ui, struct sw_canvas *c)
{
    struct piece pieces[MAX_PIECES];
    size_t count = health_pieces(ui, pieces), first = count;
    int left = paint_crumbs(ui, c) + 2, room = c->w - 1 - left, used = 0;
    while (first > 0) {
        int more = sw_grid_columns(c->grid, pieces[first - 1].text) + 2;
        if (used + more > room)
            break;
        used += more;
        first--;
    }
    // What does not fit whole is cut rather than dropped: it may be the only word on why there is no GPU.
    if (first > 0 && room - used > 12)
        sw_canvas_text(c, left, 0, room - used, pieces[first - 1].text, sw_style(pieces[first - 1].role));
    int x = c->w - 1;
    for (size_t i = count; i > first; i--) {
        x -= sw_grid_columns(c->grid, pieces[i - 1].text);
        sw_canvas_text(c, x, 0, c->w - x, pieces[i - 1].text, sw_style(pieces[i - 1].role));
        x -= 2;
    }
}

// --- line 2 ---

static void paint_tabs(struct sw_ui *ui, struct sw_canvas *c, const struct sw_rect *at)
{
    int x = 1;
    for (size_t s = 0; s < SW_SCREENS; s++) {
        bool current = (int)s == ui->screen;
        char label[32];
        // Where the words do not fit, the numbers do.
        bool is_short = c->w < 56 && !current;
        snprintf(label, sizeof label, is_short ? " %zu " : " %zu %s ", s + 1, sw_screens[s].title);
        int used = sw_canvas_text(c, x, 0, c->w - x, label, sw_style(current ? SW_UI_TAB_CURRENT : SW_UI_TAB));
        add_hit(ui, (struct sw_rect){at->x + x, at->y, used, 1}, SW_HIT_SCREEN, s);
        x += used;
    }
}

// --- the body ---

static const struct sw_tui_action *first_teaching(unsigned place)
{
    for (size_t i = 0; i < sw_tui_action_count; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        if (a->places & place && a->kind != SW_TUI_DO_LOCAL && !a->needs_row && a->keys[0])
            return a;
    }
    return NULL;
}

// An empty list says what would be here and which key puts it there.
static void paint_empty(struct sw_ui *ui, struct sw_canvas *c, const struct sw_place *p)
{
    const struct sw_tui_table *t = sw_listview_table(&p->rows);
    const struct sw_list_kind *kind = &sw_list_kinds[p->rows.list];
    int y = c->h > 8 ? 2 : 0;
    if (!t && p->rows.rows.err.code) {
        y += sw_text_wrap(c, 2, y, c->w - 4, p->rows.rows.err.message, sw_style(SW_TUI_ERROR));
        if (p->rows.rows.err.hint[0])
            y += sw_text_wrap(c, 2, y, c->w - 4, p->rows.rows.err.hint, sw_style(SW_TUI_NORMAL));
        sw_canvas_text(c, 2, y + 1, c->w - 4, "ctrl-r tries again", sw_style(SW_TUI_DIM));
        return;
    }
    if (!t) {
        sw_canvas_text(c, 2, y, c->w - 4, "loading…", sw_style(SW_TUI_DIM));
        return;
    }
    if (p->rows.filter[0]) {
        sw_canvas_textf(c, 2, y, c->w - 4, sw_style(SW_TUI_NORMAL), "no %s match /%s", kind->noun, p->rows.filter);
        sw_canvas_text(c, 2, y + 1, c->w - 4, "Esc shows all again, / changes the filter", sw_style(SW_TUI_DIM));
        return;
    }
    if (t->empty && *t->empty)
        y += sw_text_wrap(c, 2, y, c->w - 4, t->empty, sw_style(SW_TUI_NORMAL));
    else
        sw_canvas_textf(c, 2, y++, c->w - 4, sw_style(SW_TUI_NORMAL), "no %s yet", kind->noun);
    const struct sw_tui_action *next = first_teaching(sw_ui_place_bit(ui));
    if (next) {
        int used = sw_canvas_text(c, 2, y + 1, c->w - 4, next->keys, sw_style(SW_UI_KEY));
        sw_text_wrap(c, 4 + used, y + 1, c->w - 6 - used, next->help, sw_style(SW_TUI_DIM));
    }
}

static void describe_age(char *dst, size_t size, const struct sw_slot *slot, int64_t as_of_ms, int64_t wall_ms)
{
    int64_t lag = sw_slot_lag_ms(slot);
    int64_t age = as_of_ms > 0 ? wall_ms - as_of_ms : 0;
    dst[0] = '\0';
    if (lag > 0 && !slot->result)
        snprintf(dst, size, "loading for %lld s", (long long)(lag / 1000));
    else if (lag > 0 || age >= STALE_DATA_MS)
        snprintf(dst, size, "data %lld s old", (long long)((lag > age ? lag : age) / 1000));
}

static void paint_list(struct sw_ui *ui, struct sw_canvas *c, struct sw_place *p)
{
    const struct sw_tui_table *t = sw_listview_table(&p->rows);
    char title[SW_LINE_MAX + 200], count[32], age[64], place[200];
    int len;
    if (t && t->title)
        len = snprintf(title, sizeof title, "%s", t->title);
    else if (t)
        len = snprintf(title, sizeof title, "%s %s", sw_format_count(count, sizeof count, t->total),
                       sw_list_kinds[p->rows.list].noun);
    else
        len = snprintf(title, sizeof title, "%s", sw_list_kinds[p->rows.list].noun);
    size_t at = (size_t)len < sizeof title ? (size_t)len : sizeof title - 1;
    if (p->rows.mark_count > 0)
        at += (size_t)snprintf(title + at, sizeof title - at, " · %zu marked", p->rows.mark_count);
    if (p->rows.filter[0] && at < sizeof title)
        snprintf(title + at, sizeof title - at, " · /%s", p->rows.filter);
    describe_age(age, sizeof age, &p->rows.rows, t ? t->as_of_ms : 0, ui->wall_ms);
    snprintf(place, sizeof place, "%s%s%s", t && t->place ? t->place : "", t && t->place && age[0] ? " · " : "", age);

    struct sw_canvas inside =
        sw_canvas_frame(c, title, place, p->focus == SW_FOCUS_LIST ? SW_UI_FRAME_FOCUS : SW_UI_FRAME);
    ui->list_at = (struct sw_rect){inside.x, inside.y, inside.w, inside.h};
    int cursor = -1;
    sw_listview_paint(&p->rows, &inside, &cursor);
    if (!t || t->total == 0)
        paint_empty(ui, &inside, p);
    if (p->focus == SW_FOCUS_LIST) {
        ui->cursor_x = inside.x;
        ui->cursor_y = inside.y + (cursor >= 0 ? cursor : 0);
    }
}

static void paint_detail(struct sw_ui *ui, struct sw_canvas *c, struct sw_place *p)
{
    const struct sw_tui_detail *d = sw_detailview_get(&p->detail);
    bool has_row = p->rows.selected_id[0] || p->rows.mark_count > 0;
    char title[300] = "", age[64];
    int role = p->focus == SW_FOCUS_LIST ? (int)SW_UI_FRAME : (int)SW_UI_FRAME_FOCUS;
    if (has_row && d) {
        snprintf(title, sizeof title, "%s%s", d->is_production ? "PRODUCTION · " : "", d->title ? d->title : "");
        if (d->is_production)
            role = SW_TUI_DANGER;
    }
    describe_age(age, sizeof age, &p->detail.slot, d ? d->as_of_ms : 0, ui->wall_ms);
    struct sw_canvas inside = sw_canvas_frame(c, title, age, (uint8_t)role);
    ui->detail_at = (struct sw_rect){inside.x, inside.y, inside.w, inside.h};
    if (has_row)
        sw_detailview_paint(&p->detail, &inside, &ui->pictures, p->focus == SW_FOCUS_LOG);
    if (p->focus != SW_FOCUS_LIST || ui->list_at.w == 0) {
        ui->cursor_x = inside.x;
        ui->cursor_y = inside.y + (p->focus == SW_FOCUS_LOG ? p->detail.log_at.y : 0);
    }
}

static void paint_overlay(struct sw_ui *ui, struct sw_canvas *c)
{
    if (ui->overlay == SW_OVERLAY_FORM) {
        const struct sw_tui_form *form = sw_formview_get(&ui->form);
        bool is_danger = ui->form.action->is_danger;
        struct sw_canvas inside = sw_canvas_frame(c, form && form->title ? form->title : ui->form.action->name,
                                                  "Esc cancels", is_danger ? SW_TUI_DANGER : SW_UI_FRAME_FOCUS);
        sw_formview_paint(&ui->form, &inside);
        ui->cursor_x = ui->form.cursor_x;
        ui->cursor_y = ui->form.cursor_y;
        return;
    }
    bool is_log = ui->overlay == SW_OVERLAY_LOG;
    struct sw_canvas inside =
        sw_canvas_frame(c, is_log ? "what was done here" : ui->page_title, "Esc goes back", SW_UI_FRAME_FOCUS);
    struct sw_textview *page = is_log ? &ui->deeds : &ui->page;
    sw_textview_paint(page, &inside);
    if (page->line_count == 0)
        sw_canvas_text(&inside, 1, 0, inside.w - 1, is_log ? "nothing was done yet" : "nothing is stored",
                       sw_style(SW_TUI_DIM));
    ui->cursor_x = inside.x;
    ui->cursor_y = inside.y;
}

static void paint_body(struct sw_ui *ui, struct sw_canvas *whole, const struct sw_layout *l)
{
    struct sw_place *p = sw_ui_place(ui);
    ui->list_at = ui->detail_at = (struct sw_rect){0};
    if (ui->overlay != SW_OVERLAY_NONE || !p) {
        struct sw_canvas body = sw_canvas_sub(whole, l->body);
        if (p)
            paint_overlay(ui, &body);
        return;
    }
    if (l->list.w > 0) {
        struct sw_canvas c = sw_canvas_sub(whole, l->list);
        paint_list(ui, &c, p);
    }
    if (l->detail.w > 0) {
        struct sw_canvas c = sw_canvas_sub(whole, l->detail);
        paint_detail(ui, &c, p);
    }
}

// --- the last two lines ---

static void paint_message(struct sw_ui *ui, struct sw_canvas *c, const struct sw_rect *at)
{
    if (ui->prompt.kind != SW_PROMPT_NONE) {
        sw_canvas_put(c, 1, 0, ui->prompt.kind == SW_PROMPT_COMMAND ? ':' : '/', sw_style(SW_UI_PROMPT));
        ui->cursor_x = at->x + sw_lineedit_paint(&ui->prompt.edit, c, 2, 0, c->w - 3, sw_style(SW_UI_PROMPT));
        ui->cursor_y = at->y;
        return;
    }
    sw_canvas_text(c, 1, 0, c->w - 2, ui->message, sw_style(ui->message_role));
}

static void paint_candidates(struct sw_ui *ui, struct sw_canvas *c)
{
    const char *names[SW_HITS_MAX];
    int x = 1;
    if (ui->prompt.kind == SW_PROMPT_FILTER) {
        sw_canvas_text(c, 1, 0, c->w - 2, "Enter filters, an empty filter shows all, Esc leaves", sw_style(SW_UI_HINT));
        return;
    }
    size_t count = sw_prompt_candidates(ui, names, SW_HITS_MAX);
    if (count == 1) { // the one meant: say what it does
        x += sw_canvas_text(c, x, 0, c->w - x, names[0], sw_style(SW_UI_KEY)) + 2;
        sw_canvas_text(c, x, 0, c->w - x - 1, sw_action_find_at(names[0], sw_ui_place_bit(ui))->help,
                       sw_style(SW_UI_HINT));
        return;
    }
    for (size_t i = 0; i < count && x < c->w; i++)
        x += sw_canvas_text(c, x, 0, c->w - x - 1, names[i], sw_style(SW_UI_HINT)) + 2;
}

static void paint_hints(struct sw_ui *ui, struct sw_canvas *c, const struct sw_rect *at)
{
    const struct sw_place *p = sw_ui_place(ui);
    unsigned place = sw_ui_place_bit(ui);
    bool has_rows = p && p->rows.selected_id[0];
    if (ui->overlay == SW_OVERLAY_FORM) {
        sw_canvas_text(c, 1, 0, c->w - 2,
                       "Tab next  Enter go on  ctrl-o to the buttons  Esc cancel  ctrl-n known values  PgDn preview",
                       sw_style(SW_UI_HINT));
        return;
    }
    static const char more[] = "? more";
    int x = 1, end = c->w - (int)sizeof more;
    for (size_t i = 0; i < sw_tui_action_count; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        if (!(a->places & place) || !a->hint[0] || (a->needs_row && !has_rows) || !strcmp(a->name, "help"))
            continue;
        char key[32];
        snprintf(key, sizeof key, "%.*s", (int)(a->keys[0] == '/' ? 1 : strcspn(a->keys, "/")), a->keys);
        const char *tail = a->is_danger || a->kind == SW_TUI_DO_FORM ? "…" : "";
        int width = sw_grid_columns(c->grid, key) + 1 + sw_grid_columns(c->grid, a->hint) + (*tail ? 1 : 0);
        if (x + width + 2 > end)
            break;
        add_hit(ui, (struct sw_rect){at->x + x, at->y, width, 1}, SW_HIT_ACTION, i);
        x += sw_canvas_text(c, x, 0, c->w - x, key, sw_style(SW_UI_KEY)) + 1;
        x += sw_canvas_text(c, x, 0, c->w - x, a->hint, sw_style(SW_UI_HINT));
        x += sw_canvas_text(c, x, 0, c->w - x, tail, sw_style(SW_UI_HINT)) + 2;
    }
    for (size_t i = 0; i < sw_tui_action_count; i++)
        if (!strcmp(sw_tui_actions[i].name, "help"))
            add_hit(ui, (struct sw_rect){at->x + x, at->y, (int)sizeof more, 1}, SW_HIT_ACTION, i);
    sw_canvas_text(c, x, 0, c->w - x, "?", sw_style(SW_UI_KEY));
    sw_canvas_text(c, x + 2, 0, c->w - x - 2, "more", sw_style(SW_UI_HINT));
}

static void paint_too_small(struct sw_ui *ui, struct sw_canvas *c)
{
    char size[64];
    snprintf(size, sizeof size, "%d x %d, needs %d x %d", c->w, c->h, SW_MIN_WIDTH, SW_MIN_HEIGHT);
    int y = c->h > 3 ? c->h / 2 - 1 : 0;
    sw_canvas_text(c, 0, y, c->w, "terminal too small", sw_style(SW_TUI_WARN));
    sw_canvas_text(c, 0, y + 1, c->w, size, sw_style(SW_TUI_NORMAL));
    sw_canvas_text(c, 0, y + 2, c->w, "q leaves; jobs go on", sw_style(SW_TUI_DIM));
    ui->cursor_x = ui->cursor_y = 0;
}

void sw_ui_paint(struct sw_ui *ui)
{
    struct sw_layout l = sw_ui_layout(ui);
    struct sw_canvas whole = sw_canvas_whole(&ui->grid);
    sw_grid_clear(&ui->grid);
    ui->hit_count = 0;
    ui->is_dirty = false;
    if (l.too_small) {
        paint_too_small(ui, &whole);
        return;
    }
    struct sw_canvas top = sw_canvas_sub(&whole, l.top), tabs = sw_canvas_sub(&whole, l.tabs),
                     message = sw_canvas_sub(&whole, l.message), hints = sw_canvas_sub(&whole, l.hints);
    paint_top(ui, &top);
    paint_tabs(ui, &tabs, &l.tabs);
    paint_body(ui, &whole, &l);
    paint_message(ui, &message, &l.message);
    if (ui->prompt.kind != SW_PROMPT_NONE)
        paint_candidates(ui, &hints);
    else
        paint_hints(ui, &hints, &l.hints);
}
