// SPDX-License-Identifier: Apache-2.0
// The API as others may read it, for `slipway serve --routes` and slipway-api(7): its calls, and what it does differently.
#ifndef SW_SERVE_REFERENCE_H
#define SW_SERVE_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Texts are static.
struct sw_route_info {
    const char *method;
    const char *path;       // behind the prefix
    const char *prefixes;   // "/api/2.0 /api/3.0 /ajax-api/2.0 /ajax-api/3.0", "" = none: the path is whole
    const char *access;     // "token" or "open"
    const char *runs;       // "inline", "read", "write" or "write, synced"
    int64_t max_body_bytes; // 0 = streamed, without a limit of its own
    bool is_served;         // false: answered as not offered
    const char *summary;
    const char *parameters; // "run_id*, status, end_time": * = required
};
size_t sw_route_info_count(void);
void sw_route_info_get(size_t index, struct sw_route_info *out, char *parameters, size_t size);

struct sw_api_difference {
    const char *subject, *text;
};
extern const struct sw_api_difference sw_api_differences[];
extern const size_t sw_api_difference_count;

#endif
