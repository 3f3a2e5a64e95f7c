// SPDX-License-Identifier: Apache-2.0
// doctor: looks, changes nothing, and says for each thing that is wrong what one does about it. A check is a row of the
// table below. "fail" makes exit code 1; "warn" is worth knowing and stops nothing.
#include "app/cmd.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "app/template_cmd.h"
#include "app/terminfo.h"
#include "core/base/clock.h"
#include "core/base/proc.h"
#include "core/base/text.h"
#include "core/job/job.h"
#include "core/serve/serve.h"
#include "core/serve/status.h"
#include "gpu/telemetry.h"

enum {
    WAL_WARN_BYTES = 256 * 1024 * 1024,
    DISK_WARN_MIB = 1024,
    DISK_FAIL_MIB = 50,
    PROGRAM_TIMEOUT_MS = 5000,
    SERVE_TIMEOUT_MS = 2000
};
// No clock that is right shows a time before this program was written (2025-01-01).
#define CLOCK_FLOOR_MS 1735689600000LL

enum outcome { PASS, WARN, FAIL, SKIP };

struct check_result {
    const char *name;
    const char *outcome; // word of `state`
    enum outcome state;
    char text[320];
    char fix[320]; // empty when nothing needs doing
};

static const struct sw_json_field check_fields[] = {
    {"name", SW_JSON_TEXT, offsetof(struct check_result, name), NULL, "what was looked at"},
    {"outcome", SW_JSON_TEXT, offsetof(struct check_result, outcome), NULL, "pass, warn, fail or skip"},
    {"text", SW_JSON_CHARS, offsetof(struct check_result, text), NULL, "what was found"},
    {"fix", SW_JSON_CHARS, offsetof(struct check_result, fix), NULL, "what to do; null = nothing"},
};
const struct sw_json_kind sw_json_check = {"Check",
                                           "CheckList",
                                           "a finding of 'slipway doctor'",
                                           check_fields,
                                           SW_COUNT(check_fields),
                                           sizeof(struct check_result)};

