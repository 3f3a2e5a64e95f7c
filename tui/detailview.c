// SPDX-License-Identifier: Apache-2.0
#include "tui/detailview.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "tui/key.h"
#include "tui/picture.h"
#include "tui/preview.h"

#define MAX_TEXT          (256 * 1024)
#define CHART_MIN_COLUMNS 32
#define MIN_IMAGE_LINES   8
#define BESIDE_COLUMNS    30 // for values beside a picture
#define MIN_LOG_LINES     4

static void on_detail(void *owner, struct sw_slot *slot, enum sw_code code);

void sw_detailview_init(struct sw_detailview *v, struct sw_loader *l, sw_detailview_fn changed, void *owner)
{
    *v = (struct sw_detailview){.changed = changed, .owner = owner, .line = -1};
    sw_slot_init(&v->slot, l, SW_LOAD_DETAIL, on_detail, v);
    sw_logview_init(&v->log, l, changed, owner);
}

void sw_detailview_free(struct sw_detailview *v)
{
    if (v->slot.loader)
        sw_slot_free(&v->slot);
    sw_logview_free(&v->log);
}

bool sw_detailview_ask(struct sw_detailview *v, const struct sw_tui_detail_query *q)
{
    union sw_load_query query = {.detail = *q};
    query.detail.columns = v->columns > 0 ? v->columns : CHART_MIN_COLUMNS;
    return sw_slot_ask(&v->slot, &query);
}

const struct sw_tui_detail *sw_detailview_get(const struct sw_detailview *v)
{
    return v->slot.result ? &v->slot.result->detail : NULL;
}

static const struct sw_tui_section *find(const struct sw_tui_detail *d, enum sw_tui_section_kind kind)
{
    for (size_t i = 0; d && i < d->section_count; i++)
        if (d->sections[i].kind == kind)
            return &d->sections[i];
    return NULL;
}

static int count_charts(const struct sw_tui_detail *d)
{
    int n = 0;
    for (size_t i = 0; d && i < d->section_count; i++)
        n += d->sections[i].kind == SW_TUI_CHART;
    return n;
}

static void on_detail(void *owner, struct sw_slot *slot, enum sw_code code)
{
    struct sw_detailview *v = owner;
    if (code == SW_OK) {
        const struct sw_tui_section *log = find(sw_detailview_get(v), SW_TUI_LOG);
        sw_logview_show(&v->log, log ? &log->log : NULL);
        int charts = count_charts(sw_detailview_get(v));
        if (v->chart >= charts)
            v->chart = 0;
        char id[sizeof v->shown_id];
        snprintf(id, sizeof id, "%s", slot->query->detail.ids[0]);
        if (strcmp(id, v->shown_id) != 0)
            v->scroll = v->sideways = 0;
        memcpy(v->shown_id, id, sizeof id);
    }
    v->changed(v->owner);
}

void sw_detailview_next_chart(struct sw_detailview *v, int by)
{
    int charts = count_charts(sw_detailview_get(v));
    if (charts > 0)
        v->chart = (v->chart + by + charts) % charts;
}

static void scroll(struct sw_detailview *v, int lines)
{
    v->scroll += lines;
    if (v->scroll > v->content_height - v->height)
        v->scroll = v->content_height - v->height;
    if (v->scroll < 0)
        v->scroll = 0;
}

bool sw_detailview_next_difference(struct sw_detailview *v)
{
    const struct sw_tui_section *s = find(sw_detailview_get(v), SW_TUI_COMPARE);
    size_t lines = s ? s->compare.line_count : 0;
    for (size_t i = 1; i <= lines; i++) {
        size_t at = (size_t)(v->line + (int)i) % lines;
        if (s->compare.lines[at].differs) {
            v->line = (int)at;
            v->scroll = 0;
            scroll(v, v->compare_y + v->line - v->height / 2);
            return true;
        }
    }
    return false;
}

