// SPDX-License-Identifier: Apache-2.0
// PNG and JPEG files as small pictures, shrunk while they are read: memory follows the size asked for and not the file's.
// What a file may claim is limited before anything is decoded.
#ifndef SW_DATA_PICTURE_H
#define SW_DATA_PICTURE_H

#include <stdint.h>

#include "core/base/arena.h"

#define SW_PICTURE_MAX_SIDE       32768               // pixels
#define SW_PICTURE_MAX_PIXELS     (200 * 1000 * 1000) // of a file that is read row by row
#define SW_PICTURE_MAX_INTERLACED (6 * 1000 * 1000)   // of a PNG that must be held whole to be read; a JPEG: 20 MiB
#define SW_PICTURE_MAX_SCANS      200                 // of a progressive JPEG, each a pass over the whole picture

struct sw_picture {
    int width, height;           // never more than the file's, its proportions kept
    int file_width, file_height; // as stored
    const char *format;          // "PNG", "JPEG"; static
    uint8_t *pixels;             // RGB, height x width x 3; in the arena. What is transparent stands on white
};

// Reads from the descriptor's position, which must be the file's start; it stays open. SW_UNSUPPORTED neither PNG nor
// JPEG, SW_INVALID damaged, SW_LIMIT larger than stated above, SW_NO_MEMORY, SW_IO.
enum sw_code sw_picture_read(int fd, int max_width, int max_height, struct sw_arena *a, struct sw_picture *out,
                             struct sw_err *err);

#endif
