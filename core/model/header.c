// SPDX-License-Identifier: Apache-2.0
// ONNX is one protobuf message. Its top level is walked field by field: a length-delimited field that is not asked for
// is skipped by its length, so a file of any size costs a few reads. Lengths are checked against the file's size.
#include "core/model/header.h"

#include "core/base/path.h"
#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FIELDS_MAX    10000      // of the top level
#define ENTRY_MAX     (1u << 20) // bytes of one metadata entry
#define ONNX_PRODUCER 2
#define ONNX_METADATA 14
#define ENTRY_KEY     1
#define ENTRY_VALUE   2

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

// StringStringEntryProto: both members are length-delimited.
static void read_entry(const unsigned char *bytes, size_t len, struct sw_arena *a, struct sw_model_header *h)
{
    const unsigned char *at = bytes, *end = bytes + len, *part[3] = {NULL};
    size_t part_len[3] = {0};
    uint64_t tag, size;
    while (at < end && take_varint(&at, end, &tag) && (tag & 7) == WIRE_BYTES && take_varint(&at, end, &size) &&
           size <= (uint64_t)(end - at)) {
        if (tag >> 3 == ENTRY_KEY || tag >> 3 == ENTRY_VALUE) {
            part[tag >> 3] = at;
            part_len[tag >> 3] = (size_t)size;
        }
        at += size;
    }
    for (size_t i = 0; part[ENTRY_KEY] != NULL && i < sizeof metadata_keys / sizeof metadata_keys[0]; i++) {
        const char *key = metadata_keys[i].key;
        if (strlen(key) != part_len[ENTRY_KEY] || memcmp(key, part[ENTRY_KEY], part_len[ENTRY_KEY]) != 0)
            continue;
        const char *value = part[ENTRY_VALUE] == NULL ? NULL : keep_text(a, part[ENTRY_VALUE], part_len[ENTRY_VALUE]);
        memcpy((char *)h + metadata_keys[i].member, &value, sizeof value); // the member is a const char *
    }
}

// One length-delimited field of interest; false when it cannot be read.
static bool read_field(FILE *file, uint64_t number, size_t len, struct sw_arena *a, struct sw_model_header *h)
{
    unsigned char *bytes = malloc(len + 1);
    bool is_read = bytes != NULL && fread(bytes, 1, len, file) == len;
    if (is_read && number == ONNX_PRODUCER)
        h->producer = keep_text(a, bytes, len);
    else if (is_read)
        read_entry(bytes, len, a, h);
    free(bytes);
    return is_read;
}

static void read_onnx(FILE *file, int64_t size_bytes, struct sw_arena *a, struct sw_model_header *h)
{
    uint64_t tag, value;
    for (int i = 0; i < FIELDS_MAX && read_varint(file, &tag); i++) {
        uint64_t skip = 0;
        switch ((enum wire)(tag & 7)) {
        case WIRE_VARINT:
            if (!read_varint(file, &value))
                return;
            break;
        case WIRE_FIXED64:
            skip = 8;
            break;
        case WIRE_FIXED32:
            skip = 4;
            break;
        case WIRE_BYTES:
            if (!read_varint(file, &skip))
                return;
            if ((tag >> 3 == ONNX_PRODUCER || tag >> 3 == ONNX_METADATA) && skip <= ENTRY_MAX) {
                if (!read_field(file, tag >> 3, (size_t)skip, a, h))
                    return;
                skip = 0;
            }
            break;
        default:
            return; // groups are not used by ONNX
        }
        if (skip > (uint64_t)size_bytes || fseeko(file, (off_t)skip, SEEK_CUR) != 0)
            return;
    }
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
