// SPDX-License-Identifier: Apache-2.0
// May this queued job start now? Decided in one immediate transaction, so that two supervisors never take the same slot.
//
// First come, first served, by job id: the queue is walked from the oldest job to ours while slots are set aside for
// each older job that could start now. An older job that waits for CPU slots holds up everything behind it; one that
// waits for GPUs holds up only jobs that want GPUs. Jobs that cannot start for another reason (their predecessor has not
// ended, they want more than the machine has, their supervisor is gone) hold no place.
#include "core/store/job_private.h"

#include "core/base/clock.h"
#include "core/base/proc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A job just added keeps its place while its supervisor starts.
enum { SUPERVISOR_START_MS = 30000 };

struct waiting {
    int64_t job_id;
    int cpu_slots, gpu_count;
    int64_t after_job_id;
    int64_t supervisor_pid, supervisor_ticks, queued_ms;
    bool has_predecessor;
    enum sw_job_state predecessor;
};
struct user {
    int64_t job_id;
    int cpu_slots;
};
struct lease {
    const char *gpu_uuid;
    int64_t job_id;
};

// The machine as it is inside the transaction.
struct machine {
    const struct sw_job_claim *claim;
    struct user *users;
    size_t user_count;
    struct lease *leases;
    size_t lease_count;
    int cpu_free, gpu_free;
};

static void read_waiting(struct sw_reader *r, void *item)
{
    struct waiting *w = item;
    char state[16];
    w->job_id = sw_column_int(r, 0);
    w->cpu_slots = (int)sw_column_int(r, 1);
    w->gpu_count = (int)sw_column_int(r, 2);
    w->after_job_id = sw_column_int(r, 3);
    w->supervisor_pid = sw_column_int(r, 4);
    w->supervisor_ticks = sw_column_int(r, 5);
    w->queued_ms = sw_column_int(r, 6);
    w->has_predecessor = w->after_job_id != 0;
    sw_column_copy(r, 7, state, sizeof state);
    w->predecessor = sw_job_state_of_word(state);
}

static void read_user(struct sw_reader *r, void *item)
{
    *(struct user *)item = (struct user){sw_column_int(r, 0), (int)sw_column_int(r, 1)};
}

static void read_lease(struct sw_reader *r, void *item)
{
    *(struct lease *)item = (struct lease){sw_column_text(r, 0), sw_column_int(r, 1)};
}

static const struct lease *lease_of(const struct machine *m, const char *gpu_uuid)
{
    for (size_t i = 0; i < m->lease_count; i++)
        if (strcmp(m->leases[i].gpu_uuid, gpu_uuid) == 0)
            return &m->leases[i];
    return NULL;
}

static enum sw_code look_at_machine(struct sw_store *s, const struct sw_job_claim *c, struct sw_arena *a,
                                    struct machine *m, struct sw_err *err)
{
    struct sw_rows users = {0}, leases = {0};
    enum sw_code code = sw_sql_list(s, SQL_JOB_USERS, SW_NO_VALUES, a, sizeof *m->users, read_user, &users, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_LEASE_LIST, SW_NO_VALUES, a, sizeof *m->leases, read_lease, &leases, err);
    if (code != SW_OK)
        return code;
    *m = (struct machine){.claim = c,
                          .users = users.items,
                          .user_count = users.count,
                          .leases = leases.items,
                          .lease_count = leases.count,
                          .cpu_free = c->cpu_slots_total};
    for (size_t i = 0; i < m->user_count; i++)
        m->cpu_free -= m->users[i].cpu_slots;
    for (size_t i = 0; i < c->gpu_count; i++)
        m->gpu_free += lease_of(m, c->gpu_uuids[i]) == NULL;
    return SW_OK;
}

// --- reasons in words ---
__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format, ...)
{
    size_t used = strlen(text);
    va_list ap;
    va_start(ap, format);
    vsnprintf(text + used, size - used, format, ap);
    va_end(ap);
}

