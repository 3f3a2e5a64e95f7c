// SPDX-License-Identifier: Apache-2.0
// The filter grammar: what it accepts, what its errors say, and that a search in the store gives exactly the runs that
// a plain evaluation of the same tree in this file gives, over random data and random queries.
#include "tests/unit/store/fixture.h"

#include "core/base/buf.h"
#include "core/store/dataset.h"
#include "core/store/metric.h"
#include "core/store/run.h"
#include "core/store/store_private.h"
#include "core/track/query.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>

// --- trees as text ---
static void show(struct sw_buf *b, const struct sw_query *q)
{
    static const char *const kinds[] = {"and", "or", "not"};
    static const char *const fields[] = {"metric", "param", "tag", "attribute", "dataset"};
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "like", "ilike"};
    if (q->kind <= SW_QUERY_NOT) {
        sw_buf_addf(b, "(%s ", kinds[q->kind]);
        show(b, q->left);
        if (q->kind != SW_QUERY_NOT) {
            sw_buf_addc(b, ' ');
            show(b, q->right);
        }
        sw_buf_addc(b, ')');
        return;
    }
    sw_buf_addf(b, "%s.%s", fields[q->field], q->key);
    if (q->kind == SW_QUERY_IS_NULL) {
        sw_buf_adds(b, " null");
    } else if (q->kind == SW_QUERY_IN) {
        sw_buf_adds(b, " in");
        for (size_t i = 0; i < q->list_count; i++)
            sw_buf_addf(b, " %s", q->list[i]);
    } else if (q->is_number) {
        sw_buf_addf(b, " %s #%g", ops[q->op], q->number);
    } else {
        sw_buf_addf(b, " %s %s", ops[q->op], q->text);
    }
}

static void test_accepts(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *tree;
    } rows[] = {
        {"metrics.acc > 0.9", "metric.acc > #0.9"},
        {"metric.acc>=.5e-3", "metric.acc >= #0.0005"},
        {"metrics.loss < -1E+2", "metric.loss < #-100"},
        {"metrics.`val loss` <= 1", "metric.val loss <= #1"},
        {"metrics.\"a\"\"b\" = 1", "metric.a\"b = #1"},
        {"metrics.train/loss != 2", "metric.train/loss != #2"},
        {"params.lr = '0.1'", "param.lr = 0.1"},
        {"parameters.lr > 0.01", "param.lr > #0.01"},
        {"tags.mlflow.source.git.commit LIKE 'ab%'", "tag.mlflow.source.git.commit like ab%"},
        {"tag.x ilike \"%A%\"", "tag.x ilike %A%"},
        {"tag.x = 'it''s'", "tag.x = it's"},
        {"status = 'FINISHED'", "attribute.status = FINISHED"},
        {"attributes.start_time > 1700000000000", "attribute.start_time > #1.7e+12"},
        {"`Run Name` = 'a'", "attribute.run_name = a"},
        {"Created < 5", "attribute.start_time < #5"},
        {"run.run_id IN ('a', 'b')", "attribute.run_id in a b"},
        {"run_id not in ('a')", "(not attribute.run_id in a)"},
        {"metrics.epoch IN (1, 2.5)", "metric.epoch in 1 2.5"},
        {"params.x IS NULL", "param.x null"},
        {"params.x is not null", "(not param.x null)"},
        {"name NOT LIKE 'a%'", "(not attribute.run_name like a%)"},
        {"datasets.digest = 'abc'", "dataset.digest = abc"},
        {"a.b = 1", NULL},
        {"status='A' and name='B' or user='C'",
         "(or (and attribute.status = A attribute.run_name = B) attribute.user_id = C)"},
        {"status='A' AND (name='B' OR user='C')",
         "(and attribute.status = A (or attribute.run_name = B attribute.user_id = C))"},
        {"NOT status='A' AND NOT (NOT name='B')",
         "(and (not attribute.status = A) (not (not attribute.run_name = B)))"},
        {"params.größe = 'x'", "param.größe = x"},
        {"params.0x10 = '1'", "param.0x10 = 1"},
    };
    setlocale(LC_ALL, "de_DE.UTF-8"); // where there is one, a decimal comma must not matter
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct sw_query *q = NULL;
        if (rows[i].tree == NULL) {
            fails(sw_track_parse_query(SW_SUBJECT_RUN, rows[i].text, f->arena, &q, &f->err), SW_INVALID);
            continue;
        }
        ok(sw_track_parse_query(SW_SUBJECT_RUN, rows[i].text, f->arena, &q, &f->err));
        struct sw_buf b;
        sw_buf_init(&b, 10000);
        show(&b, q);
        assert_string_equal(b.data, rows[i].tree);
        sw_buf_free(&b);
    }
    const struct sw_query *q = (const struct sw_query *)1;
    ok(sw_track_parse_query(SW_SUBJECT_RUN, "  ", f->arena, &q, &f->err));
    assert_null(q);
}

