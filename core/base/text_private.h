// SPDX-License-Identifier: Apache-2.0
// What a character does on a terminal, for the files of core/base that make text safe, quote it or measure it.
#ifndef SW_BASE_TEXT_PRIVATE_H
#define SW_BASE_TEXT_PRIVATE_H

#include "core/base/text.h"

enum text_class {
    TEXT_NARROW,  // one column
    TEXT_WIDE,    // two columns
    TEXT_ZERO,    // joins the character before it
    TEXT_HIDDEN,  // shows as nothing or reorders others: bidi and zero-width controls, tags, noncharacters
    TEXT_CONTROL, // C0, DEL, C1
};

enum text_class text_class_of(uint32_t codepoint);

#endif
