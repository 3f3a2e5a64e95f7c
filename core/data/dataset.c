// SPDX-License-Identifier: Apache-2.0
// What a path means. A file is one table. A folder is read by the first layout that recognises it: IDX pairs
// (train-images..., train-labels...), else tables named after splits (train.csv, test.csv).
#include "core/data/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/base/path.h"
#include "core/data/dataset_internal.h"
#include "core/data/reader_internal.h"

enum { MAX_FOLDER_ENTRIES = 10000, MAX_LABELS_BYTES = 1 << 20, MAX_CLASSES = 10000 };

// The words by which file names tell their split; the order is the order in which splits are listed.
static const struct {
    const char *word;
    const char *split;
} split_words[] = {
    {"train", "train"},      {"training", "train"}, {"val", "validation"},
    {"valid", "validation"}, {"dev", "validation"}, {"validation", "validation"},
    {"test", "test"},        {"testing", "test"},   {"t10k", "test"},
};

// Class names that data sets do not carry in their files. Source: README of github.com/zalandoresearch/fashion-mnist.
static const char *const fashion_mnist_classes[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
static const struct {
    const char *folder;
    const char *source;
    const char *const *names;
    size_t count;
} known_classes[] = {
    {"fashion-mnist", "Fashion-MNIST README", fashion_mnist_classes, 10},
    {"fashion_mnist", "Fashion-MNIST README", fashion_mnist_classes, 10},
    {"FashionMNIST", "Fashion-MNIST README", fashion_mnist_classes, 10},
};

static enum sw_code no_memory(const struct sw_data *d, struct sw_err *err)
{
    return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", d->path);
}

static enum sw_code add_file(struct sw_data *d, const char *relative, struct sw_err *err)
{
    for (size_t i = 0; i < d->file_count; i++)
        if (strcmp(d->files[i], relative) == 0)
            return SW_OK;
    const char **grown = realloc(d->files, (d->file_count + 1) * sizeof *grown);
    if (grown == NULL)
        return no_memory(d, err);
    d->files = grown;
    const char *copy = sw_arena_strdup(d->arena, relative);
    if (copy == NULL)
        return no_memory(d, err);
    d->files[d->file_count++] = copy;
    return SW_OK;
}

// Takes the reader on success.
static enum sw_code add_split(struct sw_data *d, const char *name, struct sw_reader *reader, struct sw_err *err)
{
    struct data_split *grown = realloc(d->splits, (d->split_count + 1) * sizeof *grown);
    if (grown == NULL)
        return no_memory(d, err);
    d->splits = grown;
    const char *copy = sw_arena_strdup(d->arena, name);
    if (copy == NULL)
        return no_memory(d, err);
    d->splits[d->split_count++] = (struct data_split){.name = copy, .reader = reader};
    return SW_OK;
}

static enum sw_code open_member(const struct sw_data *d, const char *file, const struct sw_reader_options *options,
                                struct sw_reader **out, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, d->path, file, err);
    return code == SW_OK ? sw_reader_open(path, options, out, err) : code;
}

// --- class names ---

static enum sw_code read_label_file(struct sw_data *d, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    struct sw_buf text;
    sw_buf_init(&text, MAX_LABELS_BYTES);
    enum sw_code code = sw_path_join(path, d->path, "labels.txt", err);
    if (code == SW_OK)
        code = sw_file_read(path, &text, err);
    const char **names = code == SW_OK ? sw_arena_array(d->arena, MAX_CLASSES, sizeof *names) : NULL;
    size_t count = 0;
    char *rest = NULL;
    for (char *line = names != NULL ? strtok_r(text.data, "\r\n", &rest) : NULL; line != NULL && count < MAX_CLASSES;
         line = strtok_r(NULL, "\r\n", &rest))
        names[count++] = sw_arena_strdup(d->arena, line);
    sw_buf_free(&text);
    if (code != SW_OK)
        return code;
    if (names == NULL || (count > 0 && names[count - 1] == NULL))
        return no_memory(d, err);
    d->class_names = names;
    d->class_count = count;
    d->classes_source = count > 0 ? "labels.txt" : NULL;
    return add_file(d, "labels.txt", err);
}

