// SPDX-License-Identifier: Apache-2.0
// The training loop. A step: every rank takes its share of the global batch, computes the gradient of its part of the
// mean loss, one all-reduce sums gradients, loss and the wish to stop, and every rank makes the same update. So the
// course of a run does not depend on the number of ranks beyond rounding, and all ranks decide alike about divergence
// and stopping without further messages. The order of rows is a function of seed and epoch, so a resumed run needs
// only its position.
#include "gpu/train.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/hash.h"
#include "core/base/text.h"
#include "gpu/checkpoint.h"
#include "gpu/comm.h"
#include "gpu/report.h"
#include "gpu/rng.h"
#include "gpu/session.h"

enum { PROGRESS_MS = 500 };

struct sums {
    double loss, correct, rows;
};

struct trainer {
    const struct sw_train_config *config;
    const struct sw_train_env *env;
    const struct sw_train_data *data;
    struct sw_report report;

    struct sw_split split;
    int64_t *order;        // training rows of this epoch
    struct sw_model model; // net, scaler, parameters on the host
    float *state_host;

    const struct sw_engine *engine;
    struct sw_device *device;
    struct sw_session *session;
    const struct sw_comm_table *comm_table;
    struct sw_comm *comm;
    bool is_comm_open;
    float *state; // device, the optimiser's

    float *features[2]; // host, this rank's share of two batches
    int32_t *labels[2];
    float tail[SW_TAIL];

    json_t *identity;
    int64_t steps_per_epoch, steps, warmup;
    int64_t step, epoch, epoch_step;
    struct sums epoch_sums, window;
    struct sw_train_result result;
    int64_t started_us, trained_rows, last_progress_ms;
};

// --- what a run is ---

static json_t *text_value(const char *format, ...) __attribute__((format(printf, 1, 2)));
static json_t *text_value(const char *format, ...)
{
    char text[SW_NET_SPEC_SIZE];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    return json_string(text);
}

// What must be the same for a checkpoint to be of this run.
static json_t *describe_identity(const struct trainer *t)
{
    const struct sw_train_config *c = t->config;
    const struct sw_net *net = &t->model.net;
    json_t *o = json_object();
    json_object_set_new(o, "net", json_string(net->spec));
    json_object_set_new(o, "input", text_value("%dx%dx%d", net->in.channels, net->in.height, net->in.width));
    json_object_set_new(o, "classes", text_value("%d", net->classes));
    json_object_set_new(o, "optimizer", json_string(c->optimizer->name));
    json_object_set_new(o, "batch", text_value("%d", c->batch));
    json_object_set_new(o, "seed", text_value("%" PRIu64, c->seed));
    json_object_set_new(o, "rows", text_value("%" PRId64, t->data->rows));
    json_object_set_new(o, "val-fraction", text_value("%g", c->val_fraction));
    if (t->data->digest)
        json_object_set_new(o, "data", json_string(t->data->digest));
    return o;
}

static json_t *describe_params(const struct trainer *t)
{
    const struct sw_train_config *c = t->config;
    json_t *o = json_copy(t->identity);
    json_object_set_new(o, "epochs", text_value("%d", c->epochs));
    json_object_set_new(o, "lr", text_value("%g", c->hyper.lr));
    json_object_set_new(o, "weight-decay", text_value("%g", c->hyper.weight_decay));
    if (strcmp(c->optimizer->name, "sgd") == 0)
        json_object_set_new(o, "momentum", text_value("%g", c->hyper.momentum));
    json_object_set_new(o, "schedule", json_string(c->schedule->name));
    json_object_set_new(o, "warmup", text_value("%g", c->warmup));
    json_object_set_new(o, "init", json_string(c->init == SW_INIT_HE ? "he" : "glorot"));
    json_object_set_new(o, "ranks", text_value("%d", t->env->size));
    json_object_set_new(o, "engine", json_string(t->engine->name));
    json_object_set_new(o, "parameters", text_value("%zu", t->model.net.params));
    return o;
}

// --- set up ---

