// SPDX-License-Identifier: Apache-2.0
// run, train: queue a command. train is run with the built-in trainer as the command and its typed options.
#include "app/cmd.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "app/data_cell.h"
#include "core/base/text.h"
#include "core/job/job.h"
#include "gpu/train_options.h"

enum { WORDS_MAX = 256, PATTERNS_MAX = 64 };

#define QUEUE_OPTIONS                                                                                                  \
    {.name = "name",                                                                                                   \
     .type = SW_OPTION_TEXT,                                                                                           \
     .value = "NAME",                                                                                                  \
     .help = "name of job and run; unset = that of its command"},                                                      \
        {.name = "experiment", .type = SW_OPTION_TEXT, .value = "NAME", .help = "experiment the run goes to"},         \
        {.name = "gpus",                                                                                               \
         .type = SW_OPTION_INT,                                                                                        \
         .otherwise = "0",                                                                                             \
         .min = 0,                                                                                                     \
         .max = 16,                                                                                                    \
         .value = "N",                                                                                                 \
         .help = "GPUs to hold; the job waits until they are free"},                                                   \
        {.name = "cpus",                                                                                               \
         .type = SW_OPTION_INT,                                                                                        \
         .min = 1,                                                                                                     \
         .max = 4096,                                                                                                  \
         .value = "N",                                                                                                 \
         .help = "CPU slots to hold; unset = one a rank"},                                                             \
        {.name = "time-limit", .type = SW_OPTION_DURATION, .help = "end each attempt after this time"},                \
        {.name = "grace", .type = SW_OPTION_DURATION, .help = "time between SIGTERM and SIGKILL when it is stopped"},  \
        {.name = "retries",                                                                                            \
         .type = SW_OPTION_INT,                                                                                        \
         .otherwise = "0",                                                                                             \
         .min = 0,                                                                                                     \
         .max = 1000,                                                                                                  \
         .value = "N",                                                                                                 \
         .help = "further attempts after a failure"},                                                                  \
        {.name = "after", .type = SW_OPTION_JOB, .help = "start once that job is done"},                               \
        {.name = "env",                                                                                                \
         .type = SW_OPTION_TEXT,                                                                                       \
         .value = "NAME=VALUE",                                                                                        \
         .repeat = true,                                                                                               \
         .help = "addition to the environment"},                                                                       \
        {.name = "tag", .type = SW_OPTION_TEXT, .value = "KEY=VALUE", .repeat = true, .help = "tag of the run"},       \
    {                                                                                                                  \
        .name = "wait", .type = SW_OPTION_FLAG, .help = "follow the job to its end; its outcome is the exit code"      \
    }

// Splits KEY=VALUE options into pairs of the arena.
static enum sw_code pairs_from(struct sw_app *app, const char *option, struct sw_pair **out, size_t *count,
                               struct sw_err *err)
{
    const char *const *values = NULL;
    *count = sw_option_repeat(app->options, option, &values);
    *out = sw_arena_array(app->arena, *count + 1, sizeof **out);
    if (*out == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < *count; i++) {
        const char *equals = strchr(values[i], '=');
        if (equals == NULL || equals == values[i])
            return sw_err_set(err, SW_USAGE, "--%s %s: must be KEY=VALUE", option, values[i]);
        (*out)[i].key = sw_arena_strndup(app->arena, values[i], (size_t)(equals - values[i]));
        (*out)[i].value = equals + 1;
    }
    return SW_OK;
}

static enum sw_code env_from(struct sw_app *app, const char *const **out, struct sw_err *err)
{
    const char *const *values = NULL;
    size_t count = sw_option_repeat(app->options, "env", &values);
    const char **env = sw_arena_array(app->arena, count + 1, sizeof *env);
    if (env == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(values[i], '=');
        if (equals == NULL || equals == values[i])
            return sw_err_set(err, SW_USAGE, "--env %s: must be NAME=VALUE", values[i]);
        env[i] = values[i];
    }
    *out = env;
    return SW_OK;
}

