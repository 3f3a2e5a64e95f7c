// SPDX-License-Identifier: Apache-2.0
// How good a model is on a data set, with our own engine.
#ifndef SW_GPU_EVALUATE_H
#define SW_GPU_EVALUATE_H

#include "core/base/tree.h"
#include "gpu/model.h"

// The document that `slipway-train evaluate` prints:
//   {"kind": "Evaluation", "rows", "accuracy", "loss", "data": {"name", "split", "digest"},
//    "model": {"net", "run_id", "data_digest"}, "classes": [{"name", "rows", "correct", "accuracy", "precision"}],
//    "confusion": [[rows of class i that were taken for class j]]}
// Unknown is null. SW_INVALID when shape or classes of model and data do not fit.
enum sw_code sw_evaluate(const struct sw_model *m, const char *engine, const struct sw_train_data *data,
                         json_t **out /* take */, struct sw_err *err);

// Probabilities [rows, classes] of raw features [rows, input]; at most `rows_max` at once.
struct sw_predictor;
enum sw_code sw_predictor_new(const struct sw_model *m, const char *engine, int rows_max,
                              struct sw_predictor **out /* take */, struct sw_err *err);
void sw_predictor_free(struct sw_predictor *p); // accepts NULL
// Scales `features` in place.
enum sw_code sw_predictor_run(struct sw_predictor *p, int rows, float *features, float *probabilities,
                              struct sw_err *err);

#endif
