// SPDX-License-Identifier: Apache-2.0
// What each local action does, and the way of the others to the backend and back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tui/ui.h"

struct context {
    struct sw_ui *ui;
    struct sw_place *place;
    const struct sw_tui_action *action;
};
typedef void (*handler)(const struct context *c);

// --- moving about ---

static void page(const struct context *c, int by)
{
    int rows = c->place->rows.height;
    sw_listview_move(&c->place->rows, by * (rows > 1 ? rows - 1 : 1));
}
static void on_down(const struct context *c)
{
    sw_listview_move(&c->place->rows, 1);
}
static void on_up(const struct context *c)
{
    sw_listview_move(&c->place->rows, -1);
}
static void on_page_down(const struct context *c)
{
    page(c, 1);
}
static void on_page_up(const struct context *c)
{
    page(c, -1);
}
static void on_first(const struct context *c)
{
    sw_listview_select(&c->place->rows, 0);
}
static void on_last(const struct context *c)
{
    sw_listview_select(&c->place->rows, INT64_MAX / 2);
}
static void on_left(const struct context *c)
{
    if (!sw_listview_fold(&c->place->rows, SW_TUI_FOLDED))
        sw_listview_shift(&c->place->rows, -1);
}
static void on_right(const struct context *c)
{
    if (!sw_listview_fold(&c->place->rows, SW_TUI_UNFOLDED))
        sw_listview_shift(&c->place->rows, 1);
}

static void on_open(const struct context *c)
{
    struct sw_place *p = c->place;
    const struct sw_tui_row *row = sw_listview_selected(&p->rows);
    int child = sw_list_kinds[p->rows.list].child;
    p->open_wanted = !row;
    if (!row)
        return;
    if (child >= 0) {
        sw_ui_push(c->ui, (enum sw_tui_list)child, row->id, sw_listview_selected_name(&p->rows));
        return;
    }
    if (row->fold != SW_TUI_LEAF) {
        (void)sw_listview_fold(&p->rows, row->fold == SW_TUI_FOLDED ? SW_TUI_UNFOLDED : SW_TUI_FOLDED);
        return;
    }
    if (p->panes == SW_PANES_BOTH && sw_ui_layout(c->ui).detail.w > 0) {
        p->focus = SW_FOCUS_DETAIL;
    } else {
        p->panes_before = p->panes == SW_PANES_DETAIL ? p->panes_before : p->panes;
        p->panes = SW_PANES_DETAIL;
        p->detail.scroll = 0;
    }
    p->detail_wanted = true;
}

static void on_artifacts(const struct context *c)
{
    const struct sw_tui_row *row = sw_listview_selected(&c->place->rows);
    if (row)
        sw_ui_push(c->ui, SW_TUI_LIST_ARTIFACTS, row->id, sw_listview_selected_name(&c->place->rows));
}

static void on_back(const struct context *c)
{
    struct sw_place *p = c->place;
    if (c->ui->overlay != SW_OVERLAY_NONE) {
        c->ui->overlay = SW_OVERLAY_NONE;
    } else if (p->panes == SW_PANES_DETAIL) {
        p->panes = p->panes_before == SW_PANES_DETAIL ? SW_PANES_LIST : p->panes_before;
        p->focus = SW_FOCUS_LIST;
    } else if (p->focus != SW_FOCUS_LIST) {
        p->focus = SW_FOCUS_LIST;
    } else if (sw_ui_pop(c->ui)) {
        return;
    } else if (p->rows.mark_count > 0) {
        sw_listview_unmark_all(&p->rows);
        p->detail_wanted = true;
    } else if (p->rows.filter[0]) {
        sw_listview_set_filter(&p->rows, "");
    }
}

static void on_screen(const struct context *c)
{
    for (int s = 0; s < SW_SCREENS; s++)
        if (!strcmp(sw_screens[s].name, c->action->name))
            sw_ui_go(c->ui, s);
}

static void on_layout(const struct context *c)
{
    struct sw_place *p = c->place;
    p->panes = (enum sw_panes)((p->panes + 1) % SW_PANES_COUNT);
    if (p->panes == SW_PANES_BOTH && sw_ui_layout(c->ui).detail.w == 0)
        p->panes = SW_PANES_DETAIL; // no room for both
    p->panes_before = p->panes == SW_PANES_DETAIL ? SW_PANES_LIST : p->panes;
    p->panes_chosen = true;
    p->focus = p->panes == SW_PANES_DETAIL ? SW_FOCUS_DETAIL : SW_FOCUS_LIST;
    p->detail_wanted = true;
}

