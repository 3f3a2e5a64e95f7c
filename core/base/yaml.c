// SPDX-License-Identifier: Apache-2.0
// YAML read through libyaml's events into the trees of tree.h. The caps are checked as events arrive, and libyaml looks
// ahead at most 1,024 characters for a mapping key, so its quadratic paths (deep flow nesting above all) are
// cut short after at most that many levels.
#include "core/base/tree_private.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "core/base/file.h"

// libyaml compares each %TAG directive with all before it, so they are counted before it sees them.
// Aliases look their anchor up in a list.
enum { MAX_TAG_DIRECTIVES = 64, MAX_ANCHORS = 1000 };

// Where a member stands in the text. Keys are kept as hashes: a collision could only misstate a line.
struct place {
    const json_t *parent;
    uint64_t key; // hash of the key, or the index
    int line;
};

struct sw_yaml {
    json_t *docs; // array
    struct place *places;
    size_t place_count;
    size_t place_cap;
};

// What a subtree costs when an alias repeats it.
struct cost {
    size_t nodes;
    size_t bytes;
    int depth;
};

struct anchor {
    char *name;
    json_t *node; // borrow from the document; NULL while the node is still being read
    struct cost cost;
};

struct frame {
    json_t *node;  // borrow: the document owns it
    char *key;     // take: waiting for its value
    size_t anchor; // index + 1 of the anchor on this collection
    struct cost before;
    int deepest; // levels seen below the root while this collection was open
};

struct reader {
    yaml_parser_t parser;
    const char *name;
    const struct sw_tree_limits *limits;
    struct sw_yaml *yaml;
    json_t *root; // take: the document being read
    struct frame *frames;
    int depth;
    struct anchor *anchors;
    size_t anchor_count;
    size_t anchor_cap;
    struct cost total; // of the whole stream, aliases expanded
    struct sw_err *err;
};

static int line_of(const yaml_event_t *e)
{
    return (int)e->start_mark.line + 1;
}

