// SPDX-License-Identifier: Apache-2.0
#include "core/base/failpoint.h"

#ifdef SW_FAILPOINTS

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_POINTS = 16 };

struct point {
    char name[64];
    char action[16];
    long at; // the pass that fails, from 1
    long passes;
};

// The plan is read again when the variable's text changes, so that one test program can try several.
static struct {
    pthread_mutex_t lock;
    char text[1024];
    struct point points[MAX_POINTS];
    int count;
} plan = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void read_plan(const char *text)
{
    snprintf(plan.text, sizeof plan.text, "%s", text);
    plan.count = 0;
    char copy[sizeof plan.text];
    memcpy(copy, plan.text, sizeof copy);
    char *rest = NULL;
    for (char *item = strtok_r(copy, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
        struct point p = {.at = 1};
        char *equals = strchr(item, '=');
        if (equals == NULL || plan.count == MAX_POINTS) {
            fprintf(stderr, "SLIPWAY_FAILPOINT: cannot use '%s', want name[:n]=action\n", item);
            abort();
        }
        *equals = '\0';
        char *colon = strchr(item, ':');
        if (colon != NULL) {
            *colon = '\0';
            p.at = strtol(colon + 1, NULL, 10);
        }
        snprintf(p.name, sizeof p.name, "%s", item);
        snprintf(p.action, sizeof p.action, "%s", equals + 1);
        plan.points[plan.count++] = p;
    }
}

// So that a test knows that the point was reached, whichever process of the program reached it.
static void tell(const char *name)
{
    const char *path = getenv("SLIPWAY_FAILPOINT_LOG");
    int fd = path == NULL ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    dprintf(fd, "%s\n", name);
    close(fd);
}

static int act(const char *name, const char *action)
{
    tell(name);
    if (strcmp(action, "kill") == 0)
        kill(getpid(), SIGKILL);
    if (strcmp(action, "stall") == 0)
        for (;;)
            pause();
    if (strcmp(action, "enospc") == 0)
        return ENOSPC;
    if (strcmp(action, "eio") == 0)
        return EIO;
    fprintf(stderr, "SLIPWAY_FAILPOINT: unknown action '%s'\n", action);
    abort(); // a fault test with a typing error must not pass
}

int sw_failpoint(const char *name)
{
    const char *text = getenv("SLIPWAY_FAILPOINT");
    if (text == NULL)
        return 0;
    char action[sizeof plan.points[0].action] = "";
    pthread_mutex_lock(&plan.lock);
    if (strncmp(text, plan.text, sizeof plan.text - 1) != 0)
        read_plan(text);
    for (int i = 0; i < plan.count; i++) {
        struct point *p = &plan.points[i];
        if (strcmp(p->name, name) == 0 && ++p->passes == p->at)
            memcpy(action, p->action, sizeof action);
    }
    pthread_mutex_unlock(&plan.lock);
    return action[0] != '\0' ? act(name, action) : 0;
}

#endif
