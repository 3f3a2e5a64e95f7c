// SPDX-License-Identifier: Apache-2.0
// info, version, gpu: what this program is, where it keeps things, what machine it is on.
#include "app/cmd.h"

#include <curses.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>
#include <zlib.h>

#include "core/base/text.h"
#include "core/job/job.h"
#include "gpu/telemetry.h"

struct fact {
    const char *name, *value;
};

static const struct sw_json_field fact_fields[] = {
    {"name", SW_JSON_TEXT, offsetof(struct fact, name), NULL, "what it is"},
    {"value", SW_JSON_TEXT, offsetof(struct fact, value), NULL, "path, version or figure; null = there is none"},
};
const struct sw_json_kind sw_json_fact = {"Fact",
                                          "FactList",
                                          "a path, version or figure printed by 'slipway info'",
                                          fact_fields,
                                          SW_COUNT(fact_fields),
                                          sizeof(struct fact)};

enum { FACTS_MAX = 40 };

struct facts {
    struct sw_app *app;
    struct fact items[FACTS_MAX];
    size_t count;
};

static void add(struct facts *f, const char *name, const char *value)
{
    if (f->count < FACTS_MAX)
        f->items[f->count++] = (struct fact){name, value == NULL ? NULL : sw_arena_strdup(f->app->arena, value)};
}

static void add_paths(struct facts *f)
{
    static const struct {
        const char *name;
        enum sw_place place;
    } places[] = {
        {"config folder", SW_PLACE_CONFIG},
        {"state folder", SW_PLACE_STATE},
        {"cache folder", SW_PLACE_CACHE},
        {"runtime folder", SW_PLACE_RUNTIME},
    };
    char path[SW_PATH_MAX];
    struct sw_err err = {0};
    add(f, "store", sw_app_find_store(f->app, &err) == SW_OK ? f->app->store_dir : NULL);
    for (size_t i = 0; i < SW_COUNT(places); i++)
        add(f, places[i].name, sw_path_place(places[i].place, path, &err) == SW_OK ? path : NULL);
    add(f, "user config", sw_config_user_path(path, &err) == SW_OK ? path : NULL);
    add(f, "project folder", sw_config_project_dir(f->app->config));
    add(f, "slipway", sw_path_sibling("slipway", path, &err) == SW_OK ? path : NULL);
    add(f, "slipway-train", sw_path_sibling("slipway-train", path, &err) == SW_OK ? path : NULL);
}

static void add_libraries(struct facts *f)
{
    add(f, "SQLite", sqlite3_libversion());
    add(f, "ncurses", curses_version());
    add(f, "libyaml", yaml_get_version_string());
    add(f, "jansson", jansson_version_str());
    add(f, "OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
    add(f, "zlib", zlibVersion());
}

static void add_machine(struct facts *f)
{
    struct sw_host_facts host;
    struct sw_gpu_info *gpus;
    size_t count = 0;
    char text[64], reason[SW_GPU_REASON_MAX] = "";
    struct sw_err err = {0};
    sw_host_facts(&host);
    add(f, "host", host.hostname);
    add(f, "kernel", host.kernel);
    add(f, "cpu", host.cpu_model);
    snprintf(text, sizeof text, "%d of %d usable", host.cpus_usable, host.cpus_online);
    add(f, "cpus", text);
    snprintf(text, sizeof text, "%d", sw_job_cpu_slots());
    add(f, "cpu slots", text);
    snprintf(text, sizeof text, "%" PRId64 " MiB", host.memory_mib);
    add(f, "memory", host.memory_mib > 0 ? text : NULL);
    if (sw_gpu_list(f->app->arena, &gpus, &count, reason, &err) != SW_OK)
        snprintf(reason, sizeof reason, "%s", err.message);
    snprintf(text, sizeof text, "%zu", count);
    add(f, "gpus", count > 0 ? text : reason);
}

static enum sw_code run_info(struct sw_app *app, struct sw_err *err)
{
    struct facts f = {.app = app};
    add(&f, "version", SW_VERSION);
    add_paths(&f);
    add_libraries(&f);
    add_machine(&f);
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_fact, f.items, f.count), err);
    for (size_t i = 0; i < f.count; i++)
        sw_output_pair(&app->out, f.items[i].name, f.items[i].value);
    return SW_OK;
}

const struct sw_command sw_cmd_info = {
    .verb = "info",
    .summary = "print every path, library version and what the machine has",
    .arguments = "",
    .description = "For a report of a fault, together with 'slipway doctor'.",
    .examples = "slipway info\tfor people\n"
                "slipway info --json\tfor programs",
    .kinds = "FactList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_info,
};

static enum sw_code run_version(struct sw_app *app, struct sw_err *err)
{
    if (app->out.is_json)
        return sw_output_json(&app->out, json_pack("{s:s, s:s}", "kind", "Version", "version", SW_VERSION), err);
    sw_output_text(&app->out, "slipway %s\n", SW_VERSION);
    return SW_OK;
}

const struct sw_command sw_cmd_version = {
    .verb = "version",
    .summary = "print the version",
    .arguments = "",
    .description = "The same as --version.",
    .examples = "slipway version --json\tas a document",
    .kinds = "Version",
    .needs = SW_NEEDS_NOTHING,
    .run = run_version,
};

// --- gpu ---

static json_t *known_int(const struct sw_gpu_info *g, unsigned bit, int64_t value)
{
    return (g->valid & bit) != 0 ? json_integer(value) : json_null();
}

