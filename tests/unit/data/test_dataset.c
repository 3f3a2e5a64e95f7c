// SPDX-License-Identifier: Apache-2.0
// Data sets: what a folder means, digests, descriptions, the training view, and the real Fashion-MNIST against figures
// that Python (gzip and struct) gives for it.
#include "tests/unit/data/data_test.h"

#include "core/base/hash.h"
#include "core/data/dataset.h"
#include "core/data/labelled.h"

static const char *fashion = "/usr/share/datasets/fashion-mnist";

static void put_idx(const char *name, int rank, uint32_t rows, const uint8_t *values, size_t len)
{
    uint8_t file[512] = {0, 0, 8, (uint8_t)rank, 0, 0, 0, (uint8_t)rows};
    size_t at = 8;
    for (int i = 1; i < rank; i++, at += 4)
        file[at + 3] = 2;
    memcpy(file + at, values, len);
    put(name, file, at + len);
}

static const char *make_folder(const char *name)
{
    const char *path = in_dir(name);
    assert_int_equal(mkdir(path, 0700), 0);
    return path;
}

static const uint8_t pixels[] = {0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 255};

static struct sw_data *data_ok(const char *path)
{
    struct sw_data *d = NULL;
    struct sw_err err = {0};
    if (sw_data_open(path, NULL, &d, &err) != SW_OK)
        fail_msg("%s (%s)", err.message, err.hint);
    return d;
}

static void assert_data_refused(const char *path, enum sw_code want, const char *words)
{
    struct sw_data *d = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_data_open(path, NULL, &d, &err), want);
    if (strstr(err.message, words) == NULL)
        fail_msg("wanted '%s', got: %s", words, err.message);
}

static void pairs_images_and_labels(void **state)
{
    (void)state;
    const char *folder = make_folder("pairs");
    put_idx("pairs/t10k-images-idx3-ubyte", 3, 1, pixels, 4);
    put_idx("pairs/t10k-labels-idx1-ubyte", 1, 1, (uint8_t[]){1}, 1);
    put_idx("pairs/train-images.idx3-ubyte", 3, 3, pixels, 12);
    put_idx("pairs/train-labels.idx1-ubyte", 1, 3, (uint8_t[]){2, 0, 1}, 3);
    put_text("pairs/labels.txt", "shirt\r\nshoe\nbag\n");
    put_text("pairs/notes.md", "not data");
    struct sw_data *d = data_ok(folder);
    assert_int_equal(sw_data_split_count(d), 2);
    assert_string_equal(sw_data_split_name(d, 0), "train");
    assert_string_equal(sw_data_split_name(d, 1), "test");
    assert_string_equal(sw_data_name(d), "pairs");
    assert_string_equal(sw_data_format(d), "idx");
    assert_string_equal(sw_data_classes_source(d), "labels.txt");
    struct sw_reader *r = NULL;
    struct sw_err err = {0};
    assert_int_equal(sw_data_split(d, NULL, &r, &err), SW_OK);
    const struct sw_schema *s = sw_reader_schema(r);
    assert_int_equal(s->count, 2);
    assert_int_equal(sw_schema_find(s, "image"), 0);
    assert_int_equal(sw_schema_find(s, "label"), 1);
    assert_int_equal(s->columns[1].class_count, 3);
    assert_string_equal(s->columns[1].class_names[2], "bag");
    struct sw_batch b = {0};
    read_ok(r, 1, 10, &b);
    assert_int_equal(b.rows, 2);
    assert_memory_equal(b.vectors[0].bytes, pixels + 4, 8);
    assert_int_equal(b.vectors[1].ints[0], 0);
    struct sw_read only_label = {.rows = 3, .columns = (int[]){1}, .column_count = 1};
    assert_int_equal(sw_reader_read(r, &only_label, &b, &err), SW_OK);
    assert_int_equal(b.vectors[0].ints[0], 2);
    sw_batch_free(&b);
    assert_int_equal(sw_data_split(d, "nope", &r, &err), SW_NOT_FOUND);
    assert_string_equal(err.hint, "its splits: train, test");
    sw_data_free(d);
}

