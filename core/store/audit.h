// SPDX-License-Identifier: Apache-2.0
// The audit log: append-only by trigger, each row chained by hash = SHA-256(previous hash, canonical row). Tamper-
// evident, not tamper-proof: the head is anchored in every push. Rows are written in the transaction of the effect.
#ifndef SW_STORE_AUDIT_H
#define SW_STORE_AUDIT_H

#include <jansson.h>

#include "core/base/hash.h"
#include "core/store/store.h"

struct sw_audit {
    int64_t seq;
    int64_t time_ms;
    const char *user, *host;
    const char *action; // "approve", "revoke", "push", "register", "delete"...
    const char *object; // "fashion-cnn/3"
    const char *digest; // "" when none
    const char *detail_json;
    char hash[SW_SHA256_HEX];
};

// user and host are filled from the process when NULL.
enum sw_code sw_audit_add(struct sw_store *s, const char *action, const char *object, const char *digest,
                          const char *detail_json, struct sw_err *err);
// The same with the detail as a tree; NULL stands for one that found no memory.
enum sw_code sw_audit_add_tree(struct sw_store *s, const char *action, const char *object, const char *digest,
                               json_t *detail /* take */, struct sw_err *err);
enum sw_code sw_audit_list(struct sw_store *s, int64_t limit, struct sw_arena *a, struct sw_audit **out, size_t *count,
                           struct sw_err *err);                                                      // newest first
enum sw_code sw_audit_head(struct sw_store *s, char hash[static SW_SHA256_HEX], struct sw_err *err); // zeros when empty
// Recomputes the chain: SW_CORRUPT names the first row that does not fit.
enum sw_code sw_audit_verify(struct sw_store *s, int64_t *rows, struct sw_err *err);

// Login name of the effective user, and host name; borrow, static per thread.
const char *sw_audit_user(void);
#endif
