/* explain_curves.c - deletion and insertion (Petsiuk et al. 2018): the probability of a class while
 * pixels are hidden, or shown, in the order of a map. SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain_internal.h"
#include "infer/predict.h"
#include <stdlib.h>
#include <string.h>

typedef struct pixel {
    float value;
    uint32_t at; /* in the square */
} pixel;

static int falling(const void *a, const void *b) {
    const pixel *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return (x->at > y->at) - (x->at < y->at);
}

static int clamp(double at, int low, int count) {
    int i = (int)(at + 0.5);
    return i < low ? low : i >= low + count ? low + count - 1 : i;
}

/* The square's pixels that show the image, by the map's value where they come from. */
static sg_status order_pixels(
        pixel **out, size_t *count, const sg_explainer *e, const sg_plane *map, sg_error *err) {
    const sg_recipe *r = &e->bundle->recipe;
    double m[6];
    sg_fit_matrix(m, e->box.width, e->box.height, r->size, r->fit);
    size_t n = (size_t)e->seen.width * (size_t)e->seen.height, i = 0;
    pixel *order = malloc(n * sizeof *order);
    if (!order) return sg_fail(err, SG_ERR_MEMORY, "out of memory ordering pixels");
    for (int v = e->seen.y; v < e->seen.y + e->seen.height; v++)
        for (int u = e->seen.x; u < e->seen.x + e->seen.width; u++) {
            int x = clamp(m[0] * u + m[2] + e->box.x, e->box.x, e->box.width);
            int y = clamp(m[4] * v + m[5] + e->box.y, e->box.y, e->box.height);
            order[i++] = (pixel){map->values[(size_t)y * (size_t)map->width + (size_t)x],
                    (uint32_t)(v * r->size + u)};
        }
    qsort(order, n, sizeof *order, falling);
    *out = order;
    *count = n;
    return SG_OK;
}

/* The input with the first `taken` pixels hidden, or only they shown. */
static void compose(float *input, const sg_explainer *e, const pixel *order, size_t count,
        size_t taken, bool insertion) {
    const sg_recipe *r = &e->bundle->recipe;
    size_t plane = (size_t)r->size * (size_t)r->size;
    memcpy(input, e->input, sg_explain_floats(e) * sizeof *input);
    for (size_t i = insertion ? taken : 0; i < (insertion ? count : taken); i++)
        for (int c = 0; c < r->channels; c++) input[(size_t)c * plane + order[i].at] = e->mean[c];
}

/* Predictions of `n` composed inputs, number `first` on. */
typedef struct curve {
    const pixel *order;
    size_t count;
    int steps, class_index;
    bool insertion;
} curve;

static sg_status run_points(
        double *p, sg_explainer *e, const curve *c, int first, int n, sg_error *err) {
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    size_t floats = sg_explain_floats(e), k = (size_t)e->bundle->class_count;
    sg_status st = SG_OK;
    memset(p, 0, (size_t)n * sizeof *p);
    for (int i = 0; i < e->bundle->member_count && !st; i++) {
        sg_explained_member *m = &e->members[i];
        st = sg_explain_plan(&m->plain, e, i, request, e->options.batch, err);
        if (st) return st;
        for (int b = 0; b < n; b++)
            compose((float *)sg_plan_input(m->plain) + (size_t)b * floats, e, c->order, c->count,
                    c->count * (size_t)(first + b) / (size_t)c->steps, c->insertion);
        st = sg_plan_forward(m->plain, 0, 0, err);
        const float *logits = sg_plan_logits(m->plain);
        for (int b = 0; b < n && !st; b++) {
            sg_prediction one;
            sg_prediction_begin(&one, (int)k);
            sg_prediction_add(&one, logits + (size_t)b * k, &e->bundle->members[i]);
            p[b] += one.probability[c->class_index] / e->bundle->member_count;
        }
    }
    return st;
}

static sg_status run_curve(
        double *area, double *p, sg_explainer *e, const curve *c, sg_error *err) {
    sg_status st = SG_OK;
    int batch = e->options.batch;
    for (int first = 0; first <= c->steps && !st; first += batch) {
        int left = c->steps + 1 - first;
        st = run_points(p + first, e, c, first, left < batch ? left : batch, err);
    }
    *area = 0;
    for (int i = 0; i < c->steps && !st; i++) *area += 0.5 * (p[i] + p[i + 1]) / c->steps;
    return st;
}

sg_status sg_explainer_curves(sg_explain_curves *out, sg_explainer *e, const sg_plane *map,
        int class_index, sg_error *err) {
    if (!e->looking || map->width != e->width || map->height != e->height || class_index < 0 ||
            class_index >= e->bundle->class_count)
        return sg_fail(err, SG_ERR_USAGE, "curves need a map of the image in view and a class");
    pixel *order = NULL;
    curve c = {.steps = SG_EXPLAIN_CURVE_STEPS, .class_index = class_index};
    sg_status st = order_pixels(&order, &c.count, e, map, err);
    c.order = order;
    if (!st) st = run_curve(&out->deletion_area, out->deletion, e, &c, err);
    c.insertion = true;
    if (!st) st = run_curve(&out->insertion_area, out->insertion, e, &c, err);
    free(order);
    return st;
}
