/* test_rng.c - known answers of Philox, and that streams are named, not advanced.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "support/check.h"
#include <math.h>
#include <stdlib.h>

/* kat_vectors of Random123 1.14, philox4x32 with 10 rounds. */
static void philox_gives_the_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } cases[] = {
            {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
            {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff},
                    {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
            {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0},
                    {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint32_t out[4];
        sg_philox4x32(out, cases[i].counter, cases[i].key);
        assert_memory_equal(out, cases[i].out, sizeof out);
    }
}

static void a_stream_depends_on_all_of_its_name(void **state) {
    (void)state;
    sg_rng same = sg_rng_make(7, SG_RNG_AUGMENT, 3, 17),
           again = sg_rng_make(7, SG_RNG_AUGMENT, 3, 17);
    sg_rng others[] = {sg_rng_make(8, SG_RNG_AUGMENT, 3, 17),
            sg_rng_make(7ull | 1ull << 32, SG_RNG_AUGMENT, 3, 17),
            sg_rng_make(7, SG_RNG_DROPOUT, 3, 17), sg_rng_make(7, SG_RNG_AUGMENT, 4, 17),
            sg_rng_make(7, SG_RNG_AUGMENT, 3, 18)};
    uint32_t first = sg_rng_u32(&same);
    assert_int_equal(first, sg_rng_u32(&again));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_not_equal(first, sg_rng_u32(&others[i]));
}

static void a_copy_continues_like_its_original(void **state) {
    (void)state;
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 0, 0);
    for (int i = 0; i < 7; i++) (void)sg_rng_u32(&rng);
    sg_rng copy = rng;
    for (int i = 0; i < 9; i++) assert_int_equal(sg_rng_u32(&rng), sg_rng_u32(&copy));
}

static void a_stream_past_2_32_blocks_keeps_its_purpose(void **state) {
    (void)state;
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 5, 6);
    rng.counter[0] = UINT32_MAX;
    (void)sg_rng_u32(&rng);
    assert_int_equal(rng.counter[0], 0);
    assert_int_equal(rng.counter[1], 256 + SG_RNG_TEST);
    assert_int_equal(rng.counter[2], 5);
}

static void uniform_and_normal_have_their_moments(void **state) {
    (void)state;
    enum { N = 200000 };
    sg_rng rng = sg_rng_make(3, SG_RNG_TEST, 0, 0);
    double sum = 0, normal_sum = 0, squares = 0;
    for (int i = 0; i < N; i++) {
        double u = sg_rng_uniform(&rng), z = sg_rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        assert_true(isfinite(z));
        sum += u;
        normal_sum += z;
        squares += z * z;
    }
    assert_true(fabs(sum / N - 0.5) < 0.003);
    assert_true(fabs(normal_sum / N) < 0.01);
    assert_true(fabs(squares / N - 1) < 0.015);
}

static void below_is_in_range_and_even(void **state) {
    (void)state;
    enum { N = 70000 };
    sg_rng rng = sg_rng_make(4, SG_RNG_TEST, 0, 0);
    int seen[7] = {0};
    for (int i = 0; i < N; i++) {
        uint32_t k = sg_rng_below(&rng, 7);
        assert_true(k < 7);
        seen[k]++;
    }
    for (int k = 0; k < 7; k++) assert_true(abs(seen[k] - N / 7) < 400);
    assert_int_equal(sg_rng_below(&rng, 1), 0);
}

static void shuffle_is_a_permutation(void **state) {
    (void)state;
    uint32_t items[100];
    int seen[100] = {0}, moved = 0;
    for (uint32_t i = 0; i < 100; i++) items[i] = i;
    sg_rng rng = sg_rng_make(5, SG_RNG_SHUFFLE, 1, 0);
    sg_rng_shuffle(&rng, items, 100);
    for (uint32_t i = 0; i < 100; i++) {
        seen[items[i]]++;
        moved += items[i] != i;
    }
    for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
    assert_true(moved > 80);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(philox_gives_the_known_answers),
            cmocka_unit_test(a_stream_depends_on_all_of_its_name),
            cmocka_unit_test(a_copy_continues_like_its_original),
            cmocka_unit_test(a_stream_past_2_32_blocks_keeps_its_purpose),
            cmocka_unit_test(uniform_and_normal_have_their_moments),
            cmocka_unit_test(below_is_in_range_and_even),
            cmocka_unit_test(shuffle_is_a_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
