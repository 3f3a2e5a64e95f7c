// SPDX-License-Identifier: Apache-2.0
// push, status: handing an approved model over, and how the targets stand.
#include "app/cmd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/model_cmd.h"
#include "app/template_cmd.h"
#include "core/base/text.h"
#include "core/ship/push.h"

enum { PUSHES_LOOKED_AT = 1000 };

// --- push ---

static const struct sw_option push_options[] = {
    {.name = "to", .type = SW_OPTION_TARGET, .help = "target's name or an address; unset = the configured target"},
    {.name = "template",
     .letter = 't',
     .type = SW_OPTION_TEXT,
     .value = "NAME",
     .help = "manifests to render and send along"},
    {.name = "set",
     .letter = 's',
     .type = SW_OPTION_TEXT,
     .value = "NAME=VALUE",
     .repeat = true,
     .help = "value of a template's parameter"},
    {.name = "policy",
     .type = SW_OPTION_PATH,
     .value = "FILE",
     .help = "policy to judge by; unset = the rules it was approved under"},
    {.name = "dry-run", .letter = 'n', .type = SW_OPTION_FLAG, .help = "show what would be written and change nothing"},
};

static const struct sw_json_field push_result_fields[] = {
    {"push_id", SW_JSON_INT64, offsetof(struct sw_push_outcome, push_id), NULL, "number of the push"},
    {"revision", SW_JSON_INT64, offsetof(struct sw_push_outcome, revision), NULL,
     "counts the pushes of this model to this target"},
    {"was_resumed", SW_JSON_BOOL, offsetof(struct sw_push_outcome, was_resumed), NULL,
     "an interrupted push was finished"},
    {"is_unchanged", SW_JSON_BOOL, offsetof(struct sw_push_outcome, is_unchanged), NULL, "all was there already"},
    {"destination", SW_JSON_TEXT, offsetof(struct sw_push_outcome, destination), NULL, "where it stands"},
    {"package_digest", SW_JSON_TEXT, offsetof(struct sw_push_outcome, package_digest), NULL, "SHA-256 of MANIFEST"},
    {"result", SW_JSON_TREE, offsetof(struct sw_push_outcome, result_json), NULL, "as the journal keeps it"},
};
const struct sw_json_kind sw_json_push_result = {"PushResult",
                                                 NULL,
                                                 "what a push did",
                                                 push_result_fields,
                                                 SW_COUNT(push_result_fields),
                                                 sizeof(struct sw_push_outcome)};

struct push_watch {
    struct sw_app *app;
    bool shows_bytes; // stderr is a terminal
    bool has_line;
};

static bool watch_push(void *ctx, const struct sw_push_event *event)
{
    struct push_watch *w = ctx;
    if (w->has_line && (event->is_reached || event->total_bytes == 0)) {
        fputs("\r\033[K", stderr);
        w->has_line = false;
    }
    if (event->is_reached && event->message[0] != '\0' && !w->app->out.is_json) {
        sw_output_note(&w->app->out, "%-9s  %s", sw_push_step_word(event->state), event->message);
    } else if (event->total_bytes > 0 && w->shows_bytes) {
        char done[32], total[32];
        fprintf(stderr, "\r%-9s  %s of %s\033[K", sw_push_step_word(event->state),
                sw_format_bytes(done, sizeof done, event->done_bytes),
                sw_format_bytes(total, sizeof total, event->total_bytes));
        w->has_line = true;
    }
    return !sw_interrupt_seen();
}

