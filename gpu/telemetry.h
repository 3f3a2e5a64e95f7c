// SPDX-License-Identifier: Apache-2.0
// What the machine has and how busy it is: GPUs through NVML (opened by soname, never linked) and the host's CPUs and
// memory through /proc. A figure that the driver or kernel does not give has its validity bit clear; it is never 0.
// Runs nothing on a GPU and needs no CUDA library. NVML calls serialise on a driver lock and may block: sample from a
// worker, never from a thread that draws.
#ifndef SW_GPU_TELEMETRY_H
#define SW_GPU_TELEMETRY_H

#include <stdint.h>

#include "core/base/arena.h"

enum sw_gpu_valid {
    SW_GPU_HAS_UTIL = 1 << 0,
    SW_GPU_HAS_MEMORY = 1 << 1,
    SW_GPU_HAS_TEMP = 1 << 2,
    SW_GPU_HAS_POWER = 1 << 3,
    SW_GPU_HAS_POWER_LIMIT = 1 << 4,
    SW_GPU_HAS_CLOCK = 1 << 5,
    SW_GPU_HAS_PROCESSES = 1 << 6,
};

struct sw_gpu_info {
    int index;     // NVML's order (PCI bus); CUDA's may differ, so match by uuid
    char uuid[96]; // "GPU-8932f937-..."; "" when the driver did not give one
    char name[96];
    unsigned valid;   // SW_GPU_HAS_*: which of the figures below are known
    int util_percent; // 0..100
    int64_t memory_used_mib, memory_total_mib;
    int temp_c;
    int64_t power_mw, power_limit_mw;
    int clock_mhz;     // of the SMs
    int process_count; // compute processes, of any user
    char problem[96];  // "" or why figures are missing: "GPU is lost", ...
};

#define SW_GPU_REASON_MAX 160

// NVML held open for repeated samples. One thread at a time.
struct sw_gpu_monitor;

// Never fails: a machine without library, driver or GPU gives a monitor that samples none and can say why. NULL only
// when out of memory. The library is libnvidia-ml.so.1, or the file that SLIPWAY_NVML_LIBRARY names.
struct sw_gpu_monitor *sw_gpu_monitor_new(void);
void sw_gpu_monitor_free(struct sw_gpu_monitor *m); // accepts NULL
// All GPUs now, in index order, in the arena. SW_OK with *count 0 when there is none; sw_gpu_monitor_reason() then says
// why. A GPU that answers with an error keeps its row, with `problem` set. SW_NO_MEMORY.
enum sw_code sw_gpu_monitor_sample(struct sw_gpu_monitor *m, struct sw_arena *a, struct sw_gpu_info **out,
                                   size_t *count, struct sw_err *err);
const char *sw_gpu_monitor_reason(
    const struct sw_gpu_monitor *m); // "" or "no GPU: libnvidia-ml.so.1 not found"; borrow
const char *sw_gpu_monitor_driver(const struct sw_gpu_monitor *m); // "580.95.05" or ""; borrow

// Opens, samples once, closes. `reason` gets why there is none, "" when there are some.
enum sw_code sw_gpu_list(struct sw_arena *a, struct sw_gpu_info **out, size_t *count,
                         char reason[static SW_GPU_REASON_MAX], struct sw_err *err);

// Facts of the host that do not change while a program runs.
struct sw_host_facts {
    char hostname[256];
    char kernel[128];    // "6.1.0-28-amd64"
    char cpu_model[128]; // "" when unknown
    int cpus_online;     // of the machine
    int cpus_usable;     // after scheduling affinity and the cgroup's CPU quota (rounded up), >= 1
    int64_t memory_mib;  // of the machine or the cgroup's limit, the smaller; 0 = unknown
    char boot_id[40];    // changes with every boot; "" when unknown
};
void sw_host_facts(struct sw_host_facts *out);

// A rolling sample; zero-initialise. The first call knows no CPU figure, since that needs two readings.
struct sw_host_load {
    bool has_cpu, has_load, has_memory;
    double cpu_percent; // of all CPUs, since the previous sample
    double load1;       // one-minute load average
    int64_t memory_used_mib, memory_total_mib;
    uint64_t busy_ticks, total_ticks; // private: counters of the previous reading
};
void sw_host_load_sample(struct sw_host_load *load);

#endif
