// SPDX-License-Identifier: Apache-2.0
// ONNX is one protobuf message. Its top level and its graph are walked field by field: a length-delimited field that is not asked for
// is skipped by its length, so a file of any size costs a few reads. Lengths are checked against the file's size.
#include "core/model/header.h"

#include "core/base/path.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIELDS_MAX    10000      // of the top level, and of the graph
#define ENTRY_MAX     (1u << 20) // bytes of one metadata entry
#define ONNX_PRODUCER 2
#define ONNX_GRAPH    7
#define ONNX_METADATA 14
#define GRAPH_INPUT   11
#define GRAPH_OUTPUT  12
#define ENTRY_KEY     1
#define ENTRY_VALUE   2
#define VALUE_NAME    1
#define VALUE_TYPE    2
#define TYPE_TENSOR   1
#define TENSOR_TYPE   1
#define TENSOR_SHAPE  2
#define SHAPE_DIM     1
#define DIM_VALUE     1
#define TYPE_FLOAT    1

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

static const struct {
    const char *key;
    size_t member; // of struct sw_model_header
} metadata_keys[] = {
    {"slipway.classes", offsetof(struct sw_model_header, classes)},
    {"slipway.input_shape", offsetof(struct sw_model_header, input_shape)},
    {"slipway.data", offsetof(struct sw_model_header, data)},
    {"slipway.data_digest", offsetof(struct sw_model_header, data_digest)},
    {"slipway.run_id", offsetof(struct sw_model_header, run_id)},
};

