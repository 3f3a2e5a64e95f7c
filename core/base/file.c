// SPDX-License-Identifier: Apache-2.0
#include "core/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/failpoint.h"
#include "core/base/path.h"

enum { BLOCK_BYTES = 64 * 1024, COPY_BYTES = 1 << 30 };

// Opens a regular file for reading. Non-blocking, so that a FIFO in its place cannot hold us.
static enum sw_code open_regular(const char *path, int *fd, int64_t *size, struct sw_err *err)
{
    struct stat st;
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return sw_err_errno(err, errno, "cannot open %s", path);
    enum sw_code code = SW_OK;
    if (fstat(opened, &st) != 0)
        code = sw_err_errno(err, errno, "cannot inspect %s", path);
    else if (!S_ISREG(st.st_mode))
        code = sw_err_set(err, SW_IO, "%s is not a regular file", path);
    if (code != SW_OK) {
        close(opened);
        return code;
    }
    *fd = opened;
    *size = st.st_size;
    return SW_OK;
}

static ssize_t read_some(int fd, void *block, size_t size)
{
    ssize_t got;
    do
        got = read(fd, block, size);
    while (got < 0 && errno == EINTR);
    return got;
}

enum sw_code sw_file_read(const char *path, struct sw_buf *out, struct sw_err *err)
{
    int fd = -1;
    int64_t size = 0;
    enum sw_code code = open_regular(path, &fd, &size, err);
    if (code != SW_OK)
        return code;
    size_t before = out->len;
    char block[BLOCK_BYTES];
    // The size is a hint only: files of /proc say 0 and others may grow.
    ssize_t got = 0;
    bool too_large = size > 0 && (uint64_t)size > out->max - out->len;
    while (!too_large && !out->failed && (got = read_some(fd, block, sizeof block)) > 0)
        sw_buf_add(out, block, (size_t)got);
    if (got < 0)
        code = sw_err_errno(err, errno, "cannot read %s", path);
    else if (too_large)
        code = sw_err_set(err, SW_LIMIT, "%s is larger than the allowed %zu bytes", path, out->max);
    else
        code = sw_buf_check(out, path, err);
    close(fd);
    if (code != SW_OK && out->cap > 0) {
        out->len = before;
        out->data[before] = '\0';
    }
    return code;
}

enum sw_code sw_fd_write_all(int fd, const void *bytes, size_t len, const char *what, struct sw_err *err)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t put = write(fd, at, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return sw_err_errno(err, errno, "cannot write %s", what);
        at += put;
        len -= (size_t)put;
    }
    return SW_OK;
}