static void refuses_folders_that_do_not_add_up(void **state)
{
    (void)state;
    const char *folder = make_folder("odd");
    assert_data_refused(folder, SW_UNSUPPORTED, "no data set that is known");
    put_idx("odd/train-images-idx3-ubyte", 3, 3, pixels, 12);
    put_idx("odd/train-labels-idx1-ubyte", 1, 2, (uint8_t[]){2, 0}, 2);
    assert_data_refused(folder, SW_INVALID, "has 3 rows");
    put_idx("odd/train-labels-idx1-ubyte", 1, 3, (uint8_t[]){2, 0, 1}, 3);
    put_idx("odd/other-train-labels-idx1-ubyte", 1, 3, (uint8_t[]){2, 0, 1}, 3);
    assert_data_refused(folder, SW_AMBIGUOUS, "two files for the split train");
    assert_data_refused(in_dir("missing"), SW_NOT_FOUND, "missing");
}

static void reads_tables_named_after_splits(void **state)
{
    (void)state;
    const char *folder = make_folder("tables");
    put_text("tables/test.csv", "a,label\n1,x\n");
    put_text("tables/train.csv", "a,label\n1,x\n2,y\n");
    put_text("tables/val.tsv", "a\tlabel\n1\tx\n");
    struct sw_data *d = data_ok(folder);
    assert_int_equal(sw_data_split_count(d), 3);
    assert_string_equal(sw_data_split_name(d, 0), "train");
    assert_string_equal(sw_data_split_name(d, 1), "validation");
    assert_string_equal(sw_data_split_name(d, 2), "test");
    sw_data_free(d);
    d = data_ok(in_dir("tables/test.csv"));
    assert_string_equal(sw_data_split_name(d, 0), "all");
    assert_string_equal(sw_data_name(d), "test");
    sw_data_free(d);
}

static void digests_follow_content_and_names(void **state)
{
    (void)state;
    const char *folder = make_folder("dig");
    put_text("dig/train.csv", "a,b\n1,2\n");
    put_text("dig/test.csv", "a,b\n3,4\n");
    char want[SW_SHA256_HEX], got[SW_SHA256_HEX], lines[400], one[SW_SHA256_HEX], two[SW_SHA256_HEX];
    sw_sha256_hex("a,b\n3,4\n", 8, one);
    sw_sha256_hex("a,b\n1,2\n", 8, two);
    snprintf(lines, sizeof lines, "%s  8  test.csv\n%s  8  train.csv\n", one, two);
    sw_sha256_hex(lines, strlen(lines), want);
    struct sw_data *d = data_ok(folder);
    struct sw_err err = {0};
    int64_t size = 0;
    assert_int_equal(sw_data_digest(d, got, &size, &err), SW_OK);
    assert_string_equal(got, want);
    assert_int_equal(size, 16);
    put_text("dig/test.csv", "a,b\n3,5\n");
    assert_int_equal(sw_data_digest(d, got, NULL, &err), SW_OK);
    assert_string_not_equal(got, want);
    unlink(in_dir("dig/test.csv"));
    assert_int_equal(sw_data_digest(d, got, NULL, &err), SW_NOT_FOUND);
    sw_data_free(d);
}

static json_t *column_of(json_t *tree, size_t split, size_t column)
{
    return json_array_get(json_object_get(json_array_get(json_object_get(tree, "splits"), split), "columns"), column);
}

static void describes_columns(void **state)
{
    (void)state;
    struct sw_data *d = data_ok(put_text("desc.csv", "n,x,t\n1,0.5,\xff\xfe\n3,,b\n2,2.5,b\n"));
    struct sw_err err = {0};
    json_t *tree = NULL;
    assert_int_equal(sw_data_describe_json(d, 0, &tree, &err), SW_OK);
    json_t *split = json_array_get(json_object_get(tree, "splits"), 0);
    assert_int_equal(sw_tree_int(split, "rows", -1), 3);
    assert_string_equal(sw_tree_text(split, "sample"), "all");
    json_t *n = column_of(tree, 0, 0), *x = column_of(tree, 0, 1), *t = column_of(tree, 0, 2);
    assert_int_equal(sw_tree_int(n, "min", 0), 1);
    assert_int_equal(sw_tree_int(n, "max", 0), 3);
    assert_true(sw_tree_real(n, "mean", 0) == 2.0);
    assert_int_equal(sw_tree_int(x, "nulls", 0), 1);
    assert_true(sw_tree_real(x, "mean", 0) == 1.5);
    assert_int_equal(sw_tree_int(t, "distinct", 0), 2);
    assert_int_equal(sw_tree_int(json_object_get(t, "class_counts"), "b", 0), 2);
    char *text = json_dumps(tree, 0); // bytes that are no UTF-8 must not end in the document
    assert_non_null(text);
    free(text);
    json_decref(tree);
    sw_data_free(d);
}

