// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as the body of log-batch and log-metric. What is accepted is within the limits, and the reader
// without a tree agrees with the one that makes a tree: what the tree takes for JSON it takes, too.
// Links: core/store core/track core/model core/serve
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/json_in.h"
#include "core/base/tree.h"
#include "core/serve/batch_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *copy_of(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

static void check_agreement(const uint8_t *data, size_t size)
{
    static const struct sw_tree_limits limits = {.max_depth = 16, .max_nodes = 5000, .max_bytes = 1 << 16};
    struct sw_err err = {0};
    json_t *tree = NULL;
    struct sw_json_in in;
    char *copy = copy_of(data, size);
    bool is_tree = strlen(copy) == size && sw_json_parse(copy, size, "fuzz", &limits, &tree, &err) == SW_OK;
    sw_json_in_init(&in, copy, size);
    bool is_read = sw_json_in_skip(&in) && sw_json_in_end(&in);
    if (is_tree && !is_read)
        abort();
    json_decref(tree);
    free(copy);
}

static void check_batch(const struct sw_batch *b)
{
    if (b->run_id == NULL || b->point_count > SW_BATCH_METRICS || b->param_count > SW_BATCH_PAIRS ||
        b->tag_count > SW_BATCH_PAIRS || b->linked_count > b->point_count)
        abort();
    for (size_t i = 0; i < b->point_count; i++)
        if (b->points[i].key == NULL || strlen(b->points[i].key) > 250 || b->points[i].time_ms < 0)
            abort();
    for (size_t i = 0; i < b->param_count; i++)
        if (strlen(b->params[i].value) > 6000)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_agreement(data, size);
    for (int one = 0; one < 2; one++) {
        struct sw_err err = {0};
        struct sw_batch batch;
        struct sw_arena *a = sw_arena_new(16 << 20);
        char *copy = copy_of(data, size);
        enum sw_code code =
            one ? sw_batch_read_metric(copy, size, a, &batch, &err) : sw_batch_read(copy, size, a, &batch, &err);
        if (code == SW_OK)
            check_batch(&batch);
        free(copy);
        sw_arena_free(a);
    }
    return 0;
}
