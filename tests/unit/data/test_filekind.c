// SPDX-License-Identifier: Apache-2.0
#include "data_test.h"

#include "core/data/filekind.h"

static void first_bytes_decide(void **state)
{
    (void)state;
    static const struct {
        const char *name, *head;
        size_t len;
        enum sw_file_class file_class;
        const char *word;
    } cases[] = {
        {"plot.txt", "\x89PNG\r\n\x1a\n....", 12, SW_FILE_PICTURE, "PNG picture"},
        {"a.jpg", "\xff\xd8\xff\xe0", 4, SW_FILE_PICTURE, "JPEG picture"},
        {"a.webp", "RIFF....WEBP", 12, SW_FILE_BINARY, "WebP picture"},
        {"model.pkl", "\x80\x04\x95", 3, SW_FILE_BINARY, "Python pickle"},
        {"model.pth", "PK\x03\x04", 4, SW_FILE_BINARY, "ZIP archive"},
        {"m/model.onnx", "\x08\x08\x12\x00", 4, SW_FILE_BINARY, "ONNX model"},
        {"x/events.out.tfevents.1", "\x18\0\0\0", 4, SW_FILE_BINARY, "TensorBoard events"},
        {"t/a.csv", "a,b\n1,2\n", 8, SW_FILE_TABLE, "CSV table"},
        {"a.CSV", "a\0b", 3, SW_FILE_BINARY, "data"},
        {"table.json", "{}", 2, SW_FILE_JSON, "JSON"},
        {"model/MLmodel", "flavors:\n", 9, SW_FILE_TEXT, "YAML"},
        {"notes", "\xc3\xa9t\xc3\xa9\n", 6, SW_FILE_TEXT, "text"},
        {"cut", "abc \xc3", 5, SW_FILE_TEXT, "text"},
        {"latin1", "caf\xe9 au lait", 12, SW_FILE_BINARY, "data"},
        {"nothing.png", "", 0, SW_FILE_TEXT, "empty file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_file_kind kind = sw_file_kind(cases[i].name, cases[i].head, cases[i].len);
        assert_string_equal(kind.word, cases[i].word);
        assert_int_equal(kind.file_class, cases[i].file_class);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_bytes_decide)};
    return cmocka_run_group_tests_name("filekind", tests, make_dir, remove_dir);
}
