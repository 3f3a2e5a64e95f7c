// SPDX-License-Identifier: Apache-2.0
// File types that run code when somebody loads them: pickles in all their wrappings. Found by looking at leading bytes,
// at the directory of zip files and at names; nothing is ever loaded or unpacked.
#ifndef SW_MODEL_HAZARD_H
#define SW_MODEL_HAZARD_H

#include "core/model/files.h"

struct sw_model_hazard {
    const char *path;   // of the file in the model
    const char *reason; // "a pickle inside a zip (PyTorch): loading it runs code"; static
};

// Looks at one file on disk: NULL when nothing is known against it. `name` is its path in the model.
enum sw_code sw_model_hazard_check(const char *file, const char *name, const char **reason, struct sw_err *err);
// All hazards of the files below `root`, in path order, in `a`.
enum sw_code sw_model_hazard_list(const char *root, const struct sw_model_files *files, struct sw_arena *a,
                                  struct sw_model_hazard **out, size_t *count, struct sw_err *err);

#endif
