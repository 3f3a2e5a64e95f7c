// SPDX-License-Identifier: Apache-2.0
// Saving, finding and reading checkpoint folders.
#include "gpu/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/failpoint.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/path.h"
#include "core/base/text.h"

static const char *const file_names[] = {"state.json", "params.bin", "optimizer.bin"};
enum { FILE_STATE, FILE_PARAMS, FILE_OPTIMIZER, FILES };

#define TEMPORARY_PREFIX ".writing-"

static enum sw_code write_file(const char *folder, const char *name, const void *bytes, size_t len, const char *point,
                               struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, folder, name, err);
    if (code)
        return code;
    (void)point; // builds without failpoints
    int errnum = sw_failpoint(point);
    if (errnum)
        return sw_err_errno(err, errnum, "%s", path);
    return sw_file_write(path, bytes, len, err);
}

static json_t *state_json(const struct sw_checkpoint *c)
{
    return json_pack("{s:i, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:O}", "version", SW_CHECKPOINT_VERSION,
                     "step", (json_int_t)c->step, "epoch", (json_int_t)c->epoch, "epoch_step",
                     (json_int_t)c->epoch_step, "epoch_loss", c->epoch_loss, "epoch_correct", c->epoch_correct,
                     "train_loss", c->train_loss, "train_accuracy", c->train_accuracy, "params", (json_int_t)c->params,
                     "state", (json_int_t)c->state, "identity", c->identity);
}

static enum sw_code write_all(const char *folder, const struct sw_checkpoint *c, struct sw_err *err)
{
    struct sw_buf state, done;
    json_t *tree = state_json(c);
    sw_buf_init(&state, 1 << 20);
    sw_buf_init(&done, 4096);
    enum sw_code code = tree ? sw_json_write(tree, 2, &state, err) : sw_err_set(err, SW_NO_MEMORY, "out of memory");
    const void *bytes[FILES] = {state.data, c->param_values, c->state_values};
    size_t sizes[FILES] = {state.len, c->params * sizeof(float), c->state * sizeof(float)};
    for (int i = 0; i < FILES && !code; i++) {
        char hex[SW_SHA256_HEX];
        code = write_file(folder, file_names[i], bytes[i], sizes[i], "checkpoint.write", err);
        sw_sha256_hex(bytes[i], sizes[i], hex);
        sw_buf_addf(&done, "%s  %s\n", hex, file_names[i]);
    }
    if (!code)
        code = write_file(folder, "DONE", done.data, done.len, "checkpoint.done", err);
    if (!code)
        code = sw_file_sync_dir(folder, err);
    json_decref(tree);
    sw_buf_free(&state);
    sw_buf_free(&done);
    return code;
}

