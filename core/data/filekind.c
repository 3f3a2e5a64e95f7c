// SPDX-License-Identifier: Apache-2.0
#include "core/data/filekind.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

#define MAGIC(offset, bytes, file_class, word)                                                                         \
    {                                                                                                                  \
        offset, sizeof(bytes) - 1, bytes,                                                                              \
        {                                                                                                              \
            file_class, word                                                                                           \
        }                                                                                                              \
    }

static const struct {
    size_t offset, len;
    const char *bytes;
    struct sw_file_kind kind;
} magics[] = {
    MAGIC(0, "\x89PNG\r\n\x1a\n", SW_FILE_PICTURE, "PNG picture"),
    MAGIC(0, "\xff\xd8\xff", SW_FILE_PICTURE, "JPEG picture"),
    MAGIC(0, "GIF87a", SW_FILE_BINARY, "GIF picture"),
    MAGIC(0, "GIF89a", SW_FILE_BINARY, "GIF picture"),
    MAGIC(8, "WEBP", SW_FILE_BINARY, "WebP picture"),
    MAGIC(0, "%PDF-", SW_FILE_BINARY, "PDF document"),
    MAGIC(0, "PK\x03\x04", SW_FILE_BINARY, "ZIP archive"),
    MAGIC(0, "\x1f\x8b", SW_FILE_BINARY, "gzip data"),
    MAGIC(0, "BZh", SW_FILE_BINARY, "bzip2 data"),
    MAGIC(0,
          "\xfd"
          "7zXZ\0",
          SW_FILE_BINARY, "xz data"),
    MAGIC(0, "\x28\xb5\x2f\xfd", SW_FILE_BINARY, "Zstandard data"),
    MAGIC(257, "ustar", SW_FILE_BINARY, "tar archive"),
    MAGIC(0, "PAR1", SW_FILE_BINARY, "Parquet table"),
    MAGIC(0, "ARROW1", SW_FILE_BINARY, "Arrow table"),
    MAGIC(0, "\x89HDF\r\n\x1a\n", SW_FILE_BINARY, "HDF5 data"),
    MAGIC(0, "\x93NUMPY", SW_FILE_BINARY, "NumPy array"),
    MAGIC(0, "SQLite format 3\0", SW_FILE_BINARY, "SQLite database"),
    MAGIC(0,
          "\x7f"
          "ELF",
          SW_FILE_BINARY, "ELF program or library"),
    MAGIC(0, "\x80\x02", SW_FILE_BINARY, "Python pickle"),
    MAGIC(0, "\x80\x03", SW_FILE_BINARY, "Python pickle"),
    MAGIC(0, "\x80\x04", SW_FILE_BINARY, "Python pickle"),
    MAGIC(0, "\x80\x05", SW_FILE_BINARY, "Python pickle"),
};

// Formats that begin with no bytes of their own.
static const struct {
    const char *ending;
    struct sw_file_kind kind;
} binary_endings[] = {
    {".onnx", {SW_FILE_BINARY, "ONNX model"}},
    {".safetensors", {SW_FILE_BINARY, "safetensors weights"}},
    {".pt", {SW_FILE_BINARY, "PyTorch file"}},
    {".pth", {SW_FILE_BINARY, "PyTorch file"}},
};
static const struct {
    const char *ending;
    struct sw_file_kind kind;
} text_endings[] = {
    {".csv", {SW_FILE_TABLE, "CSV table"}},   {".tsv", {SW_FILE_TABLE, "TSV table"}},
    {".json", {SW_FILE_JSON, "JSON"}},        {".jsonl", {SW_FILE_TEXT, "JSON Lines"}},
    {".yaml", {SW_FILE_TEXT, "YAML"}},        {".yml", {SW_FILE_TEXT, "YAML"}},
    {"MLmodel", {SW_FILE_TEXT, "YAML"}},      {".md", {SW_FILE_TEXT, "Markdown"}},
    {".html", {SW_FILE_TEXT, "HTML"}},        {".svg", {SW_FILE_TEXT, "SVG drawing"}},
    {".py", {SW_FILE_TEXT, "Python source"}}, {".toml", {SW_FILE_TEXT, "TOML"}},
};

static bool has_ending(const char *name, const char *ending)
{
    size_t name_len = strlen(name), len = strlen(ending);
    return name_len >= len && strcasecmp(name + name_len - len, ending) == 0;
}

// UTF-8 without NUL and with few controls; a character cut off at the end is no fault.
static bool is_text(const char *head, size_t len)
{
    size_t controls = 0;
    for (size_t at = 0; at < len;) {
        uint32_t character;
        size_t used = sw_utf8_decode(head + at, len - at, &character);
        if (character == 0)
            return false;
        if (character == SW_TEXT_REPLACEMENT && used == 1 && len - at > 3)
            return false;
        controls += character < 0x20 && strchr("\t\n\r\f\033", (int)character) == NULL;
        at += used;
    }
    return controls * 32 <= len;
}

struct sw_file_kind sw_file_kind(const char *name, const void *head, size_t len)
{
    if (len == 0)
        return (struct sw_file_kind){SW_FILE_TEXT, "empty file"};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (len >= magics[i].offset + magics[i].len &&
            memcmp((const char *)head + magics[i].offset, magics[i].bytes, magics[i].len) == 0)
            return magics[i].kind;
    if (!is_text(head, len)) {
        for (size_t i = 0; i < sizeof binary_endings / sizeof binary_endings[0]; i++)
            if (has_ending(name, binary_endings[i].ending))
                return binary_endings[i].kind;
        return (struct sw_file_kind){SW_FILE_BINARY, strstr(name, "tfevents") != NULL ? "TensorBoard events" : "data"};
    }
    for (size_t i = 0; i < sizeof text_endings / sizeof text_endings[0]; i++)
        if (has_ending(name, text_endings[i].ending))
            return text_endings[i].kind;
    return (struct sw_file_kind){SW_FILE_TEXT, "text"};
}
