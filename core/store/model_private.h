// SPDX-License-Identifier: Apache-2.0
// What the files of the registry share: reading rows of models and versions.
#ifndef SW_STORE_MODEL_PRIVATE_H
#define SW_STORE_MODEL_PRIVATE_H

#include "core/store/experiment_private.h"
#include "core/store/registered_model.h"

void sw_model_read_version(struct sw_reader *r, void *item); // the sw_row_read of SW_VERSION_FIELDS
// The versions that a statement of SW_VERSION_FIELDS gives, with their tags.
enum sw_code sw_model_version_rows(struct sw_store *s, enum sw_sql id, const struct sw_value *values, size_t count,
                                   struct sw_arena *a, struct sw_model_version_list *out, struct sw_err *err);
enum sw_code sw_registered_model_load(struct sw_store *s, struct sw_arena *a, struct sw_registered_model *model,
                                      struct sw_err *err);      // tags, aliases and latest versions of a read row
void sw_registered_model_read(struct sw_reader *r, void *item); // name, description, created_ms, updated_ms

#endif
