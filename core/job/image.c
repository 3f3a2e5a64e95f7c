// SPDX-License-Identifier: Apache-2.0
// Images that a training logs for TensorBoard, kept as artifacts: few of each tag, since they come without end. They are
// not synced: what a crash takes is an image, and there may be many a second.
#include "core/job/harvest_private.h"

#include "core/base/file.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME = 48 };

struct sw_job_image_tag {
    char *tag, *dir;
    char names[SW_JOB_IMAGES][NAME]; // a ring
    size_t count;                    // ever added
};

static const struct {
    const char *magic;
    size_t len;
    const char *ending;
} formats[] = {{"\x89PNG\r\n\x1a\n", 8, "png"}, {"\xff\xd8\xff", 3, "jpg"}};

static const char *ending_of(const void *bytes, size_t len)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (len > formats[i].len && memcmp(bytes, formats[i].magic, formats[i].len) == 0)
            return formats[i].ending;
    return NULL;
}

// A tag as a path below the artifacts: what could lead out of them, or no file system takes, becomes '_'.
static char *path_of(const struct sw_job_images *t, const char *tag)
{
    char relative[512] = "", whole[SW_PATH_MAX];
    size_t part = 0, n = 0;
    for (; *tag && n + 1 < sizeof(relative); tag++) {
        char c = *tag;
        if (c == '/' && n == part)
            continue; // an empty part
        bool is_plain = (unsigned char)c > ' ' && c != '\\' && c != 0x7f && !(c == '.' && n == part);
        relative[n++] = is_plain || c == ' ' ? c : '_';
        if (c == '/')
            part = n;
    }
    while (n > 0 && relative[n - 1] == '/')
        n--;
    relative[n] = '\0';
    int len = snprintf(whole, sizeof(whole), "%s/tensorboard/%s", t->artifact_dir, relative);
    return n > 0 && sw_utf8_valid(relative, n) && sw_path_is_contained(relative) && len < (int)sizeof(whole)
               ? strdup(whole)
               : NULL;
}

static struct sw_job_image_tag *find_tag(struct sw_job_images *t, const char *tag)
{
    struct sw_err err = {0};
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->tags[i].tag, tag) == 0)
            return &t->tags[i];
    if (t->count == SW_JOB_IMAGE_TAGS)
        return NULL;
    if (!t->tags && !(t->tags = calloc(SW_JOB_IMAGE_TAGS, sizeof(*t->tags))))
        return NULL;
    struct sw_job_image_tag fresh = {.tag = strdup(tag), .dir = path_of(t, tag)};
    if (!fresh.tag || !fresh.dir || sw_path_make_dirs(fresh.dir, &err) != SW_OK) {
        free(fresh.tag);
        free(fresh.dir);
        return NULL;
    }
    t->tags[t->count] = fresh;
    return &t->tags[t->count++];
}

static enum sw_code write_file(const char *path, const void *bytes, size_t len, struct sw_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sw_err_errno(err, errno, "cannot write %s", path);
    enum sw_code code = sw_fd_write_all(fd, bytes, len, path, err);
    close(fd);
    if (code)
        unlink(path);
    return code;
}

// Keeps the name; the oldest of a full ring goes.
static void note_name(struct sw_job_image_tag *tag, const char *name)
{
    char path[SW_PATH_MAX];
    for (size_t i = 0; i < SW_JOB_IMAGES; i++)
        if (strcmp(tag->names[i], name) == 0)
            return;
    char *place = tag->names[tag->count++ % SW_JOB_IMAGES];
    if (*place && snprintf(path, sizeof(path), "%s/%s", tag->dir, place) < (int)sizeof(path))
        unlink(path);
    snprintf(place, NAME, "%s", name);
}

void sw_job_images_add(struct sw_job_images *t, const char *tag, int64_t step, int index, const void *bytes, size_t len)
{
    char name[NAME], suffix[16] = "", path[SW_PATH_MAX];
    struct sw_err err = {0};
    const char *ending = ending_of(bytes, len);
    struct sw_job_image_tag *place =
        ending && len <= SW_JOB_IMAGE_BYTES && index < SW_JOB_IMAGES ? find_tag(t, tag) : NULL;
    if (!place)
        return;
    if (index > 0)
        snprintf(suffix, sizeof(suffix), "-%d", index + 1);
    snprintf(name, sizeof(name), "%" PRId64 "%s.%s", step, suffix, ending);
    enum sw_code code = sw_path_join(path, place->dir, name, &err);
    if (!code)
        code = write_file(path, bytes, len, &err);
    if (!code)
        note_name(place, name);
    else if (!t->is_failure_told)
        fprintf(stderr, "an image is lost: %s\n", err.message);
    t->is_failure_told |= code != SW_OK;
}

void sw_job_images_free(struct sw_job_images *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->tags[i].tag);
        free(t->tags[i].dir);
    }
    free(t->tags);
    t->tags = NULL;
    t->count = 0;
}
