// SPDX-License-Identifier: Apache-2.0
// The merge rule. One table for all threads that bring points in: the loop (pipe, output), the writer (files), and the
// thread of the tracking server that stores what MLflow's clients send.
#include "core/job/job_private.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

static const char *const source_words[] = {
    [SW_JOB_EXPLICIT] = "reports of the job itself",
    [SW_JOB_OUTPUT] = "its output",
    [SW_JOB_METRICS_FILE] = "its metrics file",
    [SW_JOB_TENSORBOARD] = "TensorBoard files",
};
enum { SOURCES = sizeof(source_words) / sizeof(source_words[0]) };

struct sw_job_sources {
    pthread_mutex_t lock;
    struct sw_job_keys keys;
    int64_t passed_from[SOURCES];
};

enum sw_code sw_job_sources_new(struct sw_job_sources **out, struct sw_err *err)
{
    struct sw_job_sources *t = calloc(1, sizeof(*t));
    if (!t)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the names of metrics");
    pthread_mutex_init(&t->lock, NULL);
    *out = t;
    return SW_OK;
}

void sw_job_sources_free(struct sw_job_sources *t)
{
    if (!t)
        return;
    sw_job_keys_free(&t->keys);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool sw_job_sources_admit(struct sw_job_sources *t, enum sw_job_source source, const char *key, size_t len)
{
    bool is_new, is_admitted = true;
    pthread_mutex_lock(&t->lock);
    struct sw_job_key *k = sw_job_keys_intern(&t->keys, key, len, &is_new);
    if (k && (is_new || source == SW_JOB_EXPLICIT))
        k->owner = source;
    if (k && k->owner != source) { // with too many names everything is admitted: better twice than not at all
        k->passed_over++;
        t->passed_from[source]++;
        is_admitted = false;
    }
    pthread_mutex_unlock(&t->lock);
    return is_admitted;
}

bool sw_job_sources_tell(struct sw_job_sources *t, struct sw_buf *out)
{
    const struct sw_job_key *most = NULL;
    size_t keys = 0;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->keys.cap; i++) {
        const struct sw_job_key *k = &t->keys.items[i];
        if (!k->name || k->passed_over == 0)
            continue;
        keys++;
        if (!most || k->passed_over > most->passed_over)
            most = k;
    }
    if (most) {
        sw_buf_addf(out,
                    "%zu metric%s came from two sources, and only one was kept; for \"%s\" that was %s. Passed over:",
                    keys, keys == 1 ? "" : "s", most->name, source_words[most->owner]);
        const char *comma = "";
        for (size_t s = 0; s < SOURCES; s++) {
            if (t->passed_from[s] == 0)
                continue;
            sw_buf_addf(out, "%s %" PRId64 " points from %s", comma, t->passed_from[s], source_words[s]);
            comma = ",";
        }
    }
    pthread_mutex_unlock(&t->lock);
    return most != NULL;
}
