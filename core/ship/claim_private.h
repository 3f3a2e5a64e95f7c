// SPDX-License-Identifier: Apache-2.0
// Who works on which push: one live process a target, and the same request takes up what a dead one left.
#ifndef SW_SHIP_CLAIM_PRIVATE_H
#define SW_SHIP_CLAIM_PRIVATE_H

#include "core/ship/plan_private.h"

// In one FULL-durable step: refuses with SW_LOCKED while a live process pushes to the target, takes up the unfinished
// push that fits the plan, or adds a new one and ends an unfinished one of the same model that does not fit.
enum sw_code claim_push(struct plan *p, struct sw_push *row, bool *was_resumed, struct sw_err *err);
// The unfinished push that claim_push() would take up; 0 when there is none.
enum sw_code claim_find(struct plan *p, int64_t *push_id, struct sw_err *err);
bool claim_is_live(const struct sw_push *push);

#endif
