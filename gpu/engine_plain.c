// SPDX-License-Identifier: Apache-2.0
// The plain engine: one thread of portable C on host memory. Matrix products run over register tiles of 3 vectors by
// TILE_ROWS with one packed column panel (L1-sized) at a time; A is read in place, since a stride per row costs less
// than packing at the sizes of training steps. 3x3 convolutions run directly on zero-padded copies of one image, where
// the nine taps are fixed distances, instead of through im2col: no matrix is written and the image stays in L1.
// Queues run at once, so events have nothing to do. Kernels are chosen when the device opens (AVX-512, AVX2 or
// whatever the compiler's baseline is) from engine_plain_kernels_internal.h.
#include "gpu/engine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    DEPTH_MAX = 192,  // rows of a packed panel: 192 x 48 floats fill three quarters of a 48 KiB L1
    WIDTH_MAX = 48,   // 3 vectors of 16
    IMAGES_MAX = 16,  // images a block of the conv weight gradient: their padded copies stay in L2
    TAIL = WIDTH_MAX, // floats that a tile may read or write past the pixels of an image
};

// C[rows, columns] = A.B (+ bias, activation); A is read at a[row * a_row + p * a_step].
struct gemm {
    size_t rows, columns, depth;
    const float *a;
    size_t a_row, a_step;
    const float *b;
    size_t b_row, b_column; // b[p * b_row + column * b_column]; one of the two is 1
    float *c;
    const float *bias; // per column, NULL = none
    enum sw_activation activation;
};

// A convolution over padded images. `stride` is the padded width, `plane` a padded channel, `line` one channel of
// outputs with the garbage at the end of each row and the tail.
struct conv {
    size_t in, out, height, width;
    size_t stride, plane, line;
    size_t tap[9];
};

struct kernels {
    size_t lanes, tile_rows, filters;
    void (*panel)(const struct gemm *g, size_t depth_at, size_t depth, size_t column, size_t columns, const float *b);
    void (*conv_rows)(const struct conv *s, const float *x, const float *w, float *out);
    void (*conv_weights)(const struct conv *s, size_t images, size_t filters, const float *x, const float *dy,
                         float *dw, size_t dw_step);
    float (*activation_backward)(enum sw_activation activation, size_t count, const float *y, float *dy);
    void (*store_line)(enum sw_activation activation, size_t count, const float *from, float bias, float *to);
    void (*sgd)(const struct sw_sgd *o, size_t count, float *w, const float *g, float *momentum);
    void (*adamw)(const struct sw_adamw *o, size_t count, float *w, const float *g, float *m, float *v);
};

// Whole unrolling turns arrays of accumulators into registers; each compiler has its own word for it.
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// Keeps a loaded vector in its register: gcc would load it again for each of its uses, and unaligned loads are what the
// weight gradient waits for.
#if defined(__x86_64__)
#define KEEP(vector) __asm__("" : "+v"(vector))
#else
#define KEEP(vector) ((void)0)
#endif

#if defined(__x86_64__)
#define SUFFIX       avx512
#define TARGET       __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma,avx2")))
#define LANES        16
#define TILE_ROWS    8
#define FILTERS      3
#define ROOT(vector) ((VEC)_mm512_sqrt_ps((__m512)(vector)))
#include "gpu/engine_plain_kernels_internal.h"

#define SUFFIX       avx2
#define TARGET       __attribute__((target("avx2,fma")))
#define LANES        8
#define TILE_ROWS    4
#define FILTERS      1
#define ROOT(vector) ((VEC)_mm256_sqrt_ps((__m256)(vector)))
#include "gpu/engine_plain_kernels_internal.h"

#define SUFFIX base
#define TARGET
#define LANES        4
#define TILE_ROWS    4
#define FILTERS      1
#define ROOT(vector) ((VEC)_mm_sqrt_ps((__m128)(vector)))
#include "gpu/engine_plain_kernels_internal.h"
#else
#define SUFFIX base
#define TARGET
#define LANES        4
#define TILE_ROWS    4
#define FILTERS      1
#define ROOT(vector) ((VEC){sqrtf((vector)[0]), sqrtf((vector)[1]), sqrtf((vector)[2]), sqrtf((vector)[3])})
#include "gpu/engine_plain_kernels_internal.h"
#endif

