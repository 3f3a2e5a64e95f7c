// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reader of ONNX models. Property: what is accepted is a net that can be written, and that reads back from
// there with the same layers, parameters and scaler.
// Links: gpu
#include <stdlib.h>
#include <string.h>

#include "gpu/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sw_model m, again;
    struct sw_err err = {0};
    struct sw_buf file;
    if (sw_onnx_read(data, len, "input", &m, &err) != SW_OK) {
        if (err.message[0] == '\0')
            abort();
        return 0;
    }
    sw_buf_init(&file, 1 << 24);
    if (sw_onnx_write(&m, &file, &err) != SW_OK || sw_onnx_read(file.data, file.len, "again", &again, &err) != SW_OK ||
        strcmp(m.net.spec, again.net.spec) != 0 || m.net.params != again.net.params ||
        memcmp(m.params, again.params, m.net.params * sizeof *m.params) != 0 ||
        memcmp(m.scaler.shift, again.scaler.shift, (size_t)m.scaler.channels * 2 * sizeof(float)) != 0)
        abort();
    sw_model_free(&m);
    sw_model_free(&again);
    sw_buf_free(&file);
    return 0;
}
