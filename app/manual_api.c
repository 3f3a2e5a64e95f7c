// SPDX-License-Identifier: Apache-2.0
// slipway-api(7): the calls of the tracking API from its route table, and its differences from MLflow.
#include "app/generate.h"

#include <stdio.h>
#include <string.h>

#include "core/serve/reference.h"

enum { PARAMETERS = 512 };

static void put_call(struct sw_buf *out, const struct sw_route_info *r)
{
    sw_buf_addf(out, ".It %s %s\n", r->method, r->path);
    sw_mdoc_sentence(out, r->summary);
    if (r->parameters[0] != '\0') {
        sw_buf_adds(out, "Takes ");
        sw_mdoc_text(out, r->parameters);
    }
    if (strcmp(r->access, "open") == 0)
        sw_buf_adds(out, "Needs no token.\n");
    if (r->prefixes[0] != '\0' && strstr(r->prefixes, "/api/") == NULL)
        sw_buf_adds(out, "Under /ajax-api alone.\n");
    if (r->is_served && r->max_body_bytes > 1 << 20)
        sw_buf_addf(out, "Bodies of up to %lld MiB.\n", (long long)(r->max_body_bytes >> 20));
}

static void put_calls(struct sw_buf *out, bool is_served)
{
    char parameters[PARAMETERS];
    struct sw_route_info r;
    sw_buf_adds(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < sw_route_info_count(); i++) {
        sw_route_info_get(i, &r, parameters, sizeof parameters);
        if (r.is_served == is_served)
            put_call(out, &r);
    }
    sw_buf_adds(out, ".El\n");
}

void sw_generate_api_manual(struct sw_buf *out)
{
    sw_mdoc_head(out, "slipway-api", 7, "the tracking API that slipway answers");
    sw_buf_adds(out, ".Sh DESCRIPTION\n");
    sw_mdoc_text(
        out, "MLflow's REST API of version 3.17 over a store, so that unmodified scripts log into it: from 'slipway "
             "serve', and inside every job, where MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN and MLFLOW_RUN_ID are set "
             "already.\n\n"
             "A path without a prefix of its own stands under /api/2.0, /api/3.0, /ajax-api/2.0 and /ajax-api/3.0 "
             "alike. A call takes the parameters named with it; * means required. Errors are "
             "{\"error_code\", \"message\"}.");
    sw_buf_adds(out, ".Sh ACCESS\n");
    sw_mdoc_text(
        out, "The token is in the file 'token' of the state folder, made at the first start and readable by its user "
             "alone; a job's token is its own and ends with it. It comes as a Bearer token, or as the password of "
             "Basic authentication with any user name. Requests must name this machine in Host (localhost, 127.0.0.1, "
             "[::1], the address listened on, or a name given with --allowed-host); those that a web page of another "
             "origin sends are refused. On a Unix socket the peer must be the same user, too.");
    sw_buf_adds(out, ".Sh CALLS\n");
    put_calls(out, true);
    sw_buf_adds(out, ".Sh NOT OFFERED\nAnswered with ENDPOINT_NOT_FOUND:\n");
    put_calls(out, false);
    sw_buf_adds(out, ".Sh DIFFERENCES FROM MLFLOW\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < sw_api_difference_count; i++) {
        sw_buf_addf(out, ".It %s\n", sw_api_differences[i].subject);
        sw_mdoc_text(out, sw_api_differences[i].text);
    }
    sw_buf_adds(out, ".El\n.Sh SEE ALSO\n.Xr slipway 1\n");
}