// In front of each allocation, in 64 bytes of its own so that the data stay aligned.
struct block {
    _Alignas(64) struct block *next;
    struct block *previous;
};

struct sw_queue {
    struct sw_device *device;
};

struct sw_event {
    char nothing; // work is done when it is queued
};

struct sw_device {
    struct block blocks; // ring of allocations, so that close() can free them
    const struct kernels *kernels;
    const char *description;
    float *scratch;
    size_t scratch_count;
};

static const struct choice {
    const char *name; // as SLIPWAY_PLAIN_ISA names it
    const char *description;
    const struct kernels *kernels;
} choices[] = {
#if defined(__x86_64__)
    {"avx512", "AVX-512, 1 thread", &kernels_avx512},
    {"avx2", "AVX2, 1 thread", &kernels_avx2},
#endif
    {"base", "baseline vectors, 1 thread", &kernels_base},
};

static bool can_run(const struct kernels *k)
{
#if defined(__x86_64__)
    if (k == &kernels_avx512)
        return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
    if (k == &kernels_avx2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return k == &kernels_base;
}

static float *aligned_floats(size_t count)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(float), &bytes) || bytes > PTRDIFF_MAX - 64)
        return NULL;
    bytes = (bytes + 63) / 64 * 64;
    float *p = aligned_alloc(64, bytes ? bytes : 64);
    if (p)
        memset(p, 0, bytes);
    return p;
}

// Scratch only grows; it is zero whenever it is new, and every user writes what it later reads.
static enum sw_code reserve(struct sw_device *d, size_t count, struct sw_err *err)
{
    if (count <= d->scratch_count)
        return SW_OK;
    float *p = aligned_floats(count);
    if (!p)
        return sw_err_set(err, SW_NO_MEMORY, "engine plain: no memory for %zu MiB of scratch", count >> 18);
    free(d->scratch);
    d->scratch = p;
    d->scratch_count = count;
    return SW_OK;
}

static enum sw_code plain_open(int index, struct sw_device **out, struct sw_err *err)
{
    if (index != 0)
        return sw_err_set(err, SW_UNSUPPORTED, "engine plain has one device, not number %d", index);
    const char *wanted = getenv("SLIPWAY_PLAIN_ISA");
    const struct choice *found = NULL;
    for (size_t i = 0; i < sizeof choices / sizeof *choices && !found; i++)
        if (can_run(choices[i].kernels) && (!wanted || !*wanted || strcmp(wanted, choices[i].name) == 0))
            found = &choices[i];
    if (!found) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "SLIPWAY_PLAIN_ISA=%.20s: unknown, or not on this processor", wanted);
        return sw_err_hint(err, "unset it, or use avx512, avx2 or base");
    }
    struct sw_device *d = calloc(1, sizeof *d);
    if (!d)
        return sw_err_set(err, SW_NO_MEMORY, "engine plain: out of memory");
    d->kernels = found->kernels;
    d->description = found->description;
    d->blocks.next = d->blocks.previous = &d->blocks;
    enum sw_code code = reserve(d, DEPTH_MAX * WIDTH_MAX, err);
    if (code) {
        free(d);
        return code;
    }
    *out = d;
    return SW_OK;
}

static void plain_close(struct sw_device *d)
{
    if (!d)
        return;
    for (struct block *b = d->blocks.next, *next; b != &d->blocks; b = next) {
        next = b->next;
        free(b);
    }
    free(d->scratch);
    free(d);
}

static const char *plain_describe(const struct sw_device *d)
{
    return d->description;
}

static enum sw_code plain_alloc(struct sw_device *d, size_t count, float **out, struct sw_err *err)
{
    size_t bytes;
    struct block *b = NULL;
    if (!__builtin_mul_overflow(count, sizeof(float), &bytes) && bytes < PTRDIFF_MAX - 2 * sizeof *b)
        b = aligned_alloc(64, (sizeof *b + bytes + 63) / 64 * 64);
    if (!b)
        return sw_err_set(err, SW_NO_MEMORY, "engine plain: no memory for %zu MiB", count >> 18);
    memset(b + 1, 0, bytes);
    b->next = d->blocks.next;
    b->previous = &d->blocks;
    b->next->previous = b;
    d->blocks.next = b;
    *out = (float *)(b + 1);
    return SW_OK;
}

