// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a flag, for commands that wait: they stop watching and say what goes on without them.
#include "app/cmd.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t seen;

static void on_signal(int signo)
{
    (void)signo;
    seen = 1;
}

void sw_interrupt_watch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND; // the second Ctrl-C does what Ctrl-C always does
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool sw_interrupt_seen(void)
{
    return seen != 0;
}
