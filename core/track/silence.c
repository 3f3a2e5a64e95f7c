// SPDX-License-Identifier: Apache-2.0
#include "core/track/silence.h"

#include <stdio.h>

#include "core/base/text.h"

int64_t sw_track_silent_ms(const struct sw_run *r, int64_t now_ms)
{
    int64_t heard_ms = r->start_ms;
    if (r->status != SW_RUN_RUNNING || r->job_id != 0)
        return 0;
    for (size_t i = 0; i < r->metric_count; i++)
        if (r->metrics[i].last_time_ms > heard_ms)
            heard_ms = r->metrics[i].last_time_ms;
    int64_t silent_ms = now_ms - heard_ms;
    return heard_ms > 0 && silent_ms >= SW_SILENT_AFTER_MS ? silent_ms : 0;
}

char *sw_track_status_text(const struct sw_run *r, int64_t now_ms, char *dst, size_t size)
{
    char age[32];
    int64_t silent_ms = sw_track_silent_ms(r, now_ms);
    if (silent_ms > 0)
        snprintf(dst, size, "silent %s", sw_format_age(age, sizeof age, now_ms, now_ms - silent_ms));
    else
        snprintf(dst, size, "%s", sw_run_status_word(r->status));
    return dst;
}
