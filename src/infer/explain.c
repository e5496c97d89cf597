/* explain.c - the session: what it holds, the image in view, and how grids become a map of the
 * image. SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain_internal.h"
#include "infer/predict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the enum. */
static const struct {
    const char *name, *title;
} methods[SG_EXPLAIN_METHODS] = {
        {"grad-cam", "Grad-CAM"},
        {"grad-cam++", "Grad-CAM++"},
        {"layer-cam", "Layer-CAM"},
        {"hires-cam", "HiResCAM"},
        {"integrated-gradients", "Integrated gradients"},
        {"occlusion", "Occlusion"},
        {"se-gated", "SE-gated features"},
};

const char *sg_explain_name(sg_explain_method method) {
    return methods[method].name;
}

const char *sg_explain_title(sg_explain_method method) {
    return methods[method].title;
}

/* ---- the session ---- */

size_t sg_explain_floats(const sg_explainer *e) {
    const sg_recipe *r = &e->bundle->recipe;
    return (size_t)r->channels * (size_t)r->size * (size_t)r->size;
}

const float *sg_explain_view(const sg_explainer *e, int view) {
    return e->input + (size_t)view * sg_explain_floats(e);
}

sg_status sg_explain_shape(
        sg_shape *out, const sg_graph *graph, sg_node_id node, int size, sg_error *err) {
    sg_shape *shapes = calloc((size_t)graph->node_count, sizeof *shapes);
    if (!shapes) return sg_fail(err, SG_ERR_MEMORY, "out of memory measuring '%s'", graph->name);
    sg_status st = sg_graph_shapes(shapes, graph, 1, size, size, err);
    if (!st) *out = shapes[node];
    free(shapes);
    return st;
}

sg_status sg_explain_plan(sg_plan **plan, sg_explainer *e, int member, sg_plan_request request,
        int batch, sg_error *err) {
    if (*plan) return SG_OK;
    const sg_explained_member *m = &e->members[member];
    request.batch = batch;
    request.height = request.width = e->bundle->recipe.size;
    return sg_plan_create(plan, m->graph, m->params, &request, e->backend, e->fallback, err);
}

static sg_status check_options(const sg_explain_options *o, sg_error *err) {
    if (o->batch < 1 || o->steps < 1 || o->samples < 1 || !(o->noise >= 0) || o->stride < 1 ||
            o->stride > o->patch)
        return sg_fail(err, SG_ERR_USAGE,
                "batch, steps and samples must be at least 1, noise at least 0, and the stride of "
                "the occlusion patch between 1 and its side (%d)",
                o->patch);
    return SG_OK;
}

static sg_status find_layer(sg_explained_member *m, const sg_explainer *e, sg_error *err) {
    const sg_graph *g = m->graph;
    int size = e->bundle->recipe.size;
    m->layer = e->layer ? sg_graph_find(g, e->layer) : g->features;
    if (m->layer < 0)
        return sg_fail(err, SG_ERR_USAGE,
                "model '%s' has no node '%s'; sonograde models show lists its blocks", g->name,
                e->layer ? e->layer : "features");
    sg_shape shape;
    sg_status st = sg_explain_shape(&shape, g, m->layer, size, err);
    if (st) return st;
    if (shape.rank != 4 || shape.dims[2] * shape.dims[3] < 2)
        return sg_fail(err, SG_ERR_INPUT,
                "layer '%s' of '%s' has no extent at %d pixels: a map of one value localises "
                "nothing; name an earlier layer, or use a model of larger images",
                g->nodes[m->layer].name, g->name, size);
    return SG_OK;
}

static sg_status open_member(sg_explainer *e, int i, sg_error *err) {
    sg_explained_member *m = &e->members[i];
    m->graph = e->bundle->members[i].graph;
    m->params = e->bundle->members[i].params;
    m->gated = -1;
    m->cam_class = -1;
    for (int n = 0; n < m->graph->node_count; n++)
        if (m->graph->nodes[n].op == SG_OP_CHANNEL_SCALE) m->gated = n;
    sg_status st = find_layer(m, e, err);
    if (st) return st;
    m->logits = calloc((size_t)e->views * (size_t)e->bundle->class_count, sizeof *m->logits);
    return m->logits ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory opening an explainer");
}

