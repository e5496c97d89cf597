/* test_map_rows.c - means of parts, and differences from a baseline on the same images.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/map_rows.h"
#include "support/check.h"
#include <math.h>

enum { IMAGES = 8, MAP = 0, BASE = 7 };

/* Two maps of eight images: classes 0 and 1 in turn, pairs in one group, image 3 answered wrongly,
 * image 7 without a lesion. */
static void make_rows(sg_map_row rows[2 * IMAGES]) {
    for (size_t i = 0; i < 2 * IMAGES; i++) {
        size_t image = i / 2;
        rows[i] = (sg_map_row){.image = image,
                .map = i % 2 ? BASE : MAP,
                .truth = (int)(image % 2),
                .predicted = image == 3 ? 0 : (int)(image % 2),
                .group = (uint32_t)(image / 2),
                .lesion = image != 7};
        for (int k = 0; k < SG_MAP_MEASURES; k++) rows[i].values[k] = NAN;
        rows[i].values[SG_MAP_ENERGY] = (double)image + (i % 2 ? 0.25 * (double)(image % 3) : 1);
    }
}

static void test_parts(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_row rows[2 * IMAGES];
    sg_bootstrap_figure f[SG_MAP_MEASURES];
    const sg_bootstrap_options o = {500, 0.95, 1};
    size_t images;
    make_rows(rows);
    const struct {
        sg_map_part part;
        size_t images;
        double mean;
    } cases[] = {
            {{MAP, -1, -1, -1}, 8, 4.5},
            {{MAP, -1, -1, 1}, 7, 4},
            {{MAP, 1, -1, -1}, 4, 5},
            {{MAP, -1, 0, -1}, 1, 4},
            {{MAP, 1, 1, 1}, 2, 4},
            {{MAP, -1, -1, 0}, 1, 8},
            {{BASE, -1, -1, -1}, 8, 3.5 + 0.25 * 7 / 8.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_OK(sg_map_rows_mean(f, &images, rows, 2 * IMAGES, cases[i].part, &o, &err));
        assert_int_equal(images, cases[i].images);
        assert_true(fabs(f[SG_MAP_ENERGY].estimate - cases[i].mean) < 1e-12);
        assert_true(isnan(f[SG_MAP_POINTING].estimate));
    }
    CHECK_OK(
            sg_map_rows_mean(f, &images, rows, 2 * IMAGES, (sg_map_part){5, -1, -1, -1}, &o, &err));
    assert_true(images == 0 && isnan(f[SG_MAP_ENERGY].estimate));
}

/* Differences are of the same image: their spread is far below that of the maps. */
static void test_above(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_row rows[2 * IMAGES];
    sg_bootstrap_figure f[SG_MAP_MEASURES];
    const sg_bootstrap_options o = {500, 0.95, 1};
    make_rows(rows);
    CHECK_OK(
            sg_map_rows_above(f, rows, 2 * IMAGES, (sg_map_part){MAP, -1, -1, -1}, BASE, &o, &err));
    const sg_bootstrap_figure *e = &f[SG_MAP_ENERGY];
    assert_true(fabs(e->estimate - (1 - 0.25 * 7 / 8.0)) < 1e-12);
    assert_true(e->bca.low > 0.5 && e->bca.high <= 1 && !e->degenerate);
    CHECK_OK(sg_map_rows_above(f, rows, 2 * IMAGES, (sg_map_part){MAP, -1, -1, -1}, 5, &o, &err));
    assert_true(isnan(f[SG_MAP_ENERGY].estimate));
}

/* Nobody points into the lesion, or everybody: Wilson's with a group as one trial, 4 of them; rows
 * without the measure are not among them. A difference of 0 is no share. */
static void test_shares_at_their_ends(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_row rows[2 * IMAGES];
    sg_bootstrap_figure f[SG_MAP_MEASURES];
    const sg_bootstrap_options o = {500, 0.95, 1};
    const sg_map_part all = {MAP, -1, -1, -1};
    size_t images;
    for (int share = 0; share < 2; share++) {
        make_rows(rows);
        for (size_t i = 0; i < 2 * IMAGES; i++) rows[i].values[SG_MAP_POINTING] = share;
        CHECK_OK(sg_map_rows_mean(f, &images, rows, 2 * IMAGES, all, &o, &err));
        sg_interval w = sg_interval_wilson(share ? 4 : 0, 4, 0.95);
        assert_true(!f[SG_MAP_POINTING].degenerate);
        assert_true(f[SG_MAP_POINTING].bca.low == w.low && f[SG_MAP_POINTING].bca.high == w.high);
        for (size_t i = 0; i < 4; i++) rows[i].values[SG_MAP_POINTING] = NAN; /* a whole group */
        CHECK_OK(sg_map_rows_mean(f, &images, rows, 2 * IMAGES, all, &o, &err));
        w = sg_interval_wilson(share ? 3 : 0, 3, 0.95);
        assert_true(f[SG_MAP_POINTING].bca.low == w.low && f[SG_MAP_POINTING].bca.high == w.high);
        CHECK_OK(sg_map_rows_above(f, rows, 2 * IMAGES, all, BASE, &o, &err));
        assert_true(f[SG_MAP_POINTING].estimate == 0 && f[SG_MAP_POINTING].degenerate);
    }
}

/* Rows without a value neither count nor spoil the mean of those that have one. */
static void test_missing_values(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_row rows[2 * IMAGES];
    sg_bootstrap_figure f[SG_MAP_MEASURES];
    const sg_bootstrap_options o = {500, 0.95, 1};
    size_t images;
    make_rows(rows);
    rows[0].values[SG_MAP_ENERGY] = NAN; /* image 0, of MAP */
    CHECK_OK(sg_map_rows_mean(
            f, &images, rows, 2 * IMAGES, (sg_map_part){MAP, -1, -1, -1}, &o, &err));
    assert_true(fabs(f[SG_MAP_ENERGY].estimate - 5) < 1e-12); /* 2..8 */
    assert_true(isfinite(f[SG_MAP_ENERGY].bca.low) && isfinite(f[SG_MAP_ENERGY].bca.high));
}

/* Images of one group are drawn together: with all of a class in one there is nothing to draw.
 * Draws keep the classes: where values differ between classes only, the mean never moves. */
static void test_draws_keep_groups_and_classes(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_row rows[2 * IMAGES];
    sg_bootstrap_figure f[SG_MAP_MEASURES];
    const sg_bootstrap_options o = {500, 0.95, 1};
    const sg_map_part all = {MAP, -1, -1, -1};
    size_t images;
    make_rows(rows);
    for (size_t i = 0; i < 2 * IMAGES; i++) rows[i].group = (uint32_t)rows[i].truth;
    CHECK_OK(sg_map_rows_mean(f, &images, rows, 2 * IMAGES, all, &o, &err));
    assert_true(f[SG_MAP_ENERGY].degenerate);
    for (size_t i = 0; i < 2 * IMAGES; i++) {
        rows[i].group = (uint32_t)i;
        rows[i].values[SG_MAP_ENERGY] = rows[i].truth;
    }
    CHECK_OK(sg_map_rows_mean(f, &images, rows, 2 * IMAGES, all, &o, &err));
    assert_true(f[SG_MAP_ENERGY].degenerate && f[SG_MAP_ENERGY].estimate == 0.5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_parts),
            cmocka_unit_test(test_above),
            cmocka_unit_test(test_shares_at_their_ends),
            cmocka_unit_test(test_missing_values),
            cmocka_unit_test(test_draws_keep_groups_and_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
