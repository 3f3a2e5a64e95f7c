// SPDX-License-Identifier: Apache-2.0
#include "tui/formview.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/detailview.h"
#include "tui/layout.h"

#define LABEL_COLUMNS 20

static void on_form(void *owner, struct sw_slot *slot, enum sw_code code);
static void on_act(void *owner, struct sw_slot *slot, enum sw_code code);
static void submit(struct sw_formview *f);

const struct sw_tui_form *sw_formview_get(const struct sw_formview *f)
{
    return f->form.result ? &f->form.result->form : NULL;
}

// --- what is asked of the backend ---

// Values that differ from their option's default, or that the backend proposed.
static size_t collect(const struct sw_formview *f, struct sw_tui_value values[static SW_FORM_FIELDS])
{
    const struct sw_tui_form *form = sw_formview_get(f);
    size_t n = 0;
    for (size_t i = 0; form && i < f->entry_count; i++) {
        const struct sw_form_entry *e = &f->entries[i];
        const char *otherwise = form->fields[i].option->otherwise;
        bool is_default = otherwise && !strcmp(otherwise, e->edit.text);
        if (e->edit.len > 0 && (!is_default || form->fields[i].value))
            values[n++] = (struct sw_tui_value){e->name, e->edit.text};
    }
    return n;
}

static bool ask(struct sw_formview *f, struct sw_slot *slot)
{
    struct sw_tui_value values[SW_FORM_FIELDS];
    union sw_load_query q = {.action = {.action = f->action->name,
                                        .list = f->list,
                                        .parent = f->parent,
                                        .ids = (const char *const *)f->ids,
                                        .id_count = f->id_count,
                                        .values = values,
                                        .value_count = collect(f, values)}};
    return sw_slot_ask(slot, &q);
}

static void ask_preview(struct sw_formview *f)
{
    f->is_stale = !ask(f, &f->form);
}

enum sw_code sw_formview_open(struct sw_formview *f, struct sw_loader *l, const struct sw_tui_action_query *q,
                              const struct sw_tui_action *action, sw_formview_fn changed, void *owner,
                              struct sw_err *err)
{
    *f = (struct sw_formview){.action = action, .list = q->list, .changed = changed, .owner = owner};
    sw_slot_init(&f->form, l, SW_LOAD_FORM, on_form, f);
    sw_slot_init(&f->act, l, SW_LOAD_ACT, on_act, f);
    f->entries = calloc(SW_FORM_FIELDS, sizeof *f->entries);
    f->parent = strdup(q->parent);
    f->ids = calloc(q->id_count + 1, sizeof *f->ids);
    if (!f->entries || !f->parent || !f->ids)
        goto no_memory;
    for (; f->id_count < q->id_count; f->id_count++) {
        f->ids[f->id_count] = strdup(q->ids[f->id_count]);
        if (!f->ids[f->id_count])
            goto no_memory;
    }
    ask_preview(f);
    return SW_OK;
no_memory:
    sw_formview_free(f);
    return sw_err_set(err, SW_NO_MEMORY, "no memory for a form");
}

void sw_formview_free(struct sw_formview *f)
{
    if (!f->action)
        return;
    sw_slot_free(&f->form);
    sw_slot_free(&f->act);
    for (size_t i = 0; i < f->id_count; i++)
        free(f->ids[i]);
    free(f->ids);
    free(f->parent);
    free(f->entries);
    *f = (struct sw_formview){.state = SW_FORM_CLOSED};
}

// --- focus: 0..fields-1, then the word, then submit, then cancel ---

static bool has_word(const struct sw_formview *f)
{
    const struct sw_tui_form *form = sw_formview_get(f);
    return form && form->confirm_word && *form->confirm_word;
}
static int word_focus(const struct sw_formview *f)
{
    return (int)f->entry_count;
}
static int submit_focus(const struct sw_formview *f)
{
    return (int)f->entry_count + (has_word(f) ? 1 : 0);
}
static int cancel_focus(const struct sw_formview *f)
{
    return submit_focus(f) + 1;
}
static int first_button(const struct sw_formview *f)
{
    return f->action->is_danger || f->action->kind == SW_TUI_DO_CONFIRM ? cancel_focus(f) : submit_focus(f);
}