static void test_errors_say_where_and_what(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *message, *hint;
    } rows[] = {
        {"metrics.acc > 'high'", "column 15: expected a number, found 'high'", ""},
        {"metrics.acc >", "column 14: expected a number, but it ends", ""},
        {"metrics.acc", "column 12: expected =, !=, <, <=, >, >=, LIKE, ILIKE, IN or IS NULL, but it ends", ""},
        {"metrics. > 1", "column 10: expected a key after the dot, found >", ""},
        {"status = FINISHED", "column 10: expected a text in quotes, found FINISHED", ""},
        {"params.größe ~ 1", "column 14: expected =", ""},
        {"stats = 'A'", "column 1: runs have no attribute 'stats'", "did you mean status?"},
        {"accuracy > 1", "runs have no attribute 'accuracy'", "metrics.accuracy"},
        {"foo.bar = 1", "column 1: 'foo' is no kind of thing", "params."},
        {"status = 'A", "column 10: the ' that opens here is never closed", ""},
        {"(status = 'A'", "column 14: expected ')', AND or OR, but it ends", ""},
        {"status = 'A')", "column 13: expected AND, OR or the end, found )", ""},
        {"status = 'A' name = 'B'", "column 14: expected AND, OR or the end, found name", ""},
        {"params.a NOT = 1", "column 14: expected IN, LIKE or ILIKE, found =", ""},
        {"params.a IS 1", "column 13: expected NULL or NOT NULL, found 1", ""},
        {"params.a IN ()", "column 14: expected a number or a text in quotes, found )", ""},
        {"params.a IN (1 2)", "column 16: expected ',' or ')', found 2", ""},
        {"metrics.a LIKE '1%'", "column 1: a is a number and has no LIKE", ""},
        {"datasets.size = 'x'", "no data set field 'size'", "name, digest and context"},
        {"status = 'A' AND", "column 17: expected a name such as metrics.loss", ""},
        {"\xff = 1", "not valid UTF-8", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct sw_query *q = NULL;
        fails(sw_track_parse_query(SW_SUBJECT_RUN, rows[i].text, f->arena, &q, &f->err), SW_INVALID);
        if (strstr(f->err.message, rows[i].message) == NULL || strstr(f->err.hint, rows[i].hint) == NULL)
            fail_msg("%s: '%s' (%s)", rows[i].text, f->err.message, f->err.hint);
    }
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    const struct sw_query *q = NULL;
    struct sw_run_list list;
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    for (int i = 0; i < 500; i++)
        sw_buf_addf(&b, "%sparams.p%d = 'x'", i > 0 ? " OR " : "", i);
    ok(sw_track_parse_query(SW_SUBJECT_RUN, b.data, f->arena, &q, &f->err));
    ok(sw_run_search(f->store, &(struct sw_run_query){.where = q, .experiment_id = -1}, f->arena, &list, &f->err));
    sw_buf_adds(&b, " OR status = 'A'");
    fails(sw_track_parse_query(SW_SUBJECT_RUN, b.data, f->arena, &q, &f->err), SW_LIMIT);
    sw_buf_clear(&b);
    for (int i = 0; i < 99; i++)
        sw_buf_addc(&b, '(');
    sw_buf_adds(&b, "status = 'A'");
    for (int i = 0; i < 99; i++)
        sw_buf_addc(&b, ')');
    ok(sw_track_parse_query(SW_SUBJECT_RUN, b.data, f->arena, &q, &f->err));
    sw_buf_clear(&b);
    for (int i = 0; i < 30000; i++)
        sw_buf_addc(&b, '(');
    fails(sw_track_parse_query(SW_SUBJECT_RUN, b.data, f->arena, &q, &f->err), SW_LIMIT);
    sw_buf_clear(&b);
    for (int i = 0; i < 15000; i++)
        sw_buf_adds(&b, "NOT ");
    fails(sw_track_parse_query(SW_SUBJECT_RUN, b.data, f->arena, &q, &f->err), SW_LIMIT);
    sw_buf_free(&b);
}

