// SPDX-License-Identifier: Apache-2.0
// Both decoders hand their rows to one shrinker, which sums what falls into each pixel of the result. They leave by
// longjmp() on damage; what must be freed then hangs in a struct that outlives the jump.
#include "core/data/picture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jpeglib.h> // needs stdio.h

#include <jerror.h> // needs jpeglib.h
#include <png.h>

enum { CHANNELS = 3, JPEG_MEMORY = 20 * 1024 * 1024, PNG_CHUNK_BYTES = 1024 * 1024, PNG_CHUNKS = 100 };

// --- shrinking ---

// Rows go in from top to bottom; each fills a part of one row of the result. Invariant: `sums` holds the source pixels of
// result row `row` seen so far.
struct shrinker {
    struct sw_picture *out;
    int width, height; // of the rows that come
    int next, row;
    uint64_t *sums;   // CHANNELS for each pixel of a result row
    uint64_t *counts; // source pixels summed in each
};

static enum sw_code shrinker_begin(struct shrinker *s, struct sw_picture *out, int width, int height, int max_width,
                                   int max_height, struct sw_arena *a, struct sw_err *err)
{
    int64_t w = width < max_width ? width : max_width, h = w * height / width;
    if (h > max_height) {
        h = max_height;
        w = h * width / height;
    }
    out->width = w > 0 ? (int)w : 1;
    out->height = h > 0 ? (int)h : 1;
    *s = (struct shrinker){.out = out, .width = width, .height = height};
    out->pixels = sw_arena_array(a, (size_t)out->width * (size_t)out->height, CHANNELS);
    s->sums = sw_arena_array(a, (size_t)out->width, CHANNELS * sizeof *s->sums);
    s->counts = sw_arena_array(a, (size_t)out->width, sizeof *s->counts);
    if (out->pixels == NULL || s->sums == NULL || s->counts == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for a picture of %d x %d", out->width, out->height);
    return SW_OK;
}

static void finish_row(struct shrinker *s)
{
    uint8_t *to = s->out->pixels + (size_t)s->row * (size_t)s->out->width * CHANNELS;
    for (int x = 0; x < s->out->width; x++)
        for (int c = 0; c < CHANNELS; c++)
            to[x * CHANNELS + c] = (uint8_t)(s->sums[x * CHANNELS + c] / (s->counts[x] > 0 ? s->counts[x] : 1));
    memset(s->sums, 0, (size_t)s->out->width * CHANNELS * sizeof *s->sums);
    memset(s->counts, 0, (size_t)s->out->width * sizeof *s->counts);
}

static void shrinker_add(struct shrinker *s, const uint8_t *pixels)
{
    int to_width = s->out->width, at = 0, filled = 0;
    for (int x = 0; x < s->width; x++) {
        for (int c = 0; c < CHANNELS; c++)
            s->sums[at * CHANNELS + c] += pixels[x * CHANNELS + c];
        s->counts[at]++;
        for (filled += to_width; filled >= s->width; filled -= s->width)
            at++;
    }
    s->next++;
    int row = (int)((int64_t)s->next * s->out->height / s->height);
    if (row > s->row) {
        finish_row(s);
        s->row = row;
    }
}

static enum sw_code check_size(const char *format, int64_t width, int64_t height, int64_t max_pixels,
                               struct sw_err *err)
{
    if (width < 1 || height < 1)
        return sw_err_set(err, SW_INVALID, "the %s file has no pixels", format);
    if (width <= SW_PICTURE_MAX_SIDE && height <= SW_PICTURE_MAX_SIDE && width * height <= max_pixels)
        return SW_OK;
    return sw_err_set(err, SW_LIMIT, "the %s picture of %lld x %lld pixels is too large to be shown", format,
                      (long long)width, (long long)height);
}

// --- PNG ---

struct png_state {
    png_structp png;
    png_infop info;
    uint8_t **rows; // of an interlaced picture, else one
    size_t row_count;
    struct sw_err *err;
};

static void png_failed(png_structp png, png_const_charp message)
{
    struct png_state *state = png_get_error_ptr(png);
    (void)sw_err_set(state->err, SW_INVALID, "the PNG file is damaged: %s", message);
    longjmp(png_jmpbuf(png), 1);
}

static void png_warned(png_structp png, png_const_charp message)
{
    (void)png, (void)message;
}

// Whatever is stored arrives as rows of 8-bit RGB.
static void png_ask_for_rgb(png_structp png, png_infop info)
{
    static const png_color_16 white = {.red = 255, .green = 255, .blue = 255, .gray = 255};
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    if ((png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS) != 0)
        png_set_background(png, &white, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
}

static enum sw_code png_make_rows(struct png_state *state, size_t count, size_t bytes, struct sw_err *err)
{
    state->rows = calloc(count, sizeof *state->rows);
    for (size_t i = 0; state->rows != NULL && i < count; i++, state->row_count++)
        if ((state->rows[i] = malloc(bytes)) == NULL)
            break;
    return state->row_count == count ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory for the PNG file");
}

static enum sw_code png_decode(struct png_state *state, FILE *file, int max_width, int max_height, struct sw_arena *a,
                               struct sw_picture *out, struct sw_err *err)
{
    struct shrinker shrinker;
    if (setjmp(png_jmpbuf(state->png)) != 0)
        return err->code;
    png_init_io(state->png, file);
    png_set_user_limits(state->png, SW_PICTURE_MAX_SIDE, SW_PICTURE_MAX_SIDE);
    png_set_chunk_malloc_max(state->png, PNG_CHUNK_BYTES);
    png_set_chunk_cache_max(state->png, PNG_CHUNKS);
    png_read_info(state->png, state->info);
    int width = (int)png_get_image_width(state->png, state->info);
    int height = (int)png_get_image_height(state->png, state->info);
    bool is_interlaced = png_get_interlace_type(state->png, state->info) != PNG_INTERLACE_NONE;
    enum sw_code code =
        check_size("PNG", width, height, is_interlaced ? SW_PICTURE_MAX_INTERLACED : SW_PICTURE_MAX_PIXELS, err);
    if (code != SW_OK)
        return code;
    png_ask_for_rgb(state->png, state->info);
    (void)png_set_interlace_handling(state->png);
    png_read_update_info(state->png, state->info);
    size_t bytes = png_get_rowbytes(state->png, state->info);
    if (bytes != (size_t)width * CHANNELS)
        return sw_err_set(err, SW_UNSUPPORTED, "the PNG file's pixels are of an unknown kind");
    code = png_make_rows(state, is_interlaced ? (size_t)height : 1, bytes, err);
    if (code == SW_OK)
        code = shrinker_begin(&shrinker, out, width, height, max_width, max_height, a, err);
    if (code != SW_OK)
        return code;
    if (is_interlaced)
        png_read_image(state->png, state->rows);
    for (int y = 0; y < height; y++) {
        if (!is_interlaced)
            png_read_row(state->png, state->rows[0], NULL);
        shrinker_add(&shrinker, state->rows[is_interlaced ? y : 0]);
    }
    out->file_width = width;
    out->file_height = height;
    out->format = "PNG";
    return SW_OK;
}

static enum sw_code read_png(FILE *file, int max_width, int max_height, struct sw_arena *a, struct sw_picture *out,
                             struct sw_err *err)
{
    struct png_state state = {.err = err};
    enum sw_code code = SW_NO_MEMORY;
    state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, png_failed, png_warned);
    if (state.png != NULL)
        state.info = png_create_info_struct(state.png);
    if (state.info != NULL)
        code = png_decode(&state, file, max_width, max_height, a, out, err);
    else
        (void)sw_err_set(err, SW_NO_MEMORY, "out of memory for the PNG file");
    for (size_t i = 0; i < state.row_count; i++)
        free(state.rows[i]);
    free(state.rows);
    png_destroy_read_struct(&state.png, &state.info, NULL);
    return code;
}

// --- JPEG ---

struct jpeg_state {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    uint8_t *row;
    struct sw_err *err;
};

static void jpeg_failed(j_common_ptr jpeg)
{
    struct jpeg_state *state = jpeg->client_data;
    char message[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, message);
    bool is_large = jpeg->err->msg_code == JERR_OUT_OF_MEMORY || jpeg->err->msg_code == JERR_NO_BACKING_STORE;
    if (is_large)
        (void)sw_err_set(state->err, SW_LIMIT, "the JPEG picture takes too much memory to be shown");
    else
        (void)sw_err_set(state->err, SW_INVALID, "the JPEG file is damaged: %s", message);
    longjmp(state->jump, 1);
}

static void jpeg_warned(j_common_ptr jpeg, int level)
{
    (void)jpeg, (void)level;
}

// A small file may ask for any number of passes over a large picture.
static void jpeg_watch_scans(j_common_ptr jpeg)
{
    struct jpeg_state *state = jpeg->client_data;
    if (state->jpeg.input_scan_number <= SW_PICTURE_MAX_SCANS)
        return;
    (void)sw_err_set(state->err, SW_LIMIT, "the JPEG picture has more than %d scans", SW_PICTURE_MAX_SCANS);
    longjmp(state->jump, 1);
}

// The largest of the decoder's own reductions that leaves at least the pixels asked for.
static unsigned jpeg_reduction(int64_t width, int64_t height, int max_width, int max_height)
{
    unsigned by = 8;
    while (by > 1 && (width / by < max_width || height / by < max_height))
        by /= 2;
    return by;
}

static enum sw_code jpeg_decode(struct jpeg_state *state, FILE *file, int max_width, int max_height, struct sw_arena *a,
                                struct sw_picture *out, struct sw_err *err)
{
    struct jpeg_decompress_struct *jpeg = &state->jpeg;
    struct shrinker shrinker;
    if (setjmp(state->jump) != 0)
        return err->code;
    jpeg_create_decompress(jpeg);
    jpeg->client_data = state;
    jpeg->mem->max_memory_to_use = JPEG_MEMORY;
    jpeg->progress = &state->progress;
    jpeg_stdio_src(jpeg, file);
    (void)jpeg_read_header(jpeg, TRUE);
    enum sw_code code = check_size("JPEG", jpeg->image_width, jpeg->image_height, SW_PICTURE_MAX_PIXELS, err);
    if (code != SW_OK)
        return code;
    jpeg->out_color_space = JCS_RGB;
    jpeg->scale_num = 1;
    jpeg->scale_denom = jpeg_reduction(jpeg->image_width, jpeg->image_height, max_width, max_height);
    (void)jpeg_start_decompress(jpeg);
    int width = (int)jpeg->output_width, height = (int)jpeg->output_height;
    state->row = malloc((size_t)width * CHANNELS);
    if (state->row == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory for the JPEG file");
    code = shrinker_begin(&shrinker, out, width, height, max_width, max_height, a, err);
    while (code == SW_OK && jpeg->output_scanline < jpeg->output_height) {
        (void)jpeg_read_scanlines(jpeg, &state->row, 1);
        shrinker_add(&shrinker, state->row);
    }
    out->file_width = (int)jpeg->image_width;
    out->file_height = (int)jpeg->image_height;
    out->format = "JPEG";
    return code;
}

static enum sw_code read_jpeg(FILE *file, int max_width, int max_height, struct sw_arena *a, struct sw_picture *out,
                              struct sw_err *err)
{
    struct jpeg_state state = {.err = err, .progress.progress_monitor = jpeg_watch_scans};
    state.jpeg.err = jpeg_std_error(&state.errors);
    state.jpeg.client_data = &state;
    state.errors.error_exit = jpeg_failed;
    state.errors.emit_message = jpeg_warned;
    enum sw_code code = jpeg_decode(&state, file, max_width, max_height, a, out, err);
    jpeg_destroy_decompress(&state.jpeg);
    free(state.row);
    return code;
}

// --- either ---

enum sw_code sw_picture_read(int fd, int max_width, int max_height, struct sw_arena *a, struct sw_picture *out,
                             struct sw_err *err)
{
    static const uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, jpeg[] = {0xff, 0xd8, 0xff};
    uint8_t head[sizeof png] = {0};
    struct sw_err ours = {0}; // the decoders' way out needs one
    struct sw_picture picture = {0};
    int own = dup(fd);
    FILE *file = own >= 0 ? fdopen(own, "rb") : NULL;
    if (file == NULL) {
        int errnum = errno;
        if (own >= 0)
            close(own);
        return sw_err_errno(err, errnum, "cannot read the picture");
    }
    size_t got = fread(head, 1, sizeof head, file);
    rewind(file);
    enum sw_code code;
    if (got == sizeof head && memcmp(head, png, sizeof png) == 0)
        code = read_png(file, max_width, max_height, a, &picture, &ours);
    else if (got >= sizeof jpeg && memcmp(head, jpeg, sizeof jpeg) == 0)
        code = read_jpeg(file, max_width, max_height, a, &picture, &ours);
    else
        code = sw_err_set(&ours, SW_UNSUPPORTED, "the file is neither PNG nor JPEG");
    fclose(file);
    if (code != SW_OK)
        return sw_err_set(err, code, "%s", ours.message);
    *out = picture;
    return SW_OK;
}