static enum sw_code allocate(struct trainer *t, int rows_max, struct sw_err *err)
{
    const struct sw_net *net = &t->model.net;
    size_t state = (size_t)t->config->optimizer->vectors * net->params;
    t->order = calloc(t->split.training, sizeof *t->order);
    t->model.params = calloc(net->params, sizeof(float));
    t->state_host = calloc(state, sizeof(float));
    bool is_good = t->order && t->model.params && t->state_host;
    for (int side = 0; side < 2; side++) {
        t->features[side] = calloc((size_t)rows_max * sw_shape_size(net->in), sizeof(float));
        t->labels[side] = calloc((size_t)rows_max, sizeof(int32_t));
        is_good = is_good && t->features[side] && t->labels[side];
    }
    if (!is_good)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to train %zu parameters", net->params);
    return t->engine->alloc(t->device, state, &t->state, err);
}

// Finds the position of the newest checkpoint when this start is to go on from one.
static enum sw_code resume(struct trainer *t, struct sw_err *err)
{
    struct sw_checkpoint c = {.identity = t->identity,
                              .params = t->model.net.params,
                              .state = (size_t)t->config->optimizer->vectors * t->model.net.params,
                              .param_values = t->model.params,
                              .state_values = t->state_host};
    struct sw_buf note;
    if (!t->config->is_resuming && t->env->attempt < 2)
        return SW_OK;
    sw_buf_init(&note, 16384);
    enum sw_code code = sw_checkpoint_load(t->env->checkpoint_dir, &c, &note, err);
    if (note.len)
        sw_report_line(&t->report, "%.*s", (int)note.len - 1, note.data);
    sw_buf_free(&note);
    if (code == SW_NOT_FOUND) {
        sw_report_line(&t->report, "%s: starting from the beginning", err->message);
        *err = (struct sw_err){0};
        return SW_OK;
    }
    if (code)
        return code;
    t->step = c.step;
    t->epoch = c.epoch;
    t->epoch_step = c.epoch_step;
    t->epoch_sums = (struct sums){c.epoch_loss, c.epoch_correct, 0};
    t->result.train_loss = c.train_loss;
    t->result.train_accuracy = c.train_accuracy;
    sw_report_line(&t->report, "going on after step %" PRId64 " (epoch %" PRId64 " of %d)", t->step, t->epoch + 1,
                   t->config->epochs);
    return SW_OK;
}

static enum sw_code join_ranks(struct trainer *t, struct sw_err *err)
{
    char hex[SW_SHA256_HEX];
    struct sw_buf text;
    json_t *params = describe_params(t);
    sw_buf_init(&text, 1 << 20);
    enum sw_code code = sw_json_write(params, 0, &text, err);
    sw_buf_addf(&text, " step %" PRId64, t->step);
    sw_sha256_hex(text.data, text.len, hex);
    sw_buf_free(&text);
    if (code) {
        json_decref(params);
        return code;
    }
    sw_report_params(&t->report, params);
    t->comm_table = sw_comm_find(t->config->comm, t->env->size);
    if (!t->comm_table)
        return sw_err_set(err, SW_USAGE, "unknown communicator '%s'", t->config->comm);
    struct sw_comm_options o = {.rank = t->env->rank,
                                .size = t->env->size,
                                .fd = t->env->comm_fd,
                                .count_max = t->model.net.params + SW_TAIL,
                                .deadline_ms = t->config->comm_deadline_ms,
                                .fingerprint = hex};
    code = t->comm_table->open(&o, t->engine, &t->comm, err);
    t->is_comm_open = code == SW_OK;
    return code;
}

static void say_what_starts(struct trainer *t)
{
    const struct sw_net *net = &t->model.net;
    char params[32], training[32], validation[32], name[128];
    sw_format_count(params, sizeof params, (int64_t)net->params);
    sw_format_count(training, sizeof training, (int64_t)t->split.training);
    sw_format_count(validation, sizeof validation, (int64_t)t->split.validation);
    sw_text_safe_copy(name, sizeof name, t->data->name ? t->data->name : "data", SW_TEXT_ONE_LINE);
    sw_report_line(&t->report, "net %s: %s parameters, %.2f MFLOP a row forward", *net->spec ? net->spec : "linear",
                   params, net->flops / 1e6);
    sw_report_line(&t->report, "%s: %s rows to train on, %s to validate, %d classes", name, training, validation,
                   net->classes);
    sw_report_line(&t->report, "%d rank%s, engine %s (%s), communicator %s", t->env->size, t->env->size == 1 ? "" : "s",
                   t->engine->name, t->engine->describe(t->device), t->comm_table->name);
}