static void result(struct check_result *r, enum outcome state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void result(struct check_result *r, enum outcome state, const char *format, ...)
{
    va_list ap;
    r->state = state;
    va_start(ap, format);
    vsnprintf(r->text, sizeof r->text, format, ap);
    va_end(ap);
}

static void fix(struct check_result *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fix(struct check_result *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->fix, sizeof r->fix, format, ap);
    va_end(ap);
}

static void from_error(struct check_result *r, const struct sw_err *e)
{
    result(r, FAIL, "%s", e->message);
    fix(r, "%s", e->hint[0] != '\0' ? e->hint : "see the message");
}

// --- the checks ---

static void check_home(struct sw_app *app, struct check_result *r)
{
    char path[SW_PATH_MAX];
    struct sw_err err = {0};
    (void)app;
    if (sw_path_place(SW_PLACE_CONFIG, path, &err) != SW_OK)
        from_error(r, &err);
    else
        result(r, PASS, "%s", path);
}

static void check_config(struct sw_app *app, struct check_result *r)
{
    struct sw_err err = {0};
    enum sw_code code = sw_config_load(&app->config, &err);
    if (code != SW_OK) {
        from_error(r, &err);
        return;
    }
    size_t set = 0;
    for (size_t i = 0; i < sw_config_key_count; i++)
        set += sw_config_origin(app->config, sw_config_keys[i].name) != SW_CONFIG_DEFAULT;
    result(r, PASS, "%zu of %zu settings differ from the default", set, sw_config_key_count);
}

static void check_store_folder(struct sw_app *app, struct check_result *r)
{
    struct stat st;
    struct sw_err err = {0};
    if (app->config == NULL || sw_app_find_store(app, &err) != SW_OK) {
        result(r, SKIP, "no place for a store");
        return;
    }
    if (stat(app->store_dir, &st) != 0) {
        result(r, PASS, "%s: not made yet", app->store_dir);
        return;
    }
    if (!S_ISDIR(st.st_mode)) {
        result(r, FAIL, "%s is not a folder", app->store_dir);
        fix(r, "move it away or choose another with --store");
    } else if (access(app->store_dir, W_OK | X_OK) != 0) {
        result(r, FAIL, "%s cannot be written by this user", app->store_dir);
        fix(r, "chown it, or choose another with --store or SLIPWAY_STORE");
    } else if ((st.st_mode & 077) != 0) {
        result(r, WARN, "%s is open to others (mode %03o)", app->store_dir, st.st_mode & 0777);
        fix(r, "chmod 700 '%s'", app->store_dir);
    } else {
        result(r, PASS, "%s, mode %03o", app->store_dir, st.st_mode & 0777);
    }
}

static void check_store(struct sw_app *app, struct check_result *r)
{
    struct sw_err err = {0};
    struct sw_store_health health;
    if (app->store_dir[0] == '\0' || access(app->store_dir, F_OK) != 0) {
        result(r, SKIP, "there is no store yet");
        return;
    }
    enum sw_code code = sw_store_open(app->store_dir, SW_STORE_READ_ONLY, &app->store, &err);
    if (code == SW_NO_STORE) {
        result(r, SKIP, "there is no store yet");
        return;
    }
    if (code == SW_OK)
        code = sw_store_check(app->store, sw_option_flag(app->options, "deep"), &health, &err);
    if (code != SW_OK) {
        from_error(r, &err);
    } else if (!health.is_intact) {
        result(r, FAIL, "the store is damaged: %s", health.first_problem);
        fix(r, "stop jobs, copy '%s' away, then restore a backup or 'sqlite3 slipway.db .recover'", app->store_dir);
    } else if (health.is_newer) {
        result(r, FAIL, "schema %d is of a newer slipway; this one can only read it", health.schema_version);
        fix(r, "install the newer slipway, or name another store with --store");
    } else if (health.wal_bytes > WAL_WARN_BYTES) {
        char size[32];
        result(r, WARN, "the write-ahead log holds %s", sw_format_bytes(size, sizeof size, health.wal_bytes));
        fix(r, "a process holds an old view open: end idle slipway screens");
    } else {
        char size[32], points[32];
        result(r, PASS, "schema %d, %" PRId64 " runs, %s points, %" PRId64 " jobs, %s", health.schema_version,
               health.runs, sw_format_count(points, sizeof points, health.metric_points), health.jobs,
               sw_format_bytes(size, sizeof size, health.file_bytes));
    }
}

static void check_disk(struct sw_app *app, struct check_result *r)
{
    struct statvfs fs;
    char path[SW_PATH_MAX], size[32];
    snprintf(path, sizeof path, "%s", app->store_dir[0] != '\0' ? app->store_dir : "/");
    while (statvfs(path, &fs) != 0) { // the nearest folder that exists
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path) {
            result(r, SKIP, "cannot be told");
            return;
        }
        *slash = '\0';
    }
    int64_t free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    int64_t free_mib = free_bytes / (1024 * 1024);
    enum outcome state = free_mib < DISK_FAIL_MIB ? FAIL : free_mib < DISK_WARN_MIB ? WARN : PASS;
    result(r, state, "%s free at %s", sw_format_bytes(size, sizeof size, free_bytes), path);
    if (state != PASS)
        fix(r, "free space, or move the store and set it with 'slipway config set store DIR'");
}

static void check_jobs(struct sw_app *app, struct check_result *r)
{
    struct sw_job_list list;
    struct sw_err err = {0};
    int live = 0, lost = 0;
    if (app->store == NULL) {
        result(r, SKIP, "there is no store yet");
        return;
    }
    if (sw_job_search(app->store, true, 0, app->arena, &list, &err) != SW_OK) {
        from_error(r, &err);
        return;
    }
    for (size_t i = 0; i < list.count; i++) {
        live++;
        lost += list.items[i].supervisor_pid != 0 &&
                !sw_proc_is_alive((pid_t)list.items[i].supervisor_pid, list.items[i].supervisor_ticks);
    }
    if (lost > 0) {
        result(r, WARN, "%d of %d live jobs lost their supervisor", lost, live);
        fix(r, "'slipway jobs' ends what is left of them, 'slipway retry JOB' starts them again");
    } else {
        result(r, PASS, "%d live", live);
    }
}

