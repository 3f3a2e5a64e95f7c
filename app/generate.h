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
void sw_generate_api_manual(struct sw_buf *out);     // slipway-api.7, mdoc

// Parts of a page: its head, running text, "lower case, no full stop" as a sentence.
void sw_mdoc_head(struct sw_buf *out, const char *name, int section, const char *summary);
void sw_mdoc_text(struct sw_buf *out, const char *text);
void sw_mdoc_sentence(struct sw_buf *out, const char *text);

#endif