static void says_when_it_sampled(void **state)
{
    (void)state;
    FILE *f = fopen(in_dir("many.csv"), "w");
    fputs("n\n", f);
    for (int i = 0; i < 50000; i++)
        fprintf(f, "%d\n", i);
    fclose(f);
    struct sw_data *d = data_ok(in_dir("many.csv"));
    struct sw_err err = {0};
    json_t *tree = NULL;
    assert_int_equal(sw_data_describe_json(d, 5000, &tree, &err), SW_OK);
    json_t *split = json_array_get(json_object_get(tree, "splits"), 0);
    assert_string_equal(sw_tree_text(split, "sample"), "first");
    assert_int_equal(sw_tree_int(split, "rows_examined", 0), 5000);
    assert_false(sw_tree_bool(split, "rows_exact", true));
    assert_true(json_is_null(json_object_get(column_of(tree, 0, 0), "distinct")));
    json_decref(tree);
    int64_t rows = 0;
    assert_int_equal(sw_reader_count(sw_data_split_reader(d, 0), &rows, &err), SW_OK);
    assert_int_equal(sw_data_describe_json(d, 5000, &tree, &err), SW_OK);
    split = json_array_get(json_object_get(tree, "splits"), 0);
    assert_string_equal(sw_tree_text(split, "sample"), "spread");
    assert_in_range(sw_tree_int(split, "rows_examined", 0), 4000, 5000);
    assert_int_equal(sw_tree_int(column_of(tree, 0, 0), "min", -1), 0);
    assert_int_equal(sw_tree_int(column_of(tree, 0, 0), "max", -1), 49999); // the last block reaches the end
    json_decref(tree);
    sw_data_free(d);
}

// --- the training view ---

static struct sw_labelled *view_ok(const char *path, const struct sw_labelled_options *options)
{
    struct sw_labelled *l = NULL;
    struct sw_err err = {0};
    if (sw_labelled_open(path, options, &l, &err) != SW_OK)
        fail_msg("%s (%s)", err.message, err.hint);
    return l;
}

static void assert_view_refused(const char *path, const struct sw_labelled_options *options, enum sw_code want,
                                const char *words)
{
    struct sw_labelled *l = NULL;
    struct sw_err err = {0};
    enum sw_code code = sw_labelled_open(path, options, &l, &err);
    if (code != want || strstr(err.message, words) == NULL)
        fail_msg("wanted %s '%s', got %s: %s", sw_code_word(want), words, sw_code_word(code), err.message);
}

static void gives_features_and_class_ids(void **state)
{
    (void)state;
    const char *path = put_text("v.csv", "a,species,b\n1,z,0.5\n2,x,1.5\n3,z,2.5\n4,y,3.5\n");
    struct sw_labelled *l = view_ok(path, NULL);
    const struct sw_labelled_info *info = sw_labelled_info(l);
    assert_int_equal(info->rows, 4);
    assert_int_equal(info->rank, 1);
    assert_int_equal(info->shape[0], 2);
    assert_string_equal(info->target, "species");
    assert_string_equal(info->feature_names[1], "b");
    assert_int_equal(info->class_count, 3);
    assert_string_equal(info->class_names[0], "x"); // by value, not by first sight
    float features[4];
    int32_t labels[2];
    sw_labelled_gather(l, (int64_t[]){3, 0}, 2, features, labels);
    assert_true(features[0] == 4.0f && features[1] == 3.5f && features[2] == 1.0f && features[3] == 0.5f);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], 2);
    sw_labelled_free(l);

    // A test split without some class keeps the ids of the training split when it is given its names.
    const char *names[] = {"x", "y", "z"};
    path = put_text("w.csv", "a,species,b\n9,z,1\n8,y,1\n");
    struct sw_labelled_options given = {.class_names = names, .class_count = 3};
    l = view_ok(path, &given);
    assert_int_equal(sw_labelled_label(l, 0), 2);
    assert_int_equal(sw_labelled_info(l)->class_count, 3);
    sw_labelled_free(l);
    given.class_count = 2;
    assert_view_refused(path, &given, SW_INVALID, "row 0: label z is none of the 2 classes");
}

