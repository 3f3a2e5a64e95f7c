// SPDX-License-Identifier: Apache-2.0
// Bundles as folder and tar: what is in them, that every byte counts, and that other tools read them.
#include "tests/unit/ship/fixture.h"

#include "core/base/buf.h"
#include "core/ship/tar_private.h"

static void push_to(struct fixture *f, const char *relative)
{
    struct sw_push_outcome out;
    fixture_approved_model(f);
    fixture_target(f, relative);
    assert_ok(f, fixture_push(f, &out));
}

static void read_text(struct fixture *f, const char *relative, struct sw_buf *out)
{
    sw_buf_init(out, 64u << 20);
    assert_ok(f, sw_file_read(fixture_path(f, relative), out, &f->err));
}

static void test_folder_has_what_it_should(void **state)
{
    struct fixture *f = *state;
    push_to(f, "out");
    static const char *const files[] = {"MANIFEST",       "APPLY.md",         "approval.json",          "audit-head",
                                        "model/net.onnx", "model/labels.txt", "model/extra/scaler.json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char relative[128];
        snprintf(relative, sizeof relative, "out/m/%s", files[i]);
        assert_true(fixture_exists(fixture_path(f, relative)));
    }
    struct sw_bundle_info info;
    assert_ok(f, fixture_verify(f, "out/m", &info));
    assert_string_equal(info.model, "m");
    assert_int_equal(info.version, 1);
    assert_int_equal(info.files.count, 6);
    assert_int_equal(info.approval_count, 1);
    // The package digest is that of MANIFEST, and the note's command checks the bundle without us.
    struct sw_buf manifest;
    char digest[SW_SHA256_HEX], command[SW_PATH_MAX];
    read_text(f, "out/m/MANIFEST", &manifest);
    sw_sha256_hex(manifest.data, manifest.len, digest);
    assert_string_equal(digest, info.files.digest);
    sw_buf_free(&manifest);
    snprintf(command, sizeof command, "cd '%s/out/m' && sed -n 's/^    //p' APPLY.md | grep sha256sum | sh >/dev/null",
             f->root);
    assert_int_equal(system(command), 0);
}

static void test_every_byte_of_a_folder_counts(void **state)
{
    struct fixture *f = *state;
    push_to(f, "out");
    struct sw_bundle_info whole, info;
    assert_ok(f, fixture_verify(f, "out/m", &whole));
    for (size_t i = 0; i <= whole.files.count; i++) {
        const char *name = i == whole.files.count ? "MANIFEST" : whole.files.items[i].path;
        char path[SW_PATH_MAX];
        struct stat st;
        snprintf(path, sizeof path, "%s/out/m/%s", f->root, name);
        assert_int_equal(stat(path, &st), 0);
        int64_t stride = st.st_size > 300 ? 17 : 1;
        for (int64_t at = 0; at < st.st_size; at += stride) {
            fixture_flip(path, at);
            assert_code(f, SW_CORRUPT, fixture_verify(f, "out/m", &info));
            if (i < whole.files.count)
                assert_says(f, name);
            fixture_flip(path, at);
        }
        // Lost and grown files are named too.
        char away[SW_PATH_MAX];
        snprintf(away, sizeof away, "%s/away", f->root);
        assert_int_equal(rename(path, away), 0);
        assert_code(f, SW_CORRUPT, fixture_verify(f, "out/m", &info));
        assert_says(f, name);
        assert_int_equal(rename(away, path), 0);
    }
    fixture_puts(f, "out/m/model/more.txt", "x");
    assert_code(f, SW_CORRUPT, fixture_verify(f, "out/m", &info));
    assert_says(f, "model/more.txt");
    unlink(fixture_path(f, "out/m/model/more.txt"));
    assert_int_equal(symlink("net.onnx", fixture_path(f, "out/m/model/link")), 0);
    assert_code(f, SW_CORRUPT, fixture_verify(f, "out/m", &info));
    assert_says(f, "model/link");
    unlink(fixture_path(f, "out/m/model/link"));
    assert_ok(f, fixture_verify(f, "out/m", &info));
    assert_code(f, SW_NOT_FOUND, fixture_verify(f, "out/none", &info));
}

// Changing file and MANIFEST together is caught by the approval, which names the model's digest.
static void test_a_consistent_change_of_the_model_is_caught(void **state)
{
    struct fixture *f = *state;
    push_to(f, "out");
    char command[SW_PATH_MAX];
    snprintf(
        command, sizeof command,
        "cd '%s/out/m' && old=$(sha256sum <model/labels.txt | cut -c-64) && printf 'SHIRT\\nshoe\\n' >model/labels.txt "
        "&& new=$(sha256sum <model/labels.txt | cut -c-64) && sed -i \"s/$old/$new/\" MANIFEST",
        f->root);
    assert_int_equal(system(command), 0);
    struct sw_bundle_info info;
    assert_code(f, SW_CORRUPT, fixture_verify(f, "out/m", &info));
    assert_says(f, "'approval.json' approves sha256:");
}

static void test_every_byte_of_a_tar_counts(void **state)
{
    struct fixture *f = *state;
    push_to(f, "out.tar");
    struct sw_bundle_info info;
    assert_ok(f, fixture_verify(f, "out.tar", &info));
    assert_string_equal(info.model, "m");
    struct stat st;
    char path[SW_PATH_MAX];
    snprintf(path, sizeof path, "%s/out.tar", f->root);
    assert_int_equal(stat(path, &st), 0);
    for (int64_t at = 0; at < st.st_size; at += at % TAR_BLOCK < 300 ? 1 : 13) {
        fixture_flip(path, at);
        assert_code(f, SW_CORRUPT, fixture_verify(f, "out.tar", &info));
        fixture_flip(path, at);
    }
    assert_ok(f, fixture_verify(f, "out.tar", &info));
    for (int64_t size = st.st_size - 1; size > 0; size -= 511) {
        assert_int_equal(truncate(path, size), 0);
        assert_code(f, SW_CORRUPT, fixture_verify(f, "out.tar", &info));
    }
}

