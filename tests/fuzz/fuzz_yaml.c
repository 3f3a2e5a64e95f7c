// SPDX-License-Identifier: Apache-2.0
// libFuzzer: any bytes as YAML. Each document that is read must read back the same when written, as YAML and as JSON.
#include <stdint.h>
#include <stdlib.h>

#include "core/base/text.h"
#include "core/base/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const json_t *tree)
{
    static const struct sw_tree_limits wider = {.max_depth = 64, .max_nodes = 10000, .max_bytes = 8 << 20};
    struct sw_err err = {0};
    struct sw_buf out;
    struct sw_yaml *y = NULL;
    json_t *back = NULL;
    sw_buf_init(&out, 8 << 20);
    if (sw_yaml_write(tree, &out, &err) != SW_OK || !sw_utf8_valid(out.data, out.len) ||
        sw_yaml_parse(out.data, out.len, "fuzz", &wider, &y, &err) != SW_OK || sw_yaml_count(y) != 1 ||
        !json_equal(tree, sw_yaml_doc(y, 0)))
        abort();
    sw_buf_clear(&out);
    if (sw_json_write(tree, 2, &out, &err) != SW_OK ||
        sw_json_parse(out.data, out.len, "fuzz", &wider, &back, &err) != SW_OK || !json_equal(tree, back))
        abort();
    json_decref(back);
    sw_yaml_free(y);
    sw_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sw_tree_limits limits = {.max_depth = 16, .max_nodes = 2000, .max_bytes = 1 << 16};
    struct sw_err err = {0};
    struct sw_yaml *y = NULL;
    if (sw_yaml_parse((const char *)data, size, "fuzz", &limits, &y, &err) != SW_OK)
        return 0;
    for (size_t i = 0; i < sw_yaml_count(y); i++)
        check(sw_yaml_doc(y, i));
    sw_yaml_free(y);
    return 0;
}