static void print_changes(struct sw_output *o, const struct sw_ship_diff *diff)
{
    static const enum sw_role roles[] = {[SW_SHIP_NEW] = SW_ROLE_GOOD,
                                         [SW_SHIP_CHANGED] = SW_ROLE_WARN,
                                         [SW_SHIP_SAME] = SW_ROLE_DIM,
                                         [SW_SHIP_GONE] = SW_ROLE_BAD};
    for (size_t i = 0; i < diff->count; i++) {
        char size[32];
        const struct sw_ship_item *item = &diff->items[i];
        sw_output_text(o, "  ");
        sw_output_role(o, roles[item->change]);
        sw_output_text(o, "%-7s", sw_ship_change_word(item->change));
        sw_output_role(o, SW_ROLE_PLAIN);
        sw_output_text(o, "  %10s  ", sw_format_bytes(size, sizeof size, item->size_bytes));
        sw_output_safe(o, item->path, SW_TEXT_ONE_LINE);
        sw_output_text(o, "\n");
    }
}

static json_t *preview_json(const struct sw_push_preview *p)
{
    json_t *items = json_array();
    for (size_t i = 0; i < p->diff.count; i++) {
        const struct sw_ship_item *item = &p->diff.items[i];
        if (json_array_append_new(items, json_pack("{s:o, s:I, s:s, s:s}", "path", sw_json_text(item->path),
                                                   "size_bytes", (json_int_t)item->size_bytes, "digest", item->digest,
                                                   "change", sw_ship_change_word(item->change))) != 0) {
            json_decref(items);
            return NULL;
        }
    }
    return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:o, s:s, s:b, s:o, s:o, s:b, s:o, s:o}", "kind", "PushPreview",
                     "model", p->version.name, "version", (json_int_t)p->version.version, "digest", p->version.digest,
                     "target", sw_json_text(p->target), "address", sw_json_text(p->address), "destination",
                     sw_json_text(p->diff.destination), "package_digest", p->package.files.digest, "is_approved",
                     p->standing.is_approved, "verdicts", sw_verdict_list_to_json(&p->standing.verdicts), "refusal",
                     p->refusal.code == SW_OK ? json_null() : sw_json_text(p->refusal.message), "is_unchanged",
                     p->diff.is_unchanged, "items", items, "manifests", sw_json_text(p->manifests));
}

static enum sw_code print_preview(struct sw_app *app, const struct sw_push_preview *p, struct sw_err *err)
{
    struct sw_output *o = &app->out;
    if (o->is_json)
        return sw_output_json(o, preview_json(p), err);
    sw_output_pairf(o, "model", "%s/%" PRId64 "  %s", p->version.name, p->version.version, p->version.digest);
    sw_output_pairf(o, "target", "%s  %s", p->target, p->address);
    sw_output_pair(o, "destination", p->diff.destination);
    if (p->resumes_push_id != 0)
        sw_output_pairf(o, "finishes", "push %" PRId64, p->resumes_push_id);
    sw_output_text(o, "\n");
    sw_app_print_verdicts(o, &p->standing.verdicts);
    sw_output_text(o, "\n");
    print_changes(o, &p->diff);
    if (p->manifests != NULL && p->manifests[0] != '\0') {
        sw_output_text(o, "\n");
        sw_output_safe(o, p->manifests, SW_TEXT_KEEP_NEWLINES);
    }
    return SW_OK;
}

static enum sw_code dry_run(struct sw_app *app, const struct sw_push_request *request, struct sw_err *err)
{
    struct sw_push_preview preview;
    enum sw_code code = sw_push_look(app->store, request, app->arena, &preview, err);
    if (code == SW_OK)
        code = print_preview(app, &preview, err);
    if (code != SW_OK || preview.refusal.code == SW_OK)
        return code;
    *err = preview.refusal;
    return preview.refusal.code;
}

// A production target asks; an address that is no named target cannot be one.
static enum sw_code confirm_production(struct sw_app *app, const struct sw_push_request *request, struct sw_err *err)
{
    struct sw_target target;
    struct sw_err ignored = {0};
    if (sw_target_get(app->store, request->target, app->arena, &target, &ignored) != SW_OK || !target.is_production)
        return SW_OK;
    return sw_output_confirm(&app->out, err, "Push %s to PRODUCTION target '%s' (%s)?", request->model, target.name,
                             target.address);
}

