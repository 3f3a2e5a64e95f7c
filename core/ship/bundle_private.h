// SPDX-License-Identifier: Apache-2.0
// The bundle kind's row, and what its writer (bundle.c) and its reader (bundle_read.c) share.
#ifndef SW_SHIP_BUNDLE_PRIVATE_H
#define SW_SHIP_BUNDLE_PRIVATE_H

#include "core/ship/bundle.h"
#include "core/ship/target.h"

extern const struct sw_target_kind bundle_kind;

bool bundle_is_tar(const char *rest); // by the ending ".tar"

enum bundle_presence { BUNDLE_NONE, BUNDLE_OURS, BUNDLE_FOREIGN };
// What stands at the place of a bundle of `model`. BUNDLE_OURS may still be damaged.
enum bundle_presence bundle_look(const char *path, const char *model);

#endif
