// SPDX-License-Identifier: Apache-2.0
// A table of metric names. The one copy of a name lives as long as its table, so that points need no memory of their own.
#include "core/job/job_private.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

static bool grow(struct sw_job_keys *t)
{
    size_t cap = t->cap ? t->cap * 2 : FIRST_CAP;
    struct sw_job_key *items = calloc(cap, sizeof(*items));
    if (!items)
        return false;
    for (size_t i = 0; i < t->cap; i++) {
        if (!t->items[i].name)
            continue;
        size_t at = t->items[i].hash & (cap - 1);
        while (items[at].name)
            at = (at + 1) & (cap - 1);
        items[at] = t->items[i];
    }
    free(t->items);
    t->items = items;
    t->cap = cap;
    return true;
}

struct sw_job_key *sw_job_keys_intern(struct sw_job_keys *t, const char *name, size_t len, bool *is_new)
{
    if (2 * (t->count + 1) > t->cap && !grow(t))
        return NULL;
    uint64_t hash = 14695981039346656037ULL; // FNV-1a
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)name[i]) * 1099511628211ULL;
    size_t at = hash & (t->cap - 1);
    for (; t->items[at].name; at = (at + 1) & (t->cap - 1))
        if (t->items[at].hash == hash && t->items[at].len == len && memcmp(t->items[at].name, name, len) == 0) {
            if (is_new)
                *is_new = false;
            return &t->items[at];
        }
    if (t->count >= SW_JOB_METRIC_KEYS)
        return NULL;
    char *copy = strndup(name, len);
    if (!copy)
        return NULL;
    t->items[at] = (struct sw_job_key){.name = copy, .len = len, .hash = hash};
    t->count++;
    if (is_new)
        *is_new = true;
    return &t->items[at];
}

void sw_job_keys_free(struct sw_job_keys *t)
{
    for (size_t i = 0; i < t->cap; i++)
        free(t->items[i].name);
    free(t->items);
    *t = (struct sw_job_keys){0};
}
