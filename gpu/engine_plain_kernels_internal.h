// SPDX-License-Identifier: Apache-2.0
// Inner loops of the plain engine, written once and included by engine_plain.c once per instruction set. Before each
// inclusion are defined: SUFFIX, TARGET (function attribute), LANES (floats a vector), TILE_ROWS (rows of a register
// tile, which is always 3 vectors wide), FILTERS (output channels a step of the conv weight gradient) and ROOT(vector).
// No include guard: it is a template.

#define JOIN_(a, b) a##_##b
#define JOIN(a, b)  JOIN_(a, b)
#define NAME(word)  JOIN(word, SUFFIX)
#define VEC         NAME(vec)

typedef float VEC __attribute__((vector_size(LANES * sizeof(float)), aligned(sizeof(float)), may_alias));

// acc[TILE_ROWS][vectors] = sum over p of a_row[i][p * a_step] * b[p][vectors * LANES]. `vectors` is a constant at every
// call, so that the accumulators live in registers.
static inline TARGET __attribute__((always_inline)) void NAME(tile)(const int vectors, size_t depth,
                                                                    const float *const *a_row, size_t a_step,
                                                                    const float *b, float *out)
{
    VEC acc[TILE_ROWS][3] = {0};
    for (size_t p = 0; p < depth; p++, b += vectors * LANES) {
        VEC bv[3];
        UNROLL
        for (int j = 0; j < vectors; j++)
            bv[j] = *(const VEC *)(b + j * LANES);
        UNROLL
        for (int i = 0; i < TILE_ROWS; i++) {
            VEC av = a_row[i][p * a_step] - (VEC){0};
            UNROLL
            for (int j = 0; j < vectors; j++)
                acc[i][j] += av * bv[j];
        }
    }
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++)
        UNROLL
    for (int j = 0; j < vectors; j++)
        *(VEC *)(out + i * vectors * LANES + j * LANES) = acc[i][j];
}

// One column panel of C (+)= A.B over one block of depth: `b` is packed [depth][width], width a whole number of vectors.
static TARGET void NAME(panel)(const struct gemm *g, size_t depth_at, size_t depth, size_t column, size_t columns,
                               const float *b)
{
    _Alignas(64) float out[TILE_ROWS * 3 * LANES];
    int vectors = (int)((columns + LANES - 1) / LANES);
    size_t width = (size_t)vectors * LANES;
    bool is_first = depth_at == 0, is_last = depth_at + depth == g->depth;
    for (size_t row = 0; row < g->rows; row += TILE_ROWS) {
        size_t rows = g->rows - row < TILE_ROWS ? g->rows - row : TILE_ROWS;
        const float *a_row[TILE_ROWS];
        for (size_t i = 0; i < TILE_ROWS; i++) // rows past the end repeat the last one and are not stored
            a_row[i] = g->a + (row + (i < rows ? i : rows - 1)) * g->a_row + depth_at * g->a_step;
        if (vectors == 3)
            NAME(tile)(3, depth, a_row, g->a_step, b, out);
        else if (vectors == 2)
            NAME(tile)(2, depth, a_row, g->a_step, b, out);
        else
            NAME(tile)(1, depth, a_row, g->a_step, b, out);
        for (size_t i = 0; i < rows; i++) {
            float *c = g->c + (row + i) * g->columns + column;
            const float *t = out + i * width;
            if (!is_first)
                for (size_t j = 0; j < columns; j++)
                    c[j] += t[j];
            else
                for (size_t j = 0; j < columns; j++)
                    c[j] = t[j];
            if (is_last && g->bias)
                for (size_t j = 0; j < columns; j++)
                    c[j] += g->bias[column + j];
            if (is_last && g->activation == SW_ACTIVATION_RELU)
                for (size_t j = 0; j < columns; j++)
                    c[j] = c[j] > 0 ? c[j] : 0;
        }
    }
}

// TILE_ROWS output channels of one image, `vectors` vectors of pixels: x is zero-padded, so that each of the nine taps
// is a fixed distance. Weights are packed [in][9][TILE_ROWS].
static inline TARGET __attribute__((always_inline)) void NAME(conv_tile)(const int vectors, const struct conv *s,
                                                                         const float *x, const float *w, float *out)
{
    VEC acc[TILE_ROWS][3] = {0};
    for (size_t c = 0; c < s->in; c++, x += s->plane) {
        for (int t = 0; t < 9; t++, w += TILE_ROWS) {
            const float *xt = x + s->tap[t];
            VEC xv[3];
            UNROLL
            for (int j = 0; j < vectors; j++)
                xv[j] = *(const VEC *)(xt + j * LANES);
            UNROLL
            for (int i = 0; i < TILE_ROWS; i++) {
                VEC wv = w[i] - (VEC){0};
                UNROLL
                for (int j = 0; j < vectors; j++)
                    acc[i][j] += wv * xv[j];
            }
        }
    }
    UNROLL
    for (int i = 0; i < TILE_ROWS; i++)
        UNROLL
    for (int j = 0; j < vectors; j++)
        *(VEC *)(out + (size_t)i * s->line + j * LANES) = acc[i][j];
}

