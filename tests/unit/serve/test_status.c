// SPDX-License-Identifier: Apache-2.0
// The file that tells which server runs for a store, and the look whether it answers.
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/file.h"
#include "core/base/path.h"
#include "core/serve/status.h"

static char home[] = "/tmp/sw-status-XXXXXX";
static char store[64], other[64];

static int make_home(void **state)
{
    (void)state;
    struct sw_err err = {0};
    if (mkdtemp(home) == NULL)
        return -1;
    snprintf(store, sizeof store, "%s/store", home);
    snprintf(other, sizeof other, "%s/other", home);
    setenv("XDG_STATE_HOME", home, 1);
    return sw_path_make_dirs(store, &err) || sw_path_make_dirs(other, &err);
}

static int remove_home(void **state)
{
    (void)state;
    struct sw_err err = {0};
    return (int)sw_path_remove_tree(home, &err);
}

static const struct sw_serve_status plain = {.address = "127.0.0.1", .port = 5000};

static void nothing_runs(void **state)
{
    (void)state;
    struct sw_serve_status found;
    struct sw_err err = {0};
    assert_int_equal(sw_serve_find(store, &found, &err), SW_NOT_FOUND);
    assert_non_null(strstr(err.message, "no server runs"));
    sw_serve_withdraw(store); // nothing to take back
}

static void announced_is_found_by_its_store(void **state)
{
    (void)state;
    struct sw_serve_status found;
    struct sw_err err = {0};
    char spelled[128];
    assert_int_equal(sw_serve_announce(store, &plain, &err), SW_OK);
    snprintf(spelled, sizeof spelled, "%s/./../store/", store);
    assert_int_equal(sw_serve_find(spelled, &found, &err), SW_OK);
    assert_int_equal(found.pid, getpid());
    assert_int_equal(found.port, 5000);
    assert_string_equal(found.address, "127.0.0.1");
    assert_int_equal(sw_serve_find(other, &found, &err), SW_NOT_FOUND);
    sw_serve_withdraw(store);
    assert_int_equal(sw_serve_find(store, &found, &err), SW_NOT_FOUND);
}

static enum sw_code count_status(void *ctx, const char *relative, int64_t size_bytes, struct sw_err *err)
{
    (void)size_bytes, (void)err;
    struct stat st;
    char path[512];
    snprintf(path, sizeof path, "%s/%s", home, relative);
    if (strstr(relative, "serve-") != NULL && stat(path, &st) == 0 && (st.st_mode & 07777) == 0600)
        ++*(int *)ctx;
    return SW_OK;
}

static void the_file_is_private(void **state)
{
    (void)state;
    struct sw_err err = {0};
    int count = 0;
    assert_int_equal(sw_serve_announce(store, &plain, &err), SW_OK);
    assert_int_equal(sw_file_walk(home, 100, count_status, &count, &err), SW_OK);
    assert_int_equal(count, 1);
    sw_serve_withdraw(store);
}

static void an_ended_process_counts_as_absent(void **state)
{
    (void)state;
    struct sw_serve_status found;
    struct sw_err err = {0};
    pid_t child = fork();
    if (child == 0)
        _exit(sw_serve_announce(store, &plain, &err));
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(sw_serve_find(store, &found, &err), SW_NOT_FOUND);
    sw_serve_withdraw(store); // another's: stays, and stays stale
    assert_int_equal(sw_serve_announce(store, &plain, &err), SW_OK);
    assert_int_equal(sw_serve_find(store, &found, &err), SW_OK);
    sw_serve_withdraw(store);
}

static void places_are_written_as_uris(void **state)
{
    (void)state;
    char text[300];
    static const struct {
        struct sw_serve_status status;
        const char *uri;
    } cases[] = {
        {{.address = "127.0.0.1", .port = 5000}, "http://127.0.0.1:5000"},
        {{.address = "::1", .port = 80}, "http://[::1]:80"},
        {{.address = "gpu.example", .port = 443, .is_tls = true}, "https://gpu.example:443"},
        {{.unix_path = "/run/s"}, "unix:/run/s"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(sw_serve_uri(&cases[i].status, text, sizeof text), cases[i].uri);
}

// A server for one connection that says `reply`, in a child; returns its port.
static int serve_once(const char *reply, pid_t *child)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *child = fork();
    if (*child == 0) {
        char request[1024];
        int peer = accept(fd, NULL, NULL);
        ssize_t got = recv(peer, request, sizeof request - 1, 0);
        request[got > 0 ? got : 0] = '\0';
        bool is_asked = strncmp(request, "GET /health ", 12) == 0 && strstr(request, "\r\nHost: 127.0.0.1:") != NULL;
        send(peer, reply, strlen(reply), MSG_NOSIGNAL);
        _exit(is_asked ? 0 : 1);
    }
    close(fd);
    return ntohs(at.sin_port);
}

static void a_ping_asks_for_health(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        enum sw_code code;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nOK", SW_OK}, {"HTTP/1.1 403 Forbidden\r\n\r\n", SW_UNREACHABLE}, {"", SW_UNREACHABLE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sw_err err = {0};
        pid_t child;
        int status = -1;
        struct sw_serve_status at = {.address = "127.0.0.1", .port = serve_once(cases[i].reply, &child)};
        assert_int_equal(sw_serve_ping(&at, 20000, &err), cases[i].code);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(sw_serve_ping(&at, 20000, &err), SW_UNREACHABLE); // it is gone
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_runs),
        cmocka_unit_test(announced_is_found_by_its_store),
        cmocka_unit_test(the_file_is_private),
        cmocka_unit_test(an_ended_process_counts_as_absent),
        cmocka_unit_test(places_are_written_as_uris),
        cmocka_unit_test(a_ping_asks_for_health),
    };
    return cmocka_run_group_tests_name("serve status", tests, make_home, remove_home);
}