static void plain_free(struct sw_device *d, float *device)
{
    (void)d;
    if (!device)
        return;
    struct block *b = (struct block *)device - 1;
    b->next->previous = b->previous;
    b->previous->next = b->next;
    free(b);
}

static enum sw_code plain_queue_new(struct sw_device *d, struct sw_queue **out, struct sw_err *err)
{
    struct sw_queue *q = malloc(sizeof *q);
    if (!q)
        return sw_err_set(err, SW_NO_MEMORY, "engine plain: out of memory");
    q->device = d;
    *out = q;
    return SW_OK;
}

static void plain_queue_free(struct sw_queue *q)
{
    free(q);
}

static enum sw_code plain_queue_sync(struct sw_queue *q, struct sw_err *err)
{
    (void)q, (void)err; // nothing here can fail
    return SW_OK;
}

static enum sw_code plain_event_new(struct sw_device *d, struct sw_event **out, struct sw_err *err)
{
    (void)d;
    struct sw_event *e = calloc(1, sizeof *e);
    if (!e)
        return sw_err_set(err, SW_NO_MEMORY, "engine plain: out of memory");
    *out = e;
    return SW_OK;
}

static void plain_event_free(struct sw_event *e)
{
    free(e);
}

static void plain_event_nothing(struct sw_queue *q, struct sw_event *e)
{
    (void)q, (void)e;
}

static void plain_upload(struct sw_queue *q, void *device, const void *host, size_t bytes)
{
    (void)q;
    memcpy(device, host, bytes);
}

static void plain_download(struct sw_queue *q, void *host, const void *device, size_t bytes)
{
    (void)q;
    memcpy(host, device, bytes);
}

static void plain_zero(struct sw_queue *q, float *device, size_t count)
{
    (void)q;
    memset(device, 0, count * sizeof *device);
}

// --- matrix products ---

// b[depth][columns] of one panel to packed[depth][width], zeros beyond `columns`.
static void pack_panel(const struct gemm *g, size_t depth_at, size_t depth, size_t column, size_t columns, size_t width,
                       float *restrict packed)
{
    const float *b = g->b + depth_at * g->b_row + column * g->b_column;
    if (g->b_column == 1) {
        for (size_t p = 0; p < depth; p++) {
            memcpy(packed + p * width, b + p * g->b_row, columns * sizeof *b);
            memset(packed + p * width + columns, 0, (width - columns) * sizeof *b);
        }
        return;
    }
    for (size_t j = 0; j < width; j++)
        for (size_t p = 0; p < depth; p++)
            packed[p * width + j] = j < columns ? b[p + j * g->b_column] : 0;
}

static void run_gemm(const struct sw_device *d, const struct gemm *g)
{
    const struct kernels *k = d->kernels;
    size_t blocks = (g->depth + DEPTH_MAX - 1) / DEPTH_MAX;
    size_t block = blocks ? (g->depth + blocks - 1) / blocks : 0;
    for (size_t column = 0; column < g->columns; column += 3 * k->lanes) {
        size_t columns = g->columns - column < 3 * k->lanes ? g->columns - column : 3 * k->lanes;
        size_t width = (columns + k->lanes - 1) / k->lanes * k->lanes;
        for (size_t at = 0; at < g->depth; at += block) {
            size_t depth = g->depth - at < block ? g->depth - at : block;
            pack_panel(g, at, depth, column, columns, width, d->scratch);
            k->panel(g, at, depth, column, columns, d->scratch);
        }
    }
}

static enum sw_code plain_prepare_dense(struct sw_device *d, const struct sw_dense_shape *s, struct sw_err *err)
{
    (void)s; // panels have a fixed size
    return reserve(d, DEPTH_MAX * WIDTH_MAX, err);
}

static void plain_dense_forward(struct sw_queue *q, const struct sw_dense_shape *s, const float *x, const float *w,
                                const float *b, float *y)
{
    size_t in = (size_t)s->in, out = (size_t)s->out;
    run_gemm(q->device, &(struct gemm){.rows = (size_t)s->rows,
                                       .columns = out,
                                       .depth = in,
                                       .a = x,
                                       .a_row = in,
                                       .a_step = 1,
                                       .b = w,
                                       .b_row = out,
                                       .b_column = 1,
                                       .c = y,
                                       .bias = b,
                                       .activation = s->activation});
}

