// SPDX-License-Identifier: Apache-2.0
// Who may call: the rules that every request meets before its body is read and before its handler is chosen. Pure: facts in,
// verdict out, so that each rule is tested without a socket. http.c gathers the facts and sends the verdict.
//
// In order: the peer of a Unix socket is this user; Host names this server (DNS rebinding); Origin, when there is one, is this
// server's own (cross-site requests); the token, unless the route is open; Content-Type, where a JSON body is due. On TCP the
// peer's user is not asked: a caller with the token may well be root in a container, one without it gets nothing anyway.
#ifndef SW_SERVE_GUARD_PRIVATE_H
#define SW_SERVE_GUARD_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// How often a wrong token may come before its sender is hung up on: this many at once, one more each second.
#define SW_GUARD_FAILURES 20

// What a server accepts. Made once at start with the first five set, the rest zero; one thread asks (the failures are counted).
struct sw_guard {
    const char *token;                // never empty
    const char *address;              // listened on, as a Host header spells it without the port; NULL = loopback only
    const char *const *allowed_hosts; // "name" (any port) or "name:port"; NULL-terminated; NULL = none
    bool is_tls;
    uid_t uid; // whose server this is
    int64_t failures_milli, failures_at_ms;
};

// One request. Header texts are NULL when absent; all borrowed for the call.
struct sw_guard_facts {
    const char *host, *origin, *authorization, *content_type;
    bool is_unix;       // came over a Unix socket: Host and Origin mean nothing there
    bool knows_peer;    // `peer_uid` is from SO_PEERCRED; a Unix peer that is not known is refused
    uid_t peer_uid;     //
    bool is_open_route; // SW_CALL_OPEN: no token asked
    bool takes_json;    // a POST or PUT whose body is JSON
    int64_t now_ms;     // monotonic
};

// `status` 0 lets the request through. Otherwise the error to send, as {"error_code", "message"}; texts are static.
struct sw_guard_verdict {
    int status;
    const char *error_code, *message;
    bool asks_token; // with "WWW-Authenticate: Basic realm=\"mlflow\""
    bool hangs_up;   // the connection is closed after the answer
};
struct sw_guard_verdict sw_guard_check(struct sw_guard *g, const struct sw_guard_facts *f);

// The rules alone.
bool sw_guard_host_is_own(const struct sw_guard *g, const char *host);
// `host` is the request's own, already accepted.
bool sw_guard_origin_is_own(const struct sw_guard *g, const char *host, const char *origin);
// "Bearer TOKEN", or "Basic" with any user and the token as password. Compares in constant time.
bool sw_guard_token_is_right(const char *token, const char *authorization);

#endif
