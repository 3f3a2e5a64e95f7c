// SPDX-License-Identifier: Apache-2.0
// CSV: dialects, types, quoting, damage, and that any row read at random equals the same row read in order.
#include "tests/unit/data/data_test.h"

#include <locale.h>

static void check_columns(struct sw_reader *r, const char *want)
{
    char got[500] = "";
    const struct sw_schema *s = sw_reader_schema(r);
    for (size_t i = 0; i < s->count; i++) {
        size_t used = strlen(got);
        snprintf(got + used, sizeof got - used, "%s%s:%s", i > 0 ? " " : "", s->columns[i].name,
                 sw_data_type_word(s->columns[i].type));
    }
    assert_string_equal(got, want);
}

static int64_t count_rows(struct sw_reader *r)
{
    int64_t rows = -1;
    struct sw_err err = {0};
    if (sw_reader_count(r, &rows, &err) != SW_OK)
        fail_msg("%s", err.message);
    return rows;
}

static void infers_header_delimiter_and_types(void **state)
{
    (void)state;
    static const struct {
        const char *text, *columns;
        int64_t rows;
    } cases[] = {
        {"a,b,c\n1,2.5,x\n2,3,y\n", "a:int b:real c:text", 2},
        {"a\tb\n1\t2\n", "a:int b:int", 1},
        {"a;b\r\n1,5;2\r\n2,5;3\r\n", "a:text b:int", 2},
        {"1,2\n3,4\n", "column_1:int column_2:int", 2},
        {"name,city\nx,y\n", "name:text city:text", 1},
        {"\xef\xbb\xbfid,v\n1,2\n", "id:int v:int", 1},
        {"id,2019,2020\n1,5,6\n", "id:int 2019:int 2020:int", 1},
        {"a,a,,a\n1,2,3,4\n", "a:int a_2:int column_3:int a_4:int", 1},
        {"zip,n\n01234,1\n00501,2\n", "zip:text n:int", 2},    // leading zeros are names
        {"k,n\n123456789012345678901,1\n", "k:text n:int", 1}, // beyond int64 a number would lose digits
        {"x,y\n1,NA\nNaN,2\nnull,\n", "x:int y:int", 3},       // words for nothing do not make text
        {"x,y\n1e3,-0.5\n.5,+2\ninf,1\n", "x:real y:real", 3},
        {"x,y\n0x10,1\n1_000,2\n", "x:text y:int", 2},
        {"only,a,header\n", "only:text a:text header:text", 0},
        {"\n\na,b\n\n1,2\n\n\n3,4\n\n", "a:int b:int", 2}, // blank lines are no rows
        {"a,b\n1,2", "a:int b:int", 1},                    // no newline at the end
        {"x\n1\n2\n", "x:int", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sw_reader *r = open_ok(put_text("t.csv", cases[i].text), NULL);
        check_columns(r, cases[i].columns);
        assert_int_equal(count_rows(r), cases[i].rows);
        assert_true(sw_reader_rows(r).is_exact);
        sw_reader_free(r);
    }
}

static void reads_quotes_and_newlines_inside_fields(void **state)
{
    (void)state;
    struct sw_reader *r = open_ok(put_text("q.csv", "id,text,n\r\n"
                                                    "1,\"a,b\",1\r\n"
                                                    "2,\"say \"\"hi\"\"\",2\r\n"
                                                    "3,\"two\r\nlines\",3\r\n"
                                                    "4,,4\r\n"
                                                    "5,\"\",5\r\n"
                                                    "6,5\" disk,6\r\n"
                                                    "7,\"end\r\",\r\n"),
                                  NULL);
    struct sw_batch b = {0};
    read_ok(r, 0, 100, &b);
    assert_int_equal(b.rows, 7);
    assert_int_equal(b.problem_count, 0);
    assert_text(&b, 1, 0, "a,b");
    assert_text(&b, 1, 1, "say \"hi\"");
    assert_text(&b, 1, 2, "two\r\nlines");
    assert_true(sw_vector_is_null(&b.vectors[1], 3)); // nothing is null, "" is an empty text
    assert_text(&b, 1, 4, "");
    assert_text(&b, 1, 5, "5\" disk");
    assert_text(&b, 1, 6, "end\r");
    assert_int_equal(b.vectors[2].ints[5], 6);
    assert_true(sw_vector_is_null(&b.vectors[2], 6));
    assert_int_equal(b.vectors[2].null_count, 1);
    sw_batch_free(&b);
    sw_reader_free(r);
}

static void notes_or_refuses_bad_rows(void **state)
{
    (void)state;
    static const struct {
        const char *row, *message;
    } cases[] = {
        {"1,2", "2 fields where the table has 3 columns"},
        {"1,2,3,4", "4 fields where the table has 3 columns"},
        {"1,2,\"x\"y", "does not end at its closing quote"},
        {"1,2,\"never closed", "does not end at its closing quote"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[20000] = "a,b,c\n";
        for (int row = 0; row < 900; row++)
            strcat(text, row == 3 ? "4,5,\"in\nside\"\n" : "1,2,w\n");
        strcat(text, cases[i].row);
        strcat(text, i < 3 ? "\n1,2,w\n" : "");
        struct sw_reader *r = open_ok(put_text("bad.csv", text), NULL);
        struct sw_batch b = {0};
        read_ok(r, 890, 20, &b);
        assert_int_equal(b.problem_count, 1);
        assert_int_equal(b.problems[0].row, 900);
        assert_int_equal(b.problems[0].line, 903); // header, 900 rows, one of them on two lines
        assert_non_null(strstr(b.problems[0].message, cases[i].message));
        struct sw_read strict = {.first = 0, .rows = 1000, .is_strict = true};
        struct sw_err err = {0};
        assert_int_equal(sw_reader_read(r, &strict, &b, &err), SW_INVALID);
        assert_non_null(strstr(err.message, "bad.csv line 903"));
        assert_non_null(strstr(err.message, cases[i].message));
        assert_int_not_equal(err.hint[0], 0);
        read_ok(r, 5, 1, &b); // the reader stays usable
        assert_int_equal(b.rows, 1);
        sw_batch_free(&b);
        sw_reader_free(r);
    }
}

static void notes_a_word_behind_the_sample(void **state)
{
    (void)state;
    FILE *f = fopen(in_dir("late.csv"), "w");
    fputs("a,b\n", f);
    for (int i = 0; i < 12000; i++)
        fprintf(f, "%d,%d.5\n", i, i);
    fputs("oops,1\n", f);
    fclose(f);
    struct sw_reader *r = open_ok(in_dir("late.csv"), NULL);
    check_columns(r, "a:int b:real");
    struct sw_batch b = {0};
    read_ok(r, 12000, 1, &b);
    assert_true(sw_vector_is_null(&b.vectors[0], 0));
    assert_string_equal(b.problems[0].message, "column a: 'oops' is not a whole number");
    assert_int_equal(b.problems[0].line, 12002);
    sw_batch_free(&b);
    sw_reader_free(r);
}

// A few thousand rows with everything that moves row starts around.
static size_t make_rows(char *to, size_t size, unsigned seed)
{
    size_t len = (size_t)snprintf(to, size, "id,real,text\n");
    for (int i = 0; i < 5000 && len + 200 < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        static const char *const tails[] = {"plain\n", "\"quo\"\"ted\"\r\n", "\"two\nlines, here\"\n", "\n",
                                            "\"\"\n\n"};
        len +=
            (size_t)snprintf(to + len, size - len, "%d,%d.25,%s", i, (int)(seed >> 8) % 1000, tails[(seed >> 20) % 5]);
    }
    return len;
}

static void assert_same_row(const struct sw_batch *all, size_t row, const struct sw_batch *one, size_t at)
{
    assert_int_equal(all->vectors[0].ints[row], one->vectors[0].ints[at]);
    assert_true(all->vectors[1].reals[row] == one->vectors[1].reals[at]);
    const struct sw_vector *a = &all->vectors[2], *b = &one->vectors[2];
    assert_int_equal(sw_vector_is_null(a, row), sw_vector_is_null(b, at));
    size_t len = (size_t)(a->offsets[row + 1] - a->offsets[row]);
    assert_int_equal(len, b->offsets[at + 1] - b->offsets[at]);
    if (len > 0)
        assert_memory_equal(a->text + a->offsets[row], b->text + b->offsets[at], len);
}

static void random_access_equals_sequential(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    char *text = malloc(size);
    size_t len = make_rows(text, size, 7);
    const char *paths[] = {put("r.csv", text, len), put_gzip("r.csv.gz", text, len)};
    struct sw_reader *in_order = open_ok(paths[0], NULL);
    struct sw_batch all = {0}, some = {0};
    read_ok(in_order, 0, 10000, &all);
    assert_int_equal(all.rows, 5000);
    for (size_t p = 0; p < 2; p++) {
        struct sw_reader *r = open_ok(paths[p], NULL);
        assert_false(sw_reader_rows(r).is_exact);
        unsigned seed = 3;
        for (int i = 0; i < 300; i++) {
            seed = seed * 1664525u + 1013904223u;
            int64_t first = (seed >> 8) % 5100;
            read_ok(r, first, 1 + seed % 37, &some);
            size_t want = first >= 5000                            ? 0
                          : (size_t)(5000 - first) < 1 + seed % 37 ? (size_t)(5000 - first)
                                                                   : 1 + seed % 37;
            assert_int_equal(some.rows, want);
            for (size_t k = 0; k < some.rows; k++)
                assert_same_row(&all, (size_t)first + k, &some, k);
        }
        assert_int_equal(count_rows(r), 5000);
        sw_reader_free(r);
    }
    sw_batch_free(&all);
    sw_batch_free(&some);
    sw_reader_free(in_order);
    free(text);
}

static void indexes_step_by_step(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    char *text = malloc(size);
    struct sw_reader *r = open_ok(put("s.csv", text, make_rows(text, size, 9)), NULL);
    struct sw_row_count estimate = sw_reader_rows(r);
    assert_true(estimate.is_known && !estimate.is_exact);
    assert_in_range(estimate.rows, 4000, 6000);
    double before = 0;
    int steps = 0;
    struct sw_err err = {0};
    for (bool done = false; !done; steps++) {
        assert_int_equal(sw_reader_index(r, 10000, &done, &err), SW_OK);
        assert_true(sw_reader_indexed(r) >= before);
        before = sw_reader_indexed(r);
        assert_true(done == (before >= 1.0));
    }
    assert_true(steps > 5);
    assert_int_equal(sw_reader_rows(r).rows, 5000);
    sw_reader_free(r);
    free(text);
}

static void projects_columns(void **state)
{
    (void)state;
    struct sw_reader *r = open_ok(put_text("p.csv", "a,b,c\n1,x,2\n3,y,4\n"), NULL);
    struct sw_batch b = {0};
    struct sw_err err = {0};
    struct sw_read what = {.rows = 9, .columns = (int[]){2, 0}, .column_count = 2};
    assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_OK);
    assert_int_equal(b.vector_count, 2);
    assert_string_equal(b.vectors[0].column->name, "c");
    assert_int_equal(b.vectors[0].ints[1], 4);
    assert_int_equal(b.vectors[1].ints[1], 3);
    what.columns = (int[]){0, 0};
    assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_INVALID);
    what.columns = (int[]){3, 0};
    assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_INVALID);
    what = (struct sw_read){.first = -1, .rows = 1};
    assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_INVALID);
    sw_batch_free(&b);
    sw_reader_free(r);
}