// Whether scripts could log now, and whether only this user could.
static void check_serve(struct sw_app *app, struct check_result *r)
{
    struct sw_serve_status status;
    struct sw_err err = {0};
    struct stat st;
    char uri[SW_SERVE_ADDRESS + 32], token[SW_PATH_MAX];
    if (sw_serve_token_path(token, &err) == SW_OK && stat(token, &st) == 0 && (st.st_mode & 077) != 0) {
        result(r, FAIL, "others may read the token %s (mode %03o)", token, st.st_mode & 0777);
        fix(r, "end 'slipway serve', remove the file, and start it again: it makes another");
        return;
    }
    enum sw_code code = app->store_dir[0] != '\0' && access(app->store_dir, F_OK) == 0
                            ? sw_serve_find(app->store_dir, &status, &err)
                            : SW_NOT_FOUND;
    if (code == SW_NOT_FOUND) {
        result(r, SKIP, "no server runs for this store; 'slipway serve' starts one, jobs need none");
        return;
    }
    if (code == SW_OK)
        code = sw_serve_ping(&status, SERVE_TIMEOUT_MS, &err);
    if (code != SW_OK) {
        from_error(r, &err);
        fix(r, "end the server (Ctrl-C where it runs) and start it again: slipway serve");
        return;
    }
    result(r, PASS, "%s, process %" PRId64, sw_serve_uri(&status, uri, sizeof uri), status.pid);
}

static void check_trainer(struct sw_app *app, struct check_result *r)
{
    char path[SW_PATH_MAX];
    struct sw_err err = {0};
    (void)app;
    if (sw_path_sibling("slipway-train", path, &err) == SW_OK && access(path, X_OK) == 0) {
        result(r, PASS, "%s", path);
        return;
    }
    result(r, FAIL, "slipway-train is not beside slipway");
    fix(r, "install both programs into the same folder");
}

static void check_templates(struct sw_app *app, struct check_result *r)
{
    struct sw_template_row *rows;
    size_t count;
    struct sw_err err = {0};
    enum sw_code code = app->config != NULL ? sw_app_use_project_templates(app, &err) : SW_OK;
    if (code == SW_OK)
        code = sw_template_list(app->arena, &rows, &count, &err);
    if (code != SW_OK) {
        from_error(r, &err);
    } else if (count == 0) {
        result(r, FAIL, "no manifest templates found");
        fix(r, "install Slipway's share/slipway/templates, or name their folder in SLIPWAY_TEMPLATES");
    } else {
        for (size_t i = 0; i < count; i++)
            if (rows[i].problem != NULL) {
                result(r, FAIL, "%s: %s", rows[i].path, rows[i].problem);
                fix(r, "correct or remove the file");
                return;
            }
        result(r, PASS, "%zu", count);
    }
}

static void check_ssh_keygen(struct sw_app *app, struct check_result *r)
{
    static const char *const argv[] = {"ssh-keygen", "-Y", "sign", NULL};
    struct sw_proc_spec spec = {.argv = argv};
    struct sw_proc_result ended;
    struct sw_err err = {0};
    (void)app;
    if (sw_proc_run(&spec, NULL, 0, PROGRAM_TIMEOUT_MS, NULL, NULL, &ended, &err) == SW_OK) {
        result(r, PASS, "approvals can be signed and checked");
        return;
    }
    result(r, WARN, "ssh-keygen cannot be run: approvals can be neither signed nor checked");
    fix(r, "install the package openssh-client");
}

static void check_locale(struct sw_app *app, struct check_result *r)
{
    (void)app;
    const char *set = setlocale(LC_CTYPE, "");
    if (set == NULL) {
        result(r, WARN, "the locale that LC_ALL, LC_CTYPE or LANG name does not exist");
        fix(r, "export LC_ALL=C.UTF-8");
    } else if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        result(r, WARN, "the locale %s is not UTF-8: screens use ASCII", set);
        fix(r, "export LC_ALL=C.UTF-8");
    } else {
        result(r, PASS, "%s", set);
    }
}

static void check_terminal(struct sw_app *app, struct check_result *r)
{
    const char *term = getenv("TERM");
    if (!app->out.is_terminal) {
        result(r, SKIP, "standard output is no terminal");
        return;
    }
    int colors = sw_terminfo_colors(term);
    if (colors < 0) {
        result(r, FAIL, "terminfo does not know TERM=%s", term == NULL ? "" : term);
        fix(r, "install ncurses-term, or export TERM=xterm-256color");
        return;
    }
    result(r, colors >= 8 ? PASS : WARN, "TERM=%s, %d colours, %d columns", term, colors, app->out.columns);
    if (colors < 8)
        fix(r, "screens are monochrome; export TERM=xterm-256color where the terminal can");
}

