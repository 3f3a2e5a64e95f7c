// SPDX-License-Identifier: Apache-2.0
// Which approvals count, and whether they are enough; see approval.h. An approval given under other rules is not void:
// the rules asked for now are judged anew and the approval counts if these accept it.
#include "core/model/approval.h"

#include "core/base/text.h"
#include "core/model/author_private.h"
#include "core/model/signature.h"
#include "core/model/statement_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct reviewing {
    struct sw_store *store;
    const struct sw_model_version *version;
    const struct sw_policy *policy;
    const char *target;
    struct sw_arena *arena;
    struct sw_approval_standing *standing;
};

static bool is_counted_user(const struct sw_approval_standing *st, const char *user)
{
    for (size_t i = 0; i < st->counted_count; i++) {
        if (strcmp(st->counted[i].user, user) == 0)
            return true;
    }
    return false;
}

// Why the policy does not accept the signature; NULL when it does.
static enum sw_code judge_signature(const struct reviewing *r, const struct sw_approval *row, const char **why,
                                    struct sw_err *err)
{
    if (row->signature[0] == '\0') {
        *why = r->policy->require_signature ? "is not signed" : NULL;
        return SW_OK;
    }
    if (r->policy->allowed_signers == NULL)
        return SW_OK;
    struct sw_err found = {0};
    enum sw_code code =
        sw_signature_check(row->statement, row->signature, row->user, r->policy->allowed_signers, &found);
    if (code == SW_REFUSED) {
        *why = "has a signature that the allowed signers do not confirm";
        return SW_OK;
    }
    if (code != SW_OK && err != NULL)
        *err = found;
    return code;
}

// Why this approval does not count, as the end of "approval 4 by ada ..."; NULL when it counts.
static enum sw_code judge_approval(const struct reviewing *r, const struct sw_approval *row, const char **why,
                                   struct sw_err *err)
{
    struct statement st;
    *why = NULL;
    if (strcmp(row->digest, r->version->digest) != 0)
        *why = "is for other bytes";
    else if (row->revoked_ms != 0)
        *why = "was revoked";
    else if (statement_read(row, r->arena, &st, NULL) != SW_OK)
        *why = "does not fit its own statement";
    else if (strcmp(st.target, STATEMENT_ANY_TARGET) != 0 && (r->target == NULL || strcmp(st.target, r->target) != 0))
        *why = "is for another target";
    if (*why != NULL)
        return SW_OK;
    bool is_author = false;
    enum sw_code code = author_check(r->store, r->version, row->user, &is_author, err);
    if (code != SW_OK)
        return code;
    if (is_author && !r->policy->allow_author)
        *why = "is by the model's author";
    return *why == NULL ? judge_signature(r, row, why, err) : SW_OK;
}

// Counts approvals, oldest first, and adds the verdict.
static enum sw_code judge_approvals(const struct reviewing *r, const struct sw_approval *list, size_t count,
                                    struct sw_err *err)
{
    struct sw_approval_standing *st = r->standing;
    char last[160] = "";
    st->counted = sw_arena_array(r->arena, count + 1, sizeof *st->counted);
    if (st->counted == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for %zu approvals", count);
    for (size_t i = count; i-- > 0;) {
        const char *why = NULL;
        enum sw_code code = judge_approval(r, &list[i], &why, err);
        if (code != SW_OK)
            return code;
        if (why != NULL)
            snprintf(last, sizeof last, "; approval %" PRId64 " by %.64s %s", list[i].approval_id, list[i].user, why);
        else if (!is_counted_user(st, list[i].user))
            st->counted[st->counted_count++] = list[i];
    }
    int64_t needed = r->policy->approvals;
    bool is_enough = (int64_t)st->counted_count >= needed;
    struct sw_verdict v = {
        .rule = "approvals",
        .want = sw_arena_printf(r->arena, "%" PRId64 "%s%s", needed, r->policy->allow_author ? "" : " (not the author)",
                                r->policy->require_signature ? ", signed" : ""),
        .have = sw_arena_printf(r->arena, "%zu", st->counted_count),
        .outcome = is_enough ? SW_VERDICT_PASS : SW_VERDICT_WAITING,
        .sentence = sw_arena_printf(r->arena, "%zu of %" PRId64 " approval%s%s", st->counted_count, needed,
                                    needed == 1 ? "" : "s", is_enough ? "" : last),
    };
    if (v.want == NULL || v.have == NULL || v.sentence == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to judge approvals");
    sw_verdict_add(&st->verdicts, &v);
    return SW_OK;
}

// The rules of the newest approval in force for these bytes, else the default ones.
static enum sw_code find_policy(const struct reviewing *r, const struct sw_approval *list, size_t count,
                                struct sw_policy *out, struct sw_err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct statement st;
        if (list[i].revoked_ms == 0 && strcmp(list[i].digest, r->version->digest) == 0 &&
            statement_read(&list[i], r->arena, &st, NULL) == SW_OK)
            return sw_policy_from_rules(st.policy_name, st.rules_json, r->arena, out, err);
    }
    return sw_policy_default(r->arena, out, err);
}

enum sw_code sw_approval_review(struct sw_store *s, const struct sw_model_version *v, const struct sw_policy *policy,
                                const char *target, struct sw_arena *a, struct sw_approval_standing *out,
                                struct sw_err *err)
{
    struct sw_approval_standing st = {0};
    struct reviewing r = {
        .store = s, .version = v, .policy = &st.policy, .target = target, .arena = a, .standing = &st};
    struct sw_approval *list = NULL;
    size_t count = 0;
    enum sw_code code = sw_approval_list(s, v->name, v->version, a, &list, &count, err);
    if (code == SW_OK && policy != NULL)
        st.policy = *policy;
    else if (code == SW_OK)
        code = find_policy(&r, list, count, &st.policy, err);
    if (code == SW_OK)
        code = sw_policy_judge(s, &st.policy, v, a, &st.verdicts, err);
    if (code == SW_OK)
        code = judge_approvals(&r, list, count, err);
    if (code != SW_OK)
        return code;
    st.is_approved = st.verdicts.first_bad == NULL;
    *out = st;
    return SW_OK;
}

enum sw_code sw_approval_check(struct sw_store *s, const struct sw_model_version *v, const struct sw_policy *policy,
                               const char *target, struct sw_arena *a, struct sw_approval_standing *out,
                               struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    sw_model_label(v, label);
    *out = (struct sw_approval_standing){0};
    enum sw_code code = sw_model_verify(v, err);
    if (code == SW_CORRUPT) {
        code = sw_err_set(err, SW_REFUSED, "%s", err == NULL ? "" : err->message);
        (void)sw_err_hint(err, "the bytes are not those that were registered: register and approve them anew");
        return code;
    }
    if (code == SW_OK)
        code = sw_approval_review(s, v, policy, target, a, out, err);
    if (code != SW_OK || out->is_approved)
        return code;
    const struct sw_verdict *bad = out->verdicts.first_bad;
    code = sw_err_set(err, SW_REFUSED, "%s is not approved: %s (policy %s)", label, bad->sentence, out->policy.name);
    (void)sw_err_hint(err, "slipway model approve %s", label);
    return code;
}
