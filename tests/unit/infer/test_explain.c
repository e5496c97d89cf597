/* test_explain.c - maps by hand, where they land in the image, how views and members are averaged,
 * and what is refused. The numbers themselves are held to PyTorch's in tests/conformance.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/cam.h"
#include "infer/explain.h"
#include "support/check.h"
#include "support/image_folder.h"
#include "support/toy_bundle.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE = 96 }; /* a grid of 3 x 3 */

static void check_near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance)) fail_msg("%.9g is not near %.9g", a, b);
}

/* ---- arithmetic ---- */

static void test_cams_by_hand(void **state) {
    (void)state;
    /* two channels of three places */
    const float a[] = {1, 2, 3, 4, 0, 1}, g[] = {3, -1, 1, -2, 5, -6};
    const struct {
        sg_cam cam;
        double map[3];
    } cases[] = {
            /* means of g: 1, -1 */
            {SG_CAM_GRAD, {0, 2, 2}},
            /* w0 = 3/(2+18) + 1/(2+6) = 0.275; w1 = 5/(2+25) = 0.185185 */
            {SG_CAM_GRAD_PP, {0.275 + 4 * 5 / 27.0, 0.55, 0.825 + 5 / 27.0}},
            {SG_CAM_LAYER, {3, 0, 3}},
            {SG_CAM_HIRES, {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float map[3];
        sg_cam_combine(map, cases[i].cam, a, g, 2, 3);
        for (int p = 0; p < 3; p++) check_near((double)map[p], cases[i].map[p], 1e-6);
    }
    const float one[] = {-5, 1}, slope[] = {1, 1}; /* 2 + g sum(a) < 0: passed over */
    float map[2];
    sg_cam_combine(map, SG_CAM_GRAD_PP, one, slope, 1, 2);
    assert_true(map[0] == 0 && map[1] == 0);
}

/* ---- where a map lands ---- */

static sg_explainer *open_session(toy_bundle *t, bool flip, const sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    sg_explain_options o = SG_EXPLAIN_OPTIONS_INIT;
    sg_explainer *e;
    o.threads = 1;
    o.flip_average = flip;
    o.samples = 1;
    CHECK_OK(sg_explainer_create(&e, &t->bundle, &o, &err));
    CHECK_OK(sg_explainer_look(e, image, &err));
    return e;
}

/* The grid at a place of the square, pixels counted from the middle of the first. */
static double look_up(const sg_plane *grid, int size, double u, double v) {
    double x = (u + 0.5) * grid->width / size - 0.5, y = (v + 0.5) * grid->height / size - 0.5;
    x = fmin(fmax(x, 0), grid->width - 1);
    y = fmin(fmax(y, 0), grid->height - 1);
    int x0 = (int)fmin(floor(x), grid->width - 2), y0 = (int)fmin(floor(y), grid->height - 2);
    const float *g = grid->values + y0 * grid->width + x0;
    double top = (double)g[0] * (x0 + 1 - x) + (double)g[1] * (x - x0);
    double low = (double)g[grid->width] * (x0 + 1 - x) + (double)g[grid->width + 1] * (x - x0);
    return top * (y0 + 1 - y) + low * (y - y0);
}

/* An image twice as wide as high: where pixel x, y of it lies in the square. */
typedef struct landing {
    sg_fit fit;
    double scale_x, shift_x, scale_y, shift_y;
    int first, last; /* columns that the network sees */
} landing;

static void check_landing(const landing *l) {
    sg_error err = SG_ERROR_INIT;
    toy_bundle t;
    sg_image image;
    sg_plane grid, map;
    toy_bundle_make(&t, "mobilenetv2", SIZE, 1);
    t.bundle.recipe.fit = l->fit;
    sg_test_picture(&image, 3, 2 * SIZE, SIZE);
    sg_explainer *e = open_session(&t, false, &image);
    CHECK_OK(sg_explainer_map(&map, e, SG_EXPLAIN_GRAD_CAM_PP, 1, &err));
    CHECK_OK(sg_explainer_grid(&grid, e, 0, 0, SG_EXPLAIN_GRAD_CAM_PP, 1, &err));
    assert_int_equal(map.width, 2 * SIZE);
    assert_int_equal(map.height, SIZE);
    double top = 0, found = 0;
    for (int y = 0; y < SIZE; y++)
        for (int x = l->first; x <= l->last; x++) {
            double u = (x + 0.5) * l->scale_x + l->shift_x - 0.5;
            double v = (y + 0.5) * l->scale_y + l->shift_y - 0.5;
            top = fmax(top, look_up(&grid, SIZE, u, v));
        }
    assert_true(top > 0);
    for (int y = 0; y < SIZE; y += 5)
        for (int x = 0; x < 2 * SIZE; x += 5) {
            double u = (x + 0.5) * l->scale_x + l->shift_x - 0.5;
            double v = (y + 0.5) * l->scale_y + l->shift_y - 0.5;
            bool seen = x >= l->first && x <= l->last;
            double expected = seen ? look_up(&grid, SIZE, u, v) / top : 0;
            check_near((double)map.values[y * map.width + x], expected, 1e-5);
            found = fmax(found, expected);
        }
    assert_true(found > 0.9);
    sg_plane_dispose(&map);
    sg_plane_dispose(&grid);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    toy_bundle_dispose(&t);
}

static void test_maps_land_in_the_image(void **state) {
    (void)state;
    static const landing landings[] = {
            {SG_FIT_PAD, 0.5, 0, 0.5, SIZE / 4.0, 0, 2 * SIZE - 1},
            {SG_FIT_STRETCH, 0.5, 0, 1, 0, 0, 2 * SIZE - 1},
            {SG_FIT_CROP, 1, -SIZE / 2.0, 1, 0, SIZE / 2, SIZE / 2 + SIZE - 1},
    };
    for (size_t i = 0; i < 3; i++) check_landing(&landings[i]);
}

/* With both views averaged, the mirrored image has the mirrored map. */
static void test_views(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_bundle t;
    sg_image image, turned;
    sg_plane a, b;
    toy_bundle_make(&t, "mobilenetv2", SIZE, 1);
    sg_test_picture(&image, 4, SIZE, SIZE);
    CHECK_OK(sg_image_clone(&turned, &image, &err));
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++)
            turned.pixels[y * SIZE + x] = image.pixels[y * SIZE + SIZE - 1 - x];
    sg_explainer *e = open_session(&t, true, &image);
    CHECK_OK(sg_explainer_map(&a, e, SG_EXPLAIN_LAYER_CAM, 0, &err));
    CHECK_OK(sg_explainer_look(e, &turned, &err));
    CHECK_OK(sg_explainer_map(&b, e, SG_EXPLAIN_LAYER_CAM, 0, &err));
    double difference = 0;
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            double mirrored = (double)b.values[y * SIZE + SIZE - 1 - x];
            check_near((double)a.values[y * SIZE + x], mirrored, 1e-4);
            difference += fabs((double)a.values[y * SIZE + x] - (double)b.values[y * SIZE + x]);
        }
    assert_true(difference > 1); /* else the map was symmetric, and nothing was tested */
    sg_plane_dispose(&a);
    sg_plane_dispose(&b);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    sg_image_dispose(&turned);
    toy_bundle_dispose(&t);
}

