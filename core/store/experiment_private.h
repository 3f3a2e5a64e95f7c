// SPDX-License-Identifier: Apache-2.0
// What experiment.c lends to the files beside it.
#ifndef SW_STORE_EXPERIMENT_PRIVATE_H
#define SW_STORE_EXPERIMENT_PRIVATE_H

#include "core/store/experiment.h"
#include "core/store/store_private.h"

enum { SW_TAG_KEY_MAX_BYTES = 250 };

// The experiment that something new goes into: the one of `name`, made when missing, or without a name the one of
// `experiment_id`. Inside the caller's step. SW_NOT_FOUND, SW_INVALID when it is deleted.
enum sw_code sw_experiment_choose(struct sw_store *s, const char *name, int64_t experiment_id, int64_t *out,
                                  struct sw_err *err);
void sw_pair_read(struct sw_reader *r, void *item); // the sw_row_read of "key, value" into a struct sw_pair

#endif
