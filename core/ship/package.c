// SPDX-License-Identifier: Apache-2.0
#include "core/ship/package.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct building {
    const struct sw_package_input *input;
    struct sw_arena *arena;
    struct sw_package *package;
    struct sw_model_file *items;
    size_t item_count;
};

static enum sw_code add_item(struct building *b, const char *path, int64_t size_bytes, const char *sha256,
                             struct sw_err *err)
{
    if (path == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the package of %s", b->package->label);
    struct sw_model_file *f = &b->items[b->item_count++];
    f->path = path;
    f->size_bytes = size_bytes;
    memcpy(f->sha256, sha256, SW_SHA256_HEX);
    return SW_OK;
}

static enum sw_code add_part(struct building *b, const char *path, const char *text, struct sw_err *err)
{
    if (path == NULL || text == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the package of %s", b->package->label);
    size_t len = strlen(text);
    if (len > SW_PACKAGE_PART_MAX)
        return sw_err_set(err, SW_LIMIT, "'%s' has %zu bytes, at most %u are allowed", path, len, SW_PACKAGE_PART_MAX);
    char sha256[SW_SHA256_HEX];
    sw_sha256_hex(text, len, sha256);
    b->package->parts[b->package->part_count++] = (struct sw_package_part){.path = path, .bytes = text, .len = len};
    return add_item(b, path, (int64_t)len, sha256, err);
}

static enum sw_code add_model(struct building *b, const struct sw_model_files *files, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; code == SW_OK && i < files->count; i++) {
        const struct sw_model_file *f = &files->items[i];
        code = add_item(b, sw_arena_printf(b->arena, SW_PACKAGE_MODEL "%s", f->path), f->size_bytes, f->sha256, err);
    }
    return code;
}

// "manifests/01-inferenceservice.yaml": the number keeps the order in which they are applied.
static enum sw_code add_objects(struct building *b, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; code == SW_OK && i < b->input->object_count; i++) {
        char kind[64] = "";
        for (size_t n = 0; n < sizeof kind - 1 && isalnum((unsigned char)b->input->objects[i].kind[n]); n++)
            kind[n] = (char)tolower((unsigned char)b->input->objects[i].kind[n]);
        code = add_part(b, sw_arena_printf(b->arena, "manifests/%02zu-%s.yaml", i + 1, kind), b->input->objects[i].yaml,
                        err);
    }
    return code;
}

static enum sw_code add_approvals(struct building *b, struct sw_err *err)
{
    enum sw_code code = SW_OK;
    for (size_t i = 0; code == SW_OK && i < b->input->approval_count; i++) {
        const struct sw_approval *a = &b->input->approvals[i];
        const char *path =
            i == 0 ? SW_PACKAGE_APPROVAL ".json" : sw_arena_printf(b->arena, SW_PACKAGE_APPROVAL "-%zu.json", i + 1);
        code = add_part(b, path, a->statement, err);
        if (code == SW_OK && a->signature[0] != '\0')
            code = add_part(b, sw_arena_printf(b->arena, "%s.sig", path), a->signature, err);
    }
    return code;
}

static enum sw_code add_note(struct building *b, struct sw_err *err)
{
    const struct sw_package_input *in = b->input;
    struct sw_buf note;
    sw_buf_init(&note, SW_PACKAGE_PART_MAX);
    sw_buf_addf(&note, "# %s\n\nModel digest sha256:%s. Everything here is listed in MANIFEST.\n", b->package->label,
                in->version->digest);
    sw_buf_adds(&note, "\n## Check\n\n"
                       "    sed -E 's/^([0-9a-f]{64})  [0-9]+  /\\1  /' MANIFEST | sha256sum --check --strict\n");
    for (size_t i = 0; i < in->approval_count; i++) {
        if (in->approvals[i].signature[0] == '\0')
            continue;
        char number[24] = "";
        if (i > 0)
            snprintf(number, sizeof number, "-%zu", i + 1);
        sw_buf_addf(&note,
                    "    ssh-keygen -Y verify -f allowed_signers -I '%s' -n slipway -s approval%s.json.sig < "
                    "approval%s.json\n",
                    in->approvals[i].user, number, number);
    }
    if (in->storage_uri[0] != '\0')
        sw_buf_addf(&note,
                    "\n## Place the model\n\nThe manifests read the model from `%s`: copy the files below\n"
                    "`model/` there, unchanged.\n",
                    in->storage_uri);
    if (in->object_count > 0)
        sw_buf_adds(&note, "\n## Apply\n\n    kubectl diff --server-side -f manifests/\n"
                           "    kubectl apply --server-side --field-manager=slipway -f manifests/\n");
    enum sw_code code = sw_buf_check(&note, SW_PACKAGE_NOTE, err);
    if (code == SW_OK)
        code = add_part(b, SW_PACKAGE_NOTE, sw_arena_strdup(b->arena, note.data), err);
    sw_buf_free(&note);
    return code;
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct sw_package_part *)left)->path, ((const struct sw_package_part *)right)->path);
}

// Sorts, digests and writes the list down.
static enum sw_code seal(struct building *b, struct sw_err *err)
{
    struct sw_package *p = b->package;
    qsort(p->parts, p->part_count, sizeof *p->parts, by_path);
    struct sw_buf text;
    sw_buf_init(&text, SW_MODEL_FILES_TEXT_MAX);
    enum sw_code code = sw_model_files_seal(b->items, b->item_count, &p->files, err);
    if (code == SW_OK)
        code = sw_model_files_write(&p->files, &text, err);
    if (code == SW_OK) {
        p->manifest = sw_arena_strdup(b->arena, text.data);
        p->manifest_len = text.len;
        if (p->manifest == NULL)
            code = sw_err_set(err, SW_NO_MEMORY, "no memory for the package of %s", p->label);
    }
    sw_buf_free(&text);
    return code;
}

enum sw_code sw_package_make(const struct sw_package_input *input, struct sw_arena *a, struct sw_package *out,
                             struct sw_err *err)
{
    char label[SW_MODEL_LABEL];
    struct sw_model_files model;
    enum sw_code code = sw_model_version_files(input->version, a, &model, err);
    if (code != SW_OK)
        return code;
    size_t part_max = input->object_count + 2 * input->approval_count + 2;
    struct sw_package p = {.model = input->version->name,
                           .label = sw_arena_strdup(a, sw_model_label(input->version, label)),
                           .model_root = input->version->path,
                           .parts = sw_arena_array(a, part_max, sizeof *p.parts)};
    struct building b = {
        .input = input, .arena = a, .package = &p, .items = sw_arena_array(a, model.count + part_max, sizeof *b.items)};
    if (p.label == NULL || p.parts == NULL || b.items == NULL)
        return sw_err_set(err, SW_NO_MEMORY, "no memory for the package of %s", input->version->name);
    code = add_model(&b, &model, err);
    if (code == SW_OK)
        code = add_objects(&b, err);
    if (code == SW_OK)
        code = add_approvals(&b, err);
    if (code == SW_OK)
        code = add_part(&b, SW_PACKAGE_AUDIT, sw_arena_printf(a, "%s\n", input->audit_head), err);
    if (code == SW_OK)
        code = add_note(&b, err);
    if (code == SW_OK)
        code = seal(&b, err);
    if (code == SW_OK)
        *out = p;
    return code;
}

const struct sw_package_part *sw_package_find_part(const struct sw_package *p, const char *path)
{
    struct sw_package_part key = {.path = path};
    return bsearch(&key, p->parts, p->part_count, sizeof key, by_path);
}
