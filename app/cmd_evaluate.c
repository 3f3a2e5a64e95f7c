// SPDX-License-Identifier: Apache-2.0
// model evaluate: our engine runs the exported net in a child process; the result is bound to model and data digests.
#include "app/cmd.h"

#include <inttypes.h>
#include <string.h>

#include "app/data_cell.h"
#include "app/model_cmd.h"
#include "core/base/proc.h"
#include "core/base/text.h"
#include "core/base/tree.h"
#include "gpu/report.h"

enum { RESULT_MAX_BYTES = 64 * 1024 * 1024, STDERR_MAX_BYTES = 64 * 1024, METRICS_MAX = 16, WORDS = 12 };

static const struct sw_option evaluate_options[] = {
    {.name = "data", .letter = 'd', .type = SW_OPTION_DATASET, .required = true, .help = "data set to measure on"},
    {.name = "split", .type = SW_OPTION_TEXT, .value = "NAME", .help = "its split; unset = test where there is one"},
    {.name = "label",
     .type = SW_OPTION_TEXT,
     .value = "COLUMN",
     .help = "column with the classes; found by its name when not given"},
    {.name = "time-limit", .type = SW_OPTION_DURATION, .otherwise = "1h", .help = "give up after this time"},
};

static enum sw_code find_net(struct sw_app *app, const struct sw_model_version *v, const char **path,
                             struct sw_err *err)
{
    struct sw_model_files files;
    enum sw_code code = sw_model_version_files(v, app->arena, &files, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < files.count; i++) {
        size_t len = strlen(files.items[i].path);
        if (len > 5 && strcmp(files.items[i].path + len - 5, ".onnx") == 0) {
            *path = sw_arena_printf(app->arena, "%s/%s", v->path, files.items[i].path);
            return *path != NULL ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory");
        }
    }
    (void)sw_err_set(err, SW_UNSUPPORTED, "%s/%" PRId64 " holds no ONNX file", v->name, v->version);
    return sw_err_hint(err, "only nets exported by slipway-train can be evaluated here");
}

// The trainer's last words, without its name, as our message.
static enum sw_code trainer_failed(const struct sw_buf *errout, const struct sw_proc_result *ended, struct sw_err *err)
{
    if (ended->signo != 0)
        return sw_err_set(err, SW_FAILED, "slipway-train was ended by signal %d", ended->signo);
    static const char prefix[] = "slipway-train: ";
    const char *start = strstr(errout->data, prefix);
    start = start == NULL ? errout->data : start + sizeof prefix - 1;
    size_t len = strcspn(start, "\n");
    if (len == 0)
        return sw_err_set(err, SW_FAILED, "slipway-train exited with %d", ended->exit_code);
    const char *end = start + len;
    const char *hint = strstr(start, SW_TRAIN_HINT);
    if (hint == NULL || hint > end)
        return sw_err_set(err, SW_FAILED, "evaluation: %.*s", (int)len, start);
    (void)sw_err_set(err, SW_FAILED, "evaluation: %.*s", (int)(hint - start), start);
    hint += strlen(SW_TRAIN_HINT);
    return sw_err_hint(err, "%.*s", (int)(end - hint), hint);
}

static enum sw_code run_trainer(struct sw_app *app, const char *net, const char *data_path, json_t **out,
                                struct sw_err *err)
{
    char program[SW_PATH_MAX];
    const char *split = sw_option_text(app->options, "split");
    const char *label = sw_option_text(app->options, "label");
    const char *argv[WORDS] = {program, "evaluate", net, "--data", data_path};
    size_t n = 5;
    if (split != NULL) {
        argv[n++] = "--split";
        argv[n++] = split;
    }
    if (label != NULL) {
        argv[n++] = "--target";
        argv[n++] = label;
    }
    struct sw_proc_spec spec = {.argv = argv, .die_with_parent = true};
    struct sw_proc_result ended = {0};
    struct sw_buf text, errout;
    sw_buf_init(&text, RESULT_MAX_BYTES);
    sw_buf_init(&errout, STDERR_MAX_BYTES);
    enum sw_code code = sw_path_sibling("slipway-train", program, err);
    if (code == SW_OK)
        code = sw_proc_run(&spec, NULL, 0, sw_option_duration_ms(app->options, "time-limit", 0), &text, &errout, &ended,
                           err);
    if (code == SW_OK && (ended.signo != 0 || ended.exit_code != 0))
        code = trainer_failed(&errout, &ended, err);
    if (code == SW_OK)
        code = sw_json_parse(text.data, text.len, "slipway-train's result", &sw_tree_limits_default, out, err);
    sw_buf_free(&text);
    sw_buf_free(&errout);
    return code;
}

