// SPDX-License-Identifier: Apache-2.0
// The harvest: which files belong to the job, and what of them becomes metrics, params and artifacts. Event files count
// when they were written since the attempt began: below the job's own folders (work, artifacts) and the one the user named,
// whoever wrote them; below the working directory, which other jobs may share, only those of the job's processes, since an
// event file's name says which process of which host writes it.
#include "core/job/harvest_private.h"
#include "core/job/tensorboard_private.h"

#include "core/base/clock.h"
#include "core/base/failpoint.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 256 << 10,
    STEP_BYTES = 4 << 20, // read in one step, so that other batches, progress and a stop request come between
    STEP_POINTS = 20000,
    SEEN_MAX = 4096, // files of others that are remembered as such
    PARAMS_MAX = 1000,
    KEY_MAX = 600,
    CLOCK_SLACK_MS = 20, // times of files are as coarse as the kernel's tick
    WALK_SHARE = 20,     // looking takes at most this part of the time
};

struct event_file {
    struct sw_job_follow follow;
    struct sw_job_event_reader reader;
    char prefix[256]; // of its keys: "" or "validation/"
};
struct held_param {
    char *key, *value;
};
struct seen {
    dev_t device;
    ino_t inode;
};

enum { ROOTS = 3 };
struct root {
    char *path;
    bool is_shared; // other jobs may write there
};

struct sw_job_harvest {
    int64_t job_id, began_ms; // wall
    struct sw_job_intake intake;
    struct root roots[ROOTS];
    size_t root_count;
    char *cwd, *artifact_dir;
    char *main_folder; // of the first event file; its keys have no prefix
    struct event_file *files[SW_JOB_EVENT_FILES];
    size_t file_count, next_file;
    struct seen *seen;
    size_t seen_count;
    struct held_param *params;
    size_t param_count;
    struct sw_job_images images;
    bool has_metrics_file, is_metrics_problem_told, is_cut_told, has_walked_last;
    struct sw_job_follow metrics;
    struct sw_job_lines lines;
    int64_t walk_at_ms; // monotonic
    char *block;
    struct event_file *current; // while its events are handed on
};

// A line for supervisor.log with a name from outside in it.
static void note(const char *before, const char *path, const char *after)
{
    char safe[SW_PATH_MAX];
    fprintf(stderr, "%s%s%s\n", before, sw_text_safe_copy(safe, sizeof(safe), path, SW_TEXT_ONE_LINE), after);
}

// --- what event files hold ---

static bool key_of(struct sw_job_harvest *h, struct sw_job_event_text tag, char out[static KEY_MAX])
{
    int n =
        snprintf(out, KEY_MAX, "%s%.*s", h->current->prefix, (int)(tag.len < KEY_MAX ? tag.len : KEY_MAX), tag.bytes);
    if (n > 0 && n < KEY_MAX && !memchr(tag.bytes, '\0', tag.len) && sw_utf8_valid(out, (size_t)n))
        return true;
    sw_job_intake_reject(&h->intake, "a tag that is no text, or longer than %d bytes", KEY_MAX);
    return false;
}

static void take_scalar(void *ctx, struct sw_job_event_text tag, double value, int64_t step, int64_t time_ms)
{
    struct sw_job_harvest *h = ctx;
    char key[KEY_MAX];
    if (key_of(h, tag, key))
        sw_job_intake_point(&h->intake, key, strlen(key), value, step, time_ms);
}

// Held until the attempt ends: a param cannot change once it is stored, and what the job says itself has the right of way.
static void take_param(void *ctx, struct sw_job_event_text key, struct sw_job_event_text value)
{
    struct sw_job_harvest *h = ctx;
    if (!h->params)
        h->params = calloc(PARAMS_MAX, sizeof(*h->params));
    if (!h->params || h->param_count == PARAMS_MAX || key.len == 0 || !sw_utf8_valid(key.bytes, key.len) ||
        !sw_utf8_valid(value.bytes, value.len))
        return;
    struct held_param p = {strndup(key.bytes, key.len), strndup(value.bytes ? value.bytes : "", value.len)};
    if (p.key && p.value) {
        h->params[h->param_count++] = p;
    } else {
        free(p.key);
        free(p.value);
    }
}

static void take_image(void *ctx, struct sw_job_event_text tag, int64_t step, int index, struct sw_job_event_text file)
{
    struct sw_job_harvest *h = ctx;
    char key[KEY_MAX];
    if (key_of(h, tag, key))
        sw_job_images_add(&h->images, key, step, index, file.bytes, file.len);
}

// --- whose file it is ---

