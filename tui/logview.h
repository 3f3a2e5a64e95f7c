// SPDX-License-Identifier: Apache-2.0
// The live log of a job: reads the tail first, follows the end, stops following when scrolled away from it, and fetches
// what lies before when scrolled to the top. Holds at most SW_LOG_KEEP bytes.
#ifndef SW_TUI_LOGVIEW_H
#define SW_TUI_LOGVIEW_H

#include "tui/loader.h"
#include "tui/textview.h"

#define SW_LOG_KEEP (1024u * 1024u)

enum sw_log_asked { SW_LOG_TAIL, SW_LOG_MORE, SW_LOG_BEFORE };

typedef void (*sw_logview_fn)(void *owner);

struct sw_logview {
    struct sw_textview page;
    struct sw_slot slot;
    sw_logview_fn changed;
    void *owner;
    char id[256]; // "" = no log
    int ranks, rank;
    bool is_following, is_live, is_loaded;
    int64_t start, next, end; // bytes of the log: page holds [start, next), the log ends at end
    enum sw_log_asked asked;
};

void sw_logview_init(struct sw_logview *v, struct sw_loader *l, sw_logview_fn changed, void *owner);
void sw_logview_free(struct sw_logview *v);
void sw_logview_show(struct sw_logview *v,
                     const struct sw_tui_log_source *source); // NULL = none; same id = keeps place
void sw_logview_set_rank(struct sw_logview *v, int rank);     // wraps around
void sw_logview_follow(struct sw_logview *v, bool on);
void sw_logview_tick(struct sw_logview *v); // asks for what was written since
bool sw_logview_key(struct sw_logview *v, uint32_t code);
void sw_logview_paint(struct sw_logview *v, struct sw_canvas *c);

#endif
