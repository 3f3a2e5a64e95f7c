// SPDX-License-Identifier: Apache-2.0
// What is captured of the context in which a job was submitted, so that a run can be understood and repeated: command, git
// commit and difference, environment without secrets, host, GPUs; and the Python packages, which take longer and are
// therefore asked for by the supervisor. A run that cannot be described completely still runs.
#include "core/job/job_private.h"

#include "core/base/text.h"
#include "gpu/telemetry.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GIT_MS = 5000, PACKAGES_MS = 8000, SHEBANG_BYTES = 256 };

// Output of a command in `cwd`; false when it could not be run, failed, or took too long.
static bool output_of(const char *const *argv, const char *const *env, const char *cwd, int64_t timeout_ms,
                      struct sw_buf *out)
{
    struct sw_proc_spec spec = {.argv = argv, .env = env, .cwd = cwd, .new_session = true};
    struct sw_proc_result result;
    struct sw_err err = {0};
    sw_buf_clear(out);
    return sw_proc_run(&spec, NULL, 0, timeout_ms, out, NULL, &result, &err) == SW_OK && result.exit_code == 0;
}

static void first_line(const struct sw_buf *text, char *dst, size_t size)
{
    snprintf(dst, size, "%.*s", (int)strcspn(text->data, "\n"), text->data);
}

static void capture_git(const char *cwd, struct sw_job_capture *out)
{
    static const char *const commit[] = {"git", "rev-parse", "--verify", "HEAD", NULL};
    static const char *const branch[] = {"git", "rev-parse", "--abbrev-ref", "HEAD", NULL};
    // No programs that a repository's configuration names are run for a difference.
    static const char *const diff[] = {"git",        "diff",     "--no-ext-diff", "--no-textconv",
                                       "--no-color", "--binary", "HEAD",          NULL};
    struct sw_buf text;
    sw_buf_init(&text, 4096);
    if (output_of(commit, NULL, cwd, GIT_MS, &text)) {
        first_line(&text, out->commit, sizeof(out->commit));
        if (output_of(branch, NULL, cwd, GIT_MS, &text))
            first_line(&text, out->branch, sizeof(out->branch));
        if (!output_of(diff, NULL, cwd, GIT_MS, &out->diff))
            sw_buf_clear(&out->diff);
        out->is_dirty = out->diff.len > 0;
    }
    sw_buf_free(&text);
}

static json_t *describe_host(void)
{
    struct sw_host_facts f;
    sw_host_facts(&f);
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:I}", "hostname", f.hostname, "kernel", f.kernel, "cpu_model",
                     f.cpu_model, "cpus_online", f.cpus_online, "cpus_usable", f.cpus_usable, "memory_mib",
                     (json_int_t)f.memory_mib);
}

enum sw_code sw_job_capture(const struct sw_job_spec *spec, const char *cwd, const json_t *gpus,
                            struct sw_job_capture *out, struct sw_err *err)
{
    json_t *env = NULL;
    *out = (struct sw_job_capture){0};
    sw_buf_init(&out->diff, SW_JOB_DIFF_BYTES);
    capture_git(cwd, out);
    enum sw_code code = sw_job_env_show((const char *const *)environ, &env, err);
    json_t *context = json_object(), *argv = json_array();
    for (const char *const *word = spec->argv; *word; word++)
        json_array_append_new(argv, json_string(*word));
    if (!code && (!context || !argv))
        code = sw_err_set(err, SW_NO_MEMORY, "no memory for the context of the job");
    json_object_set_new(context, "argv", argv);
    json_object_set_new(context, "cwd", json_string(cwd));
    json_object_set_new(context, "host", describe_host());
    if (gpus)
        json_object_set(context, "gpus", (json_t *)(uintptr_t)gpus);
    if (out->commit[0])
        json_object_set_new(context, "git",
                            json_pack("{s:s, s:s, s:b, s:b}", "commit", out->commit, "branch", out->branch, "is_dirty",
                                      out->is_dirty, "is_diff_complete", out->diff.len < SW_JOB_DIFF_BYTES));
    json_object_set_new(context, "environment", env);
    out->context = context;
    if (code)
        sw_job_capture_free(out);
    return code;
}

void sw_job_capture_free(struct sw_job_capture *c)
{
    sw_buf_free(&c->diff);
    json_decref(c->context);
    c->context = NULL;
}

// Is this the name of a Python ("python", "python3", "python3.12")?
static bool is_python(const char *path)
{
    const char *name = sw_path_base(path);
    return strncmp(name, "python", 6) == 0 && strspn(name + 6, "0123456789.") == strlen(name + 6);
}

// The Python named in the first line of the script at `path`, as in "#!/venv/bin/python3" or "#!/usr/bin/env python3".
static bool python_of_script(const char *path, char *out, size_t size)
{
    char text[SHEBANG_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n < 3 || text[0] != '#' || text[1] != '!')
        return false;
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    char *rest = text + 2, *word;
    while ((word = strtok_r(rest, " \t", &rest)))
        if (is_python(word)) {
            snprintf(out, size, "%s", word);
            return true;
        }
    return false;
}

static bool find_in_path(const char *name, char out[static SW_PATH_MAX])
{
    const char *path = getenv("PATH");
    for (const char *part = path; part && *part; part += strcspn(part, ":"), part += *part == ':') {
        snprintf(out, SW_PATH_MAX, "%.*s/%s", (int)strcspn(part, ":"), part, name);
        if (access(out, X_OK) == 0)
            return true;
    }
    return false;
}

void sw_job_capture_packages(const char *const *argv, const char *cwd, struct sw_buf *out)
{
    static const char program[] = "import importlib.metadata as m\n"
                                  "print('\\n'.join(sorted({'%s==%s' % (d.metadata['Name'], d.version) for d in "
                                  "m.distributions()}, key=str.lower)))";
    char python[SW_PATH_MAX], script[SW_PATH_MAX];
    struct sw_err err = {0};
    if (is_python(argv[0])) {
        snprintf(python, sizeof(python), "%s", argv[0]);
    } else {
        bool found =
            strchr(argv[0], '/') ? sw_path_join(script, cwd, argv[0], &err) == SW_OK : find_in_path(argv[0], script);
        if (!found || !python_of_script(script, python, sizeof(python)))
            return;
    }
    const char *const command[] = {python, "-c", program, NULL};
    if (!output_of(command, NULL, cwd, PACKAGES_MS, out))
        sw_buf_clear(out);
}
