// SPDX-License-Identifier: Apache-2.0
// A strict look-alike of libnvidia-ml.so.1 for tests: it refuses what the real library refuses (calls before init,
// unknown handles, short buffers, wrong version words) and aborts on unbalanced shutdowns. What it reports comes from
// the control file named in SLIPWAY_FAKE_NVML, read again at each call so that a test can change it under a running
// program. Lines, '#' starts a comment; G is a GPU's index or '*':
//   count N | driver TEXT | fail CALL CODE [after N]     CALL: init, count, handle, uuid, util, memory, memory_v2, ...
//   gpu G util P | used MIB | total MIB | temp C | power MW | limit MW | clock MHZ | processes N
//   gpu G fail CODE                                      every call on that GPU answers CODE (15 = lost)
// Without a control file there are two idle GPUs of 80 GiB.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GPUS = 16, MAX_FAILS = 32 };
enum {
    OK = 0,
    UNINITIALIZED = 1,
    INVALID_ARGUMENT = 2,
    INSUFFICIENT_SIZE = 7,
    VERSION_MISMATCH = 25,
};

struct gpu {
    unsigned util, temp, power, limit, clock, processes;
    unsigned long long used_mib, total_mib;
    int fail;
};
struct fail {
    char call[32];
    int code, after;
};
struct control {
    unsigned count;
    char driver[64];
    struct gpu gpus[MAX_GPUS];
    struct fail fails[MAX_FAILS];
    int fail_count;
};

// Handles are addresses in here, so a made-up handle is noticed.
static char handles[MAX_GPUS];
static atomic_int init_count;
static atomic_int call_counts[MAX_FAILS];

static void set_figure(struct gpu *g, const char *what, unsigned long long value)
{
    const struct {
        const char *name;
        unsigned *field;
    } fields[] = {{"util", &g->util},   {"temp", &g->temp},   {"power", &g->power},
                  {"limit", &g->limit}, {"clock", &g->clock}, {"processes", &g->processes}};
    if (strcmp(what, "used") == 0)
        g->used_mib = value;
    else if (strcmp(what, "total") == 0)
        g->total_mib = value;
    else if (strcmp(what, "fail") == 0)
        g->fail = (int)value;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (strcmp(what, fields[i].name) == 0)
            *fields[i].field = (unsigned)value;
}

static void read_control_line(struct control *c, const char *line)
{
    char which[16], what[32];
    unsigned long long value;
    struct fail fail = {.after = 0};
    if (sscanf(line, "count %u", &c->count) == 1 || sscanf(line, "driver %63s", c->driver) == 1)
        return;
    if (sscanf(line, "fail %31s %d after %d", fail.call, &fail.code, &fail.after) >= 2 && c->fail_count < MAX_FAILS) {
        c->fails[c->fail_count++] = fail;
        return;
    }
    if (sscanf(line, "gpu %15s %31s %llu", which, what, &value) != 3)
        return;
    for (int i = 0; i < MAX_GPUS; i++)
        if (which[0] == '*' || atoi(which) == i)
            set_figure(&c->gpus[i], what, value);
}

static struct control read_control(void)
{
    struct control c = {.count = 2, .driver = "580.95.05"};
    for (int i = 0; i < MAX_GPUS; i++)
        c.gpus[i] = (struct gpu){.temp = 30, .power = 60000, .limit = 700000, .clock = 345, .total_mib = 81920};
    const char *path = getenv("SLIPWAY_FAKE_NVML");
    FILE *f = path ? fopen(path, "re") : NULL;
    if (f) {
        char line[256];
        while (fgets(line, sizeof(line), f))
            read_control_line(&c, line);
        fclose(f);
    }
    if (c.count > MAX_GPUS)
        c.count = MAX_GPUS;
    return c;
}

// The code that the control file wants of `call` now; OK when none.
static int wanted_failure(const struct control *c, const char *call)
{
    for (int i = 0; i < c->fail_count; i++)
        if (strcmp(c->fails[i].call, call) == 0 && atomic_fetch_add(&call_counts[i], 1) >= c->fails[i].after)
            return c->fails[i].code;
    return OK;
}

// Common start of a call on a GPU: the state of the library, the handle, the wanted failures.
static int enter(const char *call, const void *handle, const void *out, struct gpu *g)
{
    if (init_count == 0)
        return UNINITIALIZED;
    if (!handle || (const char *)handle < handles || (const char *)handle >= handles + MAX_GPUS || !out)
        return INVALID_ARGUMENT;
    struct control c = read_control();
    *g = c.gpus[(const char *)handle - handles];
    return g->fail ? g->fail : wanted_failure(&c, call);
}

static int copy_text(char *out, unsigned length, const char *text)
{
    if (strlen(text) + 1 > length)
        return INSUFFICIENT_SIZE;
    memcpy(out, text, strlen(text) + 1);
    return OK;
}

#define EXPORT __attribute__((visibility("default")))
// The fake answers to names, not to a header: there is none to declare these.
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

