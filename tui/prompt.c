// SPDX-License-Identifier: Apache-2.0
// The `:` prompt, which goes to any screen and does any action by name, and the filter's prompt.
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tui/ui.h"

#define MAX_CANDIDATES 80

void sw_prompt_free(struct sw_prompt *p)
{
    while (p->history_count > 0)
        free(p->history[--p->history_count]);
}

void sw_prompt_open(struct sw_ui *ui, enum sw_prompt_kind kind, const char *text)
{
    ui->prompt.kind = kind;
    ui->prompt.history_at = ui->prompt.history_count;
    sw_lineedit_set(&ui->prompt.edit, text);
    ui->is_dirty = true;
}

size_t sw_prompt_candidates(const struct sw_ui *ui, const char *candidates[], size_t max)
{
    const struct sw_lineedit *e = &ui->prompt.edit;
    size_t n = 0;
    if (ui->prompt.kind != SW_PROMPT_COMMAND || strchr(e->text, ' '))
        return 0;
    for (size_t i = 0; i < sw_tui_action_count && n < max; i++) {
        const struct sw_tui_action *a = &sw_tui_actions[i];
        if (a->places & sw_ui_place_bit(ui) && !strncmp(a->name, e->text, e->len))
            candidates[n++] = a->name;
    }
    return n;
}

static void complete(struct sw_ui *ui)
{
    const char *names[MAX_CANDIDATES];
    size_t count = sw_prompt_candidates(ui, names, MAX_CANDIDATES);
    if (count == 0)
        return;
    size_t common = strlen(names[0]);
    for (size_t i = 1; i < count; i++) {
        size_t same = 0;
        while (same < common && names[i][same] == names[0][same])
            same++;
        common = same;
    }
    char text[128];
    size_t len = common < sizeof text - 1 ? common : sizeof text - 1;
    memcpy(text, names[0], len);
    text[len] = '\0';
    sw_lineedit_set(&ui->prompt.edit, text);
}

static void remember(struct sw_prompt *p)
{
    if (p->history_count > 0 && !strcmp(p->history[p->history_count - 1], p->edit.text))
        return;
    char *copy = strdup(p->edit.text);
    if (!copy)
        return;
    if (p->history_count == SW_HISTORY_MAX) {
        free(p->history[0]);
        memmove(&p->history[0], &p->history[1], (SW_HISTORY_MAX - 1) * sizeof p->history[0]);
        p->history_count--;
    }
    p->history[p->history_count++] = copy;
}

static void recall(struct sw_prompt *p, int by)
{
    if ((by < 0 && p->history_at == 0) || (by > 0 && p->history_at >= p->history_count))
        return;
    p->history_at = by < 0 ? p->history_at - 1 : p->history_at + 1;
    sw_lineedit_set(&p->edit, p->history_at < p->history_count ? p->history[p->history_at] : "");
}

static void say_unknown(struct sw_ui *ui, const char *word)
{
    const char *names[MAX_CANDIDATES];
    size_t count = 0;
    const struct sw_tui_action *elsewhere = sw_action_find(word);
    for (size_t i = 0; i < sw_tui_action_count && count < MAX_CANDIDATES; i++)
        names[count++] = sw_tui_actions[i].name;
    const char *near = sw_text_nearest(word, names, count);
    if (elsewhere)
        sw_ui_message(ui, SW_TUI_WARN, "%s does not work on this screen: %s", word, elsewhere->help);
    else if (near)
        sw_ui_message(ui, SW_TUI_WARN, "no action is called \"%s\"; did you mean %s?", word, near);
    else
        sw_ui_message(ui, SW_TUI_WARN, "no action is called \"%s\"; Tab lists them", word);
}

// "WORD" or "SCREEN filter": an exact name wins, else a unique beginning.
static void run_command(struct sw_ui *ui)
{
    char word[128];
    const char *text = ui->prompt.edit.text + strspn(ui->prompt.edit.text, " ");
    size_t len = strcspn(text, " ");
    if (len == 0)
        return;
    len = len < sizeof word - 1 ? len : sizeof word - 1;
    memcpy(word, text, len);
    word[len] = '\0';
    const char *rest = text + len + strspn(text + len, " ");

    remember(&ui->prompt);
    const struct sw_tui_action *action = sw_action_find_at(word, sw_ui_place_bit(ui));
    if (!action) {
        const char *names[2];
        sw_lineedit_set(&ui->prompt.edit, word);
        ui->prompt.kind = SW_PROMPT_COMMAND;
        if (sw_prompt_candidates(ui, names, 2) == 1)
            action = sw_action_find_at(names[0], sw_ui_place_bit(ui));
        ui->prompt.kind = SW_PROMPT_NONE;
    }
    if (!action) {
        say_unknown(ui, word);
        return;
    }
    char filter[SW_LINE_MAX];
    memcpy(filter, rest, strlen(rest) + 1); // the prompt's text may be reused by the action
    sw_ui_do(ui, action);
    for (int s = 0; s < SW_SCREENS; s++)
        if (*filter && !strcmp(sw_screens[s].name, action->name))
            sw_listview_set_filter(&sw_ui_place(ui)->rows, filter[0] == '/' ? filter + 1 : filter);
}

static void submit(struct sw_ui *ui)
{
    enum sw_prompt_kind kind = ui->prompt.kind;
    ui->prompt.kind = SW_PROMPT_NONE;
    if (kind == SW_PROMPT_FILTER)
        sw_listview_set_filter(&sw_ui_place(ui)->rows, ui->prompt.edit.text);
    else
        run_command(ui);
}

void sw_prompt_key(struct sw_ui *ui, uint32_t code)
{
    struct sw_prompt *p = &ui->prompt;
    if (code == SW_KEY_ESC || (code == SW_KEY_BACKSPACE && p->edit.len == 0))
        p->kind = SW_PROMPT_NONE;
    else if (code == SW_KEY_ENTER)
        submit(ui);
    else if (code == SW_KEY_TAB)
        complete(ui);
    else if ((code == SW_KEY_UP || code == SW_KEY_DOWN) && p->kind == SW_PROMPT_COMMAND)
        recall(p, code == SW_KEY_UP ? -1 : 1);
    else
        sw_lineedit_key(&p->edit, code);
}
