// SPDX-License-Identifier: Apache-2.0
// What a model file says about itself, read from its header only: weights are skipped, nothing is run. One format now,
// ONNX (onnx.proto3, ModelProto: producer_name = 2, graph = 7 with input = 11 and output = 12, metadata_props = 14); another
// is a row of the table in header.c.
#ifndef SW_MODEL_HEADER_H
#define SW_MODEL_HEADER_H

#include "core/model/files.h"

// A tensor of floats that goes in or comes out; rank 0 = unknown, or of another type.
#define SW_MODEL_RANK 8
struct sw_model_tensor {
    const char *name;
    int64_t dims[SW_MODEL_RANK]; // -1 = any, as the batch is
    size_t rank;
};

// Unknown is NULL.
struct sw_model_header {
    const char *path;   // of the file that was read
    const char *format; // "onnx"
    const char *producer;
    const char *classes;     // JSON list of labels in the order of the outputs
    const char *input_shape; // "64" or "1x28x28"
    const char *data;        // data set that it was trained on
    const char *data_digest; // sha256 hex
    const char *run_id;
    struct sw_model_tensor input, output; // the first of each
};

// Reads the first file of a known format. A model without one gives a zeroed header; a damaged file gives what was
// read before the damage. Everything lives in `a`. SW_IO, SW_NOT_FOUND, SW_NO_MEMORY.
enum sw_code sw_model_header_read(const char *root, const struct sw_model_files *files, struct sw_arena *a,
                                  struct sw_model_header *out, struct sw_err *err);

#endif
