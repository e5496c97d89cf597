/* test_recipe.c - the recipe as a value (JSON, checks, equality) and as a deed (sizes, padding,
 * standardisation, agreement of the plain and the warped way).
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "image/clahe.h"
#include "image/codec.h"
#include "image/median.h"
#include "image/recipe.h"

static sg_recipe unusual(void) {
    sg_recipe r = SG_RECIPE_INIT;
    r.size = 96;
    r.fit = SG_FIT_CROP;
    r.crop = true;
    r.despeckle = SG_DESPECKLE_SRAD;
    r.median_size = 5;
    r.srad = (sg_srad_options){12, 0.125, 0.3, 0.21};
    r.contrast = SG_CONTRAST_CLAHE;
    r.clahe_clip = 3.7;
    r.clahe_tiles = 5;
    r.filter = SG_RESIZE_AREA;
    r.channels = 1;
    r.mean[0] = 0.2f;
    r.std[2] = 1.0f / 3.0f;
    return r;
}

static sg_image load(const char *path) {
    sg_image image = {0};
    sg_error err = SG_ERROR_INIT;
    if (sg_image_read(&image, NULL, path, NULL, &err)) fail_msg("%s", err.message);
    return image;
}

static sg_recipe through_text(const sg_recipe *recipe) {
    json_t *object = sg_recipe_to_json(recipe);
    assert_non_null(object);
    char *text = sg_json_line(object);
    json_decref(object);
    json_t *parsed = NULL;
    assert_int_equal(sg_json_parse(&parsed, text, strlen(text), "recipe", NULL), SG_OK);
    sg_recipe back = {0};
    sg_error err = SG_ERROR_INIT;
    if (sg_recipe_from_json(&back, parsed, &err)) fail_msg("%s", err.message);
    json_decref(parsed);
    free(text);
    return back;
}

static void json_goes_round(void **state) {
    (void)state;
    sg_recipe plain = SG_RECIPE_INIT, odd = unusual();
    sg_recipe plain_back = through_text(&plain), odd_back = through_text(&odd);
    assert_true(sg_recipe_equal(&plain, &plain_back));
    assert_true(sg_recipe_equal(&odd, &odd_back));
    assert_false(sg_recipe_equal(&plain, &odd));
}

static void every_field_counts(void **state) {
    (void)state;
    sg_recipe plain = SG_RECIPE_INIT, odd = unusual();
    json_t *a = sg_recipe_to_json(&plain), *b = sg_recipe_to_json(&odd);
    const char *key;
    json_t *value;
    json_object_foreach(b, key, value) {
        json_t *changed = json_copy(a);
        json_object_set(changed, key, value);
        sg_recipe one = {0};
        assert_int_equal(sg_recipe_from_json(&one, changed, NULL), SG_OK);
        if (sg_recipe_equal(&one, &plain)) fail_msg("'%s' makes no difference", key);
        json_decref(changed);
    }
    json_decref(a);
    json_decref(b);
}

static void wrong_json_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
            /* field, value; a value "-" takes the field away */
            {"sise", "224"},
            {"size", "-"},
            {"size", "7"},
            {"size", "224.5"},
            {"size", "99999999999"},
            {"fit", "\"pads\""},
            {"fit", "\"pa\""},
            {"fit", "0"},
            {"crop", "1"},
            {"median_size", "4"},
            {"channels", "2"},
            {"clahe_clip", "0"},
            {"mean", "[0.5, 0.5]"},
            {"mean", "[0.5, 0.5, \"x\"]"},
            {"std", "[0.5, 0.5, 0]"},
            {"srad_dt", "2"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        sg_recipe plain = SG_RECIPE_INIT, out = unusual(), untouched = unusual();
        json_t *object = sg_recipe_to_json(&plain);
        if (*wrong[i][1] == '-')
            json_object_del(object, wrong[i][0]);
        else
            json_object_set_new(
                    object, wrong[i][0], json_loads(wrong[i][1], JSON_DECODE_ANY, NULL));
        sg_error err = SG_ERROR_INIT;
        assert_int_equal(sg_recipe_from_json(&out, object, &err), SG_ERR_FORMAT);
        if (!strstr(err.message, wrong[i][0])) fail_msg("does not name it: %s", err.message);
        assert_true(sg_recipe_equal(&out, &untouched));
        json_decref(object);
    }
    json_t *list = json_array();
    sg_recipe out;
    assert_int_equal(sg_recipe_from_json(&out, list, NULL), SG_ERR_FORMAT);
    json_decref(list);
}

