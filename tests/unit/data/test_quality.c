/* test_quality.c - phantoms made poor in one way each are told apart from those that are not.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "data/phantom.h"
#include "image/blur.h"
#include "image/quality.h"
#include "support/check.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES = 60, SIDE = 128 };

static void make(sg_image *out, uint32_t index) {
    sg_error err = SG_ERROR_INIT;
    sg_phantom p;
    CHECK_OK(sg_phantom_make(&p, (sg_phantom_class)(index % 3), index / 3, 5, SIDE, &err));
    CHECK_OK(sg_image_clone(out, &p.image, &err));
    sg_phantom_dispose(&p);
}

static sg_quality measure(const sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    sg_quality q;
    CHECK_OK(sg_quality_measure(&q, image, &err));
    return q;
}

/* Limits of the first PICTURES phantoms, learned once. */
static const sg_quality_limits *limits(void) {
    static sg_quality_limits found;
    sg_error err = SG_ERROR_INIT;
    sg_quality all[PICTURES];
    for (uint32_t i = 0; i < PICTURES && !found.images; i++) {
        sg_image image;
        make(&image, i);
        all[i] = measure(&image);
        sg_image_dispose(&image);
    }
    if (!found.images) CHECK_OK(sg_quality_learn(&found, all, PICTURES, &err));
    return &found;
}

/* ---- ways to be poor ---- */

static void blur(sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    sg_plane plane, soft;
    CHECK_OK(sg_plane_from_image(&plane, image, &err));
    CHECK_OK(sg_blur_plane(&soft, &plane, 3.0, &err));
    sg_image_dispose(image);
    CHECK_OK(sg_image_from_plane(image, &soft, &err));
    sg_plane_dispose(&plane);
    sg_plane_dispose(&soft);
}

static void flatten(sg_image *image) {
    for (size_t i = 0; i < sg_image_size(image); i++)
        image->pixels[i] = (uint8_t)(90 + image->pixels[i] / 20);
}

static void brighten(sg_image *image) {
    for (size_t i = 0; i < sg_image_size(image); i++)
        image->pixels[i] = (uint8_t)(image->pixels[i] > 63 ? 255 : 4 * image->pixels[i]);
}

static void darken(sg_image *image) {
    for (size_t i = 0; i < sg_image_size(image); i++)
        image->pixels[i] = (uint8_t)(image->pixels[i] > 110 ? image->pixels[i] - 110 : 0);
}

static void black_columns(sg_image *image, int from, int to) {
    for (int y = 0; y < image->height; y++)
        for (int x = from; x < to; x++) image->pixels[y * image->width + x] = 3;
}

static void drop_lines(sg_image *image) {
    for (int x = 10; x < image->width - 10; x += 12) black_columns(image, x, x + 2);
}

static void lift(sg_image *image) {
    black_columns(image, 0, image->width / 3);
}

static void deepen(sg_image *image) {
    for (int y = image->height / 2; y < image->height; y++)
        for (int x = 0; x < image->width; x++) image->pixels[y * image->width + x] = 4;
}

static void test_each_way(void **state) {
    (void)state;
    static const struct {
        sg_quality_trait trait;
        void (*spoil)(sg_image *);
    } ways[] = {{SG_QUALITY_SHARPNESS, blur}, {SG_QUALITY_CONTRAST, flatten},
            {SG_QUALITY_DROPOUT, drop_lines}, {SG_QUALITY_CONTACT, lift},
            {SG_QUALITY_CLIPPING, brighten}, {SG_QUALITY_BLACK, darken},
            {SG_QUALITY_DEPTH, deepen}};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        for (uint32_t i = 0; i < 6; i++) {
            sg_image image;
            make(&image, PICTURES + i);
            sg_quality before = measure(&image);
            ways[w].spoil(&image);
            sg_quality after = measure(&image);
            sg_quality_verdict v = sg_quality_judge(&after, limits());
            sg_image_dispose(&image);
            double change = after.traits[ways[w].trait] - before.traits[ways[w].trait];
            assert_true(ways[w].trait <= SG_QUALITY_CONTRAST ? change < 0 : change > 0);
            if (!v.poor || v.score > 0)
                fail_msg("%s %u: score %g, worst %s (%g)", sg_quality_name(ways[w].trait),
                        (unsigned)i, v.score, sg_quality_name(v.worst),
                        after.traits[ways[w].trait]);
        }
    }
}

/* What is sharper than any training picture is noise; what is far smaller shows nothing. */
static void test_noise_and_specks(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const int sides[] = {1, 16, 60, SIDE};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        sg_image image;
        sg_rng rng = sg_rng_make(4, SG_RNG_TEST, (uint32_t)i, 0);
        CHECK_OK(sg_image_create(&image, sides[i], sides[i], 1, &err));
        for (size_t k = 0; k < sg_image_size(&image); k++)
            image.pixels[k] = (uint8_t)sg_rng_below(&rng, 256);
        sg_quality q = measure(&image);
        sg_quality_verdict v = sg_quality_judge(&q, limits());
        assert_true(v.poor && v.score == 0);
        assert_non_null(strstr(v.problem, sides[i] < 60 ? "too small" : "noise"));
        sg_image_dispose(&image);
    }
    sg_image image; /* an honest phantom of the wrong size */
    make(&image, PICTURES + 1);
    sg_quality q = measure(&image);
    assert_true(!sg_quality_judge(&q, limits()).poor);
    q.traits[SG_QUALITY_SIZE] = log2(SIDE / 2 - 1);
    assert_string_equal(sg_quality_judge(&q, limits()).problem, "too small");
    q.traits[SG_QUALITY_SIZE] = log2(4 * SIDE);
    assert_true(!sg_quality_judge(&q, limits()).poor);
    sg_image_dispose(&image);
}

