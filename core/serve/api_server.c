// SPDX-License-Identifier: Apache-2.0
// What the server says about itself, and what it says of calls that it does not offer.
#include "core/serve/api_private.h"

// Clients compare this with features of MLflow's own server.
#define MLFLOW_VERSION "3.17.2"

SW_API_HANDLER(health)
{
    (void)err;
    sw_call_put_plain(c, "text/plain; charset=utf-8", "OK");
    return SW_OK;
}

SW_API_HANDLER(version)
{
    (void)err;
    sw_call_put_plain(c, "text/plain; charset=utf-8", MLFLOW_VERSION);
    return SW_OK;
}

SW_API_HANDLER(server_info)
{
    (void)err;
    sw_json_put_text(&c->out, "store_type", "SqlStore");
    sw_json_put_bool(&c->out, "workspaces_enabled", false);
    sw_json_put_bool(&c->out, "trace_archival_enabled", false);
    sw_json_put_bool(&c->out, "multipart_uploads_enabled", true);
    sw_json_put_bool(&c->out, "multipart_downloads_enabled", false);
    sw_json_put_bool(&c->out, "presigned_upload_model_id_supported", false);
    sw_json_put_bool(&c->out, "presigned_upload_run_id_supported", false);
    return SW_OK;
}

SW_API_HANDLER(refuse)
{
    c->status = 404;
    c->error_code = "ENDPOINT_NOT_FOUND";
    return sw_err_set(err, SW_UNSUPPORTED, "Slipway does not offer this call: %s", c->route->summary);
}
