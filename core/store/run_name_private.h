// SPDX-License-Identifier: Apache-2.0
// Readable names for runs.
#ifndef SW_STORE_RUN_NAME_PRIVATE_H
#define SW_STORE_RUN_NAME_PRIVATE_H

#include "core/base/err.h"

#define SW_RUN_NAME_INVENTED 32

// "swift-otter-412"; fits SW_RUN_NAME_INVENTED bytes.
enum sw_code sw_run_name_invent(char *dst, size_t size, struct sw_err *err);

#endif