static uint64_t hash_of(const char *key)
{
    uint64_t h = 0xcbf29ce484222325u; // FNV-1a
    for (; *key != '\0'; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    return h;
}

static enum sw_code no_memory(struct reader *r)
{
    return sw_err_set(r->err, SW_NO_MEMORY, "out of memory for %s", r->name);
}

// --- scalars ---

static bool is_one_of(const char *text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}

#define IS_ONE_OF(text, ...)                                                                                           \
    is_one_of(text, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

// [-+]? ( "." [0-9]+ | [0-9]+ ( "." [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?   (YAML 1.2, 10.3.2)
static bool is_decimal(const char *s, bool *is_integer)
{
    s += *s == '-' || *s == '+';
    size_t whole = strspn(s, "0123456789");
    size_t fraction = 0;
    s += whole;
    *is_integer = *s == '\0' && whole > 0;
    if (*s == '.') {
        fraction = strspn(++s, "0123456789");
        s += fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        size_t exponent = strspn(s, "0123456789");
        s += exponent;
        if (exponent == 0)
            return false;
    }
    return *s == '\0';
}

// 0644 is 420 to a YAML 1.1 reader (kubectl among them) and 644 to a 1.2 reader.
static bool is_ambiguous_octal(const char *s)
{
    s += *s == '-' || *s == '+';
    return s[0] == '0' && s[1] != '\0' && strspn(s, "01234567") == strlen(s);
}

// What a number is written as: digits of a base, with "0x" or "0o" already skipped, or a decimal fraction.
static enum sw_code number_of(struct reader *r, const char *text, int base, bool is_integer, int line, json_t **out)
{
    errno = 0;
    long long whole = is_integer ? strtoll(text, NULL, base) : 0;
    bool fits = is_integer && errno == 0;
    double real = base == 10 ? strtod(text, NULL) : INFINITY; // a hexadecimal beyond int64 is no number
    if (!fits && !isfinite(real))
        return sw_err_set(r->err, SW_INVALID, "%s:%d: the number %.40s is out of range", r->name, line, text);
    *out = fits ? json_integer(whole) : json_real(real);
    return *out != NULL ? SW_OK : no_memory(r);
}

static bool is_prefixed(const char *text, char letter, const char *digits)
{
    return text[0] == '0' && text[1] == letter && text[2] != '\0' && strspn(text + 2, digits) == strlen(text + 2);
}

// The value of a plain scalar under the core schema.
static enum sw_code resolve_plain(struct reader *r, const char *text, int line, json_t **out)
{
    bool is_integer = false;
    const char *magnitude = text + (*text == '-' || *text == '+');
    if (is_ambiguous_octal(text)) {
        enum sw_code code = sw_err_set(
            r->err, SW_INVALID, "%s:%d: %.40s is octal to some readers and decimal to others", r->name, line, text);
        (void)sw_err_hint(r->err, "write it as 0o..., in decimal, or in quotes");
        return code;
    }
    if (is_decimal(text, &is_integer))
        return number_of(r, text, 10, is_integer, line, out);
    if (is_prefixed(text, 'x', "0123456789abcdefABCDEF"))
        return number_of(r, text + 2, 16, true, line, out);
    if (is_prefixed(text, 'o', "01234567"))
        return number_of(r, text + 2, 8, true, line, out);
    if (IS_ONE_OF(magnitude, ".inf", ".Inf", ".INF") || IS_ONE_OF(text, ".nan", ".NaN", ".NAN"))
        return sw_err_set(r->err, SW_INVALID, "%s:%d: %s is not a number that can be kept", r->name, line, text);
    if (IS_ONE_OF(text, "", "~", "null", "Null", "NULL"))
        *out = json_null();
    else if (IS_ONE_OF(text, "true", "True", "TRUE"))
        *out = json_true();
    else if (IS_ONE_OF(text, "false", "False", "FALSE"))
        *out = json_false();
    else
        *out = json_string(text);
    return *out != NULL ? SW_OK : no_memory(r);
}

// --- building ---

static enum sw_code spend(struct reader *r, struct cost c, int line)
{
    // Each part is bounded by the caps, so the sums cannot overflow.
    r->total.nodes += c.nodes;
    r->total.bytes += c.bytes;
    if (r->depth + c.depth > r->limits->max_depth)
        return sw_err_set(r->err, SW_LIMIT, "%s:%d: nested deeper than %d levels", r->name, line, r->limits->max_depth);
    if (r->total.nodes > r->limits->max_nodes)
        return sw_err_set(r->err, SW_LIMIT, "%s:%d: more than %zu values, aliases counted", r->name, line,
                          r->limits->max_nodes);
    if (r->total.bytes > r->limits->max_bytes)
        return sw_err_set(r->err, SW_LIMIT, "%s:%d: more than %zu bytes of text, aliases counted", r->name, line,
                          r->limits->max_bytes);
    for (int i = 0; c.depth > 0 && i < r->depth; i++)
        if (r->frames[i].deepest < r->depth + c.depth)
            r->frames[i].deepest = r->depth + c.depth;
    return SW_OK;
}

static enum sw_code remember_place(struct reader *r, const json_t *parent, uint64_t key, int line)
{
    struct sw_yaml *y = r->yaml;
    if (y->place_count == y->place_cap) {
        size_t cap = y->place_cap > 0 ? y->place_cap * 2 : 64;
        struct place *places = reallocarray(y->places, cap, sizeof *places);
        if (places == NULL)
            return no_memory(r);
        y->places = places;
        y->place_cap = cap;
    }
    y->places[y->place_count++] = (struct place){parent, key, line};
    return SW_OK;
}

// Hangs `node` (taken in every case) where the reader stands.
static enum sw_code attach(struct reader *r, json_t *node, int line)
{
    if (r->depth == 0) {
        r->root = node;
        return SW_OK;
    }
    struct frame *f = &r->frames[r->depth - 1];
    if (json_is_array(f->node)) {
        size_t index = json_array_size(f->node);
        return json_array_append_new(f->node, node) == 0 ? remember_place(r, f->node, index, line) : no_memory(r);
    }
    int failed = json_object_set_new(f->node, f->key, node);
    enum sw_code code = failed ? no_memory(r) : remember_place(r, f->node, hash_of(f->key), line);
    free(f->key);
    f->key = NULL;
    return code;
}

// True when the next node is a mapping's key.
static bool wants_key(const struct reader *r)
{
    return r->depth > 0 && json_is_object(r->frames[r->depth - 1].node) && r->frames[r->depth - 1].key == NULL;
}

// Reserves an anchor's name; its node follows when it is complete. `*slot` is index + 1, 0 without an anchor.
static enum sw_code add_anchor(struct reader *r, const yaml_char_t *name, size_t *slot)
{
    *slot = 0;
    if (name == NULL)
        return SW_OK;
    if (r->anchor_count == MAX_ANCHORS)
        return sw_err_set(r->err, SW_LIMIT, "%s: more than %d anchors in a document", r->name, MAX_ANCHORS);
    if (r->anchor_count == r->anchor_cap) {
        size_t cap = r->anchor_cap > 0 ? r->anchor_cap * 2 : 16;
        struct anchor *anchors = reallocarray(r->anchors, cap, sizeof *anchors);
        if (anchors == NULL)
            return no_memory(r);
        r->anchors = anchors;
        r->anchor_cap = cap;
    }
    char *copy = strdup((const char *)name);
    if (copy == NULL)
        return no_memory(r);
    r->anchors[r->anchor_count++] = (struct anchor){.name = copy};
    *slot = r->anchor_count;
    return SW_OK;
}

static void forget_anchors(struct reader *r)
{
    for (size_t i = 0; i < r->anchor_count; i++)
        free(r->anchors[i].name);
    r->anchor_count = 0;
}

static enum sw_code take_key(struct reader *r, const yaml_event_t *e)
{
    struct frame *f = &r->frames[r->depth - 1];
    const char *text = (const char *)e->data.scalar.value;
    bool plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && strcmp(text, "<<") == 0) {
        enum sw_code code = sw_err_set(r->err, SW_INVALID, "%s:%d: merge keys (<<) are not taken", r->name, line_of(e));
        (void)sw_err_hint(r->err, "write the members out");
        return code;
    }
    if (json_object_get(f->node, text) != NULL)
        return sw_err_set(r->err, SW_INVALID, "%s:%d: the key '%.64s' is given twice", r->name, line_of(e), text);
    f->key = strdup(text);
    return f->key != NULL ? SW_OK : no_memory(r);
}

static enum sw_code on_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    size_t len = e->data.scalar.length;
    struct cost cost = {.nodes = wants_key(r) ? 0 : 1, .bytes = len}; // keys are no nodes, as in JSON
    enum sw_code code = spend(r, cost, line_of(e));
    if (code != SW_OK)
        return code;
    if (memchr(text, '\0', len) != NULL)
        return sw_err_set(r->err, SW_INVALID, "%s:%d: a NUL character in a value", r->name, line_of(e));
    if (wants_key(r)) {
        if (e->data.scalar.anchor != NULL)
            return sw_err_set(r->err, SW_INVALID, "%s:%d: an anchor on a key is not taken", r->name, line_of(e));
        return take_key(r, e);
    }
    json_t *node = NULL;
    size_t slot;
    if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        code = resolve_plain(r, text, line_of(e), &node);
    else if ((node = json_stringn(text, len)) == NULL)
        code = no_memory(r);
    if (code == SW_OK)
        code = add_anchor(r, e->data.scalar.anchor, &slot);
    if (code != SW_OK) {
        json_decref(node);
        return code;
    }
    if (slot > 0) {
        r->anchors[slot - 1].node = node;
        r->anchors[slot - 1].cost = cost;
    }
    return attach(r, node, line_of(e));
}

