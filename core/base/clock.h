// SPDX-License-Identifier: Apache-2.0
// Time. Wall time is int64 milliseconds UTC; deadlines use the monotonic clock. Tests fix the wall clock with
// SLIPWAY_FAKE_TIME_MS in builds that have failpoints.
#ifndef SW_BASE_CLOCK_H
#define SW_BASE_CLOCK_H

#include <stdint.h>

int64_t sw_clock_now_ms(void);      // wall, UTC
int64_t sw_clock_mono_ms(void);     // monotonic, for deadlines
int64_t sw_clock_mono_us(void);     // monotonic, for measurements
void sw_clock_sleep_ms(int64_t ms); // whole time, across EINTR

#endif