static void plain_dense_backward(struct sw_queue *q, const struct sw_dense_shape *s, const float *x, const float *w,
                                 const float *y, float *dy, float *dx, float *dw, float *db)
{
    size_t rows = (size_t)s->rows, in = (size_t)s->in, out = (size_t)s->out;
    memset(db, 0, out * sizeof *db);
    for (size_t r = 0; r < rows; r++) {
        if (s->activation == SW_ACTIVATION_RELU)
            for (size_t j = 0; j < out; j++)
                dy[r * out + j] = y[r * out + j] > 0 ? dy[r * out + j] : 0;
        for (size_t j = 0; j < out; j++)
            db[j] += dy[r * out + j];
    }
    if (rows == 0)
        memset(dw, 0, in * out * sizeof *dw);
    run_gemm(q->device, &(struct gemm){.rows = in,
                                       .columns = out,
                                       .depth = rows,
                                       .a = x,
                                       .a_row = 1,
                                       .a_step = in,
                                       .b = dy,
                                       .b_row = out,
                                       .b_column = 1,
                                       .c = dw});
    if (dx)
        run_gemm(q->device, &(struct gemm){.rows = rows,
                                           .columns = in,
                                           .depth = out,
                                           .a = dy,
                                           .a_row = out,
                                           .a_step = 1,
                                           .b = w,
                                           .b_row = 1,
                                           .b_column = out,
                                           .c = dx});
}

// --- convolutions ---

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static struct conv conv_of(const struct sw_conv_shape *s)
{
    struct conv c = {
        .in = (size_t)s->in, .out = (size_t)s->out, .height = (size_t)s->height, .width = (size_t)s->width};
    c.stride = c.width + 2;
    c.plane = (c.height + 2) * c.stride;
    c.line = round_up(c.height * c.stride, 16) + TAIL;
    for (size_t t = 0; t < 9; t++)
        c.tap[t] = t / 3 * c.stride + t % 3;
    return c;
}

// The same convolution for the gradient of x: channels change places.
static struct conv conv_reversed(const struct conv *c)
{
    struct conv r = *c;
    r.in = c->out;
    r.out = c->in;
    return r;
}

// Scratch of one convolution, in this order. The largest user is the weight gradient.
static size_t conv_scratch(const struct conv *c, const struct kernels *k)
{
    size_t channels = c->in > c->out ? c->in : c->out;
    size_t weights = round_up(c->out, k->tile_rows) * c->in * 9 + round_up(c->in, k->tile_rows) * c->out * 9;
    size_t forward = weights + channels * c->plane + TAIL + 16 + k->tile_rows * c->line;
    size_t backward = IMAGES_MAX * (c->in * c->plane + c->out * c->line) + TAIL + 16;
    return forward > backward ? forward : backward;
}

static enum sw_code plain_prepare_conv(struct sw_device *d, const struct sw_conv_shape *s, struct sw_err *err)
{
    struct conv c = conv_of(s);
    return reserve(d, conv_scratch(&c, d->kernels), err);
}

static void pad_image(const struct conv *c, const float *restrict x, float *restrict padded)
{
    for (size_t i = 0; i < c->in; i++, x += c->height * c->width, padded += c->plane) {
        memset(padded, 0, (c->stride + 1) * sizeof *padded);
        for (size_t row = 0; row < c->height; row++) {
            float *to = padded + (row + 1) * c->stride;
            to[0] = 0;
            memcpy(to + 1, x + row * c->width, c->width * sizeof *x);
            to[c->width + 1] = 0;
        }
        memset(padded + (c->height + 1) * c->stride, 0, c->stride * sizeof *padded);
    }
}

