// SPDX-License-Identifier: Apache-2.0
// What one push carries, whatever the target: the model's files, the rendered manifests, the approvals with their
// signatures, the head of the audit log and a note on how to apply it, proved by one list of digests. The list, named
// MANIFEST, is not part of itself; its SHA-256 is the package's digest. A package is a pure function of its input.
//
//   MANIFEST  model/...  manifests/01-inferenceservice.yaml  approval.json  approval.json.sig  audit-head  APPLY.md
#ifndef SW_SHIP_PACKAGE_H
#define SW_SHIP_PACKAGE_H

#include "core/model/approval.h"

#define SW_PACKAGE_MANIFEST "MANIFEST"
#define SW_PACKAGE_MODEL    "model/"
#define SW_PACKAGE_APPROVAL "approval" // "approval.json", "approval-2.json", ...
#define SW_PACKAGE_AUDIT    "audit-head"
#define SW_PACKAGE_NOTE     "APPLY.md"
#define SW_PACKAGE_PART_MAX (8u << 20) // bytes of one file that is not the model's

// A rendered manifest: one Kubernetes object.
struct sw_package_object {
    const char *kind; // "InferenceService"
    const char *name; // metadata.name
    const char *yaml;
};
struct sw_package_input {
    const struct sw_model_version *version;
    const struct sw_approval *approvals; // oldest first
    size_t approval_count;
    const struct sw_package_object *objects;
    size_t object_count;
    const char *storage_uri; // where the manifests expect the model's files; "" when they do not say
    const char *audit_head;
};

// A file of the package that is made here and held in memory.
struct sw_package_part {
    const char *path;
    const char *bytes;
    size_t len;
};
struct sw_package {
    const char *model;           // registered model
    const char *label;           // "fashion-cnn/3"
    const char *model_root;      // the version's folder: holds what is listed below SW_PACKAGE_MODEL
    struct sw_model_files files; // everything but MANIFEST; files.digest is the package's digest
    const char *manifest;        // bytes of MANIFEST
    size_t manifest_len;
    struct sw_package_part *parts; // sorted by path
    size_t part_count;
};

// Everything lives in `a`, or is borrowed from `input` as long as it lives there.
enum sw_code sw_package_make(const struct sw_package_input *input, struct sw_arena *a, struct sw_package *out,
                             struct sw_err *err);
// The bytes of a file that is not the model's; NULL for the model's and unknown ones.
const struct sw_package_part *sw_package_find_part(const struct sw_package *p, const char *path);

#endif
