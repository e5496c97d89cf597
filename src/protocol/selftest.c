/* selftest.c - see selftest.h. SPDX-License-Identifier: Apache-2.0 */
#include "protocol/selftest.h"
#include "base/file.h"
#include "data/phantom.h"
#include <math.h>
#include <string.h>

enum { VERSION = 1, SEED = 20260101 };

/* Benign, malignant and normal in turn. Digest over the pixels of all. */
static sg_status make_images(sg_image *images, char sha256[SG_SHA256_HEX], sg_error *err) {
    const void *parts[SG_SELFTEST_IMAGES];
    size_t sizes[SG_SELFTEST_IMAGES];
    for (int i = 0; i < SG_SELFTEST_IMAGES; i++) {
        sg_phantom p;
        sg_phantom_class c = (sg_phantom_class)(i % SG_PHANTOM_CLASSES);
        sg_status st = sg_phantom_make(
                &p, c, (uint32_t)(i / SG_PHANTOM_CLASSES), SEED, SG_SELFTEST_SIDE, err);
        if (!st) st = sg_image_clone(&images[i], &p.image, err);
        if (st) return st;
        sg_phantom_dispose(&p);
        parts[i] = images[i].pixels;
        sizes[i] = sg_image_size(&images[i]);
    }
    sg_sha256_parts(sha256, parts, sizes, SG_SELFTEST_IMAGES);
    return SG_OK;
}

static sg_status answer(sg_prediction found[SG_SELFTEST_IMAGES], char sha256[SG_SHA256_HEX],
        sg_predictor *predictor, sg_error *err) {
    sg_image images[SG_SELFTEST_IMAGES] = {0};
    sg_status st = make_images(images, sha256, err);
    if (!st) st = sg_predictor_predict_images(predictor, found, images, SG_SELFTEST_IMAGES, err);
    for (int i = 0; i < SG_SELFTEST_IMAGES; i++) sg_image_dispose(&images[i]);
    return st;
}

/* Answers with bytes differ from those in float32 by more than the tolerance: each has its own. */
static const char *key_of(const sg_predictor *predictor) {
    bool floats = strcmp(sg_predictor_numbers(predictor), "float32") == 0;
    return floats ? "probabilities" : "probabilities_int8";
}

sg_status sg_selftest_record(json_t **out, sg_predictor *predictor, sg_error *err) {
    sg_prediction found[SG_SELFTEST_IMAGES];
    char sha256[SG_SHA256_HEX];
    sg_status st = answer(found, sha256, predictor, err);
    if (st) return st;
    json_t *rows = json_array();
    for (int i = 0; i < SG_SELFTEST_IMAGES; i++) {
        json_t *row = json_array();
        for (int c = 0; c < found[i].classes; c++)
            json_array_append_new(row, json_real(found[i].probability[c]));
        json_array_append_new(rows, row);
    }
    *out = json_pack(
            "{s:i, s:s, s:o}", "version", VERSION, "pixels", sha256, key_of(predictor), rows);
    return *out ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory recording the self-test");
}

sg_status sg_selftest_attach(sg_bundle **bundle, sg_error *err) {
    sg_predictor *p = NULL;
    json_t *section = NULL;
    sg_bundle *own = *bundle;
    *bundle = NULL;
    sg_status st = sg_predictor_create(&p, own, NULL, err);
    if (!st) st = sg_selftest_record(&section, p, err);
    if (st) {
        sg_predictor_close(p);
        return st;
    }
    *bundle = sg_predictor_detach(p);
    json_decref((*bundle)->selftest);
    (*bundle)->selftest = section;
    return SG_OK;
}

static sg_status check_section(const json_t *section, const char *key, int classes, sg_error *err) {
    const json_t *rows = json_object_get(section, key);
    if (!section)
        return sg_fail(err, SG_ERR_INPUT,
                "the bundle carries no answers to compare with (it was made by an older version, "
                "or is none): make it again with `sonograde bundle`");
    if (json_integer_value(json_object_get(section, "version")) != VERSION)
        return sg_fail(err, SG_ERR_UNSUPPORTED,
                "the bundle's self-test is of another version; use the program that wrote it");
    if (!rows)
        return sg_fail(err, SG_ERR_INPUT,
                "the bundle carries no answers in the numbers that this machine computes with "
                "(%s): make it again here",
                strcmp(key, "probabilities") == 0 ? "float32" : "int8");
    bool whole = json_array_size(rows) == SG_SELFTEST_IMAGES;
    for (size_t i = 0; i < json_array_size(rows); i++)
        whole = whole && json_array_size(json_array_get(rows, i)) == (size_t)classes;
    return whole ? SG_OK : sg_fail(err, SG_ERR_FORMAT, "the bundle's self-test is damaged");
}

sg_status sg_selftest_run(sg_selftest *out, sg_predictor *predictor, sg_error *err) {
    const sg_bundle *b = sg_predictor_bundle(predictor);
    sg_prediction found[SG_SELFTEST_IMAGES];
    char sha256[SG_SHA256_HEX];
    const char *key = key_of(predictor);
    sg_status st = check_section(b->selftest, key, b->class_count, err);
    if (!st) st = answer(found, sha256, predictor, err);
    if (st) return st;
    const char *then = json_string_value(json_object_get(b->selftest, "pixels"));
    *out = (sg_selftest){.same_pixels = then && strcmp(then, sha256) == 0};
    for (int i = 0; i < SG_SELFTEST_IMAGES; i++) {
        const json_t *row = json_array_get(json_object_get(b->selftest, key), (size_t)i);
        for (int c = 0; c < b->class_count; c++) {
            double past = json_number_value(json_array_get(row, (size_t)c));
            out->difference[i] = fmax(out->difference[i], fabs(found[i].probability[c] - past));
        }
        out->changed += out->difference[i] > SG_SELFTEST_TOLERANCE;
        if (out->difference[i] > out->most) {
            out->most = out->difference[i];
            out->worst_image = i;
        }
    }
    out->passed = out->same_pixels && !out->changed;
    return SG_OK;
}
