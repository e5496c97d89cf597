/* test_bundle.c - model files are opened as what they are, and refused where they lie or are not
 * finished. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/version.h"
#include "infer/bundle.h"
#include "sonograde/predictor.h"
#include "support/check.h"
#include "weights/safetensors.h"
#include <math.h>
#include <stdlib.h>

/* What a weights file says of itself; takes the reference of each part. */
static json_t *describe(int network_classes, const char *kind, json_t *classes) {
    sg_recipe recipe = SG_RECIPE_INIT;
    sg_model_options model = SG_MODEL_OPTIONS_INIT;
    model.classes = network_classes;
    recipe.size = 32;
    json_t *seen = json_pack("[[s,s],[s,s]]", "bb", "g2", "aa", "g1");
    json_t *training = json_pack("{s:i, s:{s:i}, s:i, s:n, s:f, s:b, s:o}", "images", 2,
            "class_counts", "benign", 2, "seed", 7, "fold", "initialisation", 0.5, "phantom", 0,
            "seen", seen);
    return json_pack("{s:i, s:s, s:{s:s, s:o}, s:o, s:o, s:o}", "schema", SG_SCHEMA_VERSION, "kind",
            kind, "model", "name", "mobilenetv2", "options", sg_model_options_to_json(&model),
            "recipe", sg_recipe_to_json(&recipe), "classes", classes, "training", training);
}

static json_t *three(void) {
    return json_pack("[s,s,s]", "benign", "malignant", "normal");
}

/* How the numbers of a file are: `value` at element `at` of parameter `param`, all of `dtype`. */
typedef struct numbers {
    int param;
    int64_t at;
    float value;
    sg_dtype dtype;
} numbers;

static void *convert(const float *from, int64_t count, sg_dtype dtype) {
    void *to = malloc((size_t)count * sg_dtype_size(dtype));
    assert_non_null(to);
    for (int64_t i = 0; i < count; i++)
        if (dtype == SG_F64)
            ((double *)to)[i] = from[i];
        else
            ((float *)to)[i] = from[i];
    return to;
}

/* Weights of a mobilenetv2 with three classes. Drops doc. */
static void write_numbers(const char *path, json_t *doc, numbers n) {
    sg_error err = SG_ERROR_INIT;
    sg_model_options options = SG_MODEL_OPTIONS_INIT;
    sg_graph *g;
    sg_params *params;
    CHECK_OK(sg_model_build(&g, "mobilenetv2", &options, &err));
    CHECK_OK(sg_params_create(&params, g, SG_F32, &err));
    CHECK_OK(sg_params_init(params, 1, &err));
    for (int i = 0; i < g->param_count; i++) /* else nothing of an image reaches the logits */
        for (int64_t k = 0; g->params[i].role == SG_PARAM_RUNNING_VAR &&
                            k < sg_shape_count(&g->params[i].shape);
                k++)
            sg_params_f32(params, i)[k] = 0.2f;
    sg_params_f32(params, n.param)[n.at] = n.value;
    sg_safetensors_item *items = calloc((size_t)g->param_count, sizeof *items);
    assert_non_null(items);
    for (int i = 0; i < g->param_count; i++)
        items[i] = (sg_safetensors_item){sg_strdupf("model.%s", g->params[i].name), n.dtype,
                g->params[i].shape,
                convert(sg_params_f32(params, i), sg_shape_count(&g->params[i].shape), n.dtype)};
    char *text = sg_json_line(doc);
    json_t *metadata = json_pack("{s:s}", "sonograde", text);
    CHECK_OK(sg_safetensors_write(path, items, (size_t)g->param_count, metadata, &err));
    for (int i = 0; i < g->param_count; i++) {
        free((char *)items[i].name);
        free((void *)items[i].data);
    }
    free(items);
    free(text);
    json_decref(metadata);
    json_decref(doc);
    sg_params_destroy(params);
    sg_graph_destroy(g);
}

static void write_model(const char *path, json_t *doc, float first) {
    write_numbers(path, doc, (numbers){0, 0, first, SG_F32});
}

