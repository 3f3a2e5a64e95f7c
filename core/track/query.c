// SPDX-License-Identifier: Apache-2.0
// A lexer over the text and a recursive descent over its tokens. Chains of AND and OR become balanced trees, so that a
// long list of conditions is not a deep one.
#include "core/track/query.h"

#include "core/base/buf.h"
#include "core/base/text.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX_BYTES = 64 << 10, TESTS_MAX = 500, DEPTH_MAX = 100, ORDER_MAX = 16, LIST_MAX = 1000 };

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_OPERATOR, TOKEN_MARK };

struct token {
    enum token_kind kind;
    const char *start; // in the source, for columns and messages
    size_t len;
    const char *text;    // WORD, NUMBER: as written; TEXT: without quotes
    char quote;          // TEXT: which one
    enum sw_query_op op; // OPERATOR
};

struct parser {
    const char *source;
    const char *at;
    struct token token; // the one looked at
    enum sw_subject subject;
    struct sw_arena *arena;
    locale_t c_locale; // numbers are read with a point whatever the user's locale
    struct sw_err *err;
    int tests, depth;
};

// --- errors ---
static int column_of(const struct parser *p, const char *at)
{
    int column = 1;
    uint32_t c;
    for (const char *q = p->source; q < at; column++)
        q += sw_utf8_decode(q, (size_t)(at - q), &c);
    return column;
}

static enum sw_code expected(const struct parser *p, const char *what)
{
    const struct token *t = &p->token;
    if (t->kind == TOKEN_END)
        return sw_err_set(p->err, SW_INVALID, "query, column %d: expected %s, but it ends", column_of(p, t->start),
                          what);
    return sw_err_set(p->err, SW_INVALID, "query, column %d: expected %s, found %.*s", column_of(p, t->start), what,
                      t->len < 40 ? (int)t->len : 40, t->start);
}

static enum sw_code out_of_memory(const struct parser *p)
{
    return sw_err_set(p->err, SW_LIMIT, "query: it needs more memory than is set aside for it");
}

// --- tokens ---
static const struct {
    const char *text;
    enum sw_query_op op;
} operators[] = {
    {"!=", SW_OP_NE}, {"<>", SW_OP_NE}, {"<=", SW_OP_LE}, {">=", SW_OP_GE},
    {"==", SW_OP_EQ}, {"=", SW_OP_EQ},  {"<", SW_OP_LT},  {">", SW_OP_GT},
};

// Keys may hold dots, slashes, dashes and letters of any script without quotes.
static bool is_word_byte(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("_./-@:", c) != NULL) || (unsigned char)c >= 0x80;
}

static enum sw_code read_quoted(struct parser *p, struct token *t)
{
    char quote = *p->at;
    char *text = sw_arena_alloc(p->arena, strlen(p->at));
    size_t len = 0;
    if (text == NULL)
        return out_of_memory(p);
    const char *q = p->at + 1;
    while (*q != '\0' && (*q != quote || q[1] == quote)) {
        q += *q == quote;
        text[len++] = *q++;
    }
    if (*q == '\0')
        return sw_err_set(p->err, SW_INVALID, "query, column %d: the %c that opens here is never closed",
                          column_of(p, p->at), quote);
    text[len] = '\0';
    *t = (struct token){
        .kind = TOKEN_TEXT, .start = p->at, .len = (size_t)(q + 1 - p->at), .text = text, .quote = quote};
    return SW_OK;
}

static bool starts_number(const char *p)
{
    p += *p == '-' || *p == '+';
    p += *p == '.';
    return isdigit((unsigned char)*p);
}

static bool read_number(const struct parser *p, const char *text, double *out)
{
    char *end = NULL;
    if (!starts_number(text) || strpbrk(text, "xXpP") != NULL)
        return false;
    *out = strtod_l(text, &end, p->c_locale);
    return *end == '\0' && isfinite(*out);
}

static enum sw_code read_word(struct parser *p, struct token *t)
{
    size_t len = *p->at == '+';
    while (is_word_byte(p->at[len]) || (p->at[len] == '+' && len > 0 && tolower((unsigned char)p->at[len - 1]) == 'e'))
        len++;
    char *text = sw_arena_strndup(p->arena, p->at, len);
    if (text == NULL)
        return out_of_memory(p);
    *t = (struct token){.kind = TOKEN_WORD, .start = p->at, .len = len, .text = text};
    double number;
    if (read_number(p, text, &number))
        t->kind = TOKEN_NUMBER;
    return SW_OK;
}

