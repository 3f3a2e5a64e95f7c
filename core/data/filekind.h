// SPDX-License-Identifier: Apache-2.0
// What a file is, told by its first bytes; the name decides only between kinds of text. Nothing is opened or trusted.
#ifndef SW_DATA_FILEKIND_H
#define SW_DATA_FILEKIND_H

#include <stdbool.h>
#include <stddef.h>

#define SW_FILE_HEAD 512 // bytes that are enough to tell

enum sw_file_class {
    SW_FILE_TEXT,
    SW_FILE_TABLE,   // text that core/data reads as rows: CSV and its kin
    SW_FILE_JSON,    // text; may be a table as MLflow's log_table() writes it
    SW_FILE_PICTURE, // that picture.h reads
    SW_FILE_BINARY,
};

struct sw_file_kind {
    enum sw_file_class file_class;
    const char *word; // "PNG picture", "Python pickle", "text"; static
};

// `head` holds the first `len` bytes of the file (SW_FILE_HEAD, or all of a shorter one); `name` may have folders.
struct sw_file_kind sw_file_kind(const char *name, const void *head, size_t len);
static inline bool sw_file_is_text(struct sw_file_kind kind)
{
    return kind.file_class == SW_FILE_TEXT || kind.file_class == SW_FILE_TABLE || kind.file_class == SW_FILE_JSON;
}

#endif