static void on_focus(const struct context *c)
{
    struct sw_place *p = c->place;
    struct sw_layout l = sw_ui_layout(c->ui);
    bool can[] = {l.list.w > 0, l.detail.w > 0, l.detail.w > 0 && p->detail.log_at.h > 0};
    for (int i = 1; i <= 3; i++) {
        int next = ((int)p->focus + i) % 3;
        if (can[next]) {
            p->focus = (enum sw_focus)next;
            return;
        }
    }
}

// --- rows ---

static void on_mark(const struct context *c)
{
    struct sw_listview *v = &c->place->rows;
    if (v->selected_id[0]) {
        sw_listview_mark(v, v->selected_id);
        sw_listview_move(v, 1);
    }
    c->place->detail_wanted = true;
}

static void on_base(const struct context *c)
{
    struct sw_listview *v = &c->place->rows;
    bool was_base = !strcmp(v->base, v->selected_id);
    if (!was_base && !sw_listview_is_marked(v, v->selected_id))
        sw_listview_mark(v, v->selected_id);
    snprintf(v->base, sizeof v->base, "%s", was_base ? "" : v->selected_id);
    if (v->mark_count < 2)
        sw_ui_message(c->ui, SW_TUI_DIM, "mark more rows with space to compare them");
    c->place->detail_wanted = true;
}

static void on_next_difference(const struct context *c)
{
    if (!sw_detailview_next_difference(&c->place->detail))
        sw_ui_message(c->ui, SW_TUI_DIM, "no difference is shown; mark two or more rows with space");
}

static void on_filter(const struct context *c)
{
    sw_prompt_open(c->ui, SW_PROMPT_FILTER, c->place->rows.filter);
}
static void on_sort(const struct context *c)
{
    struct sw_listview *v = &c->place->rows;
    sw_listview_sort_next(v);
    sw_ui_message(c->ui, SW_TUI_DIM, v->sort_key[0] ? "sorted by %s" : "in the order they came%s", v->sort_key);
}
static void on_sort_reverse(const struct context *c)
{
    sw_listview_sort_reverse(&c->place->rows);
}

// --- charts and logs ---

static void on_chart_next(const struct context *c)
{
    sw_detailview_next_chart(&c->place->detail, 1);
}
static void on_chart_previous(const struct context *c)
{
    sw_detailview_next_chart(&c->place->detail, -1);
}
static void on_follow(const struct context *c)
{
    struct sw_logview *log = &c->place->detail.log;
    sw_logview_follow(log, !log->is_following);
    sw_ui_message(c->ui, SW_TUI_DIM, log->is_following ? "following the log" : "not following the log");
}
static void on_rank_next(const struct context *c)
{
    sw_logview_set_rank(&c->place->detail.log, c->place->detail.log.rank + 1);
}
static void on_rank_previous(const struct context *c)
{
    sw_logview_set_rank(&c->place->detail.log, c->place->detail.log.rank - 1);
}

// --- the program ---

static void on_command(const struct context *c)
{
    sw_prompt_open(c->ui, SW_PROMPT_COMMAND, "");
}

static void on_refresh(const struct context *c)
{
    c->ui->status_next_ms = 0;
    c->place->detail_mark = 0;
    sw_ui_refresh(c->ui);
}

static void on_freeze(const struct context *c)
{
    c->ui->is_frozen = !c->ui->is_frozen;
    sw_ui_message(c->ui, SW_TUI_DIM, c->ui->is_frozen ? "held: Z lets it run on" : "running on");
    if (!c->ui->is_frozen)
        sw_ui_refresh(c->ui);
}

static void on_theme(const struct context *c)
{
    c->ui->theme = sw_theme_next(c->ui->theme);
    c->ui->pictures.palette = c->ui->colours >= 256 && c->ui->theme->has_colour;
    sw_ui_message(c->ui, SW_TUI_DIM, "theme %s", c->ui->theme->name);
}

static void on_mouse(const struct context *c)
{
    c->ui->is_mouse_off = !c->ui->is_mouse_off;
    sw_ui_message(c->ui, SW_TUI_DIM, c->ui->is_mouse_off ? "mouse off: the terminal selects text" : "mouse on");
}

static void on_quit(const struct context *c)
{
    c->ui->is_quit = true;
}

static void on_raw(const struct context *c)
{
    const struct sw_listview *v = &c->place->rows;
    union sw_load_query q = {.raw = {.list = v->list, .parent = v->parent, .id = v->selected_id}};
    if (v->selected_id[0])
        sw_slot_ask(&c->ui->raw, &q);
}

