// SPDX-License-Identifier: Apache-2.0
// Writers of batches over raw HTTP, for any server of MLflow's API: the request is prepared once and only its steps are
// written anew, so that the server and not this client is measured.
//   serve_load PORT TOKEN RUN_ID WRITERS POINTS SECONDS [MS]   batches of POINTS; one a writer every MS (0 = at once)
// Prints one JSON object: points acknowledged, seconds, how many replies were not 200, p50 and p99 of a call in ms.
#include "core/base/clock.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STEP_DIGITS = 10, POINT_MAX = 160, WRITERS_MAX = 256, CALLS_MAX = 200000 };
static const int64_t FIRST_STEP = 1000000000; // ten digits from the first to the last

struct writer {
    pthread_t thread;
    int port, points, number;
    double seconds, pause_ms;
    const char *token, *run_id;
    int64_t acknowledged, bad;
    float *call_ms; // CALLS_MAX
    int calls;
};

static int connect_to(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("serve_load: connect");
        exit(1);
    }
    return fd;
}

// The request, with the places of its steps in `at`. The caller frees it.
static char *prepare(const struct writer *w, size_t *len, size_t *at)
{
    size_t room = (size_t)w->points * POINT_MAX + 1024, used = 0;
    char *body = malloc(room), *request = malloc(room + 1024);
    if (body == NULL || request == NULL)
        exit(1);
    used += (size_t)snprintf(body, room, "{\"run_id\": \"%s\", \"metrics\": [", w->run_id);
    for (int i = 0; i < w->points; i++) {
        used += (size_t)snprintf(body + used, room - used,
                                 "%s{\"key\": \"train/m%d\", \"value\": 0.%06d, \"timestamp\": "
                                 "1700000000000, \"step\": ",
                                 i ? ", " : "", w->number, i);
        at[i] = used;
        used += (size_t)snprintf(body + used, room - used, "%0*d}", STEP_DIGITS, 0);
    }
    used += (size_t)snprintf(body + used, room - used, "]}");
    int head = snprintf(request, 1024,
                        "POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: "
                        "Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        w->port, w->token, used);
    memcpy(request + head, body, used);
    for (int i = 0; i < w->points; i++)
        at[i] += (size_t)head;
    *len = (size_t)head + used;
    free(body);
    return request;
}

// The status of one call; replies are short and have a Content-Length or end with their headers.
static int call(int fd, const char *request, size_t len)
{
    char reply[8192];
    size_t got = 0;
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, request + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return 0;
        sent += (size_t)n;
    }
    for (;;) {
        ssize_t n = recv(fd, reply + got, sizeof reply - 1 - got, 0);
        if (n <= 0)
            return 0;
        got += (size_t)n;
        reply[got] = '\0';
        const char *end = strstr(reply, "\r\n\r\n"), *length = strcasestr(reply, "content-length:");
        if (end != NULL) {
            size_t body = length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0;
            if (got >= (size_t)(end + 4 - reply) + body || got == sizeof reply - 1)
                return (int)strtol(reply + 9, NULL, 10);
        }
    }
}

static void *write_batches(void *arg)
{
    struct writer *w = arg;
    size_t len, *at = calloc((size_t)w->points, sizeof *at);
    if (at == NULL)
        exit(1);
    char *request = prepare(w, &len, at);
    int fd = connect_to(w->port);
    int64_t step = FIRST_STEP, end = sw_clock_mono_us() + (int64_t)(w->seconds * 1e6), next = sw_clock_mono_us();
    while (sw_clock_mono_us() < end) {
        for (int i = 0; i < w->points; i++, step++) {
            int64_t rest = step;
            for (int digit = STEP_DIGITS - 1; digit >= 0; digit--, rest /= 10)
                request[at[i] + (size_t)digit] = (char)('0' + rest % 10);
        }
        int64_t start = sw_clock_mono_us();
        int status = call(fd, request, len);
        if (w->calls < CALLS_MAX)
            w->call_ms[w->calls++] = (float)(sw_clock_mono_us() - start) / 1e3F;
        if (status == 200) {
            w->acknowledged += w->points;
        } else {
            w->bad++;
            close(fd);
            fd = connect_to(w->port);
        }
        next += (int64_t)(w->pause_ms * 1e3);
        int64_t wait = next - sw_clock_mono_us();
        if (wait > 0)
            nanosleep(&(struct timespec){wait / 1000000, wait % 1000000 * 1000}, NULL);
    }
    close(fd);
    free(request);
    free(at);
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void report(struct writer *writers, int count, double seconds)
{
    int64_t points = 0, bad = 0;
    size_t calls = 0;
    for (int i = 0; i < count; i++)
        calls += (size_t)writers[i].calls;
    float *all = calloc(calls + 1, sizeof *all);
    if (all == NULL)
        exit(1);
    calls = 0;
    for (int i = 0; i < count; i++) {
        points += writers[i].acknowledged;
        bad += writers[i].bad;
        memcpy(all + calls, writers[i].call_ms, (size_t)writers[i].calls * sizeof *all);
        calls += (size_t)writers[i].calls;
    }
    qsort(all, calls, sizeof *all, by_value);
    printf(
        "{\"points\":%ld,\"seconds\":%.3f,\"points_a_second\":%.0f,\"not_200\":%ld,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
        (long)points, seconds, (double)points / seconds, (long)bad, (double)all[calls / 2],
        (double)all[calls * 99 / 100]);
    free(all);
}

int main(int argc, char **argv)
{
    static struct writer writers[WRITERS_MAX];
    int count = argc >= 7 ? (int)strtol(argv[4], NULL, 10) : 0;
    int points = argc >= 7 ? (int)strtol(argv[5], NULL, 10) : 0;
    if (count < 1 || count > WRITERS_MAX || points < 1 || points > 1000) {
        fputs("usage: serve_load PORT TOKEN RUN_ID WRITERS POINTS SECONDS [MS]\n", stderr);
        return 2;
    }
    int64_t start = sw_clock_mono_us();
    for (int i = 0; i < count; i++) {
        struct writer *w = &writers[i];
        *w = (struct writer){.port = (int)strtol(argv[1], NULL, 10),
                             .points = points,
                             .number = i,
                             .token = argv[2],
                             .run_id = argv[3],
                             .seconds = strtod(argv[6], NULL),
                             .pause_ms = argc > 7 ? strtod(argv[7], NULL) : 0,
                             .call_ms = calloc(CALLS_MAX, sizeof(float))};
        if (w->call_ms == NULL || pthread_create(&w->thread, NULL, write_batches, w) != 0)
            return 1;
    }
    for (int i = 0; i < count; i++)
        pthread_join(writers[i].thread, NULL);
    report(writers, count, (double)(sw_clock_mono_us() - start) / 1e6);
    for (int i = 0; i < count; i++)
        free(writers[i].call_ms);
    return 0;
}