static enum sw_code check_data(const struct sw_train_data *data, const struct sw_train_config *c, struct sw_err *err)
{
    if (data->rows < 1)
        return sw_err_set(err, SW_INVALID, "the data set has no rows");
    if (data->rows < c->ranks)
        return sw_err_set(err, SW_INVALID, "%lld rows cannot be shared by %d ranks", (long long)data->rows, c->ranks);
    return SW_OK;
}

static enum sw_code set_up(struct trainer *t, struct sw_err *err)
{
    const struct sw_train_config *c = t->config;
    const struct sw_train_data *data = t->data;
    int rows_max = (c->batch + t->env->size - 1) / t->env->size;
    enum sw_code code;
    if ((code = check_data(data, c, err)) ||
        (code = sw_net_parse(c->net, data->shape, data->classes, &t->model.net, err)) ||
        (code = sw_split_new(data->rows, c->val_fraction, c->seed, &t->split, err)) ||
        (code = sw_scaler_new(data->shape.channels, &t->model.scaler, err)) ||
        (code = sw_scaler_fit(&t->model.scaler, data, t->split.rows, t->split.training, err)) ||
        (code = sw_engine_open(c->engine, 0, &t->engine, &t->device, err)) ||
        (code = sw_session_new(&t->model.net, t->engine, t->device, rows_max, true, &t->session, err)) ||
        (code = allocate(t, rows_max, err)))
        return code;
    t->model.class_names = data->class_names;
    t->model.run_id = t->env->run_id;
    t->model.data_name = data->name;
    t->model.data_digest = data->digest;
    t->steps_per_epoch = ((int64_t)t->split.training + c->batch - 1) / c->batch;
    t->steps = t->steps_per_epoch * c->epochs;
    t->warmup = llround(c->warmup * (double)t->steps);
    t->identity = describe_identity(t);
    sw_net_init(&t->model.net, c->init, c->seed, t->model.params);
    if ((code = resume(t, err)) || (code = join_ranks(t, err)))
        return code;
    size_t state = (size_t)c->optimizer->vectors * t->model.net.params;
    t->engine->upload(t->session->compute, t->state, t->state_host, state * sizeof(float));
    if ((code = sw_session_set_params(t->session, t->model.params, err)))
        return code;
    if (t->env->rank == 0)
        sw_checkpoint_clean(t->env->checkpoint_dir, t->step);
    say_what_starts(t);
    return SW_OK;
}

static void tear_down(struct trainer *t, enum sw_code code, const struct sw_err *err)
{
    if (t->is_comm_open) {
        if (code)
            t->comm_table->give_up(t->comm, err);
        t->comm_table->close(t->comm);
    }
    if (t->device) {
        t->engine->free(t->device, t->state);
        sw_session_free(t->session);
        t->engine->close(t->device);
    }
    for (int side = 0; side < 2; side++) {
        free(t->features[side]);
        free(t->labels[side]);
    }
    json_decref(t->identity);
    free(t->state_host);
    free(t->order);
    sw_split_free(&t->split);
    sw_model_free(&t->model);
}

// --- steps ---

// Rows of the global batch [at, at + count) that are this rank's.
static void share_of(const struct trainer *t, size_t count, size_t *first, size_t *rows)
{
    size_t rank = (size_t)t->env->rank, size = (size_t)t->env->size;
    *first = count * rank / size;
    *rows = count * (rank + 1) / size - *first;
}

static enum sw_code fetch(struct trainer *t, const int64_t *rows, size_t count, int side, struct sw_err *err)
{
    enum sw_code code = t->data->gather(t->data->ctx, rows, count, t->features[side], t->labels[side], err);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        if (t->labels[side][i] < 0 || t->labels[side][i] >= t->data->classes)
            return sw_err_set(err, SW_INVALID, "row %" PRId64 " has class %d, the data set has %d classes", rows[i],
                              (int)t->labels[side][i], t->data->classes);
    sw_scaler_apply(&t->model.scaler, t->data->shape, count, t->features[side]);
    return SW_OK;
}