static sg_status open_it(const char *path, sg_error *err) {
    sg_bundle *b;
    sg_status st = sg_bundle_open(&b, path, err);
    if (!st) sg_bundle_close(b);
    return st;
}

static void test_opens_and_writes(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_bundle *one, *two, *again;
    write_model("m.safetensors", describe(3, "weights", three()), 0.25f);
    CHECK_OK(sg_bundle_open(&one, "m.safetensors", &err));
    assert_int_equal(one->member_count, 1);
    assert_int_equal(one->class_count, 3);
    assert_string_equal(one->classes[1], "malignant");
    assert_int_equal(one->members[0].seed, 7);
    assert_true(sg_bundle_seen(one, "aa"));
    assert_false(sg_bundle_seen(one, "cc"));
    const char *const paths[] = {"m.safetensors", "m.safetensors"};
    CHECK_OK(sg_bundle_open_all(&two, paths, 2, &err));
    CHECK_OK(sg_bundle_write(two, "two.sgb", &err));
    CHECK_OK(sg_bundle_open(&again, "two.sgb", &err));
    assert_int_equal(again->member_count, 2);
    assert_string_equal(sg_bundle_sha256(again), sg_bundle_sha256(two));
    assert_true(sg_params_f32(again->members[1].params, 0)[0] == 0.25f);
    assert_true(sg_bundle_seen(again, "bb"));
    sg_bundle_close(one);
    sg_bundle_close(two);
    sg_bundle_close(again);
}

/* Buffers are sized by the class names and the recipe; the network must not have other sizes. */
static void test_contradictions(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    write_model("more.safetensors",
            describe(3, "weights", json_pack("[s,s,s,s]", "a", "b", "c", "d")), 0);
    CHECK_FAILS(open_it("more.safetensors", &err), SG_ERR_FORMAT, "4 class names");
    write_model("fewer.safetensors", describe(2, "weights", three()), 0);
    CHECK_FAILS(open_it("fewer.safetensors", &err), SG_ERR_FORMAT, "2 classes");
    json_t *mute = describe(3, "weights", three());
    json_object_del(mute, "training");
    write_model("mute.safetensors", mute, 0);
    CHECK_FAILS(open_it("mute.safetensors", &err), SG_ERR_FORMAT, "trained on");
    json_t *unknown = describe(3, "weights", three());
    json_object_set_new(json_object_get(unknown, "model"), "name", json_string("mobilenetv9"));
    write_model("unknown.safetensors", unknown, 0);
    CHECK_FAILS(open_it("unknown.safetensors", &err), SG_ERR_FORMAT, "mobilenetv9");
}

/* A seen image as model files list it; key NULL = the file's own. */
static json_t *seen_entry(const char *sha, const char *group, const char *key) {
    char pseudonym[SG_PSEUDONYM];
    sg_pseudonym(pseudonym, key ? key : "own key", group);
    return key ? json_pack("[s,s,s,s]", sha, pseudonym, "column:patient", key)
               : json_pack("[s,s]", sha, pseudonym);
}

/* Names of groups count only where both sides took them from the same column or pattern; the file
 * holds pseudonyms, those behind given weights under a key of their own. */
static void test_seen_groups(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_bundle *b;
    json_t *doc = describe(3, "weights", three());
    json_t *training = json_object_get(doc, "training");
    json_object_set_new(training, "grouping", json_string("column:patient"));
    json_object_set_new(training, "group_key", json_string("own key"));
    json_t *seen = json_array();
    json_array_append_new(seen, seen_entry("aa", "g1", NULL));
    json_array_append_new(seen, seen_entry("bb", "g2", NULL));
    json_array_append_new(seen, seen_entry("cc", "g7", "older key"));
    json_object_set_new(training, "seen", seen);
    write_model("named.safetensors", json_incref(doc), 0);
    CHECK_OK(sg_bundle_open(&b, "named.safetensors", &err));
    assert_true(sg_bundle_seen_group(b, "column:patient", "g2"));
    assert_true(sg_bundle_seen_group(b, "column:patient", "g7"));
    assert_false(sg_bundle_seen_group(b, "column:patient", "g3"));
    assert_false(sg_bundle_seen_group(b, "column:exam", "g2"));
    sg_bundle_close(b);
    json_object_set_new(training, "grouping", json_string("pixels"));
    write_model("pixels.safetensors", doc, 0);
    CHECK_OK(sg_bundle_open(&b, "pixels.safetensors", &err));
    assert_false(sg_bundle_seen_group(b, "pixels", "g2"));
    sg_bundle_close(b);
}

