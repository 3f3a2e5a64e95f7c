// SPDX-License-Identifier: Apache-2.0
// Who counts as the author of a version: whoever registered it, and whoever made the run it came from.
#ifndef SW_MODEL_AUTHOR_PRIVATE_H
#define SW_MODEL_AUTHOR_PRIVATE_H

#include "core/store/model.h"

// A run that is gone leaves the one who registered.
enum sw_code author_check(struct sw_store *s, const struct sw_model_version *v, const char *user, bool *is_author,
                          struct sw_err *err);

#endif
