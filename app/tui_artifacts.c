// SPDX-License-Identifier: Apache-2.0
// The files of a run as a tree, read folder by folder as they are opened, and a preview of the selected one. Everything is
// opened below the run's folder; links are not followed. Previews hold the beginning of a file only.
#include "app/tui_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/beneath.h"
#include "core/base/text.h"
#include "core/data/filekind.h"
#include "core/data/picture.h"
#include "core/store/run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
    FOLDER_MAX = 100000, // entries
    DEPTH_MAX = 64,
    TEXT_BYTES = 256 << 10,
    TABLE_JSON_BYTES = 8 << 20, // what a tree of JSON is made of
    TABLE_ROWS = 200,
    TABLE_CELL = 256, // bytes
    TABLE_INDEX_BYTES = 4 << 20,
    PICTURE_WIDTH = 480, // pixels: as many as the widest pane has columns, or more
    PICTURE_HEIGHT = 360,
    HEX_BYTES = 256,
    HEX_PER_LINE = 8,
};

static enum sw_code open_root(struct tui_worker *w, const char *run_id, int *root_fd, char folder[static SW_PATH_MAX],
                              struct sw_err *err)
{
    enum sw_code code = sw_run_artifact_dir(w->store, run_id, folder, err);
    return code == SW_OK ? sw_beneath_root(folder, root_fd, err) : code;
}

// --- the tree ---

struct node {
    const char *path;
    struct sw_beneath_stat stat;
    int depth;
    bool is_unfolded;
};

struct tree {
    const struct sw_tui_query *q;
    const struct sw_task *task;
    struct sw_arena *a;
    int root_fd;
    struct node *nodes;
    size_t count, room;
};

static bool is_wanted(const struct tree *t, const char *path)
{
    for (size_t i = 0; i < t->q->unfolded_count; i++)
        if (strcmp(t->q->unfolded[i], path) == 0)
            return true;
    return false;
}

static struct node *add_node(struct tree *t)
{
    if (t->count == t->room) {
        size_t room = t->room > 0 ? 2 * t->room : 256;
        struct node *nodes = sw_arena_array(t->a, room, sizeof *nodes);
        if (nodes == NULL)
            return NULL;
        if (t->count > 0)
            memcpy(nodes, t->nodes, t->count * sizeof *nodes);
        t->nodes = nodes;
        t->room = room;
    }
    return &t->nodes[t->count++];
}

// Folders stay before files whatever the order; within each by the key, then by name as they came.
static int compare_entries(const void *left, const void *right, void *context)
{
    const struct sw_beneath_entry *a = left, *b = right;
    const struct sw_tui_query *q = context;
    int sign;
    if (a->stat.is_dir != b->stat.is_dir)
        return a->stat.is_dir ? -1 : 1;
    if (strcmp(q->sort_key, "size") == 0)
        sign = (a->stat.size_bytes > b->stat.size_bytes) - (a->stat.size_bytes < b->stat.size_bytes);
    else if (strcmp(q->sort_key, "changed") == 0)
        sign = (a->stat.modified_ms > b->stat.modified_ms) - (a->stat.modified_ms < b->stat.modified_ms);
    else
        sign = strcmp(a->name, b->name);
    if (sign == 0)
        return strcmp(a->name, b->name);
    return q->sort_descending ? -sign : sign;
}

// A filter looks through all folders and shows what fits by its whole path; else the unfolded ones are read.
static enum sw_code add_folder(struct tree *t, const char *folder, int depth, struct sw_err *err)
{
    struct sw_beneath_entry *entries;
    size_t count;
    bool is_search = t->q->filter[0] != '\0';
    if (sw_task_cancelled(t->task))
        return sw_err_set(err, SW_CANCELLED, "cancelled");
    enum sw_code code = sw_beneath_list(t->root_fd, folder, FOLDER_MAX, t->a, &entries, &count, err);
    if (code == SW_OK && t->q->sort_key[0] != '\0' && count > 0)
        qsort_r(entries, count, sizeof *entries, compare_entries, (void *)t->q);
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        const char *path = sw_arena_printf(t->a, "%s%s%s", folder, folder[0] != '\0' ? "/" : "", entries[i].name);
        if (path == NULL)
            return tui_no_memory(err);
        bool is_unfolded = entries[i].stat.is_dir && !is_search && is_wanted(t, path);
        if (!is_search || strcasestr(path, t->q->filter) != NULL) {
            struct node *n = add_node(t);
            if (n == NULL)
                return tui_no_memory(err);
            *n = (struct node){path, entries[i].stat, is_search ? 0 : depth, is_unfolded};
        }
        if (entries[i].stat.is_dir && (is_search || is_unfolded) && depth < DEPTH_MAX)
            code = add_folder(t, path, depth + 1, err);
    }
    return code;
}

