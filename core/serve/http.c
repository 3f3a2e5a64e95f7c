// SPDX-License-Identifier: Apache-2.0
// HTTP by libmicrohttpd: one thread, ours, runs its loop, reads requests, lets the guard look at them, collects bodies and
// sends replies. A complete call is suspended and handed to the workers, whose thread wakes the connection when the reply is
// there. The raw path is taken before the library decodes it (match.c decodes), and no body is read for a caller whom the
// guard refuses.
#include "core/serve/serve_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/serve/guard_private.h"
#include "core/serve/watch_private.h"

enum { CONNECTIONS_MAX = 512, HEAD_BYTES = 48 << 10, SILENCE_S = 300, BACKLOG = 256, WAIT_MS = 1000 };

// State of the HTTP side, one a server.
struct sw_http {
    struct sw_guard guard;
    struct sw_serve *serve;
    bool is_unix;
    pthread_t thread;
    bool has_thread;
    int end;  // an eventfd: written to end the thread
    int wake; // another: written after a connection was resumed
};

// A request under way; libmicrohttpd carries it from callback to callback.
struct request {
    struct sw_http *http;
    struct MHD_Connection *connection;
    struct sw_watch_conn *conn;
    struct sw_call *call;
    char *uri;       // raw, path and query
    size_t text_cap; // of call->text
    bool is_begun;   // the head was looked at
    bool is_refused; // the reply is an error that was made before the body was there
    bool hangs_up;   // after the reply
    bool asks_token;
    bool is_submitted; // the next time the connection wakes, the reply is there
};

// --- replies ---

static enum MHD_Result queue_reply(struct request *r)
{
    struct sw_call *c = r->call;
    struct MHD_Response *response;
    if (c->file >= 0) {
        response = MHD_create_response_from_fd_at_offset64((uint64_t)c->file_len, c->file, (uint64_t)c->file_offset);
        if (response != NULL)
            c->file = -1; // the response closes it
    } else {
        response = MHD_create_response_from_buffer(c->reply.len, c->reply.data, MHD_RESPMEM_PERSISTENT);
    }
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", c->content_type);
    MHD_add_response_header(response, "X-Content-Type-Options",
                            "nosniff"); // a browser may show an artifact, not run it
    for (size_t i = 0; i < sizeof c->headers / sizeof *c->headers && c->headers[i][0] != NULL; i++)
        MHD_add_response_header(response, c->headers[i][0], c->headers[i][1]);
    if (r->asks_token)
        MHD_add_response_header(response, "WWW-Authenticate", "Basic realm=\"mlflow\"");
    if (r->hangs_up)
        MHD_add_response_header(response, "Connection", "close");
    enum MHD_Result result = MHD_queue_response(r->connection, (unsigned)c->status, response);
    MHD_destroy_response(response);
    return result;
}

static void refuse(struct request *r, enum sw_code code, const struct sw_err *err)
{
    sw_call_finish(r->call, code, err);
    r->is_refused = true;
}

// --- the head ---

static const char *header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

static void ask_guard(struct request *r, bool is_open_route)
{
    struct sw_http *h = r->http;
    const struct sw_route *route = r->call->route;
    bool has_body = route != NULL && (route->method == SW_POST || route->method == SW_PATCH);
    struct sw_guard_facts facts = {
        .host = header(r, "Host"),
        .origin = header(r, "Origin"),
        .authorization = header(r, "Authorization"),
        .content_type = header(r, "Content-Type"),
        .is_unix = h->is_unix,
        .is_open_route = is_open_route,
        .takes_json = has_body && route->sink == NULL,
        .now_ms = sw_clock_mono_ms(),
    };
    if (h->is_unix) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct ucred peer;
        socklen_t size = sizeof peer;
        facts.knows_peer = info != NULL && getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
        facts.peer_uid = facts.knows_peer ? peer.uid : (uid_t)-1;
    }
    struct sw_guard_verdict verdict = sw_guard_check(&h->guard, &facts);
    if (verdict.status == 0)
        return;
    struct sw_err err = {0};
    r->call->status = verdict.status;
    r->call->error_code = verdict.error_code;
    r->asks_token = verdict.asks_token;
    r->hangs_up = verdict.hangs_up;
    refuse(r, sw_err_set(&err, SW_CREDENTIALS, "%s", verdict.message), &err);
}

