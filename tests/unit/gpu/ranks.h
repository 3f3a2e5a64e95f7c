// SPDX-License-Identifier: Apache-2.0
// Ranks as forked processes around one shared memory file.
#ifndef SW_TESTS_GPU_RANKS_H
#define SW_TESTS_GPU_RANKS_H

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/err.h"

enum { RANKS_MAX = 8, RANKS_LIMIT_MS = 120000 };

struct ranks {
    int count, comm_fd;
    pid_t pids[RANKS_MAX];
    int status[RANKS_MAX];        // of waitpid()
    char message[RANKS_MAX][512]; // what the rank wrote to `out`
    int pipes[RANKS_MAX];
};

// What a rank does; its return value is the process's exit status, its text comes back in `message`.
typedef int (*rank_fn)(void *ctx, int rank, int size, int comm_fd, FILE *out);

static inline void ranks_start(struct ranks *r, int count, rank_fn fn, void *ctx)
{
    memset(r, 0, sizeof *r);
    r->count = count;
    r->comm_fd = memfd_create("ranks", MFD_CLOEXEC);
    fflush(NULL);
    for (int i = 0; i < count; i++) {
        int ends[2];
        if (pipe(ends) < 0)
            abort();
        r->pids[i] = fork();
        if (r->pids[i] == 0) {
            close(ends[0]);
            FILE *out = fdopen(ends[1], "w");
            int status = fn(ctx, i, count, r->comm_fd, out);
            fclose(out);
            _exit(status);
        }
        close(ends[1]);
        r->pipes[i] = ends[0];
    }
}

// Waits for all; a rank that is still there after the limit is killed, which the caller sees in its status.
static inline void ranks_join(struct ranks *r)
{
    for (int i = 0; i < r->count; i++) {
        int pidfd = (int)syscall(SYS_pidfd_open, r->pids[i], 0);
        struct pollfd p = {.fd = pidfd, .events = POLLIN};
        if (poll(&p, 1, RANKS_LIMIT_MS) != 1)
            kill(r->pids[i], SIGKILL);
        close(pidfd);
        waitpid(r->pids[i], &r->status[i], 0);
        size_t len = 0;
        ssize_t n;
        while (len < sizeof r->message[i] - 1 &&
               (n = read(r->pipes[i], r->message[i] + len, sizeof r->message[i] - 1 - len)) > 0)
            len += (size_t)n;
        close(r->pipes[i]);
    }
    close(r->comm_fd);
}

static inline int ranks_exit(const struct ranks *r, int rank)
{
    return WIFEXITED(r->status[rank]) ? WEXITSTATUS(r->status[rank]) : -WTERMSIG(r->status[rank]);
}

#endif
