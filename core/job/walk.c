// SPDX-License-Identifier: Apache-2.0
// Looking for event files below a folder of the user's, which may be anything: a home, a network file system, a tree of a
// million files. Hence the limits in depth and number, and no step out of it.
#include "core/job/harvest_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Large, and never the place of event files.
static const char *const passed_over[] = {"node_modules", "__pycache__", "site-packages"};

static int64_t ms_of(const struct statx_timestamp *t)
{
    return t->tv_sec * 1000 + t->tv_nsec / 1000000;
}

static void add_file(struct sw_job_walk *w, int dir, const char *folder, const char *name, int depth)
{
    struct statx st;
    char path[SW_PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (n < 0 || n >= (int)sizeof(path) ||
        statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) != 0 || !S_ISREG(st.stx_mode))
        return;
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 16;
        struct sw_job_found *items = realloc(w->items, cap * sizeof(*items));
        if (!items)
            return;
        w->items = items;
        w->cap = cap;
    }
    struct sw_job_found found = {
        .path = strdup(path),
        .depth = depth,
        .device = (dev_t)st.stx_dev_major << 32 | st.stx_dev_minor,
        .inode = st.stx_ino,
        .born_ms = st.stx_mask & STATX_BTIME ? ms_of(&st.stx_btime) : 0,
        .changed_ms = ms_of(&st.stx_mtime),
    };
    if (found.path)
        w->items[w->count++] = found;
}

static bool is_folder(int dir, const struct dirent *d, dev_t device)
{
    struct stat st;
    if (d->d_name[0] == '.' || (d->d_type != DT_DIR && d->d_type != DT_UNKNOWN))
        return false;
    for (size_t i = 0; i < sizeof(passed_over) / sizeof(passed_over[0]); i++)
        if (strcmp(d->d_name, passed_over[i]) == 0)
            return false;
    return fstatat(dir, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) && st.st_dev == device;
}

// Takes `fd`.
static void walk(struct sw_job_walk *w, int fd, const char *folder, int depth, dev_t device)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (const struct dirent *d; (d = readdir(dir));) {
        if (w->seen++ >= SW_JOB_WALK_ENTRIES) {
            w->is_cut = true;
            break;
        }
        if (strstr(d->d_name, "tfevents") && (d->d_type == DT_REG || d->d_type == DT_UNKNOWN))
            add_file(w, dirfd(dir), folder, d->d_name, depth);
        if (!is_folder(dirfd(dir), d, device))
            continue;
        char below[SW_PATH_MAX];
        int n = snprintf(below, sizeof(below), "%s/%s", folder, d->d_name);
        int next = depth < SW_JOB_WALK_DEPTH && n > 0 && n < (int)sizeof(below)
                       ? openat(dirfd(dir), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                       : -1;
        if (next >= 0)
            walk(w, next, below, depth + 1, device);
    }
    closedir(dir);
}

void sw_job_walk_add(struct sw_job_walk *w, const char *root)
{
    struct stat st;
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0)
        walk(w, fd, root, 0, st.st_dev);
    else if (fd >= 0)
        close(fd);
}

static int in_order(const void *a, const void *b)
{
    const struct sw_job_found *p = a, *q = b;
    if (p->depth != q->depth)
        return (p->depth > q->depth) - (p->depth < q->depth);
    if (p->born_ms != q->born_ms)
        return (p->born_ms > q->born_ms) - (p->born_ms < q->born_ms);
    return strcmp(p->path, q->path);
}

void sw_job_walk_sort(struct sw_job_walk *w)
{
    if (w->count > 0)
        qsort(w->items, w->count, sizeof(*w->items), in_order);
}

void sw_job_walk_free(struct sw_job_walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->items[i].path);
    free(w->items);
    *w = (struct sw_job_walk){0};
}