// Lines and sheets are wider than the pane.
static bool move_sideways(struct sw_detailview *v, uint32_t code)
{
    const struct sw_tui_detail *d = sw_detailview_get(v);
    int by = code == SW_KEY_LEFT || code == '<' ? -1 : code == SW_KEY_RIGHT || code == '>' ? 1 : 0;
    if (by == 0 || (!find(d, SW_TUI_LINES) && !find(d, SW_TUI_SHEET)))
        return false;
    v->sideways = v->sideways + by > 0 ? v->sideways + by : 0;
    return true;
}

bool sw_detailview_key(struct sw_detailview *v, uint32_t code)
{
    if (move_sideways(v, code))
        return true;
    int page = v->height > 1 ? v->height - 1 : 1;
    if (v->content_height <= v->height)
        return false; // nothing to scroll: the keys may serve the list
    switch (code) {
    case SW_KEY_DOWN:
    case 'j':
        scroll(v, 1);
        return true;
    case SW_KEY_UP:
    case 'k':
        scroll(v, -1);
        return true;
    case SW_KEY_WHEEL_DOWN:
        scroll(v, 3);
        return true;
    case SW_KEY_WHEEL_UP:
        scroll(v, -3);
        return true;
    case SW_KEY_PAGE_DOWN:
    case SW_KEY_CTRL('f'):
        scroll(v, page);
        return true;
    case SW_KEY_PAGE_UP:
    case SW_KEY_CTRL('b'):
        scroll(v, -page);
        return true;
    case SW_KEY_HOME:
    case 'g':
        scroll(v, -v->scroll);
        return true;
    case SW_KEY_END:
    case 'G':
        scroll(v, v->content_height);
        return true;
    default:
        return false;
    }
}

// --- wrapped text ---

// Bytes of the first line: as many as fit, broken at the last blank where there is one.
static size_t line_bytes(const char *text, size_t len, int width)
{
    size_t fit = sw_text_fit(text, len, width, NULL);
    if (fit >= len)
        return len;
    if (fit == 0) // not even one character fits: take it all the same, so that there is an end
        fit = sw_utf8_decode(text, len, &(uint32_t){0});
    size_t blank = fit;
    while (blank > 0 && text[blank] != ' ')
        blank--;
    return blank > 0 ? blank : fit;
}

int sw_text_wrap(struct sw_canvas *c, int x, int y, int width, const char *text, struct sw_style s)
{
    struct sw_buf safe;
    int lines = 0;
    if (width < 1)
        return 1;
    sw_buf_init(&safe, 2 * MAX_TEXT);
    const char *shown = text ? text : "-";
    size_t len = strlen(shown);
    sw_text_safe(&safe, shown, len < MAX_TEXT ? len : MAX_TEXT, SW_TEXT_KEEP_NEWLINES);
    for (size_t at = 0; at < safe.len;) {
        size_t end = at + strcspn(safe.data + at, "\n");
        do {
            size_t bytes = line_bytes(safe.data + at, end - at, width);
            sw_canvas_textn(c, x, y + lines, width, safe.data + at, bytes, s);
            lines++;
            at += bytes;
            while (at < end && safe.data[at] == ' ')
                at++;
        } while (at < end);
        at = end + 1;
    }
    sw_buf_free(&safe);
    return lines > 0 ? lines : 1;
}

// --- sections: each paints at line y and returns its height ---

static int paint_pairs(struct sw_canvas *c, int y, const struct sw_tui_section *s)
{
    int key = 0, line = y;
    for (size_t i = 0; i < s->pairs.count; i++) {
        int columns = sw_grid_columns(c->grid, s->pairs.items[i].key);
        key = columns > key ? columns : key;
    }
    if (key > c->w / 3)
        key = c->w / 3;
    for (size_t i = 0; i < s->pairs.count; i++) {
        const struct sw_tui_pair *p = &s->pairs.items[i];
        sw_canvas_text(c, 1, line, key, p->key, sw_style(SW_UI_HEADER));
        line += sw_text_wrap(c, key + 3, line, c->w - key - 3, p->value, sw_style(p->value ? p->role : SW_TUI_DIM));
    }
    return line - y;
}

