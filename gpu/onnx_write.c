// SPDX-License-Identifier: Apache-2.0
// ONNX by hand: a chain of nodes, its initializers and metadata. Weights go out as the engine holds them: dense [in, out]
// is Gemm without transposition, conv [out, in, 3, 3] is Conv's own order.
#include <stdio.h>
#include <string.h>

#include "core/base/tree.h"
#include "gpu/layer.h"
#include "gpu/model.h"
#include "gpu/onnx_private.h"

#define ONNX_MAX_BYTES (((size_t)1 << 31) - 1) // what Protocol Buffers allow in one message

static void put_varint(struct sw_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        sw_buf_addc(b, (char)(v | 0x80));
    sw_buf_addc(b, (char)v);
}

static void put_int(struct sw_buf *b, unsigned field, int64_t v)
{
    put_varint(b, field << 3 | WIRE_VARINT);
    put_varint(b, (uint64_t)v);
}

static void put_bytes(struct sw_buf *b, unsigned field, const void *bytes, size_t len)
{
    put_varint(b, field << 3 | WIRE_BYTES);
    put_varint(b, len);
    sw_buf_add(b, bytes, len);
}

static void put_text(struct sw_buf *b, unsigned field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}

// Appends the message in `part` as a field and empties it.
static void put_message(struct sw_buf *b, unsigned field, struct sw_buf *part)
{
    b->failed |= part->failed;
    put_bytes(b, field, part->data, part->len);
    sw_buf_clear(part);
}

// What is being written. `node` and `part` are work space; `value` is the name of the chain's newest value.
struct writer {
    struct sw_buf *graph;
    struct sw_buf node, part;
    int step;
    char value[48];
    char operand[2][48];
};

static void put_tensor(struct writer *w, const char *name, const int64_t *dims, size_t rank, const float *data)
{
    size_t count = 1;
    for (size_t i = 0; i < rank; i++) {
        put_int(&w->part, TENSOR_DIMS, dims[i]);
        count *= (size_t)dims[i];
    }
    put_int(&w->part, TENSOR_TYPE, TENSOR_FLOAT);
    put_text(&w->part, TENSOR_NAME, name);
    put_bytes(&w->part, TENSOR_RAW, data, count * sizeof *data); // little-endian, as are all machines this runs on
    put_message(w->graph, GRAPH_INITIALIZER, &w->part);
}

static void put_attribute(struct writer *w, const char *name, int64_t value)
{
    put_text(&w->part, ATTRIBUTE_NAME, name);
    put_int(&w->part, ATTRIBUTE_INT, value);
    put_int(&w->part, ATTRIBUTE_TYPE, ATTRIBUTE_TYPE_INT);
    put_message(&w->node, NODE_ATTRIBUTE, &w->part);
}

static void put_attributes(struct writer *w, const char *name, const int64_t *values, size_t count)
{
    put_text(&w->part, ATTRIBUTE_NAME, name);
    for (size_t i = 0; i < count; i++)
        put_int(&w->part, ATTRIBUTE_INTS, values[i]);
    put_int(&w->part, ATTRIBUTE_TYPE, ATTRIBUTE_TYPE_INTS);
    put_message(&w->node, NODE_ATTRIBUTE, &w->part);
}

// Ends a node whose attributes are already in w->node: from the newest value and `operands` constants to `output`.
static void put_node(struct writer *w, const char *op, int operands, const char *output)
{
    char name[64];
    put_text(&w->node, NODE_INPUT, w->value);
    for (int i = 0; i < operands; i++)
        put_text(&w->node, NODE_INPUT, w->operand[i]);
    put_text(&w->node, NODE_OUTPUT, output);
    snprintf(name, sizeof name, "%s_%d", op, w->step++);
    put_text(&w->node, NODE_NAME, name);
    put_text(&w->node, NODE_OP, op);
    put_message(w->graph, GRAPH_NODE, &w->node);
    snprintf(w->value, sizeof w->value, "%s", output);
}

