// SPDX-License-Identifier: Apache-2.0
// Bundles: a package as a folder or a tar, for sites that no network reaches and for everybody without a cluster.
//
//   bundle:/srv/out       the model's folder /srv/out/MODEL/; several models share /srv/out
//   bundle:/srv/out.tar   one tar with one folder MODEL/ in it; a tar belongs to one model
//
// A bundle appears whole or not at all: it is written beside its place and exchanged with what stands there.
#ifndef SW_SHIP_BUNDLE_H
#define SW_SHIP_BUNDLE_H

#include "core/base/path.h"
#include "core/ship/package.h"

struct sw_bundle_info {
    const char *model;           // "" when an approval does not say
    int64_t version;             // 0 likewise
    const char *model_digest;    // tree digest of the files below model/
    struct sw_model_files files; // everything but MANIFEST; files.digest is the package digest
    size_t approval_count;
};
// Reads every byte of a bundle, folder or tar, and compares it with its MANIFEST, and its approvals with its model.
// SW_CORRUPT names the file that was changed, added or lost; SW_NOT_FOUND when there is no bundle.
enum sw_code sw_bundle_verify(const char *path, struct sw_arena *a, struct sw_bundle_info *out, struct sw_err *err);
// The path of the bundle of `model` below a normalised address: "/srv/out/fashion-cnn" or "/srv/out.tar".
enum sw_code sw_bundle_path(const char *rest, const char *model, char out[static SW_PATH_MAX], struct sw_err *err);

#endif
