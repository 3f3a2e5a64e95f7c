// SPDX-License-Identifier: Apache-2.0
// NVML by dlopen. NVIDIA's header is not freely packaged, so the few types used are declared here; layouts are those of
// nvml.h 13.3 on x86-64 and pinned by static asserts. Every symbol beyond the base set is optional: an old driver or a
// consumer card loses a figure, not the whole GPU.
#include "gpu/telemetry.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <stdio.h>

#define NVML_SONAME "libnvidia-ml.so.1"
#define MAX_GPUS    64

typedef int nvml_return;
typedef struct nvml_device *nvml_device;

enum {
    NVML_SUCCESS = 0,
    NVML_NO_PERMISSION = 4,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_DRIVER_NOT_LOADED = 9,
    NVML_GPU_IS_LOST = 15,
    NVML_RESET_REQUIRED = 16,
    NVML_LIB_RM_VERSION_MISMATCH = 18,
    NVML_FLAG_NO_GPUS = 1,
    NVML_CLOCK_SM = 1,
    NVML_TEMPERATURE_GPU = 0,
};

struct nvml_memory {
    unsigned long long total, free, used;
};
struct nvml_memory_v2 {
    unsigned version;
    unsigned long long total, reserved, free, used;
};
struct nvml_utilization {
    unsigned gpu, memory;
};
struct nvml_temperature {
    unsigned version;
    int sensor;
    int temperature;
};
_Static_assert(sizeof(struct nvml_memory) == 24, "nvmlMemory_t");
_Static_assert(sizeof(struct nvml_memory_v2) == 40, "nvmlMemory_v2_t");
_Static_assert(sizeof(struct nvml_utilization) == 8, "nvmlUtilization_t");
_Static_assert(sizeof(struct nvml_temperature) == 12, "nvmlTemperature_t");

// A versioned struct carries its own size and version.
#define NVML_VERSION_OF(type, n) ((unsigned)sizeof(type) | ((unsigned)(n) << 24))

// Symbol, prototype, required. One table fills the struct of pointers and says what a driver must have.
#define NVML_SYMBOLS(X)                                                                                                \
    X(init_with_flags, "nvmlInitWithFlags", (unsigned flags), false)                                                   \
    X(init, "nvmlInit_v2", (void), true)                                                                               \
    X(shutdown, "nvmlShutdown", (void), true)                                                                          \
    X(get_count, "nvmlDeviceGetCount_v2", (unsigned *count), true)                                                     \
    X(get_handle, "nvmlDeviceGetHandleByIndex_v2", (unsigned index, nvml_device *device), true)                        \
    X(driver_version, "nvmlSystemGetDriverVersion", (char *version, unsigned length), false)                           \
    X(get_uuid, "nvmlDeviceGetUUID", (nvml_device device, char *uuid, unsigned length), false)                         \
    X(get_name, "nvmlDeviceGetName", (nvml_device device, char *name, unsigned length), false)                         \
    X(get_utilization, "nvmlDeviceGetUtilizationRates", (nvml_device device, struct nvml_utilization * u), false)      \
    X(get_memory_v2, "nvmlDeviceGetMemoryInfo_v2", (nvml_device device, struct nvml_memory_v2 * m), false)             \
    X(get_memory, "nvmlDeviceGetMemoryInfo", (nvml_device device, struct nvml_memory * m), false)                      \
    X(get_temperature_v, "nvmlDeviceGetTemperatureV", (nvml_device device, struct nvml_temperature * t), false)        \
    X(get_temperature, "nvmlDeviceGetTemperature", (nvml_device device, int sensor, unsigned *c), false)               \
    X(get_power, "nvmlDeviceGetPowerUsage", (nvml_device device, unsigned *mw), false)                                 \
    X(get_power_limit, "nvmlDeviceGetEnforcedPowerLimit", (nvml_device device, unsigned *mw), false)                   \
    X(get_clock, "nvmlDeviceGetClockInfo", (nvml_device device, int type, unsigned *mhz), false)                       \
    X(get_processes, "nvmlDeviceGetComputeRunningProcesses_v3", (nvml_device device, unsigned *count, void *infos),    \
      false)

// NOLINTNEXTLINE(bugprone-macro-parentheses): parts of a declarator
#define NVML_POINTER(field, symbol, arguments, required) nvml_return(*field) arguments;
struct nvml {
    NVML_SYMBOLS(NVML_POINTER)
};
#undef NVML_POINTER

static const struct nvml_symbol {
    const char *name;
    size_t offset;
    bool required;
} nvml_symbols[] = {
#define NVML_ROW(field, symbol, arguments, required) {symbol, offsetof(struct nvml, field), required},
    NVML_SYMBOLS(NVML_ROW)
#undef NVML_ROW
};

