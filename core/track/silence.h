// SPDX-License-Identifier: Apache-2.0
// Runs that say nothing any more. A script that logs by itself and dies leaves its run RUNNING for ever, since nobody
// watches it; a job's run is its supervisor's to end. Such a run is shown as silent, its stored status stays.
#ifndef SW_TRACK_SILENCE_H
#define SW_TRACK_SILENCE_H

#include "core/store/run.h"

#define SW_SILENT_AFTER_MS (30 * 60 * 1000) // longer than most epochs and evaluations take

// How long a RUNNING run without a job has said nothing: since its newest metric, or its start when it has none. 0 when
// that is less than SW_SILENT_AFTER_MS or the rule does not apply. `r` must have been loaded with its metrics.
int64_t sw_track_silent_ms(const struct sw_run *r, int64_t now_ms);

// What to show as the status: "RUNNING", or "silent 3 h". Returns `dst`.
char *sw_track_status_text(const struct sw_run *r, int64_t now_ms, char *dst, size_t size);

#endif