// w[out][in][9] to [blocks of tile_rows][in][9][tile_rows]; `is_flipped` reads w as [in][out][9] with taps reversed.
static void pack_filters(const struct conv *c, size_t tile_rows, const float *w, bool is_flipped, float *packed)
{
    for (size_t block = 0; block < c->out; block += tile_rows)
        for (size_t i = 0; i < c->in; i++)
            for (size_t t = 0; t < 9; t++)
                for (size_t r = 0; r < tile_rows; r++) {
                    size_t o = block + r;
                    size_t at = is_flipped ? (i * c->out + o) * 9 + 8 - t : (o * c->in + i) * 9 + t;
                    *packed++ = o < c->out ? w[at] : 0;
                }
}

static void run_conv(const struct sw_device *d, const struct conv *c, size_t images, const float *x, const float *w,
                     bool is_flipped, const float *bias, enum sw_activation activation, float *y)
{
    const struct kernels *k = d->kernels;
    size_t weights = round_up(c->out, k->tile_rows) * c->in * 9;
    float *filters = d->scratch;
    float *padded = filters + round_up(weights, 16);
    float *lines = padded + round_up(c->in * c->plane, 16) + TAIL;
    pack_filters(c, k->tile_rows, w, is_flipped, filters);
    memset(padded + c->in * c->plane, 0, TAIL * sizeof *padded);
    for (size_t n = 0; n < images; n++, x += c->in * c->height * c->width) {
        pad_image(c, x, padded);
        for (size_t o = 0; o < c->out; o++, y += c->height * c->width) {
            size_t in_block = o % k->tile_rows;
            if (in_block == 0)
                k->conv_rows(c, padded, filters + o * c->in * 9, lines);
            for (size_t row = 0; row < c->height; row++)
                k->store_line(activation, c->width, lines + in_block * c->line + row * c->stride, bias ? bias[o] : 0,
                              y + row * c->width);
        }
    }
}

static void plain_conv_forward(struct sw_queue *q, const struct sw_conv_shape *s, const float *x, const float *w,
                               const float *b, float *y)
{
    struct conv c = conv_of(s);
    run_conv(q->device, &c, (size_t)s->rows, x, w, false, b, s->activation, y);
}

static void conv_weight_gradient(const struct sw_device *d, const struct conv *c, size_t rows, const float *x,
                                 const float *dy, float *dw)
{
    const struct kernels *k = d->kernels;
    size_t pixels = c->height * c->width;
    memset(dw, 0, c->out * c->in * 9 * sizeof *dw);
    for (size_t at = 0; at < rows; at += IMAGES_MAX) {
        size_t images = rows - at < IMAGES_MAX ? rows - at : IMAGES_MAX;
        float *inputs = d->scratch, *gradients = inputs + round_up(images * c->in * c->plane, 16) + TAIL;
        for (size_t n = 0; n < images; n++)
            pad_image(c, x + (at + n) * c->in * pixels, inputs + n * c->in * c->plane);
        memset(inputs + images * c->in * c->plane, 0, TAIL * sizeof *inputs);
        memset(gradients, 0, images * c->out * c->line * sizeof *gradients);
        for (size_t n = 0; n < images * c->out; n++)
            for (size_t row = 0; row < c->height; row++)
                memcpy(gradients + n * c->line + row * c->stride,
                       dy + at * c->out * pixels + n * pixels + row * c->width, c->width * sizeof *dy);
        for (size_t i = 0; i < c->in; i++)
            for (size_t o = 0; o < c->out; o += k->filters)
                k->conv_weights(c, images, c->out - o < k->filters ? c->out - o : k->filters, inputs + i * c->plane,
                                gradients + o * c->line, dw + (o * c->in + i) * 9, c->in * 9);
    }
}

static void plain_conv_backward(struct sw_queue *q, const struct sw_conv_shape *s, const float *x, const float *w,
                                const float *y, float *dy, float *dx, float *dw, float *db)
{
    struct conv c = conv_of(s);
    size_t rows = (size_t)s->rows, pixels = c.height * c.width;
    memset(db, 0, c.out * sizeof *db);
    for (size_t n = 0; n < rows * c.out; n++)
        db[n % c.out] +=
            q->device->kernels->activation_backward(s->activation, pixels, y + n * pixels, dy + n * pixels);
    conv_weight_gradient(q->device, &c, rows, x, dy, dw);
    if (dx) {
        struct conv reversed = conv_reversed(&c);
        run_conv(q->device, &reversed, rows, dy, w, true, NULL, SW_ACTIVATION_NONE, dx);
    }
}

