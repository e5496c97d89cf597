/* test_registration.c - copies of phantoms are found among others, laid on their source where the
 * truth says, and told from another frame of the same lesion.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/affine.h"
#include "data/keypoint_index.h"
#include "data/phantom_scene.h"
#include "data/registration.h"
#include "support/check.h"
#include <math.h>
#include <stdlib.h>

enum { SIZE = 160 };

/* The lesion `index` in another moment: the same tissue, other scatterers. moment 0 is the phantom.
 */
static void make_frame(sg_phantom *out, uint32_t index, uint32_t moment) {
    const sg_phantom_class c = SG_PHANTOM_BENIGN;
    sg_scene scene = {0};
    sg_error err = SG_ERROR_INIT;
    *out = (sg_phantom){0};
    sg_rng anatomy = sg_phantom_rng(5, c, index, SG_PHANTOM_ANATOMY);
    sg_rng lesion = sg_phantom_rng(5, c, index, SG_PHANTOM_LESION);
    sg_rng speckle = sg_phantom_rng(5 + moment, c, index, SG_PHANTOM_SPECKLE);
    sg_rng scanner = sg_phantom_rng(5, c, index, SG_PHANTOM_SCANNER);
    CHECK_OK(sg_scene_create(&scene, SIZE, 2 * SIZE, &err));
    CHECK_OK(sg_anatomy_paint(&scene, 1.0f, &anatomy, &err));
    CHECK_OK(sg_lesion_paint(&scene, out, c, SIZE, &lesion, &err));
    CHECK_OK(sg_beam_form(&out->image, &scene, SIZE, &speckle, &scanner, &err));
    sg_scene_dispose(&scene);
}

static void find(sg_keypoints *out, const sg_image *image) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_keypoints_find(out, image, &err));
}

static void flip_image(sg_image *out, const sg_image *in, int flip) {
    assert_int_equal(sg_image_clone(out, in, NULL), SG_OK);
    for (int y = 0; y < in->height; y++)
        for (int x = 0; x < in->width; x++)
            out->pixels[y * in->width + x] =
                    in->pixels[((flip & 2) ? in->height - 1 - y : y) * in->width +
                               ((flip & 1) ? in->width - 1 - x : x)];
}

static void codes_turn_with_the_picture(void **state) {
    (void)state;
    sg_phantom p;
    make_frame(&p, 1, 0);
    for (int flip = 1; flip < SG_FLIPS; flip++) {
        sg_image flipped = {0};
        sg_keypoints a, b;
        flip_image(&flipped, &p.image, flip);
        find(&a, &p.image);
        find(&b, &flipped);
        assert_true(a.count > 50);
        int met = 0;
        for (int i = 0; i < a.count; i++) {
            float x = (flip & 1) ? (float)(a.work.width - 1) - a.points[i].x : a.points[i].x;
            float y = (flip & 2) ? (float)(a.work.height - 1) - a.points[i].y : a.points[i].y;
            for (int j = 0; j < b.count; j++) {
                if (fabsf(b.points[j].x - x) > 0.3f || fabsf(b.points[j].y - y) > 0.3f) continue;
                if (b.points[j].level != a.points[i].level) continue;
                int8_t code[SG_KEYPOINT_CODE];
                sg_keypoint_flip_code(code, a.points[i].code, flip);
                int apart = 0;
                for (int k = 0; k < SG_KEYPOINT_CODE; k++)
                    apart += abs(code[k] - b.points[j].code[k]);
                assert_true(apart < 4 * SG_KEYPOINT_CODE);
                met++;
            }
        }
        assert_true(met > a.count * 8 / 10);
        sg_keypoints_dispose(&a);
        sg_keypoints_dispose(&b);
        sg_image_dispose(&flipped);
    }
    sg_phantom_dispose(&p);
}

static void tiny_and_flat_pictures_have_none(void **state) {
    (void)state;
    const int sizes[][2] = {{1, 1}, {23, 200}, {24, 192}, {64, 64}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        sg_image image = {0};
        sg_keypoints none;
        assert_int_equal(sg_image_create(&image, sizes[k][0], sizes[k][1], 1, NULL), SG_OK);
        find(&none, &image);
        assert_int_equal(none.count, 0);
        sg_keypoints_dispose(&none);
        sg_image_dispose(&image);
    }
}

/* How far the found map is from the true one (pixel of the copy -> pixel of the source) at the
 * copy's corners, in pixels of the source. */
static double map_error(const double work[6], const sg_phantom_copy *truth, const sg_image *source,
        const sg_keypoints *a, const sg_keypoints *b) {
    double worst = 0;
    for (int corner = 0; corner < 4; corner++) {
        double x = (corner & 1) ? truth->width - 1 : 0, y = (corner & 2) ? truth->height - 1 : 0;
        double u = x, v = y;
        sg_affine_apply(&u, &v, truth->affine);
        x = (x + 0.5) * b->work.width / truth->width - 0.5;
        y = (y + 0.5) * b->work.height / truth->height - 0.5;
        sg_affine_apply(&x, &y, work);
        x = (x + 0.5) * source->width / a->work.width - 0.5;
        y = (y + 0.5) * source->height / a->work.height - 0.5;
        worst = fmax(worst, hypot(x - u, y - v));
    }
    return worst;
}

