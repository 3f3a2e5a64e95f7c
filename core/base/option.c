// SPDX-License-Identifier: Apache-2.0
#include "core/base/option.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/path.h"
#include "core/base/text_private.h"

enum { ARENA_BYTES = 16 << 20, FIRST_VALUES = 4, SHOWN_BYTES = 80 };

// --- what each type accepts ---

static bool reads_int(const char *s, int64_t *out)
{
    if (!isdigit((unsigned char)s[s[0] == '-' || s[0] == '+']))
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(s, &end, 10);
    if (*end != '\0' || errno != 0)
        return false;
    *out = value;
    return true;
}

// Plain decimal forms only: no hexadecimal, nan or inf, which strtod() would take.
static bool reads_real(const char *s, double *out)
{
    if (s[strspn(s, "0123456789+-.eE")] != '\0' || strpbrk(s, "0123456789") == NULL || s[0] == 'e' || s[0] == 'E')
        return false;
    char *end;
    double value = strtod(s, &end);
    if (*end != '\0' || !isfinite(value))
        return false;
    *out = value;
    return true;
}

static bool reads_flag(const char *s, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true}, {"false", false}, {"yes", true}, {"no", false}, {"1", true}, {"0", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(s, words[i].word) == 0) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

// "90", "90s", "1.5h", "1h30m" -> milliseconds.
static bool reads_duration(const char *s, int64_t *out)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};
    double total = 0;
    if (*s == '\0')
        return false;
    for (bool first = true; *s != '\0'; first = false) {
        size_t digits = strspn(s, "0123456789.");
        size_t letters = strspn(s + digits, "abcdefghijklmnopqrstuvwxyz");
        char number[32];
        double value;
        if (digits == 0 || digits >= sizeof number)
            return false;
        memcpy(number, s, digits);
        number[digits] = '\0';
        if (!reads_real(number, &value))
            return false;
        double scale = first && s[digits] == '\0' ? 1e3 : 0; // a plain number is seconds
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
            if (letters == strlen(units[i].unit) && strncmp(s + digits, units[i].unit, letters) == 0)
                scale = units[i].ms;
        if (scale == 0)
            return false;
        total += value * scale;
        s += digits + letters;
    }
    if (total > 9e15)
        return false;
    *out = (int64_t)(total + 0.5);
    return true;
}

static bool is_text(const char *s)
{
    size_t len = strlen(s);
    for (size_t at = 0; at < len;) {
        uint32_t c;
        size_t size = sw_utf8_decode(s + at, len - at, &c);
        if ((size == 1 && (unsigned char)s[at] >= 0x80) || text_class_of(c) == TEXT_CONTROL)
            return false;
        at += size;
    }
    return true;
}

static bool is_word(const char *s)
{
    return s[0] != '\0' && is_text(s);
}

static bool is_path(const char *s)
{
    return s[0] != '\0' && strlen(s) < SW_PATH_MAX;
}

// DNS-1123 label (RFC 1123, as Kubernetes checks it).
static bool is_name(const char *s)
{
    size_t len = strlen(s);
    return len > 0 && len <= 63 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && s[0] != '-' &&
           s[len - 1] != '-';
}

// One path component of an image reference: lower case words joined by ".", "_", "__" or dashes.
static bool is_image_part(const char *s, size_t len)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t at = 0;
    for (;;) {
        size_t run = 0;
        while (at + run < len && strchr(word, s[at + run]) != NULL)
            run++;
        if (run == 0)
            return false;
        at += run;
        if (at == len)
            return true;
        if (s[at] == '-')
            while (at < len && s[at] == '-')
                at++;
        else if (s[at] == '_' && at + 1 < len && s[at + 1] == '_')
            at += 2;
        else if (s[at] == '.' || s[at] == '_')
            at++;
        else
            return false;
    }
}