static void test_orders(void **state)
{
    struct fixture *f = *state;
    struct sw_query_order *o = NULL;
    size_t count = 0;
    ok(sw_track_parse_order(SW_SUBJECT_RUN, "metrics.acc DESC, params.`a b`, start_time asc", f->arena, &o, &count,
                            &f->err));
    assert_int_equal(count, 3);
    assert_true(o[0].field == SW_FIELD_METRIC && o[0].descending);
    assert_string_equal(o[1].key, "a b");
    assert_true(o[2].field == SW_FIELD_ATTRIBUTE && !o[2].descending);
    ok(sw_track_parse_order(SW_SUBJECT_RUN, "", f->arena, &o, &count, &f->err));
    assert_int_equal(count, 0);
    fails(sw_track_parse_order(SW_SUBJECT_RUN, "metrics.acc down", f->arena, &o, &count, &f->err), SW_INVALID);
    fails(sw_track_parse_order(SW_SUBJECT_RUN, "metrics.acc,", f->arena, &o, &count, &f->err), SW_INVALID);
    fails(sw_track_parse_order(SW_SUBJECT_RUN, "datasets.name", f->arena, &o, &count, &f->err), SW_INVALID);
}

// --- the store against a plain evaluation ---
static bool spelled_number(const char *text, double *out)
{
    char *end = NULL;
    while (isspace((unsigned char)*text))
        text++;
    if (*text == '\0' || isalpha((unsigned char)*text) || strpbrk(text, "xX") != NULL)
        return false;
    *out = strtod(text, &end);
    return end != text && *end == '\0';
}

static bool like(const char *pattern, const char *text, bool fold)
{
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '%') {
        for (;; text++) {
            if (like(pattern + 1, text, fold))
                return true;
            if (*text == '\0')
                return false;
        }
    }
    if (*text == '\0')
        return false;
    bool same = fold ? tolower((unsigned char)*pattern) == tolower((unsigned char)*text) : *pattern == *text;
    return (*pattern == '_' || same) && like(pattern + 1, text + 1, fold);
}

static bool holds(enum sw_query_op op, int order)
{
    switch (op) {
    case SW_OP_EQ:
        return order == 0;
    case SW_OP_NE:
        return order != 0;
    case SW_OP_LT:
        return order < 0;
    case SW_OP_LE:
        return order <= 0;
    case SW_OP_GT:
        return order > 0;
    default:
        return order >= 0;
    }
}

static int order_of(double a, double b)
{
    return (a > b) - (a < b);
}

static bool text_fits(const struct sw_query *q, const char *value, bool may_be_number)
{
    double x, y;
    if (q->kind == SW_QUERY_IN) {
        for (size_t i = 0; i < q->list_count; i++)
            if (strcmp(q->list[i], value) == 0)
                return true;
        return false;
    }
    if (q->op == SW_OP_LIKE || q->op == SW_OP_ILIKE)
        return like(q->text, value, q->op == SW_OP_ILIKE);
    bool is_ordering = q->op != SW_OP_EQ && q->op != SW_OP_NE;
    if (may_be_number && is_ordering && spelled_number(value, &x) && spelled_number(q->text, &y))
        return holds(q->op, order_of(x, y));
    return holds(q->op, strcmp(value, q->text));
}

static bool number_fits(const struct sw_query *q, double value)
{
    if (isnan(value))
        return q->kind == SW_QUERY_COMPARE && q->op == SW_OP_NE;
    if (q->kind == SW_QUERY_COMPARE)
        return holds(q->op, order_of(value, q->number));
    for (size_t i = 0; i < q->list_count; i++)
        if (strtod(q->list[i], NULL) == value)
            return true;
    return false;
}

