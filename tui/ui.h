// SPDX-License-Identifier: Apache-2.0
// The state of the application without its terminal: screens, places, overlays, prompt, message line. Keys and ticks
// go in, a painted grid comes out, so that a test can drive the whole of it. All functions run on one thread.
#ifndef SW_TUI_UI_H
#define SW_TUI_UI_H

#include "tui/detailview.h"
#include "tui/formview.h"
#include "tui/layout.h"
#include "tui/listview.h"
#include "tui/tui.h"

#define SW_SCREENS     6
#define SW_DEPTH       4
#define SW_UNDO_MAX    32
#define SW_HISTORY_MAX 50
#define SW_HITS_MAX    96

enum sw_focus { SW_FOCUS_LIST, SW_FOCUS_DETAIL, SW_FOCUS_LOG };

// A list with its detail: where the user is. Heap-allocated and never moved, since calls under way point into it.
struct sw_place {
    struct sw_ui *ui;
    char *title; // of the row that was opened to get here, "" at the top
    struct sw_listview rows;
    struct sw_detailview detail;
    enum sw_panes panes, panes_before; // before Enter showed the detail alone
    bool panes_chosen;                 // by the user: a change of size leaves it
    enum sw_focus focus;
    bool detail_wanted;
    bool open_wanted;     // Enter came before the row did
    uint64_t detail_mark; // of the row whose detail was asked for last, where details follow rows
};

enum sw_overlay { SW_OVERLAY_NONE, SW_OVERLAY_HELP, SW_OVERLAY_RAW, SW_OVERLAY_LOG, SW_OVERLAY_FORM };
enum sw_prompt_kind { SW_PROMPT_NONE, SW_PROMPT_COMMAND, SW_PROMPT_FILTER };

struct sw_prompt {
    enum sw_prompt_kind kind;
    struct sw_lineedit edit;
    char *history[SW_HISTORY_MAX];
    size_t history_count, history_at;
};

// What a click at a place of the screen means.
enum sw_hit_kind { SW_HIT_SCREEN, SW_HIT_ACTION };
struct sw_hit {
    struct sw_rect at;
    enum sw_hit_kind kind;
    size_t index; // of the screen or action
};

struct sw_undo {
    char *token;
    char *text;
};

struct sw_ui {
    struct sw_loader loader;
    struct sw_grid grid;
    const struct sw_theme *theme;
    struct sw_pictures pictures;
    int colours; // of the terminal, 0 = none
    int64_t wall_ms;

    struct sw_place *stack[SW_SCREENS][SW_DEPTH];
    int depth[SW_SCREENS];
    int screen; // 0..SW_SCREENS-1

    enum sw_overlay overlay;
    struct sw_textview page; // of help and raw object
    char page_title[160];
    struct sw_textview deeds; // the action log
    struct sw_formview form;
    struct sw_prompt prompt;

    char message[800];
    enum sw_tui_role message_role;
    int64_t message_ms; // when it was said, monotonic

    struct sw_slot status, changes, raw, act;
    int64_t status_next_ms, changes_next_ms, seen_changes, seen_event;
    bool has_changes, has_event;
    struct sw_undo undo[SW_UNDO_MAX];
    size_t undo_count;
    char undo_reason[200]; // why the last deed cannot be undone

    struct sw_hit hits[SW_HITS_MAX];
    size_t hit_count;
    struct sw_rect list_at, detail_at; // insides of the frames of the last paint
    int cursor_x, cursor_y;
    bool is_frozen, is_mouse_off;
    bool is_dirty; // something to paint
    bool is_quit;
    bool wants_suspend;
    char *clipboard; // text to copy, taken by the main loop
};

// `colours`: of the terminal, 0 = none. The pool is borrowed and must be drained by the caller.
enum sw_code sw_ui_init(struct sw_ui *ui, const struct sw_tui_options *o, const struct sw_tui_backend *b, void *ctx,
                        struct sw_pool *pool, bool is_utf8, int colours, int width, int height, struct sw_err *err);
void sw_ui_free(struct sw_ui *ui);
void sw_ui_key(struct sw_ui *ui, const struct sw_key *key);
void sw_ui_resize(struct sw_ui *ui, int width, int height);
// Call about every 100 ms and after draining the pool: asks for what is due.
void sw_ui_tick(struct sw_ui *ui, int64_t mono_ms, int64_t wall_ms);
void sw_ui_paint(struct sw_ui *ui);
bool sw_ui_is_loading(const struct sw_ui *ui); // any call under way for what is shown

// --- shared by the files of the user interface ---

struct sw_screen {
    const char *name;  // of the action that goes there, and in the crumbs
    const char *title; // on the tab
    enum sw_tui_list list;
};
extern const struct sw_screen sw_screens[SW_SCREENS];

// What the user interface knows about a list.
struct sw_list_kind {
    unsigned place;     // bit of the action table
    const char *noun;   // "runs"
    int child;          // list that Enter opens, -1 = the detail
    int list_percent;   // of the width when side by side
    bool detail_beside; // where there is room, show the detail without being asked
    bool follows_row;   // a detail changes only with its row: it may be a large file
};
extern const struct sw_list_kind sw_list_kinds[SW_TUI_LIST_COUNT];

struct sw_place *sw_ui_place(const struct sw_ui *ui);
unsigned sw_ui_place_bit(const struct sw_ui *ui); // of the action table: what keys mean now
struct sw_layout sw_ui_layout(const struct sw_ui *ui);
void sw_ui_go(struct sw_ui *ui, int screen);
void sw_ui_push(struct sw_ui *ui, enum sw_tui_list list, const char *parent, const char *title);
bool sw_ui_pop(struct sw_ui *ui); // false at the top
void sw_ui_message(struct sw_ui *ui, enum sw_tui_role role, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sw_ui_error(struct sw_ui *ui, const struct sw_err *err);
void sw_ui_refresh(struct sw_ui *ui);
void sw_ui_do(struct sw_ui *ui, const struct sw_tui_action *action); // checks that it is valid here
void sw_ui_finish_form(struct sw_ui *ui);                            // acts on the form's state
void sw_ui_take_outcome(struct sw_ui *ui, const char *action, const struct sw_slot *slot);
void sw_ui_has_raw(struct sw_ui *ui);             // the raw object arrived
bool sw_ui_has_handler(const char *local_action); // for the test of the table

void sw_prompt_open(struct sw_ui *ui, enum sw_prompt_kind kind, const char *text);
void sw_prompt_key(struct sw_ui *ui, uint32_t code);
void sw_prompt_free(struct sw_prompt *p);
// Names that could stand where the cursor is; returns how many (at most `max`).
size_t sw_prompt_candidates(const struct sw_ui *ui, const char *candidates[], size_t max);

#endif