static void list_cpu_users(const struct machine *m, char *text, size_t size)
{
    size_t named = 0;
    for (size_t i = 0; i < m->user_count; i++) {
        if (m->users[i].cpu_slots == 0)
            continue;
        if (named < 4)
            add(text, size, "%s%" PRId64, named == 0 ? " by job " : ", ", m->users[i].job_id);
        named++;
    }
    if (named > 4)
        add(text, size, " and %zu more", named - 4);
}

static void say_cpu(const struct machine *m, const struct waiting *job, char *reason, size_t size)
{
    snprintf(reason, size, "waits for %d CPU slot%s: %d of %d in use", job->cpu_slots, job->cpu_slots == 1 ? "" : "s",
             m->claim->cpu_slots_total - m->cpu_free, m->claim->cpu_slots_total);
    list_cpu_users(m, reason, size);
}

// GPUs are called by their place in the machine's list, as the screens show them.
static void say_gpu(const struct machine *m, const struct waiting *job, char *reason, size_t size)
{
    const struct sw_job_claim *c = m->claim;
    if (job->gpu_count == 1 && c->gpu_count == 1) {
        snprintf(reason, size, "waits for GPU 0: held by job %" PRId64, lease_of(m, c->gpu_uuids[0])->job_id);
        return;
    }
    snprintf(reason, size, "waits for %d GPU%s:", job->gpu_count, job->gpu_count == 1 ? "" : "s");
    bool is_first = true;
    for (size_t i = 0; i < c->gpu_count; i++) {
        const struct lease *held = lease_of(m, c->gpu_uuids[i]);
        if (held == NULL)
            continue;
        add(reason, size, "%s GPU %zu held by job %" PRId64, is_first ? "" : ",", i, held->job_id);
        is_first = false;
    }
}

// Why the job cannot start whatever is free; empty when nothing of that kind holds it.
static void say_impossible(const struct machine *m, const struct waiting *job, char *reason, size_t size)
{
    const struct sw_job_claim *c = m->claim;
    reason[0] = '\0';
    if (job->has_predecessor && job->predecessor != SW_JOB_DONE) {
        snprintf(reason, size, "after job %" PRId64, job->after_job_id);
        if (sw_job_state_is_final(job->predecessor))
            add(reason, size, ", which ended as %s and will not be done", sw_job_state_word(job->predecessor));
    } else if (job->cpu_slots > c->cpu_slots_total) {
        snprintf(reason, size, "wants %d CPU slots, this machine has %d", job->cpu_slots, c->cpu_slots_total);
    } else if ((size_t)job->gpu_count > c->gpu_count) {
        snprintf(reason, size, "wants %d GPU%s, this machine has %zu", job->gpu_count, job->gpu_count == 1 ? "" : "s",
                 c->gpu_count);
    }
}

static bool holds_a_place(const struct machine *m, const struct waiting *job)
{
    char reason[SW_JOB_REASON_MAX];
    say_impossible(m, job, reason, sizeof reason);
    if (reason[0] != '\0')
        return false;
    if (job->supervisor_pid == 0)
        return sw_clock_now_ms() - job->queued_ms < SUPERVISOR_START_MS;
    return sw_proc_is_alive((pid_t)job->supervisor_pid, job->supervisor_ticks);
}

// Empty `reason` when the last of `queue`, our job, may start.
static void decide(const struct machine *m, const struct waiting *queue, size_t count, char *reason, size_t size)
{
    const struct waiting *ours = &queue[count - 1];
    say_impossible(m, ours, reason, size);
    if (reason[0] != '\0')
        return;
    if (ours->cpu_slots > m->cpu_free) {
        say_cpu(m, ours, reason, size);
        return;
    }
    if (ours->gpu_count > m->gpu_free) {
        say_gpu(m, ours, reason, size);
        return;
    }
    int cpu_left = m->cpu_free, gpu_left = m->gpu_free;
    for (size_t i = 0; i + 1 < count; i++) {
        const struct waiting *older = &queue[i];
        if (!holds_a_place(m, older))
            continue;
        bool lacks_gpu = older->gpu_count > gpu_left, lacks_cpu = older->cpu_slots > cpu_left;
        if (lacks_gpu && ours->gpu_count == 0)
            continue;
        if (!lacks_gpu && !lacks_cpu) {
            gpu_left -= older->gpu_count;
            cpu_left -= older->cpu_slots;
        }
        if (lacks_gpu || lacks_cpu || ours->cpu_slots > cpu_left || ours->gpu_count > gpu_left) {
            snprintf(reason, size, "behind job %" PRId64, older->job_id);
            return;
        }
    }
}