static enum sw_code on_start(struct reader *r, const yaml_event_t *e, json_t *node, const yaml_char_t *anchor)
{
    if (node == NULL)
        return no_memory(r);
    struct cost before = r->total;
    size_t slot = 0;
    enum sw_code code = spend(r, (struct cost){.nodes = 1, .depth = 1}, line_of(e));
    if (code == SW_OK && wants_key(r))
        code = sw_err_set(r->err, SW_INVALID, "%s:%d: a mapping key must be a scalar", r->name, line_of(e));
    if (code == SW_OK)
        code = add_anchor(r, anchor, &slot);
    if (code != SW_OK) {
        json_decref(node);
        return code;
    }
    code = attach(r, node, line_of(e));
    if (code == SW_OK) {
        int level = r->depth++;
        r->frames[level] = (struct frame){.node = node, .anchor = slot, .before = before, .deepest = level + 1};
    }
    return code;
}

static enum sw_code on_end(struct reader *r)
{
    const struct frame *f = &r->frames[--r->depth];
    if (f->anchor > 0) {
        struct anchor *a = &r->anchors[f->anchor - 1];
        a->node = f->node;
        a->cost = (struct cost){.nodes = r->total.nodes - f->before.nodes,
                                .bytes = r->total.bytes - f->before.bytes,
                                .depth = f->deepest - r->depth};
    }
    return SW_OK;
}