static size_t body_limit(const struct sw_route *route)
{
    return route->max_body != 0 ? route->max_body : SW_CALL_BODY;
}

static void too_large(struct request *r)
{
    struct sw_err err = {0};
    r->call->status = MHD_HTTP_CONTENT_TOO_LARGE;
    r->call->error_code = "INVALID_PARAMETER_VALUE";
    r->hangs_up = true;
    refuse(r,
           sw_err_set(&err, SW_LIMIT, "the body is larger than the %zu bytes that %s takes", body_limit(r->call->route),
                      r->call->route->path),
           &err);
}

static void no_route(struct request *r, enum sw_code code, const struct sw_err *err)
{
    if (code == SW_NOT_FOUND) {
        r->call->status = 404;
        r->call->error_code = "ENDPOINT_NOT_FOUND";
    } else if (code == SW_UNSUPPORTED) {
        r->call->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        r->call->error_code = "ENDPOINT_NOT_FOUND";
    }
    refuse(r, code, err);
}

// The route is looked for before the guard is asked, since it says whether a token is due; an unknown path is told only to
// a caller with a token.
static void look_at_head(struct request *r, const char *method)
{
    struct sw_err err = {0};
    if (atomic_load(&r->http->serve->is_stopping)) { // the client asks again, then another server answers
        r->hangs_up = true;
        refuse(r, sw_err_set(&err, SW_CANCELLED, "the server is stopping"), &err);
        return;
    }
    size_t path_len = strcspn(r->uri, "?");
    const char *query = r->uri[path_len] == '?' ? r->uri + path_len + 1 : "";
    enum sw_code code = sw_route_find(r->call, method, r->uri, path_len, &err);
    ask_guard(r, code == SW_OK && (r->call->route->flags & SW_CALL_OPEN));
    if (r->is_refused)
        return;
    if (code != SW_OK) {
        no_route(r, code, &err);
        return;
    }
    code = sw_query_parse(query, &r->call->query, &err);
    const char *length = header(r, "Content-Length");
    if (code == SW_OK && r->call->route->sink == NULL && length != NULL &&
        strtoull(length, NULL, 10) > body_limit(r->call->route)) {
        too_large(r);
        return;
    }
    if (code == SW_OK && r->call->route->sink != NULL)
        code = sw_call_read(r->call, &err);
    if (code == SW_OK && r->call->route->sink != NULL) {
        r->call->authorization = header(r, "Authorization");
        r->call->host = header(r, "Host");
        code = r->call->route->sink->open(r->call, &err);
    }
    if (code != SW_OK)
        refuse(r, code, &err);
}

// --- the body ---

static enum sw_code collect(struct request *r, const char *bytes, size_t len, struct sw_err *err)
{
    struct sw_call *c = r->call;
    if (c->text_len + len + 1 > r->text_cap) {
        size_t cap = r->text_cap == 0 ? 4096 : r->text_cap * 2;
        while (cap < c->text_len + len + 1)
            cap *= 2;
        char *text = realloc(c->text, cap);
        if (text == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "no memory for a request");
        c->text = text;
        r->text_cap = cap;
    }
    memcpy(c->text + c->text_len, bytes, len);
    c->text_len += len;
    c->text[c->text_len] = '\0';
    return SW_OK;
}

static void take_body(struct request *r, const char *bytes, size_t len)
{
    struct sw_err err = {0};
    sw_watch_received(r->conn, len);
    if (r->is_refused)
        return; // read and dropped
    if (r->call->route->sink == NULL && r->call->text_len + len > body_limit(r->call->route)) {
        too_large(r);
        return;
    }
    enum sw_code code = r->call->route->sink != NULL ? r->call->route->sink->write(r->call, bytes, len, &err)
                                                     : collect(r, bytes, len, &err);
    if (code != SW_OK)
        refuse(r, code, &err);
}

// --- running ---

static void on_done(void *ctx, struct sw_call *c)
{
    struct request *r = ctx;
    int wake = r->http->wake; // once resumed, the request may end at any time
    (void)c;
    MHD_resume_connection(r->connection);
    (void)eventfd_write(wake, 1);
}

