// SPDX-License-Identifier: Apache-2.0
// What makes a model of our own one of MLflow's: the file MLmodel, which names how to load it (mlflow.onnx, and through it
// mlflow.pyfunc) and what goes in and comes out, and the three files that describe its Python environment. The text follows
// from the model's bytes and its run alone, so equal models stay equal.
// Source: mlflow/onnx and mlflow/models/model.py of 3.17.
#ifndef SW_MODEL_MLMODEL_H
#define SW_MODEL_MLMODEL_H

#include "core/model/files.h"
#include "core/store/run.h"

#define SW_MLMODEL_FILES 4

struct sw_mlmodel {
    struct {
        const char *path;
        const char *text;
    } files[SW_MLMODEL_FILES]; // in the arena
    size_t count;
};

// For the files below `root` that sw_model_files_scan() found. *count is 0 when there is nothing to add: an MLmodel is there
// already, or no ONNX file that slipway-train wrote.
enum sw_code sw_mlmodel_make(struct sw_store *s, const char *root, const struct sw_model_files *files,
                             struct sw_arena *a, struct sw_mlmodel *out, struct sw_err *err);
// `files` with the added ones, sealed anew.
enum sw_code sw_mlmodel_add_to_list(const struct sw_mlmodel *m, const struct sw_model_files *files, struct sw_arena *a,
                                    struct sw_model_files *out, struct sw_err *err);
// Writes the added files below `folder`.
enum sw_code sw_mlmodel_write(const struct sw_mlmodel *m, const char *folder, struct sw_err *err);

#endif
