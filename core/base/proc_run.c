// SPDX-License-Identifier: Apache-2.0
// Running a program to its end with a deadline.
#include "core/base/proc_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"

enum { BLOCK_BYTES = 16 * 1024, KILL_PASSES = 100 };

// Our ends of the child's standard streams; -1 when closed or not wanted.
struct streams {
    int in;
    int out;
    int errout;
    const char *input;
    size_t input_len;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

// Writes to a pipe whose reader may be gone without the signal that this raises: the program's own handling of SIGPIPE
// stays as it is.
static ssize_t write_quietly(int fd, const void *bytes, size_t len)
{
    sigset_t pipe_set, before, pending;
    sigemptyset(&pipe_set);
    sigaddset(&pipe_set, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_set, &before);
    ssize_t put = write(fd, bytes, len);
    int why = errno;
    if (put < 0 && why == EPIPE && !sigismember(&pending, SIGPIPE)) {
        struct timespec at_once = {0};
        while (sigtimedwait(&pipe_set, NULL, &at_once) < 0 && errno == EINTR) {
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return put;
}

static void feed(struct streams *s)
{
    ssize_t put = write_quietly(s->in, s->input, s->input_len);
    if (put > 0) {
        s->input += put;
        s->input_len -= (size_t)put;
    }
    // A program that does not read its input to the end is its own affair.
    if (s->input_len == 0 || (put < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(&s->in);
}

// Takes what is there now; past the buffer's maximum it is read and dropped, so that the child never blocks on us.
static void collect(int *fd, struct sw_buf *into)
{
    char block[BLOCK_BYTES];
    for (;;) {
        ssize_t got = read(*fd, block, sizeof block);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            close_fd(fd);
            return;
        }
        size_t room = into->max - into->len;
        sw_buf_add(into, block, (size_t)got < room ? (size_t)got : room);
    }
}

// Kills everything in the child's session and everything that descends from it, the child last: while it lives, its
// descendants can be told even if they left the session.
static void kill_session(pid_t leader)
{
    for (int pass = 0; pass < KILL_PASSES; pass++) {
        struct proc_stat *list = NULL;
        size_t count = 0;
        size_t hit = 0;
        if (proc_list(&list, &count, NULL) == SW_OK) {
            pid_t *below = NULL;
            size_t below_count = 0;
            if (sw_proc_descendants(leader, &below, &below_count, NULL) != SW_OK)
                below_count = 0;
            for (size_t i = 0; i < count; i++) {
                bool ours = list[i].session == leader;
                for (size_t j = 0; j < below_count && !ours; j++)
                    ours = below[j] == list[i].pid;
                if (ours && list[i].pid != leader &&
                    sw_proc_signal(list[i].pid, list[i].start_ticks, SIGKILL, NULL) == SW_OK)
                    hit++;
            }
            free(below);
        }
        free(list);
        if (hit == 0)
            break;
    }
    kill(leader, SIGKILL); // not reaped yet, so the pid is still its own
}

// Serves the streams until the child ended. SW_TIMEOUT at the deadline, SW_IO when polling fails.
static enum sw_code serve(struct streams *s, int pidfd, int64_t deadline_ms, const char *name, struct sw_buf *out,
                          struct sw_buf *errout, struct sw_err *err)
{
    for (bool ended = false; !ended;) {
        int wait_ms = -1;
        if (deadline_ms >= 0) {
            int64_t left = deadline_ms - sw_clock_mono_ms();
            if (left <= 0)
                return sw_err_set(err, SW_TIMEOUT, "%s did not end in time", name);
            wait_ms = left < 60000 ? (int)left : 60000;
        }
        struct pollfd fds[] = {{pidfd, POLLIN, 0}, {s->in, POLLOUT, 0}, {s->out, POLLIN, 0}, {s->errout, POLLIN, 0}};
        if (poll(fds, sizeof fds / sizeof fds[0], wait_ms) < 0) {
            if (errno != EINTR)
                return sw_err_errno(err, errno, "cannot wait for %s", name);
            continue;
        }
        ended = fds[0].revents != 0;
        if (s->in >= 0 && fds[1].revents != 0)
            feed(s);
        // After the end one last look takes what is still in the pipes. Not until end of file: a daemon that the
        // program left behind may hold them open for ever.
        if (s->out >= 0 && (fds[2].revents != 0 || ended))
            collect(&s->out, out);
        if (s->errout >= 0 && (fds[3].revents != 0 || ended))
            collect(&s->errout, errout);
    }
    return SW_OK;
}

// A pipe whose end `ours` (0 read, 1 write) stays here, non-blocking, and whose other end becomes `child_fd`.
static enum sw_code add_pipe(struct sw_proc_fd *slot, int ours, int child_fd, int *our_fd, const char *name,
                             struct sw_err *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sw_err_errno(err, errno, "cannot open a pipe to %s", name);
    fcntl(ends[ours], F_SETFL, O_NONBLOCK);
    *our_fd = ends[ours];
    *slot = (struct sw_proc_fd){ends[1 - ours], child_fd};
    return SW_OK;
}

static void read_status(pid_t pid, struct sw_proc_result *result)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    // Nothing to wait for when the program ignores SIGCHLD: then how it ended is unknown, and that is not success.
    *result = (struct sw_proc_result){.exit_code = -1};
    if (got == pid && WIFEXITED(status))
        result->exit_code = WEXITSTATUS(status);
    else if (got == pid && WIFSIGNALED(status))
        result->signo = WTERMSIG(status);
}

enum sw_code sw_proc_run(const struct sw_proc_spec *spec, const void *input, size_t input_len, int64_t timeout_ms,
                         struct sw_buf *out, struct sw_buf *errout, struct sw_proc_result *result, struct sw_err *err)
{
    const char *name = spec->argv[0];
    struct sw_proc_fd fds[SW_PROC_MAX_FDS] = {0};
    struct sw_proc_spec own = *spec;
    struct streams s = {-1, -1, -1, input, input_len};
    struct sw_proc child = {.pidfd = -1};
    size_t count = 0;
    enum sw_code code = SW_OK;
    if (spec->fd_count + 3 > SW_PROC_MAX_FDS)
        return sw_err_set(err, SW_LIMIT, "more than %d descriptors for %s", SW_PROC_MAX_FDS - 3, name);
    if (input_len > 0)
        code = add_pipe(&fds[count++], 1, STDIN_FILENO, &s.in, name, err);
    size_t pipes = code == SW_OK ? count : 0;
    if (code == SW_OK && out != NULL && (code = add_pipe(&fds[count++], 0, STDOUT_FILENO, &s.out, name, err)) == SW_OK)
        pipes = count;
    if (code == SW_OK && errout != NULL &&
        (code = add_pipe(&fds[count++], 0, STDERR_FILENO, &s.errout, name, err)) == SW_OK)
        pipes = count;
    if (code == SW_OK) {
        for (size_t i = 0; i < spec->fd_count; i++)
            fds[count++] = spec->fds[i];
        own.fds = fds;
        own.fd_count = count;
        own.new_session = true;
        code = sw_proc_spawn(&own, &child, err);
    }
    for (size_t i = 0; i < pipes; i++)
        close(fds[i].parent_fd);
    if (code == SW_OK) {
        int64_t deadline_ms = timeout_ms >= 0 ? sw_clock_mono_ms() + timeout_ms : -1;
        code = serve(&s, child.pidfd, deadline_ms, name, out, errout, err);
        if (code != SW_OK)
            kill_session(child.pid);
        struct sw_proc_result ended;
        read_status(child.pid, &ended);
        if (code == SW_OK)
            *result = ended;
    }
    sw_proc_close(&child);
    close_fd(&s.in);
    close_fd(&s.out);
    close_fd(&s.errout);
    return code;
}