static float *map_of(sg_explainer *e, int class_index) {
    sg_error err = SG_ERROR_INIT;
    sg_plane map;
    CHECK_OK(sg_explainer_map(&map, e, SG_EXPLAIN_GRAD_CAM_PP, class_index, &err));
    return map.values;
}

/* Each member's map counts as much as another's: mean of the maps of each alone, scaled. */
static void test_members(void **state) {
    (void)state;
    toy_bundle two, first, second;
    sg_image image;
    sg_test_picture(&image, 5, SIZE, SIZE);
    toy_bundle_make(&two, "mobilenetv2", SIZE, 2);
    toy_bundle_make(&first, "mobilenetv2", SIZE, 1);
    toy_bundle_make(&second, "mobilenetv2", SIZE, 2);
    second.bundle.members++; /* the other one alone */
    second.bundle.member_count = 1;
    float *maps[3];
    toy_bundle *bundles[] = {&two, &first, &second};
    for (int i = 0; i < 3; i++) {
        sg_explainer *e = open_session(bundles[i], false, &image);
        maps[i] = map_of(e, 2);
        sg_explainer_close(e);
    }
    double top = 0, apart = 0;
    for (int i = 0; i < SIZE * SIZE; i++) top = fmax(top, (double)(maps[1][i] + maps[2][i]));
    for (int i = 0; i < SIZE * SIZE; i++) {
        check_near((double)maps[0][i], (double)(maps[1][i] + maps[2][i]) / top, 1e-5);
        apart += fabs((double)(maps[1][i] - maps[2][i]));
    }
    assert_true(apart > 1);
    for (int i = 0; i < 3; i++) free(maps[i]);
    second.bundle.members--;
    second.bundle.member_count = 2;
    for (int i = 0; i < 3; i++) toy_bundle_dispose(bundles[i]);
    sg_image_dispose(&image);
}

