// SPDX-License-Identifier: Apache-2.0
// Child processes. A child gets exactly the descriptors it is given (all others are closed before exec), default
// signal dispositions, an empty mask, and, when asked, its own session. A failed exec is reported to the caller as an
// error, not as an exit status. Processes are named by pid and start time, since pids are reused.
#ifndef SW_BASE_PROC_H
#define SW_BASE_PROC_H

#include <stdint.h>
#include <sys/types.h>

#include "core/base/buf.h"

#define SW_PROC_MAX_FDS 32 // descriptors given to one child

struct sw_proc_fd {
    int parent_fd; // our descriptor
    int child_fd;  // its number in the child
};

struct sw_proc_spec {
    // NULL-terminated; argv[0] is looked up in the child's PATH, relative parts passed over, unless it has a '/'.
    const char *const *argv;
    const char *const *env; // NULL-terminated "NAME=value"; NULL = inherit
    const char *cwd;        // NULL = inherit
    const struct sw_proc_fd *fds;
    size_t fd_count;      // 0, 1 and 2 not named here become /dev/null
    bool new_session;     // setsid()
    bool die_with_parent; // SIGKILL when the thread that spawned it ends (PR_SET_PDEATHSIG), no race at start
    int nice;             // added to the child's niceness
};

struct sw_proc {
    pid_t pid;
    int pidfd;           // close with sw_proc_close()
    int64_t start_ticks; // field 22 of /proc/PID/stat
};

// Returns once exec succeeded. SW_NOT_FOUND no such program or folder, SW_IO, SW_NO_MEMORY. The caller reaps the child.
enum sw_code sw_proc_spawn(const struct sw_proc_spec *spec, struct sw_proc *out, struct sw_err *err);
void sw_proc_close(struct sw_proc *p); // closes the pidfd; neither kills nor reaps
// Start time of a live process; SW_NOT_FOUND when there is none (or it is a zombie).
enum sw_code sw_proc_start_ticks(pid_t pid, int64_t *ticks, struct sw_err *err);
bool sw_proc_is_alive(pid_t pid, int64_t start_ticks); // same process, not a zombie
// Signals by pidfd, so that a reused pid is never hit.
enum sw_code sw_proc_signal(pid_t pid, int64_t start_ticks, int signo, struct sw_err *err);
// All living descendants of `root` in any session, children before grandchildren, from /proc; zombies are left out,
// for they have no descendants. A process whose parent ended belongs to the nearest subreaper above. `out` is malloc'ed
// (take). Not a snapshot of one instant: who kills asks again until none is left.
enum sw_code sw_proc_descendants(pid_t root, pid_t **out, size_t *count, struct sw_err *err);

struct sw_proc_result {
    int exit_code; // -1 when killed, or when unknown because the program ignores SIGCHLD
    int signo;     // 0 when it exited
};
// Runs to the end with a deadline (below 0 = none) in a session of its own: feeds `input` (may be NULL), appends stdout
// and stderr to their buffers (either may be NULL = discarded); what exceeds a maximum is dropped, not an error. Ends
// with the child, even when a process that it left behind keeps its output open. On timeout the whole session and all
// descendants are killed: SW_TIMEOUT, and the buffers hold what came until then. A non-zero exit is SW_OK.
enum sw_code sw_proc_run(const struct sw_proc_spec *spec, const void *input, size_t input_len, int64_t timeout_ms,
                         struct sw_buf *out, struct sw_buf *errout, struct sw_proc_result *result, struct sw_err *err);

#endif
