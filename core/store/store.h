// SPDX-License-Identifier: Apache-2.0
// The SQLite tracker: one connection, opened on a store folder that holds `slipway.db` and `artifacts/`. A connection
// belongs to one thread and is never carried over fork. All SQL of the project lives in core/store; every write is
// `BEGIN IMMEDIATE` and waits for other writers instead of failing, up to a long deadline (SW_LOCKED after it).
// The families of tables have a header each: run.h, metric.h, dataset.h, job.h, model.h, push.h, audit.h.
#ifndef SW_STORE_STORE_H
#define SW_STORE_STORE_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"

struct sw_store;

enum sw_store_mode {
    SW_STORE_CREATE,    // make folder and file when missing, migrate when older (a backup is made first)
    SW_STORE_OPEN,      // must exist (SW_NO_STORE); migrate when older
    SW_STORE_READ_ONLY, // must exist; never written; a newer file may be opened
};

// `dir` is the store folder. SW_NEWER for a newer schema (unless read-only), SW_CORRUPT for a damaged file or one that
// is not ours, SW_LOCKED, SW_IO, SW_NO_SPACE.
enum sw_code sw_store_open(const char *dir, enum sw_store_mode mode, struct sw_store **out, struct sw_err *err);
void sw_store_close(struct sw_store *s);
const char *sw_store_dir(const struct sw_store *s); // borrow, absolute
bool sw_store_is_read_only(const struct sw_store *s);
// Changes whenever another connection committed or this one did: readers repaint when it moved.
uint64_t sw_store_change_count(struct sw_store *s);

// Durability of a write transaction: FULL survives power loss once it returned (approvals, pushes, audit, job state);
// NORMAL may lose the last commits then, never the file's integrity (metric batches).
enum sw_store_durability { SW_STORE_NORMAL, SW_STORE_FULL };
// Functions of the families open their own transaction unless the caller has one open; so several calls can be made
// one atomic step. Nesting is refused with SW_FAILED (a programming error), and so is a function that needs FULL (jobs but
// for heartbeats, models, targets, pushes, audit) in a NORMAL transaction. A function that fails within the caller's
// transaction leaves nothing of itself behind; the caller may go on or roll back.
enum sw_code sw_store_begin(struct sw_store *s, enum sw_store_durability durability, struct sw_err *err);
enum sw_code sw_store_commit(struct sw_store *s, struct sw_err *err);
void sw_store_rollback(struct sw_store *s); // no open transaction is fine
// Runs `fn` as one step of the open transaction: when it fails, nothing of it is left and the transaction goes on. Unless
// SQLite gave the whole transaction up (a full disk): sw_store_is_broken() tells.
enum sw_code sw_store_try(struct sw_store *s, enum sw_code (*fn)(void *ctx, struct sw_err *err), void *ctx,
                          struct sw_err *err);
bool sw_store_is_broken(const struct sw_store *s); // a transaction was begun and is no more

struct sw_store_health {
    bool is_intact;          // PRAGMA integrity_check and foreign keys
    char first_problem[256]; // empty when intact
    int schema_version;
    bool is_newer; // written by a newer program: it can be read only
    int64_t file_bytes, wal_bytes;
    int64_t runs, metric_points, jobs, audit_rows;
};
enum sw_code sw_store_check(struct sw_store *s, bool deep, struct sw_store_health *out, struct sw_err *err);

#endif
