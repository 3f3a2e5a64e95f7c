// SPDX-License-Identifier: Apache-2.0
// Versions of the schema and the one way from an older file to the present one. `user_version` is the number of the last
// migration that was applied; each is one transaction, so a file is always at exactly one version.
#ifndef SW_STORE_SCHEMA_PRIVATE_H
#define SW_STORE_SCHEMA_PRIVATE_H

#include "core/store/store_private.h"

#define SW_SCHEMA_APPLICATION_ID 0x536c6970 // "Slip"

extern const char sw_schema_v1[]; // schema_v1.c, and so on: one file per version
extern const char sw_schema_v2[];

struct sw_migration {
    int version;     // 1, 2, 3... without gaps
    const char *sql; // statements that lead from version - 1 to this one
};

// All migrations of this program, the first at [0].
const struct sw_migration *sw_schema_migrations(size_t *count);
// What is in the file: a version (0 = empty file). SW_CORRUPT when the file is not ours.
enum sw_code sw_schema_version(struct sw_store *s, int *version, struct sw_err *err);
// Applies what is missing of `list`. A file that already holds data is first copied to slipway.db.v<N>.bak.
// Several processes may do this at once: one migrates, the others find it done. SW_NEWER, SW_NO_SPACE, SW_IO.
enum sw_code sw_schema_migrate(struct sw_store *s, const struct sw_migration *list, size_t count, struct sw_err *err);

#endif
