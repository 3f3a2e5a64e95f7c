// SPDX-License-Identifier: Apache-2.0
// Cells of a data set as text and as JSON, for `data head` and the grid of the screens; and which path a data set's name
// stands for.
#ifndef SW_APP_DATA_CELL_H
#define SW_APP_DATA_CELL_H

#include <jansson.h>

#include "core/base/buf.h"
#include "core/data/reader.h"
#include "core/store/dataset.h"

// Appends the value of `row`, foreign text as it is: "9 (Ankle boot)" for numbered classes, "28x28 image" for pixels. A
// null adds nothing.
void sw_data_cell_text(struct sw_buf *out, const struct sw_vector *v, size_t row);
json_t *sw_data_cell_json(const struct sw_vector *v, size_t row); // take
// "28x28"; "" for scalars.
char *sw_data_shape_text(const struct sw_column *c, char *dst, size_t size);

// A registered name (also NAME/2, NAME@digest) or a path. `s` may be NULL when there is no store. For a path `out`
// has only `path` and `name` (the path as given) set. SW_NOT_FOUND offers the nearest name.
enum sw_code sw_data_find(struct sw_store *s, const char *name, struct sw_arena *a, struct sw_dataset *out,
                          struct sw_err *err);

#endif
