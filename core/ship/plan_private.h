// SPDX-License-Identifier: Apache-2.0
// The plan of a push: everything that is known before anything is done. `plan_json` of the journal holds what a
// resumed push must not decide anew (anchors, approvals); the rest is worked out again from the request.
#ifndef SW_SHIP_PLAN_PRIVATE_H
#define SW_SHIP_PLAN_PRIVATE_H

#include "core/model/header.h"
#include "core/ship/push.h"

// What ties a package to one moment. A repeated push takes the anchors of the one before, so that the same content
// gives the same bytes.
struct plan_anchor {
    int64_t push_id;
    char audit_head[SW_SHA256_HEX];
};

struct plan {
    struct sw_store *store;
    struct sw_arena *arena;
    const struct sw_push_request *request;
    struct sw_model_version version;
    struct sw_model_header header; // what the model says about itself
    const char *target, *address;
    const char *rest; // of address
    const struct sw_target_kind *kind;
    const char *target_namespace; // NULL = the target names none
    struct sw_template *manifest; // NULL = none
    const char *template_name;    // "" when none
    const char *model_uri;
    // SHA-256 over model, target and manifests rendered with empty anchors: two requests with the same one are the same.
    char fingerprint[SW_SHA256_HEX];

    struct plan_anchor anchor;
    struct sw_approval_standing standing; // of the approvals that go along, only `counted` matters
    struct sw_package package;
    const char *manifests; // as one YAML text
};

// Resolves the request. Reads only. plan_free() after success and failure alike.
enum sw_code plan_make(struct sw_store *s, const struct sw_push_request *r, struct sw_arena *a, struct plan *out,
                       struct sw_err *err);
void plan_free(struct plan *p);
// Renders and packs with p->anchor and p->standing.
enum sw_code plan_pack(struct plan *p, struct sw_err *err);
// Packs with the anchors of the last finished push when that gives the very package it pushed, else with `fresh`.
enum sw_code plan_pack_anchored(struct plan *p, const struct plan_anchor *fresh, struct sw_err *err);
// The newest finished push of this model to this target; *found is false when there is none.
enum sw_code plan_find_last_done(struct plan *p, struct sw_push *out, bool *found, struct sw_err *err);

// plan_json: written once anchors and approvals are known, read by a resumed push.
enum sw_code plan_to_json(const struct plan *p, char **out /* take */, struct sw_err *err);
// Takes anchor and approvals from the journal. *is_complete is false when the push had not come so far.
enum sw_code plan_restore(struct plan *p, const struct sw_push *push, bool *is_complete, struct sw_err *err);
// True when `push` was planned from an equal request.
bool plan_fits(const struct plan *p, const struct sw_push *push);

#endif
