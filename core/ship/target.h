// SPDX-License-Identifier: Apache-2.0
// Where a push may go: one table of target kinds, chosen by the scheme of an address ("bundle:/srv/out"). The push
// state machine (push.h) drives the slots in a fixed order; a kind keeps what it needs between slots in its handle.
// A new kind is a file with its row and one line in target.c.
#ifndef SW_SHIP_TARGET_H
#define SW_SHIP_TARGET_H

#include "core/base/path.h"
#include "core/ship/package.h"

#define SW_TARGET_ADDRESS_MAX SW_PATH_MAX

enum sw_ship_change { SW_SHIP_NEW, SW_SHIP_CHANGED, SW_SHIP_SAME, SW_SHIP_GONE };
const char *sw_ship_change_word(enum sw_ship_change change); // "new", "changed", "same", "gone"

// One thing at the target: a file, later an object. `digest` is "" when gone, `bytes` NULL when not made here.
struct sw_ship_item {
    const char *path;
    int64_t size_bytes;
    const char *digest;
    enum sw_ship_change change;
    const char *bytes;
};
struct sw_ship_diff {
    struct sw_ship_item *items; // sorted by path
    size_t count;
    size_t new_count, changed_count, same_count, gone_count;
    const char *destination; // "/srv/out/fashion-cnn"
    bool is_unchanged;       // applying would write nothing
};

// What is being shipped; valid while the handle is open.
struct sw_shipment {
    const struct sw_package *package;
    const char *rest;           // of the address, after "scheme:"
    sw_model_progress progress; // NULL = none; told the bytes moved by upload
    void *ctx;
};

struct sw_target_kind {
    const char *scheme;
    const char *summary;      // one line for help
    const char *address_help; // "bundle:FOLDER or bundle:FILE.tar"
    // Checks what follows "scheme:" and writes its normal form into `out` (SW_TARGET_ADDRESS_MAX). Touches nothing.
    enum sw_code (*normalize)(const char *rest, char *out, struct sw_err *err);
    enum sw_code (*open)(const struct sw_shipment *s, void **handle, struct sw_err *err);
    void (*close)(void *handle); // accepts NULL
    // Can this work? Reachable, rights, space, nothing foreign in the way. Changes nothing.
    enum sw_code (*preflight)(void *handle, struct sw_err *err);
    // Keeps others out until close (SW_LOCKED) and brings the bytes near, without effect on what is there. Started
    // again after a kill it keeps what is right already.
    enum sw_code (*upload)(void *handle, struct sw_err *err);
    // What apply would change. Changes nothing and needs no handle: previews ask it too.
    enum sw_code (*diff)(const struct sw_shipment *s, struct sw_arena *a, struct sw_ship_diff *out, struct sw_err *err);
    // Makes it so, all or nothing as far as the target can; doing it twice is the same as once.
    enum sw_code (*apply)(void *handle, struct sw_err *err);
    // Returns when the target is as it should be, or says why it will not be.
    enum sw_code (*wait)(void *handle, struct sw_err *err);
    // Is what stands there for `model` still what was pushed with this package digest? SW_CORRUPT, SW_NOT_FOUND.
    enum sw_code (*verify)(const char *rest, const char *model, const char *package_digest, struct sw_err *err);
};

// The kinds of this version, for help and completion.
const struct sw_target_kind *const *sw_target_kinds(size_t *count);
// Splits "scheme:rest" and normalises it: *kind and the full address in `out`. SW_INVALID for what is no address,
// SW_UNSUPPORTED for a scheme that a later version will know.
enum sw_code sw_target_parse(const char *address, const struct sw_target_kind **kind,
                             char out[static SW_TARGET_ADDRESS_MAX], struct sw_err *err);
// The part after the scheme of a parsed address; borrow.
const char *sw_target_rest(const char *address);

#endif