// out[TILE_ROWS][line] for all pixels of one padded image, garbage in the two columns right of each row.
static TARGET void NAME(conv_rows)(const struct conv *s, const float *x, const float *w, float *out)
{
    size_t pixels = s->height * s->stride;
    size_t p = 0;
    for (; p + 2 * LANES < pixels; p += 3 * LANES)
        NAME(conv_tile)(3, s, x + p, w, out + p);
    if (p + LANES < pixels)
        NAME(conv_tile)(2, s, x + p, w, out + p);
    else if (p < pixels)
        NAME(conv_tile)(1, s, x + p, w, out + p);
}

// dw[FILTERS][9] of one input channel += the products of `images` padded inputs and gradients; the gradients' padding is
// zero, so that whole vectors can run over it.
static TARGET void NAME(conv_weights)(const struct conv *s, size_t images, size_t filters, const float *x,
                                      const float *dy, float *dw, size_t dw_step)
{
    VEC acc[FILTERS][9] = {0};
    size_t other[FILTERS];
    for (size_t f = 0; f < FILTERS; f++) // filters past the end repeat the last one and are not stored
        other[f] = (f < filters ? f : filters - 1) * s->line;
    for (size_t n = 0; n < images; n++, x += s->in * s->plane, dy += s->out * s->line) {
        for (size_t p = 0; p < s->height * s->stride; p += LANES) {
            VEC d[FILTERS];
            UNROLL
            for (int f = 0; f < FILTERS; f++)
                d[f] = *(const VEC *)(dy + other[f] + p);
            UNROLL
            for (int t = 0; t < 9; t++) {
                VEC xv = *(const VEC *)(x + s->tap[t] + p);
                KEEP(xv);
                UNROLL
                for (int f = 0; f < FILTERS; f++)
                    acc[f][t] += d[f] * xv;
            }
        }
    }
    for (size_t f = 0; f < filters; f++)
        for (int t = 0; t < 9; t++) {
            float sum = 0;
            for (int i = 0; i < LANES; i++)
                sum += acc[f][t][i];
            dw[f * dw_step + (size_t)t] += sum;
        }
}

// Gradient through bias and activation of one channel: masks dy where y is 0, returns its sum.
static TARGET float NAME(activation_backward)(enum sw_activation activation, size_t count, const float *restrict y,
                                              float *restrict dy)
{
    VEC sums = {0};
    size_t i = 0;
    if (activation == SW_ACTIVATION_RELU)
        for (size_t j = 0; j < count; j++)
            dy[j] = y[j] > 0 ? dy[j] : 0;
    for (; i + LANES <= count; i += LANES)
        sums += *(const VEC *)(dy + i);
    float sum = 0;
    for (; i < count; i++)
        sum += dy[i];
    for (int l = 0; l < LANES; l++)
        sum += sums[l];
    return sum;
}

static TARGET void NAME(store_line)(enum sw_activation activation, size_t count, const float *restrict from, float bias,
                                    float *restrict to)
{
    if (activation == SW_ACTIVATION_RELU)
        for (size_t j = 0; j < count; j++)
            to[j] = from[j] + bias > 0 ? from[j] + bias : 0;
    else
        for (size_t j = 0; j < count; j++)
            to[j] = from[j] + bias;
}

static TARGET void NAME(sgd)(const struct sw_sgd *o, size_t count, float *restrict w, const float *restrict g,
                             float *restrict momentum)
{
    float lr = o->lr, mu = o->momentum, decay = o->weight_decay;
    for (size_t i = 0; i < count; i++) {
        float d = g[i] + decay * w[i];
        momentum[i] = mu * momentum[i] + d;
        w[i] -= lr * momentum[i];
    }
}

static TARGET void NAME(adamw)(const struct sw_adamw *o, size_t count, float *restrict w, const float *restrict g,
                               float *restrict m, float *restrict v)
{
    float keep = 1 - o->lr * o->weight_decay, step = o->lr / o->correction1, b1 = o->beta1, b2 = o->beta2;
    float scale = 1 / sqrtf(o->correction2), epsilon = o->epsilon;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        VEC gv = *(const VEC *)(g + i);
        VEC mv = b1 * *(const VEC *)(m + i) + (1 - b1) * gv;
        VEC vv = b2 * *(const VEC *)(v + i) + (1 - b2) * gv * gv;
        *(VEC *)(m + i) = mv;
        *(VEC *)(v + i) = vv;
        *(VEC *)(w + i) = keep * *(const VEC *)(w + i) - step * mv / (ROOT(vv) * scale + epsilon);
    }
    for (; i < count; i++) {
        m[i] = b1 * m[i] + (1 - b1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        w[i] = keep * w[i] - step * m[i] / (sqrtf(v[i]) * scale + epsilon);
    }
}

static const struct kernels NAME(kernels) = {
    .lanes = LANES,
    .tile_rows = TILE_ROWS,
    .filters = FILTERS,
    .panel = NAME(panel),
    .conv_rows = NAME(conv_rows),
    .conv_weights = NAME(conv_weights),
    .activation_backward = NAME(activation_backward),
    .store_line = NAME(store_line),
    .sgd = NAME(sgd),
    .adamw = NAME(adamw),
};

#undef VEC
#undef NAME
#undef JOIN
#undef JOIN_
#undef SUFFIX
#undef TARGET
#undef LANES
#undef TILE_ROWS
#undef FILTERS
#undef ROOT