// An alias becomes a copy: trees stay trees, so a change of one place never shows in another.
static enum sw_code on_alias(struct reader *r, const yaml_event_t *e)
{
    if (r->limits->no_aliases)
        return sw_err_set(r->err, SW_INVALID, "%s:%d: aliases are not taken here", r->name, line_of(e));
    const char *name = (const char *)e->data.alias.anchor;
    if (wants_key(r))
        return sw_err_set(r->err, SW_INVALID, "%s:%d: an alias cannot be a key", r->name, line_of(e));
    // The latest anchor of that name counts (YAML 1.2, 7.1).
    for (size_t i = r->anchor_count; i > 0; i--) {
        const struct anchor *a = &r->anchors[i - 1];
        if (strcmp(a->name, name) != 0)
            continue;
        if (a->node == NULL)
            return sw_err_set(r->err, SW_INVALID, "%s:%d: the alias *%.64s repeats itself", r->name, line_of(e), name);
        enum sw_code code = spend(r, a->cost, line_of(e));
        if (code != SW_OK)
            return code;
        json_t *copy = json_deep_copy(a->node);
        return copy != NULL ? attach(r, copy, line_of(e)) : no_memory(r);
    }
    return sw_err_set(r->err, SW_INVALID, "%s:%d: unknown alias *%.64s", r->name, line_of(e), name);
}

static enum sw_code on_document_end(struct reader *r)
{
    json_t *root = r->root; // never NULL: an empty document has an empty scalar event
    r->root = NULL;
    forget_anchors(r);
    return json_array_append_new(r->yaml->docs, root) == 0 ? SW_OK : no_memory(r);
}

static enum sw_code refuse_tag(struct reader *r, const yaml_event_t *e, const yaml_char_t *tag)
{
    enum sw_code code =
        sw_err_set(r->err, SW_INVALID, "%s:%d: tags (%.64s) are not taken", r->name, line_of(e), (const char *)tag);
    (void)sw_err_hint(r->err, "quote the value if it is text");
    return code;
}

