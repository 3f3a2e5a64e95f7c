// SPDX-License-Identifier: Apache-2.0
#include "tui/picture.h"

#define MAX_SIDE 4096

static bool is_valid(const struct sw_tui_image *image)
{
    return image->pixels && image->width >= 1 && image->height >= 1 && image->width <= MAX_SIDE &&
           image->height <= MAX_SIDE && (image->channels == 1 || image->channels == 3);
}

struct sw_rect sw_picture_fit(const struct sw_tui_image *image, int w, int h)
{
    if (!is_valid(image) || w < 1 || h < 1)
        return (struct sw_rect){0};
    int rows = 2 * h; // a cell is about twice as high as wide
    int width = w, height = image->height * w / image->width;
    if (height > rows) {
        height = rows;
        width = image->width * rows / image->height;
    }
    // Small pictures grow by whole factors only, so that each pixel stays a square.
    if (width > image->width) {
        width = image->width * (width / image->width);
        height = image->height * (width / image->width);
    }
    width = width < 1 ? 1 : width;
    height = height < 1 ? 1 : height;
    return (struct sw_rect){0, 0, width, (height + 1) / 2};
}

// Mean colour of the source pixels below output pixel (x, y) of a width x height picture.
static uint32_t sample(const struct sw_tui_image *image, int x, int y, int width, int height)
{
    int x0 = x * image->width / width, x1 = (x + 1) * image->width / width;
    int y0 = y * image->height / height, y1 = (y + 1) * image->height / height;
    x1 = x1 > x0 ? x1 : x0 + 1;
    y1 = y1 > y0 ? y1 : y0 + 1;
    uint32_t sum[3] = {0}, count = 0;
    for (int sy = y0; sy < y1 && sy < image->height; sy++) {
        for (int sx = x0; sx < x1 && sx < image->width; sx++, count++) {
            const uint8_t *pixel =
                image->pixels + ((size_t)sy * (size_t)image->width + (size_t)sx) * (size_t)image->channels;
            for (int c = 0; c < 3; c++)
                sum[c] += pixel[image->channels == 3 ? c : 0];
        }
    }
    if (count == 0)
        return 0;
    return sum[0] / count << 16 | sum[1] / count << 8 | sum[2] / count;
}

static uint32_t brightness(uint32_t rgb)
{
    return (2 * (rgb >> 16 & 255) + 5 * (rgb >> 8 & 255) + (rgb & 255)) / 8;
}

void sw_picture_paint(struct sw_canvas *c, const struct sw_tui_image *image, bool palette)
{
    static const uint32_t shade[] = {' ', 0x2591, 0x2592, 0x2593, 0x2588};
    static const char ascii_shade[] = " .:-=+*#%@";
    struct sw_rect fit = sw_picture_fit(image, c->w, c->h);
    int height = 2 * fit.h;
    for (int y = 0; y < fit.h; y++) {
        for (int x = 0; x < fit.w; x++) {
            uint32_t upper = sample(image, x, 2 * y, fit.w, height), lower = sample(image, x, 2 * y + 1, fit.w, height);
            uint32_t mean = (brightness(upper) + brightness(lower)) / 2;
            if (c->grid->ascii)
                sw_canvas_put(c, x, y, (uint32_t)ascii_shade[mean * 10 / 256], sw_style(SW_TUI_NORMAL));
            else if (palette)
                sw_canvas_put(c, x, y, 0x2580, (struct sw_style){.fg = SW_COLOUR(upper), .bg = SW_COLOUR(lower)});
            else
                sw_canvas_put(c, x, y, shade[mean * 5 / 256], sw_style(SW_TUI_NORMAL));
        }
    }
}