static bool read_varint(FILE *file, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        int byte = fgetc(file);
        if (byte == EOF)
            return false;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_varint(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        unsigned char byte = *(*at)++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

// A text as the header may give it out: strict UTF-8 without NUL, else unknown.
static const char *keep_text(struct sw_arena *a, const unsigned char *bytes, size_t len)
{
    const char *text = (const char *)bytes;
    return memchr(text, '\0', len) == NULL && sw_utf8_valid(text, len) ? sw_arena_strndup(a, text, len) : NULL;
}

// A message in memory, and one field of it.
struct span {
    const unsigned char *at, *end;
};
struct field {
    uint64_t number;
    enum wire wire;
    uint64_t value;    // of a varint
    struct span bytes; // of a length-delimited field
};

// The next field; false at the end, for damage, and for the fixed sizes, which none of these messages has.
static bool take_field(struct span *in, struct field *f)
{
    uint64_t tag = 0, size = 0;
    if (in->at == NULL || in->at >= in->end || !take_varint(&in->at, in->end, &tag))
        return false;
    f->number = tag >> 3;
    f->wire = (enum wire)(tag & 7);
    if (f->wire == WIRE_VARINT)
        return take_varint(&in->at, in->end, &f->value);
    if (f->wire != WIRE_BYTES || !take_varint(&in->at, in->end, &size) || size > (uint64_t)(in->end - in->at))
        return false;
    f->bytes = (struct span){in->at, in->at + size};
    in->at += size;
    return true;
}

// The last length-delimited field of that number; an empty span when there is none.
static struct span find_bytes(struct span in, uint64_t number)
{
    struct span found = {0};
    struct field f = {0};
    while (take_field(&in, &f))
        if (f.number == number && f.wire == WIRE_BYTES)
            found = f.bytes;
    return found;
}

static uint64_t find_varint(struct span in, uint64_t number, uint64_t otherwise)
{
    struct field f = {0};
    while (take_field(&in, &f))
        if (f.number == number && f.wire == WIRE_VARINT)
            otherwise = f.value;
    return otherwise;
}

static const char *span_text(struct sw_arena *a, struct span s)
{
    return s.at == NULL ? NULL : keep_text(a, s.at, (size_t)(s.end - s.at));
}

// StringStringEntryProto
static void read_entry(struct span in, struct sw_arena *a, struct sw_model_header *h)
{
    struct span key = find_bytes(in, ENTRY_KEY);
    size_t len = key.at == NULL ? 0 : (size_t)(key.end - key.at);
    for (size_t i = 0; key.at != NULL && i < sizeof metadata_keys / sizeof metadata_keys[0]; i++) {
        if (strlen(metadata_keys[i].key) != len || memcmp(metadata_keys[i].key, key.at, len) != 0)
            continue;
        const char *value = span_text(a, find_bytes(in, ENTRY_VALUE));
        memcpy((char *)h + metadata_keys[i].member, &value, sizeof value); // the member is a const char *
    }
}

// ValueInfoProto: the first of its kind that is a tensor of floats.
static void read_tensor(struct span in, struct sw_arena *a, struct sw_model_tensor *out)
{
    struct sw_model_tensor t = {.name = span_text(a, find_bytes(in, VALUE_NAME))};
    struct span tensor = find_bytes(find_bytes(in, VALUE_TYPE), TYPE_TENSOR);
    struct span shape = find_bytes(tensor, TENSOR_SHAPE);
    struct field f = {0};
    if (out->rank > 0 || t.name == NULL || find_varint(tensor, TENSOR_TYPE, 0) != TYPE_FLOAT)
        return;
    while (take_field(&shape, &f)) {
        if (f.number != SHAPE_DIM || f.wire != WIRE_BYTES)
            continue;
        if (t.rank == SW_MODEL_RANK)
            return;
        uint64_t size = find_varint(f.bytes, DIM_VALUE, 0);
        t.dims[t.rank++] = size > 0 && size <= INT32_MAX ? (int64_t)size : -1;
    }
    *out = t;
}

// What is wanted of the model and of its graph.
static void read_member(bool in_graph, uint64_t number, struct span bytes, struct sw_arena *a,
                        struct sw_model_header *h)
{
    if (!in_graph && number == ONNX_PRODUCER)
        h->producer = span_text(a, bytes);
    else if (!in_graph)
        read_entry(bytes, a, h);
    else
        read_tensor(bytes, a, number == GRAPH_INPUT ? &h->input : &h->output);
}

static bool is_wanted(bool in_graph, uint64_t number, uint64_t size)
{
    bool is_member =
        in_graph ? number == GRAPH_INPUT || number == GRAPH_OUTPUT : number == ONNX_PRODUCER || number == ONNX_METADATA;
    return is_member && size <= ENTRY_MAX;
}

// One length-delimited field of interest; false when it cannot be read.
static bool read_field(FILE *file, bool in_graph, uint64_t number, size_t len, struct sw_arena *a,
                       struct sw_model_header *h)
{
    unsigned char *bytes = malloc(len + 1);
    bool is_read = bytes != NULL && fread(bytes, 1, len, file) == len;
    if (is_read)
        read_member(in_graph, number, (struct span){bytes, bytes + len}, a, h);
    free(bytes);
    return is_read;
}

// The fields up to `end`; the graph's are read by one more call. False when the file cannot be read on.
static bool read_fields(FILE *file, off_t end, bool in_graph, struct sw_arena *a, struct sw_model_header *h)
{
    uint64_t tag, value;
    for (int i = 0; i < FIELDS_MAX && ftello(file) < end && read_varint(file, &tag); i++) {
        uint64_t skip = 0;
        switch ((enum wire)(tag & 7)) {
        case WIRE_VARINT:
            if (!read_varint(file, &value))
                return false;
            break;
        case WIRE_FIXED64:
            skip = 8;
            break;
        case WIRE_FIXED32:
            skip = 4;
            break;
        case WIRE_BYTES:
            if (!read_varint(file, &skip))
                return false;
            break;
        default:
            return false; // groups are not used by ONNX
        }
        off_t at = ftello(file);
        if (at < 0 || skip > (uint64_t)(end - at) || at > end)
            return false;
        bool is_bytes = (tag & 7) == WIRE_BYTES;
        if (is_bytes && is_wanted(in_graph, tag >> 3, skip) && !read_field(file, in_graph, tag >> 3, skip, a, h))
            return false;
        if (is_bytes && !in_graph && tag >> 3 == ONNX_GRAPH && !read_fields(file, at + (off_t)skip, true, a, h))
            return false;
        if (fseeko(file, at + (off_t)skip, SEEK_SET) != 0)
            return false;
    }
    return true;
}

static void read_onnx(FILE *file, int64_t size_bytes, struct sw_arena *a, struct sw_model_header *h)
{
    (void)read_fields(file, (off_t)size_bytes, false, a, h);
}

static const struct {
    const char *ending;
    const char *format;
    void (*read)(FILE *file, int64_t size_bytes, struct sw_arena *a, struct sw_model_header *h);
} formats[] = {
    {".onnx", "onnx", read_onnx},
};

enum sw_code sw_model_header_read(const char *root, const struct sw_model_files *files, struct sw_arena *a,
                                  struct sw_model_header *out, struct sw_err *err)
{
    struct sw_model_header h = {0};
    for (size_t i = 0; i < files->count; i++) {
        const char *ending = strrchr(files->items[i].path, '.');
        for (size_t k = 0; ending != NULL && k < sizeof formats / sizeof formats[0]; k++) {
            if (strcmp(ending, formats[k].ending) != 0)
                continue;
            char path[SW_PATH_MAX];
            enum sw_code code = sw_path_join(path, root, files->items[i].path, err);
            if (code != SW_OK)
                return code;
            FILE *file = fopen(path, "rbe");
            if (file == NULL)
                return sw_err_errno(err, errno, "opening '%s'", path);
            h.path = files->items[i].path;
            h.format = formats[k].format;
            formats[k].read(file, files->items[i].size_bytes, a, &h);
            fclose(file);
            *out = h;
            return SW_OK;
        }
    }
    *out = h;
    return SW_OK;
}