static enum sw_code put_row(const struct tree *t, const struct node *n, struct sw_tui_row *row, struct sw_err *err)
{
    char text[64];
    struct sw_tui_cell *cells = sw_arena_array(t->a, 3, sizeof *cells);
    if (cells == NULL)
        return tui_no_memory(err);
    bool is_search = t->q->filter[0] != '\0';
    cells[0] = (struct sw_tui_cell){.text = is_search ? n->path : sw_path_base(n->path),
                                    .role = n->stat.is_dir ? SW_TUI_STRONG : SW_TUI_NORMAL};
    cells[1] = (struct sw_tui_cell){
        .text = n->stat.is_dir ? "" : sw_arena_strdup(t->a, sw_format_bytes(text, sizeof text, n->stat.size_bytes))};
    cells[2] = (struct sw_tui_cell){.text = tui_time_text(t->a, n->stat.modified_ms), .role = SW_TUI_DIM};
    *row = (struct sw_tui_row){.id = n->path,
                               .fold = !n->stat.is_dir || is_search ? SW_TUI_LEAF
                                       : n->is_unfolded             ? SW_TUI_UNFOLDED
                                                                    : SW_TUI_FOLDED,
                               .depth = n->depth,
                               .cells = cells};
    return SW_OK;
}

static enum sw_code put_window(const struct tree *t, struct sw_tui_table *out, struct sw_err *err)
{
    static const struct sw_tui_column columns[] = {
        {.key = "name", .title = "name", .width = 40},
        {.key = "size", .title = "size", .width = 9, .priority = 1, .align = SW_TUI_RIGHT},
        {.key = "changed", .title = "changed", .width = 19, .priority = 2},
    };
    const struct sw_tui_query *q = t->q;
    size_t first = q->offset > 0 ? (size_t)q->offset : 0;
    size_t end = first + (size_t)q->count < t->count ? first + (size_t)q->count : t->count;
    struct sw_tui_row *rows = sw_arena_array(t->a, (size_t)q->count + 1, sizeof *rows);
    enum sw_code code = rows != NULL ? SW_OK : tui_no_memory(err);
    for (size_t i = first; i < end && code == SW_OK; i++)
        code = put_row(t, &t->nodes[i], &rows[out->row_count++], err);
    for (size_t i = 0; i < t->count && q->find_id[0] != '\0' && !out->has_find; i++) {
        out->has_find = strcmp(t->nodes[i].path, q->find_id) == 0;
        out->find_index = (int64_t)i;
    }
    out->columns = columns;
    out->column_count = COUNT(columns);
    out->rows = rows;
    out->offset = (int64_t)first;
    out->total = (int64_t)t->count;
    out->is_tree = true;
    return code;
}

static enum sw_code load_artifacts(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_query *q,
                                   const struct sw_task *task, struct sw_arena *a, struct sw_tui_table *out,
                                   struct sw_err *err)
{
    (void)b;
    char folder[SW_PATH_MAX];
    struct tree t = {.q = q, .task = task, .a = a, .root_fd = -1};
    enum sw_code code = open_root(w, q->parent, &t.root_fd, folder, err);
    if (code == SW_OK)
        code = add_folder(&t, "", 0, err);
    if (code == SW_OK)
        code = put_window(&t, out, err);
    if (t.root_fd >= 0)
        close(t.root_fd);
    char total[32];
    out->title = sw_arena_printf(a, "artifacts · %s", sw_format_count(total, sizeof total, (int64_t)t.count));
    out->empty = "No artifacts. What a script saves with mlflow.log_artifact(), or writes into SLIPWAY_ARTIFACT_DIR, "
                 "appears here.";
    return code;
}

// --- previews ---

struct preview {
    struct tui_sections s;
    const char *path;
    char real[SW_PATH_MAX]; // for readers that open by name
    int fd;
    struct sw_beneath_stat stat;
    struct sw_file_kind kind;
};