void sw_ui_has_raw(struct sw_ui *ui)
{
    const char *text = ui->raw.result->raw ? ui->raw.result->raw : "";
    ui->page.has_keys = false;
    sw_textview_set(&ui->page, text, strlen(text));
    snprintf(ui->page_title, sizeof ui->page_title, "%s", ui->raw.query->raw.id);
    ui->overlay = SW_OVERLAY_RAW;
    ui->is_dirty = true;
}

static void on_copy(const struct context *c)
{
    struct sw_ui *ui = c->ui;
    const struct sw_tui_detail *d = sw_detailview_get(&c->place->detail);
    bool shows_detail = sw_ui_layout(ui).detail.w > 0;
    const char *text = c->place->rows.selected_id;
    if (ui->overlay == SW_OVERLAY_RAW)
        text = ui->page.text.data;
    else if (ui->overlay == SW_OVERLAY_LOG)
        text = ui->deeds.text.data;
    else if (shows_detail && c->place->focus != SW_FOCUS_LIST && d && d->command)
        text = d->command;
    if (!*text)
        return;
    free(ui->clipboard);
    ui->clipboard = strdup(text);
    if (strlen(text) < 200)
        sw_ui_message(ui, SW_TUI_DIM, "copied: %s", text);
    else
        sw_ui_message(ui, SW_TUI_DIM, "copied %zu bytes", strlen(text));
}

static void on_log(const struct context *c)
{
    c->ui->overlay = SW_OVERLAY_LOG;
    c->ui->deeds.height = 1;
    sw_textview_to_end(&c->ui->deeds);
}

static void on_audit(const struct context *c)
{
    c->ui->overlay = SW_OVERLAY_NONE;
    if (c->place->rows.list != SW_TUI_LIST_AUDIT)
        sw_ui_push(c->ui, SW_TUI_LIST_AUDIT, "", "audit");
}

#define HELP_INDENT 24 // columns before the text: frame, margin, key

// One key and its text, broken at blanks to the width of the screen.
static void add_help(const struct sw_ui *ui, struct sw_buf *out, const char *key, const char *text)
{
    int room = ui->grid.width > HELP_INDENT + 20 ? ui->grid.width - HELP_INDENT : 20;
    for (size_t len = strlen(text), at = 0; at < len; key = "") {
        size_t end = at + sw_text_fit(text + at, len - at, room, NULL), blank = end;
        while (end < len && blank > at && text[blank] != ' ')
            blank--;
        if (blank > at)
            end = blank;
        sw_buf_addf(out, "%s\t%.*s\n", key, (int)(end - at), text + at);
        at = end + (end < len && text[end] == ' ');
    }
}

static void add_help_lines(const struct sw_ui *ui, struct sw_buf *out, unsigned place, bool backend, bool only_by_name)
{
    for (size_t i = 0; i < sw_tui_action_count; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        char key[64], text[256];
        if (!(a->places & place) || (a->kind != SW_TUI_DO_LOCAL) != backend || (a->keys[0] == '\0') != only_by_name)
            continue;
        snprintf(key, sizeof key, ":%s", a->name);
        snprintf(text, sizeof text, "%s%s%s%s%s", a->help, a->is_danger ? "; asks first" : "", only_by_name ? "" : " (",
                 only_by_name ? "" : key, only_by_name ? "" : ")");
        add_help(ui, out, only_by_name ? key : a->keys, text);
    }
}

static void on_help(const struct context *c)
{
    struct sw_ui *ui = c->ui;
    struct sw_buf text;
    ui->overlay = SW_OVERLAY_NONE;
    unsigned place = sw_ui_place_bit(ui);
    sw_buf_init(&text, 64 * 1024);
    sw_buf_addf(&text, "%cWhat can be done here\n", SW_TEXT_HEADING);
    add_help_lines(ui, &text, place, true, false);
    sw_buf_addf(&text, "\n%cMoving and looking\n", SW_TEXT_HEADING);
    add_help_lines(ui, &text, place, false, false);
    sw_buf_addf(&text, "\n%cBy name only\n", SW_TEXT_HEADING);
    add_help_lines(ui, &text, place, true, true);
    add_help_lines(ui, &text, place, false, true);
    sw_buf_addf(&text,
                "\n%cIn forms\nTab, Down, Up\tgo from field to field\nLeft, Right\tchange a choice\n"
                "ctrl-n, ctrl-p\tgo through known values\nPgDn, PgUp\tscroll the preview\n"
                "Enter\tgo on; on a button: do it\nctrl-o\tto the buttons\nEsc\tleave the form, nothing is done\n",
                SW_TEXT_HEADING);
    ui->page.has_keys = true;
    sw_textview_set(&ui->page, text.data, text.len);
    sw_buf_free(&text);
    snprintf(ui->page_title, sizeof ui->page_title, "keys");
    ui->overlay = SW_OVERLAY_HELP;
}