// "dir/name" -> "dir", "name" -> ".", "/name" -> "/".
static void folder_of(const char *path, char out[static SW_PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(out, SW_PATH_MAX, ".");
    else
        snprintf(out, SW_PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

enum sw_code sw_file_sync_dir(const char *path, struct sw_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot open folder %s", path);
    // Some network file systems cannot sync a folder and say EINVAL; their rename is durable on the server.
    int failed = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return failed == 0 ? SW_OK : sw_err_errno(err, failed, "cannot sync folder %s", path);
}

// A file being made beside its final name.
struct draft {
    char folder[SW_PATH_MAX];
    char name[SW_PATH_MAX];
    const char *final_name; // borrow
    int fd;
};

static enum sw_code draft_open(struct draft *d, const char *path, struct sw_err *err)
{
    folder_of(path, d->folder);
    enum sw_code code = sw_path_join(d->name, d->folder, ".slipway-XXXXXX", err);
    if (code != SW_OK)
        return code;
    d->final_name = path;
    d->fd = mkostemp(d->name, O_CLOEXEC); // mode 0600
    return d->fd >= 0 ? SW_OK : sw_err_errno(err, errno, "cannot create a file in %s", d->folder);
}

// Makes the draft durable under its final name when `code` is SW_OK, else removes it. Returns the outcome.
static enum sw_code draft_end(struct draft *d, enum sw_code code, struct sw_err *err)
{
    if (code == SW_OK && fsync(d->fd) != 0)
        code = sw_err_errno(err, errno, "cannot sync %s", d->final_name);
    if (close(d->fd) != 0 && code == SW_OK)
        code = sw_err_errno(err, errno, "cannot write %s", d->final_name);
    if (code == SW_OK) {
        int fault = sw_failpoint("file.rename");
        if (fault == 0 && rename(d->name, d->final_name) != 0)
            fault = errno;
        if (fault != 0)
            code = sw_err_errno(err, fault, "cannot replace %s", d->final_name);
    }
    if (code != SW_OK) {
        unlink(d->name);
        return code;
    }
    return sw_file_sync_dir(d->folder, err);
}

enum sw_code sw_file_write(const char *path, const void *bytes, size_t len, struct sw_err *err)
{
    struct draft d;
    enum sw_code code = draft_open(&d, path, err);
    if (code != SW_OK)
        return code;
    int fault = sw_failpoint("file.write");
    if (fault != 0)
        code = sw_err_errno(err, fault, "cannot write %s", path);
    else
        code = sw_fd_write_all(d.fd, bytes, len, path, err);
    return draft_end(&d, code, err);
}

// By copy_file_range(2), which shares blocks where the file system can; by read and write where it cannot.
enum sw_code sw_fd_copy_rest(int from, int to, const char *from_what, const char *to_what, struct sw_err *err)
{
    ssize_t put;
    do
        put = copy_file_range(from, NULL, to, NULL, COPY_BYTES, 0);
    while (put > 0 || (put < 0 && errno == EINTR));
    if (put < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
        return sw_err_errno(err, errno, "cannot write %s", to_what);
    // Also after an early 0, which some pseudo files answer: at the true end this loop finds nothing more.
    char block[BLOCK_BYTES];
    for (;;) {
        ssize_t got = read_some(from, block, sizeof block);
        if (got < 0)
            return sw_err_errno(err, errno, "cannot read %s", from_what);
        if (got == 0)
            return SW_OK;
        enum sw_code code = sw_fd_write_all(to, block, (size_t)got, to_what, err);
        if (code != SW_OK)
            return code;
    }
}

enum sw_code sw_file_copy(const char *from, const char *to, struct sw_err *err)
{
    int fd = -1;
    int64_t size = 0;
    struct draft d;
    enum sw_code code = open_regular(from, &fd, &size, err);
    if (code != SW_OK)
        return code;
    code = draft_open(&d, to, err);
    if (code == SW_OK) {
        int fault = sw_failpoint("file.write");
        if (fault != 0)
            code = sw_err_errno(err, fault, "cannot write %s", to);
        else
            code = sw_fd_copy_rest(fd, d.fd, from, to, err);
        code = draft_end(&d, code, err);
    }
    close(fd);
    return code;
}

// --- walking a tree ---

struct walk {
    size_t max_files;
    size_t files;
    sw_file_visit visit;
    void *ctx;
    char path[SW_PATH_MAX]; // relative path being visited
};

struct entry {
    char *name; // folders end in '/', which gives siblings the byte order of whole paths
    int64_t size;
};

struct entries {
    struct entry *items;
    size_t count;
    size_t cap;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void entries_free(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->items[i].name);
    free(e->items);
}

static enum sw_code entries_add(struct entries *e, const char *name, bool folder, int64_t size, struct sw_err *err)
{
    if (e->count == e->cap) {
        size_t cap = e->cap > 0 ? e->cap * 2 : 32;
        struct entry *items = reallocarray(e->items, cap, sizeof *items);
        if (items == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory for a list of files");
        e->items = items;
        e->cap = cap;
    }
    size_t len = strlen(name);
    char *copy = malloc(len + 2);
    if (copy == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for a list of files");
    memcpy(copy, name, len + 1);
    if (folder)
        memcpy(copy + len, "/", 2);
    e->items[e->count].name = copy;
    e->items[e->count].size = size;
    e->count++;
    return SW_OK;
}

static enum sw_code list_folder(struct walk *w, DIR *dir, struct entries *e, struct sw_err *err)
{
    for (;;) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL)
            return errno == 0 ? SW_OK : sw_err_errno(err, errno, "cannot list folder ./%s", w->path);
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        struct stat st;
        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return sw_err_errno(err, errno, "cannot inspect %s%s", w->path, d->d_name);
        bool folder = S_ISDIR(st.st_mode);
        if (!folder && !S_ISREG(st.st_mode)) {
            enum sw_code code = sw_err_set(err, SW_INVALID, "%s%s is a %s, and only files and folders are taken",
                                           w->path, d->d_name, S_ISLNK(st.st_mode) ? "symbolic link" : "special file");
            (void)sw_err_hint(err, "replace it by the file it stands for, or remove it");
            return code;
        }
        if (!folder && ++w->files > w->max_files)
            return sw_err_set(err, SW_LIMIT, "the folder holds more than %zu files", w->max_files);
        enum sw_code code = entries_add(e, d->d_name, folder, st.st_size, err);
        if (code != SW_OK)
            return code;
    }
}

// Visits what lies in the folder `fd` (taken); w->path holds its relative path with a trailing '/', or nothing.
static enum sw_code walk_folder(struct walk *w, int fd, struct sw_err *err)
{
    struct entries e = {0};
    size_t len = strlen(w->path);
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        enum sw_code code = sw_err_errno(err, errno, "cannot list folder ./%s", w->path);
        close(fd);
        return code;
    }
    enum sw_code code = list_folder(w, dir, &e, err);
    if (code == SW_OK && e.count > 0)
        qsort(e.items, e.count, sizeof *e.items, by_name);
    for (size_t i = 0; code == SW_OK && i < e.count; i++) {
        const char *name = e.items[i].name;
        size_t size = strlen(name);
        if (len + size >= sizeof w->path) {
            code = sw_err_set(err, SW_LIMIT, "a path in the folder is longer than %d bytes", SW_PATH_MAX - 1);
            break;
        }
        memcpy(w->path + len, name, size + 1);
        if (name[size - 1] != '/') {
            code = w->visit(w->ctx, w->path, e.items[i].size, err);
        } else {
            int sub = openat(dirfd(dir), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            code = sub >= 0 ? walk_folder(w, sub, err) : sw_err_errno(err, errno, "cannot open folder %s", w->path);
        }
        w->path[len] = '\0';
    }
    closedir(dir);
    entries_free(&e);
    return code;
}

enum sw_code sw_file_walk(const char *root, size_t max_files, sw_file_visit visit, void *ctx, struct sw_err *err)
{
    struct walk w = {.max_files = max_files, .visit = visit, .ctx = ctx};
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot open folder %s", root);
    return walk_folder(&w, fd, err);
}
