// SPDX-License-Identifier: Apache-2.0
// The folder of uploads, as the two files see it that fill it.
//
//   .uploads/put-<id>                a file on its way, locked by who writes it
//   .uploads/mpu-<id>/about          a multipart upload: its target and the number of its parts
//   .uploads/mpu-<id>/<number>-<etag>  a complete part
//   .uploads/mpu-<id>/done           in the place of the parts, once they are put together
#ifndef SW_SERVE_ARTIFACT_UPLOADS_PRIVATE_H
#define SW_SERVE_ARTIFACT_UPLOADS_PRIVATE_H

#include "core/serve/artifact_private.h"

#define SW_ARTIFACT_UPLOADS    ".uploads"
#define SW_ARTIFACT_PUT_PREFIX "put-"
#define SW_ARTIFACT_MPU_PREFIX "mpu-"

enum sw_code sw_artifact_uploads_folder(int root, int *fd /* take */, struct sw_err *err); // made when missing
// As sw_artifact_upload_finish(), to a place of ours below any folder.
enum sw_code sw_artifact_upload_place(struct sw_artifact_upload *u, int base, const char *relative, struct sw_err *err);

#endif