// "events.out.tfevents.1764044000.HOST.PID.0": the process that writes it; 0 when the name does not say, -1 when it is one
// of another host.
static pid_t writer_of(const char *path)
{
    static const char marker[] = "tfevents.";
    char host[256] = "";
    const char *at = strstr(sw_path_base(path), marker);
    gethostname(host, sizeof(host) - 1);
    if (!at)
        return 0;
    at += strlen(marker);
    at += strspn(at, "0123456789");
    size_t len = strlen(host);
    if (*at++ != '.' || strncmp(at, host, len) != 0 || (at[len] != '.' && at[len] != '\0'))
        return -1;
    return at[len] == '.' ? (pid_t)strtol(at + len + 1, NULL, 10) : 0;
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    return strncmp(path, folder, len) == 0 &&
           (path[len] == '\0' || path[len] == '/' || (len > 0 && path[len - 1] == '/'));
}

// Does no other job run in a folder where it could have written our files, or we its?
static bool is_alone(const struct sw_job_harvest *h, struct sw_store *s)
{
    struct sw_err err = {0};
    struct sw_job_list list = {0};
    struct sw_arena *a = sw_arena_new(32 << 20);
    bool is = a && sw_job_search(s, true, 0, a, &list, &err) == SW_OK;
    for (size_t i = 0; i < list.count && is; i++) {
        const struct sw_job *job = &list.items[i];
        is = job->job_id == h->job_id || job->state == SW_JOB_QUEUED ||
             (!is_below(job->cwd, h->cwd) && !is_below(h->cwd, job->cwd));
    }
    sw_arena_free(a);
    return is;
}

static bool is_ours(const struct sw_job_harvest *h, struct sw_store *s, const char *path)
{
    pid_t pid = writer_of(path);
    enum sw_job_kin kin = pid > 0 ? sw_job_tree_kin(pid) : pid == 0 ? SW_JOB_KIN_GONE : SW_JOB_KIN_OTHER;
    if (kin == SW_JOB_KIN_GONE && !is_alone(h, s)) {
        note(
            "does not read ", path,
            ": its writer has ended, and other jobs run in that folder; --tensorboard names a folder of the job's own");
        return false;
    }
    return kin != SW_JOB_KIN_OTHER;
}

static bool was_seen(const struct sw_job_harvest *h, const struct sw_job_found *f)
{
    for (size_t i = 0; i < h->seen_count; i++)
        if (h->seen[i].inode == f->inode && h->seen[i].device == f->device)
            return true;
    return false;
}

static bool is_new(const struct sw_job_harvest *h, const struct root *root, const struct sw_job_found *f)
{
    int64_t when = root->is_shared && f->born_ms ? f->born_ms : f->changed_ms;
    return when >= h->began_ms - CLOCK_SLACK_MS && h->seen_count < SEEN_MAX && h->file_count < SW_JOB_EVENT_FILES &&
           !was_seen(h, f);
}

// --- names ---

// The folder of a file. One that is named after the clock is counted as its parent: the sub-run that PyTorch makes for
// hyperparameters.
static void folder_of(const char *path, char out[static SW_PATH_MAX])
{
    snprintf(out, SW_PATH_MAX, "%.*s", (int)(sw_path_base(path) - path - 1), path);
    const char *base = sw_path_base(out);
    size_t whole = strspn(base, "0123456789");
    if (whole >= 9 && base[whole] == '.' && base[whole + 1 + strspn(base + whole + 1, "0123456789")] == '\0')
        out[base - out - 1] = '\0';
}

// Where the folder lies, seen from the main one: below it, or beside it.
static void set_prefix(struct sw_job_harvest *h, struct event_file *file, const char *folder)
{
    const char *rest = folder;
    if (!h->main_folder)
        h->main_folder = strdup(folder);
    if (!h->main_folder || strcmp(folder, h->main_folder) == 0)
        return;
    if (is_below(folder, h->main_folder)) {
        rest = folder + strlen(h->main_folder) + 1;
    } else {
        for (size_t i = 0; folder[i] && folder[i] == h->main_folder[i]; i++)
            if (folder[i] == '/')
                rest = folder + i + 1;
    }
    if (strlen(rest) + 2 > sizeof(file->prefix))
        rest = sw_path_base(folder);
    snprintf(file->prefix, sizeof(file->prefix), "%s/", rest);
}

// --- looking for files ---