static const char *find_pair(const struct sw_pair *pairs, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(pairs[i].key, key) == 0)
            return pairs[i].value;
    return NULL;
}

static bool evaluate(const struct sw_query *q, const struct sw_run *run);

static bool attribute_fits(const struct sw_query *q, const struct sw_run *run)
{
    bool is_null = q->kind == SW_QUERY_IS_NULL;
    if (strcmp(q->key, "start_time") == 0)
        return !is_null && number_fits(q, (double)run->start_ms);
    if (strcmp(q->key, "end_time") == 0)
        return is_null ? run->end_ms == 0 : run->end_ms != 0 && number_fits(q, (double)run->end_ms);
    const char *value = strcmp(q->key, "run_name") == 0 ? run->name : sw_run_status_word(run->status);
    return is_null ? *value == '\0' : text_fits(q, value, false);
}

static bool leaf_fits(const struct sw_query *q, const struct sw_run *run)
{
    bool is_null = q->kind == SW_QUERY_IS_NULL;
    if (q->field == SW_FIELD_ATTRIBUTE)
        return attribute_fits(q, run);
    if (q->field == SW_FIELD_METRIC) {
        for (size_t i = 0; i < run->metric_count; i++)
            if (strcmp(run->metrics[i].key, q->key) == 0)
                return !is_null && number_fits(q, run->metrics[i].last);
        return is_null;
    }
    const char *value = q->field == SW_FIELD_PARAM ? find_pair(run->params, run->param_count, q->key)
                                                   : find_pair(run->tags, run->tag_count, q->key);
    return value == NULL ? is_null : !is_null && text_fits(q, value, true);
}

static bool evaluate(const struct sw_query *q, const struct sw_run *run)
{
    switch (q->kind) {
    case SW_QUERY_AND:
        return evaluate(q->left, run) && evaluate(q->right, run);
    case SW_QUERY_OR:
        return evaluate(q->left, run) || evaluate(q->right, run);
    case SW_QUERY_NOT:
        return !evaluate(q->left, run);
    default:
        return leaf_fits(q, run);
    }
}

static const char *const words[] = {"0.1", "0.01", "1e-2", "10",  "9",   "adam", "Adam",
                                    "sgd", "",     "a*b",  "a[b", "50%", "x_y"};
static const char *const numbers[] = {"0", "1", "2.5", "-1", "9", "10", "0.01"};
enum { WORDS = sizeof words / sizeof *words, NUMBERS = sizeof numbers / sizeof *numbers };

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u; // Numerical Recipes' constants
    return (uint32_t)(((uint64_t)(*seed >> 8) * below) >> 24);
}

static void add_random_run(struct fixture *f, uint32_t *seed, int number)
{
    char id[SW_RUN_ID], name[32];
    snprintf(name, sizeof name, "run-%s-%d", words[draw(seed, 7)], number);
    struct sw_run_new n = {.name = name, .status = (enum sw_run_status)draw(seed, 5), .start_ms = 1 + draw(seed, 20)};
    ok(sw_run_create(f->store, &n, id, &f->err));
    for (int k = 0; k < 3; k++) {
        char key[] = {(char)('a' + k), '\0'};
        if (draw(seed, 4) > 0)
            ok(sw_run_set_param(f->store, id, key, words[draw(seed, WORDS)], &f->err));
        if (draw(seed, 4) > 0)
            ok(sw_run_set_tag(f->store, id, key, words[draw(seed, WORDS)], &f->err));
        double value = draw(seed, 8) == 0 ? NAN : strtod(numbers[draw(seed, NUMBERS)], NULL);
        struct sw_metric_point p = {key, value, 0, 1};
        if (draw(seed, 4) > 0)
            ok(sw_metric_write(f->store, id, &p, 1, &f->err));
    }
    if (draw(seed, 2) == 0)
        ok(sw_run_finish(f->store, id, SW_RUN_FINISHED, 1 + draw(seed, 20), &f->err));
}

