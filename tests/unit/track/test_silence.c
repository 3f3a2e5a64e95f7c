// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/track/silence.h"

enum { MINUTE = 60 * 1000 };
#define NOW 1767225600000LL

static void only_unwatched_running_runs_fall_silent(void **state)
{
    (void)state;
    static const struct {
        enum sw_run_status status;
        int64_t job_id, started_before, heard_before; // minutes; -1 = no metric
        const char *text;
    } cases[] = {
        {SW_RUN_RUNNING, 0, 29, -1, "RUNNING"},      {SW_RUN_RUNNING, 0, 30, -1, "silent 30 m"},
        {SW_RUN_RUNNING, 0, 600, 5, "RUNNING"},      {SW_RUN_RUNNING, 0, 600, 180, "silent 3 h"},
        {SW_RUN_RUNNING, 0, 10, 600, "RUNNING"}, // it logs old times
        {SW_RUN_RUNNING, 7, 600, 600, "RUNNING"},    {SW_RUN_FINISHED, 0, 600, 600, "FINISHED"},
        {SW_RUN_SCHEDULED, 0, 600, -1, "SCHEDULED"}, {SW_RUN_RUNNING, 0, -600, -1, "RUNNING"}, // another host's clock
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        struct sw_metric_summary metrics[2] = {{.last_time_ms = NOW - 9000LL * MINUTE},
                                               {.last_time_ms = NOW - cases[i].heard_before * MINUTE}};
        struct sw_run r = {.status = cases[i].status,
                           .job_id = cases[i].job_id,
                           .start_ms = NOW - cases[i].started_before * MINUTE,
                           .metrics = metrics,
                           .metric_count = cases[i].heard_before < 0 ? 0 : 2};
        assert_string_equal(sw_track_status_text(&r, NOW, text, sizeof text), cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_unwatched_running_runs_fall_silent)};
    return cmocka_run_group_tests_name("silence", tests, NULL, NULL);
}