struct sw_gpu_monitor {
    void *library;
    struct nvml nvml;
    bool is_ready; // initialised: nvml.shutdown is due
    char reason[SW_GPU_REASON_MAX];
    char driver[96];
};

// What a return value means to a user; codes not listed show as their number.
static const struct {
    nvml_return code;
    const char *text;
} nvml_problems[] = {
    {NVML_NO_PERMISSION, "no permission on the device"},
    {NVML_DRIVER_NOT_LOADED, "the driver is not loaded"},
    {NVML_GPU_IS_LOST, "the GPU is lost (fallen off the bus); reboot"},
    {NVML_RESET_REQUIRED, "the GPU needs a reset"},
    {NVML_LIB_RM_VERSION_MISMATCH, "driver and library versions differ; reboot after a driver update"},
};

static void describe_problem(char *out, size_t size, nvml_return code)
{
    for (size_t i = 0; i < sizeof(nvml_problems) / sizeof(nvml_problems[0]); i++)
        if (nvml_problems[i].code == code) {
            snprintf(out, size, "%s", nvml_problems[i].text);
            return;
        }
    snprintf(out, size, "NVML error %d", code);
}

static bool load_symbols(struct sw_gpu_monitor *m)
{
    for (size_t i = 0; i < sizeof(nvml_symbols) / sizeof(nvml_symbols[0]); i++) {
        void *address = dlsym(m->library, nvml_symbols[i].name);
        if (!address && nvml_symbols[i].required) {
            snprintf(m->reason, sizeof(m->reason), "no GPU: %s lacks %s", NVML_SONAME, nvml_symbols[i].name);
            return false;
        }
        memcpy((char *)&m->nvml + nvml_symbols[i].offset, &address, sizeof(address));
    }
    return true;
}

struct sw_gpu_monitor *sw_gpu_monitor_new(void)
{
    struct sw_gpu_monitor *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    const char *library = getenv("SLIPWAY_NVML_LIBRARY");
    library = library && *library ? library : NVML_SONAME;
    m->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!m->library) {
        snprintf(m->reason, sizeof(m->reason), "no GPU: %.100s not found", library);
        return m;
    }
    if (!load_symbols(m))
        return m;
    // NO_GPUS leaves a broken GPU's error to its own row instead of failing the whole library.
    nvml_return code = m->nvml.init_with_flags ? m->nvml.init_with_flags(NVML_FLAG_NO_GPUS) : m->nvml.init();
    if (code != NVML_SUCCESS) {
        char problem[96];
        describe_problem(problem, sizeof(problem), code);
        snprintf(m->reason, sizeof(m->reason), "no GPU: %s", problem);
        return m;
    }
    m->is_ready = true;
    if (m->nvml.driver_version && m->nvml.driver_version(m->driver, sizeof(m->driver)) != NVML_SUCCESS)
        m->driver[0] = '\0';
    m->driver[sizeof(m->driver) - 1] = '\0';
    return m;
}

void sw_gpu_monitor_free(struct sw_gpu_monitor *m)
{
    if (!m)
        return;
    if (m->is_ready)
        m->nvml.shutdown();
    if (m->library)
        dlclose(m->library);
    free(m);
}

// v2 keeps the driver's reserved memory apart from what processes use; v1 counts it as used.
static bool sample_memory(const struct nvml *nvml, nvml_device device, struct sw_gpu_info *g)
{
    unsigned long long used, total;
    struct nvml_memory_v2 v2 = {.version = NVML_VERSION_OF(struct nvml_memory_v2, 2)};
    struct nvml_memory v1 = {0};
    if (nvml->get_memory_v2 && nvml->get_memory_v2(device, &v2) == NVML_SUCCESS) {
        used = v2.used;
        total = v2.total;
    } else if (nvml->get_memory && nvml->get_memory(device, &v1) == NVML_SUCCESS) {
        used = v1.used;
        total = v1.total;
    } else {
        return false;
    }
    if (total == 0) // parts with unified memory have none of their own
        return false;
    g->memory_used_mib = (int64_t)(used >> 20);
    g->memory_total_mib = (int64_t)(total >> 20);
    return true;
}

static bool sample_temperature(const struct nvml *nvml, nvml_device device, struct sw_gpu_info *g)
{
    struct nvml_temperature t = {.version = NVML_VERSION_OF(struct nvml_temperature, 1)};
    if (nvml->get_temperature_v && nvml->get_temperature_v(device, &t) == NVML_SUCCESS) {
        g->temp_c = t.temperature;
        return true;
    }
    unsigned celsius = 0;
    if (!nvml->get_temperature || nvml->get_temperature(device, NVML_TEMPERATURE_GPU, &celsius) != NVML_SUCCESS)
        return false;
    g->temp_c = (int)celsius;
    return true;
}

