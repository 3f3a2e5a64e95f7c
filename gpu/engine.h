// SPDX-License-Identifier: Apache-2.0
// The engine table: everything the trainer asks of the machine that does the arithmetic. One row per kind of machine;
// `plain` (portable C with AVX2 and AVX-512 kernels) is always there, CUDA and oneDNN are further rows.
//
// Contracts, written so that they hold for a GPU unchanged:
// - Device memory belongs to the device that allocated it and is reached only through that device's functions. A
//   `float *` named "device" may be offset by the host, never dereferenced by it (on `plain` it happens to be host memory).
// - An operation is queued: on return it may not have run, and its operands must stay alive until the queue is
//   synchronised. Operations of one queue run in order; different queues are ordered by events only.
// - Operations return nothing. The first failure sticks to the queue and is reported by queue_sync().
// - prepare() is called once per layer, before its first use, with the largest row count: there the engine picks
//   algorithms and grows its scratch. Nothing is allocated after that, so that a step can be captured as a graph.
// - Results are deterministic: the same calls on the same device give the same bits.
// - A device and its queues are used by one thread.
//
// Layouts are row-major: images [rows, channels, height, width], dense weights [in, out], conv weights
// [out channels, in channels, 3, 3].
#ifndef SW_GPU_ENGINE_H
#define SW_GPU_ENGINE_H

#include <stdint.h>

#include "core/base/err.h"

struct sw_device; // one opened device and its scratch; each engine has its own
struct sw_queue;  // ordered work (a CUDA stream)
struct sw_event;  // a point in a queue that another queue can wait for

enum sw_activation { SW_ACTIVATION_NONE, SW_ACTIVATION_RELU, SW_ACTIVATION_COUNT };

// y[rows, out] = act(x[rows, in] . w[in, out] + b[out])
struct sw_dense_shape {
    int rows, in, out;
    enum sw_activation activation;
};

// 3x3 cross-correlation, stride 1, one pixel of zero padding: y keeps height and width of x.
struct sw_conv_shape {
    int rows, in, out, height, width;
    enum sw_activation activation;
};

// Maximum over 2x2, stride 2; an odd last row or column is dropped.
struct sw_pool_shape {
    int rows, channels, height, width; // of the input
};

struct sw_sgd {
    float lr, momentum, weight_decay;
};

struct sw_adamw {
    float lr, beta1, beta2, epsilon, weight_decay;
    float correction1, correction2; // 1 - beta^t of this step
};

// What softmax_loss() adds to, device memory.
enum { SW_LOSS_SUM, SW_LOSS_CORRECT, SW_LOSS_STATS };

struct sw_engine {
    const char *name;
    const char *summary; // for --help and `doctor`, lower case

    // SW_UNSUPPORTED with the reason when the machine or a library is missing. `index` counts devices from 0.
    enum sw_code (*open)(int index, struct sw_device **out /* take */, struct sw_err *err);
    void (*close)(struct sw_device *d); // frees everything that was not freed; accepts NULL
    // What runs, for the log: "AVX-512, 1 thread"; borrow, lives as long as the device.
    const char *(*describe)(const struct sw_device *d);

    // Zeroed device memory, 64-byte aligned. SW_NO_MEMORY names the size.
    enum sw_code (*alloc)(struct sw_device *d, size_t count, float **out /* take */, struct sw_err *err);
    void (*free)(struct sw_device *d, float *device);

    enum sw_code (*queue_new)(struct sw_device *d, struct sw_queue **out /* take */, struct sw_err *err);
    void (*queue_free)(struct sw_queue *q); // accepts NULL
    // Waits for all that was queued. The first failure since the last sync: SW_FAILED, SW_NO_MEMORY.
    enum sw_code (*queue_sync)(struct sw_queue *q, struct sw_err *err);
    enum sw_code (*event_new)(struct sw_device *d, struct sw_event **out /* take */, struct sw_err *err);
    void (*event_free)(struct sw_event *e);                       // accepts NULL
    void (*event_record)(struct sw_queue *q, struct sw_event *e); // the event is all that `q` holds now
    // Later work of `q` starts after the event; one that was never recorded is no wait.
    void (*event_wait)(struct sw_queue *q, struct sw_event *e);

    // The host side of a copy must stay untouched until the queue is synchronised.
    void (*upload)(struct sw_queue *q, void *device, const void *host, size_t bytes);
    void (*download)(struct sw_queue *q, void *host, const void *device, size_t bytes);
    void (*zero)(struct sw_queue *q, float *device, size_t count);

    enum sw_code (*prepare_dense)(struct sw_device *d, const struct sw_dense_shape *s, struct sw_err *err);
    enum sw_code (*prepare_conv)(struct sw_device *d, const struct sw_conv_shape *s, struct sw_err *err);

    void (*dense_forward)(struct sw_queue *q, const struct sw_dense_shape *s, const float *x, const float *w,
                          const float *b, float *y);
    // `dy` is the gradient of y on entry and is overwritten with that of y before the activation. `dw` and `db` are
    // overwritten; `dx` may be NULL where nobody needs it (the first layer).
    void (*dense_backward)(struct sw_queue *q, const struct sw_dense_shape *s, const float *x, const float *w,
                           const float *y, float *dy, float *dx, float *dw, float *db);
    void (*conv_forward)(struct sw_queue *q, const struct sw_conv_shape *s, const float *x, const float *w,
                         const float *b, float *y);
    void (*conv_backward)(struct sw_queue *q, const struct sw_conv_shape *s, const float *x, const float *w,
                          const float *y, float *dy, float *dx, float *dw, float *db);
    void (*pool_forward)(struct sw_queue *q, const struct sw_pool_shape *s, const float *x, float *y);
    // The gradient goes to the first maximum in reading order; all other elements of `dx` become 0.
    void (*pool_backward)(struct sw_queue *q, const struct sw_pool_shape *s, const float *x, const float *y,
                          const float *dy, float *dx);
    void (*softmax)(struct sw_queue *q, int rows, int classes, const float *logits, float *probabilities);
    // Cross entropy of softmax: adds to stats[SW_LOSS_STATS] and writes dlogits = scale * (softmax - one hot) unless
    // `dlogits` is NULL. `labels` is device memory; a label outside [0, classes) is the caller's fault.
    void (*softmax_loss)(struct sw_queue *q, int rows, int classes, const float *logits, const int32_t *labels,
                         float scale, float *dlogits, float *stats);

    // One update of `count` parameters; state vectors start as zeros. Formulas: torch.optim.SGD and torch.optim.AdamW
    // (decoupled decay, Loshchilov and Hutter 2019).
    void (*sgd)(struct sw_queue *q, const struct sw_sgd *o, size_t count, float *w, const float *g, float *momentum);
    void (*adamw)(struct sw_queue *q, const struct sw_adamw *o, size_t count, float *w, const float *g, float *m,
                  float *v);
};

extern const struct sw_engine sw_engine_plain;

// All engines, best first; NULL-terminated.
extern const struct sw_engine *const sw_engines[];

// The engine of that name, or the first that opens for "auto". SW_USAGE names the known ones.
enum sw_code sw_engine_open(const char *name, int index, const struct sw_engine **engine, struct sw_device **device,
                            struct sw_err *err);

#endif
