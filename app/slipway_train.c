// SPDX-License-Identifier: Apache-2.0
// `slipway-train`: the built-in trainer as a program. Here: its verbs, and the adapter from core/data to what gpu/ needs.
// It knows no store: names of data sets are resolved by `slipway train`, which starts it as a job.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/jobenv.h"
#include "core/base/text.h"
#include "core/data/dataset.h"
#include "core/data/labelled.h"
#include "gpu/evaluate.h"
#include "gpu/probe.h"
#include "gpu/ranks.h"
#include "gpu/report.h"
#include "gpu/train.h"

enum { OPTIONS_MAX = 64, PREDICT_ROWS = 256 };

static volatile sig_atomic_t stop_requested;

static void request_stop(int signo)
{
    (void)signo;
    stop_requested = 1;
}

static void print_error(const struct sw_err *err)
{
    char text[sizeof err->message], hint[sizeof err->hint];
    const char *rank = getenv("RANK"), *size = getenv("WORLD_SIZE");
    bool is_one_of_many = rank && size && strcmp(size, "1") != 0;
    sw_text_safe_copy(text, sizeof text, err->message, SW_TEXT_ONE_LINE);
    sw_text_safe_copy(hint, sizeof hint, err->hint, SW_TEXT_ONE_LINE);
    fprintf(stderr, "slipway-train: %s%.10s%s%s%s%s\n", is_one_of_many ? "rank " : "", is_one_of_many ? rank : "",
            is_one_of_many ? ": " : "", text, *hint ? SW_TRAIN_HINT : "", hint);
}

static enum sw_code print_json(json_t *tree, struct sw_err *err)
{
    struct sw_buf out;
    sw_buf_init(&out, 256 << 20);
    enum sw_code code = sw_json_write(tree, 2, &out, err);
    if (!code)
        code = sw_fd_write_all(STDOUT_FILENO, out.data, out.len, "standard output", err);
    sw_buf_free(&out);
    return code;
}

// --- data ---

struct source {
    struct sw_train_data data;
    struct sw_labelled *labelled;
    float *sample; // one sample in the file's order, where that is not ours
    char name[256], split[128], digest[8 + SW_SHA256_HEX];
};

// [height, width, channels] to [channels, height, width], in place through `sample`.
static void reorder(const struct source *s, size_t count, float *features)
{
    size_t channels = (size_t)s->data.shape.channels;
    size_t pixels = (size_t)s->data.shape.height * (size_t)s->data.shape.width;
    for (size_t n = 0; n < count; n++, features += channels * pixels) {
        memcpy(s->sample, features, channels * pixels * sizeof *features);
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++)
                features[c * pixels + p] = s->sample[p * channels + c];
    }
}

static enum sw_code gather(void *ctx, const int64_t *rows, size_t count, float *features, int32_t *labels,
                           struct sw_err *err)
{
    const struct source *s = ctx;
    (void)err; // rows are in memory
    sw_labelled_gather(s->labelled, rows, count, features, labels);
    if (features && s->sample)
        reorder(s, count, features);
    return SW_OK;
}

static void close_source(struct source *s)
{
    sw_labelled_free(s->labelled);
    free(s->sample);
}

static enum sw_code take_shape(struct source *s, const struct sw_labelled_info *info, struct sw_err *err)
{
    for (int i = 0; i < info->rank; i++)
        if (info->shape[i] < 1 || info->shape[i] > SW_NET_MAX_UNITS)
            return sw_err_set(err, SW_UNSUPPORTED, "%s: samples are too large to train on", s->name);
    int a = (int)info->shape[0], b = (int)info->shape[1], c = (int)info->shape[2];
    switch (info->rank) {
    case 1:
        s->data.shape = (struct sw_shape){a, 1, 1};
        return SW_OK;
    case 2:
        s->data.shape = (struct sw_shape){1, a, b};
        return SW_OK;
    case 3:
        s->data.shape = (struct sw_shape){c, a, b};
        break;
    default:
        return sw_err_set(err, SW_UNSUPPORTED, "%s: samples of %d dimensions cannot be trained on", s->name,
                          info->rank);
    }
    s->sample = c > 1 ? malloc(sw_shape_size(s->data.shape) * sizeof *s->sample) : NULL;
    return c > 1 && !s->sample ? sw_err_set(err, SW_NO_MEMORY, "%s: out of memory", s->name) : SW_OK;
}