// Step number of a folder name, -1 when it is no checkpoint.
static int64_t step_of(const char *name)
{
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    char *end;
    errno = 0;
    long long step = strtoll(name + 5, &end, 10);
    return *end || errno ? -1 : step;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

// Steps of the checkpoints in `dir`, newest first; a missing folder has none.
static enum sw_code list_steps(const char *dir, int64_t **out, size_t *count, struct sw_err *err)
{
    *out = NULL;
    *count = 0;
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? SW_OK : sw_err_errno(err, errno, "%s", dir);
    size_t room = 0, n = 0;
    int64_t *steps = NULL;
    for (struct dirent *e; (e = readdir(d));) {
        int64_t step = step_of(e->d_name);
        if (step < 0)
            continue;
        if (n == room) {
            room = room ? 2 * room : 16;
            int64_t *more = realloc(steps, room * sizeof *more);
            if (!more) {
                free(steps);
                closedir(d);
                return sw_err_set(err, SW_NO_MEMORY, "%s: out of memory", dir);
            }
            steps = more;
        }
        steps[n++] = step;
    }
    closedir(d);
    if (n)
        qsort(steps, n, sizeof *steps, newest_first);
    *out = steps;
    *count = n;
    return SW_OK;
}

static enum sw_code folder_of(char out[static SW_PATH_MAX], const char *dir, int64_t step, struct sw_err *err)
{
    char name[40];
    snprintf(name, sizeof name, "step-%" PRId64, step);
    return sw_path_join(out, dir, name, err);
}

static void remove_old(const char *dir)
{
    int64_t *steps;
    size_t count;
    struct sw_err ignored = {0}; // an old checkpoint too many does no harm
    char folder[SW_PATH_MAX];
    if (list_steps(dir, &steps, &count, &ignored))
        return;
    for (size_t i = SW_CHECKPOINT_KEEP; i < count; i++)
        if (!folder_of(folder, dir, steps[i], &ignored))
            (void)sw_path_remove_tree(folder, &ignored);
    free(steps);
}

static enum sw_code put_in_place(const char *dir, const char *temporary, int64_t step, struct sw_err *err)
{
    char folder[SW_PATH_MAX];
    enum sw_code code = folder_of(folder, dir, step, err);
    int errnum = sw_failpoint("checkpoint.rename");
    if (!code && errnum)
        code = sw_err_errno(err, errnum, "%s", folder);
    if (!code && (code = sw_path_remove_tree(folder, err)) == SW_OK && rename(temporary, folder) < 0)
        code = sw_err_errno(err, errno, "%s", folder);
    return code ? code : sw_file_sync_dir(dir, err);
}

enum sw_code sw_checkpoint_save(const char *dir, const struct sw_checkpoint *c, struct sw_err *err)
{
    char name[64], temporary[SW_PATH_MAX];
    snprintf(name, sizeof name, TEMPORARY_PREFIX "step-%" PRId64, c->step);
    enum sw_code code = sw_path_join(temporary, dir, name, err);
    if (code || (code = sw_path_remove_tree(temporary, err)) || (code = sw_path_make_dirs(temporary, err)))
        return code;
    code = write_all(temporary, c, err);
    if (!code)
        code = put_in_place(dir, temporary, c->step, err);
    if (code) {
        struct sw_err ignored = {0}; // the first failure is the one to tell
        (void)sw_path_remove_tree(temporary, &ignored);
        return sw_err_wrap(err, "checkpoint of step %" PRId64, c->step);
    }
    remove_old(dir);
    return SW_OK;
}

void sw_checkpoint_clean(const char *dir, int64_t step)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        struct sw_err ignored = {0}; // a leftover does no harm
        char path[SW_PATH_MAX];
        bool is_leftover = strncmp(e->d_name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0;
        if ((is_leftover || step_of(e->d_name) > step) && !sw_path_join(path, dir, e->d_name, &ignored))
            (void)sw_path_remove_tree(path, &ignored);
    }
    closedir(d);
}

// Reads one file of a checkpoint and holds it against its line in DONE.
static enum sw_code read_file(const char *folder, const char *name, const char *done, size_t max, struct sw_buf *out,
                              struct sw_err *err)
{
    char path[SW_PATH_MAX], hex[SW_SHA256_HEX], line[128];
    sw_buf_init(out, max);
    enum sw_code code = sw_path_join(path, folder, name, err);
    if (code || (code = sw_file_read(path, out, err)))
        return code;
    sw_sha256_hex(out->data, out->len, hex);
    snprintf(line, sizeof line, "%s  %s\n", hex, name);
    if (!strstr(done, line))
        return sw_err_set(err, SW_CORRUPT, "%s: its digest is not the one in DONE", path);
    return SW_OK;
}

// Names the first member in which two identities differ.
static enum sw_code compare_identity(const json_t *there, json_t *here, const char *folder, struct sw_err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (here, key, value) {
        const char *ours = json_string_value(value), *theirs = sw_tree_text(there, key);
        if (theirs && ours && strcmp(ours, theirs) == 0)
            continue;
        char safe[2][100];
        sw_text_safe_copy(safe[0], sizeof safe[0], theirs ? theirs : "nothing", SW_TEXT_ONE_LINE);
        sw_text_safe_copy(safe[1], sizeof safe[1], ours ? ours : "nothing", SW_TEXT_ONE_LINE);
        (void)sw_err_set(err, SW_CONFLICT, "%s is of another run: %s is %s there, %s here", folder, key, safe[0],
                         safe[1]);
        return sw_err_hint(err, "start without --resume or in another folder, or set %s as it was", key);
    }
    return SW_OK;
}

