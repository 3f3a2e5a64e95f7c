// SPDX-License-Identifier: Apache-2.0
// The terminal application: draws snapshots of a backend until the user leaves. Owns the terminal while it runs and
// gives it back on every way out: return, error, SIGTERM/HUP/INT/QUIT, suspension, crash.
#ifndef SW_TUI_TUI_H
#define SW_TUI_TUI_H

#include "tui/action.h"
#include "tui/backend.h"

struct sw_tui_options {
    const char
        *theme; // "dark", "light" or "mono"; NULL = dark, mono when NO_COLOR is set or the terminal has no colours
    const char *charts; // "braille", "block" or "ascii"; NULL = braille, ascii with `ascii`
    bool ascii;         // only ASCII on the screen; also when the locale is not UTF-8 or TERM is a dumb one
    bool no_mouse;
    int screen;        // 1..6 to start on, 0 = 1
    int in_fd, out_fd; // terminal; 0 and 1 for a program (tests give others)
};

// Runs until `q`, a terminating signal (SW_INTERRUPTED) or loss of the terminal. SW_UNSUPPORTED: no terminal, or a TERM
// that terminfo does not know or that cannot address the cursor; nothing was drawn. Prints one line on stdout after the
// terminal was restored when jobs go on. Call from the main thread; `b` and `ctx` must live until it returns, and
// longer when a worker is stuck in a backend function at that time: the caller then exits without freeing `ctx`
// (*stuck is set; NULL = not wanted).
enum sw_code sw_tui_run(const struct sw_tui_options *o, const struct sw_tui_backend *b, void *ctx, bool *stuck,
                        struct sw_err *err);

#endif
