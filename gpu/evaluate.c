// SPDX-License-Identifier: Apache-2.0
// Prediction in batches, and the figures of an evaluation.
#include "gpu/evaluate.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/session.h"

enum { EVALUATE_ROWS = 256 };

struct sw_predictor {
    const struct sw_model *model; // borrow
    const struct sw_engine *engine;
    struct sw_device *device;
    struct sw_session *session;
};

enum sw_code sw_predictor_new(const struct sw_model *m, const char *engine, int rows_max, struct sw_predictor **out,
                              struct sw_err *err)
{
    struct sw_predictor *p = calloc(1, sizeof *p);
    if (!p)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    p->model = m;
    enum sw_code code = sw_engine_open(engine, 0, &p->engine, &p->device, err);
    if (!code)
        code = sw_session_new(&m->net, p->engine, p->device, rows_max, false, &p->session, err);
    if (!code)
        code = sw_session_set_params(p->session, m->params, err);
    if (code) {
        sw_predictor_free(p);
        return code;
    }
    *out = p;
    return SW_OK;
}

void sw_predictor_free(struct sw_predictor *p)
{
    if (!p)
        return;
    sw_session_free(p->session);
    if (p->engine)
        p->engine->close(p->device);
    free(p);
}

enum sw_code sw_predictor_run(struct sw_predictor *p, int rows, float *features, float *probabilities,
                              struct sw_err *err)
{
    sw_scaler_apply(&p->model->scaler, p->model->net.in, (size_t)rows, features);
    return sw_session_predict(p->session, rows, features, probabilities, err);
}

struct tally {
    int classes;
    int64_t *confusion; // [classes][classes]
    double loss;
    int64_t rows, correct;
};

static void count_rows(struct tally *t, size_t rows, const float *probabilities, const int32_t *labels)
{
    size_t k = (size_t)t->classes;
    for (size_t r = 0; r < rows; r++, probabilities += k) {
        size_t best = 0, label = (size_t)labels[r];
        for (size_t j = 1; j < k; j++)
            best = probabilities[j] > probabilities[best] ? j : best;
        t->confusion[label * k + best]++;
        t->correct += best == label;
        t->loss -= log(fmax((double)probabilities[label], (double)FLT_MIN)); // 0 after rounding is not infinity
        t->rows++;
    }
}

static enum sw_code check_fit(const struct sw_model *m, const struct sw_train_data *data, struct sw_err *err)
{
    struct sw_shape a = m->net.in, b = data->shape;
    if (a.channels != b.channels || a.height != b.height || a.width != b.width)
        return sw_err_set(err, SW_INVALID, "the model takes samples of %dx%dx%d, the data set has %dx%dx%d", a.channels,
                          a.height, a.width, b.channels, b.height, b.width);
    if (m->net.classes != data->classes)
        return sw_err_set(err, SW_INVALID, "the model knows %d classes, the data set has %d", m->net.classes,
                          data->classes);
    for (int i = 0; i < data->classes && m->class_names && data->class_names; i++)
        if (strcmp(m->class_names[i], data->class_names[i]) != 0)
            return sw_err_set(err, SW_INVALID, "class %d has another name in the model than in the data set", i);
    return SW_OK;
}

static enum sw_code run_all(struct sw_predictor *p, const struct sw_train_data *data, struct tally *t,
                            struct sw_err *err)
{
    float *features = calloc(EVALUATE_ROWS * sw_shape_size(data->shape), sizeof *features);
    float *probabilities = calloc((size_t)EVALUATE_ROWS * (size_t)t->classes, sizeof *probabilities);
    int64_t rows[EVALUATE_ROWS];
    int32_t labels[EVALUATE_ROWS];
    enum sw_code code = features && probabilities ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (int64_t at = 0; at < data->rows && !code; at += EVALUATE_ROWS) {
        int count = (int)(data->rows - at < EVALUATE_ROWS ? data->rows - at : EVALUATE_ROWS);
        for (int i = 0; i < count; i++)
            rows[i] = at + i;
        code = data->gather(data->ctx, rows, (size_t)count, features, labels, err);
        for (int i = 0; i < count && !code; i++)
            if (labels[i] < 0 || labels[i] >= t->classes)
                code = sw_err_set(err, SW_INVALID, "row %" PRId64 " has class %d of %d", rows[i], (int)labels[i],
                                  t->classes);
        if (!code)
            code = sw_predictor_run(p, count, features, probabilities, err);
        if (!code)
            count_rows(t, (size_t)count, probabilities, labels);
    }
    free(features);
    free(probabilities);
    return code;
}

static json_t *ratio(int64_t part, int64_t whole)
{
    return whole ? json_real((double)part / (double)whole) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *describe(const struct sw_model *m, const struct sw_train_data *data, const struct tally *t)
{
    json_t *classes = json_array(), *confusion = json_array();
    const char *const *names = data->class_names ? data->class_names : m->class_names;
    for (int i = 0; i < t->classes; i++) {
        int64_t rows = 0, taken = 0, correct = t->confusion[i * t->classes + i];
        json_t *line = json_array();
        for (int j = 0; j < t->classes; j++) {
            rows += t->confusion[i * t->classes + j];
            taken += t->confusion[j * t->classes + i];
            json_array_append_new(line, json_integer((json_int_t)t->confusion[i * t->classes + j]));
        }
        json_array_append_new(confusion, line);
        json_array_append_new(classes,
                              json_pack("{s:o, s:I, s:I, s:o, s:o}", "name", text_or_null(names ? names[i] : NULL),
                                        "rows", (json_int_t)rows, "correct", (json_int_t)correct, "accuracy",
                                        ratio(correct, rows), "precision", ratio(correct, taken)));
    }
    return json_pack("{s:s, s:I, s:o, s:f, s:{s:o, s:o, s:o}, s:{s:s, s:o, s:o}, s:o, s:o}", "kind", "Evaluation",
                     "rows", (json_int_t)t->rows, "accuracy", ratio(t->correct, t->rows), "loss",
                     t->loss / (double)t->rows, "data", "name", text_or_null(data->name), "split",
                     text_or_null(data->split), "digest", text_or_null(data->digest), "model", "net", m->net.spec,
                     "run_id", text_or_null(m->run_id), "data_digest", text_or_null(m->data_digest), "classes", classes,
                     "confusion", confusion);
}

enum sw_code sw_evaluate(const struct sw_model *m, const char *engine, const struct sw_train_data *data, json_t **out,
                         struct sw_err *err)
{
    struct sw_predictor *p = NULL;
    struct tally t = {.classes = m->net.classes};
    enum sw_code code = check_fit(m, data, err);
    if (code)
        return code;
    if (data->rows < 1)
        return sw_err_set(err, SW_INVALID, "the data set has no rows");
    t.confusion = calloc((size_t)t.classes * (size_t)t.classes, sizeof *t.confusion);
    if (!t.confusion)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for a confusion matrix of %d classes", t.classes);
    code = sw_predictor_new(m, engine, EVALUATE_ROWS, &p, err);
    if (!code)
        code = run_all(p, data, &t, err);
    if (!code) {
        *out = describe(m, data, &t);
        if (!*out)
            code = sw_err_set(err, SW_NO_MEMORY, "out of memory");
    }
    sw_predictor_free(p);
    free(t.confusion);
    return code;
}
