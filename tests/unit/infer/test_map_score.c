/* test_map_score.c - scores of maps small enough to do by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/map_score.h"
#include "support/check.h"
#include <math.h>

static void check_near(double a, double b) {
    if (!(fabs(a - b) <= 1e-6)) fail_msg("%.9g is not %.9g", a, b);
}

/* 4 x 2 pixels; the lesion is the right half of the upper row. */
static float values[8] = {0.1f, 0.2f, 0.8f, 0.4f, 0.0f, 0.0f, 1.0f, 0.5f};
static const uint8_t lesion[8] = {0, 0, 1, 1, 0, 0, 0, 0};

static void test_by_hand(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const sg_plane map = {4, 2, values};
    sg_map_score s;
    CHECK_OK(sg_map_score_measure(&s, &map, lesion, 0.5, &err));
    check_near(s.pointing, 0); /* the peak is right below */
    check_near(s.distance, 1);
    check_near(s.energy, 1.2 / 3.0);
    check_near(s.iou_fixed, 1.0 / 4); /* 1.0 0.8 0.5 against two */
    check_near(s.iou_best, 2.0 / 4);  /* at 0.4: 1.0 0.8 0.5 0.4 */
    check_near(s.best_at, 0.4);
    check_near(s.auprc, (1.0 / 2 + 2.0 / 4) / 2);
    check_near(s.area, 0.25);
    assert_true(s.centre_x == 2 && s.centre_y == 1 && !s.flat);
    const uint8_t there[8] = {0, 0, 0, 0, 0, 0, 1, 0};
    CHECK_OK(sg_map_score_measure(&s, &map, there, 0.5, &err));
    check_near(s.pointing, 1);
    check_near(s.distance, 0);
    check_near(s.auprc, 1);
}

/* Equal pixels are taken together: which of them comes first in memory must not count. */
static void test_ties_and_flat_maps(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_score s;
    float level[8] = {1, 1, 1, 1, 1, 1, 1, 1}, nothing[8] = {0};
    sg_plane map = {4, 2, level};
    CHECK_OK(sg_map_score_measure(&s, &map, lesion, 0.5, &err));
    check_near(s.auprc, 0.25);
    check_near(s.iou_best, 0.25);
    assert_true(s.centre_x >= 1 && s.centre_x <= 2); /* nearest to the middle */
    map.values = nothing;
    CHECK_OK(sg_map_score_measure(&s, &map, lesion, 0.5, &err));
    assert_true(s.flat && isnan(s.distance));
    check_near(s.pointing + s.energy + s.iou_best + s.iou_fixed, 0);
    check_near(s.auprc, 0.25);
    assert_true(isnan(sg_map_share(&map, lesion)));
    const uint8_t none[8] = {0};
    CHECK_FAILS(sg_map_score_measure(&s, &map, none, 0.5, &err), SG_ERR_INPUT, "mask is empty");
}

/* Pixels without evidence are no part of any hot region, however much of the lesion they hold. */
static void test_evidence_beside_the_lesion(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_map_score s;
    float beside[8] = {0, 0, 0, 0, 0, 0, 0, 1}, partly[8] = {0.2f, 0, 0, 0, 0, 0, 0, 1};
    const uint8_t large[8] = {1, 1, 1, 1, 1, 1, 1, 0};
    sg_plane map = {4, 2, beside};
    CHECK_OK(sg_map_score_measure(&s, &map, large, 0.5, &err));
    check_near(s.iou_best, 0); /* all pixels together would be 7 / 8 */
    check_near(s.best_at, 0);
    check_near(s.iou_fixed, 0);
    map.values = partly;
    CHECK_OK(sg_map_score_measure(&s, &map, large, 0.5, &err));
    check_near(s.iou_best, 1.0 / 8);
    check_near(s.best_at, 0.2);
    CHECK_OK(sg_map_score_measure(&s, &map, large, 0, &err));
    check_near(s.iou_fixed, 1.0 / 8); /* at threshold 0 too */
}

static void test_centre(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_plane map;
    CHECK_OK(sg_map_centre(&map, 40, 20, &err));
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 40; x++)
            assert_true(map.values[y * 40 + x] == map.values[(19 - y) * 40 + 39 - x]);
    /* one standard deviation from the middle, level with it */
    double high = (double)map.values[10 * 40 + 20], side = (double)map.values[10 * 40 + 30];
    check_near(log(high / side), 0.5 * (pow(10.5 / 10, 2) - pow(0.5 / 10, 2)));
    sg_plane_dispose(&map);
}

static void test_correlation(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    float a[SG_MAP_SAMPLES], b[SG_MAP_SAMPLES], level[SG_MAP_SAMPLES] = {0};
    double r;
    for (int i = 0; i < SG_MAP_SAMPLES; i++) {
        a[i] = (float)i;
        b[i] = -(float)i * (float)i;
    }
    CHECK_OK(sg_map_correlate(&r, a, b, &err));
    check_near(r, -1); /* ranks only */
    CHECK_OK(sg_map_correlate(&r, a, a, &err));
    check_near(r, 1);
    for (int i = 0; i < SG_MAP_SAMPLES; i++) b[i] = (float)(i % 2);
    CHECK_OK(sg_map_correlate(&r, a, b, &err));
    assert_true(fabs(r) < 0.01);
    CHECK_OK(sg_map_correlate(&r, a, level, &err));
    assert_true(isnan(r));
    const sg_plane map = {4, 2, values};
    sg_map_sample(a, &map);
    assert_true(a[0] == 0.1f && a[SG_MAP_RASTER - 1] == 0.4f && a[SG_MAP_SAMPLES - 1] == 0.5f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_by_hand),
            cmocka_unit_test(test_ties_and_flat_maps),
            cmocka_unit_test(test_evidence_beside_the_lesion),
            cmocka_unit_test(test_centre),
            cmocka_unit_test(test_correlation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
