// SPDX-License-Identifier: Apache-2.0
#include "core/serve/status.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/path.h"
#include "core/base/proc.h"
#include "core/base/tree.h"

enum { STATUS_MAX = 16 * 1024, REPLY_MAX = 4096 };

// "<state>/serve-DIGEST.json" of a store, however its folder is spelled.
static enum sw_code status_path(const char *store_dir, char out[static SW_PATH_MAX], struct sw_err *err)
{
    char hex[SW_SHA256_HEX], name[64];
    char *real = realpath(store_dir, NULL);
    if (real == NULL)
        return sw_err_errno(err, errno, "cannot resolve %s", store_dir);
    sw_sha256_hex(real, strlen(real), hex);
    free(real);
    snprintf(name, sizeof name, "serve-%.16s.json", hex);
    enum sw_code code = sw_path_place(SW_PLACE_STATE, out, err);
    return code == SW_OK ? sw_path_join(out, out, name, err) : code;
}

enum sw_code sw_serve_announce(const char *store_dir, const struct sw_serve_status *status, struct sw_err *err)
{
    char path[SW_PATH_MAX], folder[SW_PATH_MAX];
    struct sw_buf text;
    int64_t ticks = 0;
    json_t *tree = NULL;
    sw_buf_init(&text, STATUS_MAX);
    enum sw_code code = status_path(store_dir, path, err);
    if (code == SW_OK)
        code = sw_path_place(SW_PLACE_STATE, folder, err);
    if (code == SW_OK)
        code = sw_path_make_dirs(folder, err);
    if (code == SW_OK)
        code = sw_proc_start_ticks(getpid(), &ticks, err);
    if (code != SW_OK)
        goto done;
    tree =
        json_pack("{s:I, s:I, s:I, s:s, s:s, s:i, s:s, s:b}", "pid", (json_int_t)getpid(), "start_ticks",
                  (json_int_t)ticks, "started_ms", (json_int_t)sw_clock_now_ms(), "store", store_dir, "address",
                  status->address, "port", status->port, "unix_path", status->unix_path, "is_tls", (int)status->is_tls);
    code = tree != NULL ? sw_json_write(tree, 2, &text, err)
                        : sw_err_set(err, SW_INVALID, "the server's place is not valid UTF-8");
    if (code == SW_OK)
        code = sw_file_write(path, text.data, text.len, err);
done:
    json_decref(tree);
    sw_buf_free(&text);
    return code;
}

static enum sw_code read_status(const char *path, struct sw_serve_status *out, struct sw_err *err)
{
    struct sw_buf text;
    json_t *tree = NULL;
    sw_buf_init(&text, STATUS_MAX);
    enum sw_code code = sw_file_read(path, &text, err);
    if (code == SW_OK) {
        code = sw_json_parse(text.data, text.len, path, &sw_tree_limits_default, &tree, err);
        if (code == SW_INVALID || code == SW_LIMIT)
            code = err->code = SW_CORRUPT;
    }
    if (code == SW_OK) {
        const char *address = sw_tree_text(tree, "address"), *unix_path = sw_tree_text(tree, "unix_path");
        *out = (struct sw_serve_status){
            .pid = sw_tree_int(tree, "pid", 0),
            .start_ticks = sw_tree_int(tree, "start_ticks", 0),
            .started_ms = sw_tree_int(tree, "started_ms", 0),
            .port = (int)sw_tree_int(tree, "port", 0),
            .is_tls = sw_tree_bool(tree, "is_tls", false),
        };
        snprintf(out->address, sizeof out->address, "%s", address != NULL ? address : "");
        snprintf(out->unix_path, sizeof out->unix_path, "%s", unix_path != NULL ? unix_path : "");
    }
    json_decref(tree);
    sw_buf_free(&text);
    return code;
}