static enum sw_code name_source(struct source *s, const char *path, struct sw_err *err)
{
    struct sw_data *d;
    char hex[SW_SHA256_HEX];
    enum sw_code code = sw_data_open(path, NULL, &d, err);
    if (code)
        return code;
    snprintf(s->name, sizeof s->name, "%s", sw_data_name(d));
    code = sw_data_digest(d, hex, NULL, err);
    if (!code)
        snprintf(s->digest, sizeof s->digest, "sha256:%s", hex);
    sw_data_free(d);
    return code;
}

// `classes` fixes names and order of the classes (a model's); NULL = as the data set has them. `s` must stay where it is.
static enum sw_code open_source(const char *path, const char *split, const char *target, const char *const *classes,
                                int class_count, struct source *s, struct sw_err *err)
{
    struct sw_labelled_options o = {
        .split = split, .target = target, .class_names = classes, .class_count = classes ? (size_t)class_count : 0};
    *s = (struct source){0};
    enum sw_code code = name_source(s, path, err);
    if (code || (code = sw_labelled_open(path, &o, &s->labelled, err)))
        return code;
    const struct sw_labelled_info *info = sw_labelled_info(s->labelled);
    snprintf(s->split, sizeof s->split, "%s", info->split ? info->split : "");
    s->data = (struct sw_train_data){.ctx = s,
                                     .name = s->name,
                                     .split = info->split ? s->split : NULL,
                                     .digest = s->digest,
                                     .rows = info->rows,
                                     .classes = (int)info->class_count,
                                     .class_names = info->class_names,
                                     .feature_names = info->feature_names,
                                     .gather = gather};
    code = take_shape(s, info, err);
    if (code)
        close_source(s);
    return code;
}

// --- verbs ---

static const struct sw_option explain_option = {.name = "explain",
                                                .type = SW_OPTION_FLAG,
                                                .help =
                                                    "print layers, shapes, parameters and costs instead of training"};

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = request_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGUSR1, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
}

static enum sw_code explain(const struct sw_train_config *c, const struct sw_train_data *data, struct sw_err *err)
{
    struct sw_net net;
    struct sw_buf out;
    enum sw_code code = sw_net_parse(c->net, data->shape, data->classes, &net, err);
    if (code)
        return code;
    sw_buf_init(&out, 1 << 20);
    sw_net_explain(&net, &out);
    sw_buf_addf(&out, "\n%.3f GFLOP a training step of %d rows (forward and backward)\n",
                3 * net.flops * c->batch / 1e9, c->batch);
    code = sw_fd_write_all(STDOUT_FILENO, out.data, out.len, "standard output", err);
    sw_buf_free(&out);
    return code;
}

static enum sw_code run_train(const struct sw_option_set *set, char **argv, int *exit_status, struct sw_err *err)
{
    struct sw_train_config c;
    struct sw_train_env env;
    struct sw_train_result result;
    struct source source;
    enum sw_code code = sw_train_config_read(set, &c, err);
    if (code || (code = sw_train_env_read(c.out, &env, err)))
        return code;
    bool is_explaining = sw_option_flag(set, "explain");
    if (c.ranks > 1 && !getenv("WORLD_SIZE") && !is_explaining) {
        char *self[] = {"/proc/self/exe"};
        char *named = argv[0];
        argv[0] = self[0];
        code = sw_ranks_run((const char *const *)argv, c.ranks, exit_status, err);
        argv[0] = named;
        return code;
    }
    c.ranks = env.size; // the launcher's word counts
    if ((code = open_source(c.data, c.split, c.target, NULL, 0, &source, err)))
        return code;
    catch_signals();
    env.stop = &stop_requested;
    code = is_explaining ? explain(&c, &source.data, err) : sw_train_run(&c, &env, &source.data, &result, err);
    if (!code && !is_explaining && result.is_stopped)
        *exit_status = SW_EXIT_REQUEUE;
    if (code == SW_DIVERGED)
        *exit_status = SW_EXIT_DIVERGED;
    close_source(&source);
    return code;
}