static enum sw_code on_event(struct reader *r, const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.tag != NULL ? refuse_tag(r, e, e->data.scalar.tag) : on_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.tag != NULL ? refuse_tag(r, e, e->data.sequence_start.tag)
                                                  : on_start(r, e, json_array(), e->data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.tag != NULL ? refuse_tag(r, e, e->data.mapping_start.tag)
                                                 : on_start(r, e, json_object(), e->data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_end(r);
    case YAML_ALIAS_EVENT:
        return on_alias(r, e);
    case YAML_DOCUMENT_END_EVENT:
        return on_document_end(r);
    default:
        return SW_OK;
    }
}

static enum sw_code read_events(struct reader *r)
{
    for (bool done = false; !done;) {
        yaml_event_t e;
        if (!yaml_parser_parse(&r->parser, &e)) {
            if (r->parser.error == YAML_MEMORY_ERROR)
                return no_memory(r);
            return sw_err_set(r->err, SW_INVALID, "%s:%zu: %s", r->name, r->parser.problem_mark.line + 1,
                              r->parser.problem != NULL ? r->parser.problem : "malformed YAML");
        }
        done = e.type == YAML_STREAM_END_EVENT;
        enum sw_code code = on_event(r, &e);
        yaml_event_delete(&e);
        if (code != SW_OK)
            return code;
    }
    return SW_OK;
}

static int by_parent(const void *a, const void *b)
{
    const struct place *p = a;
    const struct place *q = b;
    if (p->parent != q->parent)
        return (uintptr_t)p->parent < (uintptr_t)q->parent ? -1 : 1;
    return p->key < q->key ? -1 : p->key > q->key;
}

static enum sw_code check_text(const char *text, size_t len, const char *name, const struct sw_tree_limits *limits,
                               struct sw_err *err)
{
    if (len > limits->max_bytes)
        return sw_err_set(err, SW_LIMIT, "%s is larger than the allowed %zu bytes", name, limits->max_bytes);
    int directives = 0;
    for (const char *at = text, *end = text + len; at < end; at++) {
        if (end - at > 4 && memcmp(at, "%TAG", 4) == 0 && ++directives > MAX_TAG_DIRECTIVES)
            return sw_err_set(err, SW_LIMIT, "%s: more than %d %%TAG directives", name, MAX_TAG_DIRECTIVES);
        at = memchr(at, '\n', (size_t)(end - at));
        if (at == NULL)
            break;
    }
    return SW_OK;
}

enum sw_code sw_yaml_parse(const char *text, size_t len, const char *name, const struct sw_tree_limits *limits,
                           struct sw_yaml **out, struct sw_err *err)
{
    enum sw_code code = check_text(text, len, name, limits, err);
    if (code != SW_OK)
        return code;
    struct reader r = {.name = name, .limits = limits, .err = err};
    if (!yaml_parser_initialize(&r.parser))
        return no_memory(&r);
    r.yaml = calloc(1, sizeof *r.yaml);
    r.frames = calloc((size_t)limits->max_depth + 1, sizeof *r.frames);
    if (r.yaml != NULL)
        r.yaml->docs = json_array();
    if (r.yaml == NULL || r.frames == NULL || r.yaml->docs == NULL) {
        code = no_memory(&r);
    } else {
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
        code = read_events(&r);
    }
    yaml_parser_delete(&r.parser);
    forget_anchors(&r);
    free(r.anchors);
    while (r.frames != NULL && r.depth > 0)
        free(r.frames[--r.depth].key);
    free(r.frames);
    json_decref(r.root);
    if (code != SW_OK) {
        sw_yaml_free(r.yaml);
        return code;
    }
    if (r.yaml->place_count > 0)
        qsort(r.yaml->places, r.yaml->place_count, sizeof *r.yaml->places, by_parent);
    *out = r.yaml;
    return SW_OK;
}

void sw_yaml_free(struct sw_yaml *y)
{
    if (y == NULL)
        return;
    json_decref(y->docs);
    free(y->places);
    free(y);
}

size_t sw_yaml_count(const struct sw_yaml *y)
{
    return json_array_size(y->docs);
}

json_t *sw_yaml_doc(const struct sw_yaml *y, size_t i)
{
    return json_array_get(y->docs, i);
}

int sw_yaml_line(const struct sw_yaml *y, const json_t *parent, const char *key, size_t index)
{
    struct place wanted = {parent, key != NULL ? hash_of(key) : index, 0};
    if (y->place_count == 0)
        return 0;
    const struct place *found = bsearch(&wanted, y->places, y->place_count, sizeof wanted, by_parent);
    return found != NULL ? found->line : 0;
}

enum sw_code sw_yaml_load(const char *path, const struct sw_tree_limits *limits, struct sw_yaml **out,
                          struct sw_err *err)
{
    struct sw_buf text;
    sw_buf_init(&text, limits->max_bytes);
    enum sw_code code = sw_file_read(path, &text, err);
    if (code == SW_OK)
        code = sw_yaml_parse(text.data, text.len, path, limits, out, err);
    sw_buf_free(&text);
    return code;
}
