// SPDX-License-Identifier: Apache-2.0
// Sources: pickle protocols 2 to 5 start with PROTO (0x80) and the number (Python's pickletools); zip end-of-central-
// directory record (APPNOTE 6.3.10, 4.3.12 to 4.3.16); NumPy format 1.0 to 3.0 ("O" in descr = pickled objects).
// A protocol 0 pickle has no magic and is known by its name only.
#include "core/model/hazard.h"

#include "core/base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define HEAD_BYTES   1024
#define ZIP_TAIL_MAX (22 + 65535)
#define ZIP_DIR_MAX  (16u << 20)

static const struct {
    const char *ending;
    const char *reason;
} unsafe_names[] = {
    {".pkl", "a pickle by its name: loading it runs code"},
    {".pickle", "a pickle by its name: loading it runs code"},
    {".joblib", "a joblib pickle by its name: loading it runs code"},
    {".pt", "a PyTorch pickle by its name: loading it runs code"},
    {".pth", "a PyTorch pickle by its name: loading it runs code"},
    {".ckpt", "a checkpoint pickle by its name: loading it runs code"},
    {".dill", "a dill pickle by its name: loading it runs code"},
    {".mar", "a TorchServe archive by its name: it carries code"},
};

static const char *reason_of_name(const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof unsafe_names / sizeof unsafe_names[0]; i++) {
        size_t ending = strlen(unsafe_names[i].ending);
        if (len > ending && strcasecmp(name + len - ending, unsafe_names[i].ending) == 0)
            return unsafe_names[i].reason;
    }
    return NULL;
}

static const char *reason_of_head(const unsigned char *head, size_t len)
{
    if (len >= 3 && head[0] == 0x80 && head[1] >= 2 && head[1] <= 5)
        return "a pickle by its content: loading it runs code";
    if (len >= 12 && memcmp(head, "\x93NUMPY", 6) == 0 && memmem(head, len, "'descr': '|O'", 13) != NULL)
        return "a NumPy file of pickled objects: loading it runs code";
    return NULL;
}

static uint32_t le16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static uint64_t le64(const unsigned char *p)
{
    return (uint64_t)le32(p) | (uint64_t)le32(p + 4) << 32;
}

// Walks the central directory for a member that ends in ".pkl".
static bool directory_has_pickle(const unsigned char *dir, size_t len)
{
    for (size_t at = 0; at + 46 <= len && le32(dir + at) == 0x02014b50;) {
        size_t name_len = le16(dir + at + 28);
        size_t next = at + 46 + name_len + le16(dir + at + 30) + le16(dir + at + 32);
        if (next > len)
            return false;
        if (name_len >= 4 && memcmp(dir + at + 46 + name_len - 4, ".pkl", 4) == 0)
            return true;
        at = next;
    }
    return false;
}

// Reads [offset, offset + len) or nothing.
static unsigned char *read_part(int fd, int64_t offset, size_t len)
{
    unsigned char *bytes = malloc(len + 1);
    if (bytes != NULL && pread(fd, bytes, len, offset) == (ssize_t)len)
        return bytes;
    free(bytes);
    return NULL;
}

// Finds the central directory from the end record in `tail`, the file's last `len` bytes; zip64 records win.
static bool find_directory(int fd, int64_t size_bytes, const unsigned char *tail, size_t len, uint64_t *dir_at,
                           uint64_t *dir_len)
{
    size_t at = len - 22;
    while (le32(tail + at) != 0x06054b50) {
        if (at-- == 0)
            return false;
    }
    *dir_len = le32(tail + at + 12);
    *dir_at = le32(tail + at + 16);
    if (at >= 20 && le32(tail + at - 20) == 0x07064b50) {
        uint64_t record_at = le64(tail + at - 20 + 8);
        unsigned char *record = record_at > (uint64_t)size_bytes ? NULL : read_part(fd, (int64_t)record_at, 56);
        if (record == NULL)
            return false;
        *dir_len = le64(record + 40);
        *dir_at = le64(record + 48);
        free(record);
    }
    return *dir_len <= ZIP_DIR_MAX && *dir_at <= (uint64_t)size_bytes && *dir_at + *dir_len <= (uint64_t)size_bytes;
}

static const char *reason_of_zip(int fd, int64_t size_bytes)
{
    size_t len = size_bytes < ZIP_TAIL_MAX ? (size_t)size_bytes : ZIP_TAIL_MAX;
    unsigned char *tail = len < 22 ? NULL : read_part(fd, size_bytes - (int64_t)len, len);
    uint64_t dir_at = 0, dir_len = 0;
    unsigned char *dir = NULL;
    if (tail != NULL && find_directory(fd, size_bytes, tail, len, &dir_at, &dir_len))
        dir = read_part(fd, (int64_t)dir_at, (size_t)dir_len);
    const char *reason = NULL;
    if (dir == NULL)
        reason = "a zip whose directory cannot be read: it may hold a pickle";
    else if (directory_has_pickle(dir, (size_t)dir_len))
        reason = "a pickle inside a zip (PyTorch): loading it runs code";
    free(dir);
    free(tail);
    return reason;
}

enum sw_code sw_model_hazard_check(const char *file, const char *name, const char **reason, struct sw_err *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return sw_err_errno(err, errno, "opening '%s'", file);
    unsigned char head[HEAD_BYTES];
    ssize_t n = pread(fd, head, sizeof head, 0);
    int64_t size_bytes = n < 0 ? -1 : lseek(fd, 0, SEEK_END);
    if (size_bytes < 0) {
        enum sw_code code = sw_err_errno(err, errno, "reading '%s'", file);
        close(fd);
        return code;
    }
    const char *found = reason_of_head(head, (size_t)n);
    if (found == NULL && n >= 4 && memcmp(head, "PK\x03\x04", 4) == 0)
        found = reason_of_zip(fd, size_bytes);
    if (found == NULL)
        found = reason_of_name(name);
    close(fd);
    *reason = found;
    return SW_OK;
}

enum sw_code sw_model_hazard_list(const char *root, const struct sw_model_files *files, struct sw_arena *a,
                                  struct sw_model_hazard **out, size_t *count, struct sw_err *err)
{
    struct sw_model_hazard *list = sw_arena_array(a, files->count + 1, sizeof *list);
    if (list == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to check %zu files", files->count);
    size_t found = 0;
    for (size_t i = 0; i < files->count; i++) {
        char path[SW_PATH_MAX];
        enum sw_code code = sw_path_join(path, root, files->items[i].path, err);
        if (code == SW_OK)
            code = sw_model_hazard_check(path, files->items[i].path, &list[found].reason, err);
        if (code != SW_OK)
            return code;
        if (list[found].reason != NULL)
            list[found++].path = files->items[i].path;
    }
    *out = list;
    *count = found;
    return SW_OK;
}
