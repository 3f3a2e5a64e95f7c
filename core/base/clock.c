// SPDX-License-Identifier: Apache-2.0
#include "core/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t sw_clock_now_ms(void)
{
#ifdef SW_FAILPOINTS
    const char *fixed = getenv("SLIPWAY_FAKE_TIME_MS");
    if (fixed != NULL)
        return strtoll(fixed, NULL, 10);
#endif
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t sw_clock_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t sw_clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void sw_clock_sleep_ms(int64_t ms)
{
    if (ms <= 0)
        return;
    // An absolute end, so that signals do not stretch the sleep.
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)(ms / 1000);
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
    }
}
