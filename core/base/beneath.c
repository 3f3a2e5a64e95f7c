// SPDX-License-Identifier: Apache-2.0
#include "core/base/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
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

enum sw_code sw_beneath_open(int root_fd, const char *relative, int *fd, struct sw_beneath_stat *stat,
                             struct sw_err *err)
{
    // Non-blocking, so that a FIFO in the place of a file cannot hold us.
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    struct stat st;
    if (relative[0] != '\0' && !sw_path_is_contained(relative))
        return sw_err_set(err, SW_INVALID, "the path '%s' does not stay below its folder", relative);
    int opened = (int)syscall(SYS_openat2, root_fd, relative[0] != '\0' ? relative : ".", &how, sizeof how);
    if (opened < 0 && (errno == ELOOP || errno == EXDEV))
        return sw_err_set(err, SW_INVALID, "'%s' leads through a link, which is not followed", relative);
    if (opened < 0)
        return sw_err_errno(err, errno, "cannot open '%s'", relative);
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
