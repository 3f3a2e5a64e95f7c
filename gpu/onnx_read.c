// SPDX-License-Identifier: Apache-2.0
// ONNX read back, for the chain of operators that onnx_write.c writes. Nothing in the file is believed: every length is
// checked against what is left, tensors are borrowed from the bytes until the net that the nodes describe has been laid
// out by sw_net_parse(), and only then are they copied, each with exactly the size that the net expects.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "gpu/layer.h"
#include "gpu/model.h"
#include "gpu/onnx_private.h"

enum { MAX_NODES = 4 * SW_NET_MAX_LAYERS, MAX_TENSORS = 2 * SW_NET_MAX_LAYERS + 2, MAX_RANK = 4, MAX_INPUTS = 3 };
#define ONNX_READ_MAX ((size_t)1 << 31)

struct span {
    const uint8_t *at, *end;
};

struct field {
    unsigned number, wire;
    uint64_t value;    // varint and fixed
    struct span bytes; // WIRE_BYTES
};

static bool read_varint(struct span *s, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (s->at == s->end)
            return false;
        uint8_t byte = *s->at++;
        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

// The next field of a message: 1, 0 at its end, -1 when malformed.
static int read_field(struct span *s, struct field *f)
{
    uint64_t key, len;
    if (s->at == s->end)
        return 0;
    if (!read_varint(s, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
        return -1;
    *f = (struct field){.number = (unsigned)(key >> 3), .wire = (unsigned)(key & 7)};
    size_t left = (size_t)(s->end - s->at), fixed = f->wire == WIRE_FIXED64 ? 8 : 4;
    switch (f->wire) {
    case WIRE_VARINT:
        return read_varint(s, &f->value) ? 1 : -1;
    case WIRE_FIXED64:
    case WIRE_FIXED32:
        if (left < fixed)
            return -1;
        for (size_t i = 0; i < fixed; i++)
            f->value |= (uint64_t)s->at[i] << (8 * i);
        s->at += fixed;
        return 1;
    case WIRE_BYTES:
        if (!read_varint(s, &len) || len > (uint64_t)(s->end - s->at))
            return -1;
        f->bytes = (struct span){s->at, s->at + len};
        s->at += len;
        return 1;
    default:
        return -1;
    }
}

static bool is_text(struct span s, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(s.end - s.at) == len && memcmp(s.at, text, len) == 0;
}

static bool is_same(struct span a, struct span b)
{
    size_t len = (size_t)(a.end - a.at);
    return (size_t)(b.end - b.at) == len && (len == 0 || memcmp(a.at, b.at, len) == 0);
}

struct tensor {
    struct span name, raw;
    int64_t dims[MAX_RANK];
    size_t rank;
    bool is_float;
};

struct node {
    struct span op, inputs[MAX_INPUTS], output;
    size_t input_count;
    struct span attributes[8];
    size_t attribute_count;
};

struct reader {
    const char *name;
    struct sw_err *err;
    struct node nodes[MAX_NODES];
    size_t node_count;
    struct tensor tensors[MAX_TENSORS];
    size_t tensor_count;
    struct span input, output; // ValueInfo messages
    size_t input_count, output_count;
    struct sw_model model;
};

static enum sw_code malformed(struct reader *r, const char *what)
{
    return sw_err_set(r->err, SW_INVALID, "%s: damaged ONNX file: %s", r->name, what);
}

static enum sw_code unsupported(struct reader *r, const char *what, struct span which)
{
    char text[64], safe[80];
    snprintf(text, sizeof text, "%.*s", (int)(which.end - which.at < 40 ? which.end - which.at : 40),
             which.at ? (const char *)which.at : "");
    sw_text_safe_copy(safe, sizeof safe, text, SW_TEXT_ONE_LINE);
    (void)sw_err_set(r->err, SW_UNSUPPORTED, "%s: %s '%s' is not what this engine runs", r->name, what, safe);
    return sw_err_hint(r->err, "only models written by slipway-train can be evaluated by the built-in engine");
}

static enum sw_code read_tensor(struct reader *r, struct span s)
{
    if (r->tensor_count == MAX_TENSORS)
        return sw_err_set(r->err, SW_LIMIT, "%s: more than %d tensors", r->name, MAX_TENSORS);
    struct tensor *t = &r->tensors[r->tensor_count++];
    struct field f;
    int more;
    while ((more = read_field(&s, &f)) > 0) {
        if (f.number == TENSOR_DIMS && f.wire == WIRE_VARINT) {
            if (t->rank == MAX_RANK || f.value > SW_NET_MAX_PARAMS)
                return malformed(r, "a tensor's shape");
            t->dims[t->rank++] = (int64_t)f.value;
        } else if (f.number == TENSOR_DIMS && f.wire == WIRE_BYTES) { // packed
            while (f.bytes.at != f.bytes.end) {
                uint64_t dim;
                if (!read_varint(&f.bytes, &dim) || t->rank == MAX_RANK || dim > SW_NET_MAX_PARAMS)
                    return malformed(r, "a tensor's shape");
                t->dims[t->rank++] = (int64_t)dim;
            }
        } else if (f.number == TENSOR_TYPE && f.wire == WIRE_VARINT) {
            t->is_float = f.value == TENSOR_FLOAT;
        } else if (f.number == TENSOR_NAME && f.wire == WIRE_BYTES) {
            t->name = f.bytes;
        } else if (f.number == TENSOR_RAW && f.wire == WIRE_BYTES) {
            t->raw = f.bytes;
        }
    }
    return more < 0 ? malformed(r, "a tensor") : SW_OK;
}

static enum sw_code read_node(struct reader *r, struct span s)
{
    if (r->node_count == MAX_NODES)
        return sw_err_set(r->err, SW_LIMIT, "%s: more than %d nodes", r->name, MAX_NODES);
    struct node *n = &r->nodes[r->node_count++];
    struct field f;
    int more, outputs = 0;
    while ((more = read_field(&s, &f)) > 0) {
        if (f.wire != WIRE_BYTES)
            continue;
        if (f.number == NODE_INPUT) {
            if (n->input_count == MAX_INPUTS)
                return unsupported(r, "a node with more than three inputs, from", f.bytes);
            n->inputs[n->input_count++] = f.bytes;
        } else if (f.number == NODE_OUTPUT) {
            n->output = f.bytes;
            outputs++;
        } else if (f.number == NODE_OP) {
            n->op = f.bytes;
        } else if (f.number == NODE_ATTRIBUTE) {
            if (n->attribute_count == sizeof n->attributes / sizeof *n->attributes)
                return unsupported(r, "a node with many attributes, operator", n->op);
            n->attributes[n->attribute_count++] = f.bytes;
        } else if (f.number == NODE_DOMAIN && f.bytes.at != f.bytes.end) {
            return unsupported(r, "operator domain", f.bytes);
        }
    }
    if (more < 0)
        return malformed(r, "a node");
    return outputs == 1 ? SW_OK : unsupported(r, "a node without exactly one output, operator", n->op);
}

static enum sw_code read_graph(struct reader *r, struct span s)
{
    struct field f;
    enum sw_code code = SW_OK;
    int more;
    while (!code && (more = read_field(&s, &f)) > 0) {
        if (f.wire != WIRE_BYTES)
            continue;
        switch (f.number) {
        case GRAPH_NODE:
            code = read_node(r, f.bytes);
            break;
        case GRAPH_INITIALIZER:
            code = read_tensor(r, f.bytes);
            break;
        case GRAPH_INPUT:
            r->input = f.bytes;
            r->input_count++;
            break;
        case GRAPH_OUTPUT:
            r->output = f.bytes;
            r->output_count++;
            break;
        default:
            break;
        }
    }
    if (code)
        return code;
    if (more < 0)
        return malformed(r, "the graph");
    if (r->input_count != 1 || r->output_count != 1)
        return sw_err_set(r->err, SW_UNSUPPORTED, "%s: a graph with %zu inputs and %zu outputs, not one of each",
                          r->name, r->input_count, r->output_count);
    return SW_OK;
}

// The first bytes field `number` of a message; false when there is none.
static bool find_bytes(struct span s, unsigned number, struct span *out)
{
    struct field f;
    while (read_field(&s, &f) > 0)
        if (f.number == number && f.wire == WIRE_BYTES) {
            *out = f.bytes;
            return true;
        }
    return false;
}

// The shape of the input: [N, columns] or [N, channels, height, width], and its name.
static enum sw_code read_input(struct reader *r, struct sw_shape *shape, struct span *name)
{
    struct span type, tensor, dims, dim;
    int64_t sizes[4] = {0};
    size_t rank = 0;
    if (!find_bytes(r->input, VALUE_NAME, name) || !find_bytes(r->input, VALUE_TYPE, &type) ||
        !find_bytes(type, TYPE_TENSOR, &tensor) || !find_bytes(tensor, TYPE_SHAPE, &dims))
        return malformed(r, "the input has no shape");
    struct field f;
    while (read_field(&dims, &f) > 0) {
        if (f.number != SHAPE_DIM || f.wire != WIRE_BYTES)
            continue;
        if (rank == 4)
            return malformed(r, "the input's shape");
        dim = f.bytes;
        while (read_field(&dim, &f) > 0)
            if (f.number == DIM_VALUE && f.wire == WIRE_VARINT)
                sizes[rank] = f.value <= SW_NET_MAX_UNITS ? (int64_t)f.value : 0;
        rank++;
    }
    for (size_t i = 1; i < rank; i++)
        if (sizes[i] < 1)
            return malformed(r, "the input's shape");
    if (rank == 2)
        *shape = (struct sw_shape){(int)sizes[1], 1, 1};
    else if (rank == 4)
        *shape = (struct sw_shape){(int)sizes[1], (int)sizes[2], (int)sizes[3]};
    else
        return malformed(r, "the input's shape");
    return SW_OK;
}

static const struct tensor *find_tensor(const struct reader *r, struct span name)
{
    for (size_t i = 0; i < r->tensor_count; i++)
        if (is_same(r->tensors[i].name, name))
            return &r->tensors[i];
    return NULL;
}

// The tensor that is input `i` of a node, with exactly `count` floats.
static enum sw_code operand(struct reader *r, const struct node *n, size_t i, size_t count, const struct tensor **out)
{
    const struct tensor *t = i < n->input_count ? find_tensor(r, n->inputs[i]) : NULL;
    if (!t)
        return unsupported(r, "a missing constant of operator", n->op);
    size_t product = 1;
    for (size_t d = 0; d < t->rank; d++)
        if (__builtin_mul_overflow(product, (size_t)t->dims[d], &product))
            return malformed(r, "a tensor's shape");
    if (!t->is_float || product != count || (size_t)(t->raw.end - t->raw.at) != count * sizeof(float))
        return malformed(r, "a tensor does not have the size that the net needs");
    *out = t;
    return SW_OK;
}

// What each operator must look like: the attributes that differ from its defaults, exactly.
static const struct form {
    const char *op;
    const char *name[2];
    int64_t values[2][4];
    size_t counts[2]; // 0 = a single integer
} forms[] = {
    {.op = "Sub"},
    {.op = "Mul"},
    {.op = "Relu"},
    {.op = "Gemm"},
    {.op = "Flatten", .name = {"axis"}, .values = {{1}}},
    {.op = "Softmax", .name = {"axis"}, .values = {{1}}},
    {.op = "Conv", .name = {"kernel_shape", "pads"}, .values = {{3, 3}, {1, 1, 1, 1}}, .counts = {2, 4}},
    {.op = "MaxPool", .name = {"kernel_shape", "strides"}, .values = {{2, 2}, {2, 2}}, .counts = {2, 2}},
};

static bool fits_attribute(struct span s, const struct form *form, size_t which)
{
    struct field f;
    int64_t got[4] = {0};
    size_t count = 0, wanted = form->counts[which] ? form->counts[which] : 1;
    unsigned number = form->counts[which] ? ATTRIBUTE_INTS : ATTRIBUTE_INT;
    int more;
    while ((more = read_field(&s, &f)) > 0) {
        if (f.number == number && f.wire == WIRE_VARINT) {
            if (count == 4)
                return false;
            got[count++] = (int64_t)f.value;
        } else if (f.number == number && f.wire == WIRE_BYTES) {
            return false; // packed integers are valid, but not how these files are written
        }
    }
    return more == 0 && count == wanted && memcmp(got, form->values[which], sizeof got) == 0;
}

static enum sw_code check_form(struct reader *r, const struct node *n)
{
    const struct form *form = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && !form; i++)
        if (is_text(n->op, forms[i].op))
            form = &forms[i];
    if (!form)
        return unsupported(r, "operator", n->op);
    size_t expected = form->name[1] ? 2 : form->name[0] ? 1 : 0;
    if (n->attribute_count != expected)
        return unsupported(r, "the set of attributes of operator", n->op);
    for (size_t a = 0; a < expected; a++) {
        struct span name;
        if (!find_bytes(n->attributes[a], ATTRIBUTE_NAME, &name) || !is_text(name, form->name[a]) ||
            !fits_attribute(n->attributes[a], form, a))
            return unsupported(r, "an attribute of operator", n->op);
    }
    return SW_OK;
}

// The layers of a chain as net text, and which node each of them is.
struct chain {
    const struct node *layers[SW_NET_MAX_LAYERS];
    int layer_count;
    int units; // of the newest layer that has any: in the end the number of classes
    char spec[SW_NET_SPEC_SIZE];
    size_t spec_len;
};

static enum sw_code add_layer(struct reader *r, struct chain *c, const struct node *n, bool has_relu)
{
    if (c->layer_count == SW_NET_MAX_LAYERS)
        return sw_err_set(r->err, SW_LIMIT, "%s: more than %d layers", r->name, SW_NET_MAX_LAYERS);
    c->layers[c->layer_count++] = n;
    if (is_text(n->op, "Flatten"))
        return SW_OK;
    char units[24] = "";
    if (!is_text(n->op, "MaxPool")) {
        const struct tensor *t = n->input_count == 3 ? find_tensor(r, n->inputs[2]) : NULL;
        if (!t || t->rank != 1 || t->dims[0] < 1 || t->dims[0] > SW_NET_MAX_UNITS)
            return unsupported(r, "the bias of operator", n->op);
        c->units = (int)t->dims[0];
        snprintf(units, sizeof units, "%d", c->units);
    }
    if (is_text(n->op, "Gemm") && !has_relu)
        return SW_OK; // the last layer, which net texts leave out; a second one fails is_written_like()
    const char *word = is_text(n->op, "Conv") ? "conv" : is_text(n->op, "Gemm") ? "fc" : "pool";
    c->spec_len += (size_t)snprintf(c->spec + c->spec_len, sizeof c->spec - c->spec_len, "%s%s%s",
                                    c->spec_len ? "-" : "", word, units);
    if (c->spec_len >= sizeof c->spec)
        return sw_err_set(r->err, SW_LIMIT, "%s: too many layers", r->name);
    return SW_OK;
}

// Sub, Mul, layers with their Relu, Softmax, each fed by the one before; `value` is the graph's input.
static enum sw_code read_chain(struct reader *r, struct span value, struct chain *c)
{
    for (size_t i = 0; i < r->node_count; i++) {
        const struct node *n = &r->nodes[i];
        enum sw_code code = check_form(r, n);
        if (code)
            return code;
        if (n->input_count == 0 || !is_same(n->inputs[0], value))
            return unsupported(r, "a graph that is not a chain, at operator", n->op);
        value = n->output;
        bool is_scaler = is_text(n->op, "Sub") || is_text(n->op, "Mul");
        if (is_scaler != (i < 2) || (i < 2 && !is_text(n->op, i ? "Mul" : "Sub")))
            return unsupported(r, "a graph that does not begin with a scaler, operator", n->op);
        bool is_last = is_text(n->op, "Softmax");
        if (is_last != (i + 1 == r->node_count))
            return unsupported(r, "a graph that does not end with Softmax, operator", n->op);
        if (is_scaler || is_last || is_text(n->op, "Relu"))
            continue;
        if ((code = add_layer(r, c, n, is_text(r->nodes[i + 1].op, "Relu")))) // there is a next one: Softmax is last
            return code;
    }
    return c->units < 2 ? malformed(r, "no classes") : SW_OK;
}

static const char *const onnx_ops[SW_LAYER_KINDS] = {
    [SW_LAYER_FLATTEN] = "Flatten",
    [SW_LAYER_DENSE] = "Gemm",
    [SW_LAYER_CONV] = "Conv",
    [SW_LAYER_POOL] = "MaxPool",
};

// True when the nodes are exactly the operators that writing this net would give.
static bool is_written_like(const struct reader *r, const struct sw_net *net)
{
    size_t at = 2;
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        if (at == r->node_count || !is_text(r->nodes[at++].op, onnx_ops[l->type->kind]))
            return false;
        if (l->activation == SW_ACTIVATION_RELU && (at == r->node_count || !is_text(r->nodes[at++].op, "Relu")))
            return false;
    }
    return at + 1 == r->node_count;
}

static enum sw_code copy_weights(struct reader *r, const struct node *const *layers)
{
    struct sw_net *net = &r->model.net;
    const struct tensor *t;
    enum sw_code code;
    r->model.params = malloc(net->params * sizeof(float));
    if (!r->model.params)
        return sw_err_set(r->err, SW_NO_MEMORY, "%s: no memory for %zu parameters", r->name, net->params);
    for (int i = 0; i < net->layer_count; i++) {
        const struct sw_layer *l = &net->layers[i];
        if (l->weights == 0)
            continue;
        if ((code = operand(r, layers[i], 1, l->weights, &t)))
            return code;
        if (l->type->kind == SW_LAYER_DENSE && (t->rank != 2 || t->dims[1] != l->units))
            return malformed(r, "a weight's shape");
        memcpy(r->model.params + l->weights_at, t->raw.at, l->weights * sizeof(float));
        if ((code = operand(r, layers[i], 2, l->biases, &t)))
            return code;
        memcpy(r->model.params + l->biases_at, t->raw.at, l->biases * sizeof(float));
    }
    if ((code = sw_scaler_new(net->in.channels, &r->model.scaler, r->err)))
        return code;
    size_t channels = (size_t)net->in.channels;
    if ((code = operand(r, &r->nodes[0], 1, channels, &t)))
        return code;
    memcpy(r->model.scaler.shift, t->raw.at, channels * sizeof(float));
    if ((code = operand(r, &r->nodes[1], 1, channels, &t)))
        return code;
    memcpy(r->model.scaler.scale, t->raw.at, channels * sizeof(float));
    return SW_OK;
}

static enum sw_code build_net(struct reader *r)
{
    struct sw_shape in;
    struct span name = {0};
    struct chain c = {0};
    enum sw_code code = read_input(r, &in, &name);
    if (code || (code = read_chain(r, name, &c)))
        return code;
    if (sw_net_parse(*c.spec ? c.spec : "linear", in, c.units, &r->model.net, r->err))
        return sw_err_wrap(r->err, "%s", r->name);
    if (!is_written_like(r, &r->model.net))
        return unsupported(r, "the order of layers, first operator", r->nodes[2].op);
    return copy_weights(r, c.layers);
}

// Class names from their JSON; a list that does not fit the net is an error, not ignored.
static enum sw_code read_classes(struct reader *r, const char *text)
{
    json_t *names;
    enum sw_code code = sw_json_parse(text, strlen(text), "class names", &sw_tree_limits_default, &names, r->err);
    if (code)
        return sw_err_wrap(r->err, "%s", r->name);
    size_t count = json_is_array(names) ? json_array_size(names) : 0;
    const char **list = sw_arena_array(r->model.arena, count, sizeof *list);
    bool is_good = list && count == (size_t)r->model.net.classes;
    for (size_t i = 0; i < count && is_good; i++) {
        const char *s = json_string_value(json_array_get(names, i));
        list[i] = s ? sw_arena_strdup(r->model.arena, s) : NULL;
        is_good = list[i] != NULL;
    }
    json_decref(names);
    r->model.class_names = is_good ? list : NULL;
    return is_good ? SW_OK : malformed(r, "the list of class names");
}

static enum sw_code read_metadata(struct reader *r, struct span s)
{
    struct field f;
    struct span key, value;
    enum sw_code code = SW_OK;
    while (!code && read_field(&s, &f) > 0) {
        if (f.number != MODEL_METADATA || f.wire != WIRE_BYTES)
            continue;
        if (!find_bytes(f.bytes, ENTRY_KEY, &key) || !find_bytes(f.bytes, ENTRY_VALUE, &value))
            return malformed(r, "metadata");
        size_t len = (size_t)(value.end - value.at);
        if (memchr(value.at, 0, len) || !sw_utf8_valid((const char *)value.at, len))
            return malformed(r, "metadata that is not text");
        const char *text = sw_arena_strndup(r->model.arena, (const char *)value.at, len);
        if (!text)
            return sw_err_set(r->err, SW_LIMIT, "%s: too much metadata", r->name);
        if (is_text(key, META_CLASSES))
            code = read_classes(r, text);
        else if (is_text(key, META_RUN))
            r->model.run_id = text;
        else if (is_text(key, META_DATA))
            r->model.data_name = text;
        else if (is_text(key, META_DATA_DIGEST))
            r->model.data_digest = text;
    }
    return code;
}

static enum sw_code read_opset(struct reader *r, struct span s)
{
    struct field f;
    struct span domain = {0};
    uint64_t version = 0;
    while (read_field(&s, &f) > 0) {
        if (f.number == OPSET_DOMAIN && f.wire == WIRE_BYTES)
            domain = f.bytes;
        else if (f.number == OPSET_NUMBER && f.wire == WIRE_VARINT)
            version = f.value;
    }
    if (domain.at != domain.end)
        return unsupported(r, "operator set", domain);
    // Softmax means what it does here from 13 on; none of these operators has changed up to 22.
    if (version < 13 || version > 22)
        return sw_err_set(r->err, SW_UNSUPPORTED, "%s: ONNX operator set %llu, not 13 to 22", r->name,
                          (unsigned long long)version);
    return SW_OK;
}

static enum sw_code read_model(struct reader *r, struct span s)
{
    struct span whole = s, graph = {0};
    struct field f;
    enum sw_code code = SW_OK;
    bool has_opset = false;
    int more = 0;
    while (!code && (more = read_field(&s, &f)) > 0) {
        if (f.number == MODEL_GRAPH && f.wire == WIRE_BYTES) {
            graph = f.bytes;
        } else if (f.number == MODEL_OPSET && f.wire == WIRE_BYTES) {
            has_opset = true;
            code = read_opset(r, f.bytes);
        }
    }
    if (code)
        return code;
    if (more < 0 || !graph.at || !has_opset)
        return malformed(r, "no whole ONNX model");
    if ((code = read_graph(r, graph)) || (code = build_net(r)))
        return code;
    return read_metadata(r, whole);
}

enum sw_code sw_onnx_read(const void *bytes, size_t len, const char *name, struct sw_model *out, struct sw_err *err)
{
    struct reader *r = calloc(1, sizeof *r);
    if (!r)
        return sw_err_set(err, SW_NO_MEMORY, "%s: out of memory", name);
    r->name = name;
    r->err = err;
    r->model.arena = sw_arena_new(64 << 20);
    enum sw_code code = r->model.arena ? read_model(r, (struct span){bytes, (const uint8_t *)bytes + len})
                                       : sw_err_set(err, SW_NO_MEMORY, "%s: out of memory", name);
    if (code)
        sw_model_free(&r->model);
    else
        *out = r->model;
    free(r);
    return code;
}

enum sw_code sw_onnx_load(const char *path, struct sw_model *out, struct sw_err *err)
{
    struct sw_buf file;
    sw_buf_init(&file, ONNX_READ_MAX);
    enum sw_code code = sw_file_read(path, &file, err);
    if (!code)
        code = sw_onnx_read(file.data, file.len, path, out, err);
    sw_buf_free(&file);
    return code;
}
