// SPDX-License-Identifier: Apache-2.0
// model ls, show, register, alias, verify: versions of models as rows and bytes. What may leave is in cmd_approve.c.
#include "app/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "app/model_cmd.h"
#include "core/base/clock.h"
#include "core/base/path.h"
#include "core/base/text.h"
#include "core/ship/bundle.h"
#include "core/store/model.h"

// --- ls ---

static enum sw_code put_version(struct sw_app *app, struct sw_table *t, const struct sw_model_version *v,
                                struct sw_err *err)
{
    struct sw_approval *approvals;
    size_t count, in_force = 0;
    char text[64];
    enum sw_code code = sw_approval_list(app->store, v->name, v->version, app->arena, &approvals, &count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++)
        in_force += approvals[i].revoked_ms == 0 && strcmp(approvals[i].digest, v->digest) == 0;
    sw_table_cellf(t, "%s/%" PRId64, v->name, v->version);
    sw_table_cell(t, v->aliases);
    if (in_force > 0)
        sw_table_cellf(t, "approved by %zu", in_force);
    else
        sw_table_cell(t, count > 0 ? "revoked" : "candidate");
    sw_table_role(t, in_force > 0 ? SW_ROLE_GOOD : count > 0 ? SW_ROLE_WARN : SW_ROLE_DIM);
    sw_table_cell(t, sw_format_bytes(text, sizeof text, v->size_bytes));
    sw_table_cellf(t, "%.12s", v->digest);
    sw_table_cellf(t, "%.8s", v->run_id);
    sw_table_cell(t, v->user);
    sw_table_cell(t, sw_format_age(text, sizeof text, sw_clock_now_ms(), v->created_ms));
    return SW_OK;
}

static enum sw_code run_ls(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"MODEL", SW_COLUMN_SHRINKS},
        {"ALIASES", SW_COLUMN_SHRINKS},
        {"STATE", 0},
        {"SIZE", SW_COLUMN_RIGHT},
        {"DIGEST", 0},
        {"RUN", 0},
        {"BY", 0},
        {"AGE", SW_COLUMN_RIGHT},
    };
    struct sw_model_version *versions;
    size_t count;
    enum sw_code code =
        sw_model_version_list(app->store, app->arg_count > 0 ? app->args[0] : NULL, app->arena, &versions, &count, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_model_version, versions, count), err);
    if (count == 0) {
        sw_output_note(&app->out, "No models. 'slipway model register NAME --run RUN' makes one from a run.");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < count && code == SW_OK; i++)
        code = put_version(app, t, &versions[i], err);
    if (code == SW_OK)
        return sw_table_print(t, &app->out, err);
    sw_table_free(t);
    return code;
}

const struct sw_command sw_cmd_model_ls = {
    .verb = "model ls",
    .summary = "list registered models and their versions",
    .arguments = "[NAME]",
    .max_args = 1,
    .takes = "model",
    .description = "Newest first. A candidate has no approval yet.",
    .examples = "slipway model ls\tall models\n"
                "slipway model ls fashion-cnn --json\tthe versions of one",
    .kinds = "ModelVersionList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_ls,
};

// --- show ---

static void print_files(struct sw_output *o, const struct sw_model_files *files)
{
    sw_output_text(o, "\n");
    for (size_t i = 0; i < files->count; i++) {
        char size[32];
        sw_output_text(o, "  %.12s  %10s  ", files->items[i].sha256,
                       sw_format_bytes(size, sizeof size, files->items[i].size_bytes));
        sw_output_safe(o, files->items[i].path, SW_TEXT_ONE_LINE);
        sw_output_text(o, "\n");
    }
}

static void print_evaluations(struct sw_output *o, const struct sw_evaluation *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sw_buf line;
        const char *key;
        json_t *value;
        json_t *metrics = sw_json_tree(items[i].metrics_json);
        sw_buf_init(&line, 4096);
        json_object_foreach (metrics, key, value) {
            char text[32];
            if (json_is_number(value))
                sw_buf_addf(&line, "%s%s %s", line.len > 0 ? ", " : "", key,
                            sw_format_real(text, sizeof text, json_number_value(value)));
        }
        sw_output_pairf(o, i == 0 ? "evaluated" : "", "%s %s: %s", items[i].dataset, items[i].split, line.data);
        json_decref(metrics);
        sw_buf_free(&line);
    }
}

