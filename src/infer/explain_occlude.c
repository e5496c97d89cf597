/* explain_occlude.c - how far the logit falls while a square patch of mean grey hides a part of the
 * image; a pixel gets the mean over the patches that hide it. SPDX-License-Identifier: Apache-2.0
 */
#include "infer/explain_internal.h"
#include <stdlib.h>
#include <string.h>

/* Patches start at 0, stride, 2 stride...; the last ends at the edge. */
static int patches_along(int size, int patch, int stride) {
    return patch >= size ? 1 : (size - patch + stride - 1) / stride + 1;
}

static int patch_start(int i, int size, int patch, int stride) {
    int at = i * stride, last = size - patch;
    return at < last ? at : last > 0 ? last : 0;
}

typedef struct patches {
    int along, side, size, stride;
} patches;

static sg_rect patch_at(const patches *p, int number) {
    int side = p->side < p->size ? p->side : p->size;
    return (sg_rect){patch_start(number % p->along, p->size, p->side, p->stride),
            patch_start(number / p->along, p->size, p->side, p->stride), side, side};
}

static void hide(float *input, const sg_explainer *e, sg_rect box) {
    const sg_recipe *r = &e->bundle->recipe;
    size_t size = (size_t)r->size;
    for (int c = 0; c < r->channels; c++)
        for (int y = box.y; y < box.y + box.height; y++) {
            float *row = input + ((size_t)c * size + (size_t)y) * size;
            for (int x = box.x; x < box.x + box.width; x++) row[x] = e->mean[c];
        }
}

static void spread(sg_plane *grid, float *covers, sg_rect box, float fall) {
    for (int y = box.y; y < box.y + box.height; y++)
        for (int x = box.x; x < box.x + box.width; x++) {
            size_t i = (size_t)y * (size_t)grid->width + (size_t)x;
            grid->values[i] += fall;
            covers[i] += 1;
        }
}

static sg_status run_patches(sg_plane *grid, float *covers, sg_explainer *e, int member, int view,
        int class_index, sg_error *err) {
    const sg_explain_options *o = &e->options;
    sg_explained_member *m = &e->members[member];
    size_t floats = sg_explain_floats(e), k = (size_t)e->bundle->class_count;
    patches p = {.side = o->patch, .size = e->bundle->recipe.size, .stride = o->stride};
    p.along = patches_along(p.size, p.side, p.stride);
    float whole = m->logits[(size_t)view * k + (size_t)class_index];
    sg_status st = SG_OK;
    for (int first = 0; first < p.along * p.along && !st; first += o->batch) {
        int left = p.along * p.along - first, count = left < o->batch ? left : o->batch;
        for (int b = 0; b < count; b++) {
            float *input = (float *)sg_plan_input(m->plain) + (size_t)b * floats;
            memcpy(input, sg_explain_view(e, view), floats * sizeof *input);
            hide(input, e, patch_at(&p, first + b));
        }
        st = sg_plan_forward(m->plain, 0, 0, err);
        const float *logits = sg_plan_logits(m->plain);
        for (int b = 0; b < count && !st; b++)
            spread(grid, covers, patch_at(&p, first + b),
                    whole - logits[(size_t)b * k + (size_t)class_index]);
    }
    return st;
}

sg_status sg_explain_occlude(
        sg_plane *grid, sg_explainer *e, int member, int view, int class_index, sg_error *err) {
    int size = e->bundle->recipe.size;
    size_t n = (size_t)size * (size_t)size;
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    sg_status st = sg_explain_forward(e, member, err);
    if (!st)
        st = sg_explain_plan(&e->members[member].plain, e, member, request, e->options.batch, err);
    if (st) return st;
    float *covers = calloc(n, sizeof *covers);
    if (!covers) return sg_fail(err, SG_ERR_MEMORY, "out of memory for occlusion");
    st = sg_plane_create(grid, size, size, err);
    if (!st) st = run_patches(grid, covers, e, member, view, class_index, err);
    for (size_t i = 0; i < n && !st; i++) grid->values[i] /= covers[i] > 0 ? covers[i] : 1;
    if (st) sg_plane_dispose(grid);
    free(covers);
    return st;
}
