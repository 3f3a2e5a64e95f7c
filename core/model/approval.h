// SPDX-License-Identifier: Apache-2.0
// Approvals: a person says that exactly these bytes may leave, under a stated policy, for a stated target. What was
// approved is a canonical JSON text, the statement; it is stored as it was signed. An approval never expires; it ends
// when it is revoked, and it says nothing about other bytes.
#ifndef SW_MODEL_APPROVAL_H
#define SW_MODEL_APPROVAL_H

#include "core/model/policy.h"

#define SW_STATEMENT_MAX (1u << 20)

struct sw_approval_request {
    const struct sw_model_version *version;
    const struct sw_policy *policy;
    const char *target;      // name of the only target it is for; NULL = any
    const char *user;        // NULL = the login name
    const char *comment;     // NULL = none
    const char *signing_key; // see signature.h; NULL = not signed
};
// Hashes the stored bytes, judges the policy and stores statement, signature and audit row in one FULL-durable step.
// `verdicts` (may be NULL) is filled whenever the policy could be judged, also when it refuses.
// SW_REFUSED: bytes changed, a gate failed or waits, one's own version, a missing or unfit signature. Failpoints
// "approval.before", "approval.commit".
enum sw_code sw_approval_grant(struct sw_store *s, const struct sw_approval_request *request, struct sw_arena *a,
                               struct sw_verdict_list *verdicts, int64_t *approval_id, struct sw_err *err);
// Withdraws approval `approval_id` of this version, or all that are in force when it is 0, with audit rows, in one
// FULL-durable step. SW_NOT_FOUND when there is none in force. `user` NULL = the login name.
enum sw_code sw_approval_withdraw(struct sw_store *s, const struct sw_model_version *v, int64_t approval_id,
                                  const char *user, const char *reason, size_t *withdrawn, struct sw_err *err);

// How a version stands under a policy, approvals included: the last verdict is the rule "approvals".
struct sw_approval_standing {
    struct sw_policy policy; // the one judged by
    struct sw_verdict_list verdicts;
    struct sw_approval *counted; // approvals in force that the policy accepts, oldest first, one a user
    size_t counted_count;
    bool is_approved; // every verdict passes
};
// `policy` NULL: the rules written in the newest approval in force, else the default policy. `target` NULL: only
// approvals for any target count. Does not hash the model again.
enum sw_code sw_approval_review(struct sw_store *s, const struct sw_model_version *v, const struct sw_policy *policy,
                                const char *target, struct sw_arena *a, struct sw_approval_standing *out,
                                struct sw_err *err);
// What a push asks: bytes unchanged and approved. SW_REFUSED says which rule is in the way; *out is filled as far as
// the review came (zeroed otherwise).
enum sw_code sw_approval_check(struct sw_store *s, const struct sw_model_version *v, const struct sw_policy *policy,
                               const char *target, struct sw_arena *a, struct sw_approval_standing *out,
                               struct sw_err *err);

#endif
