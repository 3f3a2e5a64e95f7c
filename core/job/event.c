// SPDX-License-Identifier: Apache-2.0
// TensorBoard's messages, field by field. A protobuf message is a row of fields, each a key (number and wire type) and a
// value; unknown ones are passed over by their wire type (protobuf.dev, "Encoding"). Later fields win, as the format says.
#include "core/job/tensorboard_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Wire types.
enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

struct cursor {
    const unsigned char *at, *end;
    bool is_bad;
};
struct field {
    uint32_t number;
    int wire;
    uint64_t value;                // of VARINT, FIXED32, FIXED64
    struct sw_job_event_text text; // of BYTES
};

static struct cursor open_text(struct sw_job_event_text t)
{
    const unsigned char *from = (const unsigned char *)(t.bytes ? t.bytes : "");
    return (struct cursor){.at = from, .end = from + t.len};
}

static uint64_t take_varint(struct cursor *c)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        unsigned char byte = *c->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    c->is_bad = true;
    return 0;
}

static uint64_t take_fixed(struct cursor *c, size_t len)
{
    uint64_t value = 0;
    if ((size_t)(c->end - c->at) < len) {
        c->is_bad = true;
        return 0;
    }
    memcpy(&value, c->at, len);
    c->at += len;
    return value;
}

// The next field; false at the end and at a fault (c->is_bad).
static bool take_field(struct cursor *c, struct field *f)
{
    if (c->at == c->end || c->is_bad)
        return false;
    uint64_t key = take_varint(c), len;
    *f = (struct field){.number = (uint32_t)(key >> 3), .wire = (int)(key & 7)};
    switch (f->wire) {
    case VARINT:
        f->value = take_varint(c);
        break;
    case FIXED64:
        f->value = take_fixed(c, 8);
        break;
    case FIXED32:
        f->value = take_fixed(c, 4);
        break;
    case BYTES:
        len = take_varint(c);
        c->is_bad |= len > (uint64_t)(c->end - c->at);
        if (!c->is_bad) {
            f->text = (struct sw_job_event_text){(const char *)c->at, (size_t)len};
            c->at += len;
        }
        break;
    default: // groups are of no message here
        c->is_bad = true;
    }
    c->is_bad |= f->number == 0;
    return !c->is_bad;
}

static double as_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double as_float(uint64_t bits)
{
    float value;
    uint32_t low = (uint32_t)bits;
    memcpy(&value, &low, sizeof(value));
    return (double)value;
}

// --- tensors ---

enum kind { KIND_FLOAT, KIND_SIGNED, KIND_UNSIGNED, KIND_HALF, KIND_BFLOAT16 };

// The types that a scalar may have: enum DataType, the size of one in tensor_content, its field of values.
static const struct type {
    int dtype;
    size_t size;
    enum kind kind;
    uint32_t field;
} types[] = {
    {1, 4, KIND_FLOAT, 5},      {2, 8, KIND_FLOAT, 6},     {3, 4, KIND_SIGNED, 7},  {4, 1, KIND_UNSIGNED, 7},
    {5, 2, KIND_SIGNED, 7},     {6, 1, KIND_SIGNED, 7},    {9, 8, KIND_SIGNED, 10}, {10, 1, KIND_UNSIGNED, 11},
    {14, 2, KIND_BFLOAT16, 13}, {17, 2, KIND_UNSIGNED, 7}, {19, 2, KIND_HALF, 13},  {22, 4, KIND_UNSIGNED, 16},
    {23, 8, KIND_UNSIGNED, 17},
};
enum { TYPE_STRING = 7, FIELD_CONTENT = 4, FIELD_STRING = 8 };

static const struct type *find_type(uint64_t dtype)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((uint64_t)types[i].dtype == dtype)
            return &types[i];
    return NULL;
}

// IEEE 754 binary16.
static double half_value(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
    double value = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                   : exponent == 0 ? ldexp(fraction, -24)
                                   : ldexp(1024 + fraction, exponent - 25);
    return bits >> 15 & 1 ? -value : value;
}

// `bits` as they stand in memory, `size` bytes of them.
static double number(const struct type *t, uint64_t bits, size_t size)
{
    unsigned unused = (unsigned)(64 - 8 * size);
    switch (t->kind) {
    case KIND_FLOAT:
        return size == 4 ? as_float(bits) : as_double(bits);
    case KIND_HALF:
        return half_value(bits);
    case KIND_BFLOAT16:
        return as_float(bits << 16);
    case KIND_SIGNED:
        return (double)((int64_t)(bits << unused) >> unused);
    case KIND_UNSIGNED:
        break;
    }
    return (double)(bits << unused >> unused);
}

