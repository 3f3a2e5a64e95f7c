// SPDX-License-Identifier: Apache-2.0
// Granting and withdrawing; who is counted at a push is review.c's.
#include "core/model/approval.h"

#include "core/base/failpoint.h"
#include "core/model/author_private.h"
#include "core/model/signature.h"
#include "core/model/statement_private.h"
#include "core/store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Turns "the bytes are not what was registered" into the refusal that it is here.
static enum sw_code refuse_changed_bytes(const struct sw_model_version *v, struct sw_err *err)
{
    enum sw_code code = sw_model_verify(v, err);
    if (code != SW_CORRUPT)
        return code;
    code = sw_err_set(err, SW_REFUSED, "%s", err == NULL ? "" : err->message);
    (void)sw_err_hint(err, "register the model again, evaluate and approve the new version");
    return code;
}

static enum sw_code refuse_bad_verdict(const char *label, const struct sw_policy *p, const struct sw_verdict_list *list,
                                       struct sw_err *err)
{
    if (list->first_bad == NULL)
        return SW_OK;
    size_t others = list->fail_count + list->waiting_count - 1;
    char more[48] = "";
    if (others > 0)
        snprintf(more, sizeof more, ", and %zu more", others);
    return sw_err_set(err, SW_REFUSED, "%s: %s (policy %s%s)", label, list->first_bad->sentence, p->name, more);
}

static enum sw_code refuse_author(struct sw_store *s, const char *label, const struct sw_approval_request *r,
                                  const char *user, struct sw_err *err)
{
    bool is_author = false;
    enum sw_code code = r->policy->allow_author ? SW_OK : author_check(s, r->version, user, &is_author, err);
    if (code != SW_OK || !is_author)
        return code;
    code = sw_err_set(err, SW_REFUSED, "%s was made by %s, and policy %s lets nobody approve one's own model", label,
                      user, r->policy->name);
    (void)sw_err_hint(err, "let somebody else approve, or set 'approvals: {allow_author: true}' in the policy");
    return code;
}

// Signs when a key was given and checks the result as the policy will check it later.
static enum sw_code sign(const char *label, const struct sw_approval_request *r, const char *user,
                         const char *statement, struct sw_buf *signature, struct sw_err *err)
{
    if (r->signing_key == NULL) {
        if (!r->policy->require_signature)
            return SW_OK;
        enum sw_code code =
            sw_err_set(err, SW_REFUSED, "%s: policy %s wants a signed approval", label, r->policy->name);
        (void)sw_err_hint(err, "name the SSH key to sign with");
        return code;
    }
    enum sw_code code = sw_signature_make(statement, r->signing_key, signature, err);
    if (code == SW_OK && r->policy->allowed_signers != NULL)
        code = sw_signature_check(statement, signature->data, user, r->policy->allowed_signers, err);
    return code;
}

static enum sw_code store_approval(struct sw_store *s, const struct sw_approval *row, const char *label,
                                   int64_t *approval_id, struct sw_err *err)
{
    int failed = sw_failpoint("approval.before");
    if (failed != 0)
        return sw_err_errno(err, failed, "approving %s", label);
    enum sw_code code = sw_store_begin(s, SW_STORE_FULL, err);
    if (code != SW_OK)
        return code;
    int64_t id = 0;
    char statement_digest[SW_SHA256_HEX];
    sw_sha256_hex(row->statement, strlen(row->statement), statement_digest);
    code = sw_approval_add(s, row, &id, err);
    if (code == SW_OK)
        code = sw_audit_add_tree(s, "approve", label, row->digest,
                                 json_pack("{s:I, s:s, s:s, s:s, s:s, s:b}", "approval_id", (json_int_t)id, "user",
                                           row->user, "policy", row->policy, "policy_digest", row->policy_digest,
                                           "statement_digest", statement_digest, "signed", row->signature[0] != '\0'),
                                 err);
    if (code == SW_OK) {
        failed = sw_failpoint("approval.commit");
        code = failed == 0 ? sw_store_commit(s, err) : sw_err_errno(err, failed, "approving %s", label);
    }
    if (code != SW_OK) {
        sw_store_rollback(s);
        return code;
    }
    *approval_id = id;
    return SW_OK;
}

