// SPDX-License-Identifier: Apache-2.0
// The list of engines and the choice among them. Kernels live in one file per engine.
#include "gpu/engine.h"

#include <string.h>

const struct sw_engine *const sw_engines[] = {&sw_engine_plain, NULL};

enum sw_code sw_engine_open(const char *name, int index, const struct sw_engine **engine, struct sw_device **device,
                            struct sw_err *err)
{
    bool any = strcmp(name, "auto") == 0;
    enum sw_code code = SW_USAGE;
    for (size_t i = 0; sw_engines[i]; i++) {
        if (!any && strcmp(name, sw_engines[i]->name) != 0)
            continue;
        code = sw_engines[i]->open(index, device, err);
        if (code == SW_OK)
            *engine = sw_engines[i];
        if (code == SW_OK || !any)
            return code;
    }
    if (any)
        return sw_err_wrap(err, "no engine can run here");
    (void)sw_err_set(err, SW_USAGE, "unknown engine '%s'", name);
    return sw_err_hint(err, "use 'auto' or '%s'", sw_engines[0]->name);
}
