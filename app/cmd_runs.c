// SPDX-License-Identifier: Apache-2.0
// One or several named runs: show, note, tag, rm, restore, export. Lists and comparisons are in cmd_compare.c.
#include "app/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/metric.h"
#include "core/track/silence.h"

enum { EXPORT_PAGE = 10000 };

enum sw_role sw_run_status_role(enum sw_run_status status)
{
    static const enum sw_role roles[] = {
        [SW_RUN_SCHEDULED] = SW_ROLE_DIM, [SW_RUN_RUNNING] = SW_ROLE_ACCENT, [SW_RUN_FINISHED] = SW_ROLE_GOOD,
        [SW_RUN_FAILED] = SW_ROLE_BAD,    [SW_RUN_KILLED] = SW_ROLE_WARN,
    };
    return roles[status];
}

static enum sw_code find_run(struct sw_app *app, const char *name, struct sw_run *out, struct sw_err *err)
{
    char run_id[SW_RUN_ID];
    enum sw_code code = sw_run_resolve(app->store, name, run_id, err);
    return code == SW_OK ? sw_run_get(app->store, run_id, app->arena, out, err) : code;
}

static enum sw_code print_runs(struct sw_app *app, const struct sw_run *runs, size_t count, struct sw_err *err)
{
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_run, runs, count), err);
    return SW_OK;
}

// --- show ---

static void print_pairs(struct sw_output *o, const char *title, const struct sw_pair *items, size_t count)
{
    if (count == 0)
        return;
    sw_output_text(o, "\n");
    sw_output_role(o, SW_ROLE_TITLE);
    sw_output_text(o, "%s\n", title);
    sw_output_role(o, SW_ROLE_PLAIN);
    for (size_t i = 0; i < count; i++) {
        sw_output_text(o, "  ");
        sw_output_safe(o, items[i].key, SW_TEXT_ONE_LINE);
        sw_output_text(o, " = ");
        sw_output_safe(o, items[i].value, SW_TEXT_ONE_LINE);
        sw_output_text(o, "\n");
    }
}

static enum sw_code print_metrics(struct sw_output *o, const struct sw_run *r, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"METRIC", SW_COLUMN_SHRINKS}, {"LAST", SW_COLUMN_RIGHT}, {"MIN", SW_COLUMN_RIGHT},
        {"MAX", SW_COLUMN_RIGHT},      {"STEP", SW_COLUMN_RIGHT}, {"POINTS", SW_COLUMN_RIGHT},
    };
    if (r->metric_count == 0)
        return SW_OK;
    sw_output_text(o, "\n");
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < r->metric_count; i++) {
        const struct sw_metric_summary *m = &r->metrics[i];
        char count[32];
        sw_table_cell(t, m->key);
        sw_table_real(t, m->last, true);
        sw_table_real(t, m->min, m->has_range);
        sw_table_real(t, m->max, m->has_range);
        sw_table_cellf(t, "%" PRId64, m->last_step);
        sw_table_cell(t, sw_format_count(count, sizeof count, m->count));
    }
    return sw_table_print(t, o, err);
}

static enum sw_code run_show(struct sw_app *app, struct sw_err *err)
{
    struct sw_run r;
    char text[64];
    struct sw_output *o = &app->out;
    enum sw_code code = sw_app_reap_jobs(app, err);
    if (code == SW_OK)
        code = find_run(app, app->args[0], &r, err);
    if (code != SW_OK)
        return code;
    if (o->is_json)
        return sw_output_json(o, sw_json_document(&sw_json_run, &r), err);
    sw_output_pair(o, "run", r.run_id);
    sw_output_pair(o, "name", r.name);
    int64_t silent_ms = sw_track_silent_ms(&r, sw_clock_now_ms());
    sw_output_pairf(o, "status", "%s%s%s%s", sw_run_status_word(r.status), silent_ms > 0 ? ", silent for " : "",
                    silent_ms > 0 ? sw_format_age(text, sizeof text, silent_ms, 0) : "",
                    r.is_deleted ? " (removed)" : "");
    sw_output_pair(o, "experiment", r.experiment_name);
    sw_output_pair(o, "user", r.user);
    sw_output_pair(o, "command", r.source);
    if (r.job_id != 0)
        sw_output_pairf(o, "job", "%" PRId64, r.job_id);
    sw_output_pair(o, "started", r.start_ms != 0 ? sw_format_time(text, sizeof text, r.start_ms) : NULL);
    int64_t end_ms = r.end_ms != 0 ? r.end_ms : sw_clock_now_ms();
    sw_output_pair(o, "duration", r.start_ms != 0 ? sw_format_duration(text, sizeof text, end_ms - r.start_ms) : NULL);
    if (r.note[0] != '\0')
        sw_output_pair(o, "note", r.note);
    code = print_metrics(o, &r, err);
    print_pairs(o, "params", r.params, r.param_count);
    print_pairs(o, "tags", r.tags, r.tag_count);
    return code;
}

