// SPDX-License-Identifier: Apache-2.0
// Which server runs for a store: a small file in the state folder ("serve-DIGEST.json", 0600, one for each store), so
// that screens and doctor can say where scripts may log to. It says nothing about the servers inside jobs. A file whose
// process has ended (pid + start time) counts as absent; of two servers for one store the one started last is named.
#ifndef SW_SERVE_STATUS_H
#define SW_SERVE_STATUS_H

#include <stdint.h>

#include "core/base/err.h"

#define SW_SERVE_ADDRESS   256 // a host's name or address
#define SW_SERVE_UNIX_PATH 108 // of struct sockaddr_un

// Zero-initialise. Either `unix_path` or `address` and `port` are set.
struct sw_serve_status {
    int64_t pid, start_ticks, started_ms; // filled by sw_serve_announce()
    char address[SW_SERVE_ADDRESS];       // as it is to be connected to: "127.0.0.1", "::1", a name
    int port;
    char unix_path[SW_SERVE_UNIX_PATH];
    bool is_tls;
};

// Tells that this process serves the store. SW_NO_SPACE, SW_IO.
enum sw_code sw_serve_announce(const char *store_dir, const struct sw_serve_status *status, struct sw_err *err);
// Takes it back; nothing happens when another process has announced itself since. What cannot be removed goes stale
// with the process.
void sw_serve_withdraw(const char *store_dir);
// The server of the store. SW_NOT_FOUND when none runs, SW_CORRUPT when the file is not understood, SW_IO.
enum sw_code sw_serve_find(const char *store_dir, struct sw_serve_status *out, struct sw_err *err);

// Where it listens: "http://127.0.0.1:5000", "https://[::1]:5000", "unix:/run/…/socket". Returns `dst`.
char *sw_serve_uri(const struct sw_serve_status *status, char *dst, size_t size);
// Asks it for GET /health; of a server with TLS only that it takes connections. SW_UNREACHABLE, SW_TIMEOUT.
enum sw_code sw_serve_ping(const struct sw_serve_status *status, int64_t timeout_ms, struct sw_err *err);

#endif
