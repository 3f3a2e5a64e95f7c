// SPDX-License-Identifier: Apache-2.0
// The program `slipway`. Everything is in dispatch.c, so that tests can link it.
#include "app/command.h"

int main(int argc, char **argv)
{
    return sw_app_main(argc, argv);
}
