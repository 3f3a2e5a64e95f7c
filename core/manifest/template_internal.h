// SPDX-License-Identifier: Apache-2.0
// The loaded template and the grammar of placeholders, shared by loading and rendering.
#ifndef SW_MANIFEST_TEMPLATE_INTERNAL_H
#define SW_MANIFEST_TEMPLATE_INTERNAL_H

#include "core/manifest/template.h"

// The key that makes a mapping conditional: its value names a parameter.
#define TEMPLATE_IF "$if"

enum { TEMPLATE_MAX_PARAMETERS = 200 };

struct sw_template {
    struct sw_template_info info;
    struct sw_arena *arena;
    struct sw_yaml *yaml; // document 0 is the declaration
    struct sw_option options[TEMPLATE_MAX_PARAMETERS];
};

enum placeholder {
    PLACEHOLDER_NONE,      // plain text, in which "$${" stands for "${"
    PLACEHOLDER_PARAMETER, // all of it is "${name}"
    PLACEHOLDER_INSIDE,    // "${" inside a longer text: refused
};
// For PLACEHOLDER_PARAMETER the name's place is given.
enum placeholder template_placeholder(const char *text, const char **name, size_t *len);
const struct sw_option *template_parameter(const struct sw_template *t, const char *name, size_t len);
// Checks a value and speaks of "parameter NAME" where sw_option_check() speaks of "--NAME".
enum sw_code template_check_value(const struct sw_option *o, const char *value, struct sw_err *err);

#endif