struct tensor {
    uint64_t dtype;
    size_t dims;
    struct sw_job_event_text message, content;
};

static bool read_tensor(struct sw_job_event_text message, struct tensor *out)
{
    struct cursor c = open_text(message), shape;
    struct field f, d;
    *out = (struct tensor){.message = message};
    while (take_field(&c, &f)) {
        if (f.number == 1 && f.wire == VARINT)
            out->dtype = f.value;
        if (f.number == FIELD_CONTENT && f.wire == BYTES)
            out->content = f.text;
        if (f.number == 2 && f.wire == BYTES) {
            shape = open_text(f.text);
            for (out->dims = 0; take_field(&shape, &d);)
                out->dims += d.number == 2;
            c.is_bad |= shape.is_bad;
        }
    }
    return !c.is_bad;
}

// The one number of a tensor without dimensions.
static bool scalar_of(const struct tensor *t, double *out)
{
    const struct type *type = find_type(t->dtype);
    struct cursor c = open_text(t->message);
    struct field f;
    bool found = false;
    if (!type || t->dims > 0)
        return false;
    if (t->content.len > 0) {
        uint64_t bits = 0;
        if (t->content.len != type->size)
            return false;
        memcpy(&bits, t->content.bytes, type->size);
        *out = number(type, bits, type->size);
        return true;
    }
    // Numbers of *_val fields: packed, or one by one. Small ones travel as varints of 64 bits.
    size_t fixed = type->kind == KIND_FLOAT ? type->size : 0;
    while (!found && take_field(&c, &f)) {
        if (f.number != type->field)
            continue;
        struct cursor packed = open_text(f.text);
        uint64_t bits = f.wire == BYTES ? (fixed ? take_fixed(&packed, fixed) : take_varint(&packed)) : f.value;
        if (packed.is_bad)
            return false;
        *out = number(type, bits, fixed ? fixed : type->kind <= KIND_UNSIGNED ? 8 : 2);
        found = true;
    }
    if (!found)
        *out = 0.0; // protobuf leaves out what is zero
    return true;
}

// --- values of a summary ---

struct value {
    const struct sw_job_event_sink *sink;
    int64_t step, time_ms;
    struct sw_job_event_text tag, plugin, content, image, tensor;
    bool has_simple, has_image, has_tensor;
    double simple;
};

static bool is_text(struct sw_job_event_text t, const char *wanted)
{
    return t.len == strlen(wanted) && memcmp(t.bytes, wanted, t.len) == 0;
}

static bool read_metadata(struct sw_job_event_text message, struct value *v)
{
    struct cursor c = open_text(message), plugin;
    struct field f, p;
    while (take_field(&c, &f)) {
        if (f.number != 1 || f.wire != BYTES)
            continue;
        plugin = open_text(f.text);
        while (take_field(&plugin, &p)) {
            if (p.number == 1 && p.wire == BYTES)
                v->plugin = p.text;
            if (p.number == 2 && p.wire == BYTES)
                v->content = p.text;
        }
        c.is_bad |= plugin.is_bad;
    }
    return !c.is_bad;
}

// A number as Python's str() has it, so that a param reads the same whoever reports it; but 1.0 and 1 are one there.
static void format_number(char *out, size_t size, double number)
{
    if (fabs(number) < 1e15 && number == floor(number)) {
        snprintf(out, size, "%.0f", number);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, number);
        if (strtod(out, NULL) == number || isnan(number))
            return;
    }
}

// google.protobuf.Value, of which hparams are texts, numbers and booleans.
static bool read_param(const struct value *v, struct sw_job_event_text entry)
{
    struct cursor c = open_text(entry), inner;
    struct field f, p;
    struct sw_job_event_text key = {0}, text = {0};
    char buffer[40];
    bool found = false;
    while (take_field(&c, &f)) {
        if (f.number == 1 && f.wire == BYTES)
            key = f.text;
        if (f.number != 2 || f.wire != BYTES)
            continue;
        inner = open_text(f.text);
        while (take_field(&inner, &p)) {
            if (p.number == 2 && p.wire == FIXED64)
                format_number(buffer, sizeof(buffer), as_double(p.value));
            else if (p.number == 4 && p.wire == VARINT)
                snprintf(buffer, sizeof(buffer), "%s", p.value ? "True" : "False");
            else if (p.number != 3 || p.wire != BYTES)
                continue;
            text = p.number == 3 ? p.text : (struct sw_job_event_text){buffer, strlen(buffer)};
            found = true;
        }
        c.is_bad |= inner.is_bad;
    }
    if (!c.is_bad && found)
        v->sink->param(v->sink->ctx, key, text);
    return !c.is_bad;
}