const struct sw_command sw_cmd_show = {
    .verb = "show",
    .summary = "show one run: metrics, params, tags, where it came from",
    .arguments = "RUN",
    .min_args = 1,
    .max_args = 1,
    .takes = "run",
    .description = "RUN is a run id, the unique beginning of one (4 characters or more), or a run's name.",
    .examples = "slipway show cnn-a\tby name\n"
                "slipway show 7f3a --json\tby the beginning of its id",
    .kinds = "Run",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_show,
};

// --- note and tag ---

static enum sw_code run_note(struct sw_app *app, struct sw_err *err)
{
    struct sw_run r;
    enum sw_code code = find_run(app, app->args[0], &r, err);
    if (code == SW_OK && app->arg_count == 2)
        code = sw_run_set_tag(app->store, r.run_id, "mlflow.note.content",
                              app->args[1][0] != '\0' ? app->args[1] : NULL, err);
    if (code == SW_OK)
        code = sw_run_get(app->store, r.run_id, app->arena, &r, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_run, &r), err);
    if (app->arg_count == 1 && r.note[0] != '\0') {
        sw_output_safe(&app->out, r.note, SW_TEXT_KEEP_NEWLINES);
        sw_output_text(&app->out, "\n");
    }
    return SW_OK;
}

const struct sw_command sw_cmd_note = {
    .verb = "note",
    .summary = "read or write the note of a run",
    .arguments = "RUN [TEXT]",
    .min_args = 1,
    .max_args = 2,
    .takes = "run",
    .description =
        "Without TEXT the note is printed. An empty TEXT removes it. MLflow shows it as the run's description.",
    .examples = "slipway note cnn-a \"best so far, lr needs a warm-up\"\twrite\n"
                "slipway note cnn-a\tread",
    .kinds = "Run",
    .needs = SW_NEEDS_STORE,
    .run = run_note,
};

static enum sw_code run_tag(struct sw_app *app, struct sw_err *err)
{
    struct sw_run r;
    enum sw_code code = find_run(app, app->args[0], &r, err);
    if (code == SW_OK)
        code = sw_store_begin(app->store, SW_STORE_NORMAL, err);
    for (size_t i = 1; i < app->arg_count && code == SW_OK; i++) {
        const char *equals = strchr(app->args[i], '=');
        char *key = sw_arena_strndup(app->arena, app->args[i],
                                     equals != NULL ? (size_t)(equals - app->args[i]) : strlen(app->args[i]));
        if (key == NULL || key[0] == '\0') {
            (void)sw_err_set(err, SW_USAGE, "'%s' is not KEY=VALUE", app->args[i]);
            code = sw_err_hint(err, "KEY=VALUE sets a tag, KEY= removes it");
        } else if (equals == NULL) {
            (void)sw_err_set(err, SW_USAGE, "the tag '%s' needs a value", key);
            code = sw_err_hint(err, "KEY=VALUE sets a tag, KEY= removes it");
        } else {
            code = sw_run_set_tag(app->store, r.run_id, key, equals[1] != '\0' ? equals + 1 : NULL, err);
        }
    }
    if (code == SW_OK)
        code = sw_store_commit(app->store, err);
    else
        sw_store_rollback(app->store);
    if (code == SW_OK)
        code = sw_run_get(app->store, r.run_id, app->arena, &r, err);
    if (code != SW_OK || !app->out.is_json)
        return code;
    return sw_output_json(&app->out, sw_json_document(&sw_json_run, &r), err);
}

const struct sw_command sw_cmd_tag = {
    .verb = "tag",
    .summary = "set or remove tags of a run",
    .arguments = "RUN KEY=VALUE...",
    .min_args = 2,
    .max_args = -1,
    .takes = "run",
    .description = "KEY=VALUE sets a tag, KEY= removes it. All of them are changed, or none.",
    .examples = "slipway tag cnn-a stage=candidate reviewed=yes\tset two tags\n"
                "slipway runs \"tags.stage = 'candidate'\"\tfind it again",
    .kinds = "Run",
    .needs = SW_NEEDS_STORE,
    .run = run_tag,
};

// --- rm and restore ---

static enum sw_code set_deleted(struct sw_app *app, bool deleted, struct sw_err *err)
{
    struct sw_run *runs = sw_arena_array(app->arena, app->arg_count, sizeof *runs);
    if (runs == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++)
        code = find_run(app, app->args[i], &runs[i], err);
    if (code == SW_OK)
        code = sw_store_begin(app->store, SW_STORE_NORMAL, err);
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++) {
        runs[i].is_deleted = deleted;
        code = sw_run_set_deleted(app->store, runs[i].run_id, deleted, err);
    }
    if (code == SW_OK)
        code = sw_store_commit(app->store, err);
    else
        sw_store_rollback(app->store);
    for (size_t i = 0; i < app->arg_count && code == SW_OK && !app->out.is_json; i++) {
        if (deleted)
            sw_output_note(&app->out, "Removed %s (%.8s); 'slipway restore %.8s' brings it back.", runs[i].name,
                           runs[i].run_id, runs[i].run_id);
        else
            sw_output_note(&app->out, "Restored %s (%.8s).", runs[i].name, runs[i].run_id);
    }
    return code == SW_OK ? print_runs(app, runs, app->arg_count, err) : code;
}

