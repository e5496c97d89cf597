/* test_affine.c - maps are chained, inverted and fitted. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "data/affine.h"
#include "support/check.h"
#include <math.h>

static const double some[6] = {1.2, -0.1, 7, 0.2, 0.9, -3};
static const double other[6] = {-0.8, 0.05, 100, 0.1, 1.1, 4};

static void check_same(const double a[6], const double b[6], double within) {
    for (int k = 0; k < 6; k++) assert_true(fabs(a[k] - b[k]) < within);
}

static void chain_takes_the_first_first(void **state) {
    (void)state;
    double both[6], x = 3, y = 5, u = 3, v = 5;
    sg_affine_chain(both, some, other);
    sg_affine_apply(&x, &y, some);
    sg_affine_apply(&x, &y, other);
    sg_affine_apply(&u, &v, both);
    assert_true(fabs(x - u) < 1e-12 && fabs(y - v) < 1e-12);
    /* By hand: (3, 5) -> (1.2*3 - 0.1*5 + 7, 0.2*3 + 0.9*5 - 3) = (10.1, 2.1), and on. */
    assert_true(fabs(u - (-0.8 * 10.1 + 0.05 * 2.1 + 100)) < 1e-12);
    assert_true(fabs(v - (0.1 * 10.1 + 1.1 * 2.1 + 4)) < 1e-12);
    double in_place[6];
    memcpy(in_place, some, sizeof some);
    sg_affine_chain(in_place, in_place, other);
    check_same(in_place, both, 1e-15);
}

static void invert_undoes(void **state) {
    (void)state;
    double back[6], nothing[6];
    const double identity[6] = {1, 0, 0, 0, 1, 0};
    assert_true(sg_affine_invert(back, some));
    sg_affine_chain(nothing, some, back);
    check_same(nothing, identity, 1e-12);
    const double singular[6] = {1, 2, 0, 2, 4, 1};
    assert_false(sg_affine_invert(back, singular));
}

static void fit_finds_the_map(void **state) {
    (void)state;
    enum { N = 20 };
    double from[N][2], to[N][2], weights[N], found[6];
    sg_rng rng = sg_rng_make(1, SG_RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        from[i][0] = to[i][0] = sg_rng_between(&rng, 0, 200);
        from[i][1] = to[i][1] = sg_rng_between(&rng, 0, 200);
        sg_affine_apply(&to[i][0], &to[i][1], some);
        weights[i] = i ? 1 + i : 0;
    }
    assert_true(sg_affine_fit(found, (const double(*)[2])from, (const double(*)[2])to, NULL, N));
    check_same(found, some, 1e-9);
    to[0][0] += 1000; /* has no weight */
    assert_true(sg_affine_fit(found, (const double(*)[2])from, (const double(*)[2])to, weights, N));
    check_same(found, some, 1e-9);
    assert_false(sg_affine_fit(found, (const double(*)[2])from, (const double(*)[2])to, NULL, 2));
    for (int i = 0; i < N; i++) from[i][1] = 2 * from[i][0] + 1;
    assert_false(sg_affine_fit(found, (const double(*)[2])from, (const double(*)[2])to, NULL, N));
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(chain_takes_the_first_first),
            cmocka_unit_test(invert_undoes),
            cmocka_unit_test(fit_finds_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
