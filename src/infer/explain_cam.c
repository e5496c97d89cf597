/* explain_cam.c - the forward pass that serves prediction and maps, and the CAM family on top of
 * it. SPDX-License-Identifier: Apache-2.0 */
#include "infer/cam.h"
#include "infer/explain_internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static sg_status copy_logits(sg_explained_member *m, int member, size_t n, sg_error *err) {
    const float *logits = sg_plan_logits(m->cam);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(logits[i]))
            return sg_fail(err, SG_ERR_INPUT,
                    "model %d of %s gives NaN or infinity; its weights are of no use", member + 1,
                    m->graph->name);
    memcpy(m->logits, logits, n * sizeof *logits);
    return SG_OK;
}

/* Runs the plan whatever was known before. */
static sg_status run_forward(sg_explainer *e, int member, sg_error *err) {
    sg_explained_member *m = &e->members[member];
    sg_plan_request request = SG_PLAN_REQUEST_INIT;
    request.gradient = SG_GRADIENT_NODE;
    request.gradient_node = m->layer;
    request.taps = &m->layer;
    request.tap_count = 1;
    sg_status st = sg_explain_plan(&m->cam, e, member, request, e->views, err);
    if (st) return st;
    size_t floats = (size_t)e->views * sg_explain_floats(e);
    memcpy(sg_plan_input(m->cam), e->input, floats * sizeof *e->input);
    st = sg_plan_forward(m->cam, 0, 0, err);
    size_t logits = (size_t)e->views * (size_t)e->bundle->class_count;
    if (!st) st = copy_logits(m, member, logits, err);
    if (!st) m->state = SG_LOOK_FORWARD;
    return st;
}

sg_status sg_explain_forward(sg_explainer *e, int member, sg_error *err) {
    return e->members[member].state == SG_LOOK_NEW ? run_forward(e, member, err) : SG_OK;
}

static sg_status make_room(sg_explained_member *m, size_t n, sg_error *err) {
    if (!m->activations) m->activations = malloc(n * sizeof *m->activations);
    if (!m->gradients) m->gradients = malloc(n * sizeof *m->gradients);
    return m->activations && m->gradients
                   ? SG_OK
                   : sg_fail(err, SG_ERR_MEMORY, "out of memory for the gradients of a map");
}

/* Activations and gradients of the layer for this class, of all views. `n` of all of them. */
static sg_status run_backward(
        sg_explainer *e, int member, int class_index, size_t n, sg_error *err) {
    sg_explained_member *m = &e->members[member];
    if (m->cam_class == class_index) return SG_OK;
    sg_status st = m->state == SG_LOOK_FORWARD ? SG_OK : run_forward(e, member, err);
    if (!st) st = make_room(m, n, err);
    if (st) return st;
    float seed[SG_EXPLAIN_VIEWS * SG_PREDICTOR_MAX_CLASSES] = {0};
    for (int v = 0; v < e->views; v++) seed[v * e->bundle->class_count + class_index] = 1;
    const void *found;
    m->cam_class = -1;
    st = sg_plan_tap(&found, m->cam, m->layer, err);
    if (!st) memcpy(m->activations, found, n * sizeof *m->activations);
    m->state = SG_LOOK_SPENT;
    if (!st) st = sg_plan_backward(m->cam, seed, err);
    if (!st) st = sg_plan_node_gradient(&found, m->cam, err);
    if (st) return st;
    memcpy(m->gradients, found, n * sizeof *m->gradients);
    m->cam_class = class_index;
    return SG_OK;
}

sg_status sg_explain_cam(sg_plane *grid, sg_explainer *e, int member, int view,
        sg_explain_method method, int class_index, sg_error *err) {
    static const sg_cam cams[] = {
            [SG_EXPLAIN_GRAD_CAM] = SG_CAM_GRAD,
            [SG_EXPLAIN_GRAD_CAM_PP] = SG_CAM_GRAD_PP,
            [SG_EXPLAIN_LAYER_CAM] = SG_CAM_LAYER,
            [SG_EXPLAIN_HIRES_CAM] = SG_CAM_HIRES,
    };
    sg_explained_member *m = &e->members[member];
    sg_shape shape;
    sg_status st = sg_explain_shape(&shape, m->graph, m->layer, e->bundle->recipe.size, err);
    if (st) return st;
    size_t channels = (size_t)shape.dims[1], pixels = (size_t)(shape.dims[2] * shape.dims[3]);
    st = run_backward(e, member, class_index, (size_t)e->views * channels * pixels, err);
    if (!st) st = sg_plane_create(grid, (int)shape.dims[3], (int)shape.dims[2], err);
    if (st) return st;
    size_t at = (size_t)view * channels * pixels;
    sg_cam_combine(
            grid->values, cams[method], m->activations + at, m->gradients + at, channels, pixels);
    return SG_OK;
}