static void test_other_tools_read_the_tar(void **state)
{
    struct fixture *f = *state;
    push_to(f, "out.tar");
    char command[SW_PATH_MAX];
    snprintf(command, sizeof command,
             "mkdir '%s/x' && tar -xf '%s/out.tar' -C '%s/x' 2>'%s/complaints' && test ! -s '%s/complaints' && "
             "diff -r '%s/x/m/model' '%s/model'",
             f->root, f->root, f->root, f->root, f->root, f->root, f->root);
    assert_int_equal(system(command), 0);
    struct sw_bundle_info packed, unpacked;
    assert_ok(f, fixture_verify(f, "out.tar", &packed));
    assert_ok(f, fixture_verify(f, "x/m", &unpacked));
    assert_string_equal(packed.files.digest, unpacked.files.digest);
}

static void test_tar_headers(void **state)
{
    struct fixture *f = *state;
    unsigned char block[TAR_BLOCK];
    char path[300];
    memset(path, 'a', sizeof path);
    path[255] = '\0';
    assert_code(f, SW_LIMIT, tar_header(path, 1, block, &f->err)); // no '/' to split at
    path[155] = '/';
    assert_ok(f, tar_header(path, 1, block, &f->err));
    path[155] = 'a';
    path[154] = '/';
    assert_ok(f, tar_header(path, 1, block, &f->err)); // a name of exactly 100 bytes
    path[154] = 'a';
    path[153] = '/';
    assert_code(f, SW_LIMIT, tar_header(path, 1, block, &f->err));
    assert_ok(f, tar_header("m/huge", INT64_C(300) << 30, block, &f->err));
    assert_int_equal(block[124], 0x80); // base-256
    assert_ok(f, tar_header("m/large", (INT64_C(8) << 30) - 1, block, &f->err));
    assert_memory_equal(block + 124, "77777777777", 12);
}

static void write_tar(struct fixture *f, const struct sw_package *p, const char *relative)
{
    int fd = open(fixture_path(f, relative), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_ok(f, tar_write(fd, p, NULL, NULL, &f->err));
    assert_int_equal(lseek(fd, 0, SEEK_CUR), tar_size(p));
    close(fd);
}

static void test_packages_are_deterministic(void **state)
{
    struct fixture *f = *state;
    struct sw_model_version v = fixture_approved_model(f);
    struct sw_approval *approvals;
    size_t count;
    assert_ok(f, sw_approval_list(f->store, "m", 1, f->arena, &approvals, &count, &f->err));
    struct sw_package_object objects[] = {{"InferenceService", "m", "kind: InferenceService\n"},
                                          {"../../Evil", "../x", "kind: Evil\n"}};
    struct sw_package_input input = {.version = &v,
                                     .approvals = approvals,
                                     .approval_count = count,
                                     .objects = objects,
                                     .object_count = 2,
                                     .storage_uri = "pvc://models/m/1",
                                     .audit_head = "00"};
    struct sw_package one, two;
    assert_ok(f, sw_package_make(&input, f->arena, &one, &f->err));
    assert_ok(f, sw_package_make(&input, f->arena, &two, &f->err));
    assert_string_equal(one.files.digest, two.files.digest);
    assert_non_null(sw_package_find_part(&one, "manifests/01-inferenceservice.yaml"));
    assert_non_null(sw_package_find_part(&one, "manifests/02-.yaml")); // nothing of a hostile kind reaches a path
    write_tar(f, &one, "one.tar");
    write_tar(f, &two, "two.tar");
    char command[SW_PATH_MAX];
    snprintf(command, sizeof command, "cmp '%s/one.tar' '%s/two.tar'", f->root, f->root);
    assert_int_equal(system(command), 0);
}

static void test_addresses(void **state)
{
    struct fixture *f = *state;
    const struct sw_target_kind *kind = NULL;
    char out[SW_TARGET_ADDRESS_MAX];
    assert_ok(f, sw_target_parse("bundle:/srv/a/../out/", &kind, out, &f->err));
    assert_string_equal(out, "bundle:/srv/out");
    assert_string_equal(kind->scheme, "bundle");
    assert_ok(f, sw_target_parse("bundle:here.tar", &kind, out, &f->err));
    assert_true(strstr(out, "bundle:/") == out && strstr(out, "/here.tar") != NULL);
    static const char *const bad[] = {"",         "bundle",   "bundle:",   "bundle:/",
                                      "/srv/out", "http://x", "BUNDLE:/x", "\033[2J:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_code(f, SW_INVALID, sw_target_parse(bad[i], &kind, out, &f->err));
        assert_null(strchr(f->err.message, '\033'));
    }
    static const char *const later[] = {"kube:prod", "ssh:host", "gitops:repo"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        assert_code(f, SW_UNSUPPORTED, sw_target_parse(later[i], &kind, out, &f->err));
        assert_says(f, "not in this version");
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_folder_has_what_it_should),
        CASE(test_every_byte_of_a_folder_counts),
        CASE(test_a_consistent_change_of_the_model_is_caught),
        CASE(test_every_byte_of_a_tar_counts),
        CASE(test_other_tools_read_the_tar),
        CASE(test_tar_headers),
        CASE(test_packages_are_deterministic),
        CASE(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