static enum sw_code find_classes(struct sw_data *d, struct sw_err *err)
{
    char path[SW_PATH_MAX];
    enum sw_code code = sw_path_join(path, d->path, "labels.txt", err);
    struct stat st;
    if (code == SW_OK && stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return read_label_file(d, err);
    for (size_t i = 0; i < sizeof known_classes / sizeof *known_classes; i++)
        if (strstr(sw_path_base(d->path), known_classes[i].folder) != NULL) {
            d->class_names = known_classes[i].names;
            d->class_count = known_classes[i].count;
            d->classes_source = known_classes[i].source;
            break;
        }
    return code;
}

// --- folders ---

enum role { ROLE_IMAGES, ROLE_LABELS, ROLE_TABLE, ROLE_NONE };

// A file of a folder and what its name says.
struct member {
    const char *file;
    const char *split;
    enum role role;
};

static const char *split_of_word(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof split_words / sizeof *split_words; i++)
        if (strlen(split_words[i].word) == len && strncasecmp(split_words[i].word, word, len) == 0)
            return split_words[i].split;
    return NULL;
}

static int split_rank(const char *split)
{
    for (size_t i = 0; i < sizeof split_words / sizeof *split_words; i++)
        if (strcmp(split_words[i].split, split) == 0)
            return (int)i;
    return (int)(sizeof split_words / sizeof *split_words);
}

// "train-images-idx3-ubyte.gz" -> images of train; "emnist-letters-test-labels.idx1-ubyte" -> labels of test.
static bool parse_idx_name(struct sw_arena *a, const char *file, struct member *out)
{
    static const struct {
        const char *mark;
        enum role role;
    } marks[] = {
        {"-images", ROLE_IMAGES}, {"_images", ROLE_IMAGES}, {"-labels", ROLE_LABELS}, {"_labels", ROLE_LABELS}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(file, marks[i].mark);
        if (at == NULL || at == file || strstr(at, "idx") == NULL)
            continue;
        const char *word = at;
        while (word > file && word[-1] != '-' && word[-1] != '_' && word[-1] != '.')
            word--;
        const char *split = split_of_word(word, (size_t)(at - word));
        *out = (struct member){.file = file,
                               .role = marks[i].role,
                               .split = split != NULL ? split : sw_arena_strndup(a, file, (size_t)(at - file))};
        return out->split != NULL;
    }
    return false;
}