static json_t *gpu_util(const void *object)
{
    const struct sw_gpu_info *g = object;
    return known_int(g, SW_GPU_HAS_UTIL, g->util_percent);
}

static json_t *gpu_used(const void *object)
{
    const struct sw_gpu_info *g = object;
    return known_int(g, SW_GPU_HAS_MEMORY, g->memory_used_mib);
}

static json_t *gpu_total(const void *object)
{
    const struct sw_gpu_info *g = object;
    return known_int(g, SW_GPU_HAS_MEMORY, g->memory_total_mib);
}

static json_t *gpu_temp(const void *object)
{
    const struct sw_gpu_info *g = object;
    return known_int(g, SW_GPU_HAS_TEMP, g->temp_c);
}

static json_t *gpu_power(const void *object)
{
    const struct sw_gpu_info *g = object;
    return known_int(g, SW_GPU_HAS_POWER, g->power_mw);
}

static json_t *gpu_processes(const void *object)
{
    const struct sw_gpu_info *g = object;
    return known_int(g, SW_GPU_HAS_PROCESSES, g->process_count);
}

static const struct sw_json_field gpu_fields[] = {
    {"index", SW_JSON_INT, offsetof(struct sw_gpu_info, index), NULL, "number in the order of the PCI bus"},
    {"uuid", SW_JSON_CHARS, offsetof(struct sw_gpu_info, uuid), NULL, "the driver's name for it"},
    {"name", SW_JSON_CHARS, offsetof(struct sw_gpu_info, name), NULL, "model"},
    {"util_percent", SW_JSON_MADE, 0, gpu_util, "how busy it is"},
    {"memory_used_mib", SW_JSON_MADE, 0, gpu_used, "memory in use"},
    {"memory_total_mib", SW_JSON_MADE, 0, gpu_total, "memory it has"},
    {"temp_c", SW_JSON_MADE, 0, gpu_temp, "temperature"},
    {"power_mw", SW_JSON_MADE, 0, gpu_power, "power drawn"},
    {"process_count", SW_JSON_MADE, 0, gpu_processes, "compute processes of any user"},
    {"problem", SW_JSON_CHARS, offsetof(struct sw_gpu_info, problem), NULL, "why figures are missing"},
};
const struct sw_json_kind sw_json_gpu = {
    "Gpu", "GpuList", "a GPU of this machine", gpu_fields, SW_COUNT(gpu_fields), sizeof(struct sw_gpu_info)};

static void put_known(struct sw_table *t, const struct sw_gpu_info *g, unsigned bit, const char *unit, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64 "%s", value, unit);
    sw_table_cell(t, (g->valid & bit) != 0 ? text : NULL);
}

static enum sw_code run_gpu(struct sw_app *app, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"GPU", SW_COLUMN_RIGHT},   {"NAME", SW_COLUMN_SHRINKS},    {"BUSY", SW_COLUMN_RIGHT},
        {"USED", SW_COLUMN_RIGHT},  {"MEMORY", SW_COLUMN_RIGHT},    {"TEMP", SW_COLUMN_RIGHT},
        {"POWER", SW_COLUMN_RIGHT}, {"PROCESSES", SW_COLUMN_RIGHT}, {"PROBLEM", SW_COLUMN_SHRINKS},
    };
    struct sw_gpu_info *gpus;
    size_t count = 0;
    char reason[SW_GPU_REASON_MAX] = "";
    enum sw_code code = sw_gpu_list(app->arena, &gpus, &count, reason, err);
    if (code != SW_OK)
        return code;
    if (app->out.is_json) {
        json_t *document = sw_json_list(&sw_json_gpu, gpus, count);
        if (json_object_set_new(document, "reason", count > 0 ? json_null() : sw_json_text(reason)) != 0) {
            json_decref(document);
            document = NULL;
        }
        return sw_output_json(&app->out, document, err);
    }
    if (count == 0) {
        sw_output_safe(&app->out, reason, SW_TEXT_ONE_LINE);
        sw_output_text(&app->out, "\n");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < count; i++) {
        const struct sw_gpu_info *g = &gpus[i];
        sw_table_cellf(t, "%d", g->index);
        sw_table_cell(t, g->name);
        put_known(t, g, SW_GPU_HAS_UTIL, "%", g->util_percent);
        put_known(t, g, SW_GPU_HAS_MEMORY, " MiB", g->memory_used_mib);
        put_known(t, g, SW_GPU_HAS_MEMORY, " MiB", g->memory_total_mib);
        put_known(t, g, SW_GPU_HAS_TEMP, " C", g->temp_c);
        put_known(t, g, SW_GPU_HAS_POWER, " W", g->power_mw / 1000);
        put_known(t, g, SW_GPU_HAS_PROCESSES, "", g->process_count);
        sw_table_cell(t, g->problem);
    }
    return sw_table_print(t, &app->out, err);
}

const struct sw_command sw_cmd_gpu = {
    .verb = "gpu",
    .summary = "list GPUs and how busy they are, or why there are none",
    .arguments = "",
    .description =
        "Figures come from NVML, which is opened when it is there. A figure the driver does not give shows as '-'.",
    .examples = "slipway gpu\tone look\n"
                "slipway gpu --json\tthe same for a script; 'reason' says why the list is empty",
    .kinds = "GpuList",
    .needs = SW_NEEDS_CONFIG,
    .run = run_gpu,
};
