// SPDX-License-Identifier: Apache-2.0
// TFRecord framing: length (8 bytes), its checksum (4), that many bytes, their checksum (4), all little-endian. A file that
// is being written ends anywhere within that; such an end waits for more. A wrong checksum leaves no way to find the next
// record, so it ends the file. Decoding of the records is event.c's.
#include "core/job/tensorboard_private.h"

#include <string.h>

enum { HEADER = 12, TRAILER = 4 };

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78) by half bytes: fast enough for what a training writes.
static const uint32_t crc_table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
                                       0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t sw_job_event_crc(const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        crc = crc >> 4 ^ crc_table[crc & 15];
        crc = crc >> 4 ^ crc_table[crc & 15];
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8; // the mask: checksums of checksums are weak
}

static uint32_t load_u32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value)); // every supported machine is little-endian
    return value;
}

void sw_job_event_reader_init(struct sw_job_event_reader *r)
{
    *r = (struct sw_job_event_reader){0};
    sw_buf_init(&r->pending, SW_JOB_EVENT_BYTES + HEADER + TRAILER + (1 << 20));
}

void sw_job_event_reader_free(struct sw_job_event_reader *r)
{
    sw_buf_free(&r->pending);
}

// The record at `at`, of which `len` bytes are there. *used 0: it is not complete. Bytes to pass over beyond `len` go to
// r->skip.
static enum sw_code take_record(struct sw_job_event_reader *r, const char *at, size_t len,
                                const struct sw_job_event_sink *sink, size_t *used, struct sw_err *err)
{
    uint64_t size;
    *used = 0;
    if (len < HEADER)
        return SW_OK;
    memcpy(&size, at, sizeof(size));
    if (load_u32(at + 8) != sw_job_event_crc(at, 8) || size > INT64_MAX - HEADER - TRAILER)
        return sw_err_set(err, SW_INVALID, "the length of a record does not match its checksum");
    if (size > SW_JOB_EVENT_BYTES) {
        uint64_t whole = HEADER + size + TRAILER;
        *used = whole < len ? (size_t)whole : len;
        r->skip = whole - *used;
        return SW_OK;
    }
    if (len - HEADER < size + TRAILER)
        return SW_OK;
    if (load_u32(at + HEADER + size) != sw_job_event_crc(at + HEADER, (size_t)size))
        return sw_err_set(err, SW_INVALID, "a record does not match its checksum");
    *used = HEADER + (size_t)size + TRAILER;
    return sw_job_event_decode(at + HEADER, (size_t)size, sink, err);
}

enum sw_code sw_job_event_reader_feed(struct sw_job_event_reader *r, const void *bytes, size_t len,
                                      const struct sw_job_event_sink *sink, struct sw_err *err)
{
    const char *from = bytes;
    if (r->is_corrupt)
        return SW_OK;
    size_t skipped = r->skip < len ? (size_t)r->skip : len;
    r->skip -= skipped;
    sw_buf_add(&r->pending, from + skipped, len - skipped);
    enum sw_code code = sw_buf_check(&r->pending, "a TensorBoard record", err);
    size_t at = 0;
    for (size_t used = 1; !code && used > 0; at += used)
        code = take_record(r, r->pending.data + at, r->pending.len - at, sink, &used, err);
    r->is_corrupt = code == SW_INVALID || code == SW_LIMIT;
    if (r->is_corrupt)
        sw_buf_free(&r->pending);
    else
        sw_buf_drop_front(&r->pending, at);
    return code;
}
