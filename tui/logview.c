// SPDX-License-Identifier: Apache-2.0
#include "tui/logview.h"

#include <stdio.h>
#include <string.h>

#define CHUNK (64 * 1024)

static void on_part(void *owner, struct sw_slot *slot, enum sw_code code);

void sw_logview_init(struct sw_logview *v, struct sw_loader *l, sw_logview_fn changed, void *owner)
{
    *v = (struct sw_logview){.changed = changed, .owner = owner, .is_following = true};
    sw_textview_init(&v->page, SW_LOG_KEEP);
    sw_slot_init(&v->slot, l, SW_LOAD_LOG, on_part, v);
}

void sw_logview_free(struct sw_logview *v)
{
    if (v->slot.loader)
        sw_slot_free(&v->slot);
    sw_textview_free(&v->page);
}

static void ask(struct sw_logview *v, enum sw_log_asked what)
{
    int64_t offset = what == SW_LOG_TAIL ? -1 : what == SW_LOG_MORE ? v->next : v->start - CHUNK;
    size_t bytes = CHUNK;
    if (what == SW_LOG_BEFORE && offset < 0) {
        bytes = (size_t)v->start;
        offset = 0;
    }
    union sw_load_query q = {.log = {.id = v->id, .rank = v->rank, .offset = offset, .max_bytes = bytes}};
    if (sw_slot_ask(&v->slot, &q))
        v->asked = what;
}

static void start_over(struct sw_logview *v)
{
    sw_textview_set(&v->page, "", 0);
    v->start = v->next = v->end = 0;
    v->is_loaded = false;
    if (v->id[0])
        ask(v, SW_LOG_TAIL);
}

void sw_logview_show(struct sw_logview *v, const struct sw_tui_log_source *source)
{
    const char *id = source && source->id ? source->id : "";
    v->ranks = source && source->ranks > 0 ? source->ranks : 1;
    if (source && source->is_live)
        v->is_live = true; // that it ended is said by the log itself, once read to its end
    if (!strcmp(id, v->id))
        return;
    snprintf(v->id, sizeof v->id, "%s", id);
    v->rank = 0;
    v->is_following = true;
    v->is_live = source && source->is_live;
    start_over(v);
}

void sw_logview_set_rank(struct sw_logview *v, int rank)
{
    int wanted = rank < 0 ? v->ranks - 1 : rank >= v->ranks ? 0 : rank;
    if (wanted == v->rank)
        return;
    v->rank = wanted;
    start_over(v);
}

void sw_logview_follow(struct sw_logview *v, bool on)
{
    v->is_following = on;
    if (on)
        sw_textview_to_end(&v->page);
}

void sw_logview_tick(struct sw_logview *v)
{
    if (!v->id[0] || sw_slot_is_busy(&v->slot))
        return;
    if (!v->is_loaded)
        ask(v, SW_LOG_TAIL);
    else if (v->is_live || v->next < v->end)
        ask(v, SW_LOG_MORE);
}

static void take_more(struct sw_logview *v, const struct sw_tui_log_part *part)
{
    if (part->offset != v->next) { // rotated away meanwhile: what we hold no longer joins
        sw_textview_set(&v->page, part->text, part->len);
        v->start = part->offset;
        return;
    }
    if (sw_textview_append(&v->page, part->text, part->len))
        return;
    size_t half = v->page.text.len / 2;
    const char *newline = memchr(v->page.text.data + half, '\n', v->page.text.len - half);
    size_t drop = newline ? (size_t)(newline - v->page.text.data) + 1 : v->page.text.len;
    sw_textview_drop_front(&v->page, drop);
    v->start += (int64_t)drop;
    sw_textview_append(&v->page, part->text, part->len);
}

static void on_part(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_logview *v = owner;
    if (code == SW_OK && !strcmp(slot->query->log.id, v->id) && slot->query->log.rank == v->rank) {
        const struct sw_tui_log_part *part = &slot->result->log;
        if (v->asked == SW_LOG_BEFORE) {
            if (part->offset + (int64_t)part->len == v->start && sw_textview_prepend(&v->page, part->text, part->len))
                v->start = part->offset;
        } else {
            if (v->asked == SW_LOG_TAIL) {
                sw_textview_set(&v->page, part->text, part->len);
                v->start = part->offset;
            } else {
                take_more(v, part);
            }
            v->next = part->offset + (int64_t)part->len;
            v->end = part->end;
            v->is_live = part->is_live;
            v->is_loaded = true;
        }
        if (v->is_following)
            sw_textview_to_end(&v->page);
    } else if (slot->has_newer) {
        sw_logview_tick(v);
    }
    v->changed(v->owner);
}

bool sw_logview_key(struct sw_logview *v, uint32_t code)
{
    if (!sw_textview_key(&v->page, code))
        return false;
    v->is_following = sw_textview_at_end(&v->page);
    if (v->page.top == 0 && v->start > 0 && !sw_slot_is_busy(&v->slot))
        ask(v, SW_LOG_BEFORE);
    return true;
}

void sw_logview_paint(struct sw_logview *v, struct sw_canvas *c)
{
    v->page.height = c->h;
    if (v->is_following)
        sw_textview_to_end(&v->page);
    sw_textview_paint(&v->page, c);
    if (v->page.line_count == 0)
        sw_canvas_text(c, 1, 0, c->w - 1,
                       v->slot.err.code ? v->slot.err.message
                       : !v->is_loaded  ? "loading…"
                       : v->is_live     ? "nothing written yet"
                                        : "nothing was written",
                       sw_style(v->slot.err.code ? SW_TUI_ERROR : SW_TUI_DIM));
}
