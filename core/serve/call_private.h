// SPDX-License-Identifier: Apache-2.0
// A call of the API as its handler sees it, and the table of routes. http.c makes a call from a connection, workers.c runs
// it on a thread with a store, the handler reads its parameters and writes its reply here, http.c sends it.
//
// To add a route: a row in routes.c, its parameters there, and a handler
//     static enum sw_code get_run(struct sw_call *c, struct sw_err *err)
// that writes members into c->out (the reply's outermost object is open) or returns an error, which becomes
// {"error_code", "message"} with the status of the table in call.c. A handler of a SW_CALL_WRITES route runs inside a
// transaction as one step: what it wrote is undone when it fails.
#ifndef SW_SERVE_CALL_PRIVATE_H
#define SW_SERVE_CALL_PRIVATE_H

#include <jansson.h>

#include "core/base/arena.h"
#include "core/base/json_out.h"
#include "core/serve/serve.h"
#include "core/store/experiment.h"

enum sw_call_method { SW_GET, SW_POST, SW_PUT, SW_PATCH, SW_DELETE, SW_ANY };

enum {
    SW_CALL_WRITES = 1,     // runs on the writer's thread, in a transaction of NORMAL durability
    SW_CALL_FULL = 2,       // with SW_CALL_WRITES: of FULL durability (the registry)
    SW_CALL_INLINE = 4,     // needs no store: answered on the HTTP thread
    SW_CALL_OPEN = 8,       // answers without a token: /health and /version only
    SW_CALL_AJAX_ONLY = 16, // under /ajax-api alone
    SW_CALL_PLAIN = 32,     // the path is whole, without /api/2.0 before it
    SW_CALL_REFUSED = 64,   // part of the client's protocol that is not offered; `handle` says so as the client expects
};

// A parameter that a request may have. Types are checked before the handler runs, with MLflow's messages.
enum sw_param_type { SW_PARAM_TEXT, SW_PARAM_INT, SW_PARAM_REAL, SW_PARAM_BOOL, SW_PARAM_ARRAY, SW_PARAM_OBJECT };
struct sw_call_param {
    const char *name;
    enum sw_param_type type;
    bool required;
};

struct sw_call;

// A body taken as it arrives, for uploads. All on the HTTP thread; must not wait for anything but the disk.
struct sw_call_sink {
    enum sw_code (*open)(struct sw_call *c, struct sw_err *err); // after the guard; keeps its state in c->sink_state
    enum sw_code (*write)(struct sw_call *c, const void *bytes, size_t len, struct sw_err *err);
    void (*drop)(struct sw_call *c); // the call ends without its handler having run; frees the state
};

struct sw_route {
    enum sw_call_method method;
    const char *
        path; // "/mlflow/runs/get", parts in braces are arguments; "{path...}" at the end takes the rest, which may be empty
    unsigned flags;
    size_t max_body; // bytes; 0 = SW_CALL_BODY
    const struct sw_call_param *params;
    size_t param_count;
    enum sw_code (*handle)(struct sw_call *c, struct sw_err *err);
    // Reads c->text itself, on the HTTP thread, instead of the tree in c->body (a batch of metrics); keeps what it made in
    // c->parsed. NULL = the body becomes c->body and its parameters are checked.
    enum sw_code (*parse)(struct sw_call *c, struct sw_err *err);
    const struct sw_call_sink *sink; // NULL = the body is collected
    const char *summary;             // for the reference page
};
extern const struct sw_route sw_routes[];
extern const size_t sw_route_count;

// Ends MLflow's messages about parameters.
#define SW_CALL_SEE_DOCS " See the API docs for more information about request parameters."

#define SW_CALL_ARGS   3
#define SW_CALL_BODY   (1 << 20)  // of a route that names no limit
#define SW_CALL_MEMORY (1u << 30) // that one call may take for its reply