static enum sw_code push_for_real(struct sw_app *app, const struct sw_push_request *what, struct sw_err *err)
{
    struct push_watch watch = {.app = app};
    struct sw_push_outcome outcome = {0};
    watch.shows_bytes = !app->out.is_json && !app->out.is_quiet && isatty(STDERR_FILENO) == 1;
    struct sw_push_request request = *what;
    request.watch = watch_push;
    request.ctx = &watch;
    enum sw_code code = confirm_production(app, &request, err);
    if (code != SW_OK)
        return code;
    sw_interrupt_watch();
    code = sw_push_run(app->store, &request, app->arena, &outcome, err);
    if (watch.has_line)
        fputs("\r\033[K", stderr);
    if (code == SW_CANCELLED && sw_interrupt_seen()) {
        (void)sw_err_set(err, SW_INTERRUPTED, "the push of %s to %s is interrupted", request.model, request.target);
        return sw_err_hint(err, "the same command goes on with it");
    }
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_push_result, &outcome), err);
    sw_output_text(&app->out, "push %" PRId64 "\trevision %" PRId64 "\t%s\t", outcome.push_id, outcome.revision,
                   outcome.is_unchanged ? "unchanged" : "done");
    sw_output_safe(&app->out, outcome.destination, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, "\t%s\n", outcome.package_digest);
    return SW_OK;
}

static enum sw_code run_push(struct sw_app *app, struct sw_err *err)
{
    struct sw_policy policy;
    struct sw_template_value *values;
    bool has_policy = false;
    const char *to = sw_option_text(app->options, "to");
    struct sw_push_request request = {
        .model = app->args[0],
        .target = to != NULL ? to : sw_config_text(app->config, "target"),
        .manifest_template = sw_app_setting(app, "template"),
    };
    if (request.target == NULL) {
        (void)sw_err_set(err, SW_USAGE, "say where to push");
        return sw_err_hint(err, "--to TARGET, or 'slipway config set target NAME'");
    }
    enum sw_code code = sw_app_use_project_templates(app, err);
    if (code == SW_OK)
        code = sw_app_template_values(app, &values, &request.set_count, err);
    // A configured policy is what approvals are judged by; a push asks it only when told to.
    if (code == SW_OK && sw_option_is_set(app->options, "policy"))
        code = sw_app_load_policy(app, &policy, &has_policy, err);
    if (code != SW_OK)
        return code;
    request.set = values;
    request.policy = has_policy ? &policy : NULL;
    return sw_option_flag(app->options, "dry-run") ? dry_run(app, &request, err) : push_for_real(app, &request, err);
}

const struct sw_command sw_cmd_push = {
    .verb = "push",
    .summary = "hand an approved model and its manifests over to a target",
    .arguments = "MODEL",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .options = push_options,
    .option_count = SW_COUNT(push_options),
    .description =
        "Checks that the bytes are those approved (exit code 5 otherwise), renders the template, looks whether the "
        "target can take it, and only then changes it, all or nothing. Each step is journalled: after a crash "
        "or Ctrl-C the same command finishes the push. A push of what is there already writes nothing.",
    .examples = "slipway push fashion-cnn/3 --to handoff --template kserve-inferenceservice --set "
                "max-replicas=2\tmodel and manifests\n"
                "slipway push fashion-cnn --to bundle:/srv/out --dry-run\tonly what would be written",
    .kinds = "PushResult PushPreview",
    .needs = SW_NEEDS_STORE,
    .run = run_push,
};

// --- status ---

static const struct sw_option status_options[] = {
    {.name = "verify", .type = SW_OPTION_FLAG, .help = "read every byte at the target and compare"},
};

struct status_row {
    const char *target, *address;
    const struct sw_ship_status *status;
};

static json_t *status_target(const void *object)
{
    return sw_json_text(((const struct status_row *)object)->target);
}

static json_t *status_address(const void *object)
{
    return sw_json_text(((const struct status_row *)object)->address);
}

static json_t *status_model(const void *object)
{
    return sw_json_text(((const struct status_row *)object)->status->last.model);
}