static void shows_a_huge_cell_without_holding_it(void **state)
{
    (void)state;
    size_t cell = (size_t)3 << 20;
    char *text = malloc(cell + 100);
    size_t len = (size_t)sprintf(text, "id,text\n1,\"");
    for (size_t i = 0; i < cell; i += 2)
        memcpy(text + len + i, "\xc3\xa9", 2); // two-byte letters: a cut must not split one
    len += cell;
    len += (size_t)sprintf(text + len, "\"\n2,short\n");
    struct sw_reader *r = open_ok(put("huge.csv", text, len), NULL);
    struct sw_batch b = {0};
    struct sw_err err = {0};
    struct sw_read what = {.rows = 10, .cell_limit_bytes = 101};
    assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_OK);
    assert_int_equal(b.rows, 2);
    assert_int_equal(b.vectors[1].offsets[1], 100);
    assert_int_equal(b.vectors[1].full_lengths[0], cell);
    assert_text(&b, 1, 1, "short");
    what.cell_limit_bytes = 0;
    assert_int_equal(sw_reader_read(r, &what, &b, &err), SW_OK);
    assert_int_equal(b.vectors[1].offsets[1], cell);
    sw_batch_free(&b);
    sw_reader_free(r);
    free(text);
}

static void refuses_what_is_no_csv(void **state)
{
    (void)state;
    assert_refused(put("u16.csv",
                       "\xff\xfe"
                       "a\0,\0b\0\n\0",
                       10),
                   SW_UNSUPPORTED, "UTF-16");
    assert_refused(put("u16be.csv", "\xfe\xff\0a\0,\0b\0\n", 10), SW_UNSUPPORTED, "UTF-16");
    assert_refused(put("nul.csv", "a,b\n1,\0\n", 8), SW_INVALID, "byte 6 is zero");
    assert_refused(put_text("empty.csv", ""), SW_INVALID, "empty");
    assert_refused(put_text("blank.csv", "\n\r\n\n"), SW_INVALID, "blank lines");
    assert_refused(put_text("bom.csv", "\xef\xbb\xbf"), SW_INVALID, "blank lines");
    char mac[5000];
    for (size_t i = 0; i < sizeof mac; i++)
        mac[i] = i % 4 == 3 ? '\r' : i % 2 == 0 ? '1' : ',';
    assert_refused(put("mac.csv", mac, sizeof mac), SW_UNSUPPORTED, "carriage returns");
    char *wide = malloc(40000);
    memset(wide, ',', 40000);
    assert_refused(put("wide.csv", wide, 40000), SW_LIMIT, "16384 columns");
    free(wide);
    assert_refused(put_text("x.json", "{\"a\": 1, \"b\": 2}\n"), SW_UNSUPPORTED, "no format");
    // Damage behind the sample of a gzip file is found by whoever reads that far.
    size_t size = 1 << 20;
    char *text = malloc(size);
    const char *path = put_gzip("cut.csv.gz", text, make_rows(text, size, 5));
    free(text);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 4), 0);
    assert_refused(path, SW_INVALID, "cut short");
}

