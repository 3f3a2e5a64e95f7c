// SPDX-License-Identifier: Apache-2.0
// What /proc says about processes, shared by the files that start, find and run them.
#ifndef SW_BASE_PROC_PRIVATE_H
#define SW_BASE_PROC_PRIVATE_H

#include "core/base/proc.h"

struct proc_stat {
    pid_t pid;
    pid_t ppid;
    pid_t session;
    char state; // 'R', 'S', 'Z' zombie, 'X' dead, ...
    int64_t start_ticks;
};

bool proc_read_stat(pid_t pid, struct proc_stat *out); // false when there is no such process
bool proc_is_dead(const struct proc_stat *st);         // a zombie or about to go
// All processes but dead ones, by pid. `out` is malloc'ed (take).
enum sw_code proc_list(struct proc_stat **out, size_t *count, struct sw_err *err);

#endif
