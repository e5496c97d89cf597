/* test_fingerprint.c - pairs are found whatever the flip and gain, and the bound that spares
 * products loses none. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/fingerprint.h"
#include "data/union.h"
#include "support/image_folder.h"

static void print_of(float *print, const sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    if (sg_fingerprint_make(print, image, &err)) fail_msg("%s", err.message);
}

static void is_standardised(void **state) {
    (void)state;
    sg_image image = {0};
    sg_test_picture(&image, 1, 131, 97);
    float print[SG_FINGERPRINT_LEN];
    print_of(print, &image);
    double sum = 0, square = 0;
    for (int i = 0; i < SG_FINGERPRINT_LEN; i++) {
        sum += print[i];
        square += (double)print[i] * print[i];
    }
    assert_true(fabs(sum) < 1e-3);
    assert_true(fabs(square - 1) < 1e-5);
    sg_image_dispose(&image);
}

static void sees_through_flips_and_gain(void **state) {
    (void)state;
    sg_image image = {0}, changed = {0};
    sg_test_picture(&image, 2, 90, 60);
    float a[SG_FINGERPRINT_LEN], b[SG_FINGERPRINT_LEN];
    print_of(a, &image);
    for (int flip = 0; flip < 4; flip++) {
        assert_int_equal(sg_image_clone(&changed, &image, NULL), SG_OK);
        for (int y = 0; y < 60; y++)
            for (int x = 0; x < 90; x++) {
                int v = image.pixels[((flip & 2) ? 59 - y : y) * 90 + ((flip & 1) ? 89 - x : x)];
                changed.pixels[y * 90 + x] = (uint8_t)(20 + v / 2);
            }
        print_of(b, &changed);
        assert_true(sg_fingerprint_compare(a, b) > 0.995);
        assert_true(sg_fingerprint_compare_detail(a, b) > 0.9);
        sg_image_dispose(&changed);
    }
    sg_image_dispose(&image);
}

/* Two pictures with the same bright top and dark bottom, and nothing else in common. */
static void coarse_likeness_is_no_detail(void **state) {
    (void)state;
    float prints[2][SG_FINGERPRINT_LEN];
    for (uint32_t k = 0; k < 2; k++) {
        sg_image image = {0};
        assert_int_equal(sg_image_create(&image, 112, 112, 1, NULL), SG_OK);
        sg_rng rng = sg_rng_make(5, SG_RNG_TEST, k, 0);
        for (int y = 0; y < 112; y++)
            for (int x = 0; x < 112; x++)
                image.pixels[y * 112 + x] =
                        (uint8_t)(200 - y * 3 / 2 + (int)sg_rng_below(&rng, 50));
        print_of(prints[k], &image);
        sg_image_dispose(&image);
    }
    assert_true(sg_fingerprint_compare(prints[0], prints[1]) > SG_FINGERPRINT_THRESHOLD);
    assert_true(sg_fingerprint_compare_detail(prints[0], prints[1]) < SG_FINGERPRINT_DETAIL);
}

static void flat_image_pairs_with_nothing(void **state) {
    (void)state;
    sg_image image = {0};
    assert_int_equal(sg_image_create(&image, 80, 80, 3, NULL), SG_OK);
    float prints[2][SG_FINGERPRINT_LEN];
    print_of(prints[0], &image);
    print_of(prints[1], &image);
    assert_true(sg_fingerprint_compare(prints[0], prints[1]) == 0);
    sg_image_dispose(&image);
}

/* Against the plain double loop, at thresholds where many pairs lie near the bound. */
static void search_equals_brute_force(void **state) {
    (void)state;
    enum { N = 60 };
    float *prints = calloc(N, SG_FINGERPRINT_LEN * sizeof *prints);
    assert_non_null(prints);
    for (uint32_t i = 0; i < N; i++) {
        sg_image image = {0}, other = {0};
        sg_test_picture(&image, i % 20, 64, 64);
        sg_test_picture(&other, 100 + i, 64, 64);
        for (int k = 0; k < 64 * 64; k++)
            image.pixels[k] = (uint8_t)((image.pixels[k] * 3 + other.pixels[k] * (i % 5)) / 8);
        print_of(prints + i * SG_FINGERPRINT_LEN, &image);
        sg_image_dispose(&image);
        sg_image_dispose(&other);
    }
    sg_pool *pool;
    assert_int_equal(sg_pool_create(&pool, 2, NULL), SG_OK);
    const double thresholds[] = {0.2, 0.6, 0.8, 0.92, 0.97};
    size_t seen = 0;
    for (size_t t = 0; t < sizeof thresholds / sizeof *thresholds; t++) {
        sg_fingerprint_pair *pairs;
        size_t count, next = 0;
        assert_int_equal(sg_fingerprint_find_pairs(&pairs, &count, prints, N, thresholds[t],
                                 t % 2 ? pool : NULL, NULL),
                SG_OK);
        for (uint32_t a = 0; a < N; a++)
            for (uint32_t b = a + 1; b < N; b++) {
                double value = sg_fingerprint_compare(
                        prints + a * SG_FINGERPRINT_LEN, prints + b * SG_FINGERPRINT_LEN);
                if (value < thresholds[t]) continue;
                assert_true(next < count);
                assert_int_equal(pairs[next].a, a);
                assert_int_equal(pairs[next].b, b);
                assert_true(fabs(pairs[next].correlation - value) < 1e-6);
                next++;
            }
        assert_int_equal(next, count);
        seen += count;
        free(pairs);
    }
    assert_true(seen > 100);
    sg_pool_destroy(pool);
    free(prints);
}

static void nothing_to_search(void **state) {
    (void)state;
    sg_fingerprint_pair *pairs = (void *)1;
    size_t count = 7;
    assert_int_equal(sg_fingerprint_find_pairs(&pairs, &count, NULL, 0, 0.9, NULL, NULL), SG_OK);
    assert_null(pairs);
    assert_int_equal(count, 0);
}

static void union_numbers_sets_in_order(void **state) {
    (void)state;
    sg_union u;
    assert_int_equal(sg_union_init(&u, 7, NULL), SG_OK);
    sg_union_join(&u, 6, 2);
    sg_union_join(&u, 5, 3);
    sg_union_join(&u, 2, 5);
    sg_union_join(&u, 4, 4);
    int numbers[7];
    const int expected[7] = {0, 1, 2, 2, 3, 2, 2};
    assert_int_equal(sg_union_number(&u, numbers), 4);
    assert_memory_equal(numbers, expected, sizeof numbers);
    sg_union_dispose(&u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(is_standardised),
            cmocka_unit_test(sees_through_flips_and_gain),
            cmocka_unit_test(coarse_likeness_is_no_detail),
            cmocka_unit_test(flat_image_pairs_with_nothing),
            cmocka_unit_test(search_equals_brute_force),
            cmocka_unit_test(nothing_to_search),
            cmocka_unit_test(union_numbers_sets_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
