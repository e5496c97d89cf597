/* explain_study.h - maps of many images, measured: one pass over the images with the trained
 * network, one per stage of the cascade with weights drawn anew, one with the network trained on
 * permuted labels. Wiring between infer, data and protocol; draws nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_EXPLAIN_STUDY_H
#define SG_CLI_EXPLAIN_STUDY_H

#include "cli/explain_items.h"
#include "infer/assess.h"
#include "infer/explain.h"
#include "infer/map_score.h"
#include "protocol/map_rows.h"

/* Numbers of maps in rows: the methods, then the middle of the image, then every method of the
 * untrained network. */
enum {
    SG_EXPLAIN_CENTRE = SG_EXPLAIN_METHODS,
    SG_EXPLAIN_UNTRAINED,
    SG_EXPLAIN_MAPS = SG_EXPLAIN_UNTRAINED + SG_EXPLAIN_METHODS,
    SG_EXPLAIN_STAGES_MAX = 16
};
enum { SG_EXPLAIN_OF_DECISION = -1, SG_EXPLAIN_OF_TRUTH = -2 };

typedef struct sg_explain_job {
    const sg_explain_items *items;
    const sg_bundle *bundle;
    sg_predictor *predictor; /* of the bundle: measures the distance from its training images */
    bool methods[SG_EXPLAIN_METHODS];
    int of_class; /* index, or one of the two above */
    double threshold;
    bool in_mm; /* every item has its pixel_mm, else distances are in pixels */
    uint64_t seed;
    bool scores, curves, marks, skip_bad;
    const sg_log *log;
    /* Called with each map of the trained network; may be NULL. */
    sg_status (*show)(void *user, size_t item, const sg_image *image, sg_explain_method method,
            const sg_plane *map, int class_index, sg_error *err);
    void *user;
} sg_explain_job;

typedef struct sg_explained_image {
    bool read; /* false: left out, unreadable */
    bool seen; /* in training */
    bool has_mask, lesion;
    sg_prediction prediction;
    sg_assessment assessment; /* how far the prediction can be trusted */
    int class_index;          /* that the maps are of */
    size_t marks;
    int painted_top;   /* class with the marks painted over; -1: no marks */
    double painted;    /* probability of the decided class then */
    double marks_area; /* share of the image under marks */
    float *samples;    /* [SG_EXPLAIN_METHODS][SG_MAP_SAMPLES] */
} sg_explained_image;

typedef struct sg_gate_profile { /* of one gate */
    char *name;
    size_t channels;
    double *sums; /* [classes][channels] over images by decided class */
} sg_gate_profile;

typedef struct sg_explain_study {
    sg_explained_image *images; /* [items->count] */
    size_t count;
    sg_map_row *rows;
    size_t row_count, row_capacity;
    /* mean rank correlation with the trained network's map; NaN: not run */
    double cascade[SG_EXPLAIN_METHODS][SG_EXPLAIN_STAGES_MAX]; /* [n]: n stages drawn anew */
    int stages;
    double permuted[SG_EXPLAIN_METHODS], others[SG_EXPLAIN_METHODS];
    /* means over the images with curves */
    double deletion[SG_EXPLAIN_MAPS][SG_EXPLAIN_CURVE_STEPS + 1];
    double insertion[SG_EXPLAIN_MAPS][SG_EXPLAIN_CURVE_STEPS + 1];
    size_t curve_images;
    sg_gate_profile *gates;
    size_t gate_count, *gate_images; /* [classes] */
} sg_explain_study;

/* Dispose of it also after a failure. */
SG_MUST_CHECK sg_status sg_explain_study_run(
        sg_explain_study *out, const sg_explain_job *job, sg_explainer *explainer, sg_error *err);
/* The untrained network as a baseline, and the cascade of Adebayo et al. 2018. Methods that need
 * many passes are asked for at its end only. The explainer is left without its training. */
SG_MUST_CHECK sg_status sg_explain_study_randomise(
        sg_explain_study *study, const sg_explain_job *job, sg_explainer *explainer, sg_error *err);
/* `explainer` is of a network trained on permuted labels. */
SG_MUST_CHECK sg_status sg_explain_study_permute(
        sg_explain_study *study, const sg_explain_job *job, sg_explainer *explainer, sg_error *err);
void sg_explain_study_dispose(sg_explain_study *study);

/* Above this mean correlation a method fails. */
#define SG_EXPLAIN_FAILS_ABOVE 0.5
bool sg_explain_study_fails(const sg_explain_study *study, sg_explain_method method);

#endif
