// SPDX-License-Identifier: Apache-2.0
// What the files of the server share: its state, how a path finds its route (match.c), how a call becomes a reply
// (call.c), who runs it (workers.c) and who talks HTTP (http.c).
#ifndef SW_SERVE_PRIVATE_H
#define SW_SERVE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/path.h"
#include "core/serve/call_private.h"
#include "core/store/run.h"

struct MHD_Daemon;
struct sw_http;
struct sw_serve_watch;

struct sw_serve {
    char store_dir[SW_PATH_MAX], unix_path[SW_PATH_MAX];
    char address[64];
    char token[SW_SERVE_TOKEN];
    char own_run[SW_RUN_ID];
    char **allowed_hosts; // NULL-terminated
    struct sw_serve_hooks hooks;
    int artifact_root;
    int port;
    bool is_tls;
    struct sw_serve_workers *workers;
    struct MHD_Daemon *daemon;
    struct sw_http *http;
    struct sw_serve_watch *watch;
    _Atomic int active;           // requests between their first line and their reply's last byte
    _Atomic bool is_stopping;     // no new requests
    _Atomic bool is_over;         // the time for finishing calls is over: what still waits for the store is given up
    bool owns_socket;             // unix_path was made by this server
    _Atomic bool is_run_taken_up; // a script has started the job's own run: it stays in its experiment
    _Atomic int64_t resolved_experiment; // the last one that a caller looked up, for the job's own run; -1 = none
};

// --- match.c ---
const char *sw_route_method(enum sw_call_method method); // "GET"
// Finds the route of a method and a raw (still encoded) path; `c` gets route and args. SW_NOT_FOUND: no such path;
// SW_UNSUPPORTED: the path has other methods; SW_INVALID: a malformed escape, a NUL, too many parts.
enum sw_code sw_route_find(struct sw_call *c, const char *method, const char *path, size_t path_len,
                           struct sw_err *err);
// "a=1&b=2" into an object of texts, arrays where a name comes again. SW_INVALID.
enum sw_code sw_query_parse(const char *query, json_t **out /* take */, struct sw_err *err);
// Percent-decoded text in the arena; '+' is a space with `is_query`. NULL for what is malformed or holds a NUL.
char *sw_percent_decode(struct sw_arena *a, const char *text, size_t len, bool is_query);

// --- call.c ---
enum sw_code sw_call_new(struct sw_serve *s, struct sw_call **out, struct sw_err *err);
void sw_call_free(struct sw_call *c); // accepts NULL; drops an unfinished sink
// Reads c->text (or c->query) into c->body and checks the route's parameters, or lets the route read it.
enum sw_code sw_call_read(struct sw_call *c, struct sw_err *err);
// Empties the reply for another try.
void sw_call_reset(struct sw_call *c);
// Makes the reply whole: closes the object, or puts the error in its place.
void sw_call_finish(struct sw_call *c, enum sw_code code, const struct sw_err *err);

// --- workers.c ---
struct sw_serve_workers;
typedef void (*sw_call_done)(void *ctx, struct sw_call *c); // on the thread that ran it; the reply is finished
enum sw_code sw_workers_start(struct sw_serve *s, int readers, struct sw_serve_workers **out, struct sw_err *err);
void sw_workers_submit(struct sw_serve_workers *w, struct sw_call *c, sw_call_done done, void *ctx);
// Runs what is queued, then ends the threads; calls that are submitted later are refused. Accepts NULL.
void sw_workers_stop(struct sw_serve_workers *w);
void sw_workers_free(struct sw_serve_workers *w); // after sw_workers_stop(); accepts NULL

// --- http.c ---
enum sw_code sw_http_start(struct sw_serve *s, const struct sw_serve_config *config, struct sw_err *err);
void sw_http_stop(struct sw_serve *s); // after the workers: every call has its reply

#endif