static void put_step(struct writer *w, const char *op, int operands)
{
    char output[48];
    snprintf(output, sizeof output, "value_%d", w->step);
    put_node(w, op, operands, output);
}

static void name_operands(struct writer *w, const char *first, const char *second)
{
    snprintf(w->operand[0], sizeof w->operand[0], "%s_%d", first, w->step);
    snprintf(w->operand[1], sizeof w->operand[1], "%s_%d", second, w->step);
}

static void write_flatten(struct writer *w, const struct sw_layer *l, const float *params)
{
    (void)l, (void)params;
    put_attribute(w, "axis", 1);
    put_step(w, "Flatten", 0);
}

static void write_dense(struct writer *w, const struct sw_layer *l, const float *params)
{
    name_operands(w, "weight", "bias");
    put_tensor(w, w->operand[0], (int64_t[]){l->in.channels, l->units}, 2, params + l->weights_at);
    put_tensor(w, w->operand[1], (int64_t[]){l->units}, 1, params + l->biases_at);
    put_step(w, "Gemm", 2);
}

static void write_conv(struct writer *w, const struct sw_layer *l, const float *params)
{
    name_operands(w, "weight", "bias");
    put_tensor(w, w->operand[0], (int64_t[]){l->units, l->in.channels, 3, 3}, 4, params + l->weights_at);
    put_tensor(w, w->operand[1], (int64_t[]){l->units}, 1, params + l->biases_at);
    put_attributes(w, "kernel_shape", (int64_t[]){3, 3}, 2);
    put_attributes(w, "pads", (int64_t[]){1, 1, 1, 1}, 4);
    put_step(w, "Conv", 2);
}

static void write_pool(struct writer *w, const struct sw_layer *l, const float *params)
{
    (void)l, (void)params;
    put_attributes(w, "kernel_shape", (int64_t[]){2, 2}, 2);
    put_attributes(w, "strides", (int64_t[]){2, 2}, 2);
    put_step(w, "MaxPool", 0);
}

static void (*const write_layer[SW_LAYER_KINDS])(struct writer *w, const struct sw_layer *l, const float *params) = {
    [SW_LAYER_FLATTEN] = write_flatten,
    [SW_LAYER_DENSE] = write_dense,
    [SW_LAYER_CONV] = write_conv,
    [SW_LAYER_POOL] = write_pool,
};

static bool is_table(const struct sw_net *net)
{
    return net->in.height == 1 && net->in.width == 1;
}

static void write_scaler(struct writer *w, const struct sw_model *m)
{
    int64_t dims[3] = {m->scaler.channels, 1, 1};
    size_t rank = is_table(&m->net) ? 1 : 3;
    snprintf(w->operand[0], sizeof w->operand[0], "shift");
    put_tensor(w, "shift", dims, rank, m->scaler.shift);
    put_step(w, "Sub", 1);
    snprintf(w->operand[0], sizeof w->operand[0], "scale");
    put_tensor(w, "scale", dims, rank, m->scaler.scale);
    put_step(w, "Mul", 1);
}

// A graph input or output of floats: batch "N", then `dims`.
static void put_value(struct writer *w, unsigned field, const char *name, const int64_t *dims, size_t rank)
{
    struct sw_buf shape, type;
    sw_buf_init(&shape, 1024);
    sw_buf_init(&type, 1024);
    put_text(&w->part, DIM_PARAM, "N");
    put_message(&shape, SHAPE_DIM, &w->part);
    for (size_t i = 0; i < rank; i++) {
        put_int(&w->part, DIM_VALUE, dims[i]);
        put_message(&shape, SHAPE_DIM, &w->part);
    }
    put_int(&w->part, TYPE_ELEMENT, TENSOR_FLOAT);
    put_message(&w->part, TYPE_SHAPE, &shape);
    put_message(&type, TYPE_TENSOR, &w->part);
    put_text(&w->part, VALUE_NAME, name);
    put_message(&w->part, VALUE_TYPE, &type);
    put_message(w->graph, field, &w->part);
    sw_buf_free(&shape);
    sw_buf_free(&type);
}

