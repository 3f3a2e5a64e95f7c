// SPDX-License-Identifier: Apache-2.0
// The threads that run calls. One writes: it takes all that waits for the same durability into one transaction (group
// commit), each call a step of its own, and replies after the commit; so many clients share one commit, and none is told
// of something that is not stored. The others read, each with a connection of its own. A store that is locked by another
// process makes calls wait, never fail.
#include "core/serve/serve_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/failpoint.h"

enum { GROUP_MAX = 256, READERS_MAX = 16, OPEN_RETRY_MS = 200 };

struct item {
    struct item *next;
    struct sw_call *call;
    sw_call_done done;
    void *ctx;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct item *first, **last;
    bool is_closed; // nothing more comes; threads end when it is empty
};

struct sw_serve_workers {
    struct sw_serve *serve;
    struct queue reads, writes;
    pthread_t readers[READERS_MAX], writer;
    int reader_count;
    bool has_writer;
};

static void queue_init(struct queue *q)
{
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    q->first = NULL;
    q->last = &q->first;
    q->is_closed = false;
}

static void queue_free(struct queue *q)
{
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
}

static void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->is_closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

static bool queue_put(struct queue *q, struct item *item)
{
    pthread_mutex_lock(&q->lock);
    bool is_taken = !q->is_closed;
    if (is_taken) {
        *q->last = item;
        q->last = &item->next;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return is_taken;
}

static bool is_full(const struct item *item)
{
    return (item->call->route->flags & SW_CALL_FULL) != 0;
}

// Waits for work and takes the first items that want the same durability, at most `most`. NULL when the queue is closed.
static struct item *queue_take(struct queue *q, int most)
{
    pthread_mutex_lock(&q->lock);
    while (q->first == NULL && !q->is_closed)
        pthread_cond_wait(&q->filled, &q->lock);
    struct item *first = q->first, *end = first;
    for (int count = 1; end != NULL && count < most && end->next != NULL && is_full(end->next) == is_full(first);
         count++)
        end = end->next;
    if (end != NULL) {
        q->first = end->next;
        end->next = NULL;
        if (q->first == NULL)
            q->last = &q->first;
    }
    pthread_mutex_unlock(&q->lock);
    return first;
}

static void hand_over(struct item *item)
{
    item->done(item->ctx, item->call);
    free(item);
}

static void reply(struct item *item, enum sw_code code, const struct sw_err *err)
{
    sw_call_finish(item->call, code, err);
    hand_over(item);
}

// The thread's connection, opened when first needed.
static enum sw_code open_store(const struct sw_serve *s, struct sw_store **store, struct sw_err *err)
{
    if (*store != NULL)
        return SW_OK;
    enum sw_code code;
    while ((code = sw_store_open(s->store_dir, SW_STORE_OPEN, store, err)) == SW_LOCKED && !atomic_load(&s->is_over))
        sw_clock_sleep_ms(OPEN_RETRY_MS);
    return code;
}

// A client that gave up asks again: what it asked for first must not be done as well, or there would be two runs. The
// connection is suspended, so nobody else reads from it.
static bool has_left(const struct sw_call *c)
{
    char byte;
    return c->socket >= 0 && recv(c->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static enum sw_code run_call(void *ctx, struct sw_err *err)
{
    struct sw_call *c = ctx;
    return has_left(c) ? sw_err_set(err, SW_CANCELLED, "the client has left") : c->route->handle(c, err);
}

// --- reading ---

static void *reader_main(void *ctx)
{
    struct sw_serve_workers *w = ctx;
    struct sw_store *store = NULL;
    struct item *item;
    while ((item = queue_take(&w->reads, 1)) != NULL) {
        struct sw_err err = {0};
        enum sw_code code = open_store(w->serve, &store, &err);
        item->call->store = store;
        if (code == SW_OK)
            while ((code = run_call(item->call, &err)) == SW_LOCKED && !atomic_load(&w->serve->is_over))
                sw_call_reset(item->call);
        reply(item, code, &err);
    }
    sw_store_close(store);
    return NULL;
}

// --- writing ---

static enum sw_code begin(const struct sw_serve *s, struct sw_store *store, const struct item *first,
                          struct sw_err *err)
{
    enum sw_store_durability durability = is_full(first) ? SW_STORE_FULL : SW_STORE_NORMAL;
    enum sw_code code;
    while ((code = sw_store_begin(store, durability, err)) == SW_LOCKED && !atomic_load(&s->is_over))
        continue; // it has waited for a minute, and does so again
    return code;
}

static enum sw_code commit(struct sw_store *store, struct sw_err *err)
{
    int failure = sw_failpoint("serve.commit");
    if (failure != 0) {
        sw_store_rollback(store);
        return sw_err_errno(err, failure, "writing the store");
    }
    return sw_store_commit(store, err);
}

// One call in a transaction of its own.
static void write_alone(const struct sw_serve *s, struct sw_store *store, struct item *item)
{
    struct sw_err err = {0};
    sw_call_reset(item->call);
    enum sw_code code = begin(s, store, item, &err);
    if (code == SW_OK) {
        code = run_call(item->call, &err);
        if (code == SW_OK)
            code = commit(store, &err);
        else
            sw_store_rollback(store);
    }
    reply(item, code, &err);
}

// All calls in one transaction. False when it could not be kept: then nothing of it is stored and no reply was given.
static bool write_group(const struct sw_serve *s, struct sw_store *store, struct item *first)
{
    struct sw_err err = {0};
    if (begin(s, store, first, &err) != SW_OK)
        return false;
    bool is_whole = true;
    for (struct item *item = first; item != NULL && is_whole; item = item->next) {
        struct sw_err failure = {0};
        item->call->store = store;
        enum sw_code code = sw_store_try(store, run_call, item->call, &failure);
        is_whole = !sw_store_is_broken(store) && code != SW_NO_SPACE;
        sw_call_finish(item->call, code, &failure);
    }
    if (!is_whole)
        sw_store_rollback(store);
    return is_whole && commit(store, &err) == SW_OK;
}

static void write_items(const struct sw_serve *s, struct sw_store **store, struct item *first)
{
    struct sw_err err = {0};
    enum sw_code code = open_store(s, store, &err);
    bool is_written = code == SW_OK && write_group(s, *store, first);
    (void)sw_failpoint("serve.reply");
    for (struct item *item = first, *next; item != NULL; item = next) {
        next = item->next;
        if (is_written)
            hand_over(item);
        else if (code == SW_OK)
            write_alone(s, *store, item);
        else
            reply(item, code, &err);
    }
}

static void *writer_main(void *ctx)
{
    struct sw_serve_workers *w = ctx;
    struct sw_store *store = NULL;
    struct item *first;
    while ((first = queue_take(&w->writes, GROUP_MAX)) != NULL)
        write_items(w->serve, &store, first);
    sw_store_close(store);
    return NULL;
}

// --- starting and ending ---

enum sw_code sw_workers_start(struct sw_serve *s, int readers, struct sw_serve_workers **out, struct sw_err *err)
{
    struct sw_serve_workers *w = calloc(1, sizeof *w);
    if (w == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the server's threads");
    w->serve = s;
    queue_init(&w->reads);
    queue_init(&w->writes);
    int failure = pthread_create(&w->writer, NULL, writer_main, w);
    w->has_writer = failure == 0;
    while (failure == 0 && w->reader_count < readers && w->reader_count < READERS_MAX) {
        failure = pthread_create(&w->readers[w->reader_count], NULL, reader_main, w);
        w->reader_count += failure == 0;
    }
    if (failure != 0) {
        sw_workers_stop(w);
        sw_workers_free(w);
        return sw_err_errno(err, failure, "starting the server's threads");
    }
    *out = w;
    return SW_OK;
}

void sw_workers_submit(struct sw_serve_workers *w, struct sw_call *c, sw_call_done done, void *ctx)
{
    struct sw_err err = {0};
    struct item *item = malloc(sizeof *item);
    if (item == NULL) {
        sw_call_finish(c, sw_err_set(&err, SW_NO_MEMORY, "no memory for a call"), &err);
        done(ctx, c);
        return;
    }
    *item = (struct item){.call = c, .done = done, .ctx = ctx};
    if (!queue_put((c->route->flags & SW_CALL_WRITES) ? &w->writes : &w->reads, item))
        reply(item, sw_err_set(&err, SW_CANCELLED, "the server is stopping"), &err);
}

void sw_workers_stop(struct sw_serve_workers *w)
{
    if (w == NULL)
        return;
    queue_close(&w->reads);
    queue_close(&w->writes);
    for (int i = 0; i < w->reader_count; i++)
        pthread_join(w->readers[i], NULL);
    if (w->has_writer)
        pthread_join(w->writer, NULL);
}

void sw_workers_free(struct sw_serve_workers *w)
{
    if (w == NULL)
        return;
    queue_free(&w->reads);
    queue_free(&w->writes);
    free(w);
}