// Takes over the fields of a new snapshot; what the user typed stays.
static void adopt_fields(struct sw_formview *f)
{
    const struct sw_tui_form *form = sw_formview_get(f);
    size_t count = form->field_count < SW_FORM_FIELDS ? form->field_count : SW_FORM_FIELDS;
    struct sw_form_entry *old = f->entries, *fresh = calloc(SW_FORM_FIELDS, sizeof *fresh);
    if (!fresh)
        return;
    bool on_buttons = f->state == SW_FORM_OPEN && f->focus >= submit_focus(f);
    int from_submit = f->focus - submit_focus(f);
    for (size_t i = 0; i < count; i++) {
        const struct sw_tui_field *field = &form->fields[i];
        struct sw_form_entry *e = &fresh[i];
        snprintf(e->name, sizeof e->name, "%s", field->option->name);
        for (size_t k = 0; k < f->entry_count; k++)
            if (old[k].is_touched && !strcmp(old[k].name, e->name))
                *e = old[k];
        const char *value = field->value ? field->value : field->option->otherwise;
        if (!e->is_touched)
            sw_lineedit_set(&e->edit, value ? value : "");
    }
    free(old);
    f->entries = fresh;
    f->entry_count = count;
    if (on_buttons)
        f->focus = submit_focus(f) + from_submit;
    if (f->state == SW_FORM_OPENING)
        f->focus = count > 0 ? 0 : first_button(f);
    if (f->focus > cancel_focus(f))
        f->focus = cancel_focus(f);
}

static void on_form(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_formview *f = owner;
    if (code == SW_OK) {
        adopt_fields(f);
        if (f->state == SW_FORM_OPENING)
            f->state = SW_FORM_OPEN;
    }
    if (slot->has_newer || f->is_stale)
        ask_preview(f);
    else if (f->submit_wanted)
        submit(f);
    f->changed(f->owner);
}

static void on_act(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_formview *f = owner;
    f->state = code == SW_OK ? SW_FORM_DONE : SW_FORM_OPEN;
    f->error = slot->err;
    f->changed(f->owner);
}

void sw_formview_tick(struct sw_formview *f)
{
    if (f->is_stale && f->state != SW_FORM_CLOSED)
        ask_preview(f);
}

// --- checking ---

static bool field_error(const struct sw_formview *f, size_t i, struct sw_err *err)
{
    const struct sw_option *o = sw_formview_get(f)->fields[i].option;
    const struct sw_lineedit *e = &f->entries[i].edit;
    *err = (struct sw_err){0};
    if (e->len > 0)
        return sw_option_check(o, e->text, err) != SW_OK;
    return o->required && sw_err_set(err, SW_USAGE, "%s is needed", o->name);
}

static bool is_preview_pending(const struct sw_formview *f)
{
    return f->is_stale || sw_slot_is_busy(&f->form);
}

const char *sw_formview_refusal(struct sw_formview *f, char *dst, size_t size)
{
    const struct sw_tui_form *form = sw_formview_get(f);
    struct sw_err err;
    if (!form)
        return "the form is not here yet";
    if (f->state == SW_FORM_ACTING)
        return "under way…";
    for (size_t i = 0; i < f->entry_count; i++) {
        if (field_error(f, i, &err)) {
            snprintf(dst, size, "%s", err.message);
            return dst;
        }
    }
    if (is_preview_pending(f))
        return "the preview is not up to date yet";
    if (f->form.err.code) {
        snprintf(dst, size, "%s", f->form.err.message);
        return dst;
    }
    if (form->blocked && *form->blocked)
        return form->blocked;
    if (has_word(f) && strcmp(f->confirm.text, form->confirm_word) != 0) {
        snprintf(dst, size, "type %s to confirm", form->confirm_word);
        return dst;
    }
    return NULL;
}

static void submit(struct sw_formview *f)
{
    char reason[600];
    f->shows_errors = true;
    f->error = (struct sw_err){0};
    f->submit_wanted = is_preview_pending(f) && !f->action->is_danger;
    if (!sw_formview_refusal(f, reason, sizeof reason) && ask(f, &f->act))
        f->state = SW_FORM_ACTING;
}

// --- keys ---

static void touched(struct sw_formview *f, size_t i)
{
    f->entries[i].is_touched = true;
    ask_preview(f);
}