enum sw_code sw_approval_grant(struct sw_store *s, const struct sw_approval_request *r, struct sw_arena *a,
                               struct sw_verdict_list *verdicts, int64_t *approval_id, struct sw_err *err)
{
    const char *user = r->user == NULL ? sw_audit_user() : r->user;
    char label[SW_MODEL_LABEL];
    sw_model_label(r->version, label);
    struct sw_verdict_list judged = {0};
    enum sw_code code = refuse_changed_bytes(r->version, err);
    if (code == SW_OK)
        code = sw_policy_judge(s, r->policy, r->version, a, &judged, err);
    if (code != SW_OK)
        return code;
    if (verdicts != NULL)
        *verdicts = judged;
    const char *statement = NULL;
    struct sw_buf signature;
    sw_buf_init(&signature, SW_SIGNATURE_MAX);
    code = refuse_bad_verdict(label, r->policy, &judged, err);
    if (code == SW_OK)
        code = refuse_author(s, label, r, user, err);
    if (code == SW_OK)
        code = statement_write(s, r, user, &judged, a, &statement, err);
    if (code == SW_OK)
        code = sign(label, r, user, statement, &signature, err);
    if (code == SW_OK) {
        struct sw_approval row = {.name = r->version->name,
                                  .version = r->version->version,
                                  .digest = r->version->digest,
                                  .user = user,
                                  .policy = r->policy->name,
                                  .policy_digest = r->policy->digest,
                                  .statement = statement,
                                  .signature = signature.data,
                                  .comment = r->comment == NULL ? "" : r->comment};
        code = store_approval(s, &row, label, approval_id, err);
    }
    sw_buf_free(&signature);
    return code;
}

// --- withdrawing ---

static enum sw_code withdraw_fitting(struct sw_store *s, const struct sw_model_version *v, int64_t approval_id,
                                     const char *user, const char *reason, struct sw_arena *a, size_t *withdrawn,
                                     struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    sw_model_label(v, label);
    struct sw_approval *list = NULL;
    size_t count = 0, done = 0;
    enum sw_code code = sw_approval_list(s, v->name, v->version, a, &list, &count, err);
    for (size_t i = 0; code == SW_OK && i < count; i++) {
        if (list[i].revoked_ms != 0 || (approval_id != 0 && list[i].approval_id != approval_id))
            continue;
        code = sw_approval_revoke(s, list[i].approval_id, user, reason, err);
        if (code == SW_OK)
            code = sw_audit_add_tree(s, "revoke", label, v->digest,
                                     json_pack("{s:I, s:s, s:s}", "approval_id", (json_int_t)list[i].approval_id,
                                               "user", user, "reason", reason),
                                     err);
        done++;
    }
    if (code == SW_OK && done == 0)
        code = approval_id == 0
                   ? sw_err_set(err, SW_NOT_FOUND, "%s has no approval in force", label)
                   : sw_err_set(err, SW_NOT_FOUND, "%s has no approval %" PRId64 " in force", label, approval_id);
    *withdrawn = done;
    return code;
}

enum sw_code sw_approval_withdraw(struct sw_store *s, const struct sw_model_version *v, int64_t approval_id,
                                  const char *user, const char *reason, size_t *withdrawn, struct sw_err *err)
{
    struct sw_arena *a = sw_arena_new(64u << 20);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to read approvals");
    size_t done = 0;
    enum sw_code code = sw_store_begin(s, SW_STORE_FULL, err);
    if (code == SW_OK) {
        code = withdraw_fitting(s, v, approval_id, user == NULL ? sw_audit_user() : user, reason == NULL ? "" : reason,
                                a, &done, err);
        if (code == SW_OK)
            code = sw_store_commit(s, err);
        if (code != SW_OK)
            sw_store_rollback(s);
    }
    if (code == SW_OK)
        *withdrawn = done;
    sw_arena_free(a);
    return code;
}