static const char *without_algorithm(const char *digest)
{
    static const char prefix[] = "sha256:";
    if (digest == NULL)
        return "";
    return strncmp(digest, prefix, sizeof prefix - 1) == 0 ? digest + sizeof prefix - 1 : digest;
}

// Every number at the top of the document but the row count is a metric.
static size_t collect_metrics(const json_t *result, struct sw_model_metric metrics[static METRICS_MAX])
{
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)result, key, value) {
        if (count == METRICS_MAX || strcmp(key, "rows") == 0)
            continue;
        if (json_is_number(value))
            metrics[count++] = (struct sw_model_metric){key, json_number_value(value)};
    }
    return count;
}

static enum sw_code record(struct sw_app *app, const struct sw_model_version *v, const struct sw_dataset *data,
                           const json_t *result, struct sw_evaluation *out, struct sw_err *err)
{
    struct sw_model_metric metrics[METRICS_MAX];
    const json_t *about = json_object_get(result, "data");
    const char *split = sw_tree_text(about, "split");
    int64_t evaluation_id = 0;
    struct sw_model_result row = {
        .model_digest = v->digest,
        .dataset = data->name,
        .dataset_digest = without_algorithm(sw_tree_text(about, "digest")),
        .split = split != NULL ? split : "",
        .metrics = metrics,
        .metric_count = collect_metrics(result, metrics),
    };
    enum sw_code code = sw_model_record_evaluation(app->store, v, &row, &evaluation_id, err);
    struct sw_evaluation *all = NULL;
    size_t count = 0;
    if (code == SW_OK)
        code = sw_evaluation_list(app->store, v->name, v->version, app->arena, &all, &count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++)
        if (all[i].evaluation_id == evaluation_id)
            *out = all[i];
    return code;
}

static enum sw_code print_evaluation(struct sw_app *app, const struct sw_evaluation *e, const json_t *result,
                                     struct sw_err *err)
{
    if (app->out.is_json) {
        json_t *document = sw_json_document(&sw_json_evaluation, e);
        if (json_object_set(document, "result", (json_t *)result) != 0) {
            json_decref(document);
            document = NULL;
        }
        return sw_output_json(&app->out, document, err);
    }
    sw_output_text(&app->out, "%s/%" PRId64 "\t", e->name, e->version);
    sw_output_safe(&app->out, e->dataset, SW_TEXT_ONE_LINE);
    sw_output_text(&app->out, " ");
    sw_output_safe(&app->out, e->split, SW_TEXT_ONE_LINE);
    struct sw_model_metric metrics[METRICS_MAX];
    size_t count = collect_metrics(result, metrics);
    for (size_t i = 0; i < count; i++) {
        char number[32];
        sw_output_text(&app->out, "\t%s %s", metrics[i].name, sw_format_real(number, sizeof number, metrics[i].value));
    }
    sw_output_text(&app->out, "\n");
    return SW_OK;
}

static enum sw_code run_evaluate(struct sw_app *app, struct sw_err *err)
{
    struct sw_model_version v;
    struct sw_dataset data;
    struct sw_evaluation evaluation = {0};
    const char *net = NULL;
    json_t *result = NULL;
    enum sw_code code = sw_model_version_get(app->store, app->args[0], app->arena, &v, err);
    if (code == SW_OK)
        code = sw_data_find(app->store, sw_option_text(app->options, "data"), app->arena, &data, err);
    // What runs must be what was registered.
    if (code == SW_OK)
        code = sw_model_verify(&v, err);
    if (code == SW_OK)
        code = find_net(app, &v, &net, err);
    if (code == SW_OK)
        code = run_trainer(app, net, data.path, &result, err);
    if (code == SW_OK)
        code = record(app, &v, &data, result, &evaluation, err);
    if (code == SW_OK)
        code = print_evaluation(app, &evaluation, result, err);
    json_decref(result);
    return code;
}

const struct sw_command sw_cmd_model_evaluate = {
    .verb = "model evaluate",
    .summary = "measure a model version on a data set",
    .arguments = "MODEL",
    .min_args = 1,
    .max_args = 1,
    .takes = "model",
    .options = evaluate_options,
    .option_count = SW_COUNT(evaluate_options),
    .description =
        "Runs the exported ONNX net with the built-in engine, after checking its bytes. The figures are stored with "
        "the digests of model and data, which is what gates of a policy look at.",
    .examples = "slipway model evaluate fashion-cnn --data fashion --split test\tthe newest version on the test split",
    .kinds = "Evaluation",
    .needs = SW_NEEDS_STORE,
    .run = run_evaluate,
};
