// SPDX-License-Identifier: Apache-2.0
// The terminal application's backend: fills tui/backend.h from the store and the parts. Reading happens here, each
// worker thread with a connection of its own; every deed is the command of the same name, run as a child process, so
// that there is one way to do a thing and the action log shows what was really run.
#ifndef SW_APP_TUI_BACKEND_H
#define SW_APP_TUI_BACKEND_H

#include "core/base/err.h"
#include "tui/backend.h"

struct sw_app_backend;

extern const struct sw_tui_backend sw_app_backend_table;

// `store_dir` is made on first use when missing. `policy` (may be NULL) is the configured policy file.
enum sw_code sw_app_backend_new(const char *store_dir, const char *policy, struct sw_app_backend **out /* take */,
                                struct sw_err *err);
// Only when sw_tui_run() said that no worker is stuck.
void sw_app_backend_free(struct sw_app_backend *b);

#endif