// What both commands fill from QUEUE_OPTIONS.
static enum sw_code fill_spec(struct sw_app *app, struct sw_job_spec *spec, struct sw_err *err)
{
    struct sw_pair *tags;
    const char *after = sw_option_text(app->options, "after");
    spec->name = sw_option_text(app->options, "name");
    spec->experiment = sw_app_setting(app, "experiment");
    spec->gpu_count = (int)sw_option_int(app->options, "gpus", 0);
    spec->cpu_slots = (int)sw_option_int(app->options, "cpus", 0);
    spec->time_limit_ms = sw_option_duration_ms(app->options, "time-limit", 0);
    spec->max_retries = (int)sw_option_int(app->options, "retries", 0);
    spec->grace_ms = sw_option_duration_ms(sw_app_values(app, "grace"), "grace", 0);
    enum sw_code code = after == NULL ? SW_OK : sw_app_find_job(app, after, &spec->after_job_id, err);
    if (code == SW_OK)
        code = pairs_from(app, "tag", &tags, &spec->tag_count, err);
    if (code == SW_OK) {
        spec->tags = tags;
        code = env_from(app, &spec->env, err);
    }
    return code;
}

static enum sw_code submit(struct sw_app *app, const struct sw_job_spec *spec, struct sw_err *err)
{
    int64_t job_id = 0;
    struct sw_job job;
    enum sw_code code = sw_job_submit(app->store, spec, NULL, &job_id, err);
    if (code == SW_OK)
        code = sw_job_get(app->store, job_id, app->arena, &job, err);
    if (code != SW_OK)
        return code;
    bool waits = sw_option_flag(app->options, "wait");
    if (app->out.is_json && !waits)
        return sw_output_json(&app->out, sw_json_document(&sw_json_job, &job), err);
    if (!app->out.is_json) {
        sw_output_text(&app->out, "%" PRId64 "\t", job_id);
        sw_output_safe(&app->out, job.name, SW_TEXT_ONE_LINE);
        sw_output_text(&app->out, "\t%s\n", job.run_id);
    }
    if (!waits) {
        sw_output_note(&app->out,
                       "Queued as job %" PRId64 ": 'slipway logs %" PRId64 " -f' follows it, 'slipway stop %" PRId64
                       "' ends it.",
                       job_id, job_id, job_id);
        return SW_OK;
    }
    code = sw_output_flush(&app->out, err);
    return code == SW_OK ? sw_app_wait_job(app, job_id, err) : code;
}

// --- run ---

static const struct sw_option run_options[] = {
    QUEUE_OPTIONS,
    {.name = "ranks",
     .type = SW_OPTION_INT,
     .otherwise = "1",
     .min = 1,
     .max = SW_JOB_MAX_RANKS,
     .value = "N",
     .help = "processes to start, each with its RANK"},
    {.name = "cwd", .type = SW_OPTION_PATH, .value = "DIR", .help = "folder to run in; unset = this one"},
    {.name = "data", .type = SW_OPTION_DATASET, .repeat = true, .help = "data set that the run is recorded to use"},
    {.name = "param", .type = SW_OPTION_TEXT, .value = "KEY=VALUE", .repeat = true, .help = "param of the run"},
    {.name = "metrics-from-output",
     .type = SW_OPTION_FLAG,
     .help = "take figures such as loss=0.3 from lines of output that name a step or an epoch, and JSON Lines"},
    {.name = "metrics-file",
     .type = SW_OPTION_PATH,
     .value = "FILE",
     .help = "take metrics from a file of JSON Lines as it grows; relative to the job's folder"},
    {.name = "tensorboard",
     .type = SW_OPTION_PATH,
     .value = "DIR",
     .help = "folder of TensorBoard's event files; unset = found below the job's folders"},
    {.name = "pattern",
     .type = SW_OPTION_TEXT,
     .value = "KEY=REGEX",
     .repeat = true,
     .help = "take metric KEY from output, group 1 of an extended regular expression"},
};