static void test_population(void **state) {
    (void)state;
    sg_str s;
    sg_str_init(&s, 0);
    json_t *training = json_pack(
            "{s:i, s:{s:i, s:i}}", "simulated", 0, "class_counts", "benign", 3, "malignant", 1);
    sg_bundle_put_population(&s, training);
    assert_string_equal(sg_str_text(&s), "4 images: benign 3 (75.0 %), malignant 1 (25.0 %)");
    json_object_set_new(training, "simulated", json_integer(1));
    sg_str_clear(&s);
    sg_bundle_put_population(&s, training);
    assert_string_equal(sg_str_text(&s),
            "4 images, 1 of them simulated: benign 3 (75.0 %), malignant 1 (25.0 %)");
    json_object_set_new(training, "simulated", json_integer(4));
    sg_str_clear(&s);
    sg_bundle_put_population(&s, training);
    assert_string_equal(
            sg_str_text(&s), "4 simulated images: benign 3 (75.0 %), malignant 1 (25.0 %)");
    json_decref(training);
    sg_str_dispose(&s);
}

/* The temperature of the file divides the logits before the softmax. */
static void test_temperature_is_applied(void **state) {
    (void)state;
    enum { SIDE = 24 };
    static uint8_t pixels[SIDE * SIDE];
    sg_error err = SG_ERROR_INIT;
    sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
    sg_predictor *predictor;
    sg_prediction p;
    json_t *doc = describe(3, "weights", three());
    json_object_set_new(doc, "calibration", json_pack("{s:f}", "temperature", 0.25));
    write_model("warm.safetensors", doc, 0);
    for (int i = 0; i < SIDE * SIDE; i++) pixels[i] = (uint8_t)(i * 37 % 251);
    options.threads = 1;
    CHECK_OK(sg_predictor_open(&predictor, "warm.safetensors", &options, &err));
    CHECK_OK(sg_predictor_predict_pixels(predictor, &p, pixels, SIDE, SIDE, 1, SIDE, &err));
    double sum = 0;
    for (int c = 0; c < 3; c++) sum += exp((p.logit[c] - p.logit[0]) / 0.25);
    for (int c = 0; c < 3; c++)
        assert_true(fabs(p.probability[c] - exp((p.logit[c] - p.logit[0]) / 0.25) / sum) < 1e-9);
    assert_true(fabs(p.logit[0] - p.logit[1]) > 1e-4); /* else any temperature would do */
    sg_predictor_close(predictor);
}

/* The second look is the mirror image: an image and its mirror get one answer with it, two without.
 */
static void test_second_look(void **state) {
    (void)state;
    enum { SIDE = 32 };
    static uint8_t pixels[2][SIDE * SIDE];
    sg_error err = SG_ERROR_INIT;
    sg_prediction p[2][2];
    write_model("looks.safetensors", describe(3, "weights", three()), 0);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            pixels[0][y * SIDE + x] = (uint8_t)(x < 12 ? 250 - 5 * y : 3 * x);
            pixels[1][y * SIDE + SIDE - 1 - x] = pixels[0][y * SIDE + x];
        }
    for (int twice = 0; twice < 2; twice++) {
        sg_predictor_options options = SG_PREDICTOR_OPTIONS_INIT;
        sg_predictor *predictor;
        options.threads = 1;
        options.flip_average = twice;
        CHECK_OK(sg_predictor_open(&predictor, "looks.safetensors", &options, &err));
        for (int i = 0; i < 2; i++)
            CHECK_OK(sg_predictor_predict_pixels(
                    predictor, &p[twice][i], pixels[i], SIDE, SIDE, 1, SIDE, &err));
        sg_predictor_close(predictor);
    }
    double apart = 0;
    for (int c = 0; c < 3; c++) {
        apart = fmax(apart, fabs(p[0][0].logit[c] - p[0][1].logit[c]));
        assert_true(fabs(p[1][0].logit[c] - p[1][1].logit[c]) < 1e-7);
        double mean = 0.5 * (p[0][0].logit[c] + p[0][1].logit[c]);
        assert_true(fabs(p[1][0].logit[c] - mean) < 1e-6);
    }
    assert_true(apart > 1e-5);
}