enum sw_code sw_serve_find(const char *store_dir, struct sw_serve_status *out, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    struct sw_serve_status found = {0};
    enum sw_code code = status_path(store_dir, path, err);
    if (code == SW_OK)
        code = read_status(path, &found, err);
    if (code == SW_OK && !sw_proc_is_alive((pid_t)found.pid, found.start_ticks))
        code = SW_NOT_FOUND;
    if (code == SW_NOT_FOUND)
        return sw_err_set(err, SW_NOT_FOUND, "no server runs for the store %s", store_dir);
    if (code == SW_OK)
        *out = found;
    return code;
}

void sw_serve_withdraw(const char *store_dir)
{
    char path[SW_PATH_MAX];
    struct sw_serve_status found = {0};
    struct sw_err err = {0};
    if (status_path(store_dir, path, &err) == SW_OK && read_status(path, &found, &err) == SW_OK &&
        found.pid == getpid())
        unlink(path);
}

char *sw_serve_uri(const struct sw_serve_status *status, char *dst, size_t size)
{
    bool is_v6 = strchr(status->address, ':') != NULL;
    if (status->unix_path[0] != '\0')
        snprintf(dst, size, "unix:%s", status->unix_path);
    else
        snprintf(dst, size, "%s://%s%s%s:%d", status->is_tls ? "https" : "http", is_v6 ? "[" : "", status->address,
                 is_v6 ? "]" : "", status->port);
    return dst;
}

// --- is it there? ---

// A connection whose every wait ends after `timeout_ms`.
static int connect_within(const struct sockaddr *address, socklen_t len, int64_t timeout_ms)
{
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 && connect(fd, address, len) == 0)
        return fd;
    int errnum = errno == EINPROGRESS ? ETIMEDOUT : errno;
    close(fd);
    errno = errnum;
    return -1;
}

static int connect_status(const struct sw_serve_status *status, int64_t timeout_ms)
{
    if (status->unix_path[0] != '\0') {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        snprintf(un.sun_path, sizeof un.sun_path, "%s", status->unix_path);
        return connect_within((struct sockaddr *)&un, sizeof un, timeout_ms);
    }
    char port[16];
    struct addrinfo *found = NULL, hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    snprintf(port, sizeof port, "%d", status->port);
    if (getaddrinfo(status->address, port, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next)
        fd = connect_within(at->ai_addr, at->ai_addrlen, timeout_ms);
    freeaddrinfo(found);
    return fd;
}

static enum sw_code ask_health(int fd, const struct sw_serve_status *status, const char *uri, struct sw_err *err)
{
    char text[REPLY_MAX];
    const char *host = status->unix_path[0] != '\0' ? "localhost" : strstr(uri, "://") + 3;
    int len = snprintf(text, sizeof text, "GET /health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
    ssize_t got = send(fd, text, (size_t)len, MSG_NOSIGNAL);
    if (got == len)
        got = recv(fd, text, sizeof text - 1, 0);
    if (got <= 0) {
        bool is_late = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        return sw_err_set(err, is_late ? SW_TIMEOUT : SW_UNREACHABLE, "%s takes connections but does not answer", uri);
    }
    text[got] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    if (strncmp(text, "HTTP/1.1 200", strlen("HTTP/1.1 200")) != 0)
        return sw_err_set(err, SW_UNREACHABLE, "%s answers GET /health with \"%.80s\"", uri, text);
    return SW_OK;
}

enum sw_code sw_serve_ping(const struct sw_serve_status *status, int64_t timeout_ms, struct sw_err *err)
{
    char uri[SW_SERVE_ADDRESS + 32];
    sw_serve_uri(status, uri, sizeof uri);
    int fd = connect_status(status, timeout_ms);
    if (fd < 0) {
        enum sw_code code = errno == ETIMEDOUT ? SW_TIMEOUT : SW_UNREACHABLE;
        char reason[128];
        return sw_err_set(err, code, "%s does not take connections: %s", uri, strerror_r(errno, reason, sizeof reason));
    }
    enum sw_code code = status->is_tls ? SW_OK : ask_health(fd, status, uri, err);
    close(fd);
    return code;
}