void sw_app_print_verdicts(struct sw_output *o, const struct sw_verdict_list *list)
{
    static const struct {
        const char *mark, *ascii;
        enum sw_role role;
    } marks[] = {
        [SW_VERDICT_PASS] = {"✓", "ok", SW_ROLE_GOOD},
        [SW_VERDICT_FAIL] = {"✗", "no", SW_ROLE_BAD},
        [SW_VERDICT_WAITING] = {"…", "..", SW_ROLE_WARN},
    };
    for (size_t i = 0; i < list->count; i++) {
        const struct sw_verdict *v = &list->items[i];
        sw_output_text(o, "  ");
        sw_output_role(o, marks[v->outcome].role);
        sw_output_text(o, "%s %-7s", o->is_utf8 ? marks[v->outcome].mark : marks[v->outcome].ascii,
                       sw_verdict_word(v->outcome));
        sw_output_role(o, SW_ROLE_PLAIN);
        sw_output_text(o, "  ");
        sw_output_safe(o, v->sentence, SW_TEXT_ONE_LINE);
        sw_output_text(o, "\n");
    }
}

// The version's fields with what is known about it: evaluations, approvals, verdicts.
static json_t *full_document(const struct sw_model_version *v, const struct sw_evaluation *evaluations,
                             size_t evaluation_count, const struct sw_approval *approvals, size_t approval_count,
                             const struct sw_approval_standing *standing)
{
    json_t *document = sw_json_document(&sw_json_model_version, v);
    json_t *evaluation_list = sw_json_list(&sw_json_evaluation, evaluations, evaluation_count);
    json_t *approval_list = sw_json_list(&sw_json_approval, approvals, approval_count);
    int bad = json_object_set(document, "evaluations", json_object_get(evaluation_list, "items"));
    bad |= json_object_set(document, "approvals", json_object_get(approval_list, "items"));
    bad |= json_object_set_new(document, "verdicts", sw_verdict_list_to_json(&standing->verdicts));
    bad |= json_object_set_new(document, "is_approved", json_boolean(standing->is_approved));
    json_decref(evaluation_list);
    json_decref(approval_list);
    if (bad == 0)
        return document;
    json_decref(document);
    return NULL;
}

static enum sw_code run_show(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version v;
    struct sw_model_files files;
    struct sw_evaluation *evaluations;
    struct sw_approval *approvals;
    struct sw_approval_standing standing;
    struct sw_policy policy;
    bool has_policy = false;
    size_t evaluation_count, approval_count;
    char text[64];
    struct sw_output *o = &app->out;
    enum sw_code code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code == SW_OK)
        code = sw_model_version_files(&v, app->arena, &files, err);
    if (code == SW_OK)
        code = sw_evaluation_list(app->store, v.name, v.version, app->arena, &evaluations, &evaluation_count, err);
    if (code == SW_OK)
        code = sw_approval_list(app->store, v.name, v.version, app->arena, &approvals, &approval_count, err);
    if (code == SW_OK)
        code = sw_app_load_policy(app, &policy, &has_policy, err);
    if (code == SW_OK)
        code = sw_approval_review(app->store, &v, has_policy ? &policy : NULL, NULL, app->arena, &standing, err);
    if (code != SW_OK)
        return code;
    if (o->is_json)
        return sw_output_json(o, full_document(&v, evaluations, evaluation_count, approvals, approval_count, &standing),
                              err);
    sw_output_pairf(o, "model", "%s/%" PRId64, v.name, v.version);
    sw_output_pair(o, "digest", v.digest);
    sw_output_pair(o, "size", sw_format_bytes(text, sizeof text, v.size_bytes));
    sw_output_pair(o, "aliases", v.aliases);
    sw_output_pair(o, "run", v.run_id);
    sw_output_pair(o, "registered", sw_format_time(text, sizeof text, v.created_ms));
    sw_output_pair(o, "by", v.user);
    sw_output_pair(o, "description", v.description);
    sw_output_pair(o, "path", v.path);
    print_evaluations(o, evaluations, evaluation_count);
    for (size_t i = 0; i < approval_count; i++)
        sw_output_pairf(o, i == 0 ? "approved" : "", "%s, %s%s%s%s", approvals[i].user,
                        sw_format_time(text, sizeof text, approvals[i].created_ms),
                        approvals[i].signature[0] != '\0' ? ", signed" : "",
                        approvals[i].revoked_ms != 0 ? ", revoked: " : "",
                        approvals[i].revoked_ms != 0 ? approvals[i].revoke_reason : "");
    print_files(o, &files);
    sw_output_text(o, "\npolicy ");
    sw_output_safe(o, standing.policy.name, SW_TEXT_ONE_LINE);
    sw_output_text(o, "\n");
    sw_app_print_verdicts(o, &standing.verdicts);
    return SW_OK;
}

