/* map_score.h - one heat map against one lesion: where its peak is, how much of it is inside, how
 * well it outlines. Plain arrays; no model.
 *
 * The peak is one pixel: of several equally high ones the nearest to their centre. A map that is 0
 * everywhere points nowhere: it scores 0, has no peak distance, and its AUPRC is chance (the
 * lesion's share of the pixels). SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_INFER_MAP_SCORE_H
#define SG_INFER_MAP_SCORE_H

#include "image/image.h"
#include <stdbool.h>

typedef struct sg_map_score {
    double pointing;  /* 1: the peak lies in the lesion; 0 (Zhang et al. 2018, no margin) */
    double energy;    /* share of the map's sum inside (Wang et al. 2020) */
    double iou_best;  /* intersection over union of {map >= t} at the best t > 0 */
    double iou_fixed; /* the same at the fixed threshold */
    double auprc;     /* average precision of pixels, equal values together */
    double distance;  /* pixels from the peak to the nearest lesion pixel, 0 inside; NaN: flat */
    double best_at;   /* that threshold, 0..1 */
    double area;      /* the lesion's share of the pixels: what chance gets of energy and AUPRC */
    double centre_x, centre_y; /* the peak, pixels */
    bool flat;                 /* no evidence anywhere */
} sg_map_score;

/* map: values 0..1; mask[height * width] of the map's size, not 0 = lesion, at least one pixel
 * (else SG_ERR_INPUT). */
SG_MUST_CHECK sg_status sg_map_score_measure(sg_map_score *out, const sg_plane *map,
        const uint8_t *mask, double threshold, sg_error *err);

/* Share of the map's sum where covered is not 0; NaN of a flat map. */
double sg_map_share(const sg_plane *map, const uint8_t *covered);
/* A Gaussian in the middle, standard deviation a quarter of each side: what looking at the centre
 * without a model scores. *out: new plane. */
SG_MUST_CHECK sg_status sg_map_centre(sg_plane *out, int width, int height, sg_error *err);
/* A map at SG_MAP_SAMPLES places of an even raster: enough to compare maps by, and small. */
enum { SG_MAP_RASTER = 48, SG_MAP_SAMPLES = SG_MAP_RASTER * SG_MAP_RASTER };
void sg_map_sample(float samples[SG_MAP_SAMPLES], const sg_plane *map);
/* Spearman's rank correlation of two maps' samples; NaN when one of them is level. */
SG_MUST_CHECK sg_status sg_map_correlate(
        double *out, const float *a, const float *b, sg_error *err);

#endif
