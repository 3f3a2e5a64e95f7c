// SPDX-License-Identifier: Apache-2.0
// A net as data: a short text becomes a list of layers with shapes, places in one parameter vector and costs. Nothing
// here computes; gpu/layer.h says what a layer does, gpu/session.h runs a net on a device.
//
// Text:  net := preset | "mlp:" width { "-" width } | layer { "-" layer }
//        layer := "conv" N   3x3 convolution to N channels, padded to keep the size, then relu
//               | "pool"     2x2 maximum, halves the size
//               | "fc" N     fully connected to N, then relu
// A flatten goes before the first fc of an image net, and a linear layer to the classes ends each net.
#ifndef SW_GPU_NET_H
#define SW_GPU_NET_H

#include "core/base/buf.h"
#include "gpu/engine.h"

enum {
    SW_NET_MAX_LAYERS = 64,
    SW_NET_MAX_UNITS = 65536,
    SW_NET_MAX_CLASSES = 65536,
    SW_NET_SPEC_SIZE = 512,
};
#define SW_NET_MAX_PARAMS ((size_t)1 << 29) // 2 GiB of floats: what one ONNX file can hold

struct sw_layer_type;

// One sample. A table row of n columns is {n, 1, 1}.
struct sw_shape {
    int channels, height, width;
};
size_t sw_shape_size(struct sw_shape s);

struct sw_layer {
    const struct sw_layer_type *type;
    int units; // channels or width of the output; 0 where the type has none
    enum sw_activation activation;
    struct sw_shape in, out;
    size_t weights_at, weights; // in the parameter vector
    size_t biases_at, biases;
    size_t fan_in, fan_out; // for the initial weights
    double flops;           // of one row, forward; multiply and add count as two
};

struct sw_net {
    char spec[SW_NET_SPEC_SIZE]; // canonical layer text, without the last layer: "conv16-pool-fc64"; "" = linear
    struct sw_shape in;
    int classes;
    int layer_count;
    struct sw_layer layers[SW_NET_MAX_LAYERS];
    size_t params;
    double flops; // of one row, forward
};

// Presets are rows; hyperparameters that nobody set come from here.
struct sw_net_preset {
    const char *name;
    const char *spec;
    int epochs, batch;
    double lr, weight_decay;
};
// The preset of that name; for any other text the one whose figures suit the net (with convolutions or without).
const struct sw_net_preset *sw_net_preset_for(const char *text);

// Checks and lays out `text` for samples of shape `in`. SW_USAGE names the part that is wrong.
enum sw_code sw_net_parse(const char *text, struct sw_shape in, int classes, struct sw_net *out, struct sw_err *err);
// Checks only what does not need data: for forms and early errors.
enum sw_code sw_net_check(const char *text, struct sw_err *err);
// Table of layers, shapes, parameters and costs, for `--explain`.
void sw_net_explain(const struct sw_net *net, struct sw_buf *out);

enum sw_init { SW_INIT_GLOROT, SW_INIT_HE };
// Initial parameters, biases 0. Uniform with bound sqrt(6 / (in + out)) (Glorot and Bengio 2010) or sqrt(6 / in)
// (He et al. 2015). `params` has net->params floats.
void sw_net_init(const struct sw_net *net, enum sw_init init, uint64_t seed, float *params);

#endif
