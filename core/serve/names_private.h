// SPDX-License-Identifier: Apache-2.0
// MLflow's rules for the names and values of metrics, params and tags, with its messages (utils/validation.py of 3.17).
#ifndef SW_SERVE_NAMES_PRIVATE_H
#define SW_SERVE_NAMES_PRIVATE_H

#include "core/base/arena.h"
#include "core/store/experiment.h"

// MLflow counts characters, here are bytes of UTF-8.
enum { SW_KEY_BYTES = 250, SW_PARAM_BYTES = 6000, SW_TAG_BYTES = 8000 };

// The text as a JSON string, cut to fit, for messages: returns `out`.
char *sw_name_quote(const char *text, char *out, size_t size);

// Letters of any script, digits, "_-. :/", and a name that would be no other file's when taken for a path. `path` names
// the parameter in the message.
enum sw_code sw_name_rule(const char *path, const char *name, struct sw_err *err);
// "'WHAT' exceeds the maximum length of N characters".
enum sw_code sw_length_rule(const char *what, const char *text, size_t most, struct sw_err *err);
// Params and tags of a run: names checked, values cut at their limit, as MLflow does.
enum sw_code sw_param_rule(struct sw_arena *a, const char *path, struct sw_pair *pair, struct sw_err *err);
enum sw_code sw_tag_rule(struct sw_arena *a, const char *path, struct sw_pair *pair, struct sw_err *err);

#endif