static void write_graph(struct writer *w, const struct sw_model *m)
{
    const struct sw_net *net = &m->net;
    snprintf(w->value, sizeof w->value, "input");
    write_scaler(w, m);
    for (int i = 0; i < net->layer_count; i++) {
        write_layer[net->layers[i].type->kind](w, &net->layers[i], m->params);
        if (net->layers[i].activation == SW_ACTIVATION_RELU)
            put_step(w, "Relu", 0);
    }
    put_attribute(w, "axis", 1);
    put_node(w, "Softmax", 0, "probabilities");
    put_text(w->graph, GRAPH_NAME, "slipway");
    put_value(w, GRAPH_INPUT, "input", (int64_t[]){net->in.channels, net->in.height, net->in.width},
              is_table(net) ? 1 : 3);
    put_value(w, GRAPH_OUTPUT, "probabilities", (int64_t[]){net->classes}, 1);
}

static void put_metadata(struct sw_buf *model, struct sw_buf *part, const char *key, const char *value)
{
    if (!value)
        return;
    put_text(part, ENTRY_KEY, key);
    put_text(part, ENTRY_VALUE, value);
    put_message(model, MODEL_METADATA, part);
}

static enum sw_code write_classes(const struct sw_model *m, struct sw_buf *model, struct sw_buf *part,
                                  struct sw_err *err)
{
    if (!m->class_names)
        return SW_OK;
    struct sw_buf text;
    sw_buf_init(&text, 16 << 20);
    json_t *names = json_array();
    bool is_full = names != NULL;
    for (int i = 0; i < m->net.classes && is_full; i++)
        is_full = json_array_append_new(names, json_string(m->class_names[i])) == 0;
    enum sw_code code = is_full ? sw_json_write(names, 0, &text, err)
                                : sw_err_set(err, SW_INVALID, "class names that are not UTF-8 cannot be kept in ONNX");
    if (!code)
        put_metadata(model, part, META_CLASSES, text.data);
    json_decref(names);
    sw_buf_free(&text);
    return code;
}

enum sw_code sw_onnx_write(const struct sw_model *m, struct sw_buf *out, struct sw_err *err)
{
    struct sw_buf graph;
    struct writer w = {.graph = &graph};
    char shape[64];
    sw_buf_init(&graph, ONNX_MAX_BYTES);
    sw_buf_init(&w.node, 1 << 20);
    sw_buf_init(&w.part, ONNX_MAX_BYTES);
    write_graph(&w, m);

    put_int(out, MODEL_IR_VERSION, IR_VERSION);
    put_text(out, MODEL_PRODUCER, "slipway");
    put_text(out, MODEL_PRODUCER_VERSION, SW_VERSION);
    put_message(out, MODEL_GRAPH, &graph);
    put_text(&w.part, OPSET_DOMAIN, "");
    put_int(&w.part, OPSET_NUMBER, OPSET_VERSION);
    put_message(out, MODEL_OPSET, &w.part);
    snprintf(shape, sizeof shape, is_table(&m->net) ? "%d" : "%dx%dx%d", m->net.in.channels, m->net.in.height,
             m->net.in.width);
    put_metadata(out, &w.part, META_SPEC, m->net.spec);
    put_metadata(out, &w.part, META_SHAPE, shape);
    put_metadata(out, &w.part, META_RUN, m->run_id);
    put_metadata(out, &w.part, META_DATA, m->data_name);
    put_metadata(out, &w.part, META_DATA_DIGEST, m->data_digest);
    enum sw_code code = write_classes(m, out, &w.part, err);
    if (!code)
        code = sw_buf_check(out, "the ONNX file", err);
    sw_buf_free(&graph);
    sw_buf_free(&w.node);
    sw_buf_free(&w.part);
    return code;
}
