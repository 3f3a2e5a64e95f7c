// SPDX-License-Identifier: Apache-2.0
// Fuzzes the reader of TensorBoard's event files. Property: what is handed on does not depend on how the bytes were cut
// into blocks, nor on what follows a damaged record; every text and image lies within the input's size.
// Links: core/job/tensorboard.c core/job/event.c
#include <stdlib.h>
#include <string.h>

#include "core/job/tensorboard_private.h"

enum { HEADER = 12, TRAILER = 4 };

// libFuzzer knows nothing of checksums: gives each record the right ones, to get past them. The first byte of the input
// says whether.
static void mend_checksums(uint8_t *data, size_t len)
{
    for (size_t at = 0; len - at >= HEADER;) {
        uint64_t size;
        memcpy(&size, data + at, sizeof size);
        uint32_t crc = sw_job_event_crc(data + at, sizeof size);
        memcpy(data + at + 8, &crc, sizeof crc);
        if (size > len || len - at - HEADER < size + TRAILER)
            return;
        crc = sw_job_event_crc(data + at + HEADER, (size_t)size);
        memcpy(data + at + HEADER + size, &crc, sizeof crc);
        at += HEADER + (size_t)size + TRAILER;
    }
}

struct heard {
    uint64_t hash;
    size_t calls, most; // bytes that one text may have
};

static void hear(struct heard *h, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    if (len > h->most)
        abort();
    for (size_t i = 0; i < len; i++)
        h->hash = (h->hash ^ at[i]) * 1099511628211u;
    h->hash = (h->hash ^ len) * 1099511628211u;
    h->calls++;
}

static void hear_scalar(void *ctx, struct sw_job_event_text tag, double value, int64_t step, int64_t time_ms)
{
    hear(ctx, tag.bytes, tag.len);
    hear(ctx, &value, value == value ? sizeof value : 0);
    hear(ctx, &step, sizeof step);
    hear(ctx, &time_ms, sizeof time_ms);
    if (time_ms < 0)
        abort();
}

static void hear_param(void *ctx, struct sw_job_event_text key, struct sw_job_event_text value)
{
    hear(ctx, key.bytes, key.len);
    hear(ctx, value.bytes, value.len);
}

static void hear_image(void *ctx, struct sw_job_event_text tag, int64_t step, int index, struct sw_job_event_text file)
{
    hear(ctx, tag.bytes, tag.len);
    hear(ctx, &step, sizeof step);
    hear(ctx, file.bytes, file.len);
    if (index < 0)
        abort();
}

static struct heard read_by(const uint8_t *data, size_t len, size_t block)
{
    struct heard h = {.hash = 14695981039346656037u, .most = len + 40};
    const struct sw_job_event_sink sink = {hear_scalar, hear_param, hear_image, &h};
    struct sw_job_event_reader r;
    sw_job_event_reader_init(&r);
    for (size_t at = 0; at < len; at += block) {
        struct sw_err err = {0};
        size_t part = len - at < block ? len - at : block;
        if (sw_job_event_reader_feed(&r, data + at, part, &sink, &err) != SW_OK && err.message[0] == '\0')
            abort();
    }
    sw_job_event_reader_free(&r);
    return h;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 2)
        return 0;
    uint8_t *copy = malloc(len);
    memcpy(copy, data, len);
    if (copy[0] & 1)
        mend_checksums(copy + 1, len - 1);
    struct heard whole = read_by(copy + 1, len - 1, len), parts = read_by(copy + 1, len - 1, 1 + copy[0] / 2);
    if (whole.hash != parts.hash || whole.calls != parts.calls)
        abort();
    free(copy);
    return 0;
}
