/* test_assess.c - the reasons to abstain, each on its limit and just beyond.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/assess.h"
#include "support/check.h"
#include "support/toy_bundle.h"
#include <math.h>

enum { SIDE = 32, COUNT = 24 };

/* A predictor that has just seen `image`; its bundle's atlas holds that image's own features with
 * the first number moved, the more the later the row. */
typedef struct seen {
    toy_bundle toy;
    sg_predictor *predictor;
    sg_image image;
} seen;

static void seen_open(seen *s) {
    sg_error err = SG_ERROR_INIT;
    sg_prediction ignored;
    toy_bundle_make(&s->toy, "mobilenetv2", SIDE, 1);
    CHECK_OK(sg_image_create(&s->image, SIDE, SIDE, 1, &err));
    for (int i = 0; i < SIDE * SIDE; i++) s->image.pixels[i] = (uint8_t)(i * 37);
    CHECK_OK(sg_predictor_create(&s->predictor, &s->toy.bundle, NULL, &err));
    CHECK_OK(sg_predictor_keep_features(s->predictor, &err));
    CHECK_OK(sg_predictor_predict_images(s->predictor, &ignored, &s->image, 1, &err));
    size_t width = sg_predictor_feature_count(s->predictor, 0);
    CHECK_OK(sg_atlas_create(&s->toy.bundle.atlas, COUNT, &width, 1, &err));
    float *features = malloc(width * sizeof *features);
    assert_non_null(features);
    for (size_t i = 0; i < COUNT; i++) {
        memcpy(features, sg_predictor_features(s->predictor, 0, 0), width * sizeof *features);
        features[0] += 10 + (float)i;
        sg_atlas_set_features(s->toy.bundle.atlas, 0, i, features);
        s->toy.bundle.atlas->images[i].group = (uint32_t)i;
        s->toy.bundle.atlas->trained[i] = true;
    }
    free(features);
}

static void seen_close(seen *s) {
    (void)sg_predictor_detach(s->predictor);
    sg_atlas_destroy(s->toy.bundle.atlas);
    sg_image_dispose(&s->image);
    toy_bundle_dispose(&s->toy);
}

static void assess(sg_assessment *out, seen *s, double votes) {
    sg_error err = SG_ERROR_INIT;
    sg_prediction p = {.classes = 3, .top = 1, .votes = {1 - votes, votes, 0}};
    CHECK_OK(sg_assess(out, s->predictor, &s->image, &p, &err));
}

static void check_reasons(const sg_assessment *a, const char *expected) {
    sg_str s;
    sg_str_init(&s, 0);
    sg_assessment_put_reasons(&s, a);
    assert_string_equal(sg_str_text(&s), expected);
    assert_int_equal(sg_assessment_abstains(a), *expected != '\0');
    sg_str_dispose(&s);
}

static void test_distance(void **state) {
    (void)state;
    seen s = {0};
    sg_assessment a;
    seen_open(&s);
    assess(&a, &s, 1);
    double distance = a.nearest.distance;
    assert_true(a.has_atlas && distance > 0.01 && a.nearest.count == SG_NEIGHBOURS);
    static const struct {
        double share;
        bool outside;
    } cases[] = {{0.99, true}, {1, false}, {1.01, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        s.toy.bundle.atlas->limit = cases[i].share * distance;
        assess(&a, &s, 1);
        assert_true(a.limit == s.toy.bundle.atlas->limit);
        assert_int_equal(a.outside, cases[i].outside);
        check_reasons(&a, cases[i].outside ? "out of domain" : "");
    }
    s.toy.bundle.atlas->limit = NAN; /* nothing lies within a limit that is none */
    assess(&a, &s, 1);
    assert_true(a.outside);
    seen_close(&s);
}

static void test_agreement(void **state) {
    (void)state;
    seen s = {0};
    sg_assessment a;
    seen_open(&s);
    s.toy.bundle.atlas->limit = 2;
    static const struct {
        double votes;
        bool disagree;
    } cases[] = {{1, false}, {2.0 / 3, false}, {0.6, true}, {0.5, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assess(&a, &s, cases[i].votes);
        assert_true(a.agreement == cases[i].votes);
        assert_int_equal(a.disagree, cases[i].disagree);
        check_reasons(&a, cases[i].disagree ? "members disagree" : "");
    }
    assert_true(!a.has_quality && !a.verdict.poor); /* the bundle knows no limits */
    s.toy.bundle.atlas->limit = 0;
    assess(&a, &s, 0.5);
    check_reasons(&a, "out of domain; members disagree");
    a.verdict.poor = true;
    a.verdict.problem = "blurred";
    check_reasons(&a, "poor image (blurred); out of domain; members disagree");
    seen_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_distance),
            cmocka_unit_test(test_agreement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
