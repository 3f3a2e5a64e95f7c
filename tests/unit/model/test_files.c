// SPDX-License-Identifier: Apache-2.0
// File lists, their digest, copying, and the file types that are refused.
#include "tests/unit/model/fixture.h"

#include "core/base/buf.h"
#include "core/model/hazard.h"
#include "core/model/staging.h"

static struct sw_model_files scan(struct fixture *f, const char *relative)
{
    struct sw_model_files files;
    assert_ok(f, sw_model_files_scan(fixture_path(f, relative), f->arena, &files, &f->err));
    return files;
}

// The digest is that of `sha256sum`-like lines sorted by bytes; figures from coreutils:
//   printf '%s  %s  %s\n' $(sha256sum <a) 1 a ... | sha256sum
static void test_digest_rule(void **state)
{
    struct fixture *f = *state;
    fixture_puts(f, "m/b", "22");
    fixture_puts(f, "m/a/z", "1");
    fixture_puts(f, "m/a.txt", "");
    struct sw_model_files files = scan(f, "m");
    assert_int_equal(files.count, 3);
    assert_string_equal(files.items[0].path, "a.txt"); // '.' sorts before '/'
    assert_string_equal(files.items[1].path, "a/z");
    assert_string_equal(files.items[2].path, "b");
    assert_int_equal(files.size_bytes, 3);
    struct sw_buf text;
    sw_buf_init(&text, 1 << 20);
    assert_ok(f, sw_model_files_write(&files, &text, &f->err));
    assert_string_equal(text.data, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  0  a.txt\n"
                                   "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b  1  a/z\n"
                                   "785f3ec7eb32f30b90cd0fcf3657d388b5ff4297f2f9716ff66e9b69c05ddd09  2  b\n");
    char digest[SW_SHA256_HEX];
    sw_sha256_hex(text.data, text.len, digest);
    assert_string_equal(digest, files.digest);
    sw_buf_free(&text);
}

static void test_text_and_json_come_back(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_files files = scan(f, "model"), again;
    struct sw_buf text;
    sw_buf_init(&text, 1 << 20);
    assert_ok(f, sw_model_files_write(&files, &text, &f->err));
    assert_ok(f, sw_model_files_read(text.data, text.len, "list", f->arena, &again, &f->err));
    assert_string_equal(again.digest, files.digest);
    json_t *json = sw_model_files_to_json(&files);
    char *dump = json_dumps(json, 0);
    assert_ok(f, sw_model_files_from_json(dump, "json", f->arena, &again, &f->err));
    assert_string_equal(again.digest, files.digest);
    free(dump);
    json_decref(json);
    // No other spelling of the same list is accepted: each byte turned over is noticed or gives another digest.
    for (size_t i = 0; i < text.len; i++) {
        text.data[i] ^= 0x01;
        if (sw_model_files_read(text.data, text.len, "list", f->arena, &again, &f->err) == SW_OK)
            assert_string_not_equal(again.digest, files.digest);
        text.data[i] ^= 0x01;
    }
    assert_code(f, SW_CORRUPT, sw_model_files_read(text.data, text.len - 1, "list", f->arena, &again, &f->err));
    sw_buf_free(&text);
}

static void test_compare_names_the_file(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_files want = scan(f, "model");
    assert_ok(f, sw_model_files_compare(&want, &want, "m/1", &f->err));
    fixture_flip(fixture_path(f, "model/labels.txt"), 3);
    struct sw_model_files have = scan(f, "model");
    assert_code(f, SW_CORRUPT, sw_model_files_compare(&want, &have, "m/1", &f->err));
    assert_says(f, "labels.txt");
    assert_says(f, sw_model_files_find(&want, "labels.txt")->sha256);
    assert_says(f, sw_model_files_find(&have, "labels.txt")->sha256);
    fixture_flip(fixture_path(f, "model/labels.txt"), 3);
    fixture_puts(f, "model/zz", "");
    have = scan(f, "model");
    assert_code(f, SW_CORRUPT, sw_model_files_compare(&want, &have, "m/1", &f->err));
    assert_says(f, "'zz'");
    assert_says(f, "added");
    unlink(fixture_path(f, "model/zz"));
    unlink(fixture_path(f, "model/net.onnx"));
    have = scan(f, "model");
    assert_code(f, SW_CORRUPT, sw_model_files_compare(&want, &have, "m/1", &f->err));
    assert_says(f, "missing");
}

static void test_unfit_folders_are_refused(void **state)
{
    struct fixture *f = *state;
    struct sw_model_files files;
    mkdir(fixture_path(f, "empty"), 0700);
    assert_code(f, SW_INVALID, sw_model_files_scan(fixture_path(f, "empty"), f->arena, &files, &f->err));
    assert_code(f, SW_NOT_FOUND, sw_model_files_scan(fixture_path(f, "nowhere"), f->arena, &files, &f->err));
    fixture_puts(f, "link/a", "x");
    assert_int_equal(symlink("/etc/passwd", fixture_path(f, "link/passwd")), 0);
    assert_code(f, SW_INVALID, sw_model_files_scan(fixture_path(f, "link"), f->arena, &files, &f->err));
    assert_says(f, "passwd");
    fixture_puts(f, "fifo/a", "x");
    assert_int_equal(mkfifo(fixture_path(f, "fifo/pipe"), 0600), 0);
    assert_code(f, SW_INVALID, sw_model_files_scan(fixture_path(f, "fifo"), f->arena, &files, &f->err));
    static const char *const hostile[] = {"a\nb", "a\\b", "a\033[2J", "bad\xff"};
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "hostile%zu/%s", i, hostile[i]);
        fixture_puts(f, relative, "x");
        *strchr(relative, '/') = '\0';
        assert_code(f, SW_INVALID, sw_model_files_scan(fixture_path(f, relative), f->arena, &files, &f->err));
        assert_null(strchr(f->err.message, '\033'));
        assert_null(strchr(f->err.message, '\n'));
    }
}

