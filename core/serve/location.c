// SPDX-License-Identifier: Apache-2.0
// Places that callers name for artifacts, as what they are: ours, remote, or refused. Decided once, by the scheme and the
// parts of the path, never by a prefix of the text.
#include "core/serve/run_reply_private.h"

#include <ctype.h>
#include <string.h>

enum { LOCATION_MOST = 2048 };

// Of stores that MLflow's client reaches by itself; this server never opens them.
static const char *const remote_schemes[] = {"s3",   "gs",  "wasbs", "wasb", "abfss", "abfs", "hdfs", "viewfs",
                                             "dbfs", "oci", "r2",    "b2",   "ftp",   "sftp", "http", "https"};

enum sw_code sw_api_check_location(const char *location, struct sw_err *err)
{
    if (location == NULL || *location == '\0')
        return SW_OK;
    size_t len = strcspn(location, ":");
    if (strlen(location) > LOCATION_MOST)
        return sw_err_set(err, SW_INVALID,
                          "Invalid artifact path length. The length of the artifact path cannot be "
                          "greater than %d",
                          LOCATION_MOST);
    if (strpbrk(location, "?#") != NULL)
        return sw_err_set(err, SW_INVALID, "'artifact_location' URL can't include fragments or params.");
    if (strchr(location, '\\') != NULL || strstr(location, "..") != NULL)
        return sw_err_set(err, SW_INVALID, "Invalid artifact location: '%.160s'", location);
    for (size_t i = 0; i < sizeof remote_schemes / sizeof *remote_schemes && location[len] == ':'; i++)
        if (strlen(remote_schemes[i]) == len && strncasecmp(location, remote_schemes[i], len) == 0)
            return SW_OK;
    (void)sw_err_set(err, SW_INVALID, "Invalid artifact location: '%.160s'", location);
    return sw_err_hint(err, "leave it out and the store keeps the artifacts, or name a remote place such as s3://");
}