// --- the rest ---

// Pooling works on four outputs at a time whatever the processor has: rows are short, and where four do not divide one, the
// last four overlap the ones before, which is harmless because each output depends on its inputs only.
typedef float quad __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t quad_mask __attribute__((vector_size(16), aligned(4), may_alias));
#define EVEN(p) __builtin_shufflevector(*(const quad *)(p), *(const quad *)((p) + 4), 0, 2, 4, 6)
#define ODD(p)  __builtin_shufflevector(*(const quad *)(p), *(const quad *)((p) + 4), 1, 3, 5, 7)

static quad larger(quad a, quad b)
{
    quad_mask is_first = a > b;
    return (quad)((is_first & (quad_mask)a) | (~is_first & (quad_mask)b));
}

static void pool_quad(const float *top, const float *low, float *y)
{
    *(quad *)y = larger(larger(EVEN(top), ODD(top)), larger(EVEN(low), ODD(low)));
}

static void pool_quad_backward(const float *top, const float *low, const float *y, const float *dy, float *dtop,
                               float *dlow)
{
    quad most = *(const quad *)y;
    quad gradient = *(const quad *)dy;
    quad_mask g = (quad_mask)gradient;
    quad_mask a = EVEN(top) == most, b = (ODD(top) == most) & ~a, c = (EVEN(low) == most) & ~(a | b), d = ~(a | b | c);
    *(quad *)dtop = (quad)__builtin_shufflevector(a & g, b & g, 0, 4, 1, 5);
    *(quad *)(dtop + 4) = (quad)__builtin_shufflevector(a & g, b & g, 2, 6, 3, 7);
    *(quad *)dlow = (quad)__builtin_shufflevector(c & g, d & g, 0, 4, 1, 5);
    *(quad *)(dlow + 4) = (quad)__builtin_shufflevector(c & g, d & g, 2, 6, 3, 7);
}

static void pool_line(size_t count, const float *top, const float *low, float *y)
{
    for (size_t j = 0; count >= 4 && j < count; j += 4) {
        size_t at = j + 4 <= count ? j : count - 4;
        pool_quad(top + 2 * at, low + 2 * at, y + at);
    }
    for (size_t j = 0; count < 4 && j < count; j++)
        y[j] = fmaxf(fmaxf(top[2 * j], top[2 * j + 1]), fmaxf(low[2 * j], low[2 * j + 1]));
}

static void pool_line_backward(size_t count, const float *top, const float *low, const float *y, const float *dy,
                               float *dtop, float *dlow)
{
    for (size_t j = 0; count >= 4 && j < count; j += 4) {
        size_t at = j + 4 <= count ? j : count - 4;
        pool_quad_backward(top + 2 * at, low + 2 * at, y + at, dy + at, dtop + 2 * at, dlow + 2 * at);
    }
    for (size_t j = 0; count < 4 && j < count; j++) {
        bool a = top[2 * j] == y[j], b = !a && top[2 * j + 1] == y[j], c = !a && !b && low[2 * j] == y[j];
        dtop[2 * j] = a ? dy[j] : 0;
        dtop[2 * j + 1] = b ? dy[j] : 0;
        dlow[2 * j] = c ? dy[j] : 0;
        dlow[2 * j + 1] = a || b || c ? 0 : dy[j];
    }
}

static void plain_pool_forward(struct sw_queue *q, const struct sw_pool_shape *s, const float *x, float *y)
{
    size_t width = (size_t)s->width, out_height = (size_t)s->height / 2, out_width = width / 2;
    size_t plane = (size_t)s->height * width;
    (void)q;
    for (size_t n = 0; n < (size_t)s->rows * (size_t)s->channels; n++, x += plane)
        for (size_t row = 0; row < out_height; row++, y += out_width)
            pool_line(out_width, x + 2 * row * width, x + (2 * row + 1) * width, y);
}

