/* explore.h - the page about a set of images before anything is learned from it: class balance,
 * sizes, grey levels, contrast, sharpness, what belongs together, pictures, and the figures that
 * the paper states beside those found. Everything is borrowed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_REPORT_EXPLORE_H
#define SG_REPORT_EXPLORE_H

#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct sg_explore_class {
    const char *name;
    size_t images, groups, with_masks;
    const double *levels; /* [256] mean share of pixels per grey level */
} sg_explore_class;

typedef struct sg_explore_image {
    size_t class_index;
    double width, height, mean, sd, relative, sharpness; /* as data/survey.h says */
} sg_explore_image;

typedef struct sg_explore_picture {
    const void *png; /* NULL: could not be drawn */
    size_t png_size;
    const char *class_name;
    const char *name; /* short hash, or the path where the user wants it */
} sg_explore_picture;

/* Pictures that belong together: a group under more than one class. */
typedef struct sg_explore_conflict {
    const char *group;
    const sg_explore_picture *pictures;
    size_t count;
} sg_explore_conflict;

typedef struct sg_explore_fact {
    const char *name, *value;
} sg_explore_fact;

typedef struct sg_explore_page {
    const char *name;     /* of the set; no path */
    const char *grouping; /* how groups were made, in words */
    bool lower_bound;     /* groups from pixels */
    const sg_explore_class *classes;
    size_t class_count;
    const sg_explore_image *images;
    size_t image_count;
    size_t groups, shared_groups, shared_images, largest_group;
    size_t exact_duplicates, exact_conflicts, conflicting_groups, conflicting_images;
    size_t masks, stray_masks, skipped;
    bool simulated;                 /* some or all images are phantoms */
    const sg_explore_fact *formats; /* "3 channels, 8 bits" and how many */
    size_t format_count;
    const sg_explore_picture *pictures; /* the contact sheet, class after class */
    size_t picture_count;
    const sg_explore_conflict *conflicts;
    size_t conflict_count; /* shown; conflicting_groups says how many there are */
} sg_explore_page;

SG_MUST_CHECK sg_status sg_explore_write(
        const sg_explore_page *page, const char *path, sg_error *err);

#endif
