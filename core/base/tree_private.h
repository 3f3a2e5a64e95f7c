// SPDX-License-Identifier: Apache-2.0
// What the JSON and the YAML side of tree.h share: how strings are quoted and how numbers are written.
#ifndef SW_BASE_TREE_PRIVATE_H
#define SW_BASE_TREE_PRIVATE_H

#include "core/base/tree.h"

// Trees built by the program may not be deeper than this when written; a cycle ends here too.
enum { TREE_WRITE_DEPTH = 512 };

// A double-quoted string valid in JSON and in YAML. Characters that a terminal would act on or that could deceive a
// reader (controls, C1, bidi, zero-width, noncharacters) are escaped.
void tree_quote(struct sw_buf *out, const char *text, size_t len);
// The shortest decimal form that reads back as `value`, always recognisable as a real ("1.0", "1.0e+20").
void tree_real(struct sw_buf *out, double value);

#endif