static void orders_numbered_classes_as_numbers(void **state)
{
    (void)state;
    struct sw_labelled *l = view_ok(put_text("n.csv", "f,label\n1,10\n1,9\n1,-1\n"), NULL);
    assert_string_equal(sw_labelled_info(l)->class_names[0], "-1");
    assert_string_equal(sw_labelled_info(l)->class_names[2], "10");
    assert_int_equal(sw_labelled_label(l, 0), 2);
    sw_labelled_free(l);
}

static void refuses_rows_that_cannot_train(void **state)
{
    (void)state;
    static const struct {
        const char *text, *target, *feature, *words;
        enum sw_code code;
    } cases[] = {
        {"a,b\n1,2\n3,4\n", NULL, NULL, "does not tell which column is the label", SW_USAGE},
        {"a,label\n1,2\n3,4\n", "c", NULL, "no column c", SW_USAGE},
        {"a,label\n1,2\n3,4\n", NULL, "z", "no column z", SW_USAGE},
        {"a,label\n1,2\n3,4\n", NULL, "label", "cannot be a feature", SW_USAGE},
        {"a,label\n1,0\n,1\n", NULL, NULL, "row 1: column a holds no value", SW_INVALID},
        {"a,label\n1,0\n2,1\n3,\n", NULL, NULL, "row 2: column label holds no label", SW_INVALID},
        {"a,label\nx,0\ny,1\n", NULL, NULL, "column a of", SW_INVALID},
        {"a,label\n1,0.5\n2,1\n", NULL, NULL, "holds real values, not classes", SW_INVALID},
        {"a,label\n1,0\n2,0\n", NULL, NULL, "has 1 classes", SW_INVALID},
        {"a,label\n", NULL, NULL, "has no rows", SW_INVALID},
        {"label\n1\n2\n", NULL, NULL, "no column besides", SW_INVALID},
        {"a,label\n1,0\n1e300,1\n", NULL, NULL, "row 1: column a holds no finite", SW_INVALID},
        {"a,label\n1,0\n2,1\n3\n", NULL, NULL, "line 4: 1 fields", SW_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *features[] = {cases[i].feature};
        struct sw_labelled_options options = {
            .target = cases[i].target, .features = features, .feature_count = cases[i].feature != NULL};
        assert_view_refused(put_text("bad.csv", cases[i].text), &options, cases[i].code, cases[i].words);
    }
    FILE *f = fopen(in_dir("keys.csv"), "w");
    fputs("a,label\n", f);
    for (int i = 0; i <= SW_LABELLED_MAX_CLASSES; i++)
        fprintf(f, "1,%d\n", i);
    fclose(f);
    assert_view_refused(in_dir("keys.csv"), NULL, SW_LIMIT, "different labels");
    assert_view_refused(in_dir("keys.csv"), &(struct sw_labelled_options){.max_memory_bytes = 4000}, SW_LIMIT,
                        "memory");
}

static void refuses_labels_out_of_range(void **state)
{
    (void)state;
    const char *folder = make_folder("range");
    put_idx("range/train-images-idx3-ubyte", 3, 3, pixels, 12);
    put_idx("range/train-labels-idx1-ubyte", 1, 3, (uint8_t[]){0, 1, 2}, 3);
    put_text("range/labels.txt", "shirt\nshoe\n");
    assert_view_refused(folder, NULL, SW_INVALID, "split train row 2: label 2 is none of the 2 classes");
    struct sw_labelled *l = view_ok(folder, &(struct sw_labelled_options){.max_rows = 2});
    float image[4];
    sw_labelled_range(l, 1, 1, image, NULL);
    assert_true(sw_labelled_info(l)->is_image && image[0] == 10.0f && image[3] == 13.0f);
    sw_labelled_free(l);
}

// --- the real thing ---

static void reads_fashion_mnist_exactly(void **state)
{
    (void)state;
    if (access(fashion, R_OK) != 0) {
        print_message("skipped: %s is not there (package dataset-fashion-mnist)\n", fashion);
        skip();
    }
    // The oracle reads the same files with Python's gzip and prints a digest of rows picked from both splits.
    FILE *p = popen("python3 - <<'END'\n"
                    "import gzip, hashlib\n"
                    "h = hashlib.sha256()\n"
                    "for s, rows in (('train', [0, 1, 29999, 59999]), ('t10k', [0, 5000, 9999])):\n"
                    "    im = gzip.open('/usr/share/datasets/fashion-mnist/%s-images-idx3-ubyte.gz' % s).read()[16:]\n"
                    "    la = gzip.open('/usr/share/datasets/fashion-mnist/%s-labels-idx1-ubyte.gz' % s).read()[8:]\n"
                    "    for r in rows: h.update(im[r*784:(r+1)*784]); h.update(la[r:r+1])\n"
                    "    h.update(im); h.update(la)\n"
                    "print(h.hexdigest())\n"
                    "END",
                    "r");
    char want[SW_SHA256_HEX] = "", got[SW_SHA256_HEX];
    bool has_oracle = p != NULL && fscanf(p, "%64s ", want) == 1;
    assert_true((p == NULL || pclose(p) == 0) && has_oracle);
    struct sw_data *d = data_ok(fashion);
    struct sw_sha256 *h = sw_sha256_new();
    static const struct {
        int64_t rows[5], count;
    } splits[] = {{{0, 1, 29999, 59999, -1}, 60000}, {{0, 5000, 9999, -1}, 10000}};
    struct sw_batch b = {0};
    for (size_t s = 0; s < 2; s++) {
        struct sw_reader *r = sw_data_split_reader(d, s);
        assert_int_equal(sw_reader_rows(r).rows, splits[s].count);
        for (const int64_t *row = splits[s].rows; *row >= 0; row++) {
            read_ok(r, *row, 1, &b);
            uint8_t label = (uint8_t)b.vectors[1].ints[0];
            sw_sha256_add(h, b.vectors[0].bytes, 784);
            sw_sha256_add(h, &label, 1);
        }
        read_ok(r, 0, SIZE_MAX, &b);
        assert_int_equal(b.rows, splits[s].count);
        sw_sha256_add(h, b.vectors[0].bytes, b.rows * 784);
        for (size_t i = 0; i < b.rows; i++) {
            uint8_t label = (uint8_t)b.vectors[1].ints[i];
            sw_sha256_add(h, &label, 1);
        }
    }
    sw_sha256_end(h, got);
    assert_string_equal(got, want);
    sw_batch_free(&b);
    assert_string_equal(sw_data_classes_source(d), "Fashion-MNIST README");
    sw_data_free(d);

    struct sw_labelled *l = view_ok(fashion, &(struct sw_labelled_options){.split = "test"});
    assert_int_equal(sw_labelled_info(l)->rows, 10000);
    assert_string_equal(sw_labelled_info(l)->class_names[sw_labelled_label(l, 0)], "Ankle boot");
    sw_labelled_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_images_and_labels),
        cmocka_unit_test(refuses_folders_that_do_not_add_up),
        cmocka_unit_test(reads_tables_named_after_splits),
        cmocka_unit_test(digests_follow_content_and_names),
        cmocka_unit_test(describes_columns),
        cmocka_unit_test(says_when_it_sampled),
        cmocka_unit_test(gives_features_and_class_ids),
        cmocka_unit_test(orders_numbered_classes_as_numbers),
        cmocka_unit_test(refuses_rows_that_cannot_train),
        cmocka_unit_test(refuses_labels_out_of_range),
        cmocka_unit_test(reads_fashion_mnist_exactly),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