static enum sw_code one_argument(const struct sw_option_set *set, const char *what, const char **out,
                                 struct sw_err *err)
{
    const char *const *args;
    size_t count = sw_option_args(set, &args);
    if (count != 1)
        return sw_err_set(err, SW_USAGE, "expected one %s, got %zu arguments", what, count);
    *out = args[0];
    return SW_OK;
}

static const struct sw_option evaluate_options[] = {
    {.name = "data", .letter = 'd', .type = SW_OPTION_DATASET, .help = "data set with classes", .required = true},
    {.name = "split", .type = SW_OPTION_TEXT, .help = "split of the data set; test where there is one"},
    {.name = "target", .type = SW_OPTION_TEXT, .value = "COLUMN", .help = "column with the classes"},
    {.name = "engine", .type = SW_OPTION_CHOICE, .otherwise = "auto", .choices = "auto|plain", .help = "what computes"},
};

// "test" when the data set has such a split, NULL (its own default) otherwise.
static enum sw_code choose_split(const char *path, const char *given, const char **out, struct sw_err *err)
{
    struct sw_data *d;
    *out = given;
    if (given)
        return SW_OK;
    enum sw_code code = sw_data_open(path, NULL, &d, err);
    if (code)
        return code;
    for (size_t i = 0; i < sw_data_split_count(d); i++)
        if (strcmp(sw_data_split_name(d, i), "test") == 0)
            *out = "test";
    sw_data_free(d);
    return SW_OK;
}

static enum sw_code run_evaluate(const struct sw_option_set *set, char **argv, int *exit_status, struct sw_err *err)
{
    struct sw_model model;
    struct source source;
    const char *path, *split, *data = sw_option_text(set, "data");
    json_t *result = NULL;
    (void)argv, (void)exit_status;
    enum sw_code code = one_argument(set, "model file", &path, err);
    if (code || (code = choose_split(data, sw_option_text(set, "split"), &split, err)) ||
        (code = sw_onnx_load(path, &model, err)))
        return code;
    code = open_source(data, split, sw_option_text(set, "target"), model.class_names, model.net.classes, &source, err);
    if (!code) {
        code = sw_evaluate(&model, sw_option_text(set, "engine"), &source.data, &result, err);
        close_source(&source);
    }
    if (!code)
        code = print_json(result, err);
    json_decref(result);
    sw_model_free(&model);
    return code;
}

static const struct sw_option predict_options[] = {
    {.name = "engine", .type = SW_OPTION_CHOICE, .otherwise = "auto", .choices = "auto|plain", .help = "what computes"},
};

// Reads up to `len` bytes across short reads; fewer only at the end of the input.
static enum sw_code read_input(void *bytes, size_t len, size_t *got, struct sw_err *err)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = read(STDIN_FILENO, (char *)bytes + *got, len - *got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sw_err_errno(err, errno, "standard input");
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return SW_OK;
}

static enum sw_code predict_all(const struct sw_model *m, struct sw_predictor *p, struct sw_err *err)
{
    size_t sample = sw_shape_size(m->net.in) * sizeof(float), answer = (size_t)m->net.classes * sizeof(float), got = 0;
    float *features = malloc(PREDICT_ROWS * sample), *probabilities = malloc(PREDICT_ROWS * answer);
    enum sw_code code = features && probabilities ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (bool is_end = false; !code && !is_end;) {
        if ((code = read_input(features, PREDICT_ROWS * sample, &got, err)))
            break;
        if (got % sample) {
            code = sw_err_set(err, SW_INVALID, "standard input ends inside a sample of %zu bytes", sample);
            break;
        }
        int rows = (int)(got / sample);
        is_end = rows < PREDICT_ROWS;
        if (rows > 0 && !(code = sw_predictor_run(p, rows, features, probabilities, err)))
            code = sw_fd_write_all(STDOUT_FILENO, probabilities, (size_t)rows * answer, "standard output", err);
    }
    free(features);
    free(probabilities);
    return code;
}

