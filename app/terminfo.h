// SPDX-License-Identifier: Apache-2.0
// One question to terminfo, kept apart because <term.h> defines macros named like ordinary words.
#ifndef SW_APP_TERMINFO_H
#define SW_APP_TERMINFO_H

// Colours of the terminal type; 0 = monochrome, -1 = terminfo does not know it (or it is NULL).
int sw_terminfo_colors(const char *term);

#endif
