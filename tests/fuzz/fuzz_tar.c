// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reader of bundle archives. Property: whatever is accepted is canonical, so writing its headers again from
// what was read gives the same number of bytes, and its list is sorted and below one folder.
// Links: core/store core/model core/manifest core/ship
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/ship/bundle.h"
#include "core/ship/tar_private.h"

// libFuzzer knows nothing of checksums: gives each block that looks like a header the right one, to get past it.
static void mend_checksums(uint8_t *data, size_t len)
{
    for (size_t at = 0; at + TAR_BLOCK <= len; at += TAR_BLOCK) {
        if (memcmp(data + at + 257, "ustar", 6) != 0)
            continue;
        unsigned sum = 8 * ' ';
        for (size_t i = 0; i < TAR_BLOCK; i++)
            sum += i >= 148 && i < 156 ? 0 : data[at + i];
        snprintf((char *)data + at + 148, 7, "%06o", sum);
        data[at + 155] = ' ';
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    memcpy(copy, data, len);
    mend_checksums(copy, len);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, copy, len) != (ssize_t)len)
        abort();
    free(copy);
    char path[64], folder[SW_MODEL_NAME_MAX + 1];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct sw_arena *a = sw_arena_new(64u << 20);
    struct tar_content content;
    struct sw_bundle_info info;
    struct sw_err err = {0};
    (void)tar_is_ours(path, folder);
    if (tar_read(path, a, &content, &err) == SW_OK) {
        struct sw_package shape = {.files = content.files, .manifest_len = content.manifest_len};
        if (tar_size(&shape) != (int64_t)len || content.folder == NULL)
            abort();
    } else if (err.message[0] == '\0') {
        abort();
    }
    (void)sw_bundle_verify(path, a, &info, &err);
    sw_arena_free(a);
    close(fd);
    return 0;
}