static void check_gpu(struct sw_app *app, struct check_result *r)
{
    struct sw_gpu_info *gpus;
    size_t count = 0;
    char reason[SW_GPU_REASON_MAX] = "";
    struct sw_err err = {0};
    if (sw_gpu_list(app->arena, &gpus, &count, reason, &err) != SW_OK) {
        from_error(r, &err);
        return;
    }
    if (count == 0) {
        result(r, WARN, "%s: training uses the CPU", reason);
        fix(r, "on a machine with an NVIDIA GPU: install its driver, then look again with 'slipway gpu'");
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (gpus[i].problem[0] != '\0') {
            result(r, FAIL, "GPU %d: %s", gpus[i].index, gpus[i].problem);
            fix(r, "see 'dmesg' for Xid errors; a lost GPU needs a reset or a reboot");
            return;
        }
    result(r, PASS, "%zu, %s", count, gpus[0].name);
}

static void check_clock(struct sw_app *app, struct check_result *r)
{
    char text[64];
    (void)app;
    int64_t now_ms = sw_clock_now_ms();
    sw_format_time(text, sizeof text, now_ms);
    if (now_ms >= CLOCK_FLOOR_MS) {
        result(r, PASS, "%s", text);
        return;
    }
    result(r, FAIL, "the clock says %s", text);
    fix(r, "set it: timedatectl set-ntp true");
}

static const struct {
    const char *name;
    void (*look)(struct sw_app *app, struct check_result *r);
} checks[] = {
    {"home", check_home},
    {"configuration", check_config},
    {"store folder", check_store_folder},
    {"store", check_store},
    {"disk space", check_disk},
    {"jobs", check_jobs},
    {"serve", check_serve},
    {"trainer", check_trainer},
    {"templates", check_templates},
    {"ssh-keygen", check_ssh_keygen},
    {"locale", check_locale},
    {"terminal", check_terminal},
    {"gpu", check_gpu},
    {"clock", check_clock},
};

static void print_result(struct sw_output *o, const struct check_result *r)
{
    static const enum sw_role roles[] = {
        [PASS] = SW_ROLE_GOOD, [WARN] = SW_ROLE_WARN, [FAIL] = SW_ROLE_BAD, [SKIP] = SW_ROLE_DIM};
    sw_output_role(o, roles[r->state]);
    sw_output_text(o, "%-5s", r->outcome);
    sw_output_role(o, SW_ROLE_PLAIN);
    sw_output_text(o, " %-14s ", r->name);
    sw_output_safe(o, r->text, SW_TEXT_ONE_LINE);
    if (r->fix[0] != '\0') {
        sw_output_text(o, "\n%*sfix: ", 21, "");
        sw_output_safe(o, r->fix, SW_TEXT_ONE_LINE);
    }
    sw_output_text(o, "\n");
}

static enum sw_code run_doctor(struct sw_app *app, struct sw_err *err)
{
    static const char *const words[] = {[PASS] = "pass", [WARN] = "warn", [FAIL] = "fail", [SKIP] = "skip"};
    struct check_result results[SW_COUNT(checks)] = {0};
    int failed = 0;
    app->arena = sw_arena_new(64 * 1024 * 1024);
    if (app->arena == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < SW_COUNT(checks); i++) {
        results[i].name = checks[i].name;
        checks[i].look(app, &results[i]);
        results[i].outcome = words[results[i].state];
        failed += results[i].state == FAIL;
        if (!app->out.is_json)
            print_result(&app->out, &results[i]);
    }
    enum sw_code code = SW_OK;
    if (app->out.is_json)
        code = sw_output_json(&app->out, sw_json_list(&sw_json_check, results, SW_COUNT(results)), err);
    if (code == SW_OK && failed > 0)
        code = sw_err_set(err, SW_FAILED, "%d of %zu checks failed", failed, SW_COUNT(results));
    return code;
}

static const struct sw_option doctor_options[] = {
    {.name = "deep",
     .type = SW_OPTION_FLAG,
     .help = "check every page of the store, which takes time when it is large"},
};

const struct sw_command sw_cmd_doctor = {
    .verb = "doctor",
    .summary = "look for what is wrong and say how to mend it",
    .arguments = "",
    .options = doctor_options,
    .option_count = SW_COUNT(doctor_options),
    .description = "Changes nothing. Exit code 1 when a check fails; a warning stops nothing.",
    .examples = "slipway doctor\tbefore reporting a fault\n"
                "slipway doctor --deep --json\tevery page of the store, for a program",
    .kinds = "CheckList",
    .needs = SW_NEEDS_NOTHING,
    .run = run_doctor,
};