static bool is_host(const char *s, size_t len)
{
    size_t name = 0;
    while (name < len && (isalnum((unsigned char)s[name]) || s[name] == '.' || s[name] == '-'))
        name++;
    if (name == 0 || (name < len && s[name] != ':') || name + 1 == len)
        return false;
    for (size_t i = name + 1; i < len; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return true;
}

// [host[:port]/]path[:tag][@sha256:digest], the grammar of distribution/reference (a name of at most 255 bytes).
static bool is_image(const char *s)
{
    size_t len = strlen(s);
    const char *digest = strchr(s, '@');
    if (digest != NULL) {
        const char *hex = digest + strlen("@sha256:");
        if (strncmp(digest, "@sha256:", 8) != 0 || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
            return false;
        len = (size_t)(digest - s);
    }
    const char *slash = memrchr(s, '/', len);
    const char *colon = memchr(slash != NULL ? slash : s, ':', len - (slash != NULL ? (size_t)(slash - s) : 0));
    if (colon != NULL) {
        size_t tag = len - (size_t)(colon + 1 - s);
        for (size_t i = 1; i <= tag; i++)
            if (!isalnum((unsigned char)colon[i]) && colon[i] != '_' && (i == 1 || strchr(".-", colon[i]) == NULL))
                return false;
        if (tag == 0 || tag > 128)
            return false;
        len = (size_t)(colon - s);
    }
    if (len == 0 || len > 255)
        return false;
    size_t at = 0;
    for (bool first = true; at <= len; first = false) {
        const char *end = memchr(s + at, '/', len - at);
        size_t part = end != NULL ? (size_t)(end - s) - at : len - at;
        bool may_be_host = first && end != NULL;
        if (!is_image_part(s + at, part) && !(may_be_host && is_host(s + at, part)))
            return false;
        at += part + 1;
    }
    return true;
}

// Kubernetes resource.Quantity: a decimal number with an SI or binary suffix or an exponent.
static bool is_quantity(const char *s)
{
    static const char *const suffixes[] = {"",  "n", "u",  "m",  "k",  "M",  "G",  "T",
                                           "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    s += *s == '+' || *s == '-';
    size_t whole = strspn(s, "0123456789");
    size_t fraction = s[whole] == '.' ? strspn(s + whole + 1, "0123456789") : 0;
    if (whole + fraction == 0)
        return false;
    s += whole + (s[whole] == '.' ? 1 + fraction : 0);
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (strcmp(s, suffixes[i]) == 0)
            return true;
    int64_t exponent;
    return (*s == 'e' || *s == 'E') && reads_int(s + 1, &exponent);
}

static bool is_job(const char *s)
{
    int64_t id;
    return reads_int(s, &id) && id > 0;
}

// NAME, NAME@alias or NAME/3. Names are checked by the registry; here only the shape counts.
static bool is_model(const char *s)
{
    size_t name = strcspn(s, "@/");
    if (name == 0 || !is_text(s))
        return false;
    int64_t version;
    if (s[name] == '/')
        return reads_int(s + name + 1, &version) && version > 0;
    return s[name] == '\0' || (s[name + 1] != '\0' && strpbrk(s + name + 1, "@/") == NULL);
}

static bool is_int(const char *s)
{
    int64_t value;
    return reads_int(s, &value);
}

static bool is_real(const char *s)
{
    double value;
    return reads_real(s, &value);
}

static bool is_flag(const char *s)
{
    bool value;
    return reads_flag(s, &value);
}

static bool is_duration(const char *s)
{
    int64_t ms;
    return reads_duration(s, &ms);
}

static const struct {
    const char *word; // for help: "--epochs INTEGER"
    const char *want; // for errors: "want a whole number"
    bool (*accepts)(const char *value);
} types[] = {
    [SW_OPTION_FLAG] = {"flag", "true or false", is_flag},
    [SW_OPTION_INT] = {"integer", "a whole number", is_int},
    [SW_OPTION_REAL] = {"number", "a number", is_real},
    [SW_OPTION_TEXT] = {"text", "UTF-8 text without control characters", is_text},
    [SW_OPTION_CHOICE] = {"choice", "one of the choices", is_word},
    [SW_OPTION_PATH] = {"path", "a file or folder", is_path},
    [SW_OPTION_NAME] = {"name", "a name of at most 63 lower case letters, digits and inner '-'", is_name},
    [SW_OPTION_IMAGE] = {"image", "an image reference such as registry/name:tag", is_image},
    [SW_OPTION_QUANTITY] = {"quantity", "a quantity such as 500m or 2Gi", is_quantity},
    [SW_OPTION_DURATION] = {"duration", "a duration such as 90s, 15m or 2h", is_duration},
    [SW_OPTION_DATASET] = {"dataset", "the name of a data set, or a path", is_word},
    [SW_OPTION_RUN] = {"run", "a run's id, a prefix of it, or its name", is_word},
    [SW_OPTION_JOB] = {"job", "a job's number", is_job},
    [SW_OPTION_MODEL] = {"model", "NAME, NAME@alias or NAME/VERSION", is_model},
    [SW_OPTION_TARGET] = {"target", "the name or address of a target", is_word},
};

const char *sw_option_type_word(enum sw_option_type type)
{
    return types[type].word;
}

// --- one option ---

static enum sw_code refuse(const struct sw_option *o, const char *value, const char *want, struct sw_err *err)
{
    char shown[SHOWN_BYTES];
    return sw_err_set(err, SW_USAGE, "--%s: '%s' is not %s", o->name,
                      sw_text_safe_copy(shown, sizeof shown, value, SW_TEXT_ONE_LINE), want);
}

static enum sw_code check_range(const struct sw_option *o, const char *value, struct sw_err *err)
{
    double v = 0;
    int64_t ms = 0;
    if (!(o->min < o->max))
        return SW_OK;
    if (o->type == SW_OPTION_DURATION && reads_duration(value, &ms))
        v = (double)ms / 1000;
    else if ((o->type != SW_OPTION_INT && o->type != SW_OPTION_REAL) || !reads_real(value, &v))
        return SW_OK;
    if (v >= o->min && v <= o->max)
        return SW_OK;
    char want[128];
    snprintf(want, sizeof want, "%s from %.15g to %.15g%s", types[o->type].want, o->min, o->max,
             o->type == SW_OPTION_DURATION ? " seconds" : "");
    return refuse(o, value, want, err);
}

static enum sw_code check_choice(const struct sw_option *o, const char *value, struct sw_err *err)
{
    enum { MOST = 64 };
    char copy[1024];
    const char *words[MOST];
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", o->choices);
    char *rest = NULL;
    for (char *word = strtok_r(copy, "|", &rest); word != NULL && count < MOST; word = strtok_r(NULL, "|", &rest)) {
        if (strcmp(word, value) == 0)
            return SW_OK;
        words[count++] = word;
    }
    char want[256];
    snprintf(want, sizeof want, "one of %s", o->choices);
    enum sw_code code = refuse(o, value, want, err);
    const char *near = sw_text_nearest(value, words, count);
    if (near != NULL)
        (void)sw_err_hint(err, "did you mean '%s'?", near);
    return code;
}

enum sw_code sw_option_check(const struct sw_option *o, const char *value, struct sw_err *err)
{
    if (o->type == SW_OPTION_CHOICE)
        return check_choice(o, value, err);
    if (types[o->type].accepts(value))
        return check_range(o, value, err);
    char want[160];
    if ((o->type == SW_OPTION_INT || o->type == SW_OPTION_REAL) && o->min < o->max) {
        snprintf(want, sizeof want, "%s from %.15g to %.15g", types[o->type].want, o->min, o->max);
        return refuse(o, value, want, err);
    }
    return refuse(o, value, types[o->type].want, err);
}

const struct sw_option *sw_option_find(const struct sw_option *table, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

// --- sets of values ---

// A list of borrowed strings that grows in the arena.
struct values {
    const char **items;
    size_t count;
    size_t cap;
};

struct sw_option_set {
    struct sw_arena *arena;
    const struct sw_option *table;
    size_t count;
    struct values *given; // one for each option of the table
    struct values args;
};

enum sw_code sw_option_set_new(const struct sw_option *table, size_t count, struct sw_option_set **out,
                               struct sw_err *err)
{
    struct sw_arena *arena = sw_arena_new(ARENA_BYTES);
    struct sw_option_set *s = arena != NULL ? sw_arena_alloc(arena, sizeof *s) : NULL;
    struct values *given = s != NULL ? sw_arena_array(arena, count, sizeof *given) : NULL;
    if (given == NULL) {
        sw_arena_free(arena);
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for options");
    }
    *s = (struct sw_option_set){.arena = arena, .table = table, .count = count, .given = given};
    *out = s;
    return SW_OK;
}

void sw_option_set_free(struct sw_option_set *s)
{
    if (s != NULL)
        sw_arena_free(s->arena);
}

static enum sw_code append(struct sw_option_set *s, struct values *v, const char *value, struct sw_err *err)
{
    if (v->count == v->cap) {
        size_t cap = v->cap > 0 ? v->cap * 2 : FIRST_VALUES;
        const char **items = sw_arena_array(s->arena, cap, sizeof *items);
        if (items == NULL)
            return sw_err_set(err, SW_LIMIT, "too many arguments");
        if (v->count > 0)
            memcpy(items, v->items, v->count * sizeof *items);
        v->items = items;
        v->cap = cap;
    }
    v->items[v->count++] = value;
    return SW_OK;
}

static struct values *values_of(const struct sw_option_set *s, const struct sw_option *o)
{
    return &s->given[o - s->table];
}

static enum sw_code put(struct sw_option_set *s, const struct sw_option *o, const char *value, struct sw_err *err)
{
    enum sw_code code = sw_option_check(o, value, err);
    if (code != SW_OK)
        return code;
    struct values *v = values_of(s, o);
    if (!o->repeat)
        v->count = 0; // the last one given wins
    return append(s, v, value, err);
}

static enum sw_code unknown_option(const struct sw_option_set *s, const char *name, struct sw_err *err)
{
    enum { MOST = 256 };
    const char *names[MOST];
    size_t count = s->count < MOST ? s->count : MOST;
    for (size_t i = 0; i < count; i++)
        names[i] = s->table[i].name;
    char shown[SHOWN_BYTES];
    enum sw_code code = sw_err_set(err, SW_USAGE, "unknown option --%s",
                                   sw_text_safe_copy(shown, sizeof shown, name, SW_TEXT_ONE_LINE));
    const char *near = sw_text_nearest(name, names, count);
    if (near != NULL)
        (void)sw_err_hint(err, "did you mean --%s?", near);
    return code;
}

enum sw_code sw_option_set_put(struct sw_option_set *s, const char *name, const char *value, struct sw_err *err)
{
    const struct sw_option *o = sw_option_find(s->table, s->count, name);
    if (o == NULL)
        return unknown_option(s, name, err);
    const char *copy = sw_arena_strdup(s->arena, value);
    if (copy == NULL)
        return sw_err_set(err, SW_LIMIT, "--%s: the value is too long", name);
    return put(s, o, copy, err);
}

// --- command lines ---

struct line {
    int argc;
    char *const *argv;
    int at; // the argument being read
};

// The value of an option that needs one: `attached`, or the next argument.
static enum sw_code take_value(struct sw_option_set *s, const struct sw_option *o, struct line *l, const char *attached,
                               struct sw_err *err)
{
    if (attached == NULL && l->at + 1 == l->argc)
        return sw_err_set(err, SW_USAGE, "--%s needs a value: %s", o->name, types[o->type].want);
    return put(s, o, attached != NULL ? attached : l->argv[++l->at], err);
}

static enum sw_code parse_long(struct sw_option_set *s, struct line *l, struct sw_err *err)
{
    const char *text = l->argv[l->at] + 2;
    const char *equals = strchr(text, '=');
    char name[128];
    snprintf(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - text) : (int)strnlen(text, sizeof name), text);
    const struct sw_option *o = sw_option_find(s->table, s->count, name);
    if (o != NULL && o->type != SW_OPTION_FLAG)
        return take_value(s, o, l, equals != NULL ? equals + 1 : NULL, err);
    if (o != NULL)
        return put(s, o, equals != NULL ? equals + 1 : "true", err);
    if (strncmp(name, "no-", 3) == 0 && equals == NULL) {
        o = sw_option_find(s->table, s->count, name + 3);
        if (o != NULL && o->type == SW_OPTION_FLAG)
            return put(s, o, "false", err);
    }
    return unknown_option(s, name, err);
}

static const struct sw_option *find_letter(const struct sw_option_set *s, char letter)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->table[i].letter == letter)
            return &s->table[i];
    return NULL;
}

// "-n 3", "-n3", "-v", and several flags at once: "-vq".
static enum sw_code parse_letters(struct sw_option_set *s, struct line *l, struct sw_err *err)
{
    for (const char *at = l->argv[l->at] + 1; *at != '\0'; at++) {
        const struct sw_option *o = find_letter(s, *at);
        if (o == NULL) {
            char shown[8];
            char letter[2] = {*at, '\0'};
            return sw_err_set(err, SW_USAGE, "unknown option -%s",
                              sw_text_safe_copy(shown, sizeof shown, letter, SW_TEXT_ONE_LINE));
        }
        if (o->type != SW_OPTION_FLAG)
            return take_value(s, o, l, at[1] != '\0' ? at + 1 : NULL, err);
        enum sw_code code = put(s, o, "true", err);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

enum sw_code sw_option_parse(struct sw_option_set *s, int argc, char *const *argv, bool stop_at_word,
                             struct sw_err *err)
{
    struct line l = {argc, argv, 0};
    bool only_args = false;
    for (; l.at < argc; l.at++) {
        const char *arg = argv[l.at];
        // "-" is an argument (standard input), and so is a negative number unless a digit is an option's letter.
        bool is_option =
            arg[0] == '-' && arg[1] != '\0' && !(isdigit((unsigned char)arg[1]) && find_letter(s, arg[1]) == NULL);
        enum sw_code code = SW_OK;
        if (only_args || !is_option) {
            code = append(s, &s->args, arg, err);
            only_args = only_args || stop_at_word;
        } else if (strcmp(arg, "--") == 0) {
            only_args = true;
        } else if (arg[1] == '-') {
            code = parse_long(s, &l, err);
        } else {
            code = parse_letters(s, &l, err);
        }
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

enum sw_code sw_option_check_required(const struct sw_option_set *s, struct sw_err *err)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->table[i].required && s->table[i].otherwise == NULL && s->given[i].count == 0)
            return sw_err_set(err, SW_USAGE, "--%s is required: %s", s->table[i].name, types[s->table[i].type].want);
    return SW_OK;
}

// --- reading ---

const char *sw_option_text(const struct sw_option_set *s, const char *name)
{
    const struct sw_option *o = sw_option_find(s->table, s->count, name);
    if (o == NULL)
        return NULL;
    const struct values *v = values_of(s, o);
    return v->count > 0 ? v->items[v->count - 1] : o->otherwise;
}

int64_t sw_option_int(const struct sw_option_set *s, const char *name, int64_t otherwise)
{
    const char *text = sw_option_text(s, name);
    int64_t value;
    return text != NULL && reads_int(text, &value) ? value : otherwise;
}

double sw_option_real(const struct sw_option_set *s, const char *name, double otherwise)
{
    const char *text = sw_option_text(s, name);
    double value;
    return text != NULL && reads_real(text, &value) ? value : otherwise;
}

bool sw_option_flag(const struct sw_option_set *s, const char *name)
{
    const char *text = sw_option_text(s, name);
    bool value;
    return text != NULL && reads_flag(text, &value) && value;
}

int64_t sw_option_duration_ms(const struct sw_option_set *s, const char *name, int64_t otherwise)
{
    const char *text = sw_option_text(s, name);
    int64_t ms;
    return text != NULL && reads_duration(text, &ms) ? ms : otherwise;
}

bool sw_option_is_set(const struct sw_option_set *s, const char *name)
{
    const struct sw_option *o = sw_option_find(s->table, s->count, name);
    return o != NULL && values_of(s, o)->count > 0;
}

size_t sw_option_repeat(const struct sw_option_set *s, const char *name, const char *const **values)
{
    const struct sw_option *o = sw_option_find(s->table, s->count, name);
    const struct values *v = o != NULL ? values_of(s, o) : NULL;
    if (v != NULL && v->count > 0) {
        *values = v->items;
        return v->count;
    }
    *values = o != NULL ? &o->otherwise : NULL;
    return o != NULL && o->otherwise != NULL ? 1 : 0;
}

size_t sw_option_args(const struct sw_option_set *s, const char *const **args)
{
    *args = s->args.items;
    return s->args.count;
}
