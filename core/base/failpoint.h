// SPDX-License-Identifier: Apache-2.0
// Named failure points for fault tests, compiled in only with -DSW_FAILPOINTS (debug and sanitizer builds).
// SLIPWAY_FAILPOINT="name:n=action[,...]": at the n-th pass (default 1) through `name` do `action`: "kill" (SIGKILL to
// self), "enospc", "eio" (the caller gets that errno), "stall" (stop for ever). SLIPWAY_FAILPOINT_LOG names a file that
// gets the name of each point that acted. Release builds compile it to 0.
#ifndef SW_BASE_FAILPOINT_H
#define SW_BASE_FAILPOINT_H

#ifdef SW_FAILPOINTS
int sw_failpoint(const char *name); // 0, or the errno to fail with
#else
#define sw_failpoint(name) 0
#endif

#endif