static enum sw_code dataset_ids(struct sw_app *app, struct sw_job_spec *spec, struct sw_err *err)
{
    const char *const *names = NULL;
    size_t count = sw_option_repeat(app->options, "data", &names);
    int64_t *ids = sw_arena_array(app->arena, count + 1, sizeof *ids);
    if (ids == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        struct sw_dataset row;
        enum sw_code code = sw_dataset_get(app->store, names[i], app->arena, &row, err);
        if (code == SW_NOT_FOUND)
            return sw_err_hint(err, "register it first: 'slipway data add PATH --name %s'", names[i]);
        if (code != SW_OK)
            return code;
        ids[i] = row.dataset_id;
    }
    spec->dataset_ids = ids;
    spec->dataset_count = count;
    return SW_OK;
}

static enum sw_code run_run(struct sw_app *app, struct sw_err *err)
{
    struct sw_pair *params;
    const char *const *given = NULL;
    const char *patterns[PATTERNS_MAX + 1] = {NULL};
    size_t pattern_count = sw_option_repeat(app->options, "pattern", &given);
    const char **argv = sw_arena_array(app->arena, app->arg_count + 1, sizeof *argv);
    if (argv == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    if (pattern_count > PATTERNS_MAX)
        return sw_err_set(err, SW_USAGE, "more than %d patterns", PATTERNS_MAX);
    memcpy(patterns, given, pattern_count * sizeof *patterns);
    memcpy(argv, app->args, app->arg_count * sizeof *argv);
    struct sw_job_spec spec = {
        .argv = argv,
        .cwd = sw_option_text(app->options, "cwd"),
        .ranks = (int)sw_option_int(app->options, "ranks", 1),
        .metrics_from_stdout = sw_option_flag(app->options, "metrics-from-output"),
        .metrics_file = sw_option_text(app->options, "metrics-file"),
        .tensorboard_dir = sw_option_text(app->options, "tensorboard"),
        .patterns = pattern_count > 0 ? patterns : NULL,
    };
    enum sw_code code = fill_spec(app, &spec, err);
    if (code == SW_OK)
        code = pairs_from(app, "param", &params, &spec.param_count, err);
    if (code == SW_OK)
        code = dataset_ids(app, &spec, err);
    if (code != SW_OK)
        return code;
    spec.params = params;
    return submit(app, &spec, err);
}

const struct sw_command sw_cmd_run = {
    .verb = "run",
    .summary = "queue any command as a tracked job",
    .arguments = "-- COMMAND...",
    .min_args = 1,
    .max_args = -1,
    .takes = "command",
    .options = run_options,
    .option_count = SW_COUNT(run_options),
    .description =
        "The job outlives this terminal. Its command line, folder, environment without secrets, git commit and "
        "changes, host and output are recorded with the run.\n\n"
        "A program reports metrics with MLflow's client, unchanged: the job has a tracking server of its own, which "
        "MLFLOW_TRACKING_URI and MLFLOW_RUN_ID name (unless --env gives another). Or by writing JSON Lines to the "
        "descriptor named in SLIPWAY_METRICS_FD. Files it puts into SLIPWAY_ARTIFACT_DIR become "
        "artifacts; what it keeps in SLIPWAY_JOB_DIR it finds again at the next attempt.\n\n"
        "Metrics are also taken from TensorBoard's event files below the job's folders as they grow (scalars, "
        "hyperparameters as params, the latest 16 images of each tag as artifacts tensorboard/TAG/STEP.png), from "
        "--metrics-file, and from output with --metrics-from-output or --pattern.\n\n"
        "When two sources report the same metric one is kept: what the program says itself, through MLflow or the "
        "descriptor, is always stored, and from then on the metric is taken from no file or output; of these, the "
        "first that reports a metric keeps it for the attempt. What was passed over is counted in the supervisor's "
        "log.",
    .examples = "slipway run --name try-1 -- python3 train.py --lr 0.01\ta Python script\n"
                "slipway run --ranks 2 --gpus 2 --wait -- ./train.sh\ttwo processes, two GPUs, watched\n"
                "slipway run --pattern 'loss=loss: ([0-9.]+)' -- ./old-tool\tfigures from the output",
    .kinds = "Job",
    .needs = SW_NEEDS_NEW_STORE,
    .flags = SW_COMMAND_STOPS_AT_WORD,
    .run = run_run,
};

// --- train ---

static const struct sw_option *trainer_options(size_t *count)
{
    *count = sw_train_option_count;
    return sw_train_options;
}

// The trainer's own words: net, data as a path, and every option that was given.
static enum sw_code trainer_argv(struct sw_app *app, const char *program, const char *data_path, const char **argv,
                                 struct sw_err *err)
{
    size_t n = 0;
    argv[n++] = program;
    argv[n++] = app->args[0];
    argv[n++] = "--data";
    argv[n++] = data_path;
    for (size_t i = 0; i < sw_train_option_count && n + 2 < WORDS_MAX; i++) {
        const struct sw_option *o = &sw_train_options[i];
        // The job says how many ranks there are.
        if (!sw_option_is_set(app->options, o->name) || strcmp(o->name, "data") == 0 || strcmp(o->name, "net") == 0 ||
            strcmp(o->name, "ranks") == 0)
            continue;
        bool is_flag = o->type == SW_OPTION_FLAG;
        bool is_off = is_flag && !sw_option_flag(app->options, o->name);
        argv[n] = sw_arena_printf(app->arena, "--%s%s", is_off ? "no-" : "", o->name);
        if (argv[n] == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory");
        n++;
        if (!is_flag)
            argv[n++] = sw_option_text(app->options, o->name);
    }
    argv[n] = NULL;
    return SW_OK;
}

static enum sw_code run_train(struct sw_app *app, struct sw_err *err)
{
    struct sw_train_config config;
    struct sw_dataset data;
    char program[SW_PATH_MAX];
    const char *argv[WORDS_MAX];
    struct sw_job_spec spec = {.argv = argv};
    enum sw_code code = sw_train_config_read(app->options, &config, err);
    if (code == SW_OK)
        code = sw_data_find(app->store, sw_option_text(app->options, "data"), app->arena, &data, err);
    if (code == SW_OK)
        code = sw_path_sibling("slipway-train", program, err);
    if (code == SW_OK)
        code = trainer_argv(app, program, data.path, argv, err);
    if (code == SW_OK)
        code = fill_spec(app, &spec, err);
    if (code != SW_OK)
        return code;
    spec.ranks = config.ranks;
    if (data.dataset_id != 0) {
        spec.dataset_ids = &data.dataset_id;
        spec.dataset_count = 1;
    }
    return submit(app, &spec, err);
}

static const struct sw_option train_options[] = {QUEUE_OPTIONS};

const struct sw_command sw_cmd_train = {
    .verb = "train",
    .summary = "queue training with the built-in trainer",
    .arguments = "NET",
    .min_args = 1,
    .max_args = 1,
    .takes = "mlp|cnn|linear",
    .options = train_options,
    .option_count = SW_COUNT(train_options),
    .more_options = trainer_options,
    .description =
        "Trains a classifier on a data set, on all ranks together, with checkpoints, validation and an ONNX export "
        "that 'slipway model register --run RUN' takes.",
    .examples = "slipway train cnn --data fashion --ranks 2 --wait\ta convolutional net, two processes, watched\n"
                "slipway train mlp:512-256 --data fashion --lr 0.001 --name wide\ta perceptron of two hidden layers",
    .kinds = "Job",
    .needs = SW_NEEDS_NEW_STORE,
    .run = run_train,
};