// --- the backend's actions ---

static void note_deed(struct sw_ui *ui, const char *action, const struct sw_tui_outcome *o)
{
    struct sw_buf line;
    char when[32];
    sw_buf_init(&line, 16 * 1024);
    sw_buf_addf(&line, "%s  %s: %s\n", sw_format_time(when, sizeof when, ui->wall_ms), action,
                o->message ? o->message : "");
    if (o->command && *o->command)
        sw_buf_addf(&line, "    %s\n", o->command);
    if (!sw_textview_append(&ui->deeds, line.data, line.len)) { // full: the older half goes
        const char *half = memchr(ui->deeds.text.data + ui->deeds.text.len / 2, '\n', ui->deeds.text.len / 2);
        sw_textview_drop_front(&ui->deeds, half ? (size_t)(half - ui->deeds.text.data) + 1 : ui->deeds.text.len);
        sw_textview_append(&ui->deeds, line.data, line.len);
    }
    sw_buf_free(&line);
}

static void push_undo(struct sw_ui *ui, const char *token, const char *text)
{
    if (ui->undo_count == SW_UNDO_MAX) {
        free(ui->undo[0].token);
        free(ui->undo[0].text);
        memmove(&ui->undo[0], &ui->undo[1], (SW_UNDO_MAX - 1) * sizeof ui->undo[0]);
        ui->undo_count--;
    }
    struct sw_undo u = {strdup(token), strdup(text ? text : "")};
    if (!u.token || !u.text) {
        free(u.token);
        free(u.text);
        return;
    }
    ui->undo[ui->undo_count++] = u;
}

static int screen_of(enum sw_tui_list list)
{
    for (int s = 0; s < SW_SCREENS; s++)
        if (sw_screens[s].list == list || (int)list == sw_list_kinds[sw_screens[s].list].child)
            return s;
    return -1;
}

// Goes to the row that the deed made or changed.
static void open_outcome(struct sw_ui *ui, const struct sw_tui_outcome *o)
{
    int screen = screen_of(o->open_list);
    if (screen < 0)
        return;
    sw_ui_go(ui, screen);
    while (sw_ui_pop(ui))
        ;
    if (sw_screens[screen].list != o->open_list)
        sw_ui_push(ui, o->open_list, o->open_parent ? o->open_parent : "", o->open_parent ? o->open_parent : "");
    sw_listview_seek(&sw_ui_place(ui)->rows, o->open_id);
}

void sw_ui_take_outcome(struct sw_ui *ui, const char *action, const struct sw_slot *slot)
{
    const struct sw_tui_outcome *o = &slot->result->outcome;
    bool can_undo = o->undo && *o->undo;
    note_deed(ui, action, o);
    if (can_undo)
        push_undo(ui, o->undo, o->message);
    snprintf(ui->undo_reason, sizeof ui->undo_reason, "%s", o->undo_reason ? o->undo_reason : "");
    if (o->open_id && *o->open_id)
        open_outcome(ui, o);
    struct sw_place *p = sw_ui_place(ui);
    if (p)
        sw_listview_unmark_all(&p->rows);
    sw_ui_message(ui, o->role, "%s%s", o->message ? o->message : "done", can_undo ? " (u takes it back)" : "");
}

static void act(struct sw_ui *ui, const struct sw_tui_action_query *q)
{
    union sw_load_query query = {.action = *q};
    if (!sw_slot_ask(&ui->act, &query))
        sw_ui_message(ui, SW_TUI_WARN, "the last action is still under way");
    else
        sw_ui_message(ui, SW_TUI_DIM, "%s…", q->action);
}

static void on_undo(const struct context *c)
{
    struct sw_ui *ui = c->ui;
    if (ui->undo_reason[0]) {
        sw_ui_message(ui, SW_TUI_WARN, "cannot undo: %s", ui->undo_reason);
        ui->undo_reason[0] = '\0';
        return;
    }
    if (ui->undo_count == 0) {
        sw_ui_message(ui, SW_TUI_DIM, "nothing to undo");
        return;
    }
    if (sw_slot_is_busy(&ui->act))
        return;
    struct sw_undo u = ui->undo[--ui->undo_count];
    const char *ids[] = {u.token};
    act(ui, &(struct sw_tui_action_query){
                .action = "undo", .list = c->place->rows.list, .parent = "", .ids = ids, .id_count = 1});
    free(u.token);
    free(u.text);
}