static enum sw_code start(struct sw_store *s, const struct machine *m, const struct waiting *job, struct sw_err *err)
{
    int64_t now = sw_clock_now_ms();
    enum sw_code code = sw_sql_run(s, SQL_JOB_CLAIM, SW_VALUES(sw_int(job->job_id), sw_int(now)), err);
    int wanted = job->gpu_count;
    for (size_t i = 0; i < m->claim->gpu_count && wanted > 0 && code == SW_OK; i++) {
        const char *gpu_uuid = m->claim->gpu_uuids[i];
        if (lease_of(m, gpu_uuid) != NULL)
            continue;
        code = sw_sql_run(s, SQL_LEASE_ADD, SW_VALUES(sw_text(gpu_uuid), sw_int(job->job_id), sw_int(now)), err);
        wanted--;
    }
    if (code == SW_OK)
        code = sw_sql_run(s, SQL_ATTEMPT_ADD, SW_VALUES(sw_int(job->job_id)), err);
    if (code == SW_OK)
        code =
            sw_sql_run(s, SQL_JOB_START_RUN,
                       SW_VALUES(sw_int(job->job_id), sw_text(sw_run_status_word(SW_RUN_RUNNING)), sw_int(now)), err);
    return code;
}

static enum sw_code try_claim(struct sw_store *s, int64_t job_id, const struct sw_job_claim *c, struct sw_arena *a,
                              bool *claimed, struct sw_err *err)
{
    struct sw_job_status status;
    enum sw_code code = sw_job_get_status(s, job_id, &status, err);
    if (code == SW_OK && status.state != SW_JOB_QUEUED)
        code = sw_err_set(err, SW_CONFLICT, "job %" PRId64 " is not queued but %s", job_id,
                          sw_job_state_word(status.state));
    struct machine m = {0};
    struct sw_rows queue = {0};
    if (code == SW_OK)
        code = look_at_machine(s, c, a, &m, err);
    if (code == SW_OK)
        code = sw_sql_list(s, SQL_JOB_WAITING, SW_VALUES(sw_int(job_id)), a, sizeof(struct waiting), read_waiting,
                           &queue, err);
    if (code != SW_OK)
        return code;
    const struct waiting *ours = (const struct waiting *)queue.items + queue.count - 1;
    char reason[SW_JOB_REASON_MAX];
    decide(&m, queue.items, queue.count, reason, sizeof reason);
    *claimed = reason[0] == '\0';
    if (*claimed)
        return start(s, &m, ours, err);
    // An unchanged reason is not written again: a queue that waits costs no disk.
    if (strcmp(reason, status.reason) == 0)
        return SW_OK;
    return sw_sql_run(s, SQL_JOB_SET_REASON, SW_VALUES(sw_int(job_id), sw_text(reason)), err);
}

enum sw_code sw_job_try_claim(struct sw_store *s, int64_t job_id, const struct sw_job_claim *c, bool *claimed,
                              struct sw_err *err)
{
    struct sw_arena *a = sw_arena_new(16 << 20);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "claiming slots for job %" PRId64 ": out of memory", job_id);
    struct sw_step step;
    bool started = false;
    enum sw_code code = sw_step_begin(s, SW_STORE_FULL, &step, err);
    if (code == SW_OK)
        code = sw_step_end(s, &step, try_claim(s, job_id, c, a, &started, err), err);
    sw_arena_free(a);
    if (code == SW_OK)
        *claimed = started;
    return code;
}
