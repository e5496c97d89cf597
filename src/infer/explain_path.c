/* explain_path.c - integrated gradients, averaged over noisy copies: the gradients of the input at
 * points between the image's mean grey and the image. SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "infer/explain_internal.h"
#include <stdlib.h>
#include <string.h>

typedef struct path {
    sg_explainer *e;
    sg_plan *plan;
    float *image, *start; /* [floats] both ends, noise included */
    double *sum;          /* [floats] of gradients along one path */
    float *seed;          /* [batch][classes] */
} path;

static bool inside(const sg_rect *r, int x, int y) {
    return x >= r->x && x < r->x + r->width && y >= r->y && y < r->y + r->height;
}

/* Both ends of copy `sample`. A mirrored view's image lies mirrored in the square. The noise is the
 * same for all channels: the image stays grey. */
static void set_ends(path *p, int view, int sample) {
    const sg_explainer *e = p->e;
    const sg_recipe *r = &e->bundle->recipe;
    size_t size = (size_t)r->size;
    sg_rect seen = e->seen;
    if (view == 1) seen.x = r->size - seen.x - seen.width;
    const float *input = sg_explain_view(e, view);
    sg_rng rng = sg_rng_make(e->options.seed, SG_RNG_EXPLAIN, (uint32_t)sample, (uint32_t)view);
    double sd = e->options.noise * e->range;
    for (int y = 0; y < r->size; y++)
        for (int x = 0; x < r->size; x++) {
            bool shown = inside(&seen, x, y);
            float noise = shown && sd > 0 ? (float)(sd * sg_rng_normal(&rng)) : 0;
            for (int c = 0; c < r->channels; c++) {
                size_t i = ((size_t)c * size + (size_t)y) * size + (size_t)x;
                p->image[i] = input[i] + noise;
                p->start[i] = shown ? e->mean[c] : input[i];
            }
        }
}

/* Gradients at the midpoints `first`.. of the path, `count` of them in one pass. */
static sg_status add_points(path *p, int first, int count, sg_error *err) {
    size_t floats = sg_explain_floats(p->e);
    float *input = sg_plan_input(p->plan);
    for (int b = 0; b < count; b++) {
        float at = (float)((first + b + 0.5) / p->e->options.steps);
        float *x = input + (size_t)b * floats;
        for (size_t i = 0; i < floats; i++) x[i] = p->start[i] + at * (p->image[i] - p->start[i]);
    }
    const void *found;
    sg_status st = sg_plan_forward(p->plan, 0, 0, err);
    if (!st) st = sg_plan_backward(p->plan, p->seed, err);
    if (!st) st = sg_plan_node_gradient(&found, p->plan, err);
    if (st) return st;
    const float *g = found;
    for (int b = 0; b < count; b++)
        for (size_t i = 0; i < floats; i++) p->sum[i] += g[(size_t)b * floats + i];
    return SG_OK;
}

/* Adds one path's attributions, summed over channels. */
static sg_status add_path(sg_plane *grid, path *p, int view, int sample, sg_error *err) {
    const sg_explain_options *o = &p->e->options;
    size_t floats = sg_explain_floats(p->e);
    size_t pixels = (size_t)grid->width * (size_t)grid->height;
    set_ends(p, view, sample);
    memset(p->sum, 0, floats * sizeof *p->sum);
    sg_status st = SG_OK;
    for (int first = 0; first < o->steps && !st; first += o->batch) {
        int left = o->steps - first;
        st = add_points(p, first, left < o->batch ? left : o->batch, err);
    }
    for (size_t i = 0; i < floats && !st; i++)
        grid->values[i % pixels] +=
                (float)((p->image[i] - p->start[i]) * p->sum[i] / (o->steps * (double)o->samples));
    return st;
}

sg_status sg_explain_integrate(
        sg_plane *grid, sg_explainer *e, int member, int view, int class_index, sg_error *err) {
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    request.gradient = SG_GRADIENT_INPUT;
    sg_explained_member *m = &e->members[member];
    sg_status st = sg_explain_plan(&m->path, e, member, request, e->options.batch, err);
    if (st) return st;
    size_t floats = sg_explain_floats(e), k = (size_t)e->bundle->class_count;
    size_t batch = (size_t)e->options.batch;
    path p = {.e = e,
            .plan = m->path,
            .image = malloc(floats * sizeof *p.image),
            .start = malloc(floats * sizeof *p.start),
            .sum = malloc(floats * sizeof *p.sum),
            .seed = calloc(batch * k, sizeof *p.seed)};
    if (!p.image || !p.start || !p.sum || !p.seed)
        st = sg_fail(err, SG_ERR_MEMORY, "out of memory for integrated gradients");
    for (size_t b = 0; b < batch && !st; b++) p.seed[b * k + (size_t)class_index] = 1;
    if (!st) st = sg_plane_create(grid, e->bundle->recipe.size, e->bundle->recipe.size, err);
    for (int s = 0; s < e->options.samples && !st; s++) st = add_path(grid, &p, view, s, err);
    if (st) sg_plane_dispose(grid);
    free(p.image);
    free(p.start);
    free(p.sum);
    free(p.seed);
    return st;
}