static void plain_pool_backward(struct sw_queue *q, const struct sw_pool_shape *s, const float *x, const float *y,
                                const float *dy, float *dx)
{
    size_t width = (size_t)s->width, out_height = (size_t)s->height / 2, out_width = width / 2;
    size_t plane = (size_t)s->height * width;
    bool is_odd = s->height % 2 || s->width % 2;
    (void)q;
    for (size_t n = 0; n < (size_t)s->rows * (size_t)s->channels; n++, x += plane, dx += plane) {
        if (is_odd)
            memset(dx, 0, plane * sizeof *dx);
        for (size_t row = 0; row < out_height; row++, y += out_width, dy += out_width)
            pool_line_backward(out_width, x + 2 * row * width, x + (2 * row + 1) * width, y, dy, dx + 2 * row * width,
                               dx + (2 * row + 1) * width);
    }
}

// Softmax of one row.
static void softmax_row(size_t classes, const float *logits, float *p)
{
    float largest = logits[0], sum = 0;
    for (size_t j = 1; j < classes; j++)
        largest = logits[j] > largest ? logits[j] : largest;
    for (size_t j = 0; j < classes; j++)
        sum += p[j] = expf(logits[j] - largest);
    for (size_t j = 0; j < classes; j++)
        p[j] /= sum;
}

static void plain_softmax(struct sw_queue *q, int rows, int classes, const float *logits, float *probabilities)
{
    (void)q;
    for (size_t r = 0; r < (size_t)rows; r++)
        softmax_row((size_t)classes, logits + r * (size_t)classes, probabilities + r * (size_t)classes);
}

// log(sum(exp(logits))) of one row, and the first of its largest elements.
static float log_sum_exp(size_t classes, const float *logits, size_t *best)
{
    float sum = 1; // the largest itself
    *best = 0;
    for (size_t j = 1; j < classes; j++)
        if (logits[j] > logits[*best])
            *best = j;
    for (size_t j = 0; j < classes; j++)
        sum += j == *best ? 0 : expf(logits[j] - logits[*best]);
    return logits[*best] + logf(sum);
}

static void plain_softmax_loss(struct sw_queue *q, int rows, int classes, const float *logits, const int32_t *labels,
                               float scale, float *dlogits, float *stats)
{
    (void)q;
    size_t k = (size_t)classes;
    float loss = 0, correct = 0;
    for (size_t r = 0; r < (size_t)rows; r++, logits += k) {
        size_t label = (size_t)labels[r], best;
        float norm = log_sum_exp(k, logits, &best);
        loss += norm - logits[label];
        correct += best == label;
        if (!dlogits)
            continue;
        for (size_t j = 0; j < k; j++)
            dlogits[r * k + j] = scale * (expf(logits[j] - norm) - (j == label));
    }
    stats[SW_LOSS_SUM] += loss;
    stats[SW_LOSS_CORRECT] += correct;
}

static void plain_sgd(struct sw_queue *q, const struct sw_sgd *o, size_t count, float *w, const float *g,
                      float *momentum)
{
    q->device->kernels->sgd(o, count, w, g, momentum);
}

static void plain_adamw(struct sw_queue *q, const struct sw_adamw *o, size_t count, float *w, const float *g, float *m,
                        float *v)
{
    q->device->kernels->adamw(o, count, w, g, m, v);
}

const struct sw_engine sw_engine_plain = {
    .name = "plain",
    .summary = "plain C with AVX2 and AVX-512 kernels",
    .open = plain_open,
    .close = plain_close,
    .describe = plain_describe,
    .alloc = plain_alloc,
    .free = plain_free,
    .queue_new = plain_queue_new,
    .queue_free = plain_queue_free,
    .queue_sync = plain_queue_sync,
    .event_new = plain_event_new,
    .event_free = plain_event_free,
    .event_record = plain_event_nothing,
    .event_wait = plain_event_nothing,
    .upload = plain_upload,
    .download = plain_download,
    .zero = plain_zero,
    .prepare_dense = plain_prepare_dense,
    .prepare_conv = plain_prepare_conv,
    .dense_forward = plain_dense_forward,
    .dense_backward = plain_dense_backward,
    .conv_forward = plain_conv_forward,
    .conv_backward = plain_conv_backward,
    .pool_forward = plain_pool_forward,
    .pool_backward = plain_pool_backward,
    .softmax = plain_softmax,
    .softmax_loss = plain_softmax_loss,
    .sgd = plain_sgd,
    .adamw = plain_adamw,
};
