// SPDX-License-Identifier: Apache-2.0
// Files made from the command table: shell completions and the manual. Output is the same on every machine.
#ifndef SW_APP_GENERATE_H
#define SW_APP_GENERATE_H

#include "app/command.h"

// What completes a value: "dataset", "run", ... (a kind of completion-names); "file"; words "a|b|c"; NULL = nothing.
const char *sw_option_completion(const struct sw_option *o);
bool sw_completion_is_words(const char *completes); // "a|b|c" and not a kind

void sw_generate_bash(struct sw_buf *out);
void sw_generate_zsh(struct sw_buf *out);
void sw_generate_fish(struct sw_buf *out);
void sw_generate_manual(struct sw_buf *out);         // slipway.1, mdoc
void sw_generate_trainer_manual(struct sw_buf *out); // slipway-train.1, mdoc

#endif
