// SPDX-License-Identifier: Apache-2.0
// Where things live (XDG base directories 0.8) and path arithmetic. Relative XDG values are ignored, as the
// specification says. Without HOME and without the XDG variable a place does not exist: the error says what to set.
#ifndef SW_BASE_PATH_H
#define SW_BASE_PATH_H

#include "core/base/err.h"

#define SW_PATH_MAX 4096

enum sw_place { SW_PLACE_CONFIG, SW_PLACE_DATA, SW_PLACE_STATE, SW_PLACE_CACHE, SW_PLACE_RUNTIME };

// "$XDG_DATA_HOME/slipway" and so on; the folder is not created. `out` has SW_PATH_MAX bytes.
enum sw_code sw_path_place(enum sw_place place, char out[static SW_PATH_MAX], struct sw_err *err);
// "a/b" from "a" and "b"; an absolute `b` wins. `out` may be `a` or `b`. SW_LIMIT when it does not fit.
enum sw_code sw_path_join(char out[static SW_PATH_MAX], const char *a, const char *b, struct sw_err *err);
// Absolute path against the working directory, "." and ".." resolved by text, symbolic links left alone.
enum sw_code sw_path_absolute(char out[static SW_PATH_MAX], const char *path, struct sw_err *err);
const char *sw_path_base(const char *path); // borrow: the part after the last '/'
// True for a relative path that stays below its root: no empty part, ".", "..", backslash, control, leading '/'.
bool sw_path_is_contained(const char *path);
// mkdir -p with mode 0700 for new folders.
enum sw_code sw_path_make_dirs(const char *path, struct sw_err *err);
// rm -r that never follows symbolic links, 200 folders deep at most; a missing path is success.
enum sw_code sw_path_remove_tree(const char *path, struct sw_err *err);
enum sw_code sw_path_remove_tree_at(int dir_fd, const char *path, struct sw_err *err); // relative to an open folder
// The folder of the running program (from /proc/self/exe) joined with `name`: how siblings are found.
enum sw_code sw_path_sibling(const char *name, char out[static SW_PATH_MAX], struct sw_err *err);

#endif
