// SPDX-License-Identifier: Apache-2.0
#include "core/serve/reference.h"

#include <stdio.h>

#include "core/serve/serve_private.h"

size_t sw_route_info_count(void)
{
    return sw_route_count;
}

static const char *how_it_runs(unsigned flags)
{
    if (flags & SW_CALL_INLINE)
        return "inline";
    if (!(flags & SW_CALL_WRITES))
        return "read";
    return (flags & SW_CALL_FULL) ? "write, synced" : "write";
}

void sw_route_info_get(size_t index, struct sw_route_info *out, char *parameters, size_t size)
{
    const struct sw_route *route = &sw_routes[index];
    const char *prefixes = "/api/2.0 /api/3.0 /ajax-api/2.0 /ajax-api/3.0";
    if (route->flags & SW_CALL_PLAIN)
        prefixes = "";
    else if (route->flags & SW_CALL_AJAX_ONLY)
        prefixes = "/ajax-api/2.0 /ajax-api/3.0";
    size_t used = 0;
    *parameters = '\0';
    for (size_t i = 0; i < route->param_count && used < size; i++)
        used += (size_t)snprintf(parameters + used, size - used, "%s%s%s", i > 0 ? ", " : "", route->params[i].name,
                                 route->params[i].required ? "*" : "");
    *out = (struct sw_route_info){
        .method = sw_route_method(route->method),
        .path = route->path,
        .prefixes = prefixes,
        .access = (route->flags & SW_CALL_OPEN) ? "open" : "token",
        .runs = how_it_runs(route->flags),
        .max_body_bytes = route->sink != NULL ? 0 : (int64_t)(route->max_body != 0 ? route->max_body : SW_CALL_BODY),
        .is_served = !(route->flags & SW_CALL_REFUSED),
        .summary = route->summary,
        .parameters = parameters,
    };
}
