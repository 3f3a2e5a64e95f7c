// SPDX-License-Identifier: Apache-2.0
// Ending process trees. While its supervisor lives, a job's processes are the supervisor's descendants: it is a child
// subreaper, so that double-forked and setsid()-ed ones come back to it. Once it has died they are found by what every
// one of them carries in its environment (SLIPWAY_JOB_DIR, unique to store and job), by the sessions of the recorded
// ranks, and by descent from those. No signal is ever sent by bare pid. What is below the supervisor of another job, one
// that a program of this job queued, is that job's and left alone: it shows by the lock that it holds (kernel's proc(5)).
#include "core/job/job_private.h"

#include "core/base/clock.h"
#include "core/base/jobenv.h"
#include "gpu/telemetry.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ENVIRON = 4 << 20, MAX_RECORDED = SW_JOB_MAX_RANKS };

struct process {
    pid_t pid, parent, session;
    int64_t start_ticks;
    bool is_stray;
};
struct process_list {
    struct process *items;
    size_t count, cap;
};
struct recorded {
    pid_t pid;
    int64_t start_ticks;
};

// "/STORE/jobs/ID/lock" beside a store's file: is it the lock of a job?
static bool is_job_lock(const char *path)
{
    char store[SW_PATH_MAX];
    int root = 0, end = 0;
    const char *jobs = strstr(path, "/jobs/");
    for (const char *next = jobs; next; next = strstr(next + 1, "/jobs/"))
        jobs = next;
    if (!jobs || sscanf(jobs, "/jobs/%*d/lock%n", &end) != 0 || end == 0 || jobs[end] != '\0')
        return false;
    root = (int)(jobs - path);
    int n = snprintf(store, sizeof(store), "%.*s/slipway.db", root, path);
    return n > 0 && n < (int)sizeof(store) && access(store, F_OK) == 0;
}

// Has the process itself, and not one whose descriptor it inherited, locked what descriptor `fd` of it is open on?
static bool has_locked(pid_t pid, const char *fd)
{
    char path[300], line[256];
    bool found = false;
    snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", (int)pid, fd);
    FILE *f = fopen(path, "re");
    while (f && !found && fgets(line, sizeof(line), f)) {
        int holder = 0;
        found = sscanf(line, "lock: %*d: FLOCK ADVISORY WRITE %d", &holder) == 1 && holder == (int)pid;
    }
    if (f)
        fclose(f);
    return found;
}

// Who supervises is decided by the lock on the job's folder; nothing else makes a process one.
static bool is_supervisor(const struct process *p)
{
    char path[64], target[SW_PATH_MAX];
    bool found = false;
    if (p->session != p->pid) // supervisors lead a session
        return false;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
    DIR *fds = opendir(path);
    for (struct dirent *d; fds && !found && (d = readdir(fds));) {
        ssize_t n = readlinkat(dirfd(fds), d->d_name, target, sizeof(target) - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        found = is_job_lock(target) && has_locked(p->pid, d->d_name);
    }
    if (fds)
        closedir(fds);
    return found;
}

static void name_process(pid_t pid, char *out, size_t size)
{
    char path[64], name[32] = "?";
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    FILE *f = fopen(path, "re");
    if (f) {
        if (fgets(name, sizeof(name), f))
            name[strcspn(name, "\n")] = '\0';
        fclose(f);
    }
    snprintf(out, size, "process %d (%s)", (int)pid, name);
}

// Reads pid, parent, session and start time of a live process.
static bool read_stat(pid_t pid, struct process *p)
{
    char path[64], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *rest = strrchr(text, ')'); // the name may hold anything, parentheses too
    char state;
    int parent, group, session;
    int64_t ticks;
    if (!rest || sscanf(rest + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNd64,
                        &state, &parent, &group, &session, &ticks) != 5)
        return false;
    if (state == 'Z' || state == 'X')
        return false;
    *p = (struct process){.pid = pid, .parent = parent, .session = session, .start_ticks = ticks};
    return true;
}

static bool is_among(pid_t pid, const pid_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == pid)
            return true;
    return false;
}

struct sw_job_tree sw_job_tree_signal(int signo)
{
    struct sw_job_tree tree = {0};
    pid_t *pids = NULL;
    size_t count = 0, others = 0; // pids[0..others) is used again for what belongs to other jobs
    struct sw_err err = {0};
    if (sw_proc_descendants(getpid(), &pids, &count, &err) != SW_OK)
        return tree;
    for (size_t i = 0; i < count; i++) { // parents come before their children
        struct process p;
        if (!read_stat(pids[i], &p))
            continue; // a zombie, or gone meanwhile
        if (is_among(p.parent, pids, others) || is_supervisor(&p)) {
            pids[others++] = p.pid;
            continue;
        }
        tree.alive++;
        name_process(p.pid, tree.name, sizeof(tree.name));
        if (sw_proc_signal(p.pid, p.start_ticks, signo, &err) == SW_IO)
            tree.refused++;
    }
    tree.others = others;
    free(pids);
    return tree;
}

enum sw_job_kin sw_job_tree_kin(pid_t pid)
{
    enum { GENERATIONS = 64 };
    struct process p;
    if (!read_stat(pid, &p))
        return SW_JOB_KIN_GONE;
    for (int i = 0; i < GENERATIONS && p.pid > 1; i++) {
        if (is_supervisor(&p))
            return SW_JOB_KIN_OTHER;
        if (p.parent == getpid())
            return SW_JOB_KIN_OWN;
        if (!read_stat(p.parent, &p))
            return SW_JOB_KIN_GONE; // it ended meanwhile, and its children moved
    }
    return SW_JOB_KIN_OTHER;
}

