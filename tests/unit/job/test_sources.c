// SPDX-License-Identifier: Apache-2.0
// Where metrics come from: the rule for two sources, JSON Lines, files that grow, TensorBoard's event files.
#include "tests/unit/job/job_test.h"

#include "core/job/harvest_private.h"
#include "core/job/tensorboard_private.h"

#include <float.h>
#include <math.h>
#include <sys/resource.h>

// --- the merge rule ---

static bool admit(struct sw_job_sources *t, enum sw_job_source source, const char *key)
{
    return sw_job_sources_admit(t, source, key, strlen(key));
}

static void what_is_derived_gives_way(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_job_sources *t = NULL;
    struct sw_buf text;
    sw_buf_init(&text, 4096);
    OK(sw_job_sources_new(&t, &err));
    assert_true(admit(t, SW_JOB_TENSORBOARD, "loss")); // the first that reports a key owns it
    assert_true(admit(t, SW_JOB_TENSORBOARD, "loss"));
    assert_false(sw_job_sources_tell(t, &text));
    assert_false(admit(t, SW_JOB_OUTPUT, "loss"));
    assert_true(admit(t, SW_JOB_OUTPUT, "other"));
    assert_true(admit(t, SW_JOB_EXPLICIT, "loss")); // what the job says itself is always stored
    assert_false(admit(t, SW_JOB_TENSORBOARD, "loss"));
    assert_false(admit(t, SW_JOB_METRICS_FILE, "loss"));
    assert_true(admit(t, SW_JOB_EXPLICIT, "loss"));
    assert_true(admit(t, SW_JOB_EXPLICIT, "mine"));
    assert_false(admit(t, SW_JOB_TENSORBOARD, "mine"));
    assert_true(admit(t, SW_JOB_TENSORBOARD, "loss/train"));
    assert_true(sw_job_sources_tell(t, &text));
    assert_non_null(strstr(text.data, "2 metrics"));
    assert_non_null(strstr(text.data, "\"loss\" that was reports of the job itself"));
    assert_non_null(
        strstr(text.data, "1 points from its output, 1 points from its metrics file, 2 points from TensorBoard"));
    sw_buf_free(&text);
    sw_job_sources_free(t);
}

struct admission {
    struct sw_job_sources *table;
    enum sw_job_source source;
    int admitted;
};

static void *admit_many(void *ctx)
{
    struct admission *a = ctx;
    for (int i = 0; i < 20000; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key-%d", i % 1000);
        a->admitted += admit(a->table, a->source, key);
    }
    return NULL;
}