static enum sw_code run_predict(const struct sw_option_set *set, char **argv, int *exit_status, struct sw_err *err)
{
    struct sw_model model;
    struct sw_predictor *p;
    const char *path;
    (void)argv, (void)exit_status;
    enum sw_code code = one_argument(set, "model file", &path, err);
    if (code || (code = sw_onnx_load(path, &model, err)))
        return code;
    code = sw_predictor_new(&model, sw_option_text(set, "engine"), PREDICT_ROWS, &p, err);
    if (!code) {
        code = predict_all(&model, p, err);
        sw_predictor_free(p);
    }
    sw_model_free(&model);
    return code;
}

static const struct sw_option probe_options[] = {
    {.name = "shape",
     .type = SW_OPTION_TEXT,
     .value = "CxHxW",
     .otherwise = "1x28x28",
     .help = "shape of a sample, or a number of columns"},
    {.name = "classes", .type = SW_OPTION_INT, .otherwise = "10", .min = 2, .max = 65536, .help = "classes"},
    {.name = "batch",
     .letter = 'b',
     .type = SW_OPTION_INT,
     .otherwise = "128",
     .min = 1,
     .max = 65536,
     .help = "rows a step"},
    {.name = "seed",
     .type = SW_OPTION_INT,
     .otherwise = "1",
     .min = 0,
     .max = 9007199254740992,
     .help = "start of the made-up samples"},
    {.name = "seconds", .type = SW_OPTION_REAL, .otherwise = "2", .min = 0, .max = 600, .help = "how long to measure"},
    {.name = "out",
     .letter = 'o',
     .type = SW_OPTION_PATH,
     .value = "DIR",
     .otherwise = "step",
     .help = "folder for the files of a step"},
    {.name = "engine", .type = SW_OPTION_CHOICE, .otherwise = "auto", .choices = "auto|plain", .help = "what computes"},
};

static enum sw_code parse_shape(const char *text, struct sw_shape *out, struct sw_err *err)
{
    int c, h, w, end = 0;
    if (sscanf(text, "%5dx%5dx%5d%n", &c, &h, &w, &end) == 3 && !text[end])
        *out = (struct sw_shape){c, h, w};
    else if (sscanf(text, "%5d%n", &c, &end) == 1 && !text[end])
        *out = (struct sw_shape){c, 1, 1};
    else
        return sw_err_set(err, SW_USAGE, "--shape '%s' is neither CxHxW nor a number of columns", text);
    return SW_OK;
}

static enum sw_code open_probe(const struct sw_option_set *set, struct sw_net *net, struct sw_probe *p,
                               struct sw_err *err)
{
    const char *text;
    struct sw_shape shape;
    enum sw_code code = one_argument(set, "net", &text, err);
    if (code || (code = parse_shape(sw_option_text(set, "shape"), &shape, err)))
        return code;
    *p = (struct sw_probe){.engine = sw_option_text(set, "engine"),
                           .batch = (int)sw_option_int(set, "batch", 0),
                           .seed = (uint64_t)sw_option_int(set, "seed", 0),
                           .seconds = sw_option_real(set, "seconds", 0)};
    return sw_net_parse(text, shape, (int)sw_option_int(set, "classes", 0), net, err);
}

static enum sw_code run_bench(const struct sw_option_set *set, char **argv, int *exit_status, struct sw_err *err)
{
    struct sw_net net;
    struct sw_probe probe;
    json_t *result = NULL;
    (void)argv, (void)exit_status;
    enum sw_code code = open_probe(set, &net, &probe, err);
    if (!code && !(code = sw_probe_bench(&net, &probe, &result, err)))
        code = print_json(result, err);
    json_decref(result);
    return code;
}

static enum sw_code run_gradients(const struct sw_option_set *set, char **argv, int *exit_status, struct sw_err *err)
{
    struct sw_net net;
    struct sw_probe probe;
    json_t *result = NULL;
    (void)argv, (void)exit_status;
    enum sw_code code = open_probe(set, &net, &probe, err);
    if (!code && !(code = sw_probe_gradients(&net, &probe, sw_option_text(set, "out"), &result, err)))
        code = print_json(result, err);
    json_decref(result);
    return code;
}

// --- the program ---