static void add_random_test(struct sw_buf *b, uint32_t *seed)
{
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    static const char *const patterns[] = {"%a%", "a_am", "A%", "a*b", "a[_", "%!%", "50%", "x_y", "%"};
    char key = (char)('a' + draw(seed, 4)); // "d" is logged by nobody
    uint32_t kind = draw(seed, 5), form = draw(seed, 10);
    bool is_metric = kind == 0, is_time = kind == 4;
    if (is_metric)
        sw_buf_addf(b, "metrics.%c", key);
    else if (kind == 1)
        sw_buf_addf(b, "params.%c", key);
    else if (kind == 2)
        sw_buf_addf(b, "tags.%c", key);
    else
        sw_buf_adds(b, kind == 3 ? (draw(seed, 2) ? "run_name" : "status") : draw(seed, 2) ? "start_time" : "end_time");
    bool number = is_metric || is_time;
    if (form == 0) {
        sw_buf_adds(b, draw(seed, 2) ? " IS NULL" : " IS NOT NULL");
    } else if (form == 1) {
        sw_buf_adds(b, draw(seed, 2) ? " IN (" : " NOT IN (");
        for (uint32_t i = 0, n = 1 + draw(seed, 3); i < n; i++)
            sw_buf_addf(b, number ? "%s%s" : "%s'%s'", i > 0 ? ", " : "",
                        number ? numbers[draw(seed, NUMBERS)] : words[draw(seed, WORDS)]);
        sw_buf_adds(b, ")");
    } else if (form <= 3 && !number) {
        sw_buf_addf(b, " %s '%s'", draw(seed, 2) ? "LIKE" : "ILIKE",
                    patterns[draw(seed, sizeof patterns / sizeof *patterns)]);
    } else if (number) {
        sw_buf_addf(b, " %s %s", ops[draw(seed, 6)], numbers[draw(seed, NUMBERS)]);
    } else if (kind == 3) {
        sw_buf_addf(b, " %s '%s'", ops[draw(seed, 6)], draw(seed, 2) ? "FINISHED" : "run-adam-3");
    } else {
        sw_buf_addf(b, draw(seed, 2) ? " %s '%s'" : " %s %s", ops[draw(seed, 6)], numbers[draw(seed, NUMBERS)]);
    }
}

static void add_random_query(struct sw_buf *b, uint32_t *seed, int depth)
{
    uint32_t form = depth > 3 ? 0 : draw(seed, 5);
    if (form <= 1) {
        add_random_test(b, seed);
    } else if (form == 2) {
        sw_buf_adds(b, "NOT (");
        add_random_query(b, seed, depth + 1);
        sw_buf_adds(b, ")");
    } else {
        sw_buf_adds(b, "(");
        add_random_query(b, seed, depth + 1);
        sw_buf_adds(b, form == 3 ? ") AND (" : ") OR (");
        add_random_query(b, seed, depth + 1);
        sw_buf_adds(b, ")");
    }
}

static void test_store_agrees_with_evaluation(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 7;
    size_t some = 0;
    enum { RUNS = 120, QUERIES = 1500 };
    setlocale(LC_ALL, "C");
    for (int i = 0; i < RUNS; i++)
        add_random_run(f, &seed, i);
    struct sw_run_list all;
    struct sw_run_query every = {
        .experiment_id = -1, .limit = RUNS, .with = SW_RUN_WITH_PARAMS | SW_RUN_WITH_TAGS | SW_RUN_WITH_METRICS};
    ok(sw_run_search(f->store, &every, f->arena, &all, &f->err));
    assert_int_equal(all.count, RUNS);
    for (int i = 0; i < QUERIES; i++) {
        struct sw_arena *a = sw_arena_new(16 << 20);
        struct sw_buf text;
        const struct sw_query *q = NULL;
        struct sw_run_list found;
        sw_buf_init(&text, 1 << 16);
        add_random_query(&text, &seed, 0);
        ok(sw_track_parse_query(SW_SUBJECT_RUN, text.data, a, &q, &f->err));
        struct sw_run_query search = {.where = q, .experiment_id = -1, .limit = RUNS};
        ok(sw_run_search(f->store, &search, a, &found, &f->err));
        size_t at = 0;
        for (size_t r = 0; r < all.count; r++) {
            if (!evaluate(q, &all.items[r]))
                continue;
            if (at >= found.count || strcmp(found.items[at].run_id, all.items[r].run_id) != 0)
                fail_msg("%s: run %s is missing", text.data, all.items[r].name);
            at++;
        }
        if (at != found.count)
            fail_msg("%s: %zu runs too many", text.data, found.count - at);
        assert_int_equal(found.total, found.count);
        some += at > 0 && at < RUNS;
        sw_buf_free(&text);
        sw_arena_free(a);
    }
    assert_true(some > QUERIES / 3); // most queries are neither empty nor everything
}