static json_t *maybe_int(int64_t value)
{
    return value == 0 ? json_null() : json_integer(value);
}

static json_t *status_version(const void *object)
{
    return maybe_int(((const struct status_row *)object)->status->version);
}

static json_t *status_revision(const void *object)
{
    return maybe_int(((const struct status_row *)object)->status->revision);
}

static json_t *status_pushed(const void *object)
{
    return maybe_int(((const struct status_row *)object)->status->pushed_ms);
}

static json_t *status_last(const void *object)
{
    return sw_json_object(&sw_json_push, &((const struct status_row *)object)->status->last);
}

static json_t *status_is_live(const void *object)
{
    return json_boolean(((const struct status_row *)object)->status->has_live_holder);
}

static json_t *status_verified(const void *object)
{
    const struct sw_ship_status *s = ((const struct status_row *)object)->status;
    return s->verified == SW_CANCELLED ? json_null() : json_string(sw_code_word(s->verified));
}

static json_t *status_message(const void *object)
{
    return sw_json_text(((const struct status_row *)object)->status->verify_message);
}

static const struct sw_json_field status_fields[] = {
    {"target", SW_JSON_MADE, 0, status_target, "name of the target"},
    {"address", SW_JSON_MADE, 0, status_address, "its address"},
    {"model", SW_JSON_MADE, 0, status_model, "registered model"},
    {"version", SW_JSON_MADE, 0, status_version, "version that stands there; null = none was finished"},
    {"revision", SW_JSON_MADE, 0, status_revision, "number of the newest finished push of this model to this target"},
    {"pushed_ms", SW_JSON_MADE, 0, status_pushed, "when that finished"},
    {"is_live", SW_JSON_MADE, 0, status_is_live, "a process works on a push now"},
    {"last", SW_JSON_MADE, 0, status_last, "newest push, an object of kind Push"},
    {"verified", SW_JSON_MADE, 0, status_verified, "ok or what is wrong; null = not asked for"},
    {"verify_message", SW_JSON_MADE, 0, status_message, "the same in words"},
};
const struct sw_json_kind sw_json_status = {"Status",
                                            "StatusList",
                                            "how a model stands at a target",
                                            status_fields,
                                            SW_COUNT(status_fields),
                                            sizeof(struct status_row)};

static void put_status(struct sw_table *t, const struct status_row *row)
{
    const struct sw_ship_status *s = row->status;
    char text[64];
    sw_table_cell(t, row->target);
    sw_table_cell(t, s->last.model);
    if (s->version != 0)
        sw_table_cellf(t, "%" PRId64, s->version);
    else
        sw_table_cell(t, NULL);
    if (s->revision != 0)
        sw_table_cellf(t, "%" PRId64, s->revision);
    else
        sw_table_cell(t, NULL);
    sw_table_cell(t, s->pushed_ms != 0 ? sw_format_time(text, sizeof text, s->pushed_ms) : NULL);
    sw_table_cellf(t, "%s%s", s->last.state, s->has_live_holder ? " (under way)" : "");
    bool is_stuck = !s->last.is_final && !s->has_live_holder;
    sw_table_role(t, strcmp(s->last.state, "failed") == 0 ? SW_ROLE_BAD : is_stuck ? SW_ROLE_WARN : SW_ROLE_PLAIN);
    if (s->verified == SW_CANCELLED)
        sw_table_cell(t, s->last.message);
    else
        sw_table_cell(t, s->verified == SW_OK ? "intact" : s->verify_message);
    if (s->verified != SW_CANCELLED)
        sw_table_role(t, s->verified == SW_OK ? SW_ROLE_GOOD : SW_ROLE_BAD);
}

