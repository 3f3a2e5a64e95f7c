// SPDX-License-Identifier: Apache-2.0
// JSON read as it comes, without a tree: for requests of many rows. The reader walks a text that it may change: strings are
// unescaped and ended in place, so they live as long as the text. After a failure every call says no and `problem` tells why
// (borrow, static); callers look once at the end. Beyond RFC 8259, bare NaN, Infinity and -Infinity are numbers, as Python
// writes them. Nesting in skipped values is limited to 32.
//
//     for (bool more = sw_json_in_object(&in); more && sw_json_in_key(&in, &key);)
//         if (strcmp(key, "step") == 0) sw_json_in_int(&in, &step); else sw_json_in_skip(&in);
#ifndef SW_BASE_JSON_IN_H
#define SW_BASE_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_json_in {
    char *at, *end;
    bool is_first;       // nothing of the container that was opened last was read
    const char *problem; // NULL while all is well
};

void sw_json_in_init(struct sw_json_in *in, char *text, size_t len); // text[len] must be NUL
bool sw_json_in_object(struct sw_json_in *in);                       // takes '{'
bool sw_json_in_key(struct sw_json_in *in, char **key);              // the next member's key; false after taking '}'
bool sw_json_in_array(struct sw_json_in *in);                        // takes '['
bool sw_json_in_item(struct sw_json_in *in);                         // is there another? false after taking ']'
bool sw_json_in_null(struct sw_json_in *in);                         // takes null if it is next; no failure otherwise
bool sw_json_in_text(struct sw_json_in *in, char **out);
bool sw_json_in_real(struct sw_json_in *in, double *out); // a number, or a text that spells one (protobuf's mapping)
bool sw_json_in_int(struct sw_json_in *in, int64_t *out); // likewise; a real must be whole
bool sw_json_in_skip(struct sw_json_in *in);              // one value of any kind
char sw_json_in_peek(struct sw_json_in *in);              // first byte of the next value; '\0' at the end
bool sw_json_in_fail(struct sw_json_in *in, const char *problem); // false
bool sw_json_in_end(struct sw_json_in *in);                       // all read, nothing but white space follows

#endif