static void prepare_runs_the_steps(void **state) {
    (void)state;
    sg_image rgb = load("tests/golden/image/rgb37x53.png");
    sg_image want = load("tests/golden/image/rgb37x53.grey.png"), got = {0}, smooth = {0};
    sg_recipe recipe = SG_RECIPE_INIT;
    sg_rect box = {0};
    assert_int_equal(sg_recipe_prepare(&got, &box, &rgb, &recipe, NULL), SG_OK);
    assert_int_equal(got.channels, 1);
    assert_memory_equal(got.pixels, want.pixels, sg_image_size(&want));
    assert_int_equal(box.width, 37);
    assert_int_equal(box.height, 53);
    sg_image_dispose(&got);

    recipe.despeckle = SG_DESPECKLE_MEDIAN;
    assert_int_equal(sg_recipe_prepare(&got, NULL, &rgb, &recipe, NULL), SG_OK);
    assert_int_equal(sg_median_apply(&smooth, &want, 3, NULL), SG_OK);
    assert_memory_equal(got.pixels, smooth.pixels, sg_image_size(&want));
    sg_image_dispose(&got);

    /* speckle goes before contrast is raised: the other way round gives other pixels */
    sg_image raised = {0}, other = {0}, turned = {0};
    recipe.contrast = SG_CONTRAST_CLAHE;
    assert_int_equal(sg_recipe_prepare(&got, NULL, &rgb, &recipe, NULL), SG_OK);
    assert_int_equal(sg_clahe_apply(&raised, &smooth, 2.0, 8, NULL), SG_OK);
    assert_memory_equal(got.pixels, raised.pixels, sg_image_size(&want));
    assert_int_equal(sg_clahe_apply(&other, &want, 2.0, 8, NULL), SG_OK);
    assert_int_equal(sg_median_apply(&turned, &other, 3, NULL), SG_OK);
    assert_memory_not_equal(got.pixels, turned.pixels, sg_image_size(&want));
    sg_image_dispose(&got);
    sg_image_dispose(&raised);
    sg_image_dispose(&other);
    sg_image_dispose(&turned);

    recipe = unusual();
    assert_int_equal(sg_recipe_prepare(&got, &box, &rgb, &recipe, NULL), SG_OK);
    assert_int_equal(got.width, box.width);
    assert_int_equal(got.height, box.height);
    sg_image_dispose(&got);
    sg_image_dispose(&smooth);
    sg_image_dispose(&want);
    sg_image_dispose(&rgb);
}

/* A bright scan in a black screenshot: with the crop only the scan is left. */
static void crop_is_done(void **state) {
    (void)state;
    sg_image shot = {0}, got = {0};
    sg_recipe recipe = SG_RECIPE_INIT;
    sg_rect box = {0};
    assert_int_equal(sg_image_create(&shot, 120, 100, 1, NULL), SG_OK);
    for (int y = 20; y < 90; y++)
        for (int x = 30; x < 110; x++)
            shot.pixels[y * 120 + x] = (uint8_t)(100 + (x * 7 + y * 13) % 90);
    assert_int_equal(sg_recipe_prepare(&got, &box, &shot, &recipe, NULL), SG_OK);
    assert_true(got.width == 120 && got.height == 100 && box.width == 120 && box.height == 100);
    sg_image_dispose(&got);
    recipe.crop = true;
    assert_int_equal(sg_recipe_prepare(&got, &box, &shot, &recipe, NULL), SG_OK);
    assert_in_range(box.x, 28, 32);
    assert_in_range(box.y, 18, 22);
    assert_in_range(got.width, 76, 84);
    assert_in_range(got.height, 66, 74);
    assert_memory_equal(got.pixels, shot.pixels + box.y * 120 + box.x, (size_t)got.width);
    sg_image_dispose(&got);
    sg_image_dispose(&shot);
}