static void takes_options_over_guesses(void **state)
{
    (void)state;
    const char *path = put_text("o.csv", "1;2,5\n3;4,5\n");
    struct sw_reader *r = open_ok(path, &(struct sw_reader_options){.delimiter = ',', .header = 1});
    check_columns(r, "1;2:text 5:int");
    sw_reader_free(r);
    r = open_ok(path, &(struct sw_reader_options){.delimiter = ';', .header = -1, .all_text = true});
    check_columns(r, "column_1:text column_2:text");
    assert_int_equal(count_rows(r), 2);
    sw_reader_free(r);
}

static void ignores_the_locale(void **state)
{
    (void)state;
    // A locale with a decimal comma may not be installed; with it or without, 2.5 is 2.5.
    setlocale(LC_ALL, "de_DE.UTF-8");
    struct sw_reader *r = open_ok(put_text("l.csv", "a\n2.5\n-0.125\n1e-3\n"), NULL);
    struct sw_batch b = {0};
    read_ok(r, 0, 3, &b);
    setlocale(LC_ALL, "C");
    assert_true(b.vectors[0].reals[0] == 2.5 && b.vectors[0].reals[1] == -0.125 && b.vectors[0].reals[2] == 1e-3);
    sw_batch_free(&b);
    sw_reader_free(r);
}