static enum sw_code run_rm(struct sw_app *app, struct sw_err *err)
{
    return set_deleted(app, true, err);
}

const struct sw_command sw_cmd_rm = {
    .verb = "rm",
    .summary = "remove runs; restore brings them back",
    .arguments = "RUN...",
    .min_args = 1,
    .max_args = -1,
    .takes = "run",
    .description =
        "A removed run is hidden from lists and keeps its metrics and files. All named runs are removed, or none.",
    .examples = "slipway rm mlp-small 7f3a\tremove two runs",
    .kinds = "RunList",
    .needs = SW_NEEDS_STORE,
    .run = run_rm,
};

static enum sw_code run_restore(struct sw_app *app, struct sw_err *err)
{
    return set_deleted(app, false, err);
}

const struct sw_command sw_cmd_restore = {
    .verb = "restore",
    .summary = "bring removed runs back",
    .arguments = "RUN...",
    .min_args = 1,
    .max_args = -1,
    .takes = "run",
    .description = "'slipway runs --deleted' lists what can be restored.",
    .examples = "slipway restore 7f3a\tby the beginning of its id",
    .kinds = "RunList",
    .needs = SW_NEEDS_STORE,
    .run = run_restore,
};

// --- export ---

static const struct sw_option export_options[] = {
    {.name = "metric",
     .letter = 'm',
     .type = SW_OPTION_TEXT,
     .value = "KEY",
     .repeat = true,
     .help = "only this metric"},
};

static enum sw_code export_metric(struct sw_app *app, const struct sw_run *r, const char *key, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    size_t count = EXPORT_PAGE;
    for (int64_t offset = 0; code == SW_OK && count == EXPORT_PAGE && !app->out.is_closed; offset += EXPORT_PAGE) {
        struct sw_arena *arena = sw_arena_new(16 * 1024 * 1024);
        struct sw_metric_point *points = NULL;
        code = arena == NULL ? sw_err_set(err, SW_NO_MEMORY, "out of memory while reading metric %s", key)
                             : sw_metric_read_points(app->store, r->run_id, key, offset, EXPORT_PAGE, arena, &points,
                                                     &count, err);
        for (size_t i = 0; i < count && code == SW_OK; i++) {
            if (app->out.is_json) {
                code = sw_output_json_line(&app->out,
                                           json_pack("{s:s, s:I, s:s, s:o, s:I, s:o}", "event", "point", "time_ms",
                                                     (json_int_t)points[i].time_ms, "run_id", r->run_id, "key",
                                                     sw_json_text(key), "step", (json_int_t)points[i].step, "value",
                                                     sw_json_real(points[i].value)),
                                           err);
                continue;
            }
            sw_output_text(&app->out, "%s\t", r->run_id);
            sw_output_safe(&app->out, key, SW_TEXT_ONE_LINE);
            sw_output_text(&app->out, "\t%" PRId64 "\t%" PRId64 "\t%.17g\n", points[i].step, points[i].time_ms,
                           points[i].value);
        }
        sw_arena_free(arena);
    }
    return code;
}

static enum sw_code run_export(struct sw_app *app, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    const char *const *wanted = NULL;
    size_t wanted_count = sw_option_repeat(app->options, "metric", &wanted);
    if (!app->out.is_json)
        sw_output_text(&app->out, "run_id\tkey\tstep\ttime_ms\tvalue\n");
    for (size_t i = 0; i < app->arg_count && code == SW_OK; i++) {
        struct sw_run r;
        code = find_run(app, app->args[i], &r, err);
        if (code == SW_OK && wanted_count > 0) {
            for (size_t k = 0; k < wanted_count && code == SW_OK; k++)
                code = export_metric(app, &r, wanted[k], err);
        } else if (code == SW_OK) {
            for (size_t k = 0; k < r.metric_count && code == SW_OK; k++)
                code = export_metric(app, &r, r.metrics[k].key, err);
        }
    }
    return code;
}

const struct sw_command sw_cmd_export = {
    .verb = "export",
    .summary = "print every metric point of runs",
    .arguments = "RUN...",
    .min_args = 1,
    .max_args = -1,
    .takes = "run",
    .options = export_options,
    .option_count = SW_COUNT(export_options),
    .description =
        "Tab-separated with a title line; with --json one object a line with event, time_ms, run_id, key, step "
        "and value.",
    .examples = "slipway export cnn-a > points.tsv\tevery point of a run\n"
                "slipway export cnn-a -m accuracy --json\tone metric as JSON Lines",
    .kinds = "",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_export,
};
