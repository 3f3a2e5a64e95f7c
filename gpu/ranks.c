// SPDX-License-Identifier: Apache-2.0
// Start, signal and wait; ranks end each other through their communicator.
#include "gpu/ranks.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/jobenv.h"
#include "core/base/proc.h"
#include "gpu/comm.h"

enum { OWN_VARIABLES = 4, CHILD_COMM_FD = 3, CHILD_METRICS_FD = 4, GRACE_MS = 5000 };

// The caller's environment without the names set here, and room for those.
static const char **copy_environment(size_t *count)
{
    static const char *const replaced[] = {
        "RANK=", "WORLD_SIZE=", "LOCAL_RANK=", "LOCAL_WORLD_SIZE=", SW_ENV_COMM_FD "=", SW_ENV_METRICS_FD "="};
    size_t all = 0;
    while (environ[all])
        all++;
    const char **env = calloc(all + OWN_VARIABLES + 3, sizeof *env);
    *count = 0;
    for (size_t i = 0; i < all && env; i++) {
        bool is_kept = true;
        for (size_t j = 0; j < sizeof replaced / sizeof *replaced; j++)
            is_kept = is_kept && strncmp(environ[i], replaced[j], strlen(replaced[j])) != 0;
        if (is_kept)
            env[(*count)++] = environ[i];
    }
    return env;
}

static enum sw_code start(const char *const *argv, int rank, int count, int comm_fd, const char **env, size_t env_count,
                          struct sw_proc *out, struct sw_err *err)
{
    char own[OWN_VARIABLES + 1][64];
    const char *metrics = getenv(SW_ENV_METRICS_FD);
    struct sw_proc_fd fds[5] = {{0, 0}, {1, 1}, {2, 2}, {comm_fd, CHILD_COMM_FD}};
    size_t fd_count = 4, n = env_count;
    snprintf(own[0], sizeof own[0], "RANK=%d", rank);
    snprintf(own[1], sizeof own[1], "LOCAL_RANK=%d", rank);
    snprintf(own[2], sizeof own[2], "WORLD_SIZE=%d", count);
    snprintf(own[3], sizeof own[3], SW_ENV_COMM_FD "=%d", CHILD_COMM_FD);
    snprintf(own[4], sizeof own[4], SW_ENV_METRICS_FD "=%d", CHILD_METRICS_FD);
    for (int i = 0; i < OWN_VARIABLES; i++)
        env[n++] = own[i];
    if (rank == 0 && metrics && *metrics) {
        fds[fd_count++] = (struct sw_proc_fd){atoi(metrics), CHILD_METRICS_FD};
        env[n++] = own[4];
    }
    env[n] = NULL;
    struct sw_proc_spec spec = {.argv = argv, .env = env, .fds = fds, .fd_count = fd_count, .die_with_parent = true};
    return sw_proc_spawn(&spec, out, err);
}

static void signal_all(const struct sw_proc *ranks, int count, int signo)
{
    for (int r = 0; r < count; r++) {
        struct sw_err gone = {0}; // a rank that has ended needs no signal
        if (ranks[r].pid > 0)
            (void)sw_proc_signal(ranks[r].pid, ranks[r].start_ticks, signo, &gone);
    }
}

// Takes the status of an ended rank; says so when it is the first that failed.
static void reap(struct sw_proc *ranks, int rank, int *exit_status)
{
    int status;
    if (waitpid(ranks[rank].pid, &status, 0) != ranks[rank].pid)
        return;
    int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (code && !*exit_status) {
        *exit_status = code;
        if (WIFSIGNALED(status))
            fprintf(stderr, "slipway-train: rank %d was killed by signal %d\n", rank, WTERMSIG(status));
        else if (code != SW_EXIT_REQUEUE)
            fprintf(stderr, "slipway-train: rank %d ended with status %d\n", rank, code);
    }
    sw_proc_close(&ranks[rank]);
    ranks[rank] = (struct sw_proc){.pidfd = -1};
}

// Once a rank has failed the others learn of it from their communicator; one that does not is stopped, and is killed.
static enum sw_code wait_all(struct sw_proc *ranks, int count, int signal_fd, int *exit_status, struct sw_err *err)
{
    struct pollfd fds[SW_COMM_MAX_RANKS + 1];
    int64_t failed_at_ms = 0;
    for (int left = count; left > 0;) {
        for (int r = 0; r < count; r++)
            fds[r] = (struct pollfd){.fd = ranks[r].pidfd, .events = POLLIN};
        fds[count] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
        if (poll(fds, (nfds_t)count + 1, *exit_status ? GRACE_MS : -1) < 0 && errno != EINTR)
            return sw_err_errno(err, errno, "waiting for ranks");
        if (*exit_status && !failed_at_ms)
            failed_at_ms = sw_clock_mono_ms();
        if (failed_at_ms && sw_clock_mono_ms() - failed_at_ms >= GRACE_MS)
            signal_all(ranks, count, SIGKILL);
        struct signalfd_siginfo info;
        if (fds[count].revents && read(signal_fd, &info, sizeof info) == sizeof info)
            signal_all(ranks, count, (int)info.ssi_signo);
        for (int r = 0; r < count; r++) {
            if (ranks[r].pidfd < 0 || !fds[r].revents)
                continue;
            reap(ranks, r, exit_status);
            left--;
        }
    }
    return SW_OK;
}

enum sw_code sw_ranks_run(const char *const *argv, int count, int *exit_status, struct sw_err *err)
{
    struct sw_proc ranks[SW_COMM_MAX_RANKS];
    sigset_t passed;
    size_t env_count;
    enum sw_code code = SW_OK;
    int started = 0, signal_fd = -1;
    int comm_fd = memfd_create("slipway-ranks", MFD_CLOEXEC);
    const char **env = copy_environment(&env_count);
    *exit_status = 0;
    sigemptyset(&passed);
    sigaddset(&passed, SIGTERM);
    sigaddset(&passed, SIGINT);
    sigaddset(&passed, SIGUSR1);
    sigprocmask(SIG_BLOCK, &passed, NULL);
    if (comm_fd >= 0)
        signal_fd = signalfd(-1, &passed, SFD_CLOEXEC);
    if (signal_fd < 0)
        code = sw_err_errno(err, errno, "starting %d ranks", count);
    else if (!env)
        code = sw_err_set(err, SW_NO_MEMORY, "starting %d ranks: out of memory", count);
    for (; started < count && !code; started++)
        if ((code = start(argv, started, count, comm_fd, env, env_count, &ranks[started], err)))
            break;
    if (code)
        signal_all(ranks, started, SIGKILL);
    if (started > 0) {
        enum sw_code waited = wait_all(ranks, started, signal_fd, exit_status, err);
        code = code ? code : waited;
    }
    if (signal_fd >= 0)
        close(signal_fd);
    if (comm_fd >= 0)
        close(comm_fd);
    free(env);
    sigprocmask(SIG_UNBLOCK, &passed, NULL);
    return code;
}