static void keeps_int64_exact(void **state)
{
    (void)state;
    struct sw_reader *r = open_ok(put_text("i.csv", "a\n9223372036854775807\n-9223372036854775808\n"), NULL);
    struct sw_batch b = {0};
    read_ok(r, 0, 2, &b);
    assert_true(b.vectors[0].ints[0] == INT64_MAX && b.vectors[0].ints[1] == INT64_MIN);
    sw_batch_free(&b);
    sw_reader_free(r);
    r = open_ok(put_text("i.csv", "a\n9223372036854775808\n"), NULL);
    check_columns(r, "a:text");
    sw_reader_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(infers_header_delimiter_and_types),
        cmocka_unit_test(reads_quotes_and_newlines_inside_fields),
        cmocka_unit_test(notes_or_refuses_bad_rows),
        cmocka_unit_test(notes_a_word_behind_the_sample),
        cmocka_unit_test(random_access_equals_sequential),
        cmocka_unit_test(indexes_step_by_step),
        cmocka_unit_test(projects_columns),
        cmocka_unit_test(shows_a_huge_cell_without_holding_it),
        cmocka_unit_test(refuses_what_is_no_csv),
        cmocka_unit_test(takes_options_over_guesses),
        cmocka_unit_test(ignores_the_locale),
        cmocka_unit_test(keeps_int64_exact),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
