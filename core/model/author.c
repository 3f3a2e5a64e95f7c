// SPDX-License-Identifier: Apache-2.0
#include "core/model/author_private.h"

#include <string.h>

enum sw_code author_check(struct sw_store *s, const struct sw_model_version *v, const char *user, bool *is_author,
                          struct sw_err *err)
{
    *is_author = strcmp(v->user, user) == 0;
    if (*is_author || v->run_id[0] == '\0')
        return SW_OK;
    struct sw_arena *a = sw_arena_new(64u << 20);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to read a run");
    struct sw_run run;
    enum sw_code code = sw_run_get(s, v->run_id, a, &run, err);
    if (code == SW_OK)
        *is_author = strcmp(run.user, user) == 0;
    else if (code == SW_NOT_FOUND)
        code = SW_OK;
    sw_arena_free(a);
    return code;
}
