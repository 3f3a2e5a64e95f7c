// SPDX-License-Identifier: Apache-2.0
// What a sample from the beginning of a CSV file says: which delimiter, whether the first row is a header, what each
// column holds. Numbers with leading zeros and integers beyond int64 stay text: as numbers they would lose digits.
#include "core/data/csv_internal.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

// What the sample's cells of a column allow it to be.
struct column_facts {
    bool has_value;
    bool all_int;
    bool all_real;
    bool head_is_number; // the first row's cell
    bool head_is_empty;
};

struct sample {
    struct csv_scan scan;
    struct csv_cell cell;
    struct column_facts *facts;
    size_t columns;
    int64_t rows; // learnt from
    int64_t first_row, first_row_line;
    int64_t second_row, second_row_line; // where data begins under a header
    int64_t end;                         // offset behind the last row looked at
};

bool csv_is_null_number(const char *text, size_t len)
{
    static const char *const words[] = {"NA",   "N/A",  "n/a",  "NaN",  "nan",  "-nan",
                                        "NULL", "null", "None", "none", "#N/A", "-"};
    if (len == 0)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
            return true;
    return false;
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && ((*text)[*len - 1] == ' ' || (*text)[*len - 1] == '\t'))
        (*len)--;
}

bool csv_parse_int(const char *text, size_t len, int64_t *out)
{
    trim(&text, &len);
    bool is_negative = len > 0 && text[0] == '-';
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (i == len || (text[i] == '0' && len - i > 1))
        return false;
    int64_t value = 0;
    for (; i < len; i++) {
        int digit = text[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) // counted downwards: the lowest int64 has no positive twin
            return false;
    }
    if (!is_negative && value == INT64_MIN)
        return false;
    *out = is_negative ? value : -value;
    return true;
}

// The shape of a decimal number, so that strtod() never sees hexadecimal, locale or other surprises.
static bool looks_real(const char *text, size_t len)
{
    size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
    if (len - i == 3 && strncasecmp(text + i, "inf", 3) == 0)
        return true;
    size_t whole = i, digits = 0;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
        digits++;
    if (digits > 1 && text[whole] == '0') // 007 and 00.5 are names
        return false;
    if (i < len && text[i] == '.')
        for (i++; i < len && text[i] >= '0' && text[i] <= '9'; i++)
            digits++;
    if (digits == 0)
        return false;
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (i < len && (text[i] == '-' || text[i] == '+'))
            i++;
        size_t exponent = i;
        while (i < len && text[i] >= '0' && text[i] <= '9')
            i++;
        if (i == exponent)
            return false;
    }
    return i == len;
}

bool csv_parse_real(const char *text, size_t len, locale_t c_locale, double *out)
{
    trim(&text, &len);
    if (len == 0 || len > SW_CSV_MAX_NUMBER || !looks_real(text, len))
        return false;
    char digits[SW_CSV_MAX_NUMBER + 1];
    memcpy(digits, text, len);
    digits[len] = '\0';
    *out = strtod_l(digits, NULL, c_locale);
    return true;
}

