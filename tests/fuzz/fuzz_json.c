// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as JSON. What is read must be within the caps, and must read back the same when written.
#include <stdint.h>
#include <stdlib.h>

#include "core/base/text.h"
#include "core/base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sw_tree_limits limits = {.max_depth = 16, .max_nodes = 2000, .max_bytes = 1 << 16};
    struct sw_err err = {0};
    json_t *tree = NULL;
    if (sw_json_parse((const char *)data, size, "fuzz", &limits, &tree, &err) != SW_OK)
        return 0;
    struct sw_buf out;
    json_t *back = NULL;
    sw_buf_init(&out, 8 << 20);
    // A written number may be longer than it was read, so the bytes get more room on the way back.
    static const struct sw_tree_limits wider = {.max_depth = 16, .max_nodes = 2000, .max_bytes = 8 << 20};
    if (sw_json_write(tree, data[0] % 3, &out, &err) != SW_OK || !sw_utf8_valid(out.data, out.len) ||
        sw_json_parse(out.data, out.len, "fuzz", &wider, &back, &err) != SW_OK || !json_equal(tree, back))
        abort();
    json_decref(back);
    json_decref(tree);
    sw_buf_free(&out);
    return 0;
}
