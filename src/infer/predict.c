/* predict.c - images through the members of a bundle to calibrated probabilities.
 * SPDX-License-Identifier: Apache-2.0 */
#include "infer/predict.h"
#include "base/file.h"
#include "image/codec.h"
#include "nn/loss.h"
#include "nn/plan.h"
#include "stats/calibrator.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 256 << 20 };

struct sg_predictor {
    sg_bundle *bundle;
    sg_predictor_options options;
    sg_backend *backend, *fallback;
    sg_plan **plans;  /* [member_count], made when a member is first asked */
    float *input;     /* [batch][channels][size][size]: kept while the members read it in turn */
    float *logits;    /* [batch][classes]: one member's, flips averaged */
    float **features; /* [member_count], each [batch][width], or NULL: not kept */
    size_t *widths;   /* [member_count] */
};

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory opening the predictor");
}

static size_t image_floats(const sg_recipe *r) {
    return (size_t)r->channels * (size_t)r->size * (size_t)r->size;
}

sg_status sg_predictor_create(
        sg_predictor **out, sg_bundle *bundle, const sg_predictor_options *options, sg_error *err) {
    static const sg_predictor_options usual = SG_PREDICTOR_OPTIONS_INIT;
    sg_predictor *p = calloc(1, sizeof *p);
    if (!p) {
        sg_bundle_close(bundle);
        return no_memory(err);
    }
    p->bundle = bundle;
    p->options = options ? *options : usual;
    if (p->options.batch < 1) p->options.batch = 1;
    size_t batch = (size_t)p->options.batch;
    sg_backend_options engine = SG_BACKEND_OPTIONS_INIT;
    engine.threads = p->options.threads;
    engine.deterministic = true;
    const char *name = p->options.backend ? p->options.backend : "onednn";
    sg_status st = sg_backend_create(&p->backend, name, &engine, err);
    if (!st) st = sg_backend_create(&p->fallback, "ref", &engine, err);
    p->plans = calloc((size_t)bundle->member_count, sizeof(*p->plans));
    p->input = calloc(batch * image_floats(&bundle->recipe), sizeof *p->input);
    p->logits = calloc(batch * (size_t)bundle->class_count, sizeof *p->logits);
    if (!st && (!p->plans || !p->input || !p->logits)) st = no_memory(err);
    if (!st && bundle->atlas) st = sg_predictor_keep_features(p, err);
    if (st)
        sg_predictor_close(p);
    else
        *out = p;
    return st;
}

sg_status sg_predictor_open(
        sg_predictor **out, const char *path, const sg_predictor_options *options, sg_error *err) {
    sg_bundle *bundle;
    sg_status st = sg_bundle_open(&bundle, path, err);
    return st ? st : sg_predictor_create(out, bundle, options, err);
}

sg_bundle *sg_predictor_detach(sg_predictor *p) {
    sg_bundle *bundle = p->bundle;
    for (int i = 0; i < bundle->member_count; i++) {
        if (p->plans) sg_plan_destroy(p->plans[i]);
        if (p->features) free(p->features[i]);
    }
    free(p->plans);
    free(p->features);
    free(p->widths);
    sg_backend_destroy(p->backend);
    sg_backend_destroy(p->fallback);
    free(p->input);
    free(p->logits);
    free(p);
    return bundle;
}

void sg_predictor_close(sg_predictor *p) {
    if (p) sg_bundle_close(sg_predictor_detach(p));
}

/* ---- penultimate features ---- */

static sg_node_id penultimate(const sg_graph *g) {
    return g->nodes[g->output].inputs[0];
}

sg_status sg_predictor_keep_features(sg_predictor *p, sg_error *err) {
    const sg_bundle *b = p->bundle;
    if (p->features) return SG_OK;
    p->features = calloc((size_t)b->member_count, sizeof(*p->features));
    p->widths = calloc((size_t)b->member_count, sizeof *p->widths);
    if (!p->features || !p->widths) return no_memory(err);
    for (int i = 0; i < b->member_count; i++) {
        const sg_graph *g = b->members[i].graph;
        sg_shape *shapes = calloc((size_t)g->node_count, sizeof *shapes);
        sg_status st = shapes ? sg_graph_shapes(shapes, g, 1, b->recipe.size, b->recipe.size, err)
                              : no_memory(err);
        if (!st) p->widths[i] = (size_t)sg_shape_count(&shapes[penultimate(g)]);
        free(shapes);
        if (st) return st;
        p->features[i] = calloc((size_t)p->options.batch * p->widths[i] + 1, sizeof(float));
        if (!p->features[i]) return no_memory(err);
    }
    return SG_OK;
}

const float *sg_predictor_features(const sg_predictor *p, int member, int slot) {
    return p->features ? p->features[member] + (size_t)slot * p->widths[member] : NULL;
}

size_t sg_predictor_feature_count(const sg_predictor *p, int member) {
    return p->widths ? p->widths[member] : 0;
}