// A whole number that csv_parse_int() refuses (too large, zero-padded) is a name; 1e300 is not.
static bool is_digit_name(const char *text, size_t len)
{
    trim(&text, &len);
    int64_t ignored = 0;
    size_t i = len > 0 && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    if (i == len)
        return false;
    for (; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return !csv_parse_int(text, len, &ignored);
}

static bool is_number(const struct csv_cell *c, locale_t c_locale)
{
    double ignored = 0;
    return !is_digit_name(c->text.data, c->text.len) && csv_parse_real(c->text.data, c->text.len, c_locale, &ignored);
}

static void learn(struct column_facts *f, const struct csv_cell *c, locale_t c_locale)
{
    if (csv_is_null_number(c->text.data, c->text.len))
        return;
    int64_t whole = 0;
    f->has_value = true;
    if (f->all_int && !csv_parse_int(c->text.data, c->text.len, &whole))
        f->all_int = false;
    if (f->all_real && !is_number(c, c_locale))
        f->all_real = false;
}

// How regular the sample is when cut at `delimiter`: share of rows with as many fields as the first, and that number.
static enum sw_code try_delimiter(struct sw_reader *r, int64_t body, char delimiter, double *regular, size_t *fields,
                                  struct sw_err *err)
{
    struct csv_scan s;
    enum sw_code code = csv_scan_init(&s, r->source, delimiter, err);
    if (code != SW_OK)
        return code;
    s.err = err;
    s.limit = body + SW_CSV_SAMPLE_BYTES / 4;
    csv_scan_seek(&s, body, 1);
    size_t rows = 0, same = 0, first = 0;
    while (rows < 200 && csv_scan_row(&s)) {
        size_t n = 1;
        while (csv_scan_field(&s, NULL) == CSV_END_FIELD)
            n++;
        if (csv_scan_offset(&s) >= s.limit && rows > 0)
            break; // the sample's end cut this row
        first = rows == 0 ? n : first;
        same += n == first;
        rows++;
    }
    code = s.code;
    csv_scan_free(&s);
    *regular = rows > 0 ? (double)same / (double)rows : 0;
    *fields = first;
    return code;
}

static enum sw_code find_delimiter(struct sw_reader *r, int64_t body, char *out, struct sw_err *err)
{
    const char *name = sw_source_name(r->source);
    size_t len = strlen(name);
    const char *candidates = len > 4 && strcasecmp(name + len - 4, ".tsv") == 0 ? "\t,;|" : ",\t;|";
    double best = 0;
    *out = candidates[0];
    for (const char *c = candidates; *c != '\0'; c++) {
        double regular = 0;
        size_t fields = 0;
        enum sw_code code = try_delimiter(r, body, *c, &regular, &fields, err);
        if (code != SW_OK)
            return code;
        double score = fields > 1 ? regular * (1.0 + 0.001 * (double)(fields < 500 ? fields : 500)) : 0;
        if (score > best) {
            best = score;
            *out = *c;
        }
    }
    return SW_OK;
}

// The encodings that this reader does not take are told apart here, where the remedy can be named.
static enum sw_code check_encoding(struct sw_reader *r, int64_t *body, struct sw_err *err)
{
    uint8_t head[4096];
    size_t len = 0;
    enum sw_code code = sw_source_read(r->source, 0, head, sizeof head, &len, err);
    if (code != SW_OK)
        return code;
    *body = len >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    if (len >= 2 && ((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff))) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "%s is UTF-16 text (byte order mark at byte 0)", r->path);
        return sw_err_hint(err, "convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW.csv");
    }
    const uint8_t *zero = memchr(head, 0, len);
    if (zero != NULL) {
        (void)sw_err_set(err, SW_INVALID, "%s is not text: byte %td is zero", r->path, zero - head);
        return sw_err_hint(err, "if it is UTF-16, convert it: iconv -f UTF-16LE -t UTF-8 FILE > NEW.csv");
    }
    if (memchr(head, '\n', len) == NULL && len == sizeof head && memchr(head, '\r', len) != NULL) {
        (void)sw_err_set(err, SW_UNSUPPORTED, "%s ends its lines with carriage returns alone", r->path);
        return sw_err_hint(err, "convert it: tr '\\r' '\\n' < FILE > NEW.csv");
    }
    return SW_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void keep_node(void *node)
{
    (void)node; // names live in the reader's arena
}

// Names come from the header or are made up; a name that an earlier column has gets the column's number.
static enum sw_code name_columns(struct sw_reader *r, struct sw_column *columns, size_t count, bool has_header,
                                 struct sw_err *err)
{
    void *taken = NULL;
    bool ok = true;
    for (size_t i = 0; i < count && ok; i++) {
        const char *name =
            has_header && columns[i].name[0] != '\0' ? columns[i].name : sw_arena_printf(r->arena, "column_%zu", i + 1);
        while (name != NULL && tfind(name, &taken, compare_names) != NULL)
            name = sw_arena_printf(r->arena, "%s_%zu", name, i + 1);
        ok = name != NULL && tsearch(name, &taken, compare_names) != NULL;
        columns[i].name = name;
    }
    tdestroy(taken, keep_node);
    return ok ? SW_OK : sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->path);
}

// The first row: counts the columns and keeps each cell as a possible name.
static enum sw_code read_first_row(struct sw_reader *r, struct sample *s, locale_t c_locale, struct sw_column **columns,
                                   struct sw_err *err)
{
    struct sw_column *all = NULL;
    size_t cap = 0, count = 0;
    enum sw_code code = SW_OK;
    enum csv_end end = csv_scan_row(&s->scan) ? CSV_END_FIELD : CSV_END_DATA;
    s->first_row = csv_scan_offset(&s->scan);
    s->first_row_line = s->scan.line;
    while (end == CSV_END_FIELD && code == SW_OK) {
        end = csv_scan_field(&s->scan, &s->cell);
        if (count == SW_DATA_MAX_COLUMNS) {
            code = sw_err_set(err, SW_LIMIT, "%s has more than %d columns", r->path, SW_DATA_MAX_COLUMNS);
            break;
        }
        if (count == cap) {
            cap = cap > 0 ? cap * 2 : 64;
            struct sw_column *grown = realloc(all, cap * sizeof *all);
            struct column_facts *facts = grown != NULL ? realloc(s->facts, cap * sizeof *facts) : NULL;
            all = grown != NULL ? grown : all;
            s->facts = facts != NULL ? facts : s->facts;
            if (facts == NULL) {
                code = sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->path);
                break;
            }
        }
        all[count] =
            (struct sw_column){.cell_size = 1, .name = sw_arena_strndup(r->arena, s->cell.text.data, s->cell.text.len)};
        s->facts[count] = (struct column_facts){.all_int = true,
                                                .all_real = true,
                                                .head_is_number = is_number(&s->cell, c_locale),
                                                .head_is_empty = s->cell.text.len == 0};
        if (all[count++].name == NULL)
            code = sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->path);
    }
    if (code == SW_OK)
        code = s->scan.code;
    s->columns = count;
    s->end = s->second_row = csv_scan_offset(&s->scan);
    s->second_row_line = s->scan.line;
    *columns = all;
    return code;
}

