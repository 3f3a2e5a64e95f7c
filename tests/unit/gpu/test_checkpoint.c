// SPDX-License-Identifier: Apache-2.0
// Checkpoints: what is saved comes back bit for bit; damage is passed over; another run's is refused by name; two are kept.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/path.h"
#include "gpu/checkpoint.h"

enum { PARAMS = 100, STATE = 200 };

static char folder[64], dir[80];
static float params[PARAMS], optimizer[STATE];

static int open_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/slipway-checkpoint-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(dir, sizeof dir, "%s/checkpoints", folder);
    return 0;
}

static int close_folder(void **state)
{
    struct sw_err err = {0};
    (void)state;
    unsetenv("SLIPWAY_FAILPOINT");
    return sw_path_remove_tree(folder, &err) != SW_OK;
}

static json_t *identity(const char *net)
{
    return json_pack("{s:s, s:s}", "net", net, "batch", "16");
}

static enum sw_code save(int64_t step, struct sw_err *err)
{
    for (int i = 0; i < PARAMS; i++)
        params[i] = (float)step + 0.1f * (float)i;
    for (int i = 0; i < STATE; i++)
        optimizer[i] = (float)step / (1.0f + (float)i);
    json_t *id = identity("fc8");
    struct sw_checkpoint c = {.step = step,
                              .epoch = step / 10,
                              .epoch_step = step % 10,
                              .epoch_loss = 0.1 + (double)step,
                              .epoch_correct = 3,
                              .train_loss = 1.0 / 3,
                              .train_accuracy = 0.7,
                              .identity = id,
                              .params = PARAMS,
                              .state = STATE,
                              .param_values = params,
                              .state_values = optimizer};
    enum sw_code code = sw_checkpoint_save(dir, &c, err);
    json_decref(id);
    return code;
}

static enum sw_code load(const char *net, struct sw_checkpoint *out, struct sw_buf *note, struct sw_err *err)
{
    static float read_params[PARAMS], read_state[STATE];
    json_t *id = identity(net);
    *out = (struct sw_checkpoint){
        .identity = id, .params = PARAMS, .state = STATE, .param_values = read_params, .state_values = read_state};
    enum sw_code code = sw_checkpoint_load(dir, out, note, err);
    json_decref(id);
    return code;
}

static void path_of(char *out, size_t size, int64_t step, const char *file)
{
    snprintf(out, size, "%s/step-%lld/%s", dir, (long long)step, file);
}

static bool is_there(int64_t step)
{
    char path[256];
    path_of(path, sizeof path, step, "DONE");
    return access(path, F_OK) == 0;
}

static void saved_comes_back(void **state)
{
    (void)state;
    struct sw_checkpoint c;
    struct sw_err err = {0};
    assert_int_equal(load("fc8", &c, NULL, &err), SW_NOT_FOUND);
    assert_int_equal(save(37, &err), SW_OK);
    assert_int_equal(load("fc8", &c, NULL, &err), SW_OK);
    assert_int_equal(c.step, 37);
    assert_int_equal(c.epoch, 3);
    assert_int_equal(c.epoch_step, 7);
    assert_true(c.epoch_loss == 37.1 && c.epoch_correct == 3 && c.train_loss == 1.0 / 3 && c.train_accuracy == 0.7);
    assert_memory_equal(c.param_values, params, sizeof params);
    assert_memory_equal(c.state_values, optimizer, sizeof optimizer);
    assert_int_equal(save(37, &err), SW_OK); // the same step again
    assert_int_equal(load("fc8", &c, NULL, &err), SW_OK);
}

static void the_newest_two_are_kept(void **state)
{
    (void)state;
    struct sw_checkpoint c;
    struct sw_err err = {0};
    for (int64_t step = 8; step <= 11; step++)
        assert_int_equal(save(step, &err), SW_OK);
    assert_true(!is_there(8) && !is_there(9) && is_there(10) && is_there(11));
    assert_int_equal(load("fc8", &c, NULL, &err), SW_OK);
    assert_int_equal(c.step, 11);
}