static void finish_pads_and_standardises(void **state) {
    (void)state;
    enum { SIZE = 32 };
    sg_image flat = {0};
    assert_int_equal(sg_image_create(&flat, 80, 40, 1, NULL), SG_OK);
    memset(flat.pixels, 51, 80 * 40); /* 0.2 */
    sg_recipe recipe = SG_RECIPE_INIT;
    recipe.size = SIZE;
    static float chw[3 * SIZE * SIZE];
    assert_int_equal(sg_recipe_finish(chw, &flat, &recipe, NULL, NULL), SG_OK);
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < SIZE; y++)
            for (int x = 0; x < SIZE; x++) {
                float level = y >= 8 && y < 24 ? 0.2f : 0.0f;
                float want = (level - recipe.mean[c]) / recipe.std[c];
                assert_true(fabsf(chw[(c * SIZE + y) * SIZE + x] - want) < 1e-5f);
            }
    sg_image_dispose(&flat);
}

/* The warp with a matrix that changes nothing is the resize without one. */
static void identity_warp_is_the_resize(void **state) {
    (void)state;
    static const double identity[6] = {1, 0, 0, 0, 1, 0};
    sg_image grey = load("tests/golden/image/grey61x47.png");
    for (int fit = SG_FIT_PAD; fit <= SG_FIT_STRETCH; fit++)
        for (int size = 16; size <= 96; size += 40) {
            sg_recipe recipe = SG_RECIPE_INIT;
            recipe.size = size;
            recipe.fit = fit;
            static float plain[96 * 96], warped[96 * 96];
            assert_int_equal(sg_recipe_sample(plain, &grey, &recipe, NULL, NULL), SG_OK);
            assert_int_equal(sg_recipe_sample(warped, &grey, &recipe, identity, NULL), SG_OK);
            for (int i = 0; i < size * size; i++)
                if (fabsf(plain[i] - warped[i]) > 2e-4f)
                    fail_msg("fit %d, size %d, pixel %d: %g and %g", fit, size, i, plain[i],
                            warped[i]);
        }
    sg_image_dispose(&grey);
}

static void masks_follow_the_image(void **state) {
    (void)state;
    enum { SIZE = 40 };
    sg_image mask = {0};
    assert_int_equal(sg_image_create(&mask, 80, 40, 1, NULL), SG_OK);
    for (int y = 10; y < 30; y++) memset(mask.pixels + y * 80 + 20, 255, 40);
    sg_recipe recipe = SG_RECIPE_INIT;
    recipe.size = SIZE;
    static float plane[SIZE * SIZE];
    static uint8_t bits[SIZE * SIZE];
    sg_rect whole = {0, 0, 80, 40};
    static const double turn[6] = {0.98, -0.2, 4, 0.2, 0.98, -4};
    assert_int_equal(sg_recipe_sample(plane, &mask, &recipe, turn, NULL), SG_OK);
    assert_int_equal(sg_recipe_sample_mask(bits, &mask, whole, &recipe, turn, NULL), SG_OK);
    int lit = 0;
    for (int i = 0; i < SIZE * SIZE; i++) {
        assert_true(bits[i] == 0 || bits[i] == 255);
        if (plane[i] > 0.99f) assert_int_equal(bits[i], 255);
        if (plane[i] < 0.01f) assert_int_equal(bits[i], 0);
        lit += bits[i] == 255;
    }
    assert_true(lit > 150 && lit < 250); /* a quarter of 80 x 40 at half scale: 200 */
    sg_rect outside = {70, 0, 20, 20};
    assert_int_equal(
            sg_recipe_sample_mask(bits, &mask, outside, &recipe, NULL, NULL), SG_ERR_USAGE);
    sg_image_dispose(&mask);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(json_goes_round),
            cmocka_unit_test(every_field_counts),
            cmocka_unit_test(wrong_json_is_refused),
            cmocka_unit_test(prepare_runs_the_steps),
            cmocka_unit_test(crop_is_done),
            cmocka_unit_test(finish_pads_and_standardises),
            cmocka_unit_test(identity_warp_is_the_resize),
            cmocka_unit_test(masks_follow_the_image),
    };
    return cmocka_run_group_tests_name("image recipe", tests, NULL, NULL);
}
