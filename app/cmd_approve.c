// SPDX-License-Identifier: Apache-2.0
// model approve, revoke: a person decides, the policy judges, the store remembers.
#include "app/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "app/model_cmd.h"
#include "core/base/text.h"

enum sw_code sw_app_load_policy(struct sw_app *app, struct sw_policy *out, bool *found, struct sw_err *err)
{
    const char *path = sw_app_setting(app, "policy");
    *found = path != NULL;
    return path == NULL ? SW_OK : sw_policy_load(path, app->arena, out, err);
}

static const struct sw_option approve_options[] = {
    {.name = "policy",
     .type = SW_OPTION_PATH,
     .value = "FILE",
     .help = "policy to judge by; unset = the configured one"},
    {.name = "target", .type = SW_OPTION_TARGET, .help = "approve for this target only"},
    {.name = "comment", .letter = 'm', .type = SW_OPTION_TEXT, .value = "TEXT", .help = "why"},
    {.name = "signing-key", .type = SW_OPTION_PATH, .value = "FILE", .help = "SSH key to sign the statement with"},
    {.name = "dry-run", .type = SW_OPTION_FLAG, .help = "judge only"},
};

static json_t *verdict_document(const struct sw_verdict_list *verdicts, const struct sw_approval *approval,
                                bool is_approved)
{
    json_t *document =
        approval != NULL ? sw_json_document(&sw_json_approval, approval) : json_pack("{s:s}", "kind", "Verdict");
    int bad = json_object_set_new(document, "verdicts", sw_verdict_list_to_json(verdicts));
    if (approval == NULL)
        bad |= json_object_set_new(document, "would_pass", json_boolean(is_approved));
    if (bad == 0)
        return document;
    json_decref(document);
    return NULL;
}

static enum sw_code judge_only(struct sw_app *app, const struct sw_model_version *v, const struct sw_policy *policy,
                               struct sw_err *err)
{
    struct sw_verdict_list verdicts = {0};
    enum sw_code code = sw_policy_judge(app->store, policy, v, app->arena, &verdicts, err);
    if (code != SW_OK)
        return code;
    bool would_pass = verdicts.first_bad == NULL;
    if (app->out.is_json)
        code = sw_output_json(&app->out, verdict_document(&verdicts, NULL, would_pass), err);
    else
        sw_app_print_verdicts(&app->out, &verdicts);
    if (code != SW_OK || would_pass)
        return code;
    return sw_err_set(err, SW_REFUSED, "%s/%" PRId64 ": %s", v->name, v->version, verdicts.first_bad->sentence);
}

static enum sw_code load_policy_or_default(struct sw_app *app, struct sw_policy *policy, struct sw_err *err)
{
    bool found = false;
    enum sw_code code = sw_app_load_policy(app, policy, &found, err);
    return code == SW_OK && !found ? sw_policy_default(app->arena, policy, err) : code;
}

static enum sw_code print_granted(struct sw_app *app, const struct sw_model_version *v, int64_t approval_id,
                                  const struct sw_verdict_list *verdicts, struct sw_err *err)
{
    struct sw_approval *approvals;
    size_t count;
    enum sw_code code = sw_approval_list(app->store, v->name, v->version, app->arena, &approvals, &count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        if (approvals[i].approval_id != approval_id)
            continue;
        if (app->out.is_json)
            return sw_output_json(&app->out, verdict_document(verdicts, &approvals[i], true), err);
        sw_app_print_verdicts(&app->out, verdicts);
        sw_output_text(&app->out, "%s/%" PRId64 "\tapproved by ", v->name, v->version);
        sw_output_safe(&app->out, approvals[i].user, SW_TEXT_ONE_LINE);
        sw_output_text(&app->out, "%s\t%s\n", approvals[i].signature[0] != '\0' ? ", signed" : "", v->digest);
    }
    return code;
}

static enum sw_code run_approve(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version v;
    struct sw_policy policy;
    struct sw_verdict_list verdicts = {0};
    int64_t approval_id = 0;
    enum sw_code code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code == SW_OK)
        code = load_policy_or_default(app, &policy, err);
    if (code != SW_OK)
        return code;
    if (sw_option_flag(app->options, "dry-run"))
        return judge_only(app, &v, &policy, err);
    struct sw_approval_request request = {
        .version = &v,
        .policy = &policy,
        .target = sw_option_text(app->options, "target"), // the configured target is for pushing, not for narrowing
        .comment = sw_option_text(app->options, "comment"),
        .signing_key = sw_app_setting(app, "signing-key"),
    };
    code = sw_approval_grant(app->store, &request, app->arena, &verdicts, &approval_id, err);
    if (code == SW_OK)
        return print_granted(app, &v, approval_id, &verdicts, err);
    if (!app->out.is_json)
        sw_app_print_verdicts(&app->out, &verdicts);
    return code;
}

const struct sw_command sw_cmd_model_approve = {
    .verb = "model approve",
    .summary = "approve exactly these bytes under a policy",
    .arguments = "MODEL",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .options = approve_options,
    .option_count = SW_COUNT(approve_options),
    .description =
        "Hashes the files again, judges every rule of the policy and stores the approval, bound to the digest "
        "and signed when there is a key. A rule that fails refuses it with exit code 5, and nothing is stored. "
        "An approval ends only when it is revoked.",
    .examples =
        "slipway model approve fashion-cnn/3 --policy release.yaml -m \"accuracy holds on the new data\"\tapprove\n"
        "slipway model approve fashion-cnn --dry-run\tonly what the policy says",
    .kinds = "Approval Verdict",
    .needs = SW_NEEDS_STORE,
    .run = run_approve,
};

static const struct sw_option revoke_options[] = {
    {.name = "reason", .letter = 'm', .type = SW_OPTION_TEXT, .value = "TEXT", .required = true, .help = "why"},
    {.name = "approval",
     .type = SW_OPTION_INT,
     .min = 1,
     .max = 1e15,
     .value = "ID",
     .help = "only this approval; unset = all that are in force"},
};

static enum sw_code run_revoke(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version v;
    size_t withdrawn = 0;
    enum sw_code code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code == SW_OK)
        code = sw_output_confirm(&app->out, err, "Revoke the approval of %s/%" PRId64 "? It can then not be pushed",
                                 v.name, v.version);
    if (code == SW_OK)
        code = sw_approval_withdraw(app->store, &v, sw_option_int(app->options, "approval", 0), NULL,
                                    sw_option_text(app->options, "reason"), &withdrawn, err);
    if (code != SW_OK)
        return code;
    if (!app->out.is_json) {
        sw_output_text(&app->out, "%s/%" PRId64 "\trevoked %zu\n", v.name, v.version, withdrawn);
        return SW_OK;
    }
    struct sw_approval *approvals;
    size_t count;
    code = sw_approval_list(app->store, v.name, v.version, app->arena, &approvals, &count, err);
    return code == SW_OK ? sw_output_json(&app->out, sw_json_list(&sw_json_approval, approvals, count), err) : code;
}

const struct sw_command sw_cmd_model_revoke = {
    .verb = "model revoke",
    .summary = "withdraw approvals",
    .arguments = "MODEL",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .options = revoke_options,
    .option_count = SW_COUNT(revoke_options),
    .description =
        "What was pushed already stays where it is; the version cannot be pushed again until it is approved anew.",
    .examples = "slipway model revoke fashion-cnn/3 --reason \"labels were wrong\" --yes\twithdraw all approvals",
    .kinds = "ApprovalList",
    .needs = SW_NEEDS_STORE,
    .run = run_revoke,
};