static enum MHD_Result run(struct request *r)
{
    struct sw_err err = {0};
    struct sw_call *c = r->call;
    c->authorization = header(r, "Authorization");
    c->host = header(r, "Host");
    c->range = header(r, "Range");
    c->if_range = header(r, "If-Range");
    enum sw_code code = c->route->sink == NULL ? sw_call_read(c, &err) : SW_OK;
    sw_watch_phase(r->conn, SW_PHASE_WORK);
    if (code != SW_OK) {
        refuse(r, code, &err);
        return queue_reply(r);
    }
    if (c->route->flags & SW_CALL_INLINE) {
        code = c->route->handle(c, &err);
        sw_call_finish(c, code, &err);
        return queue_reply(r);
    }
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    c->socket = info != NULL ? info->connect_fd : -1;
    r->is_submitted = true;
    MHD_suspend_connection(r->connection);
    sw_workers_submit(r->http->serve->workers, c, on_done, r);
    return MHD_YES;
}

// --- libmicrohttpd's callbacks ---

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct sw_http *h = cls;
    struct sw_err err = {0};
    struct request *r = calloc(1, sizeof *r);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (r == NULL)
        return NULL;
    r->http = h;
    r->connection = connection;
    r->conn = info != NULL ? info->socket_context : NULL;
    r->uri = strdup(uri);
    atomic_fetch_add(&h->serve->active, 1);
    sw_watch_phase(r->conn, SW_PHASE_HEAD);
    if (r->uri != NULL && sw_call_new(h->serve, &r->call, &err) == SW_OK)
        return r;
    atomic_fetch_sub(&h->serve->active, 1);
    free(r->uri);
    free(r);
    return NULL;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *bytes, size_t *len, void **state)
{
    struct request *r = *state;
    (void)cls, (void)connection, (void)url, (void)version;
    if (r == NULL)
        return MHD_NO;
    if (!r->is_begun) {
        r->is_begun = true;
        sw_watch_phase(r->conn, SW_PHASE_BODY);
        look_at_head(r, method);
        return r->is_refused ? queue_reply(r) : MHD_YES;
    }
    if (*len > 0) {
        take_body(r, bytes, *len);
        *len = 0;
        return MHD_YES;
    }
    if (r->is_refused || r->is_submitted)
        return queue_reply(r);
    return run(r);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode how)
{
    struct request *r = *state;
    (void)cls, (void)connection, (void)how;
    if (r == NULL)
        return;
    sw_watch_phase(r->conn, SW_PHASE_IDLE);
    atomic_fetch_sub(&r->http->serve->active, 1);
    sw_call_free(r->call);
    free(r->uri);
    free(r);
    *state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct sw_http *h = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        *socket_context = info != NULL ? sw_watch_add(h->serve->watch, info->connect_fd) : NULL;
    } else {
        sw_watch_remove(*socket_context);
        *socket_context = NULL;
    }
}

static void drop_log(void *cls, const char *format, va_list ap)
{
    (void)cls, (void)format, (void)ap; // what it says is about single clients, who hear of it themselves
}

// --- listening ---

static enum sw_code listen_unix(struct sw_serve *s, int *out, struct sw_err *err)
{
    const char *path = s->unix_path;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return sw_err_set(err, SW_INVALID, "the socket's path %s is longer than %zu bytes", path,
                          sizeof address.sun_path - 1);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return sw_err_errno(err, errno, "making a socket");
    struct stat st;
    bool is_old_socket = lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
    if (is_old_socket && connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        close(fd);
        return sw_err_set(err, SW_BUSY, "another server listens at %s", path);
    }
    if (is_old_socket)
        unlink(path);
    mode_t mask = umask(0177);
    int failure = bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, BACKLOG) == 0 ? 0 : errno;
    umask(mask);
    if (failure != 0) {
        close(fd);
        return sw_err_errno(err, failure, "listening at %s", path);
    }
    s->owns_socket = true;
    *out = fd;
    return SW_OK;
}