// A verb; the first row is what runs when the first word is none of the others.
struct verb {
    const char *name;
    const char *usage;
    const char *summary;
    const struct sw_option *options;
    const size_t *count;
    const struct sw_option *extra; // one more, NULL = none
    enum sw_code (*run)(const struct sw_option_set *set, char **argv, int *exit_status, struct sw_err *err);
};

static const size_t evaluate_count = sizeof evaluate_options / sizeof *evaluate_options;
static const size_t predict_count = sizeof predict_options / sizeof *predict_options;
static const size_t probe_count = sizeof probe_options / sizeof *probe_options;

static const struct verb verbs[] = {
    {"", "slipway-train NET --data DATA [options]", "trains a net and writes model/model.onnx", sw_train_options,
     &sw_train_option_count, &explain_option, run_train},
    {"evaluate", "slipway-train evaluate MODEL.onnx --data DATA [options]",
     "runs a model on a data set and prints its figures as JSON", evaluate_options, &evaluate_count, NULL,
     run_evaluate},
    {"predict", "slipway-train predict MODEL.onnx < features.f32 > probabilities.f32",
     "runs a model on raw 32-bit floats from standard input", predict_options, &predict_count, NULL, run_predict},
    {"bench", "slipway-train bench NET [options]", "measures a training step on made-up samples", probe_options,
     &probe_count, NULL, run_bench},
    {"gradients", "slipway-train gradients NET --out DIR [options]",
     "writes all that goes into and comes out of one training step as raw files", probe_options, &probe_count, NULL,
     run_gradients},
};
enum { VERBS = sizeof verbs / sizeof *verbs };

static void print_option(const struct sw_option *o)
{
    char left[64], letter[8] = "    ";
    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    const char *value = o->type == SW_OPTION_FLAG ? "" : o->value ? o->value : o->choices;
    snprintf(left, sizeof left, "%s--%s %s", letter, o->name, value ? value : sw_option_type_word(o->type));
    printf("  %-34s %s", left, o->help);
    if (o->otherwise && o->type != SW_OPTION_FLAG)
        printf(" [%s]", o->otherwise);
    else if (o->from)
        printf(" [from the %s]", o->from);
    putchar('\n');
}

static void print_help(const struct verb *v)
{
    printf("usage: %s\n%s\n\noptions:\n", v->usage, v->summary);
    for (size_t i = 0; i < *v->count; i++)
        print_option(&v->options[i]);
    if (v->extra)
        print_option(v->extra);
    if (v != verbs)
        return;
    printf("\nverbs (each with --help):\n");
    for (size_t i = 1; i < VERBS; i++)
        printf("  %-12s %s\n", verbs[i].name, verbs[i].summary);
    printf("\nExit status: 0 done, %d stopped on request after a checkpoint, %d the loss stopped being finite,\n"
           "2 wrong usage, 1 any other failure.\n",
           SW_EXIT_REQUEUE, SW_EXIT_DIVERGED);
}

static enum sw_code run_verb(const struct verb *v, int argc, char **argv, int skip, int *exit_status,
                             struct sw_err *err)
{
    struct sw_option table[OPTIONS_MAX];
    struct sw_option_set *set;
    size_t count = *v->count;
    memcpy(table, v->options, count * sizeof *table);
    if (v->extra)
        table[count++] = *v->extra;
    enum sw_code code = sw_option_set_new(table, count, &set, err);
    if (code)
        return code;
    code = sw_option_parse(set, argc - 1 - skip, argv + 1 + skip, false, err);
    if (!code)
        code = sw_option_check_required(set, err);
    if (!code)
        code = v->run(set, argv, exit_status, err);
    else if (!*err->hint)
        (void)sw_err_hint(err, "slipway-train %s%s--help lists the options", v->name, *v->name ? " " : "");
    sw_option_set_free(set);
    return code;
}

int main(int argc, char **argv)
{
    struct sw_err err = {0};
    const struct verb *verb = &verbs[0];
    int exit_status = 0;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 1; i < VERBS && argc > 1; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            verb = &verbs[i];
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(verb);
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("slipway-train %s\n", SW_VERSION);
            return 0;
        }
    }
    enum sw_code code = run_verb(verb, argc, argv, verb != verbs, &exit_status, &err);
    if (code)
        print_error(&err);
    return exit_status ? exit_status : sw_code_exit(code);
}