// "train.csv", "Test.tsv.gz", "anything.csv".
static bool parse_table_name(struct sw_arena *a, const char *file, struct member *out)
{
    size_t len = strlen(file);
    if (len > 3 && strcmp(file + len - 3, ".gz") == 0)
        len -= 3;
    if (len <= 4 || (strncasecmp(file + len - 4, ".csv", 4) != 0 && strncasecmp(file + len - 4, ".tsv", 4) != 0))
        return false;
    const char *split = split_of_word(file, len - 4);
    *out = (struct member){
        .file = file, .role = ROLE_TABLE, .split = split != NULL ? split : sw_arena_strndup(a, file, len - 4)};
    return out->split != NULL;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum sw_code list_folder(const struct sw_data *d, const char ***out, size_t *count, struct sw_err *err)
{
    DIR *dir = opendir(d->path);
    if (dir == NULL)
        return sw_err_errno(err, errno, "%s", d->path);
    const char **names = sw_arena_array(d->arena, MAX_FOLDER_ENTRIES, sizeof *names);
    size_t n = 0;
    enum sw_code code = names != NULL ? SW_OK : no_memory(d, err);
    for (struct dirent *e; code == SW_OK && (e = readdir(dir)) != NULL;) {
        struct stat st;
        if (e->d_name[0] == '.' || fstatat(dirfd(dir), e->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
            continue;
        if (n == MAX_FOLDER_ENTRIES)
            code = sw_err_set(err, SW_LIMIT, "%s holds more than %d files", d->path, MAX_FOLDER_ENTRIES);
        else if ((names[n++] = sw_arena_strdup(d->arena, e->d_name)) == NULL)
            code = no_memory(d, err);
    }
    closedir(dir);
    if (code != SW_OK)
        return code;
    qsort(names, n, sizeof *names, compare_text);
    *out = names;
    *count = n;
    return SW_OK;
}

// The members of the first layout that any file fits. The plain form of a file comes before "FILE.gz" and hides it.
static enum sw_code find_members(struct sw_data *d, struct member **out, size_t *count, struct sw_err *err)
{
    static bool (*const layouts[])(struct sw_arena *, const char *, struct member *) = {parse_idx_name,
                                                                                        parse_table_name};
    const char **names = NULL;
    size_t name_count = 0;
    enum sw_code code = list_folder(d, &names, &name_count, err);
    if (code != SW_OK)
        return code;
    struct member *members = sw_arena_array(d->arena, name_count + 1, sizeof *members);
    if (members == NULL)
        return no_memory(d, err);
    size_t n = 0;
    for (size_t l = 0; l < sizeof layouts / sizeof *layouts && n == 0; l++)
        for (size_t i = 0; i < name_count; i++) {
            size_t before = n > 0 ? strlen(members[n - 1].file) : 0;
            if (n > 0 && strncmp(names[i], members[n - 1].file, before) == 0 && strcmp(names[i] + before, ".gz") == 0)
                continue;
            n += layouts[l](d->arena, names[i], &members[n]);
        }
    *out = members;
    *count = n;
    if (n > 0)
        return SW_OK;
    (void)sw_err_set(err, SW_UNSUPPORTED, "%s holds no data set that is known here", d->path);
    return sw_err_hint(err, "a folder needs IDX files (train-images-idx3-ubyte.gz ...) or train.csv and test.csv; "
                            "or name one file of it");
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int by_rank = split_rank(x->split) - split_rank(y->split);
    int by_name = strcmp(x->split, y->split);
    return by_rank != 0 ? by_rank : by_name != 0 ? by_name : (int)x->role - (int)y->role;
}

static enum sw_code check_members(const struct sw_data *d, const struct member *m, size_t count, struct sw_err *err)
{
    for (size_t i = 1; i < count; i++)
        if (strcmp(m[i].split, m[i - 1].split) == 0 && m[i].role == m[i - 1].role) {
            (void)sw_err_set(err, SW_AMBIGUOUS, "%s has two files for the split %s: %s and %s", d->path, m[i].split,
                             m[i - 1].file, m[i].file);
            return sw_err_hint(err, "give each data set a folder of its own");
        }
    return SW_OK;
}

// Images and labels of one split, side by side.
static enum sw_code open_idx_split(struct sw_data *d, const struct member *m, size_t count,
                                   const struct sw_reader_options *options, struct sw_err *err)
{
    struct sw_reader *parts[2] = {0}, *joined = NULL;
    struct sw_joined_column columns[2] = {0};
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < count && code == SW_OK; i++) {
        bool is_label = m[i].role == ROLE_LABELS;
        code = open_member(d, m[i].file, options, &parts[i], err);
        if (code != SW_OK)
            break;
        const struct sw_column *c = sw_reader_schema(parts[i])->columns;
        columns[i] = (struct sw_joined_column){.part = i, .name = is_label ? "label" : c->name};
        if (is_label && c->type == SW_DATA_INT) {
            columns[i].class_names = d->class_names;
            columns[i].class_count = d->class_count;
        }
        code = add_file(d, m[i].file, err);
    }
    if (code == SW_OK)
        code = sw_reader_join(d->path, parts, count, columns, count, &joined, err);
    if (code != SW_OK) {
        sw_reader_free(parts[0]);
        sw_reader_free(parts[1]);
        return code;
    }
    code = add_split(d, m[0].split, joined, err);
    if (code != SW_OK)
        sw_reader_free(joined);
    return code;
}

static enum sw_code open_table_split(struct sw_data *d, const struct member *m, const struct sw_reader_options *options,
                                     struct sw_err *err)
{
    struct sw_reader *reader = NULL;
    enum sw_code code = open_member(d, m->file, options, &reader, err);
    if (code == SW_OK)
        code = add_file(d, m->file, err);
    if (code == SW_OK)
        code = add_split(d, m->split, reader, err);
    if (code != SW_OK)
        sw_reader_free(reader);
    return code;
}

static enum sw_code open_folder(struct sw_data *d, const struct sw_reader_options *options, struct sw_err *err)
{
    struct member *members = NULL;
    size_t count = 0;
    enum sw_code code = find_members(d, &members, &count, err);
    if (code != SW_OK)
        return code;
    qsort(members, count, sizeof *members, compare_members);
    code = check_members(d, members, count, err);
    if (code == SW_OK && members[0].role != ROLE_TABLE)
        code = find_classes(d, err);
    for (size_t i = 0, n = 1; i < count && code == SW_OK; i += n) {
        n = i + 1 < count && strcmp(members[i].split, members[i + 1].split) == 0 ? 2 : 1;
        code = members[i].role == ROLE_TABLE ? open_table_split(d, &members[i], options, err)
                                             : open_idx_split(d, &members[i], n, options, err);
    }
    return code;
}

static enum sw_code open_single(struct sw_data *d, const struct sw_reader_options *options, struct sw_err *err)
{
    struct sw_reader *reader = NULL;
    enum sw_code code = sw_reader_open(d->path, options, &reader, err);
    if (code == SW_OK)
        code = add_file(d, sw_path_base(d->path), err);
    if (code == SW_OK)
        code = add_split(d, "all", reader, err);
    if (code != SW_OK)
        sw_reader_free(reader);
    return code;
}

// "fashion-mnist" from ".../fashion-mnist/", "flights" from "flights.csv.gz".
static const char *propose_name(struct sw_arena *a, const char *path, bool is_folder)
{
    const char *base = sw_path_base(path);
    size_t len = strlen(base);
    if (!is_folder && len > 3 && strcmp(base + len - 3, ".gz") == 0)
        len -= 3;
    const char *dot = memrchr(base, '.', len);
    if (!is_folder && dot != NULL && dot > base)
        len = (size_t)(dot - base);
    return sw_arena_strndup(a, base, len);
}

enum sw_code sw_data_open(const char *path, const struct sw_reader_options *options, struct sw_data **out,
                          struct sw_err *err)
{
    struct sw_data *d = calloc(1, sizeof *d);
    if (d == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", path);
    struct stat st;
    enum sw_code code = sw_path_absolute(d->path, path, err);
    if (code == SW_OK && stat(d->path, &st) < 0) {
        code = sw_err_errno(err, errno, "%s", d->path);
        (void)sw_err_hint(err, "name a file or folder with data, or a registered data set (slipway data ls)");
    }
    if (code == SW_OK && (d->arena = sw_arena_new((size_t)64 << 20)) == NULL)
        code = no_memory(d, err);
    if (code == SW_OK && (d->name = propose_name(d->arena, d->path, S_ISDIR(st.st_mode))) == NULL)
        code = no_memory(d, err);
    if (code == SW_OK) {
        d->is_folder = S_ISDIR(st.st_mode);
        code = d->is_folder ? open_folder(d, options, err) : open_single(d, options, err);
    }
    if (code != SW_OK) {
        sw_data_free(d);
        return code;
    }
    qsort(d->files, d->file_count, sizeof *d->files, compare_text);
    *out = d;
    return SW_OK;
}

void sw_data_free(struct sw_data *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->split_count; i++)
        sw_reader_free(d->splits[i].reader);
    free(d->splits);
    free(d->files);
    sw_arena_free(d->arena);
    free(d);
}

const char *sw_data_path(const struct sw_data *d)
{
    return d->path;
}

const char *sw_data_name(const struct sw_data *d)
{
    return d->name;
}

const char *sw_data_format(const struct sw_data *d)
{
    return sw_reader_format(d->splits[0].reader);
}

const char *sw_data_classes_source(const struct sw_data *d)
{
    return d->classes_source;
}

size_t sw_data_split_count(const struct sw_data *d)
{
    return d->split_count;
}

const char *sw_data_split_name(const struct sw_data *d, size_t i)
{
    return d->splits[i].name;
}

struct sw_reader *sw_data_split_reader(const struct sw_data *d, size_t i)
{
    return d->splits[i].reader;
}

enum sw_code sw_data_split(const struct sw_data *d, const char *name, struct sw_reader **out, struct sw_err *err)
{
    const char *wanted = name != NULL ? name : d->split_count == 1 ? d->splits[0].name : "train";
    char known[200] = "";
    for (size_t i = 0; i < d->split_count; i++) {
        if (strcmp(d->splits[i].name, wanted) == 0) {
            *out = d->splits[i].reader;
            return SW_OK;
        }
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "", d->splits[i].name);
    }
    (void)sw_err_set(err, SW_NOT_FOUND, "%s has no split %s", d->path, wanted);
    return sw_err_hint(err, "its splits: %s", known);
}

enum sw_code sw_data_file_path(const struct sw_data *d, size_t i, char out[static SW_PATH_MAX], struct sw_err *err)
{
    if (d->is_folder)
        return sw_path_join(out, d->path, d->files[i], err);
    memcpy(out, d->path, SW_PATH_MAX);
    return SW_OK;
}

enum sw_code sw_data_digest(const struct sw_data *d, char hex[static SW_SHA256_HEX], int64_t *size_bytes,
                            struct sw_err *err)
{
    struct sw_buf lines;
    sw_buf_init(&lines, (size_t)16 << 20);
    int64_t total = 0;
    enum sw_code code = SW_OK;
    for (size_t i = 0; i < d->file_count && code == SW_OK; i++) {
        char path[SW_PATH_MAX], digest[SW_SHA256_HEX];
        int64_t size = 0;
        code = sw_data_file_path(d, i, path, err);
        if (code == SW_OK)
            code = sw_sha256_file(path, digest, &size, err);
        if (code == SW_OK)
            sw_buf_addf(&lines, "%s  %lld  %s\n", digest, (long long)size, d->files[i]);
        total += size;
    }
    if (code == SW_OK)
        code = sw_buf_check(&lines, "the file list", err);
    if (code == SW_OK) {
        sw_sha256_hex(lines.data, lines.len, hex);
        if (size_bytes != NULL)
            *size_bytes = total;
    }
    sw_buf_free(&lines);
    return code;
}