static sg_status open_all(sg_explainer *e, sg_error *err) {
    sg_backend_options engine = SG_BACKEND_OPTIONS_INIT;
    engine.threads = e->options.threads;
    engine.deterministic = true;
    const char *name = e->options.backend ? e->options.backend : "onednn";
    e->input = calloc(SG_EXPLAIN_VIEWS * sg_explain_floats(e), sizeof *e->input);
    if (!e->input || (e->options.layer && !e->layer))
        return sg_fail(err, SG_ERR_MEMORY, "out of memory opening an explainer");
    sg_status st = sg_backend_create(&e->backend, name, &engine, err);
    if (!st) st = sg_backend_create(&e->fallback, "ref", &engine, err);
    for (int i = 0; i < e->bundle->member_count && !st; i++) st = open_member(e, i, err);
    return st;
}

sg_status sg_explainer_create(sg_explainer **out, const sg_bundle *bundle,
        const sg_explain_options *options, sg_error *err) {
    static const sg_explain_options usual = SG_EXPLAIN_OPTIONS_INIT;
    if (!options) options = &usual;
    sg_status st = check_options(options, err);
    if (st) return st;
    sg_explainer *e = calloc(1, sizeof *e);
    sg_explained_member *members = calloc((size_t)bundle->member_count, sizeof *members);
    if (!e || !members) {
        free(e);
        free(members);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory opening an explainer");
    }
    *e = (sg_explainer){.bundle = bundle,
            .options = *options,
            .layer = options->layer ? sg_strdup(options->layer) : NULL,
            .members = members,
            .views = options->flip_average ? SG_EXPLAIN_VIEWS : 1};
    st = open_all(e, err);
    if (st)
        sg_explainer_close(e);
    else
        *out = e;
    return st;
}

void sg_explain_drop_plans(sg_explained_member *m) {
    sg_plan **plans[] = {&m->cam, &m->path, &m->plain, &m->gates};
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        sg_plan_destroy(*plans[i]);
        *plans[i] = NULL;
    }
}

void sg_explainer_close(sg_explainer *e) {
    if (!e) return;
    for (int i = 0; i < e->bundle->member_count; i++) {
        sg_explained_member *m = &e->members[i];
        sg_explain_drop_plans(m);
        sg_params_destroy(m->own);
        free(m->activations);
        free(m->gradients);
        free(m->logits);
    }
    sg_backend_destroy(e->backend);
    sg_backend_destroy(e->fallback);
    free(e->members);
    free(e->layer);
    free(e->input);
    free(e);
}

sg_status sg_explainer_check(const sg_explainer *e, sg_explain_method method, sg_error *err) {
    for (int i = 0; method == SG_EXPLAIN_GATED && i < e->bundle->member_count; i++)
        if (e->members[i].gated < 0)
            return sg_fail(err, SG_ERR_INPUT,
                    "model '%s' has no squeeze-and-excitation gates, so there is no se-gated map; "
                    "choose another --method",
                    e->bundle->model);
    return SG_OK;
}

/* ---- the image in view ---- */

static void mirror(float *dst, const float *src, size_t rows, size_t width) {
    for (size_t y = 0; y < rows; y++)
        for (size_t x = 0; x < width; x++) dst[y * width + x] = src[y * width + width - 1 - x];
}

static void measure_input(sg_explainer *e) {
    const sg_recipe *r = &e->bundle->recipe;
    size_t size = (size_t)r->size;
    float low = INFINITY, high = -INFINITY;
    for (int c = 0; c < r->channels; c++) {
        const float *plane = e->input + (size_t)c * size * size;
        double sum = 0;
        for (int y = e->seen.y; y < e->seen.y + e->seen.height; y++)
            for (int x = e->seen.x; x < e->seen.x + e->seen.width; x++) {
                float v = plane[(size_t)y * size + (size_t)x];
                sum += v;
                low = v < low ? v : low;
                high = v > high ? v : high;
            }
        e->mean[c] = (float)(sum / ((double)e->seen.width * e->seen.height));
    }
    e->range = high - low;
}

