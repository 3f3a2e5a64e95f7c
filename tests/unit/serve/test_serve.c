// SPDX-License-Identifier: Apache-2.0
// The server as a whole, driven through its socket by threads: many writers and readers at once, everything that was
// acknowledged stored, stopping under load, limits. Runs under the thread sanitizer, too.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/path.h"
#include "core/serve/serve.h"
#include "core/store/metric.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

enum { WRITERS = 6, BATCHES = 10, POINTS = 50 };

struct fixture {
    char dir[64];
    struct sw_serve *serve;
    struct sw_err err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct sw_store *s = NULL;
    snprintf(f->dir, sizeof f->dir, "/tmp/slipway-serve-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(sw_store_open(f->dir, SW_STORE_CREATE, &s, &f->err), SW_OK);
    sw_store_close(s);
    struct sw_serve_config config = {.store_dir = f->dir, .token = TOKEN};
    if (sw_serve_start(&config, &f->serve, &f->err) != SW_OK)
        fail_msg("%s", f->err.message);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    sw_serve_stop(f->serve, 5000);
    assert_int_equal(sw_path_remove_tree(f->dir, &f->err), SW_OK);
    free(f);
    return 0;
}

static int dial(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

// Sends a request and reads its reply: the status, 0 when the connection ended. The body's text is left in `out`.
static int ask(int fd, const char *method, const char *path, const char *body, char *out, size_t size)
{
    struct sw_buf b;
    sw_buf_init(&b, 1 << 20);
    sw_buf_addf(&b, "%s %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN "\r\n", method, path);
    if (body != NULL)
        sw_buf_addf(&b, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    else
        sw_buf_adds(&b, "\r\n");
    bool is_sent = send(fd, b.data, b.len, MSG_NOSIGNAL) == (ssize_t)b.len;
    sw_buf_free(&b);
    size_t used = 0;
    out[0] = '\0';
    while (is_sent && used < size - 1) {
        ssize_t n = recv(fd, out + used, size - 1 - used, 0);
        if (n <= 0)
            return 0;
        used += (size_t)n;
        out[used] = '\0';
        const char *end = strstr(out, "\r\n\r\n"), *length = strcasestr(out, "content-length:");
        if (end == NULL || length == NULL || strlen(end + 4) < strtoul(length + 15, NULL, 10))
            continue;
        int status = atoi(out + 9);
        memmove(out, end + 4, strlen(end + 4) + 1);
        return status;
    }
    return 0;
}

static void make_run(int fd, char run[static SW_RUN_ID])
{
    char reply[4096];
    assert_int_equal(ask(fd, "POST", "/api/2.0/mlflow/runs/create", "{\"experiment_id\":\"0\"}", reply, sizeof reply),
                     200);
    const char *id = strstr(reply, "\"run_uuid\":\"");
    assert_non_null(id);
    snprintf(run, SW_RUN_ID, "%.32s", id + 12);
}

// --- many at once ---

struct writer {
    int port;
    char run[SW_RUN_ID];
    _Atomic int acknowledged; // batches
};

static void fill_batch(struct sw_buf *b, const char *run, int batch)
{
    sw_buf_clear(b);
    sw_buf_addf(b, "{\"run_id\":\"%s\",\"metrics\":[", run);
    for (int i = 0; i < POINTS; i++)
        sw_buf_addf(b, "%s{\"key\":\"k%d\",\"value\":%d.5,\"timestamp\":%d,\"step\":%d}", i > 0 ? "," : "", i % 3, i,
                    1000 + i, batch * POINTS + i);
    sw_buf_adds(b, "]}");
}

static void *write_main(void *ctx)
{
    struct writer *w = ctx;
    struct sw_buf b;
    char *reply = malloc(1 << 16), path[128];
    int fd = dial(w->port);
    sw_buf_init(&b, 1 << 20);
    snprintf(path, sizeof path, "/api/2.0/mlflow/runs/get?run_id=%s", w->run);
    for (int batch = 0; fd >= 0 && batch < BATCHES; batch++) {
        fill_batch(&b, w->run, batch);
        int status = ask(fd, "POST", "/api/2.0/mlflow/runs/log-batch", b.data, reply, 1 << 16);
        if (status != 200)
            break;
        atomic_fetch_add(&w->acknowledged, 1);
        if (ask(fd, "GET", path, NULL, reply, 1 << 16) != 200)
            break;
    }
    if (fd >= 0)
        close(fd);
    sw_buf_free(&b);
    free(reply);
    return NULL;
}

static int64_t stored_points(const char *dir, const char *run)
{
    struct sw_store *s = NULL;
    struct sw_err err = {0};
    struct sw_arena *a = sw_arena_new(64 << 20);
    struct sw_run r;
    int64_t count = 0;
    assert_int_equal(sw_store_open(dir, SW_STORE_OPEN, &s, &err), SW_OK);
    assert_int_equal(sw_run_get(s, run, a, &r, &err), SW_OK);
    for (size_t i = 0; i < r.metric_count; i++)
        count += r.metrics[i].count;
    sw_store_close(s);
    sw_arena_free(a);
    return count;
}

static void start_writers(struct fixture *f, struct writer *writers, pthread_t *threads)
{
    int fd = dial(sw_serve_port(f->serve));
    assert_true(fd >= 0);
    for (int i = 0; i < WRITERS; i++) {
        writers[i].port = sw_serve_port(f->serve);
        make_run(fd, writers[i].run);
    }
    close(fd);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_main, &writers[i]), 0);
}

static void test_many_writers(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS] = {0};
    pthread_t threads[WRITERS];
    start_writers(f, writers, threads);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(writers[i].acknowledged, BATCHES);
        assert_int_equal(stored_points(f->dir, writers[i].run), BATCHES * POINTS);
    }
}

