// SPDX-License-Identifier: Apache-2.0
// Reading below a folder and never outside it, for trees that other programs fill: names come from a user or the network,
// and what lies there may hold links that lead elsewhere. The kernel resolves each path (openat2 with RESOLVE_BENEATH and
// no symbolic or magic links), so a folder swapped for a link while we look changes nothing.
#ifndef SW_BASE_BENEATH_H
#define SW_BASE_BENEATH_H

#include <stdint.h>

#include "core/base/arena.h"

// Opens the folder that all paths below are relative to; it may itself be named through links. Close with close().
enum sw_code sw_beneath_root(const char *path, int *root_fd /* take */, struct sw_err *err);

struct sw_beneath_stat {
    bool is_dir;
    int64_t size_bytes; // 0 of a folder
    int64_t modified_ms;
};

// Opens a regular file for reading, or a folder ("" = the root). SW_INVALID for a path that is not contained
// (sw_path_is_contained()), that leads through a link, or that is neither file nor folder; SW_NOT_FOUND, SW_IO.
enum sw_code sw_beneath_open(int root_fd, const char *relative, int *fd /* take */, struct sw_beneath_stat *stat,
                             struct sw_err *err);

struct sw_beneath_entry {
    const char *name;
    struct sw_beneath_stat stat;
};
// Entries of a folder, folders first, each in byte order of the names; links, special files and names that are not
// contained are left out. SW_LIMIT past `max` entries; SW_INVALID when it is no folder. In the arena.
enum sw_code sw_beneath_list(int root_fd, const char *relative, size_t max, struct sw_arena *a,
                             struct sw_beneath_entry **out, size_t *count, struct sw_err *err);

#endif