struct sw_call {
    const struct sw_route *route;
    struct sw_serve *serve;
    struct sw_store *store;   // of the thread that runs the handler
    struct sw_arena *arena;   // freed with the call
    char *args[SW_CALL_ARGS]; // texts of the path's arguments, decoded
    json_t *body;             // an object: the JSON body, or the query's parameters as texts (arrays when repeated)
    json_t *query;            // the query's parameters, also where there is a JSON body
    // Headers, NULL when absent; borrowed while the connection waits.
    const char *host, *authorization, *range, *if_range;
    char *text; // the body's bytes, NUL-terminated; may be changed in place
    size_t text_len;
    int socket; // of the caller, to see whether it is still there; -1 = unknown
    void *sink_state;
    void *parsed;

    // the reply
    int status; // 200 unless the handler says otherwise
    struct sw_buf reply;
    struct sw_json_out out;
    const char *content_type;  // "application/json" unless the handler says otherwise
    const char *headers[8][2]; // further ones; name NULL ends the list. Borrow from the arena
    int file;                  // descriptor sent instead of `reply`; -1 = none. Closed with the call
    int64_t file_offset, file_len;
    const char *error_code; // MLflow's word, when not the one that the sw_code stands for
};

// --- what handlers read (call.c). Fields were checked; these convert and default. ---
const char *sw_call_text(const struct sw_call *c, const char *name); // NULL when absent; numbers and booleans as text
int64_t sw_call_int(const struct sw_call *c, const char *name, int64_t otherwise); // also from a text of digits
bool sw_call_bool(const struct sw_call *c, const char *name, bool otherwise);
bool sw_call_has(const struct sw_call *c, const char *name);
// The texts of a repeated field: an array, or a single value. *out is NULL-terminated, in the arena.
enum sw_code sw_call_texts(struct sw_call *c, const char *name, const char ***out, size_t *count, struct sw_err *err);
// Members of an object within an array of the body, converted likewise.
const char *sw_call_member_text(struct sw_call *c, const json_t *object, const char *name);
int64_t sw_call_member_int(const json_t *object, const char *name, int64_t otherwise);
// [{"key", "value"}] of the body as pairs in the arena; `what` is the field's name in MLflow's messages.
enum sw_code sw_call_pairs(struct sw_call *c, const char *what, struct sw_pair **out, size_t *count,
                           struct sw_err *err);
// "max_results" within [1, most], `otherwise` when absent; SW_INVALID with MLflow's message.
enum sw_code sw_call_page_size(const struct sw_call *c, int64_t otherwise, int64_t most, int64_t *out,
                               struct sw_err *err);
// "page_token" of an offset; SW_INVALID for one that is not ours. The token of the next page goes into the reply as
// "next_page_token".
enum sw_code sw_call_page_offset(const struct sw_call *c, int64_t *offset, struct sw_err *err);
void sw_call_put_next_page(struct sw_call *c, int64_t offset);
// "experiment_id" as a number. SW_NOT_FOUND with MLflow's message for what is none.
enum sw_code sw_call_experiment_id(const char *text, int64_t *out, struct sw_err *err);
// "filter" and "order_by" of the body as a tree and orders, in the arena. SW_INVALID.
enum sw_code sw_call_search(struct sw_call *c, enum sw_subject subject, const struct sw_query **where,
                            struct sw_query_order **order, size_t *order_count, struct sw_err *err);
// SW_INVALID as MLflow says "Missing value for required parameter 'NAME'...".
enum sw_code sw_call_missing(const char *name, struct sw_err *err);
enum sw_code sw_call_invalid(const char *name, const char *value, const char *why, struct sw_err *err);

// --- what handlers write ---
// A reply that is no JSON object: `text` as it is.
void sw_call_put_plain(struct sw_call *c, const char *content_type, const char *text);
void sw_call_put_pairs(struct sw_call *c, const char *name, const struct sw_pair *pairs, size_t count);
void sw_call_header(struct sw_call *c, const char *name, const char *value);

// --- of the server ---
const char *sw_serve_scheme(const struct sw_serve *s);  // "http" or "https" of its URLs; NULL over a Unix socket
int sw_serve_artifact_root(const struct sw_serve *s);   // descriptor of "<store>/artifacts", for openat2(); borrow
const char *sw_serve_own_run(const struct sw_serve *s); // NULL = none
void sw_serve_tell_metric(const struct sw_serve *s, const char *run_id, const char *key);

#endif