static void add_file(struct sw_job_harvest *h, const char *path)
{
    char folder[SW_PATH_MAX];
    struct event_file *file = calloc(1, sizeof(*file));
    if (!file)
        return; // looked for again
    sw_job_follow_init(&file->follow, path);
    sw_job_event_reader_init(&file->reader);
    folder_of(path, folder);
    set_prefix(h, file, folder);
    h->files[h->file_count++] = file;
    note("reads ", path, *file->prefix ? ", with its folder before each key" : "");
}

static void look_below(struct sw_job_harvest *h, struct sw_store *s, const struct root *root)
{
    struct sw_job_walk w = {0};
    sw_job_walk_add(&w, root->path);
    sw_job_walk_sort(&w);
    for (size_t i = 0; i < w.count; i++) {
        const struct sw_job_found *f = &w.items[i];
        if (!is_new(h, root, f))
            continue;
        h->seen[h->seen_count++] = (struct seen){f->device, f->inode};
        if (!root->is_shared || is_ours(h, s, f->path))
            add_file(h, f->path);
    }
    if (w.is_cut && !h->is_cut_told)
        note("looks for event files in a part of ", root->path,
             " only, which holds too much; --tensorboard names a folder");
    h->is_cut_told |= w.is_cut;
    sw_job_walk_free(&w);
}

static void look(struct sw_job_harvest *h, struct sw_store *s)
{
    int64_t began = sw_clock_mono_ms();
    for (size_t i = 0; i < h->root_count; i++)
        look_below(h, s, &h->roots[i]);
    int64_t now = sw_clock_mono_ms(), pause = WALK_SHARE * (now - began);
    h->walk_at_ms = now + (pause > SW_JOB_WALK_MS ? pause : SW_JOB_WALK_MS);
}

// --- reading ---

static bool has_room(const struct sw_job_harvest *h, size_t read)
{
    return read < STEP_BYTES && h->intake.batch.point_count < STEP_POINTS;
}

// True when there is more of it.
static bool read_events(struct sw_job_harvest *h, struct event_file *file, size_t *read)
{
    const struct sw_job_event_sink sink = {take_scalar, take_param, take_image, h};
    struct sw_err err = {0};
    size_t len;
    bool is_anew;
    h->current = file;
    while (!file->reader.is_corrupt) {
        if (!has_room(h, *read))
            return true;
        enum sw_code code = sw_job_follow_read(&file->follow, h->block, BLOCK_BYTES, &len, &is_anew, &err);
        if (!code && is_anew && file->reader.pending.len > 0) { // never done by writers of event files
            sw_job_event_reader_free(&file->reader);
            sw_job_event_reader_init(&file->reader);
        }
        if (!code && len == 0)
            break;
        if (!code)
            code = sw_job_event_reader_feed(&file->reader, h->block, len, &sink, &err);
        *read += len;
        if (code) {
            char why[sizeof(err.message) + 8];
            snprintf(why, sizeof(why), ": %s", err.message);
            note("reads no further in ", file->follow.path, why);
            file->reader.is_corrupt = true;
        }
    }
    if (file->reader.is_corrupt)
        sw_job_follow_close(&file->follow);
    return false;
}

static void take_line(void *ctx, const char *line, size_t len)
{
    struct sw_job_harvest *h = ctx;
    if (len > 0 && !sw_job_intake_record(&h->intake, line, len, false))
        sw_job_intake_reject(&h->intake, "\"%.*s\" in the metrics file", (int)(len < 80 ? len : 80), line);
}

static bool read_metrics(struct sw_job_harvest *h, size_t *read)
{
    struct sw_err err = {0};
    size_t len;
    bool is_anew;
    for (;;) {
        if (!has_room(h, *read))
            return true;
        enum sw_code code = sw_job_follow_read(&h->metrics, h->block, BLOCK_BYTES, &len, &is_anew, &err);
        if (code && !h->is_metrics_problem_told)
            note("the metrics file waits: ", err.message, "");
        h->is_metrics_problem_told = code != SW_OK;
        if (code || len == 0)
            return false;
        if (is_anew)
            sw_job_lines_end(&h->lines);
        sw_job_lines_feed(&h->lines, h->block, len);
        *read += len;
    }
}

static bool read_files(struct sw_job_harvest *h)
{
    size_t read = 0;
    bool is_more = false;
    h->intake.source = SW_JOB_METRICS_FILE;
    if (h->has_metrics_file)
        is_more = read_metrics(h, &read);
    h->intake.source = SW_JOB_TENSORBOARD;
    for (size_t i = 0; i < h->file_count; i++) // another one first each time, so that none waits for ever
        is_more |= read_events(h, h->files[(h->next_file + i) % h->file_count], &read);
    h->next_file = h->file_count ? (h->next_file + 1) % h->file_count : 0;
    return is_more;
}

