// SPDX-License-Identifier: Apache-2.0
// A trained net with all that is needed to use it: scaler, class names, where it came from. Written as ONNX (opset 17,
// IR 8) with the scaler inside, so that any runtime takes raw features; read back for the subset that is written here.
#ifndef SW_GPU_MODEL_H
#define SW_GPU_MODEL_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "gpu/dataset.h"

struct sw_model {
    struct sw_net net;
    float *params; // [net.params], owned
    struct sw_scaler scaler;
    const char *const *class_names; // [net.classes]; NULL = not known
    const char *run_id;             // NULL = none
    const char *data_name;
    const char *data_digest;
    struct sw_arena *arena; // what a model that was read keeps its texts in; NULL for one that borrows them
};

void sw_model_free(struct sw_model *m); // leaves an empty model

// Appends the file's bytes. The graph: input [N, channels, height, width] or [N, columns] of raw features, named
// "input"; output [N, classes] of probabilities, named "probabilities".
enum sw_code sw_onnx_write(const struct sw_model *m, struct sw_buf *out, struct sw_err *err);
// Reads what sw_onnx_write() writes. The bytes may be hostile. SW_UNSUPPORTED names an operator or type beyond the
// subset, SW_INVALID what is malformed; `name` is the file named in errors.
enum sw_code sw_onnx_read(const void *bytes, size_t len, const char *name, struct sw_model *out /* take */,
                          struct sw_err *err);
enum sw_code sw_onnx_load(const char *path, struct sw_model *out /* take */, struct sw_err *err);

#endif
