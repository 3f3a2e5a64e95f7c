// SPDX-License-Identifier: Apache-2.0
// TensorBoard's event files, decoded as their bytes come: TFRecord framing (TensorFlow, tsl/lib/io/record_writer.h) around
// messages in protobuf's wire format (tensorboard/compat/proto/event.proto, summary.proto, tensor.proto and
// plugins/hparams/plugin_data.proto). Knows nothing of files and jobs. What it has no use for (graphs, histograms, audio,
// text) is passed over; every size is checked against what is there, and nothing is kept but the record at hand.
#ifndef SW_JOB_TENSORBOARD_PRIVATE_H
#define SW_JOB_TENSORBOARD_PRIVATE_H

#include <stdint.h>

#include "core/base/buf.h"

#define SW_JOB_EVENT_BYTES  (16 << 20) // a longer record is passed over, unread
#define SW_JOB_EVENT_VALUES 4096       // of one event; further ones are passed over

// What an event file holds for us. Texts are neither NUL-terminated nor known to be UTF-8; all is borrowed for the call.
struct sw_job_event_text {
    const char *bytes;
    size_t len;
};
struct sw_job_event_sink {
    // A scalar: a simple_value, or a tensor of one number.
    void (*scalar)(void *ctx, struct sw_job_event_text tag, double value, int64_t step, int64_t time_ms);
    // A hyperparameter of the hparams plugin. `value` is text as Python's str() would have it: "0.1", "True", "adam".
    void (*param)(void *ctx, struct sw_job_event_text key, struct sw_job_event_text value);
    // An encoded image; `index` counts the images of one value from 0.
    void (*image)(void *ctx, struct sw_job_event_text tag, int64_t step, int index, struct sw_job_event_text file);
    void *ctx;
};

struct sw_job_event_reader {
    struct sw_buf pending; // what came and is no whole record yet
    uint64_t skip;         // bytes of a passed-over record that are still to come
    bool is_corrupt;       // the rest of the file means nothing
};
void sw_job_event_reader_init(struct sw_job_event_reader *r);
void sw_job_event_reader_free(struct sw_job_event_reader *r);
// Takes the next bytes of the file and hands on the content of every record that is complete. SW_INVALID at the first
// corrupt record, which is told once: from then on bytes are ignored. SW_NO_MEMORY.
enum sw_code sw_job_event_reader_feed(struct sw_job_event_reader *r, const void *bytes, size_t len,
                                      const struct sw_job_event_sink *sink, struct sw_err *err);

// One Event message. SW_INVALID when it is malformed; what came before the fault has been handed on.
enum sw_code sw_job_event_decode(const void *bytes, size_t len, const struct sw_job_event_sink *sink,
                                 struct sw_err *err);

// The masked CRC-32C of TFRecord framing.
uint32_t sw_job_event_crc(const void *bytes, size_t len);

#endif