static const struct sw_option show_options[] = {
    {.name = "policy",
     .type = SW_OPTION_PATH,
     .value = "FILE",
     .help = "policy to judge by; unset = the configured one, else that of the newest approval"},
};

const struct sw_command sw_cmd_model_show = {
    .verb = "model show",
    .summary = "show a model version: files, evaluations, approvals, verdict",
    .arguments = "MODEL",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .options = show_options,
    .option_count = SW_COUNT(show_options),
    .description =
        "MODEL is NAME for the newest version, NAME/3 for a certain one, NAME@alias for the one an alias points "
        "to.",
    .examples = "slipway model show fashion-cnn\tthe newest version\n"
                "slipway model show fashion-cnn/2 --policy release.yaml\tjudged by a policy",
    .kinds = "ModelVersion",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_show,
};

// --- register ---

static const struct sw_option register_options[] = {
    {.name = "run", .type = SW_OPTION_RUN, .help = "take the folder 'model' among the run's artifacts"},
    {.name = "path", .type = SW_OPTION_PATH, .value = "DIR", .help = "take the files of this folder"},
    {.name = "description", .type = SW_OPTION_TEXT, .value = "TEXT", .help = "what this version is"},
};

static enum sw_code run_register(struct sw_app *app, struct sw_err *err)
{
    char run_id[SW_RUN_ID] = "", path[SW_PATH_MAX];
    const char *run = sw_option_text(app->options, "run");
    const char *from = sw_option_text(app->options, "path");
    struct sw_model_version v;
    bool is_new = false;
    enum sw_code code = SW_OK;
    if (run == NULL && from == NULL) {
        (void)sw_err_set(err, SW_USAGE, "say what to register");
        return sw_err_hint(err, "--run RUN or --path DIR");
    }
    if (run != NULL)
        code = sw_run_resolve(app->store, run, run_id, err);
    if (code == SW_OK && from != NULL)
        code = sw_path_absolute(path, from, err);
    struct sw_model_source source = {
        .name = app->args[0],
        .run_id = run != NULL ? run_id : NULL,
        .path = from != NULL ? path : NULL,
        .description = sw_option_text(app->options, "description"),
    };
    if (code == SW_OK)
        code = sw_model_register(app->store, &source, app->arena, &v, &is_new, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_model_version, &v), err);
    if (!is_new)
        sw_output_note(&app->out, "These bytes are registered already.");
    sw_output_text(&app->out, "%s/%" PRId64 "\t%s\n", v.name, v.version, v.digest);
    return SW_OK;
}

const struct sw_command sw_cmd_model_register = {
    .verb = "model register",
    .summary = "make a model version from a run or a folder",
    .arguments = "NAME",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .options = register_options,
    .option_count = SW_COUNT(register_options),
    .description =
        "The files are copied into the store, each with its SHA-256; the version's digest covers them all. The "
        "same bytes again give the same version.",
    .examples = "slipway model register fashion-cnn --run cnn-a\tfrom a run\n"
                "slipway model register fashion-cnn --path ./export\tfrom a folder",
    .kinds = "ModelVersion",
    .needs = SW_NEEDS_NEW_STORE,
    .run = run_register,
};

