// SPDX-License-Identifier: Apache-2.0
// Reading rows of logged models, for the search.
#ifndef SW_STORE_LOGGED_MODEL_PRIVATE_H
#define SW_STORE_LOGGED_MODEL_PRIVATE_H

#include "core/store/logged_model.h"
#include "core/store/metric_private.h"
#include "core/store/model_private.h"

void sw_logged_model_read(struct sw_reader *r, void *item); // the sw_row_read of SW_LOGGED_COLUMNS
enum sw_code sw_logged_model_load(struct sw_store *s, struct sw_arena *a, struct sw_logged_model *m,
                                  struct sw_err *err); // params, tags, metrics of a read row

#endif
