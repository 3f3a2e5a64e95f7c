// SPDX-License-Identifier: Apache-2.0
// A private folder beside the place where a tree shall appear whole. Its name carries the owner's pid and start time,
// so what a killed process left behind is recognised and removed by the next one.
#ifndef SW_MODEL_STAGING_H
#define SW_MODEL_STAGING_H

#include "core/base/path.h"

// Makes `parent` when missing, removes staging folders there whose owner is gone, and makes a new one.
enum sw_code sw_staging_make(const char *parent, char out[static SW_PATH_MAX], struct sw_err *err);

#endif