// Fetches this rank's part of step `epoch_step` of the epoch; *global is the size of the whole batch.
static enum sw_code fetch_step(struct trainer *t, int64_t epoch_step, int side, size_t *rows, size_t *global,
                               struct sw_err *err)
{
    size_t first, at = (size_t)epoch_step * (size_t)t->config->batch;
    *rows = *global = 0;
    if (epoch_step >= t->steps_per_epoch)
        return SW_OK;
    *global = t->split.training - at < (size_t)t->config->batch ? t->split.training - at : (size_t)t->config->batch;
    share_of(t, *global, &first, rows);
    return fetch(t, t->order + at + first, *rows, side, err);
}

// Sums the tail over all ranks and brings it to the host.
static enum sw_code exchange(struct trainer *t, float *device, size_t count, const float *device_tail,
                             struct sw_err *err)
{
    enum sw_code code = t->comm_table->all_reduce_sum(t->comm, t->session->compute, device, count, err);
    if (code)
        return code;
    t->engine->download(t->session->compute, t->tail, device_tail, sizeof t->tail);
    return sw_session_sync(t->session, err);
}

static enum sw_code check_loss(const struct trainer *t, struct sw_err *err)
{
    if (isfinite(t->tail[SW_TAIL_LOSS]))
        return SW_OK;
    (void)sw_err_set(err, SW_DIVERGED, "training diverged: the loss is %s at step %" PRId64 " (epoch %" PRId64 ")",
                     isnan(t->tail[SW_TAIL_LOSS]) ? "not a number" : "infinite", t->step + 1, t->epoch + 1);
    return sw_err_hint(err, "lower --lr (now %g) or lengthen --warmup", t->config->hyper.lr);
}

// One step on the batch that waits in `side`; fetches the next into the other side while the device works.
static enum sw_code run_step(struct trainer *t, int side, size_t rows, size_t global, size_t *next_rows,
                             size_t *next_global, struct sw_err *err)
{
    const struct sw_engine *e = t->engine;
    struct sw_session *s = t->session;
    size_t params = t->model.net.params;
    float *device_tail = s->grads + params;
    float wants_stop = t->env->stop && *t->env->stop ? 1 : 0;
    double lr = sw_schedule_lr(t->config->schedule, t->config->hyper.lr, t->step, t->steps, t->warmup);

    e->zero(s->compute, device_tail, SW_TAIL);
    e->upload(s->compute, device_tail + SW_TAIL_STOP, &wants_stop, sizeof wants_stop);
    int placed = sw_session_put(s, (int)rows, t->features[side], t->labels[side]);
    sw_session_forward(s, placed, (int)rows);
    sw_session_backward(s, placed, (int)rows, 1.0f / (float)global);
    enum sw_code code = fetch_step(t, t->epoch_step + 1, !side, next_rows, next_global, err);
    if (code || (code = exchange(t, s->grads, params + SW_TAIL, device_tail, err)) || (code = check_loss(t, err)))
        return code;
    t->config->optimizer->step(e, s->compute, &t->config->hyper, t->step, lr, params, s->params, s->grads, t->state);

    struct sums *both[] = {&t->epoch_sums, &t->window};
    for (int i = 0; i < 2; i++) {
        both[i]->loss += (double)t->tail[SW_TAIL_LOSS];
        both[i]->correct += (double)t->tail[SW_TAIL_CORRECT];
        both[i]->rows += (double)global;
    }
    t->trained_rows += (int64_t)global;
    t->step++;
    t->epoch_step++;
    return SW_OK;
}

// --- words ---

static double rows_per_second(const struct trainer *t)
{
    double seconds = (double)(sw_clock_mono_us() - t->started_us) / 1e6;
    return seconds > 0 ? (double)t->trained_rows / seconds : 0;
}

static void report_progress(struct trainer *t, bool is_forced)
{
    int64_t now = sw_clock_mono_ms();
    if (!is_forced && now - t->last_progress_ms < PROGRESS_MS)
        return;
    t->last_progress_ms = now;
    char text[128], eta[32];
    double rate = rows_per_second(t);
    double left = (double)(t->steps - t->step) * t->config->batch;
    int64_t epoch = t->epoch < t->config->epochs ? t->epoch + 1 : t->config->epochs;
    sw_format_duration(eta, sizeof eta, rate > 0 ? (int64_t)(1000 * left / rate) : 0);
    snprintf(text, sizeof text, "epoch %" PRId64 "/%d · %.0f rows/s · ETA %s", epoch, t->config->epochs, rate, eta);
    sw_report_progress(&t->report, (double)t->step / (double)t->steps, text);
}

