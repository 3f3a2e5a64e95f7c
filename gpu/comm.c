// SPDX-License-Identifier: Apache-2.0
// The list of communicators, and `none`: one rank, nobody to talk to.
#include "gpu/comm.h"

#include <string.h>

const struct sw_comm_table *const sw_comms[] = {&sw_comm_none, &sw_comm_shm, NULL};

const struct sw_comm_table *sw_comm_find(const char *name, int size)
{
    if (strcmp(name, "auto") == 0)
        return size == 1 ? &sw_comm_none : &sw_comm_shm;
    for (size_t i = 0; sw_comms[i]; i++)
        if (strcmp(name, sw_comms[i]->name) == 0)
            return sw_comms[i];
    return NULL;
}

static enum sw_code none_open(const struct sw_comm_options *o, const struct sw_engine *e, struct sw_comm **out,
                              struct sw_err *err)
{
    (void)e;
    if (o->size != 1)
        return sw_err_set(err, SW_USAGE, "communicator 'none' serves one rank, not %d", o->size);
    *out = NULL;
    return SW_OK;
}

static void none_close(struct sw_comm *c)
{
    (void)c;
}

static enum sw_code none_all_reduce_sum(struct sw_comm *c, struct sw_queue *q, float *device, size_t count,
                                        struct sw_err *err)
{
    (void)c, (void)q, (void)device, (void)count, (void)err;
    return SW_OK;
}

static enum sw_code none_barrier(struct sw_comm *c, struct sw_err *err)
{
    (void)c, (void)err;
    return SW_OK;
}

static void none_give_up(struct sw_comm *c, const struct sw_err *reason)
{
    (void)c, (void)reason;
}

const struct sw_comm_table sw_comm_none = {
    .name = "none",
    .summary = "one rank",
    .open = none_open,
    .close = none_close,
    .all_reduce_sum = none_all_reduce_sum,
    .barrier = none_barrier,
    .give_up = none_give_up,
};