static sg_status take_features(sg_predictor *p, int i, sg_plan *plan, int n, sg_error *err) {
    const void *found;
    if (!p->features) return SG_OK;
    sg_status st = sg_plan_tap(&found, plan, penultimate(p->bundle->members[i].graph), err);
    if (!st) memcpy(p->features[i], found, (size_t)n * p->widths[i] * sizeof(float));
    return st;
}

const sg_bundle *sg_predictor_bundle(const sg_predictor *p) {
    return p->bundle;
}

int sg_predictor_classes(const sg_predictor *p) {
    return p->bundle->class_count;
}

const char *sg_predictor_class(const sg_predictor *p, int index) {
    return index >= 0 && index < p->bundle->class_count ? p->bundle->classes[index] : "";
}

static bool computes_with_bytes(const sg_predictor *p, const sg_member *m) {
    return m->quantisation && p->backend->ops->quantises(p->backend);
}

const char *sg_predictor_numbers(const sg_predictor *p) {
    int bytes = 0;
    for (int i = 0; i < p->bundle->member_count; i++)
        bytes += computes_with_bytes(p, &p->bundle->members[i]);
    return bytes == 0 ? "float32" : bytes == p->bundle->member_count ? "int8" : "mixed";
}

static sg_status member_plan(sg_plan **out, sg_predictor *p, int i, sg_error *err) {
    if (!p->plans[i]) {
        sg_plan_request request = SG_PLAN_REQUEST_INIT;
        request.batch = p->options.batch;
        request.height = request.width = p->bundle->recipe.size;
        const sg_member *m = &p->bundle->members[i];
        if (computes_with_bytes(p, m)) request.quant = m->quantisation->of;
        sg_node_id tap = penultimate(m->graph);
        request.taps = &tap;
        request.tap_count = p->features ? 1 : 0;
        sg_status st = sg_plan_create(
                &p->plans[i], m->graph, m->params, &request, p->backend, p->fallback, err);
        if (st) return st;
    }
    *out = p->plans[i];
    return SG_OK;
}

static void mirror(float *dst, const float *src, size_t rows, size_t width) {
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < width; x++) dst[y * width + x] = src[y * width + width - 1 - x];
}

/* One member's logits of the batch in p->input, averaged over the flips that were asked for. */
static sg_status run_member(sg_predictor *p, int i, int n, sg_error *err) {
    sg_plan *plan;
    sg_status st = member_plan(&plan, p, i, err);
    size_t each = image_floats(&p->bundle->recipe), k = (size_t)p->bundle->class_count;
    size_t width = (size_t)p->bundle->recipe.size;
    int looks = p->options.flip_average ? 2 : 1;
    for (int look = 0; look < looks && !st; look++) {
        float *input = sg_plan_input(plan);
        if (look == 0)
            memcpy(input, p->input, (size_t)n * each * sizeof *input);
        else
            mirror(input, p->input, (size_t)n * each / width, width);
        st = sg_plan_forward(plan, 0, 0, err);
        if (!st && look == 0) st = take_features(p, i, plan, n, err);
        if (st) break;
        const float *found = sg_plan_logits(plan);
        for (size_t j = 0; j < (size_t)n * k; j++) {
            if (!isfinite(found[j]))
                return sg_fail(err, SG_ERR_INPUT,
                        "model %d of %s gives NaN or infinity; its weights are of no use", i + 1,
                        p->bundle->model);
            p->logits[j] = look == 0 ? found[j] : 0.5f * (p->logits[j] + found[j]);
        }
    }
    return st;
}

void sg_prediction_begin(sg_prediction *out, int classes) {
    memset(out, 0, sizeof *out);
    out->classes = classes;
    for (int c = 0; c < classes; c++) out->low[c] = 1.0;
}

void sg_prediction_add(sg_prediction *out, const float *logits, const sg_member *member) {
    double q[SG_PREDICTOR_MAX_CLASSES], wide[SG_PREDICTOR_MAX_CLASSES];
    for (int c = 0; c < out->classes; c++) wide[c] = logits[c];
    if (member->calibrator)
        sg_calibrator_apply(member->calibrator, q, wide, 1);
    else
        sg_softmax(q, logits, out->classes, member->temperature);
    int top = 0;
    for (int c = 1; c < out->classes; c++)
        if (q[c] > q[top]) top = c;
    out->votes[top]++;
    for (int c = 0; c < out->classes; c++) {
        out->probability[c] += q[c];
        out->logit[c] += logits[c];
        if (q[c] < out->low[c]) out->low[c] = q[c];
        if (q[c] > out->high[c]) out->high[c] = q[c];
    }
}

void sg_prediction_conclude(sg_prediction *out, int members) {
    out->top = 0;
    for (int c = 0; c < out->classes; c++) {
        out->probability[c] /= members;
        out->logit[c] /= members;
        out->votes[c] /= members;
        if (out->probability[c] > out->probability[out->top]) out->top = c;
    }
}