static void report_window(struct trainer *t)
{
    if (t->step % t->config->log_every != 0 || t->window.rows == 0)
        return;
    double loss = t->window.loss / t->window.rows, accuracy = t->window.correct / t->window.rows;
    double lr = sw_schedule_lr(t->config->schedule, t->config->hyper.lr, t->step - 1, t->steps, t->warmup);
    double rate = rows_per_second(t);
    struct sw_metric_value values[] = {{"loss", loss}, {"accuracy", accuracy}, {"lr", lr}, {"rows_per_s", rate}};
    sw_report_metrics(&t->report, t->step, values, sizeof values / sizeof *values);
    if (t->step % ((int64_t)t->config->log_every * 5) == 0)
        sw_report_line(&t->report,
                       "step %6" PRId64 "  epoch %" PRId64 "/%d  loss %.4f  accuracy %.4f  lr %.3g  %.0f rows/s",
                       t->step, t->epoch + 1, t->config->epochs, loss, accuracy, lr, rate);
    t->window = (struct sums){0};
}

// --- epochs ---

static enum sw_code validate(struct trainer *t, struct sw_err *err)
{
    struct sw_session *s = t->session;
    float *device_tail = s->grads + t->model.net.params;
    size_t first, rows;
    t->result.val_loss = t->result.val_accuracy = NAN;
    if (t->split.validation == 0)
        return SW_OK;
    share_of(t, t->split.validation, &first, &rows);
    const int64_t *mine = t->split.rows + t->split.training + first;
    t->engine->zero(s->compute, device_tail, SW_TAIL);
    for (size_t at = 0; at < rows; at += (size_t)s->rows_max) {
        size_t count = rows - at < (size_t)s->rows_max ? rows - at : (size_t)s->rows_max;
        enum sw_code code = fetch(t, mine + at, count, 0, err);
        if (code)
            return code;
        int side = sw_session_put(s, (int)count, t->features[0], t->labels[0]);
        sw_session_forward(s, side, (int)count);
        sw_session_loss(s, side, (int)count, device_tail);
        if ((code = sw_session_sync(s, err)))
            return code;
    }
    enum sw_code code = exchange(t, device_tail, SW_TAIL, device_tail, err);
    if (code)
        return code;
    t->result.val_loss = (double)t->tail[SW_TAIL_LOSS] / (double)t->split.validation;
    t->result.val_accuracy = (double)t->tail[SW_TAIL_CORRECT] / (double)t->split.validation;
    return SW_OK;
}

static enum sw_code checkpoint(struct trainer *t, struct sw_err *err)
{
    if (t->env->rank != 0)
        return SW_OK;
    struct sw_session *s = t->session;
    size_t state = (size_t)t->config->optimizer->vectors * t->model.net.params;
    t->engine->download(s->compute, t->state_host, t->state, state * sizeof(float));
    enum sw_code code = sw_session_get_params(s, t->model.params, err);
    if (code)
        return code;
    struct sw_checkpoint c = {.step = t->step,
                              .epoch = t->epoch,
                              .epoch_step = t->epoch_step,
                              .epoch_loss = t->epoch_sums.loss,
                              .epoch_correct = t->epoch_sums.correct,
                              .train_loss = t->result.train_loss,
                              .train_accuracy = t->result.train_accuracy,
                              .identity = t->identity,
                              .params = t->model.net.params,
                              .state = state,
                              .param_values = t->model.params,
                              .state_values = t->state_host};
    struct sw_err why = {0};
    if (sw_checkpoint_save(t->env->checkpoint_dir, &c, &why))
        fprintf(stderr, "slipway-train: warning: %s; the older checkpoint is kept and training goes on\n", why.message);
    return SW_OK;
}

