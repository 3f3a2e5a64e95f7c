// SPDX-License-Identifier: Apache-2.0
// Deadlines of connections: libmicrohttpd only knows silence, so a client that sends a byte now and then would hold its
// connection for ever. Each connection says in what phase it is; a thread hangs up on those that take too long for it.
#ifndef SW_SERVE_WATCH_PRIVATE_H
#define SW_SERVE_WATCH_PRIVATE_H

#include <stdint.h>

#include "core/base/err.h"

enum sw_phase {
    SW_PHASE_FRESH, // connected, nothing asked yet
    SW_PHASE_IDLE,  // kept alive between calls
    SW_PHASE_HEAD,  // the request line came
    SW_PHASE_BODY,  // the head is complete
    SW_PHASE_WORK,  // ours: handler and reply; no deadline
};

struct sw_watch_conn;
struct sw_serve_watch;

enum sw_code sw_watch_start(struct sw_serve_watch **out, struct sw_err *err);
void sw_watch_stop(struct sw_serve_watch *w); // accepts NULL; after the last connection was removed
struct sw_watch_conn *sw_watch_add(struct sw_serve_watch *w, int fd); // NULL when out of memory
void sw_watch_remove(struct sw_watch_conn *c);                        // before its descriptor is closed; accepts NULL
void sw_watch_phase(struct sw_watch_conn *c, enum sw_phase phase);    // accepts NULL
void sw_watch_received(struct sw_watch_conn *c, size_t bytes); // of a body: buys time at the least rate asked for

#endif
