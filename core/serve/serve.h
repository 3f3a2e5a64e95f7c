// SPDX-License-Identifier: Apache-2.0
// The tracking server: MLflow's REST API over a store, for `slipway serve` and inside every job's supervisor. It runs on
// threads of its own (one that talks HTTP, a few that read, one that writes) and opens its own connections to the store,
// so any program with an open store of its own may start one. See README.md for how a call travels.
#ifndef SW_SERVE_SERVE_H
#define SW_SERVE_SERVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/path.h"

#define SW_SERVE_TOKEN 65 // 64 hex digits and NUL

struct sw_serve;

// What a job's supervisor wants to hear. Called on the writer's thread once the points of a batch were written.
struct sw_serve_hooks {
    void (*on_metric)(void *ctx, const char *run_id, const char *key); // a key of a logged batch, once for each
    void *ctx;
};

// Zero-initialise; all pointers are borrowed for the call of sw_serve_start().
struct sw_serve_config {
    const char *store_dir;            // must exist
    const char *address;              // "127.0.0.1" when NULL; any other than loopback needs a certificate
    int port;                         // 0 = any free one
    const char *unix_path;            // instead of an address: a socket, 0600, for processes of this user only
    const char *token;                // what a caller must show
    const char *certificate, *key;    // PEM text (not file names); NULL = no TLS
    const char *const *allowed_hosts; // further names that a Host header may give; NULL-terminated; NULL = none
    const char *own_run_id;           // of the job that this server belongs to; NULL = none
    int readers;                      // threads, 0 = 2
    struct sw_serve_hooks hooks;
};

// Listens when it returns. SW_BUSY the address is taken, SW_INVALID, SW_NO_STORE, SW_IO.
enum sw_code sw_serve_start(const struct sw_serve_config *config, struct sw_serve **out /* take */, struct sw_err *err);
int sw_serve_port(const struct sw_serve *s); // 0 for a Unix socket
// Refuses new calls, finishes those under way (at most `grace_ms`), ends the threads. Accepts NULL.
void sw_serve_stop(struct sw_serve *s, int64_t grace_ms);

// The user's token in the state folder ("$XDG_STATE_HOME/slipway/token", 0600), made at the first call, also when several
// processes ask at once. SW_CREDENTIALS when others may read the file.
enum sw_code sw_serve_token(char out[static SW_SERVE_TOKEN], struct sw_err *err);
enum sw_code sw_serve_token_path(char out[static SW_PATH_MAX], struct sw_err *err);
enum sw_code sw_serve_token_make(char out[static SW_SERVE_TOKEN], struct sw_err *err); // another, kept nowhere

#endif