static void on_form_changed(void *owner)
{
    sw_ui_finish_form(owner);
}

static void to_backend(const struct context *c)
{
    struct sw_ui *ui = c->ui;
    const char *ids[SW_MAX_MARKS];
    struct sw_err err = {0};
    struct sw_tui_action_query q = {.action = c->action->name,
                                    .list = c->place->rows.list,
                                    .parent = c->place->rows.parent,
                                    .ids = ids,
                                    .id_count = sw_listview_ids(&c->place->rows, ids)};
    if (c->action->kind == SW_TUI_DO_DIRECT) {
        act(ui, &q);
        return;
    }
    sw_formview_free(&ui->form);
    if (sw_formview_open(&ui->form, &ui->loader, &q, c->action, on_form_changed, ui, &err))
        sw_ui_error(ui, &err);
    else
        ui->overlay = SW_OVERLAY_FORM;
}

void sw_ui_finish_form(struct sw_ui *ui)
{
    struct sw_formview *f = &ui->form;
    ui->is_dirty = true;
    if (f->state == SW_FORM_OPENING && f->form.err.code && !sw_slot_is_busy(&f->form)) {
        sw_ui_error(ui, &f->form.err);
        f->state = SW_FORM_CLOSED;
    } else if (f->state == SW_FORM_DONE) {
        sw_ui_take_outcome(ui, f->action->name, &f->act);
        sw_ui_refresh(ui);
        f->state = SW_FORM_CLOSED;
    }
    // The form itself is freed when the next one opens: this may run inside one of its own calls.
    if (f->state == SW_FORM_CLOSED && ui->overlay == SW_OVERLAY_FORM)
        ui->overlay = SW_OVERLAY_NONE;
}

// --- the table of local actions ---

static const struct {
    const char *name;
    handler run;
} locals[] = {
    {"open", on_open},
    {"artifacts", on_artifacts},
    {"back", on_back},
    {"mark", on_mark},
    {"base", on_base},
    {"next-difference", on_next_difference},
    {"filter", on_filter},
    {"sort", on_sort},
    {"sort-reverse", on_sort_reverse},
    {"follow", on_follow},
    {"rank-next", on_rank_next},
    {"rank-previous", on_rank_previous},
    {"chart-next", on_chart_next},
    {"chart-previous", on_chart_previous},
    {"undo", on_undo},
    {"command", on_command},
    {"layout", on_layout},
    {"focus", on_focus},
    {"raw", on_raw},
    {"copy", on_copy},
    {"refresh", on_refresh},
    {"freeze", on_freeze},
    {"log", on_log},
    {"audit", on_audit},
    {"mouse", on_mouse},
    {"theme", on_theme},
    {"data", on_screen},
    {"train", on_screen},
    {"runs", on_screen},
    {"models", on_screen},
    {"cluster", on_screen},
    {"gpu", on_screen},
    {"down", on_down},
    {"up", on_up},
    {"page-down", on_page_down},
    {"page-up", on_page_up},
    {"first", on_first},
    {"last", on_last},
    {"left", on_left},
    {"right", on_right},
    {"help", on_help},
    {"quit", on_quit},
};

static handler find_local(const char *name)
{
    for (size_t i = 0; i < sizeof locals / sizeof locals[0]; i++)
        if (!strcmp(locals[i].name, name))
            return locals[i].run;
    return NULL;
}

bool sw_ui_has_handler(const char *local_action)
{
    return find_local(local_action) != NULL;
}

void sw_ui_do(struct sw_ui *ui, const struct sw_tui_action *action)
{
    struct context c = {ui, sw_ui_place(ui), action};
    if (!c.place || !(action->places & sw_ui_place_bit(ui)))
        return;
    if (action->needs_row && !c.place->rows.selected_id[0] && c.place->rows.mark_count == 0) {
        const struct sw_tui_table *t = sw_listview_table(&c.place->rows);
        bool is_coming = !t || t->total > 0;
        c.place->open_wanted = is_coming && !strcmp(action->name, "open");
        if (!c.place->open_wanted)
            sw_ui_message(ui, SW_TUI_DIM,
                          is_coming ? "%s: the row is not here yet" : "%s needs a row, and there is none",
                          action->name);
        return;
    }
    ui->is_dirty = true;
    handler run = action->kind == SW_TUI_DO_LOCAL ? find_local(action->name) : to_backend;
    if (run)
        run(&c);
}
