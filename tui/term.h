// SPDX-License-Identifier: Apache-2.0
// The terminal behind ncurses: taken over, painted from a grid, read as key events, and given back whatever happens.
// One at a time; main thread only. A crash (SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL) in any thread restores the
// terminal before the process dies of that signal.
#ifndef SW_TUI_TERM_H
#define SW_TUI_TERM_H

#include "tui/grid.h"
#include "tui/key.h"

struct sw_term;

// SW_UNSUPPORTED: not a terminal, TERM unset or unknown, or one that cannot address its cursor. Nothing was drawn then.
enum sw_code sw_term_open(int in_fd, int out_fd, bool mouse, struct sw_term **out /* take */, struct sw_err *err);
void sw_term_close(struct sw_term *t); // accepts NULL
void sw_term_size(const struct sw_term *t, int *width, int *height);
bool sw_term_is_utf8(const struct sw_term *t);
int sw_term_colours(const struct sw_term *t); // 0 = none
// Asks the kernel for the size and takes it over; the next flush repaints everything.
void sw_term_resized(struct sw_term *t);
// Shows the grid, writing only what changed, and puts the hardware cursor at (x, y).
void sw_term_flush(struct sw_term *t, const struct sw_grid *g, const struct sw_theme *theme, int x, int y);
// The next key event that is already there; false = none. *lost is set when the terminal is gone.
bool sw_term_read(struct sw_term *t, struct sw_key *out, bool *lost);
// Gives the terminal back and stops the process, as ctrl-Z asks. Returns when it is continued.
void sw_term_suspend(struct sw_term *t);
// Takes the terminal again after a stop, whoever asked for it; the next flush repaints everything.
void sw_term_resume(struct sw_term *t);
void sw_term_set_mouse(struct sw_term *t, bool on);
void sw_term_write(struct sw_term *t, const char *bytes, size_t len); // past ncurses: clipboard sequences

// OSC 52 that puts `text` into the clipboard, wrapped for tmux where TMUX is set, for screen where STY is. SW_LIMIT
// when the text is longer than terminals take.
enum sw_code sw_clipboard_sequence(const char *text, bool in_tmux, bool in_screen, struct sw_buf *out,
                                   struct sw_err *err);

#endif