static void test_good_pictures_pass(void **state) {
    (void)state;
    int poor = 0;
    for (uint32_t i = 0; i < 30; i++) {
        sg_image image;
        make(&image, PICTURES + 10 + i);
        sg_quality q = measure(&image);
        poor += sg_quality_judge(&q, limits()).poor;
        sg_image_dispose(&image);
    }
    assert_true(poor <= 1);
}

/* Two numbers by hand: a chequered picture, and a grey one. */
static void test_traits_by_hand(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_image image;
    CHECK_OK(sg_image_create(&image, 64, 64, 1, &err));
    for (int i = 0; i < 64 * 64; i++) image.pixels[i] = (uint8_t)((i / 64 + i) % 2 ? 255 : 55);
    sg_quality q = measure(&image);
    assert_true(fabs(q.traits[SG_QUALITY_CLIPPING] - 0.5) < 1e-12);
    assert_true(fabs(q.traits[SG_QUALITY_CONTRAST] - 200.0 / 255) < 1e-12);
    /* the Laplacian is 4 (255 - 55) or its negative: 800^2 over the variance 100^2 */
    assert_true(fabs(q.traits[SG_QUALITY_SHARPNESS] - log10((640000. + 1) / (10000. + 1))) < 1e-3);
    assert_true(q.traits[SG_QUALITY_BLACK] == 0 && q.traits[SG_QUALITY_DEPTH] == 0);
    sg_image_dispose(&image);
}

static void test_limits(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_quality some[100];
    sg_quality_limits l, again;
    for (int i = 0; i < 100; i++)
        for (int t = 0; t < SG_QUALITY_TRAITS; t++) some[i].traits[t] = i / 100.0;
    CHECK_FAILS(sg_quality_learn(&l, some, SG_QUALITY_FEWEST - 1, &err), SG_ERR_INPUT, "too few");
    CHECK_OK(sg_quality_learn(&l, some, 100, &err));
    /* quartiles 0.2475 and 0.7425: the far fence is 0.7425 + 3 * 0.495, or as far below */
    assert_true(fabs(l.limit[SG_QUALITY_BLACK] - 2.2275) < 1e-9);
    assert_true(fabs(l.limit[SG_QUALITY_CONTRAST] - (0.2475 - 1.485)) < 1e-9);
    for (int i = 0; i < 100; i++) some[i].traits[SG_QUALITY_CLIPPING] = i == 99 ? 0.5 : 0;
    CHECK_OK(sg_quality_learn(&l, some, 100, &err));
    assert_true(fabs(l.limit[SG_QUALITY_CLIPPING] - 0.2525) < 1e-9); /* between the last two */
    sg_quality at = {0};
    for (int t = 0; t < SG_QUALITY_TRAITS; t++) at.traits[t] = l.median[t];
    assert_true(sg_quality_judge(&at, &l).score == 1);
    at.traits[SG_QUALITY_CLIPPING] = 0.2;
    sg_quality_verdict v = sg_quality_judge(&at, &l);
    assert_true(!v.poor && v.worst == SG_QUALITY_CLIPPING);
    assert_true(fabs(v.score - (1 - 0.2 / 0.2525)) < 1e-9);
    json_t *section = sg_quality_limits_to_json(&l);
    CHECK_OK(sg_quality_limits_from_json(&again, section, &err));
    assert_memory_equal(&l, &again, sizeof l);
    json_t *sharp = json_object_get(json_object_get(section, "traits"), "sharpness");
    json_object_del(sharp, "noise"); /* as bundles were before */
    json_object_del(json_object_get(section, "traits"), "size");
    CHECK_OK(sg_quality_limits_from_json(&again, section, &err));
    assert_true(fabs(again.noise - (2 * l.median[0] - l.limit[0])) < 1e-12);
    assert_true(again.limit[SG_QUALITY_SIZE] == 5);
    json_object_set_new(sharp, "noise", json_real(l.median[0] - 1));
    CHECK_FAILS(sg_quality_limits_from_json(&again, section, &err), SG_ERR_FORMAT, "noise");
    json_object_del(sharp, "noise");
    json_object_set_new(sharp, "limit", json_real(5)); /* the good side */
    CHECK_FAILS(sg_quality_limits_from_json(&again, section, &err), SG_ERR_FORMAT, "sharpness");
    json_decref(section);
    CHECK_FAILS(sg_quality_limits_from_json(&again, NULL, &err), SG_ERR_FORMAT, "quality");
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_each_way),
            cmocka_unit_test(test_noise_and_specks),
            cmocka_unit_test(test_good_pictures_pass),
            cmocka_unit_test(test_traits_by_hand),
            cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