static void test_nan_is_refused(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    /* of the 864 numbers of the first convolution: the first, one amid, the last */
    const numbers bad[] = {{0, 0, NAN, SG_F32}, {0, 70, -INFINITY, SG_F32},
            {0, 863, INFINITY, SG_F32}, {0, 863, NAN, SG_F64}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_numbers("nan.safetensors", describe(3, "weights", three()), bad[i]);
        CHECK_FAILS(open_it("nan.safetensors", &err), SG_ERR_INPUT, "NaN");
    }
    write_numbers("variance.safetensors", describe(3, "weights", three()),
            (numbers){4, 31, -0.2f, SG_F32});
    CHECK_FAILS(open_it("variance.safetensors", &err), SG_ERR_INPUT, "negative variance");
}

/* Numbers that lie in the file and numbers that had to be converted are the same model. */
static void test_lent_and_owned_numbers(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    sg_bundle *lent, *owned;
    write_model("f32.safetensors", describe(3, "weights", three()), 0.25f);
    write_numbers(
            "f64.safetensors", describe(3, "weights", three()), (numbers){0, 0, 0.25f, SG_F64});
    CHECK_OK(sg_bundle_open(&lent, "f32.safetensors", &err));
    CHECK_OK(sg_bundle_open(&owned, "f64.safetensors", &err));
    const sg_params *ours = owned->members[0].params;
    assert_non_null(lent->members[0].params->lent);
    assert_null(ours->lent);
    char block[SG_SHA256_HEX];
    sg_sha256_hex(block, ours->data, ours->graph->elements * sizeof(float));
    assert_string_equal(sg_bundle_sha256(owned), block);
    assert_string_equal(sg_bundle_sha256(lent), block);
    /* over the file that the numbers lie in */
    CHECK_OK(sg_bundle_write(lent, "f32.safetensors", &err));
    sg_bundle_close(lent);
    CHECK_OK(sg_bundle_open(&lent, "f32.safetensors", &err));
    assert_string_equal(sg_bundle_sha256(lent), block);
    sg_bundle_close(lent);
    sg_bundle_close(owned);
}

/* Weights kept on the way to a chosen epoch are not the run's result. */
static void test_unfinished_runs(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    if (sg_path_exists("r")) CHECK_OK(sg_dir_remove("r", &err));
    CHECK_OK(sg_dir_make("r/fold1/weights", &err));
    CHECK_FAILS(open_it("r", &err), SG_ERR_INPUT, "train --resume r`");
    write_model("r/fold1/weights/best.safetensors", describe(3, "weights", three()), 0);
    json_t *doc = describe(3, "checkpoint", three());
    json_object_set_new(doc, "progress", json_pack("{s:b}", "finished", 0));
    write_model("r/fold1/weights/last.safetensors", json_incref(doc), 0);
    CHECK_FAILS(open_it("r", &err), SG_ERR_INPUT, "train --resume r`");
    json_object_set_new(doc, "progress", json_pack("{s:b}", "finished", 1));
    write_model("r/fold1/weights/last.safetensors", doc, 0);
    CHECK_OK(open_it("r", &err)); /* fold 0 was not asked for */
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_opens_and_writes),
            cmocka_unit_test(test_contradictions),
            cmocka_unit_test(test_seen_groups),
            cmocka_unit_test(test_population),
            cmocka_unit_test(test_temperature_is_applied),
            cmocka_unit_test(test_second_look),
            cmocka_unit_test(test_nan_is_refused),
            cmocka_unit_test(test_lent_and_owned_numbers),
            cmocka_unit_test(test_unfinished_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
