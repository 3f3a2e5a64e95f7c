// SPDX-License-Identifier: Apache-2.0
#include "core/base/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/path.h"

enum { FIRST_ENTRIES = 64 };

enum sw_code sw_beneath_root(const char *path, int *root_fd, struct sw_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot open %s", path);
    *root_fd = fd;
    return SW_OK;
}

static struct sw_beneath_stat stat_of(const struct stat *st)
{
    return (struct sw_beneath_stat){
        .is_dir = S_ISDIR(st->st_mode),
        .size_bytes = S_ISDIR(st->st_mode) ? 0 : st->st_size,
        .modified_ms = (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000,
    };
}

// Part by part, where the kernel has no openat2(2) (before 5.6) or a sandbox denies it.
static int open_each_part(int root_fd, const char *relative, int flags)
{
    int dir = root_fd;
    for (const char *at = relative;;) {
        char part[NAME_MAX + 1];
        size_t len = strcspn(at, "/");
        bool is_last = at[len] == '\0';
        int fd = -1;
        errno = ENAMETOOLONG;
        if (len < sizeof part) {
            memcpy(part, at, len);
            part[len] = '\0';
            fd = openat(dir, part, O_NOFOLLOW | (is_last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC));
        }
        struct stat st;
        int failure = errno;
        if (fd < 0 && failure == ENOTDIR && fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
            failure = ELOOP;
        if (dir != root_fd)
            close(dir);
        errno = failure;
        if (fd < 0 || is_last)
            return fd;
        dir = fd;
        at += len + 1;
    }
}

static int open_below(int root_fd, const char *relative, int flags)
{
    const struct open_how how = {.flags = (unsigned)flags,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root_fd, relative, &how, sizeof how);
    return fd >= 0 || (errno != ENOSYS && errno != EPERM) ? fd : open_each_part(root_fd, relative, flags);
}

static enum sw_code not_opened(const char *relative, int failure, struct sw_err *err)
{
    if (failure == ELOOP || failure == EXDEV)
        return sw_err_set(err, SW_INVALID, "'%s' leads through a link, which is not followed", relative);
    return sw_err_errno(err, failure == ENOTDIR ? ENOENT : failure, "cannot open '%s'", relative);
}

static enum sw_code not_contained(const char *relative, struct sw_err *err)
{
    return sw_err_set(err, SW_INVALID, "the path '%s' does not stay below its folder", relative);
}

enum sw_code sw_beneath_open(int root_fd, const char *relative, int *fd, struct sw_beneath_stat *stat,
                             struct sw_err *err)
{
    struct stat st;
    if (relative[0] != '\0' && !sw_path_is_contained(relative))
        return not_contained(relative, err);
    // Non-blocking, so that a FIFO in the place of a file cannot hold us.
    int opened = open_below(root_fd, relative[0] != '\0' ? relative : ".", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (opened < 0)
        return not_opened(relative, errno, err);
    enum sw_code code = SW_OK;
    if (fstat(opened, &st) != 0)
        code = sw_err_errno(err, errno, "cannot inspect '%s'", relative);
    else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        code = sw_err_set(err, SW_INVALID, "'%s' is neither a file nor a folder", relative);
    if (code != SW_OK) {
        close(opened);
        return code;
    }
    *fd = opened;
    *stat = stat_of(&st);
    return SW_OK;
}

// The folder `relative`, which exists or is made in `dir_fd`, its parent.
static enum sw_code step_down(int dir_fd, const char *name, const char *relative, bool make, int *out,
                              struct sw_err *err)
{
    if (make && mkdirat(dir_fd, name, 0700) != 0 && errno != EEXIST)
        return sw_err_errno(err, errno, "cannot create the folder '%s' of '%s'", name, relative);
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR)
        return sw_err_set(err, SW_INVALID, "'%s' of '%s' is not a folder", name, relative);
    if (fd < 0)
        return not_opened(relative, errno, err);
    *out = fd;
    return SW_OK;
}

enum sw_code sw_beneath_parent(int root_fd, const char *relative, bool make, int *dir_fd, const char **name,
                               struct sw_err *err)
{
    if (!sw_path_is_contained(relative))
        return not_contained(relative, err);
    int dir = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    if (dir < 0)
        return sw_err_errno(err, errno, "cannot open '%s'", relative);
    const char *at = relative;
    for (size_t len; at[len = strcspn(at, "/")] != '\0'; at += len + 1) {
        char part[NAME_MAX + 1];
        int below = -1;
        snprintf(part, sizeof part, "%.*s", len < sizeof part ? (int)len : 0, at);
        enum sw_code code = part[0] == '\0' ? sw_err_errno(err, ENAMETOOLONG, "cannot open '%s'", relative)
                                            : step_down(dir, part, relative, make, &below, err);
        close(dir);
        if (code != SW_OK)
            return code;
        dir = below;
    }
    *dir_fd = dir;
    *name = at;
    return SW_OK;
}

enum sw_code sw_beneath_remove(int root_fd, const char *relative, struct sw_err *err)
{
    int dir = -1;
    const char *name;
    enum sw_code code = sw_beneath_parent(root_fd, relative, false, &dir, &name, err);
    if (code == SW_NOT_FOUND)
        return SW_OK;
    if (code != SW_OK)
        return code;
    code = sw_path_remove_tree_at(dir, name, err);
    close(dir);
    return code;
}

static int compare_entries(const void *left, const void *right)
{
    const struct sw_beneath_entry *a = left, *b = right;
    if (a->stat.is_dir != b->stat.is_dir)
        return a->stat.is_dir ? -1 : 1;
    return strcmp(a->name, b->name);
}

// Doubles the array as entries come, so that a folder's size need not be known before.
static bool make_room(struct sw_arena *a, struct sw_beneath_entry **items, size_t count, size_t *room)
{
    if (count < *room)
        return true;
    size_t wanted = *room > 0 ? 2 * *room : FIRST_ENTRIES;
    struct sw_beneath_entry *more = sw_arena_array(a, wanted, sizeof *more);
    if (more == NULL)
        return false;
    if (count > 0)
        memcpy(more, *items, count * sizeof *more);
    *items = more;
    *room = wanted;
    return true;
}

static enum sw_code read_entries(DIR *dir, const char *relative, size_t max, struct sw_arena *a,
                                 struct sw_beneath_entry **out, size_t *count, struct sw_err *err)
{
    struct sw_beneath_entry *items = NULL;
    size_t n = 0, room = 0;
    for (;;) {
        struct stat st;
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL && errno != 0)
            return sw_err_errno(err, errno, "cannot read the folder '%s'", relative);
        if (entry == NULL)
            break;
        if (!sw_path_is_contained(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
            continue;
        if (n == max)
            return sw_err_set(err, SW_LIMIT, "the folder '%s' has more than %zu entries", relative, max);
        char *name = sw_arena_strdup(a, entry->d_name);
        if (name == NULL || !make_room(a, &items, n, &room))
            return sw_err_set(err, SW_NO_MEMORY, "out of memory for the folder '%s'", relative);
        items[n++] = (struct sw_beneath_entry){.name = name, .stat = stat_of(&st)};
    }
    if (n > 0)
        qsort(items, n, sizeof *items, compare_entries);
    *out = items;
    *count = n;
    return SW_OK;
}

enum sw_code sw_beneath_list(int root_fd, const char *relative, size_t max, struct sw_arena *a,
                             struct sw_beneath_entry **out, size_t *count, struct sw_err *err)
{
    int fd = -1;
    struct sw_beneath_stat st;
    enum sw_code code = sw_beneath_open(root_fd, relative, &fd, &st, err);
    if (code != SW_OK)
        return code;
    DIR *dir = NULL;
    if (!st.is_dir)
        code = sw_err_set(err, SW_INVALID, "'%s' is not a folder", relative);
    else if ((dir = fdopendir(fd)) == NULL)
        code = sw_err_errno(err, errno, "cannot read the folder '%s'", relative);
    if (dir == NULL) {
        close(fd);
        return code;
    }
    code = read_entries(dir, relative, max, a, out, count, err);
    closedir(dir);
    return code;
}
