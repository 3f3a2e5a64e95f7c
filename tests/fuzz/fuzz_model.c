// SPDX-License-Identifier: Apache-2.0
// Fuzzes what looks into model files without loading them (pickle and zip detection, ONNX header) and the reader of
// file lists. Property: a list that is accepted is written back as the same bytes.
// Links: core/store core/model
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/model/hazard.h"
#include "core/model/header.h"

static void check_list(const uint8_t *data, size_t len, struct sw_arena *a)
{
    struct sw_model_files files;
    struct sw_buf again;
    if (sw_model_files_read((const char *)data, len, "list", a, &files, NULL) != SW_OK)
        return;
    sw_buf_init(&again, SW_MODEL_FILES_TEXT_MAX);
    if (sw_model_files_write(&files, &again, NULL) != SW_OK || again.len != len || memcmp(again.data, data, len) != 0)
        abort();
    sw_buf_free(&again);
}

static void check_text(const char *text)
{
    if (text != NULL && !sw_utf8_valid(text, strlen(text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static char folder[32], path[64];
    if (folder[0] == '\0') { // one file, written over for each input
        snprintf(folder, sizeof folder, "/tmp/fuzz-model-XXXXXX");
        if (mkdtemp(folder) == NULL)
            abort();
        snprintf(path, sizeof path, "%s/m.onnx", folder);
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, len) != (ssize_t)len)
        abort();
    close(fd);
    struct sw_arena *a = sw_arena_new(64u << 20);
    const char *reason = NULL;
    struct sw_model_file file = {.path = "m.onnx", .size_bytes = (int64_t)len};
    struct sw_model_files files = {.items = &file, .count = 1};
    struct sw_model_header h;
    if (sw_model_hazard_check(path, "m.bin", &reason, NULL) != SW_OK ||
        sw_model_header_read(folder, &files, a, &h, NULL) != SW_OK)
        abort();
    const char *const texts[] = {h.producer, h.classes, h.input_shape, h.data, h.data_digest, h.run_id};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_text(texts[i]);
    check_list(data, len, a);
    sw_arena_free(a);
    return 0;
}