static void damage_is_passed_over(void **state)
{
    (void)state;
    static const char *const files[] = {"state.json", "params.bin", "optimizer.bin", "DONE"};
    for (size_t f = 0; f < 4; f++)
        for (int way = 0; way < 3; way++) {
            struct sw_checkpoint c;
            struct sw_err err = {0};
            struct sw_buf note;
            struct stat st;
            char path[256];
            assert_int_equal(save(1, &err), SW_OK);
            assert_int_equal(save(2, &err), SW_OK);
            path_of(path, sizeof path, 2, files[f]);
            assert_int_equal(stat(path, &st), 0);
            if (way == 0)
                assert_int_equal(unlink(path), 0);
            else if (way == 1)
                assert_int_equal(truncate(path, st.st_size - 1), 0);
            else {
                int fd = open(path, O_WRONLY);
                assert_int_equal(pwrite(fd, "\x55", 1, st.st_size / 2), 1);
                close(fd);
            }
            sw_buf_init(&note, 4096);
            if (load("fc8", &c, &note, &err))
                fail_msg("%s", err.message);
            // The last byte of DONE is a line end: cutting it damages the last line.
            assert_int_equal(c.step, 1);
            assert_non_null(strstr(note.data, "checkpoint of step 2 is passed over"));
            sw_buf_free(&note);
        }
}

static void another_run_is_refused_by_name(void **state)
{
    (void)state;
    struct sw_checkpoint c;
    struct sw_err err = {0};
    assert_int_equal(save(5, &err), SW_OK);
    assert_int_equal(load("conv9", &c, NULL, &err), SW_CONFLICT);
    assert_non_null(strstr(err.message, "net is fc8 there, conv9 here"));
    char path[256];
    struct sw_buf file;
    path_of(path, sizeof path, 5, "state.json");
    sw_buf_init(&file, 4096);
    assert_int_equal(sw_file_read(path, &file, &err), SW_OK);
    char *version = strstr(file.data, "\"version\": 1");
    assert_non_null(version);
    version[strlen("\"version\": ")] = '9';
    // A newer program would have written a matching DONE.
    char hex[65], done[256];
    struct sw_buf old;
    sw_buf_init(&old, 4096);
    path_of(done, sizeof done, 5, "DONE");
    assert_int_equal(sw_file_read(done, &old, &err), SW_OK);
    sw_sha256_hex(file.data, file.len, hex);
    memcpy(old.data, hex, 64);
    assert_int_equal(sw_file_write(path, file.data, file.len, &err), SW_OK);
    assert_int_equal(sw_file_write(done, old.data, old.len, &err), SW_OK);
    assert_int_equal(load("fc8", &c, NULL, &err), SW_CONFLICT);
    assert_non_null(strstr(err.message, "version 9"));
    sw_buf_free(&file);
    sw_buf_free(&old);
}

static void a_full_disk_keeps_the_old_one(void **state)
{
    (void)state;
#ifdef SW_FAILPOINTS
    static const char *const plans[] = {"checkpoint.write=enospc", "checkpoint.write:2=enospc",
                                        "checkpoint.write:3=enospc", "checkpoint.done=enospc",
                                        "checkpoint.rename=enospc"};
    struct sw_checkpoint c;
    struct sw_err err = {0};
    assert_int_equal(save(1, &err), SW_OK);
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        setenv("SLIPWAY_FAILPOINT", plans[i], 1);
        assert_int_equal(save(2, &err), SW_NO_SPACE);
        assert_non_null(strstr(err.message, "checkpoint of step 2"));
        unsetenv("SLIPWAY_FAILPOINT");
        assert_int_equal(load("fc8", &c, NULL, &err), SW_OK);
        assert_int_equal(c.step, 1);
        char path[256];
        snprintf(path, sizeof path, "%s/.writing-step-2", dir);
        assert_int_equal(access(path, F_OK), -1);
    }
    assert_int_equal(save(2, &err), SW_OK);
#else
    print_message("skipped: this build has no failpoints\n");
    skip();
#endif
}

static void leftovers_are_cleaned(void **state)
{
    (void)state;
    struct sw_err err = {0};
    char path[256];
    assert_int_equal(save(3, &err), SW_OK);
    snprintf(path, sizeof path, "%s/.writing-step-9/sub", dir);
    assert_int_equal(sw_path_make_dirs(path, &err), SW_OK);
    sw_checkpoint_clean(dir, 3);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(is_there(3));
    assert_int_equal(save(4, &err), SW_OK);
    sw_checkpoint_clean(dir, 3);
    assert_true(is_there(3) && !is_there(4));
    sw_checkpoint_clean(dir, 0); // a run that starts afresh
    assert_true(!is_there(3));
    sw_checkpoint_clean("/nonexistent", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(saved_comes_back, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(the_newest_two_are_kept, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(damage_is_passed_over, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(another_run_is_refused_by_name, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_keeps_the_old_one, open_folder, close_folder),
        cmocka_unit_test_setup_teardown(leftovers_are_cleaned, open_folder, close_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