// Cycles the value through "a|b|c" or through the suggestions.
static void cycle_choice(struct sw_lineedit *e, const char *choices, int by)
{
    const char *words[64];
    size_t lens[64], count = 0, at = 0;
    for (const char *p = choices; *p && count < 64; p += lens[count - 1] + (p[lens[count - 1]] ? 1 : 0)) {
        words[count] = p;
        lens[count] = strcspn(p, "|");
        if (e->len == lens[count] && !memcmp(e->text, p, lens[count]))
            at = count;
        count++;
    }
    if (count == 0)
        return;
    bool is_known = e->len == lens[at] && !memcmp(e->text, words[at], lens[at]);
    size_t next = is_known ? (at + count + (size_t)(by + (int)count)) % count : 0;
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)lens[next], words[next]);
    sw_lineedit_set(e, text);
}

static void cycle_suggestion(struct sw_lineedit *e, const struct sw_tui_field *field, int by)
{
    int count = (int)field->suggestion_count, at = by > 0 ? -1 : 0;
    for (int i = 0; i < count; i++)
        if (!strcmp(field->suggestions[i], e->text))
            at = i;
    if (count > 0)
        sw_lineedit_set(e, field->suggestions[(at + by + count) % count]);
}

static bool field_key(struct sw_formview *f, size_t i, uint32_t code)
{
    const struct sw_tui_field *field = &sw_formview_get(f)->fields[i];
    struct sw_lineedit *e = &f->entries[i].edit;
    enum sw_option_type type = field->option->type;
    int by = code == SW_KEY_RIGHT || code == ' ' || code == SW_KEY_CTRL('n') ? 1
             : code == SW_KEY_LEFT || code == SW_KEY_CTRL('p')               ? -1
                                                                             : 0;
    if (type == SW_OPTION_CHOICE || type == SW_OPTION_FLAG) {
        if (by == 0)
            return false;
        cycle_choice(e, type == SW_OPTION_FLAG ? "false|true" : field->option->choices, by);
    } else if (by != 0 && code <= 26) {
        cycle_suggestion(e, field, by);
    } else if (!sw_lineedit_key(e, code)) {
        return false;
    } else if (code == SW_KEY_LEFT || code == SW_KEY_RIGHT || code == SW_KEY_HOME || code == SW_KEY_END) {
        return true; // the text is the same
    }
    touched(f, i);
    return true;
}

static void move_focus(struct sw_formview *f, int by)
{
    int count = cancel_focus(f) + 1;
    f->focus = (f->focus + by + count) % count;
}

static void enter(struct sw_formview *f)
{
    if (f->focus == cancel_focus(f))
        f->state = SW_FORM_CLOSED;
    else if (f->focus == submit_focus(f))
        submit(f);
    else if (f->focus + 1 < submit_focus(f))
        f->focus++;
    else
        f->focus = first_button(f);
}

static void click(struct sw_formview *f, const struct sw_key *key)
{
    for (int i = 0; i <= cancel_focus(f); i++) {
        struct sw_rect r = f->hits[i];
        if (key->x < r.x || key->y < r.y || key->x >= r.x + r.w || key->y >= r.y + r.h)
            continue;
        f->focus = i;
        if (i >= submit_focus(f))
            enter(f);
        return;
    }
}

void sw_formview_key(struct sw_formview *f, const struct sw_key *key)
{
    uint32_t code = key->code;
    f->submit_wanted = false;
    if (code == SW_KEY_ESC) {
        f->state = SW_FORM_CLOSED; // what is under way goes on and reports to nobody; the screens will show it
        return;
    }
    if (f->state != SW_FORM_OPEN)
        return;
    if (code == SW_KEY_CLICK)
        click(f, key);
    else if (code == SW_KEY_PAGE_DOWN || code == SW_KEY_WHEEL_DOWN)
        f->preview_scroll += 3;
    else if (code == SW_KEY_PAGE_UP || code == SW_KEY_WHEEL_UP)
        f->preview_scroll -= f->preview_scroll < 3 ? f->preview_scroll : 3;
    else if (code == SW_KEY_TAB || code == SW_KEY_DOWN)
        move_focus(f, 1);
    else if (code == SW_KEY_BACK_TAB || code == SW_KEY_UP)
        move_focus(f, -1);
    else if (code == SW_KEY_ENTER)
        enter(f);
    else if (code == SW_KEY_CTRL('o'))
        f->focus = first_button(f);
    else if (f->focus < (int)f->entry_count)
        field_key(f, (size_t)f->focus, code);
    else if (has_word(f) && f->focus == word_focus(f))
        sw_lineedit_key(&f->confirm, code);
    else if (code == SW_KEY_LEFT || code == SW_KEY_RIGHT)
        f->focus = f->focus == submit_focus(f) ? cancel_focus(f) : submit_focus(f);
    else if (code == 'y' && !f->action->is_danger)
        submit(f);
}

