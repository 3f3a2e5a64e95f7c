// SPDX-License-Identifier: Apache-2.0
#include "app/terminfo.h"

#include <curses.h>
#include <term.h>
#include <unistd.h>

int sw_terminfo_colors(const char *term)
{
    int status = 0;
    if (term == NULL || setupterm(term, STDOUT_FILENO, &status) != OK)
        return -1;
    int colors = tigetnum("colors");
    del_curterm(cur_term);
    return colors < 0 ? 0 : colors;
}