static int paint_check(struct sw_canvas *c, int y, const struct sw_tui_check *check, int name_columns)
{
    static const struct {
        uint32_t mark;
        enum sw_tui_role role;
    } look[] = {
        [SW_TUI_CHECK_PASS] = {0x2713, SW_TUI_OK},      [SW_TUI_CHECK_FAIL] = {0x2717, SW_TUI_ERROR},
        [SW_TUI_CHECK_WAIT] = {0x2026, SW_TUI_WAITING}, [SW_TUI_CHECK_NOW] = {0x25b8, SW_TUI_LIVE},
        [SW_TUI_CHECK_SKIP] = {'-', SW_TUI_DIM},
    };
    struct sw_style s = sw_style(look[check->state].role);
    int text_x = 3 + name_columns + 2;
    int name_lines = sw_text_wrap(c, 3, y, name_columns, check->name ? check->name : "", sw_style(SW_TUI_NORMAL));
    int text_lines = 0;
    if (check->text)
        text_lines = sw_text_wrap(c, text_x, y, c->w - text_x, check->text, s);
    sw_canvas_put(c, 1, y, look[check->state].mark, s);
    return name_lines > text_lines ? name_lines : text_lines;
}

int sw_checks_paint(struct sw_canvas *c, int y, const struct sw_tui_check *checks, size_t count)
{
    int name = 0, line = y;
    for (size_t i = 0; i < count; i++) {
        int columns = sw_grid_columns(c->grid, checks[i].name);
        name = columns > name ? columns : name;
    }
    if (name > c->w * 3 / 5)
        name = c->w * 3 / 5;
    for (size_t i = 0; i < count; i++)
        line += paint_check(c, line, &checks[i], name);
    return line - y;
}

static int paint_compare(struct sw_detailview *v, struct sw_canvas *c, int y, const struct sw_tui_compare *t)
{
    int key = 3;
    for (size_t i = 0; i < t->line_count; i++) {
        int columns = sw_grid_columns(c->grid, t->lines[i].key);
        key = columns > key ? columns : key;
    }
    if (key > c->w / 4)
        key = c->w / 4;
    int count = t->column_count > 0 ? (int)t->column_count : 1;
    int width = (c->w - key - 3) / count - 2;
    if (width > 30)
        width = 30;
    if (width < 9)
        width = 9;
    for (size_t k = 0; k < t->column_count; k++)
        sw_canvas_text(c, key + 3 + (int)k * (width + 2), y, width, t->columns[k], sw_style(SW_UI_HEADER));
    v->compare_y = y + 1;
    for (size_t i = 0; i < t->line_count; i++) {
        const struct sw_tui_compare_line *line = &t->lines[i];
        int at = y + 1 + (int)i;
        if (line->differs)
            sw_canvas_put(c, 0, at, 0x2260, sw_style(SW_TUI_DIFFERS));
        sw_canvas_text(c, 2, at, key, line->key, sw_style(line->differs ? SW_TUI_STRONG : SW_TUI_NORMAL));
        for (size_t k = 0; k < t->column_count; k++) {
            const struct sw_tui_cell *cell = &line->cells[k];
            int x = key + 3 + (int)k * (width + 2);
            int used = sw_canvas_text(c, x, at, width, cell->text ? cell->text : "-", sw_style(cell->role));
            if (cell->role == SW_TUI_BEST)
                sw_canvas_put(c, x + used, at, '*', sw_style(SW_TUI_BEST));
        }
        if ((int)i == v->line)
            sw_canvas_add_attr(c, (struct sw_rect){0, at, c->w, 1}, SW_ATTR_SELECTED);
    }
    return 1 + (int)t->line_count;
}

void sw_heading_paint(struct sw_canvas *c, int x, int y, int width, const char *title)
{
    sw_canvas_fill(c, (struct sw_rect){x, y, width, 1}, 0x2500, sw_style(SW_UI_FRAME));
    int used = sw_canvas_text(c, x + 2, y, width - 4, title, sw_style(SW_UI_TITLE));
    sw_canvas_put(c, x + 1, y, ' ', sw_style(SW_UI_FRAME));
    sw_canvas_put(c, x + 2 + used, y, ' ', sw_style(SW_UI_FRAME));
}