static void copies_lie_where_the_truth_says(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    for (uint32_t i = 0; i < 3; i++) {
        sg_phantom source, copy;
        sg_phantom_copy truth;
        sg_keypoints a, b;
        sg_registration r;
        make_frame(&source, i, 0);
        make_frame(&copy, i, 0);
        sg_rng rng = sg_phantom_rng(9, SG_PHANTOM_BENIGN, i, SG_PHANTOM_COPY);
        sg_phantom_copy_draw(&truth, SIZE, &rng);
        CHECK_OK(sg_phantom_copy_apply(&copy, &truth, &rng, &err));
        find(&a, &source.image);
        find(&b, &copy.image);
        CHECK_OK(sg_registration_find(&r, &a, &b, truth.flip, &err));
        CHECK_OK(sg_registration_score(&r, &a, &b, &err));
        assert_true(r.inliers > 30);
        assert_true(r.score > 0.95);
        assert_true(r.overlap > 0.7 && r.overlap <= 1);
        assert_true(map_error(r.affine, &truth, &source.image, &a, &b) < 1);
        /* The other way round it is the same pair. */
        CHECK_OK(sg_registration_find(&r, &b, &a, truth.flip, &err));
        CHECK_OK(sg_registration_score(&r, &b, &a, &err));
        assert_true(r.score > 0.95);
        /* Looked at in the wrong flip there is no map. */
        CHECK_OK(sg_registration_find(&r, &a, &b, !truth.flip, &err));
        assert_int_equal(r.inliers, 0);
        CHECK_OK(sg_registration_score(&r, &a, &b, &err));
        assert_true(r.score == 0 && r.blocks == 0);
        sg_keypoints_dispose(&a);
        sg_keypoints_dispose(&b);
        sg_phantom_dispose(&source);
        sg_phantom_dispose(&copy);
    }
}

static void another_frame_is_scored_lower(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    for (uint32_t i = 0; i < 3; i++) {
        sg_phantom first, second;
        sg_keypoints a, b;
        make_frame(&first, i, 0);
        make_frame(&second, i, 1);
        find(&a, &first.image);
        find(&b, &second.image);
        /* Laid on each other as they are: the tissue is in the same place. */
        sg_registration r = {.affine = {1, 0, 0, 0, 1, 0}, .inliers = 1};
        CHECK_OK(sg_registration_score(&r, &a, &b, &err));
        assert_true(r.blocks > 50);
        assert_true(r.score < SG_REGISTRATION_COPY);
        r = (sg_registration){.affine = {1, 0, 0, 0, 1, 0}, .inliers = 1};
        CHECK_OK(sg_registration_score(&r, &a, &a, &err));
        assert_true(r.score > 0.99);
        sg_keypoints_dispose(&a);
        sg_keypoints_dispose(&b);
        sg_phantom_dispose(&first);
        sg_phantom_dispose(&second);
    }
}

/* Random codes; picture 3k + 1 holds most of those of 3k, shaken and mirrored. */
static void index_finds_what_shares_codes(void **state) {
    (void)state;
    enum { N = 300, POINTS = 40 };
    sg_keypoints *pictures = calloc(N, sizeof *pictures);
    assert_non_null(pictures);
    sg_rng rng = sg_rng_make(2, SG_RNG_TEST, 0, 0);
    for (int i = 0; i < N; i++) {
        pictures[i].points = calloc(POINTS, sizeof *pictures[i].points);
        assert_non_null(pictures[i].points);
        pictures[i].count = POINTS;
        for (int p = 0; p < POINTS; p++) {
            sg_keypoint *point = &pictures[i].points[p];
            const sg_keypoint *like = i % 3 == 1 && p < 30 ? &pictures[i - 1].points[p] : NULL;
            if (like) sg_keypoint_flip_code(point->code, like->code, 1);
            for (int k = 0; k < SG_KEYPOINT_CODE; k++)
                point->code[k] = (int8_t)(like ? point->code[k] + 3 * sg_rng_normal(&rng)
                                               : 30 * sg_rng_normal(&rng));
            point->bright = like ? like->bright : (int8_t)(p % 2);
        }
    }
    sg_candidate *found, *again;
    size_t count, count_again;
    sg_pool *pool;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_pool_create(&pool, 2, &err));
    CHECK_OK(sg_candidates_find(&found, &count, pictures, N, 2, 3, NULL, &err));
    CHECK_OK(sg_candidates_find(&again, &count_again, pictures, N, 2, 3, pool, &err));
    assert_int_equal(count, count_again);
    for (size_t i = 0; i < count; i++)
        assert_true(found[i].a == again[i].a && found[i].b == again[i].b &&
                    found[i].flip == again[i].flip && found[i].votes == again[i].votes);
    int planted = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(found[i].a < found[i].b && found[i].votes >= 3);
        planted += found[i].a % 3 == 0 && found[i].b == found[i].a + 1 && found[i].flip == 1;
    }
    assert_int_equal(planted, N / 3);
    sg_pool_destroy(pool);
    free(found);
    free(again);
    for (int i = 0; i < N; i++) free(pictures[i].points);
    free(pictures);
}

static void nothing_to_search(void **state) {
    (void)state;
    sg_candidate *found;
    size_t count;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_candidates_find(&found, &count, NULL, 0, 8, 3, NULL, &err));
    assert_int_equal(count, 0);
    free(found);
    sg_keypoints empty[2] = {0};
    CHECK_OK(sg_candidates_find(&found, &count, empty, 2, 8, 3, NULL, &err));
    assert_int_equal(count, 0);
    free(found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(codes_turn_with_the_picture),
            cmocka_unit_test(tiny_and_flat_pictures_have_none),
            cmocka_unit_test(copies_lie_where_the_truth_says),
            cmocka_unit_test(another_frame_is_scored_lower),
            cmocka_unit_test(index_finds_what_shares_codes),
            cmocka_unit_test(nothing_to_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