sg_status sg_explainer_look(sg_explainer *e, const sg_image *image, sg_error *err) {
    const sg_recipe *r = &e->bundle->recipe;
    sg_image prepared;
    sg_rect box;
    sg_status st = sg_recipe_prepare(&prepared, &box, image, r, err);
    if (st) return st;
    st = sg_recipe_finish(e->input, &prepared, r, NULL, err);
    e->seen = sg_fit_place(prepared.width, prepared.height, r->size, r->fit).target;
    sg_image_dispose(&prepared);
    if (st) return st;
    e->looking = true;
    e->width = image->width;
    e->height = image->height;
    e->box = box;
    size_t width = (size_t)r->size, floats = sg_explain_floats(e);
    mirror(e->input + floats, e->input, floats / width, width);
    measure_input(e);
    for (int i = 0; i < e->bundle->member_count; i++) {
        e->members[i].state = SG_LOOK_NEW;
        e->members[i].cam_class = -1;
    }
    return SG_OK;
}

static sg_status check_looking(const sg_explainer *e, sg_error *err) {
    return e->looking ? SG_OK
                      : sg_fail(err, SG_ERR_USAGE, "the explainer was shown no image to explain");
}

sg_status sg_explainer_predict(sg_explainer *e, sg_prediction *out, sg_error *err) {
    int k = e->bundle->class_count;
    sg_prediction found;
    sg_status st = check_looking(e, err);
    sg_prediction_begin(&found, k);
    for (int i = 0; i < e->bundle->member_count && !st; i++) {
        float logits[SG_PREDICTOR_MAX_CLASSES];
        st = sg_explain_forward(e, i, err);
        for (int c = 0; c < k && !st; c++) {
            const float *of = e->members[i].logits + c;
            logits[c] = e->views == 1 ? of[0] : 0.5f * (of[0] + of[k]);
        }
        if (!st) sg_prediction_add(&found, logits, &e->bundle->members[i]);
    }
    if (st) return st;
    sg_prediction_conclude(&found, e->bundle->member_count);
    *out = found;
    return SG_OK;
}

/* ---- grids, and how they come into the image ---- */

/* The grid of the mirrored image belongs to the image turned back. */
static void turn_back(sg_plane *grid) {
    for (int y = 0; y < grid->height; y++) {
        float *row = grid->values + (size_t)y * (size_t)grid->width;
        for (int a = 0, b = grid->width - 1; a < b; a++, b--) {
            float kept = row[a];
            row[a] = row[b];
            row[b] = kept;
        }
    }
}

sg_status sg_explainer_grid(sg_plane *out, sg_explainer *e, int member, int view,
        sg_explain_method method, int class_index, sg_error *err) {
    sg_plane grid = {0};
    sg_status st = check_looking(e, err);
    if (!st) st = sg_explainer_check(e, method, err);
    if (!st && (class_index < 0 || class_index >= e->bundle->class_count || view < 0 ||
                       view >= e->views || member < 0 || member >= e->bundle->member_count))
        st = sg_fail(err, SG_ERR_USAGE, "there is no class %d, view %d or model %d to explain",
                class_index, view, member);
    if (st) return st;
    if (method == SG_EXPLAIN_INTEGRATED)
        st = sg_explain_integrate(&grid, e, member, view, class_index, err);
    else if (method == SG_EXPLAIN_OCCLUSION)
        st = sg_explain_occlude(&grid, e, member, view, class_index, err);
    else if (method == SG_EXPLAIN_GATED)
        st = sg_explain_gated(&grid, e, member, view, err);
    else
        st = sg_explain_cam(&grid, e, member, view, method, class_index, err);
    if (st) return st;
    if (view == 1) turn_back(&grid);
    *out = grid;
    return SG_OK;
}

typedef struct place { /* of one coordinate on one axis of the grid */
    int first;         /* its neighbours are first and first + 1; -1: the network did not see it */
    float share;       /* of the second */
} place;

/* Places of image coordinates 0..count-1: `offset` is where the crop box begins, the box then holds
 * `source` pixels from `begin`, and the square's coordinate u of its pixel p is (p - m2) / m0. */
