// SPDX-License-Identifier: Apache-2.0
// What a job writes into files, read as it grows: TensorBoard's event files and a file of JSON Lines. Belongs to the
// writer's thread, which stores what was found; so a store that cannot be written stops the reading, and a slow disk
// stops neither logs nor the ending of processes.
#ifndef SW_JOB_HARVEST_PRIVATE_H
#define SW_JOB_HARVEST_PRIVATE_H

#include <sys/types.h>

#include "core/job/job_private.h"

// --- a file that grows (follow.c) ---

#define SW_JOB_FOLLOW_TAIL 64
struct sw_job_follow {
    char path[SW_PATH_MAX];
    int fd; // -1 = not there yet
    dev_t device;
    ino_t inode;
    int64_t offset;
    char tail[SW_JOB_FOLLOW_TAIL]; // what stands before `offset`: a file that was written anew shows by it
    size_t tail_len;
};
void sw_job_follow_init(struct sw_job_follow *f, const char *path);
void sw_job_follow_skip(struct sw_job_follow *f); // what is there now is not read
// The next bytes: *len 0 when there are none. *is_anew tells that they begin a file: it was truncated, or replaced after
// its last byte had been read (rotation). SW_INVALID for what is no regular file, SW_IO.
enum sw_code sw_job_follow_read(struct sw_job_follow *f, void *block, size_t size, size_t *len, bool *is_anew,
                                struct sw_err *err);
void sw_job_follow_close(struct sw_job_follow *f);

// --- finding event files (walk.c) ---

#define SW_JOB_WALK_DEPTH   8
#define SW_JOB_WALK_ENTRIES 20000

// A file whose name holds "tfevents", below a folder.
struct sw_job_found {
    char *path; // the finder's
    int depth;  // folders between
    dev_t device;
    ino_t inode;
    int64_t born_ms, changed_ms; // by the clock of the file system; born_ms 0 where it keeps none
};
struct sw_job_walk {
    struct sw_job_found *items; // in the order of depth, birth, path
    size_t count, cap;
    size_t seen; // entries of folders that were looked at
    bool is_cut; // the limits ended the walk early
};
// Adds what is below `root`; links are not followed, hidden folders and other file systems not entered. A folder that
// cannot be read is empty.
void sw_job_walk_add(struct sw_job_walk *w, const char *root);
void sw_job_walk_sort(struct sw_job_walk *w);
void sw_job_walk_free(struct sw_job_walk *w);

// --- images (image.c) ---

#define SW_JOB_IMAGES      16 // of one tag: the latest are kept, older ones removed
#define SW_JOB_IMAGE_TAGS  64
#define SW_JOB_IMAGE_BYTES (8 << 20) // a larger one is passed over

// Images of event files become artifacts, tensorboard/TAG/STEP.png or .jpg (STEP-2.png for the second of a step).
// Zero-initialise, set `artifact_dir` (borrow).
struct sw_job_image_tag;
struct sw_job_images {
    const char *artifact_dir;
    struct sw_job_image_tag *tags;
    size_t count;
    bool is_failure_told;
};
void sw_job_images_add(struct sw_job_images *t, const char *tag, int64_t step, int index, const void *bytes,
                       size_t len);
void sw_job_images_free(struct sw_job_images *t);

// --- the harvest (harvest.c) ---

#define SW_JOB_EVENT_FILES 256  // of one attempt
#define SW_JOB_WALK_MS     1000 // between two looks for new files, longer where a look takes long

struct sw_job_harvest_spec {
    int64_t job_id;
    const char *work_dir, *artifact_dir, *cwd;
    const char *tensorboard_dir; // where event files are to be looked for instead of `cwd`; NULL
    const char *metrics_file;    // NULL = none
    struct sw_job_sources *sources;
};
struct sw_job_harvest;
// Notes what is there already: only what is written from now on is read. All of the spec is copied but `sources`.
enum sw_code sw_job_harvest_new(const struct sw_job_harvest_spec *spec, struct sw_job_harvest **out,
                                struct sw_err *err);
void sw_job_harvest_free(struct sw_job_harvest *h); // accepts NULL
// Reads a bounded amount into the batch; true when more is there to be read at once. `is_last` once no process of the job
// is left: every file is looked for and read to its end, and held params come out.
bool sw_job_harvest_step(struct sw_job_harvest *h, struct sw_store *s, bool is_last);
struct sw_job_batch *sw_job_harvest_batch(struct sw_job_harvest *h); // borrow; the caller empties it after each step

#endif
