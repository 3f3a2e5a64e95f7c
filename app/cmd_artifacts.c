// SPDX-License-Identifier: Apache-2.0
// artifacts: the files that a run left, listed, printed or copied. A path never leads out of the run's folder.
#include "app/cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/beneath.h"
#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/path.h"
#include "core/base/text.h"
#include "core/data/filekind.h"

enum { ENTRIES_MAX = 1000000, DEPTH_MAX = 64, BLOCK_BYTES = 64 * 1024, LIST_ARENA = 512 * 1024 * 1024 };

struct artifact {
    const char *path; // below the run's folder
    bool is_dir;
    int64_t size_bytes, modified_ms;
    char sha256[SW_SHA256_HEX]; // "" = not asked for
};

static const struct sw_json_field artifact_fields[] = {
    {"path", SW_JSON_TEXT, offsetof(struct artifact, path), NULL, "path below the run's artifacts"},
    {"is_dir", SW_JSON_BOOL, offsetof(struct artifact, is_dir), NULL, "it is a folder"},
    {"size_bytes", SW_JSON_INT64, offsetof(struct artifact, size_bytes), NULL, "size of the file; 0 of a folder"},
    {"modified_ms", SW_JSON_NONZERO, offsetof(struct artifact, modified_ms), NULL, "last change"},
    {"sha256", SW_JSON_CHARS, offsetof(struct artifact, sha256), NULL, "digest; null = not asked for with --digest"},
};
const struct sw_json_kind sw_json_artifact = {"Artifact",
                                              "ArtifactList",
                                              "a file or folder among the artifacts of a run",
                                              artifact_fields,
                                              SW_COUNT(artifact_fields),
                                              sizeof(struct artifact)};

// What all three deeds work on.
struct request {
    struct sw_app *app;
    const char *run;  // as given
    const char *path; // "" = the run's folder
    int root_fd;
};

// --- listing ---

struct listing {
    struct artifact *items;
    size_t count, room;
};

static struct artifact *add(struct listing *l, struct sw_arena *a)
{
    if (l->count == l->room) {
        size_t wanted = l->room > 0 ? 2 * l->room : 64;
        struct artifact *more = sw_arena_array(a, wanted, sizeof *more);
        if (more == NULL)
            return NULL;
        if (l->count > 0)
            memcpy(more, l->items, l->count * sizeof *more);
        l->items = more;
        l->room = wanted;
    }
    return &l->items[l->count++];
}