// Pages through the index of a metric are those of a plain sort, whatever the plan: `few_runs` decides for it.
static void test_plans_agree(void **state)
{
    struct fixture *f = *state;
    static const char *const orders[] = {
        "",          "metrics.a",    "metrics.a DESC, run_name", "metrics.b DESC", "params.a", "start_time, metrics.a",
        "metrics.d", "end_time DESC"};
    static const int64_t few[] = {0, 40, 70};
    uint32_t seed = 11;
    enum { RUNS = 120, QUERIES = 600 };
    for (int i = 0; i < RUNS; i++)
        add_random_run(f, &seed, i);
    for (int i = 0; i < QUERIES; i++) {
        struct sw_arena *a = sw_arena_new(16 << 20);
        struct sw_buf text;
        struct sw_run_list all, page;
        struct sw_run_query q = {.experiment_id = draw(&seed, 2) ? 0 : -1, .limit = RUNS};
        struct sw_query_order *order = NULL;
        sw_buf_init(&text, 1 << 16);
        if (draw(&seed, 2))
            sw_buf_addf(&text, "metrics.%c %s 1 AND ", 'a' + (int)draw(&seed, 2), draw(&seed, 2) ? ">" : "!=");
        sw_buf_adds(&text, "(");
        add_random_query(&text, &seed, 2);
        sw_buf_adds(&text, ")");
        ok(sw_track_parse_query(SW_SUBJECT_RUN, text.data, a, &q.where, &f->err));
        ok(sw_track_parse_order(SW_SUBJECT_RUN, orders[draw(&seed, 8)], a, &order, &q.order_count, &f->err));
        q.order = order;
        f->store->few_runs = 1000;
        ok(sw_run_search(f->store, &q, a, &all, &f->err));
        f->store->few_runs = few[draw(&seed, 3)];
        q.limit = 1 + draw(&seed, 20);
        size_t at = 0;
        do {
            q.offset = (int64_t)at;
            ok(sw_run_search(f->store, &q, a, &page, &f->err));
            for (size_t r = 0; r < page.count; r++, at++)
                if (at >= all.count || strcmp(page.items[r].run_id, all.items[at].run_id) != 0)
                    fail_msg("%s: run %zu is another one", text.data, at);
            assert_int_equal(page.total, all.count);
        } while (page.count > 0);
        assert_int_equal(at, all.count);
        sw_buf_free(&text);
        sw_arena_free(a);
    }
}

static void test_order_of_runs(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        const char *lr;
        double acc;
        bool has_acc;
    } rows[] = {{"a", "10", 0.5, true}, {"b", "9", NAN, true}, {"c", "adam", 0.9, true}, {"d", NULL, 0, false}};
    for (size_t i = 0; i < 4; i++) {
        char id[SW_RUN_ID];
        struct sw_run_new n = {.name = rows[i].name, .start_ms = 100 + (int64_t)i};
        ok(sw_run_create(f->store, &n, id, &f->err));
        struct sw_metric_point p = {"acc", rows[i].acc, 0, 1};
        if (rows[i].has_acc)
            ok(sw_metric_write(f->store, id, &p, 1, &f->err));
        if (rows[i].lr != NULL)
            ok(sw_run_set_param(f->store, id, "lr", rows[i].lr, &f->err));
    }
    static const struct {
        const char *order, *names;
    } cases[] = {
        {"", "dcba"},                 // newest first
        {"metrics.acc", "acbd"},      // numbers, NaN, none
        {"metrics.acc DESC", "cabd"}, // the same whatever the direction
        {"params.lr", "bacd"},        // 9 before 10 before text
        {"params.lr DESC", "abcd"},
        {"run_name", "abcd"},
        {"metrics.none, run_name DESC", "dcba"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_run_query q = {.experiment_id = -1};
        struct sw_query_order *order = NULL;
        struct sw_run_list found;
        char names[8] = "";
        ok(sw_track_parse_order(SW_SUBJECT_RUN, cases[i].order, f->arena, &order, &q.order_count, &f->err));
        q.order = order;
        ok(sw_run_search(f->store, &q, f->arena, &found, &f->err));
        for (size_t r = 0; r < found.count; r++)
            names[r] = found.items[r].name[0];
        assert_string_equal(names, cases[i].names);
    }
}

