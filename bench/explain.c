/* explain.c - what a Grad-CAM costs beside a prediction, both from pixels in the image's own size:
 * decode left out, preprocessing included.
 *
 *     make build/bench/explain && build/bench/explain MODEL.sgb IMAGE.png [ROUNDS]
 *
 * Rounds alternate between the two, so that other work on the machine falls on both; medians of
 * wall time. SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain.h"
#include "image/codec.h"
#include "infer/predict.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 200, THREADS = 2 };

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static int rising(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, int n) {
    qsort(times, (size_t)n, sizeof *times, rising);
    return times[n / 2];
}

static sg_status look(sg_explainer *e, const sg_image *image, sg_error *err) {
    sg_plane map;
    sg_status st = sg_explainer_look(e, image, err);
    if (!st) st = sg_explainer_map(&map, e, SG_EXPLAIN_GRAD_CAM, -1, err);
    if (!st) sg_plane_dispose(&map);
    return st;
}

static sg_status measure(
        sg_predictor *p, sg_explainer *e, const sg_image *image, int rounds, sg_error *err) {
    static double predicting[ROUNDS], explaining[ROUNDS];
    sg_prediction found;
    sg_status st = sg_predictor_predict_images(p, &found, image, 1, err); /* plans are made */
    if (!st) st = look(e, image, err);
    for (int i = 0; i < rounds && !st; i++) {
        double start = now_ms();
        st = sg_predictor_predict_images(p, &found, image, 1, err);
        double middle = now_ms();
        if (!st) st = look(e, image, err);
        predicting[i] = middle - start;
        explaining[i] = now_ms() - middle;
    }
    if (st) return st;
    double a = median(predicting, rounds), b = median(explaining, rounds);
    printf("%s, %d x %d: prediction %.1f ms, prediction and Grad-CAM %.1f ms, ratio %.2f\n",
            sg_predictor_bundle(p)->model, image->width, image->height, a, b, b / a);
    return SG_OK;
}

int main(int argc, char **argv) {
    sg_error err = SG_ERROR_INIT;
    sg_predictor *p = NULL;
    sg_explainer *e = NULL;
    sg_image image = {0};
    sg_predictor_options po = SG_PREDICTOR_OPTIONS_INIT;
    sg_explain_options eo = SG_EXPLAIN_OPTIONS_INIT;
    long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : ROUNDS;
    if (argc < 3 || rounds < 1 || rounds > ROUNDS) {
        fprintf(stderr, "usage: explain MODEL IMAGE [ROUNDS, at most %d]\n", ROUNDS);
        return 2;
    }
    po.threads = eo.threads = THREADS;
    po.allow_phantom_model = true;
    sg_status st = sg_predictor_open(&p, argv[1], &po, &err);
    if (!st) st = sg_explainer_create(&e, sg_predictor_bundle(p), &eo, &err);
    if (!st) st = sg_image_read(&image, NULL, argv[2], NULL, &err);
    if (!st) st = measure(p, e, &image, (int)rounds, &err);
    if (st) fprintf(stderr, "explain: %s\n", err.message);
    sg_image_dispose(&image);
    sg_explainer_close(e);
    sg_predictor_close(p);
    return st != SG_OK;
}