static enum sw_code list_folder(const struct request *r, const char *folder, bool recursive, int depth,
                                struct sw_arena *a, struct listing *out, struct sw_err *err)
{
    struct sw_beneath_entry *entries;
    size_t count;
    if (depth == DEPTH_MAX)
        return sw_err_set(err, SW_LIMIT, "'%s' lies more than %d folders deep", folder, DEPTH_MAX);
    enum sw_code code = sw_beneath_list(r->root_fd, folder, ENTRIES_MAX, a, &entries, &count, err);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        const struct sw_beneath_stat *st = &entries[i].stat;
        struct artifact *item = add(out, a);
        char *path = sw_arena_printf(a, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", entries[i].name);
        if (item == NULL || path == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory while listing '%s'", folder);
        *item = (struct artifact){
            .path = path, .is_dir = st->is_dir, .size_bytes = st->size_bytes, .modified_ms = st->modified_ms};
        if (recursive && st->is_dir)
            code = list_folder(r, path, true, depth + 1, a, out, err);
    }
    return code;
}

static enum sw_code print_listing(struct sw_app *app, const struct listing *l, struct sw_err *err)
{
    static const struct sw_table_column columns[] = {
        {"PATH", SW_COLUMN_SHRINKS}, {"SIZE", SW_COLUMN_RIGHT}, {"CHANGED", 0}};
    if (app->out.is_json)
        return sw_output_json(&app->out, sw_json_list(&sw_json_artifact, l->items, l->count), err);
    if (l->count == 0) {
        sw_output_note(&app->out, "No artifacts here.");
        return SW_OK;
    }
    struct sw_table *t = sw_table_new(columns, SW_COUNT(columns));
    for (size_t i = 0; i < l->count; i++) {
        const struct artifact *item = &l->items[i];
        char text[64];
        sw_table_cellf(t, "%s%s", item->path, item->is_dir ? "/" : "");
        sw_table_cell(t, item->is_dir ? NULL : sw_format_bytes(text, sizeof text, item->size_bytes));
        sw_table_cell(t, sw_format_time(text, sizeof text, item->modified_ms));
    }
    return sw_table_print(t, &app->out, err);
}

static enum sw_code list(const struct request *r, bool recursive, struct sw_err *err)
{
    struct listing listing = {0};
    struct sw_arena *a = sw_arena_new(LIST_ARENA);
    if (a == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    enum sw_code code = list_folder(r, r->path, recursive, 0, a, &listing, err);
    if (code == SW_OK)
        code = print_listing(r->app, &listing, err);
    sw_arena_free(a);
    return code;
}

// --- one file ---

static enum sw_code read_block(int fd, const char *path, char *block, size_t size, size_t *got, struct sw_err *err)
{
    ssize_t n;
    do
        n = read(fd, block, size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return sw_err_errno(err, errno, "cannot read '%s'", path);
    *got = (size_t)n;
    return SW_OK;
}

// Whole lines go through the filter, so that nothing unsafe hides across the edge of a block; a longer line in parts.
static size_t whole_lines(const char *block, size_t len)
{
    const char *last = memrchr(block, '\n', len);
    return last != NULL ? (size_t)(last - block) + 1 : len;
}

static enum sw_code print_content(struct sw_output *o, int fd, const char *path, struct sw_err *err)
{
    char block[BLOCK_BYTES];
    size_t held = 0, got = 1;
    enum sw_code code = SW_OK;
    while (code == SW_OK && got > 0 && !o->is_closed) {
        code = read_block(fd, path, block + held, sizeof block - held, &got, err);
        if (code != SW_OK)
            break;
        size_t len = held + got, shown = o->is_terminal && got > 0 ? whole_lines(block, len) : len;
        if (o->is_terminal)
            sw_text_safe(&o->pending, block, shown, SW_TEXT_KEEP_NEWLINES);
        else
            sw_buf_add(&o->pending, block, shown);
        held = len - shown;
        memmove(block, block + shown, held);
        code = sw_output_flush(o, err);
    }
    return code;
}

static enum sw_code refuse_binary(const struct request *r, int fd, struct sw_err *err)
{
    char head[SW_FILE_HEAD];
    ssize_t got = pread(fd, head, sizeof head, 0);
    struct sw_file_kind kind = sw_file_kind(r->path, head, got > 0 ? (size_t)got : 0);
    if (!r->app->out.is_terminal || sw_file_is_text(kind))
        return SW_OK;
    (void)sw_err_set(err, SW_REFUSED, "'%s' (%s) is not for a terminal", r->path, kind.word);
    return sw_err_hint(err, "--output FILE copies it; a pipe gets its bytes");
}

// `to`, or the file of that name in it when it is a folder. Never replaces anything.
static enum sw_code copy_out(const struct request *r, int fd, const char *to, struct sw_err *err)
{
    char path[SW_PATH_MAX], from[64];
    struct stat st;
    enum sw_code code = sw_path_absolute(path, to, err);
    if (code == SW_OK && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        code = sw_path_join(path, path, sw_path_base(r->path), err);
    if (code == SW_OK && lstat(path, &st) == 0) {
        (void)sw_err_set(err, SW_EXISTS, "%s exists", path);
        code = sw_err_hint(err, "remove it or name another file");
    }
    snprintf(from, sizeof from, "/proc/self/fd/%d", fd); // the file that was opened, whatever stands there by now
    if (code == SW_OK)
        code = sw_file_copy(from, path, err);
    if (code == SW_OK)
        sw_output_note(&r->app->out, "Copied to %s.", path);
    return code;
}

static enum sw_code digest(int fd, const char *path, char hex[static SW_SHA256_HEX], struct sw_err *err)
{
    char block[BLOCK_BYTES];
    size_t got = 1;
    enum sw_code code = SW_OK;
    struct sw_sha256 *h = sw_sha256_new();
    if (h == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    while (code == SW_OK && got > 0) {
        code = read_block(fd, path, block, sizeof block, &got, err);
        if (code == SW_OK)
            sw_sha256_add(h, block, got);
    }
    sw_sha256_end(h, hex);
    return code;
}

static enum sw_code one_file(const struct request *r, int fd, const struct sw_beneath_stat *st, struct sw_err *err)
{
    struct sw_app *app = r->app;
    struct artifact item = {.path = r->path, .size_bytes = st->size_bytes, .modified_ms = st->modified_ms};
    const char *to = sw_option_text(app->options, "output");
    bool wants_digest = sw_option_flag(app->options, "digest");
    enum sw_code code = SW_OK;
    if (to != NULL)
        code = copy_out(r, fd, to, err);
    if (code == SW_OK && wants_digest)
        code = digest(fd, r->path, item.sha256, err);
    if (code == SW_OK && app->out.is_json)
        return sw_output_json(&app->out, sw_json_document(&sw_json_artifact, &item), err);
    if (code == SW_OK && wants_digest)
        sw_output_text(&app->out, "sha256:%s\n", item.sha256);
    if (code != SW_OK || to != NULL || wants_digest)
        return code;
    code = refuse_binary(r, fd, err);
    return code == SW_OK ? print_content(&app->out, fd, r->path, err) : code;
}

// --- the command ---

static enum sw_code open_run(struct request *r, struct sw_err *err)
{
    char run_id[SW_RUN_ID], folder[SW_PATH_MAX];
    enum sw_code code = sw_run_resolve(r->app->store, r->run, run_id, err);
    if (code == SW_OK)
        code = sw_run_artifact_dir(r->app->store, run_id, folder, err);
    return code == SW_OK ? sw_beneath_root(folder, &r->root_fd, err) : code;
}

static enum sw_code run_artifacts(struct sw_app *app, struct sw_err *err)
{
    struct request r = {.app = app, .run = app->args[0], .path = "", .root_fd = -1};
    struct sw_beneath_stat st = {0};
    int fd = -1;
    if (app->arg_count == 2) { // a closing '/' is what completion adds to folders
        size_t len = strlen(app->args[1]);
        r.path = sw_arena_strndup(app->arena, app->args[1], len > 1 && app->args[1][len - 1] == '/' ? len - 1 : len);
        if (r.path == NULL)
            return sw_err_set(err, SW_NO_MEMORY, "out of memory");
    }
    enum sw_code code = open_run(&r, err);
    if (code == SW_OK)
        code = sw_beneath_open(r.root_fd, r.path, &fd, &st, err);
    if (code == SW_NOT_FOUND && r.root_fd >= 0)
        (void)sw_err_hint(err, "'slipway artifacts %s --recursive' lists what there is", r.run);
    if (code == SW_OK && !st.is_dir)
        code = one_file(&r, fd, &st, err);
    else if (code == SW_OK && (sw_option_is_set(app->options, "output") || sw_option_flag(app->options, "digest")))
        code = sw_err_set(err, SW_USAGE, "--output and --digest need the path of a file");
    else if (code == SW_OK)
        code = list(&r, sw_option_flag(app->options, "recursive"), err);
    if (fd >= 0)
        close(fd);
    if (r.root_fd >= 0)
        close(r.root_fd);
    return code;
}

static const struct sw_option artifacts_options[] = {
    {.name = "recursive", .letter = 'r', .type = SW_OPTION_FLAG, .help = "list what lies in folders, too"},
    {.name = "output",
     .letter = 'o',
     .type = SW_OPTION_PATH,
     .value = "FILE",
     .help = "copy the file to FILE, or into that folder"},
    {.name = "digest", .type = SW_OPTION_FLAG, .help = "print the file's SHA-256 and not its content"},
};

const struct sw_command sw_cmd_artifacts = {
    .verb = "artifacts",
    .summary = "list, print or copy the files of a run",
    .arguments = "RUN [PATH]",
    .min_args = 1,
    .max_args = 2,
    .takes = "run",
    .options = artifacts_options,
    .option_count = SW_COUNT(artifacts_options),
    .description =
        "Without PATH, or with that of a folder, the files are listed. A file is printed: to a terminal only when it "
        "is "
        "text, with whatever could act on the terminal made visible; to a pipe byte by byte. Links are neither listed "
        "nor followed, and no path leads out of the run's folder.",
    .examples = "slipway artifacts cnn-a\twhat the run left\n"
                "slipway artifacts cnn-a plots/confusion.png --output .\tcopy one file here\n"
                "slipway artifacts 7f3a metrics.csv | head\tread one",
    .kinds = "Artifact ArtifactList",
    .needs = SW_NEEDS_STORE_READ,
    .run = run_artifacts,
};
