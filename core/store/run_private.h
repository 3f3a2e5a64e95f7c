// SPDX-License-Identifier: Apache-2.0
// What run.c lends to the files beside it: creating a run inside a step, and reading rows with SW_RUN_COLUMNS.
#ifndef SW_STORE_RUN_PRIVATE_H
#define SW_STORE_RUN_PRIVATE_H

#include "core/store/run.h"
#include "core/store/store_private.h"

// Adds the row (and its experiment) inside the caller's step.
enum sw_code sw_run_insert(struct sw_store *s, const struct sw_run_new *n, char run_id[static SW_RUN_ID],
                           int64_t *run_key, struct sw_err *err);
// A run with the number that finds its details. `sw_run_read_row` is the sw_row_read of SW_RUN_COLUMNS.
struct sw_run_row {
    struct sw_run run;
    int64_t run_key;
};
void sw_run_read_row(struct sw_reader *r, void *item);
// Adds what `with` (SW_RUN_WITH_*) asks for.
enum sw_code sw_run_load_details(struct sw_store *s, unsigned with, struct sw_arena *a, struct sw_run_row *row,
                                 struct sw_err *err);
bool sw_run_id_is_valid(const char *text); // 32 hex digits, lower case

#endif