// All charts of the detail stand in one strip, where the first of them is; what does not fit is reached by [ and ].
static int paint_charts(struct sw_detailview *v, struct sw_canvas *c, int y, const struct sw_tui_detail *d, int height,
                        enum sw_pen pen)
{
    int charts = count_charts(d), shown = c->w / CHART_MIN_COLUMNS;
    shown = shown < 1 ? 1 : shown > charts ? charts : shown;
    int width = c->w / shown;
    v->columns = width;
    for (int k = 0; k < shown; k++) {
        int wanted = (v->chart + k) % charts, index = 0;
        for (size_t i = 0; i < d->section_count; i++) {
            const struct sw_tui_section *s = &d->sections[i];
            if (s->kind != SW_TUI_CHART || index++ != wanted)
                continue;
            char title[160];
            if (charts > shown)
                snprintf(title, sizeof title, "%s  %d/%d", s->title ? s->title : "", wanted + 1, charts);
            else
                snprintf(title, sizeof title, "%s", s->title ? s->title : "");
            sw_heading_paint(c, k * width, y, width - (k + 1 < shown ? 1 : 0), title);
            struct sw_canvas area =
                sw_canvas_sub(c, (struct sw_rect){k * width, y + 1, width - (k + 1 < shown ? 1 : 0), height - 1});
            sw_chart_paint(&area, &s->chart, pen);
        }
    }
    return height;
}

// A picture, and beside it the values that follow it where there is room: *beside says that they are done.
static int paint_image(struct sw_canvas *c, int y, int lines_left, const struct sw_tui_image *image, bool palette,
                       const struct sw_tui_section *next, bool *beside)
{
    int room_below = lines_left > MIN_IMAGE_LINES ? lines_left : MIN_IMAGE_LINES;
    struct sw_rect fit = sw_picture_fit(image, c->w - 2, room_below);
    struct sw_canvas area = sw_canvas_sub(c, (struct sw_rect){1, y, fit.w, fit.h});
    int room = c->w - fit.w - 4;
    sw_picture_paint(&area, image, palette);
    *beside = next && next->kind == SW_TUI_PAIRS && room >= BESIDE_COLUMNS;
    if (!*beside)
        return fit.h;
    area = sw_canvas_sub(c, (struct sw_rect){c->w - room, y, room, c->h});
    int lines = paint_pairs(&area, 0, next);
    return lines > fit.h ? lines : fit.h;
}

// Paints everything but the log from line 0 on and returns the height.
static int paint_sections(struct sw_detailview *v, struct sw_canvas *c, const struct sw_tui_detail *d,
                          const struct sw_pictures *p, int chart_height)
{
    int y = 0;
    bool charts_done = false, beside = false;
    for (size_t i = 0; i < d->section_count; i++) {
        const struct sw_tui_section *s = &d->sections[i];
        if (s->kind == SW_TUI_LOG || (s->kind == SW_TUI_CHART && charts_done))
            continue;
        if (s->title && *s->title && s->kind != SW_TUI_CHART)
            sw_heading_paint(c, 0, y++, c->w, s->title);
        switch (s->kind) {
        case SW_TUI_PAIRS:
            y += paint_pairs(c, y, s);
            break;
        case SW_TUI_TEXT:
            y += sw_text_wrap(c, 1, y, c->w - 2, s->text, sw_style(SW_TUI_NORMAL));
            break;
        case SW_TUI_CHART:
            y += paint_charts(v, c, y, d, chart_height, p->pen);
            charts_done = true;
            break;
        case SW_TUI_IMAGE:
            y += paint_image(c, y, v->height - y, &s->image, p->palette, i + 1 < d->section_count ? s + 1 : NULL,
                             &beside);
            i += beside ? 1 : 0;
            break;
        case SW_TUI_COMPARE:
            y += paint_compare(v, c, y, &s->compare);
            break;
        case SW_TUI_CHECKS:
            y += sw_checks_paint(c, y, s->checks.items, s->checks.count);
            break;
        case SW_TUI_LINES:
            y += sw_lines_paint(c, y, &s->lines, v->sideways);
            break;
        case SW_TUI_SHEET:
            y += sw_sheet_paint(c, y, &s->sheet, &v->sideways);
            break;
        case SW_TUI_LOG:
            break;
        }
    }
    return y;
}

