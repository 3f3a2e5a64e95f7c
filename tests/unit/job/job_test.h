// SPDX-License-Identifier: Apache-2.0
// Shared by the tests that run whole jobs: a private store, waiting for a state with a deadline, finding processes that
// a job left behind. The test program itself plays the supervisor (`supervise ID --store DIR`) and a few other roles.
#ifndef TESTS_UNIT_JOB_JOB_TEST_H
#define TESTS_UNIT_JOB_JOB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/path.h"
#include "core/base/proc.h"
#include "core/job/job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 60000

struct fixture {
    char dir[64]; // private folder
    char store_dir[96];
    char token[64]; // on the command line of every process that must not be left behind
    struct sw_store *store;
};

#define OK(call)                                                                                                       \
    do {                                                                                                               \
        struct sw_err *ok_err_ = &err;                                                                                 \
        enum sw_code ok_code_ = (call);                                                                                \
        if (ok_code_ != SW_OK)                                                                                         \
            fail_msg("%s: %s (%s)", #call, ok_err_->message, sw_code_word(ok_code_));                                  \
    } while (0)

static inline int open_fixture(void **state)
{
    static int serial;
    struct fixture *f = calloc(1, sizeof(*f));
    struct sw_err err = {0};
    snprintf(f->dir, sizeof(f->dir), "/tmp/slipway-job-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->store_dir, sizeof(f->store_dir), "%s/store", f->dir);
    snprintf(f->token, sizeof(f->token), "token-%d-%d", (int)getpid(), serial++);
    if (sw_store_open(f->store_dir, SW_STORE_CREATE, &f->store, &err) != SW_OK) {
        print_message("%s\n", err.message);
        return -1;
    }
    setenv("HOME", f->dir, 1);
    setenv("SLIPWAY_CPU_SLOTS", "8", 1);
    setenv("SLIPWAY_NVML_LIBRARY", "/nonexistent/libnvidia-ml.so.1", 1);
    unsetenv("SLIPWAY_FAILPOINT");
    *state = f;
    return 0;
}

// A live process whose command line or environment holds `token`; 0 when there is none.
static inline pid_t find_process(const char *token)
{
    static const char *const files[] = {"cmdline", "environ"};
    DIR *proc = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *d; proc && !found && (d = readdir(proc));) {
        pid_t pid = (pid_t)atoi(d->d_name);
        if (pid <= 0 || pid == getpid())
            continue;
        for (size_t i = 0; i < 2 && !found; i++) {
            char path[300];
            snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, files[i]);
            int fd = open(path, O_RDONLY);
            static char text[256 << 10];
            ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
            if (fd >= 0)
                close(fd);
            if (n > 0 && memmem(text, (size_t)n, token, strlen(token)))
                found = pid;
        }
    }
    closedir(proc);
    return found;
}

static inline void assert_no_process(const char *token)
{
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS; find_process(token);) {
        if (sw_clock_mono_ms() > until)
            fail_msg("process %d is left", (int)find_process(token));
        sw_clock_sleep_ms(10);
    }
}

static inline int close_fixture(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    struct sw_job_list jobs;
    struct sw_arena *a = sw_arena_new(64 << 20);
    // Ends what a failed test left: nothing of it may disturb the next one.
    if (sw_job_search(f->store, true, 0, a, &jobs, &err) == SW_OK)
        for (size_t i = 0; i < jobs.count; i++)
            if (jobs.items[i].supervisor_pid > 0)
                kill((pid_t)jobs.items[i].supervisor_pid, SIGKILL);
    sw_arena_free(a);
    for (pid_t pid; (pid = find_process(f->token));) {
        kill(pid, SIGKILL);
        sw_clock_sleep_ms(1);
    }
    sw_store_close(f->store);
    (void)!sw_path_remove_tree(f->dir, &err);
    free(f);
    return 0;
}

struct job_view {
    struct sw_arena *arena;
    struct sw_job job;
};

static inline struct job_view view_job(struct fixture *f, int64_t id)
{
    struct sw_err err = {0};
    struct job_view v = {.arena = sw_arena_new(8 << 20)};
    OK(sw_job_get(f->store, id, v.arena, &v.job, &err));
    return v;
}

static inline bool is_ended(const struct sw_job *job)
{
    return sw_job_state_is_final(job->state);
}
static inline bool is_running(const struct sw_job *job)
{
    return job->state == SW_JOB_RUNNING;
}