// Adds the rows of one target; *bad gets the first code of a model that is not what was pushed.
static enum sw_code collect_status(struct sw_app *app, const char *target, const char *address, json_t *list,
                                   struct sw_table *table, enum sw_code *bad, struct sw_err *err)
{
    struct sw_ship_status *items;
    size_t count;
    enum sw_code code = sw_ship_status_list(app->store, target, sw_option_flag(app->options, "verify"), app->arena,
                                            &items, &count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        struct status_row row = {target, address != NULL ? address : items[i].last.address, &items[i]};
        put_status(table, &row);
        if (json_array_append_new(list, sw_json_object(&sw_json_status, &row)) != 0)
            code = sw_err_set(err, SW_NO_MEMORY, "out of memory while listing %s", target);
        if (*bad == SW_OK && items[i].verified != SW_OK && items[i].verified != SW_CANCELLED) {
            *bad = items[i].verified;
            (void)sw_err_set(err, *bad, "%s at %s: %s", items[i].last.model, target, items[i].verify_message);
        }
    }
    return code;
}

// Addresses that were pushed to without a name, or whose name is gone.
static enum sw_code collect_unnamed(struct sw_app *app, const struct sw_target *targets, size_t target_count,
                                    json_t *list, struct sw_table *table, enum sw_code *bad, struct sw_err *err)
{
    struct sw_push *pushes;
    size_t count;
    enum sw_code code = sw_push_search(app->store, NULL, NULL, PUSHES_LOOKED_AT, app->arena, &pushes, &count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        bool is_known = false;
        for (size_t k = 0; k < target_count && !is_known; k++)
            is_known = strcmp(targets[k].name, pushes[i].target) == 0;
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = strcmp(pushes[k].target, pushes[i].target) == 0;
        if (!is_known)
            code = collect_status(app, pushes[i].target, pushes[i].address, list, table, bad, err);
    }
    return code;
}

static enum sw_code run_status(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"TARGET", SW_COLUMN_SHRINKS},
        {"MODEL", SW_COLUMN_SHRINKS},
        {"VERSION", SW_COLUMN_RIGHT},
        {"REVISION", SW_COLUMN_RIGHT},
        {"PUSHED", 0},
        {"LAST PUSH", 0},
        {"DETAIL", SW_COLUMN_SHRINKS},
    };
    struct sw_target *targets = NULL;
    size_t count = 0;
    enum sw_code bad = SW_OK;
    json_t *list = json_array();
    struct sw_table *table = sw_table_new(columns, SW_COUNT(columns));
    enum sw_code code = sw_target_list(app->store, app->arena, &targets, &count, err);
    if (code == SW_OK && app->arg_count > 0)
        code = collect_status(app, app->args[0], NULL, list, table, &bad, err);
    for (size_t i = 0; i < count && app->arg_count == 0 && code == SW_OK; i++)
        code = collect_status(app, targets[i].name, targets[i].address, list, table, &bad, err);
    if (code == SW_OK && app->arg_count == 0)
        code = collect_unnamed(app, targets, count, list, table, &bad, err);
    if (code == SW_OK && app->out.is_json)
        code = sw_output_json(&app->out, sw_json_list_of("StatusList", json_incref(list)), err);
    else if (code == SW_OK && sw_table_rows(table) == 0)
        sw_output_note(&app->out, "Nothing was pushed yet. 'slipway push MODEL --to TARGET' does it.");
    else if (code == SW_OK) {
        code = sw_table_print(table, &app->out, err);
        table = NULL; // freed by printing
    }
    sw_table_free(table);
    json_decref(list);
    return code == SW_OK ? bad : code;
}

const struct sw_command sw_cmd_status = {
    .verb = "status",
    .summary = "show what stands at the targets",
    .arguments = "[TARGET]",
    .max_args = 1,
    .takes = "target",
    .options = status_options,
    .option_count = SW_COUNT(status_options),
    .description =
        "One line a model: version and revision pushed last, and the state of the newest push. With --verify every "
        "byte at the target is compared with what was pushed; a difference makes exit code 1.",
    .examples = "slipway status\tall targets\n"
                "slipway status handoff --verify\tis it still what was pushed?",
    .kinds = "StatusList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_status,
};
