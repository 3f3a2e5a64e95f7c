// SPDX-License-Identifier: Apache-2.0
// CSV in three steps: a scanner that walks fields (csv_scan.c), what a sample says about dialect, header and types
// (csv_sniff.c), and the reader with its row index (csv.c).
#ifndef SW_DATA_CSV_INTERNAL_H
#define SW_DATA_CSV_INTERNAL_H

#include <locale.h>

#include "core/data/reader_internal.h"

#ifndef SW_CSV_WINDOW_BYTES // tests shrink it so that fields cross windows
#define SW_CSV_WINDOW_BYTES (256 * 1024)
#endif
#define SW_CSV_SAMPLE_BYTES  (1024 * 1024)
#define SW_CSV_SAMPLE_ROWS   10000
#define SW_CSV_MAX_HEAD_CELL 1024
// A longer cell is no number; numbers of any sensible notation fit.
#define SW_CSV_MAX_NUMBER 512

// Walks a source by fields. The window holds bytes [start, start + len) of the source; `at` is the next byte in it.
struct csv_scan {
    struct sw_source *source;
    char delimiter;
    int64_t limit; // nothing is loaded from this offset on, which then counts as the end; INT64_MAX = none
    int64_t start;
    size_t len;
    size_t at;
    int64_t line; // of the next byte, from 1
    bool ends;    // the window ends where the data does
    struct sw_err *err;
    enum sw_code code; // first failure; the scan then behaves as at the end
    char *window;
};

// The field just passed. `text` holds at most `limit` bytes of it; full_len counts all. Reused from field to field.
struct csv_cell {
    struct sw_buf text;
    uint64_t full_len;
    size_t limit;
    bool is_quoted;
    bool is_bad; // bytes after the closing quote, or no closing quote
};

enum csv_end { CSV_END_FIELD, CSV_END_ROW, CSV_END_DATA };

enum sw_code csv_scan_init(struct csv_scan *s, struct sw_source *source, char delimiter, struct sw_err *err);
void csv_scan_free(struct csv_scan *s);
void csv_scan_seek(struct csv_scan *s, int64_t offset, int64_t line);
int64_t csv_scan_offset(const struct csv_scan *s);
// Steps over blank lines to the first field of a row; false at the end of the data.
bool csv_scan_row(struct csv_scan *s);
// Passes one field and says what followed it. `cell` NULL = not wanted.
enum csv_end csv_scan_field(struct csv_scan *s, struct csv_cell *cell);
// Passes the rest of a row.
void csv_scan_skip_row(struct csv_scan *s);

// Empty and the usual words for nothing (NA, NaN, null, None...) in a column of numbers.
bool csv_is_null_number(const char *text, size_t len);
// Whole number without needless leading zeros (those are names, not numbers) that fits int64.
bool csv_parse_int(const char *text, size_t len, int64_t *out);
// Decimal or exponent notation, "inf" included; `c_locale` keeps the decimal point a point.
bool csv_parse_real(const char *text, size_t len, locale_t c_locale, double *out);

struct csv_dialect {
    char delimiter;
    bool has_header;
    int64_t body;      // offset of the first row of data
    int64_t body_line; // its line
    double row_bytes;  // mean, 0 when the sample holds no row
};
// Looks at the beginning of the source; fills the dialect and the reader's schema (names and types).
enum sw_code csv_sniff_source(struct sw_reader *r, const struct sw_reader_options *options, locale_t c_locale,
                              struct csv_dialect *out, struct sw_err *err);

#endif