EXPORT int nvmlInitWithFlags(unsigned flags)
{
    struct control c = read_control();
    int code = wanted_failure(&c, "init");
    if (flags > 3)
        return INVALID_ARGUMENT;
    if (code == OK)
        init_count++;
    return code;
}

EXPORT int nvmlInit_v2(void)
{
    return nvmlInitWithFlags(0);
}

EXPORT int nvmlShutdown(void)
{
    if (atomic_fetch_sub(&init_count, 1) <= 0)
        abort();
    return OK;
}

EXPORT int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    if (init_count == 0)
        return UNINITIALIZED;
    struct control c = read_control();
    int code = wanted_failure(&c, "driver");
    return code ? code : copy_text(version, length, c.driver);
}

EXPORT int nvmlDeviceGetCount_v2(unsigned *count)
{
    if (init_count == 0)
        return UNINITIALIZED;
    if (!count)
        return INVALID_ARGUMENT;
    struct control c = read_control();
    int code = wanted_failure(&c, "count");
    if (code == OK)
        *count = c.count;
    return code;
}

EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    if (init_count == 0)
        return UNINITIALIZED;
    struct control c = read_control();
    if (index >= c.count || !device)
        return INVALID_ARGUMENT;
    int code = wanted_failure(&c, "handle");
    if (code == OK)
        *device = &handles[index];
    return code;
}

EXPORT int nvmlDeviceGetUUID(void *device, char *uuid, unsigned length)
{
    struct gpu g;
    int code = enter("uuid", device, uuid, &g);
    if (code == 15)
        code = OK; // the real library remembers a lost GPU's identity
    char text[96];
    snprintf(text, sizeof(text), "GPU-00000000-0000-4000-8000-%012x", (unsigned)((char *)device - handles));
    return code ? code : copy_text(uuid, length, text);
}

EXPORT int nvmlDeviceGetName(void *device, char *name, unsigned length)
{
    struct gpu g;
    int code = enter("name", device, name, &g);
    return code ? code : copy_text(name, length, "Fake H100 80GB");
}

EXPORT int nvmlDeviceGetUtilizationRates(void *device, unsigned out[2])
{
    struct gpu g;
    int code = enter("util", device, out, &g);
    if (code == OK) {
        out[0] = g.util;
        out[1] = g.util / 2;
    }
    return code;
}

EXPORT int nvmlDeviceGetMemoryInfo(void *device, unsigned long long out[3])
{
    struct gpu g;
    int code = enter("memory", device, out, &g);
    if (code == OK) {
        out[0] = g.total_mib << 20;
        out[1] = (g.total_mib - g.used_mib) << 20;
        out[2] = g.used_mib << 20;
    }
    return code;
}

EXPORT int nvmlDeviceGetMemoryInfo_v2(void *device, void *out)
{
    struct gpu g;
    int code = enter("memory_v2", device, out, &g);
    if (code != OK)
        return code;
    unsigned version;
    memcpy(&version, out, sizeof(version));
    if (version != 0x02000028)
        return VERSION_MISMATCH;
    unsigned long long values[] = {g.total_mib << 20, 512ULL << 20, (g.total_mib - g.used_mib) << 20, g.used_mib << 20};
    memcpy((char *)out + 8, values, sizeof(values));
    return OK;
}

EXPORT int nvmlDeviceGetTemperatureV(void *device, void *out)
{
    struct gpu g;
    int code = enter("temp_v", device, out, &g);
    if (code != OK)
        return code;
    unsigned version;
    memcpy(&version, out, sizeof(version));
    if (version != 0x0100000c)
        return VERSION_MISMATCH;
    int celsius = (int)g.temp;
    memcpy((char *)out + 8, &celsius, sizeof(celsius));
    return OK;
}

EXPORT int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius)
{
    struct gpu g;
    int code = enter("temp", device, celsius, &g);
    if (code == OK && sensor != 0)
        return INVALID_ARGUMENT;
    if (code == OK)
        *celsius = g.temp;
    return code;
}

EXPORT int nvmlDeviceGetPowerUsage(void *device, unsigned *mw)
{
    struct gpu g;
    int code = enter("power", device, mw, &g);
    if (code == OK)
        *mw = g.power;
    return code;
}

EXPORT int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *mw)
{
    struct gpu g;
    int code = enter("limit", device, mw, &g);
    if (code == OK)
        *mw = g.limit;
    return code;
}

EXPORT int nvmlDeviceGetClockInfo(void *device, int type, unsigned *mhz)
{
    struct gpu g;
    int code = enter("clock", device, mhz, &g);
    if (code == OK && (type < 0 || type > 3))
        return INVALID_ARGUMENT;
    if (code == OK)
        *mhz = g.clock;
    return code;
}

EXPORT int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, void *infos)
{
    struct gpu g;
    int code = enter("processes", device, count, &g);
    if (code != OK)
        return code;
    unsigned room = *count;
    *count = g.processes;
    return g.processes > room || (g.processes && !infos) ? INSUFFICIENT_SIZE : OK;
}