// Waits until the job is as wanted; the caller frees the view's arena.
static inline struct job_view wait_job(struct fixture *f, int64_t id, bool (*is_wanted)(const struct sw_job *))
{
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS;;) {
        struct job_view v = view_job(f, id);
        if (is_wanted(&v.job))
            return v;
        if (sw_clock_mono_ms() > until)
            fail_msg("job %d stays %s: %s", (int)id, sw_job_state_word(v.job.state), v.job.reason);
        sw_arena_free(v.arena);
        sw_clock_sleep_ms(10);
    }
}

static inline void wait_end(struct fixture *f, int64_t id, enum sw_job_state state, const char *reason_part)
{
    struct job_view v = wait_job(f, id, is_ended);
    if (v.job.state != state || (reason_part && !strstr(v.job.reason, reason_part)))
        fail_msg("job %d is %s: %s; wanted %s: %s", (int)id, sw_job_state_word(v.job.state), v.job.reason,
                 sw_job_state_word(state), reason_part ? reason_part : "");
    sw_arena_free(v.arena);
}

static inline void wait_running(struct fixture *f, int64_t id)
{
    sw_arena_free(wait_job(f, id, is_running).arena);
}

static inline int64_t submit(struct fixture *f, const struct sw_job_spec *spec)
{
    struct sw_err err = {0};
    int64_t id = 0;
    OK(sw_job_submit(f->store, spec, NULL, &id, &err));
    assert_true(id > 0);
    return id;
}

// A job that runs a shell script; the other members of the spec are the caller's.
static inline int64_t submit_script(struct fixture *f, const char *script, struct sw_job_spec spec)
{
    const char *const argv[] = {"/bin/sh", "-c", script, f->token, NULL};
    spec.argv = argv;
    if (!spec.cwd)
        spec.cwd = f->dir;
    return submit(f, &spec);
}

static inline char *read_log(struct fixture *f, int64_t id, int rank)
{
    struct sw_err err = {0};
    struct sw_buf text;
    sw_buf_init(&text, 8 << 20);
    OK(sw_job_log_tail(f->store, id, rank, 0, &text, NULL, &err));
    return sw_buf_take(&text);
}

static inline void wait_log(struct fixture *f, int64_t id, const char *part)
{
    for (int64_t until = sw_clock_mono_ms() + DEADLINE_MS;;) {
        struct sw_err err = {0};
        struct sw_buf text;
        sw_buf_init(&text, 8 << 20);
        bool found =
            sw_job_log_tail(f->store, id, SW_JOB_LOG_ALL, 0, &text, NULL, &err) == SW_OK && strstr(text.data, part);
        sw_buf_free(&text);
        if (found)
            return;
        if (sw_clock_mono_ms() > until)
            fail_msg("the log of job %d never says \"%s\"", (int)id, part);
        sw_clock_sleep_ms(10);
    }
}

static inline void write_file(struct fixture *f, const char *name, const char *text)
{
    char path[SW_PATH_MAX];
    struct sw_err err = {0};
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    OK(sw_file_write(path, text, strlen(text), &err));
}

// --- roles of the test program ---

// Leaves a process behind that is in a session of its own, has no parent of ours, and ignores SIGTERM and SIGHUP.
static inline void leave_stray(void)
{
    if (fork() != 0)
        return;
    setsid();
    if (fork() != 0)
        _exit(0);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    for (;;)
        pause();
}

// The exit status of a role, -1 when the arguments name none.
static inline int play_role(int argc, char **argv)
{
    struct sw_err err = {0};
    if (argc == 5 && strcmp(argv[1], "supervise") == 0) {
        enum sw_code code = sw_job_supervise(argv[4], atoll(argv[2]), &err);
        if (code)
            fprintf(stderr, "%s\n", err.message);
        return sw_code_exit(code);
    }
    if (argc >= 3 && strcmp(argv[1], "stray") == 0) { // stray TOKEN [stay]
        leave_stray();
        printf("stray is out\n");
        fflush(stdout);
        while (argc > 3)
            pause();
        return 0;
    }
    if (argc == 5 && strcmp(argv[1], "submit") == 0) { // submit STORE TOKEN SCRIPT, then stay until killed
        const char *const job_argv[] = {"/bin/sh", "-c", argv[4], argv[3], NULL};
        struct sw_job_spec spec = {.argv = job_argv, .max_retries = 0, .grace_ms = 300, .ranks = 2};
        struct sw_store *store = NULL;
        int64_t id = 0;
        if (sw_store_open(argv[2], SW_STORE_OPEN, &store, &err) != SW_OK ||
            sw_job_submit(store, &spec, NULL, &id, &err) != SW_OK) {
            fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        for (;;)
            pause();
    }
    return -1;
}

static inline const char *self_path(void)
{
    static char path[SW_PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    assert_true(n > 0);
    path[n] = '\0';
    return path;
}

#endif