static void paint_log(struct sw_detailview *v, struct sw_canvas *c, struct sw_rect at, bool focus)
{
    char title[160];
    int len = snprintf(title, sizeof title, "log");
    if (v->log.ranks > 1)
        len += snprintf(title + len, sizeof title - (size_t)len, " · rank %d of %d", v->log.rank, v->log.ranks);
    snprintf(title + len, sizeof title - (size_t)len, "%s",
             v->log.is_following && v->log.is_live ? " · following"
             : v->log.is_following                 ? ""
                                                   : " · f follows the end");
    sw_heading_paint(c, at.x, at.y, at.w, title);
    if (focus)
        sw_canvas_add_attr(c, (struct sw_rect){at.x, at.y, at.w, 1}, SW_ATTR_SELECTED);
    struct sw_canvas area = sw_canvas_sub(c, (struct sw_rect){at.x, at.y + 1, at.w, at.h - 1});
    sw_logview_paint(&v->log, &area);
}

static void paint_notice(const struct sw_detailview *v, struct sw_canvas *c)
{
    if (v->slot.err.code) {
        int lines = sw_text_wrap(c, 1, 0, c->w - 2, v->slot.err.message, sw_style(SW_TUI_ERROR));
        sw_text_wrap(c, 1, lines, c->w - 2, v->slot.err.hint, sw_style(SW_TUI_NORMAL));
    } else if (sw_slot_is_busy(&v->slot)) {
        sw_canvas_text(c, 1, 0, c->w - 2, "loading…", sw_style(SW_TUI_DIM));
    }
}

void sw_detailview_paint(struct sw_detailview *v, struct sw_canvas *c, const struct sw_pictures *p, bool log_focus)
{
    const struct sw_tui_detail *d = sw_detailview_get(v);
    v->log_at = (struct sw_rect){0};
    v->columns = c->w;
    if (!d) {
        paint_notice(v, c);
        return;
    }
    int chart_height = c->h * 2 / 5;
    chart_height = chart_height < 7 ? 7 : chart_height > 18 ? 18 : chart_height;
    bool has_log = find(d, SW_TUI_LOG) != NULL;
    v->height = c->h;
    if (has_log) { // measured first by painting into nothing
        struct sw_canvas nowhere = *c;
        nowhere.clip.w = nowhere.clip.h = 0;
        int needed = paint_sections(v, &nowhere, d, p, chart_height);
        int least = c->h / 3 > MIN_LOG_LINES ? c->h / 3 : MIN_LOG_LINES;
        int log_height = c->h - needed > least ? c->h - needed : least;
        if (log_height > c->h)
            log_height = c->h;
        v->height = c->h - log_height;
        v->log_at = (struct sw_rect){0, v->height, c->w, log_height};
    }
    struct sw_canvas upper = sw_canvas_sub(c, (struct sw_rect){0, 0, c->w, v->height});
    struct sw_canvas scrolled = sw_canvas_scrolled(&upper, v->scroll, v->height);
    v->content_height = paint_sections(v, &scrolled, d, p, chart_height);
    int before = v->scroll;
    scroll(v, 0);
    if (v->scroll != before) { // the content became shorter
        sw_canvas_fill(&upper, (struct sw_rect){0, 0, upper.w, upper.h}, ' ', sw_style(SW_TUI_NORMAL));
        scrolled = sw_canvas_scrolled(&upper, v->scroll, v->height);
        paint_sections(v, &scrolled, d, p, chart_height);
    }
    if (has_log)
        paint_log(v, c, v->log_at, log_focus);
}