// Looks at the next token.
static enum sw_code advance(struct parser *p)
{
    struct token *t = &p->token;
    p->at += strspn(p->at, " \t\r\n");
    *t = (struct token){.kind = TOKEN_END, .start = p->at};
    enum sw_code code = SW_OK;
    if (*p->at == '\0')
        return SW_OK;
    if (strchr("'\"`", *p->at) != NULL) {
        code = read_quoted(p, t);
    } else if (is_word_byte(*p->at) || starts_number(p->at)) {
        code = read_word(p, t);
    } else {
        *t = (struct token){.kind = TOKEN_MARK, .start = p->at, .len = 1};
        for (size_t i = 0; i < sizeof operators / sizeof *operators && t->kind == TOKEN_MARK; i++)
            if (strncmp(p->at, operators[i].text, strlen(operators[i].text)) == 0)
                *t = (struct token){
                    .kind = TOKEN_OPERATOR, .start = p->at, .len = strlen(operators[i].text), .op = operators[i].op};
    }
    if (code == SW_OK)
        p->at += t->len;
    return code;
}

static bool is_keyword(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_WORD && strcasecmp(p->token.text, word) == 0;
}

static bool is_mark(const struct parser *p, char c)
{
    return p->token.kind == TOKEN_MARK && *p->token.start == c;
}

static enum sw_code take_keyword(struct parser *p, const char *word, bool *taken)
{
    *taken = is_keyword(p, word);
    return *taken ? advance(p) : SW_OK;
}

static enum sw_code take_mark(struct parser *p, char c, const char *what)
{
    return is_mark(p, c) ? advance(p) : expected(p, what);
}

// --- identifiers ---
enum { OF_RUN = 1, OF_EXPERIMENT = 2, OF_MODEL = 4, OF_VERSION = 8, OF_LOGGED = 16, OF_ALL = 31 };

static const struct {
    const char *plural; // "runs have no ..."
    unsigned mask;
    const char *example;
} subjects[] = {
    [SW_SUBJECT_RUN] = {"runs", OF_RUN, "a name such as metrics.loss, params.lr or status"},
    [SW_SUBJECT_EXPERIMENT] = {"experiments", OF_EXPERIMENT, "a name such as name, creation_time or tags.team"},
    [SW_SUBJECT_REGISTERED_MODEL] = {"registered models", OF_MODEL, "a name such as name or tags.team"},
    [SW_SUBJECT_MODEL_VERSION] = {"model versions", OF_VERSION, "a name such as name, run_id or tags.team"},
    [SW_SUBJECT_LOGGED_MODEL] = {"logged models", OF_LOGGED, "a name such as metrics.loss, params.lr or model_type"},
};

static const struct {
    const char *word;
    enum sw_query_field field;
    unsigned subjects;
} types[] = {
    {"metric", SW_FIELD_METRIC, OF_RUN | OF_LOGGED},
    {"metrics", SW_FIELD_METRIC, OF_RUN | OF_LOGGED},
    {"param", SW_FIELD_PARAM, OF_RUN | OF_LOGGED},
    {"params", SW_FIELD_PARAM, OF_RUN | OF_LOGGED},
    {"parameter", SW_FIELD_PARAM, OF_RUN | OF_LOGGED},
    {"parameters", SW_FIELD_PARAM, OF_RUN | OF_LOGGED},
    {"tag", SW_FIELD_TAG, OF_ALL},
    {"tags", SW_FIELD_TAG, OF_ALL},
    {"attribute", SW_FIELD_ATTRIBUTE, OF_ALL},
    {"attributes", SW_FIELD_ATTRIBUTE, OF_ALL},
    {"attr", SW_FIELD_ATTRIBUTE, OF_ALL},
    {"run", SW_FIELD_ATTRIBUTE, OF_RUN},
    {"dataset", SW_FIELD_DATASET, OF_RUN},
    {"datasets", SW_FIELD_DATASET, OF_RUN},
};

enum value_kind { VALUE_NUMBER, VALUE_TEXT, VALUE_EITHER };

