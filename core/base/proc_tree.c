// SPDX-License-Identifier: Apache-2.0
// Which processes there are and who descends from whom, as /proc tells it (proc(5)).
#include "core/base/proc_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool proc_read_stat(pid_t pid, struct proc_stat *out)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return false;
    text[got] = '\0';
    // The second field is the program's name in parentheses and may hold anything, so reading starts at the last ')'.
    const char *rest = strrchr(text, ')');
    int ppid, session;
    long long ticks;
    char state;
    if (rest == NULL ||
        sscanf(rest + 1, " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &state,
               &ppid, &session, &ticks) != 4)
        return false;
    *out = (struct proc_stat){pid, ppid, session, state, ticks};
    return true;
}

bool proc_is_dead(const struct proc_stat *st)
{
    return st->state == 'Z' || st->state == 'X' || st->state == 'x';
}

enum sw_code proc_list(struct proc_stat **out, size_t *count, struct sw_err *err)
{
    struct proc_stat *list = NULL;
    size_t used = 0;
    size_t cap = 0;
    enum sw_code code = SW_OK;
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return sw_err_errno(err, errno, "cannot list /proc");
    const struct dirent *entry;
    while (code == SW_OK && (entry = readdir(dir)) != NULL) {
        struct proc_stat st;
        char *end;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid <= 0 || *end != '\0' || !proc_read_stat((pid_t)pid, &st) || proc_is_dead(&st))
            continue;
        if (used == cap) {
            cap = cap > 0 ? cap * 2 : 256;
            struct proc_stat *more = reallocarray(list, cap, sizeof *more);
            if (more == NULL) {
                code = sw_err_set(err, SW_NO_MEMORY, "out of memory for the list of processes");
                break;
            }
            list = more;
        }
        list[used++] = st;
    }
    closedir(dir);
    if (code != SW_OK) {
        free(list);
        return code;
    }
    *out = list;
    *count = used;
    return SW_OK;
}

static int by_parent(const void *a, const void *b)
{
    const struct proc_stat *p = a;
    const struct proc_stat *q = b;
    return p->ppid != q->ppid ? (p->ppid > q->ppid) - (p->ppid < q->ppid) : (p->pid > q->pid) - (p->pid < q->pid);
}

// Index of the first process in a list sorted by parent whose parent is `ppid` or later.
static size_t first_child(const struct proc_stat *list, size_t count, pid_t ppid)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].ppid < ppid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum sw_code sw_proc_descendants(pid_t root, pid_t **out, size_t *count, struct sw_err *err)
{
    struct proc_stat *list = NULL;
    size_t total = 0;
    enum sw_code code = proc_list(&list, &total, err);
    if (code != SW_OK)
        return code;
    pid_t *found = calloc(total + 1, sizeof *found);
    if (found == NULL) {
        free(list);
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for the list of processes");
    }
    if (total > 0)
        qsort(list, total, sizeof *list, by_parent);
    // The queue of processes whose children are still to be looked up is the result itself. The list was not taken at
    // one instant, so a reused pid could close a circle: no process is taken twice as none has two parents in it.
    size_t used = 0;
    pid_t parent = root;
    for (size_t next = 0;; parent = found[next++]) {
        for (size_t i = first_child(list, total, parent); i < total && list[i].ppid == parent; i++)
            if (used < total && list[i].pid != root)
                found[used++] = list[i].pid;
        if (next == used)
            break;
    }
    free(list);
    *out = found;
    *count = used;
    return SW_OK;
}