/* Classes may be asked for in any order, and -1 is the one decided on. */
static void test_classes(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_bundle t;
    sg_image image;
    sg_prediction p;
    toy_bundle_make(&t, "mobilenetv2", SIZE, 1);
    sg_test_picture(&image, 6, 120, 80);
    sg_explainer *e = open_session(&t, true, &image);
    float *fresh = map_of(e, 1), *other = map_of(e, 0), *again = map_of(e, 1);
    CHECK_OK(sg_explainer_predict(e, &p, &err));
    float *decision = map_of(e, -1), *top = map_of(e, p.top);
    assert_memory_equal(fresh, again, 120 * 80 * sizeof *fresh);
    assert_memory_equal(decision, top, 120 * 80 * sizeof *fresh);
    assert_true(memcmp(fresh, other, 120 * 80 * sizeof *fresh) != 0);
    double sum = 0;
    for (int c = 0; c < 3; c++) {
        sum += p.probability[c];
        assert_true(p.probability[c] <= p.probability[p.top]);
    }
    check_near(sum, 1, 1e-9);
    float *all[] = {fresh, other, again, decision, top};
    for (size_t i = 0; i < 5; i++) free(all[i]);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    toy_bundle_dispose(&t);
}

/* ---- integrated gradients ---- */

static double logit_of(toy_bundle *t, const sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    sg_prediction p;
    sg_explainer *e = open_session(t, false, image);
    CHECK_OK(sg_explainer_predict(e, &p, &err));
    sg_explainer_close(e);
    return p.logit[1];
}

/* 64 x 32, so that half of the square is padding; the mean grey is a whole number. */
static void make_picture_and_mean(sg_image *image, sg_image *level) {
    sg_error err = SG_ERROR_INIT;
    enum { PIXELS = 64 * 32 };
    int sum = 0;
    sg_test_picture(image, 8, 64, 32);
    CHECK_OK(sg_image_create(level, 64, 32, 1, &err));
    for (int i = 0; i < PIXELS; i++) sum += image->pixels[i];
    int mean = sum / PIXELS, over = sum % PIXELS;
    for (int i = 0; over > 0; i = (i + 1) % PIXELS)
        if (image->pixels[i] > 0) {
            image->pixels[i]--;
            over--;
        }
    memset(level->pixels, mean, PIXELS);
}

/* Completeness (Sundararajan et al. 2017): attributions sum to the difference between both ends. */
static void test_integrated_gradients_are_complete(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_bundle t;
    sg_image image, level;
    sg_plane grid;
    toy_bundle_make(&t, "mobilenetv2", 64, 1);
    make_picture_and_mean(&image, &level);
    sg_explain_options o = SG_EXPLAIN_OPTIONS_INIT;
    sg_explainer *e;
    o.threads = 1;
    o.steps = 80;
    o.batch = 10;
    o.samples = 1;
    o.noise = 0;
    CHECK_OK(sg_explainer_create(&e, &t.bundle, &o, &err));
    CHECK_OK(sg_explainer_look(e, &image, &err));
    CHECK_OK(sg_explainer_grid(&grid, e, 0, 0, SG_EXPLAIN_INTEGRATED, 1, &err));
    double sum = 0, difference = logit_of(&t, &image) - logit_of(&t, &level);
    for (int i = 0; i < 64 * 64; i++) {
        bool padding = i < 16 * 64 || i >= 48 * 64;
        assert_true(!padding || grid.values[i] == 0);
        sum += (double)grid.values[i];
    }
    assert_true(fabs(difference) > 1e-4);
    check_near(sum, difference, 0.05 * fabs(difference));
    sg_plane_dispose(&grid);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    sg_image_dispose(&level);
    toy_bundle_dispose(&t);
}

