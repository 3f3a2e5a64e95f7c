// SPDX-License-Identifier: Apache-2.0
// Philox against the vectors that its authors publish with Random123 (kat_vectors), and the shuffle.
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "gpu/rng.h"

static void philox_gives_the_published_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, stream, counter;
        uint32_t out[4];
    } known[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {~0ull, ~0ull, ~0ull, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        sw_rng_block(known[i].seed, known[i].stream, known[i].counter, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void uniform_stays_in_its_range(void **state)
{
    (void)state;
    double sum = 0;
    for (uint64_t i = 0; i < 100000; i++) {
        float u = sw_rng_uniform(3, 4, i);
        assert_true(u >= 0 && u < 1);
        sum += (double)u;
    }
    assert_true(sum / 100000 > 0.497 && sum / 100000 < 0.503);
}

static void shuffles_are_permutations_and_repeat(void **state)
{
    (void)state;
    enum { N = 1000 };
    int64_t a[N], b[N];
    int seen[N] = {0}, moved = 0;
    for (int i = 0; i < N; i++)
        a[i] = b[i] = i;
    sw_rng_shuffle(1, 2, a, N);
    sw_rng_shuffle(1, 2, b, N);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < N; i++) {
        seen[a[i]]++;
        moved += a[i] != i;
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(seen[i], 1);
    assert_true(moved > N - 20);
    sw_rng_shuffle(1, 3, b, N);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_numbers),
        cmocka_unit_test(uniform_stays_in_its_range),
        cmocka_unit_test(shuffles_are_permutations_and_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