// All live processes of our user but this one.
static bool list_processes(struct process_list *list)
{
    DIR *proc = opendir("/proc");
    if (!proc)
        return false;
    list->count = 0;
    bool ok = true;
    for (struct dirent *d; ok && (d = readdir(proc));) {
        struct stat st;
        pid_t pid = isdigit((unsigned char)d->d_name[0]) ? (pid_t)atoi(d->d_name) : 0;
        if (pid <= 0 || pid == getpid() || fstatat(dirfd(proc), d->d_name, &st, 0) != 0 || st.st_uid != geteuid())
            continue;
        if (list->count == list->cap) {
            size_t cap = list->cap ? list->cap * 2 : 256;
            struct process *items = realloc(list->items, cap * sizeof(*items));
            if (!items) {
                ok = false;
                continue;
            }
            list->items = items;
            list->cap = cap;
        }
        if (read_stat(pid, &list->items[list->count]))
            list->count++;
    }
    closedir(proc);
    return ok;
}

// Does the process's environment hold exactly this entry?
static bool carries(pid_t pid, const char *entry, struct sw_buf *scratch)
{
    char path[64], block[8192];
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    sw_buf_clear(scratch);
    ssize_t n;
    while ((n = read(fd, block, sizeof(block))) > 0)
        sw_buf_add(scratch, block, (size_t)n);
    close(fd);
    size_t len = strlen(entry) + 1;
    for (size_t at = 0; at + len <= scratch->len; at += strlen(scratch->data + at) + 1)
        if (memcmp(scratch->data + at, entry, len) == 0)
            return true;
    return false;
}

// The ranks' pids of the last attempt; none after a reboot, when they mean nothing any more.
static size_t load_recorded(const char *store_dir, int64_t job_id, struct recorded out[static MAX_RECORDED])
{
    json_t *tree = NULL;
    struct sw_err err = {0};
    struct sw_host_facts facts;
    size_t n = 0;
    if (sw_job_read_json(store_dir, job_id, "processes.json", &tree, &err) != SW_OK)
        return 0;
    sw_host_facts(&facts);
    const char *boot = sw_tree_text(tree, "boot_id");
    if (boot && strcmp(boot, facts.boot_id) == 0) {
        size_t i;
        json_t *item;
        json_array_foreach (json_object_get(tree, "ranks"), i, item) {
            if (n < MAX_RECORDED)
                out[n++] = (struct recorded){.pid = (pid_t)sw_tree_int(item, "pid", 0),
                                             .start_ticks = sw_tree_int(item, "start_ticks", 0)};
        }
    }
    json_decref(tree);
    return n;
}

static const struct process *find_process(const struct process_list *list, pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].pid == pid)
            return &list->items[i];
    return NULL;
}

// A recorded rank, or a member of the session it led. A leader with another start time is a reused pid.
static bool is_of_session(const struct process_list *list, const struct process *p, const struct recorded *ranks,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ranks[i].pid <= 0 || p->session != ranks[i].pid || p->start_ticks < ranks[i].start_ticks)
            continue;
        const struct process *leader = find_process(list, ranks[i].pid);
        if (!leader || leader->start_ticks == ranks[i].start_ticks)
            return true;
    }
    return false;
}

static size_t mark_strays(struct process_list *list, const char *entry, const struct recorded *ranks, size_t rank_count,
                          struct sw_buf *scratch)
{
    size_t strays = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct process *p = &list->items[i];
        p->is_stray = is_of_session(list, p, ranks, rank_count) || carries(p->pid, entry, scratch);
        strays += p->is_stray;
    }
    for (bool changed = strays > 0; changed;) {
        changed = false;
        for (size_t i = 0; i < list->count; i++) {
            const struct process *parent = find_process(list, list->items[i].parent);
            if (!list->items[i].is_stray && parent && parent->is_stray && !is_supervisor(&list->items[i])) {
                list->items[i].is_stray = changed = true;
                strays++;
            }
        }
    }
    return strays;
}

size_t sw_job_strays_end(const char *store_dir, int64_t job_id, int64_t timeout_ms)
{
    struct process_list list = {0};
    struct recorded ranks[MAX_RECORDED];
    struct sw_err err = {0};
    char work[SW_PATH_MAX], entry[SW_PATH_MAX + 32];
    size_t left = 0;
    if (sw_job_path(store_dir, job_id, "work", work, &err) != SW_OK)
        return 0;
    snprintf(entry, sizeof(entry), SW_ENV_JOB_DIR "=%s", work);
    size_t rank_count = load_recorded(store_dir, job_id, ranks);
    struct sw_buf scratch;
    sw_buf_init(&scratch, MAX_ENVIRON);
    int64_t deadline = sw_clock_mono_ms() + timeout_ms;
    for (;;) {
        if (!list_processes(&list))
            break;
        left = mark_strays(&list, entry, ranks, rank_count, &scratch);
        if (left == 0 || sw_clock_mono_ms() > deadline)
            break;
        for (size_t i = 0; i < list.count; i++)
            if (list.items[i].is_stray) // one that refuses is counted again in the next round
                (void)sw_proc_signal(list.items[i].pid, list.items[i].start_ticks, SIGKILL, &err);
        sw_clock_sleep_ms(10);
    }
    sw_buf_free(&scratch);
    free(list.items);
    return left;
}