static void lay(place *out, int count, int offset, int begin, int source, double m0, double m2,
        int size, int cells) {
    for (int i = 0; i < count; i++) {
        int p = i - offset;
        out[i] = (place){-1, 0};
        if (p < begin || p >= begin + source) continue;
        double at = ((p - m2) / m0 + 0.5) * cells / size - 0.5;
        at = at < 0 ? 0 : at > cells - 1 ? cells - 1 : at;
        int first = (int)at < cells - 1 ? (int)at : cells - 2;
        first = first < 0 ? 0 : first;
        out[i] = (place){first, (float)(at - first)};
    }
}

/* Adds the grid, brought into the image and divided by its largest value there. */
static sg_status add_grid(
        sg_plane *map, float *scratch, const sg_explainer *e, const sg_plane *grid, sg_error *err) {
    const sg_recipe *r = &e->bundle->recipe;
    size_t w = (size_t)map->width, h = (size_t)map->height, n = w * h;
    double m[6];
    sg_fit_boxes fit = sg_fit_place(e->box.width, e->box.height, r->size, r->fit);
    sg_fit_matrix(m, e->box.width, e->box.height, r->size, r->fit);
    place *across = calloc(w + h, sizeof *across);
    if (!across) return sg_fail(err, SG_ERR_MEMORY, "out of memory bringing a map into its image");
    place *down = across + w;
    lay(across, map->width, e->box.x, fit.source.x, fit.source.width, m[0], m[2], r->size,
            grid->width);
    lay(down, map->height, e->box.y, fit.source.y, fit.source.height, m[4], m[5], r->size,
            grid->height);
    float top = 0;
    size_t right = grid->width > 1, below = grid->height > 1 ? (size_t)grid->width : 0;
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) {
            float *v = &scratch[y * w + x];
            *v = 0;
            if (across[x].first < 0 || down[y].first < 0) continue;
            const float *g =
                    grid->values + (size_t)down[y].first * (size_t)grid->width + across[x].first;
            float upper = g[0] + across[x].share * (g[right] - g[0]);
            float lower = g[below] + across[x].share * (g[below + right] - g[below]);
            *v = upper + down[y].share * (lower - upper);
            top = *v > top ? *v : top;
        }
    for (size_t i = 0; i < n && top > 0; i++) map->values[i] += scratch[i] / top;
    free(across);
    return SG_OK;
}

static void keep_positive(sg_plane *grid) {
    size_t n = (size_t)grid->width * (size_t)grid->height;
    for (size_t i = 0; i < n; i++) grid->values[i] = grid->values[i] > 0 ? grid->values[i] : 0;
}

static void scale_to_one(sg_plane *map) {
    size_t n = (size_t)map->width * (size_t)map->height;
    float top = 0;
    for (size_t i = 0; i < n; i++) top = map->values[i] > top ? map->values[i] : top;
    for (size_t i = 0; i < n && top > 0; i++) map->values[i] /= top;
}

static sg_status decide(int *class_index, sg_explainer *e, sg_error *err) {
    if (*class_index >= 0) return SG_OK;
    sg_prediction p;
    sg_status st = sg_explainer_predict(e, &p, err);
    if (!st) *class_index = p.top;
    return st;
}

sg_status sg_explainer_map(
        sg_plane *out, sg_explainer *e, sg_explain_method method, int class_index, sg_error *err) {
    sg_plane map = {0};
    float *scratch = NULL;
    sg_status st = check_looking(e, err);
    if (!st) st = decide(&class_index, e, err);
    if (!st) st = sg_plane_create(&map, e->width, e->height, err);
    if (!st) {
        scratch = malloc((size_t)e->width * (size_t)e->height * sizeof *scratch);
        if (!scratch) st = sg_fail(err, SG_ERR_MEMORY, "out of memory for a map");
    }
    for (int i = 0; i < e->bundle->member_count * e->views && !st; i++) {
        sg_plane grid = {0};
        st = sg_explainer_grid(&grid, e, i / e->views, i % e->views, method, class_index, err);
        if (!st) keep_positive(&grid);
        if (!st) st = add_grid(&map, scratch, e, &grid, err);
        sg_plane_dispose(&grid);
    }
    free(scratch);
    if (st) {
        sg_plane_dispose(&map);
        return st;
    }
    scale_to_one(&map);
    *out = map;
    return SG_OK;
}
