/* explain.h - the page of a study of heat maps: what each method scores against the lesions, beside
 * its baselines, whether it passes the sanity checks, what it owes to burnt-in marks; and a picture
 * of one image with its map as SVG. Filled by the caller; borrows everything; same input, same
 * bytes. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_EXPLAIN_H
#define SG_REPORT_EXPLAIN_H

#include "report/evaluation.h"

enum { SG_EXPLAIN_COLUMNS = 8 };
/* Order of the values: pointing, energy inside, IoU best, IoU fixed, AUPRC, peak distance,
 * deletion, insertion. */

typedef struct sg_explain_row {
    const char *name;
    const char *mark; /* "fails", shown behind the name; NULL: none */
    size_t images;
    sg_evaluation_value values[SG_EXPLAIN_COLUMNS]; /* NaN: not measured */
} sg_explain_row;

typedef struct sg_explain_table {
    const char *title, *lead;
    const sg_explain_row *rows;
    size_t count;
} sg_explain_table;

/* One line of a chart: name, points. */
typedef struct sg_explain_line {
    const char *name;
    const double *x, *y, *low, *high; /* low, high may be NULL */
    size_t n;
} sg_explain_line;

typedef struct sg_explain_sanity {
    const char *name;
    double untrained; /* mean rank correlation with the map of drawn weights; NaN: not run */
    double permuted;  /* the same, trained on permuted labels */
    double others;    /* between maps of different images: what chance gives */
    bool fails;
} sg_explain_sanity;

typedef struct sg_explain_marked { /* the shortcut check, one method */
    const char *name;
    sg_evaluation_value share, area; /* of the map's energy, and of the image, on marks */
} sg_explain_marked;

typedef struct sg_explain_calm { /* images without a lesion, one map */
    const char *name;
    size_t images;
    sg_evaluation_value hot; /* share of the image in the hot region */
} sg_explain_calm;

typedef struct sg_explain_page {
    const char *data, *distance_unit; /* "px" or "mm" */
    const sg_page_fact *facts;
    size_t fact_count;
    const char *const *warnings; /* [warning_count] "mark", "text", in pairs */
    size_t warning_count;
    const sg_explain_table *tables;
    size_t table_count;
    const sg_explain_calm *calm;
    size_t calm_count;
    const sg_explain_sanity *sanity;
    size_t sanity_count;
    const sg_explain_line *cascade; /* x: stages drawn anew, y: correlation */
    size_t cascade_count;
    const sg_explain_line *deletion, *insertion;
    size_t curve_count;           /* of each */
    const sg_explain_line *gates; /* per class; x: gate, from the first */
    size_t gate_count;
    const sg_explain_marked *marked;
    size_t marked_count, marked_images, flipped;
    const char *const *flips;   /* [flipped] one sentence per image whose class flips */
    size_t abstained;           /* images with a reason not to use the answer */
    const char *const *reasons; /* [reason_count] one sentence per image, of the first ones */
    size_t reason_count;
    const sg_page_image *pictures;
    size_t picture_count;
    const char *interval_method;
} sg_explain_page;

SG_MUST_CHECK sg_status sg_explain_page_write(
        const sg_explain_page *page, const char *path, sg_error *err);

/* The image, and beside it the image under its colours with the outline of the hot region (map >=
 * threshold) as a path. plain and overlay: PNG bytes of width x height pixels. */
typedef struct sg_explain_picture {
    const char *title;
    int width, height;
    const void *plain, *overlay;
    size_t plain_size, overlay_size;
    const float *map; /* [height][width] */
    double threshold;
} sg_explain_picture;
void sg_explain_put_svg(sg_str *out, const sg_explain_picture *picture);

#endif
