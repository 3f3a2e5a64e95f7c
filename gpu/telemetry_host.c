// SPDX-License-Identifier: Apache-2.0
// The host's side of telemetry: facts that stay, and CPU and memory load from /proc. CPUs and memory are those this
// process may use: scheduling affinity and cgroup limits (v2, then v1) count, so that a container does not plan with the
// whole machine.
#include "gpu/telemetry.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

// First line of a small kernel file, without its newline.
static bool read_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ok = fgets(out, (int)size, f) != NULL;
    fclose(f);
    if (ok)
        out[strcspn(out, "\n")] = '\0';
    return ok;
}

// The value after "name ... :" in a /proc table; false when there is no such line.
static bool read_field(const char *path, const char *name, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    char line[512];
    bool found = false;
    while (!found && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, name, strlen(name)) != 0)
            continue;
        const char *value = colon + 1 + strspn(colon + 1, " \t");
        snprintf(out, size, "%.*s", (int)strcspn(value, "\n"), value);
        found = true;
    }
    fclose(f);
    return found;
}

static int64_t meminfo_mib(const char *name)
{
    char value[64];
    int64_t kib;
    if (!read_field("/proc/meminfo", name, value, sizeof(value)) || sscanf(value, "%" SCNd64, &kib) != 1)
        return -1;
    return kib / 1024;
}

// The limit in a cgroup memory file; -1 when there is none ("max", or v1's huge number).
static int64_t cgroup_memory_mib(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    char line[64];
    int64_t bytes;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (read_line(files[i], line, sizeof(line)) && sscanf(line, "%" SCNd64, &bytes) == 1 && bytes > 0 &&
            bytes < INT64_MAX / 4)
            return bytes >> 20;
    return -1;
}

// CPUs granted by the cgroup's quota, rounded up; 0 = no limit.
static int cgroup_cpus(void)
{
    char line[64];
    int64_t quota, period;
    if (read_line("/sys/fs/cgroup/cpu.max", line, sizeof(line))) {
        if (sscanf(line, "%" SCNd64 " %" SCNd64, &quota, &period) != 2)
            return 0;
    } else if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", line, sizeof(line)) ||
               sscanf(line, "%" SCNd64, &quota) != 1 ||
               !read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", line, sizeof(line)) ||
               sscanf(line, "%" SCNd64, &period) != 1) {
        return 0;
    }
    return quota > 0 && period > 0 ? (int)((quota + period - 1) / period) : 0;
}

static int usable_cpus(int online)
{
    cpu_set_t set;
    int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : online;
    int granted = cgroup_cpus();
    if (granted > 0 && granted < cpus)
        cpus = granted;
    return cpus > 0 ? cpus : 1;
}

void sw_host_facts(struct sw_host_facts *out)
{
    *out = (struct sw_host_facts){0};
    struct utsname name;
    if (uname(&name) == 0) {
        snprintf(out->hostname, sizeof(out->hostname), "%s", name.nodename);
        snprintf(out->kernel, sizeof(out->kernel), "%s", name.release);
    }
    if (!read_field("/proc/cpuinfo", "model name", out->cpu_model, sizeof(out->cpu_model)))
        out->cpu_model[0] = '\0';
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    out->cpus_online = online > 0 ? (int)online : 1;
    out->cpus_usable = usable_cpus(out->cpus_online);
    int64_t total = meminfo_mib("MemTotal"), limit = cgroup_memory_mib();
    out->memory_mib = total < 0 ? 0 : limit > 0 && limit < total ? limit : total;
    if (!read_line("/proc/sys/kernel/random/boot_id", out->boot_id, sizeof(out->boot_id)))
        out->boot_id[0] = '\0';
}

static void sample_cpu(struct sw_host_load *load)
{
    char line[256];
    uint64_t t[8] = {0}; // user nice system idle iowait irq softirq steal
    load->has_cpu = false;
    if (!read_line("/proc/stat", line, sizeof(line)) ||
        sscanf(line, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
               &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) < 4)
        return;
    uint64_t total = 0;
    for (int i = 0; i < 8; i++)
        total += t[i];
    uint64_t busy = total - t[3] - t[4];
    // Counters of iowait may run backwards by a tick; such a sample is skipped.
    if (load->total_ticks && total > load->total_ticks && busy >= load->busy_ticks) {
        load->has_cpu = true;
        load->cpu_percent = 100.0 * (double)(busy - load->busy_ticks) / (double)(total - load->total_ticks);
        if (load->cpu_percent > 100.0)
            load->cpu_percent = 100.0;
    }
    load->busy_ticks = busy;
    load->total_ticks = total;
}

void sw_host_load_sample(struct sw_host_load *load)
{
    char line[128];
    sample_cpu(load);
    load->has_load = read_line("/proc/loadavg", line, sizeof(line)) && sscanf(line, "%lf", &load->load1) == 1;
    int64_t total = meminfo_mib("MemTotal"), available = meminfo_mib("MemAvailable");
    load->has_memory = total > 0 && available >= 0;
    if (load->has_memory) {
        load->memory_total_mib = total;
        load->memory_used_mib = total - available;
    }
}