static bool read_hparams(const struct value *v)
{
    struct cursor c = open_text(v->content), session;
    struct field f, entry;
    while (take_field(&c, &f)) {
        if (f.number != 3 || f.wire != BYTES) // session_start_info
            continue;
        session = open_text(f.text);
        while (take_field(&session, &entry))
            if (entry.number == 1 && entry.wire == BYTES)
                session.is_bad |= !read_param(v, entry.text);
        c.is_bad |= session.is_bad;
    }
    return !c.is_bad;
}

static bool read_image(const struct value *v)
{
    struct cursor c = open_text(v->image);
    struct field f;
    while (take_field(&c, &f))
        if (f.number == 4 && f.wire == BYTES)
            v->sink->image(v->sink->ctx, v->tag, v->step, 0, f.text);
    return !c.is_bad;
}

// TensorFlow 2: a list of texts, width and height first.
static bool read_image_tensor(const struct value *v, const struct tensor *t)
{
    struct cursor c = open_text(t->message);
    struct field f;
    int index = -2;
    while (take_field(&c, &f)) {
        if (f.number != FIELD_STRING || f.wire != BYTES)
            continue;
        if (index >= 0)
            v->sink->image(v->sink->ctx, v->tag, v->step, index, f.text);
        index++;
    }
    return !c.is_bad;
}

static bool hand_on(const struct value *v)
{
    struct tensor t;
    double number;
    if (is_text(v->plugin, "hparams"))
        return read_hparams(v);
    if (v->has_simple) {
        v->sink->scalar(v->sink->ctx, v->tag, v->simple, v->step, v->time_ms);
        return true;
    }
    if (v->has_image)
        return read_image(v);
    if (!v->has_tensor)
        return true;
    if (!read_tensor(v->tensor, &t))
        return false;
    if (t.dtype == TYPE_STRING)
        return !is_text(v->plugin, "images") || read_image_tensor(v, &t);
    if ((v->plugin.len == 0 || is_text(v->plugin, "scalars")) && scalar_of(&t, &number))
        v->sink->scalar(v->sink->ctx, v->tag, number, v->step, v->time_ms);
    return true;
}

static bool read_value(struct value v, struct sw_job_event_text message)
{
    struct cursor c = open_text(message);
    struct field f;
    while (take_field(&c, &f)) {
        if (f.number == 2 && f.wire == FIXED32) {
            v.has_simple = true;
            v.simple = as_float(f.value);
        }
        if (f.wire != BYTES)
            continue;
        if (f.number == 1) {
            v.tag = f.text;
        } else if (f.number == 4) {
            v.has_image = true;
            v.image = f.text;
        } else if (f.number == 8) {
            v.has_tensor = true;
            v.tensor = f.text;
        } else if (f.number == 9) {
            c.is_bad |= !read_metadata(f.text, &v);
        }
    }
    return !c.is_bad && hand_on(&v);
}

// Seconds as milliseconds; what is no time at all becomes 0.
static int64_t milliseconds(double seconds)
{
    return seconds >= 0.0 && seconds < 1e15 ? (int64_t)(seconds * 1000.0 + 0.5) : 0;
}

enum sw_code sw_job_event_decode(const void *bytes, size_t len, const struct sw_job_event_sink *sink,
                                 struct sw_err *err)
{
    struct cursor c = open_text((struct sw_job_event_text){bytes, len}), summary;
    struct sw_job_event_text message = {0};
    struct value v = {.sink = sink};
    struct field f;
    int values = 0;
    while (take_field(&c, &f)) {
        if (f.number == 1 && f.wire == FIXED64)
            v.time_ms = milliseconds(as_double(f.value));
        if (f.number == 2 && f.wire == VARINT)
            v.step = (int64_t)f.value;
        if (f.number == 5 && f.wire == BYTES)
            message = f.text;
    }
    summary = open_text(message);
    while (!c.is_bad && values < SW_JOB_EVENT_VALUES && take_field(&summary, &f))
        if (f.number == 1 && f.wire == BYTES) {
            summary.is_bad |= !read_value(v, f.text);
            values++;
        }
    if (c.is_bad || summary.is_bad)
        return sw_err_set(err, SW_INVALID, "a record is no event of TensorBoard");
    return SW_OK;
}
