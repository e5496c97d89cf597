/* explain_internal.h - what the files of the explainer share: the session, and one function per
 * family of methods. explain.c keeps the session and brings grids into the image; explain_cam.c has
 * prediction and CAMs; explain_path.c integrated gradients; explain_occlude.c occlusion;
 * explain_gates.c what squeeze-and-excitation gates say;
 * explain_curves.c deletion and insertion; explain_random.c weights drawn anew.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_EXPLAIN_INTERNAL_H
#define SG_INFER_EXPLAIN_INTERNAL_H

#include "infer/explain.h"
#include "nn/plan.h"

enum { SG_EXPLAIN_VIEWS = 2 };

/* How far a member is with the image in view. */
typedef enum sg_look_state {
    SG_LOOK_NEW,     /* nothing computed */
    SG_LOOK_FORWARD, /* the plan holds its forward pass; logits are kept */
    SG_LOOK_SPENT    /* a backward pass went over the plan's memory; logits are still kept */
} sg_look_state;

typedef struct sg_explained_member {
    const sg_graph *graph;
    sg_params *params; /* the bundle's, or `own` */
    sg_params *own;    /* drawn anew in part; NULL: not */
    sg_node_id layer;
    sg_node_id gated;                    /* last channel scale, or -1 */
    sg_plan *cam, *path, *plain, *gates; /* made when first needed */
    sg_look_state state;
    int cam_class;                  /* whose gradients are kept; -1: none */
    float *activations, *gradients; /* [views][channels][grid] */
    float *logits;                  /* [views][classes] */
} sg_explained_member;

struct sg_explainer {
    const sg_bundle *bundle;
    sg_explain_options options;
    char *layer; /* options.layer, copied */
    sg_backend *backend, *fallback;
    sg_explained_member *members; /* [bundle->member_count] */
    int views;                    /* 1, or 2 with flip_average */
    /* the image in view */
    bool looking;
    int width, height;
    sg_rect box;   /* the part that the recipe keeps */
    float *input;  /* [SG_EXPLAIN_VIEWS][channels][size][size] */
    sg_rect seen;  /* where the image lies in the square */
    float mean[3]; /* of the input there, per channel: "no information" */
    float range;   /* of the input there, largest less smallest, over all channels */
};

size_t sg_explain_floats(const sg_explainer *e); /* of one input */
const float *sg_explain_view(const sg_explainer *e, int view);
/* Height and width of a node's output for this model's images. */
SG_MUST_CHECK sg_status sg_explain_shape(
        sg_shape *out, const sg_graph *graph, sg_node_id node, int size, sg_error *err);
/* Makes *plan unless it is there; sizes and batch of the request are filled in. */
SG_MUST_CHECK sg_status sg_explain_plan(sg_plan **plan, sg_explainer *e, int member,
        sg_plan_request request, int batch, sg_error *err);

void sg_explain_drop_plans(sg_explained_member *member);

/* Brings the member's logits, and its gradients for a class, up to date. */
SG_MUST_CHECK sg_status sg_explain_forward(sg_explainer *e, int member, sg_error *err);
/* grid: a new plane; the methods of each family. */
SG_MUST_CHECK sg_status sg_explain_cam(sg_plane *grid, sg_explainer *e, int member, int view,
        sg_explain_method method, int class_index, sg_error *err);
SG_MUST_CHECK sg_status sg_explain_integrate(
        sg_plane *grid, sg_explainer *e, int member, int view, int class_index, sg_error *err);
SG_MUST_CHECK sg_status sg_explain_occlude(
        sg_plane *grid, sg_explainer *e, int member, int view, int class_index, sg_error *err);
SG_MUST_CHECK sg_status sg_explain_gated(
        sg_plane *grid, sg_explainer *e, int member, int view, sg_error *err);

#endif
