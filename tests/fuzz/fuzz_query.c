// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any text as a filter and as an order, of every subject. What is accepted becomes SQL that SQLite takes: a search
// over a store in memory-backed files never fails for the text's sake.
// Links: core/store core/track
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/path.h"
#include "core/store/run.h"
#include "core/track/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void remove_store(void)
{
    struct sw_err err = {0};
    (void)!sw_path_remove_tree(dir, &err);
}

static struct sw_store *store_of_this_process(void)
{
    static struct sw_store *store;
    struct sw_err err = {0};
    if (store != NULL)
        return store;
    snprintf(dir, sizeof dir, "/dev/shm/slipway-fuzz-%ld", (long)getpid());
    if (sw_store_open(dir, SW_STORE_CREATE, &store, &err) != SW_OK)
        abort();
    atexit(remove_store);
    char run[SW_RUN_ID];
    struct sw_run_new n = {.name = "a"};
    if (sw_run_create(store, &n, run, &err) != SW_OK || sw_run_set_param(store, run, "lr", "0.1", &err) != SW_OK ||
        sw_run_set_tag(store, run, "t", "x", &err) != SW_OK)
        abort();
    return store;
}

// Refused for what it asks is fine; a statement that SQLite does not understand is not.
static void check(enum sw_code code)
{
    if (code != SW_OK && code != SW_INVALID && code != SW_LIMIT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sw_subject subjects[] = {SW_SUBJECT_RUN, SW_SUBJECT_EXPERIMENT, SW_SUBJECT_REGISTERED_MODEL,
                                               SW_SUBJECT_MODEL_VERSION, SW_SUBJECT_LOGGED_MODEL};
    struct sw_store *store = store_of_this_process();
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        struct sw_arena *a = sw_arena_new(64 << 20);
        const struct sw_query *where = NULL;
        struct sw_query_order *order = NULL;
        size_t count = 0;
        struct sw_err err = {0};
        enum sw_code code = sw_track_parse_query(subjects[i], text, a, &where, &err);
        enum sw_code ordered = sw_track_parse_order(subjects[i], text, a, &order, &count, &err);
        check(code);
        check(ordered);
        if (subjects[i] == SW_SUBJECT_RUN && (code == SW_OK || ordered == SW_OK)) {
            struct sw_run_query q = {.experiment_id = -1, .where = code == SW_OK ? where : NULL, .view = SW_VIEW_ALL};
            q.order = ordered == SW_OK ? order : NULL;
            q.order_count = ordered == SW_OK ? count : 0;
            check(sw_run_search(store, &q, a, &(struct sw_run_list){0}, &err));
        } else if (subjects[i] == SW_SUBJECT_EXPERIMENT && code == SW_OK) {
            struct sw_search q = {.where = where, .view = SW_VIEW_ALL};
            check(sw_experiment_search(store, &q, a, &(struct sw_experiment_list){0}, &err));
        }
        sw_arena_free(a);
    }
    free(text);
    return 0;
}
