/* explain.h - where a model looked: a session over a bundle that gives, for an image, a method and
 * a class, a map in the image's own coordinates. Members and mirrored views are averaged there.
 *
 *     sg_explainer *e;
 *     sg_explainer_create(&e, bundle, NULL, err);
 *     sg_explainer_look(e, &image, err);                 // what the next calls are about
 *     sg_explainer_predict(e, &prediction, err);         // what the bundle says of it
 *     sg_explainer_map(&map, e, SG_EXPLAIN_GRAD_CAM, -1, err);
 *
 * All maps show evidence for a class's logit: 0 where there is none, 1 at the strongest place (0
 * everywhere when there is none at all). Why it is built this way: docs/internals/explain.md.
 * A session is used by one thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_EXPLAIN_H
#define SG_INFER_EXPLAIN_H

#include "image/image.h"
#include "infer/bundle.h"
#include "sonograde/predictor.h"

typedef enum sg_explain_method {
    SG_EXPLAIN_GRAD_CAM, /* these four: cam.h */
    SG_EXPLAIN_GRAD_CAM_PP,
    SG_EXPLAIN_LAYER_CAM,
    SG_EXPLAIN_HIRES_CAM,
    /* Integrated gradients (Sundararajan et al. 2017) from the image's mean grey, midpoints of
     * `steps` parts, averaged over `samples` noisy copies (SmoothGrad, Smilkov et al. 2017). */
    SG_EXPLAIN_INTEGRATED,
    SG_EXPLAIN_OCCLUSION, /* fall of the logit under a patch of mean grey (Zeiler, Fergus 2014) */
    /* sum_c |gate_c A_c| behind the last squeeze-and-excitation gate. Gates have no extent: they
     * weight the channels of a map that is there without them. Knows no class. */
    SG_EXPLAIN_GATED,
    SG_EXPLAIN_METHODS
} sg_explain_method;

/* Names as on the command line, "a|b|c", in the order of the enum. */
#define SG_EXPLAIN_NAMES                                                                           \
    "grad-cam|grad-cam++|layer-cam|hires-cam|integrated-gradients|occlusion|se-gated"

typedef struct sg_explain_options {
    int threads;         /* 0 = all */
    const char *backend; /* NULL = "onednn" */
    bool flip_average;   /* average with the map of the mirrored image, turned back */
    const char *layer;   /* node of the CAMs; NULL = the model's last spatial map */
    int batch;           /* images per pass of the methods that need many, >= 1 */
    int steps, samples;  /* integrated gradients, >= 1 */
    double noise;        /* standard deviation as a share of the image's range; 0: none */
    uint64_t seed;       /* of the noise */
    int patch, stride;   /* occlusion, pixels of the network's square; 1 <= stride <= patch */
} sg_explain_options;
#define SG_EXPLAIN_OPTIONS_INIT                                                                    \
    { 0, NULL, false, NULL, 8, 16, 4, 0.1, 0, 32, 16 }

typedef struct sg_explainer sg_explainer;

/* "grad-cam"; and what a page calls it, "Grad-CAM". */
const char *sg_explain_name(sg_explain_method method);
const char *sg_explain_title(sg_explain_method method);

/* bundle is borrowed and must outlive the session; options NULL = defaults.
 * Expected failures: SG_ERR_USAGE (no node `layer`, an option out of range), SG_ERR_INPUT (the
 * layer has no extent at the model's image size: nothing can be localised). */
SG_MUST_CHECK sg_status sg_explainer_create(sg_explainer **out, const sg_bundle *bundle,
        const sg_explain_options *options, sg_error *err);
void sg_explainer_close(sg_explainer *explainer); /* NULL-safe */

/* SG_ERR_INPUT when this model cannot give such a map (no SE gates). */
SG_MUST_CHECK sg_status sg_explainer_check(
        const sg_explainer *explainer, sg_explain_method method, sg_error *err);

/* Takes what it needs of the image (grey or RGB, any size); nothing is computed yet. */
SG_MUST_CHECK sg_status sg_explainer_look(
        sg_explainer *explainer, const sg_image *image, sg_error *err);
/* What a predictor with the same options says, up to rounding; `seen` and `sha256` are left empty.
 */
SG_MUST_CHECK sg_status sg_explainer_predict(
        sg_explainer *explainer, sg_prediction *out, sg_error *err);
/* *out: new plane of the image's size, 0..1. class_index -1: the class that the bundle decides on.
 */
SG_MUST_CHECK sg_status sg_explainer_map(sg_plane *out, sg_explainer *explainer,
        sg_explain_method method, int class_index, sg_error *err);

/* One member's map of one view (0 plain, 1 mirrored and turned back) as the method gives it: on the
 * layer's grid or the network's square, not scaled, and signed for integrated gradients and
 * occlusion. class_index >= 0. */
SG_MUST_CHECK sg_status sg_explainer_grid(sg_plane *out, sg_explainer *explainer, int member,
        int view, sg_explain_method method, int class_index, sg_error *err);

enum { SG_EXPLAIN_CURVE_STEPS = 20 };
/* Deletion and insertion (Petsiuk et al. 2018): the calibrated probability of a class with 0, 1/20
 * ... 20/20 of the network's pixels hidden in mean grey, or only they shown on mean grey, the
 * highest of the map first; members averaged, the plain view only. Areas by trapezoids: a map that
 * finds what counts has a small one under deletion and a large one under insertion. */
typedef struct sg_explain_curves {
    double deletion[SG_EXPLAIN_CURVE_STEPS + 1], insertion[SG_EXPLAIN_CURVE_STEPS + 1];
    double deletion_area, insertion_area;
} sg_explain_curves;
/* map: of the image in view, any values; class_index >= 0. */
SG_MUST_CHECK sg_status sg_explainer_curves(sg_explain_curves *out, sg_explainer *explainer,
        const sg_plane *map, int class_index, sg_error *err);

/* Calls visit for every squeeze-and-excitation gate of the image in view, number 0 next to the
 * image, with its values per channel, once per member and view. SG_ERR_INPUT without gates. */
SG_MUST_CHECK sg_status sg_explainer_gates(sg_explainer *explainer,
        void (*visit)(
                void *user, int number, const char *name, const float *gates, size_t channels),
        void *user, sg_error *err);

/* Stages of the model, 0 next to the image, as layer-wise rates count them. */
int sg_explainer_stages(const sg_explainer *explainer);
/* Weights and statistics of the stages from `from_stage` on are drawn anew (Adebayo et al. 2018; 0:
 * the whole network, untrained), those below are the bundle's, which itself stays as it is. The
 * image stays in view. */
SG_MUST_CHECK sg_status sg_explainer_randomise(
        sg_explainer *explainer, int from_stage, uint64_t seed, sg_error *err);

#endif
