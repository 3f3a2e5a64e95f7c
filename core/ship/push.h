// SPDX-License-Identifier: Apache-2.0
// The push: from an approved model version to a target, as a state machine journalled in the store. Each arrow is on
// disk (FULL) before the next one's effect begins, and effects can be repeated, so the same call after a kill finishes
// the same push. A push that was killed before it changed the target is checked again from the start.
#ifndef SW_SHIP_PUSH_H
#define SW_SHIP_PUSH_H

#include "core/manifest/template.h"
#include "core/ship/target.h"
#include "core/store/push.h"

// State, its word in the journal, and what the step that leads to it does. "failed" and "done" are final.
#define SW_PUSH_STATE_TABLE(X)                                                                                         \
    X(SW_PUSH_PLANNED, "planned", "plan")                                                                              \
    X(SW_PUSH_VERIFIED, "verified", "verify")                                                                          \
    X(SW_PUSH_PREFLIGHT, "preflight", "preflight")                                                                     \
    X(SW_PUSH_UPLOADED, "uploaded", "upload")                                                                          \
    X(SW_PUSH_DIFFED, "diffed", "diff")                                                                                \
    X(SW_PUSH_APPLIED, "applied", "apply")                                                                             \
    X(SW_PUSH_WAITED, "waited", "wait")                                                                                \
    X(SW_PUSH_RECORDED, "recorded", "record")                                                                          \
    X(SW_PUSH_DONE, "done", "finish")                                                                                  \
    X(SW_PUSH_FAILED, "failed", "fail")
#define SW_PUSH_STATE_ENUM(state, word, step) state,
enum sw_push_state { SW_PUSH_STATE_TABLE(SW_PUSH_STATE_ENUM) SW_PUSH_STATE_COUNT };
#undef SW_PUSH_STATE_ENUM
const char *sw_push_state_word(enum sw_push_state state); // "uploaded"
const char *sw_push_step_word(enum sw_push_state state);  // "upload"

struct sw_push_event {
    int64_t push_id;
    enum sw_push_state state;        // the one being worked towards
    bool is_reached;                 // false: begins or moves on; true: journalled
    const char *message;             // "3 files = approved digest"; "" while it moves
    int64_t done_bytes, total_bytes; // of the upload; 0 otherwise
};
// false asks to stop: the push stays where it is and the same call goes on later (SW_CANCELLED).
typedef bool (*sw_push_watch)(void *ctx, const struct sw_push_event *event);

struct sw_push_request {
    const char *model;                   // NAME, NAME@alias or NAME/3
    const char *target;                  // a target's name, or an address
    const char *manifest_template;       // name or path; NULL = the model without manifests
    const struct sw_template_value *set; // parameters given by the user
    size_t set_count;
    const struct sw_policy *policy; // NULL = the rules under which it was approved
    sw_push_watch watch;            // NULL = none
    void *ctx;
};

// What a push would do; nothing is written anywhere.
struct sw_push_preview {
    struct sw_model_version version;
    const char *target, *address;
    struct sw_approval_standing standing; // may say no: the push would be refused
    struct sw_err refusal;                // code SW_OK, or why it would be refused
    struct sw_ship_diff diff;
    struct sw_package package;
    const char *manifests;   // all of them as one YAML text
    int64_t resumes_push_id; // 0 = a new push
};
enum sw_code sw_push_look(struct sw_store *s, const struct sw_push_request *request, struct sw_arena *a,
                          struct sw_push_preview *out, struct sw_err *err);

struct sw_push_outcome {
    int64_t push_id, revision;
    bool was_resumed, is_unchanged;
    const char *destination, *package_digest;
    const char *result_json; // {"destination","package_digest","files","size_bytes","changes","revision","unchanged"}
};
// SW_REFUSED (exit 5) not approved, revoked or changed bytes: nothing was written to the target. SW_LOCKED another live
// process pushes to this target (its pid is named). SW_CONFLICT, SW_NO_SPACE, SW_IO: the push stays in its state and
// the same call takes it up. Failpoints "push.STEP.before" and "push.STEP.after" for each step from "verify" on:
// before its effect, and between its effect and its arrow; "model.copy" and "tar.write" for each block written.
enum sw_code sw_push_run(struct sw_store *s, const struct sw_push_request *request, struct sw_arena *a,
                         struct sw_push_outcome *out, struct sw_err *err);

// How one model stands at a target.
struct sw_ship_status {
    struct sw_push last;        // newest push, whatever its state
    bool has_live_holder;       // somebody works on it now
    int64_t revision;           // of the newest finished push; 0 = none
    int64_t version;            // its model version; 0 = none
    int64_t pushed_ms;          // when it finished
    enum sw_code verified;      // SW_OK, SW_CORRUPT, ...; SW_CANCELLED when not asked for or nothing is there
    const char *verify_message; // "" when fine
};
// One row a model, by name. `target` is a name or an address. `verify` reads every byte at the target.
enum sw_code sw_ship_status_list(struct sw_store *s, const char *target, bool verify, struct sw_arena *a,
                                 struct sw_ship_status **out, size_t *count, struct sw_err *err);

#endif
