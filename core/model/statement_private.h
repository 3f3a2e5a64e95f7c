// SPDX-License-Identifier: Apache-2.0
// The text that an approval consists of: compact JSON with sorted keys, so that the same facts are the same bytes.
#ifndef SW_MODEL_STATEMENT_PRIVATE_H
#define SW_MODEL_STATEMENT_PRIVATE_H

#include "core/model/approval.h"

#define STATEMENT_ANY_TARGET "any"

// `user` and `verdicts` as judged for `request`. The text lives in `a`.
enum sw_code statement_write(struct sw_store *s, const struct sw_approval_request *request, const char *user,
                             const struct sw_verdict_list *verdicts, struct sw_arena *a, const char **out,
                             struct sw_err *err);

struct statement {
    const char *target; // name or STATEMENT_ANY_TARGET
    const char *policy_name;
    const char *rules_json; // for sw_policy_from_rules()
};
// Reads a stored statement back and compares it with its row: SW_CORRUPT when model, version, digest or user differ.
enum sw_code statement_read(const struct sw_approval *row, struct sw_arena *a, struct statement *out,
                            struct sw_err *err);

#endif