// Stopped in the middle: what was acknowledged is there, and no thread hangs.
static void test_stop_under_load(void **state)
{
    struct fixture *f = *state;
    struct writer writers[WRITERS] = {0};
    pthread_t threads[WRITERS];
    start_writers(f, writers, threads);
    while (atomic_load(&writers[0].acknowledged) == 0)
        sched_yield();
    sw_serve_stop(f->serve, 5000);
    f->serve = NULL;
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < WRITERS; i++)
        assert_true(stored_points(f->dir, writers[i].run) >= writers[i].acknowledged * POINTS);
}

// --- one at a time ---

static void test_replies(void **state)
{
    static const struct {
        const char *method, *path, *body;
        int status;
        const char *words;
    } rows[] = {
        {"GET", "/health", NULL, 200, "OK"},
        {"GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", NULL, 200, "\"name\":\"Default\""},
        {"GET", "/ajax-api/3.0/mlflow/experiments/get?experiment_id=0", NULL, 200, "\"name\":\"Default\""},
        {"GET", "/api/2.0/mlflow/experiments/get?experiment_id=77", NULL, 404, "No Experiment with id=77 exists"},
        {"GET", "/api/2.0/mlflow/experiments/get", NULL, 400, "Missing value for required parameter 'experiment_id'"},
        {"GET", "/api/2.0/mlflow/nothing", NULL, 404, "ENDPOINT_NOT_FOUND"},
        {"DELETE", "/api/2.0/mlflow/runs/get", NULL, 405, "not allowed"},
        {"POST", "/api/2.0/mlflow/runs/create", "{\"experiment_id\":", 400, "the body is not JSON"},
        {"POST", "/api/2.0/mlflow/runs/create", "[]", 400, "not a JSON object"},
        {"POST", "/api/2.0/mlflow/runs/set-tag", "{\"run_id\":\"x\",\"key\":5}", 400, "Value was of type 'int'"},
        {"GET", "/api/2.0/mlflow/experiments/get?experiment_id=%zz", NULL, 400, "malformed"},
        {"GET", "/api/2.0/mlflow/traces/abc/info", NULL, 404, "ENDPOINT_NOT_FOUND"},
    };
    struct fixture *f = *state;
    char *reply = malloc(1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = dial(sw_serve_port(f->serve));
        int status = ask(fd, rows[i].method, rows[i].path, rows[i].body, reply, 1 << 16);
        if (status != rows[i].status || strstr(reply, rows[i].words) == NULL)
            fail_msg("%s %s: %d %s", rows[i].method, rows[i].path, status, reply);
        close(fd);
    }
    free(reply);
}

static void test_too_large_a_body(void **state)
{
    struct fixture *f = *state;
    char reply[4096];
    static const char head[] =
        "POST /api/2.0/mlflow/runs/set-tag HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " TOKEN
        "\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n";
    int fd = dial(sw_serve_port(f->serve));
    assert_int_equal(send(fd, head, sizeof head - 1, MSG_NOSIGNAL), (ssize_t)sizeof head - 1);
    ssize_t n = recv(fd, reply, sizeof reply - 1, 0);
    assert_true(n > 0);
    reply[n] = '\0';
    assert_non_null(strstr(reply, " 413 "));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_replies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_too_large_a_body, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_writers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop_under_load, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