static void threads_agree_on_one_owner(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_job_sources *t = NULL;
    pthread_t threads[3];
    struct admission a[3];
    OK(sw_job_sources_new(&t, &err));
    for (int i = 0; i < 3; i++) {
        a[i] = (struct admission){.table = t, .source = (enum sw_job_source)(SW_JOB_OUTPUT + i)};
        assert_int_equal(pthread_create(&threads[i], NULL, admit_many, &a[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(a[0].admitted + a[1].admitted + a[2].admitted,
                     20000); // 20 rounds of 1000 keys, each with one owner
    sw_job_sources_free(t);
}

static void the_intake_asks_for_each_point(void **state)
{
    (void)state;
    struct sw_err err = {0};
    struct sw_job_sources *t = NULL;
    struct sw_job_intake pipe, file;
    OK(sw_job_sources_new(&t, &err));
    sw_job_intake_init(&pipe);
    sw_job_intake_init(&file);
    pipe.sources = file.sources = t;
    file.source = SW_JOB_METRICS_FILE;
    sw_job_intake_point(&file, "loss", 4, 1, 1, 1);
    pipe.source = SW_JOB_OUTPUT;
    sw_job_intake_point(&pipe, "loss", 4, 2, 2, 1);
    assert_int_equal(pipe.batch.point_count, 0);
    pipe.source = SW_JOB_EXPLICIT;
    sw_job_intake_point(&pipe, "loss", 4, 3, 3, 1);
    sw_job_intake_point(&pipe, "loss", 4, 3, 4, 1);
    assert_int_equal(pipe.batch.point_count, 2);
    sw_job_intake_point(&file, "loss", 4, 4, 5, 1);
    assert_int_equal(file.batch.point_count, 1);
    sw_job_intake_free(&pipe);
    sw_job_intake_free(&file);
    sw_job_sources_free(t);
}

// --- JSON Lines ---

static void records_are_known_by_their_form(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        bool needs_step, is_taken;
        int count;
        int64_t step;
    } cases[] = {
        {"{\"step\": 3, \"metrics\": {\"loss\": 0.5}}", true, true, 1, 3},
        {" {\"metrics\": {\"loss\": 0.5, \"acc\": NaN}}", true, true, 2, 0},
        {"{\"step\": 4, \"loss\": 0.5}", true, true, 1, 4},
        {"{\"epoch\": 2, \"global_step\": 40, \"loss\": 0.5, \"lr\": 1, \"time_ms\": 5}", true, true, 2, 40},
        {"{\"step\": 4, \"loss\": 0.5, \"level\": \"info\", \"ok\": true, \"list\": [1], \"no\": null}", true, true, 1,
         4},
        {"{\"loss\": 0.5}", true, false, 0, 0}, // any program may say that
        {"{\"loss\": 0.5}", false, true, 1, 0},
        {"{\"step\": 4}", true, false, 0, 0},
        {"{\"step\": 4, \"text\": \"x\"}", true, false, 0, 0},
        {"{\"params\": {\"x\": 1}}", true, false, 0, 0},
        {"step 4 loss=0.5", true, false, 0, 0},
        {"[{\"step\": 4, \"loss\": 1}]", true, false, 0, 0},
        {"{\"step\": 4, \"loss\": 1", true, false, 0, 0},
        {"", true, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sw_job_intake in;
        sw_job_intake_init(&in);
        bool taken = sw_job_intake_record(&in, cases[i].line, strlen(cases[i].line), cases[i].needs_step);
        if (taken != cases[i].is_taken || (int)in.batch.point_count != cases[i].count || in.rejected != 0)
            fail_msg("\"%s\": %d, %zu points", cases[i].line, taken, in.batch.point_count);
        for (size_t p = 0; p < in.batch.point_count; p++)
            assert_int_equal(in.batch.points[p].step, cases[i].step);
        sw_job_intake_free(&in);
    }
}

// --- files that grow ---

// Reads to the end; new beginnings show as '|'.
static char *read_on(struct sw_job_follow *f, size_t block)
{
    static char text[512];
    char bytes[64];
    size_t len, n = 0;
    bool is_anew;
    struct sw_err err = {0};
    for (;;) {
        OK(sw_job_follow_read(f, bytes, block, &len, &is_anew, &err));
        if (len == 0)
            break;
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", is_anew ? "|" : "", (int)len, bytes);
    }
    text[n] = '\0';
    return text;
}

static void append(const char *path, const char *text)
{
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void files_are_followed_through_rotation_and_truncation(void **state)
{
    struct fixture *f = *state;
    struct sw_err err = {0};
    char path[SW_PATH_MAX], old[SW_PATH_MAX];
    struct sw_job_follow follow;
    snprintf(path, sizeof(path), "%s/m.jsonl", f->dir);
    snprintf(old, sizeof(old), "%s/m.jsonl.1", f->dir);
    for (size_t block = 1; block <= 64; block += 9) {
        sw_job_follow_init(&follow, path);
        assert_string_equal(read_on(&follow, block), ""); // not there yet
        append(path, "one\n");
        assert_string_equal(read_on(&follow, block), "|one\n");
        assert_string_equal(read_on(&follow, block), "");
        append(path, "two\n");
        rename(path, old); // the end of the old file is not lost
        append(path, "three\n");
        assert_string_equal(read_on(&follow, block), "two\n|three\n");
        append(old, "late\n"); // but nobody looks back
        write_file(f, "other", "x\n");
        assert_int_equal(truncate(path, 0), 0);
        append(path, "four\n");
        assert_string_equal(read_on(&follow, block), "|four\n");
        assert_int_equal(truncate(path, 0), 0);
        append(path, "longer than before\n"); // between two looks
        assert_string_equal(read_on(&follow, block), "|longer than before\n");
        sw_job_follow_close(&follow);
        sw_job_follow_init(&follow, path);
        sw_job_follow_skip(&follow); // what another attempt wrote
        append(path, "new\n");
        assert_string_equal(read_on(&follow, block), "new\n");
        sw_job_follow_close(&follow);
        unlink(path);
        unlink(old);
    }
    size_t len;
    bool is_anew;
    char byte;
    sw_job_follow_init(&follow, f->dir);
    assert_int_equal(sw_job_follow_read(&follow, &byte, 1, &len, &is_anew, &err), SW_INVALID);
    assert_non_null(strstr(err.message, "no regular file"));
}

// --- event files ---

// Protobuf and TFRecord, as far as the tests write them.
static void put_varint(struct sw_buf *b, uint64_t v)
{
    for (; v > 127; v >>= 7)
        sw_buf_addc(b, (char)(v | 128));
    sw_buf_addc(b, (char)v);
}
static void put_int(struct sw_buf *b, unsigned field, uint64_t v)
{
    put_varint(b, field << 3);
    put_varint(b, v);
}
static void put_double(struct sw_buf *b, unsigned field, double v)
{
    put_varint(b, field << 3 | 1);
    sw_buf_add(b, &v, sizeof(v));
}
static void put_float(struct sw_buf *b, unsigned field, float v)
{
    put_varint(b, field << 3 | 5);
    sw_buf_add(b, &v, sizeof(v));
}
static void put_bytes(struct sw_buf *b, unsigned field, const void *bytes, size_t len)
{
    put_varint(b, field << 3 | 2);
    put_varint(b, len);
    sw_buf_add(b, bytes, len);
}
static void put_text(struct sw_buf *b, unsigned field, const char *text)
{
    put_bytes(b, field, text, strlen(text));
}
// Moves `from` into a field of `b`.
static void put_message(struct sw_buf *b, unsigned field, struct sw_buf *from)
{
    put_bytes(b, field, from->data, from->len);
    sw_buf_free(from);
}
static struct sw_buf new_buf(void)
{
    struct sw_buf b;
    sw_buf_init(&b, 32 << 20);
    return b;
}

static void put_record(struct sw_buf *file, const void *bytes, uint64_t len)
{
    uint32_t crc = sw_job_event_crc(&len, sizeof(len));
    sw_buf_add(file, &len, sizeof(len));
    sw_buf_add(file, &crc, sizeof(crc));
    crc = sw_job_event_crc(bytes, (size_t)len);
    sw_buf_add(file, bytes, (size_t)len);
    sw_buf_add(file, &crc, sizeof(crc));
}

// An event with one value, which is freed.
static void put_event(struct sw_buf *file, int64_t step, struct sw_buf *value)
{
    struct sw_buf event = new_buf(), summary = new_buf();
    put_double(&event, 1, 1.5);
    put_int(&event, 2, (uint64_t)step);
    put_message(&summary, 1, value);
    put_message(&event, 5, &summary);
    put_record(file, event.data, event.len);
    sw_buf_free(&event);
}
static void put_scalar(struct sw_buf *file, const char *tag, float v, int64_t step)
{
    struct sw_buf value = new_buf();
    put_text(&value, 1, tag);
    put_float(&value, 2, v);
    put_event(file, step, &value);
}
// A tensor value; `fields` is its content and freed.
static void put_tensor(struct sw_buf *file, const char *tag, int dtype, struct sw_buf *fields)
{
    struct sw_buf value = new_buf(), tensor = new_buf();
    put_int(&tensor, 1, (uint64_t)dtype);
    sw_buf_add(&tensor, fields->data, fields->len);
    sw_buf_free(fields);
    put_text(&value, 1, tag);
    put_message(&value, 8, &tensor);
    put_event(file, 1, &value);
}
static void put_hparam(struct sw_buf *session, const char *key, struct sw_buf *value)
{
    struct sw_buf entry = new_buf();
    put_text(&entry, 1, key);
    put_message(&entry, 2, value);
    put_message(session, 1, &entry);
}
static void put_session(struct sw_buf *file, struct sw_buf *session)
{
    struct sw_buf data = new_buf(), plugin = new_buf(), metadata = new_buf(), value = new_buf();
    put_message(&data, 3, session);
    put_text(&plugin, 1, "hparams");
    put_message(&plugin, 2, &data);
    put_message(&metadata, 1, &plugin);
    put_text(&value, 1, "_hparams_/session_start_info");
    put_message(&value, 9, &metadata);
    put_event(file, 0, &value);
}

static void hear_scalar(void *ctx, struct sw_job_event_text tag, double value, int64_t step, int64_t time_ms)
{
    sw_buf_addf(ctx, "%.*s=%g@%d,%d ", (int)tag.len, tag.bytes, value, (int)step, (int)time_ms);
}
static void hear_param(void *ctx, struct sw_job_event_text key, struct sw_job_event_text value)
{
    sw_buf_addf(ctx, "%.*s:%.*s ", (int)key.len, key.bytes, (int)value.len, value.bytes);
}
static void hear_image(void *ctx, struct sw_job_event_text tag, int64_t step, int index, struct sw_job_event_text file)
{
    sw_buf_addf(ctx, "%.*s#%d.%d:%.*s ", (int)tag.len, tag.bytes, (int)step, index, (int)file.len, file.bytes);
}

// What a reader says of a file that comes in blocks.
static void assert_heard(const struct sw_buf *file, const char *wanted, const char *problem)
{
    for (size_t block = 1; block <= file->len; block = block < 40 ? block + 1 : block * 2) {
        struct sw_buf heard = new_buf();
        const struct sw_job_event_sink sink = {hear_scalar, hear_param, hear_image, &heard};
        struct sw_job_event_reader r;
        struct sw_err err = {0};
        int problems = 0;
        sw_job_event_reader_init(&r);
        for (size_t at = 0; at < file->len; at += block)
            problems += sw_job_event_reader_feed(&r, file->data + at, file->len - at < block ? file->len - at : block,
                                                 &sink, &err) != SW_OK;
        assert_string_equal(heard.data ? heard.data : "", wanted);
        assert_int_equal(problems, problem ? 1 : 0); // told once
        if (problem && !strstr(err.message, problem))
            fail_msg("\"%s\" does not say \"%s\"", err.message, problem);
        sw_job_event_reader_free(&r);
        sw_buf_free(&heard);
    }
}

static void the_checksum_is_that_of_tfrecord(void **state)
{
    (void)state;
    // RFC 3720, appendix B.4: CRC-32C of 32 zero bytes is 8a9136aa; masked as TensorFlow does.
    static const char zeros[32];
    assert_int_equal(sw_job_event_crc(zeros, sizeof(zeros)), (0x8a9136aa >> 15 | 0x8a9136aau << 17) + 0xa282ead8u);
}

static void events_are_read_however_they_are_cut(void **state)
{
    (void)state;
    struct sw_buf file = new_buf(), t, v, session = new_buf();
    put_record(&file, "\x1a\rbrain.Event:2", 15); // file_version
    put_scalar(&file, "loss", 0.5F, 3);
    put_scalar(&file, "", NAN, -1);
    t = new_buf();
    put_float(&t, 5, 1.5F);
    put_tensor(&file, "f", 1, &t);
    t = new_buf();
    put_bytes(&t, 4, &(double){2.5}, 8);
    put_tensor(&file, "d", 2, &t);
    t = new_buf();
    put_int(&t, 7, (uint64_t)-7);
    put_tensor(&file, "i", 3, &t);
    t = new_buf();
    put_bytes(&t, 4, "\xff\xff", 2);
    put_tensor(&file, "i16", 5, &t);
    t = new_buf();
    put_int(&t, 13, 0x3c00);
    put_tensor(&file, "half", 19, &t);
    t = new_buf();
    put_int(&t, 13, 0x4000);
    put_tensor(&file, "bf", 14, &t);
    t = new_buf();
    put_tensor(&file, "zero", 9, &t);
    t = new_buf(); // a vector is no scalar
    v = new_buf();
    struct sw_buf dim = new_buf();
    put_int(&dim, 1, 2);
    put_message(&v, 2, &dim);
    put_message(&t, 2, &v);
    put_bytes(&t, 4, "12345678", 8);
    put_tensor(&file, "vector", 1, &t);
    v = new_buf();
    put_double(&v, 2, 0.001);
    put_hparam(&session, "lr", &v);
    v = new_buf();
    put_double(&v, 2, 10);
    put_hparam(&session, "n", &v);
    v = new_buf();
    put_text(&v, 3, "adam");
    put_hparam(&session, "opt", &v);
    v = new_buf();
    put_int(&v, 4, 1);
    put_hparam(&session, "flag", &v);
    put_session(&file, &session);
    v = new_buf();
    t = new_buf();
    put_text(&t, 4, "PNG");
    put_text(&v, 1, "im");
    put_message(&v, 4, &t);
    put_event(&file, 2, &v);
    assert_heard(&file,
                 "loss=0.5@3,1500 =nan@-1,1500 f=1.5@1,1500 d=2.5@1,1500 i=-7@1,1500 i16=-1@1,1500 half=1@1,1500 "
                 "bf=2@1,1500 zero=0@1,1500 lr:0.001 n:10 opt:adam flag:True im#2.0:PNG ",
                 NULL);
    sw_buf_free(&file);
}

static void damage_ends_a_file_and_half_a_record_waits(void **state)
{
    (void)state;
    struct sw_buf file = new_buf();
    put_scalar(&file, "a", 1, 1);
    size_t first = file.len;
    put_scalar(&file, "b", 2, 2);
    size_t second = file.len;
    put_scalar(&file, "c", 3, 3);
    file.len = second - 1; // written only that far
    assert_heard(&file, "a=1@1,1500 ", NULL);
    file.len = first + 5;
    assert_heard(&file, "a=1@1,1500 ", NULL);
    file.len = second;
    file.data[first + 20] ^= 1; // within the second record
    assert_heard(&file, "a=1@1,1500 ", "checksum");
    file.data[first + 20] ^= 1;
    file.data[first] ^= 1; // its length
    assert_heard(&file, "a=1@1,1500 ", "length");
    sw_buf_free(&file);

    file = new_buf();
    put_record(&file, "\x2a\x7f", 2); // a summary that claims 127 bytes
    put_scalar(&file, "a", 1, 1);
    assert_heard(&file, "", "no event");
    sw_buf_free(&file);

    file = new_buf(); // a record that is too large is passed over unread
    put_scalar(&file, "a", 1, 1);
    char *large = calloc(1, SW_JOB_EVENT_BYTES + 1);
    struct sw_buf whole = new_buf();
    sw_buf_add(&whole, file.data, file.len);
    put_record(&whole, large, SW_JOB_EVENT_BYTES + 1);
    put_scalar(&whole, "b", 2, 2);
    struct sw_buf heard = new_buf();
    const struct sw_job_event_sink sink = {hear_scalar, hear_param, hear_image, &heard};
    struct sw_job_event_reader r;
    struct sw_err err = {0};
    sw_job_event_reader_init(&r);
    for (size_t at = 0; at < whole.len; at += 1 << 20)
        OK(sw_job_event_reader_feed(&r, whole.data + at, whole.len - at < 1 << 20 ? whole.len - at : 1 << 20, &sink,
                                    &err));
    assert_string_equal(heard.data, "a=1@1,1500 b=2@2,1500 ");
    assert_true(r.pending.len == 0);
    sw_job_event_reader_free(&r);
    sw_buf_free(&heard);
    sw_buf_free(&whole);
    sw_buf_free(&file);
    free(large);
}

// --- the harvest ---

struct place {
    char work[SW_PATH_MAX], artifacts[SW_PATH_MAX], cwd[SW_PATH_MAX];
    struct sw_job_sources *sources;
    struct sw_job_harvest *harvest;
};

static void make_folder(char out[static SW_PATH_MAX], const struct fixture *f, const char *name)
{
    struct sw_err err = {0};
    snprintf(out, SW_PATH_MAX, "%s/%s", f->dir, name);
    OK(sw_path_make_dirs(out, &err));
}

static void open_place(struct fixture *f, struct place *p, const char *tensorboard_dir, const char *metrics_file)
{
    struct sw_err err = {0};
    make_folder(p->work, f, "work");
    make_folder(p->artifacts, f, "artifacts");
    make_folder(p->cwd, f, "cwd");
    OK(sw_job_sources_new(&p->sources, &err));
    const struct sw_job_harvest_spec spec = {.job_id = 1,
                                             .work_dir = p->work,
                                             .artifact_dir = p->artifacts,
                                             .cwd = p->cwd,
                                             .tensorboard_dir = tensorboard_dir,
                                             .metrics_file = metrics_file,
                                             .sources = p->sources};
    OK(sw_job_harvest_new(&spec, &p->harvest, &err));
}

static void close_place(struct place *p)
{
    sw_job_harvest_free(p->harvest);
    sw_job_sources_free(p->sources);
}

static void put_file(const char *folder, const char *name, const struct sw_buf *bytes)
{
    char path[SW_PATH_MAX], dir[SW_PATH_MAX];
    struct sw_err err = {0};
    OK(sw_path_join(path, folder, name, &err));
    snprintf(dir, sizeof(dir), "%.*s", (int)(sw_path_base(path) - path - 1), path);
    OK(sw_path_make_dirs(dir, &err));
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fwrite(bytes->data, 1, bytes->len, f);
    fclose(f);
}

// "key=value@step" of the batch, which is emptied.
static const char *gathered(struct fixture *f, struct place *p, bool is_last)
{
    static char text[4096];
    size_t n = 0;
    bool is_more = true;
    for (text[0] = '\0'; is_more;) {
        is_more = sw_job_harvest_step(p->harvest, f->store, is_last);
        struct sw_job_batch *b = sw_job_harvest_batch(p->harvest);
        for (size_t i = 0; i < b->point_count; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s=%g@%d ", b->points[i].key, b->points[i].value,
                                  (int)b->points[i].step);
        for (size_t i = 0; i < b->pair_count; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s:%s ", b->pairs[i].key, b->pairs[i].value);
        sw_job_batch_clear(b);
    }
    return text;
}

static bool has_word(const char *text, const char *word)
{
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if (at == text || at[-1] == ' ')
            return true;
    return false;
}

static void event_files_are_found_and_read_as_they_grow(void **state)
{
    struct fixture *f = *state;
    struct place p = {0};
    struct sw_buf file = new_buf(), session = new_buf(), v = new_buf();
    char host[128], name[256];
    make_folder(p.work, f, "work");
    put_scalar(&file, "old", 1, 1); // of an earlier attempt
    put_file(p.work, "tb/events.out.tfevents.1.h.1.0", &file);
    char path[SW_PATH_MAX];
    snprintf(path, sizeof(path), "%s/tb/events.out.tfevents.1.h.1.0", p.work);
    const struct timespec long_ago[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    open_place(f, &p, NULL, NULL);

    sw_buf_clear(&file);
    put_scalar(&file, "loss", 1, 1);
    size_t whole = file.len;
    put_scalar(&file, "loss", 2, 2);
    struct sw_buf half = file, rest = file;
    half.len = whole + 7;
    rest.data += half.len;
    rest.len -= half.len;
    put_file(p.work, "tb/events.out.tfevents.2.h.1.0", &half);
    assert_string_equal(gathered(f, &p, false), "loss=1@1 ");
    put_file(p.work, "tb/events.out.tfevents.2.h.1.0", &rest);
    assert_string_equal(gathered(f, &p, false), "loss=2@2 ");
    assert_string_equal(gathered(f, &p, false), "");

    // A sub-run beside it, one below it, the sub-run of hyperparameters, and what is not the job's.
    sw_buf_clear(&file);
    put_scalar(&file, "loss", 3, 3);
    put_file(p.artifacts, "logs/validation/events.out.tfevents.3.h.1.0", &file);
    put_file(p.work, "tb/loss_a/events.out.tfevents.3.h.1.0", &file);
    put_double(&v, 2, 0.5);
    put_hparam(&session, "lr", &v);
    put_session(&file, &session);
    put_file(p.work, "tb/1764044000.25/events.out.tfevents.3.h.1.0", &file);
    gethostname(host, sizeof(host) - 1);
    sw_buf_clear(&file);
    put_scalar(&file, "alien", 3, 3);
    put_file(p.cwd, "runs/x/events.out.tfevents.3.elsewhere.1.0", &file);
    snprintf(name, sizeof(name), "runs/x/events.out.tfevents.3.%s.1.0", host); // process 1 is no child of ours
    put_file(p.cwd, name, &file);
    sw_buf_clear(&file);
    put_scalar(&file, "mine", 3, 3);
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    snprintf(name, sizeof(name), "runs/x/events.out.tfevents.3.%s.%d.0", host, (int)child);
    put_file(p.cwd, name, &file);
    const char *all = gathered(f, &p, true);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    static const char *const wanted[] = {"artifacts/logs/validation/loss=3@3 ", "loss_a/loss=3@3 ", "loss=3@3 ",
                                         "cwd/runs/x/mine=3@3 ", "lr:0.5 "};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (!has_word(all, wanted[i]))
            fail_msg("\"%s\" is not in \"%s\"", wanted[i], all);
    assert_null(strstr(all, "alien"));
    assert_null(strstr(all, "old"));
    close_place(&p);
    sw_buf_free(&file);
}

static void a_named_folder_stands_for_the_working_directory(void **state)
{
    struct fixture *f = *state;
    struct place p = {0};
    struct sw_buf file = new_buf();
    open_place(f, &p, "tb", NULL);
    put_scalar(&file, "loss", 1, 1);
    put_file(p.cwd, "tb/run/events.out.tfevents.3.elsewhere.1.0", &file); // whoever wrote it
    put_file(p.cwd, "other/events.out.tfevents.3.elsewhere.1.0", &file);
    assert_string_equal(gathered(f, &p, true), "loss=1@1 ");
    close_place(&p);
    sw_buf_free(&file);
}

static void a_metrics_file_is_followed_from_its_end(void **state)
{
    struct fixture *f = *state;
    struct place p = {0};
    char path[SW_PATH_MAX];
    make_folder(p.cwd, f, "cwd");
    snprintf(path, sizeof(path), "%s/m.jsonl", p.cwd);
    append(path, "{\"step\": 1, \"loss\": 1}\n"); // of an earlier attempt
    open_place(f, &p, NULL, "m.jsonl");
    assert_string_equal(gathered(f, &p, false), "");
    append(path, "{\"step\": 2, \"loss\": 2}\nnonsense\n{\"loss\": 3}\n{\"step\": 4");
    assert_string_equal(gathered(f, &p, false), "loss=2@2 loss=3@3 ");
    assert_int_equal(truncate(path, 0), 0);
    append(path, "{\"metrics\": {\"loss\": 5}, \"step\": 5}"); // without a newline, at the end
    assert_string_equal(gathered(f, &p, true), "loss=5@5 ");
    close_place(&p);
}

static void images_are_kept_few_and_below_the_artifacts(void **state)
{
    struct fixture *f = *state;
    static const char png[] = "\x89PNG\r\n\x1a\nrest", jpeg[] = "\xff\xd8\xff\xe0rest";
    static const struct {
        const char *tag, *path;
    } cases[] = {
        {"a/b c", "a/b c/0.png"},
        {"../../up", "_./_./up/0.png"},
        {"/root", "root/0.png"},
        {"x//y/", "x/y/0.png"},
        {".hidden", "_hidden/0.png"},
        {"back\\slash\x01", "back_slash_/0.png"},
        {"gr\xc3\xb6\xc3\x9f"
         "e",
         "gr\xc3\xb6\xc3\x9f"
         "e/0.png"},
    };
    struct sw_job_images images = {.artifact_dir = f->dir};
    char path[SW_PATH_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sw_job_images_add(&images, cases[i].tag, 0, 0, png, sizeof(png));
        snprintf(path, sizeof(path), "%s/tensorboard/%s", f->dir, cases[i].path);
        if (access(path, R_OK) != 0)
            fail_msg("no %s", path);
    }
    for (int step = 0; step < SW_JOB_IMAGES + 3; step++)
        sw_job_images_add(&images, "many", step, 0, jpeg, sizeof(jpeg));
    sw_job_images_add(&images, "many", SW_JOB_IMAGES + 2, 0, jpeg, sizeof(jpeg)); // the same again
    for (int step = 0; step < SW_JOB_IMAGES + 3; step++) {
        snprintf(path, sizeof(path), "%s/tensorboard/many/%d.jpg", f->dir, step);
        assert_int_equal(access(path, R_OK) == 0, step >= 3);
    }
    sw_job_images_add(&images, "two", 7, 1, png, sizeof(png));
    snprintf(path, sizeof(path), "%s/tensorboard/two/7-2.png", f->dir);
    assert_int_equal(access(path, R_OK), 0);
    sw_job_images_add(&images, "none", 1, 0, "GIF89a and more", 15);
    snprintf(path, sizeof(path), "%s/tensorboard/none", f->dir);
    assert_int_not_equal(access(path, F_OK), 0);
    sw_job_images_free(&images);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_derived_gives_way),
        cmocka_unit_test(threads_agree_on_one_owner),
        cmocka_unit_test(the_intake_asks_for_each_point),
        cmocka_unit_test(records_are_known_by_their_form),
        TEST(files_are_followed_through_rotation_and_truncation),
        cmocka_unit_test(the_checksum_is_that_of_tfrecord),
        cmocka_unit_test(events_are_read_however_they_are_cut),
        cmocka_unit_test(damage_ends_a_file_and_half_a_record_waits),
        TEST(event_files_are_found_and_read_as_they_grow),
        TEST(a_named_folder_stands_for_the_working_directory),
        TEST(a_metrics_file_is_followed_from_its_end),
        TEST(images_are_kept_few_and_below_the_artifacts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