// --- painting ---

static void note_hit(struct sw_formview *f, const struct sw_canvas *c, int focus, struct sw_rect r)
{
    f->hits[focus] = (struct sw_rect){c->x + r.x, c->y + r.y, r.w, r.h};
}

static void paint_edit(struct sw_formview *f, struct sw_canvas *c, int focus, const struct sw_lineedit *e, int x, int y,
                       int width)
{
    bool has_focus = f->focus == focus;
    int attr = has_focus ? SW_ATTR_SELECTED : 0;
    int at = sw_lineedit_paint(e, c, x, y, width, sw_style_attr(SW_UI_FIELD, attr));
    note_hit(f, c, focus, (struct sw_rect){0, y, c->w, 1});
    if (has_focus) {
        f->cursor_x = c->x + at;
        f->cursor_y = c->y + y;
    }
}

static void describe(const struct sw_tui_field *field, char *dst, size_t size)
{
    const struct sw_option *o = field->option;
    size_t len = 0;
    dst[0] = '\0';
    if (o->type == SW_OPTION_CHOICE || o->type == SW_OPTION_FLAG)
        len = (size_t)snprintf(dst, size, "< > ");
    else if (field->suggestion_count > 0)
        len = (size_t)snprintf(dst, size, "ctrl-n: %zu known · ", field->suggestion_count);
    else if (o->type == SW_OPTION_INT || o->type == SW_OPTION_REAL) {
        if (o->min < o->max)
            len = (size_t)snprintf(dst, size, "%g to %g · ", o->min, o->max);
    }
    if (len < size)
        snprintf(dst + len, size - len, "%s", o->help ? o->help : "");
}

// One field: label, value, what it is; its error below. Returns the lines it took.
static int paint_field(struct sw_formview *f, struct sw_canvas *c, size_t i, int y)
{
    const struct sw_tui_field *field = &sw_formview_get(f)->fields[i];
    int label = c->w / 3 < LABEL_COLUMNS ? c->w / 3 : LABEL_COLUMNS;
    int width = c->w - label - 3;
    bool has_room = width > 44;
    struct sw_err err;
    sw_canvas_put(c, 0, y, f->focus == (int)i ? 0x258c : ' ', sw_style(SW_UI_KEY));
    sw_canvas_textf(c, 1, y, label, sw_style(SW_UI_HEADER), "%s%s", field->option->name,
                    field->option->required ? " *" : "");
    paint_edit(f, c, (int)i, &f->entries[i].edit, label + 2, y, has_room ? width / 2 : width);
    if (has_room) {
        char note[256];
        describe(field, note, sizeof note);
        sw_canvas_text(c, label + 4 + width / 2, y, width - width / 2 - 2, note, sw_style(SW_TUI_DIM));
    }
    if (!(f->entries[i].is_touched || f->shows_errors) || !field_error(f, i, &err))
        return 1;
    sw_canvas_text(c, label + 2, y + 1, width, err.message, sw_style(SW_TUI_ERROR));
    return 2;
}

static int paint_fields(struct sw_formview *f, struct sw_canvas *c)
{
    int y = 0;
    for (size_t i = 0; i < f->entry_count; i++)
        y += paint_field(f, c, i, y);
    if (has_word(f)) {
        int used = sw_canvas_textf(c, 1, y + 1, c->w - 12, sw_style(SW_TUI_DANGER), "type %s to confirm",
                                   sw_formview_get(f)->confirm_word);
        paint_edit(f, c, word_focus(f), &f->confirm, used + 3, y + 1, c->w - used - 4);
        y += 2;
    }
    return y;
}

static void paint_preview(struct sw_formview *f, struct sw_canvas *c)
{
    const struct sw_tui_form *form = sw_formview_get(f);
    struct sw_canvas s = sw_canvas_scrolled(c, f->preview_scroll, c->h);
    int y = 0;
    if (form->check_count > 0) {
        sw_heading_paint(&s, 0, y++, c->w, "verdict");
        y += sw_checks_paint(&s, y, form->checks, form->check_count);
    }
    if (form->preview && *form->preview) {
        sw_heading_paint(&s, 0, y++, c->w, form->preview_title ? form->preview_title : "preview");
        y += sw_text_wrap(&s, 1, y, c->w - 2, form->preview, sw_style(SW_TUI_NORMAL));
    }
    int most = y > c->h ? y - c->h : 0;
    if (f->preview_scroll > most)
        f->preview_scroll = most;
}

