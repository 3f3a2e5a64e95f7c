// SPDX-License-Identifier: Apache-2.0
// A net on a device: parameters, gradients and activations, one allocation each, carved by offsets. A step is upload,
// forward, backward, (sum over ranks,) update; none of these allocates. One thread.
#ifndef SW_GPU_SESSION_H
#define SW_GPU_SESSION_H

#include "gpu/net.h"

// Floats kept behind the gradients, so that one all-reduce carries them: loss sum and correct rows of the step, and
// whether somebody wants to stop.
enum { SW_TAIL_LOSS = SW_LOSS_SUM, SW_TAIL_CORRECT = SW_LOSS_CORRECT, SW_TAIL_STOP = SW_LOSS_STATS, SW_TAIL = 16 };

struct sw_session {
    const struct sw_net *net; // borrow
    const struct sw_engine *engine;
    struct sw_device *device; // borrow
    struct sw_queue *compute, *copy;
    struct sw_event *uploaded[2], *consumed[2];
    int rows_max;
    float *params;      // device [net->params]
    float *grads;       // device [net->params + SW_TAIL]; NULL when only for inference
    float *activations; // device: inputs and labels twice, outputs of all layers, two gradients of the largest
    float *input[2];
    int32_t *labels[2];
    float *outputs[SW_NET_MAX_LAYERS];
    float *gradients[2];
    int side; // which input is filled next
    float *probabilities;
};

// `rows_max` rows at most in one call. `can_train` adds the memory that backward needs.
enum sw_code sw_session_new(const struct sw_net *net, const struct sw_engine *engine, struct sw_device *device,
                            int rows_max, bool can_train, struct sw_session **out /* take */, struct sw_err *err);
void sw_session_free(struct sw_session *s); // accepts NULL; not the device

enum sw_code sw_session_set_params(struct sw_session *s, const float *host, struct sw_err *err);
enum sw_code sw_session_get_params(struct sw_session *s, float *host, struct sw_err *err);

// Queues the copy of [rows, net->in] features and (unless NULL) labels; returns the side to compute on. The host arrays
// must stay until the next sync. rows may be 0.
int sw_session_put(struct sw_session *s, int rows, const float *features, const int32_t *labels);
// Queues the forward pass; the logits [rows, classes] are borrowed until the next call.
const float *sw_session_forward(struct sw_session *s, int side, int rows);
// Queues loss and gradients of sum(loss) * scale after a forward pass: grads are overwritten, the loss's sums are added
// to the tail.
void sw_session_backward(struct sw_session *s, int side, int rows, float scale);
// Queues the loss's sums only, into `stats` (device, SW_LOSS_STATS floats).
void sw_session_loss(struct sw_session *s, int side, int rows, float *stats);
// Class probabilities of `rows` samples, into `host` [rows, classes]. Waits.
enum sw_code sw_session_predict(struct sw_session *s, int rows, const float *features, float *host, struct sw_err *err);
enum sw_code sw_session_sync(struct sw_session *s, struct sw_err *err);

#endif
