// SPDX-License-Identifier: Apache-2.0
// Calls of the backend, run on workers, and the snapshots they bring back. A slot holds what is shown (the last good
// snapshot) and at most one call under way. A call that takes longer than a second is left behind when something newer
// is wanted, so a stuck backend delays nobody but itself; how many may be left behind is limited. All functions run on
// the thread that drains the pool.
#ifndef SW_TUI_LOADER_H
#define SW_TUI_LOADER_H

#include "tui/backend.h"

enum sw_load_kind {
    SW_LOAD_LIST,
    SW_LOAD_DETAIL,
    SW_LOAD_RAW,
    SW_LOAD_STATUS,
    SW_LOAD_CHANGES,
    SW_LOAD_LOG,
    SW_LOAD_FORM,
    SW_LOAD_ACT,
};

union sw_load_query {
    struct sw_tui_query list;
    struct sw_tui_detail_query detail;
    struct {
        enum sw_tui_list list;
        const char *parent, *id;
    } raw;
    struct sw_tui_log_query log;
    struct sw_tui_action_query action; // of forms and acts
};

union sw_load_result {
    struct sw_tui_table list;
    struct sw_tui_detail detail;
    const char *raw;
    struct sw_tui_status status;
    int64_t changes;
    struct sw_tui_log_part log;
    struct sw_tui_form form;
    struct sw_tui_outcome outcome;
};

struct sw_slot;
// Told after a call ended: `code` SW_OK = slot->result is new; else slot->err says why and the old snapshot stays.
typedef void (*sw_slot_fn)(void *owner, struct sw_slot *slot, enum sw_code code);

// Lives until the pool is gone.
struct sw_loader {
    const struct sw_tui_backend *backend;
    void *ctx;
    struct sw_pool *pool;
    int64_t now_ms;  // monotonic, kept up by the main loop
    int left_behind; // calls that nobody waits for any more and that have not ended yet
};

// Initialise with sw_slot_init(); result is NULL until the first call succeeded.
struct sw_slot {
    struct sw_loader *loader;
    enum sw_load_kind kind;
    sw_slot_fn done;
    void *owner;
    const union sw_load_result *result;
    const union sw_load_query *query; // the one `result` answers
    struct sw_err err;                // of the last call, code SW_OK when it succeeded
    bool has_newer;                   // sw_slot_ask() was refused since the call began
    int64_t asked_ms, loaded_ms;
    struct sw_load *shown, *pending;
};

void sw_slot_init(struct sw_slot *s, struct sw_loader *l, enum sw_load_kind kind, sw_slot_fn done, void *owner);
void sw_slot_free(struct sw_slot *s); // a call under way ends by itself, unheard
// Starts a call (the query is copied). False, and has_newer set, when one is under way that is younger than a second or
// too many were left behind: ask again from `done` or from the tick. `q` may be NULL for kinds without a query.
bool sw_slot_ask(struct sw_slot *s, const union sw_load_query *q);
bool sw_slot_is_busy(const struct sw_slot *s);
// Milliseconds that the shown snapshot lags: > 0 only while a call has been under way for two seconds or more.
int64_t sw_slot_lag_ms(const struct sw_slot *s);

#endif