static enum sw_code end_epoch(struct trainer *t, struct sw_err *err)
{
    double rows = (double)t->split.training;
    t->result.train_loss = t->epoch_sums.loss / rows;
    t->result.train_accuracy = t->epoch_sums.correct / rows;
    enum sw_code code = validate(t, err);
    if (code)
        return code;
    struct sw_metric_value values[] = {{"train_loss", t->result.train_loss},
                                       {"train_accuracy", t->result.train_accuracy},
                                       {"val_loss", t->result.val_loss},
                                       {"val_accuracy", t->result.val_accuracy}};
    bool has_val = t->split.validation > 0;
    sw_report_metrics(&t->report, t->step, values, has_val ? 4 : 2);
    if (has_val)
        sw_report_line(&t->report, "epoch %" PRId64 "/%d  train loss %.4f accuracy %.4f  val loss %.4f accuracy %.4f",
                       t->epoch + 1, t->config->epochs, t->result.train_loss, t->result.train_accuracy,
                       t->result.val_loss, t->result.val_accuracy);
    else
        sw_report_line(&t->report, "epoch %" PRId64 "/%d  train loss %.4f accuracy %.4f", t->epoch + 1,
                       t->config->epochs, t->result.train_loss, t->result.train_accuracy);
    t->epoch++;
    t->epoch_step = 0;
    t->epoch_sums = (struct sums){0};
    return t->config->checkpoint_every == 0 ? checkpoint(t, err) : SW_OK;
}

static enum sw_code run_epoch(struct trainer *t, struct sw_err *err)
{
    size_t rows, global, next_rows, next_global;
    memcpy(t->order, t->split.rows, t->split.training * sizeof *t->order);
    sw_rng_shuffle(t->config->seed, SW_RNG_SHUFFLE + (uint64_t)t->epoch, t->order, t->split.training);
    int side = 0;
    enum sw_code code = fetch_step(t, t->epoch_step, side, &rows, &global, err);
    while (!code && global > 0) {
        int errnum = sw_failpoint("train.step");
        if (errnum)
            return sw_err_errno(err, errnum, "step %" PRId64, t->step);
        code = run_step(t, side, rows, global, &next_rows, &next_global, err);
        if (code)
            return code;
        report_window(t);
        report_progress(t, false);
        bool must_stop = t->tail[SW_TAIL_STOP] > 0;
        if (must_stop || (t->config->checkpoint_every && t->step % t->config->checkpoint_every == 0))
            code = checkpoint(t, err);
        if (must_stop) {
            t->result.is_stopped = true;
            return code;
        }
        side = !side;
        rows = next_rows;
        global = next_global;
    }
    return code ? code : end_epoch(t, err);
}

static enum sw_code train(struct trainer *t, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    t->started_us = sw_clock_mono_us();
    report_progress(t, true);
    if (t->epoch >= t->config->epochs) // resumed after the last epoch: only the model is missing
        code = validate(t, err);
    while (!code && t->epoch < t->config->epochs && !t->result.is_stopped)
        code = run_epoch(t, err);
    if (code)
        return code;
    t->result.steps = t->step;
    t->result.seconds = (double)(sw_clock_mono_us() - t->started_us) / 1e6;
    if (t->result.is_stopped) {
        sw_report_line(&t->report, "stopped on request after step %" PRId64 "; start again to go on", t->step);
        return t->comm_table->barrier(t->comm, err);
    }
    report_progress(t, true);
    if (t->env->rank == 0) {
        if ((code = sw_session_get_params(t->session, t->model.params, err)) ||
            (code = sw_train_export(t->env->artifact_dir, &t->model, t->config, t->data, &t->result, err)))
            return code;
        sw_report_line(&t->report, "model written to %s/model", t->env->artifact_dir);
    }
    return t->comm_table->barrier(t->comm, err);
}

enum sw_code sw_train_run(const struct sw_train_config *c, const struct sw_train_env *env,
                          const struct sw_train_data *data, struct sw_train_result *result, struct sw_err *err)
{
    struct trainer t = {.config = c, .env = env, .data = data};
    sw_report_open(&t.report, env->rank);
    enum sw_code code = set_up(&t, err);
    if (!code)
        code = train(&t, err);
    if (!code)
        *result = t.result;
    tear_down(&t, code, err);
    return code;
}