static enum sw_code take_state(const json_t *state, const char *folder, struct sw_checkpoint *c, struct sw_err *err)
{
    int64_t version = sw_tree_int(state, "version", 0);
    if (version != SW_CHECKPOINT_VERSION) {
        (void)sw_err_set(err, SW_CONFLICT, "%s has checkpoint version %" PRId64 ", this program writes %d", folder,
                         version, SW_CHECKPOINT_VERSION);
        return sw_err_hint(err, "resume it with the slipway that wrote it");
    }
    enum sw_code code = compare_identity(json_object_get(state, "identity"), c->identity, folder, err);
    if (code)
        return code;
    if (sw_tree_int(state, "params", -1) != (int64_t)c->params || sw_tree_int(state, "state", -1) != (int64_t)c->state)
        return sw_err_set(err, SW_CORRUPT, "%s: state.json does not fit its net", folder);
    c->step = sw_tree_int(state, "step", 0);
    c->epoch = sw_tree_int(state, "epoch", 0);
    c->epoch_step = sw_tree_int(state, "epoch_step", 0);
    c->epoch_loss = sw_tree_real(state, "epoch_loss", 0);
    c->epoch_correct = sw_tree_real(state, "epoch_correct", 0);
    c->train_loss = sw_tree_real(state, "train_loss", 0);
    c->train_accuracy = sw_tree_real(state, "train_accuracy", 0);
    return SW_OK;
}

static enum sw_code load_folder(const char *folder, struct sw_checkpoint *c, struct sw_err *err)
{
    struct sw_buf done, files[FILES] = {0};
    char path[SW_PATH_MAX];
    json_t *state = NULL;
    const size_t sizes[FILES] = {1 << 20, c->params * sizeof(float), c->state * sizeof(float)};
    float *const to[FILES] = {NULL, c->param_values, c->state_values};
    struct sw_checkpoint loaded = *c;
    sw_buf_init(&done, 4096);
    enum sw_code code = sw_path_join(path, folder, "DONE", err);
    if (!code)
        code = sw_file_read(path, &done, err);
    if (!code)
        code = read_file(folder, file_names[FILE_STATE], done.data, sizes[FILE_STATE], &files[FILE_STATE], err);
    if (!code)
        code =
            sw_json_parse(files[FILE_STATE].data, files[FILE_STATE].len, folder, &sw_tree_limits_default, &state, err);
    if (!code)
        code = take_state(state, folder, &loaded, err);
    for (int i = FILE_PARAMS; i < FILES && !code; i++) {
        code = read_file(folder, file_names[i], done.data, sizes[i], &files[i], err);
        if (!code && files[i].len != sizes[i])
            code = sw_err_set(err, SW_CORRUPT, "%s/%s is cut short", folder, file_names[i]);
    }
    if (!code) {
        for (int i = FILE_PARAMS; i < FILES; i++)
            memcpy(to[i], files[i].data, sizes[i]);
        *c = loaded;
    }
    json_decref(state);
    for (int i = 0; i < FILES; i++)
        sw_buf_free(&files[i]);
    sw_buf_free(&done);
    return code;
}

enum sw_code sw_checkpoint_load(const char *dir, struct sw_checkpoint *c, struct sw_buf *note, struct sw_err *err)
{
    int64_t *steps;
    size_t count;
    char folder[SW_PATH_MAX];
    enum sw_code code = list_steps(dir, &steps, &count, err);
    if (code)
        return code;
    code = sw_err_set(err, SW_NOT_FOUND, "no checkpoint in %s", dir);
    for (size_t i = 0; i < count; i++) {
        struct sw_err why = {0};
        code = folder_of(folder, dir, steps[i], &why);
        if (!code)
            code = load_folder(folder, c, &why);
        if (code == SW_OK || code == SW_CONFLICT || code == SW_NO_MEMORY) {
            if (code && err)
                *err = why;
            break;
        }
        if (note)
            sw_buf_addf(note, "checkpoint of step %" PRId64 " is passed over: %s\n", steps[i], why.message);
        code = sw_err_set(err, SW_NOT_FOUND, "no whole checkpoint in %s", dir);
    }
    free(steps);
    return code;
}
