// SPDX-License-Identifier: Apache-2.0
// Telemetry against the strict NVML look-alike in tests/fakes and against this machine's /proc.
#include "gpu/telemetry.h"

#include "core/base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char control_path[] = "/tmp/slipway-nvml-XXXXXX";

static void control(const char *text)
{
    FILE *f = fopen(control_path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

// The fakes are built beside the tests: BUILD/fakes/nvml.so for BUILD/unit/gpu/test_telemetry.
static int use_fake(void **state)
{
    char path[SW_PATH_MAX];
    struct sw_err err = {0};
    (void)state;
    assert_int_equal(sw_path_sibling("../../fakes/nvml.so", path, &err), SW_OK);
    if (access(path, R_OK) != 0) {
        print_message("%s is missing: make fakes\n", path);
        return -1;
    }
    int fd = mkstemp(control_path);
    assert_true(fd >= 0);
    close(fd);
    setenv("SLIPWAY_NVML_LIBRARY", path, 1);
    setenv("SLIPWAY_FAKE_NVML", control_path, 1);
    return 0;
}

static int drop_control(void **state)
{
    (void)state;
    unlink(control_path);
    return 0;
}

struct sample {
    struct sw_arena *arena;
    struct sw_gpu_info *gpus;
    size_t count;
    char reason[SW_GPU_REASON_MAX];
};

static struct sample list(void)
{
    struct sample s = {.arena = sw_arena_new(1 << 20)};
    struct sw_err err = {0};
    assert_int_equal(sw_gpu_list(s.arena, &s.gpus, &s.count, s.reason, &err), SW_OK);
    return s;
}

static void figures_come_from_the_driver(void **state)
{
    (void)state;
    control("count 3\ndriver 999.1\ngpu 1 util 37\ngpu 1 used 1000\ngpu 1 total 2000\ngpu 1 temp 61\n"
            "gpu 1 power 250500\ngpu 1 processes 4\ngpu * limit 300000\ngpu * clock 1410\n");
    struct sample s = list();
    assert_int_equal(s.count, 3);
    assert_string_equal(s.reason, "");
    const struct sw_gpu_info *g = &s.gpus[1];
    assert_int_equal(g->index, 1);
    assert_string_equal(g->uuid, "GPU-00000000-0000-4000-8000-000000000001");
    assert_string_equal(g->name, "Fake H100 80GB");
    assert_int_equal(g->valid, SW_GPU_HAS_UTIL | SW_GPU_HAS_MEMORY | SW_GPU_HAS_TEMP | SW_GPU_HAS_POWER |
                                   SW_GPU_HAS_POWER_LIMIT | SW_GPU_HAS_CLOCK | SW_GPU_HAS_PROCESSES);
    assert_int_equal(g->util_percent, 37);
    assert_int_equal(g->memory_used_mib, 1000);
    assert_int_equal(g->memory_total_mib, 2000);
    assert_int_equal(g->temp_c, 61);
    assert_int_equal(g->power_mw, 250500);
    assert_int_equal(g->power_limit_mw, 300000);
    assert_int_equal(g->clock_mhz, 1410);
    assert_int_equal(g->process_count, 4);
    sw_arena_free(s.arena);
}

static void missing_figures_are_unknown_and_not_zero(void **state)
{
    (void)state;
    control("count 1\nfail util 3\nfail power 3\nfail clock 13\nfail processes 3\n");
    struct sample s = list();
    assert_int_equal(s.count, 1);
    assert_int_equal(s.gpus[0].valid, SW_GPU_HAS_MEMORY | SW_GPU_HAS_TEMP | SW_GPU_HAS_POWER_LIMIT);
    assert_string_equal(s.gpus[0].problem, "");
    sw_arena_free(s.arena);
}

static void older_drivers_use_the_older_calls(void **state)
{
    (void)state;
    control("count 1\nfail memory_v2 25\nfail temp_v 13\ngpu 0 used 7\ngpu 0 temp 44\n");
    struct sample s = list();
    assert_int_equal(s.gpus[0].memory_used_mib, 7);
    assert_int_equal(s.gpus[0].temp_c, 44);
    sw_arena_free(s.arena);
    control("count 1\ngpu 0 total 0\n"); // unified memory
    s = list();
    assert_false(s.gpus[0].valid & SW_GPU_HAS_MEMORY);
    sw_arena_free(s.arena);
}

static void a_lost_gpu_keeps_its_row(void **state)
{
    (void)state;
    control("count 2\ngpu 0 fail 15\ngpu 1 util 5\n");
    struct sample s = list();
    assert_int_equal(s.count, 2);
    assert_non_null(strstr(s.gpus[0].problem, "lost"));
    assert_int_equal(s.gpus[0].valid, 0);
    assert_int_equal(s.gpus[1].util_percent, 5);
    sw_arena_free(s.arena);
}

static void no_gpu_says_why(void **state)
{
    (void)state;
    control("count 0\n");
    struct sample s = list();
    assert_int_equal(s.count, 0);
    assert_string_equal(s.reason, "no GPU: the driver sees none");
    sw_arena_free(s.arena);
    control("fail init 9\n");
    s = list();
    assert_int_equal(s.count, 0);
    assert_string_equal(s.reason, "no GPU: the driver is not loaded");
    sw_arena_free(s.arena);
    control("fail count 18\n");
    s = list();
    assert_non_null(strstr(s.reason, "reboot"));
    sw_arena_free(s.arena);

    char *library = strdup(getenv("SLIPWAY_NVML_LIBRARY"));
    setenv("SLIPWAY_NVML_LIBRARY", "libnvidia-ml-absent.so.1", 1);
    s = list();
    assert_int_equal(s.count, 0);
    assert_string_equal(s.reason, "no GPU: libnvidia-ml-absent.so.1 not found");
    sw_arena_free(s.arena);
    setenv("SLIPWAY_NVML_LIBRARY", "libm.so.6", 1); // a library that is not NVML
    s = list();
    assert_non_null(strstr(s.reason, "lacks nvmlInit_v2"));
    sw_arena_free(s.arena);
    setenv("SLIPWAY_NVML_LIBRARY", library, 1);
    free(library);
}

static void a_monitor_sees_changes(void **state)
{
    (void)state;
    control("count 1\ndriver 580.1\ngpu 0 util 1\n");
    struct sw_gpu_monitor *m = sw_gpu_monitor_new();
    struct sw_err err = {0};
    assert_string_equal(sw_gpu_monitor_driver(m), "580.1");
    for (int util = 1; util <= 3; util++) {
        char text[64];
        snprintf(text, sizeof(text), "count 1\ngpu 0 util %d\n", util);
        control(text);
        struct sw_arena *a = sw_arena_new(1 << 16);
        struct sw_gpu_info *gpus;
        size_t count;
        assert_int_equal(sw_gpu_monitor_sample(m, a, &gpus, &count, &err), SW_OK);
        assert_int_equal(gpus[0].util_percent, util);
        sw_arena_free(a);
    }
    sw_gpu_monitor_free(m);
    sw_gpu_monitor_free(NULL);
}

static void host_facts_and_load_are_plausible(void **state)
{
    (void)state;
    struct sw_host_facts facts;
    sw_host_facts(&facts);
    assert_true(facts.hostname[0] != '\0');
    assert_true(facts.cpus_usable >= 1 && facts.cpus_usable <= facts.cpus_online);
    assert_true(facts.memory_mib > 0);
    assert_int_equal(strlen(facts.boot_id), 36);
    struct sw_host_load load = {0};
    sw_host_load_sample(&load);
    assert_false(load.has_cpu); // one reading gives no rate
    assert_true(load.has_memory && load.memory_used_mib <= load.memory_total_mib);
    for (int i = 0; i < 200 && !load.has_cpu; i++) { // until a tick of the kernel has passed
        usleep(5000);
        sw_host_load_sample(&load);
    }
    assert_true(load.has_cpu && load.cpu_percent >= 0.0 && load.cpu_percent <= 100.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_come_from_the_driver),
        cmocka_unit_test(missing_figures_are_unknown_and_not_zero),
        cmocka_unit_test(older_drivers_use_the_older_calls),
        cmocka_unit_test(a_lost_gpu_keeps_its_row),
        cmocka_unit_test(no_gpu_says_why),
        cmocka_unit_test(a_monitor_sees_changes),
        cmocka_unit_test(host_facts_and_load_are_plausible),
    };
    return cmocka_run_group_tests(tests, use_fake, drop_control);
}