/* ---- measuring ---- */

/* Drawing stage by stage changes the answer; nothing drawn gives the bundle's own back, and the
 * bundle stays as it is. */
static void test_weights_drawn_anew(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_bundle t;
    sg_image image;
    sg_prediction before, head, all, again;
    toy_bundle_make(&t, "mobilenetv2", SIZE, 1);
    const float *weights = sg_params_f32(t.members[0].params, 0);
    float first = weights[0];
    sg_test_picture(&image, 9, SIZE, SIZE);
    sg_explainer *e = open_session(&t, false, &image);
    int stages = sg_explainer_stages(e);
    assert_int_equal(stages, 6);
    CHECK_OK(sg_explainer_predict(e, &before, &err));
    CHECK_OK(sg_explainer_randomise(e, stages - 1, 5, &err));
    CHECK_OK(sg_explainer_predict(e, &head, &err));
    CHECK_OK(sg_explainer_randomise(e, 0, 5, &err));
    CHECK_OK(sg_explainer_predict(e, &all, &err));
    CHECK_OK(sg_explainer_randomise(e, stages, 5, &err));
    CHECK_OK(sg_explainer_predict(e, &again, &err));
    assert_true(fabs(before.logit[0] - head.logit[0]) > 1e-6);
    assert_true(fabs(all.logit[0] - head.logit[0]) > 1e-6);
    check_near(before.logit[0], again.logit[0], 1e-6);
    assert_true(weights[0] == first);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    toy_bundle_dispose(&t);
}

/* Both curves run between the image and mean grey, in opposite directions, whatever the map; the
 * opposite order deletes as this one inserts. */
static void test_curves(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    enum { LAST = SG_EXPLAIN_CURVE_STEPS };
    toy_bundle t;
    sg_image image;
    sg_plane map;
    sg_prediction p;
    sg_explain_curves c, opposite;
    toy_bundle_make(&t, "mobilenetv2", SIZE, 1);
    sg_test_picture(&image, 10, SIZE, SIZE);
    sg_explainer *e = open_session(&t, false, &image);
    CHECK_OK(sg_explainer_predict(e, &p, &err));
    CHECK_OK(sg_plane_create(&map, SIZE, SIZE, &err));
    for (int i = 0; i < SIZE * SIZE; i++) map.values[i] = (float)(i * 7919 % 9973) / 9973;
    CHECK_OK(sg_explainer_curves(&c, e, &map, 1, &err));
    for (int i = 0; i < SIZE * SIZE; i++) map.values[i] = -map.values[i];
    CHECK_OK(sg_explainer_curves(&opposite, e, &map, 1, &err));
    check_near(c.deletion[0], p.probability[1], 1e-5);
    check_near(c.insertion[LAST], p.probability[1], 1e-5);
    check_near(c.insertion[0], c.deletion[LAST], 1e-9);
    double area = 0, moved = 0;
    for (int k = 0; k <= LAST; k++) {
        area += (k == 0 || k == LAST ? 0.5 : 1) * c.deletion[k] / LAST;
        check_near(c.insertion[k], opposite.deletion[LAST - k], 2e-3); /* parts of a pixel apart */
        moved += fabs(c.deletion[k] - c.deletion[0]);
    }
    check_near(area, c.deletion_area, 1e-12);
    assert_true(moved > 1e-6);
    CHECK_FAILS(sg_explainer_curves(&c, e, &map, 3, &err), SG_ERR_USAGE, "class");
    sg_plane_dispose(&map);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    toy_bundle_dispose(&t);
}

typedef struct gate_look {
    int count, last;
    double low, high;
} gate_look;