// The beginning of the file, at most `max` bytes, in the arena.
static enum sw_code read_beginning(const struct preview *p, size_t max, char **out, size_t *len, struct sw_err *err)
{
    size_t wanted = p->stat.size_bytes < (int64_t)max ? (size_t)p->stat.size_bytes : max, got = 0;
    char *bytes = sw_arena_alloc(p->s.a, wanted + 1);
    if (bytes == NULL)
        return tui_no_memory(err);
    while (got < wanted) {
        ssize_t n = pread(p->fd, bytes + got, wanted - got, (off_t)got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return sw_err_errno(err, errno, "cannot read '%s'", p->path);
        if (n == 0)
            break;
        got += (size_t)n;
    }
    *out = bytes;
    *len = got;
    return SW_OK;
}

static const char *part_title(const struct preview *p, size_t shown)
{
    char part[32], whole[32];
    if ((int64_t)shown >= p->stat.size_bytes)
        return NULL;
    return sw_arena_printf(p->s.a, "the first %s of %s", sw_format_bytes(part, sizeof part, (int64_t)shown),
                           sw_format_bytes(whole, sizeof whole, p->stat.size_bytes));
}

static enum sw_code preview_text(struct preview *p, struct sw_err *err)
{
    char *text;
    size_t len, lines = 0;
    enum sw_code code = read_beginning(p, TEXT_BYTES, &text, &len, err);
    if (code != SW_OK || len == 0)
        return code;
    const char *last = (int64_t)len < p->stat.size_bytes ? memrchr(text, '\n', len) : NULL;
    if (last != NULL)
        len = (size_t)(last - text) + 1;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n' || i + 1 == len;
    const char *title = part_title(p, len);
    tui_section_add(&p->s, SW_TUI_LINES, title != NULL ? title : p->kind.word)->lines =
        (struct sw_tui_lines){.text = text, .len = len, .line_count = lines};
    return SW_OK;
}

static enum sw_code preview_table(struct preview *p, struct sw_err *err)
{
    struct sw_reader *reader = NULL;
    struct sw_batch batch = {0};
    struct sw_read what = {.rows = TABLE_ROWS, .cell_limit_bytes = TABLE_CELL};
    bool is_whole;
    enum sw_code code = sw_reader_open(p->real, NULL, &reader, err);
    if (code == SW_OK)
        code = sw_reader_index(reader, TABLE_INDEX_BYTES, &is_whole, err);
    if (code == SW_OK)
        code = sw_reader_read(reader, &what, &batch, err);
    if (code == SW_OK) {
        char total[32];
        struct sw_row_count rows = sw_reader_rows(reader);
        const char *title = sw_arena_printf(
            p->s.a, "%s%s%s rows × %zu", batch.rows == TABLE_ROWS ? "the first 200 of " : "",
            rows.is_known && !rows.is_exact ? "about " : "",
            rows.is_known ? sw_format_count(total, sizeof total, rows.rows) : "?", sw_reader_schema(reader)->count);
        code = tui_add_sheet(&p->s, title, sw_reader_schema(reader), &batch, err);
    }
    sw_batch_free(&batch);
    sw_reader_free(reader);
    return code;
}

static const char *json_cell(struct sw_arena *a, const json_t *value)
{
    struct sw_buf text;
    struct sw_err ignored = {0};
    const char *copy = NULL;
    if (json_is_string(value))
        return sw_arena_strdup(a, json_string_value(value));
    if (value == NULL || json_is_null(value))
        return NULL;
    sw_buf_init(&text, TABLE_CELL * 64);
    if (sw_json_write(value, 0, &text, &ignored) == SW_OK)
        copy = sw_arena_strndup(a, text.data, text.len);
    sw_buf_free(&text);
    return copy;
}

// What MLflow's log_table() writes: {"columns": [names], "data": [[cells], ...]}.
static bool is_logged_table(const json_t *tree)
{
    const json_t *columns = json_object_get(tree, "columns"), *data = json_object_get(tree, "data"), *item;
    size_t i;
    if (json_array_size(columns) == 0 || !json_is_array(data))
        return false;
    json_array_foreach (columns, i, item)
        if (!json_is_string(item))
            return false;
    json_array_foreach (data, i, item)
        if (!json_is_array(item))
            return false;
    return true;
}

static enum sw_code add_logged_table(struct preview *p, const json_t *tree, struct sw_err *err)
{
    const json_t *names = json_object_get(tree, "columns"), *data = json_object_get(tree, "data");
    struct sw_arena *a = p->s.a;
    size_t columns_count = json_array_size(names), total = json_array_size(data);
    size_t rows_count = total < TABLE_ROWS ? total : TABLE_ROWS;
    struct sw_tui_column *columns = sw_arena_array(a, columns_count, sizeof *columns);
    struct sw_tui_row *rows = sw_arena_array(a, rows_count + 1, sizeof *rows);
    if (columns == NULL || rows == NULL)
        return tui_no_memory(err);
    for (size_t k = 0; k < columns_count; k++) {
        columns[k].title = sw_arena_strdup(a, json_string_value(json_array_get(names, k)));
        bool is_number = json_is_number(json_array_get(json_array_get(data, 0), k));
        columns[k].align = is_number ? SW_TUI_RIGHT : SW_TUI_LEFT;
    }
    for (size_t r = 0; r < rows_count; r++) {
        struct sw_tui_cell *cells = sw_arena_array(a, columns_count, sizeof *cells);
        if (cells == NULL)
            return tui_no_memory(err);
        for (size_t k = 0; k < columns_count; k++)
            cells[k].text = json_cell(a, json_array_get(json_array_get(data, r), k));
        rows[r].cells = cells;
    }
    const char *title =
        sw_arena_printf(a, "%s%zu rows × %zu", total > rows_count ? "the first 200 of " : "", total, columns_count);
    tui_section_add(&p->s, SW_TUI_SHEET, title)->sheet =
        (struct sw_tui_sheet){.columns = columns, .column_count = columns_count, .rows = rows, .row_count = rows_count};
    return SW_OK;
}

static enum sw_code preview_json(struct preview *p, struct sw_err *err)
{
    char *text;
    size_t len = 0;
    json_t *tree = NULL;
    struct sw_err ignored = {0};
    if (p->stat.size_bytes > TABLE_JSON_BYTES)
        return preview_text(p, err);
    enum sw_code code = read_beginning(p, TABLE_JSON_BYTES, &text, &len, err);
    if (code != SW_OK)
        return code;
    bool is_table =
        sw_json_parse(text, len, p->path, &sw_tree_limits_default, &tree, &ignored) == SW_OK && is_logged_table(tree);
    code = is_table ? add_logged_table(p, tree, err) : preview_text(p, err);
    json_decref(tree);
    return code;
}

static enum sw_code preview_picture(struct preview *p, struct sw_err *err)
{
    struct sw_picture picture;
    enum sw_code code = sw_picture_read(p->fd, PICTURE_WIDTH, PICTURE_HEIGHT, p->s.a, &picture, err);
    if (code != SW_OK)
        return code;
    tui_section_add(&p->s, SW_TUI_IMAGE, NULL)->image = (struct sw_tui_image){
        .width = picture.width, .height = picture.height, .channels = 3, .pixels = picture.pixels};
    tui_pairf(&p->s, "pixels", "%d x %d", picture.file_width, picture.file_height);
    return SW_OK;
}

static enum sw_code preview_binary(struct preview *p, struct sw_err *err)
{
    char *bytes;
    size_t len;
    struct sw_buf text;
    enum sw_code code = read_beginning(p, HEX_BYTES, &bytes, &len, err);
    if (code != SW_OK)
        return code;
    sw_buf_init(&text, HEX_BYTES * 16);
    for (size_t at = 0; at < len; at += HEX_PER_LINE) {
        sw_buf_addf(&text, "%06zx ", at);
        for (size_t i = at; i < at + HEX_PER_LINE; i++)
            sw_buf_addf(&text, i < len ? " %02x" : "   ", i < len ? (unsigned)(uint8_t)bytes[i] : 0);
        sw_buf_adds(&text, "  ");
        for (size_t i = at; i < at + HEX_PER_LINE && i < len; i++)
            sw_buf_addc(&text, bytes[i] >= 0x20 && bytes[i] < 0x7f ? bytes[i] : '.');
        sw_buf_addc(&text, '\n');
    }
    const char *title = part_title(p, len), *copy = sw_arena_strndup(p->s.a, text.data, text.len);
    sw_buf_free(&text);
    tui_section_text(&p->s, title != NULL ? title : "bytes", copy);
    return copy != NULL ? SW_OK : tui_no_memory(err);
}

static enum sw_code preview_folder(struct preview *p, int root_fd, struct sw_err *err)
{
    struct sw_beneath_entry *entries;
    size_t count, folders = 0;
    int64_t bytes = 0;
    enum sw_code code = sw_beneath_list(root_fd, p->path, FOLDER_MAX, p->s.a, &entries, &count, err);
    if (code != SW_OK)
        return code;
    for (size_t i = 0; i < count; i++) {
        folders += entries[i].stat.is_dir;
        bytes += entries[i].stat.size_bytes;
    }
    tui_pairf(&p->s, "folders", "%zu", folders);
    tui_pairf(&p->s, "files", "%zu, together %s", count - folders, tui_bytes_text(p->s.a, bytes));
    return SW_OK;
}

// A picture or table that cannot be read is said to be so and shown as what it is anyway: text or bytes.
static enum sw_code add_preview(struct preview *p, struct sw_err *err)
{
    struct sw_err problem = {0};
    enum sw_code code;
    if (p->kind.file_class == SW_FILE_PICTURE)
        code = preview_picture(p, &problem);
    else if (p->kind.file_class == SW_FILE_TABLE)
        code = preview_table(p, &problem);
    else if (p->kind.file_class == SW_FILE_JSON)
        return preview_json(p, err);
    else
        return p->kind.file_class == SW_FILE_TEXT ? preview_text(p, err) : preview_binary(p, err);
    if (code == SW_OK)
        return SW_OK;
    tui_pair(&p->s, "not shown", problem.message, SW_TUI_WARN);
    tui_pairs_end(&p->s, NULL);
    return p->kind.file_class == SW_FILE_TABLE ? preview_text(p, err) : preview_binary(p, err);
}

static void put_facts(struct preview *p)
{
    tui_pair(&p->s, "is", p->stat.is_dir ? "folder" : p->kind.word, SW_TUI_NORMAL);
    if (!p->stat.is_dir)
        tui_pair(&p->s, "size", tui_bytes_text(p->s.a, p->stat.size_bytes), SW_TUI_NORMAL);
    tui_pair(&p->s, "changed", tui_time_text(p->s.a, p->stat.modified_ms), SW_TUI_NORMAL);
}

static enum sw_code fill_preview(struct preview *p, int root_fd, struct sw_err *err)
{
    enum sw_code code = sw_beneath_open(root_fd, p->path, &p->fd, &p->stat, err);
    if (code != SW_OK)
        return code;
    char head[SW_FILE_HEAD];
    ssize_t got = p->stat.is_dir ? 0 : pread(p->fd, head, sizeof head, 0);
    p->kind = sw_file_kind(p->path, head, got > 0 ? (size_t)got : 0);
    put_facts(p);
    if (!p->stat.is_dir && p->kind.file_class != SW_FILE_PICTURE) // of a picture they stand beside it, or below
        tui_pairs_end(&p->s, NULL);
    code = p->stat.is_dir ? preview_folder(p, root_fd, err) : add_preview(p, err);
    tui_pairs_end(&p->s, NULL);
    return code;
}

static enum sw_code artifact_detail(struct sw_app_backend *b, struct tui_worker *w, const struct sw_tui_detail_query *q,
                                    const struct sw_task *task, struct sw_arena *a, struct sw_tui_detail *out,
                                    struct sw_err *err)
{
    (void)b, (void)task;
    char folder[SW_PATH_MAX];
    int root_fd = -1;
    struct preview p = {.path = q->ids[0], .fd = -1};
    enum sw_code code = tui_sections_begin(&p.s, a, err);
    if (code == SW_OK)
        code = open_root(w, q->parent, &root_fd, folder, err);
    if (code == SW_OK)
        code = sw_path_join(p.real, folder, p.path, err);
    if (code == SW_OK)
        code = fill_preview(&p, root_fd, err);
    if (p.fd >= 0)
        close(p.fd);
    if (root_fd >= 0)
        close(root_fd);
    if (code != SW_OK)
        return code;
    tui_sections_end(&p.s, out);
    out->title = sw_arena_strdup(a, p.path);
    out->command = sw_arena_printf(a, "slipway artifacts %.8s '%s'", q->parent, p.path);
    return SW_OK;
}

const struct tui_list tui_list_artifacts = {.load = load_artifacts, .detail = artifact_detail};