static enum sw_code listen_tcp(struct sw_serve *s, int port, int *out, struct sw_err *err)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;
    socklen_t size = sizeof *v4;
    int on = 1;
    if (inet_pton(AF_INET, s->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
    } else if (inet_pton(AF_INET6, s->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        size = sizeof *v6;
    } else {
        return sw_err_set(err, SW_INVALID, "'%s' is no IPv4 or IPv6 address", s->address);
    }
    int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return sw_err_errno(err, errno, "making a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int failure = bind(fd, (struct sockaddr *)&storage, size) == 0 && listen(fd, BACKLOG) == 0 &&
                          getsockname(fd, (struct sockaddr *)&storage, &size) == 0
                      ? 0
                      : errno;
    if (failure == EADDRINUSE) {
        close(fd);
        (void)sw_err_set(err, SW_BUSY, "port %d of %s is taken", port, s->address);
        return sw_err_hint(err, "name another with --port, or 0 for any free one");
    }
    if (failure != 0) {
        close(fd);
        return sw_err_errno(err, failure, "listening at %s port %d", s->address, port);
    }
    s->port = ntohs(storage.ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    *out = fd;
    return SW_OK;
}

static struct MHD_Daemon *start_daemon(struct sw_http *h, int fd, const struct sw_serve_config *config)
{
    unsigned flags = MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)config->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)config->key},
        {MHD_OPTION_END, 0, NULL},
    };
    if (config->certificate != NULL)
        flags |= MHD_USE_TLS;
    else
        tls[0] = tls[2];
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)SILENCE_S,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static bool is_full(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
    return info != NULL && info->num_connections >= CONNECTIONS_MAX;
}

// The library's own thread (0.9.75) waits once more when exactly 128, 256, ... events came at once, before it looks at them:
// 512 connections hung up together stalled the server for minutes. So the waiting is done here, and MHD_run() never waits.
// MHD_run() looks for resumed connections first and empties its own signal of them later: what is resumed in between would
// wait for the next event, hence a signal of ours. It is written after a resume and emptied before a run, so none is missed.
// A run drops the listening socket while all connections are taken, and only the run after one has gone takes it up again.
static void *http_main(void *ctx)
{
    struct sw_http *h = ctx;
    struct MHD_Daemon *daemon = h->serve->daemon;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[] = {
        {.fd = h->end, .events = POLLIN}, {.fd = h->wake, .events = POLLIN}, {.fd = info->epoll_fd, .events = POLLIN}};
    eventfd_t resumed;
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    // Promised to the library, which sends files by sendfile() only then.
    (void)pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
    while (fds[0].revents == 0) {
        MHD_UNSIGNED_LONG_LONG ms = WAIT_MS;
        if (MHD_get_timeout(daemon, &ms) != MHD_YES || ms > WAIT_MS)
            ms = WAIT_MS;
        (void)poll(fds, sizeof fds / sizeof *fds, (int)ms);
        (void)eventfd_read(h->wake, &resumed);
        bool was_full = is_full(daemon);
        MHD_run(daemon);
        if (was_full)
            MHD_run(daemon);
    }
    return NULL;
}

static enum sw_code start_thread(struct sw_http *h, struct sw_err *err)
{
    h->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int failure = h->end < 0 || h->wake < 0 ? errno : pthread_create(&h->thread, NULL, http_main, h);
    h->has_thread = failure == 0;
    return failure == 0 ? SW_OK : sw_err_errno(err, failure, "starting the HTTP thread");
}

enum sw_code sw_http_start(struct sw_serve *s, const struct sw_serve_config *config, struct sw_err *err)
{
    struct sw_http *h = calloc(1, sizeof *h);
    int fd = -1;
    if (h == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the server");
    *h = (struct sw_http){.serve = s, .is_unix = config->unix_path != NULL, .end = -1, .wake = -1};
    h->guard = (struct sw_guard){.token = s->token,
                                 .address = s->address,
                                 .allowed_hosts = (const char *const *)s->allowed_hosts,
                                 .is_tls = config->certificate != NULL,
                                 .uid = geteuid()};
    s->http = h;
    enum sw_code code = h->is_unix ? listen_unix(s, &fd, err) : listen_tcp(s, config->port, &fd, err);
    if (code != SW_OK)
        return code;
    s->daemon = start_daemon(h, fd, config);
    if (s->daemon != NULL)
        return start_thread(h, err);
    close(fd);
    (void)sw_err_set(err, SW_FAILED, "the HTTP server does not start");
    return config->certificate != NULL ? sw_err_hint(err, "check that certificate and key are PEM and belong together")
                                       : SW_FAILED;
}

void sw_http_stop(struct sw_serve *s)
{
    struct sw_http *h = s->http;
    if (h != NULL && h->has_thread) {
        (void)eventfd_write(h->end, 1);
        pthread_join(h->thread, NULL);
    }
    if (h != NULL && h->end >= 0)
        close(h->end);
    if (h != NULL && h->wake >= 0)
        close(h->wake);
    if (s->daemon != NULL)
        MHD_stop_daemon(s->daemon);
    s->daemon = NULL;
    free(h);
    s->http = NULL;
}
