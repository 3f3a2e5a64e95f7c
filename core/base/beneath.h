// SPDX-License-Identifier: Apache-2.0
// Reading and writing below a folder and never outside it, for trees that other programs fill: names come from a user or the
// network, and what lies there may hold links that lead elsewhere. The kernel resolves each path (openat2 with RESOLVE_BENEATH
// and no symbolic or magic links; part by part where it has no openat2), so a folder swapped for a link while we look changes
// nothing. A path is refused with SW_INVALID when it is not contained (sw_path_is_contained()).
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
// (sw_path_is_contained()), that leads through a link, or that is neither file nor folder; SW_NOT_FOUND (also below a file), SW_IO.
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

// Opens the folder that holds the last part of a path, for *at() calls with `name`, which points into `relative`. With
// `make`, folders that are missing are made, 0700. SW_INVALID where a part is a link or a file; SW_NOT_FOUND, SW_IO.
enum sw_code sw_beneath_parent(int root_fd, const char *relative, bool make, int *dir_fd /* take */, const char **name,
                               struct sw_err *err);
// Removes a file, a link or a folder with all in it; what is missing is success.
enum sw_code sw_beneath_remove(int root_fd, const char *relative, struct sw_err *err);

#endif