static void look_at_gate(
        void *user, int number, const char *name, const float *gates, size_t channels) {
    gate_look *look = user;
    look->count++;
    look->last = number;
    assert_non_null(strstr(name, "se.gate"));
    for (size_t c = 0; c < channels; c++) {
        look->low = fmin(look->low, (double)gates[c]);
        look->high = fmax(look->high, (double)gates[c]);
    }
}

static void test_gates(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_bundle t;
    sg_image image;
    sg_plane map;
    gate_look look = {0, 0, 9, -9};
    toy_bundle_make(&t, "mresnetv2", 32, 1);
    sg_test_picture(&image, 11, 32, 32);
    sg_explainer *e = open_session(&t, true, &image);
    CHECK_OK(sg_explainer_gates(e, look_at_gate, &look, &err));
    assert_int_equal(look.count, 2 * 12); /* blocks 3 + 4 + 3 + 2, both views */
    assert_int_equal(look.last, 11);
    assert_true(look.low >= 0 && look.high <= 2 && look.high > look.low + 0.1);
    CHECK_OK(sg_explainer_map(&map, e, SG_EXPLAIN_GATED, 0, &err));
    assert_int_equal(map.width, 32);
    sg_plane_dispose(&map);
    sg_explainer_close(e);
    sg_image_dispose(&image);
    toy_bundle_dispose(&t);
}

/* ---- refusals ---- */

static void test_refusals(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    toy_bundle t, flat;
    sg_image image;
    sg_plane map;
    sg_prediction p;
    sg_explainer *e;
    sg_explain_options o = SG_EXPLAIN_OPTIONS_INIT;
    toy_bundle_make(&flat, "mobilenetv2", 32, 1); /* a last map of one value */
    CHECK_FAILS(sg_explainer_create(&e, &flat.bundle, &o, &err), SG_ERR_INPUT, "no extent at 32");
    toy_bundle_dispose(&flat);
    toy_bundle_make(&t, "mobilenetv2", SIZE, 1);
    o.layer = "features.99";
    CHECK_FAILS(sg_explainer_create(&e, &t.bundle, &o, &err), SG_ERR_USAGE, "features.99");
    o.layer = "avgpool";
    CHECK_FAILS(sg_explainer_create(&e, &t.bundle, &o, &err), SG_ERR_INPUT, "avgpool");
    o.layer = "classifier.1";
    CHECK_FAILS(sg_explainer_create(&e, &t.bundle, &o, &err), SG_ERR_INPUT, "classifier.1");
    o.layer = NULL;
    o.stride = o.patch + 1;
    CHECK_FAILS(sg_explainer_create(&e, &t.bundle, &o, &err), SG_ERR_USAGE, "stride");
    CHECK_OK(sg_explainer_create(&e, &t.bundle, NULL, &err));
    CHECK_FAILS(sg_explainer_predict(e, &p, &err), SG_ERR_USAGE, "no image");
    CHECK_FAILS(sg_explainer_map(&map, e, SG_EXPLAIN_GRAD_CAM, 0, &err), SG_ERR_USAGE, "no image");
    sg_test_picture(&image, 7, SIZE, SIZE);
    CHECK_OK(sg_explainer_look(e, &image, &err));
    CHECK_FAILS(sg_explainer_map(&map, e, SG_EXPLAIN_GRAD_CAM, 3, &err), SG_ERR_USAGE, "class 3");
    CHECK_FAILS(sg_explainer_map(&map, e, SG_EXPLAIN_GATED, 0, &err), SG_ERR_INPUT, "no squeeze");
    sg_image_dispose(&image);
    sg_explainer_close(e);
    toy_bundle_dispose(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_cams_by_hand),
            cmocka_unit_test(test_maps_land_in_the_image),
            cmocka_unit_test(test_views),
            cmocka_unit_test(test_members),
            cmocka_unit_test(test_classes),
            cmocka_unit_test(test_integrated_gradients_are_complete),
            cmocka_unit_test(test_weights_drawn_anew),
            cmocka_unit_test(test_curves),
            cmocka_unit_test(test_gates),
            cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
