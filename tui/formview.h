// SPDX-License-Identifier: Apache-2.0
// The form of an action: typed fields with errors beside them, a preview that follows what is typed, the policy's
// verdict, and two buttons. Of a dangerous action Cancel has the focus first and the key that opened the form does
// nothing in it; where the backend asks for a word, it must be typed.
#ifndef SW_TUI_FORMVIEW_H
#define SW_TUI_FORMVIEW_H

#include "tui/key.h"
#include "tui/lineedit.h"
#include "tui/loader.h"

#define SW_FORM_FIELDS 64

struct sw_form_entry {
    char name[64];
    struct sw_lineedit edit;
    bool is_touched;
};

enum sw_form_state { SW_FORM_OPENING, SW_FORM_OPEN, SW_FORM_ACTING, SW_FORM_DONE, SW_FORM_CLOSED };

typedef void (*sw_formview_fn)(void *owner);

struct sw_formview {
    enum sw_form_state state;
    const struct sw_tui_action *action;
    enum sw_tui_list list;
    char *parent;
    char **ids;
    size_t id_count;
    struct sw_slot form, act;
    sw_formview_fn changed;
    void *owner;
    struct sw_form_entry *entries;
    size_t entry_count;
    struct sw_lineedit confirm;
    int focus;           // fields, then the word to type, then submit, then cancel
    bool is_stale;       // values changed since the preview was asked for
    bool submit_wanted;  // Enter came before the preview did; of a dangerous action that is not enough
    bool shows_errors;   // also of fields not touched: after a refused submit
    struct sw_err error; // of the last act
    int preview_scroll, field_top;
    int cursor_x, cursor_y;                  // in the grid, after a paint
    struct sw_rect hits[SW_FORM_FIELDS + 3]; // in the grid, by focus
};

enum sw_code sw_formview_open(struct sw_formview *f, struct sw_loader *l, const struct sw_tui_action_query *q,
                              const struct sw_tui_action *action, sw_formview_fn changed, void *owner,
                              struct sw_err *err);
void sw_formview_free(struct sw_formview *f);
const struct sw_tui_form *sw_formview_get(const struct sw_formview *f); // NULL until loaded
void sw_formview_key(struct sw_formview *f, const struct sw_key *key);
void sw_formview_tick(struct sw_formview *f);
// Why it cannot be submitted now; NULL = it can. Borrow.
const char *sw_formview_refusal(struct sw_formview *f, char *dst, size_t size);
void sw_formview_paint(struct sw_formview *f, struct sw_canvas *c);

#endif
