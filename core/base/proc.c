// SPDX-License-Identifier: Apache-2.0
// Starting processes. fork() and exec with an error pipe: the pipe's write end closes on exec, so its end of file
// means success and bytes in it say which step failed. posix_spawn() cannot set the parent-death signal or the
// niceness. Between fork and exec only async-signal-safe calls are made, for other threads may hold any lock.
#include "core/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/path.h"
#include "core/base/proc_private.h"

enum step { STEP_DESCRIPTORS, STEP_SESSION, STEP_FOLDER, STEP_NICE, STEP_EXEC };

struct failure {
    enum step step;
    int errnum;
};

// What the child needs, worked out before the fork.
struct plan {
    const struct sw_proc_spec *spec;
    char program[SW_PATH_MAX];
    char *const *env;
    pid_t parent;
    int error_fd;   // write end of the error pipe
    int first_free; // smallest descriptor above all that the child asks for
};

static int open_pidfd(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

// --- in the child ---

static _Noreturn void fail(const struct plan *p, enum step step)
{
    struct failure f = {step, errno};
    ssize_t put;
    do
        put = write(p->error_fd, &f, sizeof f);
    while (put < 0 && errno == EINTR);
    _exit(127);
}

static void close_on_exec_from(int first)
{
    if (syscall(SYS_close_range, first, UINT_MAX, 4 /* CLOSE_RANGE_CLOEXEC */) == 0)
        return;
    // Older kernels and some sandboxes: one by one.
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = first; fd < end; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// Puts the wanted descriptors in place. All are first moved above the numbers asked for, so that none is overwritten
// before it was used; then everything else is marked to close on exec, and dup2() makes the ones that stay.
static void arrange_descriptors(struct plan *p)
{
    const struct sw_proc_spec *spec = p->spec;
    int moved[SW_PROC_MAX_FDS];
    int standard[3] = {-1, -1, -1};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high_null = null < 0 ? -1 : fcntl(null, F_DUPFD_CLOEXEC, p->first_free);
    int high_error = fcntl(p->error_fd, F_DUPFD_CLOEXEC, p->first_free);
    if (high_null < 0 || high_error < 0)
        fail(p, STEP_DESCRIPTORS);
    p->error_fd = high_error;
    for (size_t i = 0; i < spec->fd_count; i++) {
        moved[i] = fcntl(spec->fds[i].parent_fd, F_DUPFD_CLOEXEC, p->first_free);
        if (moved[i] < 0)
            fail(p, STEP_DESCRIPTORS);
    }
    close_on_exec_from(3);
    for (size_t i = 0; i < spec->fd_count; i++) {
        int to = spec->fds[i].child_fd;
        if (dup2(moved[i], to) < 0)
            fail(p, STEP_DESCRIPTORS);
        if (to <= 2)
            standard[to] = to;
    }
    for (int to = 0; to <= 2; to++)
        if (standard[to] < 0 && dup2(high_null, to) < 0)
            fail(p, STEP_DESCRIPTORS);
}

static _Noreturn void run_child(struct plan *p)
{
    const struct sw_proc_spec *spec = p->spec;
    arrange_descriptors(p);
    if (spec->new_session && setsid() < 0)
        fail(p, STEP_SESSION);
    if (spec->die_with_parent) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
            fail(p, STEP_SESSION);
        if (getppid() != p->parent) // it died before the request took effect
            _exit(127);
    }
    if (spec->cwd != NULL && chdir(spec->cwd) != 0)
        fail(p, STEP_FOLDER);
    errno = 0;
    if (spec->nice != 0 && nice(spec->nice) == -1 && errno != 0)
        fail(p, STEP_NICE);
    // Ignored signals stay ignored across exec, so all go back to their default. The mask comes last: from there on
    // a signal acts on the child as on any program.
    for (int signo = 1; signo < NSIG; signo++)
        signal(signo, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(p->program, (char *const *)(uintptr_t)spec->argv, p->env);
    fail(p, STEP_EXEC);
}

// --- in the parent ---

static const char *value_in(const char *const *env, const char *name)
{
    size_t len = strlen(name);
    for (; *env != NULL; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

// Finds argv[0] in the PATH of the environment that the child will have. Relative parts of PATH are passed over: they
// would run whatever lies in the working directory.
static enum sw_code find_program(const struct sw_proc_spec *spec, char out[static SW_PATH_MAX], struct sw_err *err)
{
    const char *name = spec->argv[0];
    if (strchr(name, '/') != NULL)
        return sw_path_join(out, "", name, err);
    const char *path = spec->env != NULL ? value_in(spec->env, "PATH") : getenv("PATH");
    if (path == NULL)
        path = "/usr/local/bin:/usr/bin:/bin";
    int why = ENOENT;
    for (const char *part = path; name[0] != '\0' && part != NULL; part = strchr(part, ':')) {
        part += *part == ':';
        struct stat st;
        int len = snprintf(out, SW_PATH_MAX, "%.*s/%s", (int)strcspn(part, ":"), part, name);
        if (part[0] != '/' || len >= SW_PATH_MAX || stat(out, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (access(out, X_OK) == 0)
            return SW_OK;
        why = errno;
    }
    if (why != ENOENT)
        return sw_err_errno(err, why, "cannot run %s", name);
    enum sw_code code = sw_err_set(err, SW_NOT_FOUND, "no program '%s' in PATH", name);
    (void)sw_err_hint(err, "install it, or give its path");
    return code;
}

static enum sw_code explain(const struct sw_proc_spec *spec, const struct failure *f, struct sw_err *err)
{
    const char *name = spec->argv[0];
    switch (f->step) {
    case STEP_DESCRIPTORS:
        return sw_err_errno(err, f->errnum, "cannot arrange the descriptors of %s", name);
    case STEP_SESSION:
        return sw_err_errno(err, f->errnum, "cannot start a session for %s", name);
    case STEP_FOLDER:
        return sw_err_errno(err, f->errnum, "cannot start %s in %s", name, spec->cwd);
    case STEP_NICE:
        return sw_err_errno(err, f->errnum, "cannot set the niceness of %s to %+d", name, spec->nice);
    case STEP_EXEC:
        break;
    }
    enum sw_code code = sw_err_errno(err, f->errnum, "cannot run %s", name);
    if (f->errnum == ENOEXEC)
        (void)sw_err_hint(err, "a script needs a first line such as #!/bin/sh");
    return code;
}

static void reap(pid_t pid)
{
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

// Waits for exec to happen or to fail, then names the process.
static enum sw_code confirm(const struct sw_proc_spec *spec, pid_t pid, int error_fd, struct sw_proc *out,
                            struct sw_err *err)
{
    struct failure f;
    ssize_t got;
    do
        got = read(error_fd, &f, sizeof f);
    while (got < 0 && errno == EINTR);
    if (got == sizeof f) {
        reap(pid);
        return explain(spec, &f, err);
    }
    struct sw_proc p = {.pid = pid, .pidfd = open_pidfd(pid)};
    struct proc_stat st;
    if (p.pidfd < 0 || !proc_read_stat(pid, &st)) {
        enum sw_code code = sw_err_errno(err, p.pidfd < 0 ? errno : ESRCH, "cannot watch %s", spec->argv[0]);
        sw_proc_close(&p);
        kill(pid, SIGKILL);
        reap(pid);
        return code;
    }
    p.start_ticks = st.start_ticks;
    *out = p;
    return SW_OK;
}

enum sw_code sw_proc_spawn(const struct sw_proc_spec *spec, struct sw_proc *out, struct sw_err *err)
{
    struct plan p = {.spec = spec, .parent = getpid(), .first_free = 3};
    int ends[2];
    if (spec->fd_count > SW_PROC_MAX_FDS)
        return sw_err_set(err, SW_LIMIT, "more than %d descriptors for %s", SW_PROC_MAX_FDS, spec->argv[0]);
    for (size_t i = 0; i < spec->fd_count; i++)
        if (spec->fds[i].child_fd >= p.first_free)
            p.first_free = spec->fds[i].child_fd + 1;
    enum sw_code code = find_program(spec, p.program, err);
    if (code != SW_OK)
        return code;
    p.env = spec->env != NULL ? (char *const *)(uintptr_t)spec->env : environ;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sw_err_errno(err, errno, "cannot start %s", spec->argv[0]);
    p.error_fd = ends[1];
    // With all signals blocked, no handler of ours runs in the child before it has reset them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0)
        run_child(&p);
    int why = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid < 0)
        code = sw_err_errno(err, why, "cannot start %s", spec->argv[0]);
    else
        code = confirm(spec, pid, ends[0], out, err);
    close(ends[0]);
    return code;
}

void sw_proc_close(struct sw_proc *p)
{
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->pidfd = -1;
}

enum sw_code sw_proc_start_ticks(pid_t pid, int64_t *ticks, struct sw_err *err)
{
    struct proc_stat st;
    if (!proc_read_stat(pid, &st) || proc_is_dead(&st))
        return sw_err_set(err, SW_NOT_FOUND, "no process %d", (int)pid);
    *ticks = st.start_ticks;
    return SW_OK;
}

bool sw_proc_is_alive(pid_t pid, int64_t start_ticks)
{
    int64_t ticks = -1;
    return sw_proc_start_ticks(pid, &ticks, NULL) == SW_OK && ticks == start_ticks;
}

enum sw_code sw_proc_signal(pid_t pid, int64_t start_ticks, int signo, struct sw_err *err)
{
    // The descriptor first, the look at the start time second: what it names can no longer change in between.
    int fd = open_pidfd(pid);
    if (fd < 0 && errno != ESRCH && errno != EINVAL)
        return sw_err_errno(err, errno, "cannot signal process %d", (int)pid);
    enum sw_code code = SW_OK;
    if (fd < 0 || !sw_proc_is_alive(pid, start_ticks))
        code = sw_err_set(err, SW_NOT_FOUND, "process %d is gone", (int)pid);
    else if (syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0) != 0)
        code = errno == ESRCH ? sw_err_set(err, SW_NOT_FOUND, "process %d is gone", (int)pid)
                              : sw_err_errno(err, errno, "cannot signal process %d", (int)pid);
    if (fd >= 0)
        close(fd);
    return code;
}
