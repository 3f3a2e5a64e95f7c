// SPDX-License-Identifier: Apache-2.0
// JSON written as it is made, without a tree: for replies of many rows. The writer puts commas; the caller keeps objects and
// arrays balanced and gives a key for every member of an object and none (NULL) in an array. Failures are the buffer's
// (sw_buf_check() once at the end). NaN and infinities become the texts "NaN", "Infinity", "-Infinity" (protobuf's JSON
// mapping); malformed UTF-8 becomes U+FFFD.
#ifndef SW_BASE_JSON_OUT_H
#define SW_BASE_JSON_OUT_H

#include <stdint.h>

#include "core/base/buf.h"

struct sw_json_out {
    struct sw_buf *buf; // borrow
    bool needs_comma;
};

void sw_json_out_init(struct sw_json_out *o, struct sw_buf *buf);
void sw_json_begin_object(struct sw_json_out *o, const char *key);
void sw_json_end_object(struct sw_json_out *o);
void sw_json_begin_array(struct sw_json_out *o, const char *key);
void sw_json_end_array(struct sw_json_out *o);
void sw_json_put_text(struct sw_json_out *o, const char *key, const char *value); // NULL is null
void sw_json_put_int(struct sw_json_out *o, const char *key, int64_t value);
void sw_json_put_real(struct sw_json_out *o, const char *key, double value); // shortest that reads back the same
void sw_json_put_bool(struct sw_json_out *o, const char *key, bool value);

#endif