// Learns from one row; false when the sample ends inside it, which says nothing about its last cells.
static bool learn_row(struct sample *s, locale_t c_locale)
{
    enum csv_end end = CSV_END_FIELD;
    for (size_t i = 0; end == CSV_END_FIELD; i++) {
        end = csv_scan_field(&s->scan, i < s->columns ? &s->cell : NULL);
        if (end == CSV_END_DATA && csv_scan_offset(&s->scan) >= s->scan.limit)
            return false;
        if (i < s->columns)
            learn(&s->facts[i], &s->cell, c_locale);
    }
    return true;
}

static void learn_sample(struct sample *s, locale_t c_locale)
{
    while (s->rows < SW_CSV_SAMPLE_ROWS && csv_scan_row(&s->scan) && learn_row(s, c_locale)) {
        s->rows++;
        s->end = csv_scan_offset(&s->scan);
    }
}

// A header is a row of words above columns of numbers; with words everywhere it is taken for one when no cell of it is
// empty or a number.
static bool guess_header(const struct sample *s)
{
    bool has_number = false, has_empty = false;
    for (size_t i = 0; i < s->columns; i++) {
        const struct column_facts *f = &s->facts[i];
        if (!f->head_is_number && !f->head_is_empty && f->has_value && f->all_real)
            return true;
        has_number |= f->head_is_number;
        has_empty |= f->head_is_empty;
    }
    return !has_number && !has_empty;
}

static void settle_types(const struct sample *s, struct sw_column *columns, bool all_text)
{
    for (size_t i = 0; i < s->columns; i++) {
        const struct column_facts *f = &s->facts[i];
        bool is_number = !all_text && f->has_value && f->all_real;
        columns[i].type = !is_number ? SW_DATA_TEXT : f->all_int ? SW_DATA_INT : SW_DATA_REAL;
        columns[i].element = !is_number ? SW_ELEMENT_TEXT : f->all_int ? SW_ELEMENT_I64 : SW_ELEMENT_F64;
    }
}

// With the delimiter known: columns, header, types.
static enum sw_code learn_columns(struct sw_reader *r, const struct sw_reader_options *options, struct sample *s,
                                  locale_t c_locale, struct csv_dialect *out, struct sw_err *err)
{
    struct sw_column *columns = NULL;
    enum sw_code code = read_first_row(r, s, c_locale, &columns, err);
    if (code == SW_OK && s->columns == 0) {
        (void)sw_err_set(err, SW_INVALID, "%s holds nothing but blank lines", r->path);
        code = sw_err_hint(err, "check that whatever wrote it has finished");
    }
    if (code != SW_OK)
        goto done;
    s->scan.limit = s->end + SW_CSV_SAMPLE_BYTES; // only now: a header is read whole however long it is
    learn_sample(s, c_locale);
    out->has_header = options->header != 0 ? options->header > 0 : guess_header(s);
    out->body = out->has_header ? s->second_row : s->first_row;
    out->body_line = out->has_header ? s->second_row_line : s->first_row_line;
    if (!out->has_header) {
        csv_scan_seek(&s->scan, s->first_row, s->first_row_line);
        s->rows += learn_row(s, c_locale);
    }
    if (s->rows > 0 && s->end > out->body)
        out->row_bytes = (double)(s->end - out->body) / (double)s->rows;
    settle_types(s, columns, options->all_text);
    code = name_columns(r, columns, s->columns, out->has_header, err);
    if (code == SW_OK)
        code = s->scan.code;
    if (code != SW_OK)
        goto done;
    struct sw_column *kept = sw_arena_array(r->arena, s->columns, sizeof *kept);
    if (kept == NULL) {
        code = sw_err_set(err, SW_NO_MEMORY, "out of memory while opening %s", r->path);
        goto done;
    }
    memcpy(kept, columns, s->columns * sizeof *kept);
    r->schema = (struct sw_schema){.columns = kept, .count = s->columns};
done:
    free(columns);
    return code;
}

enum sw_code csv_sniff_source(struct sw_reader *r, const struct sw_reader_options *options, locale_t c_locale,
                              struct csv_dialect *out, struct sw_err *err)
{
    int64_t body = 0;
    *out = (struct csv_dialect){.delimiter = options->delimiter};
    enum sw_code code = check_encoding(r, &body, err);
    if (code == SW_OK && out->delimiter == '\0')
        code = find_delimiter(r, body, &out->delimiter, err);
    struct sample s = {.cell = {.limit = SW_CSV_MAX_HEAD_CELL}};
    if (code == SW_OK)
        code = csv_scan_init(&s.scan, r->source, out->delimiter, err);
    if (code != SW_OK)
        return code;
    sw_buf_init(&s.cell.text, SW_CSV_MAX_HEAD_CELL);
    s.scan.err = err;
    csv_scan_seek(&s.scan, body, 1);
    code = learn_columns(r, options, &s, c_locale, out, err);
    sw_buf_free(&s.cell.text);
    csv_scan_free(&s.scan);
    free(s.facts);
    return code;
}