// --- alias ---

static const struct sw_option alias_options[] = {
    {.name = "delete", .type = SW_OPTION_FLAG, .help = "remove the alias"},
};

static enum sw_code run_alias(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version v;
    bool removes = sw_option_flag(app->options, "delete");
    enum sw_code code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code == SW_OK)
        code = sw_model_set_alias(app->store, v.name, app->args[1], removes ? 0 : v.version, err);
    if (code == SW_OK) // read again: the list of aliases has changed
        code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_model_version, &v), err);
    if (removes)
        sw_output_note(&app->out, "%s@%s is gone.", v.name, app->args[1]);
    else
        sw_output_note(&app->out, "%s@%s is version %" PRId64 " now.", v.name, app->args[1], v.version);
    return SW_OK;
}

const struct sw_command sw_cmd_model_alias = {
    .verb = "model alias",
    .summary = "let a name such as 'champion' point to a version",
    .arguments = "MODEL ALIAS",
    .min_args = 2,
    .max_args = 2,
    .takes = "model",
    .options = alias_options,
    .option_count = SW_COUNT(alias_options),
    .description = "An alias points to one version of a model at a time; setting it again moves it.",
    .examples = "slipway model alias fashion-cnn/3 champion\tthen fashion-cnn@champion is version 3\n"
                "slipway model alias fashion-cnn champion --delete\tremove it",
    .kinds = "ModelVersion",
    .needs = SW_NEEDS_STORE,
    .run = run_alias,
};

// --- verify ---

// A path is told from NAME/3 by how it begins or ends, so that no file can hide a model.
static bool is_bundle_path(const char *text)
{
    size_t len = strlen(text);
    return text[0] == '/' || text[0] == '.' || (len > 4 && strcmp(text + len - 4, ".tar") == 0);
}

static enum sw_code verify_bundle(struct sw_app *app, const char *path, struct sw_err *err)
{
    struct sw_bundle_info info;
    enum sw_code code = sw_bundle_verify(path, app->arena, &info, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out,
                              json_pack("{s:s, s:o, s:I, s:s, s:s, s:I, s:I}", "kind", "Bundle", "model",
                                        sw_json_text(info.model), "version", (json_int_t)info.version, "model_digest",
                                        info.model_digest, "package_digest", info.files.digest, "files",
                                        (json_int_t)info.files.count, "approvals", (json_int_t)info.approval_count),
                              err);
    sw_output_safe(&app->out, info.model, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "/%" PRId64 "\tintact\t%s\t%zu files, %zu approvals\n", info.version, info.model_digest,
                   info.files.count, info.approval_count);
    return SW_OK;
}

static enum sw_code run_verify(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version v;
    if (is_bundle_path(app->args[0]))
        return verify_bundle(app, app->args[0], err);
    enum sw_code code = sw_app_open_store(app, SW_NEEDS_STORE_READ, err);
    if (code == SW_OK)
        code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code == SW_OK)
        code = sw_model_verify(&v, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_model_version, &v), err);
    sw_output_text(&app->out, "%s/%" PRId64 "\tintact\t%s\n", v.name, v.version, v.digest);
    return SW_OK;
}

const struct sw_command sw_cmd_model_verify = {
    .verb = "model verify",
    .summary = "read a model version or a bundle again and compare digests",
    .arguments = "MODEL|BUNDLE",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .description =
        "Names the first file that was changed, added or lost. A bundle is a folder or tar that a push wrote, "
        "given as a path that begins with '/' or '.' or ends in '.tar'; no store is needed for it.",
    .examples = "slipway model verify fashion-cnn/3\ta version in the store\n"
                "slipway model verify ./handoff/fashion-cnn\ta bundle, on any machine",
    .kinds = "ModelVersion Bundle",
    .needs = SW_NEEDS_CONFIG,
    .run = run_verify,
};
