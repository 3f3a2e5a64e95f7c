// SPDX-License-Identifier: Apache-2.0
// Ownership of a model's parts.
#include "gpu/model.h"

#include <stdlib.h>

void sw_model_free(struct sw_model *m)
{
    free(m->params);
    sw_scaler_free(&m->scaler);
    sw_arena_free(m->arena);
    *m = (struct sw_model){0};
}