static void test_pages_and_deleted(void **state)
{
    struct fixture *f = *state;
    char id[SW_RUN_ID];
    for (int i = 0; i < 25; i++) {
        struct sw_run_new n = {.experiment = i % 2 ? "odd" : "even", .start_ms = i + 1};
        ok(sw_run_create(f->store, &n, id, &f->err));
    }
    ok(sw_run_set_deleted(f->store, id, true, &f->err));
    struct sw_run_list list;
    ok(sw_run_search(f->store, &(struct sw_run_query){.experiment_id = -1, .limit = 10, .offset = 20}, f->arena, &list,
                     &f->err));
    assert_int_equal(list.count, 4);
    assert_int_equal(list.total, 24);
    ok(sw_run_search(f->store, &(struct sw_run_query){.experiment_id = -1, .limit = 10}, f->arena, &list, &f->err));
    assert_int_equal(list.total, 24);
    ok(sw_run_search(f->store, &(struct sw_run_query){.experiment_id = -1, .offset = 100}, f->arena, &list, &f->err));
    assert_int_equal(list.count, 0);
    assert_int_equal(list.total, 24);
    ok(sw_run_search(f->store, &(struct sw_run_query){.experiment_id = -1, .view = SW_VIEW_DELETED}, f->arena, &list,
                     &f->err));
    assert_int_equal(list.total, 1);
    ok(sw_run_search(f->store, &(struct sw_run_query){.experiment_id = 2}, f->arena, &list, &f->err));
    assert_int_equal(list.total, 12);
    assert_string_equal(list.items[0].experiment_name, "odd");
}

static void test_dataset_queries(void **state)
{
    struct fixture *f = *state;
    char with[SW_RUN_ID], without[SW_RUN_ID];
    struct sw_run_new n = {.name = "x"};
    struct sw_dataset d = {.name = "fm", .path = "/d", .format = "idx", .digest = "abcd"};
    int64_t dataset = 0;
    ok(sw_run_create(f->store, &n, with, &f->err));
    ok(sw_run_create(f->store, &n, without, &f->err));
    ok(sw_dataset_add(f->store, &d, &dataset, &f->err));
    ok(sw_run_add_input(f->store, with, dataset, "train", &f->err));
    static const struct {
        const char *text;
        size_t count;
        bool is_with;
    } cases[] = {
        {"datasets.name = 'fm'", 1, true},       {"datasets.digest LIKE 'ab%'", 1, true},
        {"datasets.context = 'eval'", 0, false}, {"datasets.name IS NULL", 1, false},
        {"NOT datasets.name = 'fm'", 1, false},  {"datasets.name IN ('x', 'fm')", 1, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sw_query *q = NULL;
        struct sw_run_list list;
        ok(sw_track_parse_query(SW_SUBJECT_RUN, cases[i].text, f->arena, &q, &f->err));
        ok(sw_run_search(f->store, &(struct sw_run_query){.where = q, .experiment_id = -1}, f->arena, &list, &f->err));
        assert_int_equal(list.count, cases[i].count);
        if (list.count == 1)
            assert_string_equal(list.items[0].run_id, cases[i].is_with ? with : without);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_accepts),
        store_test(test_errors_say_where_and_what),
        store_test(test_limits),
        store_test(test_orders),
        store_test(test_store_agrees_with_evaluation),
        store_test(test_plans_agree),
        store_test(test_order_of_runs),
        store_test(test_pages_and_deleted),
        store_test(test_dataset_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
