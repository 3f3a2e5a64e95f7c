// SPDX-License-Identifier: Apache-2.0
// The one list widget: any list of the backend, of any length. It holds a window of rows around what is shown and asks
// for another when the view leaves it, so a million rows cost what a screen of rows costs. The selected row is kept by
// id across refreshes.
#ifndef SW_TUI_LISTVIEW_H
#define SW_TUI_LISTVIEW_H

#include "tui/lineedit.h"
#include "tui/loader.h"

#define SW_ROW_ID      1024
#define SW_MAX_MARKS   100
#define SW_MAX_COLUMNS 256
#define SW_MAX_UNFOLD  256 // rows of a tree that are open at a time

struct sw_listview;
// Told after rows arrived or failed to, and after the selection settled on a row.
typedef void (*sw_listview_fn)(void *owner, struct sw_listview *v);

struct sw_listview {
    enum sw_tui_list list;
    char *parent;
    struct sw_slot rows;
    sw_listview_fn changed;
    void *owner;
    char filter[SW_LINE_MAX];
    char sort_key[128]; // "" = natural order
    bool descending;
    int64_t selected, top;
    int height, header;          // rows and header lines of the last paint
    char selected_id[SW_ROW_ID]; // "" while the selected row is not loaded
    bool is_seeking;             // the next answer to a find moves the selection
    int first_column;
    bool has_more_columns;
    uint8_t seen[SW_MAX_COLUMNS]; // widest content so far, so that columns do not jump while scrolling
    char *marks[SW_MAX_MARKS];
    size_t mark_count;
    char base[SW_ROW_ID]; // "" = none
    char *unfolded[SW_MAX_UNFOLD];
    size_t unfold_count;
};

enum sw_code sw_listview_init(struct sw_listview *v, struct sw_loader *l, enum sw_tui_list list, const char *parent,
                              sw_listview_fn changed, void *owner, struct sw_err *err);
void sw_listview_free(struct sw_listview *v);

void sw_listview_refresh(struct sw_listview *v);              // loads again, keeps the selected row
void sw_listview_ensure(struct sw_listview *v);               // asks for rows when what is shown is not all loaded
void sw_listview_seek(struct sw_listview *v, const char *id); // selects the row of that id once loaded
void sw_listview_set_filter(struct sw_listview *v, const char *filter);
void sw_listview_sort_next(struct sw_listview *v);
void sw_listview_sort_reverse(struct sw_listview *v);
void sw_listview_move(struct sw_listview *v, int64_t rows);
void sw_listview_select(struct sw_listview *v, int64_t index); // clamped
void sw_listview_shift(struct sw_listview *v, int columns);    // sideways
void sw_listview_mark(struct sw_listview *v, const char *id);  // or unmark; ignored beyond SW_MAX_MARKS
bool sw_listview_is_marked(const struct sw_listview *v, const char *id);
void sw_listview_unmark_all(struct sw_listview *v);

// Opens or closes the selected row of a tree and loads again. False when it is no row to open, or too many are open.
bool sw_listview_fold(struct sw_listview *v, enum sw_tui_fold wanted);

const struct sw_tui_table *sw_listview_table(const struct sw_listview *v);            // NULL until loaded
const struct sw_tui_row *sw_listview_row(const struct sw_listview *v, int64_t index); // NULL when not loaded
const struct sw_tui_row *sw_listview_selected(const struct sw_listview *v);
const char *sw_listview_selected_name(const struct sw_listview *v); // its first cell, else its id; "" = none
// The marked ids, else the selected one; returns how many. Borrow until the next change.
size_t sw_listview_ids(const struct sw_listview *v, const char *ids[static SW_MAX_MARKS]);

// Paints header and rows; *cursor_y gets the line of the selected row, -1 when there is none.
void sw_listview_paint(struct sw_listview *v, struct sw_canvas *c, int *cursor_y);

#endif
