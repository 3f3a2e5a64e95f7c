// SPDX-License-Identifier: Apache-2.0
// Metrics from lines of text. Two ways, both only when the job asked: patterns "KEY=REGEX" whose first group is the
// number, and any "key=number" or "key: number" on a line that also names a step or an epoch ("step 40 loss=0.31").
// Lines are looked at without their escape sequences.
#include "core/job/job_private.h"

#include "core/base/clock.h"
#include "core/base/text.h"

#include <ctype.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEY = 64, MAX_LOOKED_AT = 4096 };

struct pattern {
    char *key;
    regex_t regex;
    bool is_compiled;
};
struct sw_job_patterns {
    bool any_pair;
    struct pattern *items;
    size_t count;
};

const char *const sw_job_step_words[] = {"global_step", "step", "iteration", "iter", "epoch", NULL};

enum sw_code sw_job_patterns_new(bool any_pair, const char *const *patterns, size_t count, struct sw_job_patterns **out,
                                 struct sw_err *err)
{
    struct sw_job_patterns *p = calloc(1, sizeof(*p));
    enum sw_code code = SW_OK;
    if (p)
        p->items = calloc(count ? count : 1, sizeof(*p->items));
    if (!p || !p->items)
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for patterns");
    for (size_t i = 0; i < count && !code; i++) {
        struct pattern *item = &p->items[p->count++];
        const char *equals = strchr(patterns[i], '=');
        if (!equals || equals == patterns[i] || !equals[1]) {
            code = sw_err_set(err, SW_INVALID, "the pattern \"%.100s\" is not KEY=REGEX", patterns[i]);
            break;
        }
        item->key = strndup(patterns[i], (size_t)(equals - patterns[i]));
        int failure = regcomp(&item->regex, equals + 1, REG_EXTENDED);
        item->is_compiled = failure == 0;
        if (failure) {
            char text[128];
            regerror(failure, &item->regex, text, sizeof(text));
            code =
                sw_err_set(err, SW_INVALID, "the pattern \"%.100s\" is no regular expression: %s", patterns[i], text);
        } else if (item->regex.re_nsub < 1) {
            (void)sw_err_set(err, SW_INVALID, "the pattern \"%.100s\" has no group for the number", patterns[i]);
            code = sw_err_hint(err, "put parentheses around the number, as in loss=loss: ([0-9.]+)");
        } else if (!item->key) {
            code = sw_err_set(err, SW_NO_MEMORY, "no memory for patterns");
        }
    }
    if (code) {
        sw_job_patterns_free(p);
        return code;
    }
    p->any_pair = any_pair;
    *out = p;
    return SW_OK;
}

void sw_job_patterns_free(struct sw_job_patterns *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++) {
        free(p->items[i].key);
        if (p->items[i].is_compiled)
            regfree(&p->items[i].regex);
    }
    free(p->items);
    free(p);
}

static bool is_key_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '@';
}

// The integer after the word `word` ("step=3", "Step [3/10]", "epoch: 3"); false when there is none.
static bool find_step(const char *line, const char *word, int64_t *step)
{
    size_t len = strlen(word);
    for (const char *at = line; (at = strcasestr(at, word)); at += len) {
        if (at > line && is_key_char(at[-1]))
            continue;
        const char *number = at + len;
        number += strspn(number, " \t=:[(#");
        if (!isdigit((unsigned char)*number) || number == at + len)
            continue;
        *step = strtoll(number, NULL, 10);
        return true;
    }
    return false;
}

bool sw_job_is_step_word(const char *key, size_t len)
{
    for (size_t i = 0; sw_job_step_words[i]; i++)
        if (strlen(sw_job_step_words[i]) == len && strncasecmp(sw_job_step_words[i], key, len) == 0)
            return true;
    return false;
}

// A number that ends where a number may end: "3 ms" and "10:22" are none, "0.5," and "91%" are.
static bool parse_number(const char *text, double *value, const char **end)
{
    char *after;
    if (!isdigit((unsigned char)*text) && !strchr("+-.nNiI", *text))
        return false;
    *value = strtod(text, &after);
    *end = after;
    return after > text && (*after == '\0' || strchr(" \t,;|)]}%", *after) || (*after == '.' && !after[1]));
}

// Every "key=number" and "key: number" of a line.
static void take_pairs(struct sw_job_intake *in, const char *line, int64_t step, int64_t now_ms)
{
    for (const char *at = line; *at;) {
        if (!isalpha((unsigned char)*at) && *at != '_') {
            at++;
            continue;
        }
        const char *key = at;
        while (is_key_char(*at))
            at++;
        size_t len = (size_t)(at - key);
        const char *number = at + strspn(at, " \t");
        if (*number != '=' && *number != ':')
            continue;
        number += 1 + strspn(number + 1, " \t");
        double value;
        const char *end;
        if (len <= MAX_KEY && !sw_job_is_step_word(key, len) && parse_number(number, &value, &end)) {
            sw_job_intake_point(in, key, len, value, step, now_ms);
            at = end;
        }
    }
}

void sw_job_patterns_line(const struct sw_job_patterns *p, struct sw_job_intake *in, const char *line, size_t len)
{
    struct sw_buf plain;
    sw_buf_init(&plain, 4 * MAX_LOOKED_AT);
    sw_text_safe(&plain, line, len < MAX_LOOKED_AT ? len : MAX_LOOKED_AT, SW_TEXT_ONE_LINE);
    int64_t now_ms = sw_clock_now_ms(), step = INT64_MIN;
    bool has_step = false;
    for (size_t i = 0; sw_job_step_words[i] && !has_step; i++)
        has_step = find_step(plain.data, sw_job_step_words[i], &step);
    for (size_t i = 0; i < p->count; i++) {
        regmatch_t match[2];
        double value;
        if (regexec(&p->items[i].regex, plain.data, 2, match, 0) != 0 || match[1].rm_so < 0)
            continue;
        char *end;
        value = strtod(plain.data + match[1].rm_so, &end);
        if (end > plain.data + match[1].rm_so)
            sw_job_intake_point(in, p->items[i].key, strlen(p->items[i].key), value, step, now_ms);
    }
    if (p->any_pair && has_step)
        take_pairs(in, plain.data, step, now_ms);
    sw_buf_free(&plain);
}