static const struct {
    const char *word; // as written, any case
    const char *key;  // as the store calls it
    enum sw_query_field field;
    enum value_kind value;
    unsigned subjects;
} names[] = {
    {"run_id", "run_id", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN | OF_VERSION},
    {"run_uuid", "run_id", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"run_name", "run_name", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"run name", "run_name", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"name", "run_name", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"user_id", "user_id", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN | OF_VERSION},
    {"user", "user_id", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"status", "status", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN | OF_LOGGED},
    {"experiment", "experiment", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"source", "source", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"artifact_uri", "artifact_uri", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_RUN},
    {"start_time", "start_time", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_RUN},
    {"created", "start_time", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_RUN},
    {"end_time", "end_time", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_RUN},
    {"name", "name", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_ALL & ~OF_RUN},
    {"experiment_id", "experiment_id", SW_FIELD_ATTRIBUTE, VALUE_EITHER, OF_EXPERIMENT | OF_LOGGED},
    {"creation_time", "creation_time", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_EXPERIMENT},
    {"last_update_time", "last_update_time", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_EXPERIMENT},
    {"creation_timestamp", "creation_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_MODEL | OF_VERSION | OF_LOGGED},
    {"creation_timestamp_ms", "creation_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_LOGGED},
    {"creation_time", "creation_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_LOGGED},
    {"last_updated_timestamp", "last_updated_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER,
     OF_MODEL | OF_VERSION | OF_LOGGED},
    {"last_updated_timestamp_ms", "last_updated_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_LOGGED},
    {"last_updated_time", "last_updated_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_LOGGED},
    {"timestamp", "last_updated_timestamp", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_MODEL},
    {"version_number", "version_number", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_VERSION},
    {"version", "version_number", SW_FIELD_ATTRIBUTE, VALUE_NUMBER, OF_VERSION},
    {"source_path", "source_path", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_VERSION},
    {"source", "source_path", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_VERSION},
    {"current_stage", "current_stage", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_VERSION},
    {"stage", "current_stage", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_VERSION},
    {"model_id", "model_id", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_VERSION | OF_LOGGED},
    {"model_type", "model_type", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_LOGGED},
    {"source_run_id", "source_run_id", SW_FIELD_ATTRIBUTE, VALUE_TEXT, OF_LOGGED},
    {"name", "name", SW_FIELD_DATASET, VALUE_TEXT, OF_RUN},
    {"digest", "digest", SW_FIELD_DATASET, VALUE_TEXT, OF_RUN},
    {"context", "context", SW_FIELD_DATASET, VALUE_TEXT, OF_RUN},
};

struct ident {
    enum sw_query_field field;
    const char *key;
    enum value_kind value;
    const char *start; // in the source
};

static bool is_name_of(const struct parser *p, size_t name, enum sw_query_field field)
{
    return names[name].field == field && (names[name].subjects & subjects[p->subject].mask);
}

static enum sw_code unknown_name(const struct parser *p, const struct ident *id, const char *key)
{
    const char *known[sizeof names / sizeof *names];
    size_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is_name_of(p, i, id->field))
            known[count++] = names[i].word;
    bool is_attribute = id->field == SW_FIELD_ATTRIBUTE;
    (void)sw_err_set(p->err, SW_INVALID, "query, column %d: %s have no %s '%.64s'", column_of(p, id->start),
                     subjects[p->subject].plural, is_attribute ? "attribute" : "data set field", key);
    const char *near = sw_text_nearest(key, known, count);
    if (near != NULL)
        return sw_err_hint(p->err, "did you mean %s?", near);
    if (!is_attribute)
        return sw_err_hint(p->err, "data sets have name, digest and context");
    if (p->subject == SW_SUBJECT_RUN || p->subject == SW_SUBJECT_LOGGED_MODEL)
        return sw_err_hint(p->err, "write metrics.%.40s, params.%.40s or tags.%.40s for what was logged", key, key,
                           key);
    return sw_err_hint(p->err, "write tags.%.40s for a tag", key);
}

// Names that the store knows are put in its spelling; metrics, params and tags are whatever the run logged.
static enum sw_code resolve_key(const struct parser *p, struct ident *id, const char *key)
{
    id->key = key;
    id->value = id->field == SW_FIELD_METRIC ? VALUE_NUMBER : VALUE_EITHER;
    if (id->field != SW_FIELD_ATTRIBUTE && id->field != SW_FIELD_DATASET)
        return SW_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (is_name_of(p, i, id->field) && strcasecmp(names[i].word, key) == 0) {
            id->key = names[i].key;
            id->value = names[i].value;
            return SW_OK;
        }
    }
    return unknown_name(p, id, key);
}

static bool find_type(const struct parser *p, const char *word, size_t len, enum sw_query_field *field)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if ((types[i].subjects & subjects[p->subject].mask) && strlen(types[i].word) == len &&
            strncasecmp(types[i].word, word, len) == 0) {
            *field = types[i].field;
            return true;
        }
    }
    return false;
}

static enum sw_code unknown_type(const struct parser *p, const struct ident *id, const char *word, size_t len)
{
    bool has_all = p->subject == SW_SUBJECT_RUN, has_logged = has_all || p->subject == SW_SUBJECT_LOGGED_MODEL;
    (void)sw_err_set(p->err, SW_INVALID, "query, column %d: '%.*s' is no kind of thing that %s have",
                     column_of(p, id->start), (int)(len < 40 ? len : 40), word, subjects[p->subject].plural);
    return sw_err_hint(p->err, "write %stags.%s before the name", has_logged ? "metrics., params., " : "",
                       has_all ? ", attributes. or datasets." : " or attributes.");
}

static enum sw_code parse_ident(struct parser *p, struct ident *id)
{
    *id = (struct ident){.field = SW_FIELD_ATTRIBUTE, .start = p->token.start};
    bool is_name = p->token.kind == TOKEN_WORD || (p->token.kind == TOKEN_TEXT && p->token.quote != '\'');
    if (!is_name)
        return expected(p, subjects[p->subject].example);
    struct token first = p->token;
    const char *dot = first.kind == TOKEN_WORD ? strchr(first.text, '.') : NULL;
    const char *key = first.text;
    if (dot != NULL && !find_type(p, first.text, (size_t)(dot - first.text), &id->field))
        return unknown_type(p, id, first.text, (size_t)(dot - first.text));
    enum sw_code code = advance(p);
    if (code != SW_OK)
        return code;
    if (dot != NULL && dot[1] == '\0') { // metrics."a key with spaces"
        bool is_quoted =
            p->token.kind == TOKEN_TEXT && p->token.quote != '\'' && p->token.start == first.start + first.len;
        if (!is_quoted)
            return expected(p, "a key after the dot");
        key = p->token.text;
        code = advance(p);
    } else if (dot != NULL) {
        key = dot + 1;
    }
    return code == SW_OK ? resolve_key(p, id, key) : code;
}

// --- tests ---
static struct sw_query *new_node(struct parser *p, enum sw_query_kind kind)
{
    struct sw_query *q = sw_arena_alloc(p->arena, sizeof *q);
    if (q != NULL)
        q->kind = kind;
    return q;
}

static enum sw_code check_value(const struct parser *p, const struct ident *id, bool text_only)
{
    const struct token *t = &p->token;
    bool is_number = t->kind == TOKEN_NUMBER, is_text = t->kind == TOKEN_TEXT && t->quote != '`';
    double number;
    // MLflow also takes the numbers of attributes in quotes.
    if (is_text && id->value == VALUE_NUMBER && id->field == SW_FIELD_ATTRIBUTE)
        is_number = read_number(p, t->text, &number);
    enum value_kind wanted = text_only ? VALUE_TEXT : id->value;
    if ((wanted != VALUE_TEXT && is_number) || (wanted != VALUE_NUMBER && is_text))
        return SW_OK;
    static const char *const whats[] = {[VALUE_NUMBER] = "a number",
                                        [VALUE_TEXT] = "a text in quotes",
                                        [VALUE_EITHER] = "a number or a text in quotes"};
    return expected(p, whats[wanted]);
}

static enum sw_code parse_value(struct parser *p, const struct ident *id, struct sw_query *q)
{
    bool is_pattern = q->op == SW_OP_LIKE || q->op == SW_OP_ILIKE;
    if (is_pattern && id->value == VALUE_NUMBER)
        return sw_err_set(p->err, SW_INVALID, "query, column %d: %s is a number and has no LIKE",
                          column_of(p, id->start), id->key);
    enum sw_code code = check_value(p, id, is_pattern);
    if (code != SW_OK)
        return code;
    q->text = p->token.text;
    if (p->token.kind == TOKEN_NUMBER || id->value == VALUE_NUMBER)
        q->is_number = read_number(p, q->text, &q->number);
    return advance(p);
}

static enum sw_code parse_list(struct parser *p, const struct ident *id, struct sw_query *q)
{
    const char **list = sw_arena_array(p->arena, LIST_MAX, sizeof *list);
    if (list == NULL)
        return out_of_memory(p);
    enum sw_code code = take_mark(p, '(', "'(' and a list of values");
    while (code == SW_OK) {
        code = check_value(p, id, false);
        if (code == SW_OK && q->list_count == LIST_MAX)
            code = sw_err_set(p->err, SW_LIMIT, "query: a list has more than %d values", LIST_MAX);
        if (code == SW_OK) {
            list[q->list_count++] = p->token.text;
            code = advance(p);
        }
        if (code == SW_OK && !is_mark(p, ','))
            break;
        if (code == SW_OK)
            code = advance(p);
    }
    q->list = list;
    return code == SW_OK ? take_mark(p, ')', "',' or ')'") : code;
}

// What follows the identifier: an operator with its value, or one of the words.
static enum sw_code parse_condition(struct parser *p, const struct ident *id, struct sw_query *q, bool *negated)
{
    static const char what[] = "=, !=, <, <=, >, >=, LIKE, ILIKE, IN or IS NULL";
    bool taken = false;
    if (p->token.kind == TOKEN_OPERATOR) {
        q->op = p->token.op;
        enum sw_code code = advance(p);
        return code == SW_OK ? parse_value(p, id, q) : code;
    }
    enum sw_code code = take_keyword(p, "IS", &taken);
    if (code == SW_OK && taken) {
        q->kind = SW_QUERY_IS_NULL;
        code = take_keyword(p, "NOT", negated);
        if (code == SW_OK && !is_keyword(p, "NULL"))
            code = expected(p, *negated ? "NULL" : "NULL or NOT NULL");
        return code == SW_OK ? advance(p) : code;
    }
    if (code == SW_OK)
        code = take_keyword(p, "NOT", negated);
    if (code == SW_OK && is_keyword(p, "IN")) {
        q->kind = SW_QUERY_IN;
        code = advance(p);
        return code == SW_OK ? parse_list(p, id, q) : code;
    }
    if (code == SW_OK && (is_keyword(p, "LIKE") || is_keyword(p, "ILIKE"))) {
        q->op = is_keyword(p, "LIKE") ? SW_OP_LIKE : SW_OP_ILIKE;
        code = advance(p);
        return code == SW_OK ? parse_value(p, id, q) : code;
    }
    return code == SW_OK ? expected(p, *negated ? "IN, LIKE or ILIKE" : what) : code;
}

static enum sw_code negate(struct parser *p, struct sw_query *inner, struct sw_query **out)
{
    *out = new_node(p, SW_QUERY_NOT);
    if (*out == NULL)
        return out_of_memory(p);
    (*out)->left = inner;
    return SW_OK;
}

static enum sw_code parse_test(struct parser *p, struct sw_query **out)
{
    struct ident id;
    bool negated = false;
    if (++p->tests > TESTS_MAX)
        return sw_err_set(p->err, SW_LIMIT, "query: it has more than %d conditions", TESTS_MAX);
    struct sw_query *q = new_node(p, SW_QUERY_COMPARE);
    if (q == NULL)
        return out_of_memory(p);
    enum sw_code code = parse_ident(p, &id);
    if (code != SW_OK)
        return code;
    q->field = id.field;
    q->key = id.key;
    code = parse_condition(p, &id, q, &negated);
    if (code == SW_OK && negated)
        return negate(p, q, out);
    *out = q;
    return code;
}

// --- expressions ---
static enum sw_code parse_or(struct parser *p, struct sw_query **out); // expressions nest

static enum sw_code parse_factor(struct parser *p, struct sw_query **out)
{
    if (p->depth >= DEPTH_MAX)
        return sw_err_set(p->err, SW_LIMIT, "query: it is nested more than %d deep", DEPTH_MAX);
    bool is_not = false;
    p->depth++;
    enum sw_code code = take_keyword(p, "NOT", &is_not);
    if (code == SW_OK && is_not) {
        struct sw_query *inner = NULL;
        code = parse_factor(p, &inner);
        if (code == SW_OK)
            code = negate(p, inner, out);
    } else if (code == SW_OK && is_mark(p, '(')) {
        code = advance(p);
        if (code == SW_OK)
            code = parse_or(p, out);
        if (code == SW_OK)
            code = take_mark(p, ')', "')', AND or OR");
    } else if (code == SW_OK) {
        code = parse_test(p, out);
    }
    p->depth--;
    return code;
}

static struct sw_query *balance(struct parser *p, enum sw_query_kind kind, struct sw_query **items, size_t count)
{
    if (count == 1)
        return items[0];
    struct sw_query *q = new_node(p, kind);
    if (q == NULL)
        return NULL;
    q->left = balance(p, kind, items, count / 2);
    q->right = balance(p, kind, items + count / 2, count - count / 2);
    return q->left != NULL && q->right != NULL ? q : NULL;
}

// item { WORD item } as a balanced tree.
static enum sw_code parse_chain(struct parser *p, enum sw_query_kind kind, const char *word,
                                enum sw_code (*parse_item)(struct parser *, struct sw_query **), struct sw_query **out)
{
    struct sw_query *items[TESTS_MAX];
    size_t count = 0;
    bool more = true;
    enum sw_code code = SW_OK;
    while (code == SW_OK && more) {
        if (count == TESTS_MAX)
            return sw_err_set(p->err, SW_LIMIT, "query: it has more than %d conditions", TESTS_MAX);
        code = parse_item(p, &items[count++]);
        if (code == SW_OK)
            code = take_keyword(p, word, &more);
    }
    if (code != SW_OK)
        return code;
    *out = balance(p, kind, items, count);
    return *out != NULL ? SW_OK : out_of_memory(p);
}

static enum sw_code parse_and(struct parser *p, struct sw_query **out)
{
    return parse_chain(p, SW_QUERY_AND, "AND", parse_factor, out);
}

static enum sw_code parse_or(struct parser *p, struct sw_query **out)
{
    return parse_chain(p, SW_QUERY_OR, "OR", parse_and, out);
}

// --- entry points ---
static enum sw_code start(struct parser *p, enum sw_subject subject, const char *text, struct sw_arena *a,
                          struct sw_err *err)
{
    *p = (struct parser){.subject = subject, .source = text, .at = text, .arena = a, .err = err};
    size_t len = strlen(text);
    if (len > TEXT_MAX_BYTES)
        return sw_err_set(err, SW_LIMIT, "query: it has more than %d bytes", TEXT_MAX_BYTES);
    if (!sw_utf8_valid(text, len))
        return sw_err_set(err, SW_INVALID, "query: it is not valid UTF-8");
    p->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return p->c_locale != (locale_t)0 ? advance(p) : out_of_memory(p);
}

static void finish(struct parser *p)
{
    if (p->c_locale != (locale_t)0)
        freelocale(p->c_locale);
}

enum sw_code sw_track_parse_query(enum sw_subject subject, const char *text, struct sw_arena *a,
                                  const struct sw_query **out, struct sw_err *err)
{
    struct parser p;
    struct sw_query *tree = NULL;
    enum sw_code code = start(&p, subject, text, a, err);
    if (code == SW_OK && p.token.kind != TOKEN_END) {
        code = parse_or(&p, &tree);
        if (code == SW_OK && p.token.kind != TOKEN_END)
            code = expected(&p, "AND, OR or the end");
    }
    finish(&p);
    if (code == SW_OK)
        *out = tree;
    return code;
}

static enum sw_code parse_order(struct parser *p, struct sw_query_order *orders, size_t *count)
{
    enum sw_code code = SW_OK;
    bool taken = false;
    while (code == SW_OK && p->token.kind != TOKEN_END) {
        struct ident id;
        if (*count == ORDER_MAX)
            return sw_err_set(p->err, SW_LIMIT, "order: it has more than %d fields", ORDER_MAX);
        if (*count > 0)
            code = take_mark(p, ',', "',' or the end");
        if (code == SW_OK)
            code = parse_ident(p, &id);
        if (code == SW_OK && id.field == SW_FIELD_DATASET)
            code = sw_err_set(p->err, SW_INVALID, "order, column %d: %s cannot be ordered by a data set",
                              column_of(p, id.start), subjects[p->subject].plural);
        if (code != SW_OK)
            return code;
        struct sw_query_order *o = &orders[(*count)++];
        *o = (struct sw_query_order){.field = id.field, .key = id.key};
        code = take_keyword(p, "DESC", &o->descending);
        if (code == SW_OK && !o->descending)
            code = take_keyword(p, "ASC", &taken);
    }
    return code;
}

enum sw_code sw_track_parse_order(enum sw_subject subject, const char *text, struct sw_arena *a,
                                  struct sw_query_order **out, size_t *count, struct sw_err *err)
{
    struct parser p;
    size_t found = 0;
    enum sw_code code = start(&p, subject, text, a, err);
    struct sw_query_order *orders = code == SW_OK ? sw_arena_array(a, ORDER_MAX, sizeof *orders) : NULL;
    if (code == SW_OK)
        code = orders != NULL ? parse_order(&p, orders, &found) : out_of_memory(&p);
    finish(&p);
    if (code == SW_OK) {
        *out = orders;
        *count = found;
    }
    return code;
}