static void test_copy_verifies(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_files files = scan(f, "model");
    char from[SW_PATH_MAX], to[SW_PATH_MAX];
    snprintf(from, sizeof from, "%s/model", f->root);
    snprintf(to, sizeof to, "%s/copy", f->root);
    for (size_t i = 0; i < files.count; i++)
        assert_ok(f, sw_model_file_copy(from, to, &files.items[i], NULL, NULL, &f->err));
    assert_ok(f, sw_model_sync_tree(to, &f->err));
    assert_string_equal(scan(f, "copy").digest, files.digest);
    // A changed source leaves no copy behind, a damaged copy is replaced.
    fixture_flip(fixture_path(f, "copy/net.onnx"), 0);
    fixture_flip(fixture_path(f, "model/net.onnx"), 0);
    const struct sw_model_file *net = sw_model_files_find(&files, "net.onnx");
    assert_code(f, SW_CORRUPT, sw_model_file_copy(from, to, net, NULL, NULL, &f->err));
    assert_false(fixture_exists(fixture_path(f, "copy/net.onnx")));
    fixture_flip(fixture_path(f, "model/net.onnx"), 0);
    assert_ok(f, sw_model_file_copy(from, to, net, NULL, NULL, &f->err));
    assert_string_equal(scan(f, "copy").digest, files.digest);
}

static bool stop_at_once(void *ctx, int64_t bytes)
{
    *(int64_t *)ctx += bytes;
    return false;
}

static void test_copy_can_be_cancelled(void **state)
{
    struct fixture *f = *state;
    fixture_make_model(f);
    struct sw_model_files files = scan(f, "model");
    char from[SW_PATH_MAX], to[SW_PATH_MAX];
    snprintf(from, sizeof from, "%s/model", f->root);
    snprintf(to, sizeof to, "%s/copy", f->root);
    int64_t told = 0;
    assert_code(f, SW_CANCELLED, sw_model_file_copy(from, to, &files.items[0], stop_at_once, &told, &f->err));
    assert_int_equal(told, files.items[0].size_bytes);
    assert_false(fixture_exists(fixture_path(f, "copy/extra/scaler.json")));
}

static void test_hazards(void **state)
{
    struct fixture *f = *state;
    // A stored zip with one empty member "archive/data.pkl", written by hand after APPNOTE.
    static const char zip[] = "PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\20\0\0\0archive/data.pkl"
                              "PK\1\2\24\0\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\0\0\0\0\0\0"
                              "\0\0\0\0archive/data.pkl"
                              "PK\5\6\0\0\0\0\1\0\1\0\76\0\0\0\56\0\0\0\0\0";
#define BYTES(literal) literal, sizeof literal - 1
    static const struct {
        const char *name;
        const char *bytes;
        size_t len;
        bool is_unsafe;
    } cases[] = {
        {"a.bin", BYTES("\x80\x04\x95\0\0"), true},
        {"weights.bin", zip, sizeof zip - 1, true},
        {"cut.zip", zip, 60, true},
        {"model.pt", BYTES("plain"), true},
        {"MODEL.PKL", BYTES("plain"), true},
        {"objects.npy", BYTES("\x93NUMPY\1\0v\0{'descr': '|O', 'fortran_order': False}"), true},
        {"numbers.npy", BYTES("\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False}"), false},
        {"net.onnx", BYTES("\x08\x07\x12"), false},
        {"empty.bin", BYTES(""), false},
        {"pkl", BYTES("no ending"), false},
        {"model.safetensors", BYTES("\x10\0\0\0\0\0\0\0{}"), false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char relative[64];
        snprintf(relative, sizeof relative, "h/%s", cases[i].name);
        fixture_write(f, relative, cases[i].bytes, cases[i].len);
        const char *reason = NULL;
        assert_ok(f, sw_model_hazard_check(fixture_path(f, relative), cases[i].name, &reason, &f->err));
        if ((reason != NULL) != cases[i].is_unsafe)
            fail_msg("%s: %s", cases[i].name, reason == NULL ? "thought safe" : reason);
    }
}

static void test_staging_removes_orphans(void **state)
{
    struct fixture *f = *state;
    // No process has this pid and start time.
    fixture_puts(f, "st/.staging-1-1-dead/half", "x");
    fixture_puts(f, "st/.staging-not/kept", "x");
    char parent[SW_PATH_MAX], first[SW_PATH_MAX], second[SW_PATH_MAX];
    snprintf(parent, sizeof parent, "%s/st", f->root);
    assert_ok(f, sw_staging_make(parent, first, &f->err));
    assert_ok(f, sw_staging_make(parent, second, &f->err));
    assert_string_not_equal(first, second);
    assert_true(fixture_exists(first)); // its owner lives
    assert_false(fixture_exists(fixture_path(f, "st/.staging-1-1-dead")));
    assert_true(fixture_exists(fixture_path(f, "st/.staging-not/kept")));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_digest_rule),
        CASE(test_text_and_json_come_back),
        CASE(test_compare_names_the_file),
        CASE(test_unfit_folders_are_refused),
        CASE(test_copy_verifies),
        CASE(test_copy_can_be_cancelled),
        CASE(test_hazards),
        CASE(test_staging_removes_orphans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