static void end(struct sw_job_harvest *h)
{
    h->intake.source = SW_JOB_METRICS_FILE;
    if (h->has_metrics_file)
        sw_job_lines_end(&h->lines);
    for (size_t i = 0; i < h->param_count; i++) {
        struct sw_job_pair pair = {.is_derived = true, .key = h->params[i].key, .value = h->params[i].value};
        sw_job_intake_pair(&h->intake, &pair);
    }
    if (h->intake.rejected > 0)
        fprintf(stderr, "%" PRId64 " entries of files were not understood, the first: %s\n", h->intake.rejected,
                h->intake.first_rejected);
}

bool sw_job_harvest_step(struct sw_job_harvest *h, struct sw_store *s, bool is_last)
{
    if (sw_failpoint("job.harvest"))
        return is_last; // as if the disk gave nothing this time
    if (is_last ? !h->has_walked_last : sw_clock_mono_ms() >= h->walk_at_ms)
        look(h, s);
    h->has_walked_last = is_last;
    bool is_more = read_files(h);
    if (is_last && !is_more)
        end(h);
    return is_more;
}

struct sw_job_batch *sw_job_harvest_batch(struct sw_job_harvest *h)
{
    return &h->intake.batch;
}

// --- setting up and down ---

static int64_t file_clock_ms(void)
{
    struct timespec now; // not the clock that tests may fix: file systems do not know it
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum sw_code add_root(struct sw_job_harvest *h, const char *path, bool is_shared, struct sw_err *err)
{
    struct root *root = &h->roots[h->root_count];
    root->is_shared = is_shared;
    root->path = strdup(path);
    if (!root->path)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the job's folders");
    h->root_count++;
    return SW_OK;
}

static enum sw_code set_up(struct sw_job_harvest *h, const struct sw_job_harvest_spec *spec, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    h->job_id = spec->job_id;
    h->began_ms = file_clock_ms();
    sw_job_intake_init(&h->intake);
    h->intake.sources = spec->sources;
    h->seen = calloc(SEEN_MAX, sizeof(*h->seen));
    h->block = malloc(BLOCK_BYTES);
    h->cwd = strdup(spec->cwd);
    h->artifact_dir = strdup(spec->artifact_dir);
    if (!h->seen || !h->block || !h->cwd || !h->artifact_dir)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to read the job's files");
    h->images.artifact_dir = h->artifact_dir;
    sw_job_lines_init(&h->lines, SW_JOB_METRIC_LINE, take_line, NULL, h);
    enum sw_code code = add_root(h, spec->work_dir, false, err);
    if (!code)
        code = add_root(h, spec->artifact_dir, false, err);
    if (!code && spec->tensorboard_dir) {
        code = sw_path_join(path, spec->cwd, spec->tensorboard_dir, err);
        if (!code)
            code = add_root(h, path, false, err);
    } else if (!code) {
        code = add_root(h, spec->cwd, true, err);
    }
    if (!code && spec->metrics_file) {
        code = sw_path_join(path, spec->cwd, spec->metrics_file, err);
        h->has_metrics_file = true;
        sw_job_follow_init(&h->metrics, path);
        sw_job_follow_skip(&h->metrics);
    }
    return code;
}

enum sw_code sw_job_harvest_new(const struct sw_job_harvest_spec *spec, struct sw_job_harvest **out, struct sw_err *err)
{
    struct sw_job_harvest *h = calloc(1, sizeof(*h));
    if (!h)
        return sw_err_set(err, SW_NO_MEMORY, "no memory to read the job's files");
    h->metrics.fd = -1;
    enum sw_code code = set_up(h, spec, err);
    if (code) {
        sw_job_harvest_free(h);
        return code;
    }
    *out = h;
    return SW_OK;
}

void sw_job_harvest_free(struct sw_job_harvest *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->file_count; i++) {
        sw_job_follow_close(&h->files[i]->follow);
        sw_job_event_reader_free(&h->files[i]->reader);
        free(h->files[i]);
    }
    for (size_t i = 0; i < h->root_count; i++)
        free(h->roots[i].path);
    for (size_t i = 0; i < h->param_count; i++) {
        free(h->params[i].key);
        free(h->params[i].value);
    }
    sw_job_follow_close(&h->metrics);
    sw_job_lines_free(&h->lines);
    sw_job_images_free(&h->images);
    sw_job_intake_free(&h->intake);
    free(h->params);
    free(h->seen);
    free(h->block);
    free(h->main_folder);
    free(h->cwd);
    free(h->artifact_dir);
    free(h);
}