static bool sample_processes(const struct nvml *nvml, nvml_device device, struct sw_gpu_info *g)
{
    unsigned count = 0;
    if (!nvml->get_processes)
        return false;
    // With no room for entries the call only counts; that spares us a struct which changed between drivers.
    nvml_return code = nvml->get_processes(device, &count, NULL);
    if (code != NVML_SUCCESS && code != NVML_INSUFFICIENT_SIZE)
        return false;
    g->process_count = (int)count;
    return true;
}

static void sample_figures(const struct nvml *nvml, nvml_device device, struct sw_gpu_info *g)
{
    unsigned value = 0;
    if (nvml->get_utilization) {
        struct nvml_utilization u = {0};
        nvml_return code = nvml->get_utilization(device, &u);
        if (code == NVML_SUCCESS && u.gpu <= 100) {
            g->util_percent = (int)u.gpu;
            g->valid |= SW_GPU_HAS_UTIL;
        } else if (code == NVML_GPU_IS_LOST || code == NVML_RESET_REQUIRED) {
            describe_problem(g->problem, sizeof(g->problem), code);
            return;
        }
    }
    if (sample_memory(nvml, device, g))
        g->valid |= SW_GPU_HAS_MEMORY;
    if (sample_temperature(nvml, device, g))
        g->valid |= SW_GPU_HAS_TEMP;
    if (nvml->get_power && nvml->get_power(device, &value) == NVML_SUCCESS) {
        g->power_mw = value;
        g->valid |= SW_GPU_HAS_POWER;
    }
    if (nvml->get_power_limit && nvml->get_power_limit(device, &value) == NVML_SUCCESS) {
        g->power_limit_mw = value;
        g->valid |= SW_GPU_HAS_POWER_LIMIT;
    }
    if (nvml->get_clock && nvml->get_clock(device, NVML_CLOCK_SM, &value) == NVML_SUCCESS) {
        g->clock_mhz = (int)value;
        g->valid |= SW_GPU_HAS_CLOCK;
    }
    if (sample_processes(nvml, device, g))
        g->valid |= SW_GPU_HAS_PROCESSES;
}

static void sample_gpu(const struct nvml *nvml, unsigned index, struct sw_gpu_info *g)
{
    nvml_device device = NULL;
    g->index = (int)index;
    nvml_return code = nvml->get_handle(index, &device);
    if (code != NVML_SUCCESS || !device) {
        describe_problem(g->problem, sizeof(g->problem), code);
        return;
    }
    if (nvml->get_uuid && nvml->get_uuid(device, g->uuid, sizeof(g->uuid)) != NVML_SUCCESS)
        g->uuid[0] = '\0';
    if (nvml->get_name && nvml->get_name(device, g->name, sizeof(g->name)) != NVML_SUCCESS)
        g->name[0] = '\0';
    g->uuid[sizeof(g->uuid) - 1] = g->name[sizeof(g->name) - 1] = '\0';
    sample_figures(nvml, device, g);
}

enum sw_code sw_gpu_monitor_sample(struct sw_gpu_monitor *m, struct sw_arena *a, struct sw_gpu_info **out,
                                   size_t *count, struct sw_err *err)
{
    unsigned n = 0;
    if (m->is_ready) {
        nvml_return code = m->nvml.get_count(&n);
        if (code != NVML_SUCCESS) {
            char problem[96];
            describe_problem(problem, sizeof(problem), code);
            snprintf(m->reason, sizeof(m->reason), "no GPU: %s", problem);
            n = 0;
        } else {
            snprintf(m->reason, sizeof(m->reason), "%s", n ? "" : "no GPU: the driver sees none");
        }
    }
    if (n > MAX_GPUS)
        n = MAX_GPUS;
    struct sw_gpu_info *gpus = sw_arena_array(a, n ? n : 1, sizeof(*gpus));
    if (!gpus)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the list of %u GPUs", n);
    for (unsigned i = 0; i < n; i++)
        sample_gpu(&m->nvml, i, &gpus[i]);
    *out = gpus;
    *count = n;
    return SW_OK;
}

const char *sw_gpu_monitor_reason(const struct sw_gpu_monitor *m)
{
    return m->reason;
}

const char *sw_gpu_monitor_driver(const struct sw_gpu_monitor *m)
{
    return m->driver;
}

enum sw_code sw_gpu_list(struct sw_arena *a, struct sw_gpu_info **out, size_t *count,
                         char reason[static SW_GPU_REASON_MAX], struct sw_err *err)
{
    struct sw_gpu_monitor *m = sw_gpu_monitor_new();
    if (!m)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for GPU telemetry");
    enum sw_code code = sw_gpu_monitor_sample(m, a, out, count, err);
    if (!code)
        snprintf(reason, SW_GPU_REASON_MAX, "%s", m->reason);
    sw_gpu_monitor_free(m);
    return code;
}