static int paint_button(struct sw_formview *f, struct sw_canvas *c, int focus, int x, int y, const char *word,
                        unsigned role)
{
    bool has_focus = f->focus == focus;
    int used = sw_canvas_textf(c, x, y, c->w - x, sw_style_attr(role, has_focus ? SW_ATTR_REVERSE : 0),
                               has_focus ? "[>%s<]" : "[ %s ]", word);
    note_hit(f, c, focus, (struct sw_rect){x, y, used, 1});
    if (has_focus) {
        f->cursor_x = c->x + x + 1;
        f->cursor_y = c->y + y;
    }
    return x + used + 2;
}

// What the focused field is, where its line has no room for that.
static void paint_note(const struct sw_formview *f, struct sw_canvas *c, int y)
{
    char note[256];
    if (f->focus >= (int)f->entry_count)
        return;
    describe(&sw_formview_get(f)->fields[f->focus], note, sizeof note);
    sw_canvas_textf(c, 1, y, c->w - 2, sw_style(SW_TUI_DIM), "%s: %s", f->entries[f->focus].name, note);
}

static void paint_foot(struct sw_formview *f, struct sw_canvas *c, int y)
{
    char reason[600];
    const char *refusal = sw_formview_refusal(f, reason, sizeof reason);
    if (f->error.code)
        sw_canvas_textf(c, 1, y, c->w - 2, sw_style(SW_TUI_ERROR), "%s%s%s", f->error.message,
                        f->error.hint[0] ? " - " : "", f->error.hint);
    else if (refusal)
        sw_canvas_text(c, 1, y, c->w - 2, refusal, sw_style(SW_TUI_WAITING));
    const char *verb = f->action->hint[0] ? f->action->hint : f->action->name;
    int x = paint_button(f, c, submit_focus(f), 1, y + 1, verb, f->action->is_danger ? SW_TUI_DANGER : SW_UI_BUTTON);
    paint_button(f, c, cancel_focus(f), x, y + 1, "cancel", SW_UI_BUTTON);
}

static void paint_fields_in_view(struct sw_formview *f, struct sw_canvas *c)
{
    // Fields take one line each, two with an error; keeping the focused one in the middle is exact enough.
    int middle = f->focus - c->h / 2;
    struct sw_canvas nowhere = *c;
    nowhere.clip.w = nowhere.clip.h = 0;
    int height = paint_fields(f, &nowhere);
    f->field_top = middle > height - c->h ? height - c->h : middle;
    if (f->field_top < 0)
        f->field_top = 0;
    struct sw_canvas s = sw_canvas_scrolled(c, f->field_top, c->h);
    paint_fields(f, &s);
}

void sw_formview_paint(struct sw_formview *f, struct sw_canvas *c)
{
    const struct sw_tui_form *form = sw_formview_get(f);
    f->cursor_x = c->x;
    f->cursor_y = c->y;
    if (!form) {
        sw_canvas_text(c, 1, 0, c->w - 1, f->form.err.code ? f->form.err.message : "loading…",
                       sw_style(f->form.err.code ? SW_TUI_ERROR : SW_TUI_DIM));
        return;
    }
    int room = c->h - 2;
    if (c->h >= 8)
        paint_note(f, c, --room);
    struct sw_rect fields = {0, 0, c->w, room}, preview = {0, 0, 0, 0};
    int needed = (int)f->entry_count + (has_word(f) ? 2 : 0) + 1;
    bool has_preview = (form->preview && *form->preview) || form->check_count > 0;
    if (has_preview && c->w >= SW_WIDE - 2) {
        fields.w = c->w / 2;
        preview = (struct sw_rect){fields.w + 1, 0, c->w - fields.w - 1, room};
    } else if (has_preview) {
        fields.h = needed < room - 4 ? needed : room / 2;
        preview = (struct sw_rect){0, fields.h, c->w, room - fields.h};
    }
    struct sw_canvas area = sw_canvas_sub(c, fields);
    paint_fields_in_view(f, &area);
    if (has_preview) {
        area = sw_canvas_sub(c, preview);
        paint_preview(f, &area);
    }
    paint_foot(f, c, c->h - 2);
}