static sg_status run_batch(sg_predictor *p, sg_prediction *out, int n, sg_error *err) {
    int members = p->bundle->member_count, k = p->bundle->class_count;
    for (int j = 0; j < n; j++) sg_prediction_begin(&out[j], k);
    for (int i = 0; i < members; i++) {
        sg_status st = run_member(p, i, n, err);
        if (st) return st;
        for (int j = 0; j < n; j++)
            sg_prediction_add(&out[j], p->logits + (size_t)j * (size_t)k, &p->bundle->members[i]);
    }
    for (int j = 0; j < n; j++) sg_prediction_conclude(&out[j], members);
    return SG_OK;
}

static sg_status fill(sg_predictor *p, int slot, const sg_image *image, sg_error *err) {
    const sg_recipe *r = &p->bundle->recipe;
    sg_image prepared;
    sg_status st = sg_recipe_prepare(&prepared, NULL, image, r, err);
    if (st) return st;
    st = sg_recipe_finish(p->input + (size_t)slot * image_floats(r), &prepared, r, NULL, err);
    sg_image_dispose(&prepared);
    return st;
}

sg_status sg_predictor_predict_images(
        sg_predictor *p, sg_prediction *out, const sg_image *images, int n, sg_error *err) {
    for (int start = 0; start < n; start += p->options.batch) {
        int count = n - start < p->options.batch ? n - start : p->options.batch;
        sg_status st = SG_OK;
        for (int j = 0; j < count && !st; j++) st = fill(p, j, &images[start + j], err);
        if (!st) st = run_batch(p, out + start, count, err);
        if (st) return st;
    }
    return SG_OK;
}

/* `data phantom` leaves this table beside the class folders. */
static bool is_phantom_file(const char *path) {
    return sg_path_marked_above(path, "phantom-truth.csv");
}

sg_status sg_bundle_check_phantom(const sg_bundle *bundle, const char *path, sg_error *err) {
    if (!bundle->phantom || (path && is_phantom_file(path))) return SG_OK;
    return sg_fail(err, SG_ERR_INPUT,
            "this model was trained on simulated images (phantoms) and says nothing about %s; "
            "train on real images, or let `--allow-phantom-model` of predict, explain or read show "
            "what "
            "it answers anyway",
            path ? path : "other images");
}

sg_status sg_predictor_check_phantom(const sg_predictor *p, const char *path, sg_error *err) {
    return p->options.allow_phantom_model ? SG_OK : sg_bundle_check_phantom(p->bundle, path, err);
}

sg_status sg_predictor_predict_file_image(
        sg_predictor *p, sg_prediction *out, sg_image *image, const char *path, sg_error *err) {
    char *bytes;
    size_t size;
    sg_status st = sg_file_read(&bytes, &size, path, FILE_MAX, err);
    if (st) return st;
    sg_image decoded = {0};
    sg_prediction found;
    st = sg_predictor_check_phantom(p, path, err);
    if (!st) st = sg_image_decode(&decoded, NULL, bytes, size, path, NULL, err);
    if (!st) st = sg_predictor_predict_images(p, &found, &decoded, 1, err);
    if (!st) {
        sg_sha256_hex(found.sha256, bytes, size);
        found.seen = sg_bundle_seen(p->bundle, found.sha256);
        *out = found;
        *image = decoded;
    } else {
        sg_image_dispose(&decoded);
    }
    free(bytes);
    return st;
}

sg_status sg_predictor_predict_file(
        sg_predictor *p, sg_prediction *out, const char *path, sg_error *err) {
    sg_image image;
    sg_status st = sg_predictor_predict_file_image(p, out, &image, path, err);
    if (!st) sg_image_dispose(&image);
    return st;
}

sg_status sg_predictor_predict_pixels(sg_predictor *p, sg_prediction *out, const uint8_t *pixels,
        int width, int height, int channels, size_t stride, sg_error *err) {
    if (!pixels || width < 1 || height < 1 || (channels != 1 && channels != 3) ||
            stride < (size_t)width * (size_t)channels)
        return sg_fail(err, SG_ERR_USAGE,
                "pixels must be given with a width and height of at least 1, 1 or 3 channels, and "
                "a stride that covers a row");
    sg_image image;
    sg_prediction found;
    sg_status st = sg_predictor_check_phantom(p, NULL, err);
    if (!st) st = sg_image_create(&image, width, height, channels, err);
    if (st) return st;
    size_t row = (size_t)width * (size_t)channels;
    for (int y = 0; y < height; y++)
        memcpy(image.pixels + (size_t)y * row, pixels + (size_t)y * stride, row);
    st = sg_predictor_predict_images(p, &found, &image, 1, err);
    if (!st) *out = found;
    sg_image_dispose(&image);
    return st;
}
